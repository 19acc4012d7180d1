package warehouse

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// viewsState is a row of schema_views.
type viewsState struct {
	n           uint64
	number      int64
	revision    uint32
	whole       bool
	definitions map[string]string // digests by name
}

func (s viewsState) rank(o viewsState) int {
	return cmp.Or(cmp.Compare(s.number, o.number), cmp.Compare(s.revision, o.revision))
}

func (s viewsState) same(o viewsState) bool {
	return s.rank(o) == 0 && maps.Equal(s.definitions, o.definitions)
}

// precedes reports whether s has its way where both are at it. Two builds that bear
// one revision have some order, so that one of them does.
func (s viewsState) precedes(o viewsState) bool {
	digest := func(s viewsState) string {
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(s.definitions)) {
			b.WriteString(name + s.definitions[name])
		}
		return b.String()
	}
	return cmp.Or(s.rank(o), cmp.Compare(digest(s), digest(o))) > 0
}

// there are those of the names that the database has.
func (v viewMaker) there(ctx context.Context, engine string, names []string) ([]string, error) {
	var there []string
	err := v.db.Query(ctx, "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = ? AND has(?, name)", []any{engine, names},
		func(r driver.Rows) error {
			var name string
			err := r.Scan(&name)
			there = append(there, name)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("look for views: %w", err)
	}
	return there, nil
}

// states are the rows of schema_views with that number or a higher one.
func (v viewMaker) states(ctx context.Context, from uint64) ([]viewsState, error) {
	var out []viewsState
	err := v.db.Query(ctx, "SELECT n, number, revision, whole, definitions FROM schema_views WHERE n >= ? ORDER BY n, whole", []any{from},
		func(r driver.Rows) error {
			var s viewsState
			err := r.Scan(&s.n, &s.number, &s.revision, &s.whole, &s.definitions)
			out = append(out, s)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read which views are there: %w", err)
	}
	return out, nil
}

// note adds a row for this program and returns its number.
func (v viewMaker) note(ctx context.Context, whole bool) (n uint64, err error) {
	if err := v.db.QueryRow(ctx, "SELECT max(n) + 1 FROM schema_views").Scan(&n); err != nil {
		return 0, fmt.Errorf("note which views are there: %w", err)
	}
	names := slices.Sorted(maps.Keys(v.mine.definitions))
	digests := make([]string, len(names))
	for i, name := range names {
		digests[i] = v.mine.definitions[name]
	}
	_, err = v.std.ExecContext(ctx, "INSERT INTO schema_views (n, number, revision, whole, definitions) SELECT ?, ?, ?, ?, mapFromArrays(?, ?)",
		n, v.mine.number, v.mine.revision, whole, names, digests)
	if err != nil {
		return 0, fmt.Errorf("note which views are there: %w", err)
	}
	return n, nil
}

package calls

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/warehouse"
)

// FingerprintOf is the fingerprint of a record in its cdr.Canonical form, were it
// stored. It knows the columns from the way rows are written. xxHash64 is used because
// the server has it too, and it is the fastest that both have.
func (*DB) FingerprintOf(r call.Record) cdr.Fingerprint {
	h := rowText{}
	_ = appendCall(&h, cdr.CallWrite{Record: r})
	f := cdr.Fingerprint{CallID: r.CallID, Rows: h.sum(), First: r.CallID == r.GroupID}
	for _, l := range r.Legs {
		_ = appendLeg(&h, r, l, 0, false)
		f.Rows += h.sum()
	}
	if number := r.ClientNumber.Digits; number != "" {
		_ = appendClient(&h, r, number, 0, false)
		f.Clients = h.sum()
	}
	return f
}

// rowText is a batch that keeps nothing but the text of the last row: its
// columns without version and is_deleted, which are the last two of each table.
type rowText struct {
	warehouse.Batch
	text []byte
}

const columnEnd = '\x1f'

func (h *rowText) Append(values ...any) error {
	h.text = h.text[:0]
	for _, v := range values[:len(values)-2] {
		switch v := v.(type) {
		case string:
			h.text = append(h.text, v...)
		case []string:
			h.text = append(h.text, strings.Join(v, ",")...)
		case uint64:
			h.text = strconv.AppendUint(h.text, v, 10)
		case uint32:
			h.text = strconv.AppendUint(h.text, uint64(v), 10)
		case uint16:
			h.text = strconv.AppendUint(h.text, uint64(v), 10)
		case bool:
			h.text = strconv.AppendBool(h.text, v)
		case time.Time:
			h.text = strconv.AppendInt(h.text, v.UnixMilli(), 10)
		case *time.Time:
			if v != nil {
				h.text = strconv.AppendInt(h.text, v.UnixMilli(), 10)
			}
		case *uint32:
			if v != nil {
				h.text = strconv.AppendUint(h.text, uint64(*v), 10)
			}
		default:
			panic(fmt.Sprintf("a column of type %T has no text", v))
		}
		h.text = append(h.text, columnEnd)
	}
	return nil
}

func (h *rowText) sum() uint64 { return xxhash.Sum64(h.text) }

// hashed is the same hash in the server's words, of columns as they are listed.
func hashed(columns string) string {
	names := strings.Split(columns, ",")
	terms := make([]string, len(names)-2)
	for i := range terms {
		switch name := strings.TrimSpace(names[i]); {
		case strings.HasSuffix(name, "_at"):
			terms[i] = "ifNull(toString(toUnixTimestamp64Milli(" + name + ")), '')"
		case name == "recordings":
			terms[i] = "arrayStringConcat(recordings, ',')"
		default:
			terms[i] = "ifNull(toString(" + name + "), '')"
		}
	}
	return fmt.Sprintf("xxHash64(concat(%s, '\\x1f'))", strings.Join(terms, ", '\\x1f', "))
}

var fingerprintsSQL = `
	SELECT call_id, sum(own), sum(listed), max(is_first)
	FROM (
		SELECT call_id, ` + hashed(callColumns) + ` AS own, 0 AS listed, call_id = group_id AS is_first FROM calls FINAL WHERE {range}
		UNION ALL
		SELECT call_id, ` + hashed(legColumns) + `, 0, false FROM legs FINAL WHERE {range}
		UNION ALL
		SELECT call_id, 0, ` + hashed(clientColumns) + `, false FROM calls_by_client FINAL WHERE {range}
	)
	GROUP BY call_id
	ORDER BY call_id`

// Fingerprints are those of all that is stored of the calls with an id in the
// range, by id. It reads the tables from end to end, since rows lie
// by time: ask for many calls at once.
func (db *DB) Fingerprints(ctx context.Context, in cdr.Range) ([]cdr.Fingerprint, error) {
	var out []cdr.Fingerprint
	err := db.Do(ctx, "read fingerprints", warehouse.StreamTimeout, func(ctx context.Context) error {
		ctx = warehouse.WithSettings(ctx, warehouse.Settings{"do_not_merge_across_partitions_select_final": 1})
		out = out[:0]
		sql := strings.ReplaceAll(fingerprintsSQL, "{range}", within(in, "call_id"))
		return db.Query(ctx, sql, []any{in.Integration, in.Integration, in.Integration}, func(r warehouse.Rows) error {
			var f cdr.Fingerprint
			var first uint8
			err := r.Scan(&f.CallID, &f.Rows, &f.Clients, &first)
			f.First = first != 0
			out = append(out, f)
			return err
		})
	})
	return out, err
}

// MendKeys writes the keys of rows of calls that call_keys does not know, and
// counts them: without its key a row is never replaced, and a call that moves
// would show twice. dry only counts.
func (db *DB) MendKeys(ctx context.Context, in cdr.Range, dry bool) (uint64, error) {
	var missing uint64
	err := db.Do(ctx, "mend keys", warehouse.StreamTimeout, func(ctx context.Context) error {
		from := `FROM calls WHERE ` + within(in, "group_id") + `
			AND (group_id, started_at, call_id) NOT IN (SELECT group_id, started_at, call_id FROM call_keys WHERE ` + within(in, "group_id") + `)`
		args := []any{in.Integration, in.Integration}
		if err := db.QueryRow(ctx, "SELECT count() "+from, args...).Scan(&missing); err != nil || missing == 0 || dry {
			return err
		}
		return db.InsertSelect(ctx,
			"INSERT INTO call_keys (integration, group_id, started_at, call_id) SELECT integration, group_id, started_at, call_id "+from, args...)
	})
	return missing, err
}

// TopVersions is the highest version of any row of each group's calls and legs
// that is kept, live or not. A tombstone hides every row of a lower one.
func (db *DB) TopVersions(ctx context.Context, keys []call.GroupKey) (map[call.GroupKey]uint64, error) {
	out := make(map[call.GroupKey]uint64, len(keys))
	err := db.Do(ctx, "read versions", warehouse.ReadTimeout, func(ctx context.Context) error {
		found, err := db.rowKeys(ctx, keys)
		if err != nil || len(found) == 0 {
			return err
		}
		ctx, inMonths, err := withRowKeys(ctx, found)
		if err != nil {
			return err
		}
		return db.Query(ctx, `
			SELECT started_at, integration, call_id, max(version), max(of)
			FROM (
				SELECT started_at, integration, call_id, version, group_id AS of FROM calls WHERE `+inMonths+` AND `+underKeys("wanted")+`
				UNION ALL
				SELECT started_at, integration, call_id, version, 0 FROM legs WHERE `+inMonths+` AND (started_at, integration, call_id) IN wanted
			)
			GROUP BY started_at, integration, call_id`, nil, func(r warehouse.Rows) error {
			var at time.Time
			var id, v, group uint64
			var k call.GroupKey
			err := r.Scan(&at, &k.Integration, &id, &v, &group)
			k.GroupID = cmp.Or(group, id)
			out[k] = max(out[k], v)
			return err
		})
	})
	return out, err
}

// ListedUnder are the client numbers in whose lists each group's first call
// shows. It reads all lists: ask for many calls at once, and seldom.
func (db *DB) ListedUnder(ctx context.Context, keys []call.GroupKey) (map[call.GroupKey][]string, error) {
	out := make(map[call.GroupKey][]string, len(keys))
	if len(keys) == 0 {
		return out, nil
	}
	err := db.Do(ctx, "read clients' lists", warehouse.StreamTimeout, func(ctx context.Context) error {
		ctx, err := WithKeys(ctx, keys)
		if err != nil {
			return err
		}
		return db.Query(ctx, "SELECT DISTINCT integration, call_id, client_number FROM calls_by_client FINAL WHERE (integration, call_id) IN asked",
			nil, func(r warehouse.Rows) error {
				var k call.GroupKey
				var number string
				err := r.Scan(&k.Integration, &k.GroupID, &number)
				out[k] = append(out[k], number)
				return err
			})
	})
	return out, err
}

// TopEpoch is the highest epoch of any row of calls.
func (db *DB) TopEpoch(ctx context.Context) (uint16, error) {
	var top uint64
	err := db.Do(ctx, "read the epoch", warehouse.StreamTimeout, func(ctx context.Context) error {
		return db.QueryRow(ctx, "SELECT max(version) FROM calls").Scan(&top)
	})
	epoch, _, _ := cdr.SplitCallVersion(top)
	return epoch, err
}

// groupKeys are the keys that an id may stand for.
func groupKeys(integration, id string) []call.GroupKey {
	keys := []call.GroupKey{{Integration: integration, GroupID: call.ID(integration, call.BaseID(id))}}
	if n, err := strconv.ParseUint(id, 10, 64); err == nil {
		keys = append(keys, call.GroupKey{Integration: integration, GroupID: n})
	}
	return keys
}

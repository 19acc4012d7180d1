package directories

import (
	"context"
	"time"

	"fonoteka/internal/warehouse"
)

// AccountAt is an account at a moment.
type AccountAt struct {
	Integration, Account string // Account: the SIP id of a terminal or a workplace
	At                   time.Time
}

// Person is who used an account. Its words are empty where nobody knows.
type Person struct{ Workplace, Employee, Department string }

// Who says who used accounts at their moments, in the order of the question. It goes by
// the dictionary that reports go by, so that both say the same.
func (db *DB) Who(ctx context.Context, asked []AccountAt) ([]Person, error) {
	out := make([]Person, len(asked))
	if len(asked) == 0 {
		return out, nil
	}
	err := db.Do(ctx, "read people", warehouse.ReadTimeout, func(ctx context.Context) error {
		ctx, err := warehouse.WithTable(ctx, "asked",
			warehouse.Fields{{"n", "UInt64"}, {"integration", "String"}, {"account", "String"}, {"at", "DateTime64(3, 'UTC')"}}, len(asked),
			func(i int) []any {
				return []any{uint64(i), asked[i].Integration, asked[i].Account, warehouse.ClampTime(asked[i].At)}
			})
		if err != nil {
			return err
		}
		return db.Query(ctx, `WITH dictGet('directory_account', ('workplace', 'employee', 'department'), (integration, account), at) AS who
			SELECT n, who.1, who.2, who.3 FROM asked`, nil, func(r warehouse.Rows) error {
			var n uint64
			var p Person
			err := r.Scan(&n, &p.Workplace, &p.Employee, &p.Department)
			if err == nil {
				out[n] = p
			}
			return err
		})
	})
	return out, err
}

package warehouse

import "context"

// Refusals are the codes that IsRefusal knows, with their names.
var Refusals = refusals

// Exec runs SQL that changes something, which Query does not.
func (db *DB) Exec(ctx context.Context, sql string) error { return db.conn.Exec(ctx, sql) }

// NewGroup makes a group of questions and returns how one is asked.
func NewGroup(read func(ctx context.Context, keys []int) (map[int]int, error)) func(ctx context.Context, key int) (int, bool, error) {
	return (&group[int, int]{read: read}).get
}

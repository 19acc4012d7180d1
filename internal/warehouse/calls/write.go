package calls

import (
	"context"

	"golang.org/x/sync/errgroup"

	"fonoteka/internal/cdr"
	"fonoteka/internal/warehouse"
)

// WriteCalls stores records and tombstones. When it returns nil they are on
// disk. The call_keys come first, then legs and the clients' lists side by side,
// as each waits for the disk most of its time, and the calls last, so that
// whoever sees a call sees its legs. After an error or a crash in between,
// StoredCalls finds every row that was written, and writing again with the same
// or a higher version mends it; until then a call that moved may show twice or
// not at all, never for good. There must be one writer of calls at a time.
func (db *DB) WriteCalls(ctx context.Context, writes []cdr.CallWrite) error {
	return db.Do(ctx, "write calls", warehouse.InsertTimeout, func(ctx context.Context) error {
		if err := db.insertKeys(ctx, writes); err != nil {
			return err
		}
		rows, both := errgroup.WithContext(ctx)
		rows.Go(func() error { return db.insertLegs(both, writes) })
		rows.Go(func() error { return db.insertByClient(both, writes) })
		if err := rows.Wait(); err != nil {
			return err
		}
		return db.insertCalls(ctx, writes)
	})
}

func (db *DB) insertKeys(ctx context.Context, writes []cdr.CallWrite) error {
	return db.Insert(ctx, "call_keys", "integration, group_id, started_at, call_id", len(writes), func(b warehouse.Batch) error {
		for _, w := range writes {
			r := w.Record
			if err := b.Append(r.Integration, r.GroupID, warehouse.ToMilli(r.StartedAt), r.CallID); err != nil {
				return err
			}
		}
		return nil
	})
}

func (db *DB) insertByClient(ctx context.Context, writes []cdr.CallWrite) error {
	n := 0
	for _, w := range writes {
		n += len(w.GoneNumbers)
		if w.Record.ClientNumber.Digits != "" {
			n++
		}
	}
	return db.Insert(ctx, "calls_by_client", clientColumns, n, func(b warehouse.Batch) error {
		for _, w := range writes {
			if number := w.Record.ClientNumber.Digits; number != "" {
				if err := appendClient(b, w.Record, number, w.Version, w.Deleted); err != nil {
					return err
				}
			}
			for _, number := range w.GoneNumbers {
				if err := appendClient(b, w.Record, number, w.Version, true); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (db *DB) insertLegs(ctx context.Context, writes []cdr.CallWrite) error {
	n := 0
	for _, w := range writes {
		n += len(w.Record.Legs) + len(w.GoneLegs)
	}
	return db.Insert(ctx, "legs", legColumns, n, func(b warehouse.Batch) error {
		for _, w := range writes {
			for _, l := range w.Record.Legs {
				if err := appendLeg(b, w.Record, l, w.Version, w.Deleted); err != nil {
					return err
				}
			}
			for _, l := range w.GoneLegs {
				if err := appendLeg(b, w.Record, l, w.Version, true); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (db *DB) insertCalls(ctx context.Context, writes []cdr.CallWrite) error {
	return db.Insert(ctx, "calls", callColumns, len(writes), func(b warehouse.Batch) error {
		for _, w := range writes {
			if err := appendCall(b, w); err != nil {
				return err
			}
		}
		return nil
	})
}

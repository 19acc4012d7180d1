package calls

import (
	"context"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
)

// Talks reads how long the parties of each group's call talked. A group is left out of
// which no call is known yet, or several are, or the end or the talk of its call is not.
func (db *DB) Talks(ctx context.Context, keys []call.GroupKey) (map[call.GroupKey]time.Duration, error) {
	ids := map[string][]uint64{}
	for _, k := range keys {
		ids[k.Integration] = append(ids[k.Integration], k.GroupID)
	}
	out := make(map[call.GroupKey]time.Duration, len(keys))
	err := db.Do(ctx, "read talk times", warehouse.ReadTimeout, func(ctx context.Context) error {
		for integration, ids := range ids {
			err := db.Query(ctx, `
				SELECT group_id, any(talk_ms)
				FROM calls FINAL
				WHERE `+underKeys("call_keys WHERE integration = ? AND group_id IN ?")+`
				GROUP BY group_id
				HAVING count() = 1 AND any(isNotNull(ended_at)) AND any(talk_ms) > 0`, []any{integration, ids}, func(r warehouse.Rows) error {
				var id uint64
				var talk uint32
				err := r.Scan(&id, &talk)
				out[call.GroupKey{Integration: integration, GroupID: id}] = warehouse.FromMS(talk)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

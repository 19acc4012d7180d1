package installation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/words"
)

// Emptied says what lies beside a warehouse that holds nothing, and came from one that
// did: it is probably another server or database than was meant, or one that was lost. It
// is "" where all is new, or the warehouse is not empty. relayed is the number of
// notifications that were brought to a warehouse from this spool. Where there are none,
// only recordings that were stored before the given time count: later ones were announced
// by what is still to be brought there, as recordings are fetched without a warehouse,
// too. b may be nil.
func Emptied(ctx context.Context, db *warehouse.DB, b *blob.Bucket, relayed uint64, before time.Time) (string, error) {
	empty, err := db.Empty(ctx)
	if err != nil || !empty {
		return "", err
	}
	var beside []string
	if relayed > 0 {
		before = time.Now()
		beside = append(beside, "the spool has brought "+words.Count(int(relayed), "notification")+" to a ClickHouse before")
	}
	if b != nil && holdsRecordings(ctx, b, before) {
		beside = append(beside, fmt.Sprintf("the bucket %s holds recordings", b.Name()))
	}
	if len(beside) == 0 {
		return "", nil
	}
	return "ClickHouse is empty, but " + strings.Join(beside, ", and "), nil
}

// FillEmptied says what to do about it.
const FillEmptied = "is it the right server and database? If it is, and its tables were lost: restore them from a backup, then run fonoteka replay --from with the time of the backup; " +
	"without one, fonoteka recordings rebuild-catalogue reads recordings from the bucket, and fonoteka replay --from brings the notifications that the spool still has (7 days)"

// holdsRecordings looks at the first keys of a bucket, which are those of the oldest days.
// It is false for one that does not answer: that is said elsewhere.
func holdsRecordings(ctx context.Context, b *blob.Bucket, before time.Time) bool {
	const looked = 10
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	page, err := b.ListPage(ctx, bucket.Recordings, "", looked)
	return err == nil && slices.ContainsFunc(page, func(o blob.Object) bool { return o.StoredAt.Before(before) })
}

package catalogue

import (
	"cmp"
	"context"
	"slices"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
)

// siblings are the calls with several archived recordings, or a copy, of which a
// recording was archived or erased since a time, in milliseconds.
const siblings = `SELECT integration, group_id FROM recordings
	WHERE state = 'archived' AND (integration, group_id) IN (
		SELECT integration, group_id FROM recordings
		WHERE updated_at >= fromUnixTimestamp64Milli(?, 'UTC') AND state IN ('archived', 'erased') AND group_id != 0)
	GROUP BY integration, group_id HAVING uniqExact(recording_id) > 1 OR max(copy_of) != ''`

// copiesAtOnce bounds the calls whose recordings are read at a time.
const copiesAtOnce = 2000

// MarkCopies says of the archived recordings of one call whose links have one path
// and whose files have one digest which are copies of the one that was announced
// first: they count once. It looks at calls of which a recording was archived since a
// time, and returns how many rows it has changed. To look again changes nothing.
func (db *DB) MarkCopies(ctx context.Context, since time.Time) (changed int, err error) {
	var keys []call.GroupKey
	err = db.Do(ctx, "find links of one call", warehouse.ReadTimeout, func(ctx context.Context) error {
		keys = nil
		return db.Query(ctx, siblings, []any{warehouse.ClampTime(since).UnixMilli()}, func(r warehouse.Rows) error {
			var k call.GroupKey
			err := r.Scan(&k.Integration, &k.GroupID)
			keys = append(keys, k)
			return err
		})
	})
	for page := range slices.Chunk(keys, copiesAtOnce) {
		if err != nil {
			break
		}
		var rows []call.RecordingStatus
		if rows, err = db.archivedOf(ctx, page); err == nil {
			rows = marked(rows)
			err = db.SaveRecordings(ctx, rows)
			changed += len(rows)
		}
	}
	return changed, err
}

func (db *DB) archivedOf(ctx context.Context, keys []call.GroupKey) (rows []call.RecordingStatus, err error) {
	asked, err := calls.WithKeys(ctx, keys)
	if err != nil {
		return nil, err
	}
	err = db.Do(asked, "read recordings of calls", warehouse.ReadTimeout, func(ctx context.Context) error {
		rows = nil
		return db.Query(ctx, "SELECT "+recordingColumns+" FROM recordings FINAL WHERE state = 'archived' AND (integration, group_id) IN asked", nil,
			func(r warehouse.Rows) error {
				s, err := scanRecording(r)
				rows = append(rows, s)
				return err
			})
	})
	return rows, err
}

// marked are the rows that must say otherwise than they do of what they are copies of.
func marked(rows []call.RecordingStatus) (out []call.RecordingStatus) {
	slices.SortFunc(rows, func(a, b call.RecordingStatus) int {
		return cmp.Or(a.AnnouncedAt.Compare(b.AnnouncedAt), cmp.Compare(a.ID, b.ID))
	})
	type file struct {
		integration  string
		group        uint64
		path, digest string
	}
	first := map[file]string{}
	for _, r := range rows {
		f := file{r.Integration, r.GroupID, call.LinkPath(r.URL), r.SHA256}
		of := first[f]
		if of == "" {
			first[f] = r.ID
		}
		if r.CopyOf != of {
			r.CopyOf = of
			out = append(out, r)
		}
	}
	return out
}

// CopiesAmong says which recordings of calls are copies of another of theirs.
func (db *DB) CopiesAmong(ctx context.Context, records []call.Record) (map[Key]bool, error) {
	var keys []Key
	for _, c := range records {
		for _, id := range c.Recordings {
			if len(c.Recordings) > 1 {
				keys = append(keys, Key{c.Integration, id})
			}
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	asked, err := withKeys(ctx, len(keys), func(i int) Key { return keys[i] })
	if err != nil {
		return nil, err
	}
	out := map[Key]bool{}
	err = db.Do(asked, "find copies", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, "SELECT integration, recording_id FROM recordings FINAL WHERE (integration, recording_id) IN asked AND copy_of != ''", nil,
			func(r warehouse.Rows) error {
				var k Key
				err := r.Scan(&k.Integration, &k.ID)
				out[k] = true
				return err
			})
	})
	return out, err
}

// shared are the recordings that several calls name; last is when another one first did.
const shared = `SELECT integration, recording_id, groupUniqArray(10)(group_id) AS calls, max(announced_at) AS last
	FROM recording_calls GROUP BY integration, recording_id HAVING min(group_id) != max(group_id)`

// SharedRecording is a recording that several calls name: the operator gave them one
// link, and one of them shows another's conversation.
type SharedRecording struct {
	Key
	Calls []uint64  // groups of the calls, ten at most
	Last  time.Time // when another one first did
}

// SharedRecordings lists those, the newest first; total counts all.
func (db *DB) SharedRecordings(ctx context.Context, limit int) (out []SharedRecording, total uint64, err error) {
	err = db.Do(ctx, "find recordings of several calls", warehouse.ReadTimeout, func(ctx context.Context) error {
		out, total = nil, 0
		return db.Query(ctx, "SELECT integration, lower(hex(recording_id)), calls, last, count() OVER () FROM ("+shared+") ORDER BY last DESC, recording_id LIMIT ?",
			[]any{limit}, func(r warehouse.Rows) error {
				var s SharedRecording
				err := r.Scan(&s.Integration, &s.ID, &s.Calls, &s.Last, &total)
				slices.Sort(s.Calls)
				out = append(out, s)
				return err
			})
	})
	return out, total, err
}

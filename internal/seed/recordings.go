package seed

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"fonoteka/internal/sim"
)

// ranks of the states that are seeded.
var ranks = map[string]uint64{"retrying": 1, "missing": 1, "expired": 2, "archived": 4}

// addRecordings writes the catalogue: nearly all archived, a few that never
// could be, and of the latest some that are still tried. There are no objects
// behind the rows.
func (w *writer) addRecordings(c *sim.HistoryCall, k known) {
	for i, f := range c.Files {
		w.addRecording(c, k, f, k.recordings[i])
	}
	w.recordings.rows += len(c.Files)
}

func (w *writer) addRecording(c *sim.HistoryCall, k known, f sim.HistoryFile, id string) {
	r := w.recordings
	sum := sha256.Sum256([]byte(id))
	day := f.Made.Truncate(24 * time.Hour) // the date in the link, never after the announcement
	expires := day.Add(w.s.o.LinkLife)
	now := w.s.o.History.To
	state, reason, code, status, attempt := "archived", "", "", uint16(0), uint64(1)
	var next time.Time
	rare := sum[4] < 16 // one in 4096 of each kind
	switch old := expires.Before(now); {
	case old && rare && sum[0] == 0:
		state, reason, code, status, attempt = "expired", "the operator's server has deleted it", "gone", 410, 40
	case !old && rare && sum[0] == 0:
		state, reason, code, status, attempt = "missing", "the operator's server says it is not there (404)", "not_found", 404, 12
		next = now.Add(time.Duration(1+sum[1]) * time.Hour)
	case !old && rare && sum[0] == 1:
		state, reason, code, status, attempt = "retrying", "the operator's server answered 503", "server_error", 503, 3
		next = now.Add(time.Duration(1+sum[1]) * time.Minute)
	}
	w.recordings.integration.Append(w.s.o.Integration)
	r.id.Append(id)
	r.state.Append(state)
	r.url.Append(f.URL)
	r.call.Append(k.call)
	r.platformCall.Append(c.PlatformID)
	r.platformLeg.Append(f.LegID)
	r.account.Append(f.AccountID)
	r.announced.Append(f.Announced)
	r.expires.Append(expires)
	r.reason_.Append(reason)
	r.code.Append(code)
	r.status.Append(status)
	r.attempt.Append(uint32(attempt))
	r.next.Append(orNull(next))
	w.addObject(state, f, sum, id, day)
	r.version.Append(ranks[state]<<56 | attempt<<36 | earlierWins(f.Announced))
}

// addObject fills in what only an archived recording has.
func (w *writer) addObject(state string, f sim.HistoryFile, sum [32]byte, id string, day time.Time) {
	r := w.recordings
	if state != "archived" {
		r.sha256.Append("")
		r.size.Append(0)
		r.duration.Append(0)
		r.bucket.Append("")
		r.key.Append("")
		r.archived.Append(orNull(time.Time{}))
		return
	}
	r.sha256.Append(hex.EncodeToString(sum[:]))
	r.size.Append(uint64(f.Seconds*2000 + int(sum[2])))
	r.duration.Append(uint32(f.Seconds * secondsToMS))
	r.bucket.Append("fonoteka")
	r.key.Append(fmt.Sprintf("recordings/%s/%s/%s.mp3", w.s.o.Integration, day.Format("2006/01/02"), id))
	r.archived.Append(orNull(f.Announced.Add(time.Duration(2+sum[3]%20) * time.Second)))
}

// earlierWins is the part of a recording's version that falls with the time of
// its announcement, in tenths of a second since 2000.
func earlierWins(announced time.Time) uint64 {
	const span = 1<<36 - 1
	since := announced.Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).Milliseconds() / 100
	return uint64(span - since)
}

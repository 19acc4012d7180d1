package volume

import (
	"slices"
	"time"

	"fonoteka/internal/call"
)

// Zone is how far the operator's times are from the configured time zone. The begin and
// the answer of a call are notified within a second or two, so that a larger difference
// between the notified time and the receive time is a wrong zone.
type Zone struct {
	// Known is false where too few calls came in the last day, or where their delays
	// differ too much to tell, as after an outage.
	Known bool
	// Offset is a multiple of 15 minutes: 0 if the zone is right; 3 h if the
	// announced times, read in the configured zone, are three hours early.
	Offset time.Duration
	// Skew is the remaining difference: that of the clocks, and the usual delay.
	Skew time.Duration
}

const (
	sample  = 200 // newest notifications that are read
	enough  = 10  // notifications of an integration that a zone is computed from, at least
	quarter = 15 * time.Minute
)

// promptStates are the states that are notified at the time they name. A call may come
// without trying: whether only parked numbers have it is not documented.
var promptStates = [...]call.State{call.Trying, call.Connected}

func zonesOf(rows []call.Notification, decode Decode) map[string]Zone {
	delays := map[string][]time.Duration{}
	for _, r := range rows {
		e, err := decode(r.Integration, r.Body, r.ReceivedAt)
		if err != nil || e.StartedAt.IsZero() || e.BadTime {
			continue
		}
		delays[r.Integration] = append(delays[r.Integration], r.ReceivedAt.Sub(e.StartedAt))
	}
	out := map[string]Zone{}
	for integration, d := range delays {
		out[integration] = zone(d)
	}
	return out
}

// zone takes the median of the delays, and trusts it only where the middle half of them
// lies close together.
func zone(delays []time.Duration) Zone {
	if len(delays) < enough {
		return Zone{}
	}
	slices.Sort(delays)
	n := len(delays)
	if delays[n*3/4]-delays[n/4] > quarter/2 {
		return Zone{}
	}
	median := delays[n/2]
	offset := median.Round(quarter)
	return Zone{Known: true, Offset: offset, Skew: median - offset}
}

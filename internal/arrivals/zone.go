package arrivals

import (
	"slices"
	"time"

	"fonoteka/internal/call"
)

// Zone is how far the operator's clock is from the configured time zone. A call
// announces its begin and its answer within a second or two, so that what is left
// between the announced time and the receive time is a wrong zone.
type Zone struct {
	// Known is false where too few calls came in the last day, or where they came
	// with delays so different that nothing can be said, as after an outage.
	Known bool
	// Offset is a multiple of 15 minutes: 0 if the zone is right; 3 h if the
	// announced times, read in the configured zone, are three hours early.
	Offset time.Duration
	// Skew is what is left: the clocks' difference and the usual delay.
	Skew time.Duration
}

const (
	sample  = 200 // of the newest calls of an integration
	enough  = 10
	quarter = 15 * time.Minute
)

// telling are the states that come at the time they name. A call may do without
// trying: whether only parked numbers have it is not documented.
var telling = [...]call.State{call.Trying, call.Connected}

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

// zone takes the median, and trusts it only where the middle half of the delays
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

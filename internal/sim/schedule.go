package sim

import (
	"math/rand/v2"
	"sort"
	"time"
)

// delivery is one posting of a notification.
type delivery struct {
	note *Notification
	lane int           // postings of one lane follow each other; a call's share one
	at   time.Duration // counted from the beginning of Post
	rank float64       // place among the others
}

const (
	maxDelay     = 5 * time.Second
	maxRepeatGap = 400 // places between a notification and its repetition
)

// plan is every notification once, in the order of life.
func (s *Sim) plan() []delivery {
	speed := s.opts.Speed
	if !s.opts.Since.IsZero() {
		speed = 0
	}
	var out []delivery
	for _, c := range s.Calls() {
		if c.played {
			continue
		}
		start := postAt(s.opts, c.index)
		for _, n := range c.Notifications {
			d := delivery{note: n, lane: c.index, at: start}
			if speed > 0 {
				d.at += time.Duration(float64(n.After) / speed)
			}
			out = append(out, d)
		}
		if c.directory != nil {
			out = append(out, delivery{note: c.directory, lane: c.index, at: start})
		}
	}
	sort.SliceStable(out, func(a, b int) bool { return out[a].at < out[b].at })
	return out
}

// schedule is the plan with the faults of the way: shuffled, repeated, delayed.
// Places keep their times when notifications change places.
func (s *Sim) schedule() []delivery {
	r := newRand(s.opts.Seed, streamSchedule, 0)
	list := s.plan()
	shuffle(r, list, s.opts.Faults.Shuffle, s.opts.ShuffleWindow)
	list = repeat(r, list, s.opts.Faults.Duplicate)
	for i := range list {
		if r.Float64() < s.opts.Faults.Delay {
			list[i].at += time.Duration(r.Float64() * float64(maxDelay))
		}
	}
	sort.SliceStable(list, func(a, b int) bool { return list[a].at < list[b].at })
	return list
}

// shuffle moves a share of the list to other places, up to window away. A call
// whose notifications are out of order is posted from several lanes.
func shuffle(r *rand.Rand, list []delivery, share float64, window int) {
	times := make([]time.Duration, len(list))
	for i := range list {
		times[i] = list[i].at
		list[i].rank = float64(i)
		switch {
		case r.Float64() >= share:
			continue
		case window == 0:
			list[i].rank = r.Float64() * float64(len(list))
		default:
			list[i].rank += (2*r.Float64() - 1) * float64(window)
		}
		list[i].lane = r.IntN(1 << 20)
	}
	sort.SliceStable(list, func(a, b int) bool { return list[a].rank < list[b].rank })
	for i := range list {
		list[i].at = times[i]
	}
}

// repeat adds a share of the list again: half of them at once and on another
// lane, so that both may arrive together, the others later. Directory changes
// are not repeated, since each of their arrivals counts.
func repeat(r *rand.Rand, list []delivery, share float64) []delivery {
	out := make([]delivery, 0, len(list))
	for i, d := range list {
		d.rank = float64(i)
		out = append(out, d)
		if d.note.directory || r.Float64() >= share {
			continue
		}
		gap := 0
		if r.IntN(2) == 0 {
			gap = 1 + r.IntN(maxRepeatGap)
		}
		later := min(i+gap, len(list)-1)
		d.rank, d.at, d.lane = float64(later)+0.5, list[later].at, d.lane+1
		out = append(out, d)
	}
	sort.SliceStable(out, func(a, b int) bool { return out[a].rank < out[b].rank })
	return out
}

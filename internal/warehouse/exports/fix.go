package exports

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/pack"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/catalogue"
)

// selected is a call of the selection, in the version that counts.
type selected struct {
	startedAt   int64 // unix milliseconds
	call, group uint64
	version     uint64
	integration uint16 // in Source.names
	legs        uint16
	unanswered  bool
}

// naming is that a call names a recording.
type naming struct {
	recording   string
	call        uint64
	integration uint16
}

// fix reads which calls are selected, in which versions. It holds some 50 bytes for each
// call and each recording.
func (s *Source) fix(ctx context.Context) error {
	s.names, s.calls, s.named, s.unmatched = nil, nil, nil, nil
	s.until = time.Now()
	w := where(s.choice)
	asked := map[string]bool{} // whether it was found
	for _, id := range s.choice.IDs {
		asked[spelt(id)] = false
	}
	numbers := map[string]uint16{}
	err := s.db.Do(ctx, "select calls", warehouse.WorkTimeout, func(ctx context.Context) error {
		ctx = warehouse.WithSettings(ctx, warehouse.Settings{"do_not_merge_across_partitions_select_final": 1})
		if len(s.choice.IDs) > 0 {
			var err error
			if ctx, err = withNamed(ctx, s.choice.IDs); err != nil {
				return err
			}
		}
		return s.db.Query(ctx, `SELECT started_at, integration, call_id, group_id, version, legs, outcome, platform_call_id, recordings
			FROM calls FINAL`+w.SQL()+` ORDER BY started_at, integration, call_id`, w.Args, func(r warehouse.Rows) error {
			var one selected
			var at time.Time
			var integration, outcome, platform string
			var recordings []string
			if err := r.Scan(&at, &integration, &one.call, &one.group, &one.version, &one.legs, &outcome, &platform, &recordings); err != nil {
				return err
			}
			if len(asked) > 0 && !find(asked, one.call, platform, recordings) {
				return nil // another call of a group that has the recording
			}
			n, known := numbers[integration]
			if !known {
				n = uint16(len(s.names))
				numbers[integration], s.names = n, append(s.names, integration)
			}
			one.integration, one.startedAt, one.unanswered = n, at.UnixMilli(), outcome != string(call.Answered)
			s.calls = append(s.calls, one)
			for _, id := range recordings {
				s.named = append(s.named, naming{id, one.call, n})
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	for _, id := range s.choice.IDs {
		if !asked[spelt(id)] && !slices.Contains(s.unmatched, id) {
			s.unmatched = append(s.unmatched, id)
		}
	}
	s.sortNamed()
	return nil
}

// find notes which of the ids that were asked for a call answers to; false: none.
func find(asked map[string]bool, id uint64, platform string, recordings []string) (found bool) {
	for _, word := range append([]string{strconv.FormatUint(id, 10), platform}, recordings...) {
		if _, ok := asked[word]; ok {
			asked[word], found = true, true
		}
	}
	return found
}

// sortNamed puts recordings in the order of the catalogue, each once, with the call that
// has the least id of those that name it.
func (s *Source) sortNamed() {
	slices.SortFunc(s.named, func(a, b naming) int {
		return cmp.Or(cmp.Compare(s.names[a.integration], s.names[b.integration]), cmp.Compare(a.recording, b.recording), cmp.Compare(a.call, b.call))
	})
	s.named = slices.CompactFunc(s.named, func(a, b naming) bool { return a.integration == b.integration && a.recording == b.recording })
}

func (s *Source) keys() []catalogue.Key {
	keys := make([]catalogue.Key, len(s.named))
	for i, n := range s.named {
		keys[i] = catalogue.Key{Integration: s.names[n.integration], ID: n.recording}
	}
	return keys
}

// withCalls sends calls as the external table wanted.
func (s *Source) withCalls(ctx context.Context, calls []selected) (context.Context, error) {
	return warehouse.WithTable(ctx, "wanted",
		warehouse.Fields{{"started_at", "DateTime64(3, 'UTC')"}, {"integration", "String"}, {"call_id", "UInt64"}, {"version", "UInt64"}}, len(calls),
		func(i int) []any {
			c := calls[i]
			return []any{time.UnixMilli(c.startedAt).UTC(), s.names[c.integration], c.call, c.version}
		})
}

// Preview is what a selection comes to.
type Preview struct {
	Counts    pack.Counts // without legs and events
	Archived  int         // recordings that can be played
	Damaged   int         // in quarantine
	Bytes     int64       // of the files of both; others that are kept beside them come to it
	Unmatched []string
}

// Preview counts, and keeps nothing.
func (s *Source) Preview(ctx context.Context) (p Preview, err error) {
	if err := s.fix(ctx); err != nil {
		return p, err
	}
	p.Counts.Calls, p.Counts.Recordings, p.Unmatched = len(s.calls), len(s.named), s.unmatched
	for _, c := range s.calls {
		if c.unanswered {
			p.Counts.Unanswered++
		}
	}
	err = s.catalogue.EachOf(ctx, s.keys(), func(row call.RecordingStatus) error {
		switch {
		case row.State == call.Archived:
			p.Archived++
		case row.State == call.Quarantined && row.Key != "":
			if p.Damaged++; s.choice.WithoutQuarantine {
				return nil
			}
		default:
			return nil
		}
		p.Bytes += row.Size
		return nil
	})
	return p, err
}

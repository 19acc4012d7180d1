package exports

import (
	"context"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/custody"
	"fonoteka/internal/export"
	"fonoteka/internal/pack"
	"fonoteka/internal/warehouse/catalogue"
)

// Custody is part of export.Source. Of the audit come the entries that name a recording:
// that it was listened to, or given out. That it was exported is a step of custody.
func (s *Source) Custody(ctx context.Context, of []export.Recording) ([]export.History, error) {
	secret, err := s.catalogue.CustodySecret(ctx)
	if err != nil {
		return nil, err
	}
	keys, ids := make([]catalogue.Key, len(of)), make([]string, len(of))
	place := map[catalogue.Key]int{}
	for i, r := range of {
		keys[i], ids[i] = catalogue.Key{Integration: r.Integration, ID: r.ID}, r.ID
		place[keys[i]] = i
	}
	steps := make([][]custody.Written, len(of))
	err = s.catalogue.StepsOf(ctx, keys, func(on time.Time, c call.Custody) error {
		i := place[catalogue.Key{Integration: c.Integration, ID: c.RecordingID}]
		steps[i] = append(steps[i], custody.Written{On: on, Custody: c})
		return nil
	})
	if err != nil {
		return nil, err
	}
	entries, err := s.entries(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]export.History, len(of))
	for i, r := range of {
		out[i] = export.History{Steps: custody.Chain(secret, steps[i]), Entries: entries[r.ID]}
	}
	return out, nil
}

// entries are the lines of the audit about recordings, in order of writer and number. A row
// that is not what its hash was made of is left out: it is a finding of fonoteka audit
// verify, and says nothing of the recording.
func (s *Source) entries(ctx context.Context, ids []string) (map[string][][]byte, error) {
	rows, err := s.trails.AboutTargets(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := map[string][][]byte{}
	type place struct {
		writer string
		seq    uint64
	}
	seen := map[place]bool{}
	for _, row := range rows {
		line, err := row.Line()
		if err == nil {
			_, err = pack.ReadEntry(line)
		}
		if err != nil || seen[place{row.Writer, row.Seq}] {
			s.db.Log().Warn("a row of the audit is no entry, and is left out of the package (fonoteka audit verify shows more)", "writer", row.Writer, "seq", row.Seq)
			continue
		}
		seen[place{row.Writer, row.Seq}] = true
		out[row.Target] = append(out[row.Target], line)
	}
	return out, nil
}

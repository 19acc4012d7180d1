package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"fonoteka/internal/run"
	"fonoteka/internal/spool"
)

// Deliver gives records that do not come from the relay's source to the sink, as Run
// does: an outage is retried, and what is refused is set aside. When it returns
// nil, the records are durable there. No cursor moves.
func (r *Relay) Deliver(ctx context.Context, batch []spool.Record) error {
	for offer := len(batch); len(batch) > 0; {
		n, offered, err := r.deliver(ctx, batch[:min(offer, len(batch))])
		if err != nil {
			return err
		}
		offer, batch = 2*offered, batch[n:]
	}
	return nil
}

// Target is a relay that damaged spools are given to as well.
type Target struct {
	Relay *Relay
	Await func(context.Context) // returns when the sink may be given records; nil: at once
}

func (t Target) await(ctx context.Context) {
	if t.Await != nil {
		t.Await(ctx)
	}
}

// Salvager relays what can be read of damaged spools that were put aside: to
// each target the records that its cursor there had not passed. It notes in each folder
// what is done; a folder that a restart interrupted is relayed again from its beginning.
type Salvager struct {
	Folders func() ([]*spool.Damaged, error)
	Targets []Target
	Log     *slog.Logger // nil: discarded
}

// Run works until ctx is done. A folder that cannot be read is retried
// every minute.
func (s *Salvager) Run(ctx context.Context) error {
	s.Log = run.Log(s.Log)
	for ctx.Err() == nil {
		err := s.pass(ctx)
		if err == nil {
			<-ctx.Done()
			break
		}
		if ctx.Err() == nil {
			s.Log.Error("a damaged spool cannot be relayed, retrying", "err", err)
			run.Sleep(ctx, time.Minute)
		}
	}
	return nil
}

// surveyed is a folder of which it is known what can be read.
type surveyed struct {
	folder  *spool.Damaged
	salvage *spool.Salvage
	survey  spool.Survey
}

// pass surveys all folders first, so that it is known how much is missing,
// and then gives them to the targets concurrently: one may be away for days.
func (s *Salvager) pass(ctx context.Context) error {
	folders, err := s.Folders()
	if err != nil {
		return err
	}
	var todo []surveyed
	for _, d := range folders {
		if r := d.Report(); r.Done() {
			s.warnUnacknowledged(r)
			continue
		}
		f, surveyErr := s.survey(ctx, d)
		if surveyErr == nil {
			todo = append(todo, f)
		}
		err = errors.Join(err, surveyErr)
	}
	var wg sync.WaitGroup
	failed := make([]error, len(s.Targets))
	for i, t := range s.Targets {
		wg.Go(func() {
			for _, f := range todo {
				failed[i] = errors.Join(failed[i], s.relay(ctx, f, t))
			}
		})
	}
	wg.Wait()
	return errors.Join(errors.Join(failed...), err)
}

func (s *Salvager) cursors() (names []string) {
	for _, t := range s.Targets {
		names = append(names, t.Relay.opts.Cursor)
	}
	return names
}

// survey finds out what can be read of a folder. One without any file of a store holds
// nothing.
func (s *Salvager) survey(ctx context.Context, d *spool.Damaged) (f surveyed, err error) {
	f.folder = d
	f.salvage, err = d.Salvage()
	if err == nil {
		f.survey, err = f.salvage.Survey(ctx)
	} else if errors.Is(err, spool.ErrNoSpool) {
		f.salvage, f.survey, err = &spool.Salvage{}, spool.Survey{First: 1}, nil
	}
	if err == nil {
		err = d.Found(f.survey, s.cursors(), time.Now())
	}
	if err != nil {
		return f, fmt.Errorf("look through %s: %w", d.Name(), err)
	}
	for name, r := range d.Report().Found.Readers {
		s.Log.Error("damaged spool found, relaying what can be read", "folder", d.Name(), "cursor", name,
			"to_relay", r.Owed, "missing", r.Missing, "readable", f.survey.Readable, "first", f.survey.First, "last", f.survey.Last, "unreadable_places", f.survey.FaultCount)
	}
	return f, nil
}

// relay gives a folder to a target, unless that was done.
func (s *Salvager) relay(ctx context.Context, f surveyed, t Target) error {
	cursor := t.Relay.opts.Cursor
	if r := f.folder.Report().Found; r != nil && r.Readers[cursor].Done != nil {
		return nil
	}
	t.await(ctx)
	n := 0
	err := f.salvage.Records(ctx, f.survey, f.survey.From(cursor), func(batch []spool.Record) error {
		n += len(batch)
		return t.Relay.Deliver(ctx, batch)
	})
	if err == nil {
		err = f.folder.Relayed(cursor, uint64(n), time.Now())
	}
	if err != nil {
		return fmt.Errorf("relay what is left in %s to %s: %w", f.folder.Name(), cursor, err)
	}
	s.Log.Info("damaged spool relayed", "folder", f.folder.Name(), "cursor", cursor, "records", n)
	return nil
}

// warnUnacknowledged logs at each start the damaged spools that nobody has acknowledged.
func (s *Salvager) warnUnacknowledged(r spool.Report) {
	if r.Acknowledged != nil {
		return
	}
	s.Log.Error("damaged spool is not acknowledged, see fonoteka spool list", "folder", r.Folder, "since", r.Since, "err", r.Why)
}

// Resend gives everything that can be read in a folder, received at since or later, to
// all targets; each is called with the number of records sent so far. Nothing is noted in
// the folder.
func Resend(ctx context.Context, from *spool.Salvage, v spool.Survey, since time.Time, to []Target, each func(sent uint64)) error {
	for _, t := range to {
		t.await(ctx)
	}
	sent := uint64(0)
	return from.Records(ctx, v, 0, func(batch []spool.Record) error {
		kept := batch[:0]
		for _, rec := range batch {
			if !rec.ReceivedAt.Before(since) {
				kept = append(kept, rec)
			}
		}
		if len(kept) == 0 {
			return nil
		}
		for _, t := range to {
			if err := t.Relay.Deliver(ctx, kept); err != nil {
				return err
			}
		}
		sent += uint64(len(kept))
		each(sent)
		return nil
	})
}

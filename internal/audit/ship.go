package audit

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Table is the warehouse's table audit.
type Table interface {
	// AuditHead is the newest row of a writer; false if there is none.
	AuditHead(ctx context.Context, writer string) (Row, bool, error)
	// InsertAudit adds rows; one that is there already stays one.
	InsertAudit(ctx context.Context, rows []Row) error
}

// ShipperOptions of a Shipper. Table is required.
type ShipperOptions struct {
	Table      Table
	Anchors    Anchors       // nil: none
	Ready      func() error  // nil: always; why the table cannot be used yet
	Every      time.Duration // how often the file is looked at; 0: 2 s
	CheckEvery time.Duration // how often Run compares it with memory and anchors; 0: 6 h
}

// Shipper brings the entries of a Trail to the table, anchors them in the bucket,
// remembers how far they came, and looks again and again whether all that is still
// so. One per data folder is enough; a second one does no harm.
type Shipper struct {
	trail *Trail
	o     ShipperOptions

	file    *reader
	waiting []Row // read from the file and not in the table
	asked   bool  // the table was asked for its head
	head    Row   // of the table when it was asked; rows up to it are there
	days    days

	begun    bool
	known    Remembered // as it was recalled when reading began, and grew since
	distrust bool       // the file contradicts it: nothing more is remembered
	noted    bool       // the bucket knows which chain is the installation's
	due      time.Time  // the next check

	failing time.Time // since when; zero: it works
	said    bool      // that it fails
}

// NewShipper makes a Shipper.
func (t *Trail) NewShipper(o ShipperOptions) (*Shipper, error) {
	if o.Table == nil {
		return nil, errors.New("audit: a table is required")
	}
	if o.Ready == nil {
		o.Ready = func() error { return nil }
	}
	if o.Every <= 0 {
		o.Every = 2 * time.Second
	}
	if o.CheckEvery <= 0 {
		o.CheckEvery = 6 * time.Hour
	}
	return &Shipper{trail: t, o: o, file: t.reader()}, nil
}

// Run ships, anchors and checks until ctx ends. An outage is waited for.
func (s *Shipper) Run(ctx context.Context) error {
	tick := time.NewTicker(s.o.Every)
	defer tick.Stop()
	for {
		shipped, anchored := s.Ship(ctx), s.Anchor(ctx)
		if anchored == nil { // else the bucket is away, or not up yet
			s.checkInTurn(ctx)
		}
		err := errors.Join(shipped, anchored)
		if ctx.Err() == nil {
			s.say(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// say logs the beginning and the end of an outage once; not one that is over
// before a start is.
func (s *Shipper) say(err error) {
	switch {
	case err == nil:
		if s.said {
			s.trail.log.Info("audit entries are shipped again")
		}
		s.failing, s.said = time.Time{}, false
	case s.failing.IsZero():
		s.failing = time.Now()
	case !s.said && time.Since(s.failing) > time.Minute:
		s.trail.log.Warn("audit entries wait in their file", "entries", len(s.waiting), "err", err)
		s.said = true
	}
}

// batch is the most rows of one insert.
const batch = 5000

// Ship brings what is in the file now to the table.
func (s *Shipper) Ship(ctx context.Context) error {
	err := s.ship(ctx)
	s.trail.m.waiting.Set(float64(len(s.waiting)))
	if err != nil && ctx.Err() == nil {
		s.trail.m.failures.WithLabelValues("ship").Inc()
	}
	return err
}

func (s *Shipper) ship(ctx context.Context) error {
	if err := s.begin(); err != nil {
		return err
	}
	for {
		rows, bad, err := s.file.next(batch - len(s.waiting))
		if errors.Is(err, errReplaced) {
			s.forked(err.Error())
			s.file, s.begun, s.asked, s.head, s.days = s.trail.reader(), false, false, Row{}, days{}
			return s.begin()
		}
		if err != nil {
			return err
		}
		for _, b := range bad {
			s.forked("a line of the audit file is not as it was written", "line", b.line, "err", b.err)
		}
		s.waiting = append(s.waiting, rows...)
		for _, r := range rows {
			s.days.note(r)
		}
		if n := len(rows); n > 0 {
			s.remember(ctx, rows[n-1], Row{})
		}
		if len(s.waiting) == 0 {
			return nil
		}
		if err := s.o.Ready(); err != nil {
			return err
		}
		if err := s.insert(ctx); err != nil {
			return err
		}
	}
}

// begin compares the file with what is remembered before anything of it is.
func (s *Shipper) begin() error {
	if s.begun {
		return nil
	}
	known, sealed := s.trail.recall()
	own, err := s.trail.own(known, sealed)
	if err != nil {
		return err
	}
	s.begun, s.known, s.distrust = true, known, false
	if own != nil && len(own.Problems) > 0 {
		s.forked("the audit file is not as it was", "what", own.Problems[0])
		s.distrust = own.contradicts
	}
	return nil
}

// remember notes the newest entry that is on disk, and the newest anchored one.
// A file that contradicts the memory changes nothing there, so that this goes on
// being found.
func (s *Shipper) remember(ctx context.Context, newest, anchored Row) {
	if s.distrust {
		return
	}
	err := s.trail.sync()
	if err == nil {
		err = s.trail.remember(ctx, newest, anchored)
	}
	if err == nil {
		s.known.note(newest, anchored)
		return
	}
	if ctx.Err() == nil {
		s.trail.m.failures.WithLabelValues("remember").Inc()
		s.trail.log.Warn("the audit's newest entry is not remembered", "err", err)
	}
}

// insert writes what waits, less what the table has. A file that is not the
// table's past – restored from a backup, or altered – is shipped whole beside it:
// nothing that was logged is left out, and Verify shows both.
func (s *Shipper) insert(ctx context.Context) error {
	if !s.asked {
		head, ok, err := s.o.Table.AuditHead(ctx, s.waiting[0].Writer)
		if err != nil {
			return fmt.Errorf("ask the table of the audit for its end: %w", err)
		}
		s.asked = true
		if ok {
			s.head = head
		}
		if ok && !s.inFile(head) {
			s.forked("the table of the audit goes on where its file does not", "seq", head.Seq)
			s.head = Row{}
		}
	}
	missing := s.waiting
	for len(missing) > 0 && missing[0].Writer == s.head.Writer && missing[0].Seq <= s.head.Seq {
		missing = missing[1:]
	}
	if len(missing) > 0 {
		if err := s.o.Table.InsertAudit(ctx, missing); err != nil {
			return fmt.Errorf("ship %d audit entries: %w", len(missing), err)
		}
	}
	s.waiting = s.waiting[:0]
	return nil
}

// inFile looks for a row in the file, from its beginning.
func (s *Shipper) inFile(want Row) bool {
	for r := s.trail.reader(); ; {
		rows, bad, err := r.next(batch)
		if err != nil || len(rows)+len(bad) == 0 {
			return false
		}
		for _, row := range rows {
			if row.Seq == want.Seq && row.Writer == want.Writer {
				return row.Hash == want.Hash
			}
		}
	}
}

// forked says that two records of the past differ. It stays so until a restart,
// and a restart finds most of it again.
func (s *Shipper) forked(what string, args ...any) {
	s.trail.log.Error(what+" (fonoteka audit verify tells more)", args...)
	s.trail.m.forked.Set(1)
}

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
	Ready      func() error  // why the table cannot be used yet; nil: it always can
	Every      time.Duration // how often the file is read; 0: 2 s
	CheckEvery time.Duration // how often Run compares it with memory and anchors; 0: 6 h
}

// Shipper copies the entries of a Trail to the table, anchors them in the bucket,
// remembers the newest ones, and repeatedly checks all that. One per data folder is
// enough; a second one does no harm.
type Shipper struct {
	trail *Trail
	opts  ShipperOptions

	file    *reader
	waiting []Row // read from the file and not in the table
	asked   bool  // the table was asked for its head
	head    Row   // newest row of the table when it was asked: rows up to it are there
	days    days

	begun    bool
	known    Remembered // the memory, as this process knows it
	distrust bool       // the file contradicts the memory, which is not changed any more
	noted    bool       // the bucket has the note which chain is the installation's
	due      time.Time  // the next check
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
	return &Shipper{trail: t, opts: o, file: t.reader()}, nil
}

// Run ships, anchors and checks until ctx ends. An outage is retried.
func (s *Shipper) Run(ctx context.Context) error {
	tick := time.NewTicker(s.opts.Every)
	defer tick.Stop()
	for {
		shipped, anchored := s.Ship(ctx), s.Anchor(ctx)
		if anchored == nil { // else the bucket is away, or not up yet
			s.checkIfDue(ctx)
		}
		if ctx.Err() == nil {
			s.trail.outage.Note(errors.Join(shipped, anchored), "waiting", len(s.waiting))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// batch is the maximum number of rows of one insert.
const batch = 5000

// Ship copies the new entries of the file to the table.
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
			s.forked("a line of the audit file was edited", "line", b.line, "err", b.err)
		}
		s.waiting = append(s.waiting, rows...)
		for _, r := range rows {
			s.days.add(r)
		}
		if n := len(rows); n > 0 {
			s.remember(ctx, rows[n-1], Row{})
		}
		if len(s.waiting) == 0 {
			return nil
		}
		if err := s.opts.Ready(); err != nil {
			return err
		}
		if err := s.insert(ctx); err != nil {
			return err
		}
	}
}

// begin compares the file with the memory before the memory is changed.
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
		s.forked("the audit file was altered", "what", own.Problems[0])
		s.distrust = own.contradicts
	}
	return nil
}

// remember saves the newest entry that is on disk, and the newest anchored one.
// Where the file contradicts the memory it saves nothing, so that the contradiction stays
// visible.
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
		s.trail.log.Warn("newest entry of the audit cannot be saved", "err", err)
	}
}

// insert writes the waiting rows that the table lacks. If the table's newest row is not in
// the local file (a restored backup, tampering), the whole file is shipped as a second
// chain beside it and fonoteka_audit_forked is set: no entry is left out, and Verify shows
// both.
func (s *Shipper) insert(ctx context.Context) error {
	if !s.asked {
		head, ok, err := s.opts.Table.AuditHead(ctx, s.waiting[0].Writer)
		if err != nil {
			return fmt.Errorf("ask the table of the audit for its end: %w", err)
		}
		s.asked = true
		if ok {
			s.head = head
		}
		if ok && !s.inFile(head) {
			s.forked("the newest entry of the audit's table is not in its file", "seq", head.Seq)
			s.head = Row{}
		}
	}
	missing := s.waiting
	for len(missing) > 0 && missing[0].Writer == s.head.Writer && missing[0].Seq <= s.head.Seq {
		missing = missing[1:]
	}
	if len(missing) > 0 {
		if err := s.opts.Table.InsertAudit(ctx, missing); err != nil {
			return fmt.Errorf("ship %d audit entries: %w", len(missing), err)
		}
	}
	s.waiting = s.waiting[:0]
	return nil
}

// inFile says whether the file has a row.
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

// forked reports that two records of the audit contradict each other. The metric stays set
// until a restart, which finds most contradictions again.
func (s *Shipper) forked(what string, args ...any) {
	s.trail.log.Error(what+" (fonoteka audit verify shows more)", args...)
	s.trail.m.forked.Set(1)
}

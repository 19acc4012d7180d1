package audit

import (
	"context"
	"errors"
	"strings"
	"time"
)

// checkInTurn checks where that is due. One that failed is counted, and due again
// in a minute.
func (s *Shipper) checkInTurn(ctx context.Context) {
	if time.Now().Before(s.due) {
		return
	}
	next := s.o.CheckEvery
	if s.Check(ctx) != nil {
		next = min(next, time.Minute)
	}
	s.due = time.Now().Add(next)
}

// Check compares the file with what is remembered and both with the bucket, as
// Verify does, and lets the metrics say what it found. Run does it again and
// again: an anchor that was deleted, or a file that was edited, is told also where
// nobody runs Verify.
func (s *Shipper) Check(ctx context.Context) error {
	err := s.check(ctx)
	if err != nil && ctx.Err() == nil {
		s.trail.m.failures.WithLabelValues("check").Inc()
	}
	return err
}

func (s *Shipper) check(ctx context.Context) error {
	r, err := s.trail.Verify(ctx, nil, s.o.Anchors)
	if err != nil {
		return err
	}
	m := s.trail.m
	own := Chain{}
	for _, c := range r.Chains {
		if c.Here {
			own = c
		}
	}
	others := len(own.Problems) // than days without an anchor, which have metrics of their own
	for _, days := range [][]string{own.Gone, own.Late} {
		if len(days) > 0 {
			others--
		}
	}
	if others > 0 {
		s.forked("the audit is not as it was", "what", own.Problems[0])
	}
	if len(r.Unasked) > 0 {
		return errors.New(strings.Join(r.Unasked, "; "))
	}
	if len(own.Gone) > 0 {
		s.trail.log.Error("anchors of the audit that were put are gone from the bucket (fonoteka audit verify tells more)", "days", someDays(own.Gone))
	}
	m.gone.Set(float64(len(own.Gone)))
	m.late.Set(float64(len(own.Late)))
	m.compared.Set(float64(time.Now().Unix()))
	return nil
}

package audit

import (
	"context"
	"errors"
	"strings"
	"time"
)

// checkIfDue makes a check if one is due. After a failure the next one is due in a minute.
func (s *Shipper) checkIfDue(ctx context.Context) {
	if time.Now().Before(s.due) {
		return
	}
	next := s.opts.CheckEvery
	if s.Check(ctx) != nil {
		next = min(next, time.Minute)
	}
	s.due = time.Now().Add(next)
}

// Check compares the file with the memory and both with the bucket, as
// Verify does, and exports the findings as metrics. Run does it repeatedly, so that a
// deleted anchor or an edited file is noticed even where nobody runs Verify.
func (s *Shipper) Check(ctx context.Context) error {
	err := s.check(ctx)
	if err != nil && ctx.Err() == nil {
		s.trail.m.failures.WithLabelValues("check").Inc()
	}
	return err
}

func (s *Shipper) check(ctx context.Context) error {
	r, err := s.trail.Verify(ctx, nil, s.opts.Anchors)
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
	others := len(own.Problems) // without those about missing anchors, which have metrics of their own
	for _, days := range [][]string{own.Gone, own.Late} {
		if len(days) > 0 {
			others--
		}
	}
	if others > 0 {
		s.forked("the audit was altered", "what", own.Problems[0])
	}
	if len(r.Unasked) > 0 {
		return errors.New(strings.Join(r.Unasked, "; "))
	}
	if len(own.Gone) > 0 {
		s.trail.log.Error("anchors of the audit were deleted from the bucket (fonoteka audit verify shows more)", "days", someDays(own.Gone))
	}
	m.gone.Set(float64(len(own.Gone)))
	m.late.Set(float64(len(own.Late)))
	m.compared.Set(float64(time.Now().Unix()))
	return nil
}

package main

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/call"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/catalogue"
)

func listCalls(c *cli.Context) error {
	now := time.Now()
	f := calls.Filter{
		Integration: c.String("integration"), Outcome: call.Outcome(c.String("outcome")),
		Direction: call.Direction(c.String("direction")), Employee: c.String("employee"), Department: c.String("department"),
		LongerThan: c.Duration("longer"), ShorterThan: c.Duration("shorter"),
	}
	if c.IsSet("recorded") {
		recorded := c.Bool("recorded")
		f.Recorded = &recorded
	}
	cfg, err := load(c, settings.ForStores)
	if err != nil {
		return err
	}
	if err := errors.Join(
		oneOf("outcome", f.Outcome, call.Answered, call.Missed, call.Abandoned, call.NoAnswer, call.UnknownOutcome),
		oneOf("direction", f.Direction, call.Incoming, call.Outgoing, call.Internal, call.UnknownDirection),
	); err != nil {
		return err
	}
	if f.From, err = parseTime("from", c.String("from"), now); err != nil {
		return err
	}
	if f.To, err = parseTime("to", c.String("to"), now); err != nil {
		return err
	}
	if f.Number, f.PartOf, err = numberChoice(c, cfg.Rules.AreaCode); err != nil {
		return err
	}
	limit, err := listLimit(c)
	if err != nil {
		return err
	}
	if err := noteGiven(c, "calls.list", "", chosenBy(c)); err != nil {
		return err
	}
	return withWarehouse(c, func(db *warehouse.DB) error {
		around, err := readZones(c.Context, db)
		if err != nil {
			return err
		}
		var copies map[catalogue.Key]bool // of the page
		return listing[call.Record]{
			page: func(ctx context.Context, limit int, after *call.Record) ([]call.Record, error) {
				f := f
				f.Limit, f.After = limit, after
				page, err := calls.New(db).ListCalls(ctx, f)
				if err != nil {
					return nil, err
				}
				if copies, err = catalogue.New(db).CopiesAmong(ctx, page); err != nil {
					return nil, err
				}
				return page, around.ofCalls(ctx, db, page)
			},
			count:  func(ctx context.Context) (uint64, error) { return calls.New(db).CountCalls(ctx, f) },
			json:   func(r call.Record) any { return toJSON(r, around) },
			none:   "no calls",
			header: []string{"STARTED", "DIRECTION", "OUTCOME", "CLIENT", "EXTERNAL", "EMPLOYEE", "WAIT", "TALK", "REC", "CALL ID"},
			cells:  func(r call.Record) []string { return callCells(r, recordingsOf(r, copies), around) },
		}.show(c, limit)
	})
}

// recordingsOf counts a call's recordings, each file once.
func recordingsOf(r call.Record, copies map[catalogue.Key]bool) (n int) {
	for _, id := range r.Recordings {
		if !copies[catalogue.Key{Integration: r.Integration, ID: id}] {
			n++
		}
	}
	return n
}

func callCells(r call.Record, recordings int, around surroundings) []string {
	return []string{
		around.clock(r.Integration, r.StartedAt), string(r.Direction), outcome(r), otherSide(r), orDash(r.ExternalNumber.Digits),
		around.who(r.Integration, r.AccountID, r.StartedAt), span(r.Wait, r.WaitKnown), span(r.Talk, true), strconv.Itoa(recordings), strconv.FormatUint(r.CallID, 10),
	}
}

// outcome of a call that is not over yet is still to come.
func outcome(r call.Record) string {
	if r.GoingOn() {
		return "going on"
	}
	return string(r.Outcome)
}

func orHidden(n call.Number) string {
	if n.Hidden() {
		return "-"
	}
	return n.Digits
}

// otherSide is the client; of an internal call who called whom.
func otherSide(r call.Record) string {
	if r.Direction != call.Internal {
		return orHidden(r.ClientNumber)
	}
	return inShort(r.Caller) + " > " + inShort(r.Callee)
}

// inShort is what people dial, else what is known of a colleague.
func inShort(m call.Member) string { return orDash(cmp.Or(m.Extension, m.Name, m.AccountID)) }

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/call"
	"fonoteka/internal/links"
	"fonoteka/internal/printable"
	"fonoteka/internal/warehouse"
)

func callsCommand() *cli.Command {
	return &cli.Command{
		Name:  "calls",
		Usage: "list calls, or show one with its legs and recordings",
		Subcommands: []*cli.Command{
			{
				Name:  "list",
				Usage: "the newest calls first",
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "from", Usage: "calls that began at or after `TIME`, UTC: 2026-03-02, 2026-03-02T10:00:00 or 24h (ago)"},
					&cli.StringFlag{Name: "to", Usage: "calls that began before `TIME`"},
					&cli.StringFlag{Name: "number", Usage: "with this client or external `NUMBER`, in any spelling"},
					&cli.StringFlag{Name: "outcome", Usage: "`OUTCOME`: answered, missed, abandoned, no_answer or unknown"},
					&cli.StringFlag{Name: "direction", Usage: "`DIRECTION`: incoming, outgoing, internal or unknown"},
					&cli.StringFlag{Name: "integration", Usage: "only this integration, by its `NAME`"},
					limitFlag("calls"),
					areaCodeFlag(),
					jsonFlag(),
				}, dataFlags()...),
				Action: listCalls,
			},
			{
				Name:      "show",
				Usage:     "one call, whole",
				ArgsUsage: "ID   (call_id, or the operator's own call id)",
				Flags:     append([]cli.Flag{jsonFlag()}, dataFlags()...),
				Action:    showCall,
			},
		},
	}
}

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "one JSON object a line, for programs"}
}

func listCalls(c *cli.Context) error {
	now := time.Now()
	f := warehouse.CallFilter{
		Integration: c.String("integration"), Outcome: call.Outcome(c.String("outcome")),
		Direction: call.Direction(c.String("direction")),
	}
	cfg, err := loadConfig(c, forStores)
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
	if n := c.String("number"); n != "" {
		if f.Number = call.ParseNumber(n, cfg.rules.AreaCode).Digits; f.Number == "" {
			return errors.New("--number: what was given is not a phone number")
		}
	}
	limit, err := listLimit(c)
	if err != nil {
		return err
	}
	if err := noteGiven(c, "calls.list", "", chosenBy(c)); err != nil {
		return err
	}
	return withWarehouse(c, func(db *warehouse.DB) error {
		var copies map[warehouse.RecordingKey]bool // of the page
		return listing[call.Record]{
			page: func(ctx context.Context, limit int, after *call.Record) ([]call.Record, error) {
				f := f
				f.Limit, f.After = limit, after
				page, err := db.ListCalls(ctx, f)
				if err == nil {
					copies, err = db.CopiesAmong(ctx, page)
				}
				return page, err
			},
			count:  func(ctx context.Context) (uint64, error) { return db.CountCalls(ctx, f) },
			json:   func(r call.Record) any { return toJSON(r) },
			none:   "no calls",
			header: []string{"STARTED (UTC)", "DIRECTION", "OUTCOME", "CLIENT", "EXTERNAL", "ACCOUNT", "WAIT", "TALK", "REC", "CALL ID"},
			cells:  func(r call.Record) []string { return callCells(r, recordingsOf(r, copies)) },
		}.show(c, limit)
	})
}

// recordingsOf counts a call's recordings, each file once.
func recordingsOf(r call.Record, copies map[warehouse.RecordingKey]bool) (n int) {
	for _, id := range r.Recordings {
		if !copies[warehouse.RecordingKey{Integration: r.Integration, ID: id}] {
			n++
		}
	}
	return n
}

func callCells(r call.Record, recordings int) []string {
	return []string{
		clock(r.StartedAt), string(r.Direction), outcome(r), otherSide(r), orDash(r.ExternalNumber.Digits),
		orDash(r.AccountID), span(r.Wait, r.WaitKnown), span(r.Talk, true), strconv.Itoa(recordings), strconv.FormatUint(r.CallID, 10),
	}
}

// outcome of a call that is not over yet is still to come.
func outcome(r call.Record) string {
	if r.GoingOn() {
		return "going on"
	}
	return string(r.Outcome)
}

func hungUp(r call.Record) string {
	if r.GoingOn() {
		return "-"
	}
	return string(r.HungUp)
}

func orHidden(n call.Number) string {
	if n.Hidden() {
		return "-"
	}
	return n.Digits
}

func showCall(c *cli.Context) error {
	if c.NArg() != 1 {
		return errors.New("calls show: give one call id")
	}
	return withWarehouse(c, func(db *warehouse.DB) error {
		found, err := db.ShowCall(c.Context, c.Args().First())
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return errors.New("there is no such call")
		}
		var ids []string
		for _, d := range found {
			ids = append(ids, strconv.FormatUint(d.Record.CallID, 10))
		}
		if err := noteGiven(c, "calls.show", strings.Join(ids, ", "), ""); err != nil {
			return err
		}
		if c.Bool("json") {
			out := make([]callDetailJSON, len(found))
			for i, d := range found {
				out[i] = detailJSON(d)
			}
			return lines(c.App.Writer, out)
		}
		for i, d := range found {
			if i > 0 {
				fmt.Fprintln(c.App.Writer)
			}
			if err := printCall(c.App.Writer, d); err != nil {
				return err
			}
		}
		return nil
	})
}

func printCall(w io.Writer, d warehouse.CallDetail) error {
	r := d.Record
	flags := []string{}
	for name, set := range map[string]bool{
		"ended by inference": r.Partial, "start is a receive time": r.StartInexact, "end rests on receive times": r.EndInexact,
		"talk rests on receive times": r.TalkInexact, "answered by its duration only": r.AnsweredByDuration, "an unreadable time": r.BadTimes,
	} {
		if set {
			flags = append(flags, name)
		}
	}
	facts := [][2]string{
		{"call", strconv.FormatUint(r.CallID, 10) + "  (" + r.PlatformCallID + ", integration " + r.Integration + ")"},
		{"what", fmt.Sprintf("%s, %s", r.Direction, outcome(r))},
		{"client", orHidden(r.ClientNumber)},
		{"external", orDash(r.ExternalNumber.Digits)},
		{"account", orDash(r.AccountID)},
		{"started", clock(r.StartedAt) + " UTC"},
		{"answered", clock(r.AnsweredAt)},
		{"ended", clock(r.EndedAt)},
		{"ring, wait, talk", span(r.Ring, r.RingKnown) + ", " + span(r.Wait, r.WaitKnown) + ", " + span(r.Talk, true)},
		{"hung up", hungUp(r)},
		{"notes", orDash(strings.Join(sorted(flags), "; "))},
		{"made of", count(int(d.Events), "notification")},
	}
	if r.Direction == call.Internal {
		facts = append(facts, [2]string{"caller", whole(r.Caller)}, [2]string{"callee", whole(r.Callee)})
	}
	if r.Attendant > 0 {
		facts = append(facts, [2]string{"attendant", span(r.Attendant, true) + ", an automaton"})
	}
	if least := talkAtLeast(d); least > 0 {
		facts = append(facts, [2]string{"talk at least", span(least, true) + ", as its recording plays"})
	}
	for _, line := range facts {
		fmt.Fprintf(w, "%-17s %s\n", line[0], printable.Quote(line[1]))
	}
	fmt.Fprintln(w)
	var rows [][]string
	for _, l := range r.Legs {
		rows = append(rows, []string{
			string(l.Kind), orDash(l.AccountID), clock(l.StartedAt), clock(l.AnsweredAt), span(l.Ring, l.RingKnown), span(l.Talk, true), orDash(l.Reason), l.PlatformID,
		})
	}
	if err := table(w, []string{"LEG", "ACCOUNT", "STARTED", "ANSWERED", "RING", "TALK", "REASON", "PLATFORM ID"}, rows); err != nil {
		return err
	}
	for _, l := range d.Links {
		fmt.Fprintf(w, "\n%s (%s): %s\n", linkWords(l, r.CallID), l.Confidence, printable.Quote(l.Evidence))
	}
	for _, s := range d.Recordings {
		fmt.Fprintf(w, "\nrecording %s  %s  %s\n", s.ID, s.State, orDash(printable.Quote(s.Reason())))
	}
	return nil
}

// linkWords says what a link means for one of its calls.
func linkWords(l links.Link, callID uint64) string {
	other, later := l.To.CallID, "goes on in"
	if other == callID {
		other, later = l.From.CallID, "comes from"
	}
	switch l.Kind {
	case links.Own:
		return "made by us, action " + l.ActionID
	case links.ClickToCall:
		return fmt.Sprintf("made by us together with call %d", other)
	}
	return fmt.Sprintf("%s: %s call %d", l.Kind, later, other)
}

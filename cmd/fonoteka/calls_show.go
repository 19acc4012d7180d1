package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/call"
	"fonoteka/internal/correlate"
	"fonoteka/internal/printable"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/warehouse/directories"
	"fonoteka/internal/words"
)

func showCall(c *cli.Context) error {
	if c.NArg() != 1 {
		return usage("calls show: give one call id")
	}
	return withWarehouse(c, func(db *warehouse.DB) error {
		found, err := calls.New(db).ShowCall(c.Context, c.Args().First(), catalogue.New(db).OfCall)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return notFound("there is no such call")
		}
		var ids []string
		for _, d := range found {
			ids = append(ids, strconv.FormatUint(d.Record.CallID, 10))
		}
		if err := noteGiven(c, "calls.show", strings.Join(ids, ", "), ""); err != nil {
			return err
		}
		around, err := surroundingsOf(c.Context, db, found)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			out := make([]callDetailJSON, len(found))
			for i, d := range found {
				out[i] = detailJSON(d, around)
			}
			return lines(c.App.Writer, out)
		}
		for i, d := range found {
			if i > 0 {
				fmt.Fprintln(c.App.Writer)
			}
			if err := printCall(c.App.Writer, d, around); err != nil {
				return err
			}
		}
		return nil
	})
}

// surroundingsOf are those of calls and of their recordings.
func surroundingsOf(ctx context.Context, db *warehouse.DB, found []calls.Detail) (surroundings, error) {
	around, err := readZones(ctx, db)
	if err != nil {
		return around, err
	}
	var asked []directories.AccountAt
	for _, d := range found {
		asked = append(asked, directories.AccountAt{Integration: d.Record.Integration, Account: d.Record.AccountID, At: d.Record.StartedAt})
		for _, r := range d.Recordings {
			asked = append(asked, directories.AccountAt{Integration: r.Integration, Account: r.AccountID, At: r.AnnouncedAt})
		}
	}
	return around, around.readPeople(ctx, db, asked)
}

func printCall(w io.Writer, d calls.Detail, around surroundings) error {
	r := d.Record
	clock := func(t time.Time) string { return around.clock(r.Integration, t) }
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
		{"employee", around.who(r.Integration, r.AccountID, r.StartedAt)},
		{"started", clock(r.StartedAt)},
		{"answered", clock(r.AnsweredAt)},
		{"ended", clock(r.EndedAt)},
		{"ring, wait, talk", span(r.Ring, r.RingKnown) + ", " + span(r.Wait, r.WaitKnown) + ", " + span(r.Talk, true)},
		{"hung up", hungUp(r)},
		{"notes", orDash(strings.Join(sorted(flags), "; "))},
		{"made of", words.Count(int(d.Events), "notification")},
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
func linkWords(l correlate.Link, callID uint64) string {
	other, later := l.To.CallID, "goes on in"
	if other == callID {
		other, later = l.From.CallID, "comes from"
	}
	switch l.Kind {
	case correlate.Own:
		return "made by us, action " + l.ActionID
	case correlate.ClickToCall:
		return fmt.Sprintf("made by us together with call %d", other)
	}
	return fmt.Sprintf("%s: %s call %d", l.Kind, later, other)
}

func hungUp(r call.Record) string {
	if r.GoingOn() {
		return "-"
	}
	return string(r.HungUp)
}

// whole is all that is known of a colleague.
func whole(m call.Member) string {
	return orDash(strings.Join(strings.Fields(m.Extension+" "+m.Name+" "+m.AccountID), " "))
}

// talkAtLeast is how long the one recording of a call plays of which nobody told the
// end; 0: the end is known, or there is no such recording.
func talkAtLeast(d calls.Detail) time.Duration {
	if !d.Record.Partial && !d.Record.EndedAt.IsZero() || len(d.Record.Recordings) != 1 || len(d.Recordings) != 1 {
		return 0
	}
	return d.Recordings[0].Duration
}

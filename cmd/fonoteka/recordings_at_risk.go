package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/call"
	"fonoteka/internal/exitcode"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/words"
)

func atRiskCommand() *cli.Command {
	return &cli.Command{
		Name:  "at-risk",
		Usage: "every recording that is not archived, damaged in the store, or short and to be fetched again; the days that are left, and why",
		Description: `What is known to be altered or absent in the store comes first, then what is lost,
then what has the fewest days left.

Exit status, for cron: 0 nothing is listed, 3 something is, 5 a store could not be
asked. A daily check that speaks up a week before anything is lost:

  fonoteka recordings at-risk --days 7 --no-lost || mail …`,
		Flags: append([]cli.Flag{
			&cli.IntFlag{Name: "days", Value: -1, DefaultText: "all", Usage: "only what has at most `N` days left; what is past its term is always among it"},
			&cli.BoolFlag{Name: "no-lost", Usage: "leave out what is given up: nothing can be done about it"},
			&cli.StringFlag{Name: "integration", Usage: "only this integration, by its `NAME`"},
			limitFlag("recordings"),
			jsonFlag(),
		}, settings.DataFlags()...),
		Action: func(c *cli.Context) error {
			listed, err := listAtRisk(c)
			if err == nil && listed > 0 {
				return exitcode.Found
			}
			return err
		},
	}
}

// everything stands for no limit.
const everything = 1 << 30

func listAtRisk(c *cli.Context) (listed uint64, err error) {
	now := time.Now()
	f := catalogue.RiskFilter{Integration: c.String("integration"), Lost: !c.Bool("no-lost")}
	if days := c.Int("days"); days >= 0 {
		f.Before = now.Add(time.Duration(days) * 24 * time.Hour)
	}
	if f.Limit, err = listLimit(c); err != nil {
		return 0, err
	}
	if f.Limit == 0 {
		f.Limit = everything
	}
	if err := noteGiven(c, "recordings.at-risk", "", chosenBy(c)); err != nil {
		return 0, err
	}
	err = withWarehouse(c, func(db *warehouse.DB) error {
		rows, total, err := atRisk(c.Context, db, f)
		if err != nil {
			return err
		}
		listed = total
		around, err := readZones(c.Context, db)
		if err != nil {
			return err
		}
		if err := around.ofRecordings(c.Context, db, rows); err != nil {
			return err
		}
		if c.Bool("json") {
			return riskLines(c, rows, total, now, around)
		}
		return riskTable(c, rows, total, now, around)
	})
	return listed, err
}

// atRisk lists what the archive is known to have lost or altered first, whatever the
// time that its link has.
func atRisk(ctx context.Context, db *warehouse.DB, f catalogue.RiskFilter) (rows []catalogue.Row, total uint64, err error) {
	faulty := catalogue.Filter{Integration: f.Integration, Fault: catalogue.AnyFault, Limit: f.Limit}
	damaged, err := catalogue.New(db).ListRecordings(ctx, faulty)
	if err != nil {
		return nil, 0, err
	}
	n, err := catalogue.New(db).CountRecordings(ctx, faulty)
	if err != nil {
		return nil, 0, err
	}
	waiting, total, err := catalogue.New(db).AtRisk(ctx, f)
	if err != nil {
		return nil, 0, err
	}
	open, err := catalogue.New(db).Rows(ctx, waiting)
	if err != nil {
		return nil, 0, err
	}
	rows = append(damaged, open...)
	return rows[:min(len(rows), f.Limit)], n + total, nil
}

type riskJSON struct {
	recordingJSON
	DaysLeft *float64 `json:"days_left"` // null: the end is not known; below 0: past it
	Lost     bool     `json:"lost"`
	Why      string   `json:"why"`
}

func riskLines(c *cli.Context, rows []catalogue.Row, total uint64, now time.Time, around surroundings) error {
	out := make([]riskJSON, len(rows))
	for i, r := range rows {
		out[i] = riskJSON{recordingJSON: toRecordingJSON(r, around), Lost: r.Lost(), Why: explain(r.RecordingStatus, now)}
		if !r.ExpiresAt.IsZero() {
			days := float64(r.ExpiresAt.Sub(now).Milliseconds()/864) / 1e5
			out[i].DaysLeft = &days
		}
	}
	if err := lines(c.App.Writer, out); err != nil || total <= uint64(len(rows)) {
		return err
	}
	return sayMore(c.App.ErrWriter, total-uint64(len(rows)))
}

func riskTable(c *cli.Context, rows []catalogue.Row, total uint64, now time.Time, around surroundings) error {
	if total == 0 {
		_, err := fmt.Fprintln(c.App.Writer, "nothing is at risk")
		return err
	}
	var cells [][]string
	for _, r := range rows {
		s := r.RecordingStatus
		cells = append(cells, []string{
			timeLeft(s, now), standingOf(s), fmt.Sprint(r.Attempt), next(s, now), around.clock(r.Integration, r.AnnouncedAt),
			around.who(r.Integration, r.AccountID, r.AnnouncedAt), r.ID, explain(s, now),
		})
	}
	err := table(c.App.Writer, []string{"LEFT", "STATE", "TRIES", "NEXT TRY", "ANNOUNCED", "EMPLOYEE", "RECORDING ID", "WHY"}, cells)
	if more := int(total) - len(rows); more > 0 && err == nil {
		err = sayMore(c.App.Writer, uint64(more))
	}
	return err
}

// standingOf is a recording's state, or what the archive is known to have done to it.
func standingOf(s call.RecordingStatus) string {
	return string(cmp.Or(call.RecordingState(s.Fault.Kind), s.State))
}

// timeLeft is how long the operator keeps the link, in one unit.
func timeLeft(s call.RecordingStatus, now time.Time) string {
	d := s.ExpiresAt.Sub(now)
	switch {
	case s.Lost():
		return "lost"
	case s.ExpiresAt.IsZero():
		return "not known"
	case d <= -24*time.Hour:
		return "past by " + words.Count(int(-d.Hours()/24), "day")
	case d <= 0:
		return "past by hours"
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return words.Count(int(d.Hours()/24), "day")
}

// patience is how long a planned try may be late before it is worth a word: the
// planner looks every ten seconds.
const patience = 5 * time.Minute

// explain says in a sentence why a recording is not there.
func explain(s call.RecordingStatus, now time.Time) string {
	why, due := s.Reason(), s.NextAttemptAt
	switch {
	case why != "":
	case s.State == call.Announced:
		why = "not tried yet"
	case s.State == call.Quarantined:
		why = "what came is no whole recording; it is kept under quarantine/"
	case s.State == call.Expired:
		why = "the operator's server says it is gone, and its time had run out: given up"
	default:
		why = "the last try failed; no reason was noted"
	}
	if s.Lost() {
		return why
	}
	if due.IsZero() && s.State == call.Announced {
		due = s.AnnouncedAt
	}
	if late := now.Sub(due); !due.IsZero() && late > patience {
		why += fmt.Sprintf("; its turn came %s ago: a backlog, a store that fails, or fonoteka serve does not run (recordings progress tells)",
			strings.TrimPrefix(until(now.Add(late+time.Second), now), "in "))
	}
	return why
}

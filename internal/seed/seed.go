// Package seed fills the ClickHouse of an installation with years of calls in
// minutes, for measurements at size: events with the bodies the operator would
// have sent, and calls, legs, keys and recordings as the product would have
// written them for these events.
//
// It imports nothing of the product. The rows are written from the story of
// each call (package sim), by rules of their own, so that a comparison with what
// the product derives from the same events says something; a test makes it.
//
// Rows go into tables of the same structure, whose parts are then attached to
// the real ones: a materialized view does not see them, so that no deriver
// derives all of it again, a running installation sees a month whole or not at
// all, and a seed that was broken off leaves nothing but tables seed_*, which the
// next one drops.
//
// Rows travel over HTTP in the format Native, whole columns at a time, encoded by
// ch-go/proto, the column encoder of ClickHouse's own Go driver; ch-go's client
// for the native protocol would bring a tracing library along. Generating inside
// the engine by SQL was rejected: bodies made by string functions cost as much
// as in Go, and nobody could read them.
package seed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"fonoteka/internal/sim"
)

// Options say where to and how much.
type Options struct {
	Address        string // host:port of the HTTP interface
	User, Password string // may create tables in Database
	Database       string // has the product's tables; default "fonoteka"

	Integration string // default "main"
	History     sim.HistoryOptions
	Workers     int // months filled at once; default: one for each processor, at most 4
	// LinkLife is how long the operator keeps a recording; default 90 days.
	LinkLife time.Duration
	// Posted is the share of the calls, 0 to 1, that is posted to RedirectURI
	// instead, so that the installation itself makes their rows.
	Posted      float64
	RedirectURI string
	// Reversioned is the share of the calls, 0 to 1, that is written once more
	// with a higher version, those seeded before included; with no calls in
	// History that is all that happens. The tables of calls do not merge from
	// then on.
	Reversioned float64

	Log *slog.Logger
}

func (o *Options) validate() error {
	if o.Address == "" || o.Log == nil {
		return errors.New("seed: Address and Log are required")
	}
	if _, _, err := net.SplitHostPort(o.Address); err != nil {
		return fmt.Errorf("seed: address: %w", err)
	}
	for _, share := range []float64{o.Reversioned, o.Posted} {
		if share < 0 || share > 1 {
			return errors.New("seed: a share must be from 0 to 1")
		}
	}
	if (o.Posted > 0) != (o.RedirectURI != "") {
		return errors.New("seed: a share to post and a redirect URI need each other")
	}
	if o.Database == "" {
		o.Database = "fonoteka"
	}
	if o.Integration == "" {
		o.Integration = "main"
	}
	if o.Workers <= 0 {
		o.Workers = min(runtime.NumCPU(), 4)
	}
	if o.LinkLife <= 0 {
		o.LinkLife = 90 * 24 * time.Hour
	}
	return nil
}

// Counts are the rows that were written.
type Counts struct {
	Calls, Events, Legs, Recordings int64
	Posted                          int64 // notifications that the installation took
}

// Run seeds. What it writes is visible when it has returned nil.
func Run(ctx context.Context, o Options) (Counts, error) {
	var n Counts
	if err := o.validate(); err != nil {
		return n, err
	}
	h, err := sim.NewHistory(o.History)
	if err != nil {
		return n, err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}} // no proxy
	defer client.CloseIdleConnections()
	s := &seeder{o: o, history: h, server: server{client, o.Address, o.User, o.Password, o.Database}}
	if o.Posted > 0 {
		s.poster = s.newPoster()
	}
	steps := []func(context.Context) error{s.directory, s.stage, s.fill, s.attach, s.again}
	if o.History.Calls == 0 {
		steps = steps[len(steps)-1:]
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return s.counts(), err
		}
	}
	return s.counts(), nil
}

type seeder struct {
	o       Options
	history *sim.History
	server  server
	poster  *poster // nil: nothing is posted
	count   [len(tables)]counter
	writers sync.Pool // those that are between two months
}

// tables that are filled, in the order in which they become visible.
var tables = [...]string{"events", "call_keys", "legs", "calls_by_client", "recordings", "calls"}

func (s *seeder) exec(ctx context.Context, format string, args ...any) error {
	return s.server.do(ctx, fmt.Sprintf(format, args...), nil, nil)
}

func staged(table string) string { return "seed_" + table }

// stage creates the tables beside the real ones. Nothing merges there.
func (s *seeder) stage(ctx context.Context) error {
	if err := s.drop(ctx); err != nil {
		return err
	}
	for _, t := range tables {
		if err := s.exec(ctx, "CREATE TABLE %s AS %s", staged(t), t); err != nil {
			return err
		}
		if err := s.exec(ctx, "SYSTEM STOP MERGES %s", staged(t)); err != nil {
			return err
		}
		// Without merges there are many parts, which is no reason to refuse more;
		// and what a loss of power took away is seeded again.
		if err := s.exec(ctx, "ALTER TABLE %s MODIFY SETTING parts_to_delay_insert = 100000, parts_to_throw_insert = 100000, "+
			"fsync_after_insert = 0, fsync_part_directory = 0", staged(t)); err != nil {
			return err
		}
	}
	return nil
}

func (s *seeder) drop(ctx context.Context) error {
	for _, t := range tables {
		if err := s.exec(ctx, "DROP TABLE IF EXISTS %s SYNC", staged(t)); err != nil {
			return err
		}
	}
	return nil
}

// attach gives the parts to the real tables and removes the others.
func (s *seeder) attach(ctx context.Context) error {
	for i, t := range tables {
		if s.count[i].Load() == 0 {
			continue
		}
		if t == "recordings" { // views see no parts that are attached
			names := newRecordingColumns().names()
			if err := s.exec(ctx, "INSERT INTO recordings_open (%s) SELECT %[1]s FROM %[2]s WHERE state NOT IN ('archived', 'erased')", names, staged(t)); err != nil {
				return err
			}
		}
		if err := s.exec(ctx, "ALTER TABLE %s ATTACH PARTITION ALL FROM %s", t, staged(t)); err != nil {
			return err
		}
	}
	return s.drop(ctx)
}

// fill lets workers take a month after the other, and the poster what they pass on.
func (s *seeder) fill(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if s.poster != nil {
			defer close(s.poster.calls)
		}
		return s.fillMonths(ctx)
	})
	if s.poster != nil {
		group.Go(func() error { return s.poster.run(ctx) })
	}
	return group.Wait()
}

func (s *seeder) fillMonths(ctx context.Context) error {
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.o.Workers)
	for _, days := range s.months() {
		group.Go(func() error {
			if err := s.month(ctx, days); err != nil {
				return err
			}
			s.o.Log.Info("seeded", "month", s.history.Date(days[0]).Format("2006-01"),
				"calls", s.counts().Calls, "of", s.o.History.Calls, "took", time.Since(began).Round(time.Second))
			return nil
		})
	}
	return group.Wait()
}

// months groups the history's days.
func (s *seeder) months() [][]int {
	var out [][]int
	last := ""
	for d := range s.history.Days() {
		if m := s.history.Date(d).Format("2006-01"); m != last {
			out, last = append(out, nil), m
		}
		out[len(out)-1] = append(out[len(out)-1], d)
	}
	return out
}

func (s *seeder) counts() Counts {
	at := func(table string) int64 {
		for i, t := range tables {
			if t == table {
				return s.count[i].Load()
			}
		}
		return 0
	}
	n := Counts{Calls: at("calls"), Events: at("events"), Legs: at("legs"), Recordings: at("recordings")}
	if s.poster != nil {
		n.Posted = s.poster.sent.Load()
	}
	return n
}

// again writes a share of the calls once more with a higher version, a month at
// a time: as after changes of the rules.
func (s *seeder) again(ctx context.Context) error {
	if s.o.Reversioned == 0 {
		return nil
	}
	if err := s.freeze(ctx); err != nil {
		return err
	}
	percent := int(s.o.Reversioned * 100)
	for _, t := range []string{"legs", "calls_by_client", "calls"} {
		for _, days := range s.months() {
			month := s.history.Date(days[0])
			if err := s.exec(ctx, strings.Join([]string{
				"INSERT INTO %s SELECT * REPLACE (version + 1 AS version) FROM %[1]s FINAL",
				"WHERE started_at >= '%s' AND started_at < '%s' AND call_id %% 100 < %d",
				"SETTINGS max_threads = 2, max_insert_threads = 1",
			}, " "), t, month.Format(time.DateOnly), month.AddDate(0, 1, 1-month.Day()).Format(time.DateOnly), percent); err != nil {
				return err
			}
		}
	}
	return nil
}

// freeze ends the merging of the tables of calls, for good: a part of more than
// a byte is not merged. It is a setting of the tables, since SYSTEM STOP MERGES
// ends with the engine's process.
func (s *seeder) freeze(ctx context.Context) error {
	for _, t := range []string{"calls", "legs", "calls_by_client"} {
		if err := s.exec(ctx, "ALTER TABLE %s MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1, min_age_to_force_merge_seconds = 0", t); err != nil {
			return err
		}
	}
	return nil
}

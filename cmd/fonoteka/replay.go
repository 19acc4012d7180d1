package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/bounded"
	"fonoteka/internal/relay"
	"fonoteka/internal/spool"
	"fonoteka/internal/state"
	"fonoteka/internal/warehouse"
)

// The spool's cursors.
const (
	warehouseCursor  = "warehouse"
	recordingsCursor = "recordings"
)

func replayCommand() *cli.Command {
	return &cli.Command{
		Name:  "replay",
		Usage: "put notifications through again: those that were rejected, or all since a time",
		Description: `Without --from: every row of the table rejected is decoded again; what can be
read now becomes an event. With --from: everything the spool still holds (7
days) that was received since then is relayed to the warehouse and the queue
again. With --from-spool: everything that can be read in another folder with a
spool, a damaged one or a copy from a backup; nothing in it is changed. Nothing
is ever doubled by it.`,
		Flags: append(append([]cli.Flag{
			&cli.StringFlag{Name: "from", Usage: "received at or after `TIME`, UTC: 2026-03-02, 2026-03-02T10:00:00 or 24h (ago)"},
			&cli.StringFlag{Name: "from-spool", Usage: "`FOLDER` with another spool; with --from only what was received since then"},
		}, integrationFlags()...), dataFlags()...),
		Action: func(c *cli.Context) error {
			from, err := parseTime("from", c.String("from"), time.Now())
			switch {
			case err != nil:
				return err
			case c.String("from-spool") != "":
				return replayFolder(c, c.String("from-spool"), from)
			case from.IsZero():
				return replayRejected(c)
			}
			return replaySpool(c, from)
		},
	}
}

// replayRejected asks the running process, which knows how its integrations are
// read; without one it is done here.
func replayRejected(c *cli.Context) error {
	cfg, err := loadConfig(c, forReplay)
	if err != nil {
		return err
	}
	taken, still := 0, 0
	say := func(t, s int) {
		taken, still = t, s
		fmt.Fprintf(c.App.ErrWriter, "%d taken, %d still rejected\n", t, s)
	}
	run, err := state.ReadRuntime(cfg.data)
	switch {
	case errors.Is(err, state.ErrNotRunning):
		err = withWarehouse(c, func(db *warehouse.DB) error {
			counter, err := relay.NewNotifications(nil)
			if err != nil {
				return err
			}
			to := relay.ToWarehouse{Warehouse: db, Decode: cfg.decoder(), LinkLife: cfg.linkLife, Log: slog.New(slog.DiscardHandler), Counter: counter}
			return to.ReplayRejected(c.Context, db, say)
		})
	case err == nil:
		err = ask(c.Context, cfg, run, "/admin/replay", nil, func(r replayed) error {
			if r.Error != "" {
				return errors.New(r.Error)
			}
			say(r.Taken, r.Still)
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	if taken+still == 0 {
		fmt.Fprintln(c.App.Writer, "nothing is rejected")
	}
	return nil
}

// replaySpool asks the running process; the spool is open in one process only.
// Without one, the cursors are moved here, and the next serve relays.
func replaySpool(c *cli.Context, from time.Time) error {
	cfg, err := loadConfig(c, forStores)
	if err != nil {
		return err
	}
	say := func(r rewound) error {
		n := 0
		if r.Last >= r.First {
			n = int(r.Last - r.First + 1)
		}
		_, err := fmt.Fprintf(c.App.Writer, "cursor %s: %s to be relayed again\n", r.Cursor, count(n, "notification"))
		return err
	}
	run, err := state.ReadRuntime(cfg.data)
	switch {
	case errors.Is(err, state.ErrNotRunning):
		err = rewindStopped(c.Context, cfg, from, say)
	case err == nil:
		err = ask(c.Context, cfg, run, "/admin/replay", url.Values{"from": {from.Format(time.RFC3339Nano)}}, say)
	}
	if errors.Is(err, spool.ErrDamagedStore) {
		return fmt.Errorf("replay: start serve, which puts it aside and relays what can be read: %w", err)
	}
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	return hintAtDamaged(c.App.ErrWriter, cfg, from)
}

// hintAtDamaged names damaged spools that hold notifications of that time: they
// are not relayed again by this.
func hintAtDamaged(w io.Writer, cfg *config, from time.Time) error {
	reports, err := damageReports(cfg)
	for _, r := range reports {
		if r.Found != nil && !r.Found.Newest.Before(from) {
			fmt.Fprintf(w, "%s holds notifications of that time, too: fonoteka replay --from-spool %s --from %s\n",
				r.Folder, filepath.Join(cfg.data, r.Folder), from.Format("2006-01-02T15:04:05"))
		}
	}
	return err
}

func rewindStopped(ctx context.Context, cfg *config, from time.Time, say func(rewound) error) error {
	st, err := state.Open(cfg.data)
	if err != nil {
		return err
	}
	defer st.Close()
	sp, err := spool.Open(spool.Options{Dir: filepath.Join(cfg.data, "spool"), Cursors: []string{warehouseCursor, recordingsCursor}})
	if err != nil {
		return err
	}
	done, err := rewind(sp)(ctx, from)
	for _, r := range done {
		err = errors.Join(err, say(r))
	}
	return errors.Join(err, sp.Close())
}

// rewind moves both cursors back.
func rewind(sp *spool.Spool) func(context.Context, time.Time) ([]rewound, error) {
	return func(ctx context.Context, to time.Time) ([]rewound, error) {
		stats, err := sp.Stats()
		if err != nil {
			return nil, err
		}
		var done []rewound
		for _, cursor := range []string{warehouseCursor, recordingsCursor} {
			first, err := sp.Rewind(ctx, cursor, to)
			if err != nil {
				return done, err
			}
			done = append(done, rewound{Cursor: cursor, First: first, Last: stats.Last})
		}
		return done, nil
	}
}

// ask has the running process do something, and hands each line of its answer on.
func ask[T any](ctx context.Context, cfg *config, run state.Runtime, path string, query url.Values, each func(T) error) error {
	values, err := state.Read(cfg.data)
	if err != nil {
		return err
	}
	u := url.URL{Scheme: "http", Host: run.PrivateListen, Path: path, RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+values.AdminToken)
	transport := &http.Transport{} // no proxy: it is this machine
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return fmt.Errorf("ask the running process: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		words, _ := bounded.Read(resp.Body, 500)
		return fmt.Errorf("the running process answered %s: %s", resp.Status, words)
	}
	lines := bufio.NewScanner(resp.Body) // a line of it has 64 KiB at most
	for lines.Scan() {
		var line T
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return fmt.Errorf("read the running process's answer: %w", err)
		}
		if err := each(line); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the running process's answer: %w", err)
	}
	return nil
}

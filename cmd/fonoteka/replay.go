package main

import (
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
again. Nothing is ever doubled by it.`,
		Flags: append(append([]cli.Flag{
			&cli.StringFlag{Name: "from", Usage: "received at or after `TIME`, UTC: 2026-03-02, 2026-03-02T10:00:00 or 24h (ago)"},
		}, integrationFlags()...), dataFlags()...),
		Action: func(c *cli.Context) error {
			from, err := parseTime("from", c.String("from"), time.Now())
			switch {
			case err != nil:
				return err
			case from.IsZero():
				return replayRejected(c)
			}
			return replaySpool(c, from)
		},
	}
}

func replayRejected(c *cli.Context) error {
	cfg, err := loadConfig(c, true)
	if err != nil {
		return err
	}
	return withWarehouse(c, func(db *warehouse.DB) error {
		counter, err := relay.NewNotifications(nil)
		if err != nil {
			return err
		}
		to := relay.ToWarehouse{Warehouse: db, Decode: cfg.decoder(), LinkLife: cfg.linkLife, Log: slog.New(slog.DiscardHandler), Counter: counter}
		taken, still := 0, 0
		err = to.ReplayRejected(c.Context, db, func(t, s int) {
			taken, still = t, s
			fmt.Fprintf(c.App.ErrWriter, "%d taken, %d still rejected\n", t, s)
		})
		if err == nil && taken+still == 0 {
			fmt.Fprintln(c.App.Writer, "nothing is rejected")
		}
		return err
	})
}

// replaySpool asks the running process; the spool is open in one process only.
// Without one, the cursors are moved here, and the next serve relays.
func replaySpool(c *cli.Context, from time.Time) error {
	cfg, err := loadConfig(c, false)
	if err != nil {
		return err
	}
	run, err := state.ReadRuntime(cfg.data)
	var done []rewound
	switch {
	case errors.Is(err, state.ErrNotRunning):
		done, err = rewindStopped(c.Context, cfg, from)
	case err == nil:
		done, err = askReplay(c.Context, cfg, run, from)
	}
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	for _, r := range done {
		n := 0
		if r.Last >= r.First {
			n = int(r.Last - r.First + 1)
		}
		fmt.Fprintf(c.App.Writer, "cursor %s: %s to be relayed again\n", r.Cursor, count(n, "notification"))
	}
	return nil
}

func rewindStopped(ctx context.Context, cfg *config, from time.Time) ([]rewound, error) {
	st, err := state.Open(cfg.data)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	sp, err := spool.Open(spool.Options{Dir: filepath.Join(cfg.data, "spool"), Cursors: []string{warehouseCursor, recordingsCursor}})
	if err != nil {
		return nil, err
	}
	done, err := rewind(sp)(ctx, from)
	return done, errors.Join(err, sp.Close())
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

func askReplay(ctx context.Context, cfg *config, run state.Runtime, from time.Time) ([]rewound, error) {
	values, err := state.Read(cfg.data)
	if err != nil {
		return nil, err
	}
	u := url.URL{Scheme: "http", Host: run.PrivateListen, Path: "/admin/replay", RawQuery: url.Values{"from": {from.Format(time.RFC3339Nano)}}.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+values.AdminToken)
	client := http.Client{Timeout: time.Minute, Transport: &http.Transport{}} // no proxy: it is this machine
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the running process: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		words, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
		return nil, fmt.Errorf("the running process answered %s: %s", resp.Status, words)
	}
	var done []rewound
	return done, json.NewDecoder(resp.Body).Decode(&done)
}

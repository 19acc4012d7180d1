package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/embedded"
	"fonoteka/internal/state"
	"fonoteka/internal/warehouse"
)

func rebuildCallsCommand() *cli.Command {
	return &cli.Command{
		Name:  "rebuild",
		Usage: "derive calls again from the notifications, and write those that differ",
		Description: `Beside a running serve, which does it with its own settings, or on a stopped
installation, with those given here. Every call is compared with what its
notifications say; rows that say the same are not written. It may be stopped, or
killed, and goes on from there when it is run again.

Run it after an upgrade that derives calls better, after a change of --abandon-after,
--area-code or a time zone (restart serve with it first), and when rows of calls,
legs or call lists were lost or altered. A row that stands under a higher version
than its notifications can give is counted as kept; --changed-rules writes it too.

Calls whose notifications are gone stay as they are, and so do those of which only
some are left. Links that an older version did not read are announced. Recordings
that are stored have their own: fonoteka recordings rebuild-catalogue.`,
		Flags: append(append(append([]cli.Flag{
			&cli.BoolFlag{Name: "changed-rules", Usage: "write what differs above every row written before, whatever its version (a new epoch)"},
			&cli.BoolFlag{Name: "dry-run", Usage: "only count what differs"},
			&cli.BoolFlag{Name: "restart", Usage: "from the beginning, though an earlier one did not finish"},
			&cli.StringFlag{Name: "call", Usage: "only the call with this `ID`, ours or the operator's"},
			&cli.StringFlag{Name: "from", Usage: "only calls that were notified of at or after `TIME`, UTC: 2026-03-02, 2026-03-02T10:00:00 or 24h (ago)"},
			&cli.StringFlag{Name: "to", Usage: "only calls that were notified of before `TIME`"},
			jsonFlag(),
		}, ruleFlags()...), integrationFlags()...), dataFlags()...),
		Action: rebuildCalls,
	}
}

func rebuildCalls(c *cli.Context) error {
	o := cdr.RebuildOptions{ChangedRules: c.Bool("changed-rules"), DryRun: c.Bool("dry-run"), Restart: c.Bool("restart"), Call: c.String("call")}
	now := time.Now()
	var err, err2 error
	o.From, err = parseTime("from", c.String("from"), now)
	o.To, err2 = parseTime("to", c.String("to"), now)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	if o.Call != "" && !(o.From.IsZero() && o.To.IsZero()) {
		return errors.New("--call names one call: it goes without --from and --to")
	}
	cfg, err := loadConfig(c, forDeriving)
	if err != nil {
		return err
	}
	began, shown := now, progressLine{w: c.App.ErrWriter}
	var first float64 // share that an earlier one had done
	var last cdr.Rebuilt
	say := func(r cdr.Rebuilt) {
		if last.Share == 0 && r.Resumed {
			first = r.Share
		}
		last = r
		shown.say(rebuildProgress(r, first, time.Since(began)))
	}
	run, err := state.ReadRuntime(cfg.data)
	switch {
	case errors.Is(err, state.ErrNotRunning):
		err = rebuildStopped(c, cfg, o, say)
	case err == nil:
		err = ask(c.Context, cfg, run, "/admin/rebuild", rebuildQuery(o), func(line rebuildLine) error {
			if line.Error != "" {
				return errors.New(line.Error)
			}
			say(line.Rebuilt)
			return nil
		})
	}
	shown.clear()
	if err != nil {
		return fmt.Errorf("%w\n%.1f %% are done; run it again to go on", err, 100*last.Share)
	}
	if last.Share < 1 {
		return fmt.Errorf("it broke off after %.1f %%; run it again to go on", 100*last.Share)
	}
	if o.Call != "" && last.Calls == 0 {
		return errors.New("no notification of a call with this id is stored")
	}
	again := announcedAgain{cfg: cfg, only: passedOver}
	if whole := o.Call == "" && o.From.IsZero() && o.To.IsZero(); whole && !o.DryRun {
		err := withWarehouse(c, func(db *warehouse.DB) error {
			again.db = db
			return again.run(c.Context, func() {})
		})
		if err != nil {
			return fmt.Errorf("the calls are derived, but recordings that an older version passed over could not be announced; run it again: %w", err)
		}
	}
	return sayRebuiltCalls(c, o, last, time.Since(began), again.added)
}

// passedOver are the notifications whose links an older version did not read, or took
// for another's.
func passedOver(e call.Event) bool {
	return e.State != call.Recorded || len(e.MoreURLs) > 0 || strings.Contains(e.URL, "?")
}

func rebuildProgress(r cdr.Rebuilt, first float64, took time.Duration) string {
	s := fmt.Sprintf("%.1f %%, %s compared, %d differ", 100*r.Share, count(r.Calls, "call"), r.Differ)
	if done := r.Share - first; done > 0.001 && r.Share < 1 {
		left := time.Duration(float64(took) * (1 - r.Share) / done)
		s += fmt.Sprintf(", %s to go", left.Round(time.Second))
	}
	return s
}

func sayRebuiltCalls(c *cli.Context, o cdr.RebuildOptions, r cdr.Rebuilt, took time.Duration, announced int) error {
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(struct {
			cdr.Rebuilt
			Announced int   `json:"announced"`
			DryRun    bool  `json:"dry_run"`
			TookMS    int64 `json:"took_ms"`
		}{r, announced, o.DryRun, took.Milliseconds()})
	}
	verb := "written"
	if o.DryRun {
		verb = "to be written"
	}
	w := c.App.Writer
	fmt.Fprintf(w, "%s compared with their notifications: %d differed, %s %s\n", count(r.Calls, "call"), r.Differ, count(r.Written, "row"), verb)
	if announced > 0 {
		fmt.Fprintf(w, "%s announced that an older version had passed over: serve fetches them\n", count(announced, "recording"))
	}
	if r.Keys > 0 {
		fmt.Fprintf(w, "%s of rows had been lost\n", count(r.Keys, "key"))
	}
	if r.Kept > 0 {
		fmt.Fprintf(w, "%s kept: made of more notifications than are left, or altered under a higher version (--changed-rules)\n", count(r.Kept, "call"))
	}
	if r.Alone > 0 {
		fmt.Fprintf(w, "%s without any notification left: kept as it is\n", count(r.Alone, "call"))
	}
	return nil
}

// rebuildStopped does it in this process. serve, should it start meanwhile, takes
// notifications and waits with everything else for the warehouse's files.
func rebuildStopped(c *cli.Context, cfg *config, o cdr.RebuildOptions, say func(cdr.Rebuilt)) error {
	release, err := state.TakeStore(cfg.data, deriverLock)
	if err != nil {
		return fmt.Errorf("something else derives calls here: %w", err)
	}
	err = withInstallation(c, []embedded.Store{embedded.StoreClickHouse}, false, func(st *stores) error {
		d, err := cfg.newDeriver(st.warehouse, slog.New(slog.DiscardHandler), nil)
		if err != nil {
			return err
		}
		_, err = d.Rebuild(c.Context, st.warehouse, o, say)
		return err
	})
	return errors.Join(err, release())
}

// deriverLock keeps serve from deriving calls while a command does.
const deriverLock = "deriver"

func rebuildQuery(o cdr.RebuildOptions) url.Values {
	q := url.Values{"call": {o.Call}}
	for name, v := range map[string]bool{"changed-rules": o.ChangedRules, "dry-run": o.DryRun, "restart": o.Restart} {
		q.Set(name, strconv.FormatBool(v))
	}
	for name, t := range map[string]time.Time{"from": o.From, "to": o.To} {
		if !t.IsZero() {
			q.Set(name, t.Format(time.RFC3339Nano))
		}
	}
	return q
}

func readRebuildQuery(q url.Values) (o cdr.RebuildOptions, err error) {
	o.Call = q.Get("call")
	for name, v := range map[string]*bool{"changed-rules": &o.ChangedRules, "dry-run": &o.DryRun, "restart": &o.Restart} {
		var e error
		*v, e = strconv.ParseBool(q.Get(name))
		err = errors.Join(err, e)
	}
	for name, t := range map[string]*time.Time{"from": &o.From, "to": &o.To} {
		if s := q.Get(name); s != "" {
			var e error
			*t, e = time.Parse(time.RFC3339Nano, s)
			err = errors.Join(err, e)
		}
	}
	return o, err
}

// rebuildLine is a line of the running process's answer.
type rebuildLine struct {
	cdr.Rebuilt
	Error string `json:"error,omitempty"`
}

// rebuildMemory is what the process may hold while it compares a slice.
const rebuildMemory = 250 << 20

// rebuildHandler answers with the progress, a JSON object a line. It ends when
// the one who asked goes away, and goes on when asked again.
func (p *pipeline) rebuildHandler(w http.ResponseWriter, r *http.Request) {
	o, err := readRebuildQuery(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := p.tables(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	if usual := debug.SetMemoryLimit(-1); usual < rebuildMemory {
		debug.SetMemoryLimit(rebuildMemory)
		defer debug.SetMemoryLimit(usual)
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	enc, flush := json.NewEncoder(w), http.NewResponseController(w).Flush
	var said time.Time
	at, err := p.deriver.Rebuild(r.Context(), p.warehouse, o, func(at cdr.Rebuilt) {
		if time.Since(said) > 500*time.Millisecond {
			said = time.Now()
			_ = enc.Encode(rebuildLine{Rebuilt: at})
			_ = flush()
		}
	})
	line := rebuildLine{Rebuilt: at}
	if err != nil && !errors.Is(err, context.Canceled) {
		p.log.Warn("rebuild of calls broke off", "share", at.Share, "err", err)
		line.Error = err.Error()
	}
	_ = enc.Encode(line)
}

// deriveAlone waits until no command derives calls on this data folder.
func (p *pipeline) deriveAlone(ctx context.Context) (release func() error, err error) {
	for n := 0; ; n++ {
		release, err = state.TakeStore(p.data, deriverLock)
		if !errors.Is(err, state.ErrLocked) || ctx.Err() != nil {
			return release, err
		}
		if n%600 == 0 { // each minute
			p.log.Warn("calls are derived when the command that rebuilds them has ended")
		}
		pause(ctx, 100*time.Millisecond)
	}
}

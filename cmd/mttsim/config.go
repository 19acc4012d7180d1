package main

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/sim"
)

// config is what the flags say.
type config struct {
	sim      sim.Options
	platform sim.PlatformOptions
	redirect string
	listen   string
	base     string // where others reach the record server; empty: what listen turns out to be
	demo     bool
	history  int // demo: calls of the last days, posted first
	ledger   string
	probe    bool          // check the listener first
	serve    bool          // keep serving until a signal
	serveFor time.Duration // keep serving for so long after posting
	linger   time.Duration // keep serving at most so long while recordings are not fetched
}

const demoDays, demoHistory = 7, 400

func flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "redirect-uri", Usage: "notifications are posted to `URL`/events"},
		&cli.BoolFlag{Name: "probe", Usage: "first check that the listener answers, as the operator does when it makes an integration's id"},
		&cli.IntFlag{Name: "calls", Value: 100, Usage: "make up `N` calls"},
		&cli.Float64Flag{Name: "rate", Value: 20, Usage: "`R` calls per second; 0: as fast as they are taken"},
		&cli.Uint64Flag{Name: "seed", Usage: "`S` drives everything that is random; default: the clock, printed to standard error"},
		&cli.StringFlag{Name: "faults", Value: "none", Usage: "`LIST` of name=probability (duplicate, shuffle, delay, unknown, unconnected, reuse, 404, 5xx, cut, stall, html), a preset (none, some, hard, odd) may stand first"},
		&cli.IntFlag{Name: "shuffle-window", Usage: "a shuffled notification moves at most `N` places; 0: anywhere"},
		&cli.DurationFlag{Name: "stall", Value: 2 * time.Second, Usage: "a stalled download stands still for `D`"},

		&cli.Float64Flag{Name: "speed", Usage: "the events of a call follow each other `X` times faster than life; 0: at once, and the call has just ended"},
		&cli.BoolFlag{Name: "live", Usage: "the same as --speed 1"},
		&cli.TimestampFlag{Name: "start", Layout: time.RFC3339, Usage: "the present moment of the simulation, `TIME` as in 2026-01-31T09:00:00Z; default: now"},
		&cli.TimestampFlag{Name: "since", Layout: time.DateOnly, Timezone: time.UTC, Usage: "spread the calls over the working hours since `DATE`"},
		&cli.IntFlag{Name: "days", Usage: "the same for the last `N` days"},
		&cli.BoolFlag{Name: "demo", Usage: "first the history of the last 7 days, then endless gentle traffic, a call a second or as --rate says"},

		&cli.StringFlag{Name: "listen", Value: "127.0.0.1:0", Usage: "serve recordings on `ADDR`; a port of 0 takes a free one"},
		&cli.StringFlag{Name: "record-base", Usage: "the links of recordings begin with `URL`; default: http:// and the address of --listen"},
		&cli.IntFlag{Name: "record-bytes", Usage: "recordings of at least `N` bytes, for benchmarks"},
		&cli.BoolFlag{Name: "serve", Usage: "serve recordings until a signal"},
		&cli.DurationFlag{Name: "serve-for", Usage: "serve recordings for `D` after the last notification"},
		&cli.DurationFlag{Name: "linger", Value: 2 * time.Minute, Usage: "without those two: serve until each was fetched once and 5 s more, at most `D`"},

		&cli.StringFlag{Name: "client-id", Value: sim.DemoClientID, Usage: "of the integration in the simulated cabinet"},
		&cli.StringFlag{Name: "client-secret", Value: sim.DemoClientSecret, Usage: "likewise"},
		&cli.StringFlag{Name: "user", Value: sim.DemoUser, Usage: "who may log in"},
		&cli.StringFlag{Name: "password", Value: sim.DemoPassword, Usage: "likewise"},
		&cli.StringFlag{Name: "refresh", Value: string(sim.RotatingGrace), Usage: "what becomes of a used refresh token: rotating-grace (good until the new one's first use), rotating-strict (dead at once), constant (the same one, to its old end)"},
		&cli.DurationFlag{Name: "access-life", Value: 2 * time.Hour, Usage: "access tokens live for `D`"},
		&cli.DurationFlag{Name: "refresh-life", Value: 72 * time.Hour, Usage: "refresh tokens live for `D`"},

		&cli.IntFlag{Name: "connections", Value: 4, Usage: "post over `N` connections"},
		&cli.BoolFlag{Name: "retry", Value: true, Usage: "post a notification again until it is answered 2xx"},
		&cli.DurationFlag{Name: "retry-for", Value: 10 * time.Minute, Usage: "give up after `D`"},
		&cli.StringFlag{Name: "ledger", Usage: "write the ledger to `FILE` as well"},
	}
}

// readConfig reports every mistake at once.
func readConfig(c *cli.Context) (config, error) {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	faults, err := sim.ParseFaults(c.String("faults"))
	check(err == nil, "--faults: %w", err)
	for name, text := range map[string]string{"redirect-uri": c.String("redirect-uri"), "record-base": c.String("record-base")} {
		u, err := url.Parse(text)
		ok := text == "" && name == "record-base" || err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
		check(ok, "--%s is not an http or https address", name)
	}
	for _, name := range []string{"calls", "record-bytes", "days", "shuffle-window"} {
		check(c.Int(name) >= 0, "--%s must not be negative", name)
	}
	check(c.Float64("rate") >= 0, "--rate must not be negative")
	check(!c.Bool("demo") || c.Float64("rate") > 0, "--demo needs a --rate above 0")
	switch mode := sim.RefreshMode(c.String("refresh")); mode {
	case sim.RotatingGrace, sim.RotatingStrict, sim.Constant:
	default:
		check(false, "--refresh: %q is none of rotating-grace, rotating-strict, constant", mode)
	}
	for _, name := range []string{"access-life", "refresh-life"} {
		check(c.Duration(name) > 0, "--%s must be above 0", name)
	}
	check(c.Float64("speed") >= 0, "--speed must not be negative")
	check(c.Int("connections") > 0, "--connections must be at least 1")
	check(!c.IsSet("days") || !c.IsSet("since"), "--days and --since exclude each other")
	check(!c.Bool("serve") || !c.IsSet("serve-for"), "--serve and --serve-for exclude each other")

	conf := config{
		redirect: c.String("redirect-uri"), listen: c.String("listen"), base: c.String("record-base"),
		demo: c.Bool("demo"), history: demoHistory, ledger: c.String("ledger"),
		probe: c.Bool("probe"), serve: c.Bool("serve"), serveFor: c.Duration("serve-for"), linger: c.Duration("linger"),
		platform: sim.PlatformOptions{
			RedirectURI: c.String("redirect-uri"), ClientID: c.String("client-id"), ClientSecret: c.String("client-secret"),
			User: c.String("user"), Password: c.String("password"), Refresh: sim.RefreshMode(c.String("refresh")),
			Speed: c.Float64("speed"), AccessLife: c.Duration("access-life"), RefreshLife: c.Duration("refresh-life"),
		},
		sim: sim.Options{
			Seed: c.Uint64("seed"), Calls: c.Int("calls"), Rate: c.Float64("rate"), Speed: c.Float64("speed"),
			RecordBytes: c.Int("record-bytes"), Faults: faults, StallFor: c.Duration("stall"),
			ShuffleWindow: c.Int("shuffle-window"), Connections: c.Int("connections"),
			NoRetry: !c.Bool("retry"), RetryFor: c.Duration("retry-for"), Start: time.Now(),
		},
	}
	if !c.IsSet("seed") {
		conf.sim.Seed = uint64(time.Now().UnixNano())
	}
	setTimes(c, &conf)
	check(conf.sim.Since.IsZero() || conf.sim.Since.Before(conf.sim.Start), "--since is not before the start")
	return conf, errors.Join(errs...)
}

func setTimes(c *cli.Context, conf *config) {
	if t := c.Timestamp("start"); t != nil {
		conf.sim.Start = *t
	}
	if c.Bool("live") {
		conf.sim.Speed, conf.platform.Speed = 1, 1
	}
	days := c.Int("days")
	if conf.demo {
		if c.IsSet("calls") {
			conf.history = c.Int("calls")
		}
		if days == 0 {
			days = demoDays
		}
		if !c.IsSet("rate") {
			conf.sim.Rate = 1
		}
	}
	if t := c.Timestamp("since"); t != nil {
		conf.sim.Since = *t
	} else if days > 0 {
		conf.sim.Since = conf.sim.Start.AddDate(0, 0, -days)
	}
}

package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"fonoteka/internal/installation"
	"fonoteka/internal/settings"
	"fonoteka/internal/volume"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
)

// examineArrivals compares what came with what usually comes.
func examineArrivals(ctx context.Context, cfg *settings.Config) (out Report, err error) {
	out.Of = "the notifications of the last weeks"
	err = installation.UseWarehouse(ctx, cfg, func(db *warehouse.DB) error {
		all, err := volume.Measure(ctx, calls.New(db), cfg.Decode, time.Now())
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, s := range all {
			seen[s.Integration] = true
			out.Findings = append(out.Findings, named(cfg, s.Integration, []Finding{silence(s), zoneFinding(s)})...)
		}
		for _, i := range cfg.Integrations {
			if !seen[i.Name] {
				out.Findings = append(out.Findings, named(cfg, i.Name, []Finding{{
					Check: "silence", Answer: Look, Means: "no call has ever been announced", Do: `make one; if nothing comes, see "fonoteka doctor redirect"`,
				}})...)
			}
		}
		shared, err := calls.New(db).SharedCalls(ctx, time.Now().Add(-7*24*time.Hour))
		for _, s := range shared {
			out.Findings = append(out.Findings, Finding{
				Check: "cabinet", Answer: Look,
				Means: fmt.Sprintf("%s hear the same calls (%d within 7 days): they are integrations of one cabinet, and each call counts for each of them", strings.Join(s.Integrations, " and "), s.Calls),
				Do:    "if that is not meant, remove one of them in the operator's cabinet; in reports filter by integration",
			})
		}
		return err
	})
	return out, err
}

func silence(s volume.Comparison) Finding {
	f := Finding{Check: "silence", Answer: Yes, Means: fmt.Sprintf("the last notification came %s ago", since(s.Silence))}
	switch {
	case s.Silent():
		f.Answer = No
		f.Means += fmt.Sprintf("; %.0f calls usually begin in such a time", s.Missing)
		f.Do = "make a call; if nothing comes, the findings above say where the way is broken; what is not received is lost"
	case s.Few():
		f.Answer = Look
		f.Means = fmt.Sprintf("%.0f calls began in the last 24 hours, usually %.0f", s.Day, s.Usual)
		f.Do = "on a holiday that may be true; otherwise look in the proxy's log for answers other than 200"
	case s.Learned:
		f.Means += fmt.Sprintf("; %.0f calls began in the last 24 hours, usually %.0f", s.Day, s.Usual)
	default:
		f.Means += "; what is usual will be known after a week"
	}
	return f
}

func zoneFinding(s volume.Comparison) Finding {
	const check = "time zone"
	switch {
	case !s.Zone.Known:
		return Finding{Check: check, Answer: Unknown, Means: "too few calls of the last day tell in which zone the operator writes times"}
	case s.Zone.Offset != 0:
		return Finding{
			Check: check, Answer: No, Means: fmt.Sprintf("the operator's times are %s off when read in the configured zone", s.Zone.Offset),
			Do: "set FONOTEKA_TIMEZONE, or this integration's timezone in the file of --config, to the zone they are written in, restart serve, and then: fonoteka rebuild",
		}
	case s.Zone.Skew.Abs() > volume.SkewLimit:
		return Finding{
			Check: check, Answer: Look, Means: fmt.Sprintf("the zone is right, but notifications come %s after what they tell", s.Zone.Skew.Round(time.Second)),
			Do: "is the time of this machine kept by NTP?",
		}
	}
	return Finding{Check: check, Answer: Yes, Means: "the configured zone is the one that the operator writes times in"}
}

// since tells a span in words.
func since(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

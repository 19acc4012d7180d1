package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"fonoteka/internal/checkup"
	"fonoteka/internal/state"
)

// examineServe asks the running process.
func examineServe(ctx context.Context, cfg *config) (report, error) {
	r, err := state.ReadRuntime(cfg.data)
	if errors.Is(err, state.ErrNotRunning) {
		return report{of: cfg.data, findings: []checkup.Finding{{
			Check: "running", Answer: checkup.No, Means: "serve does not run on this data folder: what is announced now is lost",
			Do: "start it: fonoteka serve --data " + cfg.data,
		}}}, nil
	}
	if err != nil {
		return report{}, err
	}
	running := checkup.Finding{Check: "running", Answer: checkup.Yes, Means: "serve runs and takes notifications on " + r.PublicListen}
	return report{
		of:       fmt.Sprintf("process %d, private listener %s", r.PID, r.PrivateListen),
		findings: append([]checkup.Finding{running}, checkup.Running(ctx, "http://"+r.PrivateListen)...),
	}, nil
}

// examineRedirects follows the way that the operator takes.
func examineRedirects(ctx context.Context, cfg *config) (report, error) {
	out := report{of: count(len(cfg.integrations), "integration")}
	probe, err := cfg.probe()
	if err != nil {
		return report{}, err
	}
	for _, i := range cfg.integrations {
		findings := []checkup.Finding{{
			Check: "redirect URI", Answer: checkup.NotTried, Means: "none is configured (FONOTEKA_MTT_REDIRECT_URI): nothing can come in",
		}}
		if u, err := url.Parse(i.redirect); err == nil && u.Host != "" {
			findings = checkup.Redirect{URI: u, Now: time.Now(), Probe: probe}.Examine(ctx)
		}
		out.findings = append(out.findings, named(cfg, i.name, findings)...)
	}
	return out, nil
}

// named puts the integration before each question where there are several.
func named(cfg *config, integration string, findings []checkup.Finding) []checkup.Finding {
	if len(cfg.integrations) < 2 {
		return findings
	}
	for i := range findings {
		findings[i].Check = integration + ": " + findings[i].Check
	}
	return findings
}

// spoolReserve is the free space below which the spool takes nothing more.
const spoolReserve = 2 << 30

func examineMachine(ctx context.Context, cfg *config) (report, error) {
	return report{of: cfg.data, findings: []checkup.Finding{
		checkup.Clock(ctx, cfg.oauthURL), checkup.Disk(cfg.data, spoolReserve),
	}}, nil
}

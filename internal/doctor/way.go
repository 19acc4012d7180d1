package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"fonoteka/internal/settings"
	"fonoteka/internal/state"
	"fonoteka/internal/words"
)

// examineServe asks the running process.
func examineServe(ctx context.Context, cfg *settings.Config) (Report, error) {
	r, err := state.ReadRuntime(cfg.Data)
	if errors.Is(err, state.ErrNotRunning) {
		return Report{Of: cfg.Data, Findings: []Finding{{
			Check: "running", Answer: No, Means: "serve does not run on this data folder: what is announced now is lost",
			Do: "start it: fonoteka serve --data " + cfg.Data,
		}}}, nil
	}
	if err != nil {
		return Report{}, err
	}
	running := Finding{Check: "running", Answer: Yes, Means: "serve runs and takes notifications on " + r.PublicListen}
	return Report{
		Of:       fmt.Sprintf("process %d, private listener %s", r.PID, r.PrivateListen),
		Findings: append([]Finding{running}, Running(ctx, "http://"+r.PrivateListen)...),
	}, nil
}

// examineRedirects follows the way that the operator takes.
func examineRedirects(ctx context.Context, cfg *settings.Config) (Report, error) {
	out := Report{Of: words.Count(len(cfg.Integrations), "integration")}
	probe, err := probeOf(cfg)
	if err != nil {
		return Report{}, err
	}
	for _, i := range cfg.Integrations {
		findings := []Finding{{
			Check: "redirect URI", Answer: NotTried, Means: "none is configured (FONOTEKA_REDIRECT_URI): nothing can come in",
		}}
		if u, err := url.Parse(i.RedirectURI); err == nil && u.Host != "" {
			if fault := settings.RedirectFault(i.RedirectURI); fault != nil {
				out.Findings = append(out.Findings, named(cfg, i.Name, []Finding{no("address", fault.Error(), "serve does not start with it: correct it here and in the operator's cabinet", nil)})...)
			}
			findings = Redirect{URI: u, Now: time.Now(), Probe: probe}.Examine(ctx)
		}
		out.Findings = append(out.Findings, named(cfg, i.Name, findings)...)
	}
	return out, nil
}

// named puts the integration before each question where there are several.
func named(cfg *settings.Config, integration string, findings []Finding) []Finding {
	if len(cfg.Integrations) < 2 {
		return findings
	}
	for i := range findings {
		findings[i].Check = integration + ": " + findings[i].Check
	}
	return findings
}

// spoolReserve is the free space below which the spool takes nothing more.
const spoolReserve = 2 << 30

func examineMachine(ctx context.Context, cfg *settings.Config) (Report, error) {
	return Report{Of: cfg.Data, Findings: []Finding{
		Clock(ctx, cfg.OAuthURL), Disk(cfg.Data, spoolReserve),
	}}, nil
}

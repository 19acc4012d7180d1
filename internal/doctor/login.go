package doctor

import (
	"context"
	"errors"

	"fonoteka/internal/installation"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
	"fonoteka/internal/token"
	"fonoteka/internal/words"
)

// examineLogin says how the operator's tokens stand. It asks the operator
// nothing: a refresh is serve's alone.
func examineLogin(_ context.Context, cfg *settings.Config) (Report, error) {
	out := Report{Of: "the tokens in " + cfg.Data}
	if _, err := state.Read(cfg.Data); errors.Is(err, state.ErrNone) {
		out.Findings = []Finding{{Check: "login", Answer: Look, Means: "there is no installation here yet", Do: "start fonoteka serve on this data folder"}}
		return out, nil
	} else if err != nil {
		return out, err
	}
	a, err := installation.NewAccess(cfg, nil, nil)
	if err != nil {
		return out, err
	}
	for _, i := range cfg.Integrations {
		out.Findings = append(out.Findings, named(cfg, i.Name, []Finding{loginFinding(a.Keepers[i.Name].Status())})...)
	}
	return out, nil
}

func loginFinding(s token.Status) Finding {
	f := Finding{Check: "login", Answer: Look, Means: s.State.Tell(), Detail: s.Failure}
	switch {
	case s.LoginNeeded():
		f.Answer, f.Do = No, "fonoteka auth login"
		if s.State == token.Unreadable {
			f.Do = "give the FONOTEKA_KEY that serve has; where it is lost, see the reason"
		}
	case s.State == token.NoCredentials:
		f.Do = "nothing, where recordings are all that is wanted"
	case s.State == token.Failing:
		f.Do = "mend the reason; the refresh token " + words.Ends(s.RefreshEnds.Sub(s.At))
	default:
		f.Answer, f.Means = Yes, "logged in; the refresh token "+words.Ends(s.RefreshEnds.Sub(s.At))
	}
	return f
}

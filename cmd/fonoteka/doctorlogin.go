package main

import (
	"context"
	"errors"

	"fonoteka/internal/checkup"
	"fonoteka/internal/state"
	"fonoteka/internal/token"
)

// examineLogin says how the operator's tokens stand. It asks the operator
// nothing: a refresh is serve's alone.
func examineLogin(_ context.Context, cfg *config) (report, error) {
	out := report{of: "the tokens in " + cfg.data}
	if _, err := state.Read(cfg.data); errors.Is(err, state.ErrNone) {
		out.findings = []checkup.Finding{{Check: "login", Answer: checkup.Look, Means: "there is no installation here yet", Do: "start fonoteka serve on this data folder"}}
		return out, nil
	} else if err != nil {
		return out, err
	}
	a, err := cfg.newAccess(nil, nil)
	if err != nil {
		return out, err
	}
	for _, i := range cfg.integrations {
		out.findings = append(out.findings, named(cfg, i.name, []checkup.Finding{loginFinding(a.keepers[i.name].Status())})...)
	}
	return out, nil
}

func loginFinding(s token.Status) checkup.Finding {
	f := checkup.Finding{Check: "login", Answer: checkup.Look, Means: stateText[s.State], Detail: s.Failure}
	switch {
	case s.LoginNeeded():
		f.Answer, f.Do = checkup.No, "fonoteka auth login"
		if s.State == token.Unreadable {
			f.Do = "give the FONOTEKA_KEY that serve has; where it is lost, see the reason"
		}
	case s.State == token.NoCredentials:
		f.Do = "nothing, where recordings are all that is wanted"
	case s.State == token.Failing:
		f.Do = "mend the reason; the refresh token " + ends(s.RefreshEnds.Sub(s.At))
	default:
		f.Answer, f.Means = checkup.Yes, "logged in; the refresh token "+ends(s.RefreshEnds.Sub(s.At))
	}
	return f
}

package token

import "time"

// State is the state of an integration's tokens.
type State string

// The states. All but Fine and Failing need a person; NoCredentials only
// where the operator's API is to be used.
const (
	NoCredentials State = "no credentials" // recordings behind open links are archived; the API cannot be used
	NoLogin       State = "no login"       // there are credentials, and nobody has logged in with them
	Fine          State = "fine"
	Failing       State = "failing" // the last refreshes failed, or one is overdue; retried
	Refused       State = "refused" // the operator refuses the refresh token; retried, but a login will be needed
	Ended         State = "ended"   // the refresh token has expired
	Unreadable    State = "unreadable"
)

// Status says which tokens there are and when they expire. It holds no secret.
type Status struct {
	Integration  string    `json:"integration"`
	At           time.Time `json:"at"` // of this status
	State        State     `json:"state"`
	ClientID     string    `json:"client_id,omitempty"`
	LoggedInAt   time.Time `json:"logged_in_at,omitzero"`
	RefreshedAt  time.Time `json:"refreshed_at,omitzero"` // when the present tokens were requested
	AccessEnds   time.Time `json:"access_ends,omitzero"`
	RefreshEnds  time.Time `json:"refresh_ends,omitzero"`
	NextRefresh  time.Time `json:"next_refresh,omitzero"` // while serve runs
	FailingSince time.Time `json:"failing_since,omitzero"`
	Failure      string    `json:"failure,omitempty"`
	LastLogin    Attempt   `json:"last_login,omitzero"`
}

// LoginNeeded says whether a person has to log in.
func (s Status) LoginNeeded() bool {
	switch s.State {
	case NoLogin, Refused, Ended, Unreadable:
		return true
	}
	return false
}

// overdue is how long after its time a refresh counts as failing: what prevents it, a full
// disk for example, may also prevent that a failure is saved.
const overdue = 2 * time.Minute

// Status reads the state of the tokens. That they cannot be read is a state, too.
func (k *Keeper) Status() Status {
	s := Status{Integration: k.opts.Integration, At: k.opts.Now().UTC()}
	r, err := k.load()
	if err != nil {
		s.State, s.Failure = Unreadable, err.Error()
		return s
	}
	c := k.credentials(r)
	s.ClientID, s.LastLogin = c.ClientID, r.Login
	if !c.Complete() {
		s.State = NoCredentials
		return s
	}
	if r.Refresh == "" || r.Client != c.ClientID {
		s.State = NoLogin
		return s
	}
	s.LoggedInAt, s.RefreshedAt = r.LoggedInAt.UTC(), r.AskedAt.UTC()
	s.AccessEnds, s.RefreshEnds = r.AccessEnds.UTC(), r.RefreshEnds.UTC()
	s.FailingSince, s.Failure = r.FailingSince.UTC(), r.Failure
	switch {
	case !r.renewable(s.At):
		s.State = Ended
		return s
	case r.Refused:
		s.State = Refused
	case !r.FailingSince.IsZero():
		s.State = Failing
	default:
		s.State = Fine
	}
	s.NextRefresh = r.dueAt().UTC()
	if s.State == Fine && s.At.Sub(s.NextRefresh) > overdue {
		s.State, s.FailingSince, s.Failure = Failing, s.NextRefresh, "it is overdue: serve does not run, or cannot write to its data folder"
	}
	return s
}

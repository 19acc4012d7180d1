package token

import (
	"strings"
	"time"

	"fonoteka/internal/mtt"
)

// record is what is saved of an integration.
type record struct {
	Credentials Credentials // of the last login; those of the configuration replace them
	Pending     Credentials // of a login that has begun; they replace Credentials when it has worked

	Client      string // id of the client that the tokens were issued to; "": none yet
	Access      string
	Refresh     string
	AskedAt     time.Time // when these tokens were requested: their lives are counted from it
	AccessEnds  time.Time
	RefreshEnds time.Time
	LoggedInAt  time.Time // by a person

	// BegunAt is when a refresh began whose outcome is not saved; zero: none has.
	BegunAt time.Time

	FailingSince time.Time // the first failure since the last success; zero: none
	FailedAt     time.Time // the last failure
	Failure      string    // its text, without secrets
	Refused      bool      // the operator refused the token

	Used  map[string]time.Time // states of logins that have come back, with their expiry
	Login Attempt              // the last one that came back
}

// Attempt is a login that came back from the operator.
type Attempt struct {
	At      time.Time `json:"at"`
	Outcome string    `json:"outcome"` // LoginDone, or what went wrong in a word
}

// Describe explains the outcome in sentences.
func (a Attempt) Describe() string {
	t, ok := english.Outcomes[a.Outcome]
	if !ok {
		return a.Outcome
	}
	return strings.TrimSpace(t.Text + " " + t.Do)
}

// usable says whether the access token can be used for a request that begins now.
func (r record) usable(now time.Time, refused string) bool {
	const margin = 10 * time.Second // for the duration of the request, and the difference of the clocks
	return r.Access != "" && r.Access != refused && now.Add(margin).Before(r.AccessEnds)
}

// renewable says whether there is a refresh token that has not expired.
func (r record) renewable(now time.Time) bool { return r.Refresh != "" && now.Before(r.RefreshEnds) }

// dueAt is when the tokens are to be refreshed: after half of the access token's
// life, and at once where a refresh has begun and its outcome is not known.
// After failures it is retried less and less often.
func (r record) dueAt() time.Time {
	switch {
	case !r.BegunAt.IsZero():
		return r.BegunAt
	case !r.FailingSince.IsZero():
		return r.FailedAt.Add(r.pause())
	}
	return r.AskedAt.Add(r.AccessEnds.Sub(r.AskedAt) / 2)
}

// minPause is the shortest pause between two refreshes.
const minPause = 10 * time.Second

// pause is the time between a failure and the next try: a quarter of the time since the
// first failure, within bounds; longer ones where the operator has refused the token.
func (r record) pause() time.Duration {
	lower, upper := minPause, 5*time.Minute
	if r.Refused {
		lower, upper = time.Minute, 15*time.Minute
	}
	return min(max(r.FailedAt.Sub(r.FailingSince)/4, lower), upper)
}

// granted is the record with the tokens of an answer; asked is when they were requested. A
// refresh token that came back unchanged keeps its expiry.
func (r record) granted(g mtt.Grant, client string, asked time.Time) record {
	if g.RefreshToken != r.Refresh {
		r.Refresh, r.RefreshEnds = g.RefreshToken, asked.Add(mtt.RefreshLife)
	}
	r.Client, r.Access, r.AskedAt, r.AccessEnds = client, g.AccessToken, asked, asked.Add(g.AccessLife)
	return r.succeeded()
}

// succeeded is the record without its failures.
func (r record) succeeded() record {
	r.BegunAt, r.FailingSince, r.FailedAt, r.Failure, r.Refused = time.Time{}, time.Time{}, time.Time{}, "", false
	return r
}

func (r record) failed(err error, refused bool, now time.Time) record {
	if r.FailingSince.IsZero() {
		r.FailingSince = now
	}
	r.BegunAt, r.FailedAt, r.Failure, r.Refused = time.Time{}, now, err.Error(), refused
	return r
}

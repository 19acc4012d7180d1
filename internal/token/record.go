package token

import (
	"strings"
	"time"

	"fonoteka/internal/mtt"
)

// record is what is kept of an integration.
type record struct {
	Credentials Credentials // of a login; the configuration's go before them
	Trying      Credentials // of a login that is begun; they count when it has worked

	Client      string // id the tokens were given to; "": none yet
	Access      string
	Refresh     string
	AskedAt     time.Time // for these tokens: their lives are counted from it
	AccessEnds  time.Time
	RefreshEnds time.Time
	LoggedInAt  time.Time // by a person

	// A refresh is begun, and its end is not on disk. Zero: none is.
	BegunAt time.Time

	FailingSince time.Time // the first failure since the last success; zero: none
	FailedAt     time.Time // the last one
	Failure      string    // what it was; no secret in it
	Refused      bool      // it was the operator's own no

	Used  map[string]time.Time // states of logins that have come back, with their ends
	Login Attempt              // the last one that came back
}

// Attempt is a login that came back from the operator.
type Attempt struct {
	At      time.Time `json:"at"`
	Outcome string    `json:"outcome"` // LoginDone, or what went wrong in a word
}

// Tell says in sentences what became of it.
func (a Attempt) Tell() string {
	t, ok := tellings[a.Outcome]
	if !ok {
		return a.Outcome
	}
	return strings.TrimSpace(t.Text + " " + t.Do)
}

// usable says whether the access token is good for a request that begins now.
func (r record) usable(now time.Time, refused string) bool {
	const margin = 10 * time.Second // that the request may take, and clocks differ
	return r.Access != "" && r.Access != refused && now.Add(margin).Before(r.AccessEnds)
}

// renewable says whether there is a refresh token that may live.
func (r record) renewable(now time.Time) bool { return r.Refresh != "" && now.Before(r.RefreshEnds) }

// dueAt is when the tokens are to be refreshed: at half of the access token's
// life, and at once where a refresh was begun and nobody knows how it ended.
// After failures it is tried again ever more seldom.
func (r record) dueAt() time.Time {
	switch {
	case !r.BegunAt.IsZero():
		return r.BegunAt
	case !r.FailingSince.IsZero():
		return r.FailedAt.Add(r.pause())
	}
	return r.AskedAt.Add(r.AccessEnds.Sub(r.AskedAt) / 2)
}

const shortest = 10 * time.Second

// pause is a quarter of the time it has failed for, within bounds. An operator
// that has said no is not pressed.
func (r record) pause() time.Duration {
	least, most := shortest, 5*time.Minute
	if r.Refused {
		least, most = time.Minute, 15*time.Minute
	}
	return min(max(r.FailedAt.Sub(r.FailingSince)/4, least), most)
}

// granted are the tokens of an answer to a question that was asked at asked. A
// refresh token that came back unchanged keeps its end.
func (r record) granted(g mtt.Grant, client string, asked time.Time) record {
	if g.RefreshToken != r.Refresh {
		r.Refresh, r.RefreshEnds = g.RefreshToken, asked.Add(mtt.RefreshLife)
	}
	r.Client, r.Access, r.AskedAt, r.AccessEnds = client, g.AccessToken, asked, asked.Add(g.AccessLife)
	return r.settled()
}

// settled is the record after a success.
func (r record) settled() record {
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

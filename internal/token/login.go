package token

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"fonoteka/internal/mtt"
)

// LoginLife is how long a person has from Begin to the operator's answer.
const LoginLife = 15 * time.Minute

// LoginDone is the outcome of a login that worked.
const LoginDone = "done"

// The other outcomes of a login that came back.
const (
	outcomeDenied      = "denied"      // the operator sent an error instead of a code
	outcomeExpired     = "expired"     // the state is ours, and too old
	outcomeForeign     = "foreign"     // the state is not ours, or was used before
	outcomeRefused     = "refused"     // the operator refused the code, or the client's secret
	outcomeUnreachable = "unreachable" // no answer from the operator
	outcomeFailed      = "failed"      // on our side
)

// Begin returns where a person logs in within LoginLife, for the operator to
// send a code to the redirect URI. Credentials that are given are handed to
// whoever finishes the login, and kept when it has worked: a typing error leaves
// the tokens that there are renewable. Those of a process's own configuration go
// before them there.
func (k *Keeper) Begin(ctx context.Context, given Credentials) (authorizeURL string, err error) {
	if k.o.RedirectURI == "" {
		return "", fmt.Errorf("the redirect URI of integration %s is not known", k.o.Integration)
	}
	err = k.alone(ctx, func(r record) error {
		if given != r.Trying {
			r.Trying = given
			if err := k.save(r); err != nil {
				return err
			}
		}
		oauth, err := k.oauth(k.trying(r))
		if err == nil {
			authorizeURL = oauth.AuthorizeURL(k.newState())
		}
		return err
	})
	return authorizeURL, err
}

// A state is 16 random bytes, its end in Unix seconds, and their HMAC, which
// names the integration. So nobody can have a login that was not begun here end
// at our redirect URI, nor one integration's at another's.

const stateNonce, stateBytes = 16, 16 + 8

func (k *Keeper) newState() string {
	b := make([]byte, stateNonce, stateBytes+sha256.Size)
	_, _ = rand.Read(b) // never fails
	b = binary.BigEndian.AppendUint64(b, uint64(k.o.Now().Add(LoginLife).Unix()))
	return base64.RawURLEncoding.EncodeToString(append(b, k.sign(b)...))
}

func (k *Keeper) sign(b []byte) []byte {
	h := hmac.New(sha256.New, k.o.Store.Key("login state"))
	h.Write(b)
	h.Write([]byte(k.o.Integration))
	return h.Sum(nil)
}

// checkState returns the end of a state of ours.
func (k *Keeper) checkState(state string) (ends time.Time, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(state)
	if err != nil || len(b) != stateBytes+sha256.Size || !hmac.Equal(b[stateBytes:], k.sign(b[:stateBytes])) {
		return time.Time{}, false
	}
	return time.Unix(int64(binary.BigEndian.Uint64(b[stateNonce:])), 0), true
}

// finish takes what the operator sent a person back with. Only a state that is
// ours changes anything.
func (k *Keeper) finish(ctx context.Context, code, state string) (outcome string, err error) {
	ends, ours := k.checkState(state)
	if !ours {
		return outcomeForeign, errors.New("a login came back that was not begun here")
	}
	outcome = outcomeFailed
	err = k.alone(ctx, func(r record) error {
		if _, used := r.Used[state]; used {
			outcome = outcomeForeign
			return errors.New("a login came back for a second time")
		}
		now := k.o.Now()
		used := map[string]time.Time{state: ends}
		for s, ends := range r.Used {
			if now.Before(ends) {
				used[s] = ends
			}
		}
		r.Used = used
		if err := k.save(r); err != nil { // so the disk takes writes
			return err
		}
		// The browser may leave, and waits no longer than its server does.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		got, became, err := k.exchange(ctx, r, code, ends)
		got.Login = Attempt{At: now.UTC(), Outcome: became} // not before: somebody waits for it
		if saveErr := k.insist(got); saveErr != nil {
			return errors.Join(err, saveErr)
		}
		outcome = became
		select {
		case k.fresh <- struct{}{}:
		default:
		}
		return err
	})
	return outcome, err
}

// exchange returns the record with the tokens that a code is good for.
func (k *Keeper) exchange(ctx context.Context, r record, code string, ends time.Time) (_ record, outcome string, err error) {
	now := k.o.Now()
	c := k.trying(r)
	switch {
	case now.After(ends):
		return r, outcomeExpired, errors.New("a login came back too late")
	case code == "":
		return r, outcomeDenied, errors.New("the operator sent no code")
	}
	oauth, err := k.oauth(c)
	if err != nil {
		return r, outcomeFailed, err
	}
	g, err := oauth.Exchange(ctx, code)
	switch {
	case errors.Is(err, mtt.ErrGrantRefused):
		return r, outcomeRefused, err
	case err != nil:
		return r, outcomeUnreachable, err
	}
	k.unsaved = nil
	if r.Trying == c {
		r.Credentials = c
	}
	r.Trying = Credentials{}
	r.Refresh = "" // a login's token is a new one, whatever its value
	r = r.granted(g, c.ClientID, now)
	r.LoggedInAt = now
	return r, LoginDone, nil
}

// Forget removes the tokens, and the credentials that a login has kept. The
// operator is not told: there is no method for it, and its tokens live on until
// their end.
func (k *Keeper) Forget(ctx context.Context) error {
	return k.alone(ctx, func(r record) error { return k.save(record{Used: r.Used, Login: r.Login}) })
}

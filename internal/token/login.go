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

// LoginLife is how long a person has to log in after Begin.
const LoginLife = 15 * time.Minute

// LoginDone is the outcome of a login that worked.
const LoginDone = "done"

// The other outcomes of a login that came back.
const (
	outcomeDenied      = "denied"      // the operator sent an error instead of a code
	outcomeExpired     = "expired"     // the state is ours, and too old
	outcomeForeign     = "foreign"     // the state is not ours, or was used already
	outcomeRefused     = "refused"     // the operator refused the code, or the client's secret
	outcomeUnreachable = "unreachable" // no answer from the operator
	outcomeFailed      = "failed"      // a fault on our side
)

// Begin returns the URL where a person logs in within LoginLife; the operator then
// sends a code to the redirect URI. The given credentials are saved as pending, and replace
// the saved ones only when the login has worked, so that a typing error does not stop the
// renewal of the present tokens. Where the process that finishes the login has credentials
// in its configuration, it uses these.
func (k *Keeper) Begin(ctx context.Context, given Credentials) (authorizeURL string, err error) {
	if k.opts.RedirectURI == "" {
		return "", fmt.Errorf("the redirect URI of integration %s is not known", k.opts.Integration)
	}
	err = k.exclusively(ctx, func(r record) error {
		if given != r.Pending {
			r.Pending = given
			if err := k.save(r); err != nil {
				return err
			}
		}
		oauth, err := k.oauth(k.loginCredentials(r))
		if err == nil {
			authorizeURL = oauth.AuthorizeURL(k.newState())
		}
		return err
	})
	return authorizeURL, err
}

// A state is 16 random bytes, its expiry in Unix seconds, and an HMAC of both and of the
// integration's name. So a login that was not begun here cannot be finished at our redirect
// URI, nor that of one integration at another's.

const stateNonce, stateBytes = 16, 16 + 8

func (k *Keeper) newState() string {
	b := make([]byte, stateNonce, stateBytes+sha256.Size)
	_, _ = rand.Read(b) // never fails
	b = binary.BigEndian.AppendUint64(b, uint64(k.opts.Now().Add(LoginLife).Unix()))
	return base64.RawURLEncoding.EncodeToString(append(b, k.sign(b)...))
}

func (k *Keeper) sign(b []byte) []byte {
	h := hmac.New(sha256.New, k.opts.Store.Key("login state"))
	h.Write(b)
	h.Write([]byte(k.opts.Integration))
	return h.Sum(nil)
}

// checkState returns the expiry of a state, and whether it is ours.
func (k *Keeper) checkState(state string) (ends time.Time, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(state)
	if err != nil || len(b) != stateBytes+sha256.Size || !hmac.Equal(b[stateBytes:], k.sign(b[:stateBytes])) {
		return time.Time{}, false
	}
	return time.Unix(int64(binary.BigEndian.Uint64(b[stateNonce:])), 0), true
}

// finish finishes a login with what the operator sent the person back with. A state that
// is not ours changes nothing.
func (k *Keeper) finish(ctx context.Context, code, state string) (outcome string, err error) {
	ends, ours := k.checkState(state)
	if !ours {
		return outcomeForeign, errors.New("a login came back that was not begun here")
	}
	outcome = outcomeFailed
	err = k.exclusively(ctx, func(r record) error {
		if _, used := r.Used[state]; used {
			outcome = outcomeForeign
			return errors.New("a login came back for a second time")
		}
		now := k.opts.Now()
		used := map[string]time.Time{state: ends}
		for s, ends := range r.Used {
			if now.Before(ends) {
				used[s] = ends
			}
		}
		r.Used = used
		if err := k.save(r); err != nil { // which also proves that the disk can be written
			return err
		}
		// The browser may disconnect, which must not stop the exchange.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		got, became, err := k.exchange(ctx, r, code, ends)
		got.Login = Attempt{At: now.UTC(), Outcome: became} // after the exchange: a command waits for this to appear
		if saveErr := k.saveRetrying(got); saveErr != nil {
			return errors.Join(err, saveErr)
		}
		outcome = became
		select {
		case k.loggedIn <- struct{}{}:
		default:
		}
		return err
	})
	return outcome, err
}

// exchange exchanges a code for tokens and returns the record with them.
func (k *Keeper) exchange(ctx context.Context, r record, code string, ends time.Time) (_ record, outcome string, err error) {
	now := k.opts.Now()
	c := k.loginCredentials(r)
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
	if r.Pending == c {
		r.Credentials = c
	}
	r.Pending = Credentials{}
	r.Refresh = "" // so that granted counts its life from now, even if the value is the same
	r = r.granted(g, c.ClientID, now)
	r.LoggedInAt = now
	return r, LoginDone, nil
}

// Forget removes the tokens, and the credentials saved by a login. The tokens
// stay valid at the operator until they expire: there is no method to revoke them.
func (k *Keeper) Forget(ctx context.Context) error {
	return k.exclusively(ctx, func(r record) error { return k.save(record{Used: r.Used, Login: r.Login}) })
}

package fetch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"fonoteka/internal/call"
)

const maxRedirects = 5

// bearer is the operator's token, bound to the one server that it is for.
type bearer struct{ origin, token string }

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

// ask sends the request and follows where it leads, to an answer that is no
// redirect and no 401 that a token mends.
func (t *transfer) ask(ctx context.Context) (*http.Response, error) {
	u := t.link
	for redirects := 0; ; {
		resp, err := t.send(ctx, u)
		if err != nil {
			if as, again := t.overHTTP(u); again {
				u = as
				continue
			}
			return nil, t.explain(u, err)
		}
		if next, again := t.login(ctx, u, resp); again {
			t.discard(resp)
			if next != nil {
				return nil, next
			}
			continue
		}
		if !isRedirect(resp.StatusCode) {
			return resp, nil
		}
		to, err := location(u, resp)
		t.discard(resp)
		if err != nil {
			return nil, failure(call.Failure{Code: call.CodeRedirectNowhere, Host: displayHost(u), HTTPStatus: resp.StatusCode})
		}
		if redirects++; redirects > maxRedirects {
			return nil, failure(call.Failure{Code: call.CodeRedirectLoop, Host: displayHost(t.link), HTTPStatus: resp.StatusCode})
		}
		if u, err = t.f.opts.Hosts.resolve(to); err != nil {
			return nil, err
		}
	}
}

// location is where an answer redirects to.
func location(from *url.URL, resp *http.Response) (*url.URL, error) {
	said := resp.Header.Get("Location")
	if said == "" {
		return nil, http.ErrNoLocation
	}
	to, err := call.ParseLink(said)
	if err != nil {
		return nil, err
	}
	return from.ResolveReference(to), nil
}

// overHTTP is a link without a scheme by plain http, where its server, an address that
// is allowed as it stands, has answered so.
func (t *transfer) overHTTP(u *url.URL) (*url.URL, bool) {
	if _, isLiteral := literal(u); t.scheme != "" || !t.mismatch || !isLiteral || u.Scheme == "http" {
		return nil, false
	}
	as := *u
	as.Scheme = "http"
	return &as, true
}

// explain replaces the failure of a plain http link that was asked for by https, where
// its server speaks plain http alone.
func (t *transfer) explain(u *url.URL, err error) error {
	f, ok := errors.AsType[*Failure](err)
	if ok && t.scheme == "http" && u.Scheme == "https" && t.link.Scheme == "https" && (t.mismatch || f.Code == call.CodeConnection) {
		return failure(call.Failure{Code: call.CodePlainOnly, Host: displayHost(u)})
	}
	return err
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// login gets a token where the server has asked for one, may have it and has
// not seen it yet. again: the answer is used up.
func (t *transfer) login(ctx context.Context, u *url.URL, resp *http.Response) (_ error, again bool) {
	if resp.StatusCode != http.StatusUnauthorized || t.f.opts.Token == nil || t.bearer.origin == origin(u) || t.f.opts.TokenHosts.check(u) != nil {
		return nil, false
	}
	token, err := t.f.opts.Token(ctx, t.integration, displayHost(u))
	if err != nil || token == "" { // the error may hold anything
		return failure(call.Failure{Code: call.CodeLoginUnavailable, Host: displayHost(u), HTTPStatus: resp.StatusCode}), true
	}
	t.bearer = bearer{origin(u), token}
	return nil, true
}

// send does one request within the server's limits, which its body holds until
// it is closed.
func (t *transfer) send(ctx context.Context, u *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, unreadableLink()
	}
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("Accept", "audio/mpeg, */*;q=0.5")
	req.Header.Set("User-Agent", "fonoteka")
	if t.bearer.origin == origin(u) {
		req.Header.Set("Authorization", "Bearer "+t.bearer.token)
	}
	t.rangeFrom(req)
	var release func()
	err = t.watch.paused(func() error {
		release, err = t.f.hosts.acquire(ctx, u.Host)
		return err
	})
	if err != nil {
		return nil, connectFailure(displayHost(u), err, context.Cause(ctx))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	resp, err := t.f.client.Do(req.WithContext(ctx))
	t.mismatch = errors.Is(err, http.ErrSchemeMismatch)
	if err != nil {
		err := connectFailure(displayHost(u), err, context.Cause(ctx))
		cancel(nil)
		release()
		return nil, err
	}
	resp.Body = &limitedBody{resp.Body, cancel, release}
	return resp, nil
}

// limitedBody ends the request and releases the server's limits when it is closed.
type limitedBody struct {
	io.ReadCloser
	cancel  context.CancelCauseFunc
	release func()
}

func (b *limitedBody) Close() error {
	err := b.ReadCloser.Close()
	b.cancel(nil)
	if b.release != nil {
		b.release()
		b.release = nil
	}
	return err
}

// discard lets the connection be used again, unless the rest does not come.
func (t *transfer) discard(resp *http.Response) {
	defer resp.Body.Close()
	idle := newIdleTimer(t.f.opts.IdleTimeout, resp.Body.(*limitedBody).cancel)
	_, _ = idle.during(func() (int, error) {
		n, err := io.CopyN(io.Discard, resp.Body, 4<<10)
		return int(n), err
	})
}

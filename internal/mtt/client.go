package mtt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"fonoteka/internal/bounded"
	"fonoteka/internal/run"
)

// APIURL is where the operator's methods are.
const APIURL = "https://openapi.mtt.ru"

// TokenSource returns access tokens of one integration.
type TokenSource interface {
	// Token returns an access token. refused is one that the operator has just
	// answered 401 to, so that another one is needed; empty at the first try.
	Token(ctx context.Context, refused string) (string, error)
}

// ClientOptions of a Client. Tokens is required.
type ClientOptions struct {
	URL         string // of the API; "": APIURL
	Integration string // for metrics
	Tokens      TokenSource

	Timeout     time.Duration // of one try; 0: 15 s
	RingTimeout time.Duration // of makeCall, which may answer only when the workplace does; 0: 90 s
	Pause       time.Duration // before the first retry, then twice as long; 0: 0.5 s

	Transport  http.RoundTripper     // nil: http.DefaultTransport
	Registerer prometheus.Registerer // nil: not registered; several clients may share one
}

func (o *ClientOptions) validate() error {
	if o.Tokens == nil {
		return errors.New("mtt client: a source of tokens is required")
	}
	if o.URL == "" {
		o.URL = APIURL
	}
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return errors.New("mtt client: the address of the API is not a plain URL")
	}
	o.URL = strings.TrimRight(o.URL, "/")
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&o.Timeout, 15 * time.Second}, {&o.RingTimeout, 90 * time.Second}, {&o.Pause, 500 * time.Millisecond}} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	return nil
}

// Client calls the operator's methods for one integration. It may be used by
// several goroutines.
//
// After a 401 a request is sent once more with another token: the
// operator has done nothing by then, so that this is safe with every method.
// After other failures only methods that read are retried, at most three tries
// in all; a method that changes something is sent once. Errors are *Error where the
// operator has answered.
type Client struct {
	opts     ClientOptions
	http     *http.Client
	requests *prometheus.CounterVec
}

// NewClient makes a Client.
func NewClient(o ClientOptions) (*Client, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	return &Client{
		opts: o,
		// Nobody but the operator's host may see the token.
		http: &http.Client{Transport: o.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		requests: promauto.With(o.Registerer).NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_mtt_requests_total", Help: "Requests to the operator's API, tries each, by method and outcome (ok, refused, unauthorised, failed).",
			ConstLabels: prometheus.Labels{"integration": o.Integration},
		}, []string{"method", "outcome"}),
	}, nil
}

// tries is how often a method that only reads is sent, at most.
const tries = 3

// get sends a method that only reads.
func (c *Client) get(ctx context.Context, method string) (object, error) {
	var result object
	var err error
	backoff := run.Backoff{First: c.opts.Pause, Max: tries * c.opts.Pause}
	for try := 1; ; try++ {
		result, err = c.authorised(ctx, http.MethodGet, method, nil, c.opts.Timeout)
		if err == nil || try == tries || !retryable(err) {
			return result, err
		}
		if run.Sleep(ctx, backoff.Next()); ctx.Err() != nil {
			return object{}, err
		}
	}
}

// retryable says whether another try may help.
func retryable(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status >= 500 || e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout
	}
	_, token := errors.AsType[*tokenError](err)
	return !token
}

// post sends a method that changes something, once.
func (c *Client) post(ctx context.Context, method string, params map[string]any, timeout time.Duration) (object, error) {
	body, err := json.Marshal(map[string]any{"params": params})
	if err != nil {
		return object{}, fmt.Errorf("%s: %w", method, err)
	}
	result, err := c.authorised(ctx, http.MethodPost, method, body, timeout)
	e, answered := errors.AsType[*Error](err)
	_, token := errors.AsType[*tokenError](err)
	switch {
	case err == nil && result.text(fSuccess) == "":
		return object{}, fmt.Errorf("%s: %w: its answer does not say success", method, ErrOutcomeUnknown)
	case err == nil, token, answered && e.Status < 500, notSent(err):
		return result, err
	}
	return object{}, fmt.Errorf("%w (%w)", err, ErrOutcomeUnknown)
}

// tokenError is a failure to get a token; nothing was sent.
type tokenError struct{ err error }

func (e *tokenError) Error() string { return e.err.Error() }
func (e *tokenError) Unwrap() error { return e.err }

// authorised sends a request, and after a 401 once more with another token.
func (c *Client) authorised(ctx context.Context, verb, method string, body []byte, timeout time.Duration) (object, error) {
	token, err := c.opts.Tokens.Token(ctx, "")
	if err != nil {
		return object{}, fmt.Errorf("%s: %w", method, &tokenError{err})
	}
	result, err := c.send(ctx, verb, method, body, timeout, token)
	if e, ok := errors.AsType[*Error](err); !ok || e.Status != http.StatusUnauthorized {
		return result, err
	}
	if token, err = c.opts.Tokens.Token(ctx, token); err != nil {
		return object{}, fmt.Errorf("%s: the operator answered HTTP 401: %w", method, &tokenError{err})
	}
	return c.send(ctx, verb, method, body, timeout, token)
}

// maxAnswer is the longest answer that is read, in inflated bytes: the transport requests
// gzip and inflates by itself. A directory of 10,000 workplaces has 1 MB.
const maxAnswer = 16 << 20

func (c *Client) send(ctx context.Context, verb, method string, body []byte, timeout time.Duration, token string) (result object, err error) {
	outcome := "failed"
	defer func() { c.requests.WithLabelValues(method, outcome).Inc() }()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, verb, c.opts.URL+"/"+method, bytes.NewReader(body))
	if err != nil {
		return object{}, fmt.Errorf("%s: %w", method, err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "fonoteka")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
		req.GetBody = nil // the transport must not repeat it by itself
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return object{}, fmt.Errorf("%s: no answer from the operator: %w", method, err)
	}
	defer resp.Body.Close()
	answer, err := bounded.Read(resp.Body, maxAnswer)
	switch {
	case errors.Is(err, bounded.ErrTooLarge):
		return object{}, fmt.Errorf("%s: the operator's answer cannot be used: %w", method, err)
	case err != nil:
		return object{}, fmt.Errorf("%s: the operator's answer breaks off: %w", method, err)
	case resp.StatusCode == http.StatusUnauthorized:
		outcome = "unauthorised"
		fallthrough
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return object{}, &Error{Method: method, Status: resp.StatusCode, Answer: answerText(answer, token)}
	}
	result, err = read(method, answer, token)
	if _, refused := errors.AsType[*Error](err); refused {
		outcome = "refused"
	} else if err == nil {
		outcome = "ok"
	}
	return result, err
}

package mtt_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/mtt"
)

func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("testdata/notifications/*.json")
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte(`{"event":"callNotifications","result":{"callInfo":{"call":{"id":"~1o"},"state":"trying","startTime":1e400,"duration":"1e9"}}}`))
	f.Add([]byte(`{"event":"callNotifications","result":{"callInfo":{"state":"recorded","urlRecord":[{"url":"https://mtt.ru/a"},{"URL":["//mtt.ru/b"]}]}}} "urlRecord": [`))
	f.Add([]byte(`[{"url_record":{"url":{"url":"https://mtt.ru/a"}}}]`))
	f.Add([]byte(`{"call":"a~1o","urlRecord":"https:\/\/mtt.ru\/a","x":{"url\u0052ecord":"y/z"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, errA := mtt.Decode(body, mtt.Context{Integration: "main", ReceivedAt: received})
		b, errB := mtt.Decode(body, mtt.Context{Integration: "main", ReceivedAt: received})
		if diff := cmp.Diff(a, b); diff != "" || (errA == nil) != (errB == nil) {
			t.Fatalf("the same body is read in two ways: %v %v\n%s", errA, errB, diff)
		}
		if errA != nil {
			if !errors.Is(errA, mtt.ErrUnreadable) || len(errA.Error()) > 200 {
				t.Fatalf("%d bytes of error: %.300v", len(errA.Error()), errA)
			}
			return
		}
		if a.Kind == call.KindCall && a.PlatformID == "" && a.URL == "" {
			t.Fatal("a call event without a call id or a link")
		}
		if len(a.PlatformID) > 1<<10 || len(a.AccountID) > 1<<10 || len(a.State) > 1<<10 || len(a.URL) > 8<<10 {
			t.Fatal("a text without an end")
		}
		if !a.StartedAt.IsZero() && (a.StartedAt.Year() < 2000 || a.StartedAt.After(received.Add(48*time.Hour))) {
			t.Fatalf("StartedAt out of range: %v", a.StartedAt)
		}
		call.Derive([]call.Event{a}, call.Rules{})
	})
}

// says answers every request alike.
type says struct {
	status      int
	contentType string
	body        []byte
}

func (s says) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: s.status, Status: fmt.Sprint(s.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {s.contentType}}, Body: io.NopCloser(bytes.NewReader(s.body)),
	}, nil
}

const secretToken = "t1-secret-0123456789"

// quiet wants an error that may be logged: short, printable, without the secret.
func quiet(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	text := err.Error()
	if strings.Contains(text, secretToken) || len(text) > 1000 || !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\n\r\x7f\u2028") {
		t.Errorf("an error of %d bytes: %.300q", len(text), text)
	}
}

func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		`{"result":{"total":1,"terminals_list":[{"terminal":"883140777380595","workplace":"883140777380595"}]}}`,
		`{"result":{"Total":"1","terminalsList":[{"terminale":883140777380595,"workplace":883140777380596}]}}`,
		`{"total":0,"terminalsList":[]}`, `{"result":{"total":2,"workplacesList":[{"workplace":"88314077716581","name":"Иванов"}]}}`,
		`{"result":{"numbersList":[{"number":"74950000001","type":null}],"success":1}}`, `{"result":{"success":1,"call":{"id":"abc~1o"}}}`,
		`{"result":{"success":0,"error":{"code":7,"text":"no"}}}`, `<html>`, `null`, ``, "\ufeff{}", `{"result":{"success":1}} trailing`, `[]`,
		`{"result":{"numbersList":[{"number":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}]}}`, `{"error":"` + secretToken + `"}`,
	} {
		f.Add(200, []byte(body))
		f.Add(401, []byte(body))
		f.Add(500, []byte(body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 100 || status > 599 {
			return
		}
		c, err := mtt.NewClient(mtt.ClientOptions{URL: "https://api.example.org", Tokens: tokens{}, Pause: 1, Transport: says{status, "application/json", body}})
		if err != nil {
			t.Fatal(err)
		}
		numbers, err := c.ExternalNumbers(t.Context())
		quiet(t, err)
		workplaces, err := c.Workplaces(t.Context())
		quiet(t, err)
		terminals, err := c.Terminals(t.Context())
		quiet(t, err)
		for _, n := range numbers {
			if n.Number == "" {
				t.Error("a number that is none")
			}
		}
		for _, w := range workplaces {
			if w.ID == "" {
				t.Error("a workplace without an id")
			}
		}
		for _, term := range terminals {
			if term.ID == "" {
				t.Error("a terminal without an id")
			}
		}
		id, err := c.MakeCall(t.Context(), "883140582526566", "89219462761")
		quiet(t, err)
		if (id == "") != (err != nil) {
			t.Errorf("a call %q with %v", id, err)
		}
		quiet(t, c.TransferCall(t.Context(), mtt.Leg{CallID: "a"}, "b"))
	})
}

func FuzzGrant(f *testing.F) {
	for _, body := range []string{
		`{"access_token":"a","refresh_token":"r","expires_in":7200,"token_type":"Bearer"}`, `{"access_token":"a","expires_in":"7200"}`,
		`{"access_token":"a","refresh_token":"r","expires_in":9223372036854775807}`, `{"access_token":"a","refresh_token":"r","expires_in":-1}`,
		`{"error":"invalid_grant","error_description":"` + secretToken + `"}`, `{"error":"temporarily_unavailable"}`, `access_token=a&refresh_token=r&expires_in=60`,
		"\ufeff {}", `<html>`, ``, `null`, `{"access_token":1}`,
	} {
		for _, as := range []string{"application/json", "text/plain", "application/x-www-form-urlencoded"} {
			f.Add(200, as, []byte(body))
			f.Add(400, as, []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, status int, contentType string, body []byte) {
		if status < 100 || status > 599 {
			return
		}
		o, err := mtt.NewOAuth(mtt.OAuthOptions{
			URL: "https://oauth.example.org", ClientID: "id", ClientSecret: secretToken, RedirectURI: "https://calls.example.org/x",
			Transport: says{status, contentType, body},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, ask := range []func() (mtt.Grant, error){
			func() (mtt.Grant, error) { return o.Exchange(t.Context(), secretToken) },
			func() (mtt.Grant, error) { return o.Refresh(t.Context(), secretToken) },
		} {
			g, err := ask()
			quiet(t, err)
			if err != nil {
				continue
			}
			// Half of an access token's life is when it is renewed: a refresh token must live by then.
			if g.AccessToken == "" || g.RefreshToken == "" || g.AccessLife <= 0 || g.AccessLife > mtt.RefreshLife/2 {
				t.Errorf("%d bytes of access token, %d of refresh token, for %v", len(g.AccessToken), len(g.RefreshToken), g.AccessLife)
			}
		}
	})
}

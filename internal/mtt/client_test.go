package mtt_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/mtt"
)

// api answers requests with what a test says, one after the other, the last one
// again and again.
type api struct {
	answers []answer

	mu   sync.Mutex
	seen []string // "GET /path token body"
}

type answer struct {
	status int // 0: the connection is cut
	body   string
	after  time.Duration
}

// asked is how many requests came.
func (a *api) asked() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.seen)
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	a.seen = append(a.seen, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", r.Method, r.URL.Path, r.Header.Get("Authorization"), body)))
	next := a.answers[min(len(a.seen), len(a.answers))-1]
	a.mu.Unlock()
	if next.after > 0 {
		select {
		case <-time.After(next.after):
		case <-r.Context().Done():
		}
	}
	if next.status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(next.status)
	_, _ = io.WriteString(w, next.body)
}

// tokens gives t1 and, when it is refused, t2.
type tokens struct{ fails error }

func (t tokens) Token(_ context.Context, refused string) (string, error) {
	if refused != "" {
		return "t2", t.fails
	}
	return "t1", nil
}

func client(t *testing.T, o mtt.ClientOptions, answers ...answer) (*mtt.Client, *api) {
	t.Helper()
	a := &api{answers: answers}
	s := httptest.NewUnstartedServer(a)
	s.Config.ErrorLog = nil
	s.Start()
	t.Cleanup(s.Close)
	o.URL, o.Pause = s.URL, time.Millisecond
	if o.Tokens == nil {
		o.Tokens = tokens{}
	}
	c, err := mtt.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	return c, a
}

const good = `{"result":{"success":1}}`

func TestListsAreReadInEverySpelling(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]mtt.Terminal{
		`{"result":{"total":1,"terminals_list":[{"terminal":"883140777380595","workplace":"883140777380595"}]}}`: {{ID: "883140777380595", Workplace: "883140777380595"}},
		`{"result":{"Total":"1","terminalsList":[{"terminale":883140777380595,"workplace":883140777380596}]}}`:   {{ID: "883140777380595", Workplace: "883140777380596"}},
		`{"total":0,"terminalsList":[]}`: {},
	} {
		c, _ := client(t, mtt.ClientOptions{}, answer{200, body, 0})
		got, err := c.Terminals(t.Context())
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", body, err, diff)
		}
	}
}

func TestAListThatIsNotWholeIsAnError(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"result":{"total":2,"workplacesList":[{"workplace":"88314077716581","name":"a"}]}}`: "lists 1 of 2",

		`{"result":{"total":0}}`:                       "no list",
		`{"result":{"total":1,"workplacesList":null}}`: "no list",

		`{"result":{"total":1,"workplacesList":[{"name":"Администратор"}]}}`: "no id",
		`{"result":{"total":1,"workplacesList":["88314077716581"]}}`:         "no id",
		`<html>`: "no JSON",
		`null`:   "no JSON",
		`{"result":{"success":0,"total":0,"workplacesList":[],"message":"denied"}}`: "denied",
	} {
		c, _ := client(t, mtt.ClientOptions{}, answer{200, body, 0})
		if got, err := c.Workplaces(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v; want %q", body, got, err, want)
		}
	}
}

func TestWhatIsSentIsAsThePageSays(t *testing.T) {
	t.Parallel()
	leg := mtt.Leg{CallID: "b9111e52_7022A1~2o", Tag: "133609", TransportID: "10.133.51.137:5070"}
	const call, transport = `"call":{"id":"b9111e52_7022A1~2o","tag":"133609"}`, `"transportId":"10.133.51.137:5070"`
	for want, do := range map[string]func(*mtt.Client) error{
		`POST /makeCall Bearer t1 {"params":{"calleeId":"89219462761","callerId":"883140582526566"}}`: func(c *mtt.Client) error {
			id, err := c.MakeCall(t.Context(), "883140582526566", "89219462761")
			if id != "7NKe6!8@10.133.51.137" {
				t.Errorf("call id %q", id)
			}
			return err
		},
		`POST /terminateCall Bearer t1 {"params":{` + call + `,` + transport + `}}`: func(c *mtt.Client) error { return c.TerminateCall(t.Context(), leg) },
		`POST /transferCall Bearer t1 {"params":{` + call + `,"calleId":"883140582526566","calleeId":"883140582526566",` + transport + `}}`: func(c *mtt.Client) error {
			return c.TransferCall(t.Context(), leg, "883140582526566")
		},
		`POST /setParkingNumbers Bearer t1 {"params":{"isParking":true,"numbers":["880023213","880034344"]}}`: func(c *mtt.Client) error {
			return c.SetParkingNumbers(t.Context(), []string{"880023213", "880034344"}, true)
		},
		`GET /externalNumbersInfo Bearer t1`: func(c *mtt.Client) error {
			n, err := c.ExternalNumbers(t.Context())
			if diff := cmp.Diff([]mtt.ExternalNumber{{Number: "78005560251"}}, n); diff != "" {
				t.Error(diff)
			}
			return err
		},
	} {
		body := `{"result":{"call":{"id":"7NKe6!8@10.133.51.137"},"success":1,"total":1,"numbersList":[{"number":"78005560251","type":null}]}}`
		if strings.Contains(want, "setParking") {
			body = `{ "success": 1 }`
		}
		c, a := client(t, mtt.ClientOptions{}, answer{200, body, 0})
		if err := do(c); err != nil {
			t.Errorf("%s: %v", want, err)
		}
		if diff := cmp.Diff([]string{want}, a.seen); diff != "" {
			t.Error(diff)
		}
	}
}

func TestOnlyReadingIsRepeated(t *testing.T) {
	t.Parallel()
	list := `{"result":{"total":0,"numbersList":[]}}`
	for name, fails := range map[string]answer{
		"5xx": {503, "later", 0}, "too many": {429, "", 0}, "cut": {0, "", 0}, "garbage": {200, "{", 0}, "slow": {200, list, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := mtt.ClientOptions{Timeout: 200 * time.Millisecond, RingTimeout: 200 * time.Millisecond}
			c, a := client(t, o, fails, fails, answer{200, list, 0})
			_, err := c.ExternalNumbers(t.Context())
			if n := a.asked(); err != nil || n != 3 {
				t.Errorf("reading: %v after %d requests", err, n)
			}
			c, a = client(t, o, fails, answer{200, good, 0})
			_, err = c.MakeCall(t.Context(), "883140582526566", "89219462761")
			if n := a.asked(); err == nil || n != 1 {
				t.Errorf("makeCall: %v after %d requests", err, n)
			}
			if unknown := name != "too many"; errors.Is(err, mtt.ErrOutcomeUnknown) != unknown {
				t.Errorf("makeCall: %v; want the outcome unknown: %v", err, unknown)
			}
		})
	}
}

func TestNobodyThereMeansNothingWasDone(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(nil)
	s.Close()
	c, err := mtt.NewClient(mtt.ClientOptions{URL: s.URL, Tokens: tokens{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.TerminateCall(t.Context(), mtt.Leg{}); err == nil || errors.Is(err, mtt.ErrOutcomeUnknown) {
		t.Errorf("TerminateCall: %v", err)
	}
}

func TestA401GetsOneOtherTokenAndOneOtherTry(t *testing.T) {
	t.Parallel()
	c, a := client(t, mtt.ClientOptions{}, answer{401, "expired t1", 0}, answer{200, good, 0})
	if err := c.SetParkingNumbers(t.Context(), nil, true); err != nil {
		t.Error(err)
	}
	if len(a.seen) != 2 || !strings.Contains(a.seen[1], "Bearer t2") {
		t.Errorf("sent %q", a.seen)
	}
	c, a = client(t, mtt.ClientOptions{}, answer{401, "you sent t2", 0})
	_, err := c.Workplaces(t.Context())
	e, ok := errors.AsType[*mtt.Error](err)
	if !ok || e.Status != 401 || len(a.seen) != 2 || strings.Contains(err.Error(), "t2") {
		t.Errorf("%v after %d requests", err, len(a.seen))
	}
	login := errors.New("log in")
	c, a = client(t, mtt.ClientOptions{Tokens: tokens{login}}, answer{401, "", 0})
	if _, err := c.Workplaces(t.Context()); !errors.Is(err, login) || len(a.seen) != 1 {
		t.Errorf("%v after %d requests", err, len(a.seen))
	}
}

func TestErrorsCarryTheOperatorsAnswerAndNoSecret(t *testing.T) {
	t.Parallel()
	long := "t1 says no to +79219462761:\n\x00 " + strings.Repeat("очень ", 200)
	for name, answers := range map[string]answer{
		"status": {400, long, 0}, "success": {200, `{"result":{"success":0,"text":` + quoted(long) + `}}`, 0},
	} {
		reg := prometheus.NewPedanticRegistry()
		c, _ := client(t, mtt.ClientOptions{Registerer: reg}, answers)
		_, err := c.MakeCall(t.Context(), "883140582526566", "89219462761")
		e, ok := errors.AsType[*mtt.Error](err)
		if !ok || e.Method != "makeCall" || e.Status != answers.status || errors.Is(err, mtt.ErrOutcomeUnknown) {
			t.Errorf("%s: %#v", name, err)
			continue
		}
		text := err.Error()
		for _, secret := range []string{"t1", "79219462761", "\n", "\x00"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: %q is in %q", name, secret, text)
			}
		}
		if !strings.Contains(text, "says no to +7921*****61") || len(text) > 400 {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// What a directory answers names the employees: no error may carry that, whatever
// the answer lacks.
func TestErrorsNameNoEmployee(t *testing.T) {
	t.Parallel()
	const workplaces = `{"workplace":"883140777380595","name":"Иванов Иван","text":"Иванов Иван"}`
	for name, c := range map[string]struct {
		answer answer
		says   string
	}{
		"a list":           {answer{200, "\ufeff [" + workplaces + `]`, 0}, "no JSON object: a JSON list, "},
		"a cut list":       {answer{200, `{"result":{"total":1,"workplacesList":[` + workplaces, 0}, "no JSON object: a broken JSON object, "},
		"text":             {answer{200, `Иванов Иван`, 0}, "no JSON object: text, 21 bytes"},
		"nothing":          {answer{200, ``, 0}, "no JSON object: nothing, 0 bytes"},
		"refused":          {answer{200, `{"result":{"success":0,"error":{"code":7,"name":"Иванов"},"workplacesList":[` + workplaces + `]}}`, 0}, "success 0, code 7"},
		"a status":         {answer{409, `{"error":"busy","error_code":12,"result":{"workplacesList":[` + workplaces + `]}}`, 0}, "HTTP 409: error busy, errorcode 12"},
		"a status, a list": {answer{409, `[` + workplaces + `]`, 0}, "HTTP 409: a JSON list, "},
		"a status, cut":    {answer{409, `{"workplacesList":[` + workplaces, 0}, "HTTP 409: a broken JSON object, "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cl, _ := client(t, mtt.ClientOptions{}, c.answer)
			_, err := cl.Workplaces(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "Иван") || strings.Contains(err.Error(), "883140777380595") {
				t.Errorf("%v; want %q", err, c.says)
			}
		})
	}
}

func TestNumbersInErrorsAreMaskedInEverySpelling(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"79001234567", "+7 (900) 123-45-67", "8\u00a0900\u00a0123\u201145\u201167", "8.900.123.45.67", "8 – 900 – 123 – 4567"} {
		c, _ := client(t, mtt.ClientOptions{}, answer{400, `{"message":` + quoted("no way to "+number+", of 100 tries") + `}`, 0})
		_, err := c.MakeCall(t.Context(), "883140582526566", "89001234567")
		if err == nil || !strings.Contains(err.Error(), "*****67, of 100 tries") || strings.Contains(err.Error(), "45") {
			t.Errorf("%s: %v", number, err)
		}
	}
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	seen := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen++ }))
	defer other.Close()
	s := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer s.Close()
	c, err := mtt.NewClient(mtt.ClientOptions{URL: s.URL, Tokens: tokens{}, Pause: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetParkingNumbers(t.Context(), nil, true); err == nil || seen > 0 {
		t.Errorf("%v; the other server was asked %d times", err, seen)
	}
}

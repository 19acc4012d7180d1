package token_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"fonoteka/internal/sim"
	"fonoteka/internal/state"
	"fonoteka/internal/token"
)

// asChild makes this test binary a process that does what serve does about
// tokens at its start, and is killed on the way if told to.
const asChild = "FONOTEKA_TOKEN_TEST_CHILD"

// child says what a process is to do; its answer is its status.
type child struct {
	Dir, OAuth string
	Now        time.Time
	Kill       string // one of killPoints; "": not at all
}

func TestMain(m *testing.M) {
	if order := os.Getenv(asChild); order != "" {
		var c child
		if err := json.Unmarshal([]byte(order), &c); err != nil {
			panic(err)
		}
		c.run()
		return
	}
	os.Exit(m.Run())
}

// killPoints are the steps of a refresh, in their order.
var killPoints = []string{
	"locked", "note not saved", "note half saved", "note saved", "before asking", "asked", "answered",
	"answer not saved", "answer half saved", "answer saved", "before unlocking",
}

// afterTheAnswer are those where the operator has answered and the disk does not
// know it. "asked" may be one of them.
var afterTheAnswer = []string{"answered", "answer not saved", "answer half saved"}

func (c child) at(point string) {
	if c.Kill == point {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func (c child) run() {
	v, err := state.OpenVault(c.Dir, "")
	if err != nil {
		panic(err)
	}
	k, err := token.New(token.Options{
		Integration: "main", RedirectURI: redirectURI, Credentials: client, OAuthURL: c.OAuth,
		Store: &killedStore{Store: v, child: c}, Transport: killedTransport{c}, Now: func() time.Time { return c.Now },
	})
	if err != nil {
		panic(err)
	}
	k.Once(context.Background())
	if err := json.NewEncoder(os.Stdout).Encode(k.Status()); err != nil {
		panic(err)
	}
}

// killedStore dies around its saves: the first one is the note, the second the
// answer.
type killedStore struct {
	token.Store
	child
	saves int
}

func (s *killedStore) Lock(ctx context.Context, name string) (func() error, error) {
	release, err := s.Store.Lock(ctx, name)
	s.at("locked")
	return func() error { s.at("before unlocking"); return release() }, err
}

func (s *killedStore) Save(name string, content any) error {
	what := []string{"note", "answer", "more"}[min(s.saves, 2)]
	s.saves++
	s.at(what + " not saved")
	if s.Kill == what+" half saved" {
		half := filepath.Join(s.Dir, "secrets", name+".sealed.4711")
		if err := os.WriteFile(half, []byte("half of it"), 0o600); err != nil {
			panic(err)
		}
		s.at(s.Kill)
	}
	err := s.Store.Save(name, content)
	s.at(what + " saved")
	return err
}

type killedTransport struct{ child }

func (t killedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.at("before asking")
	ctx := httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { t.at("asked") }})
	resp, err := http.DefaultTransport.RoundTrip(r.WithContext(ctx))
	t.at("answered")
	return resp, err
}

// start runs a child to its end, or its death.
func (c child) start(t *testing.T) (s token.Status, killed bool) {
	t.Helper()
	order, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asChild+"="+string(order))
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err = cmd.Run()
	if cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return s, true
	}
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &s)
	}
	if err != nil {
		t.Fatalf("the other process: %v\n%s", err, errOut.String())
	}
	return s, false
}

// TestKilledAtEveryStepOfTheRefresh lets simulated days pass. Every two hours a process
// that is to refresh the tokens is killed at a step, and the next one starts a
// moment later. Where the operator lets the old token live until the new one is
// used, a person logs in once and never again. Where it does not, exactly the
// deaths between its answer and our disk cost a login, and the very next start
// says so.
func TestKilledAtEveryStepOfTheRefresh(t *testing.T) {
	t.Parallel()
	const days = 4
	for _, mode := range []sim.RefreshMode{sim.RotatingGrace, sim.RotatingStrict, sim.Constant} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sim.PlatformOptions{Refresh: mode})
			server := httptest.NewServer(w.platform)
			defer server.Close()
			k := w.keeper(nil)
			w.login(k)
			logins := map[string]int{}
			for hour := 2; hour <= days*24; hour += 2 {
				w.platform.Advance(2 * time.Hour)
				point := killPoints[hour/2%len(killPoints)]
				c := child{Dir: w.dir, OAuth: server.URL, Now: w.platform.Now(), Kill: point}
				if _, killed := c.start(t); !killed {
					if mode == sim.Constant && k.Status().State == token.Ended {
						w.login(k) // every three days, whatever we do
						continue
					}
					t.Fatalf("hour %d: nobody was killed at %q: %+v", hour, point, k.Status())
				}
				w.platform.Advance(time.Second)
				c.Now, c.Kill = w.platform.Now(), ""
				after, _ := c.start(t)
				lost := after.State == token.Refused
				if lost != after.LoginNeeded() || !lost && after.State != token.Fine {
					t.Fatalf("hour %d, killed at %q: %+v", hour, point, after)
				}
				if left := after.AccessEnds.Sub(after.At); !lost && left < time.Hour {
					t.Errorf("hour %d, killed at %q: the access token lives for %v", hour, point, left)
				}
				if lost {
					logins[point]++
					w.login(k)
				}
				if err := w.works(k); err != nil {
					t.Fatalf("hour %d, killed at %q: %v", hour, point, err)
				}
			}
			w.costs(mode, logins)
		})
	}
}

// costs wants the logins that a mode may cost, by the step of the death.
func (w *world) costs(mode sim.RefreshMode, logins map[string]int) {
	w.t.Helper()
	w.t.Logf("logins after a death at: %v", logins)
	if mode != sim.RotatingStrict {
		if len(logins) > 0 {
			w.t.Errorf("%s: a person had to log in again: %v", mode, logins)
		}
		return
	}
	for _, point := range killPoints {
		must := slices.Contains(afterTheAnswer, point)
		if must != (logins[point] > 0) && point != "asked" {
			w.t.Errorf("%s: %d logins after deaths at %q", mode, logins[point], point)
		}
	}
}

func TestSeveralProcessesRefreshOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.PlatformOptions{Refresh: sim.RotatingStrict})
	server := httptest.NewServer(w.platform)
	defer server.Close()
	k := w.keeper(nil)
	w.login(k)
	for round := range 5 {
		w.platform.Advance(time.Hour)
		c := child{Dir: w.dir, OAuth: server.URL, Now: w.platform.Now()}
		done := make(chan token.Status)
		const processes = 4
		for range processes {
			go func() { s, _ := c.start(t); done <- s }()
		}
		for range processes {
			if s := <-done; s.State != token.Fine {
				t.Errorf("round %d: %+v", round, s)
			}
		}
		if n := w.asked("refresh_token"); n != round+1 {
			t.Errorf("round %d: %d refreshes", round, n)
		}
	}
}

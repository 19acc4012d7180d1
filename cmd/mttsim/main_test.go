package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fonoteka/internal/sim"
)

// archive is a listener that fetches each recording as it is announced.
type archive struct {
	mu   sync.Mutex
	sums map[string]string // sha256 by link
	got  int
	seen func()
}

func (a *archive) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var msg struct {
		Result struct {
			CallInfo struct {
				URLRecord string `json:"urlRecord"`
			} `json:"callInfo"`
		} `json:"result"`
	}
	if err := json.NewDecoder(req.Body).Decode(&msg); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	link, sum := msg.Result.CallInfo.URLRecord, ""
	if link != "" {
		sum = fetched(link)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.got++
	if a.seen != nil {
		a.seen()
	}
	if link != "" {
		a.sums[link] = sum
	}
}

func fetched(link string) string {
	resp, err := http.Get(link)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// The tests are not parallel: urfave/cli writes to its global help flag at
// every run.

// play runs the program against a listener and returns its ledger.
func play(t *testing.T, ctx context.Context, a *archive, args ...string) (sim.Ledger, string) {
	t.Helper()
	a.sums = map[string]string{}
	srv := httptest.NewServer(a)
	defer srv.Close()
	var out, progress bytes.Buffer
	program := app()
	program.Writer, program.ErrWriter = &out, &progress
	args = append([]string{"mttsim", "--redirect-uri", srv.URL + "/x"}, args...)
	if err := program.RunContext(ctx, args); err != nil {
		t.Fatal(err, progress.String())
	}
	var l sim.Ledger
	if err := json.Unmarshal(out.Bytes(), &l); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	return l, out.String()
}

func TestLedgerHoldsTheDigestsOfWhatIsServed(t *testing.T) {
	a, file := &archive{}, filepath.Join(t.TempDir(), "ledger.json")
	l, out := play(t, t.Context(), a, "--calls", "60", "--rate", "0", "--seed", "3", "--faults", "duplicate=0.3,shuffle=1", "--linger", "1s", "--ledger", file)
	if l.Seed != 3 || len(l.Calls) != 60 || int(l.Acked) != a.got || l.Acked <= l.Distinct {
		t.Errorf("seed %d, %d calls, %d of %d acknowledged, %d distinct", l.Seed, len(l.Calls), l.Acked, a.got, l.Distinct)
	}
	n := 0
	for _, c := range l.Calls {
		for _, rec := range c.Recordings {
			n++
			if a.sums[rec.URL] != rec.SHA256 {
				t.Errorf("%s: %s, ledger %s", rec.URL, a.sums[rec.URL], rec.SHA256)
			}
		}
	}
	if n == 0 || n != len(a.sums) {
		t.Errorf("%d recordings in the ledger, %d announced", n, len(a.sums))
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != out {
		t.Errorf("the file differs from standard output: %v", err)
	}
}

func TestSignalEndsTheDemoWithItsLedger(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	a := &archive{}
	a.seen = func() {
		if a.got == 600 { // the history is some 300 notifications
			cancel(errors.New("signal"))
		}
	}
	l, _ := play(t, ctx, a, "--demo", "--calls", "40", "--rate", "200", "--seed", "3")
	if len(l.Calls) <= 40 || int(l.Acked) < 590 || l.Lost > 0 {
		t.Errorf("%d calls, %d acknowledged, %d lost", len(l.Calls), l.Acked, l.Lost)
	}
}

func TestMistakesAreReportedTogether(t *testing.T) {
	program := app()
	program.Writer, program.ErrWriter = io.Discard, io.Discard
	err := program.Run([]string{
		"mttsim", "--redirect-uri", "calls.example.org", "--calls", "-1", "--rate", "-1", "--faults", "cat=1",
		"--connections", "0", "--days", "1", "--since", "2020-01-01",
	})
	for _, want := range []string{"redirect-uri", "--calls", "--rate", `"cat"`, "--connections", "--days and --since"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

func TestTheOperatorsCheckComesFirst(t *testing.T) {
	program := app()
	program.Writer, program.ErrWriter = io.Discard, io.Discard
	var mu sync.Mutex
	var asked []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, req.Method+" "+req.URL.Path)
		http.NotFound(w, req)
	}))
	defer srv.Close()
	err := program.RunContext(t.Context(), []string{"mttsim", "--redirect-uri", srv.URL + "/x", "--calls", "5", "--probe"})
	if err == nil || strings.Join(asked, ", ") != "GET /x, HEAD /x, POST /x/events" {
		t.Errorf("%v after %s", err, asked)
	}
}

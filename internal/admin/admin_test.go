package admin_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/admin"
	"fonoteka/internal/cdr"
	"fonoteka/internal/state"
)

func TestAQuestionToRebuildArrivesAsItWasAsked(t *testing.T) {
	t.Parallel()
	for _, want := range []cdr.RebuildOptions{
		{},
		{Call: "4503599627370497", DryRun: true},
		{From: time.Date(2026, 3, 1, 0, 0, 0, 7, time.UTC), To: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), ChangedRules: true, Restart: true},
	} {
		got, err := admin.ReadRebuildQuery(admin.RebuildQuery(want))
		if err != nil || got != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	for _, broken := range []url.Values{
		{},
		{"changed-rules": {"false"}, "dry-run": {"maybe"}, "restart": {"false"}},
		{"changed-rules": {"false"}, "dry-run": {"false"}, "restart": {"false"}, "from": {"yesterday"}},
	} {
		if _, err := admin.ReadRebuildQuery(broken); err == nil {
			t.Errorf("%v is taken", broken)
		}
	}
}

// keep makes the secrets of a data folder, whose process has it open.
func keep(t *testing.T, dir string) {
	t.Helper()
	s, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
}

// ask asks a process that answers as answer says, and collects the lines.
func ask(t *testing.T, answer http.HandlerFunc, each func(admin.Replayed) error) error {
	t.Helper()
	dir := t.TempDir()
	keep(t, dir)
	srv := httptest.NewServer(answer)
	defer srv.Close()
	return admin.Ask(t.Context(), dir, state.Runtime{PrivateListen: srv.Listener.Addr().String()}, "/admin/replay", url.Values{"a": {"b c"}}, each)
}

func TestAnAnswerComesLineByLine(t *testing.T) {
	t.Parallel()
	var got []admin.Replayed
	err := ask(t, func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if r.Method != http.MethodPost || r.URL.Path != "/admin/replay" || r.URL.Query().Get("a") != "b c" || scheme != "Bearer" || token == "" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		fmt.Fprintln(w, `{"taken":1,"still":2}`)
		fmt.Fprintln(w, `{"taken":3,"still":0}`)
	}, func(l admin.Replayed) error {
		got = append(got, l)
		return nil
	})
	if err != nil || len(got) != 2 || got[1].Taken != 3 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatGoesWrongWithAnAnswerIsSaid(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		each   error
		want   string
	}{
		"refused": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "the spool is closed", http.StatusConflict)
		}, nil, "409 Conflict: the spool is closed"},
		"not JSON":       {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") }, nil, "read the running process's answer"},
		"a line of 1 MB": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, strings.Repeat("x", 1<<20)) }, nil, "token too long"},
		"the command":    {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "{}") }, enough, "enough"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := ask(t, c.answer, func(admin.Replayed) error { return c.each })
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %q", err, c.want)
			}
		})
	}
}

// A process that does not answer is waited for as long as the context says.
func TestAQuestionEndsWithItsContext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keep(t, dir)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := admin.Ask(ctx, dir, state.Runtime{PrivateListen: srv.Listener.Addr().String()}, "/x", nil, func(admin.Replayed) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

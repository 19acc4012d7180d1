package token_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"fonoteka/internal/mtt"
	"fonoteka/internal/sim"
	"fonoteka/internal/token"
)

// running runs a keeper in a synctest bubble until the function returned is called.
func running(t *testing.T, k *token.Keeper) (stop func()) {
	ctx, quit := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := k.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	return func() { quit(); wg.Wait() }
}

func TestTokensAreRenewedForDaysWithoutAPerson(t *testing.T) {
	t.Parallel()
	const days = 5
	for _, mode := range []sim.RefreshMode{sim.RotatingGrace, sim.RotatingStrict} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, sim.PlatformOptions{Refresh: mode})
			k := w.keeper(nil)
			w.login(k)
			stop := running(t, k)
			defer stop()
			for hour := range days * 24 {
				time.Sleep(time.Hour)
				if err := w.works(k); err != nil {
					t.Fatalf("%s, hour %d: %v", mode, hour, err)
				}
			}
			s := w.state(k, token.Fine)
			if left := s.AccessEnds.Sub(s.At); left < 59*time.Minute {
				t.Errorf("%s: the access token lives for %v more", mode, left)
			}
			if left := s.RefreshEnds.Sub(s.At); left < 70*time.Hour {
				t.Errorf("%s: the refresh token lives for %v more", mode, left)
			}
			if n := w.asked("refresh_token"); n > days*24+1 {
				t.Errorf("%s: %d refreshes", mode, n)
			}
		})
	}
}

func TestARefreshTokenThatComesBackUnchangedKeepsItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sim.PlatformOptions{Refresh: sim.Constant})
		k := w.keeper(func(o *token.Options) { o.Registerer = w.reg })
		w.login(k)
		stop := running(t, k)
		defer stop()
		end := k.Status().RefreshEnds
		for range 71 {
			time.Sleep(time.Hour)
			if err := w.works(k); err != nil {
				t.Fatal(err)
			}
		}
		if s := w.state(k, token.Fine); !s.RefreshEnds.Equal(end) {
			t.Errorf("the end moved from %v to %v", end, s.RefreshEnds)
		}
		time.Sleep(time.Hour + 30*time.Second)
		w.state(k, token.Ended)
		w.metric("fonoteka_token_login_needed", 1)
		w.metric("fonoteka_token_refresh_ends_seconds", 0)
		before := w.asked("refresh_token")
		time.Sleep(4 * time.Hour)
		if err := w.works(k); !errors.Is(err, token.ErrLogin) {
			t.Errorf("with an ended token: %v", err)
		}
		if n := w.asked("refresh_token"); n != before {
			t.Errorf("the operator was asked %d times more with an ended token", n-before)
		}
		w.login(k)
		w.state(k, token.Fine)
		w.metric("fonoteka_token_login_needed", 0)
		if err := w.works(k); err != nil {
			t.Error(err)
		}
	})
}

// metric wants a metric of the world's registry to be about a value.
func (w *world) metric(name string, want float64) {
	w.t.Helper()
	families, err := w.reg.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			if got := f.GetMetric()[0].GetGauge().GetValue(); got < want-15 || got > want+15 || want < 2 && got != want {
				w.t.Errorf("%s is %v, want %v", name, got, want)
			}
			return
		}
	}
	w.t.Errorf("there is no %s", name)
}

func TestAnOperatorThatFailsIsAskedEverMoreSeldomAndTheWorldIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sim.PlatformOptions{Refresh: sim.RotatingStrict})
		k := w.keeper(func(o *token.Options) { o.Registerer = w.reg })
		w.login(k)
		if err := w.platform.Trouble(sim.Trouble{Path: "/oauth/token", Kind: "status", Status: 503, Times: -1}); err != nil {
			t.Fatal(err)
		}
		stop := running(t, k)
		defer stop()
		time.Sleep(2 * time.Hour) // an hour of failures
		w.state(k, token.Failing)
		w.metric("fonoteka_token_failing_seconds", 3600)
		w.metric("fonoteka_token_login_needed", 0)
		if n := w.asked("refresh_token"); n < 10 || n > 40 {
			t.Errorf("asked %d times within an hour of failures", n)
		}
		if err := w.works(k); err == nil || errors.Is(err, token.ErrLogin) {
			t.Errorf("without an access token: %v", err)
		}
		time.Sleep(10 * time.Hour)
		w.metric("fonoteka_token_refresh_ends_seconds", 60*3600)
		w.platform.NoTrouble()
		time.Sleep(6 * time.Minute)
		w.state(k, token.Fine)
		w.metric("fonoteka_token_failing_seconds", 0)
		if err := w.works(k); err != nil {
			t.Error(err)
		}
		if !strings.Contains(w.log.String(), "tokens could not be refreshed") {
			t.Error("nothing was logged")
		}
	})
}

func TestARefusalIsALoginThatIsNeededAtOnceAndIsTriedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sim.PlatformOptions{Refresh: sim.RotatingStrict})
		k := w.keeper(func(o *token.Options) { o.Registerer = w.reg })
		w.login(k)
		if err := w.platform.Trouble(sim.Trouble{Path: "/oauth/token", Kind: "status", Status: 400, Times: 3}); err != nil {
			t.Fatal(err)
		}
		stop := running(t, k)
		defer stop()
		time.Sleep(time.Hour + time.Minute)
		if s := w.state(k, token.Refused); !strings.Contains(s.Failure, "400") {
			t.Errorf("failure %q", s.Failure)
		}
		w.metric("fonoteka_token_login_needed", 1)
		time.Sleep(time.Hour)
		w.state(k, token.Fine) // it was the operator's mistake
		w.metric("fonoteka_token_login_needed", 0)
	})
}

func TestWithoutCredentialsNothingIsAskedAndNothingIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.PlatformOptions{})
	k := w.keeper(func(o *token.Options) { o.Credentials, o.Registerer = token.Credentials{}, w.reg })
	k.Once(t.Context())
	w.state(k, token.NoCredentials)
	w.metric("fonoteka_token_login_needed", 0)
	if err := w.works(k); !errors.Is(err, token.ErrLogin) {
		t.Errorf("the API was asked: %v", err)
	}
	configured := w.keeper(func(o *token.Options) { o.Integration, o.Registerer = "second", w.reg })
	configured.Once(t.Context())
	if s := w.state(configured, token.NoLogin); !s.LoginNeeded() {
		t.Error("a first login is not needed")
	}
	if n := len(w.platform.Requests("")); n != 0 {
		t.Errorf("the operator was asked %d times", n)
	}
	if problems, err := testutil.GatherAndLint(w.reg); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

func TestA401RefreshesOnceForAllWhoMeetIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.PlatformOptions{Refresh: sim.RotatingStrict})
	k := w.keeper(nil)
	w.login(k)
	w.platform.Revoke(false)
	var all sync.WaitGroup
	for i := range 24 {
		k := k
		if i%2 == 0 {
			k = w.keeper(nil) // of another process
		}
		all.Go(func() {
			if err := w.works(k); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := w.asked("refresh_token"); n != 1 {
		t.Errorf("%d refreshes", n)
	}
}

func TestAServerThatRefusesEveryTokenDoesNotCauseAStorm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.PlatformOptions{})
	k := w.keeper(nil)
	w.login(k)
	for range 50 {
		refused, err := k.Token(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = k.Token(t.Context(), refused)
	}
	if n := w.asked("refresh_token"); n > 5 {
		t.Errorf("%d refreshes", n)
	}
}

func TestAFullDiskCostsNoLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.PlatformOptions{Refresh: sim.RotatingStrict})
	var disk *faultyStore
	fails := func(int) error { return nil }
	k := w.keeper(func(o *token.Options) {
		disk = &faultyStore{Store: o.Store, fail: func(n int) error { return fails(n) }}
		o.Store = disk
	})
	w.login(k)
	before := k.Status()

	// Full before: the operator is not even asked.
	fails = func(int) error { return errDisk }
	w.platform.Advance(time.Hour)
	k.Once(t.Context())
	if n := w.asked("refresh_token"); n != 0 {
		t.Fatalf("asked %d times with a full disk", n)
	}
	if err := w.works(k); err != nil {
		t.Errorf("with the token that lives: %v", err)
	}

	w.platform.Advance(10 * time.Minute)
	if s := w.state(k, token.Failing); s.At.Sub(s.FailingSince).Round(time.Minute) != 10*time.Minute {
		t.Errorf("failing since %v, at %v", s.FailingSince, s.At)
	}

	// Full between the question and its answer: what came is not used, and not lost.
	disk.n = 0
	fails = func(n int) error {
		if n > 1 {
			return errDisk
		}
		return nil
	}
	k.Once(t.Context())
	k.Once(t.Context())
	if n := w.asked("refresh_token"); n != 1 {
		t.Fatalf("asked %d times", n)
	}
	if s := k.Status(); !s.AccessEnds.Equal(before.AccessEnds) {
		t.Error("tokens show that are not on disk")
	}
	if got, err := k.Token(t.Context(), ""); err != nil || got == "" {
		t.Errorf("the old token is not given out: %v", err)
	}
	fails = func(int) error { return nil }
	k.Once(t.Context())
	w.state(k, token.Fine)
	if n := w.asked("refresh_token"); n != 1 {
		t.Errorf("asked %d times", n)
	}
	w.platform.Advance(time.Hour)
	w.keeper(nil).Once(t.Context()) // the baton was passed on
	if err := w.works(k); err != nil {
		t.Error(err)
	}
	if n := w.asked("refresh_token"); n != 2 {
		t.Errorf("asked %d times", n)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWhoLeavesDoesNotTakeTheAnswerAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.PlatformOptions{Refresh: sim.RotatingStrict})
	ctx, leave := context.WithCancel(t.Context())
	k := w.keeper(func(o *token.Options) {
		o.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			leave()
			return inProcess{w.platform}.RoundTrip(r)
		})
	})
	w.login(w.keeper(nil))
	old, err := k.Token(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Token(ctx, old); err != nil {
		t.Errorf("the refresh was broken off: %v", err)
	}
	w.platform.Revoke(false)
	if err := w.works(w.keeper(nil)); err != nil {
		t.Error(err)
	}
}

func TestTokensOfAnotherClientAreNotUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.PlatformOptions{})
	w.login(w.keeper(nil))
	k := w.keeper(func(o *token.Options) { o.Credentials.ClientID = "another" })
	w.state(k, token.NoLogin)
	w.platform.Advance(3 * time.Hour)
	k.Once(t.Context())
	if err := w.works(k); !errors.Is(err, token.ErrLogin) {
		t.Errorf("%v", err)
	}
	if n := w.asked("refresh_token"); n != 0 {
		t.Errorf("asked %d times", n)
	}
}

func TestErrorsOfTheOperatorAreToldWithoutSecrets(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"status", "garbage", "cut"} {
		w := newWorld(t, sim.PlatformOptions{})
		k := w.keeper(nil)
		w.login(k)
		w.platform.Advance(3 * time.Hour)
		if err := w.platform.Trouble(sim.Trouble{Path: "/oauth/token", Kind: kind}); err != nil {
			t.Fatal(err)
		}
		_, err := k.Token(t.Context(), "")
		if err == nil || errors.Is(err, token.ErrLogin) || errors.Is(err, mtt.ErrGrantRefused) || strings.Contains(err.Error(), sim.DemoClientSecret) {
			t.Errorf("%s: %v", kind, err)
		}
		w.state(k, token.Failing)
		w.platform.Advance(11 * time.Second)
		if err := w.works(k); err != nil {
			t.Errorf("%s, later: %v", kind, err)
		}
	}
}

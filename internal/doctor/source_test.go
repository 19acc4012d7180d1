package doctor_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"fonoteka/internal/doctor"
)

// running is a serve behind a proxy, for the questions of a probe.
type running struct {
	mu    sync.Mutex
	words map[string][]doctor.Sighting
	sees  func(r *http.Request, claim, from string) (s doctor.Sighting, noted bool)
}

func (s *running) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	claim := r.Header.Get("X-Forwarded-For")
	for _, name := range []string{"X-Real-Ip", "Forwarded"} {
		if claim != "" && !strings.Contains(r.Header.Get(name), claim) {
			w.WriteHeader(http.StatusTeapot) // it claims in one way only
			return
		}
	}
	at, _ := netip.ParseAddrPort(r.RemoteAddr)
	sighting, noted := s.sees(r, claim, at.Addr().String())
	s.mu.Lock()
	defer s.mu.Unlock()
	if word := r.Header.Get("X-Word"); word != "" && noted {
		s.words[word] = append(s.words[word], sighting)
	}
	if r.Method == http.MethodPost && sighting.Restricted && !sighting.MayPost {
		http.NotFound(w, r)
		return
	}
	listener(w, r)
}

func (s *running) probe() *doctor.Probe {
	return &doctor.Probe{
		Expect: func(context.Context) (string, string, error) { return "X-Word", time.Now().String(), nil },
		Sightings: func(_ context.Context, word string) ([]doctor.Sighting, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.words[word], nil
		},
	}
}

func addr(text string) netip.Addr {
	a, _ := netip.ParseAddr(text)
	return a
}

func TestAForgedSourceIsTried(t *testing.T) {
	t.Parallel()
	type sighting = doctor.Sighting
	for name, c := range map[string]struct {
		sees   func(r *http.Request, claim, from string) (sighting, bool)
		answer doctor.Answer
		word   string
	}{
		"written anew": {func(_ *http.Request, _, from string) (sighting, bool) {
			return sighting{Proxy: true, Forwarded: []string{from}, Source: addr(from), MayPost: true}, true
		}, doctor.Yes, "comes from 127."},
		"written anew, of no place": {func(_ *http.Request, _, from string) (sighting, bool) {
			return sighting{Proxy: true, Forwarded: []string{from}, Restricted: true}, true
		}, doctor.Yes, "comes from 127."},
		"added": {func(_ *http.Request, claim, from string) (sighting, bool) {
			return sighting{Proxy: true, Forwarded: []string{claim + ", " + from}, Source: addr(from), Restricted: true}, true
		}, doctor.Yes, "the proxy says that the request comes from 127."},
		"added, of a proxy's address": {func(_ *http.Request, claim, from string) (sighting, bool) {
			return sighting{Proxy: true, Forwarded: []string{claim, from}, Source: addr(claim), Restricted: true}, true
		}, doctor.Yes, "but of this machine"},
		"passed on": {func(_ *http.Request, claim, _ string) (sighting, bool) {
			return sighting{Proxy: true, Forwarded: []string{claim}, Source: addr(claim), Restricted: true}, true
		}, doctor.No, "anybody can post"},
		"passed on, and all may post": {func(_ *http.Request, claim, _ string) (sighting, bool) {
			return sighting{Proxy: true, Forwarded: []string{claim}, Source: addr(claim), MayPost: true}, true
		}, doctor.Look, "can seem to come from anywhere"},
		"passed on by the first of two": {func(_ *http.Request, claim, _ string) (sighting, bool) {
			return sighting{Proxy: true, Forwarded: []string{claim + ", 127.0.0.1"}, Source: addr(claim), Restricted: true}, true
		}, doctor.No, "anybody can post"},
		"believed, then written": {func(_ *http.Request, claim, _ string) (sighting, bool) {
			return sighting{Proxy: true, Forwarded: []string{claim + ", " + claim}, Source: addr(claim), Restricted: true}, true
		}, doctor.No, "anybody can post"},
		"nothing said": {func(*http.Request, string, string) (sighting, bool) {
			return sighting{Proxy: true, Restricted: true}, true
		}, doctor.No, "no notification is taken"},
		"nothing said, and all may post": {func(*http.Request, string, string) (sighting, bool) {
			return sighting{Proxy: true, MayPost: true}, true
		}, doctor.Look, "no limit by source"},
		"nobody named": {func(_ *http.Request, claim, _ string) (sighting, bool) {
			return sighting{Forwarded: []string{claim}, MayPost: true}, true
		}, doctor.Yes, "no named proxy"},
		"nobody named, and few may post": {func(_ *http.Request, claim, _ string) (sighting, bool) {
			return sighting{Forwarded: []string{claim}, Restricted: true}, true
		}, doctor.No, "no notification is taken"},
		"believed of anybody": {func(_ *http.Request, claim, _ string) (sighting, bool) {
			return sighting{Forwarded: []string{claim}, Source: addr(claim), MayPost: true}, true
		}, doctor.Look, "is believed"},
		"no proxy": {func(_ *http.Request, _, from string) (sighting, bool) {
			return sighting{Source: addr(from), MayPost: true}, true
		}, doctor.Yes, "seems to come from 127."},
		"refused before": {func(r *http.Request, claim, _ string) (sighting, bool) {
			return sighting{Restricted: claim != "" && r.Method == http.MethodPost}, claim == ""
		}, doctor.Yes, "answered with 404 before"},
		"another's answer": {func(*http.Request, string, string) (sighting, bool) { return sighting{}, false }, doctor.Look, "not by this serve"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &running{words: map[string][]doctor.Sighting{}, sees: c.sees}
			server := httptest.NewServer(s)
			t.Cleanup(server.Close)
			u, _ := url.Parse(server.URL + secret)
			all := doctor.Redirect{URI: u, Now: time.Now(), Probe: s.probe()}.Examine(t.Context())
			if f := find(t, all, "forged source"); f.Answer != c.answer || !strings.Contains(f.Means, c.word) {
				t.Errorf("%+v, want %s and %q", f, c.answer, c.word)
			}
			if f := find(t, all, "redirect URI"); f.Answer != doctor.Yes {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestAForgedSourceIsNotTriedInVain(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(listener))
	t.Cleanup(server.Close)
	here, _ := url.Parse(server.URL + secret)
	nowhere, _ := url.Parse("http://127.0.0.1:1" + secret)
	broken := &doctor.Probe{Expect: func(context.Context) (string, string, error) { return "", "", errors.New("404 page not found") }}
	for _, c := range []struct {
		uri    *url.URL
		probe  *doctor.Probe
		answer doctor.Answer
		word   string
	}{
		{here, nil, doctor.NotTried, "serve does not run"},
		{here, broken, doctor.Unknown, "another version"},
		{nowhere, broken, doctor.NotTried, "does not answer"},
	} {
		f := find(t, doctor.Redirect{URI: c.uri, Now: time.Now(), Probe: c.probe}.Examine(t.Context()), "forged source")
		if f.Answer != c.answer || !strings.Contains(f.Means, c.word) {
			t.Errorf("%+v, want %s and %q", f, c.answer, c.word)
		}
	}
}

package sim_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"fonoteka/internal/sim"
)

// recordings returns the simulator's, and a server for them.
func recordings(t *testing.T, opts sim.Options) ([]*sim.Recording, *sim.Sim, *httptest.Server) {
	t.Helper()
	s := newSim(t, opts)
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	var recs []*sim.Recording
	for _, c := range s.Calls() {
		recs = append(recs, c.Recordings...)
	}
	return recs, s, srv
}

func pathOf(t *testing.T, rec *sim.Recording) string {
	t.Helper()
	u, err := url.Parse(rec.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Path
}

type answer struct {
	status int
	header http.Header
	body   []byte
	err    error // of reading the body
}

func fetch(t *testing.T, method, address string, header map[string]string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, b, err}
}

func TestRecordingIsThereFromItsAnnouncementOn(t *testing.T) {
	t.Parallel()
	recs, s, srv := recordings(t, sim.Options{Seed: 1, Calls: 15})
	address := srv.URL + pathOf(t, recs[0])
	if a := fetch(t, "GET", address, nil); a.status != http.StatusNotFound {
		t.Errorf("before: %d", a.status)
	}
	s.AnnounceAll()
	a := fetch(t, "GET", address, nil)
	if a.status != http.StatusOK || !bytes.Equal(a.body, recs[0].Bytes()) || a.header.Get("Content-Type") != "audio/mpeg" {
		t.Errorf("after: %d, %d bytes, %v", a.status, len(a.body), a.header)
	}
	if a.header.Get("Content-Length") != strconv.Itoa(len(a.body)) {
		t.Errorf("length %s of %d", a.header.Get("Content-Length"), len(a.body))
	}
	if a := fetch(t, "GET", srv.URL+"/records/67821426/2026/01/29/0_0_0_0.mp3", nil); a.status != http.StatusNotFound {
		t.Errorf("unknown: %d", a.status)
	}
	srv.Close()
	if st := s.Stats(); st.Fetched != 1 || st.NotThere != 2 {
		t.Errorf("%+v", st)
	}
}

func TestRecordingIsServedInPieces(t *testing.T) {
	t.Parallel()
	recs, s, srv := recordings(t, sim.Options{Seed: 1, Calls: 15})
	s.AnnounceAll()
	address, want := srv.URL+pathOf(t, recs[0]), recs[0].Bytes()
	head := fetch(t, "HEAD", address, nil)
	tag := head.header.Get("ETag")
	if head.status != http.StatusOK || head.header.Get("Accept-Ranges") != "bytes" || len(tag) < 10 {
		t.Fatalf("HEAD: %+v", head)
	}
	begin := fetch(t, "GET", address, map[string]string{"Range": "bytes=0-99"})
	if begin.status != http.StatusPartialContent || !bytes.Equal(begin.body, want[:100]) || s.Stats().Fetched != 0 {
		t.Errorf("beginning: %d, %d bytes; %+v", begin.status, len(begin.body), s.Stats())
	}
	rest := fetch(t, "GET", address, map[string]string{"Range": "bytes=100-", "If-Range": tag})
	if rest.status != http.StatusPartialContent || !bytes.Equal(rest.body, want[100:]) {
		t.Errorf("rest: %d, %d bytes", rest.status, len(rest.body))
	}
	other := fetch(t, "GET", address, map[string]string{"Range": "bytes=100-", "If-Range": `"other"`})
	if other.status != http.StatusOK || !bytes.Equal(other.body, want) {
		t.Errorf("another tag: %d, %d bytes", other.status, len(other.body))
	}
	if a := fetch(t, "GET", address, map[string]string{"If-None-Match": tag}); a.status != http.StatusNotModified {
		t.Errorf("same tag: %d", a.status)
	}
	srv.Close()
	if st := s.Stats(); st.Fetched != 1 {
		t.Errorf("%+v", st)
	}
}

// Each fault must come, be what its name says, and be over after three tries.
func TestDownloadFaultsComeAndEnd(t *testing.T) {
	t.Parallel()
	checks := map[string]func(a answer, whole []byte) bool{
		"404": func(a answer, _ []byte) bool { return a.status == http.StatusNotFound },
		"5xx": func(a answer, _ []byte) bool { return a.status >= 500 },
		"html": func(a answer, _ []byte) bool {
			return a.status == http.StatusOK && bytes.Contains(a.body, []byte("<html>"))
		},
		"cut": func(a answer, whole []byte) bool {
			return a.status == http.StatusOK && errors.Is(a.err, io.ErrUnexpectedEOF) &&
				a.header.Get("Content-Length") == strconv.Itoa(len(whole)) && len(a.body) > 0 && bytes.HasPrefix(whole, a.body)
		},
	}
	for name, isFault := range checks {
		faults, err := sim.ParseFaults(name + "=0.5")
		if err != nil {
			t.Fatal(err)
		}
		recs, s, srv := recordings(t, sim.Options{Seed: 5, Calls: 60, Faults: faults})
		s.AnnounceAll()
		faulty, onBorder := 0, 0
		for _, rec := range recs {
			whole, tries := rec.Bytes(), 0
			for ; tries < 4; tries++ {
				a := fetch(t, "GET", srv.URL+pathOf(t, rec), nil)
				if a.err == nil && bytes.Equal(a.body, whole) {
					break
				}
				if !isFault(a, whole) {
					t.Fatalf("%s: answered %d, %d of %d bytes, %v", name, a.status, len(a.body), len(whole), a.err)
				}
				if len(a.body)%72 == 0 {
					onBorder++
				}
			}
			if tries == 4 {
				t.Fatalf("%s does not end", name)
			}
			if tries > 0 {
				faulty++
			}
		}
		if share := float64(faulty) / float64(len(recs)); share < 0.25 || share > 0.75 {
			t.Errorf("%s: %d of %d recordings", name, faulty, len(recs))
		}
		if name == "cut" && (onBorder == 0 || onBorder >= int(s.Stats().Faults)) {
			t.Errorf("%d of %d cuts on a frame's border", onBorder, s.Stats().Faults)
		}
		srv.Close() // waits for the last answers to be counted
		if st := s.Stats(); int(st.Fetched) != len(recs) || int(st.Faults) < faulty {
			t.Errorf("%s: %+v, %d faulty of %d", name, st, faulty, len(recs))
		}
	}
}

func TestCutOfTheRestIsCutAgain(t *testing.T) {
	t.Parallel()
	recs, s, srv := recordings(t, sim.Options{Seed: 5, Calls: 15, Faults: sim.Faults{Cut: 1}})
	s.AnnounceAll()
	for _, rec := range recs {
		var got []byte
		tries := 0
		for ; tries < 4 && len(got) < len(rec.Bytes()); tries++ {
			a := fetch(t, "GET", srv.URL+pathOf(t, rec), map[string]string{"Range": "bytes=" + strconv.Itoa(len(got)) + "-"})
			got = append(got, a.body...)
		}
		if tries < 2 || !bytes.Equal(got, rec.Bytes()) {
			t.Errorf("%d tries, %d of %d bytes", tries, len(got), len(rec.Bytes()))
		}
	}
}

func TestStalledDownloadGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, sim.Options{Seed: 5, Calls: 15, Faults: sim.Faults{Stall: 1}, StallFor: 7 * time.Second})
		s.AnnounceAll()
		for _, c := range s.Calls() {
			for _, rec := range c.Recordings {
				for try := 0; ; try++ {
					begin, w := time.Now(), httptest.NewRecorder()
					s.Handler().ServeHTTP(w, httptest.NewRequest("GET", pathOf(t, rec), nil))
					if !bytes.Equal(w.Body.Bytes(), rec.Bytes()) {
						t.Fatal("other bytes")
					}
					if took := time.Since(begin); took == 0 && try > 0 {
						break
					} else if took != 7*time.Second || try > 2 {
						t.Fatalf("try %d took %s", try, took)
					}
				}
			}
		}
	})
}

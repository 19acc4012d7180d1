package playback_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/blob"
	"fonoteka/internal/call"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/playback"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

const (
	id       = "0123456789abcdef0123456789abcdef"
	password = "correct horse"
)

// desk is a handler over a bucket of a real store and rows of the test's own.
type desk struct {
	t     *testing.T
	name  string // of who asks
	url   string
	store *blob.Bucket
	rows  map[string]call.RecordingStatus
	err   error // of the catalogue
	heard []string
	note  error              // of Note
	spoil func(whole []byte) // what the disk under the store did to the bytes; nil: nothing
	told  []string           // to Suspect
	reads atomic.Int64       // from the store
	judge func(right bool) error
	reg   *prometheus.Registry
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	addr, key, secret := embeddedtest.S3(t)
	bucket := strings.ToLower(strings.ReplaceAll(t.Name(), "_", "-"))
	if len(bucket) > 60 {
		bucket = bucket[:60]
	}
	store, err := blob.Open(blob.Options{URL: "s3://" + key + ":" + secret + "@" + addr + "/" + bucket + "?secure=false"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	if err := store.EnsureBucket(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, name: "anna", store: store, rows: map[string]call.RecordingStatus{}, reg: prometheus.NewRegistry()}
	h, err := playback.New(playback.Options{
		Find: func(_ context.Context, id string) (call.RecordingStatus, bool, error) {
			row, known := d.rows[id]
			return row, known, d.err
		},
		Store:   func(bucket string) playback.Store { return disk{store.In(bucket), d} },
		Suspect: func(r call.RecordingStatus) { d.told = append(d.told, r.ID) },
		Judge: func(_ *http.Request, right bool) error {
			if d.judge == nil {
				return nil
			}
			return d.judge(right)
		},
		Password: password, Registerer: d.reg,
		Note: func(_ context.Context, who string, r call.RecordingStatus) error {
			d.heard = append(d.heard, who+" "+r.ID)
			return d.note
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /recordings/{id}", h)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	d.url = srv.URL + "/recordings/"
	return d
}

// keep stores a recording and its row.
func (d *desk) keep(content []byte) *desk {
	d.t.Helper()
	sum := sha256.Sum256(content)
	digest := hex.EncodeToString(sum[:])
	const key = "recordings/main/2026/03/02/" + id + ".mp3"
	err := d.store.Put(d.t.Context(), key, bytes.NewReader(content), blob.Put{Size: int64(len(content)), SHA256: digest, ContentType: "audio/mpeg"})
	if err != nil {
		d.t.Fatal(err)
	}
	d.rows[id] = call.RecordingStatus{
		Recording: call.Recording{Integration: "main", ID: id}, State: call.Archived,
		SHA256: digest, Size: int64(len(content)), Bucket: d.store.Name(), Key: key,
	}
	return d
}

// ask sends a request with the password; headers are pairs.
func (d *desk) ask(method, id string, headers ...string) (*http.Response, string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.url+id, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	req.SetBasicAuth(d.name, password)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp, string(body)
}

// wantCounted waits for a count: an answer is counted once it is given.
func (d *desk) wantCounted(answer string, n float64) {
	d.t.Helper()
	got := d.counted(answer)
	for end := time.Now().Add(10 * time.Second); got != n && time.Now().Before(end); got = d.counted(answer) {
		time.Sleep(time.Millisecond)
	}
	if got != n {
		d.t.Errorf("%s was counted %v times, want %v", answer, got, n)
	}
}

// counted is -1 where there is no such count.
func (d *desk) counted(answer string) float64 {
	d.t.Helper()
	families, err := d.reg.Gather()
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			if f.GetName() == "fonoteka_playback_requests_total" && m.Label[0].GetValue() == answer {
				return m.Counter.GetValue()
			}
		}
	}
	return -1
}

func content() []byte {
	b := make([]byte, 300_000)
	for i := range b {
		b[i] = byte(i / 7)
	}
	return b
}

func TestAnArchivedRecordingPlays(t *testing.T) {
	t.Parallel()
	d := newDesk(t).keep(content())
	resp, body := d.ask(http.MethodGet, id)
	if resp.StatusCode != http.StatusOK || body != string(content()) {
		t.Fatalf("status %d, %d bytes", resp.StatusCode, len(body))
	}
	for name, want := range map[string]string{
		"Content-Type": "audio/mpeg", "Content-Length": "300000", "Accept-Ranges": "bytes", "Cache-Control": "private, no-store",
		"Content-Disposition": `inline; filename="` + id + `.mp3"`, "ETag": `"` + d.rows[id].SHA256 + `"`,
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if len(d.heard) != 1 || d.heard[0] != "anna "+id {
		t.Errorf("noted %v", d.heard)
	}
	d.wantCounted("served", 1)
}

// A player goes by the media type, and by the ranges that it seeks with.
func TestARecordingPlaysAsItsFormat(t *testing.T) {
	t.Parallel()
	wav, err := os.ReadFile("../audio/testdata/alaw.wav")
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t).keep(wav)
	for format, want := range map[string][2]string{
		"": {"audio/mpeg", ".mp3"}, "mp3": {"audio/mpeg", ".mp3"}, "wav": {"audio/wav", ".wav"}, "ogg": {"audio/ogg", ".ogg"},
		"m4a": {"audio/mp4", ".m4a"}, "aac": {"audio/aac", ".aac"}, "mp2": {"audio/mpeg", ".mp2"}, "new": {"application/octet-stream", ".new"},
	} {
		row := d.rows[id]
		row.Format = format
		d.rows[id] = row
		resp, body := d.ask(http.MethodGet, id)
		if resp.StatusCode != http.StatusOK || body != string(wav) || resp.Header.Get("Content-Type") != want[0] || resp.Header.Get("Content-Disposition") != `inline; filename="`+id+want[1]+`"` {
			t.Errorf("%q: status %d, %d bytes, %v", format, resp.StatusCode, len(body), resp.Header)
		}
		resp, body = d.ask(http.MethodGet, id, "Range", "bytes=58-1057")
		if resp.StatusCode != http.StatusPartialContent || body != string(wav[58:1058]) || resp.Header.Get("Content-Type") != want[0] {
			t.Errorf("%q, a part: status %d, %d bytes", format, resp.StatusCode, len(body))
		}
	}
}

func TestPartsAreServed(t *testing.T) {
	t.Parallel()
	d := newDesk(t).keep(content())
	for _, c := range []struct {
		rng      string
		from, to int
	}{{"bytes=0-0", 0, 1}, {"bytes=1000-1999", 1000, 2000}, {"bytes=299990-", 299_990, 300_000}, {"bytes=-10", 299_990, 300_000}} {
		resp, body := d.ask(http.MethodGet, id, "Range", c.rng)
		if resp.StatusCode != http.StatusPartialContent || body != string(content()[c.from:c.to]) {
			t.Errorf("%s: status %d, %d bytes", c.rng, resp.StatusCode, len(body))
		}
	}
	if resp, _ := d.ask(http.MethodGet, id, "Range", "bytes=300000-"); resp.StatusCode != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("beyond the end: status %d", resp.StatusCode)
	}
	resp, body := d.ask(http.MethodHead, id)
	if resp.StatusCode != http.StatusOK || body != "" || resp.ContentLength != 300_000 {
		t.Errorf("HEAD: status %d, length %d", resp.StatusCode, resp.ContentLength)
	}
}

// Each part costs the store a request, so that many of them are answered with the whole.
func TestARangeOfManyPartsCostsOneRead(t *testing.T) {
	t.Parallel()
	d := newDesk(t).keep(content())
	var parts strings.Builder
	for n := range 20_000 {
		fmt.Fprintf(&parts, ",%d-%d", 10*n, 10*n)
	}
	for name, c := range map[string]struct {
		rng    string
		status int
	}{
		"20,000 parts": {"bytes=" + parts.String()[1:], http.StatusOK}, "20,000 times the whole": {"bytes=0-" + strings.Repeat(",0-", 19_999), http.StatusOK},
		"nine": {"bytes=0-0" + strings.Repeat(",2-2", 8), http.StatusOK}, "eight": {"bytes=0-0" + strings.Repeat(",2-2", 7), http.StatusPartialContent},
	} {
		d.reads.Store(0)
		resp, body := d.ask(http.MethodGet, id, "Range", c.rng)
		if resp.StatusCode != c.status || d.reads.Load() > 8 || c.status == http.StatusOK && (body != string(content()) || d.reads.Load() != 1) {
			t.Errorf("%s: status %d, %d bytes, %d reads", name, resp.StatusCode, len(body), d.reads.Load())
		}
	}
}

func TestWhoGuessesGetsNoAnswer(t *testing.T) {
	t.Parallel()
	d := newDesk(t).keep(content())
	var judged []bool
	d.judge = func(right bool) error {
		judged = append(judged, right)
		return errors.New("too many")
	}
	for _, auth := range []string{"Basic eDp5", ""} {
		headers := []string{"Accept-Language", "ru"}
		if auth != "" {
			headers = append(headers, "Authorization", auth)
		}
		resp, body := d.ask(http.MethodGet, id, headers...)
		if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" || !strings.Contains(body, "много неверных паролей") {
			t.Errorf("%q: status %d\n%s", auth, resp.StatusCode, body)
		}
	}
	if diff := cmp.Diff([]bool{false, true}, judged); diff != "" {
		t.Errorf("judged (-want +got):\n%s", diff)
	}
	d.wantCounted("too_many", 2)
}

func TestNobodyListensWithoutThePassword(t *testing.T) {
	t.Parallel()
	d := newDesk(t).keep(content())
	for _, auth := range []string{"", "Basic eDp5", "Bearer " + password} {
		resp, body := d.ask(http.MethodGet, id, "Authorization", auth)
		if resp.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%q: status %d", auth, resp.StatusCode)
		}
		if strings.Contains(body, string(content()[:64])) {
			t.Errorf("%q: the recording was served", auth)
		}
	}
	// Whether a recording exists is not told either.
	if resp, _ := d.ask(http.MethodGet, strings.Repeat("f", 32), "Authorization", ""); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("an unknown one: status %d", resp.StatusCode)
	}
	if len(d.heard) > 0 {
		t.Errorf("noted %v", d.heard)
	}
	d.wantCounted("unauthorised", 4)
}

func TestWhatIsNotThereIsExplained(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	next, end := time.Date(2026, 3, 3, 9, 30, 0, 0, time.UTC), time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC)
	for state, want := range map[call.RecordingState]struct {
		status int
		ru, en []string
	}{
		call.Announced:   {404, []string{"ещё не скачана", "2026-03-03 09:30 UTC", "до 2026-05-31"}, []string{"not been fetched yet", "2026-03-03 09:30 UTC", "until about 2026-05-31"}},
		call.Retrying:    {404, []string{"пока не удалось", "ошибка на сервере оператора (&lt;records&gt;.mtt.ru, ответ 503)"}, []string{"could not be fetched so far", "server &lt;records&gt;.mtt.ru answered 503 Service Unavailable instead of the file"}},
		call.Missing:     {404, []string{"пока не удалось"}, []string{"could not be fetched so far"}},
		call.Refused:     {404, []string{"запрещено настройками"}, []string{"configuration forbids"}},
		call.Quarantined: {404, []string{"повреждённой"}, []string{"came damaged"}},
		call.Expired:     {410, []string{"больше нет", "копию"}, []string{"is gone", "copy"}},
		call.Erased:      {410, []string{"стёрта"}, []string{"erased"}},
	} {
		d.rows[id] = call.RecordingStatus{
			Recording: call.Recording{ID: id, ExpiresAt: end}, State: state, NextAttemptAt: next,
			Failure: call.Failure{Code: call.CodeServerError, Host: "<records>.mtt.ru", HTTPStatus: 503},
		}
		for lang, words := range map[string][]string{"ru-RU,ru;q=0.9,en;q=0.8": want.ru, "en-GB": want.en} {
			resp, body := d.ask(http.MethodGet, id, "Accept-Language", lang)
			if resp.StatusCode != want.status || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
				t.Errorf("%s: status %d, %s", state, resp.StatusCode, resp.Header.Get("Content-Type"))
			}
			for _, w := range words {
				if !strings.Contains(body, w) {
					t.Errorf("%s in %s does not say %q:\n%s", state, lang, w, body)
				}
			}
		}
	}
	for _, odd := range []string{strings.Repeat("f", 32), "79001234567", "..%2f..%2fetc"} {
		if resp, body := d.ask(http.MethodGet, odd); resp.StatusCode != http.StatusNotFound || !strings.Contains(body, "no such recording") {
			t.Errorf("%s: status %d", odd, resp.StatusCode)
		}
	}
	d.wantCounted("absent", 14)
	d.wantCounted("unknown", 3)
}

func TestOnlyWhatWasArchivedIsServed(t *testing.T) {
	t.Parallel()
	d := newDesk(t).keep(content())
	good := d.rows[id]
	for what, spoil := range map[string]func(*call.RecordingStatus){
		"another digest": func(r *call.RecordingStatus) { r.SHA256 = strings.Repeat("0", 64) },
		"another size":   func(r *call.RecordingStatus) { r.Size-- },
		"no object":      func(r *call.RecordingStatus) { r.Key += ".gone" },
		"no bucket":      func(r *call.RecordingStatus) { r.Bucket = "another" },
	} {
		row := good
		spoil(&row)
		d.rows[id] = row
		if resp, body := d.ask(http.MethodGet, id); resp.StatusCode != http.StatusNotFound || !strings.Contains(body, "damaged or gone") {
			t.Errorf("%s: status %d, %d bytes", what, resp.StatusCode, len(body))
		}
	}
	d.wantCounted("differs", 4)
	if len(d.heard) > 0 {
		t.Errorf("noted %v", d.heard)
	}
}

// disk is a store whose bytes may have been changed behind its back.
type disk struct {
	playback.Store
	d *desk
}

func (s disk) GetRange(ctx context.Context, key string, offset, length int64) (io.ReadCloser, blob.Object, error) {
	s.d.reads.Add(1)
	if s.d.spoil == nil {
		return s.Store.GetRange(ctx, key, offset, length)
	}
	all, object, err := s.Store.GetRange(ctx, key, 0, -1)
	if err != nil {
		return nil, object, err
	}
	defer all.Close()
	b, err := io.ReadAll(all)
	s.d.spoil(b)
	return io.NopCloser(bytes.NewReader(b[offset:])), object, err
}

// The store says that all is well, and its disk has another byte.
func TestAnAlteredRecordingIsNotSentWhole(t *testing.T) {
	t.Parallel()
	d := newDesk(t).keep(content())
	for name, at := range map[string]int{"the first byte": 0, "in the middle": 150_000, "the last byte": 299_999} {
		d.told = nil
		d.spoil = func(b []byte) { b[at] ^= 1 }
		for _, r := range []string{"", "bytes=0-", "bytes=0-299999"} {
			resp, body := d.ask(http.MethodGet, id, "Range", r)
			if len(body) > 300_000-blob.Withheld || int64(len(body)) == resp.ContentLength {
				t.Errorf("%s, %q: %d bytes of %d came", name, r, len(body), resp.ContentLength)
			}
		}
		if diff := cmp.Diff([]string{id, id, id}, d.told); diff != "" {
			t.Errorf("%s: told (-want +got):\n%s", name, diff)
		}
		if resp, body := d.ask(http.MethodGet, id, "Range", "bytes=0-99999"); resp.StatusCode != http.StatusPartialContent || len(body) != 100_000 || resp.Header.Get("Repr-Digest") != "" {
			t.Errorf("%s: a part: %d, %d bytes, %v", name, resp.StatusCode, len(body), resp.Header)
		}
		d.spoil = nil
		if resp, body := d.ask(http.MethodGet, id); body != string(content()) || resp.Header.Get("Repr-Digest") == "" {
			t.Errorf("%s: the right bytes: %d of them, %v", name, len(body), resp.Header)
		}
	}
	d.wantCounted("altered", 9)
}

func TestWhatIsKnownToBeAlteredIsNotServed(t *testing.T) {
	t.Parallel()
	d := newDesk(t).keep(content())
	good := d.rows[id]
	for kind, want := range map[call.FaultKind][2]string{
		call.Altered: {"в хранилище", "from the store"}, call.Absent: {"пропала", "gone"}, call.Unreadable: {"повреждена", "damaged"},
	} {
		row := good
		row.Fault = call.Fault{Kind: kind, Part: call.RecordingPart, At: time.Now()}
		d.rows[id] = row
		for i, lang := range []string{"ru", "en"} {
			resp, body := d.ask(http.MethodGet, id, "Accept-Language", lang)
			if resp.StatusCode != http.StatusNotFound || !strings.Contains(body, want[i]) || resp.Header.Get("ETag")+resp.Header.Get("Repr-Digest") != "" {
				t.Errorf("%s: %d %s", kind, resp.StatusCode, body)
			}
		}
	}
	row := good
	row.Fault = call.Fault{Kind: call.Absent, Part: call.SidecarPart, At: time.Now()}
	d.rows[id] = row
	if resp, body := d.ask(http.MethodGet, id); resp.StatusCode != http.StatusOK || body != string(content()) {
		t.Errorf("with a sidecar that is gone: %d, %d bytes", resp.StatusCode, len(body))
	}
}

func TestAListeningIsNotedOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t).keep(content())
	tag := `"` + d.rows[id].SHA256 + `"`
	for _, c := range []struct {
		method, header, value string
		status                int
	}{
		{http.MethodHead, "Accept", "*/*", 200},
		{http.MethodHead, "Range", "bytes=0-9", 206},
		{http.MethodGet, "If-None-Match", tag, 304},
		{http.MethodGet, "If-Match", `"another"`, 412},
		{http.MethodGet, "Range", "bytes=300000-", 416},
	} {
		if resp, body := d.ask(c.method, id, c.header, c.value); resp.StatusCode != c.status || len(body) > 100 {
			t.Errorf("%s, %s: status %d, want %d; %d bytes", c.method, c.header, resp.StatusCode, c.status, len(body))
		}
	}
	if len(d.heard) > 0 {
		t.Errorf("no byte was heard, and noted are %v", d.heard)
	}
	for _, name := range []string{"anna", "boris"} {
		d.name = name
		for _, r := range []string{"bytes=0-0", "bytes=1000-", "bytes=0-", "bytes=0-1,5-6"} {
			if resp, _ := d.ask(http.MethodGet, id, "Range", r); resp.StatusCode != http.StatusPartialContent {
				t.Errorf("%s: status %d", r, resp.StatusCode)
			}
		}
	}
	if diff := cmp.Diff([]string{"anna " + id, "boris " + id}, d.heard); diff != "" {
		t.Errorf("noted (-want +got):\n%s", diff)
	}
}

func TestNothingIsServedThatCannotBeNoted(t *testing.T) {
	t.Parallel()
	d := newDesk(t).keep(content())
	d.note = errors.New("the audit is away")
	for _, r := range []string{"bytes=0-", "bytes=0-5,7-9", ""} {
		resp, body := d.ask(http.MethodGet, id, "Range", r)
		if resp.StatusCode != http.StatusServiceUnavailable || len(body) > 10_000 || strings.Contains(body, "audit") || !strings.Contains(body, "</html>") {
			t.Errorf("%s: status %d, %d bytes", r, resp.StatusCode, len(body))
		}
		for _, name := range []string{"ETag", "Content-Range", "Repr-Digest", "Content-Disposition"} {
			if resp.Header.Get(name) != "" {
				t.Errorf("%s: the page has a header %s", r, name)
			}
		}
		if resp.Header.Get("Cache-Control") == "" {
			t.Errorf("%s: the page may be cached", r)
		}
	}
	d.note, d.err = nil, errors.New("the warehouse is away")
	if resp, _ := d.ask(http.MethodGet, id); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("without the catalogue: status %d", resp.StatusCode)
	}
	d.wantCounted("failed", 4)
}

package system

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/archive"
	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/fetch"
	"fonoteka/internal/fixity"
	"fonoteka/internal/queue"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/catalogue"
)

// TestNothingIsDecidedByWords plays the life of some recordings twice: tries until
// they are given up, wishes, damage in the store, repair, a rebuild of the
// catalogue. Once every sentence that is stored, in rows and in sidecars, is
// replaced by "x" after each step. All that is decided must be the same.
func TestNothingIsDecidedByWords(t *testing.T) {
	t.Parallel()
	for name, play := range map[string]func(*life){
		"given up":  (*life).givenUp,
		"planned":   (*life).planned,
		"damaged":   (*life).damaged,
		"repaired":  (*life).repaired,
		"rebuilt":   (*life).rebuilt,
		"collected": (*life).collected,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			told := map[bool][]string{}
			server := &answers{}
			srv := httptest.NewServer(server)
			defer srv.Close()
			for _, spoilt := range []bool{false, true} {
				l := newLife(t, server, srv.URL, spoilt)
				play(l)
				told[spoilt] = l.told
			}
			if len(told[false]) == 0 {
				t.Error("nothing happened")
			}
			for i, want := range told[false] {
				if i >= len(told[true]) || told[true][i] != want {
					t.Fatalf("with the words (-) and without (+), from step %d of %d on:\n%s", i, len(told[false]), cmp.Diff(told[false][max(i-2, 0):i+1], told[true][max(i-2, 0):min(i+1, len(told[true]))]))
				}
			}
		})
	}
}

// answers is the operator's server: what it says to each path, in order, the last
// for ever.
type answers struct{ byPath map[string][]any }

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	left := a.byPath[r.URL.Path]
	if len(left) > 1 {
		a.byPath[r.URL.Path] = left[1:]
	}
	switch say := left[0].(type) {
	case int:
		w.WriteHeader(say)
	case []byte:
		w.Header().Set("Content-Type", "audio/mpeg")
		_, _ = w.Write(say)
	}
}

// life is an archive on real stores, with a clock of its own.
type life struct {
	t        *testing.T
	spoilt   bool
	now      time.Time
	url      string
	answers  *answers
	db       *warehouse.DB
	database string
	store    *rotting
	archive  *archive.Archiver
	check    *fixity.Checker
	mp3      []byte
	names    map[string]string // by recording id
	told     []string
}

func newLife(t *testing.T, a *answers, url string, spoilt bool) *life {
	t.Helper()
	native, web, user, password := embeddedtest.ClickHouse(t)
	database := "words_" + strings.ToLower(rand.Text())
	db, err := warehouse.Open(warehouse.Options{Addrs: []string{native}, HTTPAddr: web, User: user, Password: password, Database: database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	addr, key, secret := embeddedtest.S3(t)
	b, err := blob.Open(blob.Options{URL: "s3://" + key + ":" + secret + "@" + addr + "/w-" + strings.ToLower(rand.Text()[:16]) + "?secure=false"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.EnsureBucket(t.Context()); err != nil {
		t.Fatal(err)
	}
	hosts, err := fetch.ParseHosts(strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fetcher, err := fetch.New(fetch.Options{Hosts: hosts, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fetcher.Close)
	mp3, err := os.ReadFile("../../internal/mp3/testdata/mpeg25-8khz.mp3")
	if err != nil {
		t.Fatal(err)
	}
	a.byPath = map[string][]any{}
	l := &life{
		t: t, spoilt: spoilt, now: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC), url: url, answers: a, db: db, database: database, mp3: mp3, names: map[string]string{},
	}
	l.store = &rotting{Bucket: b, spoilt: spoilt, held: map[string][]byte{}, gone: map[string]bool{}}
	log := slog.New(slog.DiscardHandler)
	clock := func() time.Time { return l.now }
	l.archive, err = archive.New(archive.Options{
		Catalogue: rows{l}, Store: l.store, Bucket: b.Name(), Queue: noQueue{}, Fetcher: fetcher, Log: log, Now: clock,
		TalkOf: func(context.Context, string, uint64) (time.Duration, bool, error) {
			return time.Second / 10, true, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	l.check, err = fixity.New(fixity.Options{Rows: catalogue.New(db), Custody: spoiling{catalogue.New(db), l}, Store: l.store, Bucket: b.Name(), Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// rows is the archive's view of the catalogue.
type rows struct{ l *life }

func (r rows) Save(ctx context.Context, row call.RecordingStatus, steps ...call.Custody) error {
	return spoiling{catalogue.New(r.l.db), r.l}.Save(ctx, []call.RecordingStatus{row}, steps)
}

func (r rows) Recording(ctx context.Context, integration, id string) (call.RecordingStatus, bool, error) {
	return catalogue.New(r.l.db).NewReader().Recording(ctx, integration, id)
}

func (r rows) Whole(ctx context.Context, integration, id string) (call.RecordingStatus, bool, error) {
	return catalogue.New(r.l.db).Recording(ctx, integration, id)
}

// spoiling replaces the words after each save.
type spoiling struct {
	*catalogue.DB
	l *life
}

func (s spoiling) Save(ctx context.Context, rows []call.RecordingStatus, steps []call.Custody) error {
	if err := s.DB.Save(ctx, rows, steps); err != nil {
		return err
	}
	s.l.spoil()
	return nil
}

func (l *life) spoil() {
	if !l.spoilt {
		return
	}
	for _, table := range []string{"recordings", "recordings_open"} {
		l.exec("ALTER TABLE " + table + " UPDATE reason = 'x' WHERE true SETTINGS mutations_sync = 1")
	}
}

// exec runs SQL that changes something.
func (l *life) exec(sql string) {
	l.t.Helper()
	_, addr, user, password := embeddedtest.ClickHouse(l.t)
	req, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, "http://"+addr+"/?database="+l.database, strings.NewReader(sql))
	l.must(err)
	req.SetBasicAuth(user, password)
	resp, err := http.DefaultClient.Do(req)
	l.must(err)
	defer resp.Body.Close()
	if said, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		l.t.Fatalf("%s: %s", sql, said)
	}
}

type noQueue struct{}

func (noQueue) Enqueue(context.Context, queue.Job, queue.Options) error { return nil }

// rotting is a bucket whose objects can be lost or altered, and whose sidecars
// lose their words where they are to.
type rotting struct {
	*blob.Bucket
	spoilt bool
	held   map[string][]byte // instead of what was stored
	gone   map[string]bool
}

var reasonOf = regexp.MustCompile(`"reason": ?"(?:[^"\\]|\\.)*"`)

func (s *rotting) give(key string, r io.ReadCloser, o blob.Object, err error) (io.ReadCloser, blob.Object, error) {
	if err != nil {
		return r, o, err
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if held, ok := s.held[key]; ok {
		body = held
	}
	if s.spoilt && path.Ext(key) == ".json" {
		body = reasonOf.ReplaceAll(body, []byte(`"reason":"x"`))
	}
	return io.NopCloser(bytes.NewReader(body)), o, err
}

func (s *rotting) GetRange(ctx context.Context, key string, offset, length int64) (io.ReadCloser, blob.Object, error) {
	if s.gone[key] {
		return nil, blob.Object{}, blob.ErrNotFound
	}
	r, o, err := s.Bucket.GetRange(ctx, key, offset, length)
	return s.give(key, r, o, err)
}

func (s *rotting) Get(ctx context.Context, key string) (io.ReadCloser, blob.Object, error) {
	if s.gone[key] {
		return nil, blob.Object{}, blob.ErrNotFound
	}
	r, o, err := s.Bucket.Get(ctx, key)
	return s.give(key, r, o, err)
}

func (s *rotting) Stat(ctx context.Context, key string) (blob.Object, error) {
	if s.gone[key] {
		return blob.Object{}, blob.ErrNotFound
	}
	return s.Bucket.Stat(ctx, key)
}

// Put brings back what was lost.
func (s *rotting) Put(ctx context.Context, key string, body io.ReaderAt, p blob.Put) error {
	if s.gone[key] {
		delete(s.gone, key)
		delete(s.held, key)
		return nil
	}
	return s.Bucket.Put(ctx, key, body, p)
}

func (s *rotting) alter(key string) { s.held[key] = []byte("rotten") }

// announce adds a recording whose link's time is over by that many days.
func (l *life) announce(name string, over int, say ...any) call.Recording {
	link := l.url + "/" + name + ".mp3"
	l.answers.byPath["/"+name+".mp3"] = say
	expires := l.now.AddDate(0, 0, -over)
	r := call.Recording{
		Integration: "main", ID: call.RecordingID("main", link), URL: link, GroupID: 5, PlatformCallID: "abc", PlatformID: "abc~1o",
		AnnouncedAt: expires.AddDate(0, 0, -90), ExpiresAt: expires,
	}
	l.names[r.ID] = name
	l.must(catalogue.New(l.db).AnnounceRecordings(l.t.Context(), []call.Recording{r}))
	l.spoil()
	return r
}

func (l *life) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// work does what the planner would enqueue.
func (l *life) work() {
	due, err := catalogue.New(l.db).DueRecordings(l.t.Context(), l.now, 100)
	l.must(err)
	var names []string
	for _, row := range due {
		names = append(names, l.names[row.ID])
		l.must(l.archive.Handle(l.t.Context(), queue.Job{Recording: row.Recording, Attempt: row.Attempt}))
	}
	slices.Sort(names)
	l.say("due: %v", names)
	l.look()
}

func (l *life) say(format string, args ...any) {
	said := fmt.Sprintf(format, args...)
	for id, name := range l.names {
		said = strings.ReplaceAll(said, id, name)
	}
	l.told = append(l.told, said)
}

func (l *life) row(r call.Recording) call.RecordingStatus {
	rows, err := catalogue.New(l.db).ByID(l.t.Context(), []string{r.ID})
	l.must(err)
	if len(rows) != 1 {
		l.t.Fatalf("%d rows of %s", len(rows), l.names[r.ID])
	}
	return rows[0]
}

// look tells what the catalogue says, but for its words.
func (l *life) look() {
	for _, id := range slices.SortedFunc(maps.Keys(l.names), func(a, b string) int { return strings.Compare(l.names[a], l.names[b]) }) {
		row := l.row(call.Recording{Integration: "main", ID: id})
		l.say("%s: %s, attempt %d, next %v, lost %v, key %s, sha256 %.8s, fault %q",
			id, row.State, row.Attempt, row.NextAttemptAt, row.Lost(), row.Key, row.SHA256, fixity.Faulty(row))
	}
	var b bytes.Buffer
	l.must(l.db.QueryFormat(l.t.Context(), &b, "SELECT recording_id, step, attempt, count(), max(at) FROM custody GROUP BY ALL ORDER BY ALL", "TabSeparated"))
	l.say("%s", b.String())
}

// pass goes on to the next planned try, and does it.
func (l *life) pass(n int) {
	for range n {
		var next time.Time
		for id := range l.names {
			if at := l.row(call.Recording{Integration: "main", ID: id}).NextAttemptAt; !at.IsZero() && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
		if next.After(l.now) {
			l.now = next
		}
		l.work()
	}
}

// wish is fonoteka recordings retry.
func (l *life) wish(r call.Recording) {
	done, err := catalogue.New(l.db).RetryRecordings(l.t.Context(), catalogue.RetryFilter{IDs: []string{r.ID}}, l.now)
	l.must(err)
	l.say("wished: %v", done)
	l.spoil()
}

func (l *life) bad(c string) []byte {
	return append(bytes.Clone(l.mp3), bytes.Repeat([]byte(c), 800)...)
}

// givenUp: the server's denial counts if it is said twice, a day apart, and nothing
// else came in between.
func (l *life) givenUp() {
	gone := l.announce("gone", 40, 404)
	l.announce("forgotten", 40, 404, 500, 404)
	l.announce("back", 40, 404, l.mp3)
	l.work()
	l.now = l.now.Add(time.Hour) // a wish does not shorten the day
	l.wish(gone)
	l.work()
	l.pass(5)
	l.now = l.now.Add(48 * time.Hour)
	l.wish(gone)
	l.work()
}

// planned: refused and retried ones come up when their time has come.
func (l *life) planned() {
	l.announce("late", -60, 404, 503, 401, []byte("<html>"), l.mp3)
	l.announce("foreign", -60, 404)
	l.work()
	l.pass(6)
	refused, err := catalogue.New(l.db).RefusedRecordings(l.t.Context(), 10)
	l.must(err)
	l.say("refused: %d", len(refused))
}

// damaged: what came damaged is given up like the others, and a wish begins anew.
func (l *life) damaged() {
	kept := l.announce("kept", 40, l.bad("x"), 404, 404, 404, 404, 503)
	l.announce("short", 40, l.mp3[:2000], 404)
	l.work()
	l.pass(3)
	l.now = l.now.Add(24 * time.Hour)
	l.wish(kept)
	l.work()
	l.pass(4)
}

// stored are three recordings in the archive.
func (l *life) stored() (keys []call.Recording) {
	for _, name := range []string{"first", "second", "third"} {
		keys = append(keys, l.announce(name, -60, l.mp3))
	}
	l.work()
	return keys
}

func (l *life) scrub() {
	r, err := l.check.Scrub(l.t.Context(), fixity.Query{}, func(f fixity.Finding) { l.say("found: %s %s %s", f.Row.ID, f.Result, f.Part) }, nil)
	l.must(err)
	l.say("scrub: %d of %d wrong", r.Wrong, r.Total)
	l.look()
}

// recheck is the background's look at what is known to be wrong.
func (l *life) recheck() {
	ctx, cancel := context.WithCancel(l.t.Context())
	defer cancel()
	w, err := fixity.NewWorker(fixity.WorkerOptions{
		Checker: l.check, Positions: untilSwept{cancel}, Every: 1000 * time.Hour,
		Fetch: func(context.Context, call.Recording) (fixity.File, error) {
			return fixity.File{Body: bytes.NewReader(l.mp3), Size: int64(len(l.mp3)), SHA256: hexDigest(l.mp3), Close: func() {}}, nil
		},
	})
	l.must(err)
	l.must(w.Run(ctx))
	l.say("rechecked")
	l.look()
}

// untilSwept ends the worker before it checks more than what is known to be wrong.
type untilSwept struct{ end context.CancelFunc }

func (untilSwept) Progress(context.Context, string) (string, error) { return "", nil }

func (u untilSwept) SetProgress(_ context.Context, _, place string) error {
	if !strings.Contains(place, `"swept":"0001-`) {
		u.end()
	}
	return nil
}

// repaired: a fault is noted once, changes with its part, goes when the bytes are
// back, and is mended while it is known.
func (l *life) repaired() {
	all := l.stored()
	altered, absent, sidecar := l.row(all[0]).Key, l.row(all[1]).Key, bucket.SidecarKey(l.row(all[2]).Key)
	l.store.alter(altered)
	l.store.gone[absent] = true
	l.store.alter(sidecar)
	l.scrub()
	l.now = l.now.Add(time.Hour)
	l.scrub() // the same again is no news
	l.store.alter(l.row(all[2]).Key)
	l.scrub() // the recording itself now
	delete(l.store.held, sidecar)
	delete(l.store.held, l.row(all[2]).Key)
	l.scrub()
	l.now = l.now.Add(time.Hour)
	l.recheck()
	l.store.alter(l.row(all[0]).Key) // the copy
	l.now = l.now.Add(25 * time.Hour)
	l.scrub()
	l.recheck()
	delete(l.store.held, altered)
	l.store.gone[l.row(all[0]).Key] = true
	l.scrub()
	l.recheck()
}

// rebuilt: the catalogue comes back from the bucket as it was.
func (l *life) rebuilt() {
	l.collected()
	l.announce("kept", 40, l.bad("x"), 404)
	l.work()
	rebuild := func() {
		for _, table := range []string{"recordings", "recordings_open", "custody"} {
			l.exec("TRUNCATE TABLE " + table)
		}
		r, err := l.check.Rebuild(l.t.Context(), fixity.RebuildOptions{Verify: true}, nil, nil)
		l.must(err)
		l.say("rebuilt %d, damaged %d, faulty %d", r.Rebuilt, r.Damaged, r.Faulty)
		l.look()
	}
	rebuild()
	for key := range l.names {
		row := l.row(call.Recording{Integration: "main", ID: key})
		if l.names[key] == "first" {
			l.store.alter(row.Key)
		}
	}
	rebuild()
	l.scrub()
	l.recheck()
	l.pass(3)
}

// collected: another file beside the first, and a sidecar that is written again.
func (l *life) collected() {
	all := l.stored()
	other := bytes.Clone(l.mp3)
	other[200] ^= 1
	beside := bucket.BesideKey(l.row(all[0]).Key, hexDigest(other))
	l.must(l.store.Put(l.t.Context(), beside, bytes.NewReader(other), blob.Put{Size: int64(len(other)), SHA256: hexDigest(other), ContentType: "audio/mpeg"}))
	for _, table := range []string{"recordings", "recordings_open"} { // the job is done again, on what is stored
		l.exec("TRUNCATE TABLE " + table)
	}
	for _, r := range all {
		l.must(l.archive.Handle(l.t.Context(), queue.Job{Recording: r, Attempt: 1}))
	}
	l.look()
	l.store.gone[bucket.SidecarKey(l.row(all[0]).Key)] = true
	l.scrub()
	l.recheck()
}

func hexDigest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

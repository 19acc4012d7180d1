package system

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"fonoteka/internal/archive"
	"fonoteka/internal/blob"
	"fonoteka/internal/call"
	"fonoteka/internal/catalogstats"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/fetch"
	"fonoteka/internal/queue"
	"fonoteka/internal/testenv"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/catalogue"
)

// growing is an operator's server whose files grow: one for each path.
type growing struct {
	*httptest.Server
	mu    sync.Mutex
	files map[string][]byte
	asked map[string]int
}

func newGrowing(t *testing.T) *growing {
	g := &growing{files: map[string][]byte{}, asked: map[string]int{}}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		body, ok := g.files[r.URL.Path]
		g.asked[r.URL.Path]++
		g.mu.Unlock()
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "audio/mpeg")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}))
	t.Cleanup(g.Close)
	return g
}

// set gives a path its file, and returns the link.
func (g *growing) set(path string, body []byte) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.files[path] = body
	return g.URL + path
}

func (g *growing) requests(path string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked[path]
}

func (g *growing) hosts() string {
	return "FONOTEKA_MTT_RECORD_HOSTS=" + strings.TrimPrefix(g.URL, "http://")
}

// frames is an mp3 that plays for n frames of 72 ms.
func frames(t *testing.T, n int) []byte {
	t.Helper()
	audio, err := os.ReadFile("../../internal/mp3/testdata/mpeg25-8khz.mp3")
	if err != nil {
		t.Fatal(err)
	}
	const frame = 144
	return bytes.Repeat(audio, n*frame/len(audio)+1)[:n*frame]
}

// talks are the notifications of a leg at the recorded workplace that talked.
func talks(leg string, seconds int) (connected, finished []byte) {
	at := time.Now().Add(-10 * time.Minute).UTC().Format(time.DateTime)
	body := func(state string) []byte {
		return fmt.Appendf(nil, `{"event":"callNotifications","result":{"callInfo":{"call":{"id":%q},"type":"incoming","caller":{"accountId":"79160000001@pstn"},"callee":{"accountId":"883140000000001","centrexId":"1","displayId":"883140000000001","display_name":"74950000001"},%s}}}`, leg, state)
	}
	finished = body(fmt.Sprintf(`"state":"finished","duration":%d`, seconds))
	return body(`"state":"connected","startTime":"` + at + `"`), finished
}

const archivedRecordings = "SELECT count() FROM recordings WHERE state = 'archived'"

// Which recordings are short, in whatever order file and CDR come.
func TestARecordingThatIsShorterThanItsTalkIsFoundShort(t *testing.T) {
	t.Parallel()
	g := newGrowing(t)
	in := install(t, g.hosts()).start().ready()
	short, n := frames(t, 300), 0 // 21.6 s
	file := func(name string, body []byte) []byte {
		n++
		return recordedOf(name+"~1o", g.set("/"+name+".mp3", body))
	}
	leg := func(name string, seconds int) (connected, finished []byte) { return talks(name+"~1o", seconds) }
	archived := func() { t.Helper(); in.eventually(time.Minute, fmt.Sprint(n), archivedRecordings) }

	first := func(name string, body []byte, seconds int) (finished []byte) {
		connected, finished := leg(name, seconds)
		in.posts(connected, file(name, body))
		return finished
	}
	fileFirst := first("filefirst", short, 60)
	late := func(more string) []byte { // answered, as a duration alone says
		return fmt.Appendf(nil, `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"late~1o"},"type":"outgoing","caller":{"accountId":"883140000000001","centrexId":"1","displayId":"74950000001"},"callee":{"id":"+79160000001"},"state":"finished","duration":60%s}}}`, more)
	}
	in.posts(file("late", short))
	archived()
	// They were archived long ago: the CDR alone brings them back to mind.
	in.exec("ALTER TABLE recordings UPDATE updated_at = updated_at - 3600 WHERE 1 SETTINGS mutations_sync = 2")
	in.posts(fileFirst, late(""))
	after := func(name string, body []byte, seconds int) {
		connected, finished := leg(name, seconds)
		in.posts(connected, finished, file(name, body))
	}
	after("cdrfirst", short, 60)
	after("ninety", frames(t, 750), 60) // 54 s of 60 s
	after("below", frames(t, 749), 60)
	after("five", frames(t, 250), 23) // 18 s of 23 s
	after("four", frames(t, 251), 23)
	after("legs", short, 60)
	connected, finished := talks("legs~2o", 60)
	in.posts(connected, finished)
	after("files", short, 60)
	in.posts(recordedOf("files~1o", g.set("/files2.mp3", frames(t, 400))))
	n++
	archived()
	const shortOnes = "SELECT arrayStringConcat(arraySort(groupArray(platform_call_id)), ' ') FROM recordings WHERE short_talk_ms > 0"
	in.eventually(time.Minute, "below cdrfirst filefirst five late", shortOnes)
	const shown = "SELECT platform_call_id, short_talk_ms, duration_ms, reason_code, dateDiff('second', short_since, next_attempt_at) FROM recordings WHERE platform_call_id IN ('filefirst', 'cdrfirst', 'five') ORDER BY 1"
	if got := in.sql(shown); got != "cdrfirst\t60000\t21600\tshort\t3600\nfilefirst\t60000\t21600\tshort\t3600\nfive\t23000\t18000\tshort\t3600" {
		t.Errorf("rows:\n%s", got)
	}

	// What a person sees of them.
	id := call.RecordingID("main", g.URL+"/filefirst.mp3")
	for _, c := range []struct {
		args []string
		want []string
		not  string
	}{
		{[]string{"recordings", "list", "--short"}, []string{id, "short: it plays for 21.6s, and its talk took 1m0s; it is fetched again at", "in 59 min"}, call.RecordingID("main", g.URL+"/ninety.mp3")},
		{[]string{"recordings", "list", "--short", "--json"}, []string{`"short_talk_ms":60000`, `"reason_code":"short"`}, call.RecordingID("main", g.URL+"/four.mp3")},
		{[]string{"recordings", "at-risk"}, []string{id, "short: it plays for"}, call.RecordingID("main", g.URL+"/legs.mp3")},
		{[]string{"calls", "show", "filefirst"}, []string{id, "short: it plays for"}, "\x00"},
	} {
		out, stderr, _ := in.exits(c.args...)
		has(t, out+stderr, c.want...)
		if strings.Contains(out, c.not) {
			t.Errorf("%v shows %s:\n%s", c.args, c.not, out)
		}
	}
	in.until("the metrics count them", time.Minute, func() bool { return in.metric(`fonoteka_recordings_short{status="to_fetch"}`) == "5" })
	if got := in.metric(`fonoteka_recordings_at_risk{days_left="90"}`); got != "5" {
		t.Errorf("%s are at risk", got)
	}
	if got := in.sql("SELECT DISTINCT step FROM custody WHERE recording_id = '%s' ORDER BY step", id); !strings.Contains(got, "short") {
		t.Errorf("custody:\n%s", got)
	}

	if out, stderr, status := in.exits("recordings", "retry", call.RecordingID("main", g.URL+"/five.mp3"), call.RecordingID("main", g.URL+"/ninety.mp3")); status != 0 || !strings.Contains(out, "1 recording due now: 1 archived") || strings.Count(out, "is archived") != 1 {
		t.Errorf("retry: %d %s%s", status, out, stderr)
	}
	in.until("it is fetched again", time.Minute, func() bool { return g.requests("/five.mp3") == 2 })
	in.eventually(time.Minute, "2\t0", "SELECT attempt, isNull(next_attempt_at) FROM recordings WHERE platform_call_id = 'five'") // the same, within the hour

	// A CDR that changes late.
	in.posts(late(`,"reason":"No answer","reasonCode":480`)) // there was no talk
	connected, finished = talks("filefirst~2o", 60)
	in.posts(connected, finished)
	in.eventually(time.Minute, "below cdrfirst five", shortOnes)
	if got := in.sql("SELECT count() FROM recordings WHERE isNotNull(next_attempt_at)"); got != "3" {
		t.Errorf("%s are planned", got)
	}
	in.eventually(time.Minute, "3", "SELECT count() FROM recordings_open")
	in.stop()
}

// A day in the life of a short recording whose installation is killed and whose Redis
// loses everything: the plan is in the catalogue.
func TestAShortRecordingIsMadeGoodAcrossAKillAndAFlush(t *testing.T) {
	t.Parallel()
	g := newGrowing(t)
	url := testenv.StartRedis(t).URL()
	in := install(t, g.hosts(), "FONOTEKA_REDIS_URL="+url, "FONOTEKA_SCRUB_DAYS=0").start().ready()
	short, whole := frames(t, 300), frames(t, 834) // 21.6 s and 60.05 s
	link := g.set("/a.mp3", short)
	id := call.RecordingID("main", link)
	connected, finished := talks("a~1o", 60)
	in.posts(connected, recordedOf("a~1o", link), finished)
	const row = "SELECT duration_ms, size, conflicts, short_talk_ms, isNull(next_attempt_at), reason_code FROM recordings"
	in.eventually(time.Minute, fmt.Sprintf("21600\t%d\t0\t60000\t0\tshort", len(short)), row)
	g.set("/a.mp3", whole)
	// Its time comes while nobody serves.
	in.exec("INSERT INTO recordings SELECT * REPLACE (version + 1 AS version, toNullable(now64(3, 'UTC') + INTERVAL 8 SECOND) AS next_attempt_at) FROM recordings FINAL WHERE short_talk_ms > 0")
	in.kill()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	r := redis.NewClient(o)
	t.Cleanup(func() { r.Close() })
	if err := r.FlushAll(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
	if n := g.requests("/a.mp3"); n != 1 {
		t.Fatalf("%d requests before its time", n)
	}
	time.Sleep(8 * time.Second)
	in.start().ready()
	good := fmt.Sprintf("60048\t%d\t1\t0\t1\tconflict", len(whole))
	in.eventually(2*time.Minute, good, row)

	// Whoever listens, or fetches it, gets the whole.
	resp, body, err := in.listen(id)
	if err != nil || resp.StatusCode != http.StatusOK || !bytes.Equal(body, whole) {
		t.Errorf("played: %d, %d bytes, %v", resp.StatusCode, len(body), err)
	}
	name := filepath.Join(t.TempDir(), "a.mp3")
	if _, stderr, status := in.exits("recordings", "get", "-o", name, id); status != 0 {
		t.Errorf("get: %s", stderr)
	}
	if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, whole) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	out, stderr, _ := in.exits("recordings", "list")
	has(t, out+stderr, id, "1:00", "the longest is the recording, 1 more kept beside it")
	if out, _, status := in.exits("recordings", "at-risk"); status != 0 {
		t.Errorf("at risk: %s", out)
	}
	// Two files, each with its steps and its digest; none of them an orphan.
	if got := in.sql("SELECT step, uniqExact(sha256) FROM custody WHERE step IN ('fetched', 'stored', 'sidecar') GROUP BY step ORDER BY step"); got != "fetched\t2\nsidecar\t2\nstored\t2" {
		t.Errorf("custody:\n%s", got)
	}
	if out, stderr, status := in.exits("scrub", "--json"); status != 0 || !strings.Contains(out+stderr, `"altered":0`) {
		t.Errorf("scrub: %d %s%s", status, out, stderr)
	}
	if out, stderr, status := in.exits("recordings", "orphans"); status != 0 {
		t.Errorf("orphans: %d %s%s", status, out, stderr)
	}

	// The bucket alone gives the same row.
	const all = "SELECT * EXCEPT (attempt, version, updated_at) FROM recordings"
	want := in.sql(all)
	for _, table := range []string{"recordings", "recordings_open", "recordings_settled"} {
		in.exec("DROP TABLE " + table + " SYNC")
	}
	if out, err := in.command("recordings", "rebuild-catalogue", "--verify"); err != nil || !strings.Contains(out, "1 rebuilt") {
		t.Errorf("rebuild: %v\n%s", err, out)
	}
	if got := in.sql(all); got != want {
		t.Errorf("rebuilt row:\n%s\nwas:\n%s", got, want)
	}
	// It is judged again: together with another one, whose file comes after its CDR.
	connected, finished = talks("b~1o", 60)
	in.posts(connected, finished)
	in.eventually(time.Minute, "1", "SELECT count() FROM calls WHERE platform_call_id = 'b' AND isNotNull(ended_at)")
	in.posts(recordedOf("b~1o", g.set("/b.mp3", short)))
	in.eventually(time.Minute, "60000", "SELECT short_talk_ms FROM recordings WHERE platform_call_id = 'b'")
	if got := in.sql(row + " WHERE platform_call_id = 'a'"); got != good {
		t.Errorf("judged again: %s", got)
	}
	in.stop()
}

// Months of a short recording by a clock of its own, with the real warehouse, store and
// queue: what is short at the operator is at risk for an hour, and asked for twice.
func TestWhatIsShortAtTheOperatorIsAtRiskForAnHour(t *testing.T) {
	t.Parallel()
	g := newGrowing(t)
	native, web, user, password := embeddedtest.ClickHouse(t)
	db, err := warehouse.Open(warehouse.Options{Addrs: []string{native}, HTTPAddr: web, User: user, Password: password, Database: "short_" + strings.ToLower(rand.Text())})
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(err)
	t.Cleanup(func() { db.Close() })
	check(db.Migrate(t.Context(), nil))
	addr, key, secret := embeddedtest.S3(t)
	bucket, err := blob.Open(blob.Options{URL: "s3://" + key + ":" + secret + "@" + addr + "/s-" + strings.ToLower(rand.Text()[:16]) + "?secure=false"})
	check(err)
	t.Cleanup(bucket.Close)
	check(bucket.EnsureBucket(t.Context()))
	hosts, err := fetch.ParseHosts(strings.TrimPrefix(g.URL, "http://"))
	check(err)
	fetcher, err := fetch.New(fetch.Options{Hosts: hosts, TempDir: t.TempDir()})
	check(err)
	t.Cleanup(fetcher.Close)
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	rows := catalogue.New(db).NewArchive(func() error { return nil })
	go func() { _ = rows.Run(t.Context()) }()
	archiver, err := archive.New(archive.Options{
		Catalogue: rows, Store: bucket, Bucket: bucket.Name(), Queue: noQueue{}, Fetcher: fetcher, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
	})
	check(err)
	var due []call.RecordingStatus
	work := func() {
		t.Helper()
		due, err = catalogue.New(db).DueRecordings(t.Context(), now, 10)
		check(err)
		for _, row := range due {
			check(archiver.Handle(t.Context(), queue.Job{Recording: row.Recording, Attempt: row.Attempt, Due: row.NextAttemptAt}))
		}
	}
	stands := func(waiting uint64, short catalogstats.Short) {
		t.Helper()
		s, err := catalogue.New(db).Standing(t.Context(), now)
		check(err)
		if s.Waiting() != waiting || s.Short != short {
			t.Errorf("at %v: %d wait, %+v", now, s.Waiting(), s.Short)
		}
	}
	link := g.set("/a.mp3", frames(t, 300))
	id := call.RecordingID("main", link)
	check(catalogue.New(db).AnnounceRecordings(t.Context(), []call.Recording{{
		Integration: "main", ID: id, URL: link, GroupID: 7, AccountID: "883140000000001", AnnouncedAt: now, ExpiresAt: now.AddDate(0, 0, 90),
	}}))
	work()
	stands(0, catalogstats.Short{})
	record := call.Record{Integration: "main", GroupID: 7, CallID: 7, Recordings: []string{id}, Legs: []call.Leg{{AccountID: "883140000000001", Talk: time.Minute, Finished: true}}}
	if n, err := catalogue.New(db).JudgeShort(t.Context(), []call.Record{record}, now); err != nil || n != 1 {
		t.Fatalf("%d judged, %v", n, err)
	}
	stands(1, catalogstats.Short{Again: 1})
	now = now.Add(time.Hour - time.Second)
	if work(); len(due) != 0 {
		t.Errorf("%d are due too soon", len(due))
	}
	now = now.Add(time.Second)
	if work(); len(due) != 1 {
		t.Errorf("%d are due", len(due))
	}
	stands(0, catalogstats.Short{AtOperator: 1})
	for range 15 { // beyond the link's end
		now = now.AddDate(0, 0, 7)
		if work(); len(due) != 0 {
			t.Fatalf("due at %v: %+v", now, due)
		}
		if n, err := catalogue.New(db).JudgeShort(t.Context(), []call.Record{record}, now); err != nil || n != 0 {
			t.Fatalf("%d judged, %v", n, err)
		}
	}
	if n := g.requests("/a.mp3"); n != 2 {
		t.Errorf("%d requests", n)
	}
	row, _, err := catalogue.New(db).Recording(t.Context(), "main", id)
	if err != nil || row.Code() != call.CodeShortAtOperator || row.Duration.Round(time.Second/10) != 21600*time.Millisecond {
		t.Errorf("%s: %+v, %v", row.Reason(), row, err)
	}
}

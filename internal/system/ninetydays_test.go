package system

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"fonoteka/internal/archive"
	"fonoteka/internal/blob"
	"fonoteka/internal/call"
	"fonoteka/internal/catalogstats"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/fetch"
	"fonoteka/internal/queue"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/catalogue"
)

const oneDay = 24 * time.Hour

// years is an archive whose clock is the test's: catalogue, bucket and
// downloads are real, and each step stands for one look of the planner.
type years struct {
	t        *testing.T
	db       *warehouse.DB
	archiver *archive.Archiver
	start    time.Time
	now      atomic.Int64 // unix ns
}

func (y *years) clock() time.Time { return time.Unix(0, y.now.Load()).UTC() }

// Enqueue is the queue's; whatever is due comes with the next step.
func (y *years) Enqueue(context.Context, queue.Job, queue.Options) error { return nil }

func simulateYears(t *testing.T, origin string) *years {
	t.Helper()
	y := &years{t: t, start: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	y.now.Store(y.start.UnixNano())
	native, http, user, password := embeddedtest.ClickHouse(t)
	db, err := warehouse.Open(warehouse.Options{
		Addrs: []string{native}, HTTPAddr: http, User: user, Password: password, Database: "ninety_" + strings.ToLower(rand.Text()[:8]),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	addr, key, secret := embeddedtest.S3(t)
	bucket, err := blob.Open(blob.Options{URL: "s3://" + key + ":" + secret + "@" + addr + "/n-" + strings.ToLower(rand.Text()[:16]) + "?secure=false"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bucket.Close)
	if err := bucket.EnsureBucket(t.Context()); err != nil {
		t.Fatal(err)
	}
	hosts, err := fetch.ParseHosts(origin)
	if err != nil {
		t.Fatal(err)
	}
	fetcher, err := fetch.New(fetch.Options{Hosts: hosts, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fetcher.Close)
	rows, stop := catalogue.New(db).NewArchive(func() error { return nil }), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { _ = rows.Run(ctx); close(stop) }()
	t.Cleanup(func() { cancel(); <-stop })
	y.db = db
	y.archiver, err = archive.New(archive.Options{
		Catalogue: rows, Store: bucket, Bucket: bucket.Name(), Queue: y, Fetcher: fetcher,
		Log: slog.New(slog.DiscardHandler), Now: y.clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	return y
}

// step does all that is due.
func (y *years) step() {
	y.t.Helper()
	due, err := catalogue.New(y.db).DueRecordings(y.t.Context(), y.clock(), 1000)
	if err != nil {
		y.t.Fatal(err)
	}
	var g errgroup.Group
	g.SetLimit(16)
	for _, row := range due {
		g.Go(func() error {
			return y.archiver.Handle(y.t.Context(), queue.Job{Recording: row.Recording, Attempt: row.Attempt})
		})
	}
	if err := g.Wait(); err != nil {
		y.t.Fatal(err)
	}
}

// P3: what is lost was seen coming. Links that work on day 89 at last are
// archived; each that is really gone was counted at risk, nearer and nearer,
// before it was lost.
func TestInNinetyDaysNothingIsLostUnseen(t *testing.T) {
	t.Parallel()
	embeddedtest.Engine(t)
	audio, err := os.ReadFile("../../internal/mp3/testdata/mpeg25-8khz.mp3")
	if err != nil {
		t.Fatal(err)
	}
	var y *years
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		age := y.clock().Sub(y.start)
		switch kind := strings.Split(r.URL.Path, "/")[1]; {
		case kind == "gone":
			w.WriteHeader(http.StatusGone)
		case kind == "missing", kind == "day89" && age < 89*oneDay:
			w.WriteHeader(http.StatusNotFound)
		case kind == "broken":
			w.WriteHeader(http.StatusBadGateway)
		default:
			w.Header().Set("Content-Type", "audio/mpeg")
			_, _ = w.Write(audio)
		}
	}))
	t.Cleanup(origin.Close)
	y = simulateYears(t, strings.TrimPrefix(origin.URL, "http://"))
	kind := map[string]string{}
	var announced []call.Recording
	for _, k := range []string{"there", "day89", "missing", "gone", "broken", "elsewhere"} {
		for i := range 2 {
			link := fmt.Sprintf("%s/%s/%d.mp3", origin.URL, k, i)
			if k == "elsewhere" {
				link = fmt.Sprintf("https://elsewhere.example/%d.mp3", i)
			}
			r := call.Recording{
				Integration: "main", ID: call.RecordingID("main", link), URL: link, AnnouncedAt: y.start,
				ExpiresAt: call.Expiry(y.start, link, 90*oneDay),
			}
			kind[r.ID], announced = k, append(announced, r)
		}
	}
	if err := catalogue.New(y.db).AnnounceRecordings(t.Context(), announced); err != nil {
		t.Fatal(err)
	}

	says := map[string]string{
		"day89": "404 Not Found", "missing": "404 Not Found", "gone": "410 Gone", "broken": "502 Bad Gateway", "elsewhere": "elsewhere.example is not in the list of allowed record hosts",
	}
	listed := map[string]map[int]bool{} // by recording: the steps of days left in which it was listed
	counted := map[int]uint64{}         // most that a step ever counted
	lost := map[string]time.Duration{}
	for age := time.Duration(0); age <= 108*oneDay; age += 12 * time.Hour {
		y.now.Store(y.start.Add(age).UnixNano())
		y.step()
		if age%oneDay != 0 && age < 85*oneDay {
			continue // nothing changes much
		}
		now := y.clock()
		s, err := catalogue.New(y.db).Standing(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range s.AtRisk {
			counted[i] = max(counted[i], n)
		}
		rows, total, err := catalogue.New(y.db).AtRisk(t.Context(), catalogue.RiskFilter{Lost: true, Limit: 100})
		if err != nil || int(total) != len(rows) {
			t.Fatal(total, len(rows), err)
		}
		for _, r := range rows {
			if k, why := kind[r.ID], r.Reason(); !strings.Contains(why, says[k]) || (r.State == call.Expired) != strings.Contains(why, "given up") {
				t.Errorf("day %v: of a %s recording, which is %s, it is said: %s", age.Hours()/24, k, r.State, why)
			}
			if r.State == call.Expired {
				if _, ok := lost[r.ID]; !ok {
					lost[r.ID] = age
				}
				continue
			}
			left := r.ExpiresAt.Sub(now)
			for i, d := range append(catalogstats.DaysLeft[:], 1<<10) {
				if left <= time.Duration(d)*oneDay {
					if listed[r.ID] == nil {
						listed[r.ID] = map[int]bool{}
					}
					listed[r.ID][i] = true
					break
				}
			}
		}
	}

	steps := len(catalogstats.DaysLeft)
	for id, k := range kind {
		rows, err := catalogue.New(y.db).ListRecordings(t.Context(), catalogue.Filter{Integration: "main", ID: id})
		if err != nil || len(rows) != 1 {
			t.Fatalf("%s: %d rows, %v", k, len(rows), err)
		}
		row := rows[0]
		want := map[string]call.RecordingState{
			"there": call.Archived, "day89": call.Archived, "missing": call.Expired, "gone": call.Expired, "broken": call.Retrying, "elsewhere": call.Refused,
		}[k]
		if row.State != want {
			t.Errorf("%s: is %s after %d tries, want %s", k, row.State, row.Attempt, want)
		}
		if k == "day89" && row.ArchivedAt.After(y.start.Add(89*oneDay+12*time.Hour)) {
			t.Errorf("%s: archived %v after the announcement", k, row.ArchivedAt.Sub(y.start))
		}
		if when, ok := lost[id]; ok && (want != call.Expired || when < 104*oneDay || when > 105*oneDay+12*time.Hour) {
			t.Errorf("%s: given up after %v", k, when)
		}
		for i := range steps { // overdue, 1, 3, 7, 30, 90 days
			if want == call.Expired && !listed[id][i] {
				t.Errorf("%s: lost without having been at risk with %d days left", k, catalogstats.DaysLeft[i])
			}
		}
		if k == "there" && len(listed[id]) > 0 {
			t.Errorf("%s: at risk, though it was archived at once", k)
		}
	}
	if len(lost) != 4 {
		t.Errorf("%d recordings were lost, want 4", len(lost))
	}
	// By days left: all but those that are there wait on day 0; from day 89 on
	// those of that day are no longer among them.
	for i, want := range []uint64{8, 8, 10, 10, 10, 10, 0} {
		if counted[i] != want {
			t.Errorf("step %d counted at most %d, want %d", i, counted[i], want)
		}
	}
}

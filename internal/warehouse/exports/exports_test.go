package exports_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/export"
	"fonoteka/internal/pack"
	"fonoteka/internal/warehouse/exports"
	"fonoteka/internal/warehouse/warehousetest"
)

// story writes calls with their notifications: call n begins n minutes after ten.
func story(t *testing.T, db *warehousetest.DB, n int, change func(i int, r *call.Record)) {
	t.Helper()
	var writes []cdr.CallWrite
	var events []call.Notification
	for i := range n {
		r := warehousetest.Record(uint64(1000+i*2), "2026-03-13 10:00:00", fmt.Sprintf("7916000%04d", i))
		r.StartedAt = r.StartedAt.Add(time.Duration(i) * time.Minute)
		r.PlatformCallID = fmt.Sprintf("call-%d@127.0.0.1", i)
		if change != nil {
			change(i, &r)
		}
		writes = append(writes, cdr.CallWrite{Record: r, Version: 5})
		e := warehousetest.Event(uint64(i+1), r.StartedAt, `{"n":`+fmt.Sprint(i)+`}`)
		e.GroupID = r.GroupID
		events = append(events, e)
	}
	must(t, db.InsertEvents(t.Context(), events))
	must(t, db.WriteCalls(t.Context(), writes))
}

func source(db *warehousetest.DB, choice pack.Selection, store exports.Store) *exports.Source {
	return exports.New(db.Engine).Source(choice, store)
}

// linesOf reads a file of lines as verify does.
func linesOf[T interface {
	Compare(T) int
	Check() error
}](t *testing.T, s *exports.Source, what export.LineFile) (all []T) {
	t.Helper()
	var b bytes.Buffer
	must(t, s.Lines(t.Context(), what, &b))
	must(t, pack.EachLine(&b, func(v T) error {
		all = append(all, v)
		return nil
	}))
	return all
}

func callsOf(t *testing.T, db *warehousetest.DB, choice pack.Selection) (ids []uint64) {
	t.Helper()
	for _, c := range linesOf[pack.Call](t, source(db, choice, nil), export.Calls) {
		ids = append(ids, c.CallID)
	}
	return ids
}

// Names are those of the directory when the call began.
func TestPeopleAreThoseOfTheTime(t *testing.T) {
	t.Parallel()
	db := open(t)
	warehousetest.FillDirectory(t, db)
	story(t, db, 6, func(i int, r *call.Record) {
		switch i {
		case 0: // at Smirnova's, who is Anna of Support
			r.AccountID = warehousetest.Phone1
		case 1: // before the phone moved: at Ivanov's, of Sales
			r.AccountID, r.StartedAt = warehousetest.Phone1, at("2026-03-11 10:00:00")
			r.EndedAt = r.StartedAt.Add(time.Minute)
		case 2: // rang at Anna's, and another one answered
			r.AccountID = "883140000000099"
			r.Legs = append(r.Legs, call.Leg{ID: r.CallID + 5000, PlatformID: "x", Kind: call.Workplace, AccountID: warehousetest.Seat2, StartedAt: r.StartedAt})
		case 3: // was transferred to Anna
			r.AccountID = "883140000000099"
			r.Legs = append(r.Legs, call.Leg{ID: r.CallID + 5000, PlatformID: "x", Kind: call.Workplace, AccountID: warehousetest.Seat2, StartedAt: r.StartedAt, Answered: true})
		case 4: // Anna was called inside
			r.Direction, r.Callee.AccountID, r.Caller.AccountID, r.Caller.Name = call.Internal, warehousetest.Seat2, "883140000000098", "Boris"
		}
	})
	must(t, db.Exec(t.Context(), "SYSTEM RELOAD DICTIONARY directory_account"))
	for name, c := range map[string]struct {
		choice pack.Selection
		want   []uint64
	}{
		"name":       {pack.Selection{Employees: []string{"Anna"}}, []uint64{1000, 1006, 1008}},
		"account":    {pack.Selection{Employees: []string{warehousetest.Phone1}}, []uint64{1002, 1000}},
		"department": {pack.Selection{Departments: []string{"Sales"}}, []uint64{1002}},
		"announced":  {pack.Selection{Employees: []string{"Boris"}}, []uint64{1008}},
		"two":        {pack.Selection{Employees: []string{"Boris", "Anna"}, Departments: []string{"Support"}, From: pack.At(at("2026-03-13 10:01:00"))}, []uint64{1006, 1008}},
		"quotes":     {pack.Selection{Employees: []string{`O'Neil\`, "a\nb", "x?y"}}, nil},
	} {
		if diff := cmp.Diff(c.want, callsOf(t, db, c.choice)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		// The query that a package has for people finds the same.
		if c.want != nil {
			got := ask(t, db, "SELECT groupArray(call_id) FROM ("+exports.SQL(c.choice)+")")
			if want := strings.ReplaceAll(fmt.Sprint(c.want), " ", ","); got != want {
				t.Errorf("%s: the query finds %s, want %s:\n%s", name, got, want, exports.SQL(c.choice))
			}
		}
	}
	lines := linesOf[pack.Call](t, source(db, pack.Selection{Integration: "main"}, nil), export.Calls)
	if l := lines[1]; l.Employee != "Anna" || l.Department != "Support" {
		t.Errorf("%+v", l)
	}
	if l := lines[0]; l.Employee != "Petrov" || l.Department != "Sales" {
		t.Errorf("%+v", l)
	}
	employees, departments, err := exports.New(db.Engine).Unknown(t.Context(), pack.Selection{Employees: []string{"Anna", "Ana", "Boris", warehousetest.Phone1}, Departments: []string{"Sales", "Sale"}})
	if diff := cmp.Diff([]string{"Ana", "Sale"}, append(employees, departments...)); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

// A selection is of one moment: what is written afterwards is not in it, and what was
// merged away is not replaced by what came later.
func TestASelectionStaysWhatItWas(t *testing.T) {
	t.Parallel()
	db := open(t)
	story(t, db, 5, nil)
	s := source(db, pack.Selection{Integration: "main"}, nil)
	before := linesOf[pack.Call](t, s, export.Calls)
	changed := warehousetest.Record(1002, "2026-03-13 10:01:00", "79160000001")
	changed.Outcome, changed.Legs = call.Missed, nil
	must(t, db.Exec(t.Context(), "SYSTEM STOP MERGES"))
	t.Cleanup(func() { _ = db.Exec(context.Background(), "SYSTEM START MERGES") })
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{{Record: changed, Version: 6, GoneLegs: []call.Leg{{ID: 1003}}}}))
	late := warehousetest.Event(99, time.Now().Add(time.Hour), `{"late":true}`)
	late.GroupID = 1002
	must(t, db.InsertEvents(t.Context(), []call.Notification{late}))
	if legs := linesOf[pack.Leg](t, s, export.Legs); len(legs) != 5 {
		t.Errorf("%d legs", len(legs))
	}
	if events := linesOf[pack.Event](t, s, export.Events); len(events) != 5 {
		t.Errorf("%d events", len(events))
	}
	if before[1].Version != 5 || before[1].Outcome != pack.Answered {
		t.Errorf("%+v", before[1])
	}
	must(t, db.Exec(t.Context(), "SYSTEM START MERGES"))
	ask(t, db, "OPTIMIZE TABLE legs FINAL")
	if err := s.Lines(t.Context(), export.Legs, io.Discard); !errors.Is(err, exports.ErrMoved) {
		t.Errorf("legs that were merged away: %v", err)
	}
	if again := linesOf[pack.Call](t, s, export.Calls); again[1].Version != 6 || len(linesOf[pack.Leg](t, s, export.Legs)) != 4 {
		t.Errorf("fixed anew: %+v", again[1])
	}
}

// The order of each file holds beyond what one query reads, and bodies come as they were.
func TestLinesAreInOrderBeyondAQuery(t *testing.T) {
	t.Parallel()
	db := open(t)
	const n = 4500
	story(t, db, n, func(i int, r *call.Record) {
		r.CallID = uint64(i*7919%n + 1)
		r.GroupID, r.Legs[0].ID = r.CallID, r.CallID+1<<40
	})
	odd := warehousetest.Event(9_999, at("2026-03-13 10:00:00"), "not UTF-8: \xff")
	odd.GroupID = 17
	long := warehousetest.Event(1<<63+1, at("2026-03-13 10:00:00"), strings.Repeat("long ", 20_000))
	long.GroupID = 17
	must(t, db.InsertEvents(t.Context(), []call.Notification{odd, long}))
	s := source(db, pack.Selection{Integration: "main"}, nil)
	if calls := linesOf[pack.Call](t, s, export.Calls); len(calls) != n {
		t.Errorf("%d calls", len(calls))
	}
	if legs := linesOf[pack.Leg](t, s, export.Legs); len(legs) != n {
		t.Errorf("%d legs", len(legs))
	}
	events := linesOf[pack.Event](t, s, export.Events)
	if len(events) != n+2 {
		t.Errorf("%d events", len(events))
	}
	i := slices.IndexFunc(events, func(e pack.Event) bool { return e.EventID == 1<<63+1 })
	j := slices.IndexFunc(events, func(e pack.Event) bool { return e.EventID == 9_999 })
	if i < 0 || j < 0 || events[i].Body != string(long.Body) || !bytes.Equal(events[j].BodyBase64, odd.Body) {
		t.Error("bodies are not as they came")
	}
	var parquet bytes.Buffer
	must(t, s.Parquet(t.Context(), &parquet))
	if !bytes.HasPrefix(parquet.Bytes(), []byte("PAR1")) || !bytes.HasSuffix(parquet.Bytes(), []byte("PAR1")) {
		t.Errorf("%d bytes that are no Parquet", parquet.Len())
	}
}

// store is one of objects in memory.
type store struct {
	exports.Store
	objects map[string][]byte
	broken  map[string]bool // breaks off in the middle, each time
	down    bool
	opened  int
}

func (s *store) Ping(context.Context) error {
	if s.down {
		return errors.New("down")
	}
	return nil
}

func (s *store) List(_ context.Context, prefix string, each func(blob.Object) bool) error {
	for key, body := range s.objects {
		if strings.HasPrefix(key, prefix) && !each(blob.Object{Key: key, Size: int64(len(body))}) {
			break
		}
	}
	return nil
}

func (s *store) GetRange(_ context.Context, key string, offset, _ int64) (io.ReadCloser, blob.Object, error) {
	s.opened++
	body, ok := s.objects[key]
	if !ok {
		return nil, blob.Object{}, fmt.Errorf("reading %s: %w", key, blob.ErrNotFound)
	}
	rest := io.Reader(bytes.NewReader(body[offset:]))
	if s.broken[key] {
		rest = io.MultiReader(io.LimitReader(rest, 3), failing{})
	}
	return io.NopCloser(rest), blob.Object{Key: key, Size: int64(len(body))}, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("a bad sector") }

func TestAnObjectIsReadOnWhereItBrokeOff(t *testing.T) {
	t.Parallel()
	st := &store{objects: map[string][]byte{"a": []byte("0123456789"), "b": []byte("0123456789")}, broken: map[string]bool{"a": true}}
	s := exports.New(nil).Source(pack.Selection{}, st)
	r, err := s.Open(t.Context(), export.Object{Key: "a"})
	must(t, err)
	got, err := io.ReadAll(r)
	if string(got) != "0123456789" || err == nil || !errors.Is(err, export.ErrUnreadable) {
		t.Errorf("%q, %v", got, err) // its end breaks off as well, though nothing is left
	}
	if _, err := s.Open(t.Context(), export.Object{Key: "gone"}); !errors.Is(err, export.ErrAbsent) {
		t.Error(err)
	}
	st.down = true
	r, err = s.Open(t.Context(), export.Object{Key: "a"})
	must(t, err)
	if _, err := io.ReadAll(r); err == nil || errors.Is(err, export.ErrUnreadable) || errors.Is(err, export.ErrAbsent) {
		t.Errorf("a store that is away is taken for an object that is: %v", err)
	}
}

// Every file of a recording comes, with its role; the rows are in order, and a recording
// that the catalogue does not know comes with its ids alone.
func TestEveryFileOfARecordingComes(t *testing.T) {
	t.Parallel()
	db := open(t)
	st := &store{objects: map[string][]byte{}}
	recordings := []call.Recording{warehousetest.Recording("b", at("2026-03-13 11:00:00")), warehousetest.Recording("a", at("2026-03-13 11:00:00")), warehousetest.Recording("unknown", at("2026-03-13 11:00:00"))}
	for i := range recordings {
		recordings[i].GroupID = uint64(1000 + 2*i)
	}
	put := func(key, digit string, damaged bool, r call.Recording) call.RecordingStatus {
		side := bucket.Sidecar{Recording: r, Key: key, Format: "mp3", SHA256: strings.Repeat(digit, 64), Size: 4}
		doc, _, err := side.Document()
		must(t, err)
		st.objects[key], st.objects[bucket.SidecarKey(key)] = []byte("body"), doc
		return side.Row("fonoteka")
	}
	first := put(bucket.Key(recordings[0], "mp3"), "1", false, recordings[0])
	put(bucket.BesideKey(first.Key, strings.Repeat("2", 64)), "2", false, recordings[0])
	put(bucket.QuarantineKey(recordings[0], strings.Repeat("3", 64), "mp3"), "3", true, recordings[0])
	first.Conflicts = 1
	damaged := put(bucket.QuarantineKey(recordings[1], strings.Repeat("4", 64), "mp3"), "4", true, recordings[1])
	must(t, db.Save(t.Context(), []call.RecordingStatus{first, damaged}, []call.Custody{
		{Integration: "main", RecordingID: recordings[0].ID, Step: "quarantined", At: at("2026-03-13 11:00:00"), SHA256: strings.Repeat("3", 64), Detail: "key"},
		{Integration: "main", RecordingID: recordings[0].ID, Step: "stored", At: at("2026-03-13 12:00:00"), SHA256: first.SHA256},
	}))
	story(t, db, 3, func(i int, r *call.Record) { r.Recordings = []string{recordings[i].ID} })
	s := source(db, pack.Selection{IDs: []string{recordings[0].ID, "call-1@127.0.0.1~1o", "1004", "nowhere"}}, st)
	calls := linesOf[pack.Call](t, s, export.Calls)
	if len(calls) != 3 {
		t.Fatalf("%+v", calls)
	}
	if unmatched, err := s.Unmatched(t.Context()); err != nil || !slices.Equal(unmatched, []string{"nowhere"}) {
		t.Error(unmatched, err)
	}
	got := map[string][]string{}
	var order []string
	var all []export.Recording
	must(t, s.Recordings(t.Context(), func(r export.Recording) error {
		order = append(order, r.ID)
		all = append(all, r)
		got[r.ID] = append(got[r.ID], r.State)
		for _, o := range r.Objects {
			got[r.ID] = append(got[r.ID], string(o.Role)+" "+o.SHA256[:1])
		}
		return nil
	}))
	want := map[string][]string{
		recordings[0].ID: {"archived", "played 1", "conflicting 2", "damaged 3"},
		recordings[1].ID: {"quarantined", "damaged 4"},
		recordings[2].ID: {""},
	}
	if diff := cmp.Diff(want, got); diff != "" || !slices.IsSorted(order) {
		t.Errorf("%q %s", order, diff)
	}
	histories, err := s.Custody(t.Context(), all)
	must(t, err)
	for i, h := range histories {
		if want := map[string]int{recordings[0].ID: 2}[all[i].ID]; len(h.Steps) != want {
			t.Errorf("%s: %+v", all[i].ID, h)
		}
	}
}

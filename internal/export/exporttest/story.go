// Package exporttest tells a small story for tests of packages: calls with recordings in
// every state that a catalogue knows, sound that is whole, custody that is chained, and an
// audit that is a real one.
package exporttest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"fonoteka/internal/audit"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/export"
	"fonoteka/internal/pack"
)

// Begin is when the first call of a story began.
var Begin = time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC)

// Story is a source. Its fields may be changed before it is used.
type Story struct {
	CallLines  []pack.Call
	LegLines   []pack.Leg
	EventLines []pack.Event
	Rows       []export.Recording
	NotFound   []string
	Parquets   []byte // nil: none

	mu      sync.Mutex
	Objects map[string][]byte // by key
	Asked   int               // times that the selection was asked for
}

// Sound is a whole WAV of so many samples, another one for each seed.
func Sound(seed, samples int) []byte {
	var b bytes.Buffer
	b.WriteString("RIFF")
	le := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) }
	le(uint32(36 + 2*samples))
	b.WriteString("WAVEfmt ")
	le(uint32(16))
	le([]uint16{1, 1})
	le([]uint32{8000, 16000})
	le([]uint16{2, 16})
	b.WriteString("data")
	le(uint32(2 * samples))
	data := make([]byte, 0, 2*samples)
	for i := range samples {
		data = binary.LittleEndian.AppendUint16(data, uint16((i*(seed%97+3))%2000+seed%7))
	}
	b.Write(data)
	return b.Bytes()
}

func hexOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func id(n int) string { return fmt.Sprintf("%032x", 0xabc0000+n) }

// New is a story of ten calls: recordings that are whole, another file beside one, an
// earlier one, damaged ones, ones that are not fetched yet or were lost; a call without,
// and one that nobody answered.
func New() *Story {
	s := &Story{Objects: map[string][]byte{}, NotFound: []string{"0000-nowhere"}}
	for i := range 10 {
		s.add(i, Sound(i, 4000))
	}
	s.beside(1, pack.Conflicting)
	s.beside(2, pack.Earlier)
	s.state(3, call.Quarantined)
	s.state(4, call.Expired)
	s.state(5, call.Announced)
	s.CallLines[6].Recordings = []string{}
	s.CallLines[7].Recordings, s.CallLines[7].Outcome, s.CallLines[7].TalkMS = []string{}, "missed", 0
	s.Rows = slices.DeleteFunc(s.Rows, func(r export.Recording) bool { return r.ID == id(6) || r.ID == id(7) })
	s.CallLines[8].ClientNumber, s.CallLines[8].Employee = "", "=cmd|' /C calc'!A0; <script>alert(1)</script>"
	return s
}

// Many is a story of many calls, every other of which has a recording.
func Many(calls int) *Story {
	s := &Story{Objects: map[string][]byte{}}
	sound := Sound(1, 800)
	for i := range calls {
		s.add(i, sound)
		row := &s.Rows[len(s.Rows)-1]
		if i%2 == 1 {
			s.CallLines[i].Recordings, s.CallLines[i].Outcome, s.CallLines[i].TalkMS = []string{}, "missed", 0
			delete(s.Objects, row.Objects[0].Key)
			s.Rows = s.Rows[:len(s.Rows)-1]
		}
	}
	return s
}

// Names that calls of a story have.
var (
	employees   = []string{"Анна Сергеевна Ковалёва", "Иван Петров", "Мария Дмитриева-Шаховская", "Олег Ким", "Екатерина Соловьёва"}
	departments = []string{"Продажи", "Поддержка", "Бухгалтерия"}
)

func (s *Story) add(i int, sound []byte) {
	at := Begin.Add(time.Duration(i) * 7 * time.Minute)
	wait, ring := int64(4000+i%9*1000), int64(3000)
	n := uint64(1_000_000_000_000_000_000 + i)
	c := pack.Call{
		Integration: "main", CallID: n, GroupID: n, Version: 7, PlatformCallID: fmt.Sprintf("call-%d", i), Direction: []string{"incoming", "outgoing"}[i%2], Outcome: pack.Answered,
		ClientNumber: fmt.Sprintf("7916%07d", i*7919%10_000_000), ExternalNumber: "74951234567", AccountID: fmt.Sprintf("80000%d", i%5), Employee: employees[i%len(employees)], Department: departments[i%len(departments)],
		HungUp: "client", StartedAt: pack.At(at), AnsweredAt: pack.At(at.Add(time.Duration(wait) * time.Millisecond)), EndedAt: pack.At(at.Add(3 * time.Minute)),
		RingMS: &ring, WaitMS: &wait, TalkMS: int64(30_000 + i%300*1000), Recordings: []string{id(i)},
	}
	s.CallLines = append(s.CallLines, c)
	s.LegLines = append(s.LegLines, pack.Leg{Integration: "main", CallID: n, LegID: n + 1, PlatformLegID: c.PlatformCallID + "-1", Kind: "workplace", AccountID: c.AccountID, Type: c.Direction, StartedAt: c.StartedAt, AnsweredAt: c.AnsweredAt, EndedAt: c.EndedAt, RingMS: &ring, TalkMS: c.TalkMS, Answered: true, Finished: true})
	e := pack.Event{Integration: "main", GroupID: n, EventID: n + 2, ReceivedAt: c.StartedAt, Kind: "call", State: "connected"}
	e.SetBody([]byte(`{"callId":"` + c.PlatformCallID + `","state":"connected"}`))
	s.EventLines = append(s.EventLines, e)
	row := call.RecordingStatus{
		Recording: call.Recording{Integration: "main", ID: id(i), GroupID: n, AccountID: c.AccountID, AnnouncedAt: at.Add(4 * time.Minute), ExpiresAt: at.AddDate(0, 0, 90)},
		State:     call.Archived, Attempt: 1, SHA256: hexOf(sound), Size: int64(len(sound)), Duration: time.Second / 2, Bucket: "fonoteka", Key: bucket.Recordings + id(i) + ".wav", Format: "wav", ArchivedAt: at.Add(5 * time.Minute),
	}
	s.Objects[row.Key] = sound
	s.Rows = append(s.Rows, export.FromCatalogue(row, n, nil))
}

func (s *Story) row(i int) *export.Recording {
	return &s.Rows[slices.IndexFunc(s.Rows, func(r export.Recording) bool { return r.ID == id(i) })]
}

// beside puts another file beside a recording.
func (s *Story) beside(i int, role pack.Role) {
	sound := Sound(1000+i, 3000)
	key := bucket.Recordings + id(i) + ".beside.wav"
	s.Objects[key] = sound
	r := s.row(i)
	r.Objects = append(r.Objects, export.Object{Role: role, Bucket: "fonoteka", Key: key, SHA256: hexOf(sound), Size: int64(len(sound)), Format: "wav"})
}

// state gives a recording a state that has no whole file.
func (s *Story) state(i int, state call.RecordingState) {
	r := s.row(i)
	o := r.Objects[0]
	delete(s.Objects, o.Key)
	r.State, r.Code, r.Reason, r.ArchivedAt, r.Duration, r.Objects = string(state), "", "", time.Time{}, 0, nil
	switch state {
	case call.Quarantined:
		cut := Sound(i, 4000)[:3000]
		o.Role, o.Key, o.SHA256, o.Size = pack.Damaged, bucket.Quarantine+r.ID+".wav", hexOf(cut), int64(len(cut))
		s.Objects[o.Key] = cut
		r.Objects, r.Code, r.Reason = []export.Object{o}, "cut", "The transfer ended before its end. What came is kept in quarantine, and the file is tried again"
	case call.Expired:
		r.Code, r.Reason = "not_found", "The server says that there is no such file"
	default:
		r.NextTryAt = Begin.Add(time.Hour)
	}
}

// Key is the store's key of a recording's first file.
func (s *Story) Key(i int) string { return s.row(i).Objects[0].Key }

// Lines is part of export.Source.
func (s *Story) Lines(_ context.Context, what export.LineFile, w io.Writer) error {
	switch what {
	case export.Calls:
		s.Asked++
		return writeLines(w, s.CallLines)
	case export.Legs:
		return writeLines(w, s.LegLines)
	}
	return writeLines(w, s.EventLines)
}

func writeLines[T interface{ Compare(T) int }](w io.Writer, lines []T) error {
	for _, l := range slices.SortedFunc(slices.Values(lines), func(a, b T) int { return a.Compare(b) }) {
		b, err := pack.Line(l)
		if err == nil {
			_, err = w.Write(b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Parquet is part of export.Source.
func (s *Story) Parquet(_ context.Context, w io.Writer) error {
	if s.Parquets == nil {
		return export.ErrNoParquet
	}
	_, err := w.Write(s.Parquets)
	return err
}

// Recordings is part of export.Source.
func (s *Story) Recordings(_ context.Context, each func(export.Recording) error) error {
	for _, r := range slices.SortedFunc(slices.Values(s.Rows), func(a, b export.Recording) int { return cmp.Compare(a.ID, b.ID) }) {
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

// Unmatched is part of export.Source.
func (s *Story) Unmatched(context.Context) ([]string, error) { return s.NotFound, nil }

// Open is part of export.Source.
func (s *Story) Open(_ context.Context, o export.Object) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.Objects[o.Key]
	if !ok {
		return nil, fmt.Errorf("open %s: %w", o.Key, export.ErrAbsent)
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

// Custody is part of export.Source: the steps of each file, and that somebody listened.
func (s *Story) Custody(_ context.Context, of []export.Recording) ([]export.History, error) {
	all := make([]export.History, len(of))
	for i, r := range of {
		all[i] = s.history(r)
	}
	return all, nil
}

func (s *Story) history(r export.Recording) export.History {
	r = s.Rows[slices.IndexFunc(s.Rows, func(row export.Recording) bool { return r.ID == row.ID })]
	chain := pack.Chain{Integration: r.Integration, RecordingID: r.ID}
	steps := []pack.Step{chain.Add(r.AnnouncedAt, "announced", 0, "", "", "")}
	for _, o := range r.Objects {
		salt := hexOf([]byte(o.Key))[:32]
		steps = append(steps, chain.Add(r.AnnouncedAt.Add(time.Minute), "fetched", 1, o.SHA256, "", ""), chain.Add(r.AnnouncedAt.Add(time.Minute), "stored", 1, o.SHA256, o.Key, salt))
	}
	if len(r.Objects) == 0 {
		return export.History{Steps: steps}
	}
	return export.History{Steps: steps, Entries: [][]byte{listened(r.ID)}}
}

// listened is a line of an audit, whose hash is right.
func listened(recordingID string) []byte {
	line := `{"v":1,"writer":"STORY","seq":12,"at":"2026-03-02T12:00:00Z","actor":"anna","action":"recording.listen","integration":"main","target":"` + recordingID + `","outcome":"done","prev":"` + strings.Repeat("0", 64) + `","hash":"`
	sum := sha256.Sum256([]byte(line + `"}`))
	return []byte(line + hex.EncodeToString(sum[:]) + `"}`)
}

// Trail is a real audit in a folder.
type Trail struct {
	Dir string
	log *audit.Trail
}

// NewTrail opens one.
func NewTrail(dir string) (*Trail, error) {
	log, err := audit.Open(audit.Options{Dir: dir})
	return &Trail{dir, log}, err
}

// Begin is part of export.Trail.
func (t *Trail) Begin(ctx context.Context, target, detail string) (line, anchor []byte, err error) {
	line, err = t.log.LogLine(ctx, audit.Entry{Actor: "anna", Action: pack.BeginAction, Target: target, Outcome: audit.Begun, Detail: detail})
	return line, nil, err
}

// End is part of export.Trail.
func (t *Trail) End(ctx context.Context, target string, failed error, detail string) error {
	outcome := audit.Done
	if failed != nil {
		outcome = audit.Failed
	}
	return t.log.Log(ctx, audit.Entry{Actor: "anna", Action: pack.BeginAction, Target: target, Outcome: outcome, Detail: detail})
}

// Lines are those of the audit.
func (t *Trail) Lines() ([][]byte, error) {
	b, err := os.ReadFile(filepath.Join(t.Dir, "chain.jsonl"))
	return bytes.Split(bytes.TrimSpace(b), []byte("\n")), err
}

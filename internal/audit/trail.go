package audit

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/datafile"
	"fonoteka/internal/printable"
	"fonoteka/internal/run"
)

// ErrDamaged says that the end of the file cannot be read, so that nothing can
// be chained to it.
var ErrDamaged = errors.New("the audit file is damaged at its end (fonoteka audit verify shows more)")

const chainFile = "chain.jsonl"

// Options of a Trail. Dir is required.
type Options struct {
	Dir          string                // of the audit alone: the data folder's "audit"
	Memory       Memory                // nil: none, so that a deleted or replaced file is not noticed
	Installation string                // a name that the bucket knows this installation by; "": none
	Log          *slog.Logger          // nil: discarded
	Registerer   prometheus.Registerer // nil: none
	Now          func() time.Time      // nil: time.Now
}

// Trail adds entries to the chain of a data folder.
type Trail struct {
	dir          string
	memory       Memory
	installation string
	log          *slog.Logger
	now          func() time.Time
	m            metrics
	outage       *run.Outage // the Shipper's

	mu     sync.Mutex
	broken error // of a failed sync, after which nothing may be appended
}

// Open prepares a Trail. The folder is made with the first entry.
func Open(o Options) (*Trail, error) {
	if o.Dir == "" {
		return nil, errors.New("audit: a folder is required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	t := &Trail{
		dir: o.Dir, memory: o.Memory, installation: o.Installation, log: run.Log(o.Log), now: o.Now,
		m: newMetrics(o.Registerer), outage: run.NewOutage("audit", o.Log, o.Registerer),
	}
	t.outage.After = time.Minute // at a start the stores may not be up yet
	return t, nil
}

// Log adds an entry. When it returns nil the entry is on disk; after an error it
// may or may not be. It waits for other processes of the data folder until ctx is done.
func (t *Trail) Log(ctx context.Context, e Entry) error {
	_, err := t.LogLine(ctx, e)
	return err
}

// LogLine is Log, and returns the line of the entry as it stands in the file, without its
// line break.
func (t *Trail) LogLine(ctx context.Context, e Entry) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	line, err := t.append(ctx, e)
	if err != nil {
		t.m.failures.WithLabelValues("log").Inc()
		return nil, fmt.Errorf("audit: log %s: %w", e.Action, err)
	}
	t.m.entries.WithLabelValues(e.Action, string(e.Outcome)).Inc()
	return line, nil
}

func (t *Trail) append(ctx context.Context, e Entry) ([]byte, error) {
	if t.broken != nil {
		return nil, t.broken
	}
	f, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	defer f.Close() // releases the lock
	last, size, err := end(f)
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(size); err != nil { // a half-written line of a crash was never reported as logged
		return nil, err
	}
	r := t.after(last, e)
	line, err := r.encode()
	if err != nil {
		return nil, err
	}
	line = append(line, '\n')
	if _, err := f.WriteAt(line, size); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		t.broken = fmt.Errorf("an earlier entry could not be synced: %w", err)
		return nil, err
	}
	return line[:len(line)-1], nil
}

// after is the row of an entry that comes after last. Where the file has no entry, last has
// Seq 0, and the row continues the chain in the memory, so that the loss stays visible as a
// gap. An unreadable memory is no error: the action must be logged all the same.
func (t *Trail) after(last Row, e Entry) Row {
	m, err := t.recall()
	if err != nil {
		t.log.Warn("the audit's memory cannot be read", "err", err)
	}
	if last.Seq == 0 {
		last = Row{Writer: m.Writer, Seq: m.Newest.Seq, At: m.Newest.At, Hash: m.Newest.Hash}
	}
	r := Row{Version: newestVersion, Writer: last.Writer, Seq: last.Seq + 1, At: t.now().UTC().Truncate(time.Millisecond), Entry: e.cut(), PrevHash: last.Hash}
	if r.Writer == "" {
		r.Writer = strings.ToLower(rand.Text())
	}
	if r.At.Before(last.At) {
		r.At = last.At
	}
	// Whatever the clock says, no entry is added to a day that has its anchor.
	if closed := endOfDay(m.Anchored.At); m.Writer == r.Writer && m.Anchored.Seq > 0 && r.At.Before(closed) {
		r.At = closed
	}
	r.Hash = r.sum()
	return r
}

// open opens and locks the file; it makes file and folder where they are missing.
func (t *Trail) open(ctx context.Context) (*os.File, error) {
	path := filepath.Join(t.dir, chainFile)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		f, err = t.create(path)
	}
	if err != nil {
		return nil, err
	}
	err = datafile.Lock(ctx, f)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, datafile.ErrLocked) {
		err = ctx.Err()
	}
	return nil, fmt.Errorf("wait for the audit file: %w", err)
}

func (t *Trail) create(path string) (*os.File, error) {
	if err := os.MkdirAll(t.dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for _, dir := range []string{t.dir, filepath.Dir(t.dir)} {
		if err := datafile.SyncFolder(dir); err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

// sync makes durable what another process may have written a moment ago.
func (t *Trail) sync() error {
	f, err := os.Open(filepath.Join(t.dir, chainFile))
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// maxLine is longer than any row: six fields that are cut, escaped.
const maxLine = 64 << 10

// end reads the last complete row, and returns the offset of its end.
func end(f *os.File) (last Row, size int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return last, 0, err
	}
	from := max(info.Size()-2*maxLine, 0)
	tail := make([]byte, info.Size()-from)
	if _, err := f.ReadAt(tail, from); err != nil && !errors.Is(err, io.EOF) {
		return last, 0, err
	}
	stop := bytes.LastIndexByte(tail, '\n')
	if stop < 0 {
		if from > 0 {
			return last, 0, ErrDamaged
		}
		return last, 0, nil
	}
	line := tail[bytes.LastIndexByte(tail[:stop], '\n')+1 : stop]
	last, ok, _ := decode(line) // that a line was edited is reported by Verify
	if !ok || last.Seq == 0 || last.Hash == "" {
		return last, 0, ErrDamaged
	}
	return last, from + int64(stop) + 1, nil
}

// cut keeps fields within bounds and readable.
func (e Entry) cut() Entry {
	for _, s := range []*string{&e.Actor, &e.Action, &e.Integration, &e.Target, &e.Detail} {
		*s = printable.Quote(strings.ToValidUTF8((*s)[:min(len(*s), 1000)], ""))
	}
	return e
}

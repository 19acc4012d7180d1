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
	"golang.org/x/sys/unix"

	"fonoteka/internal/printable"
)

// ErrDamaged says that the end of the file cannot be read, so that nothing can
// be chained to it.
var ErrDamaged = errors.New("the audit file is damaged at its end (fonoteka audit verify tells more)")

const chainFile = "chain.jsonl"

// Options of a Trail. Dir is required.
type Options struct {
	Dir          string // of the audit alone: the data folder's "audit"
	Memory       Memory // nil: nothing is remembered, so that a file that is gone or replaced is not missed
	Installation string // a name that the bucket knows this installation by; "": none
	Log          *slog.Logger
	Registerer   prometheus.Registerer
	Now          func() time.Time // nil: time.Now
}

// Trail adds entries to the chain of a data folder.
type Trail struct {
	dir          string
	memory       Memory
	installation string
	log          *slog.Logger
	now          func() time.Time
	m            metrics

	mu     sync.Mutex
	broken error // of a sync: what follows is not known to be on disk
}

// Open prepares a Trail. The folder is made with the first entry.
func Open(o Options) (*Trail, error) {
	if o.Dir == "" {
		return nil, errors.New("audit: a folder is required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	t := &Trail{dir: o.Dir, memory: o.Memory, installation: o.Installation, log: o.Log, now: o.Now}
	var err error
	if t.m, err = newMetrics(o.Registerer); err != nil {
		return nil, fmt.Errorf("audit: register metrics: %w", err)
	}
	return t, nil
}

// Log adds an entry. When it returns nil the entry is on disk; after an error it
// is not there, or may be. It waits for other processes of the data folder as
// long as ctx allows.
func (t *Trail) Log(ctx context.Context, e Entry) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.append(ctx, e); err != nil {
		t.m.failures.WithLabelValues("log").Inc()
		return fmt.Errorf("audit: log %s: %w", e.Action, err)
	}
	t.m.entries.WithLabelValues(e.Action, string(e.Outcome)).Inc()
	return nil
}

func (t *Trail) append(ctx context.Context, e Entry) error {
	if t.broken != nil {
		return t.broken
	}
	f, err := t.open(ctx)
	if err != nil {
		return err
	}
	defer f.Close() // lets go of the lock
	last, size, err := end(f)
	if err != nil {
		return err
	}
	if err := f.Truncate(size); err != nil { // what a crash left half-written was never answered for
		return err
	}
	r := t.after(last, e)
	line, err := r.encode()
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(append(line, '\n'), size); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		t.broken = fmt.Errorf("an earlier entry could not be synced: %w", err)
		return err
	}
	return nil
}

// after is the row of an entry that comes after last, which has Seq 0 where there
// is none in the file: then the chain that is remembered goes on, so that what
// was lost leaves a gap, and is not forgotten. What is remembered helps, but is
// not needed: an action must be logged also where it cannot be read.
func (t *Trail) after(last Row, e Entry) Row {
	m, err := t.recall()
	if err != nil {
		t.log.Warn("what is remembered of the audit cannot be read", "err", err)
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
	// No clock may lead back into a day that has its anchor.
	if closed := endOfDay(m.Anchored.At); m.Writer == r.Writer && m.Anchored.Seq > 0 && r.At.Before(closed) {
		r.At = closed
	}
	r.Hash = r.sum()
	return r
}

// open opens the file under its lock, made with its folder where it is missing.
func (t *Trail) open(ctx context.Context) (*os.File, error) {
	path := filepath.Join(t.dir, chainFile)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		f, err = t.create(path)
	}
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock the audit file: %w", err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("wait for the audit file: %w", ctx.Err())
		case <-time.After(2 * time.Millisecond):
		}
	}
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
		if err := syncDir(dir); err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// sync waits until what another process has written, perhaps a moment ago, is on
// disk.
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

// end reads the last whole row and says where it ends.
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
	last, ok, _ := decode(line) // what is unlike its encoding is Verify's to report
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

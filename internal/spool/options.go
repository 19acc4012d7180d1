package spool

import (
	"errors"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/run"
)

// Options of a spool. Dir is required, except with FS, where it defaults to
// "/spool".
type Options struct {
	Dir      string   // made if missing, and closed to others (0700); one spool per folder, locked while open
	FS       vfs.FS   // nil: the disk
	PutAside bool     // rename a damaged spool to DIR.damaged-TIME and begin a new one; else it is an error
	Cursors  []string // registered at Open, new ones at the beginning: records that one has not passed are never trimmed

	ReserveBytes uint64        // free bytes to leave on the file system; 0: 2 GiB
	Retain       time.Duration // how long records stay after all cursors have passed them; 0: 7 days
	TrimEvery    time.Duration // pause between two trims by Run; 0: 10 minutes

	Now        func() time.Time       // receive time; nil: time.Now
	Free       func() (uint64, error) // free bytes of the file system; nil: asked of FS
	Log        *slog.Logger           // nil: discarded
	Registerer prometheus.Registerer  // nil: none
}

func (o *Options) validate() error {
	if o.FS == nil {
		o.FS = vfs.Default
		if o.Dir == "" {
			return errors.New("spool: no folder given")
		}
	}
	if o.Dir == "" {
		o.Dir = "/spool"
	}
	for _, name := range o.Cursors {
		if name == "" {
			return errors.New("spool: a cursor without a name")
		}
	}
	if o.Retain < 0 || o.TrimEvery < 0 {
		return errors.New("spool: a negative duration")
	}
	setDefault(&o.ReserveBytes, 2<<30)
	setDefault(&o.Retain, 7*24*time.Hour)
	setDefault(&o.TrimEvery, 10*time.Minute)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Free == nil {
		fs, dir := o.FS, o.Dir
		o.Free = func() (uint64, error) {
			usage, err := fs.GetDiskUsage(dir)
			return usage.AvailBytes, err
		}
	}
	o.Log = run.Log(o.Log)
	return nil
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

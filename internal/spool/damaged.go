package spool

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Damaged is a folder in which damage was found: of a spool that was put aside, or
// of the one in use. Notes in it keep what is known across restarts. A folder that
// was put aside stays until a person removes it.
type Damaged struct {
	// InUse says that this is the spool itself: it continues, and each record in it
	// that cannot be read is returned with ErrDamaged.
	InUse bool

	fs  vfs.FS
	dir string
	mu  sync.Mutex // one change of the notes at a time
}

// DamagedFolders are those beside the spool in dir, the oldest first, and last
// that folder itself if damage was found in it; fs is nil for the disk.
func DamagedFolders(fs vfs.FS, dir string) ([]*Damaged, error) {
	if fs == nil {
		fs = vfs.Default
	}
	folders, err := asideFolders(fs, dir)
	if err != nil {
		return nil, err
	}
	var all []*Damaged
	for _, folder := range folders {
		all = append(all, &Damaged{fs: fs, dir: folder})
	}
	if _, err := fs.Stat(fs.PathJoin(dir, reasonFile)); err == nil {
		all = append(all, &Damaged{fs: fs, dir: dir, InUse: true})
	}
	return all, nil
}

// Name is the folder's name, without the path.
func (d *Damaged) Name() string { return d.fs.PathBase(d.dir) }

// Salvage reads what is in it.
func (d *Damaged) Salvage() (*Salvage, error) { return OpenSalvage(d.fs, d.dir) }

// Report is what is known of a damaged folder.
type Report struct {
	Folder       string           `json:"folder"`
	InUse        bool             `json:"in_use"`
	Since        time.Time        `json:"since"`        // when it was put aside, or damage was first found; zero if that was not noted
	Why          string           `json:"why"`          // what is damaged
	Found        *Found           `json:"found"`        // nil: not surveyed yet; never set for the spool in use
	Acknowledged *Acknowledgement `json:"acknowledged"` // nil: not since
}

// Found is the result of the survey of the folder, and how far it was relayed.
type Found struct {
	At         time.Time `json:"at"`
	Readable   uint64    `json:"readable"` // records that can be read, relayed before or not
	Erased     uint64    `json:"erased"`
	First      uint64    `json:"first"` // the numbers it held
	Last       uint64    `json:"last"`
	LastKnown  bool      `json:"last_known"`
	Newest     time.Time `json:"newest"` // receive time
	Faults     []Fault   `json:"faults"` // the first of them
	FaultCount int       `json:"fault_count"`

	Readers map[string]Reader `json:"readers"` // by the name of their cursor
}

// Reader is how far the folder was relayed to one consumer.
type Reader struct {
	From    uint64     `json:"from"`    // the first record that it had not finished
	Owed    uint64     `json:"owed"`    // records from there on that can be read
	Missing uint64     `json:"missing"` // records from there on that cannot: at most as many are lost to it
	Relayed uint64     `json:"relayed"` // of those owed
	Done    *time.Time `json:"done"`    // when all were relayed; nil: not yet
}

// Acknowledgement says that a person knows of a damaged spool.
type Acknowledgement struct {
	At time.Time `json:"at"`
	By string    `json:"by"` // the system's name for the user
}

// Done says whether all that can be read was relayed to all consumers. In the spool in
// use there is nothing to do.
func (r Report) Done() bool {
	return r.InUse || r.Found != nil && !slices.ContainsFunc(slices.Collect(maps.Values(r.Found.Readers)), func(r Reader) bool { return r.Done == nil })
}

// Report reads the notes. Notes that cannot be read count as missing: the work
// is done again, and the acknowledgement is needed again.
func (d *Damaged) Report() Report {
	r := Report{Folder: d.Name(), InUse: d.InUse}
	var why reason
	var found Found
	var known Acknowledgement
	note := func(name string, into any) bool { return readNote(d.fs, d.dir, name, into) == nil }
	if note(reasonFile, &why) {
		r.Since, r.Why = why.At, why.Why
	}
	if note(salvageFile, &found) {
		r.Found = &found
	}
	if note(acknowledgedFile, &known) && !known.At.Before(r.Since) {
		r.Acknowledged = &known
	}
	return r
}

// Found saves the result of a survey for the readers with these cursors. What was relayed
// to them before stays noted.
func (d *Damaged) Found(v Survey, cursors []string, at time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.Report().Found
	f := Found{
		At: at.UTC(), Readable: v.Readable, Erased: v.Erased, First: v.First,
		Last: v.Last, LastKnown: v.LastKnown, Newest: v.Newest, Faults: v.Faults, FaultCount: v.FaultCount, Readers: map[string]Reader{},
	}
	for _, name := range cursors {
		owed, missing := v.Owed(name)
		r := Reader{From: v.From(name), Owed: owed, Missing: missing}
		if before != nil {
			r.Done, r.Relayed = before.Readers[name].Done, before.Readers[name].Relayed
		}
		f.Readers[name] = r
	}
	return d.keep(f)
}

// Relayed notes that everything was relayed to a reader, n records.
func (d *Damaged) Relayed(cursor string, n uint64, at time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.Report().Found
	if f == nil {
		return fmt.Errorf("note what %s was relayed of %s: it was not looked through", cursor, d.Name())
	}
	at = at.UTC()
	r := f.Readers[cursor]
	r.Relayed, r.Done = n, &at
	f.Readers[cursor] = r
	return d.keep(*f)
}

func (d *Damaged) keep(f Found) error {
	if err := writeNote(d.fs, d.dir, salvageFile, f); err != nil {
		return fmt.Errorf("note what is found in %s: %w", d.Name(), err)
	}
	return nil
}

// Acknowledge notes that a person knows of this folder and of what is missing.
func (d *Damaged) Acknowledge(by string, at time.Time) error {
	if err := writeNote(d.fs, d.dir, acknowledgedFile, Acknowledgement{At: at.UTC(), By: by}); err != nil {
		return fmt.Errorf("acknowledge %s: %w", d.Name(), err)
	}
	return nil
}

package export

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"fonoteka/internal/bagit"
	"fonoteka/internal/pack"
	"fonoteka/internal/sign"
)

// Options of Run. Dir, Source and Trail are required.
type Options struct {
	Dir    string // the package's folder; it must not be there yet, or be one that Run began
	Work   string // what is remembered between runs; "": Dir with .work behind it
	Source Source
	Trail  Trail

	// Query is what was asked for. Run sets its schema, salt, time and counts.
	Query pack.Query
	SQL   string         // selection.sql
	Zone  *time.Location // the company's clock; nil: UTC

	Signer   *sign.Private // nil: it is not signed
	Bundle   sign.Bundle   // of the signer
	SignWith SignWith      // the customer's own signature; zero: none
	TSA      string        // address of a time-stamping authority; "": none
	Client   *http.Client  // for it; nil: http.DefaultClient

	// Deliver takes the finished package elsewhere, before the audit is told that it is
	// done; nil: the folder is the package. A run that goes on may deliver it again.
	Deliver func(ctx context.Context) error

	Parallel int // objects that are copied at once; 0: two
	Now      func() time.Time
	Progress func(Progress) // may be nil; from several goroutines, one at a time

	step func(name string) error // tests end a run here; nil elsewhere
}

// SignWith is a program of the customer's that signs the tag manifest.
type SignWith struct {
	// Ext is what the signature's name ends with behind the tag manifest's: ".p7s".
	Ext string
	// Sign returns the signature of the file under an absolute path.
	Sign func(ctx context.Context, path string) ([]byte, error)
}

// Progress is how far a run is.
type Progress struct {
	Step    string
	Objects int   // copied, or found copied
	Of      int   // objects to copy
	Bytes   int64 // of them, copied
	OfBytes int64
}

// Result of Run.
type Result struct {
	TagManifest [sha256.Size]byte // whoever knows it knows the whole package
	Counts      pack.Counts
	Files       int   // of recordings, in the package
	Missing     int   // rows of missing.csv
	Quarantined int   // files with damaged audio
	Unplayable  int   // of them, those of recordings of which nothing better is there
	Wrong       int   // objects that are absent, cannot be read, or are not what the catalogue says
	StampFailed error `json:"-"` // the authority's; the package is without a time stamp
	SheetFull   bool  // more calls than a sheet of XLSX takes: there is none
}

// Complete tells whether everything that should be there is there.
func (r Result) Complete() bool { return r.Missing == 0 && r.Unplayable == 0 && r.Wrong == 0 }

func (o Options) withDefaults() (Options, error) {
	switch {
	case o.Dir == "" || o.Source == nil || o.Trail == nil:
		return o, errors.New("export: a folder, a source and a trail are required")
	case o.SignWith.Ext != "" && !pack.IsOtherSignature(pack.TagManifest+o.SignWith.Ext):
		return o, errors.New("export: the name of the other signature must end with a dot and up to 16 letters or digits")
	}
	for label, value := range map[string]string{pack.LabelAgent: o.Query.Program, pack.LabelCase: o.Query.Case} {
		if value == "" && label == pack.LabelCase {
			continue
		}
		if err := (bagit.Field{Label: label, Value: value}).Check(); err != nil {
			return o, fmt.Errorf("export: %w", err)
		}
	}
	o.Dir = filepath.Clean(o.Dir)
	if o.Work == "" {
		o.Work = o.Dir + ".work"
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Parallel <= 0 {
		o.Parallel = 2
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	return o, nil
}

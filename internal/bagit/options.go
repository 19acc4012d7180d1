package bagit

import (
	"fmt"
	"slices"
)

// Options of Validate. The zero value takes a foreign bag by the rules of its version.
type Options struct {
	// Closed holds the bag to what a Writer writes: version 1.0 in UTF-8, tag manifests
	// of SHA-256 and SHA-512 that list the same files, each tag file in both of them, and
	// every warning an error.
	Closed bool
	// Extra are tag files that no manifest lists, and that may be there for all that:
	// signatures and time stamps over a tag manifest. Whole paths.
	Extra []string
	// Parallel is how many files are read at once. 0: one.
	Parallel int
	// Checked, if it is there, is told each file that was read and is what all manifests
	// say: its bytes, and the digests that were computed, by algorithm. From several
	// goroutines at once.
	Checked func(path string, bytes int64, digests map[string][]byte)
	// Limits against a bag that is made to exhaust its reader. Zero fields: as DefaultLimits.
	Limits Limits
	// Read, if it is there, is told the bytes of content that were read since it was
	// called before; from several goroutines at once.
	Read func(bytes int)
}

// Limits of what is taken into memory, or looked at. All are at least 1.
type Limits struct {
	Files    int   // entries of the bag, and paths that its manifests list
	Depth    int   // parts of a path
	Line     int   // bytes of a line of a tag file
	TagBytes int64 // of all manifests, bag-info.txt and fetch.txt together
	Findings int   // that are kept; more are counted
	// A zip may inflate to Inflate bytes, or to Ratio times its own size where that is
	// more. Content is not kept; the limit is one of time.
	Inflate int64
	Ratio   int
}

// DefaultLimits take bags of a million files.
func DefaultLimits() Limits {
	return Limits{Files: 1_000_000, Depth: maxDepth, Line: maxLine, TagBytes: 512 << 20, Findings: 10_000, Inflate: 1 << 30, Ratio: 100}
}

const (
	maxDepth = 64
	maxLine  = 16 << 10
)

func (o Options) withDefaults() (Options, error) {
	l, d := &o.Limits, DefaultLimits()
	set := []bool{
		orStandard(&l.Files, d.Files), orStandard(&l.Depth, d.Depth), orStandard(&l.Line, d.Line), orStandard(&l.TagBytes, d.TagBytes),
		orStandard(&l.Findings, d.Findings), orStandard(&l.Inflate, d.Inflate), orStandard(&l.Ratio, d.Ratio), orStandard(&o.Parallel, 1),
	}
	if slices.Contains(set, false) {
		return o, fmt.Errorf("validate bag: a limit is negative: %+v, parallel %d", o.Limits, o.Parallel)
	}
	return o, nil
}

// orStandard sets what is zero, and tells whether the value is positive.
func orStandard[T int | int64](value *T, standard T) bool {
	if *value == 0 {
		*value = standard
	}
	return *value > 0
}

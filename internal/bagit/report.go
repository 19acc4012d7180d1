package bagit

import "slices"

// Report is what Validate found out.
type Report struct {
	Version  string  // by whose rules: as declared, or 1.0 where the declaration is wrong
	Encoding string  // of tag files, as declared
	Info     []Field // bag-info.txt, or package-info.txt before 0.96

	PayloadFiles int   // that are there
	PayloadBytes int64 // of them
	Manifests    []string
	TagManifests []TagManifest

	Findings []Finding // sorted by path
	Dropped  int       // findings beyond the limit
	failed   bool
}

// TagManifest is one that is there, with what it contains: a signature is over it.
type TagManifest struct {
	Name string
	Sum  Sum // zero where it could not be read
}

// Valid tells whether the bag is complete and every digest is right.
func (r *Report) Valid() bool { return !r.failed }

// Complete tells whether nothing is wrong but perhaps content.
func (r *Report) Complete() bool {
	if r.Dropped > 0 && r.failed {
		return false
	}
	return !slices.ContainsFunc(r.Findings, func(f Finding) bool {
		return f.Severity == Error && f.Code != DigestMismatch
	})
}

// Has tells whether a code was found.
func (r *Report) Has(c Code) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Code == c })
}

// Field is the first value of a label of bag-info.txt, without regard to case.
func (r *Report) Field(label string) (string, bool) {
	for _, f := range r.Info {
		if sameLabel(f.Label, label) {
			return f.Value, true
		}
	}
	return "", false
}

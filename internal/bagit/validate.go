package bagit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/encoding"
)

// validation is one run of Validate.
type validation struct {
	src  Source
	opts Options
	f    *findings

	decl      declaration
	enc       encoding.Encoding
	budget    int64            // bytes of tag files that may still be read
	files     map[string]*file // by path: that are there, and that are listed
	order     []*file          // all of them, sorted; nil: not sorted since one was added
	folders   map[string]bool
	manifests []*manifest // by name
	fetch     map[string]bool
	infoName  string // of the file of info
	info      []Field
}

// file is one that is there, or that a manifest lists.
type file struct {
	path     string
	size     int64
	present  bool
	listings []listing
	standsIn bool // for a listed name that differs in its normal form
}

// listing is what a manifest says of a file.
type listing struct {
	in     *manifest
	digest string // raw bytes
}

// Validate looks at a bag. What is wrong with the bag is in the report; an error means
// that it could not be looked at: ctx ended, or the source failed as a whole.
func Validate(ctx context.Context, src Source, opts Options) (*Report, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	v := &validation{
		src: src, opts: opts, budget: opts.Limits.TagBytes,
		f:     &findings{closed: opts.Closed, limit: opts.Limits.Findings},
		files: map[string]*file{}, folders: map[string]bool{}, fetch: map[string]bool{},
	}
	if i, ok := src.(inspector); ok {
		i.inspect(v.f)
	}
	if err := v.takeStock(); err != nil {
		return nil, fmt.Errorf("validate bag: %w", err)
	}
	v.declaration()
	v.readManifests()
	v.readFetch()
	v.readInfo()
	v.completeness()
	if opts.Closed {
		v.closed()
	}
	sums, err := v.digests(ctx)
	if err != nil {
		return nil, fmt.Errorf("validate bag: %w", err)
	}
	return v.report(sums), nil
}

var errTooMany = errors.New("more than the limit")

// takeStock notes what is in the bag.
func (v *validation) takeStock() error {
	entries := 0
	err := v.src.Walk(func(e Entry) error {
		if entries++; entries > v.opts.Limits.Files {
			return errTooMany
		}
		if strings.Count(e.Path, "/") >= v.opts.Limits.Depth {
			v.f.fail(LimitExceeded, e.Path, "it lies deeper than %d folders", v.opts.Limits.Depth)
			return errSkip
		}
		if code, why := unsafePath(e.Path); code != "" {
			v.f.fail(code, e.Path, "%s", why)
			return errSkip
		}
		v.stock(e)
		return nil
	})
	if errors.Is(err, errTooMany) {
		v.f.fail(LimitExceeded, "", "it has more than %d files and folders; the others are not looked at", v.opts.Limits.Files)
		return nil
	}
	return err
}

func (v *validation) stock(e Entry) {
	switch e.Kind {
	case Folder:
		if v.files[e.Path] != nil {
			v.f.fail(EntryTwice, e.Path, "the name is that of a file and of a folder")
		}
		v.folders[e.Path] = true
	case Link:
		v.f.fail(SymbolicLink, e.Path, "it is a link; links are not followed")
	case Other:
		v.f.fail(NotRegular, e.Path, "it is no regular file")
	case File:
		if v.files[e.Path] != nil || v.folders[e.Path] {
			v.f.fail(EntryTwice, e.Path, "the name is there twice")
			return
		}
		v.files[e.Path] = &file{path: e.Path, size: e.Size, present: true}
		if parent, _, ok := strings.Cut(e.Path, "/"); ok {
			v.folders[parent] = true
		}
	}
}

func (v *validation) present(path string) bool {
	f := v.files[path]
	return f != nil && f.present
}

// sorted are the files by their paths.
func (v *validation) sorted() []*file {
	if v.order == nil {
		v.order = slices.SortedFunc(maps.Values(v.files), func(a, b *file) int { return strings.Compare(a.path, b.path) })
	}
	return v.order
}

func (v *validation) declaration() {
	v.decl = declaration{version: version{1, 0}, encoding: "UTF-8"}
	if !v.present(declarationFile) {
		v.f.fail(DeclarationMissing, declarationFile, "there is no bagit.txt: this is no bag")
		return
	}
	r, err := v.src.Open(declarationFile)
	if err != nil {
		v.f.fail(Unreadable, declarationFile, "open it: %v", err)
		return
	}
	defer r.Close()
	v.decl = parseDeclaration(r, v.f)
	enc, ok := encodings[strings.ToUpper(v.decl.encoding)]
	if !ok {
		v.f.fail(EncodingUnknown, declarationFile, "the encoding %q of tag files is not known here; they are read as UTF-8", v.decl.encoding)
	}
	v.enc = enc
}

// tagFile gives each line of a tag file to fn, and reports what ends it early.
func (v *validation) tagFile(name string, fn func(line)) {
	r, err := v.src.Open(name)
	if err != nil {
		v.f.fail(Unreadable, name, "open it: %v", err)
		return
	}
	defer r.Close()
	mark, err := readLines(metered{io.Reader(r), &v.budget}, v.enc, v.opts.Limits.Line, fn)
	if mark {
		v.f.fail(ByteOrderMark, name, "it begins with a byte-order mark, which UTF-8 does not have")
	}
	switch {
	case errors.Is(err, errLineTooLong):
		v.f.fail(LimitExceeded, name, "a line is longer than %d bytes; the rest is not read", v.opts.Limits.Line)
	case errors.Is(err, errTooLarge):
		v.f.fail(LimitExceeded, name, "tag files have more than %d bytes; the rest is not read", v.opts.Limits.TagBytes)
	case err != nil:
		v.f.fail(Unreadable, name, "read it: %v", err)
	}
}

func (v *validation) report(sums []TagManifest) *Report {
	r := &Report{
		Version: v.decl.version.String(), Encoding: v.decl.encoding, Info: v.info, TagManifests: sums,
		Findings: v.f.sorted(), Dropped: v.f.dropped, failed: v.f.failed,
	}
	for _, m := range v.manifests {
		if !m.tag {
			r.Manifests = append(r.Manifests, m.name)
		}
	}
	for _, f := range v.files {
		if f.present && isPayload(f.path) {
			r.PayloadFiles++
			r.PayloadBytes += f.size
		}
	}
	return r
}

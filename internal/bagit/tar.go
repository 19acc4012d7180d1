package bagit

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
)

const tarBlock = 512

// OpenTar reads a bag in a tar, uncompressed. One pass notes where each file lies; then
// they are read in place. What cannot be read as a tar, since it was cut off for
// instance, ends the members, and Validate says so. An error: r failed.
func OpenTar(r io.ReaderAt, size int64, limits Limits) (*ArchiveSource, error) {
	opts, err := Options{Limits: limits}.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &ArchiveSource{found: findings{limit: opts.Limits.Findings}}
	section := io.NewSectionReader(r, 0, size)
	reader := tar.NewReader(section)
	for len(s.members) <= opts.Limits.Files { // one more than allowed: Validate says so
		h, err := reader.Next()
		switch {
		case errors.Is(err, io.EOF):
			if err := s.tarEnd(r, section, size); err != nil {
				return nil, fmt.Errorf("open tar: %w", err)
			}
			s.settle()
			return s, nil
		case errors.Is(err, tar.ErrHeader), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, tar.ErrFieldTooLong):
			s.found.fail(ArchiveForm, "", "it is no tar, or is cut off, after %d members: %v", len(s.members), err)
			s.settle()
			return s, nil
		case err != nil && !errors.Is(err, tar.ErrInsecurePath):
			return nil, fmt.Errorf("open tar: %w", err)
		}
		at, err := section.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, fmt.Errorf("open tar: %w", err)
		}
		s.tarMember(r, h, at)
	}
	s.settle()
	return s, nil
}

func (s *ArchiveSource) tarMember(r io.ReaderAt, h *tar.Header, at int64) {
	m := member{
		name: strings.TrimSuffix(h.Name, "/"), kind: tarKind(h), size: h.Size,
		open: func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(r, at, h.Size)), nil },
	}
	m.name = strings.TrimPrefix(m.name, "./")
	switch {
	case h.Typeflag == tar.TypeXGlobalHeader, m.kind == Folder && path.Clean(m.name) == ".":
		return
	case sparse(h):
		s.found.fail(ArchiveForm, m.name, "it is sparse")
		m.kind = Other
	}
	s.members = append(s.members, m)
}

func tarKind(h *tar.Header) Kind {
	switch h.Typeflag {
	case tar.TypeReg:
		return File
	case tar.TypeDir:
		return Folder
	case tar.TypeSymlink, tar.TypeLink:
		return Link
	}
	return Other
}

// sparse files do not lie in the archive as they are.
func sparse(h *tar.Header) bool {
	return h.Typeflag == tar.TypeGNUSparse || slices.ContainsFunc(slices.Collect(maps.Keys(h.PAXRecords)), func(k string) bool { return strings.HasPrefix(k, "GNU.sparse.") })
}

// tarEnd looks at what comes behind the last member: two blocks of zeros, and nothing
// but zeros after them.
func (s *ArchiveSource) tarEnd(r io.ReaderAt, section *io.SectionReader, size int64) error {
	at, err := section.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if end := make([]byte, 2*tarBlock); at < int64(len(end)) {
		s.found.fail(ArchiveForm, "", "it is no tar: it is empty")
	} else if _, err := r.ReadAt(end, at-int64(len(end))); err != nil && !errors.Is(err, io.EOF) {
		return err
	} else if !zero(end) {
		s.found.fail(ArchiveForm, "", "it is cut off: the two blocks at the end of a tar are not there")
	}
	buf := make([]byte, bufferSize)
	for at < size {
		n, err := r.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		if !zero(buf[:n]) {
			s.found.fail(ArchiveForm, "", "something lies behind the end of the tar")
			return nil
		}
		if at += int64(n); err != nil && at < size {
			return err
		}
	}
	return nil
}

func zero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }

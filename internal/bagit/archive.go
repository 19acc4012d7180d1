package bagit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// ArchiveSource reads a bag out of an archive, without unpacking it. What is wrong with
// the archive itself is found by Validate.
type ArchiveSource struct {
	members []member
	base    string         // the folder that is the bag, with a slash; empty: the top
	index   map[string]int // of members, by path in the bag: the first of that name
	found   findings       // about the archive
}

// member of an archive.
type member struct {
	name string // as it stands in the archive; of a folder without the slash at its end
	kind Kind
	size int64
	bomb bool // it inflates beyond the limit: it is not opened
	open func() (io.ReadCloser, error)
}

// settle finds the bag's folder and sorts out what lies outside it. RFC 8493, 4: an
// archive has one folder at its top, which is the bag.
func (s *ArchiveSource) settle() {
	s.base = ""
	for _, m := range s.members {
		if folder, file, ok := strings.Cut(m.name, "/"); ok && file == declarationFile {
			s.base = folder + "/"
			break
		}
	}
	for _, m := range s.members {
		if m.name == declarationFile {
			s.base = ""
			s.found.warn(ArchiveForm, m.name, "the bag lies at the top of the archive instead of in a folder")
			break
		}
	}
	s.index = make(map[string]int, len(s.members))
	for i, m := range s.members {
		path, inside := strings.CutPrefix(m.name, s.base)
		switch code, why := unsafePath(m.name); {
		case inside && path != "":
			if _, twice := s.index[path]; !twice {
				s.index[path] = i
			}
		case m.kind == Folder && m.name+"/" == s.base:
		case code != "":
			s.found.fail(code, m.name, "%s", why)
		default:
			s.found.fail(ArchiveForm, m.name, "it lies outside the bag's folder %q", s.base)
		}
	}
}

// Walk is part of Source.
func (s *ArchiveSource) Walk(fn func(Entry) error) error {
	for _, m := range s.members {
		path, inside := strings.CutPrefix(m.name, s.base)
		if !inside || path == "" {
			continue
		}
		if err := fn(Entry{Path: path, Kind: m.kind, Size: m.size}); err != nil && !errors.Is(err, errSkip) {
			return err
		}
	}
	return nil
}

// Open is part of Source.
func (s *ArchiveSource) Open(path string) (io.ReadCloser, error) {
	i, ok := s.index[path]
	if !ok || s.members[i].kind != File {
		return nil, fmt.Errorf("open %q in the archive: %w", path, os.ErrNotExist)
	}
	if s.members[i].bomb {
		return nil, fmt.Errorf("open %q in the archive: it inflates beyond the limit", path)
	}
	return s.members[i].open()
}

func (s *ArchiveSource) inspect(f *findings) { f.take(&s.found) }

package bagit

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// directoryEntry are the bytes that an entry of a zip's directory may have on average.
const directoryEntry = 256

// OpenZip reads a bag in a zip. Its members must follow each other without a gap, and
// their local headers say what the directory says: programs differ in which they read,
// and a zip that is two things at once is refused. What cannot be read as a zip at all,
// since it was cut off for instance, has no members, and Validate says so. An error: r
// failed.
func OpenZip(r io.ReaderAt, size int64, limits Limits) (*ArchiveSource, error) {
	opts, err := Options{Limits: limits}.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &ArchiveSource{found: findings{limit: opts.Limits.Findings}}
	directory := &meteredAt{r: r, left: int64(opts.Limits.Files)*directoryEntry + 128<<10} // its end is looked for in 65 KiB
	z, err := zip.NewReader(directory, size)
	directory.left = -1 // not metered any more
	switch {
	case errors.Is(err, errTooLarge):
		s.found.fail(LimitExceeded, "", "the zip's directory has more than %d entries", opts.Limits.Files)
	case errors.Is(err, zip.ErrFormat), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		s.found.fail(ArchiveForm, "", "it is no zip, or is cut off: %v", err)
	case err != nil && !errors.Is(err, zip.ErrInsecurePath):
		return nil, fmt.Errorf("open zip: %w", err)
	default:
		s.zipMembers(z, max(opts.Limits.Inflate, times(size, opts.Limits.Ratio)))
		s.zipHeaders(r, z)
		s.zipEnd(r, size-endLength-int64(len(z.Comment)))
	}
	s.settle()
	return s, nil
}

// meteredAt bounds what the directory of a zip takes into memory.
type meteredAt struct {
	r    io.ReaderAt
	left int64 // negative: no bound
}

func (m *meteredAt) ReadAt(p []byte, off int64) (int, error) {
	if m.left >= 0 {
		if m.left < int64(len(p)) {
			return 0, errTooLarge
		}
		m.left -= int64(len(p))
	}
	return m.r.ReadAt(p, off)
}

// times is n*factor, or the greatest number.
func times(n int64, factor int) int64 {
	if n > math.MaxInt64/int64(factor) {
		return math.MaxInt64
	}
	return n * int64(factor)
}

// zipMembers notes the members. left are the bytes that they may inflate to.
func (s *ArchiveSource) zipMembers(z *zip.Reader, left int64) {
	for _, f := range z.File {
		m := member{name: strings.TrimSuffix(f.Name, "/"), kind: kindOf(f.Mode()), open: func() (io.ReadCloser, error) { return openZipped(f) }}
		if strings.HasSuffix(f.Name, "/") {
			m.kind = Folder
		}
		if f.UncompressedSize64 > uint64(left) {
			s.found.fail(ArchiveBomb, f.Name, "it inflates from %d to %d bytes, more than the limit leaves", f.CompressedSize64, f.UncompressedSize64)
			m.bomb = true
		} else {
			m.size = int64(f.UncompressedSize64)
			left -= m.size
		}
		s.members = append(s.members, m)
	}
}

// openZipped opens a member. archive/zip ends it where it is longer than the directory
// says, and compares its size and CRC at its end.
func openZipped(f *zip.File) (io.ReadCloser, error) {
	if f.Flags&encryptedFlag != 0 {
		return nil, errors.New("it is encrypted")
	}
	return f.Open()
}

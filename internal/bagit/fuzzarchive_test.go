package bagit

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

// Whatever an archive is: no panic, no hang, and nothing is read twice as long as it says.
func FuzzArchive(f *testing.F) {
	for _, name := range []string{"bag/data/x", "../x", "bag/"} {
		var z, tr bytes.Buffer
		zw, tw := zip.NewWriter(&z), tar.NewWriter(&tr)
		to, err := zw.Create(name)
		if err != nil {
			f.Fatal(err)
		}
		if !strings.HasSuffix(name, "/") {
			if _, err := io.WriteString(to, "x"); err != nil {
				f.Fatal(err)
			}
		}
		if err := errors.Join(tw.WriteHeader(&tar.Header{Name: name}), tw.Close(), zw.Close()); err != nil {
			f.Fatal(err)
		}
		f.Add(z.Bytes())
		f.Add(tr.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, open := range []func(io.ReaderAt, int64, Limits) (*ArchiveSource, error){OpenZip, OpenTar} {
			l := Limits{Files: 100, Line: 1000, TagBytes: 4000, Findings: 20, Inflate: 10_000, Ratio: 10}
			src, err := open(bytes.NewReader(b), int64(len(b)), l)
			if err != nil {
				continue
			}
			read := 0
			r, err := Validate(context.Background(), src, Options{Limits: l, Read: func(n int) { read += n }})
			if err != nil {
				t.Fatal(err)
			}
			if read > len(b)*10+10_000 {
				t.Errorf("%d bytes were read out of %d", read, len(b))
			}
			if r.Valid() && !src.has("bagit.txt") {
				t.Error("a bag without a declaration is valid")
			}
		}
	})
}

func (s *ArchiveSource) has(path string) bool { _, ok := s.index[path]; return ok }

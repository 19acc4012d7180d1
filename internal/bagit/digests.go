package bagit

import (
	"bytes"
	"context"
	"encoding/hex"
	"hash"
	"io"
	"slices"
	"strings"
	"sync"
)

const bufferSize = 256 << 10

// digests reads every file that a manifest lists, once, and compares it with all that is
// listed of it. Tag manifests, which nothing lists, are read for their sums.
func (v *validation) digests(ctx context.Context) ([]TagManifest, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var sums []TagManifest
	for _, m := range v.manifests {
		if m.tag {
			sums = append(sums, TagManifest{Name: m.name, Sum: v.sum(ctx, m.name)})
		}
	}
	work := make(chan *file)
	var readers sync.WaitGroup
	for range v.opts.Parallel {
		readers.Go(func() {
			buf := make([]byte, bufferSize)
			for f := range work {
				v.digest(ctx, f, buf)
			}
		})
	}
	for _, f := range v.sorted() {
		if !f.present || len(f.listings) == 0 {
			continue
		}
		select {
		case work <- f:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(work)
	readers.Wait()
	return sums, ctx.Err()
}

// digest reads one file and reports where it is not what was listed.
func (v *validation) digest(ctx context.Context, f *file, buf []byte) {
	hashes := map[string]hash.Hash{}
	var into []io.Writer
	for _, l := range f.listings {
		if newHash, ok := algorithms[l.in.algorithm]; ok && hashes[l.in.algorithm] == nil {
			h := newHash()
			hashes[l.in.algorithm] = h
			into = append(into, h)
		}
	}
	if len(into) == 0 {
		return
	}
	n, err := v.read(ctx, f.path, io.MultiWriter(into...), buf)
	if err != nil {
		if ctx.Err() == nil {
			v.f.fail(Unreadable, f.path, "read it: %v", err)
		}
		return
	}
	digests := map[string][]byte{}
	for algorithm, h := range hashes {
		digests[algorithm] = h.Sum(nil)
	}
	v.compare(f, n, digests)
}

// compare holds what was read of a file against what is listed.
func (v *validation) compare(f *file, size int64, digests map[string][]byte) {
	var wrong []string
	for _, l := range f.listings {
		is, ok := digests[l.in.algorithm]
		if ok && !bytes.Equal(is, []byte(l.digest)) {
			wrong = append(wrong, l.in.name+" has "+hex.EncodeToString([]byte(l.digest))+", it is "+hex.EncodeToString(is))
		}
	}
	switch {
	case len(wrong) > 0:
		slices.Sort(wrong)
		v.f.fail(DigestMismatch, f.path, "%d bytes: %s", size, strings.Join(wrong, "; "))
	case v.opts.Checked != nil:
		v.opts.Checked(f.path, size, digests)
	}
}

// sum of a tag manifest; a failure to read it was reported when its lines were read.
func (v *validation) sum(ctx context.Context, name string) Sum {
	s := newSummer()
	if _, err := v.read(ctx, name, s, make([]byte, 32<<10)); err != nil {
		return Sum{}
	}
	return s.sum()
}

func (v *validation) read(ctx context.Context, path string, w io.Writer, buf []byte) (int64, error) {
	r, err := v.src.Open(path)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	return copyAll(w, reading{ctx, r, v.opts.Read}, buf)
}

// reading ends with its context, and tells of its progress.
type reading struct {
	ctx  context.Context
	r    io.Reader
	tell func(int)
}

func (r reading) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.r.Read(p)
	if r.tell != nil && n > 0 {
		r.tell(n)
	}
	return n, err
}

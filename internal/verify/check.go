package verify

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"fonoteka/internal/bagit"
	"fonoteka/internal/pack"
	"fonoteka/internal/sign"
)

// Options of Check.
type Options struct {
	Ours     bool           // it must be a package of Fonoteka's
	Trust    sign.Trusted   // keys of the sender; empty: where it comes from is not proven
	Roots    *x509.CertPool // of time-stamping authorities; nil: a stamp is told and not trusted
	Parallel int            // files that are read at once; 0: one
	Limits   bagit.Limits
	Read     func(bytes int) // as bagit.Options.Read
}

// check is one run of Check.
type check struct {
	ctx  context.Context
	src  bagit.Source
	opts Options
	f    *findings
	out  *Result

	marks marks
	mu    sync.Mutex
	files map[string]content // that were read and are what all manifests say
	query pack.Query
	sound map[recordingID]recording
	calls calls
}

type content struct {
	size   int64
	sha256 [sha256.Size]byte
}

// Check looks at a package. What is wrong with it is in the Result; an error means that
// it could not be looked at.
func Check(ctx context.Context, src bagit.Source, opts Options) (*Result, error) {
	c := &check{ctx: ctx, src: src, opts: opts, f: &findings{}, out: &Result{}, files: map[string]content{}, sound: map[recordingID]recording{}}
	c.marks = findMarks(src)
	c.out.Ours = opts.Ours || c.marks.any()
	extra := []string{pack.SignatureFile, pack.StampFile}
	if c.marks.other != "" {
		extra = append(extra, c.marks.other)
	}
	report, err := bagit.Validate(ctx, src, bagit.Options{
		Closed: c.out.Ours, Extra: extra, Parallel: opts.Parallel, Limits: opts.Limits, Read: opts.Read, Checked: c.checked,
	})
	if err != nil {
		return nil, err
	}
	c.f.take(report)
	c.out.Bag = Bag{Version: report.Version, Files: report.PayloadFiles, Bytes: report.PayloadBytes}
	if c.out.Ours {
		c.parts()
		c.documents(report)
		if err := c.sounds(); err != nil {
			return nil, err
		}
	}
	c.signature(report)
	c.stamp(report)
	return c.verdict(), ctx.Err()
}

func (c *check) checked(path string, size int64, digests map[string][]byte) {
	if !c.out.Ours {
		return
	}
	is := content{size: size}
	copy(is.sha256[:], digests["sha256"])
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files[path] = is
}

// marks are what tells a package of Fonoteka's.
type marks struct {
	label, query, signature, stamp bool
	other                          string // the name of one more signature
	keys                           bool
	parts                          map[string]bool // that are there
}

func (m marks) any() bool { return m.label || m.query || m.signature }

const maxInfo = 1 << 20

// findMarks looks for them before anything is checked: what cannot be read is found later.
func findMarks(src bagit.Source) (m marks) {
	m.parts = map[string]bool{}
	_ = src.Walk(func(e bagit.Entry) error {
		if e.Kind == bagit.File && len(m.parts) < maxParts {
			m.parts[e.Path] = true
		}
		return nil
	})
	m.query, m.signature, m.stamp, m.keys = m.parts[pack.QueryFile], m.parts[pack.SignatureFile], m.parts[pack.StampFile], m.parts[pack.KeysFile]
	info, err := readAll(src, "bag-info.txt", maxInfo)
	if err != nil {
		return m
	}
	for line := range strings.Lines(string(info)) {
		label, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		value = strings.Trim(value, " \t")
		switch {
		case strings.EqualFold(label, pack.SchemaLabel):
			m.label = true
		case strings.EqualFold(label, pack.LabelOther) && pack.IsOtherSignature(value):
			m.other = value
		}
	}
	return m
}

// maxParts bounds what is noted of a folder that is made to exhaust its reader.
const maxParts = 2_000_000

var errTooLong = errors.New("it is longer than any such file")

func readAll(src bagit.Source, name string, limit int64) ([]byte, error) {
	r, err := src.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("read %s: %w", name, errTooLong)
	}
	return b, err
}

// parts looks for files that each package has, and for files that none has.
func (c *check) parts() {
	if !c.marks.label {
		c.f.fail(MarkMissing, "bag-info.txt", "it does not say that this is a package of Fonoteka's (%s), though other files do", "в нём не сказано, что это пакет Фонотеки (%s), хотя по другим файлам это так", pack.SchemaLabel)
	}
	for _, name := range pack.Always() {
		if !c.marks.parts[name] {
			c.f.fail(PartMissing, name, "each package of Fonoteka's has this file, and it is not there", "в каждом пакете Фонотеки есть этот файл, а здесь его нет")
		}
	}
	for name := range c.files {
		if !pack.IsPart(name) && !isBagFile(name) {
			c.f.fail(PartUnknown, name, "no package of Fonoteka's has such a file", "такого файла в пакетах Фонотеки не бывает")
		}
	}
	if c.marks.other != "" && !c.marks.parts[c.marks.other] {
		c.f.fail(OtherMissing, c.marks.other, "bag-info.txt names this signature, and it is not there", "bag-info.txt указывает эту подпись, а её нет")
	}
}

func isBagFile(name string) bool {
	switch name {
	case "bagit.txt", "bag-info.txt", "manifest-sha256.txt", "manifest-sha512.txt", "tagmanifest-sha256.txt", "tagmanifest-sha512.txt":
		return true
	}
	return false
}

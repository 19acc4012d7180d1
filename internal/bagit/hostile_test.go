package bagit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/bagit"
)

// memory is a Source that can lie: it may tell of one name twice, of names that no file
// system has, and fail.
type memory struct {
	entries []bagit.Entry
	content map[string]string
	broken  map[string]error // of reading
	slow    bool             // one byte a time
	walk    error
}

func inMemory(files map[string]string) *memory {
	m := &memory{content: files}
	for path, text := range files {
		m.entries = append(m.entries, bagit.Entry{Path: path, Size: int64(len(text))})
	}
	return m
}

func (m *memory) Walk(fn func(bagit.Entry) error) error {
	for _, e := range m.entries {
		if err := fn(e); err != nil && err.Error() != "skip this folder" {
			return err
		}
	}
	return m.walk
}

func (m *memory) Open(path string) (io.ReadCloser, error) {
	text, ok := m.content[path]
	if !ok {
		panic("opened a file that is not there: " + path)
	}
	var r io.Reader = strings.NewReader(text)
	if err := m.broken[path]; err != nil {
		r = io.MultiReader(r, iotest.ErrReader(err))
	}
	if m.slow {
		r = iotest.OneByteReader(r)
	}
	return io.NopCloser(r), nil
}

func smallBag() map[string]string {
	return map[string]string{
		"bagit.txt": declared("1.0", "UTF-8"), "data/x": "x", "data/y": "y",
		"manifest-md5.txt": md5Of("x") + " data/x\n" + md5Of("y") + " data/y\n",
	}
}

func TestLimitsHold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits bagit.Limits
		change func(map[string]string)
		want   []string
	}{
		"within": {limits: bagit.Limits{Files: 4, Depth: 2, Line: 42, TagBytes: 80, Findings: 1}},
		"line": {
			limits: bagit.Limits{Line: 38},
			want:   []string{"file-unlisted data/x", "file-unlisted data/y", "limit manifest-md5.txt"},
		},
		"tag files": {
			limits: bagit.Limits{TagBytes: 79},
			want:   []string{"limit manifest-md5.txt"},
		},
		"depth of what is there": {
			limits: bagit.Limits{Depth: 2},
			change: func(f map[string]string) { f["data/a/b"] = "" },
			want:   []string{"limit data/a/b"},
		},
		"depth of what is listed": {
			limits: bagit.Limits{Depth: 2},
			change: func(f map[string]string) { f["manifest-md5.txt"] += md5Of("") + " data/a/b\n" },
			want:   []string{"limit data/a/b"},
		},
		"names that are listed": {
			limits: bagit.Limits{Files: 4},
			change: func(f map[string]string) {
				for i := range 6 {
					f["manifest-md5.txt"] += fmt.Sprintf("%s data/%d\n", md5Of(""), i)
				}
			},
			want: []string{
				"file-missing data/0", "file-missing data/1", "file-missing data/2", "file-missing data/3",
				"limit manifest-md5.txt", "limit manifest-md5.txt",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := smallBag()
			if c.change != nil {
				c.change(files)
			}
			r, err := bagit.Validate(context.Background(), inMemory(files), bagit.Options{Limits: c.limits})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, found(r, bagit.Error)); diff != "" {
				t.Errorf("want -, got +:\n%s\n%v", diff, r.Findings)
			}
		})
	}
}

func TestTooManyFilesAreNotLookedAt(t *testing.T) {
	t.Parallel()
	r, err := bagit.Validate(context.Background(), inMemory(smallBag()), bagit.Options{Limits: bagit.Limits{Files: 3}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Valid() || !r.Has(bagit.LimitExceeded) {
		t.Errorf("findings: %v", r.Findings)
	}
}

func TestFindingsBeyondTheLimitAreCounted(t *testing.T) {
	t.Parallel()
	files := smallBag()
	files["manifest-md5.txt"] = strings.Repeat("x\n", 100)
	r, err := bagit.Validate(context.Background(), inMemory(files), bagit.Options{Limits: bagit.Limits{Findings: 10}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Findings) != 10 || r.Dropped != 93 || r.Valid() || r.Complete() { // two unlisted files, no tag manifest
		t.Errorf("%d findings, %d dropped, valid %v, complete %v", len(r.Findings), r.Dropped, r.Valid(), r.Complete())
	}
}

// An error beyond the limit still makes a bag invalid.
func TestDroppedErrorCounts(t *testing.T) {
	t.Parallel()
	files := smallBag()
	files["manifest-md5.txt"] = "\n\n\n" + files["manifest-md5.txt"]
	files["data/x"] = "z"
	r, err := bagit.Validate(context.Background(), inMemory(files), bagit.Options{Limits: bagit.Limits{Findings: 2}})
	if err != nil {
		t.Fatal(err)
	}
	if len(found(r, bagit.Error)) != 0 || r.Valid() || r.Complete() {
		t.Errorf("findings %v, valid %v, complete %v", r.Findings, r.Valid(), r.Complete())
	}
}

func TestNegativeLimitsAreRefused(t *testing.T) {
	t.Parallel()
	for _, o := range []bagit.Options{
		{Parallel: -1},
		{Limits: bagit.Limits{Files: -1}},
		{Limits: bagit.Limits{Depth: -1}},
		{Limits: bagit.Limits{Line: -1}},
		{Limits: bagit.Limits{Findings: -1}},
		{Limits: bagit.Limits{TagBytes: -1}},
	} {
		if _, err := bagit.Validate(context.Background(), inMemory(smallBag()), o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

func TestHostileEntriesAreNotOpened(t *testing.T) {
	t.Parallel()
	m := inMemory(smallBag())
	m.entries = append(
		m.entries,
		bagit.Entry{Path: "data/x", Size: 1}, bagit.Entry{Path: "../x"}, bagit.Entry{Path: "/x"}, bagit.Entry{Path: "data/a\x00b"},
		bagit.Entry{Path: "data/link", Kind: bagit.Link}, bagit.Entry{Path: "data/pipe", Kind: bagit.Other}, bagit.Entry{Path: "data/x/y"},
		bagit.Entry{Path: "data/y", Kind: bagit.Folder},
	)
	m.content["manifest-md5.txt"] += md5Of("") + " data/link\n" + md5Of("") + " data/pipe\n" + md5Of("") + " ../x\n"
	r, err := bagit.Validate(context.Background(), m, bagit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"entry-twice data/x", "entry-twice data/x", "entry-twice data/y", "file-missing data/link", "file-missing data/pipe", "file-unlisted data/x/y",
		"not-regular data/pipe", "path-absolute /x", "path-nul data/a\x00b", "path-traversal ../x", "path-traversal ../x", "symbolic-link data/link",
	}
	if diff := cmp.Diff(want, found(r, bagit.Error)); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

func TestUnreadableFilesAreNamed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bagit.txt", "manifest-md5.txt", "data/x"} {
		m := inMemory(smallBag())
		m.broken = map[string]error{name: errors.New("the disk is broken")}
		r, err := bagit.Validate(context.Background(), m, bagit.Options{})
		if err != nil {
			t.Fatal(err)
		}
		want := "unreadable " + name
		if got := found(r, bagit.Error); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Bags whose every line makes the next one slower would take days.
func TestWorkGrowsWithTheSizeOnly(t *testing.T) {
	t.Parallel()
	const n = 300_000
	var lines, fold, blank strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, "%032x data/x\n", i)
		fold.WriteString(" a\n")
		blank.WriteString("\n")
	}
	for name, text := range map[string]string{"manifest-md5.txt": lines.String(), "bag-info.txt": "X: y\n" + fold.String(), "fetch.txt": blank.String()} {
		files := smallBag()
		files[name] += text
		r, err := bagit.Validate(context.Background(), inMemory(files), bagit.Options{})
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case name == "bag-info.txt" && len(r.Info[0].Value) != 1+2*n:
			t.Errorf("%s: the value has %d bytes", name, len(r.Info[0].Value))
		case name != "bag-info.txt" && r.Dropped < n-10_000:
			t.Errorf("%s: %d findings, %d dropped", name, len(r.Findings), r.Dropped)
		}
	}
}

// As many manifests as there are files would make a product of the two.
func TestManifestsAreLimited(t *testing.T) {
	t.Parallel()
	files := smallBag()
	for i := range 40 {
		files[fmt.Sprintf("tagmanifest-x%d.txt", i)] = ""
	}
	r, err := bagit.Validate(context.Background(), inMemory(files), bagit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(strings.Join(found(r, bagit.Error), "\n"), "limit tagmanifest-x"); n != 9 {
		t.Errorf("%d manifests were left out, of 41", n)
	}
}

// Names that differ in case stand for each other only a few times.
func TestManyCasesOfAName(t *testing.T) {
	t.Parallel()
	files := smallBag()
	var lines strings.Builder
	for i := range 1 << 12 {
		name := []byte("data/abcdefghijklm")
		for bit := range 12 {
			if i>>bit&1 == 1 {
				name[6+bit] -= 'a' - 'A'
			}
		}
		if i%2 == 0 {
			files[string(name)] = "x"
		}
		fmt.Fprintf(&lines, "%s %s\n", md5Of("x"), name)
	}
	files["manifest-md5.txt"] += lines.String()
	r, err := bagit.Validate(context.Background(), inMemory(files), bagit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if codes(r, bagit.Error) != "" || codes(r, bagit.Warning) != "case-clash tag-manifest-missing" {
		t.Errorf("found %q, %q", codes(r, bagit.Error), codes(r, bagit.Warning))
	}
}

// Where a read ends within a line or its end, nothing is taken for two lines.
func TestReadsMayEndAnywhere(t *testing.T) {
	t.Parallel()
	files := smallBag()
	for name, text := range files {
		if strings.HasSuffix(name, ".txt") {
			files[name] = strings.ReplaceAll(text, "\n", "\r\n")
		}
	}
	m := inMemory(files)
	m.slow = true
	r, err := bagit.Validate(context.Background(), m, bagit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Valid() || codes(r, bagit.Warning) != "tag-manifest-missing" {
		t.Errorf("findings: %v", r.Findings)
	}
}

func TestFailingSourceIsAnError(t *testing.T) {
	t.Parallel()
	m := inMemory(smallBag())
	m.walk = errors.New("the disk is broken")
	if _, err := bagit.Validate(context.Background(), m, bagit.Options{}); !errors.Is(err, m.walk) {
		t.Errorf("error %v", err)
	}
}

// endless is a file of n bytes that is nowhere.
type endless struct {
	*memory
	path string
	size int64
}

func (e endless) Open(path string) (io.ReadCloser, error) {
	if path != e.path {
		return e.memory.Open(path)
	}
	return io.NopCloser(io.LimitReader(zeros{}, e.size)), nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestContextEndsValidation(t *testing.T) {
	t.Parallel()
	for _, parallel := range []int{1, 3} {
		ctx, cancel := context.WithCancel(context.Background())
		r, err := bagit.Validate(ctx, inMemory(smallBag()), bagit.Options{Parallel: parallel, Read: func(int) { cancel() }})
		if !errors.Is(err, context.Canceled) || r != nil {
			t.Errorf("report %v, error %v", r, err)
		}
	}
}

// A file is not read to its end once the context has ended.
func TestContextEndsAFile(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	src := endless{inMemory(smallBag()), "data/x", 1 << 60}
	if _, err := bagit.Validate(ctx, src, bagit.Options{Read: func(int) { cancel() }}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// A line without an end, and content of any size, cost no memory.
func TestMemoryIsBounded(t *testing.T) {
	const size = 256 << 20
	for _, name := range []string{"manifest-md5.txt", "data/x", "bagit.txt"} {
		src := endless{inMemory(smallBag()), name, size}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := bagit.Validate(context.Background(), src, bagit.Options{})
		runtime.ReadMemStats(&after)
		if err != nil || r.Valid() {
			t.Fatalf("%s: %v, %v", name, r, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
			t.Errorf("%s of %d bytes: %d bytes were allocated", name, size, used)
		}
	}
}

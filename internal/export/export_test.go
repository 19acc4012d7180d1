package export_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/bagit"
	"fonoteka/internal/export"
	"fonoteka/internal/export/exporttest"
	"fonoteka/internal/pack"
	"fonoteka/internal/sign"
	"fonoteka/internal/state"
	"fonoteka/internal/testenv"
	"fonoteka/internal/verify"
)

var now = time.Date(2026, 3, 10, 9, 30, 0, 0, time.UTC)

// sender is an installation with a key and an audit.
type sender struct {
	t     *testing.T
	dir   string
	trail *exporttest.Trail
	ring  sign.Ring
}

func newSender(t *testing.T) *sender {
	t.Helper()
	s := &sender{t: t, dir: t.TempDir()}
	vault, err := state.OpenVault(s.dir, "")
	if err != nil {
		t.Fatal(err)
	}
	s.ring = sign.Ring{Store: vault}
	if _, err := s.ring.Create(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if s.trail, err = exporttest.NewTrail(filepath.Join(s.dir, "audit")); err != nil {
		t.Fatal(err)
	}
	return s
}

// options of a package in a folder of its own.
func (s *sender) options(source export.Source) export.Options {
	s.t.Helper()
	key, bundle, err := s.ring.Open()
	if err != nil {
		s.t.Fatal(err)
	}
	zone, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		s.t.Fatal(err)
	}
	return export.Options{
		Dir: filepath.Join(s.t.TempDir(), "package"), Source: source, Trail: s.trail, Signer: &key, Bundle: bundle, Zone: zone, SQL: "SELECT 1\n",
		Query: pack.Query{Program: "fonoteka test", Installation: "TEST", Case: "A40-1234/2026", Reason: "request of the court", By: "anna", Selection: pack.Selection{From: pack.At(exporttest.Begin)}},
		Now:   func() time.Time { return now },
	}
}

func (s *sender) trust() sign.Trusted {
	s.t.Helper()
	_, b, err := s.ring.Open()
	if err != nil {
		s.t.Fatal(err)
	}
	return sign.Trusted{Fingerprints: []string{b.Key.Fingerprint()}}
}

func run(t *testing.T, o export.Options) export.Result {
	t.Helper()
	r, err := export.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// check verifies a package, which must be whole and signed.
func (s *sender) check(path string) *verify.Result {
	s.t.Helper()
	src, err := verify.Open(path, bagit.Limits{})
	if err != nil {
		s.t.Fatal(err)
	}
	defer src.Close()
	r, err := verify.Check(s.t.Context(), src, verify.Options{Ours: true, Trust: s.trust(), Parallel: 2})
	if err != nil {
		s.t.Fatal(err)
	}
	if r.Verdict != verify.Whole || len(r.Findings) > 0 {
		s.t.Errorf("%s: %s, %+v", filepath.Base(path), r.Verdict, r.Findings)
	}
	return r
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAPackageIsWholeAndSigned(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	story := exporttest.New()
	story.Parquets = []byte("PAR1")
	o := s.options(story)
	r := run(t, o)
	want := export.Result{TagManifest: sha256.Sum256([]byte(read(t, o.Dir, pack.TagManifest))), Counts: pack.Counts{Calls: 10, Unanswered: 1, Legs: 10, Events: 10, Recordings: 8}, Files: 8, Missing: 5, Quarantined: 1, Unplayable: 1}
	if r != want || r.Complete() {
		t.Errorf("result %+v, want %+v", r, want)
	}
	got := s.check(o.Dir)
	if got.Package == nil || got.Package.Case != o.Query.Case || got.Signature.State != verify.SignedBy {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat(o.Dir + ".work"); !errors.Is(err, os.ErrNotExist) {
		t.Error("the work folder is left")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(o.Dir), "*")); len(left) != 1 {
		t.Errorf("left beside: %v", left)
	}
	missing := read(t, o.Dir, pack.MissingFile)
	for _, want := range []string{"quarantined;cut", "expired;not_found", "announced;;;2026-03-02T08:00:00.000Z;81", "no-recording", "not-found"} {
		if !strings.Contains(missing, want) {
			t.Errorf("missing.csv lacks %q:\n%s", want, missing)
		}
	}
	files := read(t, o.Dir, pack.FilesFile)
	for _, want := range []string{";conflicting;data/recordings/2026/03/", ";earlier;", ";damaged;data/quarantine/2026/03/", ";absent;;expired;not_found"} {
		if !strings.Contains(files, want) {
			t.Errorf("recordings.csv lacks %q:\n%s", want, files)
		}
	}
}

// The audit tells of an export, and holds neither a number nor the reason.
func TestTheAuditTellsOfAnExport(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	o := s.options(exporttest.New())
	o.Query.Selection.Numbers = []string{"79161234567"}
	r := run(t, o)
	lines, err := s.trail.Lines()
	if err != nil || len(lines) != 2 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	all := string(bytes.Join(lines, nil))
	if strings.Contains(all, "79161234567") || strings.Contains(all, "court") {
		t.Errorf("the audit says too much: %s", all)
	}
	begin, err := pack.ReadEntry(lines[0])
	if err != nil || begin.Target != o.Query.Case {
		t.Errorf("%+v, %v", begin, err)
	}
	end, err := pack.ReadEntry(lines[1])
	if err != nil || end.Outcome != "done" || !strings.Contains(end.Detail, "tag manifest sha256 "+hexOf(r.TagManifest[:])) {
		t.Errorf("%+v, %v", end, err)
	}
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var out strings.Builder
	for _, c := range b {
		out.WriteByte(digits[c>>4])
		out.WriteByte(digits[c&15])
	}
	return out.String()
}

func TestForeignProgramsAcceptAPackage(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	o := s.options(exporttest.New())
	run(t, o)
	for _, args := range [][]string{
		{"sha256sum", "-c", "--quiet", "--strict", "manifest-sha256.txt", "tagmanifest-sha256.txt"},
		{"sha512sum", "-c", "--quiet", "--strict", "manifest-sha512.txt", "tagmanifest-sha512.txt"},
		{"minisign", "-Vm", pack.TagManifest, "-P", o.Bundle.Key.Line()},
		{"minisign", "-Vm", pack.TagManifest, "-p", pack.KeysFile},
		{"sh", "-c", `[ $(find data -type f | wc -l) = $(wc -l < manifest-sha256.txt) ]`},
	} {
		testenv.Need(t, args[0])
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = o.Dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}

// A run that ends at any of its steps is gone on with, and makes the same package.
func TestARunThatWasKilledGoesOn(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	var steps []string
	o := s.options(exporttest.New())
	o.Parallel = 1
	export.AtStep(&o, func(step string) error { steps = append(steps, step); return nil })
	run(t, o)
	manifest := read(t, o.Dir, "manifest-sha256.txt")
	if len(steps) < 25 {
		t.Fatalf("steps: %v", steps)
	}
	fixed := slices.Index(steps, "fixed")
	for k, name := range steps {
		if k != slices.Index(steps, name) && k != len(steps)-1-slices.Index(backwards(steps), name) {
			continue // of a step that comes many times, the first and the last
		}
		t.Run(fmt.Sprintf("%d %s", k, name), func(t *testing.T) {
			t.Parallel()
			s := &sender{t, s.dir, s.trail, s.ring}
			story := exporttest.New()
			o := s.options(story)
			o.Parallel = 1
			killAt(t, o, k)
			asked := story.Asked
			if k >= fixed { // what is stored from now on must not show
				story.CallLines = append(story.CallLines, story.CallLines[0])
				story.CallLines[10].CallID++
			}
			run(t, o)
			if k >= fixed && story.Asked != asked {
				t.Error("the selection was asked for again")
			}
			if got := read(t, o.Dir, "manifest-sha256.txt"); got != manifest {
				t.Errorf("another payload:\n%s", diff(manifest, got))
			}
			s.check(o.Dir)
		})
	}
}

func backwards(s []string) []string {
	s = slices.Clone(s)
	slices.Reverse(s)
	return s
}

// killAt ends a run at its step k.
func killAt(t *testing.T, o export.Options, k int) {
	t.Helper()
	killed := errors.New("killed by a test")
	n := 0
	export.AtStep(&o, func(string) error {
		if n++; n == k+1 {
			return killed
		}
		return nil
	})
	if _, err := export.Run(t.Context(), o); !errors.Is(err, killed) {
		t.Fatal(err)
	}
}

func diff(want, got string) string {
	var out strings.Builder
	for line := range strings.Lines(want) {
		if !strings.Contains(got, line) {
			out.WriteString("- " + line)
		}
	}
	for line := range strings.Lines(got) {
		if !strings.Contains(want, line) {
			out.WriteString("+ " + line)
		}
	}
	return out.String()
}

// breaking is a source whose objects go bad while they are read.
type breaking struct {
	*exporttest.Story
	key string
	err error
}

func (b *breaking) Open(ctx context.Context, o export.Object) (io.ReadCloser, error) {
	r, err := b.Story.Open(ctx, o)
	if o.Key != b.key || err != nil {
		return r, err
	}
	return io.NopCloser(io.MultiReader(io.LimitReader(r, 100), failing{b.err})), nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestObjectsThatAreNotInOrderAreListed(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	for name, c := range map[string]struct {
		spoil func(*exporttest.Story) export.Source
		want  string
	}{
		"altered": {func(story *exporttest.Story) export.Source {
			b := bytes.Clone(story.Objects[story.Key(0)])
			b[500]++
			story.Objects[story.Key(0)] = b
			return story
		}, ";differs;;archived;altered;"},
		"longer": {func(story *exporttest.Story) export.Source {
			story.Objects[story.Key(0)] = append(bytes.Clone(story.Objects[story.Key(0)]), 0)
			return story
		}, ";differs;;archived;altered;"},
		"absent": {func(story *exporttest.Story) export.Source {
			delete(story.Objects, story.Key(0))
			return story
		}, ";absent;;archived;absent;"},
		"unreadable in the middle": {func(story *exporttest.Story) export.Source {
			return &breaking{story, story.Key(0), export.ErrUnreadable}
		}, ";absent;;archived;unreadable;"},
	} {
		o := s.options(c.spoil(exporttest.New()))
		r := run(t, o)
		if r.Wrong != 1 || r.Missing != 6 || r.Files != 7 || r.Complete() {
			t.Errorf("%s: %+v", name, r)
		}
		if files := read(t, o.Dir, pack.FilesFile); !strings.Contains(files, c.want) {
			t.Errorf("%s: recordings.csv lacks %q:\n%s", name, c.want, files)
		}
		s.check(o.Dir)
	}
	// A store that is away ends the run, which goes on when it is back.
	away := errors.New("no route to host")
	story := exporttest.New()
	o := s.options(&breaking{story, story.Key(8), away})
	if _, err := export.Run(t.Context(), o); !errors.Is(err, away) {
		t.Errorf("error %v", err)
	}
	o.Source = story
	if r := run(t, o); r.Wrong != 0 {
		t.Errorf("%+v", r)
	}
	s.check(o.Dir)
}

func TestQuarantineIsLeftOutWhereThatIsAsked(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	o := s.options(exporttest.New())
	o.Query.Selection.WithoutQuarantine = true
	if r := run(t, o); r.Quarantined != 1 || r.Files != 7 {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(filepath.Join(o.Dir, "data/quarantine")); err == nil {
		t.Error("it is there")
	}
	s.check(o.Dir)
}

func TestOtherArgumentsDoNotGoOn(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	o := s.options(exporttest.New())
	killed := errors.New("killed by a test")
	export.AtStep(&o, func(step string) error {
		if step == "objects" {
			return killed
		}
		return nil
	})
	if _, err := export.Run(t.Context(), o); !errors.Is(err, killed) {
		t.Fatal(err)
	}
	export.AtStep(&o, nil)
	other := o
	other.Query.Case = "another"
	if _, err := export.Run(t.Context(), other); !errors.Is(err, export.ErrOtherArguments) {
		t.Errorf("error %v", err)
	}
	run(t, o)
	if _, err := export.Run(t.Context(), other); !errors.Is(err, export.ErrExists) {
		t.Errorf("a finished package of other arguments: error %v", err)
	}
	o = s.options(exporttest.New())
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(o.Dir, "letter.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := export.Run(t.Context(), o); !errors.Is(err, export.ErrExists) || read(t, o.Dir, "letter.txt") != "mine" {
		t.Errorf("somebody's folder: error %v", err)
	}
}

// disorderly is a source that breaks what a Source promises.
type disorderly struct {
	*exporttest.Story
	calls string
}

func (d disorderly) Lines(ctx context.Context, what export.LineFile, w io.Writer) error {
	if what != export.Calls {
		return d.Story.Lines(ctx, what, w)
	}
	_, err := io.WriteString(w, d.calls)
	return err
}

func TestLinesThatVerifyWouldRefuseAreNotWritten(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	line, err := pack.Line(exporttest.New().CallLines[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, calls := range map[string]string{
		"twice": string(line) + string(line), "no JSON": "x\n", "cut": string(line[:len(line)-1]), "empty line": "\n", "another field": strings.Replace(string(line), `{"`, `{"more":1,"`, 1),
	} {
		o := s.options(disorderly{exporttest.New(), calls})
		if _, err := export.Run(t.Context(), o); !errors.Is(err, pack.ErrLine) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestArchivesOfAPackage(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	o := s.options(exporttest.New())
	run(t, o)
	for _, name := range []string{"case.zip", "case.tar"} {
		path := filepath.Join(t.TempDir(), name)
		if err := export.ArchiveFile(t.Context(), path, o.Dir, nil); err != nil {
			t.Fatal(err)
		}
		s.check(path)
	}
	var b bytes.Buffer
	if err := export.Archive(t.Context(), &b, export.Tar, o.Dir, "case", nil); err != nil || b.Len() == 0 {
		t.Error(err)
	}
	if err := export.ArchiveFile(t.Context(), filepath.Join(t.TempDir(), "case.rar"), o.Dir, nil); err == nil {
		t.Error("a rar was written")
	}
}

func TestTheCustomersOwnSignature(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	o := s.options(exporttest.New())
	o.SignWith = export.SignWith{Ext: ".p7s", Sign: func(_ context.Context, path string) ([]byte, error) {
		b, err := os.ReadFile(path)
		return append([]byte("signed: "), b[:10]...), err
	}}
	run(t, o)
	if got := read(t, o.Dir, pack.TagManifest+".p7s"); !strings.HasPrefix(got, "signed: ") {
		t.Errorf("%q", got)
	}
	s.check(o.Dir)
}

func TestAFailedAuthorityDoesNotFailAnExport(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	o := s.options(exporttest.New())
	o.TSA = srv.URL
	if r := run(t, o); r.StampFailed == nil {
		t.Error("nothing is said of it")
	}
	s.check(o.Dir)
}

func TestTheTableIsForSpreadsheets(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	o := s.options(exporttest.New())
	run(t, o)
	text := read(t, o.Dir, pack.CallsCSV)
	if !strings.HasPrefix(text, "\ufeffstarted_at_local;started_at;") || strings.Count(text, "\r\n") != 11 || strings.Count(text, "\n") != 11 {
		t.Errorf("%.200q", text)
	}
	c := csv.NewReader(strings.NewReader(text[3:]))
	c.Comma = ';'
	rows, err := c.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if rows[1][0] != "2026-03-02 10:00:00" || rows[1][1] != "2026-03-02 07:00:00" {
		t.Errorf("the clocks: %v", rows[1])
	}
	if got := rows[9][6]; !strings.HasPrefix(got, "'=cmd|") {
		t.Errorf("a formula: %q", got)
	}
}

func TestSeveralRunsAtManyCalls(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("6,000 calls")
	}
	s := newSender(t)
	o := s.options(exporttest.Many(6000))
	r := run(t, o)
	if r.Counts.Calls != 6000 || !r.Complete() {
		t.Errorf("%+v", r)
	}
	if got := read(t, o.Dir, pack.IndexFile); strings.Count(got, "<script src=\"index-data-") != 2 {
		t.Error("the page has not all of its data")
	}
	s.check(o.Dir)
}

// A run that was ended behind its last step, before anybody learnt of it, is no error when
// it is started again: the package is there, and nothing is told twice.
func TestAFinishedPackageIsFoundFinished(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	o := s.options(exporttest.New())
	want := run(t, o)
	before, err := s.trail.Lines()
	if err != nil {
		t.Fatal(err)
	}
	got, err := export.Run(t.Context(), o)
	if err != nil || got != want {
		t.Errorf("%v: %+v, want %+v", err, got, want)
	}
	if after, err := s.trail.Lines(); err != nil || len(after) != len(before) {
		t.Errorf("%v: the audit grew from %d to %d entries", err, len(before), len(after))
	}
	o.Query.Case += "-other"
	if _, err := export.Run(t.Context(), o); !errors.Is(err, export.ErrExists) {
		t.Errorf("with another case: %v", err)
	}
}

// A package that goes elsewhere is there before the audit is told that it is done.
func TestAPackageIsDeliveredBeforeItIsDone(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	o := s.options(exporttest.New())
	o.Deliver = func(context.Context) error { return errors.New("the disk is full") }
	if _, err := export.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("%v", err)
	}
	if lines, err := s.trail.Lines(); err != nil || len(lines) != 1 {
		t.Errorf("%v: %d entries", err, len(lines))
	}
	delivered := 0
	o.Deliver = func(context.Context) error {
		delivered++
		return nil
	}
	run(t, o)
	if lines, err := s.trail.Lines(); err != nil || len(lines) != 2 || delivered != 1 {
		t.Errorf("%v: %d entries, delivered %d times", err, len(lines), delivered)
	}
}

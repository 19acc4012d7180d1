package verify_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/export"
	"fonoteka/internal/pack"
	"fonoteka/internal/sign"
	"fonoteka/internal/verify"
)

func TestVerdicts(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	dir := s.write(nil)
	unsigned := s.write(func(o *export.Options) { o.Signer = nil })
	_, b := s.bundle()
	other := newSender(t).trust()
	for name, c := range map[string]struct {
		dir  string
		o    verify.Options
		want verify.Verdict
		code string
	}{
		"by key":             {dir, verify.Options{Trust: s.trust()}, verify.Whole, ""},
		"by fingerprint":     {dir, verify.Options{Ours: true, Trust: sign.Trusted{Fingerprints: []string{b.Key.Fingerprint()}}}, verify.Whole, ""},
		"nothing given":      {dir, verify.Options{}, verify.Unproven, ""},
		"another key":        {dir, verify.Options{Trust: other}, verify.Found, "key-untrusted"},
		"unsigned":           {unsigned, verify.Options{}, verify.Unproven, ""},
		"unsigned, demanded": {unsigned, verify.Options{Trust: s.trust()}, verify.Found, "signature-missing"},
		"a time is demanded": {dir, verify.Options{Trust: s.trust(), Roots: noRoots(t)}, verify.Found, "time-stamp-missing"},
		"one key of several": {dir, verify.Options{Trust: sign.Trusted{Keys: append(other.Keys, b.Key)}}, verify.Whole, ""},
		"read by three":      {dir, verify.Options{Trust: s.trust(), Parallel: 3}, verify.Whole, ""},
	} {
		r := check(t, c.dir, c.o)
		if r.Verdict != c.want || c.code != "" && !names(r, c.code, "") {
			t.Errorf("%s: %s, %+v", name, r.Verdict, r.Findings)
		}
	}
}

// attack changes a package. Some forgers make its lists anew, and some sign with a key of
// their own.
type attack struct {
	spoil  func(t *testing.T, dir string)
	reseal bool
	code   string
	path   string // "": any
}

func attacks(t *testing.T, dir string) map[string]attack {
	t.Helper()
	sound := first(t, dir)
	flip := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			b := []byte(get(t, dir, name))
			b[len(b)/2] ^= 1
			put(t, dir, name, string(b))
		}
	}
	editing := func(name, old, now string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { t.Helper(); edit(t, dir, name, old, now) }
	}
	removing := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { t.Helper(); remove(t, dir, name) }
	}
	putting := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { t.Helper(); put(t, dir, name, text) }
	}
	line := func(t *testing.T, dir, manifest string) string {
		t.Helper()
		all := get(t, dir, manifest)
		return all[:strings.Index(all, "\n")+1]
	}
	renaming := func(t *testing.T, dir string) {
		t.Helper()
		if err := os.Rename(filepath.Join(dir, sound), filepath.Join(dir, filepath.Dir(sound), "other.wav")); err != nil {
			t.Fatal(err)
		}
	}
	listing := func(path string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			for _, m := range []string{"manifest-sha256.txt", "manifest-sha512.txt"} {
				l := line(t, dir, m)
				digest, _, _ := strings.Cut(l, " ")
				put(t, dir, m, get(t, dir, m)+digest+"  "+path+"\n")
			}
		}
	}
	linking := func(t *testing.T, dir string) {
		t.Helper()
		remove(t, dir, sound)
		if err := os.Symlink("/etc/hostname", filepath.Join(dir, sound)); err != nil {
			t.Fatal(err)
		}
	}
	clashing := func(t *testing.T, dir string) {
		t.Helper()
		upper := strings.TrimSuffix(sound, ".wav") + ".WAV"
		put(t, dir, upper, "x")
	}
	return map[string]attack{
		"a byte of a recording":    {flip(sound), false, "digest-mismatch", sound},
		"a byte, lists made anew":  {flip(sound), true, "file-other", sound},
		"a recording removed":      {removing(sound), false, "file-missing", sound},
		"removed, lists made anew": {removing(sound), true, "part-missing", sound},
		"a recording added":        {putting("data/recordings/2026/03/0123.wav", "x"), false, "file-unlisted", "data/recordings/2026/03/0123.wav"},
		"added, lists made anew":   {putting("data/recordings/2026/03/0123.wav", "x"), true, "file-unknown", "data/recordings/2026/03/0123.wav"},
		"a recording renamed":      {renaming, false, "file-missing", sound},
		"renamed, lists made anew": {renaming, true, "file-unknown", filepath.Join(filepath.Dir(sound), "other.wav")},
		"an odd file":              {putting("data/letter.docx", "x"), true, "part-unknown", "data/letter.docx"},
		"a line twice": {func(t *testing.T, dir string) {
			t.Helper()
			put(t, dir, "manifest-sha256.txt", line(t, dir, "manifest-sha256.txt")+get(t, dir, "manifest-sha256.txt"))
		}, false, "listed-twice", "data/calls.csv"},
		"a line missing": {func(t *testing.T, dir string) {
			t.Helper()
			edit(t, dir, "manifest-sha256.txt", line(t, dir, "manifest-sha256.txt"), "")
		}, false, "not-in-every-manifest", "data/calls.csv"},
		"a way out":           {listing("data/../../etc/passwd"), false, "path-traversal", "data/../../etc/passwd"},
		"an absolute path":    {listing("/etc/passwd"), false, "path-absolute", "/etc/passwd"},
		"a home folder":       {listing("~/x"), false, "path-home", "~/x"},
		"a drive":             {listing("C:/x"), false, "path-drive", "C:/x"},
		"a backslash":         {listing(`data\x`), false, "path-backslash", `data\x`},
		"NUL":                 {listing("data/a\x00b"), false, "path-nul", "data/a\x00b"},
		"a symbolic link":     {linking, false, "symbolic-link", sound},
		"names clash in case": {clashing, false, "case-clash", ""},
		"names clash in form": {func(t *testing.T, dir string) {
			t.Helper()
			put(t, dir, "data/йод", "x")
			put(t, dir, "data/и\u0306од", "x")
		}, false, "normal-form", ""},
		"an edited page":        {editing(pack.IndexFile, "<title>", "<title>x"), false, "digest-mismatch", pack.IndexFile},
		"an edited query":       {editing(pack.QueryFile, "A40-1234/2026", "A40-1235/2026"), false, "digest-mismatch", pack.QueryFile},
		"a query, lists anew":   {editing(pack.QueryFile, "A40-1234/2026", "A40-1235/2026"), true, "proof-wrong", pack.ProofFile},
		"counts, lists anew":    {editing(pack.QueryFile, `"calls": 10`, `"calls": 9`), true, "count-mismatch", pack.QueryFile},
		"an edited step":        {editing(pack.CustodyFile, `"step":"fetched"`, `"step":"checked"`), false, "digest-mismatch", pack.CustodyFile},
		"a step, lists anew":    {editing(pack.CustodyFile, `"step":"fetched"`, `"step":"checked"`), true, "custody-broken", pack.CustodyFile},
		"a detail, lists anew":  {editing(pack.CustodyFile, `"detail":"recordings/`, `"detail":"elsewhere/`), true, "custody-broken", pack.CustodyFile},
		"an entry, lists anew":  {editing(pack.CustodyFile, `"actor":"anna"`, `"actor":"ivan"`), true, "custody-broken", pack.CustodyFile},
		"the last step gone":    {lastStep, true, "custody-other", pack.CustodyFile},
		"a chain gone":          {chainGone, true, "custody-other", pack.CustodyFile},
		"an edited missing.csv": {editing(pack.MissingFile, "expired", "missing"), false, "digest-mismatch", pack.MissingFile},
		"a row of missing.csv":  {rowGone, true, "missing-unlisted", pack.MissingFile},
		"a row too many":        {rowAdded, true, "missing-wrong", pack.MissingFile},
		"a call gone":           {callGone, true, "call-unknown", pack.LegsFile},
		"an edited call":        {editing(pack.CallsFile, `"talk_ms":30000`, `"talk_ms":31000`), false, "digest-mismatch", pack.CallsFile},
		"a call's recording":    {editing(pack.CallsFile, `"recordings":["`, `"recordings":["1`), true, "recording-unknown", pack.CallsFile},
		"no JSON":               {editing(pack.LegsFile, `{"`, `["`), true, "document-form", pack.LegsFile},
		"the signature removed": {removing(pack.SignatureFile), false, "signature-missing", pack.SignatureFile},
		"signature edited":      {editing(pack.SignatureFile, "timestamp:1", "timestamp:2"), false, "signature-wrong", pack.SignatureFile},
		"our mark removed":      {editing("bag-info.txt", pack.SchemaLabel+": 1\n", ""), true, "mark-missing", "bag-info.txt"},
		"the query removed":     {removing(pack.QueryFile), true, "part-missing", pack.QueryFile},
		"the key removed":       {removing(pack.KeysFile), true, "keys-form", pack.KeysFile},
		"an unlisted tag file":  {putting("metadata/more.txt", "x"), false, "tag-file-unlisted", "metadata/more.txt"},
		"a file of a system":    {putting("data/.DS_Store", "x"), false, "file-unlisted", "data/.DS_Store"},
		"an odd signature":      {putting(pack.TagManifest+".asc", "x"), false, "tag-file-unlisted", pack.TagManifest + ".asc"},
		"a fetch.txt":           {putting("fetch.txt", "http://example.org/x 1 data/x\n"), false, "fetch-unlisted", "data/x"},
		"sha512 alone differs":  {editing("tagmanifest-sha512.txt", "  READ-ME.en.txt", "  READ-ME.en.txt.old"), false, "tag-manifests-disagree", ""},
		"the lists made anew":   {editing(pack.ReadmeEN, "CHECKED", "TRUSTED"), true, "signature-wrong", pack.SignatureFile},
	}
}

// lines changes the lines of a file.
func lines(t *testing.T, dir, name string, keep func(i int, line string) bool) {
	t.Helper()
	var out strings.Builder
	for i, line := range strings.SplitAfter(get(t, dir, name), "\n") {
		if keep(i, line) {
			out.WriteString(line)
		}
	}
	if out.String() == get(t, dir, name) {
		t.Fatalf("%s: nothing was changed", name)
	}
	put(t, dir, name, out.String())
}

func lastStep(t *testing.T, dir string) {
	t.Helper()
	lines(t, dir, pack.CustodyFile, func(i int, _ string) bool { return i != 2 }) // of the first recording
}

func chainGone(t *testing.T, dir string) {
	t.Helper()
	lines(t, dir, pack.CustodyFile, func(i int, _ string) bool { return i > 3 })
}

func rowGone(t *testing.T, dir string) {
	t.Helper()
	lines(t, dir, pack.MissingFile, func(_ int, line string) bool { return !strings.Contains(line, "expired") })
}

func rowAdded(t *testing.T, dir string) {
	t.Helper()
	put(t, dir, pack.MissingFile, get(t, dir, pack.MissingFile)+"main;1000000000000000000;;;;no-recording;;;;\r\n")
}

func callGone(t *testing.T, dir string) {
	t.Helper()
	lines(t, dir, pack.CallsFile, func(i int, _ string) bool { return i != 7 })
}

// Whatever is done to a package is found and named; with the sender's key demanded, and
// without.
func TestWhatIsDoneToAPackageIsFoundAndNamed(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	dir := s.write(nil)
	for name, a := range attacks(t, dir) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := clone(t, dir)
			a.spoil(t, dir)
			if a.reseal {
				reseal(t, dir)
			}
			for _, o := range []verify.Options{{Trust: s.trust()}, {}} {
				r := check(t, dir, o)
				if r.Verdict != verify.Found || !names(r, a.code, a.path) {
					t.Errorf("want %s of %q: %s, %+v", a.code, a.path, r.Verdict, r.Findings)
				}
				var said bytes.Buffer
				for _, l := range []verify.Language{verify.Russian, verify.English} {
					if err := r.Say(&said, l); err != nil {
						t.Error(err)
					}
				}
				if strings.Contains(said.String(), "%!") {
					t.Errorf("a sentence is broken:\n%s", said.String())
				}
			}
		})
	}
}

// A forger with a key of his own makes a package that is whole in itself: only the
// sender's key, or its fingerprint, tells.
func TestAForgersOwnKeyIsNotTheSenders(t *testing.T) {
	t.Parallel()
	s, forger := newSender(t), newSender(t)
	dir := clone(t, s.write(nil))
	edit(t, dir, pack.ReadmeEN, "CHECKED", "TRUSTED")
	key, bundle := forger.bundle()
	put(t, dir, pack.KeysFile, bundle.Text())
	reseal(t, dir)
	resign(t, dir, key)
	if r := check(t, dir, verify.Options{Trust: s.trust()}); r.Verdict != verify.Found || !names(r, "key-untrusted", pack.SignatureFile) {
		t.Errorf("%s, %+v", r.Verdict, r.Findings)
	}
	if r := check(t, dir, verify.Options{}); r.Verdict != verify.Unproven || r.Signature.State != verify.SignedBySelf {
		t.Errorf("%s, %+v", r.Verdict, r.Findings)
	}
}

// All marks removed, the lists made anew: another program's bag. Who demands ours, or the
// sender's key, is not misled.
func TestAPackageWithoutAnyMark(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	dir := clone(t, s.write(nil))
	edit(t, dir, "bag-info.txt", pack.SchemaLabel+": 1\n", "")
	remove(t, dir, pack.QueryFile)
	remove(t, dir, pack.SignatureFile)
	remove(t, dir, pack.KeysFile)
	reseal(t, dir)
	if r := check(t, dir, verify.Options{}); r.Verdict != verify.Whole || r.Ours {
		t.Errorf("%s, %+v", r.Verdict, r.Findings)
	}
	if r := check(t, dir, verify.Options{Ours: true}); !names(r, "mark-missing", "bag-info.txt") {
		t.Errorf("%s, %+v", r.Verdict, r.Findings)
	}
	if r := check(t, dir, verify.Options{Trust: s.trust()}); !names(r, "signature-missing", pack.SignatureFile) {
		t.Errorf("%s, %+v", r.Verdict, r.Findings)
	}
}

// Whoever trusts the old key can check what its successors signed.
func TestAPackageOfASuccessor(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	old := s.trust()
	for range 2 {
		if _, err := s.ring.Rotate(t.Context(), now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	r := check(t, s.write(nil), verify.Options{Trust: old})
	if r.Verdict != verify.Whole || r.Signature.Rotations != 2 {
		t.Errorf("%s, %+v, %+v", r.Verdict, r.Signature, r.Findings)
	}
}

func TestArchivesThatAreNotWhatTheySay(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	dir := s.write(nil)
	to := t.TempDir()
	whole := map[string][]byte{}
	for _, name := range []string{"p.zip", "p.tar"} {
		if err := export.ArchiveFile(t.Context(), filepath.Join(to, name), dir, nil); err != nil {
			t.Fatal(err)
		}
		whole[name] = []byte(get(t, to, name))
		if r := check(t, filepath.Join(to, name), verify.Options{Trust: s.trust()}); r.Verdict != verify.Whole {
			t.Fatalf("%s: %+v", name, r.Findings)
		}
	}
	z := whole["p.zip"]
	central := int(binary.LittleEndian.Uint32(z[len(z)-6:])) // of the directory; an XLSX is a zip, too
	for name, c := range map[string]struct {
		content []byte
		code    string
	}{
		"a truncated zip":               {z[:len(z)*2/3], "archive-form"},
		"a zip without its last byte":   {z[:len(z)-1], "archive-form"},
		"a truncated tar":               {whole["p.tar"][:len(whole["p.tar"])/2], "archive-form"},
		"a directory with other names":  {otherName(z, central+46), "archive-form"},
		"a local header that differs":   {otherName(z, 30), "archive-form"},
		"something between the members": {append(append(bytes.Clone(z[:central]), "more"...), z[central:]...), "archive-form"},
		"something behind the end":      {append(bytes.Clone(z), "more"...), "archive-form"},
		"a zip bomb":                    {bomb(t, z), "archive-bomb"},
		"a link in a tar":               {linked(t, whole["p.tar"]), "symbolic-link"},
		"a file outside in a zip":       {outside(t), "path-traversal"},
	} {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		r := check(t, path, verify.Options{Trust: s.trust(), Ours: true})
		if r.Verdict != verify.Found || !names(r, c.code, "") {
			t.Errorf("%s: want %s: %s, %.600v", name, c.code, r.Verdict, r.Findings)
		}
	}
}

// otherName changes the name of a member in one of the two places that have it.
func otherName(z []byte, at int) []byte {
	b := bytes.Clone(z)
	b[at+5] ^= 1
	return b
}

func bomb(t *testing.T, z []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	r, err := zip.NewReader(bytes.NewReader(z), int64(len(z)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.File {
		if err := w.Copy(f); err != nil {
			t.Fatal(err)
		}
	}
	to, err := w.CreateRaw(&zip.FileHeader{Name: "p/data/bomb", Method: zip.Deflate, UncompressedSize64: 1 << 40, CompressedSize64: 1})
	if err == nil {
		_, err = to.Write([]byte("x"))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func linked(t *testing.T, whole []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	b.Write(whole[:len(whole)-1024])
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "p/data/link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func outside(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range []string{"p/bagit.txt", "p/../../x"} {
		if _, err := w.CreateRaw(&zip.FileHeader{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhatIsNoPackageCannotBeOpenedOrIsFound(t *testing.T) {
	t.Parallel()
	if _, err := verify.Open(filepath.Join(t.TempDir(), "none"), noLimits); err == nil {
		t.Error("what is not there was opened")
	}
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("a letter"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := check(t, path, verify.Options{}); r.Verdict != verify.Found {
		t.Errorf("%+v", r)
	}
}

func TestTheAnswerForPrograms(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	b, err := json.Marshal(check(t, s.write(nil), verify.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"verdict":"unproven"`, `"ours":true`, `"case":"A40-1234/2026"`, `"state":"own-key"`, `"time_stamp":null`, `"findings":[]`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s lacks %s", b, want)
		}
	}
}

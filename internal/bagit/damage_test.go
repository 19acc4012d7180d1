package bagit_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"

	"fonoteka/internal/bagit"
)

// Every way to alter a bag of ours is found and named: exactly these findings.
func TestDamageIsNamed(t *testing.T) {
	t.Parallel()
	const mp3 = "data/recordings/2026/11/two.mp3"
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir string)
		want  []string
	}{
		"byte flipped with the size kept": {
			func(t *testing.T, dir string) { rewrite(t, dir, mp3, func(s string) string { return "tWo" }) },
			[]string{"digest-mismatch " + mp3},
		},
		"byte appended": {
			func(t *testing.T, dir string) { rewrite(t, dir, mp3, func(s string) string { return s + "!" }) },
			[]string{"digest-mismatch " + mp3, "payload-oxum-mismatch bag-info.txt"},
		},
		"file removed": {
			func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, mp3)) },
			[]string{"file-missing " + mp3, "payload-oxum-mismatch bag-info.txt"},
		},
		"file added": {
			func(t *testing.T, dir string) { writeFile(t, dir, "data/new", "x") },
			[]string{"file-unlisted data/new", "payload-oxum-mismatch bag-info.txt"},
		},
		"file renamed": {
			func(t *testing.T, dir string) { os.Rename(filepath.Join(dir, mp3), filepath.Join(dir, mp3+"2")) },
			[]string{"file-missing " + mp3, "file-unlisted " + mp3 + "2"},
		},
		"file renamed in case only": {
			func(t *testing.T, dir string) {
				os.Rename(filepath.Join(dir, "data/empty"), filepath.Join(dir, "data/Empty"))
			},
			[]string{"case-clash data/empty", "file-missing data/empty", "file-unlisted data/Empty"},
		},
		"file renamed to another normal form": {
			func(t *testing.T, dir string) {
				os.Rename(filepath.Join(dir, "data/recordings/2026/12/третий.mp3"), filepath.Join(dir, norm.NFD.String("data/recordings/2026/12/третий.mp3")))
			},
			[]string{
				"file-missing data/recordings/2026/12/третий.mp3", "file-unlisted " + norm.NFD.String("data/recordings/2026/12/третий.mp3"),
				"normal-form data/recordings/2026/12/третий.mp3",
			},
		},
		"line twice in a manifest": {
			func(t *testing.T, dir string) {
				rewriteLines(t, dir, "manifest-sha256.txt", func(l string) string {
					if strings.HasSuffix(l, mp3) {
						return l + "\n" + l
					}
					return l
				})
				reseal(t, dir)
			},
			[]string{"listed-twice " + mp3},
		},
		"line twice with another digest": {
			func(t *testing.T, dir string) {
				rewriteLines(t, dir, "manifest-sha256.txt", func(l string) string {
					if strings.HasSuffix(l, mp3) {
						return l + "\n" + strings.Repeat("0", 64) + "  " + mp3
					}
					return l
				})
				reseal(t, dir)
			},
			[]string{"listed-differing " + mp3},
		},
		"line missing in one manifest": {
			func(t *testing.T, dir string) {
				dropLine(t, dir, "manifest-sha512.txt", mp3)
				reseal(t, dir)
			},
			[]string{"not-in-every-manifest " + mp3},
		},
		"line and file missing everywhere": {
			func(t *testing.T, dir string) {
				dropLine(t, dir, "manifest-sha256.txt", mp3)
				dropLine(t, dir, "manifest-sha512.txt", mp3)
				os.Remove(filepath.Join(dir, mp3))
				reseal(t, dir)
			},
			[]string{"payload-oxum-mismatch bag-info.txt"},
		},
		"manifests that disagree": {
			func(t *testing.T, dir string) {
				rewriteLines(t, dir, "manifest-sha512.txt", func(l string) string {
					if strings.HasSuffix(l, mp3) {
						return strings.Repeat("0", 128) + "  " + mp3
					}
					return l
				})
				reseal(t, dir)
			},
			[]string{"digest-mismatch " + mp3},
		},
		"edited manifest": {
			func(t *testing.T, dir string) { dropLine(t, dir, "manifest-sha512.txt", mp3) },
			[]string{"digest-mismatch manifest-sha512.txt", "not-in-every-manifest " + mp3},
		},
		"edited bag-info": {
			func(t *testing.T, dir string) {
				rewrite(t, dir, "bag-info.txt", func(s string) string { return strings.Replace(s, "One", "Oni", 1) })
			},
			[]string{"digest-mismatch bag-info.txt"},
		},
		"edited query": {
			func(t *testing.T, dir string) {
				rewrite(t, dir, "metadata/query.json", func(s string) string { return strings.Replace(s, "01", "02", 1) })
			},
			[]string{"digest-mismatch metadata/query.json"},
		},
		"custody entry removed": {
			func(t *testing.T, dir string) { writeFile(t, dir, "metadata/custody.jsonl", "") },
			[]string{"digest-mismatch metadata/custody.jsonl"},
		},
		"unlisted tag file": {
			func(t *testing.T, dir string) { writeFile(t, dir, "metadata/more.json", "x") },
			[]string{"tag-file-unlisted metadata/more.json"},
		},
		"tag file listed by one tag manifest only": {
			func(t *testing.T, dir string) {
				dropLine(t, dir, "tagmanifest-sha512.txt", "metadata/query.json")
			},
			[]string{"tag-manifests-disagree metadata/query.json"},
		},
		"tag file listed by none": {
			func(t *testing.T, dir string) {
				dropLine(t, dir, "tagmanifest-sha256.txt", "metadata/query.json")
				dropLine(t, dir, "tagmanifest-sha512.txt", "metadata/query.json")
			},
			[]string{"tag-file-unlisted metadata/query.json"},
		},
		"tag manifests that disagree": {
			func(t *testing.T, dir string) {
				rewriteLines(t, dir, "tagmanifest-sha512.txt", func(l string) string {
					if strings.HasSuffix(l, "query.json") {
						return strings.Repeat("0", 128) + "  metadata/query.json"
					}
					return l
				})
			},
			[]string{"digest-mismatch metadata/query.json"},
		},
		"no tag manifest of SHA-512": {
			func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "tagmanifest-sha512.txt")) },
			[]string{"tag-manifest-missing tagmanifest-sha512.txt"},
		},
		"no tag manifests": {
			func(t *testing.T, dir string) {
				os.Remove(filepath.Join(dir, "tagmanifest-sha256.txt"))
				os.Remove(filepath.Join(dir, "tagmanifest-sha512.txt"))
			},
			[]string{"tag-manifest-missing ", "tag-manifest-missing tagmanifest-sha256.txt", "tag-manifest-missing tagmanifest-sha512.txt"},
		},
		"manifest of SHA-256 removed": {
			func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "manifest-sha256.txt")) },
			[]string{"file-missing manifest-sha256.txt", "manifest-missing manifest-sha256.txt"},
		},
		"another manifest": {
			func(t *testing.T, dir string) { writeFile(t, dir, "tagmanifest-md5.txt", "") },
			[]string{
				"algorithm-unknown tagmanifest-md5.txt", "manifest-unlisted manifest-sha256.txt", "manifest-unlisted manifest-sha512.txt",
				"tag-manifests-disagree READ-ME.ru.txt", "tag-manifests-disagree bag-info.txt", "tag-manifests-disagree bagit.txt",
				"tag-manifests-disagree metadata/custody.jsonl", "tag-manifests-disagree metadata/query.json",
			},
		},
		"our marks removed": {
			func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "bag-info.txt")) },
			[]string{"file-missing bag-info.txt"},
		},
		"declaration removed": {
			func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "bagit.txt")) },
			[]string{"declaration-missing bagit.txt", "file-missing bagit.txt"},
		},
		"older version declared": {
			func(t *testing.T, dir string) {
				writeFile(t, dir, "bagit.txt", "BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n")
				reseal(t, dir)
			},
			[]string{"version-unknown bagit.txt"},
		},
		"another encoding declared": {
			func(t *testing.T, dir string) {
				writeFile(t, dir, "bagit.txt", "BagIt-Version: 1.0\nTag-File-Character-Encoding: US-ASCII\n")
				reseal(t, dir)
			},
			[]string{"encoding-unknown bagit.txt"},
		},
		"line ends of Windows in a tag manifest": {
			func(t *testing.T, dir string) {
				rewrite(t, dir, "tagmanifest-sha512.txt", func(s string) string { return strings.Replace(s, "\n", "\r\n", 1) })
			},
			[]string{"not-canonical tagmanifest-sha512.txt"},
		},
		"asterisk in a tag manifest": {
			func(t *testing.T, dir string) {
				rewrite(t, dir, "tagmanifest-sha512.txt", func(s string) string { return strings.Replace(s, "  bagit", " *bagit", 1) })
			},
			[]string{"asterisk tagmanifest-sha512.txt", "not-canonical tagmanifest-sha512.txt"},
		},
		"lines of a tag manifest in another order": {
			func(t *testing.T, dir string) {
				rewrite(t, dir, "tagmanifest-sha512.txt", func(s string) string {
					first, rest, _ := strings.Cut(s, "\n")
					return rest + first + "\n"
				})
			},
			[]string{"not-canonical tagmanifest-sha512.txt"},
		},
		"file replaced by a link": {
			func(t *testing.T, dir string) {
				os.Rename(filepath.Join(dir, mp3), filepath.Join(dir, "..", "two.mp3"))
				os.Symlink(filepath.Join(dir, "..", "two.mp3"), filepath.Join(dir, mp3))
			},
			[]string{"file-missing " + mp3, "payload-oxum-mismatch bag-info.txt", "symbolic-link " + mp3},
		},
		"folder replaced by a link": {
			func(t *testing.T, dir string) {
				os.Rename(filepath.Join(dir, "metadata"), filepath.Join(dir, "..", "metadata"))
				os.Symlink("../metadata", filepath.Join(dir, "metadata"))
			},
			[]string{"file-missing metadata/custody.jsonl", "file-missing metadata/query.json", "symbolic-link metadata"},
		},
		"pipe": {
			func(t *testing.T, dir string) { syscall.Mkfifo(filepath.Join(dir, "data/pipe"), 0o600) },
			[]string{"not-regular data/pipe"},
		},
		"name with a backslash": {
			func(t *testing.T, dir string) { writeFile(t, dir, `data/..\x`, "") },
			[]string{`path-backslash data/..\x`},
		},
		"name that is a home folder": {
			func(t *testing.T, dir string) { writeFile(t, dir, "~root", "") },
			[]string{"path-home ~root"},
		},
		"name with the letter of a drive": {
			func(t *testing.T, dir string) { writeFile(t, dir, "C:", "") },
			[]string{"path-drive C:"},
		},
		"signature under a name that is not allowed": {
			func(t *testing.T, dir string) { writeFile(t, dir, "tagmanifest-sha256.txt.minisig.txt", "") },
			[]string{"tag-file-unlisted tagmanifest-sha256.txt.minisig.txt"},
		},
		"payload folder removed": {
			func(t *testing.T, dir string) { os.RemoveAll(filepath.Join(dir, "data")) },
			[]string{
				"file-missing data/calls.jsonl", "file-missing data/empty", "file-missing data/recordings/2026/11/one.mp3",
				"file-missing " + mp3, "file-missing data/recordings/2026/12/третий.mp3", "payload-folder-missing data", "payload-oxum-mismatch bag-info.txt",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := makeBag(t, content)
			for _, extra := range []string{"tagmanifest-sha256.txt.minisig", "tagmanifest-sha256.txt.tsr"} {
				writeFile(t, dir, extra, "signature")
			}
			opts := bagit.Options{Closed: true, Extra: []string{"tagmanifest-sha256.txt.minisig", "tagmanifest-sha256.txt.tsr"}}
			if r := validateFolder(t, dir, opts); len(r.Findings) > 0 {
				t.Fatalf("whole: %v", r.Findings)
			}
			c.spoil(t, dir)
			r := validateFolder(t, dir, opts)
			if diff := cmp.Diff(c.want, found(r, bagit.Error)); diff != "" || r.Valid() {
				t.Errorf("valid %v, want -, got +:\n%s", r.Valid(), diff)
			}
			if w := found(r, bagit.Warning); len(w) > 0 {
				t.Errorf("a closed bag has warnings: %v", w)
			}
		})
	}
}

func dropLine(t *testing.T, dir, manifest, path string) {
	t.Helper()
	rewriteLines(t, dir, manifest, func(l string) string {
		if strings.HasSuffix(l, "  "+path) {
			return ""
		}
		return l
	})
}

// Every byte of a bag is protected, those of the tag manifests by the form that they must
// have: whichever is changed, something is found.
func TestEveryByteIsProtected(t *testing.T) {
	t.Parallel()
	dir := makeBag(t, map[string]string{"data/a": "abc", "metadata/b.json": "{}"})
	for name, whole := range tree(t, dir) {
		for i := range len(whole) {
			b := []byte(whole)
			b[i] ^= 1 << (i % 8)
			writeFile(t, dir, name, string(b))
			if validateFolder(t, dir, bagit.Options{Closed: true}).Valid() {
				t.Errorf("%s: byte %d was changed from %q to %q, and nothing was found", name, i, whole[i], b[i])
			}
		}
		writeFile(t, dir, name, whole)
	}
	if r := validateFolder(t, dir, bagit.Options{Closed: true}); !r.Valid() {
		t.Errorf("restored: %v", r.Findings)
	}
}

func TestProgressIsTold(t *testing.T) {
	t.Parallel()
	dir := makeBag(t, content)
	var read atomic.Int64
	r := validateFolder(t, dir, bagit.Options{Closed: true, Parallel: 2, Read: func(n int) { read.Add(int64(n)) }})
	var size int64
	for _, text := range tree(t, dir) {
		size += int64(len(text))
	}
	if !r.Valid() || read.Load() != size {
		t.Errorf("%d bytes were read, %d are there", read.Load(), size)
	}
}

func TestCheckedFilesAreTold(t *testing.T) {
	t.Parallel()
	dir := makeBag(t, content)
	rewrite(t, dir, "data/calls.jsonl", func(string) string { return "[]\n" })
	var mu sync.Mutex
	checked := map[string]bagit.Sum{}
	validateFolder(t, dir, bagit.Options{Parallel: 2, Checked: func(path string, size int64, digests map[string][]byte) {
		mu.Lock()
		defer mu.Unlock()
		checked[path] = bagit.Sum{Size: size, SHA256: [32]byte(digests["sha256"]), SHA512: [64]byte(digests["sha512"])}
	}})
	want := map[string]bagit.Sum{}
	for name, text := range tree(t, dir) {
		if name != "data/calls.jsonl" && !strings.HasPrefix(name, "tagmanifest-") {
			want[name] = sumOf(text)
		}
	}
	if !maps.Equal(want, checked) {
		t.Errorf("told of %v, want %v", slices.Sorted(maps.Keys(checked)), slices.Sorted(maps.Keys(want)))
	}
}

package bagit_test

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/unicode/norm"

	"fonoteka/internal/bagit"
)

func md5Of(s string) string    { d := md5.Sum([]byte(s)); return hex.EncodeToString(d[:]) }
func sha1Of(s string) string   { d := sha1.Sum([]byte(s)); return hex.EncodeToString(d[:]) }
func sha256Of(s string) string { d := sha256.Sum256([]byte(s)); return hex.EncodeToString(d[:]) }

func declared(version, encoding string) string {
	return fmt.Sprintf("BagIt-Version: %s\nTag-File-Character-Encoding: %s\n", version, encoding)
}

// foreign bags by their files, and what is found in them: "error code path" or
// "warning code path". All lack a tag manifest unless they have one, which is a warning
// that is left out here.
func TestForeignBags(t *testing.T) {
	t.Parallel()
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder().String(md5Of("x") + "  data/ю\r\n")
	if err != nil {
		t.Fatal(err)
	}
	cyrillic, err := charmap.Windows1251.NewEncoder().String(md5Of("x") + "  data/ю\r\n")
	if err != nil {
		t.Fatal(err)
	}
	nfc, nfd := norm.NFC.String("data/й"), norm.NFD.String("data/й")
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"minimal": {files: map[string]string{"bagit.txt": declared("1.0", "UTF-8"), "manifest-md5.txt": md5Of("x") + " data/x", "data/x": "x"}},
		"ends of lines, tabs, upper case": {files: map[string]string{
			"bagit.txt":        "BagIt-Version: 1.0\rTag-File-Character-Encoding: utf-8\r",
			"manifest-md5.txt": strings.ToUpper(md5Of("x")) + "\t \tdata/x\r" + md5Of("y") + "  data/y\r\n" + md5Of("z") + "\tdata/ z \n",
			"data/x":           "x", "data/y": "y", "data/ z ": "z",
		}},
		"UTF-16LE":     {files: map[string]string{"bagit.txt": declared("0.97", "UTF-16LE"), "manifest-md5.txt": utf16, "data/ю": "x"}},
		"windows-1251": {files: map[string]string{"bagit.txt": declared("0.97", "windows-1251"), "manifest-md5.txt": cyrillic, "data/ю": "x"}},
		"not in the declared encoding": {
			map[string]string{"bagit.txt": declared("0.97", "UTF-8"), "manifest-md5.txt": cyrillic, "data/ю": "x"},
			[]string{"error encoding-wrong manifest-md5.txt", "error file-unlisted data/ю"},
		},
		"unknown encoding": {
			map[string]string{"bagit.txt": declared("0.97", "Klingon"), "manifest-md5.txt": "", "data/.keep": ""},
			[]string{"error encoding-unknown bagit.txt", "error file-unlisted data/.keep"},
		},
		"byte-order mark in a manifest": {
			map[string]string{"bagit.txt": declared("1.0", "UTF-8"), "manifest-md5.txt": "\ufeff" + md5Of("x") + " data/x", "data/x": "x"},
			[]string{"error byte-order-mark manifest-md5.txt"},
		},
		"three lines of declaration": {
			map[string]string{"bagit.txt": declared("1.0", "UTF-8") + "More: x\n", "manifest-md5.txt": md5Of("x") + " data/x", "data/x": "x"},
			[]string{"error declaration-form bagit.txt"},
		},
		"version of the future": {
			map[string]string{"bagit.txt": declared("1.1", "UTF-8"), "manifest-md5.txt": md5Of("x") + " data/x", "data/x": "x"},
			[]string{"error version-unknown bagit.txt"},
		},
		"no manifest": {
			map[string]string{"bagit.txt": declared("1.0", "UTF-8"), "data/x": "x"},
			[]string{"error file-unlisted data/x", "error manifest-missing "},
		},
		"no payload folder": {
			map[string]string{"bagit.txt": declared("1.0", "UTF-8"), "manifest-md5.txt": ""},
			[]string{"error payload-folder-missing data"},
		},
		"algorithms of which one is unknown": {
			map[string]string{
				"bagit.txt": declared("1.0", "UTF-8"), "manifest-sha1.txt": sha1Of("x") + " data/x",
				"manifest-blake3.txt": "abcdef data/x", "data/x": "x",
			},
			[]string{"warning algorithm-unknown manifest-blake3.txt"},
		},
		"the only algorithm is unknown": {
			map[string]string{"bagit.txt": declared("1.0", "UTF-8"), "manifest-blake3.txt": "abcdef data/x", "data/x": "x"},
			[]string{"error algorithm-unknown manifest-blake3.txt", "error unchecked data/x"},
		},
		"0.97 lists a file in one of two manifests": {files: map[string]string{
			"bagit.txt": declared("0.97", "UTF-8"), "manifest-sha1.txt": sha1Of("x") + " data/x", "manifest-md5.txt": md5Of("y") + " data/y",
			"data/x": "x", "data/y": "y",
		}},
		"1.0 lists a file in one of two manifests": {
			map[string]string{
				"bagit.txt": declared("1.0", "UTF-8"), "manifest-sha1.txt": sha1Of("x") + " data/x", "manifest-md5.txt": md5Of("x") + " data/x\n" + md5Of("y") + " data/y",
				"data/x": "x", "data/y": "y",
			},
			[]string{"error not-in-every-manifest data/y"},
		},
		"lines that are none": {
			map[string]string{
				"bagit.txt":        declared("1.0", "UTF-8"),
				"manifest-md5.txt": md5Of("x") + " data/x\n\nhello\n" + md5Of("x")[1:] + " data/y\nxyz data/y\n" + sha1Of("x") + " data/y\n" + md5Of("x") + "  \n" + `\` + md5Of("x") + "  data/y\n",
				"data/x":           "x",
			},
			[]string{
				"error manifest-form manifest-md5.txt", "error manifest-form manifest-md5.txt", "error manifest-form manifest-md5.txt",
				"error manifest-form manifest-md5.txt", "error manifest-form manifest-md5.txt", "error manifest-form manifest-md5.txt",
				"warning blank-line manifest-md5.txt",
			},
		},
		"hostile paths in a manifest": {
			map[string]string{
				"bagit.txt": declared("1.0", "UTF-8"), "data/x": "x",
				"manifest-md5.txt": md5Of("x") + " " + strings.Join([]string{
					"data/x", "../../etc/passwd", "/etc/passwd", "~/x", "~root/x", `C:\x`, "C:x", `\\server\share\x`, "//server/share/x", `data\x`,
					"data/../../x", "data/./x", "data//x", "data/x/", "data/a\x00b", "bagit.txt", "data/..", ".",
				}, "\n"+md5Of("x")+" "),
			},
			nil, // each by its own code: see below
		},
		"hostile paths in fetch.txt": {
			map[string]string{
				"bagit.txt": declared("1.0", "UTF-8"), "data/x": "x", "manifest-md5.txt": md5Of("x") + " data/x",
				"fetch.txt": "http://a/x - ../x\nhttp://a/x - /x\nhttp://a/x - ~x\nhttp://a/x 5 D:\\x\nhttp://a/x 5 bagit.txt\nhttp://a/x 5 data/other\nhttp://a/x five data/x\nhttp://a/x\nx 5 data/x\nhttp://a/x +5 data/x\n",
			},
			[]string{
				"error fetch-form fetch.txt", "error fetch-form fetch.txt", "error fetch-form fetch.txt", "error fetch-form fetch.txt",
				"error fetch-outside-payload bagit.txt", "error fetch-unlisted data/other", "error path-absolute /x", "error path-drive D:\\x", "error path-home ~x", "error path-traversal ../x",
			},
		},
		"holes": {
			map[string]string{
				"bagit.txt": declared("1.0", "UTF-8"), "data/x": "x", "manifest-md5.txt": md5Of("x") + " data/x\n" + md5Of("y") + " data/y\n" + md5Of("z") + " data/z",
				"fetch.txt": "http://a/y 1 data/y\n",
			},
			[]string{"error file-missing data/z", "error file-not-fetched data/y"},
		},
		"encoded names of 1.0": {
			map[string]string{
				"bagit.txt": declared("1.0", "UTF-8"), "data/a\nb%": "x", "data/50%": "y",
				"manifest-md5.txt": md5Of("x") + " data/a%0ab%25\n" + md5Of("y") + " data/50%",
			},
			[]string{"warning percent-form manifest-md5.txt"},
		},
		"1.0 does not take an encoded name for one": {
			map[string]string{"bagit.txt": declared("1.0", "UTF-8"), "data/a%0Ab": "x", "manifest-md5.txt": md5Of("x") + " data/a%0Ab"},
			[]string{"error file-missing data/a\nb", "error file-unlisted data/a%0Ab"},
		},
		"encoded names of 0.97": {files: map[string]string{
			"bagit.txt": declared("0.97", "UTF-8"), "data/a\nb": "x", "data/50%25": "y", "data/c%0Dd": "z",
			"manifest-md5.txt": md5Of("x") + " data/a%0Ab\n" + md5Of("y") + " data/50%25\n" + md5Of("z") + " data/c%0Dd",
		}},
		"0.97 does not encode percent signs": {files: map[string]string{
			"bagit.txt": declared("0.97", "UTF-8"), "data/50%25": "x", "data/50%": "y",
			"manifest-md5.txt": md5Of("x") + " data/50%25\n" + md5Of("y") + " data/50%\n",
		}},
		"encoded names of 0.96 are names": {files: map[string]string{
			"bagit.txt": declared("0.96", "UTF-8"), "data/a%0Ab": "x", "manifest-md5.txt": md5Of("x") + " data/a%0Ab",
		}},
		"names that differ in case": {
			map[string]string{
				"bagit.txt": declared("1.0", "UTF-8"), "data/Я": "x", "data/я": "y", "data/A/x": "x", "data/a/y": "y",
				"manifest-md5.txt": md5Of("x") + " data/Я\n" + md5Of("y") + " data/я\n" + md5Of("x") + " data/A/x\n" + md5Of("y") + " data/a/y\n",
			},
			[]string{"warning case-clash data/a", "warning case-clash data/я"},
		},
		"listed in one normal form, stored in the other": {
			map[string]string{"bagit.txt": declared("1.0", "UTF-8"), nfd: "x", "manifest-md5.txt": md5Of("x") + " " + nfc},
			[]string{"warning normal-form " + nfc},
		},
		"listed in one normal form, stored in the other, altered": {
			map[string]string{"bagit.txt": declared("1.0", "UTF-8"), nfd: "y", "manifest-md5.txt": md5Of("x") + " " + nfc},
			[]string{"error digest-mismatch " + nfd, "warning normal-form " + nfc},
		},
		"a name in another case does not stand for a missing one": {
			map[string]string{"bagit.txt": declared("0.97", "UTF-8"), "data/A": "x", "manifest-md5.txt": md5Of("x") + " data/A\n" + md5Of("y") + " data/a"},
			[]string{"error file-missing data/a", "warning case-clash data/a"},
		},
		"a system file that is not empty is missed": {
			map[string]string{"bagit.txt": declared("0.97", "UTF-8"), "data/x": "x", "manifest-md5.txt": md5Of("x") + " data/x\n" + md5Of("y") + " data/.DS_Store"},
			[]string{"error file-missing data/.DS_Store", "warning system-file data/.DS_Store"},
		},
		"tag manifest lists payload and tag manifests": {
			map[string]string{
				"bagit.txt": declared("1.0", "UTF-8"), "data/x": "x", "manifest-md5.txt": md5Of("x") + " data/x",
				"tagmanifest-sha256.txt": sha256Of("x") + " data/x\n" + sha256Of("x") + " tagmanifest-sha256.txt\n" + sha256Of(declared("1.0", "UTF-8")) + " bagit.txt",
			},
			[]string{"error manifest-unlisted manifest-md5.txt", "error payload-in-tag-manifest data/x", "error tag-manifest-listed tagmanifest-sha256.txt"},
		},
		"tag folder before 0.97": {
			map[string]string{"bagit.txt": declared("0.96", "UTF-8"), "data/x": "x", "metadata/y": "y", "manifest-md5.txt": md5Of("x") + " data/x"},
			[]string{"warning tag-folder metadata"},
		},
		"bag-info of 1.0": {
			map[string]string{
				"bagit.txt": declared("1.0", "UTF-8"), "data/x": "x", "manifest-md5.txt": md5Of("x") + " data/x",
				"bag-info.txt": "  continues nothing\nNo colon\n: no label\nLabel : white space\n\nPayload-Oxum: 1.1\nPayload-Oxum: 1.2\npayload-OXUM: x\n",
			},
			[]string{
				"error bag-info-form bag-info.txt", "error bag-info-form bag-info.txt", "error bag-info-form bag-info.txt", "error bag-info-form bag-info.txt",
				"error payload-oxum-form bag-info.txt", "error payload-oxum-mismatch bag-info.txt", "error payload-oxum-repeated bag-info.txt", "warning blank-line bag-info.txt",
			},
		},
		"package-info of 0.95": {
			map[string]string{
				"bagit.txt": declared("0.95", "UTF-8"), "data/x": "x", "manifest-md5.txt": md5Of("x") + " data/x",
				"package-info.txt": "Payload-Oxum: 2.1\n",
			},
			[]string{"error payload-oxum-mismatch package-info.txt"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for path, text := range c.files {
				writeFile(t, dir, path, text)
			}
			r := validateFolder(t, dir, bagit.Options{})
			var got []string
			for _, s := range []bagit.Severity{bagit.Error, bagit.Warning} {
				for _, f := range found(r, s) {
					if f != "tag-manifest-missing " {
						got = append(got, string(s)+" "+f)
					}
				}
			}
			if name == "hostile paths in a manifest" {
				hostilePaths(t, got)
				return
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("want -, got +:\n%s\n%v", diff, r.Findings)
			}
		})
	}
}

func hostilePaths(t *testing.T, got []string) {
	t.Helper()
	want := []string{
		"error outside-payload bagit.txt", "error path-absolute /etc/passwd", `error path-backslash data\x`, `error path-drive C:\x`, "error path-drive C:x",
		"error path-form .", "error path-form data/./x", "error path-form data//x", "error path-form data/x/",
		"error path-home ~/x", "error path-home ~root/x", "error path-nul data/a\x00b",
		"error path-traversal ../../etc/passwd", "error path-traversal data/..", "error path-traversal data/../../x",
		"error path-unc //server/share/x", `error path-unc \\server\share\x`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

package bagit_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/bagit"
	"fonoteka/internal/testenv"
)

// expected is what must be found in a bag of the conformance suite: exactly these
// codes, in order of the alphabet, each once however often it is found.
type expected struct {
	errors   string
	warnings string
}

// suite has a line for each bag of the Library of Congress's conformance suite. valid
// and warning are accepted, the others refused, on every system.
var suite = map[string]expected{
	"v0.93/valid/basic-bag":                  {},
	"v0.93/valid/duplicate-metadata-entries": {},
	"v0.94/valid/basic-bag":                  {},
	"v0.94/valid/duplicate-metadata-entries": {},
	"v0.95/valid/basic-bag":                  {},
	"v0.95/valid/duplicate-metadata-entries": {},

	"v0.96/valid/bag-in-a-bag":                           {},
	"v0.96/valid/bag-with-encoded-names":                 {},
	"v0.96/valid/bag-with-escapable-characters":          {},
	"v0.96/valid/bag-with-leading-dot-slash-in-manifest": {warnings: "dot-slash"},
	"v0.96/valid/bag-with-space":                         {},
	"v0.96/valid/basic-bag":                              {},
	"v0.96/valid/duplicate-metadata-entries":             {},
	"v0.96/valid/holey-bag":                              {warnings: "tag-file-unlisted"}, // fetch.txt

	"v0.97/valid/ISO-8859-1-encoded-tag-files":           {},
	"v0.97/valid/UTF-16-encoded-tag-files":               {},
	"v0.97/valid/bag-in-a-bag":                           {},
	"v0.97/valid/bag-with-encoded-names":                 {},
	"v0.97/valid/bag-with-escapable-characters":          {},
	"v0.97/valid/bag-with-leading-dot-slash-in-manifest": {warnings: "dot-slash"},
	"v0.97/valid/bag-with-space":                         {},
	"v0.97/valid/basic-bag":                              {},
	"v0.97/valid/duplicate-metadata-entries":             {},
	"v0.97/valid/holey-bag":                              {warnings: "tag-file-unlisted"}, // fetch.txt
	"v0.97/valid/minimal-bag":                            {},
	"v0.97/valid/uncommon-metadata-separators":           {},
	"v1.0/valid/basicBag":                                {},

	"v0.97/warning/duplicate-file-with-different-case":                      {warnings: "case-clash"},
	"v0.97/warning/made-with-md5sum-tools":                                  {warnings: "asterisk"},
	"v0.97/warning/relative-path":                                           {warnings: "dot-slash"},
	"v0.97/warning/same-filename-listed-twice-with-different-normalization": {warnings: "normal-form tag-file-unlisted"},   // README
	"v0.97/warning/same-filename-listed-twice-with-the-same-hash":           {warnings: "listed-twice tag-file-unlisted"},  // debug
	"v0.97/warning/special-system-files":                                    {warnings: "system-file system-file-missing"}, // .DS_Store is not in the suite

	"v0.97/invalid/baginfo-missing-encoding":                             {errors: "declaration-form digest-mismatch"}, // the digest is of a whole bagit.txt
	"v0.97/invalid/bom-in-bagit.txt":                                     {errors: "byte-order-mark"},
	"v0.97/invalid/corrupt-data-file":                                    {errors: "digest-mismatch payload-oxum-mismatch"},
	"v0.97/invalid/corrupt-tag-file":                                     {errors: "digest-mismatch"},
	"v0.97/invalid/extra-file-in-bag":                                    {errors: "file-unlisted payload-oxum-mismatch"},
	"v0.97/invalid/invalid-version-number":                               {errors: "digest-mismatch version-unknown"}, // the digest is of 0.97
	"v0.97/invalid/missing-baginfo":                                      {errors: "file-missing"},
	"v0.97/invalid/missing-bagit.txt":                                    {errors: "declaration-missing file-missing"},
	"v0.97/invalid/out-of-scope-file-paths-using-dot-notation":           {errors: "path-backslash path-traversal"},
	"v0.97/invalid/out-of-scope-file-paths-using-dot-notation-for-fetch": {errors: "path-traversal"},
	"v0.97/invalid/same-filename-listed-twice-with-different-hashes":     {errors: "listed-differing"},
	"v1.0/invalid/bagit-with-invalid-whitespace":                         {errors: "declaration-form"},
	"v1.0/invalid/notAllManifestsListAllFiles":                           {errors: "file-unlisted"},
	"v1.0/invalid/same-filename-listed-twice-with-different-hashes":      {errors: "digest-mismatch listed-differing", warnings: "declaration-form"}, // a space after 1.0
	"v1.0/invalid/same-filename-listed-twice-with-the-same-hash":         {errors: "digest-mismatch listed-twice", warnings: "tag-file-unlisted"},    // the digest is of 0.97

	"v0.97/linux-only/out-of-scope-file-paths-using-absolute-path":               {errors: "path-absolute"},
	"v0.97/linux-only/out-of-scope-file-paths-using-absolute-path-for-fetch":     {errors: "path-absolute"},
	"v0.97/linux-only/out-of-scope-file-paths-using-shortcut":                    {errors: "path-home"},
	"v0.97/linux-only/out-of-scope-file-paths-using-shortcut-for-fetch":          {errors: "path-home"},
	"v0.97/linux-only/out-of-scope-file-paths-using-shortcut-username":           {errors: "path-home"},
	"v0.97/linux-only/out-of-scope-file-paths-using-shortcut-username-for-fetch": {errors: "path-home"},

	"v0.97/windows-only/out-of-scope-file-paths-using-absolute-path":           {errors: "path-drive"},
	"v0.97/windows-only/out-of-scope-file-paths-using-absolute-path-for-fetch": {errors: "path-drive"},
	"v0.97/windows-only/out-of-scope-file-paths-using-shortcut":                {errors: "path-backslash"},
	"v0.97/windows-only/out-of-scope-file-paths-using-shortcut-for-fetch":      {errors: "path-backslash"},
	"v0.97/windows-only/out-of-scope-file-paths-using-unc":                     {errors: "path-unc"},
	"v0.97/windows-only/out-of-scope-file-paths-using-unc-for-fetch":           {errors: "path-unc", warnings: "tag-file-unlisted"},
}

func TestConformanceSuite(t *testing.T) {
	t.Parallel()
	top := os.Getenv("BAGIT_SUITE")
	if top == "" {
		testenv.Missing(t, "BAGIT_SUITE names no folder with the Library of Congress's bagit-conformance-suite (git clone https://github.com/LibraryOfCongress/bagit-conformance-suite)")
	}
	bags, err := filepath.Glob(filepath.Join(top, "v*", "*", "*"))
	if err != nil || len(bags) == 0 {
		t.Fatalf("BAGIT_SUITE=%s has no bags: %v", top, err)
	}
	left := len(suite)
	for _, dir := range bags {
		name, err := filepath.Rel(top, dir)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(dir); err == nil && !info.IsDir() {
			continue // a Makefile of the suite's own
		}
		t.Run(name, func(t *testing.T) {
			want, ok := suite[name]
			if !ok {
				t.Fatal("the table has no line for this bag")
			}
			r := validateFolder(t, dir, bagit.Options{})
			got := expected{codes(r, bagit.Error), codes(r, bagit.Warning)}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(expected{})); diff != "" {
				t.Errorf("want -, got +:\n%s\n%v", diff, r.Findings)
			}
			accepted := strings.Contains(name, "/valid/") || strings.Contains(name, "/warning/")
			if r.Valid() != accepted {
				t.Errorf("valid: %v, want %v", r.Valid(), accepted)
			}
			if strings.Contains(name, "/warning/") && want.warnings == "" {
				t.Error("the table names no warning")
			}
		})
		left--
	}
	if left != 0 {
		t.Errorf("the table has %d lines more than there are bags", left)
	}
}

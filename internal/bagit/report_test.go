package bagit_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fonoteka/internal/bagit"
)

func validateFolder(t *testing.T, dir string, opts bagit.Options) *bagit.Report {
	t.Helper()
	src, err := bagit.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	r, err := bagit.Validate(context.Background(), src, opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// codes that were found with a severity, each once, sorted.
func codes(r *bagit.Report, s bagit.Severity) string {
	var list []string
	for _, f := range r.Findings {
		if f.Severity == s {
			list = append(list, string(f.Code))
		}
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " ")
}

// found are the findings of a severity, "code path" each.
func found(r *bagit.Report, s bagit.Severity) []string {
	var list []string
	for _, f := range r.Findings {
		if f.Severity == s {
			list = append(list, string(f.Code)+" "+f.Path)
		}
	}
	slices.Sort(list)
	return list
}

func writeFile(t testing.TB, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

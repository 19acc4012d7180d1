package verify

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"fonoteka/internal/bagit"
)

// Each code of bagit's is said in Russian.
func TestEveryCodeIsSaidInRussian(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(filepath.Join("..", "bagit", "finding.go"))
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`Code += "([a-z0-9-]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(codes) < 50 {
		t.Fatalf("%d codes", len(codes))
	}
	for _, c := range codes {
		if russian[bagit.Code(c[1])] == "" {
			t.Errorf("nothing is said of %s", c[1])
		}
	}
}

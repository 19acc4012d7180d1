package daemon

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"fonoteka/internal/embedded"
	"fonoteka/internal/embedded/embeddedtest"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// redirect is the secret path of the tests' integration.
const redirect = "/mtt/secret"

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func engineCache(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("FONOTEKA_ENGINE_CACHE"); dir != "" {
		return dir
	}
	dir, err := embedded.DefaultCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// leftovers names processes that still work on the folder.
func leftovers(dir string) string {
	for _, store := range []string{"clickhouse", "s3"} {
		b, err := os.ReadFile(dir + "/" + store + "/lock")
		if err != nil {
			continue
		}
		if _, err := os.Stat("/proc/" + strings.TrimSpace(string(b))); err == nil && len(b) > 1 {
			return store
		}
	}
	return ""
}

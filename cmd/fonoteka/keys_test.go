package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fonoteka/internal/state"
)

// A person makes a key, gives it away, and replaces it.
func TestKeysAreMadeShownAndReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, stderr, code := output(t, "keys", "show", "--data", filepath.Join(dir, "none")); code != 1 || !strings.Contains(stderr, "no fonoteka installation") {
		t.Errorf("exit %d\n%s%s", code, out, stderr)
	}
	s, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() // keys are made beside a running serve, too
	if _, stderr, code := output(t, "keys", "show", "--data", dir); code != 4 || !strings.Contains(stderr, "fonoteka keys create") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	var first, second keyJSON
	for _, c := range []struct {
		args []string
		into *keyJSON
	}{{[]string{"create"}, &first}, {[]string{"show"}, &first}, {[]string{"rotate"}, &second}} {
		out, stderr, code := output(t, append([]string{"keys"}, append(c.args, "--json", "--data", dir)...)...)
		if err := json.Unmarshal([]byte(out), c.into); code != 0 || err != nil {
			t.Fatalf("keys %v: exit %d, %v\n%s%s", c.args, code, err, out, stderr)
		}
	}
	if _, stderr, code := output(t, "keys", "create", "--data", dir); code != 1 || !strings.Contains(stderr, "keys rotate") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	out, _, code := output(t, "keys", "show", "--data", dir)
	if code != 0 || !strings.Contains(out, second.Fingerprint) || !strings.Contains(out, "in 1 step, from the key with the fingerprint "+first.Fingerprint) || second.Public == first.Public {
		t.Errorf("exit %d\n%s", code, out)
	}
	if out, _, code = output(t, "keys", "show", "--file", "--data", dir); code != 0 || !strings.HasPrefix(out, "untrusted comment: ") || strings.Split(out, "\n")[1] != second.Public {
		t.Errorf("exit %d\n%s", code, out)
	}
	chain, err := os.ReadFile(filepath.Join(dir, "audit", "chain.jsonl"))
	if err != nil || strings.Count(string(chain), `"keys.create"`) != 4 || !strings.Contains(string(chain), `"keys.rotate"`) || !strings.Contains(string(chain), second.Fingerprint) {
		t.Errorf("the audit: %v\n%s", err, chain)
	}
}

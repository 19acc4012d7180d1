package system

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"fonoteka/internal/state"
)

// What a sender puts into a Call-ID or an account, and a listener into a user name,
// reaches no terminal in a form that acts there: no line of its own, no escape
// sequence, no turned direction of writing.
func TestAttackNamesDoNotActOnATerminal(t *testing.T) {
	t.Parallel()
	in := install(t).start().ready()
	const acts = "\x1b]0;owned\x07\n2026-01-01 00:00:00  root  audit.cleared\r\u009b31m\u202eevil\u2066\u200b\x7f"
	for _, state := range []string{"trying", "finished"} {
		body, err := json.Marshal(map[string]any{"event": "callNotifications", "result": map[string]any{"callInfo": map[string]any{
			"call": map[string]any{"id": "id" + acts}, "state": state, "type": "incoming", "reason": "why" + acts, "startTime": time.Now().UTC().Format(time.DateTime),
			"caller": map[string]any{"accountId": "79160000001@pstn", "displayId": "name" + acts},
			"callee": map[string]any{"accountId": "account" + acts, "centrexId": "1"},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		if status := in.post(redirect+"/events", body); status != http.StatusOK {
			t.Fatalf("a notification was answered %d", status)
		}
	}
	in.eventually(time.Minute, "1", "SELECT count() FROM calls")
	id := in.sql("SELECT call_id FROM calls")

	v, err := state.Read(in.dir)
	if err != nil {
		t.Fatal(err)
	}
	unknown := "/recordings/" + strings.Repeat("0", 32)
	if status, _, _ := in.visit("GET", unknown, basic("anna", v.RecordingsPassword)); status != http.StatusNotFound {
		t.Fatalf("an honest name: %d", status)
	}
	for _, c := range []string{"\x1b[2J", "\n", "\r", "\t", "\u009b", "\u202e", "\u2066", "\u200b", "\x7f", "\xff"} {
		if status, _, _ := in.visit("GET", unknown, basic("anna"+c, v.RecordingsPassword)); status != http.StatusUnauthorized {
			t.Errorf("the user name %q is let in: %d", "anna"+c, status)
		}
	}

	shown := 0
	for _, args := range [][]string{
		{"calls", "list"},
		{"calls", "list", "--json"},
		{"calls", "show", id},
		{"calls", "show", "--json", id},
		{"calls", "show", "id" + acts},
		{"calls", "show", "none" + acts},
		{"recordings", "list"},
		{"recordings", "get", acts},
		{"audit", "list"},
		{"directory", "list"},
		{"directory", "import", "--as", acts, "none.csv"},
		{"parking", "show"},
		{"rebuild", "--call", acts},
		{acts},
		{"calls", acts},
	} {
		stdout, stderr, _ := in.exits(args...)
		for where, text := range map[string]string{"stdout": stdout, "stderr": stderr} {
			if i := strings.IndexFunc(text, func(r rune) bool {
				return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r))
			}); i >= 0 {
				t.Errorf("%q: %s holds %q", args, where, clip(text[i:]))
			}
			for line := range strings.Lines(text) {
				if strings.HasPrefix(strings.TrimSpace(line), "2026-01-01 00:00:00  root") {
					t.Errorf("%q: %s has a forged line", args, where)
				}
			}
		}
		if strings.Contains(stdout, `\u001b]0;owned`) {
			shown++
		}
	}
	if shown < 3 {
		t.Errorf("only %d commands show the names at all: the test proves nothing", shown)
	}
	if out, _, _ := in.exits("calls", "show", "--json", id); !slices.ContainsFunc(jsonStrings(t, out), func(s string) bool { return strings.Contains(s, acts) }) {
		t.Error("JSON does not say what came")
	}
}

// jsonStrings are all strings of a JSON document.
func jsonStrings(t *testing.T, doc string) (all []string) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(doc))
	for {
		tok, err := dec.Token()
		if err != nil {
			return all
		}
		if s, ok := tok.(string); ok {
			all = append(all, s)
		}
	}
}

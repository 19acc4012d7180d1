package system

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/audit"
	"fonoteka/internal/sim"
)

// trace are the entries of the installation's audit, as its file has them.
func (in *installation) trace() (rows []audit.Row, text string) {
	in.t.Helper()
	files, err := filepath.Glob(filepath.Join(in.dir, "audit", "*.jsonl"))
	if err != nil || len(files) == 0 {
		in.t.Fatalf("no file of the audit: %v", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			in.t.Fatal(err)
		}
		text += string(b)
		for line := range strings.Lines(string(b)) {
			var r audit.Row
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				in.t.Fatal(err)
			}
			rows = append(rows, r)
		}
	}
	return rows, text
}

// freeDays of 2026 are its weekends, without a holiday.
func freeDays(month int) string {
	var days []string
	for d := time.Date(2026, time.Month(month+1), 1, 0, 0, 0, 0, time.UTC); int(d.Month()) == month+1; d = d.AddDate(0, 0, 1) {
		if d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
			days = append(days, strconv.Itoa(d.Day()))
		}
	}
	return strings.Join(days, ",")
}

// calendarOf2026 is a file for calendar import.
func calendarOf2026() string {
	var months strings.Builder
	for m := range 12 {
		fmt.Fprintf(&months, `%s{"month":%d,"days":"%s"}`, map[bool]string{true: ","}[m > 0], m+1, freeDays(m))
	}
	return `{"year":2026,"months":[` + months.String() + `]}`
}

// Whoever is given calls, numbers or a recording by a command leaves a trace with the
// name of the system's user, and no number, name or word of theirs.
func TestWhoeverTakesSomethingLeavesATrace(t *testing.T) {
	t.Parallel()
	in, _, l := filled(t, sim.Options{Seed: 21, Calls: 20, Connections: 4})
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	id := in.sql("SELECT recording_id FROM recordings WHERE state = 'archived' ORDER BY recording_id LIMIT 1")
	callID := in.sql("SELECT call_id FROM calls ORDER BY call_id LIMIT 1")
	number := in.sql("SELECT client_number FROM calls WHERE client_number != '' ORDER BY call_id LIMIT 1")
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	days := write("ivanov.json", calendarOf2026())
	links := write("ivanov.csv", "url,recorded_at\nhttps://records.mtt.ru/2026/11/02/a.mp3,2026-11-02T10:00:00Z\n")
	const word = "Иванов"
	if _, err := in.command("sql", "SELECT 1"); err != nil { // there is a trail now
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		action string
		want   audit.Entry
	}{
		{[]string{"calls", "list", "--number", number, "--from", "2020-01-01"}, "calls.list", audit.Entry{Detail: "by from, number"}},
		{[]string{"calls", "show", callID}, "calls.show", audit.Entry{Target: callID}},
		{[]string{"recordings", "list"}, "recordings.list", audit.Entry{}},
		{[]string{"recordings", "list", "--json", "--state", "archived"}, "recordings.list", audit.Entry{Detail: "by state"}},
		{[]string{"recordings", "at-risk"}, "recordings.at-risk", audit.Entry{}},
		{[]string{"recordings", "get", "-o", filepath.Join(dir, "ivanov.mp3"), id}, "recording.get", audit.Entry{Target: id}},
		{[]string{"recordings", "get", "-o", "-", id}, "recording.get", audit.Entry{Target: id}},
		{[]string{"recordings", "retry", "--all"}, "recordings.retry", audit.Entry{}},
		{[]string{"recordings", "import", links}, "recordings.import", audit.Entry{}},
		{[]string{"directory", "list"}, "directory.list", audit.Entry{}},
		{[]string{"parking", "show"}, "parking.show", audit.Entry{}},
		{[]string{"calendar", "import", days}, "calendar.import", audit.Entry{Detail: "1 year"}},
		{[]string{"sql", "SELECT '" + word + number + "'"}, "sql.query", audit.Entry{}},
		{[]string{"sql", "--connection"}, "sql.connection", audit.Entry{}},
	} {
		before, _ := in.trace()
		_, stderr, status := in.exits(c.args...)
		if status != 0 && !(status == 3 && c.action == "recordings.at-risk") && !(status == 6 && c.action == "recordings.import") {
			t.Errorf("%v: %d %s", c.args, status, stderr)
		}
		after, _ := in.trace()
		i := slices.IndexFunc(after[len(before):], func(r audit.Row) bool { return r.Action == c.action && r.Outcome == audit.Done })
		if i < 0 {
			t.Errorf("%v left no trace: %+v", c.args, after[len(before):])
			continue
		}
		got := after[len(before)+i].Entry
		if got.Actor != me.Username || got.Target != c.want.Target || c.want.Detail != "" && got.Detail != c.want.Detail {
			t.Errorf("%v: %+v", c.args, got)
		}
	}
	_, text := in.trace()
	for _, private := range []string{number, number[1:], word, "ivanov", dir, "SELECT"} {
		if strings.Contains(text, private) {
			t.Errorf("the audit holds %q", private)
		}
	}
	for _, c := range l.Calls {
		if n := c.ClientNumber; len(n) > 5 && strings.Contains(text, n) {
			t.Errorf("the audit holds a client's number")
		}
	}
}

// Guessing leaves a trace, and neither a line for each guess nor what was guessed.
func TestRefusedPasswordsLeaveATrace(t *testing.T) {
	t.Parallel()
	in := install(t).start().ready()
	for range 200 {
		if status, _, _ := in.visit("GET", "/recordings/"+strings.Repeat("0", 32), basic("somebody", "guessed-word")); status != http.StatusUnauthorized {
			t.Fatal(status)
		}
	}
	if status, _, _ := in.visit("GET", "/recordings/"+strings.Repeat("0", 32), nil); status != http.StatusUnauthorized {
		t.Fatal(status)
	}
	if status, _, _ := in.visit("POST", "/admin/replay", http.Header{"Authorization": {"Bearer guessed-word"}}); status != http.StatusForbidden {
		t.Fatal(status)
	}
	refused := func() (out []audit.Row) {
		rows, text := in.trace()
		if strings.Contains(text, "guessed-word") || strings.Contains(text, "somebody") {
			t.Error("the audit holds what was typed")
		}
		for _, r := range rows {
			if r.Outcome == audit.Refused {
				out = append(out, r)
			}
		}
		return out
	}
	if got := refused(); len(got) == 0 || len(got) > 2 || got[0].Action != "recording.listen" {
		t.Errorf("%+v", got)
	}
	in.until("the entry reaches the table", time.Minute, func() bool {
		return in.sql("SELECT count() > 0 FROM audit WHERE outcome = 'refused'") != "0"
	})
}

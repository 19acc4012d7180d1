package system

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fonoteka/internal/sim"
)

// elsewhere are the commands that need more than an installation, with the test that
// has it.
var elsewhere = map[string]string{
	"serve":             "each of these tests runs beside it",
	"call make":         "TestACallWeMakeIsFollowedToItsArchivedRecording",
	"call transfer":     "TestCallsAreLedOnAndLegsDropped",
	"call drop-leg":     "TestCallsAreLedOnAndLegsDropped",
	"parking set":       "TestCallsAreLedOnAndLegsDropped",
	"parking clear":     "TestCallsAreLedOnAndLegsDropped",
	"directory fetch":   "TestARenamedWorkplaceKeepsItsNameOnOlderCalls, whose serve fetches it",
	"auth login":        "TestAuthLoginAsksAndWaits",
	"auth status":       "TestAuthLoginAsksAndWaits",
	"auth logout":       "TestAuthLoginAsksAndWaits",
	"spool acknowledge": "TestP1P7ServeGoesOnWithADamagedSpool",
	"engine fetch":      "make engine runs it before the tests",
}

// Every command does what it is for on one installation: beside serve, and once serve
// has stopped.
func TestEveryCommandAnswersOnAnInstallation(t *testing.T) {
	t.Parallel()
	in, op, _ := filled(t, sim.Options{Seed: 23, Calls: 8, Connections: 4})
	id := in.sql("SELECT recording_id FROM recordings WHERE state = 'archived' ORDER BY recording_id LIMIT 1")
	callID := in.sql("SELECT call_id FROM calls ORDER BY call_id LIMIT 1")
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	links := file("links.csv", "url\nhttp://"+op.addr+"/records/1/2026/03/02/none.mp3\n")
	staff := file("staff.csv", "workplace;department;employee;from\n883140000000001;Приёмная;Анна П.;2026-01-01\n")
	calendar := file("calendar.json", calendarOf2026())
	commands := map[string]struct {
		args []string
		says string
	}{
		"migrate":                      {nil, ""},
		"sql":                          {[]string{"--format", "TSV", "SELECT count() FROM calls"}, "8\n"},
		"calendar import":              {[]string{calendar}, "2026: "},
		"calendar show":                {nil, "2026"},
		"calls list":                   {nil, "CALL"},
		"calls show":                   {[]string{callID}, "outcome"},
		"parking show":                 {nil, ""},
		"directory list":               {nil, ""},
		"directory import":             {[]string{staff}, "1 line of 1 changed"},
		"audit list":                   {nil, "sql.query"},
		"audit verify":                 {nil, "whole"},
		"custody verify":               {nil, ""},
		"recordings list":              {nil, id},
		"recordings get":               {[]string{"-o", filepath.Join(dir, "a.mp3"), id}, ""},
		"recordings import":            {[]string{links, "--record-hosts", op.addr}, "added"},
		"recordings rebuild-catalogue": {[]string{"--dry-run"}, "0 to rebuild"},
		"recordings orphans":           {nil, "0 orphans"},
		"recordings at-risk":           {nil, ""},
		"recordings retry":             {[]string{"--all"}, "due now"},
		"recordings progress":          {nil, "archived"},
		"scrub":                        {nil, "read again"},
		"replay":                       {nil, ""},
		"spool list":                   {nil, ""},
		"rebuild":                      {nil, "8 calls compared"},
		"doctor":                       {nil, "the embedded engine answers"},
		"config print":                 {[]string{"--redirect-uri", "http://127.0.0.1" + redirect}, "workers"},
	}
	for _, name := range commandsOf(t) {
		if _, ok := commands[name]; !ok && elsewhere[name] == "" {
			t.Errorf("%s: the table has no line for this command", name)
		}
	}
	for _, serves := range []bool{true, false} {
		if !serves {
			in.stop()
		}
		for name, c := range commands {
			out, problems, status := in.exits(append(strings.Fields(name), c.args...)...)
			if status != 0 || !strings.Contains(out, c.says) {
				t.Errorf("serve runs: %v. %s: exit status %d, want %q in:\n%s%s", serves, name, status, c.says, out, problems)
			}
		}
	}
}

// commandsOf are the commands below one, or it alone; doctor's examinations are one.
func commandsOf(t *testing.T, name ...string) (all []string) {
	t.Helper()
	help, _, _ := output(t, append(name, "--help")...)
	_, list, group := strings.Cut(help, "\nCOMMANDS:\n")
	if !group || slices.Equal(name, []string{"doctor"}) {
		return []string{strings.Join(name, " ")}
	}
	list, _, _ = strings.Cut(list, "\n\n")
	for line := range strings.Lines(list) {
		if word := strings.TrimSuffix(strings.Fields(line)[0], ","); word != "help" {
			all = append(all, commandsOf(t, append(slices.Clone(name), word)...)...)
		}
	}
	return all
}

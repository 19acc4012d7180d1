package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func output(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = cliRun(t.Context(), append([]string{"fonoteka"}, args...), &out, &errOut)
	return out.String(), errOut.String(), code
}

func TestHelpIsWhatAStrangerNeeds(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/home/user/.cache") // it is part of the help
	for _, args := range [][]string{{}, {"serve"}, {"sql"}, {"calls", "list"}, {"recordings", "get"}, {"recordings", "import"}, {"recordings", "at-risk"}, {"recordings", "rebuild-catalogue"}, {"scrub"}, {"rebuild"}, {"replay"}, {"spool", "acknowledge"}, {"call", "make"}, {"call", "drop-leg"}, {"parking"}, {"directory", "import"}, {"audit", "verify"}, {"custody", "verify"}, {"export"}, {"export", "check"}, {"verify"}, {"auth", "login"}, {"auth", "status"}} {
		out, _, code := output(t, append(slices.Clone(args), "--help")...)
		name := filepath.Join("testdata", "help", strings.Join(append([]string{"fonoteka"}, args...), "-")+".txt")
		if *update {
			if err := os.WriteFile(name, []byte(out), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil || out != string(want) || code != 0 {
			t.Errorf("%v --help differs from %s (exit %d, %v; -update rewrites it):\n%s", args, name, code, err, out)
		}
	}
}

func TestEveryMistakeIsReportedAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fonoteka.yaml")
	yaml := "workers: 0\nintegrations:\n  - {name: Main Office, redirect_uri: 'http://calls.example.org/mtt/TOPSECRET', timezone: Mars/Olympus, link_days: '0'}\n"
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := output(t, "serve", "--config", file, "--listen", "nowhere", "--workers", "many", "--record-hosts", "ftp://x",
		"--s3-port", "70000", "--abandon-after", "soon", "--clickhouse-url", "mysql://u:HUSHHUSH@h/d", "--redis-url", "redis://:HUSHHUSH@h/zero", "--s3-url", "s3://key:HUSHHUSH@h:9000", "--log-format", "xml", "--log-level", "info+1", "--max-recording-size", "1kB", "--repeat-after", "90m", "--area-code", "49")
	for _, want := range []string{
		file + ":3: integrations #1: name: \"Main Office\"", file + ":3: integrations #1: redirect_uri: it must be https", file + ":3: integrations #1: timezone: \"Mars/Olympus\"",
		file + ":3: integrations #1: link_days", "--listen", "--workers", "--record-hosts", "--s3-port",
		"--abandon-after", "--clickhouse-url", "--redis-url", "--s3-url", "--log-format", "--log-level", "--max-recording-size", `--repeat-after (FONOTEKA_REPEAT_AFTER): "90m" is not`, "--area-code", "17 mistakes",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("nothing is said of %s", want)
		}
	}
	if code == 0 || strings.Contains(stderr, "HUSHHUSH") || strings.Contains(stderr, "TOPSECRET") {
		t.Errorf("exit %d, or a secret is shown:\n%s", code, stderr)
	}
	if t.Failed() {
		t.Log(stderr)
	}
}

func TestAMisspeltWordIsNoAnswer(t *testing.T) {
	for args, want := range map[string]string{
		"bogus":                             `"bogus" is no command of fonoteka; there are: serve, migrate, sql, calendar, calls`,
		"recordings bogus":                  `"bogus" is no command of fonoteka recordings; there are: list, get, import`,
		"calls bogus":                       `"bogus" is no command of fonoteka calls; there are: list, show`,
		"calls list --outcome mised":        `--outcome: "mised" is none of answered, missed, abandoned, no_answer, unknown`,
		"calls list --direction in":         `--direction: "in" is none of incoming, outgoing, internal, unknown`,
		"recordings list --state archived,": `--state: "archived," is none of announced, retrying,`,
	} {
		out, stderr, code := output(t, strings.Fields(args)...)
		if code == 0 || out != "" || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit %d, %s%s", args, code, out, stderr)
		}
	}
	for _, args := range []string{"", "calls", "recordings"} {
		if out, stderr, code := output(t, strings.Fields(args)...); code != 0 || !strings.Contains(out, "list") || !strings.Contains(out, "USAGE") {
			t.Errorf("%s alone: exit %d, %s%s", args, code, out, stderr)
		}
	}
}

// Never the folder for temporary files: anybody can have put a library there.
func TestWithoutAHomeFolderTheEngineLiesInTheDataFolder(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("FONOTEKA_ENGINE_CACHE", "")
	data := t.TempDir()
	if out, stderr, code := output(t, "config", "print", "--data", data, "--redirect-uri", "https://calls.example.org/mtt/word"); code != 0 || !strings.Contains(strings.Join(strings.Fields(out), " "), "engine-cache "+data) {
		t.Errorf("exit %d\n%s%s", code, out, stderr)
	}
	if out, stderr, code := output(t, "engine", "fetch"); code == 0 || !strings.Contains(stderr, "--engine-cache") {
		t.Errorf("exit %d\n%s%s", code, out, stderr)
	}
}

func TestUnknownKeysOfTheFileAreNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fonoteka.yaml")
	if err := os.WriteFile(file, []byte("data: /tmp/x\nredirct_uri: https://h/SECRETPATH\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr, _ := output(t, "migrate", "--config", file)
	if !strings.Contains(stderr, "redirct_uri") || strings.Contains(stderr, "SECRETPATH") {
		t.Errorf("stderr: %s", stderr)
	}
}

func TestFlagsMayFollowArguments(t *testing.T) {
	t.Parallel()
	commands := []*cli.Command{recordingsCommand(), sqlCommand(), callsCommand()}
	for in, want := range map[string]string{
		"f recordings get ID --data D -o F":        "f recordings get --data D -o F ID",
		"f recordings get ID -o=F":                 "f recordings get -o=F ID",
		"f sql SELECT --format CSV":                "f sql --format CSV SELECT",
		"f sql -- --weird":                         "f sql -- --weird",
		"f sql -":                                  "f sql -",
		"f calls list --json --limit 5":            "f calls list --json --limit 5",
		"f calls show 5 --json":                    "f calls show --json 5",
		"f calls":                                  "f calls",
		"f unknown x --flag":                       "f unknown x --flag",
		"f recordings get ID --data D -- -strange": "f recordings get --data D -- ID -strange",
	} {
		if got := strings.Join(flagsFirst(commands, strings.Fields(in)), " "); got != want && !strings.HasPrefix(in, "f unknown") {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestTimesOfTheCommandLine(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Time{
		"": {}, "2026-03-01": time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), "2026-03-01T12:30:00": time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC),
		"2026-03-01T12:30:00+03:00": time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC), "24h": now.Add(-24 * time.Hour),
	} {
		if got, err := parseTime("from", s, now); err != nil || !got.Equal(want) {
			t.Errorf("%q = %v, %v; want %v", s, got, err, want)
		}
	}
	if _, err := parseTime("from", "yesterday", now); err == nil || !strings.Contains(err.Error(), "--from") {
		t.Errorf("err = %v", err)
	}
}

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/settings"
)

// written is a file of settings.
func written(t *testing.T, yaml string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "fonoteka.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// wrong expects a command to fail and to say each of these, and none of the others.
func wrong(t *testing.T, args, said, unsaid []string) {
	t.Helper()
	_, stderr, code := output(t, args...)
	if code == 0 {
		t.Errorf("%v: exit 0", args)
	}
	for _, words := range said {
		if !strings.Contains(stderr, words) {
			t.Errorf("nothing is said of %q", words)
		}
	}
	for _, words := range unsaid {
		if strings.Contains(stderr, words) {
			t.Errorf("it says %q", words)
		}
	}
	if t.Failed() {
		t.Log(stderr)
	}
}

// All mistakes of a file are told at once, each with its key and line, and none that is
// not one: what a misspelt key says is not missing.
func TestEachMistakeOfAFileHasItsLine(t *testing.T) {
	file := written(t, `data: data
integrations:
  - name: moscow
    redirct_uri: https://calls.example.org/mtt/SECRETPATH
    timezone: Europe/Moscow
  - name: spb
    redirectUri: http://calls.example.org/mtt/SECRETPATH
    timezone: Europe/Moscow
    link_days: [30]
  - {name: spb, redirect_uri: "https://calls.example.org/mtt/SECRETPATH", time_zone: Mars}
reports:
  zone: Mars/Olympus
report_hours: Mon
trusted_proxies: 127.0.0.1
ports: {clickhouse: nine, postgres: 5432}
scrub: 30
timezone: UTC
unheard: of
acme: perhaps
`)
	wrong(t, []string{"serve", "--config", file}, []string{
		file + ":4: integrations #1: redirct_uri: this key is not known: did you mean redirect_uri?",
		file + ":7: integrations #2: redirectUri: this key is not known: did you mean redirect_uri?",
		file + ":7: integrations #2: redirect_uri: it must be https",
		file + ":9: integrations #2: link_days: one value is wanted here",
		file + `:10: integrations #3: name: "spb" is also the name of integrations #2`,
		file + ":10: integrations #3: redirect_uri: its path is that of another one, of integrations #1",
		file + ":10: integrations #3: time_zone: this key is not known: did you mean timezone?",
		file + `:10: integrations #3: timezone: "Mars" is not a zone`,
		file + ":12: reports: zone: this key is not known: did you mean timezone?",
		file + `:12: reports: timezone: "Mars/Olympus" is not a zone`,
		file + ":13: report_hours: this key is not known: did you mean hours in the section reports?",
		file + ":14: trusted_proxies: a list is wanted here",
		file + `:15: ports: clickhouse: "nine" is not a port`,
		file + ":15: ports: postgres: this key is not known",
		file + ":16: scrub: a section is wanted here",
		file + ":17: timezone: this key is not known: it stands beside each integration's redirect_uri",
		file + ":18: unheard: this key is not known",
		file + `:19: acme: "perhaps" is neither true nor false`,
		"the configuration has 18 mistakes",
	}, []string{"SECRETPATH", "missing", "string", "struct", "settings."})
}

func TestAFileThatIsNoYAMLIsOneMistake(t *testing.T) {
	for yaml, said := range map[string]string{
		"data: data\nlisten: [\nworkers: 3\n": "fonoteka.yaml:",
		"data: data\ndata: other\n":           `fonoteka.yaml:2: it cannot be read as YAML: mapping key "data" already defined`,
		"data: \"SECRET\nworkers: 3\n":        "it cannot be read as YAML",
		"- a\n- b\n":                          "a list of settings is wanted here",
		"data: data\n---\nworkers: 3\n":       "fonoteka.yaml:3: a second document",
	} {
		wrong(t, []string{"serve", "--config", written(t, yaml)}, []string{said}, []string{"SECRET"})
	}
	for _, yaml := range []string{"", "# nothing\n", "---\n", "data:\n", "workers: 3 # three\nlisten: '127.0.0.1:8080'\n"} {
		if _, stderr, code := output(t, "config", "print", "--config", written(t, yaml), "--redirect-uri", "https://calls.example.org/mtt/word"); code != 0 {
			t.Errorf("%q: %s", yaml, stderr)
		}
	}
}

// What several integrations share may be said once, by YAML's own means.
func TestAnchorsAndMergesOfAFileAreRead(t *testing.T) {
	file := written(t, `integrations:
  - &moscow {name: moscow, redirect_uri: "https://calls.example.org/mtt/one", timezone: &zone Europe/Moscow, link_days: 30}
  - <<: *moscow
    name: spb
    redirect_uri: https://calls.example.org/mtt/two
  - {name: omsk, redirect_uri: "https://calls.example.org/mtt/three", timezone: *zone}
`)
	out, stderr, code := output(t, "config", "print", "--config", file)
	for _, want := range []string{"integration spb: links live 30 days file", "integration spb: time zone Europe/Moscow file", "integration omsk: time zone Europe/Moscow file"} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("exit %d, nothing of %q in\n%s%s", code, want, out, stderr)
		}
	}
}

func TestAnIntegrationOfAFileNamesItsZone(t *testing.T) {
	file := written(t, `integrations:
  - {name: moscow, redirect_uri: "https://calls.example.org/mtt/one", timezone: Europe/Moscow}
  - name: spb
    redirect_uri: https://calls.example.org/mtt/two
  - {name: omsk, redirect_uri: "https://calls.example.org/mtt/three", timezone: Local}
`)
	wrong(t, []string{"serve", "--config", file}, []string{
		file + ":3: integrations #2: timezone: it is missing", file + `:5: integrations #3: timezone: "Local" is not a zone`, "2 mistakes",
	}, nil)
	out, stderr, code := output(t, "config", "print", "--redirect-uri", "https://calls.example.org/mtt/one")
	if code != 0 || !strings.Contains(strings.Join(strings.Fields(out), " "), "integration main: time zone UTC default") {
		t.Errorf("without a file: exit %d\n%s%s", code, out, stderr)
	}
}

// A variable that describes the one integration of an installation without a file adds
// none to those of a file, and is not lost in silence either.
func TestAVariableBesideIntegrationsOfAFileIsNamed(t *testing.T) {
	file := written(t, "integrations:\n  - {name: moscow, redirect_uri: \"https://calls.example.org/mtt/one\", timezone: Europe/Moscow}\n")
	t.Setenv("FONOTEKA_MTT_REDIRECT_URI", "https://calls.example.org/mtt/SECRETPATH")
	t.Setenv("FONOTEKA_TIMEZONE", "Asia/Omsk")
	wrong(t, []string{"serve", "--config", file}, []string{
		"--redirect-uri (FONOTEKA_REDIRECT_URI): the integrations are those of " + file,
		"--timezone (FONOTEKA_TIMEZONE): the integrations are those of " + file, "there it is timezone, beside each name", "2 mistakes",
	}, []string{"SECRETPATH"})
}

func TestAVariableThatNoSettingHasIsNamed(t *testing.T) {
	t.Setenv("FONOTEKA_MTT_TIMEZON", "Europe/Moscow")
	t.Setenv("FONOTEKA_LISTN", "127.0.0.1:1")
	t.Setenv("FONOTEKA_UNHEARD", "of")
	t.Setenv("FONOTEKA_EMPTY", "")
	for _, other := range []string{"FONOTEKA_SERVICE_HOST", "FONOTEKA_PORT_8080_TCP_ADDR", "FONOTEKA_SERVICE_PORT_HTTP", "FONOTEKA_PORT", "FONOTEKA_PASSWORD", "FONOTEKA_TEST_LARGE"} {
		t.Setenv(other, "of others")
	}
	wrong(t, []string{"config", "print", "--redirect-uri", "https://calls.example.org/mtt/word"}, []string{
		"the variable FONOTEKA_MTT_TIMEZON is not known: did you mean FONOTEKA_MTT_TIMEZONE?",
		"the variable FONOTEKA_LISTN is not known: did you mean FONOTEKA_LISTEN?",
		"the variable FONOTEKA_UNHEARD is not known; ", "3 mistakes",
	}, nil)
}

// A setting has one name in its three forms, and the former names of variables hold.
func TestASettingHasOneNameInThreeForms(t *testing.T) {
	for _, f := range settings.ServeFlags() {
		name := f.Names()[0]
		env := "FONOTEKA_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		if all := f.(cli.DocGenerationFlag).GetEnvVars(); !slices.Contains(all, env) || all[0] != env {
			t.Errorf("--%s: its variables are %v", name, all)
		}
	}
	uri := []string{"config", "print", "--redirect-uri", "https://calls.example.org/mtt/word"}
	for _, name := range []string{"FONOTEKA_TIMEZONE", "FONOTEKA_MTT_TIMEZONE"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "Asia/Omsk")
			if out, stderr, _ := output(t, uri...); !strings.Contains(strings.Join(strings.Fields(out), " "), "time zone Asia/Omsk") {
				t.Errorf("%s%s", out, stderr)
			}
		})
	}
	t.Setenv("FONOTEKA_TIMEZONE", "Asia/Omsk")
	t.Setenv("FONOTEKA_MTT_TIMEZONE", "Europe/Moscow")
	wrong(t, uri, []string{"FONOTEKA_TIMEZONE and FONOTEKA_MTT_TIMEZONE are one setting"}, nil)
}

func TestARedirectURIWithoutASecretIsRefused(t *testing.T) {
	for uri, said := range map[string]string{
		"https://calls.example.org":                 "it has no path, and so no secret",
		"https://calls.example.org/":                "it has no path, and so no secret",
		"https://calls.example.org/events":          "it ends in /events",
		"https://calls.example.org/mtt/word/events": "it ends in /events",
		"https://calls.example.org/mtt/word/":       "",
	} {
		_, stderr, code := output(t, "config", "print", "--redirect-uri", uri)
		if (code == 0) != (said == "") || !strings.Contains(stderr, said) {
			t.Errorf("%s: exit %d, %s", uri, code, stderr)
		}
	}
}

// The private listener has no TLS: others than a named proxy do not reach it.
func TestAPrivateListenerInTheClearIsRefused(t *testing.T) {
	for flags, refused := range map[string]bool{
		"--private-listen 0.0.0.0:8090":                             true,
		"--private-listen :8090":                                    true,
		"--private-listen 192.0.2.1:8090":                           true,
		"--private-listen [::]:8090 --tls-cert a.pem --tls-key b":   true,
		"--private-listen 10.0.0.5:8090 --trusted-proxies 10.0.0.9": false,
		"--private-listen [::1]:8090":                               false,
		"--private-listen localhost:8090":                           false,
	} {
		_, stderr, code := output(t, append([]string{"config", "print", "--redirect-uri", "https://calls.example.org/mtt/word"}, strings.Fields(flags)...)...)
		if (code != 0) != refused || refused && !strings.Contains(stderr, "--private-listen (FONOTEKA_PRIVATE_LISTEN): on ") {
			t.Errorf("%s: exit %d, %s", flags, code, stderr)
		}
	}
}

func TestARelativeFolderOfTheEngineIsMadeAbsolute(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	out, stderr, _ := output(t, "config", "print", "--redirect-uri", "https://calls.example.org/mtt/word", "--engine-cache", "cache/of/mine")
	if want := "engine-cache " + filepath.Join(here, "cache/of/mine"); !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
		t.Errorf("%q is not in\n%s%s", want, out, stderr)
	}
}

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fonoteka/internal/settings"
)

func TestAFileOfSecretsThatAllCanReadIsSaid(t *testing.T) {
	const secret = "redirect_uri: https://calls.example.org/mtt/a-long-random-word\n"
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		said bool
	}{
		"read by all":      {secret, 0o644, true},
		"of several":       {"integrations:\n  - {name: main, timezone: UTC, redirect_uri: 'https://calls.example.org/mtt/word'}\n", 0o644, true},
		"the owner's":      {secret, 0o600, false},
		"a group's":        {secret, 0o640, false},
		"without a secret": {"workers: 4\n# redirect_uri: https://calls.example.org/mtt/word\n", 0o644, false},
	} {
		file := filepath.Join(t.TempDir(), "fonoteka.yaml")
		if err := os.WriteFile(file, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, c.mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
		if _, stderr, _ := output(t, "config", "print", "--config", file); strings.Contains(stderr, "everybody on this machine can read "+file) != c.said {
			t.Errorf("%s: %s", name, stderr)
		}
	}
}

func TestConfigPrintSaysWhatHoldsAndWhyAndNoSecret(t *testing.T) {
	const secret = "pa55-0f-somebody"
	file := filepath.Join(t.TempDir(), "fonoteka.yaml")
	if err := os.WriteFile(file, []byte(`
workers: 7
log_level: debug
clickhouse_url: "clickhouse://writer:`+secret+`@db.example.org:9000/fonoteka"
trusted_proxies: [127.0.0.1]
source_networks: [192.0.2.0/24, 198.51.100.7]
origin_events: spb
integrations:
  - {name: spb, redirect_uri: "https://calls.example.org/mtt/`+secret+`", timezone: Europe/Moscow, link_days: 30, retention_mode: governance, retention: 3y,
     previous_redirect_uri: "https://calls.example.org/mtt/older-`+secret+`", previous_until: 2026-03-31, client_id: a, client_secret: `+secret+`}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FONOTEKA_S3_URL", "s3://key-"+secret+":"+secret+"@s3.example.org/bucket")
	t.Setenv("FONOTEKA_KEY", strings.Repeat(secret, 3))
	out, stderr, code := output(t, "config", "print", "--config", file, "--private-listen", "127.0.0.1:9999")
	if code != 0 {
		t.Fatal(stderr)
	}
	for _, want := range []string{
		"workers 7 file", "log-level debug file", "clickhouse-url clickhouse://…@db.example.org:9000/fonoteka file", "s3-url s3://…@s3.example.org/bucket FONOTEKA_S3_URL",
		"key (set, not shown) FONOTEKA_KEY", "private-listen 127.0.0.1:9999 flag", "listen 127.0.0.1:8080 default", "origin-events spb file",
		"source-networks 192.0.2.0/24,198.51.100.7 file", "record-hosts mtt.ru default",
		"integration spb: redirect URI https://calls.example.org/… file", "integration spb: time zone Europe/Moscow file", "integration spb: links live 30 days file",
		"integration spb: retention governance, 3y file",
		"integration spb: previous redirect URI served until 2026-03-31, not shown file", "integration spb: client id and secret (set, not shown) file",
	} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("nothing of %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, secret) {
		t.Errorf("a secret in\n%s", out)
	}
	if _, stderr, code = output(t, "config", "print", "--listen", ":8080", "--redirect-uri", "https://x.example.org/"+secret); code == 0 || !strings.Contains(stderr, "in the clear") || strings.Contains(stderr, secret) {
		t.Errorf("plain HTTP to the world: %d %s", code, stderr)
	}
}

func TestAListenerThatWouldCarrySecretsInTheClearIsRefused(t *testing.T) {
	uri := []string{"config", "print", "--redirect-uri", "https://calls.example.org/mtt/word"}
	for flags, wrong := range map[string]string{
		"--listen :8080":                                "in the clear",
		"--listen 0.0.0.0:8080":                         "in the clear",
		"--listen 192.0.2.1:8080":                       "in the clear",
		"--listen :8080 --trusted-proxies 10.0.0.0/8":   "",
		"--listen [::1]:8080":                           "",
		"--listen localhost:8080":                       "",
		"--listen :443 --acme":                          "",
		"--listen :443 --tls-cert a.pem":                "belong together",
		"--listen :443 --tls-cert a.pem --tls-key b":    "",
		"--acme --tls-cert a.pem --tls-key b":           "exclude each other",
		"--trusted-proxies 10.0.0.0/99":                 "neither a network",
		"--trusted-proxies 10.0.0.1,0.0.0.0/0":          "everybody",
		"--trusted-proxies ::/0":                        "everybody",
		"--origin-events main":                          "--source-networks",
		"--origin-events who --source-networks 1.2.3.4": "no integration",
		"--previous-until 2026-03-31":                   "belong together",
		"--previous-redirect-uri https://calls.example.org/mtt/word --previous-until 2026-03-31":  "the present one",
		"--previous-redirect-uri https://calls.example.org/mtt/older --previous-until 2026-3-311": "not a day",
		"--max-connections 3": "not a number",
	} {
		_, stderr, code := output(t, append(uri, strings.Fields(flags)...)...)
		if (code == 0) != (wrong == "") || !strings.Contains(stderr, wrong) {
			t.Errorf("%s: %d %s", flags, code, stderr)
		}
	}
}

// Where requests come from is known on a loopback listener only through a proxy's
// header, and whose header is believed has to be said: else anybody could write it.
func TestAttackSourcesOnALoopbackListenerNeedANamedProxy(t *testing.T) {
	t.Parallel()
	uri := []string{"config", "print", "--redirect-uri", "https://calls.example.org/mtt/word"}
	for flags, wrong := range map[string]string{
		"":                        "--trusted-proxies 127.0.0.1",
		"--listen [::1]:8080":     "--trusted-proxies ::1",
		"--listen localhost:8080": "--trusted-proxies 127.0.0.1",
		"--listen 127.0.0.5:443 --tls-cert a.pem --tls-key b":           "--trusted-proxies 127.0.0.1",
		"--trusted-proxies 10.0.0.1":                                    "--trusted-proxies 127.0.0.1",
		"--trusted-proxies ::1":                                         "--trusted-proxies 127.0.0.1",
		"--listen [::1]:8080 --trusted-proxies 127.0.0.1":               "--trusted-proxies ::1",
		"--trusted-proxies 127.0.0.1":                                   "",
		"--trusted-proxies 127.0.0.9":                                   "",
		"--trusted-proxies 10.0.0.1,127.0.0.0/8":                        "",
		"--trusted-proxies ::ffff:127.0.0.1":                            "",
		"--listen [::1]:8080 --trusted-proxies ::1":                     "",
		"--listen localhost:8080 --trusted-proxies ::1":                 "",
		"--listen :8080 --trusted-proxies 10.0.0.1":                     "",
		"--listen :443 --acme":                                          "",
		"--listen 192.0.2.1:443 --tls-cert a.pem --tls-key b":           "",
		"--listen [::1]:443 --acme --trusted-proxies 127.0.0.1,::1/128": "",
	} {
		for _, needs := range []string{"--source-networks 192.0.2.0/24", "--origin-events main --source-networks 192.0.2.0/24"} {
			_, stderr, code := output(t, slices.Concat(uri, strings.Fields(flags), strings.Fields(needs))...)
			named := strings.Contains(stderr, strings.Fields(needs)[0]) && strings.Contains(stderr, "FONOTEKA_TRUSTED_PROXIES")
			if (code == 0) != (wrong == "") || !strings.Contains(stderr, wrong) || wrong != "" && !named {
				t.Errorf("%s %s: %d %s", flags, needs, code, stderr)
			}
		}
	}
}

// The host of the API may see tokens, however its address is written.
func TestEveryAddressOfTheAPIIsReadWhereOthersAre(t *testing.T) {
	t.Parallel()
	for address, wrong := range map[string]string{
		"https://api.example.org":       "",
		"https://API.example.org:8443":  "",
		"https://localhost:8443/v1":     "",
		"https://192.0.2.7":             "",
		"https://192.0.2.7:8443":        "",
		"http://127.0.0.1:8080":         "",
		"https://[2001:db8::7]":         "",
		"https://[2001:db8::7]:8443":    "",
		"http://[::1]":                  "",
		"https://api_.example.org!":     "neither a host name",
		"https://192.0.2.7:99999":       "neither a host name",
		"https://[fe80::1%25eth0]:8443": "neither a host name",
		"ftp://api.example.org":         "must be https",
	} {
		_, stderr, code := output(t, "config", "print", "--redirect-uri", "https://calls.example.org/mtt/word", "--api-url", address, "--workers", "many")
		named := strings.Contains(stderr, "--api-url (FONOTEKA_API_URL)") && strings.Contains(stderr, wrong)
		if code == 0 || !strings.Contains(stderr, "--workers") || named != (wrong != "") {
			t.Errorf("%s: %d %s", address, code, stderr)
		}
		if hosts, _ := (&settings.Config{APIURL: address}).TokenHosts(); wrong == "" && hosts.Check(address+"/recording") != nil {
			t.Errorf("%s: %v", address, hosts.Check(address+"/recording"))
		}
	}
}

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/export"
	"fonoteka/internal/export/exporttest"
	"fonoteka/internal/pack"
	"fonoteka/internal/sign"
	"fonoteka/internal/state"
	"fonoteka/internal/verify"
)

// packaged writes a small package, and returns its folder and its sender's key.
func packaged(t *testing.T) (dir string, key sign.Public) {
	t.Helper()
	vault, err := state.OpenVault(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	ring := sign.Ring{Store: vault}
	if _, err := ring.Create(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	signer, bundle, err := ring.Open()
	if err != nil {
		t.Fatal(err)
	}
	trail, err := exporttest.NewTrail(filepath.Join(t.TempDir(), "audit"))
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "package")
	o := export.Options{Dir: dir, Source: exporttest.New(), Trail: trail, Signer: &signer, Bundle: bundle, Query: pack.Query{Program: "fonoteka test", Case: "A40-1234/2026"}}
	if _, err := export.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return dir, bundle.Key
}

func TestVerifyNeedsNothingButThePackage(t *testing.T) {
	t.Parallel()
	dir, key := packaged(t)
	to := t.TempDir()
	keyFile, zip, broken, foreign := filepath.Join(to, "key.pub"), filepath.Join(to, "p.zip"), filepath.Join(to, "broken.zip"), filepath.Join(to, "foreign")
	if err := os.WriteFile(keyFile, []byte("untrusted comment: of the court\n"+key.Line()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := export.ArchiveFile(t.Context(), zip, dir, nil); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(zip)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(broken, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(foreign, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"by key":           {[]string{dir, "--key", key.Line()}, 0, []string{"ПАКЕТ ЦЕЛ И ПОДПИСАН", "WHOLE, AND SIGNED BY THE GIVEN KEY", "A40-1234/2026"}},
		"by a key's file":  {[]string{dir, "--key", keyFile}, 0, []string{"WHOLE, AND SIGNED"}},
		"by fingerprint":   {[]string{zip, "--fingerprint", strings.ToUpper(strings.ReplaceAll(key.Fingerprint(), "-", " "))}, 0, []string{"WHOLE, AND SIGNED"}},
		"without a key":    {[]string{dir, "--lang", "en"}, 7, []string{"NOT PROVEN", key.Fingerprint()}},
		"broken":           {[]string{broken, "--lang", "ru"}, 3, []string{"ПАКЕТ НЕ В ПОРЯДКЕ", "архив повреждён"}},
		"no bag":           {[]string{foreign, "--lang", "en"}, 3, []string{"declaration-missing"}},
		"not there":        {[]string{filepath.Join(to, "none")}, 1, nil},
		"no argument":      {nil, 2, nil},
		"no key":           {[]string{dir, "--key", "abc"}, 2, nil},
		"no fingerprint":   {[]string{dir, "--fingerprint", "abc"}, 2, nil},
		"no certificate":   {[]string{dir, "--tsa-ca", keyFile}, 2, nil},
		"another language": {[]string{dir, "--lang", "fr"}, 2, nil},
	} {
		out, stderr, code := output(t, append([]string{"verify"}, c.args...)...)
		if code != c.code {
			t.Errorf("%s: exit %d, want %d\n%s%s", name, code, c.code, out, stderr)
		}
		for _, want := range c.says {
			if !strings.Contains(out, want) {
				t.Errorf("%s: nothing is said of %q:\n%s", name, want, out)
			}
		}
	}
	out, _, _ := output(t, "verify", dir, "--json")
	var r verify.Result
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Verdict != verify.Unproven {
		t.Errorf("%v: %s", err, out)
	}
}

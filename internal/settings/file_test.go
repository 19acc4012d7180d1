package settings

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

const exampleFile = "../../deploy/fonoteka.yaml"

// turnedOff is a setting in the example that stands behind a #. Prose has a blank
// there; what lies below a section has two.
var turnedOff = regexp.MustCompile(`(?m)^( *)#(  )?([a-z])`)

func TestTheExampleFileCanBeUsedAsItStands(t *testing.T) {
	t.Parallel()
	if _, err := loaded(t, "--config", exampleFile); err != nil {
		t.Error(err)
	}
}

func TestTheExampleFileHasEverySettingWithItsDefault(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "fonoteka.yaml")
	if err := os.WriteFile(name, turnedOff.ReplaceAll(raw, []byte("$1$2$3")), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newProblems(name)
	f, _ := readFile(name, p)
	if err := p.err(); err != nil {
		t.Fatal(err)
	}
	for _, key := range missing(reflect.ValueOf(f), "") {
		t.Errorf("%s is not in %s", key, exampleFile)
	}

	cfg, err := loaded(t, "--config", name)
	if err == nil || !strings.Contains(err.Error(), "has 1 mistake:") || !strings.Contains(err.Error(), "--tls-cert exclude each other") {
		t.Errorf("with every setting: %v", err)
	}
	examples := []string{"data", "engine-cache", "acme", "retention-mode", "clickhouse-port", "clickhouse-http-port", "s3-port", "redis-port"}
	for _, flag := range ServeFlags() {
		name := flag.Names()[0]
		said, ok := cfg.fromFile[name]
		switch {
		case slices.Contains(perIntegration, name), name == "config", name == "key":
			continue
		case !ok:
			t.Errorf("--%s is no key of the file", name)
		case p.lines[keyOf(name)] == 0:
			t.Errorf("--%s is not %q in the file, as mistakes in it would be told", name, keyOf(name))
		}
		if f, text := flag.(*cli.StringFlag); text && f.Value != "" && f.Value != said && !slices.Contains(examples, name) {
			t.Errorf("--%s is %q by default, and %q in %s", name, f.Value, said, exampleFile)
		}
	}
}

// missing names the keys below v that say nothing.
func missing(v reflect.Value, at string) (keys []string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			keys = append(keys, missing(v.Field(i), at+"/"+v.Type().Field(i).Tag.Get("yaml"))...)
		}
		return keys
	case reflect.Slice, reflect.Map:
		if v.Kind() == reflect.Slice && v.Len() > 0 {
			return missing(v.Index(0), at)
		}
	}
	if v.IsZero() {
		return []string{at}
	}
	return nil
}

package dashboard_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"fonoteka/internal/dashboard"
)

func read(t *testing.T, file string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../grafana", file))
	if err == nil {
		err = yaml.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func TestProvisioningFitsTheDashboards(t *testing.T) {
	t.Parallel()
	var sources struct {
		Datasources []struct{ UID, Type string }
	}
	read(t, "provisioning/datasources/fonoteka.yaml", &sources)
	var uids []string
	for _, s := range sources.Datasources {
		uids = append(uids, s.Type+" "+s.UID)
	}
	if want := []string{"grafana-clickhouse-datasource fonoteka-clickhouse", "prometheus fonoteka-prometheus"}; !slices.Equal(uids, want) {
		t.Errorf("the data sources are %v, the dashboards have %v", uids, want)
	}
	var folders struct {
		Providers []struct{ Options struct{ Path string } }
	}
	read(t, "provisioning/dashboards/fonoteka.yaml", &folders)
	if len(folders.Providers) != len(dashboard.Langs()) {
		t.Errorf("%d folders for %d languages", len(folders.Providers), len(dashboard.Langs()))
	}
	for _, p := range folders.Providers {
		dir := strings.Replace(p.Options.Path, "$FONOTEKA_DASHBOARDS", folder, 1)
		if found, _ := filepath.Glob(filepath.Join(dir, "*.json")); len(found) != len(dashboard.All()) {
			t.Errorf("%s has %d dashboards of %d", p.Options.Path, len(found), len(dashboard.All()))
		}
	}
}

// Every variable that the files read is one that the example sets.
func TestTheExampleSetsWhatProvisioningReads(t *testing.T) {
	t.Parallel()
	var set struct {
		Services map[string]struct{ Environment map[string]string }
	}
	read(t, "docker-compose.yml", &set)
	if got := set.Services["grafana"].Environment["GF_DATE_FORMATS_USE_BROWSER_LOCALE"]; got != "true" {
		t.Errorf("the axes have American dates: the browser's locale is %q", got)
	}
	example, err := os.ReadFile("../../grafana/env.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"datasources", "dashboards"} {
		b, err := os.ReadFile("../../grafana/provisioning/" + file + "/fonoteka.yaml")
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range strings.FieldsFunc(string(b), func(r rune) bool { return strings.ContainsRune(" \n/\"", r) }) {
			name, variable := strings.CutPrefix(word, "$")
			_, inCompose := set.Services["grafana"].Environment[name]
			if variable && !inCompose && !strings.Contains(string(example), name+"=") {
				t.Errorf("%s reads %s, which nothing sets", file, name)
			}
		}
	}
}

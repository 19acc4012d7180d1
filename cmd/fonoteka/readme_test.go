package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// handbooks are what people read, from the top of the repository.
var handbooks = []string{"README.md", "deploy/README.md", "deploy/README.ru.md", "deploy/COMMANDS.md", "deploy/EXPORT.md", "deploy/SECURITY-MODEL.md", "deploy/CARRY-OVER.md", "schema/README.md", ".github/SECURITY.md", ".github/CONTRIBUTING.md"}

func handbook(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	linked   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headings = regexp.MustCompile(`(?m)^#+ (.+)$`)
	dropped  = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
)

// anchors are the fragments of a page's headings, as GitHub makes them.
func anchors(text string) map[string]bool {
	out := map[string]bool{}
	for _, h := range headings.FindAllStringSubmatch(text, -1) {
		out[strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-")] = true
	}
	return out
}

func TestLinksOfTheHandbooksLeadSomewhere(t *testing.T) {
	for _, name := range handbooks {
		for _, m := range linked.FindAllStringSubmatch(handbook(t, name), -1) {
			to, fragment, _ := strings.Cut(m[1], "#")
			if strings.Contains(to, "://") {
				continue
			}
			target := name
			if to != "" {
				target = filepath.Join(filepath.Dir(name), to)
			}
			if _, err := os.Stat(filepath.Join("../..", target)); err != nil {
				t.Errorf("%s: %s leads nowhere", name, m[1])
			} else if fragment != "" && !anchors(handbook(t, target))[fragment] {
				t.Errorf("%s: %s has no heading for #%s", name, target, fragment)
			}
		}
	}
}

var (
	commandLine = regexp.MustCompile(`(?m)^   ([a-z][a-z0-9-]*)(?:, [a-z]+)*  +\S`)
	flagOfHelp  = regexp.MustCompile(`--([a-z][a-z0-9-]*)`)
	mention     = regexp.MustCompile("(?:^|[`\\n]|-- |=[^ \\n]+ |bin/)fonoteka((?: +[a-z][a-z0-9-]*)+)([^`\\n]*)")
	flagOfText  = regexp.MustCompile("`--([a-z][a-z0-9-]*)")
	flagOfLine  = regexp.MustCompile(` --([a-z][a-z0-9-]*)`)
	variable    = regexp.MustCompile(`FONOTEKA_[A-Z0-9_]*[A-Z0-9]`)
)

// manual is what --help says of each command, by its words; of the program itself by "".
func manual(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	var add func(path []string)
	add = func(path []string) {
		text, _, code := output(t, append(slices.Clone(path), "--help")...)
		if code != 0 {
			t.Fatalf("%v --help: %d", path, code)
		}
		out[strings.Join(path, " ")] = text
		_, list, _ := strings.Cut(text, "\nCOMMANDS:\n")
		list, _, _ = strings.Cut(list, "\n\n")
		for _, m := range commandLine.FindAllStringSubmatch(list, -1) {
			if m[1] != "help" {
				add(append(slices.Clone(path), m[1]))
			}
		}
	}
	add(nil)
	return out
}

// Every command, flag and variable that the handbooks name is one of the program.
func TestHandbooksNameWhatThereIs(t *testing.T) {
	help := manual(t)
	flags, variables := map[string]bool{}, map[string]bool{"FONOTEKA_DASHBOARDS": true, "FONOTEKA_LISTN": true} // of Grafana's provisioning; a mistake that is shown
	for _, text := range help {
		for _, m := range flagOfHelp.FindAllStringSubmatch(text, -1) {
			flags[m[1]] = true
		}
		for _, name := range variable.FindAllString(text, -1) {
			variables[name] = true
		}
	}
	if len(help) < 40 || !flags["trusted-proxies"] || !variables["FONOTEKA_MTT_TIMEZONE"] {
		t.Fatalf("the help was not understood: %d commands", len(help))
	}
	for _, name := range handbooks {
		text := handbook(t, name)
		for _, m := range mention.FindAllStringSubmatch(text, -1) {
			words, path := strings.Fields(m[1]), ""
			for _, w := range words {
				if _, there := help[strings.TrimSpace(path+" "+w)]; !there {
					break
				}
				path = strings.TrimSpace(path + " " + w)
			}
			if path == "" || strings.Contains(help[path], "\nCOMMANDS:\n") && len(strings.Fields(path)) < len(words) {
				t.Errorf("%s: there is no command fonoteka%s", name, m[1])
			}
			line, _, _ := strings.Cut(m[2], "#")
			for _, f := range flagOfLine.FindAllStringSubmatch(line, -1) {
				if !strings.Contains(help[path], "--"+f[1]) {
					t.Errorf("%s: fonoteka %s has no flag --%s", name, path, f[1])
				}
			}
		}
		for _, m := range flagOfText.FindAllStringSubmatch(text, -1) {
			if !flags[m[1]] {
				t.Errorf("%s: no command has a flag --%s", name, m[1])
			}
		}
		for _, v := range variable.FindAllString(text, -1) {
			// The operator's settings have a former name, too, with MTT.
			if short := strings.Replace(v, "_MTT_", "_", 1); !variables[v] && !variables[short] && !variables[strings.Replace(v, "FONOTEKA_", "FONOTEKA_MTT_", 1)] {
				t.Errorf("%s: there is no variable %s", name, v)
			}
		}
	}
}

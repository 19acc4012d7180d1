package settings

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fonoteka/internal/words"
)

// problems collects every mistake in the configuration, so that the administrator meets
// them all at once, each with the place where it was made.
type problems struct {
	list []error

	file     string            // the name of the file of --config; "": there is none
	lines    map[string]int    // of the keys that the file has
	fromFile map[string]string // what the file says, by flag, where no flag or variable does
}

func newProblems(file string) *problems {
	return &problems{file: file, lines: map[string]int{}, fromFile: map[string]string{}}
}

// add reports a mistake, once: what holds for all integrations is found with each.
func (p *problems) add(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if !slices.ContainsFunc(p.list, func(said error) bool { return said.Error() == err.Error() }) {
		p.list = append(p.list, err)
	}
}

// setting reports a mistake in a setting: at its key and line if the file says it, else
// by the names of its flag and variable.
func (p *problems) setting(flag, format string, args ...any) {
	if _, said := p.fromFile[flag]; said {
		p.key(keyOf(flag), format, args...)
		return
	}
	p.add("%s: %w", named(flag), fmt.Errorf(format, args...))
}

// key reports a mistake at a key of the file.
func (p *problems) key(key, format string, args ...any) {
	p.add("%s%s: %w", p.at(key), key, fmt.Errorf(format, args...))
}

// at is the file's name and the line of a key; of a key that is not there, the line of
// the section that should have it.
func (p *problems) at(key string) string {
	for {
		if line := p.lines[key]; line > 0 {
			return fmt.Sprintf("%s:%d: ", p.file, line)
		}
		section := strings.LastIndex(key, ": ")
		if section < 0 {
			return p.file + ": "
		}
		key = key[:section]
	}
}

func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	lines := make([]string, len(p.list))
	for i, err := range p.list {
		lines[i] = "  - " + err.Error()
	}
	return fmt.Errorf("the configuration has %s:\n%s", words.Count(len(p.list), "mistake"), strings.Join(lines, "\n"))
}

// parsed is what a parser says of a URL that is given.
func parsed[T any](p *problems, flag, raw string, parse func(string) (T, error)) {
	if raw == "" {
		return
	}
	if _, err := parse(raw); err != nil {
		p.setting(flag, "%w", err)
	}
}

func port(flag, raw string, p *problems) int {
	n, err := strconv.Atoi(raw)
	if err != nil || n < 0 || n > 65535 {
		p.setting(flag, "%q is not a port", raw)
	}
	return n
}

// yes is whether a setting that is true or false is true; empty is false.
func yes(flag, raw string, p *problems) bool {
	b, err := strconv.ParseBool(raw)
	if err != nil && raw != "" {
		p.setting(flag, "%q is neither true nor false", raw)
	}
	return b
}

func duration(flag, raw string, p *problems) time.Duration {
	d, err := time.ParseDuration(raw)
	if err != nil || d < 0 {
		p.setting(flag, "%q is not a span of time such as 5s or 6h", raw)
	}
	return d
}

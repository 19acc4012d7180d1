package settings

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"fonoteka/internal/words"
)

// problems collects every mistake in the configuration, so that the
// administrator meets them all at once.
type problems struct{ list []error }

func (p *problems) add(format string, args ...any) {
	p.list = append(p.list, fmt.Errorf(format, args...))
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
		p.add("--%s (%s): %w", flag, envName(flag), err)
	}
}

func port(flag, raw string, p *problems) int {
	n, err := strconv.Atoi(raw)
	if err != nil || n < 0 || n > 65535 {
		p.add("--%s (%s): %q is not a port", flag, envName(flag), raw)
	}
	return n
}

func duration(flag, raw string, p *problems) time.Duration {
	d, err := time.ParseDuration(raw)
	if err != nil || d < 0 {
		p.add("--%s (%s): %q is not a span of time such as 5s or 6h", flag, envName(flag), raw)
	}
	return d
}

func yes(b bool) string {
	if b {
		return "true"
	}
	return ""
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

package settings

import (
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
)

// loaded is the configuration of a serve with these flags, and its mistakes.
func loaded(t *testing.T, args ...string) (cfg *Config, err error) {
	t.Helper()
	oneCommand.Lock()
	defer oneCommand.Unlock()
	app := &cli.App{Flags: ServeFlags(), HideHelp: true, Action: func(c *cli.Context) error {
		cfg, err = Load(c, ForServe)
		return nil
	}}
	if err := app.Run(append([]string{"serve"}, args...)); err != nil {
		t.Fatal(err)
	}
	return cfg, err
}

func TestWorkingHoursWithoutAZoneAreTheCompanys(t *testing.T) {
	t.Parallel()
	morning := time.Date(2026, 3, 2, 6, 30, 0, 0, time.UTC) // a Monday, 09:30 in Moscow, 12:30 in Omsk
	for flags, want := range map[string]int64{
		"":                                1000,
		"--report-timezone UTC":           0,
		"--report-timezone Asia/Omsk":     1000,
		"--working-hours Mon 09:00-10:00": 1000,
		"--working-hours Mon 09:00-10:00 --report-timezone Asia/Omsk":               0,
		"--working-hours Mon 09:00-10:00 Europe/Moscow --report-timezone Asia/Omsk": 1000,
	} {
		args := []string{"--redirect-uri", "https://calls.example.org/mtt/word", "--bandwidth-working-hours", "1kB/s"}
		for flag := range strings.SplitSeq(flags, "--") {
			if name, value, said := strings.Cut(strings.TrimSpace(flag), " "); said {
				args = append(args, "--"+name, value)
			}
		}
		cfg, err := loaded(t, args...)
		if err != nil {
			t.Fatal(err)
		}
		if got := cfg.Download.Bandwidth.At(morning); got != want {
			t.Errorf("%s: %d bytes a second, want %d", flags, got, want)
		}
	}
}

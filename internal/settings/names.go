package settings

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// A setting has one name in three forms: --report-timezone, FONOTEKA_REPORT_TIMEZONE,
// and the key of the file, report_timezone. Some keys stand in a section of the file,
// where the section says a part of the name.

// sections are the settings that stand in a section of the file, by flag.
var sections = map[string]string{
	"clickhouse-port": "ports: clickhouse", "clickhouse-http-port": "ports: clickhouse-http", "s3-port": "ports: s3", "redis-port": "ports: redis",
	"per-host-connections": "download: per_host_connections", "per-host-rate": "download: per_host_rate",
	"bandwidth": "download: bandwidth", "bandwidth-working-hours": "download: bandwidth_working_hours",
	"working-hours": "download: working_hours", "max-recording-size": "download: max_recording_size",
	"scrub-days": "scrub: days", "scrub-rate": "scrub: rate",
	"abandon-after": "calls: abandon_after", "end-after": "calls: end_after", "area-code": "calls: area_code",
	"report-timezone": "reports: timezone", "report-hours": "reports: hours", "service-level": "reports: service_level",
	"callback-days": "reports: callback_days", "repeat-after": "reports: repeat_after",
}

// keyOf is the file's key for a flag, with its section.
func keyOf(flag string) string {
	if key, ok := sections[flag]; ok {
		return key
	}
	return strings.ReplaceAll(flag, "-", "_")
}

func envName(flag string) string {
	return "FONOTEKA_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// formerEnv is a variable's former name, which is read as well: "" for most.
func formerEnv(flag string) string {
	if slices.Contains(ofOperator, flag) {
		return "FONOTEKA_MTT_" + strings.TrimPrefix(envName(flag), "FONOTEKA_")
	}
	return ""
}

// ofOperator are the flags whose variables once bore the operator's name.
var ofOperator = []string{
	"redirect-uri", "previous-redirect-uri", "previous-until", "timezone", "link-days", "record-hosts", "client-id", "client-secret", "api-url", "oauth-url",
}

// named is a setting by its flag and its variable.
func named(flag string) string { return fmt.Sprintf("--%s (%s)", flag, envName(flag)) }

// others are variables that are not settings of Fonoteka: those that Grafana's files in
// grafana/provisioning read, those of its tests, and those that Kubernetes gives to every
// container beside a service of this name.
var others = regexp.MustCompile(`^FONOTEKA_(HOST|PORT|USER|PASSWORD|DASHBOARDS|TEST_\w+|(\w+_)?SERVICE_(HOST|PORT\w*)|(\w+_)?PORT_\d+_(TCP|UDP|SCTP)\w*)$`)

// checkVariables names the variables of the environment that no setting has. One that
// is misspelt would be silent, and the default would hold.
func checkVariables(app *cli.App, environ []string, p *problems) {
	known := variables(app)
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, "FONOTEKA_") || value == "" || slices.Contains(known, name) || others.MatchString(name) {
			continue
		}
		if meant := nearest(name, known); meant != "" {
			p.add("the variable %s is not known: did you mean %s?", name, meant)
		} else {
			p.add("the variable %s is not known; fonoteka serve --help names those that there are", name)
		}
	}
	for _, flag := range ofOperator {
		now, isSet := os.LookupEnv(envName(flag))
		former, wasSet := os.LookupEnv(formerEnv(flag))
		if isSet && wasSet && now != former {
			p.add("%s and %s are one setting, and do not say the same", envName(flag), formerEnv(flag))
		}
	}
}

// variables are those of all flags, of serve and of every command.
func variables(app *cli.App) (all []string) {
	note := func(flags []cli.Flag) {
		for _, f := range flags {
			if d, ok := f.(cli.DocGenerationFlag); ok {
				all = append(all, d.GetEnvVars()...)
			}
		}
	}
	var below func(commands []*cli.Command)
	below = func(commands []*cli.Command) {
		for _, c := range commands {
			note(c.Flags)
			below(c.Subcommands)
		}
	}
	note(ServeFlags())
	if app != nil {
		note(app.Flags)
		below(app.Commands)
	}
	return all
}

package settings

import (
	"strconv"
	"time"

	"fonoteka/internal/hours"
	"fonoteka/internal/rollup"

	"github.com/urfave/cli/v2"
)

// reportFlags say what the reports go by. The file may say otherwise for each
// integration.
func reportFlags() []cli.Flag {
	return []cli.Flag{
		Text("report-timezone", "Europe/Moscow", "`ZONE` of the company: hours and weekdays in reports"),
		Text("report-hours", "Mon-Fri 09:00-18:00", "`HOURS` of the company's clock, several with commas: Mon-Thu 09:00-18:00, Fri 09:00-16:45"),
		Text("service-level", "20s", "`TIME` within which a call should be answered"),
		Text("callback-days", "7", "`DAYS` in which a missed call can be called back (1 to 31)"),
		Text("repeat-after", "24h", "another call of a client within this `TIME` is a repeated one (whole hours, 1h to 168h)"),
	}
}

// fileReports says it in the YAML file: for all integrations, or for one.
type fileReports struct {
	Timezone     string `yaml:"timezone"`
	Hours        string `yaml:"hours"`
	ServiceLevel string `yaml:"service_level"`
	CallbackDays string `yaml:"callback_days"`
	RepeatAfter  string `yaml:"repeat_after"`
}

// or fills what is not said.
func (f fileReports) or(other fileReports) fileReports {
	for _, v := range []struct{ mine, others *string }{
		{&f.Timezone, &other.Timezone},
		{&f.Hours, &other.Hours},
		{&f.ServiceLevel, &other.ServiceLevel},
		{&f.CallbackDays, &other.CallbackDays},
		{&f.RepeatAfter, &other.RepeatAfter},
	} {
		if *v.mine == "" {
			*v.mine = *v.others
		}
	}
	return f
}

// reports reads the settings: those of all integrations under the empty name,
// and those of each that has its own.
func (cfg *Config) reports(file file, pick func(string, string) string, p *problems) {
	all := fileReports{
		Timezone: pick("report-timezone", file.Reports.Timezone), Hours: pick("report-hours", file.Reports.Hours),
		ServiceLevel: pick("service-level", file.Reports.ServiceLevel), CallbackDays: pick("callback-days", file.Reports.CallbackDays),
		RepeatAfter: pick("repeat-after", file.Reports.RepeatAfter),
	}
	cfg.ReportSettings = map[string]rollup.ReportSettings{"": all.parse(p.setting)}
	for _, i := range file.Integrations {
		if i.Reports != (fileReports{}) {
			cfg.ReportSettings[i.Name] = i.Reports.or(all).parse(func(flag, format string, args ...any) {
				if key := join(i.at, keyOf(flag)); p.lines[key] > 0 { // what it has from all is reported there
					p.key(key, format, args...)
				}
			})
		}
	}
}

// ReportsOf are the settings of an integration, also of one that was configured once.
func (cfg *Config) ReportsOf(name string) rollup.ReportSettings {
	s, ok := cfg.ReportSettings[name]
	if !ok {
		s = cfg.ReportSettings[""]
	}
	s.Integration = name
	return s
}

// parse reads them; bad reports a mistake in a setting.
func (f fileReports) parse(bad func(flag, format string, args ...any)) rollup.ReportSettings {
	s := rollup.ReportSettings{Zone: time.UTC, ShortDay: time.Hour}
	zone, err := zoneOf(f.Timezone)
	if err != nil {
		bad("report-timezone", "%w", err)
	} else {
		s.Zone = zone
	}
	if s.WorkFrom, s.WorkTo, err = hours.ParseWeek(f.Hours); err != nil {
		bad("report-hours", "%w", err)
	}
	if s.ServiceLevel, err = time.ParseDuration(f.ServiceLevel); err != nil || s.ServiceLevel < time.Second || s.ServiceLevel > time.Hour {
		bad("service-level", "%q is not a time from 1s to 1h", f.ServiceLevel)
	}
	if s.CallbackDays, err = strconv.Atoi(f.CallbackDays); err != nil || s.CallbackDays < 1 || s.CallbackDays > 31 {
		bad("callback-days", "%q is not a number from 1 to 31", f.CallbackDays)
	}
	repeat, err := time.ParseDuration(f.RepeatAfter)
	if err != nil || repeat < time.Hour || repeat > 168*time.Hour || repeat%time.Hour != 0 {
		bad("repeat-after", "%q is not a number of whole hours from 1h to 168h", f.RepeatAfter)
	}
	s.RepeatHours = int(repeat / time.Hour)
	return s
}

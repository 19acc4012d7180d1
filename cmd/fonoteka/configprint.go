package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/blob"
)

func configCommand() *cli.Command {
	return &cli.Command{
		Name:  "config",
		Usage: "the configuration of this installation",
		Subcommands: []*cli.Command{{
			Name:  "print",
			Usage: "every setting that serve would have, and what says so",
			Description: `Reads the configuration as serve does, reports every mistake, and prints what
holds: each setting, its value, and whether a flag, a variable, the file of
--config or the default says so. Secrets are not shown, only that there are some.`,
			Flags: append([]cli.Flag{jsonFlag()}, serveFlags()...),
			Action: func(c *cli.Context) error {
				if c.NArg() > 0 {
					return errors.New("config print takes no arguments")
				}
				cfg, err := loadConfig(c, forServe)
				if err != nil {
					return err
				}
				all := cfg.settings(c)
				if c.Bool("json") {
					return lines(c.App.Writer, all)
				}
				var rows [][]string
				for _, s := range all {
					rows = append(rows, []string{s.Name, orDash(s.Value), s.From})
				}
				return table(c.App.Writer, []string{"SETTING", "VALUE", "FROM"}, rows)
			},
		}},
	}
}

// setting is one value that holds, for people: it bears no secret.
type setting struct {
	Name  string `json:"setting"`
	Value string `json:"value"`
	From  string `json:"from"`
}

// settings lists what holds: flags in the order of --help, then integrations.
func (cfg *config) settings(c *cli.Context) []setting {
	var out []setting
	for _, f := range serveFlags() {
		name := f.Names()[0]
		if slices.Contains(perIntegration, name) {
			continue
		}
		s := setting{Name: name, Value: c.String(name), From: origin(c, f)}
		if fromFile, said := cfg.fromFile[name]; said {
			s.Value, s.From = fromFile, "file"
		}
		if name == "engine-cache" {
			s.Value = cfg.engineCache // also where it is the data folder
		}
		s.Value = withoutSecrets(name, s.Value)
		out = append(out, s)
	}
	for n, i := range cfg.integrations {
		from := "file"
		if n < cfg.fromFlags {
			from = "flag or variable"
		}
		out = append(out, i.settings(from)...)
	}
	return out
}

// perIntegration are the flags that describe one integration.
var perIntegration = []string{
	"redirect-uri", "previous-redirect-uri", "previous-until", "timezone", "link-days", "client-id", "client-secret",
}

// origin says where a flag's value comes from, if not from the file.
func origin(c *cli.Context, f cli.Flag) string {
	name := f.Names()[0]
	if !c.IsSet(name) {
		return "default"
	}
	if d, ok := f.(cli.DocGenerationFlag); ok {
		for _, env := range d.GetEnvVars() {
			if os.Getenv(env) != "" && os.Getenv(env) == c.String(name) {
				return env
			}
		}
	}
	return "flag"
}

const notShown = "(set, not shown)"

// withoutSecrets takes from a value what nobody should read over a shoulder.
func withoutSecrets(name, value string) string {
	switch {
	case value == "":
		return ""
	case name == "key" || strings.HasSuffix(name, "secret"):
		return notShown
	case !strings.Contains(value, "://"):
		return value
	}
	u, err := url.Parse(value)
	if err != nil {
		return notShown // a URL that is none may hold anything
	}
	if u.User != nil {
		u.User = url.User("…")
	}
	q := u.Query()
	for key := range q {
		if k := strings.ToLower(key); k != "secure" && k != "region" {
			q.Set(key, "…")
		}
	}
	u.RawQuery = q.Encode()
	shown, err := url.PathUnescape(u.String())
	if err != nil {
		return notShown
	}
	return shown
}

func (i integration) settings(from string) []setting {
	of := "integration " + i.name + ": "
	out := []setting{
		{of + "redirect URI", maskedURI(i.redirect), from},
		{of + "time zone", i.zone.String(), from},
		{of + "links live", fmt.Sprintf("%d days", i.linkLife/(24*time.Hour)), from},
	}
	if i.previousPath != "" {
		out = append(out, setting{of + "previous redirect URI", "served until " + i.previousUntil.Format(time.DateOnly) + ", not shown", from})
	}
	if r := i.retention; r != nil {
		rule := "off"
		if r.Mode != blob.NoRetention {
			rule = fmt.Sprintf("%s, %s", strings.ToLower(string(r.Mode)), r.For)
		}
		out = append(out, setting{of + "retention", rule, from})
	}
	credentials := "of fonoteka auth login, or none"
	if i.credentials.ClientID != "" {
		credentials = notShown
	}
	return append(out, setting{of + "client id and secret", credentials, from})
}

// maskedURI leaves the host of a redirect URI: its path is the secret.
func maskedURI(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return notShown
	}
	if strings.Trim(u.Path, "/") == "" {
		return u.Scheme + "://" + u.Host + " (no path, so no secret)"
	}
	return u.Scheme + "://" + u.Host + "/…"
}

package settings

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/blob"
)

// setting is one value that holds, for people: it bears no secret.
type setting struct {
	Name  string `json:"setting"`
	Value string `json:"value"`
	From  string `json:"from"`
}

// Settings lists what holds: flags in the order of --help, then integrations.
func (cfg *Config) Settings(c *cli.Context) []setting {
	var out []setting
	for _, f := range ServeFlags() {
		name := f.Names()[0]
		if slices.Contains(perIntegration, name) {
			continue
		}
		s := setting{Name: name, Value: c.String(name), From: origin(c, f)}
		if fromFile, said := cfg.fromFile[name]; said {
			s.Value, s.From = fromFile, "file"
		}
		if name == "engine-cache" {
			s.Value = cfg.EngineCache // also where it is the data folder
		}
		s.Value = withoutSecrets(name, s.Value)
		out = append(out, s)
	}
	for _, i := range cfg.Integrations {
		from := "file"
		if !cfg.integrationsInFile {
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

func (i Integration) settings(from string) []setting {
	of := "integration " + i.Name + ": "
	zoneFrom := from
	if i.ZoneUnsaid {
		zoneFrom = "default"
	}
	out := []setting{
		{of + "redirect URI", maskedURI(i.RedirectURI), from},
		{of + "time zone", i.Zone.String(), zoneFrom},
		{of + "links live", fmt.Sprintf("%d days", i.LinkLife/(24*time.Hour)), from},
	}
	if i.PreviousPath != "" {
		out = append(out, setting{of + "previous redirect URI", "served until " + i.PreviousUntil.Format(time.DateOnly) + ", not shown", from})
	}
	if r := i.Retention; r != nil {
		rule := "off"
		if r.Mode != blob.NoRetention {
			rule = fmt.Sprintf("%s, %s", strings.ToLower(string(r.Mode)), r.For)
		}
		out = append(out, setting{of + "retention", rule, from})
	}
	credentials := "of fonoteka auth login, or none"
	if i.Credentials.ClientID != "" {
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

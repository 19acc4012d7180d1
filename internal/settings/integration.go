package settings

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/blob"
	"fonoteka/internal/call"
	"fonoteka/internal/mtt"
	"fonoteka/internal/token"
)

// Integration is one integration of the operator's cabinet.
type Integration struct {
	Name        string
	RedirectURI string // URI: bears the secret
	Path        string // of it, likewise
	// What they were, and when that ends to be served.
	PreviousPath  string
	PreviousUntil time.Time

	Zone       *time.Location
	ZoneUnsaid bool // nobody has named one: it is the default
	LinkLife   time.Duration

	Retention *blob.Retention // of its recordings; nil: the installation's

	Credentials token.Credentials // of the configuration; there may be none
	Departments map[string]string // workplace → department, of the configuration
}

// integrations reads those of the file or, where it has none, the one of flags and
// variables. Both together are refused: a variable that is left over would be one more
// integration, and one that is meant for the file's would not reach them.
func (cfg *Config) integrations(c *cli.Context, file file, receives bool, p *problems) {
	all := file.Integrations
	if cfg.integrationsInFile = len(all) > 0; !cfg.integrationsInFile {
		all = []fileIntegration{{
			Name: "main", RedirectURI: c.String("redirect-uri"), Timezone: cmp.Or(c.String("timezone"), defaultZone), LinkDays: c.String("link-days"),
			PreviousURI: c.String("previous-redirect-uri"), PreviousUntil: c.String("previous-until"),
			ClientID: c.String("client-id"), ClientSecret: c.String("client-secret"),
		}}
	}
	for n, i := range all {
		one := i.parse(receives, p)
		one.ZoneUnsaid = i.at == "" && (!c.IsSet("timezone") || c.String("timezone") == "")
		one.Departments = parseDepartments(p, departments{"departments", file.Departments}, departments{join(i.at, "departments"), i.Departments})
		unique(cfg.Integrations, one, all[:n], i, p)
		cfg.Integrations = append(cfg.Integrations, one)
	}
	for _, flag := range perIntegration {
		if cfg.integrationsInFile && c.IsSet(flag) && c.String(flag) != "" {
			p.add("%s: the integrations are those of %s, and this would belong to none of them: there it is %s, beside each name", named(flag), p.file, keyOf(flag))
		}
	}
}

// unique compares an integration with those before it.
func unique(before []Integration, one Integration, said []fileIntegration, i fileIntegration, p *problems) {
	for n, other := range before {
		if other.Name == one.Name {
			i.bad(p)("name", "%q is also the name of %s", one.Name, said[n].at)
		}
		for _, mine := range []struct{ flag, path string }{{"redirect-uri", one.Path}, {"previous-redirect-uri", one.PreviousPath}} {
			if mine.path != "" && (mine.path == other.Path || mine.path == other.PreviousPath) {
				i.bad(p)(mine.flag, "its path is that of another one, of %s", said[n].at)
			}
		}
	}
	if one.PreviousPath != "" && one.PreviousPath == one.Path {
		i.bad(p)("previous-redirect-uri", "it has the path of the present one")
	}
}

// RedirectFault says what makes a redirect URI useless or open to strangers; nil: nothing
// does. It never shows the URI, as its path is a secret.
func RedirectFault(raw string) error {
	path, err := redirectPath(raw)
	switch {
	case err != nil:
		return err
	case path == "":
		return errors.New("it has no path, and so no secret: whoever finds the host could post calls. Let it end in a long random word: https://HOST/mtt/ and what openssl rand -hex 24 prints")
	case strings.HasSuffix(path, "/events"):
		return errors.New("it ends in /events, which the operator adds itself, so that notifications would go astray: leave that off, here and in the operator's cabinet")
	}
	return nil
}

// redirectPath returns the path of a redirect URI. No error shows the URI, as
// its path is a secret.
func redirectPath(raw string) (string, error) {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return "", errors.New("it is missing: the address that is entered in the operator's cabinet, e.g. https://calls.example.org/mtt/ and a long random word")
	case err != nil:
		return "", errors.New("it is not a URL")
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return "", errors.New("it must have no query, fragment or user")
	case u.Host == "":
		return "", errors.New("it has no host")
	case u.Scheme == "https":
	case u.Scheme == "http" && Loopback(u.Hostname()):
	default:
		return "", fmt.Errorf("it must be https (http only on a loopback address, for tests), not %q", u.Scheme)
	}
	return strings.TrimRight(u.EscapedPath(), "/"), nil
}

// Loopback tells whether a host is this machine, by its name or address.
func Loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

var integrationName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// bad reports a mistake in a setting of this integration, by the setting's flag.
func (f fileIntegration) bad(p *problems) func(flag, format string, args ...any) {
	if f.at == "" {
		return p.setting
	}
	return func(flag, format string, args ...any) { p.key(join(f.at, keyOf(flag)), format, args...) }
}

// parse checks an integration; its redirect URI only where notifications come in.
func (f fileIntegration) parse(receives bool, p *problems) Integration {
	bad := f.bad(p)
	i := Integration{Name: f.Name, Zone: time.UTC, LinkLife: 90 * 24 * time.Hour}
	if !integrationName.MatchString(f.Name) {
		bad("name", "%q must be 1 to 32 of a-z, 0-9, - and _: it is part of object keys", f.Name)
	}
	if err := RedirectFault(f.RedirectURI); err != nil && receives {
		bad("redirect-uri", "%w", err)
	}
	i.RedirectURI = f.RedirectURI
	i.Path, _ = redirectPath(f.RedirectURI) // its fault is reported above
	i.Credentials = token.Credentials{ClientID: f.ClientID, ClientSecret: f.ClientSecret}
	if f.Timezone == "" {
		bad("timezone", "it is missing: the zone that the operator writes this integration's times in, such as Europe/Moscow. "+
			"With a wrong one all times are wrong (they were read as UTC before)")
	} else if zone, err := zoneOf(f.Timezone); err != nil {
		bad("timezone", "%w", err)
	} else {
		i.Zone = zone
	}
	if f.LinkDays != "" {
		days, err := strconv.Atoi(f.LinkDays)
		if err != nil || days < 1 || days > 3650 {
			bad("link-days", "%q is not a number of days from 1 to 3650", f.LinkDays)
		}
		i.LinkLife = time.Duration(days) * 24 * time.Hour
	}
	if f.RetentionMode != "" || f.Retention != "" {
		r := parseRetention(f.RetentionMode, f.Retention, bad)
		i.Retention = &r
	}
	i.parsePrevious(f, bad)
	return i
}

// zoneOf is a time zone by its name. "Local" is none: it would be another one on
// another machine.
func zoneOf(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, fmt.Errorf("%q is not a zone such as UTC or Europe/Moscow", name)
	}
	return zone, nil
}

// parsePrevious reads the redirect URI that is being replaced. It is served as
// well until the operator's cabinet has the new one, but not for ever.
func (i *Integration) parsePrevious(f fileIntegration, bad func(flag, format string, args ...any)) {
	switch {
	case f.PreviousURI == "" && f.PreviousUntil == "":
		return
	case f.PreviousURI == "":
		bad("previous-until", "it and previous-redirect-uri belong together")
		return
	case f.PreviousUntil == "":
		bad("previous-redirect-uri", "it and previous-until, the day when it ends, belong together")
		return
	}
	var err error
	if i.PreviousPath, err = redirectPath(f.PreviousURI); err == nil && i.PreviousPath == "" {
		err = errors.New("it has no path: it is no secret that could be replaced")
	}
	if err != nil {
		bad("previous-redirect-uri", "%w", err)
	}
	if i.PreviousUntil, err = time.ParseInLocation(time.DateOnly, f.PreviousUntil, i.Zone); err != nil {
		bad("previous-until", "%q is not a day such as 2026-03-31", f.PreviousUntil)
	}
}

func (cfg *Config) integration(name string) Integration {
	for _, i := range cfg.Integrations {
		if i.Name == name {
			return i
		}
	}
	return Integration{Name: name, Zone: time.UTC, LinkLife: 90 * 24 * time.Hour} // one that was configured once
}

func (cfg *Config) Names() (all []string) {
	for _, i := range cfg.Integrations {
		all = append(all, i.Name)
	}
	return all
}

func (cfg *Config) LinkLife(name string) time.Duration { return cfg.integration(name).LinkLife }

func (cfg *Config) Decode(name string, body []byte, received time.Time) (call.Event, error) {
	return mtt.Decode(body, mtt.Context{Integration: name, ReceivedAt: received, Zone: cfg.integration(name).Zone})
}

// departments are departments with their workplaces, and the file's key that has them.
type departments struct {
	key  string
	list map[string][]string
}

// parseDepartments turns departments with their workplaces, of the file as a
// whole and of one integration, into workplaces with their department.
func parseDepartments(p *problems, lists ...departments) map[string]string {
	out := map[string]string{}
	for _, d := range lists {
		within := map[string]string{}
		for _, department := range slices.Sorted(maps.Keys(d.list)) {
			for _, w := range d.list[department] {
				if other, twice := within[w]; twice && other != department {
					p.key(d.key, "workplace %s is in %q and in %q", w, other, department)
				}
				within[w], out[w] = department, department
			}
		}
	}
	return out
}

package settings

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

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

	Zone     *time.Location
	LinkLife time.Duration

	Retention *blob.Retention // of its recordings; nil: the installation's

	Credentials token.Credentials // of the configuration; there may be none
	Departments map[string]string // workplace → department, of the configuration
}

func unique(all []Integration, p *problems) {
	names, paths := map[string]bool{}, map[string]bool{}
	for _, i := range all {
		if names[i.Name] {
			p.add("integrations: the name %q is there twice", i.Name)
		}
		for _, path := range []string{i.Path, i.PreviousPath} {
			if paths[path] && path != "" {
				p.add("integrations: %q has the redirect URI of another one", i.Name)
			}
			paths[path] = true
		}
		names[i.Name] = true
	}
}

// redirectPath returns the path of a redirect URI. No error shows the URI, as
// its path is a secret.
func redirectPath(raw string) (string, error) {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return "", errors.New("is missing: the address that is entered in the operator's cabinet, e.g. https://calls.example.org/mtt/ and a long random word")
	case err != nil:
		return "", errors.New("is not a URL")
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return "", errors.New("must have no query, fragment or user")
	case u.Host == "":
		return "", errors.New("has no host")
	case u.Scheme == "https":
	case u.Scheme == "http" && Loopback(u.Hostname()):
	default:
		return "", fmt.Errorf("must be https (http only on a loopback address, for tests), not %q", u.Scheme)
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

// parse checks an integration; its redirect URI only where notifications come in.
func (f fileIntegration) parse(receives bool, p *problems) Integration {
	i := Integration{Name: f.Name, Zone: time.UTC, LinkLife: 90 * 24 * time.Hour}
	if !integrationName.MatchString(f.Name) {
		p.add("integrations: name %q must be 1 to 32 of a-z, 0-9, - and _: it is part of object keys", f.Name)
	}
	path, err := redirectPath(f.RedirectURI)
	if err != nil && receives {
		p.add("redirect URI of integration %q (FONOTEKA_MTT_REDIRECT_URI) %w", f.Name, err)
	}
	i.RedirectURI, i.Path = f.RedirectURI, path
	i.Credentials = token.Credentials{ClientID: f.ClientID, ClientSecret: f.ClientSecret}
	if f.Timezone != "" {
		if i.Zone, err = time.LoadLocation(f.Timezone); err != nil {
			i.Zone = time.UTC
			p.add("time zone of integration %q (FONOTEKA_MTT_TIMEZONE): %q is not a zone such as UTC or Europe/Moscow", f.Name, f.Timezone)
		}
	}
	if f.LinkDays != "" {
		days, err := strconv.Atoi(f.LinkDays)
		if err != nil || days < 1 || days > 3650 {
			p.add("link days of integration %q (FONOTEKA_MTT_LINK_DAYS): %q is not a number of days from 1 to 3650", f.Name, f.LinkDays)
		}
		i.LinkLife = time.Duration(days) * 24 * time.Hour
	}
	if f.RetentionMode != "" || f.Retention != "" {
		r := parseRetention(fmt.Sprintf("integration %q: ", f.Name), f.RetentionMode, f.Retention, p)
		i.Retention = &r
	}
	i.parsePrevious(f, p)
	return i
}

// parsePrevious reads the redirect URI that is being replaced. It is served as
// well until the operator's cabinet has the new one, but not for ever.
func (i *Integration) parsePrevious(f fileIntegration, p *problems) {
	switch {
	case f.PreviousURI == "" && f.PreviousUntil == "":
		return
	case f.PreviousURI == "" || f.PreviousUntil == "":
		p.add("previous redirect URI of integration %q (FONOTEKA_MTT_PREVIOUS_REDIRECT_URI, FONOTEKA_MTT_PREVIOUS_UNTIL): it and the day when it ends belong together", f.Name)
		return
	}
	var err error
	if i.PreviousPath, err = redirectPath(f.PreviousURI); err == nil && i.PreviousPath == "" {
		err = errors.New("has no path: it is no secret that could be replaced")
	}
	if err != nil {
		p.add("previous redirect URI of integration %q (FONOTEKA_MTT_PREVIOUS_REDIRECT_URI) %w", f.Name, err)
	}
	if i.PreviousUntil, err = time.ParseInLocation(time.DateOnly, f.PreviousUntil, i.Zone); err != nil {
		p.add("previous redirect URI of integration %q (FONOTEKA_MTT_PREVIOUS_UNTIL): %q is not a day such as 2026-03-31", f.Name, f.PreviousUntil)
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

// parseDepartments turns departments with their workplaces, of the file as a
// whole and of one integration, into workplaces with their department.
func parseDepartments(integration string, p *problems, lists ...map[string][]string) map[string]string {
	out := map[string]string{}
	for _, list := range lists {
		within := map[string]string{}
		for department, workplaces := range list {
			for _, w := range workplaces {
				if other, twice := within[w]; twice && other != department {
					p.add("departments of integration %q: workplace %s is in %q and in %q", integration, w, min(other, department), max(other, department))
				}
				within[w], out[w] = department, department
			}
		}
	}
	return out
}

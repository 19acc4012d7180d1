package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"time"

	"github.com/goccy/go-yaml"

	"fonoteka/internal/bounded"
	"fonoteka/internal/token"
)

// file is the YAML file of --config. It says what the environment can say, and
// several integrations.
type file struct {
	Data          string         `yaml:"data"`
	Listen        string         `yaml:"listen"`
	Public        filePublic     `yaml:",inline"`
	PrivateListen string         `yaml:"private_listen"`
	RecordingsURL string         `yaml:"recordings_url"`
	ClickHouseURL string         `yaml:"clickhouse_url"`
	S3URL         string         `yaml:"s3_url"`
	RedisURL      string         `yaml:"redis_url"`
	RetentionMode string         `yaml:"retention_mode"`
	Retention     string         `yaml:"retention"`
	S3SSE         string         `yaml:"s3_sse"`
	Ports         map[string]int `yaml:"ports"` // clickhouse, clickhouse-http, s3, redis
	EngineCache   string         `yaml:"engine_cache"`

	AllowUnconfinedEngine bool `yaml:"allow_unconfined_engine"`

	RecordHosts  []string          `yaml:"record_hosts"`
	APIURL       string            `yaml:"api_url"`
	OAuthURL     string            `yaml:"oauth_url"`
	Workers      int               `yaml:"workers"`
	Download     fileDownload      `yaml:"download"`
	LogFormat    string            `yaml:"log_format"`
	LogLevel     string            `yaml:"log_level"`
	Calls        fileCalls         `yaml:"calls"`
	Scrub        fileScrub         `yaml:"scrub"`
	Reports      fileReports       `yaml:"reports"`
	Integrations []fileIntegration `yaml:"integrations"`

	Departments map[string][]string `yaml:"departments"` // department → SIP ids of workplaces
}

// fileScrub says how what is stored is checked in the background.
type fileScrub struct {
	Days string `yaml:"days"`
	Rate string `yaml:"rate"`
}

type fileCalls struct {
	AbandonAfter string `yaml:"abandon_after"`
	EndAfter     string `yaml:"end_after"`
	AreaCode     string `yaml:"area_code"`
}

type fileIntegration struct {
	Name        string `yaml:"name"`
	RedirectURI string `yaml:"redirect_uri"`

	RetentionMode string `yaml:"retention_mode"`
	Retention     string `yaml:"retention"`

	PreviousURI   string `yaml:"previous_redirect_uri"`
	PreviousUntil string `yaml:"previous_until"`

	Timezone string      `yaml:"timezone"`
	Reports  fileReports `yaml:"reports"`
	LinkDays string      `yaml:"link_days"`

	ClientID     string `yaml:"client_id"`
	ClientSecret string `yaml:"client_secret"`

	Departments map[string][]string `yaml:"departments"` // of this integration, before those of all
}

// maxFile is the longest file of settings that is read, bytes.
const maxFile = 1 << 20

func readFile(name string, p *problems) file {
	var f file
	if name == "" {
		return f
	}
	raw, err := bounded.ReadFile(name, maxFile)
	if err != nil {
		p.add("--config (FONOTEKA_CONFIG): %w", err)
		return f
	}
	err = yaml.NewDecoder(bytes.NewReader(raw), yaml.Strict()).Decode(&f)
	if err != nil && !errors.Is(err, io.EOF) {
		// Without the lines around it, which may hold secrets.
		p.add("--config (FONOTEKA_CONFIG) %s: %s", name, yaml.FormatError(err, false, false))
	}
	return f
}

func (f file) port(store string) string {
	if n := f.Ports[store]; n != 0 {
		return strconv.Itoa(n)
	}
	return ""
}

func (f file) workers() string {
	if f.Workers == 0 {
		return ""
	}
	return strconv.Itoa(f.Workers)
}

// integrationsOr returns the file's integrations, and the environment's one
// where it says something or there is no other.
func (f file) integrationsOr(env fileIntegration) []fileIntegration {
	if env.RedirectURI != "" || len(f.Integrations) == 0 {
		return append([]fileIntegration{env}, f.Integrations...)
	}
	return f.Integrations
}

var integrationName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// parse checks an integration; its redirect URI only where notifications come in.
func (f fileIntegration) parse(receives bool, p *problems) integration {
	i := integration{name: f.Name, zone: time.UTC, linkLife: 90 * 24 * time.Hour}
	if !integrationName.MatchString(f.Name) {
		p.add("integrations: name %q must be 1 to 32 of a-z, 0-9, - and _: it is part of object keys", f.Name)
	}
	path, err := redirectPath(f.RedirectURI)
	if err != nil && receives {
		p.add("redirect URI of integration %q (FONOTEKA_MTT_REDIRECT_URI) %w", f.Name, err)
	}
	i.redirect, i.path = f.RedirectURI, path
	i.credentials = token.Credentials{ClientID: f.ClientID, ClientSecret: f.ClientSecret}
	if f.Timezone != "" {
		if i.zone, err = time.LoadLocation(f.Timezone); err != nil {
			i.zone = time.UTC
			p.add("time zone of integration %q (FONOTEKA_MTT_TIMEZONE): %q is not a zone such as UTC or Europe/Moscow", f.Name, f.Timezone)
		}
	}
	if f.LinkDays != "" {
		days, err := strconv.Atoi(f.LinkDays)
		if err != nil || days < 1 || days > 3650 {
			p.add("link days of integration %q (FONOTEKA_MTT_LINK_DAYS): %q is not a number of days from 1 to 3650", f.Name, f.LinkDays)
		}
		i.linkLife = time.Duration(days) * 24 * time.Hour
	}
	if f.RetentionMode != "" || f.Retention != "" {
		r := parseRetention(fmt.Sprintf("integration %q: ", f.Name), f.RetentionMode, f.Retention, p)
		i.retention = &r
	}
	i.parsePrevious(f, p)
	return i
}

// parsePrevious reads the redirect URI that is being replaced. It is served as
// well until the operator's cabinet has the new one, but not for ever.
func (i *integration) parsePrevious(f fileIntegration, p *problems) {
	switch {
	case f.PreviousURI == "" && f.PreviousUntil == "":
		return
	case f.PreviousURI == "" || f.PreviousUntil == "":
		p.add("previous redirect URI of integration %q (FONOTEKA_MTT_PREVIOUS_REDIRECT_URI, FONOTEKA_MTT_PREVIOUS_UNTIL): it and the day when it ends belong together", f.Name)
		return
	}
	var err error
	if i.previousPath, err = redirectPath(f.PreviousURI); err == nil && i.previousPath == "" {
		err = errors.New("has no path: it is no secret that could be replaced")
	}
	if err != nil {
		p.add("previous redirect URI of integration %q (FONOTEKA_MTT_PREVIOUS_REDIRECT_URI) %w", f.Name, err)
	}
	if i.previousUntil, err = time.ParseInLocation(time.DateOnly, f.PreviousUntil, i.zone); err != nil {
		p.add("previous redirect URI of integration %q (FONOTEKA_MTT_PREVIOUS_UNTIL): %q is not a day such as 2026-03-31", f.Name, f.PreviousUntil)
	}
}

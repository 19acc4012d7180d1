package settings

import (
	"bytes"
	"errors"
	"io"
	"strconv"

	"github.com/goccy/go-yaml"

	"fonoteka/internal/bounded"
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

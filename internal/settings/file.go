package settings

import "fonoteka/internal/bounded"

// file is the YAML file of --config. It says what the environment can say, and
// several integrations. Its single values are texts, as those of flags and variables
// are; decode reads it.
type file struct {
	Data          string     `yaml:"data"`
	Listen        string     `yaml:"listen"`
	Public        filePublic `yaml:",inline"`
	PrivateListen string     `yaml:"private_listen"`
	RecordingsURL string     `yaml:"recordings_url"`
	AllowedHosts  []string   `yaml:"allowed_hosts"`
	ClickHouseURL string     `yaml:"clickhouse_url"`
	S3URL         string     `yaml:"s3_url"`
	RedisURL      string     `yaml:"redis_url"`
	RetentionMode string     `yaml:"retention_mode"`
	Retention     string     `yaml:"retention"`
	S3SSE         string     `yaml:"s3_sse"`
	Ports         filePorts  `yaml:"ports"`
	EngineCache   string     `yaml:"engine_cache"`

	AllowUnconfinedEngine string `yaml:"allow_unconfined_engine"`

	RecordHosts  []string          `yaml:"record_hosts"`
	APIURL       string            `yaml:"api_url"`
	OAuthURL     string            `yaml:"oauth_url"`
	Workers      string            `yaml:"workers"`
	Download     fileDownload      `yaml:"download"`
	LogFormat    string            `yaml:"log_format"`
	LogLevel     string            `yaml:"log_level"`
	Calls        fileCalls         `yaml:"calls"`
	Scrub        fileScrub         `yaml:"scrub"`
	Reports      fileReports       `yaml:"reports"`
	Integrations []fileIntegration `yaml:"integrations"`

	Departments map[string][]string `yaml:"departments"` // department → SIP ids of workplaces
}

// filePorts are those of the embedded stores.
type filePorts struct {
	ClickHouse     string `yaml:"clickhouse"`
	ClickHouseHTTP string `yaml:"clickhouse-http"`
	S3             string `yaml:"s3"`
	Redis          string `yaml:"redis"`
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
	at string // its key in the file; "": flags and variables say it

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

// readFile reads the file that is named, if one is. It reports false where nothing of
// it could be read: what it was meant to say is not known then, and not missing.
func readFile(name string, p *problems) (f file, read bool) {
	if name == "" {
		return f, true
	}
	raw, err := bounded.ReadFile(name, maxFile)
	if err != nil {
		p.add("%s: %w", named("config"), err)
		return f, false
	}
	read = decode(raw, &f, p)
	return f, read
}

// Package settings is what an installation is told: by flags, then by environment
// variables, then by the YAML file of --config, then by defaults. Load reads all of it
// for a command, into one typed Config, and reports every mistake at once. It opens
// nothing and asks nobody.
//
// Each setting is a flag; flags.go has those of several commands, and public.go,
// reports.go, download.go, retention.go and scrub.go those of their topics, each beside
// what reads them. No error and no list of settings shows a secret.
package settings

import (
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/blob"
	"fonoteka/internal/call"
	"fonoteka/internal/fetch"
	"fonoteka/internal/queue"
	"fonoteka/internal/rollup"
	"fonoteka/internal/warehouse"
)

// Config is what an installation is told: flags, then the environment, then the
// YAML file, then the defaults.
type Config struct {
	Data           string
	Public         Public
	PrivateListen  string
	RecordingsURL  string // as browsers reach the private listener; "": as it listens
	ClickHouseURL  string // "": embedded
	S3URL          string
	RedisURL       string
	Ports          map[string]int // of the embedded stores; 0: chosen and kept
	EngineCache    string
	Unconfined     bool // the engine's reader is there also where nothing confines it
	RecordHosts    fetch.Hosts
	Workers        int
	Download       Download
	Scrub          Scrub
	ReportSettings map[string]rollup.ReportSettings // by integration; "": of the others
	Rules          call.Rules
	EndAfter       time.Duration
	Retention      blob.Retention
	Encryption     blob.Encryption
	Integrations   []Integration
	APIURL         string // of the operator
	OAuthURL       string
	Key            string // of the vault; "": the one in the data folder
	LogJSON        bool
	LogLevel       slog.Level

	fromFile  map[string]string // settings that the file says, by flag
	fromFlags int               // integrations that it does not say; they come first
}

// Need is how much of the configuration a command uses.
type Need int

const (
	ForStores   Need = iota // where the stores are
	ForReplay               // and how notifications are read
	ForDeriving             // and calls derived
	ForServe                // and where they come in
)

// Load reads what a command needs.
func Load(c *cli.Context, n Need) (*Config, error) {
	var p problems
	file := readFile(c.String("config"), &p)
	fromFiles := map[string]string{}
	pick := func(flag, fromFile string) string {
		said := strings.TrimSpace(c.String(flag))
		if c.IsSet(flag) && said != "" || fromFile == "" {
			return said
		}
		said, fromFiles[flag] = fromFile, fromFile
		return said
	}
	cfg := &Config{
		fromFile:      fromFiles,
		Data:          pick("data", file.Data),
		PrivateListen: pick("private-listen", file.PrivateListen),
		ClickHouseURL: pick("clickhouse-url", file.ClickHouseURL),
		S3URL:         pick("s3-url", file.S3URL),
		RedisURL:      pick("redis-url", file.RedisURL),
		EngineCache:   pick("engine-cache", file.EngineCache),
		Ports:         map[string]int{},
	}
	if cfg.Data == "" {
		p.add("--data (FONOTEKA_DATA): the folder for this installation's data is missing")
	} else if abs, err := filepath.Abs(cfg.Data); err == nil {
		cfg.Data = abs
	}
	cfg.Unconfined = pick("allow-unconfined-engine", yes(file.AllowUnconfinedEngine)) == "true"
	if cfg.EngineCache == "" {
		cfg.EngineCache = cfg.Data
	}
	for _, store := range []string{"clickhouse", "clickhouse-http", "s3", "redis"} {
		flag := store + "-port"
		cfg.Ports[store] = port(flag, pick(flag, file.port(store)), &p)
	}
	parsed(&p, "clickhouse-url", cfg.ClickHouseURL, warehouse.ParseURL)
	parsed(&p, "s3-url", cfg.S3URL, blob.ParseURL)
	parsed(&p, "redis-url", cfg.RedisURL, func(raw string) (struct{}, error) { return struct{}{}, queue.CheckURL(raw) })
	cfg.objects(file, pick, &p)
	cfg.readKey(pick, &p)
	cfg.Rules.AreaCode = pick("area-code", file.Calls.AreaCode)
	if a := cfg.Rules.AreaCode; a != "" && !regexp.MustCompile(`^[0-9]{3}$`).MatchString(a) {
		p.add("--area-code (FONOTEKA_AREA_CODE): %q is not three digits", a)
	}
	switch format := pick("log-format", file.LogFormat); format {
	case "text", "json":
		cfg.LogJSON = format == "json"
	default:
		p.add("--log-format (FONOTEKA_LOG_FORMAT): %q is neither text nor json", format)
	}
	level := pick("log-level", file.LogLevel)
	if err := cfg.LogLevel.UnmarshalText([]byte(level)); err != nil || strings.ContainsAny(level, "+-") {
		p.add("--log-level (FONOTEKA_LOG_LEVEL): %q is none of debug, info, warn and error", level)
	}
	if n >= ForReplay {
		for _, i := range file.integrationsOr(fileIntegration{
			Name: "main", RedirectURI: c.String("redirect-uri"), Timezone: c.String("timezone"), LinkDays: c.String("link-days"),
			PreviousURI: c.String("previous-redirect-uri"), PreviousUntil: c.String("previous-until"),
			ClientID: c.String("client-id"), ClientSecret: c.String("client-secret"),
		}) {
			one := i.parse(n == ForServe, &p)
			one.Departments = parseDepartments(i.Name, &p, file.Departments, i.Departments)
			cfg.Integrations = append(cfg.Integrations, one)
		}
		cfg.fromFlags = len(cfg.Integrations) - len(file.Integrations)
		unique(cfg.Integrations, &p)
		cfg.hosts(c, file, &p)
		cfg.operatorSettings(file, pick, &p)
	}
	if n >= ForDeriving {
		cfg.Rules.AbandonAfter = duration("abandon-after", pick("abandon-after", file.Calls.AbandonAfter), &p)
		cfg.EndAfter = duration("end-after", pick("end-after", file.Calls.EndAfter), &p)
	}
	if n == ForServe {
		cfg.receiver(file, pick, &p)
	}
	return cfg, p.err()
}

func (cfg *Config) receiver(file file, pick func(string, string) string, p *problems) {
	cfg.readPublic(file, pick, p)
	if _, _, err := net.SplitHostPort(cfg.PrivateListen); err != nil {
		p.add("--private-listen (FONOTEKA_PRIVATE_LISTEN): %q is not host:port", cfg.PrivateListen)
	}
	cfg.RecordingsURL = strings.TrimRight(pick("recordings-url", file.RecordingsURL), "/")
	if u, err := url.Parse(cfg.RecordingsURL); cfg.RecordingsURL != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		p.add("--recordings-url (FONOTEKA_RECORDINGS_URL): %q is not an http or https address", cfg.RecordingsURL)
	}
	if n, err := strconv.Atoi(pick("workers", file.workers())); err != nil || n < 1 || n > 1000 {
		p.add("--workers (FONOTEKA_WORKERS): %q is not a number from 1 to 1000", pick("workers", file.workers()))
	} else {
		cfg.Workers = n
	}
	cfg.reports(file, pick, p)
	cfg.Download = downloads(file.Download, cfg.ReportSettings[""].Zone, pick, p)
	cfg.Scrub = parseScrub(pick("scrub-days", file.Scrub.Days), pick("scrub-rate", file.Scrub.Rate), p)
}

// hosts reads the list of hosts that recordings may be fetched from.
func (cfg *Config) hosts(c *cli.Context, file file, p *problems) {
	hosts := file.RecordHosts
	if c.IsSet("record-hosts") && c.String("record-hosts") != "" || len(hosts) == 0 {
		hosts = strings.Split(c.String("record-hosts"), ",")
	} else {
		cfg.fromFile["record-hosts"] = strings.Join(hosts, ",")
	}
	var names []string
	for _, h := range hosts {
		h = strings.ToLower(strings.TrimSpace(h))
		if h != "" {
			names = append(names, h)
		}
	}
	var err error
	if cfg.RecordHosts, err = fetch.ParseHosts(names...); err != nil {
		p.add("--record-hosts (FONOTEKA_MTT_RECORD_HOSTS): %w", err)
	}
}

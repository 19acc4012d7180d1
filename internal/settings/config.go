// Package settings is what an installation is told: by flags, then by environment
// variables, then by the YAML file of --config, then by defaults. Load reads all of it
// for a command, into one typed Config, and reports every mistake at once. It opens
// nothing and asks nobody.
//
// Each setting is a flag; flags.go has those of several commands, and public.go,
// reports.go, download.go, retention.go and scrub.go those of their topics, each beside
// what reads them. names.go says how a setting is called in its three forms. No error and
// no list of settings shows a secret.
package settings

import (
	"log/slog"
	"net/url"
	"os"
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
	RecordingsURL  string   // as browsers reach the private listener; "": as it listens
	AllowedHosts   []string // names that requests to the private listener may bear, besides those of other settings
	ClickHouseURL  string   // "": embedded
	S3URL          string
	RedisURL       string
	Ports          map[string]int // of the embedded stores; 0: chosen and kept
	EngineCache    string         // absolute, as Data is
	Unconfined     bool           // the engine's reader is there also where nothing confines it
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

	fromFile           map[string]string // settings that the file says, by flag
	integrationsInFile bool
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
	p := newProblems(c.String("config"))
	checkVariables(c.App, os.Environ(), p)
	file, read := readFile(p.file, p)
	if !read {
		return nil, p.err()
	}
	pick := func(flag, fromFile string) string {
		said := strings.TrimSpace(c.String(flag))
		if c.IsSet(flag) && said != "" || fromFile == "" {
			return said
		}
		p.fromFile[flag] = fromFile
		return fromFile
	}
	cfg := &Config{
		fromFile:      p.fromFile,
		Data:          pick("data", file.Data),
		PrivateListen: pick("private-listen", file.PrivateListen),
		ClickHouseURL: pick("clickhouse-url", file.ClickHouseURL),
		S3URL:         pick("s3-url", file.S3URL),
		RedisURL:      pick("redis-url", file.RedisURL),
		Ports:         map[string]int{},
	}
	cfg.folders(pick("engine-cache", file.EngineCache), p)
	cfg.Unconfined = yes("allow-unconfined-engine", pick("allow-unconfined-engine", file.AllowUnconfinedEngine), p)
	for _, s := range []struct{ store, fromFile string }{
		{"clickhouse", file.Ports.ClickHouse}, {"clickhouse-http", file.Ports.ClickHouseHTTP}, {"s3", file.Ports.S3}, {"redis", file.Ports.Redis},
	} {
		flag := s.store + "-port"
		cfg.Ports[s.store] = port(flag, pick(flag, s.fromFile), p)
	}
	parsed(p, "clickhouse-url", cfg.ClickHouseURL, warehouse.ParseURL)
	parsed(p, "s3-url", cfg.S3URL, blob.ParseURL)
	parsed(p, "redis-url", cfg.RedisURL, func(raw string) (struct{}, error) { return struct{}{}, queue.CheckURL(raw) })
	cfg.objects(file, pick, p)
	cfg.readKey(pick, p)
	cfg.readLog(file, pick, p)
	cfg.Rules.AreaCode = pick("area-code", file.Calls.AreaCode)
	if a := cfg.Rules.AreaCode; a != "" && !regexp.MustCompile(`^[0-9]{3}$`).MatchString(a) {
		p.setting("area-code", "%q is not three digits", a)
	}
	if n >= ForReplay {
		cfg.integrations(c, file, n == ForServe, p)
		cfg.hosts(c, file, p)
		cfg.operatorSettings(file, pick, p)
	}
	if n >= ForDeriving {
		cfg.Rules.AbandonAfter = duration("abandon-after", pick("abandon-after", file.Calls.AbandonAfter), p)
		cfg.EndAfter = duration("end-after", pick("end-after", file.Calls.EndAfter), p)
	}
	if n == ForServe {
		cfg.receiver(file, pick, p)
	}
	return cfg, p.err()
}

// folders makes the folders absolute: stores run in folders of their own, where a path
// that is relative would lead elsewhere.
func (cfg *Config) folders(engineCache string, p *problems) {
	if cfg.Data == "" {
		p.setting("data", "the folder for this installation's data is missing")
	} else if abs, err := filepath.Abs(cfg.Data); err == nil {
		cfg.Data = abs
	}
	if err := rootInAnothers(cfg.Data); err != nil {
		p.add("%w", err)
	}
	if cfg.EngineCache = cfg.Data; engineCache == "" {
		return
	}
	abs, err := filepath.Abs(engineCache)
	if err != nil {
		p.setting("engine-cache", "%w", err)
	}
	cfg.EngineCache = abs
}

func (cfg *Config) readLog(file file, pick func(string, string) string, p *problems) {
	switch format := pick("log-format", file.LogFormat); format {
	case "text", "json":
		cfg.LogJSON = format == "json"
	default:
		p.setting("log-format", "%q is neither text nor json", format)
	}
	level := pick("log-level", file.LogLevel)
	if err := cfg.LogLevel.UnmarshalText([]byte(level)); err != nil || strings.ContainsAny(level, "+-") {
		p.setting("log-level", "%q is none of debug, info, warn and error", level)
	}
}

func (cfg *Config) receiver(file file, pick func(string, string) string, p *problems) {
	cfg.readPublic(file, pick, p)
	cfg.checkPrivate(p)
	cfg.RecordingsURL = strings.TrimRight(pick("recordings-url", file.RecordingsURL), "/")
	if u, err := url.Parse(cfg.RecordingsURL); cfg.RecordingsURL != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		p.setting("recordings-url", "%q is not an http or https address", cfg.RecordingsURL)
	}
	cfg.AllowedHosts = hostNames(pick("allowed-hosts", strings.Join(file.AllowedHosts, ",")), p)
	workers := pick("workers", file.Workers)
	if n, err := strconv.Atoi(workers); err != nil || n < 1 || n > 1000 {
		p.setting("workers", "%q is not a number from 1 to 1000", workers)
	} else {
		cfg.Workers = n
	}
	cfg.reports(file, pick, p)
	cfg.Download = downloads(file.Download, cfg.ReportSettings[""].Zone, pick, p)
	cfg.Scrub = parseScrub(pick("scrub-days", file.Scrub.Days), pick("scrub-rate", file.Scrub.Rate), p)
}

// hostNames reads the names of --allowed-hosts.
func hostNames(raw string, p *problems) (names []string) {
	for _, name := range strings.Split(raw, ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		switch {
		case name == "":
		case !hostName.MatchString(name):
			p.setting("allowed-hosts", "%q is not a host name; it has neither scheme nor port", name)
		default:
			names = append(names, name)
		}
	}
	return names
}

var hostName = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?$`)

// hosts reads the list of hosts that recordings may be fetched from.
func (cfg *Config) hosts(c *cli.Context, file file, p *problems) {
	const flag = "record-hosts"
	hosts := file.RecordHosts
	if c.IsSet(flag) && c.String(flag) != "" || len(hosts) == 0 {
		hosts = strings.Split(c.String(flag), ",")
	} else {
		p.fromFile[flag] = strings.Join(hosts, ",")
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
		p.setting(flag, "%w", err)
	}
}

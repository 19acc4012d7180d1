package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/archive"
	"fonoteka/internal/blob"
	"fonoteka/internal/call"
	"fonoteka/internal/embedded"
	"fonoteka/internal/queue"
	"fonoteka/internal/token"
	"fonoteka/internal/warehouse"
)

// config is what an installation is told: flags, then the environment, then the
// YAML file, then the defaults.
type config struct {
	data           string
	public         publicSettings
	privateListen  string
	recordingsURL  string // as browsers reach the private listener; "": as it listens
	clickhouseURL  string // "": embedded
	s3URL          string
	redisURL       string
	ports          map[string]int // of the embedded stores; 0: chosen and kept
	engineCache    string
	unconfined     bool // the engine's reader is there also where nothing confines it
	recordHosts    archive.Hosts
	workers        int
	download       download
	fixity         fixitySettings
	reportSettings map[string]warehouse.ReportSettings // by integration; "": of the others
	rules          call.Rules
	endAfter       time.Duration
	retention      blob.Retention
	encryption     blob.Encryption
	integrations   []integration
	apiURL         string // of the operator
	oauthURL       string
	key            string // of the vault; "": the one in the data folder
	logJSON        bool
	logLevel       slog.Level

	fromFile  map[string]string // settings that the file says, by flag
	fromFlags int               // integrations that it does not say; they come first
}

// integration is one integration of the operator's cabinet.
type integration struct {
	name     string
	redirect string // URI: bears the secret
	path     string // of it, likewise
	// What they were, and when that ends to be served.
	previousPath  string
	previousUntil time.Time

	zone     *time.Location
	linkLife time.Duration

	retention *blob.Retention // of its recordings; nil: the installation's

	credentials token.Credentials // of the configuration; there may be none
	departments map[string]string // workplace → department, of the configuration
}

// problems collects every mistake in the configuration, so that the
// administrator meets them all at once.
type problems struct{ list []error }

func (p *problems) add(format string, args ...any) {
	p.list = append(p.list, fmt.Errorf(format, args...))
}

func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	lines := make([]string, len(p.list))
	for i, err := range p.list {
		lines[i] = "  - " + err.Error()
	}
	return fmt.Errorf("the configuration has %s:\n%s", count(len(p.list), "mistake"), strings.Join(lines, "\n"))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// need is how much of the configuration a command uses.
type need int

const (
	forStores   need = iota // where the stores are
	forReplay               // and how notifications are read
	forDeriving             // and calls derived
	forServe                // and where they come in
)

// loadConfig reads what a command needs.
func loadConfig(c *cli.Context, n need) (*config, error) {
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
	cfg := &config{
		fromFile:      fromFiles,
		data:          pick("data", file.Data),
		privateListen: pick("private-listen", file.PrivateListen),
		clickhouseURL: pick("clickhouse-url", file.ClickHouseURL),
		s3URL:         pick("s3-url", file.S3URL),
		redisURL:      pick("redis-url", file.RedisURL),
		engineCache:   pick("engine-cache", file.EngineCache),
		ports:         map[string]int{},
	}
	if cfg.data == "" {
		p.add("--data (FONOTEKA_DATA): the folder for this installation's data is missing")
	} else if abs, err := filepath.Abs(cfg.data); err == nil {
		cfg.data = abs
	}
	cfg.unconfined = pick("allow-unconfined-engine", yes(file.AllowUnconfinedEngine)) == "true"
	if cfg.engineCache == "" {
		cfg.engineCache = cfg.data
	}
	for _, store := range []string{"clickhouse", "clickhouse-http", "s3", "redis"} {
		flag := store + "-port"
		cfg.ports[store] = port(flag, pick(flag, file.port(store)), &p)
	}
	parsed(&p, "clickhouse-url", cfg.clickhouseURL, warehouse.ParseURL)
	parsed(&p, "s3-url", cfg.s3URL, blob.ParseURL)
	parsed(&p, "redis-url", cfg.redisURL, func(raw string) (struct{}, error) { return struct{}{}, queue.CheckURL(raw) })
	cfg.objects(file, pick, &p)
	cfg.readKey(pick, &p)
	cfg.rules.AreaCode = pick("area-code", file.Calls.AreaCode)
	if a := cfg.rules.AreaCode; a != "" && !regexp.MustCompile(`^[0-9]{3}$`).MatchString(a) {
		p.add("--area-code (FONOTEKA_AREA_CODE): %q is not three digits", a)
	}
	switch format := pick("log-format", file.LogFormat); format {
	case "text", "json":
		cfg.logJSON = format == "json"
	default:
		p.add("--log-format (FONOTEKA_LOG_FORMAT): %q is neither text nor json", format)
	}
	level := pick("log-level", file.LogLevel)
	if err := cfg.logLevel.UnmarshalText([]byte(level)); err != nil || strings.ContainsAny(level, "+-") {
		p.add("--log-level (FONOTEKA_LOG_LEVEL): %q is none of debug, info, warn and error", level)
	}
	if n >= forReplay {
		for _, i := range file.integrationsOr(fileIntegration{
			Name: "main", RedirectURI: c.String("redirect-uri"), Timezone: c.String("timezone"), LinkDays: c.String("link-days"),
			PreviousURI: c.String("previous-redirect-uri"), PreviousUntil: c.String("previous-until"),
			ClientID: c.String("client-id"), ClientSecret: c.String("client-secret"),
		}) {
			one := i.parse(n == forServe, &p)
			one.departments = parseDepartments(i.Name, &p, file.Departments, i.Departments)
			cfg.integrations = append(cfg.integrations, one)
		}
		cfg.fromFlags = len(cfg.integrations) - len(file.Integrations)
		unique(cfg.integrations, &p)
		cfg.hosts(c, file, &p)
		cfg.operatorSettings(file, pick, &p)
	}
	if n >= forDeriving {
		cfg.rules.AbandonAfter = duration("abandon-after", pick("abandon-after", file.Calls.AbandonAfter), &p)
		cfg.endAfter = duration("end-after", pick("end-after", file.Calls.EndAfter), &p)
	}
	if n == forServe {
		cfg.receiver(file, pick, &p)
	}
	return cfg, p.err()
}

func (cfg *config) receiver(file file, pick func(string, string) string, p *problems) {
	cfg.readPublic(file, pick, p)
	if _, _, err := net.SplitHostPort(cfg.privateListen); err != nil {
		p.add("--private-listen (FONOTEKA_PRIVATE_LISTEN): %q is not host:port", cfg.privateListen)
	}
	cfg.recordingsURL = strings.TrimRight(pick("recordings-url", file.RecordingsURL), "/")
	if u, err := url.Parse(cfg.recordingsURL); cfg.recordingsURL != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		p.add("--recordings-url (FONOTEKA_RECORDINGS_URL): %q is not an http or https address", cfg.recordingsURL)
	}
	if n, err := strconv.Atoi(pick("workers", file.workers())); err != nil || n < 1 || n > 1000 {
		p.add("--workers (FONOTEKA_WORKERS): %q is not a number from 1 to 1000", pick("workers", file.workers()))
	} else {
		cfg.workers = n
	}
	cfg.reports(file, pick, p)
	cfg.download = downloads(file.Download, cfg.reportSettings[""].Zone, pick, p)
	cfg.fixity = parseFixity(pick("scrub-days", file.Scrub.Days), pick("scrub-rate", file.Scrub.Rate), p)
}

// hosts reads the list of hosts that recordings may be fetched from.
func (cfg *config) hosts(c *cli.Context, file file, p *problems) {
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
	if cfg.recordHosts, err = archive.ParseHosts(names...); err != nil {
		p.add("--record-hosts (FONOTEKA_MTT_RECORD_HOSTS): %w", err)
	}
}

func unique(all []integration, p *problems) {
	names, paths := map[string]bool{}, map[string]bool{}
	for _, i := range all {
		if names[i.name] {
			p.add("integrations: the name %q is there twice", i.name)
		}
		for _, path := range []string{i.path, i.previousPath} {
			if paths[path] && path != "" {
				p.add("integrations: %q has the redirect URI of another one", i.name)
			}
			paths[path] = true
		}
		names[i.name] = true
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
	case u.Scheme == "http" && loopback(u.Hostname()):
	default:
		return "", fmt.Errorf("must be https (http only on a loopback address, for tests), not %q", u.Scheme)
	}
	return strings.TrimRight(u.EscapedPath(), "/"), nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// parsed is what a parser says of a URL that is given.
func parsed[T any](p *problems, flag, raw string, parse func(string) (T, error)) {
	if raw == "" {
		return
	}
	if _, err := parse(raw); err != nil {
		p.add("--%s (%s): %w", flag, envName(flag), err)
	}
}

func port(flag, raw string, p *problems) int {
	n, err := strconv.Atoi(raw)
	if err != nil || n < 0 || n > 65535 {
		p.add("--%s (%s): %q is not a port", flag, envName(flag), raw)
	}
	return n
}

func duration(flag, raw string, p *problems) time.Duration {
	d, err := time.ParseDuration(raw)
	if err != nil || d < 0 {
		p.add("--%s (%s): %q is not a span of time such as 5s or 6h", flag, envName(flag), raw)
	}
	return d
}

func envName(flag string) string {
	return "FONOTEKA_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// defaultEngineCache is empty for a user without a home folder.
func defaultEngineCache() string {
	dir, err := embedded.DefaultCacheDir()
	if err != nil {
		return ""
	}
	return dir
}

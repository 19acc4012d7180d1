package settings

import (
	"slices"
	_ "time/tzdata" // zones on machines that have none

	"github.com/urfave/cli/v2"

	"fonoteka/internal/embedded"
	"fonoteka/internal/mtt"
)

// DataFlags say where an installation is and how to reach its stores.
func DataFlags() []cli.Flag {
	return append([]cli.Flag{
		Text("config", packagedConfig, "`FILE` in YAML that says what these flags say, and more (several integrations)"),
		Text("data", "data", "`FOLDER` for everything this installation keeps"),
		Text("clickhouse-url", "", "ClickHouse server, clickhouse://user:password@host:9000/fonoteka, with ?secure=true by TLS on port 9440; fonoteka sql asks its HTTP port (&http_port=8123, with TLS 8443); `URL` empty: the embedded engine"),
		Text("s3-url", "", "S3 store, s3://key:secret@host:9000/bucket, by TLS; ?secure=false: without; &region=NAME where it is not us-east-1; `URL` empty: the embedded store"),
		Text("redis-url", "", "Redis, redis://:password@host:6379/0, with rediss:// by TLS; `URL` empty: the embedded one"),
		Text("clickhouse-port", "0", "native `PORT` of the embedded ClickHouse; 0: chosen at the first start and kept"),
		Text("clickhouse-http-port", "0", "HTTP `PORT` of the embedded ClickHouse; likewise"),
		Text("s3-port", "0", "`PORT` of the embedded S3; likewise"),
		Text("redis-port", "0", "`PORT` of the embedded Redis; likewise"),
		Text("engine-cache", DefaultEngineCache(), "`FOLDER` of the embedded ClickHouse's library (see: fonoteka engine fetch); without a home folder: that of --data"),
		&cli.BoolFlag{Name: "allow-unconfined-engine", Usage: "let the embedded ClickHouse have its user for reading though this kernel cannot confine the engine to its folder (Landlock, Linux 5.19): each query may then read every file that serve may", EnvVars: []string{envName("allow-unconfined-engine")}},
		Text("log-format", "text", "`FORMAT` of the log: text or json"),
		Text("log-level", "info", "least `LEVEL` of what is logged: debug, info, warn or error"),
	}, objectFlags()...)
}

// RuleFlags say how calls are derived.
func RuleFlags() []cli.Flag {
	return []cli.Flag{
		Text("abandon-after", "5s", "an unanswered call that waited at least this `TIME` is missed, a shorter one abandoned"),
		Text("end-after", "6h", "`TIME` of silence after which a call without an end is ended by inference"),
		AreaCodeFlag(),
	}
}

// AreaCodeFlag completes local numbers.
func AreaCodeFlag() cli.Flag {
	return Text("area-code", "", "three `DIGITS` put before 7-digit local numbers")
}

// Text is a flag with the variable FONOTEKA_NAME.
func Text(name, def, usage string) *cli.StringFlag {
	return &cli.StringFlag{Name: name, Value: def, Usage: usage, EnvVars: []string{envName(name)}}
}

// defaultZone is that of the one integration of flags and variables; those of a file
// have to name theirs.
const defaultZone = "UTC"

// operatorText is a flag whose variable has a former name, with the operator's in it.
func operatorText(name, def, usage string) *cli.StringFlag {
	f := Text(name, def, usage)
	f.EnvVars = append(f.EnvVars, formerEnv(name))
	return f
}

// ServeFlags are all that serve is told.
func ServeFlags() []cli.Flag {
	return append(append([]cli.Flag{
		Text("private-listen", "127.0.0.1:8090", "private `ADDRESS` for metrics, health and recordings; without TLS, so that on anything but a loopback address only the networks of --trusted-proxies may connect"),
		Text("recordings-url", "", "`URL` of the private listener as browsers reach it, for links to recordings; default: http:// and --private-listen"),
		Text("allowed-hosts", "", "`NAMES` by which browsers and programs reach the private listener, comma between; IP addresses, localhost and the hosts of --private-listen, --recordings-url and the redirect URIs always are; others are refused"),
		Text("workers", "16", "`N` downloads at once"),
	}, slices.Concat(IntegrationFlags(), OperatorFlags(), []cli.Flag{RecordHostsFlag()}, RuleFlags(), publicFlags(), reportFlags(), downloadFlags(), scrubFlags())...), DataFlags()...)
}

// IntegrationFlags are what a receiver of notifications must know.
func IntegrationFlags() []cli.Flag {
	return []cli.Flag{
		operatorText("redirect-uri", "", "`URI` entered in the operator's cabinet; its path is a secret: https://calls.example.org/mtt/LONG-RANDOM-WORD"),
		operatorText("previous-redirect-uri", "", "`URI` that is being replaced, served as well until the day of --previous-until"),
		operatorText("previous-until", "", "`DAY` from which it is not: 2026-03-31"),
		operatorText("timezone", defaultZone, "`ZONE` that the operator writes the times of notifications in, such as Europe/Moscow"),
		operatorText("link-days", "90", "`DAYS` the operator keeps a recording"),
	}
}

// RecordHostsFlag bounds where recordings are fetched from.
func RecordHostsFlag() cli.Flag {
	return operatorText("record-hosts", "mtt.ru", "`HOSTS` recordings may be fetched from: names (https on port 443, with all under them), also as NAME:PORT or http://NAME, and literal addresses with a port, comma between")
}

// OperatorFlags are what whoever asks the operator must know, integrationFlags
// apart.
func OperatorFlags() []cli.Flag {
	return []cli.Flag{
		operatorText("client-id", "", "client `ID` of the operator's cabinet; empty: the one kept by fonoteka auth login"),
		operatorText("client-secret", "", "its `SECRET`; likewise"),
		operatorText("api-url", mtt.APIURL, "`URL` of the operator's API"),
		operatorText("oauth-url", mtt.OAuthURL, "`URL` of the operator's login service"),
		KeyFlag(),
	}
}

// KeyFlag is the key of the vault.
func KeyFlag() cli.Flag {
	return Text("key", "", "`KEY` that seals tokens and client secrets in the data folder, 32 letters or more; empty: one kept in the file key of that folder")
}

// DefaultEngineCache is empty for a user without a home folder.
func DefaultEngineCache() string {
	if packagedEngine != "" {
		return packagedEngine
	}
	dir, err := embedded.DefaultCacheDir()
	if err != nil {
		return ""
	}
	return dir
}

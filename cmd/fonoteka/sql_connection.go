package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/embedded"
	"fonoteka/internal/installation"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
)

// connection is what a SQL tool or Grafana asks for.
type connection struct {
	Host       string `json:"host"`
	NativePort int    `json:"native_port"`
	HTTPPort   int    `json:"http_port"`
	Database   string `json:"database"`
	User       string `json:"user"`
	Password   string `json:"password"`
}

// sayConnection tells how others may read the embedded warehouse. The password
// goes to standard output and nowhere else.
func sayConnection(c *cli.Context) error {
	cfg, err := load(c, settings.ForStores)
	if err != nil {
		return err
	}
	if cfg.ClickHouseURL != "" {
		return errors.New("the ClickHouse server is your own: deploy/clickhouse/analyst.sql makes a user for reading there")
	}
	if err := installation.ReaderMissing(cfg); err != nil {
		return fmt.Errorf("there is no user for reading: %w. Nothing would keep its queries from the files of this installation, its secrets among them. "+
			"Accept that with --allow-unconfined-engine (FONOTEKA_ALLOW_UNCONFINED_ENGINE), for serve too, or ask with fonoteka sql, which goes on", err)
	}
	if err := noteGiven(c, "sql.connection", "", ""); err != nil {
		return err
	}
	v, err := state.Read(cfg.Data)
	if errors.Is(err, os.ErrNotExist) {
		err = state.ErrNone
	}
	if err != nil {
		return err
	}
	r := connection{
		Host: "127.0.0.1", NativePort: v.Ports.ClickHouseNative, HTTPPort: v.Ports.ClickHouseHTTP,
		Database: embedded.ClickHouseDatabase, User: embedded.ClickHouseAnalyst, Password: v.ClickHouseAnalystPassword,
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(r) //nolint:gosec // the password is what was asked for
	}
	u := func(scheme string, port int) string {
		return (&url.URL{Scheme: scheme, User: url.UserPassword(r.User, r.Password), Host: installation.Local(port), Path: r.Database}).String()
	}
	fmt.Fprintf(c.App.Writer, `host      %s (this machine only)
ports     %d native, %d HTTP
database  %s
user      %s   reads only, with limits, and no links to recordings at the operator; every row shows once
password  %s

native    %s
JDBC      jdbc:clickhouse://%s:%d/%s
`, r.Host, r.NativePort, r.HTTPPort, r.Database, r.User, r.Password, u("clickhouse", r.NativePort), r.Host, r.HTTPPort, r.Database)
	return nil
}

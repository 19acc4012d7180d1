package warehouse_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"fonoteka/internal/warehouse"
)

func TestParseURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]warehouse.Options{
		"clickhouse://host": {Addrs: []string{"host:9000"}, HTTPAddr: "host:8123", User: "default", Database: "fonoteka"},
		"clickhouse://u:p%40%2Fss@host:1/db?http_port=2": {
			Addrs: []string{"host:1"}, HTTPAddr: "host:2", User: "u", Password: "p@/ss", Database: "db",
		},
		"clickhouse://a,b:7/":                 {Addrs: []string{"a:9000", "b:7"}, HTTPAddr: "a:8123", User: "default", Database: "fonoteka"},
		"clickhouse://[::1]:7/x":              {Addrs: []string{"[::1]:7"}, HTTPAddr: "[::1]:8123", User: "default", Database: "x"},
		"http://u@host:80/x?native_port=9001": {Addrs: []string{"host:9001"}, HTTPAddr: "host:80", User: "u", Database: "x"},
	} {
		got, err := warehouse.ParseURL(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(warehouse.Options{}, "Log")); diff != "" {
			t.Errorf("%s: %s", raw, diff)
		}
	}
	for _, raw := range []string{"clickhouse://host?secure=true", "https://host?native_port=9440"} {
		o, err := warehouse.ParseURL(raw)
		if err != nil || o.TLS == nil || o.TLS.InsecureSkipVerify || o.Addrs[0] != "host:9440" || o.HTTPAddr != "host:8443" {
			t.Errorf("%s: %+v, %v", raw, o, err)
		}
	}
}

func TestParseURLRefusesWithoutShowingThePassword(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"http://u:hunter2@host:8123/x", "https://u:hunter2@host/x", "clickhouse://u:hunter2@host:8123/x", "clickhouse://u:hunter2@host:8443/x?secure=true",
		"", "host:9000", "ftp://u:hunter2@host/", "clickhouse://u:hunter2@", "clickhouse://u:hunter2@host:port/x",
		"clickhouse://u:hunter2@host:0/x", "clickhouse://u:hunter2%zz@host/x", "clickhouse://u:hunter2/y@host/x",
		"clickhouse://u:hunter2@host/x?secure=perhaps", "clickhouse://u:hunter2@host/x?max_threads=1",
		"https://u:hunter2@host/x?secure=false", "clickhouse://u:hunter2@host/x?http_port=99999", "clickhouse://u:hunter2#x@host:1/",
	} {
		o, err := warehouse.ParseURL(raw)
		if err == nil {
			t.Errorf("%s is taken as %+v", raw, o.Addrs)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("shows the password: %v", err)
		}
	}
}

func TestOnlyWhatLeavesThisMachineIsCompressed(t *testing.T) {
	t.Parallel()
	for addrs, want := range map[string]bool{
		"127.0.0.1:9000": false, "[::1]:9000": false, "localhost:9000,127.0.0.1:9001": false,
		"10.0.0.1:9000": true, "clickhouse:9000": true, "127.0.0.1:9000,other:9000": true,
	} {
		if got := (warehouse.Options{Addrs: strings.Split(addrs, ",")}).Compressed(); got != want {
			t.Errorf("%s: compressed %v", addrs, got)
		}
	}
}

func TestOpenRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	for _, o := range []warehouse.Options{{}, {Addrs: []string{"host"}}} {
		if _, err := warehouse.Open(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

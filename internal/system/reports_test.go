package system

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/sim"
	"fonoteka/schema"
)

// The way of a call into the reports, of a year's calendar into them, and of an
// analyst to them.
func TestReportsFollowTheCalls(t *testing.T) {
	t.Parallel()
	op := operate(t, sim.Options{Calls: 200, Seed: 5, Since: time.Now().AddDate(0, 0, -3)})
	in := install(t, op.hosts(), "FONOTEKA_REPORT_TIMEZONE=Asia/Vladivostok").start()
	if err := op.Post(t.Context(), nil, in.redirectURI()); err != nil {
		t.Fatal(err)
	}
	in.eventually(4*time.Minute, "200\t200", "SELECT count(), (SELECT sum(calls) FROM report_volume) FROM report_calls")
	in.eventually(4*time.Minute, "1", "SELECT sum(callers) > 0 AND (SELECT sum(answered) FROM report_recordings) > 0 FROM report_callers")
	for _, query := range schema.Queries() { // of the data dictionary
		if rows, err := in.command("sql", "--format", "TSV", query); err != nil || strings.TrimSpace(rows) == "" {
			t.Errorf("no rows: %s\n%v", query, err)
		}
	}
	if got := in.sql("SELECT DISTINCT toHour(started_at + INTERVAL 10 HOUR) = local_hour FROM report_volume"); got != "true" && got != "1" {
		t.Errorf("hours are not those of Vladivostok: %s", got)
	}

	file := filepath.Join(t.TempDir(), "calendar.json")
	year := strconv.Itoa(time.Now().Year())
	var months []string
	for m := range 12 {
		months = append(months, `{"month":`+strconv.Itoa(m+1)+`,"days":"`+weekends(time.Now().Year(), m+1)+`"}`)
	}
	content := `{"year":` + year + `,"months":[` + strings.Join(months, ",") + `]}`
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := in.command("calendar", "import", file); err != nil || !strings.HasPrefix(out, year+": ") {
		t.Errorf("%q, %v", out, err)
	}

	out, err := in.command("sql", "--connection", "--json")
	var c struct {
		HTTPPort                 int `json:"http_port"`
		Database, User, Password string
	}
	if err != nil || json.Unmarshal([]byte(out), &c) != nil {
		t.Fatalf("%q, %v", out, err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+local(c.HTTPPort)+"/?database="+c.Database, strings.NewReader("SELECT sum(calls) FROM report_volume"))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(c.User, c.Password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("an analyst is answered %s", resp.Status)
	}
	if log, _ := os.ReadFile(in.log.Name()); strings.Contains(string(log), c.Password) {
		t.Error("the password is in the log")
	}
}

// weekends lists the Saturdays and Sundays of a month, the 1st being free too.
func weekends(year, month int) string {
	days := []string{"1"}
	for d := time.Date(year, time.Month(month), 2, 0, 0, 0, 0, time.UTC); d.Month() == time.Month(month); d = d.AddDate(0, 0, 1) {
		if d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
			days = append(days, strconv.Itoa(d.Day()))
		}
	}
	return strings.Join(days, ",")
}

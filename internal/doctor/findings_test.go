package doctor

import (
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/installation"
	"fonoteka/internal/settings"
	"fonoteka/internal/spool"
	"fonoteka/internal/state"
	"fonoteka/internal/testenv"
	"fonoteka/internal/token"
	"fonoteka/internal/volume"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/catalogue"
)

// usual is an integration at which nothing is wrong.
func usual() volume.Comparison {
	return volume.Comparison{Integration: "main", Silence: time.Minute, Learned: true, Missing: 0.2, Day: 900, Usual: 1000, Zone: volume.Zone{Known: true}}
}

func TestASilenceIsToldAsCallsThatAreMissing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*volume.Comparison)
		answer Answer
		means  string
	}{
		"as usual":                {func(*volume.Comparison) {}, Yes, "900 calls began in the last 24 hours, usually 1000"},
		"calls are missing":       {func(s *volume.Comparison) { s.Silence, s.Missing = time.Hour, 40 }, No, "came 60 min ago; 40 calls usually begin in such a time"},
		"a busy minute":           {func(s *volume.Comparison) { s.Missing = 40 }, Yes, "1 min ago"},
		"a quiet night":           {func(s *volume.Comparison) { s.Silence, s.Missing = 5*time.Hour, 2 }, Yes, "came 5 h ago"},
		"few calls in a day":      {func(s *volume.Comparison) { s.Day = 100 }, Look, "100 calls began in the last 24 hours, usually 1000"},
		"the first week":          {func(s *volume.Comparison) { s.Learned = false }, Yes, "known after a week"},
		"nothing for three weeks": {func(s *volume.Comparison) { s.Silence, s.Missing = 21*24*time.Hour, 20000 }, No, "came 21 days ago"},
	} {
		s := usual()
		c.change(&s)
		if f := silence(s); f.Answer != c.answer || !strings.Contains(f.Means, c.means) || (f.Answer != Yes) != (f.Do != "") {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestAWrongZoneAndAWrongClockAreToldApart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		zone   volume.Zone
		answer Answer
		word   string
	}{
		"right":        {volume.Zone{Known: true, Skew: 2 * time.Second}, Yes, "configured zone"},
		"another zone": {volume.Zone{Known: true, Offset: 3 * time.Hour}, No, "FONOTEKA_TIMEZONE"},
		"a clock off":  {volume.Zone{Known: true, Skew: -3 * time.Minute}, Look, "NTP"},
		"few calls":    {volume.Zone{}, Unknown, "too few calls"},
	} {
		s := usual()
		s.Zone = c.zone
		if f := zoneFinding(s); f.Answer != c.answer || !strings.Contains(f.Means+f.Do, c.word) {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestALoginIsLackingOnlyWhereAPersonMustHelp(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for s, want := range map[token.State]struct {
		answer Answer
		do     string
	}{
		token.Fine:          {Yes, ""},
		token.NoCredentials: {Look, "nothing"},
		token.Failing:       {Look, "the refresh token ends in 2 d"},
		token.NoLogin:       {No, "fonoteka auth login"},
		token.Refused:       {No, "fonoteka auth login"},
		token.Ended:         {No, "fonoteka auth login"},
		token.Unreadable:    {No, "FONOTEKA_KEY"},
	} {
		f := loginFinding(token.Status{State: s, At: now, RefreshEnds: now.Add(48 * time.Hour)})
		if f.Answer != want.answer || !strings.Contains(f.Do, want.do) || f.Means == "" {
			t.Errorf("%s: %+v", s, f)
		}
	}
}

func TestADamagedSpoolIsLackingWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	found := func(missing uint64, known bool) *spool.Found {
		return &spool.Found{First: 1, Last: 9, LastKnown: known, Readable: 9 - missing, Readers: map[string]spool.Reader{"warehouse": {From: 1, Missing: missing}}}
	}
	for name, c := range map[string]struct {
		report spool.Report
		answer Answer
		word   string
	}{
		"not looked through":   {spool.Report{}, Look, "not looked through yet"},
		"all can be read":      {spool.Report{Found: found(0, true)}, Look, "9 can be read"},
		"some cannot":          {spool.Report{Found: found(2, true)}, No, "2 missing"},
		"how many is unknown":  {spool.Report{Found: found(0, false)}, No, "perhaps others"},
		"somebody knows of it": {spool.Report{Found: found(2, true), Acknowledged: &spool.Acknowledgement{By: "anna"}}, Yes, "acknowledged by anna"},
	} {
		c.report.Folder = "spool.damaged-1"
		if f := damageFinding(c.report); f.Answer != c.answer || !strings.Contains(f.Means, c.word) || (f.Answer != Yes) != (f.Do != "") {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// database is an empty database on the test's engine, as a setting names it.
func database(t *testing.T) (cfg *settings.Config, conn *sql.DB) {
	t.Helper()
	native, http, user, password := embeddedtest.ClickHouse(t)
	_, port, _ := strings.Cut(http, ":")
	name := "doctor_" + strings.ToLower(rand.Text())
	u := url.URL{Scheme: "clickhouse", User: url.UserPassword(user, password), Host: native, Path: name, RawQuery: "http_port=" + port}
	o, err := warehouse.ParseURL(u.String())
	if err != nil {
		t.Fatal(err)
	}
	db, err := warehouse.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	conn, err = sql.Open("clickhouse", "clickhouse://"+u.User.String()+"@"+native+"/"+name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &settings.Config{
		Data: filepath.Join(t.TempDir(), "none"), ClickHouseURL: u.String(), RedisURL: "redis://127.0.0.1:1/0", S3URL: "s3://k:s@127.0.0.1:1/b?secure=false",
		Integrations: []settings.Integration{{Name: "main", Zone: time.UTC}},
	}, conn
}

// look runs an examination and returns its findings by their names.
func examined(t *testing.T, name string, cfg *settings.Config) map[string]Finding {
	t.Helper()
	for _, e := range Examinations() {
		if e.Name != name {
			continue
		}
		r, err := e.Run(t.Context(), cfg)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out := map[string]Finding{}
		for _, f := range r.Findings {
			out[f.Check] = f
		}
		return out
	}
	t.Fatalf("there is no examination %s", name)
	return nil
}

// Who may only read is told before serve fails with it, and a closed HTTP port is told as
// what it is: the one of fonoteka sql.
func TestAUserWhoMayOnlyReadIsExamined(t *testing.T) {
	t.Parallel()
	cfg, conn := database(t)
	o, err := warehouse.ParseURL(cfg.ClickHouseURL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec("CREATE DATABASE IF NOT EXISTS fonoteka"); err != nil { // the one that the reader may read
		t.Fatal(err)
	}
	user, password := embeddedtest.Reader()
	u := url.URL{Scheme: "clickhouse", User: url.UserPassword(user, password), Host: o.Addrs[0], Path: "fonoteka", RawQuery: "http_port=1"}
	cfg.ClickHouseURL = u.String()
	found := examined(t, "stores", cfg)
	if f := found["rights"]; f.Answer != No || !strings.Contains(f.Means, "INSERT") || !strings.Contains(f.Do, "GRANT") {
		t.Errorf("rights: %+v", f)
	}
	if f := found["http port"]; f.Answer != Look || !strings.Contains(f.Means, "fonoteka sql") {
		t.Errorf("http port: %+v", f)
	}
}

// What the warehouse has to say, on a real one.
func TestStoresAreExamined(t *testing.T) {
	t.Parallel()
	cfg, conn := database(t)
	found := examined(t, "stores", cfg)
	for check, want := range map[string]Answer{"clickhouse": Yes, "tables": Yes, "archive": Yes, "links": Yes, "redis": No} {
		if found[check].Answer != want {
			t.Errorf("%s: %+v", check, found[check])
		}
	}
	if !strings.Contains(found["clickhouse"].Means, "the server answers") {
		t.Errorf("clickhouse: %+v", found["clickhouse"])
	}
	for check, want := range map[string]Answer{"rights": Yes, "http port": Yes} {
		if found[check].Answer != want {
			t.Errorf("%s: %+v", check, found[check])
		}
	}
	altered := call.RecordingStatus{
		Recording: call.Recording{Integration: "main", ID: strings.Repeat("a", 32)}, State: call.Archived, Attempt: 1,
		Fault: call.Fault{Kind: call.Altered, Part: call.RecordingPart},
	}
	err := installation.UseWarehouse(t.Context(), cfg, func(db *warehouse.DB) error {
		return catalogue.New(db).SaveRecordings(t.Context(), []call.RecordingStatus{altered})
	})
	if err != nil {
		t.Fatal(err)
	}
	if f := examined(t, "stores", cfg)["archive"]; f.Answer != No || !strings.Contains(f.Means, "1 archived recording known to be altered") {
		t.Errorf("an altered recording: %+v", f)
	}
	if _, err := conn.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"); err != nil {
		t.Fatal(err)
	}
	if f := examined(t, "stores", cfg)["tables"]; f.Answer != No || !strings.Contains(f.Do, "the newer program") {
		t.Errorf("tables of a newer version: %+v", f)
	}
	cfg.ClickHouseURL = "clickhouse://u:TOPSECRET@127.0.0.1:1/x"
	if f := examined(t, "stores", cfg)["clickhouse"]; f.Answer != No || strings.Contains(fmt.Sprint(f), "TOPSECRET") {
		t.Errorf("no server: %+v", f)
	}
}

func TestArrivalsAreExamined(t *testing.T) {
	t.Parallel()
	cfg, _ := database(t)
	if f := examined(t, "arrivals", cfg)["silence"]; f.Answer != Look || !strings.Contains(f.Means, "no call has ever been announced") {
		t.Errorf("an installation without a call: %+v", f)
	}
	cfg.Integrations = append(cfg.Integrations, settings.Integration{Name: "crm", Zone: time.UTC})
	if f := examined(t, "arrivals", cfg)["crm: silence"]; f.Answer != Look {
		t.Errorf("one of two: %+v", f)
	}
}

// Where serve does not run, what needs it says so, and what does not goes on.
func TestAFolderWithoutServeIsExamined(t *testing.T) {
	t.Parallel()
	cfg := &settings.Config{Data: filepath.Join(t.TempDir(), "data"), Integrations: []settings.Integration{{Name: "main", RedirectURI: "", Zone: time.UTC}}}
	if f := examined(t, "login", cfg)["login"]; f.Answer != Look || !strings.Contains(f.Do, "start fonoteka serve") {
		t.Errorf("without an installation: %+v", f)
	}
	st, err := state.Open(cfg.Data)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	for examination, want := range map[string]struct {
		check  string
		answer Answer
	}{
		"serve":    {"running", No},
		"spool":    {"damage", Yes},
		"redirect": {"redirect URI", NotTried},
		"login":    {"login", Look},
	} {
		if f := examined(t, examination, cfg)[want.check]; f.Answer != want.answer {
			t.Errorf("%s: %+v", examination, f)
		}
	}
}

// A Redis that answers, and refuses, is no Redis that is away.
func TestARefusedPasswordOfRedisIsSaid(t *testing.T) {
	t.Parallel()
	r := testenv.StartRedis(t)
	for url, want := range map[string]string{
		r.URL():                             "",
		"redis://:wrong@" + r.Addr() + "/0": "Redis refuses the password",
		"redis://" + r.Addr() + "/0":        "Redis refuses the password",
		"redis://:wrong@127.0.0.1:1/0":      "Redis does not answer",
	} {
		f := askRedis(t.Context(), &settings.Config{RedisURL: url})
		if want != "" && (f.Answer != No || !strings.Contains(f.Means, want)) || want == "" && f.Answer == No {
			t.Errorf("%+v; want %q", f, want)
		}
	}
}

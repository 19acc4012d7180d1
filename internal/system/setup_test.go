package system

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/embedded"
	"fonoteka/internal/sim"
)

// said is what serve has logged.
func (in *installation) said() string {
	in.t.Helper()
	log, err := os.ReadFile(in.log.Name())
	if err != nil {
		in.t.Fatal(err)
	}
	return string(log)
}

// With a wrong zone all times are wrong: the start says which one holds.
func TestTheStartSaysInWhichZoneTimesAreRead(t *testing.T) {
	t.Parallel()
	in := install(t).start()
	has(t, in.said(), "no time zone is set: times in notifications are read as UTC", "FONOTEKA_TIMEZONE")
	in.stop()
	in.env = append(in.env, "FONOTEKA_TIMEZONE=Asia/Omsk")
	in.start()
	has(t, in.said(), "zone=Asia/Omsk")
	in.stop()
}

// A ClickHouse that is empty beside a spool and a bucket that are full is not the one that
// was meant, or was lost: the start says so, and so does doctor.
func TestAnEmptyClickHouseBesideAFullSpoolAndBucketIsNamed(t *testing.T) {
	t.Parallel()
	op := operate(t, sim.Options{Seed: 5, Calls: 6})
	in := install(t, op.hosts()).start().ready()
	if strings.Contains(in.said(), "ClickHouse is empty") {
		t.Error("a new installation is said to have lost its tables")
	}
	if err := op.Post(t.Context(), nil, in.redirectURI()); err != nil {
		t.Fatal(err)
	}
	in.until("all recordings are archived: what is on its way would be written to the new one", time.Minute, func() bool {
		n, err := in.ask("SELECT count() > 0 AND countIf(state != 'archived') = 0 FROM recordings")
		return err == nil && n == "1"
	})
	before, err := in.ask("SELECT count() FROM events")
	if err != nil {
		t.Fatal(err)
	}
	// The spool notes how far its readers are with each notification that comes.
	if code := in.post(redirect+"/events", []byte(`{"event":"callNotifications","result":{"callInfo":{"call":{"id":"x"},"state":"trying"}}}`)); code != http.StatusOK {
		t.Errorf("a notification was answered %d", code)
	}
	in.until("it is in ClickHouse: what waits would be written to the new one", time.Minute, func() bool {
		n, err := in.ask("SELECT count() FROM events")
		return err == nil && n != before
	})
	in.stop()
	if err := os.RemoveAll(filepath.Join(in.dir, "clickhouse")); err != nil {
		t.Fatal(err)
	}
	in.start().ready()
	has(t, in.said(), "ClickHouse is empty, but the spool has brought", "and the bucket fonoteka holds recordings", "fonoteka replay --from", "rebuild-catalogue")
	out, _, _ := in.exits("doctor", "stores")
	has(t, strings.Join(strings.Fields(out), " "), "rows no ClickHouse is empty, but", "the bucket fonoteka holds recordings")
	in.stop()
}

// A damaged engine is named with what to do, and no command waits for it without end.
func TestADamagedEngineEndsEveryCommandSoon(t *testing.T) {
	t.Parallel()
	in := install(t).start().ready()
	in.stop()
	for name, damage := range map[string]func(lib, real string) error{
		"empty":   func(lib, _ string) error { return os.WriteFile(lib, nil, 0o600) },
		"cut off": func(lib, real string) error { return copyHead(lib, real, 100<<20) },
	} {
		cache := t.TempDir()
		real, err := embedded.FindEngine(engineCache(t))
		if err != nil {
			t.Fatal(err)
		}
		lib := filepath.Join(cache, "engine", runtime.GOOS+"-"+runtime.GOARCH, embedded.EngineVersion, "libchdb.so")
		if err := errors.Join(os.MkdirAll(filepath.Dir(lib), 0o700), damage(lib, real)); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"sql", "SELECT 1"}, {"calls", "list"}, {"doctor", "stores"}} {
			cmd := in.prepare(append(args, "--engine-cache", cache)...)
			cmd.Env = append(cmd.Env, "PATH=") // no npm
			_, stderr, code := endsWithin(t, time.Minute, cmd)
			if code == 0 || !strings.Contains(stderr, "engine is damaged ("+lib+")") || !strings.Contains(stderr, "apt-get install npm") {
				t.Errorf("%s: %v: exit %d: %s", name, args, code, stderr)
			}
		}
	}
}

// copyHead copies the first bytes of a file.
func copyHead(to, from string, n int64) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.CopyN(dst, src, n)
	return errors.Join(err, dst.Close())
}

func engineCache(t *testing.T) string {
	t.Helper()
	if cache := os.Getenv("FONOTEKA_ENGINE_CACHE"); cache != "" {
		return cache
	}
	cache, err := embedded.DefaultCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

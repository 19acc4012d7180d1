package installation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/embedded"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
	"fonoteka/internal/testenv"
)

// stopped is a data folder on which serve ran once, with ports of its own.
func stopped(t *testing.T) *settings.Config {
	t.Helper()
	ports := testenv.Ports(t, 4)
	cfg := &settings.Config{
		Data: filepath.Join(t.TempDir(), "data"), EngineCache: t.TempDir(),
		Ports: map[string]int{"clickhouse": ports[0], "clickhouse-http": ports[1], "s3": ports[2], "redis": ports[3]},
	}
	st := serves(t, cfg)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// serves holds the data folder as serve does.
func serves(t *testing.T, cfg *settings.Config) *state.State {
	t.Helper()
	st, err := Hold(t.Context(), cfg.Data)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.SavePorts(StatePorts(cfg)); err != nil {
		t.Fatal(err)
	}
	return st
}

// taken is whether somebody has a store's files.
func taken(t *testing.T, cfg *settings.Config, s embedded.Store) bool {
	t.Helper()
	release, err := state.TakeStore(cfg.Data, string(s))
	if errors.Is(err, state.ErrLocked) {
		return true
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	return false
}

// answers is whether the object store of the installation does.
func answers(t *testing.T, cfg *settings.Config, v state.Values) error {
	t.Helper()
	b, err := blob.Open(BlobOptions(cfg, v))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	return b.EnsureBucket(t.Context())
}

// A command on a stopped installation starts what it needs; another one beside it
// uses that, and what the first has started ends with it.
func TestACommandStartsWhatItNeedsAndAnotherUsesIt(t *testing.T) {
	t.Parallel()
	cfg := stopped(t)
	wanted := []embedded.Store{embedded.StoreS3}
	values, stop, err := Reach(t.Context(), cfg, wanted)
	if err != nil {
		t.Fatal(err)
	}
	if err := answers(t, cfg, values); err != nil {
		t.Errorf("the store does not answer: %v", err)
	}
	if !taken(t, cfg, embedded.StoreS3) || taken(t, cfg, embedded.StoreClickHouse) {
		t.Error("not only the files of the store that is used are taken")
	}
	beside, stopBeside, err := Reach(t.Context(), cfg, wanted)
	if err != nil || beside.Ports != values.Ports {
		t.Errorf("beside it: %+v, %v", beside.Ports, err)
	}
	if err := errors.Join(stopBeside(), answers(t, cfg, beside)); err != nil {
		t.Errorf("the second command has ended the first one's store: %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if taken(t, cfg, embedded.StoreS3) {
		t.Error("the files are taken still")
	}
	if _, err := net.Dial("tcp", Local(values.Ports.S3)); err == nil {
		t.Error("the store runs on")
	}
}

// Beside a running serve nothing is taken and nothing is started: its stores are used.
func TestBesideARunningServeItsStoresAreUsed(t *testing.T) {
	t.Parallel()
	cfg := stopped(t)
	st := serves(t, cfg)
	defer st.Close()
	for s, port := range map[embedded.Store]int{embedded.StoreClickHouse: st.Values().Ports.ClickHouseNative, embedded.StoreS3: st.Values().Ports.S3} {
		l, err := net.Listen("tcp", Local(port))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		values, stop, err := Reach(t.Context(), cfg, []embedded.Store{s})
		if err != nil || values.Ports != st.Values().Ports {
			t.Errorf("%s: %+v, %v", s, values.Ports, err)
		}
		if taken(t, cfg, s) {
			t.Errorf("%s was taken from the serve that runs", s)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}

// A serve whose store does not come up is waited for, but not for ever, and the
// command does not start another one on the same files.
func TestAServeWhoseStoreIsNotUpIsWaitedFor(t *testing.T) {
	t.Parallel()
	cfg := stopped(t)
	st := serves(t, cfg)
	defer st.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, stop, err := Reach(ctx, cfg, []embedded.Store{embedded.StoreS3})
	if !errors.Is(err, context.DeadlineExceeded) || stop() != nil {
		t.Errorf("Reach = %v", err)
	}
	if taken(t, cfg, embedded.StoreS3) {
		t.Error("the store was taken from the serve that runs")
	}
}

// What a URL names is nobody's to start, and where no store is embedded there need be
// no data folder.
func TestAStoreOfOnesOwnIsNotStarted(t *testing.T) {
	t.Parallel()
	cfg := &settings.Config{Data: filepath.Join(t.TempDir(), "none"), S3URL: "s3://k:s@127.0.0.1:1/b"}
	if _, stop, err := Reach(t.Context(), cfg, []embedded.Store{embedded.StoreS3}); err != nil || stop() != nil {
		t.Errorf("Reach = %v", err)
	}
	_, _, err := Reach(t.Context(), cfg, []embedded.Store{embedded.StoreS3, embedded.StoreClickHouse})
	if !errors.Is(err, state.ErrNone) || !strings.Contains(fmt.Sprint(err), "--data") {
		t.Errorf("without a data folder: %v", err)
	}
}

// serve takes a store over when the command that uses it has ended, and says that it
// waits.
func TestServeTakesAStoreOverFromACommand(t *testing.T) {
	t.Parallel()
	cfg := stopped(t)
	release, err := state.TakeStore(cfg.Data, string(embedded.StoreClickHouse))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		said := make(chan string, 10)
		locks := StoreLocks{Dir: cfg.Data, Log: slog.New(slog.NewTextHandler(writerFunc(func(b []byte) (int, error) {
			said <- string(b)
			return len(b), nil
		}), nil))}
		time.AfterFunc(90*time.Second, func() { _ = release() })
		began := time.Now()
		if err := locks.Take(t.Context(), embedded.StoreClickHouse); err != nil {
			t.Error(err)
		}
		if waited := time.Since(began); waited < 90*time.Second || waited > 91*time.Second {
			t.Errorf("it waited %v", waited)
		}
		if n := len(said); n != 2 || !strings.Contains(<-said, "waits for the command that uses its files") {
			t.Errorf("said %d times", n)
		}
		if err := locks.Take(t.Context(), embedded.StoreClickHouse); err != nil {
			t.Errorf("a store that is taken already: %v", err)
		}
		if !taken(t, cfg, embedded.StoreClickHouse) {
			t.Error("it is not taken")
		}
		if err := locks.Close(); err != nil || taken(t, cfg, embedded.StoreClickHouse) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// One derives at a time: serve waits for the command, the command does not wait.
func TestOneDerivesAtATime(t *testing.T) {
	t.Parallel()
	cfg := stopped(t)
	release, err := TakeDeriver(cfg.Data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := TakeDeriver(cfg.Data); !errors.Is(err, state.ErrLocked) {
		t.Errorf("a second command: %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := AwaitDeriver(ctx, cfg.Data, slog.New(slog.DiscardHandler)); !errors.Is(err, state.ErrLocked) {
			t.Errorf("AwaitDeriver = %v", err)
		}
		time.AfterFunc(time.Minute, func() { _ = release() })
		serves, err := AwaitDeriver(t.Context(), cfg.Data, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if err := serves(); err != nil {
			t.Error(err)
		}
	})
}

// A serve that starts waits some seconds for the former one to end.
func TestASecondServeIsRefused(t *testing.T) {
	t.Parallel()
	cfg := stopped(t)
	st := serves(t, cfg)
	synctest.Test(t, func(t *testing.T) {
		if _, err := Hold(t.Context(), cfg.Data); !errors.Is(err, state.ErrLocked) {
			t.Errorf("Hold = %v", err)
		}
		time.AfterFunc(time.Second, func() { _ = st.Close() })
		next, err := Hold(t.Context(), cfg.Data)
		if err != nil {
			t.Fatal(err)
		}
		if err := next.Close(); err != nil {
			t.Error(err)
		}
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

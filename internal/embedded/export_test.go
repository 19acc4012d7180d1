package embedded

import (
	"context"
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// Unpack is unpack for a tarball with a digest of its own.
func Unpack(ctx context.Context, tarball, integrity, dst string) error {
	return unpack(ctx, enginePackage{integrity: integrity, packed: 1 << 10}, tarball, dst, io.Discard)
}

// VerifyLibrary is verifyLibrary for a library of another size and SHA-256.
func VerifyLibrary(ctx context.Context, size int64, digest, path string) error {
	return verifyLibrary(ctx, enginePackage{unpacked: size, library: digest}, path)
}

// VerifyEngine compares the library with what is pinned.
func VerifyEngine(ctx context.Context, path string) error { return verifyEngine(ctx, path) }

// NpmEnv is what npm sees of an environment.
func NpmEnv(environ []string) []string { return npmEnv(environ) }

// LogEngineLine passes a line of the engine's stderr to the log.
func LogEngineLine(log *slog.Logger, line string) { engineLog{log: log}.line(line) }

// Folders is what the object store knows to be on disk.
type Folders struct{ folders }

// Sync is what follows a write, Deleting what surrounds a deletion.
func (f *Folders) Sync(path, root string) error { return f.sync(path, root) }
func (f *Folders) Deleting() (end func())       { return f.deleting() }

// SyncedUpTo is the highest folder that a write in dir would sync.
func (f *Folders) SyncedUpTo(dir, root string) string {
	top, _, _ := f.lowestKnown(dir, root)
	return top
}

// SharedSyncs is a sync, done by do, that is shared by those who wait for it.
func SharedSyncs(do func(path string) error) (sync func(path string) error) {
	return (&sharedSyncs{do: do}).sync
}

// The scripts that are answered without Lua.
const (
	EnqueueScript = enqueueScript
	DequeueScript = dequeueScript
	DoneScript    = doneScript
	ForwardScript = forwardScript
	InfoScript    = infoScript
)

// LuaScripts counts the scripts that were left to Lua.
func (r *Redis) LuaScripts() int64 { return r.scripts.lua.Load() }

// Dump is all of a Redis' data.
func (r *Redis) Dump() string { return r.server.Dump() }

// Pid is the engine's process id.
func (c *ClickHouse) Pid() int { return c.child.cmd.Process.Pid }

// Pid is the object store's process id.
func (s *S3) Pid() int { return s.child.cmd.Process.Pid }

// Addr is host:port of a store – ClickHouse's native one – also before it is
// up; "" for one that this stack does not run.
func (s *Stack) Addr(name Store) string {
	if k := s.find(name); k != nil {
		return k.addr
	}
	return ""
}

// ClickHouseHTTPAddr is host:port of ClickHouse's HTTP interface, likewise.
func (s *Stack) ClickHouseHTTPAddr() string {
	if s.find(StoreClickHouse) == nil {
		return ""
	}
	return address(s.opts.ClickHouse.HTTPPort)
}

// Up says whether the store is up now, by its metric.
func (s *Stack) Up(name Store) bool {
	return testutil.ToFloat64(s.up.WithLabelValues(string(name))) == 1
}

// Probes counts the probes of a store that were answered.
func (s *Stack) Probes(name Store) int {
	return int(testutil.ToFloat64(s.probes.WithLabelValues(string(name), answered)))
}

// CloseRedis closes the Redis' port behind the back of its owner.
func (s *Stack) CloseRedis() { s.redis.Load().server.Server().Close() }

package embedded

import (
	"context"
	"io"
	"log/slog"
)

// Unpack is unpack for a tarball with a digest of its own.
func Unpack(ctx context.Context, tarball, integrity, dst string) error {
	return unpack(ctx, enginePackage{integrity: integrity, packed: 1 << 10}, tarball, dst, io.Discard)
}

// LogEngineLine passes a line of the engine's stderr to the log.
func LogEngineLine(log *slog.Logger, line string) { engineLog{log: log}.line(line) }

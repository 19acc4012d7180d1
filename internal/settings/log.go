package settings

import (
	"io"
	"log/slog"
)

// NewLogger writes the log that the settings ask for.
func NewLogger(cfg *Config, w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogJSON {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

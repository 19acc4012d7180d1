package settings

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestTheLogHoldsWhatItsLevelSays(t *testing.T) {
	t.Parallel()
	for level, want := range map[slog.Level]string{slog.LevelDebug: "DIWE", slog.LevelInfo: "IWE", slog.LevelWarn: "WE", slog.LevelError: "E"} {
		for _, json := range []bool{false, true} {
			var out bytes.Buffer
			log := NewLogger(&Config{LogLevel: level, LogJSON: json}, &out)
			log.Debug("D")
			log.Info("I")
			log.Warn("W")
			log.Error("E")
			if got := strings.Count(out.String(), "\n"); got != len(want) || !strings.Contains(out.String(), want[:1]) {
				t.Errorf("%v: %s", level, out.String())
			}
		}
	}
}

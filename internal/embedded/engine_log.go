package embedded

import (
	"log/slog"
	"regexp"
	"strings"
)

// engineLog turns lines of the engine's stderr into log records.
//
// What a query did wrong is the client's to hear, and its text may hold names
// and phone numbers: such entries are counted out. So are stack traces, and
// everything from "(in query" on.
type engineLog struct{ log *slog.Logger }

var (
	engineEntry = regexp.MustCompile(`^\d{4}\.\d\d\.\d\d [\d:.]+ \[ \d+ \] \{[^}]*\} <(\w+)> ([^:]+): (.*)$`)
	engineCrash = regexp.MustCompile(`^(fatal error|panic|SIG[A-Z]+|unexpected fault|\[signal|runtime)\b`)
	ofAQuery    = regexp.MustCompile(`^(executeQuery|TCPHandler|ServerErrorHandler|HTTPHandler|.*QueryHandler|PocoHTTP.*)$`)
)

// maxEngineMessage bounds what one entry may add to the log, in bytes.
const maxEngineMessage = 300

func (e engineLog) line(s string) {
	if engineCrash.MatchString(s) {
		e.log.Error("clickhouse crashed", "err", clip(s))
		return
	}
	m := engineEntry.FindStringSubmatch(s)
	if m == nil || ofAQuery.MatchString(m[2]) {
		return
	}
	text, _, _ := strings.Cut(m[3], "(in query")
	text, _, _ = strings.Cut(text, ", Stack trace")
	switch m[1] {
	case "Fatal", "Critical", "Error":
		e.log.Error("clickhouse reports", "component", m[2], "err", clip(text))
	case "Warning":
		e.log.Warn("clickhouse reports", "component", m[2], "err", clip(text))
	}
}

func clip(s string) string {
	if len(s) > maxEngineMessage {
		return strings.ToValidUTF8(s[:maxEngineMessage], "") + "…"
	}
	return s
}

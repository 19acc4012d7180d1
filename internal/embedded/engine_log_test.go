package embedded_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"fonoteka/internal/embedded"
)

func TestTheEnginesLogTellsNoQuery(t *testing.T) {
	t.Parallel()
	const head = "2026.11.23 01:14:02.031417 [ 12040 ] {a4a51279-105d} "
	for _, c := range []struct{ line, want string }{
		{head + "<Error> executeQuery: Code: 497. DB::Exception: (in query: INSERT INTO calls VALUES ('79219462761'))", ""},
		{head + "<Error> DynamicQueryHandler: Code: 27. Cannot parse '79219462761'", ""},
		{head + "<Error> TCPHandler: Code: 27. Cannot parse '79219462761'", ""},
		{"22. clone3 @ 0x00000000001098ec", ""},
		{"VALUES ('79219462761')", ""},
		{head + "<Information> Application: Ready", ""},
		{head + "<Error> MergeTask: Code: 243. No space (in query: SELECT 79219462761), Stack trace: 0.", "level=ERROR msg=\"clickhouse reports\" component=MergeTask err=\"Code: 243. No space \""},
		{head + "<Warning> Context: Delay accounting is not enabled", "level=WARN msg=\"clickhouse reports\" component=Context err=\"Delay accounting is not enabled\""},
		{"fatal error: unexpected signal during runtime execution", "level=ERROR msg=\"clickhouse crashed\" err=\"fatal error: unexpected signal during runtime execution\""},
	} {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		embedded.LogEngineLine(log, c.line)
		if got := strings.TrimSpace(out.String()); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.line, got, c.want)
		}
	}
}

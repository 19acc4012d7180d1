package rollup_test

import (
	"testing"
	"time"

	"fonoteka/internal/call"
)

func TestEveryReportOfOneDay(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.is(
		answered("2026-03-02 10:00:00", call.Incoming, client, anna, 5*time.Second, time.Minute),
		unanswered("2026-03-02 10:30:00", call.Missed, client, 40*time.Second, anna, boris),
	)
	o.pass()
	o.want("SELECT calls, received, answered, missed FROM report_volume", "2|2|1|1")
}

package settings

import (
	"strconv"
	"time"

	"fonoteka/internal/fetch"

	"github.com/urfave/cli/v2"
)

// Scrub are those of the background check.
type Scrub struct {
	Every time.Duration // 0: it does not run
	Rate  int64         // bytes per second, 0: no limit
}

// scrubFlags belong to serve.
func scrubFlags() []cli.Flag {
	return []cli.Flag{
		Text("scrub-days", "30", "every stored recording is read again and compared within `DAYS`; 0: never"),
		Text("scrub-rate", "20MB/s", "the background check reads at most so many bytes a second, `RATE`; 0: no limit"),
	}
}

func parseScrub(days, rate string, p *problems) (s Scrub) {
	n, err := strconv.ParseFloat(days, 64)
	if err != nil || n < 0 || n > 3650 {
		p.setting("scrub-days", "%q is not a number of days from 0 to 3650", days)
	}
	s.Every = time.Duration(n * float64(24*time.Hour))
	if s.Rate, err = ParseByteRate(rate); err != nil {
		p.setting("scrub-rate", "%w", err)
	}
	return s
}

// ParseByteRate reads bytes per second; 0 is no limit.
func ParseByteRate(s string) (int64, error) {
	if s == "0" {
		return 0, nil
	}
	return fetch.ParseRate(s)
}

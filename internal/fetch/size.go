package fetch

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseRate reads bytes a second: "20MB/s", "500 kB/s", "1.5MiB/s".
func ParseRate(s string) (int64, error) {
	size, ok := strings.CutSuffix(strings.TrimSpace(s), "/s")
	n, err := ParseSize(size)
	if !ok || err != nil {
		return 0, fmt.Errorf("%q is not a rate such as 20MB/s or 500kB/s", s)
	}
	return n, nil
}

// ParseSize reads bytes: "1GiB", "500 MB". Of the units, kB, MB and GB are
// decimal, KiB, MiB and GiB binary. Mb is none: it could mean bits.
func ParseSize(s string) (int64, error) {
	s = strings.TrimSpace(s)
	digits := strings.TrimRight(s, "BKMGkibmg ")
	unit, ok := map[string]float64{
		"B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
	}[strings.TrimSpace(s[len(digits):])]
	n, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || !(n*unit >= 1 && n*unit <= 1e15) {
		return 0, fmt.Errorf("%q is not a size such as 1GiB or 500MB", s)
	}
	return int64(n * unit), nil
}

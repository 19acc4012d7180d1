package warehouse

import (
	"strings"
	"time"
)

// where collects the conditions of a query with their arguments.
type where struct {
	terms []string
	args  []any
}

func (w *where) add(when bool, term string, args ...any) {
	if when {
		w.terms, w.args = append(w.terms, term), append(w.args, args...)
	}
}

// from and to bound a DateTime64(3) column. Times are sent as numbers: a bound
// time.Time would lose its fraction of a second.
func (w *where) from(column string, t time.Time) {
	w.add(!t.IsZero(), column+" >= fromUnixTimestamp64Milli(?, 'UTC')", clampTime(t).UnixMilli())
}

func (w *where) to(column string, t time.Time) {
	w.add(!t.IsZero(), column+" < fromUnixTimestamp64Milli(?, 'UTC')", clampTime(t).UnixMilli())
}

func (w *where) sql() string {
	if len(w.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.terms, " AND ")
}

func orDefault(n, other int) int {
	if n <= 0 {
		return other
	}
	return n
}

package warehouse

import (
	"strings"
	"time"
)

// Where collects the conditions of a query with their arguments.
type Where struct {
	terms []string
	Args  []any // in the order of the conditions
}

// Add adds a condition, which stands for itself beside the others, where when is true.
func (w *Where) Add(when bool, term string, args ...any) {
	if when {
		w.terms, w.Args = append(w.terms, term), append(w.Args, args...)
	}
}

// From bounds a DateTime64(3) column from below; the zero time is no bound. Times are
// sent as numbers: a bound time.Time would lose its fraction of a second.
func (w *Where) From(column string, t time.Time) {
	w.Add(!t.IsZero(), column+" >= fromUnixTimestamp64Milli(?, 'UTC')", ClampTime(t).UnixMilli())
}

// To bounds such a column from above, likewise; the bound is not included.
func (w *Where) To(column string, t time.Time) {
	w.Add(!t.IsZero(), column+" < fromUnixTimestamp64Milli(?, 'UTC')", ClampTime(t).UnixMilli())
}

// And adds the conditions of another one.
func (w *Where) And(other Where) {
	w.terms, w.Args = append(w.terms, other.terms...), append(w.Args, other.Args...)
}

// SQL is the clause, with a space before it; "" where there is no condition.
func (w *Where) SQL() string {
	if len(w.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.terms, " AND ")
}

// LimitOr is a limit, or the other one where none is asked for.
func LimitOr(n, other int) int {
	if n <= 0 {
		return other
	}
	return n
}

package pack

import (
	"encoding/json"
	"fmt"
	"time"
)

const timeForm = "2006-01-02T15:04:05.000Z"

// Time is a moment in the documents of a package: UTC in milliseconds, null where it is
// not known.
type Time struct{ time.Time }

// At is a moment as it stands in a document.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Millisecond)} }

// String is the moment as it is written, "" where it is not known.
func (t Time) String() string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeForm)
}

// MarshalJSON is part of json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + t.String() + `"`), nil
}

// UnmarshalJSON is part of json.Unmarshaler. Another form of the same moment is refused.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s == nil {
		*t = Time{}
		return nil
	}
	parsed, err := ParseTime(*s)
	*t = parsed
	return err
}

// ParseTime reads a moment as it is written; "" is none.
func ParseTime(s string) (Time, error) {
	if s == "" {
		return Time{}, nil
	}
	t, err := time.Parse(timeForm, s)
	if err != nil {
		return Time{}, fmt.Errorf("%q is no time such as 2026-03-02T10:00:00.000Z", s)
	}
	return Time{t}, nil
}

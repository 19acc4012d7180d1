package volume

import "time"

// CallsInHour counts the calls of an integration that began in an hour, UTC.
type CallsInHour struct {
	Integration string
	Hour        time.Time
	Calls       uint64
}

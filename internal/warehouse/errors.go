package warehouse

import (
	"errors"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// ErrNewer tells that the database has migrations this program does not know:
// it was made by a newer version.
var ErrNewer = errors.New("the database is newer than this program")

// ErrOlderLayout tells that the database was made before the first release, whose
// tables are others: no migration leads from there.
var ErrOlderLayout = errors.New("the database has tables of the layout before the first release")

// refusals are the server's error codes that speak about the rows themselves,
// so that the same rows will be refused again. Everything else – no memory, too
// many parts, read-only, no such table or column (a migration may be under
// way), network, timeouts, and every code not named here – is worth another
// try: a row set aside by mistake is worse than one that waits.
var refusals = map[int32]string{
	6:   "CANNOT_PARSE_TEXT",
	26:  "CANNOT_PARSE_QUOTED_STRING",
	27:  "CANNOT_PARSE_INPUT_ASSERTION_FAILED",
	38:  "CANNOT_PARSE_DATE",
	41:  "CANNOT_PARSE_DATETIME",
	53:  "TYPE_MISMATCH",
	69:  "ARGUMENT_OUT_OF_BOUND",
	70:  "CANNOT_CONVERT_TYPE",
	72:  "CANNOT_PARSE_NUMBER",
	117: "INCORRECT_DATA",
	128: "TOO_LARGE_ARRAY_SIZE",
	131: "TOO_LARGE_STRING_SIZE",
	321: "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE",
	349: "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN",
	467: "CANNOT_PARSE_BOOL",
	469: "VIOLATED_CONSTRAINT",
	691: "UNKNOWN_ELEMENT_OF_ENUM",
}

// Codes that mean that there is nothing yet.
const (
	codeUnknownTable    = 60
	codeUnknownDatabase = 81
)

// IsRefusal tells that the server understood the rows and will never take them:
// trying again is useless, a smaller batch may show which row it is. False for
// every error that is not surely of that kind.
func IsRefusal(err error) bool {
	_, ok := refusals[code(err)]
	return ok
}

// ServerWords is the server's own message within err, without its stack trace,
// or "" where the server said nothing.
func ServerWords(err error) string {
	var e *clickhouse.Exception
	if !errors.As(err, &e) {
		return ""
	}
	return e.Message
}

func code(err error) int32 {
	var e *clickhouse.Exception
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

package custody

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"fonoteka/internal/call"
)

// Rows is the table custody.
type Rows interface {
	// EachCustody gives the steps that were written from the day from to the day
	// to, both included, in order of all their fields.
	EachCustody(ctx context.Context, from, to time.Time, each func(writtenOn time.Time, c call.Custody) error) error
	// EachChained gives the steps of all recordings of which a step was written from the
	// day from to the day to: all that were written until then, also before from, in
	// order of all their fields.
	EachChained(ctx context.Context, from, to time.Time, each func(writtenOn time.Time, c call.Custody) error) error
	// CustodySecret is what salts are made from; it never changes.
	CustodySecret(ctx context.Context) (string, error)
	// CustodyDays are the days before one on which steps were written, in order.
	CustodyDays(ctx context.Context, before time.Time) ([]time.Time, error)
}

// Sums computes the Sum of each day with steps as it was sealed before chains were, from
// the day from to the day to. It holds one hash for each day, and no steps: they come in the order of the table on
// disk, and each is added to the hash of its day. A million steps take
// 2.6 s of a core and 25 MiB, two million no more memory (measured).
func Sums(ctx context.Context, rows Rows, from, to time.Time) (map[string]Sum, error) {
	days := map[string]*daySum{}
	var line []byte
	err := rows.EachCustody(ctx, from, to, func(writtenOn time.Time, c call.Custody) error {
		day := Day(writtenOn)
		s := days[day]
		if s == nil {
			s = &daySum{hash: sha256.New()}
			days[day] = s
		}
		line = appendLine(line[:0], c)
		s.rows++
		s.hash.Write(line)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make(map[string]Sum, len(days))
	for day, s := range days {
		out[day] = Sum{s.rows, hex.EncodeToString(s.hash.Sum(nil))}
	}
	return out, nil
}

// noRows is the sum of a day without a step.
func noRows() Sum {
	empty := sha256.Sum256(nil)
	return Sum{SHA256: hex.EncodeToString(empty[:])}
}

// appendLine is a step as ClickHouse writes it in the format TabSeparated, so that
// a seal can be checked without Fonoteka (schema/README.md).
func appendLine(b []byte, c call.Custody) []byte {
	b = append(appendText(b, c.Integration), '\t')
	b = append(appendText(b, c.RecordingID), '\t')
	b = append(c.At.UTC().AppendFormat(b, "2006-01-02 15:04:05.000"), '\t')
	b = append(appendText(b, c.Step), '\t')
	b = append(strconv.AppendInt(b, int64(c.Attempt), 10), '\t')
	b = append(appendText(b, c.SHA256), '\t')
	return append(appendText(b, c.Detail), '\n')
}

func appendText(b []byte, s string) []byte {
	const special, letters = "\b\f\n\r\t\x00\\'", "bfnrt0\\'"
	for i := range len(s) {
		if j := strings.IndexByte(special, s[i]); j >= 0 {
			b = append(b, '\\', letters[j])
		} else {
			b = append(b, s[i])
		}
	}
	return b
}

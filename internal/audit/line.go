package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"
)

// Versions of the encoding. A line is the row as encoding/json writes it, in the
// order of the fields of Row, without spaces; Hash is the SHA-256 of the same
// with an empty hash. Version 0 is of lines that bear no version; from version 1
// on a line begins with it ("v"), so that it is under the hash as well. What
// lines of a version look like never changes: testdata/chain.jsonl has some of
// each.
const newestVersion = 1

// What is wrong with a line. No other errors are used: theirs could quote the line.
var (
	errNoRow     = errors.New("cannot be read")
	errUnlike    = errors.New("does not read as it was written: it was changed by other means than Fonoteka's")
	errTooLong   = errors.New("is longer than any entry")
	errNoVersion = errors.New("has a version that this program does not know")
)

// encode is the line of a row, without its end. It fails for times that have no
// year of four digits.
func (r Row) encode() ([]byte, error) {
	r.At = r.At.UTC().Truncate(time.Millisecond)
	return json.Marshal(r)
}

// Line is the line of a row as it stands in the file, without its end.
func (r Row) Line() ([]byte, error) { return r.encode() }

// decode reads a line without its end. Where it can be read, but is not exactly the
// encoding of its contents – a key more, a key twice, another order, case or
// spelling – it returns the row and an error.
func decode(line []byte) (row Row, ok bool, err error) {
	if err := json.Unmarshal(line, &row); err != nil {
		return Row{}, false, errNoRow
	}
	again, err := row.encode()
	switch {
	case err != nil:
		return Row{}, false, errNoRow
	case row.Version > newestVersion:
		return row, true, errNoVersion
	case !bytes.Equal(line, again):
		return row, true, errUnlike
	}
	return row, true, nil
}

// sum computes the Hash of a row; "" where the row cannot be encoded.
func (r Row) sum() string {
	r.Hash = ""
	b, err := r.encode()
	if err != nil {
		return ""
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

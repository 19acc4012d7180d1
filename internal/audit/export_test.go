package audit

// Decode and Encode are for tests of the encoding.
func Decode(line []byte) (Row, bool, error) { return decode(line) }

func Encode(r Row) ([]byte, error) { return r.encode() }

// Sum is what a row's hash must be.
func Sum(r Row) string { return r.sum() }

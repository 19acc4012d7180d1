package spool

// SetCursor advances a cursor from wherever it is.
func (s *Spool) SetCursor(name string, seq uint64) error {
	from, err := s.Cursor(name)
	if err != nil {
		return err
	}
	return s.Advance(name, from, seq)
}

// EncodeRecord and DecodeRecord are the stored form of a record.
func EncodeRecord(r Record) []byte {
	stored := make([]byte, r.encodedLen())
	r.encode(stored)
	return stored
}

func DecodeRecord(seq uint64, stored []byte) Record { return decode(seq, stored) }

package spool

// SetCursor advances a cursor from wherever it is.
func (s *Spool) SetCursor(name string, seq uint64) error {
	from, err := s.Cursor(name)
	if err != nil {
		return err
	}
	return s.Advance(name, from, seq)
}

package bagit

// ErrKilled ends a Writer as a kill does: what it wrote stays as it is.
var ErrKilled = errKilled

// SetStep calls fn at each step of a Writer.
func SetStep(w *Writer, fn func(step, path string) error) { w.step = fn }

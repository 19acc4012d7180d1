package bagit

import "io"

// Kind is what an entry of a bag is.
type Kind int

// Only a File has content; anything else than a File or a Folder does not belong in a bag.
const (
	File Kind = iota
	Folder
	Link  // symbolic or, in an archive, hard
	Other // a device, a socket, a pipe
)

// Entry is something that lies in a bag.
type Entry struct {
	Path string // relative to the bag, parts separated by slashes; of a Folder without one at its end
	Kind Kind
	Size int64 // bytes, of a File
}

// Source is where a bag is read from: a folder, an archive. Open is called from several
// goroutines at once.
type Source interface {
	// Walk calls fn for all that is in the bag, in any order. Its names may be hostile,
	// and an archive may have one twice. It ends with the error of fn, if there is one.
	Walk(fn func(Entry) error) error
	// Open opens a File that Walk told of.
	Open(path string) (io.ReadCloser, error)
}

// inspector is a Source whose container can itself be wrong.
type inspector interface {
	inspect(f *findings)
}

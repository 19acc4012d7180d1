// Package audio says what a file of sound is, whether it is whole, and how long it
// plays: by its content, never by its name or by what a server calls it.
//
// Verify reads a file once, from its beginning to its end, and decodes nothing. How far
// it can tell that a file is whole depends on the format:
//
//   - MPEG audio (package mp3): frame follows frame; a count where the encoder left one.
//   - WAV: the sizes of RIFF and of each chunk agree with the file, the format chunk with
//     itself, and the data are whole blocks.
//   - Ogg: each page's checksum and number, and the last page of each stream.
//   - MP4: the boxes end with the file; ftyp, moov and mdat are there, and a sound track
//     whose samples are not more than mdat holds.
//   - AAC in ADTS: frame follows frame to the end of the file, all of one kind.
//
// What it cannot see: a byte that differs amid samples, where the format has no checksum;
// and a file of frames that was cut exactly between two of them. Whoever fetches the file
// must compare lengths.
//
// A file's own sizes are claims. Memory is a fixed buffer of 128 KiB, whatever a file
// says, and the time is that of reading it once.
//
// The media's other formats are known by their first bytes alone (ErrUnverifiable), so
// that what comes as one of them can be kept and named. A library that reads them all,
// as FFmpeg, was rejected: it repairs what is broken, and is a large door for hostile
// files.
package audio

import (
	"errors"
	"time"
)

// Errors that Verify returns, wrapped with what is wrong and where.
var (
	// ErrNotAudio: nothing that a file of sound begins with: an error page, text, an empty file.
	ErrNotAudio = errors.New("not audio")
	// ErrTruncated: it ends before the end that it names itself.
	ErrTruncated = errors.New("audio is cut")
	// ErrDamaged: its parts contradict each other, or there is something else amid them.
	ErrDamaged = errors.New("audio is damaged")
	// ErrUnverifiable: a file of sound by its beginning, in a format or with a codec that is not read here.
	ErrUnverifiable = errors.New("audio cannot be verified")
)

// Result says what was found up to the end or the error.
type Result struct {
	Format   Format        // "" with ErrNotAudio
	Codec    string        // within the format, for people: pcm, opus, aac …; "": the format says it all, or it is not known
	Duration time.Duration // 0: the format does not say it
	// TextBefore is how many bytes of text, such as a server's warning, stand before the
	// audio: at most 4096.
	TextBefore int64
	// Unsized is set where the file's own header does not say how long it is, as of one
	// that was sent while it was made: only who sent it can know that it is whole.
	Unsized bool
}

// Package mp3 answers one question before a recording is stored for good: is
// this a whole mp3, and how long does it play?
//
// Scan walks frame headers only and never decodes audio: MPEG-1, MPEG-2 and
// MPEG-2.5 Layer III, Layers I and II of the first two, and each in free format, with
// ID3v2, ID3v1 and APE tags and the frame counts of Xing, Info and VBRI headers. Telephony is 8 kHz, hence MPEG-2.5, which the
// common Go decoder refuses; decoding would also be a hundred times slower and
// would say no more about completeness. No library: the format's part that
// matters here is one 32-bit header.
//
// Text before the first frame, as of a server's warning, is passed like other bytes of
// no frame: up to 4 KiB, which Result.Leading counts.
//
// What it cannot see: a file without a frame count that was cut exactly
// between two frames. Whoever fetches the file must compare lengths.
package mp3

import (
	"errors"
	"time"
)

// Errors that Scan returns, wrapped with where it happened.
var (
	// ErrNotMP3: no MPEG audio frames where they must begin: an error page, text, an empty file.
	ErrNotMP3 = errors.New("not an mp3")
	// ErrTruncated: the last frame or tag is cut, or fewer frames came than the file's own header counts.
	ErrTruncated = errors.New("mp3 is cut")
	// ErrDamaged: bytes between or after the frames that belong to no frame, beyond a small tolerance.
	ErrDamaged = errors.New("mp3 is damaged")
)

// What is tolerated, in bytes over the whole file. Real encoders pad after an
// ID3v2 tag and players append small things at the end; more than that is
// another file glued on, or a transfer that went wrong.
const (
	maxLeading  = 4 << 10  // before the first frame, tags and zero bytes apart
	maxBetween  = 1 << 10  // between frames
	maxTrailing = 256      // after the last frame, tags and zero bytes apart
	maxZeros    = 64 << 10 // zero bytes before the first or after the last frame
)

// Result says what was found up to the end or the error.
type Result struct {
	Layer      int           // 1, 2 or 3
	Frames     int64         // audio frames; the frame that holds the Xing or VBRI header is not one
	Duration   time.Duration // Frames as time
	SampleRate int           // Hz
	Channels   int           // 1 or 2, of the first frame
	Bitrate    int           // bit/s, the average over all frames
	XingFrames int64         // the count of the Xing, Info or VBRI header; 0: none
	Garbage    int64         // bytes that belong to no frame and no tag, zero bytes apart
	Leading    int64         // of them before the first frame
	Truncated  bool          // with ErrTruncated
}

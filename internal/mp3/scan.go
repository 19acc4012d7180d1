package mp3

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// Scan reads r to its end and says whether it is whole MPEG audio. A nil error
// means: it begins with frames, the frames follow each other to the end, the
// last one is complete, and there are no fewer than the file itself counts.
// Otherwise the error is ErrNotMP3, ErrTruncated, ErrDamaged, or r's own; the
// Result then holds what was found so far. Scan uses 64 KiB of memory.
func Scan(r io.Reader) (Result, error) {
	w, giveBack := newWindow(r)
	defer giveBack()
	s := scanner{w: w, played: map[int]int64{}}
	err := s.run()
	if s.w.fail != nil {
		err = fmt.Errorf("reading mp3 at byte %d: %w", s.w.off, s.w.fail)
	}
	s.res.Truncated = err != nil && s.truncated
	if s.first.rate > 0 && s.res.Frames > 0 {
		for rate, samples := range s.played {
			s.res.Duration += time.Duration(samples/int64(rate))*time.Second +
				time.Duration(samples%int64(rate))*time.Second/time.Duration(rate)
		}
		s.res.Bitrate = int(float64(s.bytes) * 8 / s.res.Duration.Seconds())
	}
	return s.res, err
}

type scanner struct {
	w         *window
	res       Result
	first     header
	free      int           // length of the frames in free format, without padding; 0: they are in none
	current   header        // of the frames that are passed: the sample rate may change between two
	played    map[int]int64 // samples by sample rate
	counted   count         // by the encoder
	counter   int64         // bytes of the frame that holds the count
	bytes     int64         // in audio frames
	gaps      int64         // bytes between frames that belong to none
	truncated bool
}

func (s *scanner) run() error {
	if err := s.begin(); err != nil {
		return err
	}
	for {
		if !s.frames() {
			return s.cut("the last frame")
		}
		if len(s.w.peek(1)) == 0 {
			break
		}
		if err := s.between(); err != nil {
			return err
		}
	}
	if s.res.Frames < s.res.XingFrames && !s.countsItself() {
		return s.cut(fmt.Sprintf("%d of %d frames", s.res.Frames, s.res.XingFrames))
	}
	return nil
}

// countsItself reports whether the encoder has counted the frame that holds its count,
// too, as some do. Where it says how long the stream is, that must be there: else a
// file whose last frame is missing would pass.
func (s *scanner) countsItself() bool {
	return s.res.Frames+1 == s.res.XingFrames && (s.counted.bytes == 0 || s.counter+s.bytes+s.gaps >= s.counted.bytes || s.w.off == s.counted.bytes)
}

// cut notes a truncation.
func (s *scanner) cut(what string) error {
	s.truncated = true
	return fmt.Errorf("%w: %s, at byte %d", ErrTruncated, what, s.w.off)
}

// begin finds the first frame and reads the encoder's header in it.
func (s *scanner) begin() error {
	for lead, zeros := int64(0), int64(0); ; {
		tag, whole := s.tag()
		if !whole {
			return s.cut("a tag")
		}
		if tag {
			continue
		}
		if h, ok := s.credible(); ok {
			s.first = h
			s.res.SampleRate, s.res.Channels, s.res.Layer = h.rate, 2, h.layer
			if h.mono {
				s.res.Channels = 1
			}
			s.res.Garbage, s.res.Leading = lead, lead
			break
		}
		b := s.w.peek(1)
		switch {
		case len(b) == 0, lead == maxLeading, zeros == maxZeros:
			return fmt.Errorf("%w: no frame in the first %d bytes", ErrNotMP3, s.w.off)
		case b[0] == 0:
			zeros++
		default:
			lead++
		}
		s.w.skip(1)
	}
	frame := s.w.peek(s.first.length)
	count, found := s.first.frameCount(frame)
	s.current = s.first
	if !found {
		return nil
	}
	s.counted, s.res.XingFrames, s.counter = count, count.frames, int64(s.first.length)
	if s.w.skip(int64(s.first.length)) < int64(s.first.length) {
		return s.cut("the first frame")
	}
	return nil
}

// credible reports whether a frame begins here. Two bytes that look like a
// header occur in any binary file, so the next two frames must follow, of whatever
// sample rate, or the file must end with them.
func (s *scanner) credible() (header, bool) {
	first, ok := parseAny(s.w.peek(4))
	switch {
	case !ok:
		return header{}, false // the usual case amid garbage
	case first.bitrate == 0:
		return s.credibleFree(first)
	}
	b := s.w.peek(2*maxFrame + 4)
	h, ok := parseHeader(b)
	if !ok || s.first.layer != 0 && h.layer != s.first.layer {
		return header{}, false
	}
	at := h.length
	for range 2 {
		if at+4 > len(b) {
			// The end of the file: a cut frame is still a frame, if it is not the only one
			// or is announced by an encoder's header.
			return h, at != h.length || at == len(b) || hasCount(h, b)
		}
		next, ok := parseHeader(b[at:])
		if !ok || next.layer != h.layer {
			return h, isTag(b[at:]) || hasCount(h, b)
		}
		at += next.length
	}
	return h, true
}

// credibleFree is credible for a frame in free format.
func (s *scanner) credibleFree(h header) (header, bool) {
	length := s.freeLength()
	if length == 0 || s.first.layer != 0 && (length != s.free || !h.same(s.first)) {
		return header{}, false
	}
	s.free = length
	return h.free(length)
}

func hasCount(h header, b []byte) bool {
	_, found := h.frameCount(b[:min(h.length, len(b))])
	return found
}

// frames passes the frames that follow each other without a gap. It is false
// if the file ends within one.
func (s *scanner) frames() bool {
	var like uint32 // what counts of the last header, for frames that are like it
	var bare int    // its frame's length without padding
	for frames := int64(0); ; frames++ {
		b := s.w.peek(4)
		var length int
		if len(b) == 4 && like != 0 && binary.BigEndian.Uint32(b)&^0x3ff == like { // the usual case
			length = bare + s.current.slot()*int(b[2]>>1&1)
		} else {
			h, ok := s.header(b)
			if !ok || !h.same(s.current) && !s.changes(h) {
				s.play(frames)
				return true
			}
			if !h.same(s.current) {
				s.play(frames)
				s.current, frames = h, 0
			}
			length, bare, like = h.length, h.length-h.padding, binary.BigEndian.Uint32(b)&^0x3ff
		}
		if s.w.hi-s.w.lo >= length { // the usual case, without a call
			s.w.lo += length
			s.w.off += int64(length)
		} else if s.w.skip(int64(length)) < int64(length) {
			s.play(frames)
			return false
		}
		s.res.Frames++
		s.bytes += int64(length)
	}
}

// changes reports whether a frame of another sample rate follows: with a frame behind
// it, or a tag or the file's end.
func (s *scanner) changes(h header) bool {
	if h.layer != s.current.layer {
		return false
	}
	b := s.w.peek(h.length + 32)
	if len(b) <= h.length {
		return true // the last frame, whole or cut
	}
	_, more := s.header(b[h.length:])
	return more || isTag(b[h.length:])
}

// play adds frames of the current rate.
func (s *scanner) play(frames int64) {
	s.played[s.current.rate] += frames * int64(s.current.samples())
}

// between passes what is not a frame: tags, zero bytes, a little garbage. It
// ends at the next frame or at the end of the file. Zero bytes are padding at
// the end only: amid the frames they are a hole in the file.
func (s *scanner) between() error {
	var gap, zeros int64
	for {
		tag, whole := s.tag()
		if !whole {
			return s.cut("a tag")
		}
		if tag {
			continue
		}
		b := s.w.peek(4)
		if len(b) == 0 {
			s.res.Garbage += gap
			if gap > maxTrailing || zeros > maxZeros {
				return s.damaged(gap+zeros, "after the last frame")
			}
			return nil
		}
		if begunHeader(b) {
			return s.cut("a frame's header")
		}
		if h, ok := s.credible(); ok {
			s.current = h
			s.gaps += gap + zeros
			s.res.Garbage += gap
			if s.gaps > maxBetween {
				return s.damaged(s.gaps, "between frames")
			}
			return nil
		}
		if b[0] == 0 {
			zeros++
		} else {
			gap++
		}
		if gap > maxBetween || zeros > maxZeros {
			return s.damaged(gap+zeros, "after a frame")
		}
		s.w.skip(1)
	}
}

// begunHeader reports whether the file ends within a frame's header.
func begunHeader(b []byte) bool {
	return len(b) < 4 && b[0] == 0xff && (len(b) == 1 || b[1]&0xe0 == 0xe0)
}

func (s *scanner) damaged(n int64, where string) error {
	return fmt.Errorf("%w: %d bytes of no frame %s, at byte %d", ErrDamaged, n, where, s.w.off)
}

// tag passes one ID3v2, ID3v1 or APE tag if one begins here. whole is false if
// the file ends within it.
func (s *scanner) tag() (found, whole bool) {
	b := s.w.peek(32)
	n := tagLength(b)
	if n == 0 {
		return false, true
	}
	return true, s.w.skip(n) == n
}

func isTag(b []byte) bool { return tagLength(b) > 0 }

// tagLength is the length of the tag at the start of b, 0 if there is none.
func tagLength(b []byte) int64 {
	switch {
	case len(b) >= 10 && bytes.HasPrefix(b, []byte("ID3")) && b[3] != 0xff && (b[6]|b[7]|b[8]|b[9])&0x80 == 0:
		n := int64(b[6])<<21 | int64(b[7])<<14 | int64(b[8])<<7 | int64(b[9])
		if b[5]&0x10 != 0 { // a footer
			n += 10
		}
		return n + 10
	case len(b) >= 32 && bytes.HasPrefix(b, []byte("APETAGEX")):
		n := int64(binary.LittleEndian.Uint32(b[12:])) // items and footer
		if binary.LittleEndian.Uint32(b[20:])&(1<<29) != 0 {
			n += 32 // this is the header, which the size leaves out
		} else {
			n = 32 // a footer without a header
		}
		return n
	case len(b) >= 4 && bytes.HasPrefix(b, []byte("TAG")):
		return 128
	}
	return 0
}

package mp3_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"fonoteka/internal/mp3"
)

// counted is a copy of a file with more frames in its encoder's count, and with flags
// of the header taken away.
func counted(t *testing.T, b []byte, more uint32, without uint32) []byte {
	t.Helper()
	b = bytes.Clone(b)
	at := max(bytes.Index(b, []byte("Xing")), bytes.Index(b, []byte("Info")))
	if at < 0 {
		t.Fatal("the sample has no encoder's header")
	}
	flags, count := b[at+4:], b[at+8:]
	binary.BigEndian.PutUint32(flags, binary.BigEndian.Uint32(flags)&^without)
	binary.BigEndian.PutUint32(count, binary.BigEndian.Uint32(count)+more)
	return b
}

// lastFrameOff is a file without its last frame, tags apart.
func lastFrameOff(t *testing.T, b []byte) []byte {
	t.Helper()
	whole, _ := mp3.Scan(bytes.NewReader(b))
	for n := len(b) - 1; n > 0; n-- {
		res, _ := mp3.Scan(bytes.NewReader(b[:n]))
		if res.Frames == whole.Frames-1 {
			return b[:n]
		}
	}
	t.Fatal("no such cut")
	return nil
}

// Some encoders count the frame that holds the count.
func TestACountThatIncludesItsOwnFrameIsNoCut(t *testing.T) {
	t.Parallel()
	b := sample(t, stereo)
	whole, _ := mp3.Scan(bytes.NewReader(b))
	const bytesFlag = 2
	for name, body := range map[string][]byte{"with a length": counted(t, b, 1, 0), "without": counted(t, b, 1, bytesFlag)} {
		if got, err := mp3.Scan(bytes.NewReader(body)); err != nil || got.Frames != whole.Frames || got.Duration != whole.Duration {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	short := lastFrameOff(t, b)
	for name, body := range map[string][]byte{
		"a frame is missing":                         short,
		"a frame is missing, the count includes its": counted(t, short, 1, 0),
		"two are missing, no length":                 counted(t, short, 1, bytesFlag),
		"two more are counted":                       counted(t, b, 2, 0),
	} {
		if got, err := mp3.Scan(bytes.NewReader(body)); !errors.Is(err, mp3.ErrTruncated) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// framesOf splits a file without tags into its frames of one length.
func framesOf(b []byte, length int) (out [][]byte) {
	for len(b) >= length {
		out, b = append(out, b[:length]), b[length:]
	}
	return out
}

func TestASampleRateMayChangeBetweenFrames(t *testing.T) {
	t.Parallel()
	slow, fast := sample(t, telephony), sample(t, wideband)
	a, _ := mp3.Scan(bytes.NewReader(slow))
	b, _ := mp3.Scan(bytes.NewReader(fast))
	want := a.Duration + b.Duration
	var mixed []byte
	s := framesOf(slow, 144)
	f := framesOf(fast, len(fast)/int(b.Frames))
	if len(s) != int(a.Frames) || len(f) != int(b.Frames) {
		t.Fatalf("%d of %d and %d of %d frames", len(s), a.Frames, len(f), b.Frames)
	}
	for i := range max(len(s), len(f)) {
		if i < len(s) {
			mixed = append(mixed, s[i]...)
		}
		if i < len(f) {
			mixed = append(mixed, f[i]...)
		}
	}
	id3 := append([]byte("ID3\x04\x00\x00\x00\x00\x00\x0a"), make([]byte, 10)...)
	for name, body := range map[string][]byte{
		"once": join(slow, fast), "back": join(fast, slow), "at each frame": mixed, "after a tag": join(slow, id3, fast), "in the middle": join(slow[:144*4], fast, slow[144*4:]),
	} {
		got, err := mp3.Scan(bytes.NewReader(body))
		if err != nil || got.Frames != a.Frames+b.Frames || (got.Duration-want).Abs() > time.Millisecond || got.Garbage != 0 {
			t.Errorf("%s: %+v, %v; want %d frames, %v", name, got, err, a.Frames+b.Frames, want)
		}
		if _, err := mp3.Scan(bytes.NewReader(body[:len(body)-10])); !errors.Is(err, mp3.ErrTruncated) {
			t.Errorf("%s, cut: %v", name, err)
		}
	}
	junk := bytes.Repeat([]byte("\xff\xe3 bad "), 300)
	if _, err := mp3.Scan(bytes.NewReader(join(slow, junk, fast))); !errors.Is(err, mp3.ErrDamaged) {
		t.Errorf("something else between two rates: %v", err)
	}
}

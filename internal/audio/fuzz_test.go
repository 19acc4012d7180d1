package audio_test

import (
	"bytes"
	"errors"
	"testing"
	"testing/iotest"
	"time"

	"fonoteka/internal/audio"
)

// fuzz wants of any file: an answer, the same however it is read, in proportion to
// its size.
func fuzz(f *testing.F, formats ...audio.Format) {
	for _, s := range samples {
		for _, format := range formats {
			if s.format != format {
				continue
			}
			b := sample(f, s.name)
			f.Add(b)
			f.Add(b[:len(b)/2])
			f.Add(append([]byte("Warning: \n"), b...))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := audio.Verify(bytes.NewReader(b))
		again, err2 := audio.Verify(iotest.HalfReader(bytes.NewReader(b)))
		if got != again || (err == nil) != (err2 == nil) {
			t.Errorf("read in halves: %+v, %v; at once: %+v, %v", again, err2, got, err)
		}
		switch {
		case err == nil && got.Format == "", got.Duration < 0, got.Duration > 2000*time.Hour, got.TextBefore < 0 || got.TextBefore > 4096:
			t.Errorf("%+v, %v", got, err)
		case err != nil && errors.Is(err, audio.ErrNotAudio) != (got.Format == ""):
			t.Errorf("%+v, %v", got, err)
		case err != nil && !errors.Is(err, audio.ErrNotAudio) && !errors.Is(err, audio.ErrTruncated) && !errors.Is(err, audio.ErrDamaged) && !errors.Is(err, audio.ErrUnverifiable):
			t.Errorf("an error of no kind: %v", err)
		}
	})
}

func FuzzWAV(f *testing.F)  { fuzz(f, audio.WAV) }
func FuzzOgg(f *testing.F)  { fuzz(f, audio.Ogg) }
func FuzzMP4(f *testing.F)  { fuzz(f, audio.M4A) }
func FuzzADTS(f *testing.F) { fuzz(f, audio.AAC) }
func FuzzMPEG(f *testing.F) { fuzz(f, audio.MP2, audio.MP3) }

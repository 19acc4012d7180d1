package mp3_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"fonoteka/internal/mp3"
)

// The samples of this file are of a tone, made by LAME (lame --freeformat -b 20) and
// by TwoLAME (twolame -b 16, -b 64), from what SoX gave them.
var layers = []struct {
	name           string
	layer, rate    int
	shortest, most time.Duration
}{
	{"mpeg2-16khz-free.mp3", 3, 16000, 400 * time.Millisecond, 560 * time.Millisecond},
	{"mpeg25-8khz-free.mp3", 3, 8000, time.Second, 1300 * time.Millisecond},
	{"mpeg2-16khz-layer2.mp2", 2, 16000, 400 * time.Millisecond, 560 * time.Millisecond},
	{"mpeg1-32khz-layer2.mp2", 2, 32000, 400 * time.Millisecond, 480 * time.Millisecond},
}

func TestLayerTwoAndFreeFormatAreRead(t *testing.T) {
	t.Parallel()
	for _, c := range layers {
		got, err := mp3.Scan(bytes.NewReader(sample(t, c.name)))
		if err != nil || got.Layer != c.layer || got.SampleRate != c.rate || got.Channels != 1 || got.Garbage != 0 || got.Duration < c.shortest || got.Duration > c.most {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
}

// layerOne is Layer I: no encoder of it is to be had in Debian, so its frames are
// headers of ISO/IEC 11172-3 (32 kHz, 64 kbit/s, mono) with nothing that sounds.
func layerOne(frames int) (b []byte) {
	for range frames {
		b = append(b, 0xff, 0xff, 0x28, 0xc0) // 12 * 64000 / 32000 slots of four bytes
		b = append(b, make([]byte, 92)...)
	}
	return b
}

func TestLayerOneIsRead(t *testing.T) {
	t.Parallel()
	got, err := mp3.Scan(bytes.NewReader(layerOne(20)))
	if err != nil || got.Layer != 1 || got.Frames != 20 || got.Duration != 240*time.Millisecond || got.Bitrate != 64000 {
		t.Errorf("%+v, %v", got, err)
	}
}

// What is cut anywhere but between two frames is found, in every layer.
func TestCutLayersAreFound(t *testing.T) {
	t.Parallel()
	bodies := map[string][]byte{"layer one": layerOne(20)}
	for _, c := range layers {
		bodies[c.name] = sample(t, c.name)
	}
	for name, b := range bodies {
		whole, _ := mp3.Scan(bytes.NewReader(b))
		passed := 0
		for n := range b {
			res, err := mp3.Scan(bytes.NewReader(b[:n]))
			if err == nil {
				passed++
			}
			if err == nil && res.Frames >= whole.Frames {
				t.Errorf("%s: %d of %d bytes pass", name, n, len(b))
			}
		}
		if passed > int(whole.Frames) {
			t.Errorf("%s: %d of %d cuts pass, more than there are frames (%d)", name, passed, len(b), whole.Frames)
		}
		if res, err := mp3.Scan(bytes.NewReader(join(b[:len(b)/2], bytes.Repeat([]byte("junk"), 500), b[len(b)/2:]))); err == nil {
			t.Errorf("%s: passes with junk in it: %+v", name, res)
		}
	}
}

// Text before the audio is counted, whatever the layer.
func TestLeadingTextIsCounted(t *testing.T) {
	t.Parallel()
	warning := []byte("<br />\n<b>Warning</b>: readfile(): in <b>/var/www/get.php</b> on line <b>12</b><br />\n")
	for _, name := range []string{telephony, stereo, "mpeg2-16khz-free.mp3", "mpeg2-16khz-layer2.mp2"} {
		got, err := mp3.Scan(bytes.NewReader(join(warning, sample(t, name))))
		if err != nil || got.Leading != int64(len(warning)) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := mp3.Scan(bytes.NewReader(join(bytes.Repeat(warning, 60), sample(t, telephony)))); !errors.Is(err, mp3.ErrNotMP3) {
		t.Errorf("more than 4 KiB of text: %v", err)
	}
}

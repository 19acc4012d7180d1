package sim

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
)

// voice holds the coded sounds that recordings are put together from: a frame
// for each pitch, vowel and position in the cycle of four frames.
type voice struct {
	frames [pitches][vowels][4][]byte
	pause  []byte
}

const (
	pitches = 24
	vowels  = 5
)

// newVoice codes the sounds, once per Sim: 480 frames, 35 KB.
func newVoice() *voice {
	v := &voice{pause: newFrame(nil)}
	formants := [vowels][2]float64{{700, 1200}, {500, 1900}, {300, 2300}, {500, 900}, {320, 800}}
	for p := range v.frames {
		pitch := 90 * math.Pow(2, float64(p)/16) // 90 … 244 Hz
		for f, formant := range formants {
			for phase := range 4 {
				v.frames[p][f][phase] = newFrame(sound(pitch, formant, phase))
			}
		}
	}
	return v
}

// sound is a spectrum of the harmonics of pitch near the formants. A tone in
// the middle of line k turns by (k+½)π from frame to frame, so with a phase of
// 45° its line has the same size in each frame and signs that repeat after four.
func sound(pitch float64, formants [2]float64, phase int) []int8 {
	lines := make([]int8, mainBits/4)
	for h := 1; ; h++ {
		freq := pitch * float64(h)
		k := int(freq / (4000.0 / frameSamples))
		if k >= len(lines) {
			return lines
		}
		near := math.Min(math.Abs(freq-formants[0]), math.Abs(freq-formants[1]))
		if h > 1 && near > 0.8*pitch {
			continue
		}
		lines[k] = 1
		if math.Cos(math.Pi/4+float64(phase)*(float64(k)+0.5)*math.Pi) < 0 {
			lines[k] = -1
		}
	}
}

// layout is how an mp3 is built.
type layout struct {
	seed   uint64 // drives the sounds and stands in the file: no two files are equal
	frames int    // frames that sound
	rate   int    // index into bitrates
	higher int    // this many of the frames, the first, have the next higher rate
	info   bool   // begins with a frame that tells the number of frames and bytes
	id3    bool   // begins with an ID3v2.3 tag
}

// newLayout is for a talk of the given seconds. least is the smallest size in
// bytes that will do, 0 for what the talk needs.
func newLayout(r *rand.Rand, seconds, least int) layout {
	l := layout{seed: r.Uint64(), frames: (seconds*1000 + frameMillis - 1) / frameMillis, rate: 1}
	if r.IntN(5) == 0 {
		l.rate = 2
	}
	l.info = r.IntN(3) == 0
	l.id3 = r.IntN(10) == 0
	if least == 0 {
		return l
	}
	highest := len(bitrates) - 1
	for l.rate = 1; l.rate < highest && l.frames*frameBytes(l.rate+1) <= least; {
		l.rate++
	}
	missing := least - l.frames*frameBytes(l.rate)
	if missing > 0 && l.rate == highest {
		l.frames += (missing + frameBytes(highest) - 1) / frameBytes(highest)
	} else if missing > 0 {
		step := frameBytes(l.rate+1) - frameBytes(l.rate)
		l.higher = (missing + step - 1) / step
	}
	return l
}

func (l layout) audioBytes() int {
	n := l.frames * frameBytes(l.rate)
	if l.higher > 0 {
		n += l.higher * (frameBytes(l.rate+1) - frameBytes(l.rate))
	}
	return n
}

// mp3 builds the file. It costs about a copy of its bytes.
func (v *voice) mp3(l layout) []byte {
	out := make([]byte, 0, l.audioBytes()+256)
	if l.id3 {
		out = append(out, id3Tag...)
	}
	if l.info {
		out = append(out, infoFrame(v.pause, l.frames, l.audioBytes()+frameMinimum)...)
	}
	first := len(out)
	speech := rand.New(rand.NewPCG(l.seed, streamAudio))
	for i := 0; i < l.frames; {
		i += v.syllable(&out, speech, l, i)
	}
	binary.BigEndian.PutUint64(out[first+frameMinimum-8:], l.seed)
	return out
}

// syllable appends two to six frames of one sound and, now and then, a pause.
// Every 40 frames (3 s) the other of two voices speaks.
func (v *voice) syllable(out *[]byte, r *rand.Rand, l layout, i int) int {
	pitch, vowel, n := r.IntN(pitches/3), r.IntN(vowels), 2+r.IntN(4)
	if i/40%2 == 1 {
		pitch += pitches / 2
	}
	pause := 0
	if r.IntN(4) == 0 {
		pause = 1 + r.IntN(6)
	}
	volume := byte(194 + r.IntN(6)) // peaks at about -7 dB
	added := 0
	for ; added < n+pause && i+added < l.frames; added++ {
		sound, gain := v.pause, byte(0)
		if added < n {
			sound, gain = v.frames[pitch][vowel][(i+added)%4], volume
			if added == 0 || added == n-1 {
				gain -= 6 // begins and ends softer
			}
		}
		rate := l.rate
		if i+added < l.higher {
			rate++
		}
		at := len(*out)
		*out = append(*out, sound...)
		*out = append(*out, make([]byte, frameBytes(rate)-frameMinimum)...)
		setGain((*out)[at:], gain)
		setBitrate((*out)[at:], rate)
	}
	return added
}

// infoFrame is a silent frame whose main data begins with "Info", flags, and
// the numbers of frames after it and of bytes with it.
func infoFrame(pause []byte, frames, bytes int) []byte {
	f := append([]byte(nil), pause...)
	at := headerBytes + sideBytes
	copy(f[at:], "Info")
	binary.BigEndian.PutUint32(f[at+4:], 3)
	binary.BigEndian.PutUint32(f[at+8:], uint32(frames))
	binary.BigEndian.PutUint32(f[at+12:], uint32(bytes))
	return f
}

// id3Tag is an ID3v2.3 tag with a title and some padding: 10 + 31 bytes.
const id3Tag = "ID3\x03\x00\x00\x00\x00\x00\x1f" +
	"TIT2\x00\x00\x00\x05\x00\x00\x00call" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

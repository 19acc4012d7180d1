package audio_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"fonoteka/internal/audio"
)

// large is a file of about a megabyte, made of a sample as its format allows.
func large(b *testing.B, name string) []byte {
	one := sample(b, name)
	switch name {
	case "pcm.wav":
		long := append(bytes.Clone(one[:44]), bytes.Repeat(one[44:], 320)...)
		binary.LittleEndian.PutUint32(long[4:], uint32(len(long)-8))
		binary.LittleEndian.PutUint32(long[40:], uint32(len(long)-44))
		return long
	case "aac.m4a":
		mdat := bytes.Index(one, []byte("mdat")) - 4
		free := append([]byte("\x00\x10\x00\x08free"), make([]byte, 1<<20)...)
		return append(append(bytes.Clone(one[:mdat]), free...), one[mdat:]...)
	}
	return bytes.Repeat(one, 1<<20/len(one))
}

func BenchmarkVerify(b *testing.B) {
	for _, name := range []string{"free.mp3", "layer2.mp2", "pcm.wav", "opusenc.ogg", "aac.m4a", "adts.aac"} {
		b.Run(name, func(b *testing.B) {
			body := large(b, name)
			r := bytes.NewReader(body)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				r.Reset(body)
				if _, err := audio.Verify(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package seed

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// The ids of rows: hashes of parts with their lengths, as the data dictionary
// says.

func hash(buf []byte, parts ...string) [32]byte {
	buf = buf[:0]
	for _, p := range parts {
		buf = binary.AppendUvarint(buf, uint64(len(p)))
		buf = append(buf, p...)
	}
	return sha256.Sum256(buf)
}

func (w *writer) id(parts ...string) uint64 {
	sum := hash(w.scratch, parts...)
	return binary.BigEndian.Uint64(sum[:8])
}

func (w *writer) recordingID(url string) string {
	sum := hash(w.scratch, "recording", w.s.o.Integration, url)
	return hex.EncodeToString(sum[:16])
}

func eventID(body []byte) uint64 {
	sum := sha256.Sum256(body)
	return binary.BigEndian.Uint64(sum[:8])
}

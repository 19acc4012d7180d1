package relay_test

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"fonoteka/internal/spool"
)

// in16 is a text in UTF-16.
func in16(s string, order binary.AppendByteOrder, mark bool) []byte {
	var b []byte
	if mark {
		b = order.AppendUint16(b, 0xfeff)
	}
	for _, unit := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, unit)
	}
	return b
}

// packed is a text by a compressor.
func packed(t *testing.T, s string, by func(io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := by(&b)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(w, s)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// However a notification is written, it is the same event.
func TestABodyIsReadInAnyEncoding(t *testing.T) {
	t.Parallel()
	named := strings.Replace(finished, "a~1o", "Анна 𝄞~1o", 1)
	raw := packed(t, named, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	zipped := packed(t, named, func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil })
	little := in16(named, binary.LittleEndian, true)
	batch := map[string]spool.Record{
		"plain": {Body: []byte(named)}, "plain, said to be gzip": {Body: []byte(named), ContentEncoding: "gzip"},
		"zlib": {Body: zipped, ContentEncoding: "deflate"}, "deflate alone": {Body: raw, ContentEncoding: "Deflate"},
		"gzip": {Body: gzipped(t, named), ContentEncoding: "gzip"}, "gzip, not said": {Body: gzipped(t, named)},
		"UTF-16, little, marked": {Body: little}, "UTF-16, big, marked": {Body: in16(named, binary.BigEndian, true)},
		"UTF-16, little": {Body: in16(named, binary.LittleEndian, false)}, "UTF-16, big": {Body: in16(named, binary.BigEndian, false)},
		"UTF-16 in gzip": {Body: gzipped(t, string(little)), ContentEncoding: "gzip"}, "UTF-16, said to be gzip": {Body: little, ContentEncoding: "gzip"},
		"UTF-16 in deflate": {Body: packed(t, string(little), func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, 9) }), ContentEncoding: "deflate"},
	}
	var id uint64
	for name, rec := range batch {
		rows := &rowsTaken{}
		rec.Integration, rec.ReceivedAt = "main", time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
		if _, err := toWarehouse(t, rows, decoder).Sink(t.Context(), []spool.Record{rec}); err != nil {
			t.Fatal(err)
		}
		if len(rows.events) != 1 || string(rows.events[0].Body) != named {
			t.Errorf("%s: %d events, rejected %v", name, len(rows.events), rows.rejected)
			continue
		}
		if id == 0 {
			id = rows.events[0].EventID
		}
		if rows.events[0].EventID != id {
			t.Errorf("%s: another event", name)
		}
	}
}

// What UTF-8 could not give back exactly is rejected as it came.
func TestHalfACharacterIsNotGuessed(t *testing.T) {
	t.Parallel()
	whole := in16(finished, binary.LittleEndian, true)
	for name, body := range map[string][]byte{
		"an odd byte": whole[:len(whole)-1], "half a pair": append(bytes.Clone(whole), 0x34, 0xd8), "a pair the wrong way round": append(bytes.Clone(whole), 0x1e, 0xdd, 0x34, 0xd8),
	} {
		rows := &rowsTaken{}
		rec := spool.Record{Integration: "main", ReceivedAt: time.Now(), Body: body}
		if _, err := toWarehouse(t, rows, decoder).Sink(t.Context(), []spool.Record{rec}); err != nil {
			t.Fatal(err)
		}
		if len(rows.rejected) != 1 || !bytes.Equal(rows.rejected[0].Body, body) || rows.rejected[0].Reason != "unreadable" {
			t.Errorf("%s: %d events, rejected %v", name, len(rows.events), rows.rejected)
		}
	}
}

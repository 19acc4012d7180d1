package spool_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"fonoteka/internal/spool"
)

// FuzzRecord reads stored forms of records: whatever a disk gives back is a record, or
// one that says why it is none and keeps the bytes.
func FuzzRecord(f *testing.F) {
	for _, r := range []spool.Record{
		{Integration: "main", ContentType: "application/json", ContentEncoding: "gzip", Body: []byte(`{"event":"callNotifications"}`), ReceivedAt: time.Unix(1_780_000_000, 5)},
		{Truncated: "too large", Body: bytes.Repeat([]byte("x"), 300), ReceivedAt: time.Unix(0, 0)},
		{},
	} {
		f.Add(spool.EncodeRecord(r))
	}
	f.Add([]byte{2, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, stored []byte) {
		r := spool.DecodeRecord(7, stored)
		switch {
		case r.Seq != 7:
			t.Fatalf("record %d", r.Seq)
		case errors.Is(r.Err, spool.ErrErased):
			if r.Body != nil || r.Integration != "" {
				t.Fatalf("an erased record has contents: %+v", r)
			}
		case errors.Is(r.Err, spool.ErrDamaged):
			if !bytes.HasSuffix(stored, r.Body) {
				t.Fatalf("the bytes of a damaged record are not kept")
			}
		case r.Err != nil:
			t.Fatal(r.Err)
		default:
			again := spool.DecodeRecord(7, spool.EncodeRecord(r))
			if again.Err != nil || !bytes.Equal(again.Body, r.Body) || again.Integration != r.Integration || again.ContentType != r.ContentType ||
				again.ContentEncoding != r.ContentEncoding || again.Truncated != r.Truncated || !again.ReceivedAt.Equal(r.ReceivedAt) {
				t.Fatalf("%+v is read as %+v when stored again", r, again)
			}
		}
	})
}

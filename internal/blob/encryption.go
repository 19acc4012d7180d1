package blob

import (
	"fmt"
	"strings"

	"github.com/minio/minio-go/v7/pkg/encrypt"
)

// Encryption is what the store is asked to do with an object before it writes
// it. Keys stay with the store: with a key of ours (SSE-C) an archive would be
// lost with the key, and nobody but us could read it.
type Encryption struct {
	kind  encrypt.Type
	keyID string
}

// ParseEncryption reads none, s3 (the store's own key), kms (its key service's
// default key) or kms:KEY-ID; the empty string is none.
func ParseEncryption(s string) (Encryption, error) {
	kind, key, named := strings.Cut(s, ":")
	switch {
	case (s == "" || s == "none") && !named:
		return Encryption{}, nil
	case s == "s3":
		return Encryption{kind: encrypt.S3}, nil
	case kind == "kms" && (key != "" || !named):
		return Encryption{kind: encrypt.KMS, keyID: key}, nil
	}
	return Encryption{}, fmt.Errorf("%q is none of none, s3, kms, kms:KEY-ID", s)
}

// String is what ParseEncryption reads.
func (e Encryption) String() string {
	switch {
	case e.kind == encrypt.S3:
		return "s3"
	case e.kind == encrypt.KMS && e.keyID != "":
		return "kms:" + e.keyID
	case e.kind == encrypt.KMS:
		return "kms"
	}
	return "none"
}

func (e Encryption) asked() bool { return e.kind != "" }

// server is nil where nothing is asked for.
func (e Encryption) server() encrypt.ServerSide {
	switch e.kind {
	case encrypt.S3:
		return encrypt.NewSSE()
	case encrypt.KMS:
		kms, _ := encrypt.NewSSEKMS(e.keyID, nil) // fails only on a context that cannot be written
		return kms
	}
	return nil
}

package call

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"strings"
)

// EventID identifies a notification by its body: the first 64 bits of its
// SHA-256. It is compared within one call only, so that 64 bits are plenty;
// a keyed or cryptographic hash keeps a sender from forging a collision.
func EventID(body []byte) uint64 {
	sum := sha256.Sum256(body)
	return binary.BigEndian.Uint64(sum[:8])
}

// BaseID strips the leg suffix "~" + digits + one lower-case letter, and only
// at the very end: a Call-ID may hold a "~" of its own.
func BaseID(platformID string) string {
	i := strings.LastIndexByte(platformID, '~')
	if i <= 0 || len(platformID)-i < 3 {
		return platformID
	}
	suffix := platformID[i+1:]
	last := suffix[len(suffix)-1]
	if last < 'a' || last > 'z' {
		return platformID
	}
	for _, c := range suffix[:len(suffix)-1] {
		if c < '0' || c > '9' {
			return platformID
		}
	}
	return platformID[:i]
}

// ID is the key of the call with the given base id (BaseID) in an integration.
func ID(integration, baseID string) uint64 { return hash64("call", integration, baseID) }

// segmentID is the key of the n-th call (n ≥ 1) under a base id that was used again.
func segmentID(integration, baseID string, n int) uint64 {
	return hash64("call", integration, baseID, strconv.Itoa(n))
}

// LegID is the key of a leg: the full Call-ID and the account on our side.
func LegID(integration, platformID, accountID string) uint64 {
	return hash64("leg", integration, platformID, accountID)
}

func hash64(parts ...string) uint64 {
	s := sum(parts...)
	return binary.BigEndian.Uint64(s[:8])
}

// sum hashes parts with their lengths, so that ("a","bc") and ("ab","c") differ.
func sum(parts ...string) [32]byte {
	var buf []byte
	for _, p := range parts {
		buf = binary.AppendUvarint(buf, uint64(len(p)))
		buf = append(buf, p...)
	}
	return sha256.Sum256(buf)
}

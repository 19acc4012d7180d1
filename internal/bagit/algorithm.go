package bagit

import (
	"crypto/md5"  //nolint:gosec // bags of others are checked by what they bring
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"regexp"
)

// Names of the algorithms that a Writer uses.
const (
	sha256Name = "sha256"
	sha512Name = "sha512"
)

// algorithms by the names that stand in the names of manifests. MD5 and SHA-1 protect
// against accidents only; old bags have nothing else.
var algorithms = map[string]func() hash.Hash{
	"md5":      md5.New,
	"sha1":     sha1.New,
	"sha224":   sha256.New224,
	sha256Name: sha256.New,
	"sha384":   sha512.New384,
	sha512Name: sha512.New,
}

// manifestName splits the name of a manifest. RFC 8493, 2.4: an algorithm is spelled in
// lower case, without anything but letters and digits.
var manifestName = regexp.MustCompile(`^(tag)?manifest-([a-z0-9]+)\.txt$`)

// digestLength is the number of bytes of an algorithm's digests; 0: it is not known.
func digestLength(algorithm string) int {
	if h, ok := algorithms[algorithm]; ok {
		return h().Size()
	}
	return 0
}

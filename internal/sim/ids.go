package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

const alphanumerics = "abcdefghijklmnopqrstuvwxyz0123456789"

func letters(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphanumerics[r.IntN(len(alphanumerics))]
	}
	return string(b)
}

// uuidID is the base of ids like c166e238a4c211ea9d373863bb43daf8_00015ED635780FC7~1o:
// a version-1 UUID in hex, then hex that holds Unix seconds, sometimes a third
// part. Both clocks are drawn, not read, so that ids follow from the seed. i
// keeps ids of one run apart.
func uuidID(r *rand.Rand, i int) string {
	ticks := uint64(0x1ea_a4c2_0000_0000) + r.Uint64N(1<<44)
	uuid := fmt.Sprintf("%08x%04x%04x%04x%012x",
		uint32(ticks), uint16(ticks>>32), 0x1000|uint16(ticks>>48)&0xfff,
		0x8000|r.UintN(0x4000), r.Uint64N(1<<48))
	id := fmt.Sprintf("%s_0001%08X%04X", uuid, 0x5ED63578+r.Uint32N(1<<26), i&0xffff)
	if r.IntN(7) == 0 {
		id += fmt.Sprintf("_%06X", r.UintN(1<<24))
	}
	return id
}

// controllerID is an id like SDfe2n901-b510751695c9e53584301f0c0e8d98c9200@127.0.0.1,
// and the tag that goes with it.
func controllerID(r *rand.Rand) (id, tag string) {
	head := "fe" + letters(r, 5)
	id = fmt.Sprintf("SD%s-%016x%016x%03d@127.0.0.1", head, r.Uint64(), r.Uint64(), r.IntN(1000))
	return id, fmt.Sprintf("sd%s-%09d", head, r.IntN(1_000_000_000))
}

// makeCallID is an id as makeCall answers it: 7NKe6!8fa1FMSlс6ypZdb1GSV6ZN@10.133.51.137,
// where one letter of the page's example is Cyrillic.
func makeCallID(r *rand.Rand, transport string) string {
	host, _, _ := strings.Cut(transport, ":")
	return fmt.Sprintf("%s!%sс%s@%s", letters(r, 5), letters(r, 10), letters(r, 11), host)
}

// legTag is a tag like hswdfry52vmykfla____o.
func legTag(r *rand.Rand) string {
	return "hswe" + letters(r, 12) + "____o"
}

// oddTag now and then writes a tag with a Cyrillic letter for its first Latin
// e, as two of the operator's examples do.
func oddTag(r *rand.Rand, tag string) string {
	if r.IntN(8) == 0 {
		return strings.Replace(tag, "e", "е", 1)
	}
	return tag
}

// recordName is a file name like 9B58D12A_EC9D5E37_56485D37_0EE913E5.
func recordName(r *rand.Rand) string {
	return fmt.Sprintf("%08X_%08X_%08X_%08X", r.Uint32(), r.Uint32(), r.Uint32(), r.Uint32())
}

package spool

import "math/bits"

// numbers is a set of record numbers. It uses a bit for each, in pages of
// 65,536, so that the numbers of weeks fit into a few megabytes.
type numbers map[uint64]*[1024]uint64

// add returns false if the number is in the set already.
func (s numbers) add(n uint64) bool {
	page := s[n>>16]
	if page == nil {
		page = new([1024]uint64)
		s[n>>16] = page
	}
	word, bit := &page[n>>6&1023], uint64(1)<<(n&63)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	return true
}

func (s numbers) has(n uint64) bool {
	page := s[n>>16]
	return page != nil && page[n>>6&1023]&(1<<(n&63)) != 0
}

// between counts the numbers after the first argument and up to the second.
func (s numbers) between(after, last uint64) (count uint64) {
	for page, words := range s {
		for i, word := range words {
			base := page<<16 | uint64(i)<<6
			if word == 0 || base > last || base+63 <= after {
				continue
			}
			if base <= after {
				word &^= 1<<(after-base+1) - 1
			}
			if base+63 > last {
				word &= 1<<(last-base+1) - 1
			}
			count += uint64(bits.OnesCount64(word))
		}
	}
	return count
}

// remove removes the numbers of another set from this one.
func (s numbers) remove(other numbers) {
	for page, words := range other {
		if own := s[page]; own != nil {
			for i, word := range words {
				own[i] &^= word
			}
		}
	}
}

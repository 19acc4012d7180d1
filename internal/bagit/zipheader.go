package bagit

import (
	"archive/zip"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// Of the zip format: APPNOTE.TXT of PKWARE, 4.3.
const (
	localHeaderLength = 30
	localSignature    = 0x04034b50
	centralSignature  = 0x02014b50
	endSignature      = 0x06054b50
	endLength         = 22
	descriptorMark    = 0x08074b50
	encryptedFlag     = 1 << 0
	descriptorFlag    = 1 << 3
	zip64Extra        = 1
)

// zipHeaders compares the local headers with the directory, from the beginning to the
// directory, without a gap.
func (s *ArchiveSource) zipHeaders(r io.ReaderAt, z *zip.Reader) {
	type placed struct {
		f    *zip.File
		data int64
	}
	var list []placed
	for _, f := range z.File {
		data, err := f.DataOffset()
		if err != nil {
			s.found.fail(ArchiveForm, f.Name, "its local header cannot be read: %v", err)
			return
		}
		list = append(list, placed{f, data})
	}
	slices.SortStableFunc(list, func(a, b placed) int { return cmp.Compare(a.data, b.data) })
	at := int64(0)
	for _, p := range list {
		end, why := localHeader(r, p.f, at, p.data)
		if why != "" {
			s.found.fail(ArchiveForm, p.f.Name, "at byte %d: %s", at, why)
			return // what follows cannot be placed
		}
		at = end
	}
	var mark [4]byte
	if _, err := r.ReadAt(mark[:], at); err != nil || !slices.Contains([]uint32{centralSignature, endSignature}, binary.LittleEndian.Uint32(mark[:])) {
		s.found.fail(ArchiveForm, "", "at byte %d: something that the directory does not name lies before it", at)
	}
}

// zipEnd: archive/zip takes what lies behind the end for nothing.
func (s *ArchiveSource) zipEnd(r io.ReaderAt, at int64) {
	var mark [4]byte
	if _, err := r.ReadAt(mark[:], at); err != nil || binary.LittleEndian.Uint32(mark[:]) != endSignature {
		s.found.fail(ArchiveForm, "", "something lies behind the end of the zip")
	}
}

// localHeader compares one, which must begin at a place and be followed by its data, and
// returns where the next begins.
func localHeader(r io.ReaderAt, f *zip.File, at, data int64) (end int64, why string) {
	if data-at < localHeaderLength || data-at > localHeaderLength+2<<16 {
		return 0, "it does not follow what was before it"
	}
	h := make([]byte, data-at)
	if _, err := r.ReadAt(h, at); err != nil {
		return 0, fmt.Sprintf("read its local header: %v", err)
	}
	le := binary.LittleEndian
	nameLength, extraLength := int64(le.Uint16(h[26:])), int64(le.Uint16(h[28:]))
	if le.Uint32(h) != localSignature || localHeaderLength+nameLength+extraLength != data-at {
		return 0, "it does not follow what was before it"
	}
	name, extra := string(h[localHeaderLength:localHeaderLength+nameLength]), h[localHeaderLength+nameLength:]
	flags := le.Uint16(h[6:])
	switch {
	case name != f.Name:
		return 0, fmt.Sprintf("its local header has the name %q", name)
	case flags != f.Flags:
		return 0, "its local header has other flags than the directory"
	case le.Uint16(h[8:]) != f.Method:
		return 0, "its local header has another method than the directory"
	}
	after := data + int64(f.CompressedSize64)
	crc, packed, full := le.Uint32(h[14:]), uint64(le.Uint32(h[18:])), uint64(le.Uint32(h[22:]))
	packed, full = wide(extra, packed, full)
	if flags&descriptorFlag != 0 && crc == 0 && (packed == 0 || packed == f.CompressedSize64) && (full == 0 || full == f.UncompressedSize64) {
		return descriptor(r, f, after)
	}
	if crc != f.CRC32 || packed != f.CompressedSize64 || full != f.UncompressedSize64 {
		return 0, "its local header has another size or CRC than the directory"
	}
	if flags&descriptorFlag != 0 {
		return descriptor(r, f, after)
	}
	return after, ""
}

// wide are the sizes of the extra field of zip64, where they do not fit the header.
func wide(extra []byte, packed, full uint64) (uint64, uint64) {
	const all = 1<<32 - 1
	le := binary.LittleEndian
	for len(extra) >= 4 {
		id, length := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if extra = extra[4:]; length > len(extra) {
			break
		}
		field := extra[:length]
		extra = extra[length:]
		if id != zip64Extra {
			continue
		}
		if full == all && len(field) >= 8 {
			full, field = le.Uint64(field), field[8:]
		}
		if packed == all && len(field) >= 8 {
			packed = le.Uint64(field)
		}
	}
	return packed, full
}

// descriptor compares what stands behind the data of a member whose size was not known
// when its header was written: with a mark or without, in 32 bits or in 64.
func descriptor(r io.ReaderAt, f *zip.File, at int64) (end int64, why string) {
	b := make([]byte, 24)
	n, _ := r.ReadAt(b, at) // what is too short does not compare
	b = b[:n]
	le := binary.LittleEndian
	marked := int64(0)
	if len(b) >= 4 && le.Uint32(b) == descriptorMark {
		b, marked = b[4:], 4
	}
	if len(b) < 12 || le.Uint32(b) != f.CRC32 {
		return 0, "the descriptor behind it has another CRC than the directory"
	}
	if len(b) >= 20 && le.Uint64(b[4:]) == f.CompressedSize64 && le.Uint64(b[12:]) == f.UncompressedSize64 {
		return at + marked + 20, ""
	}
	if uint64(le.Uint32(b[4:])) == f.CompressedSize64 && uint64(le.Uint32(b[8:])) == f.UncompressedSize64 {
		return at + marked + 12, ""
	}
	return 0, "the descriptor behind it has other sizes than the directory"
}

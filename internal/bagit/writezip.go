package bagit

import (
	"bufio"
	"compress/flate"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

const (
	zipStore    = 0
	zipDeflate  = 8
	utf8Flag    = 1 << 11
	zipDate     = 1<<5 | 1 // 1980-01-01, the first that a zip can say: there is no time that would be true for all
	zipVersion  = 20
	zip64       = 45
	madeByUnix  = 3 << 8
	zipFileMode = 0o100644 << 16
	zipAll16    = 1<<16 - 1
	zipAll32    = 1<<32 - 1

	end64Signature     = 0x06064b50
	locator64Signature = 0x07064b50
)

// zipEntry is what a zip says of a file, twice: before it, and in its directory.
type zipEntry struct {
	packed
	method uint16
	crc    uint32
	stored int64 // bytes in the zip
	at     int64 // of the local header
}

// wide tells whether a size does not fit into 32 bits.
func (e zipEntry) wide() bool { return e.size >= zipAll32 || e.stored >= zipAll32 }

// zipWriter writes a zip to a stream.
//
// archive/zip was rejected: it writes sizes and CRC behind a file, where readers that
// take a zip as a stream do not find them in time, and where it is told them before, it
// leaves out the extra field of a file beyond 4 GiB in the local header.
type zipWriter struct {
	w       *bufio.Writer
	at      int64
	entries []zipEntry
}

// WriteZip writes a finished bag as a zip: names in UTF-8, each file with its size and CRC
// in its local header, zip64 where a size, a place or their number needs it. The same
// folder gives the same bytes. Every file is read twice, since its CRC comes before it;
// one that changes in between is an error.
func WriteZip(ctx context.Context, w io.Writer, dir string, opts PackOptions) error {
	if err := writeZip(ctx, w, dir, opts); err != nil {
		return fmt.Errorf("write bag %s as a zip: %w", dir, err)
	}
	return nil
}

func writeZip(ctx context.Context, w io.Writer, dir string, opts PackOptions) error {
	p, files, err := newPacking(ctx, dir, opts)
	if err != nil {
		return err
	}
	defer p.root.Close()
	z := &zipWriter{w: bufio.NewWriterSize(w, bufferSize), entries: make([]zipEntry, 0, len(files))}
	for _, f := range files {
		if err := z.add(p, f); err != nil {
			return err
		}
	}
	return z.end()
}

// add writes a file, after it was read once for its CRC and its compressed size.
func (z *zipWriter) add(p *packing, f packed) error {
	e := zipEntry{packed: f, at: z.at}
	deflate := p.opts.Deflate != nil && p.opts.Deflate(f.path)
	n, crc, err := p.squeeze(f, io.Discard, deflate)
	if err != nil {
		return err
	}
	if deflate && n >= f.size { // it does not get smaller
		deflate, n = false, f.size
	}
	if e.crc, e.stored = crc, n; deflate {
		e.method = zipDeflate
	}
	if err := z.write(e.local()); err != nil {
		return err
	}
	n, crc, err = p.squeeze(f, z.w, deflate)
	if err == nil && (n != e.stored || crc != e.crc) {
		err = fmt.Errorf("%q: %w", f.path, errChanged)
	}
	z.at += n
	z.entries = append(z.entries, e)
	return err
}

// squeeze copies a file, compressed or not, and counts what it comes to.
func (p *packing) squeeze(f packed, to io.Writer, deflate bool) (int64, uint32, error) {
	out := &counted{w: to}
	crc := crc32.NewIEEE()
	if !deflate {
		err := p.read(f, io.MultiWriter(crc, out))
		return out.n, crc.Sum32(), err
	}
	c, err := flate.NewWriter(out, flate.DefaultCompression)
	if err == nil {
		err = p.read(f, io.MultiWriter(crc, c))
	}
	if err == nil {
		err = c.Close()
	}
	return out.n, crc.Sum32(), err
}

type counted struct {
	w io.Writer
	n int64
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

func (z *zipWriter) write(b []byte) error {
	z.at += int64(len(b))
	_, err := z.w.Write(b)
	return err
}

// local is the header before a file.
func (e zipEntry) local() []byte {
	b := binary.LittleEndian.AppendUint32(nil, localSignature)
	var extra []byte
	if e.wide() {
		extra = zip64Field(uint64(e.size), uint64(e.stored))
	}
	b = e.common(b, e.wide())
	b = le16(b, len(extra))
	return append(append(b, e.name...), extra...)
}

// common is what both headers have, from the version that is needed to the name's length.
func (e zipEntry) common(b []byte, wide bool) []byte {
	version, size, stored := zipVersion, e.size, e.stored
	if wide {
		version = zip64
	}
	if e.wide() {
		size, stored = zipAll32, zipAll32
	}
	b = le16(b, version)
	b = le16(b, utf8Flag)
	b = le16(b, int(e.method))
	b = le16(b, 0) // midnight
	b = le16(b, zipDate)
	b = binary.LittleEndian.AppendUint32(b, e.crc)
	b = le32(b, stored)
	b = le32(b, size)
	return le16(b, len(e.name))
}

// central is the entry of the directory.
func (e zipEntry) central() []byte {
	var wide []uint64
	at := e.at
	if e.wide() {
		wide = append(wide, uint64(e.size), uint64(e.stored))
	}
	if at >= zipAll32 {
		wide = append(wide, uint64(at))
		at = zipAll32
	}
	var extra []byte
	made := madeByUnix | zipVersion
	if len(wide) > 0 {
		extra, made = zip64Field(wide...), madeByUnix|zip64
	}
	b := binary.LittleEndian.AppendUint32(nil, centralSignature)
	b = le16(b, made)
	b = e.common(b, len(wide) > 0)
	b = le16(b, len(extra))
	b = le16(b, 0) // comment
	b = le16(b, 0) // disk
	b = le16(b, 0) // attributes of the content
	b = le32(b, zipFileMode)
	b = le32(b, at)
	return append(append(b, e.name...), extra...)
}

func zip64Field(values ...uint64) []byte {
	b := le16(nil, zip64Extra)
	b = le16(b, 8*len(values))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

// end writes the directory, and where it is.
func (z *zipWriter) end() error {
	begin := z.at
	for _, e := range z.entries {
		if err := z.write(e.central()); err != nil {
			return err
		}
	}
	size, n, at := z.at-begin, len(z.entries), begin
	if n >= zipAll16 || size >= zipAll32 || at >= zipAll32 {
		if err := z.write(end64(z.at, n, size, at)); err != nil {
			return err
		}
		n, size, at = min(n, zipAll16), min(size, zipAll32), min(at, zipAll32)
	}
	b := binary.LittleEndian.AppendUint32(nil, endSignature)
	b = le16(b, 0) // disk
	b = le16(b, 0) // disk of the directory
	b = le16(b, n) // entries here
	b = le16(b, n)
	b = le32(b, size)
	b = le32(b, at)
	b = le16(b, 0) // comment
	if err := z.write(b); err != nil {
		return err
	}
	return z.w.Flush()
}

// end64 is what zip64 says at the end, and where it begins.
func end64(here int64, entries int, size, at int64) []byte {
	b := binary.LittleEndian.AppendUint32(nil, end64Signature)
	b = le64(b, 44) // bytes that follow
	b = le16(b, madeByUnix|zip64)
	b = le16(b, zip64)
	b = le32(b, 0) // disk
	b = le32(b, 0) // disk of the directory
	b = le64(b, int64(entries))
	b = le64(b, int64(entries))
	b = le64(b, size)
	b = le64(b, at)
	b = binary.LittleEndian.AppendUint32(b, locator64Signature)
	b = le32(b, 0) // disk
	b = le64(b, here)
	return le32(b, 1) // disks
}

// Each caller's value fits: lengths of names, constants, and sizes below 4 GiB.
func le16(b []byte, v int) []byte   { return binary.LittleEndian.AppendUint16(b, uint16(v)) }
func le32(b []byte, v int64) []byte { return binary.LittleEndian.AppendUint32(b, uint32(v)) }
func le64(b []byte, v int64) []byte { return binary.LittleEndian.AppendUint64(b, uint64(v)) }

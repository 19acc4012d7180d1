package relay

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// toUTF8 returns a body in UTF-16 as UTF-8, and any other body as it is. UTF-16 is known
// by its byte order mark or, as JSON begins with an ASCII character, by the NUL beside
// that. What Content-Type says of it does not count: it is often wrong. A body that UTF-8
// could not give back exactly, such as half a character, stays as it is.
func toUTF8(body []byte) []byte {
	var order binary.ByteOrder
	text := body
	switch {
	case len(body) < 4 || len(body)%2 != 0:
		return body
	case body[0] == 0xff && body[1] == 0xfe:
		order, text = binary.LittleEndian, body[2:]
	case body[0] == 0xfe && body[1] == 0xff:
		order, text = binary.BigEndian, body[2:]
	case body[0] != 0 && body[1] == 0 && body[3] == 0:
		order = binary.LittleEndian
	case body[0] == 0 && body[1] != 0 && body[2] == 0:
		order = binary.BigEndian
	default:
		return body
	}
	out := make([]byte, 0, len(text)/2+len(text)/8)
	for at := 0; at < len(text); at += 2 {
		r := rune(order.Uint16(text[at:]))
		if utf16.IsSurrogate(r) {
			if at += 2; at == len(text) {
				return body
			}
			if r = utf16.DecodeRune(r, rune(order.Uint16(text[at:]))); r == utf8.RuneError {
				return body
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}

// isPlain says whether a body begins as JSON does, in UTF-8 or in UTF-16.
func isPlain(body []byte) bool {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		return true
	}
	return bytes.HasPrefix(body, []byte("\xff\xfe{\x00")) || bytes.HasPrefix(body, []byte("\xfe\xff\x00{"))
}

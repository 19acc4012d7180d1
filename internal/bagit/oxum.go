package bagit

import "strings"

func sameLabel(a, b string) bool { return strings.EqualFold(a, b) }

// readInfo reads bag-info.txt, which may be absent.
func (v *validation) readInfo() {
	name := infoFile
	if v.decl.version.before(0, 96) && v.present(oldInfoFile) {
		name = oldInfoFile
	}
	if !v.present(name) {
		return
	}
	r := &infoReader{name: name, v: v.decl.version, f: v.f}
	v.tagFile(name, r.line)
	v.infoName, v.info = name, r.end()
}

// checkOxum compares Payload-Oxum, where bag-info.txt has it, with the payload. lost
// files, which are empty, may be counted in it.
func (v *validation) checkOxum(lost int64) {
	is, n := v.payload(), 0
	for _, field := range v.info {
		if !sameLabel(field.Label, labelOxum) {
			continue
		}
		if n++; n == 2 {
			v.oxumTwice()
		}
		said, ok := parseOxum(field.Value)
		switch {
		case !ok:
			v.f.fail(OxumForm, v.infoName, "Payload-Oxum %q is not bytes, a dot and the number of files", field.Value)
		case said == is, said.bytes == is.bytes && said.files == is.files+lost:
		default:
			v.f.fail(OxumMismatch, v.infoName, "Payload-Oxum is %s, the payload has %s", said, is)
		}
	}
}

// oxumTwice: RFC 8493 has it once; before, any field could be repeated.
func (v *validation) oxumTwice() {
	if v.decl.version.before(1, 0) {
		v.f.warn(OxumRepeated, v.infoName, "Payload-Oxum is there more than once")
		return
	}
	v.f.fail(OxumRepeated, v.infoName, "Payload-Oxum is there more than once")
}

func (v *validation) payload() (o oxum) {
	for _, f := range v.files {
		if f.present && isPayload(f.path) {
			o.files++
			o.bytes += f.size
		}
	}
	return o
}

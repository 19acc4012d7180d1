package sign_test

import (
	"testing"

	"fonoteka/internal/sign"
)

// Keys and signatures come with packages: none makes a reader panic, and what is read as a
// bundle is written as it was.
func FuzzBundle(f *testing.F) {
	f.Add("untrusted comment: x\nRWQ\n")
	f.Add("")
	f.Add("untrusted comment: x\n\n\nfonoteka key rotation 1\nold x\nnew x\nat x\n\n\n\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		if b, err := sign.ParseBundle(text); err == nil && b.Text() != text {
			t.Errorf("it is written otherwise:\n%s", b.Text())
		}
		_, _ = sign.ParsePublic(text)
		_, _ = sign.ParseFingerprint(text)
		_, _ = sign.ReadSignature([]byte(text))
	})
}

package blob_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"fonoteka/internal/embedded/embeddedtest"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// s3URL names a bucket of the test's own that does not exist yet.
func s3URL(t testing.TB) string {
	addr, key, secret := embeddedtest.S3(t)
	return "s3://" + key + ":" + secret + "@" + addr + "/t-" + strings.ToLower(rand.Text()[:16]) + "?secure=false"
}

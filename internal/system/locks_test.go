package system

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/sim"
	"fonoteka/internal/testenv"
)

const lockedForYears = 3

var locking = []string{"FONOTEKA_RETENTION_MODE=compliance", fmt.Sprintf("FONOTEKA_RETENTION=%dy", lockedForYears), "FONOTEKA_SCRUB_DAYS=0"}

// bucketOf opens a bucket beside the program.
func bucketOf(t *testing.T, url string) *blob.Bucket {
	t.Helper()
	b, err := blob.Open(blob.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// unlocked are the keys, of objects and sidecars, that are not locked for years.
func unlocked(t *testing.T, b *blob.Bucket, keys []string) (out []string) {
	t.Helper()
	for _, key := range keys {
		for _, key := range []string{key, bucket.SidecarKey(key)} {
			l, err := b.Lock(t.Context(), key, "")
			if err != nil {
				t.Fatal(err)
			}
			if l.Mode != blob.Compliance || l.Until.Before(time.Now().AddDate(lockedForYears, 0, -1)) {
				out = append(out, key)
			}
		}
	}
	return out
}

// A folder that was copied without its extended attributes has every byte and no
// lock: the program that starts from it locks anew what the catalogue says is locked.
func TestACopyWithoutLocksIsLockedAnew(t *testing.T) {
	t.Parallel()
	in, _, l := filled(t, sim.Options{Seed: 91, Calls: 60, Connections: 8}, locking...)
	all, keys := recordings(l), in.keys()
	s3 := func() *blob.Bucket {
		v := in.values()
		return bucketOf(t, fmt.Sprintf("s3://%s:%s@127.0.0.1:%d/%s?secure=false", v.S3AccessKey, v.S3SecretKey, v.Ports.S3, bucketName))
	}
	if lost := unlocked(t, s3(), keys); len(lost) > 0 {
		t.Fatalf("not locked when it was archived: %v", lost)
	}
	if got := in.sql("SELECT count() FROM recordings WHERE lock_mode = 'COMPLIANCE' AND locked_until > now() + INTERVAL 2 YEAR"); got != fmt.Sprint(all) {
		t.Errorf("%s of %d rows say that they are locked", got, all)
	}
	in.stop()
	if _, err := os.Stat(filepath.Join(in.dir, "s3", "metadata")); err == nil {
		testenv.Missing(t, "the temporary folder is on a file system without extended attributes: nothing can be lost of them; TMPDIR names another")
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.Mkdir(copied, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("sh", "-c", `tar -cf - -C "$1" . | tar -xpf - -C "$2"`, "sh", in.dir, copied).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	in.dir = copied

	// Before serve has run: doctor looks at what is there, not at what would be put.
	out, _, status := in.exits("doctor", "s3")
	out = strings.Join(strings.Fields(out), " ")
	if status == 0 || !strings.Contains(out, "have lost the lock") || strings.Contains(out, "locked for 3y") {
		t.Errorf("doctor before: %d\n%s", status, out)
	}
	in.start().ready()
	in.eventually(2*time.Minute, fmt.Sprint(all), "SELECT count() FROM custody WHERE step = 'locked anew'")
	if lost := unlocked(t, s3(), keys); len(lost) > 0 {
		t.Errorf("not locked anew: %v", lost)
	}
	if got := in.metric(`fonoteka_fixity_locks_total{result="renewed"}`); got != fmt.Sprint(all) {
		t.Errorf("%s locks renewed by the metric, want %d", got, all)
	}
	if out, _, status := in.exits("doctor", "s3"); status != 0 || !strings.Contains(strings.Join(strings.Fields(out), " "), fmt.Sprintf("%d recordings are locked as the catalogue says", all)) {
		t.Errorf("doctor after: %d\n%s", status, out)
	}
	v := in.values()
	refusesDeletion(t, fmt.Sprintf("127.0.0.1:%d", v.Ports.S3), v.S3AccessKey, v.S3SecretKey, bucketName, keys[0])

	// The catalogue made anew from the sidecars knows the same.
	before := in.sql("SELECT recording_id, lock_mode, locked_until FROM recordings FINAL ORDER BY recording_id")
	in.exec("TRUNCATE TABLE recordings")
	if out, stderr, status := in.exits("recordings", "rebuild-catalogue"); status != 0 {
		t.Fatalf("rebuild-catalogue: %s%s", out, stderr)
	}
	if after := in.sql("SELECT recording_id, lock_mode, locked_until FROM recordings FINAL ORDER BY recording_id"); after != before {
		t.Errorf("the rebuilt catalogue:\n%s\nwant:\n%s", after, before)
	}
}

// refusesDeletion has the store itself asked to delete every version of an object.
func refusesDeletion(t *testing.T, addr, key, secret, bucket, object string) {
	t.Helper()
	raw, err := minio.New(addr, &minio.Options{Creds: credentials.NewStaticV4(key, secret, ""), Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for o := range raw.ListObjectsIter(t.Context(), bucket, minio.ListObjectsOptions{Prefix: object, WithVersions: true}) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		n++
		if err := raw.RemoveObject(t.Context(), bucket, object, minio.RemoveObjectOptions{VersionID: o.VersionID, GovernanceBypass: true}); err == nil {
			t.Errorf("version %s of %s was deleted", o.VersionID, object)
		}
	}
	if n == 0 {
		t.Errorf("%s is not there", object)
	}
}

// Somebody put the same bytes again without a lock: the newest version has none, and
// that is the one that is read.
func TestScrubLocksAnew(t *testing.T) {
	t.Parallel()
	addr, key, secret := embeddedtest.MinIO(t)
	bucket := "t-" + strings.ToLower(rand.Text()[:16])
	url := fmt.Sprintf("s3://%s:%s@%s/%s?secure=false", key, secret, addr, bucket)
	in, _, _ := filled(t, sim.Options{Seed: 92, Calls: 30, Connections: 8}, append(locking, "FONOTEKA_S3_URL="+url)...)
	keys, b := in.keys(), bucketOf(t, url)
	raw, err := minio.New(addr, &minio.Options{Creds: credentials.NewStaticV4(key, secret, ""), Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := b.Get(t.Context(), keys[0])
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r)
	r.Close()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := raw.PutObject(t.Context(), bucket, keys[0], bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if lost := unlocked(t, b, keys); len(lost) != 1 {
		t.Fatalf("one object has no lock now: %v", lost)
	}
	out, stderr, status := in.exits("scrub", "--s3-url", url)
	if status != 0 || !strings.Contains(out, "1 of them had lost the lock") {
		t.Errorf("scrub: %d %s%s", status, out, stderr)
	}
	if lost := unlocked(t, b, keys); len(lost) > 0 {
		t.Errorf("not locked anew: %v", lost)
	}
	refusesDeletion(t, addr, key, secret, bucket, keys[0])
	in.eventually(time.Minute, "1", "SELECT count() FROM custody WHERE step = 'locked anew' AND detail LIKE '%%COMPLIANCE until%%'")
	if out, _, status := in.exits("scrub", "--json", "--s3-url", url); status != 0 || !strings.Contains(out, `"unlocked":0`) {
		t.Errorf("scrub again: %d %s", status, out)
	}
}

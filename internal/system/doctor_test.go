package system

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/sim"
	"fonoteka/internal/state"
)

// finding is a line of doctor --json.
type finding struct {
	Part   string `json:"part"`
	Check  string `json:"check"`
	Answer string `json:"answer"`
	Means  string `json:"means"`
	Do     string `json:"do"`
	Detail string `json:"detail"`
}

// Answers of doctor.
const (
	yes       = "yes"
	no        = "no"
	notNeeded = "not needed"
	notTried  = "not tried"
)

// findingsOf are those of doctor --json, by what was checked.
func findingsOf(t *testing.T, out string) map[string]finding {
	t.Helper()
	found := map[string]finding{}
	for line := range strings.Lines(out) {
		var f finding
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		found[f.Check] = f
	}
	return found
}

func TestDoctorExaminesTheInstallation(t *testing.T) {
	t.Parallel()
	in := install(t).start().ready()
	uri := in.redirectURI()
	out, err := in.command("doctor", "--redirect-uri", uri)
	for _, want := range []string{
		"serve runs and takes notifications", "it answers GET, HEAD", "the embedded engine answers", "no call has ever been announced",
		"(embedded)", "All that this configuration needs is there.",
	} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("doctor says nothing of %q (%v):\n%s", want, err, out)
		}
	}
	for line := range strings.Lines(out) {
		if n := len([]rune(line)); n > 111 {
			t.Errorf("a line of %d characters: %s", n, line)
		}
	}
	if strings.Contains(out, redirect) {
		t.Errorf("the path of the redirect URI is shown:\n%s", out)
	}
	in.stop()
	out, err = in.command("doctor", "--redirect-uri", uri)
	if err == nil || !strings.Contains(err.Error(), "serve: running, redirect: redirect URI") || !strings.Contains(out, "what is announced now is lost") {
		t.Errorf("doctor of a stopped installation: %v\n%s", err, out)
	}
	out, err = in.command("doctor", "s3", "--json", "--retention-mode", "compliance", "--retention", "3y")
	if err != nil {
		t.Errorf("doctor s3 --json: %v", err)
	}
	found := findingsOf(t, out)
	for _, f := range found {
		if f.Part != "s3" {
			t.Errorf("of another part: %+v", f)
		}
	}
	if len(found) != 15 || found["locks"].Answer != notNeeded || found["object lock"].Answer != yes || found["encryption"].Answer != notNeeded {
		t.Errorf("findings: %+v", found)
	}
	if out, err := in.command("doctor", "knee"); err == nil || !strings.Contains(err.Error(), "no examination") {
		t.Errorf("doctor knee: %v\n%s", err, out)
	}
}

func TestDoctorNeedsAnInstallationOrAStore(t *testing.T) {
	t.Parallel()
	if _, stderr, code := output(t, "doctor", "s3", "--data", t.TempDir()); code == 0 || !strings.Contains(stderr, "--data") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	out, stderr, code := output(t, "doctor", "s3", "--data", t.TempDir(), "--s3-url", "s3://k:TOPSECRET@127.0.0.1:1/b?secure=false")
	if code != 3 || !strings.Contains(out, "nothing answers") || !strings.Contains(stderr, "s3: reachable") || strings.Contains(out+stderr, "TOPSECRET") {
		t.Errorf("exit %d: %s%s", code, out, stderr)
	}
}

// minioURL names a bucket on MinIO that does not exist yet.
func minioURL(t *testing.T) string {
	t.Helper()
	addr, key, secret := embeddedtest.MinIO(t)
	return "s3://" + key + ":" + secret + "@" + addr + "/f-" + strings.ToLower(rand.Text()[:16]) + "?secure=false"
}

// blobURL is the embedded bucket, as the program opens it.
func blobURL(v state.Values) string {
	u := url.URL{Scheme: "s3", User: url.UserPassword(v.S3AccessKey, v.S3SecretKey), Host: local(v.Ports.S3), Path: bucketName, RawQuery: "secure=false"}
	return u.String()
}

func openBucket(t *testing.T, o blob.Options) *blob.Bucket {
	t.Helper()
	b, err := blob.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func TestABucketThatCannotLockStopsOnlyTheArchiving(t *testing.T) {
	t.Parallel()
	url := minioURL(t)
	if err := openBucket(t, blob.Options{URL: url}).EnsureBucket(t.Context()); err != nil {
		t.Fatal(err)
	}
	op := operate(t, sim.Options{Seed: 31, Calls: 3})
	in := install(t, op.hosts(), "FONOTEKA_S3_URL="+url, "FONOTEKA_RETENTION_MODE=compliance", "FONOTEKA_RETENTION=3y").start()
	in.until("it says what is wrong", time.Minute, func() bool {
		status, text := get(t, "http://"+in.runtime().PrivateListen+"/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(text, "object lock") && strings.Contains(text, "clickhouse: ok")
	})
	if status, text := get(t, "http://"+in.runtime().PrivateListen+"/healthz"); status != http.StatusOK {
		t.Errorf("healthz: %d %s", status, text)
	}
	if err := op.Post(t.Context(), nil, in.redirectURI()); err != nil {
		t.Fatal(err)
	}
	l := op.Ledger()
	in.eventually(time.Minute, "3", "SELECT count() FROM calls")
	if got := in.sql("SELECT count() FROM recordings WHERE state = 'archived'"); got != "0" || recordings(l) == 0 {
		t.Errorf("%s of %d recordings are archived without a lock", got, recordings(l))
	}
	_, err := in.command("doctor", "s3", "--s3-url", url, "--retention-mode", "compliance", "--retention", "3y")
	if err == nil || !strings.Contains(err.Error(), "s3: object lock") {
		t.Errorf("doctor s3: %v", err)
	}
	in.stop()
}

// Each recording and its sidecar are locked in the store, on a store brought
// along as well as on the embedded one, there also in a bucket from before.
func TestRecordingsAreLockedWhenTheyAreStored(t *testing.T) {
	t.Parallel()
	for name, brought := range map[string]bool{"brought": true, "embedded": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			op := operate(t, sim.Options{Seed: 32, Calls: 4})
			in := install(t, op.hosts())
			url := ""
			if brought {
				url = minioURL(t)
				in.env = append(in.env, "FONOTEKA_S3_URL="+url)
			} else {
				in.start().ready().stop()
			}
			in.env = append(in.env, "FONOTEKA_RETENTION_MODE=compliance", "FONOTEKA_RETENTION=3y")
			before := time.Now()
			in.start().ready()
			if err := op.Post(t.Context(), nil, in.redirectURI()); err != nil {
				t.Fatal(err)
			}
			l := op.Ledger()
			in.eventually(time.Minute, fmt.Sprint(recordings(l)), "SELECT count() FROM recordings WHERE state = 'archived'")
			if !brought {
				v, err := state.Read(in.dir)
				if err != nil {
					t.Fatal(err)
				}
				url = blobURL(v)
			}
			b := openBucket(t, blob.Options{URL: url})
			objects, err := b.ListPage(t.Context(), "recordings/", "", 1000)
			if err != nil || len(objects) != 2*recordings(l) {
				t.Fatalf("%d objects for %d recordings, %v", len(objects), recordings(l), err)
			}
			for _, o := range objects {
				lock, err := b.Lock(t.Context(), o.Key, "")
				if err != nil || lock.Mode != blob.Compliance || lock.Until.Before(before.AddDate(3, 0, 0).Truncate(time.Second)) {
					t.Errorf("%s: %+v, %v", o.Key, lock, err)
				}
				if err := b.Remove(t.Context(), o.Key); !errors.Is(err, blob.ErrRetained) {
					t.Errorf("Remove = %v", err)
				}
			}
			in.stop()
		})
	}
}

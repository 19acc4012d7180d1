package system

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fonoteka/internal/audit"
	"fonoteka/internal/custody"
	"fonoteka/internal/sim"
	"fonoteka/internal/testenv"
)

// Every alert that the table does not call made up rings, on a product whose fault is caused.
func TestAlertsRingOnARunningProduct(t *testing.T) {
	t.Parallel()
	w := watch(t)
	t.Cleanup(func() {
		for name, how := range ring {
			if _, rang := w.rang.Load(name); !rang && how.madeUp == "" && !t.Failed() {
				t.Errorf("nothing has made %s ring", name)
			}
		}
	})
	for name, cause := range map[string]func(*testing.T, *watcher) []string{
		"arrivals": ringArrivals, "recordings": ringRecordings, "stores": ringStores, "doors": ringDoors, "queue": ringQueue, "spool": ringSpool, "locks": ringLocks,
		"conflict": ringConflict, "audit": ringAudit, "disk": ringDisk,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, alert := range cause(t, w) {
				if how, known := ring[alert]; !known || how.madeUp != "" {
					t.Errorf("%s rang, and the table does not say so", alert)
				}
				w.rang.Store(alert, true)
			}
		})
	}
}

// announce posts the notifications of a call that began at a time, as the operator
// spells it.
func (in *installation) announce(path, id string, began time.Time, states ...string) {
	in.t.Helper()
	for _, state := range states {
		body := fmt.Sprintf(`{"event":"callNotifications","result":{"callInfo":{"call":{"id":%q},"state":%q,"type":"incoming","startTime":%q,`+
			`"caller":{"accountId":"79160000001@pstn","displayId":"79160000001","id":"79160000001"},`+
			`"callee":{"accountId":"74950000001","centrexId":"1","displayId":"74950000001","id":"74950000001"}}}}`, id, state, began.UTC().Format(time.DateTime))
		if status := in.post(path+"/events", []byte(body)); status != http.StatusOK {
			in.t.Fatalf("a notification was answered %d", status)
		}
	}
}

// configured is an installation with these integrations.
func configured(t *testing.T, integrations string, env ...string) *installation {
	t.Helper()
	config := filepath.Join(t.TempDir(), "fonoteka.yaml")
	if err := os.WriteFile(config, []byte("integrations:\n"+integrations), 0o600); err != nil {
		t.Fatal(err)
	}
	return install(t, append(env, "FONOTEKA_MTT_REDIRECT_URI=", "FONOTEKA_CONFIG="+config)...).start().ready()
}

// The sender of one integration stops, another never began, a third has another zone,
// a fourth a clock that is off.
func ringArrivals(t *testing.T, w *watcher) []string {
	in := configured(t, `
  - {name: main, redirect_uri: "http://127.0.0.1/main/secret", timezone: UTC}
  - {name: mute, redirect_uri: "http://127.0.0.1/mute/secret", timezone: UTC}
  - {name: moscow, redirect_uri: "http://127.0.0.1/moscow/secret", timezone: Europe/Moscow}
  - {name: skewed, redirect_uri: "http://127.0.0.1/skewed/secret", timezone: UTC}
`)
	now := time.Now()
	for i := range 60 { // an hour around now, a week ago
		in.announce("/main/secret", fmt.Sprintf("week%d", i), now.Add(-7*24*time.Hour+time.Duration(i-30)*time.Minute), "trying", "finished")
	}
	in.announce("/main/secret", "before", now.Add(-9*24*time.Hour), "trying", "finished") // so that a week is known
	for i := range 15 {
		in.announce("/moscow/secret", fmt.Sprintf("moscow%d", i), time.Now(), "trying")
		in.announce("/skewed/secret", fmt.Sprintf("skewed%d", i), time.Now().Add(-5*time.Minute), "trying")
	}
	in.eventually(time.Minute, "91", "SELECT count() FROM calls")
	in.stop() // what is usual is read at the start and then every ten minutes
	in.start().ready()
	return w.ring(t, in, "FonotekaSilence", "FonotekaFewArrivals", "FonotekaNothingArrives", "FonotekaWrongTimeZone", "FonotekaClockSkew")
}

// Links of a host that may not be asked, of one that does not answer, and of one that
// sends damaged audio; a recording that is altered in the store.
func ringRecordings(t *testing.T, w *watcher) []string {
	audio, err := os.ReadFile("../../internal/mp3/testdata/mpeg25-8khz.mp3")
	if err != nil {
		t.Fatal(err)
	}
	damaged := append(append(append([]byte{}, audio[:len(audio)/2]...), make([]byte, 30_000)...), audio[len(audio)/2:]...)
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "damaged.mp3") {
			_, _ = w.Write(damaged)
			return
		}
		_, _ = w.Write(audio)
	}))
	t.Cleanup(served.Close)
	in := configured(t, `  - {name: main, redirect_uri: "http://127.0.0.1/main/secret", timezone: UTC, link_days: 1}`,
		"FONOTEKA_MTT_RECORD_HOSTS="+strings.TrimPrefix(served.URL, "http://")+",127.0.0.1:1", "FONOTEKA_SCRUB_DAYS=1000")
	record := func(name, link string) {
		t.Helper()
		body := fmt.Sprintf(`{"event":"callNotifications","result":{"callInfo":{"call":{"id":%q},"state":"recorded","urlRecord":%q,"accountId":"883140000000001"}}}`, name, link)
		if status := in.post("/main/secret/events", []byte(body)); status != http.StatusOK {
			t.Fatal(status)
		}
	}
	w.awaits(in)
	record("damaged", served.URL+"/damaged.mp3")
	record("refused", "http://127.0.0.2:9/r.mp3")
	record("away", "http://127.0.0.1:1/a.mp3")
	rang := w.ring(t, in, "FonotekaDownloadsFailing")
	record("good", served.URL+"/good.mp3")
	in.eventually(time.Minute, "1", "SELECT count() FROM recordings WHERE state = 'archived'")
	flip(t, in.object(in.keys()[0]))
	if _, _, status := in.exits("scrub"); status != 3 {
		t.Errorf("scrub: %d", status)
	}
	if status := in.post("/main/secret/events", []byte("{")); status != http.StatusOK {
		t.Fatal(status)
	}
	return append(rang, w.ring(t, in, "FonotekaRecordingsAtRisk", "FonotekaRecordingsAboutToBeLost", "FonotekaRecordingsRefused", "FonotekaQuarantine",
		"FonotekaRecordingAltered", "FonotekaNotificationsRejected", "FonotekaSpoolNearlyFull", "FonotekaFixityBehind", "FonotekaAuditNotChecked")...)
}

// The engine hangs for a while, its port is closed, the object store dies again and
// again; serve ends.
func ringStores(t *testing.T, w *watcher) []string {
	op := operate(t, sim.Options{Seed: 31, Calls: 150, Connections: 4})
	in := install(t, op.hosts()).start().ready()
	w.see(in)
	instance := in.runtime().PrivateListen
	engine := in.engine()
	if err := syscall.Kill(engine, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	in.announce(redirect, "hung", time.Now(), "trying")
	if status, _, _ := in.visit("GET", "/recordings/"+strings.Repeat("0", 32), basic("anna", "wrong")); status != http.StatusUnauthorized {
		t.Errorf("a wrong password: %d", status)
	}
	rang := w.ring(t, in, "FonotekaRelayLag", "FonotekaWarehouseFailing", "FonotekaCatalogueNotCounted", "FonotekaReportsBehind", "FonotekaArrivalsNotCompared",
		"FonotekaAuditNotShipped", "FonotekaEmbeddedStoreDown", "FonotekaStageFailing")
	_ = syscall.Kill(engine, syscall.SIGCONT) // gone by now, perhaps
	in.ready()
	in.exec("SYSTEM STOP LISTEN TCP")
	rang = append(rang, w.ring(t, in, "FonotekaEmbeddedStoreRestarting")...)
	in.ready()
	go func() {
		for range 40 {
			b, _ := os.ReadFile(filepath.Join(in.dir, "s3", "lock"))
			if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && pid > 1 {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			time.Sleep(200 * time.Millisecond)
		}
	}()
	if err := op.Post(t.Context(), nil, in.redirectURI()); err != nil {
		t.Fatal(err)
	}
	rang = append(rang, w.ring(t, in, "FonotekaObjectStoreFailing")...)
	in.kill()
	w.rings(t, instance, "FonotekaDown")
	return append(rang, "FonotekaDown")
}

// Somebody posts who may not, somebody posts elsewhere, a certificate ends, the kernel
// confines nothing.
func ringDoors(t *testing.T, w *watcher) []string {
	cert, key := shortLived(t)
	in := install(t, withoutLandlock+"=1", "FONOTEKA_TLS_CERT="+cert, "FONOTEKA_TLS_KEY="+key).start()
	rang := w.ring(t, in, "FonotekaEmbeddedStoreUnconfined", "FonotekaCertificateEnds")
	in.stop()
	in = install(t, "FONOTEKA_TRUSTED_PROXIES=127.0.0.1", "FONOTEKA_SOURCE_NETWORKS=192.0.2.0/24").start()
	w.awaits(in)
	send := func(path, from string) {
		body := strings.NewReader(`{"event":"callNotifications","result":{"callInfo":{"call":{"id":"a"},"state":"trying"}}}`)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+in.runtime().PublicListen+path, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Forwarded-For", from)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	send(redirect+"/events", "198.51.100.7")
	send("/elsewhere/events", "192.0.2.7")
	return append(rang, w.ring(t, in, "FonotekaSenderRefused", "FonotekaNotificationsMisdirected")...)
}

// An own Redis goes away, and what is announced waits.
func ringQueue(t *testing.T, w *watcher) []string {
	redis := testenv.StartRedis(t)
	in := install(t, redisAt(redis)).start().ready()
	redis.Kill()
	body := `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"waits"},"state":"recorded","urlRecord":"https://records.mtt.ru/a.mp3","accountId":"883140000000001"}}}`
	if status := in.post(redirect+"/events", []byte(body)); status != http.StatusOK {
		t.Fatal(status)
	}
	return w.ring(t, in, "FonotekaRedisDown", "FonotekaArchiveLag")
}

// A bit of the spool's log is flipped while serve is stopped by force.
func ringSpool(t *testing.T, w *watcher) []string {
	in := install(t).start().ready()
	in.announce(redirect, "before", time.Now(), "trying", "finished")
	in.kill()
	awaitOrphans(in.dir)
	logs, err := filepath.Glob(filepath.Join(in.dir, "spool", "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no log of the spool: %v", err)
	}
	flip(t, logs[0])
	in.start().ready()
	return w.ring(t, in, "FonotekaSpoolDamaged")
}

// The extended attributes of the stored objects are taken off while serve is stopped, as
// a copy leaves them out.
func ringLocks(t *testing.T, w *watcher) []string {
	in, _, _ := filled(t, sim.Options{Seed: 32, Calls: 20, Connections: 4}, locking...)
	in.stop()
	stripped := 0
	err := filepath.WalkDir(filepath.Join(in.dir, "s3"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		names := make([]byte, 64<<10)
		n, err := unix.Llistxattr(path, names)
		for name := range strings.SplitSeq(string(names[:max(n, 0)]), "\x00") {
			if strings.HasPrefix(name, "user.") {
				stripped++
				err = errors.Join(err, unix.Lremovexattr(path, name))
			}
		}
		return err
	})
	if err != nil || stripped == 0 {
		t.Fatalf("%d extended attributes were taken off: %v", stripped, err)
	}
	in.start().ready()
	return w.ring(t, in, "FonotekaLocksLost")
}

// The catalogue is lost, and the operator's server gives another file for a link that
// it has served before.
func ringConflict(t *testing.T, w *watcher) []string {
	audio, err := os.ReadFile("../../internal/mp3/testdata/mpeg25-8khz.mp3")
	if err != nil {
		t.Fatal(err)
	}
	var served atomic.Pointer[[]byte]
	served.Store(&audio)
	operator := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(*served.Load()) }))
	t.Cleanup(operator.Close)
	in := install(t, "FONOTEKA_MTT_RECORD_HOSTS="+strings.TrimPrefix(operator.URL, "http://")).start().ready()
	body := fmt.Sprintf(`{"event":"callNotifications","result":{"callInfo":{"call":{"id":"c"},"state":"recorded","urlRecord":%q,"accountId":"883140000000001"}}}`, operator.URL+"/c.mp3")
	announce := func() {
		t.Helper()
		if status := in.post(redirect+"/events", []byte(body)); status != http.StatusOK {
			t.Fatal(status)
		}
		in.eventually(time.Minute, "1", "SELECT count() FROM recordings WHERE state = 'archived'")
	}
	announce()
	w.awaits(in)
	twice := append(slices.Clone(audio), audio...)
	served.Store(&twice)
	for _, table := range []string{"recordings", "recordings_open"} {
		in.exec("TRUNCATE TABLE " + table)
	}
	announce()
	return w.ring(t, in, "FonotekaRecordingConflict")
}

// No anchor can be put, as there is no bucket, and the custody cannot be read: what is
// over since days is neither anchored nor sealed.
func ringAudit(t *testing.T, w *watcher) []string {
	in := install(t, "FONOTEKA_S3_URL=s3://key:secret@127.0.0.1:1/nowhere?secure=false").start()
	in.until("the tables are there", time.Minute, func() bool { // a query would be audited
		said, err := os.ReadFile(in.log.Name())
		return err == nil && strings.Contains(string(said), "views made")
	})
	in.exec("DROP TABLE custody")
	in.stop()
	if _, err := os.Stat(filepath.Join(in.dir, "audit")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("something was audited: %v", err)
	}
	begun := time.Now().AddDate(0, 0, -10)
	trail, err := audit.Open(audit.Options{Dir: filepath.Join(in.dir, "audit"), Installation: in.values().Installation, Now: func() time.Time { return begun }})
	if err != nil {
		t.Fatal(err)
	}
	err = trail.Log(t.Context(), audit.Entry{
		Actor: "fonoteka", Action: custody.Action, Target: begun.UTC().AddDate(0, 0, -1).Format(time.DateOnly), Outcome: audit.Done,
		Detail: fmt.Sprintf("%d rows, sha256 %x", 0, sha256.Sum256(nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	in.start()
	return w.ring(t, in, "FonotekaAuditNotAnchored", "FonotekaCustodyNotSealed")
}

// No file of serve may grow any more, as where a disk refuses to write. serve ends then;
// the metric is there until it has answered what is under way: a request that is never
// whole draws that out for ten seconds.
func ringDisk(t *testing.T, w *watcher) []string {
	in := install(t).start().ready()
	w.awaits(in)
	slow, err := net.Dial("tcp", in.runtime().PublicListen)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slow.Close() })
	if _, err := fmt.Fprintf(slow, "POST %s/events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", redirect); err != nil {
		t.Fatal(err)
	}
	in.announce(redirect, "before", time.Now(), "trying") // on a connection that is accepted later
	instance := in.runtime().PrivateListen
	if err := unix.Prlimit(in.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1, Max: unix.RLIM_INFINITY}, nil); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(in.redirectURI()+"/events", "application/json", strings.NewReader(`{"event":"callNotifications"}`))
	if err == nil {
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			t.Error("a notification that was not written was answered 200")
		}
	}
	w.rings(t, instance, "FonotekaSpoolFailed")
	return []string{"FonotekaSpoolFailed"}
}

// shortLived are a certificate for a day and its key.
func shortLived(t *testing.T) (cert, key string) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

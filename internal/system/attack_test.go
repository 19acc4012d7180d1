package system

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/state"
)

// stranger speaks HTTP as no client does.
type stranger struct {
	t  *testing.T
	to string
}

// says sends bytes as they are and returns all answers, the heads of interim ones
// left out, once the server has hung up; whole is false where it does not for a
// minute.
func (s stranger) says(raw string) (answers string, whole bool) {
	s.t.Helper()
	c, err := net.DialTimeout("tcp", s.to, time.Minute)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	_, _ = io.WriteString(c, raw) // the server may have answered and hung up
	if end, ok := c.(*net.TCPConn); ok {
		_ = end.CloseWrite()
	}
	b, err := io.ReadAll(c)
	return strings.ReplaceAll(string(b), "HTTP/1.1 100 Continue\r\n\r\n", ""), err == nil || !isTimeout(err)
}

func isTimeout(err error) bool {
	ne, ok := errors.AsType[net.Error](err)
	return ok && ne.Timeout()
}

var statusLine = regexp.MustCompile(`HTTP/1\.[01] ([0-9]{3})`)

// statuses are those of all answers.
func statuses(answers string) (all []string) {
	for _, m := range statusLine.FindAllStringSubmatch(answers, -1) {
		all = append(all, m[1])
	}
	return all
}

// harmless are the answers to requests that lead nowhere.
var harmless = []string{"400", "404", "405", "417", "431", "501", "505"}

const planted = "planted-by-an-attacker" // in what must not be kept

// plant is a notification in a request, as whoever does not know the secret sends it.
func plant(line string, headers ...string) string {
	body := fmt.Sprintf(`{"event":"callNotifications","result":{"callInfo":{"call":{"id":"%s~1o"},"state":"trying","type":"incoming"}}}`, planted)
	return line + "\r\n" + strings.Join(append(headers, fmt.Sprintf("Content-Length: %d", len(body))), "\r\n") + "\r\n\r\n" + body
}

// nothingWasKept holds what has arrived against what was honest.
func (in *installation) nothingWasKept(honest int) {
	in.t.Helper()
	in.eventually(3*time.Minute, fmt.Sprint(honest), "SELECT count() FROM events WHERE body LIKE '%%honest-%%'")
	if got := in.sql("SELECT (SELECT count() FROM events WHERE body LIKE '%%%s%%') + (SELECT count() FROM rejected)", planted); got != "0" {
		in.t.Errorf("%s requests of strangers were kept", got)
	}
	for outcome, want := range map[string]string{"panicked": "0", "kept": fmt.Sprint(honest), "failed": "0"} {
		if got := in.metric(`fonoteka_intake_requests_total{outcome="` + outcome + `"}`); got != want {
			in.t.Errorf("%s: %s, want %s", outcome, got, want)
		}
	}
	in.until("all connections are closed", 3*time.Minute, func() bool { return in.metric("fonoteka_edge_connections") == "0" })
}

// Requests at random, and near to what would be right: none is answered as if it
// were, and each in the same few ways.
func TestAttackRandomRequestsFindNothing(t *testing.T) {
	t.Parallel()
	in := install(t).start()
	s := stranger{t, in.runtime().PublicListen}
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	first := map[string]string{}
	for n := range 1500 {
		request := randomRequest(r)
		answer, whole := s.says(request)
		got := statuses(answer)
		if !whole || len(got) > 1 || len(got) == 1 && !slices.Contains(harmless, got[0]) || strings.Contains(answer, "secret") {
			t.Fatalf("seed %d, request %d: %q\nis answered %q", seed, n, clip(request), answer)
		}
		if len(got) == 1 && got[0] == "404" && !strings.HasPrefix(request, "HEAD ") {
			version := answer[:len("HTTP/1.1")]
			if plain := withoutDate(answer); first[version] == "" {
				first[version] = plain
			} else if plain != first[version] {
				t.Fatalf("seed %d, request %d: %q\nis answered %q, others %q", seed, n, clip(request), plain, first[version])
			}
		}
	}
	if first["HTTP/1.1"] == "" {
		t.Error("no request was understood")
	}
	in.honest(t, 1)
	in.nothingWasKept(1)
	in.stop()
}

func clip(s string) string { return s[:min(len(s), 500)] }

func withoutDate(answer string) string {
	return regexp.MustCompile(`(?m)^Date: .*$`).ReplaceAllString(answer, "")
}

// randomRequest is one that must not be taken.
func randomRequest(r *rand.Rand) string {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	noise := func(n int) string {
		b := make([]byte, r.IntN(n))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return string(b)
	}
	path := nearly(r)
	for slices.Contains([]string{"", "/", "/events", "/events/", "//events", "//events/"}, strings.TrimPrefix(path, redirect)) && strings.HasPrefix(path, redirect) {
		path = nearly(r) // that would be right
	}
	if r.IntN(6) == 0 {
		path = "/" + strings.NewReplacer("\r", "", "\n", "").Replace(noise(60))
	}
	method := pick("GET", "POST", "POST", "POST", "PUT", "HEAD", "OPTIONS", "TRACE", "CONNECT", "DELETE", "PATCH", "PRI", "post", "P\x00ST", noise(8))
	version := pick("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/1.10", "http/1.1", "", noise(12))
	headers := []string{pick("Host: x", "Host: x", "Host: 127.0.0.1:8090", "Host: ", "Host: x\r\nHost: y", "Host: \x00", "")}
	for range r.IntN(5) {
		headers = append(headers, pick(
			"X-Original-URL: "+redirect+"/events", "X-Rewrite-URL: "+redirect+"/events", "X-Forwarded-Path: "+redirect, "X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1;host="+redirect,
			"X-HTTP-Method-Override: GET", "Authorization: Bearer x", "Cookie: a=b", "Expect: 100-continue", "Expect: 200-ok", "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
			"Upgrade: websocket\r\nConnection: Upgrade", "Content-Encoding: gzip", "Content-Type: "+strings.Repeat("x", 3000), "X-Fonoteka-Probe: x", "Range: bytes=0-1", ": x", "X y: z", " folded", "X-Noise: "+noise(30),
		))
	}
	return plant(method+" "+path+" "+version, append(headers, "Connection: close")...)
}

// nearly is the secret path with a mistake.
func nearly(r *rand.Rand) string {
	i := 1 + r.IntN(len(redirect)-1)
	switch r.IntN(8) {
	case 0:
		return redirect[:i] + redirect[i+1:]
	case 1:
		return redirect[:i] + string(rune('a'+r.IntN(26))) + redirect[i:]
	case 2:
		return redirect[:i] + fmt.Sprintf("%%%02x", redirect[i]) + redirect[i+1:]
	case 3:
		return redirect[:i] + strings.ToUpper(redirect[i:]) + "?" + redirect
	case 4:
		return "/" + redirect + "/events"
	case 5:
		return "/x/.." + redirect
	case 6:
		return redirect + []string{"/x", ".json", ";a", "%00", "%2f", "/events/x", "\\", "/../secret", "//", "/./events"}[r.IntN(10)]
	default:
		return []string{"/", "*", "/events", "/metrics", "/readyz", "/admin/replay", "/admin/probe", "/recordings/x", "/../../etc/passwd", "http://x/", "/mtt", "/.git/config"}[r.IntN(12)]
	}
}

// A request within the body of another is none, however the length is disguised: a
// stranger's connection ends with its answer, so that no proxy can send another's
// request after it, and what has two lengths is refused.
func TestAttackARequestIsNotSmuggledInAnother(t *testing.T) {
	t.Parallel()
	in := install(t).start()
	inner := plant("POST "+redirect+"/events HTTP/1.1", "Host: x", "Connection: close")
	outer := func(headers string) string {
		return "POST /mtt/wrong HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n\r\n"
	}
	n := len(inner)
	all := map[string]string{
		"within a body":              outer(fmt.Sprintf("Content-Length: %d", n)) + inner,
		"within a long body":         outer("Content-Length: 100000") + inner,
		"after a chunked body":       outer("Transfer-Encoding: chunked") + "0\r\n\r\n" + inner,
		"within a chunk":             outer("Transfer-Encoding: chunked") + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", n, inner),
		"two lengths":                outer(fmt.Sprintf("Content-Length: 0\r\nContent-Length: %d", n)) + inner,
		"two lengths in a line":      outer(fmt.Sprintf("Content-Length: 0, %d", n)) + inner,
		"a length and chunks":        outer(fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked", n+5)) + "0\r\n\r\n" + inner,
		"chunks and a length":        outer("Transfer-Encoding: chunked\r\nContent-Length: 3") + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", n, inner),
		"chunks twice":               outer("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity") + "0\r\n\r\n" + inner,
		"chunks of another kind":     outer("Transfer-Encoding: xchunked\r\nContent-Length: 0") + inner,
		"chunks with a tab":          outer("Transfer-Encoding:\tchunked\r\nContent-Length: 0") + "0\r\n\r\n" + inner,
		"chunks with a space before": outer("Transfer-Encoding : chunked\r\nContent-Length: 0") + "0\r\n\r\n" + inner,
		"chunks on a folded line":    outer("X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 0") + "0\r\n\r\n" + inner,
		"a sign":                     outer("Content-Length: +0") + inner,
		"a negative length":          outer("Content-Length: -1") + inner,
		"a length in hexadecimal":    outer("Content-Length: 0x0") + inner,
		"a length beyond all":        outer("Content-Length: 99999999999999999999") + inner,
		"a chunk beyond all":         outer("Transfer-Encoding: chunked") + "ffffffffffffffffff\r\n" + inner,
		"a chunk with a sign":        outer("Transfer-Encoding: chunked") + "-1\r\n" + inner,
		"a chunk with an extension":  outer("Transfer-Encoding: chunked") + "0;" + strings.Repeat("x", 20000) + "\r\n\r\n" + inner,
		"a chunk with a bare LF":     outer("Transfer-Encoding: chunked") + "0\n\n" + inner,
		"a trailer":                  outer("Transfer-Encoding: chunked\r\nTrailer: Content-Length") + "0\r\nContent-Length: 0\r\n\r\n" + inner,
		"a bare LF":                  "POST /mtt/wrong HTTP/1.1\nHost: x\nContent-Length: 0\n\n" + inner,
		"a bare CR":                  "POST /mtt/wrong HTTP/1.1\rHost: x\rContent-Length: 0\r\r" + inner,
		"GET with a body":            "GET /mtt/wrong HTTP/1.1\r\nHost: x\r\n" + fmt.Sprintf("Content-Length: %d", n) + "\r\n\r\n" + inner,
		"HTTP/1.0, kept alive":       "POST /mtt/wrong HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n" + inner,
		"HTTP/2":                     "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + inner,
		"an upgrade":                 outer("Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0") + inner,
	}
	direct := stranger{t, in.runtime().PublicListen}
	for name, raw := range all {
		answers, whole := direct.says(raw)
		if got := statuses(answers); !whole || len(got) > 1 || len(got) == 1 && !slices.Contains(harmless, got[0]) {
			t.Errorf("%s: answered %q", name, answers)
		}
	}
	in.honest(t, 1)
	in.nothingWasKept(1)
	in.stop()
}

// Heads without end, or that take forever, or of another protocol: each is answered
// or cut off, and the operator is served meanwhile.
func TestAttackHeadsWithoutEndAreCutOff(t *testing.T) {
	t.Parallel()
	in := install(t).start()
	s := stranger{t, in.runtime().PublicListen}
	begin := "POST /mtt/wrong HTTP/1.1\r\nHost: x\r\n"
	for name, c := range map[string]struct{ raw, status string }{
		"a header of a megabyte":    {begin + "X: " + strings.Repeat("y", 1<<20) + "\r\n\r\n", "431"},
		"a hundred thousand":        {begin + strings.Repeat("X: y\r\n", 100_000) + "\r\n", "431"},
		"a name of a megabyte":      {begin + strings.Repeat("y", 1<<20) + ": x\r\n\r\n", "431"},
		"a path of a megabyte":      {"GET /" + strings.Repeat("y", 1<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n", "431"},
		"a method of a megabyte":    {strings.Repeat("y", 1<<20) + " / HTTP/1.1\r\nHost: x\r\n\r\n", "431"},
		"lines without end":         {strings.Repeat("\r\n", 1<<19), "4"},
		"the preface of HTTP/2":     {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", "4"},
		"TLS on a plain port":       {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\xaa", 600), "400"},
		"a body that never comes":   {begin + "Content-Length: 1000000000\r\n\r\n", "404"},
		"chunks that never come":    {begin + "Transfer-Encoding: chunked\r\n\r\n", "404"},
		"an expectation":            {begin + "Expect: 100-continue\r\nContent-Length: 1000000000\r\n\r\n", "404"},
		"Redis":                     {"*1\r\n$4\r\nPING\r\n", "400"},
		"a proxy's own first words": {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + begin + "\r\n", "400"},
	} {
		answers, whole := s.says(c.raw)
		got := statuses(answers)
		// A server that hangs up while it is still being told may lose its answer.
		if !whole || len(got) > 1 || len(got) == 1 && !strings.HasPrefix(got[0], c.status) {
			t.Errorf("%s: answered %q", name, clip(answers))
		}
	}
	// Slow ones, many at once: some hold their breath, some say a byte a second.
	var slow []net.Conn
	for i := range 200 {
		c, err := net.Dial("tcp", s.to)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			_, _ = io.WriteString(c, begin+"X-Slow: ")
		}
		slow = append(slow, c)
	}
	in.honest(t, 5)
	for i, c := range slow {
		_ = c.SetReadDeadline(time.Now().Add(2 * time.Minute)) // a head may take 5 s
		for j := 0; ; j++ {
			_, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil && isTimeout(err) {
				t.Fatalf("slow connection %d is still open", i)
			}
			if err != nil {
				break
			}
		}
	}
	in.nothingWasKept(5)
	in.stop()
}

// secrets are all that the installation keeps to itself.
func (in *installation) secrets() map[string]string {
	in.t.Helper()
	v, err := state.Read(in.dir)
	if err != nil {
		in.t.Fatal(err)
	}
	return map[string]string{
		"the writer's password": v.ClickHouseWriterPassword, "the reader's password": v.ClickHouseReaderPassword, "the S3 key": v.S3SecretKey,
		"the Redis password": v.RedisPassword, "the admin token": v.AdminToken, "the recordings' password": v.RecordingsPassword, "the redirect URI": redirect,
	}
}

// tellsNoSecret fails the test for each secret in a text.
func (in *installation) tellsNoSecret(where, text string) {
	in.t.Helper()
	for name, secret := range in.secrets() {
		if strings.Contains(text, secret) {
			in.t.Errorf("%s tells %s: %q", where, name, clip(text))
		}
	}
}

package fetch_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"fonoteka/internal/fetch"
)

// FuzzLink asks whether links may be fetched. What may leads to an allowed server by
// https, as the client reads the link, and a refusal shows nothing of it but the host.
func FuzzLink(f *testing.F) {
	for _, link := range []string{
		"https://openapi.mtt.ru/records/1/2020/06/24/A.mp3?sign=x", "https://OPENAPI.MTT.RU:8443/a.mp3", "https://openapi.mtt.ru./a.mp3", "http://openapi.mtt.ru/a.mp3",
		"https://mtt.ru.evil.example/a.mp3", "https://mtt.ru@evil.example/a.mp3", `https://evil.example\.mtt.ru/`, "https://[::ffff:127.0.0.1]/a.mp3", "https://2130706433/a.mp3",
		"https://evil.example/#.mtt.ru", "https://evil.example%2emtt.ru/a", "https://[mtt.ru]/a", "https://a..mtt.ru/", "https://\u043c\u0442\u0442.mtt.ru/", "https://mtt.ru:/a", "//mtt.ru/a", "",
	} {
		f.Add(link)
	}
	allowed := hosts(f)
	f.Fuzz(func(t *testing.T, link string) {
		err := allowed.Check(link)
		if refusal, ok := errors.AsType[*fetch.Failure](err); ok {
			if refusal.Kind != fetch.Refused || len(refusal.Error()) > 400 || strings.ContainsAny(refusal.Error(), "\n\r\x00\x1b") {
				t.Fatalf("%q: %+v", link, refusal)
			}
			return
		}
		if err != nil {
			t.Fatalf("%q: %v is no refusal", link, err)
		}
		to, err := fetch.Resolve(allowed, link)
		if err != nil {
			t.Fatalf("%q may be fetched, and leads nowhere: %v", link, err)
		}
		host := strings.TrimSuffix(strings.ToLower(to.Hostname()), ".")
		if to.Scheme != "https" || to.User != nil || to.Port() != "" && to.Port() != "443" || host != "mtt.ru" && !strings.HasSuffix(host, ".mtt.ru") || strings.ContainsAny(host, "/\\@:%# ") {
			t.Fatalf("%q may be fetched from %q", link, to)
		}
	})
}

// FuzzAnswerHead reads what servers say of a part that they send.
func FuzzAnswerHead(f *testing.F) {
	for _, r := range []string{"bytes 5-9/10", "bytes 0-/", "bytes -1-9/10", "bytes 5-9/*", "5/5", "bytes 9223372036854775808-9/1", "bytes */10", ""} {
		f.Add(r, `"strong"`, "Mon, 02 Mar 2026 10:00:00 GMT", "Mon, 02 Mar 2026 10:00:01 GMT")
	}
	f.Add("", `W/"weak"`, "x", "")
	f.Fuzz(func(t *testing.T, contentRange, tag, modified, date string) {
		if from, whole, ok := fetch.ContentRange(contentRange); ok && (from < 0 || whole < -1) {
			t.Fatalf("%q: from %d of %d", contentRange, from, whole)
		}
		h := http.Header{"Etag": {tag}, "Last-Modified": {modified}, "Date": {date}}
		if v := fetch.Validator(h); v != "" && v != tag && v != modified || strings.HasPrefix(v, "W/") {
			t.Fatalf("%q proves that a file is the same", v)
		}
	})
}

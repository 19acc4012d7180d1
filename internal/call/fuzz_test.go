package call_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/call"
)

var recordingID = regexp.MustCompile(`^[0-9a-f]{32}$`)

func FuzzRecordingID(f *testing.F) {
	for _, link := range []string{
		"https://openapi.mtt.ru/records/1/2026/03/01/A.mp3?signature=x#y", "HTTPS://MTT.RU/a.mp3", "https://u:p@mtt.ru/a", "http://[::1]:80/a", "https://mtt.ru/%zz", "", "\x00",
		"https://mtt.ru/2026/02/31/a", "//mtt.ru/2000/01/01/a", "https://mtt.ru/a;b?c", "mailto:a@b", "https://mtt.ru/a%2Fb/2026/03/01/c",
	} {
		f.Add("main", link, "signature=y")
	}
	f.Fuzz(func(t *testing.T, integration, link, query string) {
		id := call.RecordingID(integration, link)
		if !recordingID.MatchString(id) {
			t.Fatalf("id %q", id)
		}
		if id != call.RecordingID(integration, link) {
			t.Fatal("the same link has two ids")
		}
		if other := call.RecordingID(integration+"x", link); other == id {
			t.Fatal("two integrations share an id")
		}
		// A signature makes no other recording of a link.
		if u, err := url.Parse(link); err == nil && u.Opaque == "" && !strings.ContainsAny(link, "?#") && query != "" {
			if signed := link + "?X-Amz-Date=1&X-Amz-Signature=" + url.QueryEscape(query); call.RecordingID(integration, signed) != id {
				t.Fatalf("%q and %q are two recordings", link, signed)
			}
			if other := link + "?id=" + url.QueryEscape(query); call.RecordingID(integration, other) == id || u.Host != "" && call.LinkPath(other) != call.LinkPath(link) {
				t.Fatalf("%q and %q are one recording, or of two paths", link, other)
			}
		}
		announced := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
		if ends := call.Expiry(announced, link, time.Hour); ends.After(announced.Add(time.Hour)) || ends.Year() < 2000 {
			t.Fatalf("%q ends %v", link, ends)
		}
	})
}

func FuzzParseNumber(f *testing.F) {
	for _, n := range []string{
		"79219462761", "+7 (921) 946-27-61", "89219462761", "9462761", "883140777000301", "sip:78124241500@pstn", "SIPS:1@x", "tel:", "810442012345678", "anonymous", "", "@", "sip:sip:1",
		"\u0661\u0662", "8\u00a0921\u2011946", "+", "0",
	} {
		f.Add(n, "812")
		f.Add(n, "")
	}
	f.Fuzz(func(t *testing.T, raw, area string) {
		n := call.ParseNumber(raw, area)
		if n.Raw != raw || n != call.ParseNumber(raw, area) {
			t.Fatalf("%q is read as %#v", raw, n)
		}
		if len(area) == 3 && strings.Trim(area, "0123456789") != "" {
			return // the configuration's own, which are digits
		}
		if strings.Trim(n.Digits, "0123456789") != "" || n.Hidden() != (n.Digits == "") || len(n.Digits) > len(raw)+4 {
			t.Fatalf("%q has the digits %q", raw, n.Digits)
		}
		if masked := n.String(); len(n.Digits) >= 9 && strings.Contains(masked, n.Digits) || len(n.Digits) > 0 && len(n.Digits) < 9 && strings.Trim(masked, "*") != "" {
			t.Fatalf("%q is shown as %q", raw, masked)
		}
	})
}

func FuzzBaseID(f *testing.F) {
	for _, id := range []string{"abc~1o", "a~b~12i", "~1o", "a~1", "a~o", "a~1O", "a", "", "a~１o", "a~1o~2o"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		base := call.BaseID(id)
		rest, ok := strings.CutPrefix(id, base)
		if !ok || (base == "") != (id == "") {
			t.Fatalf("%q begins with %q?", id, base)
		}
		if rest != "" && !regexp.MustCompile(`^~[0-9]+[a-z]$`).MatchString(rest) {
			t.Fatalf("%q was cut off", rest)
		}
	})
}

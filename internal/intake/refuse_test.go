package intake_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"fonoteka/internal/intake"
	"fonoteka/internal/spool"
)

func TestTooLargeIsKeptInPart(t *testing.T) {
	t.Parallel()
	s := serve(t, intake.Options{}, spool.Options{})
	body := strings.Repeat("0123456789abcdef", 1<<16) + "!"                                                // 1 MiB and a byte
	for _, r := range []io.Reader{strings.NewReader(body), struct{ io.Reader }{strings.NewReader(body)}} { // by length, and chunked
		req, err := http.NewRequestWithContext(t.Context(), "POST", s.url+hook, r)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
	recs := s.records()
	if len(recs) != 2 {
		t.Fatalf("%d records", len(recs))
	}
	for _, rec := range recs {
		if rec.Truncated != intake.TooLarge || string(rec.Body) != body[:64<<10] {
			t.Errorf("kept %d bytes, truncated %q", len(rec.Body), rec.Truncated)
		}
	}
	s.counted("too_large", 2)
}

func TestBrokenOffBodyIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	s := serve(t, intake.Options{}, spool.Options{})
	for _, request := range []string{
		"POST " + hook + " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n" + notification[:50],
		"POST " + hook + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n32\r\n" + notification[:50] + "\r\n",
		"POST " + hook + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	} {
		if answer := s.raw(request, true); strings.Contains(answer, " 200 ") {
			t.Errorf("acknowledged: %s", answer)
		}
	}
	if recs := s.records(); len(recs) != 0 {
		t.Errorf("%d records kept", len(recs))
	}
	s.counted("broken_off", 3)
}

func TestSpoolThatDoesNotTakeIsNeverA200(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err     error
		status  int
		outcome string
		retry   bool
	}{
		{spool.ErrFull, 503, "full", true},
		{spool.ErrClosed, 503, "stopping", true},
		{spool.ErrFailed, 500, "failed", false},
		{errors.New("anything"), 500, "failed", false},
	} {
		s := serve(t, intake.Options{Append: func(context.Context, spool.Record) (uint64, error) {
			return 0, fmt.Errorf("append: %w", c.err)
		}}, spool.Options{})
		for _, body := range []string{notification, strings.Repeat("x", 1<<20+1)} {
			status, header, _ := s.do("POST", hook, body)
			if status != c.status || (header.Get("Retry-After") != "") != c.retry {
				t.Errorf("%v: status %d, retry after %q", c.err, status, header.Get("Retry-After"))
			}
		}
		s.counted(c.outcome, 2)
		s.counted("kept", 0)
	}
}

func TestFullDiskIsA503(t *testing.T) {
	t.Parallel()
	s := serve(t, intake.Options{}, spool.Options{ReserveBytes: 1 << 62})
	if status, _, _ := s.do("POST", hook, notification); status != 503 {
		t.Errorf("status %d", status)
	}
	s.counted("full", 1)
}

func TestOptionsThatContradictAreRefused(t *testing.T) {
	t.Parallel()
	keep := func(context.Context, spool.Record) (uint64, error) { return 1, nil }
	in := func(name, path string) intake.Integration { return intake.Integration{Name: name, Path: path} }
	for name, o := range map[string]intake.Options{
		"no spool":       {Integrations: []intake.Integration{in("a", "/a")}},
		"no integration": {Append: keep},
		"no name":        {Append: keep, Integrations: []intake.Integration{in("", "/a")}},
		"same name":      {Append: keep, Integrations: []intake.Integration{in("a", "/a"), in("a", "/b")}},
		"same path":      {Append: keep, Integrations: []intake.Integration{in("a", "/a"), in("b", "/a/")}},
		"within another": {Append: keep, Integrations: []intake.Integration{in("a", "/a"), in("b", "/a/events")}},
		"no slash":       {Append: keep, Integrations: []intake.Integration{in("a", "a")}},
		"query":          {Append: keep, Integrations: []intake.Integration{in("a", "/a?b")}},
		"limit":          {Append: keep, Integrations: []intake.Integration{in("a", "/a")}, MaxBody: -1},
	} {
		if _, err := intake.New(o); err == nil || strings.Contains(err.Error(), "/a") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := intake.New(intake.Options{Append: keep, Integrations: []intake.Integration{in("origin", "")}}); err != nil {
		t.Errorf("the origin's own path: %v", err)
	}
}

func TestAPanicIsCountedLoggedWithoutDataAndAnswered500(t *testing.T) {
	t.Parallel()
	s := serve(t, intake.Options{Append: func(context.Context, spool.Record) (uint64, error) {
		panic("79161234567 cannot be kept")
	}}, spool.Options{})
	for range 2 {
		if status, _, answer := s.do("POST", hook+"/events", notification); status != http.StatusInternalServerError || strings.Contains(answer, "7916") {
			t.Errorf("%d %s", status, answer)
		}
	}
	if status, _, _ := s.do("GET", hook, ""); status != http.StatusOK {
		t.Errorf("then %d", status)
	}
	s.counted("panicked", 2)
	log := s.log.String()
	if strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, "type=string") || !strings.Contains(log, "intake.(*Handler).keep") || strings.Contains(log, "7916") || strings.Contains(log, secret) {
		t.Errorf("logged %s", log)
	}
}

package intake_test

import (
	"fmt"
	"strings"
	"testing"

	"fonoteka/internal/intake"
	"fonoteka/internal/spool"
)

// A proxy may write into Host whatever it likes, and a notification comes once: the path
// alone says whether it is taken.
func TestANotificationIsTakenUnderAnyHost(t *testing.T) {
	t.Parallel()
	s := serve(t, intake.Options{}, spool.Options{})
	hosts := []string{
		"calls.example.org", "CALLS.example.org:443", "evil.example", "localhost", "127.0.0.1:8080", "[::1]:8080", "backend_1", "fonoteka", "10.0.0.7", "", "a,b",
		strings.Repeat("a.", 200) + "example", "xn--e1afmkfd.xn--p1ai:8443",
	}
	for _, host := range hosts {
		got := s.raw(fmt.Sprintf("POST %s/events HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", hook, host, len(notification), notification), false)
		if !strings.HasPrefix(got, "HTTP/1.1 200 ") {
			t.Errorf("%q: %s", host, got)
		}
	}
	if got := s.raw(fmt.Sprintf("POST %s/events HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s", hook, len(notification), notification), false); !strings.HasPrefix(got, "HTTP/1.0 200 ") {
		t.Errorf("no Host: %s", got)
	}
	s.counted("kept", len(hosts)+1)
}

package daemon

import (
	"log/slog"
	"strings"
	"testing"

	"fonoteka/internal/edge"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
)

// A name says nothing about the address that it leads to.
func TestAttackANameForALoopbackAddressIsOne(t *testing.T) {
	t.Parallel()
	senders, err := edge.ParseNetworks("192.0.2.0/24")
	if err != nil {
		t.Fatal(err)
	}
	for proxies, wrong := range map[string]bool{"10.0.0.1": true, "127.0.0.1,::1": false} {
		named, err := edge.ParseNetworks(strings.Split(proxies, ",")...)
		if err != nil {
			t.Fatal(err)
		}
		st, err := state.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		s := settings.Public{Listen: "LOCALHOST:0", Senders: senders, Proxies: named, Certificate: "a.pem", Key: "b"}
		both, err := listen(&settings.Config{Public: s, PrivateListen: "127.0.0.1:0"}, st, slog.New(slog.DiscardHandler))
		if (err != nil) != wrong || wrong && !strings.Contains(err.Error(), "--trusted-proxies 127.0.0.1") {
			t.Errorf("%s: %v", proxies, err)
		}
		for _, l := range both {
			if l != nil {
				_ = l.Close()
			}
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}

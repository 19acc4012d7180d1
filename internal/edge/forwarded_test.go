package edge_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"fonoteka/internal/edge"
)

const unknown = "invalid IP" // as netip prints it

// behind is an edge that believes these proxies; seen is where it takes a request
// to come from.
func behind(t testing.TB, proxies edge.Networks) (seen func(remote string, forwarded ...string) netip.Addr) {
	t.Helper()
	e, err := edge.New(edge.Options{Proxies: proxies})
	if err != nil {
		t.Fatal(err)
	}
	return func(remote string, forwarded ...string) netip.Addr {
		return e.Source(&http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": forwarded}})
	}
}

func TestTheSourceIsTheLastAddressThatIsNoNamedProxy(t *testing.T) {
	t.Parallel()
	seen := behind(t, networks(t, "10.0.0.0/8", "2001:db8::1", "fe80::/10"))
	for name, c := range map[string]struct {
		remote, want string
		forwarded    []string
	}{
		"not a proxy":                      {"192.0.2.1:5", "192.0.2.1", []string{"198.51.100.9"}},
		"not a proxy, IPv6":                {"[2001:db8::2]:5", "2001:db8::2", []string{"198.51.100.9"}},
		"one hop":                          {"10.0.0.1:5", "198.51.100.9", []string{"198.51.100.9"}},
		"what the client claims":           {"10.0.0.1:5", "198.51.100.9", []string{"203.0.113.1, 198.51.100.9"}},
		"two proxies":                      {"10.0.0.1:5", "198.51.100.9", []string{"203.0.113.1, 198.51.100.9, 10.2.3.4"}},
		"a line for each":                  {"10.0.0.1:5", "198.51.100.9", []string{"203.0.113.1", "198.51.100.9", "10.2.3.4"}},
		"lines and hops":                   {"10.0.0.1:5", "198.51.100.9", []string{"203.0.113.1", "198.51.100.9, 10.2.3.4"}},
		"a last line that is empty":        {"10.0.0.1:5", "198.51.100.9", []string{"198.51.100.9", ""}},
		"hops that are empty":              {"10.0.0.1:5", "198.51.100.9", []string{",, 198.51.100.9 ,\t, "}},
		"tabs":                             {"10.0.0.1:5", "198.51.100.9", []string{"1.1.1.1,\t198.51.100.9\t"}},
		"a port":                           {"10.0.0.1:5", "198.51.100.9", []string{"198.51.100.9:4711"}},
		"IPv6":                             {"10.0.0.1:5", "2001:db8:1::2", []string{"2001:db8:1::2"}},
		"IPv6 in brackets":                 {"10.0.0.1:5", "2001:db8:1::2", []string{"[2001:db8:1::2]"}},
		"IPv6 with a port":                 {"[2001:db8::1]:5", "2001:db8:1::2", []string{"[2001:db8:1::2]:80"}},
		"IPv6 written long":                {"10.0.0.1:5", "2001:db8:1::2", []string{"2001:0DB8:0001:0:0:0:0:2"}},
		"IPv6 that ends like a port":       {"10.0.0.1:5", "2001:db8:1::2:80", []string{"2001:db8:1::2:80"}},
		"a zone":                           {"10.0.0.1:5", "2001:db8:1::2", []string{"2001:db8:1::2%eth0"}},
		"a zone with a port":               {"10.0.0.1:5", "2001:db8:1::2", []string{"[2001:db8:1::2%25eth0]:80"}},
		"a proxy with a zone":              {"[fe80::1%eth0]:5", "198.51.100.9", []string{"198.51.100.9, fe80::2%eth1"}},
		"a remote end with a zone":         {"[fec0::1%eth0]:5", "fec0::1", nil},
		"IPv4 written as IPv6":             {"[::ffff:10.0.0.1]:5", "198.51.100.9", []string{"::ffff:198.51.100.9"}},
		"a proxy written as IPv6":          {"10.0.0.1:5", "198.51.100.9", []string{"198.51.100.9, ::ffff:10.1.1.1"}},
		"a proxy in hexadecimal":           {"10.0.0.1:5", "198.51.100.9", []string{"198.51.100.9, [::ffff:a01:101]:9"}},
		"garbage before it":                {"10.0.0.1:5", "198.51.100.9", []string{"evil, \x00<script>, 198.51.100.9"}},
		"garbage after it":                 {"10.0.0.1:5", unknown, []string{"198.51.100.9, unknown"}},
		"garbage between it and the proxy": {"10.0.0.1:5", unknown, []string{"198.51.100.9, _hidden, 10.2.3.4"}},
		"no header":                        {"10.0.0.1:5", unknown, nil},
		"an empty header":                  {"10.0.0.1:5", unknown, []string{"", " , "}},
		"proxies alone":                    {"10.0.0.1:5", unknown, []string{"10.9.9.9, 10.2.3.4"}},
		"a name":                           {"10.0.0.1:5", unknown, []string{"example.org"}},
		"zeros in front":                   {"10.0.0.1:5", unknown, []string{"198.051.100.009"}},
		"too few numbers":                  {"10.0.0.1:5", unknown, []string{"198.51.100"}},
		"one number":                       {"10.0.0.1:5", unknown, []string{"3325256713"}},
		"a network":                        {"10.0.0.1:5", unknown, []string{"198.51.100.0/24"}},
		"a port that is none":              {"10.0.0.1:5", unknown, []string{"198.51.100.9:99999"}},
		"a port without a number":          {"10.0.0.1:5", unknown, []string{"198.51.100.9:"}},
		"IPv4 in brackets":                 {"10.0.0.1:5", unknown, []string{"[198.51.100.9]"}},
		"brackets that do not match":       {"10.0.0.1:5", unknown, []string{"2001:db8:1::2]"}},
		"two brackets":                     {"10.0.0.1:5", unknown, []string{"[[2001:db8:1::2]]"}},
		"quotes":                           {"10.0.0.1:5", unknown, []string{`"198.51.100.9"`}},
		"the syntax of Forwarded":          {"10.0.0.1:5", unknown, []string{"for=198.51.100.9"}},
		"a space that is none of HTTP's":   {"10.0.0.1:5", unknown, []string{"198.51.100.9\u00a0"}},
		"loopback":                         {"10.0.0.1:5", unknown, []string{"198.51.100.9, 127.0.0.1"}},
		"loopback, IPv6":                   {"10.0.0.1:5", unknown, []string{"198.51.100.9, ::1"}},
		"nonsense at the other end":        {"@", unknown, []string{"198.51.100.9"}},
		"nothing at the other end":         {"", unknown, []string{"198.51.100.9"}},
	} {
		if got := seen(c.remote, c.forwarded...).String(); got != c.want {
			t.Errorf("%s: %s with %q: %s, want %s", name, c.remote, c.forwarded, got, c.want)
		}
	}
}

// Where no proxy is named, a connection from this machine may be a proxy's, and
// whose request it brings is not known: what its headers say, anybody may have
// written.
func TestAttackNoHeaderIsBelievedWithoutANamedProxy(t *testing.T) {
	t.Parallel()
	claims := http.Header{
		"X-Forwarded-For": {"192.0.2.7"}, "X-Real-Ip": {"192.0.2.7"}, "Forwarded": {"for=192.0.2.7"}, "True-Client-Ip": {"192.0.2.7"}, "Client-Ip": {"192.0.2.7"},
	}
	for _, proxies := range []string{"", "10.0.0.1", "127.0.0.9"} {
		e, err := edge.New(edge.Options{Proxies: networks(t, proxies), Senders: networks(t, "192.0.2.0/24", "127.0.0.0/8", "::1")})
		if err != nil {
			t.Fatal(err)
		}
		for _, remote := range []string{"127.0.0.1:5", "127.8.9.10:5", "[::1]:5", "[::ffff:127.0.0.1]:5"} {
			r := &http.Request{RemoteAddr: remote, Header: claims}
			if got := e.Source(r); got.IsValid() || e.AllowPost(r) {
				t.Errorf("proxies %q: %s comes from %s, and may post: %v", proxies, remote, got, e.AllowPost(r))
			}
		}
	}
}

// Only X-Forwarded-For is read of a named proxy, too: the others it may have
// passed on as they came.
func TestAttackANamedProxyIsBelievedInOneHeaderOnly(t *testing.T) {
	t.Parallel()
	e, err := edge.New(edge.Options{Proxies: networks(t, "127.0.0.1"), Senders: networks(t, "192.0.2.0/24")})
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{RemoteAddr: "127.0.0.1:5", Header: http.Header{"X-Real-Ip": {"192.0.2.7"}, "Forwarded": {"for=192.0.2.7"}}}
	if e.AllowPost(r) {
		t.Error("X-Real-IP or Forwarded is believed")
	}
	r.Header.Set("X-Forwarded-For", "192.0.2.7, 203.0.113.1")
	if e.AllowPost(r) {
		t.Error("what the client has claimed is believed")
	}
	r.Header.Set("X-Forwarded-For", "192.0.2.7")
	if !e.AllowPost(r) {
		t.Error("the sender may not post")
	}
}

// From a place that is not known come all, strangers and the operator: none of
// them is refused for what others do.
func TestAPlaceThatIsNotKnownHasNoLimitOfItsOwn(t *testing.T) {
	t.Parallel()
	s := open(t, edge.Options{MaxConnections: 8, MaxPerSource: 2, ProbeRate: 1})
	for i := range 6 {
		if s.from("127.0.0.1").asks("/") == "" {
			t.Fatalf("connection %d of this machine is not served", i)
		}
	}
	s.counted("too_many_of_source", 0)
	for i := range 100 {
		if !s.edge.AllowProbe(&http.Request{RemoteAddr: "127.0.0.1:1"}) {
			t.Fatalf("request %d is not looked at", i)
		}
	}
	// What holds for all holds for them: places are not without number, and who
	// knows the secret gives no credit to those who come from the same place.
	if s.from("127.0.0.1").asks("/secret") == "" {
		t.Fatal("the operator is not served")
	}
	for range 8 {
		s.from("127.0.0.1").asks("/")
	}
	if n := s.metric("displaced"); n < 7 {
		t.Errorf("%v strangers had to make room", n)
	}
}

func TestNetworksAreReadInEveryForm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		network, inside, outside string
	}{
		{"192.0.2.0/24", "192.0.2.200", "192.0.3.1"},
		{"192.0.2.77/24", "192.0.2.200", "192.0.3.1"},
		{"192.0.2.7", "192.0.2.7", "192.0.2.8"},
		{" 2001:db8::/32 ", "2001:db8:5::1", "2001:db9::"},
		{"::ffff:192.0.2.7", "192.0.2.7", "192.0.2.8"},
		{"::ffff:192.0.2.0/120", "192.0.2.200", "192.0.3.1"},
		{"fe80::1%eth0", "fe80::1", "fe80::2"},
	} {
		n := networks(t, c.network)
		if !n.Contains(netip.MustParseAddr(c.inside)) || n.Contains(netip.MustParseAddr(c.outside)) || n.Contains(netip.Addr{}) {
			t.Errorf("%s: %v", c.network, n)
		}
	}
	for _, text := range []string{"example.org", "10.0.0.0/33", "1.2.3", "::ffff:0.0.0.0/80", "10.0.0.0/", "fe80::%eth0/64"} {
		if n, err := edge.ParseNetworks(text); err == nil {
			t.Errorf("%s: %v", text, n)
		}
	}
}

// FuzzSource holds what is read of X-Forwarded-For against the rule in its plain
// form, and against the one thing that must never happen: that a client, who can
// only write further left than its proxy, has a say in it.
func FuzzSource(f *testing.F) {
	for _, s := range []string{"", "198.51.100.9", "1.2.3.4, 10.0.0.2", "[2001:db8::1]:80\n::ffff:10.0.0.1", "fe80::1%eth0,,\n, 127.0.0.1", "x\n1.1.1.1:0"} {
		f.Add("10.0.0.1:5", s, "192.0.2.7")
		f.Add("127.0.0.1:5", s, "192.0.2.7, ")
	}
	named, err := edge.ParseNetworks("10.0.0.0/8", "2001:db8::/64", "127.0.0.1")
	if err != nil {
		f.Fatal(err)
	}
	seen := behind(f, named)
	f.Fuzz(func(t *testing.T, remote, header, claim string) {
		lines := strings.Split(header, "\n")
		got := seen(remote, lines...)
		if want := byTheRule(named, remote, lines); got != want {
			t.Errorf("%s with %q: %s, want %s", remote, lines, got, want)
		}
		if got.Is4In6() || got.Zone() != "" || got.IsLoopback() || named.Contains(got) {
			t.Errorf("%s with %q: %s", remote, lines, got)
		}
		if !got.IsValid() {
			return
		}
		if more := seen(remote, append([]string{claim}, lines...)...); more != got {
			t.Errorf("%s with %q: %s, but %s when the client claims %q", remote, lines, got, more, claim)
		}
		lines[0] = claim + "," + lines[0]
		if more := seen(remote, lines...); more != got {
			t.Errorf("%s with %q: %s, but %s when the client claims %q", remote, lines, got, more, claim)
		}
	})
}

// byTheRule reads all hops, then walks from the end.
func byTheRule(named edge.Networks, remote string, lines []string) netip.Addr {
	port, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	hops := []netip.Addr{}
	for hop := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		if hop = strings.Trim(hop, " \t"); hop == "" {
			continue
		}
		a, err := netip.ParseAddr(hop)
		if err != nil && strings.HasSuffix(hop, "]") && strings.HasPrefix(hop, "[") {
			if a, err = netip.ParseAddr(hop[1 : len(hop)-1]); a.Is4() {
				a = netip.Addr{}
			}
		}
		if p, portErr := netip.ParseAddrPort(hop); err != nil && portErr == nil {
			a = p.Addr()
		}
		hops = append(hops, a)
	}
	at := port.Addr()
	for named.Contains(at) {
		if len(hops) == 0 {
			return netip.Addr{}
		}
		at, hops = hops[len(hops)-1], hops[:len(hops)-1]
	}
	if at = at.Unmap().WithZone(""); at.IsLoopback() {
		return netip.Addr{}
	}
	return at
}

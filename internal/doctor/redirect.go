package doctor

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Redirect examines the way to a redirect URI. Roots are the certificates to
// trust; nil: the system's. Probe is the running process; nil: there is none.
type Redirect struct {
	URI   *url.URL
	Roots *x509.CertPool
	Now   time.Time
	Probe *Probe
}

// soon is how long before its end a certificate should have been renewed: ACME
// clients do it 30 days before.
const soon = 14 * 24 * time.Hour

// Examine asks for the name, the certificate and the address, and tries whether a
// forged source is believed. It takes some seconds at most.
func (r Redirect) Examine(ctx context.Context) []Finding {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	name := r.name(ctx)
	certificate := Finding{Check: "certificate", Answer: NotTried, Means: "the name is not known"}
	address := Finding{Check: "redirect URI", Answer: NotTried, Means: "the name is not known"}
	forged := Finding{Check: "forged source", Answer: NotTried, Means: "the redirect URI does not answer"}
	if name.Answer != No {
		certificate = r.certificate(ctx)
		address = r.address(ctx)
	}
	if address.Answer == Yes || address.Answer == Look {
		forged = r.forged(ctx)
	}
	return []Finding{name, certificate, address, forged, {
		Check: "from outside", Answer: Unknown,
		Means: `whether the operator gets through cannot be known from here: its cabinet tries when you press "generate", and then a call shows it`,
	}}
}

func (r Redirect) name(ctx context.Context) Finding {
	const check = "name"
	host := r.URI.Hostname()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return no(check, "the host of the redirect URI has no address, so that nobody finds this installation",
			"enter an A or AAAA record for it with whoever keeps the domain, or correct the host in FONOTEKA_REDIRECT_URI", err)
	}
	var all []string
	public := false
	for _, a := range addrs {
		a = a.Unmap()
		all = append(all, a.String())
		public = public || reachable(a)
	}
	list := strings.Join(all, ", ")
	switch {
	case public:
		return yes(check, "the host of the redirect URI is "+list)
	case r.URI.Scheme == "http":
		return Finding{Check: check, Answer: NotNeeded, Means: "a redirect URI for tests on this machine (" + list + "); the operator cannot reach it"}
	}
	return look(check, "from here the host of the redirect URI is "+list+", which the operator cannot reach",
		"that is right where this network has a name service of its own; otherwise enter the public address")
}

func reachable(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate()
}

func (r Redirect) certificate(ctx context.Context) Finding {
	const check = "certificate"
	if r.URI.Scheme != "https" {
		return Finding{Check: check, Answer: NotNeeded, Means: "the redirect URI is http, which is for tests only"}
	}
	chain, err := r.presented(ctx)
	if err != nil {
		return no(check, "no TLS connection to the redirect URI's host comes about from here",
			"is the proxy or the listener up, and its port open? Behind some routers a public address cannot be reached from inside: then try from another network", err)
	}
	leaf := chain[0]
	if err := leaf.VerifyHostname(r.URI.Hostname()); err != nil {
		return no(check, "the certificate is for other names, so that the operator will refuse it",
			"get one for the redirect URI's host", fmt.Errorf("it is for %s", strings.Join(leaf.DNSNames, ", ")))
	}
	if r.Now.After(leaf.NotAfter) {
		return no(check, "the certificate ended on "+leaf.NotAfter.UTC().Format(time.DateOnly)+", so that the operator refuses it",
			"renew it now: what is announced meanwhile is lost", nil)
	}
	middle := x509.NewCertPool()
	for _, c := range chain[1:] {
		middle.AddCert(c)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: r.Roots, Intermediates: middle, CurrentTime: r.Now}); err != nil {
		do := "use a certificate of a public authority"
		if len(chain) == 1 && leaf.Issuer.String() != leaf.Subject.String() {
			do = "serve the whole chain (fullchain.pem), not only the certificate itself: the intermediate one is missing"
		}
		return no(check, "the certificate is of an authority that is not trusted, or its chain is not whole", do, err)
	}
	left := leaf.NotAfter.Sub(r.Now)
	means := fmt.Sprintf("trusted, for the right name, and good for %d days more", int(left.Hours()/24))
	if left < soon {
		return look(check, means, "renew it: it should have been renewed by itself 30 days before its end")
	}
	return yes(check, means)
}

func (r Redirect) presented(ctx context.Context) ([]*x509.Certificate, error) {
	port := r.URI.Port()
	if port == "" {
		port = "443"
	}
	// What is wrong with it is said in our own words.
	d := tls.Dialer{Config: &tls.Config{ServerName: r.URI.Hostname(), InsecureSkipVerify: true}} //nolint:gosec // verified by the caller
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(r.URI.Hostname(), port))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates, nil
}

// address does what the operator's cabinet does before it gives out an id.
func (r Redirect) address(ctx context.Context) Finding {
	const check = "redirect URI"
	const do = "is serve up, does the proxy lead to its --listen address, and does it leave the path as it is?"
	client, answers := client(r.transport()), "it answers GET, HEAD and an empty POST on /events, as the operator's cabinet asks"
	for _, ask := range []struct{ method, suffix, what string }{
		{http.MethodGet, "", "GET of the redirect URI"},
		{http.MethodHead, "", "HEAD of the redirect URI"},
		{http.MethodPost, "/events", "an empty POST to its /events"},
	} {
		header, refused := r.announce(ctx)
		status, err := r.ask(ctx, client, ask.method, r.base()+ask.suffix, header)
		if err != nil {
			return no(check, ask.what+" is not answered from here", do, err)
		}
		switch {
		case status == http.StatusNotFound && refused(ctx):
			answers = "it answers GET and HEAD; an empty POST on /events is refused from here, as this machine is not in --source-networks"
		case status/100 != 2:
			return no(check, fmt.Sprintf("%s is answered with %d: the operator takes that for a server that is not there", ask.what, status), do, nil)
		}
	}
	if strings.Trim(r.URI.Path, "/") == "" {
		return look(check, "it answers as it must, but has no path, and so no secret: whoever finds the host may post notifications",
			"give it a long random path, here and in the operator's cabinet")
	}
	if status, err := r.ask(ctx, client, http.MethodGet, r.base()+"-"+strings.ToLower(rand.Text()[:8]), nil); err == nil && status/100 == 2 {
		return look(check, "it answers as it must, but so does a path nobody knows: whoever finds the host may post notifications",
			"let the proxy pass the path on, and give the redirect URI a long random one")
	}
	return yes(check, answers)
}

// announce prepares a request that serve will know for this installation's own; it
// is not counted as a stranger's then. Refused says whether it was refused for the
// network that it came from.
func (r Redirect) announce(ctx context.Context) (header http.Header, refused func(context.Context) bool) {
	never := func(context.Context) bool { return false }
	if r.Probe == nil {
		return nil, never
	}
	name, word, err := r.Probe.Expect(ctx)
	if err != nil {
		return nil, never
	}
	return http.Header{name: {word}}, func(ctx context.Context) bool {
		seen, err := r.Probe.Sightings(ctx, word)
		return err == nil && len(seen) > 0 && !seen[len(seen)-1].MayPost
	}
}

// base is the redirect URI without a slash at its end.
func (r Redirect) base() string { return strings.TrimRight(r.URI.String(), "/") }

func (r Redirect) transport() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: r.Roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
}

func client(t *http.Transport) *http.Client {
	return &http.Client{
		Timeout: 10 * time.Second, Transport: t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (r Redirect) ask(ctx context.Context, client *http.Client, method, uri string, header http.Header) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, uri, http.NoBody)
	if err != nil {
		return 0, errors.New("the redirect URI cannot be asked")
	}
	maps.Copy(req.Header, header)
	resp, err := client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the URI
		}
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

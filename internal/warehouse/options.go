package warehouse

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// DefaultDatabase is the database of an installation that names no other.
const DefaultDatabase = "fonoteka"

// Options say where the warehouse is.
type Options struct {
	Addrs    []string    // native protocol, host:port; the first that answers is used
	HTTPAddr string      // HTTP interface, host:port, for QueryFormat only
	Database string      // "" is DefaultDatabase
	User     string      // "" is "default"
	Password string      // never in an error, a log or a metric
	TLS      *tls.Config // nil: plain connections

	// As whom the server reads the sources of its dictionaries, from 127.0.0.1. The
	// password stands in their definitions on the server's disk.
	DictionaryUser     string // "": as User, with Password
	DictionaryPassword string
	// CustodySealed is the newest day whose custody is sealed, zero if there is
	// none: no step is written on it or on one before, wherever the clock is. It is
	// asked at each insert; nil: none.
	CustodySealed func() time.Time

	Log        *slog.Logger          // nil: nothing is logged
	Registerer prometheus.Registerer // nil: metrics are kept and not shown
}

func (o *Options) validate() error {
	var bad []error
	if len(o.Addrs) == 0 {
		bad = append(bad, errors.New("no address"))
	}
	for _, a := range o.Addrs {
		if _, _, err := net.SplitHostPort(a); err != nil {
			bad = append(bad, fmt.Errorf("address %q: want host:port", a))
		}
	}
	if o.Database == "" {
		o.Database = DefaultDatabase
	}
	if o.User == "" {
		o.User = "default"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return errors.Join(bad...)
}

func (o Options) native() *clickhouse.Options {
	compression := &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	if o.allLoopback() {
		compression = nil
	}
	return &clickhouse.Options{
		Addr:             o.Addrs,
		Auth:             clickhouse.Auth{Database: o.Database, Username: o.User, Password: o.Password},
		DialContext:      o.dial,
		DialTimeout:      dialTimeout,
		ReadTimeout:      ReadTimeout,
		MaxOpenConns:     maxConns,
		MaxIdleConns:     maxConns,
		ConnOpenStrategy: clickhouse.ConnOpenInOrder,
		Compression:      compression,
	}
}

// allLoopback reports whether every server has a loopback address, where compression
// costs more than it saves, and a megabyte for each connection. Rows that go through
// an SSH tunnel whose end is there are not compressed either.
func (o Options) allLoopback() bool {
	return !slices.ContainsFunc(o.Addrs, func(addr string) bool {
		host, _, err := net.SplitHostPort(addr)
		ip, notIP := netip.ParseAddr(host)
		return err != nil || host != "localhost" && (notIP != nil || !ip.IsLoopback())
	})
}

func (o Options) http() *clickhouse.Options {
	h := o.native()
	h.Protocol, h.Addr, h.Compression = clickhouse.HTTP, []string{o.HTTPAddr}, nil
	h.DialContext, h.TLS = nil, o.TLS
	h.MaxOpenConns, h.MaxIdleConns = 1, 1
	h.ReadTimeout = 24 * time.Hour // a long query is its asker's to end
	return h
}

// ParseURL reads clickhouse://user:password@host:9000/database. Several hosts
// stand with commas between them. Parameters: secure (TLS), skip_verify (of its
// certificate), http_port (8123, with TLS 8443), native_port (9000, with TLS 9440).
// http:// and https:// name the HTTP port instead, with native_port beside it: the HTTP
// port serves QueryFormat alone. No error of it repeats the password.
func ParseURL(raw string) (Options, error) {
	o, err := parseURL(raw)
	if err != nil {
		return Options{}, fmt.Errorf("clickhouse url: %w", err)
	}
	return o, o.validate()
}

func parseURL(raw string) (Options, error) {
	// url.Parse repeats its input in its errors, and refuses several hosts with
	// ports; both are why the authority is taken apart here.
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return Options{}, errors.New("want clickhouse://user:password@host:port/database")
	}
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	userinfo, hosts := "", authority
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		userinfo, hosts = authority[:i], authority[i+1:]
	}
	if hosts == "" {
		return Options{}, errors.New("no host (a user or password with special characters must be percent-encoded)")
	}
	var o Options
	var err error
	user, password, _ := strings.Cut(userinfo, ":")
	if o.User, err = url.PathUnescape(user); err != nil {
		return Options{}, errors.New("user: bad percent-encoding")
	}
	if o.Password, err = url.PathUnescape(password); err != nil {
		return Options{}, errors.New("password: bad percent-encoding")
	}
	u, err := url.Parse(tail)
	if err != nil {
		return Options{}, errors.New("the part after the host cannot be read (is the password percent-encoded?)")
	}
	o.Database = strings.Trim(u.Path, "/")
	p, err := urlParams(scheme, u.RawQuery)
	if err != nil {
		return Options{}, err
	}
	if p.secure {
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: p.skipVerify} //nolint:gosec // where the URL says skip_verify
	}
	return o, o.setAddrs(scheme, strings.Split(hosts, ","), p)
}

type params struct {
	secure, skipVerify   bool
	httpPort, nativePort string
}

func urlParams(scheme, query string) (p params, err error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return p, errors.New("bad parameters")
	}
	switch scheme {
	case "clickhouse", "tcp", "native", "http":
	case "https":
		p.secure = true
	default:
		return p, fmt.Errorf("scheme %q: want clickhouse, http or https", scheme)
	}
	for name := range values {
		v := values.Get(name)
		switch name {
		case "secure":
			p.secure, err = strconv.ParseBool(v)
		case "skip_verify":
			p.skipVerify, err = strconv.ParseBool(v)
		case "http_port":
			p.httpPort, err = v, checkPort(v)
		case "native_port":
			p.nativePort, err = v, checkPort(v)
		default:
			return p, fmt.Errorf("parameter %q is not known (secure, skip_verify, http_port, native_port are)", name)
		}
		if err != nil {
			return p, fmt.Errorf("parameter %s=%q cannot be read", name, v)
		}
	}
	if scheme == "https" && !p.secure {
		return p, errors.New("https with secure=false")
	}
	if p.nativePort == "" && strings.HasPrefix(scheme, "http") {
		return p, fmt.Errorf("%s:// names the HTTP port, which serves fonoteka sql alone; all else speaks ClickHouse's own protocol: "+
			"write clickhouse://USER:PASSWORD@HOST:9000/DATABASE, with TLS clickhouse://…@HOST:9440/DATABASE?secure=true; an HTTP port other than 8123, with TLS 8443, goes behind it as http_port=PORT", scheme)
	}
	return p, nil
}

func checkPort(s string) error {
	if n, err := strconv.ParseUint(s, 10, 16); err != nil || n == 0 {
		return errors.New("not a port")
	}
	return nil
}

func (o *Options) setAddrs(scheme string, hosts []string, p params) error {
	nativeDefault, httpDefault := "9000", "8123"
	if p.secure {
		nativeDefault, httpDefault = "9440", "8443"
	}
	for i, h := range hosts {
		host, port := h, ""
		if hh, pp, err := net.SplitHostPort(h); err == nil {
			host, port = hh, pp
			if checkPort(port) != nil {
				return fmt.Errorf("host %q: bad port", host)
			}
		}
		host = strings.Trim(host, "[]")
		if host == "" {
			return errors.New("an empty host")
		}
		nativePort, httpPort := p.nativePort, p.httpPort
		if strings.HasPrefix(scheme, "http") {
			httpPort = first(port, httpPort)
		} else {
			if port == "8123" || port == "8443" {
				return fmt.Errorf("port %s is that of ClickHouse's HTTP interface; its own protocol is spoken on another one, 9000 or with TLS (secure=true) 9440", port)
			}
			nativePort = first(port, nativePort)
		}
		o.Addrs = append(o.Addrs, net.JoinHostPort(host, first(nativePort, nativeDefault)))
		if i == 0 {
			o.HTTPAddr = net.JoinHostPort(host, first(httpPort, httpDefault))
		}
	}
	return nil
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

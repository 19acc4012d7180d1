package blob

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
)

// Answer is the result of one check of Probe.
type Answer string

// The answers. Only No is a fault.
const (
	Yes       Answer = "yes"
	No        Answer = "no"         // and the configuration needs it
	NotNeeded Answer = "not needed" // no, and the configuration does not need it
	NotTried  Answer = "not tried"  // an earlier check failed
)

// Finding is what one check of Probe found. Its texts are for
// people, and hold no secret.
type Finding struct {
	Check  string `json:"check"` // a stable name
	Answer Answer `json:"answer"`
	Means  string `json:"means"`            // to the user
	Do     string `json:"do,omitempty"`     // what helps, after a No
	Detail string `json:"detail,omitempty"` // the store's own error
}

// checks are the names of all findings, in the order of Probe.
var checks = []string{
	"reachable", "clock", "credentials", "bucket", "write and read", "conditional put", "checksum", "range", "listing",
	"multipart", "encryption", "versions", "object lock", "legal hold",
}

// maxSkew is how far the clocks of store and machine may be apart. Requests are
// refused from 15 minutes on.
const maxSkew = time.Minute

// Probe finds out what the store can do by trying it, and relies on no version
// number. It writes below Scratch in the bucket, or in a bucket of
// its own where the configured one is missing or locks new objects by
// default; locks are tried in a bucket of its own if it may make one. It removes
// everything before it returns, which takes some seconds because of the locks;
// also after ctx has ended. Objects that could not be removed are a finding.
func (b *Bucket) Probe(ctx context.Context) []Finding {
	p := &probe{b: b, found: map[string]Finding{}}
	p.run(ctx)
	var all []Finding
	for _, name := range checks {
		f, ok := p.found[name]
		if !ok {
			f = Finding{Check: name, Answer: NotTried, Means: "something before it failed"}
		}
		all = append(all, f)
	}
	if f, ok := p.found["clean-up"]; ok {
		all = append(all, f)
	}
	return all
}

// probe is one run of Probe.
type probe struct {
	b        *Bucket
	found    map[string]Finding
	exists   bool          // the configured bucket
	locks    bool          // it has Object Lock
	own      *Bucket       // made by this run, with Object Lock if ownLocks; nil: it could not be made
	ownErr   error         // why not
	ownLocks bool          // own has Object Lock
	skew     time.Duration // the store's clock minus ours
}

// record records a finding: yes is what success means, no what failure means, and do what
// helps.
func (p *probe) record(check string, needed bool, err error, yes, no, do string) {
	f := Finding{Check: check, Answer: Yes, Means: yes}
	if err != nil {
		f = Finding{Check: check, Answer: NotNeeded, Means: no, Detail: detail(err)}
		if needed {
			f.Answer, f.Do = No, do
		}
	}
	p.found[check] = f
}

// errAccepted is the finding's error where a server did what it must refuse.
var errAccepted = errors.New("the store accepted it")

// detail is the end of an error, on one line.
func detail(err error) string {
	s := strings.Join(strings.Fields(err.Error()), " ")
	if len(s) > 300 {
		s = s[:300] + "…"
	}
	return s
}

func codeOf(err error) string {
	if resp, ok := errors.AsType[minio.ErrorResponse](err); ok {
		return resp.Code
	}
	return ""
}

func (p *probe) run(ctx context.Context) {
	if !p.reach(ctx) || !p.account(ctx) {
		return
	}
	place := p.b
	var byDefault bool
	if p.exists {
		p.locks, byDefault = p.lockOf(ctx)
	}
	p.makeOwn(ctx)
	defer p.dropOwn(ctx)
	if !p.exists || byDefault {
		place = p.own
	}
	p.bucket(byDefault)
	if place != nil {
		place = p.encryption(ctx, place)
		p.objects(ctx, place)
		p.multipart(ctx, place)
		p.versions(ctx)
	}
	p.lock(ctx)
}

// reach sends a request without an account: any answer shows that the store is up.
func (p *probe) reach(ctx context.Context) bool {
	scheme := "http"
	if p.b.where.Secure {
		scheme = "https"
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+p.b.where.Endpoint+"/", nil)
	var resp *http.Response
	began := time.Now()
	if err == nil {
		resp, err = p.b.http.RoundTrip(req)
	}
	took := time.Since(began)
	means, do := "nothing answers at ", "check the address in --s3-url, the network, and whether the store runs"
	if hint := p.b.where.hint(err); hint != "" {
		means, do = "no connection comes about to ", hint
	}
	p.record("reachable", true, err, fmt.Sprintf("the store at %s answers in %.1f ms", p.b.where.Endpoint, float64(took.Microseconds())/1000),
		means+p.b.where.Endpoint, do)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	theirs, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		p.found["clock"] = Finding{Check: "clock", Answer: NotTried, Means: "the store does not tell its time"}
		return true
	}
	p.skew = theirs.Add(time.Second / 2).Sub(began.Add(took / 2)) // the header has whole seconds
	err = nil
	if p.skew.Abs() > maxSkew {
		err = fmt.Errorf("it is %s there", theirs.UTC().Format(time.RFC3339))
	}
	p.record("clock", true, err, "its clock and this machine's agree", fmt.Sprintf(
		"its clock and this machine's are %s apart: locks end at the wrong time, and from 15 minutes on all requests are refused", p.skew.Abs().Round(time.Second)),
		"let both machines follow a time server")
	return true
}

// account sends a request with the configured account.
func (p *probe) account(ctx context.Context) bool {
	_, err := p.b.ListPage(ctx, Scratch, "", 1)
	p.exists = err == nil
	if codeOf(err) == "NoSuchBucket" {
		err = nil
	}
	do := "check key and secret in --s3-url, and what the account may do"
	if hint := p.b.where.hint(err); hint != "" {
		do = hint
	}
	p.record("credentials", true, err, "the store accepts the account, and lets it list",
		"the store does not accept the account, or does not let it list the bucket", do)
	return err == nil
}

func (p *probe) bucket(byDefault bool) {
	name := p.b.where.Bucket
	if p.exists {
		means := name + " is there"
		if byDefault {
			means += "; it locks by default whatever is put there, so that all was tried in a bucket of its own"
		}
		p.record("bucket", true, nil, means, "", "")
		return
	}
	f := Finding{Check: "bucket", Answer: NotNeeded, Means: name + " is not there yet; fonoteka serve creates it, and this account may"}
	if p.own == nil {
		f.Answer, f.Means, f.Detail = No, name+" is not there, and this account cannot create it", detail(p.ownErr)
		f.Do = "create the bucket, or let the account create it"
	}
	p.found["bucket"] = f
}

// lockOf reports whether the configured bucket has Object Lock, and whether it locks new
// objects by default.
func (p *probe) lockOf(ctx context.Context) (locks, byDefault bool) {
	state, mode, _, _, err := p.b.client.GetObjectLockConfig(ctx, p.b.where.Bucket)
	return err == nil && state == "Enabled", err == nil && mode != nil && *mode != ""
}

package fetch_test

import (
	"net/http"
	"testing"

	"fonoteka/internal/fetch"
	"fonoteka/internal/fetch/fetchtest"
)

var (
	audio     = fetchtest.MP3
	digest    = fetchtest.Digest
	gzipped   = fetchtest.Gzipped
	hosts     = fetchtest.Hosts
	newOrigin = fetchtest.NewOrigin
	serve     = fetchtest.Serve
	answer    = fetchtest.Answer
	stall     = fetchtest.Stall
	cut       = fetchtest.Cut
)

// rig is a fetcher with a server to fetch from.
type rig struct {
	*fetch.Fetcher
	origin *fetchtest.Origin
}

func newRig(t *testing.T, handler http.HandlerFunc, changes ...func(o *fetch.Options, self string)) *rig {
	t.Helper()
	r := &rig{origin: newOrigin(t, handler)}
	o := fetch.Options{Hosts: hosts(t, r.origin.Addr()), TempDir: t.TempDir()}
	for _, change := range changes {
		change(&o, r.origin.Addr())
	}
	var err error
	if r.Fetcher, err = fetch.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

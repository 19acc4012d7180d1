package tsa

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"time"

	"github.com/digitorus/timestamp"
)

const (
	// MaxResponse is far beyond any response, which is a token with its chain of
	// certificates. What is nested within it takes time that grows with its square.
	MaxResponse = 64 << 10
	patience    = 30 * time.Second
)

// Ask gets a time stamp of a SHA-256 from the authority at an HTTP address. What is
// returned is the whole response, which was held against the digest and a nonce of our
// own: nobody can hand out an older one. Whether the authority is to be trusted is for
// Check to say, with roots.
func Ask(ctx context.Context, client *http.Client, address string, digest [sha256.Size]byte) ([]byte, error) {
	response, err := ask(ctx, client, address, digest)
	if err != nil {
		return nil, fmt.Errorf("ask for a time stamp at %s: %w", host(address), err)
	}
	return response, nil
}

// host is the part of an address that an error may show: the rest may hold a password.
func host(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return "an address that cannot be read"
}

func ask(ctx context.Context, client *http.Client, address string, digest [sha256.Size]byte) ([]byte, error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, err
	}
	q := timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: digest[:], Certificates: true, Nonce: nonce}
	query, err := q.Marshal()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(query))
	if err != nil {
		return nil, errors.New("the address cannot be read")
	}
	req.Header.Set("Content-Type", "application/timestamp-query")
	req.Header.Set("Accept", "application/timestamp-reply")
	resp, err := client.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // the address stays out of it
		}
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %s", resp.Status)
	}
	response, err := io.ReadAll(io.LimitReader(resp.Body, MaxResponse+1))
	switch {
	case err != nil:
		return nil, err
	case len(response) > MaxResponse:
		return nil, fmt.Errorf("its answer is longer than %d bytes", MaxResponse)
	}
	_, err = Check(response, Options{Digest: digest, Nonce: nonce})
	return response, err
}

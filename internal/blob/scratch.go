package blob

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
)

// Scratch is the prefix of what is stored only to try the store out. Nothing of
// the archive is there.
const Scratch = ".fonoteka-doctor/"

// scratchKey is a new key that nobody else uses.
func scratchKey() string { return Scratch + strings.ToLower(rand.Text()) }

// trial is the body of a scratch object, and what Put is told of it.
func trial() (*bytes.Reader, Put) {
	body := []byte("fonoteka tries this store out; this object may be deleted\n")
	sum := sha256.Sum256(body)
	return bytes.NewReader(body), Put{Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:]), ContentType: "text/plain", Unretained: true}
}

// wipe deletes all versions of the scratch objects below a prefix, also after
// ctx has ended: then after a moment, since what was on its way to the store may
// still become an object. It asks for no lock first, as nothing here is worth one.
func (b *Bucket) wipe(ctx context.Context, prefix string) error {
	if ctx.Err() != nil {
		time.Sleep(time.Second)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var all []Version
	err := b.Versions(ctx, prefix, func(v Version) bool { all = append(all, v); return true })
	if err != nil { // a store without versions
		all = nil
		if err = b.List(ctx, prefix, func(o Object) bool { all = append(all, Version{Key: o.Key}); return true }); err != nil {
			return err
		}
	}
	var failed []error
	for _, v := range all {
		err := b.client.RemoveObject(ctx, b.where.Bucket, v.Key, minio.RemoveObjectOptions{VersionID: v.ID})
		if err = b.wrap("removing", v.Key, err); err != nil && !errors.Is(err, ErrNotFound) {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// ErrNotEncrypted: the store takes the request for encryption and stores the
// bytes as they are. Some do so without a word.
var ErrNotEncrypted = errors.New("the store does not encrypt, though it is asked to")

// encrypts is nil if an object that is put is stored encrypted.
func (b *Bucket) encrypts(ctx context.Context) (err error) {
	key := scratchKey()
	body, put := trial()
	defer func() { err = errors.Join(err, b.wipe(ctx, key)) }() // also after a put whose answer was lost
	if err := b.Put(ctx, key, body, put); err != nil {
		return err
	}
	info, err := b.client.StatObject(ctx, b.where.Bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return b.wrap("looking up", key, err)
	}
	if info.Metadata.Get("X-Amz-Server-Side-Encryption") == "" {
		return ErrNotEncrypted
	}
	return nil
}

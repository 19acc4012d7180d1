package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/encrypt"

	"fonoteka/internal/bounded"
)

// objects tries what every recording needs.
func (p *probe) objects(ctx context.Context, in *Bucket) {
	base := scratchKey()
	defer func() { p.cleaned(in.wipe(ctx, base)) }()

	err := p.plain(ctx, in, base+"/0")
	p.record("write and read", true, err, "objects can be stored and read", "objects cannot be stored, or not read", "let the account put, get, list and delete objects")
	if err != nil {
		return
	}
	body, put := trial()
	err = in.Put(ctx, base+"/1", body, put)
	if err == nil {
		if err = in.Put(ctx, base+"/1", body, put); err == nil {
			err = errAccepted
		} else if errors.Is(err, ErrExists) {
			err = nil
		}
	}
	p.record("conditional put", true, err, "a stored recording is never overwritten, not by two workers at once either",
		"a second file under the same key would replace the first", "use a store that knows If-None-Match on PUT")

	wrong := put
	sum := sha256.Sum256([]byte("other bytes"))
	wrong.SHA256 = hex.EncodeToString(sum[:])
	err = errAccepted
	if in.Put(ctx, base+"/2", body, wrong) != nil {
		if _, err = in.Stat(ctx, base+"/2"); errors.Is(err, ErrNotFound) {
			err = nil
		} else if err == nil {
			err = errors.New("the wrong object was left there")
		}
	}
	p.record("checksum", true, err, "bytes damaged on the way are refused, and nothing is left of them",
		"the store takes bytes that are not those it was told to expect", "use a store that checks x-amz-checksum-sha256")

	p.record("range", false, p.ranged(ctx, in, base+"/0"), "playback can begin anywhere in a recording", "playback has to load each recording whole", "")
	p.record("listing", true, p.listed(ctx, in, base), "the archive can be checked, and its catalogue rebuilt from it",
		"the archive can neither be checked nor its catalogue rebuilt from it", "let the account list the bucket")
}

// maxTrial is more than a trial object has, bytes: what comes back may be anything.
const maxTrial = 64 << 10

// plain stores and reads without asking for anything special.
func (p *probe) plain(ctx context.Context, in *Bucket, key string) error {
	body, put := trial()
	want, err := bounded.Read(body, maxTrial)
	if err != nil {
		return err
	}
	_, err = in.client.PutObject(ctx, in.where.Bucket, key, bytes.NewReader(want), put.Size, minio.PutObjectOptions{DisableMultipart: true, ServerSideEncryption: in.encryption.server()})
	if err != nil {
		return in.wrap("storing", key, err)
	}
	r, _, err := in.Get(ctx, key)
	if err != nil {
		return err
	}
	defer r.Close()
	if got, err := bounded.Read(r, maxTrial); err != nil || !bytes.Equal(got, want) {
		return errors.Join(errors.New("other bytes came back"), err)
	}
	return nil
}

func (p *probe) ranged(ctx context.Context, in *Bucket, key string) error {
	r, o, err := in.GetRange(ctx, key, 9, 5)
	if err != nil {
		return err
	}
	defer r.Close()
	got, err := bounded.Read(r, maxTrial)
	if _, put := trial(); err != nil || string(got) != "tries" || o.Size != put.Size {
		return errors.Join(fmt.Errorf("asked for 5 bytes of %d, got %d of %d", put.Size, len(got), o.Size), err)
	}
	return nil
}

// listed looks for the two objects that were stored, a page each.
func (p *probe) listed(ctx context.Context, in *Bucket, base string) error {
	after := ""
	for _, want := range []string{base + "/0", base + "/1"} {
		page, err := in.ListPage(ctx, base+"/", after, 1)
		if err != nil {
			return err
		}
		if len(page) != 1 || page[0].Key != want {
			return errors.New("the listing is not complete, or not in order")
		}
		after = want
	}
	return nil
}

func (p *probe) multipart(ctx context.Context, in *Bucket) {
	p.record("multipart", false, p.unfinished(ctx, in), "uploads that other programs left unfinished are found and can be ended",
		"what other programs left unfinished would not be found; Fonoteka itself uploads in one piece", "")
}

// unfinished begins an upload, finds it in the listing and ends it.
func (p *probe) unfinished(ctx context.Context, in *Bucket) error {
	key := scratchKey()
	core := minio.Core{Client: in.client}
	id, err := core.NewMultipartUpload(ctx, in.where.Bucket, key, minio.PutObjectOptions{})
	if err != nil { // it may have begun all the same
		return errors.Join(in.wrap("beginning an upload of", key, err), in.endUploads(ctx, key))
	}
	end := func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return in.Abort(ctx, Upload{Key: key, ID: id})
	}
	body, put := trial()
	if _, err = core.PutObjectPart(ctx, in.where.Bucket, key, id, 1, body, put.Size, minio.PutObjectPartOptions{}); err != nil {
		return errors.Join(in.wrap("uploading a part of", key, err), end())
	}
	count := func() (n int, err error) {
		err = in.Leftovers(ctx, key, func(u Upload) bool {
			if u.Key == key && u.ID == id {
				n++
			}
			return true
		})
		return n, err
	}
	if n, err := count(); err != nil || n != 1 {
		return errors.Join(errors.New("an upload that was begun is not listed"), err, end())
	}
	if err := end(); err != nil {
		return err
	}
	if n, err := count(); err != nil || n != 0 {
		return errors.Join(errors.New("an upload that was ended is still listed"), err)
	}
	return nil
}

// endUploads ends what was begun of a scratch key, also after ctx has ended, as wipe
// does with objects.
func (b *Bucket) endUploads(ctx context.Context, key string) error {
	if ctx.Err() == nil {
		return nil // the store has refused, and says so
	}
	time.Sleep(time.Second)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var all []Upload
	if err := b.Leftovers(ctx, key, func(u Upload) bool { all = append(all, u); return true }); err != nil {
		return err
	}
	var failed []error
	for _, u := range all {
		failed = append(failed, b.Abort(ctx, u))
	}
	return errors.Join(failed...)
}

// encryption returns the bucket for what is tried next: encrypted only if that
// works, so that its failure is one finding and not all of them.
func (p *probe) encryption(ctx context.Context, in *Bucket) *Bucket {
	asked := p.b.encryption
	if !asked.asked() {
		p.record("encryption", false, in.with(Encryption{kind: encrypt.S3}).encrypts(ctx), "the store can encrypt (--s3-sse s3), but is not asked to",
			"the store does not encrypt, nor is it asked to: keep it on an encrypted disk", "")
		return in.with(asked)
	}
	err := in.with(asked).encrypts(ctx)
	p.record("encryption", true, err, fmt.Sprintf("the store encrypts each object (--s3-sse %s)", asked),
		fmt.Sprintf("the store does not encrypt as --s3-sse %s asks it to: nothing is archived", asked),
		"give the store a key, or set --s3-sse none and keep it on an encrypted disk")
	if err != nil {
		asked = Encryption{}
	}
	return in.with(asked)
}

// versions tells how the configured bucket deletes. Where locks are needed it
// must keep versions, but that is part of having Object Lock.
func (p *probe) versions(ctx context.Context) {
	name, bucket := p.b.where.Bucket, p.b
	if !p.exists {
		name, bucket = "a new bucket with object lock", p.own
	}
	config, err := bucket.client.GetBucketVersioning(ctx, bucket.where.Bucket)
	err = bucket.wrap("asking for versioning of", name, err)
	if err == nil && !config.Enabled() {
		err = errors.New("versioning is off")
	}
	p.record("versions", false, err, name+" keeps versions: a deletion only marks, until each version is removed",
		name+" keeps no versions: what is deleted there is gone", "")
}

// with is the same bucket under another encryption, and no retention.
func (b *Bucket) with(e Encryption) *Bucket {
	return &Bucket{client: b.client, where: b.where, http: b.http, log: b.log, m: b.m, encryption: e}
}

// cleaned records what could not be removed.
func (p *probe) cleaned(err error) {
	if err != nil {
		p.found["clean-up"] = Finding{
			Check: "clean-up", Answer: No, Means: "something of this trial is left in the store", Detail: detail(err),
			Do: "remove what is below " + Scratch + ", and buckets called " + ownBucket + "…",
		}
	}
}

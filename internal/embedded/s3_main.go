package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
	"golang.org/x/sys/unix"
)

const spareProcs = 8

// s3Main is the child: an S3 gateway over the folder, until its life line is
// cut. The gateway is alone in its process because posix.New changes the
// process's working directory for good and works with relative paths.
func s3Main(life *lifeLine) error {
	var s s3Settings
	if err := life.decode(&s); err != nil {
		return err
	}
	if err := lockFile(filepath.Join(s.Dir, "lock"), lockWait, life.cut); err != nil {
		return err
	}
	if err := portFree(s.Port, "s3-port"); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, ownsFolder)
	be, err := openDurable(s)
	if err != nil {
		return err
	}
	// A goroutine that waits for the disk occupies a processor of the runtime until that is
	// handed over. With more of them, a PUT costs a fifth less on two cores, and half as
	// many small objects again are stored in the same time.
	runtime.GOMAXPROCS(max(spareProcs, runtime.GOMAXPROCS(0)))
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-life.cut
		cancel()
		time.Sleep(forcedExit)
		fmt.Fprintln(os.Stderr, fatalPrefix+"the object store did not stop; forced")
		os.Exit(1)
	}()
	err = embedgw.RunVersityGW(ctx, be, &embedgw.Config{
		RootUserAccess: s.AccessKey, RootUserSecret: s.SecretKey, Region: S3Region,
		Ports:          []string{address(s.Port)},
		MaxConnections: 1000, MaxRequests: 1000, MultipartMaxParts: 10_000,
		KeepAlive: true, Quiet: true,
	})
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("serve objects: %w", err)
}

// openDurable opens the folder's layout: objects as plain files under their
// keys, versions beside them (the gateway wants both apart), and metadata in
// extended attributes, or in a third folder where there are none.
func openDurable(s s3Settings) (*durable, error) {
	d := &durable{root: s.objects(), versions: s.versions()}
	for _, path := range []string{d.root, d.versions} {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return nil, fmt.Errorf("create the object store's folders: %w", err)
		}
	}
	store, err := d.chooseMetadata(s.metadata())
	if err != nil {
		return nil, err
	}
	for _, path := range []string{d.root, d.versions} {
		if err := cleanLeftovers(path, time.Now()); err != nil {
			return nil, fmt.Errorf("clean up after a crash: %w", err)
		}
	}
	opts := posix.PosixOpts{
		VersioningDir: d.versions, SideCarDir: d.sidecar,
		ValidateBucketNames: true,
		CopyObjectThreshold: 5 << 30, // S3's own limit; unset means none can be copied
		ForceNoObjLockFile:  true,    // no other process writes here: the lock file says so
		DataIntegrityEtag:   true,    // the checksum; an MD5 besides took a fifth of the time of a PUT
	}
	opts.SetNewDirPerm(0o700)
	opts.SetNewFilePerm(0o600)
	if d.Posix, err = posix.New(d.root, store, opts); err != nil {
		return nil, fmt.Errorf("open the object store: %w", err)
	}
	return d, nil
}

// chooseMetadata chooses extended attributes where the file system has them. An
// installation that began with the metadata folder keeps it; one that began with
// attributes and was moved to a file system without them is refused, since its
// objects have lost their digests, retention and holds.
func (d *durable) chooseMetadata(sidecar string) (meta.MetadataStorer, error) {
	_, err := os.Stat(sidecar)
	if errors.Is(err, os.ErrNotExist) {
		failed := testXattr(d.root)
		if failed == nil {
			return meta.XattrMeta{}, nil
		}
		if used, err := os.ReadDir(d.root); err != nil || len(used) > 0 {
			return nil, errors.Join(fmt.Errorf("%s holds objects, but its file system keeps no extended attributes: %w; move it back, or to one that does (ext4, xfs, btrfs), with rsync -X", d.root, failed), err)
		}
		err = os.Mkdir(sidecar, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("open the metadata folder: %w", err)
	}
	d.sidecar = sidecar
	store, err := meta.NewSideCar(sidecar)
	if err != nil {
		return nil, fmt.Errorf("open the metadata folder: %w", err)
	}
	return store, nil
}

// testXattr writes an extended attribute: that one can be read does not prove it.
func testXattr(dir string) error {
	f, err := os.CreateTemp(filepath.Dir(dir), "xattr.*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	return unix.Setxattr(f.Name(), "user.fonoteka.test", []byte("1"), 0)
}

// abandonedUpload is the age at which a multipart upload counts as abandoned.
// Younger ones stay: their client may still be there after a restart.
const abandonedUpload = 24 * time.Hour

// cleanLeftovers removes what unfinished writes of an earlier process left in
// each bucket's temporary folder.
func cleanLeftovers(root string, now time.Time) error {
	tmp, err := filepath.Glob(filepath.Join(root, "*", posix.MetaTmpDir, "*"))
	if err != nil {
		return err
	}
	for _, path := range tmp {
		if filepath.Base(path) == filepath.Base(posix.MetaTmpMultipartDir) {
			continue
		}
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	uploads, err := filepath.Glob(filepath.Join(root, "*", posix.MetaTmpMultipartDir, "*", "*"))
	if err != nil {
		return err
	}
	for _, path := range uploads {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if now.Sub(info.ModTime()) < abandonedUpload {
			continue
		}
		if err := os.RemoveAll(path); err != nil {
			return err
		}
		_ = os.Remove(filepath.Dir(path)) // the object's folder, if that was its last upload
	}
	return nil
}

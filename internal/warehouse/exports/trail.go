package exports

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"fonoteka/internal/audit"
	"fonoteka/internal/bounded"
	"fonoteka/internal/call"
	"fonoteka/internal/pack"
	"fonoteka/internal/warehouse/catalogue"
)

// Trail tells of an export in the audit, in the table exports, and, for each recording
// that was given out, in custody.
type Trail struct {
	DB          *DB
	Audit       *audit.Trail
	Anchors     audit.Anchors // nil: there is no bucket
	Actor       string
	Dir         string // of the package
	Destination string // where it goes, for the table
}

// maxQuery is far beyond a query.json: it may name many ids.
const maxQuery = 256 << 20

// query reads the package's own.
func (t *Trail) query() (row Row, q pack.Query, err error) {
	doc, err := bounded.ReadFile(filepath.Join(t.Dir, filepath.FromSlash(pack.QueryFile)), maxQuery)
	if err == nil {
		err = pack.ReadDocument(doc, &q)
	}
	if err != nil {
		return row, q, fmt.Errorf("read what was asked for: %w", err)
	}
	sum := sha256.Sum256(doc)
	digest := hex.EncodeToString(sum[:])
	return Row{
		ID: ID(digest), At: q.FixedAt.Time, Actor: t.Actor, Case: q.Case, Reason: q.Reason, Destination: t.Destination, State: Begun,
		Calls: uint64(q.Counts.Calls), Unanswered: uint64(q.Counts.Unanswered), Recordings: uint64(q.Counts.Recordings), QuerySHA256: digest, Salt: q.Salt,
	}, q, nil
}

// Begin is part of export.Trail. The reason, and what a person typed, are in the table
// alone, from which they can be erased: the audit names the digest of both, with a salt.
func (t *Trail) Begin(ctx context.Context, target, detail string) (line, anchor []byte, err error) {
	row, _, err := t.query()
	if err != nil {
		return nil, nil, err
	}
	if err := t.DB.save(ctx, row); err != nil {
		return nil, nil, err
	}
	line, err = t.Audit.LogLine(ctx, audit.Entry{Actor: t.Actor, Action: pack.BeginAction, Target: target, Outcome: audit.Begun, Detail: detail})
	if err != nil {
		return nil, nil, err
	}
	entry, err := pack.ReadEntry(line)
	if err != nil || t.Anchors == nil {
		return line, nil, err
	}
	anchor, err = newestAnchor(ctx, t.Anchors, entry.Writer)
	return line, anchor, err
}

// newestAnchor is that of a writer, as it lies in the bucket; nil: there is none yet.
func newestAnchor(ctx context.Context, from audit.Anchors, writer string) ([]byte, error) {
	keys, err := from.AnchorKeys(ctx, audit.AnchorPrefix+writer+"/")
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	body, err := from.Anchor(ctx, keys[len(keys)-1])
	if errors.Is(err, audit.ErrNoAnchor) {
		err = nil
	}
	return body, err
}

// End is part of export.Trail. It may be called again for the same package: what is
// written is the same.
func (t *Trail) End(ctx context.Context, target string, failed error, detail string) error {
	e := audit.Entry{Actor: t.Actor, Action: pack.BeginAction, Target: target, Outcome: audit.Done, Detail: detail}
	if failed != nil {
		e.Outcome = audit.Failed
		return t.Audit.Log(ctx, e)
	}
	row, q, err := t.query()
	if err != nil {
		return err
	}
	row.State = Done
	if row.Files, err = t.given(ctx, q, row.ID); err != nil {
		return err
	}
	if row.Missing, err = t.missing(); err != nil {
		return err
	}
	manifest, err := bounded.ReadFile(filepath.Join(t.Dir, pack.TagManifest), maxQuery)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(manifest)
	row.ManifestSHA256 = hex.EncodeToString(sum[:])
	if err := t.DB.save(ctx, row); err != nil {
		return err
	}
	return t.Audit.Log(ctx, e)
}

// given adds to the custody of each recording that its files were exported.
func (t *Trail) given(ctx context.Context, q pack.Query, id string) (files uint64, err error) {
	f, err := os.Open(filepath.Join(t.Dir, filepath.FromSlash(pack.FilesFile)))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	rows := catalogue.New(t.DB.DB)
	var steps []call.Custody
	flush := func() error {
		defer func() { steps = steps[:0] }()
		return rows.AddCustody(ctx, steps)
	}
	err = pack.EachFile(f, func(r pack.File) error {
		if r.Path == "" {
			return nil
		}
		files++
		steps = append(steps, call.Custody{Integration: r.Integration, RecordingID: r.RecordingID, Step: "exported", At: q.FixedAt.Time, SHA256: r.SHA256, Detail: "package " + id})
		if len(steps) == 10_000 {
			return flush()
		}
		return nil
	})
	return files, errors.Join(err, flush())
}

func (t *Trail) missing() (n uint64, err error) {
	f, err := os.Open(filepath.Join(t.Dir, filepath.FromSlash(pack.MissingFile)))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	err = pack.EachMissing(f, func(pack.Missing) error {
		n++
		return nil
	})
	return n, err
}

// ID is the short name of an export, by the digest of its query.json.
func ID(querySHA256 string) string { return querySHA256[:16] }

// now is a version of a row.
func now() uint64 { return uint64(time.Now().UnixMilli()) }

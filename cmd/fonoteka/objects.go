package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/archive"
	"fonoteka/internal/audit"
	"fonoteka/internal/blob"
	"fonoteka/internal/state"
)

// objectFlags say how the store keeps what is put there.
func objectFlags() []cli.Flag {
	return []cli.Flag{
		text("retention-mode", "off", "`MODE` of locking each recording in the store: off, governance (a special right there undoes it), compliance (nothing does: see fonoteka serve --help)"),
		text("retention", "", "`SPAN` for which each recording is locked, from the moment it is stored: 3y, 6mo, 1095d, 1y6mo; with --retention-mode"),
		text("s3-sse", "none", "`KEY` with which the S3 store is asked to encrypt: none, s3 (its own), kms (its key service's default), kms:KEY-ID"),
	}
}

// objects reads the settings of objectFlags.
func (cfg *config) objects(file file, pick func(string, string) string, p *problems) {
	var err error
	cfg.retention = parseRetention("", pick("retention-mode", file.RetentionMode), pick("retention", file.Retention), p)
	sse := pick("s3-sse", file.S3SSE)
	if cfg.encryption, err = blob.ParseEncryption(sse); err != nil {
		p.add("--s3-sse (FONOTEKA_S3_SSE): %w", err)
	} else if cfg.s3URL == "" && cfg.encryption != (blob.Encryption{}) {
		p.add("--s3-sse (FONOTEKA_S3_SSE): the embedded store does not encrypt: keep --data on an encrypted disk, or bring an S3 store that does (--s3-url)")
	}
}

// parseRetention reads a rule. of names whose it is in what is reported; empty:
// the installation's.
func parseRetention(of, mode, span string, p *problems) (r blob.Retention) {
	var err error
	if r.Mode, err = blob.ParseMode(mode); err != nil {
		p.add("%s--retention-mode (FONOTEKA_RETENTION_MODE): %w", of, err)
	}
	off := r.Mode == blob.NoRetention && err == nil
	if r.For, err = blob.ParsePeriod(span); err != nil {
		p.add("%s--retention (FONOTEKA_RETENTION): %w", of, err)
	}
	switch {
	case off && span != "":
		p.add("%s--retention (FONOTEKA_RETENTION): %q is given, but --retention-mode (FONOTEKA_RETENTION_MODE) is off", of, span)
	case r.Mode != blob.NoRetention && span == "":
		p.add("%s--retention (FONOTEKA_RETENTION): how long? --retention-mode is %s, and needs a span such as 3y", of, mode)
	}
	return r
}

// retentions are the rules of integrations that have their own. The audit's anchors
// belong to all: where the installation has no rule, the firmest of these is theirs.
func (cfg *config) retentions() map[string]blob.Retention {
	out := map[string]blob.Retention{}
	firmest := cfg.retention
	for _, i := range cfg.integrations {
		if i.retention != nil {
			out[archive.Folder(i.name)] = *i.retention
			firmest = firmer(firmest, *i.retention)
		}
	}
	if firmest != cfg.retention {
		out[audit.AnchorPrefix], out[audit.InstallationPrefix] = firmest, firmest
	}
	return out
}

// firmer is the rule that keeps an object better: of the stricter mode, then for
// the longer time.
func firmer(a, b blob.Retention) blob.Retention {
	strict := func(r blob.Retention) int {
		return slices.Index([]blob.Mode{blob.NoRetention, blob.Governance, blob.Compliance}, r.Mode)
	}
	now := time.Now()
	if strict(b) > strict(a) || strict(b) == strict(a) && b.For.After(now).After(a.For.After(now)) {
		return b
	}
	return a
}

// blobOptions say where recordings are, and how they are kept there.
func (cfg *config) blobOptions(v state.Values) blob.Options {
	return blob.Options{URL: cfg.blobURL(v), Retention: cfg.retention, RetentionUnder: cfg.retentions(), Encryption: cfg.encryption, Own: cfg.s3URL == ""}
}

// sayRetention tells the log what cannot be undone later.
func sayRetention(r blob.Retention, log *slog.Logger) {
	switch r.Mode {
	case blob.Compliance:
		log.Warn("each recording is locked when it is stored: nobody, not the administrator either, can delete it before the date", "mode", r.Mode, "for", r.For)
	case blob.Governance:
		log.Info("each recording is locked when it is stored: only who has a special right in the store can delete it before the date", "mode", r.Mode, "for", r.For)
	}
}

// ensureBucket is one try. A bucket that does not suit the configuration stays
// so until a person acts: that is said at once, and asked again seldom.
func (p *pipeline) ensureBucket(ctx context.Context) error {
	err := p.blob.EnsureBucket(ctx)
	if err == nil || ctx.Err() != nil {
		return err
	}
	p.bucketFault.Store(&err)
	if errors.Is(err, blob.ErrNoLock) || errors.Is(err, blob.ErrNotEncrypted) {
		p.log.Error("nothing is archived: the bucket does not suit the configuration (fonoteka doctor s3 tells more)", "err", err)
		pause(ctx, 20*time.Second)
	}
	return err
}

// bucketReady is nil once recordings can be stored, and else says why not.
func (p *pipeline) bucketReady() error {
	if p.bucket.Load() {
		return nil
	}
	if why := p.bucketFault.Load(); why != nil {
		return *why
	}
	return errors.New("the bucket is not there yet")
}

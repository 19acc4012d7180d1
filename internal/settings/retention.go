package settings

import (
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
)

// objectFlags say how the store keeps what is put there.
func objectFlags() []cli.Flag {
	return []cli.Flag{
		Text("retention-mode", "off", "`MODE` of locking each recording in the store: off, governance (a special right there undoes it), compliance (nothing does: see fonoteka serve --help)"),
		Text("retention", "", "`SPAN` for which each recording is locked, from the moment it is stored: 3y, 6mo, 1095d, 1y6mo; with --retention-mode"),
		Text("s3-sse", "none", "`KEY` with which the S3 store is asked to encrypt: none, s3 (its own), kms (its key service's default), kms:KEY-ID"),
	}
}

// objects reads the settings of objectFlags.
func (cfg *Config) objects(file file, pick func(string, string) string, p *problems) {
	var err error
	cfg.Retention = parseRetention(pick("retention-mode", file.RetentionMode), pick("retention", file.Retention), p.setting)
	sse := pick("s3-sse", file.S3SSE)
	if cfg.Encryption, err = blob.ParseEncryption(sse); err != nil {
		p.setting("s3-sse", "%w", err)
	} else if cfg.S3URL == "" && cfg.Encryption != (blob.Encryption{}) {
		p.setting("s3-sse", "the embedded store does not encrypt: keep --data on an encrypted disk, or bring an S3 store that does (--s3-url)")
	}
}

// parseRetention reads a rule. bad reports a mistake in retention-mode or retention.
func parseRetention(mode, span string, bad func(flag, format string, args ...any)) (r blob.Retention) {
	var err error
	if r.Mode, err = blob.ParseMode(mode); err != nil {
		bad("retention-mode", "%w", err)
	}
	off := r.Mode == blob.NoRetention && err == nil
	if r.For, err = blob.ParsePeriod(span); err != nil {
		bad("retention", "%w", err)
	}
	switch {
	case off && span != "":
		bad("retention", "%q is given, but the retention mode is off", span)
	case r.Mode != blob.NoRetention && span == "":
		bad("retention", "how long? The retention mode is %s, and needs a span such as 3y", mode)
	}
	return r
}

// Retentions are the rules of integrations that have their own. The audit's anchors
// belong to all: where the installation has no rule, the firmest of these is theirs.
func (cfg *Config) Retentions() map[string]blob.Retention {
	out := map[string]blob.Retention{}
	firmest := cfg.Retention
	for _, i := range cfg.Integrations {
		if i.Retention != nil {
			out[bucket.Folder(i.Name)] = *i.Retention
			firmest = firmer(firmest, *i.Retention)
		}
	}
	if firmest != cfg.Retention {
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

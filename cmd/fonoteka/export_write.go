package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/bounded"
	"fonoteka/internal/exitcode"
	"fonoteka/internal/export"
	"fonoteka/internal/installation"
	"fonoteka/internal/pack"
	"fonoteka/internal/settings"
	"fonoteka/internal/sign"
	"fonoteka/internal/state"
	"fonoteka/internal/warehouse/exports"
	"fonoteka/internal/words"
)

// writeExport writes a package, or goes on with one.
func writeExport(c *cli.Context, cfg *settings.Config, choice pack.Selection, p places) error {
	values, err := state.Read(cfg.Data)
	if err != nil {
		return fmt.Errorf("%w (--data)", err)
	}
	trail, err := trailOf(c, cfg)
	if err != nil {
		return err
	}
	debug.SetGCPercent(40) // beside serve memory is worth more than the time: most of that goes into digests
	line := &progressLine{w: c.App.ErrWriter}
	o := export.Options{
		Dir: p.folder, Work: p.notes, SQL: exports.SQL(choice), TSA: c.String("tsa"), SignWith: signWith(c),
		Query: pack.Query{
			Program: "Fonoteka " + version, Installation: values.Installation, Case: c.String("case"), Reason: c.String("reason"), By: actor(c), Selection: choice,
		},
		Deliver:  p.deliver(c, line),
		Progress: func(p export.Progress) { line.say(exportProgress(p)) },
	}
	if err := signer(c, cfg, &o); err != nil {
		return err
	}
	return withStores(c, func(st *installation.Stores) error {
		db := exports.New(st.Warehouse)
		if err := beforeExport(c, db, choice, st, p); err != nil {
			return err
		}
		if err := installation.ShipNow(c.Context, cfg, st.Warehouse); err != nil { // custody shows what was logged until now
			return err
		}
		if o.Zone, err = db.Zone(c.Context, choice.Integration); err != nil {
			return err
		}
		source := db.Source(choice, st.Blob)
		o.Source = source
		o.Trail = &exports.Trail{
			DB: db, Audit: trail, Anchors: installation.NewAnchors(st.Blob, func() error { return nil }), Actor: actor(c), Dir: p.folder, Destination: p.destination(),
		}
		res, err := runExport(c.Context, o)
		line.clear()
		if err != nil {
			return goesOn(c, err)
		}
		if err := errors.Join(p.clean(), installation.ShipNow(c.Context, cfg, st.Warehouse)); err != nil {
			return err
		}
		return sayExport(c, p, o, res, source.NoParquet())
	})
}

// beforeExport says what is about to be written, and whether there is room for it.
func beforeExport(c *cli.Context, db *exports.DB, choice pack.Selection, st *installation.Stores, p places) error {
	if p.begun() {
		fmt.Fprintln(c.App.ErrWriter, "An export was begun here, and goes on.")
		return nil
	}
	e, err := previewOf(c, db, choice, st)
	if err != nil {
		return err
	}
	e.say(c.App.ErrWriter)
	said, err := p.room(e.size)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.App.ErrWriter, "Space:       "+said)
	return p.make()
}

// runExport fixes the selection anew where its calls changed meanwhile.
func runExport(ctx context.Context, o export.Options) (res export.Result, err error) {
	for range 5 {
		if res, err = export.Run(ctx, o); !errors.Is(err, exports.ErrMoved) {
			break
		}
	}
	return res, err
}

// goesOn tells a person who stopped it how it goes on.
func goesOn(c *cli.Context, err error) error {
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(c.App.ErrWriter, "Stopped. The same command again goes on where it was.")
	}
	return err
}

// signer opens the key that signs.
func signer(c *cli.Context, cfg *settings.Config, o *export.Options) error {
	if c.Bool("unsigned") {
		return nil
	}
	vault, err := state.OpenVault(cfg.Data, cfg.Key)
	if err != nil {
		return err
	}
	private, bundle, err := sign.Ring{Store: vault}.Open()
	if errors.Is(err, sign.ErrNone) {
		return fmt.Errorf("%w; --unsigned goes without", err)
	}
	o.Signer, o.Bundle = &private, bundle
	return err
}

// maxSignature is far above what a signer returns, bytes.
const maxSignature = 4 << 20

// signWith runs the customer's own signer.
func signWith(c *cli.Context) export.SignWith {
	command := c.String("sign-with")
	if command == "" {
		return export.SignWith{}
	}
	return export.SignWith{Ext: "." + c.String("sign-with-ext"), Sign: func(ctx context.Context, path string) ([]byte, error) {
		dir, err := os.MkdirTemp("", "fonoteka-sign-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		into := filepath.Join(dir, "signature")
		cmd := exec.CommandContext(ctx, "sh", "-c", command, "sh", path, into)
		cmd.Stderr = c.App.ErrWriter
		said, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("--sign-with: %w", err)
		}
		if file, err := bounded.ReadFile(into, maxSignature); err == nil {
			said = file
		}
		if len(said) == 0 || len(said) > maxSignature {
			return nil, fmt.Errorf("--sign-with: it gave %d bytes, neither on its output nor in $2 a signature", len(said))
		}
		return said, nil
	}}
}

type exportJSON struct {
	Package     string `json:"package"`
	Calls       int    `json:"calls"`
	Unanswered  int    `json:"unanswered"`
	Recordings  int    `json:"recordings"`
	Files       int    `json:"files"`
	Missing     int    `json:"missing"`
	Damaged     int    `json:"damaged"`
	Wrong       int    `json:"wrong"`
	Complete    bool   `json:"complete"`
	TagManifest string `json:"tag_manifest_sha256"`
	Fingerprint string `json:"fingerprint"`
	Stamped     bool   `json:"time_stamped"`
}

// sayExport says what was written.
func sayExport(c *cli.Context, p places, o export.Options, r export.Result, noParquet error) error {
	where, w := cmp.Or(p.file, p.folder), c.App.Writer
	if p.file == "-" {
		w = c.App.ErrWriter
	}
	fingerprint := ""
	if o.Signer != nil {
		fingerprint = o.Bundle.Key.Fingerprint()
	}
	for _, warning := range []struct {
		is   bool
		text string
	}{
		{r.StampFailed != nil, fmt.Sprintf("there is no time stamp: %v (fonoteka export timestamp adds one later)", r.StampFailed)},
		{r.SheetFull, "there is no calls.xlsx: a sheet has fewer rows than there are calls; calls.csv has all"},
		{noParquet != nil, fmt.Sprintf("there is no calls.parquet: %v", noParquet)},
		{r.Counts.Calls == 0, "no call matches: the package says so, and has none"},
	} {
		if warning.is {
			fmt.Fprintln(c.App.ErrWriter, "fonoteka:", warning.text)
		}
	}
	if c.Bool("json") {
		err := lines(w, []exportJSON{{
			where, r.Counts.Calls, r.Counts.Unanswered, r.Counts.Recordings, r.Files, r.Missing, r.Unplayable, r.Wrong, r.Complete(),
			fmt.Sprintf("%x", r.TagManifest), fingerprint, o.TSA != "" && r.StampFailed == nil,
		}})
		return errors.Join(err, whetherComplete(r))
	}
	sayResult(w, where, fingerprint, r)
	return whetherComplete(r)
}

func sayResult(w io.Writer, where, fingerprint string, r export.Result) {
	fmt.Fprintf(w, "Wrote %s: %s, %s of recordings.\n", where, words.Count(r.Counts.Calls, "call"), words.Count(r.Files, "file"))
	if !r.Complete() {
		fmt.Fprintf(w, "Not complete: %d without audio or not found, %d damaged, %d not as archived (metadata/missing.csv, metadata/recordings.csv).\n", r.Missing, r.Unplayable, r.Wrong)
	}
	if fingerprint != "" {
		fmt.Fprintf(w, "Signed by the key with the fingerprint %s; tell it to the receiver by another way than the package.\n", fingerprint)
	}
}

func whetherComplete(r export.Result) error {
	if !r.Complete() {
		return exitcode.Incomplete
	}
	return nil
}

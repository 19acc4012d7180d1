package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/bagit"
	"fonoteka/internal/bounded"
	"fonoteka/internal/exitcode"
	"fonoteka/internal/installation"
	"fonoteka/internal/pack"
	"fonoteka/internal/settings"
	"fonoteka/internal/sign"
	"fonoteka/internal/state"
	"fonoteka/internal/verify"
	"fonoteka/internal/warehouse/exports"
	"fonoteka/internal/words"
)

func exportCheckCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "compare a package with the audit of the installation that wrote it",
		ArgsUsage: "PACKAGE",
		Description: `Checks PACKAGE as fonoteka verify does, with this installation's own keys, and looks
in the audit for the entries with which it was begun and ended: the second names the
digest of its tag manifest, and so the whole package, signed or not.

Exit status: 0 it is the package that this installation wrote; 3 something was found,
or the audit does not know it. fonoteka audit verify tells whether the audit itself
is whole.`,
		Flags:  append([]cli.Flag{jsonFlag(), settings.KeyFlag()}, settings.DataFlags()...),
		Action: checkExport,
	}
}

// checkJSON is what is said to a program.
type checkJSON struct {
	Package *verify.Result  `json:"package"`
	Audit   exports.Checked `json:"audit"`
}

func checkExport(c *cli.Context) error {
	if c.NArg() != 1 {
		return usage("name one package: a folder, a zip or a tar")
	}
	cfg, err := load(c, settings.ForStores)
	if err != nil {
		return err
	}
	trusted, err := ownKeys(cfg)
	if err != nil {
		return err
	}
	src, err := verify.Open(c.Args().First(), bagit.Limits{})
	if err != nil {
		return err
	}
	defer src.Close()
	whole, err := verify.Check(c.Context, src, verify.Options{Ours: true, Trust: trusted})
	if err != nil {
		return err
	}
	begin, manifest, readable := beginOf(src)
	return withAudit(c, func(_ *audit.Trail, st *installation.Stores, unshipped error) error {
		if unshipped != nil {
			return unshipped
		}
		var known exports.Checked
		if readable {
			if known, err = exports.New(st.Warehouse).Check(c.Context, begin, manifest); err != nil {
				return err
			}
		}
		if c.Bool("json") {
			err = lines(c.App.Writer, []checkJSON{{whole, known}})
		} else if err = whole.Say(c.App.Writer, verify.English); err == nil {
			sayChecked(c.App.Writer, known)
		}
		if err == nil && (whole.Verdict == verify.Found || !known.Same()) {
			err = exitcode.Found
		}
		return err
	})
}

// ownKeys are the key of the installation and all before it; none where it has none.
func ownKeys(cfg *settings.Config) (t sign.Trusted, err error) {
	vault, err := state.OpenVault(cfg.Data, cfg.Key)
	if err != nil {
		return t, err
	}
	_, bundle, err := sign.Ring{Store: vault}.Open()
	if errors.Is(err, sign.ErrNone) {
		return t, nil
	}
	t.Keys = append(t.Keys, bundle.Key)
	for _, r := range bundle.Rotations {
		t.Keys = append(t.Keys, r.Old)
	}
	return t, err
}

// beginOf reads the entry with which a package was begun, and the digest of its tag
// manifest; false where they cannot be read, which verify has told.
func beginOf(src verify.Source) (begin pack.Entry, manifest [sha256.Size]byte, ok bool) {
	var q pack.Query
	query, err := partOf(src, pack.QueryFile)
	if err == nil {
		err = pack.ReadDocument(query, &q)
	}
	proof, err2 := partOf(src, pack.ProofFile)
	tags, err3 := partOf(src, pack.TagManifest)
	if errors.Join(err, err2, err3) != nil {
		return begin, manifest, false
	}
	begin, _, err = pack.ReadProof(proof, sha256.Sum256(query), q)
	return begin, sha256.Sum256(tags), err == nil
}

// maxPart is far above what a document of a package has, bytes.
const maxPart = 256 << 20

func partOf(src verify.Source, name string) ([]byte, error) {
	r, err := src.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return bounded.Read(r, maxPart)
}

func sayChecked(w io.Writer, known exports.Checked) {
	switch {
	case known.Begin == nil:
		fmt.Fprintln(w, "THE AUDIT OF THIS INSTALLATION DOES NOT KNOW IT: no entry begins this package.")
	case known.End == nil:
		fmt.Fprintf(w, "THE AUDIT KNOWS ANOTHER PACKAGE. This one was begun by %s (entry %d), and no entry that ends it names its tag manifest: it was changed since, or never finished.\n", known.Begin.Actor, known.Begin.Seq)
	default:
		fmt.Fprintf(w, "THIS INSTALLATION WROTE IT, as it is. Begun by %s at %s UTC (entry %d of the audit), finished at %s UTC (entry %d).\n",
			known.Begin.Actor, words.Clock(known.Begin.At), known.Begin.Seq, words.Clock(known.End.At), known.End.Seq)
	}
}

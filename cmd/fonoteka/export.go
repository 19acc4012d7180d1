package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/export"
	"fonoteka/internal/settings"
)

func exportCommand() *cli.Command {
	return &cli.Command{
		Name:  "export",
		Usage: "calls with their recordings as a signed package, which others can check without Fonoteka",
		Description: `Chooses calls, and writes them with all their recordings, the custody of each, and
what is missing, into a bag of BagIt 1.0 (RFC 8493), signed with the key of fonoteka
keys. Whoever gets it can check it with fonoteka verify, or with sha256sum and
minisign alone: READ-ME.en.txt in it says how.

  fonoteka export --from 2026-03-01 --to 2026-04-01 --number '+7 916 000-00-00' \
      --case A40-1234/2026 --reason 'request of 2026-04-02' -o package.zip

A folder is written first, always; .zip, .tar and - (a tar to standard output) are made
from it, so that they need twice the space. Stopped at any point and started again
with the same arguments, it goes on. --dry-run says what would be written, how much,
and whether there is room for it.

Who exported which case, and how much, is noted in the audit, before anything is
copied. The numbers and the reason are not: they are in the package, and in the table
exports (fonoteka export list).

Status 6 says that the package was written, and that something which should be in it is
missing, damaged or on its way (metadata/missing.csv).`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "from", Usage: "calls that began at or after `TIME`, UTC: 2026-03-02 or 2026-03-02T10:00:00"},
			&cli.StringFlag{Name: "to", Usage: "calls that began before `TIME`"},
			&cli.StringSliceFlag{Name: "number", Usage: "calls with `NUMBER`, in any spelling: the client's, the company's, or one that an internal call shows; may be repeated"},
			&cli.StringSliceFlag{Name: "employee", Usage: "calls with `NAME`, or an account, as a party: whoever talked, called or was called; may be repeated"},
			&cli.StringSliceFlag{Name: "department", Usage: "calls with somebody of `DEPARTMENT` as a party; may be repeated"},
			&cli.StringFlag{Name: "direction", Usage: "`DIRECTION`: incoming, outgoing, internal, unknown"},
			&cli.StringFlag{Name: "outcome", Usage: "`OUTCOME`: answered, missed, abandoned, no_answer, unknown"},
			&cli.StringFlag{Name: "integration", Usage: "`NAME` of the operator's integration"},
			&cli.StringSliceFlag{Name: "call", Usage: "the call with `ID`: ours, the operator's, or that of a recording; may be repeated. Other choices than --integration do not go with it"},
			&cli.StringFlag{Name: "ids", Usage: "such ids from `FILE`, one a line; - reads standard input. Those that match nothing are listed in the package"},
			&cli.StringFlag{Name: "case", Usage: "`CASE` that the package is for: a number of proceedings, a reference; the audit names it"},
			&cli.StringFlag{Name: "reason", Usage: "`WHY`, in words: for the package and the table exports, not for the audit"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`WHERE` the package goes: a folder that is not there yet, FILE.zip, FILE.tar, or - for a tar to standard output"},
			&cli.StringFlag{Name: "work", Usage: "`FOLDER` for what is made on the way; default: WHERE with .work behind it"},
			&cli.BoolFlag{Name: "without-quarantine", Usage: "leave damaged audio out; it is listed all the same"},
			&cli.StringFlag{Name: "tsa", Usage: "`URL` of an authority that stamps the time (RFC 3161); it is told a digest, nothing else"},
			&cli.StringFlag{Name: "sign-with", Usage: "run `COMMAND` of your own signer too, by sh: $1 is the file to sign; the signature comes from its output, or lies in the file $2"},
			&cli.StringFlag{Name: "sign-with-ext", Value: "sig", Usage: "`EXTENSION` of that signature's name: p7s"},
			&cli.BoolFlag{Name: "unsigned", Usage: "do not sign: whoever changes such a package can make its lists anew"},
			&cli.BoolFlag{Name: "dry-run", Usage: "say what would be written, and write nothing"},
			asFlag(), jsonFlag(), settings.AreaCodeFlag(), settings.KeyFlag(),
		}, settings.DataFlags()...),
		Action:      exportPackage,
		Subcommands: []*cli.Command{exportListCommand(), exportCheckCommand(), exportTimestampCommand()},
	}
}

func exportPackage(c *cli.Context) error {
	if c.NArg() > 0 {
		return usage("export: there is no such command, and calls are chosen by flags: --from, --number, --call …")
	}
	cfg, err := load(c, settings.ForStores)
	if err != nil {
		return err
	}
	choice, err := exportChoice(c, cfg.Rules)
	if err != nil {
		return err
	}
	if c.Bool("dry-run") {
		return previewExport(c, choice)
	}
	p, err := exportPlaces(c)
	if err != nil {
		return err
	}
	return writeExport(c, cfg, choice, p)
}

// exportProgress is how far a package is, as a line.
func exportProgress(p export.Progress) string {
	if p.Of == 0 {
		return "exporting: " + p.Step
	}
	return fmt.Sprintf("exporting: %d of %d files, %s of %s", p.Objects, p.Of, fileSize(p.Bytes), fileSize(p.OfBytes))
}

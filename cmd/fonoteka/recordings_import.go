package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/announce"
	"fonoteka/internal/audit"
	"fonoteka/internal/exitcode"
	"fonoteka/internal/fetch"
	"fonoteka/internal/importfile"
	"fonoteka/internal/printable"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/words"
)

func importCommand() *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "take links of recordings from a table that another system exported",
		ArgsUsage: "FILE.csv",
		Description: `The first line names the columns, in any order and among others: url is needed;
call_id (the operator's), account_id, recorded_at and integration help where
they are known. Comma, semicolon or tab; UTF-8, UTF-16 or windows-1251.

What is new goes into the catalogue, marked as imported in its chain of custody,
and fonoteka serve fetches it, what expires first first. It may run meanwhile or
be started later. Doing it again changes nothing.

Each line that cannot be taken is named on standard error; the others are taken.
Exit status: 0 all lines were taken, 6 some were not.

  fonoteka recordings import --dry-run --column url=Ссылка crm-2026.csv`,
		Flags: append(append([]cli.Flag{
			&cli.StringSliceFlag{Name: "column", Usage: "`NAME=HEADER`: the table calls our column NAME so, e.g. url=Ссылка"},
			&cli.StringFlag{Name: "integration", Usage: "`NAME` of the integration of rows that name none"},
			&cli.BoolFlag{Name: "dry-run", Usage: "only read the table and say what would be done"},
		}, append(settings.IntegrationFlags(), settings.RecordHostsFlag())...), settings.DataFlags()...),
		Action: importRecordings,
	}
}

func importRecordings(c *cli.Context) error {
	if c.NArg() != 1 {
		return usage("recordings import: give one file")
	}
	cfg, err := load(c, settings.ForReplay)
	if err != nil {
		return err
	}
	headers, err := columns(c.StringSlice("column"))
	if err != nil {
		return err
	}
	f, err := os.Open(c.Args().First())
	if err != nil {
		return err
	}
	defer f.Close()
	digest := sha256.New()
	if _, err := io.Copy(digest, f); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	o := importfile.Options{Zones: map[string]*time.Location{}, Integration: c.String("integration"), Headers: headers}
	for _, i := range cfg.Integrations {
		o.Zones[i.Name] = i.Zone
	}
	table, err := importfile.NewReader(f, o)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	im := &announce.Import{
		LinkLife: cfg.LinkLife, DryRun: c.Bool("dry-run"), Now: time.Now().UTC().Truncate(time.Millisecond),
		Detail: "file sha256 " + hex.EncodeToString(digest.Sum(nil)), Forbidden: func(link string) string { return forbidden(cfg, link) },
	}
	run := func() (string, error) {
		return "", withWarehouse(c, func(db *warehouse.DB) error {
			im.Catalogue = catalogue.New(db)
			return im.Run(c.Context, table, func(p *importfile.Problem) { fmt.Fprintln(c.App.ErrWriter, p) }, importProgress(im, c.App.ErrWriter))
		})
	}
	if im.DryRun {
		_, err = run()
	} else {
		err = audited(c, cfg, audit.Entry{Action: "recordings.import", Integration: c.String("integration"), Detail: im.Detail}, run)
	}
	if err != nil {
		return err
	}
	reportImport(c.App.Writer, im, filepath.Base(f.Name()))
	if im.Bad > 0 {
		return exitcode.Incomplete
	}
	return nil
}

func columns(pairs []string) (map[string]string, error) {
	out := map[string]string{}
	for _, pair := range pairs {
		ours, theirs, ok := strings.Cut(pair, "=")
		if !ok || theirs == "" {
			return nil, usage("--column: %q is not NAME=HEADER", pair)
		}
		out[strings.TrimSpace(ours)] = strings.TrimSpace(theirs)
	}
	return out, nil
}

// forbidden says why the settings forbid to fetch a link; "": they do not.
func forbidden(cfg *settings.Config, link string) string {
	if f, ok := errors.AsType[*fetch.Failure](cfg.RecordHosts.Check(link)); ok {
		return f.Sentence()
	}
	return ""
}

// importProgress says every few seconds how far an import is.
func importProgress(im *announce.Import, w io.Writer) func() {
	began, said := time.Now(), time.Now()
	return func() {
		if time.Since(said) > 5*time.Second {
			said = time.Now()
			fmt.Fprintf(w, "%s lines read, %s added, %v\n", words.Grouped(im.Rows+im.Bad), words.Grouped(im.Added), said.Sub(began).Round(time.Second))
		}
	}
}

func reportImport(w io.Writer, im *announce.Import, name string) {
	verb := map[bool]string{false: "added to the catalogue", true: "would be added (--dry-run)"}[im.DryRun]
	fmt.Fprintf(w, "%s, lines read: %s\n", name, words.Grouped(im.Rows+im.Bad))
	say := func(n int, what string) {
		if n > 0 {
			fmt.Fprintf(w, "%10s %s\n", words.Grouped(n), what)
		}
	}
	fmt.Fprintf(w, "%10s %s\n", words.Grouped(im.Added), verb)
	say(im.Known, "there already, unchanged")
	say(im.Bad, "not taken: named above, with what is wrong")
	total := 0
	for _, n := range im.Refused {
		total += n
	}
	say(im.Overdue, "of the added: past the operator's term already; tried for two weeks all the same")
	say(total, "of the added: refused by policy, as their hosts or ports are not in the list of record hosts (--record-hosts)")
	hosts := slices.SortedFunc(maps.Keys(im.Refused), func(a, b string) int {
		return cmp.Or(cmp.Compare(im.Refused[b], im.Refused[a]), cmp.Compare(a, b))
	})
	for _, h := range hosts[:min(len(hosts), 10)] {
		fmt.Fprintf(w, "%21s %s\n", words.Grouped(im.Refused[h]), shownHost(h))
	}
	if len(hosts) > 10 {
		fmt.Fprintf(w, "%21s and %s more\n", "", words.Count(len(hosts)-10, "host"))
	}
	if im.Added > 0 && !im.DryRun {
		fmt.Fprintf(w, "fonoteka serve fetches them, what expires first first; the first link ends %s.\nTo watch: fonoteka recordings progress --watch\n", words.Clock(im.First))
	}
}

// shownHost is a host as it may be shown, cut.
func shownHost(s string) string { return printable.Quote(s[:min(len(s), 100)]) }

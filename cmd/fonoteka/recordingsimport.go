package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/archive"
	"fonoteka/internal/audit"
	"fonoteka/internal/call"
	"fonoteka/internal/linkfile"
	"fonoteka/internal/printable"
	"fonoteka/internal/warehouse"
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
Exit status: 0 all lines were taken, 1 some were not.`,
		Flags: append(append([]cli.Flag{
			&cli.StringSliceFlag{Name: "column", Usage: "`NAME=HEADER`: the table calls our column NAME so, e.g. url=Ссылка"},
			&cli.StringFlag{Name: "integration", Usage: "`NAME` of the integration of rows that name none"},
			&cli.BoolFlag{Name: "dry-run", Usage: "only read the table and say what would be done"},
		}, append(integrationFlags(), recordHostsFlag())...), dataFlags()...),
		Action: importRecordings,
	}
}

// importBatch is how many rows are looked up and written at once.
const importBatch = 5000

// imported is the state of an import, and in the end its report.
type imported struct {
	cfg    *config
	db     *warehouse.DB
	dryRun bool
	now    time.Time
	detail string // of the step in the chain of custody

	rows, added, known, bad int
	overdue                 int
	refused                 map[string]int // of those added, by host
	first                   time.Time      // the earliest end of a link added
}

func importRecordings(c *cli.Context) error {
	if c.NArg() != 1 {
		return errors.New("recordings import: give one file")
	}
	cfg, err := loadConfig(c, forReplay)
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
	o := linkfile.Options{Zones: map[string]*time.Location{}, Integration: c.String("integration"), Headers: headers}
	for _, i := range cfg.integrations {
		o.Zones[i.name] = i.zone
	}
	table, err := linkfile.NewReader(f, o)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	im := &imported{
		cfg: cfg, dryRun: c.Bool("dry-run"), now: time.Now().UTC().Truncate(time.Millisecond), refused: map[string]int{},
		detail: "file sha256 " + hex.EncodeToString(digest.Sum(nil)),
	}
	run := func() (string, error) {
		return "", withWarehouse(c, func(db *warehouse.DB) error {
			im.db = db
			return im.run(c.Context, table, c.App.ErrWriter)
		})
	}
	if im.dryRun {
		_, err = run()
	} else {
		err = audited(c, cfg, audit.Entry{Action: "recordings.import", Integration: c.String("integration"), Detail: im.detail}, run)
	}
	if err != nil {
		return err
	}
	im.report(c.App.Writer, filepath.Base(f.Name()))
	if im.bad > 0 {
		return exitStatus(1)
	}
	return nil
}

func columns(pairs []string) (map[string]string, error) {
	out := map[string]string{}
	for _, pair := range pairs {
		ours, theirs, ok := strings.Cut(pair, "=")
		if !ok || theirs == "" {
			return nil, fmt.Errorf("--column: %q is not NAME=HEADER", pair)
		}
		out[strings.TrimSpace(ours)] = strings.TrimSpace(theirs)
	}
	return out, nil
}

func (im *imported) run(ctx context.Context, table *linkfile.Reader, problems io.Writer) error {
	var batch []linkfile.Row
	began, said := time.Now(), time.Now()
	for {
		row, err := table.Next()
		problem, bad := errors.AsType[*linkfile.Problem](err)
		switch {
		case bad:
			im.bad++
			fmt.Fprintln(problems, problem)
			continue
		case err == nil:
			im.rows++
			batch = append(batch, row)
		case !errors.Is(err, io.EOF):
			return fmt.Errorf("read the table: %w", err)
		}
		if len(batch) == importBatch || err != nil {
			if err := im.take(ctx, batch); err != nil {
				return fmt.Errorf("%w (%d lines had been taken; import the file again)", err, im.added+im.known)
			}
			batch = batch[:0]
		}
		if err != nil {
			return nil
		}
		if time.Since(said) > 5*time.Second {
			said = time.Now()
			fmt.Fprintf(problems, "%s lines read, %s added, %v\n", grouped(im.rows+im.bad), grouped(im.added), said.Sub(began).Round(time.Second))
		}
	}
}

// take writes what the catalogue does not have. The step in the chain of
// custody comes first: a crash between the two leaves a step too many, and no
// recording of unknown origin.
func (im *imported) take(ctx context.Context, batch []linkfile.Row) error {
	recordings := make([]call.Recording, len(batch))
	for i, row := range batch {
		recordings[i] = im.recording(row)
	}
	known, err := im.db.KnownRecordings(ctx, recordings)
	if err != nil {
		return err
	}
	var fresh []call.Recording
	var steps []call.Custody
	type key struct{ integration, id string }
	in := map[key]bool{}
	for i, r := range recordings {
		k := key{r.Integration, r.ID}
		twice := in[k] // links that differ in their signature are one
		in[k] = true
		if known[i] || twice {
			im.known++
			continue
		}
		im.note(r)
		fresh = append(fresh, r)
		steps = append(steps, call.Custody{
			Integration: r.Integration, RecordingID: r.ID, Step: "imported", At: im.now, Detail: fmt.Sprintf("%s line %d", im.detail, batch[i].Line),
		})
	}
	im.added += len(fresh)
	if im.dryRun {
		return nil
	}
	if err := im.db.AddCustody(ctx, steps); err != nil {
		return err
	}
	return im.db.AnnounceRecordings(ctx, fresh)
}

// recording is announced by its import. The link's end is reckoned from the
// earliest date that is known.
func (im *imported) recording(row linkfile.Row) call.Recording {
	made := im.now
	if !row.RecordedAt.IsZero() && row.RecordedAt.Before(made) {
		made = row.RecordedAt
	}
	r := call.Recording{
		Integration: row.Integration, ID: call.RecordingID(row.Integration, row.Link), URL: row.Link, AccountID: row.AccountID,
		AnnouncedAt: im.now, ExpiresAt: call.Expiry(made, row.Link, im.cfg.linkLife(row.Integration)),
	}
	if row.CallID != "" {
		r.PlatformID, r.PlatformCallID = row.CallID, call.BaseID(row.CallID)
		r.GroupID = call.ID(row.Integration, r.PlatformCallID)
	}
	return r
}

func (im *imported) note(r call.Recording) {
	if f, ok := errors.AsType[*archive.Failure](im.cfg.recordHosts.Check(r.URL)); ok {
		host := f.Sentence()
		if u, err := url.Parse(r.URL); err == nil {
			host = u.Scheme + "://" + u.Host
		}
		im.refused[host]++
	}
	if im.first.IsZero() || r.ExpiresAt.Before(im.first) {
		im.first = r.ExpiresAt
	}
	if !r.ExpiresAt.After(im.now) {
		im.overdue++
	}
}

func (im *imported) report(w io.Writer, name string) {
	verb := map[bool]string{false: "added to the catalogue", true: "would be added (--dry-run)"}[im.dryRun]
	fmt.Fprintf(w, "%s, lines read: %s\n", name, grouped(im.rows+im.bad))
	say := func(n int, what string) {
		if n > 0 {
			fmt.Fprintf(w, "%10s %s\n", grouped(n), what)
		}
	}
	fmt.Fprintf(w, "%10s %s\n", grouped(im.added), verb)
	say(im.known, "there already, unchanged")
	say(im.bad, "not taken: named above, with what is wrong")
	total := 0
	for _, n := range im.refused {
		total += n
	}
	say(im.overdue, "of the added: past the operator's term already; tried for two weeks all the same")
	say(total, "of the added: refused by policy, as their hosts or ports are not in the list of record hosts (--record-hosts)")
	hosts := slices.SortedFunc(maps.Keys(im.refused), func(a, b string) int {
		return cmp.Or(cmp.Compare(im.refused[b], im.refused[a]), cmp.Compare(a, b))
	})
	for _, h := range hosts[:min(len(hosts), 10)] {
		fmt.Fprintf(w, "%21s %s\n", grouped(im.refused[h]), shownHost(h))
	}
	if len(hosts) > 10 {
		fmt.Fprintf(w, "%21s and %s more\n", "", count(len(hosts)-10, "host"))
	}
	if im.added > 0 && !im.dryRun {
		fmt.Fprintf(w, "fonoteka serve fetches them, what expires first first; the first link ends %s.\nTo watch: fonoteka recordings progress --watch\n", clock(im.first))
	}
}

// shownHost is a host as it may be shown, cut.
func shownHost(s string) string { return printable.Quote(s[:min(len(s), 100)]) }

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/blob"
	"fonoteka/internal/embedded"
	"fonoteka/internal/state"
)

// examination is one part of the installation that doctor tries out.
type examination struct {
	name        string
	usage       string
	description string
	run         func(context.Context, *config) (report, error)
}

// report is what an examination found.
type report struct {
	of       string // what was examined, for people
	findings []blob.Finding
}

// examinations are all there are; doctor alone runs them in this order.
func examinations() []examination {
	return []examination{{
		name:  "s3",
		usage: "try out what the object store can do",
		description: `Stores, reads, locks and deletes small objects and says what the store can do:
whether it keeps what the archive promises. It works below the prefix
` + blob.Scratch + ` of the bucket and, if it may make one, in a bucket of its own,
and removes all of it. Locks make it last about six seconds.

"not needed" is what the store lacks, and this configuration can do without. The
exit status is 0 if nothing is lacking that the configuration needs.`,
		run: examineS3,
	}}
}

func doctorCommand() *cli.Command {
	flags := func() []cli.Flag { return append([]cli.Flag{jsonFlag()}, dataFlags()...) }
	doctor := &cli.Command{
		Name:  "doctor",
		Usage: "try out whether what this installation stands on can do what it needs",
		Flags: flags(),
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return fmt.Errorf("doctor: there is no examination of %q (see: fonoteka doctor --help)", c.Args().First())
			}
			return examine(c, examinations()...)
		},
	}
	for _, e := range examinations() {
		doctor.Subcommands = append(doctor.Subcommands, &cli.Command{
			Name: e.name, Usage: e.usage, Description: e.description, Flags: flags(),
			Action: func(c *cli.Context) error { return examine(c, e) },
		})
	}
	return doctor
}

// examine runs examinations and prints what they found. Its error names what is
// lacking.
func examine(c *cli.Context, all ...examination) error {
	cfg, err := loadConfig(c, forStores)
	if err != nil {
		return err
	}
	var lacking []string
	for _, e := range all {
		r, err := e.run(c.Context, cfg)
		if err != nil {
			return err
		}
		for _, f := range r.findings {
			if f.Answer == blob.No {
				lacking = append(lacking, e.name+": "+f.Check)
			}
		}
		if err := r.print(c.App.Writer, e.name, c.Bool("json")); err != nil {
			return err
		}
	}
	if len(lacking) > 0 {
		return fmt.Errorf("the configuration needs what is not there: %s", strings.Join(lacking, ", "))
	}
	if !c.Bool("json") {
		_, err = fmt.Fprintln(c.App.Writer, "\nAll that this configuration needs is there.")
	}
	return err
}

func examineS3(ctx context.Context, cfg *config) (_ report, err error) {
	var values state.Values
	if cfg.s3URL == "" {
		alone := *cfg
		alone.clickhouseURL = "" // it says nothing about the store
		v, stop, err := alone.reach(ctx, []embedded.Store{embedded.StoreS3})
		if err != nil {
			return report{}, err
		}
		defer func() { err = errors.Join(err, stop()) }()
		values = v
	}
	b, err := blob.Open(cfg.blobOptions(values))
	if err != nil {
		return report{}, err
	}
	defer b.Close()
	where := b.Location()
	of := fmt.Sprintf("bucket %s at %s", where.Bucket, where.Endpoint)
	if cfg.s3URL == "" {
		of += " (embedded)"
	}
	return report{of: of, findings: b.Probe(ctx)}, nil
}

// answerJSON is a finding for programs.
type answerJSON struct {
	Part string `json:"part"`
	blob.Finding
}

// meansWidth is how wide the last column may be: the whole fits 110 columns.
const meansWidth = 80

func (r report) print(w io.Writer, part string, asJSON bool) error {
	if asJSON {
		out := make([]answerJSON, len(r.findings))
		for i, f := range r.findings {
			out[i] = answerJSON{part, f}
		}
		return lines(w, out)
	}
	fmt.Fprintf(w, "%s: %s\n\n", part, r.of)
	var cells [][]string
	for _, f := range r.findings {
		text := wrapText(f.Means, meansWidth)
		if f.Answer == blob.No {
			text = append(text, wrapText("→ "+f.Do, meansWidth)...)
			if f.Detail != "" {
				text = append(text, wrapText("(in detail: "+f.Detail+")", meansWidth)...)
			}
		}
		for i, line := range text {
			if i == 0 {
				cells = append(cells, []string{f.Check, string(f.Answer), line})
			} else {
				cells = append(cells, []string{"", "", line})
			}
		}
	}
	return table(w, []string{"CHECK", "ANSWER", "WHAT IT MEANS"}, cells)
}

// wrapText breaks s between words into lines of at most width characters; a
// longer word stays whole.
func wrapText(s string, width int) []string {
	var out []string
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			out, line = append(out, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(out, line)
}

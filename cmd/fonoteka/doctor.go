package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/blob"
	"fonoteka/internal/checkup"
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
	findings []checkup.Finding
}

// examinations are all there are; doctor alone runs them in this order.
func examinations() []examination {
	return []examination{{
		name: "serve", usage: "is it running, does it take notifications and pass them on?", run: examineServe,
	}, {
		name: "spool", usage: "was it damaged, what is missing, and does a person know?", run: examineSpool,
	}, {
		name: "redirect", usage: "name, certificate and answers of each redirect URI, as far as they can be known from here",
		description: `Does what the operator's cabinet does before it gives out an id: GET and HEAD of
the redirect URI and an empty POST to its /events. Then it makes one that claims
to come from elsewhere, as anybody can, and asks the running serve whether that
was believed: it is where the proxy passes on what its client wrote. Whether the
operator gets through cannot be known from here.`,
		run: examineRedirects,
	}, {
		name: "machine", usage: "the clock and the disk", run: examineMachine,
	}, {
		name: "stores", usage: "ClickHouse and Redis", run: examineStores,
	}, {
		name: "arrivals", usage: "do as many calls arrive as usual, and in the right time zone?",
		description: `Compares what came with the same hours of the eight weeks before, the announced
times with the receive times, and the call ids of the integrations with each
other.`,
		run: examineArrivals,
	}, {
		name: "login", usage: "is somebody logged in at the operator, and for how long?", run: examineLogin,
	}, {
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
	flags := func() []cli.Flag {
		return slices.Concat([]cli.Flag{jsonFlag()}, integrationFlags(), operatorFlags(), []cli.Flag{recordHostsFlag()}, dataFlags())
	}
	doctor := &cli.Command{
		Name:  "doctor",
		Usage: "look whether this installation and what it stands on can do what they must",
		Description: `Looks at everything that notifications pass on their way, says what it means,
and what to do. It changes nothing, and may run beside serve or without it. The
exit status is 0 if nothing is lacking; what it says "look" to works for now.`,
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
// lacking. An examination that cannot be made hinders no other.
func examine(c *cli.Context, all ...examination) error {
	cfg, err := loadConfig(c, forReplay)
	if err != nil {
		return err
	}
	var lacking []string
	var failed error
	for i, e := range all {
		r, err := e.run(c.Context, cfg)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", e.name, err))
			continue
		}
		for _, f := range r.findings {
			if f.Answer == checkup.No {
				lacking = append(lacking, e.name+": "+f.Check)
			}
		}
		if i > 0 && !c.Bool("json") {
			fmt.Fprintln(c.App.Writer)
		}
		if err := r.print(c.App.Writer, e.name, c.Bool("json")); err != nil {
			return err
		}
	}
	if len(lacking) > 0 {
		failed = errors.Join(failed, fmt.Errorf("this installation lacks what it needs: %s", strings.Join(lacking, ", ")))
	}
	if failed == nil && !c.Bool("json") {
		_, err = fmt.Fprintln(c.App.Writer, "\nAll that this configuration needs is there.")
		return err
	}
	return failed
}

// answerJSON is a finding for programs.
type answerJSON struct {
	Part string `json:"part"`
	checkup.Finding
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
		text := wrapText(f.Means)
		if f.Do != "" {
			text = append(text, wrapText("→ "+f.Do)...)
		}
		if f.Detail != "" && (f.Answer == checkup.No || f.Answer == checkup.Look) {
			text = append(text, wrapText("(in detail: "+f.Detail+")")...)
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

// wrapText breaks s between words into lines of at most meansWidth characters; a
// longer word stays whole.
func wrapText(s string) []string {
	var out []string
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > meansWidth {
			out, line = append(out, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(out, line)
}

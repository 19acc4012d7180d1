package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/doctor"
	"fonoteka/internal/exitcode"
	"fonoteka/internal/settings"
)

func doctorCommand() *cli.Command {
	flags := func() []cli.Flag {
		return slices.Concat([]cli.Flag{jsonFlag()}, settings.IntegrationFlags(), settings.OperatorFlags(), []cli.Flag{settings.RecordHostsFlag()}, settings.DataFlags())
	}
	command := &cli.Command{
		Name:  "doctor",
		Usage: "look whether this installation and what it stands on can do what they must",
		Description: `Looks at everything that notifications pass on their way, says what it means,
and what to do. It changes nothing, and may run beside serve or without it. The
exit status is 0 if nothing is lacking, 3 if something is; what it says "look" to
works for now.

  fonoteka doctor            all of it
  fonoteka doctor redirect   only what can be known of the redirect URIs`,
		Flags: flags(),
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usage("doctor: there is no examination of %q (see: fonoteka doctor --help)", c.Args().First())
			}
			return examine(c, doctor.Examinations()...)
		},
	}
	for _, e := range doctor.Examinations() {
		command.Subcommands = append(command.Subcommands, &cli.Command{
			Name: e.Name, Usage: e.Usage, Description: e.Description, Flags: flags(),
			Action: func(c *cli.Context) error { return examine(c, e) },
		})
	}
	return command
}

// examine runs examinations and prints what they found. Its error names what is
// lacking. An examination that cannot be made hinders no other.
func examine(c *cli.Context, all ...doctor.Examination) error {
	cfg, err := load(c, settings.ForReplay)
	if err != nil {
		return err
	}
	var lacking []string
	var failed error
	for i, e := range all {
		r, err := e.Run(c.Context, cfg)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", e.Name, err))
			continue
		}
		for _, f := range r.Findings {
			if f.Answer == doctor.No {
				lacking = append(lacking, e.Name+": "+f.Check)
			}
		}
		if i > 0 && !c.Bool("json") {
			fmt.Fprintln(c.App.Writer)
		}
		if err := printReport(r, c.App.Writer, e.Name, c.Bool("json")); err != nil {
			return err
		}
	}
	if len(lacking) > 0 {
		failed = errors.Join(failed, exitcode.Errorf(exitcode.Found, "this installation lacks what it needs: %s", strings.Join(lacking, ", ")))
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
	doctor.Finding
}

// meansWidth is how wide the last column may be: the whole fits 110 columns.
const meansWidth = 80

func printReport(r doctor.Report, w io.Writer, part string, asJSON bool) error {
	if asJSON {
		out := make([]answerJSON, len(r.Findings))
		for i, f := range r.Findings {
			out[i] = answerJSON{part, f}
		}
		return lines(w, out)
	}
	fmt.Fprintf(w, "%s: %s\n\n", part, r.Of)
	var cells [][]string
	for _, f := range r.Findings {
		text := wrapText(f.Means)
		if f.Do != "" {
			text = append(text, wrapText("→ "+f.Do)...)
		}
		if f.Detail != "" && (f.Answer == doctor.No || f.Answer == doctor.Look) {
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

package export

import (
	"embed"
	"io"
	"strings"
	"text/template"

	"fonoteka/internal/pack"
)

//go:embed page/READ-ME.ru.txt page/READ-ME.en.txt
var readmes embed.FS

// readmeFacts are what the READ-ME says of a package.
type readmeFacts struct {
	Case, Program, FixedUTC, Fingerprint                              string
	Calls, Unanswered, Recordings, Files, Missing, Quarantined, Wrong int
	WithoutQuarantine, SheetFull                                      bool
}

// readmes writes both. Lines end with CR and LF: the simplest program of Windows shows
// them as lines, and every other does.
func (r *run) readmes() error {
	c := r.fixed.Counts
	facts := readmeFacts{
		Case: r.query.Case, Program: r.query.Program, FixedUTC: r.plan.FixedAt.UTC().Format("2006-01-02 15:04:05"),
		Calls: c.Calls, Unanswered: c.Unanswered, Recordings: c.Recordings,
		Files: r.res.Files, Missing: r.res.Missing, Quarantined: r.res.Quarantined, Wrong: r.res.Wrong,
		WithoutQuarantine: r.query.Selection.WithoutQuarantine, SheetFull: r.res.SheetFull,
	}
	if r.o.Signer != nil {
		facts.Fingerprint = r.o.Bundle.Key.Fingerprint()
	}
	for _, name := range []string{pack.ReadmeRU, pack.ReadmeEN} {
		t, err := template.ParseFS(readmes, "page/"+name)
		if err != nil {
			return err
		}
		var text strings.Builder
		if err := t.Execute(&text, facts); err != nil {
			return err
		}
		err = r.write(name, func(w io.Writer) error {
			_, err := io.WriteString(w, "\ufeff"+strings.ReplaceAll(text.String(), "\n", "\r\n"))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

package export

import (
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"fonoteka/internal/pack"
)

// page is what index.html is made of. It needs no network and no server: what it shows
// comes as scripts, since a page from a disk may read no other files.
//
//go:embed page/index.html page/index.js
var page embed.FS

// A file of data has so many calls; with more than a thousand files, more.
const (
	perScript  = 5000
	maxScripts = 1000
)

// pageData is what rows are made of beside the calls.
type pageData struct {
	files   map[recordingKey][]any // path and milliseconds
	missing map[callKey]string
}

type callKey struct {
	integration string
	id          uint64
}

// index writes the page with its data.
func (r *run) index(t *tables) error {
	data, err := r.pageData()
	if err != nil {
		return err
	}
	var names []string
	var rows [][]any
	flush := func() error {
		name := fmt.Sprintf("data/index-data-%03d.js", len(names))
		part := rows
		first := len(names) == 0
		names, rows = append(names, name), nil
		return r.write(name, func(w io.Writer) error { return r.writeScript(w, part, first) })
	}
	many := max(perScript, r.fixed.Counts.Calls/maxScripts+1)
	err = r.eachCall(func(c pack.Call) error {
		rows = append(rows, data.row(c, t))
		if len(rows) == many {
			return flush()
		}
		return nil
	})
	if err == nil && (len(rows) > 0 || len(names) == 0) {
		err = flush()
	}
	if err != nil {
		return err
	}
	return r.writePage(names)
}

func (r *run) writePage(names []string) error {
	var tags strings.Builder
	for _, name := range names {
		tags.WriteString(`<script src="` + strings.TrimPrefix(name, "data/") + `"></script>` + "\n")
	}
	html, err := page.ReadFile("page/index.html")
	if err != nil {
		return err
	}
	if err := r.putBytes(pack.IndexFile, []byte(strings.Replace(string(html), "<!--data-->\n", tags.String(), 1))); err != nil {
		return err
	}
	script, err := page.ReadFile("page/index.js")
	if err != nil {
		return err
	}
	return r.putBytes(pack.ScriptFile, script)
}

// pageData reads back what recordings.csv and missing.csv say.
func (r *run) pageData() (d pageData, err error) {
	d = pageData{map[recordingKey][]any{}, map[callKey]string{}}
	err = r.read(pack.FilesFile, func(f io.Reader) error {
		return pack.EachFile(f, func(row pack.File) error {
			if row.Role == pack.Played {
				d.files[recordingKey{row.Integration, row.RecordingID}] = []any{strings.TrimPrefix(row.Path, "data/"), row.DurationMS}
			}
			return nil
		})
	})
	if err != nil {
		return d, err
	}
	err = r.read(pack.MissingFile, func(f io.Reader) error {
		return pack.EachMissing(f, func(m pack.Missing) error {
			state := m.State
			if state == "archived" { // what is wrong with it says more
				state = m.Code
			}
			d.missing[callKey{m.Integration, m.CallID}] = state
			return nil
		})
	})
	return d, err
}

// row is a call as index.js reads it, by place.
func (d pageData) row(c pack.Call, t *tables) []any {
	files := [][]any{}
	for _, id := range c.Recordings {
		if f, ok := d.files[recordingKey{c.Integration, id}]; ok {
			files = append(files, f)
		}
	}
	return []any{
		csvCell(local(c.StartedAt, t.zone)), c.StartedAt.String(), c.Direction, c.Outcome, c.ClientNumber, c.ExternalNumber, employee(c), c.Department,
		c.WaitMS, c.TalkMS, files, d.missing[callKey{c.Integration, c.CallID}], strconv.FormatUint(c.CallID, 10), cmp.Or(c.CallerName, c.Caller), cmp.Or(c.CalleeName, c.Callee),
	}
}

// pageMeta is what the page says of the package as a whole.
type pageMeta struct {
	Case       string `json:"case"`
	Zone       string `json:"zone"`
	Fixed      string `json:"fixed"`
	Calls      int    `json:"calls"`
	Recordings int    `json:"recordings"`
}

// writeScript writes a file of data. encoding/json writes < and > as escapes, so that no
// text of a call can end the script.
func (r *run) writeScript(w io.Writer, rows [][]any, first bool) error {
	var out strings.Builder
	if first {
		c := r.fixed.Counts
		meta, err := json.Marshal(pageMeta{r.query.Case, r.o.Zone.String(), csvCell(local(r.plan.FixedAt, r.o.Zone)), c.Calls, c.Recordings})
		if err != nil {
			return err
		}
		out.WriteString("F.meta(" + string(meta) + ");\n")
	}
	out.WriteString("F.add([\n")
	for i, row := range rows {
		line, err := json.Marshal(row)
		if err != nil {
			return err
		}
		if out.Write(line); i < len(rows)-1 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
	}
	out.WriteString("]);\n")
	_, err := io.WriteString(w, out.String())
	return err
}

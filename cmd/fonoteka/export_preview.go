package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/installation"
	"fonoteka/internal/pack"
	"fonoteka/internal/warehouse/exports"
	"fonoteka/internal/words"
)

// What a package takes beside its recordings, bytes, and how fast it is written on two
// cores with the store beside them: figures for an estimate.
const (
	bytesOfPackage = 2 << 20
	bytesOfCall    = 8 << 10 // with legs, notifications, tables and the page
	bytesASecond   = 60e6
	callsASecond   = 2000
)

// estimate is what a package comes to.
type estimate struct {
	exports.Preview
	size  uint64
	takes time.Duration
}

func estimated(p exports.Preview) estimate {
	size := float64(p.Bytes) + float64(p.Counts.Calls)*bytesOfCall + bytesOfPackage
	seconds := size/bytesASecond + float64(p.Counts.Calls)/callsASecond + 1
	return estimate{p, uint64(size), time.Duration(seconds * float64(time.Second))}
}

type previewJSON struct {
	Calls      int      `json:"calls"`
	Unanswered int      `json:"unanswered"`
	Recordings int      `json:"recordings"`
	Archived   int      `json:"archived"`
	Damaged    int      `json:"damaged"`
	NotThere   int      `json:"not_there"`
	Bytes      int64    `json:"bytes"`
	Unmatched  []string `json:"unmatched"`
	Size       uint64   `json:"package_bytes"`
	Takes      float64  `json:"seconds"`
}

// previewExport says what would be written.
func previewExport(c *cli.Context, choice pack.Selection) error {
	return withStores(c, func(st *installation.Stores) error {
		e, err := previewOf(c, exports.New(st.Warehouse), choice, st)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			unmatched := e.Unmatched
			if unmatched == nil {
				unmatched = []string{}
			}
			return lines(c.App.Writer, []previewJSON{{
				e.Counts.Calls, e.Counts.Unanswered, e.Counts.Recordings, e.Archived, e.Damaged, e.absent(), e.Bytes, unmatched, e.size, e.takes.Seconds(),
			}})
		}
		e.say(c.App.Writer)
		if c.String("output") == "" {
			return nil
		}
		p, err := exportPlaces(c)
		if err != nil {
			return err
		}
		said, err := p.room(e.size)
		if err == nil {
			fmt.Fprintln(c.App.Writer, "Space:       "+said)
		}
		return err
	})
}

// previewOf counts, and refuses names that the directory has never known.
func previewOf(c *cli.Context, db *exports.DB, choice pack.Selection, st *installation.Stores) (e estimate, err error) {
	employees, departments, err := db.Unknown(c.Context, choice)
	if err != nil {
		return e, err
	}
	if len(employees)+len(departments) > 0 {
		return e, notFound("nobody and no department is known by the name %s (fonoteka directory list shows them)", strings.Join(append(employees, departments...), ", "))
	}
	p, err := db.Source(choice, st.Blob).Preview(c.Context)
	return estimated(p), err
}

func (e estimate) absent() int { return e.Counts.Recordings - e.Archived - e.Damaged }

func (e estimate) say(w io.Writer) {
	fmt.Fprintf(w, "Calls:       %s, of them %s unanswered\n", words.Grouped(e.Counts.Calls), words.Grouped(e.Counts.Unanswered))
	fmt.Fprintf(w, "Recordings:  %s: %s archived (%s), %s in quarantine, %s not there\n", words.Grouped(e.Counts.Recordings),
		words.Grouped(e.Archived), fileSize(e.Bytes), words.Grouped(e.Damaged), words.Grouped(e.absent()))
	if n := len(e.Unmatched); n > 0 {
		fmt.Fprintf(w, "Not found:   %s of those that were asked for, such as %s\n", words.Count(n, "id"), e.Unmatched[0])
	}
	fmt.Fprintf(w, "Package:     about %s, in about %s\n", fileSize(int64(e.size)), words.Roughly(e.takes))
}

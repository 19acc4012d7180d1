package main

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/words"
)

// shortList is how many rows a person sees where --limit says nothing.
const shortList = 50

func limitFlag(of string) cli.Flag {
	return &cli.IntFlag{Name: "limit", DefaultText: fmt.Sprintf("%d on a terminal, else all", shortList), Usage: "at most `N` " + of + "; 0: all"}
}

// listLimit is how many rows a list has at most; 0: all. A program that reads a list
// which is cut cannot know it, so it gets all.
func listLimit(c *cli.Context) (int, error) {
	switch n := c.Int("limit"); {
	case n < 0:
		return 0, usage("--limit %d: give 0 for all, or how many", n)
	case c.IsSet("limit"):
		return n, nil
	case c.Bool("json") || !terminal(c.App.Writer):
		return 0, nil
	}
	return shortList, nil
}

// listing is a list that is read and shown page by page, as it may have millions of rows.
type listing[T any] struct {
	page   func(ctx context.Context, limit int, after *T) ([]T, error) // rows behind after, or from the first on
	count  func(context.Context) (uint64, error)                       // of the whole list
	json   func(T) any
	none   string // what is said of an empty list
	header []string
	cells  func(T) []string
}

// listPage bounds what a list holds in memory: some megabytes of rows.
const listPage = 2000

// show prints the list, up to limit rows (0: all). A list that is cut says how many
// are missing, to a person on the output, to a program on the error output.
func (l listing[T]) show(c *cli.Context, limit int) error {
	var last *T
	shown := 0
	for cut := false; !cut; {
		n := listPage
		if limit > 0 {
			n = min(n, limit-shown)
		}
		rows, err := l.page(c.Context, n, last)
		if err != nil {
			return err
		}
		if err := l.print(c, rows, shown == 0); err != nil {
			return err
		}
		shown += len(rows)
		if len(rows) < n {
			return nil
		}
		last, cut = &rows[n-1], shown == limit
	}
	all, err := l.count(c.Context)
	if err != nil || all <= uint64(shown) {
		return err
	}
	to := c.App.Writer
	if c.Bool("json") {
		to = c.App.ErrWriter
	}
	return sayMore(to, all-uint64(shown))
}

func sayMore(w io.Writer, more uint64) error {
	_, err := fmt.Fprintf(w, "… and %s more (--limit 0: all)\n", words.Grouped(int(more)))
	return err
}

func (l listing[T]) print(c *cli.Context, rows []T, first bool) error {
	if c.Bool("json") {
		out := make([]any, len(rows))
		for i, r := range rows {
			out[i] = l.json(r)
		}
		return lines(c.App.Writer, out)
	}
	if len(rows) == 0 {
		if !first {
			return nil
		}
		_, err := fmt.Fprintln(c.App.Writer, l.none)
		return err
	}
	header := l.header
	if !first {
		header = nil
	}
	cells := make([][]string, len(rows))
	for i, r := range rows {
		cells[i] = l.cells(r)
	}
	return table(c.App.Writer, header, cells)
}

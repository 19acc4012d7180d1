package main

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"fonoteka/internal/words"

	"github.com/urfave/cli/v2"
)

// What is longer than a page is read page by page, and its end is found.
func TestAListOfManyPagesIsShownWhole(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{0, 1, listPage - 1, listPage, listPage + 1, 2 * listPage, 2*listPage + 5} {
		for _, limit := range []int{0, 1, listPage, listPage + 1, 5 * listPage} {
			var out strings.Builder
			app := &cli.App{Writer: &out, ErrWriter: &out}
			c := cli.NewContext(app, nil, nil)
			c.Context = t.Context()
			l := listing[int]{
				page: func(_ context.Context, limit int, after *int) (page []int, err error) {
					from := 0
					if after != nil {
						from = *after + 1
					}
					for i := from; i < min(rows, from+limit); i++ {
						page = append(page, i)
					}
					return page, nil
				},
				count:  func(context.Context) (uint64, error) { return uint64(rows), nil },
				none:   "none",
				header: []string{"N"},
				cells:  func(i int) []string { return []string{strconv.Itoa(i)} },
			}
			if err := l.show(c, limit); err != nil {
				t.Fatal(err)
			}
			want := "N\n"
			shown := rows
			if limit > 0 {
				shown = min(rows, limit)
			}
			for i := range shown {
				want += strconv.Itoa(i) + "\n"
			}
			if rows == 0 {
				want = "none\n"
			} else if shown < rows {
				want += "… and " + words.Grouped(rows-shown) + " more (--limit 0: all)\n"
			}
			if out.String() != want {
				t.Errorf("%d rows, limit %d: %d bytes, want %d", rows, limit, out.Len(), len(want))
			}
		}
	}
}

package announce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/importfile"
)

// Import takes links from a table of another system. The fields up to Forbidden say
// how; the others count what came of it.
type Import struct {
	Catalogue Catalogue // may be nil until Run
	LinkLife  func(integration string) time.Duration
	DryRun    bool
	Now       time.Time
	Detail    string // of the step in the chain of custody
	// Forbidden says why the settings forbid to fetch a link; "": they do not.
	Forbidden func(link string) string

	Rows, Added, Known, Bad int
	Overdue                 int            // of those added, whose link has ended already
	Refused                 map[string]int // of those added, by host, the links that are forbidden
	First                   time.Time      // the earliest end of a link added
}

// Run takes a table. It gives each line that cannot be taken to problem, and calls
// progress after each that can.
func (im *Import) Run(ctx context.Context, table *importfile.Reader, problem func(*importfile.Problem), progress func()) error {
	im.Refused = map[string]int{}
	var page []importfile.Row
	for {
		row, err := table.Next()
		wrong, bad := errors.AsType[*importfile.Problem](err)
		switch {
		case bad:
			im.Bad++
			problem(wrong)
			continue
		case err == nil:
			im.Rows++
			page = append(page, row)
		case !errors.Is(err, io.EOF):
			return fmt.Errorf("read the table: %w", err)
		}
		if len(page) == batch || err != nil {
			if err := im.take(ctx, page); err != nil {
				return fmt.Errorf("%w (%d lines had been taken; import the file again)", err, im.Added+im.Known)
			}
			page = page[:0]
		}
		if err != nil {
			return nil
		}
		progress()
	}
}

// take writes what the catalogue does not have. The step in the chain of
// custody comes first: a crash between the two leaves a step too many, and no
// recording of unknown origin.
func (im *Import) take(ctx context.Context, page []importfile.Row) error {
	recordings := make([]call.Recording, len(page))
	for i, row := range page {
		recordings[i] = im.recording(row)
	}
	known, err := im.Catalogue.KnownRecordings(ctx, recordings)
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
			im.Known++
			continue
		}
		im.note(r)
		fresh = append(fresh, r)
		steps = append(steps, call.Custody{
			Integration: r.Integration, RecordingID: r.ID, Step: "imported", At: im.Now, Detail: fmt.Sprintf("%s line %d", im.Detail, page[i].Line),
		})
	}
	im.Added += len(fresh)
	if im.DryRun {
		return nil
	}
	if err := im.Catalogue.AddCustody(ctx, steps); err != nil {
		return err
	}
	return im.Catalogue.AnnounceRecordings(ctx, fresh)
}

// recording is announced by its import. The link's end is reckoned from the
// earliest date that is known.
func (im *Import) recording(row importfile.Row) call.Recording {
	made := im.Now
	if !row.RecordedAt.IsZero() && row.RecordedAt.Before(made) {
		made = row.RecordedAt
	}
	r := call.Recording{
		Integration: row.Integration, ID: call.RecordingID(row.Integration, row.Link), URL: row.Link, AccountID: row.AccountID,
		AnnouncedAt: im.Now, ExpiresAt: call.Expiry(made, row.Link, im.LinkLife(row.Integration)),
	}
	if row.CallID != "" {
		r.PlatformID, r.PlatformCallID = row.CallID, call.BaseID(row.CallID)
		r.GroupID = call.ID(row.Integration, r.PlatformCallID)
	}
	return r
}

func (im *Import) note(r call.Recording) {
	if why := im.Forbidden(r.URL); why != "" {
		host := why
		if u, err := url.Parse(r.URL); err == nil {
			host = u.Scheme + "://" + u.Host
		}
		im.Refused[host]++
	}
	if im.First.IsZero() || r.ExpiresAt.Before(im.First) {
		im.First = r.ExpiresAt
	}
	if !r.ExpiresAt.After(im.Now) {
		im.Overdue++
	}
}

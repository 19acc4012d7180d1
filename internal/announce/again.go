// Package announce puts recordings into the catalogue beside the relay, which does it
// with each notification: links from a table that another system exported, and what
// stored notifications announced and the catalogue does not know. Either may be done
// again and changes nothing then. What it adds is state announced: a running serve
// fetches it.
package announce

import (
	"context"
	"strings"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/relay"
)

// batch is how many recordings are looked up and written at once.
const batch = 5000

// Catalogue knows recordings and takes more.
type Catalogue interface {
	KnownRecordings(ctx context.Context, recordings []call.Recording) ([]bool, error)
	AnnounceRecordings(ctx context.Context, recordings []call.Recording) error
	AddCustody(ctx context.Context, steps []call.Custody) error
}

// Notifications are those that announced a recording.
type Notifications interface {
	EachAnnouncement(ctx context.Context, each func(call.Notification) error) error
}

// Again announces what the notifications announced and the catalogue does not know:
// there is nothing of it in the bucket. The fields up to Only say how; the others
// count what came of it.
type Again struct {
	Catalogue     Catalogue
	Notifications Notifications
	Decode        func(integration string, body []byte, received time.Time) (call.Event, error)
	LinkLife      func(integration string) time.Duration
	Only          func(call.Event) bool // nil: all

	Seen   int // announcements
	Added  int // recordings
	Unread int // announcements that cannot be read any more
}

// Run looks through all notifications, and calls progress after each batch.
func (a *Again) Run(ctx context.Context, progress func()) error {
	var page []call.Recording
	err := a.Notifications.EachAnnouncement(ctx, func(row call.Notification) error {
		a.Seen++
		e, err := a.Decode(row.Integration, row.Body, row.ReceivedAt)
		if err != nil {
			a.Unread++
			return nil
		}
		more := relay.Announcements(e, a.LinkLife)
		if len(more) == 0 || a.Only != nil && !a.Only(e) {
			return nil
		}
		if len(page) >= batch && page[len(page)-1].GroupID != more[0].GroupID { // several announce one recording
			if err := a.take(ctx, page); err != nil {
				return err
			}
			page = page[:0]
			progress()
		}
		page = append(page, more...)
		return nil
	})
	if err != nil {
		return err
	}
	return a.take(ctx, page)
}

func (a *Again) take(ctx context.Context, page []call.Recording) error {
	known, err := a.Catalogue.KnownRecordings(ctx, page)
	if err != nil {
		return err
	}
	var fresh []call.Recording
	ids := map[string]bool{}
	for i, r := range page {
		if !known[i] {
			fresh = append(fresh, r)
			ids[r.ID] = true
		}
	}
	a.Added += len(ids)
	return a.Catalogue.AnnounceRecordings(ctx, fresh)
}

// PassedOver are the notifications whose links an older version did not read, or took
// for another's.
func PassedOver(e call.Event) bool {
	return e.State != call.Recorded || len(e.MoreURLs) > 0 || strings.Contains(e.URL, "?")
}

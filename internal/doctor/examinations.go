package doctor

import (
	"context"

	"fonoteka/internal/blob"
	"fonoteka/internal/settings"
)

// Examination is one part of the installation that doctor tries out.
type Examination struct {
	Name        string
	Usage       string
	Description string
	Run         func(context.Context, *settings.Config) (Report, error)
}

// Report is what an examination found.
type Report struct {
	Of       string // what was examined, for people
	Findings []Finding
}

// Examinations are all there are; doctor alone runs them in this order.
func Examinations() []Examination {
	return []Examination{{
		Name: "serve", Usage: "is it running, does it take notifications and pass them on?", Run: examineServe,
	}, {
		Name: "spool", Usage: "was it damaged, what is missing, and does a person know?", Run: examineSpool,
	}, {
		Name: "redirect", Usage: "name, certificate and answers of each redirect URI, as far as they can be known from here",
		Description: `Does what the operator's cabinet does before it gives out an id: GET and HEAD of
the redirect URI and an empty POST to its /events. Then it makes one that claims
to come from elsewhere, as anybody can, and asks the running serve whether that
was believed: it is where the proxy passes on what its client wrote. Whether the
operator gets through cannot be known from here.`,
		Run: examineRedirects,
	}, {
		Name: "machine", Usage: "the clock and the disk", Run: examineMachine,
	}, {
		Name: "stores", Usage: "ClickHouse and Redis", Run: examineStores,
	}, {
		Name: "arrivals", Usage: "do as many calls arrive as usual, and in the right time zone?",
		Description: `Compares what came with the same hours of the eight weeks before, the announced
times with the receive times, and the call ids of the integrations with each
other.`,
		Run: examineArrivals,
	}, {
		Name: "login", Usage: "is somebody logged in at the operator, and for how long?", Run: examineLogin,
	}, {
		Name:  "s3",
		Usage: "try out what the object store can do",
		Description: `Stores, reads, locks and deletes small objects and says what the store can do:
whether it keeps what the archive promises. It works below the prefix
` + blob.Scratch + ` of the bucket and, if it may make one, in a bucket of its own,
and removes all of it. Locks make it last about six seconds.

"not needed" is what the store lacks, and this configuration can do without. The
exit status is 0 if nothing is lacking that the configuration needs.`,
		Run: examineS3,
	}}
}

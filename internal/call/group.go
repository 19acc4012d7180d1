package call

import (
	"slices"
	"strings"
	"time"
)

// GroupKey names a group: all notifications that bear one base id. A group comes to
// one record, or to several where the id is used again.
type GroupKey struct {
	Integration string
	GroupID     uint64 // Event.GroupID, Record.GroupID
}

// Notification is one delivery of a notification, as it came, with what it is stored
// under.
type Notification struct {
	Integration string
	GroupID     uint64 // Event.GroupID; 0: an event of no call
	EventID     uint64
	ReceivedAt  time.Time
	Kind        Kind
	State       string
	Body        []byte // as it came
}

// SortLegs puts legs in the order that Record promises: by start, then id.
func SortLegs(legs []Leg) {
	slices.SortStableFunc(legs, func(a, b Leg) int {
		if c := a.StartedAt.Compare(b.StartedAt); c != 0 {
			return c
		}
		switch {
		case a.ID < b.ID:
			return -1
		case a.ID > b.ID:
			return 1
		}
		return strings.Compare(a.PlatformID, b.PlatformID)
	})
}

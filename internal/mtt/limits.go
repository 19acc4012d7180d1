package mtt

import (
	"fmt"

	"fonoteka/internal/call"
)

// The texts of a notification become keys, and columns of rows that are read by the
// thousand. What is longer is nothing of the operator's, and is kept in rejected: a
// later program may know better.
const (
	maxText       = 1 << 10 // bytes, of an id, a name, a reason
	maxLink       = 8 << 10 // bytes, of a recording's link: longer ones few servers take (nginx and Apache: 8 KiB)
	maxForwarders = 1000    // entries of a list
	maxLinks      = 100     // of recordings in one notification
)

// oversized names a field that is too long.
func oversized(e *call.Event) error {
	long, limit := "", maxText
	switch {
	case len(e.State) > maxText && e.PlatformID == "":
		long = "event"
	case len(e.State) > maxText:
		long = "result.callInfo.state"
	case len(e.PlatformID) > maxText:
		long = "result.callInfo.call.id"
	case len(e.Tag) > maxText:
		long = "result.callInfo.call.tag"
	case len(e.Type) > maxText:
		long = "result.callInfo.type"
	case len(e.TransportID) > maxText:
		long = "result.callInfo.transportId"
	case len(e.AccountID) > maxText:
		long = "result.callInfo.accountId"
	case len(e.Reason) > maxText:
		long = "result.callInfo.reason"
	case len(e.ReasonCode) > maxText:
		long = "result.callInfo.reasonCode"
	case len(e.MoreURLs) >= maxLinks:
		return fmt.Errorf("%w: field urlRecord has more than %d links", ErrUnreadable, maxLinks)
	}
	for _, link := range e.Links() {
		if len(link) > maxLink {
			long, limit = "result.callInfo.urlRecord", maxLink
		}
	}
	if long != "" {
		return fmt.Errorf("%w: field %s is longer than %d bytes", ErrUnreadable, long, limit)
	}
	if err := oversizedParty("caller", &e.Caller); err != nil {
		return err
	}
	return oversizedParty("callee", &e.Callee)
}

func oversizedParty(side string, p *call.Party) error {
	long := ""
	switch {
	case len(p.AccountID) > maxText:
		long = "accountId"
	case len(p.CentrexID) > maxText:
		long = "centrexId"
	case len(p.DisplayID) > maxText:
		long = "displayId"
	case len(p.DisplayName) > maxText:
		long = "displayName"
	case len(p.ID) > maxText:
		long = "id"
	case len(p.Extension) > maxText:
		long = "extensionId"
	case len(p.Forwarders) > maxForwarders:
		return fmt.Errorf("%w: field result.callInfo.%s.forwarderList has more than %d entries", ErrUnreadable, side, maxForwarders)
	}
	for _, f := range p.Forwarders {
		if len(f) > maxText {
			long = "forwarderList"
		}
	}
	if long != "" {
		return fmt.Errorf("%w: field result.callInfo.%s.%s is longer than %d bytes", ErrUnreadable, side, long, maxText)
	}
	return nil
}

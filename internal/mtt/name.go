package mtt

import "strings"

// name is a known name of a field, in lower case and without underscores. Fields of other
// names are ignored.
type name int32

const (
	fEvent name = iota
	fResult
	fEventType
	fCallInfo
	fCall
	fCaller
	fCallee
	fID
	fTag
	fState
	fType
	fTransportID
	fAccountID
	fReason
	fReasonCode
	fURL
	fURLRecord
	fDuration
	fStartTime
	fCentrexID
	fDisplayID
	fDisplayName
	fExtensionID
	fForwarderList
	fSuccess
	fTotal
	fNumbersList
	fNumber
	fWorkplacesList
	fWorkplace
	fName
	fTerminalsList
	fTerminal
	fTerminale
	fError
	fCode
	fErrorCode
	fStatus
	fMessage
	fErrorMessage
	fDescription
	fErrorDescription
	fText
	fDetail
	fTitle
	names = iota
)

var plainNames = [names]string{
	fEvent:            "event",
	fResult:           "result",
	fEventType:        "eventtype",
	fCallInfo:         "callinfo",
	fCall:             "call",
	fCaller:           "caller",
	fCallee:           "callee",
	fID:               "id",
	fTag:              "tag",
	fState:            "state",
	fType:             "type",
	fTransportID:      "transportid",
	fAccountID:        "accountid",
	fReason:           "reason",
	fReasonCode:       "reasoncode",
	fURL:              "url",
	fURLRecord:        "urlrecord",
	fDuration:         "duration",
	fStartTime:        "starttime",
	fCentrexID:        "centrexid",
	fDisplayID:        "displayid",
	fDisplayName:      "displayname",
	fExtensionID:      "extensionid",
	fForwarderList:    "forwarderlist",
	fSuccess:          "success",
	fTotal:            "total",
	fNumbersList:      "numberslist",
	fNumber:           "number",
	fWorkplacesList:   "workplaceslist",
	fWorkplace:        "workplace",
	fName:             "name",
	fTerminalsList:    "terminalslist",
	fTerminal:         "terminal",
	fTerminale:        "terminale",
	fError:            "error",
	fCode:             "code",
	fErrorCode:        "errorcode",
	fStatus:           "status",
	fMessage:          "message",
	fErrorMessage:     "errormessage",
	fDescription:      "description",
	fErrorDescription: "errordescription",
	fText:             "text",
	fDetail:           "detail",
	fTitle:            "title",
}

// namesOfLength are all names by their length.
var namesOfLength = func() (by [longestName + 1][]name) {
	for n, plain := range plainNames {
		by[len(plain)] = append(by[len(plain)], name(n))
	}
	return by
}()

// longestName is at least the length of any of them.
const longestName = 20

// plainName is the name of a field, if it is a known one.
func plainName(quoted value) (n name, asked bool) {
	n, asked = named(string(quoted[1 : len(quoted)-1]))
	if asked || strings.IndexByte(string(quoted), '\\') < 0 && strings.IndexByte(string(quoted), '_') < 0 {
		return n, asked
	}
	return named(strings.ReplaceAll(unescaped(quoted), "_", ""))
}

func named(spelling string) (n name, asked bool) {
	if len(spelling) > longestName {
		return 0, false
	}
	for _, n := range namesOfLength[len(spelling)] {
		if is(spelling, plainNames[n]) {
			return n, true
		}
	}
	return 0, false
}

// is compares a spelling with a name in lower case, ignoring the case of ASCII letters.
func is(spelling, name string) bool {
	if len(spelling) != len(name) {
		return false
	}
	for i := range len(name) {
		c := spelling[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != name[i] {
			return false
		}
	}
	return true
}

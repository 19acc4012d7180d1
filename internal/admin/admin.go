// Package admin is what a command may ask of the running process on its data folder,
// by the private listener: the questions, and the lines in JSON that answer them. Ask is
// the command's side of it; internal/daemon answers. Only who can read the
// installation's secrets has the token.
package admin

import (
	"errors"
	"net/url"
	"strconv"
	"time"

	"fonoteka/internal/cdr"
)

// Rewound answers a request to replay the spool.
type Rewound struct {
	Cursor string `json:"cursor"`
	First  uint64 `json:"first"` // the first record to be relayed again
	Last   uint64 `json:"last"`  // the newest now; below First: none
}

// Replayed is the progress of replaying what was rejected.
type Replayed struct {
	Taken int    `json:"taken"`
	Still int    `json:"still"`
	Error string `json:"error,omitempty"`
}

// Resent is the progress of relaying what can be read in a folder with a spool.
type Resent struct {
	Sent     uint64 `json:"sent"`
	Readable uint64 `json:"readable"`
	Missing  uint64 `json:"missing"` // not readable, of those that it is known to have held
	Error    string `json:"error,omitempty"`
}

// Rebuilding is a line of the running process's answer.
type Rebuilding struct {
	cdr.Rebuilt
	Error string `json:"error,omitempty"`
}

// RebuildQuery is a question to rebuild calls.
func RebuildQuery(o cdr.RebuildOptions) url.Values {
	q := url.Values{"call": {o.Call}}
	for name, v := range map[string]bool{"changed-rules": o.ChangedRules, "dry-run": o.DryRun, "restart": o.Restart} {
		q.Set(name, strconv.FormatBool(v))
	}
	for name, t := range map[string]time.Time{"from": o.From, "to": o.To} {
		if !t.IsZero() {
			q.Set(name, t.Format(time.RFC3339Nano))
		}
	}
	return q
}

// ReadRebuildQuery is what RebuildQuery was made of.
func ReadRebuildQuery(q url.Values) (o cdr.RebuildOptions, err error) {
	o.Call = q.Get("call")
	for name, v := range map[string]*bool{"changed-rules": &o.ChangedRules, "dry-run": &o.DryRun, "restart": &o.Restart} {
		var e error
		*v, e = strconv.ParseBool(q.Get(name))
		err = errors.Join(err, e)
	}
	for name, t := range map[string]*time.Time{"from": &o.From, "to": &o.To} {
		if s := q.Get(name); s != "" {
			var e error
			*t, e = time.Parse(time.RFC3339Nano, s)
			err = errors.Join(err, e)
		}
	}
	return o, err
}

// Probing answers a request to look out for a probe: what its requests must bear.
type Probing struct {
	Header string `json:"header"`
	Word   string `json:"word"`
}

// ProbePath is where a probe of the public listener is asked for.
const ProbePath = "/admin/probe"

package calltest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"fonoteka/internal/call"
)

// The company and its client. A story may add parties of its own.
const (
	line   = "74996497803"
	client = "78124241500"
)

var workplaces = map[string]string{
	"anna":  "883140777828301",
	"boris": "883140777828302",
	"vera":  "883140777828303",
}

// body renders "state leg [from > to] details" as the operator's examples are.
func (s *Story) body(words []string, line string) ([]byte, error) {
	if len(words) < 2 {
		return nil, fmt.Errorf("want: state and Call-ID")
	}
	n := note{story: s, info: map[string]any{"call": map[string]any{"id": words[1], "tag": "hswdfry52vmykfla____o"}, "state": words[0]}}
	if words[0] == string(call.Recorded) {
		n.info["call"] = map[string]any{"id": words[1]}
	} else {
		n.info["transportId"] = "10.133.33.136:5073"
	}
	if words[0] == string(call.Finished) {
		n.info["reasonCode"] = nil
	}
	words = words[2:]
	for len(words) > 0 {
		var err error
		if words, err = n.detail(words, line); err != nil {
			return nil, err
		}
	}
	result := map[string]any{"callInfo": n.info}
	if n.above { // as one of the page's examples is printed
		for _, name := range []string{"duration", "reason", "reasonCode", "state", "transportId", "type"} {
			if v, ok := n.info[name]; ok {
				result[name] = v
				delete(n.info, name)
			}
		}
	}
	return json.Marshal(map[string]any{"event": "callNotifications", "result": result})
}

type note struct {
	story *Story
	info  map[string]any
	above bool
}

// detail reads one detail off the front of words.
func (n *note) detail(words []string, line string) (rest []string, err error) {
	value := ""
	if len(words) > 1 {
		value = words[1]
	}
	switch words[0] {
	case "incoming", "outgoing":
		n.info["type"] = words[0]
		return words[1:], nil
	case "as-printed":
		n.above = true
		return words[1:], nil
	case "at":
		t, rest, err := clockTime(words[1:], time.UTC)
		n.info["startTime"] = t.Format(time.DateTime)
		return rest, err
	case "time":
		n.info["startTime"] = value
	case "duration":
		n.info["duration"] = json.Number(value)
	case "code":
		n.info["reasonCode"] = value
	case "account":
		n.info["accountId"] = n.story.account(value)
	case "recording":
		url := "https://openapi.mtt.ru/records/67821426/2026/03/02/" + value + ".mp3"
		n.info["urlRecord"] = url
		n.story.recordings[call.RecordingID(n.story.Name, url)] = value
	case "reason": // in quotes, the last of its line
		_, quoted, _ := strings.Cut(line, "reason ")
		n.info["reason"] = strings.Trim(strings.TrimSpace(quoted), `"`)
		return nil, nil
	default:
		if len(words) < 3 || words[1] != ">" {
			return nil, fmt.Errorf("%q is no detail of a notification", words[0])
		}
		n.info["caller"], err = n.story.party(words[0], "caller")
		if err == nil {
			n.info["callee"], err = n.story.party(words[2], "callee")
		}
		return words[3:], err
	}
	return words[2:], nil
}

// party is a side of a leg as the operator's examples show it.
func (s *Story) party(name, role string) (any, error) {
	type m = map[string]any
	if custom, ok := s.parties[name]; ok {
		var v any
		if err := json.Unmarshal([]byte(custom), &v); err != nil {
			return nil, fmt.Errorf("party %s: %w", name, err)
		}
		return v, nil
	}
	account, ours := workplaces[name]
	switch {
	case name == "-":
		return m{}, nil
	case name == "client" && role == "caller":
		return m{"accountId": client + "@pstn", "displayId": client, "forwarderList": []any{}, "id": client}, nil
	case name == "client":
		return m{"displayId": "+" + client, "forwarderList": []any{}, "id": "+" + client}, nil
	case name == "line":
		return m{"accountId": line, "centrexId": "67821426", "displayId": line, "displayName": "", "forwarderList": []any{}, "id": line}, nil
	case ours && role == "caller":
		return m{"accountId": account, "centrexId": "67821426", "displayId": line, "forwarderList": []any{}, "id": line}, nil
	case ours:
		return m{
			"accountId": account, "centrexId": "67821426", "displayId": account, "display_name": line, "extensionId": "",
			"forwarderList": []any{m{"id": "an_prd100275045-3881851"}}, "tag": "scheme_prd100275045-3885981",
		}, nil
	}
	return nil, fmt.Errorf("nobody knows the party %q", name)
}

// account is the number behind a name, or the number itself.
func (s *Story) account(name string) string {
	if a, ok := workplaces[name]; ok {
		return a
	}
	if name == "line" {
		return line
	}
	return name
}

package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// method adds a method of the API: it wants a token that is good now.
func (p *Platform) method(mux *http.ServeMux, pattern string, do func(*http.Request) (any, error)) {
	mux.Handle(pattern, p.watched(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.authorised(r) {
			writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "Unauthorized"})
			return
		}
		answer, err := do(r)
		switch {
		case errors.Is(err, errMalformed):
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		case err != nil:
			writeJSON(w, http.StatusOK, notDone(r.URL.Path, err.Error()))
		default:
			writeJSON(w, http.StatusOK, answer)
		}
	})))
}

func (p *Platform) api(mux *http.ServeMux) {
	p.method(mux, "GET /externalNumbersInfo", p.externalNumbersInfo)
	p.method(mux, "GET /workPlacesInfo", p.workPlacesInfo)
	p.method(mux, "GET /terminalsInfo", p.terminalsInfo)
	p.method(mux, "POST /makeCall", p.makeCall)
	p.method(mux, "POST /terminateCall", p.terminateCall)
	p.method(mux, "POST /transferCall", p.transferCall)
	p.method(mux, "POST /setParkingNumbers", p.setParkingNumbers)
}

var errMalformed = errors.New("the body is not as the page shows it")

// params of all methods; CalleId is how an example spells calleeId.
type params struct {
	CallerID string `json:"callerId"`
	CalleeID string `json:"calleeId"`
	CalleID  string `json:"calleId"`
	Call     struct {
		ID  string `json:"id"`
		Tag string `json:"tag"`
	} `json:"call"`
	TransportID string   `json:"transportId"`
	Numbers     []string `json:"numbers"`
	IsParking   *bool    `json:"isParking"`
}

func (q params) callee() string {
	if q.CalleeID != "" {
		return q.CalleeID
	}
	return q.CalleID
}

func readParams(r *http.Request) (params, error) {
	var body struct {
		Params *params `json:"params"`
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return params{}, fmt.Errorf("%w: it is no application/json", errMalformed)
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Params == nil {
		return params{}, errMalformed
	}
	return *body.Params, nil
}

func result(v map[string]any) map[string]any { return map[string]any{"result": v} }

// asTable says how the next answer is spelled.
func (p *Platform) asTable() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spelled++
	return p.opts.Spelling == SpellingTable || p.opts.Spelling == SpellingMixed && p.spelled%2 == 0
}

func either(table bool, asTable, asExample string) string {
	if table {
		return asTable
	}
	return asExample
}

func (p *Platform) externalNumbersInfo(*http.Request) (any, error) {
	list := []any{}
	for _, number := range p.directory().externals {
		list = append(list, map[string]any{"number": number, "type": nil})
	}
	return result(map[string]any{"total": len(list), "numbersList": list}), nil
}

func (p *Platform) workPlacesInfo(*http.Request) (any, error) {
	list := []any{}
	for _, w := range p.directory().workplaces {
		list = append(list, map[string]any{"workplace": w.sip, "name": w.name})
	}
	return result(map[string]any{either(p.asTable(), "Total", "total"): len(list), "workplacesList": list}), nil
}

func (p *Platform) terminalsInfo(*http.Request) (any, error) {
	table, list := p.asTable(), []any{}
	for _, w := range p.directory().workplaces {
		for _, terminal := range w.terminals {
			list = append(list, map[string]any{either(table, "terminale", "terminal"): terminal, "workplace": w.sip})
		}
	}
	return result(map[string]any{
		either(table, "Total", "total"): len(list), either(table, "terminalsList", "terminals_list"): list,
	}), nil
}

func (p *Platform) makeCall(r *http.Request) (any, error) {
	q, err := readParams(r)
	if err != nil {
		return nil, err
	}
	id, err := p.Make(q.CallerID, q.callee())
	if err != nil {
		return nil, err
	}
	return result(map[string]any{"call": map[string]any{"id": id}, "success": 1}), nil
}

func (p *Platform) terminateCall(r *http.Request) (any, error) {
	q, err := readParams(r)
	if err != nil {
		return nil, err
	}
	if err := p.tellLine(q, func(n *line, l *leg) error { return n.terminate(l) }); err != nil {
		return nil, err
	}
	return result(map[string]any{"success": 1}), nil
}

func (p *Platform) transferCall(r *http.Request) (any, error) {
	q, err := readParams(r)
	if err != nil {
		return nil, err
	}
	if err := p.tellLine(q, func(n *line, l *leg) error { return n.transfer(l, q.callee()) }); err != nil {
		return nil, err
	}
	return result(map[string]any{"success": 1}), nil
}

// setParkingNumbers has no "result" around its answer.
func (p *Platform) setParkingNumbers(r *http.Request) (any, error) {
	q, err := readParams(r)
	if err != nil {
		return nil, err
	}
	if q.IsParking == nil || len(q.Numbers) == 0 {
		return nil, errMalformed
	}
	if err := p.park(q.Numbers, *q.IsParking); err != nil {
		return nil, err
	}
	return map[string]any{"success": 1}, nil
}

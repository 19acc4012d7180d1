package sim

import (
	"fmt"
	"slices"
	"strings"
)

// directory is the company as the cabinet has it now. It is not changed, but
// replaced.
func (p *Platform) directory() *company {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.company
}

// DirectoryChange is what a person changes in the cabinet at once. Workplaces
// and terminals are named by their SIP ids.
type DirectoryChange struct {
	Rename           map[string]string `json:"rename,omitempty"` // workplace → name
	AddWorkplaces    []string          `json:"add_workplaces,omitempty"`
	RemoveWorkplaces []string          `json:"remove_workplaces,omitempty"`
	MoveTerminals    map[string]string `json:"move_terminals,omitempty"` // terminal → workplace
	AddNumbers       []string          `json:"add_numbers,omitempty"`    // E.164 digits
	RemoveNumbers    []string          `json:"remove_numbers,omitempty"`
}

// ChangeDirectory changes the cabinet and has workplacesChanged and
// numbersChanged posted, whichever applies. The calls of the Sim take the new
// names from now on; who is added or removed plays no part in them.
func (p *Platform) ChangeDirectory(c DirectoryChange) error {
	p.mu.Lock()
	next, err := c.apply(p.company, p.added)
	if err != nil {
		p.mu.Unlock()
		return fmt.Errorf("sim: change the directory: %w", err)
	}
	p.company = next
	p.added += len(c.AddWorkplaces)
	p.mu.Unlock()

	p.opts.Sim.rename(c.Rename)
	if len(c.Rename)+len(c.AddWorkplaces)+len(c.RemoveWorkplaces)+len(c.MoveTerminals) > 0 {
		p.postDirectory("workplacesChanged")
	}
	if len(c.AddNumbers)+len(c.RemoveNumbers) > 0 {
		p.postDirectory("numbersChanged")
	}
	return nil
}

func (p *Platform) postDirectory(kind string) {
	n := newDirectoryNotification(kind)
	_ = p.start(func() { p.deliver(n) }) // none hears of it any more
}

func (c DirectoryChange) apply(old *company, added int) (*company, error) {
	next := *old
	next.externals = slices.Clone(old.externals)
	next.workplaces = slices.Clone(old.workplaces)
	for sip, name := range c.Rename {
		w := next.workplace(sip)
		if w == nil {
			return nil, fmt.Errorf("no workplace %s", sip)
		}
		w.name = name
	}
	for i, name := range c.AddWorkplaces {
		sip := fmt.Sprintf("8831407%07d", 9000000+added+i)
		next.workplaces = append(next.workplaces, workplace{
			sip: sip, name: name, extension: fmt.Sprint(201 + added + i), terminals: []string{sip},
		})
	}
	for terminal, to := range c.MoveTerminals {
		if err := next.moveTerminal(terminal, to); err != nil {
			return nil, err
		}
	}
	for _, sip := range c.RemoveWorkplaces {
		if next.workplace(sip) == nil {
			return nil, fmt.Errorf("no workplace %s", sip)
		}
		next.workplaces = slices.DeleteFunc(next.workplaces, func(w workplace) bool { return w.sip == sip })
	}
	for _, number := range c.RemoveNumbers {
		if !slices.Contains(next.externals, number) {
			return nil, fmt.Errorf("no number %s", number)
		}
		next.externals = slices.DeleteFunc(next.externals, func(n string) bool { return n == number })
	}
	next.externals = append(next.externals, c.AddNumbers...)
	return &next, nil
}

// workplace is nil where there is none.
func (c *company) workplace(sip string) *workplace {
	for i := range c.workplaces {
		if c.workplaces[i].sip == sip {
			return &c.workplaces[i]
		}
	}
	return nil
}

// terminal finds a terminal, or a workplace's first one, by its SIP id.
func (c *company) terminal(sip string) (*workplace, string) {
	for i := range c.workplaces {
		if w := &c.workplaces[i]; slices.Contains(w.terminals, sip) {
			return w, sip
		}
	}
	if w := c.workplace(sip); w != nil && len(w.terminals) > 0 {
		return w, w.terminals[0]
	}
	return nil, ""
}

func (c *company) moveTerminal(terminal, to string) error {
	target := c.workplace(to)
	if target == nil {
		return fmt.Errorf("no workplace %s", to)
	}
	for i := range c.workplaces {
		w := &c.workplaces[i]
		if slices.Contains(w.terminals, terminal) {
			w.terminals = slices.DeleteFunc(slices.Clone(w.terminals), func(t string) bool { return t == terminal })
			target.terminals = append(slices.Clone(target.terminals), terminal)
			return nil
		}
	}
	return fmt.Errorf("no terminal %s", terminal)
}

// rename replaces the company: calls that are being made up keep the old one.
func (s *Sim) rename(names map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := *s.company
	next.workplaces = slices.Clone(next.workplaces)
	for sip, name := range names {
		if w := next.workplace(sip); w != nil {
			w.name = name
		}
	}
	s.company = &next
}

func (s *Sim) currentCompany() *company {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.company
}

// park sets or ends parking of external numbers, all of them or none.
func (p *Platform) park(numbers []string, on bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var known []string
	for _, number := range numbers {
		n, _ := digits(number)
		if !slices.Contains(p.company.externals, n) {
			return fmt.Errorf("a number is not of this customer")
		}
		known = append(known, n)
	}
	for _, n := range known {
		if on {
			p.parked[n] = true
		} else {
			delete(p.parked, n)
		}
	}
	return nil
}

// Parked returns the external numbers that are parked now, in order.
func (p *Platform) Parked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := []string{}
	for n := range p.parked {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// digits reads a number as it may be dialled in Russia, as E.164 digits.
func digits(text string) (number string, ok bool) {
	n := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
	switch {
	case strings.HasPrefix(text, "+"):
	case strings.HasPrefix(n, "810") && len(n) >= 12:
		n = n[3:]
	case len(n) == 11 && n[0] == '8':
		n = "7" + n[1:]
	case len(n) == 10:
		n = "7" + n
	}
	return n, len(n) >= 11 && len(n) <= 15
}

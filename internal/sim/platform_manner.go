package sim

import "time"

// Manner is how the parties of a call that Platform plays behave; whole seconds
// of the call's own life. Zero means the default, a negative one: never.
type Manner struct {
	PickUp time.Duration `json:"pick_up"` // a workplace answers after so long; default 3 s
	Answer time.Duration `json:"answer"`  // a number outside likewise; default 6 s
	Talk   time.Duration `json:"talk"`    // and they talk for so long; default 20 s; never: until they are told to end
	Record time.Duration `json:"record"`  // the recording is announced so long after the talk; default 3 s; never: none is made
}

func (m Manner) withDefaults() Manner {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&m.PickUp, 3 * time.Second}, {&m.Answer, 6 * time.Second}, {&m.Talk, 20 * time.Second}, {&m.Record, 3 * time.Second}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return m
}

// SetManner changes the manner of the calls that begin from now on.
func (p *Platform) SetManner(m Manner) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opts.Manner = m.withDefaults()
}

// Spelling is which of the page's two ways to write an answer is taken.
type Spelling string

// The spellings.
const (
	SpellingExample Spelling = "example" // as the page's examples are
	SpellingTable   Spelling = "table"   // as its tables name the fields
	SpellingMixed   Spelling = "mixed"   // by turns
)

func (s Spelling) known() bool {
	return s == SpellingExample || s == SpellingTable || s == SpellingMixed
}

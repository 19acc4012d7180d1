package main

import (
	"fmt"
	"io"
	"time"

	"fonoteka/internal/printable"
)

// progressLine is one line that is written over and over on a terminal, at most
// five times a second; elsewhere a line every ten seconds.
type progressLine struct {
	w     io.Writer
	last  time.Time
	shown bool
}

func (p *progressLine) say(s string) {
	every := 10 * time.Second
	if terminal(p.w) {
		every = 200 * time.Millisecond
	}
	if time.Since(p.last) < every {
		return
	}
	p.last = time.Now()
	if terminal(p.w) {
		fmt.Fprint(raw(p.w), "\r\x1b[K"+printable.Quote(s))
		p.shown = true
		return
	}
	fmt.Fprintln(p.w, s)
}

func (p *progressLine) clear() {
	if p.shown {
		fmt.Fprint(raw(p.w), "\r\x1b[K")
		p.shown = false
	}
}

package doctor

import (
	"context"
	"errors"
	"net/url"

	"fonoteka/internal/admin"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
)

// probe lets doctor ask the running process how requests arrive; nil where none
// runs.
func probeOf(cfg *settings.Config) (*Probe, error) {
	run, err := state.ReadRuntime(cfg.Data)
	if errors.Is(err, state.ErrNotRunning) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &Probe{
		Expect: func(ctx context.Context) (header, word string, err error) {
			err = admin.Ask(ctx, cfg.Data, run, admin.ProbePath, nil, func(p admin.Probing) error {
				header, word = p.Header, p.Word
				return nil
			})
			return header, word, err
		},
		Sightings: func(ctx context.Context, word string) (all []Sighting, err error) {
			err = admin.Ask(ctx, cfg.Data, run, admin.ProbePath, url.Values{"word": {word}}, func(s Sighting) error {
				all = append(all, s)
				return nil
			})
			return all, err
		},
	}, nil
}

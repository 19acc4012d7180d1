package settings

import (
	"fmt"
	"testing"

	"fonoteka/internal/blob"
)

func TestAnchorsAreKeptUnderTheFirmestRule(t *testing.T) {
	t.Parallel()
	rule := func(mode blob.Mode, span string) *blob.Retention {
		p, err := blob.ParsePeriod(span)
		if err != nil {
			t.Fatal(err)
		}
		return &blob.Retention{Mode: mode, For: p}
	}
	for name, c := range map[string]struct {
		all  blob.Retention
		own  []*blob.Retention
		want *blob.Retention // nil: that of all
	}{
		"none":             {blob.Retention{}, []*blob.Retention{nil}, nil},
		"of all":           {*rule(blob.Governance, "3y"), []*blob.Retention{nil}, nil},
		"of one":           {blob.Retention{}, []*blob.Retention{nil, rule(blob.Governance, "1y")}, rule(blob.Governance, "1y")},
		"the longest":      {*rule(blob.Governance, "3y"), []*blob.Retention{rule(blob.Governance, "5y"), rule(blob.Governance, "1y")}, rule(blob.Governance, "5y")},
		"the strictest":    {*rule(blob.Governance, "3y"), []*blob.Retention{rule(blob.Compliance, "1y")}, rule(blob.Compliance, "1y")},
		"one has none":     {*rule(blob.Governance, "3y"), []*blob.Retention{{}}, nil},
		"a shorter of one": {*rule(blob.Governance, "3y"), []*blob.Retention{rule(blob.Governance, "1y")}, nil},
	} {
		cfg := &Config{Retention: c.all}
		for i, r := range c.own {
			cfg.Integrations = append(cfg.Integrations, Integration{Name: fmt.Sprint("i", i), Retention: r})
		}
		got, ok := cfg.Retentions()["audit/"]
		if ok != (c.want != nil) || ok && got != *c.want {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}

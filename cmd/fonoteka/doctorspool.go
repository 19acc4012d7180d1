package main

import (
	"context"

	"fonoteka/internal/checkup"
	"fonoteka/internal/spool"
)

// examineSpool reads the notes beside the spool; it needs no running serve.
func examineSpool(_ context.Context, cfg *config) (report, error) {
	out := report{of: cfg.data}
	reports, err := damageReports(cfg)
	if err != nil {
		return out, err
	}
	for _, r := range reports {
		out.findings = append(out.findings, damageFinding(r))
	}
	if len(reports) == 0 {
		out.findings = []checkup.Finding{{Check: "damage", Answer: checkup.Yes, Means: "the spool was never found damaged"}}
	}
	return out, nil
}

func damageFinding(r spool.Report) checkup.Finding {
	f := checkup.Finding{Check: r.Folder, Detail: r.Why}
	if r.Acknowledged != nil {
		f.Answer, f.Means = checkup.Yes, "damaged; "+damageState(r)+". Remove the folder when it is not needed any more"
		if r.InUse {
			f.Means = "damage was met in it; " + damageState(r)
		}
		return f
	}
	f.Answer = checkup.Look
	f.Do = "look for what is wrong with the disk (dmesg, SMART); fonoteka spool list shows more; then fonoteka spool acknowledge " + r.Folder
	if r.Found == nil {
		f.Means = "the spool was damaged; " + damageState(r)
		return f
	}
	rows := r.Found.Readers[warehouseCursor]
	f.Means = "the spool was damaged and put aside. It held " + held(r.Found) + "; " + damageState(r)
	if rows.Missing > 0 || !r.Found.LastKnown {
		f.Answer = checkup.No
		f.Means += ": " + missingInWords(r)
	}
	return f
}

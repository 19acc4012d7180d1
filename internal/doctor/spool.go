package doctor

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"fonoteka/internal/relay"
	"fonoteka/internal/settings"
	"fonoteka/internal/spool"
	"fonoteka/internal/words"
)

// examineSpool reads the notes beside the spool; it needs no running serve.
func examineSpool(_ context.Context, cfg *settings.Config) (Report, error) {
	out := Report{Of: cfg.Data}
	reports, err := DamageReports(cfg)
	if err != nil {
		return out, err
	}
	for _, r := range reports {
		out.Findings = append(out.Findings, damageFinding(r))
	}
	if len(reports) == 0 {
		out.Findings = []Finding{{Check: "damage", Answer: Yes, Means: "the spool was never found damaged"}}
	}
	return out, nil
}

func damageFinding(r spool.Report) Finding {
	f := Finding{Check: r.Folder, Detail: r.Why}
	if r.Acknowledged != nil {
		f.Answer, f.Means = Yes, "damaged; "+DamageState(r)+". Remove the folder when it is not needed any more"
		if r.InUse {
			f.Means = "damage was met in it; " + DamageState(r)
		}
		return f
	}
	f.Answer = Look
	f.Do = "look for what is wrong with the disk (dmesg, SMART); fonoteka spool list shows more; then fonoteka spool acknowledge " + r.Folder
	if r.Found == nil {
		f.Means = "the spool was damaged; " + DamageState(r)
		return f
	}
	rows := r.Found.Readers[relay.WarehouseCursor]
	f.Means = "the spool was damaged and put aside. It held " + Held(r.Found) + "; " + DamageState(r)
	if rows.Missing > 0 || !r.Found.LastKnown {
		f.Answer = No
		f.Means += ": " + MissingInWords(r)
	}
	return f
}

// DamageReports are what is known of each damaged folder.
func DamageReports(cfg *settings.Config) ([]spool.Report, error) {
	folders, err := spool.DamagedFolders(nil, filepath.Join(cfg.Data, "spool"))
	if err != nil {
		return nil, err
	}
	reports := make([]spool.Report, len(folders))
	for i, d := range folders {
		reports[i] = d.Report()
	}
	return reports, nil
}

// Held says which notifications a folder held and how sure that is.
func Held(f *spool.Found) string {
	if f.Last < f.First {
		return "nothing that is known of"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "notifications %d to %d, the last received %s; %s can be read", f.First, f.Last, words.Clock(f.Newest), words.Grouped(int(f.Readable)))
	if !f.LastKnown {
		fmt.Fprintf(&b, "; whether there were others after %d is not known", f.Last)
	}
	return b.String()
}

// DamageState says what became of a damaged spool.
func DamageState(r spool.Report) string {
	switch {
	case r.Acknowledged != nil:
		return fmt.Sprintf("acknowledged by %s, %s", r.Acknowledged.By, words.Clock(r.Acknowledged.At))
	case r.InUse:
		return "each notification that cannot be read is in the table rejected, with the reason damaged; not acknowledged"
	case r.Found == nil:
		return "not looked through yet; serve does that by itself"
	case !r.Done():
		return "being relayed; serve does that by itself"
	}
	return "all that can be read is relayed; not acknowledged"
}

// MissingInWords is how many notifications may be lost, as far as is known.
func MissingInWords(r spool.Report) string {
	if r.Found == nil {
		return "what could not be read is in the table rejected"
	}
	s := fmt.Sprintf("%s missing", words.Grouped(int(r.Found.Readers[relay.WarehouseCursor].Missing)))
	if !r.Found.LastKnown {
		s += ", and perhaps others that nothing is known of"
	}
	return s
}

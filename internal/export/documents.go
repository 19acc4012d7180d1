package export

import (
	"encoding/hex"
	"io"
	"slices"
	"time"

	"fonoteka/internal/pack"
)

// custodyEnd is the end of a recording's chain.
type custodyEnd struct {
	steps int
	head  string
}

// documents writes what is said of the recordings.
func (r *run) documents() error {
	if err := r.put(pack.CustodyFile, r.writeCustody); err != nil {
		return err
	}
	// The ends are read back, so that they are those of the file, whichever run wrote it.
	err := r.read(pack.CustodyFile, func(f io.Reader) error {
		return pack.EachCustody(f, func(c pack.Custody) error {
			r.custody[recordingKey{c.Integration, c.RecordingID}] = custodyEnd{len(c.Steps), c.Head}
			return nil
		})
	})
	if err != nil {
		return err
	}
	if err := r.write(pack.FilesFile, r.writeFiles); err != nil {
		return err
	}
	if err := r.write(pack.MissingFile, r.writeMissing); err != nil {
		return err
	}
	if err := r.putBytes(pack.SQLFile, []byte(r.o.SQL)); err != nil {
		return err
	}
	for _, name := range pack.Schemas() {
		if err := r.putBytes(name, pack.SchemaText(name)); err != nil {
			return err
		}
	}
	if r.o.Signer != nil {
		return r.putBytes(pack.KeysFile, []byte(r.o.Bundle.Text()))
	}
	return nil
}

// custodyAtOnce is of how many recordings custody is asked for together.
const custodyAtOnce = 500

func (r *run) writeCustody(w io.Writer) error {
	var some []Recording
	flush := func() error {
		all, err := r.o.Source.Custody(r.ctx, some)
		if err != nil {
			return err
		}
		for i, h := range all {
			if err := writeHistory(w, some[i], h); err != nil {
				return err
			}
		}
		some = some[:0]
		return nil
	}
	err := r.eachRecording(r.ctx, func(rec Recording) error {
		if some = append(some, rec); len(some) == custodyAtOnce {
			return flush()
		}
		return nil
	})
	if err != nil || len(some) == 0 {
		return err
	}
	return flush()
}

func writeHistory(w io.Writer, rec Recording, h History) error {
	write := func(v any) error {
		line, err := pack.Line(v)
		if err == nil {
			_, err = w.Write(line)
		}
		return err
	}
	for _, s := range h.Steps {
		if err := write(s); err != nil {
			return err
		}
	}
	for _, e := range h.Entries {
		if err := write(pack.Statement{Kind: pack.StatementKind, Integration: rec.Integration, RecordingID: rec.ID, Entry: e}); err != nil {
			return err
		}
	}
	return nil
}

// writeFiles writes recordings.csv, and notes which recordings can be played.
func (r *run) writeFiles(w io.Writer) error {
	r.res.Files, r.res.Quarantined, r.res.Unplayable, r.res.Wrong = 0, 0, 0, 0
	table, err := pack.NewFiles(w)
	if err != nil {
		return err
	}
	err = r.eachRecording(r.ctx, func(rec Recording) error {
		for _, f := range r.rows(rec) {
			r.count(f)
			if f.Role == pack.Played {
				r.playable[recordingKey{rec.Integration, rec.ID}] = true
			}
			if err := table.Write(f.Cells()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return table.Flush()
}

// rows are those of a recording.
func (r *run) rows(rec Recording) []pack.File {
	end := r.custody[recordingKey{rec.Integration, rec.ID}]
	row := pack.File{
		Integration: rec.Integration, RecordingID: rec.ID, CallID: rec.CallID, AccountID: rec.AccountID, State: rec.State, Code: rec.Code, Reason: rec.Reason,
		DurationMS: rec.Duration.Milliseconds(), AnnouncedAt: pack.At(rec.AnnouncedAt), ArchivedAt: pack.At(rec.ArchivedAt), Steps: end.steps, Head: end.head,
	}
	var rows []pack.File
	for _, o := range r.places(rec) {
		f := row
		f.Role, f.Format, f.Bytes, f.SHA256 = o.Role, o.Format, o.Size, o.SHA256
		out, wrong := r.outcomes[o.path]
		switch {
		case o.path == "":
			f.Role, f.Reason = o.role, o.reason
		case wrong:
			f.Role, f.Code, f.Reason = out.role, out.code, out.reason
			if out.role == pack.Differs {
				f.FoundBytes, f.FoundSHA256 = out.found.Size, hex.EncodeToString(out.found.SHA256[:])
			}
		default:
			f.Path = o.path
		}
		if o.Role != pack.Played {
			f.DurationMS = 0
		}
		rows = append(rows, f)
	}
	if len(rows) == 0 {
		row.Role = pack.Absent
		rows = append(rows, row)
	}
	slices.SortFunc(rows, pack.File.Compare)
	return rows
}

// writeMissing writes missing.csv: for each call that should have audio and has none that
// can be played, a row for each of its recordings, or one that says that there is none.
func (r *run) writeMissing(w io.Writer) error {
	r.res.Missing = 0
	table, err := pack.NewMissing(w)
	if err != nil {
		return err
	}
	absent := map[recordingKey]Recording{} // that cannot be played
	err = r.eachRecording(r.ctx, func(rec Recording) error {
		key := recordingKey{rec.Integration, rec.ID}
		if !r.playable[key] {
			rec.Code, rec.Reason = r.why(rec)
			rec.Objects = nil
			absent[key] = rec
		}
		return nil
	})
	if err != nil {
		return err
	}
	write := func(m pack.Missing) error {
		r.res.Missing++
		return table.Write(m.Cells())
	}
	err = r.read(pack.CallsFile, func(f io.Reader) error {
		return pack.EachLine(f, func(c pack.Call) error {
			for _, m := range r.missing(c, absent) {
				if err := write(m); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	for _, id := range r.fixed.Unmatched {
		if err := write(pack.Missing{Asked: id, State: pack.NotFound, Reason: "nothing has this id"}); err != nil {
			return err
		}
	}
	return table.Flush()
}

// why is what there is to say of a recording that cannot be played: what was found while
// it was copied goes before what the catalogue knows.
func (r *run) why(rec Recording) (code, reason string) {
	for _, o := range r.copies(rec) {
		if out, ok := r.outcomes[o.path]; ok && o.Role == pack.Played {
			return out.code, out.reason
		}
	}
	return rec.Code, rec.Reason
}

func (r *run) missing(c pack.Call, absent map[recordingKey]Recording) []pack.Missing {
	row := pack.Missing{Integration: c.Integration, CallID: c.CallID, StartedAt: c.StartedAt}
	if len(c.Recordings) == 0 {
		if c.Outcome != pack.Answered {
			return nil
		}
		row.State, row.Reason = pack.NoRecording, "the call was answered, and the operator announced no recording of it"
		return []pack.Missing{row}
	}
	var rows []pack.Missing
	for _, id := range c.Recordings {
		rec, ok := absent[recordingKey{c.Integration, id}]
		if !ok {
			return nil // this one can be played
		}
		m := row
		m.RecordingID, m.State, m.Code, m.Reason, m.NextTryAt = id, rec.State, rec.Code, rec.Reason, pack.At(rec.NextTryAt)
		if m.State == "" {
			m.State, m.Reason = "unknown", "the catalogue does not know the recording that the call names"
		}
		if !rec.ExpiresAt.IsZero() && rec.State != "expired" && rec.State != "archived" {
			left := max(0, int(rec.ExpiresAt.Sub(r.plan.FixedAt.Time)/(24*time.Hour)))
			m.DaysLeft = &left
		}
		rows = append(rows, m)
	}
	return rows
}

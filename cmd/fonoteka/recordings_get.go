package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	sound "fonoteka/internal/audio"
	"fonoteka/internal/blob"
	"fonoteka/internal/call"
	"fonoteka/internal/exitcode"
	"fonoteka/internal/installation"
	"fonoteka/internal/printable"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/catalogue"
)

func getRecording(c *cli.Context) error {
	if c.NArg() != 1 {
		return usage("recordings get: give the id of a recording, or of a call")
	}
	id := c.Args().First()
	out := c.String("output")
	if out == "-" && terminal(c.App.Writer) {
		return usage("recordings get: -o - writes audio, and the output is a terminal: name a file, or send it to a program")
	}
	return withStores(c, func(st *installation.Stores) error {
		if !recordingID.MatchString(id) {
			return getOfCall(c, st, id, out)
		}
		rows, err := catalogue.New(st.Warehouse).ListRecordings(c.Context, catalogue.Filter{ID: id, Limit: 10})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return notFound("there is no such recording")
		}
		return getOne(c, st, rows[0], fileFor(out, id+sound.Format(rows[0].Format).Ext()))
	})
}

// getOfCall writes all recordings of a call. One that is not there keeps none of the
// others from being written.
func getOfCall(c *cli.Context, st *installation.Stores, id, out string) error {
	found, err := calls.New(st.Warehouse).ShowCall(c.Context, id, catalogue.New(st.Warehouse).OfCall)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return notFound("there is no recording and no call %s", printable.Quote(id))
	}
	around, err := readZones(c.Context, st.Warehouse)
	if err != nil {
		return err
	}
	type file struct {
		row  catalogue.Row
		name string
	}
	var files []file
	for _, d := range found {
		for i, r := range d.Recordings {
			files = append(files, file{catalogue.Row{RecordingStatus: r, CallKnown: true}, fileOfCall(d.Record, i, r, around.zones[d.Record.Integration])})
		}
	}
	switch {
	case len(files) == 0:
		return notFound("the call has no recording")
	case len(files) > 1 && out != "" && !isFolder(out):
		ids := make([]string, len(files))
		for i, f := range files {
			ids[i] = f.row.ID
		}
		return usage("recordings get: the call has %d recordings; give a folder (-o), or the id of one: %s", len(files), strings.Join(ids, ", "))
	}
	var failed error
	written := 0
	for _, f := range files {
		if err := getOne(c, st, f.row, fileFor(out, f.name)); err != nil {
			failed = errors.Join(failed, err)
		} else {
			written++
		}
	}
	if code, _ := exitcode.Of(failed); code == exitcode.NotFound && written > 0 {
		return exitcode.Errorf(exitcode.Incomplete, "%v", failed)
	}
	return failed
}

// fileOfCall names the file of a call's recording: by its start, by the clock of its
// integration, so that files lie in order, and without a number or a name of a person.
func fileOfCall(r call.Record, i int, s call.RecordingStatus, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	name := fmt.Sprintf("%s_%s_%d", r.StartedAt.In(zone).Format("2006-01-02_15-04-05"), r.Direction, r.CallID)
	if i > 0 {
		name += fmt.Sprintf("_%d", i+1)
	}
	return name + sound.Format(s.Format).Ext()
}

// fileFor is where a recording is written that would be called name.
func fileFor(out, name string) string {
	switch {
	case out == "":
		return name
	case isFolder(out):
		return filepath.Join(out, name)
	}
	return out
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// getOne writes one recording, and says so.
func getOne(c *cli.Context, st *installation.Stores, r catalogue.Row, out string) error {
	kept := r.State == call.Quarantined && r.KeptAttempt > 0
	if r.State != call.Archived && !kept {
		return notFound("recording %s is not archived: %s (%s)", r.ID, r.State, story(r))
	}
	if r.Fault.Part == call.RecordingPart && r.Fault.Kind != "" {
		return exitcode.Errorf(exitcode.Found, "recording %s is not given out: %s", r.ID, r.Reason())
	}
	if err := noteGiven(c, "recording.get", r.ID, ""); err != nil {
		return err
	}
	err := writeRecording(st, c, r.RecordingStatus, out)
	if kept {
		return sayQuarantined(c.App.ErrWriter, r, out, err)
	}
	if err != nil {
		err = errors.Join(err, noteAltered(c.Context, st, r.RecordingStatus, err))
		if errors.Is(err, blob.ErrAltered) || errors.Is(err, blob.ErrNotFound) {
			return exitcode.With(exitcode.Found, err)
		}
		return err
	}
	if out == "-" {
		return nil
	}
	fmt.Fprintf(c.App.ErrWriter, "wrote %s: %s, %s, sha256 %s as archived\n", printable.Quote(out), fileSize(r.Size), span(r.Duration, true), r.SHA256)
	return nil
}

// sayQuarantined warns of what was written: it is what came, and not a recording that
// is known to be whole.
func sayQuarantined(w io.Writer, r catalogue.Row, name string, err error) error {
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "warning: this is no archived recording but what came and lies in quarantine: %s\n", r.Reason())
	if name != "-" {
		fmt.Fprintf(w, "wrote %s: %s, sha256 %s as it came\n", printable.Quote(name), fileSize(r.Size), r.SHA256)
	}
	return exitcode.Incomplete
}

// write writes a stored recording to a file; - is the output.
func writeRecording(st *installation.Stores, c *cli.Context, r call.RecordingStatus, name string) error {
	stored, _, err := st.Blob.GetRange(c.Context, r.Key, 0, -1) // by range, as the client's own check of a whole object fails with an error of no kind
	if err != nil {
		return err
	}
	defer stored.Close()
	body := blob.Verified(stored, r.Size, r.SHA256)
	if name == "-" {
		return copyWhole(raw(c.App.Writer), body)
	}
	return save(name, body)
}

// noteAltered has the catalogue know of what was met.
func noteAltered(ctx context.Context, st *installation.Stores, r call.RecordingStatus, met error) error {
	if !errors.Is(met, blob.ErrAltered) && !errors.Is(met, blob.ErrNotFound) {
		return nil
	}
	checker, err := st.Checker(0, 1)
	if err != nil {
		return err
	}
	_, err = checker.CheckAll(ctx, []call.RecordingStatus{r})
	return err
}

// save leaves a file only if it holds the whole of body.
func save(name string, body io.Reader) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".fonoteka-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	err = copyWhole(tmp, body)
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}

func copyWhole(w io.Writer, body io.Reader) error {
	if _, err := io.Copy(w, body); err != nil {
		return fmt.Errorf("read the stored recording: %w", err)
	}
	return nil
}

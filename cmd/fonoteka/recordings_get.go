package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	sound "fonoteka/internal/audio"
	"fonoteka/internal/blob"
	"fonoteka/internal/call"
	"fonoteka/internal/installation"
	"fonoteka/internal/warehouse/catalogue"
)

func getRecording(c *cli.Context) error {
	if c.NArg() != 1 {
		return errors.New("recordings get: give one recording id")
	}
	id := c.Args().First()
	return withStores(c, func(st *installation.Stores) error {
		rows, err := catalogue.New(st.Warehouse).ListRecordings(c.Context, catalogue.Filter{ID: id, Limit: 10})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return errors.New("there is no such recording")
		}
		r := rows[0]
		kept := r.State == call.Quarantined && r.KeptAttempt > 0
		if r.State != call.Archived && !kept {
			return fmt.Errorf("the recording is not archived: %s (%s)", r.State, story(r))
		}
		if r.Fault.Part == call.RecordingPart && r.Fault.Kind != "" {
			return fmt.Errorf("the recording is not given out: %s", r.Reason())
		}
		out := c.String("output")
		if out == "" {
			out = id + sound.Format(r.Format).Ext()
		}
		if out == "-" && terminal(c.App.Writer) {
			return errors.New("recordings get: -o - writes audio, and the output is a terminal: name a file, or send it to a program")
		}
		if err := noteGiven(c, "recording.get", r.ID, ""); err != nil {
			return err
		}
		err = writeRecording(st, c, r.RecordingStatus, out)
		if kept {
			return sayQuarantined(c.App.ErrWriter, r, out, err)
		}
		if err != nil {
			return errors.Join(err, noteAltered(c.Context, st, r.RecordingStatus, err))
		}
		if out == "-" {
			return nil
		}
		fmt.Fprintf(c.App.ErrWriter, "wrote %s: %s, %s, sha256 %s as archived\n", out, fileSize(r.Size), span(r.Duration, true), r.SHA256)
		return nil
	})
}

// sayQuarantined warns of what was written: it is what came, and not a recording that
// is known to be whole.
func sayQuarantined(w io.Writer, r catalogue.Row, name string, err error) error {
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "warning: this is no archived recording but what came and lies in quarantine: %s\n", r.Reason())
	if name != "-" {
		fmt.Fprintf(w, "wrote %s: %s, sha256 %s as it came\n", name, fileSize(r.Size), r.SHA256)
	}
	return nil
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

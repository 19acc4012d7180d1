package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"fonoteka/internal/bounded"
	"fonoteka/internal/state"
)

// Ask has the process that runs on a data folder do something, and hands each line of
// its answer on.
func Ask[T any](ctx context.Context, dir string, run state.Runtime, path string, query url.Values, each func(T) error) error {
	values, err := state.Read(dir)
	if err != nil {
		return err
	}
	u := url.URL{Scheme: "http", Host: run.PrivateListen, Path: path, RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+values.AdminToken)
	transport := &http.Transport{} // no proxy: it is this machine
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return fmt.Errorf("ask the running process: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		words, _ := bounded.Read(resp.Body, 500)
		return fmt.Errorf("the running process answered %s: %s", resp.Status, words)
	}
	lines := bufio.NewScanner(resp.Body) // a line of it has 64 KiB at most
	for lines.Scan() {
		var line T
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return fmt.Errorf("read the running process's answer: %w", err)
		}
		if err := each(line); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the running process's answer: %w", err)
	}
	return nil
}

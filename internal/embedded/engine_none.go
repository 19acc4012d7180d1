//go:build noengine || !(linux || darwin)

package embedded

import "errors"

// engineSupported is nil where this binary can load the engine.
func engineSupported() error {
	return errors.New("this binary was built without the embedded ClickHouse: bring a server and set FONOTEKA_CLICKHOUSE_URL")
}

func openTerminal() (*terminal, error) { return nil, engineSupported() }

func clickhouseMain(*lifeLine) error { return engineSupported() }

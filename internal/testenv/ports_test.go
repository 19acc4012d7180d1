package testenv_test

import (
	"testing"

	"fonoteka/internal/testenv"
)

// The lock is the file's and not the process's, so this holds between processes too.
func TestAPortIsGivenOnce(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	for range 20 {
		for _, port := range testenv.Ports(t, 3) {
			if seen[port] {
				t.Errorf("port %d was given twice", port)
			}
			seen[port] = true
		}
	}
}

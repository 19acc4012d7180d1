package system

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// processorTime is what this process and its children have used, each.
func processorTime() (own, children time.Duration) {
	own = statTime("/proc/self/stat")
	tasks, _ := filepath.Glob("/proc/self/task/*/children")
	for _, t := range tasks {
		pids, _ := os.ReadFile(t)
		for _, pid := range strings.Fields(string(pids)) {
			children += statTime(fmt.Sprintf("/proc/%s/stat", pid))
		}
	}
	return own, children
}

// statTime is utime and stime of a process, in ticks of 10 ms; see proc(5).
func statTime(path string) time.Duration {
	stat, _ := os.ReadFile(path)
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

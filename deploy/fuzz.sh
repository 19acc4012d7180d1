#!/bin/sh
# Runs every fuzz target of the project, one after the other, for a time each. What
# fails is kept under the package's testdata/fuzz: it belongs into the repository.
set -eu
cd "$(dirname "$0")/.."
time=${1:-20s}
grep -rn --include='*_test.go' '^func Fuzz' cmd internal |
	sed 's|/[^/]*_test\.go:[0-9]*:func \(Fuzz[A-Za-z0-9_]*\).*| \1|' | sort |
	while read -r dir target; do
		echo "== $dir $target"
		"${GO:-go}" test "./$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 1s
	done

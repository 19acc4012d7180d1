#!/bin/sh
# Speed, as ratios against something on this machine in this run: `make bench`.
# Each line of numbers names both sides. A shared machine wants several runs.
set -eu
cd "$(dirname "$0")/.."
export CGO_ENABLED="${CGO_ENABLED:-0}"
TMPDIR=${TMPDIR:-$PWD/data/bench} # fsync must mean a real disk
mkdir -p "$TMPDIR"
export TMPDIR

command -v wrk >/dev/null || {
	echo "make bench: wrk makes the load; install it (Debian: apt-get install wrk)" >&2
	exit 1
}

echo "== machine: $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)"
echo "== spool: appended records/s by writers, and bare fdatasync of the same bytes"
go test ./internal/spool -run xxx -bench . -benchtime 2s
echo "== intake: notifications/s answered after an fsync, against a handler that reads and answers (reach 0.4 at 64 connections, 0.6 at 512)"
go test ./internal/intake -run xxx -bench BareServer -benchtime 3x
echo "== relay and deriver: events/s from spool to calls, against plain inserts of events (reach 0.2)"
go test ./internal/system -run xxx -bench SpoolToCalls -benchtime 3x
echo "== decoder and mp3 scan"
go test ./internal/mtt -run xxx -bench Decode
go test ./internal/mp3 -run xxx -bench .
status=0
for more in deploy/bench/*.sh; do
	[ -x "$more" ] || continue
	echo "== $more"
	"$more" || status=1 # a goal that is missed keeps nothing from being measured
done
exit "$status"

#!/usr/bin/env bash
# Panels and reports at size: installations with CALLS calls and a tenth of them,
# over two years, seeded by `mttsim seed`; then every panel's query and every
# report view, warm, at the window it opens with and at two years, and what 7 days
# cost at both sizes; and the bytes that notifications and calls take on disk.
# Then the same with a fifth of the calls written again and not merged.
#
# CALLS (1500000: some minutes; 15000000 is what the targets are for: an hour and
# 12 GB), BIN (bin), SIZE_DIR (a temporary folder; what is seeded there is used
# again).
set -euo pipefail
cd "$(dirname "$0")/../.."

calls=${CALLS:-1500000}
bin=${BIN:-$PWD/bin}
work=${SIZE_DIR:-$(mktemp -d "${TMPDIR:-/tmp}/fonoteka-size.XXXXXX")}
serve=

finish() {
	trap - EXIT INT TERM
	[ -z "$serve" ] || kill "$serve" 2>/dev/null && wait "$serve" 2>/dev/null || true
	[ -n "${SIZE_DIR:-}" ] || rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

# start runs an installation; nothing is fetched or checked, as there are no files.
start() {
	"$bin/fonoteka" serve --data "$1" --listen 127.0.0.1:0 --private-listen 127.0.0.1:0 --scrub-days 0 >"$1.log" 2>&1 &
	serve=$!
	until grep -q 'msg=ready' "$1.log"; do
		kill -0 "$serve" || { tail -n 15 "$1.log" >&2 && exit 1; }
		sleep 0.2
	done
}

stop() {
	kill "$serve"
	wait "$serve" || true
	serve=
}

sql() { "$bin/fonoteka" sql --data "$1" --format TSV "$2"; }

# seed DIR CALLS fills an installation and waits for its rollups.
seed() {
	[ ! -e "$1.seeded" ] || return 0
	start "$1"
	"$bin/mttsim" seed --data "$1" --calls "$2" 2>"$1.seed.log"
	local days
	days=$(sql "$1" 'SELECT uniqExact(toDate(started_at)) FROM calls SETTINGS final = 0')
	until [ "$(sql "$1" "SELECT min(n) >= $days FROM (SELECT count() AS n FROM rollup_days WHERE name IN ('calls', 'callers', 'durations') GROUP BY name)")" = 1 ]; do
		sleep 5
	done
	stop
	touch "$1.seeded"
}

measure() {
	go test ./cmd/fonoteka -run TestReportsAtSize -count=1 -timeout 2h -v -size "$1" -size-small "$2" | grep -v '^=== RUN'
}

mkdir -p "$work/large" "$work/small"
export FONOTEKA_MTT_REDIRECT_URI=http://127.0.0.1:1/mtt/a-word-that-nobody-posts-to
echo "-- $calls calls and $((calls / 10)), seeded under load $(cut -d' ' -f1 /proc/loadavg)"
seed "$work/small" $((calls / 10))
seed "$work/large" "$calls"
measure "$work/large" "$work/small" || failed=1
echo "-- notifications/s from spool to calls, into an empty warehouse and into this one (no more than 1.5 times slower)"
go test ./cmd/fonoteka -run xxx -bench SpoolToCallsAtSize -benchtime 3x -size "$work/large" | grep '^Benchmark'
echo "-- panels and reports with 20 % of the calls written again and not merged"
start "$work/large"
"$bin/mttsim" seed --data "$work/large" --calls 0 --reversioned 20 2>>"$work/large.seed.log"
stop
measure "$work/large" "$work/small" || failed=1
[ -z "${failed:-}" ] || echo "some take longer than they may: see the marks (!)"

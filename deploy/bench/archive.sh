#!/usr/bin/env bash
# Recordings of 300 KB per second: `fonoteka serve` on embedded stores, from a
# backlog in the catalogue to verified mp3, sidecar and row – against `rclone
# copyurl` of the same links, with the same parallelism, into the same syncing
# S3. Then serve's memory with files of 100 MB among them. It fails where one
# of both goals is missed.
#
# Do not run it within five minutes of a great deletion, its own last one among
# them: an ext4 without a journal avoids inodes freed lately, and looks at each
# when a file is created, of which fonoteka has two a recording.
#
# RECORDINGS (about; 8000), WORKERS (16), ROUNDS of both sides (3; each takes 5 GB),
# RCLONE (path of a program; built in a temporary folder otherwise), BIN (bin).
set -euo pipefail
cd "$(dirname "$0")/../.."

recordings=${RECORDINGS:-8000}
workers=${WORKERS:-16}
rounds=${ROUNDS:-3}
bin=${BIN:-$PWD/bin}
rclone_version=v1.76.0
work=$(mktemp -d "${TMPDIR:-/tmp}/fonoteka-bench.XXXXXX")
pids=()

finish() {
	trap - EXIT INT TERM
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

fail() {
	echo "archive benchmark: $1" >&2
	[ $# -lt 2 ] || tail -n 15 "$2" >&2
	exit 1
}

# until_true SECONDS WHAT COMMAND… tries a command until it succeeds, every $pause
# seconds. If it does not, the end of $log.log is shown.
until_true() {
	local end=$((SECONDS + $1)) what=$2
	shift 2
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || fail "$what took too long" "$work/${log:-serve}.log"
		sleep "${pause:-0.2}"
	done
}

free_port() { # of the loopback interface, most probably
	local port
	while :; do
		port=$((10000 + RANDOM % 10000)) # not where the stores and outgoing connections take theirs
		(: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}

sql() { "$bin/fonoteka" sql --data "$data" --format TSV "$1"; }
now() { date +%s.%N; }

# cpu_of PID…: seconds of a core that processes have used so far.
cpu_of() {
	local pid all=0
	for pid in "$@"; do
		set -- $(sed 's/.*) //' "/proc/$pid/stat")
		all=$((all + ${12} + ${13}))
	done
	awk -v t="$all" -v hz="$(getconf CLK_TCK)" 'BEGIN { print t / hz }'
}
store_pid() { pgrep -P "$serve" -f "embedded-$1"; }
each_ms() { awk -v n="$n" -v from="$1" -v to="$2" 'BEGIN { printf "%.2f", (to - from) * 1000 / n }'; }
per_second() { awk -v n="$1" -v from="$2" -v to="$3" 'BEGIN { printf "%.0f", n / (to - from) }'; }

find_rclone() {
	if [ -n "${RCLONE:-}" ]; then
		echo "$RCLONE"
		return
	fi
	local built=${TMPDIR:-/tmp}/fonoteka-rclone-$rclone_version
	if [ ! -x "$built/rclone" ]; then
		echo "building rclone $rclone_version (a development tool, not kept in the project) …" >&2
		GOBIN=$built GOFLAGS=-mod=mod CGO_ENABLED=0 go install "github.com/rclone/rclone@$rclone_version" >&2
	fi
	echo "$built/rclone"
}

# serve starts fonoteka with more options, and waits until it is ready.
serve() {
	"$bin/fonoteka" serve --data "$data" --listen "127.0.0.1:$port" --private-listen 127.0.0.1:0 \
		--workers "$workers" "$@" >"$work/serve.log" 2>&1 &
	serve=$!
	pids+=("$serve")
}
listening() { grep -q 'msg=listening' "$work/serve.log"; }
stop_serve() {
	kill "$serve"
	wait "$serve" || true
}

# simulate NAME CALLS BYTES SEED PORT posts calls and goes on serving recordings.
simulate() {
	"$bin/mttsim" --redirect-uri "$FONOTEKA_MTT_REDIRECT_URI" --calls "$2" --days 7 --rate 0 --record-bytes "$3" --seed "$4" \
		--listen "127.0.0.1:$5" --serve >"$work/$1.json" 2>"$work/$1.log" &
	pids+=("$!")
	sim=$!
}

announced() { [ "$(sql "SELECT count() FROM events WHERE body LIKE '%urlRecord%'" 2>/dev/null || echo 0)" -gt 0 ]; }
count_state() { sql "SELECT countIf(state $1) FROM recordings" 2>/dev/null || echo -1; }
settled() { # no recording more for two seconds
	local before
	before=$(count_state "!= ''")
	sleep 2
	[ "$before" -gt 0 ] && [ "$before" = "$(count_state "!= ''")" ]
}
metric() { # NAME: its value, rounded
	local at
	at=$(sed -n 's/.*msg=listening.*private=\([^ ]*\).*/\1/p' "$work/serve.log")
	curl -sf "http://$at/metrics" | awk -v name="$1" '$1 == name { printf "%.0f", $2 }'
}
large_announced() { [ "$(sql "SELECT countIf(url LIKE '%:$large/%') FROM recordings")" -gt 0 ]; }
none_left() { [ "$(count_state "!= 'archived'")" = 0 ]; }
all_archived() { [ "$(metric fonoteka_archive_archived_total)" = "$n" ]; }
sent() { # bytes that the simulator has written so far
	local name value
	while read -r name value; do
		[ "$name" != wchar: ] || echo "$value"
	done <"/proc/$sim/io"
}
# nearly_archived waits until all but a hundredth has been sent, counted from $1
# bytes. To ask serve costs 14 ms of a core each time, which rclone does not pay.
nearly_archived() {
	local end=$((SECONDS + 300))
	until [ $(($(sent) - $1)) -ge $((n * 297000)) ]; do
		[ "$SECONDS" -lt "$end" ] || fail "archiving took too long" "$work/serve.log"
		sleep 0.1
	done
}
settled_calls() { # the deriver's second look at a call comes a minute after the last touch
	[ "$(sql "SELECT max(inserted_at) <= (SELECT parseDateTime64BestEffortOrZero(argMax(position, version), 6, 'UTC') FROM progress WHERE name = 'deriver') FROM touched")" = 1 ]
}
relayed() { [ "$(metric 'fonoteka_relay_records_total{cursor="recordings"}')" = "$(metric 'fonoteka_relay_records_total{cursor="warehouse"}')" ]; }
# calm: serve and the engine have used less than a tenth of a core for a second.
calm() {
	local engine before
	engine=$(store_pid clickhouse) || return
	before=$(cpu_of "$serve" "$engine")
	sleep 1
	awk -v a="$before" -v b="$(cpu_of "$serve" "$engine")" 'BEGIN { exit b - a > 0.1 }'
}
working() { derived && [ "$(metric fonoteka_archive_in_flight)" -gt "$workers" ]; }
derived() { local lag && lag=$(metric fonoteka_cdr_lag_seconds) && [ -n "$lag" ] && [ "$lag" -lt 3 ]; }

rclone=$(find_rclone)
data=$work/data
port=$(free_port)
small=$(free_port)
large=$(free_port)
export FONOTEKA_MTT_REDIRECT_URI=http://127.0.0.1:$port/mtt/bench
export FONOTEKA_MTT_RECORD_HOSTS=127.0.0.1:$small,127.0.0.1:$large
mkdir -p "$data"

echo "machine: $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg); $workers at once"
dd if=/dev/zero of="$work/fsync" bs=4k count=500 oflag=dsync 2>&1 |
	awk '/copied/ { for (i = 1; i <= NF; i++) if ($i == "s,") printf "fsync: %.0f a second (4 KiB written and synced)\n", 500 / $(i - 1) }'

echo "announcing …"
# One request in a quarter of an hour: everything gets into the catalogue, next to
# nothing is fetched.
serve --per-host-rate 0.001
until_true 60 "serve's start" listening
simulate small $((recordings * 10 / 8)) 300000 "$RANDOM" "$small"
until_true 120 "announcing" announced
until_true 120 "announcing" settled
until_true 120 "deriving" derived
until_true 120 "reading the announcements" relayed
until_true 180 "looking at each call once more" settled_calls
n=$(count_state "= 'announced'")
sql "SELECT url, key_of FROM (SELECT url, concat('r/', recording_id, '.mp3') AS key_of FROM recordings)" | tr '\t' ',' >"$work/urls.csv"
kill -9 "$serve" # the downloads that wait would hold it for a while
wait "$serve" || true
while pgrep -f "embedded-.* $data" >/dev/null; do sleep 0.2; done
cp -a "$data" "$work/before"

secret() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p" "$work/state.json" | head -n 1; }

run_rclone() { # the stores are up, serve has nothing to do
	cp "$data"/state.json "$work/state.json"
	export RCLONE_CONFIG=$work/rclone.conf
	cat >"$RCLONE_CONFIG" <<-END
		[s3]
		type = s3
		provider = Other
		access_key_id = $(secret s3_access_key)
		secret_access_key = $(secret s3_secret_key)
		endpoint = http://127.0.0.1:$(secret s3)
		region = us-east-1
		force_path_style = true
	END
	"$rclone" mkdir "s3:rclone"
	until calm; do :; done
	local from to copied s3 store
	s3=$(store_pid s3)
	store=$(cpu_of "$s3")
	from=$(now)
	local TIMEFORMAT='%U %S'
	{ time "$rclone" copyurl --urls "$work/urls.csv" "s3:rclone/$1" --s3-no-check-bucket --transfers "$workers" 2>"$work/rclone.log" ||
		fail "rclone" "$work/rclone.log"; } 2>"$work/rclone.cpu"
	to=$(now)
	local itself
	itself=$(awk '{ print $1 + $2 }' "$work/rclone.cpu")
	store=$(each_ms "$store" "$(cpu_of "$s3")")
	itself=$(each_ms 0 "$itself")
	copied=$("$rclone" size "s3:rclone/$1" --json | sed 's/.*"count":\([0-9]*\).*/\1/')
	[ "$copied" = "$n" ] || fail "rclone copied $copied of $n"
	theirs=$(per_second "$n" "$from" "$to")
	echo "rclone copyurl: $theirs recordings/s; CPU of each $(awk -v a="$itself" -v b="$store" 'BEGIN { print a + b }') ms: itself $itself, S3 $store"
	theirs_all=$((theirs_all + theirs))
}

# Serve starts while the simulator stands still, so that what is measured is the
# drain alone: no start of an engine, no calls to be looked at once more.
run_fonoteka() {
	kill -STOP "$sim"
	serve
	until_true 60 "serve's start" working
	local end=$((SECONDS + 20)) # downloads that wait for an answer give up after 30
	until calm || [ "$SECONDS" -ge "$end" ]; do :; done
	local from s3 engine before ours sent
	s3=$(store_pid s3)
	engine=$(store_pid clickhouse)
	before=($(cpu_of "$serve") $(cpu_of "$s3") $(cpu_of "$engine"))
	sent=$(sent)
	from=$(now)
	kill -CONT "$sim"
	nearly_archived "$sent"
	pause=0.05 until_true 60 "archiving the last" all_archived
	local to
	to=$(now)
	local after=($(cpu_of "$serve") $(cpu_of "$s3") $(cpu_of "$engine"))
	[ "$(count_state "= 'archived'")" = "$n" ] || fail "not all rows say archived" "$work/serve.log"
	ours=$(per_second "$n" "$from" "$to")
	ours_cpu=$(each_ms 0 "$(awk -v a="${after[*]}" -v b="${before[*]}" 'BEGIN { split(a, x); split(b, y); print x[1] + x[2] + x[3] - y[1] - y[2] - y[3] }')")
	echo "fonoteka: $ours recordings/s, with sidecar and row; CPU of each $ours_cpu ms: serve $(each_ms "${before[0]}" "${after[0]}"), S3 $(each_ms "${before[1]}" "${after[1]}"), ClickHouse $(each_ms "${before[2]}" "${after[2]}"); serve without the engine $(memory "$serve") MB resident at most"
	ours_all=$((ours_all + ours))
}
memory() { awk '/VmHWM/ { print int($2 / 1024) }' "/proc/$1/status"; } # MB that a process had resident at most

ours_all=0
theirs_all=0
for round in $(seq "$rounds"); do
	# A new folder: some file systems are slow for minutes after a great deletion.
	data=$work/data$round
	cp -a "$work/before" "$data"
	sync
	run_fonoteka
	run_rclone "$round"
	[ "$round" = "$rounds" ] || stop_serve
done
awk -v n="$n" -v a="$ours_all" -v b="$theirs_all" -v r="$rounds" 'BEGIN {
	printf "%d recordings of 300 KB, %d rounds: fonoteka %.0f/s, rclone %.0f/s, ratio %.2f (reach 1.0)\n", n, r, a / r, b / r, a / b }'

echo "with files of 100 MB among them …"
kill "$sim"
simulate small2 400 300000 "$RANDOM" "$small"
simulate large 12 100000000 "$RANDOM" "$large"
log=large until_true 60 "announcing the large ones" large_announced
until_true 60 "announcing" settled
until_true 300 "archiving" none_left
peak=$(memory "$serve")
echo "serve without the engine: $peak MB resident at most (reach 150), largest file $(sql "SELECT max(size) FROM recordings") bytes, $(sql "SELECT countIf(size > 50000000) FROM recordings") of them; the embedded S3 beside it $(memory "$(store_pid s3)") MB"

status=0
miss() {
	echo "goal missed: $1" >&2
	status=1
}
[ "$ours_all" -ge "$theirs_all" ] || miss "slower than rclone copyurl"
[ "$peak" -lt 150 ] || miss "serve had $peak MB, and has to stay below 150"
exit "$status"

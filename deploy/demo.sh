#!/bin/sh
# Everything on this machine, with a simulated telephone system: `make run`.
# Data is kept in $FONOTEKA_DATA (data/demo); ports can be moved with
# DEMO_PORT (notifications), DEMO_PRIVATE_PORT and DEMO_SIM_PORT.
set -eu
cd "$(dirname "$0")/.."

port=${DEMO_PORT:-8080}
private=${DEMO_PRIVATE_PORT:-8090}
sim=${DEMO_SIM_PORT:-8081}
FONOTEKA_DATA=${FONOTEKA_DATA:-$PWD/data/demo}
FONOTEKA_MTT_REDIRECT_URI=http://127.0.0.1:$port/mtt/demo
FONOTEKA_MTT_RECORD_HOSTS=127.0.0.1:$sim
FONOTEKA_MTT_OAUTH_URL=http://127.0.0.1:$sim
FONOTEKA_MTT_API_URL=$FONOTEKA_MTT_OAUTH_URL
export FONOTEKA_DATA FONOTEKA_MTT_REDIRECT_URI FONOTEKA_MTT_RECORD_HOSTS FONOTEKA_MTT_OAUTH_URL FONOTEKA_MTT_API_URL
umask 077 # logs and data are nobody else's
mkdir -p "$FONOTEKA_DATA"
cat >"$FONOTEKA_DATA/env" <<END # for commands in other terminals
export FONOTEKA_DATA='$FONOTEKA_DATA'
export FONOTEKA_MTT_REDIRECT_URI=$FONOTEKA_MTT_REDIRECT_URI
export FONOTEKA_MTT_RECORD_HOSTS=$FONOTEKA_MTT_RECORD_HOSTS
export FONOTEKA_MTT_OAUTH_URL=$FONOTEKA_MTT_OAUTH_URL
export FONOTEKA_MTT_API_URL=$FONOTEKA_MTT_API_URL
export FONOTEKA_MTT_CLIENT_ID=ccb350cc-6218-40b0-b134-3d290f00b9e7
export FONOTEKA_MTT_CLIENT_SECRET=demo-client-secret
END
serve_log=$FONOTEKA_DATA/serve.log
sim_log=$FONOTEKA_DATA/mttsim.log

pids=
stop() {
	trap - EXIT INT TERM
	echo "stopping …"
	for pid in $pids; do kill "$pid" 2>/dev/null || true; done
	for pid in $pids; do wait "$pid" 2>/dev/null || true; done
}
fail() {
	echo "make run: $1" >&2
	tail -n 15 "$2" >&2
	exit 1
}
alive() { # pid, what it is, its log
	kill -0 "$1" 2>/dev/null || fail "$2 ended: is a port taken? (DEMO_PORT, DEMO_PRIVATE_PORT, DEMO_SIM_PORT move them)" "$3"
}
sql() { bin/fonoteka sql --format TSV "$1" 2>/dev/null; }
trap stop EXIT
trap 'exit 0' INT TERM

echo "starting Fonoteka (log: $serve_log) …"
: >"$serve_log" # no word of the last run may be taken for one of this
bin/fonoteka serve --listen "127.0.0.1:$port" --private-listen "127.0.0.1:$private" >>"$serve_log" 2>&1 &
serve=$!
pids=$serve
tries=0
until grep -q "msg=ready" "$serve_log"; do
	alive "$serve" "serve" "$serve_log"
	tries=$((tries + 1))
	[ "$tries" -lt 300 ] || fail "serve is not ready after a minute" "$serve_log"
	sleep 0.2
done
since=$(sql "SELECT now64(3, 'UTC')") || fail "the warehouse does not answer" "$serve_log"
new="state = 'archived' AND announced_at >= '$since'" # earlier runs have theirs

echo "starting the simulated telephone system (log: $sim_log) …"
: >"$sim_log"
bin/mttsim --demo --rate 1 --seed "$(date +%s)" --listen "127.0.0.1:$sim" \
	--redirect-uri "$FONOTEKA_MTT_REDIRECT_URI" >/dev/null 2>>"$sim_log" &
simulator=$!
pids="$simulator $pids"

echo "waiting for the first archived recordings …"
tries=0
while :; do
	seen=$(sql "SELECT least(count(), (SELECT count() FROM calls)) FROM recordings WHERE $new" || echo 0)
	[ "${seen:-0}" -lt 5 ] || break
	alive "$simulator" "the simulated telephone system" "$sim_log"
	alive "$serve" "serve" "$serve_log"
	tries=$((tries + 1))
	[ "$tries" -lt 120 ] || fail "nothing was archived in a minute" "$serve_log"
	sleep 0.5
done
id=$(sql "SELECT recording_id FROM recordings WHERE $new ORDER BY announced_at DESC LIMIT 1")
password=$(sed -n 's/.*"recordings_password": *"\([^"]*\)".*/\1/p' "$FONOTEKA_DATA/state.json")

echo
echo "Calls are arriving, recordings are archived: first those of the past week, then a call a second."
echo
bin/fonoteka calls list --limit 8
echo
cat <<END
In another terminal, in this folder, so that commands know where they are:

  . '$FONOTEKA_DATA/env'

Ask the warehouse:

  bin/fonoteka sql 'SELECT direction, outcome, count() AS calls, round(avg(talk_ms) / 1000) AS talk_s FROM calls GROUP BY ALL ORDER BY ALL'

Fetch a recording and listen to it:

  bin/fonoteka recordings list --limit 5
  bin/fonoteka recordings get $id -o call.mp3

or in a browser, with any name and this password: $password

  http://127.0.0.1:$private/recordings/$id

Log in at the simulated operator (demo, password demo), so that Fonoteka may ask
it for the names behind the numbers:

  bin/fonoteka auth login
  bin/fonoteka directory list

Health and metrics:  http://127.0.0.1:$private/readyz   http://127.0.0.1:$private/metrics

Ctrl-C stops everything; the data stays in $FONOTEKA_DATA.
END
wait "$serve"

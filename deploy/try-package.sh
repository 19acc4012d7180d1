#!/bin/bash
# The package on a clean Debian, under a real systemd: installed, configured, started,
# asked whether it is well, upgraded, removed, data kept. As root, on a machine with
# debootstrap and systemd-nspawn; the .deb comes from `make package`.
#   deploy/try-package.sh dist/fonoteka_*.deb [FOLDER of the Debian, kept for the next time]
set -euo pipefail
deb=$(realpath "$1")
root=${2:-$(mktemp -d)/root}

if [ ! -e "$root/etc/debian_version" ]; then
	debootstrap --variant=minbase --include=systemd,dbus,ca-certificates,procps,passwd,curl bookworm "$root"
fi
cp "$deb" "$root/root/fonoteka.deb"

# What happens in it. Its last line says that all of it held.
cat >"$root/root/try.sh" <<'TRY'
set -Eeuxo pipefail
as() { runuser -u fonoteka -- fonoteka "$@"; }
ready() { curl -fsS --retry 60 --retry-delay 1 --retry-all-errors http://127.0.0.1:8090/readyz 2>/dev/null; }
trap 'set +x; curl -s http://127.0.0.1:8090/readyz; journalctl --no-pager -o cat -u fonoteka | tail -n 60' ERR

dpkg -P fonoteka || true # of an earlier trial
rm -rf /var/lib/fonoteka /etc/fonoteka
dpkg -i /root/fonoteka.deb
[ "$(stat -c '%a %U' /etc/fonoteka/fonoteka.yaml /var/lib/fonoteka | sort -u | tr '\n' ' ')" = "600 fonoteka 700 fonoteka " ]
systemd-analyze verify /usr/lib/systemd/system/fonoteka.service
systemd-analyze security --threshold=25 fonoteka.service

# Not filled in: it says what is missing.
! as serve 2>/root/unconfigured
grep -q redirect_uri /root/unconfigured
grep -q timezone /root/unconfigured

sed -i 's|redirect_uri:.*|redirect_uri: http://127.0.0.1:8080/mtt/of-this-trial-alone|; s|timezone:.*|timezone: Europe/Moscow|' /etc/fonoteka/fonoteka.yaml
# Root would leave files that the service could not write.
! fonoteka doctor 2>/root/as-root
grep -q "sudo -u fonoteka" /root/as-root

systemctl enable --now fonoteka
ready
body='{"kind":"trying","callID":"trial@example.org"}'
curl -fsS -H 'Content-Type: application/json' -d "$body" http://127.0.0.1:8080/mtt/of-this-trial-alone/events
as doctor
systemctl show fonoteka -p NRestarts | grep -qx NRestarts=0
! journalctl -u fonoteka | grep -i 'panic\|operation not permitted\|unconfined'
as sql 'SELECT count() FROM events' || true

before=$(systemctl show fonoteka -p MainPID)
dpkg -i /root/fonoteka.deb # an upgrade keeps the configuration and starts the new program
[ "$(systemctl show fonoteka -p MainPID)" != "$before" ]
grep -q of-this-trial-alone /etc/fonoteka/fonoteka.yaml
ready
as doctor

systemctl kill -s KILL --kill-who=main fonoteka # it comes back by itself, and its stores too
sleep 3
ready
as doctor

dpkg -r fonoteka
! systemctl is-active fonoteka
! pgrep -u fonoteka
[ -s /var/lib/fonoteka/state.json ]
[ -d /var/lib/fonoteka/spool ]
dpkg -P fonoteka
[ -s /var/lib/fonoteka/state.json ]
echo "all of it held"
TRY
cat >"$root/etc/systemd/system/try.service" <<'UNIT'
[Unit]
After=network.target dbus.service
[Service]
Type=oneshot
ExecStart=/bin/bash /root/try.sh
StandardOutput=file:/root/try.log
StandardError=inherit
ExecStopPost=/usr/bin/systemctl --no-block poweroff
UNIT
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -sf ../try.service "$root/etc/systemd/system/multi-user.target.wants/try.service"
rm -f "$root/root/try.log"
timeout 900 systemd-nspawn --quiet --register=no --keep-unit --boot \
	--system-call-filter="landlock_create_ruleset landlock_add_rule landlock_restrict_self" --directory "$root" </dev/null >"$root/root/boot.log" 2>&1 || true
cat "$root/root/try.log"
[ "$(tail -n 1 "$root/root/try.log")" = "all of it held" ]

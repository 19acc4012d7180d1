#!/bin/sh
# After an installation or an upgrade, of the .deb (configure [old version]) and of the
# .rpm (1: installed, 2: upgraded). Nothing of the data is touched.
set -eu

if ! getent passwd fonoteka >/dev/null; then
	useradd --system --user-group --home-dir /var/lib/fonoteka --no-create-home \
		--shell /usr/sbin/nologin --comment Fonoteka fonoteka
fi
if [ ! -e /var/lib/fonoteka ]; then
	install -d -m 0700 -o fonoteka -g fonoteka /var/lib/fonoteka
fi
# The packages' own form knows no users of this machine.
if [ "$(stat -c %u /etc/fonoteka/fonoteka.yaml)" = 0 ]; then
	chown fonoteka:fonoteka /etc/fonoteka/fonoteka.yaml
fi
chmod 0600 /etc/fonoteka/fonoteka.yaml

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
case "$1 ${2:-}" in
"1 " | "configure ")
	cat <<-'END'

		Fonoteka is installed. To start it:
		  1. fill in redirect_uri and timezone:  sudo -u fonoteka -e /etc/fonoteka/fonoteka.yaml
		  2. sudo systemctl enable --now fonoteka
		  3. is all well?                        sudo -u fonoteka fonoteka doctor

	END
	;;
*) # an upgrade
	if [ -d /run/systemd/system ]; then
		systemctl try-restart fonoteka.service || echo "fonoteka did not start again: systemctl status fonoteka" >&2
	fi
	;;
esac

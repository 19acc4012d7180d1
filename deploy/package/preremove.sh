#!/bin/sh
# Before a removal (deb: remove; rpm: 0). An upgrade leaves the service running: what was
# installed then restarts it.
set -eu

case "$1" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl disable --now fonoteka.service || true
	fi
	;;
esac

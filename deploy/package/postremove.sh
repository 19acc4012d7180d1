#!/bin/sh
# After a removal: data and user stay. The user owns the data, and a number that is free
# again could be given to somebody else.
set -eu

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
fi
case "$1" in
remove | purge | 0)
	if [ -e /var/lib/fonoteka ]; then
		echo "fonoteka: calls and recordings stay in /var/lib/fonoteka, and the user fonoteka, who owns them"
	fi
	;;
esac

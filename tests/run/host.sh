#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a host has that outlives a run: a line each, sorted.  It needs nothing that a bare Debian has not.
# usage: tests/run/host.sh [ROOT]
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
cd -- "${1:-/}"

{
	dpkg-query --admindir=var/lib/dpkg -W -f='${db:Status-Status} package ${Package} ${Version}\n' |
		sed -n 's/^installed //p'
	sed -n 's/^\([^:]*\):.*/user \1/p' etc/passwd
	sed -n 's/^\([^:]*\):.*/group \1/p' etc/group
	# units, the links that enable them, and scripts of SysV
	find usr/lib/systemd/system usr/lib/systemd/user etc/systemd/system etc/systemd/user etc/init.d etc/rc?.d ! -type d 2>/dev/null |
		sed 's,^,unit /,'
	grep -rIl --exclude-dir=run -e '^-----BEGIN .*PRIVATE KEY-----' etc 2>/dev/null | sed 's,^,key /,'
	find etc -type f -exec cksum {} + 2>/dev/null | sed 's,^\([0-9]*\) \([0-9]*\) \(.*\),etc /\3 \1,'
	find etc -type l -printf 'etc /%p %l\n'
} | sort -u

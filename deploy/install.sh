#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages of deploy/packages/PURPOSE.txt that are missing, and starts no daemon
# by doing so.  Needs root, or sudo that asks no password, only where something is missing.  Lines that begin with "peer" or "alone"
# are not installed but unpacked aside (peers.sh): with --no-peers by somebody else, and with --whole they are installed, too.
# usage: deploy/install.sh [--no-peers|--whole] build|run|test|bench|systemd...
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
policy=/usr/sbin/policy-rc.d
saved=$policy.before-tandem
mark='# tandem: temporary, no daemon starts while packages are installed'

# A line is a package, or a package and a file of it: where somebody else's package has the file, that is enough.
wanted() {
	for purpose in "$@"; do
		sed -e 's/#.*//' -e "$peers" -e '/^[[:space:]]*$/d' "$here/packages/$purpose.txt"
	done | sort -u | while read -r name file; do
		[ -n "$file" ] && [ -e "$file" ] || printf '%s\n' "$name"
	done
}

missing() {
	# An unknown name is an error for dpkg-query but only "missing" for us.
	installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' 2>/dev/null |
		sed -n 's/ installed$//p')
	for name in $(wanted "$@"); do
		printf '%s\n' "$installed" | grep -qxF -- "$name" || printf '%s\n' "$name"
	done
}

lock() {
	exec 9>/run/tandem-install.lock    # two installs would save each other's policy
	flock 9
}

# A Debian package starts its daemon unless policy-rc.d says 101: Redis on 6379 is not ours to start.
policy_put() {
	policy_back
	if [ -e "$policy" ] || [ -L "$policy" ]; then
		mv -- "$policy" "$saved"
	fi
	printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
	chmod 755 "$policy"
}

policy_is_ours() {
	[ -f "$policy" ] && grep -qxF -- "$mark" "$policy"
}

policy_back() {
	if policy_is_ours; then
		rm -f -- "$policy"
	fi
	if [ -e "$saved" ] || [ -L "$saved" ]; then
		mv -- "$saved" "$policy"
	fi
}

install_as_root() {
	lock
	trap policy_back EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	policy_put
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q -o DPkg::Lock::Timeout=300 update ||
		echo 'install: apt-get update failed; trying with the lists that are there' >&2
	apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends -- "$@"
}

option='' peers='/^\(peer\|alone\)[[:space:]]/d'
case ${1:-} in
--no-peers | --whole)
	option=$1
	shift
	;;
esac
[ "$option" != --whole ] || peers='s/^\(peer\|alone\)[[:space:]]*//'
[ $# -gt 0 ] || {
	echo "usage: $0 [--no-peers|--whole] build|run|test|bench..." >&2
	exit 2
}
for purpose in "$@"; do
	[ -f "$here/packages/$purpose.txt" ] || {
		echo "install: no package list for '$purpose'" >&2
		exit 2
	}
done
if [ "$(id -u)" -eq 0 ] && policy_is_ours; then    # an install was killed
	lock
	policy_back
fi
lack=$(missing "$@" | tr '\n' ' ')
if [ -z "$lack" ]; then
	:
elif [ "$(id -u)" -eq 0 ]; then
	echo "install: $lack" >&2
	# shellcheck disable=SC2086    # a list of package names
	install_as_root $lack >&2
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
	sudo -n sh "$here/install.sh" "${option:---no-peers}" "$@"
else
	echo "install: missing packages: $lack" >&2
	echo "install: run this once as root:  sh $here/install.sh ${option:---no-peers} $*" >&2
	exit 1
fi
[ -n "$option" ] || "$here/peers.sh" unpack "$@"

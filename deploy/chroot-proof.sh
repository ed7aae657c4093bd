#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves that a bare Debian 12 needs nothing beside the sources: makes a minimal system in a chroot,
# unpacks the last commit there, runs `./tandem run --check` and `./tandem test`, and removes everything.
# usage: ./tandem prove [--quick]      --quick: without the test suite.  Needs root.
#        ./tandem prove --benches [NAME...]    each bench, or those, instead: ./tandem bench NAME --quick finds all that it needs
# deploy/chroot-proof.sh --hold, for bench/first.py: prints a program that runs a command there, and
# removes everything when its input ends.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
quick='' benches=''
case ${1:-} in
--quick | --hold) quick=$1 ;;
--benches)
	quick=$1
	shift
	benches=$*
	;;
'') ;;
*)
	echo "usage: ./tandem prove [--quick | --benches [NAME...]]" >&2
	exit 2
	;;
esac
[ "$(id -u)" -eq 0 ] || {
	echo "prove: a chroot needs root" >&2
	exit 1
}
"$root/deploy/install.sh" prove

home=$(mktemp -d "${TMPDIR:-/var/tmp}/tandem-prove-XXXXXX")
system=$home/system
clean() {
	trap '' INT TERM HUP
	stop_leftovers
	for mount in dev/shm dev/pts dev proc sys .; do
		umount -- "$system/$mount" 2>/dev/null || umount -l -- "$system/$mount" 2>/dev/null || :
	done
	# Never delete through a mount that did not go away.
	if awk -v at="$home/" 'index($2, at) == 1 { found = 1 } END { exit !found }' /proc/mounts; then
		echo "prove: still mounted, left as it is: $home" >&2
	else
		rm -rf --one-file-system -- "$home"
	fi
}
# Processes whose root is the chroot are ours; nobody else has one there.
stop_leftovers() {
	for link in /proc/[0-9]*/root; do
		if [ "$(readlink -- "$link" 2>/dev/null)" = "$system" ]; then
			pid=${link#/proc/}
			kill -9 "${pid%/root}" 2>/dev/null || :
		fi
	done
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# apt inside fetches as apt outside does: same sources, keys, proxy and certificates.
copy_apt() {
	mkdir -p "$system/etc/apt"
	rm -f "$system/etc/apt/sources.list"
	for part in sources.list sources.list.d apt.conf apt.conf.d trusted.gpg trusted.gpg.d keyrings \
		auth.conf auth.conf.d preferences.d; do
		if [ -e "/etc/apt/$part" ]; then
			cp -a "/etc/apt/$part" "$system/etc/apt/"
		fi
	done
	mkdir -p "$system/usr/share/keyrings" "$system/etc/ssl"
	cp -a /usr/share/keyrings/. "$system/usr/share/keyrings/"
	if [ -d /etc/ssl/certs ]; then
		mkdir -p "$system/usr/share/ca-certificates" "$system/usr/local/share/ca-certificates"
		cp -aL /etc/ssl/certs "$system/etc/ssl/"
	fi
	# the bundle is made anew from these when ca-certificates is installed
	if [ -d /usr/local/share/ca-certificates ]; then
		cp -aL /usr/local/share/ca-certificates/. "$system/usr/local/share/ca-certificates/"
	fi
	for file in resolv.conf hosts; do
		cp -L "/etc/$file" "$system/etc/$file"
	done
	for file in etc/npmrc root/.npmrc; do    # and so does npm
		[ ! -e "/$file" ] || cp -L "/$file" "$system/$file"
	done
}

# debootstrap fetches with wget, which knows nothing of apt's proxy.
apt_proxy() {
	apt-config dump Acquire::http::Proxy | sed -n 's/^Acquire::http::Proxy "\(http:[^"]*\)";$/\1/p'
}
proxy=$(apt_proxy)
# shellcheck disable=SC2016    # apt's own variable
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 'Created-By: Packages' |
	head -n 1)
echo "prove: Debian 12 from ${mirror:-where debootstrap takes it}" >&2
http_proxy=${http_proxy:-$proxy} debootstrap --variant=minbase bookworm "$system" \
	${mirror:+"$mirror"} >"$home/debootstrap.log" 2>&1 || {
	tail -n 20 "$home/debootstrap.log" >&2
	exit 1
}
copy_apt
mount --bind "$system" "$system"    # a namespace of mounts begins at a mount (peers.sh)
mount -t proc proc "$system/proc"
mount -t sysfs -o ro sysfs "$system/sys"
mount --bind /dev "$system/dev"
mount --bind /dev/pts "$system/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$system/dev/shm"
mkdir "$system/srv/tandem"
git -c safe.directory="$root" -C "$root" archive HEAD | tar -x -C "$system/srv/tandem"

cat >"$home/inside" <<EOT
#!/bin/sh
exec env -i HOME=/root PATH=$PATH LANG=C.UTF-8 chroot "$system" sh -c "cd /srv/tandem && \$1"
EOT
chmod +x "$home/inside"
if [ "$quick" = --hold ]; then
	printf '%s\n' "$home/inside"
	cat >/dev/null
	exit
fi
if [ "$quick" = --benches ]; then
	"$home/inside" "deploy/install.sh run && exec python3 tests/run/benches.py $benches"
	echo "prove: a bare Debian 12 has what benches need"
	exit
fi
echo "prove: ./tandem run --check" >&2
"$home/inside" './tandem run --check'
[ ! -e "$system/usr/sbin/policy-rc.d" ] || {
	echo "prove: policy-rc.d stayed behind" >&2
	exit 1
}
if [ -z "$quick" ]; then
	echo "prove: ./tandem test" >&2
	"$home/inside" './tandem test'
fi
echo "prove: a bare Debian 12 runs it"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Servers and phones that only tests, benches and the demo need.  They are unpacked below build/peers and never installed:
# the host gets no service, user, key or port of them, and no file of theirs in /etc.
# usage: deploy/peers.sh unpack PURPOSE...    lines "peer NAME [FILE]" of deploy/packages/PURPOSE.txt, with what they depend
#                                             on and the host lacks; the network is asked only where something is missing.
#                                             Lines "alone NAME [FILE]": without what they depend on
#        deploy/peers.sh with COMMAND...      the command sees them in /usr and /etc, as if they were installed
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
peers=${TANDEM_PEERS:-$(dirname -- "$here")/build/peers}
files=$peers/root

die() {
	echo "peers: $*" >&2
	exit 1
}

# A line names a package, or a package and a file of it: where the host has the file from somebody else, that is enough.
wanted() {
	for purpose in "$@"; do
		sed -n -e 's/#.*//' -e 's/^\(peer\|alone\)[[:space:]]\{1,\}//p' "$here/packages/$purpose.txt"
	done | sort -u | while read -r name file; do
		[ -n "$file" ] && [ -e "$file" ] || printf '%s\n' "$name"
	done
}

installed() {
	dpkg-query -W -f='${Package} ${db:Status-Status}\n' | sed -n 's/ installed$//p' | sort -u
}

lines_of() {    # those of the first file that the second has not
	LC_ALL=C sort -u -- "$1" >"$1.sorted"
	LC_ALL=C sort -u -- "$2" | LC_ALL=C comm -23 "$1.sorted" -
	rm -f -- "$1.sorted"
}

# apt with a cache of its own, and with the host's sources, keys and installed packages.  It needs no root.  The host's lists of
# packages serve while the mirror has what they name; after that it has lists of its own.
lists=/var/lib/apt/lists
apt() {
	command=$1
	shift
	"apt-$command" -q -o Dir::State::lists="$lists" -o Dir::Cache="$peers/cache" -o Debug::NoLocking=1 \
		-o APT::Sandbox::User=root "$@"
}

# What the host lacks of the packages in the file, with all that they depend on.  An upgrade of what the host has is none of it:
# within one Debian release the older one serves as well.
closure() {
	sed -n 's/^alone[[:space:]]\{1,\}\([^ ]*\).*/\1/p' "$here"/packages/*.txt >"$peers/alone"
	# shellcheck disable=SC2046    # a list of names
	said=$(apt get -s install --no-install-recommends -- $(lines_of "$1" "$peers/alone")) || return
	printf '%s\n' "$said" | sed -n 's/^Inst \([^ ]*\) (.*/\1/p'
	grep -xF -f "$peers/alone" "$1" || :
}

own_lists() {
	lists=$peers/lists
	mkdir -p "$lists/partial"
	apt get update >&2 || echo 'peers: apt-get update failed' >&2
}

resolve() {
	closure "$1" 2>/dev/null || {
		own_lists
		closure "$1"
	}
}

fetch() {
	mkdir -p "$peers/cache/archives/partial" "$peers/debs"
	download "$1" || {
		own_lists
		download "$1"
	}
}

download() {
	# shellcheck disable=SC2046    # a list of names
	(cd "$peers/debs" && apt get download $(cat "$1") >&2)
}

# No owner but who does this, no program that changes its user, and no documentation.
unpack_debs() {
	mkdir -p "$files/usr/bin" "$files/usr/sbin" "$files/usr/lib" "$files/usr/lib32" "$files/usr/lib64" "$files/usr/libx32" "$files/etc"
	for name in bin sbin lib lib32 lib64 libx32; do
		[ -e "$files/$name" ] || ln -s "usr/$name" "$files/$name"
	done
	# shellcheck disable=SC2016    # the inner shell's
	find "$peers/debs" -name '*.deb' -print0 | xargs -0 -n 16 -P "$(nproc)" sh -euc '
		files=$1
		shift
		for deb; do
			dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$files" --keep-directory-symlink --no-same-owner \
				--no-same-permissions --exclude=./usr/share/doc/\* --exclude=./usr/share/man/\* \
				--exclude=./usr/share/locale/\* --exclude=./var --exclude=./run --exclude=./etc/init.d/\*
		done' sh "$files"
	find "$files" -type f -perm /6000 -exec chmod a-s {} +
	# Builds find headers and libraries where they lie.
	find "$files/usr" -name '*.pc' -type f -exec sed -i "s|^\([a-z_]*\)=/usr|\1=$files/usr|" {} +
	grep -rlI --include='*.so' '^GROUP' "$files/usr/lib" | while read -r script; do
		grep -o '[( ]/usr/lib[^ )]*' "$script" | tr -d '( ' | while read -r path; do
			[ -e "$path" ] || sed -i "s|\([( ]\)$path|\1$files$path|" "$script"
		done
	done
	dpkg_names >>"$peers/versions"
	rm -rf -- "$peers/debs" "$peers/cache"
	programs_apart
	graphviz_plugins
}

# Its list of plugins, which its package would write when it is installed.
graphviz_plugins() {
	for folder in "$files"/usr/lib/*-linux-gnu; do
		[ ! -d "$folder/graphviz" ] || GVBINDIR=$folder/graphviz LD_LIBRARY_PATH=$folder "$files/usr/bin/dot" -c
	done
}

dpkg_names() {
	for deb in "$peers"/debs/*.deb; do
		dpkg-deb --show "$deb"
		dpkg-deb --info "$deb" shlibs >>"$peers/shlibs" 2>/dev/null || :    # which package has a library: deploy/debian/make.py
	done
}

# The node and the phones of `run` are in no namespace: their programs are found here.
programs_apart() {
	mkdir -p "$peers/bin"
	for name in redis-server redis-cli baresip espeak-ng; do
		# shellcheck disable=SC2016    # the script's own
		printf '#!/bin/sh\nroot=${0%%/*}/../root\nlib=$(echo "$root"/usr/lib/*-linux-gnu)\nESPEAK_DATA_PATH=$lib LD_LIBRARY_PATH=$lib exec "$root/usr/bin/%s" "$@"\n' \
			"$name" >"$peers/bin/$name"
		chmod 755 "$peers/bin/$name"
		[ -e "$files/usr/bin/$name" ] || rm -f -- "$peers/bin/$name"
	done
}

# The host may let nobody mount: a container without privileges.  Nothing is left alone there by unpacking.
may_mount() {
	mkdir -p "$peers/top"
	# shellcheck disable=SC2016
	(separate sh -c 'mount -t tmpfs tmpfs "$1"' sh "$peers/top" 2>/dev/null)
}

# Becomes the command, in a namespace where it may mount.
separate() {
	if [ "$(id -u)" -eq 0 ]; then
		exec unshare --mount --propagation private -- "$@"
	fi
	exec unshare --user --map-current-user --keep-caps --mount -- "$@"
}

unpack() {
	[ -z "${TANDEM_WITH_PEERS:-}" ] || exit 0
	wanted=$(wanted "$@")
	[ -n "$wanted" ] || exit 0
	key=$({ printf '%s\n' "$wanted" && installed && cat "$here/peers.sh"; } | cksum)
	if [ -f "$peers/keys" ] && grep -qxF -- "$key" "$peers/keys"; then
		exit 0    # the same was unpacked beside the same packages
	fi
	mkdir -p "$peers"
	exec 8>"$peers/lock"
	flock 8
	touch "$peers/unpacked"
	installed >"$peers/installed"
	printf '%s\n' "$wanted" >"$peers/wanted"
	lines_of "$peers/wanted" "$peers/installed" >"$peers/lacking"
	: >"$peers/new"
	if [ -s "$peers/lacking" ]; then
		case " $* " in    # those of `run` and of builds are found where they lie
		*' test '* | *' bench '*) may_mount || die "this machine lets $(id -un) mount nothing.  To install all instead:  sh $here/install.sh --whole $*" ;;
		esac
		resolve "$peers/lacking" >"$peers/closure"
		lines_of "$peers/closure" "$peers/unpacked" >"$peers/new"
	fi
	if [ -s "$peers/new" ]; then
		echo "peers: unpacks $(wc -l <"$peers/new") packages below $peers" >&2
		fetch "$peers/new"
		unpack_debs
		cat "$peers/new" >>"$peers/unpacked"
	elif [ -d "$files" ]; then
		programs_apart    # of an earlier purpose, or an earlier commit, there were fewer
	fi
	[ ! -d "$files" ] || libraries_of_host
	printf '%s\n' "$key" >>"$peers/keys"
}

# A library's headers are unpacked and the host has the library itself: the linker is led there, or back where the host lost it.
libraries_of_host() {
	find "$files"/usr/lib/*-linux-gnu -maxdepth 3 -xtype l -name '*.so' | while read -r link; do
		folder=${link%/*} host=${link#"$files"} host=${host%/*} to=$(readlink -- "$link")
		to=${to#"$host"/}
		for at in "$to" "$host/$to"; do
			(cd "$folder" && [ ! -e "$at" ]) || ln -sfn -- "$at" "$link"
		done
	done
}

# Users that servers look up by name, where the host has none.
user() {    # NAME NUMBER
	grep -q "^$1:" "$peers/top/etc/passwd" || printf '%s:x:%s:65534::/nonexistent:/usr/sbin/nologin\n' "$1" "$2" >>"$peers/top/etc/passwd"
}

# In the namespace: what the host has goes before what was unpacked.
enter() {
	mount -t tmpfs -o mode=755 tmpfs "$peers/top"
	mkdir "$peers/top/etc"
	for name in passwd hosts hostname resolv.conf; do    # some of them are mounted, in containers
		[ ! -e "/etc/$name" ] || cp -L -- "/etc/$name" "$peers/top/etc/"
	done
	user sshd 64001
	user ftp 64002
	cd "$peers"    # a path may have a colon
	mount -t overlay -o ro,lowerdir=top/etc:/etc:root/etc overlay /etc
	mount -t overlay -o ro,lowerdir=/usr:root/usr overlay /usr
	cd "$1"
	shift
	is_there "$1"
	[ "$(id -u)" -eq 0 ] || exec setpriv --inh-caps=-all --ambient-caps=-all -- "$@"
	exec "$@"
}

is_there() {
	command -v -- "$1" >/dev/null || die "$1 is neither installed nor unpacked: run  $here/peers.sh unpack run test bench  first"
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
unpack) unpack "$@" ;;
with)
	[ $# -gt 0 ] || die "usage: $0 with COMMAND..."
	[ -z "${TANDEM_WITH_PEERS:-}" ] || exec "$@"
	TANDEM_WITH_PEERS=1
	export TANDEM_WITH_PEERS
	if [ ! -d "$files" ]; then
		is_there "$1"
		exec "$@"
	fi
	may_mount || die "this machine lets $(id -un) mount nothing.  To install all instead:  sh $here/install.sh --whole run test"
	separate "$here/peers.sh" inside "$PWD" "$@"
	;;
inside) enter "$@" ;;
*) die "usage: $0 unpack PURPOSE... | with COMMAND..." ;;
esac

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154    # $log is the caller's
# For ./tandem: one line that counts, where apt, meson and ninja would say a thousand.

# counted WHY NEXT COMMAND...: runs the command and returns its status.  Its standard output is left alone.
# What it says on standard error goes to the end of the file $log, behind one line of ours; with no $log it is shown.
# WHY: what its packages are for.  NEXT: what to do where it fails.
counted() {
	why=$1 next=$2
	shift 2
	if [ -z "$log" ]; then
		"$@"
		return
	fi
	before=$(wc -l <"$log")
	{
		{
			set +e
			(
				set -e
				LC_ALL=C.UTF-8 NINJA_STATUS='[%f/%t] '    # what count looks for
				export LC_ALL NINJA_STATUS
				"$@"
			) 2>&1 >&4 4>&-
			printf '\n@@ %s\n' $?
		} | count
	} 4>&1
}

# Reads what is said, and counts.
count() {
	status=1 doing='' packages=0 fetched=0 unpacked=0 ready=0
	while IFS= read -r line; do
		case $line in
		'@@ '*)
			status=${line#@@ }
			continue
			;;
		'Get:'* | 'Hit:'*) count_fetched ;;
		*' newly installed, '*)    # "0 upgraded, 174 newly installed, ..."
			packages=${line%% newly installed*}
			packages=${packages##* }
			;;
		'Need to get '*) fetch=${line#Need to get } fetch=${fetch%%/*} fetch=${fetch%% of archives*} ;;
		'After this operation, '*) say_packages ;;
		'peers: unpacks '*)    # "peers: unpacks 7 packages below ..."
			packages=${line#peers: unpacks } packages=${packages%% *} fetched=0
			say "$line"
			;;
		'Unpacking '*)
			unpacked=$((unpacked + 1))
			show unpacking "$unpacked" "$packages" ' packages'
			;;
		'Setting up '*)
			ready=$((ready + 1))
			show 'setting up' "$ready" "$packages" ' packages'
			;;
		'The Meson build system') tell 'looking for compilers and libraries' ;;
		'['[0-9]*/[0-9]*'] '*) count_built ;;
		esac
		printf '%s\n' "$line" >>"$log"
	done
	[ -z "$doing" ] || ! is_terminal || printf '\r\033[K' >&2
	[ "$status" -eq 0 ] || say_failure
	return "$status"
}

is_terminal() {
	[ -t 2 ] && [ "${TERM:-dumb}" != dumb ]
}

# One line, in the place of the one before; a file has a line for each thing that is done, and for its half and end.
tell() {
	if is_terminal; then
		printf '\r\033[K%s' "$*" >&2
	elif [ "$*" != "$doing" ]; then
		printf '%s\n' "$*" >&2
	fi
	doing=$*
}

show() {    # WHAT DONE ALL [THINGS]
	if is_terminal || [ "$2" -eq 1 ] || [ "$2" -eq $(($3 / 2)) ] || [ "$2" -eq "$3" ]; then
		tell "$1 $2 of $3${4:-}"
	fi
}

count_fetched() {    # lists before packages
	if [ "$packages" -eq 0 ]; then
		tell "reading Debian's lists of packages"
	elif [ "$fetched" -lt "$packages" ]; then    # what failed is fetched again
		fetched=$((fetched + 1))
		show fetching "$fetched" "$packages" ' packages'
	fi
}

count_built() {    # "[412/905] Compiling ..."
	built=${line#?} built=${built%%]*}
	show building "${built%/*}" "${built#*/}"
}

say_packages() {
	disk=${line#After this operation, } disk=${disk%% of *}
	say "$packages packages of Debian are missing: $fetch to fetch, $disk on disk."
	say "$why"
}

# A line that stays.
say() {
	! is_terminal || printf '\r\033[K' >&2
	printf '%s\n' "$*" >&2
}

say_failure() {
	printf 'tandem: this failed. It said at last:\n' >&2
	tail -n +$((before + 1)) "$log" | grep -v -e '^$' -e '^\[[0-9]*/[0-9]*\] ' |
		tail -n 20 | cut -c 1-200 | sed 's/^/    /' >&2
	printf 'Next: %s\nAll that was said: %s\n' "$next" "$log" >&2
}

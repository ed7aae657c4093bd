# SPDX-License-Identifier: Apache-2.0
"""What a run left on the host: snapshot() before and after, and changes() between the two.

python3 host.py BEFORE [ROOT] prints what is new since `host.sh ROOT >BEFORE`, and how much it is; ports of processes in ROOT are among it.
"""
import os
import pathlib
import re
import subprocess
import sys
import time

SCRIPT = pathlib.Path(__file__).with_name("host.sh")
MARK = "TANDEM_SUITE"               # in the environment of all that a suite starts
COUNTED = "unit", "user", "group", "key", "port"        # what outlives a package's use: compilers and libraries bring none
OTHERS = re.compile(r"/etc/(resolv\.conf|mtab|adjtime)")      # written by the host itself
LISTENS, BOUND = "0A", "07"         # states of TCP and of UDP
LEAVES_S = 10                       # what is told to stop has so long


def snapshot(root="/"):
    """The lines of host.sh, and who listens there."""
    return lines(subprocess.run(["sh", str(SCRIPT), str(root)], check=True, capture_output=True, text=True).stdout) | ports(root)


def lines(text):
    return set(text.splitlines())


def changes(before, after, kinds=COUNTED):
    """Lines of those kinds that are new."""
    return [line for line in sorted(after - before) if line.split()[0] in kinds and not OTHERS.match(line.split()[1])]


def ports(root="/"):
    """A line for each port on which a process listens: in another root each one there, in ours those that this suite started."""
    ours = (lambda pid: os.readlink(f"/proc/{pid}/root") == os.path.realpath(root)) if os.path.realpath(root) != "/" else marked
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if ours(pid):
                found |= {f"port {port} of {pathlib.Path('/proc', pid, 'comm').read_text(encoding='utf-8').strip()}" for port in listening(pid)}
        except OSError:
            continue                # gone, or somebody else's
    return found


def marked(pid):
    mark = os.environ.get(MARK)
    return bool(mark) and int(pid) != os.getpid() and f"{MARK}={mark}\0".encode() in pathlib.Path("/proc", pid, "environ").read_bytes()


def listening(pid):
    """"tcp 127.0.0.1:6379", with the address as the kernel writes it."""
    sockets = {os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd")}
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in pathlib.Path("/proc", pid, "net", kind).read_text(encoding="ascii").splitlines()[1:]:
            words = line.split()
            if words[3] in (LISTENS, BOUND) and f"socket:[{words[9]}]" in sockets:
                address, _, port = words[1].partition(":")
                yield f"{kind} {address}:{int(port, 16)}"


def left(before, installed):
    """What came since `before`, and what of /etc is new since `installed`, which was when packages had come: when what ends has ended."""
    end = time.monotonic() + LEAVES_S
    while ports() and time.monotonic() < end:
        time.sleep(0.2)
    after = snapshot()
    return changes(before, after) + changes(installed, after, ("etc",))


def main(before, root="/"):
    found = changes(lines(pathlib.Path(before).read_text(encoding="utf-8")), snapshot(root))
    print("\n".join([*found, f"host_changes {len(found)}"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

# SPDX-License-Identifier: Apache-2.0
"""Machines on a wire of our own: network namespaces on a bridge. They belong to processes of this run, and vanish with them, however it ends."""
import contextlib
import os
import subprocess
import time

from lib.wire import alone, ip

BRIDGE, PREFIX = "br0", 24
NOWHERE = "02:00:00:00:00:fe"       # no port of the bridge has it
DIES_WITH_US = ["setpriv", "--pdeathsig", "KILL"]


def setting(name, value):
    return f"echo {value} > /proc/sys/net/{name}"


def bridge(address):
    """This thread, and those it starts, stand in a network of their own with a bridge, which has that address."""
    alone()
    ip("link", "add", BRIDGE, "address", "02:00:00:00:00:01", "type", "bridge")
    ip("addr", "add", f"{address}/{PREFIX}", "dev", BRIDGE)
    ip("link", "set", BRIDGE, "up")
    # a port that was pulled off the bridge is not spoken to for us
    subprocess.run(["sh", "-c", setting("ipv4/conf/all/arp_ignore", 1)], check=True)


class Host:
    """A machine with one interface, eth0, on the bridge; `command` is what a command line begins with to run there."""

    def __init__(self, name, address):
        self.name, self.address, self.port = name, address, f"port-{name}"
        self.lost = set()
        self.holder = subprocess.Popen([*DIES_WITH_US, "unshare", "--net", "sleep", "infinity"])
        self.command = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--"]
        try:
            self._wait_left()
            self._connect()
        except BaseException:
            self.close()
            raise

    def _wait_left(self):
        own = os.stat("/proc/thread-self/ns/net").st_ino
        while self.holder.poll() is None:
            with contextlib.suppress(OSError):
                if os.stat(f"/proc/{self.holder.pid}/ns/net").st_ino != own:
                    return
            time.sleep(0.002)
        raise AssertionError("unshare --net does not work: it needs CAP_SYS_ADMIN")

    def _connect(self):
        ip("link", "add", self.port, "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid))
        ip("link", "set", self.port, "master", BRIDGE, "up")
        for words in (("link", "set", "lo", "up"), ("addr", "add", f"{self.address}/{PREFIX}", "dev", "eth0"), ("link", "set", "eth0", "up")):
            self.run("ip", *words)

    def run(self, *words):
        done = subprocess.run([*self.command, *words], capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(f"{self.name}: {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def set(self, name, value):
        self.run("sh", "-c", setting(name, value))

    def cut(self):
        """From all others at once, and it does not see that its cable is out."""
        cut(self)

    def join(self):
        ip("link", "set", self.port, "master", BRIDGE)

    def lose(self, address):
        """What it sends there is lost on the wire, without a word; the other way is as it was."""
        self.lost.add(address)
        self.run("ip", "neigh", "replace", address, "lladdr", NOWHERE, "nud", "permanent", "dev", "eth0")

    def find(self):
        """All that it lost."""
        for address in self.lost:
            self.run("ip", "neigh", "del", address, "dev", "eth0")
        self.lost.clear()

    def close(self):
        self.holder.kill()
        self.holder.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def cut(*hosts):
    """All of them in the same moment."""
    lines = "".join(f"link set {host.port} nomaster\n" for host in hosts)
    subprocess.run(["ip", "-batch", "-"], input=lines, text=True, check=True, capture_output=True)


def part(one, other):
    """Two machines no longer hear each other."""
    one.lose(other.address)
    other.lose(one.address)

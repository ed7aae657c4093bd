# SPDX-License-Identifier: Apache-2.0
"""kill -9 under full load: nothing of a node stays in the kernel, at its interface or in a file, over AF_XDP and DPDK, with hugepages and
without; the next start takes its calls up again."""
import contextlib
import ctypes
import glob
import ipaddress
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from lib.media import Media
from lib.wire import FAR, LIBC

import dpdk_test
import xdp_test
from xdp_test import IPV4, IPV6
from patience import PATIENCE_S

LIB = pathlib.Path(__file__).resolve().parent / "lib"
ALONE = True                    # a flood wants its core, and would take others'
LOAD = 5000                     # packets relayed before the kill, and as many dropped
PLACES = ("/dev/hugepages/*", "/var/run/dpdk/*/*", "/run/netns/*")    # where files could be left
PAGES = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
PAGES_NEEDED = 64
CLONE_NEWNS = 0x20000
SYS_BPF, FD_BY_ID, ENOENT = 321, {"prog": 13, "map": 14, "link": 30}, 2             # bpf(2) of x86_64


class Deaf(Media):
    """A party that has other things to do than to listen."""

    def _read(self):
        pass


def of_bpf(pid):
    """{(what, id)} of the programs, maps and links that a process has."""
    found = set()
    for path in glob.glob(f"/proc/{pid}/fdinfo/*"):
        with contextlib.suppress(FileNotFoundError), open(path, encoding="ascii") as file:  # closed since it was listed
            found |= set(re.findall(r"^(prog|map|link)_id:\s*(\d+)$", file.read(), re.M))
    return found


def lives(what, number):
    """Has the kernel such a program, map or link?"""
    attributes = ctypes.create_string_buffer(int(number).to_bytes(4, sys.byteorder), 128)
    fd = LIBC.syscall(SYS_BPF, FD_BY_ID[what], attributes, 128)
    if fd >= 0:
        os.close(fd)
    elif ctypes.get_errno() != ENOENT:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return fd >= 0


def pages(what):
    return int((PAGES / f"{what}_hugepages").read_text(encoding="ascii"))


def leaves(tree, path=""):
    """Each value of nested lists and mappings in a line, with its place."""
    if isinstance(tree, (dict, list)) and tree:
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from leaves(value, f"{path}/{key}")
    else:
        yield f"{path}: {tree}"


def mounted(test, kind, place):
    """An empty file system of a kind that nobody else sees, until the tests of this class have run."""
    if LIBC.unshare(CLONE_NEWNS):
        raise unittest.SkipTest(f"unshare: {os.strerror(ctypes.get_errno())}; needs CAP_SYS_ADMIN for namespaces")
    # "/" of a chroot is no mount point: what is to be private is the one that the place lies on
    under = subprocess.run(["findmnt", "-n", "-o", "TARGET", "-T", place], check=True, capture_output=True, text=True).stdout.split("\n")[0]
    for words in (("--make-private", under), ("-t", kind, "none", place)):
        subprocess.run(["mount", *words], check=True)
    test.addClassCleanup(subprocess.run, ["umount", place], check=True)


class Killed:
    """What is the same over every port."""

    places, maxDiff = PLACES, None

    @classmethod
    def prepare(cls):
        """What must be as it is now."""
        super().prepare()
        end = time.monotonic() + PATIENCE_S
        while "tentative" in str(before := cls.state()) and time.monotonic() < end:
            time.sleep(0.1)
        cls.before = before

    @classmethod
    def state(cls):
        """Of the interfaces of both ends, and of files; but not whom the phones' end knows, nor the link-local address that this end's
        kernel learns whenever the other probes a neighbour of its own (RFC 4861 7.2.2)."""
        script = [sys.executable, str(LIB / "interfaces.py")]
        near, far = (json.loads(subprocess.run([*where, *script], check=True, capture_output=True).stdout)
                     for where in ((), cls.wire.command))
        del near["neighbours"]
        far["neighbours"] = [one for one in far["neighbours"] if not ipaddress.ip_address(one["dst"]).is_link_local]
        return {"near": near, "far": far, "files": sorted(path for place in cls.places for path in glob.glob(place))}

    def same(self):
        """Soon, as the kernel clears up behind a process."""
        end = time.monotonic() + PATIENCE_S
        while (now := self.state()) != self.before and time.monotonic() < end:
            time.sleep(0.05)
        told = [set(leaves(state)) for state in (self.before, now)]
        self.assertEqual((told[0] - told[1], told[1] - told[0]), (set(), set()), "what is gone, what is new")

    def rush(self):
        """A call whose parties send more than the node passes; (its dialogs, processes) when enough of it has passed, and been dropped."""
        ends = self.phone("1003"), self.phone("1004")
        for agent in ends:
            agent.audio.close()
            agent.audio = Deaf(self.node.ports, IPV4[1])
            self.addCleanup(agent.audio.close)
        dialogs, loads = self.call(*ends), []
        for audio in (agent.audio for agent in ends):           # a process each, or their own core is what is full
            words = [str(word) for word in (audio.rtp.fileno(), *audio.remote, audio.ssrc)]
            load = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", sys.executable, str(LIB / "rush.py"), *words],
                                    pass_fds=[audio.rtp.fileno()])
            self.addCleanup(load.wait)
            self.addCleanup(load.kill)
            loads.append(load)
        began, call = time.monotonic(), next(call["id"] for call in self.node.ctl("call.list") if call["from"] == ends[0].number)
        self.wait("the load", lambda: min(self.load(call)) > LOAD)
        print(f"# {self.id()}: {sum(self.load(call)) / (time.monotonic() - began):.0f} packets/s", flush=True)
        return dialogs, loads

    def load(self, call):
        """(packets relayed, dropped) of a call; by no connection over the wire that is full."""
        flows = [flow for flow in self.node.ctl("call.show", call=call)["flows"] if flow["stats"]]     # or its worker did not answer
        return sum(flow["stats"]["packets_out"] for flow in flows), sum(flow["drops"].get("too_fast", 0) for flow in flows)

    def held(self):
        """What the node has that must go with it: functions that tell whether it is there still."""
        return []

    def gone(self, held):
        """Of a node that was killed."""
        self.same()
        self.wait("the kernel's memory", lambda: not any(there() for there in held))

    def test_kill_9(self):
        a, b = self.phone("1001"), self.phone("1002")
        out, into = self.call(a, b)
        self.talk(a, b)
        dialogs, loads = self.rush()
        held = self.held()
        self.assertNotEqual(self.state(), self.before)
        self.assertTrue(all(there() for there in held))
        self.node.kill()
        self.gone(held)
        for load in loads:
            load.kill()
        self.node.restart()
        self.talk(a, b)
        for caller, callee in ((out, into), dialogs):
            caller.bye()
            callee.wait_bye()
        self.wait("the end of the calls", lambda: not self.node.ctl("call.list", ending=True))
        self.stop()
        self.same()

    def stop(self):
        self.node.stop()


class Xdp(Killed, xdp_test.XdpTest):
    @classmethod
    def prepare(cls):
        """Its interface has neighbours, as it is the kernel's."""
        end = time.monotonic() + PATIENCE_S
        while len(cls.state()["far"]["neighbours"]) < 2 and time.monotonic() < end:
            for family, (node, _) in ((socket.AF_INET, IPV4), (socket.AF_INET6, IPV6)):
                with socket.socket(family, socket.SOCK_DGRAM) as sock:
                    sock.sendto(b"", (node, 9))
        super().prepare()

    def held(self):
        found = of_bpf(self.node.process.pid)
        self.assertLessEqual({"prog", "map", "link"}, {what for what, _ in found})
        return [lambda what=what, number=number: lives(what, number) for what, number in found]

    def gone(self, held):
        """For 10 s the keeper has the program and its table, by which plain calls go on (docs/adr/0064). Then nothing is left."""
        killed = time.monotonic()
        self.assertTrue(any(there() for there in held))
        super().gone(held)
        print(f"# {self.id()}: gone after {time.monotonic() - killed:.1f} s", flush=True)


class Dpdk(Killed, dpdk_test.DpdkTest):
    pass


class AfXdp(Dpdk):
    """DPDK's own sockets of AF_XDP: its program is none of ours, but goes as ours does, and libxdp leaves nothing."""
    device, places = f"net_af_xdp0,iface={FAR}", (*PLACES, "/sys/fs/bpf/*")

    @classmethod
    def prepare(cls):
        mounted(cls, "bpf", "/sys/fs/bpf")
        super().prepare()

    def stop(self):
        """libxdp makes a folder at a clean end, and leaves it empty."""
        super().stop()
        with contextlib.suppress(FileNotFoundError):
            os.rmdir("/sys/fs/bpf/xdp")

    @classmethod
    def connect(cls):
        cls.addClassCleanup(cls.node.kill)      # the driver forgets 80 octets at its end, a leak by the sanitizers' count


class Hugepages(Dpdk):
    """And a file system of hugepages where there could be files of it."""
    hugepages = True

    @classmethod
    def prepare(cls):
        had, folder = pages("nr"), tempfile.mkdtemp(prefix="tandem-hugepages-")
        cls.addClassCleanup(os.rmdir, folder)
        try:
            (PAGES / "nr_hugepages").write_text(str(had + PAGES_NEEDED), encoding="ascii")
        except OSError as error:
            raise unittest.SkipTest(f"no hugepages: {error}") from error
        cls.addClassCleanup((PAGES / "nr_hugepages").write_text, str(had), encoding="ascii")
        cls.free = pages("free")
        if cls.free < PAGES_NEEDED:
            raise unittest.SkipTest(f"only {cls.free} of {PAGES_NEEDED} hugepages are free")
        mounted(cls, "hugetlbfs", folder)
        cls.places = (*PLACES, folder + "/*")
        super().prepare()

    def held(self):
        return [lambda: pages("free") < self.free]


if __name__ == "__main__":
    unittest.main()

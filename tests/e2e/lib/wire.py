# SPDX-License-Identifier: Apache-2.0
"""A wire of the test's own: a veth pair between two network namespaces that vanish with the test.

This thread, and those it starts from then on, stand at the near end; `Wire.command` runs programs at the far end. Nothing outside
these namespaces is touched.
"""
import ctypes
import fcntl
import json
import os
import socket
import struct
import subprocess
import unittest

CLONE_NEWNET = 0x40000000
NEAR, FAR = "near0", "far0"
LIBC = ctypes.CDLL(None, use_errno=True)


def ip(*words, check=True):
    """ip(8) in the namespace of this thread."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if check and done.returncode:
        raise AssertionError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done


def sum_in_software():
    """The near end's frames get their checksums before they are on the wire, where a program at the far end reads them."""
    siocethtool, set_tx_checksums = 0x8946, 0x17
    value = ctypes.create_string_buffer(struct.pack("II", set_tx_checksums, 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, siocethtool, struct.pack("16sP", NEAR.encode(), ctypes.addressof(value)))


def _bpf(command, attributes):
    """bpf(2); a descriptor."""
    number = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
    memory = ctypes.create_string_buffer(attributes, 128)
    fd = LIBC.syscall(number, command, memory, len(memory))
    if fd < 0:
        raise unittest.SkipTest(f"bpf: {os.strerror(ctypes.get_errno())}; needs CAP_BPF")
    return fd


def take_back():
    """The near end takes what a program at the far end sends back: a veth looks for it where it has a program of its own. That one
    passes all, and is there as long as the descriptor that this returns."""
    load, link, kind, native = 5, 28, 6, 1 << 2
    code = ctypes.create_string_buffer(struct.pack("<BBHi", 0xb7, 0, 0, 2) + struct.pack("<BBHi", 0x95, 0, 0, 0))     # return XDP_PASS
    name = ctypes.create_string_buffer(b"Apache-2.0")
    program = _bpf(load, struct.pack("IIQQ", kind, 2, ctypes.addressof(code), ctypes.addressof(name)))
    try:
        return _bpf(link, struct.pack("IIII", program, socket.if_nametoindex(NEAR), 37, native))
    finally:
        os.close(program)


def _call(name, *arguments):
    if getattr(LIBC, name)(*arguments):
        raise unittest.SkipTest(f"{name}: {os.strerror(ctypes.get_errno())}; needs CAP_SYS_ADMIN for namespaces")


def alone():
    """This thread, and those it starts from then on, have a network of their own: a loopback interface where all ports are free."""
    _call("unshare", CLONE_NEWNET)
    ip("link", "set", "lo", "up")


class Wire:
    """near: addresses of this end with their prefix lengths, far: of the other one. switch: names of two ports of one that is
    between them, at this end."""

    def __init__(self, near=("10.77.0.2/24", "fd77::2/64"), far=("10.77.0.1/24", "fd77::1/64"), queues=1, switch=()):
        self._switch = switch
        self._home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._holder = None
        try:
            _call("unshare", CLONE_NEWNET)
            self._holder = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sleep", "infinity"])
            self._open(near, far, queues)
        except BaseException:
            self.close()
            raise

    def _open(self, near, far, queues):
        own = os.stat("/proc/thread-self/ns/net").st_ino
        while os.stat(self._namespace).st_ino == own:       # until it has left ours
            if self._holder.poll() is not None:
                raise unittest.SkipTest("unshare --net does not work; needs CAP_SYS_ADMIN for namespaces")
        self._pair(near, far, queues)

    def again(self, near=("10.77.0.2/24", "fd77::2/64"), far=("10.77.0.1/24", "fd77::1/64"), queues=1, mtu=1500):
        """The pair in its place that was deleted."""
        self._pair(near, far, queues, mtu)

    def _pair(self, near, far, queues, mtu=1500):
        shape = ["mtu", str(mtu), "numrxqueues", str(queues), "numtxqueues", str(queues)]
        for one, other in ((NEAR, self._switch[0]), (self._switch[1], FAR)) if self._switch else ((NEAR, FAR),):
            made = ip("link", "add", one, *shape, "type", "veth", "peer", "name", other, *shape, check=False)
            if made.returncode:
                raise unittest.SkipTest(f"no veth: {made.stderr.strip()}; needs CAP_NET_ADMIN")
        if self._switch:
            ip("link", "add", "switch0", "up", "type", "bridge")
        for port in self._switch:
            ip("link", "set", port, "up", "master", "switch0")
        ip("link", "set", FAR, "netns", str(self._holder.pid))
        for name, addresses, run in ((NEAR, near, ip), (FAR, far, self.ip)):
            run("link", "set", "lo", "up")
            for address in addresses:
                run("addr", "add", address, "dev", name, *(["nodad"] if ":" in address else []))
            run("link", "set", name, "up")

    @property
    def _namespace(self):
        return f"/proc/{self._holder.pid}/ns/net"

    @property
    def command(self):
        """What a program's command line begins with to run it at the far end."""
        return ["nsenter", f"--net={self._namespace}", "--"]

    def far(self, *words):
        """A program at the far end; its output."""
        done = subprocess.run([*self.command, *words], capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(f"{' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def ip(self, *words):
        return self.far("ip", *words)

    def link(self):
        """What ip(8) says of the far interface, but for what counts and what is not of its settings."""
        shown = json.loads(self.ip("-details", "-json", "link", "show", "dev", FAR))[0]
        return {key: value for key, value in shown.items() if key not in ("stats", "stats64")}

    def near_mac(self):
        return json.loads(ip("-json", "link", "show", "dev", NEAR).stdout)[0]["address"]

    def close(self):
        if self._holder:
            self._holder.kill()
            self._holder.wait()
        fd, self._home = self._home, -1
        if fd >= 0:
            LIBC.setns(fd, CLONE_NEWNET)        # our namespace goes, and the pair with it
            os.close(fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

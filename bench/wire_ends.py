"""Two machines with network cards, and what is between them: what an end receives is not received in the sender's time, and comes as from a card.

A packet sent into a plain veth pair is received in the system call that sends it, so a server pays for what the load's machine does. Here
each end has NAPI in a thread of its own (Documentation/networking/napi.rst): the near end's on the load's core, the far end's on the server's,
first in line there, as soft interrupts are. They look at their queues every MODERATION_NS while there is traffic, as cards with interrupt
moderation do, so nobody pays for waking the other side, however few packets he sends at a time. The threads' time is known to the ns.

Between the ends is a switch, the kernel's bridge on the load's core: its ports take frames for XDP, which puts them into pages, as a card's driver
has them. The load's own packet would be the buffer of a sending socket, which the receiver has to copy into a page and to give back. The ports
have queues: an end whose core was taken away for some milliseconds loses nothing, as with a card, whose rings hold more than the 256 of veth."""
import ctypes
import fcntl
import os
import pathlib
import socket
import struct
import subprocess
import sys

import lib

MODERATION_NS = 250_000
QUEUE = 4096            # frames that a port of the switch keeps while an end is not awake
ROUNDS_IDLE = 1000      # looks at an empty queue until the next packet must wake the thread
SIOCETHTOOL, SET_TSO, SET_GRO = 0x8946, 0x1f, 0x2c
SETTINGS = ("mount -t sysfs sysfs /sys && cd /sys/class/net/$0 && echo 1 > threaded && echo $1 > gro_flush_timeout && "
            "echo $2 > napi_defer_hard_irqs")


def use_napi(name):
    """veth has NAPI with GRO alone, and uses it for frames of devices without TSO alone; UDP is concerned by neither."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for command, on in ((SET_GRO, 1), (SET_TSO, 0)):
            value = ctypes.create_string_buffer(struct.pack("II", command, on))
            fcntl.ioctl(sock, SIOCETHTOOL, struct.pack("16sP", name.encode(), ctypes.addressof(value)))


def _threads(name):
    """NAPI threads of devices of that name, whosesoever."""
    found = set()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text().startswith(f"napi/{name}-"):
                found.add(int(process.name))
        except OSError:
            continue        # it has ended
    return found


class End:
    """command: what a command line begins with to run at this end."""

    def __init__(self, command, name, core):
        before = _threads(name)
        self._run(*command, sys.executable, __file__, name)
        self._run(*command, "unshare", "--mount", "sh", "-c", SETTINGS, name, str(MODERATION_NS), str(ROUNDS_IDLE))
        mine = _threads(name) - before
        if len(mine) != 1:
            raise OSError(f"{name}: {len(mine)} NAPI threads; needs a kernel with NAPI in threads")
        self.thread = mine.pop()
        os.sched_setaffinity(self.thread, {core} if lib.cores() > 1 else os.sched_getaffinity(0))
        os.sched_setscheduler(self.thread, os.SCHED_FIFO, os.sched_param(1))

    @staticmethod
    def _run(*command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")

    def cpu_seconds(self):
        return int(pathlib.Path(f"/proc/{self.thread}/schedstat").read_text().split()[0]) / 1e9


def pass_on(name):
    """An XDP program that lets all pass, until the link returned is closed: frames for it lie in pages."""
    bpf, prog_load, link_create, type_xdp, attach_xdp, native, xdp_pass = 321, 5, 28, 6, 37, 4, 2
    program = struct.pack("<BBhi", 0xb7, 0, 0, xdp_pass) + struct.pack("<BBhi", 0x95, 0, 0, 0)
    code, license_ = ctypes.create_string_buffer(program), ctypes.create_string_buffer(b"Apache-2.0")
    call = ctypes.CDLL(None, use_errno=True).syscall

    def ask(what, command, attributes):
        memory = ctypes.create_string_buffer(attributes, 144)
        fd = call(bpf, command, memory, len(memory))
        if fd < 0:
            raise OSError(f"{name}: {what}: {os.strerror(ctypes.get_errno())}")
        return fd

    loaded = ask("XDP program", prog_load, struct.pack("=IIQQ", type_xdp, len(program) // 8, ctypes.addressof(code), ctypes.addressof(license_)))
    try:
        return ask("XDP link", link_create, struct.pack("=IIII", loaded, socket.if_nametoindex(name), attach_xdp, native))
    finally:
        os.close(loaded)


class Ends:
    """The ends of a wire, and the ports of the switch between them. near, far, ports: names."""

    def __init__(self, wire, near, far, ports):
        self._ports = [End([], port, lib.LOAD_CORE) for port in ports]
        self._near = End([], near, lib.LOAD_CORE)
        self.far = End(wire.command, far, lib.SERVER_CORE)
        self._links = [pass_on(port) for port in ports]
        for port in ports:
            subprocess.run(["tc", "qdisc", "replace", "dev", port, "root", "pfifo", "limit", str(QUEUE)], check=True)

    def load_cpu_seconds(self):
        return sum(end.cpu_seconds() for end in (self._near, *self._ports))


if __name__ == "__main__":
    use_napi(sys.argv[1])

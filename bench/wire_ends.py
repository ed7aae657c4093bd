"""Both ends of a veth pair as two machines' network cards: what an end receives is not received in the sender's time.

Without this a packet sent into a veth pair is received in the system call that sends it, so a server pays for what the load's machine does. Here
each end has NAPI in a thread of its own (Documentation/networking/napi.rst): the near end's on the load's core, the far end's on the server's,
first in line there, as soft interrupts are. Both look at their queue every MODERATION_NS while there is traffic, as cards with interrupt
moderation do, so nobody pays for waking the other side, however few packets he sends at a time. The threads' time is known to the ns."""
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


class Ends:
    def __init__(self, wire, near, far):
        self.near = End([], near, lib.LOAD_CORE)
        self.far = End(wire.command, far, lib.SERVER_CORE)


if __name__ == "__main__":
    use_napi(sys.argv[1])

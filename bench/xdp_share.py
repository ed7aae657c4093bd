"""How many packets of busy calls the kernel forwards, of all that leave: 500 calls whose parties send RTCP, are held and taken back, and are sent digits.

Each minute each call has one digit and each other minute one hold of two seconds, of either party; each party sends a receiver report every five
seconds. Which packets are lost is not asked: what a held party says is dropped, as it should be."""
import json
import re
import select
import socket
import struct
import threading
import time

import lib
import xdp

DIGITS_A_SECOND, HOLDS_A_SECOND, HELD_S, REPORT_S = xdp.CALLS / 60, xdp.CALLS / 120, 2, 5
REPORT = struct.pack("!BBHI", 0x80, 201, 1, 1)      # RFC 3550 6.4.2, of nobody


class Phones(threading.Thread):
    """Answers what the node asks of the parties of a Daemon."""

    def __init__(self, calls):
        super().__init__(daemon=True)
        self.calls, self.ends = calls, threading.Event()

    def answer(self, sock, message, source):
        if message.startswith(("SIP/2.0", "ACK")):
            return
        copied = "".join(f"{line}\r\n" for line in message.split("\r\n") if re.match(r"(via|from|to|call-id|cseq)\s*:", line, re.I))
        body = content = ""
        if message.startswith("INVITE"):
            port = self.calls.ports[lib.header(message, "Call-ID")]
            held = re.search(r"^a=(sendonly|inactive)\r?$", message, re.M)
            body = self.calls.media.sdp(self.calls.address, port) + (f"a={ {'sendonly': 'recvonly'}.get(held[1], held[1]) }\r\n" if held else "")
            content = f"Contact: <sip:party@{self.calls.address}:{sock.getsockname()[1]}>\r\nContent-Type: application/sdp\r\n"
        sock.sendto(f"SIP/2.0 200 OK\r\n{copied}{content}Content-Length: {len(body)}\r\n\r\n{body}".encode(), source)

    def run(self):
        while not self.ends.is_set():
            for sock in select.select([self.calls.a, self.calls.b], [], [], 0.2)[0]:
                message, source = sock.recvfrom(65536)
                self.answer(sock, message.decode(), source)


class Trouble(threading.Thread):
    """Digits, holds and reports, as long as it is not told to end."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.node, self.ends = daemon.node, threading.Event()
        self.calls = [call["id"] for call in daemon.node.ctl("call.list", limit=1000)]
        self.lines = [line.split() for line in daemon.text.splitlines()]
        self.done = {"digits": 0, "holds": 0, "reports": 0}

    def report(self, sock):
        """Of each party, from the port beside that of its media."""
        for at in range(len(self.lines)):
            for to in (self.lines[at][1], self.lines[at][3]):
                host, port = to.rsplit(":", 1)
                sock.sendto(REPORT, (host, int(port) + 1))
                self.done["reports"] += 1

    def run(self):
        held, began, turn = [], time.monotonic(), 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            while not self.ends.wait(0.05):
                passed = time.monotonic() - began
                while held and held[0][0] < passed:
                    self.node.ctl("call.resume", call=held[0][1], leg=held.pop(0)[2])
                if self.done["digits"] < passed * DIGITS_A_SECOND:
                    self.node.ctl("call.dtmf", call=self.calls[self.done["digits"] % len(self.calls)], leg="ab"[self.done["digits"] % 2], digits="5")
                    self.done["digits"] += 1
                if self.done["holds"] < passed * HOLDS_A_SECOND:
                    call, leg = self.calls[-1 - self.done["holds"] % len(self.calls)], "ab"[self.done["holds"] % 2]
                    self.node.ctl("call.hold", call=call, leg=leg)
                    held.append((passed + HELD_S, call, leg))
                    self.done["holds"] += 1
                if passed > turn * REPORT_S:
                    self.report(sock)
                    turn += 1


def packets_of(metrics):
    """All that left, what of it the kernel sent on, and what the node made: its reports, digits, music for who is held."""
    return [sum(value for key, value in metrics.items() if key.startswith(f"tandem_media_{name}"))
            for name in ('packets_total{direction="out"', "forwarded_packets_total", "made_packets_total")]


def share_turn(ground, seconds):
    daemon = xdp.Daemon(ground, xdp.CALLS, *xdp.KERNEL, interface=xdp.INTERFACE)
    phones, trouble = Phones(daemon.phones), Trouble(daemon)
    try:
        load = lib.spawn(lib.pinned(lib.LOAD_CORE, [lib.BUILD / "bench" / "rtpload", "--seconds", xdp.WARM_UP_S + seconds, "--xdp", xdp.NEAR,
                                                    "--tick-frames", 64]), stdin=lib.subprocess.PIPE, stdout=lib.subprocess.PIPE, stderr=lib.subprocess.PIPE, text=True)
        load.stdin.write(daemon.text)
        load.stdin.close()
        phones.start()
        trouble.start()
        time.sleep(xdp.WARM_UP_S)
        before = packets_of(daemon.node.metrics())
        time.sleep(seconds - 0.5)
        all_, forwarded, made = (now - then for now, then in zip(packets_of(daemon.node.metrics()), before))
        out, errors = load.stdout.read(), load.stderr.read()
        if load.wait() != 0:
            raise SystemExit(f"rtpload: {errors}{out}")
        report = json.loads(out.strip().splitlines()[-1])
    finally:
        for thread in (trouble, phones):
            thread.ends.set()
        trouble.join(10)
        daemon.stop()
    return {"share": forwarded / all_, "packets": int(all_), "made": int(made), "relayed": int(all_ - forwarded - made), "lost": 0, "not_heard": report["lost"], **trouble.done}

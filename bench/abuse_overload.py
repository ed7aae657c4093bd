#!/usr/bin/env python3
"""Overload by honest callers, and parties that take what others need: rows of `./tandem bench abuse`, or alone.

goodput_2x and goodput_10x: calls that came through when two and ten times as many are asked for as the node can do, as a share of what
it can do. Each round measures all three after another, so that a busy machine is as busy for all of them; the median of the rounds counts.
Callers and the phone they call are bench/overload.c. The node is pinned to one core; they and Redis have the other."""
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time

import lib

NUMBER = "2000"
WINDOW = 48              # calls under way at once where the node's capacity is measured: it is never behind
GOALS = {"goodput_2x": 0.95, "goodput_10x": 0.7}


def reload(node):
    os.kill(node.pid, signal.SIGHUP)
    time.sleep(0.3)


# ---- honest callers ----

def calls(node, phone, seconds, *how):
    """One run of the sender; what it says, with the processor time of the node."""
    cpu, dropped = lib.cpu_seconds(node.pid), kernel_drops(node)
    done = subprocess.run(lib.pinned(lib.LOAD_CORE, [str(lib.BUILD / "bench" / "overload"), "--to",
                                                     f"{lib.ADDRESS}:{node.sip_port}", "--phone", str(phone), "--number",
                                                     NUMBER, "--seconds", str(seconds), *map(str, how)]),
                          capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    result["cpu"] = (lib.cpu_seconds(node.pid) - cpu) / seconds
    result["dropped"] = kernel_drops(node) - dropped
    result["left"] = settle(node)
    return result


def kernel_drops(node):
    return node.metrics().get('tandem_sip_udp_drops_total{reason="receive_buffer_full"}', 0)


def settle(node):
    """Calls that are still there 15 s after the last word was said. They are ended, so that they cost the next run nothing."""
    end = time.monotonic() + 15
    while time.monotonic() < end and node.ctl("node.status")["calls"]:
        time.sleep(0.5)
    left = node.ctl("node.status")["calls"]
    if left:
        os.kill(node.pid, signal.SIGTERM)
        node.process.wait()
        node.start()
    return left


def one_round(node, phone, seconds):
    capacity = calls(node, phone, seconds, "--window", WINDOW)["good_per_s"]
    out = {"capacity": capacity}
    for times in (2, 10):
        got = calls(node, phone, seconds, "--rate", capacity * times)
        out[f"goodput_{times}x"] = got["good_per_s"] / capacity if capacity else 0
        out[f"setup_ms_{times}x"] = got["setup_ms"]
        lib.say(f"{times:2} x {capacity:.0f} calls/s: {got['good']} good, {got['late']} late, {got['refused']} refused, "
                f"{got['failed']} failed, {got['unfinished']} unfinished, {got['left']} left in the node, {got['repeated']} INVITEs repeated, {got['calls'] / seconds:.0f} asked for a second, {got['cpu']:.2f} cores, {got['dropped']:.0f} dropped, "
                f"set up in {got['setup_ms']:.0f} ms, goodput {out[f'goodput_{times}x']:.2f}")
    return out


def goodput(quick=False, delay="20ms"):
    """{"capacity", "goodput_2x", "goodput_10x", "setup_ms_2x", "setup_ms_10x"}: medians over the rounds."""
    rounds, seconds = (1, 5) if quick else (5, 10)
    node = lib.Node(media_ports="10000-59999", calls=12000)
    try:
        text = lib.section(node.config.read_text(), "sip", f"overload_delay: {delay}")
        text = lib.section(text, "limits", "sip_known_per_second: 0")    # one address stands for all callers
        node.config.write_text(text)
        reload(node)
        node.extension(NUMBER, "bench-secret")
        phone = lib.free_port()
        lib.register(node.sip_port, NUMBER, "bench-secret", phone)
        results = [one_round(node, phone, seconds) for _ in range(rounds)]
    finally:
        node.stop()
    return {key: round(statistics.median(r[key] for r in results), 3) for key in results[0]}


# ---- parties that take what others need ----

def invite(number, source, port, i, lines=1):
    media = "".join(f"m=audio {4000 + 2 * n} RTP/AVP 8\r\n" for n in range(lines))
    sdp = f"v=0\r\no=- 1 1 IN IP4 {source}\r\ns=-\r\nc=IN IP4 {source}\r\nt=0 0\r\n{media}"
    return (f"INVITE sip:{number}@{lib.ADDRESS} SIP/2.0\r\nVia: SIP/2.0/UDP {source}:{port};branch=z9hG4bKq{i};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:m@{source}>;tag=m{i}\r\nTo: <sip:{number}@{lib.ADDRESS}>\r\n"
            f"Call-ID: quota{i}@{source}\r\nCSeq: 1 INVITE\r\nContact: <sip:m@{source}:{port}>\r\n"
            f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}").encode()


class Greedy:
    """The holder of one password, and a phone of his own that never answers, at ten places."""

    def __init__(self, stage, number):
        from abuse_honest import Phone
        self.stage, self.to = stage, str(int(number) + 1)
        for extension in (number, self.to):
            stage.node.extension(extension, "secret" + extension)
        self.phone, self.called = Phone(stage.node.sip_port, number), Phone(stage.node.sip_port, self.to)
        places = "".join(f"Contact: <sip:{self.to}@{lib.ADDRESS}:{self.called.port};place={i}>\r\n" for i in range(9))
        own = f"<sip:{self.to}@{lib.ADDRESS}>"
        self.called.transact("REGISTER", f"sip:{lib.ADDRESS}:{stage.node.sip_port}", own, self.called.call_id, places)
        self.phone.transact("INVITE", f"sip:nobody@{lib.ADDRESS}", f"<sip:nobody@{lib.ADDRESS}>", os.urandom(8).hex())

    def invite(self, lines):
        uri = f"sip:{self.to}@{lib.ADDRESS}"
        media = "".join(f"m=audio {4000 + 2 * n} RTP/AVP 8\r\n" for n in range(lines))
        sdp = f"v=0\r\no=- 1 1 IN IP4 {lib.ADDRESS}\r\ns=-\r\nc=IN IP4 {lib.ADDRESS}\r\nt=0 0\r\n{media}"
        self.phone.cseq += 1
        self.phone.say(self.phone.text("INVITE", uri, f"<{uri}>", os.urandom(8).hex(), self.phone.cseq,
                                       self.phone.credentials("INVITE", uri), sdp)[1])

    def close(self):
        self.phone.close()
        self.called.close()

    def calls(self, number, lines):
        """So many INVITEs within the time of the row, and how many calls of them there are at the end."""
        for _ in range(number):
            self.invite(lines)
            time.sleep(self.stage.seconds / number)
        return sum(call["from"] == self.phone.number for call in self.stage.node.ctl("call.list"))


def greedy_calls(stage, number, caller, lines):
    greedy = Greedy(stage, caller)
    try:
        taken = greedy.calls(number, lines)
    finally:
        greedy.close()
    return {"harm": taken > 20, "note": f"{taken} calls at once"}


def greedy_registers(stage):
    from abuse_honest import Failed
    greedy, served, asked = Greedy(stage, "1941"), 0, 0
    end = time.monotonic() + stage.seconds
    try:
        while time.monotonic() < end:
            asked += 1
            try:
                greedy.phone.register()
                served += 1
            except Failed:
                pass
    finally:
        greedy.close()
    return {"harm": served > 20 + 6 * (stage.seconds + 1), "note": f"{served} of {asked} served"}


# As in abuse_attacks.py: name -> (what, amount, attack).
ATTACKS = {
    "ports": ("INVITEs with 4 m-lines to a phone at 10 places", "130 of one password", lambda s: greedy_calls(s, 130, "1921", 4)),
    "invites": ("INVITEs under one password", "1,750", lambda s: greedy_calls(s, 1750, "1931", 1)),
    "registers": ("REGISTERs under one password", "one after another", greedy_registers),
}


def peer_fills_the_node():
    """50 INVITEs of a trusted address whose answers nobody reads, at a node for 50 calls and 500 port pairs."""
    node = lib.Node(media_ports="10000-10999", calls=50, limited=True)
    sock, silent = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    try:
        node.extension(NUMBER, "bench-secret")
        sock.bind((lib.ADDRESS, 0))
        silent.bind((lib.ADDRESS, lib.free_port()))
        lib.register(node.sip_port, NUMBER, "bench-secret", silent.getsockname()[1], sock=silent)
        for i in range(50):
            sock.sendto(invite(NUMBER, lib.ADDRESS, sock.getsockname()[1], i, lines=4), (lib.ADDRESS, node.sip_port))
        time.sleep(1)
        return node.ctl("node.status")["calls"]
    finally:
        sock.close()
        silent.close()
        node.stop()


def measure(quick=False):
    """For bench/abuse.py: what it adds to the figures."""
    taken = peer_fills_the_node()
    lib.say(f"50 INVITEs of a trusted peer, never read: {taken} of 50 calls taken")
    return {**goodput(quick), "calls_of_50_a_peer_takes": taken}


def main():
    options = lib.arguments(__doc__.splitlines()[0])
    figures = measure(options.quick)
    lib.finish(options, "abuse_overload", figures, {})
    return 0 if all(figures[key] >= goal for key, goal in GOALS.items()) and figures["calls_of_50_a_peer_takes"] < 50 else 1


if __name__ == "__main__":
    sys.exit(main())

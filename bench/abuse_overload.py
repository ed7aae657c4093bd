#!/usr/bin/env python3
"""Overload by honest callers, and parties that take what others need: rows of `./tandem bench abuse`, or alone.

goodput_2x and goodput_10x: calls that came through in time when two and ten times as many are asked for as the node can do, as a share
of what it can do. What it can do is looked for: the rate is raised by bisection until one call in a hundred does not come through, and
the best goodput at that rate and somewhat above it is the capacity. Sender, calls, warm-up and span are the same for all rates; rounds
measure them one after another, so that a busy machine is as busy for all; medians of the rounds count. Callers and the phone they call
are bench/overload.c. The node has one core; they and Redis have the other, or the node would push its Redis aside, go on without it,
and do more calls that way because it saves none."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import time

import lib

NUMBER = "2000"
RATES = (200, 12800)     # calls a second between which the capacity is looked for
STEPS, QUICK_STEPS = 7, 4    # of the bisection
SETTLE_S, QUICK_SETTLE_S = 15, 3
NEAR = (1.0, 1.1, 1.25)  # of the rate that still holds: where the capacity is measured
HOLDS = 0.99             # of the calls come through in time
WARM = 1
GOALS = {"goodput_2x": 0.95, "goodput_10x": 0.7}


def reload(node):
    os.kill(node.pid, signal.SIGHUP)
    time.sleep(0.3)


# ---- honest callers ----

def calls(node, phone, rate, seconds):
    """One run of the sender; what it says, with the processor time of the node, its control thread and its Redis."""
    before = node.metrics()
    sender = subprocess.Popen(lib.pinned(lib.LOAD_CORE, [str(lib.BUILD / "bench" / "overload"), "--to", f"{lib.ADDRESS}:{node.sip_port}",
                                                         "--phone", str(phone), "--number", NUMBER, "--rate", str(rate), "--warm",
                                                         str(WARM), "--seconds", str(seconds)]), stdout=subprocess.PIPE, text=True)
    time.sleep(WARM)
    used = cpu(node)
    time.sleep(seconds)
    used = {name: (now - used[name]) / seconds for name, now in cpu(node).items()}
    said = sender.communicate()[0]
    if sender.returncode:
        raise SystemExit(f"the sender of calls failed with {sender.returncode}")
    after = node.metrics()
    moved = lambda name: after.get(name, 0) - before.get(name, 0)
    return {**json.loads(said), "used": used, "rate": rate, "dropped": moved('tandem_sip_udp_drops_total{reason="receive_buffer_full"}'),
            "late_saves": moved("tandem_redis_timeouts_total"), "left": settle(node)}


def cpu(node):
    control = pathlib.Path(f"/proc/{node.pid}/task/{node.pid}/schedstat").read_text().split()[0]
    return {"node": lib.cpu_seconds(node.pid), "control": int(control) / 1e9, "Redis": lib.cpu_seconds(node.redis_pid())}


def settle(node):
    """Calls that are still there some seconds after the last word was said. They are ended, so that they cost the next run nothing."""
    end = time.monotonic() + SETTLE_S
    while time.monotonic() < end and node.ctl("node.status")["calls"]:
        time.sleep(0.2)
    left = node.ctl("node.status")["calls"]
    if left:
        os.kill(node.pid, signal.SIGTERM)
        node.process.wait()
        start(node)
    return left


def start(node):
    """Redis beside the callers: the node keeps its core for itself."""
    if node.process.poll() is not None:
        node.start()
    node.redis_apart()


def tell(what, got):
    used = got["used"]
    lib.say(f"{what:<9} {got['rate']:6.0f} calls/s: {got['good_per_s']:6.0f} good, {got['asked']} asked, {got['late']} late, "
            f"{got['refused']} refused, {got['failed']} failed, {got['unfinished']} unfinished, {got['left']} left in the node, "
            f"{got['repeated']} repeated, {got['dropped']:.0f} dropped, {got['late_saves']:.0f} saves late; set up in "
            f"{got['setup_ms']:.0f} ms; cores: node {used['node']:.2f} (control {used['control']:.2f}), Redis {used['Redis']:.2f}, "
            f"sender {got['cpu']:.2f}")
    return got


def rate_that_holds(node, phone, seconds, steps):
    """The highest one found at which the calls come through."""
    low, high = RATES
    for _ in range(steps):
        middle = (low * high) ** 0.5
        got = tell("search", calls(node, phone, middle, seconds))
        if got["good"] >= HOLDS * got["asked"] and got["asked"] >= HOLDS * middle * seconds:
            low = middle
        else:
            high = middle
    return low


def one_round(node, phone, rate, seconds):
    """Goodput and set-up time at each."""
    out = {f"near_{near}": tell("near", calls(node, phone, rate * near, seconds)) for near in NEAR}
    capacity = max(got["good_per_s"] for got in out.values())
    return {**out, **{f"{times}x": tell(f"{times} times", calls(node, phone, capacity * times, seconds)) for times in (2, 10)}}


@contextlib.contextmanager
def served(delay):
    """(a node of its own, a phone that is registered there): calls that one round left behind take no place in the next."""
    node = lib.Node(media_ports="10000-59999", calls=12000)
    try:
        text = lib.section(node.config.read_text(), "sip", f"overload_delay: {delay}")
        # one address stands for all callers
        text = lib.section(text, "limits", "sip_known_per_second: 0\n  sip_peer_per_second: 0")
        node.config.write_text(text)
        reload(node)
        start(node)
        node.extension(NUMBER, "bench-secret")
        phone = lib.free_port()
        lib.register(node.sip_port, NUMBER, "bench-secret", phone)
        yield node, phone
    finally:
        node.stop()


def goodput(quick=False, delay="20ms"):
    """{"capacity", "goodput_2x", "goodput_10x", "setup_ms_2x", "setup_ms_10x", ...} over the rounds."""
    global SETTLE_S
    SETTLE_S = QUICK_SETTLE_S if quick else SETTLE_S
    rounds, seconds = (1, 1.5) if quick else (5, 8)
    results = []
    with served(delay) as (node, phone):
        rate = rate_that_holds(node, phone, min(seconds, 2), QUICK_STEPS if quick else STEPS)
    for _ in range(rounds):
        with served(delay) as (node, phone):
            results.append(one_round(node, phone, rate, seconds))
    return figures_of(results)


def figures_of(results):
    middle = lambda key, of: statistics.median(result[key][of] for result in results)
    capacity = max(middle(f"near_{near}", "good_per_s") for near in NEAR)
    out = {"capacity": round(capacity), "sender_cores": max(got["cpu"] for result in results for got in result.values())}
    for times in ("2x", "10x"):
        out[f"goodput_{times}"] = round(middle(times, "good_per_s") / capacity, 3)
        out[f"setup_ms_{times}"] = middle(times, "setup_ms")
        out[f"late_saves_{times}"] = middle(times, "late_saves")
    return out


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

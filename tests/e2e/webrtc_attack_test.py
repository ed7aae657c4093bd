# SPDX-License-Identifier: Apache-2.0
"""Attacks on WebRTC legs, while they are set up and while they carry a call with a plain phone.

Each ends alike: both hear each other without loss, nothing foreign came through, each hostile packet is found again under the name
of a drop, handshakes were bounded, and the next call works.
"""
import json
import os
import random
import secrets
import select
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from lib import dtls
from lib.flood import MARK
from lib.node import Node
from lib.place import PARTY, STRANGER
from lib.webrtc import WebRtc, attribute, check

from bleed_test import HERE, kernel, setUpModule as own_network
from call_test import CallTest
from patience import PATIENCE_S, until

ALONE = True                    # a flood wants its core, and would take others'
RATE = 4000                     # a second: what a node with sanitizers takes without loss
BEGIN_BURST = 6                 # handshakes of a leg for the party's address, and for all others; then one a second
DEADLINE_S = 30.0
SOURCES = ((PARTY, 0), (STRANGER, 0), (PARTY, 0), (STRANGER, 0))
party = stranger = early = None


def setUpModule():
    """The call that nobody finishes begins at once, because its end takes 30 s."""
    global party, stranger, early
    own_network()
    folder = tempfile.mkdtemp(prefix="tandem-attack-")
    unittest.addModuleCleanup(subprocess.run, ["rm", "-r", folder], check=False)
    party, stranger = (dtls.Certificate(folder, name) for name in ("party", "stranger"))
    early = Unfinished()
    unittest.addModuleCleanup(early.close)


def prepared(node):
    """Its extensions: 1001 has WebRTC, 1002 a plain phone."""
    node.put_extension("1001", "secret1001")
    node.put_extension("1002", "secret1002")
    node.ctl("extension.put", secret="secret1001\n", number="1001", password="-", webrtc="always")


class Unfinished:
    """One that begins a handshake and says no more."""

    def __init__(self):
        self.node = Node()
        prepared(self.node)
        self.agents = [self.node.user_agent(number, "secret" + number) for number in ("1001", "1002")]
        for agent in self.agents:
            agent.register()
        web, plain = WebRtc(self.node.ports, party, ice=False, hold=True), self.node.media()
        self.ends = [web, plain]
        out = self.agents[0].invite("1002", web.sdp("active"))
        self.agents[1].incoming().answer(plain.sdp())
        web.use(out.wait_answer())
        self.began = time.monotonic()
        web.rtp.sendto(dtls.hello(party), web.remote)

    def close(self):
        for thing in (*self.agents, *self.ends, self.node):
            thing.close()


class Flood:
    """Hostile packets from a process of their own, beside what the test does.  Its ports stay open: what we send there is no NoPorts."""

    def __init__(self, to, count, kinds=(), packets=(), sources=SOURCES, ssrc=0, rate=RATE):
        plan = {"from": sources, "to": to, "kinds": kinds, "count": count, "rate": rate, "ssrc": ssrc,
                "packets": [packet.hex() for packet in packets], "hold": 60}
        self.count = count
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "lib", "flood.py")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(json.dumps(plan))
        self.process.stdin.close()

    def goes_on(self):
        return not select.select([self.process.stdout], [], [], 0)[0]

    def done(self):
        answer = json.loads(self.process.stdout.readline())
        if answer["sent"] != self.count:
            raise AssertionError(answer)
        return answer

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class AttackTest(CallTest):
    def setUp(self):
        super().setUp()
        self.node.ctl("extension.put", secret="secret1001\n", number="1001", password="-", webrtc="always")
        self.full = 0                           # packets that a full queue cost, of whomever
        self.random = random.Random(5)
        self.hellos = [one for _ in range(16) for one in (dtls.hello(stranger), dtls.hopeless_hello())]

    def web(self, **options):
        end = WebRtc(self.node.ports, party, **options)
        self.addCleanup(end.close)
        return end

    def dial(self, web, calls=True, setup="active"):
        """A call of 1001, which has WebRTC, with 1002: (1001's dialog, 1002's); calls: 1001 is the caller."""
        if calls:
            out = self.a.invite("1002", web.sdp("actpass" if setup == "active" else setup))
            into = self.b.incoming()
            into.answer(self.audio_b.sdp())
            self.audio_b.use(into.request)
            web.use(out.wait_answer())
            return out, into
        out = self.b.invite("1001", self.audio_b.sdp())
        into = self.a.incoming()
        web.use(into.request)
        into.answer(web.sdp(setup))
        self.audio_b.use(out.wait_answer())
        return into, out

    def flood(self, *args, **options):
        made = Flood(*args, **options)
        self.addCleanup(made.close)
        return made

    def ports(self):
        """By whether the party there has keys."""
        flows = self.node.ctl("call.show", call=self.calls()[0]["id"])["flows"]
        return {flow["srtp"] == "dtls": (PARTY, int(flow["local"].rpartition(":")[2])) for flow in flows}

    # -- counters ------------------------------------------------------------------------------
    def counters(self):
        """All that tells where a hostile packet went, and what handshakes cost."""
        page, found = self.node.http("/metrics")[1], {}
        for line in page.splitlines():
            name, _, value = line.rpartition(" ")
            for series, short in (("tandem_media_dropped_packets_total", ""), ("tandem_media_ice_checks_total", "check_"),
                                  ("tandem_dtls_handshakes_failed_total", "failed_"),
                                  ("tandem_dtls_refused_datagrams_total", "refused_")):
                if name.startswith(series + "{"):
                    found[short + name.split('"')[1]] = int(float(value))
            if name in ("tandem_dtls_handshakes_begun_total", "tandem_dtls_handshakes_keyed_total",
                        "tandem_dtls_handshakes"):
                found[name.removeprefix("tandem_dtls_").removesuffix("_total")] = int(float(value))
        found |= {"kernel_" + name: value for name, value in kernel(self.node.process.pid).items()}
        return found

    def since(self, before):
        return {name: value - before[name] for name, value in self.counters().items() if value != before[name]}

    def wait_flooded(self, before, count=100):
        """The strangers were there first."""
        end = time.monotonic() + PATIENCE_S
        while sum(self.drops(self.since(before)).values()) < count:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    def drops(self, changes):
        """Of changes, what says that a packet went no further."""
        return {name: value for name, value in changes.items()
                if not name.startswith(("check_", "failed_", "refused_", "handshakes"))}

    def assert_all_found(self, before, count, *ends):
        """Each of so many packets was dropped under a name; the changes of all counters.  A full queue alone may cost the ends any."""
        end = time.monotonic() + PATIENCE_S
        while True:
            changes = self.since(before)
            lost = sum(each.lost() for each in (self.audio_b, *ends))
            if sum(self.drops(changes).values()) == count + lost or time.monotonic() > end:
                break
            time.sleep(0.1)
        print(f"# {self._testMethodName}: {count} packets: {changes}", flush=True)
        self.assertEqual(sum(self.drops(changes).values()), count + lost, changes)
        self.assertLessEqual(lost, changes.get("kernel_RcvbufErrors", 0))
        self.full = changes.get("kernel_RcvbufErrors", 0)
        self.assertEqual(changes.get("refused_unexpected", 0) + changes.get("refused_flow_rate", 0)
                         + changes.get("refused_length", 0) + changes.get("refused_rate", 0)
                         + changes.get("refused_ring_full", 0), changes.get("dtls_refused", 0), "why, of each")
        return changes

    # -- what both hear ------------------------------------------------------------------------
    def talk(self, web, seconds=0.6):
        for end, hertz in ((web, 440), (self.audio_b, 880)):
            end.start(hertz)
        time.sleep(seconds)

    def heard(self, web):
        """Both tones are whole, without a gap, and of one source each; nothing else came."""
        time.sleep(0.6)
        for end in (web, self.audio_b):
            end.stop()
        time.sleep(0.1)
        for end, other, hertz in ((web, self.audio_b, 880), (self.audio_b, web, 440)):
            found, share = end.heard()
            self.assertAlmostEqual(found, hertz, delta=3)
            self.assertGreater(share, 0.95)
            self.assertLessEqual(end.lost(), self.full)
            self.assertEqual((end.forged, end.strange), (0, []))
            self.assertEqual({packet.source for packet in end.packets}, {end.remote})
            self.assertEqual(len({packet.ssrc for packet in end.packets}), 1)
            self.assertEqual(len(end.packets) + end.lost(), other.sent)
            self.assertFalse([packet for packet in end.packets if MARK in packet.payload])

    def hang_up(self, web, of_web, of_plain):
        web.close()
        self.audio_b.packets.clear()            # the next call's are counted anew
        self.audio_b.sent = self.full = 0
        of_web.bye()
        of_plain.wait_bye()
        self.ended()

    def next_call(self, calls=False):
        """Nothing of it stays."""
        self.audio_b.close()
        self.audio_b = self.node.media()
        self.addCleanup(self.audio_b.close)
        web = self.web()
        dialogs = self.dial(web, calls)
        self.talk(web.wait_keys(), 0.2)
        self.heard(web)
        self.hang_up(web, *dialogs)


class Setup(AttackTest):
    """While the handshake is under way."""

    def race(self, ice, calls, setup):
        """Strangers begin handshakes at both ports from the 200 on; the party is slow."""
        web = self.web(ice=ice, hold=True)
        before = self.counters()
        dialogs, ports = self.dial(web, calls, setup), self.ports()
        flood = self.flood([ports[True], ports[True], ports[False]], 2000, packets=self.hellos, rate=RATE if ice else RATE / 3)
        self.wait_flooded(before)
        self.talk(web.go().wait_keys(), 0)
        if not ice and setup == "active":       # as a client we ask when our time has come
            self.assertTrue(flood.goes_on(), "it need not wait until they are gone")
        answers = flood.done()["answers"]
        changes = self.assert_all_found(before, 2000 + web.dtls_sent, web)
        bound = 2 * (BEGIN_BURST + 3)
        self.assertLessEqual(changes["handshakes_begun"], 1 if ice else bound)
        if not ice and setup == "active":
            self.assertGreater(changes["handshakes_begun"], 2, "and strangers did have their share")
        self.assertNotIn("handshakes", changes, "none is under way")
        self.assertEqual(changes["handshakes_keyed"], 1)
        self.assertLessEqual(answers, 0 if ice else 4 * bound, "what a stranger makes us send")
        self.assertEqual(changes.get("ice_no_pair", 0) > 0, ice)
        self.heard(web)
        self.hang_up(web, *dialogs)

    def test_hellos_before_the_partys(self):
        for ice in (True, False):
            for calls in (True, False):
                with self.subTest(ice=ice, calls=calls):
                    self.race(ice, calls, "active")

    def test_hellos_before_we_begin(self):
        """We are the client: whoever says hello is not asked, and whoever answers is not the party."""
        for ice in (True, False):
            with self.subTest(ice=ice):
                self.race(ice, False, "passive")

    def test_in_the_partys_own_name(self):
        """A forged hello from the party's address and port, before its own: the party is slower, and still gets its keys."""
        web = self.web(ice=False, hold=True)
        dialogs = self.dial(web)
        for hello in self.hellos[:4]:
            web.rtp.sendto(hello, web.remote)
        time.sleep(0.2)
        self.talk(web.go().wait_keys(), 0)
        self.heard(web)
        self.hang_up(web, *dialogs)

    def test_no_handshake_is_what_it_says(self):
        """Fragments and records that lie about their lengths, and datagrams longer than a handshake may be."""
        for ice in (True, False):
            with self.subTest(ice=ice):
                web = self.web(ice=ice, hold=True)
                dialogs = self.dial(web)
                packets = [lie for _ in range(4) for lie in dtls.lies(self.random)]
                packets += [dtls.fragment(bytes(n), n, 0, n) for n in (1480, 1500, 9000, 60000)]
                before, ports = self.counters(), self.ports()
                flood = self.flood([ports[True]], 2500, packets=packets)
                self.wait_flooded(before)
                self.talk(web.go().wait_keys(), 0)
                flood.done()
                self.assert_all_found(before, 2500 + web.dtls_sent, web)
                self.heard(web)
                self.hang_up(web, *dialogs)

    def test_a_certificate_that_is_too_long(self):
        """A stranger of the party's host speaks a real handshake, with more in it than we take; the party's is the next."""
        names = ",".join(f"DNS:{secrets.token_hex(30)}.example" for _ in range(300))
        with tempfile.TemporaryDirectory() as folder:
            long = dtls.Certificate(folder, "long", ("-addext", "subjectAltName=" + names))
            web, other = self.web(ice=False, hold=True), WebRtc(self.node.ports, long, ice=False)
            self.addCleanup(other.close)
            dialogs = self.dial(web)
            before = self.counters()
            other.active, other.remote = True, web.remote
            until(lambda: self.since(before).get("dtls", 0) > 15)
            time.sleep(0.5)
            changes = self.since(before)
            self.assertEqual((changes["handshakes_begun"], changes.get("handshakes_keyed")), (1, None), changes)
            self.assertGreater(changes["dtls"], 15, "it said all of it")
        self.talk(web.go().wait_keys(), 0)
        self.heard(web)
        self.hang_up(web, *dialogs)


class Call(AttackTest):
    """While it is talked."""

    def begun(self, **options):
        web = self.web(**options)
        dialogs = self.dial(web)
        self.talk(web.wait_keys())
        return web, dialogs

    def test_sprays_of_everything(self):
        """Hellos, lies, SRTP of nobody and of before, RTP and a BYE in clear: at both legs, from the party's host and another."""
        for ice in (True, False):
            with self.subTest(ice=ice):
                web, dialogs = self.begun(ice=ice)
                replays = [web.protected() for _ in range(4)]
                ports, before = self.ports(), self.counters()
                flood = self.flood([ports[True], ports[True], ports[False]], 6000, ("rtp", "guessed", "rtcp", "malformed", "short"),
                              [*self.hellos, *dtls.lies(self.random), *replays * 8], ssrc=web.ssrc)
                flood.done()
                changes = self.assert_all_found(before, 6000, web)
                self.assertLessEqual(changes.get("handshakes_begun", 0), 0)
                self.heard(web)
                self.hang_up(web, *dialogs)
        self.next_call()

    def test_in_the_partys_own_name(self):
        """Whoever can forge its address: replays, another SSRC, RTP and RTCP BYE in clear, hellos, an alert. Each has its own counter."""
        web, dialogs = self.begun()
        replay = [web.protected() for _ in range(2)]
        time.sleep(0.1)                         # now it was sent
        before = self.counters()
        forged = bytearray(replay[0])
        forged[8:12] = secrets.token_bytes(4)
        clear = replay[0][:2] + (web.seq + 500).to_bytes(2, "big") + replay[0][4:12] + (MARK * 20)[:160]
        bye = bytes.fromhex("81cb0001") + web.ssrc.to_bytes(4, "big")
        for datagram in (*replay[:1] * 20, *[bytes(forged)] * 20, *[clear] * 20, *[bye] * 20, *self.hellos[:20],
                         *[dtls.record(b"\x02\x00", kind=21)] * 20):
            web.rtp.sendto(datagram, web.remote)
            time.sleep(0.001)
        changes = self.assert_all_found(before, 120, web)
        self.assertEqual(changes["srtp_replay"], 20)
        self.assertEqual(changes["srtp_auth"] + changes.get("srtp_short", 0), 60)
        self.assertEqual(changes["dtls_refused"], 40)
        self.heard(web)
        self.hang_up(web, *dialogs)

    def test_checks_without_the_password(self):
        """Binding requests of who knows our ufrag, and of who does not: nothing is proven, and media go where they went."""
        web, dialogs = self.begun()
        ufrag, wrong = web.theirs[0], secrets.token_hex(12)
        guesses = [check(f"{ufrag}:{web.ufrag}", wrong), check(f"{ufrag}:{web.ufrag}", wrong, fingerprint=False),
                   check(f"{ufrag}:{web.ufrag}", wrong, integrity=bytes(20)), check(f"{secrets.token_hex(4)}:x", wrong),
                   check(f"{ufrag}:{web.ufrag}", wrong, extra=attribute(0x8022, bytes(1200))),
                   check(f"{ufrag}:{'x' * 600}", wrong)]
        broken = [check(f"{ufrag}:x", wrong, extra=attribute(0x8022, b"short", length=0xffff)),
                  check(f"{ufrag}:x", wrong)[:-3], check(f"{ufrag}:x", wrong) + bytes(40000), bytes(20)]
        before, ports = self.counters(), self.ports()
        flood = self.flood([ports[True]], 4000, packets=guesses + broken)
        for guess in guesses:                   # and in the party's name
            web.rtp.sendto(guess, web.remote)
        answers = flood.done()["answers"]
        time.sleep(0.2)
        changes = self.since(before)
        print(f"# {self._testMethodName}: {changes}", flush=True)
        refused = changes["check_unauthenticated"]
        self.full, lost = changes.get("kernel_RcvbufErrors", 0), web.lost() + self.audio_b.lost()
        self.assertEqual(refused + sum(changes.get(name, 0) for name in ("stun_malformed", "ice_no_pair", "truncated")) + self.full,
                         4000 + len(guesses) + lost, changes)
        self.assertLessEqual(lost, self.full)
        self.assertLess(answers, refused, "a flood of them does not make us one")
        self.heard(web)
        self.hang_up(web, *dialogs)
        self.next_call(calls=True)


class Identity(AttackTest):
    def test_another_certificate_than_signalled(self):
        """No keys and no media; a new offer with the right fingerprint makes it work."""
        web = self.web(ice=False)
        out = self.a.invite("1002", web.sdp(fingerprint=dtls.wrong_fingerprint()))
        into = self.b.incoming()
        into.answer(self.audio_b.sdp())
        self.audio_b.use(into.request)
        before = self.counters()
        web.use(out.wait_answer())
        end = time.monotonic() + PATIENCE_S
        while not (changes := self.since(before)).get("failed_certificate") and time.monotonic() < end:
            time.sleep(0.05)
        self.assertGreaterEqual(changes.get("failed_certificate", 0), 1, changes)
        self.assertNotIn("handshakes_keyed", changes)
        self.audio_b.start(880)
        for _ in range(10):                     # nobody's key, from the right address
            web.rtp.sendto(bytes([0x80, 0]) + secrets.token_bytes(180), web.remote)
        time.sleep(0.3)
        self.audio_b.stop()
        self.assertEqual((self.audio_b.packets, web.packets, web.forged), ([], [], 0))
        self.audio_b.sent = 0                   # of those nothing was to come
        web.again()
        answers = threading.Thread(target=into.wait_reinvite, args=(self.audio_b.sdp(version=2),))
        answers.start()
        web.use(out.reinvite(web.sdp(version=2)))
        answers.join()
        self.talk(web.wait_keys(), 0)
        self.heard(web)
        self.hang_up(web, out, into)


class TheLast(unittest.TestCase):
    def test_a_handshake_that_stands_still_ends(self):
        """At its deadline, under its name; the gauge is where it was."""
        time.sleep(max(0.0, early.began + DEADLINE_S - time.monotonic()))
        end = time.monotonic() + PATIENCE_S
        while not (ended := early.node.metric("tandem_dtls_handshakes_failed_total", reason="deadline")) \
                and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(ended, 1)
        self.assertEqual(early.node.metric("tandem_dtls_handshakes"), 0)
        self.assertEqual(early.node.metric("tandem_dtls_handshakes_keyed_total"), 0)


if __name__ == "__main__":
    unittest.main()

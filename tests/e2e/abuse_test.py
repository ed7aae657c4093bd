# SPDX-License-Identifier: Apache-2.0
"""Attempts to break a node over its SIP ports, beside a call that must not notice: floods, lies, loops, amplification."""
import base64
import contextlib
import json
import os
import re
import secrets
import socket
import ssl
import subprocess
import sys
import time
import unittest

from lib.media import CLOCK, Media
from lib.message import Message
from lib.node import Node
from lib.sip import or_none
from lib.srtp import Key
from lib.stream import StreamAgent
from patience import PATIENCE_S, slowness, until

LONG = 90                       # s
HERE = os.path.dirname(os.path.abspath(__file__))
ATTACKERS = [f"127.0.0.{31 + i}" for i in range(8)]
CROWD = [f"127.0.0.{51 + i}" for i in range(12)]       # enough to fill the house
STRANGERS = [f"127.0.0.{81 + i}" for i in range(20)]   # twice as many
QUIET, MODEST = ["127.0.0.121"], ["127.0.0.122"]        # nothing is owed to them for what was not answered
HURRIED = ["127.0.0.111", "127.0.0.112"]
CONNECTIONS, PER_SOURCE = 1500, 150
HANDSHAKES_PER_S = 20                                   # of one address, after as many at once as it may have connections
OPTIONS = ("OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{transport} 127.0.0.31:{port};branch=z9hG4bK{{n}};rport\r\n"
           "From: <sip:x@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: {{n}}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n"
           "Content-Length: 0\r\n\r\n")
# The first octets of a TLS 1.2 ClientHello of 512 octets
HALF_HELLO = (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32)).hex()


def trickle(since):
    """Octets that an address hears by now beyond all that it said (base/guard.h)."""
    return 2048 + 512 * (time.monotonic() - since)


def options(transport="TCP", port=5060):
    """An OPTIONS request; {n} in it is a number yet to be given."""
    return OPTIONS.format(transport=transport, port=port)


def hexed(text):
    return (text if isinstance(text, bytes) else text.encode()).hex()


class Assault:
    """A running attack; wait() for what it says."""

    def __init__(self, attack, **plan):
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "lib", "assault.py")], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdin.write(json.dumps({"attack": attack, **plan}))
        self.process.stdin.close()

    def line(self):
        return json.loads(self.process.stdout.readline())

    def running(self):
        return self.process.poll() is None

    def wait(self):
        with self.process.stdout as file:
            lines = file.read().splitlines()
        if self.process.wait():
            raise AssertionError("the attack failed")
        return json.loads(lines[-1])


class Bystanders:
    """Two phones in a call with tones both ways."""

    def __init__(self, node):
        self.agents = [node.user_agent(number, "secret" + number) for number in ("1001", "1002")]
        self.ends = [node.media() for _ in self.agents]
        for thing in (*self.agents, *self.ends):
            unittest.addModuleCleanup(thing.close)
        for agent, number in zip(self.agents, ("1001", "1002")):
            node.put_extension(number, "secret" + number)
            if agent.register().status != 200:
                raise AssertionError("a bystander cannot register")
        self.out = self.agents[0].invite("1002", self.ends[0].sdp())
        self.into = self.agents[1].incoming()
        self.into.answer(self.ends[1].sdp())
        self.ends[0].use(self.out.wait_answer())
        self.ends[1].use(self.into.request)
        for end, hertz in zip(self.ends, (440, 880)):
            end.start(hertz)
        for end in self.ends:
            end.wait_packets(10)
        until(lambda: node.metric("tandem_calls"))      # a gauge, which is set now and then

    def undisturbed(self, test, since):
        """Nothing was lost, doubled or late, and what is heard is the other's tone."""
        enough = 0.8 * FRAMES * (CLOCK.ran(since, time.monotonic()) - 0.2)
        for end, hertz in zip(self.ends, (880, 440)):
            until(lambda end=end: len(end.audio(since)) > enough)       # who stood still makes up for it
            packets = end.audio(since)
            numbers = [packet.seq for packet in packets]
            steps = {(b - a) % 0x10000 for a, b in zip(numbers, numbers[1:])}
            test.assertLessEqual(steps, {1}, "lost or doubled")
            test.assertLess(end.gap(since), slowness())
            test.assertEqual(len({(packet.ssrc, packet.source) for packet in end.packets}), 1)
            if len(packets) > 25:
                test.assertAlmostEqual(end.heard()[0], hertz, delta=3)

    def hang_up(self):
        for end in self.ends:
            end.stop()
        self.out.bye()
        self.into.wait_bye()


FRAMES = 50


node = bystanders = None        # of all tests; only what Secrets has is its own


def setUpModule():
    global node, bystanders
    node = Node(settings={"limits": {"connections": CONNECTIONS, "connections_per_source": PER_SOURCE},
                          "quotas": {"extension": {"registrations_per_second": 1000, "calls_per_second": 1000}},
                          "sip": {"digits": "shown", "trusted": ["127.4.0.0/27"]}}, start=False,
                everything=True, calls=300)
    unittest.addModuleCleanup(node.close)
    # What is freed shall count as free.
    node.environment["ASAN_OPTIONS"] += ":quarantine_size_mb=1"
    node.start()
    bystanders = Bystanders(node)
    unittest.addModuleCleanup(bystanders.hang_up)


class AbuseTest(unittest.TestCase):
    """Around each test, what the node holds is counted, and the call has to go on."""
    growth = 64 << 20           # octets of memory that may stay
    lingering = False           # calls may outlive the test: who rings at a dead place does so for up to 32 s

    @classmethod
    def setUpClass(cls):
        cls.node, cls.bystanders = node, bystanders
        cls.authority = os.path.join(node.folder, "tls", "ca.pem")
        cls.tcp, cls.tls = ("127.0.0.1", node.sip_port), ("127.0.0.1", node.tls_port)

    def setUp(self):
        self.since = time.monotonic()
        self.before = self.held()
        self.counted = self.counters()

    def tearDown(self):
        """The call was not disturbed, and everything is given back."""
        self.bystanders.undisturbed(self, self.since)
        self.assertTrue(self.node.running())
        end = time.monotonic() + PATIENCE_S
        while True:
            now = self.held()
            more = {name: (self.before[name], value) for name, value in now.items()
                    if value > self.before[name] + (self.growth if name == "memory" else 0)}
            if not more or time.monotonic() > end:
                break
            time.sleep(0.2)
        self.assertEqual(more, {}, "before and now")

    def held(self):
        gauges = {name: self.node.metric("tandem_" + name) for name in ("sip_connections", "media_flows")}
        memory = self.node.metric("tandem_process_resident_bytes")
        if self.lingering:
            return {"memory": memory}
        return {"files": len(os.listdir(f"/proc/{self.node.process.pid}/fd")), "memory": memory, **gauges,
                "calls": self.node.metric("tandem_calls")}

    def counters(self):
        found = {}
        for line in self.node.http("/metrics")[1].splitlines():
            if "_total" in line and not line.startswith("#"):
                series, _, value = line.rpartition(" ")
                found[series] = float(value)
        return found

    def grown(self, name, reason=None, **labels):
        """By how much a counter has grown in this test."""
        labels |= {"reason": reason} if reason else {}
        series = f"tandem_{name}" + "".join(f'{{{label}="{value}"}}' for label, value in labels.items())
        return self.counters()[series] - self.counted[series]

    def wait_grown(self, name, reason, count, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while self.grown(name, reason) < count and time.monotonic() < end:
            time.sleep(0.05)
        self.assertGreaterEqual(self.grown(name, reason), count, (name, reason))

    def served(self, assault, limit=1.0):
        """While it lasts a phone on UDP is answered; the times that took."""
        times = []
        with self.node.user_agent("probe") as agent:
            while assault.running():
                began = time.monotonic()
                self.assertEqual(agent.options(5).status, 200)
                times.append(time.monotonic() - began)
                time.sleep(0.02)
        self.assertTrue(times)
        self.assertLess(sorted(times)[len(times) // 2], limit / 4 * slowness(), "in the middle")
        late = [taken for taken in times if taken >= limit * slowness()]     # a machine that all share stands still now and then
        self.assertLessEqual(len(late), 1 + len(times) // 50, late)
        return times

    def phone(self, number, tls=False, put=True, **options):
        if put:
            self.node.ctl("extension.put", secret="secret" + number + "\n", number=number, password="-", **options)
        agent = StreamAgent(self.tls, number, "secret" + number, authority=self.authority) if tls \
            else self.node.user_agent(number, "secret" + number)
        self.addCleanup(agent.close)
        return agent


class Around(AbuseTest):
    """The node's own addresses where those of others belong.  First, because what comes of it takes its time to end."""
    lingering = True

    def own_places(self):
        """Where the node itself is, in many ways of writing it."""
        port, tls = self.node.sip_port, self.node.tls_port
        return [f"127.0.0.1:{port}", f"127.0.0.1:{port};transport=tcp", f"127.0.0.1:{tls};transport=tls",
                f"[::1]:{port}", f"[::1]:{port};transport=tcp", f"[::ffff:127.0.0.1]:{port}",
                f"[::ffff:127.0.0.1]:{port};transport=tcp", f"localhost:{port}", f"0.0.0.0:{port}", f"[::]:{port}",
                f"127.1:{port}", f"2130706433:{port}", f"127.0.0.1:{port};maddr=127.0.0.1", f"[0:0:0:0:0:0:0:1]:{port}"]

    def test_contacts_of_the_node_itself(self):
        """An extension registered at the node's own address: no call goes round."""
        phone = self.phone("1020")
        for place in self.own_places():
            with self.subTest(place):
                requests = self.requests()
                if phone.register(contact=f"<sip:1020@{place}>").status != 200:
                    continue
                out = phone.invite("1020", self.bystanders.ends[0].sdp())
                time.sleep(0.1)
                or_none(out.cancel, 1.0)        # it may be refused already
                self.assertGreaterEqual(out.wait_final().status, 400)
                self.assertLess(self.requests() - requests, 12)
                self.assertEqual(phone.register(expires=0, contact="*").status, 200)
        self.empty()

    def requests(self):
        return self.node.metric("tandem_sip_requests_total")

    def empty(self):
        """Whatever still rings is ended by the operator."""
        for row in self.node.ctl("call.list"):
            if row["from"] != "1001":
                self.node.ctl("call.hangup", call=row["id"])

    def test_callers_at_the_node_itself(self):
        """Contact, Record-Route and Route of an INVITE name the node: in the dialog nothing goes round."""
        caller, callee = self.phone("1021"), self.phone("1022")
        self.assertEqual(callee.register().status, 200)
        for place in self.own_places()[:6]:
            with self.subTest(place):
                requests = self.requests()
                lines = [("Record-Route", f"<sip:{place.replace(';', ';lr;', 1) if ';' in place else place + ';lr'}>"),
                         ("Route", f"<sip:{place.split(';')[0]};lr>")]
                out = caller.invite("1022", self.bystanders.ends[0].sdp(), lines)
                out.request.set("Contact", f"<sip:1021@{place}>")
                into = or_none(callee.incoming, 2.0)
                if into is None:
                    self.assertGreaterEqual(out.wait_final().status, 400)
                    continue
                into.respond(200, "OK", headers=lines[:1], body=self.bystanders.ends[0].sdp())
                with contextlib.suppress(OSError):      # where its ACK shall go is no place for UDP
                    or_none(out.wait_final, 2.0)
                time.sleep(0.1)
                self.empty()
                time.sleep(0.2)
                self.assertLess(self.requests() - requests, 25)
        callee.register(expires=0)


class Connections(AbuseTest):
    """TCP and TLS."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        whole = options()
        # What has all the patience there is runs beside the other tests, at a node of its own: a full one lets whoever is there longest make room.
        quiet = cls.enterClassContext(Node(everything=True))
        cls.slow = Assault("drips", to=("127.0.0.1", quiet.sip_port), limit=45, says=[hexed(text) for text in (
            whole, "\r\n", "INVITE sip:" + "x" * 100, whole.replace("Content-Length: 0", "Content-Length: 900"))])
        cls.slow_tls = Assault("drips", to=("127.0.0.1", quiet.tls_port), limit=45, says=[HALF_HELLO])
        for slow in (cls.slow, cls.slow_tls):
            slow.line()

    def flood(self, to, say):
        """Twice as many connections as one address may have: they make room for each other, phones are still served."""
        most = PER_SOURCE * len(ATTACKERS)
        assault = Assault("connections", to=to, sources=ATTACKERS, count=2 * most, say=say, hold=0.5)
        self.served(assault)
        outcome = assault.wait()
        self.assertEqual(sum(outcome.values()), 2 * most)
        self.assertLessEqual(outcome["open"], most)
        return outcome["open"]

    def twice(self, to, say):
        """The second flood finds the memory of the first one."""
        opened = self.flood(to, say)
        self.wait_held("sip_connections", self.before["sip_connections"])
        self.before["memory"] = self.held()["memory"]
        opened += self.flood(to, say)
        self.assertEqual(self.grown("sip_stream_refused_total", "source_full"), 0)
        self.assertEqual(opened + self.grown("sip_stream_ends_total", "made_room")
                         + self.grown("sip_stream_ends_total", "handshakes_of_source"), 4 * PER_SOURCE * len(ATTACKERS))
        return opened

    def wait_held(self, name, most, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while self.held()[name] > most and time.monotonic() < end:
            time.sleep(0.1)

    def test_a_flood_of_connections(self):
        self.assertEqual(self.twice(self.tcp, ""), 2 * PER_SOURCE * len(ATTACKERS))

    def test_a_flood_of_half_handshakes(self):
        self.twice(self.tls, HALF_HELLO)

    def test_a_flood_of_handshakes(self):
        """Each costs the node a signature: one address begins only so many.  Who is there goes on, others get in."""
        phone, began = self.phone("1006", tls=True), time.monotonic()
        self.assertEqual(phone.register().status, 200)
        assaults = [Assault("handshakes", to=self.tls, sources=[source], seconds=3.0) for source in HURRIED]
        newcomers = 0
        while assaults[0].running() or assaults[1].running():
            self.assertEqual(phone.register().status, 200)
            if newcomers < 20:
                newcomers += 1
                with StreamAgent(self.tls, "probe", authority=self.authority) as agent:
                    self.assertEqual(agent.options().status, 200)
            time.sleep(0.02)
        done = sum(assault.wait()["done"] for assault in assaults)
        may = len(HURRIED) * (PER_SOURCE + HANDSHAKES_PER_S * (time.monotonic() - began + 1))
        self.assertGreater(done, PER_SOURCE)
        self.assertLessEqual(done, may)
        self.assertLessEqual(self.grown("sip_stream_handshakes_total"), may + newcomers + 1)
        self.assertGreater(self.grown("sip_stream_ends_total", "handshakes_of_source"), 0)
        self.assertEqual(phone.register(expires=0).status, 200)
        self.assertFalse(phone.lost)
        phone.close()

    def test_a_newcomer_in_a_full_house(self):
        """Whoever has said nothing yet makes room: phones get in although strangers hold all the places."""
        assault = Assault("connections", to=self.tcp, sources=CROWD, count=PER_SOURCE * len(CROWD), say="", hold=2.0)
        assault.line()
        with self.phone("1003", tls=True) as agent:
            self.assertEqual(agent.register().status, 200)
            self.assertEqual(agent.register(expires=0).status, 200)
        outcome = assault.wait()
        self.assertLessEqual(outcome["open"], CONNECTIONS)
        self.assertGreaterEqual(self.grown("sip_stream_ends_total", "made_room"), PER_SOURCE * len(CROWD) - CONNECTIONS)

    def crowd(self, sources, count):
        """Connections that have each asked something, without credentials. All are with the node: one that it takes later could make
        a phone go that has not proved yet who it is."""
        taken = lambda: self.grown("sip_stream_connections_total", direction="in")
        before = taken()
        assault = Assault("connections", to=self.tcp, sources=sources, count=count, say=hexed(options().format(n=1)), hold=3.0)
        held, end = assault.line()["held"], time.monotonic() + PATIENCE_S
        while taken() < before + held:
            self.assertLess(time.monotonic(), end, "the node takes them")
            time.sleep(0.01)
        return assault

    def test_strangers_who_speak(self):
        """They keep nobody out, and nobody who has proved who it is has to go for them: of all places, of those of one address."""
        crowds = [self.crowd(STRANGERS, PER_SOURCE * len(STRANGERS))]
        phones = [self.phone(number, tls=True) for number in ("1004", "1005")]
        for phone in phones:
            self.assertEqual(phone.register().status, 200)
        crowds += [self.crowd(STRANGERS, CONNECTIONS), self.crowd(["127.0.0.1"], 2 * PER_SOURCE)]
        with self.node.media() as first, self.node.media() as second, self.phone("1006", tls=True) as third:
            self.assertEqual(third.register().status, 200)
            out = phones[0].invite("1005", first.sdp())
            into = phones[1].incoming()
            into.answer(second.sdp())
            out.wait_answer()
            crowds += [self.crowd(CROWD, CONNECTIONS), self.crowd(["127.0.0.1"], 2 * PER_SOURCE)]
            self.assertEqual(phones[0].register().status, 200)
            out.bye()
            into.wait_bye()
            for phone in (*phones, third):
                self.assertFalse(phone.lost)
                self.assertEqual(phone.register(expires=0).status, 200)
        for phone in phones:
            phone.close()
        for crowd in crowds:
            crowd.wait()
        self.assertEqual(self.grown("sip_stream_refused_total", "connections_full"), 0)
        self.assertEqual(self.grown("sip_stream_refused_total", "source_full"), 0)
        self.assertGreaterEqual(self.grown("sip_stream_ends_total", "made_room"), 2 * CONNECTIONS)

    def test_a_storm_of_resets(self):
        say = options().format(n=1)
        assault = Assault("resets", to=self.tcp, sources=ATTACKERS, count=4000, say=hexed(say))
        self.served(assault)
        self.assertEqual(assault.wait()["failed"], 0)
        self.wait_held("sip_connections", self.before["sip_connections"])
        self.assertGreater(self.grown("sip_stream_connections_total", direction="in"), 1000)

    def test_connections_on_demand(self):
        """RFC 3261 18.2.2: an answer may need a connection to where the request says.  One address has not more of
        those than of others, and they keep nobody out."""
        assault = Assault("beckon", to=self.tcp, source=ATTACKERS[0], count=3 * PER_SOURCE,
                          request=OPTIONS.replace("{port}", "{{port}}").format(transport="TCP"), hold=0.5)
        self.served(assault)
        assault.wait()
        made = self.grown("sip_stream_connections_total", direction="out")
        self.assertGreater(made, 20, "it does connect")
        self.assertLessEqual(self.node.metric("tandem_sip_connections"), self.before["sip_connections"] + PER_SOURCE)
        with StreamAgent(self.tcp, "probe") as agent:
            self.assertEqual(agent.options().status, 200)
        self.wait_held("sip_connections", self.before["sip_connections"])

    def test_gone_in_the_middle(self):
        """Half a message, half a record, then nobody."""
        say = options().format(n=1)[:-30]
        assaults = [Assault("resets", to=to, sources=CROWD, count=500, say=text)
                    for to, text in ((self.tcp, hexed(say)), (self.tls, HALF_HELLO), (self.tls, "16"))]
        self.served(assaults[0])
        for assault in assaults:
            assault.wait()
        self.wait_grown("sip_tls_failures_total", "closed", 900)

    def ends(self, say, to=None, seconds=3.0, first=b""):
        """Says it on one connection, where `first` was answered; everything the node answered until it closed."""
        with socket.create_connection(to or self.tcp, timeout=seconds) as sock:
            got = b""
            try:
                sock.sendall(first)
                while first and b"\r\n\r\n" not in got:
                    got += sock.recv(65536)
                sock.sendall(say)
                while part := sock.recv(65536):
                    got += part
            except (ConnectionError, BrokenPipeError):
                pass
            except TimeoutError:
                self.fail("it was not closed")
        return got

    def test_a_head_without_end(self):
        cases = [b"OPTIONS sip:node SIP/2.0\r\n" + b"X-Long: " + b"x" * 1000000,
                 b"OPTIONS sip:" + b"x" * 1000000,
                 b"OPTIONS sip:node SIP/2.0\r\n" + b"X: y\r\n" * 200000,
                 b"OPTIONS sip:node SIP/2.0\r\nX: y\r\n" + b" z\r\n" * 200000]
        for say in cases:
            self.ends(say)
        self.wait_grown("sip_stream_ends_total", "head_too_large", len(cases))

    def test_lies_about_the_length(self):
        """The one before is answered; from where the lie is nothing is believed any more."""
        good = options().format(n=secrets.token_hex(4)).encode()
        rows = [("-1", "content_length_malformed"), ("18446744073709551616", "content_length_malformed"),
                ("0x10", "content_length_malformed"), ("1e3", "content_length_malformed"),
                ("5 5", "content_length_malformed"), ("", "content_length_malformed"),
                ("0\r\nContent-Length: 7", "content_length_malformed"), ("0\r\nl: 7", "content_length_malformed"),
                ("18446744073709551615", "message_too_large"), ("4294967296", "message_too_large"),
                ("65536", "message_too_large"), (None, "content_length_missing")]
        for value, reason in rows:
            with self.subTest(value):
                before = self.grown("sip_stream_ends_total", reason)
                line = b"" if value is None else b"Content-Length: " + value.encode() + b"\r\n"
                got = self.ends(good.replace(b"z9hG4bK", b"z9hG4bKx").replace(b"Content-Length: 0\r\n", line), first=good)
                self.assertEqual(got.count(b"SIP/2.0 200"), 1)
                self.assertEqual(self.grown("sip_stream_ends_total", reason) - before, 1)

    def test_a_length_too_small(self):
        """What is left over is no message."""
        good = options().format(n=secrets.token_hex(4)).encode()
        before = self.grown("sip_stream_ends_total", "not_sip")
        got = self.ends(b"0123456789", first=good.replace(b"Content-Length: 0", b"Content-Length: 3") + b"abc")
        self.assertEqual(got.count(b"SIP/2.0 200"), 1)
        self.assertEqual(self.grown("sip_stream_ends_total", "not_sip") - before, 1)

    def test_no_handshake(self):
        """On the TLS port: plain SIP, HTTP, noise, old versions, and TLS on the TCP port."""
        rows = [(options("TLS").format(n=1).encode(), "not_tls"),
                (b"GET / HTTP/1.0\r\n\r\n", "not_tls"), (secrets.token_bytes(2000).replace(b"\x16", b"\x17"), None),
                (b"\x16\x03\x01\xff\xff" + bytes(70000), None), (b"\x80\x2e\x01\x00\x02" + bytes(100), None),
                (b"\x15\x03\x03\x00\x02\x02\x28", None), (b"\x14\x03\x03\x00\x01\x01" * 1000, None)]
        for say, reason in rows:
            with self.subTest(say[:5]):
                before = self.counters()
                self.ends(say, self.tls)
                time.sleep(0.05)
                after = self.counters()
                failed = {series for series in after if "tls_failures" in series and after[series] > before[series]}
                self.assertEqual(len(failed), 1, failed)
                if reason:
                    self.assertIn(reason, failed.pop())
        self.ends(bytes.fromhex(HALF_HELLO), self.tcp)
        self.wait_grown("sip_stream_ends_total", "not_sip", 1)

    def test_old_versions(self):
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
            with socket.create_connection(self.tls, timeout=5) as sock, self.assertRaises((ssl.SSLError, OSError)):
                context.wrap_socket(sock)
        self.wait_grown("sip_tls_failures_total", "version_or_cipher", 2)

    def test_ten_thousand_requests_at_once(self):
        """All are answered, and in the meantime others are as well."""
        assault = Assault("pipeline", to=self.tcp, request=options(), count=10000)
        self.served(assault, 1.0)
        self.assertEqual(assault.wait()["statuses"], {"200": 10000})

    def test_who_does_not_listen(self):
        assault = Assault("deaf", to=self.tcp, request=options(), count=100000)
        self.served(assault, 1.0)
        self.assertTrue(assault.wait()["ended"])
        ends = [self.grown("sip_stream_ends_total", reason) for reason in ("send_queue_full", "peer_unresponsive")]
        self.assertEqual(sum(ends), 1, ends)

    def test_zz_slow_senders(self):
        """An octet a second buys no more time than silence, whatever it is."""
        outcome = self.slow.wait()["lived"] + self.slow_tls.wait()["lived"]
        self.assertNotIn(None, outcome)
        self.assertLess(max(outcome), 40)
        self.assertGreater(min(outcome), 10)


class Messages(AbuseTest):
    """UDP, and what may stand in messages."""
    lingering = True

    def test_answers_to_nobody(self):
        """None is answered nor passed on."""
        tag = self.bystanders.out.response.get("To").partition("tag=")[2]
        says = []
        for status, method in ((100, "INVITE"), (200, "INVITE"), (200, "BYE"), (401, "REGISTER"), (503, "INVITE")):
            for to in ("1", tag):
                says.append(hexed(
                    f"SIP/2.0 {status} X\r\nVia: SIP/2.0/UDP 127.0.0.1:{self.node.sip_port};branch=z9hG4bK{tag}\r\n"
                    f"From: <sip:a@b>;tag={to}\r\nTo: <sip:b@c>;tag=2\r\nCall-ID: {self.bystanders.out.call_id}\r\n"
                    f"CSeq: 1 {method}\r\nContact: <sip:evil@127.0.0.31:9>\r\nContent-Length: 0\r\n\r\n"))
        assault = Assault("datagrams", to=self.tcp, sources=ATTACKERS, says=says, count=20000, rate=10000)
        self.served(assault)
        outcome = assault.wait()
        self.assertEqual(outcome["answers"], 0)
        lost = self.grown("sip_udp_drops_total", "receive_buffer_full") + sum(
            self.grown("sip_guard_drops_total", reason) for reason in ("stranger", "all_strangers"))
        self.assertGreaterEqual(self.grown("sip_dropped_total", "response_without_transaction") + lost, 20000)

    def test_stun(self):
        """A flood of binding requests: one answer at most, and an address hears no more than it said."""
        says = [(b"\x00\x01\x00\x00\x21\x12\xa4\x42" + secrets.token_bytes(12)).hex() for _ in range(16)]
        says += [(b"\x00\x01\x00\x04\x21\x12\xa4\x42" + bytes(12) + b"\x00\x24\x00\x00").hex(),
                 (b"\x01\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)).hex(),
                 (b"\x00\x01\xff\xff\x21\x12\xa4\x42" + bytes(12)).hex()]
        assault = Assault("datagrams", to=self.tcp, sources=ATTACKERS, says=says, count=19000, rate=10000)
        self.served(assault)
        outcome = assault.wait()
        self.assertLessEqual(outcome["answers"], 17000)
        self.assertGreater(outcome["answers"], 1000)
        self.assertLess(outcome["octets_back"], outcome["octets"])

    def test_amplification(self):
        """Who has not proved who it is gets at most one answer for each request, to where it came from, of a bounded
        size, and no more than it has said itself: nobody else ever hears of it."""
        said, heard, began = 0, 0, time.monotonic()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as victim:
            victim.bind(("127.0.0.40", 0))
            victim.settimeout(0.1)
            place = f"127.0.0.40:{victim.getsockname()[1]}"
            for method in ("OPTIONS", "REGISTER", "INVITE", "BYE", "CANCEL", "MESSAGE", "SUBSCRIBE", "FROB"):
                with self.subTest(method):
                    say = (f"{method} sip:1002@127.0.0.1 SIP/2.0\r\nv: SIP/2.0/UDP {place};branch=z9hG4bK%s;maddr="
                           f"127.0.0.40;rport\r\nf: <sip:a@b>;tag=1\r\nt: <sip:a@b>\r\ni: {secrets.token_hex(4)}\r\n"
                           f"CSeq: 1 {method}\r\nm: <sip:a@{place}>\r\nMax-Forwards: 9\r\nRecord-Route: <sip:{place};lr>\r\n"
                           f"Route: <sip:{place};lr>\r\nPath: <sip:{place};lr>\r\nl: 0\r\n\r\n")
                    says = [hexed(say % secrets.token_hex(4)) for _ in range(50)]
                    outcome = Assault("datagrams", to=self.tcp, sources=MODEST, says=says, count=50, rate=5000).wait()
                    self.assertLessEqual(outcome["answers"], 50, "one each, and no retransmission")
                    said, heard = said + outcome["octets"], heard + outcome["octets_back"]
                    self.assertLess(heard, said + trickle(began))
            with self.assertRaises(TimeoutError):
                self.fail(victim.recv(65536))

    def test_the_shortest_requests(self):
        """However little an address says, it hears no more than that, but for a trickle: forging a source gains nothing."""
        began = time.monotonic()
        for method in ("OPTIONS", "REGISTER", "INVITE"):
            say = (f"{method} sip:a SIP/2.0\r\nv:SIP/2.0/UDP a;branch=z9hG4bK1;rport\r\nf:<sip:a>;tag=1\r\nt:<sip:a>\r\n"
                   f"i:1\r\nCSeq:1 {method}\r\nm:<sip:a>\r\n\r\n")
            outcome = Assault("datagrams", to=self.tcp, sources=QUIET, says=[hexed(say)], count=100,
                              rate=1000).wait()
            self.assertLess(outcome["octets_back"], outcome["octets"] + trickle(began), method)
            self.assertGreater(outcome["answers"], 1, method)
        crowd = [f"127.9.8.{i}" for i in range(1, 201)]
        outcome = Assault("datagrams", to=self.tcp, sources=crowd, says=[hexed(say)], count=200, rate=1000).wait()
        self.assertLess(outcome["octets_back"], outcome["octets"] + trickle(began), "of one prefix")
        self.assertGreater(self.grown("sip_guard_answers_dropped_total"), 50)

    def test_a_challenge_is_no_larger_than_its_request(self):
        """Of a phone's usual REGISTER and INVITE."""
        with self.node.user_agent("1001", "wrong") as agent:
            contact = [("Contact", f"<sip:1001@{agent.host_port}>")]
            usual = [("User-Agent", "Any phone 1.0"), ("Allow", "PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE, OPTIONS"),
                     ("Supported", "replaces, timer"), ("Expires", "3600")]
            for method, to in (("REGISTER", "sip:127.0.0.1"), ("INVITE", "sip:1002@127.0.0.1")):
                request = agent.request(method, to)
                for name, value in contact + usual:
                    if not request.get(name):
                        request.headers.append((name, value))
                response = agent.transact(request)
                self.assertIn(response.status, (401, 407))
                self.assertLessEqual(len(response.bytes()), len(request.bytes()), method)

    def test_a_flood_from_one_address(self):
        """It is dropped unread beyond the limit of an address; known phones register and talk meanwhile."""
        junk = ("REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK%s\r\nFrom: <sip:9@a>;tag=1\r\n"
                "To: <sip:9@a>\r\nCall-ID: %s\r\nCSeq: 1 REGISTER\r\nContact: <sip:9@10.0.0.1>\r\n\r\n")
        with self.phone("1013") as phone:
            self.assertEqual(phone.register().status, 200)
            parsed = self.grown("sip_requests_total", method="REGISTER")
            flood = Assault("datagrams", to=self.tcp, sources=ATTACKERS[2:3], rate=10000, count=20000,
                            says=[hexed(junk % (secrets.token_hex(4), i)) for i in range(50)])
            for _ in range(5):
                self.assertEqual(phone.register().status, 200)
                self.assertEqual(self.bystanders.agents[0].register().status, 200)
            flood.wait()
            self.assertGreater(self.grown("sip_guard_drops_total", "stranger"), 10000)
            self.assertLess(self.grown("sip_requests_total", method="REGISTER") - parsed, 5000)
            phone.register(expires=0)

    def test_a_trusted_peer_is_heard_in_a_flood(self):
        """Strangers take all that strangers may have: a server of sip.trusted that was never heard before has its first word read."""
        crowd = [f"127.3.{i // 100}.{1 + i % 100}" for i in range(200)]
        flood = Assault("datagrams", to=self.tcp, sources=crowd, rate=12000, count=60000,
                        says=[hexed("OPTIONS sip:127.0.0.1 SIP/2.0\r\nCall-ID: %d\r\n\r\n" % i) for i in range(50)])
        self.wait_grown("sip_guard_drops_total", "all_strangers", 500, PATIENCE_S)
        heard = 0
        for i in range(16):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
                peer.bind((f"127.4.0.{1 + i}", 0))
                peer.settimeout(1)
                peer.sendto(options("UDP", peer.getsockname()[1]).format(n=secrets.token_hex(8)).encode(), self.tcp)
                try:
                    heard += peer.recv(65536).startswith(b"SIP/2.0")
                except TimeoutError:
                    pass
        self.assertEqual(heard, 16)
        self.assertTrue(flood.running(), "or it shows nothing")
        flood.wait()

    def test_registered_victims(self):
        """A thief of one password lets all contacts be somebody else: they hear nothing, for a call goes to where
        its registration came from."""
        victims = [self.node.user_agent() for _ in range(10)]
        for victim in victims:
            self.addCleanup(victim.close)
        thief = self.phone("1010")
        for victim in victims:
            self.assertEqual(thief.register(contact=f"<sip:x@{victim.host_port}>").status, 200)
        self.assertEqual(thief.register(contact="<sip:x@127.0.0.41:9>").status, 403, "ten and no more")
        out = thief.invite("1010", self.bystanders.ends[0].sdp())
        legs = [thief.incoming() for _ in victims]
        time.sleep(1.0)
        self.assertEqual([victim.count(lambda m: True) for victim in victims], [0] * 10)
        for leg in legs:
            leg.reject(486)
        self.assertEqual(out.wait_final().status, 486)
        for contact in thief.register(expires=0, contact="*").all("Contact"):
            self.fail(contact)
        time.sleep(0.2)

    def test_long_lists_of_vias(self):
        """From everybody: no answer is longer than a datagram of reasonable size or what came."""
        with self.phone("1011") as agent:
            for count in (2, 60, 300, 1000):
                for who in (agent, self.node.user_agent()):
                    request = who.request("INVITE", "sip:1002@127.0.0.1", body=self.bystanders.ends[0].sdp())
                    mine = request.headers[0]
                    request.headers[1:1] = [("v", f"SIP/2.0/UDP 10.0.{i // 250}.{i % 250}:5060;branch=z9hG4bK{i}")
                                            for i in range(count)]
                    self.assertEqual(request.headers[0], mine)
                    if len(request.bytes()) > 65000:
                        continue
                    who.send(request)
                    response = or_none(who.take, lambda m, b=request.branch: m.branch == b and m.status >= 200, 1.0)
                    if response:        # without a word: its answer would be too long
                        self.assertGreaterEqual(response.status, 400)
                        if response.status in (401, 407):
                            self.assertEqual(len(response.all("Via")), count + 1)
                        who.send(who.ack_of_failure(request, response))
                    if who is not agent:
                        who.close()

    def test_many_vias_of_a_caller(self):
        """RFC 3261 18.2.2: an answered INVITE with as many proxies as fit is answered through all of them, or refused."""
        agent, callee = self.phone("1011"), self.phone("1012")
        self.assertEqual(callee.register().status, 200)
        for count in (30, 100, 150, 400):
            request = agent.request("INVITE", "sip:1012@127.0.0.1", body=self.bystanders.ends[0].sdp())
            request = agent.authorize(request, agent.transact(request))
            request.headers[1:1] = [("Via", f"SIP/2.0/UDP 10.0.{i // 250}.{i % 250}:5060;branch=z9hG4bK{i}")
                                    for i in range(count)]
            agent.send(request)
            final = None
            end = time.monotonic() + PATIENCE_S
            while final is None and time.monotonic() < end:
                into = or_none(callee.incoming, 0.05)
                if into:
                    into.reject(486)
                final = or_none(agent.take, lambda m, b=request.branch: m.branch == b and m.status >= 200, 0.05)
            self.assertIsNotNone(final, count)
            self.assertIn(final.status, (486, 513, 400))
            agent.send(agent.ack_of_failure(request, final))
        callee.register(expires=0)

    def test_redirections_in_a_circle(self):
        """302 from each to the next, and back: that ends, with a bounded number of INVITEs."""
        phones = [self.phone(str(1030 + i)) for i in range(3)]
        for agent in phones:
            self.assertEqual(agent.register().status, 200)
        out = phones[0].invite("1031", self.bystanders.ends[0].sdp())
        end, invites = time.monotonic() + PATIENCE_S, 0
        while out.response is None and time.monotonic() < end:
            for i, agent in enumerate(phones):
                leg = or_none(agent.incoming, 0.02)
                if leg:
                    invites += 1
                    leg.reject_to(f"<sip:{1030 + (i + 1) % 3}@127.0.0.1>")
        self.assertGreaterEqual(out.wait_final().status, 400)
        self.assertLess(invites, 20)
        for agent in phones:
            agent.register(expires=0)

    def test_forks_of_forks(self):
        """Ten phones that all send the call on to ten others each: a call has as many branches as it may, not more."""
        caller, first, second = self.phone("1040"), self.phone("1041"), self.phone("1042")
        firsts, seconds = [first], [second]
        for agents, number in ((firsts, "1041"), (seconds, "1042")):
            agents += [self.phone(number, put=False) for _ in range(9)]
            for agent in agents:
                self.assertEqual(agent.register().status, 200)
        flows = self.node.metric("tandem_media_flows")
        out = caller.invite("1041", self.bystanders.ends[0].sdp())
        legs = [agent.incoming() for agent in firsts]
        for leg in legs:
            leg.reject_to(", ".join(["<sip:1042@127.0.0.1>", "<sip:1041@127.0.0.1>"] * 10))
        time.sleep(0.5)
        self.assertLessEqual(self.node.metric("tandem_media_flows") - flows, 2 * 16)
        seen = sum(agent.count(lambda m: m.is_request and m.method == "INVITE") for agent in firsts + seconds)
        self.assertLessEqual(seen, 10 + 16 + 10)
        if out.response is None:
            out.cancel()
        for agent in seconds:
            leg = or_none(agent.incoming, 0.1)
            if leg:
                leg.ring()
                leg.wait_cancel()
        self.assertGreaterEqual(out.wait_final().status, 400)
        first.register(expires=0, contact="*")
        second.register(expires=0, contact="*")


class Refused(AbuseTest):
    """Two phones, for what an INVITE gets as its answer."""

    def invite(self, sdp):
        """The final status of an INVITE with this offer, which the callee refuses if it gets it at all."""
        request = self.caller.request("INVITE", "sip:1051@127.0.0.1", body=sdp)
        request = self.caller.authorize(request, self.caller.transact(request))
        self.caller.send(request)
        final, end = None, time.monotonic() + PATIENCE_S
        while final is None and time.monotonic() < end:
            into = or_none(self.callee.incoming, 0.03)
            if into:
                into.reject(486)
            final = or_none(self.caller.take, lambda m: m.branch == request.branch and m.status >= 200, 0.03)
        self.assertIsNotNone(final, sdp[:300])
        self.caller.send(self.caller.ack_of_failure(request, final))
        return final.status

    def phones(self, **options):
        self.caller, self.callee = self.phone("1050", **options), self.phone("1051", **options)
        self.assertEqual(self.callee.register().status, 200)
        self.addCleanup(self.callee.register, expires=0)


class Descriptions(Refused):
    """SDP."""

    def test_garbage_for_keys(self):
        """a=crypto lines that are none: refused, or offered without, and never a crash."""
        self.phones(sdes_insecure="true")
        plain = self.bystanders.ends[0].sdp()
        key = base64.b64encode(bytes(30)).decode()
        lines = ["", "1", "1 AES_CM_128_HMAC_SHA1_80", "1 AES_CM_128_HMAC_SHA1_80 inline:", "x AES_CM_128_HMAC_SHA1_80 inline:" + key,
                 "1 AES_CM_128_HMAC_SHA1_80 inline:" + key[:-2], "1 AES_CM_128_HMAC_SHA1_80 inline:" + "!" * 40,
                 "1 AES_CM_128_HMAC_SHA1_80 inline:" + key * 100, "1 NONE inline:" + key,
                 "99999999999999999999 AES_CM_128_HMAC_SHA1_80 inline:" + key, "-1 AES_CM_128_HMAC_SHA1_80 inline:" + key,
                 f"1 AES_CM_128_HMAC_SHA1_80 inline:{key}|2^99|1:4", f"1 AES_CM_128_HMAC_SHA1_80 inline:{key}|2^20|1:999999999",
                 f"1 AES_CM_128_HMAC_SHA1_80 inline:{key}|||||", f"1 AES_CM_128_HMAC_SHA1_80 inline:{key};inline:{key}",
                 f"1 AES_CM_128_HMAC_SHA1_80 inline:{key} KDR=99 UNENCRYPTED_SRTP UNAUTHENTICATED_SRTP WSH=1",
                 "1 " + "A" * 5000 + " inline:" + key]
        lines.append("\r\na=crypto:".join(f"{i} AES_CM_128_HMAC_SHA1_80 inline:{key}" for i in range(100)))
        for line in lines:
            for profile in ("RTP/SAVP", "RTP/AVP"):
                with self.subTest(line=line[:60], profile=profile):
                    sdp = plain.replace("RTP/AVP", profile) + f"a=crypto:{line}\r\n"
                    self.assertIn(self.invite(sdp), (400, 486, 488, 513))

    def test_a_hundred_lines(self):
        """More than a call may have: refused or cut, and all the ports come back."""
        self.phones()
        plain = self.bystanders.ends[0].sdp()
        audio = plain[plain.index("m=audio"):]
        for sdp in (plain + audio * 99, plain + "m=video 9 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n" * 99,
                    plain + "m=application 9 UDP/FOO x\r\n" * 200, plain + "m=audio 0 RTP/AVP 0\r\n" * 500,
                    plain.replace("m=audio", "a=" + "x" * 30000 + "\r\nm=audio"), plain + "a=rtpmap:0 x/8000\r\n" * 2000,
                    re.sub(r"(m=audio \d+ RTP/AVP).*", r"\1" + " 0" * 5000, plain)):
            with self.subTest(sdp=sdp[-50:], size=len(sdp)):
                self.assertIn(self.invite(sdp), (400, 413, 486, 488, 500, 513))


class Destinations(Refused):
    """A phone makes the node send nothing to others: its Contact, routes and SDP are its own word."""

    def pair(self):
        caller, callee = self.phone("1060"), self.phone("1061")
        for agent in (caller, callee):
            self.assertEqual(agent.register().status, 200)
            self.addCleanup(agent.register, expires=0)
        return caller, callee

    def test_a_contact_opens_no_connection(self):
        """As an open Redis would listen: no word reaches it from either side, and both phones get their BYE."""
        caller, callee = self.pair()
        with socket.create_server(("127.0.0.1", 0)) as victim:
            victim.settimeout(1.0)
            place = f"127.0.0.1:{victim.getsockname()[1]};transport=tcp"
            lines = [("Record-Route", f"<sip:{place};lr>")]
            out = caller.invite("1061", self.bystanders.ends[0].sdp(), lines)
            out.request.set("Contact", f"<sip:x@{place}>")
            into = callee.incoming()
            into.respond(200, "OK", headers=[("Contact", f"<sip:y@{place}>"), *lines], body=self.bystanders.ends[1].sdp())
            callee.take_request("ACK")
            self.assertEqual(out.wait_final().status, 200)
            caller.send(out.ack)        # the first one went where its own route says
            row = next(row for row in self.node.ctl("call.list") if row["from"] == "1060")
            self.node.ctl("call.hangup", call=row["id"])
            for agent in (caller, callee):
                agent.respond(agent.take_request("BYE"), 200, "OK")
            with self.assertRaises(socket.timeout):
                victim.accept()

    def test_media_for_somebody_else(self):
        """Its SDP names another host: that hears nothing of a phone's call, and a trickle where the extension may name it."""
        caller, callee = self.pair()
        for option, low, rate in (("signalling", 0, 0), ("sdp", 50, 50)):
            self.node.ctl("extension.put", number="1060", media_address=option)
            with self.subTest(option), self.node.media() as other, \
                    Media(self.node.ports, address="127.0.0.77") as victim:
                out = caller.invite("1061", victim.sdp(direction="recvonly"))
                into = callee.incoming()
                into.answer(other.sdp(), ack=False)
                out.wait_answer()
                other.use(into.request)
                began = time.monotonic()
                for _ in range(1000):
                    other.send(bytes(160))
                    time.sleep(0.002)
                time.sleep(0.3)
                self.assertGreaterEqual(len(victim.packets), low)
                self.assertLessEqual(len(victim.packets), rate * (1 + time.monotonic() - began))      # a second's at once
                out.bye()
                into.wait_bye()

    def test_media_for_the_node_itself(self):
        """RTP that is to go to a media port of the node would come back for ever: 488."""
        self.phones()
        row = next(row for row in self.node.ctl("call.list") if row["from"] == "1001")
        for flow in self.node.ctl("call.show", call=row["id"])["flows"]:
            host, _, port = flow["local"].rpartition(":")
            sdp = re.sub(r"m=audio \d+", f"m=audio {port}", self.bystanders.ends[0].sdp())
            self.assertEqual(self.invite(re.sub(r"c=IN IP4 \S+", f"c=IN IP4 {host}", sdp)), 488)
        self.assertGreaterEqual(self.grown("destinations_refused_total", "own_port"), 2)


class Nothing(AbuseTest):
    def test_nothing_lingers(self):
        """All those calls are over in the end."""
        end = time.monotonic() + 40
        while self.node.metric("tandem_calls") > 1 and time.monotonic() < end:
            time.sleep(0.2)
        self.assertEqual(self.node.metric("tandem_calls"), 1)
        self.assertEqual(self.node.metric("tandem_media_flows"), 2)


class Secrets(unittest.TestCase):
    """Keys of a call are on the wire and nowhere else."""

    def test_keys_are_not_written_down(self):
        with Node(settings={"log": {"level": "debug"}}, everything=True) as node:
            authority = os.path.join(node.folder, "tls", "ca.pem")
            agents = []
            for number in ("1001", "1002"):
                node.ctl("extension.put", secret="secret" + number + "\n", number=number, password="-", tls="true", srtp="true")
                agent = StreamAgent(("127.0.0.1", node.tls_port), number, "secret" + number, authority=authority)
                self.addCleanup(agent.close)
                agents.append(agent)
                self.assertEqual(agent.register().status, 200)
            keys = [Key() for _ in agents]
            with node.media() as first, node.media() as second:
                sdps = [end.sdp(extra=key.line()).replace("RTP/AVP", "RTP/SAVP")
                        for end, key in zip((first, second), keys)]
                out = agents[0].invite("1002", sdps[0])
                into = agents[1].incoming()
                into.answer(sdps[1])
                answer = out.wait_answer()
                keys += [Key.of_sdp(answer.text), Key.of_sdp(into.request.text)]
                self.assertNotIn(None, keys)
                self.assertEqual(len({key.octets for key in keys}), 4, "each its own")
                # what is not understood, in a call and outside, is no reason to show it
                for agent in agents:
                    broken = agent.request("INVITE", "sip:1002@127.0.0.1", body=sdps[0] + "m=broken\r\na=crypto:1 x\r\n")
                    self.assertGreaterEqual(agent.transact_authorized(broken)[1].status, 400)
                time.sleep(0.3)
                self.nowhere(node, keys, out.call_id)
                node.kill()
                node.restart()
                self.nowhere(node, keys, out.call_id)
                for agent in agents:
                    agent.reconnect()
                    self.assertEqual(agent.register().status, 200)
                out.bye()
            self.nowhere(node, keys, out.call_id)

    def nowhere(self, node, keys, call_id):
        """Neither in the log nor in anything the node has stored or tells, as text or as octets; all that the store
        was ever told lies in its append-only file."""
        calls = node.ctl("call.list")
        answers = [calls, *(node.ctl("call.show", call=row["id"]) for row in calls), node.http("/metrics")[1]]
        places = {f"answer {i}": repr(answer).encode() for i, answer in enumerate(answers)}
        for folder, _, names in os.walk(node.home):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        places[path] = file.read()
        found = {os.path.basename(place) for place, content in places.items() if call_id.encode() in content}
        self.assertIn("tandemd.log", found, "it would be seen")
        self.assertTrue(any(name.endswith(".aof") for name in found), found)
        for key in keys:
            for form in (base64.b64encode(key.octets), key.octets, key.octets[:16], key.octets.hex().encode(),
                         base64.b64encode(key.octets)[:20]):
                for place, content in places.items():
                    self.assertNotIn(form, content, place)


if __name__ == "__main__":
    unittest.main()

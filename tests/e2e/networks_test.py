# SPDX-License-Identifier: Apache-2.0
"""Several networks on one node: each side of a call is told that side's address only, and media crosses between them."""
import re
import signal
import socket
import threading
import time
import unittest
from urllib.parse import quote

from lib.static_nat import StaticNat
from lib.node import Node
from lib.sip import or_none, parameter
from lib.talk import Talk
from patience import PATIENCE_S
from server import ServerError

ADDRESS = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|(?<![\w:])::1(?![\w:])")
PAIRS = 20                      # of media ports, on each network


def unused_address():
    """An address that this machine has not (RFC 5737)."""
    for last in range(1, 255):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            try:
                sock.bind((f"203.0.113.{last}", 0))
            except OSError:
                return f"203.0.113.{last}"
    raise unittest.SkipTest("every address is one of this machine")


class Side:
    """One network of the node, and how a phone there sees it."""

    def __init__(self, node, name, bind, advertise=None, pairs=PAIRS):
        self.node, self.name, self.bind, self.advertise = node, name, bind, advertise or bind
        self.nat = StaticNat(self.bind, self.advertise)
        self.media_ports = node.ports.take_range(2 * pairs)
        first, last = map(int, self.media_ports.split("-"))
        self.range = range(first, last + 1)
        self.host = "::1" if ":" in bind else "127.0.0.9"       # of its phones
        self.family = 6 if ":" in bind else 4

    def setting(self):
        return {"name": self.name, "bind": self.bind, "advertise": self.advertise,
                "sip_ports": [self.node.sip_port], "media_ports": self.media_ports}

    def phone(self, number):
        return self.nat.user_agent(self.node.sip_port, number, "secret" + number, address=self.host)

    def stream_phone(self, number):
        return self.nat.stream_agent(self.node.sip_port, number, "secret" + number, address=self.host)

    def media(self):
        return self.nat.media(self.node.ports, self.host)


class NetworksTest(Talk, unittest.TestCase):
    layout = ()                 # (name, bind, advertised)

    def setUp(self):
        self.node = Node(start=False)
        self.addCleanup(self.node.close)
        self.sides = {row[0]: Side(self.node, *row) for row in self.layout}
        self.configure()
        self.node.start()

    def configure(self, settings=None):
        self.node.configure({"networks": [side.setting() for side in self.sides.values()], **(settings or {})})

    def phone(self, number, side, stream=False):
        """A registered phone on that network, with an RTP end: both in one."""
        self.node.put_extension(number, "secret" + number)
        side = self.sides[side]
        agent = side.stream_phone(number) if stream else side.phone(number)
        self.addCleanup(agent.close)
        agent.side, agent.audio = side, side.media()
        self.addCleanup(agent.audio.close)
        self.assertEqual(agent.register().status, 200)
        return agent

    def talk(self, *ends):
        """Tones both ways; all of it comes from the address and the ports that this network advertises."""
        self.tones(*ends)
        for agent in ends:
            self.assertEqual(agent.audio.remote[0], agent.side.advertise)
            self.assertIn(agent.audio.remote[1], agent.side.range)
            self.assertEqual(agent.audio.rtp.leaks, [])

    def told(self, *agents):
        """Each was told of its own host and of its network's advertised address, and of no other address at all."""
        for agent in agents:
            texts = [self.text(message) for message in list(agent.received)]
            found = {address for text in texts for address in ADDRESS.findall(text)}
            allowed = {agent.side.advertise, agent.side.host}
            self.assertLessEqual(found, allowed, [t for t in texts if set(ADDRESS.findall(t)) - allowed][:1])
            self.assertIn(agent.side.advertise, found)

    @staticmethod
    def text(message):
        """All of it; but where the extension's other phones are is listed to each (RFC 3261 10.3 8)."""
        listed = not message.is_request and message.method == "REGISTER"
        headers = [(name, value) for name, value in message.headers if not (listed and name == "Contact")]
        return type(message)(message.start, headers, message.body).bytes().decode()

    def named(self, message, side, parts=("Via", "Contact", "c=", "o=")):
        """Each of these names the advertised address, and with the network's ports."""
        shown = f"[{side.advertise}]" if side.family == 6 else side.advertise
        for part in parts:
            if part.endswith("="):
                lines = re.findall(rf"^{part}(.*)\r$", message.text, re.M)
                self.assertTrue(lines and all(line.endswith(f"IN IP{side.family} {side.advertise}") for line in lines),
                                (part, lines))
            else:
                values = message.all(part)
                self.assertTrue(values and all(f"{shown}:{side.node.sip_port}" in value for value in values),
                                (part, values))
        self.assertEqual(message.all("Record-Route"), [], "a node that ends both dialogs is no proxy")
        if message.body:
            ports = {int(port) for port in re.findall(r"^m=\w+ (\d+)", message.text, re.M)}
            self.assertLessEqual(ports, set(side.range))

    def ended(self):
        end = time.monotonic() + PATIENCE_S
        while self.node.ctl("call.list", ending=True) and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(self.node.ctl("call.list", ending=True), [])


class BehindNat(NetworksTest):
    """What a carrier's edge has: one network behind a 1:1 NAT, one inside."""
    layout = (("outside", "127.0.0.2", "127.0.0.3"), ("inside", "127.0.0.1"))

    def whole_call(self, caller, callee):
        out, into = self.call(caller, callee)
        self.named(out.provisional[-1], caller.side, ("Contact",))
        self.named(out.response, caller.side, ("Contact", "c=", "o="))
        self.named(into.request, callee.side)
        self.talk(caller, callee)
        # the other way round: the callee asks for something, then hangs up
        answer = caller.audio.sdp(version=2)
        self.assertEqual(self.reinvite(into, callee, out, answer), 200)
        self.talk(caller, callee)
        into.bye()
        self.named(out.wait_bye(), caller.side, ("Via",))
        self.ended()
        self.told(caller, callee)

    def reinvite(self, asker, agent, other, answer):
        asked = []
        waiting = threading.Thread(target=lambda: asked.append(other.wait_reinvite(answer)), daemon=True)
        waiting.start()
        response = asker.reinvite(agent.audio.sdp(version=2))
        waiting.join()
        self.named(asked[0], other.agent.side)
        self.named(response, agent.side, ("Contact", "c=", "o="))
        return response.status

    def test_from_outside(self):
        self.whole_call(self.phone("1001", "outside"), self.phone("1002", "inside"))

    def test_from_inside(self):
        self.whole_call(self.phone("1001", "inside"), self.phone("1002", "outside"))

    def test_both_outside(self):
        self.whole_call(self.phone("1001", "outside"), self.phone("1002", "outside"))

    def test_over_tcp(self):
        """Contact and Via name the advertised address of a connection's network as well."""
        caller, callee = self.phone("1001", "outside", stream=True), self.phone("1002", "outside", stream=True)
        out, into = self.call(caller, callee)
        self.assertIn("transport=tcp", into.request.get("Contact"))
        self.named(into.request, callee.side)
        self.named(out.response, caller.side, ("Contact", "c=", "o="))
        self.talk(caller, callee)
        out.bye()
        into.wait_bye()
        self.told(caller, callee)

    def test_after_a_restart(self):
        """kill -9 in the middle: the same addresses and ports, and media goes on by itself."""
        caller, callee = self.phone("1001", "outside"), self.phone("1002", "inside")
        out, into = self.call(caller, callee)
        self.talk(caller, callee)
        self.node.kill()
        self.node.restart()
        self.talk(caller, callee)
        self.assertEqual(self.reinvite(into, callee, out, caller.audio.sdp(version=2)), 200)
        out.bye()
        into.wait_bye()
        self.ended()
        out, into = self.call(callee, caller)           # the registrations were kept with their networks
        self.talk(caller, callee)
        out.bye()
        into.wait_bye()
        self.told(caller, callee)

    def test_refusals(self):
        """Nor does a refusal, a challenge or a Warning name another network's address."""
        caller, callee = self.phone("1001", "inside"), self.phone("1002", "outside")
        for agent in (caller, callee):
            for number in ("1001", "1999"):
                request = agent.request("INVITE", f"sip:{number}@{agent.server[0]}", body="v=0\r\nnothing")
                self.assertGreaterEqual(agent.transact_authorized(request)[1].status, 400)
            with_warning = agent.request("INVITE", f"sip:1002@{agent.server[0]}",
                                         body=agent.audio.sdp().replace("RTP/AVP", "UDP/FOO"))
            self.assertEqual(agent.transact_authorized(with_warning)[1].status, 488)
            self.assertEqual(agent.options().status, 200)
        self.told(caller, callee)


class TwoFamilies(NetworksTest):
    """Access is IPv4, the core is IPv6."""
    layout = (("access", "127.0.0.2"), ("core", "::1"))

    def both(self):
        return self.phone("1001", "access"), self.phone("1002", "core")

    def family(self, *agents):
        """SDP and SIP have addresses of one family only."""
        for agent in agents:
            for message in list(agent.received):
                other = 10 - agent.side.family
                self.assertNotIn(f"IN IP{other}", message.text)
        self.told(*agents)

    def test_media_crosses(self):
        for order in (1, -1):
            with self.subTest(order=order):
                ends = self.both()[::order]
                out, into = self.call(*ends)
                self.named(out.response, ends[0].side, ("Contact", "c=", "o="))
                self.named(into.request, ends[1].side)
                self.talk(*ends)
                for key in "15#":
                    ends[0].audio.digit(key)
                self.assertEqual(ends[1].audio.wait_digits("15#"), "15#")
                out.bye()
                into.wait_bye()
                self.ended()
                self.family(*ends)
                for end in ends:
                    end.register(expires=0)

    def test_rtcp_crosses(self):
        """Reports go the same way as the media, one port up."""
        a, b = self.both()
        out, into = self.call(a, b)
        for source, sink in ((a, b), (b, a)):
            source.audio.start(440)
            sink.audio.wait_packets(20)
            report = bytes([0x80, 200, 0, 6]) + source.audio.ssrc.to_bytes(4, "big") + bytes(20)
            source.audio.rtcp.sendto(report, (source.audio.remote[0], source.audio.remote[1] + 1))
            end = time.monotonic() + PATIENCE_S
            while not sink.audio.rtcp_packets and time.monotonic() < end:
                time.sleep(0.02)
            source.audio.stop()
            self.assertEqual({place[0] for _, place, _ in sink.audio.rtcp_packets}, {sink.side.advertise})
        out.bye()
        into.wait_bye()

    def test_after_a_restart(self):
        ends = self.both()
        out, into = self.call(*ends)
        self.talk(*ends)
        self.node.kill()
        self.node.restart()
        self.talk(*ends)
        out.bye()
        into.wait_bye()
        self.ended()
        self.family(*ends)

    def test_one_extension_in_both(self):
        """Phones of one extension on two networks ring together, each with its own addresses."""
        caller, first = self.both()
        second = self.phone("1002", "access")
        out = caller.invite("1002", caller.audio.sdp())
        legs = first.incoming(), second.incoming()
        for leg in legs:
            leg.ring()
            self.named(leg.request, leg.agent.side)
        legs[0].answer(first.audio.sdp())
        legs[1].wait_cancel()
        caller.audio.use(out.wait_answer())
        first.audio.use(legs[0].request)
        self.talk(caller, first)
        out.bye()
        legs[0].wait_bye()
        self.ended()
        self.family(caller, first, second)


class ThreeNetworks(NetworksTest):
    layout = (("left", "127.0.0.2", "127.0.0.3"), ("middle", "127.0.0.4", "127.0.0.5"), ("right", "::1"))

    def phones(self):
        return [self.phone(str(1001 + i), name) for i, name in enumerate(self.sides)]

    def test_everybody_calls_everybody(self):
        phones = self.phones()
        for caller in phones:
            for callee in phones:
                if caller is callee:
                    continue
                with self.subTest(caller=caller.side.name, callee=callee.side.name):
                    out, into = self.call(caller, callee)
                    self.named(into.request, callee.side)
                    self.named(out.response, caller.side, ("Contact", "c=", "o="))
                    self.talk(caller, callee)
                    out.bye()
                    into.wait_bye()
        self.ended()
        self.told(*phones)

    def test_all_at_once_over_a_restart(self):
        """One call on each pair of networks; none notices the others nor kill -9."""
        first, second = self.phones(), [self.phone(str(1011 + i), name) for i, name in enumerate(self.sides)]
        pairs = list(zip(first, second[1:] + second[:1]))
        calls = [self.call(*pair) for pair in pairs]
        for pair in pairs:
            self.talk(*pair)
        self.node.kill()
        self.node.restart()
        self.assertEqual(len(self.node.ctl("call.list")), 3)
        for pair, (out, into) in zip(pairs, calls):
            self.talk(*pair)
            into.bye()
            out.wait_bye()
        self.ended()
        self.told(*first, *second)

    def test_a_move(self):
        """A phone that registers from another network is called there, and in the old one no more."""
        caller, moving = self.phone("1001", "left"), self.phone("1002", "middle")
        self.assertEqual(moving.register(expires=0).status, 200)
        moved = self.phone("1002", "right")
        out, into = self.call(caller, moved)
        self.talk(caller, moved)
        out.bye()
        into.wait_bye()
        self.assertEqual(moving.count(lambda m: m.is_request and m.method == "INVITE"), 0)
        self.told(caller, moved)


class Ports(NetworksTest):
    layout = (("small", "127.0.0.2", None, 2), ("large", "127.0.0.1"))

    def test_a_full_network_is_its_own_trouble(self):
        """Two pairs are two legs: a third is 503 there, and the other network's calls go on."""
        small = [self.phone(str(1001 + i), "small") for i in range(3)]
        large = [self.phone(str(1011 + i), "large") for i in range(2)]
        out, into = self.call(small[0], small[1])
        self.assertEqual({small[0].audio.remote[1], small[1].audio.remote[1]}, set(small[0].side.range[::2]))
        for caller, callee in ((small[2], large[0]), (large[0], small[2])):
            final = caller.invite(callee.number, caller.audio.sdp()).wait_final()
            self.assertEqual(final.status, 503)
        second = self.call(large[0], large[1])
        self.talk(*large)
        self.talk(small[0], small[1])
        for dialog, other in ((out, into), second):
            dialog.bye()
            other.wait_bye()
        self.ended()
        self.told(*small, *large)


class Changes(NetworksTest):
    layout = (("access", "127.0.0.2"), ("core", "::1"))

    def test_networks_in_another_order(self):
        """After a restart with a network more, in front: registered phones are called where they are."""
        caller, callee = self.phone("1001", "access"), self.phone("1002", "core")
        out, into = self.call(caller, callee)
        self.node.stop()
        self.sides = {"new": Side(self.node, "new", "127.0.0.4"), **self.sides}
        self.configure()
        self.node.start()
        self.talk(caller, callee)
        out.bye()
        into.wait_bye()
        self.ended()
        out, into = self.call(caller, callee)
        self.talk(caller, callee)
        out.bye()
        into.wait_bye()
        self.told(caller, callee)

    def test_a_network_that_is_gone(self):
        """Who registered there is not reached; nothing else is disturbed, and no call is left over."""
        caller, callee = self.phone("1001", "access"), self.phone("1002", "core")
        out, _ = self.call(caller, callee)
        self.node.stop()
        del self.sides["core"]
        self.configure()
        self.node.start()
        self.assertGreaterEqual(caller.invite("1002", caller.audio.sdp()).wait_final(40).status, 400)
        status = out.transact(out.in_dialog("BYE")).status
        self.assertIn(status, (200, 481))
        self.ended()

    def test_a_reload_names_what_needs_a_restart(self):
        self.sides["access"].advertise = "127.0.0.7"
        self.configure()
        self.node.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + PATIENCE_S
        while "need a restart" not in self.node.log_text() and time.monotonic() < end:
            time.sleep(0.05)
        self.assertRegex(self.node.log_text(), r"need a restart.*networks")
        self.sides["access"].advertise = "127.0.0.2"
        caller, callee = self.phone("1001", "access"), self.phone("1002", "access")
        out, into = self.call(caller, callee)
        self.talk(caller, callee)
        out.bye()
        into.wait_bye()


class Wrong(unittest.TestCase):
    def refused(self, change, *words):
        node = Node(start=False)
        self.addCleanup(node.close, check=False)
        network = {"name": "main", "bind": "127.0.0.1", "sip_ports": [node.sip_port], "media_ports": node.media_ports}
        networks = [network, {**network, "name": "other", "bind": "127.0.0.2", **change}]
        node.configure({"networks": networks})
        with self.assertRaises(ServerError) as caught:
            node.start()
        with open(node.config, encoding="utf-8") as file:
            lines = file.read().splitlines()
        for word in ("ended with 2", *words):
            self.assertIn(word, str(caught.exception))
        key, value = next(iter(change.items()))
        line = next(i for i, text in enumerate(lines, 1) if f'"{key}": "{value}"' in text)
        self.assertRegex(str(caught.exception), rf"tandem\.yaml:{line}:\d+")

    def test_an_address_of_another_machine(self):
        address = unused_address()
        self.refused({"bind": address}, "networks[1].bind", address, "no address of this machine")

    def test_an_ipv6_address_of_another_machine(self):
        self.refused({"bind": "2001:db8::7"}, "networks[1].bind", "2001:db8::7", "no address of this machine")

    def test_advertise_of_the_other_family(self):
        self.refused({"advertise": "::1"}, "networks[1].advertise", "family")


class OfShards(NetworksTest):
    """A shard for each network, one of which is behind a 1:1 NAT."""
    layout = (("outside", "127.0.0.2", "127.0.0.3"), ("inside", "127.0.0.1"))
    shards = {"outside": 1, "inside": 2}

    def configure(self, settings=None):
        networks = [{**side.setting(), "shard": self.shards[name]} for name, side in self.sides.items()]
        self.node.configure({"networks": networks, "node": {"shards": [2]}})

    def shard(self, side):
        """It has a call: an id begins with 16 bits of the shard."""
        self.assertIn(self.shards[side], {int(row["id"], 32) >> 48 for row in self.node.ctl("call.list")})

    def answered_again(self, dialogs):
        """Whoever is asked again says what it has, until they hear each other."""
        end = time.monotonic() + PATIENCE_S
        while any(abs(dialog.agent.audio.heard()[0] - hertz) > 3 for dialog, hertz in dialogs):
            self.assertLess(time.monotonic(), end)
            for dialog, _ in dialogs:
                or_none(dialog.wait_reinvite, dialog.agent.audio.sdp(version=2), 0.05)

    def test_calls_and_a_transfer(self):
        """Phones of either call each other; whom one of them has outside it gives to whom it has inside."""
        caller, second, third = self.phone("1001", "outside"), self.phone("1002", "inside"), self.phone("1003", "inside")
        out, into = self.call(second, caller)
        self.shard("inside")
        self.talk(second, caller)
        out.bye()
        into.wait_bye()
        self.ended()
        out, into = self.call(caller, second)
        self.shard("outside")
        self.talk(caller, second)
        asks, asked = self.call(second, third)
        self.shard("inside")
        tags = f"to-tag={parameter(asks.remote, 'tag')};from-tag={parameter(asks.local, 'tag')}"
        target = f"<sip:1003@127.0.0.1?Replaces={quote(f'{asks.call_id};{tags}', safe='')}>"
        self.assertEqual(into.transact(into.in_dialog("REFER", [("Refer-To", target), ("Refer-Sub", "false")])).status, 202)
        caller.audio.start(440)
        third.audio.start(880)
        self.answered_again(((out, 880), (asked, 440)))
        caller.audio.stop()
        third.audio.stop()
        asks.wait_bye()
        into.wait_bye()
        self.talk(caller, third)
        self.told(caller, third)
        asked.bye()
        out.wait_bye()
        self.ended()


if __name__ == "__main__":
    unittest.main()

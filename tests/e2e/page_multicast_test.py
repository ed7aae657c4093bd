# SPDX-License-Identifier: Apache-2.0
"""Pages by multicast, both ways: by Polycom's packets and by RTP (PAGE-01, PAGE-08). Nodes at one end of a wire, phones that listen and page at the other."""
import collections
import json
import os
import socket
import struct
import threading
import time
import unittest

from directory_test import Pair
from lib.codec import G722 as Wide, PCMA, PCMU

from lib.node import Node
from lib.sip import or_none
from lib.wire import CLONE_NEWNET, LIBC, Wire
from music_test import wav
from patience import until
from server import ServerError
from tandem_client import Refused

LONG = 100                      # s
NEAR, FAR = "10.77.0.2", "10.77.0.1"
POLYCOM, RTP = ("224.0.1.116", 5001), ("239.1.2.3", 5004)
ALERT, SOUND, END = 0x0f, 0x10, 0xff
SPOKEN, PAGED = 620, 1400           # Hz
IP_RECVTTL = 12
G722 = Wide()
SERIAL = 0x00f21234                 # of a phone
Datagram = collections.namedtuple("Datagram", "at data ttl")
Frame = collections.namedtuple("Frame", "payload seq ts ssrc pt at")


class Far:
    """A socket in a group at the far end of the wire; what comes there."""

    def __init__(self, wire, group):
        self.group, self.datagrams = group, []
        opens = threading.Thread(target=self._open, args=(wire,))
        opens.start()
        opens.join()
        threading.Thread(target=self._read, daemon=True).start()

    def _open(self, wire):
        fd = os.open(wire._namespace, os.O_RDONLY)
        LIBC.setns(fd, CLONE_NEWNET)
        os.close(fd)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        self.sock.bind(self.group)
        self.sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(self.group[0]) + socket.inet_aton(FAR))
        self.sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(FAR))
        self.sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)

    def _read(self):
        while True:
            try:
                data, more, _, _ = self.sock.recvmsg(2048, 64)
            except OSError:
                return
            self.datagrams.append(Datagram(time.monotonic(), data, struct.unpack("i", more[0][2])[0]))

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.sock.sendto(data, self.group)

    def clear(self):
        self.datagrams.clear()


class Packet:
    """One of Polycom's, as the Engineering Advisory has it, read by hand."""

    def __init__(self, data):
        self.op, self.channel, self.serial, length, caller = struct.unpack_from("!BBIB13s", data)
        assert length == 13, data
        self.caller, self.frames = caller.rstrip(b"\0").decode(), []
        if self.op == SOUND:
            self.codec, self.flags, self.sample = struct.unpack_from("!BBI", data, 20)
            self.frames = [data[at:at + 160] for at in range(26, len(data), 160)]


def head(op, channel, serial=SERIAL):
    return struct.pack("!BBIB13s", op, channel, serial, 13, b"Front desk")


class Speaker:
    """A Polycom phone that pages a channel, or another one that pages by RTP."""

    def __init__(self, far, channel=0, codec=0, serial=SERIAL, lose=()):
        self.far, self.channel, self.codec, self.serial, self.lose, self.stop = far, channel, codec, serial, lose, threading.Event()
        self.frames = 0
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        frames = {0: PCMU, 8: PCMA, 9: G722}[self.codec].frames(PAGED)
        if self.channel:
            for _ in range(31):
                self.far.send(head(ALERT, self.channel, self.serial))
                time.sleep(0.03)
        due, n, before = time.monotonic(), 0, b""
        while not self.stop.wait(max(0.0, due - time.monotonic())):
            frame = frames[n % len(frames)]
            sound = struct.pack("!BBI", self.codec, 0, 160 * n) + before + frame
            rtp = struct.pack("!BBHII", 0x80, self.codec, n & 0xffff, 160 * n, self.serial) + frame
            if not self.lose or n % self.lose:
                self.far.send(head(SOUND, self.channel, self.serial) + sound if self.channel else rtp)
            before, due, n = frame, due + 0.02, n + 1
            self.frames = n

    def end(self, says=True):
        self.stop.set()
        self.thread.join()
        for _ in range(12 if says and self.channel else 0):
            self.far.send(head(END, self.channel, self.serial))
            time.sleep(0.03)


class Multicast(unittest.TestCase):
    """One node, on loopback for SIP, and on the wire for multicast."""
    @classmethod
    def settings(cls, node):
        own = {"sip_ports": [node.sip_port], "media_ports": node.media_ports}
        return {"networks": [{"name": "main", "bind": "127.0.0.1", "advertise": "127.0.0.1", "sip_ports": [node.sip_port, node.sip_port_2],
                              "media_ports": node.media_ports}, {"name": "floor", "bind": NEAR, **own}]}

    @classmethod
    def setUpClass(cls):
        cls.wire = cls.enterClassContext(Wire())
        cls.node = cls.enterClassContext(Node(start=False))
        cls.node.configure(cls.settings(cls.node))
        cls.node.start()
        cls.polycom, cls.rtp = (cls.enterClassContext(Far(cls.wire, group)) for group in (POLYCOM, RTP))
        cls.phones = {}
        for number in ("1001", "1011", "1012"):
            cls.node.put_extension(number, "secret" + number)
            phone = cls.phones[number] = cls.enterClassContext(cls.node.user_agent(number, "secret" + number))
            phone.audio = cls.enterClassContext(cls.node.media())
            assert phone.register().status == 200
        cls.allows()
        cls.puts()
        cls.node.ctl("number.put", number="700", to="page:hall")

    @classmethod
    def allows(cls, **fields):
        return cls.node.ctl("tenant.put", name="default", **{"multicast_addresses": "224.0.1.116,239.1.2.0/24", "multicast_networks": "main,floor",
                                                             "multicast_ttl": 3} | fields)

    @classmethod
    def puts(cls, **fields):
        return cls.node.ctl("page.put", name="hall", **{
            "members": "1011,1012", "priority": "normal", "channel": 6, "multicast": "224.0.1.116:5001", "multicast_rtp": "239.1.2.3:5004",
            "multicast_network": "floor", "multicast_ttl": 3, "multicast_codec": "pcmu", "first_name": "Shop", "last_name": "floor"} | fields)

    def setUp(self):
        self.puts()
        for far in (self.polycom, self.rtp):
            far.clear()
        self.addCleanup(self.quiet)

    def quiet(self):
        for phone in self.phones.values():
            phone.audio.stop()
        for row in self.node.ctl("call.list"):
            try:
                self.node.ctl("call.hangup", call=row["id"])
            except (Refused, ServerError):
                pass
        until(lambda: not self.node.ctl("call.list"))
        time.sleep(1.2)         # another page begins only where nobody of the cluster was heard for a second

    def pages(self):
        phone = self.phones["1001"]
        out = phone.invite("700", phone.audio.sdp())
        answer = out.wait_answer()
        self.assertEqual(answer.status, 200)
        phone.audio.use(answer)
        phone.audio.start(SPOKEN)
        return out

    def answers(self, number):
        phone = self.phones[number]
        incoming = phone.incoming()
        self.assertIn("info=alert-autoanswer", incoming.request.get("Alert-Info"))
        phone.audio.use(incoming.request)
        incoming.answer(phone.audio.sdp())
        return incoming

    def packets(self):
        return [Packet(one.data) for one in list(self.polycom.datagrams)]

    def sounds(self):
        return [packet for packet in self.packets() if packet.op == SOUND]

    def is_tone(self, frames, hertz, codec=PCMU):
        """The last 0.4 s of them are that tone."""
        audio, was = self.phones["1001"].audio, self.phones["1001"].audio.codec
        audio.codec = codec
        try:
            return len(frames) >= 20 and audio.share([Frame(frame, n, 160 * n, 1, 0, 0.02 * n) for n, frame in enumerate(frames[-20:])], hertz) > 0.8
        finally:
            audio.codec = was

    def test_out(self):
        """A page is alerted, heard at both addresses and by SIP, and ended; each packet is as PAGE-01 has it."""
        out = self.pages()
        heard = [self.answers(number) for number in ("1011", "1012")]
        self.phones["1011"].audio.wait_tone(SPOKEN, anew=True)
        until(lambda: self.is_tone([packet.frames[-1] for packet in self.sounds()], SPOKEN))
        until(lambda: self.is_tone([one.data[12:] for one in self.rtp.datagrams], SPOKEN))
        out.bye()
        for one in heard:
            one.wait_bye()
        until(lambda: sum(packet.op == END for packet in self.packets()) == 12)
        time.sleep(0.2)
        packets = self.packets()
        self.assertEqual([packet.op for packet in packets], [ALERT] * 31 + [SOUND] * (len(packets) - 43) + [END] * 12)
        self.assertEqual({(packet.channel, packet.caller) for packet in packets}, {(31, "Shop floor")})
        self.assertEqual(len({packet.serial for packet in packets}), 1)
        sounds = self.sounds()
        self.assertEqual([len(packet.frames) for packet in sounds], [1] + [2] * (len(sounds) - 1))
        for one, other in zip(sounds, sounds[1:]):
            self.assertEqual((other.frames[0], other.sample), (one.frames[-1], one.sample + 160))
        self.assertEqual({one.ttl for one in self.polycom.datagrams + self.rtp.datagrams}, {3})
        at = [one.at for one in self.polycom.datagrams]
        self.assertGreater(at[30] - at[0], 0.85)        # 30 ms apart
        rtp = [struct.unpack_from("!BBHII", one.data) for one in self.rtp.datagrams]
        self.assertEqual({(first, pt & 0x7f, len(one.data)) for (first, pt, *_), one in zip(rtp, self.rtp.datagrams)}, {(0x80, 0, 172)})
        self.assertEqual([head[2] for head in rtp], list(range(rtp[0][2], rtp[0][2] + len(rtp))))

    def test_by_command(self):
        """PAGE-01: a sound that is played by command leaves as the page of a caller does."""
        wav(os.path.join(self.node.folder, "sounds", "default", "gong.wav"), SPOKEN, seconds=2)
        self.assertEqual(self.node.ctl("page.play", name="hall", file="gong.wav")["rung"], 2)
        heard = [self.answers(number) for number in ("1011", "1012")]
        until(lambda: self.is_tone([packet.frames[-1] for packet in self.sounds()], SPOKEN))
        until(lambda: self.is_tone([one.data[12:] for one in self.rtp.datagrams], SPOKEN))
        for one in heard:
            one.wait_bye()
        until(lambda: sum(packet.op == END for packet in self.packets()) == 12)
        packets = self.packets()
        self.assertEqual([packet.op for packet in packets], [ALERT] * 31 + [SOUND] * (len(packets) - 43) + [END] * 12)
        self.assertEqual({(packet.channel, packet.caller) for packet in packets}, {(31, "Shop floor")})

    def test_wide(self):
        """G.722, where the group says so; it is a conference of 16 kHz then."""
        self.puts(multicast_codec="g722")
        out = self.pages()
        heard = [self.answers(number) for number in ("1011", "1012")]
        until(lambda: self.is_tone([packet.frames[-1] for packet in self.sounds()], SPOKEN, G722))
        self.assertEqual({packet.codec for packet in self.sounds()}, {9})
        out.bye()
        for one in heard:
            one.wait_bye()

    def hears(self, *numbers):
        heard = [self.answers(number) for number in numbers]
        for number in numbers:
            self.phones[number].audio.wait_tone(PAGED, anew=True)
        return heard

    def test_in(self):
        """Members hear a page that a Polycom phone sends, in either codec, with each seventh packet lost, until its end; and so do phones at the RTP address."""
        for codec in (0, 9):
            speaker = Speaker(self.polycom, channel=31, codec=codec, lose=7)
            heard = self.hears("1011", "1012")
            was, sent = len(self.rtp.datagrams), speaker.frames
            until(lambda: speaker.frames >= sent + 140)
            self.assertAlmostEqual(len(self.rtp.datagrams) - was, speaker.frames - sent, delta=5)      # what was lost came with the next packet
            until(lambda of=G722 if codec else PCMU: self.is_tone([one.data[12:] for one in self.rtp.datagrams], PAGED, of))
            speaker.end()
            for one in heard:
                one.wait_bye()
            self.assertEqual(self.packets(), [])        # nothing is sent back there
            until(lambda: not self.node.ctl("conference.list"))
            time.sleep(1.2)
            self.rtp.clear()

    def test_in_by_rtp(self):
        """Likewise by RTP, also from PCMA, which Polycom phones have not; they are alerted, and hear PCMU. It ends when nothing comes any more."""
        for codec in (0, 8):
            speaker = Speaker(self.rtp, codec=codec)
            heard = self.hears("1011", "1012")
            until(lambda: self.is_tone([packet.frames[-1] for packet in self.sounds()], PAGED))
            self.assertEqual((self.packets()[0].op, {packet.codec for packet in self.sounds()}), (ALERT, {0}))
            speaker.end()
            for one in heard:
                one.wait_bye()
            until(lambda: sum(packet.op == END for packet in self.packets()) == 12)
            until(lambda: not self.node.ctl("conference.list"))
            time.sleep(3)       # the next one of the group begins so late
            self.polycom.clear()

    def test_nobody_answers(self):
        """Phones at the other address hear a page while the members' phones ring; these ring no more when it is over."""
        for far, other, channel in ((self.polycom, self.rtp, 31), (self.rtp, self.polycom, 0)):
            speaker = Speaker(far, channel=channel)
            rings = [self.phones[number].incoming() for number in ("1011", "1012")]
            for one in rings:
                one.ring()
            until(lambda: self.is_tone([one.data[12:] for one in other.datagrams] if channel else [packet.frames[-1] for packet in self.sounds()], PAGED))
            speaker.end()
            for one in rings:
                one.wait_cancel()
            until(lambda: not self.node.ctl("conference.list"))
            if not channel:
                until(lambda: self.packets()[-1].op == END)
            time.sleep(3)
            for one in (far, other):
                one.clear()

    def test_flood(self):
        """Who sends beginnings and ends without pause puts no page off, and begins one in 3 s at most, which is over at once; then all is as before."""
        stop = threading.Event()

        def floods():
            serial = SERIAL
            while not stop.wait(0.002):
                serial += 1
                for op in (ALERT, END):
                    self.polycom.send(head(op, 31, serial))

        def begun():
            return self.node.log_text().count("a phone pages a group") - before
        before = self.node.log_text().count("a phone pages a group")
        flood = threading.Thread(target=floods, daemon=True)
        flood.start()
        try:
            time.sleep(8)
            self.assertIn(begun(), (1, 2, 3))
        finally:
            stop.set()
            flood.join()
        until(lambda: not self.node.ctl("conference.list"))
        time.sleep(3)
        for number in ("1011", "1012"):         # one of those may have rung for an instant
            or_none(self.phones[number].incoming, 0.5)
        speaker = Speaker(self.polycom, channel=31)
        heard = self.hears("1011", "1012")
        speaker.end()
        for one in heard:
            one.wait_bye()

    def test_overtaken(self):
        """A phone that begins to page, and says no more, disturbs no page that a caller begins then."""
        self.polycom.send(head(ALERT, 31))
        out = self.pages()
        heard = [self.answers(number) for number in ("1011", "1012")]
        time.sleep(4)           # a phone's page is over after 3 s
        self.polycom.clear()
        until(lambda: self.is_tone([packet.frames[-1] for packet in self.sounds()], SPOKEN))
        self.phones["1011"].audio.wait_tone(SPOKEN, anew=True)
        out.bye()
        for one in heard:
            one.wait_bye()

    def test_whose(self):
        """Another channel's page rings nobody, nor does a second speaker sound while one does, nor a phone while the group is paged here."""
        other = Speaker(self.polycom, channel=32)
        self.assertIsNone(or_none(self.phones["1011"].incoming, 1.5))
        other.end()
        out = self.pages()
        heard = [self.answers(number) for number in ("1011", "1012")]
        second = Speaker(self.polycom, channel=31)
        time.sleep(1.5)
        self.phones["1011"].audio.wait_tone(SPOKEN, anew=True)
        second.end()
        out.bye()
        for one in heard:
            one.wait_bye()

    def test_deleted(self):
        """Without its group a phone's page is over."""
        speaker = Speaker(self.polycom, channel=31)
        heard = self.hears("1011", "1012")
        self.node.ctl("page.delete", name="hall", force=True)
        for one in heard:
            one.wait_bye()
        speaker.end()

    def test_killed(self):
        """A page to phones, and one of a phone, go on in the next process."""
        out = self.pages()
        heard = [self.answers(number) for number in ("1011", "1012")]
        until(lambda: self.is_tone([packet.frames[-1] for packet in self.sounds()], SPOKEN))
        until(lambda: all(call["saved"] for call in self.node.ctl("call.list")))
        self.node.kill()
        self.node.restart()
        self.polycom.clear()
        until(lambda: self.is_tone([packet.frames[-1] for packet in self.sounds()], SPOKEN))
        out.bye()
        for one in heard:
            one.wait_bye()
        time.sleep(1.5)
        speaker = Speaker(self.polycom, channel=31)
        heard = self.hears("1011", "1012")
        until(lambda: all(call["saved"] for call in self.node.ctl("call.list")))
        self.node.kill()
        self.node.restart()
        self.phones["1011"].audio.wait_tone(PAGED, anew=True)
        speaker.end()
        for one in heard:
            one.wait_bye()

    def test_refused(self):
        """What a group does not take, and a network without multicast, which says so."""
        self.addCleanup(self.node.ctl, "page.delete", name="yard", force=True)
        self.addCleanup(self.node.ctl, "tenant.delete", name="acme", force=True)
        self.node.ctl("tenant.put", name="acme", multicast_addresses="224.0.0.0/4")
        for wrong in ({"multicast": "10.1.2.3:5001"}, {"multicast": "224.0.1.116"}, {"multicast": "[ff02::1]:5001"}, {"multicast_ttl": 256}, {"channel": 0},
                      {"multicast_rtp": "224.0.1.116:5001"}):
            with self.assertRaises((Refused, ServerError), msg=wrong):
                self.puts(**wrong)
        for wrong, words in (({"multicast": "239.1.3.1:5001"}, "multicast_addresses"), ({"multicast_rtp": "239.1.3.1:5001"}, "multicast_addresses"),
                             ({"multicast_ttl": 4}, "multicast_ttl"), ({"multicast_network": "other"}, "multicast_networks")):
            with self.assertRaisesRegex((Refused, ServerError), words):
                self.puts(**wrong)
        self.assertEqual(self.node.ctl("page.get", name="hall")["multicast_state"], "on")
        for field, tenant, words in (("multicast_rtp", "default", "another paging group"), ("multicast", "acme", "another tenant"),
                                     ("multicast_rtp", "acme", "another tenant")):
            where = "239.1.2.3:5004" if field == "multicast_rtp" else "224.0.1.116:5001"
            with self.assertRaisesRegex((Refused, ServerError), words):
                self.node.ctl("page.put", name="yard", tenant=tenant, channel=7, **{field: where})
        self.puts(multicast="")         # phones have the address of their makers then
        with self.assertRaisesRegex((Refused, ServerError), "another tenant"):
            self.node.ctl("page.put", name="yard", tenant="acme", channel=7, multicast="224.0.1.116:5001")
        self.node.ctl("page.put", name="yard", tenant="acme", channel=7)         # so have those of a tenant elsewhere
        self.node.ctl("page.delete", name="yard", tenant="acme", force=True)
        self.puts()
        made = self.node.ctl("page.put", name="yard", channel=7, multicast="224.0.1.116:5001", multicast_network="main")     # one address, another channel
        self.assertIn("no multicast", str(made.get("multicast_state")), made)
        self.assertIn("no multicast", self.node.ctl("page.get", name="yard")["multicast_state"])
        self.assertIn("has no multicast at this node", self.node.log_text())
        self.assertEqual(self.node.metric("tandem_page_multicast_groups"), 1)
        until(lambda: "no_multicast" in self.health()["reasons"], self.health)
        self.assertRegex(self.health()["details"]["no_multicast"], "^tenant default, group yard: the interface .* has no multicast: name another network .*page.put")
        for words in [row["reason"] for row in self.node.ctl("lint") if row["place"] == "page yard"], made["warnings"]:
            self.assertTrue([text for text in words if "no multicast" in text and "ip link set DEVICE multicast on" in text], words)
        self.addCleanup(self.puts)
        self.addCleanup(self.allows)
        self.allows(multicast_addresses="224.0.1.116")          # what the operator takes back is left
        until(lambda: "multicast_addresses" in self.node.ctl("page.get", name="hall")["multicast_state"])
        self.assertEqual(self.node.metric("tandem_page_multicast_groups"), 0)
        self.allows()
        self.puts()
        self.node.ctl("page.put", name="yard", multicast_network="floor")
        until(lambda: "no_multicast" not in self.health()["reasons"], self.health)
        self.assertFalse([row for row in self.node.ctl("lint") if row["place"] == "page yard" and "multicast:" in row["reason"]])

    def health(self):
        status, text = self.node.http("/healthz")
        self.assertEqual(status, 200, text)        # calls go on
        return json.loads(text)


class MulticastOfNodes(Pair):
    """Two nodes of a cluster on one wire, with a Redis apart."""
    @classmethod
    def settings(cls, name, shard):
        return super().settings(name, shard) | {"cluster": {"listen": f"127.0.0.{16 + shard}:7946", "shards": [1, 2]}}

    @classmethod
    def setUpClass(cls):
        cls.wire = cls.enterClassContext(Wire(near=("10.77.0.2/24", "10.77.0.3/24")))
        super().setUpClass()
        for node, address in ((cls.a, "10.77.0.2"), (cls.b, "10.77.0.3")):      # one network more each
            with open(node.config, encoding="utf-8") as file:
                settings = json.load(file)
            settings["networks"].append({"name": "floor", "bind": address, "sip_ports": [node.sip_port], "media_ports": node.media_ports})
            with open(node.config, "w", encoding="utf-8") as file:
                json.dump(settings, file)
            node.kill()
            node.restart()
        until(lambda: all(node.metric("tandem_cluster_nodes", state="heard") == 1 for node in (cls.a, cls.b)))
        cls.polycom = cls.enterClassContext(Far(cls.wire, POLYCOM))
        cls.ends = {}
        for number, node in (("1001", cls.b), ("1011", cls.a), ("1012", cls.b)):
            cls.a.put_extension(number, "secret" + number)
            until(lambda at=node, number=number: any(row["number"] == number for row in at.ctl("extension.list")))
            cls.ends[number] = cls.enterClassContext(node.user_agent(number, "secret" + number)), cls.enterClassContext(node.media())
            assert cls.ends[number][0].register().status == 200
        cls.a.ctl("tenant.put", name="default", multicast_addresses="224.0.1.116", multicast_networks="floor")
        cls.a.ctl("page.put", name="hall", members="1011,1012", priority="emergency", channel=6,
                  multicast="224.0.1.116:5001", multicast_network="floor")      # that a member has a call is no reason
        cls.a.ctl("number.put", number="700", to="page:hall")
        until(lambda: cls.b.ctl("number.list") and [row for row in cls.b.ctl("page.list") if row["channel"] == 6])

    def hear(self, hertz):
        """Each is rung once, and hears it."""
        heard = []
        for number in ("1011", "1012"):
            phone, audio = self.ends[number]
            incoming = phone.incoming()
            audio.use(incoming.request)
            incoming.answer(audio.sdp())
            audio.wait_tone(hertz, anew=True)
            heard.append(incoming)
        for number in ("1011", "1012"):
            self.assertIsNone(or_none(self.ends[number][0].incoming, 1), number)
        return heard

    def test_one_bridges(self):
        """A phone's page is begun by one of the nodes, and members of both hear it; a page at one is none for the other, which hears it, too."""
        speaker = Speaker(self.polycom, channel=31)
        heard = self.hear(PAGED)
        speaker.end()
        for one in heard:
            one.wait_bye()
        time.sleep(1.2)
        phone, audio = self.ends["1001"]
        out = phone.invite("700", audio.sdp())
        audio.use(out.wait_answer())
        audio.start(SPOKEN)
        heard = self.hear(SPOKEN)
        until(lambda: any(Packet(one.data).op == SOUND for one in list(self.polycom.datagrams)))
        self.assertEqual(len(self.a.ctl("conference.list") + self.b.ctl("conference.list")), 1)
        audio.stop()
        out.bye()
        for one in heard:
            one.wait_bye()

    def test_while_one_drains(self):
        """A node that takes no calls begins no page of a phone: the other one does."""
        self.addCleanup(time.sleep, 3)      # the other node hears so late whether this one takes calls
        self.a.ctl("node.drain", node="a")
        self.addCleanup(self.a.ctl, "node.undrain", node="a")
        time.sleep(3)
        began = [node.log_text().count("a phone pages a group") for node in (self.a, self.b)]
        speaker = Speaker(self.polycom, channel=31)
        heard = self.hear(PAGED)
        self.assertEqual([node.log_text().count("a phone pages a group") for node in (self.a, self.b)], [began[0], began[1] + 1])
        speaker.end()
        for one in heard:
            one.wait_bye()


if __name__ == "__main__":
    unittest.main()

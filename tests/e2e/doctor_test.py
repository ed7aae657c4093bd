# SPDX-License-Identifier: Apache-2.0
"""tandemctl doctor names what is wrong with a call: one call for each fault, all at once, and the cause within 5 s."""
import os
import struct
import subprocess
import threading
import time
import unittest

from application_test import ApplicationTest
from lib import place
from lib.dtls import Certificate, wrong_fingerprint
from lib.media import FRAME, RATE, udp_socket
from lib.node import Node, build_folder
from lib.place import OTHERS, PARTY, STRANGER
from lib.sip import SipError
from lib.srtp import Key
from lib.webrtc import WebRtc
from patience import slowness, until
from server import ServerError

LIMIT = 5.0                     # seconds from the fault's beginning to its name
CONSENT_S = 30                  # RFC 7675 5.1
HURRY = 5                       # the node's clock, where a test waits for CONSENT_S
PACE_S = 0.1                    # all ask at once
LOSSY = 200                     # packets over a path of which the losses are known
SETTLED = 1.0                   # of a good call, before a fault begins in it
FOLLOWED = {"port_changed": "source_moved"}     # after 3 s of silence: a busy node may be asked no sooner


def mos(loss_percent, jitter_ms):
    """What such a stream of G.711 sounds like by the E-model (media/quality.h), whatever a busy machine makes of it."""
    delay = 2 * jitter_ms + 20
    r = 93.2 - 0.024 * delay - max(0, 0.11 * (delay - 177.3)) - 95 * loss_percent / (loss_percent + 25.1)
    return max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6) if r > 0 else 1


class Talk:
    """Sends what `step(media)` does every 20 ms; RTP that is in order goes by Media.start."""

    def __init__(self, media, step):
        self.media, self.step, self._stop = media, step, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            try:
                self.step(self.media)
            except OSError:             # ICMP, or closed
                pass
            due += FRAME / RATE

    def stop(self):
        self._stop.set()
        self._thread.join()


class Pair:
    """Two parties with a call of their own; what their SDP names counts, whatever host their SIP comes from."""
    media_address = "sdp"

    def __init__(self, test, number):
        self.test, self.node, self.numbers = test, test.node, (str(2000 + number), str(3000 + number))
        for extension, insecure in zip(self.numbers, ("true", "false")):        # the caller may bring keys over UDP
            self.node.ctl("extension.put", secret="secret\n", number=extension, password="-", sdes_insecure=insecure,
                          media_address=self.media_address)
        self.a, self.b = (self.node.user_agent(extension, "secret") for extension in self.numbers)
        self.audio_a, self.audio_b = self.node.media(), self.node.media()
        for thing in (self.a, self.b, self.audio_a, self.audio_b):
            test.addCleanup(thing.close)
        for agent in (self.a, self.b):
            test.assertEqual(agent.register().status, 200)
        self.talks = []

    def connect(self, offer=None):
        self.out = self.a.invite(self.numbers[1], offer or self.audio_a.sdp())
        self.into = self.b.incoming()
        self.answer()
        self.audio_a.use(self.out.wait_answer())
        self.audio_b.use(self.into.request)
        self.id = next(call["id"] for call in self.node.ctl("call.list") if call["from"] == self.numbers[0])

    def answer(self):
        """Again until the ACK is there (RFC 3261 13.3.1.4): where many calls talk a busy port loses packets."""
        self.into.answer(self.audio_b.sdp(), ack=False)
        for wait_s in (0.5, 1, 2, 4, 8):
            try:
                return self.into.wait_ack(wait_s)
            except SipError:
                self.into.respond(200, "OK", body=self.audio_b.sdp())
        return self.into.wait_ack()

    def both(self):
        self.audio_a.start(440)
        self.audio_b.start(880)

    def talk(self, media, step):
        self.talks.append(Talk(media, step))

    def socket(self, address):
        made = udp_socket(address)
        self.test.addCleanup(made.close)
        return made

    def move(self, address):
        """Leg a sends from another port, of another host perhaps."""
        self.test.addCleanup(self.audio_a.rtp.close)
        self.audio_a.rtp = self.socket(address)

    def reinvite(self, offer, answer):
        answering = threading.Thread(target=self.into.wait_reinvite, args=(answer,))
        answering.start()
        response = self.out.reinvite(offer)
        answering.join()
        return response

    def end(self):
        for talk in self.talks:
            talk.stop()
        for media in (self.audio_a, self.audio_b):
            media.stop()

    def hang_up(self):
        self.out.bye()
        self.into.wait_bye()

    def findings(self):
        """Asked again where the worker of a busy machine has not answered in time."""
        def found():
            findings = self.node.ctl("call.doctor", call=self.id)["findings"]
            return None if any(finding["code"] == "no_counters" for finding in findings) else (findings,)
        return until(found)[0]

    def flows(self):
        """Likewise."""
        def shown():
            flows = self.node.ctl("call.show", call=self.id)["flows"]
            return flows if all(flow["stats"] for flow in flows) else None
        return until(shown)


class Ordinary(Pair):
    """Its media comes from and goes to the host of its SIP."""
    media_address = "signalling"


# ---- what a party does wrong: each begins its fault and returns, with the good direction under way ----

def later(begin):
    """The call is good at first."""
    def fault(pair):
        pair.connect()
        pair.both()
        time.sleep(SETTLED)
        begin(pair)
    return fault


def with_keys(begin):
    """Likewise, with SRTP on leg a."""
    def fault(pair):
        pair.audio_a.key_out = Key()
        pair.connect()
        pair.both()
        time.sleep(SETTLED)
        begin(pair)
    return fault


def from_the_start(offer=None, step=None, source=None):
    """Leg b talks; leg a sends what step() does, or a tone, and its SDP is what offer() makes of it."""
    def fault(pair):
        text = pair.audio_a.sdp()
        pair.connect(offer(text) if offer else text)
        if source:
            pair.move(source)
        pair.audio_b.start(880)
        if step:
            pair.talk(pair.audio_a, step)
        else:
            pair.audio_a.start(440)
    return fault


def silent_b(pair):
    pair.connect()
    pair.audio_a.start(440)


def rtcp(media, *blocks):
    """A receiver report with these blocks, and a name (RFC 3550 6.1)."""
    ssrc = struct.pack("!I", media.ssrc)
    report = struct.pack("!BBH", 0x80 | len(blocks), 201, 1 + 6 * len(blocks)) + ssrc + b"".join(blocks)
    name = b"\x81\xca\0\4" + ssrc + b"\1\7b@b.org\0\0\0"
    media.rtcp.sendto(report + name, (media.remote[0], media.remote[1] + 1))


def b_sends_rtcp_alone(pair):
    pair.connect()
    pair.audio_a.start(440)
    pair.talk(pair.audio_b, rtcp)


def frame(media, payload=b"\x55" * FRAME, units=FRAME, **fields):
    media.send(payload, **fields)
    media.ts += units


def every_fourth_is_lost(media):
    if media.seq % 4 == 0:
        media.seq += 1
        media.ts += FRAME
    else:
        frame(media)


def forty_ms(media):
    if media.sent % 2 == 0:
        frame(media, b"\x55" * 2 * FRAME, 2 * FRAME)
    else:
        media.sent += 1                 # its turn, and nothing is sent


def move(address):
    return lambda pair: pair.move(address)


def hold(pair):
    assert pair.reinvite(pair.audio_a.sdp(direction="sendonly", version=2),
                         pair.audio_b.sdp(direction="recvonly", version=2)).status == 200


def signal_elsewhere(pair):
    there = pair.audio_a.sdp(version=2).replace(PARTY, OTHERS[0])
    assert pair.reinvite(there, pair.audio_b.sdp(version=2)).status == 200


def order_mute(pair):
    pair.node.ctl("call.mute", call=pair.id, leg="a", on="true")


def take_another_key(pair):
    pair.audio_a.key_out = Key()


def drop_the_key(pair):
    pair.audio_a.key_out = None


def inject(pair):
    stranger = pair.socket(STRANGER)
    to = pair.audio_a.remote
    pair.talk(pair.audio_a, lambda media: stranger.sendto(b"\x80\0" + bytes(10) + b"\x55" * FRAME, to))


def named(address, where):
    """The address of c= or of the whole SDP."""
    return lambda text: text.replace(where + "IN IP4 " + PARTY, where + "IN IP4 " + address)


STUN = bytes.fromhex("000100002112a442") + bytes(12)
BROKEN = b"\x8f\0" + bytes(12)          # 15 CSRCs, and room for none

# name, codes, leg, how it begins
FAULTS = (
    # the ends of a wire are private themselves
    ("private address in SDP", {"unexpected_source" if place.PORT else "nat_private_address"}, "a", from_the_start(named("10.1.2.3", ""))),
    ("c= rewritten on the way", {"alg_rewrite"}, "a", from_the_start(named(OTHERS[1], "c="))),
    ("packets from an unexpected source", {"unexpected_source"}, "a", from_the_start(source=STRANGER)),
    ("another port in the middle of the call", {"port_changed"}, "a", later(move(PARTY))),
    ("another address in the middle of the call", {"address_changed"}, "a", later(move(STRANGER))),
    ("a re-INVITE names where it does not send from", {"stale_source"}, "a", later(signal_elsewhere)),
    ("nothing ever comes back", {"blocked_path"}, "b", silent_b),
    ("it lives but sends nothing", {"party_sends_nothing"}, "b", b_sends_rtcp_alone),
    ("it stops", {"rtp_stopped"}, "b", later(lambda pair: pair.audio_b.stop())),
    ("another codec than agreed", {"payload_type"}, "a", from_the_start(step=lambda media: frame(media, pt=8))),
    ("another packet length than asked for", {"packet_length"}, "a", from_the_start(step=forty_ms)),
    ("another SRTP key than it said", {"srtp_wrong_key"}, "a", with_keys(take_another_key)),
    ("plain RTP where SRTP is agreed", {"srtp_missing"}, "a", with_keys(drop_the_key)),
    ("SRTP where plain RTP is agreed", {"srtp_unexpected"}, "a", later(take_another_key)),
    ("timestamps at twice the pace", {"clock"}, "a", from_the_start(step=lambda media: frame(media, units=2 * FRAME))),
    ("comfort noise alone", {"silence"}, "a", from_the_start(step=lambda media: frame(media, b"\x40"))),
    ("every fourth packet lost", {"loss_in"}, "a", from_the_start(step=every_fourth_is_lost)),
    ("another protocol", {"not_rtp"}, "a", from_the_start(step=lambda media: media.rtp.sendto(STUN, media.remote))),
    ("broken RTP", {"malformed"}, "a", from_the_start(step=lambda media: media.rtp.sendto(BROKEN, media.remote))),
    ("RTP to the port of RTCP", {"wrong_port"}, "a",
     from_the_start(step=lambda media: frame(media, to=(media.remote[0], media.remote[1] + 1)))),
    ("a second sender", {"second_source"}, "a", later(inject)),
    ("held by its phone", {"direction"}, "a", later(hold)),
    ("muted by command", {"muted"}, "a", later(order_mute)),
)
# A packet socket, which is DPDK's device here, puts fragments together and cuts what is longer than its frames: nobody gets it.
if place.PORT != "dpdk":
    FAULTS += (("packets that no frame can carry", {"mtu"}, "a", from_the_start(step=lambda media: frame(media, bytes(3000)))),)


class DoctorTest(unittest.TestCase):
    settings, rate = {"redis": {"deadline": "5s"}}, 1        # of the store nothing is asked here, and many talk

    def setUp(self):
        self.node = Node(settings=self.settings, calls=60, rate=self.rate)
        self.addCleanup(self.node.close)
        self.lock, self.results = threading.Lock(), {}

    def watch(self, pair, name, codes, leg, begin):
        try:
            self.look(pair, name, codes, leg, begin)
        except Exception as error:      # of a thread: judge() says it
            with self.lock:
                self.results[name] = False, 0.0, [{"code": repr(error)}]

    def look(self, pair, name, codes, leg, begin):
        """Begins the fault and asks until its name is told, and nothing else."""
        limit, right, findings = begin(pair) or LIMIT, False, []
        started = time.monotonic()
        while not right and (asked := time.monotonic() - started) < limit * slowness():
            time.sleep(PACE_S)
            findings = pair.findings()
            told = self.meant(findings, codes)
            right = ({finding["code"] for finding in told} in (codes, {FOLLOWED.get(code, code) for code in codes})
                     and all(finding["leg"] == leg for finding in told))
        with self.lock:
            self.results[name] = right, asked, findings

    def pair(self, number):
        return Pair(self, number)

    def run_all(self, faults):
        pairs = [self.pair(number) for number in range(len(faults))]
        threads = [threading.Thread(target=self.watch, args=(pair, *fault)) for pair, fault in zip(pairs, faults)]
        for thread in threads:
            thread.start()
        return pairs, threads

    def starved(self):
        """The kernel had no room for packets: the node was given no processor for so long that it had taken none."""
        return sum(self.node.metric("tandem_media_xdp_refused_packets_total", reason=reason) for reason in ("no_frame", "ring_full"))

    def meant(self, findings, codes=frozenset()):
        """Without what a busy machine does to the pace of scripted ends, unless it is looked for."""
        return [finding for finding in findings if (code := finding["code"]) in codes
                or not (code == "jitter" or code == "loss_in" and self.starved())]

    def fine(self, pair):
        self.assertEqual(self.meant(pair.findings()), [])

    def judge(self, faults):
        for name, codes, _, _ in faults:
            right, taken, findings = self.results.get(name, (False, LIMIT, []))
            told = ", ".join(sorted(finding["code"] for finding in findings)) or "nothing"
            print(f"# {name}: {told} after {taken:.1f} s", flush=True)
            with self.subTest(name):
                self.assertTrue(right, (taken, findings))


class Doctor(DoctorTest):
    def test_every_fault_has_its_name(self):
        good = Pair(self, 900)
        good.connect()
        good.both()
        pairs, threads = self.run_all(FAULTS)
        time.sleep(3)
        self.fine(good)
        for thread in threads:
            thread.join()
        self.fine(good)
        shown = good.flows()
        self.assertEqual([(flow["codec"], flow["srtp"], flow["drops"]) for flow in shown], [("PCMU", "plain", {})] * 2)
        for heard in [flow["quality"]["received"] for flow in shown]:
            self.assertAlmostEqual(heard["mos"], mos(heard["loss_percent"], heard["jitter_ms"]), delta=0.02)
        for pair in (*pairs, good):
            pair.end()
        self.judge(FAULTS)
        good.hang_up()
        record = next(record for record in self.node.cdrs() if record["id"] == good.id)
        for leg in "ab":
            self.assertEqual(record[leg + "_codec"], "PCMU")
            packets, lost, jitter, marked = (int(record[leg + name]) for name in ("_packets_in", "_lost", "_jitter_us", "_mos_in_hundredths"))
            self.assertAlmostEqual(marked / 100, mos(100 * lost / (packets + lost), jitter / 1000), delta=0.02)
            self.assertEqual(record[leg + "_mos_out_hundredths"], "0", "it sent no RTCP")
        self.assertEqual(self.node.metric("tandem_call_mos_count", direction="in"), 2)

    def test_what_a_party_says_it_hears(self):
        pair = Pair(self, 0)
        pair.connect()
        pair.both()
        pair.audio_a.wait_packets(20)
        heard = pair.audio_a.packets[-1]
        rtcp(pair.audio_a, struct.pack("!IIIIII", heard.ssrc, 64 << 24 | 5, heard.seq, 800, 0, 0))

        def of_a():
            return next(flow for flow in self.node.ctl("call.show", call=pair.id)["flows"] if flow["leg"] == "a")
        until(lambda: ((of_a()["quality"] or {}).get("reported") or {}).get("lost"))
        flow = of_a()
        told = flow["quality"]["reported"]
        self.assertEqual((told["lost"], told["jitter_ms"]), (5, 100.0))
        self.assertGreater(told["loss_percent"], 1)
        self.assertLess(told["mos"], flow["quality"]["received"]["mos"])
        self.assertEqual([(finding["code"], finding["leg"]) for finding in pair.findings()], [("loss_out", "a")])
        pair.end()
        pair.hang_up()
        self.assertGreater(int(self.node.cdrs()[-1]["a_mos_out_hundredths"]), 100)

    def test_an_address_that_is_not_its_own(self):
        """A private address or another host in SDP is no fault where the host of the SIP counts."""
        for number, address in enumerate(("10.1.2.3", OTHERS[1])):
            with self.subTest(address):
                pair = Ordinary(self, number)
                text = pair.audio_a.sdp()
                pair.connect(named(address, "")(text))
                pair.both()
                pair.audio_a.wait_packets(40)
                pair.audio_b.wait_packets(40)
                self.fine(pair)
                pair.end()
                pair.hang_up()

    def test_a_known_path(self):
        """DIAG-02: every tenth packet is lost and every second comes 20 ms late: so it is shown, recorded and counted."""
        pair = Pair(self, 0)
        pair.connect()
        media, frames = pair.audio_a, pair.audio_a.codec.frames(440)
        due = time.monotonic()
        for number in range(LOSSY):
            late = 160 * (number % 2)           # its timestamp says that it was taken so much earlier
            if number % 10 == 5:
                media.seq += 1
            else:
                media.send(frames[number % len(frames)], ts=media.ts - late)
            media.ts += 160
            due += 0.02
            time.sleep(max(0.0, due - time.monotonic()))
        flow = next(flow for flow in self.node.ctl("call.show", call=pair.id)["flows"] if flow["leg"] == "a")
        heard = flow["quality"]["received"]
        self.assertEqual(flow["quality"]["heard"], heard, "its name before")
        self.assertEqual(heard["lost"], LOSSY // 10)
        self.assertAlmostEqual(heard["loss_percent"], 10, delta=0.2)
        self.assertTrue(14 < heard["jitter_ms"] < 40, heard)
        self.assertLess(heard["mos"], 4.0)
        pair.hang_up()
        record = self.node.cdrs()[-1]
        self.assertEqual((int(record["a_packets_in"]), int(record["a_lost"])), (LOSSY * 9 // 10, LOSSY // 10))
        self.assertTrue(14000 < int(record["a_jitter_us"]) < 40000, record["a_jitter_us"])
        self.assertLess(int(record["a_mos_in_hundredths"]), 400)

    def test_in_words(self):
        pair = Pair(self, 0)
        silent_b(pair)
        time.sleep(2.2)
        told = subprocess.run([os.path.join(build_folder(), "app", "tandemctl"), "--config", self.node.config,
                               "doctor", pair.id], check=True, capture_output=True, text=True).stdout
        pair.end()
        self.assertIn("blocked_path, leg b, line 0", told)
        self.assertIn("nothing ever came from there", told)
        self.assertIn("packets_in=0", told)
        self.assertIn("next: Check firewalls", told)


class WebPair(Pair):
    """Leg a has ICE and DTLS-SRTP."""

    def __init__(self, test, number):
        super().__init__(test, number)
        self.audio_a.close()
        self.audio_a = WebRtc(self.node.ports, test.certificate)
        test.addCleanup(self.audio_a.close)
        self.node.ctl("extension.put", number=self.numbers[0], webrtc="always")


def web_before(change):
    """The party is changed before its offer; what change() returns is that."""
    def fault(pair):
        pair.connect(change(pair.audio_a))
        pair.audio_b.start(880)
    return fault


def web_later(change):
    def fault(pair):
        pair.connect()
        pair.audio_a.wait_keys()
        pair.both()
        time.sleep(SETTLED)
        return change(pair)
    return fault


def hold_the_handshake(web):
    web.held = True


def never_check(web):
    web.use = lambda _: web


def check_with(place):
    """Another ufrag or password than the answer's."""
    def change(web):
        take = web.use

        def use(sdp):
            take(sdp)
            web.theirs = [text if i != place else text[::-1] for i, text in enumerate(web.theirs)]
            return web
        web.use = use
    return change


def stop_checking(pair):
    pair.audio_a.theirs = None
    return CONSENT_S / HURRY + LIMIT


LOST_CONSENT = (("consent to send is lost", {"ice_failed"}, "a", web_later(stop_checking)),)
WEB_FAULTS = (
    ("no check comes", {"ice_checking"}, "a", web_before(never_check)),
    ("checks for another ufrag", {"ice_credentials"}, "a", web_before(check_with(0))),
    ("checks with another password", {"ice_credentials"}, "a", web_before(check_with(1))),
    ("the handshake never begins", {"dtls_handshaking"}, "a", web_before(hold_the_handshake)),
    ("another certificate than it said", {"dtls_certificate"}, "a",
     web_before(lambda web: web.sdp(fingerprint=wrong_fingerprint()))),
    ("a browser that sends nothing", {"rtp_stopped"}, "a", web_later(lambda pair: pair.audio_a.stop())),
)


class Browsers(DoctorTest):
    def pair(self, number):
        return WebPair(self, number)

    def test_every_fault_has_its_name(self):
        self.certificate = Certificate(self.node.home)
        good = self.pair(900)
        pairs, threads = self.run_all(WEB_FAULTS)
        good.connect()
        good.audio_a.wait_keys()
        good.both()
        time.sleep(4)
        self.fine(good)
        for thread in threads:
            thread.join()
        self.fine(good)
        for pair in (*pairs, good):
            pair.end()
        self.judge(WEB_FAULTS)


class Consent(DoctorTest):
    rate = HURRY

    def pair(self, number):
        return WebPair(self, number)

    def test_it_is_lost(self):
        """RFC 7675: the last check is 30 s ago."""
        self.certificate = Certificate(self.node.home)
        pairs, threads = self.run_all(LOST_CONSENT)
        for thread in threads:
            thread.join()
        for pair in pairs:
            pair.end()
        self.judge(LOST_CONSENT)


class Strict(DoctorTest):
    settings = {"media": {"latch": "strict"}}

    def test_a_nat_with_ports_of_its_own(self):
        faults = (("another port than signalled", {"nat_symmetric"}, "a", from_the_start(source=PARTY)),)
        pairs, threads = self.run_all(faults)
        threads[0].join()
        pairs[0].end()
        self.judge(faults)


class Places(ApplicationTest):
    """Who speaks with nobody is told so, not that media flows both ways; also after the call, and after a restart."""

    def findings(self, call):
        return [(finding["code"], finding["leg"]) for finding in self.node.ctl("call.doctor", call=call)["findings"]]

    def in_words(self, call):
        return subprocess.run([os.path.join(build_folder(), "app", "tandemctl"), "--config", self.node.config, "doctor", call],
                              check=True, capture_output=True, text=True).stdout

    def test_with_an_application(self):
        """It is asked, says nothing, plays, awaits digits; the call is parked without music; it ends, and the node is killed."""
        out, call = self.call()
        self.assertEqual(self.findings(call), [("application_not_answering", None)])
        self.node.ctl("call.answer", call=call)
        self.audio_a.use(out.wait_answer())
        self.audio_a.start(440)
        until(lambda: self.audio_a.sent > 60)
        self.assertEqual(self.findings(call), [("application_silent", "a")])
        words = self.in_words(call)
        self.assertIn("with the application ivr", words)
        self.assertNotIn("flows both ways", words)
        out.bye()
        self.ended()
        self.assertEqual(self.findings(call), [("application_silent", "a")])
        self.node.kill()
        self.node.restart()
        after = self.node.ctl("call.doctor", call=call)
        self.assertEqual([finding["code"] for finding in after["findings"]], ["application_silent"])
        self.assertEqual(after["ended"]["cause"], "hung up")
        self.assertIn("with the application ivr", self.in_words(call))
        self.assertEqual([finding["code"] for finding in self.node.ctl("cdr.list")[-1]["findings"]], ["application_silent"])
        refused = self.a.invite("1999", self.audio_a.sdp())
        self.assertEqual(refused.wait_final().status, 404)
        call = self.node.cdrs(2)[-1]["id"]
        self.node.kill()
        self.node.restart()
        self.assertEqual(self.findings(call), [("not_established", None)])
        with self.assertRaisesRegex(ServerError, "there is no call"):
            self.findings(call[:-2] + "vv")

    def test_served_and_parked(self):
        out, call = self.answered()
        self.audio_a.start(440)
        self.node.ctl("call.play", call=call, file="tone-busy")
        self.audio_a.wait_packets(5)
        self.assertEqual(self.findings(call), [("prompt", "a")])
        self.node.ctl("call.collect", call=call, max=4)
        self.assertEqual(self.findings(call), [("digits_awaited", "a")])
        self.node.ctl("call.park", call=call, slot="701")
        self.assertEqual(self.findings(call), [("parked_in_silence", "a")])
        self.saved()
        self.node.kill()
        self.node.restart()
        until(lambda: self.findings(call) == [("parked_in_silence", "a")], lambda: self.findings(call))
        out.bye()

    def test_in_a_conference(self):
        self.node.ctl("room.put", number="700", entry_tone="none")
        one = self.a.invite("700", self.audio_a.sdp())
        self.audio_a.use(one.wait_answer())
        self.audio_a.start(440)
        call = self.node.ctl("call.list")[0]["id"]
        until(lambda: self.audio_a.sent > 60)
        self.assertEqual(self.findings(call), [("conference_alone", "a")])
        two = self.b.invite("700", self.audio_b.sdp())
        self.audio_b.use(two.wait_answer())
        self.audio_b.start(880)
        until(lambda: self.audio_b.sent > 60)
        self.assertEqual(self.findings(call), [("conference", "a")])
        self.node.ctl("conference.mute", call=call)
        self.assertEqual(self.findings(call), [("conference_muted", "a")])
        one.bye()
        two.bye()


if __name__ == "__main__":
    unittest.main()

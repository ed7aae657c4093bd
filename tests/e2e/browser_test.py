# SPDX-License-Identifier: Apache-2.0
"""WebRTC legs: Chromium with JsSIP on one side, a plain phone or another browser on the other, judged by what each heard and saw."""
import base64
import hashlib
import os
import subprocess
import time
import unittest

from lib import browser, place, trace
from lib.codec import PCMU
from lib.hep import SIP, Collector
from lib.node import Node
from lib.picture import Picture

from patience import PATIENCE_S, until
from server import ServerError
import tone

LONG = 120                      # s
VIDEO_MODULES = ("avcodec", "fakevideo", "swscale", "snapshot", "avformat")
VIDEO_CONFIG = ("video_source fakevideo,nil\nvideo_display fakevideo,nil\nvideo_size 352x288\nvideo_fps 15\n"
                "videnc_format yuv420p")


def key_of(certificate):
    """What Chromium knows a certificate by: base64 of SHA-256 over its public key."""
    key = subprocess.run(["openssl", "x509", "-in", certificate, "-pubkey", "-noout"], check=True, capture_output=True)
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=key.stdout, check=True,
                         capture_output=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


class BrowserTest(unittest.TestCase):
    node_options, settings = {}, {}

    @classmethod
    def setUpClass(cls):
        browser.install()
        place.command()                         # where the parties are: the page, too, is there
        cls.pages = browser.Pages()
        cls.addClassCleanup(cls.pages.close)
        cls.node = Node(settings={"http": {"tls": True, "origins": [cls.pages.origin]}, **cls.settings},
                        **cls.node_options)
        cls.addClassCleanup(cls.node.close)
        for number in ("1001", "1002", "1003"):
            cls.node.put_extension(number, "secret" + number)
        cls.trust = [key_of(os.path.join(cls.node.folder, "tls", "node.pem"))]
        cls.chromium = browser.Browser(1000, cls.trust)
        cls.addClassCleanup(cls.chromium.close)

    def another(self, number):
        """A phone in a browser of its own, whose microphone hears another tone."""
        chromium = browser.Browser(600, self.trust)
        self.addCleanup(chromium.close)
        return self.web(number, chromium)

    def web(self, number="1001", chromium=None):
        """A registered phone in a tab of its own."""
        page = (chromium or self.chromium).page(self.pages.origin + "/")
        self.addCleanup(page.close)
        page.register(f"wss://{place.NODE}:{self.node.http_port}/ws", number, "secret" + number)
        return page

    def phone(self, number="1002", **options):
        device = self.node.phone(number, "secret" + number, source="ausine,440", **options)
        self.addCleanup(device.quit)
        return device

    @staticmethod
    def received(page):
        return sum(stream["packetsReceived"] for stream in page.stats("inbound-rtp"))

    def heard(self, device, hertz=1000):
        """What a plain phone heard in its call."""
        found = tone.heard(device.recordings()[0])
        self.assertAlmostEqual(found[0], hertz, delta=3)
        self.assertGreater(found[1], 0.9)


class Audio(BrowserTest):
    def talk(self, **media):
        device = self.phone(extra="answermode=auto;" + media.pop("codecs", "audio_codecs=opus/48000/2"),
                            modules=media.pop("modules", ("opus",)))
        page = self.web()
        page.call("1002", **media)
        page.wait("talking")
        page.tone(440)
        device.wait_heard()
        return page, device

    def test_browser_calls_a_phone(self):
        """Opus from end to end; keys by DTLS, and no packet of either side lost on the way."""
        page, device = self.talk()
        transport = page.stats("transport")[0]
        self.assertEqual(transport["dtlsState"], "connected")
        self.assertEqual(transport["tlsVersion"], "FEFD")
        self.assertIn("AES", transport["srtpCipher"])
        until(lambda: page.stats("inbound-rtp")[0]["packetsReceived"] > 50)
        self.assertEqual(page.stats("inbound-rtp")[0]["packetsLost"], 0)
        page.hangup()
        device.wait("CALL_CLOSED")
        self.heard(device)

    def test_g711(self):
        page, device = self.talk(codecs="audio_codecs=PCMA/8000/1", modules=())
        page.hangup()
        device.wait("CALL_CLOSED")
        self.heard(device)

    def test_bundle_policies(self):
        for policy in ("max-bundle", "max-compat"):
            with self.subTest(policy):
                page, device = self.talk(pc={"bundlePolicy": policy})
                page.hangup()
                device.wait("CALL_CLOSED")
                self.heard(device)
                device.quit()

    def test_phone_calls_a_browser(self):
        page = self.web()
        page.answer_all()
        device = self.phone(extra="audio_codecs=PCMU/8000/1")
        device.dial("1001")
        device.wait("CALL_ESTABLISHED")
        page.wait("talking")
        page.tone(440)
        device.wait_heard()
        device.hangup()
        page.wait("ended")
        self.heard(device)

    def test_digits_both_ways(self):
        """RFC 4733 at 48 kHz beside opus, and what the far phone understands of it."""
        page, device = self.talk()
        page.run("phone.digits('159#')")
        device.digits("42")
        self.assertEqual(device.wait_digits("159#"), "159#")
        page.hangup()
        device.wait("CALL_CLOSED")

    def test_hold_and_back(self):
        page, device = self.talk()
        page.run("phone.session.hold(); 0")
        page.until("phone.session.isOnHold().local")
        time.sleep(1)
        before = self.received(page)
        time.sleep(0.5)
        self.assertEqual(self.received(page), before)
        page.run("new Promise((done) => phone.session.unhold({}, () => done(1)))")
        # WebAudio stays silent once the browser has made its receiver anew, so its decoder is asked
        until(lambda: sum(stream["totalAudioEnergy"] for stream in page.stats("inbound-rtp")) > 0.1)
        until(lambda: self.received(page) - before > 30)
        page.hangup()
        device.wait("CALL_CLOSED")
        self.heard(device)

    def test_ice_restart(self):
        """The party asks for new credentials: the call goes on, on a pair that was nominated anew."""
        page, device = self.talk()
        before = page.run("phone.connection.remoteDescription.sdp.match(/ice-ufrag:(\\S+)/)[1]")
        page.run("new Promise((done, failed) => phone.session.renegotiate("
                 "{rtcOfferConstraints: {iceRestart: true}}, () => done(1)) || failed(new Error('no')))")
        self.assertNotEqual(page.run("phone.connection.remoteDescription.sdp.match(/ice-ufrag:(\\S+)/)[1]"), before)
        page.until("['connected', 'completed'].includes(phone.connection.iceConnectionState)")
        time.sleep(1)
        page.tone(440)
        page.hangup()
        device.wait("CALL_CLOSED")
        self.heard(device)

    def test_the_phone_holds(self):
        """The browser is offered silence, and sound again."""
        page, device = self.talk()
        device.command("hold")
        page.until("phone.session.isOnHold().remote")
        device.command("resume")
        page.until("!phone.session.isOnHold().remote")
        before = self.received(page)
        until(lambda: self.received(page) - before > 30)
        page.hangup()
        device.wait("CALL_CLOSED")
        self.heard(device)

    def resumes(self, call):
        """The browser acts on the offer before the node has its answer: until then another one is refused."""
        try:
            self.node.ctl("call.resume", call=call, leg="b")
        except ServerError as refused:
            if "busy" not in str(refused):
                raise
            return False
        return True

    def test_held_and_resumed_by_command(self):
        """Offers of the node's own to a browser."""
        page, device = self.talk()
        call = self.node.ctl("call.list")[0]["id"]
        self.node.ctl("call.hold", call=call, leg="b")
        page.until("phone.session.isOnHold().remote")
        until(lambda: self.resumes(call))
        page.until("!phone.session.isOnHold().remote")
        before = self.received(page)
        until(lambda: self.received(page) - before > 30)
        page.hangup()
        device.wait("CALL_CLOSED")

    def test_a_desk_phone_rings_beside_it(self):
        """One extension with a browser and a plain phone: each is offered what it can, and the browser is first."""
        page = self.web("1002")
        desk = self.phone("1002", extra="answermode=manual")
        caller = self.node.phone("1001", "secret1001", source="ausine,440", extra="audio_codecs=PCMU/8000/1")
        self.addCleanup(caller.quit)
        caller.dial("1002")
        desk.wait("CALL_INCOMING")
        page.wait("ringing")
        page.run("phone.session.answer(phone.options({})); 0")
        page.wait("talking")
        page.tone(440)
        desk.wait("CALL_CLOSED")
        caller.wait_heard()
        caller.hangup()
        page.wait("ended")
        self.heard(caller)

    def test_two_browsers(self):
        """Each hears what the other's microphone does, and not its own."""
        callee, caller = self.another("1002"), self.web("1001")
        callee.answer_all()
        caller.call("1002")
        for page, hertz in ((caller, 600), (callee, 1000)):
            page.wait("talking")
            page.tone(hertz)
        callee.hangup()
        caller.wait("ended")

    def test_the_node_is_killed(self):
        """Media and keys go on in the next process without another handshake, and so does the call."""
        page, device = self.talk()
        self.node.kill()
        self.node.restart()
        time.sleep(0.5)
        packets = self.received(page)
        until(lambda: self.received(page) - packets > 30)
        page.tone(440)
        self.assertEqual(page.stats("transport")[0]["dtlsState"], "connected")
        page.until("phone.ua.isRegistered()")
        device.hangup()
        page.wait("ended")
        self.heard(device)


class Video(BrowserTest):
    @staticmethod
    def video(page, kind):
        """The page's statistics of its one stream of pictures."""
        return next(stream for stream in page.stats(kind) if stream["kind"] == "video")

    def until(self, happens, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while not happens():
            self.assertLess(time.monotonic(), end, f"not in {seconds} s")
            time.sleep(0.1)

    def see(self, page, device):
        """Each decodes the other's picture; its size tells whose it is."""
        page.until("phone.size()[0] === 352 && phone.size()[1] === 288")
        for place, colour in zip((1 / 6, 3 / 6, 5 / 6), ((255, 0, 0), (0, 255, 0), (0, 0, 255))):
            for got, wanted in zip(page.run(f"phone.colour({place}, 0.5)"), colour):
                self.assertAlmostEqual(got, wanted, delta=40)
        self.seen(device, 320, 240)
        self.until(lambda: self.video(page, "inbound-rtp")["framesDecoded"] > 10)

    def seen(self, device, width, height):
        """Waits until the phone decodes a picture of that size."""
        path, end = os.path.join(device.folder, "seen.png"), time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            device.command("snapshot_recv", path)
            time.sleep(0.3)
            try:
                seen = Picture(path)
            except (OSError, KeyError, ValueError, IndexError):
                continue
            if (seen.width, seen.height) == (width, height):
                break
        else:
            self.fail("the phone saw no picture of the browser\n" + device.log_tail())

    def device(self, **options):
        return self.phone(modules=("opus",) + VIDEO_MODULES, config=VIDEO_CONFIG, **options)

    def talk(self, **media):
        device = self.device(extra="answermode=auto;video_codecs=h264;audio_codecs=opus/48000/2")
        page = self.web()
        page.call("1002", video=True, **media)
        page.wait("talking")
        page.tone(440)
        return page, device

    def browser_calls_a_phone(self, policy):
        page, device = self.talk(pc={"bundlePolicy": policy})
        self.see(page, device)
        device.wait_heard()
        page.hangup()
        device.wait("CALL_CLOSED")
        self.heard(device)

    def test_browser_calls_a_phone(self):
        self.browser_calls_a_phone("balanced")

    def test_max_bundle(self):
        self.browser_calls_a_phone("max-bundle")

    @staticmethod
    def finds_bandwidth(page, least, seconds=8):
        """Says the browser within so many seconds that as many bit/s get through?"""
        end = time.monotonic() + seconds
        while all(pair.get("availableOutgoingBitrate", 0) < least for pair in page.stats("candidate-pair")):
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
        return True

    def test_bandwidth_is_found(self):
        """Transport-wide feedback has a browser at the 768 kbit/s it may send in a second or two; by reports alone it takes 20. A machine
        that is busy delays packets as a busy line does, so two of three calls must be as quick."""
        page, device = self.talk()
        quick = [self.finds_bandwidth(page, 600000)]
        for _ in range(2):
            page.hangup()
            page.wait("ended")
            page.call("1002", video=True)
            page.wait("talking")
            quick.append(self.finds_bandwidth(page, 600000))
        self.assertGreaterEqual(sum(quick), 2, quick)
        page.run("phone.noise(320, 240)")
        before = self.video(page, "outbound-rtp")

        def is_faster():
            nonlocal before
            time.sleep(1)
            last, before = before, self.video(page, "outbound-rtp")
            return 8000 * (before["bytesSent"] - last["bytesSent"]) / (before["timestamp"] - last["timestamp"]) > 350000
        self.until(is_faster, 30)
        page.hangup()
        device.wait("CALL_CLOSED")

    def line(self, leg):
        """What the node knows of the picture's flow."""
        flows = self.node.ctl("call.show", call=self.node.ctl("call.list")[0]["id"])["flows"]
        return next(flow for flow in flows if (flow["leg"], flow["kind"]) == (leg, "video"))

    def layers_sent(self, page, seconds=1):
        """The layers that have packets within that time, and how wide they are."""
        def sent():
            return {stream["rid"]: (stream["packetsSent"], stream.get("frameWidth")) for stream in page.stats("outbound-rtp")
                    if stream["kind"] == "video"}
        before = sent()
        time.sleep(seconds)
        return {layer: width for layer, (packets, width) in sent().items() if packets > before[layer][0]}

    def test_simulcast(self):
        """Three layers are offered: the best one is all that comes, and what the phone sees, whoever holds and resumes the call."""
        device = self.device(extra="answermode=auto;video_codecs=h264;audio_codecs=opus/48000/2")
        page = self.web()
        page.call("1002", video={"width": 640, "height": 360}, layers=[
            {"rid": "h", "scaleResolutionDownBy": 2}, {"rid": "q", "scaleResolutionDownBy": 4}, {"rid": "f"}])
        page.wait("talking")
        self.assertIn("a=simulcast:send h;q;f", page.run("phone.connection.localDescription.sdp"))
        self.assertIn("a=rid:f recv\r\na=simulcast:recv f\r\n", page.run("phone.connection.remoteDescription.sdp"))
        self.seen(device, 640, 360)
        self.assertEqual(set(self.layers_sent(page)), {"f"})     # as wide as its bandwidth lets it be
        device.command("hold")
        page.until("phone.session.isOnHold().remote")
        device.command("resume")
        page.until("!phone.session.isOnHold().remote")
        # Chromium offers the layers once more
        page.run("new Promise((done, failed) => phone.session.renegotiate({}, () => done(1)) || failed(new Error('no')))")
        self.assertEqual(set(self.layers_sent(page)), {"f"})     # as wide as its bandwidth lets it be
        flow = self.line("a")
        self.assertEqual(flow["stats"]["source_changes"], 0)
        self.assertNotIn("other_layer", flow["drops"])
        page.hangup()
        device.wait("CALL_CLOSED")

    def codec(self, page):
        """Of the picture that arrives."""
        stream = self.video(page, "inbound-rtp")
        return next(codec["mimeType"] for codec in page.stats("codec") if codec["id"] == stream["codecId"])

    def prefer(self, page, codec):
        """Of all that the page has, it names that one first from now on."""
        page.run("RTCPeerConnection.prototype.addTrack = (add => function (track, ...streams) {"
                 " const sender = add.call(this, track, ...streams);"
                 " const found = RTCRtpReceiver.getCapabilities('video').codecs;"
                 f" const first = found.filter((c) => c.mimeType === '{codec}');"
                 " if (track.kind === 'video') this.getTransceivers().find((t) => t.sender === sender)"
                 " .setCodecPreferences([...first, ...found.filter((c) => !first.includes(c))]);"
                 " return sender; })(RTCPeerConnection.prototype.addTrack); 0")

    def test_two_browsers(self):
        """Each sees the other's picture, which its shape tells from its own, in the codec that the caller named first, and a picture that is
        asked for comes. Where a profile has H.264 alone it is that."""
        for codec, allowed in (("video/VP8", None), ("video/VP9", None), ("video/VP8", "H264")):
            if allowed:
                self.node.ctl("profile.put", name="default", video_codecs=allowed)
                self.addCleanup(self.node.ctl, "profile.put", name="default", video_codecs="")
            callee, caller = self.web("1002"), self.web("1001")
            self.prefer(caller, codec)
            callee.answer_all(video={"width": 320, "height": 180})
            caller.call("1002", video={"width": 320, "height": 240})
            for page in (caller, callee):
                page.wait("talking")
            for page, shape in ((caller, 16 / 9), (callee, 4 / 3)):
                self.until(lambda: any(stream["kind"] == "video" and stream["framesDecoded"] > 10
                                       for stream in page.stats("inbound-rtp")))
                width, height = page.run("phone.size()")
                self.assertAlmostEqual(width / height, shape, delta=0.05)
                self.assertEqual(self.codec(page), "video/H264" if allowed else codec)
            self.assertGreater(self.video(caller, "outbound-rtp")["keyFramesEncoded"], 0)
            callee.hangup()
            caller.wait("ended")
            for page in (caller, callee):
                page.run("phone.stop()")

    def test_phone_calls_a_browser(self):
        page = self.web()
        page.answer_all(video=True)
        device = self.device(extra="video_codecs=h264;audio_codecs=PCMU/8000/1")
        device.dial("1001")
        page.wait("talking")
        page.tone(440)
        self.see(page, device)
        page.hangup()
        device.wait("CALL_CLOSED")


class Traced(BrowserTest):
    """What others read in a trace of a browser's call, and what a collector is told of it."""

    @classmethod
    def setUpClass(cls):
        cls.collector = Collector()
        cls.addClassCleanup(cls.collector.close)
        cls.settings = {"trace": {"decrypted": True}, "hep": {"collector": cls.collector.address}}
        super().setUpClass()

    def talk(self, *options, reports=False):
        """A call that is watched from its ringing on; reports: until RTCP came and went."""
        device = self.phone(extra="audio_codecs=PCMU/8000/1")
        page = self.web()
        page.call("1002")
        device.wait("CALL_INCOMING")
        self.path = os.path.join(self.node.home, self.id())
        process = trace.start(self.node, self.node.ctl("call.list")[0]["id"], self.path, *options)
        self.addCleanup(process.stderr.close)
        device.command("accept")
        page.wait("talking")
        page.tone(440)
        end = time.monotonic() + PATIENCE_S
        while reports and not page.stats("remote-inbound-rtp") and time.monotonic() < end:
            time.sleep(0.1)
        page.hangup()
        self.assertEqual(process.wait(20), 0, process.stderr.read())
        device.quit()

    def show(self, shown, *fields, options=()):
        return trace.rows(self.path, [self.node.sip_port, self.node.http_port], shown, *fields, options=options)

    def kinds(self, leg):
        """{(what it is, inbound: 1, outbound: 2)} of a leg's packets on its media port."""
        return {(comment.split()[-1], int(direction, 0) & 3) for comment, direction in
                self.show(f'frame.comment matches "leg {leg} "', "frame.comment", "frame.packet_flags")}

    def test_on_the_wire(self):
        self.talk()
        both = {(kind, way) for kind in ("STUN", "DTLS", "RTP") for way in (1, 2)}
        self.assertTrue(both <= self.kinds(0), self.kinds(0))
        self.assertTrue({("RTP", 1), ("RTP", 2)} <= self.kinds(1))
        self.assertEqual({int(kind, 0) for kind, in self.show("stun", "stun.type")}, {0x0001, 0x0101})
        shaken = {kind for kinds, in self.show("dtls.handshake", "dtls.handshake.type") for kind in kinds.split(",")}
        self.assertTrue({"1", "2", "11", "16"} <= shaken, shaken)
        with open(self.path, "rb") as file:
            self.assertIn(b"a=ice-pwd:" + b"x" * 24, file.read())
        # what is sealed is longer by its tag
        octets = {leg: {int(length) for length, in self.show(f'rtp.p_type and frame.comment matches "leg {leg} "', "udp.length")}
                  for leg in (0, 1)}
        self.assertTrue(min(octets[0]) > max(octets[1]) == 8 + 12 + 160, octets)
        copies = [copy for copy in self.collector.copies if copy.kind == SIP and "/WSS " in copy.text]
        self.assertTrue(copies)
        self.assertEqual({copy.chunks[2] for copy in copies}, {6})

    def test_decrypted(self):
        """Both legs are RTP of their payload types; what was said in SRTP is heard."""
        self.talk("--decrypted", reports=True)
        self.assertEqual(self.kinds(0), {(kind, way) for kind in ("STUN", "DTLS", "RTP", "RTCP") for way in (1, 2)})
        for leg in (0, 1):
            for way in ("1", "2"):
                shown = self.show(f'rtp.p_type and frame.comment matches "leg {leg} " and frame.packet_flags_direction == {way}',
                                  "rtp.p_type", "rtp.payload", options=trace.AS_PLAIN)
                self.assertEqual({kind for kind, _ in shown}, {"0"})
                payloads = [bytes.fromhex(payload) for _, payload in shown]
                self.assertEqual({len(payload) for payload in payloads}, {160})
                if (leg, way) in ((0, "2"), (1, "1")):
                    self.assertEqual(tone.loudest(PCMU.samples(payloads[-25:]), 8000)[0], 440)
        self.assertEqual(self.show("rtcp and _ws.malformed", "frame.number", options=trace.AS_PLAIN), [])
        self.assertTrue(self.show('rtcp.pt == 200 and frame.comment matches "leg 0 "', "frame.number",
                                  options=trace.AS_PLAIN))


class SharedPort(BrowserTest):
    """All media of browsers on one UDP port for each of two workers."""

    node_options = {"webrtc": 2}
    talk = Audio.talk
    test_browser_calls_a_phone = Audio.test_browser_calls_a_phone
    test_phone_calls_a_browser = Audio.test_phone_calls_a_browser
    test_two_browsers = Audio.test_two_browsers
    test_the_node_is_killed = Audio.test_the_node_is_killed

    def test_join_of_two_workers(self):
        """Who joins the call of another worker is asked to come to the port of that one: JsSIP and Chromium do so by themselves."""
        self.phone(extra="answermode=auto;audio_codecs=opus/48000/2", modules=("opus",))
        page, other = self.web("1001"), self.another("1003")
        ports = []
        for caller in (page, other):
            caller.call("1002")
            caller.wait("talking")
            caller.tone(440)
            ports.append(caller.run("+phone.connection.remoteDescription.sdp.match(/^m=audio (\\d+)/m)[1]"))
        self.assertEqual(sorted(ports), list(self.node.webrtc_ports))
        ids = {call["from"]: call["id"] for call in self.node.ctl("call.list")}
        self.node.ctl("call.join", **{"call": ids["1001"], "leg": "a", "with": ids["1003"], "with_leg": "a"})
        page.tone(600, 10)
        other.tone(1000, 10)
        self.assertIn(f"m=audio {ports[0]} ", other.run("phone.connection.remoteDescription.sdp"))
        page.hangup()
        other.wait("ended")

    def test_calls_share_a_port(self):
        """Two at once on one worker or two, with sound and picture bundled: each has its own."""
        self.phone(extra="answermode=auto;audio_codecs=PCMU/8000/1")
        watched = self.web("1003")
        watched.answer_all(video=True)
        caller, other = self.web("1001"), self.web("1001")      # 1002 would be called itself, too
        caller.call("1003", video=True)
        for page in (caller, watched):
            page.wait("talking")
            ports = page.run("phone.connection.remoteDescription.sdp.match(/^m=\\w+ \\d+/gm).map(l => +l.split(' ')[1])")
            self.assertEqual(len(set(ports)), 1, ports)
            self.assertIn(ports[0], self.node.webrtc_ports)
        other.call("1002")
        other.wait("talking")
        other.tone(440)
        for page in (caller, watched):
            page.tone(1000)
            page.until("phone.size()[0] === 320 && phone.size()[1] === 240")


if __name__ == "__main__":
    unittest.main()

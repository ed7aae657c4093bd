# SPDX-License-Identifier: Apache-2.0
"""The phone in the page, with the microphone of a Chromium that hears 1000 Hz: its calls, and that they outlive the page, the network and the node."""
import contextlib
import json
import threading
import time
import unittest

from lib import browser, pages
from lib.node import Node
from lib.sip import SipError
from patience import slowness, until
from tandem_client import Client
from web_test import Walks

LONG = 30
PCS = "const Real = RTCPeerConnection; pcs = []; RTCPeerConnection = class extends Real { constructor(...a) { super(...a); pcs.push(this); } };"
CAME = "pcs[pcs.length - 1].getStats().then(all => [...all.values()].filter(r => r.type === 'inbound-rtp' && r.kind === 'audio').reduce((n, r) => n + r.packetsReceived, 0))"
VOLUMES = "volumes = []; const plays = HTMLMediaElement.prototype.play; HTMLMediaElement.prototype.play = function () { volumes.push(this.volume); return plays.call(this); };"
SILENCE_S = 3
# What rings, and through what: the pitches of a ringtone, and the speaker, of a browser with a headset's beside its own.
RINGS = """pitches = []; through = [];
AudioContext = class extends AudioContext { createOscillator() { const made = super.createOscillator(), start = made.start.bind(made); made.start = at => { pitches.push(made.frequency.value); start(at); }; return made; }
  setSinkId(id) { through.push(id); return Promise.resolve(); } };
navigator.mediaDevices.enumerateDevices = async () => [{ kind: 'audiooutput', deviceId: 'own', label: 'Speaker' }, { kind: 'audiooutput', deviceId: 'worn', label: 'Stand-in (USB)' }];"""
# A headset in the place of the browser's: what its lights are told, and a press of its button.
HEADSET = """const item = usages => ({ isArray: false, isAbsolute: true, isRange: false, usages, reportSize: 1, reportCount: usages.length });
lights = []; headset = Object.assign(new EventTarget(), { productName: 'Stand-in', opened: false, open: async () => { headset.opened = true; }, close: async () => {},
  sendReport: async (id, octets) => { lights.push([...octets].join()); },
  collections: [{ usagePage: 0x0b, inputReports: [{ reportId: 2, items: [item([0x0b0020, 0x0b002f])] }],
                  outputReports: [{ reportId: 3, items: [item([0x080017, 0x080018, 0x080009])] }] }] });
press = octet => headset.dispatchEvent(Object.assign(new Event('inputreport'), { reportId: 2, data: new DataView(new Uint8Array([octet]).buffer) }));
let allowed = [];
Object.defineProperty(navigator, 'hid', { value: Object.assign(new EventTarget(), { getDevices: async () => allowed, requestDevice: async () => allowed = [headset] }) });"""


class Phones(Walks, unittest.TestCase):
    """One node and one browser for all tests; each has extensions of its own."""
    numbers = iter(range(2000, 3000))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = Node(settings=cls.settings)
        cls.addClassCleanup(cls.node.close)
        with Client(cls.node.redis_socket, "_operator") as client:
            client.ask("tenant.put", name="default", park_groups="all=700-709")

    def setUp(self):
        self.own, self.other, self.third = (str(next(self.numbers)) for _ in range(3))
        for number in (self.own, self.other, self.third):
            self.node.put_extension(number, "secret" + number)
        self.b, self.audio_b = self.desk(self.other)

    def desk(self, number):
        agent, audio = self.node.user_agent(number, "secret" + number), self.node.media()
        for thing in (agent, audio):
            self.addCleanup(thing.close)
        self.assertEqual(agent.register().status, 200)
        return agent, audio

    def phone(self, number=None):
        """A page in which the phone is turned on."""
        number = number or self.own
        page = self.client(number)
        page.say("Page.addScriptToEvaluateOnNewDocument", source=PCS)
        page.run(PCS.replace("const Real", "var Real") + "0")
        page.click("Turn on")
        page.fill("#phone-password", "secret" + number)
        page.click("Turn on", "dialog button")
        page.shows("Calls to you ring here, too")
        return page

    def talk(self, page, agent=None, audio=None, number=None):
        """It calls the desk phone; the dialog there."""
        agent, audio = agent or self.b, audio or self.audio_b
        page.go(self.url("client#/"))
        page.fill("input[placeholder=Number]", number or self.other)
        page.click("Call", "form button")
        into = agent.incoming()
        into.respond(200, "OK", body=audio.sdp())
        into.wait_ack()
        audio.use(into.request)
        audio.start(880)
        threading.Thread(target=self.agrees, args=(into, audio), daemon=True).start()
        self.hears(audio)
        return into

    def hears(self, audio, hertz=1000):
        audio.wait_tone(hertz, anew=True)

    def comes(self, page):
        """Packets reach the page."""
        page.until("typeof pcs === 'object' && pcs.length")
        before = page.run(CAME)
        until(lambda: page.run(CAME) > before + 10)

    @staticmethod
    def agrees(into, audio):
        """It answers what it is asked within its dialog, until its test is over."""
        with contextlib.suppress(SipError, OSError):
            while True:
                into.wait_reinvite(audio.sdp())

    def over(self, page, into):
        page.click("Hang up", ".phone-bar button")
        into.wait_bye()
        page.until("!document.querySelector('.phone-call')")
        self.fine(page)


class Outlives(Phones):
    def test_reload(self):
        """WEB-12: the page is loaded anew in a call: without a password the phone is there, and both hear each other within 3 s."""
        page = self.phone()
        into = self.talk(page)
        silences = []
        for _ in range(2):
            began = time.monotonic()
            page.reload()
            page.until("document.querySelector('.phone-call[data-state=talking]')")
            self.hears(self.audio_b)
            self.comes(page)
            silences.append(round(self.audio_b.gap(began), 2))
            self.assertLess(silences[-1], SILENCE_S * slowness())
        print(json.dumps({"reload_silence_s": silences}))
        page.shows(self.other)
        page.click("Mute", ".phone-bar button")
        page.reload()
        page.until("document.querySelector('.phone-call[data-state=talking]')")
        page.shows("Muted", "Unmute")
        page.click("Hold", ".phone-bar button")
        page.shows("On hold")
        page.reload()
        page.until("document.querySelector('.phone-call[data-state=talking]')")
        page.shows("On hold", "Resume")
        self.over(page, into)
        page.reload()
        page.shows("Calls to you ring here, too")
        page.click("Turn off")
        page.reload()
        page.shows("Turn on")

    def test_reload_before_the_ack(self):
        """The page that took the call again is gone before its ACK is at the node: the next one takes the place that it was to have."""
        page = self.phone()
        into = self.talk(page)
        lossy = page.say("Page.addScriptToEvaluateOnNewDocument", source="const send = WebSocket.prototype.send; WebSocket.prototype.send = function (text) {"
                         " if (!/^ACK /.test(text)) send.call(this, text); }")["identifier"]
        page.reload()
        page.until("document.querySelector('.phone-call[data-state=talking]')")
        page.say("Page.removeScriptToEvaluateOnNewDocument", identifier=lossy)
        page.reload()
        page.until("document.querySelector('.phone-call[data-state=talking]')")
        self.hears(self.audio_b)
        self.comes(page)
        self.over(page, into)

    def test_ended_meanwhile(self):
        """Whose call was ended while the page was away is told so, and has no ghost of it."""
        page = self.phone()
        into = self.talk(page)
        page.say("Page.navigate", url="about:blank")
        page.until("location.href === 'about:blank'")      # else it hears of that itself
        into.bye()
        page.say("Page.navigate", url=self.url("client#/"))
        page.shows("has ended meanwhile")
        page.until("!document.querySelector('.phone-call')")
        self.fine(page)

    def test_another_network(self):
        """The browser says that it is on line again: the leg is taken anew, by the way that there is now."""
        page = self.phone()
        into = self.talk(page)
        page.say("Network.enable")
        began = time.monotonic()
        for offline in (True, False):
            page.say("Network.emulateNetworkConditions", offline=offline, latency=0, downloadThroughput=-1, uploadThroughput=-1)
        page.until("pcs.length === 2 && pcs[1].iceConnectionState === 'connected'")
        self.hears(self.audio_b)
        self.comes(page)
        print(json.dumps({"network_silence_s": round(self.audio_b.gap(began), 2)}))
        self.assertLess(self.audio_b.gap(began), SILENCE_S * slowness())
        self.over(page, into)

    def test_the_session_is_renewed(self):
        """The session comes near its end in a call: it is renewed, and the call goes on by the same leg."""
        page = self.phone()
        page.say("Page.addScriptToEvaluateOnNewDocument", source="const every = setInterval; renewals = []; setInterval = (f, ms, ...a) => { if (ms === 600000) renewals.push(f); return every(f, ms, ...a); };")
        page.reload()
        page.shows("Calls to you ring here, too")
        into = self.talk(page)
        ends = lambda: self.node.ctl("session.list", number=self.own)[0]["expires_utc_s"]
        before = ends()
        time.sleep(2)
        page.run("(() => { const now = Date.now; Date.now = () => now.call(Date) + 3 * 3600000; renewals.forEach(f => f()); Date.now = now; })()")
        until(lambda: ends() > before)
        page.until(f"JSON.parse(localStorage['tandem-client']).expires_utc_s === {ends()}")
        self.hears(self.audio_b)
        self.comes(page)
        self.assertEqual(page.run("pcs.length"), 1)
        self.over(page, into)

    def test_the_node_is_killed(self):
        """Its successor has the call: nothing is asked for, both hear each other, and who hangs up ends it in the page."""
        page = self.phone()
        into = self.talk(page)
        until(lambda: all(call["saved"] for call in self.node.ctl("call.list")))
        self.node.kill()
        began = time.monotonic()
        self.node.restart()
        self.hears(self.audio_b)
        self.comes(page)
        page.shows("Calls to you ring here, too")
        print(json.dumps({"kill_silence_s": round(self.audio_b.gap(began - 1), 2)}))
        into.bye()
        page.until("!document.querySelector('.phone-call')")
        self.fine(page)


class Does(Phones):
    def test_signs_in_before_it_is_drawn(self):
        """A browser with much to do, or a tab behind others, draws late: who signs in meanwhile is in all the same."""
        page = self.page("client")
        page.say("Page.addScriptToEvaluateOnNewDocument", source="requestAnimationFrame = () => 0; const later = setTimeout;"
                 " setTimeout = (f, ms, ...a) => later(f, ms > 0 ? 2000 + ms : ms, ...a)")
        page.reload()
        page.until("document.querySelector('#number')")
        page.fill("#number", self.own)
        page.fill("#password", "secret" + self.own)
        page.click("Sign in", "form button")
        page.shows(f"Extension {self.own}")

    def test_it_calls_and_is_called(self):
        page = self.client(self.own)
        page.click("Turn on")
        page.fill("#phone-password", "wrong")
        page.click("Turn on", "dialog button")
        page.until("document.querySelector('.notice.bad')")
        page.click("Turn on")
        page.fill("#phone-password", "secret" + self.own)
        page.click("Turn on", "dialog button")
        page.shows("Calls to you ring here, too")
        page.fill("input[placeholder=Number]", self.other)
        page.click("Call", "form button")
        into = self.b.incoming()
        into.ring()
        page.shows("Hearing ringback")
        into.respond(200, "OK", body=self.audio_b.sdp())
        into.wait_ack()
        self.audio_b.use(into.request)
        page.until("document.querySelector('.phone-call[data-state=talking]')")
        self.hears(self.audio_b)
        self.assertEqual(page.violations_of_axe(pages.axe()), [])
        self.picture(page, "client", "phone", "light")
        page.click("Keys", ".phone-bar button")
        page.click("7", ".phone-bar [role=group] button")
        self.assertEqual(self.audio_b.wait_digits("7"), "7")
        page.click("Hang up", ".phone-bar button")
        into.wait_bye()
        page.until("!document.querySelector('.phone-call')")
        out = self.b.invite(self.own, self.audio_b.sdp())
        page.until("document.querySelector('.phone-call[data-state=ringing]')")
        page.click("Answer here")
        self.audio_b.use(out.wait_answer())
        page.until("document.querySelector('.phone-call[data-state=talking]')")
        out.bye()
        page.until("!document.querySelector('.phone-call')")
        self.fine(page)

    def test_a_part_that_is_gone(self):
        """The node was upgraded while a call is in the page: a part that does not come says so, and the call stays."""
        page = self.phone()
        into = self.talk(page)
        known = page.run("performance.getEntriesByType('resource').map(e => e.name.split('/').pop())")
        page.say("Network.enable")
        page.say("Network.setBlockedURLs", urls=[f"*{path.name}" for path in pages.BUNDLE.glob("part-*.js") if path.name not in known])
        page.run("former = 1; location.hash = '#/messages'; 0")
        page.shows("This page could not be fetched.")
        self.hears(self.audio_b)
        self.assertEqual(page.run("[former, pcs.length]"), [1, 1])
        page.say("Network.setBlockedURLs", urls=[])
        page.click("Load it again")
        page.until("document.querySelector('h1')?.innerText === 'Voicemail'")
        self.hears(self.audio_b)
        self.over(page, into)

    def test_no_microphone(self):
        """WEB-01: a browser without a microphone that it may use is no phone, and the page says why; once it may, it is one."""
        page = self.client(self.own)
        page.run("asked = navigator.mediaDevices.getUserMedia; navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError')); 0")
        for allowed, words in ((False, "does not let this page hear the microphone"), (True, "Calls to you ring here, too")):
            page.run(f"if ({json.dumps(allowed)}) navigator.mediaDevices.getUserMedia = asked; 0")
            page.click("Turn on")
            page.fill("#phone-password", "secret" + self.own)
            page.click("Turn on", "dialog button")
            page.shows(words)
            self.assertEqual(len(self.node.ctl("registration.list", number=self.own)), allowed)
        self.fine(page)

    def test_one_of_a_browser(self):
        """A second tab is no second phone."""
        first = self.client(self.own)
        second = pages.WebPage(self.chromium, self.url("client#/"), context=first.context)
        self.addCleanup(second.close)
        for page, words in ((first, "Calls to you ring here, too"), (second, "Another tab of this browser is the phone.")):
            page.click("Turn on")
            page.fill("#phone-password", "secret" + self.own)
            page.click("Turn on", "dialog button")
            page.shows(words)

    def test_transfers(self):
        """Blind, to a number; and one call with the other, behind a question: the page has neither any more."""
        page = self.phone()
        first = self.talk(page)
        page.click("More", ".phone-bar button")
        page.fill("input[placeholder='Transfer to']", self.third)
        c, audio_c = self.desk(self.third)
        page.click("Transfer", ".more button")
        third = c.incoming()
        third.respond(200, "OK", body=audio_c.sdp())
        third.wait_ack()
        page.until("!document.querySelector('.phone-call')")
        first.bye()
        third.wait_bye()
        first = self.talk(page)
        second = self.talk(page, c, audio_c, self.third)
        page.shows("On hold")
        page.click("More", ".phone-call:last-child button")
        page.click(f"Connect with {self.other}", ".more button")
        page.until("!document.querySelector('.phone-call')")
        self.hears(self.audio_b, 880)
        first.bye()
        second.wait_bye()
        self.fine(page)

    def test_conference_park_and_code(self):
        page = self.phone()
        self.node.ctl("extension.put", number=self.own, record="on_demand", account_code="optional", park_groups="all")
        first = self.talk(page)
        page.click("More", ".phone-bar button")
        self.assertEqual(page.violations_of_axe(pages.axe()), [])
        page.size(360, 740)
        self.assertEqual(page.too_wide(2), "")
        page.size(1360, 860)
        self.picture(page, "client", "phone-more", "light")
        call = next(row for row in self.node.ctl("call.list") if row["from"] == self.own)["id"]
        page.fill("input[placeholder='Account code']", "4711")
        page.click("Set", ".more button")
        until(lambda: self.node.ctl("call.show", call=call)["account_code"] == "4711")
        page.click("Record", ".more button")
        until(lambda: self.node.ctl("call.show", call=call)["recordings"])
        page.click("Stop recording", ".more button")
        until(lambda: not self.node.ctl("call.show", call=call)["recordings"])
        c, audio_c = self.desk(self.third)
        page.fill("input[placeholder='Add to a conference']", self.third)
        page.click("Add", ".more button")
        third = c.incoming()
        third.respond(200, "OK", body=audio_c.sdp())
        third.wait_ack()
        audio_c.use(third.request)
        audio_c.start(440)
        until(lambda: len(self.node.ctl("conference.list")) == 1)
        third.bye()
        until(lambda: not self.node.ctl("conference.list"))
        page.click("Park", ".more button")
        page.shows("It is parked at")
        page.until("!document.querySelector('.phone-call')")
        first.bye()
        self.fine(page)

    def test_parked(self):
        """PARK-01, WEB-04: the page lists the slots of the groups that its user is in, who waits there, unless he hides, and retrieves him; nobody else sees it."""
        self.node.ctl("extension.put", number=self.own, park_groups="all")
        page, other = self.phone(), self.client(self.third)
        page.shows("Parked calls", "Nobody is parked")
        first = self.talk(page)
        page.click("More", ".phone-bar button")
        page.click("Park", ".more button")
        page.until("!document.querySelector('.phone-call') && document.querySelector('[data-slot]')")
        slot, = (row["slot"] for row in self.node.ctl("park.list"))
        page.shows(f"Slot {slot}", f"{self.other} parked by {self.own}")
        self.assertEqual(page.violations_of_axe(pages.axe()), [])
        self.picture(page, "client", "parked", "light")
        other.shows("Nobody is parked")
        page.click(f"Retrieve the call of slot {slot}")
        page.until("document.querySelector('.phone-call[data-state=talking]')")
        self.hears(self.audio_b)
        page.shows("Nobody is parked")
        self.over(page, first)
        out = self.b.invite(self.own, self.audio_b.sdp(), headers=[("Privacy", "id")])      # who hides is not named there either
        page.click("Answer here")
        self.audio_b.use(out.wait_answer())
        threading.Thread(target=self.agrees, args=(out, self.audio_b), daemon=True).start()
        page.click("More", ".phone-bar button")
        page.click("Park", ".more button")
        page.until("document.querySelector('[data-slot]')?.innerText.includes('unknown')")
        self.assertNotIn(self.other, page.run("document.querySelector('[data-slot]').innerText"))
        self.assertEqual([row["party"] for row in self.node.ctl("park.list")], [self.other])
        out.bye()
        self.fine(other)

    def test_answers_by_itself(self):
        """Told so by the node, as a session asks it to, or by its user."""
        page = self.phone()
        out = self.b.invite(self.own, self.audio_b.sdp())
        page.until("document.querySelector('.phone-call[data-state=ringing]')")
        page.shows("Your calls")
        page.click("Answer", ".own-call button")
        page.until("document.querySelector('.phone-call[data-state=talking]')")
        out.wait_answer()
        out.bye()
        page.until("!document.querySelector('.phone-call')")
        page.go(self.url("client#/settings"))
        page.shows("This browser", "Microphone", "Ring through")
        page.click("Test the microphone")
        page.until("document.querySelector('meter')?.value > 0.3")
        page.click("Stop the test")
        page.run("[...document.querySelectorAll('.switch')].find(e => e.innerText.includes('answers by itself')).querySelector('input').click()")
        out = self.b.invite(self.own, self.audio_b.sdp())
        page.until("document.querySelector('.phone-call[data-state=talking]')")
        out.wait_answer()
        out.bye()
        page.until("!document.querySelector('.phone-call')")
        page.run("[...document.querySelectorAll('.switch')].find(e => e.innerText.includes('groups and queues alone')).querySelector('input').click()")
        out = self.b.invite(self.own, self.audio_b.sdp())
        page.until("performance.getEntriesByType('resource').some(e => /v1\\/calls\\/[^/?]+$/.test(e.name))")     # the node has said that it is of no group
        self.assertEqual(page.run("document.querySelector('.phone-call').dataset.state"), "ringing")
        out.cancel()
        out.wait_final()
        page.until("!document.querySelector('.phone-call')")
        self.node.ctl("group.put", name="all", members=self.own)
        self.node.ctl("number.put", number="7400", to="group:all")
        out = self.b.invite("7400", self.audio_b.sdp())
        page.until("document.querySelector('.phone-call[data-state=talking]')")
        out.wait_answer()
        out.bye()
        page.until("!document.querySelector('.phone-call')")
        self.fine(page)

    def test_at_the_top(self):
        """WEB-02, WEB-12: name and state of who is signed in, help, the phone of the browser and its volume; and what is said goes first, where one wants that."""
        self.node.ctl("extension.put", number=self.own, display_name="Ann Example")
        page = self.client(self.own)
        page.say("Page.addScriptToEvaluateOnNewDocument", source=PCS + VOLUMES)
        page.reload()
        top = "document.querySelector('header.top')"
        page.until(f"{top}?.querySelector('.account .dot:not(.good)') && {top}.innerText.includes('Ann Example')")
        page.click("Phone in this browser", "header.top button")
        page.fill("#phone-password", "secret" + self.own)
        page.click("Turn on", "dialog button")
        page.until(f"{top}.querySelector('[aria-pressed=true]') && {top}.querySelector('.account .dot.good')")
        page.fill("#volume", "30")
        into = self.talk(page)
        page.until(f"volumes.at(-1) === 0.3 && {top}.querySelector('.account .dot.bad')")
        page.click("Help and settings", "header.top summary")
        page.click("Settings", "header.top a")
        page.until("document.querySelector('#priority')")
        priority = "pcs.at(-1).getSenders().find(one => one.track?.kind === 'audio').getParameters().encodings[0].networkPriority"
        page.until(f"{priority} === 'low'")
        page.fill("#priority", "high")
        page.until(f"{priority} === 'high'")
        page.click("Help and settings", "header.top summary")
        page.click("Help", "header.top a")
        page.shows("By keyboard")
        self.over(page, into)
        page.click("Phone in this browser", "header.top button")
        page.until(f"{top}.querySelector('[aria-pressed=false]')")
        self.fine(page)

    def test_a_headset(self):
        """MED-14: its button answers and hangs up, its lights follow, mute goes both ways."""
        page = self.phone()
        page.say("Page.addScriptToEvaluateOnNewDocument", source=HEADSET)
        page.reload()
        page.shows("Calls to you ring here, too")
        page.go(self.url("client#/settings"))
        page.click("Use the call button of a headset")
        page.shows("Stand-in")
        out = self.b.invite(self.own, self.audio_b.sdp())
        page.until("lights.at(-1) === '2'")
        page.run("press(1)")
        out.wait_answer()
        page.until("lights.at(-1) === '1'")
        page.run("press(3)")
        page.until("lights.at(-1) === '5'")
        page.click("Unmute", ".phone-bar button")
        page.until("lights.at(-1) === '1'")
        page.run("press(0)")
        out.wait_bye()
        page.until("lights.at(-1) === '0' && !document.querySelector('.phone-call')")
        self.fine(page)

    def test_ringtone(self):
        """MED-14, WEB-12: a call rings by the ringtone that was chosen, through the speaker of the headset, and through another one where that was chosen."""
        page = self.phone()
        page.say("Page.addScriptToEvaluateOnNewDocument", source=HEADSET + RINGS)
        page.reload()
        page.shows("Calls to you ring here, too")
        page.go(self.url("client#/settings"))
        page.click("Use the call button of a headset")
        page.shows("Stand-in")
        page.reload()
        page.run("allowed")     # of this page, as of a browser that keeps what was allowed
        page.go(self.url("client#/settings"))
        page.click("Use the call button of a headset")
        page.shows("Stand-in")
        for tone, speaker, pitches in (("usual", "", [480, 480]), ("deep", "", [280, 220]), ("bright", "own", [880, 1109, 1319])):
            page.until("document.querySelector('#device-ringer')?.options.length > 2")
            page.fill("#ringtone", tone)
            page.fill("#device-ringer", speaker)
            page.run("pitches = []; through = []; 0")
            page.click("Hear it")
            page.until(f"JSON.stringify(pitches.slice(0, {len(pitches)})) === {json.dumps(json.dumps(pitches, separators=(',', ':')))}")
            page.run("pitches = []; through = []; 0")
            out = self.b.invite(self.own, self.audio_b.sdp())
            page.until(f"JSON.stringify(pitches.slice(0, {len(pitches)})) === {json.dumps(json.dumps(pitches, separators=(',', ':')))}")
            page.until(f"through.at(-1) === {json.dumps(speaker or 'worn')}")
            out.cancel()
            out.wait_final()
            page.until("!document.querySelector('.phone-call')")
        self.fine(page)

    def test_diagnosis(self):
        """WEB-10: outside it is called as the line that was chosen; the page shows its SIP messages and how the call sounds, and hands both over without what proves who registers."""
        self.node.ctl("extension.put", number=self.own, outside_numbers="+15550199,+15550198")
        page = self.phone()
        page.go(self.url("client#/settings"))
        page.until("document.querySelector('#line')")
        page.fill("#line", "+15550198")
        into = self.talk(page)
        page.go(self.url("client#/diagnosis"))
        page.shows("SIP messages", f"→ INVITE sip:{self.other}@", "← 200 OK", "packets came")
        self.assertEqual(page.violations_of_axe(pages.axe()), [])
        page.size(360, 740)
        self.assertEqual((page.too_wide(2), page.cut_off()), ("", ""))
        self.picture(page, "client", "diagnosis", "phone")
        page.size(1360, 860)
        page.run("const made = URL.createObjectURL; URL.createObjectURL = blob => { blob.text().then(text => file = text); return made(blob); }; 0")
        page.click("Save as a file")
        page.until("typeof file === 'string'")
        said = json.loads(page.run("file"))
        messages = [one["message"] for one in said["messages"]]
        invite, = [one for one in messages if one.startswith(f"INVITE sip:{self.other}@") and "Authorization" not in one]
        self.assertIn("P-Preferred-Identity: <sip:%2B15550198@", invite)
        self.assertTrue(any(one.startswith("REGISTER ") and "\r\nAuthorization: …\r\n" in one for one in messages))
        self.assertNotIn("response=", json.dumps(said))
        self.assertGreater(said["quality"][0]["samples"][-1]["packets"], 0)
        self.over(page, into)

    def test_by_touch(self):
        """WEB-13: as a phone's browser has it, upright and lying: by touches alone one signs in, opens the menu, turns the phone on, answers, holds, and hangs up."""
        page = self.page("client")
        page.say("Emulation.setTouchEmulationEnabled", enabled=True)
        page.say("Emulation.setUserAgentOverride", userAgent="Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Mobile Safari/537.36")
        turn = lambda width, height: page.say("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2.6, mobile=True)
        turn(412, 915)
        page.reload()

        def tap(words, of="button, a"):
            found = f"[...document.querySelectorAll({json.dumps(of)})].find(e => e.checkVisibility() && (e.innerText + ' ' + (e.getAttribute('aria-label') ?? '')).includes({json.dumps(words)}))"
            page.until(found)
            x, y = page.run(f"(() => {{ const e = {found}; e.scrollIntoView({{block: 'center'}}); const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()")
            page.say("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
            page.say("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

        page.fill("#number", self.own)
        page.fill("#password", "secret" + self.own)
        tap("Sign in", "form button")
        page.shows(f"Extension {self.own}")
        tap("Turn on")
        page.fill("#phone-password", "secret" + self.own)
        tap("Turn on", "dialog button")
        page.shows("Calls to you ring here, too")
        out = self.b.invite(self.own, self.audio_b.sdp())
        tap("Answer here")
        self.audio_b.use(out.wait_answer())
        threading.Thread(target=self.agrees, args=(out, self.audio_b), daemon=True).start()
        self.hears(self.audio_b)
        for width, height in ((412, 915), (915, 412)):
            turn(width, height)
            self.assertEqual(page.too_wide(2), "")
            tap("Pages", ".menu-button") if width < 820 else None
            tap("History", "nav a")
            page.until("document.querySelector('h1')?.innerText === 'History'")
            self.assertEqual(page.too_wide(2), "")
        tap("Hold", ".phone-bar button")
        page.shows("On hold")
        tap("Hang up", ".phone-bar button")
        out.wait_bye()
        page.until("!document.querySelector('.phone-call')")
        self.fine(page)

    def test_taken_from_a_colleague(self):
        """MON-03: a call that rings at a colleague's rings here, is answered here, and rings there no more."""
        for number in (self.own, self.other):
            self.node.ctl("extension.put", number=number, pickup_groups="1")
        self.node.ctl("extension.put", number=self.own, lamps=f"1=blf:{self.other}")
        page = self.phone()
        page.until(f"document.querySelector('[data-user=\"{self.other}\"] .dot.good')")     # idle: a click rings him
        page.click(f"Call {self.other}", "[data-user] button")
        self.b.incoming().reject(486, "Busy Here")
        page.until("!document.querySelector('.phone-call')")
        c, audio_c = self.desk(self.third)
        out = c.invite(self.other, audio_c.sdp())
        there = self.b.incoming()
        there.ring()
        page.click("Take", "button")
        page.click("Answer here")
        audio_c.use(out.wait_answer())
        there.wait_cancel()
        self.hears(audio_c)
        out.bye()
        page.until("!document.querySelector('.phone-call')")
        self.fine(page)

    def test_no_sound_yet(self):
        """A browser that plays nothing before somebody pressed something shows a button for that."""
        page = self.phone()
        page.run("HTMLMediaElement.prototype.play = function () { return Promise.reject(new DOMException('no', 'NotAllowedError')); }; 0")
        into = self.talk(page)
        page.shows("Turn sound on")
        page.run("HTMLMediaElement.prototype.play = function () { return Promise.resolve(); }; 0")
        page.click("Turn sound on")
        page.until("!document.body.innerText.includes('Turn sound on')")
        self.over(page, into)

    def test_pictures(self):
        """Two pages that see each other: the one is asked with video, and answers with it."""
        page, far = self.phone(), self.phone(self.third)
        page.fill("input[placeholder=Number]", self.third)
        page.click("With video", "form button")
        far.click("Answer with video")
        for each in (page, far):
            each.until("[...document.querySelectorAll('video.picture:not(.own)')].some(e => e.videoWidth > 0 && e.clientWidth > 300)")
        page.click("Hang up", ".phone-bar button")
        far.until("!document.querySelector('.phone-call')")
        for each in (page, far):
            self.fine(each)

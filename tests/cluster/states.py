# SPDX-License-Identifier: Apache-2.0
"""The states that a call is in when something befalls its node, and how it goes on from there: with phones, and to its end."""
import threading
import time

from lib.media import Media
from lib.message import parameter
from lib.sip import SipError, or_none
from lib.srtp import Key
from lib.webrtc import WebRtc

from patience import PATIENCE_S

from .talk import ANSWERS_S, Call, media_of, sdp

AGAIN_S, ASKED_S = 5, 60
TONE_A, TONE_B, PACKETS = 440, 880, 10
SOUND, PROMPT, APPLICATION = 620, "prompt.wav", "ivr"
KEYS_BEFORE, KEYS_AFTER = "12", "34"
WAITS_MS = 120000           # longer than a round
FIRST_SLOT, PARKS = 10, "%2341"     # "#41"
ROOM, MEMBERS = "9900", 10          # of each pair in it: 200 of 20 pairs
ROOM_PORT = 11000


class Open(Call):
    """A call in a state of its own. lot: what the pair of phones has (passing.py)."""

    def __init__(self, lot):
        self.lot, self.after = lot, []
        super().__init__(*self._pair(lot), lot.phones.number())

    @staticmethod
    def _pair(lot):
        return lot.caller, lot.callee

    def _comes(self, callee):
        """A copy of what came for the call before is no new one."""
        while (call := super()._comes(callee)).call_id in self.lot.seen:
            pass
        self.lot.seen.add(call.call_id)
        return call

    def _begin(self):
        """On its way into its state."""
        raise NotImplementedError

    def _goes_on(self):
        """From there: then both talk."""

    def end(self, by_caller):
        self._noted(self._goes_on)
        if not self.fault:
            super().end(by_caller)
        for media in self.after:
            media.close()

    @staticmethod
    def _again_while(refused, ask):
        """The response, once it is no such one."""
        end = time.monotonic() + AGAIN_S
        while (response := ask()).status in refused and time.monotonic() < end:
            time.sleep(0.1)
        return response

    def change(self, offer, answer):
        """A re-INVITE of the caller."""
        ends = [media.replace("a=ptime", f"a={word}\r\na=ptime") for media, word in zip(self.sdp, (offer, answer))]
        answers = threading.Thread(target=self._noted, args=(lambda: self.takes(self.into, ends[1]),))
        answers.start()
        response = self._again_while((500,), lambda: self.out.reinvite(ends[0]))   # it had not come to an end with our last one (RFC 3261 14.2)
        answers.join()
        if response.status != 200:
            raise SipError(f"a re-INVITE: {response.start}")

    @staticmethod
    def answers(dialog, request, sdp):
        """200, and again until it is acknowledged (RFC 3261 13.3.1.4): hundreds do so at once in the end, and not all of it arrives."""
        agent, tag = dialog.agent, None if parameter(request.get("To"), "tag") else dialog.tag
        is_ack = lambda m: m.is_request and m.method == "ACK" and m.call_id == dialog.call_id and m.cseq == request.cseq
        for seconds in ANSWERS_S:
            agent.respond(request, 200, "OK", tag, [("Contact", agent.contact)], sdp)
            if or_none(agent.take, is_ack, seconds, "ACK"):
                return
        raise SipError(f"no ACK to {agent.number}")

    def takes(self, dialog, sdp):
        """A re-INVITE of the node."""
        self.answers(dialog, dialog.take_reinvite(), sdp)

    def refers(self, number):
        """The callee gives its party away."""
        target = ("Refer-To", f"<sip:{number}@{self.into.agent.home}>")
        response = self._again_while((403,), lambda: self.into.transact(self.into.in_dialog("REFER", [target])))  # the caller's ACK is not there yet
        if response.status != 202:
            raise SipError(f"REFER: {response.start}")

    def notified(self, line):
        """By NOTIFY."""
        while True:
            notify = self.into.agent.take_request("NOTIFY", call_id=self.into.call_id)
            self.into.agent.respond(notify, 200, "OK")
            if notify.body.startswith(b"SIP/2.0 " + line):
                return
            if not notify.body.startswith(b"SIP/2.0 100"):
                raise SipError(f"told by NOTIFY: {notify.body}")


class Ringing(Open):
    state = "ringing"

    def _begin(self):
        self.into.ring()
        self.out.wait_provisional(180)

    def _goes_on(self):
        self.answer()


class Early(Ringing):
    state = "early media"

    def _begin(self):
        self.into.respond(183, "Session Progress", body=self.sdp[1])
        self.out.wait_provisional(183)


class Forwarded(Ringing):
    """Who is called sends it on to a third phone, which rings."""
    state = "forwarded"

    def _called(self, callee):
        return self.lot.forwards

    def _comes(self, callee):
        return super()._comes(self.lot.third)


class Looked(Ringing):
    """It goes to a name that nobody knows yet."""
    state = "waiting for a look-up"

    @staticmethod
    def _pair(lot):
        return lot.direct, lot.carrier

    def _called(self, callee):
        return self.lot.outside()

    def _comes(self, callee):
        self.lot.names.wait_asked(self.lot.name)

    def _begin(self):
        pass

    def _goes_on(self):
        self.into = super()._comes(self.lot.carrier)
        self.answer()


class Held(Open):
    state = "held"

    def _begin(self):
        self.answer()
        self.change("sendonly", "recvonly")

    def _goes_on(self):
        self.change("sendrecv", "sendrecv")


class Asked(Open):
    """The caller asks anew, and the other one has not answered."""
    state = "amid a re-INVITE"

    def _begin(self):
        self.answer()
        self.again = threading.Thread(target=self._noted, args=(self._asks,))
        self.again.start()
        self.asked = self.into.agent.take(lambda m: m.is_request and m.method == "INVITE" and m.call_id == self.into.call_id
                                          and parameter(m.get("To"), "tag"), what="re-INVITE")
        self.into.agent.respond(self.asked, 100, "Trying")

    def _asks(self):
        response = self._again_while((491, 500), lambda: self.out.reinvite(self.sdp[0], ASKED_S))     # the callee's ACK is not there yet
        if response.status != 200:
            raise SipError(f"a re-INVITE: {response.start}")

    def _goes_on(self):
        self.answers(self.into, self.asked, self.sdp[1])
        self.again.join()


class Parked(Open):
    """The callee has parked the caller, and another phone takes it."""
    state, records = "parked", 3

    def _begin(self):
        self.answer()
        self.refers(PARKS + self.lot.slot)
        self.notified(b"200")
        self.into.wait_bye()

    def _goes_on(self):
        self.into = self.lot.direct.invite(PARKS + self.lot.slot, self.sdp[1])
        self.into.wait_answer()
        or_none(self.out.wait_reinvite, self.sdp[0], 0.2)


class Transferred(Open):
    """The callee gives the caller to a third phone, which rings."""
    state, records = "being transferred", 2

    def _begin(self):
        self.answer()
        self.refers(self.lot.third.number)
        self.rung = self._comes(self.lot.third)
        self.rung.ring()

    def _goes_on(self):
        given = threading.Thread(target=self._noted, args=(lambda: self.takes(self.out, self.sdp[0]),))
        given.start()
        self.answers(self.rung, self.rung.request, self.sdp[1])
        given.join()
        self.notified(b"200")
        self.into.wait_bye()
        self.into = self.rung


class Heard(Open):
    """Both hear each other, before and afterwards."""

    def __init__(self, lot):
        self.ends = [self._end(lot) for _ in range(2)]
        super().__init__(lot)
        self.after += self.ends

    def _offers(self):
        return self.ends[0].sdp()

    def _hear(self):
        for end, hertz in zip(self.ends, (TONE_A, TONE_B)):
            end.start(hertz)
        try:
            for end, hertz in zip(self.ends, (TONE_B, TONE_A)):
                end.wait_tone(hertz, PACKETS, anew=True)
        finally:
            for end in self.ends:
                end.stop()

    _goes_on = _hear


class Sdes(Heard):
    state = "SRTP with SDES keys"

    @staticmethod
    def _pair(lot):
        return lot.keyed

    @staticmethod
    def _end(lot):
        end = Media(lot.ports, lot.caller.address)
        end.key_out = Key()
        return end

    def _begin(self):
        self.into.answer(self.ends[1].sdp())
        self.ends[0].use(self.out.wait_answer())
        self.ends[1].use(self.into.request)
        self._hear()


class Dtls(Heard):
    state = "DTLS-SRTP"

    @staticmethod
    def _pair(lot):
        return lot.webrtc

    @staticmethod
    def _end(lot):
        return WebRtc(lot.ports, lot.certificate, address=lot.caller.address)

    def _begin(self):
        self.ends[1].use(self.into.request)
        self.into.answer(self.ends[1].sdp(setup="active"))
        self.ends[0].use(self.out.wait_answer())
        for end in self.ends:
            end.wait_keys()
        self._hear()


class Alone(Open):
    """An application has answered it."""

    def __init__(self, lot):
        self.media = Media(lot.ports, lot.caller.address)
        super().__init__(lot)
        self.after.append(self.media)

    def _called(self, callee):
        return APPLICATION

    def _offers(self):
        return self.media.sdp()

    def _comes(self, callee):
        self.name = parameter(self.out.wait_provisional(180).get("To"), "tag").split(".")[0]

    def _begin(self):
        self.lot.node.ctl("call.answer", call=self.name)
        self.media.use(self.out.wait_answer())

    def end(self, by_caller):
        self._noted(self._goes_on)
        self._noted(self.out.bye)
        self.media.close()


class Playing(Alone):
    state = "playing"

    def _begin(self):
        super()._begin()
        self.lot.node.ctl("call.play", call=self.name, file=PROMPT, times="0")
        self.media.wait_tone(SOUND, PACKETS)

    def _goes_on(self):
        self.media.wait_tone(SOUND, PACKETS, anew=True)


class Collecting(Alone):
    state = "collecting digits"

    def _begin(self):
        super()._begin()
        self.lot.node.ctl("call.collect", call=self.name, min="4", max="4", first_ms=str(WAITS_MS), inter_ms=str(WAITS_MS))
        self._presses(KEYS_BEFORE)

    def _presses(self, keys):
        for key in keys:
            self.media.digit(key)
            time.sleep(0.05)

    def _goes_on(self):
        self._presses(KEYS_AFTER)
        end = time.monotonic() + AGAIN_S
        while (told := self.lot.collected(self.name)) is None and time.monotonic() < end:
            time.sleep(0.1)
        if told != KEYS_BEFORE + KEYS_AFTER:
            raise SipError(f"collected: {told}")


class Connected(Open):
    """Both phones are on TCP, and connect again where their connection ends."""
    state = "over TCP"

    @staticmethod
    def _pair(lot):
        return lot.connected

    def _begin(self):
        self.answer()

    def _goes_on(self):
        for agent in self.lot.connected:
            if not agent.back.wait(PATIENCE_S):
                raise SipError(f"{agent.number} is not back")


class Conferring(Open):
    """All in this state are in one conference, through all nodes: each pair has some of its members."""
    state = "in a conference"

    def _called(self, callee):
        return ROOM

    def _comes(self, callee):
        self.heard = [media_of(self.out.wait_answer())]
        self.others = [agent.invite(ROOM, sdp(agent.address, port)) for agent, port in zip((callee, self.out.agent) * (MEMBERS // 2), self._ports())]

    def _offers(self):
        """At ports that no other call has: some are listened at."""
        first = ROOM_PORT + 4 * self.lot.number
        self.ports = first, first + 2
        return sdp(self.lot.caller.address, first)

    def _ports(self):
        """The first one may speak, as the caller; behind it nobody listens."""
        return [self.ports[1], *(self.ports[0] + 1 + 2 * number for number in range(MEMBERS - 2))]

    def _begin(self):
        self.heard += [media_of(dialog.wait_answer()) for dialog in self.others]
        address = self.out.agent.address
        self.line = " ".join(f"{address}:{port} {place[0]}:{place[1]}" for port, place in zip(self.ports, self.heard))

    def end(self, by_caller):
        for dialog in (self.out, *self.others):
            self._noted(dialog.bye)


class Brought(Open):
    """The caller is in that conference, which is on one of the nodes, and brings a third phone, which rings."""
    state = "being brought into a conference"

    def _called(self, callee):
        return ROOM

    def _comes(self, callee):
        self.out.wait_answer()
        return self.out             # who asks, and is told

    def _begin(self):
        self.refers(self.lot.third.number)
        self.rung = super()._comes(self.lot.third)
        self.rung.ring()

    def _goes_on(self):
        self.answers(self.rung, self.rung.request, self.sdp[1])
        self.notified(b"200")

    def end(self, by_caller):
        self._noted(self._goes_on)
        for dialog in (self.rung, self.out):
            self._noted(dialog.bye)


STATES = Ringing, Early, Held, Asked, Parked, Forwarded, Transferred, Sdes, Dtls, Playing, Collecting, Connected, Conferring, Brought
AT_LAST = Looked,            # a look-up takes some seconds at most, whatever befalls

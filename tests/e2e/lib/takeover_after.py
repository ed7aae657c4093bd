# SPDX-License-Identifier: Apache-2.0
"""A call whose node was killed, gone on with by what its parties noted."""
import contextlib
import threading

from .message import Message, address_uri
from .sip import Dialog, SipError
from .streams import sdp, use
from .takeover_kinds import KINDS, OVER, fault_of, until

HEARD = 25              # packets that each end hears afterwards


class Party(Dialog):
    """One end of a call, as somebody noted it."""

    def __init__(self, noted, agent, streams):
        super().__init__(agent, "")
        self.request = self.open = self.tag = None
        self.ends = [streams.at(end["port"]) for end in noted["ends"]]
        self.heard = [end["hears"] for end in noted["ends"]]
        if noted["call"]:
            self._take(noted["call"])

    def _take(self, noted):
        self.call_id, self.local, self.remote, self.target = (noted[name] for name in ("call_id", "local", "remote", "target"))
        self.routes, self.cseq, self.tag = noted["routes"], noted["cseq"], noted["tag"]
        self.request = Message.parse(noted["request"].encode())
        self.open = Message.parse(noted["open"].encode()) if noted["open"] else self.request
        self.request.source = self.open.source = self.agent.server

    def rings_on(self):
        """What a phone says to a copy of the INVITE that it rings for."""
        self.agent.respond(self.request, 180, "Ringing", self.tag, [("Contact", self.agent.contact)])

    def rings(self):
        """A call comes only now."""
        call = self.agent.incoming()
        self.call_id, self.local, self.remote, self.target = call.call_id, call.local, call.remote, call.target
        self.routes, self.tag, self.request, self.open = call.routes, call.tag, call.request, call.request

    def sdp(self, **options):
        return sdp(*self.ends, **options)

    def hear(self, message):
        use(message, *self.ends)

    def answer(self, **options):
        """200 to the INVITE that it has."""
        self.agent.respond(self.open, 200, "OK", self.tag, [("Contact", self.agent.contact)], self.sdp(**options))

    def wait_cancel(self):
        """CANCEL and its 200, the INVITE's 487 and its ACK."""
        self.agent.respond(self.agent.take_request("CANCEL", 5, self.call_id), 200, "OK", self.tag)
        self.agent.respond(self.request, 487, "Request Terminated", self.tag)
        self.wait_ack()

    def refused_again(self):
        """That its 487 was acknowledged may be in no record yet: then it comes once more, and is acknowledged again."""
        with contextlib.suppress(SipError):
            refusal = self.agent.take(lambda m: not m.is_request and m.status == 487 and m.branch == self.request.branch, 1, "487")
            self.agent.send(self.agent.ack_of_failure(self.request, refusal), self.agent.server)

    def wait_ack(self):
        return self.agent.take(lambda m: m.is_request and m.method == "ACK" and m.call_id == self.call_id
                               and m.cseq == self.open.cseq, 5, "ACK")

    def wait_answer(self, answer=b""):
        """200 to the INVITE that it sent; acknowledged."""
        response = self.agent.take(lambda m: not m.is_request and m.method == "INVITE" and m.status >= 200
                                   and m.branch == self.open.branch, 5, "final response")
        if response.status != 200:
            raise AssertionError(response)
        self.local, self.remote = self.open.get("From"), response.get("To")
        self.target = address_uri(response.get("Contact"))
        self.routes, self.cseq = list(reversed(response.all("Record-Route"))), self.open.cseq
        self._acknowledge(self.cseq, answer)
        return response


class After:
    """One call, gone on with by both parties. What went wrong is `fault`."""

    def __init__(self, noted, agents, streams):
        self.kind, self.fault = noted["kind"], ""
        parties = {side: Party(party, agents[party["agent"]], streams) for side, party in noted["parties"].items()}
        self.a, self.b, self.c = parties["a"], parties["b"], parties.get("c")
        self.marks = []

    def try_to(self, step, *arguments):
        """A call that has a fault is left alone."""
        if not self.fault and (fault := fault_of(lambda: step(*arguments))):
            self.fault = f"{step.__name__}: {fault}"

    def goes_on(self):
        getattr(self, self.kind)()

    def ringing(self):
        self.b.answer()
        self.a.hear(self.a.wait_answer())
        self.b.hear(self.b.request)
        self.b.wait_ack()

    early = ringing

    def forking(self):
        self.c.rings_on()
        self.ringing()
        self.c.wait_cancel()

    def cancelled(self):
        self.b.wait_cancel()
        self.a.refused_again()

    def dialling(self):
        self.a.answer()
        self.a.wait_ack()
        self.b.rings()
        self.b.answer()
        self.b.wait_ack()
        self.a.hear(self.a.wait_reinvite(self.a.sdp(version=2)))
        self.b.hear(self.b.request)

    def unacked(self):
        self.a.wait_answer()

    def late(self):
        self.a.wait_answer(self.a.sdp())
        self.b.hear(self.b.wait_ack())

    def talking(self):
        self.change("sendonly", "recvonly", 3)
        self.change("sendrecv", "sendrecv", 4)

    def held(self):
        self.change("sendrecv", "sendrecv", 4)

    ordered = held

    def asked(self):
        self.b.answer(version=2)
        self.a.wait_answer()
        self.b.wait_ack()

    def leaving(self):
        self.b.wait_bye()
        with contextlib.suppress(SipError):     # each owner has said its own
            while True:
                self.b.wait_bye(0.3)

    def originated(self):
        pass

    srtp = video = tcp = originated

    def change(self, offer, answer, version):
        """A re-INVITE of the caller: held, or resumed."""
        waiting = threading.Thread(target=self.b.wait_reinvite, args=(self.b.sdp(direction=answer, version=version),))
        waiting.start()
        response = self.a.reinvite(self.a.sdp(direction=offer, version=version))
        waiting.join()
        if response.status != 200:
            raise AssertionError(response)

    def marked(self):
        self.marks = [len(end.received) for end in (*self.a.ends, *self.b.ends)]

    def heard(self):
        """Each end hears the other one, by the source that it heard before."""
        if self.kind in OVER:
            return
        ends, others = [*self.a.ends, *self.b.ends], [*self.b.ends, *self.a.ends]
        for end, other, mark, source in zip(ends, others, self.marks, self.a.heard + self.b.heard):
            until(lambda end=end, mark=mark: len(end.received) >= mark + HEARD, 5, f"{HEARD} packets to {end.port}")
            late = end.received[mark:]
            if {mark for *_, mark in late} != {other.ssrc}:
                raise AssertionError(f"{end.port} hears somebody else")
            if source and {ssrc for _, ssrc, _, _ in late} != {source}:
                raise AssertionError(f"{end.port} hears another source than before")
            if end.forged or end.reused:
                raise AssertionError(f"{end.forged} SRTP packets are not authentic, {end.reused} repeat an index")

    def ends(self):
        if self.kind in OVER:
            return
        first, then = (self.a, self.b) if list(KINDS).index(self.kind) % 2 else (self.b, self.a)
        first.bye()
        then.wait_bye()

    def recorded(self, rows):
        """One record, of a call that was answered, or was not."""
        own = [row for row in rows if row["sip_call_id"] == self.a.call_id]
        if len(own) != 1 or str(own[0]["sip_status"]) != ("487" if self.kind == "cancelled" else "200"):
            raise AssertionError(f"{len(own)} records: {own}")

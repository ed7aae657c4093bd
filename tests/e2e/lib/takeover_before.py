# SPDX-License-Identifier: Apache-2.0
"""A call on its way into the state that its node is killed in."""
import threading

from .srtp import Key
from .streams import sdp, use
from .takeover_kinds import end_note, numbers, second, until


class Before:
    """One call on its way into its state."""

    def __init__(self, kind, node, agents, ends):
        self.kind, self.node = kind, node
        self.a, self.b = (agents[number] for number in numbers(kind))
        self.c = agents.get(second(self.b.number))
        self.ends = {"a": ends[::2], "b": ends[1::2], "c": []}
        self.out = self.into = self.other = None
        self.open = {}                  # the request of a side that waits for its answer, where it is not the first one
        getattr(self, kind)()

    def sdp(self, side, **options):
        return sdp(*self.ends[side], **options)

    def call(self, offer=None):
        self.out = self.a.invite(self.b.number, self.sdp("a") if offer is None else offer)
        self.into = self.b.incoming()

    def hear(self, answered):
        use(answered, *self.ends["a"])
        use(self.into.request, *self.ends["b"])

    def ringing(self):
        self.call()
        self.into.ring()
        self.out.wait_provisional(180)

    def forking(self):
        self.ringing()
        self.other = self.c.incoming()
        self.other.ring()

    def cancelled(self):
        self.ringing()
        self.out.cancel()
        self.open = {"b": self.b.take_request("CANCEL", 5, self.into.call_id)}

    def early(self):
        self.call()
        self.into.respond(183, "Session Progress", body=self.sdp("b"))
        self.hear(self.out.wait_provisional(183))

    def unacked(self):
        self.call()
        self.into.answer(self.sdp("b"))
        self.hear(until(lambda: self.out.response, 5, "200"))

    def late(self):
        self.call("")
        self.into.answer(self.sdp("b"), ack=False)
        use(until(lambda: self.out.response, 5, "200"), *self.ends["a"])

    def talking(self):
        self.call()
        self.into.answer(self.sdp("b"))
        self.hear(self.out.wait_answer())

    def srtp(self):
        for end in (*self.ends["a"], *self.ends["b"]):
            end.key_out = Key()
        self.talking()

    def video(self):
        for side in "ab":
            self.ends[side][1].pt = 97
        self.talking()

    tcp = talking

    def held(self):
        self.talking()
        waiting = threading.Thread(target=self.into.wait_reinvite, args=(self.sdp("b", direction="recvonly", version=2),))
        waiting.start()
        self.out.reinvite(self.sdp("a", direction="sendonly", version=2))
        waiting.join()

    def ordered(self):
        self.talking()
        self.node.tandemctl("call.hold", call=self.id(), leg="a")
        self.into.wait_reinvite(self.sdp("b", direction="recvonly", version=2))

    def originated(self):
        self.node.tandemctl("call.originate", **{"from": self.a.number, "to": self.b.number, "auto_answer": "true"})
        self.out = self.a.incoming()
        self.out.answer(self.sdp("a"))
        self.into = self.b.incoming()
        self.into.answer(self.sdp("b"))
        self.hear(self.out.wait_reinvite(self.sdp("a", version=2)))

    def dialling(self):
        self.node.tandemctl("call.originate", **{"from": self.a.number, "to": self.b.number})
        self.out = self.a.incoming()
        self.out.ring()

    def asked(self):
        self.talking()
        again = self.out.in_dialog("INVITE", body=self.sdp("a", version=2))
        self.a.send(again, self.out.next_hop())
        came = self.b.take(lambda m: m.is_request and m.method == "INVITE" and m.call_id == self.into.call_id, 5, "re-INVITE")
        self.b.respond(came, 100, "Trying")
        self.open = {"a": again, "b": came}

    def leaving(self):
        self.talking()
        self.out.bye()
        self.open = {"b": self.b.take_request("BYE", 5, self.into.call_id)}

    def id(self):
        return next(row["id"] for row in self.node.tandemctl("call.list") if row["from"] == self.a.number)

    def note(self):
        sides = {"a": (self.a, self.out), "b": (self.b, self.into), "c": (self.c, self.other)}
        return {"kind": self.kind, "parties": {side: self._note(side, *of) for side, of in sides.items() if of[0]}}

    def _note(self, side, agent, call):
        noted = {"agent": second(agent.number) if side == "c" else agent.number,
                 "ends": [end_note(end) for end in self.ends[side]], "call": None}
        return {**noted, "call": self._note_call(side, call)} if call else noted

    def _note_call(self, side, call):
        return {"call_id": call.call_id, "local": call.local, "remote": call.remote,
                "target": call.target, "routes": call.routes, "cseq": call.cseq, "tag": getattr(call, "tag", ""),
                "request": call.request.bytes().decode(),
                "open": self.open[side].bytes().decode() if side in self.open else None}

# SPDX-License-Identifier: Apache-2.0
"""Ring and hunt groups: whom a call to one rings, how members log in and out, and what is kept over a kill."""
import json

from codes_test import INFORMATION, UK_CONFIRMATION, CodesTest

from patience import until
from tandem_client import Client, Refused

SHARED = True


class Groups(CodesTest):
    def ask(self, command, **args):
        if self.node.beside:        # Redis might give it to the other one, which knows calls and documents of this one later
            return self.node.ctl(command, **args)
        with Client(self.node.redis_socket, "_operator") as client:
            return client.ask(command, **args)

    def groups_out(self):
        return [name for name in self.ask("extension.get", number="1002")["groups_out"].split(",") if name]

    def setUp(self):
        super().setUp()
        self.ask("group.put", name="sales", members="1002,1003", how="in_turn", ring_s=2, prefix="Sales", show_called=True)
        self.ask("number.put", number="100", to="group:sales")

    def answered(self, out, incoming):
        """1003 took the call: who lists it, its events and its record name it; nobody is named before."""
        call = self.ask("call.list")[0]
        self.assertEqual(call["answered_by"], "1003")
        out.bye()
        incoming.wait_bye()
        row = self.ended()
        events = {one["type"]: one for one in self.node.told("td:{ev:default}") if one.get("call") == call["id"]}
        self.assertEqual([one["answered_by"] for one in (row, events["call.answered"], events["call.ended"])], ["1003"] * 3)
        self.assertEqual(self.ask("cdr.list", number="1003", limit=1)[0]["answered_by"], "1003")
        return row

    def rings(self, *phones):
        """A call to the number rings those, one after the other, and is given up."""
        out = self.a.invite("100", self.audio_a.sdp())
        incoming = None
        for phone in phones:
            former, incoming = incoming, phone.incoming()
            incoming.ring()
            self.assertIn("Sales 100", incoming.request.get("From"))
            if former:
                former.wait_cancel()
        out.cancel()
        self.assertEqual(out.wait_final().status, 487)
        incoming.wait_cancel()
        self.ended()

    def test_by_number(self):
        """In turn; the caller's name has the group before it, and events and call records have it."""
        out = self.a.invite("100", self.audio_a.sdp())
        first = self.b.incoming()
        first.ring()
        second = self.c.incoming()
        first.wait_cancel()
        self.assertIn("Sales 100", second.request.get("From"))
        second.answer(self.audio_b.sdp())
        self.assertEqual(out.wait_answer().status, 200)
        call = self.ask("call.list")[0]["id"]
        self.assertEqual(self.ask("call.show", call=call)["group"], "sales")
        row = self.answered(out, second)
        self.assertEqual((row["group"], row["flow"], row["to"]), ("sales", "group:sales", "100"))

    def test_together_in_a_flow(self):
        """All phones of each member ring, and one has the call."""
        beside = self.enterContext(self.node.user_agent("1002", "secret1002"))
        self.assertEqual(beside.register().status, 200)
        self.ask("group.put", name="sales", how="together", ring_s=30)
        self.ask("flow.put", name="main", program={"start": "sales", "steps": {
            "sales": {"dial": "group:sales", "busy": "no", "no_answer": "no", "failed": "no"}, "no": {"reject": {"status": 480}}}})
        self.ask("number.put", number="101", to="flow:main")
        out = self.a.invite("101", self.audio_a.sdp())
        first, third, second = self.b.incoming(), beside.incoming(), self.c.incoming()
        first.ring()
        third.ring()
        second.answer(self.audio_b.sdp())
        self.assertEqual(out.wait_answer().status, 200)
        first.wait_cancel()
        third.wait_cancel()
        self.assertEqual(self.answered(out, second)["group"], "sales")
        # without a group
        self.ask("flow.put", name="main", program=[{"dial": {"to": ["1002", "1003"], "how": "together"}}])
        out = self.a.invite("101", self.audio_a.sdp())
        first, third, second = self.b.incoming(), beside.incoming(), self.c.incoming()
        first.ring()
        third.ring()
        self.assertEqual(self.ask("call.list")[0]["answered_by"], "")
        second.answer(self.audio_b.sdp())
        self.assertEqual(out.wait_answer().status, 200)
        first.wait_cancel()
        third.wait_cancel()
        self.assertEqual(self.answered(out, second)["to"], "101")
        self.ask("flow.put", name="main", program=[{"dial": "group:sales"}, {"reject": {"status": 480}}])
        for number in ("1002", "1003"):
            self.ask("group.logout", number=number)
        self.assertEqual(self.a.invite("101", self.audio_a.sdp()).wait_final().status, 480)

    def test_mailbox_of_a_member(self):
        """Who is not to be disturbed, or has no phone, and forwards to a mailbox: the others ring, and nobody hears the box."""
        self.ask("flow.put", name="box", program=[{"answer": {}}, {"pause": 60}])
        self.ask("number.put", number="*86", to="flow:box")
        self.ask("extension.put", number="1002", do_not_disturb=True, forward_busy="*86", forward_unreachable="*86")
        self.ask("group.put", name="sales", how="together", ring_s=30)
        self.rings(self.c)
        self.assertEqual(self.b.register(expires=0, contact="*").status, 200)
        self.ask("extension.put", number="1002", do_not_disturb=False)
        self.rings(self.c)
        self.ask("group.put", name="sales", forwards=True)
        out = self.a.invite("100", self.audio_a.sdp())
        self.assertEqual(out.wait_answer().status, 200)
        out.bye()
        self.ended()

    def test_declined(self):
        """A member who declines stops his own phones alone."""
        beside = self.enterContext(self.node.user_agent("1002", "secret1002"))
        self.assertEqual(beside.register().status, 200)
        self.ask("group.put", name="sales", how="together", ring_s=30)
        out = self.a.invite("100", self.audio_a.sdp())
        first, third, second = self.b.incoming(), beside.incoming(), self.c.incoming()
        third.ring()
        second.ring()
        first.reject(603, "Decline")
        third.wait_cancel()
        second.answer(self.audio_b.sdp())
        self.assertEqual(out.wait_answer().status, 200)
        out.bye()
        second.wait_bye()
        self.ended()

    def test_log_in(self):
        """By command and by code, of one group and of all; it stands after a kill."""
        self.ask("group.put", name="help", members="1002")
        self.assertEqual(self.ask("group.logout", number="1002", group="sales"), {"number": "1002", "groups_out": "sales"})
        self.assertEqual(self.ask("group.get", name="sales")["logged_out"], ["1002"])
        self.rings(self.c)
        self.node.kill()
        self.node.restart()
        self.rings(self.c)
        self.ask("group.logout", number="1002")
        self.assertEqual(self.ask("group.login", number="1002", group="sales")["groups_out"], "help")
        self.rings(self.b, self.c)
        with self.assertRaisesRegex(Refused, "no such group"):
            self.ask("group.login", number="1002", group="shop")
        with self.assertRaisesRegex(Refused, "no such extension"):
            self.ask("group.login", number="1009", group="sales")

    def test_at_once(self):
        """Who log one member out of several groups in the same moment lose nothing of each other."""
        names = [f"g{i}" for i in range(6)]
        for name in names:
            self.ask("group.put", name=name, members="1002")
        for command, left in (("group.logout", names), ("group.login", [])):
            with Client(self.node.redis_socket, "_operator") as client:
                redis = client._connected()
                redis("MULTI")
                for name in names:
                    redis("XADD", client._in, "*", "v", 1, "id", f"{command}-{name}", "client", client.name, "do", command,
                          "args", json.dumps({"number": "1002", "group": name}))
                redis("EXEC")
            until(lambda: len(self.groups_out()) == len(left), lambda: f"{command}: {self.groups_out()}")

    def test_codes(self):
        self.ask("group.put", name="sales", members="1001,1002")
        self.dialled("*46100", UK_CONFIRMATION)
        self.assertEqual(self.extension()["groups_out"], "sales")
        self.rings(self.b)
        self.dialled("*46", UK_CONFIRMATION)
        self.assertEqual(self.extension()["groups_out"], "*")
        self.dialled("*45", UK_CONFIRMATION)
        self.assertEqual(self.extension()["groups_out"], "")
        self.assertEqual(self.dialled("*45999", INFORMATION)["cause"], "feature code: not set")

    def test_else(self):
        """Whom nobody takes goes on, also when the group has become another one meanwhile, and the node was killed."""
        self.ask("flow.put", name="closed", program=[{"pause": 1}, {"reject": {"status": 486}}])
        self.ask("group.put", **{"name": "sales", "members": "1002", "else": "flow:closed"})
        out = self.a.invite("100", self.audio_a.sdp())
        incoming = self.b.incoming()
        incoming.ring()
        self.ask("group.put", **{"name": "sales", "members": "1003", "else": ""})
        self.node.kill()
        self.node.restart()
        incoming.wait_cancel()
        self.assertEqual(out.wait_final().status, 486)
        until(lambda: not self.calls(ending=True), "the call has not ended")

    def test_documents(self):
        with self.assertRaisesRegex(Refused, "named twice"):
            self.ask("group.put", name="sales", members="1001,1001")
        self.assertEqual(self.ask("group.put", name="new", members="4711")["warnings"], ["members: there is no number 4711 yet"])
        with self.assertRaisesRegex(Refused, "flow:NAME, group:NAME"):
            self.ask("number.put", number="102", to="room:x")
        self.assertEqual([g["name"] for g in self.ask("group.list")], ["new", "sales"])
        with self.assertRaisesRegex(Refused, r"group sales is named by number 100 \(to\)"):
            self.ask("group.delete", name="sales")
        self.assertEqual(self.ask("group.delete", name="sales", force=True)["named_by"], {"number/100": "to"})
        self.assertGreaterEqual(self.a.invite("100", self.audio_a.sdp()).wait_final().status, 400)

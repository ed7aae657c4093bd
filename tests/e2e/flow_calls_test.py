# SPDX-License-Identifier: Apache-2.0
"""Calls go through flows by numbers and by command, each by the program with which it began: over a change of its name, and a kill."""
from datetime import datetime
from zoneinfo import ZoneInfo

from lib.place import PARTY

from application_test import ApplicationTest
from call_test import CallTest
from patience import until
from server import ServerError
from tandem_client import Client, Refused

SHARED = True

WAIT = {"start": "hello", "steps": {
    "hello": {"answer": {}, "next": "wait"},
    "wait": {"pause": 300, "next": "bye"},
    "bye": {"hangup": {}}}}


class Put(CallTest):
    def ask(self, command, **args):
        if self.node.beside:        # Redis might give it to the other one, which knows calls and documents of this one later
            return self.node.ctl(command, **args)
        with Client(self.node.redis_socket, "_operator") as client:
            return client.ask(command, **args)

    def setUp(self):
        super().setUp()
        self.ask("flow.put", name="main", program=WAIT)

    def at(self, call):
        return self.ask("call.flow", call=call)

    def waits(self, call):
        until(lambda: "wait" in self.at(call)["at"] and "carried out" in self.at(call)["at"], "the pause has not begun")


class Numbers(Put):
    def dialled(self, number="100"):
        self.ask("number.put", number="100", to="flow:main")
        out = self.a.invite(number, self.audio_a.sdp())
        out.wait_answer()
        call = self.ask("call.list")[0]["id"]
        self.waits(call)
        return out, call

    def test_dialled(self):
        out, call = self.dialled()
        at = self.at(call)
        self.assertEqual((at["call"], at["flow"], at["path"]), (call, "main", "hello"))
        self.ask("call.run", call=call, program=[{"hangup": {"reason": "that is all"}}])
        out.wait_bye()
        self.assertEqual(self.ended()["flow"], "")

    def test_forwarded(self):
        """CALL-16: an attendant, which is a number of a flow, takes the calls of an extension."""
        self.ask("number.put", number="100", to="flow:main")
        self.ask("extension.put", number="1002", forward_always="100")
        out = self.a.invite("1002", self.audio_a.sdp())
        self.assertEqual(out.wait_answer().status, 200)
        call = self.ask("call.list")[0]["id"]
        self.waits(call)
        self.ask("call.hangup", call=call)
        out.wait_bye()
        self.assertEqual(self.ended()["flow"], "main")

    def test_given_away(self):
        """CALL-25: by REFER to an attendant."""
        self.ask("number.put", number="100", to="flow:main")
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        into.answer(self.audio_b.sdp())
        self.assertEqual(out.wait_answer().status, 200)
        request = into.in_dialog("REFER", headers=[("Refer-To", f"<sip:100@{self.b.home}>")])
        self.assertEqual(into.transact(request).status, 202)
        for _ in range(2):
            self.b.respond(self.b.take_request("NOTIFY", call_id=into.call_id), 200)
        into.bye()
        call = self.ask("call.list")[0]["id"]
        self.waits(call)
        self.ask("call.hangup", call=call)
        out.wait_bye()
        self.assertIn("main", [row["flow"] for row in until(lambda: len(self.node.cdrs()) >= 2 and self.node.cdrs())])

    def test_headers_and_time(self):
        """What a trunk may say decides, numbers in the form of E.164, however it writes them, and the time in the tenant's zone."""
        trunk = self.enterContext(self.node.user_agent("040123"))
        self.ask("dialplan.put", country="49", area="30", national_prefix="0", international_prefix="00")
        self.ask("trunk.put", name="pbx", direction="in", sources=PARTY, source_port=trunk.port, x_headers="X-Customer")
        self.ask("did.put", number="030100", to="100")
        self.ask("number.put", number="100", to="flow:main")
        with self.assertRaisesRegex(Refused, "time zone"):
            self.ask("tenant.put", name="default", zone="Europe/Atlantis")
        self.ask("tenant.put", name="default", zone="Asia/Kolkata")
        self.ask("flow.put", name="main", program={"start": "who", "steps": {
            "who": {"match": "{header.X-Customer}{header.X-Other}", "on": {"77": "where"}, "else": "no"},
            "where": {"match": "{called.e164}", "on": {"+4930x.": "from"}, "else": "no"},
            "from": {"match": "{caller.e164}", "on": {"+4940123": "when", "1001": "busy"}, "else": "no"},
            "when": {"tag": {"Call.At": "{time.date} {time.weekday} {time.hour}"}, "next": "busy"},
            "no": {"reject": {"status": 480}}, "busy": {"reject": {"status": 486}}}})
        before = datetime.now(ZoneInfo("Asia/Kolkata"))
        for value, status in (("77", 486), ("78", 480)):
            out = trunk.invite("030100", self.audio_a.sdp(), headers=[("X-Customer", value), ("X-Other", "5")])
            self.assertEqual(out.wait_final().status, status)
        after = datetime.now(ZoneInfo("Asia/Kolkata"))
        said = [f"Call.At={t:%Y-%m-%d} {'mon tue wed thu fri sat sun'.split()[t.weekday()]} {t:%H}" for t in (before, after)]
        self.ended()
        self.assertIn(self.node.cdrs()[0]["data"], said)

    def test_changed_and_killed(self):
        """A name that means another program, and the next process: the call goes on by its own, which is in Redis alone."""
        out, call = self.dialled()
        self.ask("flow.put", name="main", program=[{"hangup": {}}])
        for _ in range(2):
            self.node.kill()
            self.node.restart()
            self.waits(call)
            self.assertEqual(self.at(call)["flow"], "main")
        self.ask("flow.delete", name="main", force=True)
        self.ask("call.hangup", call=call)
        out.wait_bye()

    def test_a_trunk_calls(self):
        """Its number means one of the tenant that leads to a flow."""
        trunk = self.enterContext(self.node.user_agent("+4940123"))
        self.ask("trunk.put", name="pbx", direction="in", sources=PARTY, source_port=trunk.port)
        self.ask("did.put", number="+4930100", to="100")
        self.ask("did.put", number="+4931xxx", strip=5)
        self.ask("number.put", number="100", to="flow:main")
        for number in ("+4930100", "+4931100"):
            out = trunk.invite(number, self.audio_a.sdp())
            self.assertEqual(out.wait_answer().status, 200, number)
            out.bye()
        # IVR-06: members of a group see which of its numbers that was
        self.ask("group.put", name="sales", members="1002", prefix="Sales", show_called=True)
        self.ask("number.put", number="100", to="group:sales")
        out = trunk.invite("+4930100", self.audio_a.sdp())
        into = self.b.incoming()
        self.assertIn("Sales +4930100", into.request.get("From"))
        into.reject(486, "Busy Here")
        out.wait_final()

    def test_hours(self):
        """The calendar that the node has in memory, as it is said by hand, and as the next process has it."""
        self.ask("hours.put", name="office", zone="Europe/Berlin", week="mon,tue,wed,thu,fri,sat,sun 00:00-24:00")
        self.ask("flow.put", name="main", program={"start": "open", "steps": WAIT["steps"] | {
            "open": {"hours": "office", "closed": "no", "next": "hello"}, "no": {"reject": {"status": 480}}}})
        out, _ = self.dialled()
        out.bye()
        self.ask("hours.override", name="office", state="closed")
        self.assertEqual(self.a.invite("100", self.audio_a.sdp()).wait_final().status, 480)
        self.node.kill()
        self.node.restart()
        self.assertEqual(self.a.invite("100", self.audio_a.sdp()).wait_final().status, 480)
        self.ask("hours.override", name="office", state="none")
        out, _ = self.dialled()
        out.bye()

    def test_what_is_not_there(self):
        """Without hours, or a prompt to play, the branch failed is taken; digits may be pressed all the same. The log says where in the flow."""
        self.ask("number.put", number="100", to="flow:main")
        self.ask("flow.put", name="main", program={"start": "open", "steps": {
            "open": {"hours": "shop", "closed": "bye", "failed": "menu", "next": "bye"},
            "menu": {"gather": {"prompt": ["no-menu"], "max": 1, "first_s": 1}, "timeout": "say", "next": "bye"},
            "say": {"play": ["no-word"], "failed": "bye", "next": "menu"},
            "bye": {"hangup": {}}}})
        out = self.a.invite("100", self.audio_a.sdp())
        out.wait_answer()
        out.wait_bye()
        self.assertEqual(self.ended()["path"], "open,failed,menu,timeout,say,failed")
        for what, step in (("a verb", "open"), ("what a verb plays", "menu"), ("what a verb plays", "say")):
            self.assertRegex(self.node.log_text(), f'msg="{what} has failed" flow=main step={step} ')

    def test_a_flow_that_is_gone(self):
        self.ask("number.put", number="100", to="flow:main")
        self.ask("flow.delete", name="main", force=True)
        self.assertGreaterEqual(self.a.invite("100", self.audio_a.sdp()).wait_final().status, 400)


class Run(Put, ApplicationTest):
    def test_by_command(self):
        out, call = self.call()
        with self.assertRaisesRegex(ServerError, "through no flow"):
            self.node.ctl("call.flow", call=call)
        self.node.ctl("call.run", call=call, flow="main")
        out.wait_answer()
        self.waits(call)
        self.assertEqual(self.at(call)["flow"], "main")
        with self.assertRaisesRegex(ServerError, "flow or program"):
            self.node.ctl("call.run", call=call)
        with self.assertRaisesRegex(ServerError, "no such flow"):
            self.node.ctl("call.run", call=call, flow="shop")
        with self.assertRaisesRegex(Refused, "/0/dance"):
            self.ask("call.run", call=call, program=[{"dance": {}}])
        out.bye()

    def test_a_program_of_its_own(self):
        """It is in Redis before the call goes through it: the next process finds it there."""
        out, call = self.call()
        self.ask("call.run", call=call, program=WAIT | {"name": "once"})
        out.wait_answer()
        self.waits(call)
        self.node.kill()
        self.node.restart()
        self.waits(call)
        self.assertEqual(self.at(call)["flow"], "")
        self.node.ctl("call.hangup", call=call)
        out.wait_bye()


DESK = {"start": "desk", "steps": {
    "desk": {"dial": "1002", "next": "wait"},
    "wait": WAIT["steps"]["wait"], "bye": WAIT["steps"]["bye"]}}


class Dials(Put):
    def setUp(self):
        super().setUp()
        self.ask("flow.put", name="main", program=DESK)
        self.ask("number.put", number="100", to="flow:main")

    def speak(self):
        out = self.a.invite("100", self.audio_a.sdp())
        into = self.b.incoming()
        into.answer(self.audio_b.sdp(), ack=False)
        out.wait_answer()
        into.wait_ack()
        return out, into, self.ask("call.list")[0]["id"]

    def test_goes_on(self):
        """Whom the flow has called hangs up: the caller stays, also where the node dies in between, and has a record for each of both."""
        out, into, call = self.speak()
        self.node.kill()
        self.node.restart()
        until(lambda: "have spoken" in self.at(call)["at"], "the flow does not go on")
        into.bye()
        self.waits(call)
        self.assertEqual((self.at(call)["path"], self.ask("call.list")[0]["to"]), ("desk", "100"))
        self.node.kill()
        self.node.restart()
        self.waits(call)
        self.ask("call.hangup", call=call)
        out.wait_bye()

    def test_orders(self):
        """What they need from one call to the next is in Redis."""
        for how in ("rotating", "longest_idle"):
            self.ask("flow.put", name="main", program={"start": "desk", "steps": {
                "desk": {"dial": {"to": ["1002", "1009"], "how": how, "limit_s": 1}}}})
            out, into, _ = self.speak()
            into.wait_bye()
            out.wait_bye()
            self.ended()
        with self.node.redis() as redis:
            turn, spoke = (redis("GET", "td:{kept:default:" + key) for key in ("main/desk}:turn", "1002}:spoke"))
        self.assertEqual(turn, "1002")
        self.assertGreater(int(spoke), 0)

    def test_the_caller_hangs_up(self):
        out, into, _ = self.speak()
        out.bye()
        into.wait_bye()
        self.assertEqual(self.ended()["path"], "")

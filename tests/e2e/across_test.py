# SPDX-License-Identifier: Apache-2.0
"""Calls of two nodes become one conversation, with sound both ways."""
import contextlib
import signal
import threading
import time
from urllib.parse import quote

from http_api_test import Asks
from lib.sip import or_none, parameter
from patience import until
from server import ServerError
from taken_test import ADDRESSES, Cluster, Talk
from tandem_client import Client


class Across(Asks, Cluster):
    def setUp(self):
        super().setUp()
        for node in (self.a, self.b):
            self.until(lambda node=node: node.metric("tandem_cluster_nodes", state="heard") == 1)
        self.until(lambda: (self.owner(17), self.owner(18)) == ("a", "b"))
        self.registers(17, "1001", "1002")
        self.first = Talk(self, 17).answer()
        self.registers(18, "1002", "1003")
        self.out = self.phones[18, "1002"]
        self.second = Talk.__new__(Talk)
        self.second.test, self.second.ends = self, [self.b.media(), self.b.media()]
        for end in self.second.ends:
            self.addCleanup(end.close)
        self.second.out = self.out.invite("1003", self.second.ends[0].sdp())
        self.second.into = self.phones[18, "1003"].incoming()
        self.second.answer()

    def reoffered(self, agent, dialog, end):
        """Whoever is asked again says what it has."""
        def answers():
            or_none(dialog.wait_reinvite, end.sdp(version=2), 5)
        thread = threading.Thread(target=answers, daemon=True)
        thread.start()
        return thread

    def test_attended_transfer(self):
        """1002 gives 1001, of node a, to 1003, of node b, which dies then and comes back."""
        dialog = self.second.out
        tags = f"to-tag={parameter(dialog.remote, 'tag')};from-tag={parameter(dialog.local, 'tag')}"
        value = quote(f"{dialog.call_id};{tags}", safe="")
        threads = [self.reoffered(None, d, e) for d, e in ((self.first.out, self.first.ends[0]),
                                                          (self.second.into, self.second.ends[1]))]
        refer = self.first.into.in_dialog("REFER", [("Refer-To", f"<sip:1003@{ADDRESSES[17]}?Replaces={value}>")])
        self.assertEqual(self.first.into.transact(refer).status, 202)
        agent = self.phones[17, "1002"]
        for line in (b"SIP/2.0 100 Trying\r\n", b"SIP/2.0 200 OK\r\n"):
            notify = agent.take_request("NOTIFY", call_id=self.first.into.call_id)
            agent.respond(notify, 200, "OK")
            self.assertEqual(notify.body, line)
        for thread in threads:
            thread.join(5)
        ends = self.first.ends[0], self.second.ends[1]
        for end, hertz in zip(ends, (440, 880)):
            end.start(hertz)
        self.hear(ends)
        self.b.kill()
        self.until(lambda: self.owner(18) == "a")
        self.hear(ends)                 # both halves are with one node now
        self.b.restart()
        self.until(lambda: self.owner(18) == "b")
        self.hear(ends)
        for end in ends:
            end.stop()
        self.first.out.bye()
        self.second.into.wait_bye()

    def tearDown(self):
        """What a test that failed left is none of the next one."""
        for row in self.a.ctl("call.list"):
            with contextlib.suppress(ServerError):
                getattr(self, row["node"]).ctl("call.hangup", call=row["id"])
        super().tearDown()

    def ids(self):
        return self.first.id, parameter(self.second.out.remote, "tag").split(".")[0]

    def answers(self):
        """Both who stay are asked again, perhaps more than once."""
        for dialog, end in ((self.first.out, self.first.ends[0]), (self.second.into, self.second.ends[1])):
            self.reoffered(None, dialog, end)
        return self.first.ends[0], self.second.ends[1]

    def ends_well(self):
        self.first.out.bye()
        self.second.into.wait_bye()
        until(lambda: not self.left(), lambda: f"they go on: {self.left()}")

    def left(self):
        return [self.a.ctl("call.show", call=row["id"]) for row in self.a.ctl("call.list")]

    def lists(self, first, second):
        """Each node lists the calls of both, page by page, and those of a tenant alone; call.show asks where the call is."""
        with Client(self.socket, "_operator") as client:
            client.ask("tenant.put", name="other", domains="other.test")
        for node in (self.a, self.b):
            rows = node.ctl("call.list")
            self.assertEqual([(row["id"], row["node"]) for row in rows], [(second, "b"), (first, "a")])
            self.assertEqual([[row["id"] for row in node.ctl("call.list", **narrow)] for narrow in
                              ({"node": "b"}, {"number": "1001"}, {"limit": 1}, {"sort": "node"}, {"tenant": "default", "from": "1002"},
                               {"tenant": "default", "as": "1001"})],
                             [[second], [first], [second], [first, second], [second], [first]])
            self.until(lambda node=node: "other" in {row["name"] for row in node.ctl("tenant.list")})
            self.assertEqual(node.ctl("call.list", tenant="other"), [])
            _, headers, page = self.http(node, "GET", "/v1/calls?limit=1", self.token(node, "reader"))
            self.assertIsNone(headers["Tandem-Missing"])
            _, headers, behind = self.http(node, "GET", headers["Link"].split(">")[0][1:], self.token(node, "reader"))
            self.assertEqual(([row["id"] for row in page + behind], headers["Link"]), ([second, first], None))
            self.assertEqual([node.ctl("call.show", call=call)["node"] for call in (first, second)], ["a", "b"])
        # Nothing stays of what nodes have asked each other. Only a node that stood still may have
        # answered too late; that answer expires by itself.
        with self.redis() as redis:
            self.until(lambda: all('"expired"' in str(entry)
                                   for key in redis("KEYS", "td:{cmd:_operator}:out:node-*")
                                   for entry in redis("XRANGE", key, "-", "+")))
            self.assertEqual(redis("KEYS", "td:{cmd:_operator}:done:list-*"), [])

    def test_join_by_command(self):
        """1001 of a call of node a speaks with 1003 of a call of node b. The node that carried it out dies, then both are with one."""
        first, second = self.ids()
        ends = self.answers()
        self.a.ctl("call.join", call=first, leg="a", **{"with": second, "with_leg": "b"})
        self.first.into.wait_bye()
        self.second.out.wait_bye()
        for end, hertz in zip(ends, (440, 880)):
            end.start(hertz)
        self.hear(ends)
        token = self.token(self.b, "reader")
        self.a.process.send_signal(signal.SIGSTOP)      # where it is killed, its shard is taken before anybody can ask
        _, headers, rows = self.http(self.b, "GET", "/v1/calls", token)
        self.assertEqual((headers["Tandem-Missing"], {row["node"] for row in rows} - {"b"}), ("a", set()))
        self.a.kill()
        self.until(lambda: self.owner(17) == "b")
        self.until(lambda: not self.http(self.b, "GET", "/v1/calls", token)[1]["Tandem-Missing"])
        self.hear(ends)
        for end in ends:
            end.stop()
        self.ends_well()

    def serve(self, *pairs):
        """Each of these phones says what it has, whenever it is asked again; what ends that."""
        stop = threading.Event()

        def answers(dialog, end):
            while not stop.is_set():
                with contextlib.suppress(AssertionError):
                    dialog.wait_reinvite(end.sdp(version=2), 0.2)
        threads = [threading.Thread(target=answers, args=pair, daemon=True) for pair in pairs]
        for thread in threads:
            thread.start()

        def over():
            stop.set()
            for thread in threads:
                thread.join(5)
        self.addCleanup(over)
        return over

    def tells(self, node, call, leg, other, other_leg):
        """call.join by that node; why not, or nothing."""
        try:
            node.ctl("call.join", call=call, leg=leg, **{"with": other, "with_leg": other_leg})
        except ServerError as error:
            return str(error)
        return ""

    def pairs(self, call):
        """The records of its pairs."""
        return sorted(row["id"] for row in self.a.ctl("cdr.list", limit=200) if row["id"].startswith(call))

    def test_join_outlives_both(self):
        """Each node dies and comes back in turn; then each pair of each call has one record."""
        first, second = self.ids()
        over = self.serve((self.first.out, self.first.ends[0]), (self.second.into, self.second.ends[1]))
        self.assertEqual(self.tells(self.b, first, "a", second, "b"), "")
        self.first.into.wait_bye()
        self.second.out.wait_bye()
        ends = self.first.ends[0], self.second.ends[1]
        for end, hertz in zip(ends, (440, 880)):
            end.start(hertz)
        self.hear(ends)
        for node, shard, own, heir in ((self.b, 18, "b", "a"), (self.a, 17, "a", "b")):
            node.kill()
            self.until(lambda: self.owner(shard) == heir)
            self.hear(ends)
            node.restart()
            self.until(lambda: self.owner(shard) == own)
            self.hear(ends)
        for end in ends:
            end.stop()
        over()
        self.ends_well()
        for call in (first, second):
            self.until(lambda: len(self.pairs(call)) == 2)
            self.assertEqual(self.pairs(call), [call, f"{call}.2"])

    def test_other_call_is_over(self):
        """Whoever asks for it is told so, and the call goes on."""
        first, second = self.ids()
        self.second.out.bye()
        self.second.into.wait_bye()
        self.assertRegex(self.tells(self.a, first, "a", second, "b"), "not_found|conflict")     # it may not be quite over yet
        self.until(lambda: "not_found" in self.tells(self.a, first, "a", second, "b"))
        self.first.speaks().hears()
        self.first.quiet()
        self.first.hang_up()

    def test_joins_that_meet(self):
        """Each of two calls is told to join with the other. However the orders meet, no call is lost, and what is answered is true."""
        first, second = self.ids()
        over = self.serve((self.first.out, self.first.ends[0]), (self.first.into, self.first.ends[1]),
                          (self.second.out, self.second.ends[0]), (self.second.into, self.second.ends[1]))
        told = {}
        orders = ((self.a, first, "a", second, "b"), (self.b, second, "b", first, "a"))
        threads = [threading.Thread(target=lambda order=order: told.update({order[1]: self.tells(*order)}), daemon=True) for order in orders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        self.assertEqual(len(told), 2)
        self.assertIn("", told.values())
        self.assertRegex("".join(told.values()), "^$|conflict")
        time.sleep(1)       # whoever refuses is heard by then
        self.assertEqual(len(self.a.ctl("call.list")), 2)
        self.assertEqual({self.a.ctl("call.show", call=call)["state"] for call in (first, second)}, {"established"})
        over()
        shown = self.a.ctl("call.show", call=first)
        if {shown["from"], shown["to"]} == {"1001", "1003"}:
            self.first.into.wait_bye()
            self.second.out.wait_bye()
            self.ends_well()
        else:
            for talk in (self.first, self.second):
                talk.out.bye()
                talk.into.wait_bye()

    def test_join_is_refused(self):
        """By what the other node says of the call there."""
        first, second = self.ids()
        other = second[:7] + ("1" if second[7] == "0" else "0") + second[8:]
        for arguments, why in (({"with": second}, "conflict: the call has two parties"), ({"with": other}, "not_found"), ({"with": "0vvah0h9in480"}, "not_found")):
            with self.subTest(arguments), self.assertRaisesRegex(ServerError, why):
                self.a.ctl("call.join", call=first, leg="a", **arguments)
        self.lists(first, second)
        for talk in (self.first, self.second):
            talk.out.bye()
            talk.into.wait_bye()

    def test_retrieved_by_command(self):
        """1001 is parked at node a; who has a call at node b speaks with him, and the second one hears that nobody is there."""
        first, second = self.ids()
        self.a.ctl("call.park", call=first, leg="a", slot="12")
        self.first.into.wait_bye()
        ends = self.answers()
        self.b.ctl("call.retrieve", call=second, leg="b", slot="12")
        self.second.out.wait_bye()
        for end, hertz in zip(ends, (440, 880)):
            end.start(hertz)
        self.hear(ends)
        with self.assertRaisesRegex(ServerError, "no call is parked there"):
            self.b.ctl("call.retrieve", call=second, leg="b", slot="12")
        for end in ends:
            end.stop()
        self.ends_well()

    def hear(self, ends):
        ends[0].wait_tone(880, anew=True)
        ends[1].wait_tone(440, anew=True)

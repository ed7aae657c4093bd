# SPDX-License-Identifier: Apache-2.0
"""Lamps show calls and slots of other nodes, and what they show is taken: by a key, and by a call to the slot. BLF-04, PARK-01, BEAT-16."""
import os
import time
import unittest

import phone
from http_events_test import Page
from keys_of_phones_test import Keys as Features
from lib.linphone import Linphone, core
from lib.place import PARTY
from lib.sipp import Sipp, user
from lib.twinkle import Twinkle
from blf_test import INFO, Keys, Lamp
from patience import PATIENCE_S, slowness
from pickup_test import ELSEWHERE
from server import ServerError
from session_test import Users
from taken_test import ADDRESSES, LONG, SIP, Cluster, Talk

SLOT = "%234107"


class BlfOfNodes(Users, Cluster):
    """1003 is at node b; the calls are at node a."""

    def setUp(self):
        super().setUp()
        for node in (self.a, self.b):
            self.until(lambda node=node: node.metric("tandem_cluster_nodes", state="heard") == 1)
        self.until(lambda: (self.owner(17), self.owner(18)) == ("a", "b"))
        for number in ("1002", "1003"):
            self.a.ctl("extension.put", number=number, pickup_groups="sales")
        self.registers(17, "1001", "1002")
        self.registers(18, "1003")
        self.desk = self.phones[18, "1003"]

    def lamp(self, number):
        lamp = Lamp(self.desk, number)
        lamp.hear()
        return lamp

    @staticmethod
    def shows(lamp, state):
        """It may show phones of other tests beside that, which do not answer."""
        while state not in lamp.states():
            lamp.hear()
        return next(d for d in lamp.dialogs.values() if d.find(INFO + "state").text == state)

    @staticmethod
    def dark(lamp):
        while set(lamp.states()) - {"terminated"}:
            lamp.hear()

    def key(self, lamp):
        dialog = self.shows(lamp, "early")
        return f"{dialog.get('call-id')};to-tag={dialog.get('local-tag')};from-tag={dialog.get('remote-tag')};early-only"

    def end(self):
        end = self.b.media()
        self.addCleanup(end.close)
        return end

    def hear(self, *ends):
        for end, hertz in zip(ends, (440, 880)):
            end.start(hertz)
        for end, hertz in zip(ends, (880, 440)):
            end.wait_tone(hertz, anew=True)

    def watched(self, *wanted):
        """What 1003, at node b, hears of the presence of 1002 until that has all of it."""
        while True:
            notify = self.desk.take_request("NOTIFY", PATIENCE_S, self.watch)
            self.desk.respond(notify, 200)
            body = notify.body.decode()
            if all(part in body for part in wanted):
                return body

    def publish(self, shard, state="", expires=600, match=None):
        """1002 says by PUBLISH what its user does; the status, and the etag to go on with."""
        phone = self.phones[shard, "1002"]
        body = f"<presence><tuple><status><basic>open</basic></status></tuple><activities><{state}{'' if '>' in state else '/'}></activities></presence>" if state else ""
        headers = [("Event", "presence"), ("Expires", str(expires))] + ([("SIP-If-Match", match)] if match else [])
        ask = phone.request("PUBLISH", f"sip:1002@{phone.home}", headers=headers, body=body.encode(), content_type="application/pidf+xml")
        answer = phone.transact_authorized(ask)[1]
        return answer.status, answer.get("SIP-ETag")

    def said(self):
        return [row["presence"] for row in self.b.events() if row["type"] == "extension.presence"]

    def test_presence(self):
        """1002 is registered at node a; what it says, by a command, by PUBLISH or by its calls, is seen at node b, also when a was killed."""
        before = len(self.said())
        ask = self.desk.request("SUBSCRIBE", f"sip:1002@{self.desk.home}", headers=[("Event", "presence"), ("Expires", "600")])
        self.watch = self.desk.transact_authorized(ask)[1].call_id
        self.assertNotIn("person", self.watched("<basic>open</basic>"))
        said = self.a.ctl("presence.set", number="1002", state="out_of_office", note="Back on <Monday>")
        self.assertEqual((said["state"], said["available"], said["said"], said["by"]), ("out_of_office", False, "out_of_office", "command"))
        self.assertIn("Back on &lt;Monday&gt;", self.watched("<basic>closed</basic>", "<rpid:other>out_of_office</rpid:other>"))
        talk = Talk(self, 17).answer()
        self.assertNotIn("out_of_office", self.watched("<rpid:on-the-phone/>"))
        talk.out.bye()
        talk.into.wait_bye()
        self.watched("out_of_office")
        # a phone that says the newest word, and goes on with it at the other node, behind a kill
        status, etag = self.publish(17, "meeting")
        self.assertEqual(status, 200)
        self.assertIn("<basic>open</basic>", self.watched("<rpid:meeting/>"))
        self.until(lambda: self.said()[before:] == ["out_of_office", "in_a_meeting"])
        self.a.kill()
        self.assertEqual(self.b.ctl("presence.get", number="1002")["said"], "in_a_meeting")
        status, other = self.publish(18, "away", match=etag)
        self.assertEqual(status, 200)
        self.watched("<rpid:away/>")
        self.a.restart()
        self.assertEqual(self.publish(18, match=etag)[0], 412)
        self.assertEqual(self.publish(18, expires=30, match=other)[0], 423)
        self.assertEqual(self.publish(18, expires=0, match=other)[0], 200)
        self.watched("out_of_office")
        self.until(lambda: self.a.ctl("presence.get", number="1002")["said"] == "out_of_office")
        # states of the tenant, to commands and to phones
        self.b.ctl("tenant.put", name="default", presence_states="lunch,gym")
        self.addCleanup(self.b.ctl, "tenant.put", name="default", presence_states="")
        with self.assertRaisesRegex(ServerError, "presence_states"):
            self.b.ctl("presence.set", number="1002", state="home")
        self.b.ctl("presence.set", number="1002", state="gym")
        self.addCleanup(self.b.ctl, "presence.set", number="1002", state="available")
        self.watched("<rpid:other>gym</rpid:other>")
        self.assertEqual(self.publish(18, "other>home</other")[0], 403)
        # a meeting is shown in place of that, and beside it
        self.b.ctl("presence.set", number="1002", state="in_a_meeting", by="calendar", until_utc_ms=int(time.time() * 1000) + 60000)
        self.watched("<rpid:meeting/>")
        self.assertEqual([self.b.ctl("presence.get", number="1002")[key] for key in ("state", "said")], ["in_a_meeting", "gym"])
        self.b.ctl("presence.set", number="1002", state="available", by="calendar")
        self.watched("gym")
        # a page, for as long as it is there
        page = self.b.ctl("presence.publish", number="1002", state="lunch")
        self.watched("lunch")
        self.b.ctl("presence.publish", number="1002", etag=page["etag"], expires_s=0)
        self.watched("gym")
        with self.assertRaisesRegex(ServerError, "no such publication"):
            self.b.ctl("presence.publish", number="1002", etag=page["etag"])
        # a word that ends
        self.b.ctl("presence.set", number="1002", state="busy", until_utc_ms=int(time.time() * 1000) + 1500)
        self.watched("<rpid:busy/>", "until=")
        self.watched("gym")
        for node in (self.a, self.b):
            self.until(lambda node=node: node.ctl("presence.get", number="1002")["said"] == "gym")
        self.until(lambda: self.said()[before:] == ["out_of_office", "in_a_meeting", "away", "out_of_office", "gym", "lunch", "gym", "busy", "gym"])

    def others(self):
        """Phones that others wrote, at node b's address: baresip, linphone, SIPp and Twinkle watch 1002, others of linphone and
        SIPp a list, Twinkle publishes."""
        server, folder = (ADDRESSES[18], SIP), lambda name: os.path.join(self.b.home, name)
        for number in range(1401, 1407):
            self.a.put_extension(str(number), "secret")
            self.addCleanup(self.a.ctl, "extension.delete", number=str(number))
        self.until(lambda: len([row for row in self.b.ctl("extension.list", limit=1000) if row["number"].startswith("140")]) == 6)
        bare = phone.Phone(folder("baresip"), phone.account("1401", "secret", f"{server[0]}:{SIP}"), self.b.ports, address=PARTY,
                           extra="module_app contact.so\nmodule_app presence.so", contacts=f'"Friend" <sip:1002@{server[0]}:{SIP}>;presence=p2p\n')
        for name in ("linphone", "list"):
            os.makedirs(folder(name))
        lin = Linphone(folder("linphone"), self.b.ports, server, "1402", "secret")
        rls = Linphone(folder("list"), self.b.ports, server, "1403", "secret", program=core(folder("list")))
        twin = Twinkle(folder("twinkle"), self.b.ports, server, "1404", "secret", buddy="1002")
        sipps = [Sipp(folder(name), os.path.join(os.path.dirname(__file__), "sipp", f"{name}.xml"), server, self.b.ports,
                      users=[user(number, "secret", "1002")], seconds=60, extra=("-auth_uri", f"{to}@{server[0]}:{SIP}"))
                 for name, number, to in (("watcher", "1405", "1002"), ("list_watcher", "1406", "friends"))]
        for made in (bare, lin, rls, twin):
            self.addCleanup(made.quit)
        lin.heard("LinphoneRegistrationOk")
        lin.say(f"friend add friend sip:1002@{server[0]}")
        rls.heard("LinphoneRegistrationOk")
        for number in ("1001", "1002"):
            rls.say(f"friend sip:{number}@{server[0]}")
        rls.say(f"list sip:friends@{server[0]}")
        return bare, lin, rls, twin, sipps

    def test_phones_of_others(self):
        """Their node is killed: the other one tells all of them, and what comes then: a call, do not disturb, a word. PRES-01, BLF-01, CALL-22."""
        self.a.ctl("extension.put", number="1003", lamps="1=blf:1002")
        for number in ("1002", "1003"):
            self.addCleanup(self.a.ctl, "extension.put", number=number, do_not_disturb=False)
        self.until(lambda: self.b.ctl("extension.get", number="1003")["lamps"])
        bare, lin, rls, twin, sipps = self.others()
        lin.heard("<basic>open</basic>")
        rls.matches(r'fullState="true"(.*\n)+?SIP/2.0 200 Ok')
        self.until(lambda: "Online" in bare.command("contacts"))
        self.until(lambda: twin.presence()[-1] == "online")
        lamps, features = Keys(self.desk, "lamps-1003"), Features(self.desk)
        lamps.hear()
        features.until(dnd=False)
        self.until(lambda: self.a.ctl("presence.get", number="1404")["by"] == "phone")
        before = len(rls.output())
        self.b.kill()
        rls.matches(r'fullState="true"(.*\n)+?SIP/2.0 200 Ok', LONG, before)
        talk = Talk(self, 17)
        talk.into.ring()
        talk.out.wait_provisional(180)
        lamps.until_lamps(_1002=["early"])
        lin.heard("<rpid:on-the-phone/>")
        self.until(lambda: "Busy" in bare.command("contacts"))
        time.sleep(2)       # SIPp's watchers, who do not say what they have, are to hear of the call, too: behind the state of all
        talk.out.cancel()
        talk.into.wait_cancel()
        self.until(lambda: "Online" in bare.command("contacts"))
        before = len(rls.output())
        for number in ("1002", "1003"):
            self.a.ctl("extension.put", number=number, do_not_disturb=True)
        features.until(dnd=True)
        lin.heard("do_not_disturb")
        rls.matches(r'do_not_disturb(.*\n)+?SIP/2.0 200 Ok', after=before)
        self.until(lambda: "Busy" in bare.command("contacts"))
        self.until(lambda: twin.presence()[-1] == "offline")
        for sipp in sipps:
            outcome = sipp.wait()
            self.assertTrue(outcome.ok(1), outcome)
        self.a.ctl("extension.put", number="1002", do_not_disturb=False)
        self.until(lambda: twin.presence()[-1] == "online")
        twin.say("presence -b offline")
        self.until(lambda: self.a.ctl("presence.get", number="1404")["said"] == "off_work")

    def page(self, node, token, query):
        pages = []

        def opened():       # a token counts at the other node within a second
            pages.append(Page(node, token, query))
            self.addCleanup(pages[-1].close)
            return pages[-1].answer.status != 401
        self.until(opened)
        return pages[-1]

    def test_page(self):
        """One stream shows a page its user and whom he watches: at each node the same, within a second, and at the other one when its own was killed."""
        self.a.ctl("extension.put", number="1002", monitor="all")
        token = self.session(self.a, "1002", "secret")["token"]
        both = [self.page(node, token, "watch=1002&user=1001,1003,%234107,1999") for node in (self.b, self.a)]

        def show(what):
            for page in both:
                page.shows(what)
            self.assertEqual(both[0].users, both[1].users)

        show(lambda users: users.get("1003", {}).get("state") == users["1002"]["state"] == "available")
        self.assertEqual(list(both[0].users), ["1002", "1001", "1003", "#4107", "1999"])
        self.assertEqual((both[0].users["1999"], both[0].users["#4107"]), ({"ended": "noresource"}, {"calls": []}))
        self.assertNotIn("forward_busy", both[0].users["1001"])
        began = time.monotonic()
        self.b.ctl("presence.set", number="1001", state="away", note="at <lunch>")
        self.a.ctl("extension.put", number="1002", do_not_disturb=True, forward_busy="1003")
        show(lambda users: users["1001"]["note"] == "at <lunch>" and users["1002"]["forward_busy"] == "1003")
        self.assertLess(time.monotonic() - began, slowness())
        self.assertEqual((both[0].users["1002"]["state"], both[0].users["1002"]["available"]), ("do_not_disturb", False))
        self.a.ctl("extension.put", number="1002", do_not_disturb=False, forward_busy="")
        self.b.ctl("presence.set", number="1001", state="available")
        show(lambda users: users["1002"]["state"] == users["1001"]["state"] == "available")
        talk = Talk(self, 17)
        talk.into.ring()
        show(lambda users: [call["state"] for call in users["1002"]["calls"]] == ["early"])
        talk.answer()
        show(lambda users: [call["state"] for call in users["1002"]["calls"] + users["1001"]["calls"]] == ["confirmed"] * 2)
        call, other = both[0].users["1002"]["calls"][0], both[0].users["1001"]["calls"][0]
        self.assertEqual((call["call"], call["remote"], call["direction"]), (talk.id, "1001", "in"))
        self.assertEqual((other.get("call"), other["remote"], other["direction"]), (None, "1002", "out"))
        self.assertEqual(both[0].users["1001"]["state"], "on_the_phone")
        self.a.ctl("call.park", call=talk.id, leg="a", slot="07")
        talk.into.wait_bye()
        show(lambda users: [call["remote"] for call in users["#4107"]["calls"]] == ["1001"] and not users["1002"]["calls"])
        # the page at the node that is killed goes to the other one, and is told all at once
        before = both[0].users
        self.a.kill()
        both[1] = self.page(self.b, token, "watch=1002&user=1001,1003,%234107,1999")
        both[1].shows()
        self.assertEqual((both[1].users, both[1].whole), (before, 1))
        talk.out.bye()
        show(lambda users: not users["#4107"]["calls"])
        self.assertEqual(both[0].whole, 1)
        self.a.restart()

    def test_who_may_watch(self):
        """A page is told of nobody whom its user may not watch, as of lamps; of a user it is told by that user's session or an administrator's token."""
        self.a.ctl("extension.put", number="1002", monitor="listed", monitors="1001", lamps="1=park:07")
        self.addCleanup(self.a.ctl, "extension.put", number="1002", monitor="all", monitors="", lamps="")
        session = self.session(self.a, "1002", "secret")["token"]
        admin = self.token(self.a, "admin")
        self.refused(403, "not_allowed", self.a, "GET", "/v1/events?watch=1001", session)
        self.refused(401, "not_allowed", self.a, "GET", "/v1/events?watch=1002", "default~x~y")
        own, named = self.page(self.a, session, "watch=1002"), self.page(self.b, admin, "watch=1002&user=1001,1003")
        own.shows()
        self.assertEqual(list(own.users), ["1002", "#4107", "1001"])
        named.shows()
        self.assertEqual(named.users["1003"], {"ended": "rejected"})
        talk = Talk(self, 17).answer()
        for page in (own, named):
            page.shows(lambda users: users["1001"]["calls"])
        self.a.ctl("extension.put", number="1001", monitored="state")
        self.addCleanup(self.a.ctl, "extension.put", number="1001", monitored="parties")
        for page in (own, named):
            page.shows(lambda users: users["1001"]["calls"] and "remote" not in users["1001"]["calls"][0])
        self.a.ctl("extension.put", number="1001", monitored="none")
        for page in (own, named):
            page.shows(lambda users: users["1001"] == {"ended": "rejected"})
        self.a.ctl("extension.put", number="1002", monitors="1003")
        own.shows(lambda users: list(users) == ["1002", "#4107", "1003"])
        talk.hang_up()
        # of another tenant's users none is known
        self.a.ctl("tenant.put", name="acme", domains="acme.example")
        self.addCleanup(self.a.ctl, "tenant.delete", name="acme")
        self.addCleanup(self.a.ctl, "token.delete", name="acme", tenant="acme")
        self.until(lambda: [row for row in self.a.ctl("tenant.list") if row["name"] == "acme"])
        other = self.page(self.a, self.token(self.a, "admin", tenant="acme", name="acme"), "watch=1002&user=1001")
        other.shows()
        self.assertEqual(other.users, {"1002": {"ended": "noresource"}, "1001": {"ended": "noresource"}})
        # a session that is over by another password is told so
        self.a.ctl("extension.put", number="1002", password="another one")
        self.addCleanup(self.a.ctl, "extension.put", number="1002", password="secret")
        while (event := own.next())["type"] != "end":
            pass
        self.assertEqual(event["reason"], "token")

    def test_hours(self):
        """Said by hand at one node: the lamp at the other one is lit, also when the first one was killed, and dark when that is taken back."""
        self.a.ctl("hours.put", name="office", code="1")
        self.a.ctl("extension.put", number="1001", hours="office")
        lamp = self.lamp("*521")
        self.until(lambda: self.dials_hours("*521"))
        self.shows(lamp, "confirmed")
        self.until(lambda: self.b.ctl("hours.get", name="office")["override"] == "closed")
        self.a.kill()
        self.a.restart()
        self.until(lambda: self.a.ctl("hours.get", name="office")["override"] == "closed")
        self.b.ctl("hours.override", name="office", state="none")
        self.dark(lamp)
        self.until(lambda: self.a.ctl("hours.get", name="office")["override"] == "none")

    def dials_hours(self, digits):
        """It is answered and told by a tone, and the node hangs up."""
        end = self.end()
        out = self.phones[17, "1001"].invite(digits, end.sdp())
        out.wait_answer()
        out.wait_bye()
        return True

    def test_keys(self):
        """One subscription for calls of another node: when its own node is killed the other one tells all at once. BLF-01, MON-01."""
        self.a.ctl("extension.put", number="1003", lamps="1=blf:1001,4=blf:1002,7=park:07")
        self.until(lambda: self.b.ctl("extension.get", number="1003")["lamps"])
        keys = Keys(self.desk, "lamps-1003")
        keys.hear()
        self.assertEqual(keys.named, ["1001", "1002", SLOT])
        talk = Talk(self, 17)
        talk.into.ring()
        talk.out.wait_provisional(180)
        keys.until_lamps(_1001=["early"], _1002=["early"])
        talk.answer()
        keys.until_lamps(_1001=["confirmed"], _1002=["confirmed"])
        self.b.kill()
        before = keys.version
        while not (keys.hear(LONG) and keys.whole and keys.version > before):
            pass
        self.assertEqual((keys.lamps["1001"], keys.lamps["1002"]), (["confirmed"], ["confirmed"]))
        talk.hang_up()
        keys.until_lamps(_1001=[], _1002=[])

    def test_taken_by_a_key(self):
        """The lamp is dark, blinks, and its key takes the call; then it is lit by who talks there."""
        lamp = self.lamp("1002")
        rings = Talk(self, 17)
        rings.into.ring()
        rings.out.wait_provisional(180)
        mine = self.end()
        picks = self.desk.invite("1002", mine.sdp(), [("Replaces", self.key(lamp)), ("Require", "replaces")])
        mine.use(picks.wait_answer())
        self.assertEqual(rings.into.wait_cancel().get("Reason"), ELSEWHERE)
        rings.ends[0].use(rings.out.wait_answer())
        self.hear(rings.ends[0], mine)
        self.dark(lamp)
        picks.bye()
        rings.out.wait_bye()

    def test_taken_by_a_code(self):
        """The extension behind the code, and nothing: the call of its group that rings longest, on whichever node."""
        for code in ("**1002", "**"):
            with self.subTest(code):
                rings = Talk(self, 17)
                rings.into.ring()
                rings.out.wait_provisional(180)
                mine = self.end()
                picks = self.desk.invite(code, mine.sdp())
                mine.use(picks.wait_answer())
                self.assertEqual(rings.into.wait_cancel().get("Reason"), ELSEWHERE)
                rings.ends[0].use(rings.out.wait_answer())
                self.hear(rings.ends[0], mine)
                picks.bye()
                rings.out.wait_bye()
                self.until(lambda: not any(node.ctl("call.list", ending=True) for node in (self.a, self.b)))
        self.assertEqual(self.desk.invite("**1002", self.end().sdp()).wait_final().status, 404)

    def test_taken_by_a_command(self):
        """Whichever node reads it: the phone at node b rings in place of the one at node a. The same id again is the same command."""
        for via in (self.a, self.b) * 3:
            rings = Talk(self, 17)
            rings.into.ring()
            rings.out.wait_provisional(180)
            call = via.ctl("call.pickup", extension="1002", by="1003")["id"]
            into = self.desk.incoming()
            self.assertEqual(rings.into.wait_cancel().get("Reason"), ELSEWHERE)
            with self.assertRaisesRegex(ServerError, "nobody calls there"):
                via.ctl("call.pickup", extension="1002", by="1003")
            mine = self.end()
            into.answer(mine.sdp(), ack=False)
            rings.ends[0].use(rings.out.wait_answer())
            into.wait_ack()
            mine.use(into.request)
            self.hear(rings.ends[0], mine)
            into.bye()
            rings.out.wait_bye()
            self.until(lambda: self.cdrs(self.a, call))
            self.assertEqual([(row["forwarded"], row["forwarded_to"]) for row in self.cdrs(self.a, call)], [("pickup", "1003")])

    def test_links(self):
        """Whichever node reads a link finds the user's own call, and the newest one; a call that is named is that one."""
        for via in (self.a, self.b):
            rings = Talk(self, 17)
            rings.into.ring()
            rings.out.wait_provisional(180)
            via.ctl("call.link", number="1002", link="call.center:reject")
            rings.into.wait_cancel()
            self.assertEqual(rings.out.wait_final().status, 486)
            with self.assertRaisesRegex(ServerError, "no such call"):
                via.ctl("call.link", number="1002", link="call.center:hangup")
        talk = Talk(self, 17).answer()
        call = self.a.ctl("call.list")[0]["id"]
        with self.assertRaisesRegex(ServerError, "no such call"):
            self.b.ctl("call.link", number="1003", link="call.center:hangup", call=call)
        for turn in range(7):       # in a role, which goes with the command to the node that has the call
            via = (self.b, self.a)[turn % 2]
            via.ctl("call.link", number="1001", link="call.center:mute_unmute", as_role="admin")
            self.assertEqual(self.a.ctl("call.show", call=call)["a"]["muted"], turn % 2 == 0)
        def roles():
            return [row["role"] for row in self.a.ctl("audit.list", calls=True, tenant="default", object=call) if row["command"] == "call.mute"]

        self.until(lambda: len(roles()) == 7)
        self.assertEqual(set(roles()), {"admin"})
        self.b.ctl("call.link", number="1002", link="call.center:hangup", call=call)
        talk.out.wait_bye()
        talk.into.wait_bye()

    def test_sent_twice(self):
        """The same command by two clients at once, while two calls ring: one of them is taken."""
        many = [Talk(self, 17) for _ in range(2)]
        for rings in many:
            rings.into.ring()
            rings.out.wait_provisional(180)
        with self.redis() as redis:
            for client in ("one", "two"):
                redis("XADD", "td:{cmd:_operator}:in", "*", "v", "1", "id", "pick-twice", "do", "call.pickup",
                      "args", '{"extension":"1002","by":"1003"}', "client", client)
            self.until(lambda: any(redis("XLEN", f"td:{{cmd:_operator}}:out:{client}") for client in ("one", "two")))
        into = self.desk.incoming()
        into.ring()
        many[0].into.wait_cancel()
        time.sleep(1)       # nor is there another one later
        self.assertEqual(self.desk.count(lambda m: m.is_request and m.method == "INVITE" and m.call_id != into.call_id), 0)
        for rings, phone in zip(many, (into, many[1].into)):
            rings.out.cancel()
            phone.wait_cancel()
            self.assertEqual(rings.out.wait_final().status, 487)

    def test_over_a_kill(self):
        """Whoever talks there is shown without a gap when the node is killed, and dark when it is over."""
        talk = Talk(self, 17).answer()
        lamp = self.lamp("1002")
        self.shows(lamp, "confirmed")
        self.a.kill()
        self.until(lambda: self.owner(17) == "b")
        talk.speaks().hears()
        self.assertEqual({tuple(states) for states in lamp.drain()}, {("confirmed",)})
        self.a.restart()
        self.until(lambda: self.owner(17) == "a")
        talk.hears()
        self.assertEqual({tuple(states) for states in lamp.drain()}, {("confirmed",)})
        talk.quiet()
        talk.hang_up()
        self.dark(lamp)

    def test_a_slot(self):
        """1002 parks 1001 at node a. The lamp at node b is lit with who waits, and a call from there speaks with him."""
        lamp = self.lamp(SLOT)
        talk = Talk(self, 17).answer()
        self.a.ctl("call.park", call=talk.id, leg="a", slot="07")
        talk.into.wait_bye()
        self.assertIn("sip:1001@", self.shows(lamp, "confirmed").find(f"{INFO}remote/{INFO}identity").text)
        mine = self.end()
        picks = self.desk.invite(SLOT, mine.sdp())
        mine.use(picks.wait_answer())
        self.hear(talk.ends[0], mine)
        self.dark(lamp)
        picks.bye()
        talk.out.wait_bye()

    def test_at_an_extension(self):
        """PARK-03: who waits in the slot of 1002's number blinks at its lamp at node b, and the key there has him; 1002 is no busier for that."""
        lamp = self.lamp("1002")
        talk = Talk(self, 17).answer()
        self.shows(lamp, "confirmed")
        self.a.ctl("extension.put", number="1002", smart_do_not_disturb=True)
        self.addCleanup(self.a.ctl, "extension.put", number="1002", smart_do_not_disturb=False)
        self.a.ctl("call.park", call=talk.id, leg="a", slot="1002")
        talk.into.wait_bye()
        key = self.key(lamp)
        self.assertTrue(key.startswith("1002;to-tag=0;"), key)
        out = self.desk.invite("1002", self.end().sdp())
        self.phones[17, "1002"].incoming().reject(480, "Temporarily Unavailable")
        self.assertEqual(out.wait_final().status, 480)
        mine = self.end()
        picks = self.desk.invite("1002", mine.sdp(), [("Replaces", key), ("Require", "replaces")])
        mine.use(picks.wait_answer())
        self.hear(talk.ends[0], mine)
        self.dark(lamp)
        picks.bye()
        talk.out.wait_bye()

    def test_offline(self):
        """BEAT-17: an extension without a phone is dark, or busy where the tenant says so, until a phone of it comes to the other node."""
        self.a.ctl("tenant.put", name="default", offline_lamps="busy")
        self.addCleanup(self.a.ctl, "tenant.put", name="default", offline_lamps="dark")
        self.a.put_extension("1399", "secret")
        self.addCleanup(self.a.ctl, "extension.delete", number="1399")
        self.until(lambda: self.b.ctl("tenant.list")[0]["offline_lamps"] == "busy")
        self.until(lambda: [row for row in self.b.ctl("extension.list", limit=1000) if row["number"] == "1399"])
        lamp = self.lamp("1399")
        self.shows(lamp, "confirmed")
        agent = self.b.user_agent("1399", "secret")
        self.addCleanup(agent.close)
        agent.server = (ADDRESSES[18], 5060)
        self.assertEqual(agent.register().status, 200)
        self.dark(lamp)
        self.assertEqual(agent.register(expires=0).status, 200)
        self.shows(lamp, "confirmed")


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Web Push (BEAT-27): a browser is told of calls and messages while no page is open, against a push service of ours, and in Chromium by its debugging
protocol."""
import json
import os
import socket
import time

from directory_test import Pair
from http_api_test import Asks
from lib.browser import WHOLE
from lib.push import PushService
from lib.store import record
from mailbox_test import Mailbox
from patience import PATIENCE_S, until
from tandem_client import Client
from web_test import HOSTILE, WebTest

LONG = 70                      # s
HOUR_S = 3600
TALK = ("Allow-Events", "talk, hold")
TERMS = {"push_hosts": "127.0.0.1", "push_contact": "mailto:admin@example.org", "web_networks": "127.0.0.0/8"}
# Browsers subscribe at the push service of their maker, which tests do not reach: this one is handed over in its place.
STUB = """(() => { const made = %s, own = (t) => Uint8Array.from(atob(t.replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0)).buffer;
let there = sessionStorage.getItem('subscribed'), key = there;
const as = () => ({ endpoint: made.endpoint, options: { applicationServerKey: own(key) }, getKey: name => own(made[name]),
  unsubscribe: async () => { there = null; sessionStorage.removeItem('subscribed'); unsubscribed = (self.unsubscribed ?? 0) + 1; return true; } });
PushManager.prototype.subscribe = async function (o) { key = there = o.applicationServerKey; sessionStorage.setItem('subscribed', key); return as(); };
PushManager.prototype.getSubscription = async function () { return there ? as() : null; }; })()"""


class Pushes(WebTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service = PushService()
        cls.addClassCleanup(cls.service.close)

    def setUp(self):
        super().setUp()
        self.service.keys.clear()
        self.service.answers.clear()
        while not self.service.came.empty():
            self.service.came.get()
        for row in self.node.ctl("browser.list", number="1001"):
            self.node.ctl("browser.delete", name=row["name"], number="1001")
        self.tenant(**TERMS)

    def tenant(self, **fields):
        self.node.ctl("tenant.put", name="default", **fields)

    def session(self, number="1001", node=None):
        return self.ok(node or self.node, "POST", "/v1/sessions", "", {"number": number, "password": "secret" + number})["token"]

    def added(self, name="one", number="1001", token=None):
        token = token or self.session(number)
        return token, self.ok(self.node, "POST", "/v1/browsers", token, {"number": number, **self.service.subscribe(name)})

    def browsers(self, token, number="1001"):
        return self.ok(self.node, "GET", f"/v1/browsers?number={number}", token)

    def rings(self, number="1001", **more):
        out = self.b.invite(number, self.audio_b.sdp())
        into = self.a.incoming()
        into.respond(180, "Ringing", **more)
        return out, into

    @staticmethod
    def given_up(out, into):
        out.cancel()
        into.wait_cancel()


class Told(Pushes):
    def test_a_call(self):
        """BEAT-27: who calls, encrypted for the browser and signed by the tenant; what becomes of the call takes the notice's place."""
        token, made = self.added()
        self.assertEqual((made["number"], made["host"]), ("1001", "127.0.0.1"))
        out, into = self.rings()
        push, (row,) = self.service.next("one"), self.calls()
        self.assertEqual({name: push.told[name] for name in ("kind", "call", "from", "number")},
                         {"kind": "call", "call": row["id"], "from": "1002", "number": "1001"})
        self.assertEqual({name: push.headers[name] for name in ("ttl", "urgency", "topic", "content-encoding")},
                         {"ttl": "30", "urgency": "high", "topic": row["id"], "content-encoding": "aes128gcm"})
        self.assertTrue(push.signed)
        key = self.ok(self.node, "GET", "/v1/browsers:key?number=1001", token)
        self.assertEqual(key, {"on": True, "key": push.key})
        self.assertEqual((push.claims["aud"], push.claims["sub"]), (self.service.origin, "mailto:admin@example.org"))
        self.assertTrue(time.time() < push.claims["exp"] < time.time() + 24 * HOUR_S)
        self.given_up(out, into)
        missed = self.service.next("one")
        self.assertEqual((missed.told["kind"], missed.told["call"], missed.headers["topic"]), ("missed", row["id"], row["id"]))
        out, into = self.rings()
        self.assertEqual(self.service.next("one").told["kind"], "call")
        into.respond(200, "OK", body=self.audio_a.sdp())
        into.wait_ack()
        out.wait_answer()
        self.assertEqual(self.service.next("one").told["kind"], "taken")
        into.bye()
        out.wait_bye()
        self.service.none()

    def test_members_of_a_group(self):
        """Whoever of a group rings is told, once."""
        self.added()
        self.node.ctl("group.put", name="sales", members="1001")
        self.node.ctl("number.put", number="600", to="group:sales")
        self.addCleanup(self.node.ctl, "group.delete", name="sales")
        self.addCleanup(self.node.ctl, "number.delete", number="600")
        out, into = self.rings("600")
        self.assertEqual(self.service.next("one").told["kind"], "call")
        self.service.none()
        self.given_up(out, into)
        self.assertEqual(self.service.next("one").told["kind"], "missed")

    def test_who_hides(self):
        """Who withholds the number is not named."""
        self.added()
        out = self.b.invite("1001", self.audio_b.sdp(), headers=[("Privacy", "id")])
        into = self.a.incoming()
        into.ring()
        push = self.service.next("one")
        self.assertEqual((push.told["from"], push.told["name"]), ("", ""))
        self.assertNotIn("1002", push.plain)
        self.given_up(out, into)

    def test_what_may_be_subscribed(self):
        """Hosts of the tenant's list alone, https but at this machine; one's own extension; five, of which the oldest goes; no secret is shown."""
        token, keys = self.session(), self.service.subscribe("one")
        self.tenant(push_hosts="push.example.net,*.notify.example.com,127.0.0.1")
        for url in ("https://other.example.net/x", "https://push.example.net@evil.example/x", "https://evil.example\\.push.example.net/x",
                    "https://notify.example.com.evil.example/x", "https://xnotify.example.com/x", "http://push.example.net/x", "ftp://127.0.0.1/x",
                    "https://push.example.net.evil.example/", "https:///x", "https://push.example.net:x@evil.example/"):
            self.refused(400, "bad_argument", self.node, "POST", "/v1/browsers", token, {"number": "1001", **keys, "endpoint": url})
        for change in ({"p256dh": "A" * 87}, {"auth": "A" * 21}, {"p256dh": keys["p256dh"][:-1]}, {"auth": "*" * 22}):
            self.refused(400, "bad_argument", self.node, "POST", "/v1/browsers", token, {"number": "1001", **keys, **change})
        self.refused(403, "not_allowed", self.node, "POST", "/v1/browsers", token, {"number": "1002", **keys})
        self.refused(403, "not_allowed", self.node, "GET", "/v1/browsers?number=1002", token)
        for i in range(5):
            self.ok(self.node, "POST", "/v1/browsers", token, {"number": "1001", **keys, "endpoint": f"https://a.notify.example.com/{i}"})
            time.sleep(0.005)
        self.ok(self.node, "POST", "/v1/browsers", token, {"number": "1001", **keys, "endpoint": "https://a.notify.example.com/0"})
        self.assertEqual([row["name"] for row in self.browsers(token)], [f"1001-{i}" for i in range(5)])
        time.sleep(0.005)
        made = self.ok(self.node, "POST", "/v1/browsers", token, {"number": "1001", **keys, "endpoint": "https://push.example.net/s3cret"})
        self.assertEqual(made["name"], "1001-1", "the oldest")
        shown = json.dumps([self.browsers(token), made, self.node.ctl("audit.list")])
        for secret in ("s3cret", keys["auth"]):
            self.assertNotIn(secret, shown)
        with self.node.redis() as redis:
            self.assertNotIn(keys["auth"], redis("HGET", "td:{t:default}:doc:browser", "1001-1"))
        self.refused(404, "not_found", self.node, "DELETE", "/v1/browsers/1001-1?number=1002", self.session("1002"))
        for row in self.browsers(token):
            self.ok(self.node, "DELETE", f"/v1/browsers/{row['name']}?number=1001", token)
        self.assertEqual(self.browsers(token), [])

    def test_what_ends_it(self):
        """A browser that its push service has forgotten is deleted; so is one whose user has another password. No private address is asked unless
        the tenant may, and nothing is pushed to a host that has left the list."""
        token, _ = self.added()
        self.service.answers["one"] = 410
        out, into = self.rings()
        self.service.next("one")
        until(lambda: not self.browsers(token))
        self.given_up(out, into)
        token, _ = self.added("two")
        for change in ({"web_networks": ""}, {"push_hosts": "push.example.net", "web_networks": "127.0.0.0/8"}, {"push_hosts": ""}):
            self.tenant(**change)
            out, into = self.rings()
            self.service.none()
            self.given_up(out, into)
        self.assertEqual(len(self.browsers(token)), 1)
        self.assertIn('tandem_push_failed_total 2', self.node.http("/metrics")[1], "the call, and that it was missed")
        self.tenant(push_hosts="127.0.0.1")
        self.node.put_extension("1001", "another secret")
        self.addCleanup(self.node.put_extension, "1001", "secret1001")
        out, into = self.rings()
        self.service.none()
        until(lambda: not self.node.ctl("browser.list", number="1001"))
        self.given_up(out, into)

    def test_a_session_that_is_ended(self):
        """An administrator ends a session: its browser is told no more; that of another one is, and that of one which was renewed. What made room
        for another one of its name was not ended."""
        def begin(**more):
            return self.ok(self.node, "POST", "/v1/sessions", "", {"number": "1001", "password": "secret1001", **more})

        def told(*names):
            out, into = self.rings()
            self.assertEqual(sorted(self.service.came.get(timeout=PATIENCE_S)[0] for _ in names), sorted(names))
            self.given_up(out, into)
            self.assertEqual(sorted(self.service.came.get(timeout=PATIENCE_S)[0] for _ in names), sorted(names))
            self.service.none()

        lost, kept = begin(), begin()
        self.added("one", token=lost["token"])
        self.added("two", token=kept["token"])
        for made in (lost, kept):
            self.ok(self.node, "POST", f"/v1/sessions/{made['name']}/renew", made["token"], {"ttl_s": 7200})
        told("one", "two")
        self.node.ctl("session.delete", name=lost["name"])
        until(lambda: [row["name"] for row in self.node.ctl("browser.list", number="1001")] == ["1001-1"])
        told("two")
        brief = begin(ttl_s=60)
        self.added("three", token=brief["token"])
        until(lambda: begin()["name"] == brief["name"])
        self.node.ctl("session.delete", name=brief["name"])
        told("two", "three")

    def test_a_restart(self):
        """What was subscribed is there again, with the same key."""
        token, _ = self.added()
        key = self.ok(self.node, "GET", "/v1/browsers:key?number=1001", token)
        self.node.kill()
        self.node.restart()
        self.assertEqual(self.ok(self.node, "GET", "/v1/browsers:key?number=1001", token), key)
        out, into = self.rings()
        self.assertEqual(self.service.next("one").key, key["key"])
        self.given_up(out, into)


class Waits(Pushes):
    """A call for an extension without a phone waits for the browser that was told of it (docs/guides/web-client.md)."""

    def setUp(self):
        super().setUp()
        self.a.register(expires=0)

    def tearDown(self):
        self.tenant(push_wait_s=20)

    def waits(self):
        """(dialog of the caller, who hears ringing; the call)"""
        out = self.b.invite("1001", self.audio_b.sdp())
        out.wait_provisional(180)
        push = self.service.next("one")
        self.assertEqual((push.told["kind"], push.told["from"]), ("call", "1002"))
        return out, push.told["call"]

    def comes(self, out):
        """The phone registers, rings, and talks with the caller."""
        self.a.register()
        into = self.a.incoming()
        into.respond(200, "OK", body=self.audio_a.sdp())
        into.wait_ack()
        out.wait_answer()
        self.assertEqual(self.service.next("one").told["kind"], "taken")
        into.bye()
        out.wait_bye()

    def test_until_it_has_registered(self):
        token, _ = self.added()
        out, call = self.waits()
        self.assertEqual([row["id"] for row in self.ok(self.node, "GET", "/v1/calls", token)], [call], "its page sees it")
        self.comes(out)
        self.service.none()

    def test_nobody_comes(self):
        """Then it is as for an extension without a phone; and so it is, at once, where nobody could be told, or the tenant wants no wait."""
        out = self.b.invite("1001", self.audio_b.sdp())
        self.assertEqual(out.wait_final().status, 480)
        self.added()
        self.tenant(push_wait_s=1)
        out, call = self.waits()
        self.assertEqual(out.wait_final().status, 480)
        missed = self.service.next("one").told
        self.assertEqual((missed["kind"], missed["call"]), ("missed", call))
        self.node.ctl("extension.put", number="1001", forward_unreachable="1003")
        self.node.put_extension("1003", "secret1003")
        third = self.node.user_agent("1003", "secret1003")
        self.addCleanup(third.close)
        third.register()
        out, _ = self.waits()
        into = third.incoming()
        into.ring()
        out.cancel()
        into.wait_cancel()
        self.assertEqual(self.service.next("one").told["kind"], "missed")
        self.node.ctl("extension.put", number="1001", forward_unreachable="")
        self.tenant(push_wait_s=0)
        out = self.b.invite("1001", self.audio_b.sdp())
        self.assertEqual(out.wait_final().status, 480)
        self.service.none()

    def test_it_is_declined(self):
        token, _ = self.added()
        out, call = self.waits()
        self.refused(404, "not_found", self.node, "POST", f"/v1/calls/{call}/reject", self.stranger())
        self.ok(self.node, "POST", f"/v1/calls/{call}/reject", token)
        self.assertEqual(out.wait_final().status, 486)
        self.assertEqual(self.service.next("one").told["kind"], "missed")

    def stranger(self):
        self.node.put_extension("1003", "secret1003")
        return self.session("1003")

    def test_the_node_is_killed(self):
        """The next process tells the browser again, and the call goes on to wait."""
        self.added()
        out, call = self.waits()
        self.saved()
        self.node.kill()
        self.node.restart()
        self.assertEqual(self.service.next("one").told["call"], call)
        self.comes(out)


class Messages(Asks, Mailbox):
    def test_a_message(self):
        """Who has a new message in the mailbox is told, once."""
        service = PushService()
        self.addCleanup(service.close)
        self.ask("tenant.put", name="default", **TERMS)
        self.ask("browser.add", number="1002", **service.subscribe("one"))
        message = self.leave(self.SPOKEN[0])
        told = service.next("one").told
        self.assertEqual({name: told[name] for name in ("kind", "message", "from", "number")},
                         {"kind": "message", "message": message, "from": "1001", "number": "1002"})
        service.none()


    def test_of_two_tenants(self):
        """A tenant whose push service does not answer leaves places for another one's pushes."""
        service, silent = PushService(), socket.create_server(("127.0.0.1", 0), backlog=1024)
        for thing in (service, silent):
            self.addCleanup(thing.close)
        self.ask("tenant.put", name="default", **TERMS)
        self.ask("tenant.put", name="acme", domains="acme.example", **TERMS)
        self.ask("extension.put", number="2001", password="secret2001", tenant="acme")
        self.ask("browser.add", number="2001", tenant="acme", **service.subscribe("acme"))
        keys = service.subscribe("none")
        users = [f"3{i:02}" for i in range(22)]
        for number in users:
            self.ask("extension.put", number=number, password="secret" + number)
            for i in range(5):
                self.ask("browser.add", number=number, **{**keys, "endpoint": f"http://127.0.0.1:{silent.getsockname()[1]}/{number}-{i}"})
        folder = os.path.join(self.node.folder, "recordings")
        for i in range(6):
            for number in users:
                record(folder, call=f"0028{number}0000{i:02}0", mailbox=number, octets=1600)
        self.ask("recording.look")
        until(lambda: all(len(self.ask("message.list", mailbox=number)) == 6 for number in users))
        record(folder, call="0028000099001", mailbox="2001", tenant="acme")
        self.ask("recording.look")
        self.assertEqual(service.next("acme", 8).told["message"], "0028000099001-1")


class Nodes(Asks, Pair):
    def test_another_node(self):
        """What one node was told the other one does, by the same key; also when the first one is gone."""
        service = PushService()
        self.addCleanup(service.close)
        with Client(self.socket, "_operator") as client:
            client.ask("tenant.put", name="default", **TERMS)
            for number in ("1001", "1002"):
                client.ask("extension.put", number=number, password="secret" + number)
        token = self.ok(self.a, "POST", "/v1/sessions", "", {"number": "1001", "password": "secret1001"})["token"]
        self.ok(self.a, "POST", "/v1/browsers", token, {"number": "1001", **service.subscribe("one")})
        key = self.ok(self.a, "GET", "/v1/browsers:key?number=1001", token)["key"]
        one, two = (self.b.user_agent(number, "secret" + number) for number in ("1001", "1002"))
        audio = self.b.media()
        for thing in (one, two, audio):
            self.addCleanup(thing.close)
        until(lambda: one.register().status == 200 and two.register().status == 200)
        self.a.kill()
        out = two.invite("1001", audio.sdp())
        into = one.incoming()
        into.ring()
        push = service.next("one")
        self.assertEqual((push.told["kind"], push.key, push.signed), ("call", key, True))
        out.cancel()
        into.wait_cancel()
        self.assertEqual(service.next("one").told["kind"], "missed")
        self.assertEqual(one.register(expires=0).status, 200)      # another test has no phone for that user
        self.a.restart()

    def test_a_phone_registers_elsewhere(self):
        """The call waits at one node, and the phone comes to the other: it rings long before the wait is over."""
        service = PushService()
        self.addCleanup(service.close)
        with Client(self.socket, "_operator") as client:
            client.ask("tenant.put", name="default", **{**TERMS, "push_wait_s": 120})
            for number in ("1001", "1002"):
                client.ask("extension.put", number=number, password="secret" + number)
        token = self.ok(self.a, "POST", "/v1/sessions", "", {"number": "1001", "password": "secret1001"})["token"]
        self.ok(self.a, "POST", "/v1/browsers", token, {"number": "1001", **service.subscribe("one")})
        one, two = self.a.user_agent("1001", "secret1001"), self.b.user_agent("1002", "secret1002")
        heard = [self.a.media(), self.b.media()]
        for thing in (one, two, *heard):
            self.addCleanup(thing.close)
        until(lambda: two.register().status == 200)
        out = two.invite("1001", heard[1].sdp())
        self.assertEqual(service.next("one").told["kind"], "call")
        out.wait_provisional(180)
        self.assertEqual(one.register().status, 200)
        into = one.incoming()
        into.respond(200, "OK", body=heard[0].sdp())
        into.wait_ack()
        out.wait_answer()
        self.assertEqual(service.next("one").told["kind"], "taken")
        into.bye()
        out.wait_bye()


class InChromium(Pushes):
    """The page subscribes, the node pushes, and the worker of the whole browser shows what came."""
    program = WHOLE

    def page_that_is_told(self):
        made = self.service.subscribe("page")
        page = self.client()
        origin = self.url().rstrip("/")
        self.chromium.command("Browser.grantPermissions", permissions=["notifications"], origin=origin, browserContextId=page.context)
        page.say("Page.addScriptToEvaluateOnNewDocument", source=STUB % json.dumps(made))
        page.say("Page.reload")
        page.shows("Extension 1001")
        page.go(self.url("client#/settings"))
        page.shows("A notice of calls and messages while no page is open")
        page.run("[...document.querySelectorAll('label.switch')].find(e => e.innerText.includes('while no page is open')).querySelector('input').click()")
        until(lambda: len(self.node.ctl("browser.list", number="1001")) == 1)
        until(lambda: page.run("caches.open('tandem-push').then(c => c.match('/pages/session')).then(kept => !!kept)"))
        return page

    def worker(self, page):
        """(its registration, its session of the debugging protocol)"""
        target = until(lambda: next((one for one in self.chromium.command("Target.getTargets")["targetInfos"]
                                     if one["type"] == "service_worker" and one.get("browserContextId") == page.context), None))
        return self.chromium.command("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]

    def deliver(self, page, push):
        """As the push service of the browser would: ServiceWorker.deliverPushMessage."""
        page.say("ServiceWorker.enable")
        # the number of its registration is told by events alone; those of a profile begin with 0
        page.say("ServiceWorker.deliverPushMessage", origin=self.url().rstrip("/"), registrationId="0", data=push.plain)

    def notices(self, page):
        return page.run("navigator.serviceWorker.getRegistration('/pages/worker.js').then(r => r.getNotifications())"
                        ".then(all => all.map(n => ({title: n.title, tag: n.tag, actions: n.actions.map(a => a.title)})))")

    def press(self, page, action, which=0):
        """The button of the notice: there is no command of the protocol for it, so the worker hears the event as the browser would give it."""
        session = self.worker(page)
        found = self.chromium.command("Runtime.evaluate", session, expression="registration.getNotifications().then(all => !!self.dispatchEvent("
                                      f"new NotificationEvent('notificationclick', {{notification: all[{which}], action: {json.dumps(action)}}})))",
                                      awaitPromise=True, returnByValue=True)
        self.assertTrue(found["result"].get("value"), found)

    def hidden(self, page):
        """Another tab is in front."""
        other = self.page("style", context=page.context)
        self.chromium.command("Target.activateTarget", targetId=other.target)
        page.until("document.hidden")

    def test_answer_and_decline(self):
        """BEAT-27: a notice with answer and decline; decline refuses the call without a page, answer has the phone answer."""
        self.node.ctl("extension.put", number="1002", display_name=HOSTILE[:40])
        page = self.page_that_is_told()
        page.go(self.url("style"))        # no page of the client is open
        out, into = self.rings()
        self.deliver(page, self.service.next("page"))
        until(lambda: self.notices(page))
        notice, = self.notices(page)
        self.assertEqual((notice["tag"], notice["actions"]), (self.calls()[0]["id"], ["Answer", "Reject"]))
        self.assertIn(HOSTILE[:40] if HOSTILE[:40] in notice["title"] else "1002", notice["title"])
        self.press(page, "decline")
        into.wait_cancel()
        until(lambda: not self.calls())
        self.assertEqual(self.notices(page), [])
        self.deliver(page, self.service.next("page"))
        until(lambda: [notice["title"] for notice in self.notices(page)] == ["Missed call from " + HOSTILE[:40]])
        page.go(self.url("client#/settings"))
        self.hidden(page)
        out, into = self.rings(headers=[TALK])
        self.deliver(page, self.service.next("page"))
        until(lambda: [notice["actions"] for notice in self.notices(page)][1:] == [["Answer", "Reject"]])
        self.press(page, "answer", 1)
        self.assertEqual(self.a.take_request("NOTIFY", call_id=into.call_id).get("Event"), "talk")
        page.until("location.hash === '#/' || location.hash === ''")
        self.given_up(out, into)
        self.fine(page)

    def test_the_browser_is_the_only_phone(self):
        """The page is closed, and another page of the node is open. A call tells the browser; the page behind its notice registers with what the
        worker's cache has, and takes the call. What was kept goes with the phone that is turned off."""
        kept = "caches.open('tandem-push').then(c => c.match('/pages/phone')).then(found => !!found)"
        page = self.page_that_is_told()
        page.go(self.url("client"))
        page.click("Turn on")
        page.fill("#phone-password", "secret1001")
        page.click("Turn on", "dialog button")
        page.shows("Calls to you ring here, too")
        until(lambda: page.run(kept))
        page.run("sessionStorage.removeItem('tandem-phone')")     # as of a browser that was closed
        page.go(self.url("style"))
        self.a.register(expires=0)
        page.run("sessionStorage.removeItem('tandem-phone')")
        out = self.b.invite("1001", self.audio_b.sdp())
        out.wait_provisional(180)
        self.deliver(page, self.service.next("page"))
        until(lambda: self.notices(page))
        self.press(page, "answer")
        page.until("caches.open('tandem-push').then(c => c.match('/pages/answer')).then(found => !!found)")
        page.go(self.url("client#/answer"))
        self.audio_b.use(out.wait_answer())
        self.audio_b.start(880)
        self.audio_b.wait_tone(1000, anew=True)
        page.click("Hang up", ".phone-bar button")
        out.wait_bye()
        page.click("Turn off")
        until(lambda: not page.run(kept))
        self.fine(page)

    def test_a_session_that_ran_out(self):
        """What the worker's cache has for the phone has the end of the session; the next page behind that deletes it, though nobody signs in."""
        kept = "caches.open('tandem-push').then(c => c.match('/pages/phone')).then(found => found?.json()).then(found => found?.expires_utc_s ?? null)"
        page = self.page_that_is_told()
        page.go(self.url("client"))
        page.click("Turn on")
        page.fill("#phone-password", "secret1001")
        page.click("Turn on", "dialog button")
        page.shows("Calls to you ring here, too")
        until(lambda: page.run(kept))
        self.assertEqual(page.run(kept), page.run("JSON.parse(localStorage.getItem('tandem-client')).expires_utc_s"))
        page.go(self.url("style"))
        page.run("localStorage.setItem('tandem-client', JSON.stringify({...JSON.parse(localStorage.getItem('tandem-client')), expires_utc_s: 1000}))")
        self.assertTrue(page.run(kept))
        page.go(self.url("client"))
        page.until("document.querySelector('#password')")
        until(lambda: page.run(kept) is None)
        self.assertTrue(page.run("caches.has('tandem-push')"))
        self.a.register()

    def test_who_signs_out(self):
        """With the session the browser's subscription goes, and what the worker had of it; a link answers nothing by itself."""
        page = self.page_that_is_told()
        out, into = self.rings(headers=[TALK])
        page.go(self.url("client#/answer"))
        page.shows("Your calls")
        self.service.next("page")
        self.given_up(out, into)
        self.assertEqual(self.a.count(lambda message: message.method == "NOTIFY"), 0)
        page.click("Sign out")
        page.until("self.unsubscribed === 1")
        until(lambda: not page.run("caches.has('tandem-push')"))

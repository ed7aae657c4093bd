# SPDX-License-Identifier: Apache-2.0
"""Events over HTTP, by WebSocket and as Server-Sent Events: filters, resuming, tokens, tenants, slow clients, a browser, and a node that is killed."""
import contextlib
import http.client
import json
import os
import threading
import time

from call_test import CallTest
from http_api_test import Asks
from lib import browser, place
from lib.websocket import CLOSE, TEXT, WebSocket
from patience import PATIENCE_S, until
from taken_test import Cluster, Talk
from tandem_client import Client, Refused
from webhooks_test import Server

OF_A_CALL = ("call.new", "call.ringing", "call.answered", "call.ended")


class Stream:
    """Server-Sent Events, as a plain client reads them."""

    def __init__(self, node, token, query="", after=None):
        self.link = http.client.HTTPConnection(place.NODE, node.http_port, timeout=PATIENCE_S)
        headers = {"Accept": "text/event-stream", **({"Authorization": f"Bearer {token}"} if token else {}),
                   **({"Last-Event-ID": after} if after else {})}
        self.link.request("GET", "/v1/events?" + query, headers=headers)
        self.answer = self.link.getresponse()
        self.ids = []

    def next(self):
        """The next one; None: the stream has ended."""
        found = {}
        while "data" not in found:      # a comment alone is no event
            found = {}
            while line := self.answer.readline().decode().rstrip("\n"):
                name, _, text = line.partition(": ")
                found[name] = text
            if not found:
                return None
        event = json.loads(found["data"])
        self.ids.append(found.get("id"))
        assert event.get("id") == found.get("id"), found
        return event

    def ended(self, count):
        """So many calls end, by their ids."""
        ids = set()
        while len(ids) < count:
            event = self.next()
            ids |= {event["call"]} if event["type"] == "call.ended" else set()
        return ids

    def close(self):
        self.link.close()
        self.answer.close()


class Page(Stream):
    """What a page shows of its user, and of whom he watches."""

    def __init__(self, node, token, query):
        super().__init__(node, token, query)
        self.users, self.whole = {}, 0

    def next(self):
        event = super().next()
        if event and event["type"] == "user.state":
            if event["whole"]:
                self.users, self.whole = {}, self.whole + 1
            for user in event["users"]:
                self.users[user.pop("user")] = user
        return event

    def shows(self, what=bool):
        """Until that is so."""
        end = time.monotonic() + PATIENCE_S
        while not (self.users and what(self.users)):
            assert self.next() and time.monotonic() < end, self.users
        return self.users


def listener(test):
    """Who hears all of calls, at a node whose Redis is not its own."""
    stream = Stream(test.node, test.node.tandemctl("token.create", name="listener", role="reader")["token"], "type=call.*")
    test.addCleanup(stream.close)
    test.assertEqual(stream.next()["type"], "listening")
    return stream


class Socket:
    def __init__(self, node, token, query=""):
        self.link = WebSocket((place.NODE, node.http_port), path=f"/v1/events?access_token={token}&{query}", protocol=None)

    def next(self):
        while True:
            kind, text = self.link.receive() or (CLOSE, b"")
            if kind == CLOSE:
                return None
            if kind == TEXT:
                return json.loads(text)

    def close(self):
        self.link.close()


class EventsTest(Asks, CallTest):
    settings = {"sip": {"emergency_numbers": []}}       # there is no trunk: it would be told beside the events that are counted here

    def setUp(self):
        super().setUp()
        self.reader = self.token(self.node, "reader")

    def listen(self, kind=Stream, *args, node=None, token=None, **more):
        stream = kind(node or self.node, token or self.reader, *args, **more)
        self.addCleanup(stream.close)
        return stream

    def types(self, stream, last):
        """What came, up to the event of that type."""
        found = []
        while not found or found[-1]["type"] != last:
            found.append(stream.next())
            self.assertIsNotNone(found[-1], found)
        return found

    def call(self):
        out, into, _ = self.connect()
        out.bye()
        into.wait_bye()
        self.ended()
        return out


class Events(EventsTest):
    def test_of_a_call(self):
        """Both ways say the same, in order, each with its id; a filter takes out what it names."""
        both = [self.listen(Stream), self.listen(Socket)]
        ringing, other = self.listen(Socket, "type=call.ringing,call.ended&user=1002"), self.listen(Stream, "user=1003")
        for stream in (*both, ringing, other):
            self.assertEqual(stream.next()["type"], "listening")
        self.node.ctl("extension.put", number="1001", display_name='Müller, "Anna"')
        self.call()
        heard = [self.types(stream, "call.ended") for stream in both]
        self.assertEqual(heard[0], heard[1])
        self.assertEqual([event["type"] for event in heard[0] if event["type"] in OF_A_CALL], list(OF_A_CALL))
        with self.node.redis() as redis:
            stored = [(entry, json.loads(fields[1])) for entry, fields in redis("XRANGE", "td:{ev:default}", "-", "+")]
        self.assertEqual(heard[0], [{"id": entry, **event} for entry, event in stored if event["type"].startswith("call.")])
        self.assertEqual([event["type"] for event in self.types(ringing, "call.ended")], ["call.ringing", "call.ended"])
        one = self.listen(Stream, f"call={heard[0][0]['call']}&after=0")
        self.assertEqual(self.types(one, "call.ended")[1:], heard[0])
        # behind the second one, by the head and by the link; the head counts
        for more in ({"after": heard[0][1]["id"]}, {"query": f"after={heard[0][1]['id']}"}, {"query": "after=0", "after": heard[0][1]["id"]}):
            self.assertEqual(self.types(self.listen(Stream, more.get("query", "") + "&type=call.*", after=more.get("after")), "call.ended")[1:], heard[0][2:])
        self.shared(3)
        with self.assertRaisesRegex(Refused, "commands show"):
            self.token(self.node, "reader", name="blank", without="from")
        self.assertEqual({event.get("from_name") for event in heard[0]}, {"Müller, \"Anna\""})
        blank = self.token(self.node, "reader", name="blank", commands="events", without="from,from_name,dnis")
        self.assertEqual(self.http(self.node, "GET", "/v1/calls", blank)[0], 403)
        less = self.types(self.listen(Stream, "after=0&type=call.*", token=blank), "call.ended")[1:]
        self.assertEqual(less, [{name: value for name, value in event.items() if name not in ("from", "from_name", "dnis")} for event in heard[0]])
        with Client(self.node.redis_socket, "_operator") as client:
            changed = self.listen(Stream, token=blank)
            client.ask("token.put", name="blank", without="to")
            self.assertEqual(self.types(changed, "end")[-1]["reason"], "token")
        self.node.put_extension("1003", "secret1003")
        with self.node.user_agent("1003", "secret1003") as agent:
            agent.register()
            self.assertEqual(other.next()["to"], "1003")


    def shared(self, parts):
        """Connections of one application: each call is one's; who takes the place of one hears what that has not heard."""
        all_of_it = [self.listen(Stream, f"part={n + 1}/{parts}") for n in range(parts)]
        for stream in all_of_it:
            self.assertEqual(stream.next()["type"], "listening")
        with self.node.redis() as redis:
            sent = [redis("XADD", "td:{ev:default}", "*", "event", json.dumps({"type": kind, "call": f"{n:013}"}))
                    for kind in ("call.new", "call.ended") for n in range(60)]
            redis("XADD", "td:{ev:default}", "*", "event", '{"type":"events.lost"}')
        heard = [self.types(stream, "events.lost")[:-1] for stream in all_of_it]
        self.assertEqual(sorted(event["id"] for events in heard for event in events), sorted(sent))
        calls = [{event["call"] for event in events} for events in heard]
        self.assertEqual((sum(map(len, calls)), len(set().union(*calls))), (60, 60))
        last = heard[1][len(heard[1]) // 2]["id"]
        again = self.types(self.listen(Socket, f"part=2/{parts}&after={last}"), "events.lost")[1:-1]
        self.assertEqual(again, heard[1][len(heard[1]) // 2 + 1:])


class Refusals(EventsTest):
    def test_who_may_not(self):
        with Client(self.node.redis_socket, "_operator") as client:
            client.ask("tenant.put", name="acme", domains="acme.example")
        less, more = self.token(self.node, "reader", name="less", commands="call.list"), self.token(self.node, "reader", name="more", commands="events")
        stranger, operator = self.token(self.node, "reader", tenant="acme", name="acme"), self.token(self.node, "operator")
        for status, code, query, token in (
                (401, "not_allowed", "", None), (401, "not_allowed", "access_token=default~x~y", None), (400, "bad_argument", "nothing=1", self.reader),
                (400, "bad_argument", "after=x", self.reader), (400, "bad_argument", "type=*.new", self.reader),
                (400, "bad_argument", "user=%22", self.reader), (400, "unknown_argument", "tenant=acme", self.reader),
                (403, "not_allowed", "application=ivr", self.reader), (403, "not_allowed", "user=1001", less)):
            with self.subTest(query):
                self.refused(status, code, self.node, "GET", "/v1/events?" + query, token)
                with self.assertRaisesRegex(Exception, str(status)):
                    Socket(self.node, token or "", query)
        self.node.put_extension("1009", "secret1009")
        user = self.token(self.node, "reader", name="user", user="1002")
        self.refused(403, "not_allowed", self.node, "GET", "/v1/events?user=1001", user)
        mine, else_ = self.listen(Stream, token=user), self.listen(Stream, token=self.token(self.node, "reader", name="else", user="1009"))
        self.assertEqual((mine.next()["type"], else_.next()["type"]), ("listening", "listening"))
        self.assertEqual(self.listen(Stream, token=more).next()["type"], "listening")
        other = self.listen(Stream, token=stranger)
        acme, own = self.listen(Socket, "tenant=acme", token=operator), self.listen(Socket, token=operator)
        for stream in (other, acme, own):
            stream.next()
        self.call()
        self.assertEqual(self.types(own, "call.ended"), self.types(mine, "call.ended"))
        with Client(self.node.redis_socket, "_operator") as client:
            # told in a second that the token is good no longer: and nothing before that
            began = time.monotonic()
            client.ask("token.delete", name="acme", tenant="acme")
            self.assertEqual(other.next(), {"id": "0-0", "type": "end", "reason": "token"})
            self.assertIsNone(other.next())
            self.assertLess(time.monotonic() - began, 2)
            for name in ("t-operator", "else"):
                client.ask("token.delete", name=name)
            self.assertEqual(else_.next()["type"], "end")       # and no call of others before
            self.assertEqual((acme.next()["reason"], own.next()["reason"]), ("token", "token"))
            client.ask("tenant.delete", name="acme")


class Slow(EventsTest):
    def test_takes_its_time(self):
        """Who does not read costs no more than a queue, and has all when it does; what the stream has no longer it is told of."""
        slow, begun = self.listen(Socket), self.listen(Stream)
        first = slow.next()
        with self.node.redis() as redis:
            sent = []
            for n in range(4000):
                sent.append(redis("XADD", "td:{ev:default}", "*", "event", json.dumps({"type": "call.new", "call": f"{n:013}", "text": "x" * 3000})))
            while begun.next()["id"] != sent[-1]:
                pass
            got = []
            while len(got) < len(sent):
                got.append(slow.next()["id"])
            self.assertEqual(got, sent)
            redis("XTRIM", "td:{ev:default}", "MAXLEN", 10)
            late = self.listen(Stream, after=sent[5])
            self.assertEqual([late.next()["type"] for _ in range(3)], ["listening", "missed", "call.new"])
            self.assertEqual(late.next()["id"], sent[-9])
        self.assertGreater(first["id"], "0")


class Browsers(EventsTest):
    def test_event_source(self):
        chromium = browser.Browser()
        self.addCleanup(chromium.close)
        target = chromium.command("Target.createTarget", url=f"http://{place.NODE}:{self.node.http_port}/healthz")["targetId"]
        session = chromium.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

        def run(expression):
            return chromium.evaluate(session, expression)["result"].get("value")
        until(lambda: run("location.pathname + document.readyState") == "/healthzcomplete")
        run(f"window.heard = []; for (const s of [new EventSource('/v1/events?access_token={self.reader}&type=call.*'),"
            f" new WebSocket('ws://' + location.host + '/v1/events?access_token={self.reader}&type=call.*')])"
            " s.onmessage = e => heard.push(JSON.parse(e.data).type)")
        until(lambda: run("heard.length") == 2, lambda: run("location.href + heard"))
        self.call()
        until(lambda: run("heard.filter(type => type == 'call.ended').length") == 2)
        self.assertEqual(sorted(kind for kind in run("heard") if kind in OF_A_CALL), sorted(2 * OF_A_CALL))


class Follower(threading.Thread):
    """A client that comes back: to the next node, with the last id that it has had."""

    def __init__(self, nodes, token):
        super().__init__(daemon=True)
        self.nodes, self.token, self.events, self.last, self.stops = nodes, token, [], None, False
        self.start()

    def run(self):
        while not self.stops:
            for node in self.nodes:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    self.follow(Stream(node, self.token, after=self.last))

    def follow(self, stream):
        while stream.answer.status == 200 and (event := stream.next()) and not self.stops:
            self.last = event.get("id", self.last)
            if event["type"] != "listening":
                self.events.append(event)
        stream.close()


class Kills(Asks, Cluster):
    KILLS = int(os.environ.get("TANDEM_KILLS", "4"))

    def test_each_event_at_least_once(self):
        """Over kills and take-overs, each at another moment of a call: what one call says is there, in its order, and a client that comes back has all of
        it once.  A webhook has each at least once, and those of a call in their order."""
        server = Server()
        self.addCleanup(server.close)
        with Client(self.socket, "_operator") as client:
            client.ask("tenant.put", PATIENCE_S, name="default", web_networks="127.0.0.0/8")
            client.ask("webhook.put", PATIENCE_S, tenant="default", name="over", url=server.url("over"), events="call.*")
        self.registers(17, "1001", "1002")
        follower = Follower((self.a, self.b), self.token(self.a, "reader"))
        self.until(lambda: follower.last)
        calls = []
        for kill in range(self.KILLS):
            self.registers(17, "1001", "1002")
            talk = Talk(self, 17).answer()
            calls.append(talk.id)
            node, other = (self.a, self.b) if self.owner(17) == "a" else (self.b, self.a)
            killer = threading.Timer(kill % 8 / 40, node.kill)
            killer.start()
            late = Talk(self, 17).answer()
            calls.append(late.id)
            killer.join()
            self.until(lambda other=other: other.running() and self.owner(17) == ("a" if other is self.a else "b"))
            for one in (talk, late):
                one.hang_up()
                for end in one.ends:
                    end.close()
            node.restart()
        self.until(lambda: sum(event["type"] == "call.ended" for event in follower.events) >= len(calls))
        follower.stops = True
        with self.redis() as redis:
            stored = {entry: json.loads(fields[1]) for entry, fields in redis("XRANGE", "td:{ev:default}", "(" + follower.events[0]["id"], "+")}
        heard = [event["id"] for event in follower.events]
        self.assertEqual(heard, sorted(set(heard), key=lambda text: [int(n) for n in text.split("-")]))
        self.assertEqual(heard[1:], [entry for entry in stored if entry in set(heard) or entry < heard[-1]])
        for call in calls:
            types = list(dict.fromkeys(event["type"] for event in follower.events if event.get("call") == call))
            self.assertEqual([kind for kind in types if kind in OF_A_CALL], ["call.new", "call.answered", "call.ended"])
        with self.redis() as redis:
            wanted = {entry: json.loads(fields[1]) for entry, fields in redis("XRANGE", "td:{ev:default}", "-", "+")}
        wanted = {entry: event for entry, event in wanted.items() if event["type"].startswith("call.")}
        self.until(lambda: set(wanted) <= set(server.ids("over")))
        for call in calls:
            posted = [entry for entry in dict.fromkeys(server.ids("over")) if wanted.get(entry, {}).get("call") == call]
            self.assertEqual(posted, [entry for entry in wanted if wanted[entry].get("call") == call])

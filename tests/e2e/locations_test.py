# SPDX-License-Identifier: Apache-2.0
"""Two nodes on one Redis: a phone is reached from both, wherever it registered, and none is refused for having moved."""
import os
import random
import re
import time
import unittest

from lib.sip import parameter
from lib.stream import StreamAgent

from directory_test import Pair
from blf_test import Lamp
from shards_test import shard_of
from tandem_client import Client, Refused

MOVES = int(os.environ.get("TANDEM_MOVES", "400"))    # 10,000: TANDEM_MOVES=10000
PHONES = 8
ELSEWHERE = 'SIP;cause=480;text="the phone is connected to another node"'
INSTANCE = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-%012d>"'


class Locations(Pair):
    @classmethod
    def settings(cls, name, shard):
        return {**super().settings(name, shard), "quotas": {"extension": {"registrations_per_second": 1000, "calls_per_second": 1000}}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.callees = {name: str(3001 + i) for i, name in enumerate(unittest.defaultTestLoader.getTestCaseNames(cls))}
        for number in (*cls.callees.values(), *(str(2001 + i) for i in range(PHONES)), "1001"):
            cls.a.put_extension(number, "secret")

    def setUp(self):
        """Who is called is another one in each test: for a second a node believes what it knows of him."""
        self.callee = self.callees[self._testMethodName]
        self.until(lambda: self.registers(self.b, "1001", "secret") == 200)

    def agent(self, node, number):
        agent = node.user_agent(number, "secret")
        self.addCleanup(agent.close)
        return agent

    def call(self, node, number=None):
        """Who calls is registered nowhere."""
        caller, audio = self.agent(node, "1001"), node.media()
        self.addCleanup(audio.close)
        return caller.invite(number or self.callee, audio.sdp())

    def rings(self, call, phone):
        leg = phone.incoming()
        leg.ring()
        call.wait_provisional(180)
        return call, leg

    def hangs_up(self, call, phone):
        call, leg = self.rings(call, phone)
        call.cancel()
        leg.wait_cancel()

    def test_called_from_the_other_node(self):
        """Also after a kill of the node that it came to, and at once after it went to the other one."""
        phone = self.agent(self.a, self.callee)
        self.assertEqual(phone.register().status, 200)
        self.hangs_up(self.call(self.b), phone)
        self.a.kill()
        self.hangs_up(self.call(self.b), phone)
        self.a.restart()
        self.hangs_up(self.call(self.a), phone)
        phone.server = self.b.server
        self.assertEqual(phone.register().status, 200)
        self.hangs_up(self.call(self.b), phone)
        self.hangs_up(self.call(self.a), phone)
        self.assertEqual(phone.register(expires=0).status, 200)

    def test_sent_on_from_the_other_node(self):
        """To who has registered elsewhere, and is not known where the call is: forwarded, and given away by REFER and by command."""
        phones = {}
        for number in ("1003", "1004", "1005"):
            self.a.put_extension(number, "secret")
            phones[number] = self.agent(self.a, number)
            self.until(lambda number=number: phones[number].register().status == 200)
        self.a.put_extension("1006", "secret", forward_unreachable="1003")
        self.until(lambda: self.registers(self.b, "1006", "secret") == 200)     # it is known there, and has no phone
        self.hangs_up(self.call(self.b, "1006"), phones["1003"])
        callee, audio = self.agent(self.b, self.callee), self.b.media()
        self.addCleanup(audio.close)
        self.assertEqual(callee.register().status, 200)
        out, into = self.call(self.b), callee.incoming()
        into.answer(audio.sdp())
        out.wait_answer()
        host, port = self.b.server
        refer = into.in_dialog("REFER", [("Refer-To", f"<sip:1004@{host}:{port}>")])
        self.assertEqual(into.transact(refer).status, 202)
        given, other = phones["1004"].incoming(), self.b.media()
        self.addCleanup(other.close)
        given.answer(other.sdp())
        out.wait_reinvite(audio.sdp(version=2))
        into.bye()
        call = parameter(given.request.get("From"), "tag").split(".")[0]
        with Client(self.socket, "_operator") as client:
            client.ask("call.transfer", call=call, leg="b", to="1005")
        self.hangs_up_of(phones["1005"].incoming(), out)

    def hangs_up_of(self, leg, call):
        """While it rings by a transfer."""
        leg.ring()
        call.bye()
        leg.wait_cancel()

    def test_deleted_while_its_node_is_away(self):
        """The other node takes its registration out of Redis; and one that is there all the same ends at a start."""
        self.a.put_extension("1009", "secret")
        phone, key = self.agent(self.a, "1009"), "td:{aor:default:1009}:reg"
        self.assertEqual(phone.register().status, 200)
        self.a.kill()
        with self.redis() as redis:
            redis("COPY", key, f"{key}2")
            full = redis("STRLEN", key)
            self.b.ctl("extension.delete", number="1009")
            self.until(lambda: redis("STRLEN", key) < full)
            redis("RENAME", f"{key}2", key)
            self.assertEqual(redis("STRLEN", key), full)
            self.a.restart()
            self.until(lambda: redis("STRLEN", key) < full)
        self.assertEqual([row for row in self.a.ctl("registration.list", number="1009") if row["contacts"]], [])

    def test_leaves_at_the_other_node(self):
        phone = self.agent(self.a, self.callee)
        self.assertEqual(phone.register().status, 200)
        phone.server = self.b.server
        self.assertEqual(phone.register(expires=0).status, 200)
        self.assertEqual(self.call(self.b).wait_final().status, 480)

    def test_accounts_of_a_device(self):
        """REG-27: the nodes count together. Who leaves at one of them makes room at the other."""
        phones, device = [], INSTANCE % 27
        for number in range(1020, 1025):
            self.a.put_extension(str(number), "secret")
            self.until(lambda number=number: self.registers(self.b, str(number), "secret") == 200)
            phones.append(self.agent(self.a, str(number)))
        comes = lambda phone, **terms: phone.register(contact=f"{phone.contact};{device}", **terms).status
        self.assertEqual([comes(phone) for phone in phones], [200, 200, 200, 200, 403])
        fifth = phones.pop()
        fifth.server = self.b.server
        self.assertEqual(comes(fifth), 403)
        for phone in phones:            # the device goes to the other node
            phone.server = self.b.server
        self.assertEqual([comes(phone) for phone in phones], [200] * 4)
        fifth.server = self.a.server    # which is not told what has left there
        self.assertEqual([comes(phones[0], expires=0), comes(fifth), comes(phones[0])], [200, 200, 403])
        self.b.ctl("extension.delete", number="1021")
        self.until(lambda: comes(phones[0]) == 200, 3)

    def test_accounts_of_two_devices(self):
        """REG-27: one REGISTER brings both, and each is counted over the nodes."""
        full, free = INSTANCE % 28, INSTANCE % 29
        for number in range(1050, 1056):
            self.a.put_extension(str(number), "secret")
            self.until(lambda number=number: self.registers(self.b, str(number), "secret") == 200)
        for number in range(1050, 1054):
            phone = self.agent(self.b, str(number))
            self.assertEqual(phone.register(contact=f"{phone.contact};{full}").status, 200)
        for number, devices, status in ((1054, (free, full), 403), (1055, (full, free), 403), (1055, (free,), 200)):
            phone = self.agent(self.a, str(number))
            contacts = [f"<sip:{number}@127.0.0.1:{phone.port};line={line}>;{device}" for line, device in enumerate(devices)]
            self.assertEqual(phone.register(contact=", ".join(contacts)).status, status)

    def test_another_phone_of_one_that_may_have_one(self):
        """REG-07: the first one has left at the other node, which this one learns when it asks."""
        self.a.put_extension("1026", "secret", phones="single")
        comes = lambda phone, **terms: phone.register(contact=f"{phone.contact};{INSTANCE % phone.port}", **terms).status
        first, second = self.agent(self.a, "1026"), self.agent(self.a, "1026")
        self.until(lambda: comes(first) == 200)
        first.server = self.b.server
        self.until(lambda: comes(first) == 200)
        self.assertEqual((comes(first, expires=0), comes(second)), (200, 200))

    def gruus(self, phone, instance):
        """Public and temporary, of the answer to its REGISTER (RFC 5627)."""
        answer = phone.register(contact=f"{phone.contact};{instance}", headers=[("Supported", "gruu")])
        self.assertEqual(answer.status, 200)
        mine = next(value for value in answer.all("Contact") if instance in value)
        return [re.search(f';{name}-gruu="([^"]+)"', mine)[1] for name in ("pub", "temp")]

    def test_one_phone_of_a_user(self):
        """By its GRUUs: from each node, after a kill, and for as long as it has its Call-ID."""
        desk, mobile = self.agent(self.a, self.callee), self.agent(self.b, self.callee)
        public, temporary = self.gruus(desk, INSTANCE % 91)
        self.gruus(mobile, INSTANCE % 92)
        for node in (self.a, self.b):
            for uri in (public, temporary):
                self.hangs_up(self.call(node, uri), desk)
        self.a.kill()
        self.hangs_up(self.call(self.b, temporary), desk)
        self.a.restart()
        self.hangs_up(self.call(self.a, temporary), desk)
        desk.new_call_id()
        newer = self.gruus(desk, INSTANCE % 91)[1]
        self.assertEqual(self.call(self.a, temporary).wait_final().status, 404)
        self.hangs_up(self.call(self.a, newer), desk)
        self.assertEqual(desk.register(expires=0).status, 200)
        self.assertEqual(self.call(self.a, newer).wait_final().status, 404)
        self.assertEqual(self.call(self.a, public).wait_final().status, 480)
        self.assertEqual(mobile.count(lambda m: m.is_request and m.method == "INVITE"), 0)
        self.assertEqual(mobile.register(expires=0).status, 200)

    def test_its_nat_ends_at_the_other_node(self):
        """The phone believes to be somewhere else: only the node that it came to is let in."""
        phone = self.agent(self.a, self.callee)
        self.assertEqual(phone.register(contact=f"<sip:{self.callee}@10.255.255.1:5060>").status, 200)
        self.hangs_up(self.call(self.a), phone)
        # a REGISTER that changes nothing is answered from what Redis has: b knows of it now, and refuses one call alone
        self.assertEqual(self.agent(self.b, self.callee).register(expires=0).status, 200)
        refused = self.call(self.b).wait_final()
        self.assertEqual((refused.status, refused.get("Reason")), (480, ELSEWHERE))
        self.until(lambda: any(cdr.get("cause") == "refused by the node: the phone is connected to another node"
                               for cdr in self.b.told("td:{s2}:cdr")))
        self.assertEqual(phone.register(expires=0, contact=f"<sip:{self.callee}@10.255.255.1:5060>").status, 200)

    def test_its_connection_ends_at_the_other_node(self):
        """Only the node that it came to reaches it, until it comes to the other one."""
        phone = StreamAgent(self.a.server, self.callee, "secret")
        self.addCleanup(phone.close)
        self.assertEqual(phone.register(contact=f"{phone.contact};{INSTANCE % 90}").status, 200)
        self.hangs_up(self.call(self.a), phone)
        self.assertEqual(self.agent(self.b, self.callee).register(expires=0).status, 200)    # b knows of it now
        refused = self.call(self.b).wait_final()
        self.assertEqual((refused.status, refused.get("Reason")), (480, ELSEWHERE))
        moved = StreamAgent(self.b.server, self.callee, "secret")
        self.addCleanup(moved.close)
        self.assertEqual(moved.register(contact=f"{moved.contact};{INSTANCE % 90}").status, 200)
        self.hangs_up(self.call(self.b), moved)
        self.assertEqual(moved.register(expires=0, contact="*").status, 200)

    def test_orders_for_calls_of_one_of_them(self):
        """Whichever node reads a command, the one that has the call carries it out; while that one is away no order is lost or wrong."""
        phone = self.agent(self.a, self.callee)
        self.assertEqual(phone.register().status, 200)
        self.assertEqual(self.agent(self.b, self.callee).register(expires=0).status, 200)    # b knows of it now
        calls, legs = zip(*(self.rings(self.call(node), phone) for node in (self.a, self.b)))
        with Client(self.socket, "_operator") as client:
            ids = {}
            self.until(lambda: self.listed(client, "call.list", ids) == 2)
            for _ in range(4):
                for call in ids.values():
                    self.assertEqual(client.ask("call.show", call=call)["id"], call)
            self.a.kill()
            with self.assertRaises(Refused) as caught:
                client.ask("call.show", wait=30, call=ids[1])    # it is passed on 200 times first
            self.assertEqual(caught.exception.code, "unavailable")
            client.ask("call.hangup", call=ids[2])
            self.a.restart()
            client.ask("call.hangup", call=ids[1])
        for leg in legs:
            leg.wait_cancel()
        for call in calls:
            self.assertGreaterEqual(call.wait_final().status, 400)
        self.assertEqual(phone.register(expires=0).status, 200)

    def test_orders_for_what_one_of_them_has(self):
        """Subscriptions, traces of calls, and a trace that waits for one: whichever node reads the command."""
        phone = self.agent(self.a, self.callee)
        self.assertEqual(phone.register().status, 200)
        self.assertEqual(self.agent(self.b, self.callee).register(expires=0).status, 200)    # b knows of it now
        pairs = [(call, self.rings(call, phone)[1]) for call in (self.call(node) for node in (self.a, self.b))]
        lamps = [Lamp(self.agent(node, "1001"), self.callee) for node in (self.a, self.b)]
        with Client(self.socket, "_operator") as client:
            calls, watches, names = {}, {}, []
            self.until(lambda: self.listed(client, "call.list", calls) == 2)
            self.until(lambda: self.listed(client, "subscription.list", watches) == 2)
            for call in calls.values():
                names.append(client.ask("call.trace.start", call=call)["name"])
                names.append(client.ask("call.trace.start", to=f"9{len(names)}")["name"])
            for name in 4 * names:
                self.assertTrue(client.ask("call.trace.read", name=name, offset=0)["running"])
            for name in names:
                client.ask("call.trace.stop", name=name)
                self.until(lambda name=name: not client.ask("call.trace.read", name=name, offset=0)["running"])
                client.ask("call.trace.delete", name=name)
            for watch in watches.values():
                client.ask("subscription.end", id=watch)
        for lamp in lamps:
            while "terminated" not in lamp.hear().get("Subscription-State"):
                pass
        for call, leg in pairs:
            call.cancel()
            leg.wait_cancel()
        self.assertEqual(phone.register(expires=0).status, 200)

    def listed(self, client, command, found):
        """How many of the two nodes have answered."""
        found.update((shard_of(row["id"]), row["id"]) for row in client.ask(command))
        return len(found)

    def test_phones_that_move(self):
        """At random between two nodes: each REGISTER is answered 200, and each phone is where it came to last."""
        chance, nodes = random.Random(7), (self.a, self.b)
        phones = [self.agent(self.a, str(2001 + i % (PHONES // 2))) for i in range(PHONES)]     # two of each user
        began = time.monotonic()
        for move in range(MOVES):
            number = chance.randrange(PHONES)
            phone = phones[number]
            phone.server = nodes[chance.randrange(2)].server
            contact = f"{phone.contact};{INSTANCE % number}" if number % 2 else None
            answer = phone.register(contact=contact)
            self.assertEqual(answer.status, 200, f"move {move}: {answer.start}")
        print(f"{MOVES} moves in {time.monotonic() - began:.1f} s")
        for i, node in zip(range(PHONES // 2), nodes * PHONES):
            number = str(2001 + i)
            self.hangs_up_all(self.call(node, number), [phone for phone in phones if phone.number == number])

    def hangs_up_all(self, call, phones):
        legs = [phone.incoming() for phone in phones]
        for leg in legs:
            leg.ring()
        call.wait_provisional(180)
        call.cancel()
        for leg in legs:
            leg.wait_cancel()


if __name__ == "__main__":
    unittest.main()

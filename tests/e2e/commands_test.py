# SPDX-License-Identifier: Apache-2.0
"""Calls that commands make and change, codec profiles, and what must never be shown: CALL-07, REG-10, REG-12, REG-18, SEC-05."""
import base64
import contextlib
import hashlib
import json
import os
import re
import subprocess
import threading
import time
import unittest

from call_test import CallTest
from lib.sip import UserAgent, or_none
from lib.srtp import Key
from patience import PATIENCE_S
from server import ServerError


class Commands(CallTest):
    def call_id(self):
        return self.calls()[0]["id"]

    def events(self):
        return self.node.events()

    def talk(self):
        pair = self.connect()
        self.audio_a.start(440)
        self.audio_b.start(880)
        self.audio_a.wait_packets(20)
        self.audio_b.wait_packets(20)
        return pair

    def hear(self):
        """Each hears the other's tone, and not its own."""
        since = time.monotonic()
        for end in (self.audio_a, self.audio_b):
            end.wait_packets(40, since=since)
        for end, hertz in ((self.audio_a, 880), (self.audio_b, 440)):
            self.assertAlmostEqual(end.heard()[0], hertz, delta=3)

    def silent(self, *ends):
        until = time.monotonic() + PATIENCE_S       # what was under way has arrived by then
        while time.monotonic() < until:
            before = [len(end.packets) for end in ends]
            time.sleep(0.5)
            if [len(end.packets) for end in ends] == before:
                return
        self.fail("they hear something all the time")

    def test_hold_and_resume(self):
        """CALL-07: the held party is told, nobody hears anything, and a command or the holder's phone ends it."""
        out, into, _ = self.talk()
        self.node.ctl("call.hold", call=self.call_id(), leg="a", on=True)
        request = into.wait_reinvite(self.audio_b.sdp(direction="recvonly", version=2))
        self.assertIn("a=sendonly", request.text)
        self.silent(self.audio_a, self.audio_b)
        shown = self.node.ctl("call.show", call=self.call_id())
        self.assertTrue(shown["a"]["holds"] and not shown["b"]["holds"])
        self.node.ctl("call.hold", call=self.call_id(), leg="a", on=False)
        self.assertIn("a=sendrecv", into.wait_reinvite(self.audio_b.sdp(version=3)).text)
        self.hear()
        kinds = [(event["type"], event.get("leg")) for event in self.events()]
        self.assertIn(("call.held", "a"), kinds)
        self.assertIn(("call.resumed", "a"), kinds)
        out.bye()
        into.wait_bye()

    def test_held_call_survives_kill(self):
        out, into, _ = self.talk()
        self.node.ctl("call.hold", call=self.call_id(), leg="a")
        into.wait_reinvite(self.audio_b.sdp(direction="recvonly", version=2))
        self.saved()
        self.node.kill()
        self.node.restart()
        self.silent(self.audio_a, self.audio_b)
        self.node.ctl("call.resume", call=self.call_id(), leg="a")
        into.wait_reinvite(self.audio_b.sdp(version=3))
        self.hear()
        out.bye()
        into.wait_bye()

    def test_phone_ends_its_own_hold_when_told(self):
        """CALL-07: a hold that a phone made ends by command where the phone takes Event: talk, else the command says why not."""
        out, into, _ = self.talk()
        for events, possible in ((), False), ([("Allow-Events", "hold, talk")], True):
            answer = threading.Thread(target=into.wait_reinvite,
                                      args=(self.audio_b.sdp(direction="recvonly", version=2 + possible),))
            answer.start()
            offer = self.audio_a.sdp(direction="sendonly", version=2 + possible)
            self.assertEqual(out.reinvite(offer, headers=events).status, 200)
            answer.join()
            time.sleep(0.3)
            self.silent(self.audio_a)
            if not possible:
                with self.assertRaisesRegex(ServerError, "resume at the phone"):
                    self.node.ctl("call.resume", call=self.call_id(), leg="a")
        self.node.kill()
        self.node.restart()
        self.node.ctl("call.resume", call=self.call_id(), leg="a")
        told = self.a.take_request("NOTIFY", call_id=out.call_id)
        self.assertEqual((told.get("Event"), told.get("Subscription-State"), told.body), ("talk", "active", b""))
        self.a.respond(told, 200, "OK")
        answer = threading.Thread(target=into.wait_reinvite, args=(self.audio_b.sdp(version=4),))
        answer.start()
        self.assertEqual(out.reinvite(self.audio_a.sdp(version=4)).status, 200)
        answer.join()
        self.audio_a.wait_packets(20)
        self.audio_b.wait_packets(20)
        out.bye()
        into.wait_bye()

    def test_mute(self):
        out, into, _ = self.talk()
        self.node.ctl("call.mute", call=self.call_id(), leg="a", on="true")
        self.silent(self.audio_b)
        self.audio_a.wait_packets(20)
        self.node.ctl("call.mute", call=self.call_id(), leg="a", on="false")
        self.audio_b.wait_packets(20)
        out.bye()
        into.wait_bye()

    def test_digits(self):
        """REG-14: as telephone-events of at least 120 ms."""
        out, into, _ = self.talk()
        self.node.ctl("call.dtmf", call=self.call_id(), leg="b", digits="19#")
        self.node.ctl("call.dtmf", call=self.call_id(), leg="a", digits="7")
        self.assertEqual(self.audio_b.wait_digits("19#"), "19#")
        self.assertEqual(self.audio_a.wait_digits("7"), "7")
        out.bye()
        into.wait_bye()

    def test_auto_answer(self):
        """REG-18, CALL-31, CALL-32: an extension is set so: its phone answers, and nobody hears ringing."""
        self.node.ctl("extension.put", number="1002", auto_answer="alert-autoanswer")
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        self.assertEqual(into.request.all("Alert-Info"), ["<http://localhost>;info=alert-autoanswer"])
        self.assertEqual(into.request.get("Answer-Mode"), "Auto")
        into.answer(self.audio_b.sdp())
        out.wait_answer()
        self.assertEqual([m.status for m in out.provisional], [100])
        out.bye()
        into.wait_bye()
        self.node.ctl("extension.put", number="1002", auto_answer="auto-answer", auto_answer_s=3)
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        self.assertEqual(into.request.all("Alert-Info"), ["<http://localhost>;info=auto-answer;delay=3"])
        into.reject(486)
        self.assertEqual(out.wait_final().status, 486)
        self.node.ctl("extension.put", number="1002", auto_answer="off")
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        self.assertEqual(into.request.all("Alert-Info"), [])
        into.reject(486)
        self.assertEqual(out.wait_final().status, 486)

    def test_originate(self):
        """A's phone answers by itself if asked to, then B's rings, and they hear each other.  A link was clicked."""
        answer = self.node.ctl("call.originate", **{"from": "1001", "to": "tel:10-02;ext=7", "auto_answer": "true"})
        first = self.a.incoming()
        self.assertIn("info=alert-autoanswer", first.request.get("Alert-Info"))
        first.answer(self.audio_a.sdp())
        second = self.b.incoming()
        self.assertIn("1001", second.request.get("From"))
        second.ring()
        second.answer(self.audio_b.sdp())
        self.audio_a.use(first.wait_reinvite(self.audio_a.sdp(version=2)))
        self.audio_b.use(second.request)
        self.audio_a.start(440)
        self.audio_b.start(880)
        self.audio_a.wait_packets(60)
        self.audio_b.wait_packets(60)
        self.assertEqual(self.audio_b.heard()[0], 440)
        self.assertEqual(self.audio_a.heard()[0], 880)
        self.assertEqual(self.call_id(), answer["id"])
        self.node.ctl("call.hangup", call=answer["id"])
        first.wait_bye()
        second.wait_bye()
        record = self.ended()
        self.assertEqual((record["from"], record["to"], record["sip_status"]), ("1001", "1002", "200"))

    def test_the_same_command_makes_one_call(self):
        with self.node.redis() as redis:
            for client in ("x", "y"):
                redis("XADD", "td:{cmd:_operator}:in", "*", "v", "1", "id", "same", "client", client,
                      "do", "call.originate", "args", json.dumps({"from": "1001", "to": "1002"}))
            end, rows = time.monotonic() + PATIENCE_S, []
            while len(rows) < 2 and time.monotonic() < end:
                rows = [row for client in ("x", "y")
                        for row in redis("XRANGE", "td:{cmd:_operator}:out:" + client, "-", "+")]
        answers = {dict(zip(fields[::2], fields[1::2]))["json"] for _, fields in rows}
        self.assertEqual((len(rows), len(answers)), (2, 1))
        self.assertEqual(len(self.calls()), 1)
        self.a.incoming().reject(486, "Busy Here")
        self.assertEqual(self.ended()["sip_status"], "486")

    def send(self, ident, command, **arguments):
        """As a client that gives its commands ids of its own; the answer."""
        with self.node.redis() as redis:
            before = len(redis("XRANGE", "td:{cmd:_operator}:out:own", "-", "+"))
            redis("XADD", "td:{cmd:_operator}:in", "*", "v", "1", "id", ident, "client", "own",
                  "do", command, "args", json.dumps(arguments))
            end, rows = time.monotonic() + PATIENCE_S, []
            while len(rows) <= before and time.monotonic() < end:
                rows = redis("XRANGE", "td:{cmd:_operator}:out:own", "-", "+")
        self.assertEqual(len(rows), before + 1)
        return json.loads(dict(zip(rows[-1][1][::2], rows[-1][1][1::2]))["json"])

    def forget_result(self, ident):
        """As if the node had died before it wrote its answer."""
        with self.node.redis() as redis:
            redis("DEL", "td:{cmd:_operator}:done:" + ident)

    def test_an_order_has_one_effect(self):
        """Given again it has the same answer, after a kill too: the call itself remembers its newest orders."""
        out, into, _ = self.talk()
        call = self.call_id()
        first = self.send("digits-1", "call.dtmf", call=call, leg="b", digits="19#")
        second = self.send("digits-2", "call.dtmf", call=call, leg="b", digits="5")
        self.assertEqual((first["result"], second["result"]), ({"id": call, "order": 1}, {"id": call, "order": 2}))
        self.forget_result("digits-1")
        self.assertEqual(self.send("digits-1", "call.dtmf", call=call, leg="b", digits="19#"), first)
        self.assertEqual(self.audio_b.wait_digits("19#5"), "19#5")
        self.node.kill()
        self.node.restart()
        self.forget_result("digits-2")
        self.assertEqual(self.send("digits-2", "call.dtmf", call=call, leg="b", digits="5"), second)
        self.send("digits-3", "call.dtmf", call=call, leg="b", digits="7")
        self.assertEqual(self.audio_b.wait_digits("19#57"), "19#57")
        out.bye()
        into.wait_bye()

    def test_no_answered_order_is_lost(self):
        """Killed in the moment of the answer."""
        out, into, _ = self.talk()
        call = self.call_id()
        for on in (True, False, True):
            self.node.ctl("call.mute", call=call, leg="a", on="true" if on else "false")
            self.node.kill()
            self.node.restart()
            self.assertEqual(self.node.ctl("call.show", call=call)["a"]["muted"], on)
        self.node.ctl("call.hangup", call=call)
        self.node.kill()
        self.node.restart()
        while self.calls(ending=True):  # the BYEs of the killed process may have left, too
            or_none(out.wait_bye, 0.3)
            or_none(into.wait_bye, 0.3)
        self.assertEqual(self.ended()["ended_by"], "operator")

    def test_what_is_not_possible_is_said(self):
        for command, arguments, word in (
                ("call.originate", {"from": "1001", "to": "1003"}, "conflict"),
                ("call.hold", {"call": "0000000000001", "leg": "a"}, "not_found"),
                ("extension.put", {"number": "1001", "tls": "true"}, "srtp=true"),
                ("profile.put", {"name": "x", "codecs": "G722"}, "only codec"),
                ("profile.put", {"name": "x", "codecs": "PCMA,MP3"}, "PCMU, PCMA, G722")):
            with self.assertRaisesRegex(ServerError, word, msg=command):
                self.node.tandemctl(command, **arguments)


class Deletes(CallTest):
    """MGT-02: tandemctl asks before it deletes, where somebody sits at a terminal."""
    def deletes(self, *words, answer=b"", where=os.openpty):
        """(exit status, what was said) of a trunk's delete."""
        mine, its = where()
        with subprocess.Popen([self.node.program("tandemctl"), "--config", self.node.config, "trunk.delete", *words], stdin=its, stdout=subprocess.DEVNULL,
                              stderr=its if where == os.openpty else subprocess.PIPE) as process:
            os.close(its)
            if answer:
                os.write(mine, answer)
            status, said = process.wait(PATIENCE_S), b""
            with contextlib.suppress(OSError):      # nobody has the other end of the terminal any more
                while where == os.openpty and (more := os.read(mine, 4096)):
                    said += more
        os.close(mine)
        return status, said.decode()

    def trunks(self):
        return [row["name"] for row in self.node.ctl("trunk.list")]

    def test_asks(self):
        self.node.ctl("trunk.put", name="carrier", servers="192.0.2.1", direction="out")
        for answer in (b"n\n", b"\n", b"\x04"):
            status, said = self.deletes("name=carrier", answer=answer)
            self.assertEqual(status, 2)
            self.assertIn("Delete: trunk.delete name=carrier [y/N]?", said)
            self.assertIn("nothing was deleted", said)
            self.assertEqual(self.trunks(), ["carrier"])
        self.assertEqual(self.deletes("name=carrier", answer=b"y\n")[0], 0)
        self.assertEqual(self.trunks(), [])

    def test_asks_nobody(self):
        """Who says so, and a program, whose input is no terminal."""
        for words, where in ((("name=carrier", "--yes"), os.openpty), (("--yes", "name=carrier"), os.openpty), (("name=carrier",), lambda: os.pipe()[::-1])):
            self.node.ctl("trunk.put", name="carrier", servers="192.0.2.1", direction="out")
            status, said = self.deletes(*words, where=where)
            self.assertEqual((status, self.trunks()), (0, []))
            self.assertNotIn("[y/N]", said)


class Forwards(CallTest):
    def setUp(self):
        super().setUp()
        self.node.put_extension("1003", "secret1003")
        self.c = self.node.user_agent("1003", "secret1003")
        self.addCleanup(self.c.close)
        self.assertEqual(self.c.register().status, 200)

    def rings(self, agent):
        """A call to 1002 rings there."""
        out = self.a.invite("1002", self.audio_a.sdp())
        agent.incoming().reject(486, "Busy Here")
        self.assertEqual(out.wait_final().status, 486)
        self.ended()

    def test_next_call_goes_elsewhere(self):
        """CALL-21, ADM-10: until it is switched off, and after a restart too."""
        self.rings(self.b)
        self.node.ctl("extension.put", number="1002", forward_always="1003")
        self.rings(self.c)
        self.node.kill()
        self.node.restart()
        self.rings(self.c)
        self.node.ctl("extension.put", number="1002", forward_always="")
        self.rings(self.b)

    def test_ringing_call_takes_the_new_one(self):
        """ADM-10: what a call does next follows the extension as it is then."""
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        into.ring()
        out.wait_provisional(180)
        self.node.ctl("extension.put", number="1002", forward_busy="1003")
        into.reject(486, "Busy Here")
        self.c.incoming().reject(480, "Temporarily Unavailable")
        self.assertGreaterEqual(out.wait_final().status, 480)
        self.ended()

    def test_not_to_itself(self):
        self.node.ctl("extension.put", number="1002", forward_busy="1003")
        with self.assertRaisesRegex(ServerError, "forward_busy: an extension cannot forward to itself"):
            self.node.tandemctl("extension.put", number="1002", forward_busy="1002")
        self.assertEqual(self.node.ctl("extension.get", number="1002")["forward_busy"], "1003")


class Profiles(CallTest):
    def test_range_chooses_codecs(self):
        """REG-12: what a phone is offered follows from its address, and a change counts for the next call."""
        codecs = ("8 PCMA/8000", "0 PCMU/8000", "9 G722/8000", "101 telephone-event/8000")
        self.node.ctl("profile.put", name="lan", codecs="PCMU", g711_packet_ms="30")
        for profile, present, absent in (("lan", "PCMU", "PCMA"), ("default", "PCMA", "iLBC")):
            self.node.ctl("profile.range.put", **{"from": "127.0.0.0", "to": "127.255.255.255",
                                                  "profile": profile})
            out = self.a.invite("1002", self.audio_a.sdp(codecs=codecs))
            into = self.b.incoming()
            offered = into.request.text
            self.assertIn(present, offered)
            self.assertNotIn(absent, offered)
            self.assertIn(f"a=ptime:{30 if profile == 'lan' else 20}", offered)
            into.reject(486, "Busy Here")
            out.wait_final()


    def at(self, address, **profile):
        """A phone of 1002 at an address of its own, for which there is a profile."""
        self.node.ctl("profile.put", name=address, **profile)
        self.node.ctl("profile.range.put", **{"from": address, "to": address, "profile": address})
        agent = UserAgent(self.node.server, "1002", "secret1002", address)
        self.addCleanup(agent.close)
        return agent

    def test_each_range_its_own(self):
        """REG-12: in one call, two phones in two ranges get two descriptions: codecs, packet lengths, digits, pictures."""
        first = self.at("127.0.0.31", codecs="PCMU", g711_packet_ms="30", dtmf="info", h264="false")
        second = self.at("127.0.0.32", codecs="G729", g729_packet_ms="40", video_kbps="320")
        self.b.register(expires=0, contact="*")
        for agent in (first, second):
            self.assertEqual(agent.register().status, 200)
        video = ("m=video 40000 RTP/AVP 97\r\nb=TIAS:2000000\r\na=rtpmap:97 H264/90000\r\n"
                 "a=fmtp:97 profile-level-id=42e01f;packetization-mode=1\r\n")
        codecs = ("0 PCMU/8000", "8 PCMA/8000", "18 G729/8000", "101 telephone-event/8000")
        out = self.a.invite("1002", self.audio_a.sdp(codecs=codecs) + video)
        legs = [agent.incoming() for agent in (first, second)]
        audio, pictures = zip(*((text[:text.index("m=video")], text[text.index("m=video"):]) if "m=video" in text else (text, "")
                                for text in (leg.request.text for leg in legs)))
        self.assertEqual([re.search(r"m=audio \d+ RTP/AVP (.*)\r", text)[1] for text in audio], ["0", "18 101"])
        self.assertEqual([re.search(r"a=ptime:(\d+)", text)[1] for text in audio], ["30", "40"])
        self.assertTrue(not pictures[0] or pictures[0].startswith("m=video 0 "), pictures[0])
        self.assertNotIn("m=video 0 ", pictures[1])
        self.assertIn("H264/90000", pictures[1])
        self.assertIn("b=TIAS:320000", pictures[1])
        for leg in legs:
            leg.reject(486)
        self.assertEqual(out.wait_final().status, 486)

    def test_transport_of_a_range(self):
        """REG-12: a range may have its phones on TCP alone."""
        phone = self.at("127.0.0.33", transport="tcp")
        self.assertEqual(phone.register().status, 403)
        self.node.ctl("profile.put", name="127.0.0.33", transport="udp")
        self.assertEqual(phone.register().status, 200)


class Secrets(CallTest):
    settings = {"log": {"level": "debug"}}

    def test_no_key_is_shown(self):
        """Neither their key nor ours is in an answer, an event, the log, a call record, or, unsealed, in Redis."""
        for number in ("1001", "1002"):
            self.node.ctl("extension.put", number=number, sdes_insecure="true")
        first = Key()
        out = self.a.invite("1002", secured(self.audio_a.sdp(), first))
        into = self.b.incoming()
        into.ring()
        second = Key(suite=Key.of_sdp(into.request.text).suite)
        into.respond(200, "OK", body=secured(self.audio_b.sdp(), second))
        answered = out.wait_answer()
        into.wait_ack()
        keys = [first, second, Key.of_sdp(answered.text), Key.of_sdp(into.request.text)]
        self.assertEqual(len({key.octets for key in keys}), 4)
        time.sleep(0.3)
        call = self.calls()[0]["id"]
        shown = self.node.ctl("call.show", call=call)
        self.assertEqual([shown[leg]["srtp"] for leg in "ab"], ["AES_CM_128_HMAC_SHA1_80"] * 2)
        self.node.ctl("call.hold", call=call, leg="a")
        into.wait_reinvite(secured(self.audio_b.sdp(direction="recvonly", version=2), second))
        time.sleep(0.3)
        places = {"call.show": json.dumps(shown).encode(), "the living call's Redis": self.redis_content()}
        out.bye()
        into.wait_bye()
        self.ended()
        places.update({"Redis": self.redis_content(), "the log": self.node.log_tail(100000).encode(),
                       "cdr.list": json.dumps(self.node.ctl("cdr.list")).encode()})
        self.assertIn(call.encode(), places["the living call's Redis"])
        self.assertIn(b"level=debug", places["the log"])
        for place, content in places.items():
            for key in keys:
                for form in (base64.b64encode(key.octets).rstrip(b"="), key.octets, key.octets[:16],
                             key.octets.hex().encode()):
                    self.assertNotIn(form, content, place)

    def test_no_password_is_kept(self):
        """Redis has neither passwords nor their hashes, and after a kill the phones log in all the same."""
        realm = self.node.ctl("node.status")["realm"]
        time.sleep(0.3)                                      # the commands are taken away when they are answered
        content = self.redis_content()
        self.assertIn(b"ha1_sealed", content)
        for number in ("1001", "1002"):
            self.assertNotIn(b"secret" + number.encode(), content)
            for name in ("md5", "sha256", "sha512_256"):
                ha1 = hashlib.new(name, f"{number}:{realm}:secret{number}".encode()).hexdigest()
                self.assertNotIn(ha1.encode(), content, name)
        self.node.kill()
        self.node.start()
        self.assertEqual(self.a.register().status, 200)

    def redis_content(self):
        """Every key and value, as bytes."""
        reads = {"string": ("GET",), "hash": ("HGETALL",), "set": ("SMEMBERS",), "zset": ("ZRANGE", "0", "-1"),
                 "stream": ("XRANGE", "-", "+"), "list": ("LRANGE", "0", "-1")}
        with self.node.redis() as redis:
            parts = []
            for key in redis("KEYS", "*"):
                word, *more = reads.get(redis("TYPE", key), ("GET",))    # none: it has just run out
                parts += [key, redis(word, key, *more)]
        return flat(parts)


def secured(sdp, key):
    return sdp.replace(" RTP/AVP ", " RTP/SAVP ").replace("a=ptime", key.line() + "a=ptime")


def flat(value):
    if isinstance(value, (list, tuple)):
        return b"\n".join(flat(part) for part in value)
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")


class Guesses(CallTest):
    def test_guesses_have_to_wait(self):
        """SEC-05: after ten wrong passwords not even the right one is looked at for a while; other phones notice nothing."""
        with self.node.user_agent("1001", "wrong") as guesser:
            statuses = [guesser.register().status for _ in range(11)]
            self.assertEqual(statuses, [401] * 10 + [403])
            guesser.password = "secret1001"
            refused = guesser.register()
            self.assertEqual(refused.status, 403)
            self.assertTrue(1 <= int(refused.get("Retry-After")) <= 5)
            self.assertEqual(self.b.register().status, 200)
            time.sleep(int(refused.get("Retry-After")))
            self.assertEqual(guesser.register().status, 200)
            with self.node.redis() as redis:
                rows = redis("XRANGE", "td:security", "-", "+")
            events = [dict(zip(fields[::2], fields[1::2])) for _, fields in rows]
            self.assertEqual({event["type"] for event in events}, {"wrong_password", "guessing"})
            for event in events:
                self.assertEqual(event["user"], "1001")
                self.assertTrue(event["node"])
                self.assertEqual(event["source"].split(":")[0], guesser.address)
            self.assertIn("unit=security", self.node.log_tail(100000))


if __name__ == "__main__":
    unittest.main()

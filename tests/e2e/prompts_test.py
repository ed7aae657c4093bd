# SPDX-License-Identifier: Apache-2.0
"""Prompts are documents: put on one node, played by the other, over restarts of Redis and without the node that has put them."""
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import time

from directory_test import Pair
from http_api_test import Asks
from lib import place
from music_test import wav
from server import ServerError
from tandem_client import Client, Refused

LONG = 80                       # s
FIRST, SECOND, FILE = 620, 1240, 880
NUMBER = "1900"


class Prompts(Pair):
    def setUp(self):
        super().setUp()
        for number in ("1001", NUMBER):
            if number not in [row["number"] for row in self.a.tandemctl("extension.list")]:
                self.a.tandemctl("extension.put", "x" * 12 + "\n", number=number, password="-")
        self.a.tandemctl("extension.put", number=NUMBER, application="ivr")
        for row in self.a.tandemctl("prompt.list"):
            self.a.tandemctl("prompt.delete", name=row["name"], language=row["language"])
        self.until(lambda: not self.b.local("prompt.list"))

    def file(self, hertz, name="made.wav", seconds=1):
        path = os.path.join(self.a.home, name)
        wav(path, hertz, rate=8000, channels=1, seconds=seconds)
        return path

    def octets(self, path):
        with open(path, "rb") as file:
            return file.read()

    def put(self, hertz, node=None, seconds=1, **named):
        return (node or self.a).tandemctl("prompt.put", file=self.file(hertz, seconds=seconds), **named)

    def here(self, node, said=None, **named):
        """The node has what the document says; said: of the put that it must know by now."""
        def is_here():
            try:
                row = node.local("prompt.get", **named)
            except ServerError:
                return False
            return row["here"] and (said is None or row["sha256"] == said["sha256"])
        self.until(is_here)

    def told(self, kind, call):
        with self.redis() as redis:
            rows = [json.loads(fields[1]) for _, fields in redis("XRANGE", "td:{ev:default}:ivr", "-", "+") or []]
        return [row for row in rows if row["type"] == kind and row["call"] == call]

    def waiting(self):
        with self.redis() as redis:
            rows = [json.loads(fields[1]) for _, fields in redis("XRANGE", "td:{ev:default}:ivr", "-", "+") or []]
        return [row["call"] for row in rows if row["type"] == "call.waiting"]

    def caller(self, node):
        """A phone of the node that the application has answered: (its media, its dialog, the call)."""
        agent = self.enterContext(node.user_agent("1001", "x" * 12))
        media = node.media()
        self.addCleanup(media.close)
        before = len(self.waiting())
        out = agent.invite(NUMBER, media.sdp())
        out.wait_provisional(180)
        self.until(lambda: len(self.waiting()) > before)
        call = self.waiting()[-1]
        node.tandemctl("call.answer", call=call)
        media.use(out.wait_answer())
        return media, out, call

    def plays(self, node, hertz, name="welcome"):
        """A caller of the node hears the prompt."""
        media, out, call = self.caller(node)
        node.tandemctl("call.play", call=call, file=f"prompt:{name}")
        media.wait_tone(hertz, 20)
        self.until(lambda: self.told("call.played", call))
        self.assertEqual(self.told("call.played", call)[-1]["reason"], "end")
        out.bye()

    def reload(self, node):
        before = node.log_text().count("settings read again")
        node.process.send_signal(signal.SIGHUP)
        self.until(lambda: node.log_text().count("settings read again") > before)

    def refused(self, path, what, node=None, **named):
        with self.assertRaisesRegex(ServerError, what):
            (node or self.a).tandemctl("prompt.put", file=path, name="welcome", **named)


class Put(Asks, Prompts):
    def test_put_here_and_played_there(self):
        said = self.put(FIRST, name="welcome")
        octets = self.octets(self.file(FIRST))
        self.assertEqual((said["sha256"], said["octets"], said["length_ms"], said["language"]),
                         (hashlib.sha256(octets).hexdigest(), len(octets), 1000, ""))
        self.here(self.b, name="welcome")
        self.plays(self.b, FIRST)
        self.plays(self.a, FIRST)
        with open(os.path.join(self.b.state_dir, "prompts", said["sha256"]), "rb") as file:
            self.assertEqual(file.read(), octets)

    def test_by_http(self):
        """The body is the file: as from tandemctl, for each node; what it may not be is said, and a tenant has its own."""
        admin, octets = self.token(self.a, "admin"), self.octets(self.file(FIRST, seconds=20))
        path, sound = "/v1/prompts/welcome?language=de", {"Content_Type": "audio/wav"}
        said = self.ok(self.a, "PATCH", path, admin, raw=octets, **sound)
        self.assertEqual((said["sha256"], said["octets"], said["length_ms"]), (hashlib.sha256(octets).hexdigest(), len(octets), 20000))
        self.here(self.b, said, name="welcome", language="de")
        small = self.octets(self.file(SECOND))
        self.ok(self.a, "PATCH", path, admin, raw=small, Idempotency_Key="k", **sound)
        with Client(self.a.redis_socket, "_operator") as client:
            client.ask("tenant.put", name="acme", domains="acme.example")
        acme = self.token(self.a, "admin", tenant="acme")
        self.refused(404, "not_found", self.a, "GET", path, acme)
        self.ok(self.a, "PATCH", path, acme, raw=octets, **sound)
        self.assertEqual(self.ok(self.a, "GET", path, admin)["sha256"], hashlib.sha256(small).hexdigest())
        for status, code, raw, more, token in (
                (400, "bad_argument", b"RIFF", sound, admin), (400, "bad_argument", b"ID3" + bytes(100), {"Content_Type": "audio/mpeg"}, admin),
                (400, "bad_argument", b"", sound, admin), (400, "bad_request", small, {"Content_Type": "text/plain"}, admin),
                (403, "not_allowed", small, sound, self.token(self.a, "application")), (401, "not_allowed", small, sound, "x")):
            self.refused(status, code, self.a, "PATCH", path, token, raw=raw, **more)
        self.refused(400, "bad_request", self.a, "PATCH", "/v1/extensions/1001", admin, raw=small, **sound)
        self.refused(400, "bad_argument", self.a, "PATCH", path + "&recording=000agvj5jqr40-1", admin, raw=small, **sound)
        for length, token in ((1048577, admin), (200000, "x"), (200000, self.token(self.a, "reader"))):
            with socket.create_connection((place.NODE, self.a.http_port), 30) as link:
                link.sendall(f"PATCH {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
                             f"Content-Type: audio/wav\r\nContent-Length: {length}\r\n\r\n".encode())
                self.assertIn(b" 413 ", link.recv(4096).split(b"\r\n")[0] + b" ")

    def test_opus(self):
        path = self.file(FIRST)
        subprocess.run(["opusenc", "--quiet", path, path + ".opus"], check=True)
        said = self.b.tandemctl("prompt.put", name="welcome", file=path + ".opus")
        self.assertEqual(said["length_ms"], 1000)
        self.here(self.a, name="welcome")
        self.plays(self.a, FIRST)

    def test_equal_octets_once(self):
        one, other = self.put(FIRST, name="welcome"), self.put(FIRST, name="goodbye", language="de")
        self.assertEqual(one["sha256"], other["sha256"])
        with self.redis() as redis:
            self.assertEqual(redis("KEYS", "td:{t:default}:prompt:" + one["sha256"]), ["td:{t:default}:prompt:" + one["sha256"]])
            self.a.tandemctl("prompt.delete", name="goodbye", language="de")
            self.assertEqual(redis("TTL", "td:{t:default}:prompt:" + one["sha256"]), -1)
            self.a.tandemctl("prompt.delete", name="welcome")
            self.until(lambda: redis("TTL", "td:{t:default}:prompt:" + one["sha256"]) > 86000)
            self.put(FIRST, name="welcome")
            self.until(lambda: redis("TTL", "td:{t:default}:prompt:" + one["sha256"]) == -1)

    def test_replaced_and_deleted(self):
        self.put(FIRST, name="welcome")
        self.here(self.b, name="welcome")
        self.plays(self.b, FIRST)
        second = self.put(SECOND, name="welcome", node=self.b)
        self.here(self.a, second, name="welcome")
        self.here(self.b, second, name="welcome")
        self.plays(self.a, SECOND)
        self.plays(self.b, SECOND)
        self.b.tandemctl("prompt.delete", name="welcome")
        self.until(lambda: not self.a.local("prompt.list"))
        media, out, call = self.caller(self.a)
        self.a.tandemctl("call.play", call=call, file="prompt:welcome")
        self.until(lambda: self.told("call.played", call))
        self.assertRegex(self.told("call.played", call)[-1]["cause"], "no such prompt")
        out.bye()
        with self.assertRaisesRegex(ServerError, "no such prompt"):
            self.a.tandemctl("prompt.get", name="welcome")

    def test_ends_by_itself(self):
        """From that time on what else has its name is heard, at each node, also at one that starts later. Put anew it is there again, of equal octets, too."""
        nodes = self.a, self.b
        for node in nodes:
            path = os.path.join(node.folder, "sounds", "default", "welcome.wav")
            wav(path, FILE)
            self.addCleanup(os.unlink, path)
        end = int(time.time() * 1000) + 3600000
        self.assertEqual(self.put(FIRST, name="welcome", until_utc_ms=str(end))["until_utc_ms"], end)
        self.here(self.b, name="welcome")
        self.plays(self.b, FIRST)
        self.put(FIRST, name="welcome", until_utc_ms=str(int(time.time() * 1000) + 1000))
        for node in nodes:
            self.until(lambda node=node: not node.local("prompt.get", name="welcome")["here"])
            self.until(lambda node=node: node.metric("tandem_prompts", state="lacked") == 0)
            self.plays(node, FILE)
        self.b.kill()
        self.b.start()
        self.until(lambda: self.b.local("prompt.list"))
        self.plays(self.b, FILE)
        self.put(FIRST, name="welcome")
        self.here(self.b, name="welcome")
        self.plays(self.b, FIRST)

    def test_begun_prompt_goes_on(self):
        """What a call has begun it hears to its end, over a kill; it is not what its name means by then, nor when that is deleted."""
        self.put(FIRST, name="welcome", seconds=20)
        media, out, call = self.caller(self.a)
        self.a.tandemctl("call.play", call=call, file="prompt:welcome", times="0")
        media.wait_tone(FIRST, 20)
        self.put(SECOND, name="welcome")
        self.here(self.a, name="welcome")
        for _ in range(2):
            self.until(lambda: all(row["saved"] for row in self.a.local("call.list")))
            self.a.kill()
            self.a.start()
            media.wait_tone(FIRST, 20, anew=True)
            if self.a.tandemctl("prompt.list"):
                self.a.tandemctl("prompt.delete", name="welcome")
        self.a.tandemctl("call.stop", call=call)
        self.put(SECOND, name="welcome")
        self.here(self.a, name="welcome")
        self.a.tandemctl("call.play", call=call, file="prompt:welcome")
        media.wait_tone(SECOND, 20, anew=True)
        out.bye()

    def test_language(self):
        """A document before the file of its language, and that before what is of none."""
        self.put(FIRST, name="welcome")
        self.put(SECOND, name="welcome", language="de")
        self.here(self.b, name="welcome", language="de")
        self.plays(self.b, FIRST)
        self.a.tandemctl("tenant.put", name="default", language="de-AT")
        self.addCleanup(self.a.tandemctl, "tenant.put", name="default", language="")
        self.plays(self.a, SECOND)
        wav(os.path.join(self.b.folder, "sounds", "default", "de-AT", "welcome.wav"), FILE)
        wav(os.path.join(self.b.folder, "sounds", "default", "de", "welcome.wav"), 300)
        self.reload(self.b)
        self.plays(self.b, FILE)
        os.unlink(os.path.join(self.b.folder, "sounds", "default", "de-AT", "welcome.wav"))
        self.reload(self.b)
        self.plays(self.b, SECOND)
        self.assertEqual([(row["name"], row["language"]) for row in self.b.tandemctl("prompt.list")],
                         [("welcome", ""), ("welcome", "de")])


class Named(Prompts):
    def test_flows_that_name_it(self):
        """As all flows are now, at each node; and who deletes it hears of them."""
        def named(node):
            return node.tandemctl("prompt.get", name="welcome")["flows"]

        self.put(FIRST, name="welcome")
        self.here(self.b, name="welcome")
        self.assertEqual(named(self.b), [])
        with Client(self.socket, "_operator") as client:
            client.ask("flow.put", name="main", program=[{"play": ["welcome", "closed"]}, {"gather": {"prompt": "welcome", "say": "welcome"}}])
            client.ask("flow.put", name="shop", program=[{"play": "closed"}, {"record": {"prompt": ["welcome"]}}])
        for node in (self.a, self.b):
            self.until(lambda node=node: sorted(named(node)) == ["main", "shop"])
        self.assertEqual([sorted(row["flows"]) for row in self.a.tandemctl("prompt.list") if row["name"] == "welcome"], [["main", "shop"]])
        with Client(self.socket, "_operator") as client:
            client.ask("flow.put", name="main", program=[{"play": ["closed"]}])
            with self.assertRaisesRegex(Refused, "prompt welcome is named by flow shop"):
                client.ask("prompt.delete", name="welcome")
            self.assertEqual(client.ask("prompt.delete", name="welcome", force=True)["name"], "welcome")
            client.ask("flow.delete", name="shop")
            self.put(FIRST, name="welcome")
            self.assertEqual(client.ask("prompt.delete", name="welcome"), {"name": "welcome"})


class Recorded(Prompts):
    def test_said_at_a_phone(self):
        """A phone is rung, its party says the prompt behind a beep and presses #, hears it, and it is the prompt of all nodes."""
        agent = self.enterContext(self.a.user_agent("1001", "x" * 12))
        self.assertEqual(agent.register().status, 200)
        media = self.a.media()
        self.addCleanup(media.close)
        before = len(self.waiting())
        self.a.tandemctl("call.originate", **{"from": "1001", "to": NUMBER})
        into = agent.incoming()
        into.answer(media.sdp())
        media.use(into.request)
        self.until(lambda: len(self.waiting()) > before)
        call = self.waiting()[-1]
        self.a.tandemctl("call.answer", call=call)
        self.a.tandemctl("call.record_message", call=call)
        media.wait_tone(1000, 8)
        media.start(FIRST)
        time.sleep(2)
        media.digit("#")
        media.stop()
        self.until(lambda: self.told("call.recorded", call))
        said = self.told("call.recorded", call)[-1]
        self.assertEqual(said["reason"], "key", said)
        name = said["recording"]
        self.a.tandemctl("call.play", call=call, file=f"recording:{name}")
        media.wait_tone(FIRST, 20)
        put = self.a.tandemctl("prompt.put", name="welcome", recording=name)
        self.assertGreater(put["length_ms"], 1000)
        self.here(self.b, name="welcome")
        self.plays(self.b, FIRST)
        for wrong, what in ((name[:-1] + "9", "no such recording"), ("x" * 15, "a recording is CALL-NUMBER")):
            with self.assertRaisesRegex(ServerError, what):
                self.a.tandemctl("prompt.put", name="other", recording=wrong)
        self.a.tandemctl("call.hangup", call=call)
        into.wait_bye()


    def record(self, speaks, node=None, **named):
        """The phone of 1001 is rung by the command; speaks(media, dialog) is what its party does after the beep. The call."""
        agent = self.enterContext(self.a.user_agent("1001", "x" * 12))
        self.assertEqual(agent.register().status, 200)
        media = self.a.media()
        self.addCleanup(media.close)
        ordered = self.a.tandemctl("prompt.record", **{"from": "1001", **named})
        self.assertEqual((ordered["name"], ordered["language"]), (named["name"], named.get("language", "")))
        into = agent.incoming()
        into.answer(media.sdp())
        media.use(into.request)
        media.wait_tone(1000, 8)
        speaks(media, into)
        return ordered["call"]

    def test_by_command(self):
        """Its phone is rung, # ends it, and it is the prompt of all nodes."""
        def speaks(media, into):
            media.start(FIRST)
            time.sleep(2)
            media.digit("#")
            media.stop()
            into.wait_bye()
        self.record(speaks, name="said")
        self.here(self.b, name="said")
        self.assertGreater(self.a.tandemctl("prompt.get", name="said")["length_ms"], 1000)
        self.plays(self.b, FIRST, "said")

    def test_by_command_and_killed(self):
        """The call goes on to the end of what is said, and changes nothing."""
        def speaks(media, into):
            media.start(FIRST)
            time.sleep(1)
            self.a.kill()
            self.a.restart()
            media.digit("#")
            media.stop()
            into.wait_bye()
        self.record(speaks, name="said")
        self.until(lambda: "a call cannot go on in its flow" in self.a.log_text())
        self.assertEqual(self.a.tandemctl("prompt.list"), [])

    def test_by_command_and_hung_up(self):
        """Who hangs up has said it; who has said nothing leaves the prompt as it was."""
        def speaks(media, into):
            media.start(SECOND)
            time.sleep(2)
            media.stop()
            into.bye()
        self.record(speaks, name="said", language="de")
        self.here(self.a, name="said", language="de")
        before = self.a.tandemctl("prompt.get", name="said", language="de")

        def says_nothing(media, into):
            time.sleep(1.5)
            into.bye()
        call = self.record(says_nothing, name="said", language="de")
        self.until(lambda: re.search(f"call={call} .*what was said is no prompt.* name=said language=de", self.a.log_text()))
        self.assertEqual(self.a.tandemctl("prompt.get", name="said", language="de"), before)
        for wrong, what in (({"name": ".x"}, "does not begin"), ({"from": "4711"}, "no such extension"), ({"language": "de_DE"}, "language")):
            with self.assertRaisesRegex(ServerError, what):
                self.a.tandemctl("prompt.record", **{"name": "said", "from": "1001", **wrong})


class Lost(Prompts):
    def test_redis_restarts(self):
        self.put(FIRST, name="welcome")
        self.redis_stop()
        self.redis_start()
        self.b.kill()
        self.b.start()
        self.here(self.b, name="welcome")
        self.plays(self.b, FIRST)

    def test_the_node_that_put_it_is_dead(self):
        self.b.kill()
        self.put(SECOND, name="welcome")
        self.a.kill()
        subprocess.run(["rm", "-r", os.path.join(self.b.state_dir, "prompts")], check=False)
        self.b.start()
        self.here(self.b, name="welcome")
        self.plays(self.b, SECOND)
        self.a.start()

    def test_redis_is_emptied(self):
        said = self.put(FIRST, name="welcome")
        self.here(self.b, name="welcome")
        with self.redis() as redis:
            redis("DEL", "td:{t:default}:prompt:" + said["sha256"])
        self.redis_stop()
        self.redis_start()
        with self.redis() as redis:
            self.until(lambda: redis("EXISTS", "td:{t:default}:prompt:" + said["sha256"]) == 1)
            self.assertEqual(redis("TTL", "td:{t:default}:prompt:" + said["sha256"]), -1)

    def test_wrong_octets_in_redis(self):
        """A node that has them not says so, plays what was there before, and goes on when they are right."""
        self.b.kill()
        said = self.put(SECOND, name="welcome")
        subprocess.run(["rm", "-r", os.path.join(self.b.state_dir, "prompts")], check=False)
        key = "td:{t:default}:prompt:" + said["sha256"]
        with self.redis() as redis:
            redis("SET", key, "no sound")
            self.b.start()
            self.until(lambda: "its octets in Redis have another hash" in self.b.log_text())
            self.assertFalse(self.b.tandemctl("prompt.get", name="welcome")["here"])
            said = self.put(SECOND, name="welcome", node=self.a)
        self.here(self.b, said, name="welcome")
        self.plays(self.b, SECOND)


class Refuses(Prompts):
    def path(self, name, octets):
        path = os.path.join(self.a.home, name)
        with open(path, "wb") as file:
            file.write(octets)
        return path

    def test_what_is_no_prompt(self):
        whole = self.octets(self.file(FIRST))
        before = self.put(SECOND, name="welcome")
        for name, octets, what in (
                ("text", b"hello", "neither a WAV file nor Opus"), ("empty", b"", "empty"),
                ("mp3", b"\xff\xfb\x90\x64" + bytes(400), "MP3"), ("id3", b"ID3\x04" + bytes(400), "MP3"),
                ("cut", whole[:40], "octet|file"), ("long", whole + bytes((1 << 20) + 1 - len(whole)), "longer than 1 MiB")):
            with self.subTest(name):
                self.refused(self.path(name, octets), what)
        self.refused(os.path.join(self.a.home, "nowhere"), "No such file")
        self.refused(self.a.home, "not a plain file")
        self.refused(self.file(FIRST), "language", language="d.e")
        self.assertEqual(self.b.tandemctl("prompt.get", name="welcome")["sha256"], before["sha256"])
        with self.assertRaisesRegex(Refused, "no file came"), Client(self.socket, "_operator") as client:
            client.ask("prompt.put", name="welcome", file="/etc/passwd")

    def test_largest(self):
        whole = self.octets(self.file(FIRST, seconds=60))
        whole = whole[:40] + (1048576 - 44).to_bytes(4, "little") + whole[44:] + bytes(1 << 20)
        whole = whole[:4] + (1048576 - 8).to_bytes(4, "little") + whole[8:1 << 20]
        self.assertEqual(self.a.tandemctl("prompt.put", name="welcome", file=self.path("largest", whole))["octets"], 1 << 20)
        self.here(self.b, name="welcome")

    def test_the_disk_is_full(self):
        """In place of the folder: a file, as whoever runs the tests may write everywhere."""
        before = self.put(FIRST, name="welcome")
        folder = os.path.join(self.a.state_dir, "prompts")
        os.rename(folder, folder + ".away")
        with open(folder, "wb"):
            pass
        try:
            self.refused(self.file(SECOND), "cannot write into the folder prompts")
        finally:
            os.unlink(folder)
            os.rename(folder + ".away", folder)
        self.assertEqual(self.a.tandemctl("prompt.get", name="welcome")["sha256"], before["sha256"])
        self.plays(self.a, FIRST)

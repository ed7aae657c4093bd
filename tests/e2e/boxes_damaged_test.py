# SPDX-License-Identifier: Apache-2.0
"""What is damaged in Redis or in the folder of recordings, and what goes on beside it: VM-10, REC-05."""
import json
import os
import time
import unittest

from mailbox_test import Mailbox
from patience import slowness, until
from tandem_client import Redis, Refused

SAID_MS = 5000      # as long a caller waits for "saved"


class Damaged(Mailbox):
    def says(self, box):
        """A message in that box; its id."""
        out = self.a.invite("100", self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        call = self.call_of("1001")
        self.waits(call)
        self.node.ctl("call.record_message", call=call, beep="false", silence_ms="0", mailbox=box)
        until(lambda: "record" in str(self.ask("call.show", call=call).get("recordings")), lambda: self.ask("call.show", call=call))
        self.audio_a.start(620)
        time.sleep(0.5)
        self.audio_a.stop()
        out.bye()
        self.ended()
        return f"{call}-1"

    def is_listed(self, message):
        until(lambda: message in {row["message"] for row in self.ask("message.list", mailbox="1002")}, self.node.log_tail)

    def refused(self, text):
        return self.node.log_tail(1000).count(text)

    def test_rows(self):
        """Numbers that are none, texts that are none: the message is shown with what can be read; who changes it hears no, and the log says of which box."""
        message = self.leave(620)
        key = "td:{box:default:1002}:msg"
        with Redis(self.node.redis_socket) as redis:
            for facts in ('{"begun_utc_ms":1e300,"ms":-1e300,"octets":1e30,"from":7,"parts":"x"}', '{"parts":[1,null]}', "{", b"\xff\x00"):
                redis("HSET", key, f"f:{message}", facts)
                row = self.ask("message.get", mailbox="1002", message=message)
                self.assertEqual((row["state"], row["begun_utc_ms"], row["duration_ms"], row["octets"]), ("new", 0, 0, 0), facts)
            redis("HSET", key, f"m:{message}", "[")
            with self.assertRaises(Refused):
                self.ask("message.put", mailbox="1002", message=message, note="x")
        self.assertIn(f"tenant=default mailbox=1002 message={message}", self.node.log_tail())
        self.assertEqual(self.ask("message.count", mailbox="1002")["new"], 1)

    def test_draft(self):
        """One row that cannot be read takes no other one of its box along."""
        message, damaged = self.leave(620), "000ah25ssti00-1"
        key = "td:{box:default:1002}:"
        with Redis(self.node.redis_socket) as redis:
            redis("HSET", key + "msg", f"f:{damaged}", "{", f"m:{damaged}", "[")
            redis("ZADD", key + "draft", "1", damaged)
        self.assertEqual(self.ask("message.count", mailbox="1002")["new"], 2)
        self.assertEqual({row["message"] for row in self.ask("message.list", mailbox="1002")}, {message, damaged})
        self.assertEqual(self.ask("message.put", mailbox="1002", message=message, state="old")["state"], "old")

    def test_tasks(self):
        """What nobody can read among what is to be done about messages is said, and dropped."""
        with Redis(self.node.redis_socket) as redis:
            for task in ("x", "a b", "default " + "9" * 100 + " x", "nobody 1 2", b"\xff \xff \xff", "default 1002 000ah25ssti00-1"):
                redis("ZADD", "td:{task}:due", "1", task)
            redis("HSET", "td:{task}:held", "x", "garbage")
            until(lambda: redis("ZCARD", "td:{task}:due") == 0 and redis("HLEN", "td:{task}:held") == 0, self.node.log_tail)
        self.assertIn('task="default 999', self.node.log_tail())

    def test_start(self):
        """What is damaged in Redis when a node starts takes no good message along."""
        message = self.leave(620)
        key = "td:{box:default:100%s}:%s"
        with Redis(self.node.redis_socket) as redis:
            for name in ("msg", "new", "urgent", "old", "oldurgent", "draft", "gone"):
                redis("SET", key % (3, name), "x")
            for at, facts in enumerate(("[" * 60000, b"\xff" * 70000, '{"parts":{"name":1}}', '{"from":%s,"parts":[[]]}' % ("9" * 400))):
                redis("HSET", key % (2, "msg"), f"f:0000000000{at:03}-1", facts, f"m:0000000000{at:03}-1", facts)
                redis("ZADD", key % (2, ("draft", "new", "urgent", "gone")[at]), ("1", "inf", "-1e308", "0.5")[at], f"0000000000{at:03}-1")
            redis("ZADD", key % (2, "new"), "1", "x" * 5000, "2", "")
            redis("SET", "td:{t:default}:box:all", "x")
        self.node.kill()
        self.node.restart()
        self.is_listed(message)
        self.assertEqual(self.ask("message.put", mailbox="1002", message=message, state="old")["state"], "old")
        with self.assertRaises(Refused):
            self.ask("message.list", mailbox="1003")

    def test_other_boxes(self):
        """A box that Redis cannot change keeps no message from another one."""
        with Redis(self.node.redis_socket) as redis:
            redis("SET", "td:{box:default:1003}:new", "x")
            lost = self.says("1003")
            until(lambda: self.refused("WRONGTYPE") > 3, self.node.log_tail)
            for _ in range(2):
                before = time.time()
                message = self.says("1002")
                self.is_listed(message)
                self.assertLess(time.time() - before, SAID_MS / 1000 * slowness())
            redis("DEL", "td:{box:default:1003}:new")
        until(lambda: [row["message"] for row in self.ask("message.list", mailbox="1003")] == [lost], self.node.log_tail)

    def sidecar(self):
        """The path of one, and what it says."""
        self.is_listed(self.says("1002"))
        path = next(os.path.join(at, name) for at, _, names in os.walk(f"{self.node.folder}/recordings") for name in names if name.endswith(".wav.json"))
        with open(path, encoding="utf-8") as file:
            return path, json.load(file)

    def put(self, sidecar, facts, name):
        path = os.path.join(os.path.dirname(sidecar), name)
        if not os.path.lexists(path):
            os.link(sidecar.removesuffix(".json"), path)
        with open(f"{path}.json", "w", encoding="utf-8") as file:
            json.dump({**facts, "call": name[:13], "file": name}, file)

    def test_long_parties(self):
        """Names of parties that JSON writes with many octets hide no message."""
        sidecar, facts = self.sidecar()
        self.put(sidecar, {**facts, "from": "\x01" * 120, "to": "\x02" * 120}, "0000000000010-1.1.wav")
        self.is_listed("0000000000010-1")

    def test_many_refused(self):
        """More messages that their box refuses than tandem-store has places for keep no other one from being said."""
        sidecar, facts = self.sidecar()
        with Redis(self.node.redis_socket) as redis:
            redis("SET", "td:{box:default:1003}:new", "x")
            for number in range(2048 + 50):
                self.put(sidecar, {**facts, "mailbox": "1003"}, f"000000000{number:04}-1.1.wav")
            until(lambda: self.node.metric("tandem_recordings_unlisted") >= 2000, self.node.log_tail)
            self.is_listed(self.says("1002"))
            redis("DEL", "td:{box:default:1003}:new")
        until(lambda: self.ask("message.count", mailbox="1003")["new"] == 2048 + 50, self.node.log_tail)

    def test_files(self):
        """What lies in the folder and is no file keeps nobody waiting."""
        self.is_listed(self.says("1002"))
        folder = os.path.dirname(next(os.path.join(at, name) for at, _, names in os.walk(f"{self.node.folder}/recordings") for name in names if name.endswith(".wav")))
        sidecar = "0000000000{}-1.1.wav.json"
        os.mkfifo(os.path.join(folder, sidecar.format("001")))
        os.mkdir(os.path.join(folder, sidecar.format("002")))
        os.symlink("/etc/passwd", os.path.join(folder, sidecar.format("003")))
        os.symlink("/dev/zero", os.path.join(folder, sidecar.format("004")))
        for at, text in enumerate(("[" * 60000, '{"mailbox":"1002 x"}', '{"mailbox":"1002","cause":"message","from":"%s"}' % ("x" * 60000), "\0" * 70000)):
            with open(os.path.join(folder, sidecar.format(f"00{5 + at}")), "w", encoding="utf-8") as file:
                file.write(text)
        self.is_listed(self.says("1002"))

    def test_parts(self):
        """Nor does what is named as a part of a recording, and is no file: the parts are one without it."""
        sidecar, facts = self.sidecar()
        for number, make in enumerate((os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path), lambda path: os.symlink("nowhere", path)), 1):
            for segment in (1, 2):
                name = f"00000000000{number}0-1.{segment}.wav"
                if segment == 1:
                    make(os.path.join(os.path.dirname(sidecar), name))
                self.put(sidecar, {**facts, "segment": segment, "last": segment == 2}, name)
        self.is_listed(self.says("1002"))
        until(lambda: self.refused("a part of a recording is left out") >= 4, self.node.log_tail)


if __name__ == "__main__":
    unittest.main()

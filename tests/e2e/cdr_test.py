# SPDX-License-Identifier: Apache-2.0
"""A call whose parties change has a call detail record for each pair, written together when it ends, and they add up."""
import csv
import io
import json
import os
import re
import signal
import time
import unittest

from call_test import CallTest
from lib.sip import or_none
from state_test import redis_pid
from patience import PATIENCE_S, until


class Shown(CallTest):
    """What tandemctl shows of a call."""

    def test_shown(self):
        self.node.ctl("extension.put", number="1001", display_name="=Jürgen, \"J\"")
        out, into, _ = self.connect()
        self.audio_a.start(440)
        self.audio_b.wait_packets(60)
        self.audio_a.stop()
        out.bye()
        into.wait_bye()
        call = self.ended()["id"]
        text = self.node.text("cdr.list")
        head, row, *_ = text.splitlines()
        self.assertEqual(head.split()[:9], ["id", "from", "to", "end_utc_ms", "talk_s", "sip", "loss_%", "jitter", "mos"])
        self.assertRegex(row, rf"^{call} +1001 +1002 .* 200 +\d+\.\d/- +\d+/- +[34]\.\d\d/-")
        self.assertIn(self.node.cdrs()[-1]["cause"], text)
        self.assertLessEqual(max(len(line) for line in (head, row)), 100)
        record, = csv.DictReader(io.StringIO(self.node.text("cdr.list", "-o", "csv"), newline=""))
        self.assertEqual((record["id"], record["from"], record["b_packets_in"]), (call, "1001", "0"))
        names = {one["number"]: one["display_name"] for one in csv.DictReader(io.StringIO(self.node.text("-o", "csv", "extension.list"), newline=""))}
        self.assertEqual(names["1001"], "'=Jürgen, \"J\"")
        parties, *rows = self.node.text("sip", call).splitlines()
        self.assertEqual(parties.split(), [self.a.host_port, "tandem", self.b.host_port])
        at = [parties.index(name) + 2 for name in parties.split()]
        said = [(re.sub(r"[-|<>]+", " ", line[13:]).strip(), "<" in line, [line[place] for place in at]) for line in rows]
        wanted = ["INVITE sdp", "INVITE sdp", "180 Ringing (INVITE)", "180 Ringing (INVITE)", "200 OK (INVITE) sdp", "200 OK (INVITE) sdp", "BYE", "BYE"]
        left = iter(label for label, _, _ in said)
        for label in wanted:
            self.assertIn(label, left, "\n".join(rows))            # in this order
        times = [line[:12] for line in rows]
        self.assertEqual(times, sorted(times))
        self.assertEqual(said[0][1], False)                         # from the caller
        for _, _, lines in said:
            self.assertEqual(lines, ["|"] * 3)


class Pairs(CallTest):
    """1001 calls 1002, which gives it to 1003."""

    def setUp(self):
        super().setUp()
        self.node.put_extension("1003", "secret1003")
        self.c = self.node.user_agent("1003", "secret1003")
        self.addCleanup(self.c.close)
        self.assertEqual(self.c.register().status, 200)
        self.audio_c = self.node.media()
        self.addCleanup(self.audio_c.close)

    def notified(self, into, status):
        """What became of the transfer, as the transferor hears."""
        notify = self.b.take(lambda m: m.is_request and m.method == "NOTIFY" and m.call_id == into.call_id
                             and f"SIP/2.0 {status}" in m.text, 10, f"NOTIFY {status}")
        self.b.respond(notify, 200, "OK")

    def give_away(self, into):
        """The phone of 1003 rings for the caller."""
        refer = into.in_dialog("REFER", [("Refer-To", f"<sip:1003@{self.c.server[0]}>")])
        self.assertEqual(into.transact(refer).status, 202)
        self.notified(into, 100)
        third = self.c.incoming()
        third.ring()
        return third

    def take_over(self, out, into, third):
        """1003 answers, and 1002 leaves."""
        third.answer(self.audio_c.sdp())
        self.audio_a.use(out.wait_reinvite(self.audio_a.sdp()))
        self.audio_c.use(third.request)
        self.notified(into, 200)
        into.wait_bye()

    def talk(self, *audios):
        """Each sends and hears 60 packets; what it sent by then."""
        for audio in audios:
            audio.start(440)
        for audio in audios:
            audio.wait_packets(60)
        for audio in audios:
            audio.stop()

    def transferred(self):
        """1001 talks to 1003 now: (its dialog, that of 1003, id of the call)."""
        out, self.into, _ = self.connect()
        call = self.calls()[0]["id"]
        self.talk(self.audio_a, self.audio_b)
        third = self.give_away(self.into)
        self.take_over(out, self.into, third)
        self.assertEqual([row["id"] for row in self.calls()], [call])
        return out, third, call

    def hang_up(self, out, third):
        out.bye()
        third.wait_bye()

    def assert_follow(self, rows, call):
        """One behind the other, without a gap, each with the name of the call."""
        self.assertEqual([row["id"] for row in rows], [call] + [f"{call}.{i + 2}" for i in range(len(rows) - 1)])
        self.assertEqual({row["linked"] for row in rows}, {call})
        for before, row in zip(rows, rows[1:]):
            self.assertEqual(row["setup_utc_ms"], before["end_utc_ms"])
        for row in rows:
            answered, ended = int(row["answer_utc_ms"]), int(row["end_utc_ms"])
            self.assertEqual(int(row["talk_ms"]), ended - answered if answered else 0)

    def assert_two(self, call, seconds=PATIENCE_S):
        rows = self.node.cdrs(2, seconds)
        self.assertEqual(len(rows), 2)
        self.assert_follow(rows, call)
        self.assertEqual([(row["from"], row["to"]) for row in rows], [("1001", "1002"), ("1001", "1003")])
        self.assertEqual([row["cause"] for row in rows], ["transferred", "hung up"])
        self.assertEqual([row["sip_status"] for row in rows], ["200", "200"])
        self.assertEqual([row["ended_by"] for row in rows], ["b", "a"])
        return rows

    def test_two_records_add_up(self):
        began = time.time()
        out, third, call = self.transferred()
        self.talk(self.audio_a, self.audio_c)
        self.assertEqual(self.node.told("td:{s1}:cdr"), [], "not before the end")
        self.hang_up(out, third)
        lasted_ms = (time.time() - began) * 1000
        rows = self.assert_two(call)
        paused = int(rows[1]["answer_utc_ms"]) - int(rows[1]["setup_utc_ms"])
        talked = sum(int(row["talk_ms"]) for row in rows)
        whole = int(rows[1]["end_utc_ms"]) - int(rows[0]["answer_utc_ms"])
        self.assertEqual(talked + paused, whole)
        self.assertTrue(2000 < talked < lasted_ms, (talked, lasted_ms))
        self.assertEqual(int(rows[0]["a_packets_in"]), 0, "it stays: all of it is in the last one")
        self.assertGreaterEqual(int(rows[0]["b_packets_in"]), 60)
        self.assertGreaterEqual(int(rows[1]["a_packets_in"]), 120)
        self.assertGreaterEqual(int(rows[1]["b_packets_in"]), 60)
        self.assertEqual(self.node.ctl("cdr.list", call=call),
                         [row for row in self.node.ctl("cdr.list") if row["linked"] == call])
        self.assertEqual(len(self.node.ctl("cdr.list", call=call)), 2)

    def test_one_pair_has_one_record(self):
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        self.hang_up(out, into)
        row = self.ended()
        self.assertEqual(row["id"], call)
        self.assertNotIn("linked", row)

    def test_nobody_takes_it(self):
        """What was tried is a pair of its own; then the first two are together again."""
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        self.give_away(into).reject(486, "Busy Here")
        self.notified(into, 486)
        self.hang_up(out, into)
        rows = self.node.cdrs(3)
        self.assert_follow(rows, call)
        self.assertEqual([(row["to"], row["sip_status"]) for row in rows],
                         [("1002", "200"), ("1003", "486"), ("1002", "200")])
        self.assertEqual(rows[1]["answer_utc_ms"], "0")

    def test_redis_is_away_when_it_ends(self):
        """They wait on disk, over a kill of the node too, and come once."""
        redis = redis_pid(self.node)
        out, third, call = self.transferred()
        os.kill(redis, signal.SIGSTOP)
        self.addCleanup(os.kill, redis, signal.SIGCONT)
        self.hang_up(out, third)
        self.until("tandem_store_cdrs_spooled_total", 2)
        self.node.kill()
        os.kill(redis, signal.SIGCONT)
        self.node.restart()
        self.assert_two(call)
        self.until("tandem_store_cdr_spool_waiting", 0)
        self.assert_two(call)
        self.assertEqual(self.calls(), [])

    def test_the_disk_is_away_as_well(self):
        """It waits in memory, which the log says once, in words, and comes when Redis is back."""
        redis = redis_pid(self.node)
        out, into, _ = self.connect()
        os.rmdir(os.path.join(self.node.folder, "spool"))
        os.kill(redis, signal.SIGSTOP)
        self.addCleanup(os.kill, redis, signal.SIGCONT)
        out.bye()
        into.wait_bye()
        until(lambda: "CDR not spooled: kept in memory" in self.node.log_text())
        time.sleep(3)
        [line] = [line for line in self.node.log_text().splitlines() if "CDR not spooled" in line]
        self.assertIn('error="No such file or directory" next="look at the disk of node.state_dir', line)
        self.assertEqual(self.node.metric("tandem_store_cdrs_lost_total"), 0)
        os.kill(redis, signal.SIGCONT)
        self.assertEqual([row["to"] for row in self.node.cdrs(1)], ["1002"])

    def until(self, metric, value, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while self.node.metric(metric) != value and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(self.node.metric(metric), value)

    def saved(self, call):
        end = time.monotonic() + PATIENCE_S
        while not self.node.ctl("call.show", call=call)["saved"] and time.monotonic() < end:
            time.sleep(0.05)
        self.assertTrue(self.node.ctl("call.show", call=call)["saved"])

    def test_a_long_list(self):
        """It is read from Redis in pages, so that no call waits for it, and nothing is missing or twice between two of them."""
        out, into, _ = self.connect()
        out.bye()
        into.wait_bye()
        record = self.node.cdrs(1)[0]
        with self.node.redis() as redis:
            redis("CONFIG", "SET", "slowlog-log-slower-than", "0")
            redis("CONFIG", "SET", "slowlog-max-len", "1000")
            for i in range(200):
                cdr = {name: record[name] for name in ("tenant", "to", "setup_utc_ms")} | {
                    "from": str(2000 + i), "end_utc_ms": int(record["end_utc_ms"]) + 1 + i}
                redis("XADD", "td:{s1}:cdr", "*", "id", f"{i:013}", "cdr", json.dumps(cdr))
                redis("XADD", "td:security", "*", "type", "barred", "user", str(2000 + i), "source", "192.0.2.1:5060")
            newest = [str(2199 - i) for i in range(200)]
            self.assertEqual([row["from"] for row in self.node.ctl("cdr.list", limit=1000)], newest + ["1001"])
            self.assertEqual([row["from"] for row in self.node.ctl("cdr.list", limit=70)], newest[:70])
            self.assertEqual([row["from"] for row in self.node.ctl("cdr.list", number="2000")], ["2000"])
            self.assertEqual([row["id"] for row in self.node.ctl("cdr.list", call=record["id"])], [record["id"]])
            self.assertEqual([row["user"] for row in self.node.ctl("security.list", limit=1000)], newest)
            self.assertEqual([row["user"] for row in self.node.ctl("security.list", limit=70)], newest[:70])
            self.assertEqual([row["user"] for row in self.node.ctl("security.list", number="2000")], ["2000"])
            self.assertEqual([key for key in redis("KEYS", "td:{cmd:*}:done:*") if redis("STRLEN", key) > 4096], [],
                             "what is only read is not kept for who asks again")
            pages = [int(entry[3][5]) for entry in redis("SLOWLOG", "GET", "-1") if entry[3][0] == "XREVRANGE"]
        self.assertGreater(len(pages), 20)
        self.assertLessEqual(max(pages), 64)

    def test_killed_after_the_transfer(self):
        out, third, call = self.transferred()
        self.saved(call)
        self.node.kill()
        self.node.restart()
        or_none(self.into.wait_bye, 2)      # again, where no record knows that 1002 has answered it
        self.talk(self.audio_a, self.audio_c)
        self.hang_up(out, third)
        rows = self.assert_two(call)
        self.assertGreaterEqual(int(rows[0]["b_packets_in"]), 60, "saved when 1002 had left")

    def test_killed_while_it_rings(self):
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        third = self.give_away(into)
        self.saved(call)
        self.node.kill()
        self.node.restart()
        self.take_over(out, into, third)
        self.talk(self.audio_a, self.audio_c)
        self.hang_up(out, third)
        self.assert_two(call)


if __name__ == "__main__":
    unittest.main()

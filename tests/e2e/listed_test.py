# SPDX-License-Identifier: Apache-2.0
"""All nodes know what became of each recording, by Redis, whatever is down meanwhile: REC-09."""
import os
import shutil
import signal
import time
import unittest

from lib.store import CALL, Store, record, today
from patience import until
from store_test import StoreTest
from taken_test import Cluster, Talk

NODE_ID = "0123456789abcdef"


class Told(StoreTest):
    """What tandem-store says of recordings, alone, to a node that writes down what it hears."""
    def told(self, *destinations, redis=True, history="first", **terms):
        store = self.store(*destinations, **{"list_days": 30, "list_settle_ms": 300, "node_id": NODE_ID, **terms})
        store.redis = redis
        store.say({"redis": history})
        return store

    def says(self, store, name, *acts):
        until(lambda: store.acts(name) == list(acts), lambda: f"{store.acts(name)}\n{store.log()}")

    def last(self, store, name):
        return [line for line in store.said if line["name"] == name][-1]

    def marked(self, name, ending="listed"):
        until(lambda: os.path.exists(os.path.join(self.folder, f"{name}.{ending}")))

    def test_from_its_end_to_its_deletion(self):
        store = self.told(self.directory())
        name = record(self.folder, account_code="7", mailbox="1001", secret="no")
        self.becomes(store, name, "delivered")
        until(lambda: store.acts(name)[-1:] == [("put", "delivered")])
        line = self.last(store, name)
        entry = line["entry"]
        self.assertEqual([entry[key] for key in ("name", "tenant", "node", "node_id", "from", "to", "call", "account_code")],
                         [name, "default", "n1", NODE_ID, "1001", "1002", CALL, "7"])
        self.assertNotIn("secret", entry)
        self.assertEqual(entry["stored"], [{"to": "share", "url": os.path.join(self.share, name)}])
        self.assertEqual(line["parties"], ["1001", "1002", "mailbox:1001"])
        self.assertEqual(store.ask("recording.put", name=name, heard=True), {"name": name, "mailbox": "1001", "heard": True})
        until(lambda: store.acts(name) and self.last(store, name)["entry"].get("heard"))
        self.assertTrue(29 * 86400 < line["life_s"] <= 31 * 86400)
        self.assertEqual(store.ask("recording.delete", name=name), {"name": name})
        until(lambda: store.acts(name)[-1:] == [("end", "deleted")])
        self.assertEqual(self.last(store, name)["entry"]["stored"], entry["stored"])
        self.assertEqual(self.last(store, name)["entry"]["from"], "1001")
        self.assertEqual(store.ask("recording.list"), [])
        until(lambda: not os.path.exists(os.path.dirname(os.path.join(self.folder, name))), store.log)

    def test_kept_dead_and_tried_again(self):
        store = self.told({**self.directory(), "fault": "its password"}, tenants=[{"name": "acme", "deliver": []}], give_up_ms=200)
        kept = record(self.folder, tenant="acme")
        self.says(store, kept, ("put", "kept"))
        name = record(self.folder)
        until(lambda: store.acts(name)[-1:] == [("put", "dead")], store.log)
        self.assertEqual(self.last(store, name)["entry"]["stored"], [])
        store.settle(self.directory(), give_up_ms=3600000)
        self.assertEqual(store.ask("delivery.retry", name=name), {"retried": 1})
        until(lambda: store.acts(name)[-1:] == [("put", "delivered")], store.log)

    def test_its_file_is_lost(self):
        """Somebody deletes the file, and then all that is left: both are said, and what comes again is there again."""
        store = self.told()
        name = record(self.folder)
        path = os.path.join(self.folder, name)
        self.says(store, name, ("put", "kept"))
        self.marked(name)
        os.rename(path, path + ".away")
        self.says(store, name, ("put", "kept"), ("end", "lost"))
        self.assertEqual(store.ask("recording.list")[0]["state"], "lost")
        self.marked(name, "lost")
        os.rename(path + ".away", path)
        self.says(store, name, ("put", "kept"), ("end", "lost"), ("put", "kept"))
        self.marked(name)
        for one in (path, path + ".json"):
            os.unlink(one)
        self.says(store, name, ("put", "kept"), ("end", "lost"), ("put", "kept"), ("state", "lost"))

    def test_another_file_is_made_of_it(self):
        store = self.told(self.directory())
        parts = [self.part(1, 1600)]
        self.says(store, parts[0], ("put", "waits"))
        parts.append(self.part(2, 1600, last=True))
        whole = parts[0].replace("-1.1.wav", "-1.wav")
        self.becomes(store, whole, "delivered")
        for part in parts:
            until(lambda part=part: store.acts(part) and store.acts(part)[-1] == ("remove", "waits"), store.log)
        until(lambda: store.acts(whole)[-1:] == [("put", "delivered")], store.log)

    def test_redis_is_away(self):
        """Nobody answers, or Redis takes nothing; the process is killed meanwhile; then all of it is said, once more where it must be."""
        store = self.told(self.directory(), redis=False)
        names = [record(self.folder, number=number) for number in range(1, 6)]
        for name in names:
            self.becomes(store, name, "delivered")
        until(lambda: store.acts(names[0]), store.log)
        self.assertEqual(store.ask("recording.delete", name=names[0]), {"name": names[0]})
        self.assertFalse(os.path.exists(os.path.join(self.folder, names[0])))
        self.assertGreater(store.figures["unlisted"], 0)
        store.kill()
        store.said.clear()
        store.start()
        self.assertEqual(store.acts(names[1]), [])          # there was no link yet
        store.redis = True
        store.say({"redis": "first"})
        for name, act in zip(names, [("end", "deleted")] + [("put", "delivered")] * 4):
            self.says(store, name, act)
        until(lambda: store.ask("recording.list") and store.figures["unlisted"] == 0)

    def test_said_again_where_redis_may_have_lost_it(self):
        """What was acknowledged just before, and all of it where Redis is another one; else nothing."""
        store = self.told(list_settle_ms=3000)
        names = [record(self.folder, number=number) for number in (1, 2)]
        for name in names:
            self.says(store, name, ("put", "kept"))
        store.say({"redis": "first"})                       # a new link to the same
        for name in names:
            self.says(store, name, ("put", "kept"), ("put", "kept"))
        for name in names:
            self.marked(name)
        store.said.clear()
        store.say({"redis": "first"})                       # what was known for so long, it has
        time.sleep(0.5)
        self.assertEqual([store.acts(name) for name in names], [[], []])
        store.kill()
        store.start()
        store.say({"redis": "another"})
        for name in names:
            self.says(store, name, ("put", "kept"))

    def test_says_too_much(self):
        """What has no room in a list is not taken for listed: it is as soon as its sidecar is another one."""
        name = record(self.folder, account_code="x" * 9000)
        store = self.told()
        until(lambda: store.ask("recording.list") and "a recording is in no list" in store.log(), store.log)
        self.assertEqual(store.acts(name), [])
        store.kill()
        record(self.folder)
        store.start()
        store.say({"redis": "first"})
        self.says(store, name, ("put", "kept"))

    def test_not_longer_than_it_is_wanted(self):
        """Of days that are over nothing is said, nor by a node that is told so."""
        old = record(self.folder, date="2020-01-01")
        store = self.told()
        name = record(self.folder, number=2)
        self.says(store, name, ("put", "kept"))
        self.assertEqual(store.acts(old), [])
        store.settle(list_days=0)
        other = record(self.folder, number=3)
        store.ask("recording.delete", name=name)
        self.becomes(store, other, "kept")
        beside = os.path.dirname(os.path.join(self.folder, other))
        until(lambda: sorted(os.listdir(beside)) == [os.path.basename(other), os.path.basename(other) + ".json"],
              lambda: f"{os.listdir(beside)}\n{store.log()}")
        self.assertEqual(store.acts(other), [])


class Listed(Cluster):
    """Two nodes and their Redis: each lists the recordings of both."""
    @classmethod
    def settings(cls, name, shard):
        return {**super().settings(name, shard), "recordings": {"scan": "100ms", "free_mib": 0, "join_wait": "0s"}}

    def folder_of(self, node):
        return os.path.join(node.folder, "recordings")

    def lies(self, node, **facts):
        """A recording that somebody put there: a node that records nothing looks into its folder when it starts, and at a reload."""
        name = record(self.folder_of(node), **facts)
        node.process.send_signal(signal.SIGHUP)
        return name

    def listed(self, node=None, **more):
        """Their names by what all nodes know, as a node says that is asked alone."""
        return [one["name"].split("/")[-1] for one in (node or self.b).ctl("recording.list", **more)]

    def recorded(self):
        """A call of the first node that is recorded, and ends; its id."""
        self.a.ctl("extension.put", number="1001", record="on_demand")
        self.until(lambda: self.owner(17) == "a")
        self.registers(17, "1001", "1002")
        talk = Talk(self, 17).answer().speaks()
        talk.hears()
        self.a.ctl("call.record", call=talk.id, leg="a", state="on")
        until(lambda: os.path.exists(os.path.join(self.folder_of(self.a), "default", today(), f"{talk.id}-1.1.wav")))
        talk.hears()
        talk.quiet()
        return talk

    def test_of_a_shard_that_went(self):
        """The node lives on: its segment is finished, and the other one writes the next."""
        talk = self.recorded()
        self.b.ctl("node.drain", node="a")
        self.addCleanup(self.b.ctl, "node.undrain", node="a")
        self.until(lambda: self.owner(17) == "b")
        first, second = (f"{talk.id}-1.{segment}.wav" for segment in (1, 2))
        self.until(lambda: first in self.listed())
        self.until(lambda: os.path.exists(os.path.join(self.folder_of(self.b), "default", today(), second)))
        talk.speaks().hears()
        talk.quiet()
        talk.hang_up()
        self.until(lambda: second in self.listed())

    def test_of_a_node_that_is_gone(self):
        """Its recordings are listed by the other one, by call, party, state and day, and page by page."""
        talk = self.recorded()
        talk.hang_up()
        name = f"{talk.id}-1.1.wav"
        self.until(lambda: name in self.listed())
        other = self.lies(self.b, number=9, date="2026-11-24", tenant="default", **{"from": "2001", "to": "2002"})
        self.until(lambda: self.b.ctl("recording.list", party="2002"))
        self.assertNotIn(name, [one["name"].split("/")[-1] for one in self.b.ctl("recording.list", node="b")])
        self.a.kill()
        self.until(lambda: self.owner(17) == "b")
        shutil.rmtree(self.folder_of(self.a))
        [entry] = self.b.ctl("recording.list", call=talk.id)
        self.assertEqual([entry[key] for key in ("node", "state", "from", "to", "call", "stored", "tenant")],
                         ["a", "kept", "1001", "1002", talk.id, [], "default"])
        self.assertNotIn("node_id", entry)
        self.assertEqual(self.b.ctl("recording.get", name=entry["name"]), entry)
        self.assertEqual(self.listed(call=talk.id, state="deleted"), [])
        self.assertIn(name, self.listed(party="1002"))
        self.assertNotIn(name, self.listed(party="2002"))
        self.assertIn(name, self.listed(state="kept", since=today()))
        self.assertNotIn(name, self.listed(until="2026-11-24"))
        self.assertEqual(self.listed(until="2026-11-24", party="2001"), [os.path.basename(other)])
        self.assertEqual(self.paged(), sorted(self.paged(), reverse=True))      # the newest first
        self.assertIn(entry["name"], self.paged())
        self.assertEqual(self.paged(party="2001"), [other])
        self.lies(self.b, number=8, date="2026-11-24", tenant="default", **{"from": "2001", "to": "2002"})
        newest = self.lies(self.b, number=1, tenant="default", **{"from": "2001", "to": "2002"})
        self.until(lambda: len(self.b.ctl("recording.list", party="2002")) == 3)
        for more in ({}, {"node": "b"}):
            pages = self.paged(party="2001", **more)
            self.assertEqual((pages[:2], len(pages)), ([newest, other], 3))
            self.assertEqual(pages, sorted(pages, reverse=True))
            self.assertEqual(self.paged(party="2001", until="2026-11-24", **more), pages[1:])
            self.assertEqual(self.paged(party="2001", since=today(), **more), pages[:1])
            self.assertEqual(self.paged(number="2001", until="2026-11-24T00:00", **more), pages[1:])
            self.assertEqual(self.paged(number="2001", since="2026-11-24T00:01", until="2026-11-25", **more), [], "it is a time, not a day")

    def paged(self, **more):
        """The names page by page, which are those of one list."""
        names, after = [], {}
        while page := self.b.ctl("recording.list", limit=1, **after, **more):
            names += [one["name"] for one in page]
            after = {"after": page[-1]["name"]}
        self.assertEqual(names, [one["name"] for one in self.b.ctl("recording.list", **more)])
        self.assertEqual(len(names), len(set(names)))
        return names

    def test_redis_is_away_when_it_ends(self):
        """The call ends as ever, and Redis hears of its recording when it is back."""
        talk = self.recorded()
        self.redis_stop()
        try:
            talk.hang_up()
            path = os.path.join(self.folder_of(self.a), "default", today(), f"{talk.id}-1.1.wav")
            until(lambda: os.path.exists(path + ".json"))
            self.until(lambda: self.a.metric("tandem_recordings_unlisted") > 0)
        finally:
            self.redis_start()
        self.until(lambda: f"{talk.id}-1.1.wav" in self.listed())
        self.until(lambda: self.a.metric("tandem_recordings_unlisted") == 0)

    def test_lost_behind_its_answer(self):
        """Redis had it, and lost it in the moments before its link broke: it hears of it again over the next one."""
        name = self.lies(self.b, number=6)
        self.until(lambda: os.path.basename(name) in self.listed())
        with self.redis() as redis:
            redis("DEL", f"td:{{rec:default}}:of:{today()}", f"td:{{rec:default}}:by:{today()}")
            self.assertNotIn(os.path.basename(name), self.listed())
            redis("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        self.until(lambda: os.path.basename(name) in self.listed())

    def test_not_ours(self):
        """What somebody wrote there is left out, and the rest is listed."""
        name = self.lies(self.b, number=5)
        self.until(lambda: os.path.basename(name) in self.listed())
        key = f"td:{{rec:default}}:of:{today()}"
        with self.redis() as redis:
            redis("ZADD", f"td:{{rec:default}}:by:{today()}", "0", "n0-bad", "0", "n0-none")
            redis("HSET", key, "0-bad", '{"name":"x"')
        self.assertIn(os.path.basename(name), self.listed())
        self.assertFalse({"0-bad", "0-none"} & set(self.listed()))
        with self.redis() as redis:
            self.assertEqual(redis("HGET", key, "0-bad"), '{"name":"x"')
            redis("ZREM", f"td:{{rec:default}}:by:{today()}", "n0-bad", "n0-none")


if __name__ == "__main__":
    unittest.main()

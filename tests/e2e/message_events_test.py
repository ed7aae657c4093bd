# SPDX-License-Identifier: Apache-2.0
"""What follows from a message, on two nodes: events to who may see its box, by webhook, too: VM-10."""
import time
import unittest

from taken_test import Cluster, Talk


class Left(Cluster):
    """One message after the other in the box of 1001."""
    BOX = "1001"

    @classmethod
    def settings(cls, name, shard):
        return {**super().settings(name, shard), "recordings": {"scan": "200ms", "free_mib": 0}}

    def leaves(self, talk):
        at = time.time()
        self.a.ctl("call.record", call=talk.id, leg="a", state="on")
        self.until(lambda: time.time() > at + 1)
        self.a.ctl("call.record", call=talk.id, leg="a", state="off")
        before = set(self.messages)
        self.until(lambda: self.ids() - before)
        [message] = self.ids() - before
        self.messages.append(message)
        return message

    def ids(self):
        return {row["message"] for row in self.b.ctl("message.list", mailbox=self.BOX)}

    def setUp(self):
        super().setUp()
        self.at_home()
        self.messages = [row["message"] for row in self.b.ctl("message.list", mailbox=self.BOX)]

    def talks(self):
        self.a.ctl("extension.put", number="1001", record="on_demand", record_to="mailbox")
        self.registers(17, "1001", "1002")
        talk = Talk(self, 17).answer().speaks()
        talk.hears()
        return talk

    def told(self, message, *types):
        """The events of that message, oldest first; of all nodes."""
        return [event for event in self.a.told("td:{ev:default}") if event.get("message") == message and (not types or event["type"] in types)]


class Events(Left):
    def test_events(self):
        talk = self.talks()
        message = self.leaves(talk)
        self.until(lambda: self.told(message, "message.new"))
        self.b.ctl("message.put", message=message, mailbox=self.BOX, state="old", urgent="true")
        self.b.ctl("message.delete", message=message, mailbox=self.BOX)
        self.a.ctl("message.undelete", message=message, mailbox=self.BOX)
        self.until(lambda: len(self.told(message)) == 4)
        [new, *changes] = self.told(message)
        self.assertEqual({**new, "version": 0, "duration_ms": int(new["duration_ms"]) > 500},
                         {"type": "message.new", "version": 0, "from": "1001", "to": self.BOX, "mailbox": self.BOX, "message": message,
                          "state": "new", "urgent": "False", "duration_ms": True, "by": "", "members": ""})
        self.assertEqual([[event[key] for key in ("type", "state", "urgent")] for event in changes],
                         [["message.changed", "old", "True"], ["message.deleted", "deleted", "False"], ["message.changed", "old", "True"]])
        self.assertTrue(all(event["by"] for event in changes))
        # over a kill it is no new message
        with self.a.redis() as redis:
            self.until(lambda: redis("ZCARD", "td:{task}:due") == 0 and redis("HLEN", "td:{task}:held") == 0)
        self.a.kill()
        self.a.restart()
        other = self.leaves(talk)
        self.until(lambda: self.told(other, "message.new"))
        self.assertEqual(len(self.told(message)), 4)
        talk.quiet()
        talk.hang_up()

    def test_gone(self):
        """A node that was to tell of a message is gone: another one does."""
        talk = self.talks()
        message = self.leaves(talk)
        self.until(lambda: self.told(message, "message.new"))
        marks = f"m:{message}"
        with self.b.redis() as redis:
            redis("HSET", f"td:{{box:default:{self.BOX}}}:msg", marks, '{"version":0}')
            until = int(time.time() * 1000) + 2000
            redis("HSET", "td:{task}:held", f"default {self.BOX} {message}", f"{until} 0 nobody")
            redis("ZADD", "td:{task}:due", until, f"default {self.BOX} {message}")
        self.until(lambda: len(self.told(message, "message.new")) == 2)
        talk.quiet()
        talk.hang_up()


if __name__ == "__main__":
    unittest.main()

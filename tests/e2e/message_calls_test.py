# SPDX-License-Identifier: Apache-2.0
"""An urgent message is told by a call, in its hours, until it is heard, by one node of two, over a kill: VM-06, VM-10."""
import time
import unittest

from lib.place import PARTY

from flow_shipped_test import WORD, AllBegun, walks
from mailbox_test import Mailbox
from patience import until
from message_events_test import Left

SHARED = True


class Outside(Mailbox):
    WALKED, ALSO = "message-call", ("mailbox",)

    def times(self, *hours):
        return "-".join(time.strftime("%H:%M", time.gmtime(time.time() + 3600 * hour)) for hour in hours)

    @walks("ask bye count end keys many", "goodbye message-call message-call-keys")
    def test_number_outside(self):
        """By the route of the extension; who answers hears how many messages are new, and them when he keys the PIN. Who keys something else is called again."""
        self.ask("tenant.put", name="default", language=self.LANGUAGE)       # who is outside has none of his own
        carrier = self.enterContext(self.node.user_agent("carrier"))
        self.ask("trunk.put", name="carrier", servers=f"{PARTY}:{carrier.port}", direction="out")
        self.ask("route.put", name="out", pattern="+x.", trunks="carrier")
        self.ask("dialplan.put", country="49", national_prefix="0", national="+49x.")
        self.ask("extension.put", number="1002", pin=self.PIN, classes=["national"], mailbox_notify="all", mailbox_notify_to="0170555001",
                 mailbox_notify_retry_s=2)
        row = "default 1002 *"
        self.ask("extension.put", number="1002", mailbox_notify_hours=self.times(2, 3))
        self.leave(self.SPOKEN[0])
        with self.node.redis() as redis:        # outside of the time of day it waits
            until(lambda: redis("ZSCORE", "td:{task}:due", row) and not redis("HGET", "td:{task}:held", row), self.node.log_tail)
            self.ask("extension.put", number="1002", mailbox_notify_hours=self.times(-1, 1))
            redis("ZADD", "td:{task}:due", "1", row)
        self.assertEqual([call for call in self.ask("cdr.list") if call["to_trunk"] or call["from_trunk"]], [])
        into = self.answers(carrier)
        self.assertIn("170555001@", into.request.uri)
        self.keys("999", "keys")
        self.hears("goodbye")
        into.wait_bye()
        into = self.answers(carrier)
        self.keys("1", "keys")
        self.hears("mailbox-pin")
        self.keys(self.PIN + "#", "pin")
        self.hears("mailbox-new-one", "mailbox-menu")
        self.keys("1", "menu")
        self.hears("mailbox-from", self.SPOKEN[0])
        self.keys("6", "listen")        # it is old: nobody is called any more
        self.hears("mailbox-last")
        into.bye()
        row = self.ended()
        self.assertEqual((row["from_trunk"], row["flow"]), ("carrier", "mailbox"))

    def answers(self, carrier):
        into = carrier.incoming()
        self.audio = self.enterContext(self.node.media())
        into.answer(self.audio.sdp())
        self.audio.use(into.request)
        self.hears("message-call", WORD, "message-call-keys")
        self.call = next(call["id"] for call in self.ask("call.list"))
        return into


class German(Outside):
    LANGUAGE = "de"


class Calls(Left):
    def test_urgent(self):
        self.a.ctl("extension.put", number="1001", record="on_demand", record_to="mailbox", mailbox_notify="urgent", mailbox_notify_to="1003",
                   mailbox_notify_retry_s="2", mailbox_notify_hours="office")
        self.a.ctl("hours.put", name="office", override="open")
        self.registers(18, "1003")
        phone = self.phones[18, "1003"]
        talk = self.talks()
        message = self.leaves(talk)
        self.until(lambda: self.told(message, "message.new"))
        talk.quiet()
        talk.hang_up()
        with self.b.redis() as redis:
            self.until(lambda: redis("ZCARD", "td:{task}:due") == 0 and redis("HLEN", "td:{task}:held") == 0)
        self.assertFalse([row for row in self.b.ctl("cdr.list", number="1003")])        # it is not urgent
        self.a.ctl("hours.put", name="office", override="closed")
        self.b.ctl("message.put", mailbox=self.BOX, message=message, urgent="true")
        with self.b.redis() as redis:       # it is, and nobody is called outside of the hours
            row = f"default {self.BOX} *"
            self.until(lambda: redis("ZSCORE", "td:{task}:due", row) and not redis("HGET", "td:{task}:held", row))
            self.a.ctl("hours.put", name="office", override="open")
            redis("ZADD", "td:{task}:due", "1", row)
        first = phone.incoming()
        first.reject(486)
        self.a.kill()
        again = phone.incoming()
        media = self.b.media()
        self.addCleanup(media.close)
        again.answer(media.sdp())
        again.wait_bye()        # it has no prompts
        self.until(lambda: [row["path"] for row in self.b.ctl("cdr.list") if row["flow"] == "message-call" and "ask" in row["path"]])
        self.b.ctl("message.put", mailbox=self.BOX, message=message, state="old")
        with self.b.redis() as redis:
            self.until(lambda: redis("ZCARD", "td:{task}:due") == 0)
        self.assertNotEqual(first.request.call_id, again.request.call_id)


class Walked(AllBegun, unittest.TestCase):
    WALKED, WALKS, ELSEWHERE = "message-call", (Outside,), {"open"}      # which leads to another flow: the CDR says so


class WalkedGerman(Walked):
    LANGUAGE, WALKS = "de", (German,)


if __name__ == "__main__":
    unittest.main()

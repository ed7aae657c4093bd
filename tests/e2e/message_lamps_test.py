# SPDX-License-Identifier: Apache-2.0
"""How many messages lie in a box, as phones are told (message-summary): a scripted phone, over a kill.  VM-01, REG-17."""
import time
import unittest

from message_record_test import MessageTest
from patience import PATIENCE_S

TYPE = "application/simple-message-summary"


class Lamp:
    """As desk phones do it: a subscription to the box of its own extension, or another one."""

    def __init__(self, agent, box=None):
        self.agent, self.shown = agent, None
        ask = agent.request("SUBSCRIBE", f"sip:{box or agent.number}@{agent.home}", headers=[("Event", "message-summary"), ("Accept", TYPE), ("Expires", "600")])
        _, answer = agent.transact_authorized(ask)
        assert answer.status == 200, answer
        self.call_id = answer.call_id

    def hear(self, seconds=PATIENCE_S):
        notify = self.agent.take_request("NOTIFY", seconds, self.call_id)
        self.agent.respond(notify, 200)
        self.shown = dict(line.split(": ", 1) for line in notify.body.decode().splitlines())
        return self.shown

    def until(self, counts, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while not self.shown or self.shown["Voice-Message"] != counts:
            self.hear(max(0.01, end - time.monotonic()))


class MessageLamps(MessageTest):
    def leaves(self):
        """Somebody says a message to 1002, and has gone."""
        out, call = self.answered()
        self.node.ctl("call.record_message", call=call, beep="false", silence_ms="0", mailbox="1002")
        self.say(1)
        out.bye()
        self.ended()

    def test_lamps(self):
        lamp = Lamp(self.b)
        lamp.until("0/0 (0/0)")
        self.assertEqual((lamp.shown["Messages-Waiting"], lamp.shown["Message-Account"].split("@")[0]), ("no", "sip:%23%23"))
        self.leaves()
        lamp.until("1/0 (0/0)")
        self.assertEqual(lamp.shown["Messages-Waiting"], "yes")
        message = self.node.ctl("message.list", mailbox="1002")[0]["message"]
        self.node.ctl("message.put", mailbox="1002", message=message, state="old", urgent="true")
        lamp.until("0/1 (0/1)")
        self.assertEqual(lamp.shown["Messages-Waiting"], "no")
        self.node.kill()
        self.node.restart()
        lamp.shown = None
        lamp.until("0/1 (0/1)")


if __name__ == "__main__":
    unittest.main()

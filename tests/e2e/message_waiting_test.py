# SPDX-License-Identifier: Apache-2.0
"""How many messages lie in a box, as phones are told (message-summary): a scripted phone, baresip, linphone's library and Twinkle, over a kill.  VM-01, REG-17."""
import os
import re
import time
import unittest

from lib.linphone import Linphone, core
from lib.twinkle import Twinkle

from message_record_test import MessageTest
from patience import PATIENCE_S, until

TYPE = "application/simple-message-summary"


# Whether messages wait, and how many are new and old: as baresip shows it and linphone's library hands it out, and in Twinkle's log, with what it says to it.
COUNTS = r"Messages-Waiting: (\w+)\n.*\nVoice-Message: (\S+)"
WINDOW = {"0/0": "No messages", "1/0": "1 new message", "0/1": "1 old message"}
BARESIP, LINPHONE, SAID = r"----- MWI for \S+ -----\n" + COUNTS, r"told of messages:\n" + COUNTS, r"send_sip_udp\n.*\nSIP/2.0 200 OK\n(?:.+\n)*CSeq: \d+ NOTIFY"


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


class MessageWaiting(MessageTest):
    def leaves(self):
        """Somebody says a message to 1002, and has gone."""
        out, call = self.answered()
        self.node.ctl("call.record_message", call=call, beep="false", silence_ms="0", mailbox="1002")
        self.say(1)
        out.bye()
        self.ended()

    def test_phones_that_subscribe(self):
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

    def folder(self, name):
        path = os.path.join(self.node.home, name)
        if not name.startswith("twinkle"):      # it makes its own
            os.makedirs(path)
        return path

    def others(self, asks):
        """Phones of 1002 that others wrote, and what each was told: linphone's library and Twinkle; and baresip where it asks, for it refuses what it has not asked for."""
        self.b.register(expires=0, contact="*")
        lin = Linphone(self.folder("linphone"), self.node.ports, self.node.server, "1002", "secret1002", program=core(self.node.home))
        twin = Twinkle(self.folder("twinkle"), self.node.ports, self.node.server, "1002", "secret1002", messages=asks)
        self.lin, self.twin = lin, twin
        for made in (lin, twin):
            self.addCleanup(made.quit)
        lin.heard("LinphoneRegistrationOk")
        phones = {"linphone": lambda: re.findall(LINPHONE, lin.output()), "twinkle": lambda: self.twinkles(twin.log())}
        if asks:
            lin.say(f"messages sip:1002@{self.node.server[0]}:{self.node.server[1]}")
            bare = self.node.phone("1002", "secret1002", modules=("mwi",))
            self.addCleanup(bare.quit)
            phones["baresip"] = lambda: re.findall(BARESIP, bare.log_tail(0))            # all of it
        return phones

    @staticmethod
    def twinkles(log):
        return re.findall(COUNTS, log)[:len(re.findall(SAID, log))]

    def show(self, phones, waiting, counts, since=None):
        """since: how often each was told by then."""
        for name, heard in phones.items():
            until(lambda name=name, heard=heard: len(rows := heard()) > (since or {}).get(name, 0) and rows[-1] == (waiting, counts),
                  lambda name=name, heard=heard: f"{name}: {heard()[-3:]}")
        until(lambda: self.twin.messages()[-1] == WINDOW[counts], lambda: self.twin.messages())

    def over_a_kill(self, asks):
        """A new message, heard, over a kill, and new again."""
        phones = self.others(asks)
        self.show(phones, "no", "0/0")
        self.leaves()
        self.show(phones, "yes", "1/0")
        message = self.node.ctl("message.list", mailbox="1002")[0]["message"]
        self.node.ctl("message.put", mailbox="1002", message=message, state="old")
        self.show(phones, "no", "0/1")
        self.node.kill()
        since = {name: len(heard()) for name, heard in phones.items()}
        self.node.restart()
        for phone in () if asks else (self.lin, self.twin):
            phone.say("register")
        self.show(phones, "no", "0/1", since)
        self.node.ctl("message.put", mailbox="1002", message=message, state="new")
        self.show(phones, "yes", "1/0", since)

    def test_phones_that_ask(self):
        self.over_a_kill(True)

    def test_phones_that_do_not(self):
        """They are told unasked; behind a kill when they register anew."""
        self.node.ctl("tenant.put", name="default", message_lamps="registered")
        self.over_a_kill(False)


if __name__ == "__main__":
    unittest.main()

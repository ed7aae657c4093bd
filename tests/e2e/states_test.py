# SPDX-License-Identifier: Apache-2.0
"""A node is killed under calls in every state: another one goes on with them, and gives them back when the first one comes home."""
import contextlib
import socket
import unittest

from lib import takeover
from lib.takeover_kinds import KINDS, numbers
from server import ServerError
from taken_test import ADDRESSES, SIP, Cluster

HOME = 17               # the shard that all of them are in


class Shard:
    """The shard as what lib/takeover.py takes for a node: at one address, wherever it is."""

    def __init__(self, test, comes_home):
        self.test, self.server, self.comes_home = test, (ADDRESSES[HOME], SIP), comes_home
        self.before = {}
        self.before = self.records()

    def __getattr__(self, name):
        return getattr(self.test.a, name)

    def running(self):
        return [node for node in (self.test.a, self.test.b) if node.running()]

    def tandemctl(self, command, secret=None, **arguments):
        return self.asked(lambda node: node.tandemctl(command, secret, **arguments), command)

    def ctl(self, command, **arguments):
        if command == "cdr.list":
            return list(self.records().values())
        return self.asked(lambda node: node.ctl(command, **arguments), command)

    def asked(self, ask, command):
        """Whichever node takes the command: a call is with one."""
        if command.endswith(".list"):
            return [row for name in self.names() for row in self.running()[0].ctl(command, node=name)]
        for last in (False,) * 11 + (True,):
            with contextlib.suppress(*(() if last else (ServerError,))):
                return ask(self.running()[0])
        raise AssertionError("not reached")

    def names(self):
        return [name for name in "ab" if getattr(self.test, name).running()]

    def records(self):
        return {row["id"]: row for row in self.running()[0].ctl("cdr.list", limit=200) if row["id"] not in self.before}

    def kill(self):
        self.test.a.kill()

    def restart(self):
        """The other one has it, and may have given it back."""
        self.is_with("b")
        if self.comes_home:
            self.test.a.restart()
            self.is_with("a")
        return 0

    def is_with(self, name):
        self.test.until(lambda: self.test.owner(HOME) == name and self.hears())

    def hears(self):
        with contextlib.suppress(OSError), socket.create_connection(self.server, 1):
            return True
        return False


class States(Cluster):
    @classmethod
    def settings(cls, name, shard):
        """A Redis that is late on a busy machine is waited for: what is said without it is promised to nobody."""
        settings = super().settings(name, shard)
        settings["redis"]["deadline"] = "5s"
        return settings

    def setUp(self):
        super().setUp()
        self.until(lambda: self.owner(HOME) == "a")     # else it comes home under the calls that are being made

    def test_killed(self):
        self.goes_on(False)

    def test_killed_and_home(self):
        self.goes_on(True)

    def goes_on(self, comes_home):
        shard = Shard(self, comes_home)
        for number in (number for kind in KINDS for number in numbers(kind)):
            self.addCleanup(self.deleted, shard, number)    # and where its phones are
        with contextlib.ExitStack() as stack:
            state, streams = takeover.bring_up(shard, stack)
            calls, phones, rows, _ = takeover.take_over(shard, state, streams)
            self.assertEqual({call.kind: call.fault for call in calls if call.fault}, {})
            self.assertEqual(phones, "")
            self.assertEqual(len(rows), len(calls) + 1)

    def deleted(self, shard, number):
        """It may be asked for again where the answer was late."""
        try:
            shard.tandemctl("extension.delete", number=number)
        except ServerError as error:
            self.assertIn("not_found", str(error))


if __name__ == "__main__":
    unittest.main()

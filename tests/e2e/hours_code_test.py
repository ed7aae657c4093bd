# SPDX-License-Identifier: Apache-2.0
"""Opening hours by hand from a phone: a feature code says that it is open or closed, and a lamp shows it."""
from codes_test import INFORMATION, UK_CONFIRMATION, CodesTest
from blf_test import Lamp

from tandem_client import Client, Refused


class HoursByCode(CodesTest):
    def ask(self, command, **args):
        with Client(self.node.redis_socket, "_operator") as client:
            return client.ask(command, **args)

    def setUp(self):
        super().setUp()
        self.ask("hours.put", name="office", code="1")
        self.node.ctl("extension.put", number="1001", hours="office")
        self.closed, self.open = Lamp(self.c, "*521"), Lamp(self.c, "*511")

    def now(self):
        return self.ask("hours.get", name="office")["override"]

    def test_by_code(self):
        """Set, taken back by the same code, and kept over a kill, as the lamp is."""
        self.closed.until()
        self.dialled("*521", UK_CONFIRMATION)
        self.assertEqual(self.now(), "closed")
        self.closed.until("confirmed")
        self.node.kill()
        self.node.restart()
        self.assertEqual(self.now(), "closed")
        self.dialled("*511", UK_CONFIRMATION)
        self.closed.off()
        self.open.until("confirmed")
        self.dialled("*511", UK_CONFIRMATION)
        self.open.until("terminated")
        self.assertEqual(self.now(), "none")
        self.dialled("*521", UK_CONFIRMATION)
        self.dialled("*501", UK_CONFIRMATION)
        self.assertEqual(self.now(), "none")

    def test_by_command(self):
        """The lamp shows what a command says, too."""
        self.ask("hours.override", name="office", state="closed")
        self.closed.until("confirmed")
        self.ask("hours.override", name="office", state="none")
        self.closed.until("terminated")

    def test_refused(self):
        self.node.ctl("extension.put", number="1001", hours="shop")
        self.assertEqual(self.dialled("*521", INFORMATION)["cause"], "feature code: not set")
        self.assertEqual(self.dialled("*529", INFORMATION)["cause"], "feature code: not set")
        self.assertEqual(self.now(), "none")
        with self.assertRaisesRegex(Refused, "office has this code"):
            self.ask("hours.put", name="shop", code="1")

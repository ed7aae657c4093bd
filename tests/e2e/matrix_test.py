# SPDX-License-Identifier: Apache-2.0
"""Every kind of leg with every other: transports, address families, plain and encrypted media, between real phones."""
import concurrent.futures
import itertools
import unittest

from lib.node import Node

import tone

TRANSPORTS, FAMILIES, MEDIA = ("udp", "tcp", "tls"), (4, 6), ("plain", "sdes")
FACTORS = (TRANSPORTS, FAMILIES, MEDIA) * 2     # of the caller, then of the callee
CALLS_AT_ONCE = 3


def pairs(row):
    """Every two values that meet in a row, with their places."""
    return set(itertools.combinations(enumerate(row), 2))


def pairwise():
    """Rows in which any two values of any two factors meet: greedily the one with most that is new."""
    rows, left = list(itertools.product(*FACTORS)), set()
    for row in rows:
        left |= pairs(row)
    chosen = []
    while left:
        chosen.append(max(rows, key=lambda row: len(pairs(row) & left)))
        left -= pairs(chosen[-1])
    return chosen


def put(node, number, transport, media):
    """An extension for such a phone: keys may be seen on UDP and TCP only where that is said."""
    flags = {"tls": transport == "tls" and media == "sdes", "sdes_insecure": transport != "tls" and media == "sdes"}
    flags["srtp"] = flags["tls"]
    node.ctl("extension.put", secret="secret" + number + "\n", number=number, password="-",
             **{name: str(value).lower() for name, value in flags.items()})


class Matrix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Node(everything=True, spare=600)

    @classmethod
    def tearDownClass(cls):
        cls.node.close()

    def test_the_rows_hold_every_pair(self):
        rows = pairwise()
        for first, second in itertools.combinations(range(len(FACTORS)), 2):
            seen = {(row[first], row[second]) for row in rows}
            self.assertEqual(seen, set(itertools.product(FACTORS[first], FACTORS[second])))
        self.assertLess(len(rows), 16)

    def test_phones_of_every_kind(self):
        """Tones both ways, a digit both ways, and either side hangs up."""
        with concurrent.futures.ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
            results = list(pool.map(self.call, itertools.count(), pairwise()))
        for row, problems in zip(pairwise(), results):
            with self.subTest(row=row):
                self.assertEqual(problems, [])

    def call(self, index, row):
        """Everything that was wrong with one call."""
        try:
            return self.talk(index, row)
        except Exception as error:          # told with the row, in the test's own thread
            return [f"{type(error).__name__}: {error}"]

    def phone(self, number, kind, **options):
        transport, family, media = kind
        put(self.node, number, transport, media)
        return self.node.phone(number, "secret" + number, transport=transport, six=family == 6, sdes=media == "sdes",
                               **options)

    def talk(self, index, row):
        caller_number, callee_number = f"1{index:02}1", f"1{index:02}2"
        hertz = 420 + 20 * index, 1000 + 20 * index
        with self.phone(callee_number, row[3:], extra=";answermode=auto", source=f"ausine,{hertz[1]}") as callee, \
                self.phone(caller_number, row[:3], source=f"ausine,{hertz[0]}") as caller:
            caller.dial(callee_number)
            for device, kind in ((caller, row[2]), (callee, row[5])):
                device.wait("CALL_ESTABLISHED")
                if kind == "sdes":
                    device.wait("CALL_MENC")
            for device in (caller, callee):
                device.wait_heard()
            caller.digits("5")
            callee.digits("8")
            callee.wait_digits("5")
            caller.wait_digits("8")
            first, second = (caller, callee) if index % 2 else (callee, caller)
            first.hangup()
            second.wait("CALL_CLOSED")
            return [f"{name} heard {heard} and {device.digits_heard()!r}"
                    for name, device, wanted, digit in (("caller", caller, hertz[1], "8"),
                                                        ("callee", callee, hertz[0], "5"))
                    for heard in [tone.heard(device.recordings()[0])]
                    if abs(heard[0] - wanted) > 3 or heard[1] < 0.9 or device.digits_heard() != digit]


if __name__ == "__main__":
    unittest.main()

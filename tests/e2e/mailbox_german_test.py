# SPDX-License-Identifier: Apache-2.0
"""What mailbox_test.py walks, in German."""
import unittest

import mailbox_test

LONG = 90                       # s


class Menu(mailbox_test.Menu):
    LANGUAGE = "de"


class Others(mailbox_test.Others):
    LANGUAGE = "de"


class Walked(mailbox_test.Walked):
    LANGUAGE, WALKS = "de", (Menu, Others)


if __name__ == "__main__":
    unittest.main()

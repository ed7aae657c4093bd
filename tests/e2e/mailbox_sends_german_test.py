# SPDX-License-Identifier: Apache-2.0
"""What mailbox_sends_test.py walks, in German."""
import unittest

import mailbox_sends_test

LONG = 70                       # s


class Sends(mailbox_sends_test.Sends):
    LANGUAGE, test_hung_up = "de", None


class Walked(mailbox_sends_test.Walked):
    LANGUAGE, WALKS = "de", (Sends,)


if __name__ == "__main__":
    unittest.main()

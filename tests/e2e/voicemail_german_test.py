# SPDX-License-Identifier: Apache-2.0
"""What voicemail_test.py walks, in German."""
import unittest

import voicemail_test

LONG = 70                       # s


class Keys(voicemail_test.Keys):
    LANGUAGE = "de"


class Away(voicemail_test.Away):
    LANGUAGE = "de"


class Walked(voicemail_test.Walked):
    LANGUAGE, WALKS = "de", (Keys, Away)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""What is damaged in Redis or in the folder of recordings, and what goes on beside it: VM-10, REC-05."""
import unittest

from mailbox_test import Mailbox
from tandem_client import Redis, Refused


class Damaged(Mailbox):
    def test_rows(self):
        """Numbers that are none, texts that are none: the message is shown with what can be read; who changes it hears no, and the log says of which box."""
        message = self.leave(620)
        key = "td:{box:default:1002}:msg"
        with Redis(self.node.redis_socket) as redis:
            for facts in ('{"begun_utc_ms":1e300,"ms":-1e300,"octets":1e30,"from":7,"parts":"x"}', '{"parts":[1,null]}', "{", b"\xff\x00"):
                redis("HSET", key, f"f:{message}", facts)
                row = self.ask("message.get", mailbox="1002", message=message)
                self.assertEqual((row["state"], row["begun_utc_ms"], row["duration_ms"], row["octets"]), ("new", 0, 0, 0), facts)
            redis("HSET", key, f"m:{message}", "[")
            with self.assertRaises(Refused):
                self.ask("message.put", mailbox="1002", message=message, note="x")
        self.assertIn(f"tenant=default mailbox=1002 message={message}", self.node.log_tail())
        self.assertEqual(self.ask("message.count", mailbox="1002")["new"], 1)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""A conference of as many members as one may have, who hang up at the same moment; its node is killed before (CONF-13)."""
import os
import re
import socket
import time
import unittest

from lib import place
from lib.node import Node
from patience import until

MEMBERS = int(os.environ.get("TANDEM_MEMBERS", "2000"))
WINDOW = 40                     # calls that are being made at a time
SDP = ("v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n")
LINES = ("{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bK-{method}-{n};rport\r\nMax-Forwards: 70\r\n"
         "From: <sip:+49{n}@{host}>;tag=f{n}\r\nTo: <sip:+4970@{host}>{tag}\r\nCall-ID: crowd-{n}\r\nCSeq: {cseq} {method}\r\n"
         "Contact: <sip:{host}:{port}>\r\n{extra}Content-Length: {length}\r\n\r\n{body}")


class Carrier:
    """Many calls of a trunk over one socket."""

    def __init__(self, node):
        self.node, self.tags, self.uris, self.left = node, {}, {}, set()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.bind((place.PARTY, 0))
        self.host, self.port = self.socket.getsockname()
        self.audio = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)       # nobody listens to it
        self.audio.bind((place.PARTY, 0))

    def close(self):
        self.socket.close()
        self.audio.close()

    def send(self, method, n, cseq, uri, body="", extra=""):
        tag = f";tag={self.tags[n]}" if n in self.tags else ""
        text = LINES.format(method=method, n=n, cseq=cseq, uri=uri, host=self.host, port=self.port, tag=tag, body=body,
                            length=len(body), extra=extra)
        self.socket.sendto(text.encode(), self.node.server)

    def take(self):
        """One message; None: there is none for a while."""
        self.socket.settimeout(0.5)
        try:
            text = self.socket.recv(65536).decode()
        except TimeoutError:
            return None
        found = re.search(r"^Call-ID: crowd-(\d+)\r$", text, re.M | re.I)
        cseq = re.search(r"^CSeq: \d+ (\w+)\r$", text, re.M | re.I)
        return text, found and int(found[1]), cseq and cseq[1]

    def invites(self, count):
        """All of them are answered."""
        asked, body = {}, SDP.format(host=self.host, port=self.audio.getsockname()[1])
        end, n = time.monotonic() + 300, 0
        while len(self.uris) < count and time.monotonic() < end:
            while n < count and len(asked) < WINDOW:
                asked[n] = time.monotonic()
                self.send("INVITE", n, 1, f"sip:+4970@{self.host}", body, "Content-Type: application/sdp\r\n")
                n += 1
            taken = self.take()
            if taken is None:
                for again in asked:
                    self.send("INVITE", again, 1, f"sip:+4970@{self.host}", body, "Content-Type: application/sdp\r\n")
            elif taken[2] == "INVITE" and taken[0].startswith("SIP/2.0 200"):
                self.answered(taken[1], taken[0])
                asked.pop(taken[1], None)
            elif taken[2] == "INVITE" and taken[0].startswith(("SIP/2.0 3", "SIP/2.0 4", "SIP/2.0 5")):
                raise AssertionError(taken[0])

    def answered(self, n, text):
        self.tags[n] = re.search(r"^To:.*;tag=(\S+)\r$", text, re.M | re.I)[1]
        self.uris[n] = re.search(r"^Contact: <([^>]+)>", text, re.M | re.I)[1]
        self.send("ACK", n, 1, self.uris[n])

    def byes(self):
        """All hang up at once."""
        for n, uri in self.uris.items():
            self.send("BYE", n, 2, uri)

    def wait_left(self):
        end = time.monotonic() + 60
        while len(self.left) < len(self.uris) and time.monotonic() < end:
            taken = self.take()
            if taken is None:
                for n in set(self.uris) - self.left:
                    self.send("BYE", n, 2, self.uris[n])
            elif taken[2] == "BYE" and taken[0].startswith("SIP/2.0 "):
                self.left.add(taken[1])


class Crowd(unittest.TestCase):
    def test_all_hang_up_at_once(self):
        node = Node(calls=MEMBERS + 10, settings={"sip": {"overload_delay": "0s"}})     # none is refused on a busy machine
        self.addCleanup(node.close)
        carrier = Carrier(node)
        self.addCleanup(carrier.close)
        node.ctl("trunk.put", name="carrier", servers=f"{carrier.host}:{carrier.port}", source_port=carrier.port)
        node.ctl("room.put", number="700", max_members=MEMBERS)
        node.ctl("did.put", number="+4970", to="700")
        carrier.invites(MEMBERS)
        self.assertEqual(len(carrier.uris), MEMBERS)
        until(lambda: self.there(node) == MEMBERS, lambda: f"{self.there(node)} are there")
        node.kill()
        node.restart()
        until(lambda: self.there(node) == MEMBERS, lambda: f"{self.there(node)} are there behind a kill")
        carrier.byes()
        begun = time.monotonic()
        carrier.wait_left()
        self.assertEqual(len(carrier.left), MEMBERS)
        until(lambda: not node.ctl("conference.list"), lambda: "it is over")
        print(f"{MEMBERS} members left, and their room with them, in {time.monotonic() - begun:.2f} s", flush=True)
        until(lambda: not node.ctl("call.list"), lambda: f"{len(node.ctl('call.list'))} calls are left")

    def there(self, node):
        rooms = node.ctl("conference.list")
        return rooms[0]["members"] if rooms else 0


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""New calls at 127.0.0.1:5060, fifty a second, in a process of its own: how long none of them was welcome.

An INVITE is welcome where it is challenged. Prints "welcome" at the first one. The end of input ends it, with a line of JSON: away_ms, the
longest time between two that were welcome; refused, how many got 503; hasty, how many of those were not told when to try again.
"""
import json
import re
import select
import socket
import sys
import time

SERVER, HERE, EVERY_S, LATE_S = ("127.0.0.1", 5060), "127.0.0.9", 0.02, 2.0
INVITE = """INVITE sip:100000@127.0.0.1 SIP/2.0
Via: SIP/2.0/UDP {here}:{port};branch=z9hG4bK{number};rport
From: <sip:newcomer@127.0.0.1>;tag={number}
To: <sip:100000@127.0.0.1>
Call-ID: {number}
CSeq: 1 INVITE
Contact: <sip:newcomer@{here}:{port}>
Max-Forwards: 70
Content-Length: 0

"""


class Newcomer:
    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HERE, 0))
        self.sent, self.welcome, self.refused, self.hasty = [], [], 0, 0

    def call(self):
        text = INVITE.format(here=HERE, port=self.socket.getsockname()[1], number=len(self.sent))
        self.sent.append((time.monotonic(), text))
        self.socket.sendto(text.replace("\n", "\r\n").encode(), SERVER)

    def hear(self):
        text = self.socket.recv(65536).decode()
        status, number = int(text[8:11]), int(re.search(r"^Call-ID: (\d+)", text, re.M)[1])
        if status < 200:
            return
        at, invite = self.sent[number]
        to = re.search(r"^To: .*?(?=\r)", text, re.M)[0]
        self.socket.sendto(re.sub(r"^To: .*", to, invite.replace("INVITE", "ACK"), flags=re.M).replace("\n", "\r\n").encode(), SERVER)
        if status == 503:
            self.refused += 1
            self.hasty += "Retry-After" not in text
        else:
            self.welcome.append(at)
            if len(self.welcome) == 1:
                print("welcome", flush=True)

    def away(self):
        times = sorted(self.welcome)
        return max(b - a for a, b in zip(times, times[1:]))


def main():
    newcomer, due, end = Newcomer(), time.monotonic(), None
    while not end or time.monotonic() < end:
        ready, _, _ = select.select([newcomer.socket] + ([] if end else [sys.stdin]), [], [], max(0.0, due - time.monotonic()))
        if newcomer.socket in ready:
            newcomer.hear()
        elif ready:
            end = time.monotonic() + LATE_S         # for those that are answered late
        if time.monotonic() >= due:
            newcomer.call()
            due += EVERY_S
    print(json.dumps({"away_ms": round(1000 * newcomer.away()), "refused": newcomer.refused, "hasty": newcomer.hasty}), flush=True)


if __name__ == "__main__":
    main()

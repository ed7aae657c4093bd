# SPDX-License-Identifier: Apache-2.0
"""Two phones in a call, in a process of their own: registers 1001 and 1002 at 127.0.0.1:5060, and speaks until its input ends.

Prints "talks" when both hear each other, "hears" for each line of input when they do so still, and "ended" after a BYE.
"""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "deploy" / "demo")]
from lib.media import Media
from lib.sip import UserAgent
from ports import Ports

SERVER = "127.0.0.1", 5060


def main(password):
    phones = [UserAgent(SERVER, number, password) for number in ("1001", "1002")]
    for phone in phones:
        assert phone.register(expires=600).status == 200
    with Ports(8) as ports:
        ends = [Media(ports), Media(ports)]
        out = phones[0].invite("1002", ends[0].sdp())
        into = phones[1].incoming()
        into.answer(ends[1].sdp())
        ends[0].use(out.wait_answer())
        ends[1].use(into.request)
        for end, hertz in zip(ends, (440, 880)):
            end.start(hertz)
        hear(ends, "talks")
        for _ in sys.stdin:
            hear(ends, "hears")
        out.bye()
        into.wait_bye()
        print("ended", flush=True)


def hear(ends, word):
    for end, hertz in zip(ends, (880, 440)):
        end.wait_tone(hertz, anew=True)
    print(word, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])

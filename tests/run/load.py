# SPDX-License-Identifier: Apache-2.0
"""Calls with audio through the node at 127.0.0.1:5060, in a process of its own: load.py CALLS PASSWORD. Their extensions are there.

Prints "talks" when they are up. A line of input begins to listen ("hears", once all calls hear something), the next one ends it, with a
line of JSON: what rtpload has seen in between. The end of input hangs up, and prints {"faults": [...]}: of calls that could not.
"""
import json
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from cluster import check, talk
from patience import until

SERVER, HERE = "127.0.0.1", "127.0.0.2"


class Known:
    """A node that has all extensions."""

    def put_extension(self, *_words, **_flags):
        pass


def say(text):
    print(text, flush=True)


def main(count, password):
    talk.PASSWORD = password
    phones, audio = talk.Phones(SERVER, HERE), None
    calls = phones.call(Known(), count)
    say("talks")
    with tempfile.TemporaryDirectory() as folder:
        for _ in sys.stdin:
            if audio:
                say(json.dumps(audio.stop()))
                audio = None
                continue
            audio = talk.Audio(calls, folder, warm_up=1)
            until(audio.heard, lambda: f"no audio: {audio.latest}")
            say("hears")
    check.hang_up(calls)
    say(json.dumps({"faults": [call.fault for call in calls if call.fault]}))
    phones.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])

# SPDX-License-Identifier: Apache-2.0
"""States that a call is in when its node is killed, and what its parties note of it: plain data, so that others can play them, in another
process or for a later version."""
import base64
import time

from server import ServerError

from .srtp import Key

KINDS = {"ringing": "rings, 180 was said", "early": "rings with early media", "unacked": "answered, no ACK came",
         "late": "answered with an offer, the ACK's answer is missing", "talking": "established", "held": "held by its caller",
         "ordered": "held by command", "originated": "made by command", "srtp": "SRTP with SDES keys", "video": "with video",
         "asked": "a re-INVITE waits for its answer", "tcp": "phones on TCP", "forking": "two phones of the callee ring",
         "dialling": "made by command, its first phone rings", "cancelled": "CANCEL was said, and waits for its answer",
         "leaving": "BYE was said, and waits for its answer"}
OVER = ("cancelled", "leaving")     # nobody hears anything afterwards


def until(condition, seconds, what):
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)
    return value


def fault_of(step):
    """What went wrong in it; empty: nothing."""
    try:
        step()
    except (AssertionError, ServerError, OSError) as error:
        return str(error)[:300] or repr(error)
    return ""


def numbers(kind):
    """The extensions of a kind's caller and callee."""
    index = list(KINDS).index(kind)
    return f"1{index:02}", f"2{index:02}"


def second(number):
    """What the second phone of an extension is noted as."""
    return f"{number}/2"


def key_note(key):
    return key and {"octets": base64.b64encode(key.octets).decode(), "suite": key.suite}


def key_of(noted):
    return noted and Key(base64.b64decode(noted["octets"]), noted["suite"])


def end_note(end):
    return {"port": end.port, "seq": end.seq, "ssrc": end.ssrc, "pt": end.pt, "remote": end.remote, "highest": end.highest,
            "key_out": key_note(end.key_out), "key_in": key_note(end.key_in),
            "hears": end.received[-1][1] if end.received else None}


def end_take(end, noted):
    """The end goes on as another left off."""
    end.seq, end.ssrc, end.pt, end.highest = noted["seq"] + 100, noted["ssrc"], noted["pt"], noted["highest"]
    end.remote = tuple(noted["remote"]) if noted["remote"] else None
    end.key_out, end.key_in = key_of(noted["key_out"]), key_of(noted["key_in"])

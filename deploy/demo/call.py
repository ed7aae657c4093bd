# SPDX-License-Identifier: Apache-2.0
"""The demo call: two phones register, one calls the other, tones and digits cross both ways."""
import dataclasses
import json
import os
import socket
import time

from patience import PATIENCE_S
import phone
from server import ServerError
import tone

CALLER, CALLEE = "1001", "1002"
CALLER_HZ, CALLEE_HZ = 440, 880
CALLER_DIGITS, CALLEE_DIGITS = "159#", "42"
RECORD_S = 5            # a call that failed is looked for so long


class CallError(Exception):
    """The call was not what it should be; the text says how."""


@dataclasses.dataclass
class End:
    """What one end of the call received."""
    number: str
    packets: int = 0
    lost: int = 0
    jitter_us: int = 0
    digits: str = ""
    tone_hz: int = 0
    tone_share: float = 0.0

    def __str__(self):
        return (f"{self.number} got {self.packets} packets, {self.lost} lost, "
                f"jitter {self.jitter_us / 1000:.1f} ms, tone {self.tone_hz} Hz "
                f"({self.tone_share:.0%}), digits {self.digits or 'none'}")


@dataclasses.dataclass
class Result:
    """What was measured; line() says it in one line."""
    setup_ms: float
    seconds: float
    cause: str
    caller: End
    callee: End

    def line(self):
        return (f"call {self.caller.number} to {self.callee.number}: answered after "
                f"{self.setup_ms:.0f} ms, {self.seconds:.1f} s; {self.callee}; {self.caller}; "
                f"ended: {self.cause}")

    def check(self):
        """Raises CallError with everything that is wrong."""
        wrong = []
        for end, hertz, digits in ((self.callee, CALLER_HZ, CALLER_DIGITS),
                                   (self.caller, CALLEE_HZ, CALLEE_DIGITS)):
            if abs(end.tone_hz - hertz) > 5 or end.tone_share < 0.9:
                wrong.append(f"{end.number} should have heard {hertz} Hz")
            if end.digits != digits:
                wrong.append(f"{end.number} should have got the digits {digits}")
            if end.packets < 40 * self.seconds:         # 50 a second at 20 ms
                wrong.append(f"{end.number} should have got about {50 * self.seconds:.0f} packets")
        if wrong:
            raise CallError("; ".join(wrong))


def source_towards(host):
    """The address that this machine sends from to there: to 127.0.0.3 it is another one.  Nothing is sent to find it."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((host, 9))
        return sock.getsockname()[0]


def examine(server, since_ms):
    """What the node says of the first call since then, for whoever sees it fail."""
    def newest():
        calls = server.ctl("call.list") + server.ctl("cdr.list")
        return next((record["id"] for record in calls if record["setup_utc_ms"] >= since_ms), None)
    end = time.monotonic() + RECORD_S
    while not (found := newest()) and time.monotonic() < end:
        time.sleep(0.1)
    try:
        return server.text("doctor", found) if found else server.text("call.why", "limit=4")
    except ServerError as error:
        return str(error)


def place(server, folder, passwords, ports, seconds=4.0):
    """Places the call through the node and returns the Result."""
    host = source_towards(server.address.rpartition(":")[0].strip("[]"))
    accounts = {number: phone.account(number, passwords[number], server.address,
                                      extra="answermode=auto" if number == CALLEE else "")
                for number in (CALLER, CALLEE)}
    with phone.Phone(os.path.join(folder, CALLEE), accounts[CALLEE], ports, address=host,
                     source=f"ausine,{CALLEE_HZ}") as callee, \
            phone.Phone(os.path.join(folder, CALLER), accounts[CALLER], ports, address=host,
                        source=f"ausine,{CALLER_HZ}") as caller:
        callee.registered()
        caller.registered()
        before = {record["id"] for record in server.ctl("cdr.list")}
        dialled = time.monotonic()
        caller.dial(CALLEE)
        answered = _answered(caller)
        callee.wait("CALL_ESTABLISHED")
        for device in (caller, callee):         # the tone is measured before the keys are pressed
            device.wait_heard()
        time.sleep(max(0.0, answered + seconds - 2.0 - time.monotonic()))
        caller.digits(CALLER_DIGITS)
        callee.digits(CALLEE_DIGITS)
        time.sleep(0.3)
        caller.hangup()
        callee.wait("CALL_CLOSED")
        length = time.monotonic() - answered
        record = _record(server, before)
        ends = []
        for number, device, sender in ((CALLER, caller, "b"), (CALLEE, callee, "a")):
            ends.append(_end(number, device, record, sender))
    return Result((answered - dialled) * 1000, length, _cause(record), *ends)


def _answered(caller):
    """When; a caller that is refused is not waited for."""
    event = caller.take(lambda event: event.get("type") in ("CALL_ESTABLISHED", "CALL_CLOSED"), what="answer")
    if event["type"] == "CALL_CLOSED":
        raise CallError(f"the call was refused: {event.get('param')}")
    return event["at"]


def _record(server, before, seconds=PATIENCE_S):
    """The call's own record, which the node writes when it is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        new = [record for record in server.ctl("cdr.list") if record["id"] not in before]
        if new:
            return new[-1]
        time.sleep(0.05)
    raise CallError(f"no call record within {seconds} s of the end of the call")


def _end(number, device, record, sender):
    """What `device` received by its own account, and how the sender's stream reached the node."""
    recording = device.recordings("dec")
    hertz, share = tone.heard(recording[0]) if recording else (0, 0.0)
    return End(number, device.packets()[1], int(record[f"{sender}_lost"]),
               int(record[f"{sender}_jitter_us"]), device.digits_heard(), hertz, share)


def _cause(record):
    return f"{record['cause']} by {record['ended_by']}"


def write_passwords(path, passwords):
    """The demo extensions' passwords, for their owner only."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(passwords, file, indent=2)
        file.write("\n")

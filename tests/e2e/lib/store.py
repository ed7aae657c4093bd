# SPDX-License-Identifier: Apache-2.0
"""tandem-store alone, as a node starts it, with recordings as a recorder leaves them."""
import fcntl
import json
import os
import socket
import subprocess
import sys
import time
import wave

from patience import PATIENCE_S, until

from .node import SANITIZERS, build_folder, hurried

CALL = "000agvj5jqr40"
LINK = 3
STRICT = {**SANITIZERS, "ASAN_OPTIONS": SANITIZERS["ASAN_OPTIONS"] + ":strict_string_checks=1"}
FAR = 20                # above all that the program looks at
# The program finds its sockets at these descriptors.
START = ("import os, sys; [os.dup2(int(sys.argv[i]), i + 2, inheritable=True) for i in (1, 2)]; os.execv(sys.argv[3], sys.argv[3:])")


def today():
    return time.strftime("%Y-%m-%d", time.gmtime())


def record(folder, number=1, call=CALL, segment=1, tenant="default", date=None, octets=16000, whole=b"", **facts):
    """A finished recording, of noise or of these octets; its name below the folder."""
    date = date or today()
    where, name = os.path.join(folder, tenant, date), f"{call}-{number}.{segment}.wav"
    os.makedirs(where, mode=0o700, exist_ok=True)
    path = os.path.join(where, name)
    with wave.open(path, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(os.urandom(octets))
    if whole:
        with open(path, "wb") as file:
            file.write(whole)
    facts = {"recording": f"{call}-{number}", "call": call, "number": number, "segment": segment, "last": True, "tenant": tenant,
             "file": name, "format": "wav", "codec": "L16", "rate": 8000, "channels": 2, "begun": f"{date}T00:00:00.000Z",
             "duration_ms": 1000, "octets": os.path.getsize(path), "from": "1001", "to": "1002", "interrupted": False, **facts}
    with open(path + ".json.new", "w", encoding="utf-8") as file:
        json.dump(facts, file)
    os.rename(path + ".json.new", path + ".json")
    return f"{tenant}/{date}/{name}"


class Store:
    """The process and the other end of its socket; close() ends it."""

    def __init__(self, folder, *destinations, **terms):
        self.folder, self.log_path = folder, os.path.join(folder, ".log")
        self.tickets, self.figures, self.terms = 0, {}, terms
        self.destinations = destinations
        self.said, self.redis = [], None        # what Redis is to know, and whether it is told: None: nobody answers
        self.box = {}                           # what its mailbox says of each that is told
        self.start()

    def start(self):
        ours, its = socket.socketpair()
        self.hands, its_hands = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        far = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD_CLOEXEC, FAR) for one in (its, its_hands)]
        with its, its_hands, open(self.log_path, "ab") as log:
            program = os.path.join(build_folder(), "app", "tandem-store")
            self.process = subprocess.Popen([sys.executable, "-c", START, *map(str, far), program], pass_fds=far,
                                            stderr=log, env={**os.environ, **STRICT})
        for fd in far:
            os.close(fd)
        self.hurries = True
        self.socket, self.lines = ours, ours.makefile("r", encoding="utf-8")
        self.socket.settimeout(PATIENCE_S)
        self.tell(*self.destinations)

    def settle(self, *destinations, **terms):
        """Settings that hold for what is recorded from then on."""
        self.tell(*destinations, **terms)
        self.ask("recording.list", limit=1)

    def tell(self, *destinations, **terms):
        """Settings, as a node tells them."""
        self.destinations, self.terms = destinations, {**self.terms, **terms}
        names = [one["name"] for one in destinations]
        self.say({"settings": {"folder": self.folder, "node": "n1", "retry_ms": 50, "retry_max_ms": 300, "give_up_ms": 3600000,
                               "refusals": 2, "scan_ms": 50, "join_wait_ms": 3600000, "log_level": 3, "voicemail": True, "messages_key": 32 * "5a", "destinations": list(destinations),
                               "usual": {"deliver": names}, "tenants": [], **self.terms}})

    def say(self, line):
        self.socket.sendall(json.dumps(line).encode() + b"\n")

    def hurry(self):
        """Once it has begun to stand back: see hurried()."""
        if self.hurries:
            until(lambda: hurried(self.process.pid) or self.process.poll() is not None)
            self.hurries = False

    def ask(self, command, tenant="", **arguments):
        """The result, or the code of the error."""
        self.hurry()
        self.tickets += 1
        self.say({"ask": self.tickets, "command": command, "tenant": tenant, "args": arguments})
        while True:
            line = json.loads(self.lines.readline())
            self.figures = line.get("figures", self.figures)
            self.hear(line)
            if line.get("answer") == self.tickets:
                return line["result"] if "result" in line else line["error"]

    def hear(self, line):
        """As a node that has a link to Redis, or none."""
        if "say" in line:
            self.said.append({**line, "entry": json.loads(line["entry"])})
            if self.redis is not None:
                self.say({"said": line["say"], "ok": self.redis, **self.box})

    def acts(self, name):
        """What was said of it by now."""
        self.ask("recording.list", limit=1)
        return [(line["act"], line["state"]) for line in self.said if line["name"] == name]

    def state(self, name):
        found = self.ask("recording.get", name=name)
        return found if isinstance(found, str) else found["state"]

    def delivery(self, name, to):
        found = self.ask("recording.get", name=name)
        return next((one for one in found["deliveries"] if one["to"] == to), {"tries": 0, "reason": "", "state": ""})

    def log(self):
        with open(self.log_path, encoding="utf-8") as file:
            return file.read()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.hang_up()

    def hang_up(self):
        for end in (self.lines, self.socket, self.hands):
            end.close()

    def close(self):
        """It ends by itself when the node is gone."""
        self.hang_up()
        try:
            status = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        if status != 0:
            raise AssertionError(f"tandem-store ended with {status}:\n{self.log()[-4000:]}")

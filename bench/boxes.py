#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mailboxes: how many callers leave messages at once, what kills and lost machines take of them, whether all count the same, and large boxes.

Row `deposits`: callers who are forwarded to the shipped flow `voicemail` of a node with one core: each hears the prompts and the beep, says
packets with a pattern of his own, presses # twice and hears "saved" (bench/boxload.c); each payload is looked for in the files. Row `kills`: the
same, few at a time, and kill -9 in the middle, again and again: what was in a box before is there with all its octets, and of each open message
some is cut. Row `machines`: two nodes with copies; one is killed, and its disk is emptied. Row `agree`: one message is marked old and new by
turns at two nodes, until phones and the HTTP API of both show it. Row `big`: a box with 10,000 messages: a page of its list, and the first sound
of one. Row `faults`: files that are damaged, empty, missing or another's: who hears what, and what is counted. Row `retrievals`: callers who log
in to the shipped flow `mailbox`, each to a box of his own by its PIN, press 1, and all hear a message at once, each looked through for every
octet of its file. Row `full`: a disk that has no room while messages are said, then some again, and kill -9. Row `away`: recordings go to a
server of S3 that is away for a while, and the node is killed then. Row `arrives`: a message of ten minutes that lies on another node alone, or
at a server of S3, is played: when its first sound is heard, and when all of it is here, over lines of this program's own. The last rows, and
those of two nodes, have callers whom an application answers and records."""
import contextlib
import ctypes
import hashlib
import http.client
import json
import os
import pathlib
import queue
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import wave

import lib
import record_files
from children import end, spawn
from presence import Agreeing

ROWS = ("deposits", "kills", "machines", "agree", "big", "faults", "retrievals", "full", "away", "arrives")
NUMBER, BOX, PASSWORD, FRAME_MS = "7000", "1001", "bench-secret", 20
WANTED = {"deposits_at_once": 1500, "confirmed_lost": 0, "cut_s": 0.5, "confirmed_lost_machines": 0, "cut_machines_s": 5, "count_agrees_s": 1,
          "list_ms": 50, "first_word_ms": 300, "faults_lost": 0, "retrievals_at_once": 1500, "full_lost": 0, "away_lost": 0,
          "arrives_ms": 300}
SERVER_S3 = pathlib.Path(__file__).resolve().parent.parent / "tests" / "e2e" / "lib" / "swift_server.py"
PACKET = 160
RECORDINGS = ("free_mib: 0", "scan: 200ms")


class Api:
    """An application and an administrator in one, by HTTP."""

    def __init__(self, node, token):
        self.node, self.token, self.link = node, token, None

    def ask(self, method, path, body=None):
        for _ in range(200):
            try:
                self.link = self.link or http.client.HTTPConnection(self.node.address, self.node.http_port, timeout=10)
                self.link.request(method, path, json.dumps(body) if body is not None else None, {"Authorization": f"Bearer {self.token}"})
                answer = self.link.getresponse()
                text = answer.read().decode()
            except (OSError, http.client.HTTPException):
                self.link = None
                time.sleep(0.05)
                continue
            if answer.status in (503, 504):     # Redis was late: once more
                time.sleep(0.05)
                continue
            if answer.status >= 300:
                raise SystemExit(f"{method} {path} {body}: {answer.status} {text[:300]}")
            return json.loads(text)
        raise SystemExit(f"{method} {path}: no answer")

    def rows(self, path):
        found = self.ask("GET", path)
        return found["result"] if isinstance(found, dict) and "result" in found else found

    def messages(self, box=BOX, limit=1000):
        rows, after = [], ""
        while True:
            page = self.rows(f"/v1/messages?mailbox={box}&limit={limit}{after}")
            rows += page
            if len(page) < limit:
                return rows
            after = f"&after={page[-1]['message']}"


class Callers:
    """They are answered by the application, and recorded, or hear something. Caller n is 9000000 + n, and sends its RTP from a port of its own."""
    FIRST = 9000000

    def __init__(self, node, api):
        self.node, self.api, self.open, self.heard_at, self.answered, self.refused = node, api, {}, None, [], 0
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.sock.bind((lib.ADDRESS, 0))
        self.port = self.sock.getsockname()[1]

    def request(self, n, method, cseq, body=""):
        caller = self.open[n]
        content = "Content-Type: application/sdp\r\n" if body else ""
        self.sock.sendto((f"{method} {caller['target']} SIP/2.0\r\nVia: SIP/2.0/UDP {lib.ADDRESS}:{self.port};rport;branch=z9hG4bK{n}.{caller['id']}.{cseq}.{method}\r\n"
                          f"Max-Forwards: 70\r\nFrom: <sip:{self.FIRST + n}@{lib.ADDRESS}>;tag={caller['id']}\r\nTo: {caller['to']}\r\n"
                          f"Call-ID: {n}.{caller['id']}\r\nCSeq: {cseq} {method}\r\nContact: <sip:{self.FIRST + n}@{lib.ADDRESS}:{self.port}>\r\n"
                          f"{content}Content-Length: {len(body)}\r\n\r\n{body}").encode(), (self.node.address, self.node.sip_port))

    def hear(self, seconds):
        """What comes meanwhile: 200s to INVITEs are acknowledged, requests answered."""
        until = time.monotonic() + seconds
        while select.select([self.sock], [], [], max(0, until - time.monotonic()))[0]:
            text, peer = self.sock.recvfrom(65536)
            text = text.decode()
            n = int(lib.header(text, "Call-ID").split(".")[0])
            if not text.startswith("SIP/2.0"):
                copied = "".join(f"{line}\r\n" for line in text.split("\r\n") if re.match("(Via|From|To|Call-ID|CSeq):", line))
                if not text.startswith("ACK"):
                    self.sock.sendto(f"SIP/2.0 200 OK\r\n{copied}Content-Length: 0\r\n\r\n".encode(), peer)
                if text.startswith("BYE"):
                    self.open.pop(n, None)
                continue
            status, cseq = int(text.split()[1]), lib.header(text, "CSeq")
            if n not in self.open or status < 200:
                continue
            if status == 503 and self.heard_at:     # it is busy: the caller tries again
                self.request(n, "ACK", 1)
                del self.open[n]
                self.refused += 1
                continue
            if status >= 300 and "INVITE" in cseq:
                raise SystemExit(f"a call was refused: {text.splitlines()[0]}")
            if "INVITE" in cseq:
                caller = self.open[n]
                caller["to"], caller["target"] = lib.header(text, "To"), re.search("<([^>]*)>", lib.header(text, "Contact"))[1]
                if "media" not in caller:       # a retransmission else
                    self.answered.append(n)
                caller["media"] = lib.Media().address(text)
                self.request(n, "ACK", 1)
            elif "BYE" in cseq:
                self.open.pop(n)

    def dial(self, n, number=NUMBER):
        uri = f"sip:{number}@{self.node.address}:{self.node.sip_port}"
        self.open.setdefault(n, {"id": os.urandom(4).hex(), "target": uri, "to": f"<{uri}>", "port": 10000 + 2 * n})     # a retransmission else
        self.request(n, "INVITE", 1, lib.Media().sdp(lib.ADDRESS, self.heard_at or self.open[n]["port"]))

    def begin(self, numbers, record=True):
        """All are answered, and recorded without a beep where record is set."""
        for at in range(0, len(numbers), 500):
            self.begin_some(numbers[at:at + 500], record)

    def begin_some(self, numbers, record):
        for n in numbers:
            self.dial(n)
            self.hear(0.002)
        left = set(numbers)
        deadline = time.monotonic() + 60
        while left:
            for row in self.api.rows("/v1/calls?application=bench&limit=1000"):     # the newest first
                n = int(row["from"]) - self.FIRST if row["from"].isdigit() else -1
                if n in left:
                    left.remove(n)
                    self.open[n]["call"] = row["id"]
                    self.api.ask("POST", f"/v1/calls/{row['id']}/answer", {})
            self.hear(0.02)
            if time.monotonic() > deadline:
                raise SystemExit(f"{len(left)} calls did not come to the application")
        while not all("media" in self.open[n] for n in numbers):
            self.hear(0.05)
            if time.monotonic() > deadline:
                raise SystemExit("calls are not answered")
        for n in numbers if record else ():
            self.api.ask("POST", f"/v1/calls/{self.open[n]['call']}/record_message", {"beep": False, "silence_ms": 0, "max_ms": 600000, "mailbox": BOX})
            self.hear(0)

    def hang_up(self, numbers):
        asked = 0
        while any(n in self.open for n in numbers):
            for n in numbers:
                if n in self.open:
                    self.request(n, "BYE", 2)
                    self.hear(0.001)
            self.hear(0.5)
            asked += 1
            if asked > 60:
                raise SystemExit("calls do not end")

    def lines(self, numbers):
        """For rtpload: two callers in one line."""
        ends = [f"{lib.ADDRESS}:{self.open[n]['port']} {self.open[n]['media'][0]}:{self.open[n]['media'][1]}" for n in numbers]
        return "".join(f"{one} {other}\n" for one, other in zip(ends[::2], ends[1::2]))

    def calls(self, numbers):
        return [self.open[n]["call"] for n in numbers]


class Speaking:
    """All say their patterns for so many seconds; sent: how many payloads each."""

    def __init__(self, callers, numbers, seconds):
        self.count = len(numbers)
        self.run = spawn(lib.pinned(lib.LOAD_CORE, [lib.BUILD / "bench" / "rtpload", "--seconds", seconds]), stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.run.stdin.write(callers.lines(numbers))
        self.run.stdin.close()

    def sent(self):
        out, errors = self.run.stdout.read(), self.run.stderr.read()
        if self.run.wait() != 0:
            raise SystemExit(f"rtpload: {errors}{out}")
        return json.loads(out.strip().splitlines()[-1])["sent"] // self.count


def file_sound(path):
    data = path.read_bytes()
    return data[data.index(b"data") + 8:] if b"data" in data else b""


def found(folders, call, stream):
    """Payloads of that caller in his message, or in the segments that it still has: in their order, each once."""
    parts = {path.name: path for folder in folders for path in pathlib.Path(folder).rglob(f"{call}-1*.wav")}
    whole = [parts[name] for name in parts if name == f"{call}-1.wav"] or [parts[name] for name in sorted(parts)]
    return record_files.payloads(b"".join(map(file_sound, whole)), [stream])[stream]


def application(node):
    node.ctl("extension.put", secret=PASSWORD + "\n", number=BOX, password="-")
    node.ctl("extension.put", secret=PASSWORD + "\n", number=NUMBER, password="-", application="bench")
    return Api(node, node.ctl("token.create", name="bench", role="admin", tenant="default")["token"])


class One(lib.Node):
    def __init__(self, calls, more=()):
        super().__init__(media_ports="20000-31999", calls=calls + 200, media=("workers: 1",), sections={"recordings": (*RECORDINGS, *more)})

    def killed(self):
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait()
        self.start()

    def recordings(self):
        return next(self.dir.rglob("recordings"))


def await_messages(api, wanted, seconds=60):
    """Rows of so many messages or more."""
    until = time.monotonic() + seconds
    while len(rows := api.messages()) < wanted and time.monotonic() < until:
        time.sleep(0.1)
    return rows


def left(node, api, level, seconds):
    """Each box has a message: what boxload said, and the rows."""
    with tempfile.TemporaryDirectory() as folder:
        prompts(node, DEPOSIT)
        said = Walk(node, api, DEPOSIT, int(seconds * 1000 / FRAME_MS), folder, seconds + 60).all(level)
    return said


def deposits(quick):
    levels, seconds, best, tried = ((50,) if quick else (1000, 1500, 2000)), 4 if quick else 30, 0, []
    for level in levels:
        node = One(level)
        try:
            node.redis_apart()
            api = voicemail(node, level)
            cpu, began = lib.cpu_seconds(node.pid), time.monotonic()
            said = left(node, api, level, seconds)
            cpu = (lib.cpu_seconds(node.pid) - cpu) / (time.monotonic() - began)
            rows = [row for n in range(level) for row in api.messages(BOXES + n)]
            frames = int(seconds * 1000 / FRAME_MS)
            lacks = [frames - found([node.recordings()], row["message"].rpartition("-")[0], int(row["mailbox"]) - BOXES) for row in rows]
            missing = sum(lacks) + frames * (level - len(rows))
            tried.append({"callers": level, "saved": said["ended"], "at_once": said["at_once"], "messages": len(rows), "payloads": frames * level, "missing": missing,
                          "callers_missing": level - lacks.count(0), "most_missing": max(lacks, default=0), "packets_lost": said["packets_lost"], "node_cpu": round(cpu, 2)})
        finally:
            node.stop()
        lib.say(f"# {tried[-1]}")
        if missing or said["ended"] < level or len(rows) != level:
            break
        best = min(level, said["at_once"])
    return {"at_once": best, "tried": tried}


def kills(quick):
    """Each cycle a few callers leave messages by the flow, and the node is killed while they speak."""
    rounds, each, seconds = (3, 4, 3) if quick else (100, 10, 3)
    node, frames = One(each), int(seconds * 1000 / FRAME_MS)
    kept, cut, missing, unsaved = {}, [], 0, 0
    try:
        node.redis_apart()
        api = voicemail(node, each)
        prompts(node, DEPOSIT)
        rows = lambda: {row["message"]: int(row["mailbox"]) - BOXES for n in range(each) for row in api.messages(BOXES + n)}
        heard = lambda message, n: found([node.recordings()], message.rpartition("-")[0], n)
        for number in range(rounds):
            said = Walk(node, api, DEPOSIT, frames, "", seconds + 30).all(each, kill_s=random.uniform(PROMPTS_S + 0.3, PROMPTS_S + 1.5))
            fresh = {message: n for message, n in rows().items() if message not in kept}
            missing += each - len(fresh)
            unsaved += each - said["ended"]
            kept |= {message: (n, heard(message, n)) for message, n in fresh.items()}
            cut += [(frames - kept[message][1]) * FRAME_MS / 1000 for message in fresh]
            lib.say(f"# kill {number + 1}: cut {max(cut[-each:], default=0):.2f} s, {len(kept)} messages, {said['ended']} heard that they are saved")
        there = rows()
        now = {message: heard(message, n) if message in there else None for message, (n, _) in kept.items()}
        lost = [(message, before, now[message]) for message, (n, before) in kept.items() if now[message] is None or now[message] < before]
        lib.say(f"# lost: {lost}")
    finally:
        node.stop()
    return {"kills": rounds, "messages": len(kept), "confirmed_lost": len(lost), "not_listed": missing, "not_saved": unsaved, "cut_s": round(max(cut), 2),
            "cut_p50_s": round(lib.median(cut), 2)}


class Pair:
    """Two nodes on a Redis, with copies of each other's recordings."""

    def __enter__(self):
        self.folder, self.nodes = tempfile.mkdtemp(prefix="tandem-bench-redis-"), []
        self.server = spawn(lib.pinned(lib.LOAD_CORE, ["redis-server", "--port", "0", "--unixsocket", f"{self.folder}/sock", "--dir", self.folder, "--save", ""]), stdout=-3)
        lib.wait_for("Redis", 20, lambda: os.path.exists(f"{self.folder}/sock"))
        try:
            self.nodes.append(Copying("a", 1, f"{self.folder}/sock"))
            self.nodes.append(Copying("b", 2, f"{self.folder}/sock", next(self.nodes[0].dir.rglob("keys"))))
            self.api = application(self.nodes[0])
            lib.wait_for("both to know it", 20, lambda: len(self.nodes[1].ctl("extension.list")) == 2)
            self.apis = [self.api, Api(self.nodes[1], self.api.token)]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            node.stop()
        end(self.server)
        shutil.rmtree(self.folder, ignore_errors=True)

    def leave(self, seconds=2):
        """One message, at the first node."""
        callers = Callers(self.nodes[0], self.api)
        callers.begin(range(2))
        calls = callers.calls(range(2))
        sent = Speaking(callers, range(2), seconds).sent()
        callers.hang_up(range(2))
        await_messages(self.api, 2)
        return calls, sent


class Copying(Agreeing):
    SECTIONS = {"recordings": (*RECORDINGS, "copies: 1", "copies_every: 2s", "copies_wait: 1s")}

    def start(self):
        if "copies:" not in self.config.read_text():
            self.config.write_text(lib.section(self.config.read_text(), "recordings", *self.SECTIONS["recordings"], f"port: {lib.free_port()}"))
        super().start()

    def recordings(self):
        return next(self.dir.rglob("recordings"))


def machines(quick):
    """Of those in the box nothing may be lost; of an open one what the neighbour had is found there."""
    rounds, each, seconds = (1, 4, 6) if quick else (20, 10, 8)
    lost, cut, kept = 0, [], 0
    for number in range(rounds):
        with Pair() as pair:
            first, other = pair.nodes
            callers = Callers(first, pair.api)
            callers.begin(range(each))
            calls = callers.calls(range(each))
            sent = Speaking(callers, range(each), 2).sent()
            callers.hang_up(range(each))
            await_messages(pair.apis[1], each)
            callers.begin(range(each))
            opened = callers.calls(range(each))
            speaking, began = Speaking(callers, range(each), seconds), time.monotonic()
            time.sleep(random.uniform(seconds / 2, seconds - 1))
            os.kill(first.pid, signal.SIGKILL)
            said_s = time.monotonic() - began
            first.process.wait()
            shutil.rmtree(first.recordings())
            speaking.run.kill()
            speaking.run.wait()
            time.sleep(3)
            there = {row["message"] for row in pair.apis[1].messages()}
            for n, call in enumerate(calls):
                lost += f"{call}-1" not in there or found([other.recordings()], call, n) < sent
            kept += each
            cut += [said_s - found([other.recordings()], call, n) * FRAME_MS / 1000 for n, call in enumerate(opened)]
            lib.say(f"# machine {number + 1}: {lost} of {kept} lost, open ones cut {max(cut[-each:]):.2f} s")
    return {"machines": rounds, "messages": kept, "confirmed_lost": lost, "cut_s": round(max(cut), 2)}


class Lamp(threading.Thread):
    """A phone of the box; it says when it was told each count."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.told, self.sock = [], socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((lib.ADDRESS, 0))
        port = self.sock.getsockname()[1]
        lib.register(node.sip_port, BOX, PASSWORD, port, self.sock)
        self.sock.settimeout(None)
        self.sock.sendto((f"SUBSCRIBE sip:{BOX}@{lib.ADDRESS} SIP/2.0\r\nVia: SIP/2.0/UDP {lib.ADDRESS}:{port};branch=z9hG4bK{os.urandom(6).hex()};rport\r\n"
                          f"Max-Forwards: 70\r\nFrom: <sip:{BOX}@{lib.ADDRESS}>;tag=w\r\nTo: <sip:{BOX}@{lib.ADDRESS}>\r\nCall-ID: w{port}\r\n"
                          f"CSeq: 1 SUBSCRIBE\r\nContact: <sip:{BOX}@{lib.ADDRESS}:{port}>\r\nEvent: message-summary\r\nExpires: 3600\r\n"
                          "Content-Length: 0\r\n\r\n").encode(), (lib.ADDRESS, node.sip_port))
        self.start()

    def run(self):
        while True:
            text, peer = self.sock.recvfrom(65536)
            text = text.decode()
            if text.startswith("NOTIFY"):
                copied = "".join(f"{line}\r\n" for line in text.split("\r\n\r\n")[0].split("\r\n")[1:] if re.match("(Via|From|To|Call-ID|CSeq):", line))
                self.sock.sendto(f"SIP/2.0 200 OK\r\n{copied}Content-Length: 0\r\n\r\n".encode(), peer)
                count = re.search("Voice-Message: ([0-9]+/[0-9]+)", text)
                self.told.append((count[1] if count else "", time.monotonic()))


def agree(quick):
    late = {}
    with Pair() as pair:
        calls, _ = pair.leave()
        lamps = {"phone": Lamp(pair.nodes[0]), "phone_b": Lamp(pair.nodes[1])}
        lib.wait_for("both lamps", 20, lambda: all(lamp.told and lamp.told[-1][0] == "2/0" for lamp in lamps.values()))
        for number in range(50 if quick else 500):
            state, count = (("old", (1, 1)), ("new", (2, 0)))[number % 2]
            began = time.monotonic()
            pair.apis[number % 2].ask("PATCH", f"/v1/messages/{calls[0]}-1", {"mailbox": BOX, "state": state})
            at = {}
            for name, api in (("api", pair.apis[0]), ("api_b", pair.apis[1])):
                while (said := api.rows(f"/v1/messages:count?mailbox={BOX}")) and (said["new"], said["old"]) != count:
                    time.sleep(0.001)
                at[name] = time.monotonic()
            wanted = f"{count[0]}/{count[1]}"
            lib.wait_for("both lamps", 30, lambda wanted=wanted: all(lamp.told[-1][0] == wanted for lamp in lamps.values()))
            at |= {name: lamp.told[-1][1] for name, lamp in lamps.items()}
            for name, when in (at | {"all": max(at.values())}).items():
                late.setdefault(name, []).append(when - began)
    p99 = lambda rows: round(sorted(rows)[len(rows) * 99 // 100], 4)
    return {"changes": len(late["all"]), "p50_s": round(lib.median(late["all"]), 4), **{f"{name}_p99_s": p99(rows) for name, rows in late.items()}}


def first_sound(callers, api, n, file):
    """From the order until the first packet that is no silence, in ms."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((lib.ADDRESS, callers.open[n]["port"]))
        sock.settimeout(5)
        began = time.monotonic()
        api.ask("POST", f"/v1/calls/{callers.open[n]['call']}/play", {"file": file})
        try:
            while len(set(sock.recv(2048)[12:])) < 4:
                pass
        except TimeoutError:
            return None
        return 1000 * (time.monotonic() - began)


def big(quick):
    wanted, each = (60, 20) if quick else (10000, 100)
    node = One(each)
    try:
        node.redis_apart()
        api = application(node)
        for at in range(0, wanted, each):
            callers = Callers(node, api)
            callers.begin(range(each))
            Speaking(callers, range(each), 0.3).sent()
            callers.hang_up(range(each))
            if at % 1000 == 0:
                lib.say(f"# {at} messages")
        rows = await_messages(api, wanted, 120)
        pages, words = [], []
        for _ in range(20 if quick else 200):
            began = time.monotonic()
            api.rows(f"/v1/messages?mailbox={BOX}&limit=100")
            pages.append(1000 * (time.monotonic() - began))
        callers = Callers(node, api)
        callers.begin(range(1), record=False)
        for row in random.sample(rows, 5 if quick else 30):
            words.append(first_sound(callers, api, 0, f"recording:{row['message']}"))
            time.sleep(0.6)
        callers.hang_up(range(1))
    finally:
        node.stop()
    p99 = lambda list_: round(sorted(list_)[len(list_) * 99 // 100], 1)
    heard = [word for word in words if word is not None]
    return {"messages": len(rows), "list_p99_ms": p99(pages), "first_word_p99_ms": p99(heard) if heard else None, "not_heard": len(words) - len(heard)}


def faults(quick):
    """Each is played, or told as failed; the count of the box stays, and the good one between them is heard."""
    del quick
    node = One(10)
    try:
        node.redis_apart()
        api = application(node)
        callers = Callers(node, api)
        callers.begin(range(6))
        calls = callers.calls(range(6))
        Speaking(callers, range(6), 2).sent()
        callers.hang_up(range(6))
        before = len(await_messages(api, 6))
        files = [next(node.recordings().rglob(f"{call}-1.1.wav")) for call in calls]
        files[0].write_bytes(os.urandom(5000))
        files[1].write_bytes(b"")
        files[2].unlink()
        shutil.copy("/proc/self/exe", files[3])
        files[4].write_bytes(files[4].read_bytes()[:30])
        callers = Callers(node, api)
        callers.begin(range(1), record=False)
        heard = {}
        for name, call in zip(("damaged", "empty", "missing", "foreign", "cut", "good"), calls):
            heard[name] = first_sound(callers, api, 0, f"recording:{call}-1") is not None
            api.ask("POST", f"/v1/calls/{callers.open[0]['call']}/stop", {})
        node.killed()
        after = await_messages(api, 6, 10)
    finally:
        node.stop()
    return {"before": before, "after": len(after), "heard": heard, "lost": before - len(after), "good_heard": heard["good"]}


BOXES, VOICEMAIL, MAILBOX, PIN = 20000, "199", "%23%23", "2580"
PROMPTS_S = 2.8         # from the answer to the end of the beep
# Prompts that lead to keys, or end a caller; each is one octet over and over, and the others are one together.
DEPOSIT = {"voicemail-saved": "", "voicemail-menu": "#"}
RETRIEVE = {"mailbox-keys": "", "mailbox-number": "%#", "mailbox-pin": f"{PIN}#", "mailbox-menu": "1", "mailbox-from": "#"}


def octet_of(name, keys):
    return 0x90 + ([*keys].index(name) if name in keys else len(keys))


def prompts(node, keys):
    """All of the node's, as files of the tenant."""
    folder = node.recordings().parent / "sounds" / ".prompts"
    folder.mkdir(parents=True, exist_ok=True)
    for name in re.findall(r"^([a-z][\w-]*) *=", (pathlib.Path(__file__).resolve().parent.parent / "deploy" / "prompts" / "en.txt").read_text(), re.M):
        octet = ~octet_of(name, keys)
        sample = (((octet & 15) << 3) + 132 << (octet >> 4 & 7)) - 132
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(sample.to_bytes(2, "little", signed=True) * (1600 if name.startswith("digit") else 4800))


class Walk:
    """Callers of one number, or each of his own box, with one socket for what they hear and say; their keys follow from what they hear."""

    def __init__(self, node, api, keys, frames, folder, seconds):
        self.callers, self.told, self.again = Callers(node, api), set(), 0
        self.callers.heard_at = lib.free_port()
        options = [f"{octet_of(name, keys)}={keys.get(name, '')}" for name in [*keys, "others"]]
        self.run = spawn(lib.pinned(lib.LOAD_CORE, [lib.BUILD / "bench" / "boxload", f"{lib.ADDRESS}:{self.callers.heard_at}", seconds, frames, folder,
                                                    octet_of(next(iter(keys)), keys), *options]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def all(self, count, number=None, kill_s=None):
        """What boxload says in the end. kill_s: when the node is killed."""
        kill_at = time.monotonic() + (kill_s or 1e9)
        if number:
            self.callers.FIRST = BOXES      # by their own phones
        for n in range(count):
            self.callers.dial(n, number or str(BOXES + n))
            self.callers.hear(0.005)
            self.answered()
        again = time.monotonic() + 1
        while self.run.poll() is None:
            self.callers.hear(0.05)
            self.answered()
            for n in [n for n in range(count) if n not in self.told] if time.monotonic() > again else ():     # what was lost, or refused
                again = time.monotonic() + 1
                self.again += 1
                self.callers.dial(n, number or str(BOXES + n))
            if time.monotonic() > kill_at:
                self.callers.node.killed()
                self.callers.node.redis_apart()
                kill_at = time.monotonic() + 1e9
            if len(self.told) == count and not self.run.stdin.closed:
                self.run.stdin.close()
        if self.run.returncode:
            raise SystemExit(f"boxload: {self.run.returncode}")
        self.callers.hang_up(range(count))
        if self.again:
            lib.say(f"# {self.again} INVITEs were said again, {self.callers.refused} refused")
        return json.loads(self.run.stdout.read())

    def answered(self):
        while self.callers.answered:
            n = self.callers.answered.pop(0)
            ip, port = self.callers.open[n]["media"]
            self.run.stdin.write(f"{ip}:{port} {BOXES + n}\n")
            self.run.stdin.flush()
            self.told.add(n)


def voicemail(node, count):
    """So many boxes, whose callers are forwarded to the flow."""
    api = application(node)
    node.ctl("number.put", number=VOICEMAIL, to="flow:voicemail")
    node.ctl("tenant.put", name="default", pin_always="true")
    for n in range(count):
        api.ask("PATCH", f"/v1/extensions/{BOXES + n}", {"password": PASSWORD, "forward_always": VOICEMAIL, "pin": PIN})
    return api


# Of the two zeros of G.711 one is played.
ONE_ZERO = bytes.maketrans(b"\x7f", b"\xff")


def unheard(sound, heard):
    """How many samples of a file were not heard, in its order; the last packet of it may have more behind them."""
    sound, heard, at, missing = sound.translate(ONE_ZERO), heard.translate(ONE_ZERO), 0, 0
    for begins in range(0, len(sound), PACKET):
        part = sound[begins:begins + PACKET]
        found_at = heard.find(part, at)
        if found_at < 0:
            missing += len(part)
        else:
            at = found_at + len(part)
    return missing


def said(node, api, count, seconds):
    """So many callers leave messages: their calls, and how many payloads each said."""
    callers, numbers = Callers(node, api), range(count)
    callers.begin(numbers)
    calls = callers.calls(numbers)
    sent = Speaking(callers, numbers, seconds).sent()
    callers.hang_up(numbers)
    return calls, sent


def retrievals(quick):
    levels, seconds, best, tried = ((50,) if quick else (1000, 1500, 2000)), 8 if quick else 30, 0, []
    for level in levels:
        node, folder = One(level), tempfile.mkdtemp(prefix="tandem-bench-heard-")
        try:
            node.redis_apart()
            api = voicemail(node, level)
            left(node, api, level, seconds)
            files = {row["mailbox"]: file_sound(next(node.recordings().rglob(f"{row['message']}.1.wav"))) for n in range(level) for row in api.messages(BOXES + n)}
            prompts(node, RETRIEVE)
            node.killed()       # its prompts are others
            node.redis_apart()
            cpu, began = lib.cpu_seconds(node.pid), time.monotonic()
            said = Walk(node, api, RETRIEVE, 0, folder, seconds + 60).all(level, MAILBOX)
            cpu = (lib.cpu_seconds(node.pid) - cpu) / (time.monotonic() - began)
            missing = [unheard(sound, (pathlib.Path(folder) / box).read_bytes()) for box, sound in files.items()]
            samples = sum(map(len, files.values()))
            tried.append({"callers": level, "heard": said["ended"], "at_once": said["at_once"], "messages": len(files), "samples": samples, "missing": sum(missing),
                          "callers_missing": sum(map(bool, missing)), "packets_lost": said["packets_lost"], "node_cpu": round(cpu, 2)})
        finally:
            shutil.rmtree(folder)
            node.stop()
        lib.say(f"# {tried[-1]}")
        if sum(missing) or len(files) < level or said["ended"] < level:
            break
        best = min(level, said["at_once"])
    return {"at_once": best, "tried": tried}


def counted(api, calls):
    """Of messages that are in the box: those of the calls that are not, those that are there twice, and by how many the number told differs."""
    rows = [row["message"] for row in api.messages()]
    count = api.rows(f"/v1/messages:count?mailbox={BOX}")
    return {"missing": sum(f"{call}-1" not in rows for call in calls), "twice": len(rows) - len(set(rows)),
            "miscounted": abs(count["new"] + count["old"] - len(rows))}


def full(quick):
    """Before, while and after the disk has no room."""
    each, seconds = (4, 3) if quick else (20, 10)
    node = One(each)
    folder = node.recordings()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=700", "tmpfs", folder], check=True)
    try:
        node.redis_apart()
        api = application(node)
        before, sent = said(node, api, each, seconds)
        await_messages(api, each)
        room = os.statvfs(folder)
        ballast = folder / "ballast"
        with open(ballast, "wb") as file:       # for a third of what is to come
            os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - each * seconds * 8000 // 3)
        cut, cut_sent = said(node, api, each, seconds)
        time.sleep(1)
        at_full = sum(found([folder], call, n) for n, call in enumerate(cut))
        node.killed()
        node.redis_apart()
        ballast.unlink()
        after, after_sent = said(node, api, each, seconds)
        await_messages(api, 3 * each, 10)
        lost = sum(found([folder], call, n) < wanted for some, wanted in ((before, sent), (after, after_sent)) for n, call in enumerate(some))
        shorter = max(0, at_full - sum(found([folder], call, n) for n, call in enumerate(cut)))
        facts = counted(api, before + after)
    finally:
        node.stop()
        subprocess.run(["umount", folder], check=False)
    return {"messages": 2 * each, "lost": lost + facts["missing"] + facts["twice"] + facts["miscounted"], **facts, "shorter": shorter,
            "full_payloads": at_full, "full_said": each * cut_sent}


class S3:
    """OpenStack's, as the end-to-end tests have it."""
    USER, KEY = "calls:tandem", "bench-secret-key"

    def __init__(self):
        self.folder, self.port = tempfile.mkdtemp(prefix="tandem-bench-s3-"), lib.free_port()
        (pathlib.Path(self.folder) / "secret").write_text(self.KEY + "\n")
        os.chmod(f"{self.folder}/secret", 0o600)

    def start(self):
        with open(f"{self.folder}/log", "ab") as log:
            self.process = spawn(lib.pinned(lib.LOAD_CORE, ["/usr/bin/python3", SERVER_S3, self.folder, str(self.port), self.USER, self.KEY]),
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, cwd=self.folder)
        if self.process.stdout.readline() != "ready\n":
            raise SystemExit(pathlib.Path(f"{self.folder}/log").read_text()[-2000:])

    def files(self):
        """{name: sha256}"""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def settings(self):
        return (f"store: [{{name: s3, kind: s3, url: 'http://127.0.0.1:{self.port}', bucket: recordings, path_style: true, user: '{self.USER}', "
                f"password_file: {self.folder}/secret}}]", "deliver: [s3]", "voicemail: 'yes'", "retry: 500ms", "retry_max: 2s")

    def close(self):
        end(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


def away(quick, gone_s):
    """Messages before and while it is away; each is there once in the end, octet by octet."""
    each, seconds = (4, 2) if quick else (50, 5)
    server = S3()
    server.start()
    try:
        node = One(each, server.settings())
        try:
            node.redis_apart()
            api = application(node)
            before, _ = said(node, api, each, seconds)
            lib.wait_for("the first ones to be stored", 60, lambda: len(server.files()) == 2 * each)
            end(server.process)
            meanwhile, sent = said(node, api, each, seconds)
            await_messages(api, 2 * each)
            facts = counted(api, before + meanwhile)
            node.killed()
            kept = sum(found([node.recordings()], call, n) == sent for n, call in enumerate(meanwhile))
            time.sleep(2 if quick else gone_s)
            server.start()
            lib.wait_for("all to be stored", 120, lambda: len(server.files()) >= 4 * each)
            time.sleep(3)       # nothing comes twice
            stored = server.files()
            local = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in node.recordings().rglob("*.wav")}
            there = [name for name in stored if name.endswith(".wav")]
            wrong = sum(local.get(name.split("/")[-1]) != stored[name] for name in there)
            after = counted(api, before + meanwhile)
        finally:
            node.stop()
    finally:
        server.close()
    facts = {key: facts[key] + after[key] for key in facts}
    return {"messages": 2 * each, "stored": len(there), "wrong": wrong, **facts,
            "lost": sum(facts.values()) + wrong + abs(len(there) - 2 * each) + each - kept}


class Line:
    """To a port of this machine, as a thin line of some length: seconds of round trip, octets a second from there; None: as many as come."""
    END = "127.0.0.99"      # it comes from there

    def __init__(self, *to):
        self.to, self.rtt_s, self.rate = to, 0, None
        self.door = socket.create_server((lib.ADDRESS, 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self.answers, daemon=True).start()

    def answers(self):
        while True:
            near = self.door.accept()[0]
            try:
                far = socket.create_connection(self.to, source_address=(self.END, 0))
            except OSError:     # the node retries its connection
                near.close()
                continue
            for one, other in ((near, far), (far, near)):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                way = queue.Queue()
                threading.Thread(target=self.reads, args=(one, way), daemon=True).start()
                threading.Thread(target=self.writes, args=(other, way, one is far), daemon=True).start()

    def reads(self, end, way):
        octets = b"-"
        while octets:
            try:
                octets = end.recv(4000)
            except OSError:
                octets = b""
            way.put((time.monotonic() + self.rtt_s / 2, octets))

    def writes(self, end, way, thin):
        with contextlib.suppress(OSError):
            while True:
                due, octets = way.get()
                time.sleep(max(0, due - time.monotonic()) + (len(octets) / self.rate if thin and self.rate else 0))
                if not octets:
                    end.shutdown(socket.SHUT_RDWR)
                end.sendall(octets)


@contextlib.contextmanager
def network_apart():
    """What is begun meanwhile has a loopback interface of its own."""
    libc, newnet = ctypes.CDLL(None), 0x40000000
    with open("/proc/self/ns/net", "rb") as before:
        if libc.unshare(newnet):
            raise SystemExit("a network of its own needs root")
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            yield
        finally:
            libc.setns(before.fileno(), newnet)


def lengthen(node, call, seconds):
    """The message of that call is so long."""
    sound = os.urandom(8000 * seconds)
    next(node.recordings().rglob(f"{call}-1.1.wav")).write_bytes(struct.pack("<4sI8sIHHIIHH4sI", b"RIFF", 36 + len(sound), b"WAVEfmt ", 16, 7, 1, 8000, 8000, 1, 8, b"data",
                                                                             len(sound)) + sound)


def arrived(node, api, calls):
    """Each is played at that node: first sound in ms, and when all of it is here in s."""
    callers, found_ = Callers(node, api), []
    callers.begin(range(1), record=False)
    for call in calls:
        began = time.monotonic()
        first = first_sound(callers, api, 0, f"recording:{call}-1")
        lib.wait_for("all of it", 120, lambda call=call: [*node.recordings().glob(f".fetched/default/*/{call}-1.1.wav")])
        found_.append({"first_ms": first and round(first, 1), "whole_s": round(time.monotonic() - began, 2)})
        api.ask("POST", f"/v1/calls/{callers.open[0]['call']}/stop", {})
    callers.hang_up(range(1))
    return found_


LINES = {"loopback": (0, None), "rtt_10_ms": (0.01, None), "rtt_10_ms_1_mbit": (0.01, 125000)}


def arrives_of_node(seconds, each):
    """The other one has its copies no more, as a third node has none."""
    told = {}
    with Pair() as pair:
        node, other = pair.nodes
        calls, _ = said(node, pair.api, len(LINES) * each + len(LINES) * each % 2, 1)
        await_messages(pair.api, len(calls))
        for call in calls:
            lengthen(node, call, seconds)
        shutil.rmtree(other.recordings() / ".copies")
        host, port = re.search(r"listen: (\S+):(\d+)", node.config.read_text()).groups()
        line = Line(host, int(port))
        for name, (line.rtt_s, line.rate) in LINES.items():
            if line.rtt_s and len(told) == 1:
                subprocess.run(["iptables", "-t", "nat", "-A", "OUTPUT", "-p", "tcp", "-d", host, "--dport", port, "!", "-s", Line.END, "-j", "DNAT", "--to",
                                f"{lib.ADDRESS}:{line.port}"], check=True)
            told[name] = arrived(other, pair.apis[1], [calls.pop() for _ in range(1 if line.rate else each)])
    return told


def arrives_of_s3(seconds, each):
    told, server = {}, S3()
    line = Line("127.0.0.1", server.port)
    try:
        node = One(each, [text.replace(f"127.0.0.1:{server.port}", f"{lib.ADDRESS}:{line.port}") for text in server.settings()])
        try:
            node.redis_apart()
            api = application(node)
            calls, _ = said(node, api, 2 * each, 1)
            await_messages(api, len(calls))
            for call in calls:
                lengthen(node, call, seconds)
            server.start()
            lib.wait_for("all to be stored", 120, lambda: len(server.files()) == 2 * len(calls))
            shutil.rmtree(node.recordings() / "default")
            told["s3"] = arrived(node, api, calls[:each])
            line.rate = LINES["rtt_10_ms_1_mbit"][1]
            told["s3_1_mbit"] = arrived(node, api, calls[each:each + 1])
        finally:
            node.stop()
    finally:
        server.close()
    return told


def arrives(quick):
    seconds, each = (10, 1) if quick else (600, 3)
    with network_apart():
        told = {**arrives_of_node(seconds, each), **arrives_of_s3(seconds, each)}
    return {"seconds": seconds, **told, "first_ms": max(one["first_ms"] or 5000 for name in ("loopback", "rtt_10_ms") for one in told[name])}


def main():
    parser = lib.argument_parser(__doc__.splitlines()[0], ROWS)
    parser.add_argument("--away", type=float, default=30, metavar="SECONDS", help="for so long no store is there (30)")
    options = parser.parse_args()
    rows = {}
    for row in options.row or ROWS:
        rows[row] = {"deposits": deposits, "kills": kills, "machines": machines, "agree": agree, "big": big, "faults": faults, "retrievals": retrievals,
                     "full": full, "away": lambda quick: away(quick, options.away), "arrives": arrives}[row](options.quick)
        lib.say(f"# {row}: {rows[row]}")
    told = lambda row, key: rows.get(row, {}).get(key)
    figures = {"deposits_at_once": told("deposits", "at_once"), "retrievals_at_once": told("retrievals", "at_once"), "confirmed_lost": told("kills", "confirmed_lost"), "cut_s": told("kills", "cut_s"),
               "confirmed_lost_machines": told("machines", "confirmed_lost"), "cut_machines_s": told("machines", "cut_s"), "count_agrees_s": told("agree", "all_p99_s"),
               "list_ms": told("big", "list_p99_ms"), "first_word_ms": told("big", "first_word_p99_ms"), "faults_lost": told("faults", "lost"),
               "full_lost": told("full", "lost"), "away_lost": told("away", "lost"), "arrives_ms": told("arrives", "first_ms")}
    missed = {name: wanted for name, wanted in WANTED.items() if figures[name] is not None and
              (figures[name] < wanted if name.endswith("at_once") else figures[name] > wanted) and not (options.quick and name.endswith("at_once"))}
    lib.finish(options, "boxes", {**figures, "rows": rows, "missed": missed}, {"redis": lib.package_version("redis-server")})
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""What the benchmarks share: a node of their own, SIP calls from plain sockets, CPU times, the closing JSON line.

Everything runs on one loopback address of this run's own, so that no other program holds a port there; only processes
started here are ended."""
import argparse
import base64
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from children import end, guard, spawn

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("TANDEM_BUILD", ROOT / "build" / "release"))
SERVER_CORE, LOAD_CORE = 0, 1
SUITES = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32")
ADDRESS = f"127.{random.randrange(64, 128)}.{random.randrange(256)}.{random.randrange(1, 255)}"


def arguments(description, rows=()):
    return argument_parser(description, rows).parse_args()


def argument_parser(description, rows=()):
    guard()
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="ends within a minute")
    if rows:
        parser.add_argument("--row", action="append", choices=rows, help="only this one; may be repeated")
    parser.add_argument("--json", metavar="FILE", help="also write the closing line there")
    return parser


def say(text):
    print(text, flush=True)


def finish(options, bench, figures, peers):
    """The one line of JSON every bench closes with."""
    line = json.dumps({"bench": bench, "figures": figures, "peers": peers})
    if options.json:
        pathlib.Path(options.json).write_text(line + "\n")
    say(line)


def median(values):
    return statistics.median(values) if values else None


def package_version(name):
    """Of what is installed, or else unpacked below build/peers (deploy/peers.sh)."""
    out = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True, text=True)
    if out.returncode == 0 and out.stdout.strip():
        return out.stdout.strip()
    versions = pathlib.Path(os.environ.get("TANDEM_PEERS", ROOT / "build" / "peers"), "versions")
    unpacked = dict(line.split("\t") for line in versions.read_text(encoding="ascii").splitlines()) if versions.exists() else {}
    return unpacked.get(name)


def cores():
    return len(os.sched_getaffinity(0))


def pinned(core, command):
    """taskset where there is a second core to keep the load off the server's."""
    return ["taskset", "-c", str(core), *map(str, command)] if cores() > 1 else [*map(str, command)]


def cpu_seconds(pid):
    """On-CPU time of all threads of a process, in seconds, from the scheduler's ns counters."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def media_seconds(pid):
    """The part of the media workers."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
               if (task / "comm").read_text().startswith("media-")) / 1e9


def cpu_seconds_exited(before):
    """CPU of children reaped since `before` (an os.times())."""
    now = os.times()
    return (now.children_user - before.children_user) + (now.children_system - before.children_system)


def memory_bytes(pid):
    """Proportional set size: what the process costs the machine."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1]) * 1024


def own_bytes(pid):
    """The part of it that is the process's own: without pages of programs and libraries, whose share changes with every other process."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(re.search(rf"^{part}:\s+(\d+)", text, re.M)[1]) for part in ("Pss_Anon", "Pss_Shmem")) * 1024


def free_port():
    """A port that is free for UDP and TCP, above all media ports."""
    while True:
        port = random.randrange(60001, 65536)
        try:
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                with socket.socket(socket.AF_INET, kind) as sock:
                    sock.bind((ADDRESS, port))
            return port
        except OSError:
            continue


def wait_for(what, seconds, check):
    end = time.time() + seconds
    while time.time() < end:
        value = check()
        if value:
            return value
        time.sleep(0.05)
    raise SystemExit(f"gave up after {seconds} s: {what}")


class Node:
    """One tandemd in a directory of its own, with its embedded Redis."""

    def __init__(self, media_ports="12000-31999", calls=10000, registrations=100000, trusting=True, limited=False, address=None, command=(),
                 media=(), interface=None, tls_port=None, limits=(), sections=None):
        """address: where it listens; command: what its command line begins with; media, limits: lines of these sections;
        sections: of further ones, by name; interface: of its network."""
        for tool in ("tandemd", "tandemctl"):
            if not (BUILD / "app" / tool).exists():
                raise SystemExit(f"{BUILD}/app/{tool} is missing: build it with ./tandem build release")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tandem-bench-"))
        self.address, self.command = address or ADDRESS, list(command)
        self.sip_port, self.http_port = (5060, 8080) if command else (free_port(), free_port())     # a namespace is ours alone
        self.config = self.dir / "tandem.yaml"
        subprocess.run([*self.command, BUILD / "app" / "tandemctl", "init", "--dir", self.dir, "--bind", self.address,
                        "--sip-ports", str(self.sip_port), "--media-ports", media_ports,
                        *(["--tls-ports", str(tls_port)] if tls_port else []),
                        "--http", f"{self.address}:{self.http_port}"], check=True, stdout=subprocess.DEVNULL)
        text = self.config.read_text()
        if media:
            text = section(text, "media", *media)
        if interface:
            text = re.sub(r"^(\s+)bind:.*\n", rf"\g<0>\1interface: {interface}\n", text, count=1, flags=re.M)
        if trusting:
            text = section(text, "sip", 'trusted: ["127.0.0.0/8"]')
        text = section(text, "limits", f"calls: {calls}", f"registrations: {registrations}",
                       "transactions: 1000000", *limits)
        if not limited and self.knows("quotas"):    # one generator stands for all phones and peers
            text = section(text, "quotas", "share: 100",
                           *(kind + ": {calls: 0, transactions: 0, port_pairs: 0, calls_per_second: 0, "
                             "registrations_per_second: 0}" for kind in ("extension", "source")))
        text = section(text, "log", "level: warn")
        for name, lines in (sections or {}).items():
            text = section(text, name, *lines)
        self.config.write_text(text)
        self.process = None
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    @staticmethod
    def knows(section_name):
        """Has this build such a section? An older one, of `--before`, may not."""
        told = subprocess.run([BUILD / "app" / "tandemctl", "help", "config"], check=True, capture_output=True, text=True).stdout
        return re.search(rf"\b{section_name}\b", told) is not None

    def start(self):
        self.log = open(self.dir / "log", "ab")
        self.process = spawn([*self.command, *pinned(SERVER_CORE, [BUILD / "app" / "tandemd", "--config", self.config])],
                                        stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        wait_for(f"the node to be ready (log: {self.dir}/log)", 20, self.is_ready)

    def is_ready(self):
        if self.process.poll() is not None:
            raise SystemExit((self.dir / "log").read_text()[-3000:])
        try:
            with urllib.request.urlopen(f"http://{self.address}:{self.http_port}/readyz", timeout=1) as page:
                return page.status == 200
        except OSError:
            return False

    @property
    def pid(self):
        return self.process.pid

    def redis_pid(self):
        """The embedded server: the redis-server whose directory is ours."""
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if ((entry / "comm").read_text().strip() == "redis-server"
                        and str((entry / "cwd").resolve()).startswith(str(self.dir))):
                    return int(entry.name)
            except OSError:
                continue
        return None

    def redis_apart(self):
        """Its Redis beside the load: a child has its parent's core, and would take the node from it with each save."""
        if cores() > 1:
            subprocess.run(["taskset", "-acp", str(LOAD_CORE), str(self.redis_pid())], check=True, stdout=subprocess.DEVNULL)

    def ctl(self, command, secret=None, **arguments):
        pairs = [f"{key}={value}" for key, value in arguments.items()]
        done = subprocess.run([BUILD / "app" / "tandemctl", "--config", self.config, "--json", command, *pairs],
                              input=secret, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"tandemctl {command}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)["result"]

    def extension(self, number, password, **flags):
        self.ctl("extension.put", secret=password + "\n", number=number, password="-", **flags)

    def metrics(self):
        with urllib.request.urlopen(f"http://{self.address}:{self.http_port}/metrics", timeout=5) as page:
            text = page.read().decode()
        return {m[1]: float(m[2]) for m in re.finditer(r"^([a-z_]+(?:\{[^}]*\})?) (\S+)$", text, re.M)}

    def stop(self):
        if self.process:
            end(self.process)
        redis = self.redis_pid()    # it outlives a node that was killed
        if redis:
            os.kill(redis, signal.SIGTERM)
        if os.environ.get("TANDEM_KEEP"):
            say(f"# kept {self.dir}")
        else:
            shutil.rmtree(self.dir, ignore_errors=True)


def section(text, name, *lines):
    """Puts lines into a section of the node file, in place of keys that are already there."""
    if not re.search(rf"^{name}:", text, re.M):
        text += f"\n{name}:\n"
    head, tail = re.split(rf"^{name}:.*\n", text, maxsplit=1, flags=re.M)
    body = re.match(r"(?:[ \t]+.*\n|\s*#.*\n|\n)*", tail)[0]
    rest = tail[len(body):]
    for line in lines:
        key = line.split(":")[0]
        body = re.sub(rf"^[ \t]+{key}:.*\n", "", body, flags=re.M)
        body = f"  {line}\n" + body
    return f"{head}{name}:\n{body}{rest}"


# ---- SIP from plain sockets ----

def header(message, name):
    found = re.search(rf"^{name}\s*:\s*(.*?)\r?$", message, re.M | re.I)
    return found[1] if found else None


class Media:
    """What a call carries: one m-line, plain or with SDES keys (RFC 4568)."""

    def __init__(self, video=False, secure=False):
        self.kind = "video" if video else "audio"
        self.secure = secure

    def sdp(self, ip, port, key=None):
        lines = (["96", "a=rtpmap:96 H264/90000", "a=fmtp:96 profile-level-id=42e01f;packetization-mode=1"]
                 if self.kind == "video" else
                 ["0 101", "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=ptime:20"])
        text = (f"v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n"
                f"m={self.kind} {port} RTP/{'SAVP' if self.secure else 'AVP'} " + "\r\n".join(lines) + "\r\n")
        if self.secure:
            text += f"a=crypto:{key.tag} {key.suite} inline:{base64.b64encode(key.octets).decode()}\r\n"
        return text

    def keys(self):
        """Those of one call."""
        return Keys(self)

    def ng(self, command):
        """What rtpengine is told of it, beside the texts."""
        return {"ICE": "remove", "replace": ["origin"]}

    def key(self):
        """A key of ours for an offer."""
        return Key("1", SUITES[0], os.urandom(30)) if self.secure else None

    def their_keys(self, message):
        """The keys of a text, in the order of our liking."""
        keys = [Key(m[1], m[2], base64.b64decode(m[3]))
                for m in re.finditer(r"^a=crypto:(\d+) (\S+) inline:([A-Za-z0-9+/=]+)", message, re.M) if m[2] in SUITES]
        return sorted(keys, key=lambda key: SUITES.index(key.suite))

    def address(self, message):
        ip = re.search(r"^c=IN IP4 (\S+)", message, re.M)[1]
        return ip, int(re.search(rf"^m={self.kind} (\d+)", message, re.M)[1])


class Key:
    """A line a=crypto (RFC 4568)."""

    def __init__(self, tag, suite, octets):
        self.tag, self.suite, self.octets = tag, suite, octets


class Keys:
    """Who sends and hears with what in one call. A key that a server hands on is no key of its own: it would only copy packets, which
    is not what is measured. So B takes an offered line with another one."""

    def __init__(self, media):
        self.media = media
        self.a_sends = media.key()
        self.a_hears = self.b_sends = self.b_hears = None

    def offered(self, offer):
        """Returns B's answer to it."""
        if self.media.secure:
            fresh = [key for key in self.media.their_keys(offer) if key.octets != self.a_sends.octets]
            if not fresh:
                raise SystemExit(f"no key of the server's own in:\n{offer}")
            self.b_hears = fresh[0]
            self.b_sends = Key(fresh[0].tag, fresh[0].suite, os.urandom(30))
        return self.b_sends

    def answered(self, answer):
        if self.media.secure:
            fresh = [key for key in self.media.their_keys(answer) if key.octets != self.b_sends.octets]
            if not fresh:
                raise SystemExit(f"no key of the server's own in:\n{answer}")
            self.a_hears = fresh[0]

    def text(self):
        """For rtpload."""
        if not self.media.secure:
            return ""
        return "".join(f" {key.octets.hex()}{'/32' if key.suite.endswith('_32') else ''}"
                       for key in (self.a_sends, self.a_hears, self.b_sends, self.b_hears))


class Placed:
    """A call that stands: where each party sends, and with what keys."""

    def __init__(self, a_port, to_a, b_port, to_b, keys, address=None):
        self.ends, self.address = ((a_port, to_a), (b_port, to_b)), address or ADDRESS
        self.keys = keys

    def line(self):
        """For rtpload."""
        text = " ".join(f"{self.address}:{port} {to[0]}:{to[1]}" for port, to in self.ends)
        return f"{text}{self.keys.text()}\n"


def digest_answer(challenge, user, password, method, uri):
    field = lambda name: re.search(rf'{name}="([^"]*)"', challenge)[1]
    md5 = lambda text: hashlib.md5(text.encode()).hexdigest()
    realm, nonce = field("realm"), field("nonce")
    cnonce = os.urandom(8).hex()
    ha1, ha2 = md5(f"{user}:{realm}:{password}"), md5(f"{method}:{uri}")
    response = md5(f"{ha1}:{nonce}:00000001:{cnonce}:auth:{ha2}")
    return (f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", response="{response}", '
            f'algorithm=MD5, qop=auth, nc=00000001, cnonce="{cnonce}"')


def register(node_port, user, password, contact_port, sock=None, expires=3600, node=None, own_address=None, contact=None, gone=None):
    """Registers user at contact_port, from that very port (a node answers to where a request came from).
    node, own_address: where the node and the phone are, if not both at ADDRESS; contact: another URI than that port's;
    gone: one that the user is at no more."""
    node, own_address = node or ADDRESS, own_address or ADDRESS
    contact = contact or f"sip:{user}@{own_address}:{contact_port}"
    own = sock or socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if not sock:
        own.bind((own_address, contact_port))
    own.settimeout(2)
    uri, tag, call = f"sip:{node}:{node_port}", os.urandom(4).hex(), os.urandom(8).hex()
    contacts = f"<{contact}>" + (f", <{gone}>;expires=0" if gone else "")
    authorization = ""
    for cseq in (1, 2):
        own.sendto((f"REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {own_address}:{contact_port};rport;"
                    f"branch=z9hG4bK{os.urandom(6).hex()}\r\nMax-Forwards: 70\r\n"
                    f"From: <sip:{user}@{node}>;tag={tag}\r\nTo: <sip:{user}@{node}>\r\nCall-ID: {call}\r\n"
                    f"CSeq: {cseq} REGISTER\r\nContact: {contacts}\r\n"
                    f"Expires: {expires}\r\n{authorization}Content-Length: 0\r\n\r\n").encode(),
                   (node, node_port))
        answer = own.recv(65536).decode()
        status = int(answer.split()[1])
        if status == 200:
            break
        if status != 401 or authorization:
            raise SystemExit(f"REGISTER of {user}: {answer.splitlines()[0]}")
        challenge = next(m[1] for m in re.finditer(r"^WWW-Authenticate\s*:\s*(.*?)\r?$", answer, re.M | re.I)
                         if "MD5" in m[1] or "algorithm" not in m[1])
        authorization = f"Authorization: {digest_answer(challenge, user, password, 'REGISTER', uri)}\r\n"
    if not sock:
        own.close()


class Calls:
    """Many calls through a node between two sockets of ours; each with media ports of its own."""

    def __init__(self, node_port, media=None, caller="caller", password=None, callee="2000", node=None, address=None,
                 callee_address=None):
        """node, address: where the node and the phones are, if not both at ADDRESS; callee_address: where the callee is, if elsewhere."""
        self.node, self.address = (node or ADDRESS, node_port), address or ADDRESS
        self.callee_address = callee_address or self.address
        self.media = media or Media()
        self.caller, self.password, self.callee = caller, password, callee
        self.a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.a.bind((self.address, 0))
        self.b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.b.bind((self.callee_address, 0))
        for sock in (self.a, self.b):
            sock.settimeout(3)
        self.dialogs = []
        self.ports = {}         # Call-ID of a party's dialog -> its media port

    @property
    def callee_port(self):
        return self.b.getsockname()[1]

    def receive(self, sock, want):
        while True:
            message = sock.recv(65536).decode()
            if want(message):
                return message

    def request(self, method, uri, to, rest, body=""):
        via = f"Via: SIP/2.0/UDP {self.address}:{self.a.getsockname()[1]};rport;branch=z9hG4bK{os.urandom(6).hex()}\r\n"
        content = "Content-Type: application/sdp\r\n" if body else ""
        self.a.sendto((f"{method} {uri} SIP/2.0\r\n{via}To: {to}\r\nMax-Forwards: 70\r\n{rest}{content}"
                       f"Content-Length: {len(body)}\r\n\r\n{body}").encode(), self.node)
        return via

    def invite(self, uri, head, body):
        """Sends it, with credentials where they are asked for; returns the INVITE that reached the callee."""
        via = self.request("INVITE", uri, f"<{uri}>", f"{head}CSeq: 1 INVITE\r\n", body)
        if self.password:
            answer = self.receive(self.a, lambda m: not m.startswith("SIP/2.0 100"))
            if not answer.startswith("SIP/2.0 407"):
                raise SystemExit(f"no challenge: {answer.splitlines()[0]}")
            self.a.sendto((f"ACK {uri} SIP/2.0\r\n{via}To: {header(answer, 'To')}\r\nMax-Forwards: 70\r\n{head}"
                           "CSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n").encode(), self.node)
            credentials = digest_answer(header(answer, "Proxy-Authenticate"), self.caller, self.password, "INVITE", uri)
            self.request("INVITE", uri, f"<{uri}>",
                         f"{head}CSeq: 2 INVITE\r\nProxy-Authorization: {credentials}\r\n", body)
        try:
            return self.receive(self.b, lambda m: m.startswith("INVITE"))
        except TimeoutError:
            refusal = self.receive(self.a, lambda m: not m.startswith("SIP/2.0 100"))
            raise SystemExit(f"call {len(self.dialogs)} did not reach the callee: {refusal.splitlines()[0]}") from None

    def place(self, a_port, b_port):
        uri = f"sip:{self.callee}@{self.node[0]}:{self.node[1]}"
        head = (f"From: <sip:{self.caller}@{self.node[0]}>;tag={os.urandom(4).hex()}\r\nCall-ID: {os.urandom(8).hex()}\r\n"
                f"Contact: <sip:{self.caller}@{self.address}:{self.a.getsockname()[1]}>\r\n")
        keys = self.media.keys()
        invite = self.invite(uri, head, self.media.sdp(self.address, a_port, keys.a_sends))
        answer = self.media.sdp(self.address, b_port, keys.offered(invite))
        self.ports |= {header(head, "Call-ID"): a_port, header(invite, "Call-ID"): b_port}
        copied = "".join(f"{line}\r\n" for line in invite.split("\r\n")
                         if re.match(r"(via|from|call-id|cseq|record-route)\s*:", line, re.I))
        self.b.sendto((f"SIP/2.0 200 OK\r\n{copied}To: {header(invite, 'To')};tag={os.urandom(4).hex()}\r\n"
                       f"Contact: <sip:{self.callee}@{self.callee_address}:{self.callee_port}>\r\n"
                       f"Content-Type: application/sdp\r\nContent-Length: {len(answer)}\r\n\r\n{answer}").encode(),
                      self.node)
        ok = self.receive(self.a, lambda m: m.startswith("SIP/2.0") and int(m.split()[1]) >= 200)
        if not ok.startswith("SIP/2.0 200"):
            raise SystemExit(f"a call was refused: {ok.splitlines()[0]}")
        target, to = re.search(r"<([^>]*)>", header(ok, "Contact"))[1], header(ok, "To")
        cseq = 2 if self.password else 1
        self.request("ACK", target, to, f"{head}CSeq: {cseq} ACK\r\n")
        self.receive(self.b, lambda m: m.startswith("ACK"))
        self.dialogs.append((target, head, to))
        keys.answered(ok)
        return Placed(a_port, self.media.address(ok), b_port, self.media.address(invite), keys, self.address)

    def hang_up(self):
        for target, head, to in self.dialogs:
            self.request("BYE", target, to, f"{head}CSeq: 3 BYE\r\n")
            bye = self.receive(self.b, lambda m: m.startswith("BYE"))
            copied = "".join(f"{line}\r\n" for line in bye.split("\r\n")
                             if re.match(r"(via|from|to|call-id|cseq)\s*:", line, re.I))
            self.b.sendto(f"SIP/2.0 200 OK\r\n{copied}Content-Length: 0\r\n\r\n".encode(), self.node)
            self.receive(self.a, lambda m: m.startswith("SIP/2.0 200"))
        self.dialogs.clear()

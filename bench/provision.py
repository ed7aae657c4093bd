#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Phones that fetch their files: how many a second, how soon all are back behind a power cut, how soon a phone is of who keys #17, and what leaks or mixes.

Row `fetches`: connections from addresses of their own ask for first files, which are rendered anew each time, and for files of a boot, which the node has. Row
`tls`: connections by TLS, with a whole handshake of each kind of key, and resumed, with one request each. Row
`phones`: all phones boot at once, 8 files each over one connection, and register. Row `login`: #17, extension and PIN are keyed as soon as they are asked for; the
phone fetches its files when it is told to, registers, and calls. Row `secrets`: a scanner asks without and with wrong credentials; what it got, the log and Redis are
searched for passwords. Row `revisions`: boots whose files are of two nodes in turn, while the device changes and one node is killed. The node has one core. Load and
Redis have the other."""
import base64
import contextlib
import hashlib
import heapq
import json
import os
import pathlib
import random
import re
import secrets
import select
import socket
import subprocess
import sys
import tempfile
import time

import lib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "client"))
from tandem_client import Client, Refused   # noqa: E402

ROWS = ("fetches", "tls", "phones", "login", "secrets", "revisions")
MEASURE = lib.ROOT / "tests" / "phones" / "measure.py"
CONNECTIONS = 64
TRIES, WAIT_S = 3, 1.0
OF_SOURCE = 1800        # requests that an address has at once
WRONG = "not-the-password"


def mac(n):
    return f"0004f3{n:06x}"


def password(n):
    return f"secret-{n}-of-a-phone"


def basic(user, secret):
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


def ha1(text):
    return ":".join(hashlib.new(name, text.encode()).hexdigest() for name in ("md5", "sha256", "sha512_256"))


def put(client, command, **arguments):
    """On a busy machine Redis may answer too late: the same again changes nothing."""
    for _ in range(5):
        with contextlib.suppress(Refused):
            return client.ask(command, wait=30.0, **arguments)
    raise SystemExit(f"{command} {arguments}: refused five times")


def register(sock, number, call, cseq, proof):
    host, port = sock.getsockname()
    lines = [f"REGISTER sip:{lib.ADDRESS} SIP/2.0", f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{secrets.token_hex(8)};rport", "Max-Forwards: 70",
             f"From: <sip:{number}@{lib.ADDRESS}>;tag=1", f"To: <sip:{number}@{lib.ADDRESS}>", f"Call-ID: {call}", f"CSeq: {cseq} REGISTER",
             f"Contact: <sip:{number}@{host}:{port}>", "Expires: 90", *([proof] if proof else []), "Content-Length: 0"]
    return "\r\n".join([*lines, "", ""]).encode()


class Office(lib.Node):
    """A node with so many extensions from 1000 on, each with a device; files over HTTP."""

    def __init__(self, phones, sections=None):
        self.files, self.files_tls = lib.free_port(), lib.free_port()
        super().__init__(sections={"provision": [f"bind: {lib.ADDRESS}", f"http: {self.files}", f"https: {self.files_tls}"], **(sections or {})})
        try:
            self.redis_apart()
            realm = self.realm()
            with Client(str(next(self.dir.rglob("redis.sock"))), "_operator") as client:
                for n in range(phones):     # by hashes, as tandemctl does: a command lies in Redis as it was given
                    put(client, "extension.put", number=str(1000 + n), ha1=ha1(f"{1000 + n}:{realm}:{password(n)}"))
                    put(client, "device.put", mac=mac(n), model="vvx410", extensions=str(1000 + n))
        except BaseException:
            self.stop()
            raise


    def realm(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.connect((self.address, self.sip_port))
            sock.send(register(sock, "1", "realm", 1, ""))
            return re.search(r'realm="([^"]*)"', sock.recv(4096).decode())[1]


class Link:
    """A kept connection from an address of its own, with one request under way."""

    def __init__(self, node, n):
        self.to, self.source = (node.address, node.files), f"127.{100 + n // 60000}.{n // 250 % 250}.{1 + n % 250}"
        self.socket = None
        self.open()

    def open(self):
        """Again under the same number of a descriptor: a node that has too much to do closes the connection."""
        made = socket.create_connection(self.to, 10, (self.source, 0))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.socket:
            os.dup2(made.fileno(), self.socket.fileno())
            made.close()
        else:
            self.socket = made
        self.octets = b""

    def ask(self, path, proof="", method="GET", body=b""):
        lines = [f"{method} /{path} HTTP/1.1", f"Host: {lib.ADDRESS}", "User-Agent: FileTransport PolycomVVX-VVX_410-UA/5.4.2.6345"]
        lines += [f"Authorization: {proof}"] if proof else []
        lines += [f"Content-Length: {len(body)}"] if body else []
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    def take(self):
        """(status, body) when the answer is whole, or None."""
        try:
            came = self.socket.recv(262144)
        except ConnectionResetError:
            came = b""
        if not came:            # the node has no room for more connections
            return 0, b""
        self.octets += came
        head, end, rest = self.octets.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head) if end else None
        if not end or (length and len(rest) < int(length[1])):
            return None
        size = int(length[1]) if length else 0
        self.octets = rest[size:]
        return int(head.split(b" ", 2)[1]), rest[:size]

    def answer(self):
        while True:
            taken = self.take()
            if taken:
                return taken


def turns(runs, seconds):
    """Steps each of (socket, generator) whenever its socket can be read, or after the seconds that it has yielded.  How many have not ended in time."""
    poll, end, left, asleep = select.epoll(), time.monotonic() + seconds, {}, []
    for sock, run in runs:
        left[sock.fileno()] = run
        poll.register(sock.fileno(), select.EPOLLIN)
    while left and time.monotonic() < end:
        ready = [fd for fd, _ in poll.poll(0.02)]
        while asleep and asleep[0][0] <= time.monotonic():
            ready.append(heapq.heappop(asleep)[1])
        for fd in ready:
            try:
                rest = next(left[fd])
                if rest:        # on a new connection at the same place
                    heapq.heappush(asleep, (time.monotonic() + rest, fd))
                    poll.unregister(fd)
                else:
                    with contextlib.suppress(FileExistsError):
                        poll.register(fd, select.EPOLLIN)
            except StopIteration:   # its socket may be closed, and leaves the poll so
                with contextlib.suppress(OSError):
                    poll.unregister(fd)
                del left[fd]
    return len(left)


# ---- fetches ----

def load(node, port, kind, seconds, first, lines):
    """What bench/fileload.c says, and the node's seconds of a processor for each answer."""
    before = lib.cpu_seconds(node.pid)
    done = subprocess.run(lib.pinned(lib.LOAD_CORE, [lib.BUILD / "bench" / "fileload", f"{node.address}:{port}", kind, seconds, CONNECTIONS, first]),
                          input="".join(f"{path} {proof}\n" for path, proof in lines), text=True, capture_output=True, check=True)
    said = json.loads(done.stdout)
    if said["failed"] or not said["answers"]:
        raise SystemExit(f"{kind}: {said['failed']} requests failed, {said['answers']} were answered")
    return said | {"per_second": said["answers"] / said["seconds"], "cpu_us": (lib.cpu_seconds(node.pid) - before) / said["answers"] * 1e6}


def row_fetches(options, node):
    seconds, proofs = 4 if options.quick else 10, [basic(1000 + n, password(n)) for n in range(CONNECTIONS)]
    anew = load(node, node.files, "kept", seconds, 0, [(f"{mac(n)}.cfg", proof.split()[1]) for n, proof in enumerate(proofs)])
    link, names = Link(node, 5000), []
    for n, proof in enumerate(proofs):
        link.ask(f"{mac(n)}.cfg", proof)
        names.append(re.search(rb'CONFIG_FILES="([^"]*)"', link.answer()[1])[1].decode().split(", ")[-1])
    cached = load(node, node.files, "kept", seconds, 100000, [(name, proof.split()[1]) for name, proof in zip(names, proofs, strict=True)])
    lib.say(f"fetches a second: rendered anew {anew['per_second']:.0f} ({anew['cpu_us']:.0f} us of the node each), "
            f"from the cache {cached['per_second']:.0f} ({cached['cpu_us']:.0f} us)")
    return {"fetches_per_second": round(anew["per_second"]), "fetches_per_second_cached": round(cached["per_second"]),
            "fetch_cpu_us": round(anew["cpu_us"], 1), "fetch_cached_cpu_us": round(cached["cpu_us"], 1)}


def row_tls(options):
    """A request each for the file that needs no credentials."""
    seconds, figures, lines = 4 if options.quick else 10, {}, [("000000000000.cfg", "-")] * CONNECTIONS
    for name, key in ("ecdsa", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]), ("rsa", ["rsa:2048"]):
        with tempfile.TemporaryDirectory() as folder:
            cert, secret = pathlib.Path(folder, "cert.pem"), pathlib.Path(folder, "key.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", *key, "-nodes", "-keyout", secret, "-out", cert, "-days", "2", "-subj", "/CN=node"],
                           check=True, capture_output=True)
            node = Office(0, {"tls": [f"certificate: {cert}", f"key: {secret}"]})
            try:
                for kind in ("new", "resumed") if name == "ecdsa" else ("new",):
                    said = load(node, node.files_tls, kind, seconds, 0, lines)
                    figure = "resumed" if kind == "resumed" else name
                    if kind == "resumed" and said["whole_handshakes"] > CONNECTIONS:
                        raise SystemExit(f"{said['whole_handshakes']} handshakes of {said['answers']} were not resumed")
                    figures[f"tls_per_second_{figure}"] = round(said["per_second"])
                    figures[f"tls_cpu_us_{figure}"] = round(said["cpu_us"], 1)
                    lib.say(f"TLS connections a second, {figure}: {said['per_second']:.0f} ({said['cpu_us']:.0f} us of the node each)")
            finally:
                node.stop()
    return figures


# ---- phones ----

def digest(challenge, user, secret, uri):
    of = dict(re.findall(r'(\w+)="?([^",]+)', challenge))
    def md5(*parts):
        return hashlib.md5(":".join(parts).encode()).hexdigest()
    cnonce = secrets.token_hex(8)
    proof = md5(md5(user, of["realm"], secret), of["nonce"], "00000001", cnonce, "auth", md5("REGISTER", uri))
    return (f'Authorization: Digest username="{user}", realm="{of["realm"]}", nonce="{of["nonce"]}", uri="{uri}", algorithm=MD5, qop=auth, nc=00000001, '
            f'cnonce="{cnonce}", response="{proof}"')


class Phone:
    """Boots over one connection, and registers by UDP from the same address."""

    def __init__(self, node, n):
        self.node, self.n, self.number, self.done, self.again = node, n, str(1000 + n), False, 0
        self.link = Link(node, 10000 + n)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((self.link.socket.getsockname()[0], 0))
        self.udp.connect((node.address, node.sip_port))

    def fetch(self, path, status, method="GET", body=b""):
        """With "File Transmit Tries" 3 and "Retry Wait" 1 s, as phones have it."""
        for attempt in range(TRIES):
            if attempt:
                self.again += 1
                yield WAIT_S
                self.link.open()
            try:
                self.link.ask(path, basic(self.number, password(self.n)), method, body)
            except OSError:
                continue
            yield
            while not (taken := self.link.take()):
                yield
            if taken[0] == status:
                return taken[1]
            if taken[0] not in (0, 429, 503):
                raise SystemExit(f"{path}: {taken[0]}")
        return None

    def boot(self):
        """Again and again, while the node has too much to do."""
        while not (yield from self.boots()):
            self.again += 1
            yield WAIT_S
            self.link.open()
        self.link.socket.close()
        self.register("")

    def boots(self):
        own = mac(self.n)
        master = yield from self.fetch(f"{own}.cfg", 200)
        if not master:
            return False
        for name in (f"{own}-license.cfg", f"{own}-phone.cfg"):
            yield from self.fetch(name, 404)
        for name in re.search(rb'CONFIG_FILES="([^"]*)"', master)[1].decode().split(", "):
            if not (yield from self.fetch(name, 200)):
                return False
        if not (yield from self.fetch(f"{own}-directory.xml", 200)):
            return False
        return (yield from self.fetch(f"{own}-boot.log", 201, "PUT", b"boot\n")) is not None

    def register(self, proof):
        self.udp.send(register(self.udp, self.number, f"boot-{self.n}", 2 if proof else 1, proof))

    def registers(self):
        while not self.done:
            yield
            text = self.udp.recv(4096).decode()
            challenge = re.search(r"WWW-Authenticate: Digest ([^\r]*algorithm=MD5[^\r]*)", text)
            if text.startswith("SIP/2.0 401") and challenge:
                self.register(digest(challenge[1], self.number, password(self.n), f"sip:{lib.ADDRESS}"))
            elif not text.startswith("SIP/2.0 2"):
                raise SystemExit(text.partition("\r\n")[0])
            else:
                self.done = True


def row_phones(options, node, phones):
    all_of = [Phone(node, n) for n in range(phones)]
    runs = []
    began = time.monotonic()
    for phone in all_of:
        for sock, run in ((phone.link.socket, phone.boot()), (phone.udp, phone.registers())):
            next(run)
            runs.append((sock, run))
    left = turns(runs, 40 if options.quick else 280)
    spent = time.monotonic() - began
    if left or not all(phone.done for phone in all_of):
        raise SystemExit(f"{sum(not phone.done for phone in all_of)} of {phones} phones have not registered; {left} wait")
    again = sum(phone.again for phone in all_of)
    lib.say(f"{phones} phones have 8 files each, and are registered: {spent:.1f} s; {again} requests were made again")
    return {"phones_all_s": round(spent, 1), "phones": phones}


# ---- secrets ----

def row_secrets(options, node, phones):
    """Wrong credentials are few for each address, as guesses are braked; all else has none."""
    requests, got = 2000 if options.quick else 100000, []
    links = [Link(node, 40000 + n) for n in range(-(-requests // OF_SOURCE) + 8)]
    rolls = random.Random(17)
    for n in range(requests):
        link, whose = links[n // OF_SOURCE], mac(rolls.randrange(phones))
        path = rolls.choice((f"{whose}.cfg", "000000000000.cfg", f"{whose}-phone.cfg", f"{whose}-0123456789abcdef/Extension_1000.cfg", f"../{whose}.cfg", f"{whose}-directory.xml"))
        link.ask(path, basic(str(1000 + rolls.randrange(phones)), WRONG) if n % OF_SOURCE < 3 else "")
        got.append(link.answer()[1])
    with Client(str(next(node.dir.rglob("redis.sock"))), "_operator") as client:
        got += [json.dumps(client.ask(command)).encode() for command in ("device.list", "extension.list")]
    got.append((node.dir / "log").read_bytes())
    got += [path.read_bytes() for path in node.dir.rglob("*") if path.is_file() and path.suffix in (".aof", ".rdb")]
    leaked = sum(octets.count(b"-of-a-phone") for octets in got)
    lib.say(f"{requests} requests of a scanner, log and Redis: {leaked} passwords in what can be read")
    return {"secrets_leaked": leaked, "scanner_requests": requests}


# ---- by the scripted phone ----

def measured(*row):
    done = subprocess.run([sys.executable, MEASURE, *map(str, row)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def main():
    options = lib.arguments(__doc__, ROWS)
    rows, figures = options.row or ROWS, {}
    phones = 500 if options.quick else 10000
    if {"fetches", "phones", "secrets"} & set(rows):
        node = Office(phones)
        try:
            for name, row in (("fetches", lambda: row_fetches(options, node)), ("phones", lambda: row_phones(options, node, phones)),
                              ("secrets", lambda: row_secrets(options, node, phones))):
                if name in rows:
                    figures |= row()
        finally:
            node.stop()
    if "tls" in rows:
        figures |= row_tls(options)
    if "login" in rows:
        figures |= measured("login", 3 if options.quick else 20)
    if "revisions" in rows:
        figures |= measured("revisions", 60 if options.quick else 1000)
    lib.finish(options, "provision", figures, {})


if __name__ == "__main__":
    main()

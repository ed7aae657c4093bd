#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Phones that fetch their files: how many a second, how soon all are back behind a power cut, how soon a phone is of who keys #17, and what leaks or mixes.

Row `fetches`: connections from addresses of their own ask for first files, which are rendered anew each time, and for files of a boot, which the node has.
Row `tls`: connections by TLS, with a whole handshake of each kind of key, and resumed, with one request each. Row `phones`: all phones boot at once, 8 files
each over one connection, register and watch their lamps, by HTTP and by TLS, while others talk. Row `login`: #17, extension and PIN are keyed as soon as they are
asked for; the phone fetches its files when it is told to, registers, and calls. Row `secrets`: a scanner asks without and with wrong credentials, and with those of
another tenant; what it got, and all files of the node are searched for passwords. Row `revisions`: boots whose files are of two nodes in turn, while the device
changes and one node is killed. The node has one core. Load and Redis have the other."""
import base64
import contextlib
import hashlib
import json
import pathlib
import random
import re
import secrets
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
OF_SOURCE = 1800        # requests that an address has at once
WRONG, OTHER_HOST, OTHER_SECRET = "not-the-password", "other.example", "secret-of-another-tenant"
LIT, DARK, BUSY = "900", "901", "902"   # who talks, who does not, and who has all other calls
LAMPS = 4       # of each phone: of LIT, DARK and two neighbours
CALLS, PARTY_PORTS, WARM_UP_S, QUIET_S = 10, 40000, 3, 10
PHONES_S, CALLS_SECRET = 280, "bench-secret"


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
                for number in (LIT, DARK, BUSY) if phones else ():
                    put(client, "extension.put", number=number, ha1=ha1(f"{number}:{realm}:{CALLS_SECRET}"))
                for n in range(phones):     # by hashes, as tandemctl does: a command lies in Redis as it was given
                    lamps = [LIT, *(str(1000 + (n + k) % phones) for k in range(1, LAMPS - 1)), DARK]
                    put(client, "extension.put", number=str(1000 + n), ha1=ha1(f"{1000 + n}:{realm}:{password(n)}"),
                        lamps=",".join(f"{slot}=blf:{number}" for slot, number in enumerate(lamps, 1)))
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
    """A kept connection from an address of its own."""

    def __init__(self, node, n):
        self.to, self.source = (node.address, node.files), f"127.{100 + n // 60000}.{n // 250 % 250}.{1 + n % 250}"
        self.socket = None
        self.open()

    def open(self):
        if self.socket:
            self.socket.close()
        self.socket = socket.create_connection(self.to, 10, (self.source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, path, proof="", host=lib.ADDRESS):
        lines = [f"GET /{path} HTTP/1.1", f"Host: {host}", "User-Agent: FileTransport PolycomVVX-VVX_410-UA/5.4.2.6345"]
        self.socket.sendall("\r\n".join([*lines, *([f"Authorization: {proof}"] if proof else []), "", ""]).encode())

    def answer(self):
        """(status, body); 0: the connection was closed."""
        octets = b""
        while True:
            came = b""
            with contextlib.suppress(ConnectionResetError):
                came = self.socket.recv(262144)
            if not came:
                return 0, b""
            octets += came
            head, end, rest = octets.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head) if end else None
            if end and len(rest) >= int(length[1] if length else 0):
                return int(head.split(b" ", 2)[1]), rest


def boot(link, n):
    """Fetches the files of that phone which its first one names; their names."""
    proof = basic(1000 + n, password(n))
    link.ask(f"{mac(n)}.cfg", proof)
    names = re.search(rb'CONFIG_FILES="([^"]*)"', link.answer()[1])[1].decode().split(", ")
    for name in names:
        link.ask(name, proof)
        if link.answer()[0] != 200:
            raise SystemExit(f"{name} is not there")
    return names


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
    names = [boot(Link(node, 5000 + n), n)[-1] for n in range(CONNECTIONS)]
    cached = load(node, node.files, "kept", seconds, 100000, [(name, proof.split()[1]) for name, proof in zip(names, proofs, strict=True)])
    lib.say(f"fetches a second: rendered anew {anew['per_second']:.0f} ({anew['cpu_us']:.0f} us of the node each), "
            f"from the cache {cached['per_second']:.0f} ({cached['cpu_us']:.0f} us)")
    return {"fetches_per_second": round(anew["per_second"]), "fetches_per_second_cached": round(cached["per_second"]),
            "fetch_cpu_us": round(anew["cpu_us"], 1), "fetch_cached_cpu_us": round(cached["cpu_us"], 1)}


KEYS = {"ecdsa": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"]}


@contextlib.contextmanager
def office(phones, key="ecdsa"):
    """A node with a certificate of that key."""
    with tempfile.TemporaryDirectory() as folder:
        cert, secret = pathlib.Path(folder, "cert.pem"), pathlib.Path(folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", *KEYS[key], "-nodes", "-keyout", secret, "-out", cert, "-days", "2", "-subj", "/CN=node"],
                       check=True, capture_output=True)
        node = Office(phones, {"tls": [f"certificate: {cert}", f"key: {secret}"]})
        try:
            yield node
        finally:
            node.stop()


def row_tls(options):
    """A request each for the file that needs no credentials."""
    seconds, figures, lines = 4 if options.quick else 10, {}, [("000000000000.cfg", "-")] * CONNECTIONS
    for name in KEYS:
        with office(0, name) as node:
            for kind in ("new", "resumed") if name == "ecdsa" else ("new",):
                said = load(node, node.files_tls, kind, seconds, 0, lines)
                figure = "resumed" if kind == "resumed" else name
                if kind == "resumed" and said["whole_handshakes"] > CONNECTIONS:
                    raise SystemExit(f"{said['whole_handshakes']} handshakes of {said['answers']} were not resumed")
                figures[f"tls_per_second_{figure}"] = round(said["per_second"])
                figures[f"tls_cpu_us_{figure}"] = round(said["cpu_us"], 1)
                lib.say(f"TLS connections a second, {figure}: {said['per_second']:.0f} ({said['cpu_us']:.0f} us of the node each)")
    return figures


# ---- phones ----

class Others:
    """Calls of others, one of which is a lamp of each phone: what is lost of their sound while something goes on, and how late it comes."""

    def __init__(self, node, count):
        self.placed = []
        for number, share in ((LIT, 1), (BUSY, count - 1)):
            calls = lib.Calls(node.sip_port, callee=number)
            lib.register(node.sip_port, number, CALLS_SECRET, calls.callee_port, calls.b)
            for _ in range(share):
                port = PARTY_PORTS + 4 * len(self.placed)
                self.placed.append(calls.place(port, port + 2))

    @contextlib.contextmanager
    def during(self, told):
        run = lib.spawn(lib.pinned(lib.LOAD_CORE, [lib.BUILD / "bench" / "rtpload", "--seconds", 3600, "--warm-up", WARM_UP_S]),
                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        run.stdin.write("".join(call.line() for call in self.placed))
        run.stdin.close()
        time.sleep(WARM_UP_S)
        yield
        lib.end(run)
        said = json.loads(run.stdout.read().splitlines()[-1])
        told |= {"call_packets": said["sent"], "call_packets_lost": said["lost"], "call_latency_ms_p99": round(said["latency_us"]["p99"] / 1e3, 1),
                 "call_gap_ms_max": said["gap_ms"]["max"]}


def refusals(node):
    """How often the node has refused, by reason, but for challenges; and how many subscriptions it has."""
    found = {re.search('"(.*)"', name)[1]: int(value) for name, value in node.metrics().items() if name.startswith("tandem_sip_refused_total") and value}
    return {reason: count for reason, count in found.items() if reason != "challenged"}, int(node.metrics()["tandem_subscriptions"])


def row_phones(options, node, phones):
    """Over HTTP, then over TLS, at once each time.  All that a phone had of the time before is gone, but its registration."""
    figures, others = {"phones": phones}, Others(node, CALLS)
    with others.during(figures):
        time.sleep(QUIET_S)
    figures = {"phones": phones} | {f"quiet_{name}": value for name, value in figures.items() if name.startswith("call")}
    for kind, port, end in (("http", node.files, ""), ("https", node.files_tls, "_tls")):
        told, before, began, (were, _) = {}, lib.cpu_seconds(node.pid), time.time() * 1000, refusals(node)
        with others.during(told):
            done = subprocess.run(lib.pinned(lib.LOAD_CORE, [
                lib.BUILD / "bench" / "bootload", f"{node.address}:{port}", f"{node.address}:{node.sip_port}", node.realm(), kind, phones,
                PHONES_S, LIT, LAMPS]), text=True, capture_output=True, check=True)
        said = json.loads(done.stdout)
        lib.say(f"# {kind}: {said}, {told}, {lib.cpu_seconds(node.pid) - before:.1f} s of the node's processor")
        refused, subscriptions = refusals(node)
        lib.say(f"# refused: {({reason: count - were.get(reason, 0) for reason, count in refused.items()})}; {subscriptions} subscriptions")
        if said["done"] != phones:
            raise SystemExit(f"{phones - said['done']} of {phones} phones are not ready")
        lib.wait_for("the node to see all of them", 60, lambda: all(row["seen"]["registered_utc_ms"] >= began for row in node.ctl("device.list")))
        lib.say(f"{phones} phones have 8 files each by {kind}, are registered, and their lamps are right: {said['lamps_s']:.1f} s; {said['again']} times "
                f"one had to come again; of {told['call_packets']} packets of others' calls {told['call_packets_lost']} were lost")
        figures |= {f"phones_all{end}_s": round(said["lamps_s"], 1), f"phones_came_again{end}": said["again"], "whole_handshakes": said["whole_handshakes"]}
        figures |= {f"{name}{end}": value for name, value in told.items()}
    return figures


# ---- secrets ----

def row_secrets(options, node, phones):
    """Behind boots, so that caches and Redis have what there is. A scanner asks, and a phone of another tenant that has a right password there, for files of
    phones here. Wrong credentials are few for each address, as guesses are braked. What they get is searched for passwords, and so is each file of the node."""
    requests, got, refused = 2000 if options.quick else 100000, [], 0
    node.ctl("tenant.put", name="other", domains=OTHER_HOST)
    node.ctl("extension.put", secret=OTHER_SECRET + "\n", tenant="other", number="77", password="-")
    node.ctl("device.put", tenant="other", mac=mac(0), model="vvx410", extensions="77")     # the MAC of a phone here, too
    names = [name for n in range(CONNECTIONS) for name in boot(Link(node, 30000 + n), n)]
    links = [Link(node, 40000 + n) for n in range(-(-requests // OF_SOURCE) + 8)]
    rolls = random.Random(17)
    for n in range(requests):
        link, whose, foreign = links[n // OF_SOURCE], mac(rolls.randrange(phones)), n % 10 == 9
        path = rolls.choice((f"{whose}.cfg", "000000000000.cfg", f"{whose}-phone.cfg", rolls.choice(names), f"../{whose}.cfg", f"{whose}-directory.xml", f"{mac(0)}.cfg"))
        link.ask(path, basic("77", OTHER_SECRET) if foreign else basic(str(1000 + rolls.randrange(phones)), WRONG) if n % OF_SOURCE < 3 else "",
                 host=OTHER_HOST if foreign else lib.ADDRESS)
        status, body = link.answer()
        refused += status in (401, 404)
        got.append(body)
        if not status:      # this one was closed, for a path that is none
            link.open()
    if refused < requests / 2:
        raise SystemExit(f"{refused} of {requests} requests were answered 401 or 404")
    with Client(str(next(node.dir.rglob("redis.sock"))), "_operator") as client:
        got += [json.dumps(client.ask(command)).encode() for command in ("device.list", "extension.list")]
    files = [path for path in node.dir.rglob("*") if path.is_file()]
    stored = [octets for octets in map(pathlib.Path.read_bytes, files) if names[0].partition("/")[0].encode() in octets]
    if not stored:
        raise SystemExit("no file of the node has a boot: Redis writes none")
    got += map(pathlib.Path.read_bytes, files)
    leaked = sum(octets.count(b"-of-a-phone") for octets in got)
    lib.say(f"{requests} requests of a scanner and of another tenant, and {len(files)} files of the node: {leaked} passwords in what can be read")
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
        with office(phones) as node:
            for name, row in (("fetches", lambda: row_fetches(options, node)), ("phones", lambda: row_phones(options, node, phones)),
                              ("secrets", lambda: row_secrets(options, node, phones))):
                if name in rows:
                    figures |= row()
    if "tls" in rows:
        figures |= row_tls(options)
    if "login" in rows:
        figures |= measured("login", 3 if options.quick else 20)
    if "revisions" in rows:
        figures |= measured("revisions", 60 if options.quick else 1000)
    lib.finish(options, "provision", figures, {})


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""A node of a test's own: temporary folder, claimed ports, 127.0.0.1 (lib/place.py), embedded Redis."""
import base64
import contextlib
import functools
import glob
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

import phone
from ports import Ports
from resp import Redis
from server import Server, ServerError
from tandem_client import Client, NoAnswer, Refused, ha1

from . import ROOT, place
from .apart import Store
from .media import Media
from .sip import UserAgent
from patience import PATIENCE_S, slowness, until

# A finding of a sanitizer must end the process, or nobody would see it.
SANITIZERS = {"ASAN_OPTIONS": "detect_stack_use_after_return=1:halt_on_error=1:exitcode=99",
              "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:exitcode=99",
              "TSAN_OPTIONS": "halt_on_error=1:exitcode=99"}


REDIS_LATE = "500ms"    # on a busy machine it is waited for: what is said without it is promised to nobody, and a test that kills wants it kept
LIVE = []               # nodes of the tests that run now; the runner shows their logs when one fails
TYPES = {}              # of arguments, by the folder of the programs, once a node of it was asked for them
MADE = {}               # what tandemctl init made for the first node of a folder of programs: its files, and what in them is its own
FORGOTTEN = {"extension": "number", "number": "number", "group": "name", "did": "number", "flow": "name", "hours": "name", "route": "name",
             "trunk": "name"}               # kinds of documents that forget() deletes, and what names one
LEFT = []               # folders of nodes that are closed; the runner deletes them, or keeps them


def children(pid, name=""):
    """Processes that it has begun, of that name."""
    found = []
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        with contextlib.suppress(OSError):      # it has ended
            found += [int(child) for child in pathlib.Path(path).read_text("ascii").split()
                      if not name or pathlib.Path(f"/proc/{child}/comm").read_text("utf-8").strip() == name]
    return found


def hurried(pid):
    """tandem-store stands back for whatever runs on the machine, and beside a busy neighbour it would hardly run at all: a test is what it runs for.
    True: it did, and does no more; what it begins later is as it is now."""
    try:
        if os.sched_getscheduler(pid) != os.SCHED_IDLE:
            return False
        for one in (pid, *children(pid)):
            os.sched_setscheduler(one, os.SCHED_OTHER, os.sched_param(0))
    except (PermissionError, ProcessLookupError):
        pass                    # nobody but root may: it takes longer then
    return True


class Hurry(threading.Thread):
    """That of each node that runs, and of its next process."""

    def run(self):
        while True:
            time.sleep(1)
            for node in list(LIVE):
                for pid in children(node.process.pid, "tandem-store") if node.process else ():
                    hurried(pid)


HURRY = Hurry(daemon=True)


def build_folder():
    """The build under test: TANDEM_BUILD, or what ./tandem build makes."""
    return os.environ.get("TANDEM_BUILD") or str(ROOT / "build" / "release")


def merged(base, changes):
    """`changes` laid over `base`, mappings member by member."""
    result = dict(base)
    for name, value in (changes or {}).items():
        both = isinstance(value, dict) and isinstance(result.get(name), dict)
        result[name] = merged(result[name], value) if both else value
    return result


def typed(kind, value):
    """A word as the value that a command wants, as tandemctl reads it; what does not fit stays a word."""
    if kind == "number" and str(value).isdigit():
        return int(value)
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    if kind == "list" and isinstance(value, str):
        return value.split(",") if value else []
    return str(value) if kind in ("string", "word") else value


def worded(value):
    """The reverse, for tandemctl."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    return value if isinstance(value, str) else json.dumps(value)


def entry(fields):
    pairs = dict(zip(fields[::2], fields[1::2]))
    for name in ("cdr", "event"):
        if name in pairs:
            pairs.update((key, str(value)) for key, value in json.loads(pairs.pop(name)).items())
    return pairs


class Node(Server):
    """A node that is gone, with all its files, at the end of the `with` block.

    settings: what the test wants other than the defaults, as in tandem.yaml:
    Node(settings={"sip": {"registration_expires": "2s"}}).
    everything: it speaks TCP and TLS as well, and on ::1 what it speaks on 127.0.0.1.
    webrtc: so many workers, each with a port for all media of browsers; 0: one worker, and none.
    spare: ports for the test's own ends; a phone takes 21.
    redis_tls: for the test's own connections to a Redis at rediss:, an ssl.SSLContext.
    rate: its clock runs so many times as fast as the test's, over restarts as well (base/clock.h): for what takes minutes.
    """

    redis_tls = None

    def __init__(self, settings=None, start=True, calls=50, everything=False, webrtc=0, spare=300, rate=1, redis_tls=None):
        self._open()
        self.redis_tls = redis_tls
        self.ports = self._stack.enter_context(Ports(spare + 4 * calls))
        if rate != 1:
            self.environment["TANDEM_CLOCK"] = f"{rate}@{time.clock_gettime_ns(time.CLOCK_BOOTTIME)}"
        self.sip_port, self.sip_port_2 = self.ports.take(), self.ports.take()
        self.tls_port, self.everything = self.ports.take(), everything
        self.webrtc_ports = range(first := self.ports.take(webrtc), first + webrtc) if webrtc else ()
        self.http_port, self.media_ports = self.ports.take(), self.ports.take_range(4 * calls)
        try:
            self._make()
            if place.STORE and "url" not in (settings or {}).get("redis", {}):
                self.store = self._stack.enter_context(Store(self.home))
            if settings or everything or webrtc or place.PORT or self.store:
                self.configure(settings)
            else:
                with open(self.config, "a", encoding="utf-8") as file:
                    file.write(f"redis:\n  deadline: {REDIS_LATE}\n")
            if start:
                self.start()
        except BaseException:
            self.close(check=False)
            raise

    def _open(self):
        """A folder of its own, which goes with it."""
        self._stack = contextlib.ExitStack()
        self.home = tempfile.mkdtemp(prefix="tandem-e2e-")
        self._stack.callback(self._leave)
        super().__init__(os.path.join(build_folder(), "app"), os.path.join(self.home, "node"),
                         {name: os.environ.get(name, value) for name, value in SANITIZERS.items()})
        self.killed, self.secure = None, False          # None: it was not started yet
        self.redis_url, self.store, self.beside = "", None, None
        self.forgotten, self.begun = "-", None          # entries of streams up to there; of begins()
        LIVE.append(self)
        self._stack.callback(LIVE.remove, self)

    def _make(self):
        """The files of tandemctl init. It makes those of the first node; the next ones have the same, with a folder, ports and a key of their own."""
        own = self.folder, f"[{self.sip_port},{self.sip_port_2}]", str(self.media_ports), f"port: {self.http_port}\n"
        if self.programs not in MADE:
            self.init(bind=place.NODE, sip_ports=own[1][1:-1], media_ports=own[2], http=f"{place.NODE}:{self.http_port}")
            paths = [path for path in pathlib.Path(self.folder).rglob("*") if path.is_file()]
            MADE[self.programs] = own, {path.relative_to(self.folder): (path.stat().st_mode, path.read_text("ascii")) for path in paths}
            return
        was, files = MADE[self.programs]
        for path, (mode, text) in files.items():
            for before, now in zip(was, own):
                text = text.replace(before, now)
            if path.name == "keys":
                text = re.sub(r"[\w+/]{43}=", base64.b64encode(os.urandom(32)).decode(), text)
            path = self.folder / path
            path.parent.mkdir(0o700, parents=True, exist_ok=True)
            path.write_text(text, "ascii")
            path.chmod(mode)

    def configure(self, settings):
        """Rewrites tandem.yaml (as JSON, which is YAML) for the next start."""
        main = {"name": "main", "bind": place.NODE, "advertise": place.NODE, **place.network(),
                "sip_ports": [self.sip_port, self.sip_port_2], "media_ports": self.media_ports}
        if self.webrtc_ports:
            main["webrtc_port"] = self.webrtc_ports[0]
        networks = [main]
        if self.everything:
            main |= {"sip_tcp_ports": [self.sip_port], "sip_tls_ports": [self.tls_port]}
            networks.append(main | {"name": "six", "bind": "::1", "advertise": "::1"})
        base = {"node": {"name": "n1", "shard": 1, "state_dir": self.folder}, "networks": networks,
                "http": {"bind": place.NODE, "port": self.http_port}, "redis": {"deadline": REDIS_LATE, **({"url": self.store.url} if self.store else {})},
                **({"sip": {"digits": "shown"}} if settings else {}),       # else as it is at first
                **place.settings(build_folder())}
        if self.webrtc_ports:
            base = merged(base, {"media": {"workers": len(self.webrtc_ports)}})
        base = merged(base, settings)
        self.redis_url = base.get("redis", {}).get("url", "")
        self.secure = base["http"].get("tls", False)
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump(base, file, indent=1)

    @property
    def server(self):
        """(address, port) that SIP peers speak to."""
        return place.NODE, self.sip_port

    # -- life ----------------------------------------------------------------------------------
    def start(self, seconds=PATIENCE_S, wrapper=()):
        super().start(seconds, (*place.command(), *wrapper))
        if not HURRY.ident:
            HURRY.start()
        first, self.killed = self.killed is None, False
        if first:
            self.begins()
        place.started()
        if first and self.store:
            self.has_phones_elsewhere()

    def has_phones_elsewhere(self):
        """What of its phones a node with a Redis apart has to ask (lib/place.py)."""
        if place.STORE == "apart":
            place.ages(self.server, lambda: (self.kill(), self.restart()))
            return
        other = {"node": {"name": "n2", "shard": 2}, "redis": {"url": self.redis_url}}
        self.beside = Node(settings=other, start=False, calls=2, spare=4)
        shutil.copy(os.path.join(self.state_dir, "keys"), os.path.join(self.beside.state_dir, "keys"))
        self.beside.start()
        place.is_beside(self.server, self.beside.server)

    def kill(self):
        """kill -9.  The embedded Redis lives on, as it would in the field."""
        super().kill()
        self.killed = True

    def restart(self, seconds=PATIENCE_S):
        """start() after kill() or stop(); how long it took until the node was ready."""
        began = time.monotonic()
        self.start(seconds)
        return time.monotonic() - began

    def close(self, check=True):
        """Stops the node and whatever it left.  A crash, a leak, a bad exit or media by another port is the test's failure."""
        if self.beside:
            self.beside.close(check)
        try:
            if check and self.running():
                place.carried(self)
        finally:
            self._close(check)

    def _close(self, check):
        try:
            status = 0 if self.process is None or self.killed else self.stop()
            if check and status != 0:
                raise AssertionError(f"tandemd ended with {status}:\n{self.log_tail(60)}")
        finally:
            self.sweep()
            self._stack.close()

    def _leave(self):
        if os.environ.get("TANDEM_KEEP"):
            LEFT.append(self.home)
        else:
            shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close(check=kind is None)

    # -- what it knows -------------------------------------------------------------------------
    @property
    def redis_socket(self):
        """Of the embedded Redis, or of the one that the settings name."""
        return self.redis_url.removeprefix("unix:") or super().redis_socket

    def sweep(self):
        if not self.redis_url:          # another's is not ours to stop
            super().sweep()

    def redis(self):
        """A connection to its Redis."""
        return Redis(self.redis_socket, tls=self.redis_tls)

    def begins(self):
        """A test begins with this process and these settings."""
        self.begun = self.process, pathlib.Path(self.config).read_text("utf-8")

    def is_as_begun(self):
        return self.running() and (self.process, pathlib.Path(self.config).read_text("utf-8")) == self.begun

    def forget(self):
        """Its extensions and what else is in FORGOTTEN are gone, and told() says no more of what streams have until now. False: it has other
        documents, or recordings."""
        with self.redis() as redis:
            kinds = {key.rpartition(":")[2] for key in redis("KEYS", "td:{*}:doc:*")}
            seconds, microseconds = redis("TIME")
        if not kinds <= FORGOTTEN.keys() or glob.glob(os.path.join(self.folder, "recordings", "*", "*", "*")):
            return False
        for kind in kinds:
            for row in self.ctl(f"{kind}.list", limit=1000):
                self.ctl(f"{kind}.delete", force=True, **{FORGOTTEN[kind]: row[FORGOTTEN[kind]]})
        self.forgotten = f"({seconds}{int(microseconds) // 1000:03}-999999"
        return True

    def told(self, key):
        """What the entries of a stream say, as dicts of texts, oldest first: records and events are one field of JSON each."""
        if key.startswith("td:{ev:"):
            self.has_written()
        with self.redis() as redis:
            rows = redis("XRANGE", key, self.forgotten, "+")
        return [entry(fields) for _, fields in rows]

    def has_written(self):
        """Events of what it did until now are in Redis: a response by SIP may be here before them, and an answer to a command is not."""
        if not self.beside and not self.killed and self.running():
            with contextlib.suppress(Refused, NoAnswer, OSError), Client(self.redis_socket, "_operator", tls=self.redis_tls) as client:
                client.ask("help", command="help")

    def cdrs(self, count=1, seconds=PATIENCE_S):
        """Call records as dicts, oldest first, from the stream; waits until there are `count`."""
        end = time.monotonic() + seconds
        while len(rows := self.told("td:{s1}:cdr")) < count:
            if time.monotonic() > end:
                raise AssertionError(f"{len(rows)} of {count} call records in {seconds} s")
            time.sleep(0.02)
        return rows

    def events(self):
        return self.told("td:{ev:default}")

    def http(self, path):
        """(status, text) of a GET."""
        url = f"http{'s' if self.secure else ''}://{place.NODE}:{self.http_port}{path}"
        context = ssl._create_unverified_context() if self.secure else None
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE_S, context=context) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name, **labels):
        """The value of one metric, summed over the label sets that match; 0 if there is none."""
        total = 0.0
        for line in self.http("/metrics")[1].splitlines():
            series, _, value = line.rpartition(" ")
            wanted = all(f'{key}="{text}"' in series for key, text in labels.items())
            if series.partition("{")[0] == name and wanted:
                total += float(value)
        return total

    def ctl(self, command, secret=None, **arguments):
        """One command by the client for Python; words become what the table of commands wants.  tandemctl() is the program."""
        if self.beside and secret is None:      # Redis might give it to the other one
            return self.local(command, **self.typed(self.local, arguments, command))
        if self.beside:
            return self.tandemctl(command, secret, **{name: worded(value) for name, value in arguments.items()})
        try:
            with Client(self.redis_socket, "_operator", tls=self.redis_tls) as client:
                if secret is not None:
                    realm = client.ask("node.status")["realm"]
                    arguments |= {"ha1": ha1(arguments["number"], realm, secret.rstrip("\n"))}
                    del arguments["password"]
                ask = functools.partial(client.ask, command, 5 * slowness(), **self.typed(client.ask, arguments, command))
                try:
                    return ask()
                except Refused as refused:      # Redis was late: an operator says it again
                    if refused.code != "uncertain" or not command.endswith(".put"):
                        raise
                    return ask()
        except (Refused, NoAnswer, OSError) as error:
            raise ServerError(f"{command}: {error}") from error

    def typed(self, ask, arguments, command):
        """As the command wants them. ask: how its node is asked which commands there are."""
        types = TYPES[self.programs] = TYPES.get(self.programs) or {
            (row["name"], argument["name"]): argument["type"] for row in ask("help") for argument in row["arguments"]}
        return {name: typed(types.get((command, name)), value) for name, value in arguments.items()}

    def put_extension(self, number, password, **flags):
        super().put_extension(number, password, **flags)
        if self.beside:
            until(lambda: "number" in self.beside_has(number), lambda: f"{number} is not known to the other node")

    def beside_has(self, number):
        with contextlib.suppress(ServerError):
            return self.beside.tandemctl("extension.get", number=number)
        return {}

    def forget_socket(self):
        """From now on tandemctl asks this node by Redis."""
        os.unlink(os.path.join(self.folder, "control.sock"))

    def local(self, command, **arguments):
        """What this node says, by its own socket, as tandemctl has it: without a process for each question of those that are asked again and again."""
        with socket.socket(socket.AF_UNIX) as end:
            end.settimeout(5 * slowness())
            try:
                end.connect(os.path.join(self.folder, "control.sock"))
                end.sendall(json.dumps({"id": f"py-{os.urandom(8).hex()}", "do": command, "args": arguments}).encode() + b"\n")
                answer = json.loads(end.makefile("rb").readline())
            except (OSError, ValueError) as error:
                raise ServerError(f"{command}: {error}") from error
        if answer.get("elsewhere"):     # it starts, or another node has it
            return self.tandemctl(command, **{name: worded(value) for name, value in arguments.items()})
        if "result" not in answer:
            raise ServerError("{}: {code}: {message}".format(command, **answer["error"]))
        return answer["result"]

    def tandemctl(self, command, secret=None, **arguments):
        return super().ctl(command, secret, **arguments)

    # -- peers ---------------------------------------------------------------------------------
    def user_agent(self, number="", password=""):
        """A scripted SIP peer; close() it, or use it in a `with` block."""
        return UserAgent(self.server, number, password)

    def media(self):
        """An RTP end."""
        return Media(self.ports)

    def phone(self, number, password, extra="", config="", transport="udp", six=False, sdes=False, modules=(),
              domain="", **options):
        """A real phone (baresip), registered; `extra` goes to its account, `config` to its configuration; `domain` is its tenant's."""
        host, port = "[::1]" if six else place.NODE, self.tls_port if transport == "tls" else self.sip_port
        if sdes:
            extra, modules = extra + ";mediaenc=srtp-mand", (*modules, "srtp")
        if transport == "tls":          # it does not start without a certificate of its own
            config += f"\nsip_certificate {self.phone_certificate()}"
        made = phone.Phone(os.path.join(self.home, f"phone-{number}-{time.monotonic_ns()}"),
                           phone.account(number, password, f"{host}:{port}", transport, extra=extra.lstrip(";"),
                                         domain=domain),
                           self.ports, address="::1" if six else place.PARTY, extra=config, modules=modules, **options)
        made.registered()
        return made

    def phone_certificate(self):
        """Key and certificate of phones that want to have one; nobody asks them for it."""
        path = os.path.join(self.home, "phone.pem")
        if not os.path.exists(path):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                            "-nodes", "-keyout", path + ".key", "-out", path + ".crt", "-days", "2",
                            "-subj", "/CN=phone"], check=True, capture_output=True)
            with open(path, "w", encoding="ascii") as file:
                for part in (".key", ".crt"):
                    with open(path + part, encoding="ascii") as source:
                        file.write(source.read())
        return path

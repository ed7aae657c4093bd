#!/usr/bin/env python3
"""What registered phones cost: bytes of a binding and of a TLS connection, refreshes a second, and a restart with all of them.

All phones have numbers and credentials of their own. Those of UDP share 200 sockets, those of TLS have a connection each. The node keeps
each binding in its Redis; Kamailio, as Debian configures it, in its memory alone (usrloc db_mode 0), so its CPU is no rival's and is
not compared. Its memory is: the process's own pages of all its processes, shared ones once. The generator checks no certificate."""
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import lib
from children import Asked, end, spawn

PASSWORD, FIRST, CALLS = "bench-secret", 100000, 100
SETTLED_S = 35      # transactions have ended (64*T1)

KAMAILIO = """#!KAMAILIO
# The values of Debian's kamailio.cfg, but: accounts have one password in place of a table in MySQL, there are connections and hash
# buckets enough, and nothing but a registrar.
debug=2
log_stderror=yes
log_facility=LOG_LOCAL0
children=8
auto_aliases=no
enable_tls=yes
tls_max_connections={connections}
tcp_max_connections={connections}
tcp_connection_lifetime=3605
listen=udp:{address}:{port}
listen=tls:{address}:{tls_port}
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "kex.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "tls.so"
modparam("usrloc", "db_mode", 0)
modparam("usrloc", "hash_size", 14)
modparam("usrloc", "timer_interval", 60)
modparam("registrar", "method_filtering", 1)
modparam("registrar", "max_expires", 3600)
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "private_key", "{folder}/key.pem")
modparam("tls", "certificate", "{folder}/cert.pem")
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (!is_method("REGISTER")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
    if (!pv_www_authenticate("{address}", "{password}", "0")) {{ www_challenge("{address}", "1"); exit; }}
    if (!save("location")) sl_reply_error();
    exit;
}}
"""


class Kamailio:
    """As its packagers build it, with a registrar alone."""

    def __init__(self, bindings, connections):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tandem-bench-"))
        self.sip_port, self.tls_port = lib.free_port(), lib.free_port()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=bench", "-keyout", self.dir / "key.pem", "-out", self.dir / "cert.pem"],
                       check=True, capture_output=True)
        (self.dir / "kamailio.cfg").write_text(KAMAILIO.format(
            address=lib.ADDRESS, port=self.sip_port, tls_port=self.tls_port, connections=connections + 100, folder=self.dir,
            password=PASSWORD))
        self.shared_mib = 256 + bindings // 200 + connections // 5
        with open(self.dir / "log", "wb") as log:
            self.process = spawn([*lib.pinned(lib.SERVER_CORE, ["kamailio"]), "-DD", "-E", "-m", str(self.shared_mib), "-M", "16",
                                  "-f", self.dir / "kamailio.cfg", "-Y", self.dir], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        lib.wait_for(f"Kamailio to listen (log: {self.dir}/log)", 20, self.is_listening)

    def is_listening(self):
        if self.process.poll() is not None:
            raise SystemExit((self.dir / "log").read_text()[-3000:])
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            return sock.connect_ex((lib.ADDRESS, self.tls_port)) == 0

    def bytes(self):
        children = [int(pid) for path in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/children")
                    for pid in path.read_text().split()]
        return sum(map(lib.own_bytes, [self.process.pid, *children]))

    def stop(self):
        end(self.process)
        if os.environ.get("TANDEM_KEEP"):
            lib.say(f"# kept {self.dir}")
        else:
            shutil.rmtree(self.dir, ignore_errors=True)


class Phones(Asked):
    """The generator, which keeps what it has opened until the end."""

    def __init__(self, sip_port, tls_port, bindings, connections):
        super().__init__([*lib.pinned(lib.LOAD_CORE, [lib.BUILD / "bench" / "regload"]), "--to", f"{lib.ADDRESS}:{sip_port}",
                         "--tls", f"{lib.ADDRESS}:{tls_port}", "--password", PASSWORD, "--first", str(FIRST),
                         "--udp", str(bindings), "--streams", str(connections)])

    def all_of(self, line, count):
        """Who did not come through is no figure."""
        told = self.ask(line)
        lib.say(f"# {line}: {told}")
        if told["failed"] or (count and told["done"] != count):
            raise SystemExit(f"{line}: {told['done']} of {count} registered, {told['failed']} failed")
        return told


class Redis:
    """Many commands at once, to the node's own server."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(path))
        self.replies = self.sock.makefile("rb")

    def run(self, *commands):
        self.sock.sendall(b"".join(map(resp, commands)))
        return [self.reply() for _ in commands]

    def reply(self):
        line = self.replies.readline()
        kind, rest = line[:1], line[1:-2]
        if kind in b"*$" and rest == b"-1":
            return None
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        if kind == b"$":
            return self.replies.read(int(rest) + 2)[:-2].decode()
        if kind == b":":
            return int(rest)
        raise SystemExit(f"Redis says {line.decode()}") if kind == b"-" else rest


def resp(words):
    octets = [word.encode() for word in words]
    return b"*%d\r\n" % len(octets) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in octets)


def provision(node, count):
    """An extension for each phone, some 500 commands at a time."""
    redis = Redis(node.dir / "redis" / "redis.sock")
    for first in range(FIRST, FIRST + count, 500):
        wanted = {f"bench-{number}": number for number in range(first, min(first + 500, FIRST + count))}
        while wanted:       # a node that is busy says so, and is asked again
            redis.run(*(["XADD", "td:{cmd:default}:in", "*", "v", "1", "id", name, "client", "bench", "do", "extension.put",
                         "args", json.dumps({"number": str(number), "password": PASSWORD})] for name, number in wanted.items()))
            answers = {}
            while len(answers) < len(wanted):
                found = redis.run(["XREAD", "BLOCK", "20000", "STREAMS", "td:{cmd:default}:out:bench", "0"])[0]
                if found is None:
                    raise SystemExit(f"{len(wanted) - len(answers)} commands have no answer")
                for entry, fields in found[0][1]:
                    answers[fields[1]] = json.loads(fields[3])["ok"]
                    redis.run(["XDEL", "td:{cmd:default}:out:bench", entry])
            wanted = {name: number for name, number in wanted.items() if not answers[name]}


def settle(options):
    time.sleep(2 if options.quick else SETTLED_S)


def per(after, before, count):
    return round((after - before) / count)


def measure_node(options, bindings, connections):
    node = lib.Node(media_ports="12000-12399", calls=CALLS, registrations=bindings + connections + 100, tls_port=(tls_port := lib.free_port()),
                    limits=(f"connections: {connections + 100}", f"connections_per_source: {connections + 100}"))
    phones = Phones(node.sip_port, tls_port, bindings, connections)
    try:
        node.redis_apart()
        provision(node, bindings + connections)
        settle(options)
        before, redis = lib.own_bytes(node.pid), lib.own_bytes(node.redis_pid())
        phones.all_of("udp", bindings)
        settle(options)
        udp, redis_udp = lib.own_bytes(node.pid), lib.own_bytes(node.redis_pid())
        phones.all_of("tls", connections)
        settle(options)
        tls = lib.own_bytes(node.pid)
        if phones.ask("open")["open"] != connections:
            raise SystemExit("the node has closed connections")
        cpu = lib.cpu_seconds(node.pid)
        refreshed = phones.all_of(f"refresh {2 if options.quick else 20}", None)
        cpu = lib.cpu_seconds(node.pid) - cpu
        restart = restarted(node, bindings + connections)
        again = phones.all_of("refresh 2", None)
    finally:
        phones.stop()
        node.stop()
    return {
        "bindings": bindings, "bytes_per_binding": per(udp, before, bindings), "redis_bytes_per_binding": per(redis_udp, redis, bindings),
        "tls_bindings": connections, "bytes_per_tls_binding": per(tls, udp, connections),
        "refreshes_per_second": round(refreshed["done"] / refreshed["seconds"]), "refresh_repeated": refreshed["repeated"],
        "refresh_longest_ms": refreshed["longest_ms"], "node_us_per_refresh": round(1e6 * cpu / refreshed["done"], 1),
        **restart, "refreshes_per_second_after_restart": round(again["done"] / again["seconds"]),
    }


def restarted(node, bindings):
    """From the kill to a node that is ready and has all bindings. Its Redis lives on, as one on another machine would."""
    began, redis = time.monotonic(), lib.cpu_seconds(node.redis_pid())
    os.kill(node.pid, signal.SIGKILL)
    node.process.wait()
    node.start()
    took, cpu, redis = time.monotonic() - began, lib.cpu_seconds(node.pid), lib.cpu_seconds(node.redis_pid()) - redis
    found = node.ctl("node.status")["registrations"]
    if found != bindings:
        raise SystemExit(f"{found} of {bindings} bindings are there after the restart")
    return {"restart_s": round(took, 2), "restart_node_us_per_phone": round(1e6 * cpu / bindings, 1),
            "restart_redis_us_per_phone": round(1e6 * redis / bindings, 1)}


def measure_kamailio(options, bindings, connections):
    kamailio = Kamailio(bindings, connections)
    phones = Phones(kamailio.sip_port, kamailio.tls_port, bindings, connections)
    try:
        before = kamailio.bytes()
        phones.all_of("udp", bindings)
        settle(options)
        udp = kamailio.bytes()
        phones.all_of("tls", connections)
        settle(options)
        tls = kamailio.bytes()
        if phones.ask("open")["open"] != connections:
            raise SystemExit("Kamailio has closed connections")
    finally:
        phones.stop()
        kamailio.stop()
    return {"kamailio_bytes_per_binding": per(udp, before, bindings), "kamailio_bytes_per_tls_binding": per(tls, udp, connections),
            "kamailio_shared_mib": kamailio.shared_mib}


def main():
    options = lib.arguments(__doc__.splitlines()[0])
    bindings, connections = (2000, 200) if options.quick else (200000, 10000)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    room = hard - 256 - 8 * CALLS - 200     # what a node gives to connections: app/node/node_capacity.c; and its pages
    if connections > room:
        lib.say(f"# {room} connections in place of {connections}: the hard limit of descriptors allows no more")
        connections = room
    figures = measure_node(options, bindings, connections) | measure_kamailio(options, bindings, connections)
    figures["ratio_tls_bytes_vs_kamailio"] = round(figures["bytes_per_tls_binding"] / figures["kamailio_bytes_per_tls_binding"], 3)
    lib.finish(options, "registrations", figures,
               {name: lib.package_version(name) for name in ("kamailio", "kamailio-tls-modules", "redis-server")})
    return 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""./tandem run: a node in the foreground, proved by one real call through it."""
import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import acme
import call
import pages
from phone import PhoneError
from ports import Ports, PortsError, is_free
from server import Occupied, Server, ServerError

SIP_PORTS, TLS_PORT, HTTP_PORT, HTTPS_PORT, MEDIA_PORTS = (5060, 10060), 5061, 8080, 8443, "12000-31999"
RUNNING = 3             # exit status: a node runs in that folder already
OF_A_NEW_NODE = ("bind", "sip_ports", "tls_ports", "media_ports", "http", "name")


def main():
    parser = argparse.ArgumentParser(prog="./tandem run", description=__doc__)
    parser.add_argument("--bin", help=argparse.SUPPRESS)
    parser.add_argument("--understood", action="store_true", help=argparse.SUPPRESS)     # run nothing
    parser.add_argument("--begun", help=argparse.SUPPRESS)       # packages, build and demo: when each was, in ms
    parser.add_argument("--verbose", action="store_true", help="with all that apt, meson and ninja say")
    parser.add_argument("--dir", help="the node's folder")
    parser.add_argument("--check", action="store_true",
                        help="a call through a node of its own, then stop everything")
    parser.add_argument("--no-demo", action="store_true", help="no extensions and no call")
    parser.add_argument("--no-web", action="store_true", help="no web pages")
    new = parser.add_argument_group("for a new node, as tandemctl init takes them")
    new.add_argument("--bind", metavar="ADDRESS", help="address of this machine that phones reach")
    new.add_argument("--sip-ports", metavar="PORTS", help="UDP and TCP, such as 5060,10060")
    new.add_argument("--tls-ports", metavar="PORTS", help="such as 5061, or none")
    new.add_argument("--media-ports", metavar="FIRST-LAST", help="UDP")
    new.add_argument("--http", metavar="ADDRESS:PORT", help="health and metrics")
    new.add_argument("--name", help="of the node")
    acme.arguments(parser)
    options = parser.parse_args()
    if options.understood:
        return 0
    options.failed = False
    # From here on an interrupt is an exception, so that whatever was started is stopped.
    signal.signal(signal.SIGTERM, _interrupted)
    signal.signal(signal.SIGHUP, _interrupted)
    try:
        return check(options) if options.check else run(options)
    except Occupied as error:
        print(f"tandem: {error}. Talk to it, or stop it:\n"
              f"  {ctl(options.dir)} node.status\n  kill {error.pid}", file=sys.stderr)
        return RUNNING
    except (ServerError, PhoneError, PortsError, call.CallError) as error:
        print(f"tandem: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130 if options.check else int(options.failed)


def _interrupted(_signal, _frame):
    raise KeyboardInterrupt


def check(options):
    """The demo call aside: own folder, own ports, and nothing stays."""
    folder = tempfile.mkdtemp(prefix="tandem-check-")
    server = Server(options.bin, os.path.join(folder, "node"))
    try:
        with Ports(300) as ports:
            sip = f"{ports.take()},{ports.take()}"
            server.init(bind="127.0.0.1", sip_ports=sip, media_ports=ports.take_range(100),
                        http=f"127.0.0.1:{ports.take()}")
            server.start()
            if not proved(server, lambda: demo(server, folder, ports)):
                return 1
            say_times(options.begun)
            status = server.stop()
            if status != 0:
                raise ServerError(f"tandemd ended with {status}:\n{server.log_tail()}")
            return 0
    finally:
        if server.running():
            server.stop()
        server.sweep()
        shutil.rmtree(folder, ignore_errors=True)


def run(options):
    """A node that stays up until it is interrupted."""
    if not options.dir:
        sys.exit("tandem: --dir is missing")
    server = Server(options.bin, options.dir)
    with server.alone():                # said before anything is made or started
        given = {name: value for name in OF_A_NEW_NODE if (value := getattr(options, name)) is not None}
        if not os.path.exists(server.config):
            make(server, given, options.public)
        elif given:
            raise ServerError(f"--{next(iter(given)).replace('_', '-')} is for a new node, and this one "
                              f"has its settings: change {server.config}")
    try:
        start(server)
        options.failed = not options.no_demo and not prove(server)
        if not (options.no_demo or options.failed):
            say_times(options.begun)
        explain(server, not options.no_demo)
        if options.failed:
            print(f"\nThe call failed, and the node stays up for a look: {ctl(server.folder)} call.list, "
                  "cdr.list,\nsip.recent and doctor CALL say more.", flush=True)
        voice = None if options.no_demo else speak(server)
        web = None if options.no_web or not server.web_address else draw(server)
        certificate = acme.Certificate(server, options) if options.public else None
        while server.running():
            time.sleep(0.2)
            voice = spoken(server, voice)
            web = drawn(server, web)
            if certificate:
                certificate.look()
        raise ServerError(f"tandemd ended with {server.process.returncode}:\n{server.log_tail()}")
    finally:
        if server.running():
            print("tandem: stopping", file=sys.stderr, flush=True)
            server.stop()
        server.sweep()


def start(server):
    try:
        server.start()
    except ServerError:
        with server.alone():            # Occupied says more: another one came first
            raise


def make(server, given, public):
    """A new node on this machine's own address; other ports where the usual ones are taken. With a public name its pages are on that address, by TLS."""
    address = given.get("bind") or own_address()
    if public:
        given = {"http": f"{address}:{HTTPS_PORT}", "names": public, **given}
    usual = {"sip_ports": ",".join(map(str, SIP_PORTS)), "tls_ports": str(TLS_PORT),
             "http": f"127.0.0.1:{HTTP_PORT}"}
    with Ports() as ports:
        other = {"sip_ports": f"{ports.take()},{ports.take()}", "tls_ports": str(ports.take()),
                 "http": f"127.0.0.1:{ports.take()}"}
    chosen = dict(usual)
    for name, where, wanted in (("sip_ports", address, SIP_PORTS), ("tls_ports", address, (TLS_PORT,)),
                                ("http", "127.0.0.1", (HTTP_PORT,))):
        if name not in given and not all(is_free(where, port) for port in wanted):
            chosen[name] = other[name]
            print(f"tandem: {usual[name]} is taken by another program: {name} is {other[name]} instead",
                  file=sys.stderr)
    server.init(**{"bind": address, "media_ports": MEDIA_PORTS, **chosen, **given})
    if public:
        with open(server.config, "r+", encoding="utf-8") as file:
            text = file.read().replace("\nhttp:\n", "\nhttp:\n  tls: true\n")
            file.seek(0)
            file.write(text)


def own_address():
    """The address this machine uses towards others; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
            return sock.getsockname()[0]
        except OSError:
            return "127.0.0.1"


def demo(server, folder, ports):
    """Two extensions with passwords that only their file knows, and a call between them."""
    passwords = {number: secrets.token_urlsafe(12) for number in (call.CALLER, call.CALLEE)}
    call.write_passwords(os.path.join(server.folder, "demo.json"), passwords)
    for number, password in passwords.items():
        server.put_extension(number, password)
    return call.place(server, os.path.join(folder, "phones"), passwords, ports)


def proved(server, place):
    """Places the call and says what was measured.  False: it failed; what the node says of it is printed, too."""
    begun_ms = time.time() * 1000
    try:
        result = place()
        print(result.line(), flush=True)
        result.check()
        return True
    except (PhoneError, call.CallError) as error:
        print(f"tandem: {error}\nThe node says of that call:", file=sys.stderr)
        print(call.examine(server, begun_ms), file=sys.stderr, flush=True)
        return False


def prove(server):
    """One call on the running node.  Extensions of an earlier run keep their passwords."""
    path = os.path.join(server.folder, "demo.json")
    with tempfile.TemporaryDirectory(prefix="tandem-demo-") as folder, \
            Ports() as ports:
        def again():
            with open(path, encoding="utf-8") as file:
                return call.place(server, folder, json.load(file), ports)
        return proved(server, again if os.path.exists(path) else lambda: demo(server, folder, ports))


def speak(server):
    """Makes the prompts of both languages, as the package has them, while the node is up. None: they are there."""
    sounds = os.path.join(server.folder, "sounds")
    begun = os.path.join(sounds, ".prompts", ".begun")          # until all of them are made
    if os.path.isdir("/usr/share/tandem/sounds") or (os.path.isdir(os.path.dirname(begun)) and not os.path.exists(begun)):
        return None
    print("Its prompts are being made: in a moment mailboxes and attendants speak.", flush=True)
    deploy = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    peers = os.environ.get("TANDEM_PEERS", os.path.join(os.path.dirname(deploy), "build", "peers"))
    os.makedirs(os.path.dirname(begun), mode=0o700, exist_ok=True)
    with open(begun, "wb"), open(os.path.join(server.folder, "prompts.log"), "wb") as log:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "nice", "-n", "19", "sh", "-ec",
             'command -v espeak-ng || { "$1/peers.sh" unpack voice; PATH=$PATH:$2/bin; }; python3 "$1/prompts/make.py" "$3"; rm -- "$4"',
             "sh", deploy, peers, sounds, begun], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def spoken(server, voice):
    """They are there: the node reads them. None: nothing is to be waited for."""
    if voice is None or voice.poll() is None:
        return voice
    log = os.path.join(server.folder, "prompts.log")
    if voice.returncode:
        print(f"tandem: the node has no prompts: {log} says why, docs/guides/prompts.md how they are made", file=sys.stderr, flush=True)
    else:
        server.process.send_signal(signal.SIGHUP)
        print("The node speaks, in English and German.", flush=True)
    return None


def draw(server):
    """Bundles the web pages while the node is up; a bundle of the same sources is there at once."""
    target, log = os.path.join(server.state_dir, "pages"), os.path.join(server.folder, "pages.log")
    if not (shutil.which("node") and shutil.which("npm")):
        print("The web pages are being built, by node and npm of Debian: some 350 packages, 50 MB, are fetched and\n"
              "unpacked below build/ for it.", flush=True)
    with open(log, "wb") as said:
        return subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "nice", sys.executable, pages.__file__, target],
                                stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)


def drawn(server, web):
    """They are there: one link to them, which signs in once. None: nothing is to be waited for."""
    if web is None or web.poll() is None:
        return web
    if web.returncode:
        print(f"tandem: there are no web pages: {os.path.join(server.folder, 'pages.log')} says why", file=sys.stderr, flush=True)
    else:
        print(f"The console, for one sign-in within ten minutes:\n  {link(server)}\n"
              f"The next one: {ctl(server.folder)} token.create name=login-link-2 role=operator commands=login.redeem\n"
              f"Users sign in with number and password at  {server.web_address}/client", flush=True)
    return None


def link(server):
    """A token that is good for one sign-in stands behind '#', which no browser sends anywhere."""
    made = server.ctl("token.create", name=f"login-link-{secrets.token_hex(4)}", role="operator", commands="login.redeem",
                      expires_utc_s=int(time.time()) + 600)
    return f"{server.web_address}/console#link={made['token']}"


def say_times(begun):
    """How long it took from the command to the proven call; bench/first.py reads it."""
    if begun:
        marks = [*map(int, begun.split(",")), time.time() * 1000]
        took = [(then - before) / 1000 for before, then in zip(marks, marks[1:])]
        print("packages {:.1f} s, build {:.1f} s, call {:.1f} s".format(*took), flush=True)


def ctl(folder):
    """How to speak to the node from the checkout."""
    folder = os.path.abspath(folder)
    home = "" if os.environ.get("TANDEM_HOME") == folder else f"TANDEM_HOME={folder} "
    return f"{home}./tandem ctl"


def explain(server, demo_done):
    host, _, port = server.address.rpartition(":")
    print(f"\nThe node is up: SIP over UDP and TCP on {host} port {port}. Its folder: {server.folder}")
    if tls := server.secure_port:
        print(f"SIP over TLS on port {tls}; phones trust {os.path.join(server.folder, 'tls', 'ca.pem')}")
    if demo_done:
        print(f"Register a phone as extension {call.CALLER} or {call.CALLEE}, server {host}, port "
              f"{port}; the passwords are in\n{os.path.join(server.folder, 'demo.json')}")
    print(f"A new extension:  {ctl(server.folder)} extension.put number=1003 password=-   "
          "(reads the password)")
    print(f"Stop the node with Ctrl-C. Its log: {server.log}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""A certificate by ACME (RFC 8555) for the node of ./tandem run --public NAME, by lego of Debian: the first one, and each further one before that runs
out. The node reads it by SIGHUP, which ends no connection and no call."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

PRODUCTION = "https://acme-v02.api.letsencrypt.org/directory"
EVERY_S, AGAIN_S, DAYS = 12 * 3600, 3600, 30
UNPACKED = 'command -v lego >/dev/null || { "$1/peers.sh" unpack acme; PATH=$PATH:$2/root/usr/bin; }; shift 2; exec lego "$@"'


def arguments(parser):
    new = parser.add_argument_group("for a node that others reach by its name")
    new.add_argument("--public", metavar="NAME", help="get a certificate for that name by ACME, which asks at port 80 of this machine; by this you accept "
                     "the terms of the authority")
    new.add_argument("--acme-server", metavar="URL", default=PRODUCTION, help="another authority than Let's Encrypt")
    new.add_argument("--acme-port", metavar="ADDRESS:PORT", default=":80", help="where it asks, if that is handed on from port 80")
    new.add_argument("--acme-renew", metavar="SECONDS,DAYS", help="look so often, and renew what is good for fewer days (43200,30)")


class Certificate:
    """Of one node; look() is called now and then."""

    def __init__(self, server, options):
        self.server, self.name = server, options.public
        every, days = (options.acme_renew or f"{EVERY_S},{DAYS}").split(",")
        self.every_s, self.log = int(every), os.path.join(server.folder, "acme.log")
        self.folder = pathlib.Path(server.folder, "acme")
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.usual = ["--accept-tos", "--email", f"postmaster@{self.name}", "--domains", self.name, "--path", str(self.folder), "--server", options.acme_server,
                      "--http", "--http.port", options.acme_port]
        self.renewal = ["renew", "--no-random-sleep", "--days", days]
        self.process, self.next_s, self.failed = None, 0, False
        print(f"A certificate for {self.name} is asked for at {options.acme_server}.", flush=True)

    def made(self, what):
        return self.folder / "certificates" / f"{self.name}.{what}"

    def begin(self):
        deploy = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        peers = os.environ.get("TANDEM_PEERS", os.path.join(os.path.dirname(deploy), "build", "peers"))
        command = [*self.usual, *(self.renewal if self.made("crt").exists() else ["run"])]
        with open(self.log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as log:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "sh", "-ec", UNPACKED, "sh", deploy, peers, *command],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def look(self):
        if self.process is None and time.monotonic() >= self.next_s:
            self.begin()
        elif self.process and self.process.poll() is not None:
            status, self.process = self.process.returncode, None
            self.next_s = time.monotonic() + (min(AGAIN_S, self.every_s) if status else self.every_s)
            if status and not self.failed:
                print(f"tandem: no certificate for {self.name}: {self.log} says why. The node has that of its own authority meanwhile, and it is asked again.",
                      file=sys.stderr, flush=True)
            self.failed = bool(status)
            if not status:
                self.install()

    def install(self):
        """Each file is there whole, or not at all; the node reads both when it is told."""
        target = pathlib.Path(self.server.state_dir, "tls")
        if (target / "node.pem").read_bytes() == self.made("crt").read_bytes():
            return
        for what, name in (("key", "node.key"), ("crt", "node.pem")):
            new = target / f".{name}.new"
            with open(new, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                shutil.copyfileobj(open(self.made(what), "rb"), file)       # pylint: disable=consider-using-with
            os.replace(new, target / name)
        self.server.process.send_signal(signal.SIGHUP)
        print(f"The node has a certificate for {self.name}.", flush=True)

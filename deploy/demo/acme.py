# SPDX-License-Identifier: Apache-2.0
"""A certificate by ACME (RFC 8555) for the node of ./tandem run --public NAME, by lego of Debian: the first one, and each further one before that runs
out. The node reads it by SIGHUP, which ends no connection and no call."""
import os
import pathlib
import signal
import subprocess
import sys
import time

PRODUCTION = "https://acme-v02.api.letsencrypt.org/directory"
EVERY_S, AGAIN_S, DAYS = 12 * 3600, 3600, 30


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
        self.usual = ["--accept-tos", "--email", f"postmaster@{self.name}", "--domains", self.name, "--path", str(self.folder), "--server", options.acme_server,
                      "--http", "--http.port", options.acme_port]
        self.renewal = ["renew", "--no-random-sleep", "--days", days]
        self.process, self.next_s, self.failed = None, 0, False
        print(f"A certificate for {self.name} is asked for at {options.acme_server}.", flush=True)

    def made(self, what):
        return self.folder / "certificates" / f"{self.name}.{what}"

    def begin(self):
        self.folder.mkdir(mode=0o700, exist_ok=True)
        command = [*self.usual, *(self.renewal if self.made("crt").exists() else ["run"])]
        with open(self.log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as log:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "lego", *command],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def look(self):
        """What goes wrong here ends neither the node nor its calls: it is said, and tried again."""
        try:
            self.proceed()
        except (OSError, subprocess.SubprocessError) as error:
            self.wait(AGAIN_S)
            self.complain(f"the certificate for {self.name} cannot be put in place: {error}. See to what is named there; the node has its former one "
                          "meanwhile, and it is tried again.")

    def wait(self, most_s):
        self.next_s = time.monotonic() + min(most_s, self.every_s)

    def complain(self, text):
        """Once, until it works again."""
        if not self.failed:
            print(f"tandem: {text}", file=sys.stderr, flush=True)
        self.failed = True

    def proceed(self):
        if self.process is None and time.monotonic() >= self.next_s:
            self.begin()
        elif self.process and self.process.poll() is not None:
            status, self.process = self.process.returncode, None
            self.wait(AGAIN_S if status else self.every_s)
            if status:
                self.complain(f"no certificate for {self.name}: {self.log} says why. The node has that of its own authority meanwhile, and it is asked again.")
            else:
                self.install()
                self.failed = False

    def install(self):
        """Both files are there whole, or neither; the node reads them when it is told."""
        target = pathlib.Path(self.server.state_dir, "tls")
        made = {name: self.made(what).read_bytes() for what, name in (("key", "node.key"), ("crt", "node.pem"))}
        if (target / "node.pem").exists() and (target / "node.pem").read_bytes() == made["node.pem"]:
            return
        for name, content in made.items():
            with open(target / f".{name}.new", "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(content)
        for name in made:
            os.replace(target / f".{name}.new", target / name)
        self.server.process.send_signal(signal.SIGHUP)
        print(f"The node has a certificate for {self.name}.", flush=True)

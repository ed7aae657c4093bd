# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server of a test's own at a socket, with a database for tandem. It runs for anybody but root."""
import os
import pathlib
import signal
import subprocess

from patience import until

PROGRAMS = pathlib.Path("/usr/lib/postgresql/15/bin")
NOBODY = 65534


def drop(command):
    return command if os.geteuid() else ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]


class Postgres:
    """It is gone, with its data, at the end of the `with` block. url: of its database; user: its administrator."""

    def __init__(self, folder, user="tandem"):
        self.folder, self.data, self.server, self.user = folder, os.path.join(folder, "data"), None, user
        self.url = f"postgresql://{user}@/postgres?host={folder}"

    def __enter__(self):
        os.mkdir(self.data, 0o700)
        if not os.geteuid():
            for path in (self.folder, self.data):
                os.chown(path, NOBODY, NOBODY)
        os.chmod(self.folder, 0o755)
        subprocess.run(drop([str(PROGRAMS / "initdb"), "-D", self.data, "-U", self.user, "-A", "trust", "-N", "-E", "UTF8", "--locale", "C.UTF-8"]),
                       check=True, stdout=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C.UTF-8"})
        self.start()
        return self

    def start(self):
        self.server = subprocess.Popen(drop([str(PROGRAMS / "postgres"), "-D", self.data, "-c", f"unix_socket_directories={self.folder}",
                                             "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=20"]),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: not self.psql("SELECT 1", False).returncode, lambda: "no postgres")

    def psql(self, text, check=True):
        return subprocess.run([str(PROGRAMS / "psql"), "-XAtq", "-d", self.url, "-c", text], check=check, capture_output=True, text=True)

    def stop(self):
        self.server.send_signal(signal.SIGINT)      # its clients are cut off
        self.server.wait(15)

    def __exit__(self, *_):
        if self.server and self.server.poll() is None:
            self.server.send_signal(signal.SIGQUIT)
            self.server.wait(15)

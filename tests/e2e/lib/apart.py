# SPDX-License-Identifier: Apache-2.0
"""A Redis apart: a server of a test's own at a socket, which no node starts or stops."""
import contextlib
import os
import subprocess

from patience import until
from resp import Redis, RedisError


class Store:
    """It is gone, with its data, at the end of the `with` block."""

    def __init__(self, folder):
        self.folder, self.socket = folder, os.path.join(folder, "apart.sock")
        self.url = f"unix:{self.socket}"

    def __enter__(self):
        with open(os.path.join(self.folder, "apart.log"), "ab") as log:
            self.server = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "redis-server", "--port", "0", "--unixsocket", self.socket,
                                            "--dir", self.folder, "--save", "", "--maxmemory-policy", "noeviction"],
                                           stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self.answers, lambda: "no redis-server")
        return self

    def answers(self):
        with contextlib.suppress(OSError, RedisError), Redis(self.socket) as redis:
            return redis("PING")

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait(15)

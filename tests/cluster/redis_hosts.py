# SPDX-License-Identifier: Apache-2.0
"""Redis with a replica, and a Sentinel on each of three machines."""
import contextlib
import os
import signal
import subprocess
import time

from patience import until
from resp import Redis, RedisError

from .net import DIES_WITH_US

PORT, SENTINEL_PORT, NAME = 6379, 26379, "main"
SETTLE_S = 90
SENTINEL = """port {port}
bind {address}
protected-mode no
sentinel monitor {name} {primary} {redis} 2
sentinel down-after-milliseconds {name} 500
sentinel failover-timeout {name} 2000
sentinel parallel-syncs {name} 1
"""


class Program:
    """One on a machine, with a folder of its own."""

    def __init__(self, host, folder, *words):
        self.host, self.folder, self.words, self.process = host, folder, words, None
        os.makedirs(folder)

    def start(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen([*DIES_WITH_US, *self.host.command, *self.words, "--dir", self.folder], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True)

    def signal(self, number):
        self.process.send_signal(number)

    def limit_files(self, octets):
        """What it writes into files beyond that fails."""
        subprocess.run(["prlimit", "--pid", str(self.process.pid), f"--fsize={octets}:"], check=True)

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class RedisHosts:
    """servers: two machines with a Redis; watchers: three with a Sentinel."""

    def __init__(self, folder, servers, watchers):
        self.servers, self.brief = servers, False
        self.url = f"sentinel://{','.join(f'{host.address}:{SENTINEL_PORT}' for host in watchers)}/{NAME}"
        self.programs = {host.address: Program(host, os.path.join(folder, f"redis-{host.name}"), *self._redis(host)) for host in servers}
        self.sentinels = [self._sentinel(folder, host) for host in watchers]

    def _redis(self, host):
        words = ["env", "--ignore-signal=XFSZ", "redis-server", "--port", str(PORT), "--bind", host.address, "--protected-mode", "no",
                 "--save", "", "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction",
                 "--repl-diskless-sync-delay", "0", "--repl-timeout", "5"]
        return words + (["--replicaof", self.servers[0].address, str(PORT)] if host is not self.servers[0] else [])

    def _sentinel(self, folder, host):
        path = os.path.join(folder, f"sentinel-{host.name}.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(SENTINEL.format(port=SENTINEL_PORT, address=host.address, name=NAME, primary=self.servers[0].address, redis=PORT))
        return Program(host, os.path.join(folder, f"sentinel-{host.name}"), "redis-server", path, "--sentinel")

    def start(self):
        for program in self.programs.values():
            program.start()
            until(lambda: self.ask(program.host.address, "PING") == "PONG", lambda: "Redis does not answer")
        until(self.replicated, lambda: "no replica")
        for program in self.sentinels:
            program.start()
        until(lambda: all(str(self.ask(each.host.address, "SENTINEL", "CKQUORUM", NAME, port=SENTINEL_PORT)).startswith("OK") for each in self.sentinels),
              lambda: "the Sentinels do not know each other")

    def host(self, address):
        return next(host for host in self.servers if host.address == address)

    def other(self, address):
        return next(host for host in self.servers if host.address != address)

    def ask(self, address, *words, port=PORT):
        """"": nobody answers."""
        with contextlib.suppress(OSError, RedisError), Redis(f"redis://{address}:{port}", timeout=1) as redis:
            return redis(*words)
        return ""

    def primary(self):
        """The address that two Sentinels name; "": they do not."""
        named = [self.ask(each.host.address, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME, port=SENTINEL_PORT) for each in self.sentinels]
        return next((address for address in self.programs if sum(bool(each) and each[0] == address for each in named) > 1), "")

    def now(self, *words):
        """What the primary answers."""
        primary = self.primary()
        return self.ask(primary, *words) if primary else ""

    def replicated(self):
        """The first one has the second as its replica."""
        return "state=online" in self.ask(self.servers[0].address, "INFO", "replication")

    def tend(self):
        """The primary, as primary() says it. With `brief` the other one is told to be its replica, where it is a primary, too."""
        primary = self.primary()
        if self.brief and primary and all(self.ask(address, "ROLE")[:1] == ["master"] for address in self.programs):
            self.ask(self.other(primary).address, "REPLICAOF", primary, str(PORT))
        return primary

    def at_rest(self):
        """No Sentinel finds that the primary is down, or makes another one: what it began while it was down it brings to an end."""
        told = [self.ask(each.host.address, "SENTINEL", "MASTER", NAME, port=SENTINEL_PORT) for each in self.sentinels]
        return all(each and dict(zip(each[::2], each[1::2]))["flags"] == "master" for each in told)

    def settle(self):
        """Waits until there is a primary, and the other one is its replica. The Sentinels tell a primary that comes back so after some 8 s,
        and take 20 s to see that there are two replicas; with `brief` it is told at once."""
        others = {host.address for host in self.servers}

        def settled():
            primary = self.tend()
            told = self.ask(primary, "INFO", "replication") if primary else ""
            return "role:master" in told and "state=online" in told and any(f"slave0:ip={other}" in told for other in others - {primary}) \
                and (self.brief or self.at_rest())

        end = time.monotonic() + SETTLE_S
        while not settled():
            if time.monotonic() > end:
                raise AssertionError(f"primary {self.primary()}: {self.ask(self.primary(), 'INFO', 'replication')}")
            time.sleep(0.02)

    def kill(self, address):
        self.programs[address].signal(signal.SIGKILL)
        self.programs[address].process.wait()

    def close(self):
        for program in (*self.sentinels, *self.programs.values()):
            program.close()

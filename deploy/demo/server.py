# SPDX-License-Identifier: Apache-2.0
"""One node: makes its folder, starts and stops it, speaks to it with tandemctl."""
import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess
import time

from patience import PATIENCE_S
from resp import Redis


class ServerError(Exception):
    """The node did not do what it was asked for."""


class Occupied(ServerError):
    """A node runs in that folder already; its process id, as it wrote it, is `pid`."""

    def __init__(self, folder, pid):
        super().__init__(f"a node runs in {folder} already (process {pid})")
        self.pid = pid


def _private(path, flags):
    return os.open(path, flags, 0o600)          # who calls whom is nobody else's business


def _setting(text, name, otherwise):
    match = re.search(rf"^[^#\n]*\b{name}\"?:\s*\[?\s*\"?([^\s,\]}}\"]+)", text, re.M)
    return match[1] if match else otherwise


class Server:
    """A node in `folder`; `programs` is the folder of tandemd and tandemctl."""

    def __init__(self, programs, folder, environment=None):
        self.programs, self.folder = os.path.abspath(programs), os.path.abspath(folder)
        self.config = os.path.join(self.folder, "tandem.yaml")
        self.log = os.path.join(self.folder, "tandemd.log")
        self.environment = {**os.environ, **(environment or {})}
        self.process = None
        self._log_from = 0

    def program(self, name):
        return os.path.join(self.programs, name)

    def init(self, **options):
        """tandemctl init; options as its flags, with _ for -."""
        flags = [part for name, value in options.items() if value is not None
                 for part in ("--" + name.replace("_", "-"), str(value))]
        done = subprocess.run([self.program("tandemctl"), "init", "--dir", self.folder, *flags],
                              env=self.environment, capture_output=True, text=True, timeout=30)
        if done.returncode:
            raise ServerError(f"tandemctl init: {(done.stderr or done.stdout).strip()}")

    @property
    def address(self):
        """host:port that phones register to: the first network's."""
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        host = _setting(text, "advertise", _setting(text, "bind", "127.0.0.1"))
        return f"{host}:{_setting(text, 'sip_ports', '5060')}"

    @property
    def secure_port(self):
        """SIP over TLS, as text; None without it."""
        with open(self.config, encoding="utf-8") as file:
            port = _setting(file.read(), "sip_tls_ports", "]")
        return port if port.isdigit() else None

    @property
    def web_address(self):
        """Where pages and the HTTP API are: http://HOST:PORT; None without them."""
        with open(self.config, encoding="utf-8") as file:
            block = re.search(r"^http:\n((?:[ \t#].*\n|\n)+)", file.read() + "\n", re.M)
        text = block[1] if block else ""
        host, port = _setting(text, "bind", "127.0.0.1"), _setting(text, "port", "0")
        return f"{'https' if _setting(text, 'tls', 'false') == 'true' else 'http'}://{host}:{port}" if port not in ("", "0") else None

    @property
    def state_dir(self):
        """node.state_dir; the node's folder where the settings cannot be read."""
        with contextlib.suppress(OSError), open(self.config, encoding="utf-8") as file:
            return _setting(file.read(), "state_dir", "/var/lib/tandem")
        return self.folder

    @contextlib.contextmanager
    def alone(self):
        """The lock that a node holds for as long as it lives; Occupied if one does."""
        os.makedirs(self.state_dir, mode=0o700, exist_ok=True)
        with open(os.path.join(self.state_dir, "lock"), "a+", encoding="ascii", opener=_private) as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise Occupied(self.folder, lock.read().strip() or "unknown") from None
            yield

    def start(self, seconds=PATIENCE_S, wrapper=()):
        """Starts the node and returns when it answers.  It dies with this process."""
        self.launch(wrapper)
        self.await_ready(seconds)

    def launch(self, wrapper=()):
        """Starts the node; what becomes of it the caller looks at."""
        with open(self.log, "ab", opener=_private) as log:
            self._log_from = log.tell()
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *wrapper, self.program("tandemd"),
                 "--config", self.config],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)     # an interrupt at the terminal is ours to pass on

    def await_ready(self, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while not re.search(r'\bmsg="?ready"?(\s|$)|"msg":\s*"ready"', self.log_text()):
            if self.process.poll() is not None:
                raise ServerError(f"tandemd ended with {self.process.returncode} before it was "
                                  f"ready:\n{self.log_tail()}")
            if time.monotonic() > end:
                self.kill()
                raise ServerError(f"tandemd is not ready after {seconds} s:\n{self.log_tail()}")
            time.sleep(0.02)

    def log_text(self):
        """What this start of the node has logged."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            log.seek(self._log_from)
            return log.read()

    def log_tail(self, lines=20):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def ctl(self, command, secret=None, **arguments):
        """One command; its answer.  A secret goes through stdin, where no process list shows it."""
        words = [f"{name}={value}" for name, value in arguments.items()]
        done = subprocess.run(
            [self.program("tandemctl"), "--config", self.config, "--json", command, *words],
            env=self.environment, input=secret, capture_output=True, text=True, timeout=30)
        if done.returncode:
            raise ServerError(f"tandemctl {command}: {(done.stderr or done.stdout).strip()}")
        answer = json.loads(done.stdout) if done.stdout.strip() else None
        return answer["result"] if isinstance(answer, dict) and "ok" in answer else answer

    def text(self, *words):
        """What tandemctl says to people."""
        done = subprocess.run([self.program("tandemctl"), "--config", self.config, *words],
                              env=self.environment, capture_output=True, text=True, timeout=30)
        if done.returncode:
            raise ServerError(f"tandemctl {words[0]}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def put_extension(self, number, password, **flags):
        self.ctl("extension.put", secret=password + "\n", number=number, password="-", **flags)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, seconds=PATIENCE_S):
        """A clean stop; its exit status, or None if it had to be killed.  Calls are not waited for."""
        if self.process is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.send_signal(signal.SIGTERM)
            return self.process.wait(0.2)
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def kill(self):
        """kill -9: the node cannot say goodbye."""
        self.process.kill()
        self.process.wait()

    @property
    def redis_socket(self):
        """Where the node's own Redis listens."""
        return os.path.join(self.state_dir, "redis", "redis.sock")

    def sweep(self):
        """Stops the embedded Redis that outlived a node which could not stop it itself.

        Under the node's lock: the Redis of a running node is never touched.  It holds a lock of its own
        from before it listens until it is gone.
        """
        with contextlib.suppress(Occupied), self.alone():
            end = time.monotonic() + PATIENCE_S
            while self._redis_lives():
                with contextlib.suppress(OSError), Redis(self.redis_socket) as redis:   # not yet, no more
                    redis("SHUTDOWN", "NOSAVE")
                if time.monotonic() > end:
                    raise ServerError(f"the Redis of {self.state_dir} does not stop: end it by its pid")
                time.sleep(0.02)

    def _redis_lives(self):
        try:
            with open(os.path.join(self.state_dir, "redis", "lock"), "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

# SPDX-License-Identifier: Apache-2.0
"""Kamailio, which runs a file of docs/guides."""
import os
import signal
import subprocess
import time

from patience import PATIENCE_S

STOPS_S = 10


class Kamailio:
    """A process that keeps what it has in `folder`; `text` is its configuration, and says on which addresses it listens.
    command: what its command line begins with; memory: MiB that its processes share, 32 are enough for some hundred transactions."""

    def __init__(self, folder, text, command=(), memory=32):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        path = self._write("kamailio.cfg", text)
        subprocess.run(["kamailio", "-c", "-f", path], check=True, capture_output=True, timeout=60)
        with open(os.path.join(folder, "log"), "ab") as log:
            self.process = subprocess.Popen([*command, "kamailio", "-DD", "-E", "-f", path, "-Y", folder, "-m", str(memory), "-M", "4"],
                                            cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def _write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def ask(self, *command):
        """What kamcmd prints."""
        socket = f"unix:{os.path.join(self.folder, 'kamailio_ctl')}"
        return subprocess.run(["kamcmd", "-s", socket, *command], check=True, capture_output=True, text=True, timeout=30).stdout

    def wait(self, what, seconds=PATIENCE_S):
        """Until what() is true, which it is only while Kamailio runs."""
        end = time.monotonic() + seconds
        while not what():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"Kamailio: {self.log()[-3000:]}")
            time.sleep(0.05)

    def close(self):
        """Its first process ends the others. Told all at once, they may wait for a lock that one of them had when it ended."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOPS_S)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self):
        """All its processes; nothing of it is left."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

# SPDX-License-Identifier: Apache-2.0
"""A container with a systemd of its own. Its files are those of this machine under an overlay in memory, and gone with it."""
import contextlib
import pathlib
import shutil
import subprocess

from patience import until


class Container:
    """Folders in `bound` are there as they are, whatever they are mounted from. close() it."""

    def __init__(self, folder, bound=()):
        self.folder, self.root, self.bound = folder, folder / "root", bound
        self.process = self.init = None
        for name in ("upper", "work", "root"):
            (folder / name).mkdir()
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={folder}/upper,workdir={folder}/work",
                        str(self.root)], check=True)
        self._clear()

    def _clear(self):
        """None of this machine's own services, and another identity."""
        for wants in ("multi-user.target.wants", "timers.target.wants"):
            shutil.rmtree(self.root / "etc" / "systemd" / "system" / wants, ignore_errors=True)
        (self.root / "etc" / "machine-id").unlink(missing_ok=True)
        (self.root / "etc" / "machine-id").touch()

    def start(self):
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["systemd-nspawn", "-D", str(self.root), "-b", "--private-network", "--register=no", "--keep-unit", "--console=pipe",
                 "-M", self.folder.name.replace("_", "x"), *(f"--bind={each}" for each in self.bound)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.init = int(until(self._first, self.log))
        until(lambda: self.sh("systemctl is-system-running", check=False) in ("running", "degraded"), lambda: f"systemd is not up: {self.log()}")

    def _first(self):
        """Its first process: the one before, which nspawn forks to make it, is gone soon."""
        if self.process.poll() is not None:
            raise AssertionError(f"systemd-nspawn ended: {self.log()}")
        with contextlib.suppress(OSError):
            for pid in self._text(f"{self.process.pid}/task/{self.process.pid}/children").split():
                if self._text(f"{pid}/comm").strip() == "systemd":
                    return pid
        return ""

    def _text(self, name):
        return pathlib.Path("/proc", name).read_text(encoding="ascii")

    def log(self):
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")[-3000:]

    def sh(self, line, check=True):
        """Runs it there as root; what it printed."""
        done = subprocess.run(["nsenter", "-t", str(self.init), "-m", "-u", "-i", "-n", "-p", "-r", "-w", "sh", "-c", line],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
        if check and done.returncode:
            raise AssertionError(f"{line}: {done.returncode}: {done.stdout}")
        return done.stdout.strip()

    def on_its_network(self, *words):
        """A program of this machine, with pipes to it and from it."""
        return subprocess.Popen(["nsenter", "-t", str(self.init), "-n", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self):
        """SIGTERM: systemd there powers off."""
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        subprocess.run(["umount", str(self.root)], check=False)

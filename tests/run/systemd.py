# SPDX-License-Identifier: Apache-2.0
"""./tandem systemd: deploy/tandem.service under a real systemd, in a container (tests/run/container.py).

Installs a node by the very lines at the head of that file and looks at what the file promises, under a live call where it matters. Prints
a line for each promise, and ends with status 1 where one does not hold. Needs root.
"""
import contextlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "run"), str(ROOT / "deploy" / "demo")]
from container import Container
from patience import until

UNIT = ROOT / "deploy" / "tandem.service"
DROP_INS = "cluster", "guard", "xdp", "dpdk"
SETTINGS, READY = "/var/lib/tandem/tandem.yaml", "http://127.0.0.1:8080/readyz"
PASSWORD = "of-two-phones"
EXPOSED_MOST = 20       # of 100, as systemd-analyze counts


def steps(build):
    """The commands at the head of the unit, as they stand there."""
    head = UNIT.read_text(encoding="utf-8").partition("[Unit]")[0]
    lines = [line.partition("  #")[0] for line in re.findall(r"^#   (\S.+)$", head, re.M)]
    return [line.replace("build/release", build).replace("ADDRESS", "127.0.0.1").replace("NAME", "one") for line in lines]


class Unit:
    """tandem.service in a container."""

    def __init__(self, container):
        self.container, self.sh = container, container.sh

    def show(self, name):
        return self.sh(f"systemctl show -P {name} tandem")

    def main(self):
        return int(self.show("MainPID"))

    def ready(self):
        return self.sh(f"curl -s -o /dev/null -w '%{{http_code}}' {READY}", check=False) == "200"

    def processes(self):
        """{pid: name}, of all in it."""
        rows = self.sh("ps -u tandem -o pid=,comm=", check=False).splitlines()
        return {int(pid): name for pid, name in (row.split(None, 1) for row in rows)}

    def status(self, name):
        return re.search(rf"^{name}:\s*(\S+)", self.sh(f"cat /proc/{self.main()}/status"), re.M)[1]

    @contextlib.contextmanager
    def talk(self):
        """Two phones speak; what is yielded asks whether they hear each other still."""
        for number in ("1001", "1002"):
            self.sh(f"echo {PASSWORD} | tandemctl --config {SETTINGS} extension.put number={number} password=-")
        process = self.container.on_its_network(sys.executable, str(ROOT / "tests" / "run" / "talk.py"), PASSWORD)

        def says(word):
            assert process.stdout.readline() == word + "\n", "the phones hear each other no more"

        def hear():
            process.stdin.write("\n")
            process.stdin.flush()
            says("hears")

        try:
            says("talks")
            yield hear
            process.stdin.close()
            says("ended")
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def starts(unit):
    """systemctl comes back when the node is ready, and not before."""
    build = os.path.relpath(os.environ["TANDEM_BUILD"], ROOT)
    for step in steps(build):
        unit.sh(f"cd {ROOT} && {step}")
    assert unit.ready(), "systemctl came back before the node was ready"
    assert unit.show("ActiveState") == "active"


def has_no_privilege(unit):
    found = {name: unit.status(name) for name in ("Uid", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp")}
    assert found["Uid"] != "0" and int(found["CapEff"], 16) == int(found["CapBnd"], 16) == 0, found
    assert (found["NoNewPrivs"], found["Seccomp"]) == ("1", "2"), found
    mounts = unit.sh(f"cat /proc/{unit.main()}/mounts").splitlines()
    writable = {row.split()[1] for row in mounts if "rw" in row.split()[3].split(",")}
    assert "/" not in writable and "/var/lib/tandem" in writable, writable
    return " ".join(f"{name}={value}" for name, value in found.items())


def is_exposed_little(unit):
    said = unit.sh(f"systemd-analyze security --threshold={EXPOSED_MOST} tandem.service | tail -n 1")
    return re.search(r"(\d+\.\d+)", said)[1] + " of 10"


def drop_ins_are_understood(unit):
    """Each alone; systemd-analyze warns of what systemd would pass over."""
    folder = "/etc/systemd/system/tandem.service.d"
    for name in DROP_INS:
        unit.sh(f"mkdir -p {folder} && cp {ROOT}/deploy/tandem-{name}.conf {folder}/")
        said = unit.sh("systemd-analyze verify /etc/systemd/system/tandem.service")
        assert "tandem" not in said, (name, said)
        unit.sh(f"rm -r {folder}")


def goes_on_after_a_kill(unit):
    """The call, and the Redis beside the node."""
    redis = [pid for pid, name in unit.processes().items() if name == "redis-server"]
    with unit.talk() as hear:
        pid, began = unit.main(), time.monotonic()
        unit.sh(f"kill -9 {pid}")
        until(lambda: unit.main() not in (0, pid) and unit.ready())
        took = time.monotonic() - began
        hear()
    assert unit.show("NRestarts") == "1", unit.show("NRestarts")
    assert [pid for pid, name in unit.processes().items() if name == "redis-server"] == redis
    return f"ready {took:.2f} s after kill -9, the call goes on"


def reads_settings_again(unit):
    pid = unit.main()
    unit.sh("systemctl reload tandem")
    assert unit.main() == pid and unit.ready()


def goes_on_after_a_restart(unit):
    """As for an upgrade. What was saved is there again."""
    with unit.talk() as hear:
        pid, began = unit.main(), time.monotonic()
        unit.sh("systemctl restart tandem")
        took = time.monotonic() - began
        assert unit.main() != pid and unit.ready()
        hear()
    return f"ready after {took:.2f} s, the call goes on"


def leaves_nothing(unit):
    """A stop ends all but the keeper, and that one ends by itself."""
    began = time.monotonic()
    unit.sh("systemctl stop tandem")
    took = time.monotonic() - began
    assert unit.show("Result") == "success", unit.show("Result")
    left = sorted(unit.processes().values())
    assert "redis-server" not in left and "tandemd" not in left, left
    until(lambda: not unit.processes(), lambda: f"still there: {unit.processes()}")
    unit.sh("systemctl start tandem")
    assert unit.ready()
    return f"{took:.2f} s"


def gives_up_with_wrong_settings(unit):
    unit.sh(f"systemctl stop tandem && cp -p {SETTINGS} /var/lib/tandem/kept && echo 'wrong: [' >> {SETTINGS}")
    unit.sh("systemctl start tandem", check=False)
    until(lambda: unit.show("ActiveState") == "failed", lambda: unit.sh("systemctl status tandem", check=False))
    found = unit.show("ExecMainStatus"), unit.show("NRestarts")
    unit.sh(f"mv /var/lib/tandem/kept {SETTINGS} && systemctl reset-failed tandem && systemctl start tandem")
    assert found == ("2", "0"), found
    assert unit.ready()


PROMISES = (starts, has_no_privilege, is_exposed_little, drop_ins_are_understood, goes_on_after_a_kill, reads_settings_again,
            goes_on_after_a_restart, leaves_nothing, gives_up_with_wrong_settings)


def holds(unit, promise):
    name = promise.__name__.replace("_", " ")
    try:
        print(f"{name}: {promise(unit) or 'yes'}", flush=True)
        return True
    except (AssertionError, subprocess.SubprocessError) as error:
        print(f"{name}: NO: {error}", flush=True)
        return False


def prove(folder, promises=PROMISES, of=Unit):
    """of(container): what the promises are about; it is not started yet."""
    container = Container(folder, [ROOT])
    try:
        unit = of(container)
        container.start()
        held = [holds(unit, promise) for promise in promises]
        if not all(held):
            print(unit.sh("journalctl -u tandem -n 60 --no-pager", check=False))
        return all(held)
    finally:
        container.close()


def in_memory(act):
    """act(folder), of a folder that is gone with it."""
    with tempfile.TemporaryDirectory(prefix="tandem-systemd-") as folder:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
        try:
            return act(pathlib.Path(folder))
        finally:
            subprocess.run(["umount", folder], check=False)


if __name__ == "__main__":
    sys.exit(0 if in_memory(prove) else 1)

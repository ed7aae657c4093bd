# SPDX-License-Identifier: Apache-2.0
"""./tandem package --check: the Debian package under live calls, in a container with a systemd of its own (tests/run/container.py).

Makes the package of the commit before and that of the working tree. Installs the first one, upgrades it under calls with audio, of which
one is recorded, goes back, and tries what must be refused. Prints a line for each promise, last a line of JSON: upgrade_calls_lost,
upgrade_gap_p99_ms and what belongs to it. Ends with status 1 where a promise does not hold. Needs root.
"""
import argparse
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "run"))
import systemd
import takeover
from patience import until

CALLS, GAP_MS, AWAY_MS = 50, 250, 1000
AFTER_S = 2.5           # a stream is silent after 2 s without a packet
PAIRS = [f"{kind}{pair:03}" for pair in range(2) for kind in (1, 2)]        # the extensions of tests/cluster/talk.py
SETTINGS, DEFAULT, STATE = "/etc/tandem/tandem.yaml", "/etc/default/tandem", "/var/lib/tandem"
PASSWORD = systemd.PASSWORD
FREE = "quotas: {extension: {calls: 0, calls_per_second: 0, port_pairs: 0}}"
APT = ("DEBIAN_FRONTEND=noninteractive apt-get -q -y --allow-downgrades --reinstall -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold "
       "install")
MARK = "# the operator was here"


def deb(tree, build, folder, *words):
    words = [sys.executable, str(tree / "deploy" / "debian" / "make.py"), "--build", build, "--out", str(folder), *words]
    return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout.split()[-1]


def debs(commit, folder):
    """(the package of that commit, that of these sources)."""
    new = deb(ROOT, os.environ["TANDEM_BUILD"], folder)
    with takeover.tree_of(commit) as tree:
        rest = [name for name in ("tandem-store", "tandem-helper", "tandem-archive", "tandem-ftp") if f"'{name}'" in (tree / "app/meson.build").read_text()]
        build = takeover.build(tree, (*takeover.PROGRAMS, *(f"app/{name}" for name in rest)))
        if (tree / "deploy" / "debian").exists():
            old = deb(tree, build, folder)
        else:       # its programs, packed as these are
            old = deb(ROOT, build, folder, "--version", "0~before")
    return old, new


def deaf(path, folder):
    """The same with a node that refuses all settings, as one would that knows a setting no more."""
    tree = folder / "deaf"
    subprocess.run(["dpkg-deb", "-R", path, str(tree)], check=True)
    (tree / "usr" / "bin" / "tandemd").write_text("#!/bin/sh\necho 'tandem.yaml:1:1: this is known no more' >&2\nexit 2\n", encoding="ascii")
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"^(Version: .*)$", r"\1+deaf", control.read_text(encoding="utf-8"), flags=re.M), encoding="utf-8")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", str(tree), str(folder / "deaf.deb")], stdout=subprocess.DEVNULL, check=True)
    return folder / "deaf.deb"


class Load:
    """Calls with audio, until it is closed."""

    def __init__(self, unit):
        self.process = unit.container.on_its_network(sys.executable, str(ROOT / "tests" / "run" / "load.py"), str(CALLS), PASSWORD)
        self._says("talks")

    def _line(self):
        return self.process.stdout.readline().strip()

    def _says(self, word):
        said = self._line()
        assert said == word, f"the calls: {said or 'ended'}"

    def _ask(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def listen(self):
        self._ask()
        self._says("hears")

    def heard(self):
        self._ask()
        return json.loads(self._line())

    def end(self):
        """Faults of calls that could not be ended."""
        self.process.stdin.close()
        return json.loads(self._line())["faults"]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Newcomer:
    """New calls, until it is ended."""

    def __init__(self, unit):
        self.process = unit.container.on_its_network(sys.executable, str(ROOT / "tests" / "run" / "newcomer.py"))
        assert self.process.stdout.readline() == "welcome\n", "no new call is welcome"

    def end(self):
        return json.loads(self.process.communicate()[0])


class Packaged(systemd.Unit):
    """tandem.service of the package."""

    def __init__(self, container, folder, old, new, figures):
        super().__init__(container)
        self.folder, self.old, self.new, self.figures = folder, old, new, figures

    def install(self, path, check=True):
        return self.sh(f"{APT} {path}", check=check)

    def ctl(self, words, secret=""):
        said = self.sh(f"echo {secret} | tandemctl --json {words}")
        return json.loads(said) if said else None

    def runs(self, path):
        """As it says itself, and ready."""
        status = self.sh("dpkg-query -W -f '${Version} ${db:Status-Status}' tandem")
        assert status == f"{pathlib.Path(path).name.split('_')[1]} installed", status
        assert not self.sh(f"readlink /proc/{self.main()}/exe").endswith("(deleted)"), "the programs of before run on"
        assert self.ready(), "it is not ready"


def refuses_the_user_of_a_person(unit):
    unit.sh("useradd -m -u 1234 tandem")
    said = unit.install(unit.old, check=False)
    unit.sh("userdel -r tandem 2>/dev/null")
    assert "the user tandem (uid 1234) is a person's" in said and not unit.sh("ls /usr/bin/tandemd", check=False).startswith("/usr"), said


def installs(unit):
    """The node is up, enabled, and its own; keys and settings are nobody else's."""
    unit.install(unit.old)
    unit.runs(unit.old)
    found = unit.sh(f"stat -c '%U:%G %a %n' {SETTINGS} {STATE} {STATE}/keys; systemctl is-enabled tandem; id -nu $(ps -o uid= -p {unit.main()})")
    assert found.split("\n") == [f"root:tandem 640 {SETTINGS}", f"tandem:tandem 700 {STATE}", f"tandem:tandem 600 {STATE}/keys", "enabled", "tandem"], found
    return unit.figures.setdefault("from", pathlib.Path(unit.old).name.split("_")[1])


def recorded(unit):
    """One of the calls is, from now on: its id."""
    call = unit.ctl("call.list limit=1")["result"][0]["id"]
    unit.ctl(f"call.record call={call} leg=a on=true")
    return call


def changed_by_the_operator(unit):
    unit.sh(f"echo '{FREE}' >> {SETTINGS} && echo '{MARK}' >> {SETTINGS} && echo '{MARK}' >> {DEFAULT} && systemctl reload tandem")
    for number in PAIRS:
        unit.ctl(f"extension.put number={number} password=- record=on_demand", PASSWORD)


def through(unit, load, path):
    """What the calls hear while that package comes, with how long the new process waited for a core of a machine that has other work."""
    load.listen()
    newcomer = Newcomer(unit)
    pid, began = unit.main(), time.monotonic()
    unit.install(path)
    took = time.monotonic() - began
    new = newcomer.end()
    waited = int(unit.sh(f"cat /proc/{unit.main()}/schedstat").split()[1]) / 1e6
    time.sleep(AFTER_S)
    heard = load.heard()
    unit.runs(path)
    assert unit.main() != pid, "it was not restarted"
    assert all(MARK in unit.sh(f"tail -n 1 {name}") for name in (SETTINGS, DEFAULT)), "what the operator wrote is gone"
    assert not new["hasty"], new
    return {**heard["gap_ms"], "silent": heard["silent_calls"], "took": took, "waited": waited, "away": new["away_ms"], "refused": new["refused"]}


def recording_is_whole(unit, call, seconds):
    """In one file or in several, but for what nobody heard."""
    def recorded_s():
        return sum(each["duration_ms"] for each in unit.ctl(f"recording.list call={call}")["result"]) / 1000

    until(lambda: recorded_s() > seconds - 1, lambda: f"{recorded_s():.1f} s of {seconds:.1f} are recorded")


def goes_on_over_an_upgrade(unit):
    """Over the way back, too, and once more forth."""
    changed_by_the_operator(unit)
    load = Load(unit)
    try:
        call, began = recorded(unit), time.monotonic()
        forth, back, again = [through(unit, load, path) for path in (unit.new, unit.old, unit.new)]
        lasted, faults = time.monotonic() - began, load.end()
    finally:
        load.close()
    worst = max(forth, again, key=lambda each: each["p99"])
    lost = max(len(faults), *(each["silent"] for each in (forth, back, again)))
    unit.figures.update(calls=CALLS, upgrade_calls_lost=lost, upgrade_gap_p99_ms=worst["p99"], upgrade_gap_max_ms=worst["max"],
                        upgrade_cpu_wait_ms=round(worst["waited"], 1), downgrade_gap_p99_ms=back["p99"], upgrade_s=round(worst["took"], 1),
                        upgrade_new_calls_away_ms=max(forth["away"], again["away"]), upgrade_new_calls_refused=forth["refused"] + again["refused"])
    assert not lost, faults[:3]
    recording_is_whole(unit, call, lasted)
    assert worst["p99"] - worst["waited"] <= GAP_MS, unit.figures
    assert max(each["away"] - each["waited"] for each in (forth, again)) <= AWAY_MS, unit.figures
    return f"{CALLS} calls; gap p99 {forth['p99']:.0f} ms, back {back['p99']:.0f} ms, forth again {again['p99']:.0f} ms"


def stays_where_settings_are_broken(unit):
    """Nothing is unpacked: the node, and its programs, are those of before."""
    pid = unit.main()
    unit.sh(f"cp -p {SETTINGS} {SETTINGS}.kept && echo 'wrong: [' >> {SETTINGS}")
    said = unit.install(unit.old, check=False)
    unit.sh(f"mv {SETTINGS}.kept {SETTINGS}")
    assert f"could not start again with {SETTINGS}" in said and re.search(rf"{SETTINGS}:\d+", said), said
    assert unit.main() == pid
    unit.runs(unit.new)


def stays_where_the_new_node_refuses(unit):
    """It runs on with the programs of before, and dpkg says so until that is mended."""
    pid = unit.main()
    said = unit.install(deaf(unit.new, unit.folder), check=False)
    assert "this is known no more" in said and "the node of before runs on" in said, said
    assert unit.main() == pid and unit.ready()
    assert "half-configured" in unit.sh("dpkg-query -W -f '${db:Status-Status}' tandem"), "nobody would see it"
    unit.install(unit.new)
    unit.runs(unit.new)


def goes_on_where_it_is_killed_meanwhile(unit):
    """When the new programs are unpacked, and it is to be restarted."""
    load = Load(unit)
    try:
        pid = unit.main()
        unit.sh(f"(until readlink /proc/{pid}/exe | grep -q deleted; do sleep 0.05; done; kill -9 {pid}) >/dev/null 2>&1 &")
        unit.install(unit.old)
        load.listen()
        time.sleep(AFTER_S)
        silent, faults = load.heard()["silent_calls"], load.end()
    finally:
        load.close()
    assert unit.main() != pid and not silent and not faults, (silent, faults[:3])
    unit.install(unit.new)


# An empty record of format 255, which is whole: cluster/record.h
LATER = ("local c = redis.call('HKEYS', KEYS[1])[1] redis.call('SET', 'kept', redis.call('HGET', KEYS[1], c)) "
         "redis.call('HSET', KEYS[1], c, 'TDR\\255' .. string.rep('\\0', 16) .. '\\125\\85\\143\\193') return c")
BACK = "redis.call('HSET', KEYS[1], ARGV[1], redis.call('GET', 'kept')) return redis.call('DEL', 'kept')"


def by_hand(unit, *words):
    """A script in the Redis of a node that is stopped."""
    redis = f"redis-cli -s {STATE}/redis/redis.sock"
    unit.sh(f"systemctl stop tandem; cd {STATE}/redis && runuser -u tandem -- redis-server redis.conf --daemonize yes >/dev/null && "
            f"until {redis} ping 2>&1 | grep -q PONG; do sleep 0.1; done")
    said = unit.sh(f"{redis} eval " + " ".join(shlex.quote(word) for word in words))
    unit.sh(f"{redis} shutdown; while pgrep -u tandem redis-server; do sleep 0.1; done")
    return said


def says_why_it_cannot_go_back(unit):
    """One call is in a state that the older program does not know: it says so, and the newer one goes on with all."""
    load = Load(unit)
    try:
        call = by_hand(unit, LATER, "1", "td:{s1}:rec")
        said = unit.install(unit.old, check=False)
        assert "Redis has records of a later program" in said and "the node does not run" in said, said
        by_hand(unit, BACK, "1", "td:{s1}:rec", call)
        unit.install(unit.new)
        load.listen()
        faults = load.end()
    finally:
        load.close()
    assert not faults, faults[:3]
    unit.runs(unit.new)


def restarts_only_where_it_may(unit):
    pid = unit.main()
    unit.sh(f"sed -i s/RESTART=yes/RESTART=no/ {DEFAULT}")
    said = unit.install(unit.new)
    assert unit.main() == pid and unit.ready() and "systemctl restart tandem" in said, said
    unit.sh(f"sed -i s/RESTART=no/RESTART=yes/ {DEFAULT}")


def comes_back_after_a_removal(unit):
    unit.sh("apt-get -q -y remove tandem")
    assert unit.show("ActiveState") in ("inactive", "failed"), unit.show("ActiveState")
    unit.sh(f"test -e {SETTINGS} && test -e {STATE}/keys")
    unit.install(unit.new)
    unit.runs(unit.new)
    assert PAIRS[0] in json.dumps(unit.ctl("extension.list")), "the extensions are gone"


def leaves_what_nobody_can_make_again(unit):
    """A purge takes settings; recordings, keys and who has which number stay. What comes then goes on with them, as with a node that was
    installed by hand: its user and its settings were there before."""
    kept = unit.sh(f"sha256sum {STATE}/keys")
    unit.sh(f"cp {SETTINGS} /root/by-hand")
    said = unit.sh("apt-get -q -y purge tandem")
    assert f"stay in {STATE}" in said and unit.sh(f"sha256sum {STATE}/keys") == kept, said
    unit.sh(f"! test -e /etc/tandem && ! test -e {DEFAULT} && ! systemctl cat tandem && find {STATE}/recordings -name '*.wav' | grep -q .")
    unit.sh(f"install -o tandem -g tandem -m 0600 /root/by-hand {STATE}/tandem.yaml")
    unit.install(unit.new)
    unit.runs(unit.new)
    assert MARK in unit.sh(f"cat {SETTINGS}") and unit.sh(f"readlink {STATE}/tandem.yaml") == SETTINGS
    assert PAIRS[0] in json.dumps(unit.ctl("extension.list")), "the extensions are gone"


PROMISES = (refuses_the_user_of_a_person, installs, goes_on_over_an_upgrade, goes_on_where_it_is_killed_meanwhile,
            stays_where_settings_are_broken, stays_where_the_new_node_refuses, says_why_it_cannot_go_back, restarts_only_where_it_may,
            comes_back_after_a_removal, leaves_what_nobody_can_make_again)


def lint(root, path):
    """lintian of the container, which is fetched for that: False where it finds an error."""
    shutil.copy(path, root / "root" / "tandem.deb")
    line = "apt-get -q update >/dev/null; apt-get -q -y install --no-install-recommends lintian >/dev/null && lintian --fail-on error --tag-display-limit 0 /root/tandem.deb"
    done = subprocess.run(["chroot", str(root), "sh", "-c", line], capture_output=True, text=True)
    print(f"lintian: {'no error' if not done.returncode else 'NO: ' + done.stdout + done.stderr}", flush=True)
    return not done.returncode


INSTALL = "apt-get -q update >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install /root/tandem.deb"
RUN = ("setpriv --reuid tandem --regid tandem --init-groups tandemd --config /etc/tandem/tandem.yaml >/dev/null & "
       "timeout 60 sh -c 'until tandemctl node.status; do sleep 0.2; done' && kill $! && wait $!")


def bare(path):
    """On a Debian that has nothing else: the package brings all that a node starts with. False where it does not."""
    with subprocess.Popen([ROOT / "deploy" / "chroot-proof.sh", "--hold"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as maker:
        program = maker.stdout.readline().strip()
        system = pathlib.Path(program).with_name("system")
        shutil.copy(path, system / "root" / "tandem.deb")
        done = subprocess.run([program, INSTALL], capture_output=True, text=True)
        if not done.returncode:     # its settings name an address of this machine; in a network of its own its ports are nobody else's
            address = re.search(r'bind: "([\d.]+)"', (system / SETTINGS[1:]).read_text(encoding="utf-8"))[1]
            line = f'ip link set lo up && ip address replace {address}/32 dev lo && exec "$0" "$1"'
            done = subprocess.run(["unshare", "--net", "sh", "-c", line, program, RUN], capture_output=True, text=True)
    print(f"on a bare Debian: {'NO: ' + done.stdout[-2000:] + done.stderr[-2000:] if done.returncode else 'it runs'}", flush=True)
    return not done.returncode


def prove(folder, commit):
    """In memory the container; the packages lie where it sees them."""
    with tempfile.TemporaryDirectory(prefix="package-", dir=ROOT / "build") as place:
        old, new = debs(commit, pathlib.Path(place))
        figures, clean = {}, [bare(new)]

        def of(container):
            (container.root / "usr" / "sbin" / "policy-rc.d").unlink(missing_ok=True)       # of this machine: nothing is started
            clean.append(lint(container.root, new))
            return Packaged(container, pathlib.Path(place), old, new, figures)

        held = systemd.prove(folder, PROMISES, of)
        print(json.dumps(figures))
        return held and all(clean)


def main():
    parser = argparse.ArgumentParser(prog="tandem package --check", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", required=True)
    parser.add_argument("--from", dest="commit", default="HEAD~1", help="the package before (HEAD~1)")
    options = parser.parse_args()
    sys.exit(0 if systemd.in_memory(lambda folder: prove(folder, options.commit)) else 1)


if __name__ == "__main__":
    main()

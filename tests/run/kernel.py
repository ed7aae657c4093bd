# SPDX-License-Identifier: Apache-2.0
"""./tandem kernel: what the kernel does for media, under the kernel that Debian has, in an emulated machine.

The newest image of Debian's package linux-image-amd64 is fetched, not installed. Its machine has this machine's files, read-only, under an
overlay in memory, and no network beyond itself. There the unit tests of the XDP program and the end-to-end tests named run. The machine
is emulated, so it is ten times slower: up to three classes of end-to-end tests that fail are run once more. Prints a line for each test,
and ends with status 1 where one failed, or where nothing ran."""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULES = "9p", "9pnet_virtio", "virtio_pci", "overlay", "bridge", "veth", "8021q", "udp_diag"
PROGRAMS = *(f"engine_port_tests xdp_{name}" for name in ("program", "forward", "forwards", "guard")), "engine_xdp_lane_test"
FILES = "tests/e2e/xdp_test.py", "tests/e2e/xdp_forward_test.py"
AGAIN_MOST, MEMORY_MIB, LIMIT_S = 3, 4096, 1500

INIT = """#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc proc /proc
for module in $($B cat /modules); do $B insmod $module; done
$B mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose,msize=262144 host /lower
$B mount -t tmpfs -o size=75% upper /upper
$B mkdir /upper/files /upper/work
$B mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work overlay /machine
for kind in proc:/proc sysfs:/sys devtmpfs:/dev tmpfs:/run tmpfs:/tmp; do $B mount -t ${kind%%:*} none /machine${kind#*:}; done
$B mkdir -p /machine/dev/shm /machine/run/netns
$B mount -t tmpfs none /machine/dev/shm
$B cp /script /machine/run/script
exec $B switch_root /machine /bin/sh /run/script
"""


def image(folder):
    """The kernel and its modules, below `folder`; its version."""
    depends = subprocess.run(["apt-cache", "depends", "linux-image-amd64"], check=True, capture_output=True, text=True).stdout
    name = re.search(r"Depends: (linux-image-\S+)", depends)[1]
    subprocess.run(["apt-get", "-q", "download", name], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    [package] = folder.glob("*.deb")
    subprocess.run(["dpkg", "-x", package, folder], check=True)
    version = name.removeprefix("linux-image-")
    subprocess.run(["depmod", "-b", folder, version], check=True)
    return version


def first_files(folder, version, script):
    """The file system that the kernel begins with, as an archive."""
    files = folder / "first"
    for name in ("bin", "proc", "lower", "upper", "machine"):
        (files / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", files / "bin")
    shown = subprocess.run(["modprobe", "-d", folder, "-S", version, "-a", "--show-depends", *MODULES], check=True, capture_output=True,
                           text=True).stdout
    modules = list(dict.fromkeys(re.findall(r"^insmod (\S+)", shown, re.M)))
    for module in modules:
        shutil.copy(module, files)
    (files / "modules").write_text("".join(f"/{pathlib.Path(module).name}\n" for module in modules))
    (files / "init").write_text(INIT)
    (files / "init").chmod(0o755)
    (files / "script").write_text(script)
    archive = folder / "first.cpio"
    with open(archive, "wb") as out:
        names = subprocess.Popen(["find", "."], cwd=files, stdout=subprocess.PIPE)
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=files, stdin=names.stdout, stdout=out, check=True)
    return archive


def commands(debug, release, files):
    """What is run there. Each test prints a line that begins with @@."""
    lines = ["export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp PYTHONDONTWRITEBYTECODE=1", f"export TANDEM_BUILD={release}",
             f"cd {ROOT}", "ip link set lo up", "echo @@ kernel $(uname -r)"]
    for program in PROGRAMS if not files else ():
        lines.append(f"if {debug}/tests/{program} >/tmp/said 2>&1; then r=passed; else r=failed; tail -20 /tmp/said; fi; "
                     f"echo '@@{{\"test\": \"{program}\", \"output\": \"\", \"result\": \"'$r'\"}}'")
    lines += [f"echo @@ {name}; python3 tests/run/one.py {name} 2>&1" for name in files or FILES]
    return "\n".join([*lines, "echo @@ end", "echo o > /proc/sysrq-trigger", "sleep 60", ""])


def booted(folder, version, script):
    """The results of one life of the machine: {test: (result, output)}; the name of an end-to-end test has its file."""
    command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", str(min(os.cpu_count(), 4)), "-m", str(MEMORY_MIB),
               "-nographic", "-no-reboot", "-nic", "none", "-kernel", folder / "boot" / f"vmlinuz-{version}", "-initrd", first_files(folder, version, script),
               "-append", "console=ttyS0 quiet panic=-1", "-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"]
    said, of, ended = {}, "", False
    with open(folder / "console", "w", encoding="utf-8") as console:
        machine = subprocess.Popen(["timeout", str(LIMIT_S), *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, errors="replace")
        for line in machine.stdout:
            console.write(line)
            at = line.find("@@")
            if at >= 0 and line[at + 2] == "{":
                row = json.loads(line[at + 2:])
                test = (of and of + "::") + row["test"]
                said[test] = row["result"], row["output"]
                print(f"{row['result']:8} {test}", flush=True)
            elif at >= 0:
                word = line[at + 3:].strip()
                of, ended = word.partition("::")[0] if word.startswith("tests/") else "", ended or word == "end"
                print(word, flush=True)
        machine.wait()
    shutil.rmtree(folder / "first")
    if not ended:
        raise SystemExit(f"the machine ended too early; its console: {(folder / 'console').read_text()[-3000:]}")
    return said


def failures(said):
    return [test for test, (result, _) in said.items() if result == "failed"]


def main():
    parser = argparse.ArgumentParser(prog="./tandem kernel", description="Tests of media in the kernel under Debian's own, in an emulated machine.")
    parser.add_argument("--debug", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--release", required=True, help=argparse.SUPPRESS)
    parser.add_argument("file", nargs="*", help="FILE[::Class[.test]]: this one of tests/e2e, and no other")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tandem-kernel-") as name:
        folder = pathlib.Path(name)
        version = image(folder)
        said = booted(folder, version, commands(options.debug, options.release, options.file))
        failed = failures(said)
        again = sorted({test.rpartition(".")[0] for test in failed})
        if again and len(again) <= AGAIN_MOST and all("::" in test for test in again):
            print("once more: " + " ".join(again))
            said |= booted(folder, version, commands(options.debug, options.release, again))
            failed = failures(said)
        for test in failed:
            print(f"-- {test}\n{said[test][1]}")
    passed, others = (sum(result == word for result, _ in said.values()) for word in ("passed", "skipped"))
    print(f"{passed} passed, {len(failed)} failed, {others} skipped under {version}")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tandem_VERSION_ARCHITECTURE.deb of a release build: ./tandem package. Its path is what is printed last.

By dpkg-deb, of a staged tree: debhelper would need 40 packages more, and write the same scripts. Dependencies are those that dpkg-shlibdeps
finds in the programs. The module for G.729 is not in it (docs/adr/0036-g729-apart.md).
"""
import argparse
import datetime
import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WHO = "tandem maintainers <maintainers@tandem.invalid>"
PROGRAMS = "tandemd", "tandemctl", "tandem-store", "tandem-helper", "tandem-archive", "tandem-ftp"
SCRIPTS = "preinst", "postinst", "prerm", "postrm"
SETTINGS = "/etc/tandem/tandem.yaml"
DROP_INS = "cluster", "dpdk", "guard", "xdp"


def say(*words, **options):
    return subprocess.run([str(word) for word in words], check=True, stdout=subprocess.PIPE, text=True, **options).stdout.strip()


def git(*words):
    return say("git", "-c", f"safe.directory={ROOT}", "-C", ROOT, *words, stderr=subprocess.DEVNULL)


def version_of(now):
    """(version, time): below the release that it becomes, above each earlier commit, of which a rebase makes several in a second. What is
    not committed counts from now."""
    release = re.search(r"^  version: '([^']+)'", (ROOT / "meson.build").read_text(encoding="utf-8"), re.M)[1]
    try:
        when, commit = git("log", "-1", "--format=%ct %h").split()
    except subprocess.CalledProcessError:       # an unpacked archive: nobody knows of which commit
        return f"{release}~0.{now:%Y%m%d%H%M%S}", int(now.timestamp())
    count = git("rev-list", "--count", "HEAD")
    changed = f"+{now:%Y%m%d%H%M%S}" if git("status", "--porcelain", "--untracked-files=no") else ""
    committed = datetime.datetime.fromtimestamp(int(when), datetime.timezone.utc)
    return f"{release}~{committed:%Y%m%d%H%M%S}.{count}.{commit}{changed}", int(when)


def put(stage, path, text, mode=0o644):
    """A file of the package: text, octets, or a copy of a file here."""
    at = stage / path.lstrip("/")
    at.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(text, pathlib.Path):
        shutil.copyfile(text, at)
    else:
        at.write_bytes(text.encode() if isinstance(text, str) else text)
    at.chmod(mode)


def programs_put(stage, build):
    """As meson installs them, below /usr; of modules those that may lie in a package with the rest."""
    say("meson", "install", "-C", build, "--no-rebuild", "--tags", "runtime", "--destdir", stage / "built")
    prefix = next((stage / "built").rglob("bin/tandemd")).parents[1]
    for path in sorted(each for each in prefix.rglob("*") if each.is_file()):
        put(stage, f"/usr/{path.relative_to(prefix)}", path, 0o644 if path.suffix == ".so" else 0o755)
        say("strip", "--strip-unneeded", "--remove-section=.comment", "--remove-section=.note", stage / "usr" / path.relative_to(prefix))
    shutil.rmtree(stage / "built")


def unit():
    """deploy/tandem.service without the lines about an installation by hand, and with the paths of a package."""
    text = (ROOT / "deploy" / "tandem.service").read_text(encoding="utf-8")
    text = text[text.index("[Unit]"):].replace("/usr/local/bin/", "/usr/bin/").replace("/var/lib/tandem/tandem.yaml", SETTINGS)
    return "# SPDX-License-Identifier: Apache-2.0\n" + text


def documents_put(stage, version, when):
    doc = "/usr/share/doc/tandem"
    date = datetime.datetime.fromtimestamp(when, datetime.timezone.utc)
    put(stage, f"{doc}/copyright", HERE / "copyright")
    change = f"tandem ({version}) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- {WHO}  {date:%a, %d %b %Y %H:%M:%S +0000}\n"
    for name, text in (("changelog.Debian.gz", change.encode()), ("changelog.gz", (ROOT / "CHANGELOG.md").read_bytes())):
        put(stage, f"{doc}/{name}", gzip.compress(text, mtime=when))
    for path in (ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "guides").iterdir()):
        put(stage, f"{doc}/{path.relative_to(ROOT)}", path)
    put(stage, f"{doc}/examples/tandem.yaml", ROOT / "deploy" / "tandem.yaml")


def roff(text):
    """As it stands."""
    escaped = text.strip("\n").replace("\\", "\\e").replace("-", "\\-")
    ascii_only = re.sub(r"[^\0-\x7f]", lambda found: f"\\[u{ord(found[0]):04X}]", escaped)
    return ".nf\n" + re.sub(r"^([.'])", r"\\&\1", ascii_only, flags=re.M) + "\n.fi\n"


def pages_put(stage, version, when):
    """Manual pages of what the programs say of themselves: their tables of commands and settings."""
    def told(*words):
        return say(stage / "usr" / "bin" / words[0], *words[1:])
    usage, _, listed = told("tandemctl", "help").partition("\nCommands:\n")
    names = re.findall(r"^ {2}(\S+)", listed, re.M)
    commands = "".join(f".SS {name}\n{roff(told('tandemctl', 'help', name))}" for name in names)
    date, release = f"{datetime.datetime.fromtimestamp(when, datetime.timezone.utc):%Y-%m-%d}", version.partition("~")[0]
    usage, options = (text.replace("usage:", "      ", 1) for text in (usage, told("tandemd", "--help")))
    for program, does, synopsis, rest in (
            ("tandemctl", "commands a tandem node", usage, f".SH COMMANDS\n{commands}"),
            ("tandemd", "SIP server and media engine", options,
             f".SH FILES\n{SETTINGS}: all settings are in /usr/share/doc/tandem/docs/config.md\n")):
        text = (f'.TH {program.upper()} 8 {date} "tandem {release}" "System Manager\'s Manual"\n.SH NAME\n{program} \\- {does}\n'
                f".SH SYNOPSIS\n{roff(synopsis)}{rest}")
        put(stage, f"/usr/share/man/man8/{program}.8.gz", gzip.compress(text.encode(), mtime=when))


def swagger_put(stage):
    """What /v1/docs is made of (http.swagger_ui), of the version that the tests lock."""
    if not shutil.which("npm"):
        print("tandem package: there is no npm, so /v1/docs will say which files it lacks", file=sys.stderr)
        return
    sys.path.insert(0, str(ROOT / "tests" / "e2e"))
    from lib import npm     # pylint: disable=import-outside-toplevel
    files = npm.install("api") / "swagger-ui-dist"
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt", "LICENSE", "NOTICE"):
        put(stage, f"/usr/share/tandem/swagger-ui/{name}", files / name)


def bundle_put(stage):
    """The web pages (http.pages)."""
    if not (shutil.which("node") and shutil.which("npm")):
        print("tandem package: there is no node and npm, so the console will say that it is not built", file=sys.stderr)
        return
    sys.path.insert(0, str(ROOT / "deploy" / "demo"))
    import pages    # pylint: disable=import-outside-toplevel
    folder = ROOT / "build" / "pages"
    pages.build(folder)
    for path in sorted(folder.iterdir()):
        put(stage, f"/usr/share/tandem/pages/{path.name}", path)


def staged(stage, build, version, when):
    programs_put(stage, build)
    pages_put(stage, version, when)
    put(stage, "/usr/lib/systemd/system/tandem.service", unit())
    put(stage, "/usr/lib/sysusers.d/tandem.conf", HERE / "sysusers")
    put(stage, "/etc/default/tandem", HERE / "default")
    for name in DROP_INS:
        put(stage, f"/usr/share/tandem/tandem-{name}.conf", ROOT / "deploy" / f"tandem-{name}.conf")
    put(stage, "/usr/share/tandem/tandem-ftp.service", ROOT / "deploy" / "tandem-ftp.service")
    for name in ("tandem_client.py", "tandem_client.h", "tandem_client.c", "tandem_http.py", "tandem_http.h", "tandem_http.c",
                 "js/tandem.js", "js/package.json", "js/tandem_types.py"):
        put(stage, f"/usr/share/tandem/{name}", ROOT / "client" / name)
    document = say(stage / "usr" / "bin" / "tandemctl", "help", "openapi")
    put(stage, "/usr/share/tandem/js/tandem.d.ts", say(sys.executable, ROOT / "client" / "js" / "tandem_types.py", input=document) + "\n")
    swagger_put(stage)
    bundle_put(stage)
    for path in (ROOT / "deploy" / "prompts").glob("*.*"):
        put(stage, f"/usr/share/tandem/prompts/{path.name}", path, 0o755 if path.suffix == ".py" else 0o644)
    for path in (ROOT / "deploy" / "flows").glob("*.json"):
        put(stage, f"/usr/share/tandem/flows/{path.name}", path, 0o644)
    say(sys.executable, ROOT / "deploy" / "prompts" / "make.py", "--opus", stage / "usr" / "share" / "tandem" / "sounds")
    documents_put(stage, version, when)


def libraries_of(stage):
    """{Depends, Suggests}: what programs and modules are linked with, as dpkg-shlibdeps knows it. The modules' are for who wants them."""
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "debian").mkdir()
        (pathlib.Path(folder) / "debian" / "control").write_text("Source: tandem\n\nPackage: tandem\nArchitecture: any\n", encoding="ascii")
        peers, places = pathlib.Path(os.environ.get("TANDEM_PEERS", ROOT / "build" / "peers")), []
        if (peers / "shlibs").exists():     # libraries that dpkg does not know, as they are not installed (deploy/peers.sh)
            shutil.copy(peers / "shlibs", pathlib.Path(folder) / "debian" / "shlibs.local")
            places = [f"-l{place}" for place in (peers / "root" / "usr" / "lib").glob("*-linux-gnu")]
        said = say("dpkg-shlibdeps", *places, "-O", *(stage / "usr" / "bin" / name for name in PROGRAMS),
                   "-dSuggests", *sorted((stage / "usr" / "lib" / "tandem").glob("*.so")), cwd=folder)
    return dict(line.removeprefix("shlibs:").split("=", 1) for line in said.splitlines())


def control_put(stage, version, architecture):
    found = libraries_of(stage)
    octets = sum(path.stat().st_size for path in stage.rglob("*") if path.is_file())
    values = {"VERSION": version, "ARCHITECTURE": architecture, "WHO": WHO, "SIZE": str(octets // 1024), "LIBRARIES": found["Depends"],
              "OPTIONAL": "".join(f", {name}" for name in (found.get("Suggests"),) if name)}
    text = (HERE / "control").read_text(encoding="utf-8")
    put(stage, "/DEBIAN/control", re.sub(r"@(\w+)@", lambda match: values[match[1]], text))
    put(stage, "/DEBIAN/conffiles", "".join(f"/{path.relative_to(stage)}\n" for path in sorted((stage / "etc").rglob("*")) if path.is_file()))
    for name in SCRIPTS:
        put(stage, f"/DEBIAN/{name}", HERE / name, 0o755)
    sums = say("sh", "-c", "find usr -type f -print0 | sort -z | xargs -0 md5sum", cwd=stage)
    put(stage, "/DEBIAN/md5sums", sums + "\n")


def made(options):
    """The package's path."""
    version, when = version_of(datetime.datetime.now(datetime.timezone.utc))
    version = options.version or version
    architecture = say("dpkg", "--print-architecture")
    out = pathlib.Path(options.out) / f"tandem_{version}_{architecture}.deb"
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tandem-package-") as folder:
        stage = pathlib.Path(options.stage or folder) / "stage"
        os.umask(0o022)
        staged(stage, options.build, version, when)
        control_put(stage, version, architecture)
        say("dpkg-deb", "--root-owner-group", "--build", stage, out, env={**os.environ, "SOURCE_DATE_EPOCH": str(when)})
    return out


def main():
    parser = argparse.ArgumentParser(prog="tandem package", description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, metavar="FOLDER", help="the release build")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="the package goes there")
    parser.add_argument("--version", help="another than that of the commit")
    parser.add_argument("--stage", metavar="FOLDER", help="its tree stays there")
    try:
        print(made(parser.parse_args()))
    except subprocess.CalledProcessError as error:
        sys.exit(f"tandem package: {' '.join(map(str, error.cmd))} ended with {error.returncode}: {error.stdout}")


if __name__ == "__main__":
    main()

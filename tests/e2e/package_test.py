# SPDX-License-Identifier: Apache-2.0
"""What is in the Debian package. That it is installed and upgraded under calls, ./tandem package --check shows."""
import datetime
import gzip
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import unittest.mock

from lib.node import ROOT, build_folder

LONG = 70                      # s
BUILD = "release"
MAKE = ROOT / "deploy" / "debian" / "make.py"
PLACES = re.compile(r"(?<![\w/])(/(?:usr/(?:bin|lib|share)|etc)/[\w./-]*tandem[\w./-]*\w)")
MADE = "/etc/tandem", "/etc/systemd/system/"        # by its installation, or by the operator


def make():
    spec = importlib.util.spec_from_file_location("package_make", MAKE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="tandem-deb-"))
        coder = pathlib.Path(folder) / "bin" / "opusenc"        # how small it is, and how good it sounds, nobody asks: that takes nine tenths of the time
        coder.parent.mkdir()
        coder.write_text(f'#!/bin/sh\nexec {shutil.which("opusenc")} --comp 0 "$@"\n', encoding="ascii")
        coder.chmod(0o755)
        done = subprocess.run([str(MAKE), "--build", build_folder(), "--out", folder, "--stage", folder], capture_output=True, text=True,
                              env={**os.environ, "DPKG_DEB_COMPRESSOR_LEVEL": "0", "PATH": f"{coder.parent}:{os.environ['PATH']}"})
        if done.returncode:
            raise AssertionError(done.stderr)
        cls.path, cls.stage = done.stdout.split()[-1], pathlib.Path(folder) / "stage"

    def field(self, name):
        return subprocess.run(["dpkg-deb", "--field", self.path, name], capture_output=True, text=True, check=True).stdout.strip()

    def test_it_has_what_unit_scripts_and_guides_name(self):
        texts = [self.stage / "usr/lib/systemd/system/tandem.service", *(self.stage / "DEBIAN").iterdir(), ROOT / "docs/guides/package.md"]
        named = {place for path in texts for place in PLACES.findall(path.read_text(encoding="utf-8"))
                 if not place.startswith(MADE)}
        self.assertIn("/usr/bin/tandemd", named)
        self.assertEqual([place for place in sorted(named) if not (self.stage / place[1:]).exists()], [])

    def test_it_has_all_prompts_in_each_language(self):
        """As Opus, where the node looks for them last (app/node/node_media.h)."""
        self.assertIn('"/usr/share/tandem/sounds"', (ROOT / "app/node/node_media.h").read_text(encoding="utf-8"))
        for language in ("en", "de"):
            text = (ROOT / "deploy/prompts" / f"{language}.txt").read_text(encoding="utf-8")
            wanted = set(re.findall(r"^([a-z][a-z0-9-]*) =", text, re.M)) - {"voice"}
            folder = self.stage / "usr/share/tandem/sounds/.prompts" / language
            self.assertEqual({path.stem for path in folder.iterdir()}, wanted)
            self.assertEqual({path.read_bytes()[:4] for path in folder.iterdir()}, {b"OggS"})

    def test_it_has_flows_whose_prompts_are_there(self):
        known = {path.stem for path in (self.stage / "usr/share/tandem/sounds/.prompts/en").iterdir()}
        flows = sorted((self.stage / "usr/share/tandem/flows").iterdir())
        self.assertIn("attendant.json", [path.name for path in flows])
        for path in flows:
            for step in json.loads(path.read_text(encoding="utf-8"))["steps"].values():
                verb = step.get("play") or step.get("gather") or step.get("record") or {}
                prompts = verb if isinstance(verb, list) else verb.get("prompt", [])
                self.assertLessEqual({name for name in prompts if "{" not in name}, known, path.name)

    def test_it_has_what_the_unit_names_beside(self):
        unit = (self.stage / "usr/lib/systemd/system/tandem.service").read_text(encoding="utf-8")
        self.assertNotIn("/usr/local", unit)
        for drop_in in set(re.findall(r"tandem-\w+\.conf", unit)):
            self.assertTrue((self.stage / "usr/share/tandem" / drop_in).exists(), drop_in)
        account = (self.stage / "usr/lib/sysusers.d/tandem.conf").read_text(encoding="utf-8")
        self.assertEqual(re.search(r"^User=(\S+)", unit, re.M)[1], account.split()[1])

    def test_it_has_all_programs_and_modules_of_the_build(self):
        build = pathlib.Path(build_folder())
        modules = {path.name for folder in ("dsp", "engine") for path in (build / folder).glob("*.so")} - {"tandem-g729.so"}
        self.assertEqual({path.name for path in (self.stage / "usr/bin").iterdir()}, {"tandemd", "tandemctl", "tandem-store", "tandem-helper", "tandem-archive", "tandem-ftp"})
        self.assertEqual({path.name for path in (self.stage / "usr/lib").rglob("*.so")}, modules, "G.729 is a package of its own (ADR 36)")
        for name in ("tandemd", "tandemctl"):
            said = subprocess.run([str(self.stage / "usr/bin" / name), "--help"], capture_output=True, text=True, check=True).stdout
            self.assertIn("usage", said)

    def test_it_has_the_page_and_the_clients_of_the_http_api(self):
        share = self.stage / "usr/share/tandem"
        self.assertIn('"/usr/share/tandem/swagger-ui"', (ROOT / "app/settings/settings_schema.c").read_text(encoding="utf-8"))
        for name in ("swagger-ui/swagger-ui.css", "swagger-ui/swagger-ui-bundle.js", "swagger-ui/LICENSE", "tandem_http.py", "tandem_http.h", "tandem_http.c"):
            self.assertGreater((share / name).stat().st_size, 100, name)
        self.assertIn('"/usr/share/tandem/pages"', (ROOT / "app/settings/settings_schema.c").read_text(encoding="utf-8"))
        for name in ("console.html", "client.html", "licences.txt"):
            self.assertGreater((share / "pages" / name).stat().st_size, 100, name)
        files = json.loads((share / "js/package.json").read_text(encoding="utf-8"))["files"]
        self.assertEqual([name for name in files if not (share / "js" / name).exists()], [])
        self.assertIn("originate(args: {", (share / "js/tandem.d.ts").read_text(encoding="utf-8"))

    def test_manual_pages_have_each_command(self):
        pages = {path.name: gzip.decompress(path.read_bytes()).decode() for path in (self.stage / "usr/share/man/man8").iterdir()}
        self.assertEqual(set(pages), {"tandemctl.8.gz", "tandemd.8.gz"})
        told = subprocess.run([str(self.stage / "usr/bin/tandemctl"), "help", "api"], capture_output=True, text=True, check=True).stdout
        commands = re.findall(r"^### `?([a-z_.]+)`?$", told, re.M)
        self.assertGreater(len(commands), 100)
        self.assertEqual([name for name in commands if f"\n.SS {name}\n" not in pages["tandemctl.8.gz"]], [])
        for name, text in pages.items():
            done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=text, capture_output=True, text=True, check=True)
            self.assertEqual(done.stderr, "", name)
            self.assertRegex(text, r"\n\.SH NAME\n\w+ \\- \w+")

    def test_what_it_depends_on_is_what_it_is_linked_with(self):
        """The libraries by dpkg-shlibdeps; what is started, by name. Modules are for who wants them."""
        depends = self.field("Depends")
        for name in ("libc6 (>=", "libssl3 (>=", "liburing2 (>=", "redis-server"):
            self.assertIn(name, depends)
        self.assertNotIn("librte", depends)
        self.assertNotIn("@", depends + self.field("Suggests"))

    def test_libraries_that_are_only_unpacked(self):
        """They are found where they are unpacked, for nothing on the machine names their place (deploy/peers.sh)."""
        module, folder = make(), pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-deb-")))
        library, stage = folder / "root/usr/lib/x86_64-linux-gnu/libunpacked.so.7", folder / "stage"
        for place in (library.parent, stage / "usr/bin"):
            place.mkdir(parents=True)
        for text, *options in (("int f(void) { return 0; }", "-shared", "-Wl,-soname,libunpacked.so.7", "-o", library),
                               ("int f(void); int main(void) { return f(); }", "-x", "none", library, "-o", stage / "usr/bin/program")):
            subprocess.run(["cc", "-x", "c", "-", *options], input=text, text=True, check=True)
        (folder / "shlibs").write_text("libunpacked 7 unpacked7 (>= 7.1)\n", encoding="ascii")
        module.PROGRAMS = ("program",)
        with unittest.mock.patch.dict(os.environ, TANDEM_PEERS=str(folder)):
            self.assertIn("unpacked7 (>= 7.1)", module.libraries_of(stage)["Depends"])

    def test_what_is_in_etc_is_the_operators(self):
        files = subprocess.run(["dpkg-deb", "--info", self.path, "conffiles"], capture_output=True, text=True, check=True).stdout.split()
        self.assertEqual(files, [f"/{path.relative_to(self.stage)}" for path in sorted((self.stage / "etc").rglob("*")) if path.is_file()])

    def test_versions_go_up(self):
        """With each commit, also of one second, and below the release that they become."""
        module, shown = make(), []
        for when, count, commit in ((1795733402, 999, "abc"), (1795733402, 1000, "00d"), (1795733424, 998, "fff"), (1795819824, 1001, "1e1")):
            answers = {"log": f"{when} {commit}", "rev-list": str(count), "status": ""}
            module.git = lambda word, *_, answers=answers: answers[word]
            shown.append(module.version_of(None)[0])
        module.git = unittest.mock.Mock(side_effect=subprocess.CalledProcessError(128, "git"))
        shown.insert(0, module.version_of(datetime.datetime(2038, 1, 19))[0])       # an unpacked archive, below each commit
        release = shown[0].partition("~")[0]
        for older, newer in zip(shown, [*shown[1:], release]):
            self.assertEqual(os.waitstatus_to_exitcode(os.system(f"dpkg --compare-versions '{older}' lt '{newer}'")), 0, (older, newer))


if __name__ == "__main__":
    unittest.main()

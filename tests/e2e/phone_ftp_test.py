# SPDX-License-Identifier: Apache-2.0
"""Phones that fetch their files over FTP: Debian's pure-ftpd as deploy/tandem-ftp.service starts it, and curl in the hands of the scripted phone."""
import concurrent.futures
import contextlib
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from lib import place                   # noqa: E402
from lib.node import Node               # noqa: E402
from phones.polycom import Answer, Polycom      # noqa: E402
from provision_test import MAC, OTHER, ProvisionTest    # noqa: E402
from patience import PATIENCE_S, until  # noqa: E402

UNIT = (pathlib.Path(__file__).resolve().parents[2] / "deploy" / "tandem-ftp.service").read_text("utf-8")
PUBLIC = "PlcmSpIp"
NOBODY = 65534
STATUS = {0: 200, 9: 550, 25: 553, 67: 530, 78: 550, 8: 421}      # of curl: nothing there, may not be written, may not log in, too many


def setting(name):
    return re.search(f"^{name}=(.*)$", UNIT, re.M)[1]


def as_user(capabilities=""):
    """As systemd starts it: a user of its own, with these capabilities and no others."""
    caps = "".join(f",+{name.removeprefix('CAP_').lower()}" for name in capabilities.split())
    rights = [f"--inh-caps=-all{caps}", f"--ambient-caps=-all{caps}", f"--bounding-set=-all{caps}", "--no-new-privs"] if caps else []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *rights]


class Unprivileged(Node):
    def start(self, seconds=PATIENCE_S, wrapper=()):
        super().start(seconds, wrapper or as_user())


class FtpPhone(Polycom):
    """The same phone with Server Type FTP."""
    def transfer(self, method, name, body=None, headers=()):
        url = f"ftp://{self.server.hostname}:{self.server.port}/{name}"
        words = ["curl", "--silent", "--show-error", "--user", f"{self.user}:{self.password}", "--max-time", "20", *(["--upload-file", "-"] if method == "PUT" else []), url]
        done = subprocess.run(words, input=body, capture_output=True, timeout=30)
        self.asked.append((method, name, STATUS.get(done.returncode, done.stderr)))
        return Answer(self.asked[-1][2], {}, done.stdout)


@unittest.skipUnless(shutil.which("pure-ftpd") and os.geteuid() == 0, "needs pure-ftpd, and root")
class FtpTest(unittest.TestCase):
    """A node without rights, as a service has it, and a pure-ftpd beside it."""
    @classmethod
    def setUpClass(cls):
        cls.node = cls.enterClassContext(Unprivileged(start=False))
        cls.port, cls.firmware = cls.node.ports.take(), pathlib.Path(cls.node.home, "firmware")
        (cls.firmware / "polycom-8.5").mkdir(parents=True)
        cls.image = os.urandom(300_000)         # more than an upload may have
        (cls.firmware / "polycom-8.5" / "3111-46157-002.sip.ld").write_bytes(cls.image)
        cls.configure()
        for path in (cls.node.home, *map(str, pathlib.Path(cls.node.home).rglob("*"))):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        cls.node.start()
        for number in ("201", "202"):
            cls.node.put_extension(number, "secret" + number)
        cls.node.ctl("device.put", mac=MAC, model="vvx410", extensions="201")
        cls.node.ctl("device.put", mac=OTHER, model="vvx410", extensions="202")
        cls.login = pathlib.Path(cls.node.folder, "ftp", "login")
        until(cls.login.exists, cls.node.log_text)
        cls.serve()

    @classmethod
    def configure(cls, **more):
        cls.node.configure({"provision": {"ftp": True, "firmware": str(cls.firmware), **more}})

    @classmethod
    def serve(cls):
        words = shlex.split(setting("ExecStart").replace("/var/lib/tandem/ftp/login", str(cls.login)).replace("0.0.0.0,21", f"{place.NODE},{cls.port}")
                            .replace("40000:40099", cls.node.ports.take_range(32).replace("-", ":"))
                            .replace("/run/tandem-ftp/pid", f"{cls.node.home}/ftp.pid"))
        server = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *as_user(setting("AmbientCapabilities")), "prlimit", f"--fsize={setting('LimitFSIZE')}",
                                   *words], stdin=subprocess.DEVNULL)
        cls.addClassCleanup(lambda: (server.kill(), server.wait()))
        until(lambda: cls.curl("PlcmSpIp", PUBLIC, "")[0] == 0, "pure-ftpd does not answer")

    @classmethod
    def curl(cls, user, password, path, *words):
        done = subprocess.run(["curl", "--silent", "--max-time", "20", "--user", f"{user}:{password}", *words, f"ftp://{place.NODE}:{cls.port}/{path}"],
                              capture_output=True, timeout=30, input=b"x")
        return done.returncode, done.stdout

    @contextlib.contextmanager
    def session(self, user, password):
        with socket.create_connection((place.NODE, self.port), 20) as one:
            one.sendall(f"USER {user}\r\nPASS {password}\r\nPWD\r\n".encode())
            self.assertIn(b"257", self.answers(one, 1, b"257 "))
            yield one

    def answers(self, one, count, start=b""):
        """Reads as many lines that begin so; b"": an answer's last one."""
        text, last = b"", re.compile(rb"^" + (re.escape(start) or rb"\d{3} "), re.M)
        while len(last.findall(text)) < count:
            text += one.recv(65536) or self.fail(text)
        return text

    def phone(self, mac=MAC, user="201", password="secret201", **options):
        device = FtpPhone(mac, f"ftp://{place.NODE}:{self.port}/", user, password, **options)
        self.addCleanup(device.close)
        return device

    agent, talks, seen = ProvisionTest.agent, ProvisionTest.talks, ProvisionTest.seen

    def uploaded(self, mac=MAC):
        return pathlib.Path(self.node.folder, "phones", "default", mac)


class Boot(FtpTest):
    def test_from_a_bare_phone_to_a_call(self):
        """PROV-19, P7-06: it logs in as its extension, fetches what a phone over HTTP fetches, registers, and is called."""
        began, device = time.time() * 1000 - 1, self.phone()
        self.assertTrue(device.boot())
        self.assertEqual([name.rpartition("/")[2] for name in device.names], ["Extension_201_user.cfg", "altigen10060_user.cfg", "Extension_201.cfg"])
        self.assertEqual(device.values["reg.1.server.1.address"], place.NODE)
        until(lambda: (self.uploaded() / f"{MAC}-boot.log").exists(), "its log is not there")
        self.assertEqual((self.uploaded() / f"{MAC}-boot.log").read_bytes(), b"boot\n")
        self.assertEqual(device.register(self.agent).status, 200)
        seen = until(lambda: (now := self.seen())["registered_utc_ms"] > began and now)
        self.assertLess(began, min(seen["accepted_utc_ms"], seen["fetched_utc_ms"]))
        self.assertIn(seen["revision"], device.names[0])
        with self.talks("202", device):
            pass

    def test_release_7(self):
        """P7-01, P7-06: the files of 7.0, by the password of the extension."""
        self.node.ctl("device.put", mac=OTHER, generation="7.0", model="soundpoint650", firmware=False)
        self.addCleanup(self.node.ctl, "device.put", mac=OTHER, generation="8.5", model="vvx410", firmware=True)
        device = self.phone(OTHER, "202", "secret202", model="soundpoint650", firmware="3.2.7")
        self.assertTrue(device.boot())
        self.assertEqual([name.rpartition("/")[2] for name in device.names], [f"{OTHER}_user.cfg", "202.cfg", "altigen.cfg"])
        self.assertEqual(device.register(self.agent).status, 200)

    def test_a_change_is_in_the_next_boot(self):
        """All files of a boot are of one revision, also where it changes meanwhile."""
        device = self.phone()
        master = device.get(f"{MAC}.cfg")
        before = re.search(f"{MAC}-[0-9a-f]+/Extension_201.cfg", master.decode())[0]
        self.node.ctl("device.put", mac=MAC, columns=2)
        self.addCleanup(self.node.ctl, "device.put", mac=MAC, columns=1)
        after = re.search(f"{MAC}-[0-9a-f]+/Extension_201.cfg", device.get(f"{MAC}.cfg").decode())[0]
        self.assertNotEqual(before, after)
        for path, columns in ((before, "1"), (after, "2")):
            self.assertIn(f'up.numOfDisplayColumns="{columns}"', device.get(path).decode())

    def test_firmware(self):
        """PROV-18, PROV-19: it is offered, and is larger than what may be uploaded."""
        self.assertEqual(self.phone().get(f"{MAC}-firmware/3111-46157-002.sip.ld"), self.image)


class Bounds(FtpTest):
    def test_uploads(self):
        """What a phone brings lies where it lies over HTTP, and comes back; nothing else is taken, and what was laid stays."""
        device = self.phone()
        self.assertEqual(device.put(f"{MAC}-phone.cfg", b'<a up.numOfDisplayColumns="4"/>'), 200)
        until((self.uploaded() / f"{MAC}-phone.cfg").exists)
        device.boot()
        self.assertEqual(device.values["up.numOfDisplayColumns"], "4")
        master, rest = device.get(f"{MAC}.cfg"), device.names[0].partition("/")[0]
        laid = sorted(os.listdir(self.login.parent / "default+201" / rest))
        for name in (f"{MAC}-x.log", f"{OTHER}-boot.log", "x", f"{MAC}-app.log/x", f"{rest}/x", f"{MAC}.cfg", device.names[0], ".x", "../x", "/tmp/x"):
            device.put(name, b"x")
        device.put(f"{MAC}-app.log", b"x" * 1_000_000)
        for command in (f"DELE {MAC}.cfg", f"RNFR {MAC}.cfg", f"SITE CHMOD 666 {MAC}.cfg", f"RMD {rest}"):
            self.assertNotEqual(self.curl("201", "secret201", "", "--quote", command)[0], 0, command)
        self.curl("201", "secret201", "", "--quote", "MKD folder")
        folder = self.login.parent / "default+201"
        until(lambda: sorted(os.listdir(folder)) == sorted([f"{MAC}.cfg", f"{MAC}-boot.log", f"{MAC}-directory.xml", f"{MAC}-firmware", f"{MAC}-phone.cfg", rest]),
              lambda: os.listdir(folder))
        self.assertEqual(device.get(f"{MAC}.cfg"), master)
        self.assertEqual(sorted(os.listdir(folder / rest)), laid)
        self.assertEqual(sorted(os.listdir(self.uploaded())), [f"{MAC}-boot.log", f"{MAC}-phone.cfg"])
        self.assertFalse(self.uploaded(OTHER).exists())
        for path in pathlib.Path(self.node.folder, "ftp").rglob("*"):
            self.assertTrue(path.is_socket() or path.stat().st_mode & 0o077 == 0, path)

    def test_public(self):
        """PROV-19: the account that everybody knows sees one file without a secret, and writes nothing."""
        status, listed = self.curl(PUBLIC, PUBLIC, "", "--list-only")
        self.assertEqual((status, sorted(set(listed.split()) - {b".", b".."})), (0, [b"000000000000.cfg"]))
        status, text = self.curl(PUBLIC, PUBLIC, "000000000000.cfg")
        self.assertEqual((status, b'CONFIG_FILES=""' in text, b'APP_FILE_PATH=""' in text), (0, True, True))
        for path in (f"{MAC}.cfg", "../default+201/", "//etc/passwd", "/login", "..%2f..%2fkeys"):
            self.assertNotEqual(self.curl(PUBLIC, PUBLIC, path)[0], 0, path)
        self.assertEqual(self.curl(PUBLIC, PUBLIC, "x", "--upload-file", "-")[0], 25)
        self.assertEqual(self.curl(PUBLIC, PUBLIC, "000000000000.cfg", "--upload-file", "-")[0], 25)
        self.assertNotEqual(self.curl(PUBLIC, PUBLIC, "", "--quote", "MKD x")[0], 0)

    def test_public_at_once(self):
        """PROV-19: log-ins of others open nothing to a session of the public account, with a hundred requests in one segment."""
        with self.session(PUBLIC, PUBLIC) as one, concurrent.futures.ThreadPoolExecutor(4) as pool:
            others = [pool.submit(self.curl, PUBLIC, PUBLIC, "000000000000.cfg") for _ in range(40)]
            turn = 0
            while not all(other.done() for other in others):
                one.sendall(b"".join(b"MKD x%d\r\n" % n for n in range(turn, turn + 100)))
                self.answers(one, 100)
                turn += 100
        self.assertGreater(turn, 100)
        self.assertEqual({other.result()[0] for other in others}, {0})
        self.assertEqual({tuple(os.listdir(folder)) for folder in self.login.parent.glob("public*")}, {("000000000000.cfg",)})

    def test_folders(self):
        """Folders within folders go, too, made in one segment and with an upload in them."""
        with self.session("202", "secret202") as one:
            one.sendall(b"".join(b"MKD a%d\r\nMKD a%d/b\r\nMKD a%d/b/c\r\n" % (n, n, n) for n in range(100)))
            self.answers(one, 300)
            folder = self.login.parent / "default+202"
            until(lambda: not list(folder.glob("a*")), lambda: os.listdir(folder))
        self.assertEqual(self.curl("202", "secret202", f"{OTHER}.cfg")[0], 0)

    def test_same_number_of_tenants(self):
        """The password chooses the tenant, of as many as have that number."""
        secrets = [f"of-tenant-{n}" for n in range(17)]
        for n, secret in enumerate(secrets):
            self.node.ctl("tenant.put", name=f"t{n}", domains=f"t{n}.example")
            self.node.ctl("extension.put", tenant=f"t{n}", number="700", password=secret)
            self.node.ctl("device.put", tenant=f"t{n}", mac=f"0004f2170{n:03}", model="vvx410", extensions="700")
        for n, secret in enumerate(secrets):
            self.assertEqual(self.curl("700", secret, f"0004f2170{n:03}.cfg")[0], 0, n)
        self.assertNotEqual(self.curl("700", secrets[0], "0004f2170001.cfg")[0], 0)

    def test_no_text(self):
        """A name that is no UTF-8 is refused at once, and keeps no place."""
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(5)
            one.connect(str(self.login))
            one.sendall(b"account:\xff\npassword:x\nlocalhost:192.0.2.1\nlocalport:21\npeer:192.0.2.2\nend\n")
            self.assertIn(b"auth_ok:-1", one.recv(100))

    def test_whose(self):
        """A password opens the files of its own extension alone; others, and nobody, open none."""
        self.phone("0004f2000009", "202", "secret202").boot()
        wrong = (("201", "secret202"), ("201", ""), ("999", "secret201"), ("anonymous", "x"), (PUBLIC, "x"), (MAC, "secret201"))
        with concurrent.futures.ThreadPoolExecutor(6) as pool:      # pure-ftpd lets each wait
            self.assertEqual(list(pool.map(lambda one: self.curl(*one, "")[0], wrong)), [67] * len(wrong))
        self.assertEqual(self.curl("202", "secret202", f"{MAC}.cfg")[0], 78)
        self.assertEqual(self.curl("202", "secret202", f"{OTHER}.cfg")[0], 0)
        self.assertFalse([path for path in self.login.parent.rglob("*") if path.is_file() and path.stat().st_size < 100_000 and b"secret201" in path.read_bytes() and
                          "default+201" not in str(path)])

    def test_a_password_of_the_device(self):
        """PROV-07: a device with a password of its own logs in by its MAC."""
        mac = "0004f214ab40"
        self.node.ctl("device.put", mac=mac, model="vvx410", extensions="202", password="of-the-device")
        self.addCleanup(self.node.ctl, "device.delete", mac=mac)
        device = self.phone(mac, mac, "of-the-device")
        self.assertTrue(device.boot())
        self.assertEqual(device.values["reg.1.auth.userId"], mac)


class Life(FtpTest):
    def test_killed(self):
        """The process that says who logs in, and the node, are killed, and phones fetch their files again; what lay there is gone."""
        self.assertEqual(self.curl("201", "secret201", f"{MAC}.cfg")[0], 0)
        child = until(lambda: subprocess.run(["pgrep", "-x", "tandem-ftp", "-P", str(self.node.process.pid)], capture_output=True, text=True).stdout.split())
        os.kill(int(child[0]), signal.SIGKILL)
        until(lambda: self.node.metric("tandem_ftp_deaths_total") == 1)
        until(lambda: self.curl("201", "secret201", f"{MAC}.cfg")[0] == 0, self.node.log_text)
        self.node.kill()
        self.node.restart()
        until(lambda: self.curl("202", "secret202", f"{OTHER}.cfg")[0] == 0, self.node.log_text)
        self.assertFalse((self.login.parent / "default+201").exists())

    def laid(self):
        """Files with a password, of whatever extension."""
        return [path for path in self.login.parent.rglob("*") if path.is_file() and b"secret20" in path.read_bytes()]

    def test_nothing_stays(self):
        """No password lies there once the node has stopped, nor where it starts without FTP behind a kill."""
        self.addCleanup(lambda: (self.configure(), self.node.stop(), self.node.restart(), until(self.login.exists)))
        for ends in (self.node.stop, self.node.kill):
            until(lambda: self.curl("201", "secret201", f"{MAC}.cfg")[0] == 0, self.node.log_text)
            self.assertTrue(self.laid())
            ends()
            if ends == self.node.kill:
                self.configure(ftp=False)
            else:
                self.assertEqual(self.laid(), [])
            self.node.restart()
        self.assertEqual(list(self.login.parent.iterdir()), [])

    def test_guesses(self):
        """Wrong passwords are braked, as over HTTP and together with those of it."""
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            self.assertEqual(set(pool.map(lambda _: self.curl("202", "wrong", "")[0], range(16))), {67})
        until(lambda: [self.curl("202", secret, "")[0] for secret in ("wrong", "secret202")] == [67, 67], "guesses go on")      # each wait is longer
        self.assertEqual(self.curl("201", "secret201", "")[0], 0)

    def test_unknown_phones(self):
        """PROV-18, PROV-19, ADM-24: they are offered firmware where a setting says so."""
        self.configure(firmware_unknown=True)
        self.addCleanup(self.configure)
        self.node.process.send_signal(signal.SIGHUP)
        until(lambda: b'APP_FILE_PATH="bare-firmware/sip.ld"' in self.curl(PUBLIC, PUBLIC, "000000000000.cfg")[1])
        self.assertEqual(self.curl(PUBLIC, PUBLIC, "bare-firmware/3111-46157-002.sip.ld"), (0, self.image))
        self.assertNotEqual(self.curl(PUBLIC, PUBLIC, "bare-firmware/x", "--upload-file", "-")[0], 0)

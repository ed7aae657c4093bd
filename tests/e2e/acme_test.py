# SPDX-License-Identifier: Apache-2.0
"""./tandem run --public NAME: a certificate by ACME, against pebble of Debian, which asks as authorities do; and another one while phones are connected."""
import contextlib
import errno
import io
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import types
import unittest
from unittest import mock
import urllib.request

import acme
from first_test import run_command
from lib.authority import Authority
from lib.nameserver import NameServer, address
from patience import PATIENCE_S, until
from ports import Ports
from server import Server

NAME = "pbx.example.org"


class Public(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-acme-")))
        self.ports = self.enterContext(Ports(300))
        self.challenge, self.acme, self.management = self.ports.take(), self.ports.take(), self.ports.take()
        self.names = NameServer({NAME: [address("127.0.0.1")]})
        self.addCleanup(self.names.close)
        self.authority = Authority(self.folder)
        certificate, key = self.authority.signs("acme", "IP:127.0.0.1")
        (self.folder / "pebble.json").write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{self.acme}", "managementListenAddress": f"127.0.0.1:{self.management}", "certificate": certificate, "privateKey": key,
            "httpPort": self.challenge, "tlsPort": self.challenge, "ocspResponderURL": "", "externalAccountBindingRequired": False}}), encoding="utf-8")
        self.said = open(self.folder / "pebble.log", "w+b")       # pylint: disable=consider-using-with
        self.addCleanup(self.said.close)
        pebble = subprocess.Popen(["pebble", "-config", str(self.folder / "pebble.json"), "-dnsserver", self.names.name], stdout=self.said, stderr=self.said,
                                  env={**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"})
        self.addCleanup(pebble.wait)
        self.addCleanup(pebble.kill)
        until(lambda: self.root())

    def root(self):
        """That of what pebble signs; it makes one at each start."""
        try:
            with urllib.request.urlopen(f"https://127.0.0.1:{self.management}/roots/0", context=ssl.create_default_context(cafile=self.authority.path)) as answer:
                return answer.read().decode()
        except OSError:
            return None

    def runs(self, *words):
        """A node by ./tandem run, once it is up; what else it says is in the file."""
        said = self.folder / "said"
        with open(said, "wb") as file:
            process = subprocess.Popen(run_command("--dir", str(self.folder / "node"), "--no-demo", "--no-web", *words), stdout=file, stderr=file,
                                       env={**os.environ, "LEGO_CA_CERTIFICATES": self.authority.path})
        self.addCleanup(process.wait, PATIENCE_S)
        self.addCleanup(process.send_signal, signal.SIGTERM)
        until(lambda: "Stop the node" in said.read_text(), said.read_text)
        return said

    def public(self, *words):
        sip, tls, http = (str(self.ports.take()) for _ in range(3))
        said = self.runs("--bind", "127.0.0.1", "--sip-ports", sip, "--tls-ports", tls, "--media-ports", self.ports.take_range(100), "--http", f"127.0.0.1:{http}",
                         "--public", NAME, "--acme-server", f"https://127.0.0.1:{self.acme}/dir", "--acme-port", f"127.0.0.1:{self.challenge}", *words)
        return said, int(tls), int(http)

    def connect(self, port):
        """As a phone or a browser that trusts that authority alone, and has asked for the name."""
        trust = ssl.create_default_context(cadata=self.root())
        return trust.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S), server_hostname=NAME)

    def serial(self, port):
        with self.connect(port) as link:
            return link.getpeercert()["serialNumber"]

    def test_a_name(self):
        """Phones and browsers believe the node by its name; another certificate comes, and a connection from before goes on."""
        said, tls, http = self.public("--acme-renew", "3,10000")
        until(lambda: f"has a certificate for {NAME}" in said.read_text(), lambda: said.read_text() + (self.folder / "node" / "acme.log").read_text())
        until(lambda: all(self.believed(port) for port in (tls, http)))
        before = self.serial(tls)
        with self.connect(tls) as phone:
            held = phone.getpeercert()["serialNumber"]
            until(lambda: self.serial(tls) not in (before, held))
            until(lambda: self.serial(http) not in (before, held))
            phone.sendall(b"\r\n\r\n")      # RFC 5626 3.5.1
            self.assertEqual(phone.recv(16), b"\r\n")
        self.assertGreater(len(re.findall("has a certificate", said.read_text())), 1)
        for path in (self.folder / "node" / "acme", self.folder / "node" / "tls" / "node.key"):
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)

    def believed(self, port):
        try:
            return self.serial(port)
        except ssl.SSLError:
            return None

    def test_nobody_answers_there(self):
        """The authority does not find this machine by the name: the node stays up with its own certificate, and says why."""
        self.names.zone[NAME] = [address("127.0.0.9")]
        said, tls, _ = self.public()
        until(lambda: f"no certificate for {NAME}" in said.read_text(), said.read_text)
        self.assertIn("acme.log says why", said.read_text())
        self.assertIn("127.0.0.9", (self.folder / "node" / "acme.log").read_text())
        self.assertIsNone(self.believed(tls))
        own = ssl.create_default_context(cafile=str(self.folder / "node" / "tls" / "ca.pem"))
        with own.wrap_socket(socket.create_connection(("127.0.0.1", tls), timeout=PATIENCE_S), server_hostname=NAME):
            pass
        self.assertTrue(Server(run_command()[3], str(self.folder / "node")).ctl("node.status"))


class Wrong(unittest.TestCase):
    """What the machine refuses beside a node that runs: that goes on, hears why, and has the certificate once it is mended."""

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-acme-")))
        self.node = mock.Mock()
        self.said = self.enterContext(contextlib.redirect_stderr(io.StringIO()))
        self.enterContext(contextlib.redirect_stdout(io.StringIO()))
        server = types.SimpleNamespace(folder=str(self.folder), state_dir=str(self.folder), process=self.node)
        self.certificate = acme.Certificate(server, types.SimpleNamespace(public=NAME, acme_renew="3600,30", acme_server="https://ca", acme_port=":80"))
        self.tls = self.folder / "tls"
        self.tls.mkdir()

    def made(self):
        """lego has just made one."""
        (self.folder / "acme" / "certificates").mkdir(parents=True, exist_ok=True)
        for what in ("key", "crt"):
            self.certificate.made(what).write_text("new " + what, encoding="ascii")
        self.certificate.process = mock.Mock(returncode=0, poll=lambda: 0)
        self.certificate.look()

    def test_no_space_for_the_program(self):
        for times in (1, 2):
            self.certificate.next_s = 0
            with mock.patch.object(acme.subprocess, "Popen", side_effect=OSError(errno.ENOSPC, "No space left on device")) as begun:
                self.certificate.look()
                self.certificate.look()         # not before its time
                self.assertEqual(begun.call_count, 1, times)
        self.assertEqual(self.said.getvalue().count("No space left on device"), 1)

    def test_no_space_for_the_second_file(self):
        """Key and certificate of the node stay a pair."""
        for name in ("node.key", "node.pem"):
            (self.tls / name).write_text("old", encoding="ascii")
        (self.tls / ".node.pem.new").mkdir()
        self.made()
        self.assertIn(".node.pem.new", self.said.getvalue())
        self.assertEqual([(self.tls / name).read_text() for name in ("node.key", "node.pem")], ["old", "old"])
        self.node.send_signal.assert_not_called()
        (self.tls / ".node.pem.new").rmdir()
        self.made()
        self.assertEqual([(self.tls / name).read_text() for name in ("node.key", "node.pem")], ["new key", "new crt"])
        self.node.send_signal.assert_called_once_with(signal.SIGHUP)

    def test_no_former_one(self):
        self.made()
        self.assertEqual((self.tls / "node.pem").read_text(), "new crt")
        self.node.send_signal.assert_called_once_with(signal.SIGHUP)

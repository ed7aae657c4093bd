# SPDX-License-Identifier: Apache-2.0
"""The first minutes with a node: ./tandem run, tandemctl init, the first mistakes."""
import contextlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

from lib import ROOT
from lib.node import Node, build_folder
from ports import Ports, is_free
from tandem_client import Client, Refused

RUNNING = 3             # exit status: a node runs there already


def run_command(*words):
    """deploy/demo/run.py, as ./tandem run starts it."""
    return [sys.executable, str(ROOT / "deploy/demo/run.py"), "--bin", os.path.join(build_folder(), "app"), *words]


def demo_run(*words):
    return subprocess.run(run_command(*words), capture_output=True, text=True, timeout=60, check=False)


class FirstRun(unittest.TestCase):
    """A node in a new folder, by ./tandem run alone."""

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-first-"))
        self.ports = self.enterContext(Ports(200))

    def node(self, *words):
        return self.call("--no-demo", *words)

    def call(self, *words):
        """The process and what it said once the node is up."""
        process = subprocess.Popen(run_command("--dir", self.folder, *words), text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, 30)
        self.addCleanup(process.send_signal, signal.SIGTERM)
        said = ""
        for line in process.stdout:
            said += line
            if "Stop the node" in line:
                return process, said
        raise AssertionError(said)

    def handshake(self, port):
        context = ssl.create_default_context(cafile=os.path.join(self.folder, "tls", "ca.pem"))
        with socket.create_connection(("127.0.0.1", port), timeout=5) as sock, \
                context.wrap_socket(sock, server_hostname="127.0.0.1"):
            pass

    def test_tls_is_on(self):
        usual = is_free("127.0.0.1", 5061)
        process, said = self.node("--bind", "127.0.0.1", "--media-ports", self.ports.take_range(100))
        port = int(re.search(r"SIP over TLS on port (\d+)", said)[1])
        self.assertIn(port, (5061,) if usual else range(1024, 65536))
        self.handshake(port)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 0)
        done = demo_run("--dir", self.folder, "--no-demo", "--bind", "127.0.0.2")
        self.assertEqual(done.returncode, 1)
        self.assertIn("--bind is for a new node", done.stderr)

    def test_ports_of_ones_own(self):
        sip, tls, http = self.ports.take(), self.ports.take(), self.ports.take()
        _, said = self.node("--bind", "127.0.0.1", "--media-ports", self.ports.take_range(100), "--name", "here",
                            "--sip-ports", str(sip), "--tls-ports", str(tls), "--http", f"127.0.0.1:{http}")
        self.assertIn(f"on 127.0.0.1 port {sip}.", said)
        self.handshake(tls)
        with open(os.path.join(self.folder, "tandem.yaml"), encoding="utf-8") as file:
            text = file.read()
        for wanted in ('name: "here"', f"sip_ports: [{sip}]", f"sip_tcp_ports: [{sip}]", f"port: {http}"):
            self.assertIn(wanted, text)

    def test_its_pages(self):
        """They come behind all else, with a link that signs in once; or not at all."""
        http = self.ports.take()
        words = ("--bind", "127.0.0.1", "--media-ports", self.ports.take_range(100), "--http", f"127.0.0.1:{http}", "--sip-ports", str(self.ports.take()), "--tls-ports", "none")
        process, said = self.node(*words)
        for line in process.stdout:
            said += line
            if "/client" in line:
                break
        link = re.search(rf"http://127\.0\.0\.1:{http}/console#link=(\S+)", said)[1]
        for status in 200, 401:
            request = urllib.request.Request(f"http://127.0.0.1:{http}/v1/login/redeem", method="POST", headers={"Authorization": f"Bearer {link}"})
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    self.assertEqual((answer.status, json.load(answer)["role"]), (status, "operator"))
            except urllib.error.HTTPError as error:
                self.assertEqual(error.code, status)
        with urllib.request.urlopen(f"http://127.0.0.1:{http}/console", timeout=30) as answer:
            self.assertIn(b"/pages/console-", answer.read())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 0)
        process, said = self.node("--no-web")
        time.sleep(2)
        process.send_signal(signal.SIGTERM)
        self.assertNotIn("console", said + process.stdout.read())

    def test_its_call(self):
        """Also on an address that is not the one this machine sends from; where it fails the node says why, and stays."""
        now = int(time.time() * 1000)
        process, said = self.call("--bind", "127.0.0.3", "--media-ports", self.ports.take_range(100),
                                  "--begun", f"{now - 73300},{now - 42300},{now}")
        self.assertRegex(said, "call 1001 to 1002: answered after .* digits 42; ended: hung up by a")
        self.assertRegex(said, r"(?m)^packages 31\.0 s, build 42\.3 s, call \d+\.\d s$")
        self.assertNotIn("fail", said)
        self.assertIn("The node speaks, in English and German.\n", iter(process.stdout.readline, ""))      # behind the call
        for language in "en", "de":
            self.assertTrue(os.path.exists(f"{self.folder}/sounds/.prompts/{language}/mailbox-menu.wav"))
        subprocess.run([os.path.join(build_folder(), "app", "tandemctl"), "--config", self.folder + "/tandem.yaml",
                        "extension.put", "number=1002", "do_not_disturb=true"], check=True, capture_output=True, timeout=30)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 0)
        process, said = self.call()
        self.assertIn("The call is over: ", said)
        self.assertIn("state: not_established", said)
        self.assertIn("The node is up", said)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 1)


class Answers(unittest.TestCase):
    """None is lost, whoever is first: the answer or the question for it."""

    @classmethod
    def setUpClass(cls):
        cls.node = Node()
        cls.addClassCleanup(cls.node.close)

    def test_python(self):
        with Client(f"unix:{self.node.redis_socket}") as client:
            for number in range(200):
                self.assertEqual(len(client.ask("help", command="help")), 1, number)
            with self.assertRaises(Refused) as caught:
                client.ask("call.show", call="0000000000001")
            self.assertEqual(caught.exception.code, "not_found")
            with self.assertRaises(Refused) as caught:
                client.ask("node.status")
            self.assertEqual(caught.exception.code, "not_allowed")
        with self.node.redis() as redis:
            self.assertEqual(redis("KEYS", "td:{cmd:default}:out:*"), [], "it leaves nothing")

    def test_python_with_a_lost_connection(self):
        """It is made again, and the command under way has one effect."""
        with Client(self.node.redis_socket, "_operator") as client, self.node.redis() as redis:
            client.ask("node.status")
            for _ in range(20):
                threading.Thread(target=lambda: redis("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")).start()
                self.assertIn("realm", client.ask("node.status", wait=10))

    def test_python_events(self):
        with Client(self.node.redis_socket) as client:
            events = client.events(5)
            with self.node.user_agent("1001", "secret1001") as agent:
                self.node.put_extension("1001", "secret1001")
                agent.register()
            self.assertEqual(next(events)["type"], "registration.new")
            events.close()

    def test_c(self):
        """tandemctl is made of the client in C."""
        self.node.forget_socket()
        for _ in range(20):
            self.assertIn("realm", self.node.tandemctl("node.status"))

    def test_where_redis_is(self):
        """tandemctl needs to know no more; a file that is wrong otherwise will do."""
        broken = os.path.join(self.node.folder, "broken.yaml")
        wrong = os.path.join(self.node.folder, "wrong.yaml")
        with open(broken, "w", encoding="ascii") as file:
            file.write("node: {name: [}\n")
        with open(wrong, "w", encoding="ascii") as file:
            file.write(f"colour: red\nnode: {{state_dir: {self.node.folder}, shard: many}}\n")
        for words, environment in ((("--redis", f"unix:{self.node.redis_socket}"), {}), (("--config", broken), {}),
                                   (("--config", wrong), {}), ((), {"TANDEM_CONFIG": self.node.config})):
            with self.subTest(words):
                done = subprocess.run([self.node.program("tandemctl"), *words, "node.status"], capture_output=True, text=True,
                                      timeout=30, check=False, env={**self.node.environment, **environment})
                self.assertEqual((done.returncode, "realm" in done.stdout), (0, True), done.stderr)
        for words, status, said in ((("--redis", "unix:/nowhere.sock"), 3, "no Redis answers"),
                                    (("--redis", "http://x"), 3, "must be unix:/path"),
                                    (("--config", "/nowhere"), 2, "No such file")):
            done = subprocess.run([self.node.program("tandemctl"), *words, "node.status"], capture_output=True, text=True,
                                  timeout=30, check=False)
            self.assertEqual((done.returncode, said in done.stderr), (status, True), done.stderr)


class ByHand(unittest.TestCase):
    """Settings that somebody wrote: what tandemd asks for, tandemctl init makes."""

    def tandemd(self, config):
        process = subprocess.Popen([os.path.join(build_folder(), "app", "tandemd"), "--config", config], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(process.stdout.close)
        return process

    def test_the_minimal_file(self):
        """The one of docs/config.md, with an address of this machine and a folder of the test's."""
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-first-"))
        text = (ROOT / "docs/config.md").read_text(encoding="utf-8")
        text = re.search(r"A minimal file:\n\n```yaml\n(.*?)```", text, re.S)[1]
        text = text.replace("192.0.2.10", "127.99.0.1").replace("/var/lib/tandem", os.path.join(folder, "state"))
        if not is_free("127.0.0.1", 8080):
            text += "http: {port: 0}\n"
        config = os.path.join(folder, "tandem.yaml")
        with open(config, "w", encoding="ascii") as file:
            file.write(text)
        process = self.tandemd(config)
        said = process.communicate(timeout=20)[0]
        self.assertEqual(process.returncode, 2, said)
        command = re.search(r'command="(tandemctl init [^"]*)"', said)[1]
        done = subprocess.run([os.path.join(build_folder(), "app", command.split()[0]), *command.split()[1:]],
                              capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        checked = subprocess.run([os.path.join(build_folder(), "app", "tandemd"), "--check-config", config],
                                 capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        process = self.tandemd(config)
        try:
            self.assertTrue(any("msg=ready" in line for line in process.stdout))
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0)


class SecondRun(unittest.TestCase):
    """The Redis of another is never touched."""

    def test_a_second_run_leaves_the_node_alone(self):
        with Node() as node:
            node.put_extension("1001", "secret1001")
            with node.redis() as redis:
                before = redis("INFO", "server")
            done = demo_run("--dir", node.folder, "--no-demo")
            self.assertEqual(done.returncode, RUNNING, done.stderr)
            self.assertIn(f"a node runs in {node.folder} already (process {node.process.pid})", done.stderr)
            self.assertIn("./tandem ctl node.status", done.stderr)
            with node.redis() as redis:
                pid = [line for line in before.splitlines() if line.startswith("process_id:")]
                self.assertIn(pid[0], redis("INFO", "server"), "the same server")
            self.assertEqual(node.http("/healthz")[0], 200)
            self.assertEqual([entry["number"] for entry in node.ctl("extension.list")], ["1001"])

    def test_what_is_swept_is_the_nodes_own(self):
        """A server in a folder below, and a running node's, are somebody else's."""
        with Node() as node, contextlib.closing(socket.socket(socket.AF_UNIX)) as other:
            folder = os.path.join(node.folder, "below", "redis")
            os.makedirs(folder)
            other.bind(os.path.join(folder, "redis.sock"))
            other.listen()
            asked = threading.Event()

            def listen():
                with contextlib.suppress(OSError):
                    other.accept()
                    asked.set()
            threading.Thread(target=listen, daemon=True).start()
            node.sweep()
            with node.redis() as redis:
                self.assertEqual(redis("PING"), "PONG", "a node runs on it")
            node.kill()
            node.sweep()
            with self.assertRaises(OSError):
                node.redis()
            self.assertFalse(asked.is_set())

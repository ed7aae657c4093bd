# SPDX-License-Identifier: Apache-2.0
"""What serves the web pages: one folder, no path out of it, caching, a policy; and the link that signs in once: WEB-01."""
import concurrent.futures
import contextlib
import gzip
import http.client
import os
import pathlib
import shutil
import socket
import tempfile
import time
import unittest

from directory_test import Pair
from http_api_test import Asks
from lib import place
from lib.node import Node
from patience import PATIENCE_S, until
from tandem_client import Client

SCRIPT = b"export const a = 1; // " + b"x" * 5000
PAGE = b"<!DOCTYPE html><title>page</title>"
LASTS_S = 600


def put(folder, name, octets):
    pathlib.Path(folder, name).write_bytes(octets)
    if not name.endswith(".gz"):
        pathlib.Path(folder, name + ".gz").write_bytes(gzip.compress(octets))


class Served(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.home = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="tandem-pages-"))
        cls.folder = os.path.join(cls.home, "pages")
        os.mkdir(cls.folder)
        for name, octets in (("console.html", PAGE), ("client.html", PAGE), ("app-1.js", SCRIPT), ("app-1.css", b"a{}")):
            put(cls.folder, name, octets)
        pathlib.Path(cls.home, "secret.js").write_text("secret", encoding="ascii")
        os.symlink("../secret.js", os.path.join(cls.folder, "link.js"))
        os.symlink("/etc", os.path.join(cls.folder, "etc.js"))
        os.mkdir(os.path.join(cls.folder, "deep.js"))
        os.mkfifo(os.path.join(cls.folder, "pipe.js"))
        put(cls.folder, ".hidden.js", b"hidden")
        put(cls.folder, "notes.py", b"secret")
        cls.node = cls.enterClassContext(Node(settings={"http": {"pages": cls.folder}}))

    def get(self, path, method="GET", node=None, **headers):
        link = http.client.HTTPConnection(place.NODE, (node or self.node).http_port, timeout=PATIENCE_S)
        with contextlib.closing(link):
            link.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = link.getresponse()
            return answer.status, answer.headers, answer.read()

    def test_files(self):
        status, headers, octets = self.get("/pages/app-1.js")
        self.assertEqual((status, octets, headers["Content-Type"]), (200, SCRIPT, "text/javascript; charset=utf-8"))
        self.assertEqual((headers["Cache-Control"], headers["X-Content-Type-Options"]), ("public, max-age=31536000, immutable", "nosniff"))
        status, packed, octets = self.get("/pages/app-1.js", Accept_Encoding="br, gzip")
        self.assertEqual((status, packed["Content-Encoding"], gzip.decompress(octets)), (200, "gzip", SCRIPT))
        self.assertNotEqual(headers["ETag"], packed["ETag"])
        for given in ({"If_None_Match": f'"x", {headers["ETag"]}'}, {"If_Modified_Since": headers["Last-Modified"]}):
            status, _, octets = self.get("/pages/app-1.js", **given)
            self.assertEqual((status, octets), (304, b""), given)
        status, _, octets = self.get("/pages/app-1.js", If_None_Match='"x"', If_Modified_Since=headers["Last-Modified"])
        self.assertEqual((status, octets), (200, SCRIPT))       # the tag goes before the date

    def test_pages(self):
        for path in ("/console", "/console/", "/client", "/client/", "/console?code=1"):
            status, headers, octets = self.get(path)
            self.assertEqual((status, octets, headers["Cache-Control"]), (200, PAGE, "no-cache"), path)
            policy = headers["Content-Security-Policy"]
            for word in ("default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'"):
                self.assertIn(word, policy)
            self.assertNotIn("unsafe", policy)
            self.assertEqual(headers["Referrer-Policy"], "no-referrer")
        status, headers, octets = self.get("/console", "HEAD")
        self.assertEqual((status, headers["Content-Length"], octets), (200, str(len(PAGE)), b""))
        status, headers, _ = self.get("/")
        self.assertEqual((status, headers["Location"]), (302, "/client"))
        for method in ("POST", "PUT", "DELETE"):
            self.assertEqual(self.get("/console", method)[0], 405)

    def test_one_connection(self):
        """Also behind an answer without a body."""
        link = http.client.HTTPConnection(place.NODE, self.node.http_port, timeout=PATIENCE_S)
        with contextlib.closing(link):
            tag = None
            for method, path, wanted in (("GET", "/console", 200), ("HEAD", "/pages/app-1.js", 200), ("GET", "/pages/app-1.css", 304), ("GET", "/", 302), ("GET", "/pages/none.js", 404),
                                         ("GET", "/pages/app-1.js", 200), ("HEAD", "/console", 200), ("GET", "/console", 200)):
                if wanted == 304:
                    tag = self.get(path)[1]["ETag"]
                link.request(method, path, headers={"If-None-Match": tag} if wanted == 304 else {})
                answer = link.getresponse()
                octets = answer.read()
                self.assertEqual(answer.status, wanted, (method, path))
                self.assertEqual(bool(octets), method == "GET" and wanted in (200, 404))

    def test_no_path_out(self):
        for path in ("/pages/", "/pages", "/pages/none.js", "/pages/../secret.js", "/pages/..%2fsecret.js", "/pages/%2e%2e/secret.js", "/pages/..%5csecret.js", "/pages/link.js",
                     "/pages/etc.js", "/pages/etc.js/passwd", "/pages/deep.js", "/pages/pipe.js", "/pages/.hidden.js", "/pages/notes.py", "/pages/app-1.js.gz", "/pages//etc/passwd",
                     "/pages/app-1.js%00.html", "/pages/app-1.js/", "/pages/./../../../../etc/passwd", "/pages/" + "a" * 3000, "/pages/%c0%ae%c0%ae/secret.js", "/pages/APP-1.JS",
                     "/console/../secret.js", "/console/x", "/pages/%2fetc%2fpasswd"):
            try:
                status, _, octets = self.get(path)
            except (http.client.HTTPException, ConnectionError):
                continue                # %00 ends the connection
            self.assertIn(status, (302, 400, 401, 403, 404, 431), path)
            self.assertNotIn(b"secret", octets)
            self.assertNotIn(b"root:", octets)
        for raw in (b"GET /pages/app-1.js\0/../secret.js HTTP/1.1\r\n\r\n", b"GET ../secret.js HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /pages/..\\secret.js HTTP/1.1\r\nHost: x\r\n\r\n"):
            with socket.create_connection((place.NODE, self.node.http_port), PATIENCE_S) as link:
                link.sendall(raw)
                link.shutdown(socket.SHUT_WR)
                said = b""
                with contextlib.suppress(ConnectionError):
                    while more := link.recv(4096):
                        said += more
                self.assertNotIn(b"secret", said.replace(b"secret.js", b""))
        self.assertEqual(self.get("/console")[0], 200)

    def test_many_at_once(self):
        """Who opens connections for pages takes no more than the places of strangers."""
        for _ in range(20):
            self.addCleanup(socket.create_connection((place.NODE, self.node.http_port), PATIENCE_S).close)
        with concurrent.futures.ThreadPoolExecutor(6) as many:
            self.assertEqual({status for status, _, _ in many.map(lambda _: self.get("/pages/app-1.js"), range(200))}, {200})


class Bundles(Served):
    """Another folder takes the place of the one before, and the node's own comes first."""
    test_files = test_pages = test_one_connection = test_no_path_out = test_many_at_once = None

    def test_another_bundle(self):
        new = os.path.join(self.home, "new")
        os.mkdir(new)
        put(new, "console.html", b"another")
        self.assertEqual(self.get("/console")[2], PAGE)
        os.rename(self.folder, os.path.join(self.home, "old"))
        status, headers, octets = self.get("/console")
        self.assertEqual((status, headers["Content-Type"]), (404, "text/html; charset=utf-8"))
        self.assertIn(self.folder.encode(), octets)
        self.assertIn(b"node build.mjs", octets)
        os.rename(new, self.folder)
        self.assertEqual(self.get("/console")[2], b"another")
        self.assertEqual(self.get("/client")[0], 404)
        own = os.path.join(self.node.state_dir, "pages")
        os.mkdir(own)
        put(own, "console.html", b"its own")
        self.assertEqual(self.get("/console")[2], b"its own")
        shutil.rmtree(own)
        self.assertEqual(self.get("/console")[2], b"another")
        for n in range(100):        # more than there is room for
            put(self.folder, f"many-{n}.js", b"1")
        put(self.folder, "large.js", b"1" * (5 << 20))
        self.assertIn(self.get("/console")[0], (200, 404))
        self.assertEqual(self.get("/pages/large.js")[0], 404)
        self.assertEqual(self.get("/healthz")[0], 200)


class Links(Asks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.enterClassContext(Node(settings={"login": {"session": "2h"}}))
        with Client(cls.node.redis_socket, "_operator") as client:
            client.ask("tenant.put", name="acme", domains="acme.test")

    def link(self, role, name, **more):
        return self.token(self.node, role, name=name, commands="login.redeem", expires_utc_s=int(time.time()) + more.pop("seconds", LASTS_S), **more)

    def redeem(self, token):
        """From an address of this test: wrong tokens have a rate by address."""
        source = f"127.0.0.{100 + TESTS.index(self._testMethodName)}"
        return self.http(self.node, "POST", "/v1/login/redeem", token, source=source)

    def test_once(self):
        link = self.link("operator", "login-link-a")
        self.refused(403, "not_allowed", self.node, "GET", "/v1/calls", link)       # it is good for nothing else
        self.refused(403, "not_allowed", self.node, "PATCH", "/v1/tokens/login-link-a", link, {"commands": ""})
        status, _, made = self.redeem(link)
        self.assertEqual((status, made["role"], made["name"], made["commands"]), (200, "operator", "login-link-a", ""))
        self.assertAlmostEqual(made["expires_utc_s"], time.time() + 7200, delta=30)
        self.assertEqual(self.redeem(link)[0], 401)
        self.ok(self.node, "GET", "/v1/nodes", made["token"])
        self.refused(403, "not_allowed", self.node, "POST", "/v1/login/redeem", made["token"])      # it is no link any more
        self.ok(self.node, "DELETE", "/v1/tokens/login-link-a", made["token"])
        until(lambda: self.http(self.node, "GET", "/v1/nodes", made["token"])[0] == 401, "it is signed out")
        self.assertNotIn(link.split("~")[2], self.node.log_text())
        self.assertNotIn(made["token"].split("~")[2], self.node.log_text())

    def test_who_may(self):
        """Rights are those of the link, and no other token becomes more than it is."""
        for role, path in (("reader", "/v1/tokens"), ("admin", "/v1/nodes")):
            _, _, made = self.redeem(self.link(role, f"login-link-{role}", tenant="acme"))
            self.assertEqual(made["token"].split("~")[0], "acme")
            self.ok(self.node, "GET", "/v1/calls", made["token"])
            self.refused(403, "not_allowed", self.node, "GET", path, made["token"])
        for more in ({}, {"commands": "login.*"}, {"commands": "login.redeem,call.list"}):
            token = self.token(self.node, "operator", name="t-plain", **{"commands": "", **more})
            self.refused(403, "not_allowed", self.node, "POST", "/v1/login/redeem", token)
            self.assertEqual(self.ok(self.node, "GET", "/v1/tokens/t-plain", self.token(self.node, "admin"))["commands"], more.get("commands", ""))
        self.assertEqual(self.redeem(None)[0], 401)
        self.assertEqual(self.redeem("default~login-link-none~" + "0" * 48)[0], 401)
        self.refused(405, "bad_request", self.node, "GET", "/v1/login/redeem", self.token(self.node, "admin"))
        with Client(self.node.redis_socket, "_operator") as client, self.assertRaisesRegex(Exception, "no link"):
            client.ask("login.redeem")

    def test_it_runs_out(self):
        link = self.link("operator", "login-link-late", seconds=2)
        time.sleep(3.2)
        self.assertEqual(self.redeem(link)[0], 401)

    def test_at_once(self):
        for name in ("login-link-r1", "login-link-r2", "login-link-r3"):
            link = self.link("operator", name)
            with concurrent.futures.ThreadPoolExecutor(8) as many:
                answers = list(many.map(lambda _: self.redeem(link), range(8)))
            won = [answer for status, _, answer in answers if status == 200]
            self.assertEqual(len(won), 1, [status for status, _, _ in answers])
            self.ok(self.node, "GET", "/v1/nodes", won[0]["token"])


TESTS = unittest.TestLoader().getTestCaseNames(Links)


class LinksOfNodes(Asks, Pair):
    def test_once_over_both(self):
        """Two nodes on a Redis apart, asked at the same moment, again and again: one of them lets in, and both know the token then."""
        for n in range(5):           # more wrong tokens would be told to wait
            link = self.token(self.a, "operator", name=f"login-link-{n}", commands="login.redeem", expires_utc_s=int(time.time()) + LASTS_S)
            until(lambda: self.http(self.b, "GET", "/v1/calls", link)[0] == 403, "the other node knows it")
            with concurrent.futures.ThreadPoolExecutor(4) as many:
                answers = list(many.map(lambda node: self.http(node, "POST", "/v1/login/redeem", link), (self.a, self.b, self.b, self.a)))
            won = [answer for status, _, answer in answers if status == 200]
            self.assertEqual(len(won), 1, [(status, answer) for status, _, answer in answers])
            for node in (self.a, self.b):
                until(lambda at=node: self.http(at, "GET", "/v1/nodes", won[0]["token"])[0] == 200, "both let it in")
                self.assertEqual(self.http(node, "POST", "/v1/login/redeem", link)[0], 401)

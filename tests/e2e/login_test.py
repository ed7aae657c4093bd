# SPDX-License-Identifier: Apache-2.0
"""Logins of administrators at an OpenID provider (docs/adr/0114): what they may then, what proves nothing, keys that change, a provider that fails."""
import base64
import hashlib
import hmac
import http.client
import json
import pathlib
import re
import shlex
import shutil
import signal
import ssl
import subprocess
import tempfile
import unittest
import urllib.parse

from http_api_test import Asks
from lib import ROOT, place
from lib.authority import Authority
from lib.issuer import SECRET, CLIENT, Issuer, Key, encode
from lib.node import Node
from patience import PATIENCE_S, until
from ports import Ports
from tandem_client import Client


class Logins(Asks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.authority = Authority(cls.folder)
        cls.issuer = Issuer(cls.folder, cls.authority, cls.enterClassContext(Ports(1)).take())
        cls.addClassCleanup(cls.issuer.stop)
        cls.browser = ssl.create_default_context(cafile=cls.authority.path)
        secret = pathlib.Path(cls.folder) / "secret"
        secret.write_text(SECRET + "\n")
        secret.chmod(0o600)
        cls.settings = {"issuer": cls.issuer.url, "client_id": CLIENT, "secret_file": str(secret), "ca": cls.authority.path,
                        "redirect": "https://pbx.test/back", "role_claim": "realm_access.roles", "tenant_claim": "org", "session": "10m",
                        "number_claim": "phone.extension", "user_redirect": "https://pbx.test/login", "roles": ["ops=operator", "boss=admin", "eye=reader"]}
        cls.node = cls.enterClassContext(Node(settings={"login": cls.settings}))
        with Client(cls.node.redis_socket, "_operator") as client:
            client.ask("tenant.put", name="acme", domains="acme.test")
            client.ask("extension.put", tenant="acme", number="1001", password="secret-of-1001")
            client.ask("extension.put", number="1001", password="secret-of-another")

    def setUp(self):
        self.issuer.claims = {"preferred_username": "ada@acme.test", "realm_access": {"roles": ["boss", "other"]}, "org": "acme"}
        self.issuer.sign_by, self.issuer.spoil = self.issuer.keys[0], None

    def begin(self, query="", to="back"):
        """The query that the browser comes back with."""
        url = urllib.parse.urlsplit(self.ok(self.node, "GET", "/v1/login" + query)["url"])
        link = http.client.HTTPSConnection(url.netloc, timeout=PATIENCE_S, context=self.browser)
        link.request("GET", f"{url.path}?{url.query}")
        back = link.getresponse().headers["Location"]
        link.close()
        self.assertTrue(back.startswith(f"https://pbx.test/{to}?"), back)
        return back.partition("?")[2]

    def end(self, query):
        return self.http(self.node, "GET", f"/v1/login/callback?{query}")

    def login(self, role, **claims):
        self.issuer.claims |= claims
        status, _, made = self.end(self.begin())
        self.assertEqual((status, made.get("role")), (200, role), made)
        return made

    def refuses(self, detail, status=403, query=None):
        got, _, problem = self.end(query or self.begin())
        self.assertEqual((got, problem["code"]), (status, {403: "not_allowed", 503: "unavailable"}[status]), problem)
        self.assertIn(detail, problem["detail"])

    def test_what_it_gives(self):
        self.refused(401, "not_allowed", self.node, "GET", "/v1/extensions")
        for key in self.issuer.keys:
            self.issuer.sign_by = key
            made = self.login("admin")
            self.assertRegex(made["name"], "^login-adaacme.test-[0-9a-f]{8}$")
            shown = self.ok(self.node, "GET", "/v1/tenants:status", made["token"])
            self.assertEqual((shown["name"], shown["role"]), ("acme", "admin"))
        rows = {row["name"]: row["expires_utc_s"] for row in self.ok(self.node, "GET", "/v1/tokens", made["token"])}
        self.assertEqual(rows[made["name"]], made["expires_utc_s"])
        self.ok(self.node, "DELETE", f"/v1/tokens/{made['name']}", made["token"])
        until(lambda: self.http(self.node, "GET", "/v1/tokens", made["token"])[0] == 401)
        reader = self.login("reader", realm_access={"roles": "eye"})["token"]
        self.refused(403, "not_allowed", self.node, "GET", "/v1/tokens", reader)
        self.assertEqual(self.ok(self.node, "GET", "/v1/tenants:status", reader)["name"], "acme")
        ops = self.login("operator", realm_access={"roles": ["eye", "ops", "boss"]}, org="nobody")["token"]
        self.assertEqual({row["name"] for row in self.ok(self.node, "GET", "/v1/tenants", ops)}, {"default", "acme"})
        self.issuer.claims["realm_access"] = {"roles": ["other"]}
        self.refuses("role")
        self.issuer.claims = {"realm_access": {"roles": ["boss"]}, "org": "nobody"}
        self.refuses("tenant")
        self.issuer.claims["org"] = ["acme"]
        self.refuses("tenant")
        self.assertNotIn(SECRET, self.node.log_text())
        self.assertIn('an administrator has logged in', self.node.log_text())

    def begin_user(self, tenant="acme"):
        return self.begin(f"?user=true&tenant={tenant}", "login")

    def test_a_user(self):
        """CRM-05: whom number_claim names has a session of that extension, of the tenant that the page is of alone, whatever the roles; a new password ends it."""
        self.issuer.claims |= {"phone": {"extension": "1001"}, "realm_access": {"roles": []}}
        status, _, made = self.end(self.begin_user())
        self.assertEqual((status, made.get("number"), made.get("role")), (200, "1001", None), made)
        self.assertTrue(made["token"].startswith("acme~session-"))
        rows = self.ok(self.node, "GET", "/v1/sessions?number=1001", made["token"])
        self.assertEqual([(row["name"], row["expires_utc_s"]) for row in rows], [(made["name"], made["expires_utc_s"])])
        self.refused(403, "not_allowed", self.node, "GET", "/v1/extensions", made["token"])
        self.refuses("names another tenant", query=self.begin_user("default"))
        self.refuses("role", query=self.begin())          # begun as an administrator's
        query = self.begin_user()
        self.assertEqual(self.end(query)[0], 200)
        self.refuses("invalid_grant", query=query)
        for claim in ({}, {"extension": ["1001"]}, {"extension": 1001}, {"extension": ""}):
            self.issuer.claims["phone"] = claim
            self.refuses("names no extension", query=self.begin_user())
        for number in ("1009", "1001 ", "*", "1" * 200, "1" * 5000):
            self.issuer.claims["phone"] = {"extension": number}
            self.assertIn(self.end(self.begin_user())[0], (400, 404), number)
        with Client(self.node.redis_socket, "_operator") as client:
            client.ask("extension.put", tenant="acme", number="1001", password="another-secret")
        until(lambda: self.http(self.node, "GET", "/v1/sessions?number=1001", made["token"])[0] == 403)

    def test_what_proves_nothing(self):
        query = self.begin()
        self.assertEqual(self.end(query)[0], 200)
        self.refuses("invalid_grant", query=query)      # the provider's code is good once
        query = self.begin()
        self.refuses("iss", query=query.replace("iss=https", "iss=http"))
        self.assertEqual(self.end(query)[0], 200)
        for state in ("A" * 43, "A" * 115, "~", urllib.parse.parse_qs(query)["state"][0][:-2] + "AA"):
            self.refuses("not of this cluster", query="code=x&state=" + state)
        self.refuses("access_denied", query="error=access_denied&state=x")
        self.refuses("missing", query="code=x")
        query = urllib.parse.parse_qs(self.begin())     # one's code with another one's state: the verifier is another
        mixed = urllib.parse.parse_qs(self.begin())
        self.refuses("invalid_grant", query=urllib.parse.urlencode({"code": query["code"][0], "state": mixed["state"][0]}))

        def text(head, claims, signature=b"x"):
            said = f"{encode(json.dumps(head).encode())}.{encode(json.dumps(claims).encode())}"
            return f"{said}.{encode(signature(said.encode()) if callable(signature) else signature)}"

        modulus = base64.urlsafe_b64decode(self.issuer.keys[0].public["n"] + "==")
        for spoil, why in (
                (lambda head, claims: text(head, claims, bytes(256)), "no key"),
                (lambda head, claims: text({**head, "alg": "none"}, claims), "no key"),
                (lambda head, claims: text({"alg": "none"}, claims, b""), "no JWT"),
                (lambda head, claims: text({**head, "alg": "HS256"}, claims, lambda said: hmac.digest(modulus, said, hashlib.sha256)), "no key"),
                (lambda head, claims: head.update(kid="es256"), "no key"),
                (lambda head, claims: text(head, claims, self.issuer.keys[2].sign), "no key"),
                (lambda head, claims: claims.update(aud="another"), "aud"),
                (lambda head, claims: claims.update(iss=self.issuer.url + "/"), "iss"),
                (lambda head, claims: claims.update(exp=claims["iat"] - 100), "exp"),
                (lambda head, claims: claims.update(iat=claims["iat"] + 100), "iat"),
                (lambda head, claims: claims.update(nbf=claims["iat"] + 100), "nbf"),
                (lambda head, claims: claims.update(nonce="of another one"), "nonce"),
                (lambda head, claims: claims.pop("nonce") and None, "nonce"),
                (lambda head, claims: claims.update(more="x" * 40000), "no JWT"),
                (lambda head, claims: "x" * 300000, "")):
            with self.subTest(why=why):
                self.issuer.spoil = spoil
                self.refuses(why, 403 if why else 503)

    def test_keys_that_change(self):
        self.login("admin")
        self.issuer.keys[0] = self.issuer.sign_by = Key(self.folder, "new", "RS256")
        until(lambda: self.end(self.begin())[0] == 200)
        asked = self.issuer.asked.count("/office/keys")
        self.issuer.spoil = lambda head, claims: head.update(kid="never")
        for _ in range(5):
            self.refuses("no key")
        self.assertLessEqual(self.issuer.asked.count("/office/keys"), asked + 2, "a provider is asked for keys as often as tokens name others")

    def test_provider_that_fails(self):
        self.login("admin")
        query = self.begin()
        self.issuer.stop()
        self.refuses("", 503, query)
        self.issuer.start()
        self.login("admin")
        self.addCleanup(self.reload, self.settings)
        for issuer in (*(self.issuer.url.replace("office", of) for of in ("huge", "moved", "another", "plain")), self.issuer.url.replace(place.NODE, "localhost")):
            with self.subTest(issuer=issuer):
                self.reload({**self.settings, "issuer": issuer})
                self.refused(503, "unavailable", self.node, "GET", "/v1/login")
        self.reload({})
        self.refused(404, "not_found", self.node, "GET", "/v1/login")

    def test_strangers_drop_nobody(self):
        """Thousands of logins that others begin change nothing for one that has begun."""
        query = self.begin()
        link = http.client.HTTPConnection(place.NODE, self.node.http_port, timeout=PATIENCE_S)
        self.addCleanup(link.close)
        for _ in range(1100):
            link.request("GET", "/v1/login")
            answer = link.getresponse()
            answer.read()
            self.assertEqual(answer.status, 200)
        self.assertEqual(self.end(query)[0], 200)

    def test_ends_elsewhere(self):
        """At a node with the same keys; over a kill; and not where the keys are others, nor for ever."""
        other = self.enterContext(Node(settings={"login": self.settings}, start=False))
        own = (pathlib.Path(other.state_dir) / "keys").read_bytes() if (pathlib.Path(other.state_dir) / "keys").exists() else None
        shutil.copy(pathlib.Path(self.node.state_dir) / "keys", pathlib.Path(other.state_dir) / "keys")
        other.start()
        self.issuer.claims.pop("org")
        self.issuer.claims["realm_access"] = {"roles": ["ops"]}
        self.assertEqual(self.http(other, "GET", f"/v1/login/callback?{self.begin()}")[0], 200)
        query = self.begin()
        self.node.kill()
        self.node.restart()
        self.assertEqual(self.end(query)[0], 200)
        other.kill()
        self.assertIsNotNone(own)
        (pathlib.Path(other.state_dir) / "keys").write_bytes(own)
        other.restart()
        status, _, problem = self.http(other, "GET", f"/v1/login/callback?{self.begin()}")
        self.assertEqual(status, 403)
        self.assertIn("not of this cluster", problem["detail"])

    def test_guide(self):
        """docs/guides/login.md: what a shell asks."""
        text = (ROOT / "docs" / "guides" / "login.md").read_text(encoding="utf-8").replace("https://pbx.example.org", f"http://{place.NODE}:{self.node.http_port}")
        given, answers = {name: values[0] for name, values in urllib.parse.parse_qs(self.begin()).items()}, []
        for line in [line for line in text.splitlines() if line.startswith("    curl ")]:
            words = shlex.split(line.replace("CODE", given["code"]).replace("STATE", given["state"]))
            answers.append(json.loads(subprocess.run([*words, "--silent"], check=True, capture_output=True).stdout))
        self.assertIn("/authorize?", answers[0]["url"])
        self.ok(self.node, "GET", "/v1/tokens", answers[1]["token"])
        self.assertEqual(set(re.findall(r"^  (\w+):", text, re.MULTILINE)) - set(self.settings), set())

    def reload(self, login):
        read = self.node.log_text().count("settings read again")
        self.node.configure({"login": login})
        self.node.process.send_signal(signal.SIGHUP)
        until(lambda: self.node.log_text().count("settings read again") > read)

# SPDX-License-Identifier: Apache-2.0
"""Phones that log in by Digest for their files: curl and the scripted Polycom. A device with a password of its own has it in its file; others are sent to Basic."""
import http.client
import subprocess

from lib import place
from lib.message import credentials, digest_fields
from lib.node import Node
from patience import until
from provision_test import MAC, OTHER, UNKNOWN, ProvisionTest, basic

SECRET = "secret-of-the-device"


class Digest(ProvisionTest):
    """201 has a phone that knows its extension's password alone, 202 one with a password of its own."""
    @classmethod
    def setUpClass(cls):
        cls.node = Node(start=False)
        cls.port = cls.node.ports.take()
        cls.node.configure({"provision": {"bind": place.NODE, "http": cls.port, "digest": True}, "sip": {"digest_algorithms": ["SHA-256", "MD5"]}})
        cls.node.start()
        for number in ("201", "202"):
            cls.node.put_extension(number, "secret" + number)
        cls.node.ctl("device.put", mac=MAC, model="vvx410", extensions="201")
        cls.node.ctl("device.put", mac=OTHER, model="vvx410", extensions="202", password=SECRET)

    def asks(self, path, proof="", method="GET", source=None):
        """(status, challenges)."""
        connection = http.client.HTTPConnection(place.NODE, self.port, timeout=10, source_address=source)
        try:
            connection.request(method, path, headers={"Authorization": proof} if proof else {})
            response = connection.getresponse()
            response.read()
            return response.status, response.headers.get_all("WWW-Authenticate") or []
        finally:
            connection.close()

    def challenge(self, path=f"/{OTHER}.cfg", algorithm="SHA-256"):
        status, challenges = self.asks(path)
        self.assertEqual(status, 401)
        return next(c for c in challenges if f"algorithm={algorithm}" in c)

    def curl(self, path, user, *words):
        done = subprocess.run(["curl", "--silent", "--digest", "--user", user, "--write-out", "\n%{http_code}", *words, f"http://{place.NODE}:{self.port}{path}"],
                              capture_output=True, text=True, check=True)
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    def test_curl(self):
        """Fetches files and brings one; a wrong password is refused, and so is the name of an extension."""
        status, body = self.curl(f"/{OTHER}.cfg", f"{OTHER}:{SECRET}")
        self.assertEqual(status, 200)
        name = body.partition('CONFIG_FILES="')[2].partition('"')[0].split(", ")[-1]
        status, body = self.curl("/" + name, f"{OTHER}:{SECRET}")
        self.assertEqual(status, 200)
        self.assertIn(f'reg.1.auth.password="{SECRET}"', body)
        self.assertEqual(self.curl(f"/{OTHER}-boot.log", f"{OTHER}:{SECRET}", "--request", "PUT", "--data-binary", "boot")[0], 201)
        self.assertEqual(self.curl(f"/{OTHER}-boot.log", f"{OTHER}:{SECRET}"), (200, "boot"))
        self.assertEqual(self.curl(f"/{OTHER}.cfg", f"{OTHER}:{SECRET}x")[0], 401)
        self.assertEqual(self.curl(f"/{MAC}.cfg", "201:secret201")[0], 401)
        self.assertEqual(self.ask(f"/{MAC}.cfg", basic("201", "secret201"))[0], 200)

    def test_a_boot(self):
        """By each algorithm a phone boots and registers; no password is on the wire on its way to the node."""
        device = self.phone(OTHER, OTHER, SECRET)
        self.assertTrue(device.boot())
        self.assertTrue(device.challenge.startswith("Digest "), device.challenge)
        self.assertEqual(device.values["reg.1.auth.password"], SECRET)
        self.assertEqual(device.register(self.agent).status, 200)
        for algorithm in ("SHA-256", "MD5"):
            asked = self.challenge(algorithm=algorithm)
            self.assertEqual(digest_fields(asked)["qop"], "auth")
            self.assertEqual(self.asks(f"/{OTHER}.cfg", credentials(asked, "GET", f"/{OTHER}.cfg", OTHER, SECRET))[0], 200)

    def test_what_is_offered(self):
        """Digest, the best one first, then Basic; whoever answers in the name of an extension is told Basic alone, right or wrong."""
        offered = [(scheme, digest_fields(rest).get("algorithm")) for scheme, _, rest in (c.partition(" ") for c in self.asks(f"/{MAC}.cfg")[1])]
        self.assertEqual(offered, [("Digest", "SHA-256"), ("Digest", "MD5"), ("Basic", None)])
        for user, password in (("201", "secret201"), ("201", "wrong"), ("999", "wrong"), (UNKNOWN, "wrong")):
            status, challenges = self.asks(f"/{MAC}.cfg", credentials(self.challenge(), "GET", f"/{MAC}.cfg", user, password))
            self.assertEqual((status, [c.partition(" ")[0] for c in challenges]), (401, ["Basic"]))

    def test_once(self):
        """An answer counts once, for its method, its file, its sender and a minute's nonce. A nonce of another sender is not called stale: behind a NAT with many addresses a phone would ask for ever."""
        path, asked = f"/{OTHER}.cfg", self.challenge()
        proof = credentials(asked, "GET", path, OTHER, SECRET)
        self.assertEqual(self.asks(path, proof)[0], 200)
        status, challenges = self.asks(path, proof)
        self.assertEqual((status, digest_fields(challenges[0]).get("stale")), (401, "true"))
        self.assertEqual(self.asks(path, credentials(asked, "GET", path, OTHER, SECRET, count=2))[0], 200)
        self.assertEqual(self.asks(path, credentials(asked, "GET", f"/{OTHER}-directory.xml", OTHER, SECRET, count=3))[0], 400)
        self.assertEqual(self.asks(path, credentials(asked, "HEAD", path, OTHER, SECRET, count=4), "HEAD")[0], 200)
        self.assertEqual(self.asks(path, credentials(asked, "PUT", path, OTHER, SECRET, count=5))[0], 401)
        self.assertEqual(self.asks(path, credentials(asked, "GET", path, OTHER, SECRET, count=6).replace("qop=auth,", "qop=auth-int,"))[0], 400)
        self.assertEqual(self.asks(path, credentials(asked, "GET", f"http://{place.NODE}{path.replace('f', '%66')}?x=1", OTHER, SECRET, count=7))[0], 200)
        foreign = credentials(asked, "GET", path, OTHER, SECRET, count=8)
        status, challenges = self.asks(path, foreign.replace(digest_fields(asked)["nonce"], "0" * 64))
        self.assertEqual((status, digest_fields(challenges[0]).get("stale")), (401, None))
        status, challenges = self.asks(path, credentials(asked, "GET", path, OTHER, SECRET, count=9), source=("127.0.0.77", 0))
        self.assertEqual((status, digest_fields(challenges[0]).get("stale")), (401, None))
        self.assertEqual(self.asks(path, "Digest " + "x" * 2000)[0], 401)

    def test_spellings(self):
        """A phone may write its MAC otherwise than we do: its answer is right as it said the name, and counts as no guess."""
        for user in (OTHER.upper(), ":".join(OTHER[i:i + 2] for i in range(0, 12, 2)), OTHER) * 8:
            status, _ = self.asks(f"/{OTHER}.cfg", credentials(self.challenge(), "GET", f"/{OTHER}.cfg", user, SECRET))
            self.assertEqual(status, 200, user)
        user = OTHER.upper()
        self.assertEqual(self.asks(f"/{OTHER}.cfg", credentials(self.challenge(), "GET", f"/{OTHER}.cfg", user, SECRET + "x"))[0], 401)

    def test_zz_guesses(self):
        """A known and an unknown MAC are refused alike, and braked; a right answer is then, too."""
        def shape(answer):
            return answer[0], [c.replace(digest_fields(c).get("nonce", ""), "") for c in answer[1]]

        def guess(mac, password):
            return self.asks(f"/{mac}.cfg", credentials(self.challenge(f"/{mac}.cfg"), "GET", f"/{mac}.cfg", mac, password))
        shapes = [shape(guess(mac, "wrong")) for mac in (OTHER, UNKNOWN)]
        self.assertEqual(shapes[0], shapes[1])
        self.assertEqual(shapes[0][0], 401)
        until(lambda: guess(OTHER, "wrong")[0] == 429, "guesses go on")
        self.assertEqual(guess(OTHER, SECRET)[0], 429)

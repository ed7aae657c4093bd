# SPDX-License-Identifier: Apache-2.0
"""A Polycom phone that provisions itself: what it asks for, in which order, and what it makes of it.

By the vendor's administrator guide of UC Software 4.0 and 5.4 ("Use the Master Configuration Files", "Configuration File
Hierarchy", "Overrides"): MAC.cfg first, else 000000000000.cfg; then the application, licences, the files of CONFIG_FILES
from left to right, overrides, the directory.  The value that is read first counts; overrides come before all files."""
import base64
import hashlib
import http.client
import secrets
import ssl
import threading
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree

TRIES, WAIT_S = 3, 1.0          # "File Transmit Tries", "Retry Wait"
DEFAULT = "000000000000"

MODELS = {                      # family of the User-Agent, name there, suffix in a master file
    "vvx410": ("PolycomVVX", "VVX_410", "VVX410"),
    "vvx500": ("PolycomVVX", "VVX_500", "VVX500"),
    "soundpoint650": ("PolycomSoundPointIP", "SPIP_650", "SPIP650"),
    "soundpoint300": ("PolycomSoundPointIP", "SPIP_300", "SPIP300"),
    "soundpoint500": ("PolycomSoundPointIP", "SPIP_500", "SPIP500"),
    "soundpoint331": ("PolycomSoundPointIP", "SPIP_331", "SPIP331"),
    "soundstation7000": ("PolycomSoundStationIP", "SSIP_7000", "SSIP7000"),
}


class BadFile(AssertionError):
    """A file that no phone could read."""


class Answer:
    """Of the server, read whole."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


def quoted(text):
    """The parameters of a challenge."""
    import re
    return {name.lower(): value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|[^\s,]+)', text)}


class Polycom:
    """One phone.  `server` is the URL of its provisioning server, as DHCP option 160 or its menu has it; user and
    password are Server User and Server Password there."""

    def __init__(self, mac, server, user="", password="", model="vvx410", firmware="5.4.2.6345", tag_serial=True,
                 tries=TRIES, wait_s=WAIT_S, context=None, source=None):
        self.mac, self.server, self.user, self.password = mac.lower(), urllib.parse.urlsplit(server), user, password
        self.family, self.name, self.suffix = MODELS[model]
        self.firmware, self.tag_serial, self.tries, self.wait_s = firmware, tag_serial, tries, wait_s
        self.context, self.source = context, source
        self.connection, self.challenge = None, ""
        self.asked = []                 # (method, path, status) of each answer that counted, in their order
        self.files, self.values = {}, {}
        self.agent = None               # a SIP user agent of tests/e2e/lib/sip.py, once it is registered
        self.syncs, self.boots = [], 0

    # -- who it says it is ---------------------------------------------------------------------
    @property
    def sip_user_agent(self):
        return f"{self.family}-{self.name}-UA/{self.firmware}"

    @property
    def http_user_agent(self):
        serial = f" (SN:{self.mac.upper()})" if self.tag_serial else ""
        return f"FileTransport {self.sip_user_agent}{serial} Type/Application"

    # -- transfers -----------------------------------------------------------------------------
    def _connect(self):
        host, port = self.server.hostname, self.server.port
        if self.server.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=10, context=self.context or ssl.create_default_context(), source_address=self.source)
        return http.client.HTTPConnection(host, port, timeout=10, source_address=self.source)

    def _authorization(self, method, path):
        """By the last challenge; nothing without one: a phone sends no password unasked."""
        scheme, _, rest = self.challenge.partition(" ")
        if not self.user or not scheme:
            return None
        if scheme.lower() == "basic":
            return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        asked, cnonce = quoted(rest), secrets.token_hex(8)
        hashed = hashlib.sha256 if asked.get("algorithm", "MD5").upper() == "SHA-256" else hashlib.md5

        def digest(*parts):
            return hashed(":".join(parts).encode()).hexdigest()

        proof = digest(digest(self.user, asked["realm"], self.password), asked["nonce"], "00000001", cnonce, "auth",
                       digest(method, path))
        algorithm = f', algorithm={asked["algorithm"]}' if "algorithm" in asked else ""
        return (f'Digest username="{self.user}", realm="{asked["realm"]}", nonce="{asked["nonce"]}", uri="{path}", '
                f'qop=auth, nc=00000001, cnonce="{cnonce}", response="{proof}"{algorithm}')

    def _once(self, method, path, body, headers):
        for fresh in (False, True):             # a kept connection may have been closed meanwhile
            try:
                self.connection = self.connection or self._connect()
                self.connection.request(method, path, body, headers)
                response = self.connection.getresponse()
                answer = Answer(response.status, dict((n.lower(), v) for n, v in response.getheaders()), response.read())
                challenges = response.headers.get_all("WWW-Authenticate") or []
                if answer.status == 401:        # Digest before Basic (RFC 9110 11.6.1: the strongest that it knows)
                    self.challenge = next((c for c in challenges if c.lower().startswith("digest")), *challenges[:1])
                if response.will_close:
                    self.hang_up()
                return answer
            except (http.client.HTTPException, OSError):
                self.hang_up()
                if fresh:
                    raise
        raise AssertionError("not reached")

    def hang_up(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def transfer(self, method, name, body=None, headers=()):
        """One file: three tries where the server cannot be reached or fails, one more with credentials after 401."""
        path = urllib.parse.quote(f"{self.server.path.rstrip('/')}/{name}")
        for attempt in range(self.tries):
            if attempt:
                time.sleep(self.wait_s)
            try:
                said = {"User-Agent": self.http_user_agent, **dict(headers)}
                proof = self._authorization(method, path)
                answer = self._once(method, path, body, {**said, **({"Authorization": proof} if proof else {})})
                if answer.status == 401 and self.user:
                    answer = self._once(method, path, body, {**said, "Authorization": self._authorization(method, path)})
            except (http.client.HTTPException, OSError):
                if attempt + 1 == self.tries:
                    raise
                continue
            self.asked.append((method, path, answer.status))
            if answer.status < 500 and answer.status != 429:
                break
        return answer

    def get(self, name):
        """Its octets; None: the server has none."""
        answer = self.transfer("GET", name)
        return answer.body if answer.status == 200 else None

    def put(self, name, body):
        return self.transfer("PUT", name, body).status

    # -- a boot --------------------------------------------------------------------------------
    @staticmethod
    def parse(name, octets):
        """Each attribute of each element is one parameter, whatever its element is called."""
        try:
            root = ElementTree.fromstring(octets)
        except ElementTree.ParseError as error:
            raise BadFile(f"{name}: {error}: {octets[:200]}") from None
        values = {}
        for element in root.iter():
            for parameter, value in element.attrib.items():
                values.setdefault(parameter, value)
        return root, values

    def _master(self):
        for name in (self.mac, DEFAULT):
            octets = self.get(f"{name}.cfg")
            if octets is not None:
                root, values = self.parse(f"{name}.cfg", octets)
                if root.tag != "APPLICATION":
                    raise BadFile(f"{name}.cfg: its root is {root.tag}")
                return values
        return None

    def _of(self, master, attribute):
        """A parameter of the master file: that of its model comes before that of all (APP_FILE_PATH_VVX410)."""
        return master.get(f"{attribute}_{self.suffix}", master.get(attribute, ""))

    def boot(self):
        """Asks for all its files.  True: there is a master file; else it goes on with what it had."""
        self.boots += 1
        self.asked, files, values = [], {}, {}
        master = self._master()
        if master is None:
            return False
        names = [name.strip().replace("[PHONE_MAC_ADDRESS]", self.mac) for name in self._of(master, "CONFIG_FILES").split(",") if name.strip()]

        def within(attribute, name):
            folder = self._of(master, attribute).strip("/")
            return f"{folder}/{name}" if folder else name

        if self._of(master, "APP_FILE_PATH"):
            self.get(self._of(master, "APP_FILE_PATH"))
        for name in (f"{self.mac}-license.cfg", f"{DEFAULT}-license.cfg"):
            self.get(within("LICENSE_DIRECTORY", name))
        overrides = [within("OVERRIDES_DIRECTORY", f"{self.mac}-{kind}.cfg") for kind in ("phone", "web")]
        for name in [*overrides, *names]:
            octets = self.get(name)
            if octets is None and name in names:
                raise BadFile(f"{name} is named by the master file, and is not there: {self.asked[-1]}")
            if octets is not None:
                files[name] = octets
                for parameter, value in self.parse(name, octets)[1].items():
                    values.setdefault(parameter, value)
        for name in (f"{self.mac}-directory.xml", f"{DEFAULT}-directory.xml"):
            octets = self.get(within("CONTACTS_DIRECTORY", name))
            if octets is not None:
                self.parse(name, octets)
                files[name] = octets
                break
        self.put(within("LOG_FILE_DIRECTORY", f"{self.mac}-boot.log"), b"boot\n")
        self.hang_up()
        self.files, self.values, self.names = files, values, names
        for name in ("user", "password"):       # parameters of the device are kept, and count from the next boot on
            if (values.get("device.set"), values.get(f"device.prov.{name}.set")) == ("1", "1"):
                setattr(self, name, values[f"device.prov.{name}"])
        return True

    # -- its line ------------------------------------------------------------------------------
    def register(self, make_agent, expires=None):
        """By what the files said; make_agent(server, number, password) makes its SIP side.  The final response; None: it is not to."""
        value = self.values
        server = (value["reg.1.server.1.address"], int(value.get("reg.1.server.1.port") or 5060))
        self.agent = make_agent(server, value["reg.1.address"].partition("@")[0], value["reg.1.auth.password"])
        self.agent.user = value["reg.1.auth.userId"]
        threading.Thread(target=self._follow, args=(self.agent,), daemon=True).start()
        if value.get("reg.1.server.1.register") == "0":
            return None
        return self.agent.register(expires or int(value.get("reg.1.server.1.expires") or 3600),
                                   headers=[("User-Agent", self.sip_user_agent)])

    def _follow(self, agent):
        """NOTIFY of check-sync is answered 200; the test says when the phone is idle, and boots it."""
        while not agent._closed:
            try:
                request = agent.take_request("NOTIFY", 0.25)
            except AssertionError:
                continue
            event = request.get("Event") or ""
            agent.respond(request, 200, "OK")
            if event.startswith("check-sync"):
                self.syncs.append((time.monotonic(), event, request))

    def changed(self):
        """What it does for check-sync while idle: asks for the files again; True: they differ, so it boots with them."""
        before = dict(self.files)
        if not self.boot():
            return False
        return {name.rpartition("/")[2]: text for name, text in before.items()} != \
            {name.rpartition("/")[2]: text for name, text in self.files.items()}

    def close(self):
        self.hang_up()
        if self.agent:
            self.agent.close()

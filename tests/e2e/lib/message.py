# SPDX-License-Identifier: Apache-2.0
"""SIP messages and digest credentials as plain values, strict enough to find mistakes of a server."""
import hashlib
import re
import secrets

COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length",
           "c": "content-type", "k": "supported", "s": "subject", "e": "content-encoding"}


class Message:
    """A request or response: start line, ordered headers, body."""

    def __init__(self, start, headers=(), body=b""):
        self.start, self.headers, self.body = start, list(headers), body
        self.at = self.source = self.tos = None     # of a received one: when, from where, IP TOS

    @classmethod
    def parse(cls, data):
        head, _, body = data.partition(b"\r\n\r\n")
        lines = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8", "surrogateescape")).split("\r\n")
        headers = [(name.strip(), value.strip())
                   for name, _, value in (line.partition(":") for line in lines[1:])]
        return cls(lines[0], headers, body)

    def bytes(self):
        headers = [pair for pair in self.headers if pair[0].lower() != "content-length"]
        headers.append(("Content-Length", str(len(self.body))))
        text = "\r\n".join([self.start, *(f"{name}: {value}" for name, value in headers), "", ""])
        return text.encode("utf-8", "surrogateescape") + self.body

    def all(self, name):
        """Every value of a header, in order; a compact form is its long name."""
        name = name.lower()
        return [value for key, value in self.headers
                if COMPACT.get(key.lower(), key.lower()) == name]

    def get(self, name, otherwise=None):
        values = self.all(name)
        return values[0] if values else otherwise

    def set(self, name, value):
        """Replaces the first header of that name, or adds one."""
        for i, (key, _) in enumerate(self.headers):
            if key.lower() == name.lower():
                self.headers[i] = (key, value)
                return
        self.headers.append((name, value))

    @property
    def is_request(self):
        return not self.start.startswith("SIP/2.0 ")

    @property
    def status(self):
        return 0 if self.is_request else int(self.start.split(" ")[1])

    @property
    def method(self):
        return self.start.split(" ")[0] if self.is_request else self.get("CSeq").split()[1]

    @property
    def uri(self):
        return self.start.split(" ")[1] if self.is_request else None

    @property
    def cseq(self):
        return int(self.get("CSeq").split()[0])

    @property
    def call_id(self):
        return self.get("Call-ID")

    @property
    def branch(self):
        return parameter(self.get("Via", ""), "branch")

    @property
    def transaction(self):
        """Of a request: copies of it are of the same one (RFC 3261 17.2.3)."""
        return self.method, self.branch

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def __repr__(self):
        return f"<{self.start} {self.get('CSeq')} {self.call_id}>"


def parameter(value, name):
    """;name=value of a header value, or None."""
    match = re.search(rf';\s*{name}\s*=\s*"?([^;,"\s>]+)', value, re.I)
    return match[1] if match else None


def address_uri(value):
    """The URI of a name-addr or addr-spec."""
    match = re.search(r"<([^>]*)>", value)
    return match[1] if match else value.split(";")[0].strip()


def host_port(uri, port=5060):
    """(host, port) of a SIP URI."""
    match = re.match(r"sips?:(?:[^@]*@)?(\[[^\]]*\]|[^:;?]+)(?::(\d+))?", uri)
    return match[1].strip("[]"), int(match[2] or port)


def digest_fields(value):
    """The parameters of a challenge or of credentials."""
    return {name.lower(): quoted or plain for name, quoted, plain in
            re.findall(r'(\w+)\s*=\s*(?:"((?:\\.|[^"])*)"|([^\s,]+))', value)}


HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}


def credentials(challenge, method, uri, user, password, algorithm=None, count=1):
    """An Authorization value for a challenge (RFC 7616, qop=auth, or RFC 2069 without qop)."""
    fields = digest_fields(challenge)
    algorithm = algorithm or fields.get("algorithm", "MD5")

    def digest(text):
        return hashlib.new(HASHES[algorithm.upper()], text.encode()).hexdigest()

    secret = digest(f"{user}:{fields['realm']}:{password}")
    action = digest(f"{method}:{uri}")
    answer = {"username": f'"{user}"', "realm": f'"{fields["realm"]}"',
              "nonce": f'"{fields["nonce"]}"', "uri": f'"{uri}"', "algorithm": algorithm}
    if "qop" in fields:
        own, number = secrets.token_hex(8), f"{count:08x}"
        answer |= {"qop": "auth", "nc": number, "cnonce": f'"{own}"'}
        middle = f"{fields['nonce']}:{number}:{own}:auth"
    else:
        middle = fields["nonce"]
    answer["response"] = f'"{digest(f"{secret}:{middle}:{action}")}"'
    if "opaque" in fields:
        answer["opaque"] = f'"{fields["opaque"]}"'
    return "Digest " + ", ".join(f"{name}={value}" for name, value in answer.items())

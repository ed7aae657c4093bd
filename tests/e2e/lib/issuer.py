# SPDX-License-Identifier: Apache-2.0
"""An OpenID provider: HTTPS with a certificate of an Authority, the code flow with PKCE, and keys and signatures by openssl."""
import base64
import hashlib
import http.server
import json
import os
import ssl
import subprocess
import threading
import time
import urllib.parse

from . import place

CLIENT, SECRET = "tandem node", "client:secret/of the test"
ALGORITHMS = {"RS256": ("RSA", "rsa_keygen_bits:2048"), "ES256": ("EC", "ec_paramgen_curve:P-256"), "EdDSA": ("ED25519", None)}


def encode(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def openssl(*words, text=b""):
    return subprocess.run(["openssl", *words], input=text, check=True, capture_output=True).stdout


class Key:
    def __init__(self, folder, kid, algorithm):
        self.kid, self.algorithm, self.path = kid, algorithm, os.path.join(folder, f"{kid}.pem")
        kind, option = ALGORITHMS[algorithm]
        openssl("genpkey", "-algorithm", kind, "-out", self.path, *(("-pkeyopt", option) if option else ()))
        self.public = self._public()

    def _public(self):
        der = openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")
        if self.algorithm == "RS256":
            modulus = bytes.fromhex(openssl("rsa", "-in", self.path, "-noout", "-modulus").decode().partition("=")[2].strip())
            return {"kid": self.kid, "kty": "RSA", "use": "sig", "n": encode(modulus), "e": "AQAB"}
        if self.algorithm == "ES256":
            return {"kid": self.kid, "kty": "EC", "crv": "P-256", "x": encode(der[-64:-32]), "y": encode(der[-32:])}
        return {"kid": self.kid, "kty": "OKP", "crv": "Ed25519", "x": encode(der[-32:])}

    def sign(self, octets):
        if self.algorithm == "EdDSA":
            message = self.path + ".said"
            with open(message, "wb") as file:
                file.write(octets)
            return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.path, "-in", message)
        der = openssl("dgst", "-sha256", "-sign", self.path, text=octets)
        if self.algorithm == "RS256":
            return der
        first = 4 + der[3]
        return b"".join(part[-32:].rjust(32, b"\0") for part in (der[4:first], der[first + 2:]))


class Issuer:
    """claims: of whoever logs in next. spoil(head, claims): what an attacker makes of the token, or the token itself."""

    def __init__(self, folder, authority, port):
        self.folder, self.port, self.url = folder, port, f"https://{place.NODE}:{port}/office"
        self.keys = [Key(folder, name.lower(), name) for name in ALGORITHMS]
        self.sign_by, self.claims, self.spoil, self.codes, self.asked = self.keys[0], {}, None, {}, []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*authority.signs("issuer", f"IP:{place.NODE}"))
        self.start()

    def start(self):
        self.server = http.server.ThreadingHTTPServer((place.NODE, self.port), self._handler())
        self.server.socket = self.context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def discovery(self, issuer):
        return {"issuer": issuer, "authorization_endpoint": f"{issuer}/authorize?ui=1", "token_endpoint": f"{issuer}/token", "jwks_uri": f"{issuer}/keys"}

    def token(self, begun):
        now = int(time.time())
        head = {"alg": self.sign_by.algorithm, "kid": self.sign_by.kid, "typ": "JWT"}
        claims = {"iss": self.url, "aud": CLIENT, "nonce": begun["nonce"], "iat": now, "exp": now + 300, "sub": "4711", **self.claims}
        changed = self.spoil and self.spoil(head, claims)
        if isinstance(changed, str):
            return changed
        said = f"{encode(json.dumps(head).encode())}.{encode(json.dumps(claims).encode())}"
        return f"{said}.{encode(self.sign_by.sign(said.encode()))}"

    def authorize(self, query):
        given = {name: values[0] for name, values in urllib.parse.parse_qs(query).items()}
        assert given["response_type"] == "code" and given["client_id"] == CLIENT and given["code_challenge_method"] == "S256", given
        assert given["ui"] == "1" and "openid" in given["scope"].split()
        code = encode(os.urandom(16))
        self.codes[code] = given
        return f"{given['redirect_uri']}?{urllib.parse.urlencode({'code': code, 'state': given['state'], 'session_state': 'x', 'iss': self.url})}"

    def exchange(self, body, authorization):
        given = dict(urllib.parse.parse_qsl(body))
        begun = self.codes.pop(given.get("code"), None)
        user = ":".join(urllib.parse.quote(word, safe="") for word in (CLIENT, SECRET))
        good = (begun and authorization == f"Basic {base64.b64encode(user.encode()).decode()}" and given["grant_type"] == "authorization_code" and
                given["redirect_uri"] == begun["redirect_uri"] and
                encode(hashlib.sha256(given["code_verifier"].encode()).digest()) == begun["code_challenge"])
        return (200, {"access_token": "x", "token_type": "Bearer", "id_token": self.token(begun)}) if good else (400, {"error": "invalid_grant"})

    def _handler(issuer):
        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self, status, json_or_octets, **headers):
                octets = json_or_octets if isinstance(json_or_octets, bytes) else json.dumps(json_or_octets).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(octets)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(octets)

            def do_GET(self):
                path, _, query = self.path.partition("?")
                of, _, what = path[1:].partition("/")
                issuer.asked.append(path)
                if what == "authorize":
                    self.answer(302, b"", Location=issuer.authorize(query))
                elif what == "keys":
                    self.answer(200, {"keys": [key.public for key in issuer.keys]})
                elif of == "huge":
                    self.answer(200, b'{"issuer":"' + b"x" * 1000000 + b'"}')
                elif of == "moved":
                    self.answer(302, b"", Location=f"{issuer.url}/.well-known/openid-configuration")
                elif of == "another":
                    self.answer(200, issuer.discovery(issuer.url))
                elif of == "plain":
                    self.answer(200, {**issuer.discovery(issuer.url.replace("office", "plain")), "jwks_uri": f"http://{place.NODE}/keys"})
                else:
                    self.answer(200, issuer.discovery(issuer.url))

            def do_POST(self):
                issuer.asked.append(self.path)
                self.answer(*issuer.exchange(self.rfile.read(int(self.headers["Content-Length"])).decode(), self.headers["Authorization"]))

            def log_message(self, *_):
                pass

        return Handler

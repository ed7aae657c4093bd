# SPDX-License-Identifier: Apache-2.0
"""A push service on this machine, and the keys of browsers (RFC 8030, 8291, 8292): what comes is checked and decrypted by the crypto of node, which
shares nothing with OpenSSL's calls in the product but its library."""
import asyncio
import base64
import contextlib
import http.server
import json
import queue
import subprocess
import threading

import websockets

import pages as maker
from patience import PATIENCE_S

# Reads a line of JSON; prints one.
SCRIPT = """
const c = require("node:crypto"), from = (t) => Buffer.from(t, "base64url");
const g = JSON.parse(require("node:fs").readFileSync(0, "utf8")), ecdh = c.createECDH("prime256v1");
if (!g.body) {
  ecdh.generateKeys();
  console.log(JSON.stringify({private: ecdh.getPrivateKey("base64url"), p256dh: ecdh.getPublicKey("base64url"), auth: c.randomBytes(16).toString("base64url")}));
} else {
  const body = from(g.body), salt = body.subarray(0, 16), n = body[20], sender = body.subarray(21, 21 + n), sealed = body.subarray(21 + n);
  if (body.readUInt32BE(16) < sealed.length) throw "more than a record";
  ecdh.setPrivateKey(from(g.private));
  const info = Buffer.concat([Buffer.from("WebPush: info\\0"), from(g.p256dh), sender]);
  const ikm = Buffer.from(c.hkdfSync("sha256", ecdh.computeSecret(sender), from(g.auth), info, 32));
  const key = c.hkdfSync("sha256", ikm, salt, "Content-Encoding: aes128gcm\\0", 16), nonce = c.hkdfSync("sha256", ikm, salt, "Content-Encoding: nonce\\0", 12);
  const open = c.createDecipheriv("aes-128-gcm", Buffer.from(key), Buffer.from(nonce));
  open.setAuthTag(sealed.subarray(-16));
  const plain = Buffer.concat([open.update(sealed.subarray(0, -16)), open.final()]);
  if (plain.at(-1) !== 2) throw "not the last record";
  const [, token, k] = /^vapid t=([^,]+), k=(.+)$/.exec(g.authorization), [head, claims, signature] = token.split(".");
  const point = from(k), jwk = {kty: "EC", crv: "P-256", x: point.subarray(1, 33).toString("base64url"), y: point.subarray(33).toString("base64url")};
  const signed = c.verify("sha256", Buffer.from(head + "." + claims), {key: c.createPublicKey({key: jwk, format: "jwk"}), dsaEncoding: "ieee-p1363"}, from(signature));
  console.log(JSON.stringify({plain: plain.subarray(0, -1).toString(), signed, k, head: JSON.parse(from(head)), claims: JSON.parse(from(claims))}));
}
"""


def crypto(**given):
    done = subprocess.run(maker.tools(["node", "-e", SCRIPT]), input=json.dumps(given), capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        raise ValueError(done.stderr[-2000:])
    return json.loads(done.stdout)


class Pushed:
    """One push, as the browser would have it."""

    def __init__(self, headers, keys, body):
        self.headers = {name.lower(): value for name, value in headers.items()}
        found = crypto(body=base64.urlsafe_b64encode(body).decode(), authorization=self.headers["authorization"], **keys)
        self.plain, self.signed, self.key, self.claims = found["plain"], found["signed"], found["k"], found["claims"]
        self.told = json.loads(self.plain)


class PushService(http.server.ThreadingHTTPServer):
    """Takes pushes for browsers of its own; answers[name] is the status of another answer than 201."""
    daemon_threads = True

    def __init__(self):
        self.keys, self.answers, self.came = {}, {}, queue.Queue()
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                name, body = self.path.rpartition("/")[2], self.rfile.read(int(self.headers["Content-Length"]))
                status = service.answers.get(name, 201 if name in service.keys else 404)
                service.came.put((name, dict(self.headers), body))
                service.deliver(name, body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def origin(self):
        return "http://127.0.0.1:%d" % self.server_address[1]

    def deliver(self, name, body):
        """To the browser, where one is connected."""

    def subscribe(self, name):
        """What a browser says of its subscription."""
        self.keys[name] = crypto()
        return {"endpoint": f"{self.origin}/push/{name}", "p256dh": self.keys[name]["p256dh"], "auth": self.keys[name]["auth"]}

    def next(self, name, seconds=PATIENCE_S):
        got, headers, body = self.came.get(timeout=seconds)
        assert got == name, f"a push for {got}, not {name}"
        return Pushed(headers, self.keys[name], body)

    def none(self, seconds=1):
        try:
            got = self.came.get(timeout=seconds)
        except queue.Empty:
            return
        raise AssertionError(f"a push for {got[0]}")

    def close(self):
        self.shutdown()
        self.server_close()


class FirefoxPushService(PushService):
    """Speaks with Firefox as that of its maker does (hello, register, notification over a WebSocket): what is pushed goes on to the browser as it came."""

    def __init__(self):
        super().__init__()
        self.loop, self.links, self.codes, self.ready = asyncio.new_event_loop(), {}, [], threading.Event()
        threading.Thread(target=self.loop.run_until_complete, args=(self.serve(),), daemon=True).start()
        self.ready.wait(PATIENCE_S)

    async def serve(self):
        self.over = asyncio.Event()
        async with websockets.serve(self.connected, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            self.ready.set()
            await self.over.wait()

    async def connected(self, link, *_):
        with contextlib.suppress(websockets.ConnectionClosed):
            async for text in link:
                answer = self.answer(json.loads(text), link)
                if answer:
                    await link.send(json.dumps(answer))

    def answer(self, asked, link):
        kind, name = asked.get("messageType"), asked.get("channelID")
        if kind == "hello":
            return {"messageType": "hello", "uaid": "0" * 32, "status": 200, "use_webpush": True}
        if kind == "register":
            self.keys[name], self.links[name] = {}, link
            return {"messageType": "register", "channelID": name, "status": 200, "pushEndpoint": f"{self.origin}/push/{name}"}
        if kind == "unregister":
            self.keys.pop(name, None)
            return {"messageType": "unregister", "channelID": name, "status": 200}
        if kind in ("ack", "nack"):     # 100: it could be decrypted; 302: the worker has failed
            self.codes += [one["code"] for one in asked.get("updates", [asked])]
        return None

    def deliver(self, name, body):
        if name in self.links:
            told = {"messageType": "notification", "channelID": name, "version": f"v{self.came.qsize()}", "data": base64.urlsafe_b64encode(body).decode().rstrip("="),
                    "headers": {"encoding": "aes128gcm"}}
            asyncio.run_coroutine_threadsafe(self.links[name].send(json.dumps(told)), self.loop)

    def close(self):
        self.loop.call_soon_threadsafe(self.over.set)
        super().close()

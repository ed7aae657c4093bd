#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A web application for flows, by WebSocket: websocket.py PORT, with the tenant's secret in WEBHOOK_SECRET."""
import base64
import hashlib
import hmac
import json
import os
import socketserver
import struct
import sys
import time

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def is_signed(target, headers):
    """By RFC 9421, as webhook.py, of a GET without a body; and not long ago."""
    digest = "sha-256=:" + base64.b64encode(hashlib.sha256(b"").digest()).decode() + ":"
    params = ('("@method" "@authority" "@request-target" "content-digest" "webhook-id")'
              f';created={headers.get("webhook-timestamp")};alg="hmac-sha256"')
    said = "\n".join(['"@method": GET', f'"@authority": {headers.get("host", "").lower()}',
                      f'"@request-target": {target}', f'"content-digest": {digest}',
                      f'"webhook-id": {headers.get("webhook-id")}', f'"@signature-params": {params}'])
    want = "sig1=:" + base64.b64encode(hmac.digest(KEY, said.encode(), hashlib.sha256)).decode() + ":"
    fresh = abs(time.time() - int(headers.get("webhook-timestamp") or 0)) < 300
    return fresh and hmac.compare_digest(want, headers.get("signature") or "")


class Handler(socketserver.StreamRequestHandler):
    def shake_hands(self):
        headers, target = {}, self.rfile.readline().decode().split(" ")[1]
        while (line := self.rfile.readline().decode().strip()):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if not is_signed(target, headers):
            self.wfile.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
            return False
        accept = base64.b64encode(hashlib.sha1((headers["sec-websocket-key"] + GUID).encode()).digest()).decode()
        self.wfile.write(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          f"Sec-WebSocket-Accept: {accept}\r\n\r\n").encode())
        return True

    def receive(self):
        """A frame of the node: each is whole, and masked."""
        first, length = self.rfile.read(2)
        length &= 127
        if length > 125:
            length = int.from_bytes(self.rfile.read(2 if length == 126 else 8))
        mask = self.rfile.read(4)
        return first & 15, bytes(octet ^ mask[i % 4] for i, octet in enumerate(self.rfile.read(length)))

    def send(self, opcode, payload):
        length = bytes([len(payload)]) if len(payload) < 126 else b"\x7e" + struct.pack("!H", len(payload))
        self.wfile.write(bytes([128 | opcode]) + length + payload)

    def say(self, **message):
        self.send(TEXT, json.dumps(message).encode())

    def on_message(self, message):
        """The first time a menu; then what was pressed leads somewhere."""
        if message["type"] != "flow.http":
            return      # flow.resumed: this connection was lost; flow.refused: verbs were not taken
        digits = message["variables"].get("digits")
        if digits == "1":
            verbs = [{"dial": {"to": "1002", "rings": 4}}]
        elif digits or message["visit"] > 9:
            verbs = [{"hangup": {}}]
        else:
            verbs = [{"gather": {"prompt": ["main-menu"], "max": 1, "first_s": 5}}]
        self.say(id=message["id"], answer=verbs)

    def handle(self):
        if not self.shake_hands():
            return
        while True:
            opcode, payload = self.receive()
            if opcode == CLOSE:
                self.send(CLOSE, payload)
                return
            if opcode == PING:
                self.send(PONG, payload)
            if opcode == TEXT:
                self.on_message(json.loads(payload))


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()

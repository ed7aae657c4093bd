#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A web application for flows: webhook.py PORT, with the tenant's secret in WEBHOOK_SECRET."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import sys
import time

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))


def is_signed(method, target, headers, body):
    """By RFC 9421: method, host, path and query, body and id; and not long ago."""
    digest = "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode() + ":"
    params = ('("@method" "@authority" "@request-target" "content-digest" "webhook-id")'
              f';created={headers["webhook-timestamp"]};alg="hmac-sha256"')
    said = "\n".join([f'"@method": {method}', f'"@authority": {headers["host"].lower()}',
                      f'"@request-target": {target}', f'"content-digest": {digest}',
                      f'"webhook-id": {headers["webhook-id"]}', f'"@signature-params": {params}'])
    want = "sig1=:" + base64.b64encode(hmac.digest(KEY, said.encode(), hashlib.sha256)).decode() + ":"
    fresh = abs(time.time() - int(headers["webhook-timestamp"] or 0)) < 300
    return fresh and hmac.compare_digest(want, headers["signature"] or "")


def answer(call):
    """Verbs for who calls 100; for others a variable alone."""
    if call["called"] == "100":
        return [{"dial": {"to": "1002", "rings": 4}}, {"reject": {"status": 480}}]
    return {"desk": "1001" if call["caller"].startswith("+49") else "1002"}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        signed = is_signed(self.command, self.path, self.headers, body)
        text = json.dumps(answer(json.loads(body)) if signed else {}).encode()
        self.send_response(200 if signed else 401)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()

# SPDX-License-Identifier: Apache-2.0
"""A stand-in of the CRM (tests/crm) on an origin of its own, and its frame in Chromium."""
import contextlib
import http.server
import json
import re
import select
import socket
import socketserver
import threading
import time
import urllib.parse

from patience import PATIENCE_S

from . import ROOT
from .browser import Failed
from .pages import WebPage

FOLDER = ROOT / "tests" / "crm"
HOST = b"<!DOCTYPE html><html lang=en><head><title>CRM</title></head><body><h1>CRM</h1><script src=/host.js></script></body></html>"


class Crm(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A browser that goes away in the middle."""

    def __init__(self):
        library = ("text/javascript", (FOLDER / "opencti.js").read_bytes())
        files = {"/": ("text/html", HOST), "/crm-page.html": ("text/html", (ROOT / "docs/guides/crm-page.html").read_bytes()), "/host.js": ("text/javascript", (FOLDER / "host.js").read_bytes()),
                 "/support/api/66.0/lightning/opencti_min.js": library, "/support/api/66.0/interaction.js": library}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                kind, body = files.get(self.path.partition("?")[0], (None, b""))
                self.send_response(200 if kind else 404)
                self.send_header("Content-Type", kind or "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def origin(self):
        """Of another site than the node's, 127.0.0.1."""
        return f"http://localhost:{self.server_address[1]}"

    def url(self, adapter, records=(), mode="Lightning", **more):
        return f"{self.origin}/?" + urllib.parse.urlencode({"adapter": adapter, "mode": mode, "records": json.dumps(records), **more})

    def close(self):
        self.shutdown()
        self.server_close()


class OneName(socketserver.ThreadingTCPServer):
    """The name that several nodes have for browsers: connections go to the port `to`. before: it is given what a browser sends before that goes on."""
    daemon_threads = True

    def __init__(self):
        self.to, self.before = 0, lambda octets: None

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                to, node = 0, None
                with contextlib.suppress(OSError):
                    while True:
                        for at in select.select([self.request, *([node] if node else [])], [], [])[0]:
                            octets = at.recv(65536)
                            if not octets:
                                return
                            if at is self.request:
                                self.server.before(octets)
                                if to != self.server.to:
                                    to = self.server.to
                                    node = socket.create_connection(("127.0.0.1", to))
                                node.sendall(octets)
                            else:
                                self.request.sendall(octets)

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def close(self):
        self.shutdown()
        self.server_close()


class Frame(WebPage):
    """The softphone in the page of the CRM, found anew behind each navigation."""

    def __init__(self, page, path):      # pylint: disable=super-init-not-called
        self.browser, self.page, self.path, self.target, self.session = page.browser, page, path, None, None

    def attach(self):
        end = time.monotonic() + PATIENCE_S
        while True:
            found = [info for info in self.browser.command("Target.getTargets", filter=[{"type": "iframe"}])["targetInfos"] if self.path in info["url"] and info.get("browserContextId") == self.page.context]
            if found:
                break
            if time.monotonic() > end:
                raise Failed(f"no frame of {self.path}")
            time.sleep(0.05)
        if found[0]["targetId"] != self.target:
            self.target = found[0]["targetId"]
            self.session = self.browser.command("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]

    def run(self, expression, seconds=PATIENCE_S):
        """Again where it was loaded anew meanwhile: what a document is asked as it goes may find no answer, so each try is a part of the time alone."""
        end = time.monotonic() + seconds
        while True:
            self.attach()
            try:
                return super().run(expression, min(seconds, PATIENCE_S / 4))
            except Failed as error:
                if time.monotonic() > end or not re.search("no answer|context|detached|navigat|closed|Session", str(error).partition("\n")[0]):
                    raise
                self.target = None
                time.sleep(0.1)

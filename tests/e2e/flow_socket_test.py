# SPDX-License-Identifier: Apache-2.0
"""Web applications by WebSocket: one connection of a call, asked for verbs again and again, that may send some by itself; whatever it does, the
call goes on."""
import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import threading

from lib.live import Stream
from lib.websocket import BINARY, CLOSE, PING, TEXT

from flow_http_test import SECRET, Http
from patience import until
from tandem_client import Redis

SHARED = True

WAIT = [{"pause": 300}]


class App:
    """Says what `says` has for a message: verbs, an object, or octets of a frame; None: nothing."""

    def __init__(self, says, port=0):
        self.says, self.got, self.streams = says, [], []
        self.socket = socket.create_server(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def url(self, path="call"):
        return f"ws://127.0.0.1:{self.port}/{path}"

    def _serve(self):
        while True:
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(sock,), daemon=True).start()

    def _talk(self, sock):
        try:
            stream = Stream(sock)
            self.streams.append(stream)
            while (found := stream.receive()) is not None:
                if found[0] == CLOSE:
                    stream.close_code = int.from_bytes(found[1][:2], "big")
                    break
                if found[0] == TEXT:
                    self._on_message(stream, json.loads(found[1]))
        except (OSError, ConnectionError):
            pass
        finally:
            sock.close()

    def _on_message(self, stream, message):
        self.got.append(message)
        answer = self.says(message)
        if isinstance(answer, bytes):
            stream.sock.sendall(answer)
        elif answer is not None:
            stream.say(json.dumps({"id": message["id"], "answer": answer}).encode(), TEXT)

    def send(self, **message):
        self.streams[-1].say(json.dumps(message).encode(), TEXT)

    def lose(self):
        self.streams[-1].sock.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for stream in self.streams:
            stream.sock.close()


class Sockets(Http):
    def app(self, says, **args):
        app = App(says, **args)
        self.addCleanup(app.socket.close)
        return app

    def calls(self, app, number="120", **put):
        self.ask("number.put", number=number, to=app.url(), **put)
        return self.call(number)

    def at(self):
        calls = self.ask("call.list")
        return self.ask("call.flow", call=calls[0]["id"]) if calls else {"at": "", "path": ""}

    def pauses(self):
        until(lambda: "pause" in self.at()["at"], lambda: f"no pause: {self.at()}")

    def saved(self):
        until(lambda: all(one["saved"] for one in self.ask("call.list")))


class Talks(Sockets):
    def test_talks(self):
        """Asked, asked again with the outcome, and heard at the end, all on one connection."""
        lists = [[{"answer": {}}, {"set": {"room": "7"}}], WAIT]
        app = self.app(lambda message: lists[len(app.got) - 1] if message["type"] == "flow.http" else None)
        out = self.calls(app)
        self.assertEqual(out.wait_answer().status, 200)
        self.pauses()
        [first, second] = app.got
        call = self.ask("call.list")[0]["id"]
        self.assertEqual({name: first[name] for name in ("type", "call", "caller", "called", "flow", "outcome", "variables")},
                         {"type": "flow.http", "call": call, "caller": "1001", "called": "120", "flow": "number:120", "outcome": "next",
                          "variables": {}})
        self.assertEqual((second["outcome"], second["variables"], second["call"]), ("next", {"room": "7"}, call))
        [stream] = app.streams
        self.assertIn("webhook-signature", stream.headers)
        self.assertEqual(stream.headers["webhook-id"], call)
        rows = self.ask("flow.trace", call=call)
        self.assertEqual([(row["url"], row["status"], row["reason"]) for row in rows], [(app.url(), 101, "")] * 2)
        self.middle(app, call)
        out.bye()
        until(lambda: stream.close_code == 1000, lambda: f"no Close: {stream.close_code} {app.got[-1]}")

    def middle(self, app, call):
        """Verbs that come by themselves take the place of what runs."""
        app.send(verbs=[{"set": {"room": "8"}}, {"pause": 301}])
        until(lambda: self.at()["path"] == "1" and "pause" in self.at()["at"], lambda: f"not taken: {self.at()}")
        app.send(verbs=[{"dance": {}}])
        until(lambda: app.got[-1]["type"] == "flow.refused", lambda: app.got[-1])
        self.assertEqual(app.got[-1]["call"], call)
        self.pauses()
        self.assertEqual(len(app.streams), 1)

    def test_lost(self):
        """Connected with again: after a loss, and by the next process."""
        app = self.app(lambda message: [{"answer": {}}, {"pause": 300}] if message["type"] == "flow.http" else None)
        out = self.calls(app)
        self.assertEqual(out.wait_answer().status, 200)
        self.pauses()
        call = self.ask("call.list")[0]["id"]
        app.lose()
        until(lambda: app.got[-1]["type"] == "flow.resumed", lambda: "not connected again")
        self.assertEqual((len(app.streams), app.got[-1]["call"]), (2, call))
        self.saved()
        self.node.kill()
        self.node.restart()
        until(lambda: len(app.streams) == 3 and app.got[-1]["type"] == "flow.resumed" and len(app.got) == 3, lambda: app.got)
        self.assertEqual((app.got[-1]["call"], app.got[-1]["caller"], app.got[-1]["outcome"]), (call, "1001", "next"))
        app.send(verbs=[{"hangup": {}}])
        until(lambda: not self.ask("call.list"), lambda: "it is not heard")

    def test_asked_and_killed(self):
        """Who goes on with the call asks again, by the same id."""
        app = self.app(lambda message: None)
        self.ask("number.put", number="120", to=app.url())
        self.flow(app.url(), timeout_s=20)
        out = self.call()
        until(lambda: app.got)
        self.saved()
        self.node.kill()
        app.says = lambda message: {"to": "wait"}
        self.node.restart()
        self.assertEqual(out.wait_answer().status, 200)
        self.assertEqual(app.got[0]["id"], app.got[-1]["id"])
        out.bye()


def frame(kind, payload):
    length = bytes([len(payload)]) if len(payload) < 126 else b"\x7f" + len(payload).to_bytes(8, "big")
    return bytes([0x80 | kind]) + length + payload


class Fails(Sockets):
    def test_fails(self):
        """Garbage, too much, a silent one, Close and loss: the branch, in time; then the fallback."""
        self.takes(frame(TEXT, b"<html>"), "no_json")
        self.takes(frame(TEXT, b"[1]"), "no_json")
        self.takes(frame(BINARY, b"x"), "no_json")
        self.takes(b"\xff\xff\xff\xff", "no_json")
        self.takes(frame(TEXT, b" " * 65537), "too_long")
        self.takes(None, "timeout", timeout_s=0.5)
        self.takes(frame(CLOSE, b"\x03\xe8"), "unreachable")
        self.takes([{"dance": {}}], "program")
        app = self.app(lambda message: app.lose())
        self.fails(app.url(), "unreachable")
        self.assertEqual(len(app.streams), 2, "once more")
        self.fails("ws://127.0.0.1:1/", "unreachable")
        self.fails(self.server.url("good").replace("http:", "ws:"), "status")
        self.fails(app.url().replace("ws:", "wss:"), "timeout", timeout_s=1)
        self.flow(app.url(), fallback=self.server.url("good"))
        out = self.call()
        self.assertEqual(out.wait_answer().status, 200)
        out.bye()
        good = self.app(lambda message: {"to": "wait"})
        self.flow(self.server.url("broken"), fallback=good.url())
        out = self.call()
        self.assertEqual(out.wait_answer().status, 200)
        out.bye()
        self.not_allowed(good)

    def takes(self, octets, reason, **args):
        app = self.app(lambda message: octets)
        self.fails(app.url(), reason, **args)

    def not_allowed(self, good):
        self.ask("tenant.put", name="default", web_networks="10.1.0.0/16")
        before = len(good.streams)
        for host in ("127.0.0.1", "localhost"):
            self.fails(good.url().replace("127.0.0.1", host), "address")
        self.assertEqual(len(good.streams), before)

    def test_gone_meanwhile(self):
        """What runs goes on without its application; when it is asked again, its fallback is."""
        app = self.app(lambda message: [{"answer": {}}, {"pause": 1}])
        out = self.calls(app, fallback=self.server.url("verbs"))
        self.assertEqual(out.wait_answer().status, 200)
        self.pauses()
        app.close()
        until(lambda: self.server.got, lambda: "the fallback is not asked")
        self.assertEqual(self.server.got[-1][0], "/verbs")
        self.pauses()
        out.bye()

    def test_fragments_and_ping(self):
        text = json.dumps({"answer": {"to": "wait"}})

        def says(message):
            whole = json.dumps({"id": message["id"], **json.loads(text)}).encode()
            return bytes([TEXT, 5]) + whole[:5] + frame(PING, b"?") + b"\x80" + bytes([len(whole) - 5]) + whole[5:]
        app = self.app(says)
        self.flow(app.url())
        out = self.call()
        self.assertEqual(out.wait_answer().status, 200)
        out.bye()


class Secrets(Sockets):
    def test_in_a_fallback(self):
        """What a list of verbs ends with is in Redis, and has no secret; nor is one in a record that can be read."""
        app = self.app(lambda message: WAIT)
        self.ask("flow.put", name="main", program={"start": "pin", "steps": {
            "pin": {"gather": {"max": 4, "secret": True, "into": "pin", "first_s": 20}, "timeout": "no", "next": "ask"},
            "ask": {"http": {"url": app.url(), "fallback": self.server.url("good/{pin}")}, "next": "no", "failed": "no"},
            "no": {"hangup": {}}}})
        out = self.call()
        self.assertEqual(out.wait_answer().status, 200)
        for key in "47*1":
            request = out.in_dialog("INFO", body=f"Signal={key}\r\nDuration=120\r\n")
            request.set("Content-Type", "application/dtmf-relay")
            self.assertEqual(out.transact(request).status, 200)
        self.pauses()
        self.saved()
        with Redis(self.node.redis_socket) as redis:
            kept = [repr(redis("GET", key)) for key in redis("KEYS", "*") if "string" in repr(redis("TYPE", key))]
        self.assertTrue(any(app.url() in text for text in kept), kept)
        for text in kept:
            self.assertNotIn("47%2A1", text)
            self.assertNotIn("47*1", text)
        out.bye()


class Samples(Sockets):
    """The servers of the guide."""

    def runs(self, *command):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        server = subprocess.Popen([*command, str(port)], env=os.environ | {"WEBHOOK_SECRET": SECRET})
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        until(lambda: not socket.socket().connect_ex(("127.0.0.1", port)))
        self.ask("number.put", number="120", to=f"ws://127.0.0.1:{port}/call")
        out = self.call("120")
        self.assertEqual(out.wait_answer().status, 200)
        request = out.in_dialog("INFO", body="Signal=1\r\nDuration=120\r\n")
        request.set("Content-Type", "application/dtmf-relay")
        self.assertEqual(out.transact(request).status, 200)
        self.b.incoming().ring()
        out.bye()
        until(lambda: not self.ask("call.list"))
        self.ask("tenant.put", name="default", web_secret="whsec_" + base64.b64encode(b"x" * 32).decode())
        self.assertEqual(self.call("120").wait_final().status, 480)
        self.assertEqual(self.events()[-1]["reason"], "status")
        self.ask("tenant.put", name="default", web_secret=SECRET)
        server.send_signal(signal.SIGKILL)

    def test_samples(self):
        guides = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "guides")
        self.runs("/usr/bin/python3", os.path.join(guides, "websocket.py"))
        if shutil.which("node"):
            self.runs("node", os.path.join(guides, "websocket.mjs"))

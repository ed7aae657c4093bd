# SPDX-License-Identifier: Apache-2.0
"""The verb http of flows: web servers that answer well, wrongly or never; requests are signed, and asked again by who goes on with the call."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

from call_test import CallTest
from patience import until
from server import ServerError
from tandem_client import Client, Refused

SHARED = True

KEY = b"k" * 32
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def signature(method, target, headers, body):
    """By RFC 9421, as who receives it makes it again."""
    digest = "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode() + ":"
    params = f'("@method" "@authority" "@request-target" "content-digest" "webhook-id");created={headers["webhook-timestamp"]};alg="hmac-sha256"'
    said = "\n".join([f'"@method": {method}', f'"@authority": {headers["Host"]}', f'"@request-target": {target}', f'"content-digest": {digest}',
                      f'"webhook-id": {headers["webhook-id"]}', f'"@signature-params": {params}'])
    return digest, "sig1=" + params, "sig1=:" + base64.b64encode(hmac.digest(KEY, said.encode(), hashlib.sha256)).decode() + ":"


class Server(http.server.ThreadingHTTPServer):
    """Answers each path by the function of that name; all requests are kept."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.got, self.signed, self.hold = [], [], threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}/{path}"

    def handle_error(self, request, client_address):
        pass        # who asked has gone

    def close(self):
        self.hold.set()
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.do_POST()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.strip("/").split("?")[0].split("/")[0]
        self.server.got.append((self.path, dict(self.headers.items()), body))
        self.server.signed.append((self.headers["Content-Digest"], self.headers["Signature-Input"], self.headers["Signature"]) ==
                                  signature(self.command, self.path, self.headers, body))
        getattr(self, "on_" + path)()

    def say(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def on_good(self):
        self.say(200, json.dumps({"to": "wait", "number": 7, "more": {"a": 1}}).encode())

    def on_verbs(self):
        self.say(200, json.dumps([{"pause": 300}, {"hangup": {}}]).encode())

    def on_then(self):
        self.say(200, json.dumps([{"set": {"asked": "1"}}, {"http": self.server.url("broken")}]).encode())

    def on_broken(self):
        self.say(500, b"{}")

    def on_once(self):
        """The first one fails."""
        first = sum(path == "/once" for path, _, _ in self.server.got) == 1
        self.say(503 if first else 200, b'{"to": "wait"}')

    def on_elsewhere(self):
        self.say(302, b"{}", Location="http://127.0.0.1:1/")

    def on_garbage(self):
        self.say(200, b"\x00<html>")

    def on_dance(self):
        self.say(200, b'[{"dance": {}}]')

    def on_empty(self):
        self.say(204, b"")

    def on_hangs(self):
        self.server.hold.wait(60)
        self.close_connection = True

    def on_drips(self):
        """A header without an end."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not self.server.hold.wait(0.05):
            self.wfile.write(b"x" * 100)

    def on_huge(self):
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 30))
        self.end_headers()
        while True:
            self.wfile.write(b" " * 65536)

    def on_dies(self):
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True


class Http(CallTest):
    def ask(self, command, **args):
        with Client(self.node.redis_socket, "_operator") as client:
            return client.ask(command, **args)

    def setUp(self):
        super().setUp()
        self.server = Server()
        self.addCleanup(self.server.close)
        self.ask("tenant.put", name="default", web_secret=SECRET, web_networks="127.0.0.0/8")
        self.ask("number.put", number="100", to="flow:main")

    def flow(self, url, **args):
        """An answer that takes `to` leads there; what fails is 486, and what is too late 408 where it is asked for."""
        late = {"timeout": "late"} if args.pop("late", False) else {}
        self.ask("flow.put", name="main", program={"start": "ask", "steps": {
            "ask": {"http": {"url": url, "take": ["to"], **args}, "next": "which", "failed": "no", **late},
            "which": {"match": "{to}", "on": {"wait": "hello"}, "else": "no"},
            "hello": {"answer": {}, "next": "wait"},
            "wait": {"pause": 300, "next": "bye"},
            "bye": {"hangup": {}},
            "no": {"reject": {"status": 486}},
            **({"late": {"reject": {"status": 408}}} if late else {})}})

    def events(self):
        return [row for row in self.node.told("td:{ev:default}") if row["type"] == "call.http"]

    def call(self, number="100"):
        return self.a.invite(number, self.audio_a.sdp())

    def fails(self, path, reason, status=486, **args):
        """It does, for that reason, within the time that the server has."""
        before, begun = len(self.events()), time.monotonic()
        self.flow(self.server.url(path) if "://" not in path else path, **args)
        self.assertEqual(self.call().wait_final().status, status, path)
        until(lambda: len(self.events()) == before + 1)
        event = self.events()[-1]
        self.assertEqual((event["reason"], event["step"]), (reason, "ask"), path)
        self.assertLess(time.monotonic() - begun, 2 * args.get("timeout_s", 2) + 1, path)
        return event

    def helper(self):
        found = subprocess.run(["pgrep", "-P", str(self.node.process.pid), "tandem-helper"], capture_output=True, text=True)
        return [int(pid) for pid in found.stdout.split()]


class Answers(Http):
    def test_good(self):
        self.flow(self.server.url("good?key=1"), data={"who": "{caller}"})
        out = self.call()
        self.assertEqual(out.wait_answer().status, 200)
        [(path, headers, body)] = self.server.got
        said = json.loads(body)
        call = self.ask("call.list")[0]["id"]
        self.assertEqual((path, headers["Content-Type"]), ("/good?key=1", "application/json"))
        self.assertEqual({name: said[name] for name in ("type", "call", "tenant", "caller", "called", "flow", "step", "visit", "data")},
                         {"type": "flow.http", "call": call, "tenant": "default", "caller": "1001", "called": "100",
                          "flow": "main", "step": "ask", "visit": 1, "data": {"who": "1001"}})
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        self.assertEqual(headers["webhook-signature"],
                         "v1," + base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode())
        self.assertLess(abs(int(headers["webhook-timestamp"]) - time.time()), 10)
        self.assertEqual(self.server.signed, [True])
        [event] = self.events()
        self.assertEqual((event["url"], event["http_status"], event["reason"]), (self.server.url("…"), "200", ""))
        self.assertEqual(self.ask("call.flow", call=call)["path"], "ask,which,wait,hello")
        out.bye()
        shown = json.dumps(self.ask("tenant.show", name="default"))
        self.assertNotIn(SECRET, shown + self.node.log_text())
        self.assertIn('"has_web_secret": true', shown)
        self.verbs()
        self.get()

    def verbs(self):
        """A list of verbs takes the place of the flow, also for the next process."""
        self.flow(self.server.url("verbs"))
        out = self.call()
        until(lambda: self.ask("call.list"))
        call = self.ask("call.list")[0]["id"]
        until(lambda: "pause" in self.ask("call.flow", call=call)["at"], "the program has not begun")
        self.assertEqual(self.ask("call.flow", call=call)["path"], "ask,program")
        until(lambda: all(one["saved"] for one in self.ask("call.list")))
        self.node.kill()
        self.node.restart()
        until(lambda: "pause" in self.ask("call.flow", call=call)["at"], "the program is lost")
        out.cancel()

    def get(self):
        self.flow(self.server.url("good?key=1"), method="get", data={"who": "a b&c"})
        out = self.call()
        self.assertEqual(out.wait_answer().status, 200)
        path, headers, body = self.server.got[-1]
        self.assertEqual((path, body), ("/good?key=1&who=a+b%26c", b""))
        self.assertIn("webhook-signature", headers)
        self.assertTrue(all(self.server.signed), "the URL of a GET is not signed")
        out.bye()

    def named(self, name, url, **args):
        """What is asked where the caller has that name."""
        before = len(self.server.got)
        self.flow(url, **args)
        self.ask("extension.put", number="1001", display_name=name)
        out = self.call()
        status = out.wait_final().status
        if status == 200:
            out.bye()
        self.assertTrue(all(self.server.signed))
        return status, [path for path, _, _ in self.server.got[before:]]

    def test_names_in_urls(self):
        """A caller's name stays in its segment, or its value, and says nothing of whom a request goes to."""
        url = self.server.url("good/{caller_name}/open?n={caller_name}&role=user")
        self.assertEqual(self.named("Ann&role=admin#", url, method="get"),
                         (200, ["/good/Ann%26role%3Dadmin%23/open?n=Ann%26role%3Dadmin%23&role=user"]))
        self.assertEqual(self.named("a/b?c", url), (200, ["/good/a%2Fb%3Fc/open?n=a%2Fb%3Fc&role=user"]))
        for name in ("../../admin/delete?id=1#", "..", "x/../y"):
            self.assertEqual(self.named(name, url), (486, []), name)
        self.assertEqual(self.named("..", self.server.url("good?n={caller_name}"))[1], ["/good?n=.."])
        for wrong, place in (("http://127.0.0.1{caller_name}/x", "host, port or user"), ("http://{header.X-A}/", "host, port or user"),
                             ("{caller_name}://a/", "scheme"), ("http://a:{called}/", "host, port or user")):
            with self.assertRaisesRegex(Exception, f"/steps/ask/http/url: .* stands in the {place}"):
                self.flow(wrong)
            if not wrong.startswith("{"):
                for argument, args in (("to", {"to": wrong}), ("fallback", {"to": "http://a.test/", "fallback": wrong})):
                    with self.assertRaisesRegex(Refused, f"bad_argument.* stands in the {place}") as refused:
                        self.ask("number.put", number="121", **args)
                    self.assertEqual(refused.exception.argument, argument)
        self.ask("extension.put", number="1001", display_name="../x&y")
        self.ask("number.put", number="120", to=self.server.url("verbs?of={caller_name}"))
        self.call("120").cancel()
        until(lambda: self.server.got[-1][0] == "/verbs?of=..%2Fx%26y")

    def test_bad(self):
        """Each way to fail takes the branch, and none holds the call for longer than the server has."""
        self.assertEqual(self.fails("broken", "status")["http_status"], "500")
        self.assertEqual(len(self.server.got), 2, "once more")
        self.assertEqual(len({headers["webhook-id"] for _, headers, _ in self.server.got}), 1)
        self.assertEqual(self.fails("elsewhere", "status")["http_status"], "302")
        self.assertEqual(len(self.server.got), 3, "that is not tried again")
        self.fails("garbage", "no_json")
        self.fails("dance", "program")
        self.fails("huge", "too_long")
        self.fails("dies", "unreachable")
        self.fails("hangs", "timeout", timeout_s=0.5)
        self.fails("hangs", "timeout", timeout_s=0.5, late=True, status=408)
        self.fails("drips", "timeout", timeout_s=0.5)
        self.fails("http://127.0.0.1:1/", "unreachable")
        self.fails("http://nowhere.invalid/", "unreachable")
        self.fails(self.server.url("good").replace("http:", "https:"), "unreachable")
        self.flow(self.server.url("once"))
        self.assertEqual(self.call().wait_answer().status, 200)
        self.flow(self.server.url("garbage"), fallback=self.server.url("good"))
        self.assertEqual(self.call().wait_answer().status, 200)
        self.flow(self.server.url("hangs"), fallback=self.server.url("good"), timeout_s=2)
        self.assertEqual(self.call().wait_answer().status, 200)
        self.empty()
        self.behind_a_list()
        self.networks()

    def empty(self):
        """Nothing to say: variables stay, and next is taken."""
        self.flow(self.server.url("empty"))
        self.assertEqual(self.call().wait_final().status, 486)
        self.assertEqual(self.events()[-1]["reason"], "")

    def behind_a_list(self):
        """The server gave verbs, and then is gone: the branch of the step that it gave them to."""
        self.flow(self.server.url("then"))
        self.assertEqual(self.call().wait_final().status, 486)
        until(lambda: any(row["path"] == "ask,program,1,ask,failed" for row in self.ask("cdr.list")), lambda: self.ask("cdr.list"))

    def networks(self):
        """Without leave nobody is asked at home, whatever the name is; also not by a connection that was there."""
        self.flow(self.server.url("good"))
        self.assertEqual(self.call().wait_answer().status, 200)
        asked = len(self.server.got)
        self.ask("tenant.put", name="default", web_networks="10.1.0.0/16")
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "[::1]", "2130706433"):
            self.fails(self.server.url("good").replace("127.0.0.1", host), "address")
        self.assertEqual(len(self.server.got), asked)
        for wrong in ("10.0.0.0/99", "home"):
            with self.assertRaisesRegex(ServerError, "networks"):
                self.node.ctl("tenant.put", name="default", web_networks=wrong)
        with self.assertRaisesRegex(Exception, "whsec_"):
            self.ask("tenant.put", name="default", web_secret="short")
        self.ask("tenant.put", name="default", web_secret="off")
        self.assertFalse(self.ask("tenant.show", name="default")["has_web_secret"])


class Traced(Http):
    """What was asked, and what came, for who looks: without what is secret."""

    def test_traced(self):
        self.flow(self.server.url("good?key=hush").replace("http://", "http://ann:wort@"), data={"who": "{caller}"})
        out = self.call()
        self.assertEqual(out.wait_answer().status, 200)
        call = self.ask("call.list")[0]["id"]
        [row] = self.ask("flow.trace", call=call)
        [(_, headers, body)] = self.server.got
        self.assertEqual({name: row[name] for name in ("kind", "call", "flow", "step", "visit", "url", "try", "status", "reason", "signed",
                                                       "id", "sent", "request", "answer")},
                         {"kind": "http", "call": call, "flow": "main", "step": "ask", "visit": 1, "url": self.server.url("good"), "try": 1,
                          "status": 200, "reason": "", "signed": True, "id": headers["webhook-id"], "sent": len(body),
                          "request": body.decode(), "answer": '{"to": "wait", "number": 7, "more": {"a": 1}}'})
        self.assertLess(abs(row["utc_ms"] / 1000 - time.time()), 10)
        shown = json.dumps(self.ask("flow.trace")) + json.dumps(self.node.ctl("flow.trace"))
        for secret in ("hush", "wort", SECRET, headers["webhook-signature"]):
            self.assertNotIn(secret, shown)
        out.bye()
        self.fails("broken", "status")
        self.assertEqual([(row["try"], row["status"], row["reason"], row["answer"]) for row in self.ask("flow.trace", limit=2)],
                         [(2, 500, "status", "{}"), (1, 500, "status", "{}")])
        self.assertEqual([row["call"] for row in self.ask("flow.trace", call=call)], [call])
        self.pin()

    def pin(self):
        """A secret variable goes where data names it, and is not seen; also where the server repeats it."""
        Handler.on_pin = lambda handler: handler.say(200, b'{"to": "wait", "echo": "47*1"}')
        self.ask("flow.put", name="main", program={"start": "pin", "steps": {
            "pin": {"gather": {"max": 4, "secret": True, "into": "pin", "first_s": 20}, "timeout": "no", "next": "ask"},
            "ask": {"http": {"url": self.server.url("pin") + "/{pin}?pin={pin}", "data": {"pin": "{pin}"}, "take": ["to"]}, "next": "no",
                    "failed": "no"},
            "no": {"hangup": {}}}})
        out = self.call()
        self.assertEqual(out.wait_answer().status, 200)
        for key in "47*1":
            request = out.in_dialog("INFO", body=f"Signal={key}\r\nDuration=120\r\n")
            request.set("Content-Type", "application/dtmf-relay")
            self.assertEqual(out.transact(request).status, 200)
        until(lambda: any(path.startswith("/pin") for path, _, _ in self.server.got))
        self.assertEqual(self.server.got[-1][0], "/pin/47%2A1?pin=47%2A1")
        self.assertIn(b'"pin":"47*1"', self.server.got[-1][2])
        until(lambda: self.ask("flow.trace", limit=1)[0]["url"] == self.server.url("pin") + "/***")
        [row] = self.ask("flow.trace", limit=1)
        self.assertIn('"pin":"***"', row["request"])
        self.assertIn('"echo": "***"', row["answer"])
        self.assertNotIn("47*1", json.dumps(row))


class Number(Http):
    """A number leads straight to a web application."""

    def answers(self, **put):
        self.ask("number.put", number="120", **put)
        return self.call("120")

    def test_number(self):
        out = self.answers(to=self.server.url("verbs") + "?of={called}")
        until(lambda: self.ask("call.list"))
        call = self.ask("call.list")[0]["id"]
        until(lambda: "pause" in self.ask("call.flow", call=call)["at"], "the program has not begun")
        [(path, headers, body)] = self.server.got
        said = json.loads(body)
        self.assertEqual((path, said["flow"], said["called"], said["caller"]), ("/verbs?of=120", "number:120", "120", "1001"))
        self.assertIn("webhook-signature", headers)
        self.assertEqual(self.ask("call.flow", call=call)["flow"], "number:120")
        until(lambda: all(one["saved"] for one in self.ask("call.list")))
        self.node.kill()
        self.node.restart()
        until(lambda: "pause" in self.ask("call.flow", call=call)["at"], "the program is lost")
        self.assertEqual(len(self.server.got), 1)
        out.cancel()
        out = self.call("120")
        until(lambda: len(self.server.got) == 2, "the number is lost")
        out.cancel()
        self.falls_back()
        self.not_allowed()

    def falls_back(self):
        self.assertEqual(self.answers(to=self.server.url("broken")).wait_final().status, 480)
        self.assertEqual(self.answers(to=self.server.url("good")).wait_final().status, 480, "no list of verbs")
        self.ask("flow.put", name="later", program=[{"reject": {"status": 488}}])
        put = self.ask("number.put", number="120", to=self.server.url("broken"), fallback="flow:nobody")
        self.assertEqual(put["warnings"], ["fallback: there is no flow nobody yet: flow.put makes one, flow.list shows all of them"])
        self.assertEqual(self.call("120").wait_final().status, 480)
        self.assertEqual(self.answers(fallback="flow:later").wait_final().status, 488)
        self.answers(fallback=self.server.url("verbs")).cancel()
        until(lambda: self.server.got[-1][0] == "/verbs")
        self.ask("number.put", number="120", to="flow:later", fallback="")
        self.assertEqual(self.call("120").wait_final().status, 488)
        self.ask("number.put", number="120", to=self.server.url("verbs"))
        self.ask("number.delete", number="120")
        self.assertEqual(self.call("120").wait_final().status, 404)

    def not_allowed(self):
        self.ask("tenant.put", name="default", web_networks="")
        for args in ({"to": self.server.url("verbs")}, {"to": "https://a.test/", "fallback": "http://[::1]/"}, {"to": "http://10.0.0.1"}):
            with self.assertRaisesRegex(Exception, "web_networks"):
                self.ask("number.put", number="121", **args)
        for to in ("ftp://a.test/", "https://", "http://a b/", "https://a.test/{called"):
            with self.assertRaisesRegex(Exception, "bad_argument"):
                self.ask("number.put", number="121", to=to)


class Samples(Http):
    """The servers of the guide, by which its flow goes."""

    def runs(self, *command):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        server = subprocess.Popen([*command, str(port)], env=os.environ | {"WEBHOOK_SECRET": SECRET})
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        until(lambda: not socket.socket().connect_ex(("127.0.0.1", port)))
        url = f"http://127.0.0.1:{port}/call"
        self.ask("flow.put", name="main", program={"start": "ask", "steps": {
            "ask": {"http": {"url": url, "take": ["desk"]}, "next": "desk", "failed": "no"},
            "desk": {"dial": "{desk}", "busy": "no", "no_answer": "no"}, "no": {"reject": {"status": 486}}}})
        for number, path in (("100", "ask,program"), ("120", "ask")):
            out = self.call(number)
            into = self.b.incoming()
            into.ring()
            [call] = self.ask("call.list")
            self.assertEqual(self.ask("call.flow", call=call["id"])["path"], path)
            out.cancel()
            until(lambda: not self.ask("call.list"))
        self.ask("tenant.put", name="default", web_secret="whsec_" + base64.b64encode(b"x" * 32).decode())
        self.assertEqual(self.call().wait_final().status, 486)
        self.assertEqual(self.events()[-1]["http_status"], "401")
        self.ask("tenant.put", name="default", web_secret=SECRET)

    def test_samples(self):
        self.ask("number.put", number="120", to="flow:main")
        guides = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "guides")
        self.runs("/usr/bin/python3", os.path.join(guides, "webhook.py"))
        if shutil.which("node"):
            self.runs("node", os.path.join(guides, "webhook.mjs"))


class Killed(Http):
    def test_killed(self):
        self.flow(self.server.url("hangs"), timeout_s=20)
        out = self.call()
        until(lambda: self.server.got)
        [pid] = self.helper()
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(out.wait_final().status, 486)
        self.assertIn("tandem-helper has ended", self.node.log_text())
        self.assertEqual(self.node.metric("tandem_helper_deaths_total"), 1)
        until(lambda: self.helper() not in ([], [pid]))
        self.node_too()

    def node_too(self):
        """The next process asks again, by the same id; the helper of the one before is gone."""
        before = len(self.server.got)
        out = self.call()
        until(lambda: len(self.server.got) > before)
        [pid] = self.helper()
        until(lambda: all(one["saved"] for one in self.ask("call.list")))
        self.node.kill()
        until(lambda: not os.path.exists(f"/proc/{pid}"))
        self.node.restart()
        until(lambda: len(self.server.got) > before + 1)
        ids = [headers["webhook-id"] for _, headers, _ in self.server.got[before:]]
        bodies = [body for _, _, body in self.server.got[before:]]
        self.assertEqual((len(set(ids)), len(set(bodies))), (1, 1))
        Handler.on_hangs, hangs = Handler.on_good, Handler.on_hangs
        self.addCleanup(setattr, Handler, "on_hangs", hangs)
        self.node.kill()
        self.node.restart()
        self.assertEqual(out.wait_answer().status, 200)
        out.bye()

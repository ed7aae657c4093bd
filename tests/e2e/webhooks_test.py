# SPDX-License-Identifier: Apache-2.0
"""Webhooks: events are posted to servers that answer well, wrongly, later or never, each at least once and those of a call in order, by one
node of two at a time, over kills of nodes and of Redis."""
import base64
import collections
import contextlib
import hashlib
import hmac
import http.server
import itertools
import json
import re
import signal
import socket
import subprocess
import threading
import time

from directory_test import Pair
from guides_test import guide
from patience import PATIENCE_S, slowness
from server import ServerError
from tandem_client import Client, RedisError, Refused

LONG = 60                       # s: servers that hang, and kills
KEYS = (b"k" * 32, b"n" * 24)
SECRETS = ["whsec_" + base64.b64encode(key).decode() for key in KEYS]


class Server(http.server.ThreadingHTTPServer):
    """Answers by `status`, or by the function of a path; all requests are kept."""
    daemon_threads = True
    request_queue_size = 256

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.got, self.lock, self.hold = [], threading.Lock(), threading.Event()
        self.bad, self.more = collections.defaultdict(int), {}     # of a path or a call: status
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}/{path}"

    def bodies(self, path):
        with self.lock:
            return [json.loads(body) for where, _, body, _ in self.got if where == "/" + path]

    def taken(self, path):
        """The numbers of events that were answered with 200, in that order."""
        with self.lock:
            return [json.loads(body)["data"] for where, _, body, status in self.got if where == "/" + path and status == 200]

    def ids(self, path):
        """Of all that came, in that order."""
        with self.lock:
            return [headers["webhook-id"] for where, headers, _, _ in self.got if where == "/" + path]

    def handle_error(self, request, client_address):
        pass

    def close(self):
        self.hold.set()
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server, path = self.server, self.path.strip("/")
        if path == "kills":
            time.sleep(0.3)         # a kill finds some under way, and some that wait
        status = server.bad[path] or server.bad[json.loads(body)["data"].get("call")] or 200
        with server.lock:
            server.got.append((self.path, dict(self.headers.items()), body, status))
        if path in ("hangs", "huge", "dies"):
            getattr(self, "on_" + path)()
            return
        self.send_response(status)
        for name, value in server.more.get(path, {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def on_hangs(self):
        self.server.hold.wait(30)
        self.close_connection = True

    def on_dies(self):
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def on_huge(self):
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 30))
        self.end_headers()
        for _ in range(1 << 14):
            self.wfile.write(b" " * 65536)


class Hooks(Pair):
    def ask(self, command, tenant="default", **args):
        with Client(self.socket, "_operator") as client:
            return client.ask(command, wait=PATIENCE_S, **({"tenant": tenant} if tenant else {}), **args)

    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        self.ask("tenant.put", None, name="default", web_networks="127.0.0.0/8")

    def hook(self, name, tenant="default", **put):
        self.ask("webhook.put", tenant, name=name, url=self.server.url(name), **put)
        self.addCleanup(self.ask, "webhook.delete", tenant, name=name)
        for node in (self.a, self.b):       # either may be asked, and the other one hears of it a moment later
            self.until(lambda: self.knows(node, name, tenant))
        self.until(lambda: self.figures(name, tenant)["node"], 30)

    @staticmethod
    def knows(node, name, tenant):
        with contextlib.suppress(ServerError):
            return node.local("webhook.get", tenant=tenant, name=name)

    def figures(self, name, tenant="default"):
        return self.ask("webhook.get", tenant, name=name)["figures"] or {"node": ""}

    def event(self, call, n, type="call.digit", stream="td:{ev:default}", **more):
        with self.redis() as redis:
            return redis("XADD", stream, "*", "event", json.dumps({"type": type, "call": call, "n": n, **more}))

    def in_order(self, name, calls, count):
        """Each call's events are there, and the first of each number came in order."""
        rows = self.server.taken(name)
        for call in calls:
            first = list(dict.fromkeys(row["n"] for row in rows if row["call"] == call))
            self.assertEqual(first, list(range(count)), call)

    def owner(self, name):
        return {"a": self.a, "b": self.b}[self.figures(name)["node"]]


class Answers(Hooks):
    def test_delivered(self):
        """A real call's events, signed with both secrets, by one node alone; nothing of a secret is anywhere."""
        self.hook("good", secrets=",".join(SECRETS), events="call.*")
        for number in ("1001", "1002"):
            self.a.put_extension(number, "secret")
        with self.a.user_agent("1001", "secret") as caller, self.a.user_agent("1002", "secret") as callee, self.a.media() as audio:
            self.assertEqual([phone.register().status for phone in (caller, callee)], [200, 200])
            out, into = caller.invite("1002", audio.sdp()), callee.incoming()
            into.respond(486)
            self.assertEqual(out.wait_final().status, 486)
        self.until(lambda: len(self.server.bodies("good")) >= 2)
        bodies = self.server.bodies("good")
        self.assertEqual([body["type"] for body in bodies][0], "call.new")
        self.assertEqual({(body["tenant"], body["data"]["from"]) for body in bodies}, {("default", "1001")})
        time.sleep(0.3)
        ids = [headers["webhook-id"] for _, headers, _, _ in self.server.got]
        self.assertEqual(len(ids), len(set(ids)), "two nodes have posted the same")
        for _, headers, body, _ in self.server.got:
            signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
            wanted = ["v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in KEYS]
            self.assertEqual(headers["webhook-signature"].split(" "), wanted)
        self.ask("webhook.put", name="good", secrets=SECRETS[1])
        numbers = itertools.count()

        def is_signed_once():
            """What leaves before the node that delivers has the change is signed twice yet."""
            n = next(numbers)
            self.event("c1", n)
            self.until(lambda: self.server.taken("good")[-1].get("n") == n)
            return len(self.server.got[-1][1]["webhook-signature"].split(" ")) == 1
        self.until(is_signed_once)
        shown = json.dumps([self.ask("webhook.get", name="good"), self.ask("webhook.list"), self.ask("webhook.test", name="good")])
        ps = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True).stdout
        for secret in SECRETS:
            self.assertNotIn(secret, shown + ps + self.a.log_text() + self.b.log_text())
        self.assertIn('"has_secrets": true', shown)
        self.filters()

    def filters(self):
        self.hook("some", events="call.held,conference.*", numbers="1001,7000")
        self.hook("ivr", application="ivr")
        self.event("c1", 0, "call.held", **{"from": "1001", "to": "1009"})
        self.event("c1", 1, "call.held", **{"from": "1008", "to": "1009"})
        self.event("c1", 2, "call.ended", **{"from": "1001"})
        self.event("c1", 3, "call.collected", stream="td:{ev:default}:ivr")
        self.event("c1", 4, "conference.joined", number="7000")
        self.until(lambda: self.server.taken("some")[-1:] and self.server.taken("some")[-1]["n"] == 4 and self.server.taken("ivr"))
        self.assertEqual([row["n"] for row in self.server.taken("some")], [0, 4])
        self.assertEqual([row["n"] for row in self.server.taken("ivr")], [3])
        for wrong in ({"url": "ftp://host/"}, {"url": "http://10.1.2.3/"}, {"events": "Call"}, {"events": "call.*,"}, {"secrets": "whsec_AAAA"},
                      {"secrets": ",".join(SECRETS * 3)}):
            with self.assertRaises(Refused, msg=wrong) as refused:
                self.ask("webhook.put", name="good", **wrong)
            self.assertIn(refused.exception.code, ("bad_argument",))

    def test_bad(self):
        """Each way to fail is tried again, and seen; a call that fails keeps the others from nothing."""
        self.hook("calls")
        self.server.bad["c1"] = 500
        for number in range(3):
            for call in ("c1", "c2"):
                self.event(call, number)
        self.until(lambda: len(self.server.taken("calls")) == 3 and len(self.server.bodies("calls")) >= 5)
        self.assertEqual({row["call"] for row in self.server.taken("calls")}, {"c2"})
        self.assertEqual({row["data"]["n"] for row in self.server.bodies("calls") if row["data"]["call"] == "c1"}, {0}, "those behind it wait")
        self.server.bad["c1"] = 0
        self.until(lambda: len(self.server.taken("calls")) == 6)
        self.in_order("calls", ("c1", "c2"), 3)
        self.until(lambda: self.figures("calls")["delivered"] == 6 and self.figures("calls")["waiting"] == 0)
        self.assertIn("500", self.figures("calls")["error"])
        self.status("elsewhere", 302, "redirects are not followed", Location=self.server.url("calls"))
        self.status("dies", 0, "unreachable")
        self.gone()
        self.later()
        self.huge()
        self.tried()

    def status(self, path, status, error, **headers):
        self.server.bad[path], self.server.more[path] = status, headers
        self.hook(path)
        before = len(self.server.bodies("calls"))
        self.event("c5", 0, "extension.presence")
        self.until(lambda: error in self.figures(path)["error"] and self.figures(path)["retried"] >= 2, 20)
        self.assertEqual(self.figures(path)["status"], status)
        self.assertEqual(len(self.server.bodies("calls")), before + 1, "its own event alone")

    def gone(self):
        self.server.bad["gone"] = 410
        self.hook("gone")
        self.event("c6", 0)
        self.until(lambda: not self.ask("webhook.get", name="gone")["enabled"])
        self.assertIn("410", self.ask("webhook.get", name="gone")["reason"])
        self.event("c6", 1)
        self.server.bad["gone"] = 0
        time.sleep(0.5)
        count = len(self.server.bodies("gone"))
        self.ask("webhook.put", name="gone", enabled=True)
        self.until(lambda: self.figures("gone")["node"])
        self.event("c6", 2)
        self.until(lambda: [row["n"] for row in self.server.taken("gone")] == [2])
        self.assertEqual((count, self.ask("webhook.get", name="gone")["reason"]), (1, ""))

    def later(self):
        """Retry-After: nothing at all comes before."""
        self.server.bad["later"], self.server.more["later"] = 429, {"Retry-After": "3"}
        self.hook("later")
        self.event("c7", 0)
        self.until(lambda: self.server.bodies("later"))
        begun = time.monotonic()
        self.server.bad["later"] = 0
        self.event("c8", 0)
        self.until(lambda: len(self.server.taken("later")) == 2)
        self.assertGreater(time.monotonic() - begun, 2.5)

    def huge(self):
        """Of an answer without an end the status counts, and no more is read than some of it."""
        self.hook("huge")
        self.event("c9", 0)
        self.until(lambda: self.figures("huge")["delivered"] == 1)
        self.hook("hangs")
        self.event("c9", 1)
        self.until(lambda: self.figures("hangs")["retried"] == 1, 30)
        self.assertIn("timeout", self.figures("hangs")["error"])

    def tried(self):
        self.assertEqual({key: value for key, value in self.ask("webhook.test", name="calls").items() if key != "ms"},
                         {"ok": True, "status": 200, "error": ""})
        self.assertEqual(self.server.bodies("calls")[-1]["type"], "webhook.test")
        self.assertEqual(self.ask("webhook.test", name="elsewhere")["status"], 302)
        self.ask("tenant.put", None, name="default", web_networks="10.0.0.0/8")
        self.assertIn("address", self.ask("webhook.test", name="calls")["error"])
        count = len(self.server.bodies("calls"))
        self.event("c9", 2)
        self.until(lambda: "address" in self.figures("calls")["error"])
        self.assertEqual(len(self.server.bodies("calls")), count)

    def test_dead(self):
        """What was tried for too long is a dead letter, and replayed by command: one, all, or all since a time."""
        self.hook("dead", retry_s=2)
        self.server.bad["c1"] = 500
        ids = [self.event("c1", number) for number in range(3)]
        self.until(lambda: len(self.ask("webhook.dead", name="dead")) == 3, 30)
        rows = self.ask("webhook.dead", name="dead")
        self.assertEqual(sorted(row["id"] for row in rows), ids)
        self.assertEqual((rows[-1]["event"]["n"], rows[-1]["status"]), (0, 500))
        self.until(lambda: self.figures("dead")["dead"] == 3 and self.figures("dead")["dead_letters"] == 3)
        self.server.bad["c1"] = 0
        self.assertEqual(self.ask("webhook.replay", name="dead", id=ids[1]), {"replayed": 1})
        self.until(lambda: [row["n"] for row in self.server.taken("dead")] == [1])
        self.assertEqual(self.ask("webhook.replay", name="dead"), {"replayed": 2})
        self.until(lambda: sorted(row["n"] for row in self.server.taken("dead")) == [0, 1, 2])
        self.assertEqual(self.ask("webhook.dead", name="dead"), [])
        self.assertEqual(self.ask("webhook.replay", name="dead", id="1-1"), {"replayed": 0})
        self.assertEqual(self.ask("webhook.replay", name="dead", id=ids[0]), {"replayed": 1})
        self.until(lambda: len(self.server.taken("dead")) == 4)
        self.assertEqual(self.ask("webhook.replay", name="dead", since_utc_ms=int(ids[0].split("-")[0])), {"replayed": -1})
        self.until(lambda: [row["n"] for row in self.server.taken("dead")][4:] == [0, 1, 2])
        with self.assertRaises(Refused):
            self.ask("webhook.replay", name="nobody")


class Killed(Hooks):
    def test_over_kills(self):
        """Events come all the time; the node that posts them is killed, its process alone is, and Redis is: none is missing."""
        self.hook("kills")
        calls, count = [f"call{i}" for i in range(8)], 40
        stop = threading.Event()

        def write():
            for number in range(count):
                for call in calls:
                    while True:
                        try:
                            self.event(call, number)
                            break
                        except (OSError, RedisError):
                            time.sleep(0.05)
                time.sleep(0.1)
            stop.set()

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        time.sleep(1)
        node = self.owner("kills")
        node.kill()
        self.until(lambda: self.figures("kills")["node"] not in ("", {self.a: "a", self.b: "b"}[node]), 20)
        node.restart()
        owner = self.owner("kills")
        child = subprocess.run(["pgrep", "-f", "-P", str(owner.process.pid), "tandem-helper webhooks"], capture_output=True, text=True).stdout.split()
        subprocess.run(["kill", "-9", *child], check=True)
        time.sleep(0.5)
        self.redis_stop(signal.SIGKILL)
        time.sleep(1.5)
        self.redis_start()
        writer.join(60 * slowness())
        self.until(lambda: {(row["call"], row["n"]) for row in self.server.taken("kills")} ==
                   {(call, number) for call in calls for number in range(count)}, 60)
        self.in_order("kills", calls, count)
        again = len(self.server.taken("kills")) - len(calls) * count
        self.assertLess(again, 3 * 64 * slowness(), "what was under way may come twice, and no more")

    def test_tenants(self):
        """Two tenants with webhooks of one name: each has its own events alone."""
        for tenant in ("maroon", "indigo"):
            self.ask("tenant.put", None, name=tenant, web_networks="127.0.0.0/8")
            self.addCleanup(self.ask, "tenant.delete", None, name=tenant)
            self.ask("webhook.put", tenant, name="same", url=self.server.url(tenant))
            self.addCleanup(self.ask, "webhook.delete", tenant, name="same")
            self.until(lambda tenant=tenant: self.figures("same", tenant)["node"])
        for tenant in ("maroon", "indigo"):
            self.event(tenant, 0, stream=f"td:{{ev:{tenant}}}")
        self.until(lambda: self.server.taken("maroon") and self.server.taken("indigo"))
        for tenant in ("maroon", "indigo"):
            self.assertEqual([(body["tenant"], body["data"]["call"]) for body in self.server.bodies(tenant)], [(tenant, tenant)])
        with self.assertRaises(Refused):
            self.ask("webhook.get", name="same")

    def test_guide(self):
        """docs/guides/webhooks.md, as it stands."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        text = guide("webhooks.md", **{"8800": port})
        program, = re.findall(r"```python\n(.*?)```", text, re.S)
        lines = "".join(re.findall(r"<!-- run -->\n```sh\n(.*?)```", text, re.S))
        with subprocess.Popen(["/usr/bin/python3", "-c", program], stdout=subprocess.PIPE, text=True) as receiver:
            self.addCleanup(receiver.kill)
            self.until(lambda: not socket.socket().connect_ex(("127.0.0.1", int(port))))
            done = subprocess.run(["sh", "-ec", lines.replace("./tandem ctl", f"{self.a.program('tandemctl')} --config {self.a.config}")],
                                  capture_output=True, text=True, timeout=60, env=self.a.environment, check=False)
            self.addCleanup(self.ask, "webhook.delete", name="crm")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(receiver.stdout.readline().strip(), "webhook.test")
            self.event("c1", 0, "registration.new")
            self.event("c1", 1, "call.new")
            self.assertEqual(receiver.stdout.readline().strip(), "call.new c1")
            receiver.kill()

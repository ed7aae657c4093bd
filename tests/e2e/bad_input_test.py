# SPDX-License-Identifier: Apache-2.0
"""Garbage from the wire, full tables, wrong settings and commands: clear errors, nothing else touched."""
import glob
import json
import os
import random
import re
import secrets
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from lib import place
from lib.node import Node, build_folder
from lib.stream import StreamAgent
from lib.websocket import WebSocketAgent
from ports import Ports
from server import ServerError

from application_test import ApplicationTest
from call_test import CallTest
from patience import PATIENCE_S, until

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data")


class Wire(CallTest):
    def test_garbage_during_a_call(self):
        """A call under way hears nothing of 20,000 broken messages; the node answers afterwards."""
        out, into, _ = self.connect()
        self.audio_a.start(440)
        source = random.Random(1)
        whole = self.a.request("INVITE", "sip:1002@127.0.0.1", body=self.audio_a.sdp()).bytes()
        junk = self.node.user_agent()
        self.addCleanup(junk.close)
        for i in range(20000):
            data = bytearray(whole)
            for _ in range(source.randrange(1, 30)):
                data[source.randrange(len(data))] = source.randrange(256)
            junk.send(bytes(data[:source.randrange(1, len(data) + 1)]))
            if i % 200 == 0:
                time.sleep(0.002)
        self.audio_b.wait_packets(50)
        self.audio_a.stop()
        self.assertEqual(self.audio_b.heard()[0], 440)
        self.assertEqual(self.audio_b.lost(), 0)
        self.assertEqual(self.a.options().status, 200)
        out.bye()
        into.wait_bye()
        self.assertGreater(self.node.metric("tandem_sip_dropped_total")
                           + self.node.metric("tandem_sip_refused_total"), 1000)

    def test_torture_messages(self):
        """RFC 4475 on the wire: the node lives, and answers as the RFC asks where it asks."""
        files = sorted(glob.glob(os.path.join(DATA, "rfc4475", "*.dat")))
        self.assertGreater(len(files), 45)
        for name in files:
            with open(name, "rb") as file:
                self.a.send(file.read())
        self.assertEqual(self.a.options().status, 200)
        self.assertEqual(self.calls(), [])

    def broken(self, change, method="INVITE"):
        request = self.a.request(method, "sip:1002@127.0.0.1", body=self.audio_a.sdp() if method == "INVITE" else b"")
        change(request)
        return self.a.transact(request, 5)

    def test_statuses_of_malformed_requests(self):
        def without(name):
            return lambda r: r.headers.remove(next(pair for pair in r.headers if pair[0] == name))

        rows = [
            ("no Call-ID", 400, without("Call-ID")),
            ("no From", 400, without("From")),
            ("no To", 400, without("To")),
            ("CSeq of another method", 400, lambda r: r.set("CSeq", "1 OPTIONS")),
            ("CSeq out of range", 400, lambda r: r.set("CSeq", "4294967296 INVITE")),
            ("unknown extension required", 420, lambda r: r.headers.append(("Require", "teleport"))),
            ("Max-Forwards used up", 483, lambda r: r.set("Max-Forwards", "0")),
        ]
        for name, status, change in rows:
            with self.subTest(name):
                request = self.a.request("INVITE", "sip:1002@127.0.0.1", body=self.audio_a.sdp())
                change(request)
                self.a.send(request)
                response = self.a.take(lambda m: m.status >= 200 and m.branch == request.branch, 3, name)
                self.assertEqual(response.status, status)
                if status == 420:
                    self.assertEqual(response.get("Unsupported"), "teleport")

    def test_unknown_scheme(self):
        """RFC 3261 8.2.2.1, after authentication (8.2)."""
        request = self.a.request("INVITE", "gopher:1002", to="<sip:1002@127.0.0.1>", body=self.audio_a.sdp())
        self.assertEqual(self.a.transact_authorized(request)[1].status, 416)

    def test_unknown_method_and_unknown_dialog(self):
        self.assertEqual(self.broken(lambda r: None, "FROB").status, 501)
        response = self.broken(lambda r: r.set("To", "<sip:1002@127.0.0.1>;tag=gone"), "BYE")
        self.assertEqual(response.status, 481)

    def test_unusable_sdp(self):
        rows = [("no SDP at all", "hello", (400, 488)), ("no line we carry",
                self.audio_a.sdp().replace("m=audio", "m=application").replace("RTP/AVP", "UDP/FOO"), (488,))]
        for name, body, statuses in rows:
            with self.subTest(name):
                request = self.a.request("INVITE", "sip:1002@127.0.0.1", body=body)
                _, response = self.a.transact_authorized(request)
                self.assertIn(response.status, statuses)
        self.assertEqual(self.calls(), [])


class Full(CallTest):
    settings = {"limits": {"calls": 2}}

    def test_a_full_call_table_is_503(self):
        held = [self.a.invite("1002", self.audio_a.sdp()) for _ in range(2)]
        into = [self.b.incoming() for _ in held]
        third = self.a.invite("1002", self.audio_a.sdp()).wait_final()
        self.assertEqual(third.status, 503)
        self.assertTrue(third.get("Retry-After"))
        for call in into:
            call.reject(486)
        for call in held:
            self.assertEqual(call.wait_final().status, 486)
        self.ended()
        again = self.a.invite("1002", self.audio_a.sdp())
        self.b.incoming().reject(486)
        self.assertEqual(again.wait_final().status, 486, "room again")


class Settings(unittest.TestCase):
    def check(self, text):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        path = os.path.join(folder, "tandem.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run([os.path.join(build_folder(), "app", "tandemd"), "--check-config", path],
                              capture_output=True, text=True, timeout=20)
        return done.returncode, done.stdout + done.stderr

    def test_all_errors_at_once_with_their_places(self):
        status, text = self.check("node:\n  name: n1\n  shard: 70000\n  state_dir: /tmp/x\n"
                                  "networks:\n  - name: main\n    bind: 127.0.0.1\n    sip_ports: [5060]\n"
                                  "    media_ports: 30000-20000\nsipp:\n  realm: x\nmedia:\n  latch: maybe\n")
        self.assertEqual(status, 2)
        for place in ("tandem.yaml:3:", "tandem.yaml:9:", "tandem.yaml:10:", "tandem.yaml:13:"):
            self.assertIn(place, text)

    def machine(self, text="", **network):
        """--check-config of a file that a node could start with, but for what is said here."""
        if not hasattr(self, "ports"):
            self.ports = self.enterContext(Ports(100))
            self.folder = self.enterContext(tempfile.TemporaryDirectory())
        network = {"name": "main", "bind": "127.0.0.1", "sip_ports": [self.ports.take()], **network}
        return self.check(f"node: {{name: n1, shard: 1, state_dir: {self.folder}}}\n"
                          f"networks:\n  - {json.dumps(network)}\n{text}")

    def test_what_the_machine_lacks(self):
        """Keys, certificates, addresses and ports, each at its place; nothing is touched."""
        web = "http: {port: 0}\n"
        status, said = self.machine(web)
        self.assertEqual(status, 2)
        self.assertRegex(said, r"tandem.yaml:1:\d+: .*/keys is missing: tandemctl init --config \S*tandem.yaml makes it")
        with open(os.path.join(self.folder, "keys"), "w", encoding="ascii") as file:
            file.write("cluster 1 " + "A" * 43 + "=\n")
        self.assertEqual(self.machine(web)[0], 0)
        self.assertEqual(sorted(os.listdir(self.folder)), ["keys"])
        status, said = self.machine(web, bind="192.0.2.99")
        self.assertRegex(said, r"tandem.yaml:3:.* 192.0.2.99 is no address of this machine")
        cluster = "redis: {url: redis://127.0.0.1}\ncluster: {listen: 192.0.2.98:7946}\n"
        self.assertRegex(self.machine(web + cluster)[1], r"tandem.yaml:6:19: cluster.listen: 192.0.2.98 is no address of this machine")
        certificate = os.path.join(self.folder, "x.pem")
        tls = f"tls: {{certificate: {certificate}, key: {certificate}}}\n"
        status, said = self.machine(web + tls, sip_tls_ports=[self.ports.take()])
        self.assertEqual(status, 2)
        self.assertRegex(said, r"tandem.yaml:5:.*x.pem")
        recordings = f"recordings:\n  tenant_certificates: [{{tenant: a, file: {self.folder}/keys}}]\n"
        self.assertRegex(self.machine(web + recordings)[1], r"tandem.yaml:6:\d+: .*/keys: it has no certificate in PEM")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            for sock in (udp, tcp):
                sock.bind(("127.0.0.1", 0))
            tcp.listen()
            ports = [sock.getsockname()[1] for sock in (udp, tcp)]
            status, said = self.machine(f"http: {{port: {ports[1]}}}\n", sip_ports=[ports[0]], sip_tcp_ports=[])
        self.assertEqual(status, 2)
        self.assertIn(f"UDP port 127.0.0.1:{ports[0]} is used by another program", said)
        self.assertRegex(said, rf"tandem.yaml:4:.* TCP port 127.0.0.1:{ports[1]} is used by another program")

    def test_what_it_warns_of(self):
        """What a node starts with, and cannot do, or had better not: each at its place, and status 0."""
        trusted = ('sip:\n  trusted: ["198.51.100.0/24", "127.0.0.1", {prefix: 198.51.100.9, port: 5060},'
                   ' {prefix: 10.0.0.0/8, transports: [tls]}]\n')
        self.machine()
        with open(os.path.join(self.folder, "keys"), "w", encoding="ascii") as file:
            file.write("cluster 1 " + "A" * 43 + "=\n")
        text = f"http: {{port: 0}}\nrecordings: {{folder: {self.folder}/keys/here}}\n" + trusted
        status, said = self.machine(text)
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r"tandem.yaml:5:\d+: warning: recordings.folder: .*/keys/here cannot be written \(Not a directory\)")
        self.assertRegex(said, r"tandem.yaml:7:\d+: warning: sip.trusted: anybody who forges an address of 198.51.100.0/24 .* transports: \[tcp, tls\]")
        self.assertRegex(said, r"tandem.yaml:\d+:\d+: warning: media.sounds: the prompts of the node are missing")
        self.assertEqual(said.count("warning"), 3, said)
        os.makedirs(os.path.join(self.folder, "sounds", ".prompts"))
        status, said = self.machine(f"http: {{port: 0}}\nrecordings: {{free_mib: 1073741824}}\nmedia: {{sounds: {self.folder}/sounds}}\n")
        self.assertRegex(said, r"tandem.yaml:5:\d+: warning: recordings.free_mib: less than 1073741824 MiB is left")
        self.assertEqual((status, said.count("warning")), (0, 1), said)

    def test_the_file_of_a_running_node(self):
        with Node() as node:
            done = subprocess.run([node.program("tandemd"), "--check-config", node.config], capture_output=True, text=True,
                                  timeout=20, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("its ports were not looked at", done.stderr)

    def test_not_yaml(self):
        status, text = self.check("node: {name: [}\n")
        self.assertEqual(status, 2)
        self.assertIn("tandem.yaml:1:", text)


class Refusals(CallTest):
    """Whoever asks why somebody was refused is told: by number, by call, also after a kill, and who misused the node."""
    node_options = {"everything": True}

    def why(self, **given):
        return [(row["by"], row["method"], row["status"], row["reason"]) for row in self.node.ctl("call.why", **given)]

    def recent(self, status):
        return [row.get("reason") for row in self.node.ctl("sip.recent", limit=500)
                if row["sent"] and row["message"].startswith(f"SIP/2.0 {status} ")]

    def refused(self, number):
        response = self.a.invite(number, self.audio_a.sdp()).wait_final()
        return response.status

    def test_registrations(self):
        """A phone that shows its password was not refused; one that shows another was."""
        self.assertEqual(self.why(), [])
        with self.node.user_agent("1001", "wrong") as stranger:
            self.assertEqual(stranger.register().status, 401)
        self.assertIn(("node", "REGISTER", 401, "wrong_credentials"), self.why(number="1001"))
        self.assertEqual(self.why(number="1002"), [])
        self.assertEqual(set(self.recent(401)), {"challenged", "wrong_credentials"})
        row = self.node.ctl("call.why", number="1001")[0]
        self.assertEqual(row["sentence"], "The password is wrong, or the user is unknown.")
        self.assertIn("extension.put", row["next"])
        until(lambda: self.node.ctl("security.list", number="1001", type="wrong_password"))
        noted = self.node.ctl("security.list", number="1001", type="wrong_password")
        self.assertEqual({(row["user"], row["detail"], row["node"]) for row in noted}, {("1001", "REGISTER", noted[0]["node"])})
        self.assertEqual(self.node.ctl("security.list", source=noted[0]["source"].rpartition(":")[0])[-1]["type"], "wrong_password")
        self.assertEqual(self.node.ctl("security.list", source="203.0.113.1"), [])
        self.assertEqual(self.node.ctl("security.list", type="flood"), [])
        self.assertEqual(self.node.ctl("security.list", since="1h", until="2099-12-31"), self.node.ctl("security.list"))
        self.assertEqual(self.node.ctl("security.list", until="1h"), [])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for name in ("From: <sip:@>;tag=", "From: \xff@<sip:1001", "From: sip:sip:", "X: "):
                sock.sendto((f"REGISTER sip:{place.NODE} SIP/2.0\r\nVia: SIP/2.0/UDP {place.NODE};rport;branch=z9hG4bK{len(name)}\r\n"
                             f"{name}{'y' * 900}\r\nTo: <sip:1001@{place.NODE}>\r\nCall-ID: {'i' * 900}{name}\r\nCSeq: 1 REGISTER\r\n\r\n")
                            .encode("latin-1"), self.node.server)
        until(lambda: any(row["status"] == 400 for row in self.node.ctl("call.why", limit=500)))
        for row in self.node.ctl("call.why", limit=500):
            self.assertLessEqual(max(len(row["from"]), len(row["to"]), len(row["sip_call_id"])), 255)

    def test_cancelled(self):
        """487 is what a phone says of a call that the node has cancelled."""
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        into.ring()
        out.wait_provisional(180)
        out.cancel()
        into.wait_cancel()
        until(lambda: [row["sentence"] for row in self.node.ctl("call.why", number="1002") if (row["by"], row["status"]) == ("other", 487)]
              == ["The request was cancelled: that is no refusal."])

    def test_calls(self):
        self.assertEqual(self.refused("1999"), 404)
        self.node.ctl("dialplan.put", country="49", national_prefix="0", international_prefix="00", premium="+49900x.|+49137x.")
        self.assertEqual(self.refused("0900123456"), 403)
        self.node.put_extension("1003", "secret1003")
        self.assertEqual(self.refused("1003"), 480)
        out = self.a.invite("1002", self.audio_a.sdp())
        self.b.incoming().reject(486)
        self.assertEqual(out.wait_final().status, 486)
        self.assertEqual(self.why(number="1001"), [
            ("node", "INVITE", 486, "refused by the callee"), ("other", "INVITE", 486, "other_party"),
            ("node", "INVITE", 480, "not_registered"), ("node", "INVITE", 403, "barred"), ("node", "INVITE", 404, "not_found")])
        for status, reason in ((403, "barred"), (404, "not_found"), (480, "not_registered")):
            self.assertEqual(self.recent(status), [reason])
        check = self.node.ctl("dialplan.check", **{"from": "1001", "number": "0900123456"})
        self.assertEqual([check[name] for name in ("meaning", "status", "rule", "class", "pattern")],
                         ["barred", 403, "extension.classes", "premium", "+49900x."])
        self.assertIn("class premium are barred", check["why"])
        until(lambda: [row["user"] for row in self.node.ctl("security.list", type="barred")] == ["1001"])
        calls = {row["to"]: row["id"] for row in self.node.cdrs(4)}
        self.node.kill()
        self.node.restart()
        [row] = self.node.ctl("call.why", call=calls["0900123456"])
        self.assertEqual((row["status"], row["to"]), (403, "0900123456"))
        self.assertIn("of the class premium", row["sentence"])
        self.assertEqual(self.why(call=calls["1002"]), [("b", "INVITE", 486, "refused by the callee")])

    def test_over_each_connection(self):
        """By TCP, TLS and WebSocket each refusal has the same reason, beside its message and in words."""
        authority = os.path.join(self.node.folder, "tls", "ca.pem")
        for number, transport, make, port, options in (
                ("2001", "TCP", StreamAgent, self.node.sip_port, {"address": "127.0.0.21"}),
                ("2002", "TLS", StreamAgent, self.node.tls_port, {"authority": authority, "address": "127.0.0.22"}),
                ("2003", "WS", WebSocketAgent, self.node.http_port, {"source": "127.0.0.23"})):
            with self.subTest(transport):
                self.node.put_extension(number, "secret" + number, webrtc="never")
                with make((place.NODE, port), number, "wrong", **options) as stranger:
                    self.assertEqual(stranger.register().status, 401)
                    source = f"{stranger.address}:{stranger.port}"
                noted = until(lambda: self.node.ctl("security.list", number=number, type="wrong_password"))
                self.assertEqual({row["source"] for row in noted}, {source})
                with make((place.NODE, port), number, "secret" + number, **options) as phone:
                    self.assertEqual(phone.register().status, 200)
                    self.assertEqual(phone.invite("1999", self.audio_a.sdp()).wait_final().status, 404)
                    self.node.ctl("dialplan.put", country="49", national_prefix="0", international_prefix="00", premium="+49900x.")
                    self.assertEqual(phone.invite("0900123456", self.audio_a.sdp()).wait_final().status, 403)
                    self.node.ctl("dialplan.delete")
                self.assertEqual(self.why(number=number), [("node", "INVITE", 403, "barred"), ("node", "INVITE", 404, "not_found"),
                                                           ("node", "REGISTER", 401, "wrong_credentials")])
                refused = {(row["transport"], row["message"].split(" ")[1], row["reason"])
                           for row in self.node.ctl("sip.recent", number=number, limit=500) if row.get("reason")}
                self.assertEqual(refused - {(transport, "401", "challenged"), (transport, "407", "challenged")}, {
                    (transport, "403", "barred"), (transport, "404", "not_found"), (transport, "401", "wrong_credentials")})
                call = until(lambda: [row["id"] for row in self.node.ctl("cdr.list", number=number) if row["to"] == "1999"])[0]
                self.assertEqual(self.why(call=call)[0][2:], (404, "not_found"))

    def test_what_a_number_means(self):
        """Each setting that says no has its name, with what the phone hears."""
        def says(number, **of):
            check = self.node.ctl("dialplan.check", **{"from": "1001", "number": number})
            return check["meaning"], check["status"], check["rule"]
        self.assertEqual(says("1002"), ("extension", 0, ""))
        self.assertEqual(says("0900123456"), ("barred", 404, "extension.classes"), "without plan and route nothing is outside")
        self.node.ctl("dialplan.put", country="49", national_prefix="0", international_prefix="00", premium="+49900x.",
                      mobile="+491[5-7]x.", blocked="+49171x.", access="0", dialling="overlap", numbers="1xxx|00x.")
        self.assertEqual(says("00900123456"), ("barred", 403, "extension.classes"))
        self.assertEqual(says("00171123456"), ("barred", 403, "dialplan.blocked"))
        self.assertEqual(says("00160123456"), ("outside", 404, "route"))
        self.assertEqual(says("10"), ("more", 484, "dialplan.numbers"))
        self.assertEqual(says("77"), ("unknown", 404, ""))
        self.node.ctl("trunk.put", name="t", servers="127.0.0.1:9", direction="out")
        self.node.ctl("route.put", name="out", pattern="+x.", trunks="t")
        self.assertEqual(says("00160123456"), ("outside", 0, ""))
        self.node.ctl("tenant.put", name="default", classes="local")
        self.assertEqual(says("00160123456"), ("barred", 403, "tenant.classes"))
        self.assertEqual(self.refused("00160123456"), 403)
        self.node.ctl("extension.put", number="1001", enabled="false")
        self.assertEqual(says("00160123456")[1:], (403, "extension.enabled"))


class Health(ApplicationTest):
    """/healthz names what an operator has to mend, in the words of who refuses, until it is mended."""

    def health(self):
        status, text = self.node.http("/healthz")
        return status, json.loads(text)

    def wait_health(self, status, reason, detail=""):
        def is_so():
            now, said = self.health()
            return now == status and set(said["reasons"]) - {"emergency_calls_fail"} == {reason} - {""} and re.search(detail, said.get("details", {}).get(reason, ""))
        until(is_so, lambda: f"{reason}: {self.health()}")

    def reload(self):
        self.node.process.send_signal(signal.SIGHUP)

    def test_each_reason(self):
        folder = os.path.join(self.node.folder, "recordings")
        os.rename(folder, folder + ".away")
        with open(folder, "w", encoding="ascii"):
            self.reload()
        self.wait_health(503, "recordings_folder_not_writable", "recordings: Not a directory")
        os.remove(folder)
        os.rename(folder + ".away", folder)
        self.reload()
        self.wait_health(200, "")
        with open(self.node.config, "a+", encoding="utf-8") as file:
            end = file.tell()
            file.write("colour: red\n")
            file.flush()
            self.reload()
            self.wait_health(503, "reload_refused", r"tandem.yaml:\d+:1: .*colour")
            file.truncate(end)
        checked = subprocess.run([self.node.program("tandemd"), "--check-config", self.node.config], capture_output=True,
                                 text=True, timeout=20, check=False)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertRegex(checked.stderr, r"tandem.yaml:\d+:\d+: warning: the node that runs says reload_refused: .*colour")
        self.reload()
        self.wait_health(200, "")
        out, call = self.answered()
        self.node.ctl("call.play", call=call, file="prompt:please-wait")
        self.wait_health(200, "prompts_missing", "prompt:please-wait: ")
        self.assertIn('next="put it into media.sounds, and reload"', self.node.log_text())
        self.reload()
        self.wait_health(200, "")
        out.bye()

    def test_state_dir(self):
        """Tried again until it can be written, and said once."""
        documents = os.path.join(self.node.folder, "documents")
        until(lambda: os.path.exists(documents))
        os.remove(documents)
        os.mkdir(documents)
        self.node.put_extension("1003", "secret1003")
        self.wait_health(503, "state_dir_not_writable", "/documents: Is a directory")
        time.sleep(3)
        [line] = [line for line in self.node.log_text().splitlines() if "snapshot of the documents cannot be written" in line]
        self.assertIn("look at the disk of node.state_dir", line)
        os.rmdir(documents)
        self.wait_health(200, "")
        self.assertGreater(os.path.getsize(documents), 0)

    def test_redis_takes_no_writes(self):
        """Its words are told, and the log is not filled with them; calls go on."""
        with self.node.redis() as redis:
            redis("CONFIG", "SET", "maxmemory", "1")
            def refuses():
                said = self.health()[1]
                return "OOM command not allowed" in said.get("details", {}).get("redis_refuses_writes", "")
            until(refuses, self.health)
            out, into, _ = self.connect()
            time.sleep(3)
            lines = [line for line in self.node.log_text().splitlines() if 'msg="refused by Redis"' in line]
            self.assertTrue(0 < len(lines) <= 40, len(lines))
            self.assertIn("look at the disk, the memory and the log of Redis", lines[-1])
            with self.assertRaisesRegex(ServerError, "Redis refuses it: OOM command not allowed"):
                self.node.tandemctl("dialplan.put", country="49")
            redis("CONFIG", "SET", "maxmemory", "0")
            self.wait_health(200, "")
        out.bye()
        into.wait_bye()


class RedisContent(CallTest):
    """What somebody wrote into Redis by mistake: set aside, said, and the node starts."""

    def test_wrong_types_and_sizes(self):
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        self.node.kill()
        wrong = ("td:{s1}:cdr", "td:{s1}:ended", "td:aors", "td:{t:default}:gen", "td:{t:default}:ver:extension",
                 "td:{ev:default}", "td:{cmd:_operator}:in", "td:{t:default}:doc:profile")
        with self.node.redis() as redis:
            redis("HSET", "td:{s1}:lease", "counter", "many", "until", "never")
            for key in wrong:
                redis("DEL", key)
                redis("SET", key, "nonsense")
            redis("EVAL", "redis.call('HSET', KEYS[1], 'big', string.rep('x', 20000000))", "1",
                  "td:{t:default}:doc:extension")
            redis("HSET", "td:{s1}:rec", "0000000000001", "not a record")
        self.node.restart()
        self.assertEqual([row["id"] for row in self.calls()], [call])
        status, text = self.node.http("/healthz")
        self.assertEqual(status, 200, text)
        self.assertIn("calls_set_aside", text)
        log = self.node.log_text()
        with self.node.redis() as redis:
            for key in wrong:
                self.assertIn(f"key={key}", log)
                self.assertEqual(redis("GET", f"td:broken:{key}"), "nonsense")
            self.assertEqual(redis("HSTRLEN", "td:broken:td:{t:default}:doc:extension", "big"), 20000000)
        self.assertIn("larger than any record", log)
        out.bye()
        into.wait_bye()
        self.assertEqual(self.ended()["id"], call, "the stream of CDRs works again")

    def test_a_wrong_type_under_a_running_node(self):
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        with self.node.redis() as redis:
            redis("DEL", "td:{s1}:rec")
            redis("SET", "td:{s1}:rec", "nonsense")
            end = time.monotonic() + PATIENCE_S
            self.a.invite("1002", self.audio_a.sdp())
            while time.monotonic() < end and redis("TYPE", "td:{s1}:rec") != "hash":
                time.sleep(0.05)
            self.assertIn(call, redis("HKEYS", "td:{s1}:rec"))
        self.assertIn("a key of the wrong type is set aside", self.node.log_text())


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Node()

    @classmethod
    def tearDownClass(cls):
        cls.node.close()

    def refused(self, command, *words, **arguments):
        with self.assertRaises(ServerError) as caught:
            self.node.tandemctl(command, **arguments)
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_every_mistake_is_named(self):
        self.refused("extension.putt", "extension.putt")
        self.refused("extension.put", "password", number="1001")
        self.refused("extension.put", "number", secret="x\n", number="", password="-")
        self.refused("extension.put", "colour", secret="x\n", number="1001", password="-", colour="red")
        self.refused("call.show", "call", call="nonsense")
        self.refused("call.hangup", "call", call="0000000000001")
        self.refused("log.level", "level", level="loud")
        self.refused("toll.show", "no node nowhere runs: cluster.status lists those that do", node="nowhere")
        document = "kind: group\nname: sales\nmember: '1001'\n"
        for words, said in ((("gruop.put",), "there is no command 'gruop.put'; did you mean 'group.put'?"),
                            (("group.show",), "there is no command 'group.show'; see tandemctl help group"),
                            (("help", "flowss"), "there is no command 'flowss'; did you mean 'flow'?"),
                            (("group.put", "member=1001"), "group.put has no argument 'member'; did you mean 'members'?"),
                            (("group.get", "sales"), "'sales' is no key=value; see tandemctl help group.get"),
                            (("call.list", "-o", "yaml"), "behind it are -o wide|json|csv, --json and --yes"),
                            (("flow", "chek", "-"), "not one of check, print, graph, try and schema; did you mean 'check'?"),
                            (("flow", "check"), "flow check: which file? FILE, or - for standard input"),
                            (("flow", "check", "/nowhere"), "/nowhere: No such file or directory"),
                            (("flow", "try", "-", "--caller_nam=Ann"), "flow try: a call has no fact 'caller_nam'; did you mean 'caller_name'?"),
                            (("flow", "try", "-", "hour.office=open"), "flow try: a call has no fact 'hour.office'"),
                            (("flow.put", "name=main", f"program={__file__}"), f"is a file: write program=@{__file__}"),
                            (("listen", "--from", f"http://127.0.0.1:{self.node.http_port}"), "TANDEM_TOKEN has no token; token.create makes one"),
                            (("get", "extnsion"), "there is no kind 'extnsion' of documents; did you mean 'extension'?"),
                            (("explain", "group.member"), "documents of the kind group have no field 'member'; did you mean 'members'?"),
                            (("backup", "/tmp/x", "--recording"), "'--recording' is not understood: backup FILE [--recordings]"),
                            (("apply", "-f", "-"), "3:1: documents of the kind group have no field 'member'; did you mean 'members'?")):
            with self.subTest(words=words):
                self.assertIn(said, self.ctl(*words, text=document).stderr)
        for verb in ("restore", "rollback", "trigger"):
            self.assertIn(f" {verb} ", self.ctl("help", verb).stdout)

    def ctl(self, *words, text=""):
        return subprocess.run([self.node.program("tandemctl"), "--config", self.node.config, *words], input=text,
                              capture_output=True, text=True, check=False)

    def test_broken_entries_in_the_command_stream(self):
        """Each is answered or set aside, and the next one works."""
        with self.node.redis() as redis:
            for fields in (("v", "1"), ("v", "1", "id", "x", "do", "node.status", "args", "{"),
                           ("v", "99", "id", "y", "do", "node.status", "args", "{}"),
                           ("v", "1", "id", "z" * 5000, "do", "\xff\xfe", "args", "[]"), ("nothing", "at all")):
                redis("XADD", "td:{cmd:_operator}:in", "*", *fields, "client", "test")
            ident = secrets.token_hex(16)
            redis("XADD", "td:{cmd:_operator}:in", "*", "v", "1", "id", ident, "do", "node.status", "args", "{}",
                  "client", "test")
            end = time.monotonic() + PATIENCE_S
            while time.monotonic() < end:
                rows = redis("XRANGE", "td:{cmd:_operator}:out:test", "-", "+")
                if any(ident in fields for _, fields in rows):
                    break
                time.sleep(0.05)
            else:
                self.fail(f"no answer: {rows}")
        self.assertTrue(self.node.running())

    def test_a_retried_command_has_one_effect(self):
        with self.node.redis() as redis:
            ident = secrets.token_hex(16)
            args = json.dumps({"number": "1077", "password": "secret"})
            for _ in range(2):
                redis("XADD", "td:{cmd:_operator}:in", "*", "v", "1", "id", ident, "do", "extension.put",
                      "args", args, "client", "twice")
            end = time.monotonic() + PATIENCE_S
            rows = []
            while len(rows) < 2 and time.monotonic() < end:
                rows = redis("XRANGE", "td:{cmd:_operator}:out:twice", "-", "+")
                time.sleep(0.05)
        self.assertEqual(len(rows), 2, "both are answered")
        answers = [{k: v for k, v in zip(f[::2], f[1::2])} for _, f in rows]
        self.assertEqual(answers[0], answers[1])


class Reload(CallTest):
    def test_a_wrong_file_changes_nothing_and_a_right_one_drops_nothing(self):
        import signal
        out, into, _ = self.connect()
        with open(self.node.config, encoding="utf-8") as file:
            good = file.read()
        with open(self.node.config, "w", encoding="utf-8") as file:
            file.write(good.replace('"log"', '"blog"') + "\nnonsense: [")
        self.node.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + PATIENCE_S
        while "tandem.yaml:" not in self.node.log_text() and time.monotonic() < end:
            time.sleep(0.05)
        self.assertIn("tandem.yaml:", self.node.log_text())
        self.node.configure({"sip": {"registration_expires": "120s"}})
        self.node.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        agent = self.node.user_agent("1001", "secret1001")
        self.addCleanup(agent.close)
        request = agent.request("REGISTER", "sip:127.0.0.1", to=f"<{agent.aor}>")
        _, response = agent.transact_authorized(request)
        self.assertIn("expires=120", " ".join(response.all("Contact")))
        self.assertEqual(len(self.calls()), 1)
        out.bye()
        into.wait_bye()


class Probes(unittest.TestCase):
    def test_health_and_metrics(self):
        with Node() as node:
            self.assertEqual(node.http("/healthz")[0], 200)
            self.assertEqual(node.http("/readyz")[0], 200)
            status, text = node.http("/metrics")
            self.assertEqual(status, 200)
            for name in ("tandem_calls", "tandem_sip_requests_total", "tandem_media_dropped_packets_total"):
                self.assertIn(f"# TYPE {name}", text)
            self.assertEqual(node.http("/no-such-page")[0], 404)


if __name__ == "__main__":
    unittest.main()

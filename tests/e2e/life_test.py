# SPDX-License-Identifier: Apache-2.0
"""A node's coming and going as operators see it: ready or not, drained, stopped under calls."""
import contextlib
import json
import os
import resource
import signal
import socket
import stat
import subprocess
import time
import unittest

from lib import promlint
from lib.node import Node

from call_test import CallTest
from blf_test import Lamp
from patience import PATIENCE_S, slowness
from server import ServerError


def until(condition, seconds=PATIENCE_S):
    """Waits for it; what it was at last."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return value


class Ready(CallTest):
    """/readyz says when no call can be taken, and why."""
    settings, node_options = {"limits": {"calls": 1}, "quotas": {"share": 100}}, {"calls": 1}

    def reasons(self):
        status, text = self.node.http("/readyz")
        return status, [reason for reason in json.loads(text)["reasons"] if reason != "emergency_calls_fail"]    # there is no trunk

    def test_what_a_call_needs(self):
        self.assertEqual(self.reasons(), (200, []))
        out, into, _ = self.connect()
        want = 503, ["limits_calls_reached", "no_media_ports_left"]
        self.assertTrue(until(lambda: self.reasons() == want), self.reasons())
        self.assertEqual(self.node.http("/healthz")[0], 200, "a full node is well")
        out.bye()
        into.wait_bye()
        self.assertTrue(until(lambda: self.reasons() == (200, [])), self.reasons())
        pid = self.node.process.pid
        limit = resource.prlimit(pid, resource.RLIMIT_NOFILE)

        def lacks():
            # two numbers are free, of which the page itself needs one
            used = {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}
            free = [number for number in range(len(used) + 3) if number not in used]
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (free[2], limit[1]))
            return self.reasons() == (503, ["no_descriptors_left"])

        self.assertTrue(until(lacks), self.reasons())
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
        self.assertTrue(until(lambda: self.reasons() == (200, [])), self.reasons())


class Drain(CallTest):
    settings = {"node": {"drain_time": "30s"}}

    def refused(self):
        """A new call gets 503 and hears when to try again."""
        out = self.a.invite("1002", self.audio_a.sdp())
        response = out.wait_final()
        self.assertEqual(response.status, 503)
        self.assertTrue(response.get("Retry-After"))

    def test_by_command(self):
        out, into, _ = self.connect()
        self.assertTrue(self.node.ctl("node.drain")["draining"])
        self.refused()
        self.assertEqual(self.node.http("/readyz")[0], 503)
        self.assertEqual(self.node.http("/healthz")[0], 200)
        status = self.node.ctl("node.status")
        self.assertEqual((status["draining"], set(status["reasons"]) - {"emergency_calls_fail"}), (True, {"draining"}))     # there is no trunk
        self.assertEqual(self.b.register().status, 200, "phones stay")
        out.bye()
        into.wait_bye()
        self.assertTrue(self.node.running())
        self.node.kill()
        self.node.restart()
        self.assertFalse(self.node.ctl("node.status")["draining"], "the next start knows nothing of it")
        self.node.ctl("node.drain")
        self.assertFalse(self.node.ctl("node.drain", on=False)["draining"])
        self.assertTrue(self.node.tandemctl("node.drain", on="on")["draining"])
        self.assertFalse(self.node.tandemctl("node.drain", on="false")["draining"])
        self.assertTrue(self.node.ctl("node.drain", on=True)["draining"])
        self.assertFalse(self.node.ctl("node.undrain")["draining"], "its name before")
        out, into, _ = self.connect()
        out.bye()
        into.wait_bye()

    def test_sigterm(self):
        """No new calls; another SIGTERM ends the wait; the next start has the calls."""
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        self.node.process.send_signal(signal.SIGTERM)
        self.assertTrue(until(lambda: self.node.http("/readyz")[0] == 503))
        self.refused()
        self.assertEqual([row["id"] for row in self.calls()], [call])
        self.node.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.node.process.wait(20), 0)
        self.node.restart()
        self.assertEqual([row["id"] for row in self.calls()], [call], "the restart keeps calls alive")
        self.audio_a.start(440)
        self.audio_b.wait_packets(60)
        self.audio_a.stop()
        self.assertEqual(self.audio_b.heard()[0], 440)
        self.node.process.send_signal(signal.SIGTERM)
        self.assertTrue(until(lambda: self.node.http("/readyz")[0] == 503))
        out.bye()
        into.wait_bye()
        self.assertEqual(self.node.process.wait(20), 0, "nothing is left to wait for")
        self.node.restart()
        self.assertEqual(self.node.cdrs()[-1]["id"], call)

    def test_sigint(self):
        """As by a restart: a node that is alone waits for no call, as the next start has them all."""
        self.connect()
        self.node.process.send_signal(signal.SIGINT)
        self.assertEqual(self.node.process.wait(20 * slowness()), 0)
        self.node.restart()
        self.assertEqual(len(self.calls()), 1)

    def test_the_time_is_over(self):
        """A reload counts for a wait that has begun."""
        self.connect()
        self.node.process.send_signal(signal.SIGTERM)
        self.assertTrue(until(lambda: self.node.http("/readyz")[0] == 503))
        self.node.configure({"node": {"drain_time": "1s"}})
        self.node.process.send_signal(signal.SIGHUP)
        self.assertEqual(self.node.process.wait(20), 0)
        self.node.restart()
        self.assertEqual(len(self.calls()), 1)


class Moved(CallTest):
    """A start with other ports: parties are asked again, and come. A call that has no way there is ended."""
    settings = {"media": {"video": True}}

    def moved(self, stop):
        stop()
        self.node.media_ports = self.node.ports.take_range(8)
        self.node.configure(self.settings)
        self.node.restart()

    def asked_again(self, out, into):
        """Both parties take the new ports, and hear each other there."""
        for dialog, audio in ((out, self.audio_a), (into, self.audio_b)):
            asked = dialog.wait_reinvite(audio.sdp())
            dialog.agent.take(lambda m, id=dialog.call_id: m.is_request and m.method == "ACK" and m.call_id == id)
            audio.use(asked)
            dialog.agent.server = dialog.agent.server[0], self.node.sip_port
        for audio, other, hertz in ((self.audio_a, self.audio_b, 440), (self.audio_b, self.audio_a, 880)):
            audio.start(hertz)
            other.wait_tone(hertz, anew=True)
            audio.stop()

    def test_media_ports(self):
        out, into, _ = self.connect()
        self.saved()
        self.moved(self.node.kill)
        self.asked_again(out, into)
        out.bye()
        into.wait_bye()
        self.assertEqual(self.ended()["cause"], "hung up")
        status = self.node.ctl("node.status")
        self.assertEqual((status["records_broken"], status["calls_given_up"]), (0, 0))

    def test_media_and_sip_ports(self):
        """Also who is asked from another port of the node, and over a kill in between."""
        out, into, _ = self.connect()
        self.saved()
        self.node.sip_port = self.node.ports.take()
        self.moved(self.node.stop)
        self.node.kill()
        self.node.restart()
        self.asked_again(out, into)
        into.bye()
        out.wait_bye()

    def test_no_invitation_between(self):
        """One that rings is told farewell, from a port that exists now."""
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        into.ring()
        out.wait_provisional(180)
        self.node.sip_port = self.node.ports.take()
        self.moved(self.node.stop)
        self.assertEqual(out.wait_final().status, 503)
        self.b.take_request("CANCEL")
        call = self.calls(ending=True)[0]["id"]
        self.assertIn(f"call={call}", next(line for line in self.node.log_text().splitlines()
                                           if "cannot go on after the restart" in line))
        self.assertEqual(self.node.metric("tandem_calls_given_up_total"), 1)


class Refused(CallTest):
    """Who dials in vain finds it: in the log, in the call records, with the doctor."""

    def test_a_number_that_does_not_exist(self):
        self.assertEqual(self.a.invite("4711", self.audio_a.sdp()).wait_final().status, 404)
        record = self.node.cdrs()[-1]
        self.assertEqual((record["from"], record["to"], record["sip_status"], record["q850"], record["talk_ms"]),
                         ("1001", "4711", "404", "1", "0"))
        self.assertEqual(record["cause"], "refused by the node: not_found")
        line = next(line for line in self.node.log_text().splitlines() if "call refused" in line)
        for part in (f"call={record['id']}", "from=1001", "to=4711", "status=404", "reason=not_found"):
            self.assertIn(part, line)
        self.assertEqual(self.node.ctl("call.doctor", call=record["id"])["ended"]["sip_status"], 404)

    def finding(self):
        """Of the last call, which is over: the code of what the doctor finds, and its words."""
        found = self.node.ctl("call.doctor", call=self.node.cdrs()[-1]["id"])["findings"]
        return [(one["code"], one["sentence"]) for one in found]

    def test_srtp_that_is_not_taken(self):
        """Keys in clear, from a phone that offers nothing else: the log and the doctor say that it was that."""
        offer = self.audio_a.sdp(extra="a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40 + "\r\n").replace("RTP/AVP", "RTP/SAVP")
        final = self.a.invite("1002", offer).wait_final()
        self.assertEqual(final.status, 488)
        self.assertIn("SRTP is not accepted", final.get("Warning"))
        self.assertEqual(self.finding(), [("srtp_refused", "The call was refused with 488: refused by the node: SRTP is not accepted.")])
        line = next(line for line in self.node.log_text().splitlines() if "call refused" in line and "SRTP" in line)
        self.assertIn("status=488", line)
        self.assertNotIn("A" * 40, self.node.log_text())

    def test_a_phone_that_takes_no_media(self):
        out = self.a.invite("1002", self.audio_a.sdp())
        self.b.incoming().reject(488)
        self.b.incoming().reject(488)       # with the node's codecs, either
        self.assertEqual(out.wait_final().status, 488)
        self.assertTrue(until(lambda: not self.calls()))
        (code, words), = self.finding()
        self.assertEqual((code, "488" in words), ("media_refused", True), words)

    def test_a_phone_that_dials_on_and_on(self):
        """The stream has some of its calls, and of the others their number."""
        for _ in range(40):
            self.a.invite("4711", self.audio_a.sdp()).wait_final()
        with self.node.redis() as redis:
            written = redis("XLEN", "td:{s1}:cdr")
        self.assertTrue(20 <= written < 40, written)
        self.assertEqual(self.node.metric("tandem_calls_refused_untold_total"), 40 - written)


class Ended(CallTest):
    """call.show and the doctor know calls of the last hour."""

    def test_what_is_left_of_a_call(self):
        out, into, _ = self.connect()
        self.audio_a.start(440)
        self.audio_b.wait_packets(180, seconds=30)
        self.audio_a.stop()
        out.bye()
        into.wait_bye()
        call = self.ended()["id"]
        shown = self.node.ctl("call.show", call=call)
        self.assertEqual((shown["state"], shown["cause"], shown["from"], shown["to"]), ("ended", "hung up", "1001", "1002"))
        flows = {flow["leg"]: flow for flow in shown["flows"]}
        self.assertGreaterEqual(flows["a"]["stats"]["packets_in"], 180)
        self.assertEqual(flows["b"]["stats"]["packets_in"], 0)
        told = self.node.ctl("call.doctor", call=call)
        self.assertEqual(told["ended"]["cause"], "hung up")
        self.assertIn("b", [finding["leg"] for finding in told["findings"]], "it was never heard")
        self.assertEqual(self.node.metric("tandem_call_setup_seconds_count"), 1)
        self.assertGreater(self.node.metric("tandem_save_seconds_count"), 0)

    def test_for_people_and_for_machines(self):
        """Tables, JSON and the exit status."""
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        status, said = self.tandemctl("call.list")
        self.assertEqual((status, said.split("\n")[0].split()[:2]), (0, ["id", "state"]))
        self.assertIn(call, said)
        status, said = self.tandemctl("--json", "call.list")
        self.assertEqual((status, json.loads(said)["result"][0]["id"]), (0, call))
        self.assertEqual(self.tandemctl("call.show", "call=0000000000001")[0], 4)
        self.assertEqual(self.tandemctl("extension.put", "number=1009", "tls=true")[0], 1)
        self.assertEqual(self.tandemctl("call.show", "call=")[0], 2)
        self.node.ctl("node.drain")
        self.assertEqual(self.tandemctl("call.originate", "from=1001", "to=1002")[0], 5)
        for verb in ("init", "trace", "doctor", "help", "config", "api", "node.drain"):
            status, said = self.tandemctl("help", verb)
            self.assertEqual((status, bool(said.strip())), (0, True), verb)
        self.assertIn("node.drain", self.tandemctl("--help")[1])
        out.bye()
        into.wait_bye()
        self.assertIn("The call is over: hung up", self.tandemctl("doctor", self.ended()["id"])[1])

    def test_lists(self):
        """By number and time, the newest first; a table fits a page, and has all with -o wide."""
        talks = [self.connect(), self.connect()]
        calls = [row["id"] for row in self.node.ctl("call.list")]
        self.assertEqual(len(calls), 2)
        self.assertEqual(calls, sorted(calls, reverse=True), "ids begin with the time")
        day = time.strftime("%Y-%m-%d", time.gmtime())
        for arguments, count in (({"number": "1001"}, 2), ({"number": "1002"}, 2), ({"number": "1003"}, 0), ({"limit": 1}, 1),
                                 ({"since": "1h"}, 2), ({"until": "1h"}, 0), ({"since": day}, 2), ({"until": day}, 2),
                                 ({"since": day + "T00:00", "until": "2099-12-31T23:59:59Z", "number": "1001"}, 2),
                                 ({"since": "2099-01-01"}, 0)):
            self.assertEqual([row["id"] for row in self.node.ctl("call.list", **arguments)], calls[:count], arguments)
        for wrong in ("yesterday", "2026-02-30", "5", "1h30m", "2026-11-25 20:30"):
            with self.assertRaisesRegex(ServerError, "since must be a day such as"):
                self.node.ctl("call.list", since=wrong)
        for out, into, _ in talks:
            out.bye()
            into.wait_bye()
        self.assertTrue(until(lambda: len(self.node.ctl("cdr.list")) == 2))
        ends = [row["end_utc_ms"] for row in self.node.ctl("cdr.list")]
        self.assertEqual(ends, sorted(ends, reverse=True))
        for arguments, count in (({"number": "1002", "since": "1h"}, 2), ({"until": "1h"}, 0), ({"number": "1003"}, 0), ({"limit": 1}, 1)):
            self.assertEqual([row["end_utc_ms"] for row in self.node.ctl("cdr.list", **arguments)], ends[:count], arguments)
        for words in (("call.list",), ("cdr.list",), ("registration.list",), ("extension.list",), ("node.status",), ("help", "extension.put")):
            lines = self.tandemctl(*words)[1].splitlines()
            self.assertLessEqual(max(len(line) for line in lines), 100, words)
        for command, columns in (("cdr.list", ["id", "from", "to", "end_utc_ms", "talk_s", "sip", "loss_%", "jitter", "mos"]),
                                 ("extension.list", ["number", "enabled", "do_not_disturb"])):
            head, *_, more = self.tandemctl(command)[1].splitlines()
            self.assertLessEqual(set(columns), set(head.split()))
            self.assertNotIn("account_code", head)
            self.assertIn("account_code", self.tandemctl(command, "-o", "wide")[1], more)
        wide = self.tandemctl("cdr.list", "-o", "wide")[1]
        self.assertIn("sip_call_id", wide.splitlines()[0])
        self.assertEqual(self.tandemctl("-o", "wide", "cdr.list")[1], wide)
        self.assertEqual(json.loads(self.tandemctl("cdr.list", "limit=1", "-o", "json")[1])["ok"], True)

    def test_lists_are_alike(self):
        """Whatever a list shows, and by number and time: what registered or began last is the first row."""
        watches = []
        for agent, other in ((self.a, "1002"), (self.b, "1001")):
            time.sleep(0.01)
            watches.append(Lamp(agent, other))
        time.sleep(0.01)
        self.assertEqual(self.a.register().status, 200)
        out, _, _ = self.connect()
        call = self.calls()[0]["id"]
        self.node.ctl("call.trace.start", call=call)
        self.node.ctl("call.park", call=call, leg="a", slot="7")
        self.assertEqual([row["number"] for row in self.node.ctl("registration.list")], ["1001", "1002"])
        self.assertEqual([row["number"] for row in self.node.ctl("subscription.list")], ["1002", "1001"])
        passed = [row["utc_ms"] for row in self.node.ctl("sip.recent", limit=500)]
        self.assertEqual(passed, sorted(passed, reverse=True))
        self.assertGreater(passed[0], passed[-1])
        for command in ("call.list", "registration.list", "subscription.list", "park.list", "sip.recent", "call.trace.list"):
            with self.subTest(command):
                now = time.time_ns() // 1_000_000           # messages go on to pass
                def listed(**given):
                    return [row.get("id", row.get("name", row.get("number", row.get("slot", row.get("message")))))
                            for row in self.node.ctl(command, **{"limit": 500, **given}) if row.get("utc_ms", 0) <= now]
                rows = listed()
                self.assertGreater(len(rows), 0)
                self.assertEqual(len(self.node.ctl(command, limit=1)), 1)
                if command != "sip.recent":
                    self.assertEqual(listed(limit=1), rows[:1])
                self.assertEqual(listed(since="1h"), rows)
                self.assertEqual(listed(until="1h"), [])
                self.assertEqual(listed(since="2099-01-01"), [])
                if command != "call.trace.list":
                    self.assertGreater(len(listed(number="1001", until="2099-01-01")), 0)
                    self.assertEqual(listed(number="1999"), [])
                if command != "park.list":      # Redis has them, not a node
                    self.assertEqual(listed(node=self.node.ctl("node.status")["name"]), rows)
        for command in ("call.why", "recording.list", "delivery.list", "conference.list", "cdr.list"):
            self.assertEqual(self.node.ctl(command, number="1001", since="2026-11-25T20:30", until="1h"), [], command)
        out.bye()

    def test_help(self):
        """Wherever somebody asks for it, as ./tandem ctl does with a --config in front."""
        for words in (("help", "call.list"), ("call.list", "--help"), ("--help", "call.list"), ("call.list", "limit=5", "--help")):
            for config in ((), ("--config", self.node.config), ("--config", "/nowhere")):
                status, said = self.tandemctl(*config, *words)
                self.assertEqual((status, said.splitlines()[0]), (0, "call.list (for: reader)"), (config, words))
        for words in (("--help",), ("--config", self.node.config, "--help"), ("--config", self.node.config, "help")):
            self.assertIn("Commands:", self.tandemctl(*words)[1])
        for verb in ("init", "trace", "doctor"):
            self.assertIn(f"tandemctl {verb} " if verb == "init" else verb, self.tandemctl("--config", self.node.config, verb, "--help")[1])
        self.assertEqual(self.tandemctl("--config", self.node.config, "help", "no.such")[0], 2)
        for group, command in (("call", "call.dtmf"), ("call", "call.trace.stop"), ("call.trace", "call.trace.stop"), ("room", "room.put")):
            for words in (("help", group), (group, "--help")):
                status, said = self.tandemctl(*words)
                self.assertEqual(status, 0)
                self.assertIn(f"  {command} ", said)
                self.assertNotIn("  node.status ", said)
        said = json.loads(self.tandemctl("--config", self.node.config, "--json", "help", "command=call")[1])
        self.assertEqual({row["name"].split(".")[0] for row in said["result"]}, {"call"})
        self.assertEqual(self.tandemctl("--config", self.node.config, "--json", "help", "command=cal")[0], 4)

    def test_what_is_refused_says_what_to_do(self):
        """A word that is no switch, a number that is taken, a trunk that is not there: what may stand there, and what to do."""
        for on in ("pause", "x"):
            with self.assertRaisesRegex(ServerError, "on must be true or false: .* say by state, which is one of: on, pause, resume, off"):
                self.node.ctl("call.record", call="0000000000001", leg="a", on=on)
        with self.assertRaisesRegex(ServerError, "extension 1001 has this number: take another one, or extension.delete"):
            self.node.ctl("room.put", number="1001")
        self.node.ctl("room.put", number="3000")
        with self.assertRaisesRegex(ServerError, "room 3000 has this number: take another one, or room.delete"):
            self.node.put_extension("3000", "secret")
        self.node.ctl("trunk.put", name="there", servers="127.0.0.1:9", direction="out")
        put = self.node.ctl("route.put", name="out", pattern="+x.", trunks="there:1,gone:2")
        self.assertEqual(put["warnings"], ["trunks: there is no trunk gone yet: trunk.put makes one, trunk.list shows all of them"])
        self.assertRegex(self.node.ctl("did.put", number="+493012", trunk="gone")["warnings"][0], "^trunk: there is no trunk gone yet")
        self.assertNotIn("warnings", self.node.ctl("route.put", name="out", trunks="there"))
        self.assertNotIn("warnings", self.node.ctl("did.put", number="+493012", trunk="there"))
        for command, given, said in (("toll.show", {"number": "1999"}, "extension: extension.list"), ("trunk.show", {"name": "x"}, "trunk: trunk.list"),
                                     ("profile.range.delete", {"from": "192.0.2.1"}, "profile.range.list"), ("room.show", {"number": "9"}, "room.list")):
            with self.assertRaisesRegex(ServerError, f"not_found: .*{said} shows all of them"):
                self.node.ctl(command, **given)
        name = self.node.ctl("node.status")["name"]
        self.assertEqual(self.node.ctl("toll.show", number="1001", node=name), self.node.ctl("toll.show", number="1001"))

    def test_why_nothing(self):
        """A call without any fault, while it runs and when it is over; and one that there is not."""
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        [row] = self.node.ctl("call.why", call=call)
        self.assertEqual((row["reason"], row["from"], row["to"]), ("nothing_wrong", "1001", "1002"))
        self.assertRegex(row["sentence"], "^Nothing is wrong so far")
        self.assertIn("doctor", row["next"])
        out.bye()
        into.wait_bye()
        self.ended()
        [row] = self.node.ctl("call.why", call=call)
        self.assertEqual((row["by"], row["status"], row["reason"]), ("a", 200, "hung up"))
        self.assertEqual(row["sentence"], "Nothing went wrong: the call was answered, and the caller hung up.")
        self.assertEqual(self.node.ctl("call.why", call=call, until="1h"), [])
        with self.assertRaisesRegex(ServerError, "not_found: no call has that id: call.list shows the calls that run"):
            self.node.ctl("call.why", call=call[:-1] + ("0" if call[-1] != "0" else "1"))

    def tandemctl(self, *words):
        done = subprocess.run([self.node.program("tandemctl"), *words], capture_output=True, text=True, timeout=30,
                              env={**self.node.environment, "TANDEM_CONFIG": self.node.config})
        return done.returncode, done.stdout


class Local(CallTest):
    """tandemctl asks the node by a socket of its folder: without Redis, and for nobody else."""

    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.node.folder, "control.sock")

    def tandemctl(self, *words):
        done = subprocess.run([self.node.program("tandemctl"), "--config", self.node.config, *words], capture_output=True, text=True,
                              timeout=30, env=self.node.environment)
        return done.returncode, done.stdout + done.stderr

    def connected(self):
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(PATIENCE_S)
        link.connect(self.path)
        self.addCleanup(link.close)
        return link

    def ask(self, link, request):
        """The next line that it says; "": it hangs up."""
        link.sendall(request if isinstance(request, bytes) else json.dumps(request).encode() + b"\n")
        return self.line(link)

    @staticmethod
    def line(link):
        with link.makefile("r", encoding="utf-8") as answers:
            return answers.readline()

    def gone(self, link):
        """It was hung up on, whatever it had still to say."""
        with contextlib.suppress(ConnectionResetError):
            self.assertEqual(link.recv(1), b"")

    def code(self, answer):
        return json.loads(answer)["error"]["code"]

    def test_redis_stands_still(self):
        """At 3 a.m.: calls, health, doctor, trace and drain are there at once."""
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        with open(os.path.join(self.node.folder, "redis", "redis.pid"), encoding="ascii") as file:
            redis = int(file.read())
        os.kill(redis, signal.SIGSTOP)
        self.addCleanup(os.kill, redis, signal.SIGCONT)
        for words in (("call.list",), ("call.show", f"call={call}"), ("doctor", call), ("sip.recent", "number=1001"),
                      ("registration.list",), ("node.drain",), ("node.undrain",), ("log.level",),
                      ("trace", call, "-o", os.path.join(self.node.home, "call.pcapng"), "--seconds", "1")):
            since = time.monotonic()
            status, said = self.tandemctl(*words)
            self.assertEqual(status, 0, f"{words}: {said}")
            self.assertLess(time.monotonic() - since, 5 * slowness(), "nobody waits for Redis")
        self.assertTrue(until(lambda: "redis_away_or_late" in self.tandemctl("node.status")[1]))
        self.assertEqual(self.tandemctl("cdr.list")[0], 5, "that is Redis's alone")
        os.kill(redis, signal.SIGCONT)
        out.bye()
        into.wait_bye()

    def test_dies_before_it_says_so(self):
        """The node has done it, and is killed before it answers: tandemctl asks again by Redis, and it is done once."""
        folder = os.path.join(self.node.home, "between")
        os.mkdir(folder)
        door = socket.socket(socket.AF_UNIX)
        self.addCleanup(door.close)
        door.bind(os.path.join(folder, "control.sock"))
        door.listen(1)
        config = os.path.join(folder, "tandem.yaml")
        with open(config, "w", encoding="ascii") as file:
            os.chmod(config, 0o600)
            file.write(f"node: {{ state_dir: {folder} }}\nredis: {{ url: 'unix:{self.node.redis_socket}' }}\n")
        asks = subprocess.Popen([self.node.program("tandemctl"), "--config", config, "--json", "call.originate", "from=1001", "to=1002"],
                                stdout=subprocess.PIPE, text=True, env=self.node.environment)
        asker, _ = door.accept()
        done = json.loads(self.ask(self.connected(), asker.makefile("rb").readline()))
        self.node.kill()
        self.node.restart()
        asker.close()
        said = json.loads(asks.communicate(timeout=30)[0])
        self.assertEqual((said["ok"], said["result"]), (True, done["result"]))
        self.assertEqual([call["id"] for call in self.calls()], [done["result"]["id"]])

    def test_who_and_what_is_refused(self):
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
        link = self.connected()
        fine = {"id": "x-1", "do": "call.list", "args": {}}
        self.assertEqual(json.loads(self.ask(link, fine))["result"], [])
        for bad in (b"\n", b"[]\n", b"{\n", b'{"id":"x","do":"help","x":1}\n', b'{"id":"x","id":"y","do":"help"}\n', b"\xff\n",
                    {"id": "", "do": "help"}, {"id": "a b", "do": "help"}, {"id": 1, "do": "help"}, {"id": "x", "do": ""},
                    {"id": "x", "do": "help", "args": []}, {"id": "x", "do": "help", "role": "admin"},
                    {"id": "x", "do": "help", "tenant": "default", "role": "operator"}, {"id": "x", "do": "help", "tenant": "a:b"}):
            self.assertEqual(self.code(self.ask(link, bad)), "bad_request", bad)
        self.assertEqual(self.code(self.ask(link, fine | {"do": "x" * 70})), "unknown_command")
        self.assertEqual(self.code(self.ask(link, fine | {"tenant": "acme"})), "not_found")
        reader = fine | {"tenant": "default", "role": "reader"}
        self.assertTrue(json.loads(self.ask(link, reader))["ok"])
        self.assertEqual(self.code(self.ask(link, reader | {"do": "call.hangup", "args": {"call": "0000000000001"}})), "not_allowed")
        away = json.loads(self.ask(link, fine | {"do": "node.status", "args": {"node": "n2"}}))
        self.assertEqual((away["elsewhere"], away["error"]["code"]), (True, "unavailable"))
        self.assertEqual(self.tandemctl("node.status", "node=n2")[0], 5)
        long = fine | {"args": {"x": "x" * 40000}}
        self.assertEqual(self.code(self.ask(link, long)), "bad_request")
        self.assertEqual(self.code(self.ask(link, b"x" * 150000)), "bad_request")
        self.gone(link)
        self.assertGreater(self.node.metric("tandem_control_local_refused_total", reason="bad_request"), 10)

    def test_another_user(self):
        """Whoever gets past the mode of the file is known by the kernel."""
        for path in (self.node.home, self.node.folder, self.path):
            os.chmod(path, 0o777)
        said = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", "python3", "-c",
                               "import socket, sys; link = socket.socket(socket.AF_UNIX); link.connect(sys.argv[1]); print(link.recv(1))",
                               self.path], capture_output=True, text=True, timeout=30, check=True).stdout
        self.assertEqual(said.strip(), "b''")
        self.assertEqual(self.node.metric("tandem_control_local_refused_total", reason="peer"), 1)

    def test_slow_ones_cost_nothing(self):
        """Sixteen at once that read nothing; calls go on, and it is as before when they are gone."""
        links = [self.connected() for _ in range(16)]
        for number, link in enumerate(links):
            link.sendall(b"".join(b'{"id":"%d-%d","do":"help"}\n' % (number, i) for i in range(200)))
        late = self.connected()
        self.gone(late)
        self.assertEqual(self.node.metric("tandem_control_local_refused_total", reason="full"), 1)
        out, into, _ = self.connect()
        self.assertEqual(self.tandemctl("call.list")[0], 0, "by Redis")
        self.assertTrue(json.loads(self.line(links[0]))["ok"])
        for link in links:
            link.close()
        self.assertTrue(until(lambda: self.ask(self.connected(), {"id": "x", "do": "call.list"})))
        out.bye()
        into.wait_bye()

    def test_no_descriptor_is_left(self):
        """Who comes waits until there is one, and the node does not turn round and round meanwhile."""
        pid = self.node.process.pid
        limit = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limit[1]))
        self.addCleanup(resource.prlimit, pid, resource.RLIMIT_NOFILE, limit)
        link = self.connected()
        link.sendall(b'{"id":"x","do":"call.list"}\n')
        before = self.cpu(pid)
        time.sleep(1.5)
        self.assertLess(self.cpu(pid) - before, 0.2)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
        self.assertTrue(json.loads(self.line(link))["ok"])

    def test_is_asked_once(self):
        """A node that answers late has the command: it is not asked for the same by Redis."""
        pid, before = self.node.process.pid, self.node.metric("tandem_commands_total", result="ok")
        os.kill(pid, signal.SIGSTOP)
        try:
            status, said = self.tandemctl("log.level")
        finally:
            os.kill(pid, signal.SIGCONT)
        self.assertEqual(status, 5, said)
        self.assertIn("may or may not have happened", said)
        self.assertTrue(until(lambda: self.node.metric("tandem_commands_total", result="ok") > before))
        time.sleep(0.5)
        self.assertEqual(self.node.metric("tandem_commands_total", result="ok"), before + 1)

    @staticmethod
    def cpu(pid):
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return sum(map(int, file.read().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")

    def test_over_a_kill(self):
        """What a killed node left is no obstacle; who asks while it starts is answered."""
        link = self.connected()
        link.sendall(b'{"id":"x","do":"call.doctor","args":{"call":"')
        self.node.kill()
        self.gone(link)
        self.assertTrue(os.path.exists(self.path))
        self.node.start()
        self.assertTrue(json.loads(self.ask(self.connected(), {"id": "x", "do": "node.status"}))["ok"])
        self.node.stop()
        self.assertFalse(os.path.exists(self.path))


class Metrics(unittest.TestCase):
    def test_what_the_checker_finds(self):
        """It would say so of each of these."""
        for page in ("# HELP a_total x\n# TYPE a_total gauge\na_total 1\n", "# HELP a x\n# TYPE a counter\na 1\n",
                     "# HELP a_ms x\n# TYPE a_ms gauge\na_ms 1\n", "# TYPE a gauge\na 1\n", "a 1\n",
                     "# HELP a_octets_total x\n# TYPE a_octets_total counter\na_octets_total 1\n",
                     "# HELP a x\n# TYPE a gauge\na 1\na 1\n", "# HELP a x\n# TYPE a gauge\na{b=c} 1\n",
                     "# HELP a x\n# TYPE a gauge\na one\n", "# HELP a x\n# TYPE a gauge\na 1",
                     "# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n",
                     "# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n",
                     "# HELP a x\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n"):
            self.assertTrue(list(promlint.check(page)), page)
        self.assertFalse(list(promlint.check("# HELP a_seconds x\n# TYPE a_seconds gauge\na_seconds{b=\"c\"} 1.5\n")))

    def test_the_page(self):
        """As promtool would have it."""
        with Node(everything=True) as node:
            page = node.http("/metrics")[1]
            self.assertEqual(list(promlint.check(page)), [])
            self.assertEqual(node.metric("tandem_ready"), 1)
            left = node.metric("tandem_tls_certificate_not_after_timestamp_seconds") - time.time()
            self.assertAlmostEqual(left / 86400, node.ctl("node.status")["tls"]["days_left"], delta=1.5)


if __name__ == "__main__":
    unittest.main()

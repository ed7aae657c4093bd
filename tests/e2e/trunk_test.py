# SPDX-License-Identifier: Apache-2.0
"""Calls over trunks: SIPp is two carriers, and a scripted peer one that calls, or says nothing."""
import os
import re
import socket
import ssl
import threading
import time
import unittest

from lib import ROOT
from lib.authority import Authority
from lib.nameserver import NameServer, address, service
from lib.message import Message
from lib.node import Node
from lib.place import NODE, PARTY
from lib.sipp import Sipp
from patience import PATIENCE_S
from tandem_client import Redis

SCENARIOS = os.path.join(ROOT, "tests", "e2e", "sipp")


class Trunks(unittest.TestCase):
    def setUp(self):
        self.names = NameServer({})
        self.addCleanup(self.names.close)
        self.node = Node(settings={"dns": {"servers": [self.names.name]}}, calls=20)
        self.addCleanup(lambda: self.node.close(check=not self.node.killed))
        self.node.put_extension("1001", "secret1001")
        self.node.ctl("extension.put", number="1001", classes=["toll_free", "local", "national", "mobile", "other"])
        self.a = self.agent("1001", "secret1001")
        self.audio = self.node.media()
        self.addCleanup(self.audio.close)
        self.assertEqual(self.a.register().status, 200)

    def agent(self, *who):
        agent = self.node.user_agent(*who)
        self.addCleanup(agent.close)
        return agent

    def leads_out(self, *ports):
        """0 and any number go to one trunk for each port, in this order."""
        for i, port in enumerate(ports):
            self.node.ctl("trunk.put", name=f"carrier{i}", servers=f"{PARTY}:{port}", direction="out", answer_s=2)
        self.node.ctl("route.put", name="out", pattern="0x.", strip=1, prefix="+49",
                      trunks=",".join(f"carrier{i}:{i}" for i in range(len(ports))))

    def sipp(self, scenario, *field):
        folder = os.path.join(self.node.home, scenario)
        return Sipp(folder, os.path.join(SCENARIOS, f"{scenario}.xml"), self.node.server, self.node.ports, seconds=20,
                    users=[field] if field else None, extra=("-rtp_echo",) if field else ())

    def test_the_next_carrier(self):
        """The first one is out of service: the second one takes the call, and hears the caller."""
        first = self.sipp("uas_unavailable")
        second = self.sipp("uas_wait", str(self.node.ports.take(2)))
        self.leads_out(first.port, second.port)
        out = self.a.invite("030123", self.audio.sdp())
        answer = out.wait_answer()
        self.assertEqual(answer.status, 200)
        self.assertEqual([row["calls_out"] for row in self.node.ctl("trunk.list")], [0, 1])
        out.bye()
        for sipp in (first, second):
            outcome = sipp.wait()
            self.assertTrue(outcome.ok(1), outcome)
        record, = self.node.cdrs()
        self.assertEqual((record["sip_status"], record["to_trunk"], record["from_trunk"]), ("200", "carrier1", ""))

    def test_killed_while_one_is_silent(self):
        """The node dies while the first carrier says nothing.  The next process asks the second one."""
        silent, other = self.agent("silent"), self.agent("other")
        self.leads_out(silent.port, other.port)
        out = self.a.invite("030123", self.audio.sdp())
        late = silent.incoming()
        self.assertTrue(late.request.uri.startswith("sip:+4930123@"))
        self.node.kill()
        self.node.restart()
        into = other.incoming(20)
        into.answer(self.audio.sdp())
        self.assertEqual(out.wait_answer().status, 200)
        out.bye()
        into.wait_bye()
        late.reject(503)    # or its INVITE is waited for, up to 32 s
        self.assertEqual(self.node.cdrs()[-1]["to_trunk"], "carrier1")

    def holds(self, asker, asked):
        """It puts the other one on hold, and takes it back."""
        for version, direction, other in ((2, "sendonly", "recvonly"), (3, "sendrecv", "sendrecv")):
            answer = threading.Thread(target=asked.wait_reinvite, args=(self.audio.sdp(direction=other, version=version),))
            answer.start()
            response = asker.reinvite(self.audio.sdp(direction=direction, version=version))
            answer.join()
            self.assertEqual(response.status, 200)
            self.assertIn(f"a={other}", response.text)

    def test_by_a_name(self):
        """The first place of a name is dead.  The second one sends the call to another carrier, which is held, holds, and is given away."""
        broker, carrier, b = self.agent("broker"), self.agent("carrier"), self.agent("1002", "secret1002")
        self.node.put_extension("1002", "secret1002")
        self.assertEqual(b.register().status, 200)
        self.names.zone["_sip._udp.carrier.test"] = [service(i, port, "host.carrier.test")
                                                     for i, port in enumerate((self.node.ports.take(), broker.port))]
        self.names.zone["host.carrier.test"] = [address(PARTY)]
        self.leads_out(carrier.port)
        self.node.ctl("trunk.put", name="broker", servers="carrier.test", transport="udp", direction="out", answer_s=2)
        self.node.ctl("route.put", name="out", trunks="broker")
        out = self.a.invite("030123", self.audio.sdp())
        asked = broker.incoming(10)
        self.assertTrue(asked.request.uri.startswith("sip:+4930123@carrier.test"))
        asked.reject_to(f"<sip:+4930123@{carrier.host_port}>")
        into = carrier.incoming()
        into.answer(self.audio.sdp())
        self.assertEqual(out.wait_answer().status, 200)
        self.assertEqual([(row["name"], row["calls_out"], row["failovers"]) for row in self.node.ctl("trunk.list")],
                         [("broker", 0, 1), ("carrier0", 1, 0)])
        self.holds(out, into)
        self.holds(into, out)
        self.assertEqual(out.transact(out.in_dialog("REFER", [("Refer-To", f"<sip:1002@{self.node.server[0]}>")])).status, 202)
        given = b.incoming()
        given.answer(self.audio.sdp())
        for line in ("SIP/2.0 100 Trying", "SIP/2.0 200 OK"):
            notify = self.a.take_request("NOTIFY", call_id=out.call_id)
            self.a.respond(notify, 200, "OK")
            self.assertIn(line, notify.text)
        out.wait_bye()
        into.bye()
        given.wait_bye()
        self.assertEqual([(row["from_trunk"], row["to_trunk"]) for row in self.node.cdrs(2)][0], ("", "carrier0"))

    def test_a_trunk_calls(self):
        """By its number alone; extensions that have none are not to be reached."""
        trunk = self.agent("+4940123")
        self.node.ctl("trunk.put", name="pbx", direction="in", sources=PARTY, source_port=trunk.port)
        self.node.ctl("did.put", number="+4930xxxx", strip=5)
        out = trunk.invite("1001", self.audio.sdp())
        self.assertEqual(out.wait_final().status, 404)
        out = trunk.invite("+49301001", self.audio.sdp())
        into = self.a.incoming()
        self.assertIn("sip:+4940123@", into.request.get("From"))
        into.answer(self.audio.sdp())
        self.assertEqual(out.wait_answer().status, 200)
        out.bye()
        into.wait_bye()
        self.assertEqual([row["from_trunk"] for row in self.node.cdrs(2)], ["pbx", "pbx"])



class Limits(unittest.TestCase):
    """TRUST-03: a stolen password costs at most the limit."""

    def setUp(self):
        self.node = self.enterContext(Node())
        self.audio = self.enterContext(self.node.media())
        self.node.put_extension("1001", "secret1001")
        self.node.ctl("extension.put", number="1001", classes=["other"], outside_calls=1, outside_minutes=1)
        self.a = self.enterContext(self.node.user_agent("1001", "secret1001"))
        self.carrier = self.enterContext(self.node.user_agent("carrier"))
        self.node.ctl("trunk.put", name="carrier", servers=f"{PARTY}:{self.carrier.port}", direction="out")
        self.node.ctl("route.put", name="out", pattern="0x.", trunks="carrier")

    def next_process(self, **spent):
        """What calls before have cost is with the store."""
        self.node.kill()
        with Redis(self.node.redis_socket) as redis:
            shard, = (key for key in redis("KEYS", "td:{s*}:lease"))
            for number, ms in spent.items():
                redis("HSET", shard.replace("lease", f"toll:{int(time.time()) // 86400}"), f"default:{number[1:]}", ms)
        self.node.restart()
        self.assertEqual(self.a.register().status, 200)

    def refused(self):
        final = self.a.invite("030123", self.audio.sdp()).wait_final()
        return final.status, final.get("Reason").split("text=")[1]

    def used(self):
        used = self.node.ctl("toll.show", number="1001")["extension"]
        return used["calls"], used["used_s"]

    def test_a_number_is_chosen(self):
        """MGT-09: it is one of the tenant, or nobody outside is called."""
        self.assertEqual(self.a.register().status, 200)
        self.node.ctl("tenant.put", name="default", outside_number_required=True)
        none = (403, '"no number is chosen as which the extension is shown outside"')
        self.assertEqual(self.refused(), none)
        self.node.ctl("extension.put", number="1001", outside_number="+493011")
        self.assertEqual(self.refused(), none)
        self.node.ctl("did.put", number="+4930xx", to="1001")
        out = self.a.invite("030123", self.audio.sdp())
        call = self.carrier.incoming()
        self.assertIn("<sip:+493011@", call.request.get("From"))
        call.reject(486, "Busy Here")
        self.assertEqual(out.wait_final().status, 486)
        self.assertEqual(sorted(row["sip_status"] for row in self.node.cdrs(3)), ["403", "403", "486"])

    def test_the_minutes_of_a_day(self):
        """A second call at once is refused, the first one ends with the last minute, and so it stays after a kill; until a command."""
        self.next_process(_1001=57000)
        out = self.a.invite("030123", self.audio.sdp())
        into = self.carrier.incoming()
        into.answer(self.audio.sdp())
        self.assertEqual(out.wait_answer().status, 200)
        self.assertEqual(self.refused(), (486, '"extension: too many calls outside"'))
        out.wait_bye()
        into.wait_bye()
        self.assertEqual({row["sip_status"] for row in self.node.cdrs(2)}, {"486", "200"})
        self.next_process()
        self.assertEqual(self.used(), (0, 60))
        self.assertEqual(self.refused(), (403, '"extension: no minutes outside left today"'))
        self.node.ctl("toll.reset", number="1001")
        self.assertEqual(self.used(), (0, 0))
        out = self.a.invite("030123", self.audio.sdp())
        self.carrier.incoming().reject(486, "Busy Here")
        self.assertEqual(out.wait_final().status, 486)


class Carrier:
    """A server over TLS that answers 200 to OPTIONS and 486 to all else.  `heard`: methods."""

    def __init__(self, certificate, key):
        self.context, self.heard = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), []
        self.context.load_cert_chain(certificate, key)
        self.socket = socket.create_server((PARTY, 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def serve(self):
        try:
            while True:
                threading.Thread(target=self.talk, args=(self.socket.accept()[0],), daemon=True).start()
        except OSError:
            pass

    def talk(self, plain):
        try:
            with self.context.wrap_socket(plain, server_side=True) as line:
                data = b""
                while came := line.recv(65536):
                    data = self.answer_all(line, data + came)
        except OSError:
            pass            # who called does not like the certificate

    def answer_all(self, line, data):
        while b"\r\n\r\n" in data:
            head, _, rest = data.partition(b"\r\n\r\n")
            request = Message.parse(head)
            length = int(request.get("Content-Length"))
            if len(rest) < length:
                break
            data = rest[length:]
            self.heard.append(request.method)
            status = "200 OK" if request.method == "OPTIONS" else "486 Busy Here"
            same = [pair for pair in request.headers if pair[0] in ("Via", "From", "To", "Call-ID", "CSeq")]
            if request.method != "ACK":
                line.sendall(Message(f"SIP/2.0 {status}", same).bytes())
        return data


class Certificates(unittest.TestCase):
    """RFC 5922: who is reached by a name over TLS shows a certificate of that name."""

    def setUp(self):
        self.names = NameServer({})
        self.addCleanup(self.names.close)
        self.node = self.enterContext(Node(start=False, everything=True))
        self.authority = Authority(self.node.home)
        self.node.configure({"dns": {"servers": [self.names.name]},
                             "tls": {"ca": self.authority.path, "client_certificates": "optional"}})
        self.node.start()

    def certificate(self, name):
        return self.authority.signs(name, f"DNS:sip.{name}.test")

    def carrier(self, name):
        """At the host to which the name sip.NAME.test leads."""
        return self.enterContext(Carrier(*self.certificate(name)))

    def calls(self, name):
        """The status of an INVITE to nobody, from whoever shows the certificate of that name."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(*self.certificate(name))
        with socket.create_connection((NODE, self.node.tls_port), PATIENCE_S, (PARTY, 0)) as plain, context.wrap_socket(plain) as line:
            line.sendall(Message(f"INVITE sip:+49301@{NODE} SIP/2.0", [
                ("Via", f"SIP/2.0/TLS {PARTY}:5061;branch=z9hG4bK{name}"), ("From", f"<sip:+4940@{PARTY}>;tag={name}"),
                ("To", f"<sip:+49301@{NODE}>"), ("Call-ID", name), ("CSeq", "1 INVITE"), ("Max-Forwards", "70"),
                ("Contact", f"<sip:+4940@{PARTY}:5061;transport=tls>"), ("Content-Length", "0")]).bytes())
            data = b""
            while not (found := re.search(rb"^SIP/2.0 ([2-6]\d\d) ", data, re.M)):
                self.assertTrue(came := line.recv(65536))
                data += came
        return int(found[1])

    def test_of_who_calls(self):
        """A trunk is known by the name in the certificate that it shows; another one, of the same authority, is a stranger."""
        self.node.ctl("trunk.put", name="true", direction="in", sources=PARTY, certificate_name="SIP.true.test")
        self.assertEqual([self.calls(name) for name in ("true", "elsewhere")], [404, 407])

    def test_of_another_name(self):
        """The one whose certificate is for another name is down, and the call goes to the one whose own it is, also after a kill."""
        false, true = self.carrier("elsewhere"), self.carrier("true")
        self.names.zone["host.test"] = [address(PARTY)]
        for order, (name, carrier) in enumerate((("false", false), ("true", true))):
            self.names.zone[f"_sips._tcp.sip.{name}.test"] = [service(0, carrier.port, "host.test")]
            self.node.ctl("trunk.put", name=name, servers=f"sip.{name}.test", transport="tls", direction="out", probe_s=1, probe_failures=1)
        self.node.ctl("route.put", name="out", pattern="0x.", trunks="false:0,true:1")
        self.node.put_extension("1001", "secret1001")
        self.node.ctl("extension.put", number="1001", classes=["other"])
        a, audio = self.enterContext(self.node.user_agent("1001", "secret1001")), self.enterContext(self.node.media())
        self.assertEqual(a.register().status, 200)
        for _ in range(2):
            self.assertEqual(a.invite("030123", audio.sdp()).wait_final().status, 486)
            self.node.kill()
            self.node.restart()
        end = time.monotonic() + 20
        while not (down := [event for event in self.node.events() if event["type"] == "trunk.down"]) or "OPTIONS" not in true.heard:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.1)
        self.assertEqual({(event["to_trunk"], event["to"], event["reason"]) for event in down},
                         {("false", "sip.false.test", "certificate_name")})
        self.assertEqual(false.heard, [])
        self.assertEqual(true.heard.count("INVITE"), 2)


if __name__ == "__main__":
    unittest.main()

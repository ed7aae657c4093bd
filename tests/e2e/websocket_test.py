# SPDX-License-Identifier: Apache-2.0
"""SIP over WebSocket (RFC 7118), plain and over TLS: phones in browsers, and those who only say they are."""
import contextlib
import http.client
import os
import resource
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

from lib.node import Node
from lib.websocket import BINARY, CLOSE, MORE, PING, PONG, TEXT, Refused, WebSocket, WebSocketAgent, frame
from patience import PATIENCE_S, slowness, until

OPTIONS = (b"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/%s x.invalid;branch=z9hG4bK%d\r\nMax-Forwards: 70\r\n"
           b"From: <sip:x@y.invalid>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: %d\r\nCSeq: 1 OPTIONS\r\n\r\n")


def plain(path, port, host="127.0.0.1"):
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


class SecureNode(Node):
    """Its HTTP is HTTPS."""

    def http(self, path):
        context = ssl.create_default_context(cafile=os.path.join(self.folder, "tls", "ca.pem"))
        connection = http.client.HTTPSConnection("127.0.0.1", self.http_port, timeout=PATIENCE_S, context=context)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


class WebSocketTest(unittest.TestCase):
    secure, settings = False, {}

    @classmethod
    def setUpClass(cls):
        kind = SecureNode if cls.secure else Node
        settings = {"http": {"tls": cls.secure} | cls.settings.get("http", {})}
        # a page that is loaded again and again registers faster than a phone may
        quotas = {"extension": {"registrations_per_second": 1000}}
        cls.node = kind(settings={"quotas": quotas, **cls.settings, **settings})
        cls.authority = os.path.join(cls.node.folder, "tls", "ca.pem") if cls.secure else None
        cls.server = ("127.0.0.1", cls.node.http_port)
        cls.here = ("https" if cls.secure else "http") + "://127.0.0.1:%d" % cls.node.http_port
        for number in ("1001", "1002"):
            cls.node.put_extension(number, "secret" + number, webrtc="never")

    @classmethod
    def tearDownClass(cls):
        cls.node.close()

    def setUp(self):
        if not self.node.running():
            self.node.restart()

    def agent(self, number="1002", **options):
        made = WebSocketAgent(self.server, number, "secret" + number, self.authority, **options)
        self.addCleanup(made.close)
        return made

    def web(self, **options):
        made = WebSocket(self.server, self.authority, **options)
        self.addCleanup(made.close)
        return made

    def options(self, web, number=1, kind=TEXT):
        """It answers OPTIONS."""
        web.send(OPTIONS % (b"WSS" if self.secure else b"WS", number, number), kind)
        found = web.receive()
        self.assertIn(b"SIP/2.0 200", found[1])

    def refused(self, status, **options):
        with self.assertRaises(Refused) as caught:
            self.web(**options)
        self.assertEqual(caught.exception.status, status, caught.exception)

    def contacts(self, number):
        return [c for row in self.node.ctl("registration.list") if row["number"] == number for c in row["contacts"]]


class Phones:
    """What phones do, whichever of the two it is."""

    def setUp(self):
        super().setUp()
        self.a, self.b = self.node.user_agent("1001", "secret1001"), self.agent()
        self.addCleanup(self.a.close)
        self.media = [self.node.media(), self.node.media()]
        for media in self.media:
            self.addCleanup(media.close)
        self.assertEqual(self.a.register(contact="*", expires=0).status, 200)
        self.assertEqual(self.b.register(contact="*", expires=0).status, 200)
        self.assertEqual(self.a.register().status, 200)
        self.assertEqual(self.b.register().status, 200)

    def hear(self):
        since = time.monotonic()
        for media, hertz in zip(self.media, (440, 880)):
            media.start(hertz)
        for media in self.media:
            media.wait_packets(40, since=since)
        for media in self.media:
            media.stop()
        self.assertEqual([media.heard()[0] for media in self.media], [880, 440])

    def talk(self, caller, callee, number):
        out = caller.invite(number, self.media[0].sdp())
        into = callee.incoming()
        transport = b"WSS" if self.secure else b"WS"
        if callee is self.b:
            self.assertTrue(into.request.get("Via").encode().startswith(b"SIP/2.0/" + transport + b" "))
            self.assertIn(";transport=ws", into.request.get("Contact"))
        into.answer(self.media[1].sdp())
        self.media[0].use(out.wait_answer())
        self.media[1].use(into.request)
        return out, into

    def test_calls_both_ways(self):
        for caller, callee, number in ((self.a, self.b, "1002"), (self.b, self.a, "1001")):
            for first in (0, 1):
                ends = self.talk(caller, callee, number)
                self.hear()
                ends[first].bye()
                ends[1 - first].wait_bye()

    def test_it_is_back_after_a_crash(self):
        """kill -9 in a call: the browser connects again, registers, and the call goes on."""
        for first in (0, 1):
            ends = self.talk(self.a, self.b, "1002")
            self.hear()
            self.node.kill()
            self.node.restart()
            self.b.reconnect()
            self.assertEqual(self.b.register().status, 200)
            self.assertEqual(len(self.contacts("1002")), 1)
            self.hear()
            ends[first].bye()
            ends[1 - first].wait_bye()

    def test_it_is_back_after_its_connection_broke(self):
        """A page that was loaded again has another Contact and Call-ID; its instance is the same (RFC 5626)."""
        ends = self.talk(self.a, self.b, "1002")
        self.b.host = "other.invalid"
        self.b._register = {"call_id": "another", "cseq": 0}
        self.b.reconnect()
        self.assertEqual(self.b.register().status, 200)
        self.assertEqual([c["contact"] for c in self.contacts("1002")], ["sip:1002@other.invalid;transport=ws"])
        ends[0].bye()
        ends[1].wait_bye()

    def test_a_page_that_is_loaded_again_and_again(self):
        """Each time another Contact, Call-ID and instance: no page is locked out by those before it, and the last one is called."""
        for number in range(25):
            self.b.host = "page%d.invalid" % number
            self.b.instance = "urn:uuid:00000000-0000-4000-8000-%012d" % number
            self.b._register = {"call_id": "page%d" % number, "cseq": 0}
            self.b.reconnect()
            self.assertEqual(self.b.register().status, 200, number)
        self.assertLessEqual(len(self.contacts("1002")), 10)
        ends = self.talk(self.a, self.b, "1002")
        self.hear()
        ends[0].bye()
        ends[1].wait_bye()

    def test_a_call_waits_for_it(self):
        """The INVITE comes when the phone has come back."""
        self.b.socket.shutdown(socket.SHUT_RDWR)
        time.sleep(0.2)
        out = self.a.invite("1002", self.media[0].sdp())
        time.sleep(0.5)
        self.b.reconnect()
        self.assertEqual(self.b.register().status, 200)
        into = self.b.incoming()
        into.answer(self.media[1].sdp())
        out.wait_answer()
        out.bye()
        into.wait_bye()

    def test_keepalive(self):
        self.b.send(b"\r\n\r\n")
        self.b.send_octets(frame(PING, b"hello"))
        end = time.monotonic() + PATIENCE_S
        while not self.b.pongs and time.monotonic() < end:
            time.sleep(0.01)
        self.assertEqual(self.b.pongs, 1)
        self.assertEqual(self.b.options().status, 200)

    def test_frames_of_all_kinds(self):
        """Text, binary, in pieces of one octet, with a ping between two of them."""
        web = self.web()
        self.options(web)
        self.options(web, 2, BINARY)
        message = OPTIONS % (b"WS", 3, 3)
        web.sock.sendall(frame(TEXT, message[:1], final=False))
        for octet in message[1:-1]:
            web.sock.sendall(frame(MORE, bytes([octet]), final=False))
        web.sock.sendall(frame(PING, b"x") + frame(MORE, message[-1:]))
        self.assertEqual(web.receive(), (PONG, b"x"))
        self.assertIn(b"SIP/2.0 200", web.receive()[1])

    def test_a_large_message(self):
        """60 KB come and go in one message each; more is refused by its length alone."""
        web = self.web()
        self.options(web)
        large = (OPTIONS % (b"WS", 4, 4)).replace(b"\r\n\r\n", b"\r\nX-Large: " + 12000 * b"a" + b"\r\n\r\n") + 47000 * b"b"
        web.send(large)
        self.assertIn(b"SIP/2.0", web.receive()[1])
        self.assertEqual(self.node.http("/healthz")[0], 200)
        web.send(70000 * b"x")
        self.assertEqual(web.parts(0.4, frame(TEXT, OPTIONS % (b"WS", 9, 9))), (1009, "closed"))
        until(lambda: self.node.metric("tandem_sip_ws_ends_total", reason="message_too_large") == 1, self.node.log_tail)

    def test_it_stops(self):
        """Who is connected hears that, says what it was about to say, and sees no reset."""
        web = self.web()
        self.options(web)
        found = []
        thread = threading.Thread(target=lambda: found.append(web.parts(0.2, frame(TEXT, OPTIONS % (b"WS", 9, 9)))))
        thread.start()
        self.node.stop()
        thread.join()
        self.assertEqual(found, [(1001, "closed")])
        self.node.restart()

    def test_pages(self):
        for path, status in (("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/ws", 404), ("/x", 404)):
            self.assertEqual(self.node.http(path)[0], status, path)


class Plain(Phones, WebSocketTest):
    def test_transports_of_an_extension(self):
        """REG-08: TLS only means WSS too, and never WS."""
        self.node.put_extension("1003", "secret1003")
        self.node.ctl("extension.put", number="1003", tls="true", srtp="true")
        self.assertEqual(self.agent("1003").register().status, 403)


class Secure(Phones, WebSocketTest):
    secure = True

    def test_transports_of_an_extension(self):
        self.node.put_extension("1003", "secret1003")
        self.node.ctl("extension.put", number="1003", tls="true", srtp="true")
        self.assertEqual(self.agent("1003").register().status, 200)

    def test_behind_a_crowd(self):
        """Who comes right behind connections that are refused is taken with them, and its handshake goes on."""
        def crowd(count):
            for number in range(count):
                link = socket.socket()
                link.bind((f"127.0.9.{1 + number % 20}", 0))
                link.setblocking(False)
                link.connect_ex(self.server)
                self.addCleanup(link.close)

        crowd(300)
        for _ in range(10):
            crowd(40)
            self.assertEqual(self.node.http("/healthz")[0], 200)
        self.assertGreater(self.node.metric("tandem_http_refused_total", reason="connections_full")
                           + self.node.metric("tandem_http_refused_total", reason="handshakes_of_source"), 100)

    def test_plain_http_on_the_secure_port(self):
        """Also where the connection takes the room of one that was served."""
        for _ in range(20):
            self.assertEqual(self.node.http("/healthz")[0], 200)
            with self.assertRaises((ConnectionError, http.client.HTTPException, socket.timeout)):
                plain("/healthz", self.node.http_port)
        self.assertEqual(self.node.http("/healthz")[0], 200)

    def test_old_tls_is_refused(self):
        context = ssl.create_default_context(cafile=self.authority)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with socket.create_connection(self.server, 5) as sock:
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(sock, server_hostname="127.0.0.1")

    def serial(self):
        context = ssl.create_default_context(cafile=self.authority)
        with socket.create_connection(self.server, 5) as sock:
            with context.wrap_socket(sock, server_hostname="127.0.0.1") as tls:
                return tls.getpeercert()["serialNumber"]

    def test_new_certificates(self):
        """SIGHUP: handshakes show the new one, and no connection is lost."""
        folder, before = os.path.dirname(self.authority), self.serial()
        path = lambda name: os.path.join(folder, name)
        run = lambda *words: subprocess.run(["openssl", *words], check=True, capture_output=True)
        with open(path("names"), "w", encoding="ascii") as file:
            file.write("subjectAltName=IP:127.0.0.1\n")
        run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=new",
            "-keyout", path("node.key"), "-out", path("csr"))
        run("x509", "-req", "-in", path("csr"), "-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-days", "2",
            "-set_serial", "77", "-extfile", path("names"), "-out", path("node.pem"))
        self.node.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + PATIENCE_S
        while self.serial() == before and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(self.serial(), "4D")
        self.assertEqual(self.b.options().status, 200)
        self.assertFalse(self.b.lost)


    def test_zz_client_certificates(self):
        """tls.client_certificates: required holds for WSS: who shows none is not heard, and connections go on."""
        folder = os.path.dirname(self.authority)
        path = lambda name: os.path.join(folder, name)
        run = lambda *words: subprocess.run(["openssl", *words], check=True, capture_output=True)
        run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=phone",
            "-keyout", path("phone.key"), "-out", path("phone.csr"))
        run("x509", "-req", "-in", path("phone.csr"), "-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-days", "2",
            "-set_serial", "99", "-out", path("phone.pem"))

        def page(context):
            connection = http.client.HTTPSConnection(*self.server, timeout=PATIENCE_S, context=context)
            try:
                connection.request("GET", "/readyz")
                return connection.getresponse().status
            except (OSError, http.client.HTTPException):
                return 0
            finally:
                connection.close()

        def resumed(context, session=None):
            with contextlib.suppress(OSError), socket.create_connection(self.server, PATIENCE_S) as plain:
                with context.wrap_socket(plain, server_hostname=self.server[0], session=session) as link:
                    link.sendall(b"GET /readyz HTTP/1.1\r\nHost: node\r\n\r\n")
                    return link.recv(4096)[:12], link.session
            return b"", None

        bare = ssl.create_default_context(cafile=self.authority)
        known = ssl.create_default_context(cafile=self.authority)
        known.load_cert_chain(path("phone.pem"), path("phone.key"))
        self.assertEqual((page(bare), page(known)), (200, 200))
        before = resumed(bare)[1]
        self.assertEqual(resumed(bare, before)[0], b"HTTP/1.1 200")
        self.node.configure({"tls": {"client_certificates": "required", "ca": self.authority}, "http": {"tls": True}})
        self.node.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + PATIENCE_S
        while page(bare) and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual((page(bare), page(known)), (0, 200))
        self.assertEqual(resumed(bare, before)[0], b"")
        self.assertEqual(self.b.options().status, 200)
        self.refused_is_told()
        self.node.configure({"http": {"tls": True}})
        self.node.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + PATIENCE_S
        while not page(bare) and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(page(bare), 200)


    def refused_is_told(self):
        """A client without a certificate is a security event that names it."""
        told = lambda source: [e for e in self.events() if e["source"].split(":")[0] == source]
        self.wait_for(lambda: told("127.0.0.1"), "WSS")
        self.assertEqual({e["detail"] for e in told("127.0.0.1")}, {"certificate_missing"})
        self.assertIn("kind=certificate", self.node.log_tail(1000000))

    def events(self):
        """Of the stream, those about certificates."""
        with self.node.redis() as redis:
            rows = redis("XRANGE", "td:security", "-", "+")
        events = [dict(zip(fields[::2], fields[1::2])) for _, fields in rows]
        return [event for event in events if event["type"] == "certificate"]

    def wait_for(self, check, what, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while not check():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.05)


class Health(unittest.TestCase):
    def test_a_listener_of_its_own(self):
        """http.health_port has the pages, and http.port has browsers alone."""
        with Node(start=False) as node:
            port, main = node.ports.take(), node.http_port
            node.configure({"http": {"health_port": port}})
            node.http_port = port
            node.start()
            self.assertEqual(node.http("/readyz")[0], 200)
            self.assertIn("tandem_calls", node.http("/metrics")[1])
            for path in ("/healthz", "/readyz", "/metrics"):
                self.assertEqual(plain(path, main), 404)
            WebSocket(("127.0.0.1", main)).close()


class Hostile(WebSocketTest):
    """None of it costs anybody else anything, and the sanitizers find nothing."""
    settings = {"limits": {"connections_per_source": 200}}

    def tearDown(self):
        self.options(self.web())

    def test_who_is_refused(self):
        refusals = lambda reason: self.node.metric("tandem_sip_ws_refused_total", reason=reason)
        for reason, status, options in (
                ("path", 404, {"path": "/other"}), ("path", 404, {"path": "/metrics"}),
                ("path", 404, {"path": "/ws/"}), ("protocol", 400, {"protocol": "chat"}),
                ("protocol", 400, {"protocol": None}), ("protocol", 400, {"protocol": "SIP"}),
                ("origin", 403, {"origin": "http://evil.example"}), ("origin", 403, {"origin": "null"}),
                ("origin", 403, {"origin": self.here.replace("http", "https")}),
                ("origin", 403, {"origin": self.here + ".evil.example"}),
                ("origin", 403, {"origin": "http://rebound.example", "host": "rebound.example"}),
                ("origin", 403, {"origin": "http://" + 500 * "a"})):
            with self.subTest(options=options):
                before = refusals(reason)
                self.refused(status, **options)
                self.assertEqual(refusals(reason), before + 1)
        self.options(self.web(origin=self.here))
        self.assertEqual(self.web(protocol="chat, sip").protocol, "sip")

    def test_frames(self):
        """Each is answered with the end of its connection."""
        head = lambda *octets: bytes(octets)
        for name, octets in (
                ("huge", head(0x81, 0xff) + (1 << 40).to_bytes(8, "big") + b"mask" + 1000 * b"x"),
                ("negative", head(0x81, 0xff) + b"\xff" * 8 + b"mask" + 1000 * b"x"),
                ("reserved bits", frame(TEXT, b"x", reserved=7)),
                ("reserved opcode", frame(3, b"x")), ("reserved control", frame(11, b"x")),
                ("more of nothing", frame(MORE, b"x")),
                ("long ping", frame(PING, 126 * b"x")), ("ping in pieces", frame(PING, b"x", final=False)),
                ("fragments beyond the limit", frame(TEXT, b"", final=False) + 80 * frame(MORE, 1000 * b"x", final=False)),
                ("a second beginning", frame(TEXT, b"x", final=False) + frame(TEXT, b"y")),
                ("close of one octet", frame(CLOSE, b"x")), ("close", frame(CLOSE, b"\x03\xe8"))):
            with self.subTest(name):
                web = self.web()
                try:
                    web.sock.sendall(octets)
                    web.closed()
                except ConnectionError:
                    pass

    def test_not_sip(self):
        """What is no SIP in a proper frame is dropped as a datagram would be."""
        web = self.web()
        for payload in (b"", b"hello", b"\x00\xff" * 500, b"\r\n", b"INVITE"):
            web.send(payload, BINARY)
        self.options(web)

    def test_a_slow_reader(self):
        """Asks and never reads: it is cut off, and others are served meanwhile."""
        slow = self.web()
        slow.sock.settimeout(10)
        ends = lambda: self.node.metric("tandem_sip_ws_ends_total", reason="send_queue_full")
        end, sent = time.monotonic() + PATIENCE_S, 0
        try:
            while time.monotonic() < end and not ends():
                for _ in range(2000):
                    sent += 1
                    slow.send(OPTIONS % (b"WS", sent, sent))
                began = time.monotonic()
                self.options(self.web())
                self.assertLess(time.monotonic() - began, 2 * slowness())
        except (ConnectionError, socket.timeout):
            pass
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and not ends():
            time.sleep(0.05)
        self.assertEqual(ends(), 1)

    def test_a_flood(self):
        """200 connections each send 50 requests at once: all are answered."""
        def ask(web):
            web.sock.sendall(b"".join(frame(TEXT, OPTIONS % (b"WS", i, id(web) + i)) for i in range(50)))
            for _ in range(50):
                self.assertIn(b"SIP/2.0", web.receive()[1])
            done.append(web)

        done, webs = [], [self.web(seconds=30) for _ in range(100)]
        threads = [threading.Thread(target=ask, args=(web,)) for web in webs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(done), 100)
        for web in webs:
            web.close()
        time.sleep(0.3)

    def test_two_thousand_connections(self):
        """No more than one address may have; and who says nothing does not keep others out."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        other = self.web(source="127.0.0.2")
        self.options(other)
        held, refused = [], 0
        for i in range(2000):
            try:
                held.append(WebSocket(self.server, seconds=10))
            except (Refused, ConnectionError):
                refused += 1
            if i % 200 == 199:
                self.options(other, 3 + i)      # it is served meanwhile, and is no silent one, however long this takes
        time.sleep(1)
        self.assertLessEqual(sum(self.silent(web) for web in held), 200)
        self.options(other, 2)
        self.options(self.web(source="127.0.0.3"))
        for web in held:
            web.close()
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:           # their places are free again
            try:
                self.options(self.web())
                break
            except (Refused, ConnectionError):
                time.sleep(0.1)
        turned_away = (self.node.metric("tandem_http_refused_total", reason="source_full")
                       + self.node.metric("tandem_http_refused_total", reason="requests_of_source")
                       + self.node.metric("tandem_http_ended_total", reason="made_room"))
        self.assertGreaterEqual(turned_away, 1700)

    @staticmethod
    def silent(web):
        """It is there still: nothing came, neither an end nor a word of one."""
        web.sock.setblocking(False)
        try:
            web.sock.recv(1)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False


class Origins(WebSocketTest):
    settings = {"http": {"origins": ["https://phone.example.org", "http://127.0.0.1:8000"]}}

    def test_reload(self):
        """A page that is refused has a line in the log that says what to do, and that is done without a restart."""
        other = "https://other.example.org"
        self.refused(403, origin=other)
        line = next(line for line in self.node.log_text().splitlines() if "WebSocket refused" in line and other in line)
        for part in ("reason=origin", "http.origins", "origin=" + other, "source=127.0.0.1:"):
            self.assertIn(part, line)
        kept = self.web(origin=self.settings["http"]["origins"][0])
        self.options(kept)
        for origins, allowed in (([other], True), (self.settings["http"]["origins"], False)):
            self.node.configure({"http": {"tls": False, "origins": origins}})
            self.node.process.send_signal(signal.SIGHUP)
            end = time.monotonic() + PATIENCE_S
            while self.is_allowed(other) != allowed and time.monotonic() < end:
                time.sleep(0.1)
            self.assertEqual(self.is_allowed(other), allowed)
        self.options(kept)

    def is_allowed(self, origin):
        try:
            self.web(origin=origin).close()
            return True
        except Refused:
            return False

    def test_listed(self):
        for origin in self.settings["http"]["origins"]:
            self.options(self.web(origin=origin))
        for origin in (self.here, "http://phone.example.org", "https://phone.example.org:444"):
            self.refused(403, origin=origin)


if __name__ == "__main__":
    unittest.main()

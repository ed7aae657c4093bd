"""Honest phones beside an attack: they refresh their registrations and call each other, and their waits are measured."""
import hashlib
import os
import re
import select
import socket
import threading
import time

import lib

PHONES = 20
REFRESH_S, CALL_S = 0.025, 0.1      # one of the phones each time
SAY_AGAIN = (0.5, 1.5, 3.5)         # timer E; given up at 5 s
GIVE_UP_S = 5.0


class Failed(Exception):
    pass


class Phone:
    """A SIP phone over UDP with credentials that it keeps, so that a refresh is one request."""

    def __init__(self, node_port, number):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((lib.ADDRESS, 0))
        self.node, self.number, self.password = (lib.ADDRESS, node_port), number, "secret" + number
        self.port = self.sock.getsockname()[1]
        self.call_id, self.tag, self.cseq = os.urandom(8).hex(), os.urandom(4).hex(), 0
        self.challenge, self.count = None, 0

    def close(self):
        self.sock.close()

    def credentials(self, method, uri):
        """The next use of the nonce that it has (RFC 7616 3.4)."""
        if not self.challenge:
            return ""
        proxy = method != "REGISTER"
        field = lambda name: re.search(rf'{name}="([^"]*)"', self.challenge)[1]
        md5 = lambda text: hashlib.md5(text.encode()).hexdigest()
        self.count += 1
        realm, nonce, cnonce, nc = field("realm"), field("nonce"), os.urandom(8).hex(), f"{self.count:08x}"
        ha1, ha2 = md5(f"{self.number}:{realm}:{self.password}"), md5(f"{method}:{uri}")
        response = md5(f"{ha1}:{nonce}:{nc}:{cnonce}:auth:{ha2}")
        return (f'{"Proxy-" if proxy else ""}Authorization: Digest username="{self.number}", realm="{realm}", '
                f'nonce="{nonce}", uri="{uri}", response="{response}", algorithm=MD5, qop=auth, nc={nc}, '
                f'cnonce="{cnonce}"\r\n')

    def text(self, method, uri, to, call_id, cseq, rest="", body=""):
        kind = "Content-Type: application/sdp\r\n" if body else ""
        branch = f"z9hG4bK{os.urandom(8).hex()}"
        return branch, (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {lib.ADDRESS}:{self.port};rport;branch={branch}\r\n"
                        f"Max-Forwards: 70\r\nFrom: <sip:{self.number}@{lib.ADDRESS}>;tag={self.tag}\r\nTo: {to}\r\n"
                        f"Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n"
                        f"Contact: <sip:{self.number}@{lib.ADDRESS}:{self.port}>\r\n"
                        f"User-Agent: honest phone\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE\r\n"
                        f"{rest}{kind}Content-Length: {len(body)}\r\n\r\n{body}")

    def say(self, text):
        self.sock.sendto(text.encode(), self.node)

    def hear(self, want, text=None, seconds=GIVE_UP_S):
        """The next message that is wanted; text is said again while there is none."""
        began = time.monotonic()
        again = list(SAY_AGAIN) if text else []
        while True:
            now = time.monotonic() - began
            if now > seconds:
                raise Failed(f"{self.number}: no answer")
            if again and now > again[0]:
                again.pop(0)
                self.say(text)
            ready = select.select([self.sock], [], [], min([seconds - now + 0.001] + [a - now for a in again if a > now]))[0]
            if not ready:
                continue
            message = self.sock.recv(65536).decode(errors="replace")
            if want(message):
                return message

    def transact(self, method, uri, to, call_id, rest="", body=""):
        """With credentials, again where a challenge comes. The final answer and the branch."""
        for _ in range(3):
            self.cseq += 1
            branch, text = self.text(method, uri, to, call_id, self.cseq, self.credentials(method, uri) + rest, body)
            self.say(text)
            final = self.hear(lambda m: m.startswith("SIP/2.0") and not m.startswith("SIP/2.0 1") and branch in m, text)
            status = int(final.split()[1])
            if method == "INVITE" and status >= 300:
                self.say(f"ACK {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {lib.ADDRESS}:{self.port};rport;branch={branch}\r\n"
                         f"Max-Forwards: 70\r\nFrom: <sip:{self.number}@{lib.ADDRESS}>;tag={self.tag}\r\n"
                         f"To: {lib.header(final, 'To')}\r\nCall-ID: {call_id}\r\nCSeq: {self.cseq} ACK\r\n"
                         "Content-Length: 0\r\n\r\n")
            if status not in (401, 407):
                return final
            self.challenge = next(m[1] for m in re.finditer(r"^(?:WWW|Proxy)-Authenticate\s*:\s*(.*?)\r?$", final, re.M | re.I)
                                  if "MD5" in m[1])
            self.count = 0
        return final

    def register(self, expires=3600):
        uri, own = f"sip:{lib.ADDRESS}:{self.node[1]}", f"<sip:{self.number}@{lib.ADDRESS}>"
        final = self.transact("REGISTER", uri, own, self.call_id, f"Expires: {expires}\r\n")
        if not final.startswith("SIP/2.0 200"):
            raise Failed(f"{self.number}: {final.splitlines()[0]}")

    def answer(self, request, status="200 OK", sdp="", contact=""):
        copied = "".join(f"{line}\r\n" for line in request.split("\r\n")
                         if re.match(r"(via|from|call-id|cseq|record-route)\s*:", line, re.I))
        to = lib.header(request, "To")
        to += "" if "tag=" in to else f";tag={os.urandom(4).hex()}"
        contact = contact or f"<sip:{self.number}@{lib.ADDRESS}:{self.port}>"
        kind = "Content-Type: application/sdp\r\n" if sdp else ""
        self.say(f"SIP/2.0 {status}\r\n{copied}To: {to}\r\nContact: {contact}\r\n{kind}Content-Length: {len(sdp)}\r\n\r\n{sdp}")


class Call:
    """From one phone to another: begun, answered, and hung up by the caller."""

    def __init__(self, caller, callee, a_sdp=None, b_sdp=None, contact=""):
        self.caller, self.callee = caller, callee
        media = lib.Media()
        self.uri = f"sip:{callee.number}@{lib.ADDRESS}:{caller.node[1]}"
        self.call_id = os.urandom(8).hex()
        a_sdp = a_sdp or media.sdp(lib.ADDRESS, 40000 + caller.port % 10000 * 2)
        self.b_sdp = b_sdp or (lambda offer: media.sdp(lib.ADDRESS, 40000 + callee.port % 10000 * 2))
        self.contact, self.invite, self.done = contact, None, None
        listener = threading.Thread(target=self.pick_up, daemon=True)
        listener.start()
        self.final = caller.transact("INVITE", self.uri, f"<{self.uri}>", self.call_id, body=a_sdp)
        if not self.final.startswith("SIP/2.0 200"):
            raise Failed(f"call: {self.final.splitlines()[0]}")
        self.target = re.search(r"<([^>]*)>", lib.header(self.final, "Contact"))[1]
        self.caller.say(self.caller.text("ACK", self.target, lib.header(self.final, "To"), self.call_id, caller.cseq)[1])
        listener.join(1)

    def pick_up(self):
        try:
            self.invite = self.callee.hear(lambda m: m.startswith("INVITE"))
            self.callee.answer(self.invite, sdp=self.b_sdp(self.invite), contact=self.contact)
        except (Failed, OSError):
            pass

    def again(self, a_sdp, b_sdp):
        """The caller's re-INVITE with another SDP; the callee answers with b_sdp."""
        def answer():
            try:
                self.callee.answer(self.callee.hear(lambda m: m.startswith("INVITE")), sdp=b_sdp)
            except (Failed, OSError):
                pass
        listener = threading.Thread(target=answer, daemon=True)
        listener.start()
        final = self.caller.transact("INVITE", self.target, lib.header(self.final, "To"), self.call_id, body=a_sdp)
        self.caller.say(self.caller.text("ACK", self.target, lib.header(self.final, "To"), self.call_id, self.caller.cseq)[1])
        listener.join(1)
        return final

    def hang_up(self):
        caller = self.caller
        caller.cseq += 1
        _, text = caller.text("BYE", self.target, lib.header(self.final, "To"), self.call_id, caller.cseq)
        caller.say(text)
        try:
            self.callee.answer(self.callee.hear(lambda m: m.startswith("BYE"), seconds=1))
        except Failed:
            pass
        caller.hear(lambda m: m.startswith("SIP/2.0 ") and "BYE" in (lib.header(m, "CSeq") or ""), text)


class Honest:
    """All of them, in a thread, from begin() to end()."""

    def __init__(self, node, first=1001):
        self.node = node
        self.phones = []
        for i in range(PHONES):
            number = str(first + i)
            node.extension(number, "secret" + number)
            self.phones.append(Phone(node.sip_port, number))
            self.phones[-1].register()
        self.thread = None

    def close(self):
        for phone in self.phones:
            phone.close()

    def begin(self):
        self.stop, self.registers, self.calls, self.failed = threading.Event(), [], [], []
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def timed(self, waits, act):
        began = time.monotonic()
        try:
            act()
            waits.append(time.monotonic() - began)
        except (Failed, OSError) as why:
            self.failed.append(str(why))

    def run(self):
        turn, call_at = 0, time.monotonic()
        while not self.stop.is_set():
            began = time.monotonic()
            phone = self.phones[turn % PHONES]
            self.timed(self.registers, phone.register)
            if began >= call_at:
                call_at = began + CALL_S
                other = self.phones[(turn + PHONES // 2) % PHONES]
                self.timed_call(phone, other)
            turn += 1
            self.stop.wait(max(0.0, began + REFRESH_S - time.monotonic()))

    def timed_call(self, caller, callee):
        made = []
        self.timed(self.calls, lambda: made.append(Call(caller, callee)))
        for call in made:
            try:
                call.hang_up()
            except (Failed, OSError) as why:
                self.failed.append(str(why))

    def end(self):
        self.stop.set()
        self.thread.join(3 * GIVE_UP_S)
        return {"requests": len(self.registers) + len(self.calls) + len(self.failed), "failed": len(self.failed),
                "why": self.failed[:3], "register_p50_ms": share(self.registers, 0.5), "register_p99_ms": share(self.registers, 0.99),
                "call_p99_ms": share(self.calls, 0.99)}


def share(waits, part):
    """The quantile, in ms; None of nothing."""
    return round(sorted(waits)[min(len(waits) - 1, int(len(waits) * part))] * 1000, 2) if waits else None

# SPDX-License-Identifier: Apache-2.0
"""A scripted SIP user agent over UDP: nothing happens by itself except retransmission of requests."""
import secrets
import select
import threading
import time

from .media import tos_of, udp_socket
from .message import Message, address_uri, credentials, digest_fields, host_port, parameter
from . import place
from .place import PARTY
from patience import PATIENCE_S

T1, T2 = 0.5, 4.0       # RFC 3261 17.1.1.1


class SipError(AssertionError):
    """The other side did not do what the script expects."""


def bracketed(address):
    """As a URI writes it (RFC 3261 25.1): IPv6 in brackets."""
    return f"[{address}]" if ":" in address else address


class UserAgent:
    """One UDP socket with one account.  Everything received is kept in `received`."""
    transport, reliable, lost = "UDP", False, False

    def __init__(self, server, number="", password="", address=PARTY, port=0):
        self.server, self.number, self.password = server, number, password
        self.domain = ""                        # a tenant's; else it is where the node is
        self.user = ""                          # for authentication; else its number
        self._open(address, port)
        self.received, self._taken, self._news = [], set(), threading.Condition()
        self.acks = {}                  # by Call-ID and CSeq: what acknowledged a 2xx, and where it went
        self._invited = set()           # by Call-ID and CSeq
        self._answered = {}             # by transaction: its final response, and where it went
        self.ended = set()              # Call-IDs of dialogs that are over
        self._register = {"call_id": secrets.token_hex(8), "cseq": 0}
        self._closed = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def home(self):
        return self.domain or bracketed(self.server[0])

    @property
    def aor(self):
        return f"sip:{self.number}@{self.home}"

    @property
    def host_port(self):
        """Where it is, as Via and Contact write it."""
        return f"{bracketed(self.address)}:{self.port}"

    @property
    def contact(self):
        return f"<sip:{self.number}@{self.host_port}>"

    def close(self):
        """Afterwards the port is free: the reader has let go of the socket."""
        self._closed = True
        self._reader.join()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- bytes ---------------------------------------------------------------------------------
    def _open(self, address, port):
        self.socket = udp_socket(address, port)
        self.address, self.port = self.socket.getsockname()[:2]

    def _read(self):
        while not self._closed:
            if not select.select([self.socket], [], [], 0.05)[0]:
                continue
            try:
                data, ancillary, _, source = self.socket.recvmsg(65536, 64)
            except OSError:             # ICMP
                continue
            if not data.strip():            # keep-alive
                continue
            self._keep(data, source, tos_of(ancillary))

    def _keep(self, data, source, tos=None):
        message = Message.parse(data)
        message.at, message.source, message.tos = time.monotonic(), source, tos
        with self._news:
            self.received.append(message)
            self._news.notify_all()
        again = message.status in range(200, 300) and message.method == "INVITE" and self.acks.get((message.call_id, message.cseq))
        if again:                       # our ACK was lost (RFC 3261 13.2.2.4), perhaps with the node
            self.send(*again)
        if message.is_request:
            self._keep_request(message)

    def _keep_request(self, message):
        """A copy of a request is answered as that was (RFC 3261 17.2): our answer was lost, perhaps with the node."""
        answered = self._answered.get(message.transaction)
        if answered and not (message.method == "INVITE" and self.acknowledged(message)):
            self.send(*answered)
        elif not answered and message.method == "BYE" and message.call_id in self.ended:        # another node says BYE once more (15.1.2)
            self.respond(message, 481, "Call/Transaction Does Not Exist")

    def acknowledged(self, invite):
        return self.count(lambda m: m.is_request and m.method == "ACK" and (m.call_id, m.cseq) == (invite.call_id, invite.cseq))

    def send(self, message, to=None):
        """A Message, or bytes as they are."""
        data = message.bytes() if isinstance(message, Message) else message
        self.socket.sendto(data, to or self.server)

    def take(self, wanted, seconds=PATIENCE_S, what="message"):
        """The first message not taken before for which wanted(message) is true; waits for it."""
        end = time.monotonic() + seconds
        with self._news:
            while True:
                for i, message in enumerate(self.received):
                    if i not in self._taken and wanted(message):
                        self._taken.add(i)
                        return message
                left = end - time.monotonic()
                if left <= 0:
                    lost = " and its connection is closed" if getattr(self, "lost", False) else ""
                    raise SipError(f"{self.number}: no {what} in {seconds} s{lost}; received {self.received}")
                self._news.wait(left)

    def take_request(self, method, seconds=PATIENCE_S, call_id=None):
        """The next one, and no copy of one that is answered: a node that had no answer in time has said its request again."""
        return self.take_one_of((method,), seconds, call_id, method)

    def take_one_of(self, methods, seconds, call_id, what):
        return self.take(lambda m: m.is_request and m.method in methods and call_id in (None, m.call_id)
                         and m.transaction not in self._answered, seconds, what)

    def forget(self):
        """What was received so far: a long run looks at all of it for each message."""
        with self._news:
            self.received.clear()
            self._taken.clear()
            self._answered.clear()

    def count(self, wanted):
        """How many messages received so far satisfy wanted(message), taken or not."""
        with self._news:
            return sum(1 for message in self.received if wanted(message))

    # -- requests ------------------------------------------------------------------------------
    def _via(self, branch):
        return f"SIP/2.0/{self.transport} {self.host_port};branch={branch};rport"

    def request(self, method, uri, headers=(), body=b"", content_type="application/sdp",
                call_id=None, cseq=1, from_=None, to=None, branch=None):
        """A new request as a value: change it at will, then send() or transact() it."""
        branch = branch or "z9hG4bK" + secrets.token_hex(8)
        message = Message(f"{method} {uri} SIP/2.0", [
            ("Via", self._via(branch)),
            ("Max-Forwards", "70"),
            ("From", from_ or f"<{self.aor}>;tag={secrets.token_hex(4)}"),
            ("To", to or f"<{uri}>"),
            ("Call-ID", call_id or secrets.token_hex(8)),
            ("CSeq", f"{cseq} {method}"),
            ("Contact", self.contact), *headers],
            body.encode() if isinstance(body, str) else body)
        if message.body:
            message.headers.append(("Content-Type", content_type))
        return message

    def transact(self, request, seconds=PATIENCE_S, to=None, provisional=None):
        """Sends until answered (timers A and E) and returns the final response; an ACK to a failure
        of INVITE is sent, one to its success is not.  Provisional responses are appended."""
        invite, interval = request.method == "INVITE", T1
        end, again, provisional = time.monotonic() + seconds, 0.0, [] if provisional is None \
            else provisional

        def mine(message):
            return (not message.is_request and message.branch == request.branch
                    and message.method == request.method)

        while True:
            now = time.monotonic()
            if now >= end:
                raise SipError(f"{self.number}: {request} not answered in {seconds} s; "
                               f"received {self.received}")
            if now >= again and not (invite and provisional):
                self.send(request, to)
                if self.reliable:
                    again = end
                    continue
                again, interval = now + interval, interval * 2 if invite else min(T2, interval * 2)
            try:
                until = min(again if again > now else end, end, now + 0.25 if self.reliable else end)
                response = self.take(mine, max(0.001, until - now))
            except SipError:
                if self.lost and request.method == "REGISTER":      # a phone connects again
                    raise ConnectionResetError(f"{self.number}: the connection is lost") from None
                continue
            if response.status < 200:
                provisional.append(response)
                continue
            if invite and response.status >= 300:
                self.send(self.ack_of_failure(request, response), to)
            return response

    @staticmethod
    def ack_of_failure(invite, response):
        """RFC 3261 17.1.1.3: same branch as the INVITE, To of the response."""
        headers = [("Via", invite.get("Via")), ("Max-Forwards", "70"),
                   ("From", invite.get("From")), ("To", response.get("To")),
                   ("Call-ID", invite.call_id), ("CSeq", f"{invite.cseq} ACK")]
        headers += [("Route", value) for value in invite.all("Route")]
        return Message(f"ACK {invite.uri} SIP/2.0", headers)

    def authorize(self, request, response, algorithm=None, password=None):
        """The same request again, with credentials, a new branch and the next CSeq."""
        proxy = response.status == 407
        challenges = response.all("Proxy-Authenticate" if proxy else "WWW-Authenticate")
        challenge = next((c for c in challenges if algorithm in (
            None, digest_fields(c).get("algorithm", "MD5"))), None)
        if challenge is None:
            raise SipError(f"no challenge with {algorithm}: {challenges}")
        again = Message(request.start, request.headers, request.body)
        again.set("CSeq", f"{request.cseq + 1} {request.method}")
        again.set("Via", self._via("z9hG4bK" + secrets.token_hex(8)))
        again.set("Proxy-Authorization" if proxy else "Authorization", credentials(
            challenge, request.method, request.uri, self.user or self.number, password or self.password))
        return again

    def transact_authorized(self, request, seconds=PATIENCE_S, algorithm=None, provisional=None):
        """transact(), and once more with credentials if asked for.  (request, response) as sent."""
        response = self.transact(request, seconds, provisional=provisional)
        if response.status in (401, 407):
            request = self.authorize(request, response, algorithm)
            response = self.transact(request, seconds, provisional=provisional)
        return request, response

    def register(self, expires=600, contact=None, algorithm=None, headers=(), seconds=PATIENCE_S):
        """REGISTER with credentials if asked for; the final response."""
        self._register["cseq"] += 1
        request = self.request("REGISTER", f"sip:{self.home}", call_id=self._register["call_id"],
                               cseq=self._register["cseq"], to=f"<{self.aor}>",
                               headers=[("Expires", str(expires)), *headers])
        request.set("Contact", contact or self.contact)
        server, self.server = self.server, place.registrar(self.server)
        try:
            sent, response = self.transact_authorized(request, seconds, algorithm)
        finally:
            self.server = server
        self._register["cseq"] = sent.cseq
        return response

    def new_call_id(self):
        """As if it had been started anew."""
        self._register = {"call_id": secrets.token_hex(8), "cseq": 0}

    def options(self, seconds=PATIENCE_S):
        return self.transact(self.request("OPTIONS", f"sip:{self.home}"), seconds)

    # -- responses -----------------------------------------------------------------------------
    def respond(self, request, status, reason="", to_tag=None, headers=(), body=b""):
        """Answers a request on the way it came; the Message sent."""
        to = request.get("To")
        if to_tag and not parameter(to, "tag"):
            to += f";tag={to_tag}"
        response = Message(f"SIP/2.0 {status} {reason or 'Reason'}", [
            *(("Via", value) for value in request.all("Via")),
            *(("Record-Route", value) for value in request.all("Record-Route")),
            ("From", request.get("From")), ("To", to), ("Call-ID", request.call_id),
            ("CSeq", request.get("CSeq")), *headers],
            body.encode() if isinstance(body, str) else body)
        if response.body:
            response.headers.append(("Content-Type", "application/sdp"))
        if status >= 200:
            self._answered[request.transaction] = response, request.source
        self.send(response, request.source)
        return response

    # -- calls ---------------------------------------------------------------------------------
    def invite(self, number, body, headers=(), content_type="application/sdp"):
        """Starts a call in the background, to a number or a URI; see OutgoingCall."""
        place.call(self.server)
        return OutgoingCall(self, number, body, headers, content_type)

    def incoming(self, seconds=PATIENCE_S):
        """Waits for an INVITE outside a dialog. Further copies of one that was taken are none."""
        invite = self.take(lambda m: m.is_request and m.method == "INVITE" and not parameter(m.get("To"), "tag")
                           and (m.call_id, m.cseq) not in self._invited, seconds, "INVITE")
        self._invited.add((invite.call_id, invite.cseq))
        return IncomingCall(self, invite)


def or_none(wait, *arguments):
    """What wait(...) returns, or None when nothing came in time: from a peer that is free to say nothing.  What came is the caller's to judge."""
    try:
        return wait(*arguments)
    except SipError:
        return None


class Dialog:
    """What both kinds of call share once there are two tags."""

    def __init__(self, agent, call_id):
        self.agent, self.call_id = agent, call_id
        self.local = self.remote = self.target = None
        self.routes, self.cseq = [], 0

    def in_dialog(self, method, headers=(), body=b"", cseq=None):
        """A request inside the dialog as a value (RFC 3261 12.2.1.1)."""
        if cseq is None:
            self.cseq += 1
        return self.agent.request(method, self.target, call_id=self.call_id,
                                  cseq=self.cseq if cseq is None else cseq,
                                  from_=self.local, to=self.remote, body=body,
                                  headers=[*(("Route", route) for route in self.routes), *headers])

    def next_hop(self):
        return host_port(address_uri(self.routes[0]) if self.routes else self.target)

    def transact(self, request, seconds=PATIENCE_S):
        return self.agent.transact(request, seconds, self.next_hop())

    def bye(self, seconds=PATIENCE_S):
        response = self.transact(self.in_dialog("BYE"), seconds)
        if response.status != 200:
            raise SipError(f"BYE answered with {response.start}")
        return response

    def wait_bye(self, seconds=PATIENCE_S):
        """Waits for BYE and answers it."""
        request = self.agent.take_request("BYE", seconds, self.call_id)
        self.agent.respond(request, 200, "OK")
        self.agent.ended.add(self.call_id)
        return request

    def reinvite(self, sdp, seconds=PATIENCE_S, answer=b"", headers=()):
        """An INVITE inside the dialog; its final response, acknowledged (with `answer` to a late offer)."""
        request = self.in_dialog("INVITE", headers, sdp)
        response = self.transact(request, seconds)
        if response.status < 300:
            self._acknowledge(request.cseq, answer)
        return response

    def take_reinvite(self, seconds=PATIENCE_S, methods=("INVITE",)):
        request = self.agent.take_one_of(methods, seconds, self.call_id, "re-INVITE")
        self.target = address_uri(request.get("Contact"))   # RFC 3261 12.2.2
        return request

    def wait_reinvite(self, sdp, seconds=PATIENCE_S):
        """Answers an INVITE or UPDATE inside the dialog with 200 and this SDP; the request."""
        request = self.take_reinvite(seconds, ("INVITE", "UPDATE"))
        self.agent.respond(request, 200, "OK", headers=[("Contact", self.agent.contact)], body=sdp)
        return request

    def _acknowledge(self, cseq, body=b""):
        self.ack = self.in_dialog("ACK", cseq=cseq, body=body)
        self.agent.send(self.ack, self.next_hop())
        self.agent.acks[self.call_id, cseq] = self.ack, self.next_hop()


class OutgoingCall(Dialog):
    """INVITE sent from a thread of its own, with credentials if asked for."""

    def __init__(self, agent, number, body, headers=(), content_type="application/sdp"):
        super().__init__(agent, secrets.token_hex(8))
        uri = number if number.startswith("sip:") else f"sip:{number}@{agent.home}"
        self.request = agent.request("INVITE", uri, headers, body, content_type, call_id=self.call_id)
        self.response, self.provisional, self.error = None, [], None
        self.started = time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            response = self.agent.transact(self.request, 60.0, provisional=self.provisional)
            if response.status in (401, 407):
                self.request = self.agent.authorize(self.request, response)
                response = self.agent.transact(self.request, 60.0, provisional=self.provisional)
            self.response = response
        except Exception as error:              # shown by whoever waits for the answer
            self.error = error

    def wait_provisional(self, status, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while True:
            found = [m for m in list(self.provisional) if m.status == status]
            if found:
                return found[0]
            if time.monotonic() > end or self.error:
                raise SipError(f"no {status} in {seconds} s, but {self.provisional} "
                               f"{self.response} {self.error or ''}")
            time.sleep(0.005)

    def wait_final(self, seconds=PATIENCE_S, answer=b""):
        """The final response; a success is acknowledged (with `answer` to a late offer) and makes the dialog."""
        self._thread.join(seconds)
        if self.error:
            raise self.error
        if self.response is None:
            heard = [m for m in list(self.agent.received) if m.call_id == self.request.call_id]
            raise SipError(f"{self.request} has no final response in {seconds} s, but {heard}")
        if self.response.status < 300 and self.target is None:
            self.local, self.remote = self.request.get("From"), self.response.get("To")
            self.target = address_uri(self.response.get("Contact"))
            self.routes = list(reversed(self.response.all("Record-Route")))
            self.cseq = self.request.cseq
            self._acknowledge(self.cseq, answer)
        return self.response

    def wait_answer(self, seconds=PATIENCE_S, answer=b""):
        response = self.wait_final(seconds, answer)
        if response.status >= 300:
            raise SipError(f"not answered: {response.start}")
        return response

    def cancel(self, seconds=PATIENCE_S):
        """CANCEL; its own response.  The INVITE's 487 comes from wait_final()."""
        cancel = Message(f"CANCEL {self.request.uri} SIP/2.0", [
            ("Via", self.request.get("Via")), ("Max-Forwards", "70"),
            ("From", self.request.get("From")), ("To", self.request.get("To")),
            ("Call-ID", self.call_id), ("CSeq", f"{self.request.cseq} CANCEL")])
        return self.agent.transact(cancel, seconds)


class IncomingCall(Dialog):
    """A received INVITE; the script says what to answer."""

    def __init__(self, agent, invite):
        super().__init__(agent, invite.call_id)
        self.request, self.tag = invite, secrets.token_hex(4)
        self.local, self.remote = f"{invite.get('To')};tag={self.tag}", invite.get("From")
        self.target = address_uri(invite.get("Contact"))
        self.routes = invite.all("Record-Route")
        self.last = None                        # response, for retransmission by the script

    def respond(self, status, reason="", headers=(), body=b""):
        self.last = self.agent.respond(self.request, status, reason, self.tag,
                                       [("Contact", self.agent.contact), *headers], body)
        return self.last

    def ring(self):
        return self.respond(180, "Ringing")

    def answer(self, sdp, ack=True, seconds=PATIENCE_S):
        """200 with SDP, and the ACK that confirms it (None if not waited for)."""
        self.respond(200, "OK", body=sdp)
        return self.wait_ack(seconds) if ack else None

    def wait_ack(self, seconds=PATIENCE_S):
        return self.agent.take_request("ACK", seconds, self.call_id)

    def reject(self, status, reason="", seconds=PATIENCE_S):
        """A failure, and the ACK that ends the transaction."""
        self.respond(status, reason)
        return self.wait_ack(seconds)

    def reject_to(self, contact, status=302, seconds=PATIENCE_S):
        """A redirection, and its ACK."""
        self.last = self.agent.respond(self.request, status, "Moved", self.tag, [("Contact", contact)])
        return self.wait_ack(seconds)

    def is_cancel_or_again(self, m):
        return m.is_request and m.call_id == self.call_id and (m.method == "CANCEL" or (
            self.last is not None and m.method == "INVITE" and m.branch == self.request.branch))

    def wait_cancel(self, seconds=PATIENCE_S):
        """CANCEL answered with 200, the INVITE with 487. A node that was killed may not know of our 180, and then says the INVITE again: so do we
        our answer (RFC 3261 17.2.1), without which there is no CANCEL (9.1)."""
        while (request := self.agent.take(self.is_cancel_or_again, seconds, "CANCEL")).method == "INVITE":
            self.agent.send(self.last)
        self.agent.respond(request, 200, "OK", self.tag)
        self.respond(487, "Request Terminated")
        self.wait_ack(seconds)
        return request

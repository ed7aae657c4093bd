# SPDX-License-Identifier: Apache-2.0
"""A scripted external recorder (SIPREC, RFC 7866): takes sessions, reads their metadata, hears both streams."""
import email
import re
import struct
import xml.etree.ElementTree as ElementTree

from .media import Media, sdp_address
from .sip import IncomingCall, UserAgent
from .srtp import Key
from patience import PATIENCE_S

SENDER_REPORT, NTP_1970 = 200, 2208988800
SPACE = "{urn:ietf:params:xml:ns:recording:1}"


class Told:
    """What one INVITE says: its SDP, line by line, and its metadata."""

    def __init__(self, message):
        head = f"Content-Type: {message.get('Content-Type')}\r\n\r\n".encode()
        self.parts = email.message_from_bytes(head + message.body).get_payload()
        self.types = [part.get_content_type() for part in self.parts]
        self.disposition = self.parts[1].get("Content-Disposition")
        self.sdp = self.parts[0].get_payload(decode=True).decode()
        self.lines = ["m=" + line for line in re.split(r"^m=", self.sdp, flags=re.M)[1:]]
        self.xml = ElementTree.fromstring(self.parts[1].get_payload(decode=True))

    def labels(self):
        return [re.search(r"^a=label:(\S+)", line, re.M)[1] for line in self.lines]

    def directions(self):
        return [re.search(r"^a=(sendonly|inactive|sendrecv|recvonly)", line, re.M)[1] for line in self.lines]

    def session(self):
        return self.xml.find(SPACE + "session").get("session_id")

    def senders(self):
        """By the label of a stream: the address of record of who sends it."""
        labels = {node.get("stream_id"): node.findtext(SPACE + "label") for node in self.xml.findall(SPACE + "stream")}
        aors = {node.get("participant_id"): node.find(SPACE + "nameID").get("aor") for node in self.xml.findall(SPACE + "participant")}
        return {labels[sent.text]: aors[node.get("participant_id")]
                for node in self.xml.findall(SPACE + "participantstreamassoc") for sent in node.findall(SPACE + "send")}


class Report:
    """One compound of RTCP (RFC 3550 6): SR, and SDES with the CNAME."""

    def __init__(self, data):
        _, self.kind, words, self.ssrc = struct.unpack("!BBHI", data[:8])
        if self.kind == SENDER_REPORT:
            self.seconds, fraction, self.timestamp, self.packets, _ = struct.unpack("!IIIII", data[8:28])
            self.utc = self.seconds - NTP_1970 + fraction / 2**32
        sdes = data[4 * (words + 1):]
        self.cname = sdes[10:10 + sdes[9]].decode()


def lost(ssrc, count):
    """A receiver report: so many packets of that source did not come."""
    return struct.pack("!BBHI", 0x81, 201, 7, 99) + struct.pack("!IIIIII", ssrc, count, 0, 0, 0, 0)


class Session(IncomingCall):
    """One recording session."""

    def __init__(self, recorder, invite):
        super().__init__(recorder, invite)
        self.told, self.newest = Told(invite), invite.cseq

    def sdp(self, told):
        for line, end in zip(told.lines, self.agent.ends):
            end.key_in, end.highest = Key.of_sdp(line), None
            end.key_out = Key() if end.key_in else None
        lines = zip(told.lines, self.agent.ends)
        return (f"v=0\r\no=- 1 1 {sdp_address(self.agent.address)}\r\ns=-\r\nc={sdp_address(self.agent.address)}\r\nt=0 0\r\n"
                + "".join(f"m=audio {end.port} {line.split()[2]} {' '.join(line.splitlines()[0].split()[3:])}\r\n"
                          f"{end.key_out.line() if end.key_in else ''}"
                          f"a={'inactive' if 'a=inactive' in line else 'recvonly'}\r\n" for line, end in lines))

    def wants_to_know(self, realm):
        """401, and its ACK."""
        self.agent.respond(self.request, 401, "Unauthorized", self.tag,
                           [("WWW-Authenticate", f'Digest realm="{realm}", nonce="abc", qop="auth"')])
        self.wait_ack()

    def take(self):
        self.answer(self.sdp(self.told))
        return self

    def take_again(self):
        """The next INVITE within the session is answered; what it says. A copy of one before is none."""
        request = self.agent.take(lambda m: m.is_request and m.method == "INVITE" and m.call_id == self.call_id
                                  and m.cseq > self.newest, PATIENCE_S, "re-INVITE")
        self.newest = request.cseq
        told = Told(request)
        self.agent.respond(request, 200, "OK", headers=[("Contact", self.agent.contact)], body=self.sdp(told))
        self.wait_ack()
        return told


class Recorder(UserAgent):
    """Its two ends hear the streams of the newest session."""

    def __init__(self, node):
        super().__init__(node.server, "recorder")
        self.ends = [Media(node.ports) for _ in range(2)]

    def reports(self, end):
        """What RTCP has said of a stream so far."""
        packets = [data for _, _, data in list(end.rtcp_packets)]
        if end.key_in:
            packets = filter(None, map(end.key_in.unprotect_rtcp, packets))
        return [Report(data) for data in packets]

    def reports_lost(self, end, count):
        """To where its reports come from: of its source so many packets are lost."""
        data = lost(end.packets[-1].ssrc, count)
        end.rtcp.sendto(end.key_out.protect_rtcp(data, 1) if end.key_out else data, end.rtcp_packets[-1][1])

    def close(self):
        for end in self.ends:
            end.close()
        super().close()

    def asked(self):
        call = self.incoming()
        return Session(self, call.request)

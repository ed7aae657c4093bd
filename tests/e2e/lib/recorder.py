# SPDX-License-Identifier: Apache-2.0
"""A scripted external recorder (SIPREC, RFC 7866): takes sessions, reads their metadata, hears both streams."""
import email
import re
import xml.etree.ElementTree as ElementTree

from .media import Media, sdp_address
from .sip import IncomingCall, UserAgent
from .srtp import Key

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


class Session(IncomingCall):
    """One recording session."""

    def __init__(self, recorder, invite):
        super().__init__(recorder, invite)
        self.told = Told(invite)

    def sdp(self, told):
        for line, end in zip(told.lines, self.agent.ends):
            end.key_in, end.highest = Key.of_sdp(line), None
        lines = zip(told.lines, self.agent.ends)
        return (f"v=0\r\no=- 1 1 {sdp_address(self.agent.address)}\r\ns=-\r\nc={sdp_address(self.agent.address)}\r\nt=0 0\r\n"
                + "".join(f"m=audio {end.port} {line.split()[2]} {' '.join(line.splitlines()[0].split()[3:])}\r\n"
                          f"{Key().line() if end.key_in else ''}"
                          f"a={'inactive' if 'a=inactive' in line else 'recvonly'}\r\n" for line, end in lines))

    def take(self):
        self.answer(self.sdp(self.told))
        return self

    def take_again(self):
        """The next INVITE within the session is answered; what it says."""
        request = self.take_reinvite()
        told = Told(request)
        self.agent.respond(request, 200, "OK", headers=[("Contact", self.agent.contact)], body=self.sdp(told))
        self.wait_ack()
        return told


class Recorder(UserAgent):
    """Its two ends hear the streams of the newest session."""

    def __init__(self, node):
        super().__init__(node.server, "recorder")
        self.ends = [Media(node.ports) for _ in range(2)]

    def close(self):
        for end in self.ends:
            end.close()
        super().close()

    def asked(self):
        call = self.incoming()
        return Session(self, call.request)

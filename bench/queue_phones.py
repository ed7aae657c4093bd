# SPDX-License-Identifier: Apache-2.0
"""Phones of callers and agents of queues: thousands of dialogs over one socket, without media. Callers offer sendonly, so nothing is sent to them."""
import collections
import os
import re
import select
import socket
import time

import lib

SILENT = "a=sendonly\r\n"
AGAIN_S, GIVES_UP_S = 0.5, 16


def fields(message):
    """First line; header fields that are looked at, of which Via is a list."""
    head = message.split("\r\n\r\n", 1)[0].split("\r\n")
    found = {"via": []}
    for line in head[1:]:
        name, _, value = line.partition(":")
        name = name.strip().lower()
        if name == "via":
            found["via"].append(line)
        else:
            found[name] = value.strip()
    return head[0], found


class Dialog:
    """One call of one phone. target: where its requests go."""

    def __init__(self, phones, user, call_id, local, remote, target, sdp):
        self.phones, self.user, self.call_id, self.local, self.remote, self.target, self.sdp = phones, user, call_id, local, remote, target, sdp
        self.cseq, self.branch, self.answer, self.invite = 1, "", None, None
        self.up = False

    def send(self, method, to=None, cseq=None, body=""):
        branch = "z9hG4bK" + os.urandom(6).hex()
        text = self.phones.request(method, self.target, self.local, to or self.remote, self.call_id, cseq or self.cseq, self.user, branch, body)
        if method == "INVITE":
            self.branch = branch
        if method != "ACK":
            self.phones.waits[self.call_id, self.cseq, method] = [time.monotonic() + AGAIN_S, time.monotonic() + GIVES_UP_S, AGAIN_S, text]
        return text

    def cancel(self):
        """Gives up before the answer (RFC 3261 9.1)."""
        text = self.phones.request("CANCEL", self.target, self.local, self.remote, self.call_id, self.cseq, self.user, self.branch)
        self.phones.waits[self.call_id, self.cseq, "CANCEL"] = [time.monotonic() + AGAIN_S, time.monotonic() + GIVES_UP_S, AGAIN_S, text]

    def bye(self):
        self.cseq += 1
        self.up = False
        self.send("BYE")


class Phones:
    """answered(dialog), rung(dialog), over(dialog): what happens to them; refused(dialog, status). rung returns whether it answers at once."""

    def __init__(self, node_port, answered=None, rung=None, over=None, refused=None):
        self.node = lib.ADDRESS, node_port
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_RCVBUFFORCE", 33), 1 << 25)
        self.sock.bind((lib.ADDRESS, 0))
        self.port = self.sock.getsockname()[1]
        self.dialogs, self.waits = {}, {}
        self.ended = collections.deque(maxlen=1000)     # Call-IDs: a copy of an INVITE may come behind its end
        nothing = lambda *_: None
        self.answered, self.rung, self.over, self.refused = answered or nothing, rung or (lambda _: True), over or nothing, refused or nothing

    def request(self, method, uri, local, remote, call_id, cseq, user, branch, body=""):
        content = "Content-Type: application/sdp\r\n" if body else ""
        text = (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {lib.ADDRESS}:{self.port};rport;branch={branch}\r\nMax-Forwards: 70\r\n"
                f"From: {local}\r\nTo: {remote}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n"
                f"Contact: <sip:{user}@{lib.ADDRESS}:{self.port}>\r\n{content}Content-Length: {len(body)}\r\n\r\n{body}")
        self.sock.sendto(text.encode(), self.node)
        return text

    def register(self, user, password):
        lib.register(self.node[1], user, password, self.port, sock=self.sock)
        self.sock.setblocking(True)     # it has given it a timeout

    def sdp(self, silent):
        return lib.Media().sdp(lib.ADDRESS, 9) + (SILENT if silent else "")

    def call(self, user, number, silent=True, name="", **media):
        """name: as it is between quotation marks; media: for sdp."""
        uri = f"sip:{number}@{lib.ADDRESS}:{self.node[1]}"
        dialog = Dialog(self, user, os.urandom(8).hex(), f'{name and chr(34) + name + chr(34)} <sip:{user}@{lib.ADDRESS}>;tag={os.urandom(4).hex()}', f"<{uri}>", uri, self.sdp(silent, **media))
        self.dialogs[dialog.call_id] = dialog
        dialog.send("INVITE", body=dialog.sdp)
        return dialog

    # ---- what comes ----

    def respond(self, line, found, status, dialog=None, body=""):
        to = found["to"] if ";tag=" in found["to"] or not dialog else dialog.local
        contact = f"Contact: <sip:{dialog.user}@{lib.ADDRESS}:{self.port}>\r\n" if dialog else ""
        content = "Content-Type: application/sdp\r\n" if body else ""
        text = "\r\n".join([f"SIP/2.0 {status}", *found["via"]]) + (
            f"\r\nFrom: {found['from']}\r\nTo: {to}\r\nCall-ID: {found['call-id']}\r\nCSeq: {found['cseq']}\r\n{contact}{content}"
            f"Content-Length: {len(body)}\r\n\r\n{body}")
        self.sock.sendto(text.encode(), self.node)
        return text

    def on_response(self, line, found):
        status, (cseq, method) = int(line.split()[1]), found["cseq"].split()
        dialog = self.dialogs.get(found["call-id"])
        if status >= 200:
            waited = self.waits.pop((found["call-id"], int(cseq), method), None)
        if not dialog or status < 200:
            return
        if method == "INVITE" and status < 300:
            dialog.remote, dialog.target = found["to"], re.search(r"<([^>]*)>", found["contact"])[1]
            dialog.send("ACK", cseq=int(cseq))
            if waited:
                dialog.up = True
                self.answered(dialog)
        elif method == "INVITE":
            self.request("ACK", dialog.target, dialog.local, found["to"], dialog.call_id, int(cseq), dialog.user, dialog.branch)
            if waited:
                self.refused(dialog, status)
                self.end(dialog)
        elif method == "BYE" and waited:
            self.end(dialog)

    def end(self, dialog):
        self.waits.pop((dialog.call_id, "200"), None)
        if self.dialogs.pop(dialog.call_id, None):
            self.ended.append(dialog.call_id)
            self.over(dialog)

    def on_invite(self, line, found):
        dialog = self.dialogs.get(found["call-id"])
        if dialog and dialog.invite == found["cseq"]:       # again
            if dialog.answer:
                self.sock.sendto(dialog.answer.encode(), self.node)
            return
        if not dialog and found["call-id"] in self.ended:
            self.respond(line, found, "487 Request Terminated")
            return
        if not dialog:
            user = re.match(r"INVITE sip:([^@]*)@", line)[1]
            dialog = Dialog(self, user, found["call-id"], f"{found['to']};tag={os.urandom(4).hex()}", found["from"],
                            re.search(r"<([^>]*)>", found["contact"])[1], self.sdp(False))
            self.dialogs[dialog.call_id] = dialog
            dialog.invite, dialog.found = found["cseq"], found
            self.respond(line, found, "180 Ringing", dialog)
            if self.rung(dialog):
                self.take(dialog)
            return
        dialog.invite = found["cseq"]
        dialog.answer = self.respond(line, found, "200 OK", dialog, dialog.sdp)

    def take(self, dialog):
        """Who rings answers, again and again until the ACK (RFC 3261 13.3.1.4)."""
        dialog.answer = self.respond("", dialog.found, "200 OK", dialog, dialog.sdp)
        self.waits[dialog.call_id, "200"] = [time.monotonic() + AGAIN_S, time.monotonic() + GIVES_UP_S, AGAIN_S, dialog.answer]

    def on_request(self, line, found):
        method, dialog = line.split()[0], self.dialogs.get(found["call-id"])
        if method == "INVITE":
            self.on_invite(line, found)
        elif method == "ACK":
            self.waits.pop((found["call-id"], "200"), None)
            if dialog and dialog.answer and not dialog.up:
                dialog.up = True
                self.answered(dialog)
        elif method == "CANCEL":
            self.respond(line, found, "200 OK", dialog)
            if dialog and not dialog.answer:
                self.respond(line, dialog.found, "487 Request Terminated", dialog)
                self.end(dialog)
        else:
            self.respond(line, found, "200 OK", dialog)
            if method == "BYE" and dialog:
                self.end(dialog)

    def turn(self, seconds):
        """Reads what comes within that time."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if not select.select([self.sock], [], [], max(0, min(left, 0.02)))[0]:
                self.again()
                if left <= 0:
                    return
                continue
            for _ in range(64):
                try:
                    message = self.sock.recv(65536, socket.MSG_DONTWAIT).decode()
                except BlockingIOError:
                    break
                line, found = fields(message)
                (self.on_response if line.startswith("SIP/2.0") else self.on_request)(line, found)
            if left <= 0:
                return

    def until(self, check, seconds):
        end = time.monotonic() + seconds
        while not check():
            if time.monotonic() > end:
                return False
            self.turn(0.005)
        return True

    def again(self):
        """Retransmissions (RFC 3261 17.1): of all requests, as they are few."""
        now = time.monotonic()
        for key, wait in list(self.waits.items()):
            if now < wait[0]:
                continue
            if now > wait[1]:
                del self.waits[key]
                continue
            wait[2] *= 2
            wait[0] = now + wait[2]
            self.sock.sendto(wait[3].encode(), self.node)

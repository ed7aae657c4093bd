# SPDX-License-Identifier: Apache-2.0
"""Attacks on the SIP ports from a process of their own: python3 assault.py with a plan (JSON) on stdin; answers JSON.

A plan names the attack, a function below, and has its arguments.  Octets are hexadecimal.
"""
import json
import select
import socket
import ssl
import struct
import sys
import time


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def opened(to, source=None, seconds=30.0):
    sock = socket.socket(family(to[0]), socket.SOCK_STREAM)
    sock.settimeout(seconds)
    if source:
        sock.setsockopt(socket.IPPROTO_IP, 24, 1)       # IP_BIND_ADDRESS_NO_PORT: one port serves many peers
        sock.bind((source, 0))
    sock.connect(tuple(to))
    return sock


def reset(sock):
    """Closes with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def ended(sock):
    """Whether the other side has closed; what it said before is thrown away."""
    sock.setblocking(False)
    try:
        while data := sock.recv(65536):
            pass
        return not data
    except BlockingIOError:
        return False
    except OSError:
        return True


def connections(to, sources, count, say="", hold=1.0):
    """Opens many, says this on each, holds them."""
    held, failed = [], 0
    for i in range(count):
        try:
            sock = opened(to, sources[i % len(sources)])
            sock.sendall(bytes.fromhex(say))
            held.append(sock)
        except OSError:
            failed += 1
    print(json.dumps({"held": len(held)}), flush=True)
    time.sleep(hold)
    refused = sum(ended(sock) for sock in held)
    for sock in held:
        sock.close()
    return {"open": len(held) - refused, "refused": refused + failed}


def handshakes(to, sources, seconds):
    """Whole TLS handshakes, one after another, each given up at once; at least until one is refused."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    done, refused, end = 0, 0, time.monotonic() + seconds
    while time.monotonic() < end + (0 if refused else 20):
        try:
            with context.wrap_socket(opened(to, sources[done % len(sources)])):
                done += 1
        except OSError:
            refused += 1
    return {"done": done}


def resets(to, sources, count, say):
    """Connections that say something and are torn down at once, every other one by RST."""
    data, failed = bytes.fromhex(say), 0
    for i in range(count):
        try:
            sock = opened(to, sources[i % len(sources)])
            sock.sendall(data)
            reset(sock) if i % 2 else sock.close()
        except OSError:
            failed += 1
    return {"failed": failed}


def beckon(to, source, request, count, hold=1.0):
    """Requests whose answers the node can give only over a connection to a port where nobody ever answers."""
    listeners, fillers = [], []
    for n in range(count):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind((source, 0))
        listener.listen(0)
        for _ in range(3):              # its queue is full: further ones are not even refused
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
            fillers.append(sock)
        listeners.append(listener)
    for n, listener in enumerate(listeners):
        try:
            sock = opened(to, source)
            sock.sendall(request.replace("{n}", str(n)).replace("{port}", str(listener.getsockname()[1])).encode())
            sock.close()
        except OSError:
            pass
    print(json.dumps({"beckoned": count}), flush=True)
    time.sleep(hold)
    return {"listeners": len(listeners), "fillers": len(fillers)}


def drips(to, says, limit, every=1.0):
    """On one connection each of these, an octet at a time; how long each of them lived."""
    began = time.monotonic()
    live = {i: opened(to) for i in range(len(says))}
    print(json.dumps({"open": len(live)}), flush=True)
    lived = [None] * len(says)
    step = 0
    while live and time.monotonic() - began < limit:
        for i, sock in list(live.items()):
            data = bytes.fromhex(says[i])
            try:
                sock.setblocking(False)
                sock.send(data[step % len(data):][:1])
            except OSError:
                pass
            if ended(sock):
                lived[i] = time.monotonic() - began
                live.pop(i).close()
        step += 1
        time.sleep(every)
    return {"lived": lived}


def pipeline(to, request, count, seconds=30.0):
    """One connection, all requests at once ({n} is a number); how many were answered by status, and when the last one was."""
    sock = opened(to)
    data = b"".join(request.replace("{n}", str(n)).encode() for n in range(count))
    began, sent, got, last = time.monotonic(), 0, b"", 0.0
    statuses, left = {}, count
    sock.setblocking(False)
    while left and time.monotonic() - began < seconds:
        readable, writable, _ = select.select([sock], [sock] if sent < len(data) else [], [], 1.0)
        if writable:
            try:
                sent += sock.send(data[sent:sent + 262144])
            except BlockingIOError:
                pass
        if readable:
            part = sock.recv(262144)
            if not part:
                break
            *whole, got = (got + part).split(b"\r\n\r\n")
            for head in whole:
                status = head[8:11].decode()
                statuses[status] = statuses.get(status, 0) + 1
                left -= 1
            last = time.monotonic() - began
    sock.close()
    return {"statuses": statuses, "seconds": last}


def deaf(to, request, count):
    """Sends requests and reads no answer, until the node has had enough; whether it had."""
    sock = opened(to, seconds=20.0)
    try:
        for n in range(count):
            sock.sendall(request.replace("{n}", str(n)).encode())
    except OSError:
        return {"ended": True}
    time.sleep(1.0)
    return {"ended": ended(sock)}


def datagrams(to, sources, says, count, rate):
    """UDP; what came back, in datagrams and octets."""
    sockets = []
    for source in sources:
        sock = socket.socket(family(to[0]), socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        sock.bind((source, 0))
        sockets.append(sock)
    packets, began, sent, octets = [bytes.fromhex(say) for say in says], time.monotonic(), 0, 0
    burst = max(1, rate // 500)
    while sent < count:
        for _ in range(min(burst, count - sent)):
            packet = packets[sent % len(packets)]
            octets += len(packet)
            sockets[sent // len(packets) % len(sockets)].sendto(packet, tuple(to))
            sent += 1
        time.sleep(max(0.0, began + sent / rate - time.monotonic()))
    answers, back, quiet = 0, 0, time.monotonic() + 0.5
    while time.monotonic() < quiet:
        for sock in select.select(sockets, [], [], 0.1)[0]:
            data = sock.recv(65536)
            answers, back = answers + 1, back + len(data)
            quiet = time.monotonic() + 0.3
    return {"sent": sent, "octets": octets, "answers": answers, "octets_back": back}


ATTACKS = {attack.__name__: attack for attack in (connections, handshakes, resets, beckon, drips, pipeline, deaf, datagrams)}


def main():
    plan = json.load(sys.stdin)
    print(json.dumps(ATTACKS[plan.pop("attack")](**plan)), flush=True)


if __name__ == "__main__":
    main()

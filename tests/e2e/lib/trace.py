# SPDX-License-Identifier: Apache-2.0
"""`tandemctl trace`, and what tshark makes of its files."""
import subprocess
import time

from patience import PATIENCE_S


def start(node, call, path, *options):
    """The process, once the node has begun."""
    process = subprocess.Popen([node.program("tandemctl"), "--config", node.config, "trace", call, "-o", path, *options],
                               env=node.environment, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + PATIENCE_S
    while not any(entry["running"] for entry in node.ctl("call.trace.list")):       # also one that waits
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            raise AssertionError(process.stderr.read())
        time.sleep(0.05)
    time.sleep(0.1)             # the workers have heard of it
    return process


# Else SDP and handshakes in a decrypted trace make it take media for what they were on the wire.
AS_PLAIN = ("-o", "sdp.establish_conversation:FALSE", "--disable-protocol", "dtls")


def tshark(path, sip_ports, *words, guess=True):
    """guess: it may take for RTP what looks like it; else only what SDP names."""
    ports = [word for port in sip_ports for word in ("-d", f"udp.port=={port},sip")]
    guesses = ("--enable-heuristic", "rtp_udp") if guess else ()
    done = subprocess.run(["tshark", "-r", path, "-n", *ports, *guesses, *words],
                          capture_output=True, text=True, timeout=60)
    if done.returncode or "cut short" in done.stderr:
        raise AssertionError(done.stderr)
    return done.stdout


def rows(path, sip_ports, shown, *fields, options=(), guess=True):
    """Those fields of each packet that a filter shows."""
    words = [word for field in fields for word in ("-e", field)]
    return [line.split("\t") for line in
            tshark(path, sip_ports, *options, "-Y", shown, "-T", "fields", *words, guess=guess).splitlines()]

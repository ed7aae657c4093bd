"""The peer of the forwarding benchmark: rtpengine in user space, driven over its ng protocol."""
import os
import shutil
import socket
import subprocess
import tempfile

import lib


def bencode(value):
    if isinstance(value, dict):
        return b"d" + b"".join(bencode(k) + bencode(value[k]) for k in sorted(value)) + b"e"
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    if isinstance(value, int):
        return b"i%de" % value
    data = value if isinstance(value, bytes) else value.encode()
    return b"%d:%s" % (len(data), data)


def bdecode(data, at=0):
    if data[at:at + 1] == b"d":
        out, at = {}, at + 1
        while data[at:at + 1] != b"e":
            key, at = bdecode(data, at)
            out[key], at = bdecode(data, at)
        return out, at + 1
    if data[at:at + 1] == b"l":
        out, at = [], at + 1
        while data[at:at + 1] != b"e":
            item, at = bdecode(data, at)
            out.append(item)
        return out, at + 1
    if data[at:at + 1] == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1:end]), end + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1:end].decode(errors="replace"), end


# In user space, with as many forwarding threads as the node has workers; time-outs that no bench reaches. All else is the package's
# default: endpoint learning is "delayed", which believes the source that sends 3 s after the first packet.
OPTIONS = ("--config-file=none", "--table=-1", "--num-threads=1", "--foreground", "--log-stderr", "--log-level=3", "--timeout=3600",
           "--silent-timeout=3600", "--offer-timeout=3600")


class Rtpengine:
    """One rtpengine with one forwarding thread; no kernel module (table -1)."""

    def __init__(self, first_port, last_port, media=None, flags=(), more=()):
        """flags: of each call; more: options of the server."""
        self.media, self.placed, self.flags = media or lib.Media(), [], list(flags)
        if not shutil.which("rtpengine"):
            raise SystemExit("rtpengine is missing: install the package rtpengine-daemon")
        self.dir = tempfile.mkdtemp(prefix="rtpengine-bench-")
        self.port = lib.free_port()
        self.log = open(os.path.join(self.dir, "log"), "wb")
        self.process = lib.spawn(
            lib.pinned(lib.SERVER_CORE, [
                "rtpengine", *OPTIONS, f"--interface={lib.ADDRESS}", f"--listen-ng={lib.ADDRESS}:{self.port}",
                f"--port-min={first_port}", f"--port-max={last_port}", f"--pidfile={self.dir}/pid", *more]),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.settimeout(1)
        self.count = 0
        lib.wait_for(f"rtpengine to answer (log: {self.dir}/log)", 15, self.is_ready)

    def is_ready(self):
        if self.process.poll() is not None:
            raise SystemExit(open(os.path.join(self.dir, "log"), errors="replace").read()[-2000:])
        try:
            return self.ask({"command": "ping"}).get("result") == "pong"
        except OSError:
            return False

    @property
    def pid(self):
        return self.process.pid

    def ask(self, command):
        """Sent again while there is no answer, as UDP wants it: rtpengine knows the cookie, and does nothing twice."""
        self.count += 1
        cookie = b"%d" % self.count
        for _ in range(10):
            self.sock.sendto(cookie + b" " + bencode(command), (lib.ADDRESS, self.port))
            try:
                while True:
                    answer = self.sock.recv(65536)
                    if answer.startswith(cookie + b" "):
                        return bdecode(answer[len(cookie) + 1:])[0]
            except TimeoutError:
                continue
        raise OSError("rtpengine does not answer")

    def options(self, command):
        return {**self.media.ng(command), **({"flags": self.flags} if self.flags else {})}

    def place(self, a_port, b_port):
        """One call; the media addresses are rtpengine's towards A and B."""
        names = {"call-id": os.urandom(8).hex(), "from-tag": os.urandom(4).hex()}
        keys = self.media.keys()
        offer = self.ask({"command": "offer", "sdp": self.media.sdp(lib.ADDRESS, a_port, keys.a_sends), **names,
                          **self.options("offer")})
        if offer.get("result") != "ok":
            raise SystemExit(f"rtpengine: {offer}")
        sdp = self.media.sdp(lib.ADDRESS, b_port, keys.offered(offer["sdp"]))
        answer = self.ask({"command": "answer", "sdp": sdp, **names, "to-tag": os.urandom(4).hex(), **self.options("answer")})
        if answer.get("result") != "ok":
            raise SystemExit(f"rtpengine: {answer}")
        self.placed.append(names)
        keys.answered(answer["sdp"])
        return lib.Placed(a_port, self.media.address(answer["sdp"]), b_port, self.media.address(offer["sdp"]), keys)

    def hang_up(self):
        for names in self.placed:
            self.ask({"command": "delete", "delete-delay": 0, **names})
        self.placed.clear()

    def stop(self):
        lib.end(self.process)
        shutil.rmtree(self.dir, ignore_errors=True)


def peers():
    """What every bench beside it prints: the package as dpkg knows it, Debian's own patches included, and how it was started."""
    return {"rtpengine": lib.package_version("rtpengine-daemon"), "rtpengine_options": " ".join(OPTIONS)}

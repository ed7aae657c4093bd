# SPDX-License-Identifier: Apache-2.0
"""Headless Chromium with a phone in a page (browser/phone.js, JsSIP), driven through its debugging pipe."""
import http.server
import json
import math
import os
import queue
import re
import shutil
import struct
import subprocess
import tempfile
import threading
import time
import wave

from . import ROOT, npm
from .commonjs import bundle
from patience import PATIENCE_S

# Its engine alone, without the windows of a desktop: a third of the processor's time for a page.  WHOLE: what people have.
SHELL, WHOLE = "/usr/lib/chromium/chromium-headless-shell", "/usr/bin/chromium"
PAGES = ROOT / "tests" / "e2e" / "browser"
MODULES = npm.modules("browser")
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-default-apps", "--mute-audio=false")
MEDIA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--autoplay-policy=no-user-gesture-required",
         "--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns")


def install():
    """JsSIP from npm, as locked, into the build folder."""
    npm.install("browser")


def write_tone(path, hertz, seconds=10, rate=48000):
    """What the fake microphone plays, over and over: a second has whole periods, so that it has no click."""
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", round(12000 * math.sin(2 * math.pi * hertz * i / rate)))
                                  for i in range(rate)) * seconds)


class Pages(http.server.ThreadingHTTPServer):
    """Serves the phone's page on a port of its own."""

    daemon_threads = True

    def __init__(self):
        files = {"/": ("text/html", (PAGES / "phone.html").read_bytes()),
                 "/phone.js": ("text/javascript", (PAGES / "phone.js").read_bytes()),
                 "/jssip.js": ("text/javascript", bundle("jssip", str(MODULES), "JsSIP").encode())}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                kind, body = files.get(self.path, (None, b""))
                self.send_response(200 if kind else 404)
                self.send_header("Content-Type", kind or "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def origin(self):
        return "http://127.0.0.1:%d" % self.server_address[1]

    def close(self):
        self.shutdown()
        self.server_close()


class Failed(Exception):
    """What the page or the browser said was wrong."""


class Browser:
    """One Chromium. hertz: what its microphone hears; trust: base64 SHA-256 of public keys whose certificates it takes; program: SHELL or WHOLE."""

    def __init__(self, hertz=1000, trust=(), options=(), program=SHELL):
        self.home = tempfile.mkdtemp(prefix="tandem-browser-")
        tone = os.path.join(self.home, "tone.wav")
        write_tone(tone, hertz)
        arguments = [program, *QUIET, *MEDIA, f"--user-data-dir={self.home}/profile", "--remote-debugging-pipe",
                     f"--use-file-for-fake-audio-capture={tone}", *options]
        if trust:
            arguments.append("--ignore-certificate-errors-spki-list=" + ",".join(trust))
        self.numbers, self.answers, self.lock = iter(range(1, 1 << 30)), {}, threading.Lock()
        self._start(arguments)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _start(self, arguments):
        down, up = os.pipe(), os.pipe()
        fds = {3: os.dup(down[0]), 4: os.dup(up[1])}

        def places():
            for number, fd in ((3, fds[3]), (4, fds[4])):
                os.dup2(fd, number + 100)
            for number in (3, 4):
                os.dup2(number + 100, number, inheritable=True)

        with open(os.path.join(self.home, "log"), "wb") as log:
            self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, close_fds=False,
                                            preexec_fn=places, start_new_session=True)
        for fd in (down[0], up[1], *fds.values()):
            os.close(fd)
        self.input, self.output = down[1], up[0]

    def _read(self):
        kept = b""
        while True:
            try:
                more = os.read(self.output, 1 << 16)
            except OSError:
                more = b""
            if not more:
                break
            *whole, kept = (kept + more).split(b"\0")
            for text in whole:
                message = json.loads(text)
                waiting = self.answers.pop(message.get("id"), None)
                if waiting:
                    waiting.put(message)
        for waiting in list(self.answers.values()):
            waiting.put({"error": {"message": "Chromium ended"}})

    def command(self, method, session=None, seconds=PATIENCE_S, **params):
        """A command of the DevTools protocol; its result."""
        with self.lock:
            number = next(self.numbers)
            answer = self.answers[number] = queue.Queue()
            message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
            os.write(self.input, json.dumps(message).encode() + b"\0")
        try:
            found = answer.get(timeout=seconds)
        except queue.Empty:
            raise Failed(f"{method}: no answer in {seconds} s\n{self.log_tail()}") from None
        if "error" in found:
            raise Failed(f"{method}: {found['error']['message']}")
        return found["result"]

    def evaluate(self, session, expression, seconds=PATIENCE_S, **params):
        """What Runtime.evaluate says, once the tab has a document: between two it has none."""
        end = time.monotonic() + seconds
        while True:
            try:
                return self.command("Runtime.evaluate", session, seconds, expression=expression, returnByValue=True, **params)
            except Failed as error:
                if "Cannot find default execution context" not in str(error) or time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def page(self, url):
        return Page(self, url)

    def log_tail(self, octets=3000):
        with open(os.path.join(self.home, "log"), "rb") as file:
            return file.read()[-octets:].decode(errors="replace")

    def close(self):
        try:
            self.command("Browser.close", seconds=5)
            self.process.wait(5)
        except (Failed, OSError, subprocess.TimeoutExpired):
            os.killpg(self.process.pid, 9)      # the session it was started in: its own children
            self.process.wait()
        os.close(self.input)
        self.reader.join(5)
        os.close(self.output)
        shutil.rmtree(self.home, ignore_errors=True)


class Page:
    """A tab with the phone."""

    def __init__(self, browser, url):
        self.browser = browser
        self.target = browser.command("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.command("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        browser.command("Page.navigate", self.session, url=url)
        self.until("typeof phone === 'object' && document.readyState === 'complete'")

    def close(self):
        """It takes back its registration: an extension has but a few."""
        try:
            self.run("phone.stop()", seconds=5)
        except Failed:
            pass        # its node is gone, or was never there
        self.browser.command("Target.closeTarget", targetId=self.target)

    def run(self, expression, seconds=PATIENCE_S):
        """The value of an expression, awaited."""
        found = self.browser.evaluate(self.session, expression, seconds, awaitPromise=True)
        if "exceptionDetails" in found:
            details = found["exceptionDetails"]
            raise Failed(details.get("exception", {}).get("description") or details["text"])
        return found["result"].get("value")

    def is_true(self, expression):
        """Not of a document that went meanwhile."""
        try:
            return self.run(f"!!({expression})")
        except Failed as error:
            if not re.search("context was destroyed|navigated or closed", str(error)):
                raise
            return False

    def until(self, expression, seconds=PATIENCE_S):
        """Waits until it is true."""
        end = time.monotonic() + seconds
        while not self.is_true(expression):
            if time.monotonic() > end:
                said = self.run("typeof phone === 'object' ? phone.state + '\\n' + phone.log.join('\\n') : ''")
                raise Failed(f"not in {seconds} s: {expression}\n{said}\n{self.browser.log_tail()}")
            time.sleep(0.05)

    # -- the phone -----------------------------------------------------------------------------
    def register(self, server, number, password):
        return self.run(f"phone.start({json.dumps(server)}, {json.dumps(number)}, {json.dumps(password)})")

    def answer_all(self, **media):
        self.run(f"phone.answers = {json.dumps(media)}; 0")

    def call(self, target, **media):
        self.run(f"phone.call({json.dumps(target)}, {json.dumps(media)}); 0")

    def wait(self, state, seconds=PATIENCE_S):
        self.until(f"phone.state.startsWith({json.dumps(state)})", seconds)

    def hangup(self):
        self.run("phone.session.terminate(); 0")

    def refer(self, target):
        self.run(f"phone.refer({json.dumps(target)}); 0")

    def tone(self, hertz, delta=8, seconds=PATIENCE_S):
        """Waits until it hears that tone; what it heard last is in the failure."""
        end, heard = time.monotonic() + seconds, None
        while time.monotonic() < end:
            heard = self.run("phone.tone()")
            if heard and abs(heard[0] - hertz) <= delta and heard[1] > 20:
                return
            time.sleep(0.1)
        came = {name: sum(stream.get(name, 0) for stream in self.stats("inbound-rtp")) for name in ("packetsReceived", "packetsLost", "concealedSamples")}
        raise Failed(f"heard {heard}, not {hertz} Hz; {came}\n" + self.run("phone.log.join('\\n')"))

    def stats(self, kind):
        return self.run(f"phone.stats({json.dumps(kind)})")

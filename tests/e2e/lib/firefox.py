# SPDX-License-Identifier: Apache-2.0
"""Headless Firefox of Debian, driven by WebDriver BiDi, with the interface of lib/browser.py and lib/pages.py as far as tests of pages need it. There is
no command that changes the colours which a page is asked for: these are the light ones."""
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time

import pages as maker
from patience import PATIENCE_S

from .browser import Failed
from .pages import WATCH, WebPage
from .websocket import TEXT, WebSocket

# A microphone that hears a tone, and calls on this machine.
MEDIA = {"media.navigator.streams.fake": True, "media.navigator.permission.disabled": True, "media.autoplay.default": 0,
         "media.peerconnection.ice.loopback": True, "media.peerconnection.ice.obfuscate_host_addresses": False}
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004", "ArrowDown": "\ue015", "ArrowUp": "\ue013"}
CONTROL, SHIFT = "\ue009", "\ue008"
# Nothing is fetched, and nothing is asked of somebody who is not there.
QUIET = {"app.update.disabledForTesting": True, "browser.shell.checkDefaultBrowser": False, "browser.startup.page": 0,
         "datareporting.policy.dataSubmissionEnabled": False, "network.captive-portal-service.enabled": False,
         "network.connectivity-service.enabled": False, "browser.safebrowsing.update.enabled": False, "services.settings.server": "data:,",
         "extensions.update.enabled": False, "ui.prefersReducedMotion": 1, "layout.css.prefers-color-scheme.content-override": 1}


def plain(value):
    """What the page has answered, as Python has it."""
    kind, inside = value["type"], value.get("value")
    if kind == "array":
        return [plain(one) for one in inside]
    if kind == "object":
        return {name: plain(one) for name, one in inside}
    return None if kind in ("undefined", "null") else inside


class Firefox:
    """prefs: of this one, besides."""

    def __init__(self, prefs=None):
        subprocess.run([str(maker.PEERS), "unpack", "firefox"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.home = tempfile.mkdtemp(prefix="tandem-firefox-")
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in {**QUIET, **MEDIA, **(prefs or {})}.items()]
        (pathlib.Path(self.home) / "user.js").write_text("".join(lines), encoding="utf-8")
        self.log = open(os.path.join(self.home, "log"), "w+b")      # pylint: disable=consider-using-with
        program = ["firefox-esr", "--headless", "--no-remote", "--profile", self.home, "--remote-debugging-port", "0", "--remote-allow-system-access"]
        self.process = subprocess.Popen(program if shutil.which("firefox-esr") else [str(maker.PEERS), "with", *program], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, start_new_session=True, env={**os.environ, "HOME": self.home})
        self.lock, self.numbers = threading.Lock(), itertools.count(1)
        self.link = WebSocket(("127.0.0.1", self.port()), path="/session", protocol=None)
        self.command("session.new", capabilities={})

    def port(self):
        end = time.monotonic() + PATIENCE_S
        while not (found := re.search(r"BiDi listening on ws://127\.0\.0\.1:(\d+)", self.log_tail(100000))):
            if time.monotonic() > end or self.process.poll() is not None:
                raise Failed(f"Firefox does not start\n{self.log_tail()}")
            time.sleep(0.1)
        return int(found[1])

    def log_tail(self, octets=3000):
        return pathlib.Path(self.home, "log").read_bytes()[-octets:].decode(errors="replace")

    def command(self, method, seconds=PATIENCE_S, **params):
        with self.lock:
            number = next(self.numbers)
            self.link.sock.settimeout(seconds)
            self.link.send(json.dumps({"id": number, "method": method, "params": params}).encode())
            while found := self.link.receive():
                message = json.loads(found[1]) if found[0] == TEXT else {}
                if message.get("id") == number:
                    break
        if not found or message["type"] == "error":
            raise Failed(f"{method}: {message['message'] if found else 'Firefox ended'}")
        return message["result"]

    def privileged(self, expression):
        """The value of an expression in the browser's own window, which no page reaches."""
        window = self.command("browsingContext.getTree", **{"moz:scope": "chrome"})["contexts"][0]["context"]
        found = self.command("script.evaluate", expression=expression, awaitPromise=True, target={"context": window})
        if found["type"] == "exception":
            raise Failed(found["exceptionDetails"]["text"])
        return plain(found["result"])

    def close(self):
        try:
            self.command("browser.close", seconds=5)
            self.process.wait(10)
        except (Failed, OSError, subprocess.TimeoutExpired):
            os.killpg(self.process.pid, 9)      # the session it was started in: its own children
            self.process.wait()
        self.link.close()
        self.log.close()
        shutil.rmtree(self.home, ignore_errors=True)


class FirefoxPage(WebPage):
    """A tab; its context is a container, with which another one shares what the browser keeps."""

    def __init__(self, browser, url, width=1360, height=860, context=None, **_):        # pylint: disable=super-init-not-called
        self.browser, self.context = browser, context or browser.command("browser.createUserContext")["userContext"]
        self.tab = browser.command("browsingContext.create", type="tab", userContext=self.context)["context"]
        self.say("script.addPreloadScript", functionDeclaration=f"() => {{ {WATCH} }}", contexts=[self.tab], own=False)
        self.size(width, height)
        self.go(url)

    def say(self, method, own=True, **params):
        if method == "Input.insertText":
            return self.type(params["text"])
        return self.browser.command(method, **({"context": self.tab} if own else {}), **params)

    def close(self):
        self.say("browsingContext.close")

    def front(self):
        self.say("browsingContext.activate")

    def size(self, width, height):
        self.say("browsingContext.setViewport", viewport={"width": width, "height": height})

    def theme(self, dark):
        pass

    def go(self, url):
        self.say("browsingContext.navigate", url=url, wait="complete")
        self.until("document.readyState === 'complete' && document.querySelector('h1')")

    def run(self, expression, seconds=PATIENCE_S):
        found = self.say("script.evaluate", own=False, seconds=seconds, expression=expression, awaitPromise=True, target={"context": self.tab})
        if found["type"] == "exception":
            raise Failed(found["exceptionDetails"]["text"])
        return plain(found["result"])

    def until(self, expression, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while True:
            try:
                if self.run(f"!!({expression})"):
                    return
            except Failed as failed:        # between two documents there is nothing to run it in
                if "realm" not in str(failed) and "context" not in str(failed).lower():
                    raise
            if time.monotonic() > end:
                raise Failed(f"not in {seconds} s: {expression}\n{self.text()}")
            time.sleep(0.05)

    def keys(self, actions):
        self.say("input.performActions", actions=[{"type": "key", "id": "keys", "actions": actions}])

    def press(self, key, modifiers=0, **_):
        held = [CONTROL] * bool(modifiers & 2) + [SHIFT] * bool(modifiers & 8)
        down = [*held, KEYS.get(key, key)]
        self.keys([{"type": "keyDown", "value": one} for one in down] + [{"type": "keyUp", "value": one} for one in reversed(down)])

    def type(self, text):
        self.keys([{"type": kind, "value": one} for one in text for kind in ("keyDown", "keyUp")])

    def violations_of_axe(self, script, contrast=False):
        return [] if contrast else super().violations_of_axe(script)

    def shot(self, path):
        pass


class FirefoxFrame(FirefoxPage):
    """A frame of that page, which stays one over navigations."""

    def __init__(self, page, path):      # pylint: disable=super-init-not-called
        self.browser, self.page, self.path = page.browser, page, path

    @property
    def tab(self):
        end = time.monotonic() + PATIENCE_S
        while True:
            tree, = self.browser.command("browsingContext.getTree", root=self.page.tab)["contexts"]
            if tree["children"]:
                return tree["children"][0]["context"]
            if time.monotonic() > end:
                raise Failed(f"no frame of {self.path}")
            time.sleep(0.05)

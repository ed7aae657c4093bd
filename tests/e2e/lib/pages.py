# SPDX-License-Identifier: Apache-2.0
"""The web pages in Chromium: what they show, what axe-core says of them, what their policy refused, and pictures of them."""
import base64
import json
import pathlib
import random
import re
import sys
import time


import pages

from . import ROOT
from .browser import Page
from patience import PATIENCE_S

BUNDLE = ROOT / "build" / "pages"

# Kept for the test: what the policy of the page refuses, what throws, and tasks that keep it from drawing.
WATCH = """
violations = []; faults = []; longest = 0;
addEventListener("securitypolicyviolation", e => violations.push(e.violatedDirective + " " + e.blockedURI + " " + e.sample));
addEventListener("error", e => faults.push(String(e.message)));
addEventListener("unhandledrejection", e => faults.push(String(e.reason)));
new PerformanceObserver(list => { for (const e of list.getEntries()) longest = Math.max(longest, e.duration); }).observe({entryTypes: ["longtask"]});
"""


def bundle():
    """Its folder; made where the sources have changed."""
    pages.build(BUNDLE)
    return str(BUNDLE)


def sizes(page):
    """Octets by gzip: (what its first view fetches, all that it may fetch) of scripts and styles. Parts name each other; the worker is the client's."""
    folder = pathlib.Path(bundle())
    found, waits = {}, [(name, True) for name in re.findall(r"/pages/([\w-]+\.(?:js|css))", (folder / f"{page}.html").read_text(encoding="utf-8"))]
    while waits:
        name, first = waits.pop()
        if found.get(name, False) >= first and name in found:
            continue
        found[name] = first
        for later, part in re.findall(r'(import\()?"\./(part-\w+\.js)"', (folder / name).read_text(encoding="utf-8") if name.endswith(".js") else ""):
            waits.append((part, first and not later))
    if page == "client":
        found.setdefault("worker.js", False)
    packed = {name: (folder / f"{name}.gz").stat().st_size for name in found}
    return sum(size for name, size in packed.items() if found[name]), sum(packed.values())


def flows(seed=1729, most=50):
    """Programs of flows for test.mjs: shipped ones, and random ones (tests/flow/flow_random.py)."""
    files = sorted((ROOT / "deploy" / "flows").glob("*.json"))
    sys.path.insert(0, str(ROOT / "tests" / "flow"))
    try:
        import flow_random          # pylint: disable=import-outside-toplevel
    finally:
        sys.path.pop(0)
    rng = random.Random(seed)
    return {"kept": [path.read_text(encoding="utf-8") for path in files], "random": [json.dumps(flow_random.program_for(rng)) for _ in range(most)]}


def axe():
    with pages.place(dev=True) as folder:
        return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


class WebPage(Page):
    """A tab of a page of the node, of a size and a theme. context: of another tab, with which it shares what the browser keeps."""

    def __init__(self, browser, url, width=1360, height=860, dark=False, context=None):     # pylint: disable=super-init-not-called
        self.browser, self.context = browser, context or browser.command("Target.createBrowserContext")["browserContextId"]
        self.target = browser.command("Target.createTarget", url="about:blank", browserContextId=self.context)["targetId"]
        self.session = browser.command("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        self.say("Page.enable")
        self.size(width, height)
        self.theme(dark)
        self.say("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        self.go(url)

    def say(self, method, **params):
        return self.browser.command(method, self.session, **params)

    def close(self):
        self.browser.command("Target.closeTarget", targetId=self.target)

    def size(self, width, height):
        self.say("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def theme(self, dark):
        self.say("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                                                         {"name": "prefers-reduced-motion", "value": "reduce"}])

    def go(self, url):
        self.say("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && document.querySelector('h1')")

    def reload(self):
        """Until it is another document: that of before would show the same for a while."""
        self.run("former = 1")
        self.say("Page.reload")
        self.until("typeof former === 'undefined' && document.readyState === 'complete'")

    def front(self):
        """Somebody looks at it: a page behind another tab does not ask."""
        self.say("Page.bringToFront")

    def text(self):
        return self.run("document.body.innerText")

    def shows(self, *words, seconds=PATIENCE_S):
        for word in words:
            self.until(f"document.body?.innerText.includes({json.dumps(word)})", seconds)

    def fill(self, selector, value):
        """Types it as a person would: the page hears of it."""
        self.run(f"""(() => {{ const e = document.querySelector({json.dumps(selector)}); e.focus(); e.value = {json.dumps(value)};
                     e.dispatchEvent(new Event("input", {{bubbles: true}})); e.dispatchEvent(new Event("change", {{bubbles: true}})); }})()""")

    def press(self, key, **more):
        """text: what it types, as "\r" does in a form."""
        code = {"Enter": 13, "Escape": 27, "Tab": 9}.get(key, 0)
        for kind in ("keyDown" if "text" in more else "rawKeyDown", "keyUp"):
            self.say("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **more)

    def click(self, words, of="button, a, summary"):
        """What has those words on it."""
        found = f"[...document.querySelectorAll({json.dumps(of)})].find(e => (e.innerText + ' ' + (e.getAttribute('aria-label') ?? '')).includes({json.dumps(words)}))"
        self.until(found)
        self.run(f"{found}.click()")

    def drag(self, of, to):
        """By the page's own events, as a mouse would have it: True, where it is taken there. What appears meanwhile may be its end."""
        return self.run(f"""(async () => {{ const carried = new DataTransfer(), fire = (e, type) => e.dispatchEvent(new DragEvent(type, {{bubbles: true, cancelable: true, dataTransfer: carried}}));
                        const one = document.querySelector({json.dumps(of)}); fire(one, "dragstart");
                        for (let ms = 0; ms < 2000 && !document.querySelector({json.dumps(to)})?.closest("[data-drop]"); ms += 50) await new Promise(done => setTimeout(done, 50));
                        const end = document.querySelector({json.dumps(to)}), taken = !!end && !fire(end, "dragover"); if (taken) fire(end, "drop"); fire(one, "dragend"); return taken; }})()""")

    def too_wide(self, seconds):
        """What is wider than the page after so long, in words."""
        end = time.monotonic() + seconds
        while (found := self.wider()) and time.monotonic() < end:
            time.sleep(0.05)
        return found

    def wider(self):
        return self.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth ? '' : [...document.querySelectorAll('body *')]"
                        ".filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth).slice(0, 5).map(e => e.outerHTML.slice(0, 120)).join('\\n') || 'page'")

    def cut_off(self):
        """Buttons of tables that their cells do not show whole."""
        return self.run("[...document.querySelectorAll('.table [role=cell]')].flatMap(cell => [...cell.querySelectorAll('button, audio')].filter(e => e.getBoundingClientRect().right >"
                        " cell.getBoundingClientRect().right + 1)).slice(0, 5).map(e => e.outerHTML.slice(0, 120)).join(' | ')")

    def violations_of_axe(self, script, contrast=False):
        """contrast: of colours alone."""
        self.run(f"if (typeof axe === 'undefined') {{ {script}\n}} 0")
        only = "runOnly: ['color-contrast'], " if contrast else ""
        return self.run(f"axe.run(document, {{{only}resultTypes: ['violations']}})" ".then(r => r.violations.map(v => v.id + ': ' + v.nodes.slice(0, 3)"
                        ".map(n => n.target.join(' ') + ' ' + n.html.slice(0, 160) + ' ' + n.failureSummary).join(' | ')))")

    def shot(self, path):
        """The whole page, up to 4000 px of it."""
        width, height = self.run("[innerWidth, innerHeight]")
        self.size(width, min(4000, max(height, self.run("document.documentElement.scrollHeight"))))
        time.sleep(0.1)
        data = self.say("Page.captureScreenshot", format="png")["data"]
        self.size(width, height)
        pathlib.Path(path).write_bytes(base64.b64decode(data))

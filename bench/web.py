#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What people wait for in the web pages, in Chromium: from the address to where one types, at 1.6 Mbit/s and 150 ms; how much a browser fetches;
how long a page with 10,000 live calls, and one of a history of a million rows, keeps the browser from drawing; what axe-core says of each page;
whether what stands in names runs; what a page misses of events while its node is killed; and for how long the other party of a call hears nothing
while the page of a phone is loaded anew, its network changes, or its node is killed.

Rows of long tables are made in the page, in place of what the node would answer: what is measured is the page. All else is of a node."""
import json
import os
import sys
import time

import lib as bench

sys.modules.pop("lib")      # the end-to-end tests have a package of that name
sys.path[:0] = [str(bench.ROOT / path) for path in ("tests/e2e", "client", "deploy/demo")]

# pylint: disable=wrong-import-position
import web_phone_test
from lib import browser, pages
from patience import until
from tandem_client import Client
from lib.payloads import PAYLOADS
from web_test import CLIENT, CONSOLE, CONTROL, HOSTILE, link

CALLS, ROWS = 10_000, 1_000_000
KILLS, QUICK_KILLS = 20, 3
BREAKS, QUICK_BREAKS = {"reload": 50, "network": 50, "kill": 50}, {"reload": 8, "network": 5, "kill": 4}
BREAKS_OF_A_CALL = 10           # it has room for 16 legs, and a reload takes one, as another network does
AWAY_S = 0.5                    # the browser has no network, before it has another one
BEFORE_S = 0.2                  # a silence begins with the last packet before it
GONE_S = 2                      # a call that has ended is shown no longer
LIMITS = {"usable_s": 2, "client_kb": 150, "console_kb": 250, "long_task_ms": 50, "page_ms": 300, "rows_in_dom": 200, "axe_violations": 0,
          "scripts_run": 0, "events_lost": 0, "ghosts": 0, "reload_silence_p99_ms": 3000,
          "network_silence_p99_ms": 3000, "kill_silence_p99_ms": 1500}

# In place of the node's lists: pages of 1,000 rows, with a link to the next.
MANY = """
{
	const real = window.fetch, made = { "/v1/calls": [%d, i => ({ id: "c" + String(i).padStart(12, "0"), from: String(1000 + i %% 5000), to: String(7000 - i %% 3000), from_name: "Person " + i * 7919 %% 10007,
		state: i %% 3 ? "established" : "ringing", setup_utc_ms: 1.79e12 + i * 997 %% 1e7, answer_utc_ms: i %% 3 ? 1.79e12 + i * 997 %% 1e7 : 0, node: "n" + i %% 5 })],
		"/v1/histories": [%d, i => ({ call: "c" + String(i).padStart(12, "0"), number: String(1000 + i * 31 %% 9000), name: "Person " + i * 7919 %% 10007, direction: i %% 2 ? "incoming" : "outgoing",
		missed: i %% 7 === 0, result: "answered", setup_utc_ms: 1.79e12 - i * 1000, talk_ms: i * 37 %% 600000, note: "" })] };
	window.fetch = (url, given) => {
		const at = new URL(url), [count, row] = made[at.pathname] ?? [];
		if (!count || given?.method !== "GET") return real(url, given);
		const from = Number(at.searchParams.get("cursor") ?? 0), limit = Number(at.searchParams.get("limit") ?? 100), to = Math.min(count, from + limit);
		at.searchParams.set("cursor", to);
		const headers = to < count ? { Link: `<${at.pathname}${at.search}>; rel="next"` } : {};
		return Promise.resolve(new Response(JSON.stringify(Array.from({ length: to - from }, (_, i) => row(from + i))), { headers }));
	};
	const Real = WebSocket;
	feeds = [];
	WebSocket = class extends Real { constructor(url, ...more) { super(url, ...more); if (String(url).includes("/v1/events")) feeds.push(this); } };
}
"""
HEARD = """
{
	const Real = WebSocket;
	heard = [];
	WebSocket = class extends Real { constructor(url, ...more) { super(url, ...more); this.addEventListener("message", m => { const e = JSON.parse(m.data); if (/^call\\./.test(e.type)) heard.push(e.id); }); } };
}
"""
DRAWN = "new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))"


class Bench(web_phone_test.Phones):
    """One node, one browser, and what the tests of pages do with them."""

    def runTest(self):
        pass

    # ---- the first page ----

    def usable(self):
        page = self.page("style")
        page.say("Network.enable")
        page.say("Network.clearBrowserCache")
        page.say("Network.emulateNetworkConditions", offline=False, latency=150, downloadThroughput=200_000, uploadThroughput=200_000)
        took = []
        for path, words in (("client", "With the number and the password"), ("console" + link(self.node), "The node is healthy")):
            began = time.monotonic()
            page.say("Page.navigate", url=self.url(path))
            page.until(f"document.body?.innerText.includes({json.dumps(words)})")
            took.append(time.monotonic() - began)
        sizes = {}
        for name in ("client", "console"):
            first, whole = pages.sizes(name)
            sizes |= {f"{name}_kb": round(whole / 1000, 1), f"{name}_first_kb": round(first / 1000, 1)}
        return {"usable_s": round(max(took), 2), **sizes}

    # ---- long tables ----

    def drawn(self, page, what):
        """Milliseconds until what it does is drawn."""
        return page.run(f"(async () => {{ const began = performance.now(); {what}; await {DRAWN}; return performance.now() - began; }})()")

    @staticmethod
    def cpu_ms(page):
        """Of the page's thread, by now: what other programs of the machine do is not in it."""
        return 1000 * next(one["value"] for one in page.say("Performance.getMetrics")["metrics"] if one["name"] == "TaskDuration")

    def table(self, page, where, ready):
        """The longest task of scrolling, filtering and sorting while rows come and go, the rows in the page, and the page itself."""
        began = time.monotonic()
        page.run(f"location.hash = {json.dumps('#/' + where)}; 0")
        page.until(ready)
        page_ms = 1000 * (time.monotonic() - began)
        page.until("!document.querySelector('[aria-busy]')")
        time.sleep(1)
        page.say("Performance.enable", timeDomain="threadTicks")
        page.run("longest = 0")
        rows, steps, cpu = 0, [], []
        box = "document.querySelector('.scroll')"
        for at in range(0, 101, 5):
            before = self.cpu_ms(page)
            steps.append(self.drawn(page, f"{box}.scrollTop = {at / 100} * {box}.scrollHeight"))
            cpu.append(self.cpu_ms(page) - before)
            rows = max(rows, page.run("document.querySelectorAll('[data-row]').length"))
        typed = "const e = document.querySelector('.seek-box input'); e.value = %s; e.dispatchEvent(new Event('input', {bubbles: true}))"
        for words in ("Person 4", "Person 42", ""):
            before = self.cpu_ms(page)
            steps.append(self.drawn(page, typed % json.dumps(words)))
            cpu.append(self.cpu_ms(page) - before)
        for column in (0, 1, 2, 0):
            before = self.cpu_ms(page)
            steps.append(self.drawn(page, f"document.querySelectorAll('.titles button')[{column}].click()"))
            cpu.append(self.cpu_ms(page) - before)
        if where == "calls":
            page.run("""(() => { let n = 0; const feed = feeds[feeds.length - 1]; const timer = setInterval(() => { const id = "c" + String(n).padStart(12, "0"); n += 1;
                     feed.onmessage({ data: JSON.stringify({ type: "call.ended", call: id, id: `${Date.now()}-${n}` }) }); if (n > 100) clearInterval(timer); }, 20); })()""")
            time.sleep(3)
        return {"long_task_ms": round(page.run("longest")), "rows_in_dom": rows, "page_ms": round(page_ms), "step_ms": round(max(steps)), "step_cpu_ms": round(max(cpu))}

    def ahead(self):
        """A browser that has a core when it wants one: a task is as long as the page makes it, whatever else the machine does. Whether it has."""
        try:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        except PermissionError:
            return False
        try:
            chromium = browser.Browser(program=browser.WHOLE)
        finally:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        self.addCleanup(chromium.close)
        self.chromium = chromium
        return True

    def tables(self):
        found, ahead = {}, self.ahead()
        page = self.console()
        page.say("Page.addScriptToEvaluateOnNewDocument", source=MANY % (CALLS, ROWS))
        page.say("Page.reload")
        page.shows("Overview", "10,000")
        found["calls"] = self.table(page, "calls", "document.querySelectorAll('[data-row]').length > 5")
        page = self.client(self.own)
        page.say("Page.addScriptToEvaluateOnNewDocument", source=MANY % (CALLS, ROWS))
        page.say("Page.reload")
        page.shows("Home")
        found["history"] = self.table(page, "history", "document.querySelectorAll('[data-row]').length > 5")
        for name, of in found.items():
            bench.say(f"{name}: {of}")
        self.chromium = type(self).chromium
        return {name: max(of[name] for of in found.values()) for name in ("long_task_ms", "rows_in_dom", "page_ms", "step_ms", "step_cpu_ms")} | {"browser_lead": ahead}

    # ---- what axe-core says, and what runs ----

    def looked_at(self):
        script, said, run = pages.axe(), [], 0
        payloads = [one for one in (HOSTILE[:60], *PAYLOADS) if not CONTROL.search(one)]     # the node refuses others
        with Client(self.node.redis_socket, "_operator") as client:
            for i, payload in enumerate(payloads):
                self.node.put_extension(str(4000 + i), "secret")
                self.node.ctl("extension.put", number=str(4000 + i), display_name=payload)
                client.ask("contact.add", user=self.own, name=payload, company=payload, phones=["100"], emails=[f"x{i}@a.test"], note=payload)
        for page, name, places in ((self.console(), "console", CONSOLE), (self.client(self.own), "client", CLIENT)):
            for where in places:
                page.go(self.url(f"{name}#/{where}"))
                page.until("!document.querySelector('[aria-busy]')")
                for dark in (False, True):
                    page.theme(dark)
                    said += [f"{name}#/{where}: {found}" for found in page.violations_of_axe(script, contrast=dark)]
                run += page.run("violations.length + faults.length + (typeof hit !== 'undefined')")
        for line in said:
            bench.say(line)
        return {"axe_violations": len(said), "scripts_run": run, "pages": len(CONSOLE) + len(CLIENT), "payloads": len(payloads)}

    # ---- events over kills ----

    def killed(self, times):
        """What the page heard of calls, and what a fresh listener is told of the same time."""
        page = self.console()
        page.say("Page.addScriptToEvaluateOnNewDocument", source=HEARD)
        page.go(self.url("console#/calls"))
        page.say("Page.reload")
        page.shows("Live calls", "Live")
        c, audio_c = self.desk(self.third)
        ghosts, first = 0, None
        for _ in range(times):
            out = c.invite(self.other, audio_c.sdp())
            into = self.b.incoming()
            into.respond(200, "OK", body=self.audio_b.sdp())
            out.wait_answer()
            into.wait_ack()
            page.until("document.querySelector('[data-row]')")
            until(lambda: all(call["saved"] for call in self.node.ctl("call.list")))
            first = first or page.run("heard[0]")
            self.node.kill()
            self.node.restart()
            out.bye()
            into.wait_bye()
            until(lambda: not self.node.ctl("call.list"))
            time.sleep(GONE_S)
            page.until("!document.body.innerText.includes('Connecting')")
            ghosts += page.run("document.querySelectorAll('[data-row]').length")
        page.until(f"heard.length >= {2 * times}")
        time.sleep(1)
        heard = set(page.run("heard"))
        told = page.run(f"""new Promise(done => {{ const key = JSON.parse(localStorage["tandem-console"]).token; const url = new URL("/v1/events", location.href.replace(/^http/, "ws"));
            url.searchParams.set("type", "call.*"); url.searchParams.set("tenant", "default"); url.searchParams.set("after", {json.dumps(first)}); url.searchParams.set("access_token", key);
            const found = [], socket = new WebSocket(url); socket.addEventListener("message", m => {{ const e = JSON.parse(m.data); if (/^call\\./.test(e.type)) found.push(e.id); }});
            setTimeout(() => done(found), 3000); }})""")
        bench.say(f"{len(told)} events behind the first of {times} kills, {len(set(told) - heard)} not heard by the page; {ghosts} calls shown {GONE_S} s after their end")
        return {"events_lost": len(set(told) - heard), "events_told": len(told), "kills": times, "ghosts": ghosts}

    # ---- what the other party of a call hears nothing for ----

    def reload(self, page, _):
        page.say("Page.reload")
        page.until("typeof pcs === 'object' && document.querySelector('.phone-call[data-state=talking]')")

    @staticmethod
    def line(page, is_up):
        """Whether the browser has a network. Its media feels that where it was emulated before the call."""
        page.say("Network.enable")
        page.say("Network.emulateNetworkConditions", offline=not is_up, latency=1, downloadThroughput=10_000_000, uploadThroughput=10_000_000,
                 packetLoss=0.001 if is_up else 100, packetQueueLength=1000)

    def network(self, page, _):
        """For a moment nothing comes and goes, nor does media; then the browser says that it is on line again, and its media takes another way."""
        had = page.run("pcs.length")
        for is_up in (False, True):
            self.line(page, is_up)
            time.sleep(AWAY_S * (not is_up))
        page.until(f"pcs.length > {had} && pcs[pcs.length - 1].iceConnectionState === 'connected'")

    def kill(self, page, call):
        """The process is gone at once, and the next one takes its place, as a supervisor of services would have it."""
        until(lambda: self.node.ctl("call.show", call=call)["saved"])
        self.node.kill()
        self.node.restart()
        page.shows("Calls to you ring here, too")

    def silences(self, name, times):
        """In ms, the longest without a packet of each time. Of fewer than 100 times the p99 is the longest one."""
        page, into, silences = self.phone(), None, []
        if name == "network":
            self.line(page, True)
        for i in range(times):
            if i % BREAKS_OF_A_CALL == 0:
                if into:
                    self.over(page, into)
                into = self.talk(page)
                call, = (row["id"] for row in self.node.ctl("call.list"))
            began = time.monotonic()
            getattr(self, name)(page, call)
            self.hears(self.audio_b)
            self.comes(page)
            silences.append(1000 * self.audio_b.gap(began - BEFORE_S))
        self.over(page, into)
        page.click("Turn off")
        bench.say(" ".join(f"{one:.0f}" for one in silences))
        silences.sort()
        bench.say(f"{name}, {times} times: silence {silences[len(silences) // 2]:.0f} ms (median), {silences[-1]:.0f} ms at most")
        return {f"{name}_silence_p99_ms": round(silences[-(-99 * times // 100) - 1]), f"{name}_silence_ms": round(silences[len(silences) // 2]), f"{name}_times": times}


def main():
    breaks = lambda name: lambda test, quick: test.silences(name, (QUICK_BREAKS if quick else BREAKS)[name])
    parts = {"usable": lambda test, _: test.usable(), "tables": lambda test, _: test.tables(), "axe": lambda test, _: test.looked_at(),
             "events": lambda test, quick: test.killed(QUICK_KILLS if quick else KILLS), **{name: breaks(name) for name in BREAKS}}
    options, figures = bench.arguments(__doc__, list(parts)), {}
    Bench.setUpClass()
    test = Bench()
    try:
        test.setUp()
        for name in options.row or parts:
            figures |= parts[name](test, options.quick)
        figures |= {"live_calls": CALLS, "history_rows": ROWS, "load": round(os.getloadavg()[0], 1)}
    finally:
        test.doCleanups()
        Bench.doClassCleanups()
    over = [f"{name} is {figures[name]}, and at most {most} is wanted" for name, most in LIMITS.items() if figures.get(name, 0) > most]
    figures["cores"] = len(os.sched_getaffinity(0))
    for line in over:
        bench.say(line)
    bench.finish(options, "web", figures, {})
    return bool(over)


if __name__ == "__main__":
    sys.exit(main())

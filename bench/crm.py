#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The softphone in a CRM: how soon a record is asked for when a phone rings, what is popped and logged over reloads, transfers and kills, and whose scripts run.

The CRM is a stand-in (tests/crm): what an org adds is not measured. Row `pops`: 100 agents are called at 50 calls/s. One has a real page, in Chromium; 99 are
clients of its protocol: a WebSocket of events, and a request for each call. Time counts from the caller's INVITE, so the way to the ringing phone is in it. Row
`calls`: real pages in one browser. Their calls are answered, given up, transferred, and the page is loaded anew behind each pop, and at random while it rings.
The node is killed meanwhile. Of a call at a kill, or that rings within 3 s of the start behind it, a pop is not wanted, but
never two. Row `scripts`: payloads in the caller's name, in a tag and in
the query of the page; a page of an origin that is not listed."""
import http.client
import json
import os
import random
import re
import select
import sys
import time
import urllib.parse

import lib as bench
from queue_phones import Phones

sys.modules.pop("lib")      # the end-to-end tests have a package of that name
sys.path[:0] = [str(bench.ROOT / path) for path in ("tests/e2e", "client", "deploy/demo")]

# pylint: disable=wrong-import-position
from lib import browser, pages
from lib.browser import Failed
from lib.crm import Crm, Frame
from lib.payloads import PAYLOADS
from lib.websocket import PING, PONG, TEXT, WebSocket
from patience import slowness
from tandem_client import Client, Refused

ROWS = ("pops", "calls", "scripts")
PASSWORD = "secret-of-an-agent"
AGENTS, RATE = 100, 50
PAGES = 8
BACK_S = 3
PHONE = "1999"                  # to which calls are transferred
LIMITS = {"pop_p99_ms": 150, "pops_lost": 0, "pops_twice": 0, "logs_lost": 0, "logs_twice": 0, "scripts_run": 0, "strangers_notified": 0}


def number(n):
    return str(1000 + n)


class Office(bench.Node):
    """A node with its pages, and a call centre of the tenant."""

    def __init__(self, crm, agents):
        super().__init__(sections={"http": [f"pages: {pages.BUNDLE}"]})
        self.crm = crm
        try:
            self.redis_apart()
            self.client = Client(str(next(self.dir.rglob("redis.sock"))), "_operator")
            for user in (*(number(n) for n in range(agents)), PHONE):
                self.ask("extension.put", number=user, password=PASSWORD)
            self.ask("crm.put", name="Desk", hosts=crm.origin, pop=["inbound", "outbound", "internal"])
        except BaseException:
            self.stop()
            raise

    def ask(self, command, **arguments):
        """On a busy machine Redis may answer too late: the same again changes nothing."""
        for left in reversed(range(5)):
            try:
                return self.client.ask(command, wait=30.0, **arguments)
            except Refused as refused:
                if refused.code != "uncertain" or not left:
                    raise
        return None

    def url(self, path):
        return f"http://{self.address}:{self.http_port}/{path}"

    def killed(self):
        self.process.kill()
        self.process.wait()
        self.start()
        self.client = Client(str(next(self.dir.rglob("redis.sock"))), "_operator")


class Page:
    """An agent's page in the page of the CRM."""

    def __init__(self, node, chromium, user, records=(), **more):
        self.host = pages.WebPage(chromium, node.crm.url(node.url("softphone/softphone.html"), records, **more))
        self.frame, self.user = Frame(self.host, "softphone"), user
        for left in reversed(range(4)):     # on a busy machine Redis may answer too late, which the page says
            self.frame.until("document.querySelector('#number')")
            self.frame.fill("#number", user)
            self.frame.fill("#password", PASSWORD)
            self.frame.click("Sign in", "form button")
            try:
                self.frame.shows("No active calls", "Live")
                return
            except Failed:
                bench.say(f"# {user} sees: {self.frame.run('document.body.innerText')}")
                if not left:
                    raise
                self.host.run("open(); 0")

    def close(self):
        self.host.close()


# ---- pops ----

class Agent:
    """What the page does, without the page."""

    def __init__(self, node, user, popped):
        self.node, self.user, self.popped, self.seen, self.asked = node, user, popped, set(), []
        self.token, self.door = "", http.client.HTTPConnection(node.address, node.http_port, timeout=30)
        self.token = self.ask("POST", "/v1/sessions", {"number": user, "password": PASSWORD})["token"]
        self.feed = WebSocket((node.address, node.http_port), path=f"/v1/events?watch={user}&type=call.ended&access_token={self.token}", protocol=None)

    def ask(self, method, path, body=None):
        """Over the kept connection, or as browsers do, over a new one where the node has closed it: it keeps only so many of a tenant."""
        head = {"Content-Type": "application/json"} | ({"Authorization": "Bearer " + self.token} if self.token else {})
        for left in (1, 0):
            try:
                self.door.request(method, path, json.dumps(body) if body else None, head)
                answer = self.door.getresponse()
                told = json.loads(answer.read())
                break
            except (ConnectionError, http.client.HTTPException):
                self.door.close()
                if not left:
                    raise
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status} {told}")
        return told

    def fileno(self):
        return self.feed.sock.fileno()

    def read(self):
        if not self.feed.feed():
            raise SystemExit(f"the events of {self.user} have ended")
        while (found := self.feed.cut()):
            kind, payload = found
            if kind == PING:
                self.feed.send(payload, PONG)
            elif kind == TEXT:
                self.told(json.loads(payload))

    def told(self, event):
        for row in event.get("users", ()) if event.get("type") == "user.state" else ():
            for call in row.get("calls", ()) if row["user"] == self.user else ():
                if call["direction"] == "in" and call["state"] != "confirmed" and call["call"] not in self.seen:
                    self.seen.add(call["call"])
                    self.look(call)

    def look(self, call):
        self.ask("GET", f"/v1/crms:call?call={call['call']}")
        self.popped(call["remote"])


def pops(node, chromium, options):
    """Callers are 70000 on, each of one call."""
    users = [number(n) for n in range(AGENTS)]
    rang, popped, ends = {}, {}, []     # rang: when its caller called

    def rung(dialog):
        ends.append((time.monotonic() + 0.5, dialog))
        return False

    phones, callers = Phones(node.sip_port, rung=rung), Phones(node.sip_port)
    for user in users:
        phones.register(user, PASSWORD)
    page = Page(node, chromium, users[0])
    agents = [Agent(node, user, lambda caller: popped.setdefault(caller, time.time())) for user in users[1:]]
    poll = select.poll()
    by = {agent.fileno(): agent for agent in agents}
    for agent in agents:
        agent.feed.sock.setblocking(True)
        poll.register(agent, select.POLLIN)
    seconds = 20 if options.quick else 60
    began, made = time.monotonic(), 0
    while time.monotonic() < began + seconds + 2 or ends:
        now = time.monotonic()
        while made < min(seconds, now - began) * RATE:
            rang[str(70000 + made)] = time.time()
            callers.call(str(70000 + made), users[made % AGENTS])
            made += 1
        phones.turn(0)
        callers.turn(0)
        while ends and ends[0][0] < now:        # the agent takes it, and it is over
            phones.take(ends[0][1])
            ends.pop(0)
        for dialog in [one for one in phones.dialogs.values() if one.up]:
            dialog.bye()
        for descriptor, _ in poll.poll(2):
            by[descriptor].read()
    real = {caller: at / 1000 for caller, at, _ in reversed(page.host.run("searched"))}
    page.close()
    times = {kind: [1000 * (at[caller] - rang[caller]) for caller in rang if caller in at] for kind, at in (("page", real), ("clients", popped))}
    lost = len(rang) - len(times["page"]) - len(times["clients"])
    all_times = sorted(times["page"] + times["clients"])
    found = {"pop_p99_ms": round(all_times[min(len(all_times) - 1, int(0.99 * len(all_times)))], 1), "pop_p50_ms": round(bench.median(all_times), 1),
             "page_pop_p50_ms": round(bench.median(times["page"]), 1), "page_pop_max_ms": round(max(times["page"]), 1), "pop_calls": made, "pop_calls_of_page": len(times["page"])}
    bench.say(f"pops: {made} calls at {RATE}/s, {lost} without a pop: {found}")
    return found | {"pops_lost": lost}


# ---- calls ----

class Desk:
    """One agent with a page, and the calls that he has had: caller → what became of it."""

    def __init__(self, work, n, calls):
        self.work, self.n, self.user = work, n, number(n)
        self.left, self.calls, self.now, self.wake = calls, {}, None, 0
        records = [{"Id": self.record(c), "Name": f"Caller {c}", "RecordType": "Contact", "Phone": self.caller(c)} for c in range(calls)]
        self.page = Page(work.node, work.chromium, self.user, records, apex="yes")

    def caller(self, c):
        return f"7{self.n:02d}{c:04d}"

    def record(self, c):
        return f"003{self.n:03d}{c:09d}"

    def step(self, now):
        """Places the next call, or does to the one that rings what it is to have."""
        if now < self.wake:
            return
        if not self.now:
            if self.left:
                self.left -= 1
                self.now = self.work.callers.call(self.caller(self.left), self.user)
                self.calls[self.left] = {"began": now, "plan": random.choice(("answer", "answer", "given up", "transfer", "reload")), "rang": 0, "killed": False}
                self.wake = now + 20
            return
        row = self.calls[self.left]
        if not row["rang"]:
            bench.say(f"# {self.caller(self.left)} to {self.user} never rang")
            self.work.callers.end(self.now)
        elif row["plan"] == "reload":
            self.page.host.run("open(); 0")
            row["plan"] = "answer"
            self.wake = now + 1.5
        elif row["plan"] == "given up":
            self.now.cancel()
            row["plan"] += ", over"
            self.wake = now + 5
        elif row["plan"] in ("answer", "transfer"):
            self.work.phones.take(row["dialog"])
            row["plan"] += "ed"
            self.wake = now + 0.5
        elif row["plan"] == "transfered":
            row["plan"] = "given away" if self.work.transfer(self.user, self.caller(self.left)) else "not given away"
            self.wake = now + 1.5
        elif row["plan"].endswith("over"):      # it died with the node before it was answered
            self.work.callers.end(self.now)
        else:
            self.now.bye()
            row["plan"] += ", over"
            self.wake = now + 5

    def rung(self, dialog, now):
        row = self.calls[self.left]
        row |= {"rang": now, "dialog": dialog, "killed": row["killed"] or now < self.work.back, "at": time.strftime("%H:%M:%S")}
        self.wake = now + slowness() * random.uniform(0.8, 2)     # the page is loaded anew meanwhile

    def over(self):
        self.now, self.wake = None, time.monotonic() + random.uniform(0.3, 1)


class Work:
    """All desks, their phones, and the callers."""

    def __init__(self, node, chromium, calls):
        self.node, self.chromium, self.back = node, chromium, 0
        self.phones, self.callers = Phones(node.sip_port, rung=self.rung), Phones(node.sip_port, over=self.over, refused=lambda dialog, status: None)
        self.desks = []
        for n in range(PAGES):
            self.phones.register(number(n), PASSWORD)
        self.phones.register(PHONE, PASSWORD)
        for n in range(PAGES):
            self.desks.append(Desk(self, n, calls // PAGES))
        self.of = {desk.user: desk for desk in self.desks}

    def rung(self, dialog):
        desk = self.of.get(dialog.user)
        caller = dialog.remote.split("sip:")[1].split("@")[0]
        if desk and desk.now and desk.caller(desk.left) == caller:
            desk.rung(dialog, time.monotonic())
        return dialog.user == PHONE

    def over(self, dialog):
        for desk in self.desks:
            if desk.now is dialog:
                desk.over()

    def transfer(self, user, caller):
        """As the page does; False: the call is not up."""
        for row in self.node.ask("call.list"):
            if row["from"] == caller and row["to"] == user and row["state"] == "established":
                try:
                    self.node.ask("call.transfer", call=row["id"], to=PHONE, **{"as": user})
                    return True
                except Refused:
                    return False
        return False

    def kill(self):
        """A page is there again within BACK_S."""
        for desk in self.desks:
            if desk.now:
                desk.calls[desk.left]["killed"] = True
        self.node.killed()
        self.back = time.monotonic() + slowness() * BACK_S

    def run(self, kills):
        whole = sum(desk.left for desk in self.desks)
        at = [whole * (n + 1) // (kills + 1) for n in range(kills)]
        end = time.monotonic() + 60 + 8 * slowness() * whole / PAGES
        while any(desk.left or desk.now for desk in self.desks):
            now = time.monotonic()
            if now > end:
                raise SystemExit(f"gave up: {[(desk.user, desk.left, bool(desk.now)) for desk in self.desks]}")
            if at and sum(desk.left for desk in self.desks) <= whole - at[0]:
                at.pop(0)
                self.kill()
            self.phones.turn(0.005)
            self.callers.turn(0.005)
            for desk in self.desks:
                desk.step(now)

    def settle(self):
        """Every page has had the time for its last logs."""
        end = time.monotonic() + 80        # a page that was loaded anew before the answer has to wait for 45 s
        while time.monotonic() < end:
            self.phones.turn(0.2)
            self.callers.turn(0.2)

    def judge(self):
        found = {"pops_lost": 0, "pops_twice": 0, "logs_lost": 0, "logs_twice": 0, "calls": 0, "history_lost": 0}
        for desk in self.desks:
            popped, logs = desk.page.host.run("pops"), list(desk.page.host.run("Object.values(logs)"))
            rows = self.node.ask("history.list", user=desk.user, limit=1000)
            logged = [log["CallObject"].partition("-")[2] for log in logs]
            numbers = {row["number"] for row in rows}
            for c, row in desk.calls.items():
                times = popped.count(desk.record(c))
                found["calls"] += 1
                found["pops_twice"] += times > 1
                found["pops_lost"] += row["rang"] > 0 and not times and not row["killed"]
                lost = row["rang"] > 0 and not row["killed"] and desk.caller(c) not in numbers
                found["history_lost"] += lost
                if (row["rang"] and not times) or times > 1 or lost:
                    bench.say(f"# {desk.caller(c)} to {desk.user}: {row['plan']}, {times} pops, rang {row['rang'] - row['began']:.2f} s behind, at {row['at']}, killed {row['killed']}, in the history: {not lost}")
            found["logs_lost"] += sum(row["call"] not in logged for row in rows)
            found["logs_twice"] += len(logged) - len(set(logged))
            for call in {call for call in logged if logged.count(call) > 1}:
                bench.say(f"# {call} of {desk.user} has several logs: {[one for one in desk.page.host.run('saved') if one[1].endswith(call)]}")
            for row in rows:
                if row["call"] not in logged:
                    bench.say(f"# no log of {row['call']}: {row['number']} {row['result']}")
        return found


def calls(node, chromium, options):
    work = Work(node, chromium, 80 if options.quick else 1000)
    kills = 1 if options.quick else 2
    began = time.monotonic()
    work.run(kills)
    work.settle()
    found = work.judge() | {"kills": kills, "pages": PAGES}
    for desk in work.desks:
        desk.page.close()
    bench.say(f"calls: {time.monotonic() - began:.0f} s: {found}")
    return found


# ---- scripts ----

def scripts(node, chromium, options):
    user = number(0)
    payloads = PAYLOADS[::5] if options.quick else PAYLOADS
    rung = []
    phones, callers = Phones(node.sip_port, rung=lambda dialog: rung.append(dialog)), Phones(node.sip_port)     # None: it rings on
    phones.register(user, PASSWORD)
    page = Page(node, chromium, user, [{"Id": "003000000000001", "Name": PAYLOADS[0], "RecordType": "Contact", "Phone": "7"}])
    run, shown = 0, 0
    for n, payload in enumerate(payloads):
        tag = re.sub(r"[\x00-\x1f;]", "", payload)[:60].replace("{", "{{")     # a brace of its own (docs/flows.md)
        node.ask("flow.put", name="tagged", program=[{"tag": {"Case.CaseNumber": tag}}, {"dial": user}])
        node.ask("number.put", number="2700", to="flow:tagged")
        name = re.sub(r"[\x00-\x1f]", "", payload).replace("\\", "\\\\").replace('"', '\\"')
        call = callers.call(f"8{n:04d}", "2700", name=name)
        bench.wait_for(f"the phone rings ({payload!r})", 20, lambda: (phones.turn(0.02), callers.turn(0.02), rung)[2])
        page.frame.until(f"document.body.innerText.includes('8{n:04d}')")
        shown += 1
        run += page.frame.run("typeof hit") != "undefined" or page.host.run("typeof hit") != "undefined"
        call.cancel()
        bench.wait_for("the call is over", 20, lambda: (phones.turn(0.02), callers.turn(0.02), not callers.dialogs)[2])
        rung.clear()
    page.close()
    for payload in payloads:
        page = pages.WebPage(chromium, node.crm.url(node.url("softphone/softphone.html") + "?" + urllib.parse.urlencode({payload[:40]: payload}), mode=payload))
        frame = Frame(page, "softphone")
        try:
            frame.until("document.body", 5)
            run += frame.run("typeof hit", 5) != "undefined"
        except Failed:
            pass                # its mode is no mode: it is not shown
        run += page.run("typeof hit") != "undefined"
        page.close()
    node.ask("crm.put", name="Desk", hosts="https://crm.example.org", pop=["internal"])
    stranger = pages.WebPage(chromium, f"{node.crm.origin}/crm-page.html?node={node.url('').rstrip('/')}")
    stranger.run("said = []; addEventListener('message', event => said.push(event.data.event)); 0")
    time.sleep(3)
    told = len(stranger.run("said"))
    stranger.close()
    bench.say(f"scripts: {shown} names and tags, {len(payloads)} queries: {run} ran; {told} events told to a page of another origin")
    return {"scripts_run": run, "payloads": len(payloads), "strangers_notified": told}


def main():
    options, figures = bench.arguments(__doc__, ROWS), {}
    pages.bundle()
    crm, chromium = Crm(), browser.Browser(program=browser.WHOLE)
    try:
        for name, row, agents in (("pops", pops, AGENTS), ("calls", calls, PAGES), ("scripts", scripts, 1)):
            if options.row and name not in options.row:
                continue
            node = Office(crm, agents)
            try:
                for key, value in row(node, chromium, options).items():
                    figures[key] = value + figures.get(key, 0) if key == "pops_lost" else value
            finally:
                node.stop()
    finally:
        chromium.close()
        crm.close()
    figures |= {"load": round(os.getloadavg()[0], 1), "cores": bench.cores()}
    over = [f"{name} is {figures[name]}, and at most {most} is wanted" for name, most in LIMITS.items() if figures.get(name, 0) > most]
    for line in over:
        bench.say(line)
    bench.finish(options, "crm", figures, {})
    return bool(over)


if __name__ == "__main__":
    sys.exit(main())

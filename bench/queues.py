#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Queues: how soon a free agent is rung, what a call through a queue costs, and what kills and races leave behind.

Row `picks`: silent callers wait in many queues, all agents talk. One hangs up after the other; each time counts until that agent's phone has the
INVITE of the caller who is next, who must be the oldest one of his queue. Row `calls`: SIPp's calls to a phone, and through queues with music to agents, in turns. Row `kills`: callers wait
and talk while the node is killed with -9 again and again; all must have their calls and places. Row `races`: two agents of a queue answer at the
same moment, a third of the callers give up then, and in one of fifty the node is killed. The node has one core. Load and Redis have the other."""
import pathlib
import random
import resource
import sys
import time

import lib
from calls_step import step
from flows import LED_ON, prompt, scenario
from queue_phones import Phones

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "client"))
from tandem_client import Client    # noqa: E402

ROWS = ("picks", "calls", "kills", "races")
PASSWORD = "bench-secret"
MEMBERS = 10        # of a queue
FIRST_AGENT = 10000
SWAPPED_S = 0.05    # two who are picked at the same moment: each INVITE waits for Redis


class Office(lib.Node):
    """A node with queues of MEMBERS agents each, who are registered at one socket and logged in."""

    def __init__(self, queues, agents, calls, **fields):
        super().__init__(media_ports="10000-59999", calls=calls)
        try:
            self.redis_apart()
            prompt(self, "hold", 3000, 5)
            self.names = [f"q{n}" for n in range(queues)]
            self.agents = [str(FIRST_AGENT + n) for n in range(agents)]
            self.members = {name: self.agents[n * MEMBERS:(n + 1) * MEMBERS] for n, name in enumerate(self.names)}
            self.asks()
            for number in self.agents:
                self.ask("extension.put", number=number, password=PASSWORD)
            for n, name in enumerate(self.names):
                self.ask("queue.put", name=name, members=",".join(self.members[name]), ring_s=60, missed_max=0, **fields)
                self.ask("number.put", number=str(3000 + n), to=f"queue:{name}")
        except BaseException:
            self.stop()
            raise

    def asks(self):
        self.client = Client(str(next(self.dir.rglob("redis.sock"))), "_operator")

    def ask(self, command, **arguments):
        return self.client.ask(command, wait=30.0, **arguments)

    def log_in(self, phones, others):
        for number in self.agents:
            phones.register(number, PASSWORD)
        for number in self.agents:
            self.ask("agent.login", number=number)
            phones.turn(0)
            others.turn(0)

    def killed(self):
        self.process.kill()
        self.process.wait()
        self.start()
        self.asks()

    def stuck(self):
        """Agents that are not ready, though nobody calls."""
        return sum(row["now"] != "ready" for row in self.ask("agent.list"))


def calls_at_most():
    """A call takes five descriptors of the node, which raises its limit as far as it may."""
    return (resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 1000) // 5


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else None


# ---- picks ----

class Picks:
    """Who has hung up, since when, and who is oldest in which queue."""

    def __init__(self, node):
        self.node, self.callers, self.queue_of = node, Phones(node.sip_port, over=self.caller_over, refused=self.caller_refused), {}
        self.agents = Phones(node.sip_port, rung=self.rung, answered=self.talks)
        self.free, self.talking, self.times, self.lines = {}, {}, [], {name: [] for name in node.names}
        self.refused, self.refusals = [], 0
        self.next_user, self.refills, self.counts = 0, False, False
        self.passed, self.late = {}, 0      # callers behind whom one was rung, since when; those who were rung long after that
        for name, members in node.members.items():
            self.queue_of |= dict.fromkeys(members, name)

    def joins(self, name):
        self.next_user += 1
        dialog = self.callers.call(f"c{self.next_user}", str(3000 + int(name[1:])))
        dialog.queue = name
        self.lines[name].append(dialog.user)

    def caller_refused(self, dialog, status):
        """A node that is behind says so (503), and the caller tries again."""
        if status != 503:
            raise SystemExit(f"a caller is refused with {status}")
        self.lines[dialog.queue].remove(dialog.user)
        self.refused.append(dialog.queue)
        self.refusals += 1

    def caller_over(self, dialog):
        if self.refills and dialog.up:
            self.joins(dialog.queue)

    def rung(self, dialog):
        began = self.free.pop(dialog.user, None)
        if began and self.counts:
            self.times.append(1000 * (time.monotonic() - began))
        line = self.lines[self.queue_of[dialog.user]]
        caller = dialog.remote.split("sip:")[1].split("@")[0]
        if caller in line:
            now = time.monotonic()
            for before in line[:line.index(caller)] if self.counts else ():
                self.passed.setdefault(before, now)
            line.remove(caller)
            self.late += now - self.passed.pop(caller, now) > SWAPPED_S
        return True

    @property
    def overtaken(self):
        return self.late + sum(time.monotonic() - since > SWAPPED_S for since in self.passed.values())

    def talks(self, dialog):
        self.talking[dialog.user] = dialog

    def turn(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.callers.turn(0)
            self.agents.turn(0.002)

    def until(self, what, check, seconds):
        end = time.monotonic() + seconds
        while not check():
            if time.monotonic() > end:
                raise SystemExit(f"gave up after {seconds} s: {what}; {len(self.callers.waits)} requests are not answered, {self.refusals} were refused, "
                                 f"{len(self.talking)} agents talk")
            self.turn(0.02)

    def all_join(self, each, waiting):
        """As many as are to wait in all queues, some at a time; then all agents talk."""
        for n in range(each):
            for name in self.node.names:
                self.joins(name)
                if len(self.callers.waits) > 40:
                    self.until("callers to be answered", lambda: len(self.callers.waits) < 20, 30)
            self.again()
        self.until("callers to wait", lambda: not self.callers.waits and not self.again(), 60)
        self.node.log_in(self.agents, self.callers)
        self.until("all agents to talk", lambda: len(self.talking) == len(self.node.agents), 60)
        if self.waiting() < waiting:
            raise SystemExit(f"{self.waiting()} of {waiting} callers wait")

    def again(self):
        """Those who were refused. Returns how many."""
        names, self.refused = self.refused, []
        if names:
            self.turn(0.2)
        for name in names:
            self.joins(name)
        return len(names)

    def waiting(self):
        return int(self.node.metrics()["tandem_queue_callers"])

    def hang_up(self, rate, seconds):
        """So many agents a second, one after the other."""
        self.refills = self.counts = True
        began, done = time.monotonic(), 0
        while (now := time.monotonic()) < began + seconds:
            while done < (now - began) * rate and self.talking:
                user = random.choice(list(self.talking))
                self.free[user] = time.monotonic()
                self.talking.pop(user).bye()
                done += 1
            self.turn(0.002)
            self.again()
        self.refills = False
        self.turn(1)
        return done


def picks_figures(quick):
    queues, each, rate, seconds = (40, 35, 40, 10) if quick else (200, 35, 100, 60)
    queues = min(queues, calls_at_most() // each)
    agents = queues * MEMBERS
    node = Office(queues, agents, calls=queues * each + 500)
    try:
        picks = Picks(node)
        began = time.monotonic()
        picks.all_join(each, queues * each - agents)
        joined_s = time.monotonic() - began
        cpu = lib.cpu_seconds(node.pid)
        done = picks.hang_up(rate, seconds)
        cpu = (lib.cpu_seconds(node.pid) - cpu) / max(1, done)
        waiting, unrung = picks.waiting(), len(picks.free)
    finally:
        node.stop()
    lib.say(f"{agents} agents in {queues} queues, {waiting} callers waiting (there after {joined_s:.0f} s): {len(picks.times)} of {done} agents who hung up were rung "
            f"after {lib.median(picks.times):.1f} ms, p99 {percentile(picks.times, 0.99):.1f} ms, at most {max(picks.times):.1f}; {unrung} were not; "
            f"{picks.overtaken} callers overtaken; {1e6 * cpu:.0f} us of the node each")
    figures = {"picks": len(picks.times), "pick_p50_ms": round(lib.median(picks.times), 2), "pick_p99_ms": round(percentile(picks.times, 0.99), 2),
               "pick_max_ms": round(max(picks.times), 2), "pick_agents": agents, "pick_queues": queues, "pick_waiting": waiting,
               "pick_not_rung": unrung, "callers_refused": picks.refusals, "pick_overtaken": picks.overtaken, "node_us_per_pick": round(1e6 * cpu)}
    return figures, figures["pick_p99_ms"] <= 20 and not unrung and not picks.overtaken


# ---- calls ----

def calls_figures(quick):
    """Talks of 0.5 s: queues have as many agents as that takes."""
    rates, seconds, turns, queues = ((50, 100), 4, 1, 10) if quick else ((200, 500, 700, 900), 10, 3, 90)
    node = Office(queues, queues * MEMBERS, calls=4900, strategy="longest_idle")
    try:
        numbers = node.dir / "numbers.csv"
        numbers.write_text("RANDOM\n" + "".join(f"{3000 + n};\n" for n in range(queues)))
        port = lib.free_port()
        for number in node.agents:
            lib.register(node.sip_port, number, PASSWORD, port)
            node.ask("agent.login", number=number)
        queued = ("-sf", scenario(node, "queued", LED_ON.replace("[service]", "[field0]")), "-inf", numbers)
        plain, through = [], []
        for rate in rates:
            for _ in range(turns if rate == rates[0] else 1):
                if rate == rates[0]:
                    plain.append(step(node, port, rate, seconds, node.agents[0], scenario=("-sn", "uac", "-d", "500")))
                through.append(step(node, port, rate, seconds, "3000", scenario=queued))
            if through[-1]["unfinished"]:
                break
        stuck = node.stuck()
    finally:
        node.stop()
    good = [one["rate"] for one in through if not one["unfinished"]]
    ratios = [(b["cpu_us"] - b["media_us"]) / (a["cpu_us"] - a["media_us"]) for a, b in zip(plain, through)]
    saves = lib.median([b["saves"] for b in through[:turns]]) - lib.median([a["saves"] for a in plain])
    lib.say(f"calls through queues: {lib.median(ratios):.2f} times a plain call, {saves:.1f} saves more; all ended well up to {max(good, default=0)}/s")
    figures = {"queue_calls_per_second": max(good, default=0), "highest_rate_tried": rates[-1], "ratio_vs_plain_call": round(lib.median(ratios), 3), "saves_more": round(saves, 2),
               "queued_us_per_call": round(lib.median([b["cpu_us"] for b in through[:turns]])), "stuck_agents": stuck}
    return figures, not stuck and figures["queue_calls_per_second"] >= (rates[-1] if quick else 700) and figures["ratio_vs_plain_call"] <= 2


# ---- kills ----

def places(node):
    return {name: [row["call"] for row in node.ask("queue.status", name=name)["callers"]] for name in node.names}


def lost_places(before, after):
    """Callers who are gone, or behind one who was behind them."""
    return sum(after[name].index(call) != place if call in after[name] else 1 for name, line in before.items() for place, call in enumerate(line))


def kills_figures(quick):
    queues, each, kills = (4, 25, 4) if quick else (20, 35, 100)
    agents = queues * MEMBERS
    node = Office(queues, agents, calls=queues * each + agents + 100)
    lost = displaced = 0
    firsts = []
    try:
        picks = Picks(node)
        picks.all_join(each, queues * each - agents)
        picks.turn(1)
        for _ in range(kills):
            before, calls = places(node), {row["id"] for row in node.ask("call.list", limit=1000)}
            picks.turn(random.uniform(0, 0.3))
            began = time.monotonic()
            node.killed()
            picks.until("the calls", lambda: node.metrics().get("tandem_calls", len(calls)) >= len(calls) or time.monotonic() > began + 10, 20)
            displaced += lost_places(before, places(node))
            lost += len(calls - {row["id"] for row in node.ask("call.list", limit=1000)})
            user = next(iter(picks.talking))
            picks.times.clear()
            picks.counts, picks.free[user] = True, began
            picks.talking.pop(user).bye()
            picks.until("an agent to be rung", lambda: picks.times, 20)
            picks.until("he talks", lambda user=user: user in picks.talking, 20)
            firsts.append(picks.times[0])
            picks.turn(0.5)
        for dialogs in (picks.callers.dialogs, picks.agents.dialogs):
            for dialog in list(dialogs.values()):
                if dialog.up:
                    dialog.bye()
                    picks.turn(0)
        picks.until("all calls to end", lambda: not node.ask("node.status")["calls"], 60)
        picks.turn(6)       # who was just rung in vain rests for 5 s
        stuck = node.stuck()
    finally:
        node.stop()
    lib.say(f"{kills} kills under {queues * each} calls: {lost} lost, {displaced} places, {stuck} agents stuck, {picks.overtaken} overtaken; who hangs up is rung "
            f"{lib.median(firsts):.0f} ms behind a kill (at most {max(firsts):.0f})")
    return {"kills": kills, "calls_lost": lost, "places_lost": displaced + picks.overtaken, "stuck_agents": stuck, "first_pick_behind_kill_max_ms": round(max(firsts))}, \
        not lost and not displaced and not stuck and not picks.overtaken


# ---- races ----

class Races:
    def __init__(self, node):
        self.node, self.ring, self.up = node, [], set()
        self.refusals = []
        self.callers = Phones(node.sip_port, refused=lambda dialog, status: self.refusals.append(status))
        self.agents = Phones(node.sip_port, rung=lambda dialog: self.ring.append(dialog), answered=self.up.add, over=self.up.discard)

    def until(self, check, seconds):
        end = time.monotonic() + seconds
        while not check() and time.monotonic() < end:
            self.callers.turn(0)
            self.agents.turn(0.002)
        return check()

    def one(self, gives_up, kill):
        """How many have the call; None: somebody still has it when it should be over."""
        patience = 20 if kill else 5
        self.ring.clear()
        began = len(self.refusals)
        caller = self.callers.call("racer", "3000")
        while self.until(lambda: len(self.ring) == 2 or len(self.refusals) > began, 20) and self.refusals[began:] == [503]:
            self.refusals[began:] = []      # a node that is behind says so, and the caller tries again
            caller = self.callers.call("racer", "3000")
        if len(self.ring) != 2:
            raise SystemExit(f"{len(self.ring)} of two agents ring, refused by {self.refusals[began:]}: {self.node.ask('agent.list')} {self.node.ask('call.list')}")
        for dialog in self.ring:
            self.agents.take(dialog)
        if gives_up:
            caller.bye()
        if kill:
            self.node.killed()
        self.until(lambda: not self.agents.waits and len(self.agents.dialogs) < 2, patience)
        winners = sum(dialog.up for dialog in self.agents.dialogs.values())
        if not gives_up:
            caller.bye()
        return winners if self.until(lambda: not self.agents.dialogs and not self.callers.dialogs, patience) else None


def races_figures(quick):
    count, each = (100, 20) if quick else (10000, 50)
    node = Office(1, 2, calls=100, strategy="ring_all")
    try:
        races = Races(node)
        node.log_in(races.agents, races.callers)
        wrong = 0
        for n in range(count):
            winners = races.one(n % 3 == 2, n % each == each - 1)
            wrong += winners not in ((0, 1) if n % 3 == 2 else (1,))
        races.until(lambda: not node.ask("node.status")["calls"], 10)
        stuck = node.stuck()
    finally:
        node.stop()
    lib.say(f"{count} races of two answers, a third with a caller who gives up, {count // each} with a kill: {wrong} without one winner, {stuck} agents stuck")
    return {"races": count, "race_kills": count // each, "races_wrong": wrong, "stuck_agents": stuck}, not wrong and not stuck


def main():
    options = lib.arguments(__doc__.splitlines()[0], rows=ROWS)
    figures, met, stuck = {}, True, 0
    for row in options.row or ROWS:
        found, good = globals()[f"{row}_figures"](options.quick)
        stuck += found.pop("stuck_agents", 0)
        figures, met = figures | found, met and good
    lib.finish(options, "queues", figures | {"stuck_agents": stuck}, {"sipp": lib.package_version("sip-tester"), "redis": lib.package_version("redis-server")})
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())

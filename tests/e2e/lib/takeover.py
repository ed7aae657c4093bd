# SPDX-License-Identifier: Apache-2.0
"""A node is killed under calls in many states, and another one goes on with them: on the same folder, or on a copy that was kept.

The parties look at what phones and readers of call records see, and at nothing else that the node keeps.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import time

from .node import Node
from .sip import UserAgent
from .stream import StreamAgent
from .streams import Streams, sdp
from .takeover_after import After
from .takeover_before import Before
from .takeover_kinds import KINDS, end_take, fault_of, numbers, second, until
from .wall import Wall
from patience import PATIENCE_S

SPEAKS_S = 1.5          # for as long before the kill: sources are known, and saved
FIELDS = ("sip_port", "sip_port_2", "tls_port", "http_port", "media_ports")
# What a start makes, or makes where it is absent.
LEFT_OUT = shutil.ignore_patterns("*.sock", "*.log", "*.pid", "lock", "tls", "dtls.pem", "redis.conf")
LATER_S = 20            # a copy is started as if that long after the kill: the lease of the killed node has expired


@contextlib.contextmanager
def plain_node():
    """A node whose settings are what every version knows."""
    with Node(start=False, calls=40, everything=True) as node:
        config = pathlib.Path(node.config)
        settings = json.loads(config.read_text(encoding="utf-8"))
        settings.pop("sip", None)
        config.write_text(json.dumps(settings, indent=1), encoding="utf-8")
        node.start()
        yield node


def extension_put(node, number, **flags):
    """By the program of the node's version, as all commands before the kill."""
    node.tandemctl("extension.put", secret=f"secret{number}\n", number=number, password="-", **flags)


def agent_make(node, kind, number):
    agent = (StreamAgent if kind == "tcp" else UserAgent)(node.server, number, "secret" + number)
    if agent.register(expires=600).status != 200:
        raise AssertionError(f"{number} is not registered")
    return agent


def agent_note(agent):
    return {"number": agent.number, "port": getattr(agent, "listening", agent.port), "tcp": agent.reliable,
            "register": agent._register}


def bring_up(node, stack, compact=False):
    """A call of each kind on the node, which is killed under them. (What the parties remember, their RTP ends.)

    compact: Redis writes its file anew first, as it does by itself when that has grown; what comes then is behind it.
    """
    first, count = node.ports.take(8 * len(KINDS)), 4 * len(KINDS)
    streams = Streams(first, count)
    stack.callback(streams.close)
    unused = iter(streams.ends)
    agents, calls = {}, []
    for kind in KINDS:
        for number in numbers(kind):
            extension_put(node, number, early_media="true", sdes_insecure=str(kind == "srtp").lower())
            agents[number] = agent_make(node, kind, number)
        if kind == "forking":
            agents[second(number)] = agent_make(node, kind, number)
        calls.append(Before(kind, node, agents, [next(unused) for _ in range(4 if kind == "video" else 2)]))
    if compact:
        with node.redis() as redis:
            redis("BGREWRITEAOF")
            until(lambda: "aof_rewrite_in_progress:0" in redis("INFO", "persistence"), 5, "the file is written anew")
    streams.start()
    time.sleep(SPEAKS_S)
    node.kill()
    state = {"killed_utc_s": int(time.time()), "node": {name: getattr(node, name) for name in FIELDS},
             "streams": {"first": first, "count": count},
             "agents": {name: agent_note(agent) for name, agent in agents.items()},
             "calls": [call.note() for call in calls]}
    for agent in agents.values():
        agent.close()
    return json.loads(json.dumps(state)), streams


def agent_take(server, noted):
    """The phone as it was noted."""
    number = noted["number"]
    if noted["tcp"]:
        agent = StreamAgent(server, number, "secret" + number)
        agent.listening = noted["port"]
    else:
        agent = UserAgent(server, number, "secret" + number, port=noted["port"])
    agent._register = noted["register"]
    return agent


def agents_take(node, state, tcp, stack):
    """The phones on UDP, or those on TCP, which register again."""
    agents = {}
    for name, noted in state["agents"].items():
        if noted["tcp"] == tcp:
            agents[name] = agent = agent_take(node.server, noted)
            stack.callback(agent.close)
            if tcp:
                until(lambda agent=agent: registered(agent), PATIENCE_S, f"{agent.number} is not registered")
    return agents


def registered(agent):
    """Its shard may go home at the same moment: then it connects again."""
    try:
        return agent.register(expires=600).status == 200
    except OSError:
        agent.reconnect()
    return False


def streams_take(state):
    streams = Streams(state["streams"]["first"], state["streams"]["count"])
    for call in state["calls"]:
        for noted in (end for party in call["parties"].values() for end in party["ends"]):
            end_take(streams.at(noted["port"]), noted)
    streams.start()
    return streams


def one_more(parties, agents, streams):
    """Phones that have not registered again call each other: those whose call was over."""
    a, b = (agents[parties[side]["agent"]] for side in "ab")
    pair = streams.ends[-2:]
    out = a.invite(b.number, sdp(pair[0]))
    into = b.incoming()
    into.answer(sdp(pair[1]))
    out.wait_answer()
    out.bye()
    into.wait_bye()


def records(node, count, seconds=PATIENCE_S):
    """The call records, as soon as there are so many; what there is where they do not come."""
    end = time.monotonic() + seconds
    while len(rows := node.ctl("cdr.list")) < count and time.monotonic() < end:
        time.sleep(0.05)
    return rows


def take_over(node, state, streams=None):
    """The node starts while the phones are there; each call goes on and ends.

    (The calls with their faults, what is wrong with the phones, the call records, seconds until the node was ready.)
    """
    with contextlib.ExitStack() as stack:
        agents = agents_take(node, state, False, stack)
        if not streams:
            streams = streams_take(state)
            stack.callback(streams.close)
        ready_s = node.restart()
        agents |= agents_take(node, state, True, stack)
        calls = [After(noted, agents, streams) for noted in state["calls"]]
        for step in ("goes_on", "marked", "heard", "ends"):
            for call in calls:
                call.try_to(getattr(call, step))
        phones = fault_of(lambda: one_more(state["calls"][-1]["parties"], agents, streams))
        rows = records(node, len(calls) + 1)
        for call in calls:
            call.try_to(call.recorded, rows)
        return calls, phones, rows, ready_s


def keep(node, state, folder):
    """kill -9 for the Redis of the killed node, too; what both have left is copied to that folder."""
    pid = int(pathlib.Path(node.folder, "redis", "redis.pid").read_text(encoding="ascii"))
    os.kill(pid, signal.SIGKILL)
    until(lambda: not os.path.exists(f"/proc/{pid}/fd/0"), 5, "Redis is gone")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(node.folder, os.path.join(folder, "node"), ignore=LEFT_OUT)
    pathlib.Path(folder, "parties.json").write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")


# Times of a record are exact within one boot of the machine; a copy is of another one, wherever it was made.
# "/" of a chroot is no mount point: what is to be private is the one that the file lies on.
REBOOTED = "unshare", "--mount", "--propagation", "unchanged", "sh", "-ec", """
file=/proc/sys/kernel/random/boot_id
mount --make-private "$(findmnt -n -o TARGET -T $file)"
mount --bind "$0" $file
exec "$@"
"""


class Taken(Node):
    """A node on a copy of a folder that another version left; its clock shows the time shortly after the kill."""

    def __init__(self, folder):
        self._open()
        self.state = json.loads(pathlib.Path(folder, "parties.json").read_text(encoding="utf-8"))
        for name, value in self.state["node"].items():
            setattr(self, name, value)
        self._copy(os.path.join(folder, "node"))
        Wall(self).step(self.state["killed_utc_s"] + LATER_S - int(time.time()))

    def start(self, seconds=PATIENCE_S, wrapper=()):
        boot = os.path.join(self.home, "boot_id")
        pathlib.Path(boot).write_text("00000000-0000-4000-8000-000000000000\n", encoding="ascii")
        super().start(seconds, (*REBOOTED, boot, *wrapper))

    def _copy(self, kept):
        shutil.copytree(kept, self.folder)
        for path, _, files in os.walk(self.folder):
            os.chmod(path, 0o700)
            for name in files:
                os.chmod(os.path.join(path, name), 0o600)
        settings = json.loads(pathlib.Path(self.config).read_text(encoding="utf-8"))
        settings["node"]["state_dir"] = self.folder
        pathlib.Path(self.config).write_text(json.dumps(settings, indent=1), encoding="utf-8")

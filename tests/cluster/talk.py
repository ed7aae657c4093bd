# SPDX-License-Identifier: Apache-2.0
"""Many calls of phones in front of the cluster, and their audio by rtpload."""
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import threading

from lib.node import build_folder
from lib.sip import SipError, UserAgent, or_none
from patience import until

from .net import DIES_WITH_US
from .nodes import ADDRESSES, SHARDS

CALLS_A_PAIR, PAIRS_OF_WAYS, AT_ONCE = 25, 10, 8
GIVES_WAY = 10              # of nice
ANSWERS_S = 0.5, 1, 2, *[4] * 7
FIRST_PORT, NUMBERS, PASSWORD = 20000, 3000, "secret"       # ports of calls that are over are used again
SHARD_OF = {address: shard for shards in (SHARDS, ADDRESSES) for shard, address in shards.items()}


def phones_give_way():
    """Phones stand on the two cores of the nodes here: their threads, all but the first one of this process, let nodes, Redis and whoever
    measures go first. What such a thread starts does so, too; nodes are started by the first one."""
    run = threading.Thread.run

    def gives_way(thread):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), GIVES_WAY)
        run(thread)

    threading.Thread.run = gives_way


def sdp(address, port):
    return (f"v=0\r\no=- {port} 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
            "a=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n")


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, len(values) * share // 100)] if values else 0


def media_of(message):
    return re.search(r"^c=IN IP4 (\S+)", message.text, re.M)[1], int(re.search(r"^m=audio (\d+)", message.text, re.M)[1])


class Call:
    """Two dialogs through the cluster, answered."""

    def __init__(self, caller, callee, number):
        address, self.ports = caller.address, (FIRST_PORT + 4 * (number % NUMBERS), FIRST_PORT + 4 * (number % NUMBERS) + 2)
        self.sdp, self.fault, self.line = [sdp(address, port) for port in self.ports], "", ""
        self.out = caller.invite(self._called(callee), self._offers())
        self.into = self._comes(callee)
        self._begin()

    @property
    def shard(self):
        return SHARD_OF.get(media_of(self.into.request)[0])

    def told(self):
        """For whoever looks for it in logs."""
        return f"a call {self.state}: Call-ID {self.id}, From {self.out.request.get('From')}, To {self.out.remote}"

    # -- what calls in other states do otherwise (states.py) -------------------------------------
    state, records = "that was answered", 1         # so many call records

    def _called(self, callee):
        return callee.number

    def _offers(self):
        return self.sdp[0]

    def _begin(self):
        self.answer()

    def answer(self):
        """Until it is acknowledged (RFC 3261 13.3.1.4): its node may be dying."""
        for seconds in ANSWERS_S:
            self.into.answer(self.sdp[1], ack=False)
            if or_none(self.into.wait_ack, seconds):
                break
        else:
            raise SipError(f"no ACK to {self.into.agent.number}")
        places, address = (media_of(self.out.wait_answer()), media_of(self.into.request)), self.out.agent.address
        self.line = " ".join(f"{address}:{port} {place[0]}:{place[1]}" for port, place in zip(self.ports, places))

    def _comes(self, callee):
        try:
            return callee.incoming()
        except SipError:
            raise SipError(f"a call did not come: {self.out.response or self.out.error or self.out.provisional}") from None

    @property
    def id(self):
        """As call records have it."""
        return self.out.call_id

    def end(self, by_caller):
        """BYE by one side is told to the other one."""
        one, other = (self.out, self.into) if by_caller else (self.into, self.out)
        waits = threading.Thread(target=self._noted, args=(other.wait_bye,))
        waits.start()
        self._noted(one.bye)
        waits.join()

    def _noted(self, act):
        try:
            act()
        except (SipError, OSError) as error:
            self.fault += ("; " if self.fault else "") + str(error)[:1000]


class Phones:
    """Pairs of extensions; the second of a pair is called by the first. All speak to the SBC, or to whatever is there, in these ways."""

    def __init__(self, sbc, address, port=5060, ways=None):
        self.sbc, self.address, self.ways, self.pairs, self.made = (sbc, port), address, ways, [], 0

    def register(self, agent):
        response = None

        def asked():
            nonlocal response
            try:
                response = agent.register(expires=3600, seconds=4).status
            except SipError:
                response = None
            return response == 200

        until(asked, lambda: f"{agent.number} is not registered: {response}")

    def pair(self, node):
        flags = {"webrtc": "never"} if self.ways else {}
        self.pairs.append([self.phone(node, f"{kind}{len(self.pairs):03}", **flags) for kind in (1, 2)])

    def phone(self, node, name, make=None, **flags):
        """Of an extension of its own, registered."""
        node.put_extension(name, PASSWORD, **flags)
        agent = (make or self.agent)(name)
        self.register(agent)
        return agent

    def agent(self, name):
        if self.ways:
            return self.ways.agent(len(self.pairs), name, PASSWORD, self.sbc[0], self.address)
        return UserAgent(self.sbc, name, PASSWORD, self.address)

    def call(self, node, count):
        """So many new ones, some pairs at once."""
        while len(self.pairs) * CALLS_A_PAIR < count or (self.ways and len(self.pairs) % PAIRS_OF_WAYS):
            self.pair(node)
        shares = [range(self.made + i, self.made + count, len(self.pairs)) for i in range(len(self.pairs))]
        found, self.made = [], self.made + count
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for pair, share in zip(self.pairs, shares):
                pool.submit(self._place, *pair, share, found)
        if len(found) < count or any(isinstance(each, BaseException) for each in found):
            raise SipError(f"{count} calls: {[str(each) for each in found if isinstance(each, BaseException)][:3]}")
        return found

    @staticmethod
    def _place(caller, callee, share, found):
        try:
            for number in share:
                found.append(Call(caller, callee, number))
        except Exception as error:      # shown by whoever placed them
            found.append(error)

    def number(self):
        """Of one more call."""
        self.made += 1
        return self.made - 1

    def close(self):
        for agent in (agent for pair in self.pairs for agent in pair):
            agent.close()


class Audio:
    """What calls hear from now on, both ways: a process of rtpload."""

    def __init__(self, calls, folder, warm_up, interval_ms=20, speech=False):
        self.latest, self.calls = {}, calls
        path = os.path.join(folder, f"calls-{id(self)}")
        with open(path, "w", encoding="ascii") as file:
            file.writelines(call.line + "\n" for call in calls)
        program = os.environ.get("TANDEM_RTPLOAD") or os.path.join(build_folder(), "bench", "rtpload")
        command = [program, "--seconds", "86400", "--tick-us", "1000", "--tell-ms", "200",
                   "--warm-up", str(warm_up), "--interval-ms", str(interval_ms), "--calls", path, *(["--speech"] if speech else [])]
        self.process = subprocess.Popen([*DIES_WITH_US, *command], stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.latest = json.loads(line)

    def heard(self):
        """All have heard something."""
        return self.latest.get("silent_streams", 1) == 0

    def stop(self):
        """The report."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.reader.join()
        return self.latest

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

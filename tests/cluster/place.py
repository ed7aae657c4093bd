# SPDX-License-Identifier: Apache-2.0
"""The whole of it: machines, Redis, nodes, Kamailio, phones."""
import contextlib
import os
import re
import shutil
import tempfile

from lib.kamailio import Kamailio
from lib.nameserver import NameServer
from patience import until

from . import ROOT
from .lots import Lots
from .net import DIES_WITH_US, Host, bridge
from .nodes import SHARDS, SIP, ClusterNode
from .owners import Owners
from .redis_hosts import RedisHosts
from .talk import Phones
from .ways import Ways

HERE, SBC, CARRIER = "10.77.0.1", "10.77.0.5", "10.77.0.6"
NODES = {"a": "10.77.0.11", "b": "10.77.0.12", "c": "10.77.0.13"}
SERVERS = {"r1": "10.77.0.21", "r2": "10.77.0.22"}
GUIDES = ROOT / "docs" / "guides"
OVER = re.compile(r":(cdr|ended|calls|call:moved|events?|audit)$|^td:\{(ev|cmd|kept|box|task)")     # and marks for older programs; who has called last
MEDIA_PORTS = "12000-19999"


def sbc_texts(folder):
    """(kamailio-sbc.cfg, kamailio-nodes.list) of the guide with these machines; the nodes are reached at the addresses of shards."""
    nodes = os.path.join(folder, "kamailio-nodes.list")
    text = (GUIDES / "kamailio-sbc.cfg").read_text(encoding="utf-8")
    for place, value in (("192.0.2.5:", f"{SBC}:"), ("192.0.2.20", CARRIER), ("/etc/kamailio/kamailio-nodes.list", nodes)):
        text = text.replace(place, value)
    line = next(line for line in (GUIDES / "kamailio-nodes.list").read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return text, "".join(re.sub("sip:[0-9.:]+", f"sip:{address}:{SIP}", line) + "\n" for address in SHARDS.values())


class Place:
    """settings: lease, a duration as in tandem.yaml; save_replicas, as there. floats: addresses go with their shards; else phones speak to a
    node, in the ways of ways.py."""

    def __init__(self, lease="1s", save_replicas=0, floats=True):
        self.stack, self.save_replicas, self.floats = contextlib.ExitStack(), save_replicas, floats
        self.made = None            # see lots()
        try:
            self._open(lease)
        except BaseException:
            self.close()
            raise

    def _open(self, lease):
        self.folder = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="tandem-cluster-", ignore_cleanup_errors=True))
        bridge(HERE)
        self.names = NameServer({}, HERE)
        self.stack.callback(self.names.close)
        hosts = {name: self.stack.enter_context(Host(name, address)) for name, address in ({**NODES, **SERVERS, "sbc": SBC}).items()}
        self.hosts, self.sbc_host = hosts, hosts["sbc"]
        servers = [hosts[name] for name in SERVERS]
        self.redis = RedisHosts(self.folder, servers, [*servers, self.sbc_host])
        self.stack.callback(self.redis.close)
        self.redis.start()
        redis = {"url": self.redis.url, "deadline": "500ms"} | ({"save_replicas": self.save_replicas} if self.save_replicas else {})
        self.ways = None if self.floats else Ways(self.folder)
        self.nodes = [ClusterNode(hosts[name], self.folder, shard, redis, SBC, lease, MEDIA_PORTS, self.ways, self.names.name)
                      for name, shard in zip(NODES, SHARDS)]
        for node in self.nodes:
            self.stack.callback(node.close)
        self.owners = Owners(self.redis)
        self.stack.callback(self.owners.close)
        self._start()

    def _start(self):
        first, *others = self.nodes
        for node in others:
            node.same_keys(first)
        for node in self.nodes:
            node.start()
        until(self.whole, self.state)
        if not self.floats:
            self.phones = Phones(first.host.address, HERE, ways=self.ways)
            self.stack.callback(self.phones.close)
            return
        text, nodes = sbc_texts(self.folder)
        with open(os.path.join(self.folder, "kamailio-nodes.list"), "w", encoding="utf-8") as file:
            file.write(nodes)
        self.sbc = self.stack.enter_context(Kamailio(os.path.join(self.folder, "kamailio"), text, [*DIES_WITH_US[:-1], "TERM", *self.sbc_host.command],
                                                     memory=256))
        self.phones = Phones(SBC, HERE)
        self.stack.callback(self.phones.close)

    def lots(self, count):
        """What so many pairs need for calls in each state; made once."""
        if not self.made:
            self.made = Lots(self, count)
            self.stack.callback(self.made.close)
        return self.made.all

    # -- what it is like -----------------------------------------------------------------------
    def owner(self, shard):
        """The node that the lease names, if it runs."""
        name = self.redis.now("HGET", f"td:{{s{shard}}}:lease", "node")
        return next((node for node in self.nodes if node.name == name and node.running()), None)

    def healthy(self, but=()):
        """No node is degraded, other than by these reasons."""
        faults = [node.faults() for node in self.nodes]
        return None not in faults and set().union(*faults) <= set(but)

    def whole(self):
        """Each shard runs, once, and each node hears all others."""
        running = [node for node in self.nodes if node.running()]
        return sum(node.live() for node in running) == len(SHARDS) and all(
            node.metric("tandem_cluster_nodes", state="heard") == len(running) - 1 for node in running)

    def waits_for_saves(self):
        """No node takes Redis for away."""
        return not any(node.metric("tandem_degraded") for node in self.nodes if node.running())

    def leases(self):
        """What Redis has of them."""
        return {shard: self.redis.now("HGETALL", f"td:{{s{shard}}}:lease") for shard in SHARDS}

    def saved(self):
        """How many calls Redis has."""
        return sum(int(self.redis.now("HLEN", f"td:{{s{shard}}}:rec") or 0) for shard in SHARDS)

    def state(self):
        owners = {shard: getattr(self.owner(shard), "name", None) for shard in SHARDS}
        lives = {node.name: node.live() for node in self.nodes}
        return f"owners {owners}, live {lives}\n" + "\n".join(f"{node.name}: {node.log_tail(8)}" for node in self.nodes if node.process)

    def claims(self):
        """How often a node has claimed a shard of another one."""
        return sum(node.claims() for node in self.nodes)

    def records(self):
        """The Call-IDs of all call records."""
        return [call for call, _ in self.records_named()]

    def records_named(self):
        """[(Call-ID, id of the record)]"""
        found = []
        for shard in SHARDS:
            for _, fields in self.redis.now("XRANGE", f"td:{{s{shard}}}:cdr", "-", "+") or []:
                record = dict(zip(fields[::2], fields[1::2]))
                found += [(call, record["id"]) for call in re.findall(r'"sip_call_id":\s*"([^"]*)"', record["cdr"])]
        return found

    def kept(self):
        """The keys that Redis must have again after it has lost them: not those of what is over."""
        return {key for key in self.redis.now("KEYS", "td:*") or [] if not OVER.search(key)}

    def keep(self, folder):
        """Logs and data, for whoever looks for a defect."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("kamailio_ctl", "sockets", "*.sock"))

    def close(self):
        self.stack.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

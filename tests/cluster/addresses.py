# SPDX-License-Identifier: Apache-2.0
"""Addresses that follow their shards, as the nodes do not move them yet.

All nodes have all of them on lo and answer no ARP for them; who sends there has a route to the node that the lease names.
"""
import subprocess
import threading

from lib.wire import ip

from .nodes import SHARDS

LOOK_S = 0.005


class Routes:
    """speakers: machines beside this one that send to shards."""

    def __init__(self, redis, nodes, speakers):
        self.redis, self.speakers = redis, speakers
        self.places = {node.name: node.host.address for node in nodes}
        self.owners, self.ended = {}, threading.Event()
        for node in nodes:
            node.host.set("ipv4/conf/all/arp_ignore", 1)
            node.host.set("ipv4/conf/all/arp_announce", 2)
            for address in SHARDS.values():
                node.host.run("ip", "addr", "add", f"{address}/32", "dev", "lo")
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def _follow(self):
        while not self.ended.wait(LOOK_S):
            primary = self.redis.primary()
            while primary and not self.ended.wait(LOOK_S):
                if not self._look(primary):
                    break

    def _look(self, primary):
        """False: it does not answer."""
        names = {shard: self.redis.ask(primary, "HGET", f"td:{{s{shard}}}:lease", "node") for shard in SHARDS}
        for shard, name in names.items():
            if name in self.places and self.owners.get(shard) != name:
                self.owners[shard] = name
                self._lead(SHARDS[shard], self.places[name])
        return "" not in names.values()

    def _lead(self, address, place):
        words = ["route", "replace", f"{address}/32", "via", place]
        ip(*words)
        for host in self.speakers:
            subprocess.run([*host.command, "ip", *words], check=True, capture_output=True)

    def close(self):
        self.ended.set()
        self.thread.join()

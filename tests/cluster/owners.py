# SPDX-License-Identifier: Apache-2.0
"""Whose each shard was, and from when on, as the leases in Redis say."""
import contextlib
import threading
import time

from resp import Redis, RedisError

from .nodes import SHARDS
from .redis_hosts import PORT

LOOK_S = 0.01
TRUST_S = 0.2           # then the Sentinels are asked again which server it is


class Owners:
    """history: [(since, seen, shard, name of the node)], as it changed: since may be before seen where Redis could not be read meanwhile."""

    def __init__(self, redis):
        self.redis, self.history, self.ended = redis, [], threading.Event()
        self.looked = {}        # shard -> when its lease was read last
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def _follow(self):
        now = {}                # shard -> owner
        while not self.ended.wait(LOOK_S):
            primary = self.redis.primary()
            with contextlib.suppress(OSError, RedisError):
                if primary:
                    self._look(primary, now)

    def _look(self, primary, now):
        """For a while, or until it does not answer."""
        end = time.monotonic() + TRUST_S
        with Redis(f"redis://{primary}:{PORT}", timeout=0.5) as redis:
            while not self.ended.wait(LOOK_S) and time.monotonic() < end:
                for shard in SHARDS:
                    asked, name = time.monotonic(), redis("HGET", f"td:{{s{shard}}}:lease", "node")
                    if name and now.get(shard) != name:
                        now[shard] = name
                        self.history.append((self.looked.get(shard, asked), time.monotonic(), shard, name))
                    if name:
                        self.looked[shard] = asked

    def close(self):
        self.ended.set()
        self.thread.join()

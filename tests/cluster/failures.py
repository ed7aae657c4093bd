# SPDX-License-Identifier: Apache-2.0
"""What may befall a cluster, and how it is mended."""
import signal
import time

from patience import until

from .net import cut, part
from .redis_hosts import NAME, PORT, SENTINEL_PORT

HOLD_S = 3.0            # of what moves no shard
LONG_S = 7.0            # of what nodes must not ask after ever more seldom
BEHIND_S = 0.15         # a replica is so far behind: a save waits longer for it


class Failure:
    """Befalls `victim`, a node, or all. moves: another node takes its shards."""
    moves = False

    def __init__(self, place, victim):
        self.place, self.victim = place, victim

    def strike(self):
        raise NotImplementedError

    def mend(self):
        pass

    def healthy(self):
        """Nodes that can be asked while it lasts."""
        return [node for node in self.place.nodes if node is not self.victim or not self.moves]

    def wait(self, taken):
        """Until it has had its effect."""
        if self.moves:
            taken()
        else:
            time.sleep(HOLD_S)


class Nothing(Failure):
    """nothing befalls anybody, for a while"""

    def __init__(self, place, victim, seconds):
        super().__init__(place, victim)
        self.seconds = seconds

    def strike(self):
        pass

    def wait(self, taken):
        time.sleep(self.seconds)


class Kill(Failure):
    """kill -9 of a node"""
    moves = True

    def strike(self):
        self.victim.kill()

    def mend(self):
        self.victim.start()


class Restart(Failure):
    """kill -9 of a node that is started again at once"""

    def strike(self):
        self.victim.kill()
        self.victim.start()


class Host(Failure):
    """a node is cut off from all others"""
    moves = True

    def strike(self):
        self.victim.host.cut()

    def mend(self):
        self.victim.host.join()


class Pause(Failure):
    """a node stands still for 10 s"""
    moves = True

    def strike(self):
        self.began = time.monotonic()
        self.victim.process.send_signal(signal.SIGSTOP)

    def mend(self):
        time.sleep(max(0, self.began + 10 - time.monotonic()))
        self.victim.process.send_signal(signal.SIGCONT)


class Drain(Failure):
    """a node gives its shards away"""
    moves = True

    def strike(self):
        self.victim.ctl("node.drain", node=self.victim.name)

    def mend(self):
        self.victim.ctl("node.undrain", node=self.victim.name)


class FromRedis(Failure):
    """a node does not reach Redis"""

    def strike(self):
        for host in self.place.redis.servers:
            part(self.victim.host, host)

    def mend(self):
        for host in (self.victim.host, *self.place.redis.servers):
            host.find()


class FromNodes(Failure):
    """a node does not hear the others, and they do not hear it"""

    def others(self):
        return [node.host for node in self.place.nodes if node is not self.victim]

    def strike(self):
        for host in self.others():
            part(self.victim.host, host)

    def mend(self):
        for host in (self.victim.host, *self.others()):
            host.find()


class OneWay(FromNodes):
    """a node is not heard by the others, and hears them"""

    def strike(self):
        for host in self.others():
            self.victim.host.lose(host.address)


class RedisFailure(Failure):
    """Of the primary, whichever server that is now. promotes: the other one takes its place; goes_on: all is well then, with that one
    alone, and we can see it. least_s: it lasts so long in any case."""
    promotes, hold_s, least_s = False, HOLD_S, 0

    @property
    def goes_on(self):
        return self.promotes

    def strike(self):
        self.address = self.place.redis.primary()
        self.hit(self.place.redis)

    def hit(self, redis):
        raise NotImplementedError

    def wait(self, taken):
        if self.promotes:
            until(lambda: self.place.redis.primary() not in ("", self.address), lambda: f"{self.address} is still the primary of Redis")
        else:
            time.sleep(max(self.hold_s, self.least_s))

    def mend(self):
        self.place.redis.settle()


class RedisKilled(RedisFailure):
    """kill -9 of the primary of Redis"""
    promotes = True

    def hit(self, redis):
        redis.kill(self.address)

    def mend(self):
        self.place.redis.programs[self.address].start()
        super().mend()


class RedisPaused(RedisFailure):
    """the primary of Redis stands still until another one has its place"""
    promotes = True

    def hit(self, redis):
        redis.programs[self.address].signal(signal.SIGSTOP)

    def mend(self):
        self.place.redis.programs[self.address].signal(signal.SIGCONT)
        super().mend()


class RedisCut(RedisFailure):
    """the machine of the primary of Redis is cut off from all others"""
    promotes, goes_on = True, False         # its Sentinel keeps who asks waiting

    def hit(self, redis):
        self.host = redis.host(self.address)
        self.host.cut()

    def mend(self):
        self.host.join()
        super().mend()


class Failover(RedisFailure):
    """Sentinel is told to fail over"""
    promotes = True

    def hit(self, redis):
        address = self.place.sbc_host.address
        until(lambda: redis.ask(address, "SENTINEL", "FAILOVER", NAME, port=SENTINEL_PORT) == "OK", lambda: "Sentinel does not fail over")


class Behind(RedisKilled):
    """the replica no longer hears the primary, which takes writes for a while and dies: they are lost"""

    def hit(self, redis):
        self.ends = [redis.host(self.address), redis.other(self.address)]
        part(*self.ends)

    def wait(self, taken):
        time.sleep(self.hold_s)
        self.place.redis.kill(self.address)
        for host in self.ends:
            host.find()         # a Sentinel beside it may be the one that promotes the replica
        super().wait(taken)


class Emptied(RedisFailure):
    """FLUSHALL"""

    def hit(self, redis):
        redis.ask(self.address, "FLUSHALL")


class ReadOnly(RedisFailure):
    """the primary of Redis is turned into a replica, which takes no writes"""

    def hit(self, redis):
        redis.ask(self.address, "REPLICAOF", redis.other(self.address).address, str(PORT))

    def mend(self):
        if self.place.redis.brief:
            self.place.redis.ask(self.address, "REPLICAOF", "NO", "ONE")
        super().mend()


class Full(RedisFailure):
    """the primary of Redis has no memory left, and takes no writes"""

    def hit(self, redis):
        redis.ask(self.address, "CONFIG", "SET", "maxmemory", "1mb")

    def mend(self):
        self.place.redis.ask(self.address, "CONFIG", "SET", "maxmemory", "0")


class FullLong(Full):
    """the primary of Redis has no memory left for so long that nodes ask ever more seldom"""
    least_s = LONG_S


class DiskFull(RedisFailure):
    """the primary of Redis can write nothing into its file, as with a full disk; the Sentinels may find that it is down"""

    def hit(self, redis):
        redis.programs[self.address].limit_files("0")

    def mend(self):
        self.place.redis.programs[self.address].limit_files("unlimited")
        super().mend()


class RedisGone(RedisFailure):
    """both servers of Redis stand still"""

    def hit(self, redis):
        for program in redis.programs.values():
            program.signal(signal.SIGSTOP)

    def mend(self):
        for program in self.place.redis.programs.values():
            program.signal(signal.SIGCONT)
        super().mend()


class HostAndRedis(Host):
    """a node is cut off from all others, and the primary of Redis dies with it"""

    def strike(self):
        self.address = self.place.redis.primary()
        super().strike()
        self.place.redis.kill(self.address)

    def mend(self):
        super().mend()
        self.place.redis.programs[self.address].start()
        self.place.redis.settle()


class HostAndPrimary(Host):
    """the machines of a node and of the primary of Redis are cut off together, and the replica is a moment behind

    No kind of the chaos: without redis.save_replicas calls may be lost."""

    def strike(self):
        redis = self.place.redis
        self.primary = redis.host(redis.primary())
        self.primary.lose(redis.other(self.primary.address).address)
        time.sleep(BEHIND_S)
        self.began = time.monotonic()
        cut(self.victim.host, self.primary)

    def wait(self, taken):
        other = self.place.redis.other(self.primary.address).address
        until(lambda: self.place.redis.ask(other, "ROLE")[:1] == ["master"], self.place.state)
        self.promoted_s = time.monotonic() - self.began
        super().wait(taken)

    def mend(self):
        super().mend()
        self.primary.find()
        self.primary.join()
        self.place.redis.settle()


class Isolated(Failure):
    """a node and the primary of Redis hear each other, and nobody else"""
    moves = True

    def strike(self):
        address = self.place.redis.primary()
        inside = [host for host in self.place.hosts.values() if host is self.victim.host or host.address == address]
        for one in inside:
            for other in self.place.hosts.values():
                if other not in inside:
                    part(one, other)

    def mend(self):
        for host in self.place.hosts.values():
            host.find()
        self.place.redis.settle()


KINDS = {"kill": Kill, "restart": Restart, "host": Host, "pause": Pause, "drain": Drain,
         "from-redis": FromRedis, "from-nodes": FromNodes, "one-way": OneWay,
         "redis-kill": RedisKilled, "redis-pause": RedisPaused, "redis-cut": RedisCut, "failover": Failover, "behind": Behind,
         "emptied": Emptied, "read-only": ReadOnly, "full": Full, "full-long": FullLong, "disk-full": DiskFull, "redis-gone": RedisGone,
         "host-and-redis": HostAndRedis, "isolated": Isolated}
OF_REDIS = [name for name, kind in KINDS.items() if issubclass(kind, RedisFailure)]

# SPDX-License-Identifier: Apache-2.0
"""Commands for a tandem node through its Redis (docs/api.md), in Python.  One file to copy; needs nothing else.

    from tandem_client import Client, Refused

    with Client("unix:/var/lib/tandem/redis/redis.sock") as client:
        for call in client.ask("call.list", limit=10):
            print(call["id"], call["from"], call["to"])
        for event in client.events():
            print(event["type"], event.get("call"))
        for event in client.follow("td:{ev:default}:ivr", after=saved, tick=5):
            saved = event["entry"]      # what came while this program was away comes first, the next time
            if event["type"] == "tick":
                ...                     # nothing came for 5 s

A client has one command at a time and belongs to one thread.
"""
import hashlib
import json
import secrets
import socket
import ssl
import time
import urllib.parse

UNREAD_S = 2.0          # a stream is read a second after its tenant's document was put
OPERATOR = "_operator"
BLOCK_S = 1.0           # of one XREAD: a connection that died unseen is noticed
CONNECT_S = 2.0
MOVES_MAX = 5
DEMOTED = (b"READONLY ", b"UNBLOCKED ", b"ASK ", b"TRYAGAIN ", b"CLUSTERDOWN ", b"MASTERDOWN ")


class RedisError(Exception):
    """Redis answered with an error."""


class Demoted(RedisError, ConnectionError):
    """Another Redis is the primary now."""


class NoAnswer(Exception):
    """No node answered in time.  The command may still have been done."""


class NotRead(NoAnswer):
    """Nobody reads what is asked so: there is no such tenant, or its document does not name that role.  The command was not done."""


class Refused(Exception):
    """The node answered with an error: `code` is for programs, the text for people."""

    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']}")
        self.code, self.argument = error["code"], error.get("argument")
        self.findings = error.get("findings", [])   # of a program: path and message of all that is wrong


class Redis:
    """One connection, as much of RESP2 as we need.  `place`: a path, "unix:/path" or "redis://[user:password@]host[:port][/db]";
    with "rediss://" it is TLS.  "sentinel://[user:password@]host[:port],.../primary[?sentinel=user:password]", or "sentinels://" for
    TLS: the primary that one of these Sentinels names.  "redis+cluster://" or "rediss+cluster://" where the node has that, too: each command
    goes to the server that has its slot, as the one before says it.
    `tls`: an ssl.SSLContext that has whom you trust and what you show; None: the system's authorities."""

    def __init__(self, place, timeout=5.0, tls=None):
        role = place.startswith(("sentinel://", "sentinels://"))
        if role:
            place = primary_of(place, tls)
        self._cluster = "+cluster://" in place
        place = place.replace("+cluster://", "://", 1)
        self._url = urllib.parse.urlsplit(place) if place.startswith(("redis://", "rediss://")) else None
        self._timeout, self._tls = timeout, tls
        self._connect((self._url.hostname, self._url.port or 6379) if self._url else place.removeprefix("unix:"))
        if role:
            try:
                self._check_role()
            except BaseException:
                self._socket.close()
                raise

    def _connect(self, address):
        url = self._url
        if url:
            self._socket = socket.create_connection(address, timeout=CONNECT_S)
            if url.scheme == "rediss":
                self._socket = self._secured(self._tls or ssl.create_default_context(), address[0])
        else:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(self._timeout)
            if not url:
                self._socket.connect(address)
            self._file = self._socket.makefile("rb")
            self._log_in(url)
        except BaseException:
            self._socket.close()
            raise

    def _secured(self, tls, host):
        try:
            return tls.wrap_socket(self._socket, server_hostname=host)
        except BaseException:
            self._socket.close()
            raise

    def _log_in(self, url):
        if url and url.password:
            login = [urllib.parse.unquote(text) for text in (url.username, url.password) if text]
            self("AUTH", *login)
        if url and url.path.strip("/"):
            self("SELECT", url.path.strip("/"))

    def _check_role(self):
        try:
            role = self("ROLE")[0]
        except RedisError:      # not for this user: a write tells
            return
        if role != "master":
            raise Demoted(f"Redis is no primary, although Sentinel named it: {role}")

    def __call__(self, *words):
        """One command: redis("HGETALL", key).  Bulk strings come as str where they are UTF-8."""
        for _ in range(MOVES_MAX):
            try:
                return self._command(words)
            except RedisError as error:
                if not self._cluster or not str(error).startswith("MOVED "):
                    raise
                host, _, port = str(error).split()[2].rpartition(":")
                host = host or self._socket.getpeername()[0]
            self.close()
            self._connect((host, int(port)))
        raise Demoted("no server of the cluster has the slot")

    def _command(self, words):
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self._socket.sendall(b"*%d\r\n" % len(parts) + b"".join(
            b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        return self._reply()

    def _reply(self):
        line = self._file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise (Demoted if rest.startswith(DEMOTED) else RedisError)(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self._bulk(int(rest))
        if kind == b"*":
            return None if rest == b"-1" else [self._reply() for _ in range(int(rest))]
        raise ConnectionError("Redis closed the connection")

    def _bulk(self, length):
        data = self._file.read(length + 2)[:-2]
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data

    def close(self):
        if hasattr(self, "_file"):
            self._file.close()
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def primary_of(place, tls=None):
    """The redis:// or rediss:// of the primary that the first Sentinel names which answers."""
    scheme, _, rest = place.partition("://")
    login, at, rest = rest.rpartition("@")
    hosts, _, name = rest.partition("/")
    name, _, query = name.partition("?")
    scheme, login = scheme.replace("sentinel", "redis"), urllib.parse.quote(urllib.parse.unquote(login), safe=":")
    own = query.removeprefix("sentinel=") + "@" if query else ""
    why = None
    for host in hosts.split(","):
        if not host.rpartition("]")[2].count(":"):
            host += ":26379"
        try:
            with Redis(f"{scheme}://{own}{host}", CONNECT_S, tls) as sentinel:
                address = sentinel("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
            if address:
                host, port = address
                return f"{scheme}://{login}{at}" + (f"[{host}]" if ":" in host else host) + f":{port}"
        except (OSError, RedisError) as error:
            why = error
    raise ConnectionError(f"no Sentinel names the primary {name}" + (f": {why}" if why else ""))


def _pairs(fields):
    return dict(zip(fields[::2], fields[1::2]))


def _entry(fields, ident=None):
    """What an entry of a stream says.  Call detail records and events are one field of JSON."""
    pairs = _pairs(fields)
    for name in ("cdr", "event"):
        if name in pairs:
            pairs.update(json.loads(pairs.pop(name)))
    if ident:
        pairs["entry"] = ident
    return pairs


class Client:
    """Asks nodes.  tenant: "default" or another one, or "_operator" for the commands of operators.  role: what the user of Redis may
    speak as: "reader", "application" or "admin"; operators have none.  tls: as of Redis."""

    def __init__(self, place, tenant="default", name=None, role="admin", tls=None):
        self._place, self._tls, self._redis = place, tls, None
        # A stream of answers that nobody else reads: it is read from its beginning, so that an answer which
        # came before we asked for it is found.  "XREAD ... $" after the XADD would lose it.
        self.name = name or f"py-{secrets.token_hex(8)}"
        cluster = place.partition("://")[0].endswith("+cluster")
        keys = (f"td:{{cmd}}:{tenant}:" if cluster else f"td:{{cmd:{tenant}}}:") + ("" if role == "admin" else f"{role}:")
        self._in, self._out = f"{keys}in", f"{keys}out:{self.name}"
        self._tenant, self._role, self._after, self._count = tenant, role, "0", 0
        self._run = secrets.token_hex(4)    # ids are new, also where the name is an old one

    def ask(self, command, /, wait=5.0, **arguments):
        """The result of one command; Refused or NoAnswer.  Arguments have the types of the table: limit=10, on=True."""
        answer = self.answer(command, wait, arguments)
        if not answer["ok"]:
            raise Refused(answer["error"])
        return answer["result"]

    def answer(self, command, wait=5.0, arguments=None):
        """The whole answer.  A lost connection is made again and the command repeated under the same id: it has one effect."""
        self._count += 1
        began = time.monotonic()
        ident, end, sent, error = f"{self.name[:40]}-{self._run}-{self._count}", began + wait, False, None
        while (left := end - time.monotonic()) > 0:
            try:
                sent = sent and self._redis is not None
                redis = self._connected()
                if not sent:
                    sent = redis("XADD", self._in, "NOMKSTREAM", "MAXLEN", "~", 10000, "*", "v", 1, "id", ident, "client", self.name,
                                 "do", command, "args", json.dumps(arguments or {}), "ttl_ms", max(1, int(left * 1000))) is not None
                    error = None
                if not sent:            # nodes make the streams that they read
                    error = self._not_read()
                    if self._tenant != OPERATOR and time.monotonic() > began + UNREAD_S:
                        break
                    time.sleep(0.1)
                    continue
                for fields in self._read(redis, self._out, min(left, BLOCK_S)):
                    if fields.get("id") == ident:
                        return json.loads(fields["json"])
            except OSError as lost:         # also ConnectionError and a timeout
                error = lost
                self._hang_up()
                time.sleep(0.1)
        if isinstance(error, NotRead):
            raise error
        raise NoAnswer(f"no node answered {command} within {wait} s" + (f": {error}" if error else ""))

    def _not_read(self):
        if self._tenant == OPERATOR:
            return NotRead("no node has read commands with this Redis")
        return NotRead(f"no node reads commands of the tenant {self._tenant} in the role {self._role}: there is no such tenant, or its"
                       " commands (tenant.put) do not name that role")

    def _read(self, redis, key, seconds):
        """Entries behind the last one that was read."""
        rows = redis("XREAD", "BLOCK", max(1, int(seconds * 1000)), "STREAMS", key, self._after)
        found = []
        for ident, fields in rows[0][1] if rows else ():
            self._after = ident
            found.append(_entry(fields, ident))
        return found

    def events(self, seconds=None):
        """Events from now on, as dicts, for so many seconds; None: for ever."""
        return self.follow(f"td:{{ev:{self._tenant}}}", seconds)

    def records(self, shard=1, seconds=None):
        """Call detail records from now on, as dicts."""
        return self.follow(f"td:{{s{shard}}}:cdr", seconds)

    def follow(self, key, seconds=None, after=None, tick=None):
        """Entries of a stream that come after the id `after`, or from now on; over a connection of its own.  Each has its id as "entry".
        tick: after so many seconds without one there is {"type": "tick", "entry": the last id}."""
        follower = Client(self._place, self._tenant, tls=self._tls)
        try:
            # "now" is one place in the stream: "$" in each XREAD would skip what came between two of them
            last = follower._connected()("XREVRANGE", key, "+", "-", "COUNT", 1)
            follower._after = after or (last[0][0] if last else "0")
        except BaseException:
            follower._hang_up()
            raise
        return follower._follow(key, seconds, tick)

    def share(self, key, calls=(), seconds=None, after=None, lease=10.0):
        """As follow, for one of several instances of an application, each a Client with a name of its own: events of calls that this one
        has.  A call is its who takes it first, and is another one's when that has not come back for `lease` seconds: then there is
        {"type": "call.taken_over", "call": ID, "events": what has come of it lately}.  {"type": "call.lost"}: another one has it now, as
        we were too slow.  calls: ids that an instance before us had, or others.  {"type": "tick"} comes as of follow."""
        shared = _Shared(self, key, lease, calls)
        for event in self.follow(key, seconds, after, tick=lease / 4):
            yield from shared.events(event)

    def _follow(self, key, seconds, tick):
        never = float("inf")
        end = never if seconds is None else time.monotonic() + seconds
        ticks = never if tick is None else time.monotonic() + tick
        try:
            while time.monotonic() < end:
                left = min(BLOCK_S, max(0.001, min(end, ticks) - time.monotonic()))
                try:
                    found = self._read(self._connected(), key, left)
                except OSError:
                    self._hang_up()
                    time.sleep(min(0.1, left))
                    found = ()
                yield from found
                if found or time.monotonic() >= ticks:
                    if not found:
                        yield {"type": "tick", "entry": self._after}
                    ticks = never if tick is None else time.monotonic() + tick
        finally:
            self._hang_up()

    def _connected(self):
        if not self._redis:
            self._redis = Redis(self._place, BLOCK_S + CONNECT_S, self._tls)
        return self._redis

    def _hang_up(self):
        if self._redis:
            self._redis.close()
        self._redis = None

    def close(self):
        """Our stream is of no use to anybody else; it would go by itself, an hour later."""
        try:
            if self._redis:
                self._redis("DEL", self._out)
        except (OSError, RedisError):
            pass
        self._hang_up()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class _Shared:
    """Which calls of an application this instance has.  A key for each, KEY:of:CALL, has the name of who has it, and goes by itself."""
    OVER = ("call.ended", "call.transferred")

    def __init__(self, client, key, lease, calls):
        self._client, self._key, self._lease, self._due = client, key, lease, 0
        self._mine, self._others = set(), {call: [] for call in calls}      # of others: events of late, with their times

    def _redis(self, word, call, *more):
        return self._client._connected()(word, f"{self._key}:of:{call}", *more)

    def _take(self, call):
        if self._redis("SET", call, self._client.name, "NX", "PX", int(self._lease * 1000)) is None:
            return False
        self._mine.add(call)
        return True

    def _keeps(self, call):
        """Longer first, and then who has it: an answer that is ours was true for so long."""
        self._redis("PEXPIRE", call, int(self._lease * 1000))
        owner = self._redis("GET", call)
        return owner == self._client.name or (owner is None and self._take(call))

    def events(self, event):
        """What of an event this instance is to be told, and what has become of other calls meanwhile."""
        try:
            yield from self._look(event)
        except OSError:     # Redis is away: nobody takes a call
            self._client._hang_up()
        call = event.get("call")
        if call is None or call in self._mine:
            yield event
        elif call in self._others:
            self._others[call].append((time.monotonic(), event))
        if event["type"] in self.OVER:
            self._forget(call)

    def _look(self, event):
        call, now = event.get("call"), time.monotonic()
        if call and call not in self._mine and call not in self._others and not self._take(call):
            self._others[call] = []
        if event["type"] == "call.waiting" and call in self._others:        # it is told again: nobody has answered
            yield from self._taken_over(call, event["entry"])
        if now < self._due:
            return
        self._due = now + self._lease / 4
        for call in [call for call in self._mine if not self._keeps(call)]:
            self._mine.discard(call)
            self._others[call] = []
            yield {"type": "call.lost", "call": call, "entry": event["entry"]}
        for call in list(self._others):
            yield from self._taken_over(call, event["entry"])

    def _taken_over(self, call, entry):
        """The events since its former owner was there for sure; it may have dealt with some of them."""
        since = time.monotonic() - 2 * self._lease
        self._others[call] = late = [(when, event) for when, event in self._others[call] if when > since]
        if self._take(call):
            del self._others[call]
            yield {"type": "call.taken_over", "call": call, "entry": entry, "events": [event for _, event in late]}

    def _forget(self, call):
        if call in self._mine:
            try:
                self._redis("DEL", call)
            except OSError:
                self._client._hang_up()
        self._mine.discard(call)
        self._others.pop(call, None)


def ha1(number, realm, password):
    """What extension.put takes in place of a password: hashes of it, so that no password lies in Redis.

    realm: sip.realm of the node, as node.status tells it.
    """
    text = f"{number}:{realm}:{password}".encode()
    return ":".join(hashlib.new(name, text).hexdigest() for name in ("md5", "sha256", "sha512_256"))

# SPDX-License-Identifier: Apache-2.0
"""Client of the HTTP API for asyncio: one file to copy, of the standard library alone (Python 3.11).

    async with Tandem("http://127.0.0.1:8080", token) as tandem:
        call = await tandem.calls.originate({"from": "1001", "to": "1002"})
        async for event in tandem.events(user="1001"):
            print(event["type"])

Which calls there are the node says: tandem.RESOURCE.VERB of docs/api.md, with the resource as it stands in the path and '_' for '-'.
"""
import asyncio
import json
import os
import re
import ssl
import time
import urllib.parse

IDLE_S = 2          # a connection that was idle for longer may be closed by the node just now
TRIES = 4
ANSWER_S = 30
SILENT_S = 40       # a stream says something every 15 s


class Refused(Exception):
    """The node said no: code, status, argument and detail of the problem (RFC 9457)."""

    def __init__(self, status, problem):
        self.status, self.code = status, problem.get("code", "")
        self.argument, self.detail = problem.get("argument"), problem.get("detail") or problem.get("title", "")
        super().__init__(f"{self.code or status}: {self.detail}")


class NoAnswer(Exception):
    """Nobody answered. What was asked for may have been done, or not."""


class Resource:
    def __init__(self, tandem, name):
        self._tandem, self._name = tandem, name

    def __getattr__(self, verb):
        return lambda given=None, /, **more: self._tandem.do(f"{self._name}.{verb}", given, **more)


class Tandem:
    def __init__(self, url="http://127.0.0.1:8080", token=None, tenant=None, ca=None):
        """token: as token.create has shown it; else that of TANDEM_TOKEN. tenant: for tokens of operators. ca: a file of authorities."""
        place = urllib.parse.urlsplit(url)
        self._host, self._secure = place.hostname, place.scheme == "https"
        self._port = place.port or (443 if self._secure else 80)
        self._tls = ssl.create_default_context(cafile=ca) if self._secure else None
        self._token, self._tenant = token or os.environ.get("TANDEM_TOKEN", ""), tenant
        self._idle, self._operations, self._known = [], {}, asyncio.Lock()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.close()

    def close(self):
        for _, (_, writer) in self._idle:
            writer.close()
        self._idle.clear()

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return Resource(self, name)

    async def do(self, name, given=None, /, key=None, **more):
        """One operation, such as calls.originate; its result. Arguments as a dict, by their names, or both; from_ is from.

        key: the same key is the same command, so it is asked again where the connection broke.
        """
        return (await self._do(name, given, key, more))[0]

    async def all(self, name, given=None, /, **more):
        """Each row of a list, such as extensions.list, page by page."""
        cursor = {}
        while cursor is not None:
            rows, link = await self._do(name, given, None, more | cursor)
            for row in rows:
                yield row
            found = re.search(r"[?&]cursor=([^&>]+)", link)
            cursor = {"cursor": urllib.parse.unquote(found[1])} if found else None

    async def _do(self, name, given, key, more):
        method, path = await self._find(name)
        args = dict(given or {}, **{word.rstrip("_"): value for word, value in more.items()})
        target = re.sub(r"{(\w+)}", lambda match: urllib.parse.quote(as_text(args.pop(match[1])), safe=""), path)
        if self._tenant:
            args.setdefault("tenant", self._tenant)
        query = {word: as_text(args.pop(word)) for word in list(args) if method in ("GET", "DELETE") or word == "tenant"}
        if query:
            target += "?" + urllib.parse.urlencode(query)
        return await self._ask(method, target, json.dumps(args).encode() if args else b"", key)

    async def events(self, after=None, **filters):
        """Events as they come: type, call, user, application narrow them. Over a lost connection it goes on behind the last one.

        The first one is "listening"; "missed" says what is not kept any more.
        """
        first = True
        for delay in delays():
            try:
                async for event in self._stream(after, filters):
                    delay.reset()
                    after = event.get("id", after)
                    if event["type"] not in ("tick", "end") and (first or event["type"] != "listening"):
                        first = False
                        yield event
            except Refused as error:
                if error.status not in (429, 503):
                    raise
            except (OSError, EOFError, ValueError, asyncio.TimeoutError):
                pass
            await delay.wait()

    # -- below: HTTP/1.1 ---------------------------------------------------------------------------
    async def _find(self, name):
        async with self._known:
            if not self._operations:
                document, _ = await self._ask("GET", "/v1/openapi.json")
                for path, methods in document["paths"].items():
                    for method, operation in methods.items():
                        resource, verb = resource_and_verb(path, operation["operationId"])
                        self._operations[f"{resource}.{verb}"] = self._operations[operation["operationId"]] = method.upper(), path
        if name not in self._operations:
            raise AttributeError(f"there is no operation {name}")
        return self._operations[name]

    async def _ask(self, method, target, body=b"", key=None):
        """What came, and its header Link. Asked again where nothing was done, or it may be done twice."""
        problem = None
        for left in reversed(range(TRIES)):
            try:
                status, headers, text = await asyncio.wait_for(self._exchange(method, target, body, key), ANSWER_S)
            except (OSError, EOFError, asyncio.TimeoutError) as error:
                problem = NoAnswer(f"{method} {target}: {error or type(error).__name__}")
                if method != "GET" and not key or not left:
                    break
                await asyncio.sleep(0.1 * (TRIES - left))
                continue
            if status < 400:
                return json.loads(text) if text else None, headers.get("link", "")
            problem = refused(status, text)
            if status not in (429, 503) or not left:
                break
            await asyncio.sleep(float(headers.get("retry-after", "1")))
        raise problem

    async def _exchange(self, method, target, body, key):
        reader, writer = await self._connect()
        try:
            writer.write(self._head(method, target, body, key) + body)
            await writer.drain()
            status, headers = await head_of(reader)
            text = b"".join([piece async for piece in body_of(reader, headers)])
        except BaseException:
            writer.close()
            raise
        if headers.get("connection", "").lower() == "close":
            writer.close()
        else:
            self._idle.append((time.monotonic(), (reader, writer)))
        return status, headers, text

    async def _connect(self):
        while self._idle:
            since, (reader, writer) = self._idle.pop()
            if time.monotonic() - since < IDLE_S and not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self._host, self._port, ssl=self._tls)

    def _head(self, method, target, body=b"", key=None, **more):
        host = f"[{self._host}]" if ":" in self._host else self._host
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}:{self._port}", f"Content-Length: {len(body)}"]
        lines += [f"Authorization: Bearer {self._token}"] if self._token else []
        lines += [f"Idempotency-Key: {key}"] if key else []
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items() if value is not None]
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("a token, a key and a path have no line ends")
        return "\r\n".join([*lines, "", ""]).encode()

    async def _stream(self, after, filters):
        if self._tenant:
            filters = filters | {"tenant": self._tenant}
        query = urllib.parse.urlencode({word: as_text(value) for word, value in filters.items()})
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        try:
            writer.write(self._head("GET", f"/v1/events?{query}", Accept="text/event-stream", Last_Event_ID=after))
            status, headers = await asyncio.wait_for(head_of(reader), ANSWER_S)
            pieces = body_of(reader, headers)
            if status != 200:
                raise refused(status, b"".join([piece async for piece in pieces]))
            kept = b""
            while True:
                kept += await asyncio.wait_for(anext(pieces), SILENT_S)
                *whole, kept = kept.split(b"\n\n")
                for message in whole:
                    data = b"\n".join(line[5:].strip() for line in message.split(b"\n") if line.startswith(b"data:"))
                    if data:
                        yield json.loads(data)
        except StopAsyncIteration:
            return
        finally:
            writer.close()


class delays:
    """How long to wait before the next try: longer each time, until something came."""

    def __init__(self):
        self.seconds = 0.1

    def __iter__(self):
        while True:
            yield self

    def reset(self):
        self.seconds = 0.1

    async def wait(self):
        await asyncio.sleep(self.seconds)
        self.seconds = min(2 * self.seconds, 5)


def resource_and_verb(path, operation):
    """call.list at /v1/calls is calls.list, call.leg.list at /v1/calls/{call}/legs is legs.list."""
    first, below = re.match(r"/v1/([\w-]+)(?:/{\w+}/([\w-]+))?", path).groups()
    *nouns, verb = operation.split(".")
    return (below if below and len(nouns) > 1 and below != verb else first).replace("-", "_"), verb


def as_text(value):
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    return value if isinstance(value, str) else json.dumps(value)


def refused(status, text):
    try:
        problem = json.loads(text)
    except ValueError:
        problem = {}
    return Refused(status, problem if isinstance(problem, dict) else {})


async def head_of(reader):
    """Status, and headers by their names in small letters."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip("\r\n").split("\r\n")
    return int(first.split(" ")[1]), {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


async def body_of(reader, headers):
    """Its octets as they come: RFC 9112 6."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while n := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            yield await reader.readexactly(n)
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
    elif "content-length" in headers:
        yield await reader.readexactly(int(headers["content-length"]))
    else:
        while piece := await reader.read(65536):
            yield piece

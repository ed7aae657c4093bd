#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls in flows: what a verb costs, what a call of ten verbs costs beside a plain one, and how many callers menus serve in time.

Row `verbs`: SIPp places calls that are refused behind 80 verbs, and behind 480, in turns; the difference is what 400 verbs cost that only
decide (set, tag, match, hours), saves and events included. Row `ten`: plain calls between two phones, and calls that a flow of ten verbs
answers and dials on to the same phone, in turns. Row `menus`: callers in two menus, each with a prompt of its own: half of them press keys,
the others wait until they are asked again (bench/menuload.c). Row `kills`: the same under kill -9, again and again. Row `webhook`: flows
that ask a web server before they dial, and flows that do not, in turns; then servers that do all sorts of wrong. The node has one core. Load and Redis have the other."""
import base64
import json
import random
import subprocess
import sys
import time
import wave

import lib
from calls_step import Sipp, step

FEW, MANY = 80, 480
FIRST_S, PROMPT_S = 2, 3
KILL_S = 1.5            # a kill, and the time until the next one, at most
LEVELS = (1000, 3000)       # samples of the two prompts
HEAD = """
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:caller@[local_ip]:[local_port]>;tag=[call_number]
    To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
    Call-ID: [call_id]
    Max-Forwards: 70
"""
AUDIO = """
    Contact: <sip:caller@[local_ip]:[local_port]>
    Content-Type: application/sdp
    Content-Length: [len]

    v=0
    o=- 1 1 IN IP4 [local_ip]
    s=-
    c=IN IP4 [media_ip]
    t=0 0
    m=audio [media_port] RTP/AVP 0
    a=rtpmap:0 PCMU/8000
"""


def send(first, headers, how=""):
    return f"<send{how}><![CDATA[\n\n    {first}{HEAD if ' sip:' in first else NEXT}{headers.lstrip(chr(10))}\n]]></send>\n"


NEXT = """
    [last_Via:]
    [last_From:]
    [last_To:]
    [last_Call-ID:]
    [last_CSeq:]
"""
EMPTY = "    Content-Length: 0\n"
URI = "sip:[service]@[remote_ip]:[remote_port] SIP/2.0"
INVITE = send(f"INVITE {URI}", "    CSeq: 1 INVITE" + AUDIO, ' retrans="500"') + '<recv response="100" optional="true"/>\n'
REFUSED = INVITE + '<recv response="480"/>\n' + send(f"ACK {URI}", "    CSeq: 1 ACK\n" + EMPTY)
# It is answered, and hears who was dialled by another offer.
LED_ON = (INVITE + '<recv response="200" rtd="true"/>\n' + send(f"ACK {URI}", "    CSeq: 1 ACK\n" + EMPTY) +
          '<recv request="INVITE"/>\n' + send("SIP/2.0 200 OK", AUDIO) + '<recv request="ACK"/>\n<pause milliseconds="500"/>\n' +
          send(f"BYE {URI}", "    CSeq: 2 BYE\n" + EMPTY, ' retrans="500"') + '<recv response="200"/>\n')


def scenario(node, name, text):
    path = node.dir / f"{name}.xml"
    path.write_text(f'<?xml version="1.0" encoding="us-ascii"?>\n<scenario name="{name}">\n{text}</scenario>\n')
    return path


def steps_of(verbs, last):
    """They follow each other; where one decides, each branch is the next."""
    steps = {}
    for number, verb in enumerate([*verbs, last]):
        after = f"s{number + 1}"
        steps[f"s{number}"] = dict(verb) if verb is last else verb | {"next": after} | (
            {"closed": after} if "hours" in verb else {"else": after, "on": {"9x.": after}} if "match" in verb else {})
        if "match" in verb:
            steps[f"s{number}"].pop("next")
    return {"start": "s0", "steps": steps}


def deciding(count):
    kinds = ({"set": {"menu": "{caller}"}}, {"tag": {"crm.customer": "4711"}}, {"match": "{caller}"},
             {"hours": "office"})
    return [kinds[number % len(kinds)] for number in range(count)]


class Flows(lib.Node):
    def killed(self):
        """And the next process: its Redis goes on meanwhile."""
        self.process.kill()
        self.process.wait()
        self.start()

    def put(self, name, number, program):
        path = self.dir / f"{name}.json"
        path.write_text(json.dumps(program))
        self.ctl("flow.put", name=name, program=f"@{path}")
        self.ctl("number.put", number=number, to=f"flow:{name}")

    def office(self):
        self.ctl("hours.put", name="office", zone="Europe/Berlin",
                 week="mon-sun 08:00-12:00 13:00-18:00", holidays="12-25..12-26 closed Christmas")


def prompt(node, name, sample, seconds):
    path = node.dir / f"{name}.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(int(sample).to_bytes(2, "little", signed=True) * int(8000 * seconds))
    node.ctl("prompt.put", name=name, file=path)


def mu_law(sample):
    """Of a sample above 0 (ITU-T G.711)."""
    value = min(sample, 32635) + 132
    exponent = value.bit_length() - 8
    return ~(exponent << 4 | (value >> (exponent + 3) & 15)) & 0xff


def refused(node, number, rate, seconds):
    """CPU of the node for a call that is refused, in us."""
    calls = rate * seconds
    before = lib.cpu_seconds(node.pid)
    sipp = Sipp(f"refused{number}", node.dir, [f"{node.address}:{node.sip_port}", "-sf", scenario(node, "refused", REFUSED), "-s", number, "-i", lib.ADDRESS,
                                     "-p", str(lib.free_port()), "-m", str(calls), "-r", str(rate), "-l", str(rate * 10),
                                     "-timeout", f"{seconds + 15}s", "-timeout_error"])
    sipp.process.wait()
    lib.wait_for("the node to have no calls left", 40, lambda: not node.ctl("node.status")["calls"])
    return 1e6 * (lib.cpu_seconds(node.pid) - before) / calls, calls - sipp.counts()["ok"]


def verbs_figures(quick):
    rate, seconds, turns = (100, 3, 2) if quick else (200, 5, 5)
    node = Flows(calls=4900)
    try:
        node.redis_apart()
        node.office()
        for name, number, count in (("few", "3001", FEW), ("many", "3002", MANY)):
            node.put(name, number, steps_of(deciding(count), {"reject": {"status": 480}}))
        pairs = [(refused(node, "3001", rate, seconds), refused(node, "3002", rate, seconds)) for _ in range(turns)]
    finally:
        node.stop()
    each = [(many[0] - few[0]) / (MANY - FEW) for few, many in pairs]
    unfinished = sum(few[1] + many[1] for few, many in pairs)
    lib.say(f"a verb that only decides: {lib.median(each):.2f} us ({min(each):.2f} to {max(each):.2f}); a refused call with {FEW} of them "
            f"{lib.median([few[0] for few, _ in pairs]):.0f} us; {unfinished} unfinished")
    return {"us_per_verb": round(lib.median(each), 2), "us_per_verb_least": round(min(each), 2), "us_per_verb_most": round(max(each), 2),
            "verbs_unfinished": unfinished}, lib.median(each) <= 8 and not unfinished


TEN = [{"set": {"who": "{caller}"}}, {"tag": {"crm.customer": "4711"}}, {"hours": "office"},
       {"match": "{caller}"}, {"answer": {}}, {"play": ["short"]}, {"set": {"topic": "sales"}}, {"match": "{called}"},
       {"play": ["short"]}]


def ten_figures(quick):
    rate, seconds, turns = (100, 3, 2) if quick else (200, 5, 5)
    node = Flows(calls=4900)
    try:
        node.redis_apart()
        node.office()
        prompt(node, "short", LEVELS[0], 0.1)
        node.put("ten", "3000", steps_of(TEN, {"dial": "2000"}))
        node.extension("2000", "bench-secret")
        port = lib.free_port()
        lib.register(node.sip_port, "2000", "bench-secret", port)
        pairs = [(step(node, port, rate, seconds, "2000", scenario=("-sn", "uac", "-d", "700")),
                  step(node, port, rate, seconds, "3000", scenario=("-sf", scenario(node, "led_on", LED_ON))))
                 for _ in range(turns)]
    finally:
        node.stop()
    ratios = [(ten["cpu_us"] - ten["media_us"]) / (plain["cpu_us"] - plain["media_us"]) for plain, ten in pairs]
    whole = lib.median([ten["cpu_us"] / plain["cpu_us"] for plain, ten in pairs])
    unfinished = sum(one["unfinished"] for pair in pairs for one in pair)
    lib.say(f"ten verbs: {lib.median(ratios):.2f} times a plain call ({min(ratios):.2f} to {max(ratios):.2f}), {whole:.2f} with packets; "
            f"{unfinished} unfinished")
    return {"ratio_call_of_ten_verbs_vs_plain": round(lib.median(ratios), 3), "ratio_with_packets": round(whole, 3), "plain_us_per_call": round(lib.median([p["cpu_us"] for p, _ in pairs]), 1),
            "ten_us_per_call": round(lib.median([t["cpu_us"] for _, t in pairs]), 1),
            "ten_saves": round(lib.median([t["saves"] for _, t in pairs]), 2), "plain_saves": round(lib.median([p["saves"] for p, _ in pairs]), 2),
            "ten_unfinished": unfinished}, lib.median(ratios) <= 1.5 and not unfinished


def menu(other, say):
    return {"gather": {"prompt": [say], "again": [say], "max": 1, "first_s": FIRST_S, "tries": 10}, "on": {"1": other},
            "invalid": other, "timeout": other}


MENUS = {"start": "pick", "steps": {"pick": {"answer": {}, "next": "one"}, "one": menu("two", "first"), "two": menu("one", "second")}}


class Menus(lib.Calls):
    def place_one(self, number, port):
        """Where the caller sends."""
        uri = f"sip:{number}@{self.node[0]}:{self.node[1]}"
        head = (f"From: <sip:{self.caller}@{self.node[0]}>;tag={lib.os.urandom(4).hex()}\r\nCall-ID: {lib.os.urandom(8).hex()}\r\n"
                f"Contact: <sip:{self.caller}@{self.address}:{self.a.getsockname()[1]}>\r\n")
        self.request("INVITE", uri, f"<{uri}>", f"{head}CSeq: 1 INVITE\r\n", self.media.sdp(self.address, port))
        ok = self.receive(self.a, lambda m: m.startswith("SIP/2.0") and int(m.split()[1]) >= 200)
        if not ok.startswith("SIP/2.0 200"):
            raise SystemExit(f"a call was refused: {ok.splitlines()[0]}")
        self.request("ACK", lib.re.search(r"<([^>]*)>", lib.header(ok, "Contact"))[1], lib.header(ok, "To"), f"{head}CSeq: 1 ACK\r\n")
        return self.media.address(ok)


def menus_once(node, callers, seconds, meanwhile=lambda: None):
    port = lib.free_port()
    octets = [str(mu_law(level)) for level in LEVELS]
    load = lib.spawn(lib.pinned(lib.LOAD_CORE, [lib.BUILD / "bench" / "menuload", f"{lib.ADDRESS}:{port}", seconds, FIRST_S * 1000, *octets]),
                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    load.stdout.readline()
    calls = Menus(node.sip_port)
    for number in range(callers):
        to = calls.place_one("3000", port)
        load.stdin.write(f"{to[0]}:{to[1]} {number % 2}\n")
        load.stdin.flush()
    load.stdin.write("\n")
    load.stdin.flush()
    load.stdout.readline()
    cpu = lib.cpu_seconds(node.pid)
    meanwhile()
    told = json.loads(load.stdout.readline())
    cpu = (lib.cpu_seconds(node.pid) - cpu) / seconds
    load.wait()
    return told | {"node_cpu": round(cpu, 2)}


def menus_figures(quick):
    callers, seconds = (300, 8) if quick else (2000, 30)
    node = Flows(calls=callers + 100, media=("workers: 1",))
    try:
        node.redis_apart()
        for name, level in zip(("first", "second"), LEVELS):
            prompt(node, name, level, PROMPT_S)
        node.put("menus", "3000", MENUS)
        told = menus_once(node, callers, seconds)
    finally:
        node.stop()
    lib.say(f"{told['callers']} callers heard {told['packets_heard']} packets, {told['packets_late']} of them more than 20 ms late "
            f"(at most {told['late_max_ms']:.1f} ms); {told['keys']} keys, {told['keys_lost']} lost, another menu after "
            f"{told['key_p50_ms']:.0f} ms, p99 {told['key_p99_ms']:.0f}; {told['timeouts']} times asked again, "
            f"{told['timeout_error_p99_ms']:.1f} ms off (p99); the node took {100 * told['node_cpu']:.0f} % of a core, "
            f"the load {100 * told['load_cpu']:.0f} %")
    good = told["callers"] == callers and not told["packets_late"] and not told["keys_lost"] and told["timeout_error_p99_ms"] <= 20
    return {"callers_in_menus": told.pop("callers"), **told, "timeout_error_ms": told["timeout_error_p99_ms"]}, good and told["timeouts"] > 0


def kills_figures(quick):
    """Callers who press keys and callers who wait; the node is killed again and again. Who has no menu at the end is lost."""
    callers, kills = (50, 4) if quick else (500, 200)
    gaps = []
    node = Flows(calls=callers + 100)

    def kill_all():
        for _ in range(kills):
            time.sleep(random.uniform(0.5, 1.5))
            began = time.time()
            node.killed()
            gaps.append(time.time() - began)

    try:
        node.redis_apart()
        for name, level in zip(("first", "second"), LEVELS):
            prompt(node, name, level, PROMPT_S)
        node.put("menus", "3000", MENUS)
        cpu = menus_once(node, callers, kills * KILL_S + 10, kill_all)
        left = node.ctl("node.status")["calls"]
    finally:
        node.stop()
    lost = callers - min(left, callers - cpu["silent"])
    lib.say(f"{len(gaps)} kills under {callers} calls in menus: {lost} lost ({cpu['silent']} hear no menu), the next process was ready after "
            f"{1000 * lib.median(gaps):.0f} ms (at most {1000 * max(gaps):.0f})")
    return {"kills": len(gaps), "calls_in_menus_killed": callers, "calls_lost": lost,
            "ready_again_p50_ms": round(1000 * lib.median(gaps)), "ready_again_max_ms": round(1000 * max(gaps))}, not lost and len(gaps) == kills


WEBHOOK = """
import asyncio, sys
KINDS = {
    "answers": b'HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: 14\\r\\n\\r\\n{"queue":"s1"}',
    "500": b'HTTP/1.1 500 No\\r\\nContent-Length: 0\\r\\n\\r\\n',
    "302": b'HTTP/1.1 302 Found\\r\\nLocation: http://127.0.0.1:1/\\r\\nContent-Length: 0\\r\\n\\r\\n',
    "garbage": b'\\0\\xff not HTTP' * 50, "hangs": b"", "huge": b""}
async def client(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\\r\\n\\r\\n")).decode()
            kind = head.split()[1].strip("/")
            length = next(int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length:"))
            await reader.readexactly(length)
            if kind == "huge":
                writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 1000000000\\r\\n\\r\\n")
                for _ in range(15259):
                    writer.write(b" " * 65536)
                    await writer.drain()
            writer.write(KINDS[kind])
            await writer.drain()
            if kind == "garbage":
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()
async def main():
    server = await asyncio.start_server(client, sys.argv[1], 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


def webhook_figures(quick):
    rate, seconds, turns = (100, 3, 2) if quick else (200, 5, 5)
    server = lib.spawn(lib.pinned(lib.LOAD_CORE, [sys.executable, "-c", WEBHOOK, lib.ADDRESS]), stdout=subprocess.PIPE, text=True)
    at = f"http://{lib.ADDRESS}:{int(server.stdout.readline())}"
    node, pairs, lost = Flows(calls=4900), [], {}
    try:
        node.redis_apart()
        node.ctl("tenant.put", secret="whsec_" + base64.b64encode(bytes(32)).decode() + "\n", name="default", web_secret="-", web_networks="127.0.0.0/8")
        node.extension("2000", "bench-secret")
        port = lib.free_port()
        lib.register(node.sip_port, "2000", "bench-secret", port)
        node.put("without", "3000", steps_of([{"set": {"queue": "s1"}}], {"dial": "2000"}))
        asks = {kind: f"{at}/{kind}" for kind in ("answers", "500", "302", "garbage", "hangs", "huge")} | {"dead": f"http://{lib.ADDRESS}:1/"}
        for number, (kind, url) in enumerate(asks.items(), 3001):
            program = steps_of([{"http": {"url": url, "take": ["queue"], "timeout_s": 0.5}}], {"dial": "2000"})
            if kind == "answers":     # who was not answered is not connected, and counts as lost
                program["steps"]["s0"]["failed"] = "no"
                program["steps"]["no"] = {"reject": {"status": 480}}
            node.put(kind, str(number), program)
        for _ in range(turns):
            pairs.append(tuple(step(node, port, rate, seconds, number, scenario=("-sn", "uac", "-timer_resol", "1")) for number in ("3000", "3001")))
        for number, kind in enumerate(list(asks)[1:], 3002):
            lost[kind] = step(node, port, 20, 3, str(number))["unfinished"]
    finally:
        node.stop()
        lib.end(server)
    added = {share: lib.median([with_[f"setup_{share}_ms"] - without[f"setup_{share}_ms"] for without, with_ in pairs]) for share in ("mean", "p50", "p99")}
    lost["answers"] = sum(one["unfinished"] for pair in pairs for one in pair)
    lib.say(f"a web server that answers adds {added['p50']:.1f} ms to a call's set-up, p99 {added['p99']:.1f} ms; calls lost: {lost}")
    return ({"webhook_added_setup_mean_ms": round(added["mean"], 2), "webhook_added_setup_p50_ms": round(added["p50"], 2), "webhook_added_setup_p99_ms": round(added["p99"], 2),
             "webhook_calls_lost": lost}, added["p50"] <= 5 and added["p99"] <= 20 and not sum(lost.values()))


def main():
    rows = {"verbs": verbs_figures, "ten": ten_figures, "menus": menus_figures, "kills": kills_figures, "webhook": webhook_figures}
    options = lib.arguments(__doc__.splitlines()[0], rows=tuple(rows))
    figures, met = {}, True
    for row, run in rows.items():
        if row in (options.row or rows):
            found, good = run(options.quick)
            figures, met = figures | found, met and good
    lib.finish(options, "flows", figures, {"sipp": lib.package_version("sip-tester"), "redis": lib.package_version("redis-server")})
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())

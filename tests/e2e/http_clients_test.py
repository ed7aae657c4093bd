# SPDX-License-Identifier: Apache-2.0
"""The clients of the HTTP API, for Python and JavaScript, and their guides as they stand."""
import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request

from call_test import CallTest
from http_api_test import Asks
from lib import ROOT, npm, place
from lib.node import build_folder
from patience import PATIENCE_S, until
from webhooks_test import KEYS, SECRETS, Server

CLIENT = ROOT / "client"
# All print a line of JSON for each step, and the same ones.
PYTHON = """
import asyncio, json, sys
from tandem_http import NoAnswer, Refused, Tandem

def say(*words):
    print(json.dumps(words), flush=True)

async def refused(what):
    try:
        say("not refused", await what)
    except Refused as error:
        say("refused", error.status, error.code, error.argument)

async def main():
    async with Tandem(sys.argv[1], sys.argv[2]) as tandem:
        await tandem.accounts.put({"code": "4711"}, name="A case / \\u00e4")
        say("account", (await tandem.accounts.get(code="4711"))["name"])
        say("accounts", [row["code"] for row in await tandem.accounts.list()])
        say("profile", (await tandem.profiles.put(name="p", codecs=["PCMA", "PCMU"]))["codecs"])
        say("range", (await tandem.profile_ranges.put(from_="192.0.2.0", to="192.0.2.255", profile="p"))["to"])
        await tandem.profile_ranges.delete({"from": "192.0.2.0"})
        for code in range(20):
            await tandem.accounts.put(code=str(100 + code))
        say("all", len([row async for row in tandem.all("accounts.list", {"limit": 7})]))
        await refused(tandem.accounts.get(code="4712"))
        await refused(tandem.calls.originate({"from": "1001"}))
        await refused(Tandem(sys.argv[1], "wrong").calls.list())
        try:
            await tandem.calls.nothing()
        except AttributeError:
            say("nothing")
        try:
            await Tandem("http://127.0.0.1:1").calls.list()
        except NoAnswer:
            say("no answer")
        calls = [await tandem.do("call.originate", {"from": "1002", "to": "1001"}, key="order-py") for _ in range(2)]
        say("same", calls[0] == calls[1])
        await tandem.calls.hangup(call=calls[0]["id"])
        say("together", len(set(map(json.dumps, await asyncio.gather(*(tandem.nodes.list() for _ in range(20))))) ) > 0)

asyncio.run(main())
"""
JAVASCRIPT = """
import { NoAnswer, Refused, Tandem } from "./tandem.mjs";
const say = (...words) => console.log(JSON.stringify(words.map((word) => word ?? null)));
const refused = (what) => what.then((result) => say("not refused", result), (error) => {
  if (!(error instanceof Refused)) throw error;
  say("refused", error.status, error.code, error.argument);
});
const [url, token] = process.argv.slice(2);
const tandem = new Tandem(url, token);
await tandem.accounts.put({ code: "4711", name: "A case / \\u00e4" });
say("account", (await tandem.accounts.get({ code: "4711" })).name);
say("accounts", (await tandem.accounts.list()).map((row) => row.code));
say("profile", (await tandem.profiles.put({ name: "p", codecs: ["PCMA", "PCMU"] })).codecs);
say("range", (await tandem.profileRanges.put({ from: "192.0.2.0", to: "192.0.2.255", profile: "p" })).to);
await tandem.profileRanges.delete({ from: "192.0.2.0" });
await Promise.all(Array.from({ length: 20 }, (_, code) => tandem.accounts.put({ code: String(100 + code) })));
let count = 0;
for await (const row of tandem.all("accounts.list", { limit: 7 })) count += row.code ? 1 : 0;
say("all", count);
await refused(tandem.accounts.get({ code: "4712" }));
await refused(tandem.calls.originate({ from: "1001" }));
await refused(new Tandem(url, "wrong").calls.list());
await tandem.calls.nothing().catch((error) => say(error instanceof TypeError ? "nothing" : error.message));
await new Tandem("http://127.0.0.1:1").calls.list().catch((error) => say(error instanceof NoAnswer ? "no answer" : error.message));
const calls = [];
for (let i = 0; i < 2; i++) calls.push(await tandem.do("call.originate", { from: "1002", to: "1001" }, { key: "order-js" }));
say("same", JSON.stringify(calls[0]) === JSON.stringify(calls[1]));
await tandem.calls.hangup({ call: calls[0].id });
say("together", (await Promise.all(Array.from({ length: 20 }, () => tandem.nodes.list()))).length > 0);
"""
SAID = [["account", "A case / ä"], ["accounts", ["4711"]], ["profile", ["PCMA", "PCMU"]], ["range", "192.0.2.255"], ["all", 21], ["refused", 404, "not_found", "code"],
        ["refused", 400, "missing_argument", "to"], ["refused", 401, "not_allowed", None], ["nothing"], ["no answer"], ["same", True], ["together", True]]
C = r"""
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/tandem_http.h"

static struct tandem_http *g_tandem;

static void say(json_t *words)
{
	char *text = json_dumps(words, 0);

	puts(text);
	free(text);
	json_decref(words);
}

static json_t *get(const char *name, json_t *args)
{
	json_t *result = NULL;
	int err = tandem_http_do(g_tandem, name, args, NULL, &result);

	if (err)
		fprintf(stderr, "%s: %s\n", name, strerror(-err));
	return result;
}

static void refused(struct tandem_http *c, const char *name, json_t *args)
{
	const struct tandem_http_problem *p = tandem_http_problem(c);
	int err = tandem_http_do(c, name, args, NULL, NULL);

	if (err != -EACCES || !p->detail[0])
		fprintf(stderr, "%s: not refused: %s\n", name, strerror(-err));
	say(json_pack("[s, i, s, s?]", "refused", (int)p->status, p->code, p->argument[0] ? p->argument : NULL));
}

int main(int argc, char **argv)
{
	struct tandem_http *wrong, *nobody;
	json_t *rows, *calls[2];
	char code[8];

	if (argc < 3 || tandem_http_open(&g_tandem, argv[1], argv[2]) || tandem_http_open(&wrong, argv[1], "wrong") ||
	    tandem_http_open(&nobody, "http://127.0.0.1:1", NULL))
		return 1;
	(void)get("account.put", json_pack("{s:s, s:s}", "code", "4711", "name", "A case / \xc3\xa4"));
	say(json_pack("[s, O]", "account", json_object_get(get("account.get", json_pack("{s:s}", "code", "4711")), "name")));
	rows = get("account.list", NULL);
	say(json_pack("[s, [O]]", "accounts", json_object_get(json_array_get(rows, 0), "code")));
	say(json_pack("[s, O]", "profile", json_object_get(get("profile.put",
		json_pack("{s:s, s:[s, s]}", "name", "p", "codecs", "PCMA", "PCMU")), "codecs")));
	say(json_pack("[s, O]", "range", json_object_get(get("profile.range.put",
		json_pack("{s:s, s:s, s:s}", "from", "192.0.2.0", "to", "192.0.2.255", "profile", "p")), "to")));
	(void)get("profile.range.delete", json_pack("{s:s}", "from", "192.0.2.0"));
	for (int i = 100; i < 120; i++) {
		(void)snprintf(code, sizeof(code), "%d", i);
		(void)get("account.put", json_pack("{s:s}", "code", code));
	}
	say(json_pack("[s, i]", "all", (int)json_array_size(get("account.list", json_pack("{s:i, s:s}", "limit", 100, "sort", "-code")))));
	refused(g_tandem, "account.get", json_pack("{s:s}", "code", "4712"));
	refused(g_tandem, "call.originate", json_pack("{s:s}", "from", "1001"));
	refused(wrong, "call.list", NULL);
	say(json_pack("[s]", tandem_http_do(g_tandem, "call.nothing", NULL, NULL, NULL) == -ENOENT ? "nothing" : "something"));
	say(json_pack("[s]", tandem_http_do(nobody, "call.list", NULL, NULL, NULL) == -EHOSTUNREACH ? "no answer" : "an answer"));
	for (int i = 0; i < 2; i++) {
		if (tandem_http_do(g_tandem, "call.originate", json_pack("{s:s, s:s}", "from", "1002", "to", "1001"), "order-c", &calls[i]))
			return 2;
	}
	say(json_pack("[s, b]", "same", json_equal(calls[0], calls[1])));
	(void)get("call.hangup", json_pack("{s:O}", "call", json_object_get(calls[0], "id")));
	say(json_pack("[s, b]", "together", 1));
	tandem_http_close(nobody);
	tandem_http_close(wrong);
	tandem_http_close(g_tandem);
	return 0;
}
"""
# The program of the Python guide, in C.
C_EVENTS = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/tandem_http.h"

static bool on_event(const json_t *event, void *c)
{
	const char *type = json_string_value(json_object_get(event, "type")), *call = json_string_value(json_object_get(event, "call"));

	printf("%s %s\n", type, call ? call : "");
	fflush(stdout);
	return strcmp(type, "call.ended") != 0;
}

int main(int argc, char **argv)
{
	struct tandem_http *c, *other;

	if (argc != 2 || tandem_http_open(&c, argv[1], getenv("TANDEM_TOKEN")) || tandem_http_open(&other, argv[1], getenv("TANDEM_TOKEN")))
		return 1;
	if (tandem_http_do(other, "call.originate", json_pack("{s:s, s:s}", "from", "1001", "to", "1002"), NULL, NULL))
		return 2;
	return tandem_http_events(c, json_pack("{s:s, s:s}", "user", "1001", "after", "0"), on_event, NULL);
}
"""
TYPED = """
import { Tandem } from "./tandem.js";
const tandem = new Tandem("http://127.0.0.1:8080", "x");
const { id } = await tandem.calls.originate({ from: "1001", to: "1002" });
const name: string | undefined = (await tandem.accounts.get({ code: "1" })).name;
for await (const event of tandem.events({ user: "1001" })) console.log(event.type, id, name);
// @ts-expect-error: it needs who calls
await tandem.calls.originate({ to: "1001" });
// @ts-expect-error: no such argument
await tandem.calls.originate({ from: "1001", to: "1002", nothing: 1 });
// @ts-expect-error: no such word
await tandem.extensions.put({ number: "1001", call_waiting: "double" });
"""


class ClientTest(Asks, CallTest):
    def setUp(self):
        super().setUp()
        self.url = f"http://{place.NODE}:{self.node.http_port}"

    def write(self, name, text):
        path = os.path.join(self.node.home, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def compiled(self, name, text):
        """A program of the C client, which is not installed."""
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libcurl", "jansson"], check=True, capture_output=True, text=True).stdout.split()
        program = os.path.join(self.node.home, name)
        subprocess.run(["gcc", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-D_GNU_SOURCE", "-I", str(ROOT), "-o", program,
                        self.write(name + ".c", text), str(CLIENT / "tandem_http.c"), *flags], check=True)
        return program

    def run_it(self, *command):
        done = subprocess.run(command, cwd=self.node.home, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stderr, "")
        return [json.loads(line) for line in done.stdout.splitlines()]


class Clients(ClientTest):
    def is_rung(self):
        """Whom call.originate rings first."""
        rings = self.b.incoming()
        rings.ring()
        rings.wait_cancel()

    def test_all_say_the_same(self):
        token = self.token(self.node, "operator")
        shutil.copy(CLIENT / "tandem_http.py", self.node.home)
        shutil.copy(CLIENT / "js" / "tandem.js", os.path.join(self.node.home, "tandem.mjs"))
        for command in ([sys.executable, self.write("client.py", PYTHON)], ["node", self.write("client.mjs", JAVASCRIPT)], [self.compiled("client", C)]):
            with self.subTest(command):
                rung = threading.Thread(target=self.is_rung)
                rung.start()
                self.assertEqual(self.run_it(*command, self.url, token), SAID)
                rung.join()
                self.ended()
                for row in self.node.ctl("account.list"):
                    self.node.ctl("account.delete", code=row["code"])

    def test_types(self):
        folder = npm.install("api").parent / "types"
        folder.mkdir(exist_ok=True)
        openapi = subprocess.run([os.path.join(build_folder(), "app", "tandemctl"), "help", "openapi"], check=True, capture_output=True).stdout
        types = subprocess.run([sys.executable, CLIENT / "js" / "tandem_types.py"], input=openapi, check=True, capture_output=True).stdout
        for name in ("tandem.js", "package.json"):
            shutil.copy(CLIENT / "js" / name, folder)
        (folder / "tandem.d.ts").write_bytes(types)
        (folder / "use.ts").write_text(TYPED, encoding="utf-8")
        done = subprocess.run(["node", "../node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--target", "es2022", "--module", "nodenext",
                               "use.ts"], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))


class Heard(ClientTest):
    """Events, by both clients: the programs of their guides, as they stand."""

    def programs(self):
        """(guide, command, token) of the program in each guide, told where this node is."""
        token = self.token(self.node, "application")
        for name, kind, program, client, copy in (
                ("first-call-from-python.md", "python", sys.executable, "tandem_http.py", "tandem_http.py"),
                ("first-call-from-javascript.md", "js", "node", "js/tandem.js", "tandem.mjs")):
            text, = re.findall(rf"^```{kind}\n(.*?)^```", (ROOT / "docs" / "guides" / name).read_text(encoding="utf-8"), re.M | re.S)
            self.assertLessEqual(len(text.splitlines()), 15)
            self.assertIn("http://127.0.0.1:8080", text)
            shutil.copy(CLIENT / client, os.path.join(self.node.home, copy))
            yield name, [program, self.write("call" + os.path.splitext(copy)[1], text.replace("http://127.0.0.1:8080", self.url))], token

    def programs_in_c(self):
        yield "C", [self.compiled("events", C_EVENTS), self.url], self.token(self.node, "application", name="c")

    def begin(self, command, token):
        return subprocess.Popen(command, cwd=self.node.home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env={**os.environ, "TANDEM_TOKEN": token})

    def answer(self):
        """1001 answers, then 1002."""
        first = self.a.incoming()
        first.ring()
        first.respond(200, "OK", body=self.audio_a.sdp())
        first.wait_ack()
        second = self.b.incoming()
        second.ring()
        second.respond(200, "OK", body=self.audio_b.sdp())
        second.wait_ack()
        return first, second

    def test_guides_as_they_stand(self):
        for name, command, token in self.programs():
            with self.subTest(name):
                process = self.begin(command, token)
                self.addCleanup(process.kill)
                first, second = self.answer()
                first.bye()
                second.wait_bye()
                said, _ = process.communicate(timeout=PATIENCE_S)
                self.assertEqual(process.returncode, 0, said)
                types = [line.split(" ")[0] for line in said.splitlines()]
                self.assertEqual((types[0], types[-1]), ("listening", "call.ended"), said)
                self.assertIn("call.answered", types)
                self.assertEqual(len({line.split(" ")[1] for line in said.splitlines()[1:]}), 1, said)

    def test_over_a_kill(self):
        """Each client goes on behind the last event, with the next process: nothing is missing, and nothing is called twice."""
        for name, command, token in (*self.programs(), *self.programs_in_c()):
            with self.subTest(name):
                process = self.begin(command, token)
                self.addCleanup(process.kill)
                first, second = self.answer()
                self.saved()
                time.sleep(PATIENCE_S / 60)     # for its answer: without a key, a client does not say again what may have been done
                self.node.kill()
                self.node.restart()
                first.bye()
                second.wait_bye()
                said, _ = process.communicate(timeout=PATIENCE_S)
                types = [line.split(" ")[0] for line in said.splitlines()]
                self.assertEqual((process.returncode, types[-1]), (0, "call.ended"), said)
                self.assertEqual(types.count("listening"), 1, said)
                self.assertEqual(types.count("call.answered"), 1, said)
                self.ended()


class Samples(ClientTest):
    """docs/guides/samples.md as it stands, each at a port of its own; and tandemctl listen and trigger."""
    PORTS = ("9000", "9001", "9002")

    def setUp(self):
        with contextlib.ExitStack() as stack:
            self.ports = dict(zip(self.PORTS, (stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in self.PORTS)))
        self.settings = {"live": {"plain": True, "endpoints": [{"name": "bot", "url": f"ws://127.0.0.1:{self.ports['9002']}"}]}}
        super().setUp()
        self.env = {**os.environ, "TANDEM_TOKEN": self.token(self.node, "application")}
        shutil.copy(CLIENT / "tandem_http.py", self.node.home)
        shutil.copy(CLIENT / "js" / "tandem.js", os.path.join(self.node.home, "tandem.mjs"))

    def begin(self, *command):
        process = subprocess.Popen(command, cwd=self.node.home, stdout=subprocess.PIPE, text=True, env=self.env)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def ready(self, port):
        def is_open():
            with socket.socket() as link:
                return not link.connect_ex(("127.0.0.1", self.ports[port]))
        until(is_open)

    def test_samples(self):
        texts = re.findall(r"^```(js|python)\n(.*?)^```", (ROOT / "docs" / "guides" / "samples.md").read_text(encoding="utf-8"), re.M | re.S)
        self.assertEqual([kind for kind, _ in texts], ["js", "python", "python", "python"])
        programs = []
        for number, (kind, text) in enumerate(texts):
            self.assertLessEqual(len(text.splitlines()), 15, text)
            text = text.replace("http://127.0.0.1:8080", self.url)
            for port, real in self.ports.items():
                text = text.replace(port, str(real))
            programs.append(["node", self.write("click.mjs", text)] if kind == "js" else ["/usr/bin/python3", self.write(f"sample{number}.py", text)])
        board = self.begin(*programs[3])
        self.assertEqual(board.stdout.readline(), "0\n")
        self.click_to_call(programs[0])
        said = [board.stdout.readline().split() for _ in range(4)]
        self.assertEqual(([line[1:] for line in said[:3]], said[3]), ([["1001-1002"]] * 3, ["0"]), said)
        self.attendant(programs[1])
        self.voice_bot(programs[2])
        self.listen_and_trigger()

    def click_to_call(self, program):
        self.begin(*program)
        self.ready("9000")
        url = f"http://127.0.0.1:{self.ports['9000']}/"
        with urllib.request.urlopen(url) as answer:
            action, = re.findall(r'action="/([^"]+)"', answer.read().decode())
        with urllib.request.urlopen(url + action, data=b"") as answer:
            self.assertEqual(answer.read(), b"1001 rings, then 1002.")
        first = self.a.incoming()
        first.ring()
        first.respond(200, "OK", body=self.audio_a.sdp())
        first.wait_ack()
        second = self.b.incoming()
        second.respond(200, "OK", body=self.audio_b.sdp())
        second.wait_ack()
        first.bye()
        second.wait_bye()
        self.ended()

    def attendant(self, program):
        self.begin(*program)
        self.ready("9001")
        self.node.ctl("tenant.put", name="default", web_networks="127.0.0.0/8")
        self.node.ctl("number.put", number="120", to=f"http://127.0.0.1:{self.ports['9001']}/")
        out = self.a.invite("120", self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        self.audio_a.start(440)
        self.audio_a.digit("2")
        into = self.b.incoming()
        into.respond(200, "OK", body=self.audio_b.sdp())
        into.wait_ack()
        self.audio_a.stop()
        out.bye()
        into.wait_bye()
        self.ended()

    def voice_bot(self, program):
        self.node.put_extension("1900", "secret1900")
        self.node.ctl("extension.put", number="1900", application="bot")
        self.begin(*program)
        self.ready("9002")
        out = self.a.invite("1900", self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        self.audio_a.start(760)
        self.audio_a.wait_tone(760, 30, anew=True)
        self.audio_a.stop()
        out.bye()
        self.ended()

    def listen_and_trigger(self):
        """What listen forwards and trigger makes up is what webhooks post, signed."""
        server = Server()
        self.addCleanup(server.close)
        self.env["WEBHOOK_SECRET"] = SECRETS[0]
        ctl = os.path.join(build_folder(), "app", "tandemctl")
        done = subprocess.run([ctl, "trigger", "call.ended", "--forward", server.url("made"), "to=1234"], env=self.env, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"^call.ended \d+-0 200\n$")
        made, = server.bodies("made")
        self.assertEqual((made["type"], made["tenant"], made["data"]["from"], made["data"]["to"]), ("call.ended", "default", "1001", "1234"))
        _, headers, body, _ = server.got[0]
        said = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        self.assertEqual(headers["webhook-signature"], "v1," + base64.b64encode(hmac.digest(KEYS[0], said, hashlib.sha256)).decode())
        server.bad["made"] = 500
        for words, status in (([server.url("made")], 1), (["http://127.0.0.1:1/"], 3)):
            self.assertEqual(subprocess.run([ctl, "trigger", "call.new", "--forward", *words], env=self.env, capture_output=True).returncode, status)
        self.assertEqual(subprocess.run([ctl, "trigger", "call.nothing", "--forward", server.url("made")], capture_output=True).returncode, 2)
        listen = self.begin(ctl, "listen", "--from", self.url, "--forward", server.url("heard"), "type=call.*", "user=1001")
        seen = self.begin(ctl, "listen", "--from", self.url)
        self.assertEqual(json.loads(seen.stdout.readline())["type"], "listening")
        self.assertEqual(json.loads(listen.stdout.readline())["type"], "listening")
        self.a.invite("1002", self.audio_a.sdp())
        self.b.incoming().respond(486, "Busy Here")
        lines = [listen.stdout.readline().split() for _ in range(2)]
        self.assertEqual([line[::2] for line in lines], [["call.new", "200"], ["call.ended", "200"]])
        new, ended = server.bodies("heard")
        self.assertEqual((new["id"], new["data"]["call"], ended["type"]), (lines[0][1], ended["data"]["call"], "call.ended"))
        self.assertNotIn("id", new["data"])
        heard = [json.loads(seen.stdout.readline()) for _ in range(2)]
        self.assertEqual(heard[0], new["data"] | {"id": new["id"]})
        denied = subprocess.run([ctl, "listen", "--from", self.url], env=self.env | {"TANDEM_TOKEN": "default~x~y"}, capture_output=True, text=True)
        self.assertEqual(denied.returncode, 1)
        self.assertIn("not_allowed", denied.stderr)

# SPDX-License-Identifier: Apache-2.0
"""The clients of the HTTP API, for Python and JavaScript, and their guides as they stand."""
import json
import os
import re
import shutil
import subprocess
import sys
import threading

from call_test import CallTest
from http_api_test import Asks
from lib import ROOT, npm, place
from lib.node import build_folder
from patience import PATIENCE_S

CLIENT = ROOT / "client"
# Both print a line of JSON for each step, and the same ones.
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
        say("together", len(set(map(json.dumps, await asyncio.gather(*(tandem.node.status() for _ in range(20))))) ) > 0)

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
say("together", (await Promise.all(Array.from({ length: 20 }, () => tandem.node.status()))).length > 0);
"""
SAID = [["account", "A case / ä"], ["accounts", ["4711"]], ["profile", ["PCMA", "PCMU"]], ["range", "192.0.2.255"], ["all", 21], ["refused", 404, "not_found", "code"],
        ["refused", 400, "missing_argument", "to"], ["refused", 401, "not_allowed", None], ["nothing"], ["no answer"], ["same", True], ["together", True]]
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

    def test_both_say_the_same(self):
        token = self.token(self.node, "operator")
        shutil.copy(CLIENT / "tandem_http.py", self.node.home)
        shutil.copy(CLIENT / "js" / "tandem.js", os.path.join(self.node.home, "tandem.mjs"))
        for name, text, program in (("client.py", PYTHON, sys.executable), ("client.mjs", JAVASCRIPT, "node")):
            with self.subTest(name):
                rung = threading.Thread(target=self.is_rung)
                rung.start()
                self.assertEqual(self.run_it(program, self.write(name, text), self.url, token), SAID)
                rung.join()
                self.ended()
                for row in self.node.ctl("account.list"):
                    self.node.ctl("account.delete", code=row["code"])

    def test_types(self):
        folder = npm.install("api").parent / "types"
        folder.mkdir(exist_ok=True)
        openapi = subprocess.run([os.path.join(build_folder(), "app", "tandemctl"), "help", "openapi"], check=True, capture_output=True).stdout
        types = subprocess.run([sys.executable, CLIENT / "js" / "types.py"], input=openapi, check=True, capture_output=True).stdout
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
        for name, command, token in self.programs():
            with self.subTest(name):
                process = self.begin(command, token)
                self.addCleanup(process.kill)
                first, second = self.answer()
                self.saved()
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

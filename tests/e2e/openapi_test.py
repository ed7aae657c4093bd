# SPDX-License-Identifier: Apache-2.0
"""What the HTTP API says of itself (OpenAPI 3.1), whether that is so, and the page to try it."""
import http.client
import json
import os
import re
import shlex
import subprocess
import time
import unittest

from call_test import CallTest
from http_api_test import Asks
from lib import ROOT, browser, npm, openapi, place
from lib.openapi import hypothesis
from lib.node import build_folder
from patience import PATIENCE_S, until

LINT = """
import { createConfig, lint } from "@redocly/openapi-core";
const found = await lint({ ref: process.argv[2], config: await createConfig({ extends: ["recommended"] }) });
for (const one of found) console.log(`${one.severity}: ${one.ruleId}: ${one.message} ${one.location[0]?.pointer}`);
process.exit(found.length ? 1 : 0);
"""
# they end what the others are asked of, or do not end
APART = "events.listen", "node.drain", "shard.take", "cluster.rebalance", "node.remove"


def printed():
    """What tandemctl prints."""
    return subprocess.run([os.path.join(build_folder(), "app", "tandemctl"), "help", "openapi"], check=True, capture_output=True).stdout


class Document(unittest.TestCase):
    """Without a node."""

    @classmethod
    def setUpClass(cls):
        cls.text = printed()
        cls.api = openapi.Api(json.loads(cls.text))

    def test_it_has_every_command(self):
        """And each where the reference says that it is."""
        reference = (ROOT / "docs" / "api.md").read_text(encoding="utf-8").partition("\n## Commands\n")[2]
        commands = dict(re.findall(r"^### ([\w.]+)$.*?^`([A-Z]+ /\S+)`$", reference, re.M | re.S))
        self.assertGreater(len(commands), 100)
        self.assertEqual(commands, {name: f"{method} {path}" for name, (method, path, _) in self.api.operations.items() if name not in ("openapi", "events.listen")})
        for name, (_, path, operation) in self.api.operations.items():
            keys = re.findall(r"\{(\w+)\}", path)
            self.assertEqual([p["name"] for p in self.api.parameters(operation) if p["in"] == "path"], keys, name)

    def test_it_has_every_event(self):
        reference = (ROOT / "docs" / "api.md").read_text(encoding="utf-8").partition("\n## Events\n")[2].partition("\n## ")[0]
        events = dict(re.findall(r"^\| `([\w.]+)` \|([^|]*)\|", reference, re.M))
        self.assertGreater(len(events), 40)
        self.assertEqual(sorted(events), sorted(self.api.document["webhooks"]))
        for name, fields in events.items():
            schema = self.api.document["components"]["schemas"][name]
            self.assertEqual(set(schema["properties"]) - {"type"}, set(re.findall(r"`(\w+)`", fields)), name)
            self.api.check({"type": name}, schema)
            with self.assertRaises(Exception):
                self.api.check({"type": "call.nothing"}, schema)
            posted = self.api.schema_of(self.api.document["webhooks"][name]["post"]["requestBody"])
            self.api.check({"type": name, "timestamp": "2026-11-27T20:00:00.000Z", "id": "1-0", "tenant": "acme", "data": {"type": name}}, posted)

    def test_documents_have_their_fields(self):
        _, _, recordings = self.api.operations["recording.list"]
        self.api.check([{"number": 1}], self.api.schema_of(recordings["responses"]["200"]))
        account = self.api.document["components"]["schemas"]["Account"]["properties"]
        self.assertEqual(account["code"]["type"], "string")
        _, _, put = self.api.operations["extension.put"]
        body = self.api.schema_of(put["requestBody"])
        self.api.check({"enabled": False, "forward_rings": 3, "call_waiting": "single"}, body)
        for wrong in ({"nothing": 1}, {"enabled": 1}, {"forward_rings": 21}, {"call_waiting": "double"}):
            with self.assertRaises(Exception):
                self.api.check(wrong, body)

    def test_its_lint_has_nothing_to_say(self):
        folder = npm.install("api").parent
        for name, text in (("lint.mjs", LINT), ("openapi.json", self.text.decode()), ("bad.json", json.dumps(self.api.document | {"security": [{"x": []}]}))):
            (folder / name).write_text(text, encoding="utf-8")
        said = subprocess.run(["node", "lint.mjs", "openapi.json"], cwd=folder, capture_output=True, text=True, timeout=120)
        self.assertEqual((said.returncode, said.stdout + said.stderr), (0, ""))
        said = subprocess.run(["node", "lint.mjs", "bad.json"], cwd=folder, capture_output=True, text=True, timeout=120)
        self.assertIn("security-defined", said.stdout)


class Served(Asks, CallTest):
    settings = {"http": {"swagger_ui": str(npm.modules("api") / "swagger-ui-dist")}}

    def setUp(self):
        super().setUp()
        self.operator = self.token(self.node, "operator")
        status, text = self.node.http("/v1/openapi.json")
        self.assertEqual(status, 200)
        self.assertEqual(json.loads(text), json.loads(printed()))
        self.api = openapi.Api(json.loads(text))
        self.link = None

    def ask(self, name, method, target, body, **headers):
        """The status; what comes is as the document says."""
        for _ in range(2):
            try:
                self.link = self.link or http.client.HTTPConnection(place.NODE, self.node.http_port, timeout=PATIENCE_S)
                self.link.request(method, target, None if body is None else json.dumps(body), {"Authorization": f"Bearer {self.operator}", **headers})
                answer = self.link.getresponse()
                break
            except (http.client.RemoteDisconnected, ConnectionError):      # it was idle for too long
                self.link.close()
                self.link = None
        text = answer.read()
        self.api.check_response(name, answer.status, answer.headers["Content-Type"], text)
        return answer.status

    def test_examples_of_the_reference(self):
        part = (ROOT / "docs" / "api.md").read_text(encoding="utf-8").partition("\n## HTTP\n")[2].partition("\n## ")[0]
        self.connect()
        call, = self.calls()
        commands = [shlex.split(line.replace("\\\n", " "), comments=True) for line in re.findall(r"^curl (?:.*\\\n)*.*$", part, re.M)]
        self.assertGreaterEqual(len(commands), 5)
        for words in commands:
            given = dict(zip(words[1:], words[2:]))
            url, = (word for word in words if word.startswith("http"))
            target = re.sub(r"^https?://[^/]+", "", url).replace("$CALL", call["id"])
            if target.startswith("/v1/events"):     # a stream
                continue
            body = json.loads(given["-d"]) if "-d" in given else None
            name = self.api.check_request(given.get("-X", "GET"), target, body)
            old = dict(word.split(": ", 1) for word in words if word.startswith("If-Match"))    # of a version that the example made up
            self.assertEqual(self.ask(name, given.get("-X", "GET"), target, body, **old), 412 if old else 200, words)

    def test_random_requests(self):
        """TANDEM_REQUESTS=100000 asks so often."""
        self.connect()
        call, = self.calls()
        known = {"call": [call["id"]], "number": ["1001", "1002"], "from": ["1001"], "to": ["1002"], "leg": ["a", "b"], "name": ["default", "x"],
                 "tenant": ["default"], "node": ["n1"], "limit": [1, 5], "extension": ["1001"]}
        statuses, done, began = {}, set(), time.monotonic()
        requests = openapi.Requests(self.api, known)
        names = [name for name in sorted(self.api.operations) if name not in APART]

        @hypothesis.settings(max_examples=int(os.environ.get("TANDEM_REQUESTS", 600)), deadline=None, database=None,
                             suppress_health_check=list(hypothesis.HealthCheck), print_blob=True)
        @hypothesis.given(hypothesis.strategies.sampled_from(names).flatmap(requests.of))
        def random_request(request):
            status = self.ask(*request)
            statuses[status] = statuses.get(status, 0) + 1
            assert status != 500, request
            if status == 200:
                done.add(request[0])
        random_request()
        print(json.dumps({"requests": sum(statuses.values()), "seconds": round(time.monotonic() - began), "done": len(done), "of": len(names), "statuses": statuses}))
        for status in (200, 400, 404):
            self.assertGreater(statuses.get(status, 0), 10, statuses)
        self.assertGreater(len(done), 25)
        self.assertTrue(self.node.running())

    def test_a_page_to_try_it(self):
        npm.install("api")
        chromium = browser.Browser()
        self.addCleanup(chromium.close)
        page = browser.Page.__new__(browser.Page)
        page.browser, page.target = chromium, chromium.command("Target.createTarget", url="about:blank")["targetId"]
        page.session = chromium.command("Target.attachToTarget", targetId=page.target, flatten=True)["sessionId"]
        chromium.command("Page.enable", page.session)
        chromium.command("Page.addScriptToEvaluateOnNewDocument", page.session,
                         source="violations = []; addEventListener('securitypolicyviolation', e => violations.push(e.violatedDirective + ' ' + e.blockedURI))")
        chromium.command("Page.navigate", page.session, url=f"http://{place.NODE}:{self.node.http_port}/v1/docs")
        until(lambda: page.run("document.querySelectorAll('.opblock-tag').length > 20"))
        self.assertEqual(page.run("violations"), [])
        page.run("document.querySelector('#operations-tag-registration, [data-tag=registration]').click()")
        self.assertIn("/v1/registrations", page.run("document.body.innerText"))


class WithoutItsFiles(Asks, CallTest):
    settings = {"http": {"swagger_ui": "/nonexistent/<b>"}}

    def test_the_page_says_so(self):
        status, text = self.node.http("/v1/docs")
        self.assertEqual(status, 200)
        self.assertIn("/nonexistent/&lt;b&gt;", text)
        self.assertIn("openapi.json", text)
        self.refused(401, "not_allowed", self.node, "GET", "/v1/docs/swagger-ui.css")
        self.refused(401, "not_allowed", self.node, "POST", "/v1/openapi.json")

# SPDX-License-Identifier: Apache-2.0
"""Documents as files: tandemctl apply, diff, get, explain, edit, export, import, history and rollback."""
import csv
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from lib import ROOT
from lib.node import Node, ServerError, build_folder

OFFICE = """\
# an office
kind: extension
number: 1001
display_name: Ada
password: verysecret1
---
kind: extension
number: "1002"
display_name: "yes"
password_file: secrets/1002
classes: [national, mobile]
---
- kind: extension
  number: 1003
  password_env: SECRET_OF_1003
- {"kind": "group", "name": "sales", "members": [1001, 1002]}
---
kind: flow
name: menu
program:
  start: greet
  steps:
    greet: {dial: {to: ["group:sales"]}, next: bye}
    bye: {hangup: {}}
---
kind: number
number: 2000
to: flow:menu
"""
WRONG = """\
kind: extension
number: 3001
password: verysecret1
nonsense: 1
---
kind: castle
name: x
---
kind: extension
number: 3002
password: verysecret1
enabled: perhaps
---
kind: group
name: g
members: 3009
---
kind: extension
number: 3001
password_env: NO_SUCH_VARIABLE
---
kind: extension
number: 3001
password: verysecret1
"""


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.enterClassContext(Node())

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "secrets").mkdir()
        (self.folder / "secrets" / "1002").write_text("verysecret2\n")

    def run_it(self, *words, status=0, text=None, **environment):
        done = subprocess.run([os.path.join(build_folder(), "app", "tandemctl"), "--config", self.node.config, *map(str, words)], text=True, input=text,
                              capture_output=True, env={**os.environ, "SECRET_OF_1003": "verysecret3", **environment}, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stdout + done.stderr

    def file(self, name, text):
        (self.folder / name).write_text(text)
        return self.folder / name

    def clear(self, *sets):
        for name in sets:
            self.run_it("apply", "-f", "-", "--set", name, "--prune", text="")
            self.node.ctl("set.delete", name=name)

    def test_an_office(self):
        file = self.file("office.yaml", OFFICE)
        self.addCleanup(self.clear, "default")
        planned = self.run_it("apply", "-f", file, "--dry-run")
        self.assertIn("extension/1001 created (dry run)\n", planned)
        self.assertEqual(self.node.ctl("extension.list"), [])
        self.run_it("diff", "-f", file, status=1)
        done = self.run_it("apply", "-f", self.folder)
        self.assertEqual(done.splitlines()[-1], "set default, version 1: 6 created, 0 changed, 0 deleted, 0 unchanged")
        rows = {row["number"]: row for row in self.node.ctl("extension.list")}
        self.assertEqual((rows["1002"]["display_name"], rows["1002"]["classes"]), ("yes", ["national", "mobile"]))
        self.assertEqual([self.node.user_agent(f"100{i}", f"verysecret{i}").register().status for i in (1, 2, 3)], [200] * 3)
        self.assertIn("version 1: 0 created, 0 changed, 0 deleted, 6 unchanged", self.run_it("apply", "-f", file))
        self.assertIn("6 unchanged", self.run_it("diff", "-f", file))

        out = self.folder / "out"
        self.run_it("export", out)
        exported = "".join(path.read_text() for path in out.iterdir())
        self.assertEqual([word for word in ("verysecret", "ha1") if word in exported], [])
        self.assertIn("password: \"(kept)\"", (out / "extension.yaml").read_text())
        self.assertIn(" 0 created, 0 changed, 0 deleted, 6 unchanged", self.run_it("apply", "-f", out))
        self.assertIn("6 unchanged", self.run_it("apply", "-f", "-", text=self.run_it("export")))

        got = self.run_it("get", "extension", "1002", "-o", "yaml")
        self.assertEqual(got.splitlines()[:3], ["kind: extension", 'number: "1002"', 'password: "(kept)"'])
        self.assertIn('display_name: "yes"', got.splitlines())
        self.assertEqual(json.loads(self.run_it("get", "flows", "-o", "json"))[0]["program"]["start"], "greet")
        self.assertIn("Ada", self.run_it("get", "extensions"))
        self.run_it("get", "castles", status=2)
        self.run_it("get", "extension", "4711", "-o", "yaml", status=4)

        self.run_it("edit", "extension", "1001", EDITOR="sed -i s/Ada/Ada-L/")
        self.assertEqual(self.node.ctl("extension.get", number="1001")["display_name"], "Ada-L")
        self.assertEqual(self.run_it("edit", "extension", "1001", EDITOR="true"), "nothing was changed\n")
        different = self.run_it("diff", "-f", file, status=1)
        self.assertIn('  - display_name: "Ada-L"\n  + display_name: "Ada"\n', different)

        less = self.file("less.yaml", OFFICE.split("---\n- kind", maxsplit=1)[0])
        self.assertIn("group/sales deleted", self.run_it("apply", "-f", less, "--prune"))
        self.assertEqual(self.node.ctl("group.list"), [])
        self.assertIn("2", self.run_it("history"))
        self.assertIn("4 created", self.run_it("rollback", 1, "--dry-run"))
        self.run_it("rollback", 1)
        self.assertEqual(len(self.node.ctl("group.list")), 1)
        self.run_it("rollback", 77, status=4)

    def test_errors_have_places(self):
        file = self.file("wrong.yaml", WRONG)
        text = self.run_it("apply", "-f", file, status=2)
        self.assertIn(f"{file}:20:15: there is no such variable in the environment", text)
        file.write_text(WRONG.replace("password_env: NO_SUCH_VARIABLE", "password: verysecret1"))
        text = self.run_it("apply", "-f", file, status=1)
        for place in (f"{file}:4:1: ", f"{file}:6:7: ", f"{file}:12:10: enabled must be true or false", f"{file}:16:10: ", f"{file}:19:9: ", f"{file}:23:9: "):
            self.assertIn(place, text)
        self.assertIn("nothing was changed: 6 errors", text)
        self.assertEqual(self.node.ctl("extension.list"), [])
        file.write_text("kind: [\n")
        self.assertIn(f"{file}:2:1: ", self.run_it("apply", "-f", file, status=2))
        self.run_it("apply", status=2)

    def test_what_a_tenant_may_have(self):
        """Quotas count over a whole file: what gives a seat back may stand behind what takes it, and less than there is refuses what is new alone."""
        self.addCleanup(self.clear, "default")
        self.addCleanup(self.node.ctl, "tenant.put", name="default", max_recorded=0, max_extensions=0)
        self.node.ctl("tenant.put", name="default", max_recorded=1, max_extensions=2)
        text = "".join(f"---\nkind: extension\nnumber: 310{i}\npassword: verysecret1\nrecord: {record}\n" for i, record in enumerate(("auto", "off")))
        file = self.file("seats.yaml", text.replace("off", "on_demand"))
        said = self.run_it("apply", "-f", file, status=1)
        self.assertEqual([place for place in (5, 10) if f"{file}:{place}:9: max_recorded of the tenant: 1" in said], [5, 10], said)
        file.write_text(text)
        self.run_it("apply", "-f", file)
        file.write_text(text.replace("off", "on").replace("auto", "off").replace(": on\n", ": auto\n"))
        self.run_it("apply", "-f", file)
        self.assertEqual([row["record"] for row in self.node.ctl("extension.list")], ["off", "auto"])
        self.node.ctl("extension.put", number="3101", record="on_demand", display_name="still one")
        with self.assertRaisesRegex(ServerError, "max_recorded of the tenant"):
            self.node.ctl("extension.put", number="3100", record="auto")
        self.node.ctl("tenant.put", name="default", max_recorded=0)
        self.node.ctl("extension.put", number="3100", record="auto")
        self.node.ctl("tenant.put", name="default", max_recorded=1, max_extensions=1)
        self.assertEqual([self.node.ctl("tenant.status")[name] for name in ("recorded", "max_recorded", "extensions", "max_extensions")], [2, 1, 2, 1])
        self.node.ctl("extension.put", number="3100", display_name="as before")
        self.run_it("apply", "-f", file)
        more = self.file("more.csv", "number,password\n3100,verysecret1\n3102,verysecret1\n")
        self.assertIn(f"{more}:3:1: max_extensions of the tenant is 1", self.run_it("import", "extensions", more, "--set", "more", status=1))
        self.assertEqual(self.node.ctl("tenant.status")["extensions"], 2)

    def test_explained(self):
        self.assertIn("extension", self.run_it("explain"))
        self.assertIn("display_name", self.run_it("explain", "extension"))
        self.assertTrue(self.run_it("explain", "extension.number").startswith("extension.number, required"))
        self.run_it("explain", "extension.nothing", status=4)

    def test_extensions_as_csv(self):
        head = self.run_it("import", "extensions", "--template").strip().split(",")
        self.assertIn("display_name", head)
        self.addCleanup(self.clear, "people")
        file = self.file("people.csv", "number,display_name,password,classes\n5001,\"Lovelace, Ada\",verysecret5,\"national,mobile\"\r\n"
                                       "5002,\"The \"\"Admiral\"\"\",verysecret6,\n\n")
        self.assertIn("extension/5001 created (dry run)", self.run_it("import", "extensions", file, "--set", "people", "--dry-run"))
        self.assertIn("2 created", self.run_it("import", "extensions", file, "--set", "people"))
        self.assertIn("2 unchanged", self.run_it("import", "extensions", file, "--set", "people"))
        self.assertEqual([row["display_name"] for row in self.node.ctl("extension.list")], ["Lovelace, Ada", 'The "Admiral"'])
        out = self.folder / "out.csv"
        self.run_it("export", "extensions", out)
        with open(out, newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
        self.assertEqual([(row["number"], row["display_name"], row["password"], row["classes"]) for row in rows],
                         [("5001", "Lovelace, Ada", "(kept)", "national,mobile"), ("5002", 'The "Admiral"', "(kept)", rows[1]["classes"])])
        self.assertIn("2 unchanged", self.run_it("import", "extensions", out, "--set", "people"))
        bad = self.file("bad.csv", "number,display_name,castle\n5003,x,1\n5001,\"y\n")
        self.assertIn(f"{bad}:3:1: a quote is not closed", self.run_it("import", "extensions", bad, status=2))
        bad.write_text("number,display_name,password,castle\n5003,x,verysecret7,1\n5004,y,verysecret7,2\n")
        text = self.run_it("import", "extensions", bad, status=2)
        self.assertIn(f"{bad}:1:4: there is no field 'castle'", text)
        self.assertIn("nothing was changed: 1 error", text)     # once, and not for each row
        bad.write_text("number,display_name,password,enabled\n5003,x,verysecret7,perhaps\n5003,y,verysecret7,\n")
        text = self.run_it("import", "extensions", bad, status=1)
        self.assertIn(f"{bad}:2:4: ", text)
        self.assertIn(f"{bad}:3:1: ", text)
        bad.write_text("\ufeffnumber,display_name,password\r\n5003,x,verysecret7\r\n", encoding="utf-8")      # as spreadsheets write it
        self.assertIn("extension/5003 created", self.run_it("import", "extensions", bad, "--dry-run"))

    def test_guide(self):
        """docs/guides/desired-state.md, line by line."""
        guide = (ROOT / "docs" / "guides" / "desired-state.md").read_text(encoding="utf-8")
        self.file("office.yaml", guide.split("```yaml\n")[1].split("```")[0])
        (self.folder / "secrets" / "1001").write_text("verysecret1\n")
        self.addCleanup(self.clear, "default", "people")
        lines, told, before = [line[4:] for line in guide.splitlines() if line.startswith("    ")], "", os.getcwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, before)
        for line in lines:
            if line == "tandemctl history":                 # something to go back from
                (self.folder / "office.yaml").write_text((self.folder / "office.yaml").read_text().replace("Ada", "Ada L."))
                self.run_it("apply", "-f", "office.yaml", SECRET_OF_1002="verysecret2")
            if line.startswith("tandemctl"):
                words, _, out = line.partition(" > ")
                status = 1 if words.split()[1] == "diff" and not told else 0
                told = self.run_it(*words.split()[1:], status=status, SECRET_OF_1002="verysecret2", EDITOR="true")
                if out:
                    head = told.strip().split(",")
                    row = {"number": "1003", "display_name": "Grace", "password": "verysecret3"}
                    self.file(out, told + ",".join(row.get(name, "") for name in head) + "\n")
                if words.startswith("tandemctl apply") and "--prune" not in words:
                    self.applied = told
            elif line.startswith(("extension/", "group/", "set ")):
                self.assertIn(line + "\n", self.applied)
        self.assertEqual([row["number"] for row in self.node.ctl("extension.list")], ["1001", "1002", "1003"])

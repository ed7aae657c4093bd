# SPDX-License-Identifier: Apache-2.0
"""Pictures of flows: graphviz draws them, and no two branches look alike."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

from flow_calls_test import Put

SVG = "{http://www.w3.org/2000/svg}"
FLOW = {"name": "main", "start": "menu", "steps": {
    "menu": {"gather": {"prompt": ["main-menu"], "max": 2}, "on": {"1x": "ask", "*": "menu"}, "timeout": "bye", "invalid": "menu"},
    "ask": {"match": "{caller} <&amp;> ü", "on": {"<&amp;>\\l\"": "sales"}, "else": "sales"},
    "sales": {"dial": {"to": ["1001", "1002"]}, "busy": "bye", "no_answer": "bye", "rejected": "bye", "failed": "bye", "next": "bye"},
    "bye": {"hangup": {}}}}
TOLD_APART = ("busy", "no_answer", "invalid", "timeout", "failed")


def drawn(svg):
    """Texts of steps; and of each label of an edge its lines: colour, dashes, width."""
    steps, edges = [], {}
    for group in xml.etree.ElementTree.fromstring(svg).iter(f"{SVG}g"):
        texts = [text.text for text in group.findall(f"{SVG}text")]
        if group.get("class") == "node":
            steps.append(texts)
        elif group.get("class") == "edge":
            line = group.find(f"{SVG}path")
            edges[" ".join(texts)] = tuple(line.get(name) for name in ("stroke", "stroke-dasharray", "stroke-width"))
    return steps, edges


class Graph(Put):
    def setUp(self):
        super().setUp()
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.file = pathlib.Path(folder, "main.json")
        self.file.write_text(json.dumps(FLOW))

    def graph(self, *words, **environment):
        return subprocess.run([self.node.program("tandemctl"), *words], env=os.environ | environment, capture_output=True, text=True, check=False)

    @unittest.skipUnless(shutil.which("dot"), "needs graphviz")
    def test_drawn(self):
        steps, edges = drawn(self.graph("flow", "graph", self.file, "format=svg").stdout)
        self.assertIn(["ask", "match", "{caller} <&amp;> ü"], steps)
        self.assertIn(["sales", "dial", "1001, 1002"], steps)
        self.assertLessEqual({"1x", "*", '<&amp;>\\l"', "else", *TOLD_APART}, set(edges))
        looks = [edges[name] for name in TOLD_APART] + [edges["1x"]]
        self.assertEqual(len({colour for colour, *_ in looks}), len(looks))
        self.assertEqual(len({tuple(rest) for _, *rest in looks}), len(looks), "without colour")

    def test_of_node(self):
        self.ask("flow.put", name="main", program=FLOW)
        of_file = self.graph("flow", "graph", self.file).stdout
        self.assertEqual(self.node.tandemctl("flow.graph", name="main"), of_file)
        self.assertEqual(self.graph("--config", self.node.config, "flow.graph", "name=main", "format=dot").stdout, of_file)

    def test_without_graphviz(self):
        done = self.graph("flow", "graph", self.file, "format=svg", PATH="/nowhere")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("apt install graphviz", done.stderr)

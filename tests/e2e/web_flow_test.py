# SPDX-License-Identifier: Apache-2.0
"""The page of a flow: drawn and as text, by mouse and by keys, tried beside; what is damaged opens, and names its fault."""
import json
import unittest

from lib import pages
from lib.node import Node
from patience import until
from web_test import HOSTILE, Walks

MAIN = {"start": "menu", "steps": {
    "menu": {"gather": {"prompt": ["main-menu"], "max": 1, "tries": 2}, "on": {"2": "desk", "1": "bye"}, "invalid": "desk", "timeout": "bye"},
    "desk": {"dial": "1001", "busy": "bye", "no_answer": "bye", "next": "bye"}, "bye": {"hangup": {}}}}


class Flows(Walks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = Node(settings=cls.settings)
        cls.addClassCleanup(cls.node.close)

    def opened(self, name, program):
        if program:
            self.node.ctl("flow.put", name=name, program=program)
        page = self.console()
        page.go(self.url(f"console#/flows/{name}"))
        page.until("document.querySelector('.flow-text')")
        return page

    def kept(self, name):
        return self.node.ctl("flow.get", name=name)["program"]

    def choose(self, page, step):
        page.run(f"document.querySelector('[data-step={step}]').dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")

    def test_drawn_and_changed(self):
        """A branch is led elsewhere, a step added and another renamed: the text says so, it is saved, and tried."""
        page = self.opened("main", MAIN)
        page.until("document.querySelectorAll('[data-step]').length === 3 && document.querySelectorAll('.way').length === 7")
        self.assertEqual(page.violations_of_axe(pages.axe()), [])
        self.choose(page, "menu")
        page.until("document.querySelector('[aria-label=\"timeout leads to\"]')")
        page.fill("[aria-label='timeout leads to']", "desk")
        page.fill("[aria-label=Verb]", "play")
        page.click("Add a step")
        page.until("document.querySelector('#step-name')?.value === 'play'")
        page.fill("#step-text", '{"play": ["closed"], "next": "bye"}')
        self.choose(page, "desk")
        page.until("document.querySelector('#step-name')?.value === 'desk'")
        page.fill("[aria-label='no_answer leads to']", "play")
        page.fill("#step-name", "front")
        page.click("Rename")
        page.until("document.querySelector('[data-step=front]')")
        page.click("Save")
        page.shows("Saved")
        wanted = json.loads(json.dumps(MAIN))
        wanted["steps"]["menu"].update(on={"2": "front", "1": "bye"}, invalid="front", timeout="front")
        wanted["steps"] = {"menu": wanted["steps"]["menu"], "front": {**MAIN["steps"]["desk"], "no_answer": "play"}, "bye": {"hangup": {}},
                           "play": {"play": ["closed"], "next": "bye"}}
        self.assertEqual(self.kept("main"), wanted)
        self.assertEqual(list(self.kept("main")["steps"]["menu"]["on"]), ["2", "1"])
        page.fill("#try-digits", "2,no_answer")
        page.click("Try", "form button")
        page.until("['menu', 'front', 'play'].every(n => document.querySelector(`[data-step=${n}]`).classList.contains('walked'))")
        page.size(360, 740)
        self.assertEqual(page.too_wide(2), "")
        self.picture(page, "console", "flow", "phone")
        page.size(1360, 860)
        self.picture(page, "console", "flow", "light")
        page.theme(True)
        self.assertEqual(page.violations_of_axe(pages.axe(), contrast=True), [])
        self.fine(page)

    def test_keys(self):
        """Arrows go along the ways, Enter chooses, what was done is undone."""
        page = self.opened("keys", MAIN)
        page.run("document.querySelector('[data-step=menu]').focus()")
        page.press("ArrowDown")
        page.until("document.activeElement?.dataset.step && document.activeElement.dataset.step !== 'menu'")
        page.press("Enter")
        page.until("document.querySelector('#step-name')")
        before = page.run("document.querySelector('.flow-text').value")
        page.click("Delete the step")
        page.until("document.querySelectorAll('[data-step]').length === 2")
        page.click("Undo")
        page.until("document.querySelectorAll('[data-step]').length === 3")
        self.assertEqual(page.run("document.querySelector('.flow-text').value"), before)
        self.fine(page)

    def test_damaged(self):
        """Text that is no JSON, a way to nowhere, what the node refuses, and what others wrote: each is named, and nothing runs."""
        page = self.opened("bad", MAIN)
        page.fill(".flow-text", '{"start": "a",\n "steps": {"a" {}}}')
        page.shows("Line 2, column 16:", "a colon is expected")
        page.fill(".flow-text", '{"start": "a", "steps": {"a": {"play": ["x"], "next": "gone"}, "b": {}}}')
        page.shows("next leads to", "gone", "it has no verb")
        page.until("document.querySelectorAll('.step-box.bad').length === 2")
        page.click("Save")
        page.shows("/steps/")
        name = HOSTILE.replace('"', "'")[:30]
        page.fill(".flow-text", json.dumps({"start": "a", "steps": {"a": {"say": HOSTILE, "next": name}, name: {"hangup": {}}}}))
        page.until("document.querySelectorAll('[data-step]').length === 2")
        self.assertEqual(self.kept("bad"), MAIN)
        self.fine(page)

    def test_fresh(self):
        page = self.opened("+", None)
        page.fill("#flow-name", "new")
        page.click("Save")
        until(lambda: any(row["name"] == "new" for row in self.node.ctl("flow.list")))
        page.shows("Flow new")
        page.click("Delete", ".head button")
        page.click("Delete", "dialog button")
        until(lambda: not any(row["name"] == "new" for row in self.node.ctl("flow.list")))
        self.fine(page)

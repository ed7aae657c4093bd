# SPDX-License-Identifier: Apache-2.0
"""Pages of phones' micro-browsers: the directory, how it is searched and dialled, and that a link shows what its extension may see, and no more."""
import contextlib
import pathlib
import re
import shlex
import signal
import subprocess
import threading
import unittest
import urllib.parse

from lib import place
from lib.micro_browser import MicroBrowser
from lib.sip import or_none, parameter
from provision_test import GUIDES, MAC, OTHER, OfNodes, ProvisionTest
from patience import until
from server import ServerError

PAYLOADS = (pathlib.Path(__file__).resolve().parents[1] / "data" / "provision" / "injections.txt").read_text().splitlines()


class PagesTest(ProvisionTest):
    def browser(self, **options):
        """That of the phone, as its file has it."""
        device = self.phone(**options)
        self.assertTrue(device.boot())
        self.device = device
        return MicroBrowser(device.values["mb.main.home"])

    def media(self):
        sound = self.node.media()
        self.addCleanup(sound.close)
        return sound.sdp()

    def put(self, number, **fields):
        self.node.put_extension(number, "secret" + number)
        self.addCleanup(self.node.ctl, "extension.delete", number=number)
        self.node.ctl("extension.put", number=number, **fields)


class Directory(PagesTest):
    def test_from_the_key_to_a_call(self):
        """PROV-21, PROV-22: the key of the phone opens the directory, a search finds a colleague, and his line is dialled."""
        self.node.ctl("device.put", mac=MAC, directory_page=True)
        self.addCleanup(self.node.ctl, "device.put", mac=MAC, directory_page=False)
        self.put("230", first_name="Änne", last_name="O'Neill", department="Sales & more")
        self.put("231", display_name="Hidden", shown=False)
        browser = self.browser()
        browser.go_home()
        self.assertEqual((browser.title, browser.lines[0]), ("201", "Directory"))
        self.assertEqual([self.device.values[f"softkey.2.{name}"] for name in ("label", "enable", "use.idle", "use.active")],
                         ["Directory", "1", "1", "1"])
        browser.press("Directory")
        self.assertEqual(browser.show(self.device.values["softkey.2.action"]).dialled(), {"201": "201", "202": "202", "Änne O'Neill": "230"})
        self.assertIn("Änne O'Neill 230Sales & more", browser.lines)
        for text in ("ANNE", "o'neill", "sales & more", " nei "):
            browser.search(text)
            self.assertEqual((browser.dialled(), browser.searched()), ({"Änne O'Neill": "230"}, text.strip()))
        browser.search("Hidden")
        self.assertEqual((browser.dialled(), browser.lines[0]), ({}, "Nobody is found."))
        self.assertEqual(browser.press("Menu").url, browser.home)
        self.assertEqual(self.device.register(self.agent).status, 200)
        browser.press("Directory")
        with self.node.user_agent("202", "secret202") as called:
            self.assertEqual(called.register().status, 200)
            out = self.device.agent.invite(browser.dials("202"), self.media())
            into = called.incoming()
            into.respond(200, "OK", body=self.media())
            out.wait_answer()
            into.wait_ack()
            out.bye()
            into.wait_bye()

    def test_withheld(self):
        """ADM-90: neither the key nor the page nor the list of the phone is there, by the extension, its tenant, or the profile of the device, which takes paging, too."""
        self.node.ctl("device.put", mac=MAC, directory_page=True)
        self.addCleanup(self.node.ctl, "device.put", mac=MAC, directory_page=False)
        self.addCleanup(self.node.ctl, "device.profile.delete", name="default")
        ways = (("extension.put", {"number": "201"}), ("tenant.put", {"name": "default"}), ("device.profile.put", {"name": "default"}))
        for command, of in ways:
            for off in (["directory", *(["paging"] if "profile" in command else ())], []):
                self.node.ctl(command, **of, features_off=off)
                browser = self.browser()
                browser.go_home()
                statuses = [browser.ask(browser.home + path)[0] for path in ("/directory", "/paging")]
                self.assertEqual((self.device.values["softkey.2.enable"], "Directory" in browser.links, statuses),
                                 ("0" if off else "1", not off, [404 if off else 200, 404 if "paging" in off else 200]), (command, off))

    def test_in_a_call(self):
        """CONF-16, PROV-22: with its party on hold the phone picks a line of the directory. Transfer while that rings is blind, behind its answer it is attended."""
        self.put("203", display_name="Yard")
        browser = self.browser()
        for attended in (False, True):
            with self.subTest(attended=attended), contextlib.ExitStack() as stack:
                phone, party, target = agents = [stack.enter_context(self.node.user_agent(number, "secret" + number)) for number in ("201", "202", "203")]
                self.assertEqual({agent.register().status for agent in agents}, {200})
                sounds = [self.node.media() for _ in range(3)]
                for sound in sounds:
                    self.addCleanup(sound.close)
                first = phone.invite("202", sounds[0].sdp())
                held = party.incoming()
                held.answer(sounds[1].sdp())
                first.wait_answer()
                holding = threading.Thread(target=or_none, args=(held.wait_reinvite, sounds[1].sdp(version=2), 5))
                holding.start()
                self.assertEqual(first.reinvite(sounds[0].sdp(version=2) + "a=sendonly\r\n").status, 200)
                holding.join()
                second = phone.invite(browser.go_home().press("Directory").dials("Yard"), sounds[0].sdp())
                asked = target.incoming()
                if attended:
                    asked.answer(sounds[2].sdp())
                    second.wait_answer()
                    dialog = f"{second.call_id};to-tag={parameter(second.remote, 'tag')};from-tag={parameter(second.local, 'tag')}"
                    to = f"<sip:203@{place.NODE}?Replaces={urllib.parse.quote(dialog, safe='')}>"
                else:
                    asked.ring()
                    second.wait_provisional(180)
                    second.cancel()
                    asked.wait_cancel()
                    to = f"<sip:203@{place.NODE}>"
                self.assertEqual(first.transact(first.in_dialog("REFER", [("Refer-To", to)])).status, 202)
                if not attended:
                    asked = target.incoming()
                    asked.answer(sounds[2].sdp())
                self.told(first, held, sounds[1])
                for dialog in (first, second) if attended else (first,):
                    or_none(dialog.wait_bye)
                self.assertEqual({number for row in self.node.ctl("call.list") for number in (row["from"], row["to"])} - {"201"}, {"202", "203"})
                asked.bye()
                held.wait_bye()
                until(lambda: not self.node.ctl("call.list"), lambda: self.node.ctl("call.list"))

    def told(self, dialog, held, sound):
        """The phone hears 200 by NOTIFY; its party answers what it is asked meanwhile."""
        said, version = "", 2
        while "200 OK" not in said:
            version += 1
            self.assertLess(version, 60, said)
            or_none(held.wait_reinvite, sound.sdp(version=version), 0.1)
            notify = or_none(dialog.agent.take_request, "NOTIFY", 1, dialog.call_id)
            if notify:
                dialog.agent.respond(notify, 200, "OK")
                said = notify.body.decode()
                self.assertRegex(said, "SIP/2.0 (100|180|200) ")

    def test_profiles(self):
        """PROV-21: a profile has departments and extensions, that of neither has all extensions; hidden ones are in none, and one that is deleted has nobody."""
        for number, department, more in (("230", "Sales & more", {}), ("231", "SALES & MORE", {"shown": False}), ("232", "Yard", {}), ("233", "sales & more", {})):
            self.put(number, display_name="x" + number, department=department, **more)
        for name, fields in {"sales": {"departments": "Nobody; sales & More"}, "few": {"departments": "yard", "extensions": "201,231"}, "System": {}}.items():
            self.node.ctl("directory.profile.put", name=name, **fields)
            self.addCleanup(self.node.ctl, "directory.profile.delete", name=name, force=True)
        self.addCleanup(self.node.ctl, "device.put", mac=MAC, directory_profile="")
        for name, want in (("sales", ["230", "233"]), ("few", ["201", "232"]), ("System", ["201", "202", "230", "232", "233"]), ("", ["201", "202", "230", "232", "233"])):
            self.node.ctl("device.put", mac=MAC, directory_profile=name)
            browser = self.browser().go_home().press("Directory")
            self.assertEqual((list(browser.dialled().values()), name), (want, name))
            self.assertEqual([row["number"] for row in self.node.ctl("directory.list", **({"profile": name} if name else {}))], want)
        self.node.ctl("device.put", mac=MAC, directory_profile="few")
        self.assertEqual(browser.search("x2").dialled(), {"x232": "232"})
        with self.assertRaisesRegex(ServerError, "device"):
            self.node.ctl("directory.profile.delete", name="few")
        self.node.ctl("directory.profile.delete", name="few", force=True)
        self.assertEqual(browser.ask(browser.home + "/directory")[0], 404)
        self.node.ctl("directory.profile.put", name="few")

    def test_next_and_previous(self):
        """A list has pages that a phone can show, with what was searched; nobody is on two of them, and none is left out."""
        for number in range(2300, 2335):
            self.put(str(number), display_name=f"Colleague {number}")
        browser = self.browser().go_home().press("Directory").search("colleague")
        seen, pages = list(browser.dialled().values()), 1
        while "Next" in browser.links:
            browser.press("Next")
            self.assertEqual(browser.searched(), "colleague")
            seen += browser.dialled().values()
            pages += 1
        self.assertEqual((seen, pages), ([str(number) for number in range(2300, 2335)], 3))
        self.assertEqual(list(browser.press("Previous").press("Previous").dialled().values()), [str(number) for number in range(2300, 2315)])
        self.assertNotIn("Previous", browser.links)
        for wrong in ("page=60", "page=x", "search=" + 64 * "x", "search=%ff"):
            self.assertEqual(browser.ask(f"{browser.home}/directory?{wrong}")[0], 400, wrong)

    def test_injections(self):
        """A hundred payloads as names, and as what is searched: a page is read as what it is meant to be."""
        browser = self.browser()
        self.put("230")
        for payload in (one[:63].strip(" ") for one in PAYLOADS):
            self.node.ctl("extension.put", number="230", display_name=payload)
            browser.show(f"{browser.home}/directory")
            self.assertEqual(browser.dialled(), {"201": "201", "202": "202", payload or "230": "230"})
            if len(payload.encode()) < 64:
                self.assertEqual(browser.search(payload).searched(), payload)

    def test_other_browsers(self):
        """w3m and lynx, which know more than phones, show the same."""
        self.put("230", first_name="Änne", last_name="Neill", department="Sales & more")
        browser = self.browser()
        page = f"{browser.home}/directory"
        w3m = subprocess.run(["w3m", "-dump", "-O", "UTF-8", "-T", "text/html", page], capture_output=True, text=True, timeout=30)
        self.assertIn("Änne Neill 230\nSales & more", w3m.stdout, w3m.stderr)
        lynx = subprocess.run(["lynx", "-dump", "-display_charset=utf-8", "-cfg=/dev/null", page], capture_output=True, text=True, timeout=30)
        self.assertRegex(lynx.stdout, r"\[\d+\]Änne Neill 230\n +Sales & more", lynx.stderr)
        self.assertIn("tel:230", lynx.stdout)


    def test_guide(self):
        """docs/guides/phones.md, "The directory in the phone's browser"."""
        text = (GUIDES / "phones.md").read_text(encoding="utf-8")
        line, = re.findall(r"<!-- browser -->\n```sh\n\./tandem ctl (\S+) (.*?)\n```", text)
        self.node.ctl(line[0], **dict(one.split("=") for one in line[1].split()))
        self.addCleanup(self.node.ctl, "device.put", mac=MAC, directory_page=False)
        self.assertEqual(self.browser().show(self.device.values["softkey.2.action"]).dialled(), {"201": "201", "202": "202"})
        for line in re.search(r"<!-- profile -->\n```sh\n(.*?)```", text, re.S)[1].splitlines():
            words = shlex.split(line)
            self.node.ctl(words[2], **dict(word.split("=") for word in words[3:]))
        self.addCleanup(self.node.ctl, "directory.profile.delete", name="sales")
        self.addCleanup(self.node.ctl, "device.put", mac=MAC, directory_profile="")
        self.assertEqual(self.browser().show(self.device.values["softkey.2.action"]).dialled(), {"201": "201"})
        self.node.ctl("device.put", mac=MAC, overrides="mb.main.home=")
        self.addCleanup(self.node.ctl, "device.put", mac=MAC, overrides="")
        self.assertEqual(self.browser().home, "")


class Lists(PagesTest):
    def test_paging(self):
        """PAGE-03, PAGE-06: the groups of the tenant, that of channel 1 first, or the default that its user has chosen; a line calls the group, and its member hears it."""
        for name, fields in {"a": {"description": "All <floors>"}, "shop": {"first_name": "Shop", "last_name": "& floor", "channel": 1},
                             "z": {"department": "Yard"}}.items():
            self.node.ctl("page.put", name=name, members="202", **fields)
            self.addCleanup(self.node.ctl, "page.delete", name=name, force=True)
        for number, name in (("711", "shop"), ("710", "shop"), ("72x", "a"), ("730", "a")):
            self.node.ctl("number.put", number=number, to=f"page:{name}")
            self.addCleanup(self.node.ctl, "number.delete", number=number)
        browser = self.browser().go_home().press("Paging")
        self.assertEqual(browser.lines, ["Shop & floor 710", "a 730All <floors>", "z Yard", "Menu"])
        self.assertEqual(browser.dialled(), {"Shop & floor": "710", "a": "730"})
        self.node.ctl("page.choice.put", number="201", default_group="z")
        self.addCleanup(self.node.ctl, "page.choice.delete", number="201")
        self.assertEqual(browser.press("Menu").press("Paging").lines, ["z Yard", "Shop & floor 710", "a 730All <floors>", "Menu"])
        self.assertEqual(self.device.register(self.agent).status, 200)
        with self.node.user_agent("202", "secret202") as member:
            self.assertEqual(member.register().status, 200)
            out = self.device.agent.invite(browser.dials("Shop & floor"), self.media())
            self.assertEqual(out.wait_answer().status, 200)
            into = member.incoming()
            self.assertEqual(into.request.get("Answer-Mode"), "Auto")
            into.answer(self.media())
            out.bye()
            into.wait_bye()

    def test_parked(self):
        """Who waits in a slot that the extension uses is retrieved by a line of the page; slots of other groups, and all without the right to park, are not there, nor is the name of who parked where it is hidden."""
        self.put("203", display_name="Front desk")
        self.node.ctl("tenant.put", name="default", park_groups="sales=70-71,support=80-81")
        self.addCleanup(self.node.ctl, "tenant.put", name="default", park_groups="")
        self.node.ctl("extension.put", number="201", park_groups="sales")
        browser = self.browser().go_home().press("Parked calls")
        self.assertEqual(browser.lines[0], "Nobody is parked.")
        with self.node.user_agent("202", "secret202") as caller, self.node.user_agent("203", "secret203") as desk:
            self.assertEqual({agent.register().status for agent in (caller, desk)}, {200})
            talks = []
            for slot in ("70", "80"):
                before = {row["id"] for row in self.node.ctl("call.list")}
                out = caller.invite("203", self.media())
                into = desk.incoming()
                into.answer(self.media())
                out.wait_answer()
                call, = {row["id"] for row in self.node.ctl("call.list")} - before
                self.node.ctl("call.park", call=call, leg="a", slot=slot)
                into.wait_bye()
                talks.append(out)
            browser.go_home().press("Parked calls")
            self.assertEqual((browser.lines[:2], browser.dialled()), (["70 #4170", "Front desk 203, 0 min"], {"70": "#4170"}))
            self.node.ctl("extension.put", number="203", shown=False)
            self.assertEqual(browser.go_home().press("Parked calls").lines[:2], ["70 #4170", "203, 0 min"])
            self.assertEqual(self.device.register(self.agent).status, 200)
            picks = self.device.agent.invite(browser.links["70"].removeprefix("tel:"), self.media())
            self.assertEqual(picks.wait_answer().status, 200)
            until(lambda: [row["slot"] for row in self.node.ctl("park.list")] == ["80"])
            self.assertEqual(browser.go_home().press("Parked calls").lines[0], "Nobody is parked.")
            picks.bye()
            talks[1].bye()
        self.node.ctl("extension.put", number="201", features_off="park")
        self.addCleanup(self.node.ctl, "extension.put", number="201", features_off="", park_groups="")
        self.assertNotIn("Parked calls", browser.go_home().links)
        self.assertEqual(browser.ask(browser.home + "/parked")[0], 404)


class Links(PagesTest):
    def status(self, browser, path=""):
        status, headers, octets = browser.ask(browser.home + path)
        if status == 404:       # one answer for all
            self.assertEqual((octets, headers["content-type"]), (b"not found\n", "text/plain"))
        return status

    def test_what_it_is_good_for(self):
        """A link is its phone's, as long as its password and its user are the same, and it is that of no other device."""
        browser = self.browser()
        self.assertEqual((self.status(browser), self.status(browser, "/nothing"), self.status(browser, "/directory/x")), (200, 404, 404))
        head, _, key = browser.home.rpartition("/")
        mac, state, proof = key.split("-")
        for wrong in (mac, f"{mac}-{state}", f"{OTHER}-{state}-{proof}", f"{mac}-{state[::-1]}-{proof}", f"{mac}-{state}-{proof[::-1]}", key + "0", key[:-1]):
            self.assertEqual(self.status(MicroBrowser(f"{head}/{wrong}")), 404, wrong)
        self.assertEqual(browser.ask(browser.home, "PUT")[0], 404)
        self.node.put_extension("201", "another201")
        self.addCleanup(self.node.put_extension, "201", "secret201")
        until(lambda: self.status(browser) == 404)
        after = self.browser(password="another201")
        self.assertEqual(self.status(after), 200)
        self.node.ctl("extension.put", number="201", enabled=False)
        until(lambda: self.status(after) == 404)
        self.node.ctl("extension.put", number="201", enabled=True)
        until(lambda: self.status(after) == 200)
        self.node.ctl("device.delete", mac=MAC)
        self.addCleanup(self.node.ctl, "device.put", mac=MAC, model="vvx410", extensions="201")
        until(lambda: self.status(after) == 404)

    def test_who_is_logged_in(self):
        """The pages are those of who is logged in at the phone, and another login is another link."""
        self.node.ctl("device.put", mac=OTHER, model="vvx410", extensions="201", password="of-the-device")
        self.addCleanup(self.node.ctl, "device.delete", mac=OTHER)
        device = {"mac": OTHER, "user": OTHER, "password": "of-the-device"}
        before = self.browser(**device)
        self.assertEqual(before.go_home().title, "201")
        self.node.ctl("device.login", mac=OTHER, number="202")
        until(lambda: self.status(before) == 404)
        after = self.browser(**device)
        self.assertEqual(after.go_home().title, "202")

    def test_none(self):
        """Without a device that may have pages there are none, and a phone of 7.0 has the same as others."""
        self.node.ctl("device.put", mac=OTHER, generation="7.0", model="soundpoint650", extensions="202")
        self.addCleanup(self.node.ctl, "device.delete", mac=OTHER)
        self.assertEqual(self.browser(mac=OTHER, user="202", password="secret202", model="soundpoint650").go_home().title, "202")
        self.assertEqual(self.device.values.get("softkey.2.action", ""), "")


class PagesOfNodes(OfNodes):
    """Two nodes with one Redis, with the same link."""
    def test_at_each_node(self):
        """A link of one node's file is good at the other one, also once the first one is killed and Redis is away; both know when it is no longer good."""
        text = self.ask("a", f"/{MAC}.cfg")[1].decode()
        names = re.search(r'CONFIG_FILES="([^"]*)"', text)[1].split(", ")
        home = re.search(r'mb.main.home="([^"]*)"', self.ask("b", f"/{names[-1]}")[1].decode())[1]
        self.assertTrue(home.startswith(f"http://pbx.example.org:{self.ports['a']}/browser/{MAC}-"), home)
        pages = {name: MicroBrowser(f"http://{place.NODE}:{self.ports[name]}{urllib.parse.urlsplit(home).path}") for name in "ab"}
        for browser in pages.values():
            self.assertEqual(browser.go_home().press("Directory").dialled(), {"201": "201"})
        self.a.kill()
        self.assertEqual(pages["b"].go_home().press("Directory").dialled(), {"201": "201"})
        self.redis_stop(signal.SIGKILL)
        self.assertEqual(pages["b"].go_home().press("Directory").dialled(), {"201": "201"})
        self.assertEqual(pages["b"].ask(pages["b"].home + "/parked")[0], 503)
        self.redis_start()
        self.a.restart()
        self.b.put_extension("201", "another201")
        for browser in pages.values():
            until(lambda: browser.ask(browser.home)[0] == 404)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""The web pages in Firefox: axe-core on each of them, none wider than a phone, and what is done by keys alone; with ./tandem test --long."""
import json
import os
import unittest

import crm_test
import push_test
import web_test
from lib.firefox import Firefox, FirefoxFrame, FirefoxPage
from lib.push import FirefoxPushService
from patience import until

LONG = 150
# In place of the service of the desktop that shows notices: it keeps them with who hears that they are pressed. A browser without a desktop has none.
NOTICES = """(() => {
	window.notices = [];
	const service = { QueryInterface: ChromeUtils.generateQI(["nsIAlertsService"]), teardown() {}, getHistory: () => [],
		showAlert(alert, listener) { notices = [...notices.filter(one => one.alert.name !== alert.name), { alert, listener }]; listener?.observe(null, "alertshow", alert.cookie); },
		closeAlert(name) { const gone = notices.find(one => one.alert.name === name); notices = notices.filter(one => one !== gone); gone?.listener?.observe(null, "alertfinished", gone.alert.cookie); } };
	Components.manager.QueryInterface(Ci.nsIComponentRegistrar).registerFactory(Components.ID("{6a3a2f7e-8f0f-4f0b-9d0c-5b1f6c3f2d11}"), "notices of a test",
		"@mozilla.org/alerts-service;1", { createInstance: iid => service.QueryInterface(iid) });
})()"""
PRESS = """(() => { const { alert, listener } = notices.at(-1); const action = alert.actions.find(one => one.title === %s); notices.pop();
	listener.observe(action, "alertclickcallback", alert.cookie); listener.observe(null, "alertfinished", alert.cookie); })()"""


class InFirefox:
    """Tests of web_test.py by another browser."""
    Browser, Page = Firefox, FirefoxPage


@unittest.skipUnless(os.environ.get("TANDEM_LONG"), "TANDEM_LONG=1 walks the pages in Firefox, too")
class Console(InFirefox, web_test.WebTest):
    test_each_page = web_test.Console.test_each_page
    test_search_by_keys = web_test.Console.test_search_by_keys


@unittest.skipUnless(os.environ.get("TANDEM_LONG"), "TANDEM_LONG=1 walks the pages in Firefox, too")
class Client(InFirefox, web_test.WebTest):
    test_each_page = web_test.WebClient.test_each_page

    def test_by_keys_alone(self):
        """From the sign-in to a call and its end without a mouse: each place has the focus in its turn, and is seen to have it."""
        page = self.page("client")
        page.run("document.querySelector('#number').focus()")
        page.type("1001")
        page.press("Tab")
        page.type("secret1001")
        page.press("Enter")
        page.shows("Extension 1001")
        self.reaches(page, "document.activeElement?.placeholder === 'Number'")
        page.type("1002")
        page.press("Enter")
        own = self.a.incoming()
        own.answer(self.audio_a.sdp())
        into = self.b.incoming()
        into.answer(self.audio_b.sdp())
        page.until("document.querySelector('.own-call .badge')")
        until(lambda: page.run("[...document.querySelectorAll('.own-call button')].some(e => e.innerText.includes('Hang up'))"))
        self.reaches(page, "document.activeElement?.innerText?.includes('Hang up')")
        page.press("Enter")
        into.wait_bye()
        page.shows("No active calls")
        self.fine(page)

    def test_axe_has_a_say(self):
        page = self.client()
        page.run("document.querySelector('main').append(document.createElement('img')); 0")
        self.assertRegex("".join(page.violations_of_axe(web_test.pages.axe())), "image-alt")

    def reaches(self, page, what, most=80):
        """By the tab key alone; on its way the focus is always at something that one sees."""
        for _ in range(most):
            if page.run(f"!!({what})"):
                return
            page.press("Tab")
            seen = page.run("(() => { const e = document.activeElement; if (!e || e === document.body) return true; const s = getComputedStyle(e), r = e.getBoundingClientRect();"
                            " return r.width > 0 && r.height > 0 && s.visibility !== 'hidden' || e.tagName + ' ' + e.outerHTML.slice(0, 100); })()")
            self.assertIs(seen, True)
        self.fail(f"not reached by {most} keys: {what}")


@unittest.skipUnless(os.environ.get("TANDEM_LONG"), "TANDEM_LONG=1 walks the pages in Firefox, too")
class Pushed(InFirefox, web_test.WebTest):
    """BEAT-27, from end to end: Firefox subscribes by itself, and decrypts by itself what the node has pushed."""

    @classmethod
    def Browser(cls):       # pylint: disable=invalid-name
        cls.service = FirefoxPushService()
        cls.addClassCleanup(cls.service.close)
        return Firefox({"dom.push.serverURL": f"ws://127.0.0.1:{cls.service.port}", "dom.push.testing.allowInsecureServerURL": True,
                        "remote.prefs.recommended": False, "permissions.default.desktop-notification": 1, "alerts.useSystemBackend": False})

    def notices(self, page):
        return page.run("navigator.serviceWorker.getRegistration('/pages/worker.js').then(r => r.getNotifications()).then(all => all.map(n => [n.title, n.tag]))")

    def test_a_call(self):
        self.node.ctl("tenant.put", name="default", **push_test.TERMS)
        page = self.client(context="default")
        page.go(self.url("client#/settings"))
        page.shows("A notice of calls and messages while no page is open")
        page.run("[...document.querySelectorAll('label.switch')].find(e => e.innerText.includes('while no page is open')).querySelector('input').click()")
        until(lambda: len(self.node.ctl("browser.list", number="1001")) == 1)
        page.go(self.url("style"))
        out = self.b.invite("1001", self.audio_b.sdp())
        into = self.a.incoming()
        into.ring()
        call = self.calls()[0]["id"]
        until(lambda: self.notices(page) == [["Call from 1002", call]], lambda: self.notices(page))
        self.assertEqual(self.service.codes, [100], "it was decrypted, and shown")
        out.cancel()
        into.wait_cancel()
        until(lambda: self.notices(page) == [["Missed call from 1002", call]], lambda: self.notices(page))
        self.fine(page)



@unittest.skipUnless(os.environ.get("TANDEM_LONG"), "TANDEM_LONG=1 walks the pages in Firefox, too")
class Pressed(Pushed):
    """A browser of its own, as a tab that "Answer" opens stays in front."""
    test_a_call = None

    def test_answered_and_declined(self):
        """The buttons of a notice, as the desktop would press them: "Reject" refuses the call without a page, "Answer" opens the page, and the desk phone is asked to answer."""
        self.chromium.privileged(NOTICES)
        self.node.ctl("tenant.put", name="default", **push_test.TERMS)
        page = self.client(context="default")
        page.go(self.url("client#/settings"))
        page.shows("A notice of calls and messages while no page is open")
        page.run("(() => { const one = [...document.querySelectorAll('label.switch')].find(e => e.innerText.includes('while no page is open')).querySelector('input'); if (!one.checked) one.click(); })()")
        until(lambda: len(self.node.ctl("browser.list", number="1001")) == 1)
        page.go(self.url("style"))
        titles = lambda: self.chromium.privileged("notices.map(one => [one.alert.title, ...one.alert.actions.map(action => action.title)])")
        for button in ("Reject", "Answer"):
            out = self.b.invite("1001", self.audio_b.sdp())
            into = self.a.incoming()
            into.respond(180, "Ringing", headers=[push_test.TALK])
            until(lambda: titles()[-1:] == [["Call from 1002", "Answer", "Reject"]], titles)
            self.chromium.privileged(PRESS % json.dumps(button))
            if button == "Reject":
                self.assertEqual(out.wait_final().status, 486)
                into.wait_cancel()
                until(lambda: titles()[-1:] == [["Missed call from 1002"]], titles)
        told = self.a.take_request("NOTIFY", call_id=into.call_id)
        self.assertEqual(told.get("Event"), "talk")
        self.a.respond(told, 200, "OK")
        into.answer(self.audio_a.sdp())
        out.wait_answer()
        out.bye()
        into.wait_bye()
        self.fine(page)


@unittest.skipUnless(os.environ.get("TANDEM_LONG"), "TANDEM_LONG=1 follows the guides in Firefox, too")
class Guides(InFirefox, web_test.Guides):
    """All of them, the phone in the page, too."""


@unittest.skipUnless(os.environ.get("TANDEM_LONG"), "TANDEM_LONG=1 walks the softphone in a CRM in Firefox, too")
class InCrm(InFirefox, crm_test.Softphone):
    """The manual of the softphone in a CRM, step by step: all tests of Chromium that need none of its own commands. Cookies of other sites are refused."""
    Browser = staticmethod(lambda: Firefox({"network.cookie.CHIPS.enabled": True, "network.cookie.cookieBehavior.optInPartitioning": True}))
    Frame = FirefoxFrame
    test_scripts_of_a_crm_stay_in_its_frame = None
    test_who_may_frame_it = test_what_a_user_may = None     # without a browser
    test_web_client = None
    test_sound_in_the_page = None       # it has no stand-in for a microphone, and does not say whether a frame may have one

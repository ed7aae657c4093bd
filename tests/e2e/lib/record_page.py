# SPDX-License-Identifier: Apache-2.0
"""The micro-browser of a phone that shows a record page: it reads XHTML, knows forms, and follows nothing else."""
import http.client
import ssl
import xml.etree.ElementTree as ElementTree

from patience import PATIENCE_S

XHTML = "{http://www.w3.org/1999/xhtml}"


class RecordPage:
    """host: that the certificate is of; at: where it is reached, if not there."""

    def __init__(self, authority, port, path, host="127.0.0.1"):
        self.context = ssl.create_default_context(cafile=authority)
        self.host, self.port, self.path = host, port, path
        self.text, self.buttons = "", {}

    def ask(self, method, path=None, body=None, **headers):
        """(status, headers, octets)"""
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=PATIENCE_S, context=self.context)
        try:
            connection.request(method, self.path if path is None else path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def reads(self, answer):
        status, headers, octets = answer
        assert status == 200, (status, octets)
        assert headers["content-type"] == "text/html; charset=utf-8" and headers["cache-control"] == "no-store", headers
        assert headers["refresh"] == f"5; url={self.path}", headers
        page = ElementTree.fromstring(octets)
        assert not page.findall(f".//{XHTML}script")
        self.text = page.find(f"{XHTML}body/{XHTML}p").text
        self.buttons = {form.find(f".//{XHTML}input").get("value"): form.get("action") for form in page.iter(f"{XHTML}form")}
        assert all(form.get("method") == "post" for form in page.iter(f"{XHTML}form"))
        return self

    def shows(self):
        """(what it says, its buttons)"""
        self.reads(self.ask("GET"))
        return self.text, sorted(self.buttons)

    def press(self, label):
        """As shows, behind a key that is on the page by now."""
        self.reads(self.ask("POST", self.buttons[label], b"", **{"Content-Type": "application/x-www-form-urlencoded"}))
        return self.text, sorted(self.buttons)

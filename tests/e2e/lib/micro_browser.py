# SPDX-License-Identifier: Apache-2.0
"""The micro-browser of a desk phone: it reads XHTML of few elements, follows links, sends forms by GET, and dials."""
import http.client
import urllib.parse
import xml.etree.ElementTree as ElementTree

XHTML = "{http://www.w3.org/1999/xhtml}"
KNOWN = {"html", "head", "title", "body", "p", "a", "br", "form", "input"}
NODES = 256         # that a phone shows


class MicroBrowser:
    def __init__(self, home, context=None):
        self.home, self.context, self.url = home, context, home
        self.title, self.lines, self.links, self.form = "", [], {}, None

    def ask(self, url, method="GET"):
        """(status, headers, octets)"""
        parts = urllib.parse.urlsplit(url)
        connection = (http.client.HTTPSConnection(parts.hostname, parts.port, timeout=10, context=self.context) if parts.scheme == "https"
                      else http.client.HTTPConnection(parts.hostname, parts.port, timeout=10))
        try:
            connection.request(method, parts._replace(scheme="", netloc="", fragment="").geturl())
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def show(self, url):
        status, headers, octets = self.ask(url)
        assert status == 200, (status, octets)
        assert headers["content-type"] == "text/html; charset=utf-8" and "no-store" in headers["cache-control"], headers
        page = ElementTree.fromstring(octets)
        elements = list(page.iter())
        assert {element.tag.removeprefix(XHTML) for element in elements} <= KNOWN, octets
        assert sum(1 + bool(element.text) + bool(element.tail) for element in elements) <= NODES, octets
        assert not any(name.startswith("on") or name == "style" for element in elements for name in element.attrib), octets
        self.url, self.octets = url, octets
        self.title = page.find(f"{XHTML}head/{XHTML}title").text
        self.lines = ["".join(line.itertext()) for line in page.findall(f"{XHTML}body/{XHTML}p")]
        self.links = {link.text: link.get("href") for link in page.iter(f"{XHTML}a")}
        self.form = page.find(f".//{XHTML}form")
        return self

    def go_home(self):
        return self.show(self.home)

    def press(self, label):
        """A link to another page."""
        return self.show(urllib.parse.urljoin(self.url, self.links[label]))

    def search(self, text):
        assert self.form.get("method") == "get"
        name = self.form.find(f".//{XHTML}input").get("name")
        return self.show(urllib.parse.urljoin(self.url, f"{self.form.get('action')}?{urllib.parse.urlencode({name: text})}"))

    def searched(self):
        return self.form.find(f".//{XHTML}input").get("value")

    def dials(self, label):
        """What the phone dials when that line is chosen."""
        scheme, _, number = self.links[label].partition(":")
        assert scheme == "tel", self.links[label]
        return urllib.parse.unquote(number)

    def dialled(self):
        """{label: number} of all such lines."""
        return {label: self.dials(label) for label, link in self.links.items() if link.startswith("tel:")}

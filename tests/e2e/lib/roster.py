# SPDX-License-Identifier: Apache-2.0
"""A phone that watches a conference (RFC 4575), and puts together what it is told."""
import time
import xml.etree.ElementTree as ElementTree

from patience import PATIENCE_S

from .message import address_uri, parameter

INFO = "{urn:ietf:params:xml:ns:conference-info}"
EVENT = [("Event", "conference"), ("Accept", "application/conference-info+xml")]


class Roster:
    """endpoints: of each phone that is there its user, its status and whether it is host."""

    def __init__(self, agent, uri, expires=600):
        self.agent, self.cseq, self.version = agent, 0, -1
        self.endpoints, self.count, self.state, self.standing, self.documents = {}, None, None, "", 0
        sent, self.answer = agent.transact_authorized(
            agent.request("SUBSCRIBE", uri, headers=[*EVENT, ("Expires", str(expires))]))
        if self.answer.status != 200:
            return
        self.call_id, self.from_, self.to, self.asked = self.answer.call_id, sent.get("From"), self.answer.get("To"), sent.cseq
        self.target = address_uri(self.answer.get("Contact"))
        self.hear()

    def again(self, expires):
        self.asked += 1
        return self.agent.transact(self.agent.request("SUBSCRIBE", self.target, headers=[*EVENT, ("Expires", str(expires))],
                                                      call_id=self.call_id, cseq=self.asked, from_=self.from_, to=self.to))

    def hear(self, seconds=PATIENCE_S):
        """The next NOTIFY, answered; repetitions are answered, too."""
        while True:
            notify = self.agent.take_request("NOTIFY", seconds, self.call_id)
            self.agent.respond(notify, 200)
            if notify.cseq > self.cseq:
                break
        self.cseq, self.standing = notify.cseq, notify.get("Subscription-State")
        if notify.body:
            self.learn(ElementTree.fromstring(notify.body))
        return notify

    def learn(self, info):
        """RFC 4575 4.3 to 4.6"""
        version, self.state = int(info.get("version")), info.get("state")
        assert version > self.version, (version, self.version)
        assert self.state != "partial" or version == self.version + 1, "a document was missed"
        self.version, self.entity = version, info.get("entity")
        self.documents += 1
        if self.state == "deleted":
            self.endpoints = {}
            return
        if self.state == "full":
            self.endpoints = {}
        count = info.find(f"{INFO}conference-state/{INFO}user-count")
        self.count = int(count.text) if count is not None else self.count
        assert self.state != "full" or "partial" not in {each.get("state") for each in info.iter()}, "RFC 4575 4.4"
        for user in info.iter(INFO + "user"):
            self.learn_user(user)

    def learn_user(self, user):
        name, _, host = user.get("entity").removeprefix("sip:").partition("@")
        assert user.get("state") in ("full", "deleted"), "linphone asks for all anew when it does not know a user that is told in part"
        assert host in (self.agent.home, "anonymous.invalid"), host
        self.endpoints = {key: row for key, row in self.endpoints.items() if row[0] != name}
        role = user.find(f"{INFO}roles/{INFO}entry")
        for endpoint in user.iter(INFO + "endpoint"):
            self.endpoints[endpoint.get("entity")] = (name, endpoint.find(INFO + "status").text, role.text == "host")

    def shown(self):
        return {name: status for name, status, _ in self.endpoints.values()}

    def hosts(self):
        return sorted(name for name, _, host in self.endpoints.values() if host)

    def until(self, **shown):
        """Of each user ("u1001") a status; nobody else is there."""
        wanted, end = {name.removeprefix("u"): status for name, status in shown.items()}, time.monotonic() + PATIENCE_S
        while self.shown() != wanted:
            assert time.monotonic() < end and not self.standing.startswith("terminated"), (self.shown(), self.standing)
            self.hear()

    def until_over(self, reason):
        while not self.standing.startswith("terminated"):
            self.hear()
        assert parameter(self.standing, "reason") == reason, self.standing

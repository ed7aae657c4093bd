# SPDX-License-Identifier: Apache-2.0
"""Registration over UDP: REG-01, REG-02's transport, REG-03, RFC 3261 10, RFC 8760."""
import contextlib
import os
import shutil
import unittest

from lib.message import digest_fields
from lib.node import Node
from lib.sip import UserAgent
from lib.stream import StreamAgent


class Registration(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Node(settings={"sip": {"registration_expires_min": "60s", "digest_algorithms":
                                          ["SHA-256", "SHA-512-256", "MD5"]}})
        cls.node.put_extension("1001", "first-secret")

    @classmethod
    def tearDownClass(cls):
        cls.node.close()

    def agent(self, password="first-secret", number="1001"):
        agent = self.node.user_agent(number, password)
        self.addCleanup(agent.close)
        return agent

    def bindings(self, number="1001"):
        return [contact for row in self.node.ctl("registration.list", number=number)
                for contact in row["contacts"]]

    def test_both_ports_answer(self):
        """REG-01: the phones' port and the second one are one registrar."""
        for port in (self.node.sip_port, self.node.sip_port_2):
            agent = self.agent()
            agent.server = ("127.0.0.1", port)
            self.assertEqual(agent.register().status, 200)

    def test_every_algorithm_is_offered_and_taken(self):
        """RFC 8760 2.4: the best first; a phone may use any."""
        agent = self.agent()
        request = agent.request("REGISTER", f"sip:{agent.server[0]}", to=f"<{agent.aor}>")
        challenge = agent.transact(request)
        self.assertEqual(challenge.status, 401)
        offered = [digest_fields(value).get("algorithm") for value in challenge.all("WWW-Authenticate")]
        self.assertEqual(offered[-1], "MD5")
        self.assertEqual(set(offered), {"MD5", "SHA-256", "SHA-512-256"})
        for algorithm in offered:
            agent = self.agent()
            self.assertEqual(agent.register(algorithm=algorithm).status, 200, algorithm)

    def test_wrong_password_and_unknown_user_look_alike(self):
        for number, password in (("1001", "wrong"), ("7777", "first-secret")):
            agent = self.agent(password, number)
            self.assertEqual(agent.register().status, 401)
        self.assertFalse(self.bindings("7777"))

    def test_another_extension_may_not_be_registered(self):
        self.node.put_extension("1002", "second-secret")
        agent = self.agent()
        request = agent.request("REGISTER", f"sip:{agent.server[0]}", to="<sip:1002@127.0.0.1>",
                                from_="<sip:1002@127.0.0.1>;tag=x")
        _, response = agent.transact_authorized(request)
        self.assertEqual(response.status, 403)
        self.assertFalse(self.bindings("1002"))

    def test_changed_password_invalidates_the_next_register(self):
        """REG-03: one password; changing it counts at once."""
        self.node.put_extension("1003", "before")
        agent = self.agent("before", "1003")
        self.assertEqual(agent.register().status, 200)
        self.node.put_extension("1003", "after")
        self.assertEqual(agent.register().status, 401)
        agent.password = "after"
        self.assertEqual(agent.register().status, 200)
        self.node.ctl("extension.delete", number="1003")
        self.node.put_extension("1003", "of another one")
        self.assertEqual(self.bindings("1003"), [], "calls to the next one with that number do not go to this phone")

    def test_default_expiry_is_90_s(self):
        agent = self.agent()
        request = agent.request("REGISTER", f"sip:{agent.server[0]}", to=f"<{agent.aor}>")
        _, response = agent.transact_authorized(request)
        self.assertEqual(response.status, 200)
        mine = [value for value in response.all("Contact") if str(agent.port) in value]
        self.assertIn("expires=90", mine[0])

    def test_too_short_is_423_with_the_least(self):
        response = self.agent().register(expires=5)
        self.assertEqual(response.status, 423)
        self.assertEqual(response.get("Min-Expires"), "60")

    def registered(self):
        """MGT-04: of 1004, as the list of extensions says."""
        [row] = [row for row in self.node.ctl("extension.list") if row["number"] == "1004"]
        return row["registered"]

    def test_unregister(self):
        self.node.put_extension("1004", "secret")
        agent = self.agent("secret", "1004")
        agent.register()
        self.assertEqual(len(self.bindings("1004")), 1)
        self.assertEqual(self.registered(), 1)
        self.assertEqual(agent.register(expires=0).status, 200)
        self.assertFalse(self.bindings("1004"))
        agent.register()
        self.assertEqual(agent.register(expires=0, contact="*").status, 200)
        self.assertEqual(self.registered(), 0)
        self.assertFalse(self.bindings("1004"))

    def test_registrations_survive_kill_9(self):
        """Saved before said: what was answered with 200 is there after a crash."""
        self.node.put_extension("1005", "secret")
        agent = self.agent("secret", "1005")
        self.assertEqual(agent.register(expires=600).status, 200)
        self.node.kill()
        self.node.restart()
        rows = self.bindings("1005")
        self.assertEqual(len(rows), 1)
        self.assertIn(str(agent.port), str(rows[0]))
        self.assertEqual(agent.register(expires=600).status, 200, "the extension is still there")

    def test_accounts_of_a_device(self):
        """REG-27: the fifth is refused, also behind a crash, and the operator finds why."""
        agents = []
        for number in range(1020, 1025):
            self.node.put_extension(str(number), "secret")
            agents.append(self.agent("secret", str(number)))
        device = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000000000027>"'
        tries = lambda agent, expires=600: agent.register(expires=expires, contact=f"{agent.contact};{device}").status
        self.assertEqual([tries(agent) for agent in agents], [200, 200, 200, 200, 403])
        self.node.kill()
        self.node.restart()
        self.assertEqual([tries(agent) for agent in (agents[4], agents[0])], [403, 200])
        self.assertEqual([row["reason"] for row in self.node.ctl("sip.recent", number="1024") if " 403 " in row["message"]][0], "device_accounts")
        of_it = [row["number"] for row in self.node.ctl("registration.list") if row["contacts"][0]["instance"] in device and row["contacts"][0]["instance"]]
        self.assertEqual(sorted(of_it), ["1020", "1021", "1022", "1023"])
        self.assertEqual([tries(agents[0], 0), tries(agents[4])], [200, 200])

    def test_no_password_anywhere(self):
        """SEC: what an operator or a file can show has no secret."""
        self.node.put_extension("1006", "very-secret-word")
        self.agent("very-secret-word", "1006").register()
        shown = [str(self.node.ctl("extension.get", number="1006")), str(self.node.ctl("extension.list")),
                 str(self.node.ctl("registration.list")), self.node.log_text(), self.node.http("/metrics")[1]]
        with self.node.redis() as redis:
            for key in redis("KEYS", "*"):
                ask = {"hash": "HGETALL", "stream": "XRANGE", "set": "SMEMBERS", "zset": "ZRANGE", "list": "LRANGE", "string": "GET"}[redis("TYPE", key)]
                ends = {"XRANGE": ("-", "+"), "ZRANGE": ("0", "-1"), "LRANGE": ("0", "-1")}
                shown.append(str(redis(ask, key, *ends.get(ask, ()))))
        # The command stream is how a password comes in: it must not stay there either.
        for text in shown:
            self.assertNotIn("very-secret-word", text)


class DefaultPorts(unittest.TestCase):
    """REG-01: what a phone finds that knows nothing but the node's address."""
    HOST = "127.0.0.51"            # nobody else of the tests listens on these ports of it

    def test_every_default_port_is_one_registrar(self):
        with Node(start=False) as node:
            shutil.rmtree(node.folder)
            node.init(bind=self.HOST, media_ports=node.media_ports, http=f"127.0.0.1:{node.http_port}")
            # no port of SIP is named
            node.configure({"networks": [{"name": "main", "bind": self.HOST, "media_ports": node.media_ports}]})
            node.start()
            node.put_extension("1001", "secret1001")
            authority = os.path.join(node.folder, "tls", "ca.pem")
            agents = [UserAgent((self.HOST, port), "1001", "secret1001", self.HOST) for port in (5060, 10060)]
            agents += [StreamAgent((self.HOST, port), "1001", "secret1001", self.HOST) for port in (5060, 10060)]
            agents.append(StreamAgent((self.HOST, 5061), "1001", "secret1001", self.HOST, authority))
            with contextlib.ExitStack() as stack:
                for count, agent in enumerate(agents, 1):
                    stack.callback(agent.close)
                    response = agent.register()
                    self.assertEqual(response.status, 200, agent.server)
                    self.assertEqual(len(response.all("Contact")), count, "one registrar knows all of them")


if __name__ == "__main__":
    unittest.main()

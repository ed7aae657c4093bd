# SPDX-License-Identifier: Apache-2.0
"""People: the directory of a tenant, contacts of one's own and of the tenant; who sees which, and how they are found."""
from lib.node import ha1

from call_test import CallTest
from session_test import Users
from tandem_client import Client


class People(Users, CallTest):
    """1001 Robin Bindle, 1002 Anna Müller, 1003 who is not shown; the tenant maroon has a 1001, too."""

    PEOPLE = {"1001": {"first_name": "Robin", "last_name": "Bindle", "department": "Sales", "title": "Head", "mail": "robin@example.org", "dids": "+493055501"},
              "1002": {"display_name": "Anna Müller", "department": "Support"}, "1003": {"display_name": "Rubin Hidden", "shown": False}}

    def setUp(self):
        super().setUp()
        self.node.put_extension("1003", "secret1003")
        for number, fields in self.PEOPLE.items():
            self.operator("extension.put", number=number, **fields)
        self.operator("tenant.put", name="maroon", domains="maroon.test")
        self.operator("extension.put", tenant="maroon", number="1001", display_name="Rubinia", ha1=ha1("1001", "maroon.test", "secret1001"))
        self.mine, self.other = (self.session(self.node, number)["token"] for number in ("1001", "1002"))

    def operator(self, command, **arguments):
        with Client(self.node.redis_socket, "_operator") as client:
            return client.ask(command, **arguments)

    def directory(self, token, query=""):
        return self.ok(self.node, "GET", f"/v1/directories{query}", token)


class Directory(People):
    def test_found_anywhere(self):
        """CALL-06, CON-04: by what is within a name, with umlauts or without; who is hidden, and the other tenant, never."""
        robin, anna = self.directory(self.mine)
        self.assertEqual(robin, {"number": "1001", "name": "Robin Bindle", "first_name": "Robin", "last_name": "Bindle", "department": "Sales",
                                 "title": "Head", "mail": "robin@example.org", "dids": "+493055501"})
        self.assertEqual((anna["name"], anna["department"]), ("Anna Müller", "Support"))
        for text, found in (("bin", ["1001"]), ("NDL", ["1001"]), ("muller", ["1002"]), ("M%C3%9CLL", ["1002"]), ("n", ["1001", "1002"]), ("002", ["1002"]),
                            ("%25", []), ("rub", [])):
            self.assertEqual([one["number"] for one in self.directory(self.other, f"?search={text}")], found, text)
        self.assertEqual([one["name"] for one in self.directory(self.mine, "?sort=name")], ["Anna Müller", "Robin Bindle"])
        self.operator("extension.put", number="1003", shown=True)
        self.assertEqual([one["number"] for one in self.directory(self.mine, "?search=bin&sort=-name")], ["1003", "1001"])
        self.assertEqual([one["name"] for one in self.operator("directory.list", tenant="maroon")], ["Rubinia"])
        self.refused(400, "bad_argument", self.node, "GET", "/v1/directories?search=", self.mine)
        self.assertEqual(self.http(self.node, "GET", "/v1/directories", None)[0], 401)

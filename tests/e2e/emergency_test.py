# SPDX-License-Identifier: Apache-2.0
"""docs/guides/emergency.md: an emergency call says where its phone stands, and may be called back. REG-32."""
import re
import unittest
import xml.etree.ElementTree

from lib.node import Node
from lib.place import PARTY

CIVIC = "{urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr}"
BACK = "+14085550002"
PLACE = {"country": "US", "A1": "CA", "A3": "San Jose", "RD": "Main", "STS": "Street", "HNO": "100", "FLR": "2", "PC": "95113"}


def parts(request):
    """{type: (Content-ID, body)} of a multipart (RFC 2046 5.1)."""
    boundary = re.search(r'boundary="?([^";]+)', request.get("Content-Type"))[1]
    found = {}
    for part in request.body.decode().split(f"--{boundary}")[1:-1]:
        head, _, body = part.strip("\r\n").partition("\r\n\r\n")
        headers = dict(re.findall(r"^([\w-]+): *(.*?)\r?$", head, re.M))
        found[headers["Content-Type"]] = headers.get("Content-ID"), body
    return found


class Emergency(unittest.TestCase):
    def setUp(self):
        self.node = self.enterContext(Node())
        self.audio = self.enterContext(self.node.media())
        self.carrier = self.enterContext(self.node.user_agent("+4930901820"))
        self.node.ctl("location.put", id="2", country="US", state="CA", city="San Jose", street="Main", street_type="Street",
                      house="100", floor="2", postcode="95113", caller_id=BACK)
        self.node.tandemctl("extension.put", "secret286\n", number="286", password="-", locations="2,5", classes="other")
        self.node.ctl("trunk.put", name="carrier", servers=f"{PARTY}:{self.carrier.port}", source_port=self.carrier.port)
        self.node.ctl("route.put", name="out", pattern="112|0x.", trunks="carrier")
        self.node.ctl("did.put", number=BACK, to="286")
        self.desk = self.enterContext(self.node.user_agent("286", "secret286"))
        self.desk.user = "286xatgnemx2"
        self.assertEqual(self.desk.register().status, 200)

    def calls(self, number):
        """The INVITE as the carrier has it."""
        out = self.desk.invite(number, self.audio.sdp())
        into = self.carrier.incoming()
        into.answer(self.audio.sdp())
        out.wait_answer()
        out.bye()
        into.wait_bye()
        return into.request

    def test_from_a_location(self):
        request = self.calls("112")
        self.assertIn(f"sip:{BACK}@", request.get("From"))
        self.assertEqual(request.get("Geolocation-Routing"), "yes")
        found = parts(request)
        self.assertTrue(found["application/sdp"][1].startswith("v=0"))
        content_id, pidf = found["application/pidf+xml"]
        self.assertEqual(request.get("Geolocation"), f"<cid:{content_id.strip('<>')}>")
        civic = xml.etree.ElementTree.fromstring(pidf).find(f".//{CIVIC}civicAddress")
        self.assertEqual({field.tag.removeprefix(CIVIC): field.text for field in civic}, PLACE)
        back = self.carrier.invite(BACK, self.audio.sdp())
        rung = self.desk.incoming()
        rung.answer(self.audio.sdp())
        back.wait_answer()
        back.bye()
        rung.wait_bye()
        other = self.calls("030123")
        self.assertEqual((other.get("Geolocation"), other.get("Content-Type")), (None, "application/sdp"))


if __name__ == "__main__":
    unittest.main()

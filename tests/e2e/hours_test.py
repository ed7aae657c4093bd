# SPDX-License-Identifier: Apache-2.0
"""When a tenant is open: its hours are the same on all nodes, and what is said by hand instead lasts over a restart."""
import datetime
import zoneinfo

from directory_test import Pair
from tandem_client import Client, Refused

OFFICE = {"zone": "Europe/Berlin", "week": "mon-fri 08:00-12:30 13:30-18:00; sat 22:00-02:00",
          "holidays": "12-24 08:00-12:00 Christmas Eve; 12-25..12-26 closed Christmas; easter+1 closed Easter Monday"}


class Hours(Pair):
    def setUp(self):
        self.a.tandemctl("hours.put", name="office", override="none", until="", **OFFICE)
        self.until(lambda: self.b.tandemctl("hours.list"))

    def refused(self, code, argument, command, **args):
        with self.assertRaises(Refused) as refused, Client(self.socket, "_operator") as client:
            client.ask(command, **args)
        self.assertEqual((refused.exception.code, refused.exception.argument), (code, argument))
        return str(refused.exception)

    def test_open_and_closed(self):
        for time, is_open, label, then in (
                ("2026-11-23 12:00", True, "", "2026-11-23 12:30"),
                ("2026-11-23 12:30", False, "", "2026-11-23 13:30"),
                ("2026-11-29 01:00", True, "", "2026-11-29 02:00"),
                ("2026-12-24 13:00", False, "Christmas Eve", "2026-12-28 08:00"),
                ("2026-12-25 10:00", False, "Christmas", "2026-12-28 08:00"),
                ("2027-03-29 10:00", False, "Easter Monday", "2027-03-30 08:00")):
            with self.subTest(time=time):
                found = self.b.tandemctl("hours.check", name="office", time=time)
                self.assertEqual([found[key] for key in ("open", "label", "time", "next")], [is_open, label, time, then])
                wall = datetime.datetime.fromisoformat(time).replace(tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
                self.assertEqual(found["utc_ms"], wall.timestamp() * 1000)

    def test_by_hand(self):
        now = self.a.tandemctl("hours.check", name="office")
        self.assertFalse(now["overridden"])
        other = "closed" if now["open"] else "open"
        self.a.tandemctl("hours.override", name="office", state=other)
        self.until(lambda: self.b.tandemctl("hours.check", name="office")["overridden"])
        for node in (self.b, self.a):
            node.kill()
            node.start()
            found = node.tandemctl("hours.check", name="office")
            self.assertEqual((found["open"], found["overridden"], found["next"]), (not now["open"], True, None))
        self.b.tandemctl("hours.override", name="office", state="none")
        self.until(lambda: not self.a.tandemctl("hours.check", name="office")["overridden"])
        self.assertEqual(self.a.tandemctl("hours.get", name="office")["week"], OFFICE["week"])

    def test_until(self):
        put = self.a.tandemctl("hours.override", name="office", state="closed", until="2026-11-24 09:00")
        self.assertEqual((put["override"], put["until"]), ("closed", "2026-11-24 09:00"))
        for time, is_open in (("2026-11-24 08:59", False), ("2026-11-24 09:00", True)):
            self.assertEqual(self.a.tandemctl("hours.check", name="office", time=time)["open"], is_open, time)
        until = self.a.tandemctl("hours.override", name="office", state="open", until="00:00")["until"]
        tomorrow = datetime.datetime.now(zoneinfo.ZoneInfo("Europe/Berlin")).date() + datetime.timedelta(1)
        self.assertIn(until, (f"{tomorrow} 00:00", f"{tomorrow + datetime.timedelta(1)} 00:00"))

    def test_refused(self):
        self.assertIn("'tue 9-12': ", self.refused("bad_argument", "week", "hours.put", name="office",
                                                   week="mon closed; tue 9-12; wed closed"))
        self.refused("bad_argument", "holidays", "hours.put", name="office", holidays="02-30 closed")
        self.refused("bad_argument", "zone", "hours.put", name="office", zone="Europe/Bonn")
        self.refused("bad_argument", "zone", "hours.put", name="office", zone="../../../etc/passwd")
        self.refused("bad_argument", "until", "hours.override", name="office", state="open", until="25:00")
        self.refused("bad_argument", "until", "hours.override", name="office", state="open", until="2999-12-31 24:00")
        self.refused("bad_argument", "time", "hours.check", name="office", time="tomorrow")
        self.refused("not_found", "name", "hours.check", name="shop")
        self.refused("not_found", "name", "hours.override", name="shop", state="open")
        self.a.tandemctl("hours.delete", name="office")
        self.refused("not_found", "name", "hours.get", name="office")

# SPDX-License-Identifier: Apache-2.0
"""Two nodes with copies of each other's recordings: one host is lost before anything could be delivered: REC-09."""
import glob
import json
import os
import shutil
import unittest

from lib.store import record
from lib.store_servers import digest
from taken_test import Cluster, Talk


class HostLost(Cluster):
    @classmethod
    def settings(cls, name, shard):
        cls.share = os.path.join(cls.folder, "share")           # not mounted at first
        share = {"name": "share", "kind": "directory", "url": cls.share}
        recordings = {"store": [share], "deliver": ["share"], "retry": "100ms", "retry_max": "1s", "scan": "200ms", "free_mib": 0,
                      "join_wait": "0s", "copies": 1, "copies_every": "2s", "copies_wait": "1s"}
        return {**super().settings(name, shard), "recordings": recordings}

    def recordings(self, node):
        return os.path.join(node.folder, "recordings")

    def copies(self, kind):
        return sorted(glob.glob(f"{self.recordings(self.b)}/.copies/*/default/*/{kind}"))

    def shared(self):
        return {os.path.relpath(path, self.share): digest(path) for path in glob.glob(f"{self.share}/*/*/*") if not path.endswith(".part")}

    def test_host_lost(self):
        """The call goes on, and what was recorded of it, and of one before, comes from the other node, octet by octet."""
        self.a.ctl("extension.put", number="1001", record="on_demand")
        self.registers(17, "1001", "1002")
        talk = Talk(self, 17).answer().speaks()
        talk.hears()
        self.a.ctl("call.record", call=talk.id, leg="a", state="on")
        name = record(self.recordings(self.a), octets=200000)
        want = {name + ending: digest(os.path.join(self.recordings(self.a), name + ending)) for ending in ("", ".json")}
        whole = os.path.basename(name)
        self.until(lambda: self.copies(whole + ".json"))
        self.until(lambda: any(os.path.getsize(path) > 40000 for path in self.copies(f"{talk.id}-1.1.wav")))
        self.assertEqual([digest(self.copies(whole + ending)[0]) for ending in ("", ".json")], list(want.values()))
        self.until(lambda: self.a.metric("tandem_recording_copies_sent_bytes_total") > 200000)
        self.until(lambda: self.a.metric("tandem_recording_copies_behind_seconds") == 0)
        self.a.kill()
        path, = glob.glob(f"{self.recordings(self.a)}/default/*/{talk.id}-1.1.wav")
        with open(path, "rb") as file:
            made = file.read()
        shutil.rmtree(self.recordings(self.a))
        talk.hears()
        talk.quiet()
        talk.hang_up()
        self.until(lambda: self.b.metric("tandem_recordings_adopted_total") == 2)
        os.mkdir(self.share)
        self.until(lambda: want.items() <= self.shared().items())
        cut = f"{talk.id}-1.1.cut.wav"
        self.until(lambda: any(os.path.basename(one) == cut + ".json" for one in self.shared()))
        [got] = glob.glob(f"{self.share}/default/*/{cut}")
        with open(got, "rb") as file:
            octets = file.read()
        self.assertGreater(len(octets), 40000)
        for at in (104, 105):       # of each party. What came later than the other's is silence at the end of a copy that nobody could go on with
            said = octets[at::2].rstrip(b"\xff")
            self.assertGreater(len(said), 18000)
            self.assertEqual(said, made[at::2][:len(said)])
        with open(got + ".json", encoding="utf-8") as file:
            facts = json.load(file)
        self.assertEqual([facts.get(key) for key in ("from", "to", "interrupted", "copy", "last")], ["1001", "1002", True, True, False])
        self.until(lambda: any(f"{talk.id}-1.2.wav" in one for one in self.shared()))   # what was said after that
        self.until(lambda: not self.copies("*"))


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""A phone that is plugged in finds the node by DHCP: a server of DHCP beside the node, and a scripted phone at the other end of a wire."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from lib.node import Node               # noqa: E402
from lib.sip import UserAgent           # noqa: E402
from lib.wire import CLONE_NEWNET, FAR, LIBC, NEAR, Wire        # noqa: E402
from phones import dhcp                 # noqa: E402
from phones.polycom import Polycom      # noqa: E402
from patience import PATIENCE_S, until  # noqa: E402

MAC, HERE, PORT = "0004f214ab37", "10.77.0.2", 80
GUIDE = re.search(r"^dhcp-option=(.+)$", (pathlib.Path(__file__).resolve().parents[2] / "docs/guides/phones.md").read_text("utf-8"), re.M)[1]
ELSEWHERE = '160,"http://192.0.2.9/"'


@unittest.skipUnless(shutil.which("dnsmasq"), "needs dnsmasq")
class Plugged(unittest.TestCase):
    """The node and dnsmasq at the near end; the far end has no address until somebody gives it one."""
    @classmethod
    def setUpClass(cls):
        cls.wire = cls.enterClassContext(Wire(near=(f"{HERE}/24",), far=()))
        cls.wire.far("sh", "-c", "for each in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $each; done")
        cls.node = cls.enterClassContext(Node(start=False))
        own = {"bind": HERE, "advertise": HERE, "sip_ports": [cls.node.sip_port], "media_ports": cls.node.media_ports}
        cls.node.configure({"networks": [{"name": "main", **own}], "provision": {"bind": HERE, "http": PORT}})
        cls.node.start()
        cls.node.put_extension("201", "secret201")
        cls.node.ctl("device.put", mac=MAC, extensions="201")

    def serve(self, *options):
        """A server of DHCP that says these; dnsmasq's words."""
        settings = pathlib.Path(self.node.home, "dnsmasq.conf")     # a file, as the guide has it: words of a command line keep their quotes
        settings.write_text("\n".join(("port=0", "dhcp-authoritative", f"interface={NEAR}", "bind-interfaces", "user=root", "pid-file",
                                       f"dhcp-leasefile={self.node.home}/leases", "dhcp-range=10.77.0.100,10.77.0.110,255.255.255.0,10m",
                                       *(f"dhcp-option={option}" for option in options), "")), "utf-8")
        words = ["dnsmasq", "--keep-in-foreground", "--log-facility=-", f"--conf-file={settings}"]
        log = os.path.join(self.node.home, "dnsmasq.log")
        with open(log, "w", encoding="utf-8") as out:
            server = subprocess.Popen(words, stderr=out)
        self.addCleanup(lambda: (server.kill(), server.wait()))
        until(lambda: server.poll() is not None or "DHCP, sockets bound" in pathlib.Path(log).read_text("utf-8"))
        self.assertIsNone(server.poll(), pathlib.Path(log).read_text("utf-8"))
        return server

    def there(self, does):
        """What does() returns at the far end."""
        result = []

        def run():
            with open(self.wire._namespace, "rb") as namespace:
                LIBC.setns(namespace.fileno(), CLONE_NEWNET)
            try:
                result.append(does())
            except BaseException as error:      # the test's own thread raises it
                result.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if isinstance(result[0], BaseException):
            raise result[0]
        return result[0]

    def boot(self, server, model="vvx410"):
        """At the far end: it fetches its files, and registers by them."""
        device = Polycom(MAC, server, "201", "secret201", model=model)
        try:
            self.assertTrue(device.boot())
            return device.register(lambda where, number, password: UserAgent(where, number, password, address=self.address)).status, device
        finally:
            device.close()

    def plug(self, *options, names=(160, 66), kind="text"):
        """Its address, and where it is to ask for its files."""
        server = self.serve(*options)
        self.wire.ip("addr", "flush", "dev", FAR)
        given = self.there(lambda: dhcp.lease(FAR, MAC, names, PATIENCE_S))
        server.kill()
        self.address = given.address
        self.wire.ip("addr", "add", f"{given.address}/24", "dev", FAR)
        return dhcp.boot_server(given.options, names, kind)

    def test_options(self):
        """PROV-05: by option 160, by 66 where that is not there, and by another one where somebody else has 160; as a URL, as a name of a host or an
        address as text, and as an address of four octets, as a SoundStation IP 6000 has it. The phone fetches its files there, and registers."""
        for options, names, kind, model in (
                ([GUIDE.replace("192.0.2.10", HERE)], (160, 66), "text", "vvx410"),
                ([f'160,"{HERE}"', '66,"192.0.2.9"'], (160, 66), "text", "vvx410"),
                ([f'66,"{HERE}"'], (160, 66), "text", "soundpoint650"),
                ([f"160,{HERE}"], (160,), "address", "soundstation7000"),
                ([f"66,{HERE}"], (66,), "text", "soundstation7000"),
                ([ELSEWHERE, f'161,"http://{HERE}/"'], (161,), "text", "vvx410")):
            with self.subTest(options=options):
                before = self.node.ctl("device.get", mac=MAC)["seen"]["fetched_utc_ms"]
                server = self.plug(*options, names=names, kind=kind)
                self.assertEqual(server, f"http://{HERE}/")
                status, device = self.there(lambda: self.boot(server, model))
                self.assertEqual((status, device.asked[0][:2]), (200, ("GET", f"/{MAC}.cfg")))
                self.assertEqual(device.values["reg.1.server.1.address"], HERE)
                until(lambda: self.node.ctl("device.get", mac=MAC)["seen"]["fetched_utc_ms"] > before)

    def test_none(self):
        """A network that says nothing: the phone has an address, and asks where its menu says; ten phones or fewer are set up so."""
        self.assertIsNone(self.plug())
        self.assertEqual(self.there(lambda: self.boot(f"http://{HERE}/"))[0], 200)

    def test_of_another_system(self):
        """Where 160 is somebody else's, a phone that is left at it asks there, and the node never sees it."""
        self.assertEqual(self.plug(ELSEWHERE), "http://192.0.2.9/")

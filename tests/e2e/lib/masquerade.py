# SPDX-License-Identifier: Apache-2.0
"""The kernel's NAT: phones on hosts that the node has no way to, behind the one address that this end of a wire has."""
import subprocess
import unittest

from .media import udp_socket
from .wire import Wire, ip


class Masquerade:
    """The node is at the far end; inside hosts are addresses of this one. As RFC 4787 calls it, mapping and filtering are
    address- and port-dependent: another public port for each destination, and no answer but from there."""
    node, public, outside, inside = "10.77.0.1", "10.77.0.2", "10.77.0.9", ("10.88.0.2", "10.88.0.3")
    open = staticmethod(udp_socket)

    def __init__(self):
        self._wire = Wire(near=(f"{self.public}/24", f"{self.outside}/24"), far=(f"{self.node}/24",))
        try:
            for host in self.inside:
                ip("addr", "add", f"{host}/32", "dev", "lo")
            self._rule()
        except BaseException:
            self.close()
            raise
        self.command = self._wire.command

    @staticmethod
    def _rule():
        rule = ["iptables", "-t", "nat", "-A", "POSTROUTING", "-s", "10.88.0.0/24", "-j", "MASQUERADE", "--random-fully"]
        try:
            done = subprocess.run(rule, capture_output=True, text=True)
        except FileNotFoundError:
            raise unittest.SkipTest("iptables is not installed") from None
        if done.returncode:
            raise unittest.SkipTest(f"no NAT in this kernel: {done.stderr.strip()}")

    def close(self):
        self._wire.close()

# SPDX-License-Identifier: Apache-2.0
"""Where a test's nodes and their parties are.

As a rule both on 127.0.0.1, media over the kernel's sockets. With TANDEM_MEDIA_PORT=xdp or dpdk in the environment they are at the
two ends of a wire (lib/wire.py), and the nodes' media.port is that: what works over sockets is to work over every port, so the same
tests run again (ports_xdp_test.py, ports_dpdk_test.py). Set before this is imported.

With TANDEM_STORE=apart each node has a Redis that is not its own, and a test's first call meets phones that registered long before: the
node is killed and started behind the registrations. With TANDEM_STORE=nodes there is a second node at that Redis, and phones register
there: the first one hears nothing of them, and asks the store (store_apart_test.py, store_nodes_test.py).
"""
import atexit
import os
import unittest

from .wire import FAR, Wire, sum_in_software, take_back

PORT = os.environ.get("TANDEM_MEDIA_PORT", "")
FORWARD = os.environ.get("TANDEM_MEDIA_FORWARD", "")        # of xdp: the kernel forwards what it can
STORE = os.environ.get("TANDEM_STORE", "")
NODE, PARTY, STRANGER = ("10.77.0.1", "10.77.0.2", "10.77.0.66") if PORT else ("127.0.0.1", "127.0.0.1", "127.0.0.66")
OTHERS = ("10.77.0.55", "10.77.0.77") if PORT else ("127.0.0.55", "127.0.0.77")        # hosts where nobody listens
TAP = "tandem0"
CARRIED = {"xdp": ("tandem_media_xdp_packets_total", "direction"), "dpdk": ("tandem_media_dpdk_frames_total", "what")}
_wire = None
_registrars, _aged = {}, {}     # by address of a node: where phones register, and what is to be done before the first call


def wire():
    """The process has one, from its first node on."""
    global _wire
    if not _wire:
        _wire = Wire(near=[f"{host}/24" for host in (PARTY, STRANGER, *OTHERS)], far=() if PORT == "dpdk" else (f"{NODE}/24",))
        atexit.register(_wire.close)
        if PORT == "dpdk":
            kernel_aside(_wire)
        if FORWARD:
            sum_in_software()
            take_back()
    return _wire


def kernel_aside(far, addresses=(NODE,)):
    """What the device gets is not the kernel's as well: that has it from the TAP interface alone."""
    for name, value in (("ipv4/conf/all/rp_filter", 1), (f"ipv4/conf/{FAR}/rp_filter", 1), (f"ipv4/conf/{FAR}/arp_ignore", 8),
                        (f"ipv6/conf/{FAR}/disable_ipv6", 1)):
        far.far("sh", "-c", f"echo {value} > /proc/sys/net/{name}")
    sum_in_software()
    for address in addresses:
        far.ip("addr", "add", address, "dev", "lo")


def settings(build):
    """What tandem.yaml has for this place, beside the address; `build`: the folder with the programs."""
    if PORT == "xdp":
        return {"media": {"port": "xdp", "xdp_forward": "on" if FORWARD else "off"}}
    if PORT == "dpdk":
        if not os.path.exists(os.path.join(build, "engine", "port_dpdk.so")):
            raise unittest.SkipTest("this build has no DPDK")
        return {"media": {"port": "dpdk", "dpdk": {"device": f"net_af_packet0,iface={FAR},framecnt=8192", "hugepages": False, "tap": TAP}}}
    return {}


def network():
    """The same of each network."""
    return {"interface": FAR} if PORT == "xdp" else {}


def command():
    """What the command line of a node begins with."""
    return wire().command if PORT else ()


def started():
    """The node is there: the TAP interface gets its route, as an operator's configuration would give it."""
    if PORT == "dpdk":
        wire().ip("route", "replace", "10.77.0.0/24", "dev", TAP, "src", NODE)


def is_beside(server, other):
    """Phones of the node at `server` register at the other one."""
    _registrars[server] = other


def registrar(server):
    return _registrars.get(server, server)


def ages(server, age):
    """Before the first call to the node its registrations are old by age()."""
    _aged[server] = age


def call(server):
    _aged.pop(server, lambda: None)()


def detours(node):
    """What the port that is tested did not have of the media of the node's last start, in words; it has all but what is the kernel's, such as
    packets that are none of media, or whose neighbour is not known yet. What flows hand to each other no port carries. None: nothing."""
    if not PORT:
        return None
    name, label = CARRIED[PORT]
    handed = node.metric("tandem_media_handed_packets_total") + node.metric("tandem_media_forwarded_packets_total")
    for way in ("in", "out"):
        whole = node.metric("tandem_media_packets_total", direction=way) - handed
        part = node.metric(name, **{label: way})
        if part < 0.75 * whole - 20:
            return f"{part:.0f} of {whole:.0f} packets went {way} by {PORT}"
    return None


def carried(node):
    if why := detours(node):
        raise AssertionError(why)


def forwarded(node, packets):
    """Where the kernel forwards, it has sent on most of so many packets that parties of a plain call have sent, whatever else came."""
    count = node.metric("tandem_media_forwarded_packets_total") if FORWARD else packets
    if count < 0.6 * packets:
        raise AssertionError(f"the kernel forwarded {count:.0f} of {packets} packets")

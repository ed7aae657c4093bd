# SPDX-License-Identifier: Apache-2.0
"""How a phone finds its provisioning server by DHCP (RFC 2131, RFC 2132), as Polycom's administrator guides have it ("DHCP
Menu"): it asks for an address, and among the options of the answer for that of its menu.  A boot server is an option of its own
(160 at first) with option 66 behind it, option 66 alone, or another option; its value is an address or a text."""
import collections
import secrets
import socket
import struct

DISCOVER, OFFER, REQUEST, ACK = 1, 2, 3, 5
ADDRESS, KIND, SERVER, WANTED, TFTP, END = 50, 53, 54, 55, 66, 255
MAGIC = b"\x63\x82\x53\x63"
Lease = collections.namedtuple("Lease", "address options")


def _packet(xid, mac, options):
    """To all, as who sends it has no address; the answer comes likewise."""
    head = struct.pack("!BBBBIHH16x16s192x", 1, 1, 6, 0, xid, 0, 0x8000, bytes.fromhex(mac))
    return head + MAGIC + b"".join(bytes((code, len(value))) + value for code, value in options) + bytes((END,))


def _options(octets):
    """Options of a packet; what comes in parts is one (RFC 3396)."""
    found, at = {}, 240
    while at < len(octets) and octets[at] != END:
        if not octets[at]:          # padding
            at += 1
            continue
        length = octets[at + 1]
        found[octets[at]] = found.get(octets[at], b"") + octets[at + 2:at + 2 + length]
        at += 2 + length
    return found


def lease(interface, mac, wanted=(160, TFTP), seconds=10):
    """An address for that MAC, and the options that came with it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.bind(("", 68))
        sock.settimeout(seconds)
        xid = secrets.randbits(32)

        def ask(kind, answer, more=()):
            names = (WANTED, bytes((1, 3, *wanted)))
            sock.sendto(_packet(xid, mac, [(KIND, bytes((kind,))), *more, names]), ("255.255.255.255", 67))
            while True:
                octets = sock.recv(2048)
                if octets[:1] == b"\2" and struct.unpack_from("!I", octets, 4)[0] == xid and _options(octets).get(KIND) == bytes((answer,)):
                    return socket.inet_ntoa(octets[16:20]), _options(octets)

        address, offered = ask(DISCOVER, OFFER)
        address, given = ask(REQUEST, ACK, [(ADDRESS, socket.inet_aton(address)), (SERVER, offered[SERVER])])
        return Lease(address, given)


def boot_server(options, names=(160, TFTP), kind="text", scheme="http"):
    """URL of the provisioning server: of the first option that is there, as an address or a text; the phone's server type counts where
    that names none.  None: it is as the phone's menu says."""
    value = next((options[name] for name in names if name in options), None)
    if value is None:
        return None
    text = socket.inet_ntoa(value) if kind == "address" else value.rstrip(b"\0").decode()
    return text if "://" in text else f"{scheme}://{text}/"

# SPDX-License-Identifier: Apache-2.0
"""All that may be set of the interfaces of a network namespace, and what the kernel keeps around them: python3 interfaces.py prints it
as JSON. Not what is counted, nor how lately a neighbour was heard of."""
import ctypes
import fcntl
import json
import socket
import struct
import subprocess

FLEETING = ("stats", "stats64", "state", "used", "confirmed", "updated", "refcnt", "probes")
SIOCETHTOOL, GET_FEATURES, WORDS = 0x8946, 0x3a, 2


def told(*words):
    """What such a command lists."""
    out = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return [{key: value for key, value in row.items() if key not in FLEETING} for row in json.loads(out or "[]") if row]


def features(name):
    """What the interface could take off the kernel, and does (ethtool -k)."""
    value = ctypes.create_string_buffer(struct.pack("II", GET_FEATURES, WORDS) + bytes(16 * WORDS))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCETHTOOL, struct.pack("16sP", name.encode(), ctypes.addressof(value)))
    return value.raw.hex()


def everything():
    links = told("ip", "-details", "-json", "addr")
    return {"links": links,
            "features": {link["ifname"]: features(link["ifname"]) for link in links},
            "multicast": told("ip", "-json", "maddr"),
            "qdiscs": told("tc", "-json", "qdisc"),
            "neighbours": told("ip", "-json", "neigh"),
            "routes": told("ip", "-json", "-4", "route", "show", "table", "all")
            + told("ip", "-json", "-6", "route", "show", "table", "all"),
            "rules": told("ip", "-json", "rule")}


if __name__ == "__main__":
    print(json.dumps(everything()))

# SPDX-License-Identifier: Apache-2.0
"""Figures of the scripted phone, for bench/provision.py.  usage: measure.py login TIMES | revisions BOOTS

login: seconds from #17 until another phone rings, the phone's own start left out; the median.  revisions: boots with files of more than one revision."""
import contextlib
import json
import pathlib
import re
import statistics
import sys
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(path) for path in (TESTS / "e2e", TESTS, TESTS.parent / "deploy" / "demo", TESTS.parent / "client")]

import phone_login_test     # noqa: E402
import provision_test       # noqa: E402


def login(times):
    of = phone_login_test.Login
    case, took = of("test_in_and_out"), []
    of.setUpClass()
    try:
        device = case.bare(of.node, of.port, phone_login_test.MACS[0])
        with of.node.user_agent("202", "secret202") as callee:
            callee.register()
            for _ in range(times):
                began = time.monotonic()
                case.keys(of.node, device, "%2317", "201#", "47201#")
                case.asked(device)
                case.registers(device)
                with contextlib.closing(of.node.media()) as sound:
                    out = device.agent.invite("202", sound.sdp())
                    into = callee.incoming()
                    took.append(time.monotonic() - began)
                    into.reject(486, "Busy Here")
                    out.wait_final()
                case.keys(of.node, device, "%2327")
                case.asked(device)
                case.registers(device)
    finally:
        case.doCleanups()
        of.tearDownClass()
        of.doClassCleanups()
    return {"login_to_call_s": round(statistics.median(took), 2), "logins": times}


def revisions(boots):
    """A device changes with each boot; its files have the number of the change in two of them, and are asked of both nodes in turn."""
    of, mixed, missed = provision_test.Nodes, 0, 0
    case = of("test_one_revision_for_a_boot")
    of.setUpClass()

    def ask(at, path):
        for name in "ab" if at % 2 else "ba":
            with contextlib.suppress(OSError):
                status, text = case.ask(name, path)
                if status == 200:
                    return text
        return None

    try:
        case.setUp()
        for turn in range(boots):
            of.a.ctl("device.put", mac=provision_test.MAC, columns=1 + turn % 4, overrides=f"bench.turn={turn}")
            if turn == boots // 2:
                of.b.kill()
            if turn == 3 * boots // 4:
                of.b.restart()
            master = ask(turn, f"/{provision_test.MAC}.cfg")
            of.a.ctl("device.put", mac=provision_test.MAC, columns=1 + (turn + 1) % 4)
            names = re.search(rb'CONFIG_FILES="([^"]*)"', master)[1].decode().split(", ")
            files = [ask(turn + n, "/" + name) for n, name in enumerate(names)]
            if None in files:
                missed += 1
                continue
            text = b"".join(files)
            mixed += len({name.partition("/")[0] for name in names}) != 1 or \
                int(re.search(rb'bench.turn="(\d+)"', text)[1]) % 4 + 1 != int(re.search(rb'numOfDisplayColumns="(\d+)"', text)[1])
    finally:
        case.doCleanups()
        of.doClassCleanups()
    return {"mixed_revisions": mixed, "boots": boots, "boots_missed": missed}


if __name__ == "__main__":
    print(json.dumps({"login": login, "revisions": revisions}[sys.argv[1]](int(sys.argv[2]))))

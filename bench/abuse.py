#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What attacks cost honest phones: 20 of them refresh their registrations and call each other while a node is attacked.

Each row is one attack of SECURITY.md, at a real node with its default limits: what the attacker reached, how long the phones waited,
and what they lost. An attack harms when it reaches its end, when a phone's request fails, or when phones wait more than 50 ms at the
99th percentile. `--before FOLDER` names an older build (its tandemd and tandemctl), against which all is run as well; without it the
column says what was found before the defences, where it was measured. Needs root: it runs in a network of its own."""
import importlib.util
import os
import pathlib
import subprocess
import sys
import time

import lib

LIMIT_MS = 50
WEBSOCKETS = 100
# Before the defences, by hand; see docs/benchmarks.md
FOUND = {"junk_60k": "286 ms", "junk_150k": "no answers", "amplify": "7.8 octets back", "guess": "51 guesses in 0.3 s",
         "lock_out": "403 for all phones", "one_octet": "browsers out for an hour", "foreign_connection": "it connected",
         "foreign_media": "44 Mbit/s", "media_loop": "284,000 packets/s", "half_an_answer": "cut off"}


def own_network():
    """Again in a network namespace, where nobody's ports are, and where answers to forged addresses vanish."""
    if os.environ.get("TANDEM_ABUSE_NETWORK"):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        subprocess.run(["ip", "route", "add", "198.18.0.0/15", "dev", "lo"], check=True)
        return
    if os.geteuid() != 0:
        raise SystemExit("bench abuse makes a network of its own and forges addresses: run it as root")
    os.environ["TANDEM_ABUSE_NETWORK"] = "1"
    os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])


class Stage:
    """A node and its honest phones."""

    def __init__(self, build, seconds):
        import abuse_honest
        self.seconds, self.websockets = seconds, WEBSOCKETS
        lib.BUILD = pathlib.Path(build)
        self.node = lib.Node(calls=2000, registrations=20000, trusting=False, limited=True)
        lib.end(self.node.process)
        self.node.config.write_text(lib.section(self.node.config.read_text(), "limits", f"websockets: {WEBSOCKETS}"))
        self.node.start()
        self.honest = abuse_honest.Honest(self.node)

    def run(self, attack):
        """What the attack got, and what the phones suffered."""
        self.honest.begin()
        try:
            got = attack(self)
        finally:
            phones = self.honest.end()
        slow = [phones[key] for key in ("register_p99_ms", "call_p99_ms") if (phones[key] or LIMIT_MS + 1) > LIMIT_MS]
        return {**got, **phones, "harms": bool(got["harm"] or phones["failed"] or slow)}

    def calm(self, seconds):
        return self.run(lambda stage: (time.sleep(seconds), {"harm": False, "note": "no attack"})[1])

    def close(self):
        self.honest.close()
        self.node.stop()


def overload():
    """The rows of abuse_overload.py, where it is there: quotas, and load by honest callers."""
    if importlib.util.find_spec("abuse_overload") is None:
        return None
    import abuse_overload
    return abuse_overload


def line(name, what, amount, row):
    waits = f"{row['register_p99_ms'] or '-'} / {row['call_p99_ms'] or '-'}"
    lib.say(f"{what:<50} {amount:<22} {waits:>16} {row['failed']:>4}/{row['requests']:<5} {'HARMS' if row['harms'] else 'holds':<6} "
            f"{row['note']}" + (f" ({row['why'][0]})" if row["why"] else ""))


def measure(title, build, wanted, seconds):
    import abuse_attacks
    lib.say(f"\n{title}\n{'attack':<50} {'amount':<22} {'p99 ms reg/call':>16} {'lost of':>10} verdict")
    stage, rows = Stage(build, seconds), {}
    try:
        rows["calm"] = stage.calm(seconds)
        line("calm", "none", "", rows["calm"])
        for name in wanted:
            what, amount, attack = abuse_attacks.ATTACKS[name]
            rows[name] = stage.run(attack)
            line(name, what, amount, rows[name])
    finally:
        stage.close()
    return rows


def figures_of(rows):
    attacks = {name: row for name, row in rows.items() if name != "calm"}
    of = lambda name: rows.get(name, {}).get("register_p99_ms")
    return {"attacks": len(attacks), "attacks_that_harm": sum(row["harms"] for row in attacks.values()),
            "harms": [name for name, row in attacks.items() if row["harms"]],
            "honest_requests": sum(row["requests"] for row in attacks.values()),
            "honest_failed": sum(row["failed"] for row in attacks.values()),
            "register_p99_ms_calm": of("calm"), "register_p99_ms_150k_one_source": of("junk_150k"),
            "register_p99_ms_150k_spoofed": of("junk_forged"), "goodput_2x": None, "goodput_10x": None}


def main():
    import abuse_attacks
    more = overload()
    if more:
        abuse_attacks.ATTACKS.update(more.ATTACKS)
    parser = lib.argument_parser(__doc__.split("\n")[0], tuple(abuse_attacks.ATTACKS))
    parser.add_argument("--before", metavar="FOLDER", help="a build of an older version, measured as well")
    options = parser.parse_args()
    own_network()
    lib.ROOT_BUILD = lib.BUILD
    wanted, seconds = options.row or list(abuse_attacks.ATTACKS), 1.5 if options.quick else 8
    peers = {}
    if options.before:
        peers["before"] = figures_of(measure("before", options.before, wanted, seconds))
    rows = measure("now", lib.ROOT_BUILD, wanted, seconds)
    figures = figures_of(rows)
    if more and not options.row:
        figures.update(more.measure(options.quick))
    if not options.before:
        lib.say("\nbefore the defences (docs/benchmarks.md): " + "; ".join(
            f"{name}: {FOUND[name]}" for name in wanted if name in FOUND))
    lib.finish(options, "abuse", figures, peers)


if __name__ == "__main__":
    main()

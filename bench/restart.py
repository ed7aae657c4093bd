#!/usr/bin/env python3
"""One node under live calls, killed with -9 and started again at once: how long the phones hear nothing, and what is lost.

Gaps are of a fifth of the calls, with 50 packets a second each way: 20 ms is none. The others have 5, and show life."""
import json
import os
import subprocess
import sys

import lib
from children import spawn


def main():
    options = lib.arguments(__doc__.splitlines()[0])
    words = ["--calls", "50", "--rounds", "3"] if options.quick else []
    child = spawn([sys.executable, "-m", "cluster.restart", *words], stdout=subprocess.PIPE, text=True,
                  env={**os.environ, "PYTHONPATH": str(lib.ROOT / "tests"), "TANDEM_BUILD": str(lib.BUILD)})
    last = ""
    for line in child.stdout:
        if last:
            lib.say(last)
        last = line.rstrip()
    if child.wait() and not last.startswith("{"):
        raise SystemExit(f"it ended with {child.returncode}: {last}")
    figures = json.loads(last)
    lib.finish(options, "restart", figures, {"redis": lib.package_version("redis-server")})
    return 1 if figures["calls_lost"] else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""Examples in the documentation, run as they stand, and links that must lead somewhere.

A fenced block directly below the line <!-- run --> is executed by sh in the checkout, with a node up:
`./tandem ctl` speaks to it, and $HTTP, $SIP_PORT name its ports.  It must exit with 0.
"""
import os
import re
import subprocess
import sys

from report import FAILED, PASSED

BLOCK = re.compile(r"^<!-- run -->\n```\w*\n(.*?)^```", re.M | re.S)
COLUMNS = 100
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
HEADING = re.compile(r"^#+ (.*)$|<a id=\"([^\"]+)\"", re.M)
FENCED = re.compile(r"^```.*?^```", re.M | re.S)


def anchors(path):
    """Names of the headings of a page, as GitHub makes them, and those that the page gives itself."""
    found = HEADING.findall(FENCED.sub("", path.read_text(encoding="utf-8")))
    return {name or re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", title).lower()).strip().replace(" ", "-") for title, name in found}


def gone(path, text):
    """Links of a page that lead nowhere."""
    found = []
    for link, anchor in LINK.findall(text):
        to = path.parent / link if link else path
        if "://" not in link and "mailto:" not in link and (
                not to.exists() or (anchor and to.suffix == ".md" and anchor not in anchors(to))):
            found.append(f"{link}#{anchor}")
    return found


def results(root, build, names):
    found = []
    for name in names:
        blocks = BLOCK.findall((root / name).read_text(encoding="utf-8"))
        if blocks:
            found += run_blocks(root, build, name, blocks)
    return found


def written(root, names):
    """What needs no build of the pages: their links, and how wide they are."""
    found = []
    for name in names:
        text = (root / name).read_text(encoding="utf-8")
        lost = gone(root / name, text)
        found.append((f"rules: {name}: links", FAILED if lost else PASSED, f"lead nowhere: {lost}"))
        wide = too_wide(name, text)
        found.append((f"rules: {name}: columns", FAILED if wide else PASSED, "\n".join(wide)))
    return found


def too_wide(name, text):
    """Lines of prose beyond the columns that a page has; tables, code, and what cannot be broken may have more."""
    fenced, found = False, []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced and len(line) > COLUMNS and not line.startswith(("|", "    ", "#")) and " " in line.strip():
            found.append(f"{name}:{number}: {len(line)} columns")
    return found


def run_blocks(root, build, name, blocks):
    """The blocks of one file, one after the other on one node."""
    if build is None:
        return [(f"docs {name}: examples", FAILED, "the build failed")]
    os.environ["TANDEM_BUILD"] = build
    sys.path.insert(0, str(root / "tests" / "e2e"))
    from lib.node import Node                       # needs TANDEM_BUILD
    found = []
    with Node() as node:
        variables = {**os.environ, "TANDEM_HOME": node.folder, "SIP_PORT": str(node.sip_port),
                     "HTTP": f"127.0.0.1:{node.http_port}"}
        for number, block in enumerate(blocks, 1):
            done = subprocess.run([root / "deploy" / "peers.sh", "with", "sh", "-eu"], input=block, cwd=root, env=variables,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  timeout=120)
            found.append((f"docs {name}: example {number}", FAILED if done.returncode else PASSED,
                          f"{block}\n{done.stdout}"))
    return found

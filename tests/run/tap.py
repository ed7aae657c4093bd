# SPDX-License-Identifier: Apache-2.0
"""Results of one meson test: each case of a program that speaks TAP, or the program as one test."""
import re

from report import FAILED, PASSED, SKIPPED

MESON = {"OK": PASSED, "EXPECTEDFAIL": PASSED, "SKIP": SKIPPED}
CASE = re.compile(r"^(not )?ok\b\s*\d*\s*-?\s*([^#\n]*?)\s*(#\s*SKIP\b.*)?$", re.M | re.I)


def name_of(entry):
    """"suite: program" of a line of meson's log, the same in every build."""
    suite, _, program = entry["name"].rpartition(" / ")
    return f"{suite.rpartition(':')[2] or 'test'}: {program}"


def cases(stdout):
    """[(case, result)] of TAP text."""
    found = []
    for failed, case, skip in CASE.findall(stdout):
        if skip:                                # cmocka says "not ok 3 # SKIP name"
            case = case or re.sub(r"(?i)^#\s*SKIP\s*", "", skip)
            found.append((case, SKIPPED))
        else:
            found.append((case, FAILED if failed else PASSED))
    return found


def output(entry):
    """All that it said."""
    return f"{entry.get('stdout') or ''}{entry.get('stderr') or ''}\n{entry['result']}, exit {entry['returncode']}"


def results(entry):
    """[(test, result, output)] of a line of testlog.json."""
    test, stdout, said = name_of(entry), entry.get("stdout") or "", output(entry)
    result = MESON.get(entry["result"], FAILED)
    plan = re.search(r"^1\.\.(\d+)", stdout, re.M)
    if not plan:
        return [(test, result, said)]
    found = [(f"{test}: {case}", what, said) for case, what in cases(stdout)]
    # A program that died, leaked or ran fewer cases than planned failed, whatever its cases say.
    # Its exit status tells, not meson's result: meson takes cmocka's way to say "skipped" for a failure.
    whole = len(found) == int(plan[1]) and entry["returncode"] == 0
    if not whole and not any(what == FAILED for _, what, _ in found):
        found.append((test, FAILED, said))
    return found

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random flows and calls: sig/flow and the reference take the same way.  What is kept is as the JSON Schema says, and is read again as
the same.

    tests/flow/flow_random.py DRIVER [SEED [FLOWS]]
"""
import json
import random
import subprocess
import sys
import time

from flow_reference import OUTCOMES, VERBS, Call, may_be_kept, steps_of

SECONDS = 5
VALUES = ["", "1", "42", "+4930", "yes", "{{", "{a}", "{b}", "{digits}", "{caller}", "x{a}{b}", "{header.X-A}", "é{c}", "{recording}", "*" * 90, "{digits:4}", "{a:32}{b:2}", "{header.X-A:5}"]
KEYS = ["1", "2", "x", "1x", "x.", "[1-4]x.", "9.", "12", "1[27]", "+49x.", "*", "#"]
NAMES = ["p", "main", "{a}", "{digits}", "1{b}"]


def args_for(rng, verb):
    def value():
        return rng.choice(VALUES)

    def some(choices, most):
        return [rng.choice(choices) for _ in range(rng.randint(1, most))]

    def pairs(names):
        return {name: value() for name in rng.sample(names, rng.randint(1, 3))}

    def long(name, given):
        return {name: given} if rng.random() < 0.3 else given

    full = {
        "answer": lambda: {},
        "play": lambda: rng.choice([rng.choice(NAMES), some(NAMES, 3), {"prompt": some(NAMES, 2), "loop": rng.randint(1, 9)}]),
        "say": lambda: value() or "a",
        "gather": lambda: rng.choice([{}, rng.choice(NAMES), {
            "max": rng.randint(1, 3), "tries": rng.randint(1, 3), "into": rng.choice("abc"), "secret": rng.random() < 0.3,
            "first_s": rng.choice([1, 2.5, 0.125])}]),
        "record": lambda: rng.choice([{}, {"into": rng.choice("abc"), "beep": False}]),
        "tag": lambda: long("tags", pairs(["A.a", "A.b", "Case.Number"])),
        "set": lambda: long("variables", pairs(["a", "b", "c", "d"])),
        "match": lambda: value(),
        "hours": lambda: rng.choice(["office", "shop", "{a}"]),
        "pause": lambda: rng.choice([1, 0.5, 2.125]),
        "reject": lambda: rng.choice([486, {"status": 404}, {}]),
        "hangup": lambda: rng.choice([{}, value()[:60] or "a"]),
        "redirect": lambda: rng.choice(["flow:a", "flow:{a}"]),
        "dtmf": lambda: rng.choice(["12", "{digits}", "{a}#"]),
        "park": lambda: rng.choice([{}, "70", "{a}"]),
        "dial": lambda: rng.choice([rng.choice(["1001", "{a}"]), some(["1001", "{a}", "sip:{b}@x", "+49{digits}"], 4),
                                    {"to": "1", "how": rng.choice(["together", "in_turn"]), "rings": 4}]),
        "directory": lambda: rng.choice(["26", "{digits}", {"keys": "{a}", "confirm": True, "into": rng.choice("abc")}]),
        "queue": lambda: rng.choice(["sales", "{a}", {"name": rng.choice(["sales", "{b}", "x{a}{b}"]), "keys": rng.choice(["12", "*", "{a}", "1{digits}"]),
                                                      "priority": rng.randint(0, 10), "max_wait_s": rng.randint(1, 900)}]),
        "conference": lambda: rng.choice(["room", "{a}"]),
        "notify": lambda: rng.choice(["e", {"event": "e", "data": pairs(["x", "y", "z"])}]),
    }
    return full[verb]()


def step_for(rng, names, listed):
    verb = rng.choice(list(VERBS))
    step = {verb: args_for(rng, verb)}
    outcomes, required, flags, _ = VERBS[verb]
    if listed:
        return step
    if "o" in flags and (verb == "match" or rng.random() < 0.7):
        step["on"] = {key: rng.choice(names) for key in rng.sample(KEYS + ["holiday", "yes"] * (verb != "gather"), rng.randint(1, 4))}
    for outcome in outcomes.split():
        if rng.random() < (0.97 if outcome in required.split() + ["invalid"] else 0.4):
            step[outcome] = rng.choice(names)
    if outcomes and rng.random() < 0.3:
        step["next"] = rng.choice(names)
    items = list(step.items())
    rng.shuffle(items)
    return dict(items)


def reached(program):
    """Without the steps that nobody reaches, most of the time what is random would be refused."""
    steps, start = steps_of(program)
    found, queue = {start}, [start]
    while queue:
        step = steps[queue.pop()]
        for to in [*step.get("on", {}).values(), *(step[o] for o in OUTCOMES if o in step)]:
            if to not in found:
                found.add(to)
                queue.append(to)
    program["steps"] = {name: step for name, step in steps.items() if name in found}
    return program


def program_for(rng):
    names = [f"s{i}" for i in range(rng.randint(1, 8))]
    if rng.random() < 0.2:
        return [step_for(rng, names, True) for _ in names]
    program = {"start": rng.choice(names), "steps": {name: step_for(rng, names, False) for name in names}}
    return reached(program) if rng.random() < 0.9 else program


def valid(schema, value, root):
    """Of JSON Schema what flows use."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if "anyOf" in schema and not any(valid(one, value, root) for one in schema["anyOf"]):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}
    if "type" in schema and (not isinstance(value, kinds[schema["type"]]) or (isinstance(value, bool) and schema["type"] != "boolean")):
        return False
    size = len(value) if isinstance(value, (dict, list, str)) else value
    for least, most in (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems"), ("minProperties", "maxProperties")):
        if size < schema.get(least, size) or size > schema.get(most, size):
            return False
    if isinstance(value, list):
        return all(valid(schema.get("items", {}), one, root) for one in value)
    if not isinstance(value, dict):
        return True
    known, more = schema.get("properties", {}), schema.get("additionalProperties", {})
    return all(name in value for name in schema.get("required", ())) and all(
        valid(known[name], one, root) if name in known else more is not False and valid(more, one, root) for name, one in value.items())


class Driver:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        self.schema = json.loads(self.process.stdout.readline())

    def ask(self, flow, facts=None, words=()):
        self.process.stdin.write(json.dumps({"flow": flow, "facts": facts or {}, "words": words}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def differs(driver, rng):
    """What is wrong with one random flow and a call through it, or None; and whether it was kept."""
    flow = program_for(rng)
    facts = {"caller": rng.choice(["", "1001", "+4930", "a b", "{a}"]), "header.X-A": rng.choice(["", "7", "x" * 700]),
             "hours.office": rng.choice(["", "open", "closed", "holiday"]), "hours.7": "open"}
    words = [rng.choice(OUTCOMES + ["next", "next", "1", "2", "12", "427", "*", "9", "13"]) for _ in range(rng.randint(0, 12))]
    got, text = driver.ask(flow, facts, words), json.dumps(flow)
    kept = got.get("kept")
    if (kept is not None) != may_be_kept(flow):
        return f"{text}\n{got}", False
    if not kept:
        return (None if got["path"] else f"{text}\nno place: {got}"), False
    want = Call(flow, facts, words).run()
    if got["lines"] != want:
        return "\n".join([text, str(facts), str(words), "got", *map(str, got["lines"]), "wanted", *map(str, want)]), True
    if driver.ask(json.loads(kept)).get("kept") != kept:
        return f"{text}\nis kept as\n{kept}\nand that in another way", True
    if not all(valid(driver.schema, one, driver.schema) for one in (flow, json.loads(kept))):
        return f"{text}\nis not as the JSON Schema says", True
    return None, True


def main(program, seed=None, flows=None):
    seed = int(seed) if seed else random.SystemRandom().randrange(1 << 32)
    rng, until, kept, count = random.Random(seed), time.monotonic() + SECONDS, 0, 0
    driver = Driver(program)
    while count < int(flows) if flows else time.monotonic() < until:
        wrong, was_kept = differs(driver, rng)
        count, kept = count + 1, kept + was_kept
        if wrong:
            sys.exit(f"seed {seed}, flow {count}: {wrong}")
    print(f"seed {seed}: {count} flows, {kept} of them kept")


if __name__ == "__main__":
    main(*sys.argv[1:])

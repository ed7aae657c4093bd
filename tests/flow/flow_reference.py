# SPDX-License-Identifier: Apache-2.0
"""Flows, interpreted a second time: which verbs a call meets, and whether a flow may be kept at all (docs/flows.md).  It knows nothing of
sig/flow, and is as short as it can be."""
import re

# outcomes, those that need a branch, flags: w waits, d decides, o has `on`; the argument that may stand for all
VERBS = {
    "answer": ("next failed", "", "", None),
    "play": ("next failed", "", "w", "prompt"),
    "say": ("next failed", "", "w", "text"),
    "gather": ("next timeout invalid failed", "timeout", "wo", "prompt"),
    "record": ("next none timeout failed", "timeout", "w", None),
    "tag": ("next failed", "", "d", "tags"),
    "set": ("next failed", "", "d", "variables"),
    "match": ("else", "else", "do", "value"),
    "hours": ("next closed failed", "closed", "do", "name"),
    "pause": ("next", "", "w", "seconds"),
    "reject": ("", "", "", "status"),
    "hangup": ("", "", "", "reason"),
    "redirect": ("failed", "", "", "to"),
    "dtmf": ("next failed", "", "w", "digits"),
    "park": ("timeout full failed", "timeout", "w", "slot"),
    "queue": ("next timeout full none failed", "timeout", "wo", "name"),
    "dial": ("next busy no_answer rejected failed", "", "w", "to"),
    "directory": ("next timeout none failed", "timeout none", "w", "keys"),
    "conference": ("next full failed", "", "w", "name"),
    "notify": ("next failed", "", "", "event"),
}
OUTCOMES = "next else timeout invalid failed busy no_answer rejected full none closed".split()
QUICK = {"failed", "busy", "rejected", "full", "none"}
LISTS = {("play", "prompt"), ("gather", "prompt"), ("dial", "to")}
# what an argument is once names are replaced; those that are missing are any text
NAME = r"[A-Za-z0-9._-]+"
FORMS = {("play", "prompt"): NAME, ("gather", "prompt"): NAME, ("dial", "to"): r"[A-Za-z0-9+*#._-]+|sips?:[!#-;=?-~]+", ("dtmf", "digits"): r"[0-9*#A-D]+",
         ("directory", "keys"): r"[0-9*#A-D]+",
         ("park", "slot"): r"[0-9*#A-D]+", ("conference", "name"): NAME, ("queue", "name"): NAME, ("queue", "keys"): r"[0-9*#A-D]*",
         ("hours", "name"): NAME, ("redirect", "to"): "flow:" + NAME,
         ("notify", "event"): NAME, ("hangup", "reason"): r"[^\x00-\x1f\x7f]+", ("match", "value"): r"(?s).*"}
MOST = {("dtmf", "digits"): 32, ("directory", "keys"): 16, ("park", "slot"): 8, ("conference", "name"): 63, ("queue", "name"): 31, ("queue", "keys"): 16, ("hours", "name"): 64, ("redirect", "to"): 70,
        ("notify", "event"): 64, ("hangup", "reason"): 64, ("reject", "reason"): 64}
OPTIONAL = {("park", "slot"), ("hangup", "reason"), ("gather", "say")}
VERBS_MAX, VARIABLES_MAX, TEXT_MAX = 1000, 2048, 1024


class Failed(Exception):
    """The verb cannot be carried out."""


def steps_of(program):
    """Steps by name, in order, and the first one; the verbs of a list follow each other."""
    if isinstance(program, dict):
        return program["steps"], program["start"]
    steps = {str(i): dict(step) for i, step in enumerate(program, 1)}
    for i, step in enumerate(steps.values(), 1):
        if VERBS[verb_of(step)][0] and i < len(steps):
            step["next"] = str(i + 1)
    return steps, "1"


def verb_of(step):
    return next(key for key in step if key in VERBS)


def args_of(step):
    verb = verb_of(step)
    value, main = step[verb], VERBS[verb][3]
    if not isinstance(value, dict) or (verb in ("set", "tag") and not isinstance(value.get(main), dict)):
        return {main: value}
    return dict(value)


def branch(step, outcome):
    return step.get(outcome, step.get("next"))


# ---- may it be kept ----

def edges(step):
    """(step, whether nobody is waited for on the way there)"""
    outcomes, _, flags, _ = VERBS[verb_of(step)]
    quick = QUICK - ({"none"} if verb_of(step) == "record" else set())     # silence, or its length
    for to in step.get("on", {}).values():
        yield to, "w" not in flags
    for key in OUTCOMES:
        taken = [o for o in outcomes.split() if (o if o in step else "next") == key]
        if key in step:
            yield step[key], bool(taken) and ("w" not in flags or bool(quick & set(taken)))


def reach(steps, first, quick):
    found, queue = set(), [first]
    while queue:
        for to, is_quick in edges(steps[queue.pop()]):
            if to not in found and (is_quick or not quick):
                found.add(to)
                queue.append(to)
    return found


def may_be_kept(program):
    steps, start = steps_of(program)
    for step in steps.values() if isinstance(program, dict) else ():
        outcomes, required, _, _ = VERBS[verb_of(step)]
        if "on" in step and "invalid" in outcomes:
            required += " invalid"
        if any(branch(step, outcome) is None for outcome in required.split()):
            return False
    return reach(steps, start, False) | {start} == set(steps) and not any(name in reach(steps, name, True) for name in steps)


# ---- what happens ----

def pattern_key(pattern):
    """Sorts the most exact one first: from left to right fewer symbols, then no dot, then longer."""
    return [(len(symbols(one)), dot) for one, dot in re.findall(r"(\[[^]]*\]|.)(\.?)", pattern)] + [(99, "")]


def symbols(one):
    return "0123456789" if one == "x" else expanded(one[1:-1]) if one[0] == "[" else one


def expanded(inside):
    return re.sub(r"(\d)-(\d)", lambda m: "".join(str(d) for d in range(int(m[1]), int(m[2]) + 1)), inside)


def fits(pattern, value):
    made = "".join("[" + re.escape(symbols(one)) + "]" + ("*" if dot else "") for one, dot in re.findall(r"(\[[^]]*\]|.)(\.?)", pattern))
    return re.fullmatch(made, value) is not None


def on(step, value):
    """The key that counts."""
    keys = step.get("on", {})
    if value in keys:
        return value
    found = [key for key in keys if re.fullmatch(r"(?:(?:[0-9*#+x]|\[[0-9-]+\])\.?)+", key) and fits(key, value)]
    return min(found, key=pattern_key, default=None)


class Call:
    """One call on its way: `lines` is what it meets."""

    def __init__(self, program, facts, outcomes):
        self.steps, self.at = steps_of(program)
        self.facts, self.outcomes = facts, list(outcomes)
        self.variables, self.secret = {}, set()
        self.tries, self.visit, self.lines = 0, 0, []

    def expand(self, text):
        """The text, and whether a secret is in it."""
        made, hidden = "", False
        for literal, name, width in re.findall(r"([^{]+|\{\{)|\{([A-Za-z0-9._-]+)(?::([0-9]+))?\}", text):
            if literal:
                made += "{" if literal == "{{" else literal
                continue
            value = (self.facts if name in ("caller", "called") or "." in name else self.variables).get(name, "")
            hidden |= name in self.secret
            made += "0" * max(0, int(width or 0) - len(value.encode())) * bool(value) + value
        if len(made.encode()) > TEXT_MAX:
            raise Failed
        return made, hidden

    def text(self, verb, arg, value):
        made, hidden = self.expand(value)
        if not made and (verb, arg) in OPTIONAL:
            return None, False
        size = len(made.encode())
        if size > MOST.get((verb, arg), TEXT_MAX) or not re.fullmatch(FORMS.get((verb, arg), r"(?s).+"), made):
            raise Failed
        return made, hidden

    def texts(self, verb, arg, values):
        """Those that are empty in the end are left out."""
        kept = []
        for value in [values] if isinstance(values, str) else values:
            made, hidden = self.expand(value)
            if made and (len(made.encode()) > 256 or not re.fullmatch(FORMS[verb, arg], made)):
                raise Failed
            kept += [(made, hidden)] if made else []
        if not kept:
            raise Failed
        return kept

    def filled(self, step):
        """Arguments with their names replaced; texts as pairs of the text and whether it is secret."""
        verb, args = verb_of(step), {}
        for arg, value in args_of(step).items():
            if (verb, arg) in LISTS:
                args[arg] = self.texts(verb, arg, value)
            elif isinstance(value, dict):
                args[arg] = {key: self.expand(one) for key, one in value.items()}
            elif isinstance(value, str) and arg not in ("into", "how"):
                made = self.text(verb, arg, value)
                if made[0] is not None:
                    args[arg] = made
            else:
                args[arg] = value
        return args

    def set(self, name, value, secret):
        size = sum(len(n) + len(v.encode()) + 2 for n, v in self.variables.items() if n != name)
        if size + (len(name) + len(value.encode()) + 2 if value else 0) > VARIABLES_MAX:
            raise Failed
        self.variables.pop(name, None)
        self.secret.discard(name)
        if value:
            self.variables[name] = value
            self.secret |= {name} if secret else set()

    def decide(self, verb, args):
        """The outcome, what is compared with the keys of `on`, and whether that is a secret."""
        if verb == "set":
            for name, (value, secret) in args["variables"].items():
                self.set(name, value, secret)
        elif verb == "tag":
            if any(secret for _, secret in args["tags"].values()):
                raise Failed
            self.lines += [{"tag": name, "value": value} for name, (value, _) in args["tags"].items()]
        elif verb == "hours":
            says = self.facts.get("hours." + args["name"][0], "")
            return ("failed" if not says else "next" if says == "open" else "closed"), says, args["name"][1]
        elif verb == "match":
            return "else", *args["value"]
        return "next", ""

    def follow(self, outcome, value, hidden=False):
        """Where it goes: a step, or None."""
        step = self.steps[self.at]
        verb, args = verb_of(step), args_of(step)
        outcomes = VERBS[verb][0].split()
        if outcome not in outcomes:
            outcome = "else" if "else" in outcomes else "failed"
        if verb == "gather" and outcome == "next" and not (
                args.get("min", 1) <= len(value) <= args.get("max", 16) and re.fullmatch("[0-9*#A-D]*", value)):
            outcome = "invalid"
        key = on(step, value) if outcome in ("next", "else", "closed") else None
        if key is None and verb == "gather" and outcome == "next" and "on" in step:
            outcome = "invalid"
        if outcome in ("timeout", "invalid") and self.tries + 1 < args.get("tries", 1):
            self.tries += 1
            return self.leave(outcome, self.at)
        self.tries = 0
        into = {"gather": "digits", "record": "recording", "directory": "number"}.get(verb)
        try:
            if into and (outcome == "next" or (verb, outcome) == ("record", "none")):
                self.set(args.get("into", into), value, args.get("secret", False))
        except Failed:
            key, outcome = None, "failed"
        return self.leave(outcome, branch(step, outcome)) if key is None else self.leave(
            "***" if hidden or args.get("secret") else key, step["on"][key])

    def leave(self, by, to):
        self.lines.append({"left": self.at, "by": by})
        return to

    def shown(self, value):
        if isinstance(value, tuple):
            return "***" if value[1] else value[0]
        if isinstance(value, list):
            return [self.shown(one) for one in value]
        return {key: self.shown(one) for key, one in value.items()} if isinstance(value, dict) else value

    def run(self):
        while True:
            if self.at is None:
                return self.lines + [{"end": True}]
            if self.visit == VERBS_MAX:
                return self.lines + [{"end": "too many verbs"}]
            self.visit += 1
            step = self.steps[self.at]
            verb = verb_of(step)
            try:
                args = self.filled(step)
                if "d" in VERBS[verb][2]:
                    self.at = self.follow(*self.decide(verb, args))
                    continue
            except Failed:
                self.at = self.follow("failed", "")
                continue
            self.lines.append({"step": self.at, "visit": self.visit, verb: self.shown(args)})
            if not self.outcomes or not VERBS[verb][0]:
                return self.lines
            word = self.outcomes.pop(0)
            self.at = self.follow(word, "") if word in OUTCOMES else self.follow("next", word)

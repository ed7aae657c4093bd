# SPDX-License-Identifier: Apache-2.0
"""What `promtool check metrics` says of a page of metrics: the text format 0.0.4, and how things are named."""
import math
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|\Z)')
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)\Z")
UNITS = ("seconds", "bytes", "meters", "grams", "joules", "volts", "amperes", "celsius")
PREFIXES = ("pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo", "kibi", "mega", "mebi", "giga", "gibi")
OTHERS = {"minutes", "hours", "days", "weeks", "bits", "octets", "permille", "percent", "hundredths", "fahrenheit"}
SHORT = {"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "m", "h", "d"}
PARTS = ("_bucket", "_sum", "_count")


def labels_of(text):
    """The labels of a sample as a dict, or None where they are malformed."""
    found, at = {}, 0
    while at < len(text or ""):
        match = LABEL.match(text, at)
        if not match or match[1] in found:
            return None
        found[match[1]] = match[2]
        at = match.end()
    return found


def naming(name, kind):
    """Complaints about a name."""
    words = name.split("_")
    if kind == "counter" and not name.endswith("_total"):
        yield "a counter ends with _total"
    if kind != "counter" and name.endswith("_total"):
        yield "only counters end with _total"
    if kind != "histogram" and name.endswith(PARTS):
        yield "the ending is a histogram's"
    if ":" in name or re.search(r"[a-z][A-Z]", name):
        yield "colons and camel case are for others"
    if {"counter", "gauge", "histogram", "summary"} & set(words):
        yield "the type stands in the name"
    for word in words:
        if word in OTHERS or any(word == prefix + unit for prefix in PREFIXES for unit in UNITS):
            yield f"{word} is no base unit"
        if word in SHORT:
            yield f"{word} is an abbreviation of a unit"


def histogram(name, samples):
    """Complaints about the samples of one: [(suffix, labels, value)]."""
    series = {}
    for suffix, labels, value in samples:
        rest = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
        series.setdefault(rest, {}).setdefault(suffix, []).append((labels.get("le"), value))
    for rest, parts in series.items():
        buckets = parts.get("_bucket", [])
        bounds = [math.inf if le == "+Inf" else float(le) for le, _ in buckets if le is not None]
        counts = [value for _, value in buckets]
        if len(bounds) != len(buckets) or bounds != sorted(set(bounds)) or not bounds or bounds[-1] != math.inf:
            yield f"bounds of {rest}: {bounds}"
        elif counts != sorted(counts):
            yield f"buckets of {rest} are not cumulative"
        if [len(parts.get(part, [])) for part in ("_sum", "_count")] != [1, 1]:
            yield f"{rest} lacks its sum or count"
        elif counts and parts["_count"][0][1] != counts[-1]:
            yield f"the count of {rest} is not that of all"


def check(page):
    """All complaints about a page; none when it is clean."""
    kinds, helps, done, samples, last, seen = {}, {}, set(), {}, None, set()
    for line in page.split("\n")[:-1]:
        if line.startswith("# HELP ") or line.startswith("# TYPE "):
            _, what, name, text = (line.split(" ", 3) + [""])[:4]
            table = helps if what == "HELP" else kinds
            if name in table or not text:
                yield f"{name}: {what} is missing or there twice"
            table[name] = text
            continue
        match = SAMPLE.match(line)
        labels = labels_of(match[2]) if match else None
        if labels is None:
            yield f"malformed: {line}"
            continue
        name = match[1]
        base = next((name[:-len(part)] for part in PARTS if name.endswith(part)
                     and kinds.get(name[:-len(part)]) == "histogram"), name)
        if base != last and base in done:
            yield f"{base}: its lines are not together"
        done.add(base)
        last = base
        if (name, match[2]) in seen:
            yield f"{line}: there twice"
        seen.add((name, match[2]))
        try:
            samples.setdefault(base, []).append((name[len(base):], labels, float(match[3])))
        except ValueError:
            yield f"{line}: no number"
    if not page.endswith("\n"):
        yield "the last line does not end"
    for name, kind in kinds.items():
        if name not in helps:
            yield f"{name}: no HELP"
        if kind not in ("counter", "gauge", "histogram") or not NAME.match(name):
            yield f"{name}: {kind}"
        yield from (f"{name}: {text}" for text in naming(name, kind))
        if kind == "histogram":
            yield from (f"{name}: {text}" for text in histogram(name, samples.get(name, [])))
    yield from (f"{name}: no TYPE" for name in samples if name not in kinds)

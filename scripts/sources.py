#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How large the tree is, and how much of it is only there to reach the rest.  Run from the root; prints one line of JSON.

sources.py                what `./tandem bench tree` prints of the sources
sources.py --list NAME    the things that the figure counts, one a line
sources.py --none NAME    the same, and exits 1 if there are any
"""
import argparse
import collections
import functools
import json
import pathlib
import re
import sys

PRODUCT = ("app", "base", "client", "cluster", "dsp", "engine", "media", "sig")
TESTS = ("bench", "tests")
COMMENT_OR_TEXT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
RETURNED = r"^(?!static\b|typedef\b|return\b|else\b|#)(?:[A-Za-z_]\w*[ *]+)+\**"
DEFINED = re.compile(RETURNED + r"(\w+)\([^;{}]*\)\s*\{", re.M)
DECLARED = re.compile(RETURNED + r"(\w+)\([^;{}]*\)[^;{}]*;", re.M)
WORD = re.compile(r"[A-Za-z_]\w*")
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)
STRUCT = re.compile(r"\bstruct (\w+) (\{)")
FUNCTION_POINTER = re.compile(r"\(\*(\w+)\)\s*\(")
COLUMNS = 100
HOST, REQUEST, EVENT = "call_host", "effect", "sig_event"       # structs: of what calls reach, ask for and publish
# Features whose spread is followed: their own files, and names in code beside what their headers declare.
FEATURES = {
    "message_summary": (r"(?:^|/)(?:message_summary|mailboxes|mailbox|shard_messages)[./]",
                        r"(?:mailboxes|shard_messages|node_messages|messages_unasked|message_counts|message_summary|of_messages)\w*|"
                        r"(?:PACKAGE|CHANGED)_MESSAGES|MAILBOX(?:ES)?_(?:NAME_)?MAX"),
    "presence": (r"(?:^|/)[^/]*presence", r"\w*(?:presence|PRESENCE)\w*"),
    "account_code": (r"(?:^|/)(?:command_)?accounts?(?:_codes?)?(?:_field)?[./]",
                     r"\w*account_(?:code|date|digits|flow|class|lacks|module|saved|value|by)\w*|"
                     r"(?:g_account|leg_account)_\w+|accounts_(?:any|open|close|put|delete|take)|"
                     r"(?:needs|told|behind)_account|"
                     r"\w*ACCOUNT_(?:CODE|DIGITS|REQUIRED|OPTIONAL|OVERRIDE|OFF|ENDS|REFUSED|TAKEN|FLOW|KEYS|DATE)\w*|"
                     r"(?:ORDER|FEATURE|CALL_CODE|SIG_CALL|TENANT)_ACCOUNTS?"),
    "group": (r"(?:^|/)(?:command_)?groups?(?:_field)?[./]",
              r"ring_group|groups_(?:open|close|put|delete|find|next|out)\w*|dial_add_group|"
              r"group_(?:to_core|value|program|rings|has|members?|lint)\w*|"
              r"GROUPS?_(?:OUT|OUTS|NAME|MEMBERS|WORD|PROGRAM|SHOWN|ELSE|IN|PREFIX)(?:_\w+)?|RING_GROUPS_MAX|TENANT_GROUPS|FEATURE_GROUP_\w+|"
              r"(?:g|command)_group_\w+"),
}
TABLES = (".def", ".proto", ".lua")
WORDS = pathlib.Path(__file__).with_name("words.txt")
HISTORY = ("docs/adr/", "CHANGELOG.md")                         # says what was
NAMED = re.compile(r"[\w/.-]+_test(?:\.\w+)?(?:::[\w.]+)?|adr/\d{4}-[\w-]+")   # of a document: files of tests, and decisions
TEXT = re.compile(r'"(?:\\.|[^"\\])*"')


class Source:
    """A file of C: its text, what it includes, and how often each name is in its code."""
    def __init__(self, path):
        self.path, self.folder = path, path.split("/")[0]
        text = pathlib.Path(path).read_text(encoding="utf-8")
        self.text, self.lines = text, text.count("\n")
        self.includes = set(INCLUDE.findall(text))
        self.code = re.sub(r"^#include.*$", "", COMMENT_OR_TEXT.sub(lambda m: "\n" * m[0].count("\n"), text), flags=re.M)
        self.names = collections.Counter(WORD.findall(self.code))
        self.is_product, self.is_header = self.folder in PRODUCT, path.endswith(".h")


def read():
    paths = sorted(path.as_posix() for folder in PRODUCT + TESTS for path in pathlib.Path(folder).rglob("*.[ch]"))
    return {path: Source(path) for path in paths}


def product(files):
    return [file for file in files.values() if file.is_product]


def with_one_caller(files):
    """Functions of a header whose name is used once beside where they are declared and defined.  Tests and benches are no callers."""
    declared = {name for file in files.values() if file.is_header for name in DECLARED.findall(file.code)}
    home = {name: file for file in product(files) if not file.is_header for name in DEFINED.findall(file.code)}
    uses = collections.Counter()
    for file in product(files):
        uses.update({name: count for name, count in file.names.items() if name in home and name in declared})
        uses.subtract(name for name in DECLARED.findall(file.code) if name in home)
    return sorted(f"{home[name].path}: {name}" for name in declared & home.keys() if uses[name] - 1 == 1)


def with_one_includer(files):
    """Headers of the product that one file of it includes, or none, beside the file of the same name.  Tests and benches apart."""
    includers = collections.defaultdict(set)
    for file in product(files):
        for name in file.includes:
            includers[name].add(file.path)
    return sorted(file.path for file in product(files) if file.is_header and len(includers[file.path] - {file.path[:-1] + "c"}) <= 1)


def folder_of(path):
    return path.rpartition("/")[0]


def circles(graph):
    """Those of {name: names that it reaches in one step} that are reached from one another, the largest circle first."""
    names = list(graph)
    bits = {name: 1 << at for at, name in enumerate(names)}
    reach = [sum(bits[end] for end in set(graph[name]) if end in bits) for name in names]
    for through, bit in enumerate(bits.values()):
        reach = [ends | reach[through] if ends & bit else ends for ends in reach]
    sets = {tuple(end for other, end in enumerate(names) if ends & bits[end] and reach[other] & bits[name]) for name, ends in zip(names, reach)}
    return sorted((found for found in sets if len(found) > 1), key=lambda found: (-len(found), found))


def cycles(files):
    """Folders that can be reached from one another by what they include: each such set is one."""
    graph = collections.defaultdict(set)
    for file in product(files):
        graph[folder_of(file.path)] |= {folder_of(name) for name in file.includes if name in files and files[name].is_product}
    return sorted(" ".join(sorted(found)) for found in circles(graph))


def file_cycles(files):
    """The same of files: headers, mostly."""
    return [" ".join(found) for found in circles({file.path: file.includes for file in product(files)})]


def seen_by(files):
    """{path: all that it includes, through others, too}"""
    seen = {}
    for file in product(files):
        found, open_ = set(), [file.path]
        while open_:
            new = (files[open_.pop()].includes & files.keys()) - found
            found |= new
            open_ += new
        seen[file.path] = found
    return seen


def call_cycle(files):
    """The most C files that use functions of one another, as a header declares them; what is inline in a header is of no C file."""
    home = {name: file.path for file in product(files) if not file.is_header for name in DEFINED.findall(file.code)}
    declared = {file.path: set(DECLARED.findall(file.code)) & home.keys() for file in product(files) if file.is_header}
    seen = seen_by(files)
    graph = {}
    for file in (file for file in product(files) if not file.is_header):
        known = set().union(*(declared.get(header, ()) for header in seen[file.path]))
        used = set(re.findall(r"(?<![.>\w])[A-Za-z_]\w*", file.code))         # members are of no file
        graph[file.path] = {home[name] for name in known & used} - {file.path}
    return next(iter(circles(graph)), ())


def without_head_comment(files):
    return [file.path for file in product(files) if not file.is_header and not "".join(file.text.split("\n")[1:2]).startswith("/*")]


def long_lines(files):
    return [f"{file.path}:{number}" for file in product(files) for number, line in enumerate(file.text.split("\n"), 1)
            if len(line.expandtabs(8)) > COLUMNS]


def body(code, at):
    """What the brace there encloses."""
    depth = 0
    for brace in re.finditer(r"[{}]", code[at:]):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return code[at + 1:at + brace.start()]
    return ""


def structs(files):
    """{name: (path, text between its braces)} of the product"""
    return {found[1]: (file.path, re.sub(r"^\s*#.*$", "", body(file.code, found.start(2)), flags=re.M))
            for file in product(files) for found in STRUCT.finditer(file.code)}


def statements(text):
    """Declarations of a struct, without what their braces hold."""
    while (flat := re.sub(r"\{[^{}]*\}", "{}", re.sub(r"\{\}", "\0", text))) != text:
        text = flat
    return [" ".join(part.split()) for part in text.split(";") if part.strip()]


def members(text):
    """Names of a struct's members, but for unions and structs that are within it alone."""
    found = []
    for part in statements(text):
        if "\0" not in part:
            pointer = FUNCTION_POINTER.search(part)
            found += [pointer[1]] if pointer else [WORD.findall(re.sub(r"\[[^\]]*\]|:.*", "", name))[-1] for name in part.split(",")]
    return found


def members_of(struct):
    return lambda files: members(structs(files)[struct][1]) if struct in structs(files) else None


def host_functions(files):
    known = structs(files)
    return FUNCTION_POINTER.findall(known[HOST][1]) if HOST in known else None


def widest(files):
    """The struct of a header with most members, those of structs within it among them: (name, path)"""
    known, counts = {name: found for name, found in structs(files).items() if found[0].endswith(".h")}, {}

    def count(name, around=()):
        if name not in counts:
            within = re.findall(r"\bstruct (\w+) \w", known[name][1])
            counts[name] = len(members(known[name][1])) + sum(count(other, (*around, name)) for other in within
                                                             if other in known and other not in (*around, name))
        return counts[name]
    return max(((count(name), name, known[name][0]) for name in known), default=(0, "", ""))[1:]


def with_widest(files):
    header = widest(files)[1]
    return sorted(file.path for file in product(files) if header in file.includes)


def tables():
    """{path: code} of lists of the product that are not C."""
    return {path.as_posix(): COMMENT_OR_TEXT.sub(" ", path.read_text(encoding="utf-8"))
            for folder in PRODUCT for path in sorted(pathlib.Path(folder).rglob("*.*")) if path.suffix in TABLES}


def named(feature):
    """Files outside of the feature's own that include a header of its, use what that declares, or name what is of it in a list."""
    own, names = (re.compile(pattern) for pattern in FEATURES[feature])
    names = re.compile(rf"(?<!\w)(?:{names.pattern})(?!\w)")

    def listed(files):
        headers = {file.path for file in product(files) if file.is_header and own.search(file.path)}
        declared = {name for path in headers for name in DECLARED.findall(files[path].code)}
        found = {file.path for file in product(files)
                 if file.includes & headers or declared & file.names.keys() or any(names.fullmatch(name) for name in file.names)}
        found |= {path for path, text in tables().items() if names.search(text)}
        return sorted(path for path in found if not own.search(path))
    return listed


def table():
    """Of words.txt: patterns of text, of whole words, and of public names."""
    rows = [line.split("\t")[0] for line in WORDS.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    kinds = {"text": [], "word": [], "public": []}
    for row in rows:
        kinds["public" if row[0] == "=" else "text" if " " in row or "/" in row else "word"].append(f"(?:{row.lstrip('=')})")
    return [re.compile("|".join(kinds[kind]), re.I) for kind in kinds]


def test_names():
    """Names of tests, which are sentences: of functions in Python and C."""
    texts = {kind: [path.read_text(encoding="utf-8") for path in pathlib.Path("tests").rglob(f"*_test.{kind}")] for kind in ("py", "c")}
    return {name for kind, found in (("py", r"\bdef (test_\w+)"), ("c", r"\b(\w+)\(void \*\*\w+\)")) for text in texts[kind] for name in re.findall(found, text)}


def words(files):
    """Where a word of words.txt is said, in the product and in documents."""
    phrases, whole, public = table()
    is_one = functools.cache(lambda word: whole.fullmatch(word) is not None)
    tests, pages = test_names(), [*pathlib.Path().glob("*.md"), *(path for folder in (*PRODUCT, "docs") for path in pathlib.Path(folder).rglob("*.md"))]
    documents = {path.as_posix() for path in pages}
    paths = [*(file.path for file in product(files)), *tables(), *sorted(documents)]
    listed = []
    for path in (path for path in paths if not path.startswith(HISTORY)):
        for number, line in enumerate(pathlib.Path(path).read_text(encoding="utf-8").split("\n"), 1):
            line = public.sub("", NAMED.sub("", line)) if path in documents else TEXT.sub(lambda text: public.sub("", text[0]), line)
            found = [word for word in WORD.findall(line) if is_one(word) and not (path in documents and word in tests)]
            listed += [f"{path}:{number}: {word}" for word in found + [phrase[0] for phrase in phrases.finditer(line)]]
    return listed


LISTS = {
    "c_files": lambda files: [file.path for file in product(files) if not file.is_header],
    "headers": lambda files: [file.path for file in product(files) if file.is_header],
    "exported_with_one_caller": with_one_caller,
    "headers_with_one_includer": with_one_includer,
    "include_cycles": cycles,
    "file_include_cycles": file_cycles,
    "files_in_largest_call_cycle": call_cycle,
    "c_files_without_head_comment": without_head_comment,
    "lines_over_100_columns": long_lines,
    "call_host_functions": host_functions,
    "request_members": members_of(REQUEST),
    "event_members": members_of(EVENT),
    "widest_struct_includers": with_widest,
    **{f"{name}_files": named(name) for name in FEATURES},
    "words": words,
}


def figures(files):
    own = product(files)
    return {"lines": sum(file.lines for file in own),
            "test_lines": sum(file.lines for file in files.values() if file.folder == "tests"),
            **{name: None if (found := listed(files)) is None else len(found) for name, listed in LISTS.items()}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", choices=LISTS, metavar="NAME", help=", ".join(LISTS))
    parser.add_argument("--none", choices=LISTS, metavar="NAME", help="the same, and exits 1 if there are any")
    options = parser.parse_args()
    files, name = read(), options.none or options.list
    found = LISTS[name](files) or [] if name else [json.dumps(figures(files))]
    print("\n".join(found), end="\n" if found else "")
    return 1 if options.none and found else 0


if __name__ == "__main__":
    sys.exit(main())

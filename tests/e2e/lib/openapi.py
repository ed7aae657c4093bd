# SPDX-License-Identifier: Apache-2.0
"""An OpenAPI document: which requests it allows, random ones among them, and whether a response is as it says."""
import json
import os
import re
import urllib.parse

import jsonschema

from . import ROOT

os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(ROOT / "build" / "hypothesis"))
import hypothesis
from hypothesis import strategies as st

MEDIA = "application/json"
ID_LENGTH = 13


class Api:
    def __init__(self, document):
        self.document = document
        self.resolver = jsonschema.RefResolver("", document)
        self.operations = {operation["operationId"]: (method.upper(), path, operation)
                           for path, methods in document["paths"].items() for method, operation in methods.items()}

    def resolved(self, thing):
        while "$ref" in thing:
            thing = self.resolver.resolve(thing["$ref"])[1]
        return thing

    def check(self, value, schema):
        """Raises where the value is not as the schema says."""
        jsonschema.Draft202012Validator(schema, resolver=self.resolver).validate(value)

    def parameters(self, operation):
        return [self.resolved(parameter) for parameter in operation.get("parameters", [])]

    @staticmethod
    def schema_of(thing):
        return thing["content"][MEDIA]["schema"] if "content" in thing else thing["schema"]

    def find(self, method, path):
        """The operation of a request's path, and the values in the path."""
        for ours, form, operation in self.operations.values():
            match = ours == method and re.fullmatch(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(form)), path)
            if match:
                return operation, {name: urllib.parse.unquote(value) for name, value in match.groupdict().items()}
        raise AssertionError(f"{method} {path} is not in the document")

    def check_request(self, method, target, body):
        """The operation's name. Numbers and switches of a query are what they look like."""
        path, _, query = target.partition("?")
        operation, given = self.find(method, path)
        known = {parameter["name"]: parameter for parameter in self.parameters(operation)}
        given |= dict(urllib.parse.parse_qsl(query))
        for name, value in given.items():
            if name not in known and "column" in known:     # a list by a column
                continue
            schema = self.schema_of(known[name])
            self.check(value if schema["type"] == "string" else json.loads(value), schema)
        missing = [name for name, parameter in known.items() if parameter.get("required") and name not in given]
        if missing:
            raise AssertionError(f"{method} {target} lacks {missing}")
        if body is not None or operation.get("requestBody", {}).get("required"):
            self.check(body, self.schema_of(operation["requestBody"]))
        return operation["operationId"]

    def check_response(self, name, status, kind, text):
        """The value; raises where the document knows no such status, type or value."""
        operation = self.operations[name][2]
        if str(status) not in operation["responses"]:
            raise AssertionError(f"{name}: {status} is not documented: {text[:500]}")
        media = self.resolved(operation["responses"][str(status)])["content"]
        if kind not in media:
            raise AssertionError(f"{name}: {status} has the type {kind}")
        value = json.loads(text)
        self.check(value, media[kind]["schema"])
        return value


WORD = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12)
ANYTHING = st.recursive(st.none() | st.booleans() | st.integers() | WORD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORD, inner, max_size=3),
                        max_leaves=6)


class Requests:
    """Random requests: mostly of the values that the document allows, and of some that are there."""

    def __init__(self, api, known):
        self.api, self.known = api, known

    def values(self, name, schema):
        """Of a schema, of what is there under that name, and sometimes none of that."""
        if name == "node" or schema.get("minLength") == ID_LENGTH == schema.get("maxLength"):      # another node's is awaited for a second
            return st.sampled_from([*self.known.get(name, self.known["call"])] * 4 + [""])
        right = [st.sampled_from(self.known[name])] * 3 if name in self.known else []
        kind = schema.get("type")
        if "enum" in schema:
            right.append(st.sampled_from(schema["enum"]))
        elif kind == "integer":
            right += [st.integers(schema["minimum"], schema["maximum"]), st.sampled_from((schema["minimum"], schema["maximum"]))]
        elif kind == "boolean":
            right.append(st.booleans())
        elif kind == "array":
            right.append(st.lists(st.sampled_from(schema["items"]["enum"]), max_size=schema["maxItems"]))
        elif kind == "string":
            right += [self.texts(schema), st.sampled_from(("", "0", "a", "*", "1001", "2026-11-25", "x" * schema.get("maxLength", 64)))]
        else:
            right.append(ANYTHING)
        return st.one_of(*right * 4, ANYTHING)

    @staticmethod
    def texts(schema):
        """Of what a pattern "^[...]*$" allows."""
        allowed = re.fullmatch(r"\^\[(?!\^)(.*)\]\*\$", schema.get("pattern", ""))
        every = [chr(c) for c in range(0x20, 0x7f) if re.fullmatch(f"[{allowed[1]}]", chr(c))] if allowed else None
        return st.text(every, min_size=schema.get("minLength", 0), max_size=min(schema.get("maxLength", 40), max(80, schema.get("minLength", 0)))) if every else WORD

    def of(self, name):
        """(name, method, target, body) of that operation."""
        method, path, operation = self.api.operations[name]
        parameters = self.api.parameters(operation)
        placed = {p["name"]: self.values(p["name"], self.api.schema_of(p)) for p in parameters if p["in"] == "path"}
        asked = {p["name"]: self.values(p["name"], self.api.schema_of(p)) for p in parameters if p["in"] == "query" and p["name"] != "column"}
        needed = {p["name"] for p in parameters if p.get("required") and p["name"] in asked}
        body = self.body(operation)

        def request(drawn):
            values, query, content = drawn
            target = re.sub(r"\{(\w+)\}", lambda m: urllib.parse.quote(as_text(values[m[1]])[:300], safe=""), path)
            query = urllib.parse.urlencode({key: as_text(value)[:600] for key, value in query.items()})
            return name, method, target + ("?" + query if query else ""), content
        return st.tuples(st.fixed_dictionaries(placed), some(asked, needed), body).map(request)

    def body(self, operation):
        if "requestBody" not in operation:
            return st.none()
        schema = self.api.schema_of(operation["requestBody"])
        members = {name: self.values(name, member) for name, member in schema["properties"].items()}
        return st.one_of(*[some(members, schema.get("required", ()))] * 9, ANYTHING)

    def all(self):
        return st.sampled_from(sorted(self.api.operations)).flatmap(self.of)


def some(values, needed):
    """A dict of what is needed, as a rule, and of a few others."""
    others = {name: value for name, value in values.items() if name not in needed}
    few = st.lists(st.sampled_from(sorted(others)), max_size=4, unique=True) if others else st.just([])
    whole = few.flatmap(lambda names: st.fixed_dictionaries({name: values[name] for name in (*needed, *names)}))
    return st.one_of(*[whole] * 9, st.just({}))


def as_text(value):
    """As it stands in a query."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    return value if isinstance(value, str) else json.dumps(value)

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Types of tandem.js: `tandemctl help openapi | tandem_types.py > tandem.d.ts`.  Every resource, argument, result and event is as the document says."""
import json
import re
import sys

HEAD = """// Written from the OpenAPI document by tandem_types.py.
export class Refused extends Error {
  status: number;
  code: string;
  argument?: string;
  detail: string;
}
export class NoAnswer extends Error {}
export interface More {
  /** The same key is the same command. */
  key?: string;
}
export interface Filters {
  type?: string;
  call?: string;
  user?: string;
  application?: string;
  after?: string;
  signal?: AbortSignal;
}
"""
TYPES = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null", "object": "{ [name: string]: any }",
         "array": "any[]"}


def camel(text):
    return re.sub(r"[-_.](\w)", lambda match: match[1].upper(), text)


def name_of(ref):
    name = camel(ref.rpartition("/")[2])
    return name[0].upper() + name[1:] + ("Event" if "." in ref.rpartition("/")[2] else "")


def type_of(schema, indent="  "):
    if "$ref" in schema:
        return name_of(schema["$ref"])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(map(json.dumps, schema["enum"]))
    kind = schema.get("type", [])
    if kind == "array":
        return f"Array<{type_of(schema['items'], indent)}>"
    if kind == "object" and "properties" in schema:
        return members(schema, indent)
    return " | ".join(TYPES[one] for one in ([kind] if isinstance(kind, str) else kind)) or "any"


def members(schema, indent="  "):
    needed = schema.get("required", ())
    lines = []
    for name, member in schema["properties"].items():
        if "description" in member:
            lines.append(f"{indent}/** {member['description'].replace('*/', '* /')} */")
        lines.append(f"{indent}{name}{'' if name in needed else '?'}: {type_of(member, indent + '  ')};")
    return "\n".join(["{", *lines, indent[2:] + "}"])


def arguments(document, operation):
    """All in one object, wherever they go."""
    resolved = [document["components"]["parameters"][p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in operation.get("parameters", [])]
    found = {"properties": {}, "required": []}
    for parameter in resolved:
        if parameter["in"] == "header":
            continue
        schema = parameter.get("schema") or parameter["content"]["application/json"]["schema"]
        found["properties"][parameter["name"]] = schema | {"description": parameter["description"]}
        found["required"] += [parameter["name"]] if parameter.get("required") else []
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    found["properties"] |= body.get("properties", {})
    found["required"] += body.get("required", [])
    return found


def main():
    document = json.load(sys.stdin)
    print(HEAD)
    for name, schema in document["components"]["schemas"].items():
        print(f"export interface {name_of('/' + name)} {members(schema)}")
    print("export type Event = " + " | ".join(name_of("/" + name) for name in document["webhooks"]) + ";")
    print('export type Heard = (Event | { type: "listening" | "missed" }) & { id?: string; [name: string]: any };')
    resources = {}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            first, below = re.match(r"/v1/([\w-]+)(?:/{\w+}/([\w-]+))?", path).groups()
            *nouns, verb = operation["operationId"].split(".")
            resource = camel(below if below and len(nouns) > 1 and below != verb else first)
            if resource == "events":        # events() reads that
                continue
            resources.setdefault(resource, []).append(operation)
    print("export class Tandem {\n  constructor(url?: string, token?: string, options?: { tenant?: string });")
    print("  do(name: string, args?: object, more?: More): Promise<any>;")
    print("  all(name: string, args?: object): AsyncGenerator<any>;")
    print("  events(filters?: Filters): AsyncGenerator<Heard>;")
    for resource, operations in resources.items():
        print(f"  {resource}: {{")
        for operation in operations:
            given = arguments(document, operation)
            result = operation["responses"]["200"]["content"]["application/json"]["schema"]
            print(f"    /** {operation['summary'].replace('*/', '* /')} */")
            print(f"    {camel(operation['operationId'].rpartition('.')[2])}(args{'' if given['required'] else '?'}: {members(given, '      ')}, more?: More): "
                  f"Promise<{type_of(result, '      ')}>;")
        print("  };")
    print("}")


main()

// SPDX-License-Identifier: Apache-2.0
// JSON as a tree that keeps what JavaScript's own objects lose: the order of members, and numbers as they are written.

export type Tree = { kind: "object"; members: [string, Tree][] } | { kind: "list"; items: Tree[] } | { kind: "text"; text: string } | { kind: "raw"; raw: string }; // raw: a number, true, false, null

/** Where text is no JSON, in words. */
export class Fault extends Error {
	constructor(
		readonly why: string,
		readonly line: number,
		readonly column: number,
	) {
		super(why);
	}
}

const DEEPEST = 100;

export function parse(text: string): Tree {
	let at = 0;
	const fail = (why: string, where = at): never => {
		const before = text.slice(0, where).split("\n");
		throw new Fault(why, before.length, (before[before.length - 1] ?? "").length + 1);
	};
	const space = () => {
		while (at < text.length && " \t\r\n".includes(text[at] as string)) at++;
	};
	const word = (): string => {
		const found = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
		found.lastIndex = at;
		const said = found.exec(text)?.[0];
		if (said === undefined) return fail("a text in quotes is expected");
		at += said.length;
		return JSON.parse(said) as string;
	};
	const value = (deep: number): Tree => {
		space();
		const first = text[at];
		if (deep > DEEPEST) return fail("too deep");
		if (first === '"') return { kind: "text", text: word() };
		if (first === "{") {
			const members: [string, Tree][] = [];
			at++;
			space();
			while (text[at] !== "}") {
				const where = at;
				const name = word();
				if (members.some(([one]) => one === name)) fail(`the member "${name}" is there twice`, where);
				space();
				if (text[at++] !== ":") fail("a colon is expected", at - 1);
				members.push([name, value(deep + 1)]);
				space();
				if (text[at] === "}") break;
				if (text[at++] !== ",") fail("a comma or } is expected", at - 1);
				space();
				if (text[at] === "}") fail("a text in quotes is expected");
			}
			at++;
			return { kind: "object", members };
		}
		if (first === "[") {
			const items: Tree[] = [];
			at++;
			space();
			while (text[at] !== "]") {
				items.push(value(deep + 1));
				space();
				if (text[at] === "]") break;
				if (text[at++] !== ",") fail("a comma or ] is expected", at - 1);
				space();
				if (text[at] === "]") fail("a value is expected");
			}
			at++;
			return { kind: "list", items };
		}
		const raw = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
		raw.lastIndex = at;
		const said = raw.exec(text)?.[0];
		if (!said) return fail("a value is expected");
		at += said.length;
		return { kind: "raw", raw: said };
	};
	const made = value(0);
	space();
	if (at < text.length) fail("nothing more is expected");
	return made;
}

const WIDE = 100;

/** As a person would write it: what fits into a line is one. */
export function print(tree: Tree, indent = ""): string {
	if (tree.kind === "text") return JSON.stringify(tree.text);
	if (tree.kind === "raw") return tree.raw;
	const deeper = `${indent}  `;
	const parts = tree.kind === "object" ? tree.members.map(([name, of]) => `${JSON.stringify(name)}: ${print(of, deeper)}`) : tree.items.map((of) => print(of, deeper));
	const [open, close] = tree.kind === "object" ? ["{", "}"] : ["[", "]"];
	if (!parts.length) return `${open}${close}`;
	const line = tree.kind === "object" ? `${open} ${parts.join(", ")} ${close}` : `${open}${parts.join(", ")}${close}`;
	return line.includes("\n") || indent.length + line.length > WIDE || indent === "" ? `${open}\n${parts.map((part) => deeper + part).join(",\n")}\n${indent}${close}` : line;
}

export const member = (tree: Tree | undefined, name: string): Tree | undefined => (tree?.kind === "object" ? tree.members.find(([one]) => one === name)?.[1] : undefined);
export const textOf = (tree: Tree | undefined): string => (tree?.kind === "text" ? tree.text : "");

/** The object with that member, in its place or behind the others; without it where `of` is null. */
export function withMember(tree: Tree, name: string, of: Tree | null): Tree {
	if (tree.kind !== "object") return tree;
	const there = tree.members.some(([one]) => one === name);
	const members = tree.members.flatMap(([one, before]): [string, Tree][] => (one !== name ? [[one, before]] : of ? [[one, of]] : []));
	return { kind: "object", members: there || !of ? members : [...members, [name, of]] };
}

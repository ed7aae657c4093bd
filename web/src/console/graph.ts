// SPDX-License-Identifier: Apache-2.0
// A flow's program as steps and the ways between them, and changes of it. Whatever is not changed stays as it was written.
import { type Tree, member, textOf, withMember } from "./tree";

export const VERBS = ["answer", "callback", "play", "say", "gather", "record", "tag", "set", "match", "hours", "pause", "reject", "hangup", "redirect", "voicemail", "mailbox", "refer", "dtmf", "park", "pickup", "conference", "queue", "stream", "notify", "dial", "directory", "message", "login", "pin", "device", "greeting", "notification", "http"];

export interface Way {
	from: string;
	by: string; // a branch; "on 1": a key of on
	to: string;
}
export interface Step {
	name: string;
	verb: string;
	says: string; // what it does, in short
	of: Tree;
}
export interface Graph {
	start: string;
	steps: Step[];
	ways: Way[];
	faults: { step: string; why: string }[];
}

const ON = "on ";

/** What a step does with, in a few words. */
function inShort(of: Tree | undefined): string {
	if (!of) return "";
	if (of.kind === "text") return of.text;
	if (of.kind === "raw") return of.raw;
	if (of.kind === "list") return of.items.map(inShort).join(", ");
	return of.members.slice(0, 2).map(([, one]) => inShort(one)).filter(Boolean).join(" · ");
}

/** null: the program is a list of verbs, which has no branches. */
export function graphOf(program: Tree): Graph | null {
	if (program.kind === "list") return null;
	const graph: Graph = { start: textOf(member(program, "start")), steps: [], ways: [], faults: [] };
	const steps = member(program, "steps");
	if (steps?.kind !== "object") {
		graph.faults.push({ step: "", why: "it has no steps" });
		return graph;
	}
	for (const [name, of] of steps.members) {
		const verb = of.kind === "object" ? (of.members.find(([one]) => VERBS.includes(one))?.[0] ?? "") : "";
		graph.steps.push({ name, verb, says: inShort(member(of, verb)), of });
		if (!verb) graph.faults.push({ step: name, why: "it has no verb" });
		if (of.kind !== "object") continue;
		for (const [by, to] of of.members) {
			if (by === "on" && to.kind === "object") for (const [key, there] of to.members) graph.ways.push({ from: name, by: ON + key, to: textOf(there) });
			else if (by !== verb && to.kind === "text") graph.ways.push({ from: name, by, to: to.text });
		}
	}
	const names = new Set(graph.steps.map((one) => one.name));
	for (const way of graph.ways) if (!names.has(way.to)) graph.faults.push({ step: way.from, why: `${way.by} leads to "${way.to}", which is no step` });
	if (!names.has(graph.start)) graph.faults.push({ step: "", why: `it starts with "${graph.start}", which is no step` });
	return graph;
}

const stepsOf = (program: Tree): Tree => member(program, "steps") ?? { kind: "object", members: [] };
const text = (of: string): Tree => ({ kind: "text", text: of });

export const putStep = (program: Tree, name: string, of: Tree | null): Tree => withMember(program, "steps", withMember(stepsOf(program), name, of));

/** Leads a branch elsewhere; to "": it is taken away. */
export function lead(program: Tree, from: string, by: string, to: string): Tree {
	const step = member(stepsOf(program), from);
	if (!step) return program;
	const there = to ? text(to) : null;
	if (!by.startsWith(ON)) return putStep(program, from, withMember(step, by, there));
	const on = withMember(member(step, "on") ?? { kind: "object", members: [] }, by.slice(ON.length), there);
	return putStep(program, from, withMember(step, "on", on.kind === "object" && !on.members.length ? null : on));
}

export const begin = (program: Tree, name: string): Tree => withMember(program, "start", text(name));

/** Another name for a step, wherever a way leads to it. */
export function rename(program: Tree, from: string, to: string): Tree {
	const graph = graphOf(program);
	if (!graph || graph.steps.some((one) => one.name === to)) return program;
	let made = program;
	for (const way of graph.ways) if (way.to === from) made = lead(made, way.from, way.by, to);
	const steps = stepsOf(made);
	if (steps.kind === "object") made = withMember(made, "steps", { kind: "object", members: steps.members.map(([name, of]): [string, Tree] => [name === from ? to : name, of]) });
	return graph.start === from ? begin(made, to) : made;
}

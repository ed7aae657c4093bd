// SPDX-License-Identifier: Apache-2.0
// One log for each call of an agent, made of the history that the node keeps: a conversation is one row there, over transfers too,
// and what ended while no page was open is logged at the next sign-in, in whatever browser. The archive knows what is logged: a page
// asks there before it writes, as the CRM may load it anew before it answers, and as an agent may have two pages. Whom the agent had
// in a conference is told in the log of the call that became one.
import * as api from "../api";
import { list, number, text, type Json, type Row } from "../api";
import { keep } from "../keep";
import { type Host, Refused } from "./host";

const LATE_MS = 600000; // so much behind a newer one the history may have a call
const KEPT_MS = 90 * 86400000; // what has no log by then gets none
const ROWS = 5000;
const SETTLE_MS = 2000;
const APART_MS = 3000; // so much later the history may have another call of a conference
const SAID_DAYS = 365; // so long what an agent has said is told no second time, over what was put right there since
const CLAIM_MS = 25000; // so long a page may have taken to know that it is the one which writes a log: later another one may be

const CALL_TYPES: { [direction: string]: string } = { incoming: "Inbound", outgoing: "Outbound", internal: "Internal" };

/** Names the log of one agent: both ends of a call may have one. */
const objectOf = (me: string, call: string): string => `${me}-${call}`;

/** Where it is heard, by who may: a page of the console, in which one signs in. */
const recordingUrl = (name: string): string => new URL(`console#/recordings/${name}`, `${globalThis.location?.origin ?? "https://node"}/`).href;

const said = new Map<string, string>(); // by an agent of queues, of his call: what came of it
const untold = new Set<string>(); // of those: the log does not have it yet

/** The fields of a Task. guests: calls of others in its conference. */
export function fieldsOf(row: Row, me: string, guests: Row[] = []): Row {
	const end = Math.max(...[row, ...guests].map((one) => number(one, "end_utc_ms")));
	const talk = guests.length && number(row, "answer_utc_ms") ? end - number(row, "answer_utc_ms") : number(row, "talk_ms");
	const direction = text(row, "direction");
	const who = [text(row, "number"), text(row, "name")].filter(Boolean).join(" ");
	const lines = [
		`Result: ${text(row, "result")}`,
		text(row, "answered_by") && `Answered by: ${text(row, "answered_by")}`,
		text(row, "account_code") && `Account code: ${text(row, "account_code")}`,
		text(row, "group") && `Group: ${text(row, "group")}`,
		guests.length && `Conference with: ${guests.map((one) => text(one, "number")).join(", ")}`,
		...[row, ...guests]
			.flatMap((one) => text(one, "recordings").split(","))
			.filter(Boolean)
			.map((one) => `Recording: ${recordingUrl(one)}`),
		text(row, "note"),
	];
	return {
		Subject: `Call ${direction === "outgoing" ? "to" : "from"} ${who || "unknown"}`.slice(0, 255),
		Status: "Completed",
		Priority: "Normal",
		ActivityDate: new Date(number(row, "setup_utc_ms")).toISOString().slice(0, 10),
		CallType: CALL_TYPES[direction] ?? "Inbound",
		CallObject: objectOf(me, text(row, "call")),
		CallDisposition: (said.get(objectOf(me, text(row, "call"))) ?? text(row, "result")).slice(0, 255),
		CallDurationInSeconds: Math.round(talk / 1000),
		Description: lines.filter(Boolean).join("\n").slice(0, 32000),
	};
}

/** What needs no log any more: all that ended by then, as of those that a log was written for and those that have none yet. */
export function doneUntil(written: number[], left: number[], now: number): number {
	const newest = Math.max(0, ...written) - LATE_MS;
	return Math.max(Math.min(newest, ...left.map((end) => end - 1)), written.length ? now - KEPT_MS : 0);
}

/** A call of the agent: conferences in which it was the agent's own, and the one in which it was another one's from its begin. */
export interface Part {
	row: Row;
	own: string[];
	guest: string;
}

export function partOf(me: string, row: Row, pairs: Row[]): Part {
	const own = pairs.filter((pair) => text(pair, "from") === me).map((pair) => text(pair, "conference"));
	return { row, own: own.filter(Boolean), guest: text(pairs[0], "from") === me ? "" : text(pairs[0], "conference") };
}

interface Written {
	me: string;
	record: string;
	end: number;
}
const answered = new Map<string, Written>(); // by the CRM; the node has not heard of it yet
let began = ""; // of whom the node knows that his calls are to have logs

const say = (me: string, body: Row) => api.ask<Row>("/v1/histories:log", { method: "POST", body: { user: me, ...body } });

async function tellAnswered(me: string): Promise<void> {
	for (const [key, { me: whose, record, end }] of answered) {
		if (whose !== me) continue; // both parties of a call may sign in here, one after the other
		await say(me, { call: key.slice(me.length + 1), record, end_utc_ms: end });
		answered.delete(key);
	}
}

/** The log to change; "": a new one; null: not for this page to write, or nobody knows whether one was written. */
async function logOf(host: Host, me: string, row: Row): Promise<string | null> {
	const call = text(row, "call");
	if (text(row, "log")) return text(row, "log");
	if ((await say(me, { call })).value.mine !== true) return null;
	if (!number(row, "log_asked_utc_ms")) return "";
	const found = await host.match("Task.CallObject", objectOf(me, call)).catch(() => null); // where the org has no class, none is
	return found ? (found[0]?.id ?? "") : null;
}

let busy: Promise<unknown> = Promise.resolve();
const seen = new Map<string, number>(); // calls of conferences, when they were first seen

/** Other calls of its conference may be going on, or not be in the history yet. */
function isOpen(call: string, talks: boolean): boolean {
	const first = seen.get(call) ?? performance.now();
	seen.set(call, first);
	return talks || performance.now() - first < APART_MS;
}

export interface Logged {
	written: string[]; // calls that have a log now
	left: number; // of so many it is not known
}

/** Logs what has ended since. Of two at once the second waits. talks: the agent has a call. */
export function logAll(host: Host, me: string, talks: () => boolean): Promise<Logged> {
	const now = busy.catch(() => undefined).then(() => logNow(host, me, talks));
	busy = now;
	return now;
}

/** What an agent of queues says of his call is its disposition, also where its log is written by then. False: it has it, and the page was loaded anew. */
export function keepSaid(me: string, call: string, disposition: string): boolean {
	const key = objectOf(me, call);
	said.set(key, disposition);
	if (keep.get(`tandem-said-${me}`) === JSON.stringify([key, disposition])) return false;
	untold.add(key);
	return true;
}

function saidIsTold(me: string, key: string, disposition: Json | undefined): void {
	if (said.get(key) !== disposition || !untold.delete(key)) return; // he has said something else by now
	keep.set(`tandem-said-${me}`, JSON.stringify([key, disposition]), SAID_DAYS);
}

/** Of so many it is not known yet: the history has no such call, or it has no log, which tells it when it is written. */
async function tellSaid(host: Host, me: string): Promise<number> {
	const keys = [...untold].filter((key) => key.startsWith(`${me}-`));
	for (const key of keys) {
		const record = text(await api.get(`/v1/histories/${key.slice(me.length + 1)}`, { user: me }).catch(() => null), "log");
		const disposition = said.get(key) ?? "";
		if (!record) continue;
		await host.log(record, { CallDisposition: disposition.slice(0, 255) });
		saidIsTold(me, key, disposition);
	}
	return keys.filter((key) => untold.has(key)).length;
}

/** What is being logged is told to the node, where that takes no longer than that. */
export const logsSettled = (): Promise<unknown> => Promise.race([busy.catch(() => undefined), new Promise((done) => setTimeout(done, SETTLE_MS))]);

async function logNow(host: Host, me: string, talks: () => boolean): Promise<Logged> {
	if (began !== me) await say(me, {});
	began = me;
	await tellAnswered(me);
	const { value: rows } = await api.rows("/v1/histories", { user: me, unlogged: true }, ROWS);
	const written = new Map<string, number>();
	let refused: Error | null = null; // one that the CRM does not take keeps no other from it
	const parts: Part[] = [];
	for (const row of rows.reverse()) {
		const told = await api.get(`/v1/histories/${text(row, "call")}`, { user: me }).catch(() => null);
		parts.push(partOf(me, row, list(told, "pairs")));
	}
	for (const { row, own, guest } of parts) {
		const call = text(row, "call");
		if (guest && parts.some((other) => other.own.includes(guest))) continue; // told there
		if ((guest || own.length) && isOpen(call, talks())) continue;
		const guests = parts.filter((other) => own.includes(other.guest)).map((other) => other.row);
		const asked = performance.now();
		const log = await logOf(host, me, row);
		if (log === null || performance.now() - asked > CLAIM_MS) continue;
		try {
			const fields = fieldsOf(row, me, guests);
			const record = await host.log(log, fields);
			saidIsTold(me, objectOf(me, call), fields.CallDisposition);
			for (const one of [row, ...guests]) {
				answered.set(objectOf(me, text(one, "call")), { me, record, end: number(one, "end_utc_ms") });
				written.set(text(one, "call"), number(one, "end_utc_ms"));
			}
		} catch (error) {
			if (!(error instanceof Refused)) throw error;
			if (!log) await say(me, { call, record: "" });
			refused = error;
		}
		await tellAnswered(me);
	}
	const left = rows.filter((row) => !written.has(text(row, "call"))).map((row) => number(row, "end_utc_ms"));
	const until = doneUntil([...written.values()], left, Date.now());
	if (until > 0) await say(me, { end_utc_ms: until });
	const unsaid = await tellSaid(host, me);
	if (refused) throw refused;
	return { written: [...written.keys()], left: left.length + unsaid };
}

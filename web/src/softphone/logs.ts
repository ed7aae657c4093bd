// SPDX-License-Identifier: Apache-2.0
// One log for each call of an agent, made of the history that the node keeps: a conversation is one row there, over transfers too,
// and what ended while no page was open is logged at the next sign-in. A log that is asked for is marked before, as the CRM may load
// the page anew before it answers.
import * as api from "../api";
import { list, number, text, type Row } from "../api";
import { keep } from "../keep";
import { type Host, Refused } from "./host";

const keptAs = (me: string): string => `tandem-logs-${me}`; // each agent of a browser has logs of his own
const KEPT_DAYS = 90; // what ends meanwhile is logged when he comes back
const MOST = 40; // logs whose calls may go on still
const LATE_MS = 600000; // so much behind a newer one the history may have a call
const ASKED_MS = 15000; // the CRM answers within, or not at all
const ROWS = 5000;

/** log: its id. An instant: the CRM was asked for it then, and the page has had no answer. */
export type Entry = [call: string, log: string | number, end: number];
export interface Kept {
	from: number; // what ended before is not logged, UTC in ms
	since: number; // of the last end that was logged
	ids: Entry[];
}

const CALL_TYPES: { [direction: string]: string } = { incoming: "Inbound", outgoing: "Outbound", internal: "Internal" };

/** Names the log of one agent: both ends of a call may have one. */
const objectOf = (me: string, call: string): string => `${me}-${call}`;

/** The fields of a Task. */
export function fieldsOf(row: Row, me: string): Row {
	const direction = text(row, "direction");
	const who = [text(row, "number"), text(row, "name")].filter(Boolean).join(" ");
	const lines = [
		`Result: ${text(row, "result")}`,
		text(row, "answered_by") && `Answered by: ${text(row, "answered_by")}`,
		text(row, "account_code") && `Account code: ${text(row, "account_code")}`,
		text(row, "group") && `Group: ${text(row, "group")}`,
		...list(row, "recordings").map((one) => `Recording: ${String(one)}`),
		text(row, "note"),
	];
	return {
		Subject: `Call ${direction === "outgoing" ? "to" : "from"} ${who || "unknown"}`.slice(0, 255),
		Status: "Completed",
		Priority: "Normal",
		ActivityDate: new Date(number(row, "setup_utc_ms")).toISOString().slice(0, 10),
		CallType: CALL_TYPES[direction] ?? "Inbound",
		CallObject: objectOf(me, text(row, "call")),
		CallDisposition: text(row, "result").slice(0, 255),
		CallDurationInSeconds: Math.round(number(row, "talk_ms") / 1000),
		Description: lines.filter(Boolean).join("\n").slice(0, 32000),
	};
}

function kept(me: string): Kept | null {
	try {
		const read = JSON.parse(keep.get(keptAs(me)) ?? "null") as Kept | null;
		return read && Array.isArray(read.ids) ? { ...read, from: read.from ?? read.since } : null;
	} catch {
		return null;
	}
}

/** Where to look from: calls may come late into the history, but of none before it is known whether it was logged. */
export const sinceOf = ({ from, since, ids }: Kept): number => Math.max(from, since - LATE_MS, ids.length < MOST ? 0 : Math.min(...ids.map((one) => one[2])));

/** What has no log yet, or one of before it went on; the first end first. */
export function due(rows: Row[], before: Kept): Row[] {
	const from = sinceOf(before);
	return rows
		.filter((row) => {
			const has = before.ids.find((one) => one[0] === text(row, "call"));
			return text(row, "call") && number(row, "end_utc_ms") > (has?.[2] ?? from);
		})
		.sort((one, other) => number(one, "end_utc_ms") - number(other, "end_utc_ms"));
}

let busy: Promise<unknown> = Promise.resolve();

/** Logs what has ended since. Of two at once the second waits. The calls that have a log now. */
export function logAll(host: Host, me: string): Promise<string[]> {
	const now = busy.catch(() => undefined).then(() => logNow(host, me));
	busy = now;
	return now;
}

/** The log that was asked for before the page was loaded anew. Where the org has no class that finds it, it is taken for written. */
async function found(host: Host, me: string, [call, log, end]: Entry, now: number): Promise<Entry | null> {
	if (typeof log === "string" || now - log < ASKED_MS) return [call, log, end];
	const rows = await host.match("Task.CallObject", objectOf(me, call)).catch(() => null);
	return rows?.length === 0 ? null : [call, rows?.[0]?.id ?? "", end];
}

async function logNow(host: Host, me: string): Promise<string[]> {
	const now = Date.now();
	const state = kept(me) ?? { from: now - 60000, since: now - 60000, ids: [] };
	const store = () => keep.set(keptAs(me), JSON.stringify({ ...state, ids: (state.ids = state.ids.slice(-MOST)) }), KEPT_DAYS);
	state.ids = (await Promise.all(state.ids.map((one) => found(host, me, one, now)))).filter((one) => one !== null);
	store();
	const { value: rows } = await api.rows("/v1/histories", { user: me, since: new Date(sinceOf(state)).toISOString().slice(0, 16) }, ROWS);
	let refused: Error | null = null; // one that the CRM does not take keeps no other from it
	for (const row of due(rows, state)) {
		const call = text(row, "call");
		const had = state.ids.find((one) => one[0] === call);
		const put = (log: string | number, end: number) => {
			state.ids = [...state.ids.filter((one) => one[0] !== call), [call, log, end]];
			store();
		};
		if (typeof had?.[1] === "number" || had?.[1] === "") continue; // its id is not known
		if (!had) put(Date.now(), number(row, "end_utc_ms")); // at once: the page may be loaded anew before the answer comes
		try {
			put(await host.log(had?.[1] ?? "", fieldsOf(row, me)), number(row, "end_utc_ms"));
		} catch (error) {
			if (!(error instanceof Refused)) throw error;
			if (!had) state.ids = state.ids.filter((one) => one[0] !== call);
			refused = error;
		}
		state.since = Math.max(state.since, number(row, "end_utc_ms"));
		store();
	}
	if (refused) throw refused;
	return state.ids.filter((one) => typeof one[1] === "string").map((one) => one[0]);
}

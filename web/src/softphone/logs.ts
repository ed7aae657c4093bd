// SPDX-License-Identifier: Apache-2.0
// One log for each call of an agent, made of the history that the node keeps: a conversation is one row there, over transfers too,
// and what ended while no page was open is logged at the next sign-in.
import * as api from "../api";
import { list, number, text, type Row } from "../api";
import { keep } from "../keep";
import type { Host } from "./host";

const keptAs = (me: string): string => `tandem-logs-${me}`; // each agent of a browser has logs of his own
const KEPT_DAYS = 90; // what ends meanwhile is logged when he comes back
const MOST = 40; // logs whose calls may go on still

interface Kept {
	since: number; // of the last end that was logged, UTC in ms
	ids: [call: string, log: string, end: number][];
}

const CALL_TYPES: { [direction: string]: string } = { incoming: "Inbound", outgoing: "Outbound", internal: "Internal" };

/** The fields of a Task. */
export function fieldsOf(row: Row): Row {
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
		CallObject: text(row, "call"),
		CallDisposition: text(row, "result").slice(0, 255),
		CallDurationInSeconds: Math.round(number(row, "talk_ms") / 1000),
		Description: lines.filter(Boolean).join("\n").slice(0, 32000),
	};
}

function kept(me: string): Kept | null {
	try {
		const read = JSON.parse(keep.get(keptAs(me)) ?? "null") as Kept | null;
		return read && Array.isArray(read.ids) ? read : null;
	} catch {
		return null;
	}
}

let busy: Promise<boolean> = Promise.resolve(false);

/** Logs what has ended since; whether that was anything. Of two at once the second waits. */
export function logAll(host: Host, me: string): Promise<boolean> {
	busy = busy.catch(() => false).then(() => logNow(host, me));
	return busy;
}

async function logNow(host: Host, me: string): Promise<boolean> {
	const before = kept(me) ?? { since: Date.now() - 60000, ids: [] };
	const rows = await api.get<Row[]>("/v1/histories", { user: me, since: new Date(before.since - 1000).toISOString().slice(0, 16), limit: 100 });
	let { since, ids } = before;
	const store = () => keep.set(keptAs(me), JSON.stringify({ since, ids: ids.slice(-MOST) }), KEPT_DAYS);
	let some = false;
	store();
	for (const row of [...rows].reverse()) {
		const call = text(row, "call");
		const end = number(row, "end_utc_ms");
		const has = ids.find((one) => one[0] === call);
		if (!call || (has ? has[2] >= end : end <= before.since)) continue;
		const id = await host.log(has?.[1] ?? "", fieldsOf(row));
		ids = [...ids.filter((one) => one[0] !== call), [call, id, end]];
		since = Math.max(since, end);
		some = true;
		store();
	}
	return some;
}

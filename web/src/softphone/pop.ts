// SPDX-License-Identifier: Apache-2.0
// The record of a call in the CRM, shown once for each call and agent: what was shown is kept, so a page that is loaded anew, as
// when the CRM goes to another record, does not show it again. One that is loaded anew while it searches searches again.
import * as api from "../api";
import { text, type Row } from "../api";
import { keep } from "../keep";
import { type CallType, type Found, type Host, Refused } from "./host";

const keptAs = (): string => `tandem-pops-${api.signedIn()?.user ?? ""}`;
const MOST = 40;
const SOON_MS = 4000; // behind it a node stands still: another one may have the call by then

export interface Terms {
	match: string[]; // Contact, Account, Lead
	pop: string[]; // inbound, outbound, internal
	new_record: string;
}
export interface Pop {
	call: string;
	value: string; // that was looked for
	found: Found[]; // several, or none: the agent chooses
}

const popped = (): string[] => {
	try {
		const read = JSON.parse(keep.get(keptAs()) ?? "[]") as unknown;
		return Array.isArray(read) ? read.map(String) : [];
	} catch {
		return [];
	}
};
const mark = (call: string, on: boolean) => keep.set(keptAs(), JSON.stringify([...popped().filter((one) => one !== call), ...(on ? [call] : [])].slice(-MOST)));

/** The first time that it is asked of a call. */
export function isNew(call: string): boolean {
	if (popped().includes(call)) return false;
	mark(call, true);
	return true;
}

/** Neither party is behind a trunk: internal. */
export const typeOf = (own: Row, call: Row): CallType => (call.outside !== true ? "internal" : text(own, "direction") === "in" ? "inbound" : "outbound");

/** What to look for: what the caller keyed under a tag (Case.CaseNumber=00001234) before his number, which is in any field. No other tag names a field. */
export function valuesOf(own: Row, call: Row): { field: string; value: string }[] {
	const tags = text(call, "data")
		.split(";")
		.map((one) => ({ field: /^\w+\.\w+(?==)/.exec(one)?.[0] ?? "", value: one.slice(one.indexOf("=") + 1).trim() }))
		.filter(({ field }) => field && field !== "account.code");
	return [...tags, { field: "", value: text(own, "remote") }].filter(({ value }) => value.length > 1);
}

/** By the org's class, if it has one; else wherever the org looks. */
async function found(host: Host, field: string, value: string, type: CallType): Promise<Found[]> {
	const rows = field ? await host.match(field, value).catch(() => null) : null;
	return rows ?? host.search(value, type);
}

export const fitting = (found: Found[], match: string[]): Found[] => found.filter((one) => !["Contact", "Account", "Lead"].includes(one.type) || match.includes(one.type));

const looked = new Set<string>(); // by this page

/** As the agent has chosen, or as there is one alone. Marked at once: what it shows may load this page anew. */
export async function showOnce(call: string, show: () => Promise<unknown>): Promise<void> {
	if (!isNew(call)) return;
	try {
		await show();
	} catch (error) {
		if (error instanceof Refused) mark(call, false); // else it may be shown
		throw error;
	}
}

/** Shows what is there of the call, once. Null: nothing is left to the agent. */
export async function popFor(host: Host, terms: Terms, own: Row): Promise<Pop | null> {
	const id = text(own, "call");
	if (!id || looked.has(id) || popped().includes(id)) return null;
	looked.add(id);
	try {
		const call = await api.get("/v1/crms:call", { call: id }, { patience_ms: SOON_MS });
		const type = typeOf(own, call);
		if (!terms.pop.includes(type)) return null;
		void host.raise().catch(() => undefined); // the search does not wait for it
		for (const { field, value } of valuesOf(own, call)) {
			const rows = fitting(await found(host, field, value, type), terms.match);
			const record = rows[0]?.id ?? "";
			if (rows.length === 1) await showOnce(id, () => host.show(record));
			if (rows.length) return rows.length > 1 ? { call: id, value, found: rows } : null;
		}
		return terms.new_record !== "none" && text(own, "remote") ? { call: id, value: text(own, "remote"), found: [] } : null;
	} catch (error) {
		looked.delete(id); // to be looked for again
		throw error;
	}
}

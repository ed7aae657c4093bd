// SPDX-License-Identifier: Apache-2.0
// What the phone of a tab keeps over a reload, and which call of the node is one of this phone.
import * as api from "../api";
import { number, text, type Row } from "../api";
import { t } from "../i18n";
import { keep } from "../keep";

export interface KeptCall {
	number: string;
	name: string;
	state: "talking";
	incoming: boolean;
	held: boolean;
	muted: boolean;
	video: boolean;
	begun_ms: number;
	since_ms: number;
	dialog: { call_id: string; local_tag: string; remote_tag: string };
}
export interface Kept {
	number: string;
	realm: string;
	ha1: string; // what the digest needs in place of the password
	calls: KeptCall[];
}

const PLACE = "tandem-phone";

/** In the session's storage: no other tab sees it, and it goes with this one. */
export function keepPhone(kept: object | null): void {
	try {
		if (kept) sessionStorage.setItem(PLACE, JSON.stringify(kept));
		else sessionStorage.removeItem(PLACE);
	} catch {
		// a frame that may keep nothing
	}
}

export function keptPhone(): Kept | null {
	try {
		const kept = JSON.parse(sessionStorage.getItem(PLACE) ?? "null") as Kept | null;
		return kept && kept.number === api.signedIn()?.user && kept.ha1 && Array.isArray(kept.calls) ? kept : null;
	} catch {
		return null;
	}
}

/* ---- over the end of the browser ---- */

export const TOLD = "tandem-push"; // whose browser is told of calls; and the cache of its worker, which goes with that
const TOLD_PHONE = "/pages/phone";

/** A phone that is on in a browser that is told of calls: a page that a notice opens registers at once, while the session lasts. Without it, its place is cleared. */
export async function keepTold(kept: Omit<Kept, "calls"> | null): Promise<void> {
	if (!("caches" in window) || !(await caches.has(TOLD))) return;
	const cache = await caches.open(TOLD);
	if (!kept) {
		await cache.delete(TOLD_PHONE);
		if (!keep.get(TOLD)) await caches.delete(TOLD); // it was opened anew while the notices were turned off
	} else if (keep.get(TOLD) === kept.number) await cache.put(TOLD_PHONE, new Response(JSON.stringify({ ...kept, expires_utc_s: api.signedIn()?.expires_utc_s ?? 1 })));
}

export async function toldPhone(): Promise<Kept | null> {
	const me = api.signedIn()?.user;
	if (!me || keep.get(TOLD) !== me || !("caches" in window)) return null;
	const found = (await (await (await caches.open(TOLD)).match(TOLD_PHONE))?.json()) as (Kept & { expires_utc_s?: number }) | undefined;
	const live = found?.expires_utc_s === 0 || Number(found?.expires_utc_s) * 1000 > Date.now();
	if (found && !live) await keepTold(null);
	return live && found?.number === me && found.ha1 ? { ...found, calls: [] } : null;
}

export const sameParties = (row: Row, me: string, of: { number: string; incoming: boolean }): boolean =>
	of.incoming ? text(row, "from") === of.number : text(row, "from") === me && text(row, "to") === of.number;

/** The node's call that one of this phone is: by its parties, and of several the one that began then. */
export function sameCall(rows: Row[], me: string, of: { number: string; incoming: boolean; begun_ms: number }): string {
	const parties = rows.filter((row) => sameParties(row, me, of));
	const found = parties.length ? parties : rows.length === 1 ? rows : [];
	const off = (row: Row) => Math.abs(number(row, "setup_utc_ms") - of.begun_ms);
	const best = [...found].sort((a, b) => off(a) - off(b))[0];
	if (!best) throw new api.Problem(404, "not_found", t("The node knows no such call."));
	return text(best, "id");
}

// SPDX-License-Identifier: Apache-2.0
// What the phone of a tab keeps over a reload, and which call of the node is one of this phone.
import * as api from "../api";
import { number, text, type Row } from "../api";
import { t } from "../i18n";

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

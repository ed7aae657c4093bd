// SPDX-License-Identifier: Apache-2.0
// Values as people read them, and tables as CSV. Pure.
import type { Json, Row } from "./api";

export const duration = (ms: number): string => {
	const s = Math.max(0, Math.floor(ms / 1000));
	const two = (n: number) => String(n).padStart(2, "0");
	return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
};

/** Made once for a language: making one takes longer than all that a screen of rows has it write. */
const formats = new Map<string, { clock: Intl.DateTimeFormat; day: Intl.DateTimeFormat }>();

function formatsOf(language: string) {
	let found = formats.get(language);
	if (!found) {
		found = {
			clock: new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
			day: new Intl.DateTimeFormat(language, { day: "2-digit", month: "short" }),
		};
		formats.set(language, found);
	}
	return found;
}

export const time = (ms: number, language: string): string => {
	if (!ms) return "";
	const at = new Date(ms);
	const { clock, day } = formatsOf(language);
	return at.toDateString() === new Date().toDateString() ? clock.format(at) : `${day.format(at)} ${clock.format(at)}`;
};

export const size = (octets: number): string => {
	const units = ["B", "kB", "MB", "GB", "TB"];
	let unit = 0;
	for (; octets >= 1000 && unit < units.length - 1; unit++) octets /= 1000;
	return `${octets < 10 && unit ? octets.toFixed(1) : Math.round(octets)} ${units[unit]}`;
};

export const plain = (value: Json | undefined): string =>
	value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);

/** RFC 4180; a text that a spreadsheet would take for a formula has an apostrophe before it. */
export function csv(columns: string[], rows: Row[]): string {
	const cell = (value: Json | undefined) => {
		let text = plain(value);
		if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
		return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
	};
	return [columns.map(cell).join(","), ...rows.map((row) => columns.map((name) => cell(row[name])).join(","))].join("\r\n") + "\r\n";
}

/** How good a call sounds, of a MOS: 0 is not known. */
export const quality = (mos: number): "" | "good" | "fair" | "poor" => (!mos ? "" : mos >= 3.8 ? "good" : mos >= 3.1 ? "fair" : "poor");

/** How long a text is to the node, which counts octets of UTF-8. */
export const octets = (text: string): number => new TextEncoder().encode(text).length;

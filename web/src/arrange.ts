// SPDX-License-Identifier: Apache-2.0
// Long tables in order: sought and sorted in slices, so that no slice keeps the browser from drawing.
import type { Row } from "./api";

export type Value = string | number;
export interface Wish {
	words: string[]; // lower case; a row has all of them
	textOf: (row: Row) => string; // lower case
	valueOf: ((row: Row) => Value) | null; // null: in the order in which they came
	down: boolean;
}

interface Pair {
	row: Row;
	by: Value;
}

const RUN = 256; // sorted at once
const SLICE_MS = 12;

const collator = new Intl.Collator(undefined, { numeric: true });

/** Numbers by their value, also those that are text without anything else; all else as people read it. */
function order(pairs: Pair[], down: boolean): (a: Pair, b: Pair) => number {
	const sign = down ? -1 : 1;
	if (pairs.every((one) => typeof one.by === "number" || /^\d{1,15}$/.test(one.by))) {
		for (const one of pairs) one.by = Number(one.by);
		return (a, b) => sign * ((a.by as number) - (b.by as number));
	}
	return (a, b) => sign * (typeof a.by === "number" && typeof b.by === "number" ? a.by - b.by : collator.compare(String(a.by), String(b.by)));
}

/** Yields now and then. What it returns is stable: equal rows stay as they came. */
function* steps(rows: Row[], wish: Wish): Generator<void, Row[]> {
	let found = rows;
	if (wish.words.length) {
		found = [];
		for (let i = 0; i < rows.length; i++) {
			const row = rows[i] as Row;
			const all = wish.textOf(row);
			if (wish.words.every((word) => all.includes(word))) found.push(row);
			if (i % RUN === RUN - 1) yield;
		}
	}
	const valueOf = wish.valueOf;
	if (!valueOf) return found;
	let pairs: Pair[] = [];
	for (let i = 0; i < found.length; i++) {
		pairs.push({ row: found[i] as Row, by: valueOf(found[i] as Row) });
		if (i % RUN === RUN - 1) yield;
	}
	const compare = order(pairs, wish.down);
	yield;
	for (let at = 0; at < pairs.length; at += RUN) {
		const run = pairs.slice(at, at + RUN).sort(compare);
		for (let i = 0; i < run.length; i++) pairs[at + i] = run[i] as Pair;
		yield;
	}
	for (let wide = RUN; wide < pairs.length; wide *= 2) {
		const merged: Pair[] = [];
		for (let at = 0; at < pairs.length; at += 2 * wide) {
			const middle = Math.min(at + wide, pairs.length);
			const end = Math.min(at + 2 * wide, pairs.length);
			for (let a = at, b = middle; a < middle || b < end; ) {
				merged.push((b >= end || (a < middle && compare(pairs[a] as Pair, pairs[b] as Pair) <= 0) ? pairs[a++] : pairs[b++]) as Pair);
				if (merged.length % RUN === 0) yield;
			}
		}
		pairs = merged;
	}
	return pairs.map((one) => one.row);
}

/** At once: for as many rows as take no time. */
export function arrange(rows: Row[], wish: Wish): Row[] {
	const work = steps(rows, wish);
	let step = work.next();
	while (!step.done) step = work.next();
	return step.value;
}

/** In slices; null: it was stopped. */
export async function arrangeSlowly(rows: Row[], wish: Wish, stopped: () => boolean): Promise<Row[] | null> {
	const work = steps(rows, wish);
	for (;;) {
		const end = performance.now() + SLICE_MS;
		let step = work.next();
		while (!step.done && performance.now() < end) step = work.next();
		if (step.done) return step.value;
		await new Promise((done) => setTimeout(done, 0));
		if (stopped()) return null;
	}
}

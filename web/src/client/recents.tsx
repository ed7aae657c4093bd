// SPDX-License-Identifier: Apache-2.0
// With whom the user spoke lately, each once, behind the contacts that he has pinned (CON-11). What is cleared here is out of his
// history, too, on all his devices. Each can be dragged, too: to be pinned, or cleared.
import { useState } from "preact/hooks";
import * as api from "../api";
import { text, type Row } from "../api";
import { drags, drops, useDragged } from "../drag";
import { t } from "../i18n";
import { Card, Empty, Icon, Sure, attempt, useAsk } from "../ui";
import { conversations } from "./history";

const EVERY_MS = 15000;
const MOST = 12;
const LOOK = 200; // conversations

const me = (): string => api.signedIn()?.user ?? "";

interface Person {
	number: string;
	name: string;
	pin: string; // his contact; "": he is not pinned
	calls: string[]; // conversations with him
}

/** Pinned ones first, then the newest; each number once. Pure. */
export function people(calls: Row[], book: Row[]): Person[] {
	const found = new Map<string, Person>();
	const person = (number: string): Person => {
		const one = found.get(number) ?? { number, name: "", pin: "", calls: [] };
		found.set(number, one);
		return one;
	};
	for (const row of book) if (row.pinned === true && text(row, "number")) Object.assign(person(text(row, "number")), { name: text(row, "name"), pin: text(row, "contact") });
	for (const row of calls) {
		const number = text(row, "number");
		if (!number) continue;
		const one = person(number);
		one.name ||= text(row, "name");
		one.calls.push(text(row, "call"));
	}
	return [...found.values()];
}

export function Recents({ news, onCall }: { news: number; onCall: (number: string) => void }) {
	const asked = useAsk(
		async (signal) => {
			const [calls, book] = await Promise.all([conversations({}, LOOK, signal), api.rows("/v1/contacts", { user: me() }, 10000, { signal })]);
			return { all: people(calls.value, book.value), kept: !calls.value.some((row) => row.plain === true) };
		},
		[news],
		EVERY_MS,
	);
	const [sure, setSure] = useState(false);
	const all = asked.value?.all ?? [];
	const hide = async (of: Person[]) => {
		// one by one: they may be hundreds, and none waits behind them
		for (const call of of.flatMap((one) => one.calls)) await api.ask(`/v1/histories/${encodeURIComponent(call)}/hide`, { method: "POST", body: { user: me() } });
	};
	const act = (what: () => Promise<unknown>, done = t("Saved")) => void attempt(what, done).then(asked.again);
	const clear = (what: () => Promise<unknown>) => act(what, t("Cleared"));
	const pin = (one: Person) => api.ask("/v1/contacts:pin", { method: "POST", body: { user: me(), number: one.number, pinned: !one.pin } });
	const dragged = useDragged();
	const held = all.find((one) => one.number === dragged?.person);
	const drop = async (one: Person) => {
		await hide([one]);
		if (one.pin) await pin(one);
	};
	if (!asked.value) return null;
	return (
		<Card
			title={t("Recent")}
			bare={!all.length}
			actions={
				asked.value.kept &&
				all.length > 0 && (
					<>
						{all.some((one) => one.pin) && (
							<button class="button slim bare" onClick={() => clear(() => hide(all.filter((one) => !one.pin)))}>
								{t("Clear all except pinned")}
							</button>
						)}
						{all.length > MOST && (
							<button class="button slim bare" onClick={() => clear(() => hide(all.slice(0, MOST)))}>
								{t("Clear all visible")}
							</button>
						)}
						<button class="button slim bare" onClick={() => setSure(true)}>
							{t("Clear all")}
						</button>
					</>
				)
			}
		>
			{!all.length ? (
				<Empty icon="clock" title={t("No call has ended yet")} />
			) : (
				<ul class="people" aria-label={t("Recent")}>
					{all.slice(0, MOST).map((one) => (
						<li key={one.number} data-person={one.number} {...(asked.value?.kept ? drags({ person: one.number }, one.number) : {})} {...drops(dragged, (of) => of.transfer && (() => of.transfer?.(one.number)))}>
							{asked.value?.kept && (
								<span class="grip" aria-hidden="true">
									⠿
								</span>
							)}
							<button class="button slim" aria-label={t("Call {to}", { to: one.name || one.number })} onClick={() => onCall(one.number)}>
								<span class="cut">{one.name || one.number}</span>
							</button>
							{asked.value?.kept && (
								<button class="button slim bare" aria-pressed={one.pin !== ""} aria-label={one.pin ? t("Unpin {who}", { who: one.name || one.number }) : t("Pin {who}", { who: one.name || one.number })} onClick={() => act(() => pin(one))}>
									<span aria-hidden="true">{one.pin ? "★" : "☆"}</span>
								</button>
							)}
							{asked.value?.kept && (
								<button class="button slim bare" aria-label={t("Clear {who}", { who: one.name || one.number })} onClick={() => clear(() => drop(one))}>
									<Icon name="bin" />
								</button>
							)}
						</li>
					))}
				</ul>
			)}
			{held && (
				<div class="inside row">
					<div class="drop grow" {...drops(dragged, () => () => act(() => pin(held)))}>
						{held.pin ? t("Drop it here: unpinned") : t("Drop it here: pinned")}
					</div>
					<div class="drop grow" {...drops(dragged, () => () => clear(() => drop(held)))}>
						{t("Drop it here: cleared")}
					</div>
				</div>
			)}
			{sure && (
				<Sure
					title={t("Clear all of your history?")}
					act={t("Clear all")}
					onNo={() => setSure(false)}
					onYes={() => {
						setSure(false);
						clear(() => api.ask("/v1/histories:clear", { method: "POST", body: { user: me() } }));
					}}
				>
					{t("Conversations leave your list on all your devices. Pinned contacts stay.")}
				</Sure>
			)}
		</Card>
	);
}

// SPDX-License-Identifier: Apache-2.0
// Conversations of a user that are over: the list, and one of them with its note.
import { useMemo, useState } from "preact/hooks";
import * as api from "../api";
import { number, text, type Row } from "../api";
import { duration, time } from "../format";
import { language, t } from "../i18n";
import { type Column, Dialog, Empty, Facts, Head, Icon, Table, attempt, useAsk } from "../ui";
import { word } from "../words";

const me = (): string => api.signedIn()?.user ?? "";

/** A conversation of the archive; where a node has none, its record in the same words. */
const asConversation = (row: Row): Row => {
	const out = text(row, "from") === me();
	const missed = text(row, "missed").split(",").includes(me());
	return {
		...row,
		call: row.id ?? "",
		direction: out ? "outgoing" : "incoming",
		number: (out ? row.to : row.from) ?? "",
		name: (out ? "" : row.from_name) ?? "",
		missed,
		result: number(row, "answer_utc_ms") ? "answered" : "no_answer",
		plain: true,
	};
};

export async function conversations(query: api.Ask["query"], most: number, signal: AbortSignal): Promise<api.Answer<Row[]>> {
	try {
		return await api.rows("/v1/histories", { limit: 200, ...query }, most, { signal });
	} catch (error) {
		if (!(error instanceof api.Problem) || [0, 401, 403].includes(error.status)) throw error;
		const answer = await api.rows("/v1/cdrs", { limit: 200 }, most, { signal });
		return { ...answer, value: answer.value.map(asConversation) };
	}
}

/** One of them: all that is known, and a note of one's own. */
function Conversation({ row, onClose, onChange }: { row: Row; onClose: () => void; onChange: () => void }) {
	const [note, setNote] = useState(text(row, "note"));
	const path = `/v1/histories/${encodeURIComponent(text(row, "call"))}`;
	const act = (verb: string, body: Row, done: string) =>
		attempt(() => api.ask(`${path}/${verb}`, { method: "POST", body }), done).then((ok) => {
			if (!ok) return;
			onChange();
			onClose();
		});
	return (
		<Dialog title={t("Conversation")} onClose={onClose}>
			<form
				class="inside"
				onSubmit={(event) => {
					event.preventDefault();
					void act("note", { note, user: me() }, t("Saved"));
				}}
			>
				<h2 class="break">
					{text(row, "number")} <span class="muted">{text(row, "name")}</span>
				</h2>
				<Facts
					of={[
						[t("When"), time(number(row, "setup_utc_ms"), language())],
						[t("Talk"), number(row, "talk_ms") ? duration(number(row, "talk_ms")) : ""],
						[t("Outcome"), outcome(row)],
						[t("Answered by"), text(row, "answered_by")],
						[t("Group"), text(row, "group")],
						["DNIS", text(row, "dnis")],
						[t("Account code"), text(row, "account_code")],
					]}
				/>
				{!row.plain && (
					<div class="field">
						<label for="conversation-note">{t("Note")}</label>
						<textarea id="conversation-note" class="input" maxLength={1000} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
					</div>
				)}
				<div class="ends">
					{!row.plain && (
						<button type="button" class="button harm" onClick={() => void act("hide", { user: me() }, t("Deleted"))}>
							<Icon name="bin" /> {t("Delete")}
						</button>
					)}
					<span class="grow" />
					<button type="button" class="button" onClick={onClose}>
						{t("Close")}
					</button>
					{!row.plain && (
						<button class="button first" disabled={note === text(row, "note")}>
							{t("Save")}
						</button>
					)}
				</div>
			</form>
		</Dialog>
	);
}

const hasFailed = (row: Row): boolean => row.missed === true || !["answered", "message", "handled"].includes(text(row, "result"));
const outcome = (row: Row): string => (row.missed === true ? t("Missed") : word(`result_${text(row, "result")}`));

export function HistoryPage({ news, onCall }: { news: number; onCall: (number: string) => void }) {
	const [pages, setPages] = useState(1);
	const [shown, show] = useState<Row | null>(null);
	const [only, setOnly] = useState("");
	const query = only === "missed" ? { missed: true } : only ? { direction: only } : {};
	const asked = useAsk((signal) => conversations(query, 200 * pages, signal), [pages, news, only], 15000);
	const columns: Column[] = useMemo(
		() => [
			{
				key: "number",
				title: t("Who"),
				track: "minmax(140px, 1.2fr)",
				value: (row) => `${text(row, "number")} ${text(row, "name")}`,
				cell: (row) => {
					const out = text(row, "direction") === "outgoing";
					return (
						<span class="row" style={{ flexWrap: "nowrap" }}>
							<span class={`badge ${hasFailed(row) ? "bad" : "good"}`} title={outcome(row)}>
								<span aria-hidden="true">{out ? "↗" : "↙"}</span>
								<span class="hidden">
									{out ? t("Outgoing") : t("Incoming")}: {outcome(row)}
								</span>
							</span>
							<strong class="num">{text(row, "number")}</strong>
							<span class="muted cut">{text(row, "name")}</span>
						</span>
					);
				},
			},
			{ key: "setup_utc_ms", title: t("When"), track: "140px", phone: "84px", cell: (row) => <span class="num">{time(number(row, "setup_utc_ms"), language())}</span> },
			{ key: "talk_ms", title: t("Talk"), track: "80px", end: true, wide: true, cell: (row) => (number(row, "talk_ms") ? duration(number(row, "talk_ms")) : "–") },
			{ key: "result", title: t("Outcome"), track: "minmax(110px, .7fr)", wide: true, value: outcome },
			{ key: "note", title: t("Note"), track: "minmax(90px, 1fr)", wide: true },
			{
				key: "_",
				title: t("Actions"),
				track: "264px",
				phone: "104px",
				value: () => "",
				cell: (row) => (
					<span class="row" style={{ flexWrap: "nowrap" }}>
						<button class="button slim" aria-label={t("Call {to}", { to: text(row, "number") })} onClick={() => onCall(text(row, "number"))}>
							<Icon name="call" /> <span class="wide-only">{t("Call")}</span>
						</button>
						<button class="button slim bare" aria-label={t("Details")} onClick={() => show(row)}>
							<Icon name="document" /> <span class="wide-only">{t("Details")}</span>
						</button>
					</span>
				),
			},
		],
		[language()],
	);
	return (
		<>
			<Head title={t("History")} lead={t("Your conversations, the newest first.")} />
			<Table
				label={t("History")}
				file="history"
				columns={columns}
				rows={asked.value?.value ?? null}
				error={asked.error}
				id={(row) => text(row, "call")}
				more={asked.value?.next ? () => setPages(pages + 1) : null}
				empty={<Empty icon="clock" title={t("No call has ended yet")} />}
				tools={
					<label>
						<span class="hidden">{t("Outcome")}</span>
						<select class="input" value={only} onChange={(event) => setOnly(event.currentTarget.value)}>
							<option value="">{t("All")}</option>
							<option value="missed">{t("Missed")}</option>
							<option value="incoming">{t("Incoming")}</option>
							<option value="outgoing">{t("Outgoing")}</option>
							<option value="internal">{t("Inside")}</option>
						</select>
					</label>
				}
			/>
			{shown && <Conversation row={shown} onClose={() => show(null)} onChange={asked.again} />}
		</>
	);
}

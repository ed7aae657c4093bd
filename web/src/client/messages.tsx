// SPDX-License-Identifier: Apache-2.0
// Messages in the user's mailbox: the list, and one of them with its note, its copies for others, and its file.
import { useState } from "preact/hooks";
import * as api from "../api";
import { list, number, text, type Row } from "../api";
import { duration, time } from "../format";
import { language, t } from "../i18n";
import { Audio, Badge, type Column, Dialog, Empty, Facts, Head, Icon, Table, attempt, useAsk } from "../ui";
import { tone, word } from "../words";
import { tastes } from "./media";

const me = (): string => api.signedIn()?.user ?? "";
const messagePath = (row: Row): string => `/v1/messages/${encodeURIComponent(text(row, "message"))}`;

/** Where its sound is, for five minutes: a port of its own. */
async function messageSource(row: Row): Promise<string> {
	const part = list(await api.get(`${messagePath(row)}/link`, { mailbox: me() }), "links")[0] ?? null;
	return `${location.protocol}//${location.hostname}:${number(part, "port")}${text(part, "path")}`;
}

/** When it was left, by the clock of the company; "": that of this browser is the same. */
function companyTime(row: Row): string {
	const at = number(row, "begun_utc_ms");
	const ahead_s = number(row, "zone_offset_s") + 60 * new Date(at).getTimezoneOffset();
	return ahead_s ? time(at + 1000 * ahead_s, language()) : "";
}

/** One of them: what is known, a note, a copy for others, and a file. */
function Message({ row, onClose, onChange }: { row: Row; onClose: () => void; onChange: () => void }) {
	const [note, setNote] = useState(text(row, "note"));
	const [to, setTo] = useState("");
	const [says, setSays] = useState(false);
	const forward = () =>
		act(
			() => api.ask(`${messagePath(row)}/${says ? "introduce" : "forward"}`, { method: "POST", body: { mailbox: me(), to: to.replace(/\s+/g, "") } }),
			says ? t("Your phone rings: speak behind the beep, then press #") : t("{to} has a copy", { to }),
		);
	const file = useAsk(() => messageSource(row), []);
	const act = (what: () => Promise<unknown>, done: string) => attempt(what, done).then((ok) => ok && onChange());
	return (
		<Dialog title={t("Message from {from}", { from: text(row, "from") })} onClose={onClose}>
			<div class="inside stack">
				<h2 class="break">
					{text(row, "from")} <span class="muted">{text(row, "from_name")}</span>
				</h2>
				<Facts
					of={[
						[t("When"), time(number(row, "begun_utc_ms"), language())],
						[t("When, in the zone of your company"), companyTime(row)],
						[t("Length"), duration(number(row, "duration_ms"))],
						[t("What it says"), text(row, "text")],
					]}
				/>
				<form
					class="stack"
					onSubmit={(event) => {
						event.preventDefault();
						void act(() => api.ask(messagePath(row), { method: "PATCH", body: { mailbox: me(), note } }), t("Saved"));
					}}
				>
					<div class="field">
						<label for="message-note">{t("Note")}</label>
						<textarea id="message-note" class="input" maxLength={255} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
					</div>
					<div class="ends">
						<button class="button" disabled={note === text(row, "note")}>
							{t("Save note")}
						</button>
					</div>
				</form>
				{row.private !== true && (
					<form
						class="stack"
						onSubmit={(event) => {
							event.preventDefault();
							void forward().then(() => setTo(""));
						}}
					>
						<div class="field">
							<label for="message-to">{t("Copy to extensions or groups, joined by a comma")}</label>
							<input id="message-to" class="input" required maxLength={255} value={to} onInput={(event) => setTo(event.currentTarget.value)} />
						</div>
						<label class="switch">
							<input id="message-says" type="checkbox" role="switch" checked={says} onChange={(event) => setSays(event.currentTarget.checked)} />
							<span>{t("With an introduction, which you say at your phone")}</span>
						</label>
						<div class="ends">
							<button class="button">{t("Forward")}</button>
						</div>
					</form>
				)}
				<div class="ends">
					{file.value && (
						<a class="button" href={file.value} download={`message-${text(row, "message")}.wav`} target="_blank" rel="noopener noreferrer">
							{t("Save as a file")}
						</a>
					)}
					<span class="grow" />
					<button class="button" onClick={onClose}>
						{t("Close")}
					</button>
				</div>
			</div>
		</Dialog>
	);
}

export function MessagesPage({ news, onCall }: { news: number; onCall: (to: string) => void }) {
	const [state, setState] = useState("");
	const [plays, setPlays] = useState({ id: "", src: "" });
	const asked = useAsk((signal) => api.rows("/v1/messages", { mailbox: me(), state }, 1000, { signal }), [state, news]);
	const [shown, show] = useState<Row | null>(null);
	const at = messagePath;
	const change = (what: () => Promise<unknown>, done: string) => void attempt(what, done).then(() => asked.again());
	const put = (row: Row, body: Row) => api.ask(at(row), { method: "PATCH", body: { mailbox: me(), ...body } });
	const play = async (row: Row) => {
		await attempt(async () => {
			setPlays({ id: text(row, "message"), src: await messageSource(row) });
			if (text(row, "state") === "new") await put(row, { state: "old" });
			asked.again();
		});
	};
	const columns: Column[] = [
		{
			key: "from",
			title: t("From"),
			track: "minmax(130px, 1fr)",
			cell: (row) => (
				<>
					{row.urgent === true && <Badge tone="bad">{t("urgent")}</Badge>} <strong class="num">{text(row, "from")}</strong> <span class="muted">{text(row, "from_name")}</span>
				</>
			),
		},
		{ key: "begun_utc_ms", title: t("Left"), track: "140px", wide: true, cell: (row) => <span class="num">{time(number(row, "begun_utc_ms"), language())}</span> },
		{ key: "duration_ms", title: t("Length"), track: "80px", end: true, wide: true, cell: (row) => duration(number(row, "duration_ms")) },
		{ key: "state", title: t("State"), track: "100px", wide: true, cell: (row) => <Badge tone={tone(text(row, "state"))}>{word(text(row, "state"))}</Badge> },
		{ key: "text", title: t("What it says"), track: "minmax(90px, 1.2fr)", wide: true, cell: (row) => text(row, "text") || <span class="muted">{text(row, "note")}</span> },
		{
			key: "_",
			title: t("Actions"),
			track: "344px",
			phone: "222px",
			value: () => "",
			cell: (row) =>
				text(row, "state") === "deleted" ? (
					<button class="button slim" onClick={() => change(() => api.ask(`${at(row)}/undelete`, { method: "POST", body: { mailbox: me() } }), t("It is back"))}>
						{t("Take back")}
					</button>
				) : plays.id === text(row, "message") ? (
					<Audio src={plays.src} label={t("Message from {from}", { from: text(row, "from") })} through={tastes().player} />
				) : (
					<span class="row" style={{ flexWrap: "nowrap" }}>
						<button class="button slim" aria-label={t("Play")} onClick={() => void play(row)}>
							<Icon name="play" /> <span class="wide-only">{t("Play")}</span>
						</button>
						<button class="button slim bare" aria-label={t("Details")} onClick={() => show(row)}>
							<Icon name="document" /> <span class="wide-only">{t("Details")}</span>
						</button>
						<button class="button slim bare" aria-label={t("Call {to}", { to: text(row, "from") })} onClick={() => onCall(text(row, "from"))}>
							<Icon name="call" />
						</button>
						<button class="button slim bare" aria-label={t("Delete")} onClick={() => change(() => api.ask(at(row), { method: "DELETE", query: { mailbox: me() } }), t("Deleted"))}>
							<Icon name="bin" />
						</button>
					</span>
				),
		},
	];
	return (
		<>
			<Head title={t("Voicemail")} lead={t("Messages in your mailbox, the newest first.")} />
			<Table
				label={t("Voicemail")}
				file="messages"
				columns={columns}
				rows={asked.value?.value ?? null}
				error={asked.error}
				id={(row) => text(row, "message")}
				empty={<Empty icon="mail" title={t("No messages")} />}
				tools={
					<label>
						<span class="hidden">{t("State")}</span>
						<select class="input" value={state} onChange={(event) => setState(event.currentTarget.value)}>
							<option value="">{t("New and heard")}</option>
							<option value="new">{t("New")}</option>
							<option value="old">{t("Heard")}</option>
							<option value="deleted">{t("Deleted")}</option>
						</select>
					</label>
				}
			/>
			{shown && <Message key={text(shown, "message")} row={shown} onClose={() => show(null)} onChange={asked.again} />}
		</>
	);
}

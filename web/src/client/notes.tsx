// SPDX-License-Identifier: Apache-2.0
// Notes of the user about himself (CON-13): written, changed, put away as done, and deleted. Nobody else reads them.
import { useState } from "preact/hooks";
import * as api from "../api";
import { number, text, type Row } from "../api";
import { octets, time } from "../format";
import { language, t } from "../i18n";
import { Card, Empty, Head, Icon, Waits, Wrong, attempt, useAsk } from "../ui";

const MOST = 1020; // octets, as the node takes them
const NEAR = 200;

/** What is still free, once that is little. */
function Left({ of }: { of: string }) {
	const n = MOST - octets(of);
	if (n > NEAR) return null;
	return (
		<span class="small muted" role="status">
			{n < 0 ? t("Too long by {n} octets", { n: -n }) : t("{n} octets left", { n })}
		</span>
	);
}

function Note({ row, onAct }: { row: Row; onAct: (method: string, body: Row | undefined, done: string) => void }) {
	const [given, setGiven] = useState<string | null>(null);
	const archived = row.archived === true;
	return (
		<Card>
			<form
				class="stack"
				data-note={number(row, "note")}
				onSubmit={(event) => {
					event.preventDefault();
					onAct("PATCH", { text: given ?? "" }, t("Saved"));
					setGiven(null);
				}}
			>
				<span class="small muted num">{time(number(row, "written_utc_ms"), language())}</span>
				<textarea class="input" aria-label={t("Note")} value={given ?? text(row, "text")} onInput={(event) => setGiven(event.currentTarget.value)} />
				{given !== null && <Left of={given} />}
				<div class="row">
					{given !== null && (
						<button class="button slim first" disabled={octets(given) > MOST}>
							{t("Save")}
						</button>
					)}
					<button type="button" class="button slim" onClick={() => onAct("PATCH", { archived: !archived }, t("Saved"))}>
						{archived ? t("Not done yet") : t("Done")}
					</button>
					<button type="button" class="button slim harm" onClick={() => onAct("DELETE", undefined, t("Deleted"))}>
						<Icon name="bin" /> {t("Delete")}
					</button>
				</div>
			</form>
		</Card>
	);
}

export function NotesPage() {
	const me = api.signedIn()?.user ?? "";
	const path = `/v1/contacts/${encodeURIComponent(me)}/notes`;
	const own = { user: me, about: "me" };
	const asked = useAsk((signal) => api.get<Row[]>(path, own, { signal }), []);
	const [old, setOld] = useState(false);
	const [given, setGiven] = useState("");
	const act = (method: string, of: string, body: Row | undefined, done: string) =>
		attempt(() => api.ask(path + of, { method, ...(body ? { body: { ...own, ...body } } : { query: own }) }), done).then((ok) => {
			asked.again();
			return ok;
		});
	const shown = asked.value?.filter((row) => (row.archived === true) === old);
	return (
		<>
			<Head title={t("Notes")} lead={t("Your own, which nobody else sees.")}>
				<label>
					<span class="hidden">{t("State")}</span>
					<select class="input" value={old ? "old" : ""} onChange={(event) => setOld(event.currentTarget.value !== "")}>
						<option value="">{t("Not done yet")}</option>
						<option value="old">{t("Done")}</option>
					</select>
				</label>
			</Head>
			<div class="stack">
				<form
					class="stack"
					onSubmit={(event) => {
						event.preventDefault();
						void act("POST", "", { text: given }, t("Saved")).then((ok) => ok && setGiven(""));
					}}
				>
					<div class="field">
						<label for="new-note">{t("New note")}</label>
						<textarea id="new-note" class="input" required value={given} onInput={(event) => setGiven(event.currentTarget.value)} />
						<Left of={given} />
					</div>
					<div>
						<button class="button first" disabled={octets(given) > MOST}>
							{t("Save note")}
						</button>
					</div>
				</form>
				{asked.error && <Wrong error={asked.error} />}
				{!shown && !asked.error && <Waits />}
				{shown?.length === 0 && <Empty icon="document" title={t("There is none yet")} />}
				{shown?.map((row) => <Note key={number(row, "note")} row={row} onAct={(method, body, done) => void act(method, `/${number(row, "note")}`, body, done)} />)}
			</div>
		</>
	);
}

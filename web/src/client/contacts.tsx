// SPDX-License-Identifier: Apache-2.0
// The directory of the company, and the contacts of one's own.
import { useState } from "preact/hooks";
import * as api from "../api";
import { list, text, type Row } from "../api";
import { t } from "../i18n";
import { type Column, Dialog, Empty, Head, Icon, Table, Wrong, attempt, link, useAsk } from "../ui";
import { dot, word } from "../words";
import { PictureField } from "./picture";

const me = (): string => api.signedIn()?.user ?? "";
const numbersOf = (row: Row | null): string =>
	list(row, "phones")
		.map((one) => (typeof one === "object" ? text(one, "number") : String(one)))
		.join(", ");

/** A contact of one's own. */
function Contact({ row, onClose, onChange }: { row: Row; onClose: () => void; onChange: () => void }) {
	const id = text(row, "contact");
	const full = useAsk((signal) => (id ? api.get(`/v1/contacts/${encodeURIComponent(id)}`, { user: me() }, { signal }) : Promise.resolve({} as Row)), [id]);
	const [given, setGiven] = useState<Row>({});
	const of = (name: string) => text(name in given ? given : name === "phones" ? { phones: numbersOf(full.value) } : full.value, name);
	const field = (name: string, label: string, more: object = {}) => (
		<div class="field">
			<label for={`contact-${name}`}>{label}</label>
			<input id={`contact-${name}`} class="input" value={of(name)} onInput={({ currentTarget: { value } }) => setGiven((before) => ({ ...before, [name]: value }))} {...more} />
		</div>
	);
	const numbers = of("phones").split(",").map((one) => one.trim()).filter(Boolean);
	const act = (method: string, body: Row | undefined, done: string) =>
		attempt(() => api.ask(id ? `/v1/contacts/${encodeURIComponent(id)}` : "/v1/contacts", { method, body, query: body ? {} : { user: me() } }), done).then((ok) => {
			if (!ok) return;
			onChange();
			onClose();
		});
	const save = () => {
		const body: Row = { user: me(), ...given };
		if ("phones" in given) body.phones = numbers;
		if (!numbers.includes(of("default_number"))) body.default_number = "";
		void act(id ? "PATCH" : "POST", body, t("Saved"));
	};
	return (
		<Dialog title={t("Contact")} onClose={onClose}>
			<form
				class="inside"
				onSubmit={(event) => {
					event.preventDefault();
					save();
				}}
			>
				<h2>{id ? text(row, "name") : t("New contact")}</h2>
				{full.error && <Wrong error={full.error} />}
				{field("name", t("Name"), { required: true, autofocus: true })}
				{field("company", t("Company"))}
				<PictureField photo={of("photo")} of={of("name")} onChange={(photo) => setGiven((before) => ({ ...before, photo }))} />
				{field("phones", t("Numbers, joined by a comma"), { inputMode: "tel" })}
				{numbers.length > 1 && (
					<div class="field">
						<label for="contact-default_number">{t("Called at")}</label>
						<select
							id="contact-default_number"
							class="input"
							value={numbers.includes(of("default_number")) ? of("default_number") : numbers[0]}
							onChange={({ currentTarget: { value } }) => setGiven({ ...given, default_number: value })}
						>
							{numbers.map((one) => (
								<option key={one}>{one}</option>
							))}
						</select>
					</div>
				)}
				{field("line", t("Called as (one of your numbers)"), { inputMode: "tel" })}
				{Object.entries({ favourite: t("Favourite"), pinned: t("Pinned: it stays where recent ones are cleared") }).map(([name, words]) => (
					<label class="switch" key={name}>
						<input type="checkbox" role="switch" checked={of(name) === "true"} onChange={(event) => setGiven({ ...given, [name]: event.currentTarget.checked })} />
						<span>{words}</span>
					</label>
				))}
				<div class="ends">
					{id && (
						<button type="button" class="button harm" onClick={() => void act("DELETE", undefined, t("Deleted"))}>
							<Icon name="bin" /> {t("Delete")}
						</button>
					)}
					<span class="grow" />
					<button type="button" class="button" onClick={onClose}>
						{t("Cancel")}
					</button>
					<button class="button first" disabled={!full.value}>
						{t("Save")}
					</button>
				</div>
			</form>
		</Dialog>
	);
}

export function ContactsPage({ users, onCall }: { users: Map<string, Row>; onCall: (to: string, line: string) => void }) {
	const [own, setOwn] = useState(false);
	const [shown, show] = useState<Row | null>(null);
	const asked = useAsk(async (signal) => ({ own, rows: (await (own ? api.rows("/v1/contacts", { user: me() }, 10000, { signal }) : api.rows("/v1/directories", {}, 20000, { signal }))).value }), [own]);
	const state = (row: Row) => (own ? "" : text(users.get(text(row, "number")), "state"));
	const name = (row: Row) => text(row, "name") || text(row, "number");
	const columns: Column[] = [
		{
			key: "name",
			title: t("Name"),
			track: "minmax(130px, 1.2fr)",
			value: (row) => `${row.favourite === true ? " " : ""}${name(row)}`, // favourites come first
			cell: (row) => (
				<>
					{state(row) && <span class={`dot ${dot(state(row))}`} title={word(state(row))} />} {row.favourite === true && <span title={t("Favourite")}>★ </span>}
					<strong>{name(row)}</strong>
				</>
			),
		},
		{ key: "number", title: t("Number"), track: "minmax(90px, .6fr)", wide: own },
		...(own
			? [{ key: "company", title: t("Company"), track: "minmax(90px, .8fr)", wide: true }]
			: [
					{ key: "department", title: t("Department"), track: "minmax(90px, .8fr)", wide: true },
					{ key: "title", title: t("Position"), track: "minmax(90px, .8fr)", wide: true },
				]),
		{ key: "mail", title: t("Mail"), track: "minmax(110px, 1fr)", wide: true, cell: (row) => (/^[^@\s:]+@[^@\s:]+$/.test(text(row, "mail")) ? <a href={`mailto:${text(row, "mail")}`}>{text(row, "mail")}</a> : text(row, "mail")) },
		{
			key: "_",
			title: t("Actions"),
			track: "190px",
			phone: own ? "190px" : "104px",
			value: () => "",
			cell: (row) => (
				<span class="row" style={{ flexWrap: "nowrap" }}>
					{text(row, "number") && text(row, "number") !== me() && (
						<button class="button slim" aria-label={t("Call {to}", { to: name(row) })} onClick={() => onCall(text(row, "number"), text(row, "line"))}>
							<Icon name="call" /> <span aria-hidden="true">{t("Call")}</span>
						</button>
					)}
					{own && (
						<button class="button slim bare" onClick={() => show(row)}>
							{t("Change")}
						</button>
					)}
				</span>
			),
		},
	];
	return (
		<>
			<Head title={t("Contacts")} lead={own ? t("Your own, which nobody else sees.") : t("The directory of your company.")}>
				<a class="button" href={link("syncs")}>
					{t("Of other services")}
				</a>
				<button
					class="button first"
					onClick={() => {
						setOwn(true);
						show({});
					}}
				>
					<Icon name="plus" /> {t("New contact")}
				</button>
			</Head>
			<Table
				key={String(own)}
				label={t("Contacts")}
				file="contacts"
				columns={columns}
				rows={asked.value?.own === own ? asked.value.rows : null}
				error={asked.error}
				id={(row) => text(row, "contact") || text(row, "number")}
				sort="name"
				empty={<Empty icon="users" title={t("There is none yet")} />}
				tools={
					<label>
						<span class="hidden">{t("Whose")}</span>
						<select class="input" value={own ? "own" : ""} onChange={(event) => setOwn(event.currentTarget.value === "own")}>
							<option value="">{t("Company")}</option>
							<option value="own">{t("Own")}</option>
						</select>
					</label>
				}
			/>
			{shown && <Contact row={shown} onClose={() => show(null)} onChange={asked.again} />}
		</>
	);
}

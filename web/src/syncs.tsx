// SPDX-License-Identifier: Apache-2.0
// Syncs of contacts as they go: when each ran last, what it has brought, why it failed, and that it runs now. A user makes and
// deletes his own.
import { useState } from "preact/hooks";
import * as api from "./api";
import { number, text, type Row } from "./api";
import { Form, argumentsOf, schema } from "./field";
import { time } from "./format";
import { language, t } from "./i18n";
import { Badge, type Column, Dialog, Empty, Head, Icon, Table, Waits, Wrong, attempt, link, useAsk } from "./ui";

const EVERY_MS = 3000;
const MOST = 40; // syncs that are asked about at a time; all are in the table

const reasons = (): { [reason: string]: string } => ({
	login: t("The service takes the login no more"),
	busy: t("The service is busy"),
	status: t("The service refuses"),
	request: t("The service cannot be asked so"),
	answer: t("The answer is none of that service"),
	address: t("The address may not be asked"),
	timeout: t("It takes too long"),
	certificate: t("The certificate is not trusted"),
	unreachable: t("The service cannot be reached"),
	expired: t("All is read anew"),
	lost: t("It was interrupted"),
	helper: t("The node has too much to do"),
	secret: t("The secret must be given again"),
});

const one = (name: string): string => `/v1/syncs/${encodeURIComponent(name)}`;

/** The state of each, where it can be known. */
async function look(signal: AbortSignal): Promise<Row[]> {
	const { value } = await api.rows("/v1/syncs", {}, 5000, { signal });
	const states = await Promise.all(value.slice(0, MOST).map((row) => api.get(`${one(text(row, "name"))}/state`, {}, { signal }).catch(() => null)));
	return value.map((row, i): Row => ({ ...row, ...states[i] }));
}

const at = (name: string, title: string): Column => ({ key: name, title, track: "150px", wide: true, cell: (row) => (number(row, name) ? <span class="num">{time(number(row, name), language())}</span> : "–") });

const OWN = ["service", "url", "login", "account", "secret", "minutes", "on"];

/** A sync into the book of its user. */
function NewSync({ user, onClose }: { user: string; onClose: () => void }) {
	const [name, setName] = useState("");
	const fields = useAsk(() => schema(), []);
	const given = fields.value && argumentsOf(fields.value, "patch", "/v1/syncs/{name}");
	const save = async (changes: Row) => {
		if (!name) throw new api.Problem(400, "missing_argument", t("It needs a name."), "name");
		await api.ask(one(name), { method: "PATCH", body: { user, ...changes }, headers: { "If-None-Match": "*" } });
		onClose();
	};
	return (
		<Dialog title={t("New contact sync")} onClose={onClose}>
			<div class="inside stack">
				<h2>{t("New contact sync")}</h2>
				<div class="field">
					<label for="sync-name">{t("Name")}</label>
					<input id="sync-name" class="input" autofocus value={name} onInput={(event) => setName(event.currentTarget.value.trim())} />
				</div>
				{fields.error && <Wrong error={fields.error} />}
				{given ? <Form fields={given} only={OWN} first={OWN} before={{ on: true }} fresh onSave={save} /> : !fields.error && <Waits lines={3} />}
				<div class="ends">
					<button class="button" onClick={onClose}>
						{t("Cancel")}
					</button>
				</div>
			</div>
		</Dialog>
	);
}

/** user: whose they are; "": those of the tenant, as its administrators see them. */
export function SyncsPage({ user = "" }: { user?: string }) {
	const [makes, setMakes] = useState(false);
	const asked = useAsk(look, [], EVERY_MS);
	const run = (row: Row) => void attempt(() => api.ask(`${one(text(row, "name"))}/run`, { method: "POST", body: {} }), t("It runs now")).then(asked.again);
	const columns: Column[] = [
		{ key: "name", title: t("Sync"), track: "minmax(80px, 1fr)" },
		{ key: "user", title: t("Book"), track: "minmax(70px, .7fr)", wide: true, value: (row) => text(row, "user") || t("Directory") },
		{ key: "service", title: t("Service"), track: "100px", wide: true },
		{
			key: "reason",
			title: t("State"),
			track: "minmax(110px, 1.6fr)",
			value: (row) => (row.running ? t("runs") : reasons()[text(row, "reason")] ?? text(row, "reason")),
			cell: (row) => (
				<span title={text(row, "detail")}>
					{row.running ? <Badge tone="accent">{t("runs")}</Badge> : !row.on ? <Badge>{t("off")}</Badge> : text(row, "reason") ? <Badge tone="bad">{reasons()[text(row, "reason")] ?? text(row, "reason")}</Badge> : number(row, "good_utc_ms") ? <Badge tone="good">{t("in order")}</Badge> : <Badge>{t("due")}</Badge>}{" "}
					<span class="muted small">{text(row, "detail")}</span>
				</span>
			),
		},
		{ key: "contacts", title: t("Contacts"), track: "90px", end: true, wide: true },
		{ key: "failed", title: t("Left out"), track: "90px", end: true, wide: true },
		at("ran_utc_ms", t("Last run")),
		at("next_utc_ms", t("Next run")),
		{
			key: "_",
			title: t("Run"),
			track: user ? "160px" : "120px",
			phone: user ? "160px" : "112px",
			value: () => "",
			cell: (row) => (
				<span class="row" style={{ flexWrap: "nowrap" }}>
					<button class="button slim" disabled={row.running === true} aria-label={t("Run now: {name}", { name: text(row, "name") })} onClick={() => run(row)}>
						{t("Run now")}
					</button>
					{user && row.locked !== true && (
						<button class="button slim bare" aria-label={t("Delete {what}?", { what: text(row, "name") })} onClick={() => void attempt(() => api.ask(one(text(row, "name")), { method: "DELETE" }), t("Deleted")).then(asked.again)}>
							<Icon name="bin" />
						</button>
					)}
				</span>
			),
		},
	];
	return (
		<>
			<Head title={t("Contact syncs now")} lead={t("Contacts of other services, and how their syncs go.")}>
				{user ? (
					<button class="button first" onClick={() => setMakes(true)}>
						<Icon name="plus" /> {t("New contact sync")}
					</button>
				) : (
					<a class="button" href={link("syncs")}>
						{t("Settings")}
					</a>
				)}
			</Head>
			<Table label={t("Contact syncs now")} file="syncs" columns={columns} rows={asked.value} error={asked.error} id={(row) => text(row, "name")} sort="name" empty={<Empty icon="users" title={t("No contact syncs")} />} />
			{makes && (
				<NewSync
					user={user}
					onClose={() => {
						setMakes(false);
						asked.again();
					}}
				/>
			)}
		</>
	);
}

// SPDX-License-Identifier: Apache-2.0
// Documents: what a tenant is made of. Lists and forms are made from the node's own schema.
import { useState } from "preact/hooks";
import * as api from "../api";
import { list, number, text, type Row } from "../api";
import { Form, argumentsOf, schema, wordsOf } from "../field";
import { plain, time } from "../format";
import { language, t } from "../i18n";
import { Badge, Card, type Column, Empty, Facts, Head, Icon, type IconName, Sure, Table, Waits, Wrong, attempt, link, useAsk } from "../ui";
import { DeviceSeen } from "./devices";

export interface Kind {
	path: string; // of the page, and below /v1/
	key: string; // the argument that names one
	title: string;
	one: string;
	icon: IconName;
	columns: string[]; // beside the key
	first?: string[];
	operator?: boolean;
}

export const kinds = (): Kind[] => [
	{ path: "extensions", key: "number", title: t("Extensions"), one: t("Extension"), icon: "users", columns: ["display_name", "registered", "enabled", "forward_always", "do_not_disturb"], first: ["display_name", "password", "enabled", "language", "do_not_disturb", "forward_always", "forward_busy", "forward_no_answer", "forward_unreachable", "forward_rings"] },
	{ path: "trunks", key: "name", title: t("Trunks"), one: t("Trunk"), icon: "trunk", columns: ["enabled", "direction", "servers", "transport", "calls_in", "calls_out", "up"], first: ["enabled", "direction", "servers", "port", "transport", "user", "password", "realm", "network", "sources", "caller_id"] },
	{ path: "numbers", key: "number", title: t("Numbers"), one: t("Number"), icon: "document", columns: [] },
	{ path: "dids", key: "number", title: t("Inbound numbers"), one: t("Inbound number"), icon: "document", columns: [] },
	{ path: "groups", key: "name", title: t("Groups"), one: t("Group"), icon: "users", columns: ["members", "how"], first: ["members", "how", "ring_s"] },
	{ path: "queues", key: "name", title: t("Queues"), one: t("Queue"), icon: "users", columns: ["members", "strategy", "priority"], first: ["members", "strategy", "ring_s", "wrapup_s", "max_wait_s", "timeout_to", "max_callers", "full_to", "only_with_agents", "none_to"] },
	{ path: "rooms", key: "number", title: t("Rooms"), one: t("Room"), icon: "room", columns: [] },
	{ path: "flows", key: "name", title: t("Flows"), one: t("Flow"), icon: "document", columns: ["steps", "hash"] },
	{ path: "hours", key: "name", title: t("Opening hours"), one: t("Opening hours"), icon: "clock", columns: [] },
	{ path: "routes", key: "name", title: t("Routes"), one: t("Route"), icon: "trunk", columns: [] },
	{ path: "locations", key: "id", title: t("Locations"), one: t("Location"), icon: "home", columns: [] },
	{ path: "profiles", key: "name", title: t("Profiles"), one: t("Profile"), icon: "document", columns: [] },
	{ path: "devices", key: "mac", title: t("Devices"), one: t("Device"), icon: "phone", columns: ["make", "model", "extensions", "location"], first: ["make", "generation", "model", "extensions", "location", "columns", "clock", "directory_key", "directory_page"] },
	{ path: "accounts", key: "code", title: t("Account codes"), one: t("Account code"), icon: "document", columns: [] },
	{ path: "syncs", key: "name", title: t("Contact syncs"), one: t("Sync"), icon: "users", columns: ["user", "service", "minutes", "on", "locked"], first: ["user", "service", "url", "login", "account", "secret", "minutes", "on"] },
	{ path: "webhooks", key: "name", title: t("Webhooks"), one: t("Webhook"), icon: "document", columns: ["enabled", "url", "events"] },
	{ path: "tokens", key: "name", title: t("Tokens"), one: t("Token"), icon: "shield", columns: ["role", "user", "expires_utc_s", "commands"] },
	{ path: "tenants", key: "name", title: t("Tenants"), one: t("Tenant"), icon: "home", columns: ["domains", "enabled"], operator: true },
];

function Value({ name, value }: { name: string; value: api.Json | undefined }) {
	if (typeof value === "boolean") return <Badge tone={value ? "good" : ""}>{value ? t("yes") : t("no")}</Badge>;
	if (name === "registered") return <Badge tone={value ? "good" : ""}>{value ? Number(value) === 1 ? t("1 phone") : t("{n} phones", { n: Number(value) }) : t("none")}</Badge>;
	if (name === "up" && Array.isArray(value)) {
		const down = value.filter((one) => one && typeof one === "object" && !Array.isArray(one) && one.up === false).length;
		return value.length ? <Badge tone={down ? "bad" : "good"}>{down ? t("{n} down", { n: down }) : t("up")}</Badge> : <Badge>{t("not probed")}</Badge>;
	}
	if (name.endsWith("_utc_s")) return <>{value ? time(1000 * Number(value), language()) : t("never")}</>;
	if (name.endsWith("_utc_ms")) return <>{time(Number(value), language())}</>;
	return <>{plain(value)}</>;
}

export function DocumentsPage({ kind }: { kind: Kind }) {
	const [pages, setPages] = useState(5);
	const asked = useAsk((signal) => api.rows(`/v1/${kind.path}`, {}, 1000 * pages, { signal, anyTenant: kind.operator }), [kind.path, pages], 10000);
	const rows = asked.value?.value ?? null;
	// where nothing is named: what the first rows have that a cell can hold
	const found = Object.keys(rows?.[0] ?? {}).filter((name) => name !== kind.key && typeof rows?.[0]?.[name] !== "object" && !name.startsWith("changed"));
	const names = kind.columns.length ? kind.columns : found.slice(0, 5);
	const columns: Column[] = [
		{ key: kind.key, title: kind.one, track: "minmax(110px, .9fr)" },
		...names.map((name, i): Column => ({ key: name, title: wordsOf(name), track: "minmax(80px, 1fr)", wide: i > 1, cell: (row) => <Value name={name} value={row[name]} /> })),
		{ key: "changed_utc_ms", title: t("Changed"), track: "140px", wide: true, cell: (row) => time(number(row, "changed_utc_ms"), language()) },
	];
	return (
		<>
			<Head title={kind.title}>
				<a class="button first" href={link(kind.path, "+")}>
					<Icon name="plus" /> {t("New")}
				</a>
			</Head>
			<Table
				label={kind.title}
				file={kind.path}
				columns={columns}
				rows={rows}
				error={asked.error}
				id={(row) => text(row, kind.key)}
				href={(row) => link(kind.path, text(row, kind.key))}
				sort={kind.key}
				more={asked.value?.next ? () => setPages(pages + 10) : null}
				empty={<Empty icon={kind.icon} title={t("There is none yet")}>{t("“New” makes the first one.")}</Empty>}
			/>
		</>
	);
}

/** Phones of an extension, and its calls. */
function Phones({ number: of }: { number: string }) {
	const asked = useAsk((signal) => api.get<Row[]>("/v1/registrations", { number: of }, { signal }), [of], 5000);
	const contacts = (asked.value ?? []).flatMap((row) => list(row, "contacts"));
	return (
		<Card title={t("Phones")}>
			{asked.error ? (
				<Wrong error={asked.error} />
			) : !asked.value ? (
				<Waits lines={2} />
			) : !contacts.length ? (
				<p class="muted">{t("No phone is registered")}</p>
			) : (
				<div class="stack">
					{contacts.map((contact) => (
						<Facts
							key={text(contact, "contact")}
							of={[
								[t("Phone"), text(contact, "user_agent") || t("unknown")],
								[t("Address"), <span class="mono">{text(contact, "source")}</span>],
								["Contact", <span class="mono">{text(contact, "contact")}</span>],
								[t("Until"), time(number(contact, "expires_utc_ms"), language())],
							]}
						/>
					))}
				</div>
			)}
		</Card>
	);
}

export function DocumentPage({ kind, name }: { kind: Kind; name: string }) {
	const fresh = name === "+";
	const [key, setKey] = useState("");
	const [asks, setAsks] = useState(false);
	const path = `/v1/${kind.path}/${encodeURIComponent(fresh ? key : name)}`;
	const fields = useAsk(() => schema(), []);
	const more = { anyTenant: kind.operator };
	const asked = useAsk((signal) => (fresh ? Promise.resolve({ value: {} as Row, etag: "", next: "", missing: "" }) : api.ask<Row>(path, { signal, ...more })), [kind.path, name]);
	const given = fields.value && argumentsOf(fields.value, "patch", `/v1/${kind.path}/{${kind.key}}`);
	const save = async (changes: Row) => {
		const version = /^"(v\d+)/.exec(asked.value?.etag ?? "")?.[1];
		const headers: { [name: string]: string } = fresh ? { "If-None-Match": "*" } : version ? { "If-Match": `"${version}"` } : {};
		if (fresh && !key) throw new api.Problem(400, "missing_argument", t("It needs a name."), kind.key);
		await api.ask(path, { method: "PATCH", body: changes, headers, ...more });
		if (fresh) location.href = link(kind.path, key);
		else asked.again();
	};
	return (
		<>
			<Head
				title={fresh ? `${kind.one}: ${t("New")}` : `${kind.one} ${name}`}
				lead={
					<a href={link(kind.path)}>
						{t("All")}: {kind.title}
					</a>
				}
			>
				{!fresh && asked.value && kind.path !== "tokens" && (
					<a class="button" href={link("history", kind.path, name)}>
						<Icon name="clock" /> {t("History")}
					</a>
				)}
				{!fresh && asked.value && (
					<button class="button harm" onClick={() => setAsks(true)}>
						<Icon name="bin" /> {t("Delete")}
					</button>
				)}
			</Head>
			<div class="stack">
				{asked.error && <Wrong error={asked.error} />}
				{fields.error && <Wrong error={fields.error} />}
				{fresh && (
					<Card>
						<div class="field">
							<label for="key">{wordsOf(kind.key)}</label>
							<input id="key" class="input" value={key} onInput={(event) => setKey(event.currentTarget.value.trim())} />
						</div>
					</Card>
				)}
				{kind.path === "extensions" && !fresh && <Phones number={name} />}
				{kind.path === "devices" && !fresh && asked.value && <DeviceSeen mac={name} row={asked.value.value} />}
				{given && asked.value ? (
					<Form key={asked.value.etag} fields={given} first={kind.first} before={asked.value.value} fresh={fresh} onSave={save} />
				) : (
					!asked.error && <Waits />
				)}
			</div>
			{asks && (
				<Sure
					title={t("Delete {what}?", { what: `${kind.one} ${name}` })}
					act={t("Delete")}
					onNo={() => setAsks(false)}
					onYes={() => {
						setAsks(false);
						void attempt(() => api.ask(path, { method: "DELETE", ...more }), t("Deleted")).then((done) => {
							if (done) location.href = kind.path === "tokens" ? link(kind.path) : link("history", kind.path, name);
						});
					}}
				>
					{t("The audit keeps what it was.")}
				</Sure>
			)}
		</>
	);
}

// SPDX-License-Identifier: Apache-2.0
// What a tenant's numbers lead to, and how much of what it has room for each node uses.
import * as api from "../api";
import { number, text, type Row } from "../api";
import { language, t } from "../i18n";
import { Badge, type Column, Empty, Head, Table, Tile, useAsk } from "../ui";
import { ListPage } from "./tables";

export const NumberTablePage = () => (
	<ListPage
		title={t("Number table")}
		lead={t("Every number: who claims it, and what a phone means by it.")}
		path="/v1/dialplan-numbers"
		icon="document"
		none={t("No numbers")}
		id={(row) => `${text(row, "number")} ${text(row, "kind")} ${text(row, "of")}`}
		sort="number"
		columns={[
			{ key: "number", title: t("Number"), track: "minmax(90px, .8fr)", phone: "84px", cell: (row) => <span class="num">{text(row, "number")}</span> },
			{ key: "kind", title: t("Kind"), track: "minmax(90px, .8fr)", wide: true, value: (row) => kindName(text(row, "kind")) },
			{ key: "of", title: t("Leads to"), track: "minmax(90px, 1.2fr)" },
			{ key: "name", title: t("Name"), track: "minmax(80px, 1fr)", wide: true },
			{ key: "meaning", title: t("Dialled"), track: "minmax(80px, .7fr)", wide: true },
			{ key: "conflict", title: t("Conflict"), track: "minmax(80px, 1.2fr)", cell: (row) => (text(row, "conflict") ? <Badge tone="bad">{t("means something else: {what}", { what: text(row, "meaning") })}</Badge> : "") },
		]}
	/>
);

const kindName = (kind: string): string =>
	({
		extension: t("Extension"),
		room: t("Room"),
		number: t("Number"),
		did: t("Inbound number"),
		route: t("Route"),
		trunk: t("Trunk"),
		code: t("Feature code"),
		emergency: t("Emergency"),
	})[kind] ?? kind;

const whatName = (what: string): string =>
	({
		calls: t("Calls"),
		transactions: t("SIP transactions"),
		port_pairs: t("Pairs of media ports"),
		connections: t("SIP connections"),
		websockets: "WebSockets",
		registrations: t("Registrations"),
		extensions: t("Extensions"),
		sessions: t("Sessions of users"),
		tokens: t("Tokens"),
	})[what] ?? what;

/** Of all nodes together; what each node has of all of the cluster is bounded by the one with the least room. */
function together(rows: Row[]): Row[] {
	const all = new Map<string, Row>();
	for (const row of rows) {
		const what = text(row, "what");
		const sum = all.get(what);
		if (!sum) all.set(what, { ...row });
		else if (row.shared) {
			if (number(row, "percent") > number(sum, "percent")) all.set(what, { ...row });
		} else all.set(what, { ...sum, used: number(sum, "used") + number(row, "used"), max: number(sum, "max") + number(row, "max") });
	}
	return [...all.values()].map((row): Row => ({ ...row, percent: Math.round((1000 * number(row, "used")) / number(row, "max")) / 10 })).sort((a, b) => number(b, "percent") - number(a, "percent"));
}

const figure = (row: Row): string => t("{n} of {all}", { n: number(row, "used").toLocaleString(language()), all: number(row, "max").toLocaleString(language()) });

export const NodeSettingsPage = () => (
	<ListPage
		title={t("Settings of nodes")}
		lead={t("Read only: a node needs its file before it has pages, so the file alone says what counts.")}
		path="/v1/settings"
		icon="gear"
		none={t("There is none yet")}
		id={(row) => `${text(row, "node")} ${text(row, "name")}`}
		anyTenant
		show
		columns={[
			{ key: "name", title: t("Name"), track: "minmax(120px, 1.2fr)", phone: "minmax(0, 1.3fr)" },
			{ key: "value", title: t("Value"), track: "minmax(100px, 1.2fr)", value: (row) => text(row, "value") || text(row, "default"), cell: (row) => (text(row, "place") ? <strong>{text(row, "value")}</strong> : <span class="muted">{text(row, "default")}</span>) },
			{ key: "place", title: t("Set in"), track: "minmax(100px, 1fr)", wide: true, cell: (row) => text(row, "place") || <span class="muted">{t("by default")}</span> },
			{ key: "at_start", title: t("A change"), track: "150px", wide: true, value: (row) => (row.waits ? 2 : row.at_start ? 1 : 0), cell: (row) => (row.waits ? <Badge tone="warn">{t("waits for a restart")}</Badge> : row.at_start ? t("needs a restart") : t("needs a reload")) },
			{ key: "node", title: t("Node"), track: "minmax(80px, .5fr)", wide: true },
		]}
	/>
);

export function CapacityPage() {
	const asked = useAsk((signal) => api.rows("/v1/capacities", {}, 5000, { signal, anyTenant: true }), [], 5000);
	const rows = asked.value?.value ?? null;
	const columns: Column[] = [
		{ key: "node", title: t("Node"), track: "minmax(80px, .8fr)", phone: "minmax(0, .5fr)" },
		{ key: "what", title: t("What"), track: "minmax(110px, 1.2fr)", value: (row) => whatName(text(row, "what")) },
		{ key: "used", title: t("Used"), track: "120px", end: true, wide: true },
		{ key: "max", title: t("Room for"), track: "120px", end: true, wide: true },
		{
			key: "percent",
			title: t("Used of it"),
			track: "minmax(90px, 1fr)",
			value: (row) => number(row, "percent"),
			cell: (row) => (
				<span>
					<progress max={100} value={number(row, "percent")} aria-label={`${text(row, "node")} ${whatName(text(row, "what"))}`} />{" "}
					<span class="num">{number(row, "percent").toLocaleString(language())} %</span>
				</span>
			),
		},
	];
	return (
		<>
			<Head title={t("Capacity")} lead={t("What would be exhausted first comes first.")} />
			<div class="stack">
				{rows && (
					<div class="tiles">
						{together(rows)
							.slice(0, 4)
							.map((row) => (
								<Tile key={text(row, "what")} label={whatName(text(row, "what"))} figure={`${number(row, "percent").toLocaleString(language())} %`} note={figure(row)} />
							))}
					</div>
				)}
				<Table label={t("Capacity")} file="capacity" columns={columns} rows={rows} error={asked.error} id={(row) => `${text(row, "node")} ${text(row, "what")}`} sort="-percent" empty={<Empty icon="seek" title={t("There is none yet")} />} />
			</div>
		</>
	);
}

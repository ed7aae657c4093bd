// SPDX-License-Identifier: Apache-2.0
// Pages that are one table of what the node lists.
import { type ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import * as api from "../api";
import { list, number, text, type Row } from "../api";
import { duration, plain, size, time } from "../format";
import { language, t } from "../i18n";
import { Audio, Badge, type Column, Dialog, Empty, Facts, Head, Icon, type IconName, Table, link, say, useAsk } from "../ui";
import { tone } from "../words";

const at = (name: string, title: string, track = "140px"): Column => ({ key: name, title, track, cell: (row) => <span class="num">{time(number(row, name), language())}</span> });

interface ListProps {
	title: string;
	lead: string;
	path: string;
	columns: Column[];
	id: (row: Row) => string;
	icon: IconName;
	none: string;
	sort?: string;
	every_ms?: number;
	href?: (row: Row) => string;
	anyTenant?: boolean;
	turn?: (rows: Row[]) => Row[];
	query?: api.Ask["query"];
	tools?: ComponentChildren;
	show?: boolean; // a row opens with all that it has
}

export function ListPage(props: ListProps) {
	const [pages, setPages] = useState(1);
	const [shown, show] = useState<Row | null>(null);
	const asked = useAsk((signal) => api.rows(props.path, props.query, 1000 * pages, { signal, anyTenant: props.anyTenant }), [props.path, pages, props.query], props.every_ms);
	const rows = asked.value && (props.turn ? props.turn(asked.value.value) : asked.value.value);
	const columns: Column[] = props.show
		? [
				...props.columns,
				{
					key: "_",
					title: t("Details"),
					track: "100px",
					wide: true,
					value: () => "",
					cell: (row) => (
						<button class="button slim" onClick={() => show(row)}>
							{t("Show")}
						</button>
					),
				},
			]
		: props.columns;
	return (
		<>
			<Head title={props.title} lead={props.lead}>
				{props.tools}
			</Head>
			<Table
				label={props.title}
				file={props.path.split("/").pop()}
				columns={columns}
				rows={rows}
				error={asked.error}
				id={props.id}
				href={props.href}
				sort={props.sort}
				more={asked.value?.next ? () => setPages(pages + 1) : null}
				empty={<Empty icon={props.icon} title={props.none} />}
			/>
			{shown && (
				<Dialog title={t("Details")} onClose={() => show(null)}>
					<div class="inside">
						<h2>{t("Details")}</h2>
						<Facts of={Object.entries(shown).map(([name, value]) => [name.replace(/_/g, " "), name.endsWith("utc_ms") ? time(Number(value), language()) : plain(value)])} />
						<div class="ends">
							<button class="button" onClick={() => show(null)}>
								{t("Close")}
							</button>
						</div>
					</div>
				</Dialog>
			)}
		</>
	);
}

/* A registered extension has a row for each of its phones. */
const phones = (rows: Row[]): Row[] => rows.flatMap((row) => list(row, "contacts").map((contact): Row => ({ number: row.number ?? "", tenant: row.tenant ?? "", ...contact })));

export const RegistrationsPage = () => (
	<ListPage
		title={t("Registrations")}
		lead={t("Phones that are registered now, as this node knows them.")}
		path="/v1/registrations"
		every_ms={5000}
		turn={phones}
		icon="phone"
		none={t("No phone is registered")}
		id={(row) => `${text(row, "tenant")} ${text(row, "number")} ${text(row, "contact")}`}
		href={(row) => link("extensions", text(row, "number"))}
		sort="number"
		columns={[
			{ key: "number", title: t("Extension"), track: "minmax(90px, .6fr)" },
			{ key: "user_agent", title: t("Phone"), track: "minmax(120px, 1.3fr)", cell: (row) => text(row, "user_agent") || <span class="muted">{t("unknown")}</span> },
			{ key: "source", title: t("Address"), track: "minmax(120px, 1fr)", phone: "minmax(0, 1.7fr)", cell: (row) => <span class="mono">{text(row, "source")}</span> },
			{ key: "nat", title: "NAT", track: "80px", wide: true, value: (row) => (row.nat ? 1 : 0), cell: (row) => (row.nat ? <Badge>NAT</Badge> : "") },
			{ ...at("registered_utc_ms", t("Since")), wide: true },
			{ ...at("expires_utc_ms", t("Until")), wide: true },
		]}
	/>
);

export const ConferencesPage = () => (
	<ListPage
		title={t("Conferences")}
		lead={t("Conferences that run now.")}
		path="/v1/conferences"
		every_ms={3000}
		icon="room"
		none={t("No conferences")}
		id={(row) => text(row, "id")}
		sort="-created_utc_ms"
		show
		columns={[
			{ key: "number", title: t("Room"), track: "minmax(90px, 1fr)", cell: (row) => text(row, "number") || t("of calls") },
			{ key: "members", title: t("Members"), track: "110px", end: true },
			{ key: "asking", title: t("On their way"), track: "120px", end: true, wide: true },
			{ key: "locked", title: t("State"), track: "minmax(130px, 1fr)", value: (row) => (row.locked ? 1 : 0), cell: (row) => <>{row.locked ? <Badge tone="warn">{t("locked")}</Badge> : <Badge tone="good">{t("open")}</Badge>} {number(row, "recording") > 0 && <Badge tone="bad">{t("recorded")}</Badge>}</> },
			{ ...at("created_utc_ms", t("Began")), wide: true },
		]}
	/>
);

/** Fetches by a link that the node makes for this one file. */
async function play(name: string, set: (src: string) => void): Promise<void> {
	try {
		const made = await api.get(`/v1/recordings/${name.split("/").map(encodeURIComponent).join("/")}/link`);
		set(`${location.protocol}//${location.hostname}:${number(made, "port")}${text(made, "path")}`);
	} catch (error) {
		say((error as Error).message, true);
	}
}

/** name: of one recording, CALL-NUMBER, as history and logs in a CRM name it: those of its call are shown. */
export function RecordingsPage({ name }: { name: string }) {
	const query = useMemo(() => (name ? { call: name.split("-")[0] } : undefined), [name]);
	const [plays, setPlays] = useState({ name: "", src: "" });
	return (
		<ListPage
			title={t("Recordings")}
			lead={t("Finished recordings of all nodes, the newest first.")}
			path="/v1/recordings"
			query={query}
			every_ms={name ? 2000 : 0} // who follows a link from a log may be here before the file is finished
			icon="record"
			none={t("No recordings")}
			id={(row) => `${text(row, "tenant")} ${text(row, "name")}`}
			columns={[
				{ key: "from", title: t("From"), track: "minmax(90px, .8fr)" },
				{ key: "to", title: t("To"), track: "minmax(90px, .8fr)" },
				{ ...at("begun", t("Began"), "150px"), cell: (row) => plain(row.begun), wide: true },
				{ key: "duration_ms", title: t("Length"), track: "80px", end: true, cell: (row) => duration(number(row, "duration_ms")) },
				{ key: "octets", title: t("Size"), track: "90px", end: true, wide: true, cell: (row) => size(number(row, "octets")) },
				{ key: "state", title: t("State"), track: "110px", wide: true, cell: (row) => <Badge tone={tone(text(row, "state"))}>{text(row, "state")}</Badge> },
				{
					key: "name",
					title: t("Listen"),
					track: "minmax(100px, 320px)",
					cell: (row) =>
						plays.name === text(row, "name") ? (
							<Audio src={plays.src} label={text(row, "name")} />
						) : (
							<button class="button slim" onClick={() => void play(text(row, "name"), (src) => setPlays({ name: text(row, "name"), src }))}>
								<Icon name="play" /> {t("Play")}
							</button>
						),
				},
			]}
		/>
	);
}

export const SecurityPage = () => (
	<ListPage
		title={t("Security events")}
		lead={t("Attempts to misuse the node.")}
		path="/v1/security"
		anyTenant
		every_ms={5000}
		icon="shield"
		none={t("No security events")}
		id={(row) => text(row, "id") || JSON.stringify(row)}
		sort="-utc_ms"
		show
		columns={[
			at("utc_ms", t("Time")),
			{ key: "type", title: t("What"), track: "minmax(110px, .8fr)", cell: (row) => <Badge tone="warn">{text(row, "type").replace(/_/g, " ")}</Badge> },
			{ key: "source", title: t("From where"), track: "minmax(100px, .8fr)", cell: (row) => <span class="mono">{text(row, "source")}</span> },
			{ key: "user", title: t("User"), track: "minmax(70px, .5fr)", wide: true },
			{ key: "detail", title: t("Details"), track: "minmax(120px, 1.4fr)", wide: true },
			{ key: "count", title: t("Times"), track: "80px", end: true, wide: true },
		]}
	/>
);

export const AuditPage = () => (
	<ListPage
		title={t("Audit")}
		lead={t("Who has changed what, or tried to.")}
		path="/v1/audit"
		icon="audit"
		none={t("Nothing was changed yet")}
		id={(row) => text(row, "id")}
		sort="-utc_ms"
		show
		columns={[
			at("utc_ms", t("Time")),
			{ key: "command", title: t("Command"), track: "minmax(120px, 1fr)", phone: "minmax(0, 1.7fr)", cell: (row) => <span class="mono">{text(row, "command")}</span> },
			{ key: "object", title: t("Of what"), track: "minmax(80px, .8fr)" },
			{ key: "by", title: t("Who"), track: "minmax(90px, 1fr)", wide: true, cell: (row) => text(row, "user") || text(row, "by") },
			{ key: "door", title: t("By what"), track: "80px", wide: true },
			{ key: "outcome", title: t("Outcome"), track: "120px", wide: true, cell: (row) => <Badge tone={text(row, "outcome") === "ok" ? "good" : "bad"}>{text(row, "outcome")}</Badge> },
		]}
	/>
);

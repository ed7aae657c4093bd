// SPDX-License-Identifier: Apache-2.0
// Seats: how many of each kind the tenant has, and to whom they are given.
import { useState } from "preact/hooks";
import * as api from "../api";
import { list, number, text, type Row } from "../api";
import { t } from "../i18n";
import { type Column, Empty, Head, Table, Tile, Waits, Wrong, attempt, link, useAsk } from "../ui";

const GIVEN = ["web", "iptalk", "phone", "advanced", "crm"] as const;
type Given = (typeof GIVEN)[number];

export const seatName = (seat: string): string =>
	({
		web: t("Web client"),
		session: t("Web client, by session"),
		iptalk: t("Phone in the browser"),
		phone: t("Phone"),
		advanced: t("Features of phones"),
		crm: "CRM",
		recording: t("Recording"),
	})[seat] ?? seat;

const has = (row: Row, seat: Given): boolean => list(row, "seats").map(String).includes(seat);

function Totals({ rows }: { rows: Row[] }) {
	return (
		<div class="tiles">
			{rows.map((row) => {
				const left = number(row, "left");
				return (
					<Tile
						key={text(row, "seat")}
						label={seatName(text(row, "seat"))}
						figure={row.counted ? t("{n} of {all}", { n: number(row, "given"), all: number(row, "total") }) : String(number(row, "given"))}
						note={row.counted ? (left ? t("{n} left", { n: left }) : t("none left")) : t("not counted")}
					/>
				);
			})}
		</div>
	);
}

export function SeatsPage() {
	const [pages, setPages] = useState(5);
	const seats = useAsk((signal) => api.get<Row[]>("/v1/seats", {}, { signal }), [], 5000);
	const users = useAsk((signal) => api.rows("/v1/extensions", {}, 1000 * pages, { signal }), [pages]);
	const give = (row: Row, seat: Given): void => {
		const next = GIVEN.filter((one) => (one === seat ? !has(row, one) : has(row, one)));
		void attempt(() => api.ask(`/v1/extensions/${encodeURIComponent(text(row, "number"))}`, { method: "PATCH", body: { seats: next } }), has(row, seat) ? t("Seat is taken away") : t("Seat is given")).then(() => {
			users.again();
			seats.again();
		});
	};
	const columns: Column[] = [
		{ key: "number", title: t("Extension"), track: "minmax(70px, .6fr)", phone: "84px" },
		{ key: "display_name", title: t("Name"), track: "minmax(90px, 1fr)", wide: true },
		...GIVEN.map(
			(seat): Column => ({
				key: seat,
				title: seatName(seat),
				track: "minmax(50px, .7fr)",
				phone: "112px",
				value: (row) => (has(row, seat) ? 1 : 0),
				cell: (row) => (
					<button class="button slim" role="switch" aria-checked={has(row, seat)} aria-label={`${text(row, "number")}: ${seatName(seat)}`} onClick={() => give(row, seat)}>
						{has(row, seat) ? "✓" : "–"}
					</button>
				),
			}),
		),
	];
	return (
		<>
			<Head title={t("Seats")} lead={t("Kinds that are counted are needed: without one, a phone or a log-in is refused. An operator says how many there are.")}>
				{api.isOperator() && (
					<a class="button" href={link("tenants", api.tenantOf() || "default")}>
						{t("How many")}
					</a>
				)}
			</Head>
			<div class="stack">
				{seats.error ? <Wrong error={seats.error} /> : seats.value ? <Totals rows={seats.value} /> : <Waits lines={3} />}
				<Table label={t("Given to")} file="seats" least="760px" columns={columns} rows={users.value?.value ?? null} error={users.error} id={(row) => text(row, "number")} sort="number" more={users.value?.next ? () => setPages(pages + 10) : null} empty={<Empty icon="users" title={t("There is none yet")} />} />
			</div>
		</>
	);
}

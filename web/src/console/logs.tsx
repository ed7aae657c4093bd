// SPDX-License-Identifier: Apache-2.0
// Calls that are to have a log in the CRM and have none: of which agents, and which they are.
import * as api from "../api";
import { number, text, type Row } from "../api";
import { duration, time } from "../format";
import { language, t } from "../i18n";
import { Badge, type Column, Empty, Head, Table, link, useAsk } from "../ui";
import { word } from "../words";

const at = (name: string, title: string): Column => ({ key: name, title, track: "minmax(120px, 1fr)", cell: (row) => <span class="num">{time(number(row, name), language())}</span> });

export function LogsPage() {
	const asked = useAsk((signal) => api.get<Row[]>("/v1/histories:unlogged", {}, { signal }), [], 10000);
	return (
		<>
			<Head title={t("Logs in the CRM")} lead={t("Calls of agents that have ended without a log. It is written when the agent opens the softphone in the CRM again.")} />
			<Table
				label={t("Logs in the CRM")}
				file="logs"
				columns={[{ key: "user", title: t("Extension"), track: "minmax(80px, 1fr)" }, { key: "missing", title: t("Without a log"), track: "minmax(90px, 1fr)" }, at("oldest_utc_ms", t("Since"))]}
				rows={asked.value}
				error={asked.error}
				id={(row) => text(row, "user")}
				sort="user"
				href={(row) => link("crm-logs", text(row, "user"))}
				empty={<Empty icon="document" title={t("Each call has its log")} />}
			/>
		</>
	);
}

export function LogsOfPage({ user }: { user: string }) {
	const asked = useAsk((signal) => api.rows("/v1/histories", { user, unlogged: true }, 5000, { signal }), [user], 10000);
	return (
		<>
			<Head title={t("Calls of {user} without a log", { user })} lead={<a href={link("crm-logs")}>{t("Logs in the CRM")}</a>} />
			<Table
				label={t("Calls of {user} without a log", { user })}
				file="calls-without-a-log"
				columns={[
					at("end_utc_ms", t("Ended")),
					{ key: "number", title: t("Number"), track: "minmax(90px, 1fr)", cell: (row) => <span class="num">{text(row, "number")}</span> },
					{ key: "result", title: t("Result"), track: "minmax(90px, 1fr)", wide: true, value: (row) => word(text(row, "result")) },
					{ key: "talk_ms", title: t("Talked"), track: "minmax(70px, .6fr)", wide: true, cell: (row) => <span class="num">{duration(number(row, "talk_ms"))}</span> },
					{
						key: "log_asked_utc_ms",
						title: t("Log"),
						track: "minmax(120px, 1.2fr)",
						value: (row) => (text(row, "log") ? 2 : number(row, "log_asked_utc_ms") ? 1 : 0),
						cell: (row) => <Badge tone="warn">{text(row, "log") ? t("the call went on") : number(row, "log_asked_utc_ms") ? t("the CRM has not answered") : t("none")}</Badge>,
					},
				]}
				rows={asked.value?.value ?? null}
				error={asked.error}
				id={(row) => text(row, "call")}
				sort="-end_utc_ms"
				href={(row) => link("calls", text(row, "call"))}
				empty={<Empty icon="document" title={t("Each call has its log")} />}
			/>
		</>
	);
}

// SPDX-License-Identifier: Apache-2.0
// What a document was before its last changes, what each of them changed, and back to it.
import { useState } from "preact/hooks";
import * as api from "../api";
import { number, text, type Row } from "../api";
import { wordsOf } from "../field";
import { plain, time } from "../format";
import { language, t } from "../i18n";
import { Badge, Card, Empty, Head, Sure, Waits, Wrong, attempt, link, useAsk } from "../ui";

/** "extensions", a path, is of the kind "extension". */
export const kindOf = (path: string): string => (path === "hours" ? path : path.replace(/s$/, ""));

function Changes({ of }: { of: Row }) {
	return (
		<table class="changes">
			<thead>
				<tr>
					<th scope="col">{t("Field")}</th>
					<th scope="col">{t("Before")}</th>
					<th scope="col">{t("After")}</th>
				</tr>
			</thead>
			<tbody>
				{Object.entries(of).map(([name, both]) => {
					const [before, after] = Array.isArray(both) ? both : [null, null];
					return (
						<tr key={name}>
							<th scope="row">{wordsOf(name)}</th>
							<td>{plain(before) || "–"}</td>
							<td>{plain(after) || "–"}</td>
						</tr>
					);
				})}
			</tbody>
		</table>
	);
}

export function HistoryPage({ path, name }: { path: string; name: string }) {
	const kind = kindOf(path);
	const more = { anyTenant: kind === "tenant" };
	const [wanted, want] = useState<Row | null>(null);
	const asked = useAsk((signal) => api.get<Row[]>("/v1/document/history", { kind, name }, { signal, ...more }), [kind, name]);
	const restore = (row: Row): void => {
		want(null);
		void attempt(() => api.ask("/v1/document/restore", { method: "POST", body: { kind, name, version: number(row, "version") }, ...more }), t("It is what it was")).then(() => asked.again());
	};
	return (
		<>
			<Head title={t("History of {what}", { what: name })} lead={<a href={link(path, name)}>{t("Back to it")}</a>} />
			<div class="stack">
				{asked.error ? (
					asked.error.status === 404 ? (
						<Empty icon="clock" title={t("Nothing is kept of it")} />
					) : (
						<Wrong error={asked.error} />
					)
				) : !asked.value ? (
					<Waits />
				) : (
					asked.value.map((row) => (
						<Card
							key={text(row, "version")}
							title={number(row, "version") ? `${time(number(row, "changed_utc_ms"), language())} · ${t("version {n}", { n: number(row, "version") })}` : t("Now")}
							actions={
								text(row, "state") === "former" ? (
									<button class="button slim" onClick={() => want(row)}>
										{t("Back to this version")}
									</button>
								) : (
									<Badge tone={text(row, "state") === "now" ? "good" : "bad"}>{text(row, "state") === "now" ? t("now") : t("deleted")}</Badge>
								)
							}
						>
							{row.changes ? <Changes of={row.changes as Row} /> : <p class="muted">{text(row, "state") === "deleted" ? t("It was deleted.") : t("The oldest version that is kept.")}</p>}
						</Card>
					))
				)}
			</div>
			{wanted && (
				<Sure title={t("Back to this version?")} act={t("Back to this version")} onNo={() => want(null)} onYes={() => restore(wanted)}>
					{t("Passwords stay as they are now. What it is now is kept, too.")}
				</Sure>
			)}
		</>
	);
}

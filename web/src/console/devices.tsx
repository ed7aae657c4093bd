// SPDX-License-Identifier: Apache-2.0
// What was seen of a provisioned phone, in the order in which it happens, beside its document.
import * as api from "../api";
import { number, text, type Row } from "../api";
import { time } from "../format";
import { language, t } from "../i18n";
import { Badge, Card, Facts, Icon, attempt } from "../ui";

const steps = (): [string, string][] => [
	["asked_utc_ms", t("Asked for its files")],
	["accepted_utc_ms", t("Was let in")],
	["fetched_utc_ms", t("Has all files")],
	["registered_utc_ms", t("Registered with them")],
	["synced_utc_ms", t("Was asked to look again")],
];

/** Whether the phone is registered with what it fetched last, and that is no older than the document. */
const isDone = (seen: Row, changed: number): boolean => text(seen, "revision") !== "" && text(seen, "revision") === text(seen, "registered_revision") && number(seen, "fetched_utc_ms") >= changed;

export function DeviceSeen({ mac, row }: { mac: string; row: Row }) {
	const seen = (row.seen ?? {}) as Row;
	const at = (name: string) => (number(seen, name) ? time(number(seen, name), language()) : t("never"));
	const done = isDone(seen, number(row, "changed_utc_ms"));
	return (
		<Card title={t("Seen of the phone")}>
			<div class="stack">
				<Facts
					of={[
						[t("State"), <Badge tone={done ? "good" : ""}>{done ? t("has these settings") : t("has not read them yet")}</Badge>],
						...steps().map(([name, title]): [string, string] => [title, at(name)]),
						[t("Phone"), text(seen, "user_agent") || t("unknown")],
					]}
				/>
				<div>
					<button class="button" onClick={() => void attempt(() => api.ask(`/v1/devices/${encodeURIComponent(mac)}/sync`, { method: "POST" }), t("It is asked behind its calls"))}>
						<Icon name="down" /> {t("Let it look for its files")}
					</button>
				</div>
			</div>
		</Card>
	);
}

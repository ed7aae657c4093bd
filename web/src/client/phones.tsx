// SPDX-License-Identifier: Apache-2.0
// The user's desk phones: how far each has come with its files, and a way to log out of one at which he has logged in.
import * as api from "../api";
import { number, text, type Row } from "../api";
import { time } from "../format";
import { language, t } from "../i18n";
import { Badge, Card, Empty, Facts, Head, Waits, Wrong, attempt, useAsk } from "../ui";

const EVERY_MS = 5000;

/** The last thing that the phone did; what was asked of it after that comes first. */
function state(row: Row): [string, "" | "good" | "warn"] {
	const [fetched, registered, began] = [number(row, "fetched_utc_ms"), number(row, "registered_utc_ms"), number(row, "login_utc_ms")];
	if (row.waits === true || fetched < began) return [t("is to start again"), "warn"];
	if (!fetched) return [t("was not seen yet"), "warn"];
	return registered >= fetched ? [t("is ready"), "good"] : [t("starts"), ""];
}

function Phone({ row, again }: { row: Row; again: () => void }) {
	const mac = text(row, "mac");
	const [says, tone] = state(row);
	const at = (name: string) => (number(row, name) ? time(number(row, name), language()) : t("never"));
	const leave = () => void attempt(() => api.ask(`/v1/devices/${encodeURIComponent(mac)}/logout`, { method: "POST", body: { number: api.signedIn()?.user ?? "" } }), t("You are logged out there, and it starts again")).then(again);
	return (
		<Card title={text(row, "model") || t("Phone")} actions={<Badge tone={tone}>{says}</Badge>}>
			<div class="stack" data-mac={mac}>
				<Facts
					of={[
						["MAC", mac],
						[t("Last registered"), at("registered_utc_ms")],
						...(row.logged_in === true ? ([[t("You have logged in"), at("login_utc_ms")]] as [string, string][]) : []),
						...(number(row, "logout_utc_ms") ? ([[t("… until"), at("logout_utc_ms")]] as [string, string][]) : []),
					]}
				/>
				{row.logged_in === true && (
					<div>
						<button class="button" onClick={leave}>
							{t("Log out")}
						</button>
					</div>
				)}
			</div>
		</Card>
	);
}

export function PhonesPage() {
	const asked = useAsk((signal) => api.get<Row[]>("/v1/devices:mine", { number: api.signedIn()?.user ?? "" }, { signal }), [], EVERY_MS);
	return (
		<>
			<Head title={t("My phones")} lead={t("Desk phones that are yours, and those at which you have logged in by #17.")} />
			{asked.error && <Wrong error={asked.error} />}
			{!asked.value && !asked.error && <Waits />}
			{asked.value?.length === 0 && <Empty icon="phone" title={t("You have no desk phone")} />}
			{asked.value?.map((row) => <Phone key={text(row, "mac")} row={row} again={asked.again} />)}
		</>
	);
}

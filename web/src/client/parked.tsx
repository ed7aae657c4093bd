// SPDX-License-Identifier: Apache-2.0
// Who waits in a slot that the user's phones may use (PARK-01), unless the party hides: by whom, for how long, and a button that retrieves the party.
import * as api from "../api";
import { number, text, type Row } from "../api";
import { duration } from "../format";
import { t } from "../i18n";
import { Card, Empty, Icon, useAsk, useNow } from "../ui";

const EVERY_MS = 3000;

/** onCall: calls that number by the phone of this browser; without one a phone dials what is shown. An extension that may not park has no such card. */
export function Parked({ onCall }: { onCall?: (number: string) => void }) {
	const asked = useAsk((signal) => api.get<Row[]>("/v1/parks", {}, { signal }), [], EVERY_MS);
	const now = useNow();
	if (!asked.value) return null;
	return (
		<Card title={t("Parked calls")} bare>
			{!asked.value.length ? (
				<Empty icon="clock" title={t("Nobody is parked")} />
			) : (
				<div class="inside stack" style={{ gap: "12px" }}>
					{asked.value.map((row) => {
						const slot = text(row, "slot");
						return (
							<div class="row" key={slot} data-slot={slot}>
								<span class="dot bad" />
								<strong class="num">{t("Slot {slot}", { slot })}</strong>
								<span class="grow small muted cut">
									{text(row, "hides") === "true" ? t("unknown") : text(row, "party")} {text(row, "by") && t("parked by {who}", { who: text(row, "by") })} <span class="num">{duration(now - number(row, "since_utc_ms"))}</span>
								</span>
								{text(row, "dial") && !onCall && <span class="num">{t("Dial {number}", { number: text(row, "dial") })}</span>}
								{text(row, "dial") && onCall && (
									<button class="button slim first" aria-label={t("Retrieve the call of slot {slot}", { slot })} onClick={() => onCall(text(row, "dial"))}>
										<Icon name="call" /> <span aria-hidden="true">{t("Retrieve")}</span>
									</button>
								)}
							</div>
						);
					})}
				</div>
			)}
		</Card>
	);
}

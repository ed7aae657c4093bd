// SPDX-License-Identifier: Apache-2.0
// The paging groups of a user: which he hears, his default, and whether pages come into his calls.
import * as api from "../api";
import { text, type Row } from "../api";
import { t } from "../i18n";
import { Badge, Card, Wrong, attempt, useAsk } from "../ui";

export function PagingCard() {
	const path = `/v1/page-choices/${encodeURIComponent(api.signedIn()?.user ?? "")}`;
	const asked = useAsk((signal) => api.get(path, {}, { signal }), []);
	const groups = (asked.value?.groups ?? []) as Row[];
	const set = (changes: Row) => void attempt(() => api.ask(path, { method: "PATCH", body: changes }), t("Saved")).then(asked.again);
	if (asked.error) return <Wrong error={asked.error} />;
	if (!groups.length) return null;
	return (
		<Card title={t("Paging")}>
			<div class="stack">
				<div class="stack" role="group" aria-labelledby="paging-heard">
					<span class="hint" id="paging-heard">
						{t("Groups whose pages you hear. An emergency you hear always.")}
					</span>
					{groups.map((group) => (
						<div class="row" key={text(group, "name")}>
							<label class="switch grow">
								<input
									type="checkbox"
									role="switch"
									checked={group.heard === true}
									disabled={group.always === true}
									onChange={(event) => {
										const heard = event.currentTarget.checked;
										set({ off: groups.filter((one) => (one === group ? !heard : one.heard !== true)).map((one) => text(one, "name")).join(",") });
									}}
								/>
								<span>{text(group, "label")}</span>
							</label>
							{text(group, "number") && <span class="num">{t("Dial {number}", { number: text(group, "number") })}</span>}
							{group.default === true && <Badge tone="good">{t("default")}</Badge>}
						</div>
					))}
				</div>
				<div class="field">
					<label for="paging-default">{t("First in your lists, and on your phones")}</label>
					<select id="paging-default" class="input" value={text(asked.value, "default_group")} onChange={(event) => set({ default_group: event.currentTarget.value })}>
						<option value="">{t("the group of channel 1")}</option>
						{groups.map((group) => (
							<option key={text(group, "name")} value={text(group, "name")}>
								{text(group, "label")}
							</option>
						))}
					</select>
				</div>
				<label class="switch">
					<input type="checkbox" role="switch" checked={asked.value?.in_calls === true} onChange={(event) => set({ in_calls: event.currentTarget.checked })} />
					<span>{t("Pages come while you have a call, too")}</span>
				</label>
			</div>
		</Card>
	);
}

// SPDX-License-Identifier: Apache-2.0
// The bar of an agent of queues: logged in or out, ready or not and why, what came of his last call, and a small wallboard of his queues.
import { useEffect, useState } from "preact/hooks";
import * as api from "../api";
import { list, number, text, type Row } from "../api";
import { duration } from "../format";
import { t } from "../i18n";
import { Badge, attempt, useAsk } from "../ui";
import { tone, word } from "../words";

const me = (): string => api.signedIn()?.user ?? "";
const EVERY_MS = 2000;

/** Null: the user is no agent, and a member of no queue. */
const look = async (signal: AbortSignal): Promise<Row | null> => {
	try {
		return await api.get(`/v1/agents/${encodeURIComponent(me())}`, {}, { signal });
	} catch (error) {
		if (error instanceof api.Problem && error.status === 404) return null;
		throw error;
	}
};

/** What came of his last call. The first choice is none: nothing is said by mistake. */
function Dispositions({ agent, act }: { agent: Row; act: (verb: string, body: Row) => void }) {
	const choices = (agent["dispositions"] as string[] | undefined) ?? [];
	if (!choices.length) return null;
	return (
		<label>
			<span class="hidden">{t("What came of the call")}</span>
			<select class="input slim" name="disposition" value={text(agent, "disposition")} onChange={(event) => act("disposition", { disposition: event.currentTarget.value, call: text(agent, "last_call") })}>
				<option value="" disabled>
					{t("What came of the call")}
				</option>
				{choices.map((one) => (
					<option key={one} value={one}>
						{one}
					</option>
				))}
			</select>
		</label>
	);
}

/** onSaid: what came of that call. */
export function AgentBar({ onSaid }: { onSaid?: (call: string, disposition: string) => void }) {
	const [member, setMember] = useState(true);
	const asked = useAsk((signal) => look(signal).then((row) => (setMember(row !== null), row)), [], member ? EVERY_MS : 20 * EVERY_MS);
	const [reason, setReason] = useState("");
	const [at, setAt] = useState("");
	const agent = asked.value;
	const [call, disposition] = [text(agent, "last_call"), text(agent, "disposition")];
	useEffect(() => void (disposition && onSaid?.(call, disposition)), [call, disposition]);
	if (!agent) return null;
	const state = text(agent, "state");
	const act = (verb: string, body: Row = {}) => void attempt(() => api.ask(`/v1/agents/${encodeURIComponent(me())}/${verb}`, { method: "POST", body })).then(asked.again);
	const now = state === "ready" ? text(agent, "now") || state : state;
	return (
		<section class="card agent-bar" aria-label={t("Your queues")}>
			<div class="inside row">
				<strong>{t("Agent")}</strong>
				<span role="status">
					<Badge tone={tone(`agent_${now}`)}>{word(`agent_${now}`)}</Badge> {text(agent, "reason") && <span class="muted small">{text(agent, "reason")}</span>}
					{text(agent, "at") && <span class="muted small num"> {t("at {number}", { number: text(agent, "at") })}</span>}
				</span>
				{state === "out" ? (
					<form class="row" onSubmit={(event) => (event.preventDefault(), act("login", at ? { at } : {}))}>
						<label>
							<span class="hidden">{t("Phone outside")}</span>
							<input class="input slim" type="tel" maxLength={31} placeholder={t("Phone outside")} value={at} onInput={(event) => setAt(event.currentTarget.value)} />
						</label>
						<button class="button slim first">{t("Log in")}</button>
					</form>
				) : (
					<>
						{["not_ready", "wrapup", "resting"].includes(now) && (
							<button class="button slim first" onClick={() => act("ready")}>
								{t("Ready")}
							</button>
						)}
						<form
							class="row"
							onSubmit={(event) => {
								event.preventDefault();
								act("not_ready", { reason });
								setReason("");
							}}
						>
							<label>
								<span class="hidden">{t("Reason")}</span>
								<input class="input slim" list="agent-reasons" maxLength={31} placeholder={t("Reason")} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
							</label>
							<datalist id="agent-reasons">
								{[t("lunch"), t("pause"), t("meeting"), t("training")].map((one) => (
									<option key={one} value={one} />
								))}
							</datalist>
							<button class="button slim">{t("Not ready")}</button>
						</form>
						<Dispositions agent={agent} act={act} />
						<button class="button slim" onClick={() => act("logout")}>
							{t("Log out")}
						</button>
					</>
				)}
				<span class="grow" />
				{list(agent, "queues").map((queue) => (
					<span class="small" key={text(queue, "name")} data-queue={text(queue, "name")}>
						<strong>{text(queue, "name")}</strong>{" "}
						<Badge tone={number(queue, "waiting") ? "warn" : ""}>{t("{n} waiting", { n: number(queue, "waiting") })}</Badge>{" "}
						{number(queue, "waiting") > 0 && <span class="num muted">{duration(1000 * number(queue, "waited_s"))}</span>} <span class="muted">{t("{n} of {all} ready", { n: number(queue, "ready"), all: number(queue, "agents") })}</span>
					</span>
				))}
			</div>
		</section>
	);
}

// SPDX-License-Identifier: Apache-2.0
// How the node is, at a glance.
import { useEffect, useState } from "preact/hooks";
import * as api from "../api";
import { list, number, text, type Row } from "../api";
import { duration, size, time } from "../format";
import { language, t } from "../i18n";
import { type Calls } from "../live";
import { Badge, Card, Chart, Empty, Facts, Head, Notice, Tile, Waits, Wrong, link, useAsk } from "../ui";
import { tone, word } from "../words";
import { LiveDot, party } from "./calls";

const history: number[] = [];

export function OverviewPage({ calls }: { calls: Calls }) {
	const operator = api.isOperator();
	const health = useAsk((signal) => api.get("/v1/health", {}, { signal, anyTenant: true }), [], 5000);
	const status = useAsk((signal) => (operator ? api.get("/v1/nodes:status", {}, { signal, anyTenant: true }) : Promise.resolve(null)), [], 5000);
	const nodes = useAsk((signal) => (operator ? api.get<Row[]>("/v1/nodes", {}, { signal, anyTenant: true }) : Promise.resolve([])), [], 5000);
	const shards = useAsk((signal) => (operator ? api.get<Row[]>("/v1/shards", {}, { signal, anyTenant: true }) : Promise.resolve([])), [], 5000);
	const takes = useAsk((signal) => (operator ? api.rows("/v1/audit", { operators: true, command: "shard.take", limit: 10 }, 10, { signal, anyTenant: true }) : Promise.resolve(null)), [], 5000);
	const extensions = useAsk((signal) => api.rows("/v1/extensions", {}, 20000, { signal }), [], 15000);
	const records = useAsk((signal) => api.rows("/v1/cdrs", { since: "1h", limit: 1000 }, 1000, { signal }), [], 15000);
	const [, drawn] = useState(0);
	const count = calls.rows?.length ?? 0;
	useEffect(() => {
		const timer = setInterval(() => {
			history.push(count);
			if (history.length > 150) history.shift();
			drawn((n) => n + 1);
		}, 2000);
		return () => clearInterval(timer);
	}, [count]);
	const rows = records.value?.value ?? [];
	const answered = rows.filter((row) => number(row, "answer_utc_ms")).length;
	const all = extensions.value?.value ?? [];
	const registered = all.filter((row) => number(row, "registered") > 0).length;
	const details = (health.value?.details ?? {}) as Row;
	const reasons = list(health.value, "reasons").map(String);
	const bad = health.value && text(health.value, "status") !== "ok";
	const limits = (status.value?.limits ?? {}) as Row;
	return (
		<>
			<Head title={t("Overview")} lead={text(status.value, "name")}>
				<LiveDot live={calls.live} />
			</Head>
			<div class="stack">
				{health.error ? (
					<Wrong error={health.error} />
				) : (
					health.value && (
						<Notice tone={bad ? "bad" : reasons.length ? "warn" : "good"}>
							<strong>{bad ? t("The node is degraded") : reasons.length ? t("The node is healthy, with a warning") : t("The node is healthy")}</strong>
							{reasons.map((reason) => (
								<p class="small" key={reason} lang="en">
									{reason.replace(/_/g, " ")}
									{details[reason] ? `: ${text(details, reason)}` : ""}
								</p>
							))}
						</Notice>
					)
				)}
				<div class="tiles">
					<Tile label={t("Live calls")} figure={calls.rows ? count.toLocaleString(language()) : "–"} href={link("calls")} note={limits.calls ? t("of at most {n}", { n: number(limits, "calls").toLocaleString(language()) }) : ""} />
					<Tile label={t("Registered extensions")} figure={extensions.value ? registered.toLocaleString(language()) : "–"} href={link("registrations")} note={t("of {n}", { n: all.length.toLocaleString(language()) })} />
					<Tile label={t("Calls in the last hour")} figure={records.value ? rows.length.toLocaleString(language()) + (records.value.next ? "+" : "") : "–"} href={link("records")} />
					<Tile label={t("Answered of them")} figure={rows.length ? `${Math.round((100 * answered) / rows.length)} %` : "–"} href={link("records")} />
				</div>
				<div class="columns">
					<Card title={t("Live calls, the last five minutes")}>
						<Chart points={[...history, count]} label={t("{n} live calls now", { n: count })} />
					</Card>
					<Card
						title={t("Newest calls")}
						bare
						actions={
							<a class="small" href={link("calls")}>
								{t("All")}
							</a>
						}
					>
						{!calls.rows ? (
							<div class="inside">
								<Waits />
							</div>
						) : !count ? (
							<Empty icon="call" title={t("No live calls")} />
						) : (
							<div class="inside stack" style={{ gap: "10px" }}>
								{[...calls.rows]
									.sort((a, b) => number(b, "setup_utc_ms") - number(a, "setup_utc_ms"))
									.slice(0, 5)
									.map((row) => (
										<div class="row" key={text(row, "id")}>
											<a class="grow cut" href={link("calls", text(row, "id"))}>
												{party(text(row, "from"), text(row, "from_name"))} → {text(row, "to")}
											</a>
											<Badge tone={tone(text(row, "state"))}>{word(text(row, "state"))}</Badge>
										</div>
									))}
							</div>
						)}
					</Card>
				</div>
				{operator && (
					<div class="columns">
						<Card title={t("Nodes")}>
							{!nodes.value ? (
								<Waits lines={2} />
							) : (
								<div class="stack" style={{ gap: "10px" }}>
									{nodes.value.map((node) => (
										<div class="row" key={text(node, "name")}>
											<strong>{text(node, "name")}</strong>
											<span class="muted small grow">
												{text(node, "address")} {list(node, "shards").length > 0 && t("shards {what}", { what: list(node, "shards").join(", ") })}
											</span>
											<Badge tone={tone(text(node, "state"))}>{word(text(node, "state"))}</Badge>
										</div>
									))}
									{status.value && (
										<Facts
											of={[
												[t("Version"), text(status.value, "version")],
												[t("Uptime"), duration(number(status.value, "uptime_ms"))],
												["Redis", status.value.redis_connected ? t("connected") : t("away")],
												[t("Memory"), size(number(status.value, "memory_resident"))],
												[t("Free media port pairs"), number(status.value, "ports_free").toLocaleString(language())],
											]}
										/>
									)}
								</div>
							)}
						</Card>
						<Card title={t("Shards")}>
							{!shards.value ? (
								<Waits lines={2} />
							) : (
								<div class="stack" style={{ gap: "10px" }}>
									{shards.value.map((shard) => (
										<div class="row" key={text(shard, "shard")}>
											<strong class="num">{t("Shard {n}", { n: text(shard, "shard") })}</strong>
											<span class="muted small grow">
												{text(shard, "owner")} · {t("epoch {n}", { n: text(shard, "epoch") })}
												{number(shard, "live_utc_ms") > 0 && ` · ${t("since {at}", { at: time(number(shard, "live_utc_ms"), language()) })}`}
											</span>
											<Badge tone={tone(text(shard, "state"))}>{word(text(shard, "state"))}</Badge>
										</div>
									))}
								</div>
							)}
						</Card>
						<Card title={t("Take-overs")}>
							{!takes.value ? (
								<Waits lines={2} />
							) : (
								<div class="stack" style={{ gap: "10px" }}>
									{takes.value.value.map((row) => (
										<div class="row" key={text(row, "id")}>
											<strong class="num">{t("Shard {n}", { n: text(row, "object") })}</strong>
											<span class="muted small grow">
												{text(row, "node")} {number((row.arguments ?? null) as Row | null, "epoch") > 0 && `· ${t("epoch {n}", { n: number((row.arguments ?? null) as Row | null, "epoch") })}`}
											</span>
											<span class="num small">{time(number(row, "utc_ms"), language())}</span>
										</div>
									))}
								</div>
							)}
						</Card>
					</div>
				)}
			</div>
		</>
	);
}

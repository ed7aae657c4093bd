// SPDX-License-Identifier: Apache-2.0
// Calls: those of now, one of them with its parties, ladder and quality, and records of those that have ended.
import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { list, number, text, type Row } from "../api";
import { duration, quality, time } from "../format";
import { language, t } from "../i18n";
import { ladder, type Step } from "../ladder";
import { type Calls } from "../live";
import { Badge, Card, Chart, type Column, Empty, Facts, Head, Icon, Notice, Sure, Table, type Tone, Waits, Wrong, attempt, link, useAsk, useNow } from "../ui";
import { tone, word } from "../words";

export const party = (number: string, name: string) =>
	name ? (
		<>
			<span class="num">{number}</span> <span class="muted">{name}</span>
		</>
	) : (
		<span class="num">{number}</span>
	);

const Lasts = ({ since_ms }: { since_ms: number }) => <span class="num">{since_ms ? duration(useNow() - since_ms) : ""}</span>;

export function LivePage({ calls }: { calls: Calls }) {
	const columns: Column[] = [
		{ key: "from", title: t("From"), track: "minmax(120px, 1.2fr)", cell: (row) => party(text(row, "from"), text(row, "from_name")) },
		{ key: "to", title: t("To"), track: "minmax(120px, 1.2fr)" },
		{ key: "state", title: t("State"), track: "minmax(110px, .8fr)", value: (row) => word(text(row, "state")), cell: (row) => <Badge tone={tone(text(row, "state"))}>{word(text(row, "state"))}</Badge> },
		{ key: "answer_utc_ms", title: t("Talk"), track: "90px", end: true, value: (row) => -number(row, "answer_utc_ms"), cell: (row) => <Lasts since_ms={number(row, "answer_utc_ms")} /> },
		{ key: "setup_utc_ms", title: t("Began"), track: "130px", wide: true, cell: (row) => time(number(row, "setup_utc_ms"), language()) },
		{ key: "node", title: t("Node"), track: "110px", wide: true },
		{ key: "id", title: t("Call"), track: "150px", wide: true, cell: (row) => <span class="mono">{text(row, "id")}</span> },
	];
	return (
		<>
			<Head title={t("Live calls")} lead={t("Calls of all nodes, as they are now.")}>
				<LiveDot live={calls.live} />
			</Head>
			<div class="stack">
				{calls.missing && <Notice tone="warn">{t("These nodes do not answer, and their calls are not shown: {what}", { what: calls.missing })}</Notice>}
				<Table label={t("Live calls")} file="calls" columns={columns} rows={calls.rows} error={calls.rows ? null : calls.error} id={(row) => text(row, "id")} href={(row) => link("calls", text(row, "id"))} sort="-setup_utc_ms" empty={<Empty icon="call" title={t("No live calls")}>{t("A call appears here as soon as it begins.")}</Empty>} />
			</div>
		</>
	);
}

export const LiveDot = ({ live }: { live: boolean }) => (
	<span class="live">
		<span class={live ? "dot good" : "dot warn"} />
		{live ? t("Live") : t("Connecting")}
	</span>
);

/* ---- one call ---- */

const ENDS = { a: "Caller", b: "Callee" } as const;

function Quality({ of, title }: { of: Row | null; title: string }) {
	const mos = number(of, "mos");
	const good = quality(mos);
	const tones: { [name: string]: Tone } = { good: "good", fair: "warn", poor: "bad" };
	if (!of || of.mos === null) return null;
	return (
		<div class="row small">
			<span class="muted">{title}</span>
			<Badge tone={tones[good] ?? ""}>MOS {mos.toFixed(2)}</Badge>
			<span class="num">{t("{n} % loss", { n: number(of, "loss_percent").toFixed(1) })}</span>
			<span class="num">{t("{n} ms jitter", { n: number(of, "jitter_ms").toFixed(1) })}</span>
		</div>
	);
}

const POINTS = 150; // five minutes
const MOS_BEST = 5;

/** How well the party is heard, from when this page was opened on. */
function Trend({ call, leg }: { call: Row; leg: "a" | "b" }) {
	const kept = useRef<number[]>([]);
	useEffect(() => {
		const heard = list(call, "flows").filter((flow) => text(flow, "leg") === leg && text(flow, "kind") === "audio");
		const mos = number(((heard[0]?.quality as Row | null)?.received ?? null) as Row | null, "mos");
		if (mos) kept.current = [...kept.current, mos].slice(-POINTS);
	}, [call]);
	const last = kept.current[kept.current.length - 1];
	return last ? <Chart points={kept.current} high={MOS_BEST} label={t("MOS of what is received, over time: {n} now", { n: last.toFixed(2) })} /> : null;
}

function Leg({ call, leg }: { call: Row; leg: "a" | "b" }) {
	const side = (call[leg] ?? null) as Row | null;
	const flows = list(call, "flows").filter((flow) => text(flow, "leg") === leg);
	return (
		<Card
			title={
				<span class="row">
					{t(ENDS[leg])} <strong class="num">{text(call, leg === "a" ? "from" : "to")}</strong>
				</span>
			}
			actions={text(call, `${leg}_state`) && <Badge tone={tone(text(call, `${leg}_state`))}>{word(text(call, `${leg}_state`))}</Badge>}
		>
			<div class="stack">
				<Facts
					of={[
						[t("Address"), <span class="mono">{text(call, `${leg}_peer`)}</span>],
						[t("Transport"), text(side, "transport").toUpperCase()],
						[t("Encryption"), text(side, "srtp") === "plain" ? t("none") : text(side, "srtp")],
						[t("Codecs"), list(side, "codecs").join(", ")],
						[t("Profile"), text(side, "profile")],
						["Call-ID", <span class="mono">{text(call, `${leg}_sip_call_id`)}</span>],
					]}
				/>
				{flows.map((flow) => {
					const stats = (flow.stats ?? null) as Row | null;
					const said = (flow.quality ?? null) as Row | null;
					return (
						<div class="stack" key={text(flow, "line")} style={{ gap: "8px" }}>
							<div class="row">
								<Badge tone="accent">{text(flow, "kind")}</Badge>
								<strong>{text(flow, "codec") || "–"}</strong>
								{flow.transcoded_to && <span class="muted">→ {text(flow, "transcoded_to")}</span>}
							</div>
							<div class="small mono break">
								{text(flow, "latched") || text(flow, "remote")} → {text(flow, "local")}
							</div>
							{stats && (
								<div class="small muted num">
									{t("{in} packets in, {out} out, {dropped} dropped", { in: number(stats, "packets_in"), out: number(stats, "packets_out"), dropped: number(stats, "dropped") })}
								</div>
							)}
							<Quality title={t("received")} of={(said?.received ?? null) as Row | null} />
							<Quality title={t("reported")} of={(said?.reported ?? null) as Row | null} />
						</div>
					);
				})}
				{text(call, "state") !== "ended" && <Trend call={call} leg={leg} />}
			</div>
		</Card>
	);
}

function Doctor({ call }: { call: string }) {
	const asked = useAsk((signal) => api.get(`/v1/calls/${call}/doctor`, {}, { signal }), [call]);
	const findings = list(asked.value, "findings");
	return (
		<Card
			title={t("Diagnosis")}
			actions={
				<button class="button slim" onClick={asked.again}>
					{t("Ask again")}
				</button>
			}
		>
			{asked.error ? (
				<Wrong error={asked.error} />
			) : !asked.value ? (
				<Waits lines={2} />
			) : !findings.length ? (
				<Notice tone="good">{t("Nothing is wrong: both hear each other as far as the node can tell.")}</Notice>
			) : (
				<div class="stack" lang="en">
					{findings.map((one, i) => (
						<Notice key={i} tone={text(one, "is") === "fault" ? "bad" : ""}>
							<strong>{text(one, "sentence")}</strong>
							<p class="small">{text(one, "next")}</p>
						</Notice>
					))}
				</div>
			)}
		</Card>
	);
}

const kindOf = (step: Step): string => (!step.status ? "request" : step.status >= 400 ? "failed" : step.status >= 200 ? "ok" : "wait");

function Ladder({ call }: { call: string }) {
	const [open, setOpen] = useState(-1);
	const asked = useAsk((signal) => api.get<Row[]>("/v1/sip/recent", { call, limit: 500 }, { signal, anyTenant: true }), [call], 4000);
	if (asked.error && !asked.value) return <Wrong error={asked.error} />;
	if (!asked.value) return <Waits />;
	if (!asked.value.length) return <Empty icon="clock" title={t("No messages are kept of it")}>{t("The newest ones are kept in memory; a restart forgets them.")}</Empty>;
	const { lanes, steps } = ladder(asked.value);
	// the node stands behind the first end, as the caller's messages come first
	const columns = ["", ...lanes];
	const begin = steps[0]?.at_ms ?? 0;
	const place = (lane: number) => (lane === 0 ? 0 : lane + 1);
	const count = columns.length;
	const names = lanes.length ? [lanes[0] ?? "", "tandem", ...lanes.slice(1)] : ["tandem"];
	return (
		<div class="ladder" tabIndex={0} role="region" aria-label={t("SIP messages")} style={{ "--lanes": count, "--wide": `${92 + 150 * count}px` }}>
			<div class="lanes">
				<div class="lines" aria-hidden="true">
					{names.map((name, i) => (
						<span key={name} style={{ gridColumn: i + 2 }} />
					))}
				</div>
				<div class="names">
					<span class="hidden">{t("Time")}</span>
					<span />
					{names.map((name, i) => (
						<span class="cut mono" key={i} style={{ gridColumn: i + 2, gridRow: 1 }}>
							{name}
						</span>
					))}
				</div>
				{steps.map((step, i) => {
					const far = place(step.lane);
					const from = step.out ? 1 : far;
					const to = step.out ? far : 1;
					const span = Math.abs(to - from) + 1;
					return (
						<div key={i}>
							<button class="step" aria-expanded={open === i} onClick={() => setOpen(open === i ? -1 : i)}>
								<span class="at">+{((step.at_ms - begin) / 1000).toFixed(3)}</span>
								<span class={`arrow ${kindOf(step)} ${to > from ? "east" : "west"}`} style={{ gridColumn: `${Math.min(from, to) + 2} / span ${span}`, "--span": span }}>
									<span>
										{step.what}
										{step.sdp ? " (SDP)" : ""}
									</span>
								</span>
								<span class="hidden">{step.out ? t("sent") : t("received")}</span>
							</button>
							{open === i && <pre>{step.message}</pre>}
						</div>
					);
				})}
			</div>
		</div>
	);
}

export function CallPage({ id }: { id: string }) {
	const [asks, setAsks] = useState(false);
	const asked = useAsk((signal) => api.get(`/v1/calls/${encodeURIComponent(id)}`, {}, { signal }), [id], 2000);
	const now = useNow();
	const call = asked.value;
	if (!call) {
		return (
			<>
				<Head title={t("Call {id}", { id })} />
				{asked.error ? <Wrong error={asked.error} /> : <Waits />}
			</>
		);
	}
	const ended = text(call, "state") === "ended";
	const answered = number(call, "answer_utc_ms");
	const talk = ended ? number(call, "talk_ms") : answered ? now - answered : 0;
	return (
		<>
			<Head
				title={`${text(call, "from")} → ${text(call, "to")}`}
				lead={
					<span class="row">
						<Badge tone={tone(text(call, "state"))}>{word(text(call, "state"))}</Badge>
						<span class="num">{duration(talk)}</span>
						<span class="mono">{id}</span>
					</span>
				}
			>
				{!ended && (
					<button class="button harm" onClick={() => setAsks(true)}>
						<Icon name="end" /> {t("Hang up")}
					</button>
				)}
			</Head>
			<div class="stack">
				{!ended && <Doctor call={id} />}
				<div class="columns three">
					<Card title={t("Call")}>
						<Facts
							of={[
								[t("Began"), time(number(call, "setup_utc_ms"), language())],
								[t("Answered"), time(answered, language())],
								[t("Ended"), time(number(call, "end_utc_ms"), language())],
								[t("Caller's name"), text(call, "from_name")],
								[t("Answered by"), text(call, "answered_by")],
								[t("Status"), ended ? `${text(call, "sip_status")} · ${text(call, "cause")}` : ""],
								[t("Ended by"), text(call, "ended_by")],
								[t("From trunk"), text(call, "from_trunk")],
								[t("To trunk"), text(call, "to_trunk")],
								[t("Flow"), text(call, "flow")],
								[t("Group"), text(call, "group")],
								[t("Account code"), text(call, "account_code")],
								[t("Recordings"), list(call, "recordings").map((one) => (typeof one === "string" ? one : text(one, "recording"))).join(", ")],
								[t("Node"), text(call, "node")],
								[t("Tenant"), text(call, "tenant")],
								[t("Saved"), call.saved === undefined ? "" : call.saved ? t("yes") : t("not yet")],
							]}
						/>
					</Card>
					<Leg call={call} leg="a" />
					<Leg call={call} leg="b" />
				</div>
				<Card title={t("SIP ladder")} bare>
					<Ladder call={id} />
				</Card>
			</div>
			{asks && (
				<Sure
					title={t("End this call?")}
					act={t("Hang up")}
					onNo={() => setAsks(false)}
					onYes={() => {
						setAsks(false);
						void attempt(() => api.ask(`/v1/calls/${id}/hangup`, { method: "POST" }), t("The call has ended"));
					}}
				>
					{t("Both parties are disconnected.")}
				</Sure>
			)}
		</>
	);
}

/* ---- records ---- */

export function RecordsPage({ own }: { own?: boolean }) {
	const [pages, setPages] = useState(1);
	const asked = useAsk((signal) => api.rows("/v1/cdrs", { limit: 200 }, 200 * pages, { signal }), [pages]);
	const mos = (row: Row) => Math.min(...[number(row, "a_mos_in_hundredths"), number(row, "b_mos_in_hundredths")].filter(Boolean), 500) / 100;
	const columns: Column[] = [
		{ key: "from", title: t("From"), track: "minmax(110px, 1fr)", cell: (row) => party(text(row, "from"), text(row, "from_name")) },
		{ key: "to", title: t("To"), track: "minmax(110px, 1fr)" },
		{ key: "setup_utc_ms", title: t("Began"), track: "140px", cell: (row) => <span class="num">{time(number(row, "setup_utc_ms"), language())}</span> },
		{ key: "talk_ms", title: t("Talk"), track: "80px", end: true, wide: true, cell: (row) => (number(row, "talk_ms") ? duration(number(row, "talk_ms")) : "–") },
		{ key: "sip_status", title: t("Outcome"), track: "minmax(120px, .9fr)", wide: true, cell: (row) => <Badge tone={number(row, "sip_status") === 200 ? "good" : number(row, "sip_status") >= 500 ? "bad" : "warn"}>{`${text(row, "sip_status")} ${text(row, "cause")}`}</Badge> },
		...(own ? [] : [{ key: "mos", title: "MOS", track: "70px", end: true, wide: true, value: mos, cell: (row: Row) => (mos(row) < 5 ? mos(row).toFixed(2) : "–") }]),
	];
	return (
		<>
			<Head title={t("Call records")} lead={t("Calls that have ended, the newest first.")} />
			<Table
				label={t("Call records")}
				file="records"
				columns={columns}
				rows={asked.value?.value ?? null}
				error={asked.error}
				id={(row) => text(row, "id")}
				href={own ? undefined : (row) => link("records", text(row, "id"))}
				more={asked.value?.next ? () => setPages(pages + 1) : null}
				empty={<Empty icon="clock" title={t("No call has ended yet")} />}
			/>
		</>
	);
}

/** A record has all that is known once the call itself is forgotten. */
export function RecordPage({ id }: { id: string }) {
	const call = id.split(".")[0] ?? id;
	const asked = useAsk((signal) => api.get<Row[]>("/v1/cdrs", { call, limit: 20 }, { signal }), [id]);
	const row = asked.value?.find((one) => text(one, "id") === id);
	return (
		<>
			<Head title={row ? `${text(row, "from")} → ${text(row, "to")}` : t("Call {id}", { id })} lead={<span class="mono">{id}</span>}>
				<a class="button" href={link("calls", call)}>
					{t("Call and ladder")}
				</a>
			</Head>
			{asked.error ? (
				<Wrong error={asked.error} />
			) : !asked.value ? (
				<Waits />
			) : !row ? (
				<Empty icon="clock" title={t("It is not there, or not there any more.")} />
			) : (
				<Card title={t("Record")}>
					<Facts of={Object.entries(row).map(([name, value]) => [name.replace(/_/g, " "), name.endsWith("utc_ms") ? time(Number(value), language()) : typeof value === "object" ? JSON.stringify(value) : String(value)])} />
				</Card>
			)}
		</>
	);
}

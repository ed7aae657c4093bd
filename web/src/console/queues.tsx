// SPDX-License-Identifier: Apache-2.0
// Queues as they are now: a wallboard of all of them, and of one who waits, who is called back and what its agents do.
import { useId, useState } from "preact/hooks";
import * as api from "../api";
import { list, number, text, type Row } from "../api";
import { duration, time } from "../format";
import { language, t } from "../i18n";
import { Badge, type Column, Dialog, Empty, Head, Sure, Table, Tile, Wrong, attempt, link, useAsk } from "../ui";
import { Monitor } from "../monitor";
import { tone, word } from "../words";

const EVERY_MS = 2000;
const MOST = 40; // queues that are asked about at a time; all are in the table

const agentState = (row: Row): string => text(row, "now") || text(row, "state");
const seconds = (row: Row, name: string): string => (number(row, name) ? duration(1000 * number(row, name)) : "–");

/** The figures of those queues, by name; one that went meanwhile is left out. */
async function figures(names: string[], signal: AbortSignal): Promise<Row[]> {
	const asked = await Promise.all(names.slice(0, MOST).map((name) => api.get(`/v1/queues/${encodeURIComponent(name)}/status`, {}, { signal }).catch(() => null)));
	return asked.filter((row): row is Row => row !== null);
}

export function QueuesNowPage() {
	const asked = useAsk(
		async (signal) => {
			const queues = (await api.rows("/v1/queues", {}, 1000, { signal })).value;
			return { queues, now: await figures(queues.map((row) => text(row, "name")), signal), agents: (await api.rows("/v1/agents", {}, 1000, { signal })).value };
		},
		[],
		EVERY_MS,
	);
	const now = new Map((asked.value?.now ?? []).map((row) => [text(row, "name"), row]));
	const rows = asked.value?.queues.map((row): Row => ({ ...row, ...now.get(text(row, "name")) })) ?? null;
	const agents = asked.value?.agents ?? [];
	const sum = (name: string): number => (rows ?? []).reduce((all, row) => all + number(row, name), 0);
	const columns: Column[] = [
		{ key: "name", title: t("Queue"), track: "minmax(110px, 1.2fr)" },
		{ key: "waiting", title: t("Waiting"), track: "90px", end: true },
		{ key: "callbacks", title: t("Callbacks"), track: "90px", end: true, wide: true },
		{ key: "longest", title: t("Longest wait"), track: "120px", end: true, value: (row) => Math.max(0, ...list(row, "callers").map((one) => number(one, "waited_s"))), cell: (row) => duration(1000 * Math.max(0, ...list(row, "callers").map((one) => number(one, "waited_s")))) },
		{ key: "ready", title: t("Ready"), track: "90px", end: true, value: (row) => list(row, "agents").filter((one) => agentState(one) === "ready").length },
		{ key: "logged", title: t("Logged in"), track: "100px", end: true, wide: true, value: (row) => list(row, "agents").length },
		{ key: "answered", title: t("Answered"), track: "100px", end: true, wide: true },
		{ key: "left", title: t("Gave up"), track: "100px", end: true, wide: true },
		{ key: "answer_s", title: t("Average wait"), track: "120px", end: true, wide: true, cell: (row) => seconds(row, "answer_s") },
	];
	return (
		<>
			<Head title={t("Queues now")} lead={t("Who waits, and what agents do.")}>
				<a class="button" href={link("queues")}>
					{t("Settings")}
				</a>
			</Head>
			<div class="stack">
				<div class="tiles">
					<Tile label={t("Waiting")} figure={rows ? sum("waiting") : "–"} />
					<Tile label={t("Agents ready")} figure={asked.value ? t("{n} of {all}", { n: agents.filter((row) => agentState(row) === "ready").length, all: agents.length }) : "–"} />
					<Tile label={t("Answered")} figure={rows ? sum("answered") : "–"} note={t("since the node started")} />
					<Tile label={t("Gave up")} figure={rows ? sum("left") : "–"} note={t("since the node started")} />
				</div>
				<Table label={t("Queues now")} file="queues-now" columns={columns} rows={rows} error={asked.error} id={(row) => text(row, "name")} href={(row) => link("wallboard", text(row, "name"))} sort="-waiting" empty={<Empty icon="users" title={t("There is none yet")} />} />
			</div>
		</>
	);
}

/** An agent is set ready or not, or logged out, by whoever may. */
function AgentActs({ row, onDone }: { row: Row; onDone: () => void }) {
	const [asks, setAsks] = useState(false);
	const [monitors, setMonitors] = useState(false);
	const agent = text(row, "number");
	const act = (verb: string) => void attempt(() => api.ask(`/v1/agents/${encodeURIComponent(agent)}/${verb}`, { method: "POST", body: {} })).then(onDone);
	return (
		<span class="row" style={{ flexWrap: "nowrap" }}>
			<button class="button slim" onClick={() => act(text(row, "state") === "ready" ? "not_ready" : "ready")}>
				{text(row, "state") === "ready" ? t("Not ready") : t("Ready")}
			</button>
			<button class="button slim bare" onClick={() => setAsks(true)}>
				{t("Log out")}
			</button>
			{agentState(row) === "busy" && (
				<button class="button slim bare" onClick={() => setMonitors(true)}>
					{t("Monitor")}
				</button>
			)}
			{monitors && (
				<Dialog title={t("Monitor {who}", { who: agent })} onClose={() => setMonitors(false)}>
					<div class="inside stack">
						<h2>{t("Monitor {who}", { who: agent })}</h2>
						<Monitor of={agent} onDone={() => setMonitors(false)} />
						<div class="ends">
							<button class="button" onClick={() => setMonitors(false)}>
								{t("Cancel")}
							</button>
						</div>
					</div>
				</Dialog>
			)}
			{asks && (
				<Sure
					title={t("Log out {who}?", { who: agent })}
					act={t("Log out")}
					onNo={() => setAsks(false)}
					onYes={() => {
						setAsks(false);
						act("logout");
					}}
				>
					{t("A call that he has goes on.")}
				</Sure>
			)}
		</span>
	);
}

/** A number is to be called back, at a time of day or at any. */
function CallBack({ queue, onClose }: { queue: string; onClose: () => void }) {
	const [given, setGiven] = useState({ number: "", from: "", until: "" });
	const id = useId();
	const field = (name: keyof typeof given, label: string, more: object) => (
		<div class="field">
			<label for={id + name}>{label}</label>
			<input id={id + name} class={`input callback-${name}`} value={given[name]} onInput={({ currentTarget: { value } }) => setGiven((before) => ({ ...before, [name]: value }))} {...more} />
		</div>
	);
	const timed = given.from !== "" || given.until !== "";
	return (
		<Dialog title={t("Call a number back")} onClose={onClose}>
			<form
				class="inside"
				onSubmit={(event) => {
					event.preventDefault();
					const times = timed ? { times: `${given.from}-${given.until}` } : {};
					void attempt(() => api.ask("/v1/callbacks", { method: "POST", body: { queue, number: given.number, ...times } }), t("{who} is called back", { who: given.number })).then((done) => done && onClose());
				}}
			>
				<h2>{t("Call a number back")}</h2>
				{field("number", t("Number"), { inputMode: "tel", required: true, maxLength: 31, autocomplete: "off" })}
				{field("from", t("Not before, by the time of the tenant"), { type: "time", required: timed })}
				{field("until", t("Not after"), { type: "time", required: timed })}
				<div class="ends">
					<button type="button" class="button" onClick={onClose}>
						{t("Cancel")}
					</button>
					<button class="button first">{t("Call back")}</button>
				</div>
			</form>
		</Dialog>
	);
}

/** Who does not wait on the phone, and is called when it is his turn. */
function Callbacks({ queue }: { queue: string }) {
	const asked = useAsk((signal) => api.rows("/v1/callbacks", { queue }, 1000, { signal }), [queue], EVERY_MS);
	const [creates, setCreates] = useState(false);
	const [deletes, setDeletes] = useState("");
	const act = (method: string, path: string, given: api.Ask, done: string) =>
		void attempt(() => api.ask(`/v1/callbacks/${encodeURIComponent(queue)}${path}`, { method, ...given }), done).then(asked.again);
	const columns: Column[] = [
		{ key: "position", title: t("Place"), track: "90px", end: true },
		{ key: "number", title: t("Number"), track: "minmax(100px, 1fr)", cell: (row) => <span class="num">{text(row, "number")}</span> },
		{ key: "waited_s", title: t("Waits"), track: "90px", end: true, cell: (row) => duration(1000 * number(row, "waited_s")) },
		{ key: "times", title: t("Time of day"), track: "120px", wide: true, value: (row) => text(row, "times") || t("any") },
		{ key: "tries", title: t("Tries"), track: "80px", end: true, wide: true },
		{
			key: "next_utc_ms",
			title: t("State"),
			track: "minmax(90px, 150px)",
			wide: true,
			value: (row) => (row.calls === true ? t("Ringing") : number(row, "next_utc_ms") > Date.now() ? t("again at {time}", { time: time(number(row, "next_utc_ms"), language()) }) : t("Waiting")),
		},
	];
	if (api.may("application"))
		columns.push({
			key: "_",
			title: t("Actions"),
			track: "minmax(170px, 220px)",
			value: () => "",
			cell: (row) => (
				<span class="row" style={{ flexWrap: "nowrap" }}>
					<button class="button slim" disabled={row.calls === true} aria-label={`${t("Call now")}: ${text(row, "number")}`} onClick={() => act("POST", "/call", { body: { number: text(row, "number") } }, t("{who} is called", { who: text(row, "number") }))}>
						{t("Call now")}
					</button>
					<button class="button slim bare" aria-label={`${t("Delete")}: ${text(row, "number")}`} onClick={() => setDeletes(text(row, "number"))}>
						{t("Delete")}
					</button>
				</span>
			),
		});
	return (
		<>
			<Table
				label={t("Callbacks")}
				file={`callbacks-${queue}`}
				columns={columns}
				rows={asked.value?.value ?? null}
				error={asked.error}
				id={(row) => text(row, "number")}
				sort="position"
				empty={<Empty icon="call" title={t("Nobody is called back")} />}
				tools={
					api.may("application") && (
						<button class="button slim" onClick={() => setCreates(true)}>
							{t("Call a number back")}
						</button>
					)
				}
			/>
			{creates && (
				<CallBack
					queue={queue}
					onClose={() => {
						setCreates(false);
						asked.again();
					}}
				/>
			)}
			{deletes && (
				<Sure
					title={t("Not call {who} back?", { who: deletes })}
					act={t("Delete")}
					onNo={() => setDeletes("")}
					onYes={() => {
						setDeletes("");
						act("DELETE", "", { query: { number: deletes } }, t("{who} is not called back", { who: deletes }));
					}}
				>
					{t("The caller loses the place. A call that has begun goes on.")}
				</Sure>
			)}
		</>
	);
}

export function QueueNowPage({ name }: { name: string }) {
	const asked = useAsk((signal) => api.get(`/v1/queues/${encodeURIComponent(name)}/status`, {}, { signal }), [name], EVERY_MS);
	const of = asked.value;
	const callers: Column[] = [
		{ key: "position", title: t("Place"), track: "90px", end: true },
		{ key: "call", title: t("Call"), track: "minmax(130px, 1fr)", cell: (row) => <a class="mono" href={link("calls", text(row, "call"))}>{text(row, "call")}</a> },
		{ key: "waited_s", title: t("Waits"), track: "90px", end: true, cell: (row) => duration(1000 * number(row, "waited_s")) },
		{ key: "estimate_s", title: t("Estimated wait"), track: "130px", end: true, wide: true, cell: (row) => seconds(row, "estimate_s") },
		{ key: "priority", title: t("Priority"), track: "90px", end: true, wide: true },
		{ key: "rings", title: t("State"), track: "120px", wide: true, value: (row) => (row.rings === true ? t("Ringing") : t("Waiting")) },
	];
	const agents: Column[] = [
		{ key: "number", title: t("Agent"), track: "minmax(90px, 1fr)", cell: (row) => <span class="num">{text(row, "number")}</span> },
		{ key: "now", title: t("State"), track: "130px", value: (row) => word(`agent_${agentState(row)}`), cell: (row) => <Badge tone={tone(`agent_${agentState(row)}`)}>{word(`agent_${agentState(row)}`)}</Badge> },
		{ key: "reason", title: t("Reason"), track: "minmax(90px, 1fr)", wide: true },
		{ key: "calls", title: t("Calls"), track: "80px", end: true, wide: true },
		{ key: "missed", title: t("Missed"), track: "80px", end: true, wide: true },
	];
	if (api.may("application")) agents.push({ key: "_", title: t("Actions"), track: "minmax(220px, 300px)", value: () => "", cell: (row) => <AgentActs row={row} onDone={asked.again} /> });
	return (
		<>
			<Head title={t("Queue {name}", { name })} lead={<a href={link("wallboard")}>{t("All")}: {t("Queues now")}</a>}>
				<a class="button" href={link("queues", name)}>
					{t("Settings")}
				</a>
			</Head>
			{asked.error && <Wrong error={asked.error} />}
			{(of || !asked.error) && (
				<div class="stack">
					<div class="tiles">
						<Tile label={t("Waiting")} figure={of ? number(of, "waiting") : "–"} />
						<Tile label={t("Average wait")} figure={of ? seconds(of, "answer_s") : "–"} />
						<Tile label={t("Answered")} figure={of ? number(of, "answered") : "–"} note={t("since the node started")} />
						<Tile label={t("Gave up")} figure={of ? number(of, "left") : "–"} note={t("since the node started")} />
					</div>
					<Table label={t("Who waits")} file={`queue-${name}`} columns={callers} rows={of ? list(of, "callers") : null} id={(row) => text(row, "call")} sort="position" empty={<Empty icon="clock" title={t("Nobody waits")} />} />
					<Callbacks queue={name} />
					<Table label={t("Agents")} file={`agents-${name}`} columns={agents} rows={of ? list(of, "agents") : null} id={(row) => text(row, "number")} sort="number" empty={<Empty icon="users" title={t("No agent is logged in")} />} />
				</div>
			)}
		</>
	);
}

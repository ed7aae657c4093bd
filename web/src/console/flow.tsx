// SPDX-License-Identifier: Apache-2.0
// A flow, drawn and as text: both are one program, and either is changed. It is tried beside. Loaded when a flow is opened.
import { graphlib, layout } from "@dagrejs/dagre";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { text, type Row } from "../api";
import { t } from "../i18n";
import { Card, Head, Icon, Notice, Sure, Waits, Wrong, attempt, link, useAsk } from "../ui";
import { type Graph, VERBS, type Way, begin, graphOf, lead, putStep, rename } from "./graph";
import { Fault, type Tree, parse, print } from "./tree";

const WIDE = 176;
const HIGH = 54;
const FRESH = '{\n  "start": "hello",\n  "steps": {\n    "hello": { "play": ["welcome"], "next": "end" },\n    "end": { "hangup": {} }\n  }\n}';

interface Drawn {
	wide: number;
	high: number;
	at: Map<string, { x: number; y: number }>;
	lines: { way: Way; d: string; x: number; y: number }[];
}

function draw(graph: Graph): Drawn {
	const sheet = new graphlib.Graph({ multigraph: true });
	sheet.setGraph({ rankdir: "TB", nodesep: 28, ranksep: 58, edgesep: 14, marginx: 12, marginy: 12 });
	sheet.setDefaultEdgeLabel(() => ({}));
	for (const step of graph.steps) sheet.setNode(step.name, { width: WIDE, height: HIGH });
	const ways = graph.ways.filter((way) => sheet.hasNode(way.to));
	for (const way of ways) sheet.setEdge(way.from, way.to, { width: 8 * way.by.length, height: 16, labelpos: "c" }, way.by);
	layout(sheet);
	const of = sheet.graph();
	return {
		wide: Math.max(200, of.width ?? 0),
		high: Math.max(80, of.height ?? 0),
		at: new Map(graph.steps.map((step) => [step.name, sheet.node(step.name) as { x: number; y: number }])),
		lines: ways.map((way) => {
			const line = sheet.edge(way.from, way.to, way.by) as { points: { x: number; y: number }[]; x?: number; y?: number };
			return { way, d: line.points.map((point, i) => `${i ? "L" : "M"}${point.x.toFixed(1)} ${point.y.toFixed(1)}`).join(""), x: line.x ?? 0, y: line.y ?? 0 };
		}),
	};
}

interface PictureProps {
	graph: Graph;
	chosen: string;
	walked: Set<string>;
	onChoose: (step: string) => void;
}

/** Steps are reached by Tab and by arrows, which go where ways lead. */
function Picture({ graph, chosen, walked, onChoose }: PictureProps) {
	const drawn = useMemo(() => draw(graph), [graph]);
	const box = useRef<SVGSVGElement>(null);
	const bad = new Set(graph.faults.map((one) => one.step));
	const move = (from: string, key: string): string | undefined => {
		const here = drawn.at.get(from);
		const [x, y] = ({ ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] } as { [key: string]: [number, number] })[key] ?? [0, 0];
		if (!here || (!x && !y)) return undefined;
		const far = ([, at]: [string, { x: number; y: number }]) => {
			const along = (at.x - here.x) * x + (at.y - here.y) * y;
			return along > 1 ? along + 2 * Math.abs((at.x - here.x) * y + (at.y - here.y) * x) : Infinity;
		};
		return [...drawn.at].filter((one) => far(one) < Infinity).sort((a, b) => far(a) - far(b))[0]?.[0];
	};
	return (
		<div class="flow-sheet" tabIndex={0} role="region" aria-label={t("Steps")}>
			<svg ref={box} width={drawn.wide} height={drawn.high} viewBox={`0 0 ${drawn.wide} ${drawn.high}`} role="group" aria-label={t("Flow, drawn")}>
				<defs>
					<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
						<path d="M0 0L8 4L0 8z" />
					</marker>
				</defs>
				{drawn.lines.map(({ way, d, x, y }) => (
					<g key={`${way.from} ${way.by}`} class={way.from === chosen ? "way chosen" : "way"} aria-hidden="true">
						<path d={d} marker-end="url(#tip)" />
						<text x={x} y={y + 4}>
							{way.by}
						</text>
					</g>
				))}
				{graph.steps.map((step) => {
					const at = drawn.at.get(step.name) ?? { x: 0, y: 0 };
					return (
						<g
							key={step.name}
							role="button"
							tabindex={0}
							data-step={step.name}
							class={`step-box${step.name === chosen ? " chosen" : ""}${bad.has(step.name) ? " bad" : ""}${walked.has(step.name) ? " walked" : ""}`}
							aria-pressed={step.name === chosen}
							transform={`translate(${at.x - WIDE / 2} ${at.y - HIGH / 2})`}
							onClick={() => onChoose(step.name)}
							onKeyDown={(event) => {
								if (event.key === "Enter" || event.key === " ") {
									event.preventDefault();
									onChoose(step.name);
								}
								const next = move(step.name, event.key);
								if (!next) return;
								event.preventDefault();
								box.current?.querySelector<SVGGElement>(`[data-step="${CSS.escape(next)}"]`)?.focus();
							}}
						>
							<desc>{graph.ways.filter((way) => way.from === step.name).map((way) => `${way.by} → ${way.to}`).join(", ")}</desc>
							<rect width={WIDE} height={HIGH} rx="9" />
							<text class="name" x="12" y="22">
								{step.name === graph.start ? "▸ " : ""}
								{step.name.slice(0, 20)}
							</text>{" "}
							<text class="what" x="12" y="41">
								{`${step.verb} ${step.says}`.slice(0, 25)}
							</text>
						</g>
					);
				})}
			</svg>
		</div>
	);
}

/** One step: its verb as text, and where each branch leads. */
function StepCard({ program, graph, name, onChange, onChoose }: { program: Tree; graph: Graph; name: string; onChange: (next: Tree) => void; onChoose: (step: string) => void }) {
	const step = graph.steps.find((one) => one.name === name);
	const [said, setSaid] = useState("");
	const [wrong, setWrong] = useState("");
	const [by, setBy] = useState("");
	const [called, setCalled] = useState(name);
	// before it is drawn: what is typed into the fields of the new text is not taken away behind it
	useLayoutEffect(() => {
		setSaid(step ? print(step.of) : "");
		setWrong("");
		setCalled(name);
	}, [name, step]);
	if (!step) return null;
	const ways = graph.ways.filter((way) => way.from === name);
	const targets = (way: Way | null) => (
		<select
			class="input"
			aria-label={way ? t("{by} leads to", { by: way.by }) : t("leads to")}
			value={way?.to ?? ""}
			onChange={(event) => {
				const to = event.currentTarget.value;
				if (way || by) onChange(lead(program, name, way?.by ?? by, to));
				if (!way) setBy("");
			}}
		>
			<option value="">{way ? t("nowhere: take it away") : "–"}</option>
			{way && !graph.steps.some((one) => one.name === way.to) && <option value={way.to}>{way.to}</option>}
			{graph.steps.map((one) => (
				<option key={one.name} value={one.name}>
					{one.name}
				</option>
			))}
		</select>
	);
	return (
		<Card title={t("Step {name}", { name })}>
			<div class="stack">
				{graph.faults.filter((one) => one.step === name).map((one) => (
					<Notice tone="bad" key={one.why}>
						<span lang="en">{one.why}</span>
					</Notice>
				))}
				<form
					class="row"
					onSubmit={(event) => {
						event.preventDefault();
						onChange(rename(program, name, called));
						onChoose(called);
					}}
				>
					<label class="grow">
						<span class="hidden">{t("Name")}</span>
						<input id="step-name" class="input" maxLength={31} required value={called} onInput={(event) => setCalled(event.currentTarget.value)} />
					</label>
					<button class="button slim" disabled={called === name || graph.steps.some((one) => one.name === called)}>
						{t("Rename")}
					</button>
				</form>
				<div class="field">
					<label for="step-text">{t("What it does")}</label>
					<textarea
						id="step-text"
						class="input"
						spellcheck={false}
						value={said}
						onInput={(event) => {
							setSaid(event.currentTarget.value);
							try {
								const of = parse(event.currentTarget.value);
								setWrong("");
								onChange(putStep(program, name, of));
							} catch (error) {
								setWrong((error as Error).message);
							}
						}}
					/>
					{wrong && (
						<span class="wrong" lang="en">
							{wrong}
						</span>
					)}
				</div>
				{ways.map((way) => (
					<div class="row branch" key={way.by}>
						<span class="mono">{way.by}</span> <span aria-hidden="true">→</span>
						<span class="grow">{targets(way)}</span>
					</div>
				))}
				<div class="row branch">
					<input id="new-branch" class="input" aria-label={t("Another branch, such as next, busy, or on 1")} placeholder="next, busy, on 1" value={by} onInput={(event) => setBy(event.currentTarget.value)} />
					<span aria-hidden="true">→</span>
					<span class="grow">{targets(null)}</span>
				</div>
				<div class="row">
					<button class="button slim" disabled={graph.start === name} onClick={() => onChange(begin(program, name))}>
						{t("Start here")}
					</button>
					<button
						class="button slim harm"
						onClick={() => {
							onChange(putStep(program, name, null));
							onChoose("");
						}}
					>
						{t("Delete the step")}
					</button>
				</div>
			</div>
		</Card>
	);
}

/** By the interpreter of calls, at the node: what was saved last. */
function Try({ name, changed, onWalked }: { name: string; changed: boolean; onWalked: (steps: string[]) => void }) {
	const [given, setGiven] = useState({ from: "", digits: "", time: "" });
	const [rows, setRows] = useState<Row[]>([]);
	const field = (key: keyof typeof given, label: string, hint: string) => (
		<div class="field">
			<label for={`try-${key}`}>{label}</label>
			<input id={`try-${key}`} class="input" placeholder={hint} value={given[key]} onInput={({ currentTarget: { value } }) => setGiven((before) => ({ ...before, [key]: value }))} />
		</div>
	);
	const go = () =>
		attempt(async () => {
			const way = await api.get<Row[]>("/v1/flows:try", { flow: name, ...given });
			setRows(way);
			onWalked(way.map((row) => text(row, "step")).filter(Boolean));
		});
	return (
		<Card title={t("Try it")}>
			<form
				class="stack"
				onSubmit={(event) => {
					event.preventDefault();
					void go();
				}}
			>
				{changed && <Notice>{t("What was saved last is tried.")}</Notice>}
				{field("from", t("Caller's number"), "+4930123456")}
				{field("digits", t("How verbs end, one after the other"), "1,busy,timeout")}
				{field("time", t("Time"), "18:00")}
				<div>
					<button class="button first slim">{t("Try")}</button>
				</div>
				{rows.length > 0 && (
					<ol class="walk" lang="en">
						{rows.map((row, i) => (
							<li key={i} class="small break">
								{Object.entries(row).map(([key, value]) => `${key}: ${typeof value === "object" ? JSON.stringify(value) : String(value)}`).join(" · ")}
							</li>
						))}
					</ol>
				)}
			</form>
		</Card>
	);
}

export function FlowPage({ name }: { name: string }) {
	const fresh = name === "+";
	const [key, setKey] = useState("");
	const [said, setSaid] = useState<string | null>(fresh ? FRESH : null);
	const [undo, setUndo] = useState<string[]>([]);
	const [chosen, choose] = useState("");
	const [walked, setWalked] = useState<string[]>([]);
	const [findings, setFindings] = useState<string[]>([]);
	const [adds, setAdds] = useState("");
	const [asks, setAsks] = useState(false);
	const path = `/v1/flows/${encodeURIComponent(fresh ? key : name)}`;
	const asked = useAsk((signal) => (fresh ? Promise.resolve(FRESH) : api.get<string>(`${path}/export`, {}, { signal })), [name]);
	useEffect(() => {
		if (asked.value !== null && said === null) setSaid(asked.value);
	}, [asked.value]);
	const now = said ?? "";
	const { program, fault } = useMemo(() => {
		try {
			return { program: parse(now), fault: null };
		} catch (error) {
			return { program: null, fault: error as Fault };
		}
	}, [now]);
	const graph = useMemo(() => (program ? graphOf(program) : null), [program]);
	const put = (next: string) => {
		setUndo([...undo.slice(-99), now]);
		setSaid(next);
	};
	const change = (next: Tree) => put(print(next));
	const back = () => {
		const before = undo[undo.length - 1];
		if (before === undefined) return;
		setUndo(undo.slice(0, -1));
		setSaid(before);
	};
	const save = () =>
		attempt(async () => {
			setFindings([]);
			try {
				await api.ask(path, { method: "PATCH", raw: `{"program": ${now}}` });
			} catch (error) {
				if (error instanceof api.Problem) setFindings(error.errors.map((one) => `${one.field ?? ""} ${one.message}`));
				throw error;
			}
			setUndo([]);
			if (fresh) location.href = link("flows", key);
			asked.again();
		}, t("Saved"));
	if (said === null) return asked.error ? <Wrong error={asked.error} /> : <Waits />;
	return (
		<>
			<Head title={fresh ? `${t("Flow")}: ${t("New")}` : `${t("Flow")} ${name}`} lead={<a href={link("flows")}>{t("Flows")}</a>}>
				<button class="button" disabled={!undo.length} onClick={back}>
					{t("Undo")}
				</button>
				{!fresh && (
					<button class="button harm" onClick={() => setAsks(true)}>
						<Icon name="bin" /> {t("Delete")}
					</button>
				)}
				<button class="button first" disabled={!!fault || (fresh ? !key : !undo.length)} onClick={() => void save()}>
					{t("Save")}
				</button>
			</Head>
			<div class="stack">
				{fresh && (
					<div class="field">
						<label for="flow-name">{t("Name")}</label>
						<input id="flow-name" class="input" maxLength={31} value={key} onInput={(event) => setKey(event.currentTarget.value)} />
					</div>
				)}
				{fault && (
					<Notice tone="bad">
						{t("Line {line}, column {column}:", { line: fault.line, column: fault.column })} <span lang="en">{fault.why}</span>
					</Notice>
				)}
				{[...findings, ...(graph?.faults ?? []).map((one) => `${one.step ? `/steps/${one.step}: ` : ""}${one.why}`)].map((one) => (
					<Notice tone="bad" key={one}>
						<span lang="en">{one}</span>
					</Notice>
				))}
				{program && !graph && <Notice>{t("This flow is a list of verbs: one follows the other, and none branches.")}</Notice>}
				<div class="flow-parts">
					<div class="stack">
						{program && graph && (
							<Card
								title={t("Flow, drawn")}
								actions={
									<form
										class="row"
										onSubmit={(event) => {
											event.preventDefault();
											const verb = VERBS.includes(adds) ? adds : "";
											if (!verb) return;
											let called = verb;
											for (let i = 2; graph.steps.some((one) => one.name === called); i++) called = `${verb}${i}`;
											change(putStep(program, called, { kind: "object", members: [[verb, { kind: "object", members: [] }]] }));
											choose(called);
											setAdds("");
										}}
									>
										<select class="input" aria-label={t("Verb")} value={adds} onChange={(event) => setAdds(event.currentTarget.value)}>
											<option value="">{t("Verb")}</option>
											{VERBS.map((verb) => (
												<option key={verb} value={verb}>
													{verb}
												</option>
											))}
										</select>
										<button class="button slim" disabled={!adds}>
											<Icon name="plus" /> {t("Add a step")}
										</button>
									</form>
								}
								bare
							>
								<Picture graph={graph} chosen={chosen} walked={new Set(walked)} onChoose={choose} />
							</Card>
						)}
						<Card title={t("As text")}>
							<textarea class="input flow-text" aria-label={t("As text")} spellcheck={false} value={now} onInput={(event) => put(event.currentTarget.value)} />
						</Card>
					</div>
					<div class="stack">
						{program && graph && chosen && <StepCard program={program} graph={graph} name={chosen} onChange={change} onChoose={choose} />}
						{!fresh && <Try name={name} changed={undo.length > 0} onWalked={setWalked} />}
					</div>
				</div>
			</div>
			{asks && (
				<Sure
					title={t("Delete {what}?", { what: name })}
					act={t("Delete")}
					onNo={() => setAsks(false)}
					onYes={() => {
						setAsks(false);
						void attempt(() => api.ask(path, { method: "DELETE" }), t("Deleted")).then((ok) => ok && (location.href = link("flows")));
					}}
				/>
			)}
		</>
	);
}

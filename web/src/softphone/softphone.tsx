// SPDX-License-Identifier: Apache-2.0
// The softphone within a CRM: signs in by extension and password, drives the phones of the extension, shows the record of who
// calls, dials what is clicked in the CRM, and logs each call there once.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { list, text, type Row } from "../api";
import { AgentBar } from "../client/agent";
import { PhoneBar, PhoneCard, answerHere, dropPhone, resumePhone } from "../client/phone-bar";
import { Keys, To } from "../client/phone-call";
import { t } from "../i18n";
import { askOffice, hasOffice } from "../office";
import { Badge, Icon, Notice, attempt, start } from "../ui";
import { ownState, tone, word } from "../words";
import { type Around, type Command, talkTo } from "./frame";
import { type Dialled, type Host, dialOf, hostOf } from "./host";
import { keepSaid, logAll, logsSettled } from "./logs";
import { type Pop, type Terms, isNew, popFor, showOnce } from "./pop";

const me = (): string => api.signedIn()?.user ?? "";
/** /softphone/TENANT/softphone.html; both other paths are the first tenant's. */
const tenant = (): string => /^\/softphone\/([^/]+)\/softphone\.html$/.exec(location.pathname)?.[1] ?? "";
const LOG_MS = 1500; // behind the end of a call: the history has it in a moment, or later
const LOG_TRIES = 40; // within 20 minutes: a call that the agent gave away may go on
const SELDOM_MS = 300000; // of a call that the node has refused in the agent's place no event tells
const AGAIN_MS = 2000; // a node that is away comes back, or another one takes its place

const said = (error: unknown): string => (error instanceof Error ? error.message : String(error));

interface State {
	calls: Row[];
	live: boolean;
	ended: string[]; // calls that the agent has had, of which no log is known
	resets: number; // how often a call may have ended unseen
}

const ENDED = 100;

function useOwn(): [State, (logged: string[]) => void] {
	const [state, setState] = useState<State>({ calls: [], live: false, ended: [], resets: 0 });
	useEffect(
		() =>
			api.listen(
				{ watch: me(), type: "call.ended" },
				{
					onReset: () => setState((before) => ({ ...before, resets: before.resets + 1 })),
					onEvent: (event) =>
						setState((before) => {
							const own = list(event, "users").find((row) => text(row, "user") === me());
							const over = text(event, "type") === "call.ended" ? [text(event, "call")] : []; // which his phone may have refused at once
							if (!own && !over.length) return before;
							const calls = own ? list(own, "calls") : before.calls;
							const gone = before.calls.map((call) => text(call, "call")).filter((call) => !calls.some((other) => text(other, "call") === call));
							return { ...before, calls, ended: [...new Set([...before.ended, ...gone, ...over])].slice(-ENDED), resets: before.resets + over.length };
						}),
					onState: (live) => setState((before) => ({ ...before, live })),
				},
			),
		[],
	);
	return [state, (logged) => setState((before) => ({ ...before, ended: before.ended.filter((call) => !logged.includes(call)) }))];
}

function Chosen({ pop, terms, host, onDone }: { pop: Pop; terms: Terms; host: Host; onDone: () => void }) {
	const act = (run: () => Promise<unknown>) => void attempt(() => showOnce(pop.call, run)).then(onDone);
	const close = () => {
		isNew(pop.call); // it is not asked again behind a reload
		onDone();
	};
	return (
		<section class="card" aria-label={t("Who calls")}>
			<div class="inside stack">
				<strong>{pop.found.length ? t("Several records have {value}", { value: pop.value }) : t("No record has {value}", { value: pop.value })}</strong>
				{pop.found.map((one) => (
					<button class="button slim" key={one.id} onClick={() => act(() => host.show(one.id))}>
						{one.name} <span class="muted small">{one.type}</span>
					</button>
				))}
				{!pop.found.length && (
					<button class="button slim first" onClick={() => act(() => host.begin(terms.new_record, { Phone: pop.value }))}>
						{t("New record")}
					</button>
				)}
				<button class="button slim bare" onClick={close}>
					{t("Close")}
				</button>
			</div>
		</section>
	);
}

function Call({ own, others }: { own: Row; others: Row[] }) {
	const id = text(own, "call");
	const talks = text(own, "state") === "confirmed";
	const rings = !talks && text(own, "direction") === "in";
	const [open, setOpen] = useState<"" | "transfer" | "conference" | "keys">("");
	const ask = (path: string, body: Row = {}) => api.ask(path, { method: "POST", body });
	const act = (verb: string, body: Row = {}) => void attempt(() => ask(`/v1/calls/${id}/${verb}`, body));
	const confer = (body: Row, done: string) => void attempt(() => ask("/v1/conferences", { call: id, ...body }), done);
	const opens = (what: typeof open, words: string) => (
		<button class="button slim" aria-expanded={open === what} onClick={() => setOpen(open === what ? "" : what)}>
			{words}
		</button>
	);
	const state = ownState(own, undefined);
	return (
		<section class="card own-call" data-call={id} aria-label={text(own, "remote")}>
			<div class="inside stack">
				<div class="row">
					<strong class="num grow">{text(own, "remote") || t("unknown")}</strong>
					<Badge tone={tone(state)}>{word(state)}</Badge>
				</div>
				<span class="muted small">{text(own, "remote_name")}</span>
				<div class="row">
					{rings && (
						<button class="button slim first" onClick={() => void answerHere(id)}>
							<Icon name="call" /> {t("Answer")}
						</button>
					)}
					{talks && (
						<>
							<button class="button slim" onClick={() => act(own.held ? "resume" : "hold")}>
								{own.held ? t("Resume") : t("Hold")}
							</button>
							{opens("transfer", t("Transfer"))}
							{opens("conference", t("Conference"))}
							{opens("keys", t("Keys"))}
						</>
					)}
					<button class="button slim harm" onClick={() => act(rings ? "reject" : "hangup")}>
						<Icon name="end" /> {rings ? t("Reject") : t("Hang up")}
					</button>
				</div>
				{talks && open === "transfer" && <To label={t("Transfer to")} act={t("Transfer")} onGo={(to) => act("transfer", { to })} />}
				{talks && open === "keys" && <Keys onKey={(digits) => act("dtmf", { digits })} />}
				{talks && open === "conference" && (
					<>
						<To label={t("Add to a conference")} act={t("Add")} onGo={(to) => confer({ to }, t("{to} is called", { to }))} />
						{others.map((other) => (
							<button class="button slim" key={text(other, "call")} onClick={() => confer({ with: text(other, "call") }, t("It is a conference"))}>
								{t("Conference with {who}", { who: text(other, "remote") })}
							</button>
						))}
					</>
				)}
			</div>
		</section>
	);
}

interface All extends Terms {
	log: boolean;
	hosts: string[];
}

/** What the page around it may ask for: what its user may do. */
async function carryOut({ command, call, number }: Command): Promise<void> {
	if (command === "call" && number) await api.ask("/v1/calls", { method: "POST", body: { from: me(), to: number } });
	else if (["answer", "reject", "hangup", "hold", "resume"].includes(command) && /^[0-9a-v]{13}$/.test(call)) await api.ask(`/v1/calls/${call}/${command}`, { method: "POST", body: {} });
	else throw new Error("hello, call (number), answer, reject, hangup, hold, resume (call)");
}

interface Ends extends Pick<State, "ended" | "resets"> {
	now: { current: Row[] };
	logged: (calls: string[]) => void;
	tell: (error?: unknown) => void;
}

/** Logs what ends; what it returns has it look now. It looks again, though the latest call is logged, as long as an earlier one is left: another page that has died may have it. */
function useLogs(host: Host, on: boolean, { ended, resets, now, logged, tell }: Ends): () => void {
	const due = useRef({ ended: 0, tries: 0, timer: 0, off: false }).current;
	due.ended = ended.length;
	const look = (): void =>
		void logAll(host, me(), () => now.current.length > 0)
			.then(
				({ written, left }) => (logged(written), tell(), left),
				(error: unknown) => (tell(error), 1),
			)
			.then((left) => later((left || due.ended) && due.tries++ < LOG_TRIES ? LOG_MS * due.tries : SELDOM_MS));
	const later = (ms: number): void => {
		clearTimeout(due.timer);
		if (!due.off) due.timer = window.setTimeout(look, ms);
	};
	const anew = (ms: number): void => ((due.tries = 0), later(ms));
	useEffect(() => {
		if (on && (resets || ended.length)) anew(ended.length ? LOG_MS : 0);
	}, [on, ended[ended.length - 1], resets]);
	useEffect(() => () => ((due.off = true), clearTimeout(due.timer)), []);
	return () => anew(0);
}

function Phone({ host, terms }: { host: Host; terms: All }) {
	const [{ calls, live, ended, resets }, logged] = useOwn();
	const [pops, setPops] = useState<Pop[]>([]);
	const [wrong, setWrong] = useState<{ [of: string]: string }>({});
	const [to, setTo] = useState("");
	const around = useRef<Around | null>(null);
	const settings = useRef<ReturnType<Host["settings"]> | null>(null);
	/** What is wrong with that part; nothing any more. */
	const tell = (of: string) => (error?: unknown) => setWrong((before) => ({ ...before, [of]: error === undefined ? "" : said(error) }));
	const call = (number: string) => attempt(() => api.ask("/v1/calls", { method: "POST", body: { from: me(), to: number } }), t("Your phone rings: take it, and {to} is called", { to: number }));
	/** By the call centre's settings, which are asked for again where the CRM did not answer: without them it would be another number. */
	const known = () => (settings.current ??= host.settings().catch((error: unknown) => ((settings.current = null), Promise.reject(error as Error))));
	const dial = ({ number }: Dialled) => known().then((found) => call(dialOf(number, found)), tell("dial"));
	useEffect(() => {
		void known().catch(tell("dial"));
		host.onDial((dialled) => void dial(dialled)).catch(tell("dial"));
	}, []);
	useEffect(() => {
		const made = (around.current = talkTo(terms.hosts, carryOut));
		return () => made.stop();
	}, []);
	useEffect(() => void resumePhone(), []);
	useEffect(() => around.current?.tell(calls), [JSON.stringify(calls)]);
	const now = useRef(calls);
	now.current = calls;
	const again = useRef(0);
	/** What is left to the agent stays until he has chosen, or until there is more of it when its call is over. */
	const isCall = ({ call: of }: Pop) => now.current.some((own) => text(own, "call") === of);
	const look = (): void =>
		now.current.forEach((own) =>
			popFor(host, terms, own).then(
				(left) => (tell("pop")(), left && setPops((before) => [...before.filter(isCall), left])),
				(error: unknown) => (tell("pop")(error), clearTimeout(again.current), (again.current = window.setTimeout(look, AGAIN_MS))), // as long as it is a call
			),
		);
	useEffect(look, [JSON.stringify(calls)]);
	useEffect(() => () => void (now.current = []), []);
	const logs = terms.log && host.kind !== "none";
	const lookAtLogs = useLogs(host, logs, { ended, resets, now, logged, tell: tell("log") });
	return (
		<main class="stack softphone">
			<h1 class="hidden">{t("Softphone")}</h1>
			<div class="row">
				<Icon name="phone" />
				<strong class="grow">{me()}</strong>
				<span role="status">
					<Badge tone={live ? "good" : "warn"}>{live ? t("Live") : t("Connecting")}</Badge>
				</span>
				<button class="button slim bare" onClick={() => void logsSettled().then(() => (dropPhone(), api.signOut(true)))}>
					{t("Sign out")}
				</button>
			</div>
			{[...new Set(Object.values(wrong))].filter(Boolean).map((words) => (
				<Notice tone="bad" key={words}>
					<span>{words}</span>
				</Notice>
			))}
			<AgentBar onSaid={(of, disposition) => void (logs && keepSaid(me(), of, disposition) && lookAtLogs())} />
			<PhoneBar />
			{pops.map((pop) => (
				<Chosen key={pop.call} pop={pop} terms={terms} host={host} onDone={() => setPops((before) => before.filter((one) => one !== pop))} />
			))}
			{calls.map((own) => (
				<Call key={text(own, "call")} own={own} others={calls.filter((other) => other !== own && text(other, "state") === "confirmed")} />
			))}
			{!calls.length && <p class="muted">{t("No active calls")}</p>}
			<form
				class="row"
				onSubmit={(event) => {
					event.preventDefault();
					void call(to).then(() => setTo(""));
				}}
			>
				<label class="grow">
					<span class="hidden">{t("Number to call")}</span>
					<input id="number-to-call" class="input" inputMode="tel" required value={to} onInput={(event) => setTo(event.currentTarget.value)} />
				</label>
				<button class="button first">
					<Icon name="call" /> {t("Call")}
				</button>
			</form>
			<PhoneCard />
		</main>
	);
}

function SignIn() {
	const [given, setGiven] = useState({ number: "", password: "" });
	const [wrong, setWrong] = useState("");
	const [office, setOffice] = useState(false);
	const of = decodeURIComponent(tenant());
	useEffect(() => void hasOffice(of).then(setOffice), []);
	const field = (name: keyof typeof given, label: string, more: object) => (
		<div class="field">
			<label for={name}>{label}</label>
			<input id={name} class="input" required value={given[name]} onInput={({ currentTarget: { value } }) => setGiven((before) => ({ ...before, [name]: value }))} {...more} />
		</div>
	);
	return (
		<main class="stack softphone">
			<h1 class="hidden">{t("Softphone")}</h1>
			{wrong && (
				<Notice tone="bad">
					<span>{wrong}</span>
				</Notice>
			)}
			<form
				class="stack"
				onSubmit={(event) => {
					event.preventDefault();
					const body = { ...given, ttl_s: 86400, ...(of ? { tenant: of } : {}) };
					api.ask<Row>("/v1/sessions", { method: "POST", token: "", body })
						.then((made) => api.signIn(api.sessionOf(made.value)))
						.catch((error: api.Problem) => setWrong(error.status === 401 ? t("Number or password is wrong.") : error.message));
				}}
			>
				<div class="field">
					<label for="host">{t("Host")}</label>
					<input id="host" class="input" readOnly value={location.host} />
				</div>
				{field("number", t("Sign-in address: your extension"), { autocomplete: "username", inputMode: "tel" })}
				{field("password", t("Password"), { type: "password", autocomplete: "current-password" })}
				<button class="button first">{t("Sign in")}</button>
			</form>
			{office && (
				<button class="button" onClick={() => void askOffice(of).catch((error: unknown) => setWrong(said(error)))}>
					{t("Sign in with the account of your office")}
				</button>
			)}
		</main>
	);
}

function Signed({ host }: { host: Host }) {
	const [terms, setTerms] = useState<All | null>(null);
	const [wrong, setWrong] = useState("");
	useEffect(() => {
		let timer = 0;
		const look = () =>
			void api
				.get<Row>("/v1/crms:softphone", { number: me() })
				.then((row) => setTerms({ match: (row.match ?? []) as string[], pop: (row.pop ?? []) as string[], new_record: text(row, "new_record"), log: row.log !== false, hosts: (row.hosts ?? []) as string[] }))
				.catch((error: unknown) => {
					setWrong(said(error));
					if (!(error instanceof api.Problem) || !error.status || error.status >= 500) timer = window.setTimeout(look, AGAIN_MS);
				});
		look();
		return () => clearTimeout(timer);
	}, []);
	if (terms) return <Phone host={host} terms={terms} />;
	return (
		<main class="stack softphone">
			<h1 class="hidden">{t("Softphone")}</h1>
			{wrong && (
				<Notice tone="bad">
					<span>{wrong}</span>
				</Notice>
			)}
			{wrong && (
				<button class="button" onClick={() => api.signOut(true)}>
					{t("Sign out")}
				</button>
			)}
		</main>
	);
}

function Softphone() {
	const [host, setHost] = useState<Host | null>(null);
	const [wrong, setWrong] = useState("");
	const [, again] = useState(0);
	useLayoutEffect(() => api.onChange(() => again((n) => n + 1)), []);
	useEffect(() => {
		hostOf(new URLSearchParams(location.search))
			.then(async (found) => {
				setHost(found);
				await found.ready();
			})
			.catch((error: unknown) => setWrong(said(error)));
	}, []);
	if (wrong) return <Notice tone="bad"><span>{wrong}</span></Notice>;
	if (!host) return <main />;
	const session = api.signedIn();
	return session ? <Signed key={session.token} host={host} /> : <SignIn />;
}

api.open("softphone");
start(() => <Softphone />);

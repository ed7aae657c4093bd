// SPDX-License-Identifier: Apache-2.0
// The web client of a user: his first page, and the frame of all others, which are fetched when they are opened.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { list, number, patiently, text, type Row } from "../api";
import { drags, drops, useDragged } from "../drag";
import { duration } from "../format";
import { t } from "../i18n";
import { backFromOffice, goToOffice, hasOffice } from "../office";
import { Badge, Card, Dialog, Empty, type Finding, Gate, type Group, Head, Icon, Notice, Shell, Tile, Wrong, attempt, later, link, say, start, useAsk, useNow, usePlace } from "../ui";
import { dot, ownState, tone, word } from "../words";
import { Monitor, useSupervisor } from "../monitor";
import { RecordLink } from "../softphone/record";
import { Account } from "./account";
import { AgentBar } from "./agent";
import { HistoryPage, conversations } from "./history";
import { chosenLine, lineOf } from "./media";
import { Parked } from "./parked";
import { Recents } from "./recents";
import { Picture, usePicture } from "./picture";
import { PhoneBar, PhoneCard, callByPhone, dropPhone, resumePhone, tellPhone, usePhone } from "./phone-bar";
import { Keys, Orders } from "./phone-call";
import { useAlerts } from "./phone-settings";
import { AnswerPage, dropPush, usePush } from "./push";

const ContactsPage = later(() => import("./contacts").then((one) => one.ContactsPage));
const DiagnosisPage = later(() => import("./diagnosis").then((one) => one.DiagnosisPage));
const HelpPage = later(() => import("./help").then((one) => one.HelpPage));
const MessagesPage = later(() => import("./messages").then((one) => one.MessagesPage));
const NotesPage = later(() => import("./notes").then((one) => one.NotesPage));
const PhonesPage = later(() => import("./phones").then((one) => one.PhonesPage));
const SettingsPage = later(() => import("./settings").then((one) => one.SettingsPage));
const SyncsPage = later(() => import("../syncs").then((one) => one.SyncsPage));

const me = (): string => api.signedIn()?.user ?? "";

/* ---- who is there ---- */

interface Watched {
	users: Map<string, Row>;
	live: boolean;
	news: number; // of messages: counts up
}

function useWatch(): Watched {
	const [state, setState] = useState<Watched>({ users: new Map(), live: false, news: 0 });
	useEffect(
		() =>
			api.listen(
				{ watch: me(), type: "message.*,call.ended" },
				{
					onEvent: (event) =>
						setState((before) => {
							if (text(event, "type") !== "user.state") return { ...before, news: before.news + 1 };
							const users = new Map(event.whole === true ? [] : before.users);
							for (const row of list(event, "users")) users.set(text(row, "user"), row);
							return { ...before, users };
						}),
					onState: (live) => setState((before) => ({ ...before, live })),
				},
			),
		[],
	);
	return state;
}

/** line: undefined: the one that was chosen in this browser. */
async function call(to: string, line?: string, video = false): Promise<boolean> {
	const as = line ?? (await ownLine());
	return callByPhone(to, video, as) || originate(to, as);
}
async function ownLine(): Promise<string> {
	const line = chosenLine();
	const found = line && lineOf(await api.get(`/v1/extensions/${encodeURIComponent(me())}`).catch(() => null));
	if (line && !found) say(t("{line} is no number of yours any more: the number of your extension is shown.", { line }), true);
	return found;
}
const originate = (to: string, line = "") =>
	attempt(() => api.ask("/v1/calls", { method: "POST", body: { from: me(), to, ...(line ? { caller_id: line } : {}) } }), t("Your phone rings: take it, and {to} is called", { to }));

/* ---- the first page ---- */

const SAID = ["available", "busy", "do_not_disturb", "in_a_meeting", "away", "out_of_office", "off_work"];

function Presence({ own }: { own: Row | undefined }) {
	const asked = useAsk((signal) => api.get(`/v1/presence/${encodeURIComponent(me())}`, {}, { signal }), [text(own, "state"), text(own, "note")]);
	const said = text(asked.value, "said") || text(asked.value, "state");
	const [note, setNote] = useState<string | null>(null);
	const set = (state: string, next: string) =>
		void attempt(() => api.ask(`/v1/presence/${encodeURIComponent(me())}/set`, { method: "POST", body: { state, note: next } }), t("Others see it now")).then(() => {
			setNote(null);
			asked.again();
		});
	return (
		<Card title={t("Your status")} actions={own && <Badge tone={tone(text(own, "state"))}>{word(text(own, "state"))}</Badge>}>
			{asked.error ? (
				<Wrong error={asked.error} />
			) : (
				<form
					class="stack"
					onSubmit={(event) => {
						event.preventDefault();
						set(said, note ?? "");
					}}
				>
					<div class="field">
						<label for="presence">{t("Presence")}</label>
						<select id="presence" class="input" value={said} onChange={(event) => set(event.currentTarget.value, note ?? text(asked.value, "note"))}>
							{[...new Set([...SAID, ...text(asked.value, "states").split(","), said])].filter(Boolean).map((one) => (
								<option key={one} value={one}>
									{word(one)}
								</option>
							))}
						</select>
					</div>
					<div class="field">
						<label for="note">{t("Note")}</label>
						<input id="note" class="input" maxLength={127} placeholder={t("Back at two")} value={note ?? text(asked.value, "note")} onInput={(event) => setNote(event.currentTarget.value)} />
					</div>
					{note !== null && (
						<div>
							<button class="button first slim">{t("Save")}</button>
						</div>
					)}
				</form>
			)}
		</Card>
	);
}

/** Blind, or behind a question: the phone rings for that, and the two are connected by a button of the call then. */
function Transfer({ id, held, onClose }: { id: string; held: boolean; onClose: () => void }) {
	const [to, setTo] = useState("");
	const ask = () =>
		attempt(async () => {
			const first = (verb: string) => (held ? Promise.resolve() : patiently(() => api.ask(`/v1/calls/${id}/${verb}`, { method: "POST", body: {} })));
			await first("hold");
			await api.ask("/v1/calls", { method: "POST", body: { from: me(), to, auto_answer: true } }).catch(async (error) => {
				await first("resume").catch(() => undefined); // nobody waits in silence for a call that there is not
				throw error;
			});
		}, t("Your phone rings: take it, and {to} is called", { to }));
	return (
		<Dialog title={t("Transfer")} onClose={onClose}>
			<form
				class="inside"
				onSubmit={(event) => {
					event.preventDefault();
					onClose();
					void attempt(() => api.ask(`/v1/calls/${id}/transfer`, { method: "POST", body: { to } }), t("Transferring the call"));
				}}
			>
				<h2>{t("Transfer")}</h2>
				<div class="field">
					<label for="to">{t("To")}</label>
					<input id="to" class="input" inputMode="tel" autofocus required value={to} onInput={(event) => setTo(event.currentTarget.value)} />
				</div>
				<div class="ends">
					<button type="button" class="button" onClick={onClose}>
						{t("Cancel")}
					</button>
					<button
						type="button"
						class="button"
						disabled={!to}
						onClick={() => {
							onClose();
							void ask();
						}}
					>
						{t("Ask first")}
					</button>
					<button class="button first">{t("Transfer")}</button>
				</div>
			</form>
		</Dialog>
	);
}

const LEAVES_MS = 10000; // that the two calls are a conference is told by then

function OwnCalls({ calls, rows }: { calls: Row[]; rows: Row[] }) {
	const [gives, setGives] = useState("");
	const [more, setMore] = useState("");
	const [muted, setMuted] = useState<string[]>([]);
	const now = useNow();
	const act = (id: string, verb: string, body: Row = {}, done = "") => attempt(() => patiently(() => api.ask(`/v1/calls/${id}/${verb}`, { method: "POST", body })), done);
	const mute = async (id: string, on: boolean) => {
		if (await act(id, "mute", { on })) setMuted(on ? [...muted, id] : muted.filter((one) => one !== id));
	};
	const dragged = useDragged();
	// of two of one's own calls a conference is made, and left: what remains is a call of two (conferences.release)
	const leaves = useRef<string[]>([]);
	const connect = async (...both: [string, string]) => {
		leaves.current = both;
		const done = await attempt(() => api.ask("/v1/conferences", { method: "POST", body: { call: both[0], with: both[1] } }), t("Transferred"));
		setTimeout(() => leaves.current === both && (leaves.current = []), done ? LEAVES_MS : 0);
	};
	useEffect(() => {
		const joined = calls.find((one) => one.conference === true && leaves.current.includes(text(one, "call")));
		if (!joined) return;
		leaves.current = [];
		void act(text(joined, "call"), "hangup");
	}, [calls]);
	if (!calls.length) return <Empty icon="call" title={t("No active calls")}>{t("Calls of your phones appear here.")}</Empty>;
	return (
		<div class="inside stack own-calls" {...drops(dragged, (of) => of.answer)}>
			{calls.map((one, i) => {
				const id = text(one, "call");
				const full = rows.find((row) => text(row, "id") === id);
				const talks = text(one, "state") === "confirmed";
				const rings = !talks && text(one, "direction") === "in";
				const state = ownState(one, full);
				const isMuted = muted.includes(id);
				return (
					<div
						class="row own-call"
						key={id || i}
						data-call={id}
						data-rings={rings ? "" : undefined}
						{...(id && (talks || rings)
							? drags(
									talks
										? { transfer: (to) => void act(id, "transfer", { to }, t("Transferring the call")) }
										: { answer: () => void act(id, "answer", {}, t("Your phone was asked to answer")) },
									text(one, "remote"),
								)
							: {})}
					>
						<div class="grow">
							<strong class="num">{text(one, "remote") || t("unknown")}</strong> <span class="muted">{text(one, "remote_name")}</span>
							<div class="row small">
								<Badge tone={tone(state)}>{word(state)}</Badge>
								{isMuted && talks && <Badge tone="warn">{t("Muted")}</Badge>}
								<RecordLink own={one} />
								<span class="num muted">{number(full, "answer_utc_ms") ? duration(now - number(full, "answer_utc_ms")) : ""}</span>
							</div>
						</div>
						{id && rings && (
							<>
								<button class="button slim first" onClick={() => void act(id, "answer", {}, t("Your phone was asked to answer"))}>
									<Icon name="call" /> {t("Answer")}
								</button>
								<button class="button slim harm" onClick={() => void act(id, "reject")}>
									{t("Reject")}
								</button>
							</>
						)}
						{id && talks && (
							<>
								<button class="button slim" aria-pressed={isMuted} onClick={() => void mute(id, !isMuted)}>
									{isMuted ? t("Unmute") : t("Mute")}
								</button>
								<button class="button slim" onClick={() => void act(id, one.held ? "resume" : "hold")}>
									{one.held ? t("Resume") : t("Hold")}
								</button>
								<button class="button slim" onClick={() => void act(id, "park", {}, t("It is parked"))}>
									{t("Park")}
								</button>
								<button class="button slim" onClick={() => setGives(id)}>
									{t("Transfer")}
								</button>
								<button class="button slim" aria-expanded={more === id} onClick={() => setMore(more === id ? "" : id)}>
									{t("More")}
								</button>
							</>
						)}
						{id &&
							talks &&
							calls
								.filter((other) => other !== one && other.conference !== true && one.conference !== true && text(other, "call") && text(other, "state") === "confirmed")
								.map((other) => (
									<button class="button slim" key={text(other, "call")} onClick={() => void connect(id, text(other, "call"))}>
										{t("Connect with {who}", { who: text(other, "remote") })}
									</button>
								))}
						{id && !rings && (
							<button class="button slim harm" onClick={() => void act(id, "hangup")}>
								<Icon name="end" /> {t("Hang up")}
							</button>
						)}
						{id && talks && more === id && (
							<div class="columns three more">
								<Orders idOf={() => Promise.resolve(id)} />
							</div>
						)}
					</div>
				);
			})}
			{gives && <Transfer id={gives} held={calls.some((one) => text(one, "call") === gives && one.held === true)} onClose={() => setGives("")} />}
		</div>
	);
}

function Supervision() {
	const asked = useSupervisor(me());
	const modes = (asked.value?.modes ?? []) as string[];
	if (!text(asked.value, "whom") || !modes.length) return null;
	return (
		<Card title={t("Supervision")}>
			<p class="small muted">{t("Your phone rings, and you are in the call of that extension: {whom}", { whom: text(asked.value, "whom") })}</p>
			<Monitor by={me()} modes={modes} />
		</Card>
	);
}

function HomePage({ watched }: { watched: Watched }) {
	const [to, setTo] = useState("");
	const [pad, setPad] = useState(false);
	const phone = usePhone();
	const own = watched.users.get(me());
	const calls = list(own, "calls");
	const rows = useAsk((signal) => api.get<Row[]>("/v1/calls", {}, { signal }), [JSON.stringify(calls)], 5000);
	const counts = useAsk((signal) => api.get("/v1/messages:count", { mailbox: me() }, { signal }), [watched.news]);
	const records = useAsk((signal) => conversations({ since: "1d", missed: true }, 1000, signal), [calls.length], 15000);
	const missed = (records.value?.value ?? []).filter((row) => row.missed === true).length;
	const dragged = useDragged();
	const others = [...watched.users.values()].filter((row) => text(row, "user") !== me() && !row.ended);
	return (
		<>
			<Head title={t("Home")} lead={t("Extension {n}", { n: me() })}>
				<span class="live">
					<span class={watched.live ? "dot good" : "dot warn"} />
					{watched.live ? t("Live") : t("Connecting")}
				</span>
			</Head>
			<div class="stack">
				<div class="tiles">
					<Tile label={t("Your calls")} figure={calls.length} />
					<Tile label={t("New messages")} figure={counts.value ? number(counts.value, "new") : "–"} href={link("messages")} />
					<Tile label={t("Missed since yesterday")} figure={records.value ? missed : "–"} href={link("history")} />
				</div>
				<div class="columns">
					<Card title={t("Your calls")} bare>
						<OwnCalls calls={calls} rows={rows.value ?? []} />
					</Card>
					<Card title={t("New call")}>
						<form
							class="row"
							onSubmit={(event) => {
								event.preventDefault();
								void call(to).then((done) => done && setTo(""));
							}}
						>
							<label class="grow">
								<span class="hidden">{t("Number")}</span>
								<input class="input" inputMode="tel" required placeholder={t("Number")} value={to} onInput={(event) => setTo(event.currentTarget.value)} />
							</label>
							<button class="button first">
								<Icon name="call" /> {t("Call")}
							</button>
							<button type="button" class="button" aria-expanded={pad} onClick={() => setPad(!pad)}>
								{t("Dial pad")}
							</button>
							{phone?.state.registered && (
								<button type="button" class="button" onClick={() => to && void call(to, undefined, true).then((done) => done && setTo(""))}>
									{t("With video")}
								</button>
							)}
						</form>
						{pad && <Keys onKey={(digit) => setTo(to + digit)} />}
						{!phone?.state.registered && <p class="small muted">{t("Your phone rings first; then the number is called.")}</p>}
					</Card>
					<Presence own={own} />
					<PhoneCard />
					<Parked onCall={phone?.state.registered ? (slot) => callByPhone(slot) : undefined} />
					<Recents news={calls.length} onCall={(to) => void call(to)} />
					<Supervision />
					<Card title={t("Colleagues")} bare>
						{!others.length ? (
							<Empty icon="users" title={t("No colleagues yet")}>
								{t("Extensions on the BLF keys of your phone appear here: the setting “lamps”.")}
							</Empty>
						) : (
							<div class="inside stack" style={{ gap: "12px" }}>
								{others.map((row) => (
									<div class="row" key={text(row, "user")} data-user={text(row, "user")} {...drops(dragged, (of) => of.transfer && (() => of.transfer?.(text(row, "user"))))}>
										<span class={`dot ${dot(text(row, "state"))}`} />
										<strong class="num">{text(row, "user")}</strong>
										<span class="grow small muted cut">{text(row, "note") || list(row, "calls").map((one) => text(one, "remote")).filter(Boolean).join(", ")}</span>
										<Badge tone={tone(text(row, "state"))}>{word(text(row, "state"))}</Badge>
										{list(row, "calls").some((one) => text(one, "direction") === "in" && text(one, "state") !== "confirmed") && (
											<button class="button slim first" onClick={() => void attempt(() => api.ask("/v1/calls:pickup", { method: "POST", body: { extension: text(row, "user"), by: me() } }), t("It rings at you now"))}>
												{t("Take")}
											</button>
										)}
										<button class="button slim bare" aria-label={t("Call {to}", { to: text(row, "user") })} onClick={() => void call(text(row, "user"))}>
											<Icon name="call" />
										</button>
									</div>
								))}
							</div>
						)}
					</Card>
				</div>
			</div>
		</>
	);
}

/* ---- the frame ---- */

async function find(): Promise<Finding[]> {
	const people = await api.rows("/v1/directories", {}, 5000).catch(() => null);
	return (people?.value ?? []).map((row): Finding => ({ title: `${text(row, "name")} ${text(row, "number")}`.trim(), note: t("Call"), href: link("call", text(row, "number")), icon: "call" }));
}

/** The address of somebody to be called: nothing rings before it is confirmed. */
function CallPage({ to }: { to: string }) {
	const { photo } = usePicture(to);
	return (
		<>
			<Head title={t("Call {to}?", { to })} />
			<Card>
				<Picture photo={photo} of={to} />
				<div class="row">
					<button class="button first" onClick={() => void call(to).then(() => (location.href = link()))}>
						<Icon name="call" /> {t("Call")}
					</button>
					<a class="button" href={link()}>
						{t("Cancel")}
					</a>
				</div>
			</Card>
		</>
	);
}

const HOUR_MS = 3600000;

/** The session lasts as long as the page is used. */
function useRenewal(): void {
	useEffect(() => {
		const renew = async () => {
			const session = api.signedIn();
			if (!session || session.expires_utc_s * 1000 - Date.now() > 22 * HOUR_MS) return;
			const made = await api.ask<Row>(`/v1/sessions/${encodeURIComponent(session.name)}/renew`, { method: "POST", body: { ttl_s: 86400 } }).catch(() => null);
			if (!made) return;
			api.keep(number(made.value, "expires_utc_s"));
			tellPhone();
		};
		const timer = setInterval(() => void renew(), HOUR_MS / 6);
		void renew();
		return () => clearInterval(timer);
	}, []);
}

function Pages() {
	const { path } = usePlace();
	const watched = useWatch();
	const counts = useAsk((signal) => api.get("/v1/messages:count", { mailbox: me() }, { signal }), [watched.news], 60000);
	useRenewal();
	useAlerts(watched.users.get(me()));
	useEffect(() => void resumePhone(), []);
	usePush();
	const [here = "", of = ""] = path;
	const groups: Group[] = [
		{
			title: "",
			entries: [
				{ path: "", title: t("Home"), icon: "home" },
				{ path: "messages", title: t("Voicemail"), icon: "mail", count: number(counts.value, "new") },
				{ path: "history", title: t("History"), icon: "clock" },
				{ path: "contacts", title: t("Contacts"), icon: "users" },
				{ path: "notes", title: t("Notes"), icon: "document" },
				{ path: "phones", title: t("My phones"), icon: "phone" },
				{ path: "settings", title: t("Settings"), icon: "gear" },
			],
		},
	];
	let page;
	if (here === "") page = <HomePage watched={watched} />;
	else if (here === "messages") page = <MessagesPage news={watched.news} onCall={(to) => void call(to)} />;
	else if (here === "history") page = <HistoryPage news={watched.news} onCall={(to) => void call(to)} />;
	else if (here === "contacts") page = <ContactsPage users={watched.users} onCall={(to, line) => void call(to, line || undefined)} />;
	else if (here === "notes") page = <NotesPage />;
	else if (here === "phones") page = <PhonesPage />;
	else if (here === "settings") page = <SettingsPage />;
	else if (here === "syncs") page = <SyncsPage user={me()} />;
	else if (here === "help") page = <HelpPage />;
	else if (here === "diagnosis") page = <DiagnosisPage />;
	else if (here === "answer") page = <AnswerPage />;
	else if (here === "call" && of) page = <CallPage to={of} />;
	else page = <Empty icon="seek" title={t("There is no such page")} />;
	return (
		<Shell groups={groups} find={find} account={<Account own={watched.users.get(me())} />}>
			<PhoneBar />
			<AgentBar />
			{page}
		</Shell>
	);
}

function SignIn({ first }: { first: string }) {
	const [given, setGiven] = useState({ number: "", password: "", tenant: new URLSearchParams(location.search).get("tenant") ?? "" });
	const [wrong, setWrong] = useState(first);
	const [busy, setBusy] = useState(false);
	const [office, setOffice] = useState(false);
	useEffect(() => void hasOffice(given.tenant).then(setOffice), []);
	const field = (name: keyof typeof given, label: string, more: object) => (
		<div class="field">
			<label for={name}>{label}</label>
			<input id={name} class="input" value={given[name]} onInput={({ currentTarget: { value } }) => setGiven((before) => ({ ...before, [name]: value }))} {...more} />
		</div>
	);
	return (
		<Gate lead={t("With the number and the password of your extension.")}>
			{wrong && (
				<Notice tone="bad">
					<span>{wrong}</span>
				</Notice>
			)}
			<form
				class="stack"
				onSubmit={(event) => {
					event.preventDefault();
					setBusy(true);
					const { tenant, ...body } = given;
					api.ask<Row>("/v1/sessions", { method: "POST", token: "", body: { ...body, ttl_s: 86400, ...(tenant ? { tenant } : {}) } })
						.then((made) => api.signIn(api.sessionOf(made.value)))
						.catch((error: api.Problem) => setWrong(error.status === 401 ? t("Number or password is wrong.") : error.message))
						.finally(() => setBusy(false));
				}}
			>
				{field("number", t("Extension"), { autocomplete: "username", required: true, inputMode: "tel" })}
				{field("password", t("Password"), { type: "password", autocomplete: "current-password", required: true })}
				{field("tenant", t("Tenant, if your company has one"), { autocomplete: "organization" })}
				<button class="button first" disabled={busy}>
					{t("Sign in")}
				</button>
			</form>
			{office && (
				<>
					<div class="or">{t("or")}</div>
					<button class="button" onClick={() => void goToOffice(given.tenant).catch((error: Error) => setWrong(error.message))}>
						{t("Sign in with the account of your office")}
					</button>
				</>
			)}
		</Gate>
	);
}

function Client({ first }: { first: string }) {
	const [, again] = useState(0);
	useLayoutEffect(() => api.onChange(() => again((n) => n + 1)), []);
	const session = api.signedIn();
	const before = useRef(session);
	useEffect(() => {
		const left = before.current;
		before.current = session;
		if (session) return;
		dropPhone();
		if (left && left.expires_utc_s * 1000 > Date.now()) dropPush(); // one that ran out has not been left
	}, [session]);
	return session ? <Pages key={session.token} /> : <SignIn first={first} />;
}

api.open("client");
void backFromOffice().then((wrong) => start(() => <Client first={wrong} />));

// SPDX-License-Identifier: Apache-2.0
// The web client of a user: who is there, own calls, messages, history, settings.
import { useEffect, useMemo, useState } from "preact/hooks";
import * as api from "../api";
import { list, number, text, type Row } from "../api";
import { Form, argumentsOf, schema } from "../field";
import { duration, time } from "../format";
import { language, t } from "../i18n";
import { Audio, Badge, Card, type Column, Dialog, Empty, type Finding, Gate, type Group, Head, Icon, Notice, Shell, Table, Tile, Waits, Wrong, attempt, link, start, useAsk, useNow, usePlace } from "../ui";
import { tone, word } from "../words";

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

const call = (to: string) => attempt(() => api.ask("/v1/calls", { method: "POST", body: { from: me(), to } }), t("Your phone rings: take it, and {to} is called", { to }));

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
		<Card title={t("How you are seen")} actions={own && <Badge tone={tone(text(own, "state"))}>{word(text(own, "state"))}</Badge>}>
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
							{(SAID.includes(said) || !said ? SAID : [said, ...SAID]).map((one) => (
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

function Transfer({ id, onClose }: { id: string; onClose: () => void }) {
	const [to, setTo] = useState("");
	return (
		<Dialog title={t("Transfer")} onClose={onClose}>
			<form
				class="inside"
				onSubmit={(event) => {
					event.preventDefault();
					onClose();
					void attempt(() => api.ask(`/v1/calls/${id}/transfer`, { method: "POST", body: { to } }), t("It is transferred"));
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
					<button class="button first">{t("Transfer")}</button>
				</div>
			</form>
		</Dialog>
	);
}

function OwnCalls({ calls, rows }: { calls: Row[]; rows: Row[] }) {
	const [gives, setGives] = useState("");
	const now = useNow();
	const act = (id: string, verb: string) => void attempt(() => api.ask(`/v1/calls/${id}/${verb}`, { method: "POST", body: {} }));
	if (!calls.length) return <Empty icon="call" title={t("You are in no call")}>{t("Calls of your phones appear here.")}</Empty>;
	return (
		<div class="inside stack">
			{calls.map((one, i) => {
				const id = text(one, "call");
				const full = rows.find((row) => text(row, "id") === id);
				const talks = text(one, "state") === "confirmed";
				return (
					<div class="row own-call" key={id || i} data-call={id}>
						<div class="grow">
							<strong class="num">{text(one, "remote") || t("unknown")}</strong> <span class="muted">{text(one, "remote_name")}</span>
							<div class="row small">
								<Badge tone={one.held ? "warn" : talks ? "good" : "accent"}>{one.held ? t("On hold") : one.conference ? t("In a conference") : talks ? t("Talks") : text(one, "direction") === "in" ? t("Rings") : t("Hears ringing")}</Badge>
								<span class="num muted">{number(full, "answer_utc_ms") ? duration(now - number(full, "answer_utc_ms")) : ""}</span>
							</div>
						</div>
						{id && talks && (
							<>
								<button class="button slim" onClick={() => act(id, one.held ? "resume" : "hold")}>
									{one.held ? t("Resume") : t("Hold")}
								</button>
								<button class="button slim" onClick={() => setGives(id)}>
									{t("Transfer")}
								</button>
							</>
						)}
						{id && (
							<button class="button slim harm" onClick={() => act(id, "hangup")}>
								<Icon name="end" /> {t("Hang up")}
							</button>
						)}
					</div>
				);
			})}
			{gives && <Transfer id={gives} onClose={() => setGives("")} />}
		</div>
	);
}

function HomePage({ watched }: { watched: Watched }) {
	const [to, setTo] = useState("");
	const own = watched.users.get(me());
	const calls = list(own, "calls");
	const rows = useAsk((signal) => api.get<Row[]>("/v1/calls", {}, { signal }), [JSON.stringify(calls)], 5000);
	const counts = useAsk((signal) => api.get("/v1/messages:count", { mailbox: me() }, { signal }), [watched.news]);
	const records = useAsk((signal) => api.get<Row[]>("/v1/cdrs", { since: "1d", limit: 100 }, { signal }), [calls.length]);
	const missed = (records.value ?? []).filter((row) => text(row, "missed").split(",").includes(me())).length;
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
					<Card title={t("Call somebody")}>
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
						</form>
						<p class="small muted">{t("Your phone rings first; then the number is called.")}</p>
					</Card>
					<Presence own={own} />
					<Card title={t("Colleagues")} bare>
						{!others.length ? (
							<Empty icon="users" title={t("You watch nobody")}>
								{t("Whom your phone's keys show appears here: the setting “lamps”.")}
							</Empty>
						) : (
							<div class="inside stack" style={{ gap: "12px" }}>
								{others.map((row) => (
									<div class="row" key={text(row, "user")} data-user={text(row, "user")}>
										<span class={`dot ${tone(text(row, "state"))}`} />
										<strong class="num">{text(row, "user")}</strong>
										<span class="grow small muted cut">{text(row, "note") || list(row, "calls").map((one) => text(one, "remote")).filter(Boolean).join(", ")}</span>
										<Badge tone={tone(text(row, "state"))}>{word(text(row, "state"))}</Badge>
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

/* ---- messages ---- */

function MessagesPage({ news }: { news: number }) {
	const [state, setState] = useState("");
	const [plays, setPlays] = useState({ id: "", src: "" });
	const asked = useAsk((signal) => api.rows("/v1/messages", { mailbox: me(), state }, 1000, { signal }), [state, news]);
	const at = (row: Row) => `/v1/messages/${encodeURIComponent(text(row, "message"))}`;
	const change = (what: () => Promise<unknown>, done: string) => void attempt(what, done).then(() => asked.again());
	const put = (row: Row, body: Row) => api.ask(at(row), { method: "PATCH", body: { mailbox: me(), ...body } });
	const play = async (row: Row) => {
		await attempt(async () => {
			const made = await api.get(`${at(row)}/link`, { mailbox: me() });
			const part = list(made, "links")[0] ?? null;
			setPlays({ id: text(row, "message"), src: `${location.protocol}//${location.hostname}:${number(part, "port")}${text(part, "path")}` });
			if (text(row, "state") === "new") await put(row, { state: "old" });
			asked.again();
		});
	};
	const columns: Column[] = [
		{
			key: "from",
			title: t("From"),
			track: "minmax(130px, 1fr)",
			cell: (row) => (
				<>
					{row.urgent === true && <Badge tone="bad">{t("urgent")}</Badge>} <strong class="num">{text(row, "from")}</strong> <span class="muted">{text(row, "from_name")}</span>
				</>
			),
		},
		{ key: "begun_utc_ms", title: t("Left"), track: "140px", cell: (row) => <span class="num">{time(number(row, "begun_utc_ms"), language())}</span> },
		{ key: "duration_ms", title: t("Length"), track: "80px", end: true, wide: true, cell: (row) => duration(number(row, "duration_ms")) },
		{ key: "state", title: t("State"), track: "100px", wide: true, cell: (row) => <Badge tone={tone(text(row, "state"))}>{word(text(row, "state"))}</Badge> },
		{ key: "text", title: t("What it says"), track: "minmax(90px, 1.2fr)", wide: true, cell: (row) => text(row, "text") || <span class="muted">{text(row, "note")}</span> },
		{
			key: "_",
			title: t("Actions"),
			track: "minmax(190px, 330px)",
			value: () => "",
			cell: (row) =>
				text(row, "state") === "deleted" ? (
					<button class="button slim" onClick={() => change(() => api.ask(`${at(row)}/undelete`, { method: "POST", body: { mailbox: me() } }), t("It is back"))}>
						{t("Take back")}
					</button>
				) : plays.id === text(row, "message") ? (
					<Audio src={plays.src} label={t("Message from {from}", { from: text(row, "from") })} />
				) : (
					<span class="row" style={{ flexWrap: "nowrap" }}>
						<button class="button slim" onClick={() => void play(row)}>
							<Icon name="play" /> {t("Play")}
						</button>
						<button class="button slim bare" aria-label={t("Call {to}", { to: text(row, "from") })} onClick={() => void call(text(row, "from"))}>
							<Icon name="call" />
						</button>
						<button class="button slim bare" aria-label={t("Delete")} onClick={() => change(() => api.ask(at(row), { method: "DELETE", query: { mailbox: me() } }), t("Deleted"))}>
							<Icon name="bin" />
						</button>
					</span>
				),
		},
	];
	return (
		<>
			<Head title={t("Voicemail")} lead={t("Messages in your mailbox, the newest first.")} />
			<Table
				label={t("Voicemail")}
				file="messages"
				columns={columns}
				rows={asked.value?.value ?? null}
				error={asked.error}
				id={(row) => text(row, "message")}
				empty={<Empty icon="mail" title={t("No messages")} />}
				tools={
					<label>
						<span class="hidden">{t("State")}</span>
						<select class="input" value={state} onChange={(event) => setState(event.currentTarget.value)}>
							<option value="">{t("New and heard")}</option>
							<option value="new">{t("New")}</option>
							<option value="old">{t("Heard")}</option>
							<option value="deleted">{t("Deleted")}</option>
						</select>
					</label>
				}
			/>
		</>
	);
}

/* ---- history ---- */

function HistoryPage({ news }: { news: number }) {
	const [pages, setPages] = useState(1);
	const asked = useAsk((signal) => api.rows("/v1/cdrs", { limit: 200 }, 200 * pages, { signal }), [pages, news]);
	const out = (row: Row) => text(row, "from") === me();
	const missed = (row: Row) => text(row, "missed").split(",").includes(me());
	const columns: Column[] = useMemo(
		() => [
			{
				key: "who",
				title: t("Who"),
				track: "minmax(140px, 1.2fr)",
				value: (row) => `${text(row, out(row) ? "to" : "from")} ${out(row) ? "" : text(row, "from_name")}`,
				cell: (row) => (
					<span class="row" style={{ flexWrap: "nowrap" }}>
						<span class={missed(row) ? "badge bad" : out(row) ? "badge accent" : "badge good"}>
							<span aria-hidden="true">{out(row) ? "↗" : "↙"}</span>
							<span class="hidden">{missed(row) ? t("missed") : out(row) ? t("outgoing") : t("incoming")}</span>
						</span>
						<strong class="num">{text(row, out(row) ? "to" : "from")}</strong>
						<span class="muted cut">{out(row) ? "" : text(row, "from_name")}</span>
					</span>
				),
			},
			{ key: "setup_utc_ms", title: t("When"), track: "150px", cell: (row) => <span class="num">{time(number(row, "setup_utc_ms"), language())}</span> },
			{ key: "talk_ms", title: t("Talk"), track: "90px", end: true, wide: true, cell: (row) => (number(row, "talk_ms") ? duration(number(row, "talk_ms")) : "–") },
			{ key: "outcome", title: t("Outcome"), track: "140px", wide: true, value: (row) => (missed(row) ? t("missed") : number(row, "answer_utc_ms") ? t("answered") : t("not answered")) },
			{
				key: "_",
				title: t("Actions"),
				track: "110px",
				value: () => "",
				cell: (row) => (
					<button class="button slim" onClick={() => void call(text(row, out(row) ? "to" : "from"))}>
						<Icon name="call" /> {t("Call")}
					</button>
				),
			},
		],
		[language()],
	);
	return (
		<>
			<Head title={t("History")} lead={t("Your calls that have ended, the newest first.")} />
			<Table label={t("History")} file="history" columns={columns} rows={asked.value?.value ?? null} error={asked.error} id={(row) => text(row, "id")} more={asked.value?.next ? () => setPages(pages + 1) : null} empty={<Empty icon="clock" title={t("No call has ended yet")} />} />
		</>
	);
}

/* ---- settings ---- */

const OWN = ["do_not_disturb", "smart_do_not_disturb", "forward_always", "forward_busy", "forward_no_answer", "forward_rings", "forward_unreachable", "lamps"];

function SettingsPage() {
	const path = `/v1/extensions/${encodeURIComponent(me())}`;
	const fields = useAsk(() => schema(), []);
	const asked = useAsk((signal) => api.ask<Row>(path, { signal }), []);
	const sessions = useAsk((signal) => api.get<Row[]>("/v1/sessions", { number: me() }, { signal }), []);
	const error = asked.error ?? fields.error;
	return (
		<>
			<Head title={t("Settings")} lead={t("Where your calls go, and whom you watch.")} />
			<div class="stack">
				{error && <Wrong error={error} />}
				{fields.value && asked.value ? (
					<Form
						key={asked.value.etag}
						fields={argumentsOf(fields.value, "patch", "/v1/extensions/{number}")}
						only={OWN}
						first={OWN}
						before={asked.value.value}
						onSave={async (changes) => {
							await api.ask(path, { method: "PATCH", body: changes });
							asked.again();
						}}
					/>
				) : (
					!error && <Waits />
				)}
				<Card title={t("Where you are signed in")}>
					{!sessions.value ? (
						<Waits lines={2} />
					) : (
						<div class="stack" style={{ gap: "10px" }}>
							{sessions.value.map((row) => (
								<div class="row" key={text(row, "name")}>
									<span class="grow">
										<span class="num">{t("until {at}", { at: time(1000 * number(row, "expires_utc_s"), language()) })}</span> {text(row, "name") === api.signedIn()?.name && <Badge tone="good">{t("here")}</Badge>}
									</span>
									{text(row, "name") !== api.signedIn()?.name && (
										<button class="button slim" onClick={() => void attempt(() => api.ask(`/v1/sessions/${encodeURIComponent(text(row, "name"))}`, { method: "DELETE" }), t("Signed out there")).then(sessions.again)}>
											{t("Sign out")}
										</button>
									)}
								</div>
							))}
						</div>
					)}
				</Card>
			</div>
		</>
	);
}

/* ---- the frame ---- */

async function find(): Promise<Finding[]> {
	const rows = await api.get<Row[]>("/v1/cdrs", { limit: 100 });
	const numbers = new Map(rows.map((row) => (text(row, "from") === me() ? ([text(row, "to"), ""] as const) : ([text(row, "from"), text(row, "from_name")] as const))));
	return [...numbers].filter(([of]) => of).map(([of, name]): Finding => ({ title: `${of} ${name}`.trim(), note: t("Call"), href: link("call", of), icon: "call" }));
}

/** The address of somebody to be called: nothing rings before it is confirmed. */
function CallPage({ to }: { to: string }) {
	return (
		<>
			<Head title={t("Call {to}?", { to })} />
			<Card>
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
			if (made) api.keep(number(made.value, "expires_utc_s"));
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
	const [here = "", of = ""] = path;
	const groups: Group[] = [
		{
			title: "",
			entries: [
				{ path: "", title: t("Home"), icon: "home" },
				{ path: "messages", title: t("Voicemail"), icon: "mail", count: number(counts.value, "new") },
				{ path: "history", title: t("History"), icon: "clock" },
				{ path: "settings", title: t("Settings"), icon: "gear" },
			],
		},
	];
	let page;
	if (here === "") page = <HomePage watched={watched} />;
	else if (here === "messages") page = <MessagesPage news={watched.news} />;
	else if (here === "history") page = <HistoryPage news={watched.news} />;
	else if (here === "settings") page = <SettingsPage />;
	else if (here === "call" && of) page = <CallPage to={of} />;
	else page = <Empty icon="seek" title={t("There is no such page")} />;
	return (
		<Shell groups={groups} find={find}>
			{page}
		</Shell>
	);
}

function SignIn() {
	const [given, setGiven] = useState({ number: "", password: "", tenant: new URLSearchParams(location.search).get("tenant") ?? "" });
	const [wrong, setWrong] = useState("");
	const [busy, setBusy] = useState(false);
	const field = (name: keyof typeof given, label: string, more: object) => (
		<div class="field">
			<label for={name}>{label}</label>
			<input id={name} class="input" value={given[name]} onInput={(event) => setGiven({ ...given, [name]: event.currentTarget.value })} {...more} />
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
		</Gate>
	);
}

function Client() {
	const [, again] = useState(0);
	useEffect(() => api.onChange(() => again((n) => n + 1)), []);
	const session = api.signedIn();
	return session ? <Pages key={session.token} /> : <SignIn />;
}

api.open("client");
start(() => <Client />);

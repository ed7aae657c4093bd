// SPDX-License-Identifier: Apache-2.0
// What a user sets for himself: how calls reach him, what callers hear, who is told of messages, his password and PIN.
import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { number, text, type Row } from "../api";
import { Form, type Words, argumentsOf, schema } from "../field";
import { duration, time } from "../format";
import { language, t } from "../i18n";
import { Audio, Badge, Card, Head, Icon, Notice, Waits, Wrong, attempt, link, say, useAsk } from "../ui";
import { word } from "../words";
import { MOST_S, record } from "./greeting";
import { MediaCard } from "./phone-settings";
import { turnOnAgain } from "./phone-bar";
import { PagingCard } from "./paging";
import { OwnPicture } from "./picture";

const me = (): string => api.signedIn()?.user ?? "";
const own = (noun: string): string => `/v1/${noun}/${encodeURIComponent(me())}`;

/* ---- fields of the own extension ---- */

const CALLS = ["do_not_disturb", "smart_do_not_disturb", "forward_always", "forward_busy", "forward_no_answer", "forward_rings", "forward_unreachable", "call_waiting", "auto_answer", "auto_answer_s", "lamps"];
const TOLD = ["mailbox_notify", "mailbox_notify_to", "mailbox_notify_hours", "mailbox_notify_retry_s", "mailbox_mail", "mailbox_mail_audio", "mailbox_mail_delete"];

const words = (): { [name: string]: Words } => ({
	do_not_disturb: [t("Do not disturb"), t("No phone of yours rings: callers find you busy. You can still call.")],
	smart_do_not_disturb: [t("One call at a time"), t("While you have a call, further callers find you busy.")],
	forward_always: [t("All calls go to"), t("Instead of your phones; empty: they ring. Several numbers, joined by a comma, are tried one after the other.")],
	forward_busy: [t("When you are busy, calls go to"), ""],
	forward_no_answer: [t("When you do not answer, calls go to"), ""],
	forward_rings: [t("… after so many rings"), t("A ring lasts six seconds.")],
	forward_unreachable: [t("When none of your phones is there, calls go to"), ""],
	call_waiting: [t("A second call"), t("Of those that wait you hear a tone."), { phone: t("rings at your phones"), off: t("finds you busy"), single: t("waits"), multiple: t("waits, and four more do") }],
	auto_answer: [t("Your desk phones answer by themselves"), t("The word that your phones know for that, or off."), { off: t("off") }],
	auto_answer_s: [t("… after so many seconds"), ""],
	trunk_access: [t("Calls outside go by"), t("The trunk with that access code, where you dial none of a trunk."), { "": t("what the dial plan says") }],
	record: [t("Your calls are recorded"), "", { off: t("none"), auto: t("all"), on_demand: t("those that you choose") }],
	lamps: [t("Keys of your phone"), t("Which extensions they show, such as 1=blf:1002,2=blf:1003. These are your colleagues on the first page, too.")],
	mailbox_notify: [t("A call tells of new messages"), "", { none: t("none"), urgent: t("urgent ones"), all: t("all") }],
	mailbox_notify_to: [t("That call goes to"), t("A number, as you dial it; empty: your own phones.")],
	mailbox_notify_hours: [t("At these hours"), t("Such as 08:00-18:00, or the name of opening hours; empty: at any time.")],
	mailbox_notify_retry_s: [t("Again after so many seconds"), t("Five times at most, for as long as the message is new; 0: 300.")],
	mailbox_mail: [t("Mail of new messages to"), t("An address; empty: none.")],
	mailbox_mail_audio: [t("With the message itself"), ""],
	mailbox_mail_delete: [t("Deleted from the mailbox when it was sent so"), ""],
});

/* ---- password and PIN ---- */

function Secrets({ hasPin, onChange }: { hasPin: boolean; onChange: () => void }) {
	const empty = { present: "", password: "", again: "", pin: "" };
	const [given, setGiven] = useState(empty);
	const [wrong, setWrong] = useState("");
	const [busy, setBusy] = useState(false);
	const field = (name: keyof typeof given, label: string, more: object, hint = "") => (
		<div class="field">
			<label for={`secret-${name}`}>{label}</label>
			<input id={`secret-${name}`} class="input" type="password" value={given[name]} onInput={({ currentTarget: { value } }) => setGiven((before) => ({ ...before, [name]: value }))} aria-describedby={`secret-${name}-hint`} {...more} />
			<span class="hint" id={`secret-${name}-hint`}>
				{hint}
			</span>
		</div>
	);
	const save = async () => {
		if (given.password !== given.again) return setWrong(t("The two new passwords are not equal."));
		setWrong("");
		setBusy(true);
		const who = api.signedIn(); // it may have ended by the time that the answer comes
		try {
			const { present, password, pin } = given;
			await api.ask(`${own("extensions")}/secret`, { method: "POST", body: { present, ...(password && { new_password: password }), ...(pin && { new_pin: pin }) } });
			setGiven(empty);
			say(t("Saved"));
			if (password && who) await enterAgain(who, password);
			else onChange();
		} catch (error) {
			setWrong(error instanceof api.Problem && error.status === 403 ? t("The present password is wrong.") : (error as Error).message);
		}
		setBusy(false);
	};
	return (
		<Card title={t("Password and PIN")} actions={<Badge tone={hasPin ? "good" : "warn"}>{hasPin ? t("The mailbox has a PIN") : t("The mailbox has no PIN")}</Badge>}>
			<form
				class="stack"
				onSubmit={(event) => {
					event.preventDefault();
					void save();
				}}
			>
				{wrong && <Notice tone="bad">{wrong}</Notice>}
				<div class="fields">
					{field("present", t("Present password"), { required: true, autocomplete: "current-password" })}
					{field("password", t("New password"), { minLength: 4, maxLength: 128, autocomplete: "new-password" }, t("Your phones register by it, too; where else you are signed in, you are signed out."))}
					{field("again", t("New password once more"), { maxLength: 128, autocomplete: "new-password" })}
					{field("pin", t("New PIN of the mailbox"), { maxLength: 16, inputMode: "numeric", autocomplete: "off" }, t("4 to 16 digits, or off."))}
				</div>
				<div>
					<button class="button first" disabled={busy || !given.present || !(given.password || given.pin)}>
						{t("Change")}
					</button>
				</div>
			</form>
		</Card>
	);
}

/** Another password has ended all sessions, this one, too: the page has one by the new password then. */
async function enterAgain(who: api.Session, password: string): Promise<void> {
	const made = await api.ask<Row>("/v1/sessions", { method: "POST", token: "", body: { number: who.user, password, ttl_s: 86400, tenant: who.tenant } });
	api.signIn(api.sessionOf(made.value));
	await turnOnAgain(password);
}

/* ---- greetings ---- */

const STATES = ["usual", "busy", "temporary", "in_a_meeting", "do_not_disturb", "away", "out_of_office", "off_work", "name"];
const stateWord = (state: string): string => ({ usual: t("Else"), busy: t("While you speak"), temporary: t("For now, before all others"), name: t("Your name, as the directory says it") })[state] ?? word(state);

function Greetings() {
	const [state, setState] = useState("usual");
	const [made, setMade] = useState<Blob | null>(null);
	const [speaks, setSpeaks] = useState(false);
	const ends = useRef<(() => Promise<Blob>) | null>(null);
	const asked = useAsk((signal) => api.get<Row[]>(own("greetings"), {}, { signal }), [], 5000);
	const presence = useAsk((signal) => api.get(own("presence"), {}, { signal }), []);
	const states = [...new Set([...STATES, ...text(presence.value, "states").split(",").filter(Boolean)])];
	const row = (asked.value ?? []).find((one) => text(one, "state") === state);
	const path = own("greetings");
	const post = (verb: string, done: string) => void attempt(() => api.ask(`${path}/${verb}`, { method: "POST", body: { state } }), done);
	const put = (file: Blob) =>
		void attempt(() => api.ask(path, { method: "PATCH", query: { state }, file }), t("Callers hear it now")).then((ok) => {
			if (ok) setMade(null);
			asked.again();
		});
	const stop = async () => {
		const end = ends.current;
		ends.current = null;
		setSpeaks(false);
		if (end) await attempt(async () => setMade(await end()));
	};
	const begin = () =>
		void attempt(async () => {
			setMade(null);
			ends.current = await record();
			setSpeaks(true);
		});
	useEffect(() => {
		if (!speaks) return;
		const timer = setTimeout(() => void stop(), 1000 * MOST_S);
		return () => clearTimeout(timer);
	}, [speaks]);
	useEffect(() => () => void ends.current?.(), []); // the microphone is off with the page
	return (
		<Card title={t("What callers hear")} actions={<Badge tone={row ? "good" : ""}>{row ? duration(number(row, "length_ms")) : t("not recorded")}</Badge>}>
			<div class="stack greetings">
				{asked.error && <Wrong error={asked.error} />}
				<div class="field">
					<label for="greeting-state">{t("When")}</label>
					<select
						id="greeting-state"
						class="input"
						value={state}
						disabled={speaks}
						onChange={(event) => {
							setMade(null);
							setState(event.currentTarget.value);
						}}
					>
						{states.map((one) => (
							<option key={one} value={one}>
								{stateWord(one)}
								{(asked.value ?? []).some((of) => text(of, "state") === one) ? " ✓" : ""}
							</option>
						))}
					</select>
					<span class="hint">
						{row && number(row, "until_utc_ms") ? t("until {at}", { at: time(number(row, "until_utc_ms"), language()) }) : row ? "" : t("Callers hear the one that counts next, or the node's own.")}
					</span>
				</div>
				<div class="row">
					{speaks ? (
						<button class="button slim harm" onClick={() => void stop()}>
							<Icon name="record" /> {t("Stop")}
						</button>
					) : (
						<button class="button slim" onClick={begin}>
							<Icon name="record" /> {t("Record here")}
						</button>
					)}
					<button class="button slim" onClick={() => post("record", t("Your phone rings: speak behind the beep, then hang up"))}>
						{t("Record at the phone")}
					</button>
					{row && (
						<button class="button slim" onClick={() => post("hear", t("Your phone rings, and you hear it"))}>
							{t("Hear at the phone")}
						</button>
					)}
					<label class="button slim file">
						{t("Choose a file")}
						<input
							class="hidden"
							type="file"
							accept="audio/wav,audio/ogg,.wav,.ogg,.opus"
							onChange={(event) => {
								const file = event.currentTarget.files?.[0];
								event.currentTarget.value = "";
								if (file) put(new Blob([file], { type: /\.wav$/i.test(file.name) ? "audio/wav" : "audio/ogg" }));
							}}
						/>
					</label>
					{row && (
						<button class="button slim harm" onClick={() => void attempt(() => api.ask(path, { method: "DELETE", query: { state } }), t("Deleted")).then(asked.again)}>
							<Icon name="bin" /> {t("Delete")}
						</button>
					)}
				</div>
				{made && <Made of={made} onUse={() => put(made)} onDrop={() => setMade(null)} />}
			</div>
		</Card>
	);
}

/** What was just said: heard first, and used then. */
function Made({ of, onUse, onDrop }: { of: Blob; onUse: () => void; onDrop: () => void }) {
	const [src, setSrc] = useState("");
	useEffect(() => {
		const url = URL.createObjectURL(of);
		setSrc(url);
		return () => URL.revokeObjectURL(url);
	}, [of]);
	return (
		<div class="row">
			{src && <Audio src={src} label={t("What you said")} />}
			<button class="button slim first" onClick={onUse}>
				{t("Use it")}
			</button>
			<button class="button slim" onClick={onDrop}>
				{t("Discard")}
			</button>
		</div>
	);
}

/* ---- sessions ---- */

function Sessions() {
	const asked = useAsk((signal) => api.get<Row[]>("/v1/sessions", { number: me() }, { signal }), []);
	const here = api.signedIn()?.name;
	return (
		<Card title={t("Where you are signed in")}>
			{!asked.value ? (
				<Waits lines={2} />
			) : (
				<div class="stack" style={{ gap: "10px" }}>
					{asked.value.map((row) => (
						<div class="row" key={text(row, "name")}>
							<span class="grow">
								<span class="num">{t("until {at}", { at: time(1000 * number(row, "expires_utc_s"), language()) })}</span> {text(row, "name") === here && <Badge tone="good">{t("here")}</Badge>}
							</span>
							{text(row, "name") !== here && (
								<button class="button slim" onClick={() => void attempt(() => api.ask(`/v1/sessions/${encodeURIComponent(text(row, "name"))}`, { method: "DELETE" }), t("Signed out there")).then(asked.again)}>
									{t("Sign out")}
								</button>
							)}
						</div>
					))}
				</div>
			)}
		</Card>
	);
}

export function SettingsPage() {
	const path = own("extensions");
	const fields = useAsk(() => schema(), []);
	const asked = useAsk((signal) => api.ask<Row>(path, { signal }), []);
	const error = asked.error ?? fields.error;
	const node = fields.value && argumentsOf(fields.value, "patch", "/v1/extensions/{number}");
	const trunks = text(asked.value?.value, "trunk_accesses").split(",").filter(Boolean);
	const given = node && { ...node, trunk_access: { ...node.trunk_access, enum: ["", ...trunks] } };
	const calls = [...CALLS, ...(trunks.length ? ["trunk_access"] : []), ...(asked.value?.value.record_own ? ["record"] : [])];
	const [saved, setSaved] = useState<Row>({});
	const save = async (changes: Row) => setSaved((await api.ask<Row>(path, { method: "PATCH", body: changes })).value);
	const form = (title: string, names: string[]) =>
		given &&
		asked.value && (
			<section aria-label={title}>
				<h2>{title}</h2>
				<Form fields={given} only={names} first={names} words={words()} before={{ ...asked.value.value, ...saved }} onSave={save} />
			</section>
		);
	return (
		<>
			<Head title={t("Settings")} lead={t("How calls reach you, what callers hear, who is told of messages, and your secrets.")} />
			<div class="stack">
				<nav class="row" aria-label={t("Parts of this page")}>
					{[t("Calls to you"), t("New messages"), t("What callers hear"), t("Password and PIN"), t("This browser")].map((title) => (
						<button class="button slim" key={title} onClick={() => [...document.querySelectorAll("main h2")].find((one) => one.textContent === title)?.scrollIntoView()}>
							{title}
						</button>
					))}
					<a class="button slim" href={link("syncs")}>
						{t("Of other services")}
					</a>
				</nav>
				{error && <Wrong error={error} />}
				{form(t("Calls to you"), calls) || (!error && <Waits />)}
				{form(t("New messages"), TOLD)}
				<PagingCard />
				<OwnPicture of={me()} />
				<Greetings />
				<Secrets hasPin={asked.value?.value.has_pin === true} onChange={asked.again} />
				<MediaCard />
				<Sessions />
			</div>
		</>
	);
}

// SPDX-License-Identifier: Apache-2.0
// What a page shows of the phone in the browser: above each page while there is a call, and where it is turned on.
import { useEffect, useState } from "preact/hooks";
import * as api from "../api";
import { duration } from "../format";
import { t } from "../i18n";
import { Badge, Card, Dialog, Icon, Notice, attempt, useNow } from "../ui";
import type { Phone, PhoneCall } from "./phone";

let phone: Phone | null = null;
const listeners = new Set<() => void>();
const tell = () => listeners.forEach((listener) => listener());

export function usePhone(): Phone | null {
	const [, again] = useState(0);
	useEffect(() => {
		const listener = () => again((n) => n + 1);
		listeners.add(listener);
		return () => void listeners.delete(listener);
	}, []);
	return phone;
}

/** True: the phone of the browser has called it. */
export function callByPhone(to: string): boolean {
	if (!phone?.state.registered) return false;
	phone.call(to);
	return true;
}

/** With the session the phone goes, too. */
export function dropPhone(): void {
	phone?.stop();
	phone = null;
	tell();
}

async function begin(password: string): Promise<void> {
	const { Phone: Made } = await import("./phone");
	phone?.stop();
	phone = new Made(tell);
	await phone.start(api.signedIn()?.user ?? "", password);
	tell();
}

export function PhoneCard() {
	const now = usePhone();
	const [asks, setAsks] = useState(false);
	const [password, setPassword] = useState("");
	return (
		<Card title={t("Phone in this browser")} actions={now?.state.registered ? <Badge tone="good">{t("on")}</Badge> : <Badge>{t("off")}</Badge>}>
			<div class="stack">
				{now?.state.wrong && <Notice tone="bad">{now.state.wrong}</Notice>}
				<p class="muted">{now?.state.registered ? t("Calls to you ring here, too, and you call from here.") : t("Speak and hear in this page, by microphone and speaker.")}</p>
				<div>
					{now?.state.registered ? (
						<button class="button" onClick={dropPhone}>
							{t("Turn off")}
						</button>
					) : (
						<button class="button" onClick={() => setAsks(true)}>
							{t("Turn on")}
						</button>
					)}
				</div>
			</div>
			{asks && (
				<Dialog title={t("Phone in this browser")} onClose={() => setAsks(false)}>
					<form
						class="inside"
						onSubmit={(event) => {
							event.preventDefault();
							setAsks(false);
							void attempt(() => begin(password));
							setPassword("");
						}}
					>
						<h2>{t("Phone in this browser")}</h2>
						<div class="field">
							<label for="phone-password">{t("Password of your extension")}</label>
							<input id="phone-password" class="input" type="password" autocomplete="current-password" required autofocus value={password} onInput={(event) => setPassword(event.currentTarget.value)} aria-describedby="phone-hint" />
							<span class="hint" id="phone-hint">
								{t("It stays in this page's memory: after a reload it is asked for again.")}
							</span>
						</div>
						<div class="ends">
							<button type="button" class="button" onClick={() => setAsks(false)}>
								{t("Cancel")}
							</button>
							<button class="button first">{t("Turn on")}</button>
						</div>
					</form>
				</Dialog>
			)}
		</Card>
	);
}

function Keys({ of, id }: { of: Phone; id: number }) {
	return (
		<div class="row" role="group" aria-label={t("Keys")}>
			{[..."123456789*0#"].map((digit) => (
				<button class="button slim num" key={digit} onClick={() => of.key(id, digit)}>
					{digit}
				</button>
			))}
		</div>
	);
}

function OneCall({ of, call }: { of: Phone; call: PhoneCall }) {
	const [keys, setKeys] = useState(false);
	const now = useNow();
	return (
		<div class="stack phone-call" data-state={call.state}>
			<div class="row">
				<span class="grow">
					<strong class="num">{call.number}</strong> <span class="muted">{call.name}</span>{" "}
					<Badge tone={call.held ? "warn" : call.state === "talking" ? "good" : "accent"}>{call.held ? t("On hold") : call.state === "talking" ? t("Connected") : call.state === "ringing" ? t("Ringing") : t("Hearing ringback")}</Badge>{" "}
					{call.since_ms > 0 && <span class="num muted small">{duration(now - call.since_ms)}</span>}
				</span>
				{call.state === "ringing" && (
					<button class="button slim first" onClick={() => of.answer(call.id)}>
						<Icon name="call" /> {t("Answer here")}
					</button>
				)}
				{call.state === "talking" && (
					<>
						<button class="button slim" aria-pressed={call.muted} onClick={() => of.mute(call.id, !call.muted)}>
							{call.muted ? t("Unmute") : t("Mute")}
						</button>
						<button class="button slim" onClick={() => of.hold(call.id, !call.held)}>
							{call.held ? t("Resume") : t("Hold")}
						</button>
						<button class="button slim" aria-expanded={keys} onClick={() => setKeys(!keys)}>
							{t("Keys")}
						</button>
					</>
				)}
				<button class="button slim harm" onClick={() => of.end(call.id)}>
					<Icon name="end" /> {call.state === "ringing" ? t("Reject") : t("Hang up")}
				</button>
			</div>
			{keys && call.state === "talking" && <Keys of={of} id={call.id} />}
		</div>
	);
}

export function PhoneBar() {
	const now = usePhone();
	if (!now?.state.calls.length) return null;
	return (
		<section class="card phone-bar" aria-label={t("Calls in this browser")}>
			<div class="inside stack">
				{now.state.silent && (
					<button class="button first" onClick={() => now.play()}>
						{t("Turn sound on")}
					</button>
				)}
				{now.state.calls.map((call) => (
					<OneCall key={call.id} of={now} call={call} />
				))}
			</div>
		</section>
	);
}

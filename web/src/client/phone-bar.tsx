// SPDX-License-Identifier: Apache-2.0
// What a page shows of the phone in the browser: above each page while there is a call, and where it is turned on.
import { useLayoutEffect, useState } from "preact/hooks";
import * as api from "../api";
import { t } from "../i18n";
import { Badge, Card, Dialog, Notice, attempt, tellsCall } from "../ui";
import { keepTold, keptPhone, toldPhone } from "./kept";
import type { Phone } from "./phone";
import { OneCall } from "./phone-call";

let phone: Phone | null = null;
tellsCall(() => Boolean(phone?.state.calls.length));
const listeners = new Set<() => void>();
const tell = () => listeners.forEach((listener) => listener());

export function usePhone(): Phone | null {
	const [, again] = useState(0);
	useLayoutEffect(() => {
		const listener = () => again((n) => n + 1);
		listeners.add(listener);
		return () => void listeners.delete(listener);
	}, []);
	return phone;
}

/** True: the phone of the browser has called it. */
export function callByPhone(to: string, video = false, line = ""): boolean {
	if (!phone?.state.registered) return false;
	phone.call(to, video, line);
	return true;
}

// a page that the browser took out of its cache has neither connection nor lock
addEventListener("pageshow", (event) => {
	if (event.persisted && phone) location.reload();
});

const SOON_MS = 10000;
const LOOK_MS = 100;

/** The phone of this browser answers what rings at it, or will, once it has registered; else a desk phone is asked to. */
export async function answerHere(id: string): Promise<void> {
	const ringing = () => phone?.state.calls.find((one) => one.state === "ringing" && one.incoming);
	const fresh = !phone?.state.registered;
	await resumePhone();
	for (let ms = 0; fresh && phone && !ringing() && !phone.state.wrong && ms < SOON_MS; ms += LOOK_MS) await new Promise((done) => setTimeout(done, LOOK_MS));
	const rings = ringing();
	if (rings) phone?.answer(rings.id, false);
	else await attempt(() => api.ask(`/v1/calls/${id}/answer`, { method: "POST" }), t("Your phone was asked to answer"));
}

/** With the session the phone goes, too. */
export function dropPhone(): void {
	if (phone) phone.stop();
	else void keepTold(null).catch(() => undefined); // the session ran out while no page was open
	phone = null;
	tell();
}

/** A phone that hears nobody is none: the microphone is asked for first. */
async function begin(password: string): Promise<void> {
	const heard = await navigator.mediaDevices?.getUserMedia({ audio: true }).catch(() => null);
	if (!heard) throw new Error(t("The browser does not let this page hear the microphone. Allow that, and turn the phone on again."));
	heard.getTracks().forEach((track) => track.stop());
	const { Phone: Made } = await import("./phone");
	phone?.stop();
	phone = new Made(tell);
	await phone.start(api.signedIn()?.user ?? "", password);
	tell();
}

/** By another password, where it is on and has no call: one that has keeps its call. */
export async function turnOnAgain(password: string): Promise<void> {
	if (phone?.state.registered && !phone.state.calls.length) await begin(password);
}

/** From now on the browser is told of calls. */
export function tellPhone(): void {
	if (!phone) return;
	phone.told = "";
	phone.keep();
}

/** Behind a reload the phone is there again, with its calls; and in a browser that is told of calls, whenever a page is opened. */
export async function resumePhone(): Promise<void> {
	const kept = keptPhone() ?? (await toldPhone().catch(() => null));
	if (!kept || phone) return;
	const { Phone: Made } = await import("./phone");
	if (phone) return;
	phone = new Made(tell);
	await phone.resume(kept);
	tell();
}

/** A frame has the microphone where the page around it allows that. */
export const hears = (): boolean => (document as Document & { featurePolicy?: { allowsFeature: (name: string) => boolean } }).featurePolicy?.allowsFeature("microphone") ?? true;

/** Turns the phone on by the password of the extension. */
export function PhoneDialog({ onClose }: { onClose: () => void }) {
	const [password, setPassword] = useState("");
	return (
		<Dialog title={t("Phone in this browser")} onClose={onClose}>
			<form
				class="inside"
				onSubmit={(event) => {
					event.preventDefault();
					onClose();
					void attempt(() => begin(password));
				}}
			>
				<h2>{t("Phone in this browser")}</h2>
				<div class="field">
					<label for="phone-password">{t("Password of your extension")}</label>
					<input id="phone-password" class="input" type="password" autocomplete="current-password" required autofocus value={password} onInput={(event) => setPassword(event.currentTarget.value)} aria-describedby="phone-hint" />
					<span class="hint" id="phone-hint">
						{t("This tab keeps what it registers with until it is closed, or you sign out.")}
					</span>
				</div>
				<div class="ends">
					<button type="button" class="button" onClick={onClose}>
						{t("Cancel")}
					</button>
					<button class="button first">{t("Turn on")}</button>
				</div>
			</form>
		</Dialog>
	);
}

export function PhoneCard() {
	const now = usePhone();
	const [asks, setAsks] = useState(false);
	if (!hears()) return null;
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
			{asks && <PhoneDialog onClose={() => setAsks(false)} />}
		</Card>
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
					<OneCall key={call.id} of={now} call={call} others={now.state.calls.filter((one) => one.id !== call.id && one.state === "talking")} />
				))}
			</div>
		</section>
	);
}

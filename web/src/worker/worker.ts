// SPDX-License-Identifier: Apache-2.0
// What takes pushes while no page is open: a notice of a call that rings, with answer and decline, of one that was missed, and
// of a new message. It knows the token that the page has left here (client/push.ts), and nothing else.
import { speak, t, wantedLanguage } from "../i18n";
import { ofNotices } from "./words-de";

interface Told {
	kind: "call" | "missed" | "taken" | "message";
	call?: string;
	message?: string;
	from: string;
	name?: string;
	at_utc_ms: number;
}
interface Tab {
	url: string;
	visibilityState: string;
	focus(): Promise<unknown>;
	postMessage(message: unknown): void;
}
interface Notice {
	data: Told;
	close(): void;
}
/** The part of a service worker's scope that is used here; the types of pages have none. */
interface Scope {
	registration: { showNotification(title: string, options: object): Promise<void>; getNotifications(of: object): Promise<Notice[]> };
	clients: { matchAll(of: object): Promise<Tab[]>; openWindow(url: string): Promise<unknown> };
	skipWaiting(): Promise<void>;
	addEventListener(type: string, listener: (event: { waitUntil(done: Promise<unknown>): void; data?: { json(): Told }; action?: string; notification: Notice }) => void): void;
}
const scope = self as unknown as Scope;
if (wantedLanguage() === "de") speak("de", ofNotices);
const RINGS_MS = 60000; // a push that comes later is of a call that is over

const tabs = async (): Promise<Tab[]> => (await scope.clients.matchAll({ type: "window", includeUncontrolled: true })).filter((one) => new URL(one.url).pathname.startsWith("/client"));

async function show(told: Told): Promise<void> {
	const who = told.name || told.from || t("unknown");
	const tag = told.call ?? told.message ?? "";
	const all = { tag, data: told, icon: "/pages/icon.svg", body: told.name ? told.from : "" };
	const seen = (await tabs()).some((one) => one.visibilityState === "visible");
	const old = Date.now() - told.at_utc_ms > RINGS_MS;
	if (told.kind === "call" && !old) {
		if (seen) return; // the page rings
		await scope.registration.showNotification(t("Call from {who}", { who }), {
			...all,
			requireInteraction: true,
			actions: [
				{ action: "answer", title: t("Answer") },
				{ action: "decline", title: t("Reject") },
			],
		});
	} else if (told.kind === "taken") {
		const rings = await scope.registration.getNotifications({ tag });
		if (rings.length) await scope.registration.showNotification(t("The call from {who} was answered", { who }), { ...all, silent: true });
	} else if (told.kind === "message") {
		await scope.registration.showNotification(t("Message from {from}", { from: who }), all);
	} else {
		await scope.registration.showNotification(t("Missed call from {who}", { who }), { ...all, silent: true });
	}
}

async function open(path: string): Promise<void> {
	const [tab] = await tabs();
	if (tab) {
		await tab.focus().catch(() => undefined); // it may be told, though, and not be in front
		tab.postMessage({ show: path });
	} else {
		await scope.clients.openWindow(`/client#/${path}`);
	}
}

async function decline(told: Told): Promise<void> {
	const kept = await (await caches.open("tandem-push")).match("/pages/session");
	const { token } = ((await kept?.json()) ?? { token: "" }) as { token: string };
	const done = await fetch(`/v1/calls/${told.call}/reject`, { method: "POST", headers: { Authorization: `Bearer ${token}` } }).catch(() => null);
	if (!done?.ok && done?.status !== 404) await scope.registration.showNotification(t("The call could not be rejected"), { tag: told.call, data: told });
}

/** Which call is meant is left for the page here: a link of somebody else answers nothing. */
async function answer(told: Told): Promise<void> {
	await (await caches.open("tandem-push")).put("/pages/answer", new Response(JSON.stringify({ call: told.call, at_ms: Date.now() })));
	await open("answer");
}

scope.addEventListener("install", (event) => event.waitUntil(scope.skipWaiting()));
scope.addEventListener("push", (event) => {
	const told = event.data?.json();
	if (told) event.waitUntil(show(told));
});
scope.addEventListener("notificationclick", (event) => {
	const told = event.notification.data;
	event.notification.close();
	if (told.kind === "call" && event.action === "decline") event.waitUntil(decline(told));
	else if (told.kind === "call" && event.action === "answer") event.waitUntil(answer(told));
	else event.waitUntil(open(told.kind === "message" ? "messages" : told.kind === "call" ? "" : "history"));
});

// SPDX-License-Identifier: Apache-2.0
// This browser is told of calls while no page is open (RFC 8030): where that is turned on, how it ends with the session, and
// the call that a notice was pressed for.
import { useEffect, useState } from "preact/hooks";
import * as api from "../api";
import { text } from "../api";
import { t } from "../i18n";
import { keep } from "../keep";
import { Empty, attempt, link, useAsk } from "../ui";
import { TOLD as PLACE } from "./kept";
import { answerHere, tellPhone } from "./phone-bar";

const WORKER = "/pages/worker.js";
const ANSWER_MS = 30000;
const WAIT_MS = 10000;

const able = (): boolean => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
const me = (): string => api.signedIn()?.user ?? "";

type Policy = { createScriptURL(url: string): string };
let policy: Policy | undefined;
/** The page's policy takes the name of the worker only so. */
function workerUrl(): string {
	const types = (window as { trustedTypes?: { createPolicy(name: string, rules: object): Policy } }).trustedTypes;
	policy ??= types?.createPolicy("worker", { createScriptURL: (url: string) => (url === WORKER ? url : "") });
	return policy?.createScriptURL(WORKER) ?? WORKER;
}

async function worker(): Promise<ServiceWorkerRegistration> {
	const made = await navigator.serviceWorker.register(workerUrl());
	const begins = made.active ?? made.waiting ?? made.installing;
	if (begins && begins.state !== "activated")
		await new Promise<void>((done) => {
			begins.addEventListener("statechange", () => begins.state === "activated" && done());
			setTimeout(done, WAIT_MS);
		});
	return made;
}

const base64url = (octets: ArrayBuffer | null | undefined): string =>
	btoa(String.fromCharCode(...new Uint8Array(octets ?? new ArrayBuffer(0))))
		.replace(/\+/g, "-")
		.replace(/\//g, "_")
		.replace(/=+$/, "");

/** Subscribes, or tells the node again: the session is another one, and so may the subscription be. */
async function subscribe(key: string): Promise<void> {
	const manager = (await worker()).pushManager;
	let made = await manager.getSubscription();
	if (made && base64url(made.options.applicationServerKey) !== key) {
		await made.unsubscribe();
		made = null;
	}
	made ??= await manager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
	await api.ask("/v1/browsers", { method: "POST", body: { number: me(), endpoint: made.endpoint, p256dh: base64url(made.getKey("p256dh")), auth: base64url(made.getKey("auth")) } });
	await (await caches.open(PLACE)).put("/pages/session", new Response(JSON.stringify({ token: api.signedIn()?.token ?? "" })));
	keep.set(PLACE, me());
	tellPhone();
}

/** Nobody is told here any more; the push service says so to the node. */
async function unsubscribe(): Promise<void> {
	keep.drop(PLACE);
	await caches.delete(PLACE);
	const made = await navigator.serviceWorker.getRegistration(WORKER);
	await (await made?.pushManager.getSubscription())?.unsubscribe();
	await made?.unregister();
}

export function dropPush(): void {
	if (able() && keep.get(PLACE)) void unsubscribe().catch(() => undefined);
}

/** On each page of somebody who has signed in. */
export function usePush(): void {
	useEffect(() => {
		if (!able()) return;
		const whose = keep.get(PLACE);
		const show = (event: MessageEvent) => (location.href = link((event.data as { show: string }).show));
		if (whose && whose !== me()) dropPush();
		else if (whose && Notification.permission === "granted")
			void api
				.get("/v1/browsers:key", { number: me() })
				.then((found) => (found.on === true ? subscribe(text(found, "key")) : unsubscribe()))
				.catch(() => undefined);
		navigator.serviceWorker.addEventListener("message", show);
		navigator.serviceWorker.startMessages();
		return () => navigator.serviceWorker.removeEventListener("message", show);
	}, []);
}

export function PushSwitch() {
	const asked = useAsk((signal) => api.get("/v1/browsers:key", { number: me() }, { signal }), []);
	const [on, setOn] = useState(keep.get(PLACE) === me());
	const turn = (wanted: boolean) =>
		attempt(async () => {
			if (!wanted) await unsubscribe();
			else if ((await Notification.requestPermission()) !== "granted") throw new Error(t("The browser does not let this page tell you."));
			else await subscribe(text(asked.value, "key"));
			setOn(wanted);
		});
	if (!able() || asked.value?.on !== true) return null;
	return (
		<label class="switch">
			<input type="checkbox" role="switch" checked={on} onChange={(event) => void turn(event.currentTarget.checked)} />
			<span>{t("A notice of calls and messages while no page is open")}</span>
		</label>
	);
}

/** What the worker has left here: the call that somebody wants to answer. */
export function AnswerPage() {
	useEffect(() => {
		void attempt(async () => {
			const cache = await caches.open(PLACE);
			const kept = await cache.match("/pages/answer");
			const { call, at_ms } = ((await kept?.json()) ?? { call: "", at_ms: 0 }) as { call: string; at_ms: number };
			await cache.delete("/pages/answer");
			if (call && Date.now() - at_ms < ANSWER_MS) await answerHere(call);
		}).then(() => (location.href = link()));
	}, []);
	return <Empty icon="call" title={t("Answering the call")} />;
}

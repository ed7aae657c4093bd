// SPDX-License-Identifier: Apache-2.0
// A user logs in with the account of the office, at the OpenID provider that the node knows: in this window, or from a frame in one of
// its own, as no provider lets itself be shown in a frame. What comes back counts only for the login that this page has begun.
import * as api from "./api";
import { text } from "./api";
import { t } from "./i18n";

interface Begun {
	url: string;
	state: string;
}
const keptAs = "tandem-login-state"; // of this window alone

async function begin(tenant: string): Promise<Begun> {
	const url = new URL(text(await api.get("/v1/login", { user: true, tenant }, { token: "", anyTenant: true }), "url"));
	if (url.protocol !== "https:") throw new Error(url.protocol);
	return { url: url.href, state: url.searchParams.get("state") ?? "" };
}

export const hasOffice = (tenant: string): Promise<boolean> =>
	begin(tenant).then(
		() => true,
		() => false,
	);

async function end(query: URLSearchParams, state: string): Promise<void> {
	if (!state || query.get("state") !== state) throw new Error(t("This login was not begun here: begin again."));
	api.signIn(api.sessionOf(await api.get("/v1/login/callback", Object.fromEntries(query), { token: "", anyTenant: true })));
}

/** Leaves the page for the provider. */
export async function goToOffice(tenant: string): Promise<void> {
	const { url, state } = await begin(tenant);
	sessionStorage.setItem(keptAs, state);
	location.href = url;
}

/** Behind goToOffice; the query leaves the address before anything else. "": that is done, or there was none; else what is wrong. */
export async function backFromOffice(): Promise<string> {
	const back = new URLSearchParams(location.search);
	if (!back.has("state")) return "";
	history.replaceState(null, "", location.pathname + location.hash);
	const state = sessionStorage.getItem(keptAs) ?? "";
	sessionStorage.removeItem(keptAs);
	return end(back, state).then(
		() => "",
		(error: Error) => error.message,
	);
}

/** In a window that is opened at once, as browsers open none later. Done when somebody is signed in. */
export async function askOffice(tenant: string): Promise<void> {
	const popup = window.open("", "tandem-login", "popup,width=480,height=640");
	if (!popup) throw new Error(t("The browser opens no window: allow it for this page."));
	let heard: (event: MessageEvent) => void = () => undefined;
	try {
		const { url, state } = await begin(tenant);
		const back = new Promise<URLSearchParams>((resolve) => {
			heard = (event) => {
				const said = event.data as { tandemLogin?: unknown } | null;
				const query = event.source === popup && typeof said?.tandemLogin === "string" && new URLSearchParams(said.tandemLogin);
				if (query && query.get("state") === state) resolve(query);
			};
			addEventListener("message", heard);
		});
		popup.location.href = url;
		await end(await back, state);
	} finally {
		removeEventListener("message", heard);
		popup.close();
	}
}

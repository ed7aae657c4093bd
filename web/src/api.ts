// SPDX-License-Identifier: Apache-2.0
// The HTTP API: requests with the token of whoever has signed in, lists page by page, events that miss nothing.

import { keep as store } from "./keep";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Row = { [name: string]: Json };

export interface Session {
	token: string;
	name: string; // of the token
	tenant: string;
	user: string; // an extension; "": an administrator or operator
	role: string;
	expires_utc_s: number; // 0: never
}

/** What the node has refused, in its own words (RFC 9457). */
export class Problem extends Error {
	constructor(
		readonly status: number,
		readonly code: string,
		message: string,
		readonly argument = "",
		readonly errors: { field?: string; message: string }[] = [],
	) {
		super(message);
	}
}

const BUSY_MS = 5000;
const AGAIN_MS = 200;

/** A call whose re-INVITE is pending is busy for a moment, and nothing was done: it is asked again. */
export async function patiently<T>(what: () => Promise<T>): Promise<T> {
	for (const end = Date.now() + BUSY_MS; ; await new Promise((again) => setTimeout(again, AGAIN_MS)))
		try {
			return await what();
		} catch (error) {
			if (!(error instanceof Problem && error.code === "busy" && Date.now() < end)) throw error;
		}
}

type Listener = () => void;
const listeners = new Set<Listener>();
let session: Session | null = null;
let place = "";
/** The tenant that an operator looks at; "": all. */
let tenant = "";

/** Reads what this browser keeps of the page, which is "console" or "client". */
export function open(page: string): void {
	place = `tandem-${page}`;
	try {
		const kept = JSON.parse(store.get(place) ?? "null") as Session | null;
		const live = kept && (!kept.expires_utc_s || kept.expires_utc_s * 1000 > Date.now());
		session = live ? kept : null;
	} catch {
		session = null;
	}
	tenant = session?.role === "operator" ? "default" : "";
	addEventListener("storage", (event) => {
		if (event.key === place && event.newValue === null) signOut(false);
	});
}

export const signedIn = (): Session | null => session;
const ROLES = ["reader", "application", "admin", "operator"];
export const isOperator = (): boolean => session?.role === "operator";
/** The session may what needs that role; the node has the last word. */
export const may = (role: string): boolean => ROLES.indexOf(session?.role ?? "") >= ROLES.indexOf(role);
export const tenantOf = (): string => tenant;

export function onChange(listener: Listener): () => void {
	listeners.add(listener);
	return () => listeners.delete(listener);
}

function tell(): void {
	listeners.forEach((listener) => listener());
}

export function lookAt(name: string): void {
	tenant = name;
	tell();
}

export function signIn(next: Session): void {
	session = next;
	tenant = next.role === "operator" ? "default" : "";
	store.set(place, JSON.stringify(next));
	tell();
}

/** The session lasts longer. */
export function keep(expires_utc_s: number): void {
	if (!session || !expires_utc_s) return;
	session = { ...session, expires_utc_s };
	store.set(place, JSON.stringify(session));
}

/** Ends the session here, and at the node where that is asked for. */
export function signOut(revoke: boolean): void {
	const gone = session;
	if (!gone) return;
	session = null;
	store.drop(place);
	tell();
	if (!revoke) return;
	const kind = gone.user ? "sessions" : "tokens";
	void fetch(`/v1/${kind}/${encodeURIComponent(gone.name)}`, { method: "DELETE", headers: { Authorization: `Bearer ${gone.token}` } });
}

export interface Ask {
	method?: string;
	query?: { [name: string]: string | number | boolean | undefined };
	body?: object;
	raw?: string; // JSON in its place, as it is written
	file?: Blob; // in its place, of the type that it has
	token?: string; // another one than the session's; "": none
	headers?: { [name: string]: string };
	anyTenant?: boolean; // the command is about no tenant
	signal?: AbortSignal;
	patience_ms?: number; // so long it waits for a node that stands still, or that the network has lost
}
const PATIENCE_MS = 60000;

export interface Answer<T> {
	value: T;
	next: string; // path of the next page; "": there is none
	missing: string; // nodes that did not answer
	etag: string;
}

export async function ask<T = Json>(path: string, given: Ask = {}): Promise<Answer<T>> {
	const url = new URL(path, location.origin);
	const token = given.token ?? session?.token ?? "";
	for (const [name, value] of Object.entries(given.query ?? {})) {
		if (value !== undefined && value !== "") url.searchParams.set(name, String(value));
	}
	if (tenant && token === session?.token && isOperator() && !given.anyTenant) url.searchParams.set("tenant", tenant);
	const headers: { [name: string]: string } = { ...given.headers };
	if (token) headers.Authorization = `Bearer ${token}`;
	if (given.file) headers["Content-Type"] = given.file.type;
	const gone = new AbortController();
	const timer = given.file ? 0 : setTimeout(() => gone.abort(), given.patience_ms ?? PATIENCE_MS);
	given.signal?.addEventListener("abort", () => gone.abort());
	let answer: Response;
	let text: string;
	try {
		answer = await fetch(url, {
			method: given.method ?? "GET",
			headers,
			body: given.file ?? given.raw ?? (given.body ? JSON.stringify(given.body) : undefined),
			signal: gone.signal,
			cache: "no-store",
		});
		text = await answer.text();
	} catch (error) {
		if (given.signal?.aborted) throw error;
		throw new Problem(0, "unreachable", "The node does not answer.");
	} finally {
		clearTimeout(timer);
	}
	const value = (text ? JSON.parse(text) : null) as T;
	if (answer.ok) {
		const next = /<([^>]+)>;\s*rel="next"/.exec(answer.headers.get("Link") ?? "");
		return { value, next: next?.[1] ?? "", missing: answer.headers.get("Tandem-Missing") ?? "", etag: answer.headers.get("ETag") ?? "" };
	}
	if (answer.status === 401 && token && token === session?.token) signOut(false);
	const said = (value ?? {}) as { code?: string; detail?: string; title?: string; argument?: string; errors?: { message: string }[] };
	throw new Problem(answer.status, said.code ?? "", said.detail ?? said.title ?? `HTTP ${answer.status}`, said.argument, said.errors);
}

export const get = async <T = Row>(path: string, query: Ask["query"] = {}, more: Ask = {}): Promise<T> => (await ask<T>(path, { query, ...more })).value;

/** All rows of a list, at most `most`, in pages of the largest size. */
export async function rows(path: string, query: Ask["query"] = {}, most = 20000, more: Ask = {}): Promise<Answer<Row[]>> {
	let answer = await ask<Row[]>(path, { query: { limit: Math.min(most, 1000), ...query }, ...more });
	const all = answer.value;
	while (answer.next && all.length < most) {
		answer = await ask<Row[]>(answer.next, more);
		all.push(...answer.value);
	}
	return { ...answer, value: all };
}

export const text = (row: Row | null | undefined, name: string): string => {
	const value = row?.[name];
	return value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
};
export const number = (row: Row | null | undefined, name: string): number => Number(row?.[name] ?? 0) || 0;
export const list = (row: Row | null | undefined, name: string): Row[] => (Array.isArray(row?.[name]) ? (row[name] as Row[]) : []);

/** What the token of a link, or one that was pasted, is good for. What it may ask for and is not there answers 404. */
export async function whoIs(token: string): Promise<Session> {
	const [of = "", name = ""] = token.split("~");
	let role = "reader";
	for (const [path, has] of [["/v1/nodes:status", "operator"], [`/v1/tokens/${encodeURIComponent(name)}`, "admin"], ["/v1/recordings/none/link", "application"]] as const) {
		try {
			await ask(path, { token });
		} catch (error) {
			if (!(error instanceof Problem) || error.status === 401 || error.status === 0) throw error;
			if (error.status !== 404) continue;
		}
		role = has;
		break;
	}
	return { token, name, tenant: of, user: "", role, expires_utc_s: 0 };
}

/** A link, or what a login has answered, as a session. */
export const sessionOf = (answer: Row): Session => ({
	token: text(answer, "token"),
	name: text(answer, "name"),
	tenant: text(answer, "token").split("~")[0] ?? "",
	user: text(answer, "user") || text(answer, "number"),
	role: text(answer, "role") || "user",
	expires_utc_s: number(answer, "expires_utc_s"),
});

export interface Feed {
	onEvent?: (event: Row) => void;
	/** Something may have been missed: look anew. Called at the first connection, too. */
	onReset?: () => void;
	onState?: (live: boolean) => void;
}

/** Listens until the returned function is called. It comes back by itself, behind the last event that it had. */
export function listen(query: { [name: string]: string }, feed: Feed): () => void {
	let socket: WebSocket | null = null;
	let last = "";
	let tries = 0;
	let timer = 0;
	let silent = 0;
	let over = false;
	const again = () => {
		feed.onState?.(false);
		if (over || !session) return;
		clearTimeout(timer);
		// Soon, as a call may ring there already; each page at another moment, and all of them seldom where a node stays away.
		timer = window.setTimeout(connect, Math.min(tries < 20 ? 1500 : 8000, 250 * 2 ** Math.min(tries++, 20)) * (0.5 + Math.random()));
	};
	const alive = () => {
		clearTimeout(silent);
		silent = window.setTimeout(() => socket?.close(), 40000); // a tick comes every 15 s
	};
	function connect(): void {
		if (!session) return;
		const url = new URL("/v1/events", location.href.replace(/^http/, "ws"));
		for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
		if (tenant && isOperator()) url.searchParams.set("tenant", tenant);
		const resumes = last !== "";
		if (resumes) url.searchParams.set("after", last);
		url.searchParams.set("access_token", session.token);
		socket = new WebSocket(url);
		socket.onmessage = (message) => {
			const event = JSON.parse(String(message.data)) as Row;
			const type = text(event, "type");
			alive();
			if (event.id && type !== "missed") last = text(event, "id");
			if (type === "listening") {
				tries = 0;
				feed.onState?.(true);
				if (!resumes) feed.onReset?.();
			} else if (type === "missed") {
				feed.onReset?.();
			} else if (type === "end") {
				if (text(event, "reason") === "token") signOut(false);
			} else if (type !== "tick") {
				feed.onEvent?.(event);
			}
		};
		socket.onclose = again;
	}
	connect();
	return () => {
		over = true;
		clearTimeout(timer);
		clearTimeout(silent);
		if (socket) socket.onclose = null;
		socket?.close();
	};
}

// SPDX-License-Identifier: Apache-2.0
// The page's API for CRM systems other than Salesforce: what calls do, told to the page around it by postMessage, and commands from
// there (docs/guides/crm-page.md). Only an origin that the tenant has listed is heard, and told anything, once it has said hello.
import { text, type Row } from "../api";

export const VERSION = 1;
export interface Command {
	command: string;
	call: string;
	number: string;
}

/** An origin of the list, which may have *. before its domain. */
export function isListed(origin: string, hosts: string[]): boolean {
	return hosts.some((host) => {
		const [scheme = "", rest = ""] = host.toLowerCase().split("://");
		if (!rest.startsWith("*.")) return origin === `${scheme}://${rest}`;
		return origin.startsWith(`${scheme}://`) && origin.length > scheme.length + 3 + rest.length - 1 && origin.endsWith(rest.slice(1));
	});
}

const stateOf = (own: Row): string => (text(own, "state") === "confirmed" ? (own.held ? "held" : "connected") : text(own, "direction") === "in" ? "ringing" : "calling");
const eventOf = (own: Row, state: string): Row => ({ tandem: VERSION, event: "call", call: text(own, "call"), state, direction: text(own, "direction"), number: text(own, "remote"), name: text(own, "remote_name") });

/** What has changed from one list of calls to the next. */
export function changes(before: Row[], now: Row[]): Row[] {
	const was = new Map(before.map((own) => [text(own, "call"), own]));
	const is = new Set(now.map((own) => text(own, "call")));
	const out = now.filter((own) => !was.has(text(own, "call")) || stateOf(was.get(text(own, "call")) ?? {}) !== stateOf(own)).map((own) => eventOf(own, stateOf(own)));
	return [...out, ...before.filter((own) => !is.has(text(own, "call"))).map((own) => eventOf(own, "ended"))];
}

export interface Around {
	tell: (calls: Row[]) => void;
	stop: () => void;
}

export function talkTo(hosts: string[], carryOut: (command: Command) => Promise<unknown>): Around {
	let origin = "";
	let calls: Row[] = [];
	const say = (message: Row) => origin && window.parent.postMessage(message, origin);
	const heard = (event: MessageEvent) => {
		const given = event.data as { tandem?: unknown; id?: unknown; command?: unknown; call?: unknown; number?: unknown } | null;
		if (event.source !== window.parent || window.parent === window || given?.tandem !== VERSION || !isListed(event.origin, hosts)) return;
		const id = typeof given.id === "number" || typeof given.id === "string" ? given.id : null;
		origin = event.origin;
		if (given.command === "hello") {
			say({ tandem: VERSION, id, event: "hello" });
			changes([], calls).forEach(say);
			return;
		}
		carryOut({ command: String(given.command), call: String(given.call ?? ""), number: String(given.number ?? "") }).then(
			() => say({ tandem: VERSION, id, event: "done" }),
			(error: unknown) => say({ tandem: VERSION, id, event: "refused", error: error instanceof Error ? error.message : String(error) }),
		);
	};
	addEventListener("message", heard);
	return {
		tell: (now) => {
			changes(calls, now).forEach(say);
			calls = now;
		},
		stop: () => removeEventListener("message", heard),
	};
}

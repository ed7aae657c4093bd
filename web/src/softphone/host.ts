// SPDX-License-Identifier: Apache-2.0
// The CRM around the page: Salesforce's Open CTI in Lightning (one argument object) and Classic (positional arguments), or none.
// Its script comes from the host that the query names; the page's policy loads none of another host than the tenant's.
import type { Row } from "../api";
import { framed } from "../keep";

export type CallType = "inbound" | "outbound" | "internal";
export interface Found {
	id: string;
	name: string;
	type: string;
}
export interface Dialled {
	number: string;
	record: string; // from which it was clicked; "": none
}
export interface Host {
	kind: "lightning" | "classic" | "none";
	settings: () => Promise<{ [name: string]: string }>;
	onDial: (listener: (dialled: Dialled) => void) => Promise<void>;
	/** What is there of that number or value. Nothing is shown yet. */
	search: (value: string, type: CallType) => Promise<Found[]>;
	/** Records of which the field begins with the value, by the Apex class of the org; an error: there is none. */
	match: (field: string, value: string) => Promise<Found[]>;
	show: (record: string) => Promise<void>;
	begin: (record: string, fields: Row) => Promise<void>;
	/** id: of the log that is changed; "": a new one. Its id. */
	log: (id: string, fields: Row) => Promise<string>;
	/** The panel comes to the front. */
	raise: () => Promise<void>;
	ready: () => Promise<void>;
}

const VERSION = "66.0";
const APEX = "SoftphoneSearchController"; // deploy/crm
const ANSWER_MS = 15000;

type Answer = { success?: boolean; returnValue?: unknown; errors?: unknown; error?: unknown; result?: unknown };
type Method = (...given: unknown[]) => void;
type Library = { [name: string]: unknown };
declare global {
	interface Window {
		sforce?: { opencti?: Library; interaction?: Library & { cti?: Library } };
		trustedTypes?: { createPolicy: (name: string, rules: { createScriptURL: (url: string) => string }) => { createScriptURL: (url: string) => string } };
	}
}

class Wrong extends Error {}
/** The CRM has answered: no. */
export class Refused extends Wrong {}

const words = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
const failure = (answer: Answer): unknown => (Array.isArray(answer.errors) ? answer.errors[0] : answer.errors) ?? answer.error;

/** One answer of the library, in either of its spellings. */
function settle(answer: Answer, resolve: (value: unknown) => void, reject: (why: Error) => void): void {
	const wrong = failure(answer);
	if (answer.success === false || (wrong && answer.success !== true)) reject(new Refused(words(wrong ?? "refused")));
	else resolve(answer.returnValue ?? answer.result ?? null);
}

function within<T>(name: string, start: (resolve: (value: T) => void, reject: (why: Error) => void) => void): Promise<T> {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(() => reject(new Wrong(`${name}: no answer of the CRM`)), ANSWER_MS);
		const done =
			<A>(then: (value: A) => void) =>
			(value: A) => {
				clearTimeout(timer);
				then(value);
			};
		start(done(resolve), done(reject));
	});
}

const parsed = (value: unknown): { [name: string]: unknown } => {
	try {
		const made = typeof value === "string" ? (JSON.parse(value) as unknown) : value;
		return made && typeof made === "object" ? (made as { [name: string]: unknown }) : {};
	} catch {
		return {};
	}
};

/** Both forms of its answer: the JSON that it returned, as a text or within runApex. */
const apexOf = (answer: unknown): Found[] => {
	const given = parsed(answer).runApex ?? answer;
	const rows: unknown = typeof given === "string" ? parsed(given) : given;
	return foundOf(Array.isArray(rows) ? Object.fromEntries(rows.map((row: { Id?: string }) => [row?.Id ?? "", row])) : rows);
};

const PREFIXES: { [kind: string]: string } = { Contact: "003", Account: "001", Lead: "00Q" }; // with which ids begin in every org
const kindOf = (id: string): string | undefined => Object.keys(PREFIXES).find((kind) => id.startsWith(PREFIXES[kind] ?? ""));

/** Records of a search: id → {Id, Name, RecordType}; what else the answer holds is no record. */
export function foundOf(answer: unknown): Found[] {
	const out: Found[] = [];
	const all = parsed(answer);
	for (const [key, value] of Object.entries(parsed(all.screenPopObject ?? all))) {
		const row = value as { [name: string]: unknown } | null;
		const id = row && typeof row === "object" ? (row.Id ?? row.id ?? "") : "";
		if (key === "SCREEN_POP_DATA" || typeof id !== "string" || !/^[a-zA-Z0-9]{15,18}$/.test(id || key)) continue;
		out.push({ id: id || key, name: String(row?.Name ?? row?.name ?? id), type: kindOf(id || key) ?? String(row?.RecordType ?? row?.object ?? "") });
	}
	return out;
}

export function settingsOf(answer: unknown): { [name: string]: string } {
	const out: { [name: string]: string } = {};
	for (const [key, value] of Object.entries(parsed(answer))) if (typeof value === "string") out[key.split("/").pop() ?? key] ??= value;
	return out;
}

function dialledOf(payload: unknown): Dialled {
	const given = parsed(payload);
	return { number: String(given.number ?? ""), record: String(given.recordId ?? given.objectId ?? "") };
}

/** The number as the settings of the call centre have it dialled: a prefix that it has by itself is not dialled twice. */
export function dialOf(number: string, settings: { [name: string]: string }): string {
	const [outside, far, abroad] = ["reqOutsidePrefix", "reqLongDistPrefix", "reqInternationalPrefix"].map((name) => settings[name] ?? "") as [string, string, string];
	const plain = number
		.replace(/(\d\W*)(?:x|ext)\W*\d+\W*$/i, "$1") // of somebody behind that number
		.replace(/^(\s*\+.*)\(0\)/, "$1")
		.replace(/[^\d+*#]/g, "");
	const isAmerican = far === "1"; // +1 is long distance, and 011 international
	const world = (isAmerican ? /^(?:\+|011|00)(.+)/ : /^(?:\+|00)(.+)/).exec(plain)?.[1] ?? "";
	if (world) return outside + (isAmerican && world.startsWith("1") ? world : abroad + world);
	if (plain.length <= 6) return plain;
	return outside + (plain.length > 7 && !plain.startsWith(far) ? far : "") + plain;
}

const none: Host = {
	kind: "none",
	settings: () => Promise.resolve({}),
	onDial: () => Promise.resolve(),
	search: () => Promise.resolve([]),
	match: () => Promise.resolve([]),
	show: () => Promise.resolve(),
	begin: () => Promise.resolve(),
	log: () => Promise.resolve(""),
	raise: () => Promise.resolve(),
	ready: () => Promise.resolve(),
};

function lightning(library: Library): Host {
	const ask = <T>(name: string, given: object = {}): Promise<T> =>
		within(name, (resolve, reject) => (library[name] as Method)({ ...given, callback: (answer: Answer) => settle(answer, resolve as (value: unknown) => void, reject) }));
	const types = library.CALL_TYPE as { [name: string]: string } | undefined;
	const pops = library.SCREENPOP_TYPE as { [name: string]: string } | undefined;
	return {
		kind: "lightning",
		settings: async () => settingsOf(await ask("getCallCenterSettings")),
		onDial: async (listener) => {
			await ask("enableClickToDial");
			(library.onClickToDial as Method)({ listener: (payload: unknown) => listener(dialledOf(payload)) });
		},
		search: async (value, type) =>
			foundOf(await ask("searchAndScreenPop", { callType: types?.[type.toUpperCase()] ?? type, searchParams: value, queryParams: "", defaultFieldValues: { Phone: value }, deferred: true })),
		match: async (field, value) => apexOf(await ask("runApex", { apexClass: APEX, methodName: "find", methodParams: new URLSearchParams({ field, value }).toString() })),
		show: (record) => ask("screenPop", { type: pops?.SOBJECT ?? "sobject", params: { recordId: record } }),
		begin: (record, fields) => ask("screenPop", { type: pops?.NEW_RECORD_MODAL ?? "newRecordModal", params: { entityName: record, defaultFieldValues: fields } }),
		log: async (id, fields) => {
			const made = await ask<unknown>("saveLog", { value: id ? { Id: id, ...fields } : { entityApiName: "Task", ...fields } });
			return typeof made === "string" ? made : String(parsed(made).recordId ?? parsed(made).id ?? id);
		},
		raise: () => ask("setSoftphonePanelVisibility", { visible: true }),
		ready: () => ask("notifyInitializationComplete"),
	};
}

function classic(library: Library & { cti?: Library }): Host {
	const ask = <T>(of: Library | undefined, name: string, ...given: unknown[]): Promise<T> =>
		within(name, (resolve, reject) => (of?.[name] as Method)(...given, (answer: Answer) => settle(answer, resolve as (value: unknown) => void, reject)));
	const fields = (row: Row): string => new URLSearchParams(Object.entries(row).map(([name, value]) => [name, String(value)])).toString();
	return {
		kind: "classic",
		settings: async () => settingsOf(await ask(library.cti, "getCallCenterSettings")),
		onDial: async (listener) => {
			await ask(library.cti, "enableClickToDial");
			(library.cti?.onClickToDial as Method)((answer: Answer) => listener(dialledOf(answer.result)));
		},
		search: async (value, type) => foundOf(await ask(library, "searchAndGetScreenPopUrl", value, "", type)),
		match: async (field, value) => apexOf(await ask(library, "runApex", APEX, "find", new URLSearchParams({ field, value }).toString())),
		show: (record) => ask(library, "screenPop", `/${record}`, true),
		begin: (record, row) => ask(library, "screenPop", `/${PREFIXES[record] ?? ""}/e?${fields(row)}`, true),
		log: async (id, row) => String((await ask<unknown>(library, "saveLog", "Task", fields(id ? { Id: id, ...row } : row))) ?? id),
		raise: () => ask(library, "setVisible", true),
		ready: () => Promise.resolve(),
	};
}

/** Loads a script of the host that shows the page. */
function load(origin: string, path: string): Promise<void> {
	const url = new URL(path, origin);
	const rules = { createScriptURL: (given: string) => given };
	return within("script", (resolve, reject) => {
		const script = document.createElement("script");
		script.src = window.trustedTypes?.createPolicy("frame", rules).createScriptURL(url.href) ?? url.href;
		script.onload = () => resolve(undefined);
		script.onerror = () => reject(new Wrong(`${url.origin} gave no script`));
		document.head.append(script);
	});
}

/** The host that the query of the page names: sfdcIframeOrigin, and mode. */
export async function hostOf(query: URLSearchParams): Promise<Host> {
	const origin = query.get("sfdcIframeOrigin") ?? query.get("sfdcIFrameOrigin") ?? "";
	if (!framed() || !/^https?:\/\/[a-z0-9.-]+(:\d+)?$/i.test(origin)) return none;
	const isLightning = (query.get("mode") ?? "").toLowerCase() === "lightning";
	await load(origin, isLightning ? `/support/api/${VERSION}/lightning/opencti_min.js` : `/support/api/${VERSION}/interaction.js`);
	const library = isLightning ? window.sforce?.opencti : window.sforce?.interaction;
	if (!library) return none;
	return isLightning ? lightning(library) : classic(library);
}

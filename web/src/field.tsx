// SPDX-License-Identifier: Apache-2.0
// Forms made from the schema of the HTTP API: a command's arguments as fields, by type and limits.
import { useId, useState } from "preact/hooks";
import type { Json, Row } from "./api";
import * as api from "./api";
import { plain } from "./format";
import { t } from "./i18n";
import { Icon, Notice, attempt } from "./ui";

export interface Schema {
	type?: string | string[];
	enum?: string[];
	minimum?: number;
	maximum?: number;
	minLength?: number;
	maxLength?: number;
	pattern?: string;
	format?: string;
	description?: string;
	items?: Schema;
	properties?: { [name: string]: Schema };
	$ref?: string;
}
interface Operation {
	operationId: string;
	description: string;
	summary: string;
	"x-role"?: string;
	requestBody?: { content: { [type: string]: { schema: Schema } } };
	parameters?: { name?: string; in?: string; schema?: Schema; description?: string; $ref?: string }[];
}
export interface OpenApi {
	paths: { [path: string]: { [method: string]: Operation } };
	components: { schemas: { [name: string]: Schema } };
}

let whole: Promise<OpenApi> | null = null;
/** What the node says of itself; read once. */
export const schema = (): Promise<OpenApi> => {
	whole ??= api.get<OpenApi>("/v1/openapi.json", {}, { token: "", anyTenant: true });
	whole.catch(() => {
		whole = null;
	});
	return whole;
};

/** The arguments of a command, by its method and path. */
export function argumentsOf(document: OpenApi, method: string, path: string): { [name: string]: Schema } {
	const body = document.paths[path]?.[method]?.requestBody?.content["application/json"]?.schema;
	return body?.properties ?? {};
}

const kindOf = (field: Schema): string => (Array.isArray(field.type) ? (field.type[0] ?? "string") : (field.type ?? "string"));

/** The name of an argument as a label. */
const SHORT = /\b(crm|did|dns|dscp|dtmf|h264|id|ip|mac|pin|sdes|sip|srtp|tls|url|urls)\b/g;

export const wordsOf = (name: string): string => {
	const words = name.replace(/_utc_(ms|s)$/, "").replace(/_/g, " ").replace(SHORT, (one) => one.toUpperCase().replace("URLS", "URLs")).replace(/\bg(711|729)\b/g, "G.$1");
	return words.charAt(0).toUpperCase() + words.slice(1);
};

/** Label, hint and choices, in place of those of the schema. */
export type Words = [string, string, { [choice: string]: string }?];

export function Field({ name, of, value, onChange, wrong, changed, words: own }: { name: string; of: Schema; value: Json | undefined; onChange: (value: Json) => void; wrong?: string; changed?: boolean; words?: Words }) {
	const id = useId();
	const kind = kindOf(of);
	const about = { id, "aria-describedby": `${id}-hint`, "aria-invalid": wrong ? ("true" as const) : undefined };
	const words = own?.[0] ?? wordsOf(name);
	let input;
	if (kind === "boolean") {
		input = (
			<label class="switch">
				<input type="checkbox" role="switch" {...about} checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />
				<span>{words}</span>
			</label>
		);
	} else if (of.enum) {
		input = (
			<select class="input" {...about} value={plain(value)} onChange={(event) => onChange(event.currentTarget.value)}>
				{!of.enum.includes(plain(value)) && <option value={plain(value)}>{plain(value)}</option>}
				{of.enum.map((word) => (
					<option key={word} value={word}>
						{own?.[2]?.[word] ?? word.replace(/_/g, " ")}
					</option>
				))}
			</select>
		);
	} else if (kind === "integer" || kind === "number") {
		input = (
			<input class="input num" type="number" {...about} min={of.minimum} max={of.maximum} value={plain(value)} onInput={(event) => onChange(event.currentTarget.value === "" ? null : event.currentTarget.valueAsNumber)} />
		);
	} else if (kind === "array") {
		const said = Array.isArray(value) ? value.map(plain).join(", ") : plain(value);
		input = <input class="input" {...about} value={said} onChange={(event) => onChange(event.currentTarget.value.split(",").map((word) => word.trim()).filter(Boolean))} />;
	} else if (kind === "object") {
		input = <Tree about={about} value={value} onChange={onChange} />;
	} else {
		input = (
			<input
				class="input"
				{...about}
				type={of.format === "password" ? "password" : "text"}
				autocomplete="off"
				maxLength={of.maxLength}
				value={plain(value)}
				onInput={(event) => onChange(event.currentTarget.value)}
			/>
		);
	}
	return (
		<div class={changed ? "field changed" : "field"}>
			{kind !== "boolean" && <label for={id}>{words}</label>}
			{input}
			{wrong && <span class="wrong">{wrong}</span>}
			<span class="hint" id={`${id}-hint`} lang={own ? undefined : "en"}>
				{own ? own[1] : of.description?.replace(/ ?Without it: unchanged[^.]*\.$/, "")}
			</span>
		</div>
	);
}

/** An object as JSON. It is given when it can be read. */
function Tree({ about, value, onChange }: { about: object; value: Json | undefined; onChange: (value: Json) => void }) {
	const [text, setText] = useState(() => (value === undefined ? "" : JSON.stringify(value, null, 2)));
	const [fault, setFault] = useState("");
	return (
		<>
			<textarea
				class="input"
				spellcheck={false}
				{...about}
				value={text}
				onInput={(event) => {
					setText(event.currentTarget.value);
					try {
						onChange(JSON.parse(event.currentTarget.value) as Json);
						setFault("");
					} catch (error) {
						setFault((error as Error).message);
					}
				}}
			/>
			{fault && <span class="wrong">{fault}</span>}
		</>
	);
}

interface FormProps {
	fields: { [name: string]: Schema };
	first?: string[]; // shown before the others
	only?: string[];
	before: Row;
	words?: { [name: string]: Words };
	fresh?: boolean; // the document is not there yet
	onSave: (changes: Row) => Promise<unknown>;
}

/** All fields of a document; only what was changed is sent, and shown before. */
export function Form({ fields, first = [], only, words, before, fresh, onSave }: FormProps) {
	const [changes, setChanges] = useState<Row>({});
	const [problem, setProblem] = useState<api.Problem | null>(null);
	const [sought, seek] = useState("");
	const [busy, setBusy] = useState(false);
	const names = Object.keys(fields).filter((name) => name !== "ha1" && name !== "hash" && (!only || only.includes(name)));
	names.sort((a, b) => (first.includes(a) ? first.indexOf(a) : 99) - (first.includes(b) ? first.indexOf(b) : 99));
	const matches = names.filter((name) => `${name} ${fields[name]?.description ?? ""}`.replace(/_/g, " ").toLowerCase().includes(sought.toLowerCase()));
	const said = Object.keys(changes);
	const set = (name: string, value: Json) => {
		const next = { ...changes, [name]: value };
		if (JSON.stringify(value) === JSON.stringify(before[name] ?? (typeof value === "string" ? "" : null))) delete next[name];
		setChanges(next);
	};
	const save = async (event: Event) => {
		event.preventDefault();
		setBusy(true);
		setProblem(null);
		const ok = await attempt(async () => {
			try {
				await onSave(changes);
			} catch (error) {
				if (error instanceof api.Problem) setProblem(error);
				throw error;
			}
		}, t("Saved"));
		setBusy(false);
		// what was typed meanwhile is not saved yet
		if (ok) setChanges((now) => Object.fromEntries(Object.entries(now).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(changes[name]))));
	};
	return (
		<form class="card" onSubmit={save} noValidate>
			{names.length > 8 && (
				<div class="tools">
					<label class="seek-box">
						<span class="hidden">{t("Filter")}</span>
						<Icon name="seek" />
						<input class="input" type="search" placeholder={t("Filter")} value={sought} onInput={(event) => seek(event.currentTarget.value)} />
					</label>
				</div>
			)}
			<div class="inside stack">
				{problem && !problem.argument && (
					<Notice tone="bad">
						<span lang="en">{problem.message}</span>
					</Notice>
				)}
				<div class="fields">
					{matches.map((name) => (
						<Field
							key={name}
							name={name}
							of={fields[name] ?? {}}
							words={words?.[name]}
							value={name in changes ? changes[name] : before[name]}
							changed={name in changes}
							wrong={problem?.argument === name ? problem.message : undefined}
							onChange={(value) => set(name, value)}
						/>
					))}
				</div>
			</div>
			<div class="bar">
				<span class="grow small muted break">
					{said.length ? t("Changed: {what}", { what: said.map((name) => words?.[name]?.[0] ?? wordsOf(name)).join(", ") }) : t("No changes")}
				</span>
				{said.length > 0 && (
					<button type="button" class="button" onClick={() => setChanges({})}>
						{t("Discard")}
					</button>
				)}
				<button class="button first" disabled={busy || (!said.length && !fresh)}>
					{fresh ? t("Create") : t("Save")}
				</button>
			</div>
		</form>
	);
}

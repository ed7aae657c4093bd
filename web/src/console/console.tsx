// SPDX-License-Identifier: Apache-2.0
// The console of operators and administrators: signing in, its pages, and what Ctrl-K finds.
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import * as api from "../api";
import { text, type Row } from "../api";
import { t } from "../i18n";
import { useCalls } from "../live";
import { type Finding, Gate, type Group, Notice, Shell, Waits, link, start, useAsk, usePlace } from "../ui";
import { CallPage, LivePage, RecordPage, RecordsPage } from "./calls";
import type { FlowPage } from "./flow";
import { DocumentPage, DocumentsPage, kinds } from "./documents";
import { extras } from "./extras";
import { OverviewPage } from "./overview";
import { AuditPage, ConferencesPage, RecordingsPage, RegistrationsPage, SecurityPage } from "./tables";

const groups = (calls: number): Group[] => [
	{
		title: "",
		entries: [
			{ path: "", title: t("Overview"), icon: "home" },
			{ path: "calls", title: t("Live calls"), icon: "call", count: calls },
			{ path: "records", title: t("Call records"), icon: "clock" },
			{ path: "registrations", title: t("Registrations"), icon: "phone" },
			{ path: "conferences", title: t("Conferences"), icon: "room" },
			{ path: "recordings", title: t("Recordings"), icon: "record" },
		],
	},
	{
		title: t("Settings"),
		entries: kinds()
			.filter((kind) => !kind.operator || api.isOperator())
			.map((kind) => ({ path: kind.path, title: kind.title, icon: kind.icon })),
	},
	{
		title: t("Overviews"),
		entries: extras()
			.filter((one) => !one.hidden)
			.map((one) => ({ path: one.path, title: one.title, icon: one.icon })),
	},
	{
		title: t("Security"),
		entries: [...(api.isOperator() ? [{ path: "security", title: t("Security events"), icon: "shield" as const }] : []), { path: "audit", title: t("Audit"), icon: "audit" }],
	},
];

async function find(): Promise<Finding[]> {
	const look = async (path: string, most: number) => (await api.rows(path, {}, most).catch(() => null))?.value ?? [];
	const named = kinds().filter((kind) => ["groups", "queues", "flows", "rooms", "numbers", "hours", "webhooks"].includes(kind.path));
	const [extensions, calls, trunks, ...others] = await Promise.all([look("/v1/extensions", 2000), look("/v1/calls", 1000), look("/v1/trunks", 1000), ...named.map((kind) => look(`/v1/${kind.path}`, 1000))]);
	return [
		...extensions.map((row): Finding => ({ title: `${text(row, "number")} ${text(row, "display_name")}`.trim(), note: t("Extension"), href: link("extensions", text(row, "number")), icon: "users" })),
		...trunks.map((row): Finding => ({ title: text(row, "name"), note: t("Trunk"), href: link("trunks", text(row, "name")), icon: "trunk" })),
		...named.flatMap((kind, i) => (others[i] ?? []).map((row): Finding => ({ title: text(row, kind.key), note: kind.one, href: link(kind.path, text(row, kind.key)), icon: kind.icon }))),
		...calls.map((row): Finding => ({ title: `${text(row, "from")} → ${text(row, "to")}`, note: text(row, "id"), href: link("calls", text(row, "id")), icon: "call" })),
	];
}

/** Which tenant an operator looks at. */
function Tenant() {
	const [, again] = useState(0);
	const asked = useAsk((signal) => api.rows("/v1/tenants", {}, 5000, { signal, anyTenant: true }), []);
	if (!asked.value || asked.value.value.length < 2) return null;
	return (
		<label>
			<span class="hidden">{t("Tenant")}</span>
			<select
				class="input"
				value={api.tenantOf()}
				onChange={(event) => {
					api.lookAt(event.currentTarget.value);
					again((n) => n + 1);
				}}
			>
				<option value="">{t("All tenants")}</option>
				{asked.value.value.map((row) => (
					<option key={text(row, "name")} value={text(row, "name")}>
						{text(row, "name")}
					</option>
				))}
			</select>
		</label>
	);
}

/** What draws flows comes when one is opened. */
function FlowLater({ name }: { name: string }) {
	const [made, setMade] = useState<{ Page: typeof FlowPage } | null>(null);
	useEffect(() => void import("./flow").then((part) => setMade({ Page: part.FlowPage })), []);
	return made ? <made.Page name={name} /> : <Waits />;
}

function Pages() {
	const { path } = usePlace();
	const calls = useCalls();
	const [here = "", of = ""] = path;
	const kind = kinds().find((one) => one.path === here);
	let page;
	if (here === "flows" && of) page = <FlowLater key={of} name={of} />;
	else if (kind) page = of ? <DocumentPage key={`${here}/${of}`} kind={kind} name={of} /> : <DocumentsPage key={here} kind={kind} />;
	else if (here === "") page = <OverviewPage calls={calls} />;
	else if (here === "calls") page = of ? <CallPage key={of} id={of} /> : <LivePage calls={calls} />;
	else if (here === "records") page = of ? <RecordPage key={of} id={of} /> : <RecordsPage />;
	else if (here === "registrations") page = <RegistrationsPage />;
	else if (here === "conferences") page = <ConferencesPage />;
	else if (here === "recordings") page = <RecordingsPage key={of} name={of} />;
	else if (here === "security") page = <SecurityPage />;
	else if (here === "audit") page = <AuditPage />;
	else page = extras().find((one) => one.path === here)?.page(path.slice(1)) ?? <h1>{t("There is no such page")}</h1>;
	return (
		<Shell groups={groups(calls.rows?.length ?? 0)} find={find} extra={api.isOperator() && <Tenant />}>
			{page}
		</Shell>
	);
}

/* ---- signing in: a link that is good once, a token, or the provider of the office ---- */

const redeem = async (token: string): Promise<api.Session> => api.sessionOf((await api.ask<Row>("/v1/login/redeem", { method: "POST", token })).value);

async function enter(said: string): Promise<void> {
	const token = /[#&]link=([^&\s]+)/.exec(said)?.[1] ?? said.trim();
	if (token.split("~").length !== 3) throw new api.Problem(400, "", t("This is no link and no token."));
	const isLink = token.split("~")[1]?.startsWith("login-link-");
	api.signIn(isLink ? await redeem(token) : await api.whoIs(token));
}

function SignIn({ first }: { first: string }) {
	const [said, setSaid] = useState("");
	const [wrong, setWrong] = useState(first);
	const [busy, setBusy] = useState(false);
	const provider = useAsk((signal) => api.get("/v1/login", {}, { signal, token: "", anyTenant: true }).catch(() => null), []);
	const url = text(provider.value, "url");
	return (
		<Gate lead={t("The console of operators and administrators.")}>
			{wrong && (
				<Notice tone="bad">
					<span>{wrong}</span>
				</Notice>
			)}
			{/^https:/.test(url) && (
				<>
					<a class="button first" href={url}>
						{t("Sign in with the account of your office")}
					</a>
					<div class="or">{t("or")}</div>
				</>
			)}
			<form
				class="stack"
				onSubmit={(event) => {
					event.preventDefault();
					setBusy(true);
					enter(said)
						.catch((error: Error) => setWrong(error.message))
						.finally(() => setBusy(false));
				}}
			>
				<div class="field">
					<label for="token">{t("Link or token")}</label>
					<input id="token" class="input mono" type="password" autocomplete="off" required value={said} onInput={(event) => setSaid(event.currentTarget.value)} aria-describedby="token-hint" />
					<span class="hint" id="token-hint">
						{t("./tandem run prints a link that is good once; token.create makes a token.")}
					</span>
				</div>
				<button class="button first" disabled={busy || !said}>
					{t("Sign in")}
				</button>
			</form>
		</Gate>
	);
}

function Console({ first }: { first: string }) {
	const [, again] = useState(0);
	useLayoutEffect(() => api.onChange(() => again((n) => n + 1)), []);
	const session = api.signedIn();
	return session ? <Pages key={session.token} /> : <SignIn first={first} />;
}

/** A link, or the answer of a provider, in the address: it is used, and leaves the address before anything else. */
async function arrive(): Promise<string> {
	const from = /^#link=(.+)$/.exec(location.hash)?.[1];
	const back = new URLSearchParams(location.search);
	if (!from && !back.has("state")) return "";
	history.replaceState(null, "", location.pathname);
	try {
		if (from) api.signIn(await redeem(decodeURIComponent(from)));
		else api.signIn(api.sessionOf(await api.get("/v1/login/callback", Object.fromEntries(back), { token: "", anyTenant: true })));
		return "";
	} catch (error) {
		return (error as Error).message;
	}
}

api.open("console");
start(() => (
	<main>
		<Waits />
	</main>
));
void arrive().then((wrong) => start(() => <Console first={wrong} />));

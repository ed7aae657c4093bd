// SPDX-License-Identifier: Apache-2.0
// The record of who calls, opened by the web client where the tenant has a URL for it (crm.put web_pop): once for each call, and a
// link stays, as browsers open no window that nobody has asked for.
import { useEffect, useState } from "preact/hooks";
import * as api from "../api";
import { text, type Row } from "../api";
import { t } from "../i18n";
import { isNew, typeOf } from "./pop";

let asked: { token: string; terms: Promise<Row | null> } | null = null;

/** Of this user; none where the tenant has no call centre, or the user no seat. */
function termsOf(): Promise<Row | null> {
	const session = api.signedIn();
	if (!session) return Promise.resolve(null);
	if (asked?.token !== session.token) asked = { token: session.token, terms: api.get("/v1/crms:softphone", { number: session.user }).catch(() => null) };
	return asked.terms;
}

/** Each value is a part of the path or the query. */
export const urlOf = (template: string, values: Row): string => template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(text(values, name)));

export function RecordLink({ own }: { own: Row }) {
	const [url, setUrl] = useState("");
	const id = text(own, "call");
	useEffect(() => {
		void (async () => {
			const terms = await termsOf();
			const template = text(terms, "web_pop");
			if (!template || !id) return;
			const call = await api.get("/v1/crms:call", { call: id });
			if (!((terms?.pop ?? []) as string[]).includes(typeOf(own, call))) return;
			const made = urlOf(template, { number: text(own, "remote"), name: text(own, "remote_name"), data: text(call, "data") });
			setUrl(made);
			if (isNew(id)) window.open(made, "_blank", "noopener");
		})().catch(() => undefined);
	}, [id]);
	return url ? (
		<a class="button slim" href={url} target="_blank" rel="noopener noreferrer">
			{t("In the CRM")}
		</a>
	) : null;
}

// SPDX-License-Identifier: Apache-2.0
// The calls of now: the list of the node, kept up to date by events, and looked at again now and then.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import * as api from "./api";
import { text, type Row } from "./api";

const STATE_OF: { [type: string]: string } = { "call.new": "setup", "call.ringing": "ringing", "call.answered": "established" };
const FORGOTTEN_MS = 60000;

/** What becomes of the rows by one event. Pure but for the maps. */
export function apply(rows: Map<string, Row>, gone: Map<string, number>, event: Row): void {
	const id = text(event, "call");
	const type = text(event, "type");
	const at_ms = Number(text(event, "id").split("-")[0]) || Date.now();
	if (!id) return;
	if (type === "call.ended") {
		rows.delete(id);
		gone.set(id, Date.now());
		return;
	}
	const before = rows.get(id);
	if ((!before && type !== "call.new") || gone.has(id)) return;
	const next: Row = { setup_utc_ms: at_ms, ...before, id };
	for (const name of ["from", "to", "from_name", "a_state", "b_state"]) if (name in event) next[name] = event[name] ?? "";
	if (STATE_OF[type]) next.state = STATE_OF[type] ?? "";
	if (type === "call.answered") next.answer_utc_ms = at_ms;
	rows.set(id, next);
}

/** What a fresh list makes of them: what has ended meanwhile does not come back. */
export function replace(list: Row[], gone: Map<string, number>): Map<string, Row> {
	for (const [id, since] of gone) if (Date.now() - since > FORGOTTEN_MS) gone.delete(id);
	return new Map(list.filter((row) => !gone.has(text(row, "id"))).map((row) => [text(row, "id"), row]));
}

export interface Calls {
	rows: Row[] | null;
	error: api.Problem | null;
	live: boolean; // events come
	missing: string; // nodes that did not answer
}

export function useCalls(): Calls {
	const [state, setState] = useState<Calls>({ rows: null, error: null, live: false, missing: "" });
	const [whose, setWhose] = useState(api.tenantOf());
	const shown = useRef(whose);
	useLayoutEffect(() => api.onChange(() => setWhose(api.tenantOf())), []);
	useEffect(() => {
		let rows = new Map<string, Row>();
		const gone = new Map<string, number>();
		let next = 0;
		let draw = 0;
		let over = false;
		if (shown.current !== whose) setState({ rows: null, error: null, live: false, missing: "" });
		shown.current = whose;
		const show = () => {
			draw ||= window.setTimeout(() => {
				draw = 0;
				if (!over) setState((before) => ({ ...before, rows: [...rows.values()] }));
			}, 200);
		};
		const look = async () => {
			clearTimeout(next);
			const began = Date.now();
			try {
				const answer = await api.rows("/v1/calls");
				if (over) return;
				rows = replace(answer.value, gone);
				setState((before) => ({ ...before, rows: [...rows.values()], error: null, missing: answer.missing }));
			} catch (error) {
				if (over || !(error instanceof api.Problem)) return;
				setState((before) => ({ ...before, error }));
			}
			// a long list is read less often: a fortieth of the time
			next = window.setTimeout(look, Math.max(document.hidden ? 15000 : 1500, 40 * (Date.now() - began)));
		};
		const stop = api.listen(
			{ type: "call.*" },
			{
				onEvent: (event) => {
					apply(rows, gone, event);
					show();
				},
				onReset: () => void look(),
				onState: (live) => setState((before) => ({ ...before, live })),
			},
		);
		void look();
		return () => {
			over = true;
			stop();
			clearTimeout(next);
			clearTimeout(draw);
		};
	}, [whose]);
	return state;
}

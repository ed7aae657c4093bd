// SPDX-License-Identifier: Apache-2.0
// SIP messages of a call, as sip.recent shows them, as the steps of a ladder. Pure.
import { number, text, type Row } from "./api";

export interface Step {
	at_ms: number;
	lane: number; // of the other end, from 0 on
	out: boolean; // the node has sent it
	what: string; // method, or status and reason
	cseq: string;
	status: number; // 0: a request
	sdp: boolean;
	refused: string; // why the node has refused it
	message: string;
	transport: string;
}

export interface Ladder {
	lanes: string[]; // addresses of the other ends
	steps: Step[];
}

export function ladder(rows: Row[]): Ladder {
	const lanes: string[] = [];
	// The node gives the newest first; those of one millisecond stay in the order in which they passed.
	const steps = [...rows].reverse().map((row): Step => {
		const message = text(row, "message");
		const first = message.slice(0, message.search(/\r?\n|$/));
		const response = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(first);
		const remote = text(row, "remote");
		if (!lanes.includes(remote)) lanes.push(remote);
		return {
			at_ms: number(row, "utc_ms"),
			lane: lanes.indexOf(remote),
			out: row.sent === true,
			what: response ? `${response[1]} ${response[2]}`.trim() : (first.split(" ")[0] ?? ""),
			cseq: /^CSeq:\s*(.+?)\s*$/im.exec(message)?.[1] ?? "",
			status: Number(response?.[1] ?? 0),
			sdp: /\r?\n\r?\nv=0/.test(message),
			refused: text(row, "reason"),
			message,
			transport: text(row, "transport"),
		};
	});
	return { lanes, steps };
}

// SPDX-License-Identifier: Apache-2.0
// Words of the node in the language of the page, and what they look like.
import { t } from "./i18n";
import type { Tone } from "./ui";

const STATES: { [state: string]: [string, Tone] } = {
	setup: ["Begins", "accent"],
	ringing: ["Rings", "accent"],
	answering: ["Is answered", "accent"],
	established: ["Talks", "good"],
	ending: ["Ends", ""],
	ended: ["Has ended", ""],
	hold: ["On hold", "warn"],
	hold_pending: ["Is transferred", "warn"],
	ringback: ["Hears ringing", "accent"],
	connect: ["Talks", "good"],
	conference: ["In a conference", "good"],
	call_pending: ["Waits", "warn"],
	busy: ["Busy", "bad"],
	error: ["Failed", "bad"],
	idle: ["Idle", ""],
	aa: ["Hears an announcement", "accent"],
	play_vm: ["Hears a message", "accent"],
	record: ["Leaves a message", "accent"],
	live: ["Live", "good"],
	waiting: ["Waits", "warn"],
	lost: ["Lost", "bad"],
	elsewhere: ["Elsewhere", ""],
	self: ["This node", "good"],
	heard: ["Heard", "good"],
	unheard: ["Not heard", "warn"],
	silent: ["Silent", "bad"],
	left: ["Left", ""],
	ok: ["Well", "good"],
	degraded: ["Degraded", "bad"],
	available: ["Available", "good"],
	offline: ["Offline", ""],
	on_the_phone: ["On the phone", "accent"],
	in_a_conference: ["In a conference", "accent"],
	do_not_disturb: ["Do not disturb", "bad"],
	in_a_meeting: ["In a meeting", "warn"],
	away: ["Away", "warn"],
	out_of_office: ["Out of office", "warn"],
	off_work: ["Off work", ""],
	new: ["New", "accent"],
	old: ["Heard", ""],
	deleted: ["Deleted", ""],
};

export const word = (state: string): string => t(STATES[state]?.[0] ?? state.replace(/_/g, " "));
export const tone = (state: string): Tone => STATES[state]?.[1] ?? "";

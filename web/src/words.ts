// SPDX-License-Identifier: Apache-2.0
// Words of the node in the language of the page, and what they look like.
import { t } from "./i18n";
import { type Row, text } from "./api";
import type { Tone } from "./ui";

const STATES: { [state: string]: [string, Tone] } = {
	setup: ["Setting up", "accent"],
	ringing: ["Ringing", "accent"],
	answering: ["Answering", "accent"],
	established: ["Connected", "good"],
	ending: ["Ending", ""],
	ended: ["Finished", ""],
	hold: ["On hold", "warn"],
	hold_pending: ["Transferring", "warn"],
	ringback: ["Hearing ringback", "accent"],
	connect: ["Connected", "good"],
	conference: ["In a conference", "good"],
	call_pending: ["Waiting", "warn"],
	busy: ["Busy", "bad"],
	error: ["Failed", "bad"],
	idle: ["Idle", ""],
	aa: ["Hearing an announcement", "accent"],
	play_vm: ["Hearing a message", "accent"],
	record: ["Leaving a message", "accent"],
	live: ["Live", "good"],
	waiting: ["Waiting", "warn"],
	lost: ["Lost", "bad"],
	elsewhere: ["Other node", ""],
	self: ["This node", "good"],
	heard: ["Reachable", "good"],
	unheard: ["Unreachable", "warn"],
	silent: ["Silent", "bad"],
	left: ["Left", ""],
	ok: ["Healthy", "good"],
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
	agent_out: ["Logged out", ""],
	agent_ready: ["Ready", "good"],
	agent_not_ready: ["Not ready", "warn"],
	agent_busy: ["On the phone", "accent"],
	agent_reserved: ["Is rung", "accent"],
	agent_wrapup: ["Wrap-up", "warn"],
	agent_resting: ["Did not answer", "warn"],
	new: ["New", "accent"],
	old: ["Heard", ""],
	deleted: ["Deleted", ""],
	result_answered: ["Answered", "good"],
	result_message: ["Left a message", "accent"],
	result_no_answer: ["Not answered", "warn"],
	result_busy: ["Busy", "warn"],
	result_cancelled: ["Cancelled", "warn"],
	result_handled: ["Heard an announcement", ""],
	result_failed: ["Failed", "bad"],
};

export const word = (state: string): string => t(STATES[state]?.[0] ?? state.replace(/_/g, " "));
/** Of the dot beside an extension (MON-06): green where it is free, grey where it has no phone, else red. */
export const dot = (state: string): Tone => (state === "available" ? "good" : !state || state === "offline" ? "" : "bad");

export const tone = (state: string): Tone => STATES[state]?.[1] ?? "";

/** Which of the thirteen states of a party (CALL-01) a call of one's own is in: of what watchers are told, and of the call as the node lists it, where that is there. */
export function ownState(told: Row, listed: Row | undefined): string {
	if (told.held === true) return "hold";
	const mine = text(listed, text(told, "direction") === "in" ? "b_state" : "a_state");
	if (mine && mine !== "idle") return mine;
	if (told.conference) return "conference";
	return text(told, "state") === "confirmed" ? "connect" : text(told, "direction") === "in" ? "ringing" : "ringback";
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the command table for calls: looks, orders, prompts and digits, and park slots. The
 * arguments of an order are fields of struct call_order (sig/model/call_order.h), which the reader
 * of arguments fills in: an order needs no code of its own here. */

#include "sig/model/call.h"
#include "app/command/table/table.h"
#include "app/live/live.h"
#include "app/schema/flow_field.h"
#include "sig/call/prompts.h"
#include "sig/model/call_order.h"
#include "sig/model/park.h"

/* Orders to a call, and its parking.
 * Their arguments are fields of struct call_order, which go to the module. */

#undef FIELD_OF
#define FIELD_OF struct call_order

#define LEG_ARG(text) \
	ENUM_ARG("leg", g_call_legs, NULL, text, .required = true, IN(FIELD_PLUS_ONE, leg))
#define LEG_CHOICE(what, text)                                                                     \
	ENUM_ARG(#what, g_call_legs, "none: the caller, answered by tandem; no other party", text, \
		 IN(FIELD_PLUS_ONE, what))
#define EXTENSION_ARG(what, text) \
	TEXT_ARG(what, CHARSET_DIALLED, 1, 63, NULL, text, .required = true, IN(FIELD_SLICE, to))

static const struct command_arg g_call_leg_args[] = {
	CALL_ARG,
	U64_ARG("leg", 0, UINT8_MAX, NULL, "Its number, as call.leg.list has it.",
		.required = true),
	END,
};

static const struct command_arg g_split_args[] = {
	CALL_ARG,
	ENUM_ARG("leg", g_call_legs, "b",
		 "Party that goes to the new call: a is the caller, b the other party."),
	TEXT_ARG("application", CHARSET_NAME, 0, APPLICATION_NAME_MAX - 1,
		 "that of the call, or none",
		 "Application that has both calls from then on: its stream has their events."),
	END,
};

static const struct command_arg g_park_args[] = {
	CALL_ARG,
	TEXT_ARG("slot", CHARSET_DIGITS, 1, PARK_SLOT_LEN, "the first free one of the group",
		 "Where the party waits: 1 to 8 digits."),
	TEXT_ARG("group", CHARSET_NAME, 1, PARK_GROUP_NAME_MAX - 1, "the tenant's first one",
		 "Without slot: the group in which the party gets the first free slot (park_groups "
		 "of tenant.put)."),
	LEG_CHOICE(leg, "Party that is parked: a is the caller, b the other party."),
	END,
};

#define SLOT_ARG                                                 \
	TEXT_ARG("slot", CHARSET_DIGITS, 1, PARK_SLOT_LEN, NULL, \
		 "Where the party waits: 1 to 8 digits.", .required = true)

static const struct command_arg g_retrieve_args[] = {
	CALL_ARG,
	SLOT_ARG,
	LEG_CHOICE(
		leg,
		"Party that is connected with the parked one: a is the caller, b the other party."),
	END,
};

static const struct command_arg g_hold_args[] = {
	CALL_ARG,
	LEG_ARG("Party that holds the other one: a is the caller, b the other party."),
	END,
};

static const struct command_arg g_hold_switch_args[] = {
	CALL_ARG,
	LEG_ARG("Party that holds the other one: a is the caller, b the other party."),
	ON_ARG("false: the hold ends, as by call.resume."),
	END,
};

static const struct command_arg g_mute_args[] = {
	CALL_ARG,
	LEG_ARG("Party that is muted: a is the caller, b the other party."),
	BOOL_ARG("on", NULL, "false: it is heard again.", .required = true, IN(FIELD_NUMBER, on)),
	END,
};

/* In the order of enum record_to. */
static const char *const g_record_places[] = { "files", "siprec", NULL };

static const struct command_arg g_record_args[] = {
	CALL_ARG,
	LEG_ARG("Party that is recorded, with all that it hears: a is the caller, b the other "
		"party."),
	ENUM_ARG("state", g_record_states, NULL,
		 "on: begin, or go on; pause: what is said from now on is in no file; resume; "
		 "off: the file is finished. on=true and on=false are the same as on and off.",
		 .required = true, IN(FIELD_NUMBER, record)),
	ENUM_ARG("to", g_record_places, NULL,
		 "With on=true, where it goes: files of the node, or siprec, the external "
		 "recorder of the setting siprec.address. Without it: as record_to of the "
		 "extension.",
		 IN(FIELD_PLUS_ONE, record_to)),
	END,
};

static const struct command_arg g_transfer_args[] = {
	CALL_ARG,
	LEG_CHOICE(leg, "Party that transfers the other one: a is the caller, b the other party."),
	EXTENSION_ARG("to", "Extension that it is given to, or a link to it."),
	RING_ARG(seconds,
		 "How long phones ring in all, with those of forwards: then nobody has answered."),
	END,
};

static const struct command_arg g_deflect_args[] = {
	CALL_ARG,
	EXTENSION_ARG("to", "Extension that the call goes to, or a link to it."),
	END,
};

static const struct command_arg g_pickup_args[] = {
	PARTY_ARG("extension", CHARSET_DIALLED, "Extension where the call rings, or a link to it."),
	EXTENSION_ARG("by", "Extension that is to ring for it, or a link."),
	CALL_OR_NONE("Only that call; else the one that rings longest."),
	END,
};

static const struct command_arg g_call_link_args[] = {
	PARTY_ARG("number", CHARSET_NUMBER, "Extension with the call."),
	TEXT_ARG("link", CHARSET_TEXT, 1, 255, NULL,
		 "tel:NUMBER, callto:NUMBER, or call.center: and call?number=NUMBER, "
		 "transfer?number=NUMBER, hold_unhold, mute_unmute, hangup, answer or reject.",
		 .required = true),
	CALL_OR_NONE("Only that call, if it is in that state; else the newest one."),
	END,
};

static const struct command_arg g_reject_args[] = {
	CALL_ARG,
	U64_ARG("status", 400, 699, "486",
		"What the caller hears: 480 (not there), 486 (busy), 603 (does not want it) or "
		"another that a callee may give, so none as 401, 407, 420 or 503.",
		IN(FIELD_NUMBER, status)),
	TEXT_ARG("reason", CHARSET_TEXT, 1, ORDER_PHRASE_MAX, "that of RFC 3261",
		 "Words beside the status, which many phones show.", IN(FIELD_SLICE, phrase)),
	END,
};

static const struct command_arg g_join_args[] = {
	CALL_ARG,
	OTHER_CALL_ARG("with", true,
		       "Id of the call that becomes one with it, and ends: 13 characters."),
	LEG_CHOICE(leg, "Party that stays in the call: a is the caller, b the other party."),
	LEG_CHOICE(with_leg, "Party of the other call that joins it."),
	END,
};

static const struct command_arg g_list_args[] = {
	SPAN_ARGS("Only calls in which this number parked a party, or is the parked party.",
		  "were parked"),
	LIMIT_ARG,
	END,
};

static const struct command_arg g_dtmf_args[] = {
	CALL_ARG,
	LEG_ARG("Party that gets the digits: a is the caller, b the other party."),
	TEXT_ARG("digits", CHARSET_DIGITS, 1, 32, NULL, "Sent one after the other.",
		 .required = true, IN(FIELD_SLICE, digits)),
	U64_ARG("duration_ms", 40, 6000, "120", "How long each sounds.",
		IN(FIELD_NUMBER, duration_ms)),
	END,
};

/* In the order of enum prompt_control. */
static const char *const g_controls[] = {
	"place", "pause", "resume", "forward", "back", "to", NULL
};

static const struct command_arg g_control_args[] = {
	CALL_ARG,
	ENUM_ARG("action", g_controls, NULL,
		 "pause, resume; forward, back: by ms; to: the place ms; place: nothing, but says "
		 "where it is.",
		 .required = true, IN(FIELD_NUMBER, control)),
	U64_ARG("ms", 0, PROMPT_PLACE_MAX_MS, "0",
		"So much, or the place from the beginning of the file.", IN(FIELD_NUMBER, ms)),
	END,
};

#define AWAY_ARG(unset)                                                                            \
	U64_ARG("away_s", 0, CALL_AWAY_MAX_S, unset,                                               \
		"When the application gives no order to the call for so long, the caller goes on " \
		"to forward_no_answer of the extension. 0: never.",                                \
		IN(FIELD_NUMBER, seconds))
static const struct command_arg g_answer_args[] = {
	CALL_ARG,
	AWAY_ARG("0"),
	TEXT_ARG("number", CHARSET_NUMBER, 1, 63, "any",
		 "Extension of the ringing phone that is to answer.", IN(FIELD_SLICE, to)),
	END,
};
static const struct command_arg g_keep_args[] = { CALL_ARG, AWAY_ARG("unchanged"), END };

const struct command g_call_order_commands[] = {
	{ "call.split", COMMAND_FOR_APPLICATION, g_split_args,
	  "Splits an established call into two: each party goes on, answered by tandem, with no "
	  "other party. One stays, the other goes to a new call. The id of that follows from the "
	  "command's id. Each hears hold music, or with an application nothing, until call.play. "
	  "What one held of the other ends. The event call.split tells of both calls.",
	  "id: of the new call", BY(command_call_split) },
	{ "call.park", COMMAND_FOR_APPLICATION, g_park_args,
	  "Parks a party of an established call: it waits in a slot, answered by tandem, with no "
	  "other party. It hears hold music, and tandem hangs up on the other one. A party without "
	  "another one needs no leg. Slots are the tenant's, on all nodes: those of its "
	  "park_groups, or any slot where it has no groups. Answered when the party waits there "
	  "and that is saved. conflict: another call has the slot, or all slots of the group are "
	  "taken, and the call is as it was. The event call.parked tells of it, and call.retrieved "
	  "when somebody speaks with the party (call.retrieve).",
	  "id, order, slot", BY(command_call_park), .own = "call", .own_args = "slot,group,leg",
	  .own_peer = true, .needs = NEEDS_PARK },
	{ "call.retrieve", COMMAND_FOR_APPLICATION, g_retrieve_args,
	  "Connects a party of an established call, or a caller that is answered by tandem, with "
	  "no other party, with the party that waits in the slot, as call.join does. Tandem hangs "
	  "up on the other one. not_found: nobody waits there. Where two retrieve at once, one of "
	  "them is answered so, or gets call.transfer_failed. The event call.retrieved tells that "
	  "the slot is free.",
	  "id, order", BY(command_call_retrieve), .own = "call", .own_args = "slot,leg",
	  .needs = NEEDS_PARK },
	{ "call.hold", COMMAND_FOR_APPLICATION, g_hold_switch_args,
	  "Holds a party of an established call for the other one. It is offered a=sendonly and "
	  "hears hold music, if there is any; neither hears the other, until call.resume, or until "
	  "the holder's own phone offers to go on. "
	  "The event call.held tells that it is so.",
	  "id, order", BY(command_call_order), .order = ORDER_HOLD, .own = "call",
	  .off = "call.resume", .needs = NEEDS_HOLD },
	{ "call.resume", COMMAND_FOR_APPLICATION, g_hold_args,
	  "Ends what call.hold did. A phone that holds by itself is asked to go on (NOTIFY with "
	  "Event: talk) where its Allow-Events names talk; call.resumed is not published for that. "
	  "Where it does not: conflict, and the hold ends at the phone.",
	  "id, order", BY(command_call_order), .order = ORDER_RESUME, .own = "call",
	  .needs = NEEDS_HOLD },
	{ "call.mute", COMMAND_FOR_APPLICATION, g_mute_args,
	  "Mutes one party of an established call, or unmutes it. No phone is told.", "id, order",
	  BY(command_call_order), .order = ORDER_MUTE, .own = "call", .needs = NEEDS_CALL_CONTROL },
	{ "call.record", COMMAND_FOR_APPLICATION, g_record_args,
	  "Starts or ends the recording of a party of an established call. Its extension must have "
	  "record=on_demand. Its party may do the same by in-call codes (call_codes in the node "
	  "file), and on its record page (extension.page). What a policy records can be paused, "
	  "and not ended. The events call.recording and those behind it tell what becomes of it, "
	  "call.show what is recorded.",
	  "id, order", BY(command_call_order), .order = ORDER_RECORD, .own = "call",
	  .own_args = "state,leg", .needs = NEEDS_RECORD_KEY },
	{ "call.transfer", COMMAND_FOR_APPLICATION, g_transfer_args,
	  "Transfers a party of an established call to an extension, as if the phone of the other "
	  "party had sent REFER. The party hears ringback until the extension answers; then tandem "
	  "hangs up on the other party. Where nobody answers, the two speak again. A caller that "
	  "is answered by tandem, with no other party, goes on to the extension, and back to its "
	  "application where nobody answers. Answered when it is saved; the events "
	  "call.transferred and call.transfer_failed tell what becomes of it.",
	  "id, order", BY(command_call_order), .order = ORDER_TRANSFER, .own = "call",
	  .needs = NEEDS_TRANSFER },
	{ "call.transfer_cancel", COMMAND_FOR_APPLICATION, g_call_args,
	  "Cancels a transfer that has not been answered: the target stops ringing, and the call "
	  "is as before. The event call.transfer_failed tells of it, with sip_status 487. "
	  "conflict: none rings.",
	  "id, order", BY(command_call_order), .order = ORDER_CANCEL, .own = "call",
	  .own_part = PART_GIVES, .needs = NEEDS_CALL_CONTROL },
	{ "call.deflect", COMMAND_FOR_APPLICATION, g_deflect_args,
	  "Sends a call that rings, or waits for an application, on to an extension: phones that "
	  "ring stop, and the phones of that extension ring, or it forwards the call. Diversion "
	  "and History-Info tell the callee. Where nobody can be rung, where the extension was "
	  "rung for the call before, or the call is answered: conflict, and the call is as it was. "
	  "The event call.forwarded tells where it goes.",
	  "id, order", BY(command_call_order), .order = ORDER_DEFLECT },
	{ "call.pickup", COMMAND_FOR_APPLICATION, g_pickup_args,
	  "Lets the call that rings longest at an extension ring at another one, which wants to "
	  "take it, and at the first one no more. The two need a pick-up group together "
	  "(pickup_groups of extension.put): conflict. not_found: no call rings there, on any node "
	  "that answers within 0.3 s. Else as call.deflect; the event call.forwarded has the "
	  "reason pickup.",
	  "id, order", BY(command_call_pickup), .own = "by", .own_args = "extension,call",
	  .needs = NEEDS_CALL_CONTROL },
	{ "call.link", COMMAND_FOR_APPLICATION, g_call_link_args,
	  "Does what a clicked link says: calls a number, or changes the newest call of the "
	  "extension, on any node. answer and reject are for a call that rings at it, transfer, "
	  "hold_unhold and mute_unmute for a call in which it speaks, hangup for any. Each is "
	  "another command: call.originate, call.transfer, call.hold, call.mute, call.hangup, "
	  "call.answer, call.reject. not_found: it has no such call.",
	  "that of the other command", BY(command_call_link) },
	{ "call.accept", COMMAND_FOR_APPLICATION, g_call_args,
	  "Lets a call ring that waits while its extension has another one (call_waiting of "
	  "extension.put, the event call.call_waiting). A phone that takes it holds the first "
	  "one. conflict: the call does not wait.",
	  "id, order", BY(command_call_order), .order = ORDER_ACCEPT, .own = "call",
	  .own_part = PART_RINGS, .needs = NEEDS_CALL_CONTROL },
	{ "call.reject", COMMAND_FOR_APPLICATION, g_reject_args,
	  "Refuses a call that rings, or waits for an application: phones that ring stop, the "
	  "caller hears the status, and the call goes on to nobody else. From a user: as if the "
	  "own phones had refused, so others ring on, and forwards count. A caller that is up "
	  "already, because a command called it or it was transferred, hears the tone for the "
	  "status. Then it is hung up, or goes back to the party that transferred it. conflict: it "
	  "is answered, or does not ring. The event call.ended has the status.",
	  "id, order", BY(command_call_order), .order = ORDER_REJECT, .own = "call",
	  .own_args = "status", .own_part = PART_RINGS, .needs = NEEDS_CALL_CONTROL },
	{ "call.join", COMMAND_FOR_APPLICATION, g_join_args,
	  "Joins two established calls into one: of each, one party stays, or a caller that is "
	  "answered by tandem, with no other party. Tandem hangs up on the other one. The call "
	  "goes on, with ends. Answered when the order to join is saved, which a kill does not "
	  "undo; the events call.transferred and call.transfer_failed tell what becomes of it. "
	  "Where the two have no codec in common, one of them is offered the codecs of the other "
	  "(re-INVITE); when neither takes them call.transfer_failed says 488, and both calls go "
	  "on as they were. Of two shards of the node both calls go on, as one conversation.",
	  "id, order", BY(command_call_join) },
	{ .name = NULL },
};

const struct command g_call_slot_commands[] = {
	{ "park.list", COMMAND_FOR_READER, g_list_args,
	  "Lists the slots where calls of the tenant are parked, on all nodes, the newest first. A "
	  "user sees those that the phones of the extension may use, without call, and as party "
	  "anonymous where that hides its number.",
	  "a list: slot, call (null: what is there cannot be read), by (who parked it), party (who "
	  "is parked), since_utc_ms, hides (the party hides its number), dial (what a phone dials "
	  "to retrieve the party; empty: nothing)",
	  BY(command_park_list), .own = "", .own_args = "since,until,limit", .needs = NEEDS_PARK,
	  LISTS("slot", "since_utc_ms", true, "call,by,party,since_utc_ms") },
	{ .name = NULL },
};

const struct command g_call_digits_commands[] = {
	{ "call.dtmf", COMMAND_FOR_APPLICATION, g_dtmf_args,
	  "Sends digits to a party of an established call: as telephone-events in the media (RFC "
	  "4733), or by INFO or as tones where it takes none.",
	  "id, order", BY(command_call_order), .order = ORDER_DIGITS, .own = "call",
	  .own_peer = true, .needs = NEEDS_CALL_CONTROL },
	{ .name = NULL },
};

/* Prompts and DTMF digits of a party of a call. */

#undef FIELD_OF
#define FIELD_OF struct prompt_terms

static const struct command_arg g_play_args[] = {
	CALL_ARG,
	FILE_ARG(true, "Files in media.sounds (WAV, or Opus in Ogg), at most 4, with commas "
		       "between them."),
	TIMES_ARG,
	BOOL_ARG("interruptible", "false", "A DTMF digit of the caller ends it.",
		 IN(FIELD_NUMBER, interruptible)),
	END,
};

/* In the order of enum media_stream_sides. */
static const char *const g_stream_sides[] = { "said", "heard", "both", NULL };

static const struct command_arg g_stream_args[] = {
	CALL_ARG,
	ENDPOINT_ARG,
	LEG_OR_NONE("In a call of two: the party that the application hears, without saying "
		    "anything. a is the caller, b the other party."),
	ENUM_ARG("hear", g_stream_sides, "both",
		 "With leg: what its party says, what that party hears, or both as two "
		 "channels."),
	END,
};

static const struct command_arg g_stop_args[] = {
	CALL_ARG,
	LEG_OR_NONE("The application that hears that party does so no longer (call.stream)."),
	END,
};

static const struct command_arg g_collect_args[] = {
	CALL_ARG,
	U64_ARG("min", 0, PROMPT_DIGITS_MAX, "1", "Fewer digits are reported as short.",
		IN(FIELD_NUMBER, min)),
	U64_ARG("max", 1, PROMPT_DIGITS_MAX, "16",
		"How many digits end it. At most ivr.max_digits, which is also the default.",
		IN(FIELD_NUMBER, max)),
	U64_ARG("first_ms", 100, PROMPT_WAIT_MAX_MS, "5000",
		"How long the first digit is awaited, after what is played.",
		IN(FIELD_NUMBER, first_ms)),
	U64_ARG("inter_ms", 100, PROMPT_WAIT_MAX_MS, "3000",
		"How long each further digit is awaited.", IN(FIELD_NUMBER, inter_ms)),
	TEXT_ARG("terminators", CHARSET_DIGITS, 0, PROMPT_DIGITS_MAX, "#",
		 "Keys that end it, and are not among those that are reported.",
		 IN(FIELD_TEXT, ends)),
	TEXT_ARG("tag", CHARSET_NAME, 3, CALL_TAG_MAX, "none",
		 "TAB.FIELD, such as Case.CaseNumber: the digits become data of the call, which "
		 "stay with it over transfers, in its events and its CDRs. Not for secrets.",
		 IN(FIELD_TEXT, tag)),
	TEXT_ARG("tone_behind", CHARSET_DIGITS, 0, PROMPT_DIGITS_MAX, "none",
		 "Digits, such as an access code: behind them the dial tone is heard, until the "
		 "next digit. Play tone-dial as the last file for the first one.",
		 IN(FIELD_TEXT, tone_behind)),
	U64_ARG("tries", 1, PROMPT_TRIES_MAX, "1",
		"How often the files are played and digits awaited, while fewer than min come.",
		IN(FIELD_NUMBER, tries)),
	FILE_ARG(false, "Files that are played before, as of call.play."),
	END,
};

static const struct command_arg g_message_args[] = {
	CALL_ARG,
	BOOL_ARG("beep", "true", "The party hears a beep before."),
	U64_ARG("max_ms", 1000, PROMPT_MESSAGE_MAX_MS, "120000", "How long the recording may last.",
		IN(FIELD_NUMBER, message_max_ms)),
	U64_ARG("silence_ms", 0, PROMPT_SILENCE_MAX_MS, "3000",
		"How long a silence ends it; 0: none does.", IN(FIELD_NUMBER, message_silence_ms)),
	U64_ARG("min_ms", 0, PROMPT_MESSAGE_MAX_MS, "0", "Less is reported as short.",
		IN(FIELD_NUMBER, message_min_ms)),
	TEXT_ARG("terminators", CHARSET_DIGITS, 0, PROMPT_DIGITS_MAX, "#",
		 "Keys that end it. Others do nothing.", IN(FIELD_TEXT, ends)),
	MAILBOX_ARG("The mailbox that it lies in when it is finished (recording.list mailbox)."),
	FILE_ARG(false, "Files that are played before, as of call.play. A digit skips them."),
	END,
};

const struct command g_call_sound_commands[] = {
	{ "call.play", COMMAND_FOR_APPLICATION, g_play_args,
	  "Plays files of media.sounds to a party that is answered by tandem, with no other party "
	  "(call.answer, call.split), in place of what was played or collected. After a restart "
	  "the file that was played goes on, with its last two seconds again. The event "
	  "call.played tells its end. prompt:NAME is said in the language of the party's extension "
	  "or tenant, and digits:DIGITS one by one. A value is said by words: "
	  "number:-1250.5, date:2027-01-31, time:14:05, amount:12.50 EUR, letters:AB-12, or in "
	  "another language number:de:21. recording:CALL-NUMBER is a message "
	  "(call.record_message) of the tenant, beep what is heard before one. In place of a file "
	  "echo lets the party hear itself, in any codec, DTMF of RFC 4733 too, without an end; "
	  "echo-2000 2,000 ms later (100 to 5000), without DTMF. tone-dial, tone-ringback, "
	  "tone-busy, tone-congestion, tone-information and tone-confirmation are the tones of "
	  "media.tones, without an end.",
	  "id, order", BY(command_call_play) },
	{ "call.play_control", COMMAND_FOR_APPLICATION, g_control_args,
	  "Pauses what call.play or call.collect plays, goes on with it, or goes to another place "
	  "of the file. A pause lasts until resume. After its end a file is over. After a restart "
	  "it goes on about there.",
	  "id, order; play: file, place_ms, played_ms (for how long it was heard, whatever was "
	  "skipped), paused, when that is saved; without play it is over",
	  BY(command_call_order), .order = ORDER_CONTROL },
	{ "call.stream", COMMAND_FOR_APPLICATION, g_stream_args,
	  "Lets an application speak with a party that is answered by tandem, with no other party "
	  "(call.answer, call.split), in place of what was played or collected: the node connects "
	  "to the endpoint's WebSocket, and sound goes both ways (guides/live-audio.md). The event "
	  "call.played tells its end: end (the application said so), failed (it could not be "
	  "reached, or was gone for live.give_up), stopped or hangup. It lasts until call.stop, "
	  "and a node that was killed connects again. As a file of call.play or call.collect: "
	  "live-ENDPOINT. With leg an application hears a party that speaks with another one, in "
	  "place of the application that heard the call before; the events call.stream_started, "
	  "call.stream_ended and call.stream_failed tell what becomes of it.",
	  "id, order", BY(command_call_stream) },
	{ "call.stop", COMMAND_FOR_APPLICATION, g_stop_args,
	  "Ends what call.play, call.stream, call.collect or call.record_message asked for; with "
	  "leg, that an application hears that party. conflict: none does.",
	  "id, order", BY(command_call_stop) },
	{ "call.collect", COMMAND_FOR_APPLICATION, g_collect_args,
	  "Collects DTMF digits of a party that is answered by tandem, with no other party, in "
	  "place of what was played or collected: those of RFC 4733 and of INFO. A digit ends what "
	  "it plays, and counts. The event call.collected has them, in the stream of the call's "
	  "application alone. A call without an application: conflict. As the last file tone-dial "
	  "is heard until the first digit, for first_ms at most.",
	  "id, order", BY(command_call_collect) },
	{ "call.record_message", COMMAND_FOR_APPLICATION, g_message_args,
	  "Records what a party says that is answered by tandem, with no other party, in place of "
	  "what was played or collected: a message, or a greeting. The file is mono, and has no "
	  "silence at its two ends. The event call.recorded tells its end, and call.play plays it "
	  "from then on, in calls of the same tenant. After a restart it goes on. conflict: the "
	  "party is recorded already.",
	  "id, order", BY(command_call_record_message) },
	{ .name = NULL },
};

static const struct command_arg g_calls_args[] = {
	SPAN_ARGS("Only those from or to this number.", "began"),
	LIMIT_ARG,
	TEXT_ARG("node", CHARSET_TEXT, 1, 63, "all", "Only those of the node of that name.",
		 .place = PLACE_NODE),
	TEXT_ARG("application", CHARSET_NAME, 1, APPLICATION_NAME_MAX - 1, NULL,
		 "Only calls that this application has, or that wait for it."),
	BOOL_ARG("ending", "false", "true: also calls that have ended and have no record yet."),
	END,
};

static const struct command_arg g_doctor_args[] = {
	CALL_ARG,
	U64_ARG("window_ms", 200, 3000, "1000", "Time between the two looks at the counters."),
	END,
};

#undef FIELD_OF
#define FIELD_OF struct shard_originate

static const struct command_arg g_originate_args[] = {
	PARTY_ARG("from", CHARSET_NUMBER,
		  "Extension that is rung first; with payer a number outside."),
	TEXT_ARG("to", CHARSET_DIALLED, 1, 63, NULL,
		 "Callee when from has answered: an extension, a number outside as from dials it, "
		 "or a link to one: tel:1002, callto:1002."),
	TEXT_ARG("flow", CHARSET_NAME, 1, FLOW_NAME_MAX - 1, NULL,
		 "In place of to: the flow that from's phone goes through then."),
	TEXT_ARG("mailbox", CHARSET_NUMBER, 1, 63, NULL,
		 "With flow: the mailbox that the call is about, its variable box."),
	TEXT_ARG("payer", CHARSET_NUMBER, 1, 63, NULL,
		 "Where from is a number outside: the extension that pays for both calls, as if it "
		 "had forwarded a call there. Its dial plan, classes and limits count."),
	TEXT_ARG("caller_id", CHARSET_NUMBER, 1, 63, "as its extension says",
		 "Number as which from is shown outside: one that it may show (outside_number, "
		 "outside_numbers of extension.put)."),
	BOOL_ARG("auto_answer", "false",
		 "Ask from's phone to answer by itself: Alert-Info with info=alert-autoanswer.",
		 IN(FIELD_NUMBER, auto_answer)),
	RING_ARG(ring_s, "How long each of the two rings in all, with forwards."),
	END,
};

const struct command g_call_commands[] = {
	{ "call.list", COMMAND_FOR_READER, g_calls_args,
	  "Lists the calls of all nodes of the cluster, the newest first. A node that is heard and "
	  "does not answer within 2 s, and one that is not heard, with shards that nobody has "
	  "taken yet, is named in missing, beside result; over HTTP in the header Tandem-Missing. "
	  "Nodes that are in no cluster (cluster.listen) list their own. A call that has ended is "
	  "not among them, from the answer of call.hangup or the event call.ended on. Until its "
	  "record is in Redis call.show knows it as ending: each party has up to 32 s to "
	  "acknowledge BYE, and Redis may be away.",
	  "a list: id, state (setup, ringing, answering, established, ending), a_state and b_state "
	  "(what its parties are at: see States of a party), application (that has the call; "
	  "empty: none), waits (for it, to be answered), from, to, answered_by, from_name, "
	  "setup_utc_ms, answer_utc_ms, saved, restored, node (that has it)",
	  BY(command_call_list), .own = "",
	  .columns = "id,state,application,from,to,answered_by,setup_utc_ms,answer_utc_ms,node",
	  LISTS("id", "setup_utc_ms", true,
		"state,a_state,b_state,application,waits,from,to,answered_by,from_name,"
		"setup_utc_ms,answer_utc_ms,"
		"version,saved,restored,node") },
	{ "call.show", COMMAND_FOR_READER, g_call_args,
	  "Shows a call with the live counters of its media flows. A call that ended in the last "
	  "hour: its record (as in cdr.list) with state ended, and the last counters of its flows.",
	  "as in call.list, with the SIP Call-IDs, the SIP peers, a and b (transport, srtp: the "
	  "crypto-suite or plain, trunk: empty of a phone, holds, muted, profile, codecs), "
	  "recordings (of now: recording, "
	  "leg, state: on or paused, to, cause: policy, command, code, page or message, "
	  "begun_utc_ms), "
#define CALL_FACT(member, size, from, name, help) name help ", "
#include "sig/host/call_facts.def"
#undef CALL_FACT
	  "and flows: leg, line, kind (audio, video, other), proto "
	  "(of its m-line), local, remote (where its media is expected), signalled (by its SDP), "
	  "latched (where it comes from), srtp, payload_type, codec, transcoded_to (the codec in "
	  "which the other party hears it; null: in its own), ssrc_out, ice (off, checking, "
	  "connected, lost), dtls (off, waiting, handshaking, connected, failed), stats "
	  "(icmp_errors: that came back for packets to the party), drops (packets not relayed, by "
	  "reason) and quality: received (of the party) and reported (by its RTCP) with lost, "
	  "loss_percent, jitter_ms, mos, r, and rtt_ms (ice, dtls, stats, drops, quality null: the "
	  "media worker did not answer within 100 ms; what else is null is not known); conference, "
	  "where its party is in one",
	  BY(command_call_show), .own = "call", .own_part = PART_ANY },
	{ "call.leg.list", COMMAND_FOR_READER, g_call_args,
	  "Lists the legs of a call: its parties, and phones that ring, or are on their way out.",
	  "a list: leg (its number in the call), party (a: the caller, b: the other party; null: "
	  "neither), state (early, answered, confirmed, leaving), direction (of its INVITE: in, "
	  "out), user (extension of the phone), trunk, sip_call_id, peer, transport, srtp, holds, "
	  "muted, profile and codecs, as in call.show",
	  BY(command_call_leg_list),
	  LISTS("leg", NULL, false,
		"party,state,direction,user,trunk,sip_call_id,peer,transport,srtp,holds,muted,"
		"profile") },
	{ "call.leg.show", COMMAND_FOR_READER, g_call_leg_args, "Shows a leg of a call.",
	  "as in call.leg.list", BY(command_call_leg_show) },
	{ "call.doctor", COMMAND_FOR_READER, g_doctor_args,
	  "Says why a party of a call is not heard, or hears nothing, from counters and state "
	  "alone: it looks at them twice. Of a call that ended in the last hour: from its last "
	  "counters, or, after a restart, from its record. See doctor.md.",
	  "id, ended (cause, sip_status, talk_ms; of a call that is over) and findings, none when "
	  "all is well: code, is (fault, state or note), leg (a, b), line, sentence, evidence and "
	  "next (what to do); leg and line are null where it is about the call",
	  BY(command_call_doctor) },
	{ "call.hangup", COMMAND_FOR_APPLICATION, g_call_args, "Ends a call.", "id",
	  BY(command_call_hangup), .own = "call", .needs = NEEDS_CALL_CONTROL },
	{ "call.originate", COMMAND_FOR_APPLICATION, g_originate_args,
	  "Makes a call: rings from's phone (the one with the highest q, else the newest), and "
	  "when it has answered all phones of "
	  "to, or its application, as if from had called: it is one of its calls "
	  "(quotas.extension), and a number outside is one that from may call. not_allowed: it "
	  "may not, or may not show that number. The id follows from the command's id: "
	  "the same command again "
	  "names the same call.",
	  "id", BY(command_call_originate), .own = "from",
	  .own_args = "to,caller_id,auto_answer,ring_s", .needs = NEEDS_CALL_CONTROL },
	{ "call.answer", COMMAND_FOR_APPLICATION, g_answer_args,
	  "Answers a call that waits for an application, by the node itself: the caller hears what "
	  "call.play plays. A phone that rings for the call is asked to answer: by NOTIFY with "
	  "Event: talk where the Allow-Events of its 180 names talk. Else it is rung again, once, "
	  "with Alert-Info and Answer-Mode: Auto; a phone that knows neither rings on. conflict: "
	  "the call waits for no application and nobody rings, the phone was rung again before, "
	  "auto_answer is withheld from it (features_off), or nothing the caller takes can be "
	  "said.",
	  "id, order", BY(command_call_order), .order = ORDER_ANSWER, .own = "call,number",
	  .own_args = "", .own_part = PART_RINGS, .needs = NEEDS_CALL_CONTROL },
	{ "call.keep", COMMAND_FOR_APPLICATION, g_keep_args,
	  "Says that the application is there, as any other order to the call does: away_s "
	  "begins again. Where nobody takes the caller then, nor did so before, the call ends "
	  "(480).",
	  "id, order", BY(command_call_order), .order = ORDER_KEEP },
	{ .name = NULL },
};

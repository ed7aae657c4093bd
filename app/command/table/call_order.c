/* SPDX-License-Identifier: Apache-2.0 */
/* Orders to a call, and where it is parked. */
#include "sig/model/call_order.h"
#include "app/command/table/table.h"
#include "sig/model/account.h"
#include "sig/model/park.h"

#define LEG_ARG(text)                                                                    \
	{                                                                                \
		.name = "leg", .type = ARG_ENUM, .names = g_call_legs, .required = true, \
		.help = (text)                                                           \
	}
#define LEG_CHOICE(what, text)                                                                   \
	{                                                                                        \
		.name = (what), .type = ARG_ENUM, .names = g_call_legs,                          \
		.preset = "none: the caller, answered by tandem; no other party", .help = (text) \
	}

static const struct command_arg g_split_args[] = {
	CALL_ARG,
	{ .name = "leg",
	  .type = ARG_ENUM,
	  .names = g_call_legs,
	  .preset = "b",
	  .help = "Whose party goes to the new call: a is the caller, b whom it speaks with." },
	{ .name = "application",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME,
	  .max = APPLICATION_NAME_MAX - 1,
	  .preset = "that of the call, or none",
	  .help = "Application that has both calls from then on: its stream has their events." },
	END,
};

static const struct command_arg g_park_args[] = {
	CALL_ARG,
	{ .name = "slot",
	  .type = ARG_STRING,
	  .charset = CHARSET_DIGITS,
	  .min = 1,
	  .max = PARK_SLOT_LEN,
	  .preset = "the first free one of the group",
	  .help = "Where the party waits: 1 to 8 digits." },
	{ .name = "group",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME,
	  .min = 1,
	  .max = PARK_GROUP_NAME_MAX - 1,
	  .preset = "the tenant's first one",
	  .help = "In whose first free slot it waits where none is named (park_groups of "
		  "tenant.put)." },
	LEG_CHOICE("leg", "Whose party waits: a is the caller, b whom it speaks with."),
	END,
};

#define SLOT_ARG                                                                                 \
	{                                                                                        \
		.name = "slot", .type = ARG_STRING, .charset = CHARSET_DIGITS, .required = true, \
		.min = 1, .max = PARK_SLOT_LEN, .help = "Where the party waits: 1 to 8 digits."  \
	}

static const struct command_arg g_retrieve_args[] = {
	CALL_ARG,
	SLOT_ARG,
	LEG_CHOICE("leg", "Who is to speak with it: a is the caller, b whom it speaks with."),
	END,
};

static const struct command_arg g_hold_args[] = {
	CALL_ARG,
	LEG_ARG("Whose party holds the other: a is the caller, b whom it speaks with."),
	END,
};

static const struct command_arg g_hold_switch_args[] = {
	CALL_ARG,
	LEG_ARG("Whose party holds the other: a is the caller, b whom it speaks with."),
	ON_ARG("false: the hold ends, as by call.resume."),
	END,
};

static const struct command_arg g_mute_args[] = {
	CALL_ARG,
	LEG_ARG("Whose party is not heard: a is the caller, b whom it speaks with."),
	{ .name = "on", .type = ARG_BOOL, .required = true, .help = "false: it is heard again." },
	END,
};

/* In the order of enum record_to. */
static const char *const g_record_places[] = { "files", "siprec", NULL };

static const struct command_arg g_record_args[] = {
	CALL_ARG,
	LEG_ARG("Whose party is recorded, with all that it hears: a is the caller, b whom it "
		"speaks with."),
	{ .name = "state",
	  .type = ARG_ENUM,
	  .names = g_record_states,
	  .required = true,
	  .help = "on: begin, or go on; pause: what is said from now on is in no file; resume; "
		  "off: the file is finished. on=true and on=false are the same as on and off." },
	{ .name = "to",
	  .type = ARG_ENUM,
	  .names = g_record_places,
	  .help = "With on=true, where it goes: files of the node, or siprec, the external "
		  "recorder of the setting siprec.address. Without it: as record_to of the "
		  "extension." },
	END,
};

static const struct command_arg g_account_args[] = {
	CALL_ARG,
	{ .name = "code",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME,
	  .max = ACCOUNT_CODE_MAX,
	  .help = "In place of what it has. Empty, or without it: none." },
	END,
};

static const struct command_arg g_transfer_args[] = {
	CALL_ARG,
	LEG_CHOICE("leg", "Whose party gives the other one away: a is the caller, b whom it speaks "
			  "with."),
	PARTY_ARG("to", CHARSET_DIALLED, "Extension that it is given to, or a link to it."),
	RING_ARG("So long is rung in all, wherever calls to it go: then nobody has answered."),
	END,
};

static const struct command_arg g_deflect_args[] = {
	CALL_ARG,
	PARTY_ARG("to", CHARSET_DIALLED, "Extension that it goes on to, or a link to it."),
	END,
};

static const struct command_arg g_pickup_args[] = {
	PARTY_ARG("extension", CHARSET_DIALLED, "Extension where the call rings, or a link to it."),
	PARTY_ARG("by", CHARSET_DIALLED, "Extension whose phones are to ring for it, or a link."),
	CALL_OR_NONE("That call alone; else the one that rings longest."),
	END,
};

static const struct command_arg g_reject_args[] = {
	CALL_ARG,
	{ .name = "status",
	  .type = ARG_U64,
	  .min = 400,
	  .max = 699,
	  .preset = "486",
	  .help = "What the caller hears: 480 (not there), 486 (busy), 603 (does not want it) or "
		  "another that a callee may give, so none as 401, 407, 420 or 503." },
	{ .name = "reason",
	  .type = ARG_STRING,
	  .charset = CHARSET_TEXT,
	  .min = 1,
	  .max = ORDER_PHRASE_MAX,
	  .preset = "that of RFC 3261",
	  .help = "Words beside the status, which many phones show." },
	END,
};

static const struct command_arg g_join_args[] = {
	CALL_ARG,
	OTHER_CALL_ARG("with", true,
		       "Id of the call that becomes one with it, and ends: 13 characters."),
	LEG_CHOICE("leg", "Whose party stays in the call: a is the caller, b whom it speaks with."),
	LEG_CHOICE("with_leg", "Whose party of the other one comes."),
	END,
};

static const struct command_arg g_list_args[] = {
	SPAN_ARGS("Only calls that this number parked, or whose parked party it is.",
		  "were parked"),
	LIMIT_ARG,
	END,
};

static const struct command_arg g_dtmf_args[] = {
	CALL_ARG,
	LEG_ARG("To whose party they go: a is the caller, b whom it speaks with."),
	{ .name = "digits",
	  .type = ARG_STRING,
	  .charset = CHARSET_DIGITS,
	  .required = true,
	  .min = 1,
	  .max = 32,
	  .help = "Sent one after the other." },
	{ .name = "duration_ms",
	  .type = ARG_U64,
	  .min = 40,
	  .max = 6000,
	  .preset = "120",
	  .help = "How long each sounds." },
	END,
};

const struct command g_call_order_commands[] = {
	{ "call.split", COMMAND_FOR_APPLICATION, g_split_args,
	  "Makes two calls of one: each party of an established call goes on, answered by tandem, "
	  "with no other party. One stays, the other goes to a new call, whose id follows from the "
	  "command's id. Each hears hold music, or with an application nothing, until call.play. "
	  "What one held of the other ends. The event call.split tells of both calls.",
	  "id: of the new call", BY(command_call_split) },
	{ "call.park", COMMAND_FOR_APPLICATION, g_park_args,
	  "Lets a party of an established call wait in a slot, answered by tandem, with no other "
	  "party. It hears hold music, and tandem hangs up on the other one. A party that has no "
	  "other one already needs no leg. Slots are the tenant's, on all nodes: those of its "
	  "park_groups, or without any all that one names. Answered when it waits there and that "
	  "is saved; conflict: another call does, or all slots of the group are taken, and the "
	  "call is as it was. The event call.parked tells of it, and call.retrieved when somebody "
	  "speaks with the party (call.retrieve).",
	  "id, order, slot", BY(command_call_park) },
	{ "call.retrieve", COMMAND_FOR_APPLICATION, g_retrieve_args,
	  "Lets a party of an established call, or a caller that is answered by tandem, with no "
	  "other party, speak with who waits in the slot, as call.join does. Tandem hangs up on "
	  "the other one. not_found: nobody waits there. Of two that retrieve at once one is "
	  "answered so, or hears it by call.transfer_failed. The event call.retrieved tells that "
	  "the slot is free.",
	  "id, order", BY(command_call_retrieve) },
	{ "call.hold", COMMAND_FOR_APPLICATION, g_hold_switch_args,
	  "Holds a party of an established call for the other one. It is offered a=sendonly and no "
	  "media goes either way, until call.resume, or until the holder's own phone offers to go "
	  "on. "
	  "The event call.held tells that it is so.",
	  "id, order", BY(command_call_order), .order = ORDER_HOLD, .off = "call.resume" },
	{ "call.resume", COMMAND_FOR_APPLICATION, g_hold_args,
	  "Ends what call.hold did. A phone that holds by itself is asked to go on (NOTIFY with "
	  "Event: talk) where its Allow-Events names talk; call.resumed is not published for that. "
	  "Where it does not: conflict, and the hold ends at the phone.",
	  "id, order", BY(command_call_order), .order = ORDER_RESUME },
	{ "call.mute", COMMAND_FOR_APPLICATION, g_mute_args,
	  "Keeps one party of an established call from being heard, or lets it be heard again. No "
	  "phone is told.",
	  "id, order", BY(command_call_order), .order = ORDER_MUTE },
	{ "call.record", COMMAND_FOR_APPLICATION, g_record_args,
	  "Records a party of an established call whose extension has record=on_demand: on and "
	  "off. Its party may do the same by in-call codes (call_codes in the node file), and on "
	  "its record page (extension.page). What a policy records can be paused, and not ended. "
	  "The events call.recording and "
	  "those behind it tell what becomes of it, call.show what is recorded.",
	  "id, order", BY(command_call_order), .order = ORDER_RECORD },
	{ "call.account_code", COMMAND_FOR_APPLICATION, g_account_args,
	  "Says what the cost of a call is for: its account code, which goes where the call goes, "
	  "and stands in its CDRs, in events, and beside its recordings. A call that is recorded "
	  "has it, too, unless recordings.account_code says otherwise. Its parties may press one "
	  "(call_codes.account in the node file, and account_code of extension.put).",
	  "id, order", BY(command_call_order), .order = ORDER_ACCOUNT },
	{ "call.transfer", COMMAND_FOR_APPLICATION, g_transfer_args,
	  "Gives a party of an established call to an extension, as if the phone of the other one "
	  "had sent REFER: it hears ringback, then whoever answers. Tandem hangs up on the other "
	  "one then, which gets its party back where nobody answers. A caller that is answered by "
	  "tandem, with no other party goes on to the extension, and is its application's again "
	  "where nobody answers. Answered when it is saved; the events call.transferred and "
	  "call.transfer_failed tell what becomes of it.",
	  "id, order", BY(command_call_transfer) },
	{ "call.transfer_cancel", COMMAND_FOR_APPLICATION, g_call_args,
	  "Calls a transfer off that has not been answered: it stops ringing there, and the call "
	  "is as before. The event call.transfer_failed tells of it, with sip_status 487. "
	  "conflict: none rings.",
	  "id, order", BY(command_call_order), .order = ORDER_CANCEL },
	{ "call.deflect", COMMAND_FOR_APPLICATION, g_deflect_args,
	  "Sends a call that rings, or waits for an application, on to an extension: phones that "
	  "ring stop, and the phones of that one ring, or its calls go where it sends them. Who is "
	  "rung is told so by Diversion and History-Info. Where nobody can be rung, where the "
	  "extension was rung for the call before, or the call is answered: conflict, and the call "
	  "is as it was. The event call.forwarded tells where it goes.",
	  "id, order", BY(command_call_order), .order = ORDER_DEFLECT },
	{ "call.pickup", COMMAND_FOR_APPLICATION, g_pickup_args,
	  "Lets the call that rings longest at an extension ring at another one, which wants to "
	  "take it, and at the first one no more. The two need a pick-up group together "
	  "(pickup_groups of extension.put): conflict. not_found: no call rings there, on "
	  "any node that answers within 0.3 s. Else as call.deflect; the event call.forwarded has "
	  "the reason "
	  "pickup.",
	  "id, order", BY(command_call_pickup) },
	{ "call.accept", COMMAND_FOR_APPLICATION, g_call_args,
	  "Lets a call ring that waits while its extension has another one (call_waiting of "
	  "extension.put, the event call.call_waiting). A phone that takes it holds the first "
	  "one. conflict: the call does not wait.",
	  "id, order", BY(command_call_order), .order = ORDER_ACCEPT },
	{ "call.reject", COMMAND_FOR_APPLICATION, g_reject_args,
	  "Refuses a call that rings, or waits for an application: phones that ring stop, the "
	  "caller hears the status, and the call goes on to nobody else. A caller that is up "
	  "already, because it is called by command or was given away, hears the tone for it and "
	  "is hung up, or goes back to whom it was given away by. conflict: it is answered, or "
	  "does not ring. The event call.ended has the status.",
	  "id, order", BY(command_call_order), .order = ORDER_REJECT },
	{ "call.join", COMMAND_FOR_APPLICATION, g_join_args,
	  "Makes one call of two that are established: of each one party stays, or a caller that "
	  "is answered by tandem, with no other party. Tandem hangs up on the other one. The call "
	  "goes on, with ends. Answered when it is saved that it is to be, which a kill does not "
	  "undo; the events call.transferred and call.transfer_failed tell what becomes of it. "
	  "Where the two have no codec in common one of them is asked for those of the other "
	  "(re-INVITE); when neither takes them call.transfer_failed says 488, and both calls go "
	  "on as they were. Of two shards of the node both calls go on, as one conversation.",
	  "id, order", BY(command_call_join) },
	{ .name = NULL },
};

const struct command g_call_slot_commands[] = {
	{ "park.list", COMMAND_FOR_READER, g_list_args,
	  "Lists the slots where calls of the tenant are parked, on all nodes, the newest first.",
	  "a list: slot, call (null: what is there cannot be read), by (who parked it), party (who "
	  "is parked), since_utc_ms",
	  BY(command_park_list) },
	{ .name = NULL },
};

const struct command g_call_digits_commands[] = {
	{ "call.dtmf", COMMAND_FOR_APPLICATION, g_dtmf_args,
	  "Sends digits to a party of an established call: as telephone-events in the media (RFC "
	  "4733), or by INFO or as tones where it takes none.",
	  "id, order", BY(command_call_order), .order = ORDER_DIGITS },
	{ .name = NULL },
};

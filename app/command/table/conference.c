/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the command table for conferences and their members, with help for tandemctl and OpenAPI.
 * command_conference.c has the handlers; the names of "what" are in the order of enum
 * shard_room_act. */

#include "app/command/commands.h"
#include "app/command/table/table.h"
#include "app/live/live.h"
#include "sig/call/prompts.h"
#include "sig/model/call_order.h"
#include "sig/shard/shard.h"

#define CONFERENCE_ARG ID_ARG("conference", "Id of the conference: 13 characters.")
#define MEMBER_BY_ARG                                                                            \
	U64_ARG("by", 1, UINT16_MAX, "nobody",                                                   \
		"Number of the member that does it. Only the host, and the member that invited " \
		"another one, may do everything.")
#define MEMBER_CALL_ARG ID_ARG("call", "Id of the member's call: 13 characters.")
#define RUNG_ARG(needed)                                                  \
	TEXT_ARG("to", CHARSET_NUMBER, 1, 63, (needed) ? NULL : "nobody", \
		 "Extension that is rung, by its best phone.", .required = (needed))

static const struct command_arg g_conferences_args[] = {
	SPAN_ARGS("Only those of the room with this number.", "began"),
	LIMIT_ARG,
	NODE_ARG,
	END,
};
static const struct command_arg g_conference_args[] = { CONFERENCE_ARG, END };
static const struct command_arg g_conference_order_args[] = { CONFERENCE_ARG, MEMBER_BY_ARG, END };
static const struct command_arg g_conference_invite_args[] = {
	CONFERENCE_ARG,
	RUNG_ARG(true),
	MEMBER_BY_ARG,
	BOOL_ARG("muted", "false", "It comes in muted: it hears the others, and is not heard."),
	BOOL_ARG("auto_answer", "false",
		 "Ask its phone to answer by itself: Alert-Info with info=alert-autoanswer."),
	END,
};
static const struct command_arg g_conference_join_args[] = {
	CONFERENCE_ARG,
	OTHER_CALL_ARG("call", true, "Id of a call of the same shard."),
	END,
};
static const struct command_arg g_conference_add_args[] = {
	CALL_ARG,
	LEG_OR_NONE("In a call of two: the party that becomes host. a is the caller, b the other "
		    "party."),
	OTHER_CALL_ARG("with", false, "Id of the other call."),
	RUNG_ARG(false),
	TEXT_ARG(
		"endpoint", CHARSET_NAME, 1, ROOM_STREAM_MAX - 1, "none",
		"A name in live.endpoints: an application that hears both parties of the call, and "
		"is heard by both."),
	END,
};
static const char *const g_conference_modes[] = { "listen", "coach", "barge", "take_over", NULL };
static const struct command_arg g_conference_monitor_args[] = {
	CALL_ARG,
	LEG_OR_NONE("Party that is coached, and is the host. a is the caller, b the other party."),
	ENUM_ARG("mode", g_conference_modes, NULL, "What the extension may do in the call.",
		 .required = true),
	RUNG_ARG(true),
	BOOL_ARG("told", "false", "A tone tells both parties when it comes and when it goes."),
	END,
};
static const struct command_arg g_conference_member_args[] = { MEMBER_CALL_ARG, MEMBER_BY_ARG,
							       END };
static const struct command_arg g_conference_switch_args[] = {
	MEMBER_CALL_ARG,
	MEMBER_BY_ARG,
	ON_ARG("false: as it was before."),
	END,
};
static const struct command_arg g_conference_switch_all_args[] = {
	CONFERENCE_ARG,
	MEMBER_BY_ARG,
	ON_ARG("false: as it was before."),
	END,
};
static const struct command_arg g_conference_deaf_args[] = {
	MEMBER_CALL_ARG,
	MEMBER_BY_ARG,
	BOOL_ARG("on", NULL, "Whether it is deaf.", .required = true),
	END,
};
static const struct command_arg g_conference_gain_args[] = {
	MEMBER_CALL_ARG,
	MEMBER_BY_ARG,
	TEXT_ARG("db", CHARSET_TEXT, 1, 3, NULL, "Decibels, from -15 to 15; 0: as it comes.",
		 .required = true),
	END,
};
static const struct command_arg g_conference_coach_args[] = {
	MEMBER_CALL_ARG,
	MEMBER_BY_ARG,
	U64_ARG("member", 0, UINT16_MAX, NULL,
		"Number of the member that alone hears it; 0: all do.", .required = true),
	END,
};

#undef FIELD_OF
#define FIELD_OF struct room_play
static const struct command_arg g_conference_play_args[] = {
	CONFERENCE_ARG,
	FILE_ARG(true, "Files as of call.play, at most 4, with commas between them."),
	TIMES_ARG,
	MEMBER_BY_ARG,
	END,
};
static const struct command_arg g_conference_stream_args[] = {
	CONFERENCE_ARG,
	ENDPOINT_ARG,
	MEMBER_BY_ARG,
	END,
};
/* In the order of enum shard_room_act. */
static const char *const g_conference_stops[] = { "play", "stream", NULL };
static const struct command_arg g_conference_stop_args[] = {
	CONFERENCE_ARG,
	ENUM_ARG("what", g_conference_stops, NULL, "What is to end.", .required = true),
	MEMBER_BY_ARG,
	END,
};
static const struct command_arg g_conference_record_args[] = {
	CONFERENCE_ARG,
	ENUM_ARG("state", g_record_states, NULL,
		 "on begins a recording, or goes on with a paused one; off ends it. on=true and "
		 "on=false are the same as on and off.",
		 .required = true),
	MEMBER_BY_ARG,
	END,
};

const struct command g_conference_commands[] = {
	{ "conference.list", COMMAND_FOR_READER, g_conferences_args,
	  "Lists the conferences of a node, the newest first. conference.get tells who is in one.",
	  "a list: id, kind (ad_hoc: of calls; room: of a number), tenant, number, members, asking "
	  "(number of parties that are rung for it, or have not given the PIN), host (a member; 0: "
	  "none), locked, max_members, created_utc_ms, saved, mixed, apart (Redis has not said "
	  "whether the number is open on another node, too), recording (its number; 0: none), "
	  "recording_paused, plays (the file of conference.play), stream (the endpoint of "
	  "conference.stream)",
	  BY(command_conference_list),
	  LISTS("id", "created_utc_ms", true,
		"kind,number,members,asking,host,locked,max_members,created_utc_ms,saved,mixed,"
		"apart,recording,recording_paused,plays,stream") },
	{ "conference.get", COMMAND_FOR_READER, g_conference_args, "Shows a conference.",
	  "as conference.list, and list: of each member its number (member), call, from, state "
	  "(there; comes: it is rung, or has not said the PIN; away: somebody else is rung for "
	  "it), inviter (a member; 0: none), host, muted, deaf, held, coaches (the member that "
	  "alone hears it; 0: all do), gain_db, monitors, joined_utc_ms",
	  BY(command_conference_get) },
	{ "conference.add", COMMAND_FOR_APPLICATION, g_conference_add_args,
	  "Makes a conference of two calls, of a call and an extension that is rung, or of a call "
	  "and an application (endpoint), until that has ended its stream. Each party goes on in a "
	  "call of its own, which is in the conference: it is held, muted or dropped by that "
	  "call's id. A party of both calls leaves the second one. Where call is in a conference, "
	  "with or to joins that. Until the extension answers, and if it does not, the call is as "
	  "it was. When two members are left, they are a call of two again, without a conference "
	  "(conferences.release). Answered when the new members are saved; conference.joined tells "
	  "of each.",
	  "id: of the conference", BY(command_conference_add), .own = "call,with",
	  .own_args = "to,leg", .needs = NEEDS_CONFERENCE },
	{ "conference.invite", COMMAND_FOR_APPLICATION, g_conference_invite_args,
	  "Rings an extension. When it answers, it is in the conference at once.",
	  "id: of the conference", BY(command_conference_invite) },
	{ "conference.join", COMMAND_FOR_APPLICATION, g_conference_join_args,
	  "The parties of a call come into a conference, each in a call of its own. A party that "
	  "is answered by tandem, with no other party comes as it is.",
	  "id: of the conference", BY(command_conference_join) },
	{ "conference.monitor", COMMAND_FOR_APPLICATION, g_conference_monitor_args,
	  "Rings an extension that is to monitor a call of two. It listens, or coaches the party "
	  "of leg: the other party does not hear it. With barge both hear it, as by "
	  "conference.add. With take_over the party of leg is hung up as soon as the extension "
	  "answers, and the other one speaks with that. When it leaves the two have their call "
	  "again, and when one of them does it is hung up, too. An extension that is in the call "
	  "already is not rung: the mode changes.",
	  "id: of the conference", BY(command_conference_monitor) },
	{ "conference.drop", COMMAND_FOR_APPLICATION, g_conference_member_args,
	  "Hangs up a member.", "id: of the call", BY(command_conference_member),
	  .order = CONFERENCE_ORDER(MEMBER_DROP, 1) },
	{ "conference.mute", COMMAND_FOR_APPLICATION, g_conference_switch_args,
	  "Nobody hears a member.", "id, order", BY(command_conference_member),
	  .order = CONFERENCE_ORDER(MEMBER_MUTE, 1), .off = "conference.unmute" },
	{ "conference.unmute", COMMAND_FOR_APPLICATION, g_conference_member_args,
	  "Unmutes a member: conference.mute on=false.", "id, order", BY(command_conference_member),
	  .order = CONFERENCE_ORDER(MEMBER_MUTE, 0) },
	{ "conference.hold", COMMAND_FOR_APPLICATION, g_conference_switch_args,
	  "A member hears hold music, and nobody hears it; the others go on.", "id, order",
	  BY(command_conference_member), .order = CONFERENCE_ORDER(MEMBER_HOLD, 1),
	  .off = "conference.resume" },
	{ "conference.resume", COMMAND_FOR_APPLICATION, g_conference_member_args,
	  "Takes a member off hold: conference.hold on=false.", "id, order",
	  BY(command_conference_member), .order = CONFERENCE_ORDER(MEMBER_HOLD, 0) },
	{ "conference.deaf", COMMAND_FOR_APPLICATION, g_conference_deaf_args,
	  "A member hears nobody, or all again.", "id, order", BY(command_conference_member),
	  .order = CONFERENCE_ORDER(MEMBER_DEAF, 1) },
	{ "conference.gain", COMMAND_FOR_APPLICATION, g_conference_gain_args,
	  "How loud others hear a member.", "id, order", BY(command_conference_member),
	  .order = CONFERENCE_ORDER(MEMBER_GAIN, 1) },
	{ "conference.coach", COMMAND_FOR_APPLICATION, g_conference_coach_args,
	  "A member is heard by one other alone, or by all again.", "id, order",
	  BY(command_conference_member), .order = CONFERENCE_ORDER(MEMBER_COACH, 1) },
	{ "conference.host", COMMAND_FOR_APPLICATION, g_conference_member_args,
	  "A member is the host from now on.", "id, order", BY(command_conference_member),
	  .order = CONFERENCE_ORDER(MEMBER_HOST, 1) },
	{ "conference.mute_all", COMMAND_FOR_APPLICATION, g_conference_switch_all_args,
	  "Mutes each member but the host, as conference.mute. With by, only members that this one "
	  "may mute: for the host all but itself, for others the members that it invited (none: "
	  "not_allowed). Members that join later are heard.",
	  "id: of the conference", BY(command_conference_order), .order = SHARD_ROOM_MUTE,
	  .off = "conference.unmute_all" },
	{ "conference.unmute_all", COMMAND_FOR_APPLICATION, g_conference_order_args,
	  "conference.unmute of the same members.", "id: of the conference",
	  BY(command_conference_order), .order = SHARD_ROOM_UNMUTE },
	{ "conference.hold_all", COMMAND_FOR_APPLICATION, g_conference_switch_all_args,
	  "conference.hold of the same members.", "id: of the conference",
	  BY(command_conference_order), .order = SHARD_ROOM_HOLD, .off = "conference.resume_all" },
	{ "conference.resume_all", COMMAND_FOR_APPLICATION, g_conference_order_args,
	  "conference.resume of the same members.", "id: of the conference",
	  BY(command_conference_order), .order = SHARD_ROOM_RESUME },
	{ "conference.lock", COMMAND_FOR_APPLICATION, g_conference_switch_all_args,
	  "Nobody joins by calling its number. Invited extensions still join.",
	  "id: of the conference", BY(command_conference_order), .order = SHARD_ROOM_LOCK,
	  .off = "conference.unlock" },
	{ "conference.unlock", COMMAND_FOR_APPLICATION, g_conference_order_args,
	  "Ends what conference.lock did: conference.lock on=false.", "id: of the conference",
	  BY(command_conference_order), .order = SHARD_ROOM_UNLOCK },
	{ "conference.end", COMMAND_FOR_APPLICATION, g_conference_order_args,
	  "Hangs up all its members.", "id: of the conference", BY(command_conference_order),
	  .order = SHARD_ROOM_END },
	{ "conference.play", COMMAND_FOR_APPLICATION, g_conference_play_args,
	  "Plays files to all in the conference, who still hear each other, in place of files that "
	  "this command played before. A conference where nobody speaks hears them, too. "
	  "conference.played tells that it is over. After a kill of the node they go on where they "
	  "would be by then.",
	  "id: of the conference", BY(command_conference_play) },
	{ "conference.stream", COMMAND_FOR_APPLICATION, g_conference_stream_args,
	  "An application hears all that is said in the conference, and all hear what it says, in "
	  "place of the one before. See live-audio.md. conference.stream_ended tells that it is "
	  "over.",
	  "id: of the conference", BY(command_conference_stream) },
	{ "conference.stop", COMMAND_FOR_APPLICATION, g_conference_stop_args,
	  "Ends what conference.play or conference.stream began.", "id: of the conference",
	  BY(command_conference_stop) },
	{ "conference.record", COMMAND_FOR_APPLICATION, g_conference_record_args,
	  "Records what is said in the conference: one file with all members that are heard. Of a "
	  "room as record of room.put allows it, of a conference of calls as that of the host's "
	  "extension does (on_demand). See recording.md.",
	  "id: of the conference", BY(command_conference_record) },
	{ .name = NULL },
};

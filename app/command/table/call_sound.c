/* SPDX-License-Identifier: Apache-2.0 */
/* What a party of a call hears, says and keys in. */
#include "app/command/table/table.h"
#include "app/live/live.h"
#include "sig/call/act.h"

static const struct command_arg g_play_args[] = {
	CALL_ARG,
	FILE_ARG(true, "Files in media.sounds (WAV, or Opus in Ogg), at most 4, with commas "
		       "between them."),
	TIMES_ARG,
	{ .name = "interruptible",
	  .type = ARG_BOOL,
	  .preset = "false",
	  .help = "A key of the caller ends it." },
	END,
};

static const char *const g_controls[] = {
	"place", "pause", "resume", "forward", "back", "to", NULL
};

static const struct command_arg g_control_args[] = {
	CALL_ARG,
	{ .name = "action",
	  .type = ARG_ENUM,
	  .names = g_controls,
	  .required = true,
	  .help = "pause, resume; forward, back: by ms; to: the place ms; place: nothing, but says "
		  "where it is." },
	{ .name = "ms",
	  .type = ARG_U64,
	  .min = 0,
	  .max = ACT_PLACE_MAX_MS,
	  .preset = "0",
	  .help = "So much, or the place from the beginning of the file." },
	END,
};

/* In the order of enum listen_sides. */
static const char *const g_stream_sides[] = { "said", "heard", "both", NULL };

static const struct command_arg g_stream_args[] = {
	CALL_ARG,
	ENDPOINT_ARG,
	LEG_OR_NONE(
		"Of a call of two: whose party it hears beside their talk, without a word of its "
		"own. a is the caller, b whom it speaks with."),
	{ .name = "hear",
	  .type = ARG_ENUM,
	  .names = g_stream_sides,
	  .preset = "both",
	  .help = "With leg: what its party says, what that party hears, or both as two "
		  "channels." },
	END,
};

static const struct command_arg g_stop_args[] = {
	CALL_ARG,
	LEG_OR_NONE("The application that hears that party does so no longer (call.stream)."),
	END,
};

static const struct command_arg g_collect_args[] = {
	CALL_ARG,
	{ .name = "min",
	  .type = ARG_U64,
	  .min = 0,
	  .max = ACT_DIGITS_MAX,
	  .preset = "1",
	  .help = "Fewer keys are reported as short." },
	{ .name = "max",
	  .type = ARG_U64,
	  .min = 1,
	  .max = ACT_DIGITS_MAX,
	  .preset = "16",
	  .help = "After so many keys it is over. At most ivr.max_digits, which it is when it is "
		  "not given." },
	{ .name = "first_ms",
	  .type = ARG_U64,
	  .min = 100,
	  .max = ACT_WAIT_MAX_MS,
	  .preset = "5000",
	  .help = "How long the first key is waited for, behind what is played." },
	{ .name = "inter_ms",
	  .type = ARG_U64,
	  .min = 100,
	  .max = ACT_WAIT_MAX_MS,
	  .preset = "3000",
	  .help = "How long each further key is waited for." },
	{ .name = "terminators",
	  .type = ARG_STRING,
	  .charset = CHARSET_DIGITS,
	  .min = 0,
	  .max = ACT_DIGITS_MAX,
	  .preset = "#",
	  .help = "Keys that end it, and are not among those that are reported." },
	{ .name = "tag",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME,
	  .min = 3,
	  .max = CALL_TAG_MAX,
	  .preset = "none",
	  .help = "TAB.FIELD, such as Case.CaseNumber: what was pressed becomes data of the call, "
		  "which goes where the call goes, and is in its events and its call detail "
		  "records. Not for secrets." },
	{ .name = "tries",
	  .type = ARG_U64,
	  .min = 1,
	  .max = ACT_TRIES_MAX,
	  .preset = "1",
	  .help = "So often the files are played and keys are waited for, while fewer than min "
		  "come." },
	FILE_ARG(false, "Files that are played before, as of call.play."),
	END,
};

static const struct command_arg g_message_args[] = {
	CALL_ARG,
	{ .name = "beep",
	  .type = ARG_BOOL,
	  .preset = "true",
	  .help = "The party hears a beep before." },
	{ .name = "max_ms",
	  .type = ARG_U64,
	  .min = 1000,
	  .max = ACT_MESSAGE_MAX_MS,
	  .preset = "120000",
	  .help = "It ends after so long." },
	{ .name = "silence_ms",
	  .type = ARG_U64,
	  .min = 0,
	  .max = ACT_SILENCE_MAX_MS,
	  .preset = "3000",
	  .help = "It ends when nothing was said for so long; 0: silence does not end it." },
	{ .name = "min_ms",
	  .type = ARG_U64,
	  .min = 0,
	  .max = ACT_MESSAGE_MAX_MS,
	  .preset = "0",
	  .help = "Less is reported as short." },
	{ .name = "terminators",
	  .type = ARG_STRING,
	  .charset = CHARSET_DIGITS,
	  .min = 0,
	  .max = ACT_DIGITS_MAX,
	  .preset = "#",
	  .help = "Keys that end it. Others do nothing." },
	MAILBOX_ARG("The mailbox that it lies in when it is finished (recording.list mailbox)."),
	FILE_ARG(false, "Files that are played before, as of call.play. A key skips them."),
	END,
};

const struct command g_call_sound_commands[] = {
	{ "call.play", COMMAND_FOR_APPLICATION, g_play_args,
	  "Plays files of media.sounds to a party that is answered by tandem, with no other party "
	  "(call.answer, call.split), in place of what was played or collected. After a restart "
	  "the file that was played goes on, with its last two seconds again. The event "
	  "call.played tells its end. prompt:NAME is said in the language of the party's extension "
	  "or tenant, and digits:KEYS key by key. recording:CALL-NUMBER is a message "
	  "(call.record_message) of the tenant, beep what is heard before one. In place of a file "
	  "echo lets the party hear itself, in any codec, keys of RFC 4733 too, without an end; "
	  "echo-2000 2,000 ms later (100 to 5000), without keys. tone-dial, tone-ringback, "
	  "tone-busy, tone-congestion, tone-information and tone-confirmation are the tones of "
	  "media.tones, without an end.",
	  "id, order", BY(command_call_play) },
	{ "call.play_control", COMMAND_FOR_APPLICATION, g_control_args,
	  "Pauses what call.play or call.collect plays, goes on with it, or goes to another place "
	  "of the file. A pause lasts until resume. Behind its end a file is over. After a restart "
	  "it goes on about there.",
	  "id, order; play: file, place_ms, paused, when that is saved; without play it is over",
	  BY(command_call_play_control) },
	{ "call.stream", COMMAND_FOR_APPLICATION, g_stream_args,
	  "Lets an application speak with a party that is answered by tandem, with no other party "
	  "(call.answer, call.split), in place of what was played or collected: the node connects "
	  "to the endpoint's WebSocket, and sound goes both ways (guides/live-audio.md). The event "
	  "call.played tells its end: end (the application said so), failed (it could not be "
	  "reached, or was gone for live.give_up), stopped or hangup. It lasts until call.stop, "
	  "and a node that was killed connects again. As a file of call.play or call.collect: "
	  "live-ENDPOINT. With leg an application hears a party that speaks with another one, in "
	  "place of who heard the call before; the events call.stream_started, call.stream_ended "
	  "and call.stream_failed tell what becomes of it.",
	  "id, order", BY(command_call_stream) },
	{ "call.stop", COMMAND_FOR_APPLICATION, g_stop_args,
	  "Ends what call.play, call.stream, call.collect or call.record_message asked for; with "
	  "leg, that an application hears that party. conflict: none does.",
	  "id, order", BY(command_call_stop) },
	{ "call.collect", COMMAND_FOR_APPLICATION, g_collect_args,
	  "Collects keys of a party that is answered by tandem, with no other party, in place of "
	  "what was played or collected: those of RFC 4733 and of INFO. A key ends what it plays, "
	  "and counts. The event call.collected has them, in the stream of the call's application "
	  "alone. A call that has none: conflict. As the last file tone-dial is heard until the "
	  "first key, for first_ms at most.",
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

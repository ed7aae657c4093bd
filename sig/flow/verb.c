/* SPDX-License-Identifier: Apache-2.0 */
/* The table of verbs. Its texts are docs/flows.md, so each is a sentence. */
#include "sig/flow/program.h"

const char *const g_flow_outcomes[] = {
	[OUTCOME_NEXT] = "next",           [OUTCOME_ELSE] = "else",
	[OUTCOME_TIMEOUT] = "timeout",     [OUTCOME_INVALID] = "invalid",
	[OUTCOME_FAILED] = "failed",       [OUTCOME_BUSY] = "busy",
	[OUTCOME_NO_ANSWER] = "no_answer", [OUTCOME_REJECTED] = "rejected",
	[OUTCOME_FULL] = "full",           [OUTCOME_NONE] = "none",
	[OUTCOME_CLOSED] = "closed",       [FLOW_OUTCOMES] = NULL,
};

#define ON(outcome) (1 << OUTCOME_##outcome)

enum { SECOND = 1000 };

#define ARG(what, type_, least, most, text, ...)                                                \
	{                                                                                       \
		.name = (what), .type = (type_), .min = (least), .max = (most), .help = (text), \
		__VA_ARGS__                                                                     \
	}
#define MUST .required = true
#define TEXT(what, form_, most, text, ...) \
	ARG(what, ARG_IS_TEXT, 1, most, text, .form = (form_), __VA_ARGS__)
#define PROMPTS(what, text, ...) \
	ARG(what, ARG_IS_TEXTS, 1, 16, text, .form = FORM_NAME, .kind = "prompt", __VA_ARGS__)
#define NUMBER(what, least, most, preset_, text) \
	ARG(what, ARG_IS_NUMBER, least, most, text, .preset = (preset_))
#define SECONDS(what, least, most, preset_, text) \
	ARG(what, ARG_IS_SECONDS, least, most, text, .preset = (preset_))
#define YES_NO(what, preset_, text) ARG(what, ARG_IS_BOOL, 0, 1, text, .preset = (preset_))
#define WORD(what, words_, text)    ARG(what, ARG_IS_WORD, 0, 0, text, .words = (words_))
#define MAP(what, form_, least, text, ...) \
	ARG(what, ARG_IS_MAP, least, 16, text, .form = (form_), __VA_ARGS__)
#define MAY .required = false

static const struct verb_arg g_answer_args[] = { { 0 } };

static const struct verb_arg g_play_args[] = {
	PROMPTS("prompt", "Prompts, one after the other. They may lack where message is given.",
		MAY),
	TEXT("message", FORM_NAME, 32,
	     "A message, or another recording, that is played behind them.", MAY),
	YES_NO("first", false, "The first of them that is there is played, and no other."),
	NUMBER("loop", 1, 1000, 1, "How often all of them are played."),
	TEXT("stop_keys", FORM_KEYS, 16, "Keys that end it. Without them no key does.", MAY),
	ARG("controls", ARG_IS_TEXT, 3, 3,
	    "Three keys: 5 seconds back, pause (and on), 5 seconds forward.", .form = FORM_KEYS),
	{ 0 },
};

static const char *const g_say_words[] = { "text",   "number",  "date", "time",
					   "amount", "letters", NULL };

static const struct verb_arg g_say_args[] = {
	TEXT("text", FORM_ANY, VERB_TEXT_MAX, "What is said.", MUST),
	WORD("as", g_say_words,
	     "What it is: text is for the speech engine, all else is said by prompts."),
	TEXT("language", FORM_NAME, 16, "Its language, such as en or de-CH; else that of the call.",
	     MAY),
	TEXT("voice", FORM_NAME, 64, "A voice of the speech engine.", MAY),
	TEXT("stop_keys", FORM_KEYS, 16, "Keys that end it. Without them no key does.", MAY),
	{ 0 },
};

static const struct verb_arg g_gather_args[] = {
	PROMPTS("prompt", "Prompts that are played before, one after the other.", MAY),
	PROMPTS("again", "Prompts in their place from the second try on.", MAY),
	TEXT("say", FORM_ANY, VERB_TEXT_MAX, "A text that is said behind the prompts.", MAY),
	WORD("say_as", g_say_words, "What that is, as of say."),
	NUMBER("min", 1, 64, 1, "Fewer digits are invalid."),
	NUMBER("max", 1, 64, 16, "How many digits end it."),
	ARG("terminators", ARG_IS_TEXT, 0, 16, "Keys that end it, and are not among the digits.",
	    .form = FORM_KEYS, .preset_text = "#"),
	SECONDS("first_s", SECOND / 10, 600 * SECOND, 5 * SECOND,
		"How long the first digit is awaited, after what is played."),
	SECONDS("digit_s", SECOND / 10, 600 * SECOND, 3 * SECOND,
		"How long each further digit is awaited."),
	NUMBER("tries", 1, 10, 1, "How often the caller is asked, while nothing valid comes."),
	YES_NO("barge_in", true, "A digit ends what is played."),
	ARG("dial_tone", ARG_IS_TEXT, 0, 8,
	    "The dial tone, until a digit comes; once more behind these, as behind an access code.",
	    .form = FORM_KEYS),
	TEXT("into", FORM_VARIABLE, VARIABLE_NAME_MAX, "The variable that has the digits.", MAY,
	     .preset_text = "digits"),
	TEXT("tag", FORM_TAG, 40, "A tag of the call that has them, too.", MAY),
	YES_NO("secret", false, "The digits are in no log, event, tag or record that can be read."),
	{ 0 },
};

static const struct verb_arg g_record_args[] = {
	PROMPTS("prompt", "Prompts that are played before.", MAY),
	TEXT("mailbox", FORM_TARGET, 63,
	     "The recording is a message in that mailbox: a draft, until message says what becomes "
	     "of it, or the call ends. Then it is dropped where the caller has logged in to that "
	     "mailbox, else sent.",
	     MAY, .kind = "mailbox"),
	YES_NO("beep", true, "The caller hears a beep before."),
	SECONDS("max_s", SECOND, 3600 * SECOND, 120 * SECOND, "How long the recording may last."),
	SECONDS("silence_s", 0, 60 * SECOND, 5 * SECOND,
		"How long a silence ends it; 0: none does."),
	SECONDS("min_s", 0, 600 * SECOND, SECOND, "Less is nothing: the branch timeout."),
	ARG("terminators", ARG_IS_TEXT, 0, 16, "Keys that end it.", .form = FORM_KEYS,
	    .preset_text = "#"),
	TEXT("into", FORM_VARIABLE, VARIABLE_NAME_MAX,
	     "The variable that has the name of the recording.", MAY, .preset_text = "recording"),
	{ 0 },
};

static const struct verb_arg g_tag_args[] = {
	MAP("tags", FORM_TAG, 1, "Values by TAB.FIELD.", MUST),
	{ 0 },
};

static const struct verb_arg g_set_args[] = {
	MAP("variables", FORM_VARIABLE, 1,
	    "Values by name, made before any is set. An empty one deletes the variable.", MUST),
	{ 0 },
};

static const struct verb_arg g_match_args[] = {
	ARG("value", ARG_IS_TEXT, 0, VERB_TEXT_MAX,
	    "What is compared with the keys of on: mostly a name in braces.", MUST),
	{ 0 },
};

static const struct verb_arg g_hours_args[] = {
	TEXT("name", FORM_NAME, 64, "The calendar.", MUST, .kind = "hours"),
	{ 0 },
};

static const struct verb_arg g_pause_args[] = {
	ARG("seconds", ARG_IS_SECONDS, SECOND / 10, 600 * SECOND, "How long.", MUST),
	{ 0 },
};

static const struct verb_arg g_reject_args[] = {
	NUMBER("status", 400, 699, 603, "The SIP status that the caller hears."),
	TEXT("reason", FORM_LINE, 64, "Words beside the status, which many phones show.", MAY),
	{ 0 },
};

static const struct verb_arg g_hangup_args[] = {
	TEXT("reason", FORM_LINE, 64, "Why, in the Reason header of BYE.", MAY),
	{ 0 },
};

static const struct verb_arg g_redirect_args[] = {
	TEXT("to", FORM_FLOW, 70, "flow:NAME. Variables and tags stay.", MUST, .kind = "flow"),
	{ 0 },
};

static const struct verb_arg g_box_args[] = {
	TEXT("box", FORM_TARGET, 63, "The mailbox: the number of an extension, or another name.",
	     MUST, .kind = "mailbox"),
	{ 0 },
};

static const struct verb_arg g_refer_args[] = {
	TEXT("to", FORM_TARGET, 256,
	     "A number or a SIP URI, which the caller's side is to call itself.", MUST),
	SECONDS("timeout_s", SECOND, 600 * SECOND, 60 * SECOND,
		"How long it may take until that has answered."),
	{ 0 },
};

static const struct verb_arg g_dtmf_args[] = {
	TEXT("digits", FORM_KEYS, 32, "Sent one after the other.", MUST),
	NUMBER("duration_ms", 40, 6000, 120, "How long each sounds."),
	{ 0 },
};

static const struct verb_arg g_park_args[] = {
	TEXT("slot", FORM_KEYS, 8, "The slot; else the first free one of the group.", MAY),
	TEXT("group", FORM_NAME, 31, "The group of slots; else the tenant's first one.", MAY),
	SECONDS("timeout_s", SECOND, 86400 * SECOND, 300 * SECOND,
		"How long the caller waits to be picked up."),
	{ 0 },
};

static const struct verb_arg g_queue_args[] = {
	TEXT("name", FORM_NAME, 31, "The queue.", MUST, .kind = "queue"),
	NUMBER("priority", 0, 10, 0, "In place of the queue's own; the largest is first."),
	SECONDS("max_wait_s", SECOND, 86400 * SECOND, 0,
		"How long the caller waits, in place of what the queue says."),
	ARG("keys", ARG_IS_TEXT, 0, 16, "Keys by which the caller leaves: those of on.",
	    .form = FORM_KEYS),
	{ 0 },
};

static const struct verb_arg g_callback_args[] = {
	TEXT("queue", FORM_NAME, 31, "The queue; else the one that the caller was in.", MAY,
	     .kind = "queue"),
	TEXT("number", FORM_TARGET, 31,
	     "The number that is called, where the queue lets callers key one; else the caller's.",
	     MAY),
	TEXT("from", FORM_KEYS, 16,
	     "From when on, each day: two digits of the hour and two of the minute.", MAY),
	TEXT("until", FORM_KEYS, 16, "Until when. Equal to from: at any time.", MAY),
	{ 0 },
};

static const struct verb_arg g_pickup_args[] = {
	TEXT("target", FORM_TARGET, 63,
	     "An extension that rings, or a slot in which somebody is parked.", MUST,
	     .kind = "number"),
	{ 0 },
};

static const struct verb_arg g_conference_args[] = {
	TEXT("name", FORM_ROOM, 63, "The conference.", MUST),
	YES_NO("muted", false, "The caller only listens."),
	YES_NO("beep", false, "Members hear who comes and leaves."),
	YES_NO("moderator", false, "The caller may moderate."),
	NUMBER("max", 0, 1000, 0, "Members at most; 0: as many as the room may have."),
	{ 0 },
};

static const char *const g_hear_words[] = { "said", "heard", "both", NULL };

static const struct verb_arg g_stream_args[] = {
	TEXT("endpoint", FORM_NAME, 31, "A name in live.endpoints that is for the tenant.", MUST),
	WORD("hear", g_hear_words,
	     "What the application hears. Said: it speaks with the caller. Heard: what the caller "
	     "hears, and both: what he says, too, through the verbs that follow."),
	{ 0 },
};

static const struct verb_arg g_notify_args[] = {
	TEXT("event", FORM_NAME, 64, "The name of the event that applications are told.", MUST),
	MAP("data", FORM_VARIABLE, 0, "Values by name, which the event has.", MAY),
	{ 0 },
};

static const char *const g_dial_words[] = { "together",     "in_turn",  "rotating", "random",
					    "longest_idle", "weighted", NULL };

static const char *const g_confirm_words[] = { "all", "outside", NULL };

static const struct verb_arg g_dial_args[] = {
	ARG("to", ARG_IS_TEXTS, 1, 20, "Numbers, SIP URIs or group:NAME.", .form = FORM_TARGET,
	    MUST, .kind = "number"),
	WORD("how", g_dial_words, "In which order they ring."),
	NUMBER("rings", 1, 60, 6, "How long each rings, in rings of five seconds."),
	SECONDS("ring_s", SECOND, 600 * SECOND, 0,
		"The same in seconds; it takes the place of rings."),
	SECONDS("total_s", SECOND, 3600 * SECOND, 180 * SECOND, "How long they ring in all."),
	SECONDS("limit_s", SECOND, 86400 * SECOND, 0, "How long the conversation may last."),
	TEXT("caller_id", FORM_TARGET, 256,
	     "The number that they see, where the caller may show it.", MAY),
	YES_NO("skip_busy", false, "Callees with a call are not rung."),
	YES_NO("forwards", false,
	       "Forwards to mailboxes and other automatic answers count. Those of a single number "
	       "always do."),
	YES_NO("decline_ends", false,
	       "A callee who declines (6xx) ends the ringing of all, and not of his own phones "
	       "alone."),
	PROMPTS("whisper", "Prompts that the callee hears before they are connected.", MAY),
	PROMPTS("confirm",
		"As whisper, until a key is pressed: so a voicemail does not take the call.", MAY),
	TEXT("confirm_keys", FORM_KEYS, 16, "The keys that do it; else any.", MAY),
	WORD("confirm_for", g_confirm_words,
	     "Callees that are asked: all, or numbers outside alone."),
	PROMPTS("announce", "Prompts that both hear before they are connected.", MAY),
	YES_NO("video", true, "Video is offered where the caller has it."),
	{ 0 },
};

static const struct verb_arg g_directory_args[] = {
	TEXT("keys", FORM_KEYS, 16, "Keys of the first letters of a name, such as {digits}.", MUST),
	YES_NO("confirm", false, "The name is said also where it is the only match."),
	SECONDS("first_s", SECOND / 10, 600 * SECOND, 5 * SECOND,
		"How long a key is awaited, after all are named."),
	TEXT("into", FORM_VARIABLE, VARIABLE_NAME_MAX, "The variable that has the number.", MAY,
	     .preset_text = "number"),
	{ 0 },
};

static const char *const g_message_words[] = { "count",    "send",    "drop",   "urgent",
					       "normal",   "private", "first",  "next",
					       "previous", "save",    "delete", "undelete",
					       "forward",  NULL };

const char *const g_verb_variables[] = { "new",       "old",         "urgent",      "message",
					 "from",      "date",        "time",        "inside",
					 "is_urgent", "is_private",  "until",       "notify",
					 "notify_to", "notify_when", "notify_from", "notify_until",
					 NULL };

static const struct verb_arg g_message_args[] = {
	WORD("do", g_message_words,
	     "What is done. Count: how many are in the box, in new, old and urgent. Send: what was "
	     "recorded is a message now, and safe. Drop: it is thrown away. Urgent, normal, "
	     "private: it is marked so. First, next, previous: a message of a list, urgent ones "
	     "before others, and what is known of it: message, from, inside (that is an "
	     "extension), date, time, is_urgent, is_private. Save: it is old. Delete; undelete, "
	     "within 7 days. Forward: it is in others, too, and safe. These need a login."),
	TEXT("box", FORM_TARGET, 63, "The mailbox: the number of an extension, or another name.",
	     MUST, .kind = "mailbox"),
	TEXT("message", FORM_NAME, 16,
	     "The message: what record gave, or a list. Count and first need none.", MAY),
	TEXT("of", FORM_NAME, 16,
	     "The list that first, next and previous look at: new, old or deleted.", MAY,
	     .preset_text = "new"),
	TEXT("to", FORM_ANY, 255,
	     "Forward: extensions, or groups by name, joined by ','. A private message is not "
	     "forwarded.",
	     MAY),
	TEXT("introduction", FORM_NAME, 16,
	     "Forward: what record gave for the same box; it is heard before the message.", MAY),
	{ 0 },
};

static const struct verb_arg g_login_args[] = {
	TEXT("box", FORM_TARGET, 63, "The mailbox: the number of its extension.", MUST,
	     .kind = "mailbox"),
	TEXT("pin", FORM_KEYS, 16,
	     "Its PIN. Without one its own phone is let in, where the tenant lets it.", MAY),
	{ 0 },
};

static const struct verb_arg g_pin_args[] = {
	TEXT("box", FORM_TARGET, 63, "The mailbox that the caller has logged in to.", MUST),
	TEXT("pin", FORM_KEYS, 16, "Its PIN from now on: 4 to 16 digits.", MUST),
	TEXT("again", FORM_KEYS, 16, "What the caller has keyed when he was asked once more.", MAY),
	{ 0 },
};

static const struct verb_arg g_greeting_args[] = {
	TEXT("box", FORM_TARGET, 63, "The mailbox that the caller has logged in to.", MUST),
	TEXT("prompt", FORM_NAME, 64, "name-BOX, greeting-BOX or greeting-BOX-WORD.", MUST),
	TEXT("recording", FORM_NAME, 32, "What record gave; without it the prompt is deleted.",
	     MAY),
	YES_NO("keep", false, "Without a recording the prompt stays, and until says until when."),
	TEXT("until", FORM_KEYS, 16,
	     "The last day on which it is there: two digits of the day and two of the month, the "
	     "next such day. Without it, it stays.",
	     MAY),
	{ 0 },
};

static const char *const g_device_words[] = { "login", "logout", NULL };

static const struct verb_arg g_device_args[] = {
	WORD("do", g_device_words, "What becomes of it."),
	TEXT("box", FORM_TARGET, 63, "Login: the extension, which the caller has proven by login.",
	     MAY),
	YES_NO("take", false, "An extension that has one phone is logged out of another."),
	NUMBER("hours", 0, 8760, 0, "The login ends by itself after so many hours. 0: never."),
	{ 0 },
};

static const char *const g_notify_words[] = { "as_it_is", "none", "urgent", "all", NULL };

static const struct verb_arg g_notification_args[] = {
	TEXT("box", FORM_TARGET, 63, "The mailbox that the caller has logged in to.", MUST),
	WORD("which", g_notify_words, "Which new messages are told by a call from now on."),
	TEXT("to", FORM_TARGET, 63, "The number that is called then.", MAY),
	TEXT("from", FORM_KEYS, 16,
	     "From when on, each day: two digits of the hour and two of the minute.", MAY),
	TEXT("until", FORM_KEYS, 16, "Until when. Equal to from: at any time.", MAY),
	{ 0 },
};

static const char *const g_method_words[] = { "post", "get", NULL };

static const struct verb_arg g_http_args[] = {
	TEXT("url", FORM_URL, VERB_TEXT_MAX, "Where the request goes.", MUST),
	TEXT("fallback", FORM_URL, VERB_TEXT_MAX, "Where it goes when that has failed.", MAY),
	WORD("method", g_method_words, "post sends data as JSON, get in the URL."),
	MAP("data", FORM_VARIABLE, 0, "Values by name, beside the facts of the call.", MAY),
	ARG("take", ARG_IS_TEXTS, 1, 16,
	    "Members of the JSON object of the answer that become variables.",
	    .form = FORM_VARIABLE, MAY),
	SECONDS("timeout_s", SECOND / 10, 30 * SECOND, 2 * SECOND,
		"How long each URL has to answer."),
	{ 0 },
};

const struct verb g_flow_verbs[] = {
	{ "answer", g_answer_args, ON(NEXT) | ON(FAILED), 0, 0, 0,
	  "Answers the call. Verbs that play or ask do so by themselves." },
	{ "play", g_play_args, ON(NEXT) | ON(FAILED), 0, 0, VERB_WAITS | VERB_ON | VERB_MAIN,
	  "Plays prompts, or a message. Keys of on are stop keys; next is any other end. "
	  "With first, failed: none is there." },
	{ "say", g_say_args, ON(NEXT) | ON(FAILED), 0, 0, VERB_WAITS | VERB_ON | VERB_MAIN,
	  "Says a text, or a value: a number, a day, a time, an amount of money, or letters. Keys "
	  "of on are stop keys." },
	{ "gather", g_gather_args, ON(NEXT) | ON(TIMEOUT) | ON(INVALID) | ON(FAILED), ON(TIMEOUT),
	  0, VERB_WAITS | VERB_ON | VERB_MAIN,
	  "Asks for digits. Keys of on are digits or patterns of them (x: any digit). Without on "
	  "all digits lead to next." },
	{ "record", g_record_args, ON(NEXT) | ON(NONE) | ON(TIMEOUT) | ON(FAILED), ON(TIMEOUT), 0,
	  VERB_WAITS,
	  "Records what the caller says. None: no key has ended it, but silence or its length; "
	  "without that branch next follows." },
	{ "tag", g_tag_args, ON(NEXT) | ON(FAILED), 0, 0, VERB_DECIDES | VERB_MAIN,
	  "Sets tags of the call, which events, applications and call records have." },
	{ "set", g_set_args, ON(NEXT) | ON(FAILED), 0, 0, VERB_DECIDES | VERB_MAIN,
	  "Sets variables. One that is made of a secret is a secret." },
	{ "match", g_match_args, ON(ELSE), ON(ELSE), 0, VERB_DECIDES | VERB_ON | VERB_MAIN,
	  "Compares a value with the keys of on: texts, or patterns of numbers. The most exact one "
	  "counts." },
	{ "hours", g_hours_args, ON(NEXT) | ON(CLOSED) | ON(FAILED), ON(CLOSED), 0,
	  VERB_DECIDES | VERB_ON | VERB_MAIN,
	  "Looks into a calendar: next when it is open, else closed. Keys of on are its other "
	  "words, such as holiday." },
	{ "pause", g_pause_args, ON(NEXT), 0, 0, VERB_WAITS | VERB_MAIN, "Waits." },
	{ "reject", g_reject_args, 0, 0, 0, VERB_MAIN,
	  "Refuses the call. One that is answered is ended." },
	{ "hangup", g_hangup_args, 0, 0, 0, VERB_MAIN, "Ends the call." },
	{ "redirect", g_redirect_args, ON(FAILED), 0, 0, VERB_DECIDES | VERB_MAIN,
	  "Goes on with another flow, which takes the place of this one." },
	{ "voicemail", g_box_args, ON(FAILED), 0, 0, VERB_DECIDES | VERB_MAIN,
	  "Goes on with the flow voicemail of the tenant, else of the node. Its variable box is "
	  "the mailbox." },
	{ "mailbox", g_box_args, ON(FAILED), 0, 0, VERB_DECIDES | VERB_MAIN,
	  "Goes on with the flow mailbox of the tenant, else of the node: the menu of box, "
	  "behind its PIN." },
	{ "refer", g_refer_args, ON(NEXT) | ON(REJECTED) | ON(TIMEOUT) | ON(FAILED), 0,
	  ON(REJECTED) | ON(FAILED), VERB_MAIN,
	  "Has the caller's side call somebody else (REFER). Without next the call ends when that "
	  "has answered." },
	{ "dtmf", g_dtmf_args, ON(NEXT) | ON(FAILED), 0, 0, VERB_WAITS | VERB_MAIN,
	  "Sends digits." },
	{ "park", g_park_args, ON(TIMEOUT) | ON(FULL) | ON(FAILED), ON(TIMEOUT), ON(FULL),
	  VERB_WAITS | VERB_MAIN,
	  "Leaves the caller in a slot, until somebody picks the call up." },
	{ "queue", g_queue_args, ON(NEXT) | ON(TIMEOUT) | ON(FULL) | ON(NONE) | ON(FAILED),
	  ON(TIMEOUT), ON(FULL) | ON(NONE), VERB_WAITS | VERB_ON | VERB_MAIN,
	  "Has the caller wait in a queue, with music, until an agent takes the call. Full: as "
	  "many wait as may; none: no agent is logged in, and the queue says that nobody waits "
	  "then. Keys of on lead away; next comes when they have spoken." },
	{ "callback", g_callback_args, ON(NEXT) | ON(INVALID) | ON(FULL) | ON(FAILED), 0,
	  ON(FULL) | ON(FAILED), VERB_MAIN,
	  "Has the caller called back when it is his turn in a queue. He keeps the place that he "
	  "had there. Invalid: a time is not valid. Full: the queue, or the "
	  "number, has as many callbacks as may be. Failed: the number may not be called, or the "
	  "queue calls nobody back." },
	{ "pickup", g_pickup_args, ON(NEXT) | ON(NONE) | ON(FAILED), 0, ON(NONE),
	  VERB_WAITS | VERB_MAIN,
	  "Connects the caller with a call that rings elsewhere, or is parked. Next comes when "
	  "they have spoken." },
	{ "conference", g_conference_args, ON(NEXT) | ON(FULL) | ON(FAILED), 0, 0,
	  VERB_WAITS | VERB_MAIN, "Joins a conference. Next comes when it is over." },
	{ "stream", g_stream_args, ON(NEXT) | ON(FAILED), 0, 0, VERB_WAITS | VERB_MAIN,
	  "Lets an application speak with the caller, or hear him, by WebSocket." },
	{ "notify", g_notify_args, ON(NEXT) | ON(FAILED), 0, 0, VERB_MAIN,
	  "Tells applications an event." },
	{ "dial", g_dial_args, ON(NEXT) | ON(BUSY) | ON(NO_ANSWER) | ON(REJECTED) | ON(FAILED), 0,
	  ON(BUSY) | ON(NO_ANSWER), VERB_WAITS | VERB_MAIN,
	  "Calls numbers, and connects the caller with the callee who answers. Next comes when "
	  "they have spoken." },
	{ "directory", g_directory_args, ON(NEXT) | ON(TIMEOUT) | ON(NONE) | ON(FAILED),
	  ON(TIMEOUT) | ON(NONE), 0, VERB_WAITS | VERB_MAIN,
	  "Finds an extension by the name that was keyed. Where several have such a name, they are "
	  "named, and the caller presses a key for one." },
	{ "message", g_message_args, ON(NEXT) | ON(NONE) | ON(FULL) | ON(FAILED), 0,
	  ON(NONE) | ON(FAILED), VERB_VARIABLES,
	  "Does something with a message in a mailbox. None: it is not there. Full: the mailbox "
	  "may have no more. Failed: nothing is known of the mailbox now, and nothing may have "
	  "been done." },
	{ "login", g_login_args, ON(NEXT) | ON(NONE) | ON(INVALID) | ON(REJECTED) | ON(FAILED),
	  ON(INVALID) | ON(REJECTED), 0, VERB_MAIN,
	  "Lets the caller hear a mailbox. None: its own phone, and it has no PIN yet. Invalid: "
	  "the PIN is wrong, or one is needed. Rejected: after wrong ones he has to wait." },
	{ "pin", g_pin_args, ON(NEXT) | ON(INVALID) | ON(FAILED), 0, ON(INVALID) | ON(FAILED), 0,
	  "Changes the PIN of a mailbox. Invalid: it is no PIN, or not what was keyed again." },
	{ "device", g_device_args, ON(NEXT) | ON(NONE) | ON(FULL) | ON(FAILED), 0,
	  ON(NONE) | ON(FULL) | ON(FAILED), 0,
	  "Logs an extension in at the phone that calls, or out. The phone fetches other files "
	  "then, and is that extension's. None: it is no device with a password of its own. Full: "
	  "the extension has one phone, and is logged in at another." },
	{ "greeting", g_greeting_args, ON(NEXT) | ON(INVALID) | ON(FAILED), 0, ON(FAILED),
	  VERB_VARIABLES,
	  "Puts what was recorded in place of a greeting, or a name, of a mailbox. The variable "
	  "until is then the date of the last day on which it is there, and empty where it stays. "
	  "Invalid: until is no day. Failed: also where no prompt is there." },
	{ "notification", g_notification_args, ON(NEXT) | ON(INVALID) | ON(FAILED), 0, ON(FAILED),
	  VERB_VARIABLES,
	  "How the owner of a mailbox is called when a message is new: the given fields are "
	  "changed. Variables say how it is then: notify (none, urgent, all), notify_to, "
	  "notify_when. That is any, hours (opening hours), or day: from notify_from until "
	  "notify_until. Invalid: a time is not valid, or from another phone a number outside." },
	{ "http", g_http_args, ON(NEXT) | ON(TIMEOUT) | ON(FAILED), 0, ON(FAILED), VERB_MAIN,
	  "Asks a web server. An object in its answer gives variables, a list of verbs takes the "
	  "place of this flow." },
	{ 0 },
};

size_t word_index(const char *const *words, const char *word)
{
	size_t i = 0;

	while (words[i] && strcmp(words[i], word) != 0)
		i++;
	return i;
}

const struct verb_arg *verb_arg_find(const struct verb *verb, const char *name)
{
	for (const struct verb_arg *arg = verb->args; arg->name; arg++) {
		if (!strcmp(arg->name, name))
			return arg;
	}
	return NULL;
}

/* Behind a dot at the end of a name anything follows; N stands for a number above 0. */
const struct flow_fact g_flow_facts[] = {
	{ "caller", "the caller's number" },
	{ "caller_name", "the caller's name" },
	{ "called", "the number that was called" },
	{ "called.last.N",
	  "its last digits, as many as N says: called.last.4, of a number of a pattern" },
	{ "caller.e164", "the caller's number in the form of E.164, of calls by trunks" },
	{ "called.e164", "likewise the number that a trunk called" },
	{ "trunk", "the trunk that the call came by; empty: a phone of the tenant called" },
	{ "language", "the language of the call, such as en or de-CH" },
	{ "call", "the id of the call" },
	{ "tenant", "the tenant" },
	{ "time.date", "the day in the tenant's time zone (tenant.put), such as 2027-01-31" },
	{ "time.weekday", "mon, tue, wed, thu, fri, sat or sun" },
	{ "time.hour", "00 to 23" },
	{ "time.minute", "00 to 59" },
	{ "tag.", "a tag of the call: tag.Case.Number" },
	{ "diverted", "why the callee before sent the call here: always, busy, no_answer, "
		      "unreachable, deflection; empty: none did" },
	{ "diverted_by", "the callee before, who sent it here" },
	{ "presence.",
	  "the presence of an extension, as said by hand, by a phone, a calendar or do "
	  "not disturb: presence.1001; or of the number that was called: "
	  "presence.called; or of the mailbox in the variable box: presence.box" },
	{ "header.", "a header of the INVITE, named by x_headers of the trunk or node: "
		     "header.X-Customer; or header.User-to-User" },
	{ 0 },
};

bool fact_is(struct bytes name)
{
	uint32_t number;

	for (const struct flow_fact *f = g_flow_facts; f->name; f++) {
		size_t n = strlen(f->name);

		if (f->name[n - 1] == 'N' &&
		    bytes_eq(bytes_sub(name, 0, n - 1), bytes_mem(f->name, n - 1)))
			return !bytes_u32(bytes_from(name, n - 1), &number) && number;
		if (bytes_starts(name, f->name) && (name.n == n || f->name[n - 1] == '.'))
			return name.n > n || f->name[n - 1] != '.';
	}
	return false;
}

/* ---- texts ---- */

#define DIGITS "0123456789"
#define SMALL  "abcdefghijklmnopqrstuvwxyz"
#define NAMES  SMALL "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS

/* And at least one. */
static bool has_only(struct bytes text, const char *octets)
{
	size_t i = 0;

	while (i < text.n && text.p[i] && strchr(octets, text.p[i]))
		i++;
	return i && i == text.n;
}

bool variable_name_is(struct bytes name)
{
	return name.n <= VARIABLE_NAME_MAX && has_only(name, SMALL DIGITS "_") &&
	       !strchr(DIGITS, name.p[0]);
}

static bool has_control(struct bytes text)
{
	size_t i = 0;

	while (i < text.n && text.p[i] >= ' ' && text.p[i] != 0x7f)
		i++;
	return i < text.n;
}

static bool tag_is(struct bytes text)
{
	size_t dot = bytes_find(text, '.');

	return text.n <= 40 && dot < text.n && has_only(bytes_sub(text, 0, dot), NAMES "_-") &&
	       has_only(bytes_from(text, dot + 1), NAMES "_-");
}

/* With one of the schemes, and something behind it that stays within the brackets of a header. */
static bool uri_is(struct bytes text, const char *const *schemes)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] <= ' ' || text.p[i] >= 0x7f || strchr("<>\"", text.p[i]))
			return false;
	}
	while (*schemes && !(bytes_starts(text, *schemes) && text.n > strlen(*schemes)))
		schemes++;
	return *schemes;
}

const char *form_wrong(enum arg_form form, struct bytes text)
{
	static const char *const sip[] = { "sip:", "sips:", NULL }, *const web[] = {
		"https://", "http://", "wss://", "ws://", NULL
	};

	switch (form) {
	case FORM_ANY:
		return NULL;
	case FORM_LINE:
		return has_control(text) ? "has no control characters" : NULL;
	case FORM_NAME:
		return has_only(text, NAMES "._-") ? NULL : "has letters, digits and . _ - alone";
	case FORM_ROOM:
		return form_wrong(FORM_NAME,
				  bytes_starts(text, "page:") ? bytes_from(text, 5) : text);
	case FORM_KEYS:
		return !text.n || has_only(text, DIGITS "*#ABCD") ? NULL : "has 0-9 * # A-D alone";
	case FORM_VARIABLE:
		return variable_name_is(text) ? NULL : "is a name of a-z, 0-9, _, no digit first";
	case FORM_TAG:
		return tag_is(text) ? NULL : "is TAB.FIELD, of letters, digits, _ and -";
	case FORM_TARGET:
		if (bytes_starts(text, "group:"))
			return form_wrong(FORM_NAME, bytes_from(text, strlen("group:")));
		return uri_is(text, sip) || has_only(text, NAMES "+*#._-")
			       ? NULL
			       : "is a number, a SIP URI or group:NAME";
	case FORM_URL:
		return uri_is(text, web) ? NULL : "is a URL of http, https, ws or wss";
	case FORM_FLOW:
		return bytes_starts(text, "flow:") && has_only(bytes_from(text, 5), NAMES "._-")
			       ? NULL
			       : "is flow:NAME";
	}
	return NULL;
}

const char *form_part_wrong(enum arg_form form, struct bytes part)
{
	static const char *const any[] = { "", NULL };

	switch (form) {
	case FORM_ANY:
	case FORM_VARIABLE:
		return NULL;
	case FORM_LINE:
	case FORM_NAME:
	case FORM_KEYS:
		return form_wrong(form, part);
	case FORM_ROOM:
	case FORM_TAG:
		return form_wrong(FORM_NAME, part);
	case FORM_TARGET:
	case FORM_URL:
	case FORM_FLOW:
		return uri_is(part, any) ? NULL : form_wrong(form, part);
	}
	return NULL;
}

struct bytes piece_name(struct bytes piece, uint32_t *width)
{
	size_t end = bytes_find(piece, ':');

	*width = 0;
	if (end < piece.n &&
	    (bytes_u32(bytes_from(piece, end + 1), width) || *width > PIECE_WIDTH_MAX))
		return (struct bytes){ 0 };
	return bytes_sub(piece, 0, end);
}

enum text_piece text_piece_cut(struct bytes *rest, struct bytes *out)
{
	size_t brace = bytes_find(*rest, '{'), end;
	uint32_t width;

	if (!rest->n)
		return PIECE_END;
	if (brace || rest->n == 1 || rest->p[1] == '{') {
		*out = bytes_sub(*rest, 0, brace ? brace : 1);
		if (!brace && rest->n == 1)
			return PIECE_WRONG;
		*rest = bytes_from(*rest, brace ? brace : 2);
		return PIECE_LITERAL;
	}
	end = bytes_find(*rest, '}');
	*out = bytes_sub(*rest, 1, end - 1);
	if (end == rest->n || !has_only(piece_name(*out, &width), NAMES "._-"))
		return PIECE_WRONG;
	*rest = bytes_from(*rest, end + 1);
	return PIECE_NAME;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a node has seen: messages, phones, who watches them, and calls that are over. */
#include "app/command/table/table.h"

static const struct command_arg g_sip_args[] = {
	CALL_OR_NONE("Only the dialogs of this call, also when it is over."),
	SPAN_ARGS("Only dialogs whose messages name this user.", "passed"),
	{ .name = "limit",
	  .type = ARG_U64,
	  .min = 1,
	  .max = 500,
	  .preset = "50",
	  .help = "Most messages in the answer, the newest ones." },
	NODE_ARG,
	END,
};

static const struct command_arg g_why_args[] = {
	CALL_OR_NONE("Only this call, also when it is over."),
	SPAN_ARGS("Only dialogs whose messages name this user.", "came"),
	{ .name = "limit",
	  .type = ARG_U64,
	  .min = 1,
	  .max = 500,
	  .preset = "20",
	  .help = "Most entries in the answer, the newest ones." },
	NODE_ARG,
	END,
};

static const struct command_arg g_security_args[] = {
	{ .name = "type",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME,
	  .min = 1,
	  .max = 31,
	  .help = "Only events of this type." },
	SPAN_ARGS("Only events of this user.", "came"),
	{ .name = "source",
	  .type = ARG_STRING,
	  .charset = CHARSET_TEXT,
	  .min = 1,
	  .max = 63,
	  .help = "Only events whose source begins so: an address, or one with its port." },
	LIMIT_ARG,
	END,
};

static const struct command_arg g_registration_args[] = {
	SPAN_ARGS("Only this extension.", "registered, or did so again,"),
	LIMIT_ARG,
	NODE_ARG,
	END,
};

static const struct command_arg g_subscription_args[] = {
	SPAN_ARGS("Only those of this extension, and those that watch it.", "began"),
	LIMIT_ARG,
	NODE_ARG,
	END,
};

static const struct command_arg g_subscription_end_args[] = {
	ID_ARG("id", "Id of the subscription, as subscription.list shows it."),
	{ .name = "reason",
	  .type = ARG_ENUM,
	  .names = g_subscription_endings,
	  .preset = "deactivated",
	  .help = "What its phone hears (RFC 6665 4.1.3). deactivated: it may subscribe again at "
		  "once; probation: in a minute; giveup: some time; rejected, noresource: not "
		  "again." },
	END,
};

static const struct command_arg g_cdr_args[] = {
	SPAN_ARGS("Only those from or to this number, among the newest 1000 of that time.",
		  "ended"),
	LIMIT_ARG,
	CALL_OR_NONE("Only this call, if it is among the newest 1000 of that time."),
	END,
};

const struct command g_look_commands[] = {
	{ "sip.recent", COMMAND_FOR_OPERATOR, g_sip_args,
	  "Shows the newest SIP messages, without secrets, also of calls that were refused: of a "
	  "call, "
	  "of a number, or all.",
	  "a list, newest first: utc_ms, sent, transport, local, remote, reason (of a refusal by "
	  "the node), message",
	  BY(command_sip_recent), .transient = true },
	{ "call.why", COMMAND_FOR_OPERATOR, g_why_args,
	  "Says why calls, registrations and other requests were refused lately: by the node, or "
	  "by "
	  "the other party. Of a call also how it ended. Looks at the messages of sip.recent, and "
	  "of "
	  "a call at its records. Of a call without any fault it says so.",
	  "a list, newest first: utc_ms, by (node, other; of a record: who ended the call), "
	  "method, "
	  "status, from, to, remote, sip_call_id, reason (as sip.recent has it), sentence and next "
	  "(what to do)",
	  BY(command_call_why), .transient = true },
	{ "security.list", COMMAND_FOR_OPERATOR, g_security_args,
	  "Lists security events of all nodes and tenants: the newest of the stream td:security. "
	  "It looks through 2,000, of the time that since and until say.",
	  "a list, newest first: utc_ms, type, source, user, detail, count (how many such events "
	  "it "
	  "tells of), node",
	  BY(command_security_list), .transient = true },
	{ "registration.list", COMMAND_FOR_READER, g_registration_args,
	  "Lists registered phones, as a node knows them: first who has registered last.",
	  "a list: tenant, number, version, contacts: contact, source, user_agent, "
	  "registered_utc_ms (by its last REGISTER; 0: not known), expires_utc_ms, nat, location "
	  "(0: none)",
	  BY(command_registration_list) },
	{ "subscription.list", COMMAND_FOR_READER, g_subscription_args,
	  "Lists subscriptions of phones at a node (BLF), the newest first: who watches whom.",
	  "a list: id, tenant, number (that watches), watches, trunk (that it came by), event "
	  "(dialog, presence, reg), begun_utc_ms, "
	  "expires_utc_ms, notified (NOTIFYs, counted on over restarts with gaps), source",
	  BY(command_subscription_list) },
	{ "subscription.end", COMMAND_FOR_ADMIN, g_subscription_end_args,
	  "Ends a subscription: its phone hears why in a last NOTIFY.", "id",
	  BY(command_subscription_end) },
	{ "cdr.list", COMMAND_FOR_READER, g_cdr_args,
	  "Lists call detail records, the newest first.",
	  "a list: id, from, to, sip_call_id, setup_utc_ms, ringing_utc_ms, answer_utc_ms, "
	  "end_utc_ms (0: never), talk_ms, "
	  "sip_status, q850, ended_by (a, b, node, operator), cause, lines (beside audio and "
	  "video: words of profile.put), data (what call.collect kept, as TAB.FIELD=KEYS, joined "
	  "by "
	  "';'), account_code, forwarded_to (the extension that the call went on to at "
	  "last) and forwarded (why: always, busy, no_answer, unreachable, deflection), "
	  "from_trunk and to_trunk (of parties that are no phones), and for "
	  "each leg (a_, "
	  "b_) "
	  "packets_in, octets_in, "
	  "packets_out, octets_out, rtcp_in, rtcp_out, dropped, lost, jitter_us, digits, "
	  "source_changes, remote_lost, remote_jitter_us (as it reported by RTCP), rtt_us, codec, "
	  "mos_in_hundredths and mos_out_hundredths (0: not known). A call whose parties changed "
	  "has "
	  "one for each pair: id is that of the call, then ID.2, ID.3 and so on, and linked, in "
	  "each of them, that of the call. Of one that was recorded: recordings, their names. "
	  "findings: what the doctor found at its end, if anything was wrong",
	  BY(command_cdr_list),
	  .columns =
		  "id,from,to,setup_utc_ms,talk_ms,sip_status,ended_by,cause,from_trunk,to_trunk" },
	{ .name = NULL },
};

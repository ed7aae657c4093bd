/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: looks at them, and begins and ends them. */
#include "app/command/table/table.h"
#include "sig/model/call_order.h"

static const struct command_arg g_calls_args[] = {
	SPAN_ARGS("Only those from or to this number.", "began"),
	LIMIT_ARG,
	NODE_ARG,
	{ .name = "application",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME,
	  .min = 1,
	  .max = APPLICATION_NAME_MAX - 1,
	  .help = "Those alone that this application has, or that wait for it." },
	{ .name = "ending",
	  .type = ARG_BOOL,
	  .preset = "false",
	  .help = "true: those as well that have ended and have no record yet." },
	END,
};

static const struct command_arg g_doctor_args[] = {
	CALL_ARG,
	{ .name = "window_ms",
	  .type = ARG_U64,
	  .min = 200,
	  .max = 3000,
	  .preset = "1000",
	  .help = "Time between the two looks at the counters." },
	END,
};

static const struct command_arg g_originate_args[] = {
	PARTY_ARG("from", CHARSET_NUMBER, "Extension whose phone is rung first."),
	PARTY_ARG("to", CHARSET_DIALLED,
		  "Extension that is called then, or a link to it: tel:1002, callto:1002."),
	{ .name = "auto_answer",
	  .type = ARG_BOOL,
	  .preset = "false",
	  .help = "Ask from's phone to answer by itself: Alert-Info with info=alert-autoanswer." },
	RING_ARG("So long each of the two is rung, in all, wherever calls to it go."),
	END,
};

#define AWAY_ARG(unset)                                                                       \
	{                                                                                     \
		.name = "away_s", .type = ARG_U64, .max = CALL_AWAY_MAX_S, .preset = (unset), \
		.help = "When the application gives no order to the call for so long, the"    \
			" caller goes on to forward_no_answer of the extension. 0: never."    \
	}
static const struct command_arg g_answer_args[] = { CALL_ARG, AWAY_ARG("0"), END };
static const struct command_arg g_keep_args[] = { CALL_ARG, AWAY_ARG("unchanged"), END };

const struct command g_call_commands[] = {
	{ "call.list", COMMAND_FOR_READER, g_calls_args,
	  "Lists the calls of a node, the newest first. One that has ended is not among them, from "
	  "the answer of "
	  "call.hangup or the event call.ended on. Until its record is in Redis call.show knows it "
	  "as ending: each party has up to 32 s to acknowledge BYE, and Redis may be away.",
	  "a list: id, state (setup, ringing, answering, established, ending), application (that "
	  "has the call; empty: none), waits (for it, to be answered), from, to, "
	  "setup_utc_ms, answer_utc_ms, saved, "
	  "restored",
	  BY(command_call_list),
	  .columns = "id,state,application,from,to,setup_utc_ms,answer_utc_ms" },
	{ "call.show", COMMAND_FOR_READER, g_call_args,
	  "Shows a call with the live counters of its media flows. A call that ended in the last "
	  "hour: "
	  "its record (as in cdr.list) with state ended, and the last counters of its flows.",
	  "as in call.list, with the SIP Call-IDs, the SIP peers, a and b (transport, srtp: the "
	  "crypto-suite or plain, holds, muted, profile, codecs), recordings (of now: recording, "
	  "leg, state: on or paused, to, cause: policy, command, code, page or message, "
	  "begun_utc_ms), account_code, and flows: leg, line, kind (audio, video, other), proto "
	  "(of its m-line), local, remote (where its media is expected), signalled (by its SDP), "
	  "latched (where it comes from), srtp, payload_type, codec, transcoded_to (the codec in "
	  "which the other party hears it; null: in its own), ssrc_out, ice (off, checking, "
	  "connected, lost), dtls (off, waiting, handshaking, connected, failed), stats "
	  "(icmp_errors: that came back for packets to the party), drops (packets not relayed, by "
	  "reason) and quality: received (of the party) and reported (by its RTCP) with lost, "
	  "loss_percent, jitter_ms, mos, r, and rtt_ms (ice, dtls, stats, drops, quality null: the "
	  "media worker did not answer within 100 ms; what else is null is not known); conference, "
	  "where its party is in one",
	  BY(command_call_show) },
	{ "call.doctor", COMMAND_FOR_READER, g_doctor_args,
	  "Says why a party of a call is not heard, or hears nothing, from counters and state "
	  "alone: "
	  "it looks at them twice. Of a call that ended in the last hour: from its last counters, "
	  "or, after a restart, from its record. See doctor.md.",
	  "id, ended (cause, sip_status, talk_ms; of a call that is over) and findings, none when "
	  "all is well: code, is (fault, state or note), leg (a, b), "
	  "line, "
	  "sentence, evidence and next (what to do); leg and line are null where it is about the "
	  "call",
	  BY(command_call_doctor) },
	{ "call.hangup", COMMAND_FOR_APPLICATION, g_call_args, "Ends a call.", "id",
	  BY(command_call_hangup) },
	{ "call.originate", COMMAND_FOR_APPLICATION, g_originate_args,
	  "Makes a call: rings from's phone (the one with the highest q, else the newest), and "
	  "when it has answered all phones of "
	  "to, or its application, as if from had called: it is one of its calls "
	  "(quotas.extension). The id follows from the command's id: "
	  "the same command again "
	  "names the same call.",
	  "id", BY(command_call_originate) },
	{ "call.answer", COMMAND_FOR_APPLICATION, g_answer_args,
	  "Answers a call that waits for an application, by the node itself: the caller hears "
	  "what call.play plays. conflict: it waits for none, or nothing the caller takes can be "
	  "said.",
	  "id, order", BY(command_call_order), .order = ORDER_ANSWER },
	{ "call.keep", COMMAND_FOR_APPLICATION, g_keep_args,
	  "Says that the application is there, as any other order to the call does: away_s "
	  "begins again. Where nobody takes the caller then, nor did so before, the call ends "
	  "(480).",
	  "id, order", BY(command_call_order), .order = ORDER_KEEP },
	{ .name = NULL },
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns CDRs, events and security events of the core into names and texts, and into JSON for Redis.
 * effects.c writes them, lists and webhooks read them by the same names, and docs/api.md is
 * generated from the tables here. The names are an interface for other programs: members are added,
 * never renamed.
 */

#include <assert.h>
#include <string.h>

#include "app/schema/fields.h"
#include "base/json.h"
#include "cluster/record.h"
#include "media/offer/terms.h"
#include "sig/model/plan.h"
#include "sig/sip/id.h"

/* CALL, and CALL.N of the later pairs. Written to out. */
static struct bytes fields_cdr_id(const struct cdr *cdr, char out[FIELDS_CDR_ID_MAX])
{
	struct writer w = writer_over(out, FIELDS_CDR_ID_MAX);
	char text[ID_TEXT_LEN];

	id_call_put(text, cdr->call);
	writer_mem(&w, text, sizeof(text));
	if (cdr->pair > 1)
		writer_fmt(&w, ".%u", (unsigned)cdr->pair);
	assert(!w.overflow);
	return writer_done(&w);
}

static void cdr_put_in(struct cdrs *out, uint32_t i, const struct cdr *cdr)
{
	struct fields fields;

	if (i)
		out->list[out->count++] =
			(struct store_field){ CDR_ID, fields_cdr_id(cdr, out->ids[i]) };
	fields_of_cdr(&fields, cdr);
	out->list[out->count++] = (struct store_field){ "cdr", fields_json(&fields, out->json[i]) };
}

void cdrs_write(struct cdrs *out, const struct cdr *list, uint32_t n, struct bytes toll,
		struct bytes findings)
{
	assert(n > 0 && n <= CDR_PAIRS_MAX);
	out->count = 0;
	for (uint32_t i = 0; i < n; i++)
		cdr_put_in(out, i, &list[i]);
	if (findings.n)
		out->list[out->count++] = (struct store_field){ CDR_FINDINGS, findings };
	if (toll.n)
		out->list[out->count++] = (struct store_field){ CDR_TOLL, toll };
}

static void add_bytes(struct fields *f, const char *name, struct bytes value)
{
	assert(f->count < FIELDS_MAX && f->used + value.n <= sizeof(f->text));
	if (value.n)
		memcpy(f->text + f->used, value.p, value.n);
	f->is_number[f->count] = false;
	f->list[f->count++] = (struct store_field){ name, bytes_mem(f->text + f->used, value.n) };
	f->used += value.n;
}

static void field_text(struct fields *f, const char *name, const char *value)
{
	add_bytes(f, name, bytes_str(value));
}

static void field_number(struct fields *f, const char *name, uint64_t value)
{
	char text[24];
	struct writer w = writer_over(text, sizeof(text));

	writer_u64(&w, value);
	add_bytes(f, name, writer_done(&w));
	f->is_number[f->count - 1] = true;
}

static void add_call(struct fields *f, const char *name, uint64_t call)
{
	char text[ID_TEXT_LEN];

	id_call_put(text, call);
	add_bytes(f, name, bytes_mem(text, sizeof(text)));
}

static void add_room(struct fields *f, const struct sig_event *event)
{
	if (event->kind == SIG_CONFERENCE_CHANGED && event->call)
		add_call(f, "call", event->call);
	add_call(f, "conference", event->room);
	field_text(f, "number", event->number);
	field_number(f, "member", event->member);
}

/* members: further users that see the mailbox (app/web/events.h). */
static void add_message(struct fields *f, const struct sig_event *event)
{
	field_text(f, "mailbox", event->to);
	field_text(f, "message", event->step);
	field_text(f, "state", event->package ? event->package : "");
	field_text(f, "urgent", event->urgent ? "true" : "false");
	f->is_number[f->count - 1] = true;
	field_number(f, "duration_ms", event->ms);
	field_text(f, "by", event->reason ? event->reason : "");
	add_bytes(f, "members", event->values);
}

/* Its file name. */
static void recording_write(struct writer *w, uint64_t call, unsigned number)
{
	char text[ID_TEXT_LEN];

	id_call_put(text, call);
	writer_mem(w, text, sizeof(text));
	writer_fmt(w, "-%u", number);
}

static void add_recording(struct fields *f, uint64_t call, unsigned number)
{
	char text[ID_TEXT_LEN + 5];
	struct writer w = writer_over(text, sizeof(text));

	recording_write(&w, call, number);
	add_bytes(f, "recording", writer_done(&w));
}

/* All recordings of that pair, in order. */
static void add_recordings(struct fields *f, const struct cdr *cdr)
{
	char text[64 * (ID_TEXT_LEN + 4)];
	struct writer w = writer_over(text, sizeof(text));

	for (unsigned i = 1; i < 64; i++) {
		if (!(cdr->recordings & UINT64_C(1) << i))
			continue;
		if (writer_done(&w).n)
			writer_str(&w, ",");
		recording_write(&w, cdr->call, i);
	}
	assert(!w.overflow);
	if (cdr->recordings)
		add_bytes(f, "recordings", writer_done(&w));
}

static const char *ended_by_name(enum call_ended_by by)
{
	switch (by) {
	case ENDED_BY_A:
		return "a";
	case ENDED_BY_B:
		return "b";
	case ENDED_BY_NODE:
		return "node";
	case ENDED_BY_OPERATOR:
		return "operator";
	}
	return "node";
}

/* empty: also facts that the call lacks. */
static void add_facts(struct fields *f, const struct call_facts *facts, bool empty)
{
	for (const struct call_fact *fact = call_facts; fact->name; fact++) {
		const char *text = (const char *)facts + fact->at;

		if (text[0] || empty)
			field_text(f, fact->name, text);
	}
}

/* Counters of a leg: names for leg a and leg b, and their place. */
static const struct {
	const char *name[2];
	size_t offset;
	bool wide; /* uint64_t */
} g_stats[] = {
#define WIDE(member)                                                                      \
	{                                                                                 \
		{ "a_" #member, "b_" #member }, offsetof(struct flow_stats, member), true \
	}
#define NARROW(member)                                                                     \
	{                                                                                  \
		{ "a_" #member, "b_" #member }, offsetof(struct flow_stats, member), false \
	}
	WIDE(packets_in),
	WIDE(octets_in),
	WIDE(packets_out),
	WIDE(octets_out),
	WIDE(rtcp_in),
	WIDE(rtcp_out),
	WIDE(dropped),
	NARROW(lost),
	NARROW(jitter_us),
	NARROW(digits),
	NARROW(source_changes),
	NARROW(remote_lost),
	NARROW(remote_jitter_us),
	NARROW(rtt_us),
#undef WIDE
#undef NARROW
};

static void add_stats(struct fields *f, const struct flow_stats *stats, size_t leg)
{
	for (size_t i = 0; i < COUNT_OF(g_stats); i++) {
		const uint8_t *at = (const uint8_t *)stats + g_stats[i].offset;
		uint64_t wide;
		uint32_t narrow;

		memcpy(&narrow, at, sizeof(narrow));
		if (g_stats[i].wide) {
			memcpy(&wide, at, sizeof(wide));
		} else {
			wide = narrow;
		}
		field_number(f, g_stats[i].name[leg], wide);
	}
}

static const char *const g_mos[][2] = { { "a_mos_in_hundredths", "a_mos_out_hundredths" },
					{ "b_mos_in_hundredths", "b_mos_out_hundredths" } };

static void sound_field_add(struct fields *f, const struct cdr_sound *sound, size_t leg)
{
	field_text(f, leg ? "b_codec" : "a_codec", sound->codec);
	field_number(f, g_mos[leg][0], sound->mos_in);
	field_number(f, g_mos[leg][1], sound->mos_out);
}

static void add_lines(struct fields *f, uint8_t lines)
{
	static const char *const words[] = {
#define OFFER_LINE(suffix, word, help) word,
#include "media/offer/lines.def"
#undef OFFER_LINE
	};
	char text[64];
	struct writer w = writer_over(text, sizeof(text));

	for (size_t i = 0; i < OFFER_LINES_WORDS; i++) {
		if (lines & 1u << i)
			WRITER_TEXTS(&w, writer_done(&w).n ? " " : "", words[i]);
	}
	assert(!w.overflow);
	add_bytes(f, "lines", writer_done(&w));
}

void fields_of_cdr(struct fields *out, const struct cdr *cdr)
{
	uint64_t talked = cdr->answer_utc_ms && cdr->end_utc_ms > cdr->answer_utc_ms
				  ? cdr->end_utc_ms - cdr->answer_utc_ms
				  : 0;

	out->count = out->used = 0;
	field_text(out, "tenant", cdr->tenant);
	field_text(out, "from", cdr->from);
	field_text(out, "to", cdr->to);
	field_text(out, "sip_call_id", cdr->sip_call_id);
	field_number(out, "setup_utc_ms", cdr->setup_utc_ms);
	field_number(out, "ringing_utc_ms", cdr->ringing_utc_ms);
	field_number(out, "answer_utc_ms", cdr->answer_utc_ms);
	field_number(out, "end_utc_ms", cdr->end_utc_ms);
	field_number(out, "talk_ms", talked);
	field_number(out, "sip_status", cdr->sip_status);
	field_number(out, "q850", cdr->q850);
	field_text(out, "ended_by", ended_by_name(cdr->ended_by));
	field_text(out, "cause", cdr->reason);
	add_lines(out, cdr->lines);
	field_text(out, "forwarded_to", cdr->forwarded_to);
	field_text(out, "forwarded", plan_why_name((enum plan_why)cdr->forwarded));
	field_text(out, "from_trunk", cdr->from_trunk);
	field_text(out, "to_trunk", cdr->to_trunk);
	add_facts(out, &cdr->facts, true);
	add_stats(out, &cdr->a, 0);
	add_stats(out, &cdr->b, 1);
	sound_field_add(out, &cdr->a_sound, 0);
	sound_field_add(out, &cdr->b_sound, 1);
	add_recordings(out, cdr);
	if (cdr->room)
		add_call(out, "conference", cdr->room);
	if (cdr->pairs > 1)
		add_call(out, "linked", cdr->call);
}

bool fields_cdr_is_number(struct bytes name)
{
	static const char *const head[] = { "setup_utc_ms", "ringing_utc_ms", "answer_utc_ms",
					    "end_utc_ms",   "talk_ms",        "sip_status",
					    "q850" };

	for (size_t i = 0; i < COUNT_OF(head); i++) {
		if (bytes_is(name, head[i]))
			return true;
	}
	for (size_t i = 0; i < COUNT_OF(g_stats); i++) {
		if (bytes_is(name, g_stats[i].name[0]) || bytes_is(name, g_stats[i].name[1]))
			return true;
	}
	for (size_t leg = 0; leg < COUNT_OF(g_mos); leg++) {
		if (bytes_is(name, g_mos[leg][0]) || bytes_is(name, g_mos[leg][1]))
			return true;
	}
	return false;
}

enum {
	HAS_CALL = 1,
	HAS_STATUS = 2,
	HAS_LEG = 4,
	HAS_DIGIT = 8,
	HAS_ORDER = 16,
	HAS_OTHER = 32,
	HAS_REASON = 64,
	HAS_TRUNK = 128,
	HAS_SUBSCRIPTION = 256,
	HAS_SLOT = 512,
	HAS_RECORDING = 1024, /* with leg and reason */
	HAS_MESSAGE = 2048,   /* with order */
	HAS_STREAM = 4096,    /* with call, leg and reason */
	HAS_ROOM = 8192,      /* with its number and a member */
	HAS_MIX = 16384,      /* with room: the recording of it */
	HAS_ENDPOINT = 32768,
	HAS_ACCOUNT = 65536, /* with call and leg, also where it is empty */
	HAS_PRESENCE = 131072,
	HAS_STEP = 524288,    /* with verb and by */
	HAS_HTTP = 1048576,   /* step, url, http_status, ms */
	HAS_FROM = 262144,    /* also without a call */
	HAS_VALUES = 2097152, /* with name and visit */
	HAS_BOX = 4194304,    /* a message, with from */
};

static const struct {
	const char *name, *help;
	unsigned has; /* besides type, version and to */
} g_events[SIG_EVENT_KINDS] = {
	[SIG_CALL_NEW] = { "call.new", "A call began.", HAS_CALL },
	[SIG_CALL_RINGING] = { "call.ringing", "The called party rings.", HAS_CALL },
	[SIG_CALL_ANSWERED] = { "call.answered", "The called party answered.", HAS_CALL },
	[SIG_CALL_ENDED] = { "call.ended", "The call is over; sip_status as in its CDR.",
			     HAS_CALL | HAS_STATUS },
	[SIG_CALL_DIGIT] = { "call.digit",
			     "The party of that leg pressed a digit; with sip.digits: shown alone.",
			     HAS_CALL | HAS_LEG | HAS_DIGIT },
	[SIG_CALL_HELD] = { "call.held",
			    "The party of that leg holds the other one, by itself or by command.",
			    HAS_CALL | HAS_LEG },
	[SIG_CALL_RESUMED] = { "call.resumed", "It does no longer.", HAS_CALL | HAS_LEG },
	[SIG_CALL_MUTED] = { "call.muted", "Nobody hears the party of that leg, by command.",
			     HAS_CALL | HAS_LEG },
	[SIG_CALL_UNMUTED] = { "call.unmuted", "It is heard again.", HAS_CALL | HAS_LEG },
	[SIG_CALL_TRANSFERRING] = { "call.transferring",
				    "A party, or a command, gave the other one, from, away: to "
				    "rings "
				    "for it.",
				    HAS_CALL },
	[SIG_CALL_TRANSFERRED] = { "call.transferred", "They speak with each other.", HAS_CALL },
	[SIG_CALL_TRANSFER_FAILED] = { "call.transfer_failed",
				       "Nobody answered, or the calls could not be joined, for the "
				       "reason of sip_status; from and to are as they were before.",
				       HAS_CALL | HAS_STATUS },
	[SIG_CALL_PLAYED] = { "call.played",
			      "What call.play asked for is over: end, key (a DTMF digit came), "
			      "stopped, failed (cause: why, in words) or hangup.",
			      HAS_CALL | HAS_ORDER },
	[SIG_CALL_COLLECTED] = { "call.collected",
				 "What call.collect asked for is over: max, terminator, timeout, "
				 "short (fewer digits than min), stopped or hangup. cause, in "
				 "words: what of the files was not heard, or that no tries are "
				 "left.",
				 HAS_CALL | HAS_ORDER },
	[SIG_CALL_RECORDED] = { "call.recorded",
				"What call.record_message asked for is over: silence, key, max, "
				"short (less than min_ms), stopped, failed (cause: why, in words) "
				"or hangup. ms: how long it is, without the silence at both ends. "
				"call.play plays it as "
				"recording:RECORDING.",
				HAS_CALL | HAS_ORDER | HAS_MESSAGE },
	[SIG_CALL_WAITING] = { "call.waiting",
			       "The call waits for the application, which may answer it "
			       "(call.answer). Told again after a restart of the node, and every "
			       "10 s while it waits.",
			       HAS_CALL },
	[SIG_CALL_CALL_WAITING] = { "call.call_waiting",
				    "to has another call, and this one waits until that is over "
				    "(call_waiting of extension.put, call.accept). Told again "
				    "after a restart of the node.",
				    HAS_CALL },
	[SIG_CALL_MISSED] = { "call.missed", "The call waits for the application no longer.",
			      HAS_CALL },
	[SIG_CALL_SPLIT] = { "call.split",
			     "A party goes on in this call, answered by tandem, with no other "
			     "party. The other one goes on in the call other. Told of both.",
			     HAS_CALL | HAS_OTHER },
	[SIG_CALL_PARKED] = { "call.parked",
			      "A party, from, waits in the slot, answered by tandem, with no other "
			      "party.",
			      HAS_CALL | HAS_SLOT },
	[SIG_CALL_RETRIEVED] = { "call.retrieved",
				 "The party waits there no longer: somebody speaks with it, in "
				 "this call or, where it ends, in another.",
				 HAS_CALL | HAS_SLOT },
	[SIG_CALL_PICKED_UP] = { "call.picked_up",
				 "A call that rang was taken by another extension, to, or by "
				 "another phone of the same: they speak with each other.",
				 HAS_CALL },
	[SIG_CALL_FORWARDED] = { "call.forwarded",
				 "A call that has begun goes on to another extension, to, for the "
				 "reason that its record has as forwarded.",
				 HAS_CALL | HAS_REASON },
	[SIG_CALL_EMERGENCY] = { "call.emergency",
				 "The call that began is for an emergency number, to. Told at "
				 "once.",
				 HAS_CALL },
	[SIG_CALL_DTMF_FAILED] = { "call.dtmf_failed",
				   "Digits did not reach the party of that leg, by call.dtmf or of "
				   "the other party; reason: busy (it put them off again and "
				   "again), "
				   "no_answer, or unreachable. Those after them may be lost, too.",
				   HAS_CALL | HAS_LEG | HAS_REASON },
	[SIG_TRUNK_DOWN] = { "trunk.down",
			     "A server, to, of that trunk does not answer to OPTIONS (probe_s of "
			     "trunk.put), for the reason: no_answer, unavailable (503), refused, "
			     "unreachable, certificate_name (its certificate is not for its name: "
			     "RFC 5922), certificate_expired or certificate_untrusted. Each node "
			     "tells it of itself.",
			     HAS_TRUNK | HAS_REASON },
	[SIG_CALL_FLOW] = { "call.flow",
			    "A verb of the flow that the call goes through begins; by: how the "
			    "one before ended.",
			    HAS_CALL | HAS_STEP },
	[SIG_CALL_HTTP] = { "call.http",
			    "The verb http of a flow has asked a web server. url: which one, "
			    "by scheme, host and port; http_status: what it said, 0: nothing; ms: "
			    "how "
			    "long "
			    "all tries took. reason: empty; or why it failed: timeout, "
			    "unreachable, "
			    "address (the tenant may not ask there: web_networks of tenant.put), "
			    "certificate, status, no_json, too_long, program (its verbs are no "
			    "flow), or helper (tandem-helper gave no answer).",
			    HAS_CALL | HAS_HTTP | HAS_REASON },
	[SIG_CALL_NOTIFY] = { "call.notify",
			      "A flow tells applications so (notify): name is the event's, values "
			      "its data as a JSON object. After a kill it may come again, with "
			      "the same visit.",
			      HAS_CALL | HAS_VALUES },
	[SIG_MESSAGE_NEW] = { "message.new",
			      "A message lies in that mailbox, to. by: empty. It comes at least "
			      "once; users hear of boxes that they see.",
			      HAS_FROM | HAS_BOX },
	[SIG_MESSAGE_CHANGED] = { "message.changed",
				  "It is old, new, urgent or private now, has another note, or was "
				  "taken back. by: who did that; empty: its caller, or a phone.",
				  HAS_FROM | HAS_BOX },
	[SIG_MESSAGE_DELETED] = { "message.deleted",
				  "It was deleted, by: who did that; retention, or mail (it was "
				  "sent). For 7 days message.undelete takes it back.",
				  HAS_FROM | HAS_BOX },
	[SIG_CALL_STATE] = { "call.state",
			     "A party is at something else (a_state, b_state) that no other event "
			     "tells.",
			     HAS_CALL },
	[SIG_CALL_ACCOUNT] = { "call.account_code",
			       "The call has that account code from now on; empty: none. reason: "
			       "command (call.account_code), code (the party of that leg "
			       "pressed it), or flow (the tag account.code).",
			       HAS_CALL | HAS_LEG | HAS_REASON | HAS_ACCOUNT },
	[SIG_CALL_ACCOUNT_REFUSED] = { "call.account_code_refused",
				       "An account code was not taken: the call has what it had, "
				       "and goes on. reason: recorded (recordings.account_code), "
				       "or unknown (the tenant has no such one: account.list).",
				       HAS_CALL | HAS_LEG | HAS_REASON | HAS_ACCOUNT },
	[SIG_CALL_RECORDING] = { "call.recording",
				 "What the party of that leg says and hears is recorded, under "
				 "that "
				 "name; reason: policy, command, code (an in-call one, or "
				 "a=recordpref), page (of its extension: extension.page), or "
				 "message (call.record_message). also: the other leg, where its "
				 "setting asks for the same place, and has this one.",
				 HAS_CALL | HAS_LEG | HAS_REASON | HAS_RECORDING },
	[SIG_CALL_RECORDING_PAUSED] = { "call.recording_paused",
					"What is said now is in no file, and no digit in an event.",
					HAS_CALL | HAS_LEG | HAS_REASON | HAS_RECORDING },
	[SIG_CALL_RECORDING_RESUMED] = { "call.recording_resumed", "It is recorded again.",
					 HAS_CALL | HAS_LEG | HAS_REASON | HAS_RECORDING },
	[SIG_CALL_RECORDING_ENDED] = { "call.recording_ended",
				       "It is recorded no longer: by command, or the party has "
				       "left, or has another one to speak with.",
				       HAS_CALL | HAS_LEG | HAS_REASON | HAS_RECORDING },
	[SIG_CALL_RECORDING_FAILED] = { "call.recording_failed",
					"The file could not be written, for that reason. The call "
					"goes on.",
					HAS_CALL | HAS_LEG | HAS_REASON | HAS_RECORDING },
	[SIG_CALL_RECORDING_LOST] = { "call.recording_lost",
				      "An external recorder does not take it, for that reason. "
				      "The node asks again until it does, and the call goes on.",
				      HAS_CALL | HAS_LEG | HAS_REASON | HAS_RECORDING },
	[SIG_CALL_RECORDING_TAKEN] = { "call.recording_taken",
				       "After call.recording_lost: the recorder takes it.",
				       HAS_CALL | HAS_LEG | HAS_RECORDING },
	[SIG_CALL_STREAM_STARTED] = { "call.stream_started",
				      "An application hears the party of that leg, by call.stream "
				      "with "
				      "leg; again when its connection was lost, or the node "
				      "restarted.",
				      HAS_CALL | HAS_LEG | HAS_REASON | HAS_STREAM },
	[SIG_CALL_STREAM_ENDED] = { "call.stream_ended",
				    "It does no longer: end (the application said so), stopped "
				    "(call.stop, or another call.stream), left (the party has left "
				    "the call) or hangup.",
				    HAS_CALL | HAS_LEG | HAS_REASON | HAS_STREAM },
	[SIG_CALL_STREAM_FAILED] = { "call.stream_failed",
				     "It does not, for that reason. The call goes on.",
				     HAS_CALL | HAS_LEG | HAS_REASON | HAS_STREAM },
	[SIG_CONFERENCE_STARTED] = { "conference.started",
				     "A conference has begun; member: its host, 0 for none.",
				     HAS_ROOM },
	[SIG_CONFERENCE_ENDED] = { "conference.ended",
				   "It is over: nobody is in it any more, or two who speak with "
				   "each other by themselves.",
				   HAS_ROOM },
	[SIG_CONFERENCE_JOINED] = { "conference.joined",
				    "The party of that call is in the conference, as that member.",
				    HAS_CALL | HAS_ROOM },
	[SIG_CONFERENCE_LEFT] = { "conference.left",
				  "It is no longer: hangup, dropped (by command), parked, or "
				  "connected (somebody else speaks with it).",
				  HAS_CALL | HAS_ROOM | HAS_REASON },
	[SIG_CONFERENCE_CHANGED] = { "conference.changed",
				     "A member is otherwise: muted, unmuted, deaf, hears, held, "
				     "resumed, gain, coach or host. Without a call the conference "
				     "itself is: locked, unlocked, or host, which member is then.",
				     HAS_ROOM | HAS_REASON },
	[SIG_CONFERENCE_ASKED] = { "conference.asked",
				   "An extension that was not invited has called the conference, "
				   "and was answered 403. Its host, member, may invite it.",
				   HAS_ROOM | HAS_FROM },
	[SIG_CONFERENCE_PLAYED] = { "conference.played",
				    "What conference.play asked for is over: end, stopped, failed, "
				    "or ended (the conference is).",
				    HAS_ROOM | HAS_REASON },
	[SIG_CONFERENCE_STREAM_ENDED] = { "conference.stream_ended",
					  "The application of conference.stream is in it no "
					  "longer: "
					  "end (it said so), stopped, failed, or ended (the "
					  "conference is).",
					  HAS_ROOM | HAS_REASON | HAS_ENDPOINT },
	[SIG_CONFERENCE_RECORDING] = { "conference.recording",
				       "What is said in it is recorded, under that name; reason: "
				       "policy (record of the room) or command.",
				       HAS_ROOM | HAS_REASON | HAS_MIX },
	[SIG_CONFERENCE_RECORDING_PAUSED] = { "conference.recording_paused",
					      "What is said now is in no file.",
					      HAS_ROOM | HAS_REASON | HAS_MIX },
	[SIG_CONFERENCE_RECORDING_RESUMED] = { "conference.recording_resumed",
					       "It is recorded again.",
					       HAS_ROOM | HAS_REASON | HAS_MIX },
	[SIG_CONFERENCE_RECORDING_ENDED] = { "conference.recording_ended",
					     "It is recorded no longer: by command, or it is over.",
					     HAS_ROOM | HAS_REASON | HAS_MIX },
	[SIG_CONFERENCE_RECORDING_FAILED] = { "conference.recording_failed",
					      "The file could not be written, for that reason. The "
					      "conference goes on.",
					      HAS_ROOM | HAS_REASON | HAS_MIX },
	[SIG_TRUNK_UP] = { "trunk.up", "It does again.", HAS_TRUNK },
	[SIG_EMERGENCY_DOWN] = { "emergency.down",
				 "Calls to the emergency number, to, would reach nobody, for the "
				 "reason, in words. Of a tenant with extensions, by each node; "
				 "told "
				 "again after a restart. tandemctl lint says what to do.",
				 HAS_REASON },
	[SIG_EMERGENCY_UP] = { "emergency.up", "They would reach somebody again.", 0 },
	[SIG_PRESENCE] = { "extension.presence",
			   "An extension has that presence from now on (extension.presence).",
			   HAS_PRESENCE },
	[SIG_REGISTERED] = { "registration.new", "A phone registered with an extension.", 0 },
	[SIG_UNREGISTERED] = { "registration.gone",
			       "The last phone of an extension left, or its registration ran out.",
			       0 },
	[SIG_SUBSCRIBED] = { "subscription.new",
			     "from watches to, by a subscription to that package.",
			     HAS_SUBSCRIPTION },
	[SIG_UNSUBSCRIBED] = { "subscription.gone",
			       "It does no longer: timeout (it ended it, or did not refresh it), "
			       "rejected, noresource, deactivated, probation, giveup, or "
			       "not_reached.",
			       HAS_SUBSCRIPTION | HAS_REASON },
};

bool fields_event_is_private(const struct sig_event *e)
{
	return e->application[0] && (e->kind == SIG_CALL_PLAYED || e->kind == SIG_CALL_COLLECTED ||
				     e->kind == SIG_CALL_RECORDED || e->kind == SIG_CALL_WAITING ||
				     e->kind == SIG_CALL_MISSED);
}

const char *fields_event_help(enum sig_event_kind kind)
{
	assert(kind < SIG_EVENT_KINDS);
	return g_events[kind].help;
}

const char *fields_event_name(enum sig_event_kind kind)
{
	assert(kind < SIG_EVENT_KINDS);
	return g_events[kind].name;
}

void fields_of_event(struct fields *out, const struct sig_event *event)
{
	unsigned has = g_events[event->kind].has;
	char digit[2] = { event->digit, '\0' };

	out->count = out->used = 0;
	field_text(out, "type", fields_event_name(event->kind));
	if (has & HAS_CALL)
		add_call(out, "call", event->call);
	if (has & HAS_SUBSCRIPTION)
		add_call(out, "subscription", event->call);
	field_number(out, "version", event->version);
	if (has & HAS_ROOM)
		add_room(out, event);
	if (has & (HAS_CALL | HAS_SUBSCRIPTION | HAS_FROM))
		field_text(out, "from", event->from);
	field_text(out, "to", event->to);
	if (has & HAS_CALL) {
		field_text(out, "a_state", party_state_name(event->states[0]));
		field_text(out, "b_state", party_state_name(event->states[1]));
		add_facts(out, &event->facts, false);
	}
	if (has & HAS_ACCOUNT && !event->facts.account[0])
		field_text(out, "account_code", "");
	if (has & HAS_CALL)
		field_text(out, "from_trunk", event->from_trunk);
	if (has & (HAS_CALL | HAS_TRUNK))
		field_text(out, "to_trunk", event->to_trunk);
	if (has & HAS_SUBSCRIPTION)
		field_text(out, "package", event->package ? event->package : "");
	if (has & HAS_STEP) {
		field_text(out, "step", event->step);
		field_text(out, "verb", event->package ? event->package : "");
		field_text(out, "by", event->reason ? event->reason : "");
	}
	if (has & HAS_HTTP) {
		field_text(out, "step", event->step);
		field_text(out, "url", event->url);
		field_number(out, "http_status", event->status);
		field_number(out, "ms", event->ms);
	}
	if (has & HAS_VALUES) {
		field_text(out, "name", event->step);
		field_number(out, "visit", event->order);
		add_bytes(out, "values", event->values);
	}
	if (has & HAS_BOX)
		add_message(out, event);
	if (has & HAS_OTHER)
		add_call(out, "other", event->other);
	if (has & HAS_STATUS)
		field_number(out, "sip_status", event->status);
	if (has & HAS_LEG)
		field_text(out, "leg", event->leg ? "b" : "a");
	if (has & HAS_RECORDING || (has & HAS_MESSAGE && event->recording))
		add_recording(out, event->call, event->recording);
	if (has & HAS_RECORDING && event->for_both)
		field_text(out, "also", event->leg ? "a" : "b");
	if (has & HAS_MIX)
		add_recording(out, event->room, event->recording);
	if (has & HAS_ENDPOINT)
		field_text(out, "endpoint", event->endpoint);
	if (has & HAS_PRESENCE)
		field_text(out, "presence", event->presence);
	if (has & HAS_MESSAGE)
		field_number(out, "ms", event->ms);
	if (has & HAS_DIGIT)
		field_text(out, "digit", digit);
	if (has & HAS_REASON)
		field_text(out, "reason", event->reason ? event->reason : "");
	if (has & HAS_STREAM)
		field_text(out, "endpoint", event->endpoint);
	if (has & HAS_STREAM)
		field_number(out, "order", event->order);
	if (has & HAS_SLOT)
		field_text(out, "slot", event->slot);
	if (!(has & HAS_ORDER))
		return;
	field_number(out, "order", event->order);
	field_text(out, "reason", event->reason ? event->reason : "");
	if (event->cause)
		field_text(out, "cause", event->cause);
	field_text(out, "digits", event->digits);
}

struct bytes fields_json(const struct fields *f, char out[FIELDS_JSON_MAX])
{
	struct writer w = writer_over(out, FIELDS_JSON_MAX);

	for (size_t i = 0; i < f->count; i++) {
		writer_str(&w, i ? ",\"" : "{\"");
		writer_str(&w, f->list[i].name);
		writer_str(&w, "\":");
		if (f->is_number[i])
			writer_bytes(&w, f->list[i].value);
		else
			json_write_text(&w, f->list[i].value);
	}
	writer_str(&w, "}");
	assert(!w.overflow);
	return writer_done(&w);
}

const char *fields_security_source(const struct security_event *event, char *buf)
{
	return event->source.family == ADDR_NONE ? "several" : addr_text(&event->source, buf);
}

void fields_of_security(struct fields *out, const struct security_event *event)
{
	char source[ADDR_TEXT_MAX];

	out->count = out->used = 0;
	field_text(out, "type", security_kind_name(event->kind));
	field_text(out, "source", fields_security_source(event, source));
	field_text(out, "user", event->user);
	field_text(out, "detail", event->detail);
	field_number(out, "count", event->count);
}

static void write_security(struct writer *w)
{
	writer_str(w,
		   "\n## Security events\n\nThe stream `td:security`: `source`, `user`, `detail`, "
		   "`count` and `node` of each.\n\n| Type | Meaning |\n|---|---|\n");
	for (int i = 0; i < SECURITY_KIND_COUNT; i++) {
		enum security_kind kind = (enum security_kind)i;

		writer_fmt(w, "| `%s` | %s |\n", security_kind_name(kind),
			   security_kind_sentence(kind));
	}
}

void fields_write_events(struct writer *w)
{
	static struct fields fields; /* large for a stack */

	writer_str(w, "\n## Events\n\n| Type | Fields | Meaning |\n|---|---|---|\n");
	for (int kind = 0; kind < SIG_EVENT_KINDS; kind++) {
		struct sig_event event = { .kind = (enum sig_event_kind)kind, .recording = 1 };

		fields_of_event(&fields, &event);
		writer_fmt(w, "| `%s` |", g_events[kind].name);
		for (size_t i = 1; i < fields.count; i++)
			writer_fmt(w, "%s `%s`", i > 1 ? "," : "", fields.list[i].name);
		writer_fmt(w, " | %s |\n", g_events[kind].help);
	}
	write_security(w);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doctor's search: it examines each flow by the rules in order, adds oddities (loss, jitter,
 * packet length, clock), external recorders and the refusal of a call, and writes findings as JSON.
 * call.doctor calls it for a live call, ended.c for one that is over. A rule reports only what
 * counters prove; rules about paths are in diagnosis_path.c. Pure.
 */

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "app/doctor/diagnosis.h"
#include "base/json.h"
#include "engine/worker/coding.h"

/* Findings about the RTP stream that a party sends. */

enum {
	LATELY_MS = 60000,
	REPORT_MS = 20000,
	LOSS_PACKETS = 3, /* between the samples, and */
	LOSS_SHARE = 20,  /* one of so many: 5 % */
	LOSS_256 = 13,    /* 5 % */
	JITTER_US = 80000,
	JUMP_US = 1000000, /* no network does that: the timestamps jumped */
	TINY = 8,          /* octets of payload: comfort noise, or the pauses of Opus */
	CN = 13,
};

enum answer_of_rule note_source(const struct suspect *s, struct finding *out)
{
	const struct flow_detail *d = &s->f->now.detail;
	char was[ADDR_TEXT_MAX], is[ADDR_TEXT_MAX];

	if (s->f->now.stats.ice != ICE_OFF) /* it goes where the party nominates */
		return RULE_SILENT;
	(void)addr_text(&s->f->latched, is);
	if (d->moves && ago_ms(s, d->moved_ns) < LATELY_MS) {
		found(out, FINDING_SOURCE_MOVED, s,
		      "The packets of leg %c came from %s and since %u s come from %s, without a "
		      "re-INVITE that says so.",
		      s->who, addr_text(&d->source_before, was),
		      (unsigned)(ago_ms(s, d->moved_ns) / 1000), is);
		add_number(out, "moves", d->moves);
		add_addr(out, "source_before", &d->source_before);
	} else if (s->f->latched.family != ADDR_NONE && s->f->expected.family != ADDR_NONE &&
		   !addr_eq(&s->f->latched, &s->f->expected)) {
		found(out, FINDING_NAT_PORT, s,
		      "The packets of leg %c come from %s, not from the %s that it signalled.",
		      s->who, is, addr_text(&s->f->expected, was));
	} else {
		return RULE_SILENT;
	}
	add_addr(out, "signalled", &s->f->facts.address);
	add_addr(out, "latched", &s->f->latched);
	return RULE_FOUND;
}

enum answer_of_rule note_second_source(const struct suspect *s, struct finding *out)
{
	uint32_t drops = fresh_drops(s, VERDICT_SOURCE_NOT_LATCHED);
	char from[ADDR_TEXT_MAX];

	if (drops < SOME || s->packets_in == 0)
		return RULE_SILENT;
	found(out, FINDING_SECOND_SOURCE, s, "Besides the party of leg %c, %s sends to its port.",
	      s->who, addr_text(&s->f->now.detail.stranger, from));
	add_number(out, "source_not_latched", drops);
	add_addr(out, "stranger", &s->f->now.detail.stranger);
	return RULE_FOUND;
}

/* By its octets where the codec always needs the same, else by the timestamps. */
static double packet_ms_of(const struct stream_pace *p)
{
	return p->codec_octets_ms > 0 ? p->octets / p->codec_octets_ms : p->media_ms;
}

static bool differs(double a, double b)
{
	return a > b * 1.25 || a < b * 0.75;
}

enum answer_of_rule note_packet_length(const struct suspect *s, struct finding *out)
{
	uint16_t asked = s->f->facts.packet_ms;
	struct stream_pace pace;
	double ms;

	if (s->f->kind != MEDIA_AUDIO || asked == 0 || !pace_of(s, &pace) || pace.octets <= TINY)
		return RULE_SILENT;
	ms = packet_ms_of(&pace);
	if (!differs(ms, asked))
		return RULE_SILENT;
	found(out, FINDING_PACKET_LENGTH, s,
	      "The packets of leg %c hold %u ms of sound; it was asked for %u ms (a=ptime).",
	      s->who, (unsigned)(ms + 0.5), asked);
	add_number(out, "packets", pace.packets);
	add_number(out, "packet_ms", (uint64_t)(ms + 0.5));
	add_number(out, "ptime", asked);
	return RULE_FOUND;
}

static enum answer_of_rule jumped(const struct suspect *s, struct finding *out)
{
	uint32_t us = s->f->now.stats.jitter_us;

	if (us < JUMP_US)
		return RULE_SILENT;
	found(out, FINDING_CLOCK, s, "The timestamps of leg %c jumped.", s->who);
	add_number(out, "jitter_us", us);
	return RULE_FOUND;
}

enum answer_of_rule note_clock(const struct suspect *s, struct finding *out)
{
	struct stream_pace pace;
	double ms;

	if (s->f->kind != MEDIA_AUDIO || !pace_of(s, &pace) || pace.codec_octets_ms <= 0 ||
	    pace.octets <= TINY)
		return jumped(s, out);
	ms = pace.octets / pace.codec_octets_ms;
	if (!differs(pace.media_ms, ms))
		return jumped(s, out);
	found(out, FINDING_CLOCK, s,
	      "The timestamps of leg %c advance %u ms with each packet, which holds %u ms of "
	      "sound.",
	      s->who, (unsigned)(pace.media_ms + 0.5), (unsigned)(ms + 0.5));
	add_number(out, "timestamp_ms", (uint64_t)(pace.media_ms + 0.5));
	add_number(out, "packet_ms", (uint64_t)(ms + 0.5));
	return RULE_FOUND;
}

enum answer_of_rule note_silence(const struct suspect *s, struct finding *out)
{
	struct stream_pace pace;
	bool noise = s->f->now.detail.payload_type == CN;

	if (s->f->kind != MEDIA_AUDIO || !pace_of(s, &pace) || (pace.octets > TINY && !noise))
		return RULE_SILENT;
	found(out, FINDING_SILENCE, s, "The party of leg %c sends comfort noise, no sound.",
	      s->who);
	add_number(out, "packets", pace.packets);
	add_number(out, "payload_octets", (uint64_t)(pace.octets + 0.5));
	return RULE_FOUND;
}

enum answer_of_rule note_loss_in(const struct suspect *s, struct finding *out)
{
	const struct flow_stats *now = &s->f->now.stats, *then = &s->f->before.stats;
	uint32_t lost = now->lost > then->lost ? now->lost - then->lost : 0;

	if (lost < LOSS_PACKETS || (uint64_t)lost * LOSS_SHARE < lost + s->packets_in)
		return RULE_SILENT;
	found(out, FINDING_LOSS_IN, s, "%u of %u packets of leg %c were lost on their way here.",
	      lost, (unsigned)(lost + s->packets_in), s->who);
	add_number(out, "lost", lost);
	add_number(out, "packets_in", s->packets_in);
	add_number(out, "lost_in_all", now->lost);
	return RULE_FOUND;
}

enum answer_of_rule note_loss_out(const struct suspect *s, struct finding *out)
{
	const struct flow_detail *d = &s->f->now.detail;

	if (ago_ms(s, d->reported_ns) > REPORT_MS || d->reported_loss < LOSS_256)
		return RULE_SILENT;
	found(out, FINDING_LOSS_OUT, s, "The party of leg %c reports that it lost %u %% lately.",
	      s->who, (unsigned)d->reported_loss * 100 / 256);
	add_number(out, "reported_loss_256", d->reported_loss);
	add_number(out, "remote_lost", s->f->now.stats.remote_lost);
	add_number(out, "packets_out", s->f->now.stats.packets_out);
	return RULE_FOUND;
}

enum answer_of_rule note_jitter(const struct suspect *s, struct finding *out)
{
	uint32_t us = s->f->now.stats.jitter_us;

	if (us < JITTER_US || us >= JUMP_US)
		return RULE_SILENT;
	found(out, FINDING_JITTER, s, "The packets of leg %c come unevenly: %u ms of jitter.",
	      s->who, us / 1000);
	add_number(out, "jitter_us", us);
	return RULE_FOUND;
}

/* The codec that it sends, by its packets. */
static enum media_codec codec_received(const struct suspect *s)
{
	const struct line_codec *c = line_codec_find(&s->f->facts, s->f->now.detail.payload_type);
	unsigned codec = 0;

	while (codec < MEDIA_CODECS_KNOWN &&
	       (!c || strcmp(c->name, media_codec_facts((enum media_codec)codec)->name) != 0))
		codec++;
	return (enum media_codec)codec;
}

enum answer_of_rule note_transcoded(const struct suspect *s, struct finding *out)
{
	uint32_t full = fresh_drops(s, VERDICT_TRANSCODER_FULL);
	enum media_codec from = codec_received(s);
	struct media_coding coding = { .from = (uint8_t)from };
	const char *to;

	if (!s->f->transcoded_to || from == MEDIA_CODECS_KNOWN)
		return RULE_SILENT;
	coding.to = (uint8_t)(s->f->transcoded_to - 1);
	to = media_codec_facts(coding.to)->name;
	if (full)
		found(out, FINDING_TRANSCODER_FULL, s,
		      "What leg %c says in %s is transcoded to %s, and %u of its packets were lost "
		      "for lack of time.",
		      s->who, media_codec_facts(from)->name, to, full);
	else
		found(out, FINDING_TRANSCODED, s,
		      "What leg %c says in %s is transcoded to %s for the other one.", s->who,
		      media_codec_facts(from)->name, to);
	add_text(out, "from", media_codec_facts(from)->name);
	add_text(out, "to", to);
	add_number(out, "us_of_20_ms", coding_cost_ns(&coding, s->f->opus_hz) / 1000);
	add_number(out, "coded", fresh_drops(s, VERDICT_TRANSCODED));
	add_number(out, "coder_full", full);
	add_number(out, "late", fresh_drops(s, VERDICT_LATE));
	return RULE_FOUND;
}

/* Whether an external recorder gets the recording: its session, and its reports. */

static char leg_name(const struct diagnosis_recorder *r)
{
	return r->leg ? 'b' : 'a';
}

static enum answer_of_rule recorder_found(const struct diagnosis_recorder *r, struct finding *out)
{
	add_number(out, "recording", r->number);
	add_addr(out, "recorder", &r->at);
	add_text(out, "reason", r->reason);
	if (r->status)
		add_number(out, "status", r->status);
	return RULE_FOUND;
}

static enum answer_of_rule recorder_has_none(const struct diagnosis_recorder *r,
					     struct finding *out)
{
	if (!r->lost && r->for_ms < PATIENCE_MS)
		return RULE_SILENT;
	if (r->refused && r->status)
		found(out, FINDING_RECORDER_REFUSES, NULL,
		      "The external recorder refuses the recording of leg %c with %u: nothing of "
		      "it is recorded now.",
		      leg_name(r), r->status);
	else if (r->refused)
		found(out, FINDING_RECORDER_REFUSES, NULL,
		      "The recording of leg %c has no session with the external recorder: %s. "
		      "Nothing of it is recorded now.",
		      leg_name(r), r->reason);
	else
		found(out, FINDING_RECORDER_UNREACHABLE, NULL,
		      "The external recorder is not reached: %s. Nothing of leg %c is recorded "
		      "now.",
		      r->reason ? r->reason : "it has not answered yet", leg_name(r));
	return recorder_found(r, out);
}

/* NULL: it gets all streams, as far as is known. */
static const char *recorder_deaf(const struct diagnosis_recorder *r)
{
	if (r->speak && !r->takes)
		return "its answer takes no stream";
	if (r->unsent && !r->sent)
		return "no packet could be sent to it";
	if (r->reported_on && r->deaf == r->reported_on)
		return "it reports that nothing came";
	return NULL;
}

/* Of a recording with an external recorder. */
static enum answer_of_rule rule_recorder(const struct diagnosis_recorder *r, struct finding *out)
{
	const char *why;

	if (!r->taken)
		return recorder_has_none(r, out);
	why = recorder_deaf(r);
	if (!why)
		return RULE_SILENT;
	found(out, FINDING_RECORDER_HEARS_NOTHING, NULL,
	      "The external recorder has taken the recording of leg %c, and hears nothing: %s.",
	      leg_name(r), why);
	add_number(out, "sent", r->sent);
	add_number(out, "unsent", r->unsent);
	return recorder_found(r, out);
}

enum { RTP_HEAD = 12, PACE_PACKETS_MIN = 5 };

static const struct {
	const char *name, *what, *next;
} g_findings[FINDING_CODES] = {
#define FINDING(suffix, name, what, next) [FINDING_##suffix] = { name, what, next },
#include "app/doctor/finding.def"
#undef FINDING
};

const char *finding_name(enum finding_code code)
{
	assert(code < FINDING_CODES);
	return g_findings[code].name;
}

const char *finding_what(enum finding_code code)
{
	assert(code < FINDING_CODES);
	return g_findings[code].what;
}

const char *finding_next(enum finding_code code)
{
	assert(code < FINDING_CODES);
	return g_findings[code].next;
}

/* ---- what rules report ---- */

void found(struct finding *out, enum finding_code code, const struct suspect *s, const char *fmt,
	   ...)
{
	va_list ap;

	*out = (struct finding){ .code = code };
	if (s) {
		out->of_flow = true;
		out->leg = s->f->leg;
		out->line = s->f->line;
	}
	va_start(ap, fmt);
	(void)vsnprintf(out->sentence, sizeof(out->sentence), fmt, ap);
	va_end(ap);
}

static struct finding_fact *fact_of(struct finding *out, const char *name)
{
	assert(out->fact_count < FACTS_MAX);
	out->facts[out->fact_count].name = name;
	return &out->facts[out->fact_count++];
}

void add_number(struct finding *out, const char *name, uint64_t number)
{
	fact_of(out, name)->number = number;
}

void add_addr(struct finding *out, const char *name, const struct addr *a)
{
	if (a->family != ADDR_NONE)
		(void)addr_text(a, fact_of(out, name)->text);
}

void add_text(struct finding *out, const char *name, const char *text)
{
	if (text && text[0])
		(void)snprintf(fact_of(out, name)->text, FACT_TEXT_MAX, "%s", text);
}

/* ---- what rules see ---- */

uint32_t fresh_drops(const struct suspect *s, enum verdict reason)
{
	return s->f->now.detail.drops[reason] - s->f->before.detail.drops[reason];
}

uint32_t all_drops(const struct suspect *s, enum verdict reason)
{
	return s->f->now.detail.drops[reason];
}

uint64_t ago_ms(const struct suspect *s, uint64_t at_ns)
{
	uint64_t now_ns = s->f->now.detail.now_ns;

	if (at_ns == 0)
		return UINT64_MAX;
	return now_ns > at_ns ? (now_ns - at_ns) / NS_PER_MS : 0;
}

/* Octets a millisecond of codecs that always need the same. */
static double octets_ms_of(const char *codec)
{
	for (unsigned i = 0; i < MEDIA_CODECS_KNOWN; i++) {
		const struct media_codec_facts *facts = media_codec_facts((enum media_codec)i);

		if (!strcmp(codec, facts->name))
			return facts->octets_ms;
	}
	return 0;
}

/* What SRTP adds to a packet that was received. */
static double tag_of(const struct line_facts *f)
{
	if (!f->secure)
		return 0;
	if (strstr(f->suite, "GCM")) /* RFC 7714 */
		return 16;
	return strstr(f->suite, "SHA1_32") ? 4 : 10;
}

bool pace_of(const struct suspect *s, struct stream_pace *out)
{
	const struct line_codec *codec =
		line_codec_find(&s->f->facts, s->f->now.detail.payload_type);
	const struct diagnosis_sample *then, *now;
	uint32_t units;
	uint16_t numbers; /* also of packets that were lost, or kept from the peer */

	if (!s->peer)
		return false;
	then = &s->peer->before;
	now = &s->peer->now;
	*out = (struct stream_pace){ .packets = now->stats.packets_out - then->stats.packets_out };
	units = now->detail.sent_timestamp - then->detail.sent_timestamp;
	numbers = (uint16_t)(now->detail.sent_sequence - then->detail.sent_sequence);
	if (out->packets < PACE_PACKETS_MIN || numbers < PACE_PACKETS_MIN ||
	    s->packets_in < PACE_PACKETS_MIN || now->detail.sent_clock_hz == 0 ||
	    then->detail.sent_clock_hz != now->detail.sent_clock_hz)
		return false;
	out->octets = (double)(s->f->now.stats.octets_in - s->f->before.stats.octets_in) /
			      (double)s->packets_in -
		      (double)RTP_HEAD - tag_of(&s->f->facts);
	out->media_ms = 1000.0 * units / now->detail.sent_clock_hz / numbers;
	out->codec_octets_ms = codec ? octets_ms_of(codec->name) : 0;
	return true;
}

/* ---- the search ---- */

static rule_fn *const g_causes[] = { rule_direction,       rule_transport, rule_keys,
				     rule_payload_type,    rule_strangers, rule_garbage,
				     rule_unexpected_srtp, rule_silence,   rule_outbound };
static rule_fn *const g_notes[] = { note_source,   note_second_source, note_packet_length,
				    note_clock,    note_silence,       note_loss_in,
				    note_loss_out, note_jitter,        note_transcoded };

struct findings {
	struct finding *list;
	size_t count;
};

static struct finding *next_of(struct findings *x)
{
	return x->count < FINDINGS_MAX ? &x->list[x->count] : NULL;
}

static const struct diagnosis_flow *peer_of(const struct diagnosis *d,
					    const struct diagnosis_flow *f)
{
	for (uint32_t i = 0; i < d->flow_count; i++) {
		if (d->flows[i].line == f->line && d->flows[i].leg != f->leg)
			return &d->flows[i];
	}
	return NULL;
}

static uint64_t came(const struct diagnosis_flow *f)
{
	return f->now.stats.packets_in - f->before.stats.packets_in;
}

/* False: there are no samples to judge. */
static bool suspect_of(struct suspect *s, const struct diagnosis *d, const struct diagnosis_flow *f)
{
	const struct diagnosis_flow *peer = peer_of(d, f);

	*s = (struct suspect){
		.d = d,
		.f = f,
		.peer = peer && peer->answered ? peer : NULL,
		.kind = f->kind == MEDIA_OPAQUE ? "other line" : media_kind_name(f->kind),
		.who = f->leg ? 'b' : 'a',
	};
	if (!f->answered || !f->agreed)
		return false;
	s->window_ms = (f->now.detail.now_ns - f->before.detail.now_ns) / NS_PER_MS;
	s->packets_in = came(f);
	s->peer_is_received = s->peer && came(s->peer) > 0;
	return true;
}

static void without_samples(struct findings *x, const struct suspect *s)
{
	struct finding *out = next_of(x);

	if (!out)
		return;
	if (s->f->answered)
		found(out, FINDING_NOTHING_AGREED, s,
		      "Nothing is agreed with the party of leg %c for its %s.", s->who, s->kind);
	else
		found(out, FINDING_NO_COUNTERS, s,
		      "The media worker gave no counters for the %s of leg %c.", s->kind, s->who);
	x->count++;
}

static void examine(struct findings *x, const struct suspect *s)
{
	struct finding *out = next_of(x);

	x->count += out && rule_place(s, out) == RULE_FOUND;
	for (size_t i = 0; i < COUNT_OF(g_causes) && (out = next_of(x)) != NULL; i++) {
		enum answer_of_rule answer = g_causes[i](s, out);

		x->count += answer == RULE_FOUND;
		if (answer != RULE_SILENT)
			return;
	}
	for (size_t i = 0; i < COUNT_OF(g_notes) && (out = next_of(x)) != NULL; i++)
		x->count += g_notes[i](s, out) == RULE_FOUND;
}

/* RFC 3261 21.4.26, 21.6.4: only these say that it was the media. */
static bool is_of_media(uint16_t status)
{
	return status == 488 || status == 606;
}

static void examine_refusal(struct finding *out, const struct diagnosis *d)
{
	const char *because = d->because ? d->because : "no reason was given";

	if (is_of_media(d->refused) && strstr(because, "SRTP"))
		found(out, FINDING_SRTP_REFUSED, NULL, "The call was refused with %u: %s.",
		      d->refused, because);
	else if (is_of_media(d->refused))
		found(out, FINDING_MEDIA_REFUSED, NULL,
		      "The media that was offered is not taken, status %u: %s.", d->refused,
		      because);
	else if (d->refused)
		found(out, FINDING_NOT_ESTABLISHED, NULL,
		      "The call was not answered, status %u: %s.", d->refused, because);
	else if (d->waits_for)
		found(out, FINDING_APPLICATION_WAITS, NULL,
		      "The call waits for the application %s, which has not answered it.",
		      d->waits_for);
	else
		found(out, FINDING_NOT_ESTABLISHED, NULL, "The call is not established.");
}

static void examine_call(struct findings *x, const struct diagnosis *d)
{
	struct finding *out;

	if (d->degraded && (out = next_of(x)) != NULL) {
		found(out, FINDING_STORE_DEGRADED, NULL,
		      "Redis is away or late: the node goes on without saving.");
		x->count++;
	}
	if (d->recording_suffers && (out = next_of(x)) != NULL) {
		found(out, FINDING_RECORDING_SUFFERS, NULL,
		      "The call is recorded, and the disk of recordings is full or does not "
		      "answer: the file may have gaps.");
		x->count++;
	}
	for (uint32_t i = 0; i < d->recorder_count && (out = next_of(x)) != NULL; i++)
		x->count += rule_recorder(&d->recorders[i], out) == RULE_FOUND;
	if (!d->established && (out = next_of(x)) != NULL) {
		examine_refusal(out, d);
		x->count++;
	}
	if (d->established && d->flow_count == 0 && !d->ended && (out = next_of(x)) != NULL) {
		found(out, FINDING_NOTHING_AGREED, NULL, "The call has no media.");
		x->count++;
	}
}

size_t diagnose(const struct diagnosis *d, struct finding out[FINDINGS_MAX])
{
	struct findings x = { .list = out };
	struct suspect s;

	examine_call(&x, d);
	for (uint32_t i = 0; i < d->flow_count && d->established; i++) {
		if (suspect_of(&s, d, &d->flows[i]))
			examine(&x, &s);
		else
			without_samples(&x, &s);
	}
	return x.count;
}

/* Findings as JSON: in the answer of call.doctor, and in the record of a call that is over. */

static const char *const g_legs[] = { "a", "b" };

static void json_member_write(struct writer *w, const char *name, const char *text)
{
	writer_fmt(w, "\"%s\":", name);
	json_write_text(w, bytes_str(text));
	writer_str(w, ",");
}

static void finding_facts_write(struct writer *w, const struct finding *f)
{
	writer_str(w, "\"evidence\":{");
	for (uint8_t i = 0; i < f->fact_count; i++) {
		const struct finding_fact *fact = &f->facts[i];

		writer_fmt(w, "%s\"%s\":", i ? "," : "", fact->name);
		if (fact->text[0])
			json_write_text(w, bytes_str(fact->text));
		else
			writer_u64(w, fact->number);
	}
	writer_str(w, "},");
}

static void finding_write(struct writer *w, const struct finding *f)
{
	writer_str(w, "{");
	json_member_write(w, "code", finding_name(f->code));
	json_member_write(w, "is", finding_what(f->code));
	if (f->of_flow)
		writer_fmt(w, "\"leg\":\"%s\",\"line\":%u,", g_legs[f->leg], f->line);
	else
		writer_str(w, "\"leg\":null,\"line\":null,");
	json_member_write(w, "sentence", f->sentence);
	finding_facts_write(w, f);
	writer_str(w, "\"next\":");
	json_write_text(w, bytes_str(finding_next(f->code)));
	writer_str(w, "}");
}

struct bytes findings_write(const struct finding *list, size_t count, char *space, size_t n)
{
	struct writer w = writer_over(space, n - 1); /* room for the end */

	writer_str(&w, "[");
	for (size_t i = 0; i < count; i++) {
		size_t before = w.n;

		writer_str(&w, i ? "," : "");
		finding_write(&w, &list[i]);
		if (!w.overflow)
			continue;
		w.n = before;
		break;
	}
	space[w.n] = ']';
	return bytes_mem(space, w.n + 1);
}

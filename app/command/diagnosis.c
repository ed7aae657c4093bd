/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command/diagnosis.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "app/command/diagnosis_rule.h"

enum { RTP_HEAD = 12, PACE_PACKETS_MIN = 5 };

static const struct {
	const char *name, *what, *next;
} g_findings[FINDING_CODES] = {
#define FINDING(suffix, name, what, next) [FINDING_##suffix] = { name, what, next },
#include "app/command/finding.def"
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

/* ---- what rules say ---- */

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
	uint32_t units, lost;

	if (!s->peer)
		return false;
	then = &s->peer->before;
	now = &s->peer->now;
	*out = (struct stream_pace){ .packets = now->stats.packets_out - then->stats.packets_out };
	units = now->detail.sent_timestamp - then->detail.sent_timestamp;
	if (out->packets < PACE_PACKETS_MIN || s->packets_in < PACE_PACKETS_MIN ||
	    now->detail.sent_clock_hz == 0 ||
	    then->detail.sent_clock_hz != now->detail.sent_clock_hz)
		return false;
	out->octets = (double)(s->f->now.stats.octets_in - s->f->before.stats.octets_in) /
			      (double)s->packets_in -
		      (double)RTP_HEAD - tag_of(&s->f->facts);
	lost = s->f->now.stats.lost - s->f->before.stats.lost;
	out->media_ms = 1000.0 * units / now->detail.sent_clock_hz / (double)(out->packets + lost);
	out->codec_octets_ms = codec ? octets_ms_of(codec->name) : 0;
	return true;
}

/* ---- the search ---- */

static rule_fn *const g_causes[] = { rule_direction,       rule_transport, rule_keys,
				     rule_payload_type,    rule_strangers, rule_garbage,
				     rule_unexpected_srtp, rule_silence,   rule_outbound };
static rule_fn *const g_notes[] = { note_source,   note_second_source, note_packet_length,
				    note_clock,    note_silence,       note_loss_in,
				    note_loss_out, note_jitter,        note_coded };

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
	s->peer_is_heard = s->peer && came(s->peer) > 0;
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

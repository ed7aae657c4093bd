/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job/coder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "engine/flow/source.h"
#include "engine/job/coder_say.h"
#include "engine/walk/worker.h"

/* ---- open, close ---- */

int transcoder_line_open(struct transcoder_line *l, uint32_t capacity)
{
	l->of = calloc(capacity, sizeof(struct transcoder *));
	return l->of ? 0 : -ENOMEM;
}

void transcoder_line_close(struct transcoder_line *l)
{
	assert(l->open == 0);
	free(l->of);
	l->of = NULL;
}

struct transcoder *transcoder_of(const struct worker *w, const struct flow *f)
{
	return f->has_transcoder ? w->transcoders.of[f->id.slot] : NULL;
}

void transcoder_free(struct transcoder *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; i < MEDIA_CODINGS_MAX; i++)
		coding_close(&c->list[i]);
	free(c);
}

/* Those that a rule names; the others are all zero. */
static bool codings_of(const struct flow_spec *spec, struct media_coding out[MEDIA_CODINGS_MAX],
		       bool named[MEDIA_CODINGS_MAX])
{
	bool any = false;

	memset(out, 0, MEDIA_CODINGS_MAX * sizeof(out[0]));
	memset(named, 0, MEDIA_CODINGS_MAX * sizeof(named[0]));
	if (spec->kind != MEDIA_AUDIO)
		return false;
	for (uint8_t i = 0; i < spec->rule_count; i++) {
		uint8_t n = spec->rules[i].coding;

		if (n == 0)
			continue;
		out[n - 1] = spec->codings[n - 1];
		named[n - 1] = any = true;
	}
	return any;
}

static bool transcoder_is_like(const struct transcoder *c, const struct media_coding *spec,
			       const bool *named)
{
	for (uint32_t i = 0; i < MEDIA_CODINGS_MAX; i++) {
		const struct media_coding *a = &c->spec[i], *b = &spec[i];

		if (named[i] != (c->list[i].decoder != NULL) || a->from != b->from ||
		    a->to != b->to || a->packet_ms != b->packet_ms ||
		    a->complexity != b->complexity || a->bit_rate != b->bit_rate)
			return false;
	}
	return true;
}

/* As control says now: what is open stays as it is. */
static uint32_t opus_hz_of(const struct worker *w)
{
	/* relaxed: a number that nothing else belongs to */
	uint32_t told = atomic_load_explicit(&w->coding, memory_order_relaxed);

	return told & EASE_FULL_RATE ? CODEC_RATE_MAX : 0;
}

static int transcoder_open(struct transcoder **out, const struct media_coding *spec,
			   const bool *named, uint32_t opus_hz)
{
	struct transcoder *c = calloc(1, sizeof(*c));
	int err = c ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < MEDIA_CODINGS_MAX; i++) {
		c->spec[i] = spec[i];
		if (named[i])
			err = coding_open(&c->list[i], &spec[i], opus_hz);
	}
	if (err)
		transcoder_free(c);
	else
		*out = c;
	return err;
}

static void transcoder_join(struct worker *w, struct flow *f, struct transcoder *c)
{
	c->slot = f->id.slot;
	w->transcoders.of[c->slot] = c;
	f->has_transcoder = 1;
	w->transcoders.open++;
	metric_set(w->metrics->transcoders, w->transcoders.open);
	if (transcoder_has_work(c))
		job_line_put(&w->transcoders.line, &c->place);
}

struct transcoder *transcoder_pack(struct worker *w, struct flow *f)
{
	struct transcoder *c = transcoder_of(w, f);

	if (!c)
		return NULL;
	job_line_forget(&w->transcoders.line, &c->place);
	f->has_transcoder = 0;
	w->transcoders.open--;
	metric_set(w->metrics->transcoders, w->transcoders.open);
	return c;
}

void transcoder_leave(struct worker *w, struct flow *f)
{
	transcoder_free(transcoder_pack(w, f));
}

int transcoder_set(struct worker *w, struct flow *f, const struct flow_spec *spec)
{
	struct media_coding codings[MEDIA_CODINGS_MAX];
	bool named[MEDIA_CODINGS_MAX];
	bool any = codings_of(spec, codings, named);
	struct transcoder *c = NULL;
	int err = 0;

	if (any && f->has_transcoder && transcoder_is_like(transcoder_of(w, f), codings, named))
		return 0;
	transcoder_leave(w, f);
	if (any)
		err = transcoder_open(&c, codings, named, opus_hz_of(w));
	if (c)
		transcoder_join(w, f, c);
	return err;
}

void transcoder_arrive(struct worker *w, struct flow *f, struct transcoder *c)
{
	bool named[MEDIA_CODINGS_MAX];

	if (!c)
		return;
	for (uint32_t i = 0; i < MEDIA_CODINGS_MAX; i++)
		named[i] = c->list[i].decoder != NULL;
	if (!f->has_transcoder || !transcoder_is_like(transcoder_of(w, f), c->spec, named)) {
		transcoder_free(c);
		return;
	}
	transcoder_leave(w, f);
	transcoder_join(w, f, c);
}

/* ---- what is said ---- */

bool transcoder_is_for(const struct flow *f, const struct payload_rule *rule)
{
	return rule->coding || (rule->event && f->has_transcoder && !f->source.feeding);
}

/* One of the newest few that are done, or one before it. */
static bool transcoder_is_past(const struct transcoder *c, const struct pkt *p)
{
	uint16_t behind = (uint16_t)(c->sequence - p->sequence);

	return c->known && c->ssrc == p->ssrc && behind < SEQ_MISORDER_MAX;
}

static struct transcoder_packet *packet_at(struct transcoder *c, uint32_t i)
{
	return &c->packets[(c->first + i) % TRANSCODER_PACKETS_MAX];
}

/* Where it belongs among those that wait, in the order that it was sent in; c->count + 1: it is there already. */
static uint32_t transcoder_place_of(struct transcoder *c, const struct pkt *p)
{
	uint32_t i = c->count;

	for (; i > 0; i--) {
		const struct transcoder_packet *k = packet_at(c, i - 1);
		int16_t ahead = (int16_t)(p->sequence - k->sequence);

		if (k->ssrc != p->ssrc || ahead > 0 || ahead < -SEQ_MISORDER_MAX)
			return i;
		if (ahead == 0)
			return c->count + 1;
	}
	return i;
}

static void packet_keep(struct transcoder *c, uint32_t at, const struct pkt *p,
			const struct payload_rule *rule, uint64_t now_ns)
{
	struct transcoder_packet *k;

	for (uint32_t i = c->count++; i > at; i--)
		*packet_at(c, i) = *packet_at(c, i - 1);
	k = packet_at(c, at);
	k->at_ns = now_ns;
	k->ssrc = p->ssrc;
	k->timestamp = p->timestamp;
	k->sequence = p->sequence;
	k->marker = p->marker;
	k->event_hz = rule->event ? rule->clock_hz : 0;
	k->coding = rule->coding ? (uint8_t)(rule->coding - 1) : 0;
	k->payload_type = rule->out;
	k->length = p->payload_length;
	memcpy(k->octets, p->data + p->payload_at, p->payload_length);
}

enum verdict transcoder_queue(struct worker *w, const struct pkt *p)
{
	struct transcoder *c = transcoder_of(w, p->flow);
	const struct payload_rule *rule = flow_rule(p->flow, p->payload_type);
	uint32_t at;

	if (!c || c->count == TRANSCODER_PACKETS_MAX || p->payload_length > TRANSCODER_OCTETS_MAX)
		return VERDICT_TRANSCODER_FULL;
	at = transcoder_place_of(c, p);
	if (transcoder_is_past(c, p) || at > c->count)
		return VERDICT_LATE;
	packet_keep(c, at, p, rule, w->batch.now_ns);
	job_line_put(&w->transcoders.line, &c->place);
	return VERDICT_TRANSCODED;
}

/* ---- turns ---- */

static struct transcoder *transcoder_first(const struct transcoder_line *l)
{
	return CONTAINER_OF(l->line.first, struct transcoder, place);
}

void transcoder_turn(struct worker *w)
{
	struct transcoder_line *l = &w->transcoders;
	uint32_t left = TRANSCODER_SLICE_NS, cost;

	while (l->line.first &&
	       (left == TRANSCODER_SLICE_NS || transcoder_cost_ns(transcoder_first(l)) <= left)) {
		struct transcoder *c =
			CONTAINER_OF(job_line_take(&l->line), struct transcoder, place);

		cost = transcoder_cost_ns(c);
		transcoder_send(w, c);
		if (transcoder_has_work(c))
			job_line_put(&l->line, &c->place);
		left -= cost < left ? cost : left;
	}
}

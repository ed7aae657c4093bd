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

int coder_line_open(struct coder_line *l, uint32_t capacity)
{
	l->of = calloc(capacity, sizeof(struct coder *));
	return l->of ? 0 : -ENOMEM;
}

void coder_line_close(struct coder_line *l)
{
	assert(l->open == 0);
	free(l->of);
	l->of = NULL;
}

struct coder *coder_of(const struct worker *w, const struct flow *f)
{
	return f->has_coder ? w->coders.of[f->id.slot] : NULL;
}

void coder_free(struct coder *c)
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

static bool coder_is_like(const struct coder *c, const struct media_coding *spec, const bool *named)
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

static int coder_open(struct coder **out, const struct media_coding *spec, const bool *named,
		      uint32_t opus_hz)
{
	struct coder *c = calloc(1, sizeof(*c));
	int err = c ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < MEDIA_CODINGS_MAX; i++) {
		c->spec[i] = spec[i];
		if (named[i])
			err = coding_open(&c->list[i], &spec[i], opus_hz);
	}
	if (err)
		coder_free(c);
	else
		*out = c;
	return err;
}

static void coder_join(struct worker *w, struct flow *f, struct coder *c)
{
	c->slot = f->id.slot;
	w->coders.of[c->slot] = c;
	f->has_coder = 1;
	w->coders.open++;
	metric_set(w->metrics->coders, w->coders.open);
	if (coder_has_work(c))
		job_line_put(&w->coders.line, &c->place);
}

struct coder *coder_pack(struct worker *w, struct flow *f)
{
	struct coder *c = coder_of(w, f);

	if (!c)
		return NULL;
	job_line_forget(&w->coders.line, &c->place);
	f->has_coder = 0;
	w->coders.open--;
	metric_set(w->metrics->coders, w->coders.open);
	return c;
}

void coder_leave(struct worker *w, struct flow *f)
{
	coder_free(coder_pack(w, f));
}

int coder_set(struct worker *w, struct flow *f, const struct flow_spec *spec)
{
	struct media_coding codings[MEDIA_CODINGS_MAX];
	bool named[MEDIA_CODINGS_MAX];
	bool any = codings_of(spec, codings, named);
	struct coder *c = NULL;
	int err = 0;

	if (any && f->has_coder && coder_is_like(coder_of(w, f), codings, named))
		return 0;
	coder_leave(w, f);
	if (any)
		err = coder_open(&c, codings, named, opus_hz_of(w));
	if (c)
		coder_join(w, f, c);
	return err;
}

void coder_arrive(struct worker *w, struct flow *f, struct coder *c)
{
	bool named[MEDIA_CODINGS_MAX];

	if (!c)
		return;
	for (uint32_t i = 0; i < MEDIA_CODINGS_MAX; i++)
		named[i] = c->list[i].decoder != NULL;
	if (!f->has_coder || !coder_is_like(coder_of(w, f), c->spec, named)) {
		coder_free(c);
		return;
	}
	coder_leave(w, f);
	coder_join(w, f, c);
}

/* ---- what is said ---- */

bool coder_is_for(const struct flow *f, const struct payload_rule *rule)
{
	return rule->coding || (rule->event && f->has_coder && !f->source.feeding);
}

/* One of the newest few that are done, or one before it. */
static bool coder_is_past(const struct coder *c, const struct pkt *p)
{
	uint16_t behind = (uint16_t)(c->sequence - p->sequence);

	return c->known && c->ssrc == p->ssrc && behind < SEQ_MISORDER_MAX;
}

static struct coder_packet *packet_at(struct coder *c, uint32_t i)
{
	return &c->packets[(c->first + i) % CODER_PACKETS_MAX];
}

/* Where it belongs among those that wait, in the order that it was sent in; c->count + 1: it is there already. */
static uint32_t coder_place_of(struct coder *c, const struct pkt *p)
{
	uint32_t i = c->count;

	for (; i > 0; i--) {
		const struct coder_packet *k = packet_at(c, i - 1);
		int16_t ahead = (int16_t)(p->sequence - k->sequence);

		if (k->ssrc != p->ssrc || ahead > 0 || ahead < -SEQ_MISORDER_MAX)
			return i;
		if (ahead == 0)
			return c->count + 1;
	}
	return i;
}

static void packet_keep(struct coder *c, uint32_t at, const struct pkt *p,
			const struct payload_rule *rule, uint64_t now_ns)
{
	struct coder_packet *k;

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

enum verdict coder_take(struct worker *w, const struct pkt *p)
{
	struct coder *c = coder_of(w, p->flow);
	const struct payload_rule *rule = flow_rule(p->flow, p->payload_type);
	uint32_t at;

	if (!c || c->count == CODER_PACKETS_MAX || p->payload_length > CODER_OCTETS_MAX)
		return VERDICT_CODER_FULL;
	at = coder_place_of(c, p);
	if (coder_is_past(c, p) || at > c->count)
		return VERDICT_LATE;
	packet_keep(c, at, p, rule, w->batch.now_ns);
	job_line_put(&w->coders.line, &c->place);
	return VERDICT_CODED;
}

/* ---- turns ---- */

static struct coder *coder_first(const struct coder_line *l)
{
	return CONTAINER_OF(l->line.first, struct coder, place);
}

void coder_turn(struct worker *w)
{
	struct coder_line *l = &w->coders;
	uint32_t left = CODER_SLICE_NS, cost;

	while (l->line.first && (left == CODER_SLICE_NS || coder_cost_ns(coder_first(l)) <= left)) {
		struct coder *c = CONTAINER_OF(job_line_take(&l->line), struct coder, place);

		cost = coder_cost_ns(c);
		coder_say(w, c);
		if (coder_has_work(c))
			job_line_put(&l->line, &c->place);
		left -= cost < left ? cost : left;
	}
}

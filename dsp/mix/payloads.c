/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encodes what the members of a mix hear, once per encoding and not once per member (payloads.h). A
 * group is the members with the same codec, settings and packet time; it has one shared stream, and
 * a stream of its own for each member that hears something else. Streams are copied at the switch,
 * so a decoder never meets another encoder's state. The work can be cut into steps of known cost,
 * because a worker must not be busy for long between two rounds of packets.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/mix/payloads.h"
#include "dsp/voice.h"

enum { GROUP_LINE = 64 };

static void group_close(struct group *g)
{
	for (uint32_t i = 0; i < g->own_n; i++)
		packer_close(g->own[i].packer);
	packer_close(g->shared);
	free(g->own);
	free(g);
}

static bool group_is_stateless(const char *codec)
{
	return !strcmp(codec, "PCMU") || !strcmp(codec, "PCMA") || !strcmp(codec, "L16");
}

static void group_set(struct group *g, const struct packer_settings *s)
{
	struct codec_format f = encoder_format(g->shared->encoder);

	g->s = *s;
	g->s.encoder.codec = f.codec; /* outlives the caller's */
	g->samples = f.samples;
	g->clock_hz = f.clock;
	g->units = (uint32_t)((uint64_t)f.samples * f.clock / f.rate);
	g->packet = 1;
	g->cost_ns = encoder_cost_ns(g->shared->encoder);
	g->modes = !strcmp(f.codec, "opus");
	g->return_ms = g->modes ? PAYLOADS_RETURN_MS : PAYLOADS_RETURN_ADPCM_MS;
	if (group_is_stateless(f.codec)) {
		g->return_ms = 0;
		g->plain = packer_is_plain(g->shared, &g->s);
	}
}

/* own_max: streams of their own that members may have. 0, -EINVAL, -ENOTSUP, -ENOMEM */
static int group_open(struct group **out, const struct packer_settings *s, uint32_t rate,
		      uint32_t samples, uint32_t own_max)
{
	struct group *g = calloc(1, sizeof(*g));
	int err = g ? packer_open(&g->shared, s, rate, samples) : -ENOMEM;

	if (err) {
		free(g);
		return err;
	}
	group_set(g, s);
	if (!g->plain)
		g->own_max = own_max;
	if (g->own_max)
		g->own = calloc(g->own_max, sizeof(*g->own));
	if (g->own_max && !g->own) {
		group_close(g);
		return -ENOMEM;
	}
	*out = g;
	return 0;
}

/* One more of these, unless there are as many as members. 0, -ENOMEM */
static int group_grow(struct group *g)
{
	struct own *o;
	int err;

	if (g->own_n >= g->own_max || g->own_n >= g->members)
		return 0;
	o = &g->own[g->own_n];
	err = packer_open(&o->packer, &g->s, g->shared->convert.from, g->shared->convert.samples);
	if (err)
		return err;
	o->member = MIX_NOBODY;
	g->own_n++;
	g->copies = packer_copy(o->packer, g->shared, 0);
	return 0;
}

static bool encoder_is_like(const struct encoder_settings *a, const struct encoder_settings *b)
{
	return !strcmp(a->codec, b->codec) && a->packet_ms == b->packet_ms &&
	       a->bit_rate == b->bit_rate && a->complexity == b->complexity && a->rate == b->rate &&
	       a->bandwidth_hz == b->bandwidth_hz && a->loss_percent == b->loss_percent &&
	       a->voice == b->voice;
}

static bool group_is_of(const struct group *g, const struct packer_settings *s)
{
	return encoder_is_like(&g->s.encoder, &s->encoder) && g->s.pause == s->pause &&
	       g->s.comfort_level == s->comfort_level;
}

/* Prefetches its streams, up to those of talkers; the group itself is there, or waited for now. */
static void group_fetch(const struct group *g)
{
	__builtin_prefetch(g->shared, 1);
	__builtin_prefetch(g->shared->octets[0], 1);
	for (uint32_t i = 0; i < g->own_n; i++) {
		if (g->own[i].member == MIX_NOBODY)
			continue;
		__builtin_prefetch(g->own[i].packer, 1);
		__builtin_prefetch(&g->own[i].packer->packets, 1);
		__builtin_prefetch(g->own[i].packer->octets[0], 1);
		__builtin_prefetch(g->own[i].packer->octets[0] + GROUP_LINE, 1);
		__builtin_prefetch(g->own[i].packer->octets[0] + 2 * GROUP_LINE, 1);
	}
}

/* A member hears the shared stream again, after its encoder has missed what came meanwhile. */
static void group_wake(struct group *g)
{
	int err = g->idle ? encoder_reset(g->shared->encoder) : 0;

	assert(!err); /* what can be copied is idle alone, and needs no memory */
	g->idle = false;
}

/* The shared stream, heard by no member, becomes a copy of this one: a return is inaudible. */
static void group_adopt(struct group *g, const struct packer *from)
{
	int err = encoder_copy(g->shared->encoder, from->encoder);

	assert(!err);
	g->shared->paused = from->paused;
	g->shared->kept_ms = from->kept_ms;
	g->shared->toc = from->toc;
	g->idle = false;
}

enum {
	QUIET_LEVEL = 55, /* -dBov: of its own voice a member may hear this */
	REST_NS = 100,    /* about: a packet without its encoder */
};

struct payloads_member {
	struct group *group; /* NULL: it is not here */
	struct own *own;     /* NULL: it has the shared stream */
	uint32_t starved;    /* number of the packet that it did not get; 0: it got all */
	uint32_t resumed; /* number of the packet with which its pause ended, but not that of all */
};

struct payloads {
	struct mix *mix;
	struct mix_settings s;
	uint32_t own_max;
	uint32_t cost_ns; /* of a step of the dearest encoding that there was */
	struct payloads_counts counts;
	uint32_t groups_n; /* the places behind these are unused */
	struct group *groups[PAYLOADS_GROUPS_MAX];
	struct payloads_member members[];
};

/* ---- open, join, leave ---- */

/* Its place, or the first free one; NULL if all are taken. */
static struct group **group_place(struct payloads *p, const struct packer_settings *s)
{
	struct group **place = NULL;

	for (uint32_t i = PAYLOADS_GROUPS_MAX; i-- > 0;) {
		if (p->groups[i] && group_is_of(p->groups[i], s))
			return &p->groups[i];
		if (!p->groups[i])
			place = &p->groups[i];
	}
	return place;
}

/* A talker that falls silent keeps its stream for a while. */
static uint32_t own_usual(const struct mix_settings *s)
{
	if (s->talkers == MIX_TALKERS_ALL)
		return s->members;
	return s->talkers + PAYLOADS_HANG_OVER;
}

int payloads_open(struct payloads **out, struct mix *m, uint32_t own)
{
	struct mix_settings s = mix_settings_of(m);
	struct payloads *p;

	if (own > PAYLOADS_OWN_MAX)
		return -EINVAL;
	p = calloc(1, sizeof(*p) + s.members * sizeof(p->members[0]));
	if (!p)
		return -ENOMEM;
	p->mix = m;
	p->s = s;
	p->own_max = own ? own : own_usual(&s);
	*out = p;
	return 0;
}

void payloads_close(struct payloads *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < PAYLOADS_GROUPS_MAX; i++) {
		if (p->groups[i])
			group_close(p->groups[i]);
	}
	free(p);
}

static struct payloads_member *payloads_member(struct payloads *p, uint32_t member)
{
	assert(member < p->s.members && p->members[member].group);
	return &p->members[member];
}

int payloads_join(struct payloads *p, uint32_t member, const struct packer_settings *given)
{
	struct packer_settings s = *given;
	struct group **place;
	int err = packer_defaults(&s, p->s.rate);

	assert(member < p->s.members && !p->members[member].group);
	if (err)
		return err;
	place = group_place(p, &s);
	if (!place)
		return -ENOSPC;
	if (!*place)
		err = group_open(place, &s, p->s.rate, mix_samples(p->mix), p->own_max);
	if (err)
		return err;
	if (place - p->groups >= p->groups_n)
		p->groups_n = (uint32_t)(place - p->groups) + 1;
	if (p->cost_ns < (*place)->cost_ns)
		p->cost_ns = (*place)->cost_ns;
	(*place)->members++;
	p->members[member] = (struct payloads_member){ .group = *place };
	err = group_grow(*place);
	if (err) {
		payloads_leave(p, member);
		return err;
	}
	group_wake(*place);
	payloads_missed(p, member);
	return 0;
}

static void own_free(struct payloads *p, struct group *g, struct own *o)
{
	p->members[o->member].own = NULL;
	o->member = MIX_NOBODY;
	g->used--;
}

static void payloads_forget(struct payloads *p, struct group *g)
{
	for (uint32_t i = 0; i < PAYLOADS_GROUPS_MAX; i++) {
		if (p->groups[i] == g)
			p->groups[i] = NULL;
	}
	while (p->groups_n > 0 && !p->groups[p->groups_n - 1])
		p->groups_n--;
	group_close(g);
}

void payloads_leave(struct payloads *p, uint32_t member)
{
	struct payloads_member *of = payloads_member(p, member);
	struct group *g = of->group;

	if (of->own)
		own_free(p, g, of->own);
	*of = (struct payloads_member){ 0 };
	if (--g->members == 0)
		payloads_forget(p, g);
}

struct codec_format payloads_format(const struct payloads *p, uint32_t member)
{
	assert(member < p->s.members && p->members[member].group);
	return encoder_format(p->members[member].group->shared->encoder);
}

void payloads_missed(struct payloads *p, uint32_t member)
{
	const struct payloads_member *of = payloads_member(p, member);

	encoder_look_forward(of->own ? of->own->packer->encoder : of->group->shared->encoder);
}

/* ---- own streams ---- */

/* Whether one of both (what it hears, what all hear) has its own voice or a coach's. Not asked for
 * stateless codecs. */
static bool group_differs(const struct payloads *p, const struct group *g, struct mix_input h)
{
	const int16_t *all = mix_shared(p->mix);
	uint32_t n = mix_samples(p->mix);
	int16_t less[MIX_SAMPLES_MAX];

	if (h.shared || !h.pcm)
		return false;
	if (g->return_ms == 0)
		return true;
	for (uint32_t i = 0; i < n; i++) {
		int32_t d = h.pcm[i] - all[i];

		less[i] = (int16_t)(d > INT16_MAX ? INT16_MAX : d < -INT16_MAX ? -INT16_MAX : d);
	}
	return voice_level(voice_energy(less, n), n) < QUIET_LEVEL;
}

/* What each with a stream of its own hears goes into that. */
static void group_listen(struct payloads *p, struct group *g)
{
	for (uint32_t i = 0; i < g->own_n; i++) {
		struct own *o = &g->own[i];
		struct mix_input h;

		if (o->member == MIX_NOBODY)
			continue;
		h = mix_input(p->mix, o->member);
		if (!h.pcm) {
			own_free(p, g, o);
			group_wake(g);
			continue;
		}
		o->quiet_ms = group_differs(p, g, h) ? 0 : o->quiet_ms + p->s.tick_ms;
		(void)packer_put(o->packer, h.pcm, g->filled);
	}
}

/* With the next shared packet. */
static void group_return(struct payloads *p, struct group *g, struct own *o)
{
	struct payloads_member *of = &p->members[o->member];

	if (g->idle)
		group_adopt(g, o->packer);
	else
		encoder_look_forward(g->shared->encoder);
	if (o->packer->paused)
		of->resumed = g->packet;
	own_free(p, g, o);
	p->counts.returns++;
}

/* All of the packet that is about to be made must be what all hear. */
static bool group_is_due(const struct group *g, const struct own *o)
{
	uint32_t packet_ms = g->s.encoder.packet_ms;
	uint32_t need = g->return_ms > packet_ms ? g->return_ms : packet_ms;
	bool same = !g->modes || g->idle || (o->packer->toc ^ g->shared->toc) >> 3 == 0;

	return o->quiet_ms >= need + (same ? 0 : PAYLOADS_MODE_WAIT_MS);
}

/* A free one, or that of the member that is quiet for longest. */
static struct own *group_free_own(struct payloads *p, struct group *g)
{
	struct own *longest = NULL;

	for (uint32_t i = 0; i < g->own_n; i++) {
		struct own *o = &g->own[i];

		if (o->member == MIX_NOBODY)
			return o;
		if (o->quiet_ms > (longest ? longest->quiet_ms : 0))
			longest = o;
	}
	if (longest) {
		group_return(p, g, longest);
		p->counts.hurried++;
	}
	return longest;
}

static void group_starve(struct group *g, struct payloads_member *of)
{
	if (of->starved != g->packet)
		g->starved++;
	of->starved = g->packet;
}

/* It continues from the last shared packet, with the present part of the next one. */
static void payloads_claim(struct payloads *p, uint32_t member, const int16_t *pcm)
{
	struct payloads_member *of = &p->members[member];
	struct group *g = of->group;
	struct own *o = group_free_own(p, g);

	if (!o) {
		group_starve(g, of);
		return;
	}
	(void)packer_copy(o->packer, g->shared, g->filled);
	(void)packer_put(o->packer, pcm, g->filled);
	o->member = member;
	o->quiet_ms = 0;
	of->own = o;
	g->used++;
	p->counts.copies++;
}

static void payloads_claims(struct payloads *p)
{
	uint32_t at = 0, member;

	while (mix_apart(p->mix, &at, &member)) {
		const struct payloads_member *of = &p->members[member];
		struct mix_input h;

		if (!of->group || of->own)
			continue;
		if (of->group->plain) {
			of->group->used++;
			continue;
		}
		h = mix_input(p->mix, member);
		if (group_differs(p, of->group, h))
			payloads_claim(p, member, h.pcm);
	}
}

/* ---- ticks ---- */

/* What it cost, about, in ns. */
static uint32_t group_encode(struct payloads *p, const struct group *g, struct packer *s,
			     uint64_t *count)
{
	uint32_t ns = REST_NS;

	for (uint32_t i = 0; i < g->made; i++) {
		if (packer_make(s, &g->s, i, i * g->samples)) {
			ns += g->cost_ns;
			(*count)++;
		} else {
			p->counts.rested++;
		}
	}
	return ns;
}

/* A member without a packet has a decoder that missed it. */
static void group_starved(struct payloads *p, struct group *g)
{
	if (g->starved == 0)
		return;
	p->counts.starved += g->starved * g->made;
	encoder_look_forward(g->shared->encoder);
	for (uint32_t i = 0; i < g->own_n; i++) {
		const struct own *o = &g->own[i];

		if (o->member != MIX_NOBODY && p->members[o->member].starved == g->packet)
			encoder_look_forward(o->packer->encoder);
	}
	g->starved = 0;
}

/* Its packets are full: members and streams are fixed until all packets are made. */
static void group_packets_start(struct payloads *p, struct group *g)
{
	for (uint32_t i = 0; i < g->own_n; i++) {
		if (g->own[i].member != MIX_NOBODY && group_is_due(g, &g->own[i]))
			group_return(p, g, &g->own[i]);
	}
	g->idle = g->copies && g->used == g->members;
	g->made = g->filled / g->samples;
	g->next = 0;
}

static void group_end(struct payloads *p, struct group *g)
{
	group_starved(p, g);
	g->filled = 0;
	g->packet++;
}

/* The shared stream, if a member hears it. */
static void group_pack(struct payloads *p, struct group *g)
{
	g->idle = g->used == g->members;
	g->made = 1;
	if (!g->idle) {
		packer_pack(g->shared, mix_shared(p->mix));
		p->counts.shared++;
	}
	g->packet++;
}

static void group_tick(struct payloads *p, struct group *g)
{
	g->filled += packer_put(g->shared, mix_shared(p->mix), g->filled);
	g->made = 0;
	if (g->filled >= g->samples)
		group_packets_start(p, g);
}

void payloads_fetch(const struct payloads *p, bool first)
{
	if (first) {
		__builtin_prefetch(p, 1);
		__builtin_prefetch(p->members, 1);
		return;
	}
	for (uint32_t i = 0; i < p->groups_n; i++) {
		if (p->groups[i])
			group_fetch(p->groups[i]);
	}
}

void payloads_fetch_member(const struct payloads *p, uint32_t member)
{
	__builtin_prefetch(&p->members[member]);
}

void payloads_tick(struct payloads *p)
{
	for (uint32_t i = 0; i < p->groups_n; i++) {
		struct group *g = p->groups[i];

		if (g && g->plain)
			g->used = 0;
		else if (g)
			group_listen(p, g);
	}
	payloads_claims(p);
	for (uint32_t i = 0; i < p->groups_n; i++) {
		struct group *g = p->groups[i];

		if (g && g->plain)
			group_pack(p, g);
		else if (g)
			group_tick(p, g);
	}
}

static bool group_is_full(const struct group *g)
{
	return g && g->made > 0 && g->filled >= g->samples;
}

/* The shared stream, then those of their own. 0: all are made. */
static uint32_t group_step(struct payloads *p, struct group *g)
{
	if (g->next++ == 0 && !g->idle)
		return group_encode(p, g, g->shared, &p->counts.shared);

	for (; g->next <= g->own_n + 1; g->next++) {
		const struct own *o = g->next < 2 ? NULL : &g->own[g->next - 2];

		if (o && o->member != MIX_NOBODY)
			return group_encode(p, g, o->packer, &p->counts.own);
	}
	group_end(p, g);
	return 0;
}

uint32_t payloads_step(struct payloads *p)
{
	for (uint32_t i = 0; i < p->groups_n; i++) {
		uint32_t ns = group_is_full(p->groups[i]) ? group_step(p, p->groups[i]) : 0;

		if (ns)
			return ns;
	}
	return 0;
}

uint32_t payloads_cost_ns(const struct payloads *p)
{
	return p->cost_ns;
}

void payloads_make(struct payloads *p)
{
	payloads_tick(p);
	while (payloads_step(p) > 0)
		continue;
}

static bool packer_says(const struct packer *s, uint32_t made)
{
	for (uint32_t i = 0; i < made; i++) {
		if (s->packets[i].kind != PACKER_NOTHING)
			return true;
	}
	return false;
}

static bool group_says(const struct group *g)
{
	bool says = g->plain || (!g->idle && packer_says(g->shared, g->made));

	for (uint32_t i = 0; i < g->own_n && !says; i++)
		says = g->own[i].member != MIX_NOBODY && packer_says(g->own[i].packer, g->made);
	return says;
}

bool payloads_any(const struct payloads *p)
{
	for (uint32_t i = 0; i < p->groups_n; i++) {
		if (p->groups[i] && group_says(p->groups[i]))
			return true;
	}
	return false;
}

/* Of a codec without a past, for this member alone. */
static void own_pack(struct payloads *p, const struct group *g, uint32_t member,
		     struct payloads_space *space)
{
	const int16_t *pcm = mix_input(p->mix, member).pcm;

	space->packet = packer_say_to(g->shared, pcm, space->octets);
	p->counts.own++;
}

struct payloads_sent payloads_of(struct payloads *p, uint32_t member, struct payloads_space *space)
{
	const struct payloads_member *of = &p->members[member];
	const struct group *g = of->group;

	assert(member < p->s.members && g);

	const struct packer *s = of->own ? of->own->packer : g->shared;
	bool resumed = of->resumed == g->packet - 1 && s->packets[0].kind == PACKER_SOUND;
	struct payloads_sent sent = { .packets = s->packets,
				      .count = g->made,
				      .clock_hz = g->clock_hz,
				      .units = g->units,
				      .subject = of->own ? PAYLOADS_OWN : PAYLOADS_SHARED,
				      .begins = g->made && (resumed || s->packets[0].begins) };

	if (mix_is_deaf(p->mix, member))
		return (struct payloads_sent){ .subject = PAYLOADS_DEAF };
	if (of->starved && of->starved == g->packet - 1)
		return (struct payloads_sent){ .subject = PAYLOADS_STARVED };
	if (g->plain && mix_is_apart(p->mix, member)) {
		own_pack(p, g, member, space);
		sent.packets = &space->packet;
		sent.subject = PAYLOADS_OWN;
	}
	return sent;
}

struct payloads_counts payloads_counts(const struct payloads *p)
{
	return p->counts;
}

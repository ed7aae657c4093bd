/* SPDX-License-Identifier: Apache-2.0 */
#include "dsp/mix/group.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { GROUP_LINE = 64 };

void group_close(struct group *g)
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

int group_open(struct group **out, const struct packer_settings *s, uint32_t rate, uint32_t samples,
	       uint32_t own_max)
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

int group_grow(struct group *g)
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

bool group_is_of(const struct group *g, const struct packer_settings *s)
{
	return encoder_is_like(&g->s.encoder, &s->encoder) && g->s.pause == s->pause &&
	       g->s.comfort_level == s->comfort_level;
}

/* Its streams, up to those that talkers have; it is there itself, or waited for now. */
void group_fetch(const struct group *g)
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

void group_wake(struct group *g)
{
	int err = g->idle ? encoder_reset(g->shared->encoder) : 0;

	assert(!err); /* what can be copied is idle alone, and needs no memory */
	g->idle = false;
}

void group_take(struct group *g, const struct packer *from)
{
	int err = encoder_copy(g->shared->encoder, from->encoder);

	assert(!err);
	g->shared->paused = from->paused;
	g->shared->kept_ms = from->kept_ms;
	g->shared->toc = from->toc;
	g->idle = false;
}

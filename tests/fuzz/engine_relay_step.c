/* SPDX-License-Identifier: Apache-2.0 */
/* A step, and what must hold after each. */
#include <assert.h>

#include "engine/worker/worker.h"
#include "tests/fuzz/engine_relay.h"

uint64_t relay_dropped(const struct fuzz *f)
{
	uint64_t n = 0;

	for (enum verdict v = VERDICT_RELAY + 1; v < VERDICT_COUNT; v++)
		n += metric_value(f->metrics.dropped[v]);
	return n;
}

static bool is_heard_of(const struct fuzz *f, uint32_t slot, enum channel c, const struct addr *a)
{
	for (uint8_t i = 0; i < 8; i++) {
		struct addr other = relay_address(i);

		if (f->sent_from[slot][c][i] && addr_eq(a, &other))
			return true;
	}
	return false;
}

bool relay_is_proven(const struct fuzz *f, uint32_t slot, const struct addr *a)
{
	const struct flow_spec *s = &f->spec[slot];

	if (s->bundle.generation != 0) {
		slot = s->bundle.slot;
		if (!flow_find(&f->w.flows, s->bundle) || !spec_is_ice(&f->spec[slot]))
			return false;
	}
	for (uint8_t i = 0; i < 7; i++) {
		struct addr other = relay_address(i);
		uint64_t at_ns = f->proven_ns[slot][i];

		if (at_ns && addr_eq(a, &other))
			return f->stepped_ns < at_ns + ICE_CONSENT_NS + TICK_NS;
	}
	return false;
}

/* May this flow have latched that source? */
static bool is_lawful(const struct fuzz *f, uint32_t slot, enum channel c)
{
	const struct flow_spec *s = &f->spec[slot];
	const struct addr *signalled = c == CHANNEL_RTP ? &s->remote_rtp : &s->remote_rtcp;
	const struct addr *source = &flow_latch(&f->w.flows.list[slot], c)->source;

	if (source->family == ADDR_NONE)
		return true;
	if (spec_has_pairs(s))
		return relay_is_proven(f, slot, source);
	if (!is_heard_of(f, slot, c, source))
		return false;
	switch (s->latch) {
	case LATCH_STRICT:
		return addr_eq(source, signalled);
	case LATCH_SAME_IP: /* RTCP may come from beside the RTP, too */
		return addr_ip_eq(source, signalled) || addr_ip_eq(source, &s->remote_rtp);
	case LATCH_ANY_ONCE:
		return true;
	}
	return false;
}

static void connection_check(const struct fuzz *f, uint32_t slot)
{
	const struct addr *to = &f->sim->connected[slot];

	assert(to->family == ADDR_NONE || !spec_has_pairs(&f->spec[slot]));
	assert(to->family == ADDR_NONE ||
	       addr_eq(to, &flow_latch(&f->w.flows.list[slot], CHANNEL_RTP)->source));
}

static void counters_check(struct fuzz *f)
{
	uint64_t in = metric_value(f->metrics.packets_in) - f->in;
	uint64_t made = metric_value(f->metrics.made) - f->made;

	assert(made == f->sim->lent);
	assert(in + made == f->sim->sent + f->sim->forgotten);
	assert(metric_value(f->metrics.packets_out) - f->out == f->sim->sent);
	assert(relay_dropped(f) - f->dropped == f->sim->forgotten);
}

void relay_step(struct fuzz *f)
{
	uint64_t now_ns = f->sim->now_ns;

	worker_step(&f->w);
	assert(f->sim->buffers_out == 0 && f->w.batch.count == 0);
	counters_check(f);
	relay_sent_check(f);
	relay_jobs_check(f);
	relay_coded_check(f);
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		assert(f->w.flows.list[slot].marked == (f->sim->over[slot].slot != 0));
		if (f->w.flows.list[slot].id.generation == 0)
			continue;
		connection_check(f, slot);
		for (int c = 0; c < CHANNELS; c++)
			assert(is_lawful(f, slot, (enum channel)c));
	}
	f->stepped_ns = now_ns;
	f->check_ns = 0;
}

void relay_events_read(struct fuzz *f, uint32_t max)
{
	struct media_event event;

	while (max-- > 0 && ring_pop(&f->w.events, &event, 1) == 1) {
		assert(event.kind <= MEDIA_JOB_CLOSED);
		f->closed += event.kind == MEDIA_FLOW_CLOSED;
		assert(f->closed <= f->closes);
		f->job_closed += event.kind == MEDIA_JOB_CLOSED;
		assert(f->job_closed <= f->job_closes);
		if (event.kind == MEDIA_JOB_CLOSED)
			media_sound_unref(event.sound);
	}
}

void relay_commands_settle(struct fuzz *f)
{
	while (!ring_is_empty(&f->w.commands) || f->w.holds) {
		relay_events_read(f, EVENTS);
		relay_step(f);
	}
}

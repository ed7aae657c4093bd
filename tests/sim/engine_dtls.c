/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes of browsers (RFC 5764): keys that control hears of, and the flight that waits for their save. */
#include <string.h>

#include "tests/sim/sim.h"

enum { CHECK_MS = 50, HANDSHAKE_KEY = 30, FLIGHT_OCTETS = 75 };

static bool wants_keys(const struct engine_flow *f)
{
	return f->spec.dtls.role != DTLS_NONE && f->spec.dtls.peer.hash != MEDIA_HASH_NONE &&
	       f->spec.bundle.generation == 0 && f->spec.key_out.suite == MEDIA_SUITE_NONE;
}

static struct media_key key_make(struct sim *s)
{
	struct media_key key = { .suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80,
				 .length = HANDSHAKE_KEY };

	rand_fill(&s->rand, key.octets, HANDSHAKE_KEY);
	return key;
}

/* All that share its transport (RFC 9143). */
static void call_digits_take(struct sim *s, struct engine_flow *owner, const struct media_event *ev)
{
	for (uint32_t i = 0; i < ENGINE_FLOWS_MAX; i++) {
		struct engine_flow *f = &s->engine.flows[i];

		if (!f->open || f->node != owner->node ||
		    (f != owner && !flow_id_eq(f->spec.bundle, owner->spec.id)))
			continue;
		engine_key(s, f, &ev->key_in, &ev->key_out);
	}
}

static void handshake(struct sim *s, struct engine_flow *f, struct phone_call *c)
{
	struct media_event ev = engine_event_of(f, MEDIA_FLOW_KEYED);

	ev.association = f->spec.dtls.association;
	ev.key_in = key_make(s);
	ev.key_out = key_make(s);
	if (!phone_web_begin(c, &ev.key_out))
		return;
	trace_line(s, "engine: keys of association %u for port %u", ev.association,
		   f->spec.local_rtp.port);
	ev.resume = f->spec.resume;
	ev.resume.source_rtp = c->phone->addr;
	ev.flight.length = FLIGHT_OCTETS;
	call_digits_take(s, f, &ev);
	check_keyed(s, ev.call, ev.leg);
	node_media_event(f->node, &ev);
}

static void on_check(struct sim *s, const struct event *e)
{
	struct engine_flow *f = engine_flow_at(s, e);
	struct phone_call *c;

	if (!f || !wants_keys(f))
		return;
	c = phone_web_find(s, f->spec.ice.ufrag);
	if (c && c->sdp.agreed)
		handshake(s, f, c);
	else
		sim_after(s, CHECK_MS * NS_PER_MS, on_check, e->who, e->a, 0);
}

void engine_dtls_look(struct sim *s, struct engine_flow *f)
{
	if (wants_keys(f))
		sim_after(s, CHECK_MS * NS_PER_MS, on_check, (uint32_t)(f - s->engine.flows),
			  f->serial, 0);
}

/* The keys of an update may be older than those that are there, unless it is about another association (media/flow.h). */
void engine_dtls_update(struct engine_flow *f, const struct flow_spec *before)
{
	bool same = f->spec.dtls.role != DTLS_NONE &&
		    f->spec.dtls.association == before->dtls.association;

	if (same && before->key_out.suite != MEDIA_SUITE_NONE) {
		f->spec.key_in = before->key_in;
		f->spec.key_out = before->key_out;
	}
}

void engine_flight(struct sim *s, struct engine_flow *f)
{
	struct phone_call *c = phone_web_find(s, f->spec.ice.ufrag);

	check_flight(s, f->spec.call, f->spec.leg);
	if (c)
		phone_web_finish(s, c, &f->spec.key_out);
}

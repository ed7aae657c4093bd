/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/siprec_media.h"

#include <stdlib.h>
#include <string.h>

#include "media/crypto.h"

/* ---- ports and keys ---- */

void siprec_give_ports(struct call_host *h, struct siprec *s)
{
	for (unsigned i = 0; s->has_ports && i < FORK_STREAMS; i++)
		(void)ports_give(&h->ports[s->network], s->ports[i], h->now.ns);
	s->has_ports = false;
	explicit_bzero(s->keys, sizeof(s->keys));
}

static void siprec_make_keys(struct call_host *h, struct siprec *s)
{
	for (unsigned i = 0; i < FORK_STREAMS; i++) {
		s->keys[i] = (struct media_key){ .suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80,
						 .length = crypto_key_length(
							 MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80) };
		rand_fill(h->rand, s->keys[i].octets, s->keys[i].length);
	}
}

bool siprec_take_ports(struct call_host *h, struct siprec *s)
{
	struct ports *ports;

	if (s->has_ports)
		return true;
	s->network = (uint8_t)h->settings->locals[s->dialog.hop.local].network;
	ports = &h->ports[s->network];
	if (ports->free_count < ports->pair_count / 8 || ports_take(ports, h->now.ns, &s->ports[0]))
		return false;
	if (ports_take(ports, h->now.ns, &s->ports[1])) {
		(void)ports_give(ports, s->ports[0], h->now.ns);
		return false;
	}
	s->has_ports = true;
	if (h->settings->siprec.srtp)
		siprec_make_keys(h, s);
	return true;
}

/* ---- what is copied ---- */

static void siprec_fork(struct call_host *h, const struct call *c, const struct recording *r,
			const struct media_fork *fork)
{
	struct effect *e = effects_add(h->effects, EFFECT_FORK);

	if (!e)
		return;
	e->call = c->id;
	e->record.number = r->number;
	e->fork = fork ? malloc(sizeof(*fork)) : NULL;
	if (e->fork)
		*e->fork = *fork;
}

void siprec_fork_end(struct call_host *h, const struct call *c, const struct recording *r)
{
	if (r->siprec->forks)
		siprec_fork(h, c, r, NULL);
	r->siprec->forks = false;
	explicit_bzero(&r->siprec->fork, sizeof(r->siprec->fork));
}

/* Of what the recorder takes: who may be heard now. Whom it knows nothing of yet is not sent. */
static struct media_fork siprec_fork_of(const struct siprec *s, const struct siprec_talk *t)
{
	struct media_fork fork = s->answer;

	for (unsigned i = 0; i < FORK_STREAMS; i++) {
		const struct siprec_party *p = &t->party[i];

		if (!p->there || !p->speaks || fork.stream[i].leg != p->id ||
		    fork.stream[i].line != p->line)
			fork.stream[i].on = 0;
	}
	return fork;
}

void siprec_fork_settle(struct call_host *h, const struct call *c, const struct recording *r,
			const struct siprec_talk *t)
{
	struct siprec *s = r->siprec;
	struct media_fork fork = siprec_fork_of(s, t);

	if (!s->forks || memcmp(&fork, &s->fork, sizeof(fork)) != 0) {
		siprec_fork(h, c, r, &fork);
		s->fork = fork;
		s->forks = true;
	}
	explicit_bzero(&fork, sizeof(fork));
}

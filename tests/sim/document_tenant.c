/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents of the phones' tenant that operators change while calls are on. Who is disabled begins no call and does not register, and its
 * calls go on. A profile counts for parties that come: who is in a call keeps what he came with.
 */
#include <assert.h>

#include "tests/sim/decoys.h"
#include "tests/sim/sim.h"

enum { KNOWN_MS = 1000 };

static uint64_t switched(const struct sim *s, uint64_t since_ns)
{
	return since_ns ? 0 : s->now_ns;
}

static bool is_behind(const struct phone_call *c, uint64_t since_ns)
{
	return since_ns && c->caller && c->begin_ns > since_ns + KNOWN_MS * NS_PER_MS;
}

void document_tenant_switch(struct sim *s)
{
	if (s->documents.shut_ns)
		s->documents.opened_ns = s->now_ns;
	s->documents.shut_ns = switched(s, s->documents.shut_ns);
	for (uint32_t i = 0; i < s->node_count; i++) {
		if (s->nodes[i].tenants)
			decoys_tenant_put(&s->nodes[i]);
	}
}

bool document_shuts(const struct sim *s, const struct phone_call *c)
{
	return decoys_acme_plays() && is_behind(c, s->documents.shut_ns);
}

void document_profile_put(struct shard *core, const struct node *n)
{
	static const struct shard_profile narrow = {
		.name = PROFILE_DEFAULT,
		.terms = { .codec_count = 1, .codecs = { "PCMA" }, .lines = OFFER_LINES_T38 },
	};
	int err = 0;

	if (n->sim->documents.narrow_ns)
		err = shard_profile_put(core, n->tenant, &narrow);
	else
		(void)shard_profile_delete(core, n->tenant, PROFILE_DEFAULT);
	assert(!err);
	(void)err;
}

void document_profile_switch(struct sim *s)
{
	s->documents.narrow_ns = switched(s, s->documents.narrow_ns);
	for (uint32_t i = 0; i < s->node_count; i++) {
		const struct node *n = &s->nodes[i];

		for (uint32_t k = 0; k < n->shard_count; k++) {
			if (n->shards[k].core)
				document_profile_put(n->shards[k].core, n);
		}
	}
}

bool document_narrows(const struct sim *s, const struct phone_call *c)
{
	return is_behind(c, s->documents.narrow_ns);
}

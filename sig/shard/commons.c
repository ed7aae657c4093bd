/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/shard/shard_state.h"

#include <errno.h>
#include <stdlib.h>

enum { PORT_REST_MIN_S = 2 }; /* a busy node takes ports again after this, and counts it */

static int commons_ports_open(struct shard_commons *c, const struct shard_settings *settings,
			      struct rand_source *rand)
{
	uint64_t rest_min = PORT_REST_MIN_S * NS_PER_S, rest = settings->port_rest_ns;
	uint32_t slot = 0;

	for (; c->network_count < settings->network_count; c->network_count++) {
		const struct shard_network *n = &settings->networks[c->network_count];
		struct ports *ports = &c->ports[c->network_count];
		int err = ports_open(ports, n->first_port, n->last_port, slot, rest,
				     rest < rest_min ? rest : rest_min, rand);

		if (err)
			return err;
		slot += ports->pair_count;
	}
	return 0;
}

int shard_commons_open(struct shard_commons **out, const struct shard_settings *settings,
		       struct rand_source *rand)
{
	struct shard_commons *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->key.k0 = rand_u64_from(rand);
	c->key.k1 = rand_u64_from(rand);
	err = nonce_window_open(&c->nonces);
	if (!err)
		err = secret_limit_open(&c->secrets, &c->key);
	if (!err)
		err = commons_ports_open(c, settings, rand);
	if (err) {
		shard_commons_close(c);
		return err;
	}
	*out = c;
	return 0;
}

void shard_commons_close(struct shard_commons *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; i < c->network_count; i++)
		ports_close(&c->ports[i]);
	nonce_window_close(&c->nonces);
	secret_limit_close(c->secrets);
	remote_watch_close(c->remote);
	shard_remote_picks_close(c);
	free(c);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What ties the copies for others' eyes (watch.h) to the node. */
#include <string.h>

#include "app/node.h"
#include "app/watch.h"
#include "base/log.h"

static struct watch_limits limits_of(const struct settings *s)
{
	return (struct watch_limits){ .decrypted = s->trace.decrypted,
				      .quota = (uint64_t)s->trace.quota_mib << 20,
				      .files = s->trace.files,
				      .keep_ns = s->trace.keep };
}

static struct hep_settings hep_of(const struct settings *s)
{
	struct hep_settings hep = { .collector = s->hep.collector,
				    .capture_id = s->hep.capture_id };

	static_assert(sizeof(hep.password) == sizeof(s->hep.password), "copied whole");
	memcpy(hep.password, s->hep.password, sizeof(hep.password));
	return hep;
}

int node_watch_open(struct node *n)
{
	static const uint8_t no_key[DIGEST_KEY_LEN];
	static struct shard_settings shard;
	const struct watch_settings settings = { .state_dir = n->settings.node.state_dir,
						 .engine = n->engine,
						 .locals = shard.locals,
						 .local_count = SHARD_LOCALS_MAX,
						 .limits = limits_of(&n->settings),
						 .hep = hep_of(&n->settings) };
	int err;

	settings_to_shard(&n->settings, no_key, n->tls != NULL, &shard);
	err = watch_open(&n->watch, &settings);
	if (err)
		LOG_ERROR("node", 0, "cannot open traces", LOG_STR("error", strerror(-err)));
	return err ? NODE_EXIT_FAILED : NODE_EXIT_OK;
}

void node_watch_reload(struct node *n)
{
	struct watch_limits limits = limits_of(&n->settings);
	struct hep_settings hep = hep_of(&n->settings);

	watch_configure(n->watch, &limits, &hep);
	explicit_bzero(&hep, sizeof(hep));
}

void node_watch_close(struct node *n)
{
	watch_close(n->watch);
	n->watch = NULL;
}

void node_on_passed(const struct sip_hop *hop, bool sent, struct bytes message, void *arg)
{
	struct node *n = arg;

	if (n->watch && watch_wants(n->watch))
		watch_message(n->watch, hop, sent, shard_whose(n->shard, message), message);
}

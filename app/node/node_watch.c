/* SPDX-License-Identifier: Apache-2.0 */
/* What ties the copies for others' eyes (watch.h) to the node. */
#include <string.h>

#include "app/node/node.h"
#include "app/watch/watch.h"
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

/* A node without it works as well. */
static void recent_configure(struct node *n)
{
	if (n->recent_kib == n->settings.trace.recent_kib)
		return;
	n->recent_kib = n->settings.trace.recent_kib;
	if (recent_resize(&n->recent, (size_t)n->recent_kib << 10))
		LOG_ERROR("node", 0, "no memory for trace.recent_kib");
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

	recent_configure(n);
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

	recent_configure(n);
	watch_configure(n->watch, &limits, &hep);
	explicit_bzero(&hep, sizeof(hep));
}

void node_watch_close(struct node *n)
{
	watch_close(n->watch);
	n->watch = NULL;
	recent_close(&n->recent);
}

/* A trace that waits for the next call of somebody may have found it. */
static void call_catch(struct node *n, uint64_t call)
{
	static struct call_view view;
	struct trace_view trace;

	if (call && watch_waits(n->watch) && shard_call_glance(node_core(n, call), call, &view) &&
	    watch_catch(n->watch, &view, clock_instant(), &trace))
		node_trace_past(n, call, trace.decrypted, true);
}

/* What passes between two shards is each one's: of the one that has it now, and not of the one that the hop leads to. */
static uint64_t call_of(const struct node *n, const struct sip_hop *hop, struct bytes message)
{
	uint16_t other = hop->transport == SIP_CELL ? cell_shard(&hop->remote) : 0;
	uint64_t call = 0;

	for (uint32_t i = 0; i < n->shard_count && !call; i++) {
		const struct node_shard *s = &n->shards[i];

		if (s->core && s->number != other)
			call = shard_whose(s->core, message);
	}
	return call;
}

void node_on_passed(const struct sip_hop *hop, bool sent, struct bytes message, const char *why,
		    void *arg)
{
	struct node *n = arg;
	uint64_t call;

	recent_add(&n->recent, hop, sent, clock_utc_ms(), message, why);
	if (!n->watch || !watch_wants(n->watch))
		return;
	call = call_of(n, hop, message);
	call_catch(n, call);
	watch_message(n->watch, hop, sent, call, message);
}

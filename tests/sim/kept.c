/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/kept.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/node_state.h"
#include "tests/sim/sim.h"

#define KEPT_LATENCY_NS (NS_PER_MS / 2)

void kept_close(struct kept_values *k)
{
	for (uint32_t i = 0; i < KEPT_VALUES_MAX; i++)
		text_clear(&k->list[i].value);
	for (uint32_t i = 0; i < k->asked_count; i++)
		text_clear(&k->asked[i].of.value);
}

/* NULL: there is none; or, where one is to be put, no room. */
static struct kept_value *kept_find(struct kept_values *k, const char *name, bool put)
{
	for (uint32_t i = 0; i < KEPT_VALUES_MAX; i++) {
		if (strcmp(k->list[i].name, name) == 0)
			return &k->list[i];
	}
	return put ? kept_find(k, "", false) : NULL;
}

static void kept_put(struct sim *s, const struct kept_asked *a)
{
	struct kept_value *value = kept_find(&s->kept, a->of.name, true);

	if (!value || text_set(&value->value, text_bytes(&a->of.value))) {
		check_fail(s, "no room for what is kept of extensions");
		return;
	}
	memcpy(value->name, a->of.name, sizeof(value->name));
}

static void kept_tell(struct node *n, const struct kept_asked *a, bool done)
{
	struct reply reply = { .ask = ASK_KV,
			       .of = a->call,
			       .kept = { .serial = a->serial, .result = KV_UNKNOWN } };
	const struct kept_value *value = kept_find(&n->sim->kept, a->of.name, false);
	struct shard *core = NULL;

	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].number == a->shard && !n->shards[i].fenced)
			core = n->shards[i].core;
	}
	if (!core || !a->serial)
		return;
	if (done)
		reply.kept.result = value ? KV_OK : KV_NONE;
	if (done && value && !a->put)
		reply.kept.value = text_bytes(&value->value);
	shard_replied(core, &reply, node_now(n));
	node_carry(n);
}

static void on_kept_asked(struct sim *s, const struct event *e)
{
	struct kept_asked *a = &s->kept.asked[e->a];
	struct node *n = node_of_process(s, a->incarnation);
	bool done = a->flushed && !s->store.down && !(n && n->cut);

	if (done && a->put)
		kept_put(s, a);
	trace_line(s, "store: %s of call %" PRIx64 " is %s: %d", a->of.name, a->call,
		   a->put ? "kept" : "asked for", done);
	if (n && a->flushed)
		kept_tell(n, a, done);
}

void kept_ask(const struct node *n, const struct node_shard *shard, const struct effect *e)
{
	struct kept_values *k = &n->sim->kept;
	const struct request_kv *kept = e->request;
	struct kept_asked *a;

	if (k->asked_count == KEPT_ASKED_MAX) {
		check_fail(n->sim, "what is kept is asked for without end");
		return;
	}
	a = &k->asked[k->asked_count++];
	*a = (struct kept_asked){ .incarnation = n->incarnation,
				  .shard = shard->number,
				  .put = kept->ttl_ms,
				  .call = e->call,
				  .serial = e->serial };
	(void)snprintf(a->of.name, sizeof(a->of.name), "%s:%s:%s", text_str(&kept->tenant),
		       text_str(&kept->user), kv_name(kept->what));
	if (text_set(&a->of.value, text_bytes(&kept->value)))
		assert(false && "out of memory");
	sim_after(n->sim, KEPT_LATENCY_NS, on_kept_asked, 0, k->asked_count - 1, 0);
}

void kept_flush(struct sim *s)
{
	for (uint32_t i = s->kept.asked_count; i-- > 0 && !s->kept.asked[i].flushed;)
		s->kept.asked[i].flushed = node_of_process(s, s->kept.asked[i].incarnation);
}

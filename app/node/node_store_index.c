/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Redis knows of recordings (docs/adr/0050): the process that stores them says each change in a line, and is told when Redis has it. It
 * keeps them until then: here is nothing but what is under way.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/node/node.h"
#include "app/node/node_store.h"
#include "base/clock.h"
#include "base/log.h"

#define LATER_MAX_S (UINT64_C(100) * 366 * 86400)

struct store_index_flight {
	struct node *node;
	uint64_t number;
	uint64_t start_ns; /* of the process that has said it */
};

/* ---- the link to Redis ---- */

static void store_index_on_state(bool connected, void *arg)
{
	struct node *n = arg;

	n->recordings.redis_stale |= connected;
}

static void store_index_on_expire(uint64_t now_ns, void *arg)
{
	(void)now_ns;
	(void)arg;
}

/* Whether it is another Redis, and that the link is new: what was acknowledged last may be lost. */
void node_store_tell_redis(struct node *n)
{
	struct node_store *s = &n->recordings;
	const char *history = n->documents.directory.history;

	if (!s->guest.redis && n->redis) {
		s->guest.state = store_index_on_state;
		s->guest.expire = store_index_on_expire;
		s->guest.next_ns = UINT64_MAX;
		s->guest.arg = n;
		redis_join(n->redis, &s->guest);
		s->redis_stale = true;
	}
	if (!history[0] || !redis_is_connected(n->redis) || !n->settings.recordings.list_days)
		return;
	if (!s->redis_stale && !strcmp(s->history, history))
		return;
	s->redis_stale = false;
	(void)snprintf(s->history, sizeof(s->history), "%s", history);
	node_store_send(n, json_pack("{s:s}", "redis", history));
}

/* ---- a change ---- */

static void store_index_answer(struct node *n, uint64_t number, bool ok)
{
	if (n->recordings.link >= 0)
		node_store_send(n,
				json_pack("{s:I, s:b}", "said", (json_int_t)number, "ok", (int)ok));
}

static void store_index_said(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct store_index_flight flight = *(struct store_index_flight *)arg;

	(void)key;
	(void)version;
	free(arg);
	if (flight.node->recordings.start_ns == flight.start_ns)
		store_index_answer(flight.node, flight.number, result == STORE_OK);
}

static struct bytes store_index_text(const json_t *line, const char *key)
{
	const json_t *value = json_object_get(line, key);

	return bytes_mem(json_string_value(value), json_string_length(value));
}

/* False: the process says what it never should. */
static bool store_index_act(const json_t *line, enum store_recording_act *out)
{
	static const struct {
		const char *name;
		enum store_recording_act act;
	} acts[] = { { "put", STORE_RECORDING_PUT },
		     { "end", STORE_RECORDING_END },
		     { "state", STORE_RECORDING_STATE },
		     { "remove", STORE_RECORDING_REMOVE } };

	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		if (bytes_is(store_index_text(line, "act"), acts[i].name)) {
			*out = acts[i].act;
			return true;
		}
	}
	return false;
}

static bool store_index_read(const json_t *line, struct store_recording *r)
{
	const json_t *parties = json_object_get(line, "parties");

	r->name = store_index_text(line, "name");
	r->entry = store_index_text(line, "entry");
	r->state = store_index_text(line, "state");
	r->first_day = store_index_text(line, "first_day");
	r->life_s = node_store_number(line, "life_s");
	for (size_t i = 0; i < COUNT_OF(r->parties); i++) {
		const json_t *party = json_array_get(parties, i);

		r->parties[i] = bytes_mem(json_string_value(party), json_string_length(party));
	}
	return store_index_act(line, &r->act) && bytes_cut(&r->name, '/', &r->tenant) &&
	       bytes_cut(&r->name, '/', &r->day) && r->name.n && r->state.n && r->first_day.n &&
	       r->life_s && r->life_s <= LATER_MAX_S;
}

static void store_index_say(struct node *n, const struct store_recording *r, uint64_t number)
{
	struct store_index_flight *flight = malloc(sizeof(*flight));

	if (!flight) {
		store_index_answer(n, number, false);
		return;
	}
	*flight = (struct store_index_flight){ n, number, n->recordings.start_ns };
	store_recording_say(n->store, r, store_index_said, flight);
}

const char *node_store_id(const struct node *n, char out[NODE_STORE_ID_MAX])
{
	(void)snprintf(out, NODE_STORE_ID_MAX, "%016" PRIx64, identity_node(&n->identity));
	return out;
}

void node_store_say(struct node *n, const json_t *line)
{
	char id[NODE_STORE_ID_MAX], mine[NODE_STORE_ID_MAX + 16];
	struct store_recording r = { 0 };
	uint64_t number = node_store_number(line, "say");

	(void)snprintf(mine, sizeof(mine), "\"node_id\":\"%s\"", node_store_id(n, id));
	r.mine = bytes_str(mine);
	if (!store_index_read(line, &r)) {
		LOG_ERROR("recordings", 0,
			  "what tandem-store says of a recording is not understood");
		store_index_answer(n, number, false);
	} else if (!n->store || !redis_is_connected(n->redis)) {
		store_index_answer(n, number, false);
	} else {
		store_index_say(n, &r, number);
	}
}

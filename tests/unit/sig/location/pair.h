/* SPDX-License-Identifier: Apache-2.0 */
/* Two nodes of a cluster, a shard each, with one store and a wire between them that a test may cut. */
#ifndef TANDEM_TESTS_PAIR_H
#define TANDEM_TESTS_PAIR_H

#include <errno.h>

#include "base/rand.h"
#include "sig/shard/shard_state.h"
#include "sig/sip/hop.h"
#include "tests/unit/sig/wired.h"

enum { MOVES = 10000, PHONES = 4 };

struct stored {
	uint64_t version; /* 0: nothing */
	struct text record;
};

struct pair {
	struct rig *nodes[2];
	struct stored user; /* 1002 */
	uint32_t conflicts;
	bool silent;            /* to those who ask */
	const struct rig *away; /* that node has no store */
	struct hop_edges edges[2];
};

static inline void store_save(struct pair *p, struct rig *r, const struct rig_save *s)
{
	bool same =
		p->user.record.n && bytes_eq(text_bytes(&p->user.record), text_bytes(&s->record));
	enum location_result result = BINDING_SAVED;

	if (s->expected != p->user.version && !same) {
		result = BINDING_CONFLICT;
		p->conflicts++;
	} else if (s->ttl_ms == 0) {
		text_clear(&p->user.record);
		p->user.version = 0;
	} else {
		assert_int_equal(text_set(&p->user.record, text_bytes(&s->record)), 0);
		p->user.version = s->version;
	}
	locations_saved(r->locations, text_bytes(&s->tenant), text_bytes(&s->user), s->version,
			result, r->now);
}

static inline void store_answer(struct pair *p, struct rig *r, struct rig_save *s)
{
	s->answered = true;
	if (s->kind == EFFECT_BINDING_SAVE && r == p->away)
		locations_saved(r->locations, text_bytes(&s->tenant), text_bytes(&s->user),
				s->version, BINDING_FAILED, r->now);
	else if (s->kind == EFFECT_BINDING_SAVE && bytes_is(text_bytes(&s->user), "1002"))
		store_save(p, r, s);
	else if (s->kind == EFFECT_BINDING_GET && bytes_is(text_bytes(&s->user), "1002"))
		locations_got(r->locations, text_bytes(&s->tenant), text_bytes(&s->user),
			      p->silent ? BINDING_FAILED : BINDING_SAVED,
			      text_bytes(&p->user.record), r->now);
	else {
		s->answered = false;
		rig_answer(r, (uint32_t)(s - r->saves), true);
	}
	rig_drain(r);
}

/* All that a node asked of the store, and what follows. */
static inline void serve(struct pair *p, struct rig *r)
{
	for (uint32_t i = 0; i < r->save_count; i++) {
		if (!r->saves[i].answered) {
			store_answer(p, r, &r->saves[i]);
			i = UINT32_MAX; /* from the beginning: the list may have moved */
		}
	}
}

static inline void pair_wait(struct pair *p, uint64_t ms)
{
	for (unsigned i = 0; i < 2; i++) {
		rig_wait_ms(p->nodes[i], ms);
		serve(p, p->nodes[i]);
	}
}

static inline int pair_open(void **state, bool edges)
{
	static const char *const addresses[] = { "192.0.2.1:5060", "192.0.2.2:5060" };
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	for (unsigned i = 0; i < 2; i++) {
		struct shard_settings s = settings();

		for (unsigned k = 0; k < s.local_count; k++)
			s.locals[k].bind = s.locals[k].advertise = rig_addr(addresses[i]);
		p->edges[i].self = i + 1;
		s.edges = edges ? &p->edges[i] : NULL;
		p->nodes[i] = rig_open_with(&s);
		(void)snprintf(p->nodes[i]->node, sizeof(p->nodes[i]->node), "n%u", i);
		shard_close(p->nodes[i]->shard);
		rig_start_shard(p->nodes[i]);
		p->nodes[i]->hold_saves = p->nodes[i]->rolling = true;
	}
	*state = p;
	return 0;
}

static inline int pair_setup(void **state)
{
	return pair_open(state, false);
}

/* Each reaches the connections of the other. */
static inline int edges_setup(void **state)
{
	return pair_open(state, true);
}

static inline int pair_teardown(void **state)
{
	struct pair *p = *state;

	rig_close(p->nodes[0]);
	rig_close(p->nodes[1]);
	text_clear(&p->user.record);
	free(p);
	return 0;
}

static inline void phone_make(struct phone *p, struct rig *r, const char *address, const char *run)
{
	phone_open(p, r, "1002", address);
	(void)snprintf(p->registration, sizeof(p->registration), "%s", run);
}

/* Challenge, answer, the store, and the final response. */
static inline struct bytes come_to(struct pair *p, struct phone *phone, unsigned node,
				   unsigned expires)
{
	char lines[1536];
	struct rig *r = phone->r = p->nodes[node];

	phone_register_with(phone, "", expires);
	(void)credentials_make(lines, text_bytes(&last(r, "SIP/2.0 401")->data), "Authorization",
			       DIGEST_MD5, "1002", "secret", "REGISTER", "sip:test.local");
	phone_register_with(phone, lines, expires);
	serve(p, r);
	return text_bytes(&r->sent[r->sent_count - 1].data);
}

static inline void read_stored(const struct pair *p, struct aor *out)
{
	const char *reason = "";

	assert_int_equal(aor_decode(out, text_bytes(&p->user.record), NULL, &reason), 0);
}

static inline void call_from(struct pair *p, unsigned node, struct phone *caller)
{
	phone_open(caller, p->nodes[node], "1001", "192.0.2.11:5060");
	phone_invite(caller, "1002", PHONE_SDP_A);
	serve(p, p->nodes[node]);
}

/* A NOTIFY, answered; empty: there is none. */
static inline struct bytes told(struct phone *watcher)
{
	struct bytes m;

	rig_wait_ms(watcher->r, 5);
	m = rig_take(watcher->r, &watcher->addr, "NOTIFY ");
	if (m.n)
		phone_answer(watcher, m, "200 OK", "");
	return m;
}

#define TEST(f)       cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)
#define EDGES_TEST(f) cmocka_unit_test_setup_teardown(f, edges_setup, pair_teardown)

#endif

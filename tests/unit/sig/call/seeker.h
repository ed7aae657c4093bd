/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to phones that are at a name. */
#ifndef TESTS_UNIT_SIG_CALL_SEEKER_H
#define TESTS_UNIT_SIG_CALL_SEEKER_H

#include <errno.h>

#include "sig/call/resolve.h"
#include "sig/model/call_order.h"
#include "sig/sip/hop.h"
#include "tests/unit/sig/line.h"
#include "tests/unit/sig/names.h"

#define NAME "gw.example.test"

struct seeker {
	struct line l; /* first: it is one */
	struct names names;
	struct hop_names *known_by; /* of the node; NULL: it speaks no TLS */
};

#define SEEK_TEST(fn) cmocka_unit_test_setup_teardown(fn, seek_setup, line_teardown)

/* A phone of that user, where its Contact names. */
static inline void open_at(struct phone *p, struct rig *r, const char *user, const char *contact,
			   const char *source)
{
	phone_open(p, r, user, source);
	(void)snprintf(p->address, sizeof(p->address), "%s", contact);
}

static inline int seek_setup(void **state)
{
	struct seeker *s = calloc(1, sizeof(*s));
	struct shard_settings settings = rig_settings();

	if (!s)
		return -1;
	settings.lookup = names_open(&s->names, NAME);
	s->names.speaks = 1U << SIP_UDP;
	s->l.r = rig_open_with(&settings);
	phone_open(&s->l.a, s->l.r, "1001", "192.0.2.11:5060");
	phone_bind(&s->l.a);
	open_at(&s->l.b, s->l.r, "1002", NAME, "192.0.2.12:5060");
	phone_bind(&s->l.b);
	*state = s;
	return 0;
}

/* The phone is at that place by now: what it says comes from there. */
static inline struct bytes rings_at(struct line *l, const char *place)
{
	l->b.addr = rig_addr(place);
	return phone_rings(&l->b);
}

static inline void call_b(struct line *l)
{
	phone_invite(&l->a, l->b.user, PHONE_SDP_A);
	rig_run(l->r);
}

static inline void talk_at(struct line *l, const char *place)
{
	struct bytes m = rings_at(l, place);

	assert_true(m.n);
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	rig_run(l->r);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

/* Nobody waits for the newest one. */
static inline void assert_stopped(const struct rig *r)
{
	assert_int_equal(r->lookup_stops, 1);
	assert_int_equal(r->lookup_stopped,
			 r->lookups[(r->lookup_count - 1) % RIG_LOOKUPS_MAX].serial);
}

/* The caller's BYE ends it, and nothing is left. */
static inline void assert_ends(struct line *l)
{
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_int_equal(l->r->settings.lookup.arg != NULL, 1);
}

#endif

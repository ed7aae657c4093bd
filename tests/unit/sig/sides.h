/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that are trusted, and phones that are not, on a rig. */
#ifndef TESTS_UNIT_SIG_SIDES_H
#define TESTS_UNIT_SIG_SIDES_H

#include "tests/unit/sig/line.h"
#include "tests/unit/sig/sip/credentials.h"

#define NUMBER "+493012345"

struct sides {
	struct rig *r;
	struct phone peer, far; /* trusted: who calls, and whose is 1003 */
	struct phone a, b, c;   /* phones: 1001, 1002, 1004 */
};

RIG_FN int sides_setup(void **state)
{
	struct sides *t = calloc(1, sizeof(*t));
	struct shard_settings s = rig_settings();

	s.trusted[0] = (struct shard_trusted){ .net = rig_addr("192.0.2.16"), .bits = 28 };
	s.extra = (struct identity_extra){ .count = 1, .names = { "X-Case" } };
	s.emergency_count = 1;
	(void)snprintf(s.emergency[0], sizeof(s.emergency[0]), "1004");
	t->r = rig_open_with(&s);
	t->r->rolling = true;
	phone_open(&t->peer, t->r, NUMBER, "192.0.2.20:5060");
	phone_open(&t->far, t->r, "1003", "192.0.2.21:5060");
	phone_open(&t->a, t->r, "1001", "203.0.113.11:5060");
	phone_open(&t->b, t->r, "1002", "203.0.113.12:5060");
	phone_open(&t->c, t->r, "1004", "203.0.113.14:5060");
	phone_bind(&t->far);
	phone_bind(&t->a);
	phone_bind(&t->b);
	phone_bind(&t->c);
	*state = t;
	return 0;
}

RIG_FN int sides_teardown(void **state)
{
	struct sides *t = *state;

	rig_close(t->r);
	free(t);
	return 0;
}

#define SIDES_TEST(fn) cmocka_unit_test_setup_teardown(fn, sides_setup, sides_teardown)

/* With its password, where it is asked for it. from: NULL: as it is. */
RIG_FN void call_with(struct phone *p, const char *to, const char *from, const char *headers,
		      const char *body)
{
	char line[1024], extra[4096], uri[300];
	struct bytes m;

	phone_begin(p, to);
	if (from)
		(void)snprintf(p->local, sizeof(p->local), "%s", from);
	(void)snprintf(uri, sizeof(uri), "%s", p->target);
	phone_request(p, "INVITE", headers, body);
	m = rig_take(p->r, &p->addr, "SIP/2.0 407");
	if (!m.n)
		return;
	phone_write(p, "ACK", "", "");
	(void)snprintf(extra, sizeof(extra), "%s%s", headers,
		       credentials_make(line, m, "Proxy-Authorization", DIGEST_MD5, p->user,
					"secret", "INVITE", uri));
	phone_request(p, "INVITE", extra, body);
}

RIG_FN void call_as(struct phone *p, const char *to, const char *from, const char *headers)
{
	call_with(p, to, from, headers, PHONE_SDP_A);
}

RIG_FN struct bytes rung(struct phone *p)
{
	struct bytes m = phone_rings(p);

	assert_true(m.n);
	return m;
}

RIG_FN void assert_header(struct bytes m, const char *name, const char *value)
{
	struct bytes is = rig_header(m, name);

	if (!bytes_starts(is, value) || (!*value && is.n))
		fail_msg("%s is \"" BYTES_FMT "\", not \"%s\"", name, BYTES_ARG(is), value);
}

#endif

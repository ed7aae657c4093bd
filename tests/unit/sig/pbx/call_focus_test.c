/* SPDX-License-Identifier: Apache-2.0 */
/* Members hear that they speak with a focus (RFC 4579 4.2), and when they do no more. */
#include "tests/unit/sig/conferences.h"
#include "tests/unit/sig/watch.h"

#define TAKES_UPDATE "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE\r\n"
#define ALLOWED      "\r\nAllow-Events: conference\r\n"

static char g_focus[64]; /* what its Contact begins with */

static void focus_name(void)
{
	char id[ID_TEXT_LEN + 1] = "";

	id_call_put(id, ROOM);
	(void)snprintf(g_focus, sizeof(g_focus), "<sip:conf-%s@192.0.2.1:5060>;isfocus", id);
}

static bool is_focus(struct bytes m)
{
	return m.n && rig_has(rig_header(m, "Contact"), g_focus) && rig_has(m, ALLOWED);
}

static bool is_plain(struct bytes m)
{
	return m.n && !rig_has(rig_header(m, "Contact"), "isfocus") && !rig_has(m, ALLOWED);
}

/* A calls B, who takes UPDATE or not; A never says so. */
static void talks(struct phone *a, struct phone *b, const char *extra)
{
	phone_invite(a, b->user, PHONE_SDP_A);
	rig_wait_ms(a->r, 20);
	assert_true(is_plain(phone_rings(b)));
	phone_answer_as(b, b->invite, b->tag, "200 OK", extra, PHONE_SDP_B);
	rig_wait_ms(a->r, 20);
	assert_true(is_plain(phone_hears(a, "SIP/2.0 200")));
	phone_ack(a);
	rig_wait_ms(a->r, 20);
	assert_true(rig_take(a->r, &b->addr, "ACK ").n);
}

/* B takes UPDATE, and C does not: that one hears it with what comes next. */
static void told_by_update(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	uint64_t first, second;
	struct bytes m;

	focus_name();
	talks(&p->t.l.a, &p->t.l.b, TAKES_UPDATE);
	first = call_of_user(r, "1001", "1002");
	talks(&p->a2, &p->t.c, "");
	second = call_of_user(r, "1001", "1004");
	assert_int_equal(confer(p, first, second), 0);
	trio_assert_left(&p->a2);
	m = rig_take(r, &p->t.l.b.addr, "UPDATE ");
	assert_true(is_focus(m));
	assert_true(rig_header(m, "Content-Length").n == 1);
	phone_answer(&p->t.l.b, m, "200 OK", "");
	assert_int_equal(rig_count(r, &p->t.c.addr, "UPDATE ") +
				 rig_count(r, &p->t.c.addr, "INVITE "),
			 1); /* the first one */
	p->t.c.cseq = 500;
	phone_request(&p->t.c, "INVITE", "", PHONE_SDP_B);
	rig_wait_ms(r, 50);
	assert_true(is_focus(phone_hears(&p->t.c, "SIP/2.0 200")));
	phone_ack(&p->t.c);
	phone_request(&p->t.c, "OPTIONS", "", "");
	assert_true(rig_has(rig_header(phone_hears(&p->t.c, "SIP/2.0 200"), "Contact"), g_focus));
	phone_request(&p->t.l.a, "BYE", "", ""); /* two are left */
	rig_wait_ms(r, 1500);
	m = rig_take(r, &p->t.l.b.addr, "UPDATE ");
	assert_true(is_plain(m));
	phone_answer(&p->t.l.b, m, "200 OK", "");
}

/* Who is rung for it is told at once. */
static void rung(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	struct shard_conference_request o = { .room = ROOM, .to = "1003", .rung = RUNG };

	focus_name();
	party_confers(p);
	assert_int_equal(shard_conference_ring(r->shard, &o, r->now), 0);
	rig_run(r);
	rig_wait_ms(r, 20);
	assert_true(is_focus(phone_rings(&p->d)));
	phone_answer_as(&p->d, p->d.invite, p->d.tag, "200 OK", TAKES_UPDATE, PHONE_SDP_B);
	rig_wait_ms(r, 50);
	assert_int_equal(rig_count(r, &p->d.addr, "UPDATE "), 0);
}

/* A successor says so too, and asks nobody for that. */
static void killed(void **state)
{
	struct party *p = *state;
	struct rig *r = p->t.l.r;
	uint64_t first, second;

	focus_name();
	talks(&p->t.l.a, &p->t.l.b, TAKES_UPDATE);
	first = call_of_user(r, "1001", "1002");
	talks(&p->a2, &p->t.c, "");
	second = call_of_user(r, "1001", "1004");
	assert_int_equal(confer(p, first, second), 0);
	phone_answer(&p->t.l.b, rig_take(r, &p->t.l.b.addr, "UPDATE "), "200 OK", "");
	rig_wait_ms(r, 100);
	party_restart(p, true, true);
	assert_int_equal(rig_count(r, &p->t.l.b.addr, "UPDATE "), 1);
	p->t.l.b.cseq = 500;
	phone_request(&p->t.l.b, "INVITE", "", PHONE_SDP_B);
	rig_wait_ms(r, 50);
	assert_true(is_focus(phone_hears(&p->t.l.b, "SIP/2.0 200")));
}

/* Who watches it is told by the focus, too. */
static void watched(void **state)
{
	struct party *p = *state;
	struct phone w;
	char name[32];

	focus_name();
	party_confers(p);
	phone_open(&w, p->t.l.r, "1004", "192.0.2.14:5080");
	(void)snprintf(name, sizeof(name), "%.18s", g_focus + strlen("<sip:"));
	assert_true(is_focus(watch_ask(&w, name, "Event: conference\r\n")));
	assert_true(is_focus(watch_told(&w)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PARTY_TEST(told_by_update),
		PARTY_TEST(rung),
		PARTY_TEST(killed),
		PARTY_TEST(watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

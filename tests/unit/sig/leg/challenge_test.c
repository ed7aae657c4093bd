/* SPDX-License-Identifier: Apache-2.0 */
/* Who we are to a party that asks: by INVITE, within the call, over a kill. */
#include "sig/host/trunk.h"
#include "tests/unit/sig/challenger.h"

static struct challenger g_c;

static int setup(void **state)
{
	(void)line_setup(state);
	challenger_begin(&g_c, *state);
	return 0;
}

#define CHALLENGE_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, line_teardown)

/* B's next INVITE, which was asked for. */
static struct bytes next_invite(struct line *l)
{
	struct bytes m = phone_rings(&l->b);

	assert_true(m.n);
	assert_true(rig_is_whole(m));
	return m;
}

static struct bytes challenged_invite(struct line *l)
{
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	challenger_asks(&g_c, l, next_invite(l), false, false);
	assert_true(rig_take(l->r, &l->b.addr, "ACK ").n);
	return next_invite(l);
}

static void talk(struct line *l)
{
	struct bytes m = challenged_invite(l);

	assert_int_equal(challenger_is_told(&g_c, l, m, false), 1);
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
}

static void an_invite(void **state)
{
	struct line *l = *state;
	struct bytes first, second, ack, proof;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	first = next_invite(l);
	assert_int_equal(rig_header(first, "Authorization").n, 0);
	challenger_asks(&g_c, l, first, false, false);
	assert_true(rig_has(rig_take(l->r, &l->b.addr, "ACK "), "CSeq: 1 ACK\r\n"));
	second = next_invite(l);
	assert_int_equal(challenger_is_told(&g_c, l, second, false), 1);
	assert_true(rig_has(second, "CSeq: 2 INVITE\r\n"));
	assert_true(bytes_eq(rig_header(first, "Call-ID"), rig_header(second, "Call-ID")));
	assert_true(bytes_eq(rig_header(first, "From"), rig_header(second, "From")));
	assert_true(bytes_eq(rig_header(first, "To"), rig_header(second, "To")));
	assert_false(bytes_eq(rig_header(first, "Via"), rig_header(second, "Via")));
	assert_true(bytes_eq(rig_body(first), rig_body(second)));
	assert_false(rig_has(second, "secret"));
	phone_answer(&l->b, second, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	ack = rig_take(l->r, &l->b.addr, "ACK ");
	proof = rig_header(second, "Authorization");
	assert_true(proof.n && bytes_eq(rig_header(ack, "Authorization"), proof));
	phone_request(&l->a, "BYE", "", "");
	assert_int_equal(challenger_is_told(&g_c, l, rig_find(l->r, &l->b.addr, "BYE "), false), 2);
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 4"), 0);
}

/* A proxy on the way asks, and then the server behind it. */
static void two_that_ask(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	challenger_asks(&g_c, l, next_invite(l), true, false);
	m = next_invite(l);
	assert_int_equal(challenger_is_told(&g_c, l, m, true), 1);
	challenger_asks(&g_c, l, m, false, false);
	m = next_invite(l);
	assert_int_equal(challenger_is_told(&g_c, l, m, true), 2);
	assert_int_equal(challenger_is_told(&g_c, l, m, false), 1);
}

/* ... and it hears nothing more. */
static void assert_given_up(struct line *l)
{
	assert_true(phone_hears(&l->a, "SIP/2.0 500").n);
	assert_int_equal(phone_rings(&l->b).n, 0);
}

static void another_realm(void **state)
{
	struct line *l = *state;

	memcpy(g_c.server.realm, "other", sizeof("other"));
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	challenger_asks(&g_c, l, next_invite(l), false, false);
	assert_given_up(l);
}

static void nobody_we_know(void **state)
{
	struct line *l = *state;

	services_account(&l->r->shard->host, NULL);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	challenger_asks(&g_c, l, next_invite(l), false, false);
	assert_given_up(l);
}

static void not_believed(void **state)
{
	struct line *l = *state;

	challenger_asks(&g_c, l, challenged_invite(l), false, false);
	assert_given_up(l);
}

/* Right, but old: once more, and not twice. */
static void stale(void **state)
{
	struct line *l = *state;
	struct bytes m = challenged_invite(l);

	challenger_asks(&g_c, l, m, false, true);
	m = next_invite(l);
	assert_int_equal(challenger_is_told(&g_c, l, m, false), 1);
	challenger_asks(&g_c, l, m, false, true);
	assert_given_up(l);
}

/* Whatever it says of it. */
static void the_same_nonce(void **state)
{
	struct line *l = *state;
	struct bytes m = challenged_invite(l);

	g_c.nonces--;
	challenger_asks(&g_c, l, m, false, true);
	assert_given_up(l);
}

static void a_reinvite(void **state)
{
	struct line *l = *state;
	struct bytes m;

	talk(l);
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_int_equal(challenger_is_told(&g_c, l, m, false), 2);
	challenger_asks(&g_c, l, m, false, true); /* its nonce is over */
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_int_equal(challenger_is_told(&g_c, l, m, false), 1);
	assert_true(rig_has(rig_header(m, "To"), ";tag=t1002"));
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 5"), 0);
}

static void a_bye(void **state)
{
	struct line *l = *state;
	struct bytes first, second;

	talk(l);
	phone_request(&l->a, "BYE", "", "");
	first = rig_take(l->r, &l->b.addr, "BYE ");
	challenger_asks(&g_c, l, first, false, true);
	second = rig_take(l->r, &l->b.addr, "BYE ");
	assert_int_equal(challenger_is_told(&g_c, l, second, false), 1);
	assert_true(rig_is_whole(second));
	assert_false(bytes_eq(rig_header(first, "Via"), rig_header(second, "Via")));
	assert_true(rig_has(second, "CSeq: 4 BYE\r\n"));
	assert_false(rig_has(second, "CSeq: 3 BYE\r\n"));
	phone_answer(&l->b, first, "401 Unauthorized", ""); /* a late copy means nothing */
	phone_answer(&l->b, second, "200 OK", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 2);
}

/* Who waits for the answer hears nothing of the challenge. */
/* Another fork that answered is told at once who ends it. */
static void another_fork(void **state)
{
	struct line *l = *state;
	struct bytes m = challenged_invite(l), bye;

	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	phone_answer_as(&l->b, m, "fork", "200 OK", "", PHONE_SDP_B);
	bye = rig_find(l->r, &l->b.addr, "BYE ");
	assert_true(rig_has(rig_header(bye, "To"), "tag=fork"));
	assert_int_equal(challenger_is_told(&g_c, l, bye, false), 2);
}

static void a_relayed_request(void **state)
{
	struct line *l = *state;
	struct bytes m;

	talk(l);
	phone_request(&l->a, "INFO", "Content-Type: application/x-foo\r\n", "one\r\n\r\ntwo");
	m = rig_take(l->r, &l->b.addr, "INFO ");
	challenger_asks(&g_c, l, m, true, false);
	m = rig_take(l->r, &l->b.addr, "INFO ");
	assert_int_equal(challenger_is_told(&g_c, l, m, true), 1);
	assert_int_equal(challenger_is_told(&g_c, l, m, false), 3);
	assert_true(bytes_is(rig_body(m), "one\r\n\r\ntwo"));
	phone_answer(&l->b, m, "200 OK", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 4"), 0);
}

static void a_relayed_request_not_believed(void **state)
{
	struct line *l = *state;
	struct bytes m;

	talk(l);
	phone_request(&l->a, "INFO", "Content-Type: application/x-foo\r\n", "one");
	m = rig_take(l->r, &l->b.addr, "INFO ");
	challenger_asks(&g_c, l, m, false, false);
	m = rig_take(l->r, &l->b.addr, "INFO ");
	challenger_asks(&g_c, l, m, false, false);
	assert_int_equal(rig_take(l->r, &l->b.addr, "INFO ").n, 0);
	assert_true(phone_hears(&l->a, "SIP/2.0 500").n);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

/* A re-INVITE that waits for its save has the lower number. */
static void behind_what_waits(void **state)
{
	struct line *l = *state;
	struct bytes m;

	talk(l);
	phone_request(&l->a, "INFO", "Content-Type: application/x-foo\r\n", "one");
	m = rig_take(l->r, &l->b.addr, "INFO ");
	l->r->hold_saves = true;
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	challenger_asks(&g_c, l, m, false, true);
	assert_int_equal(rig_take(l->r, &l->b.addr, "INFO ").n, 0);
	l->r->hold_saves = false;
	rig_run(l->r);
	assert_true(rig_has(rig_take(l->r, &l->b.addr, "INVITE "), "CSeq: 4 INVITE\r\n"));
	assert_true(rig_has(rig_take(l->r, &l->b.addr, "INFO "), "CSeq: 5 INFO\r\n"));
}

/* ---- kill -9 ---- */

/* The second INVITE is saved before it is said, and a successor says the same octets. */
static void killed_behind_the_save(void **state)
{
	struct line *l = *state;
	struct bytes first, second, again;
	const struct rig_save *kept;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	first = next_invite(l);
	l->r->hold_saves = true;
	challenger_asks(&g_c, l, first, false, false);
	assert_int_equal(phone_rings(&l->b).n, 0);
	assert_int_equal(rig_count(l->r, &l->b.addr, "ACK "), 0);
	l->r->hold_saves = false;
	rig_run(l->r);
	kept = rig_stored(l->r);
	second = next_invite(l);
	challenger_restart(l, text_bytes(&kept->record));
	again = next_invite(l);
	assert_true(bytes_eq(second, again));
	phone_answer(&l->b, again, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	again = rig_take(l->r, &l->b.addr, "ACK "); /* of the 401 */
	again = rig_take(l->r, &l->b.addr, "ACK ");
	assert_true(
		bytes_eq(rig_header(again, "Authorization"), rig_header(second, "Authorization")));
	phone_request(&l->a, "BYE", "", "");
	assert_true(challenger_is_told(&g_c, l, rig_find(l->r, &l->b.addr, "BYE "), false) > 64);
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

static void killed_before_the_save(void **state)
{
	struct line *l = *state;
	struct bytes first, kept, m;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	first = next_invite(l);
	kept = line_stored(l);
	l->r->hold_saves = true;
	challenger_asks(&g_c, l, first, false, false);
	challenger_restart(l, kept);
	m = next_invite(l);
	assert_true(bytes_eq(m, first));
	challenger_asks(&g_c, l, m, false, false); /* B repeats what it said */
	m = next_invite(l);
	assert_int_equal(challenger_is_told(&g_c, l, m, false), 1);
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
}

/* How often it was asked is in the record, too. */
static void killed_between_two_challenges(void **state)
{
	struct line *l = *state;
	struct bytes m = challenged_invite(l);

	challenger_restart(l, line_stored(l));
	m = next_invite(l);
	challenger_asks(&g_c, l, m, false, false);
	assert_given_up(l);
}

static void a_killed_call_says_who_it_is(void **state)
{
	struct line *l = *state;
	struct bytes m;

	talk(l);
	challenger_restart(l, line_stored(l));
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(challenger_is_told(&g_c, l, m, false) > 64);
	assert_false(rig_has(line_stored(l), "response=")); /* it is sealed */
}

/* ---- whose credentials ---- */

struct own {
	struct tenants *tenants;
	struct trunks *trunks;
};

static void trunk_put(struct own *own, const char *tenant, const char *password)
{
	struct trunk_settings set = {
		.enabled = true, .name = "pbx", .user = "node", .realm = "pbx"
	};

	set.tenant = tenants_find(own->tenants, bytes_str(tenant));
	digest_secret_make(&set.secret, BYTES_LIT("node"), BYTES_LIT("pbx"), bytes_str(password));
	assert_int_equal(trunks_put(own->trunks, &set, &(uint16_t){ 0 }), 0);
}

/* B is a trunk: those of its document, for as long as that is there. */
static void of_the_trunk(void **state)
{
	struct line *l = *state;
	struct shard *s = l->r->shard;
	struct own own = { .tenants = s->settings.tenants };
	struct bytes m;

	assert_int_equal(trunks_open(&own.trunks, own.tenants), 0);
	s->settings.trunks = own.trunks;
	s->host.services = &s->shared_tables->services;
	trunk_put(&own, "default", "secret");
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	m = next_invite(l);
	assert_int_equal(text_set(&shard_call_find(s, rig_record(l->r)->call)->legs[1]->trunk,
				  BYTES_LIT("pbx")),
			 0);
	challenger_asks(&g_c, l, m, false, false);
	m = next_invite(l);
	assert_int_equal(challenger_is_told(&g_c, l, m, false), 1);
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_true(trunks_delete(own.trunks, tenants_find(own.tenants, BYTES_LIT("default")),
				  BYTES_LIT("pbx")));
	phone_request(&l->a, "INFO", "Content-Type: application/x-foo\r\n", "one");
	m = rig_take(l->r, &l->b.addr, "INFO ");
	assert_int_equal(rig_header(m, "Authorization").n, 0);
	challenger_asks(&g_c, l, m, false, false);
	assert_int_equal(rig_take(l->r, &l->b.addr, "INFO ").n, 0);
	s->settings.trunks = NULL;
	trunks_close(own.trunks);
}

/* It asks who we are behind our BYE: nothing follows that, whose number would be the lower one (RFC 3261 12.2.2). */
static void behind_our_bye(void **state)
{
	struct line *l = *state;
	struct bytes info, bye;

	talk(l);
	phone_request(&l->a, "INFO", "", "x=1");
	info = rig_take(l->r, &l->b.addr, "INFO ");
	phone_request(&l->a, "BYE", "", "");
	bye = rig_take(l->r, &l->b.addr, "BYE ");
	assert_true(info.n && bye.n);
	challenger_asks(&g_c, l, info, false, true);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INFO "), 1);
	challenger_asks(&g_c, l, bye, false, true);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CHALLENGE_TEST(an_invite),
		CHALLENGE_TEST(two_that_ask),
		CHALLENGE_TEST(another_realm),
		CHALLENGE_TEST(nobody_we_know),
		CHALLENGE_TEST(not_believed),
		CHALLENGE_TEST(stale),
		CHALLENGE_TEST(the_same_nonce),
		CHALLENGE_TEST(a_reinvite),
		CHALLENGE_TEST(a_bye),
		CHALLENGE_TEST(another_fork),
		CHALLENGE_TEST(a_relayed_request),
		CHALLENGE_TEST(a_relayed_request_not_believed),
		CHALLENGE_TEST(behind_what_waits),
		CHALLENGE_TEST(behind_our_bye),
		CHALLENGE_TEST(killed_behind_the_save),
		CHALLENGE_TEST(killed_before_the_save),
		CHALLENGE_TEST(killed_between_two_challenges),
		CHALLENGE_TEST(a_killed_call_says_who_it_is),
		CHALLENGE_TEST(of_the_trunk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

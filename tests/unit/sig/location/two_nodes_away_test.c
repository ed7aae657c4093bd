/* SPDX-License-Identifier: Apache-2.0 */
/* One of two nodes is away, and comes back; the store forgets. */
#include "tests/unit/sig/location/pair.h"

/* The node that has his phone hears nothing of it: what the store has of him goes all the same, whether or not the other one knew. */
static void is_no_more_while_away(void **state)
{
	struct pair *p = *state;
	struct phone phone, caller;
	struct aor entry;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	for (unsigned knows = 0; knows < 2; knows++) {
		struct rig *r = p->nodes[1];

		assert_true(bytes_starts(come_to(p, &phone, 0, 3600), "SIP/2.0 200"));
		pair_wait(p, 40000);
		if (knows) {
			call_from(p, 1, &caller);
			assert_true(rig_take(r, &phone.addr, "INVITE ").n);
		}
		locations_forget(r->locations, TENANT_DEFAULT, BYTES_LIT("1002"), r->now);
		rig_drain(r);
		pair_wait(p, 10);
		pair_wait(p, 10);
		read_stored(p, &entry);
		assert_int_equal(entry.count, 0);
		aor_clear(&entry);
		pair_wait(p, 1100);
		call_from(p, 1, &caller);
		assert_true(rig_take(r, &caller.addr, "SIP/2.0 480").n);
	}
}

/* Who has the number next registers while the store is asked of the one before: his phone stays. */
static void next_one_is_there(void **state)
{
	struct pair *p = *state;
	struct phone phone, next;
	struct aor entry;
	char lines[1536];

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	assert_true(bytes_starts(come_to(p, &phone, 0, 3600), "SIP/2.0 200"));
	phone_make(&next, p->nodes[1], "192.0.2.13:5060", "next");
	phone_register_with(&next, "", 90);
	(void)credentials_make(lines, text_bytes(&last(next.r, "SIP/2.0 401")->data),
			       "Authorization", DIGEST_MD5, "1002", "secret", "REGISTER",
			       "sip:test.local");
	locations_forget(next.r->locations, TENANT_DEFAULT, BYTES_LIT("1002"), next.r->now);
	rig_drain(next.r);
	phone_register_with(&next, lines, 90);
	for (unsigned i = 0; i < 3; i++)
		pair_wait(p, 10);
	assert_true(rig_take(next.r, &next.addr, "SIP/2.0 200").n);
	read_stored(p, &entry);
	assert_int_equal(entry.count, 1);
	assert_string_equal(text_str(&entry.bindings[0].call_id), "next");
	aor_clear(&entry);
}

/* What another node had, and the store has forgotten, does not come back by us. */
static void store_forgets(void **state)
{
	struct pair *p = *state;
	struct phone phone, other;
	struct aor entry;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)come_to(p, &phone, 0, 90);
	phone_make(&other, p->nodes[0], "192.0.2.13:5060", "other");
	(void)come_to(p, &other, 1, 90);
	text_clear(&p->user.record);
	p->user.version = 0;
	(void)come_to(p, &other, 1, 90);
	read_stored(p, &entry);
	assert_int_equal(entry.count, 1);
	aor_clear(&entry);
	(void)come_to(p, &phone, 0, 90);
	read_stored(p, &entry);
	assert_int_equal(entry.count, 2);
	aor_clear(&entry);
}

/* Whoever knew it before hears of it within a second. */
static void called_where_it_was(void **state)
{
	struct pair *p = *state;
	struct phone phone, caller;
	struct addr before;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)snprintf(phone.contact_params, sizeof(phone.contact_params),
		       ";+sip.instance=\"<urn:1>\"");
	(void)come_to(p, &phone, 0, 90);
	before = phone.addr;
	phone.addr = rig_addr("192.0.2.13:5060");
	(void)snprintf(phone.address, sizeof(phone.address), "192.0.2.13:5060");
	(void)come_to(p, &phone, 1, 90);
	pair_wait(p, 1000);
	call_from(p, 0, &caller);
	assert_int_equal(rig_count(p->nodes[0], &before, "INVITE "), 0);
	assert_int_equal(rig_count(p->nodes[0], &phone.addr, "INVITE "), 1);
}

/* It goes on at the other node when its time here is over, and nobody says that it left. */
static void runs_out_here(void **state)
{
	struct pair *p = *state;
	struct phone phone;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)come_to(p, &phone, 0, 90);
	rig_wait_ms(p->nodes[1], 60000);
	(void)come_to(p, &phone, 1, 90);
	for (unsigned i = 0; i < 12; i++) {
		rig_wait_ms(p->nodes[0], 10000);
		serve(p, p->nodes[0]);
	}
	for (uint32_t i = 0; i < p->nodes[0]->event_count; i++)
		assert_int_not_equal(p->nodes[0]->events[i].kind, SIG_UNREGISTERED);
	assert_true(p->user.version > 0);
}

/* Nobody is refused because it is not known what the other node has. */
static void store_does_not_say(void **state)
{
	struct pair *p = *state;
	struct phone phone;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)come_to(p, &phone, 0, 90);
	p->silent = true;
	assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	p->silent = false;
	pair_wait(p, 2500);
	pair_wait(p, 2500);
	assert_int_equal(rig_counts(p->nodes[1]).saves_pending, 0);
}

/* An entry of others is not kept. */
static void forgets_others(void **state)
{
	struct pair *p = *state;
	struct phone phone, caller;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)come_to(p, &phone, 0, 90);
	call_from(p, 1, &caller);
	assert_non_null(locations_find(p->nodes[1]->locations, 0, BYTES_LIT("1002")));
	pair_wait(p, 10100);
	assert_null(locations_find(p->nodes[1]->locations, 0, BYTES_LIT("1002")));
	assert_non_null(locations_find(p->nodes[0]->locations, 0, BYTES_LIT("1002")));
}

/* Away from the store: what is said meanwhile is answered at once. */
static void cut_off(struct pair *p, unsigned node)
{
	p->away = p->nodes[node];
	rig_degraded(p->nodes[node], true);
}

static void is_call_back(struct pair *p, unsigned node)
{
	p->away = NULL;
	rig_degraded(p->nodes[node], false);
	for (unsigned i = 0; i < 4; i++)
		pair_wait(p, 1000);
}

/* Whom it does not know may be at the other node: the caller is to try there, and hears no more of it that he is nowhere. */
static void nobody_knows_while_away(void **state)
{
	struct pair *p = *state;
	struct phone phone, caller;
	struct bytes no;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	assert_true(bytes_starts(come_to(p, &phone, 0, 3600), "SIP/2.0 200"));
	pair_wait(p, 40000);
	cut_off(p, 1);
	call_from(p, 1, &caller);
	no = rig_take(p->nodes[1], &caller.addr, "SIP/2.0 503");
	assert_true(no.n);
	assert_true(rig_has(no, "Retry-After: "));
	assert_true(
		bytes_starts(rig_header(no, "Reason"), "SIP;cause=503;text=\"Redis does not say"));
	is_call_back(p, 1);
	pair_wait(p, 40000); /* the first INVITE is over */
	call_from(p, 1, &caller);
	assert_true(rig_take(p->nodes[1], &phone.addr, "INVITE ").n);
}

static uint32_t stored_count(const struct pair *p)
{
	struct aor entry;
	uint32_t n;

	read_stored(p, &entry);
	n = entry.count;
	aor_clear(&entry);
	return n;
}

/* Who came to a node that had no store is there with whom came to the other one meanwhile. */
static void came_while_away(void **state)
{
	struct pair *p = *state;
	struct phone first, second, caller;
	uint64_t version;

	phone_make(&first, p->nodes[0], "192.0.2.12:5060", "run");
	phone_make(&second, p->nodes[0], "192.0.2.13:5060", "other");
	cut_off(p, 0);
	assert_true(bytes_starts(come_to(p, &first, 0, 90), "SIP/2.0 200"));
	pair_wait(p, 1000);
	assert_true(bytes_starts(come_to(p, &second, 1, 90), "SIP/2.0 200"));
	assert_int_equal(stored_count(p), 1);
	version = p->user.version;
	is_call_back(p, 0);
	assert_true(p->conflicts > 0);
	assert_int_equal(stored_count(p), 2);
	assert_true(p->user.version > version);
	pair_wait(p, 1100);
	call_from(p, 1, &caller); /* the other one reads what is new to it */
	assert_int_equal(rig_count(p->nodes[1], &first.addr, "INVITE "), 1);
	assert_int_equal(rig_count(p->nodes[1], &second.addr, "INVITE "), 1);
}

/* The later REGISTER of a phone counts, wherever the store was. */
static void moved_while_away(void **state)
{
	struct pair *p = *state;
	struct phone phone;
	struct aor entry;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)come_to(p, &phone, 0, 90);
	for (unsigned last = 0; last < 2; last++) {
		cut_off(p, 0);
		(void)come_to(p, &phone, !last, 90);
		pair_wait(p, 1000);
		(void)come_to(p, &phone, last, 90);
		is_call_back(p, 0);
		read_stored(p, &entry);
		assert_int_equal(entry.count, 1);
		assert_true(bytes_is(text_bytes(&entry.bindings[0].node), last ? "n1" : "n0"));
		assert_int_equal(entry.bindings[0].cseq, phone.cseq);
		aor_clear(&entry);
	}
}

/* It left a node that had no store. */
static void left_while_away(void **state)
{
	struct pair *p = *state;
	struct phone phone, other;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	phone_make(&other, p->nodes[0], "192.0.2.13:5060", "other");
	(void)come_to(p, &phone, 0, 90);
	cut_off(p, 0);
	(void)come_to(p, &phone, 0, 0);
	(void)come_to(p, &other, 1, 90);
	assert_int_equal(stored_count(p), 2);
	is_call_back(p, 0);
	assert_int_equal(stored_count(p), 1);
	/* and it may come back elsewhere before anybody knows that it left */
	(void)come_to(p, &phone, 0, 90);
	cut_off(p, 0);
	(void)come_to(p, &phone, 0, 0);
	(void)come_to(p, &phone, 1, 90);
	is_call_back(p, 0);
	assert_int_equal(stored_count(p), 2);
}

/* It left the other node, and this one had heard of it before, without a store. */
static void left_the_other(void **state)
{
	struct pair *p = *state;
	struct phone phone, other;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	phone_make(&other, p->nodes[0], "192.0.2.13:5060", "other");
	(void)come_to(p, &other, 1, 3600);
	(void)come_to(p, &phone, 0, 3600);
	cut_off(p, 0);
	(void)come_to(p, &phone, 0, 3600);
	pair_wait(p, 1000);
	(void)come_to(p, &phone, 1, 0);
	is_call_back(p, 0);
	assert_int_equal(stored_count(p), 1);
	/* and it came to this one after that */
	cut_off(p, 0);
	(void)come_to(p, &phone, 1, 3600);
	pair_wait(p, 1000);
	(void)come_to(p, &phone, 1, 0);
	pair_wait(p, 1000);
	(void)come_to(p, &phone, 0, 3600);
	is_call_back(p, 0);
	assert_int_equal(stored_count(p), 2);
}

/* Where the phone is, by what the store has. */
static void assert_stored_at(const struct pair *p, const char *node, const struct phone *phone)
{
	struct aor entry;

	read_stored(p, &entry);
	assert_int_equal(entry.count, 1);
	assert_true(bytes_is(text_bytes(&entry.bindings[0].node), node));
	assert_int_equal(entry.bindings[0].cseq, phone->cseq);
	aor_clear(&entry);
}

/* The store has again what it had before the last REGISTER, which came to another node than the one before it. */
static void goes_back_behind_a_move(struct pair *p, struct phone *phone)
{
	struct stored before = { 0 };

	phone_make(phone, p->nodes[1], "192.0.2.12:5060", "run");
	(void)come_to(p, phone, 1, 3600);
	before.version = p->user.version;
	assert_int_equal(text_set(&before.record, text_bytes(&p->user.record)), 0);
	(void)come_to(p, phone, 0, 3600);
	assert_stored_at(p, "n0", phone);
	text_clear(&p->user.record);
	p->user = before;
}

static void store_goes_back(void **state)
{
	struct pair *p = *state;
	struct phone phone;

	goes_back_behind_a_move(p, &phone);
	cut_off(p, 0);
	is_call_back(p, 0);
	assert_stored_at(p, "n0", &phone);
}

/* Nobody has noticed that it was away, and somebody asks where the phone is. */
static void store_went_back(void **state)
{
	struct pair *p = *state;
	struct phone phone, caller;

	goes_back_behind_a_move(p, &phone);
	pair_wait(p, 1100);
	call_from(p, 0, &caller);
	pair_wait(p, 10);
	assert_stored_at(p, "n0", &phone);
	assert_int_equal(
		locations_find(p->nodes[0]->locations, 0, BYTES_LIT("1002"))->bindings[0].cseq,
		phone.cseq);
}

/* Two phones of one user at two nodes, and each node tells a store that has lost all what it had. */
static void loses_all(struct pair *p, unsigned first_back)
{
	struct phone first, second;

	phone_make(&first, p->nodes[0], "192.0.2.12:5060", "run");
	phone_make(&second, p->nodes[0], "192.0.2.13:5060", "other");
	(void)come_to(p, &first, 0, 3600);
	pair_wait(p, 1000);
	(void)come_to(p, &second, 1, 3600);
	assert_int_equal(stored_count(p), 2);
	pair_wait(p, 1000);
	text_clear(&p->user.record);
	p->user.version = 0;
	for (unsigned i = 0; i < 2; i++)
		rig_degraded(p->nodes[i], true);
	is_call_back(p, first_back);
	is_call_back(p, !first_back);
	assert_int_equal(stored_count(p), 2);
}

static void store_loses_all(void **state)
{
	loses_all(*state, 0);
}

static void store_loses_all_of_two(void **state)
{
	loses_all(*state, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(called_where_it_was),     TEST(runs_out_here),     TEST(is_no_more_while_away),
		TEST(nobody_knows_while_away), TEST(next_one_is_there), TEST(store_forgets),
		TEST(store_does_not_say),      TEST(forgets_others),    TEST(came_while_away),
		TEST(moved_while_away),        TEST(left_while_away),   TEST(left_the_other),
		TEST(store_goes_back),         TEST(store_went_back),   TEST(store_loses_all),
		TEST(store_loses_all_of_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that an extension does not take (FEATURES SEC-10, RFC 5079). */
#include "tests/unit/sig/sides.h"

static void block(struct sides *t, const char *number, const struct shard_forward *f)
{
	assert_int_equal(shard_forward_set(t->r->shard, TENANT_DEFAULT, number, f), 0);
}

static void assert_refused(struct sides *t, struct phone *p, const char *status)
{
	assert_true(phone_hears(p, status).n);
	assert_int_equal(rig_count(t->r, &t->b.addr, "INVITE "), 0);
	assert_int_equal(rig_count(t->r, &t->c.addr, "INVITE "), 0);
}

static void by_number(void **state)
{
	struct sides *t = *state;

	block(t, "1002", &(struct shard_forward){ .blocked = "1009,1001," NUMBER });
	call_as(&t->a, "1002", NULL, "");
	assert_refused(t, &t->a, "SIP/2.0 603 Decline");
	call_as(&t->peer, "1002", NULL, "");
	assert_refused(t, &t->peer, "SIP/2.0 603 ");
	call_as(&t->peer, "1002", "<sip:4711@x>", "P-Asserted-Identity: <tel:" NUMBER ">\r\n");
	assert_refused(t, &t->peer, "SIP/2.0 603 ");
	call_as(&t->peer, "1002", "<sip:4711@x>", "");
	(void)rung(&t->b);
}

static void who_hides(void **state)
{
	struct sides *t = *state;

	block(t, "1002", &(struct shard_forward){ .blocked = "anonymous" });
	call_as(&t->a, "1002", NULL, "Privacy: id\r\n");
	assert_refused(t, &t->a, "SIP/2.0 433 Anonymity Disallowed");
	call_as(&t->peer, "1002", "<sip:anonymous@anonymous.invalid>", "");
	assert_refused(t, &t->peer, "SIP/2.0 433 ");
	call_as(&t->a, "1002", NULL, "");
	(void)rung(&t->b);
}

/* Nor does anybody else take it for him. */
static void goes_nowhere(void **state)
{
	struct sides *t = *state;

	block(t, "1002",
	      &(struct shard_forward){
		      .blocked = "1001", .always = "1004", .busy = "1004", .unreachable = "1004" });
	call_as(&t->a, "1002", NULL, "");
	assert_refused(t, &t->a, "SIP/2.0 603 ");
	line_assert_idle(t->r);
}

/* One of a list that does not take it is passed over. */
static void in_a_list(void **state)
{
	struct sides *t = *state;

	block(t, "1003", &(struct shard_forward){ .always = "1002,1004" });
	block(t, "1002", &(struct shard_forward){ .blocked = "1001" });
	call_as(&t->a, "1003", NULL, "");
	(void)rung(&t->c);
	assert_int_equal(rig_count(t->r, &t->b.addr, "INVITE "), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIDES_TEST(by_number),
		SIDES_TEST(who_hides),
		SIDES_TEST(goes_nowhere),
		SIDES_TEST(in_a_list),
	};

	return cmocka_run_group_tests_name("blocked", tests, NULL, NULL);
}

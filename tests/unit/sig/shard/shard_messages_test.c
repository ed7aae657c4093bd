/* SPDX-License-Identifier: Apache-2.0 */
/* message-summary at the shard: who is told how many messages lie in a box, when, and what nobody is told. VM-01, REG-17. */
#include "sig/feature/mailbox/message_waiting.h"
#include "sig/host/mailboxes.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/sip/credentials.h"
#include "tests/unit/sig/watch.h"

#define MESSAGES_ASK "Event: message-summary\r\nAccept: application/simple-message-summary\r\n"

static const struct message_counts g_three = { 3, 5, 1, 2 };

/* Boxes that are due are counted; counts NULL: the store is away. */
static void count(struct watch *t, const char *box, const struct message_counts *counts)
{
	struct rig *r = t->l.r;
	struct mailboxes *all = r->shard->shared_tables->mailboxes;
	static const struct message_counts none;
	bool found = false;
	struct bytes name;
	uint16_t tenant;

	shard_box_changed(r->shard->shared_tables, BYTES_LIT(TENANT_DEFAULT_NAME), bytes_str(box));
	while (mailboxes_next(all, &tenant, &name)) {
		found |= bytes_is(name, box);
		shard_messages_counted(r->shard->shared_tables, tenant, name,
				       bytes_is(name, box) ? counts : &none, r->now);
		if (found && !counts)
			break; /* it is due again */
	}
	assert_true(found);
	rig_run(r);
}

/* Nothing is told before that. */
static void begin(struct watch *t)
{
	assert_true(bytes_starts(watch_ask(&t->w, "1004", MESSAGES_ASK), "SIP/2.0 200"));
	assert_int_equal(watch_told(&t->w).n, 0);
	count(t, "1004", &g_three);
	assert_true(rig_has(watch_told(&t->w), "Voice-Message: 3/5 (1/2)\r\n"));
}

static void told(void **state)
{
	struct watch *t = *state;
	struct message_counts c = { 0, 8, 0, 3 };
	struct bytes m;

	begin(t);
	count(t, "1004", &g_three);
	assert_int_equal(watch_told(&t->w).n, 0);
	count(t, "1004", &c);
	m = watch_told(&t->w);
	assert_true(rig_has(m, "Event: message-summary\r\n"));
	assert_true(rig_has(m, "Subscription-State: active"));
	assert_true(rig_has(m, "Content-Type: application/simple-message-summary\r\n"));
	assert_true(bytes_is(rig_body(m), "Messages-Waiting: no\r\n"
					  "Message-Account: sip:%23%23@test.local\r\n"
					  "Voice-Message: 0/8 (0/3)\r\n"));
	assert_true(bytes_starts(watch_again(&t->w, MESSAGES_ASK), "SIP/2.0 200"));
	assert_true(rig_has(watch_told(&t->w), "Voice-Message: 0/8 (0/3)\r\n"));
	shard_phones_changed(t->l.r->shard, TENANT_DEFAULT, bytes_str("1004"), t->l.r->now);
	assert_true(rig_has(watch_told(&t->w), "Voice-Message: 0/8 (0/3)\r\n"));
}

/* A store that is away says nothing: neither that there is none, nor another number than before. */
static void store_away(void **state)
{
	struct watch *t = *state;
	struct message_counts c = { 4, 5, 1, 2 };
	struct bytes m;

	begin(t);
	count(t, "1004", NULL);
	assert_int_equal(watch_told(&t->w).n, 0);
	assert_true(bytes_starts(watch_again(&t->w, MESSAGES_ASK), "SIP/2.0 200"));
	assert_true(rig_has(watch_told(&t->w), "Voice-Message: 3/5 (1/2)\r\n"));
	watch_restart(t);
	assert_int_equal(watch_told(&t->w).n, 0);
	count(t, "1004", NULL);
	rig_wait_ms(t->l.r, 1000);
	m = watch_told(&t->w);
	assert_true(rig_has(m, "Subscription-State: active"));
	assert_int_equal(rig_body(m).n, 0);
	assert_int_equal(watch_told(&t->w).n, 0);
	count(t, "1004", &c);
	assert_true(rig_has(watch_told(&t->w), "Voice-Message: 4/5 (1/2)\r\n"));
	assert_int_equal(watch_told(&t->w).n, 0);
}

/* It asks once. */
static void once(void **state)
{
	struct watch *t = *state;
	struct bytes m;

	assert_true(rig_has(watch_ask(&t->w, "1004", MESSAGES_ASK "Expires: 0\r\n"), " 200 "));
	assert_int_equal(watch_told(&t->w).n, 0);
	count(t, "1004", &g_three);
	m = watch_told(&t->w);
	assert_true(rig_has(m, "terminated;reason=timeout"));
	assert_true(rig_has(m, "Voice-Message: 3/5 (1/2)\r\n"));
	assert_int_equal(t->l.r->shard->subscriptions.pool.in_use, 0);
}

/* As of presence; but how many there are is the owner's own affair. */
static void who_may(void **state)
{
	struct watch *t = *state;
	struct shard_extension e = rig_extension("1002", false);

	assert_true(bytes_starts(watch_ask(&t->w, "1002", MESSAGES_ASK), "SIP/2.0 200"));
	assert_int_equal(watch_told(&t->w).n, 0);
	count(t, "1002", &g_three);
	assert_true(bytes_is(rig_body(watch_told(&t->w)), "Messages-Waiting: yes\r\n"));
	e.monitored = MONITORED_NOT;
	assert_int_equal(shard_extension_put(t->l.r->shard, &e), 0);
	assert_true(rig_has(watch_told(&t->w), "terminated;reason=rejected"));
	assert_true(bytes_starts(watch_ask(&t->w, "1002", MESSAGES_ASK), "SIP/2.0 403"));
	assert_true(bytes_starts(watch_ask(&t->w, "4711", MESSAGES_ASK), "SIP/2.0 404"));
}

/* Who has the box of a team, beside its owner, hears numbers; who has it no more does not. */
static void members(void **state)
{
	struct watch *t = *state;
	struct shard *s = t->l.r->shard;
	struct shard_extension e = rig_extension("1002", false);
	struct message_counts c = { 4, 5, 1, 2 };

	e.monitored = MONITORED_NOT; /* of its calls */
	assert_int_equal(shard_extension_put(s, &e), 0);
	assert_int_equal(shard_members_set(s, TENANT_DEFAULT, "1002", "1001,10044"), 0);
	assert_true(bytes_starts(watch_ask(&t->w, "1002", MESSAGES_ASK), "SIP/2.0 403"));
	assert_int_equal(shard_members_set(s, TENANT_DEFAULT, "1002", "1001,1004"), 0);
	assert_true(bytes_starts(watch_ask(&t->w, "1002", MESSAGES_ASK), "SIP/2.0 200"));
	assert_int_equal(watch_told(&t->w).n, 0);
	count(t, "1002", &g_three);
	assert_true(rig_has(watch_told(&t->w), "Voice-Message: 3/5 (1/2)\r\n"));
	count(t, "1002", &c);
	assert_true(rig_has(watch_told(&t->w), "Voice-Message: 4/5 (1/2)\r\n"));
	assert_int_equal(shard_members_set(s, TENANT_DEFAULT, "1002", "1001"), 0);
	assert_true(rig_has(watch_told(&t->w), "terminated;reason=rejected"));
	/* of messages alone */
	assert_int_equal(shard_members_set(s, TENANT_DEFAULT, "1002", "1004"), 0);
	assert_true(bytes_starts(watch_ask(&t->w, "1002", WATCH_DIALOG), "SIP/2.0 403"));
}

/* What another node said may be lost; and a node that has gone may have said nothing. */
static void counted_again(void **state)
{
	struct watch *t = *state;
	struct mailboxes *all = t->l.r->shard->shared_tables->mailboxes;
	struct message_counts c;
	struct bytes name;
	uint16_t tenant;
	char box[8];

	for (int i = 0; i < 20; i++) {
		(void)snprintf(box, sizeof(box), "%d", 2000 + i);
		assert_false(mailboxes_get(all, TENANT_DEFAULT, bytes_str(box), &c));
		assert_true(mailboxes_next(all, &tenant, &name) && bytes_is(name, box));
		assert_true(mailboxes_counted(all, tenant, name, &g_three));
		assert_false(mailboxes_counted(all, tenant, name, &g_three));
	}
	for (int i = 0; i < 11; i++)
		mailboxes_changed_some(all, 10);
	for (int i = 0; i < 20; i++)
		assert_true(mailboxes_next(all, &tenant, &name));
	assert_false(mailboxes_next(all, &tenant, &name));
	shard_remote_joined(t->l.r->shard->shared_tables);
	for (int i = 0; i < 20; i++)
		assert_true(mailboxes_next(all, &tenant, &name));
	assert_false(mailboxes_next(all, &tenant, &name));
}

/* ---- without a subscription ---- */

static void registers(struct watch *t)
{
	struct rig *r = t->l.r;
	char line[1024];
	struct bytes m;

	phone_register_with(&t->w, "", 600);
	m = rig_take(r, &t->w.addr, "SIP/2.0 401");
	phone_register_with(&t->w,
			    credentials_make(line, m, "Authorization", DIGEST_MD5, "1004", "secret",
					     "REGISTER", "sip:test.local"),
			    600);
	for (uint32_t i = 0; i < r->save_count; i++) {
		if (!r->saves[i].answered) {
			assert_int_equal(rig_count(r, &t->w.addr, "NOTIFY "), 0);
			rig_answer(r, i, true);
		}
	}
	rig_run(r);
}

static void unasked(void **state)
{
	struct watch *t = *state;
	struct rig *r = t->l.r;
	struct tenant_settings set = { .name = TENANT_DEFAULT_NAME };
	struct message_counts c = { 4, 5, 1, 2 };
	struct bytes m;
	uint16_t number;

	registers(t);
	assert_int_equal(watch_told(&t->w).n, 0);
	set.terms.messages_unasked = true;
	assert_int_equal(tenants_put(r->shard->settings.tenants, &set, &number), 0);
	registers(t);
	assert_int_equal(watch_told(&t->w).n, 0);
	count(t, "1004", &g_three);
	m = watch_told(&t->w);
	assert_true(bytes_starts(m, "NOTIFY sip:1004@192.0.2.14:5060 "));
	assert_true(rig_has(m, "Subscription-State: terminated;reason=noresource\r\n"));
	assert_true(rig_has(m, "Messages-Waiting: yes\r\nMessage-Account: sip:%23%23@"));
	assert_true(rig_has(m, "Voice-Message: 3/5 (1/2)\r\n"));
	registers(t);
	assert_true(rig_has(watch_told(&t->w), "Voice-Message: 3/5 (1/2)\r\n"));
	count(t, "1004", &c);
	assert_true(rig_has(watch_told(&t->w), "Voice-Message: 4/5 (1/2)\r\n"));
	message_waiting_hooks.resumed(r->shard);
	assert_true(rig_has(watch_told(&t->w), "Voice-Message: 4/5 (1/2)\r\n"));
	count(t, "1004", NULL);
	assert_int_equal(watch_told(&t->w).n, 0);
	assert_true(rig_has(watch_ask(&t->w, "1004", MESSAGES_ASK), " 200 "));
	assert_true(rig_has(watch_told(&t->w), "Subscription-State: active"));
	count(t, "1004", &g_three);
	assert_true(rig_has(watch_told(&t->w), "Subscription-State: active"));
	assert_int_equal(watch_told(&t->w).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WATCH_TEST(told),    WATCH_TEST(store_away), WATCH_TEST(once),
		WATCH_TEST(who_may), WATCH_TEST(members),    WATCH_TEST(counted_again),
		WATCH_TEST(unasked),
	};

	return cmocka_run_group_tests_name("messages", tests, NULL, NULL);
}

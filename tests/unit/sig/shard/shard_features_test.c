/* SPDX-License-Identifier: Apache-2.0 */
/* as-feature-event at the shard: what a phone is told of its own settings, what it sets, and what it may not. CALL-19, CALL-22, ADM-27. */
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/watch.h"

#define FEATURES_ASK "Event: as-feature-event\r\nAccept: " FEATURE_EVENT_TYPE "\r\n"
#define FEATURES_SET FEATURES_ASK "Content-Type: " FEATURE_EVENT_TYPE "\r\n"
#define SPACE        " xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\""
#define DISTURB(on)                                     \
	"<?xml version=\"1.0\"?><SetDoNotDisturb" SPACE \
	"><device>1004</device><doNotDisturbOn>" on "</doNotDisturbOn></SetDoNotDisturb>"
#define FORWARD(type, on, to, more)                                                   \
	"<SetForwarding" SPACE "><forwardingType>" type "</forwardingType>"           \
	"<activateForward>" on "</activateForward><forwardDN>" to "</forwardDN>" more \
	"</SetForwarding>"

static const char *const g_told[] = { "<doNotDisturbOn>false<", "forwardImmediate<", "forwardBusy<",
				      "forwardNoAns<" };

/* All of it, one after the other, from that part on. */
static void told_all(struct watch *t, uint32_t first)
{
	for (uint32_t i = first; i < COUNT_OF(g_told); i++) {
		struct bytes m = watch_told(&t->w);

		ROW_ASSERT(g_told[i], rig_has(m, g_told[i]));
		ROW_ASSERT(g_told[i], rig_has(m, "Content-Type: " FEATURE_EVENT_TYPE));
		ROW_ASSERT(g_told[i], rig_has(m, "<device>1004</device>"));
	}
	assert_int_equal(watch_told(&t->w).n, 0);
}

static void begin(struct watch *t)
{
	assert_true(bytes_starts(watch_ask(&t->w, "1004", FEATURES_ASK), "SIP/2.0 200"));
	told_all(t, 0);
}

static struct bytes sets(struct watch *t, const char *body)
{
	phone_request(&t->w, "SUBSCRIBE", FEATURES_SET, body);
	return rig_take(t->l.r, &t->w.addr, "SIP/2.0");
}

static void set_over(struct watch *t, enum set_state state)
{
	struct rig *r = t->l.r;
	uint32_t cursor = 0;
	pool_handle at;
	const struct subscription *sub = pool_next(&r->shard->subscriptions.pool, &cursor, &at);
	const struct set_reply outcome = { .state = state, .serial = r->set };

	rig_reply(r, (struct reply){ .ask = ASK_SET, .of = sub->id, .set = outcome });
	rig_run(r);
}

static void put(struct watch *t, const struct shard_forward *f)
{
	assert_int_equal(shard_forward_set(t->l.r->shard, TENANT_DEFAULT, "1004", f), 0);
}

/* One after the other; then each change alone, once; and all to a phone that comes back. */
static void told(void **state)
{
	struct watch *t = *state;
	struct shard_forward f = { .do_not_disturb = true };
	struct bytes m;

	begin(t);
	put(t, &f);
	assert_true(rig_has(watch_told(&t->w), "<doNotDisturbOn>true<"));
	assert_int_equal(watch_told(&t->w).n, 0);
	put(t, &f);
	assert_int_equal(watch_told(&t->w).n, 0);
	f = (struct shard_forward){ .no_answer = "1002,1003", .rings = 4 };
	put(t, &f);
	assert_true(rig_has(watch_told(&t->w), "<doNotDisturbOn>false<"));
	m = watch_told(&t->w);
	assert_true(rig_has(m, "<forwardingType>forwardNoAns</forwardingType>\r\n"
			       "<forwardStatus>true</forwardStatus>\r\n"
			       "<forwardTo>1002</forwardTo>\r\n<ringCount>4</ringCount>"));
	assert_int_equal(watch_told(&t->w).n, 0);
	shard_phones_changed(t->l.r->shard, TENANT_DEFAULT, bytes_str("1004"), t->l.r->now);
	rig_run(t->l.r);
	told_all(t, 0);
	watch_restart(t);
	told_all(t, 0);
}

/* It asks once: the last one alone ends it. */
static void once(void **state)
{
	struct watch *t = *state;
	struct bytes m = watch_ask(&t->w, "1004", FEATURES_ASK "Expires: 0\r\n");

	assert_true(bytes_starts(m, "SIP/2.0 200"));
	for (uint32_t i = 0; i < COUNT_OF(g_told); i++) {
		m = watch_told(&t->w);
		ROW_ASSERT(g_told[i], rig_has(m, g_told[i]));
		ROW_ASSERT(g_told[i], rig_has(m, "terminated") == (i + 1 == COUNT_OF(g_told)));
	}
	assert_int_equal(t->l.r->shard->subscriptions.pool.in_use, 0);
}

/* The 200 and what is told wait for the document. */
static void set(void **state)
{
	static const struct {
		const char *body, *number;
		enum feature_action feature;
	} rows[] = {
		{ DISTURB("true"), "", FEATURE_DISTURB_OFF },
		{ DISTURB("false"), "", FEATURE_DISTURB_ON },
		{ FORWARD("forwardImmediate", "true", "1002", ""), "1002", FEATURE_ALWAYS_ON },
		{ FORWARD("forwardImmediate", "false", "1002", ""), "", FEATURE_ALWAYS_OFF },
		{ FORWARD("forwardBusy", "true", "sip:1003@x;user=phone", ""), "1003",
		  FEATURE_BUSY_ON },
		{ FORWARD("forwardBusy", "false", "", ""), "", FEATURE_BUSY_OFF },
		{ FORWARD("forwardNoAns", "true", "tel:1002", "<ringCount>3</ringCount>"), "1002",
		  FEATURE_NO_ANSWER_ON },
		{ FORWARD("forwardNoAns", "false", "", ""), "", FEATURE_NO_ANSWER_OFF },
	}, *row;
	struct watch *t = *state;
	struct rig *r = t->l.r;
	uint32_t n = 0;

	begin(t);
	EACH_ROW(row, rows)
	{
		ROW_ASSERT(row->body, sets(t, row->body).n == 0);
		ROW_ASSERT(row->body, r->set_count == ++n && r->set_feature == row->feature);
		ROW_ASSERT(row->body, !strcmp(r->set_number, row->number));
		ROW_ASSERT(row->body, !strcmp(r->set_user, "1004"));
		ROW_ASSERT(row->body, watch_told(&t->w).n == 0);
		set_over(t, SET_DONE);
		ROW_ASSERT(row->body, rig_has(rig_take(r, &t->w.addr, "SIP/2.0"), "SIP/2.0 200"));
		told_all(t, 0);
	}
	/* nothing that is known, or the number that is there already */
	assert_true(rig_has(sets(t, "<SetAgentState/>"), "SIP/2.0 200"));
	told_all(t, 0);
	assert_true(rig_has(sets(t, FORWARD("forwardBusy", "true", "", "")), "SIP/2.0 200"));
	told_all(t, 0);
	assert_int_equal(r->set_count, n);
}

/* It opens the dialog with it; the document is not saved: its key is dark again. */
static void not_saved(void **state)
{
	struct watch *t = *state;
	struct rig *r = t->l.r;

	phone_begin(&t->w, "1004");
	phone_request(&t->w, "SUBSCRIBE", FEATURES_SET, DISTURB("true"));
	assert_int_equal(rig_take(r, &t->w.addr, "SIP/2.0").n, 0);
	set_over(t, SET_FAILED);
	assert_true(bytes_starts(phone_hears(&t->w, "SIP/2.0"), "SIP/2.0 200"));
	told_all(t, 0);
	/* nobody says what became of it */
	assert_int_equal(sets(t, DISTURB("true")).n, 0);
	rig_wait_ms(r, 4900);
	assert_int_equal(rig_take(r, &t->w.addr, "SIP/2.0").n, 0);
	rig_wait_ms(r, 200);
	assert_true(rig_has(rig_take(r, &t->w.addr, "SIP/2.0"), "SIP/2.0 200"));
	told_all(t, 0);
}

/* SEC-06. Its key does not stay lit: all is told again. */
static void refused(void **state)
{
	static const struct {
		const char *body, *status;
		bool no_forwarding, no_disturbing;
		enum phone_features features;
	} rows[] = {
		{ DISTURB("true"), "403", false, true },
		{ FORWARD("forwardBusy", "true", "1002", ""), "403", true, false },
		{ DISTURB("true"), "200", true, false },
		{ FORWARD("forwardBusy", "true", "1002", ""), "200", false, true },
		{ DISTURB("true"), "403", false, false, PHONE_FEATURES_NO_DISTURB },
		{ FORWARD("forwardBusy", "false", "", ""), "200", false, false,
		  PHONE_FEATURES_NO_DISTURB },
		{ FORWARD("forwardBusy", "true", "10 02", ""), "400", false, false },
		{ "<SetDoNotDisturb>", "400", false, false },
	}, *row;
	struct watch *t = *state;
	struct shard_extension e = rig_extension("1004", false);

	begin(t);
	EACH_ROW(row, rows)
	{
		struct bytes m;

		e.no_forwarding_codes = row->no_forwarding;
		e.no_do_not_disturb_codes = row->no_disturbing;
		e.phone_features = (uint8_t)row->features;
		assert_int_equal(shard_extension_put(t->l.r->shard, &e), 0);
		rig_run(t->l.r);
		while (watch_told(&t->w).n) /* of the row before */
			;
		m = sets(t, row->body);
		if (!m.n) {
			set_over(t, SET_DONE);
			m = rig_take(t->l.r, &t->w.addr, "SIP/2.0");
		}
		ROW_ASSERT(row->body, bytes_starts(bytes_from(m, 8), row->status));
		told_all(t, row->features == PHONE_FEATURES_NO_DISTURB);
	}
	phone_request(&t->w, "SUBSCRIBE", FEATURES_ASK, DISTURB("true")); /* as SDP */
	assert_true(rig_has(rig_take(t->l.r, &t->w.addr, "SIP/2.0"), "SIP/2.0 415"));
}

/* Of others nobody hears; and old phones hear nothing (PRES-04, BEAT-19). */
static void who_may(void **state)
{
	struct watch *t = *state;
	struct shard_extension e = rig_extension("1004", false);

	assert_true(bytes_starts(watch_ask(&t->w, "1002", FEATURES_ASK), "SIP/2.0 403"));
	begin(t);
	e.phone_features = PHONE_FEATURES_NONE;
	assert_int_equal(shard_extension_put(t->l.r->shard, &e), 0);
	assert_true(rig_has(watch_told(&t->w), "terminated;reason=rejected"));
	assert_true(bytes_starts(watch_ask(&t->w, "1004", FEATURES_ASK), "SIP/2.0 403"));
	assert_true(bytes_starts(watch_ask(&t->w, "1002", "Event: presence\r\n"), "SIP/2.0 403"));
	watch_begin(t);
	e = rig_extension("1004", false);
	e.withheld = 1u << ENTITLED_FEATURE_SYNC; /* ADM-90 */
	assert_int_equal(shard_extension_put(t->l.r->shard, &e), 0);
	assert_true(bytes_starts(watch_ask(&t->w, "1004", FEATURES_ASK), "SIP/2.0 403"));
	e.withheld = 0;
	assert_int_equal(shard_extension_put(t->l.r->shard, &e), 0);
	assert_true(bytes_starts(watch_ask(&t->w, "1004", FEATURES_ASK), "SIP/2.0 200"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WATCH_TEST(told),      WATCH_TEST(once),    WATCH_TEST(set),
		WATCH_TEST(not_saved), WATCH_TEST(refused), WATCH_TEST(who_may),
	};

	return cmocka_run_group_tests_name("features", tests, NULL, NULL);
}

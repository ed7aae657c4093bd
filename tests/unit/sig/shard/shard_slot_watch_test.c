/* SPDX-License-Identifier: Apache-2.0 */
/* The lamp of a slot (PARK-05): dark while nobody waits there, lit with who does. */
#include "sig/host/calendars.h"
#include "sig/model/call_order.h"
#include "sig/shard/shard_state.h"
#include "sig/shard/shared_tables.h"
#include "tests/unit/sig/watch.h"

#define SLOT_07 "%234107"

static void slot_codes(struct rig *r, const char *code)
{
	struct feature_codes codes = { 0 };

	(void)bytes_cstr(bytes_str(code), codes.code[FEATURE_PARK], FEATURE_CODE_LEN);
	r->settings.codes = codes;
	shard_configure(r->shard, &r->settings);
}

static int slot_setup(void **state)
{
	(void)watch_setup(state);
	slot_codes(((struct watch *)*state)->l.r, "#41");
	return 0;
}

#define SLOT_TEST(fn) cmocka_unit_test_setup_teardown(fn, slot_setup, watch_teardown)

static uint64_t only_call(struct rig *r)
{
	struct call_view view;
	uint32_t cursor = 0;

	assert_true(shard_call_next(r->shard, &cursor, &view));
	return view.call;
}

/* A waits there; B, which gave it, is left. */
static void slot_park(struct watch *t, const char *slot)
{
	static const struct shard_order by = { .id = 77, .ticket = 9 };
	struct call_order order = {
		.kind = ORDER_PARK, .leg = SHARD_LEG_CALLER, .to = bytes_str(slot), .by = &by
	};
	struct rig *r = t->l.r;
	const struct rig_park *asked;

	phones_talk(&t->l.a, &t->l.b);
	assert_int_equal(shard_call_order(r->shard, only_call(r), &order, r->now), 0);
	rig_run(r);
	asked = &r->parks[(r->park_count - 1) % RIG_LOOKUPS_MAX];
	rig_reply(r, (struct reply){ .ask = ASK_PARK,
				     .of = asked->call,
				     .park = { .serial = asked->serial,
					       .told = PARK_OK,
					       .owner = asked->call } });
	rig_run(r);
	phone_answer(&t->l.b, rig_take(r, &t->l.b.addr, "BYE "), "200 OK", "");
	rig_run(r);
}

static void blf_watch_begin(struct watch *t)
{
	struct bytes m;

	assert_true(bytes_starts(watch_ask(&t->w, SLOT_07, WATCH_DIALOG), "SIP/2.0 200"));
	m = watch_told(&t->w);
	assert_true(rig_has(m, "state=\"full\""));
	assert_false(rig_has(m, "<dialog "));
}

static void lit_and_dark(void **state)
{
	struct watch *t = *state;
	struct bytes m;

	blf_watch_begin(t);
	slot_park(t, "07");
	m = watch_told(&t->w);
	assert_true(rig_has(m, "<state>confirmed</state>"));
	assert_true(rig_has(m, "<remote><identity") && rig_has(m, ">sip:1001@"));
	assert_false(rig_has(m, "call-id=")); /* it is called, and not replaced */
	assert_false(rig_has(m, "<local>"));
	assert_int_equal(watch_told(&t->w).n, 0);
	phone_request(&t->l.a, "BYE", "", "");
	rig_run(t->l.r);
	assert_true(rig_has(watch_told(&t->w), "<state>terminated</state>"));
}

/* It is asked for when somebody waits there already, and of another slot nothing is told. */
static void asked_late(void **state)
{
	struct watch *t = *state;

	slot_park(t, "07");
	assert_true(bytes_starts(watch_ask(&t->w, SLOT_07, WATCH_DIALOG), "SIP/2.0 200"));
	assert_true(rig_has(watch_told(&t->w), "<state>confirmed</state>"));
	assert_true(bytes_starts(watch_ask(&t->w, "%234108", WATCH_DIALOG), "SIP/2.0 200"));
	assert_false(rig_has(watch_told(&t->w), "<dialog "));
}

static void after_a_kill(void **state)
{
	struct watch *t = *state;
	struct rig *r = t->l.r;
	const char *reason = "";
	uint32_t last;

	blf_watch_begin(t);
	slot_park(t, "07");
	(void)watch_told(&t->w);
	for (last = r->save_count; r->saves[last - 1].kind != EFFECT_CALL_SAVE;)
		last--;
	watch_restart(t);
	if (shard_restore_call(r->shard, text_bytes(&r->saves[last - 1].record), r->now, &reason))
		fail_msg("%s", reason);
	shard_resume(r->shard, r->now);
	rig_run(r);
	assert_true(rig_has(watch_told(&t->w), "<state>confirmed</state>"));
}

static void watch_of_1003(struct watch *t, const char *lines)
{
	assert_true(bytes_starts(watch_ask(&t->w, "1003", lines), "SIP/2.0 200"));
	assert_false(rig_has(watch_told(&t->w), "<dialog "));
}

/* PARK-03: who waits in the slot of an extension's number blinks at its lamp; the key calls the slot. It is no call of that extension. */
static void at_an_extension(void **state)
{
	struct watch *t = *state;
	struct rig *r = t->l.r;
	char tag[64], lines[256];
	const uint8_t *at;
	uint32_t claims;
	struct bytes m;

	assert_true(bytes_starts(watch_ask(&t->w, "1003", "Event: presence\r\n"), "SIP/2.0 200"));
	assert_true(watch_told(&t->w).n != 0);
	watch_of_1003(t, WATCH_DIALOG);
	slot_park(t, "1003");
	m = watch_told(&t->w);
	while (!rig_has(m, "dialog-info"))
		m = watch_told(&t->w);
	assert_true(rig_has(m, "<state>early</state>"));
	assert_true(rig_has(m, "call-id=\"1003\" local-tag=\"0\""));
	assert_true(rig_has(m, "<remote><identity") && rig_has(m, ">sip:1001@"));
	at = memmem(m.p, m.n, "remote-tag=\"", 12);
	assert_non_null(at);
	m = bytes_from(m, (size_t)(at - m.p) + 12);
	assert_int_equal(bytes_cstr(bytes_sub(m, 0, bytes_find(m, '"')), tag, sizeof(tag)), 0);
	while ((m = watch_told(&t->w)).n) /* of presence */
		assert_false(rig_has(m, "on-the-phone"));
	(void)snprintf(lines, sizeof(lines), "Replaces: 1003;to-tag=0;from-tag=%s;early-only\r\n",
		       tag);
	claims = r->park_count;
	phone_begin(&t->w, "1003");
	phone_request(&t->w, "INVITE", lines, PHONE_SDP_B);
	rig_run(r);
	assert_true(bytes_starts(rig_take(r, &t->w.addr, "SIP/2.0"), "SIP/2.0 100"));
	assert_int_equal(rig_take(r, &t->w.addr, "SIP/2.0 4").n, 0);
	assert_int_equal(r->park_count, claims + 1); /* who waits there is asked for */
}

/* BEAT-17: dark, or lit, as its tenant likes; it follows its phones. */
static void without_a_phone(void **state)
{
	struct watch *t = *state;
	struct rig *r = t->l.r;
	struct tenant_settings set = { .name = TENANT_DEFAULT_NAME };
	struct phone p;
	uint16_t number;

	watch_of_1003(t, WATCH_DIALOG);
	set.terms.offline_busy = true;
	assert_int_equal(tenants_put(r->shard->settings.tenants, &set, &number), 0);
	assert_true(bytes_starts(watch_ask(&t->w, "1003", WATCH_DIALOG), "SIP/2.0 200"));
	assert_true(rig_has(watch_told(&t->w), "<state>confirmed</state>"));
	phone_open(&p, r, "1003", "192.0.2.13:5060");
	phone_bind(&p);
	shard_phones_changed(r->shard, TENANT_DEFAULT, bytes_str("1003"), r->now);
	assert_true(rig_has(watch_told(&t->w), "<state>terminated</state>"));
}

static void slot_refused(void **state)
{
	static const struct row {
		const char *of_party, *lines, *status;
	} rows[] = {
		{ SLOT_07, "Event: presence\r\n", "404" }, { SLOT_07, "Event: reg\r\n", "404" },
		{ "%23410", WATCH_DIALOG, "404" }, /* one digit is no slot */
		{ "%23417a", WATCH_DIALOG, "404" },        { "%23427", WATCH_DIALOG, "404" },
	};
	struct watch *t = *state;
	const struct row *row;

	EACH_ROW(row, rows)
	{
		struct bytes m = watch_ask(&t->w, row->of_party, row->lines);
		char begin[32];

		(void)snprintf(begin, sizeof(begin), "SIP/2.0 %s", row->status);
		ROW_ASSERT(row->of_party, bytes_starts(m, begin));
	}
}

static void who_may_watch_nobody(void **state)
{
	struct watch *t = *state;
	struct shard_extension e = rig_extension("1004", false);

	e.monitor = MONITOR_NONE;
	assert_int_equal(shard_extension_put(t->l.r->shard, &e), 0);
	assert_true(bytes_starts(watch_ask(&t->w, SLOT_07, WATCH_DIALOG), "SIP/2.0 403"));
	e.monitor = MONITOR_ALL;
	e.withheld = 1u << ENTITLED_LAMPS; /* ADM-90 */
	assert_int_equal(shard_extension_put(t->l.r->shard, &e), 0);
	assert_true(bytes_starts(watch_ask(&t->w, SLOT_07, WATCH_DIALOG), "SIP/2.0 403"));
	e.withheld = 0;
	assert_int_equal(shard_extension_put(t->l.r->shard, &e), 0);
	assert_true(bytes_starts(watch_ask(&t->w, SLOT_07, WATCH_DIALOG), "SIP/2.0 200"));
}

/* PARK-01: a user sees the groups that he belongs to. */
static void of_its_groups(void **state)
{
	struct watch *t = *state;
	struct tenant_settings set = { .name = TENANT_DEFAULT_NAME,
				       .terms.park_groups = "sales=07-09,support=20-21" };
	uint16_t number;

	assert_int_equal(tenants_put(t->l.r->shard->settings.tenants, &set, &number), 0);
	assert_true(bytes_starts(watch_ask(&t->w, SLOT_07, WATCH_DIALOG), "SIP/2.0 403"));
	assert_int_equal(shard_park_groups_set(t->l.r->shard, TENANT_DEFAULT, "1004", "sales"), 0);
	assert_true(bytes_starts(watch_ask(&t->w, "%234130", WATCH_DIALOG), "SIP/2.0 404"));
	assert_true(bytes_starts(watch_ask(&t->w, "%234120", WATCH_DIALOG), "SIP/2.0 403"));
	assert_true(bytes_starts(watch_ask(&t->w, SLOT_07, WATCH_DIALOG), "SIP/2.0 200"));
}

/* Nothing is parked by the old code any more. */
static void another_code(void **state)
{
	struct watch *t = *state;

	blf_watch_begin(t);
	slot_codes(t->l.r, "*85");
	assert_true(rig_has(watch_again(&t->w, WATCH_DIALOG), "SIP/2.0 200"));
	assert_true(rig_has(watch_told(&t->w), "terminated;reason=noresource"));
}

/* ---- opening hours ---- */

static const struct calendar *hours_put(struct watch *t, enum hours_override override)
{
	struct hours h = { .code = "1", .override = override };
	struct calendars *x = t->l.r->shard->shared_tables->calendars;
	const struct calendar *c;
	struct zone *z = NULL;
	uint32_t cursor = 0;

	assert_int_equal(zone_load(&z, "UTC"), 0);
	assert_int_equal(calendars_zone_put(x, "UTC", z), 0);
	assert_int_equal(calendars_put(x, TENANT_DEFAULT, "office", &h, "UTC"), 0);
	c = calendars_turn(x, &cursor, 0);
	if (c)
		shard_hours_changed(t->l.r->shard, c, t->l.r->now);
	return c;
}

/* What phones dial to close them is lit while they are closed by hand, whoever has said so. */
static void of_hours(void **state)
{
	struct watch *t = *state;
	struct feature_codes codes = {
		.code = { [FEATURE_HOURS_OPEN] = "*51", [FEATURE_HOURS_CLOSED] = "*52" }
	};

	t->l.r->settings.codes = codes;
	shard_configure(t->l.r->shard, &t->l.r->settings);
	(void)hours_put(t, HOURS_BY_PLAN);
	assert_true(bytes_starts(watch_ask(&t->w, "*521", WATCH_DIALOG), "SIP/2.0 200"));
	assert_false(rig_has(watch_told(&t->w), "<dialog "));
	assert_non_null(hours_put(t, HOURS_CLOSED));
	assert_true(rig_has(watch_told(&t->w), "<state>confirmed</state>"));
	assert_null(hours_put(t, HOURS_CLOSED));
	assert_int_equal(watch_told(&t->w).n, 0);
	assert_non_null(hours_put(t, HOURS_OPEN));
	assert_true(rig_has(watch_told(&t->w), "<state>terminated</state>"));
	assert_true(bytes_starts(watch_ask(&t->w, "*522", WATCH_DIALOG), "SIP/2.0 404"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SLOT_TEST(lit_and_dark),    SLOT_TEST(asked_late),
		SLOT_TEST(after_a_kill),    SLOT_TEST(slot_refused),
		SLOT_TEST(another_code),    SLOT_TEST(who_may_watch_nobody),
		SLOT_TEST(of_its_groups),   SLOT_TEST(of_hours),
		SLOT_TEST(at_an_extension), SLOT_TEST(without_a_phone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

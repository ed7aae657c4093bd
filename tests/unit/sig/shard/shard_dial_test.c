/* SPDX-License-Identifier: Apache-2.0 */
/* What phones of tenants with plans of their own hear when they dial (FEATURES CALL-38, CALL-40, CALL-46, REG-13, TRUST-03). */
#include "sig/dial/dial.h"
#include "sig/host/tenant_tables.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/tenants.h"

static const struct dial_plan g_plan = {
	.emergency = "110,1002",
	.access = "9",
	.operator_number = "1002",
	.rules = "88>100",
	.overlap = true,
	.numbers = "100x|9x.",
	.country = "49",
	.international_prefix = "00",
	.national_prefix = "0",
	.classes = { [DIAL_NATIONAL] = "+49x.", [DIAL_PREMIUM] = "+49900x." },
	.blocked = "+49666",
};

static struct dial_plans *plans_of(struct street *s)
{
	return s->r->shard->settings.dials;
}

static void permit(struct street *s, unsigned house, const char *number, uint8_t classes)
{
	struct shard_extension e =
		*shard_extension_find(s->r->shard, s->houses[house].number, bytes_str(number));

	e.classes = classes;
	assert_int_equal(shard_extension_put(s->r->shard, &e), 0);
}

static int setup(void **state)
{
	struct dial_plans *plans;
	struct street *s;

	(void)street_setup(state);
	s = *state;
	assert_int_equal(dial_plans_open(&plans, s->tenants), 0);
	s->r->shard->settings.dials = plans;
	assert_int_equal(dial_plans_put(plans, s->houses[ACME].number, &g_plan), 0);
	permit(s, ACME, "1001", DIAL_CLASSES_FIRST);
	s->r->shard->settings.emergency_count = 1;
	memcpy(s->r->shard->settings.emergency[0], "1004", sizeof("1004"));
	return 0;
}

static int teardown(void **state)
{
	struct street *s = *state;
	struct dial_plans *plans = plans_of(s);

	s->r->shard->settings.dials = NULL;
	dial_plans_close(plans);
	return street_teardown(state);
}

static struct bytes hears(struct street *s, unsigned house, const char *digits, const char *status)
{
	struct phone *a = &s->houses[house].a;
	struct bytes answer;

	phone_invite(a, digits, PHONE_SDP_A);
	rig_run(s->r);
	answer = phone_hears(a, status);
	if (!answer.n)
		fail_msg("%s: no %s", digits, status);
	phone_write(a, "ACK", "", "");
	rig_run(s->r);
	return answer;
}

static void rings(struct street *s, unsigned house, const char *digits)
{
	struct phone *a = &s->houses[house].a, *b = &s->houses[house].b;
	struct bytes invite;

	phone_invite(a, digits, PHONE_SDP_A);
	rig_run(s->r);
	invite = phone_rings(b);
	if (!invite.n)
		fail_msg("%s does not ring", digits);
	phone_answer(b, invite, "486 Busy Here", "");
	rig_run(s->r);
	assert_true(phone_hears(a, "SIP/2.0 486").n);
	phone_write(a, "ACK", "", "");
	rig_run(s->r);
}

static uint32_t told(const struct street *s, enum sig_event_kind kind)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < s->r->event_count; i++)
		count += s->r->events[i].kind == kind &&
			 !strcmp(event_str(&s->r->events[i], EV_FROM), "1001") &&
			 !strcmp(event_str(&s->r->events[i], EV_TO), "1002") &&
			 !strcmp(s->r->events[i].tenant, "acme");
	return count;
}

static void extensions(void **state)
{
	struct street *s = *state;

	rings(s, ACME, "1002");
	rings(s, ACME, "0");
	rings(s, ACME, "882");
	rings(s, ACME, "91002"); /* an emergency number, with the access code in front */
	(void)hears(s, OTHER, "0", "SIP/2.0 404");
	(void)hears(s, OTHER, "882", "SIP/2.0 404");
	(void)hears(s, OTHER, "91002", "SIP/2.0 404");
}

/* CALL-38: of one extension, and of no other. What they make an emergency number of is one, also while the node drains. */
static void rules_of_one(void **state)
{
	struct shard_forward own = { .dial_rules = "77>1002,55>10/4,66>1003" };
	struct street *s = *state;
	uint16_t acme = s->houses[ACME].number;

	(void)hears(s, ACME, "77", "SIP/2.0 404");
	rig_wait_ms(s->r, 1000);
	assert_int_equal(shard_forward_set(s->r->shard, acme, "1001", &own), 0);
	rings(s, ACME, "77");
	rings(s, ACME, "5502");
	(void)hears(s, ACME, "66", "SIP/2.0 480");
	rig_wait_ms(s->r, 1000);
	assert_int_equal(told(s, SIG_CALL_EMERGENCY), 2);
	shard_drain(s->r->shard, true);
	rings(s, ACME, "77");
	assert_int_equal(told(s, SIG_CALL_EMERGENCY), 3);
	(void)hears(s, ACME, "78", "SIP/2.0 503");
	rig_wait_ms(s->r, 1000);
	assert_int_equal(shard_forward_set(s->r->shard, acme, "1001", &(struct shard_forward){ 0 }),
			 0);
	(void)hears(s, ACME, "77", "SIP/2.0 503");
}

/* Digit by digit (RFC 3578): the same Call-ID, more of the number each time. No record is written of what is not dialled yet. */
static void overlap(void **state)
{
	struct street *s = *state;
	struct phone *a = &s->houses[ACME].a;

	phone_begin(a, "1");
	for (const char *const *digits = (const char *const[]){ "1", "10", "100", NULL }; *digits;
	     digits++) {
		(void)snprintf(a->target, sizeof(a->target), "sip:%s@%s", *digits, phone_domain(a));
		phone_request(a, "INVITE", "", PHONE_SDP_A);
		rig_run(s->r);
		assert_true(phone_hears(a, "SIP/2.0 484").n);
		phone_write(a, "ACK", "", "");
		rig_run(s->r);
	}
	assert_int_equal(s->r->cdr_count, 0);
	(void)snprintf(a->target, sizeof(a->target), "sip:1002@%s", phone_domain(a));
	phone_request(a, "INVITE", "", PHONE_SDP_A);
	rig_run(s->r);
	assert_true(phone_rings(&s->houses[ACME].b).n);
}

/* REG-13: what its document says counts more than the plan of its tenant. */
static void scheme_of_one(void **state)
{
	static const struct {
		enum dial_scheme scheme;
		bool plan;
		const char *status;
	} rows[] = {
		{ DIAL_SCHEME_PLAN, true, "SIP/2.0 484" },
		{ DIAL_SCHEME_PLAN, false, "SIP/2.0 404" },
		{ DIAL_SCHEME_ENBLOCK, true, "SIP/2.0 404" },
		{ DIAL_SCHEME_OVERLAP, true, "SIP/2.0 484" },
		{ DIAL_SCHEME_OVERLAP, false, "SIP/2.0 484" },
	};
	struct street *s = *state;
	uint16_t acme = s->houses[ACME].number;
	struct shard_extension e = *shard_extension_find(s->r->shard, acme, BYTES_LIT("1001"));
	struct dial_plan plan = g_plan;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		e.dialling = (uint8_t)rows[i].scheme;
		plan.overlap = rows[i].plan;
		assert_int_equal(shard_extension_put(s->r->shard, &e), 0);
		assert_int_equal(dial_plans_put(plans_of(s), acme, &plan), 0);
		(void)hears(s, ACME, "100", rows[i].status);
		rig_wait_ms(s->r, 1000);
		rings(s, ACME, "1002");
	}
}

/* The second dial tone, also where phones send all digits at once. */
static void access_code(void **state)
{
	struct street *s = *state;
	struct dial_plan plan = g_plan;

	plan.overlap = false;
	assert_int_equal(dial_plans_put(plans_of(s), s->houses[ACME].number, &plan), 0);
	(void)hears(s, ACME, "9", "SIP/2.0 484");
	(void)hears(s, ACME, "100", "SIP/2.0 404");
	(void)hears(s, OTHER, "9", "SIP/2.0 404");
}

static void barred(void **state)
{
	static const struct {
		const char *digits, *text;
	} rows[] = {
		{ "90900123", "numbers of the class premium" },
		{ "900331234", "numbers of the class international" },
		{ "90666", "the number is blocked" },
		{ "9+490900123", "numbers of the class premium" },
		{ "90900123,1", "numbers of the class premium" },
		{ "90900123;ext=7", "numbers of the class premium" },
		{ "900490900123;phone-context=+49", "numbers of the class premium" },
		{ "90-900-123p%2C7", "numbers of the class premium" },
	};
	const typeof(rows[0]) *row;
	struct street *s = *state;

	EACH_ROW(row, rows)
	{
		struct bytes answer = hears(s, ACME, row->digits, "SIP/2.0 403");

		ROW_ASSERT(row->digits, memmem(answer.p, answer.n, row->text, strlen(row->text)));
		ROW_ASSERT(row->digits,
			   bytes_starts(rig_header(answer, "Reason"), "SIP;cause=403"));
		rig_wait_ms(s->r, 1000);
	}
	assert_int_equal(s->r->cdr_count, COUNT_OF(rows));
	assert_int_equal(s->r->cdrs[0].sip_status, 403);
	assert_non_null(strstr(s->r->cdrs[0].reason, "premium"));
}

/* Where it is not the caller who sends it there, and no route has the number as it is written. */
static void barred_when_sent_on(void **state)
{
	static const char *const rows[] = { "90900123", "+490900123", "90900123,1" };
	struct street *s = *state;
	struct phone *a = &s->houses[ACME].a, *b = &s->houses[ACME].b;
	uint16_t acme = s->houses[ACME].number;
	struct dial_plan plan = g_plan;
	char refer[64];

	memcpy(plan.emergency, "110", sizeof("110"));
	assert_int_equal(dial_plans_put(plans_of(s), acme, &plan), 0);
	permit(s, ACME, "1002", DIAL_CLASSES_FIRST);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct shard_forward away = { .always = "" };

		(void)bytes_cstr(bytes_str(rows[i]), away.always, sizeof(away.always));
		assert_int_equal(shard_forward_set(s->r->shard, acme, "1002", &away), 0);
		s->r->security = (struct security_event){ 0 };
		(void)hears(s, ACME, "1002", "SIP/2.0 4");
		rig_wait_ms(s->r, 11000);
		ROW_ASSERT(rows[i], s->r->security.kind == SECURITY_BARRED);
	}
	assert_int_equal(shard_forward_set(s->r->shard, acme, "1002", &(struct shard_forward){ 0 }),
			 0);
	phone_invite(a, "1002", PHONE_SDP_A);
	rig_run(s->r);
	(void)phone_rings(b);
	phone_answer(b, b->invite, "200 OK", PHONE_SDP_B);
	rig_run(s->r);
	phone_ack(a);
	rig_run(s->r);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		s->r->security = (struct security_event){ 0 };
		(void)snprintf(refer, sizeof(refer), "Refer-To: <sip:%s@%s>\r\n", rows[i],
			       phone_domain(b));
		phone_request(b, "REFER", refer, "");
		rig_run(s->r);
		ROW_ASSERT(rows[i], phone_hears(b, "SIP/2.0 403").n);
		rig_wait_ms(s->r, 11000);
		ROW_ASSERT(rows[i], s->r->security.kind == SECURITY_BARRED);
	}
}

/* What a tenant may not call none of its extensions may, whatever its document says. */
static void of_no_extension(void **state)
{
	struct tenant_settings set = { .domain_count = 1, .barred = 1 << DIAL_NATIONAL };
	struct street *s = *state;
	struct bytes answer;

	permit(s, ACME, "1001", UINT8_MAX);
	(void)hears(s, ACME, "90301234", "SIP/2.0 404"); /* no trunk has it */
	(void)bytes_cstr(bytes_str(g_houses[ACME]), set.name, sizeof(set.name));
	(void)bytes_cstr(bytes_str(g_house_domains[ACME]), set.domains[0], TENANT_DOMAIN_MAX);
	assert_int_equal(tenants_put(s->tenants, &set, &s->houses[ACME].number), 0);
	answer = hears(s, ACME, "90301234", "SIP/2.0 403");
	assert_true(rig_has(rig_header(answer, "Reason"), "numbers of the class national"));
	rings(s, ACME, "91002"); /* help */
}

/* Nobody has said what is outside. */
static void without_plan(void **state)
{
	struct street *s = *state;

	permit(s, OTHER, "1001", DIAL_CLASSES_FIRST);
	(void)hears(s, OTHER, "0044123", "SIP/2.0 404");
	dial_plans_delete(plans_of(s), s->houses[ACME].number);
	(void)hears(s, ACME, "90900123", "SIP/2.0 404");
}

/* CONF-01: those of its tenant, with what a rule makes of it, and never in an extension's place. */
static void room(void **state)
{
	static const char *const numbers[] = { "700", "10077", "1002" };
	struct street *s = *state;
	struct bytes answer;
	struct rooms *rooms;

	assert_int_equal(rooms_open(&rooms, s->tenants), 0);
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		struct room_terms terms = { .tenant = s->houses[ACME].number };

		(void)snprintf(terms.number, sizeof(terms.number), "%s", numbers[i]);
		assert_int_equal(rooms_put(rooms, &terms), 0);
	}
	s->r->shard->settings.rooms = rooms;
	answer = hears(s, ACME, "700", "SIP/2.0 486"); /* as many as there may be: none */
	assert_true(rig_has(rig_header(answer, "Reason"), "conference"));
	rig_wait_ms(s->r, 1000);
	(void)hears(s, ACME, "8877", "SIP/2.0 486");
	rig_wait_ms(s->r, 1000);
	(void)hears(s, OTHER, "700", "SIP/2.0 404");
	rings(s, ACME, "1002");
	s->r->shard->settings.rooms = NULL;
	rooms_close(rooms);
}

/* Each tenant's own numbers pass a drain, and no other's. */
static void emergency(void **state)
{
	struct street *s = *state;

	shard_drain(s->r->shard, true);
	rings(s, ACME, "1002");
	(void)hears(s, ACME, "1004", "SIP/2.0 503");
	(void)hears(s, OTHER, "1002", "SIP/2.0 503");
	assert_int_equal(told(s, SIG_CALL_EMERGENCY), 1);
}

/* What nobody answers for help is let in no easier: another domain's number, or one of an extension that begins with an access code. */
static void no_emergency(void **state)
{
	struct street *s = *state;
	struct phone *a = &s->houses[ACME].a;
	struct shard_extension coded =
		*shard_extension_find(s->r->shard, s->houses[ACME].number, BYTES_LIT("1001"));

	(void)snprintf(coded.number, sizeof(coded.number), "91002");
	assert_int_equal(shard_extension_put(s->r->shard, &coded), 0);
	(void)hears(s, ACME, "91002", "SIP/2.0 480");
	shard_drain(s->r->shard, true);
	(void)hears(s, ACME, "91002", "SIP/2.0 503");
	phone_begin(a, "1002");
	(void)snprintf(a->target, sizeof(a->target), "sip:1002@elsewhere.example");
	phone_request(a, "INVITE", "", PHONE_SDP_A);
	assert_true(phone_hears(a, "SIP/2.0 503").n);
	assert_int_equal(told(s, SIG_CALL_EMERGENCY), 0);
}

/* A plan holds the number of its tenant, and changes are no second one. */
static void holds(void **state)
{
	struct street *s = *state;
	uint16_t acme = s->houses[ACME].number;

	assert_int_equal(tenants_held(s->tenants, acme, TENANT_PLANS), 1);
	assert_int_equal(dial_plans_put(plans_of(s), acme, &g_plan), 0);
	assert_int_equal(tenants_held(s->tenants, acme, TENANT_PLANS), 1);
	assert_true(dial_plans_may_help(plans_of(s), BYTES_LIT("110")));
	assert_false(dial_plans_may_help(plans_of(s), BYTES_LIT("12345678901234567")));
	dial_plans_delete(plans_of(s), acme);
	dial_plans_delete(plans_of(s), acme);
	assert_int_equal(tenants_held(s->tenants, acme, TENANT_PLANS), 0);
	assert_false(dial_plans_may_help(plans_of(s), BYTES_LIT("110")));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(extensions),   TEST(overlap),   TEST(scheme_of_one),
		TEST(access_code),  TEST(barred),    TEST(of_no_extension),
		TEST(without_plan), TEST(emergency), TEST(no_emergency),
		TEST(holds),        TEST(room),      TEST(barred_when_sent_on),
		TEST(rules_of_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

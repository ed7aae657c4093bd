/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls from outside: asked before anybody rings, for 200 ms at most, and shown by the name of the contact. */
#include "tests/unit/sig/gate.h"
#include "tests/unit/sig/sides.h"

#define KNOWN "Anna Li\nACME; Inc.\nvip\n"

static void tenant_says(struct gate *g, enum contact_names names)
{
	struct tenant_settings t = { .name = TENANT_DEFAULT_NAME,
				     .terms = { .contact_names = (uint8_t)names } };
	uint16_t unused;

	assert_int_equal(tenants_put(g->tenants, &t, &unused), 0);
}

static int contact_setup(void **state)
{
	struct shard_settings settings = rig_settings();
	struct trunk_settings set = gate_trunk("carrier", "198.51.100.1");
	struct gate *g = calloc(1, sizeof(*g));

	settings.contacts = true;
	gate_open(g, &settings);
	(void)gate_put(g, &set);
	gate_did(g, "+49301", "1002");
	*state = g;
	return 0;
}

#define CONTACT_TEST(fn) cmocka_unit_test_setup_teardown(fn, contact_setup, gate_teardown)

static void called(struct gate *g, const char *from, const char *headers)
{
	phone_begin(&g->carriers[0], "+49301");
	(void)snprintf(g->carriers[0].local, sizeof(g->carriers[0].local), "%s", from);
	phone_request(&g->carriers[0], "INVITE", headers, PHONE_SDP_A);
	rig_run(g->l.r);
}

static uint32_t rings(struct gate *g)
{
	return rig_count(g->l.r, &g->l.b.addr, "INVITE ");
}

static void answer(struct gate *g, const char *value, bool blocked)
{
	rig_reply(g->l.r, (struct reply){ .ask = ASK_CONTACT,
					  .of = g->l.r->contact.call,
					  .contact = { .serial = g->l.r->contact.serial,
						       .blocked = blocked,
						       .value = bytes_str(value) } });
	rig_run(g->l.r);
}

/* Nobody rings until it is known; then the phone shows the name, also as asserted, and the call has tags. */
static void named(void **state)
{
	struct gate *g = *state;
	struct bytes m;

	called(g, "<sip:+4930@x>", "P-Asserted-Identity: <sip:+4930@10.9.8.7>\r\n");
	assert_int_equal(rings(g), 0);
	assert_int_equal(g->l.r->contact.count, 1);
	assert_string_equal(g->l.r->contact.user, "1002");
	assert_string_equal(g->l.r->contact.number, "+4930");
	answer(g, KNOWN, false);
	m = rung(&g->l.b);
	assert_header(m, "From", "\"Anna Li\" <sip:+4930@");
	assert_header(m, "P-Asserted-Identity", "\"Anna Li\" <sip:+4930@");
	phone_answer(&g->l.b, m, "603 Decline", "");
	assert_true(phone_hears(&g->carriers[0], "SIP/2.0 603").n);
	phone_write(&g->carriers[0], "ACK", "", "");
	rig_run(g->l.r);
	assert_int_equal(g->l.r->cdr_count, 1);
	assert_string_equal(g->l.r->cdrs[0].facts.from_name, "Anna Li");
	assert_string_equal(g->l.r->cdrs[0].facts.data,
			    "Contact.Name=Anna Li;Contact.Company=ACME  Inc.;Contact.Category=vip");
}

/* Whom a book knows by what name is nobody's business outside: where the call is forwarded there, it goes without. */
static void not_told_outside(void **state)
{
	static const struct {
		enum contact_names says;
		const char *from, *shown;
	} rows[] = {
		{ CONTACT_NAMES_MISSING, "<sip:+4930@x>", "<sip:" },
		{ CONTACT_NAMES_MISSING, "\"Ann\" <sip:+4930@x>", "\"Ann\" <sip:" },
		{ CONTACT_NAMES_ALWAYS, "\"Ann\" <sip:+4930@x>", "<sip:" },
	};
	const struct shard_forward away = { .always = "9123", .outside_number = "4930" };

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct trunk_settings out = gate_trunk("out", "198.51.100.2");
		struct shard_extension e = rig_extension("1002", false);
		struct gate *g;
		struct bytes m;

		assert_int_equal(contact_setup(state), 0);
		g = *state;
		(void)gate_put(g, &out);
		gate_route(g, "9x.", "out");
		e.classes = 0xff;
		assert_int_equal(shard_extension_put(g->l.r->shard, &e), 0);
		assert_int_equal(shard_forward_set(g->l.r->shard, TENANT_DEFAULT, "1002", &away),
				 0);
		tenant_says(g, rows[i].says);
		called(g, rows[i].from, "");
		answer(g, KNOWN, false);
		m = rung(&g->carriers[1]);
		assert_header(m, "From", rows[i].shown);
		assert_false(rig_has(m, "Anna"));
		(void)gate_teardown(state);
	}
}

/* A name that the caller brings counts, a number in its place does not; the tenant may say otherwise. */
static void names_of_callers(void **state)
{
	static const struct {
		enum contact_names says;
		const char *from, *shown;
	} rows[] = {
		{ CONTACT_NAMES_MISSING, "\"Ann\" <sip:+4930@x>", "\"Ann\" <" },
		{ CONTACT_NAMES_MISSING, "\"+49 (30)\" <sip:+4930@x>", "\"Anna Li\" <" },
		{ CONTACT_NAMES_ALWAYS, "\"Ann\" <sip:+4930@x>", "\"Anna Li\" <" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct gate *g;

		assert_int_equal(contact_setup(state), 0);
		g = *state;
		tenant_says(g, rows[i].says);
		called(g, rows[i].from, "");
		answer(g, KNOWN, false);
		assert_header(rung(&g->l.b), "From", rows[i].shown);
		(void)gate_teardown(state);
	}
}

/* Nobody is asked about those who hide, or where the tenant does not want it. */
static void not_asked(void **state)
{
	struct gate *g = *state;

	called(g, "<sip:+4930@x>", "Privacy: id\r\nP-Asserted-Identity: <sip:+4930@10.9.8.7>\r\n");
	assert_int_equal(g->l.r->contact.count, 0);
	(void)rung(&g->l.b);
	tenant_says(g, CONTACT_NAMES_OFF);
	phone_open(&g->carriers[1], g->l.r, "gx", "198.51.100.1:5060");
	g->carriers[0] = g->carriers[1];
	called(g, "<sip:+4931@x>", "");
	assert_int_equal(g->l.r->contact.count, 0);
}

static void blocked(void **state)
{
	struct gate *g = *state;

	called(g, "<sip:+4930@x>", "");
	answer(g, KNOWN, true);
	assert_true(phone_hears(&g->carriers[0], "SIP/2.0 603").n);
	phone_write(&g->carriers[0], "ACK", "", "");
	rig_run(g->l.r);
	assert_int_equal(rings(g), 0);
	assert_int_equal(g->l.r->cdr_count, 1);
	assert_int_equal(g->l.r->cdrs[0].sip_status, 603);
	assert_string_equal(g->l.r->cdrs[0].facts.missed, "");
	assert_string_equal(g->l.r->cdrs[0].facts.from_name, "");
}

/* 200 ms, and a late answer changes nothing. */
static void bounded(void **state)
{
	struct gate *g = *state;

	called(g, "<sip:+4930@x>", "");
	rig_wait_ms(g->l.r, 190);
	assert_int_equal(rings(g), 0);
	rig_wait_ms(g->l.r, 20);
	assert_int_equal(rings(g), 1);
	answer(g, KNOWN, true);
	assert_header(rung(&g->l.b), "From", "<sip:+4930@");
	assert_int_equal(rig_counts(g->l.r).calls, 1);
}

/* Who gives up while it is asked is not rung for. */
static void given_up(void **state)
{
	struct gate *g = *state;

	called(g, "<sip:+4930@x>", "");
	phone_write(&g->carriers[0], "CANCEL", "", "");
	rig_run(g->l.r);
	assert_true(phone_hears(&g->carriers[0], "SIP/2.0 487").n);
	answer(g, KNOWN, false);
	assert_int_equal(rings(g), 0);
}

/* A successor has the record, and asks again. */
static void taken_over(void **state)
{
	struct gate *g = *state;
	struct rig *r = g->l.r;
	struct text record = { 0 };
	uint64_t before;

	called(g, "<sip:+4930@x>", "");
	before = r->contact.serial;
	assert_int_equal(text_set(&record, line_stored(&g->l)), 0);
	line_restart(&g->l, text_bytes(&record));
	text_clear(&record);
	assert_int_equal(r->contact.count, 2);
	assert_int_not_equal(r->contact.serial, before);
	assert_int_equal(rings(g), 0);
	answer(g, KNOWN, false);
	assert_header(rung(&g->l.b), "From", "\"Anna Li\" <sip:+4930@");
}

static void calls_out(struct gate *g, const char *numbers, const char *to, const char *headers)
{
	struct trunk_settings out = gate_trunk("carrier", "198.51.100.1");
	struct shard_forward f = { .outside_number = "493011" };
	struct shard_extension e = rig_extension("1001", false);

	(void)gate_put(g, &out);
	gate_route(g, "9x.", "carrier");
	e.classes = 0xff;
	(void)bytes_cstr(bytes_str(numbers), f.outside_numbers, sizeof(f.outside_numbers));
	assert_int_equal(shard_extension_put(g->l.r->shard, &e), 0);
	assert_int_equal(shard_forward_set(g->l.r->shard, TENANT_DEFAULT, "1001", &f), 0);
	phone_begin(&g->l.a, to);
	phone_request(&g->l.a, "INVITE", headers, PHONE_SDP_A);
	rig_run(g->l.r);
}

/* CON-08: who calls a contact is shown as the number that is its line, where he may be; not where his phone says another one. A contact that is blocked is
 * called, and one that is not known in time too. */
static void line_shown(void **state)
{
	static const struct {
		const char *value, *headers, *shown;
		bool asked, blocked;
	} rows[] = {
		{ "Bo\nACME\n\n493013", "", "493013", true, false },
		{ "Bo\nACME\n\n493013", "", "493013", true, true },
		{ "Bo\nACME\nvip\n", "", "493011", true, false },
		{ "Bo\nACME\n\n493099", "", "493011", true, false },
		{ "", "", "493011", true, false },
		{ NULL, "", "493011", true, false },
		{ NULL, "P-Asserted-Identity: <sip:493012@x>\r\n", "493012", false, false },
		{ NULL, "P-Asserted-Identity: <sip:493099@x>\r\n", "493011", true, false },
		{ NULL, "Privacy: id\r\n", NULL, false, false },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct gate *g;
		char from[64];
		struct bytes m;

		assert_int_equal(contact_setup(state), 0);
		g = *state;
		calls_out(g, "493012,493013", "9123", rows[i].headers);
		ROW_ASSERT(rows[i].shown, g->l.r->contact.count == rows[i].asked);
		if (rows[i].asked) {
			assert_string_equal(g->l.r->contact.user, "1001");
			assert_string_equal(g->l.r->contact.number, "9123");
			assert_false(phone_rings(&g->carriers[0]).n);
		}
		if (rows[i].value)
			answer(g, rows[i].value, rows[i].blocked);
		else
			rig_wait_ms(g->l.r, 210);
		m = rung(&g->carriers[0]);
		(void)snprintf(from, sizeof(from), "<sip:%s@",
			       rows[i].shown ? rows[i].shown : "anonymous");
		ROW_ASSERT(rows[i].shown, rig_has(rig_header(m, "From"), from));
		assert_false(rig_has(m, "Bo"));
		(void)gate_teardown(state);
	}
}

/* Who has one number outside waits for nothing, nor who calls inside; a successor asks again. */
static void line_not_asked(void **state)
{
	const struct shard_forward his = { .outside_numbers = "493013" };
	struct shard_extension e = rig_extension("1001", false);
	struct text record = { 0 };
	struct gate *g = *state;

	calls_out(g, "", "9123", "");
	assert_int_equal(g->l.r->contact.count, 0);
	(void)gate_teardown(state);
	assert_int_equal(contact_setup(state), 0);
	g = *state;
	calls_out(g, "493013", "1002", "");
	assert_int_equal(g->l.r->contact.count, 0);
	assert_int_equal(rings(g), 1);
	(void)gate_teardown(state);
	assert_int_equal(contact_setup(state), 0);
	g = *state;
	calls_out(g, "493013", "9123", "");
	assert_int_equal(text_set(&record, line_stored(&g->l)), 0);
	line_restart(&g->l, text_bytes(&record));
	text_clear(&record);
	assert_int_equal(g->l.r->contact.count, 2);
	e.classes = 0xff;
	assert_int_equal(shard_extension_put(g->l.r->shard, &e), 0);
	assert_int_equal(shard_forward_set(g->l.r->shard, TENANT_DEFAULT, "1001", &his), 0);
	answer(g, "Bo\n\n\n493013", false);
	assert_header(rung(&g->carriers[0]), "From", "\"Phone\" <sip:493013@");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONTACT_TEST(named),
		cmocka_unit_test(names_of_callers),
		cmocka_unit_test(not_told_outside),
		CONTACT_TEST(not_asked),
		CONTACT_TEST(blocked),
		CONTACT_TEST(bounded),
		CONTACT_TEST(given_up),
		CONTACT_TEST(taken_over),
		cmocka_unit_test(line_shown),
		CONTACT_TEST(line_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

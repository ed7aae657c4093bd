/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls, from and to trunks: what their documents say of each header. */
#include "tests/unit/sig/gate.h"
#include "tests/unit/sig/sides.h"

#define SAID                                                                              \
	"P-Asserted-Identity: <sip:+4930@10.9.8.7>\r\nDiversion: <sip:4711@10.9.8.7>\r\n" \
	"User-to-User: 01\r\nX-Case: 7\r\n"

static uint16_t trunk_is(struct gate *g, const struct identity_trunk *identity)
{
	struct trunk_settings set = gate_trunk("carrier", "198.51.100.1");

	set.identity = *identity;
	gate_did(g, "+49301", "1002");
	return gate_put(g, &set);
}

static struct bytes called(struct gate *g, const char *from, const char *headers)
{
	phone_begin(&g->carriers[0], "+49301");
	(void)snprintf(g->carriers[0].local, sizeof(g->carriers[0].local), "%s", from);
	phone_request(&g->carriers[0], "INVITE", headers, PHONE_SDP_A);
	return rung(&g->l.b);
}

/* The phones of this line come by a trusted proxy: they are told what a peer is. */
static void believed(void **state)
{
	struct gate *g = *state;
	const struct identity_trunk all = { .extra = { .count = 1, .names = { "X-Case" } } };
	struct bytes m;

	trunk_is(g, &all);
	m = called(g, "<sip:+4930@x>", SAID);
	assert_header(m, "P-Asserted-Identity", "<sip:+4930@192.0.2.1:5060>");
	assert_header(m, "Diversion", "<sip:4711@192.0.2.1:5060>");
	assert_header(m, "User-to-User", "01");
	assert_header(m, "X-Case", ""); /* the phone's side has no such name */
}

static void not_believed(void **state)
{
	struct gate *g = *state;
	struct identity_trunk none = { .untrusted = true };
	struct bytes m;

	none.ways[CARRIED_ASSERTED] = IDENTITY_OUT;
	none.ways[CARRIED_DIVERSION] = IDENTITY_OFF;
	trunk_is(g, &none);
	m = called(g, "<sip:+4930@x>", SAID);
	assert_header(m, "P-Asserted-Identity", "");
	assert_header(m, "Diversion", "");
	assert_header(m, "User-to-User", "01");
}

/* Nobody outside is an extension, whatever is asserted there. */
static void no_extension(void **state)
{
	struct gate *g = *state;
	struct bytes m;

	trunk_is(g, &(struct identity_trunk){ 0 });
	m = called(g, "<sip:+4930@x>", "P-Asserted-Identity: <sip:1001@x>\r\nUser-to-User: 01\r\n");
	assert_header(m, "P-Asserted-Identity", "");
	assert_header(m, "User-to-User", "01");
}

static void hidden_by_the_trunk(void **state)
{
	struct gate *g = *state;
	struct bytes m;

	trunk_is(g, &(struct identity_trunk){ 0 });
	m = called(g, "<sip:anonymous@anonymous.invalid>",
		   "P-Asserted-Identity: <tel:+4930>\r\nPrivacy: id\r\n");
	assert_header(m, "From", "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=");
	assert_header(m, "P-Asserted-Identity", "<tel:+4930>");
	assert_header(m, "Privacy", "id");
}

/* What the called one is goes back where the trunk is told. */
static void in_responses(void **state)
{
	static const struct {
		enum identity_way way;
		bool untrusted;
		const char *privacy, *told;
	} rows[] = {
		{ IDENTITY_BOTH, false, "", "<sip:1002@192.0.2.1:5060>" },
		{ IDENTITY_OUT, true, "", "<sip:1002@192.0.2.1:5060>" },
		{ IDENTITY_IN, false, "", "" },
		{ IDENTITY_OFF, false, "", "" },
		{ IDENTITY_BOTH, false, "Privacy: id\r\n", "<sip:1002@192.0.2.1:5060>" },
		{ IDENTITY_BOTH, true, "Privacy: id\r\n", "" },
	};
	struct gate *g = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct identity_trunk set = { .untrusted = rows[i].untrusted };
		struct bytes m;

		set.ways[CARRIED_ASSERTED] = (uint8_t)rows[i].way;
		trunk_is(g, &set);
		(void)called(g, "<sip:+4930@x>", "");
		phone_answer_as(&g->l.b, g->l.b.invite, "b", "180 Ringing", rows[i].privacy, "");
		m = phone_hears(&g->carriers[0], "SIP/2.0 180");
		assert_true(m.n);
		assert_header(m, "P-Asserted-Identity", rows[i].told);
		phone_answer_as(&g->l.b, g->l.b.invite, "b", "486 Busy Here", "", "");
		assert_true(phone_hears(&g->carriers[0], "SIP/2.0 486").n);
	}
}

/* 9 and a number lead to the carrier, for 1001. */
static void may_go_out(struct gate *g, const char *caller_id, const char *caller_ids)
{
	struct trunk_settings set = gate_trunk("carrier", "198.51.100.1");
	struct trunk_route route = { .enabled = true,
				     .name = "out",
				     .pattern = "9x.",
				     .change.strip = 1,
				     .choice_count = 1,
				     .choices = { { .trunk = "carrier" } } };
	struct shard_extension e = rig_extension("1001", false);

	e.classes = 0xff;
	(void)bytes_cstr(bytes_str(caller_id), set.caller_id, sizeof(set.caller_id));
	(void)bytes_cstr(bytes_str(caller_ids), set.caller_ids, sizeof(set.caller_ids));
	(void)gate_put(g, &set);
	assert_int_equal(trunk_route_put(g->numbers, &route), 0);
	assert_int_equal(shard_extension_put(g->l.r->shard, &e), 0);
}

/* MGT-09: the number chosen for the extension, or the one it asks for where it may; and none that the trunk may not show. */
static void shown_outside(void **state)
{
	static const struct {
		const char *number, *numbers, *wish, *caller_id, *caller_ids, *shown;
	} rows[] = {
		{ "", "", "", "", "", "1001" },
		{ "", "", "", "49305", "", "49305" },
		{ "493011", "", "", "49305", "", "493011" },
		{ "493011", "493012,493013", "493013", "", "", "493013" },
		{ "493011", "493012", "493099", "", "", "493011" },
		{ "493011", "", "", "49305", "4930x", "49305" },
		{ "493011", "", "", "49305", "4930xx", "493011" },
		{ "", "", "", "", "4930xx", "anonymous" },
	};
	struct gate *g = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct shard_forward f = { 0 };
		char wish[64] = "", from[64];
		struct bytes m;

		may_go_out(g, rows[i].caller_id, rows[i].caller_ids);
		(void)bytes_cstr(bytes_str(rows[i].number), f.outside_number,
				 sizeof(f.outside_number));
		(void)bytes_cstr(bytes_str(rows[i].numbers), f.outside_numbers,
				 sizeof(f.outside_numbers));
		assert_int_equal(shard_forward_set(g->l.r->shard, TENANT_DEFAULT, "1001", &f), 0);
		if (rows[i].wish[0])
			(void)snprintf(wish, sizeof(wish), "P-Asserted-Identity: <sip:%s@x>\r\n",
				       rows[i].wish);
		phone_begin(&g->l.a, "9123");
		phone_request(&g->l.a, "INVITE", wish, PHONE_SDP_A);
		m = phone_rings(&g->carriers[0]);
		(void)snprintf(from, sizeof(from), "<sip:%s@", rows[i].shown);
		ROW_ASSERT(rows[i].shown, rig_has(rig_header(m, "From"), from));
		ROW_ASSERT(rows[i].shown, rig_has(rig_header(m, "P-Asserted-Identity"), from) ||
						  !strcmp(rows[i].shown, "anonymous"));
		phone_answer(&g->carriers[0], m, "486 Busy Here", "");
		assert_true(phone_hears(&g->l.a, "SIP/2.0 486").n);
	}
}

/* Who was called before: by the number outside, or not at all. */
static void sent_on_outside(void **state)
{
	static const struct {
		const char *number, *caller_id, *caller_ids, *shown;
	} rows[] = {
		{ "", "", "", "<sip:anonymous@anonymous.invalid>" },
		{ "493012", "", "", "<sip:493012@" },
		{ "", "49305", "", "<sip:49305@" },
		{ "493012", "49305", "", "<sip:493012@" },
		{ "493012", "49305", "4930x", "<sip:49305@" },
		{ "493012", "", "4930x", "<sip:anonymous@anonymous.invalid>" },
	};
	struct gate *g = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct shard_forward f = { .always = "9123" };
		struct shard_extension e = rig_extension("1002", false);
		struct bytes m;

		may_go_out(g, rows[i].caller_id, rows[i].caller_ids);
		e.classes = 0xff;
		assert_int_equal(shard_extension_put(g->l.r->shard, &e), 0);
		(void)bytes_cstr(bytes_str(rows[i].number), f.outside_number,
				 sizeof(f.outside_number));
		assert_int_equal(shard_forward_set(g->l.r->shard, TENANT_DEFAULT, "1002", &f), 0);
		phone_invite(&g->l.a, "1002", PHONE_SDP_A);
		m = phone_rings(&g->carriers[0]);
		ROW_ASSERT(rows[i].shown, bytes_starts(rig_header(m, "Diversion"), rows[i].shown));
		ROW_ASSERT(rows[i].shown, rig_has(rig_header(m, "History-Info"), "index=1.1"));
		ROW_ASSERT(rows[i].shown, !rig_has(rig_header(m, "History-Info"), "1002"));
		phone_answer(&g->carriers[0], m, "486 Busy Here", "");
		assert_true(phone_hears(&g->l.a, "SIP/2.0 486").n);
		phone_ack(&g->l.a);
	}
}

/* Who may call nobody outside is told so, and no trunk hears of it. */
static void calls_nobody_outside(void **state)
{
	struct gate *g = *state;
	struct shard_extension e = rig_extension("1001", false);

	may_go_out(g, "", "");
	e.classes = 0;
	assert_int_equal(shard_extension_put(g->l.r->shard, &e), 0);
	phone_invite(&g->l.a, "9123", PHONE_SDP_A);
	assert_true(phone_hears(&g->l.a, "SIP/2.0 403").n);
	assert_int_equal(rig_take(g->l.r, &g->carriers[0].addr, "INVITE ").n, 0);
}

/* MGT-09: it must have a number outside that is one of the tenant, whoever brings the call there. */
static void number_required(void **state)
{
	static const struct {
		const char *number;
		bool goes;
	} rows[] = { { "", false }, { "493099", false }, { "493011", true } };
	struct gate *g = *state;
	struct tenant_settings set = { .name = TENANT_DEFAULT_NAME,
				       .terms.outside_number_required = true };
	struct shard_extension e = rig_extension("1002", false);
	struct shard_forward on = { .always = "9123" };
	uint16_t tenant;

	assert_int_equal(tenants_put(g->tenants, &set, &tenant), 0);
	gate_did(g, "493011", "1001");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct shard_forward f = { 0 };
		struct bytes m;

		may_go_out(g, "", "");
		(void)bytes_cstr(bytes_str(rows[i].number), f.outside_number,
				 sizeof(f.outside_number));
		assert_int_equal(shard_forward_set(g->l.r->shard, TENANT_DEFAULT, "1001", &f), 0);
		phone_invite(&g->l.a, "9123", PHONE_SDP_A);
		m = phone_rings(&g->carriers[0]);
		ROW_ASSERT(rows[i].number, !m.n == !rows[i].goes);
		if (rows[i].goes) {
			phone_answer(&g->carriers[0], m, "486 Busy Here", "");
			assert_true(phone_hears(&g->l.a, "SIP/2.0 486").n);
			continue;
		}
		m = phone_hears(&g->l.a, "SIP/2.0 403");
		ROW_ASSERT(rows[i].number, rig_has(rig_header(m, "Reason"), "is shown outside"));
	}
	/* 1001 has one; 1002, who sends the call on, at first has none */
	e.classes = 0xff;
	assert_int_equal(shard_extension_put(g->l.r->shard, &e), 0);
	assert_int_equal(shard_forward_set(g->l.r->shard, TENANT_DEFAULT, "1002", &on), 0);
	phone_invite(&g->l.a, "1002", PHONE_SDP_A);
	assert_true(phone_hears(&g->l.a, "SIP/2.0 480").n);
	assert_false(phone_rings(&g->carriers[0]).n);
	(void)bytes_cstr(BYTES_LIT("493011"), on.outside_number, sizeof(on.outside_number));
	assert_int_equal(shard_forward_set(g->l.r->shard, TENANT_DEFAULT, "1002", &on), 0);
	phone_invite(&g->l.a, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&g->carriers[0]).n);
}

/* A call by command: the number as the extension dials it, shown as it may be shown; or refused with the reason. */
static void originated_outside(void **state)
{
	static const struct {
		const char *to, *caller_id, *shown;
		uint8_t account;
		enum refusal refused;
	} rows[] = {
		{ "9123", NULL, "493011", 0, REFUSED_NOT },
		{ "9123", "493013", "493013", 0, REFUSED_NOT },
		{ "9123", "493011", "493011", 0, REFUSED_NOT },
		{ "9123", "493099", NULL, 0, REFUSED_CALLER_ID },
		{ "8123", NULL, NULL, 0, REFUSED_NOT_REGISTERED },
		{ "9123", NULL, NULL, ACCOUNT_REQUIRED, REFUSED_ACCOUNT_CODE },
	};
	struct shard_forward f = { .outside_number = "493011", .outside_numbers = "493012,493013" };
	struct gate *g = *state;
	struct shard_extension e;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct shard_originate o = { .call = UINT64_C(0x7800000000001) + i,
						   .from = "1001",
						   .to = rows[i].to,
						   .caller_id = rows[i].caller_id };
		char from[64];
		struct bytes m;

		may_go_out(g, "", "");
		e = rig_extension("1001", false);
		e.classes = 0xff;
		e.account_code = rows[i].account;
		assert_int_equal(shard_extension_put(g->l.r->shard, &e), 0);
		assert_int_equal(shard_forward_set(g->l.r->shard, TENANT_DEFAULT, "1001", &f), 0);
		ROW_ASSERT(rows[i].to,
			   shard_call_originate(g->l.r->shard, &o, g->l.r->now) == rows[i].refused);
		rig_wait_ms(g->l.r, 1);
		if (rows[i].refused)
			continue;
		assert_true(phone_rings(&g->l.a).n);
		phone_answer(&g->l.a, g->l.a.invite, "200 OK", PHONE_SDP_A);
		m = phone_rings(&g->carriers[0]);
		(void)snprintf(from, sizeof(from), "<sip:%s@", rows[i].shown);
		ROW_ASSERT(rows[i].shown, rig_has(rig_header(m, "From"), from));
		ROW_ASSERT(rows[i].shown, rig_has(rig_header(m, "P-Asserted-Identity"), from));
		ROW_ASSERT(rows[i].shown, rig_has(m, "INVITE sip:123@"));
		phone_answer(&g->carriers[0], m, "486 Busy Here", "");
		phone_request(&g->l.a, "BYE", "", "");
		rig_run(g->l.r);
	}
	may_go_out(g, "", "");
	e = rig_extension("1001", false);
	assert_int_equal(shard_extension_put(g->l.r->shard, &e), 0);
	assert_int_equal(shard_call_originate(g->l.r->shard,
					      &(struct shard_originate){
						      .call = 9, .from = "1001", .to = "9123" },
					      g->l.r->now),
			 REFUSED_MAY_NOT_CALL);
}

/* Two numbers outside: both are dialled, shown and paid as of an extension. */
static void originated_for(void **state)
{
	struct gate *g = *state;
	const struct shard_forward f = { .outside_number = "493011" };
	struct shard_originate o = {
		.call = UINT64_C(0x7800000000001), .from = "9123", .to = "9124", .payer = "1001"
	};
	struct phone *out = &g->carriers[0];
	struct shard_extension e = rig_extension("1001", false);
	struct bytes m;

	may_go_out(g, "", "");
	assert_int_equal(shard_extension_put(g->l.r->shard, &e), 0);
	assert_int_equal(shard_call_originate(g->l.r->shard, &o, g->l.r->now),
			 REFUSED_MAY_NOT_CALL);
	e.classes = 0xff;
	assert_int_equal(shard_extension_put(g->l.r->shard, &e), 0);
	assert_int_equal(shard_forward_set(g->l.r->shard, TENANT_DEFAULT, "1001", &f), 0);
	o.from = "1002";
	assert_int_equal(shard_call_originate(g->l.r->shard, &o, g->l.r->now), REFUSED_PAYER);
	o.from = "8123"; /* no route has it */
	assert_int_equal(shard_call_originate(g->l.r->shard, &o, g->l.r->now), REFUSED_NOT_FOUND);
	o.from = "9123";
	assert_int_equal(shard_call_originate(g->l.r->shard, &o, g->l.r->now), 0);
	rig_wait_ms(g->l.r, 1);
	m = phone_rings(out);
	assert_true(rig_has(m, "INVITE sip:123@"));
	assert_true(rig_has(rig_header(m, "From"), "<sip:493011@"));
	phone_answer(out, m, "200 OK", PHONE_SDP_A);
	m = phone_rings(out);
	assert_true(rig_has(m, "INVITE sip:124@"));
	assert_true(rig_has(rig_header(m, "Diversion"), "<sip:493011@"));
	assert_int_equal(rig_count(g->l.r, &g->l.a.addr, "INVITE "), 0);
	phone_answer(out, m, "486 Busy Here", "");
	rig_wait_ms(g->l.r, 1);
	assert_true(rig_take(g->l.r, &out->addr, "BYE ").n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GATE_TEST(believed),        GATE_TEST(not_believed),
		GATE_TEST(no_extension),    GATE_TEST(hidden_by_the_trunk),
		GATE_TEST(in_responses),    GATE_TEST(shown_outside),
		GATE_TEST(sent_on_outside), GATE_TEST(calls_nobody_outside),
		GATE_TEST(number_required), GATE_TEST(originated_outside),
		GATE_TEST(originated_for),
	};

	return cmocka_run_group_tests_name("identity_trunk", tests, NULL, NULL);
}

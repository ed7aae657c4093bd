/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls, as each side of a call is told (RFC 3323, RFC 3325): a peer is trusted, a phone is not. */
#include "tests/unit/sig/sides.h"

#define ANONYMOUS "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="
#define PAI       "P-Asserted-Identity"

static void peer_to_phone(void **state)
{
	struct sides *t = *state;
	struct bytes m;

	call_as(&t->peer, "1002", NULL, PAI ": <sip:" NUMBER "@10.9.8.7>\r\n");
	m = rung(&t->b);
	assert_header(m, "From", "\"Phone\" <sip:" NUMBER "@192.0.2.1:5060>;tag=");
	assert_header(m, PAI, "");
}

static void peer_to_peer(void **state)
{
	struct sides *t = *state;
	struct bytes m;

	call_as(&t->peer, "1003", NULL,
		PAI ": \"A\" <sip:" NUMBER "@10.9.8.7:5070;user=phone>, <tel:" NUMBER ">\r\n");
	m = rung(&t->far);
	assert_true(rig_has(m, "\r\n" PAI ": \"A\" <sip:" NUMBER
			       "@192.0.2.1:5060;user=phone>\r\n" PAI ": <tel:" NUMBER ">\r\n"));
	assert_header(m, "Privacy", "");
}

/* Who calls is kept from phones, and told to peers, who are told to keep it. */
static void hidden_by_a_peer(void **state)
{
	static const char *const wishes[] = { "id", "user", "header", "id;critical" };
	struct sides *t = *state;

	for (size_t i = 0; i < COUNT_OF(wishes); i++) {
		char headers[256];
		struct bytes m;

		(void)snprintf(headers, sizeof(headers),
			       PAI ": <sip:" NUMBER "@x>\r\nPrivacy: %s\r\n", wishes[i]);
		call_as(&t->peer, "1002", NULL, headers);
		m = rung(&t->b);
		assert_header(m, "From", ANONYMOUS);
		assert_header(m, "Privacy", "");
		assert_false(rig_has(m, NUMBER));
		phone_cancel(&t->peer);
		assert_string_equal(event_str(&t->r->events[0], EV_FACT_from_name), "Anonymous");
		call_as(&t->peer, "1003", NULL, headers);
		m = rung(&t->far);
		assert_header(m, "From", ANONYMOUS);
		assert_header(m, PAI, "<sip:" NUMBER "@192.0.2.1:5060>");
		assert_header(m, "Privacy", wishes[i]);
		phone_cancel(&t->peer);
	}
}

/* Who has the older header alone (draft-ietf-sip-privacy-04) hides by it as well, a peer or a phone, calling or called. */
#define RPID(params) "Remote-Party-ID: M\xc3\xbcller <sip:" NUMBER "@x>" params "\r\n"

static void hidden_by_remote_party_id(void **state)
{
	static const struct {
		const char *headers;
		bool hidden;
	} rows[] = {
		{ RPID(";party=calling;privacy=full;screen=yes"), true },
		{ RPID(";PRIVACY=\"uri\""), true },
		{ RPID(";screen=no") RPID(";privacy=name"), true },
		{ "Remote-Party-ID: <sip:" NUMBER "@x>;privacy=off, <sip:1@x>;privacy=full\r\n",
		  true },
		{ RPID(";party=called;privacy=full"), false },
		{ RPID(";privacy=off"), false },
		{ RPID(";privacy=full") "Privacy: none\r\n", false },
		{ "Remote-Party-ID: \"a>;privacy=full\" <sip:" NUMBER "@x>\r\n", false },
	};
	struct sides *t = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char headers[512];
		struct bytes m;

		(void)snprintf(headers, sizeof(headers), PAI ": <sip:" NUMBER "@x>\r\n%s",
			       rows[i].headers);
		call_as(&t->peer, "1002", NULL, headers);
		m = rung(&t->b);
		assert_int_equal(rig_has(m, NUMBER), !rows[i].hidden);
		assert_int_equal(rig_has(m, ANONYMOUS), rows[i].hidden);
		assert_header(m, "Remote-Party-ID", "");
		phone_cancel(&t->peer);
		call_as(&t->a, "1003", NULL, rows[i].headers);
		m = rung(&t->far);
		assert_int_equal(rig_has(m, ANONYMOUS), rows[i].hidden);
		phone_cancel(&t->a);
	}
	call_as(&t->peer, "1002", NULL, "");
	phone_answer_as(&t->b, rung(&t->b), "b", "180 Ringing", RPID(";party=called;privacy=full"),
			"");
	assert_header(phone_hears(&t->peer, "SIP/2.0 180"), "Privacy", "id");
}

/* RFC 3323 4.2: "none" forbids to hide anything; "session" and "history" do not hide the name. */
static void not_hidden(void **state)
{
	static const char *const wishes[] = { "none", "session", "history", "id;none" };
	struct sides *t = *state;

	for (size_t i = 0; i < COUNT_OF(wishes); i++) {
		char headers[256];

		(void)snprintf(headers, sizeof(headers), "Privacy: %s\r\n", wishes[i]);
		call_as(&t->peer, "1002", NULL, headers);
		assert_header(rung(&t->b), "From", "\"Phone\" <sip:" NUMBER "@");
		assert_string_equal(event_str(&t->r->events[0], EV_FACT_from_name), "Phone");
		phone_cancel(&t->peer);
	}
}

/* RFC 3325 5: what a phone asserts is dropped, and who it is, is asserted by us. */
static void phone_to_peer(void **state)
{
	struct sides *t = *state;
	struct bytes m;

	call_as(&t->a, "1003", NULL, PAI ": <sip:boss@x>\r\n");
	m = rung(&t->far);
	assert_header(m, PAI, "\"Phone\" <sip:1001@192.0.2.1:5060>");
	assert_false(rig_has(m, "boss"));
}

static void phone_prefers(void **state)
{
	struct sides *t = *state;

	call_as(&t->a, "1003", NULL, "P-Preferred-Identity: \"Desk\" <sip:1001@x>\r\n");
	assert_header(rung(&t->far), PAI, "\"Desk\" <sip:1001@192.0.2.1:5060>");
	phone_cancel(&t->a);
	call_as(&t->a, "1003", NULL, "P-Preferred-Identity: <sip:1002@x>\r\n");
	assert_header(rung(&t->far), PAI, "\"Phone\" <sip:1001@192.0.2.1:5060>");
}

static void hidden_by_a_phone(void **state)
{
	static const struct {
		const char *from, *headers, *privacy;
	} rows[] = {
		{ NULL, "Privacy: id\r\n", "id" },
		{ "<sip:anonymous@anonymous.invalid>", "", "id" },
		{ "\"Anonymous\" <sip:anonymous@test.local>", "Privacy: user\r\n", "user" },
		{ "<sip:1001@anonymous.invalid>", "Privacy: header;id\r\n", "header;id" },
	};
	struct sides *t = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct bytes m;

		call_as(&t->a, "1003", rows[i].from, rows[i].headers);
		m = rung(&t->far);
		assert_header(m, "From", ANONYMOUS);
		assert_true(rig_has(rig_header(m, PAI), "<sip:1001@192.0.2.1:5060>"));
		assert_header(m, "Privacy", rows[i].privacy);
		phone_cancel(&t->a);
		call_as(&t->a, "1002", rows[i].from, rows[i].headers);
		m = rung(&t->b);
		assert_header(m, "From", ANONYMOUS);
		assert_false(rig_has(m, "1001"));
		phone_cancel(&t->a);
	}
}

/* It proves by its password whose call it is, and no other way. */
static void hidden_needs_a_password(void **state)
{
	struct sides *t = *state;

	call_as(&t->a, "1002", "<sip:anonymous@anonymous.invalid>", "");
	phone_answer(&t->b, rung(&t->b), "486 Busy Here", "");
	line_assert_idle(t->r);
	assert_string_equal(t->r->cdrs[0].from, "1001");
	phone_begin(&t->b, "1001");
	(void)snprintf(t->b.local, sizeof(t->b.local), "<sip:anonymous@anonymous.invalid>");
	phone_request(&t->b, "INVITE", "", PHONE_SDP_A);
	assert_true(rig_take(t->r, &t->b.addr, "SIP/2.0 407").n);
	assert_int_equal(rig_count(t->r, &t->a.addr, "INVITE "), 0);
}

/* RFC 3325 5: what the called one is, both ways. */
static void in_responses(void **state)
{
	struct sides *t = *state;
	struct bytes m;

	call_as(&t->peer, "1003", NULL, "");
	phone_answer_as(&t->far, rung(&t->far), "f", "180 Ringing", PAI ": <tel:+4940>\r\n", "");
	assert_header(phone_hears(&t->peer, "SIP/2.0 180"), PAI, "<tel:+4940>");
	phone_answer_as(&t->far, t->far.invite, "f", "200 OK", PAI ": <tel:+4941>\r\n",
			PHONE_SDP_B);
	assert_header(phone_hears(&t->peer, "SIP/2.0 200"), PAI, "<tel:+4941>");
	phone_ack(&t->peer);

	call_as(&t->peer, "1002", NULL, "");
	phone_answer_as(&t->b, rung(&t->b), "b", "180 Ringing", PAI ": <tel:+666>\r\n", "");
	assert_header(phone_hears(&t->peer, "SIP/2.0 180"), PAI, "<sip:1002@192.0.2.1:5060>");
	phone_cancel(&t->peer);

	call_as(&t->a, "1003", NULL, "");
	phone_answer_as(&t->far, rung(&t->far), "f", "180 Ringing", PAI ": <tel:+4940>\r\n", "");
	m = phone_hears(&t->a, "SIP/2.0 180");
	assert_true(m.n);
	assert_header(m, PAI, "");
}

/* Who is called may hide as well: from then on. */
static void hidden_in_responses(void **state)
{
	struct sides *t = *state;
	struct bytes m;

	call_as(&t->peer, "1002", NULL, "");
	phone_answer_as(&t->b, rung(&t->b), "b", "180 Ringing", "Privacy: id\r\n", "");
	m = phone_hears(&t->peer, "SIP/2.0 180");
	assert_header(m, PAI, "<sip:1002@192.0.2.1:5060>");
	assert_header(m, "Privacy", "id");
}

/* A peer says during the call who speaks now: the other one is told with what it hears next. */
static void in_a_reinvite(void **state)
{
	struct sides *t = *state;
	struct bytes m;

	call_as(&t->peer, "1003", NULL, PAI ": <tel:+4930>\r\n");
	phone_answer(&t->far, rung(&t->far), "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->peer, "SIP/2.0 200").n);
	phone_ack(&t->peer);
	phone_request(&t->peer, "INVITE", PAI ": <tel:+4931>\r\nUser-to-User: 00\r\n", PHONE_SDP_A);
	m = rig_take(t->r, &t->far.addr, "INVITE ");
	assert_header(m, PAI, "<tel:+4931>");
	assert_header(m, "User-to-User", "");
}

static void others(void **state)
{
	static const char headers[] =
		"User-to-User: 56a3;encoding=hex\r\nX-Case: 7\r\nX-Other: 8\r\n"
		"Geolocation: <https://l.x/1>\r\nGeolocation-Routing: no\r\n"
		"Identity: eyJ.a.b;info=<https://c.x/a.cer>\r\nDate: Sat, 22 Nov 2026 06:00:00 "
		"GMT\r\n";
	struct sides *t = *state;
	struct bytes m;

	call_as(&t->peer, "1002", NULL, headers);
	m = rung(&t->b);
	assert_header(m, "User-to-User", "56a3;encoding=hex");
	assert_header(m, "X-Case", "7");
	assert_header(m, "Geolocation", "");
	assert_header(m, "Identity", "");
	assert_header(m, "X-Other", "");
	phone_cancel(&t->peer);
	call_as(&t->peer, "1003", NULL, headers);
	m = rung(&t->far);
	assert_true(
		rig_has(m, "\r\nUser-to-User: 56a3;encoding=hex\r\nGeolocation: <https://l.x/1>\r\n"
			   "Geolocation-Routing: no\r\n"
			   "Identity: eyJ.a.b;info=<https://c.x/a.cer>\r\n"
			   "Date: Sat, 22 Nov 2026 06:00:00 GMT\r\nX-Case: 7\r\n"));
	assert_false(rig_has(m, "X-Other"));
}

/* Whom a call to an emergency number comes from, and where he is, is said whatever he wished. */
static void emergency(void **state)
{
	struct sides *t = *state;
	struct bytes m;

	call_as(&t->peer, "1004", "<sip:anonymous@anonymous.invalid>",
		PAI ": <sip:" NUMBER "@x>\r\nPrivacy: id;header\r\n");
	m = rung(&t->c);
	assert_header(m, "From", "<sip:" NUMBER "@192.0.2.1:5060>");
	assert_header(m, "Privacy", "");
}

/* A killed node does not forget who wants to be hidden: the next one rings others for him. */
static void after_a_kill(void **state)
{
	struct sides *t = *state;
	struct shard_forward f = { .busy = "1004" };
	const char *reason = "";
	struct bytes m, record;

	assert_int_equal(shard_forward_set(t->r->shard, TENANT_DEFAULT, "1002", &f), 0);
	call_as(&t->a, "1002", NULL, "Privacy: id\r\nUser-to-User: 01\r\n");
	phone_answer(&t->b, rung(&t->b), "180 Ringing", "");
	record = text_bytes(&rig_stored(t->r)->record);
	shard_close(t->r->shard);
	rig_start_shard(t->r);
	phone_bind(&t->b);
	phone_bind(&t->c);
	assert_int_equal(shard_forward_set(t->r->shard, TENANT_DEFAULT, "1002", &f), 0);
	if (shard_restore_call(t->r->shard, record, t->r->now, &reason))
		fail_msg("%s", reason);
	shard_resume(t->r->shard, t->r->now);
	rig_run(t->r);
	phone_answer(&t->b, t->b.invite, "486 Busy Here", "");
	m = rung(&t->c);
	assert_header(m, "From", ANONYMOUS);
	assert_header(m, "User-to-User", "01");
	assert_false(rig_has(m, "1001"));
}

/* Who is given away is as hidden as before. */
static void given_away(void **state)
{
	struct sides *t = *state;
	struct bytes m;

	call_as(&t->peer, "1002", NULL, PAI ": <sip:" NUMBER "@x>\r\nPrivacy: id\r\n");
	phone_answer(&t->b, rung(&t->b), "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->peer, "SIP/2.0 200").n);
	phone_ack(&t->peer);
	phone_request(&t->b, "REFER", "Refer-To: <sip:1003@test.local>\r\n", "");
	assert_true(phone_hears(&t->b, "SIP/2.0 202").n);
	m = rung(&t->far);
	assert_header(m, "From", ANONYMOUS);
	assert_header(m, PAI, "<sip:" NUMBER "@192.0.2.1:5060>");
	assert_header(m, "Privacy", "id");
	assert_header(m, "Referred-By", "<sip:1002@");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIDES_TEST(peer_to_phone),
		SIDES_TEST(peer_to_peer),
		SIDES_TEST(hidden_by_a_peer),
		SIDES_TEST(not_hidden),
		SIDES_TEST(hidden_by_remote_party_id),
		SIDES_TEST(phone_to_peer),
		SIDES_TEST(phone_prefers),
		SIDES_TEST(hidden_by_a_phone),
		SIDES_TEST(hidden_needs_a_password),
		SIDES_TEST(in_responses),
		SIDES_TEST(hidden_in_responses),
		SIDES_TEST(in_a_reinvite),
		SIDES_TEST(others),
		SIDES_TEST(emergency),
		SIDES_TEST(after_a_kill),
		SIDES_TEST(given_away),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}

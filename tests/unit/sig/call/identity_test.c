/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls, as each side of a call is told (RFC 3323, RFC 3325): a peer is trusted, a phone is not. */
#include "tests/unit/sig/line.h"
#include "tests/unit/sig/sip/credentials.h"

#define NUMBER "+493012345"

struct sides {
	struct rig *r;
	struct phone peer, far; /* trusted: who calls, and whose is 1003 */
	struct phone a, b, c;   /* phones: 1001, 1002, 1004 */
};

static int sides_setup(void **state)
{
	struct sides *t = calloc(1, sizeof(*t));
	struct shard_settings s = rig_settings();

	s.trusted[0] = (struct shard_trusted){ .net = rig_addr("192.0.2.16"), .bits = 28 };
	s.extra = (struct identity_extra){ .count = 1, .names = { "X-Case" } };
	s.emergency_count = 1;
	(void)snprintf(s.emergency[0], sizeof(s.emergency[0]), "1004");
	t->r = rig_open_with(&s);
	t->r->rolling = true;
	phone_open(&t->peer, t->r, NUMBER, "192.0.2.20:5060");
	phone_open(&t->far, t->r, "1003", "192.0.2.21:5060");
	phone_open(&t->a, t->r, "1001", "203.0.113.11:5060");
	phone_open(&t->b, t->r, "1002", "203.0.113.12:5060");
	phone_open(&t->c, t->r, "1004", "203.0.113.14:5060");
	phone_bind(&t->far);
	phone_bind(&t->a);
	phone_bind(&t->b);
	phone_bind(&t->c);
	*state = t;
	return 0;
}

static int sides_teardown(void **state)
{
	struct sides *t = *state;

	rig_close(t->r);
	free(t);
	return 0;
}

#define SIDES_TEST(fn) cmocka_unit_test_setup_teardown(fn, sides_setup, sides_teardown)

/* With its password, where it is asked for it. from: NULL: as it is. */
static void call_as(struct phone *p, const char *to, const char *from, const char *headers)
{
	char line[1024], extra[4096], uri[300];
	struct bytes m;

	phone_begin(p, to);
	if (from)
		(void)snprintf(p->local, sizeof(p->local), "%s", from);
	(void)snprintf(uri, sizeof(uri), "%s", p->target);
	phone_request(p, "INVITE", headers, PHONE_SDP_A);
	m = rig_take(p->r, &p->addr, "SIP/2.0 407");
	if (!m.n)
		return;
	phone_write(p, "ACK", "", "");
	(void)snprintf(extra, sizeof(extra), "%s%s", headers,
		       credentials_make(line, m, "Proxy-Authorization", DIGEST_MD5, p->user,
					"secret", "INVITE", uri));
	phone_request(p, "INVITE", extra, PHONE_SDP_A);
}

static struct bytes rung(struct phone *p)
{
	struct bytes m = phone_rings(p);

	assert_true(m.n);
	return m;
}

static void assert_header(struct bytes m, const char *name, const char *value)
{
	struct bytes is = rig_header(m, name);

	if (!bytes_starts(is, value) || (!*value && is.n))
		fail_msg("%s is \"" BYTES_FMT "\", not \"%s\"", name, BYTES_ARG(is), value);
}

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
		call_as(&t->peer, "1003", NULL, headers);
		m = rung(&t->far);
		assert_header(m, "From", ANONYMOUS);
		assert_header(m, PAI, "<sip:" NUMBER "@192.0.2.1:5060>");
		assert_header(m, "Privacy", wishes[i]);
		phone_cancel(&t->peer);
	}
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
		SIDES_TEST(peer_to_phone),     SIDES_TEST(peer_to_peer),
		SIDES_TEST(hidden_by_a_peer),  SIDES_TEST(not_hidden),
		SIDES_TEST(phone_to_peer),     SIDES_TEST(phone_prefers),
		SIDES_TEST(hidden_by_a_phone), SIDES_TEST(hidden_needs_a_password),
		SIDES_TEST(in_responses),      SIDES_TEST(hidden_in_responses),
		SIDES_TEST(in_a_reinvite),     SIDES_TEST(others),
		SIDES_TEST(emergency),         SIDES_TEST(after_a_kill),
		SIDES_TEST(given_away),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}

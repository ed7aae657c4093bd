/* SPDX-License-Identifier: Apache-2.0 */
/* What a recorder asks in its session, who asks who we are, and recorders that are gone (REC-02). */
#include "tests/unit/sig/names.h"
#include "tests/unit/sig/recorder.h"

#include "sig/sip/digest.h"

#define MOVED                                                                              \
	"v=0\r\no=- 1 2 IN IP4 192.0.2.78\r\ns=-\r\nc=IN IP4 192.0.2.78\r\nt=0 0\r\n"      \
	"m=audio 6000 RTP/AVP 0 8 101\r\na=recvonly\r\nm=audio 6002 RTP/AVP 0 8 101\r\na=" \
	"recvonly\r\n"

static void assert_sent_on(const struct rig *r, bool on, const char *to)
{
	struct addr want = rig_addr(to);

	assert_true(r->forks);
	for (unsigned i = 0; i < FORK_STREAMS; i++) {
		assert_int_equal(r->fork.stream[i].on, on);
		if (on)
			assert_true(addr_ip_eq(&r->fork.stream[i].remote, &want));
	}
}

/* The version of the SDP that it hears. */
static unsigned version_of(struct bytes m)
{
	const uint8_t *at = memmem(m.p, m.n, "o=- ", 4);
	struct bytes line = bytes_from(m, (size_t)(at - m.p) + 4);
	uint32_t version;

	line = bytes_from(line, bytes_find(line, ' ') + 1);
	assert_int_equal(bytes_u32(bytes_sub(line, 0, bytes_find(line, ' ')), &version), 0);
	return version;
}

static struct bytes is_accepted(struct trio *t, const char *method, const char *sdp)
{
	struct bytes m;

	phone_request(&g_recorder, method, "", sdp);
	m = rig_take(t->l.r, &g_recorder.addr, "SIP/2.0 200");
	assert_true(m.n);
	if (strcmp(method, "INVITE") == 0)
		phone_ack(&g_recorder);
	return m;
}

static void over(struct trio *t)
{
	hangs_up(t);
	hears_bye(t);
	line_assert_idle(t->l.r);
}

static void holds(void **state)
{
	struct trio *t = *state;
	unsigned version;
	struct bytes m;

	is_taken(t);
	version = version_of(g_recorder.invite);
	m = is_accepted(t, "INVITE", TAKES);
	assert_true(rig_has(m, "a=label:1\r\na=sendonly\r\n"));
	assert_true(rig_has(m, ";+sip.src\r\n"));
	assert_int_equal(version_of(m), version);
	assert_sent_on(t->l.r, true, "192.0.2.77");
	m = is_accepted(t, "INVITE", ANSWER("inactive"));
	assert_true(rig_has(m, "a=label:1\r\na=inactive\r\n"));
	assert_int_equal(version_of(m), version + 1);
	assert_sent_on(t->l.r, false, "192.0.2.77");
	assert_tapped(t->l.r, false);
	m = is_accepted(t, "UPDATE", TAKES);
	assert_int_equal(version_of(m), version + 2);
	assert_tapped(t->l.r, true);
	m = is_accepted(t, "UPDATE", MOVED);
	assert_int_equal(version_of(m), version + 2);
	assert_sent_on(t->l.r, true, "192.0.2.78");
	m = is_accepted(t, "UPDATE", "");
	assert_false(rig_has(m, "Content-Type"));
	assert_int_equal(told(t->l.r, SIG_CALL_RECORDING_LOST), 0);
	over(t);
}

/* It has no SDP in its INVITE, and answers ours in ACK. */
static void late_offer(void **state)
{
	struct trio *t = *state;

	is_taken(t);
	phone_request(&g_recorder, "INVITE", "", "");
	assert_true(rig_has(rig_take(t->l.r, &g_recorder.addr, "SIP/2.0 200"), "a=sendonly"));
	phone_ack_with(&g_recorder, MOVED);
	assert_sent_on(t->l.r, true, "192.0.2.78");
	over(t);
}

static const struct {
	const char *name, *status, *sdp;
} g_wrong[] = {
	{ "no SDP", "SIP/2.0 488", "v=0\r\n" },
	{ "one line", "SIP/2.0 488",
	  "v=0\r\no=- 1 1 IN IP4 192.0.2.77\r\ns=-\r\nc=IN IP4 192.0.2.77\r\nt=0 0\r\n"
	  "m=audio 4000 RTP/AVP 0\r\n" },
	{ "to ourselves", "SIP/2.0 488",
	  "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
	  "m=audio 5060 RTP/AVP 0\r\nm=audio 5060 RTP/AVP 0\r\n" },
};

/* All stays as it was. */
static void wants_too_much(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	is_taken(t);
	for (size_t i = 0; i < COUNT_OF(g_wrong); i++) {
		print_message("# %s\n", g_wrong[i].name);
		phone_request(&g_recorder, "INVITE", "", g_wrong[i].sdp);
		assert_true(rig_take(r, &g_recorder.addr, g_wrong[i].status).n);
		phone_ack(&g_recorder);
		assert_sent_on(r, true, "192.0.2.77");
	}
	order(t, ORDER_RECORD_PAUSE, 0); /* our INVITE is under way */
	phone_request(&g_recorder, "UPDATE", "", TAKES);
	assert_true(rig_take(r, &g_recorder.addr, "SIP/2.0 491").n);
	phone_answer(&g_recorder, is_asked(t), "200 OK", ANSWER("inactive"));
	over(t);
}

/* Its ACK is lost, and then never comes. */
static void unacknowledged(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	is_taken(t);
	phone_request(&g_recorder, "INVITE", "", TAKES);
	assert_true(rig_take(r, &g_recorder.addr, "SIP/2.0 200").n);
	rig_wait_ms(r, 600);
	assert_true(rig_take(r, &g_recorder.addr, "SIP/2.0 200").n); /* RFC 3261 13.3.1.4 */
	phone_ack(&g_recorder);
	rig_wait_ms(r, 5000);
	assert_int_equal(rig_count(r, &g_recorder.addr, "SIP/2.0 200"), 2);
	phone_request(&g_recorder, "INVITE", "", TAKES);
	rig_wait_ms(r, 29000);
	while (rig_take(r, &g_recorder.addr, "OPTIONS ").n)
		continue;
	rig_wait_ms(r, 6000);
	hears_bye(t);
	assert_int_equal(told(r, SIG_CALL_RECORDING_LOST), 1);
	hangs_up(t);
}

/* ---- is it there still ---- */

static void is_alive(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct bytes m;

	is_taken(t);
	rig_wait_ms(r, 30100);
	m = rig_take(r, &g_recorder.addr, "OPTIONS ");
	assert_true(m.n);
	phone_answer(&g_recorder, m, "405 Method Not Allowed", ""); /* it is there */
	rig_wait_ms(r, 30100);
	m = rig_take(r, &g_recorder.addr, "OPTIONS ");
	assert_true(m.n);
	assert_int_equal(told(r, SIG_CALL_RECORDING_LOST), 0);
	phone_answer(&g_recorder, m, "481 Call Does Not Exist", ""); /* it begins anew */
	assert_int_equal(told(r, SIG_CALL_RECORDING_LOST), 1);
	assert_tapped(r, false);
	rig_wait_ms(r, 1001);
	takes(t);
	over(t);
}

/* It is there all the time. */
static void goes_on(struct trio *t, unsigned seconds)
{
	struct bytes m;

	for (unsigned i = 0; i < seconds; i++) {
		rig_wait_ms(t->l.r, 1000);
		m = rig_take(t->l.r, &g_recorder.addr, "OPTIONS ");
		if (m.n)
			phone_answer(&g_recorder, m, "200 OK", "");
	}
}

/* ---- RFC 4028 ---- */

static int timed_setup(void **state)
{
	struct shard_settings s = siprec_settings();

	s.session_expires_s = 1800;
	return siprec_setup_with(state, &s);
}

static void is_taken_for(struct trio *t, const char *line)
{
	order(t, ORDER_RECORD_ON, 0);
	phone_answer_as(&g_recorder, is_asked(t), g_recorder.tag, "200 OK", line, TAKES);
	assert_true(rig_take(t->l.r, &g_recorder.addr, "ACK ").n);
}

static void refreshed(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct bytes m;

	order(t, ORDER_RECORD_ON, 0);
	m = is_asked(t);
	assert_true(rig_has(m, "Session-Expires: 1800\r\n"));
	assert_true(rig_has(m, "Supported: timer\r\n"));
	phone_answer_as(&g_recorder, m, g_recorder.tag, "422 Session Interval Too Small",
			"Min-SE: 3600\r\n", "");
	m = is_asked(t);
	assert_true(rig_has(m, "Session-Expires: 3600\r\nMin-SE: 3600\r\n"));
	phone_answer_as(&g_recorder, m, g_recorder.tag, "200 OK",
			"Session-Expires: 100;refresher=uac\r\n", TAKES);
	assert_true(rig_take(r, &g_recorder.addr, "ACK ").n);
	rig_wait_ms(r, 51000);
	m = is_asked(t); /* the same once more */
	assert_true(rig_has(m, "Session-Expires: 3600;refresher=uac\r\n"));
	phone_answer(&g_recorder, m, "200 OK", TAKES);
	assert_true(rig_take(r, &g_recorder.addr, "ACK ").n);
	assert_int_equal(told(r, SIG_CALL_RECORDING_LOST), 0);
	over(t);
}

/* It has to, and does not. */
static void not_refreshed(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct bytes m;

	is_taken_for(t, "Session-Expires: 120;refresher=uas\r\n");
	goes_on(t, 80);
	phone_request(&g_recorder, "UPDATE",
		      "Supported: timer\r\nSession-Expires: 120;refresher=uac\r\n", "");
	m = rig_take(r, &g_recorder.addr, "SIP/2.0 200");
	assert_true(rig_has(m, "Session-Expires: 120;refresher=uac\r\n"));
	goes_on(t, 85);
	assert_int_equal(told(r, SIG_CALL_RECORDING_LOST), 0);
	goes_on(t, 5);
	assert_int_equal(told(r, SIG_CALL_RECORDING_LOST), 1);
	hangs_up(t);
}

/* ---- who we are ---- */

static int asks_setup(void **state)
{
	struct shard_settings s = siprec_settings();

	memcpy(s.siprec.auth_user, "node", sizeof("node"));
	memcpy(s.siprec.realm, "srs", sizeof("srs"));
	digest_secret_make(&s.siprec.secret, BYTES_LIT("node"), BYTES_LIT("srs"),
			   BYTES_LIT("secret"));
	return siprec_setup_with(state, &s);
}

static const char *asks(const struct rig *r, const char *realm, uint64_t nonce)
{
	static char lines[2048];
	struct digest_server server = { .nonce_lifetime_ms = 60000, .offer = 3 };
	struct writer w = writer_over(lines, sizeof(lines) - 1);

	server.key[0] = 7;
	(void)bytes_cstr(bytes_str(realm), server.realm, sizeof(server.realm));
	digest_challenge(&server, &w, false, false, &g_recorder.addr, r->now.utc_ms, nonce);
	lines[w.n] = '\0';
	return lines;
}

static void is_proven(const struct rig *r, struct bytes request)
{
	struct digest_server server = { .realm = "srs", .nonce_lifetime_ms = 60000, .offer = 3 };
	struct digest_secret secret;
	struct message_error error;
	struct digest_answer a;
	struct sip_message m;

	server.key[0] = 7;
	digest_secret_make(&secret, BYTES_LIT("node"), BYTES_LIT("srs"), BYTES_LIT("secret"));
	if (message_parse(&m, request, &error))
		fail_msg("%s", error.reason);
	m.hop.remote = g_recorder.addr;
	assert_int_equal(digest_read(&a, &server, &m, false, r->now.utc_ms), DIGEST_OK);
	assert_int_equal(digest_prove(&a, &server, &m, &secret), DIGEST_OK);
	message_close(&m);
}

static void says_who(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct bytes m;

	order(t, ORDER_RECORD_ON, 0);
	phone_answer_as(&g_recorder, is_asked(t), g_recorder.tag, "401 Unauthorized",
			asks(r, "srs", 1), "");
	assert_true(rig_take(r, &g_recorder.addr, "ACK ").n);
	m = is_asked(t);
	is_proven(r, m);
	phone_answer(&g_recorder, m, "200 OK", TAKES);
	assert_true(rig_has(rig_take(r, &g_recorder.addr, "ACK "), "Authorization: Digest "));
	assert_tapped(r, true);
	assert_int_equal(told(r, SIG_CALL_RECORDING_LOST), 0);
	order(t, ORDER_RECORD_PAUSE, 0);
	m = is_asked(t);
	is_proven(r, m);
	phone_answer(&g_recorder, m, "200 OK", ANSWER("inactive"));
	hangs_up(t);
	m = rig_take(r, &g_recorder.addr, "BYE ");
	is_proven(r, m);
	phone_answer(&g_recorder, m, "200 OK", "");
	line_assert_idle(r);
}

/* Its nonce is in no record: it asks the next process, too. */
static void says_who_after_a_kill(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct bytes m;

	order(t, ORDER_RECORD_ON, 0);
	phone_answer_as(&g_recorder, is_asked(t), g_recorder.tag, "401 Unauthorized",
			asks(r, "srs", 1), "");
	takes(t);
	line_restart(&t->l, line_stored(&t->l));
	m = is_asked(t);
	assert_true(rig_has(rig_header(m, "To"), ";tag="));
	phone_answer_as(&g_recorder, m, "", "401 Unauthorized", asks(r, "srs", 2), "");
	m = is_asked(t);
	is_proven(r, m);
	assert_true(rig_has(rig_header(m, "To"), ";tag="));
	phone_answer(&g_recorder, m, "200 OK", TAKES);
	assert_tapped(r, true);
	assert_int_equal(told(r, SIG_CALL_RECORDING_LOST), 0);
	over(t);
}

/* To another realm nothing is said, and nothing twice that was not believed. */
static void is_not_believed(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	order(t, ORDER_RECORD_ON, 0);
	phone_answer_as(&g_recorder, is_asked(t), g_recorder.tag, "401 Unauthorized",
			asks(r, "other", 1), "");
	assert_int_equal(told(r, SIG_CALL_RECORDING_LOST), 1);
	assert_int_equal(rig_count(r, &g_recorder.addr, "INVITE "), 1);
	rig_wait_ms(r, 1001);
	phone_answer_as(&g_recorder, is_asked(t), g_recorder.tag, "401 Unauthorized",
			asks(r, "srs", 2), "");
	phone_answer_as(&g_recorder, is_asked(t), g_recorder.tag, "401 Unauthorized",
			asks(r, "srs", 3), "");
	assert_int_equal(rig_count(r, &g_recorder.addr, "INVITE "), 3);
	hangs_up(t);
}

/* ---- several ---- */

static struct phone g_second;

static int several_setup(void **state)
{
	struct shard_settings s = siprec_settings();
	int err;

	s.siprec.count = 2;
	s.siprec.addresses[1] = rig_addr("192.0.2.79:5060");
	err = siprec_setup_with(state, &s);
	if (!err)
		phone_open(&g_second, (*(struct trio **)state)->l.r, "srs2", "192.0.2.79:5060");
	return err;
}

static void second_takes(struct trio *t)
{
	struct bytes m = phone_rings(&g_second);

	assert_true(bytes_starts(m, "INVITE sip:srs@192.0.2.79:5060 SIP/2.0\r\n"));
	phone_answer(&g_second, m, "200 OK", TAKES);
	assert_true(rig_take(t->l.r, &g_second.addr, "ACK ").n);
	assert_tapped(t->l.r, true);
}

static void second_over(struct trio *t)
{
	struct bytes m;

	hangs_up(t);
	m = rig_take(t->l.r, &g_second.addr, "BYE ");
	assert_true(m.n);
	phone_answer(&g_second, m, "200 OK", "");
	line_assert_idle(t->l.r);
}

static void first_refuses(void **state)
{
	struct trio *t = *state;

	order(t, ORDER_RECORD_ON, 0);
	phone_answer(&g_recorder, is_asked(t), "503 Service Unavailable", "");
	rig_wait_ms(t->l.r, 10);
	second_takes(t);
	assert_int_equal(told(t->l.r, SIG_CALL_RECORDING_LOST), 0);
	second_over(t);
}

static void first_is_silent(void **state)
{
	struct trio *t = *state;

	order(t, ORDER_RECORD_ON, 0);
	assert_true(is_asked(t).n);
	rig_wait_ms(t->l.r, 4100);
	second_takes(t);
	assert_int_equal(told(t->l.r, SIG_CALL_RECORDING_LOST), 0);
	phone_answer(&g_recorder, g_recorder.invite, "200 OK", TAKES); /* late */
	assert_true(rig_take(t->l.r, &g_recorder.addr, "ACK ").n);
	hears_bye(t);
	second_over(t);
}

static void first_dies(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	is_taken(t);
	rig_wait_ms(r, 30100);
	assert_true(rig_take(r, &g_recorder.addr, "OPTIONS ").n);
	rig_wait_ms(r, 32100);
	second_takes(t);
	assert_int_equal(told(r, SIG_CALL_RECORDING_LOST), 1);
	assert_int_equal(told(r, SIG_CALL_RECORDING_TAKEN), 1);
	second_over(t);
}

/* Only then it is lost, and they are asked again in a while. */
static void both_refuse(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	order(t, ORDER_RECORD_ON, 0);
	phone_answer(&g_recorder, is_asked(t), "500 Server Internal Error", "");
	rig_wait_ms(r, 10);
	phone_answer(&g_second, phone_rings(&g_second), "500 Server Internal Error", "");
	assert_int_equal(told(r, SIG_CALL_RECORDING_LOST), 1);
	rig_wait_ms(r, 900);
	assert_int_equal(rig_count(r, &g_recorder.addr, "INVITE "), 1);
	rig_wait_ms(r, 200);
	takes(t);
	over(t);
}

#define SETUP_TEST(fn, setup) cmocka_unit_test_setup_teardown(fn, setup, line_teardown)

/* ---- at names ---- */

static struct names g_names;

/* The first recorder is at a name, the second one at an address. */
static int named_setup(void **state)
{
	struct shard_settings s = siprec_settings();
	int err;

	s.lookup = names_open(&g_names, "srs.example.org");
	g_names.speaks = 1U << SIP_UDP;
	g_names.blocks = true;
	s.siprec.count = 2;
	s.siprec.names[0] = (struct shard_siprec_name){ .host = "srs.example.org" };
	s.siprec.addresses[1] = rig_addr("192.0.2.79:5060");
	err = siprec_setup_with(state, &s);
	if (!err)
		phone_open(&g_second, (*(struct trio **)state)->l.r, "srs2", "192.0.2.79:5060");
	return err;
}

/* It is asked by its name, at the first place that the name leads to. */
static void at_a_name(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct bytes m;

	order(t, ORDER_RECORD_ON, 0);
	assert_int_equal(r->lookup_count, 1);
	assert_false(rig_take(r, &g_recorder.addr, "INVITE ").n);
	tell(r, leads_to("192.0.2.77:5060 192.0.2.79:5060"));
	m = is_asked(t);
	assert_true(bytes_starts(m, "INVITE sip:srs@srs.example.org SIP/2.0\r\n"));
	assert_true(rig_has(m, "To: <sip:srs@srs.example.org>\r\n"));
	phone_answer(&g_recorder, m, "200 OK", TAKES);
	assert_true(rig_take(r, &g_recorder.addr, "ACK ").n);
	assert_tapped(r, true);
	assert_int_equal(r->lookup_count, 1);
	hangs_up(t);
	hears_bye(t);
	line_assert_idle(r);
}

/* What is known of the name is used at once. Where its first place fails the next one of the same name is asked. */
static void next_place_of_a_name(void **state)
{
	struct trio *t = *state;
	struct bytes m;

	g_names.known = leads_to("192.0.2.77:5060 192.0.2.79:5060");
	order(t, ORDER_RECORD_ON, 0);
	assert_int_equal(t->l.r->lookup_count, 0);
	phone_answer(&g_recorder, is_asked(t), "503 Service Unavailable", "");
	rig_wait_ms(t->l.r, 10);
	m = phone_rings(&g_second);
	assert_true(bytes_starts(m, "INVITE sip:srs@srs.example.org SIP/2.0\r\n"));
	assert_int_equal(g_names.failures, 1);
	phone_answer(&g_second, m, "200 OK", TAKES);
	assert_int_equal(told(t->l.r, SIG_CALL_RECORDING_LOST), 0);
	second_over(t);
}

static const struct {
	const char *name;
	bool silent;
	enum lookup_state state;
} g_nowhere[] = {
	{ "no such name", false, LOOKUP_NOTHING },
	{ "no answer", false, LOOKUP_FAILED },
	{ "silence", true, LOOKUP_FAILED },
};

/* Then the next recorder of the settings is asked. */
static void name_leads_nowhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_nowhere); i++) {
		void *own = NULL;
		struct trio *t;

		print_message("# %s\n", g_nowhere[i].name);
		assert_int_equal(named_setup(&own), 0);
		t = own;
		order(t, ORDER_RECORD_ON, 0);
		if (g_nowhere[i].silent)
			rig_wait_ms(t->l.r, 5010);
		else
			tell(t->l.r, (struct lookup_reply){ .state = g_nowhere[i].state });
		second_takes(t);
		assert_false(rig_take(t->l.r, &g_recorder.addr, "INVITE ").n);
		second_over(t);
		assert_int_equal(line_teardown(&own), 0);
	}
}

/* Nobody waits for the name any more; what comes later is of no account. */
static void ended_before_it_is_known(void **state)
{
	struct trio *t = *state;

	order(t, ORDER_RECORD_ON, 0);
	hangs_up(t);
	tell(t->l.r, leads_to("192.0.2.77:5060"));
	assert_false(rig_take(t->l.r, &g_recorder.addr, "INVITE ").n);
	line_assert_idle(t->l.r);
}

/* Who goes on with the session goes on at the place that has it, and looks up where that has gone. */
static void name_over_a_kill(void **state)
{
	struct trio *t = *state;
	struct bytes m;

	g_names.known = leads_to("192.0.2.77:5060 192.0.2.79:5060");
	is_taken(t);
	rig_wait_ms(t->l.r, 1000);
	trio_restart(t);
	takes(t);
	assert_tapped(t->l.r, true);
	phone_request(&g_recorder, "BYE", "", "");
	rig_wait_ms(t->l.r, 1100);
	m = phone_rings(&g_recorder);
	assert_true(bytes_starts(m, "INVITE sip:srs@srs.example.org SIP/2.0\r\n"));
	phone_answer(&g_recorder, m, "200 OK", TAKES);
	hangs_up(t);
	hears_bye(t);
	line_assert_idle(t->l.r);
}

#define NAMED_TEST(fn) cmocka_unit_test_setup_teardown(fn, named_setup, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIPREC_TEST(holds),
		SIPREC_TEST(late_offer),
		SIPREC_TEST(wants_too_much),
		SIPREC_TEST(unacknowledged),
		SIPREC_TEST(is_alive),
		SETUP_TEST(refreshed, timed_setup),
		SETUP_TEST(not_refreshed, timed_setup),
		SETUP_TEST(says_who, asks_setup),
		SETUP_TEST(says_who_after_a_kill, asks_setup),
		SETUP_TEST(is_not_believed, asks_setup),
		SETUP_TEST(first_refuses, several_setup),
		SETUP_TEST(first_is_silent, several_setup),
		SETUP_TEST(first_dies, several_setup),
		SETUP_TEST(both_refuse, several_setup),
		NAMED_TEST(at_a_name),
		NAMED_TEST(next_place_of_a_name),
		cmocka_unit_test(name_leads_nowhere),
		NAMED_TEST(ended_before_it_is_known),
		NAMED_TEST(name_over_a_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

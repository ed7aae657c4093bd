/* SPDX-License-Identifier: Apache-2.0 */
/* Nobody takes what others need: the attacks that one password, one peer or one address can make, and an honest phone meanwhile. */
#include "tests/unit/sig/sip/credentials.h"
#include "tests/unit/test.h"

enum { CONTACTS = BINDINGS_MAX, PAIRS = 500, CALLS = 50, TXNS = 512 };

#define LINE(port)                                                                \
	"m=audio " port " RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n" \
	"a=sendrecv\r\n"
#define FOUR_LINES                                                                                \
	"v=0\r\no=a 1 1 IN IP4 198.51.100.66\r\ns=-\r\nc=IN IP4 198.51.100.66\r\nt=0 0\r\n" LINE( \
		"4000") LINE("4002") LINE("4004") LINE("4006")

/* Mallory has the password of 1001; Ann and Bob are honest, and Bob has a phone. */
struct field {
	struct rig *r;
	struct quota *q;
	struct quota_settings quotas;
	struct rand_source rand;
	struct phone mallory, ann, bob, many[CONTACTS];
};

static struct shard_settings settings_for(struct field *f)
{
	struct shard_settings s = rig_settings();

	s.networks[0].last_port = (uint16_t)(s.networks[0].first_port + 2 * PAIRS - 1);
	s.registrar.contacts_max = CONTACTS;
	s.calls_max = CALLS;
	s.txns_max = TXNS;
	s.emergency_count = 1;
	memcpy(s.emergency[0], "1002", sizeof("1002"));
	if (f->q)
		s.quota = quota_of(f->q);
	return s;
}

static void field_open(struct field *f)
{
	struct shard_settings s = settings_for(f);

	f->r = rig_open_with(&s);
	f->r->rolling = true;
	phone_open(&f->mallory, f->r, "1001", "198.51.100.66:5060");
	phone_open(&f->ann, f->r, "1003", "198.51.100.13:5060");
	phone_open(&f->bob, f->r, "1004", "203.0.113.4:5060");
	phone_bind(&f->bob);
}

static int setup(void **state)
{
	struct field *f = calloc(1, sizeof(*f));

	f->quotas = (struct quota_settings){
		.limits = { [QUOTA_EXTENSION] = { .of = { 20, 200, 128, 5, 5 } } },
		.capacity = { CALLS, TXNS, PAIRS },
		.share = 90,
	};
	rand_open_seed(&f->rand, 3);
	assert_int_equal(quota_open(&f->q, &f->quotas, &f->rand), 0);
	field_open(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct field *f = *state;

	rig_close(f->r);
	quota_close(f->q);
	free(f);
	return 0;
}

/* Challenge, answer, and the final word, or 100 where the call goes on. */
static struct bytes invites(struct phone *p, const char *to, const char *sdp)
{
	char line[1024], uri[64];
	struct bytes challenge;

	(void)snprintf(uri, sizeof(uri), "sip:%s@test.local", to);
	p->r->now.ns += NS_PER_MS;
	p->r->now.utc_ms++;
	phone_begin(p, to);
	phone_request(p, "INVITE", "", sdp);
	challenge = rig_take(p->r, &p->addr, "SIP/2.0 407");
	if (!challenge.n) /* a refusal that came first */
		return rig_take(p->r, &p->addr, "SIP/2.0");
	phone_request(p, "INVITE",
		      credentials_make(line, challenge, "Proxy-Authorization", DIGEST_MD5, p->user,
				       "secret", "INVITE", uri),
		      sdp);
	return rig_take(p->r, &p->addr, "SIP/2.0");
}

static struct bytes registers(struct phone *p)
{
	char line[1024];
	struct bytes challenge;

	p->r->now.ns += NS_PER_MS;
	p->r->now.utc_ms++;
	phone_register_with(p, "", 90);
	challenge = rig_take(p->r, &p->addr, "SIP/2.0 401");
	phone_register_with(p,
			    credentials_make(line, challenge, "Authorization", DIGEST_MD5, p->user,
					     "secret", "REGISTER", "sip:test.local"),
			    90);
	return rig_take(p->r, &p->addr, "SIP/2.0");
}

static void honest_phones_are_served(struct field *f)
{
	assert_true(bytes_starts(registers(&f->ann), "SIP/2.0 200"));
	assert_true(bytes_starts(invites(&f->ann, "1004", PHONE_SDP_A), "SIP/2.0 100"));
	while (phone_rings(&f->bob).n) /* the last one is hers */
		;
	phone_answer(&f->bob, f->bob.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&f->ann, "SIP/2.0 200").n);
	phone_ack(&f->ann);
	phone_request(&f->ann, "BYE", "", "");
	assert_true(phone_hears(&f->ann, "SIP/2.0 200").n);
}

static void bind_many(struct field *f)
{
	char address[32];

	for (unsigned i = 0; i < CONTACTS; i++) {
		(void)snprintf(address, sizeof(address), "203.0.113.%u:5060", 100 + i);
		phone_open(&f->many[i], f->r, "1002", address);
	}
	phones_bind(f->many, CONTACTS);
}

/* 13 INVITEs for an extension with 10 contacts, with 4 m-lines each, took all 500 pairs. */
static void ports_of_one_password(void **state)
{
	struct field *f = *state;
	uint32_t refused = 0;

	f->r->settings.emergency_count = 0;
	shard_configure(f->r->shard, &f->r->settings);
	bind_many(f);
	for (int i = 0; i < 13; i++) {
		struct bytes m = invites(&f->mallory, "1002", FOUR_LINES);

		refused += bytes_starts(m, "SIP/2.0 486");
		if (bytes_starts(m, "SIP/2.0 486"))
			assert_true(rig_has(m, "Retry-After: ") && rig_has(m, "media ports"));
	}
	assert_true(refused > 0);
	assert_true(rig_counts(f->r).ports_free >= PAIRS - 128);
	honest_phones_are_served(f);
}

/* 1,750 INVITEs kept an honest phone from registering for 33 s. */
static void transactions_of_one_password(void **state)
{
	struct field *f = *state;

	for (int i = 0; i < 1750; i++)
		(void)invites(&f->mallory, i % 2 ? "9999" : "1004", PHONE_SDP_A);
	assert_true(rig_counts(f->r).txns <= 200 + 8);
	assert_true(rig_count(f->r, &f->mallory.addr, "SIP/2.0 486") > 0);
	assert_int_equal(f->r->security.kind, SECURITY_QUOTA);
	assert_string_equal(f->r->security.user, "1001");
	assert_true(addr_ip_eq(&f->r->security.source, &f->mallory.addr));
	honest_phones_are_served(f);
}

/* The same by many passwords at once: no quota stops them, but REGISTER and dialogs have places of their own. */
static void transactions_are_kept_for_registrations(void **state)
{
	struct field *f = *state;
	struct phone sbc;

	f->quotas.share = 100;
	quota_configure(f->q, &f->quotas);
	phone_open(&sbc, f->r, "1001", "192.0.2.66:5060"); /* trusted */
	for (int i = 0; i < 2 * TXNS; i++)
		phone_invite(&sbc, "9999", PHONE_SDP_A);
	assert_true(rig_find(f->r, &sbc.addr, "SIP/2.0 503").n);
	assert_int_equal(rig_counts(f->r).txns, TXNS - 2 * (TXNS / 8));
	assert_true(bytes_starts(registers(&f->ann), "SIP/2.0 200"));
}

/* 50 INVITEs of a trusted address, whose answers nobody reads, filled the node. */
static void calls_of_one_peer(void **state)
{
	struct field *f = *state;
	struct phone sbc;

	phone_open(&sbc, f->r, "7", "192.0.2.66:5060");
	for (int i = 0; i < CALLS; i++)
		phone_invite(&sbc, "1004", PHONE_SDP_A);
	assert_int_equal(rig_counts(f->r).calls, CALLS * 9 / 10);
	assert_true(rig_has(rig_find(f->r, &sbc.addr, "SIP/2.0 503"), "of this peer"));
	honest_phones_are_served(f);
}

/* A rule's own limit is that of all its peers together. */
static void calls_of_one_rule(void **state)
{
	struct field *f = *state;
	struct phone one, two;

	f->r->settings.trusted[0].calls_max = 3;
	shard_configure(f->r->shard, &f->r->settings);
	phone_open(&one, f->r, "7", "192.0.2.66:5060");
	phone_open(&two, f->r, "8", "192.0.2.67:5060");
	for (int i = 0; i < 2; i++) {
		phone_invite(&one, "1004", PHONE_SDP_A);
		phone_invite(&two, "1004", PHONE_SDP_A);
	}
	assert_int_equal(rig_counts(f->r).calls, 3);
	assert_true(rig_has(rig_find(f->r, &two.addr, "SIP/2.0 503"), "of this peer"));
	honest_phones_are_served(f);
}

/* Ends of calls give back all that was taken. */
static void what_ends_is_given_back(void **state)
{
	struct field *f = *state;

	for (int i = 0; i < 60; i++) {
		assert_true(bytes_starts(invites(&f->mallory, "1004", FOUR_LINES), "SIP/2.0 100"));
		assert_true(phone_rings(&f->bob).n);
		if (i % 3 == 0) {
			phone_answer(&f->bob, f->bob.invite, "486 Busy Here", "");
			phone_ack(&f->mallory);
		} else if (i % 3 == 1) {
			phone_answer(&f->bob, f->bob.invite, "180 Ringing", "");
			phone_cancel(&f->mallory);
			phone_answer(&f->bob, rig_take(f->r, &f->bob.addr, "CANCEL "), "200 OK",
				     "");
			phone_answer(&f->bob, f->bob.invite, "487 Request Terminated", "");
			phone_ack(&f->mallory);
		} else {
			phone_answer(&f->bob, f->bob.invite, "200 OK", PHONE_SDP_B);
			(void)phone_hears(&f->mallory, "SIP/2.0 200");
			phone_ack(&f->mallory);
			phone_request(&f->mallory, "BYE", "", "");
			phone_answer(&f->bob, rig_take(f->r, &f->bob.addr, "BYE "), "200 OK", "");
		}
		rig_wait_ms(f->r, 35000);
		while (rig_take(f->r, &f->mallory.addr, "SIP/2.0").n)
			;
		assert_int_equal(rig_counts(f->r).calls, 0);
		assert_int_equal(rig_counts(f->r).txns, 0);
		assert_int_equal(rig_counts(f->r).ports_free, PAIRS);
	}
	for (enum quota_item item = 0; item < QUOTA_HELD; item++)
		assert_int_equal(quota_held(f->q, QUOTA_EXTENSION, item), 0);
}

static void registrations_of_one_password(void **state)
{
	struct field *f = *state;
	uint32_t served = 0;
	struct bytes m = { 0 };

	for (int i = 0; i < 100; i++) {
		m = registers(&f->mallory);
		served += bytes_starts(m, "SIP/2.0 200");
	}
	assert_true(served >= 20 && served <= 22);
	assert_true(bytes_starts(m, "SIP/2.0 503") && rig_has(m, "Retry-After: 1"));
	honest_phones_are_served(f);
	rig_wait_ms(f->r, 1000);
	assert_true(bytes_starts(registers(&f->mallory), "SIP/2.0 200"));
}

/* A flood of requests within a call is refused, its BYE is not. */
static void requests_in_one_dialog(void **state)
{
	struct field *f = *state;

	assert_true(bytes_starts(invites(&f->mallory, "1004", PHONE_SDP_A), "SIP/2.0 100"));
	assert_true(phone_rings(&f->bob).n);
	phone_answer(&f->bob, f->bob.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&f->mallory, "SIP/2.0 200").n);
	phone_ack(&f->mallory);
	for (int i = 0; i < TXNS; i++)
		phone_request(&f->mallory, "OPTIONS", "", "");
	assert_true(rig_has(rig_find(f->r, &f->mallory.addr, "SIP/2.0 503"), "of this extension"));
	phone_request(&f->mallory, "BYE", "", "");
	assert_true(rig_take(f->r, &f->bob.addr, "BYE ").n);
}

/* What a request within a call makes us ask of the other party, who never answers, is its sender's as well. */
static void requests_that_are_passed_on(void **state)
{
	struct field *f = *state;

	assert_true(bytes_starts(invites(&f->mallory, "1004", PHONE_SDP_A), "SIP/2.0 100"));
	assert_true(phone_rings(&f->bob).n);
	phone_answer(&f->bob, f->bob.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&f->mallory, "SIP/2.0 200").n);
	phone_ack(&f->mallory);
	for (int i = 0; i < TXNS; i++)
		phone_request(&f->mallory, "INFO", "", "");
	assert_true(rig_find(f->r, &f->bob.addr, "INFO ").n);
	assert_true(rig_counts(f->r).txns <= 200 + 8);
	honest_phones_are_served(f);
}

/* The transactions of a CANCEL, ours as well, are the caller's. It is never refused. */
static void cancels_are_charged(void **state)
{
	struct field *f = *state;

	rig_wait_ms(f->r, 35000);
	assert_int_equal(rig_counts(f->r).txns, 0);
	assert_true(bytes_starts(invites(&f->mallory, "1004", PHONE_SDP_A), "SIP/2.0 100"));
	assert_true(phone_rings(&f->bob).n);
	phone_answer(&f->bob, f->bob.invite, "180 Ringing", "");
	f->quotas.limits[QUOTA_EXTENSION].of[QUOTA_TXNS] = 1;
	quota_configure(f->q, &f->quotas);
	phone_cancel(&f->mallory);
	assert_true(rig_take(f->r, &f->bob.addr, "CANCEL ").n);
	assert_int_equal(rig_counts(f->r).txns, 4);
	assert_int_equal(quota_held(f->q, QUOTA_EXTENSION, QUOTA_TXNS), 4);
}

/* Neither quota, nor drain, nor a full node refuses it; but its number must be there. */
static void emergency_calls(void **state)
{
	struct field *f = *state;
	struct phone sbc;

	bind_many(f);
	phone_open(&sbc, f->r, "7", "192.0.2.66:5060");
	f->quotas.share = 100;
	f->quotas.limits[QUOTA_EXTENSION].of[QUOTA_CALLS] = 1;
	f->quotas.limits[QUOTA_EXTENSION].of[QUOTA_PORTS] = 2;
	quota_configure(f->q, &f->quotas);
	assert_true(bytes_starts(invites(&f->ann, "1004", PHONE_SDP_A), "SIP/2.0 100"));
	assert_true(bytes_starts(invites(&f->ann, "1004", PHONE_SDP_A), "SIP/2.0 486"));
	for (int i = 1; i < CALLS; i++)
		phone_invite(&sbc, "1004", PHONE_SDP_A);
	assert_int_equal(rig_counts(f->r).calls, CALLS);
	shard_drain(f->r->shard, true);
	assert_true(bytes_starts(invites(&f->ann, "1004", PHONE_SDP_A), "SIP/2.0 503"));
	assert_true(bytes_starts(invites(&f->ann, "1002", PHONE_SDP_A), "SIP/2.0 100"));
	assert_int_equal(rig_counts(f->r).calls, CALLS + 1);
	assert_true(phone_rings(&f->many[0]).n);
	f->r->settings.emergency[0][0] = '9'; /* 9002: nobody */
	shard_configure(f->r->shard, &f->r->settings);
	assert_true(bytes_starts(invites(&f->ann, "9002", PHONE_SDP_A), "SIP/2.0 503"));
}

/* A restart does not forget whose calls they are. */
static void restored_calls_count(void **state)
{
	struct field *f = *state;
	struct text record = { 0 };
	const char *reason;

	f->quotas.limits[QUOTA_EXTENSION].of[QUOTA_CALLS] = 1;
	quota_configure(f->q, &f->quotas);
	assert_true(bytes_starts(invites(&f->mallory, "1004", PHONE_SDP_A), "SIP/2.0 100"));
	assert_int_equal(text_set(&record, text_bytes(&rig_record(f->r)->record)), 0);
	rig_close(f->r);
	quota_close(f->q);
	assert_int_equal(quota_open(&f->q, &f->quotas, &f->rand), 0);
	field_open(f);
	f->mallory.branches = 1000; /* other ones than before */
	assert_int_equal(shard_restore_call(f->r->shard, text_bytes(&record), f->r->now, &reason),
			 0);
	shard_resume(f->r->shard, f->r->now);
	rig_run(f->r);
	assert_true(rig_take(f->r, &f->mallory.addr, "SIP/2.0 100").n);
	assert_true(bytes_starts(invites(&f->mallory, "1004", PHONE_SDP_A), "SIP/2.0 486"));
	assert_true(bytes_starts(invites(&f->ann, "1004", PHONE_SDP_A), "SIP/2.0 100"));
	text_clear(&record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ports_of_one_password, setup, teardown),
		cmocka_unit_test_setup_teardown(transactions_of_one_password, setup, teardown),
		cmocka_unit_test_setup_teardown(transactions_are_kept_for_registrations, setup,
						teardown),
		cmocka_unit_test_setup_teardown(calls_of_one_peer, setup, teardown),
		cmocka_unit_test_setup_teardown(calls_of_one_rule, setup, teardown),
		cmocka_unit_test_setup_teardown(what_ends_is_given_back, setup, teardown),
		cmocka_unit_test_setup_teardown(registrations_of_one_password, setup, teardown),
		cmocka_unit_test_setup_teardown(requests_in_one_dialog, setup, teardown),
		cmocka_unit_test_setup_teardown(requests_that_are_passed_on, setup, teardown),
		cmocka_unit_test_setup_teardown(cancels_are_charged, setup, teardown),
		cmocka_unit_test_setup_teardown(emergency_calls, setup, teardown),
		cmocka_unit_test_setup_teardown(restored_calls_count, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

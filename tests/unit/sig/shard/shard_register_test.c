/* SPDX-License-Identifier: Apache-2.0 */
/* REGISTER at the shard: credentials, saves, conflicts, expiry. */
#include "tests/unit/sig/sip/credentials.h"
#include "tests/unit/test.h"

struct desk {
	struct rig *r;
	struct phone p;
};

static int setup(void **state)
{
	struct desk *d = calloc(1, sizeof(*d));
	struct shard_settings s = rig_settings();

	s.digest.offer = DIGEST_OFFER_ALL;
	s.registrations_max = 256;
	s.registrar.many = 100;
	s.registrar.device_accounts = 3;
	s.registrar.expires_many_s = 600;
	d->r = rig_open_with(&s);
	phone_open(&d->p, d->r, "1001", "198.51.100.11:5060"); /* not a trusted address */
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	struct desk *d = *state;

	rig_close(d->r);
	free(d);
	return 0;
}

/* Challenge, answer; gives the final response, if there is one by then. */
static struct bytes log_in(struct desk *d, enum digest_algorithm algorithm, const char *user,
			   const char *password, unsigned expires)
{
	char line[1024];
	struct bytes m;

	phone_register_with(&d->p, "", expires);
	m = rig_take(d->r, &d->p.addr, "SIP/2.0 401");
	phone_register_with(&d->p,
			    credentials_make(line, m, "Authorization", algorithm, user, password,
					     "REGISTER", "sip:test.local"),
			    expires);
	return rig_take(d->r, &d->p.addr, "SIP/2.0");
}

static void every_algorithm(void **state)
{
	struct desk *d = *state;

	for (int i = 0; i < DIGEST_ALGORITHMS; i++) {
		struct bytes m = log_in(d, (enum digest_algorithm)i, "1001", "secret", 90);

		assert_true(bytes_starts(m, "SIP/2.0 200"));
		assert_true(rig_has(rig_header(m, "Contact"), ";expires=90"));
	}
	assert_int_equal(rig_counts(d->r).bindings, 1);
	assert_int_equal(d->r->events[0].kind, SIG_REGISTERED);
	assert_int_equal(d->r->event_count, 1);
	assert_non_null(locations_find(d->r->locations, TENANT_DEFAULT, bytes_str("1001")));
}

static void refused(void **state)
{
	struct desk *d = *state;
	struct shard_extension off = rig_extension("1001", false);

	assert_true(bytes_starts(log_in(d, DIGEST_SHA256, "1001", "wrong", 90), "SIP/2.0 401"));
	assert_true(bytes_starts(log_in(d, DIGEST_SHA256, "9999", "secret", 90), "SIP/2.0 401"));
	assert_true(bytes_starts(log_in(d, DIGEST_SHA256, "1002", "secret", 90), "SIP/2.0 403"));
	assert_true(rig_has(log_in(d, DIGEST_SHA256, "1001", "secret", 10), "Min-Expires: 30"));
	off.enabled = false;
	assert_int_equal(shard_extension_put(d->r->shard, &off), 0);
	assert_true(bytes_starts(log_in(d, DIGEST_SHA256, "1001", "secret", 90), "SIP/2.0 403"));
	assert_true(shard_extension_delete(d->r->shard, TENANT_DEFAULT, "1001"));
	assert_false(shard_extension_delete(d->r->shard, TENANT_DEFAULT, "1001"));
	assert_true(bytes_starts(log_in(d, DIGEST_SHA256, "1001", "secret", 90), "SIP/2.0 401"));
	assert_int_equal(rig_counts(d->r).aors, 0);
}

static void stale_nonce(void **state)
{
	struct desk *d = *state;
	char line[1024];
	struct bytes m;

	phone_register_with(&d->p, "", 90);
	m = rig_take(d->r, &d->p.addr, "SIP/2.0 401");
	rig_wait_ms(d->r, 61000);
	phone_register_with(&d->p,
			    credentials_make(line, m, "Authorization", DIGEST_MD5, "1001", "secret",
					     "REGISTER", "sip:test.local"),
			    90);
	assert_true(rig_has(rig_take(d->r, &d->p.addr, "SIP/2.0 401"), "stale=true"));
}

/* Whoever has no credentials costs no memory, and hears the same when he asks again. */
static void challenge_is_stateless(void **state)
{
	struct desk *d = *state;
	struct bytes a, b;

	phone_register_with(&d->p, "", 90);
	d->p.cseq--;
	d->p.branches--;
	phone_register_with(&d->p, "", 90);
	a = rig_take(d->r, &d->p.addr, "SIP/2.0 401");
	b = rig_take(d->r, &d->p.addr, "SIP/2.0 401");
	assert_true(a.n && bytes_eq(a, b));
	assert_int_equal(rig_counts(d->r).txns, 0);
}

static void saved_before_said(void **state)
{
	struct desk *d = *state;
	struct rig_save *s = &d->r->saves[0];

	d->r->hold_saves = true;
	assert_int_equal(log_in(d, DIGEST_MD5, "1001", "secret", 90).n, 0);
	assert_int_equal(d->r->save_count, 1);
	assert_int_equal(s->kind, EFFECT_BINDING_SAVE);
	assert_int_equal(s->expected, 0);
	assert_int_equal(s->version, 1);
	assert_true(s->ttl_ms >= 90000 + 86400000 && s->ttl_ms < 100000 + 86400000);
	assert_true(bytes_is(text_bytes(&s->user), "1001"));
	rig_answer(d->r, 0, true);
	assert_true(rig_take(d->r, &d->p.addr, "SIP/2.0 200").n);
	assert_int_equal(log_in(d, DIGEST_MD5, "1001", "secret", 90).n, 0);
	assert_int_equal(d->r->saves[1].expected, 1);
	assert_int_equal(d->r->saves[1].version, 2);
	rig_answer(d->r, 1, true);
	assert_true(rig_take(d->r, &d->p.addr, "SIP/2.0 200").n);
}

/* A second REGISTER while the first is being saved: both get their answer, each after its version. */
static void saves_coalesce(void **state)
{
	struct desk *d = *state;

	d->r->hold_saves = true;
	(void)log_in(d, DIGEST_MD5, "1001", "secret", 90);
	(void)log_in(d, DIGEST_MD5, "1001", "secret", 120);
	(void)log_in(d, DIGEST_MD5, "1001", "secret", 300);
	assert_int_equal(d->r->save_count, 1);
	rig_answer(d->r, 0, true);
	assert_int_equal(rig_count(d->r, &d->p.addr, "SIP/2.0 200"), 1);
	assert_int_equal(d->r->save_count, 2);
	assert_int_equal(d->r->saves[1].expected, 1);
	assert_int_equal(d->r->saves[1].version, 3);
	rig_answer(d->r, 1, true);
	assert_int_equal(rig_count(d->r, &d->p.addr, "SIP/2.0 200"), 3);
}

static void answer_save(struct desk *d, uint32_t i, enum location_result result)
{
	struct rig_save *s = &d->r->saves[i];

	s->answered = true;
	locations_saved(d->r->locations, text_bytes(&s->tenant), text_bytes(&s->user), s->version,
			result, d->r->now);
	rig_drain(d->r);
}

/* The save had no answer but had happened: the next one meets a conflict and is tried against that version. */
static void unknown_outcome(void **state)
{
	struct desk *d = *state;

	d->r->hold_saves = true;
	(void)log_in(d, DIGEST_MD5, "1001", "secret", 90);
	answer_save(d, 0, BINDING_FAILED);
	assert_int_equal(rig_count(d->r, &d->p.addr, "SIP/2.0 200"),
			 1); /* a slow store stops nobody */
	rig_wait_ms(d->r, 2100);
	assert_int_equal(d->r->save_count, 2);
	assert_int_equal(d->r->saves[1].expected, 0);
	answer_save(d, 1, BINDING_CONFLICT);
	assert_int_equal(d->r->save_count, 3);
	assert_int_equal(d->r->saves[2].expected, 1);
	answer_save(d, 2, BINDING_SAVED);
	assert_int_equal(rig_counts(d->r).saves_pending, 0);
	rig_wait_ms(d->r, 5000);
	assert_int_equal(d->r->save_count, 3);
}

static void another_node_has_it(void **state)
{
	struct desk *d = *state;

	d->r->hold_saves = true;
	(void)log_in(d, DIGEST_MD5, "1001", "secret", 90);
	answer_save(d, 0, BINDING_CONFLICT);
	assert_int_equal(rig_count(d->r, &d->p.addr, "SIP/2.0 "), 1); /* 401 */
	assert_int_equal(d->r->saves[1].kind, EFFECT_BINDING_GET);
	rig_answer(d->r, 1, true); /* it has run out there by now */
	assert_int_equal(d->r->save_count, 3);
	assert_int_equal(d->r->saves[2].expected, 0);
	answer_save(d, 2, BINDING_SAVED);
	assert_int_equal(rig_count(d->r, &d->p.addr, "SIP/2.0 200"), 1);
	assert_int_equal(rig_counts(d->r).bindings, 1);
}

/* A store that forgot what it had acknowledged: the phone is not refused until its old entry runs out there. */
static void store_went_back(void **state)
{
	struct desk *d = *state;
	uint32_t i = 4;

	for (int n = 0; n < 4; n++)
		(void)log_in(d, DIGEST_MD5, "1001", "secret", 90);
	assert_int_equal(d->r->saves[3].version, 4);
	d->r->hold_saves = true;
	(void)log_in(d, DIGEST_MD5, "1001", "secret", 90);
	while (i < d->r->save_count && d->r->saves[i].expected != 2)
		answer_save(d, i++, BINDING_CONFLICT);
	assert_int_equal(i, 4 + 3); /* not 4, 0, 3 */
	assert_int_equal(rig_count(d->r, &d->p.addr, "SIP/2.0 503"), 0);
	answer_save(d, i, BINDING_SAVED);
	assert_int_equal(rig_count(d->r, &d->p.addr, "SIP/2.0 200"), 5);
	assert_int_equal(rig_counts(d->r).saves_pending, 0);
}

static void degraded(void **state)
{
	struct desk *d = *state;

	d->r->hold_saves = true;
	(void)log_in(d, DIGEST_MD5, "1001", "secret", 90);
	rig_degraded(d->r, true);
	rig_drain(d->r);
	assert_true(rig_take(d->r, &d->p.addr, "SIP/2.0 200").n);
	answer_save(d, 0, BINDING_FAILED);
	assert_true(bytes_starts(log_in(d, DIGEST_MD5, "1001", "secret", 90), "SIP/2.0 200"));
	rig_wait_ms(d->r, 20000);
	assert_int_equal(d->r->save_count, 1); /* nobody listens */
	rig_degraded(d->r, false);
	rig_wait_ms(d->r, 100);
	assert_int_equal(d->r->save_count, 2);
	assert_int_equal(d->r->saves[1].version, 2);
}

static void expires(void **state)
{
	struct desk *d = *state;

	assert_true(bytes_starts(log_in(d, DIGEST_MD5, "1001", "secret", 90), "SIP/2.0 200"));
	rig_wait_ms(d->r, 89000);
	assert_int_equal(rig_counts(d->r).bindings, 1);
	rig_wait_ms(d->r, 2000);
	assert_int_equal(rig_counts(d->r).bindings, 0);
	assert_int_equal(rig_counts(d->r).aors, 0);
	assert_int_equal(d->r->saves[1].ttl_ms, 0);
	assert_int_equal(d->r->saves[1].expected, 1);
	assert_int_equal(d->r->events[1].kind, SIG_UNREGISTERED);
}

/* The machine's clock is set: a registration lasts as long as it was granted, in this process and in the next one of the same boot. */
static void the_wall_is_set(void **state)
{
	static const int64_t steps[] = { 3600000, -3600000 };

	for (size_t i = 0; i < 2 * COUNT_OF(steps); i++) {
		int64_t step = steps[i / 2];
		bool again = i % 2;
		struct text record = { 0 };
		const char *reason = "";
		struct desk *d;

		if (i) {
			assert_int_equal(teardown(state), 0);
			assert_int_equal(setup(state), 0);
		}
		d = *state;
		assert_true(
			bytes_starts(log_in(d, DIGEST_MD5, "1001", "secret", 90), "SIP/2.0 200"));
		assert_int_equal(text_set(&record, text_bytes(&d->r->saves[0].record)), 0);
		rig_wait_ms(d->r, 30000);
		d->r->now.utc_ms += (uint64_t)step;
		if (again) {
			shard_close(d->r->shard);
			rig_start_shard(d->r);
			assert_int_equal(locations_restore(d->r->locations, text_bytes(&record),
							   d->r->now, &reason),
					 0);
			shard_resume(d->r->shard, d->r->now);
			locations_resume(d->r->locations, d->r->now);
		}
		rig_wait_ms(d->r, 55000);
		assert_int_equal(rig_counts(d->r).bindings, 1);
		rig_wait_ms(d->r, 6000);
		assert_int_equal(rig_counts(d->r).bindings, 0);
		text_clear(&record);
	}
}

static void leaves(void **state)
{
	struct desk *d = *state;

	assert_true(bytes_starts(log_in(d, DIGEST_MD5, "1001", "secret", 90), "SIP/2.0 200"));
	assert_true(bytes_starts(log_in(d, DIGEST_MD5, "1001", "secret", 0), "SIP/2.0 200"));
	assert_int_equal(rig_counts(d->r).aors, 0);
	assert_int_equal(d->r->saves[1].ttl_ms, 0);
	rig_wait_ms(d->r, 40000);
	assert_int_equal(rig_counts(d->r).txns, 0);
}

/* The store never answers: entries do not stay for ever. */
static void store_is_silent(void **state)
{
	struct desk *d = *state;

	d->r->hold_saves = true;
	(void)log_in(d, DIGEST_MD5, "1001", "secret", 90);
	rig_wait_ms(d->r, 5100);
	assert_int_equal(rig_count(d->r, &d->p.addr, "SIP/2.0 200"), 1);
	rig_wait_ms(d->r, 200000);
	assert_int_equal(rig_counts(d->r).aors, 0);
	assert_int_equal(rig_counts(d->r).txns, 0);
}

static void restored(void **state)
{
	struct desk *d = *state;
	const struct aor *a;
	uint32_t cursor = 0;

	phone_bind(&d->p);
	assert_int_equal(rig_counts(d->r).bindings, 1);
	a = locations_next(d->r->locations, &cursor);
	assert_non_null(a);
	assert_null(locations_next(d->r->locations, &cursor));
	shard_resume(d->r->shard, d->r->now);
	locations_resume(d->r->locations, d->r->now);
	assert_true(bytes_starts(log_in(d, DIGEST_MD5, "1001", "secret", 90), "SIP/2.0 200"));
	assert_int_equal(d->r->saves[0].expected, 1);
	assert_int_equal(d->r->saves[0].version, 2);
}

/* Asks for no time of its own. */
static struct bytes log_in_as_is(struct desk *d)
{
	static const char text[] =
		"REGISTER sip:test.local SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:1001@test.local>;tag=r\r\n"
		"To: <sip:1001@test.local>\r\nCall-ID: reg-1001\r\nCSeq: %u REGISTER\r\n"
		"Contact: <sip:1001@%s>\r\n%sContent-Length: 0\r\n\r\n";
	struct phone *p = &d->p;
	char line[1024];

	phone_new_branch(p);
	phone_say(p, text, p->address, p->branch, ++p->cseq, p->address, "");
	(void)credentials_make(line, rig_take(d->r, &p->addr, "SIP/2.0 401"), "Authorization",
			       DIGEST_MD5, "1001", "secret", "REGISTER", "sip:test.local");
	phone_new_branch(p);
	phone_say(p, text, p->address, p->branch, ++p->cseq, p->address, line);
	return rig_take(d->r, &p->addr, "SIP/2.0 200");
}

static void bind_others(struct desk *d, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		struct phone other;
		char user[8], address[32];

		(void)snprintf(user, sizeof(user), "%u", 5000 + i);
		(void)snprintf(address, sizeof(address), "192.0.2.12:%u", 5000 + i);
		phone_open(&other, d->r, user, address);
		phone_bind(&other);
	}
}

/* REG-04: more than 100 phones come less often, unless they want to. */
static void many_phones(void **state)
{
	struct desk *d = *state;

	bind_others(d, 0, 99);
	assert_true(rig_has(rig_header(log_in_as_is(d), "Contact"), ";expires=90"));
	assert_int_equal(rig_counts(d->r).bindings, 100);
	assert_true(rig_has(rig_header(log_in_as_is(d), "Contact"), ";expires=90"));
	bind_others(d, 99, 100);
	assert_true(rig_has(rig_header(log_in_as_is(d), "Contact"), ";expires=600"));
	assert_int_equal(rig_counts(d->r).bindings, 101);
	assert_true(rig_has(rig_header(log_in(d, DIGEST_MD5, "1001", "secret", 90), "Contact"),
			    ";expires=90"));
}

static struct bytes invite_with_password(struct desk *d, struct phone *b)
{
	char line[1024];

	phone_invite(&d->p, b->user, PHONE_SDP_A);
	(void)credentials_make(line, rig_take(d->r, &d->p.addr, "SIP/2.0 407"),
			       "Proxy-Authorization", DIGEST_MD5, "1001", "secret", "INVITE",
			       "sip:1002@test.local");
	phone_request(&d->p, "INVITE", line, PHONE_SDP_A);
	return rig_take(d->r, &d->p.addr, "SIP/2.0 4");
}

/* REG-08: what an extension for TLS only says over UDP is no call, whatever its password. */
static void tls_only_invite(void **state)
{
	struct desk *d = *state;
	struct shard_extension e = rig_extension("1001", false);
	struct phone b;
	struct bytes m;

	phone_open(&b, d->r, "1002", "198.51.100.12:5060");
	phone_bind(&b);
	assert_int_equal(invite_with_password(d, &b).n, 0);
	assert_true(phone_rings(&b).n);
	e.tls_srtp = true;
	assert_int_equal(shard_extension_put(d->r->shard, &e), 0);
	m = invite_with_password(d, &b);
	assert_true(bytes_starts(m, "SIP/2.0 403"));
	assert_true(rig_has(rig_header(m, "Warning"), "TLS"));
	assert_int_equal(phone_rings(&b).n, 0);
	assert_int_equal(rig_counts(d->r).calls, 1);
}

/* INVITE: 407, and From must be the extension that has the password. */
static void invite_with_credentials(void **state)
{
	struct desk *d = *state;
	struct phone b;
	char line[1024];
	struct bytes m;

	phone_open(&b, d->r, "1002", "198.51.100.12:5060");
	phone_bind(&b);
	phone_invite(&d->p, "1002", PHONE_SDP_A);
	m = rig_take(d->r, &d->p.addr, "SIP/2.0 407");
	assert_true(m.n);
	phone_write(&d->p, "ACK", "", "");
	assert_int_equal(rig_counts(d->r).txns, 0);
	phone_request(&d->p, "INVITE",
		      credentials_make(line, m, "Proxy-Authorization", DIGEST_SHA512_256, "1001",
				       "secret", "INVITE", "sip:1002@test.local"),
		      PHONE_SDP_A);
	assert_true(phone_hears(&d->p, "SIP/2.0 100").n);
	m = phone_rings(&b);
	assert_true(m.n);
	assert_false(rig_has(m, "Authorization"));
	phone_begin(&d->p, "1002");
	phone_request(&d->p, "INVITE", "", PHONE_SDP_A);
	m = rig_take(d->r, &d->p.addr, "SIP/2.0 407");
	phone_request(&d->p, "INVITE",
		      credentials_make(line, m, "Proxy-Authorization", DIGEST_SHA256, "1002",
				       "secret", "INVITE", "sip:1002@test.local"),
		      PHONE_SDP_A);
	assert_true(rig_take(d->r, &d->p.addr, "SIP/2.0 403").n);
}

static bool takes(struct desk *d, unsigned expires)
{
	struct bytes m = log_in(d, DIGEST_MD5, d->p.user, "secret", expires);

	assert_true(bytes_starts(m, "SIP/2.0 200") || bytes_starts(m, "SIP/2.0 403"));
	return bytes_starts(m, "SIP/2.0 200");
}

static struct desk device(struct rig *r, const char *user, const char *address, const char *params)
{
	struct desk d = { .r = r };

	phone_open(&d.p, r, user, address);
	(void)snprintf(d.p.registration, sizeof(d.p.registration), "%s-%s", user, address);
	(void)snprintf(d.p.contact_params, sizeof(d.p.contact_params), "%s", params);
	return d;
}

/* REG-27: one account more than it may have is refused, until another one of it leaves or has run out. */
static void accounts_of_a_device(void **state)
{
	static const char desk[] = ";+sip.instance=\"<urn:desk>\"";
	struct rig *r = ((struct desk *)*state)->r;
	struct desk first = device(r, "1001", "192.0.2.21:5060", desk),
		    second = device(r, "1002", "192.0.2.22:5060", desk),
		    third = device(r, "1003", "192.0.2.23:5060", desk),
		    fourth = device(r, "1004", "192.0.2.24:5060", desk),
		    nameless = device(r, "1004", "192.0.2.25:5060", ""),
		    other = device(r, "1004", "192.0.2.26:5060", ";+sip.instance=\"<urn:x>\""),
		    flow = device(r, "1002", "192.0.2.27:5060",
				  ";reg-id=2;+sip.instance=\"<urn:desk>\"");

	assert_true(takes(&first, 90) && takes(&second, 90) && takes(&third, 90));
	assert_false(takes(&fourth, 90));
	assert_int_equal(rig_counts(r).aors, 3);
	assert_true(takes(&nameless, 90) && takes(&other, 90));
	assert_false(takes(&fourth, 90));
	assert_true(takes(&fourth, 0));                     /* who leaves is never refused, */
	assert_true(takes(&first, 90) && takes(&flow, 90)); /* nor who is there */
	assert_int_equal(rig_counts(r).bindings, 6);
	assert_true(takes(&first, 0) && takes(&fourth, 90)); /* two flows are one account */
	assert_false(takes(&first, 90));
	rig_wait_ms(r, 100000);
	assert_true(takes(&first, 90));
}

#define DESK_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(every_algorithm),
		DESK_TEST(refused),
		DESK_TEST(stale_nonce),
		DESK_TEST(challenge_is_stateless),
		DESK_TEST(saved_before_said),
		DESK_TEST(saves_coalesce),
		DESK_TEST(unknown_outcome),
		DESK_TEST(another_node_has_it),
		DESK_TEST(store_went_back),
		DESK_TEST(degraded),
		DESK_TEST(expires),
		DESK_TEST(the_wall_is_set),
		DESK_TEST(leaves),
		DESK_TEST(store_is_silent),
		DESK_TEST(restored),
		DESK_TEST(invite_with_credentials),
		DESK_TEST(many_phones),
		DESK_TEST(accounts_of_a_device),
		DESK_TEST(tls_only_invite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

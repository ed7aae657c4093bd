/* SPDX-License-Identifier: Apache-2.0 */
/* Guessed passwords at the shard. */
#include "sig/host/security.h"
#include "sig/shard/shared_tables.h"
#include "tests/unit/sig/sip/credentials.h"
#include "tests/unit/test.h"

struct desk {
	struct rig *r;
	struct phone here, there; /* the same extension at two addresses */
};

static int setup(void **state)
{
	struct desk *d = calloc(1, sizeof(*d));
	struct shard_settings settings = rig_settings();
	struct shard_extension e = rig_extension("1001", false);

	settings.trusted_count = 0;
	d->r = rig_open_with(&settings);
	d->r->rolling = true;
	assert_int_equal(shard_extension_put(d->r->shard, &e), 0);
	phone_open(&d->here, d->r, "1001", "203.0.113.5:5060");
	phone_open(&d->there, d->r, "1001", "203.0.113.6:5060");
	(void)snprintf(d->there.registration, sizeof(d->there.registration), "another");
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

static struct bytes log_in(struct phone *p, const char *user, const char *password)
{
	char line[1024];
	struct bytes m;

	phone_register_with(p, "", 90);
	m = rig_take(p->r, &p->addr, "SIP/2.0 401");
	phone_register_with(p,
			    credentials_make(line, m, "Authorization", DIGEST_MD5, user, password,
					     "REGISTER", "sip:test.local"),
			    90);
	return rig_take(p->r, &p->addr, "SIP/2.0");
}

static void guess(struct phone *p, const char *user, int times)
{
	for (int i = 0; i < times; i++)
		assert_true(bytes_starts(log_in(p, user, "guess"), "SIP/2.0 401"));
}

static void guesses_have_to_wait(void **state)
{
	struct desk *d = *state;
	struct bytes m;

	guess(&d->here, "1001", 10);
	m = log_in(&d->here, "1001", "secret"); /* nothing is told of the right one either */
	assert_true(bytes_starts(m, "SIP/2.0 403"));
	assert_true(bytes_is(rig_header(m, "Retry-After"), "5"));
	rig_wait_ms(d->r, 2500);
	m = log_in(&d->here, "1001", "guess");
	assert_true(bytes_is(rig_header(m, "Retry-After"), "3"));
	assert_true(bytes_starts(log_in(&d->there, "1001", "secret"), "SIP/2.0 200"));
	rig_wait_ms(d->r, 2500);
	assert_true(bytes_starts(log_in(&d->here, "1001", "guess"), "SIP/2.0 401"));
	m = log_in(&d->here, "1001", "guess");
	assert_true(bytes_is(rig_header(m, "Retry-After"), "10"));
	rig_wait_ms(d->r, 10000);
	assert_true(bytes_starts(log_in(&d->here, "1001", "secret"), "SIP/2.0 200"));
	guess(&d->here, "1001", 9); /* forgiven */
	assert_true(bytes_starts(log_in(&d->here, "1001", "secret"), "SIP/2.0 200"));
}

/* The answers do not tell which extensions exist. */
static void unknown_users_too(void **state)
{
	struct desk *d = *state;

	guess(&d->here, "9999", 10);
	assert_true(bytes_starts(log_in(&d->here, "9999", "guess"), "SIP/2.0 403"));
	assert_true(bytes_starts(log_in(&d->here, "1001", "secret"), "SIP/2.0 200"));
}

static void challenges_go_on(void **state)
{
	struct desk *d = *state;

	guess(&d->here, "1001", 10);
	phone_register_with(&d->here, "", 90);
	assert_true(rig_take(d->r, &d->here.addr, "SIP/2.0 401").n);
}

static const char *line_for(struct desk *d, struct phone *p, char out[1024], const char *nc)
{
	struct bytes m;

	phone_register_with(p, "", 90);
	m = rig_take(d->r, &p->addr, "SIP/2.0 401");
	return credentials_count(out, m, "Authorization", DIGEST_MD5, p->user, "secret", "REGISTER",
				 "sip:test.local", nc);
}

static bool registers(struct desk *d, struct phone *p, const char *line)
{
	struct bytes m;

	phone_register_with(p, line, 90);
	m = rig_take(d->r, &p->addr, "SIP/2.0");
	if (bytes_starts(m, "SIP/2.0 200"))
		return true;
	assert_true(bytes_starts(m, "SIP/2.0 401"));
	assert_true(rig_has(m, "stale=true"));
	return false;
}

static const char INVENTED[] =
	"Authorization: Digest username=\"%s\", realm=\"test.local\", nonce=\"%064x\", "
	"uri=\"sip:test.local\", response=\"00000000000000000000000000000000\", algorithm=MD5\r\n";

static void invent(struct desk *d, struct phone *p, const char *user, unsigned n)
{
	char line[1024];
	struct bytes m;

	(void)snprintf(line, sizeof(line), INVENTED, user, n);
	phone_register_with(p, line, 90);
	m = rig_take(d->r, &p->addr, "SIP/2.0");
	assert_true(bytes_starts(m, "SIP/2.0 401"));
	assert_true(rig_has(m, "stale=true")); /* whatever was answered: nothing is learned */
}

/* What is no answer to a challenge of ours is no guess. */
static void invented_nonces_lock_nobody_out(void **state)
{
	struct desk *d = *state;

	for (unsigned i = 0; i < 1000; i++)
		invent(d, &d->here, "1001", i);
	assert_true(bytes_starts(log_in(&d->here, "1001", "secret"), "SIP/2.0 200"));
	assert_int_equal(d->r->security.kind, SECURITY_FOREIGN_NONCE);
	assert_int_equal(d->r->security_count, 1);
}

/* Neither names nor nonces make the node forget who guessed. */
static void invented_names_flush_nothing(void **state)
{
	struct desk *d = *state;
	char name[16];

	guess(&d->here, "1001", 10);
	for (unsigned i = 0; i < 3000; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		invent(d, &d->here, name, i);
		(void)log_in(&d->here, name, "guess");
	}
	assert_true(bytes_starts(log_in(&d->here, "1001", "guess"), "SIP/2.0 403"));
	assert_true(bytes_starts(log_in(&d->here, "1001", "secret"), "SIP/2.0 403"));
	assert_true(bytes_starts(log_in(&d->there, "1001", "secret"), "SIP/2.0 200"));
}

/* One try at each of many extensions: the source has to wait. */
static void spraying_has_to_wait(void **state)
{
	struct desk *d = *state;
	unsigned looked_at = 0;
	char name[16];

	for (unsigned i = 0; i < 500; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		looked_at += bytes_starts(log_in(&d->here, name, "guess"), "SIP/2.0 401");
	}
	assert_in_range(looked_at, AUTH_LIMIT_SOURCE_BURST, AUTH_LIMIT_SOURCE_BURST + 5);
	assert_true(bytes_starts(log_in(&d->there, "1001", "secret"), "SIP/2.0 200"));
}

/* A registered phone does not suffer from who guesses behind the same NAT, at its own extension or at others. */
static void neighbours_of_a_guesser(void **state)
{
	struct desk *d = *state;
	struct phone guesser, back;
	char name[16];

	phone_open(&guesser, d->r, "1001", "203.0.113.5:7777");
	(void)snprintf(guesser.registration, sizeof(guesser.registration), "guesser");
	assert_true(bytes_starts(log_in(&d->here, "1001", "secret"), "SIP/2.0 200"));
	for (unsigned i = 0; i < 60; i++) {
		(void)log_in(&guesser, "1001", "guess");
		assert_true(bytes_starts(log_in(&d->here, "1001", "secret"), "SIP/2.0 200"));
	}
	assert_true(bytes_starts(log_in(&guesser, "1001", "secret"), "SIP/2.0 403"));
	/* started again: another port, the same Call-ID */
	phone_open(&back, d->r, "1001", "203.0.113.5:9999");
	back.cseq = 1000;
	assert_true(bytes_starts(log_in(&back, "1001", "secret"), "SIP/2.0 200"));
	/* and when the source is stopped as a whole */
	for (unsigned i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		(void)log_in(&guesser, name, "guess");
	}
	back.cseq = 2000;
	assert_true(bytes_starts(log_in(&back, "1001", "secret"), "SIP/2.0 200"));
}

/* A phone that is not registered yet, with the right password, behind the NAT of who guesses at its very extension. */
static void a_phone_beside_a_guesser(void **state)
{
	struct desk *d = *state;
	struct phone guesser;
	unsigned looked_at = 0;
	char address[32];

	phone_open(&guesser, d->r, "1001", "203.0.113.5:7777");
	(void)snprintf(guesser.registration, sizeof(guesser.registration), "guesser");
	for (unsigned i = 0; i < 60; i++)
		looked_at += bytes_starts(log_in(&guesser, "1001", "guess"), "SIP/2.0 401");
	assert_int_equal(looked_at, AUTH_LIMIT_FAILURES);
	assert_true(bytes_starts(log_in(&d->here, "1001", "secret"), "SIP/2.0 200"));
	/* a guesser that changes ports gets a few more, not many */
	for (unsigned i = 0; i < 200; i++) {
		(void)snprintf(address, sizeof(address), "203.0.113.5:%u", 20000 + i);
		phone_open(&guesser, d->r, "1001", address);
		(void)snprintf(guesser.registration, sizeof(guesser.registration), "g%u", i);
		looked_at += bytes_starts(log_in(&guesser, "1001", "guess"), "SIP/2.0 401");
	}
	assert_in_range(looked_at, AUTH_LIMIT_FAILURES + AUTH_LIMIT_FRESH_BURST,
			AUTH_LIMIT_FAILURES + AUTH_LIMIT_FRESH_BURST + 2);
}

/* What was overheard is worth nothing elsewhere, nor here once more. */
static void overheard_credentials(void **state)
{
	struct desk *d = *state;
	char line[1024];

	line_for(d, &d->here, line, "00000001");
	assert_false(registers(d, &d->there, line));
	assert_int_equal(d->r->security.kind, SECURITY_FOREIGN_NONCE);
	assert_true(registers(d, &d->here, line));
	assert_false(registers(d, &d->here, line));
	assert_int_equal(d->r->security.kind, SECURITY_REPLAY);
	assert_string_equal(d->r->security.user, "1001");
}

/* Transactions overtake each other. */
static void counts_come_out_of_order(void **state)
{
	static const struct {
		const char *nc;
		bool first;
	} rows[] = { { "00000002", true }, { "00000001", true },  { "00000005", true },
		     { "00000003", true }, { "00000003", false }, { "00000005", false },
		     { "00000004", true }, { "00000100", true },  { "00000006", false },
		     { "000000ff", true }, { "ffffffff", true },  { "ffffffff", false },
		     { "00000101", false } };
	struct desk *d = *state;
	struct bytes m;
	char line[1024];

	phone_register_with(&d->here, "", 90);
	m = rig_take(d->r, &d->here.addr, "SIP/2.0 401");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		(void)credentials_count(line, m, "Authorization", DIGEST_MD5, "1001", "secret",
					"REGISTER", "sip:test.local", rows[i].nc);
		if (registers(d, &d->here, line) != rows[i].first)
			fail_msg("row %zu: %s", i, rows[i].nc);
	}
}

/* RFC 2069 has no count: a nonce is good once. */
static void without_qop_a_nonce_is_good_once(void **state)
{
	struct desk *d = *state;
	struct bytes a1[] = { BYTES_LIT("1001"), BYTES_LIT("test.local"), BYTES_LIT("secret") };
	struct bytes a2[] = { BYTES_LIT("REGISTER"), BYTES_LIT("sip:test.local") };
	struct digest_text ha1, ha2, response;
	struct bytes parts[3], nonce;
	char line[1024];

	phone_register_with(&d->here, "", 90);
	nonce = credentials_nonce(rig_take(d->r, &d->here.addr, "SIP/2.0 401"), "MD5");
	assert_true(digest_hash_text(DIGEST_MD5, a1, 3, &ha1));
	assert_true(digest_hash_text(DIGEST_MD5, a2, 2, &ha2));
	parts[0] = digest_text_bytes(&ha1);
	parts[1] = nonce;
	parts[2] = digest_text_bytes(&ha2);
	assert_true(digest_hash_text(DIGEST_MD5, parts, 3, &response));
	(void)snprintf(line, sizeof(line),
		       "Authorization: Digest username=\"1001\", realm=\"test.local\", "
		       "nonce=\"" BYTES_FMT "\", uri=\"sip:test.local\", response=\"%.*s\"\r\n",
		       BYTES_ARG(nonce), (int)response.n, response.p);
	assert_true(registers(d, &d->here, line));
	assert_false(registers(d, &d->here, line));
	assert_int_equal(d->r->security_count, 0);
}

/* The very same datagram again is no replay, and neither is what a node gets that was started again. */
static void retransmissions(void **state)
{
	struct desk *d = *state;
	struct shard_settings settings = rig_settings();
	struct shard_extension e = rig_extension("1001", false);
	char line[1024];

	line_for(d, &d->here, line, "00000001");
	assert_true(registers(d, &d->here, line));
	d->here.branches--;
	d->here.cseq--;
	assert_true(registers(d, &d->here, line));
	rig_close(d->r);
	settings.trusted_count = 0;
	d->r = rig_open_with(&settings);
	d->r->rolling = true;
	assert_int_equal(shard_extension_put(d->r->shard, &e), 0);
	d->here.r = d->r;
	assert_true(registers(d, &d->here, line));
}

/* From the first guess to the wait, an extension and a name that is none look the same. */
static void names_look_the_same(void **state)
{
	struct desk *d = *state;

	for (int i = 0; i < 15; i++) {
		struct bytes a = log_in(&d->here, "1001", "guess");
		struct bytes b = log_in(&d->here, "9999", "guess");

		assert_true(bytes_eq(bytes_sub(a, 0, 12), bytes_sub(b, 0, 12)));
	}
}

/* The user of an event is the one whose password was used. */
static void in_the_name_of_another(void **state)
{
	struct desk *d = *state;
	struct shard_extension e = rig_extension("1002", false);
	struct bytes m;

	assert_int_equal(shard_extension_put(d->r->shard, &e), 0);
	m = log_in(&d->here, "1002", "secret"); /* To: 1001 */
	assert_true(bytes_starts(m, "SIP/2.0 403"));
	assert_int_equal(d->r->security.kind, SECURITY_FOREIGN_IDENTITY);
	assert_string_equal(d->r->security.user, "1002");
	assert_string_equal(d->r->security.detail, "REGISTER");
}

/* A proxy on this machine has the address of a trusted peer, and behind it is any browser. */
static void no_trust_over_a_websocket(void **state)
{
	static const struct {
		enum sip_transport transport;
		const char *want;
	} rows[] = { { SIP_UDP, "SIP/2.0 404" },
		     { SIP_TCP, "SIP/2.0 404" },
		     { SIP_WS, "SIP/2.0 407" },
		     { SIP_WSS, "SIP/2.0 407" } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct rig *r = rig_open(); /* trusts 192.0.2.0/24 */
		struct phone p;

		phone_open(&p, r, "1001", "192.0.2.99:5060");
		p.hop = (struct sip_hop){ .transport = rows[i].transport,
					  .remote = p.addr,
					  .connection = 77,
					  .inbound = true };
		phone_invite(&p, "4711", PHONE_SDP_A);
		if (!rig_take(r, &p.addr, rows[i].want).n)
			fail_msg("%s", sip_transport_name(rows[i].transport));
		rig_close(r);
	}
}

/* Whom the certificate alone keeps from trust is asked for a password, and the operator hears why. */
static void a_rule_misses_its_certificate(void **state)
{
	(void)state;
	for (int certified = 0; certified < 2; certified++) {
		struct shard_settings settings = rig_settings(); /* trusts 192.0.2.0/24 */
		struct rig *r;
		struct phone p;

		settings.trusted[0].certificate = true;
		r = rig_open_with(&settings);
		phone_open(&p, r, "1001", "192.0.2.99:5060");
		p.hop = (struct sip_hop){ .transport = SIP_TLS,
					  .remote = p.addr,
					  .connection = 77,
					  .certified = certified,
					  .inbound = true };
		phone_invite(&p, "4711", PHONE_SDP_A);
		assert_true(rig_take(r, &p.addr, certified ? "SIP/2.0 404" : "SIP/2.0 407").n);
		assert_int_equal(r->security_count, !certified);
		if (!certified) {
			assert_int_equal(r->security.kind, SECURITY_CERTIFICATE);
			assert_true(addr_ip_eq(&r->security.source, &p.addr));
		}
		rig_close(r);
	}
}

#define DESK_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(guesses_have_to_wait),
		DESK_TEST(unknown_users_too),
		DESK_TEST(challenges_go_on),
		DESK_TEST(invented_nonces_lock_nobody_out),
		DESK_TEST(invented_names_flush_nothing),
		DESK_TEST(spraying_has_to_wait),
		DESK_TEST(neighbours_of_a_guesser),
		DESK_TEST(a_phone_beside_a_guesser),
		DESK_TEST(overheard_credentials),
		DESK_TEST(counts_come_out_of_order),
		DESK_TEST(without_qop_a_nonce_is_good_once),
		DESK_TEST(retransmissions),
		DESK_TEST(names_look_the_same),
		DESK_TEST(in_the_name_of_another),
		cmocka_unit_test(no_trust_over_a_websocket),
		cmocka_unit_test(a_rule_misses_its_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Guessed passwords at the shard. */
#include "tests/unit/sig/credentials.h"
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
	assert_int_equal(shard_extension_put(d->r->shard, &e), 0);
	phone_open(&d->here, d->r, "1001", "203.0.113.5:5060");
	phone_open(&d->there, d->r, "1001", "203.0.113.6:5060");
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

#define DESK_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(guesses_have_to_wait),
		DESK_TEST(unknown_users_too),
		DESK_TEST(challenges_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Which profile a phone's address chooses. */
#include <errno.h>

#include "sig/shard/shard_state.h"
#include "tests/unit/sig/line.h"

static struct shard_range range(const char *first, const char *last, const char *profile)
{
	struct shard_range r = { .first = rig_addr(first), .last = rig_addr(last) };

	(void)snprintf(r.profile, sizeof(r.profile), "%s", profile);
	return r;
}

static int put(struct line *l, const char *name, uint32_t video_kbps)
{
	struct shard_profile p = { .terms.video_kbps = video_kbps };

	(void)snprintf(p.name, sizeof(p.name), "%s", name);
	return shard_profile_put(l->r->shard, TENANT_DEFAULT, &p);
}

static const struct shard_profile *of(struct line *l, const char *source)
{
	struct addr a = rig_addr(source);

	return shard_profile_of(l->r->shard, TENANT_DEFAULT, &a);
}

static void without_documents(void **state)
{
	const struct shard_profile *p = of(*state, "192.0.2.9");

	assert_string_equal(p->name, PROFILE_DEFAULT);
	assert_int_equal(p->terms.codec_count, 0);
	assert_int_equal(p->terms.video_kbps, 0);
	assert_int_equal(p->transports, 0);
	assert_false(p->early_media);
}

static void by_range(void **state)
{
	static const struct {
		const char *source, *want;
	} rows[] = {
		{ "10.0.0.9", "default" },       { "10.0.0.10:5060", "lan" },
		{ "10.0.0.255", "lan" },         { "10.0.1.0", "default" },
		{ "10.0.2.1", "default" }, /* its profile does not exist */
		{ "2001:db8::ffff", "default" }, { "2001:db8::1:0", "six" },
		{ "2001:db8::1:ffff", "six" },   { "2001:db8::2:0", "default" },
		{ "::a00:a", "default" }, /* the octets of 10.0.0.10, another family */
	};
	const struct shard_range ranges[] = {
		range("10.0.0.10", "10.0.0.255", "lan"),
		range("10.0.0.0", "10.0.0.9", "default"),
		range("10.0.0.0", "10.0.0.255", "six"), /* the first that holds it counts */
		range("10.0.2.0", "10.0.2.255", "nobody"),
		range("2001:db8::1:0", "2001:db8::1:ffff", "six"),
	};
	struct line *l = *state;

	assert_int_equal(put(l, "default", 768), 0);
	assert_int_equal(put(l, "lan", 1), 0);
	assert_int_equal(put(l, "six", 2), 0);
	assert_int_equal(shard_ranges_set(l->r->shard, TENANT_DEFAULT, ranges, COUNT_OF(ranges)),
			 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ROW_ASSERT(rows[i].source, !strcmp(of(l, rows[i].source)->name, rows[i].want));
	assert_int_equal(of(l, "10.0.1.0")->terms.video_kbps, 768);
	assert_int_equal(shard_ranges_set(l->r->shard, TENANT_DEFAULT, NULL, 0), 0);
	assert_string_equal(of(l, "10.0.0.10")->name, PROFILE_DEFAULT);
}

static void changes(void **state)
{
	const struct shard_range all = range("0.0.0.0", "255.255.255.255", "p");
	struct line *l = *state;

	assert_int_equal(shard_ranges_set(l->r->shard, TENANT_DEFAULT, &all, 1), 0);
	assert_int_equal(put(l, "q", 5), 0);
	assert_int_equal(put(l, "p", 6), 0);
	assert_int_equal(of(l, "10.0.0.1")->terms.video_kbps, 6);
	assert_int_equal(put(l, "p", 7), 0); /* replaces */
	assert_int_equal(of(l, "10.0.0.1")->terms.video_kbps, 7);
	assert_true(shard_profile_delete(l->r->shard, TENANT_DEFAULT, "q"));
	assert_false(shard_profile_delete(l->r->shard, TENANT_DEFAULT, "q"));
	assert_int_equal(of(l, "10.0.0.1")->terms.video_kbps, 7);
	assert_true(shard_profile_delete(l->r->shard, TENANT_DEFAULT, "p"));
	assert_string_equal(of(l, "10.0.0.1")->name, PROFILE_DEFAULT);
}

static void capacities(void **state)
{
	static struct shard_range many[SHARD_RANGES_MAX + 1];
	struct line *l = *state;
	char name[16];

	for (uint32_t i = 0; i < SHARD_PROFILES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "p%u", i);
		assert_int_equal(put(l, name, 1), 0);
	}
	assert_int_equal(put(l, "more", 1), -ENOSPC);
	assert_int_equal(put(l, "p0", 2), 0);
	assert_int_equal(shard_ranges_set(l->r->shard, TENANT_DEFAULT, many, SHARD_RANGES_MAX + 1),
			 -ENOSPC);
	assert_int_equal(shard_ranges_set(l->r->shard, TENANT_DEFAULT, many, SHARD_RANGES_MAX), 0);
	assert_string_equal(of(l, "0.0.0.0")->name,
			    PROFILE_DEFAULT); /* an empty range holds nobody */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(without_documents),
		LINE_TEST(by_range),
		LINE_TEST(changes),
		LINE_TEST(capacities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

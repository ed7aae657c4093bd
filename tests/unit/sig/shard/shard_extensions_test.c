/* SPDX-License-Identifier: Apache-2.0 */
/* What the shard keeps of extensions: where their calls go instead. */
#include <errno.h>

#include "sig/shard/shard_state.h"
#include "tests/unit/sig/line.h"

static int set(struct line *l, const struct shard_forward *forward)
{
	return shard_forward_set(l->r->shard, TENANT_DEFAULT, "1001", forward);
}

static const struct shard_forward *of(const struct line *l, const char *number)
{
	return shard_forward_of(l->r->shard, TENANT_DEFAULT, bytes_str(number));
}

static void forward_is_kept(void **state)
{
	struct shard_forward f = { .always = "1002", .rings = 3 };
	struct line *l = *state;

	assert_null(of(l, "1001"));
	assert_int_equal(set(l, &f), 0);
	f.always[0] = 'x'; /* the shard has a copy */
	assert_string_equal(of(l, "1001")->always, "1002");
	assert_int_equal(of(l, "1001")->rings, 3);
	assert_null(of(l, "1002"));
	assert_null(of(l, "none"));
	assert_int_equal(shard_forward_set(l->r->shard, TENANT_DEFAULT, "none", &f), -ENOENT);
}

static void forward_is_replaced(void **state)
{
	const struct shard_forward busy = { .busy = "1003" }, quiet = { .do_not_disturb = true };
	const struct shard_forward none = { .always = "" };
	const struct shard_extension e = rig_extension("1001", false);
	struct line *l = *state;

	assert_int_equal(set(l, &quiet), 0);
	assert_int_equal(set(l, &busy), 0);
	assert_string_equal(of(l, "1001")->busy, "1003");
	assert_false(of(l, "1001")->do_not_disturb);
	assert_int_equal(shard_extension_put(l->r->shard, &e), 0); /* stays */
	assert_string_equal(of(l, "1001")->busy, "1003");
	assert_int_equal(set(l, &none), 0);
	assert_null(of(l, "1001"));
}

static void forward_goes_with_its_extension(void **state)
{
	const struct shard_extension e = rig_extension("1001", false);
	const struct shard_forward f = { .unreachable = "1002" };
	struct line *l = *state;

	assert_int_equal(set(l, &f), 0);
	assert_true(shard_extension_delete(l->r->shard, TENANT_DEFAULT, "1001"));
	assert_null(of(l, "1001"));
	assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
	assert_null(of(l, "1001")); /* the slot is used again */
	assert_int_equal(set(l, &f), 0);
	assert_non_null(of(l, "1001")); /* and freed with the shard */
}

/* Each alone is worth a copy, but for the rings: they lead nowhere. */
static void what_is_set(void **state)
{
	static const struct {
		const char *name;
		struct shard_forward forward;
		bool kept;
	} rows[] = {
		{ "nothing", { .always = "" }, false },
		{ "rings", { .rings = 5 }, false },
		{ "behind the end of a text", { .always = "\0001002" }, false },
		{ "always", { .always = "1002" }, true },
		{ "busy", { .busy = "1002" }, true },
		{ "no answer", { .no_answer = "1002" }, true },
		{ "unreachable", { .unreachable = "1002" }, true },
		{ "do not disturb", { .do_not_disturb = true }, true },
		{ "smart do not disturb", { .smart_do_not_disturb = true }, true },
	};
	struct line *l = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		ROW_ASSERT(rows[i].name, !set(l, &rows[i].forward));
		ROW_ASSERT(rows[i].name, !of(l, "1001") == !rows[i].kept);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(forward_is_kept),
		LINE_TEST(forward_is_replaced),
		LINE_TEST(forward_goes_with_its_extension),
		LINE_TEST(what_is_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

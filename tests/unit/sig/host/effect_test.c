/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/effect.h"

#include "tests/unit/test.h"

enum { MANY = 100 };

static void fill(struct effects *e)
{
	for (uint32_t i = 0; i < MANY; i++) {
		struct effect *effect = effects_add(e, i % 3 ? EFFECT_SEND : EFFECT_TRUST);

		assert_non_null(effect);
		effect->call = i;
		assert_int_equal(text_set(&effect->data, BYTES_LIT("owned")), 0);
	}
}

static bool is_trust(struct effect *e, void *arg)
{
	uint32_t *count = arg;

	if (e->kind != EFFECT_TRUST)
		return false;
	++*count;
	text_clear(&e->data); /* it was given away */
	return true;
}

static void test_sifted(void **state)
{
	struct effects e = { 0 };
	uint32_t count = 0, last = 0;

	(void)state;
	effects_sift(&e, is_trust, &count);
	fill(&e);
	effects_sift(&e, is_trust, &count);
	assert_int_equal(count, (MANY + 2) / 3);
	assert_int_equal(e.count, MANY - count);
	for (uint32_t i = 0; i < e.count; i++) {
		assert_int_equal(e.list[i].kind, EFFECT_SEND);
		assert_true(e.list[i].call > last);
		assert_true(bytes_is(text_bytes(&e.list[i].data), "owned"));
		last = (uint32_t)e.list[i].call;
	}
	effects_sift(&e, is_trust, &count);
	assert_int_equal(e.count, MANY - count);
	effects_close(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sifted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

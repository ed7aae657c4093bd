/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "sig/host/effect.h"

static const enum effect_kind ASKED[] = { EFFECT_SEND, EFFECT_MEDIA, EFFECT_CALL_SAVE, EFFECT_MEDIA,
					  EFFECT_EVENT };

static void asked(struct effects *e)
{
	const struct flow_id id = { .slot = 1 };

	for (size_t i = 0; i < COUNT_OF(ASKED); i++) {
		struct effect *effect = NULL;

		if (ASKED[i] == EFFECT_MEDIA)
			assert_non_null(effects_media(e, 1, MEDIA_FLOW_OPEN, id));
		else
			effect = effects_add(e, ASKED[i]);
		if (effect)
			assert_int_equal(text_set(&effect->data, BYTES_LIT("owned")), 0);
	}
}

static void is_left(const struct effects *e, const enum effect_kind *kinds, uint32_t count)
{
	assert_int_equal(e->count, count);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(e->list[i].kind, kinds[i]);
}

/* What goes is freed, what stays keeps its order: the sanitizer sees both. */
static void test_parts(void **state)
{
	static const enum effect_kind media[] = { EFFECT_MEDIA, EFFECT_MEDIA };
	static const enum effect_kind others[] = { EFFECT_SEND, EFFECT_CALL_SAVE, EFFECT_EVENT };
	struct effects e = { 0 };

	(void)state;
	asked(&e);
	effects_keep(&e, EFFECT_MEDIA);
	is_left(&e, media, COUNT_OF(media));
	effects_clear(&e);
	asked(&e);
	effects_drop(&e, EFFECT_MEDIA);
	is_left(&e, others, COUNT_OF(others));
	effects_drop(&e, EFFECT_MEDIA);
	is_left(&e, others, COUNT_OF(others));
	effects_close(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

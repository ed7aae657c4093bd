/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/effect.h"

#include "tests/unit/test.h"

enum { MANY = 100 };

static void fill(struct effects *e)
{
	for (uint32_t i = 0; i < MANY; i++) {
		enum effect_kind kind = i % 3 ? EFFECT_SEND : EFFECT_CALL_SAVE;

		assert_non_null(effects_request(e, kind, i, 0, EFFECT_TEXTS(BYTES_LIT("owned"))));
	}
}

static bool is_save(struct effect *e, void *arg)
{
	uint32_t *count = arg;

	if (e->kind != EFFECT_CALL_SAVE)
		return false;
	++*count;
	text_clear(&((struct request_save *)e->request)->record); /* it was given away */
	return true;
}

static void test_sifted(void **state)
{
	struct effects e = { 0 };
	uint32_t count = 0, last = 0;
	const struct request_send *send;

	(void)state;
	effects_sift(&e, is_save, &count);
	fill(&e);
	effects_sift(&e, is_save, &count);
	assert_int_equal(count, (MANY + 2) / 3);
	assert_int_equal(e.count, MANY - count);
	for (uint32_t i = 0; i < e.count; i++) {
		assert_int_equal(e.list[i].kind, EFFECT_SEND);
		assert_true(e.list[i].call > last);
		send = e.list[i].request;
		assert_true(bytes_is(text_bytes(&send->data), "owned"));
		last = (uint32_t)e.list[i].call;
	}
	effects_sift(&e, is_save, &count);
	assert_int_equal(e.count, MANY - count);
	effects_close(&e);
}

/* Each kind is freed with what it owns, and taken back whole. */
static void test_kinds(void **state)
{
	const struct bytes *texts =
		EFFECT_TEXTS(BYTES_LIT("one"), BYTES_LIT("two"), BYTES_LIT("three"));
	struct effects e = { 0 };
	struct request_fork *fork;

	(void)state;
	for (int kind = 0; kind < EFFECT_KINDS; kind++) {
		const struct effect_row *row = &effect_rows[kind];

		assert_non_null(row->name);
		assert_int_equal(effects_request(&e, (enum effect_kind)kind, 1, 2, texts) != NULL,
				 row->size != 0);
		assert_int_equal(e.list[e.count - 1].serial, 2);
	}
	assert_int_equal(e.count, EFFECT_KINDS);
	event_put_str(effects_event(&e, SIG_CALL_NEW, 1, 1, BYTES_LIT("acme")), EV_FROM, "1001");
	assert_non_null(effects_cdrs(&e, EFFECT_CALL_END, 1, 2));
	assert_non_null(effects_media(&e, 1, MEDIA_FLOW_CLOSE, (struct flow_id){ 0 }));
	fork = effects_add(&e, EFFECT_FORK, 1, 0)->request;
	fork->fork = calloc(1, sizeof(*fork->fork));
	effects_drop_last(&e);
	assert_int_equal(e.count, EFFECT_KINDS + 3);
	effects_close(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sifted),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

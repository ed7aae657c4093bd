/* SPDX-License-Identifier: Apache-2.0 */
/* In-call feature codes: which keys are one, and which settings nobody could press (FEATURES REC-02, REC-09). */
#include "sig/sip/feature_code.h"
#include "tests/unit/test.h"

#define ON     (UINT32_C(1) << CALL_CODE_RECORD_ON)
#define OFF    (UINT32_C(1) << CALL_CODE_RECORD_OFF)
#define PAUSE  (UINT32_C(1) << CALL_CODE_RECORD_PAUSE)
#define RESUME (UINT32_C(1) << CALL_CODE_RECORD_RESUME)

static const struct call_codes g_codes = {
	.code = { [CALL_CODE_RECORD_ON] = "*1",
		  [CALL_CODE_RECORD_OFF] = "*1",
		  [CALL_CODE_RECORD_PAUSE] = "#22",
		  [CALL_CODE_RECORD_RESUME] = "#23" },
};

static const struct {
	const char *keys;
	enum call_code_fit fit;
	uint32_t whole;
} g_fits[] = {
	{ "", CALL_CODE_NONE, 0 },           { "*", CALL_CODE_BEGINS, 0 },
	{ "*1", CALL_CODE_WHOLE, ON | OFF }, { "*11", CALL_CODE_NONE, 0 },
	{ "*2", CALL_CODE_NONE, 0 },         { "1", CALL_CODE_NONE, 0 },
	{ "#", CALL_CODE_BEGINS, 0 },        { "#2", CALL_CODE_BEGINS, 0 },
	{ "#22", CALL_CODE_WHOLE, PAUSE },   { "#23", CALL_CODE_WHOLE, RESUME },
	{ "#221", CALL_CODE_NONE, 0 },       { "A", CALL_CODE_NONE, 0 },
};

static void fits(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_fits); i++) {
		uint32_t whole = 77;

		ROW_ASSERT(g_fits[i].keys, call_code_fit(&g_codes, bytes_str(g_fits[i].keys),
							 &whole) == g_fits[i].fit);
		ROW_ASSERT(g_fits[i].keys, whole == g_fits[i].whole);
	}
}

static void none(void **state)
{
	static const struct call_codes nothing = { 0 };
	uint32_t whole;

	(void)state;
	assert_false(call_codes_any(&nothing));
	assert_true(call_codes_any(&g_codes));
	assert_int_equal(call_code_fit(&nothing, BYTES_LIT("*"), &whole), CALL_CODE_NONE);
	assert_int_equal(call_code_fit(&nothing, BYTES_LIT(""), &whole), CALL_CODE_NONE);
}

static const struct {
	const char *on, *off, *pause;
	bool clash; /* of any two */
} g_clashes[] = {
	{ "*1", "*1", "*2", false }, /* in turns */
	{ "*1", "*2", "*3", false }, { "*1", "", "", false },
	{ "*1", "*12", "", true }, /* that is pressed before the other one is whole */
	{ "*12", "*1", "", true },   { "*1", "*2", "*2", true },
	{ "*1", "", "*1", true },    { "*", "*", "*1", true },
};

static void clashes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_clashes); i++) {
		struct call_codes codes = { 0 };
		bool any = false;

		(void)bytes_cstr(bytes_str(g_clashes[i].on), codes.code[CALL_CODE_RECORD_ON],
				 CALL_CODE_LEN);
		(void)bytes_cstr(bytes_str(g_clashes[i].off), codes.code[CALL_CODE_RECORD_OFF],
				 CALL_CODE_LEN);
		(void)bytes_cstr(bytes_str(g_clashes[i].pause), codes.code[CALL_CODE_RECORD_PAUSE],
				 CALL_CODE_LEN);
		for (unsigned a = 0; a < CALL_CODE_COUNT; a++) {
			for (unsigned b = 0; b < CALL_CODE_COUNT; b++)
				any |= call_codes_clash(&codes, (enum call_code)a,
							(enum call_code)b);
		}
		assert_int_equal(any, g_clashes[i].clash);
	}
}

static void valid(void **state)
{
	static const char *const good[] = { "*1", "#0", "**", "*1234567", "##" };
	static const char *const bad[] = {
		"", "*", "1", "12", "*12345678", "*a", "*1 ", "*A", "+1"
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		ROW_ASSERT(good[i], call_code_is_valid(good[i]));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		ROW_ASSERT(bad[i], !call_code_is_valid(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fits),
		cmocka_unit_test(none),
		cmocka_unit_test(clashes),
		cmocka_unit_test(valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

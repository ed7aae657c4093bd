/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/name_index.h"

#include "tests/unit/test.h"

static struct name_index *g_names;

static void put(uint16_t tenant, const char *number, const char *name)
{
	assert_int_equal(name_index_put(g_names, tenant, bytes_str(number), bytes_str(name)), 0);
}

/* The numbers, joined by blanks. */
static void finds(uint16_t tenant, const char *keys, const char *wanted)
{
	struct bytes found[NAME_INDEX_FOUND_MAX];
	uint32_t n = name_index_find(g_names, tenant, bytes_str(keys), found);
	char space[128] = "";
	struct writer w = writer_over(space, sizeof(space) - 1);

	for (uint32_t i = 0; i < n; i++) {
		writer_str(&w, i ? " " : "");
		writer_bytes(&w, found[i]);
	}
	assert_string_equal(space, wanted);
}

static int setup(void **state)
{
	(void)state;
	g_names = name_index_create();
	return !g_names;
}

static int teardown(void **state)
{
	(void)state;
	name_index_free(g_names);
	return 0;
}

static void test_words(void **state)
{
	(void)state;
	put(1, "1001", "Anna Berg");
	put(1, "1002", "Otto von Berger-Kurz");
	put(2, "1001", "Carla Berg");
	finds(1, "2662", "1001");     /* ANNA */
	finds(1, "26622374", "1001"); /* ANNABERG */
	finds(1, "2374", "1001 1002");
	finds(1, "237437", "1002"); /* BERGER */
	finds(1, "5879", "1002");   /* KURZ */
	finds(1, "866", "1002");    /* VON */
	finds(2, "2374", "1001");
	finds(3, "2374", "");
	finds(1, "374", ""); /* within a word */
	finds(1, "2", "");
	finds(1, "2*", "");
	put(1, "1001", "Bo Li");
	finds(1, "2662", "");
	finds(1, "54", "1001");
	put(1, "1001", "");
	finds(1, "54", "");
}

/* An umlaut is its vowel, or that and an e. */
static void test_letters(void **state)
{
	(void)state;
	put(1, "1", "Jörg Müßig");
	put(1, "2", "Ærø Łukasz");
	put(1, "3", "Иван"); /* on no key */
	put(1, "4", "Hall 7");
	put(1, "5", "Ann\xc3");
	finds(1, "5674", "1");   /* JORG */
	finds(1, "56374", "1");  /* JOERG */
	finds(1, "687744", "1"); /* MUSSIG */
	finds(1, "6837744", "1");
	finds(1, "2376", "2"); /* AERO */
	finds(1, "58527", "2");
	finds(1, "42557", "4");
	finds(1, "266", "5");
}

/* In the order of their names, and no more than keys. */
static void test_many(void **state)
{
	char number[8], name[16];

	(void)state;
	for (int i = 19; i >= 0; i--) {
		(void)snprintf(number, sizeof(number), "10%02d", i);
		(void)snprintf(name, sizeof(name), "Berg %c", 'a' + i);
		put(1, number, name);
	}
	finds(1, "2374", "1000 1001 1002 1003 1004 1005 1006 1007 1008");
	for (int i = 0; i < 19; i++) {
		(void)snprintf(number, sizeof(number), "10%02d", i);
		put(1, number, "");
	}
	finds(1, "2374", "1019");
}

static void test_fold(void **state)
{
	static const char *const rows[][2] = {
		{ "Robin", "robin" },
		{ "M\u00fcller-Stra\u00dfe 7", "muller-strasse 7" },
		{ "\u0141\u00f3d\u017a", "lodz" },
		{ "\u00c6r\u00f8", "aero" },
		{ "\u5f20\u4f1f a", "\u5f20\u4f1f a" },
		{ "\xc3", "\xc3" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char out[32];
		struct writer w = writer_over(out, strlen(rows[i][0]));

		name_fold(&w, bytes_str(rows[i][0]));
		ROW_ASSERT(rows[i][0], !w.overflow && bytes_is(writer_done(&w), rows[i][1]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_words, setup, teardown),
		cmocka_unit_test_setup_teardown(test_letters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test(test_fold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

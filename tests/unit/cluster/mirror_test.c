/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/document/mirror.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/unit/test.h"

static const struct hash_key KEY = { 1, 2 };

static const struct bytes T = BYTES_LIT("default"), OTHER = BYTES_LIT("other"),
			  EXTENSION = BYTES_LIT("extension");

static uint32_t gone_count(const struct mirror *s)
{
	return s->gone ? mirror_count(s->gone) : 0;
}

static int put_of(struct mirror *s, struct bytes tenant, const char *name, uint64_t version,
		  const char *text)
{
	struct snapshot_document d = { tenant, EXTENSION, bytes_str(name), version,
				       bytes_str(text) };

	return mirror_put(s, &d);
}

static int put(struct mirror *s, const char *name, uint64_t version, const char *text)
{
	return put_of(s, T, name, version, text);
}

static void take(struct mirror *s, struct bytes tenant, struct bytes kind, const char *name,
		 uint64_t version)
{
	struct snapshot_document d = { tenant, kind, bytes_str(name), version, { 0 } };

	mirror_delete(s, &d);
}

static void check_file(const struct mirror *s, uint32_t count, uint64_t generation)
{
	struct snapshot snapshot;
	const char *reason;
	uint8_t *file;
	size_t n;

	file = mirror_snapshot(s, &n);
	assert_non_null(file);
	assert_int_equal(snapshot_open(&snapshot, bytes_mem(file, n), &reason), 0);
	assert_int_equal(snapshot.format, SNAPSHOT_OF_ONE);
	assert_int_equal(snapshot.count, count + gone_count(s));
	assert_int_equal(snapshot.generation, generation);
	free(file);
}

/* Tenants with equal names: each has its documents and its generation, and so has the file. */
static void test_tenants(void **state)
{
	struct snapshot snapshot;
	const char *reason;
	struct mirror s, again;
	uint8_t *file;
	size_t n;

	(void)state;
	assert_int_equal(mirror_open(&s, 4, &KEY), 0);
	assert_int_equal(mirror_open(&again, 4, &KEY), 0);
	assert_int_equal(put_of(&s, T, "1", 1, "one"), 0);
	assert_int_equal(put_of(&s, OTHER, "1", 7, "of the other"), 0);
	assert_int_equal(put_of(&s, OTHER, "2", 8, "two"), 0);
	take(&s, OTHER, EXTENSION, "2", 9);
	assert_int_equal(mirror_generation_set(&s, BYTES_LIT("third"), 3), 0);
	file = mirror_snapshot(&s, &n);
	assert_int_equal(snapshot_open(&snapshot, bytes_mem(file, n), &reason), 0);
	assert_int_equal(snapshot.format, SNAPSHOT_FORMAT);
	assert_int_equal(mirror_load(&again, &snapshot), 0);
	free(file);
	assert_int_equal(mirror_count(&again), 2);
	assert_int_equal(mirror_version(&again, T, EXTENSION, BYTES_LIT("1")), 1);
	assert_int_equal(mirror_version(&again, OTHER, EXTENSION, BYTES_LIT("1")), 7);
	assert_int_equal(mirror_version(&again, OTHER, EXTENSION, BYTES_LIT("2")), 0);
	assert_true(
		bytes_is(mirror_text(&again, OTHER, EXTENSION, BYTES_LIT("1")), "of the other"));
	assert_int_equal(mirror_generation(&again, T), 1);
	assert_int_equal(mirror_generation(&again, OTHER), 9);
	assert_int_equal(mirror_generation(&again, BYTES_LIT("third")), 3);
	mirror_close(&s);
	mirror_close(&again);
}

/* What a start asks of a file: mostly Redis has all that is in it. */
static void test_generations_alone(void **state)
{
	struct snapshot snapshot;
	uint32_t documents;
	const char *reason;
	struct mirror s, again;
	uint8_t *file;
	size_t n;

	(void)state;
	for (int of_one = 0; of_one < 2; of_one++) {
		assert_int_equal(mirror_open(&s, 4, &KEY), 0);
		assert_int_equal(mirror_open(&again, 4, &KEY), 0);
		assert_int_equal(put_of(&s, T, "1", 1, "one"), 0);
		assert_int_equal(put_of(&s, of_one ? T : OTHER, "2", 8, "two"), 0);
		take(&s, of_one ? T : OTHER, EXTENSION, "2", 9);
		file = mirror_snapshot(&s, &n);
		assert_int_equal(snapshot_open(&snapshot, bytes_mem(file, n), &reason), 0);
		assert_int_equal(mirror_take_generations(&again, snapshot, &documents), 0);
		assert_int_equal(documents, 2); /* with the deletion */
		assert_int_equal(mirror_gone_version(&again, of_one ? T : OTHER, EXTENSION,
						     BYTES_LIT("2")),
				 9);
		assert_int_equal(mirror_count(&again), 0);
		assert_int_equal(mirror_generation(&again, T), of_one ? 9 : 1);
		assert_int_equal(mirror_generation(&again, OTHER), of_one ? 0 : 9);
		assert_int_equal(again.tenant_count, of_one ? 1 : 2);
		free(file);
		mirror_close(&s);
		mirror_close(&again);
	}
}

/* What was deleted is known by its version, over a file, until it is there again. */
static void test_deletions(void **state)
{
	struct snapshot snapshot;
	struct snapshot_document d;
	const char *reason;
	struct mirror s, again;
	uint32_t cursor = 0;
	uint8_t *file;
	size_t n;

	(void)state;
	assert_int_equal(mirror_open(&s, 4, &KEY), 0);
	assert_int_equal(mirror_open(&again, 4, &KEY), 0);
	assert_int_equal(put(&s, "1", 1, "one"), 0);
	take(&s, T, EXTENSION, "1", 2);
	take(&s, T, EXTENSION, "2", 3); /* was never here: so it is with one of another node */
	file = mirror_snapshot(&s, &n);
	assert_int_equal(snapshot_open(&snapshot, bytes_mem(file, n), &reason), 0);
	assert_int_equal(mirror_load(&again, &snapshot), 0);
	free(file);
	assert_int_equal(mirror_count(&again), 0);
	assert_int_equal(gone_count(&again), 2);
	assert_int_equal(mirror_gone_version(&again, T, EXTENSION, BYTES_LIT("1")), 2);
	assert_true(mirror_gone_next(&again, &cursor, &d) && d.text.n == 0);
	assert_int_equal(put(&again, "1", 4, "once more"), 0);
	assert_int_equal(mirror_gone_version(&again, T, EXTENSION, BYTES_LIT("1")), 0);
	assert_int_equal(gone_count(&again), 1);
	mirror_close(&s);
	mirror_close(&again);
}

/* The newest ones are kept. */
static void test_deletions_are_bounded(void **state)
{
	char name[16];
	struct mirror s;

	(void)state;
	assert_int_equal(mirror_open(&s, 4, &KEY), 0);
	for (uint32_t i = 1; i <= MIRROR_GONE_MAX + 10; i++) {
		(void)snprintf(name, sizeof(name), "%u", i);
		take(&s, T, EXTENSION, name, i);
	}
	assert_int_equal(gone_count(&s), MIRROR_GONE_MAX);
	assert_int_equal(mirror_gone_version(&s, T, EXTENSION, BYTES_LIT("10")), 0);
	assert_int_equal(mirror_gone_version(&s, T, EXTENSION, BYTES_LIT("11")), 11);
	mirror_close(&s);
}

/* Whoever compares marks what is there; the rest is walked. */
static void test_marks(void **state)
{
	const struct snapshot_document one = { T, EXTENSION, BYTES_LIT("1"), 0, { 0 } };
	struct snapshot_document d;
	uint32_t cursor = 0;
	struct mirror s;

	(void)state;
	assert_int_equal(mirror_open(&s, 4, &KEY), 0);
	assert_int_equal(put(&s, "1", 1, "one"), 0);
	assert_int_equal(put(&s, "2", 2, "two"), 0);
	mirror_mark(&s, &one, 5);
	assert_true(mirror_next_unmarked(&s, 5, &cursor, &d));
	assert_true(bytes_is(d.name, "2"));
	assert_false(mirror_next_unmarked(&s, 5, &cursor, &d));
	mirror_close(&s);
}

/* What is in it is what was put last, and what a snapshot has. */
static void test_put_and_delete(void **state)
{
	struct snapshot_document d;
	struct mirror s;
	uint32_t cursor = 0;

	(void)state;
	assert_int_equal(mirror_open(&s, 2, &KEY), 0);
	check_file(&s, 0, 0);
	assert_int_equal(put(&s, "1", 1, "one"), 0);
	assert_int_equal(put(&s, "2", 2, "two"), 0);
	assert_int_equal(put(&s, "3", 3, "full"), -ENOSPC);
	assert_int_equal(put(&s, "1", 4, "one again, and longer"), 0);
	check_file(&s, 2, 4);
	take(&s, T, EXTENSION, "2", 5);
	take(&s, T, BYTES_LIT("profile"), "1", 0); /* there is none */
	check_file(&s, 1, 5);
	assert_true(mirror_next(&s, &cursor, &d));
	assert_true(bytes_is(d.kind, "extension") && bytes_is(d.name, "1"));
	assert_true(bytes_is(d.text, "one again, and longer"));
	assert_int_equal(d.version, 4);
	assert_false(mirror_next(&s, &cursor, &d));
	assert_int_equal(put(&s, "", 6, "no name"), -EINVAL);
	assert_int_equal(s.changes, 5); /* a deletion is two: it is noted */
	mirror_close(&s);
}

/* Names lie in a row in memory, and are told apart all the same; a text may be empty, and come back. */
static void test_names(void **state)
{
	const struct snapshot_document rows[] = {
		{ T, BYTES_LIT("ab"), BYTES_LIT("c"), 1, BYTES_LIT("first") },
		{ T, BYTES_LIT("a"), BYTES_LIT("bc"), 2, BYTES_LIT("") },
		{ T, BYTES_LIT("a"), BYTES_LIT("b"), 3, BYTES_LIT("cthird") },
	}, again = { T, BYTES_LIT("a"), BYTES_LIT("bc"), 4, BYTES_LIT("there") };
	struct snapshot_document d;
	uint32_t cursor = 0;
	struct mirror s;

	(void)state;
	assert_int_equal(mirror_open(&s, 3, &KEY), 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(mirror_put(&s, &rows[i]), 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_true(mirror_next(&s, &cursor, &d));
		assert_true(bytes_eq(d.kind, rows[i].kind) && bytes_eq(d.name, rows[i].name));
		assert_true(bytes_eq(d.text, rows[i].text));
	}
	assert_int_equal(mirror_put(&s, &again), 0);
	check_file(&s, 3, 4);
	take(&s, T, BYTES_LIT("a"), "bc", 5);
	check_file(&s, 2, 5);
	mirror_close(&s);
}

static void test_counts(void **state)
{
	static const struct bytes ROUTE = BYTES_LIT("route");
	struct snapshot_document route = { T, ROUTE, BYTES_LIT("out"), 3, BYTES_LIT("{}") };
	struct mirror s;

	(void)state;
	assert_int_equal(mirror_open(&s, 3, &KEY), 0);
	assert_int_equal(mirror_count_of(&s, T, EXTENSION), 0);
	assert_int_equal(put(&s, "1001", 1, "{}"), 0);
	assert_int_equal(put(&s, "1001", 2, "{ }"), 0); /* again is no second one */
	assert_int_equal(put_of(&s, OTHER, "1001", 1, "{}"), 0);
	assert_int_equal(mirror_put(&s, &route), 0);
	assert_int_equal(put(&s, "1002", 4, "{}"), -ENOSPC);
	assert_int_equal(mirror_count_of(&s, T, EXTENSION), 1);
	assert_int_equal(mirror_count_of(&s, T, ROUTE), 1);
	assert_int_equal(mirror_count_of(&s, OTHER, EXTENSION), 1);
	assert_int_equal(mirror_count_of(&s, OTHER, ROUTE), 0);
	take(&s, T, EXTENSION, "1001", 5);
	take(&s, T, EXTENSION, "1001", 6); /* it is gone */
	assert_int_equal(mirror_count_of(&s, T, EXTENSION), 0);
	assert_int_equal(mirror_count_of(&s, T, ROUTE), 1);
	mirror_close(&s);
}

/* What a later program has beside our kinds is kept, and counted as far as there is room. */
static void test_too_many_kinds(void **state)
{
	char kind[MIRROR_KINDS_MAX + 2][8];
	struct mirror s;

	(void)state;
	assert_int_equal(mirror_open(&s, 64, &KEY), 0);
	for (uint32_t i = 0; i < COUNT_OF(kind); i++) {
		struct snapshot_document d = { .tenant = T,
					       .name = BYTES_LIT("x"),
					       .version = i + 1,
					       .text = BYTES_LIT("{}") };

		(void)snprintf(kind[i], sizeof(kind[i]), "k%u", i);
		d.kind = bytes_str(kind[i]);
		assert_int_equal(mirror_put(&s, &d), 0);
		assert_int_equal(mirror_count_of(&s, T, d.kind), i < MIRROR_KINDS_MAX);
	}
	assert_int_equal(mirror_count(&s), COUNT_OF(kind));
	take(&s, T, bytes_str(kind[MIRROR_KINDS_MAX]), "x", 99);
	assert_int_equal(mirror_count(&s), COUNT_OF(kind) - 1);
	mirror_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_and_delete), cmocka_unit_test(test_names),
		cmocka_unit_test(test_tenants),        cmocka_unit_test(test_generations_alone),
		cmocka_unit_test(test_deletions),      cmocka_unit_test(test_deletions_are_bounded),
		cmocka_unit_test(test_marks),          cmocka_unit_test(test_counts),
		cmocka_unit_test(test_too_many_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

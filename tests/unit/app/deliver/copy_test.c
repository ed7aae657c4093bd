/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "app/deliver/copy.h"

#define PATH "acme/2026-11-25/x.wav"

static struct bytes written(struct writer *w, const struct copy_message *m)
{
	copy_message_write(w, m);
	assert_false(w->overflow);
	return writer_done(w);
}

static void each_kind(void **state)
{
	static const struct copy_message rows[] = {
		{ .kind = COPY_LIST },
		{ .kind = COPY_DATA, .part = COPY_EARLY, .at = 7, .path = PATH },
		{ .kind = COPY_FINISH, .at = UINT64_C(1) << 40, .path = PATH },
		{ .kind = COPY_DROP, .path = PATH },
		{ .kind = COPY_BEAT },
		{ .kind = COPY_HAS, .whole = true, .at = 9, .path = PATH },
		{ .kind = COPY_DONE },
		{ .kind = COPY_FULL },
		{ .kind = COPY_FAILED },
		{ .kind = COPY_FIND, .path = "acme/0000-00-00/000agvj5jqr40-1" },
		{ .kind = COPY_READ, .at = 60000, .path = PATH },
	};
	uint8_t text[COPY_MESSAGE_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct writer w = writer_over(text, sizeof(text));
		struct copy_message m = rows[i], got;

		if (m.kind == COPY_DATA)
			m.data = BYTES_LIT("octets");
		assert_int_equal(copy_message_read(&got, written(&w, &m)), 0);
		assert_int_equal(got.kind, m.kind);
		assert_int_equal(got.part, m.part);
		assert_int_equal(got.whole, m.whole);
		assert_int_equal(got.at, m.at);
		assert_string_equal(got.path, m.path);
		assert_true(bytes_eq(got.data, m.data));
	}
}

/* A path that leads elsewhere, one where none may be, and what is too long or cut off. */
static void refused(void **state)
{
	static const struct copy_message rows[] = {
		{ .kind = COPY_DATA, .path = "../2026-11-25/x.wav" },
		{ .kind = COPY_DATA, .path = "acme/2026-11-25/../x.wav" },
		{ .kind = COPY_DATA, .path = "acme/today/x.wav" },
		{ .kind = COPY_DROP, .path = "acme/2026-11-25/.x" },
		{ .kind = COPY_DROP, .path = "" },
		{ .kind = COPY_BEAT, .path = PATH },
		{ .kind = COPY_DATA, .part = COPY_PARTS, .path = PATH },
		{ .kind = (enum copy_kind)0 },
		{ .kind = COPY_KINDS },
		{ .kind = COPY_FINISH, .at = UINT64_MAX, .path = PATH },
	};
	const struct copy_message good = { .kind = COPY_DROP, .path = PATH };
	uint8_t text[COPY_MESSAGE_MAX];
	struct copy_message got;
	struct bytes all;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct writer w = writer_over(text, sizeof(text));

		ROW_ASSERT(rows[i].path,
			   copy_message_read(&got, written(&w, &rows[i])) == -EBADMSG);
	}
	for (size_t n = 0; n < 12 + sizeof(PATH) - 1; n++) {
		struct writer w = writer_over(text, sizeof(text));

		all = written(&w, &good);
		assert_int_equal(copy_message_read(&got, bytes_sub(all, 0, n)), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

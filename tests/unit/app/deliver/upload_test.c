/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "app/deliver/upload.h"

#define PATH "acme/2026-11-25/x.wav"

static struct upload g_upload;

static struct bytes written(struct writer *w)
{
	struct bytes text = writer_done(w);

	assert_false(w->overflow);
	return text;
}

static void parts(void **state)
{
	static const struct {
		uint64_t octets, part, want;
		uint32_t count;
		uint64_t last;
	} rows[] = {
		{ 11, 10, 10, 2, 1 },
		{ 20, 10, 10, 2, 10 },
		{ 64 << 20, 5 << 20, 5 << 20, 13, 4 << 20 },
		{ UINT64_C(1) << 40, 64 << 20, UINT64_C(1049) << 20, 1000, UINT64_C(625) << 20 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint64_t from, sum = 0;

		upload_set(&g_upload, PATH, "s3", rows[i].octets, rows[i].part);
		assert_int_equal(g_upload.part, rows[i].want);
		assert_int_equal(g_upload.count, rows[i].count);
		for (; g_upload.done < g_upload.count; g_upload.done++) {
			uint64_t octets = upload_part(&g_upload, &from);

			assert_int_equal(from, sum);
			sum += octets;
			assert_int_equal(octets, g_upload.done + 1 < g_upload.count ? rows[i].want
										    : rows[i].last);
		}
		assert_int_equal(sum, rows[i].octets);
	}
}

static void requests(void **state)
{
	char text[1024];
	struct writer w = writer_over(text, sizeof(text));

	(void)state;
	upload_set(&g_upload, PATH, "s3", 30, 10);
	upload_query(&w, &g_upload, UPLOAD_START);
	assert_true(bytes_is(written(&w), "?uploads="));
	memcpy(g_upload.id, "a/b=~", sizeof("a/b=~"));
	memcpy(g_upload.etags[0], "e1", sizeof("e1"));
	memcpy(g_upload.etags[1], "e2", sizeof("e2"));
	g_upload.done = 2;
	w = writer_over(text, sizeof(text));
	upload_query(&w, &g_upload, UPLOAD_PART);
	assert_true(bytes_is(written(&w), "?partNumber=3&uploadId=a%2Fb%3D~"));
	w = writer_over(text, sizeof(text));
	upload_query(&w, &g_upload, UPLOAD_ABORT);
	assert_true(bytes_is(written(&w), "?uploadId=a%2Fb%3D~"));
	w = writer_over(text, sizeof(text));
	upload_list(&w, &g_upload);
	assert_non_null(strstr(text, "<Part><PartNumber>1</PartNumber><ETag>&quot;e1&quot;</ETag>"
				     "</Part><Part><PartNumber>2</PartNumber>"));
}

static void answers(void **state)
{
	static const struct {
		const char *xml, *want;
	} rows[] = {
		{ "<?xml?><R xmlns=\"x\">\n <Id>abc</Id></R>", "abc" },
		{ "<Id>a</Id><Id>b</Id>", "a" },
		{ "<Id></Id>", "" },
		{ "<Id>abc", "" },
		{ "</Id><Id>", "" },
		{ "<Ident>abc</Ident>", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_true(bytes_is(upload_element(bytes_str(rows[i].xml), "Id"), rows[i].want));
	assert_true(upload_word_fits(BYTES_LIT("VXB-._~+/=1"), 11));
	assert_false(upload_word_fits(BYTES_LIT("VXB-._~+/=1"), 10));
	assert_false(upload_word_fits(BYTES_LIT("a\"b"), 10));
	assert_false(upload_word_fits(BYTES_LIT("a&b"), 10));
	assert_false(upload_word_fits(BYTES_LIT("a b"), 10));
	assert_false(upload_word_fits(BYTES_LIT(""), 10));
}

#define FILE_OF(rest) "{\"path\":\"" PATH "\",\"to\":\"s3\"," rest "}"

static void its_file(void **state)
{
	static const char *const bad[] = {
		"",
		"{}",
		FILE_OF("\"id\":\"i\",\"octets\":10,\"part\":10,\"etags\":[]"),
		FILE_OF("\"id\":\"i\",\"octets\":30,\"part\":0,\"etags\":[]"),
		FILE_OF("\"id\":\"\",\"octets\":30,\"part\":10,\"etags\":[]"),
		FILE_OF("\"id\":\"i\",\"octets\":30,\"part\":10,\"etags\":[\"\"]"),
		FILE_OF("\"id\":\"i\",\"octets\":30,\"part\":10"),
		FILE_OF("\"id\":\"i\",\"octets\":20,\"part\":10,\"etags\":[\"a\",\"b\",\"c\"]"),
		FILE_OF("\"id\":\"i\",\"octets\":99999,\"part\":10,\"etags\":[]"),
	};
	static struct upload again;
	char text[1024];
	struct writer w = writer_over(text, sizeof(text));

	(void)state;
	upload_set(&g_upload, PATH, "s3", 30, 10);
	memcpy(g_upload.id, "id", sizeof("id"));
	memcpy(g_upload.etags[0], "e1", sizeof("e1"));
	g_upload.done = 1;
	upload_write(&w, &g_upload);
	assert_int_equal(upload_parse(&again, written(&w)), 0);
	assert_memory_equal(&again, &g_upload, sizeof(again));
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(upload_parse(&again, bytes_str(bad[i])), -EBADMSG);
		assert_memory_equal(&again, &g_upload, sizeof(again));
	}
	w = writer_over(text, sizeof(text));
	upload_name(&w, PATH, "s3");
	assert_string_equal(text, "acme:2026-11-25:x.wav:s3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts),
		cmocka_unit_test(requests),
		cmocka_unit_test(answers),
		cmocka_unit_test(its_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

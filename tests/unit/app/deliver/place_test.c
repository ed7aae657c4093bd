/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "app/deliver/upload.h"

#define PATH "acme/2026-11-25/x.wav"

static struct destination at(enum destination_kind kind, const char *url, bool path_style)
{
	struct destination d = { .kind = kind, .path_style = path_style };

	assert_int_equal(bytes_cstr(bytes_str(url), d.url, sizeof(d.url)), 0);
	memcpy(d.bucket, "calls", sizeof("calls"));
	return d;
}

static void urls(void **state)
{
	static const struct {
		enum destination_kind kind;
		bool path_style;
		const char *url, *want;
	} rows[] = {
		{ DESTINATION_S3, true, "https://s3.test", "https://s3.test/calls/" PATH },
		{ DESTINATION_S3, false, "https://s3.test/", "https://calls.s3.test/" PATH },
		{ DESTINATION_S3, false, "https://s3.test:9000",
		  "https://calls.s3.test:9000/" PATH },
		{ DESTINATION_HTTP, false, "https://web.test/a/b//", "https://web.test/a/b/" PATH },
		{ DESTINATION_SFTP, false, "sftp://h/srv", "sftp://h/srv/" PATH ".part" },
		{ DESTINATION_SFTP, false, "sftp://h/~/in", "sftp://h/~/in/" PATH ".part" },
		{ DESTINATION_FTP, false, "ftp://h", "ftp://h/" PATH ".part" },
		{ DESTINATION_MAIL, false, "smtp://h:587", "smtp://h:587" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct destination d = at(rows[i].kind, rows[i].url, rows[i].path_style);
		char text[256];
		struct writer w = writer_over(text, sizeof(text));

		place_url(&w, &d, PATH, "");
		ROW_ASSERT(rows[i].want, !strcmp(text, rows[i].want));
		w = writer_over(text, sizeof(text));
		place_stored(&w, &d, PATH);
		ROW_ASSERT(rows[i].want,
			   rows[i].kind == DESTINATION_MAIL
				   ? !text[0]
				   : bytes_starts(bytes_str(rows[i].want), text) &&
					     strlen(text) >= sizeof(PATH) &&
					     !strcmp(text + strlen(text) + 1 - sizeof(PATH), PATH));
	}
}

/* What is there under the name goes, and the part gets it. */
static void names_when_all_is_there(void **state)
{
	static const struct {
		enum destination_kind kind;
		const char *url, *want;
	} rows[] = {
		{ DESTINATION_SFTP, "sftp://h/srv",
		  "*rm \"/srv/" PATH ".json\"\n"
		  "rename \"/srv/" PATH ".json.part\" \"/srv/" PATH ".json\"\n" },
		{ DESTINATION_SFTP, "sftp://h/~/in",
		  "*rm \"in/" PATH ".json\"\n"
		  "rename \"in/" PATH ".json.part\" \"in/" PATH ".json\"\n" },
		{ DESTINATION_SFTP, "sftp://h/~",
		  "*rm \"" PATH ".json\"\nrename \"" PATH ".json.part\" \"" PATH ".json\"\n" },
		{ DESTINATION_SFTP, "sftp://h",
		  "*rm \"/" PATH ".json\"\nrename \"/" PATH ".json.part\" \"/" PATH ".json\"\n" },
		{ DESTINATION_FTP, "ftp://h/in",
		  "*DELE x.wav.json\nRNFR x.wav.json.part\nRNTO x.wav.json\n" },
		{ DESTINATION_S3, "https://h", "" },
		{ DESTINATION_HTTP, "https://h", "" },
		{ DESTINATION_MAIL, "smtp://h", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct destination d = at(rows[i].kind, rows[i].url, false);
		char text[512];
		struct writer w = writer_over(text, sizeof(text));

		place_finish(&w, &d, PATH, ".json");
		ROW_ASSERT(rows[i].want, bytes_is(writer_done(&w), rows[i].want));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls),
		cmocka_unit_test(names_when_all_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "app/helper/mail_words.h"

#include "tests/unit/test.h"

static void test_words(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} rows[] = {
		{ "ASCII", "New message from Ann (1001)", "New message from Ann (1001)" },
		{ "nothing", "", "" },
		{ "no other line", "Ann\r\nBcc: all@example.org", "Ann??Bcc: all@example.org" },
		{ "nor within a word", "J\xc3\xb6rg\r\n", "=?UTF-8?Q?J=C3=B6rg=3F=3F?=" },
		{ "what looks like a word", "=?UTF-8?Q?=0A?=",
		  "=?UTF-8?Q?=3D=3FUTF=2D8=3FQ=3F=3D0A=3F=3D?=" },
		{ "'=' alone", "a=b?", "a=b?" },
		{ "words of whole characters",
		  "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5"
		  "\xe6\x97\xa5",
		  "=?UTF-8?Q?=E6=97=A5=E6=97=A5=E6=97=A5=E6=97=A5=E6=97=A5=E6=97=A5?=\r\n "
		  "=?UTF-8?Q?=E6=97=A5?=" },
		{ "continuation octets alone",
		  "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
		  "=?UTF-8?Q?=80=80=80=80=80=80=80=80=80=80=80=80=80=80=80=80=80=80=80?=" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char out[256] = "";
		struct writer w = writer_over(out, sizeof(out) - 1);

		mail_words_write(&w, bytes_str(row->text));
		ROW_ASSERT(row->name, !w.overflow && !strcmp(out, row->want));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_words) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of tandemctl as arguments of a command. */
#include "app/ctl/ctl.h"

#include <stdarg.h>

#include "app/schema/command.h"
#include "tests/unit/test.h"

static char g_recorded[1024];

void ctl_complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(g_recorded, sizeof(g_recorded), fmt, ap);
	va_end(ap);
}

static const struct {
	const char *name, *command;
	const char *words[3];
	const char *json, *said; /* one of them NULL */
} WORDS[] = {
	{ "types",
	  "extension.put",
	  { "number=1001", "ha1=-", "enabled=false" },
	  NULL,
	  "ha1 must have 162" },
	{ "number", "call.list", { "limit=7" }, "{\"limit\":7}", NULL },
	{ "none", "call.list", { NULL }, "{}", NULL },
	{ "value with =",
	  "extension.put",
	  { "number=1", "display_name=a=b" },
	  "{\"number\":\"1\",\"display_name\":\"a=b\"}",
	  NULL },
	{ "digits stay text", "extension.get", { "number=007" }, "{\"number\":\"007\"}", NULL },
	{ "list",
	  "profile.put",
	  { "name=x", "codecs=PCMA,G722" },
	  "{\"name\":\"x\",\"codecs\":[\"PCMA\",\"G722\"]}",
	  NULL },
	{ "empty list",
	  "profile.put",
	  { "name=x", "codecs=" },
	  "{\"name\":\"x\",\"codecs\":[]}",
	  NULL },
	{ "list with a gap", "profile.put", { "name=x", "codecs=PCMA,,G722" }, NULL, "words of" },
	{ "list not UTF-8", "profile.put", { "name=x", "codecs=\xff" }, NULL, "UTF-8" },
	{ "no =", "call.list", { "limit" }, NULL, "no key=value" },
	{ "unknown", "call.list", { "limt=1" }, NULL, "no argument 'limt'" },
	{ "bad number", "call.list", { "limit=many" }, NULL, "whole number" },
	{ "secret in the open",
	  "extension.put",
	  { "number=1", "password=abcd" },
	  NULL,
	  "password=-" },
	{ "missing", "extension.get", { NULL }, NULL, "number is required" },
	{ "not UTF-8", "extension.get", { "number=\xff" }, NULL, "UTF-8" },
};

static void test_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(WORDS); i++) {
		char *argv[3];
		int argc = 0;
		json_t *args, *want;

		while (argc < 3 && WORDS[i].words[argc]) {
			argv[argc] = (char *)(uintptr_t)WORDS[i].words[argc];
			argc++;
		}
		assert_non_null(freopen("/dev/null", "r", stdin));
		g_recorded[0] = '\0';
		args = ctl_args(command_find(bytes_str(WORDS[i].command)), argc, argv);
		want = WORDS[i].json ? json_loads(WORDS[i].json, 0, NULL) : NULL;
		ROW_ASSERT(WORDS[i].name, !args == !want);
		ROW_ASSERT(WORDS[i].name, !args || json_equal(args, want));
		ROW_ASSERT(WORDS[i].name, args || g_recorded[0]);
		json_decref(args);
		json_decref(want);
	}
}

/* RFC 7616 3.9.1 names user, realm and password; the hash is H(Mufasa:http-auth@example.org:Circle of Life). */
static void test_password_becomes_hashes(void **state)
{
	json_t *args =
		json_loads("{\"number\":\"Mufasa\",\"password\":\"Circle of Life\"}", 0, NULL);
	const char *ha1;

	(void)state;
	assert_true(ctl_hash_password(args, "http-auth@example.org"));
	assert_null(json_object_get(args, "password"));
	ha1 = json_string_value(json_object_get(args, "ha1"));
	assert_memory_equal(
		ha1, "3d78807defe7de2157e2b0b6573a855f:7987c64c30e25f1b74be53f966b49b90", 65);
	json_decref(args);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_password_becomes_hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

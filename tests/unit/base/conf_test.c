/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/conf.h"

struct network {
	char name[8];
	struct addr bind;
	struct conf_range ports;
};

struct tls {
	char key_file[32];
	bool verify;
	uint32_t depth;
};

struct settings {
	uint32_t workers;
	int level;
	uint64_t timeout;
	char secret[8];
	uint32_t rates[3];
	uint32_t rate_count;
	char trusted[2][8];
	uint32_t trusted_count;
	struct tls tls;
	struct network networks[2];
	uint32_t network_count;
};

static const char *const LEVELS[] = { "error", "warn", "info", NULL };

static const struct conf_field TLS_FIELDS[] = {
	{ .key = "key_file",
	  .type = CONF_STRING,
	  .offset = offsetof(struct tls, key_file),
	  .size = 32,
	  .required = true },
	{ .key = "verify",
	  .type = CONF_BOOL,
	  .offset = offsetof(struct tls, verify),
	  .preset = "true" },
	{ .key = "depth", .type = CONF_U32, .offset = offsetof(struct tls, depth), .preset = "4" },
	{ .key = NULL },
};

static const struct conf_field NETWORK_FIELDS[] = {
	{ .key = "name",
	  .type = CONF_STRING,
	  .offset = offsetof(struct network, name),
	  .size = 8,
	  .required = true },
	{ .key = "bind",
	  .type = CONF_ADDR,
	  .offset = offsetof(struct network, bind),
	  .preset = "127.0.0.1:5060" },
	{ .key = "media_ports",
	  .type = CONF_RANGE,
	  .offset = offsetof(struct network, ports),
	  .min = 1024,
	  .max = 65535,
	  .preset = "20000-39999" },
	{ .key = NULL },
};

static const struct conf_field FIELDS[] = {
	{ .key = "workers",
	  .type = CONF_U32,
	  .offset = offsetof(struct settings, workers),
	  .min = 1,
	  .max = 64,
	  .preset = "2" },
	{ .key = "level",
	  .type = CONF_ENUM,
	  .offset = offsetof(struct settings, level),
	  .names = LEVELS,
	  .preset = "info" },
	{ .key = "timeout",
	  .type = CONF_DURATION,
	  .offset = offsetof(struct settings, timeout),
	  .min = 10 * NS_PER_MS,
	  .max = 3600 * NS_PER_S,
	  .preset = "32s" },
	{ .key = "secret",
	  .type = CONF_STRING,
	  .offset = offsetof(struct settings, secret),
	  .size = 8 },
	{ .key = "rates",
	  .type = CONF_U32_LIST,
	  .offset = offsetof(struct settings, rates),
	  .count_offset = offsetof(struct settings, rate_count),
	  .max_items = 3,
	  .min = 8000,
	  .max = 48000,
	  .preset = "8000, 16000" },
	{ .key = "trusted",
	  .type = CONF_STRING_LIST,
	  .offset = offsetof(struct settings, trusted),
	  .count_offset = offsetof(struct settings, trusted_count),
	  .max_items = 2,
	  .size = 8,
	  .was = "believed" },
	{ .key = "tls",
	  .type = CONF_MAP,
	  .offset = offsetof(struct settings, tls),
	  .fields = TLS_FIELDS },
	{ .key = "networks",
	  .type = CONF_LIST,
	  .offset = offsetof(struct settings, networks),
	  .count_offset = offsetof(struct settings, network_count),
	  .max_items = 2,
	  .size = sizeof(struct network),
	  .fields = NETWORK_FIELDS },
	{ .key = NULL },
};

static struct settings g_settings;
static struct conf_errors g_errors;

static int read_text(const char *yaml)
{
	memset(&g_settings, 0xa5, sizeof(g_settings)); /* presets must not rely on zeros */
	return conf_read(&g_settings, FIELDS, bytes_str(yaml), &g_errors);
}

static void presets_fill_what_is_absent(void **state)
{
	static const char *const rows[] = { "",       "# nothing\n", "---\n",         "{}",
					    "tls:\n", "networks:\n", "networks: []\n" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int err = read_text(rows[i]);

		if (strcmp(rows[i], "tls:\n") == 0) {
			/* the section is there, so its required key is asked */
			ROW_ASSERT(rows[i], err == -EINVAL && g_errors.count == 1);
			continue;
		}
		ROW_ASSERT(rows[i], err == 0);
		ROW_ASSERT(rows[i], g_settings.workers == 2 && g_settings.level == 2);
		ROW_ASSERT(rows[i], g_settings.timeout == 32 * NS_PER_S);
		ROW_ASSERT(rows[i], g_settings.secret[0] == '\0');
		ROW_ASSERT(rows[i], g_settings.rate_count == 2 && g_settings.rates[1] == 16000);
		ROW_ASSERT(rows[i], g_settings.tls.verify && g_settings.tls.depth == 4);
		ROW_ASSERT(rows[i], g_settings.network_count == 0 && g_settings.trusted_count == 0);
	}
}

static void a_key_has_its_name_of_before(void **state)
{
	(void)state;
	assert_int_equal(read_text("believed: [a, b]\n"), 0);
	assert_int_equal(g_settings.trusted_count, 2);
	assert_string_equal(g_settings.trusted[1], "b");
}

static void reads_every_type(void **state)
{
	char text[ADDR_TEXT_MAX];

	(void)state;
	assert_int_equal(read_text("workers: 64\n"
				   "level: warn\n"
				   "timeout: 250ms\n"
				   "secret: 'a b'\n"
				   "rates: [48000]\n"
				   "trusted: [ten/8, '']\n"
				   "tls:\n"
				   "  key_file: /etc/key.pem\n"
				   "  verify: false\n"
				   "networks:\n"
				   "  - name: core\n"
				   "    bind: '[2001:db8::1]:5062'\n"
				   "    media_ports: 1024-65535\n"
				   "  - { name: access }\n"),
			 0);
	assert_int_equal(g_settings.workers, 64);
	assert_int_equal(g_settings.level, 1);
	assert_true(g_settings.timeout == 250 * NS_PER_MS);
	assert_string_equal(g_settings.secret, "a b");
	assert_int_equal(g_settings.rate_count, 1);
	assert_int_equal(g_settings.rates[0], 48000);
	assert_int_equal(g_settings.trusted_count, 2);
	assert_string_equal(g_settings.trusted[0], "ten/8");
	assert_string_equal(g_settings.trusted[1], "");
	assert_string_equal(g_settings.tls.key_file, "/etc/key.pem");
	assert_false(g_settings.tls.verify);
	assert_int_equal(g_settings.tls.depth, 4);
	assert_int_equal(g_settings.network_count, 2);
	assert_string_equal(addr_text(&g_settings.networks[0].bind, text), "[2001:db8::1]:5062");
	assert_int_equal(g_settings.networks[0].ports.last, 65535);
	assert_string_equal(g_settings.networks[1].name, "access");
	assert_string_equal(addr_text(&g_settings.networks[1].bind, text), "127.0.0.1:5060");
	assert_int_equal(g_settings.networks[1].ports.first, 20000);
}

/* Each text has exactly the errors of want, as "line:column: message". */
static void names_errors_with_their_place(void **state)
{
	static const struct row {
		const char *yaml, *want;
	} rows[] = {
		{ "workers: 0\n", "1:10: workers: must be a number from 1 to 64, not 0" },
		{ "workers: 65\n", "1:10: workers: must be a number from 1 to 64, not 65" },
		{ "workers: '2'\n", "1:10: workers: must be a number from 1 to 64, not \"2\"" },
		{ "workers: 99999999999999999999\n",
		  "1:10: workers: must be a number from 1 to 64, not 99999999999999999999" },
		{ "workers:\n",
		  "1:9: workers: must be a number from 1 to 64, and there is no value" },
		{ "workers: ~\n",
		  "1:10: workers: must be a number from 1 to 64, and there is no value" },
		{ "workers: [1]\n", "1:10: workers: must be a number from 1 to 64, not a list" },
		{ "workers: {a: 1}\n",
		  "1:10: workers: must be a number from 1 to 64, not a section" },
		{ "level: loud\n", "1:8: level: must be one of error, warn, info, not loud" },
		{ "level: Info\n", "1:8: level: must be one of error, warn, info, not Info" },
		{ "timeout: 90\n",
		  "1:10: timeout: must be a duration like 250ms, 90s, 5m, 2h or 1d, "
		  "at least 10ms, at most 1h, not 90" },
		{ "timeout: 9ms\n",
		  "1:10: timeout: must be a duration like 250ms, 90s, 5m, 2h or 1d, "
		  "at least 10ms, at most 1h, not 9ms" },
		{ "timeout: 99999999999999999999d\n",
		  "1:10: timeout: must be a duration like 250ms, 90s, 5m, 2h or 1d, "
		  "at least 10ms, at most 1h, not 99999999999999999999d" },
		{ "secret: hunter2-and-more\n", "1:9: secret: must be text of at most 7 bytes" },
		{ "secret: \"a\\0b\"\n", "1:9: secret: must be text of at most 7 bytes" },
		{ "rates: 8000\n",
		  "1:8: rates: must be a list of at most 3 numbers from 8000 to 48000, not 8000" },
		{ "rates: [8000, 1]\n",
		  "1:15: rates[1]: must be a number from 8000 to 48000, not 1" },
		{ "rates: [8000, 8001, 8002, 8003]\n",
		  "1:27: rates[3]: one too many, must be a list of at most 3 numbers from 8000 to "
		  "48000" },
		{ "trusted: hunter2\n",
		  "1:10: trusted: must be a list of at most 2 texts of at most 7 bytes" },
		{ "trusted: [a, hunter2-and-more]\n",
		  "1:14: trusted[1]: must be text of at most 7 bytes" },
		{ "trusted: [a, [b]]\n",
		  "1:14: trusted[1]: must be text of at most 7 bytes, not a list" },
		{ "trusted: [a, b, c]\n",
		  "1:17: trusted[2]: one too many, must be a list of at most 2 texts of at most 7 "
		  "bytes" },
		{ "tls: yes\n", "1:6: tls: must be a section with keys of its own, not yes" },
		{ "tls: {verify: yes, key_file: a}\n",
		  "1:15: tls.verify: must be true or false, not yes" },
		{ "tls: {verify: true}\n",
		  "1:6: tls.key_file: missing, must be text of at most 31 bytes" },
		{ "networks:\n  - name: a\n    bind: nowhere\n",
		  "3:11: networks[0].bind: must be an address like 192.0.2.1, 192.0.2.1:5060 or "
		  "[2001:db8::1]:5060, not nowhere" },
		{ "networks:\n  - name: a\n    media_ports: 3000-2000\n",
		  "3:18: networks[0].media_ports: must be a range like 20000-39999, from 1024 to "
		  "65535, "
		  "not 3000-2000" },
		{ "networks:\n  - name: a\n    media_ports: 1000-2000\n",
		  "3:18: networks[0].media_ports: must be a range like 20000-39999, from 1024 to "
		  "65535, "
		  "not 1000-2000" },
		{ "networks: [a]\n",
		  "1:12: networks[0]: must be a section with keys of its own, not a" },
		{ "networks: [{name: a}, {name: b}, {name: c}]\n",
		  "1:34: networks[2]: one too many, must be a list of at most 2 sections" },
		{ "wrokers: 2\n", "1:1: wrokers: unknown key; did you mean 'workers'?" },
		{ "frobnicate: 2\n",
		  "1:1: frobnicate: unknown key, known here: workers, level, timeout, "
		  "secret, rates, trusted, tls, networks" },
		{ "networks: [{name: a, bnd: x}]\n",
		  "1:22: networks[0].bnd: unknown key; did you mean 'bind'?" },
		{ "<<: {workers: 3}\n",
		  "1:1: <<: unknown key, known here: workers, level, timeout, "
		  "secret, rates, trusted, tls, networks" },
		{ "workers: 1\nlevel: info\nworkers: 2\n",
		  "3:1: workers: given twice, first in line 1" },
		{ "trusted: [a]\nbelieved: [b]\n", "2:1: believed: given twice, first in line 1" },
		{ "workers: &a 2\n", "1:10: anchors (&) are not supported" },
		{ "workers: !!int 2\n", "1:10: tags (!) are not supported" },
		{ "a: &a {b: *a}\n",
		  "1:1: a: unknown key, known here: workers, level, timeout, secret, "
		  "rates, trusted, tls, networks|1:4: anchors (&) are not supported|1:11: "
		  "aliases (*) are not supported" },
		{ "workers: *x\n", "1:10: aliases (*) are not supported" },
		{ "rates: [*x]\n", "1:9: aliases (*) are not supported" },
		{ "networks: [*x]\n", "1:12: aliases (*) are not supported" },
		{ "workers: 2\n---\nworkers: 3\n",
		  "2:1: a second document (---): one file holds one" },
		{ "[1, 2]\n", "1:1: the file must hold keys and values (key: value)" },
		{ "{[a]: 1}\n", "1:2: a key must be plain text" },
		{ "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]\n", "1:17: nested too deep" },
		{ "workers: 'x\n", "2:1: found unexpected end of stream" },
		{ "workers: 2\n\tlevel: info\n", "2:1: a tab indents; YAML allows spaces alone" },
		{ "tls:\n  \tlevel: info\n", "2:3: a tab indents; YAML allows spaces alone" },
		{ "workers:\n\t2\n", "2:1: a tab indents; YAML allows spaces alone" },
		{ "workers: 2\nlevel: \xff\n", "2:8: invalid leading UTF-8 octet" },
		/* several at once, in the order of the text */
		{ "networks: [{name: much-too-long}]\nworkers: 0\nlvel: info\n",
		  "1:19: networks[0].name: must be text of at most 7 bytes"
		  "|2:10: workers: must be a number from 1 to 64, not 0"
		  "|3:1: lvel: unknown key; did you mean 'level'?" },
	};
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char got[2048] = "";
		struct writer w = writer_over(got, sizeof(got) - 1);

		ROW_ASSERT(row->yaml, read_text(row->yaml) == -EINVAL);
		for (uint32_t i = 0; i < g_errors.count; i++)
			writer_fmt(&w, "%s%u:%u: %s", i ? "|" : "", g_errors.list[i].line,
				   g_errors.list[i].column, g_errors.list[i].message);
		if (strcmp(got, row->want) != 0)
			fail_msg("%s gives\n# %s\n# not\n# %s", row->yaml, got, row->want);
	}
}

static void errors_beyond_the_list_are_counted(void **state)
{
	static char yaml[4096];
	static char text[16384];
	struct writer w = writer_over(yaml, sizeof(yaml) - 1);
	struct writer out = writer_over(text, sizeof(text));

	(void)state;
	memset(yaml, 0, sizeof(yaml));
	for (int i = 0; i < 50; i++)
		writer_fmt(&w, "k%d: 1\n", i);
	assert_int_equal(read_text(yaml), -EINVAL);
	assert_int_equal(g_errors.count, CONF_ERRORS_MAX);
	assert_int_equal(g_errors.total, 50);
	conf_errors_write(&out, "a.yaml", &g_errors);
	assert_true(bytes_starts(writer_done(&out), "a.yaml:1:1: k0: unknown key"));
	assert_true(bytes_is(bytes_from(writer_done(&out), out.n - 20), "a.yaml: and 18 more\n"));
}

static void later_checks_add_errors(void **state)
{
	char text[256];
	struct writer w = writer_over(text, sizeof(text));

	(void)state;
	assert_int_equal(read_text("workers: 2\n"), 0);
	conf_error_add(&g_errors, 3, 4, "two networks named %s", "core");
	conf_errors_write(&w, "a.yaml", &g_errors);
	assert_true(bytes_is(writer_done(&w), "a.yaml:3:4: two networks named core\n"));
}

static void too_long_texts_are_refused(void **state)
{
	enum { LONG = (1 << 20) + 1 };
	char *yaml = malloc(LONG);

	(void)state;
	assert_non_null(yaml);
	memset(yaml, '\n', LONG);
	assert_int_equal(conf_read(&g_settings, FIELDS, bytes_mem(yaml, LONG), &g_errors), -EINVAL);
	assert_string_equal(g_errors.list[0].message, "longer than 1048576 bytes");
	assert_int_equal(conf_read(&g_settings, FIELDS, bytes_mem(yaml, LONG - 1), &g_errors), 0);
	free(yaml);
}

static void finds_where_a_value_stands(void **state)
{
	static const char yaml[] = "workers: 2\n"
				   "networks:\n"
				   "  - name: a\n"
				   "  - name: b\n"
				   "    media_ports: 1-2\n"
				   "tls: {key_file: x}\n";
	static const struct row {
		const char *path;
		int want;
		uint32_t line, column;
	} rows[] = {
		{ "workers", 0, 1, 10 },          { "networks", 0, 3, 3 },
		{ "networks[1]", 0, 4, 5 },       { "networks[1].media_ports", 0, 5, 18 },
		{ "tls.key_file", 0, 6, 17 },     { "", 0, 1, 1 },
		{ "networks[2]", -ENOENT, 0, 0 }, { "networks[0].media_ports", -ENOENT, 0, 0 },
		{ "networks[x]", -ENOENT, 0, 0 }, { "networks[0", -ENOENT, 0, 0 },
		{ "networks.", -ENOENT, 0, 0 },   { "[", -ENOENT, 0, 0 },
		{ "workers.x", -ENOENT, 0, 0 },   { "nothing", -ENOENT, 0, 0 },
	};
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		uint32_t line = 0;
		uint32_t column = 0;

		ROW_ASSERT(row->path,
			   conf_where(bytes_str(yaml), row->path, &line, &column) == row->want);
		ROW_ASSERT(row->path, line == row->line && column == row->column);
	}
	assert_int_equal(conf_where(BYTES_LIT("a: ["), "a", &(uint32_t){ 0 }, &(uint32_t){ 0 }),
			 -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(presets_fill_what_is_absent),
		cmocka_unit_test(a_key_has_its_name_of_before),
		cmocka_unit_test(reads_every_type),
		cmocka_unit_test(names_errors_with_their_place),
		cmocka_unit_test(errors_beyond_the_list_are_counted),
		cmocka_unit_test(later_checks_add_errors),
		cmocka_unit_test(too_long_texts_are_refused),
		cmocka_unit_test(finds_where_a_value_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

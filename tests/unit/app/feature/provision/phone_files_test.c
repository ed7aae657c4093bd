/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "app/feature/provision/phone_files.h"
#include "tests/unit/test.h"

enum { GOLDEN_MAX = 65536 };

static struct phone_facts an_office(void)
{
	static const struct phone_override overrides[] = {
		{ "up.backlight.idleIntensity", "0" }, { "voice.volume.persist.handset", "1" }
	};
	static const struct phone_person people[] = { { "Doe", "Jane", "202" },
						      { "", "Lobby", "203" } };

	return (struct phone_facts){
		.family = "polycom-8.5",
		.mac = "0004f214ab37",
		.server = "pbx.example.org",
		.port = 10060,
		.transport = "UDPOnly",
		.expires_s = 90,
		.video = true,
		.columns = 2,
		.offset_s = -28800,
		.digit_map = "0|##|#[1-3]x|[1-7]xx|xxx.T",
		.lines = { { "201", "Tom & Jerry", "201xatgnemx2", "1212" } },
		.override_count = COUNT_OF(overrides),
		.overrides = overrides,
		.person_count = COUNT_OF(people),
		.people = people,
	};
}

static int setup(void **state)
{
	char why[256] = "";

	(void)state;
	if (phone_files_load(why, sizeof(why)))
		fail_msg("%s", why);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	phone_files_unload();
	return 0;
}

static struct bytes golden(const char *name, char out[GOLDEN_MAX])
{
	char path[256];
	FILE *file;
	size_t n;

	(void)snprintf(path, sizeof(path), "data/provision/polycom-8.5/%s", name);
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s is not there", path);
	n = fread(out, 1, GOLDEN_MAX, file);
	(void)fclose(file);
	return bytes_mem(out, n);
}

/* Files of a phone are those of tests/data/provision, octet by octet. */
static void test_golden(void **state)
{
	static const char *const names[] = { "0004f214ab37.cfg", "Extension_201_user.cfg",
					     "altigen10060_user.cfg", "Extension_201.cfg",
					     "0004f214ab37-directory.xml" };
	const struct phone_facts facts = an_office();
	static char text[GOLDEN_MAX];
	struct phone_files *files;
	struct bytes want;

	(void)state;
	assert_int_equal(phone_files_render(&files, &facts), 0);
	assert_int_equal(files->count, COUNT_OF(names));
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const struct phone_file *file = phone_files_find(files, bytes_str(names[i]));

		assert_non_null(file);
		want = golden(names[i], text);
		if (!bytes_eq(file->text, want))
			fail_msg("%s:\n" BYTES_FMT, names[i], BYTES_ARG(file->text));
	}
	want = golden("000000000000.cfg", text);
	assert_true(bytes_eq(phone_files_default(), want));
	assert_null(phone_files_find(files, BYTES_LIT("Extension_202.cfg")));
	phone_files_free(files);
}

/* The revision follows from all that is in the files, and from nothing else. */
static void test_revision(void **state)
{
	struct phone_facts facts = an_office();
	struct phone_files *files, *same, *other;

	(void)state;
	assert_int_equal(phone_files_render(&files, &facts), 0);
	assert_int_equal(phone_files_render(&same, &facts), 0);
	facts.lines[0].password = "1213";
	assert_int_equal(phone_files_render(&other, &facts), 0);
	assert_string_equal(files->revision, same->revision);
	assert_string_not_equal(files->revision, other->revision);
	phone_files_free(files);
	phone_files_free(same);
	phone_files_free(other);
}

static void test_refused(void **state)
{
	static const struct phone_override bad = { "x=\"1\" y", "2" };
	struct phone_facts facts = an_office();
	struct phone_files *files;

	(void)state;
	facts.family = "unknown";
	assert_int_equal(phone_files_render(&files, &facts), -ENOENT);
	facts = an_office();
	facts.overrides = &bad;
	facts.override_count = 1;
	assert_int_equal(phone_files_render(&files, &facts), -EINVAL);
	facts = an_office();
	facts.person_count = PHONE_PEOPLE_MAX + 1;
	assert_int_equal(phone_files_render(&files, &facts), -ENOSPC);
	assert_null(files);
}

/* Octets that only markup may have. */
static size_t markup(const struct phone_files *files, char *out)
{
	size_t n = 0;

	for (uint32_t i = 0; i < files->count; i++) {
		struct bytes text = files->list[i].text;

		for (size_t k = 0; k < text.n; k++) {
			if (strchr("<>\"'\n", text.p[k]) && text.p[k])
				out[n++] = (char)text.p[k];
		}
	}
	return n;
}

/* A hundred injections, wherever a person or an administrator writes a text. */
static void test_injections(void **state)
{
	static char before[GOLDEN_MAX], after[GOLDEN_MAX];
	FILE *file = fopen("data/provision/injections.txt", "r");
	struct phone_files *files;
	unsigned count = 0;
	char line[512];
	size_t n;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		struct phone_person people[2] = { { line, line, line }, { line, line, line } };
		struct phone_override overrides[2] = { { "a.1", line }, { "b.2", line } };
		struct phone_facts facts = an_office();

		assert_int_equal(phone_files_render(&files, &facts), 0);
		n = markup(files, before);
		phone_files_free(files);
		line[strcspn(line, "\n")] = '\0';
		facts.lines[0].display_name = facts.lines[0].password = facts.server =
			facts.digit_map = line;
		facts.people = people;
		facts.overrides = overrides;
		assert_int_equal(phone_files_render(&files, &facts), 0);
		assert_int_equal(markup(files, after), n);
		assert_memory_equal(before, after, n);
		phone_files_free(files);
		count++;
	}
	(void)fclose(file);
	assert_int_equal(count, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_revision),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_injections),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

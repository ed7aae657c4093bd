/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "app/feature/provision/phone_files.h"
#include "base/zone.h"
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
		.call_keys = true,
		.dscp_sip = 24,
		.dscp_audio = 46,
		.dscp_video = 34,
		.blf_list = "lamps-201",
		.blf_splash = true,
		.menu_password = "48151",
		.clock = { -28800, true, { 3, 8, 1, 2, false }, { 11, 1, 1, 2, false } },
		.time_server = "time.nist.gov",
		.video_kbps = 768,
		.record_url = "https://pbx.example.org:8443/page/x?a=1&b",
		.browser_url = "http://pbx.example.org/browser/x?a=1&b",
		.directory_page = true,
		.secondary = "gateway.example.org",
		.secondary_port = 5060,
		.digit_map = "0|##|#[1-3]x|[1-7]xx|xxx.T",
		.lines = { { "201", "Tom & Jerry", "201xatgnemx2", "1212" } },
		.paging_address = "224.0.1.116",
		.paging_port = 5001,
		.channels = { [5] = { "Shop & floor", true, true }, [23] = { "All", true, false } },
		.paging_default = 6,
		.paging_in_calls = true,
		.firmware = true,
		.more_files = ", 0004f214ab37-firmware/sip.cfg",
		.firmware_212 = true,
		.more_files_212 = ", 0004f214ab37-firmware/sip_212.cfg",
		.override_count = COUNT_OF(overrides),
		.overrides = overrides,
		.person_count = COUNT_OF(people),
		.people = people,
	};
}

/* As New York, Berlin and Auckland change their clocks in 2026; Tokyo has no such time. */
static int32_t offset_at(const void *arg, int64_t utc_s)
{
	return zone_offset_s(arg, utc_s);
}

static void test_clock(void **state)
{
	static const struct {
		const char *name;
		struct phone_clock clock;
	} rows[] = {
		{ "America/New_York",
		  { -18000, true, { 3, 8, 1, 2, false }, { 11, 1, 1, 2, false } } },
		{ "Europe/Berlin", { 3600, true, { 3, 22, 1, 2, true }, { 10, 22, 1, 3, true } } },
		{ "Pacific/Auckland",
		  { 43200, true, { 9, 22, 1, 2, true }, { 4, 1, 1, 3, false } } },
		{ "Asia/Tokyo", { 32400, false, { 3, 8, 1, 2, false }, { 11, 1, 1, 2, false } } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct phone_clock *want = &rows[i].clock;
		struct phone_clock got;
		struct zone *zone;

		assert_int_equal(zone_load(&zone, rows[i].name), 0);
		/* in December, and in July */
		for (int64_t utc_s = 1796083200; utc_s > 1780000000; utc_s -= 12700800) {
			phone_clock_read(&got, utc_s, offset_at, zone);
			if (got.offset_s != want->offset_s || got.saves != want->saves ||
			    memcmp(&got.start, &want->start, sizeof(got.start)) != 0 ||
			    memcmp(&got.stop, &want->stop, sizeof(got.stop)) != 0)
				fail_msg("%s: %d %d, %u/%u/%u/%u/%d, %u/%u/%u/%u/%d", rows[i].name,
					 got.offset_s, got.saves, got.start.month, got.start.date,
					 got.start.weekday, got.start.hour, got.start.last,
					 got.stop.month, got.stop.date, got.stop.weekday,
					 got.stop.hour, got.stop.last);
		}
		free(zone);
	}
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

static struct bytes golden(const char *family, const char *name, char out[GOLDEN_MAX])
{
	char path[256];
	FILE *file;
	size_t n;

	(void)snprintf(path, sizeof(path), "data/provision/%s/%s", family, name);
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s is not there", path);
	n = fread(out, 1, GOLDEN_MAX, file);
	(void)fclose(file);
	return bytes_mem(out, n);
}

static bool bytes_find_text(struct bytes text, const char *what)
{
	return memmem(text.p, text.n, what, strlen(what)) != NULL;
}

static const struct family_row {
	const char *family;
	const char *names[6];
	const char *transport;
	bool srtp;
} g_families[] = {
	{ "polycom-8.5",
	  { "0004f214ab37.cfg", "Extension_201_user.cfg", "altigen10060_user.cfg",
	    "Extension_201.cfg", "0004f214ab37-directory.xml" },
	  "UDPOnly",
	  false },
	{ "polycom-7.0",
	  { "0004f214ab37.cfg", "0004f214ab37_user.cfg", "201.cfg", "altigen.cfg",
	    "0004f214ab37-directory.xml" },
	  "UDPOnly",
	  false },
	{ "polycom-bare", { "0004f214ab37.cfg" }, "UDPOnly", false },
	{ "cisco", { "0004f214ab37.xml" }, "TCPOnly", false },
	{ "fanvil", { "0004f214ab37.cfg" }, "TLS", true },
	{ "grandstream", { "cfg0004f214ab37.xml" }, "TLS", true },
	{ "snom", { "snom-0004f214ab37.xml" }, "TLS", true },
	{ "yealink", { "0004f214ab37.cfg" }, "TLS", true },
};

static struct phone_facts an_office_of(const struct family_row *row)
{
	struct phone_facts facts = an_office();

	facts.family = row->family;
	facts.transport = row->transport;
	facts.srtp = row->srtp;
	facts.bare = !strcmp(row->family, "polycom-bare");
	return facts;
}

/* Files of a phone are those of tests/data/provision, octet by octet. */
static void test_golden(void **state)
{
	static char text[GOLDEN_MAX];
	const struct family_row *row;
	struct phone_files *files;
	struct bytes want;

	(void)state;
	EACH_ROW(row, g_families)
	{
		const struct phone_facts facts = an_office_of(row);
		uint32_t count = 0;

		assert_int_equal(phone_files_render(&files, &facts), 0);
		for (; count < COUNT_OF(row->names) && row->names[count]; count++) {
			const struct phone_file *file =
				phone_files_find(files, bytes_str(row->names[count]));

			assert_non_null(file);
			want = golden(row->family, row->names[count], text);
			if (!bytes_eq(file->text, want))
				fail_msg("%s/%s:\n" BYTES_FMT, row->family, row->names[count],
					 BYTES_ARG(file->text));
		}
		assert_int_equal(files->count, count);
		assert_int_equal(strlen(files->revision), PHONE_REVISION_LEN);
		assert_string_equal(files->list[count - 1].name, row->names[0]);
		assert_true(phone_file_is_first(row->family, bytes_str(row->names[0])));
		assert_null(phone_files_find(files, BYTES_LIT("Extension_202.cfg")));
		phone_files_free(files);
	}
	want = golden("polycom-8.5", "000000000000.cfg", text);
	assert_true(bytes_eq(phone_files_default(PHONE_DEFAULT_NONE), want));
	want = golden("polycom-bare", "000000000000.cfg", text);
	assert_true(bytes_eq(phone_files_default(PHONE_DEFAULT_BARE), want));
}

/* A phone has all its files with the last one, and its lamps are gone where its extension has none
 * (BLF-03). */
static void test_last(void **state)
{
	struct phone_facts facts = an_office();
	const struct phone_file *file;
	struct phone_files *files;

	(void)state;
	assert_true(phone_file_is_last("polycom-8.5", BYTES_LIT("Extension_201.cfg")));
	assert_false(phone_file_is_last("polycom-8.5", BYTES_LIT("Extension_201_user.cfg")));
	assert_false(phone_file_is_last("polycom-8.5", BYTES_LIT("Extension_.cfg")));
	assert_false(phone_file_is_last("polycom-8.5", BYTES_LIT("Extension_201.cfg.cfg")));
	assert_true(phone_file_is_last("polycom-7.0", BYTES_LIT("altigen.cfg")));
	assert_false(phone_file_is_last("polycom-7.0", BYTES_LIT("201.cfg")));
	assert_true(phone_file_is_last("yealink", BYTES_LIT("0004f214ab37.cfg")));
	assert_false(phone_file_is_last("yealink", BYTES_LIT("0004f214ab37-x.cfg")));
	assert_false(phone_file_is_last("none", BYTES_LIT("0004f214ab37.cfg")));
	facts.blf_list = "";
	facts.blf_splash = false;
	assert_int_equal(phone_files_render(&files, &facts), 0);
	file = phone_files_find(files, BYTES_LIT("Extension_201.cfg"));
	assert_true(bytes_find_text(file->text, "attendant.uri=\"\""));
	assert_true(bytes_find_text(file->text, "attendant.ringType=\"silent\""));
	phone_files_free(files);
}

/* The example that the makers of such plans print (PROV-14), but for the seven digits that a plan
 * says itself; other plans are left as they are. */
static void test_redial(void **state)
{
	static const struct row {
		const char *map, *want;
	} rows[] = {
		{ "0|##|#[1-3]x|#[5-9]x|#41xx|#4[2-9]|[1-7]xx|9,[2-9]xxxxxx|9,1xxxxxxxxxx",
		  "0|##|#[1-3]x|#[5-9]x|#41xx|#4[2-9]|[1-7]xx|9,[2-9]xxxxxx|9,1xxxxxxxxxx|"
		  "RR91R[2-9]xxxxxxxxxT|xxx.T" },
		{ "9,1xxxxxxxxxx|9,011x.T", "9,1xxxxxxxxxx|9,011x.T|RR91R[2-9]xxxxxxxxxT|xxx.T" },
		{ "81,1xxxxxxxxxx", "81,1xxxxxxxxxx|RR811R[2-9]xxxxxxxxxT|xxx.T" },
		{ "0|9,1xxxxxxxxxxx", "0|9,1xxxxxxxxxxx" },
		{ "0|91xxxxxxxxxx", "0|91xxxxxxxxxx" },
		{ "", "" },
	};
	const struct row *row;
	char map[128];

	(void)state;
	EACH_ROW(row, rows)
	{
		(void)snprintf(map, sizeof(map), "%s", row->map);
		phone_map_redial(map, sizeof(map));
		assert_string_equal(map, row->want);
		(void)snprintf(map, sizeof(map), "%s", row->map);
		phone_map_redial(map, strlen(map) + 8);
		assert_string_equal(map, row->map);
	}
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
	facts.lines[0].mark = "mark"; /* in place of any password, in the revision alone */
	assert_int_equal(phone_files_render(&files, &facts), 0);
	facts.lines[0].password = "";
	assert_int_equal(phone_files_render(&same, &facts), 0);
	facts.lines[0].mark = "another";
	assert_int_equal(phone_files_render(&other, &facts), 0);
	assert_string_equal(files->revision, same->revision);
	assert_string_not_equal(files->revision, other->revision);
	assert_true(bytes_find_text(phone_files_find(files, BYTES_LIT("Extension_201.cfg"))->text,
				    "\"1213\""));
	assert_false(bytes_find_text(phone_files_find(files, BYTES_LIT("Extension_201.cfg"))->text,
				     "mark"));
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

static void inject(const struct family_row *row, char line[512])
{
	static char before[GOLDEN_MAX], after[GOLDEN_MAX];
	struct phone_person people[2] = { { line, line, line }, { line, line, line } };
	struct phone_override overrides[2] = { { "a.1", line }, { "b.2", line } };
	struct phone_facts facts = an_office_of(row);
	struct phone_files *files;
	size_t n;

	assert_int_equal(phone_files_render(&files, &facts), 0);
	n = markup(files, before);
	phone_files_free(files);
	line[strcspn(line, "\n")] = '\0';
	facts.lines[0].display_name = facts.lines[0].password = facts.server = facts.digit_map =
		facts.lines[0].auth_user = line;
	facts.people = people;
	facts.overrides = overrides;
	assert_int_equal(phone_files_render(&files, &facts), 0);
	/* a quote ends nothing where values go to the end of their line */
	assert_true(!strcmp(row->family, "yealink") || markup(files, after) == n);
	if (strcmp(row->family, "yealink") != 0)
		assert_memory_equal(before, after, n);
	phone_files_free(files);
}

/* Lines of a file that are made of it. */
static unsigned lines_of(const struct phone_facts *facts)
{
	struct phone_files *files;
	unsigned count = 0;

	assert_int_equal(phone_files_render(&files, facts), 0);
	for (size_t i = 0; i < files->list[0].text.n; i++)
		count += files->list[0].text.p[i] == '\n';
	phone_files_free(files);
	return count;
}

/* A hundred injections, wherever a person or an administrator writes a text, in the files of each
 * make. */
static void test_injections(void **state)
{
	FILE *file = fopen("data/provision/injections.txt", "r");
	const struct family_row *row;
	unsigned count = 0;
	char line[512], copy[512];

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		EACH_ROW(row, g_families)
		{
			memcpy(copy, line, sizeof(copy));
			inject(row, copy);
		}
		count++;
	}
	(void)fclose(file);
	assert_int_equal(count, 100);
}

/* A name with line ends makes no line of a file whose values go to the end of theirs. */
static void test_injected_lines(void **state)
{
	const struct family_row *row = &g_families[COUNT_OF(g_families) - 1];
	struct phone_facts facts = an_office_of(row);
	unsigned before = lines_of(&facts);

	(void)state;
	assert_string_equal(row->family, "yealink");
	facts.lines[0].display_name = "x\naccount.1.password = y\r\n\vz\x7f";
	facts.lines[0].password = "\n\n#";
	assert_int_equal(lines_of(&facts), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock),          cmocka_unit_test(test_clock),
		cmocka_unit_test(test_golden),         cmocka_unit_test(test_revision),
		cmocka_unit_test(test_refused),        cmocka_unit_test(test_injections),
		cmocka_unit_test(test_injected_lines), cmocka_unit_test(test_last),
		cmocka_unit_test(test_redial),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

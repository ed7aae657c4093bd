/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/calendars.h"

#include <errno.h>

#include "tests/unit/test.h"

enum { ACME = 3, ZETA = 4 };

static struct hours hours_of(const char *week, const char *holidays)
{
	struct hours h = { 0 };
	struct bytes where;

	assert_null(hours_week_parse(&h, bytes_str(week), &where));
	assert_null(hours_holidays_parse(&h, bytes_str(holidays), &where));
	return h;
}

static struct zone *zone_of(const char *name)
{
	struct zone *z = NULL;

	assert_int_equal(zone_load(&z, name), 0);
	return z;
}

static const char *word(const struct calendars *x, uint16_t tenant, const char *name,
			const char *time)
{
	const struct calendar *c = calendars_find(x, tenant, bytes_str(name));
	int64_t local;

	assert_int_equal(hours_time_parse(&local, bytes_str(time), 0), 0);
	return c ? calendar_word(c, local) : "";
}

static const char *fact(const char *name, int64_t local_s)
{
	static char text[32];
	struct writer w = writer_over(text, sizeof(text) - 1);

	calendar_time_write(&w, bytes_str(name), local_s);
	text[w.n] = '\0';
	return text;
}

static void test_time(void **state)
{
	struct calendars *x;
	int64_t local;

	(void)state;
	assert_int_equal(hours_time_parse(&local, BYTES_LIT("2026-11-27 08:05"), 0), 0);
	assert_string_equal(fact("time.date", local), "2026-11-27");
	assert_string_equal(fact("time.weekday", local), "fri");
	assert_string_equal(fact("time.hour", local), "08");
	assert_string_equal(fact("time.minute", local + 59), "05");
	assert_string_equal(fact("time.date", -1), "1969-12-31");
	assert_string_equal(fact("time.minute", -1), "59");
	assert_string_equal(fact("time.second", local), "");
	assert_null(calendars_zone(NULL, "UTC"));
	assert_int_equal(calendars_open(&x), 0);
	assert_null(calendars_zone(x, "UTC"));
	assert_int_equal(calendars_zone_put(x, "UTC", zone_of("UTC")), 0);
	assert_non_null(calendars_zone(x, "UTC"));
	calendars_close(x);
}

static void test_words(void **state)
{
	struct hours h = hours_of("mon-fri 08:00-18:00", "2026-12-25 closed Christmas");
	struct calendars *x;

	(void)state;
	assert_int_equal(calendars_open(&x), 0);
	assert_int_equal(calendars_put(x, ACME, "office", &h, "UTC"), -ENOENT);
	assert_int_equal(calendars_zone_put(x, "UTC", zone_of("UTC")), 0);
	assert_int_equal(calendars_put(x, ACME, "office", &h, "UTC"), 0);
	assert_string_equal(word(x, ACME, "office", "2026-11-27 08:00"), "open");
	assert_string_equal(word(x, ACME, "office", "2026-11-27 18:00"), "closed");
	assert_string_equal(word(x, ACME, "office", "2026-12-25 12:00"), "holiday");
	assert_string_equal(word(x, ZETA, "office", "2026-11-27 08:00"), "");
	assert_string_equal(word(x, ACME, "shop", "2026-11-27 08:00"), "");
	assert_null(calendars_find(NULL, ACME, BYTES_LIT("office")));
	h.override = HOURS_CLOSED;
	assert_int_equal(calendars_put(x, ACME, "office", &h, "UTC"), 0);
	assert_string_equal(word(x, ACME, "office", "2026-11-27 08:00"), "closed");
	assert_string_equal(word(x, ACME, "office", "2026-12-25 12:00"), "closed");
	calendars_delete(x, ACME, "office");
	calendars_delete(x, ACME, "office");
	assert_string_equal(word(x, ACME, "office", "2026-11-27 08:00"), "");
	calendars_close(x);
}

/* Newer rules of a zone are those of all calendars that name it. */
static void test_zones(void **state)
{
	const struct hours h = hours_of("mon-fri 08:00-18:00", "");
	struct calendars *x;

	(void)state;
	assert_int_equal(calendars_open(&x), 0);
	assert_int_equal(calendars_zone_put(x, "here", zone_of("UTC")), 0);
	assert_int_equal(calendars_put(x, ACME, "office", &h, "here"), 0);
	assert_int_equal(calendars_put(x, ZETA, "office", &h, "here"), 0);
	assert_string_equal(word(x, ZETA, "office", "2026-11-27 07:30"), "closed");
	assert_int_equal(calendars_zone_put(x, "here", zone_of("Europe/Berlin")), 0);
	assert_string_equal(word(x, ACME, "office", "2026-11-27 07:30"), "open");
	assert_string_equal(word(x, ZETA, "office", "2026-11-27 07:30"), "open");
	calendars_close(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

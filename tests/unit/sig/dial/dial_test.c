/* SPDX-License-Identifier: Apache-2.0 */
/* What is meant by what is dialled. */
#include "sig/dial/dial.h"
#include "sig/dial/pattern.h"
#include "tests/unit/test.h"

static bool is_extension(void *arg, struct bytes number)
{
	(void)arg;
	return bytes_is(number, "123") || bytes_is(number, "201");
}

/* 123 is an extension, too: by chance, of two nodes. */
static bool is_room(void *arg, struct bytes number)
{
	(void)arg;
	return bytes_is(number, "700") || bytes_is(number, "112") || bytes_is(number, "123");
}

static bool fits(void *arg, struct bytes number)
{
	(void)arg;
	return bytes_is(number, "#17") || bytes_is(number, "*72123") || bytes_is(number, "134");
}

/* 81 and 815 are those of trunks. */
static size_t trunk_access(void *arg, struct bytes number)
{
	(void)arg;
	return bytes_starts(number, "815") ? 3 : bytes_starts(number, "81") ? 2 : 0;
}

static const char g_node_emergency[][16] = { "112", "911" };

/* As an office in America has it: 9 and a second dial tone. */
static struct dial_plan america(void)
{
	return (struct dial_plan){
		.access = "9",
		.redial = "[2-9]xxxxxxxxx",
		.redial_prefix = "91",
		.operator_number = "201",
		.overlap = true,
		.numbers = "0|##|#[1-3]x|[1-7]xx|9[2-9]xxxxxx|91xxxxxxxxxx|911",
		.rules = "88>123,87>700",
		.country = "1",
		.area = "408",
		.area_digits = 7,
		.national_prefix = "1",
		.international_prefix = "011",
		.classes = { [DIAL_LOCAL] = "+1408x.",
			     [DIAL_NATIONAL] = "+1x.",
			     [DIAL_PREMIUM] = "+1900x." },
		.blocked = "+12125550000",
	};
}

static struct dial_asker asker_of(const struct dial_plan *plan)
{
	static const struct feature_codes codes = {
		.code = { [FEATURE_ALWAYS_ON] = "*72", [FEATURE_DISTURB_OFF] = "*78" }
	};

	return (struct dial_asker){ .plan = plan,
				    .codes = &codes,
				    .emergency = g_node_emergency,
				    .emergency_count = 2,
				    .classes = DIAL_CLASSES_FIRST,
				    .is_extension = is_extension,
				    .is_room = is_room,
				    .fits = fits,
				    .trunk_access = trunk_access };
}

static struct dial_result dialled_by(const struct dial_plan *plan, const char *rules, bool outside,
				     const char *digits)
{
	struct dial_asker asker = asker_of(plan);
	struct dial_result out;

	asker.outside = outside;
	asker.rules = bytes_str(rules);

	dial_resolve(&asker, bytes_str(digits), &out);
	return out;
}

static struct dial_result dialled(const struct dial_plan *plan, bool outside, const char *digits)
{
	return dialled_by(plan, "", outside, digits);
}

static void test_verdicts(void **state)
{
	static const struct {
		const char *digits;
		enum dial_kind kind;
		const char *number;
	} rows[] = {
		{ "", DIAL_UNKNOWN, "" },
		{ "123", DIAL_EXTENSION, "123" },
		{ "12", DIAL_MORE, "" },
		{ "124", DIAL_UNKNOWN, "" },
		{ "134", DIAL_ROOM, "134" },
		{ "#17", DIAL_ROOM, "#17" },
		{ "0", DIAL_EXTENSION, "201" },
		{ "88", DIAL_EXTENSION, "123" },
		{ "700", DIAL_ROOM, "700" }, /* CONF-01 */
		{ "87", DIAL_ROOM, "700" },
		{ "701", DIAL_UNKNOWN, "" },
		{ "911", DIAL_EMERGENCY, "911" },
		{ "9911", DIAL_EMERGENCY, "911" },
		{ "112", DIAL_EMERGENCY, "112" },
		{ "*78", DIAL_FEATURE, "" },
		{ "*72", DIAL_MORE, "" },
		{ "*72123", DIAL_FEATURE, "" },
		{ "9", DIAL_MORE, "" },
		{ "959", DIAL_MORE, "" },
		{ "95979000", DIAL_OUTSIDE, "+14085979000" },
		{ "914085979000", DIAL_OUTSIDE, "+14085979000" },
		{ "4085979000", DIAL_OUTSIDE, "+14085979000" }, /* CALL-40 */
		{ "+14085979000", DIAL_OUTSIDE, "+14085979000" },
		{ "919005551212", DIAL_BARRED, "+19005551212" },
		{ "901149301234", DIAL_BARRED, "+49301234" },
		{ "912125550000", DIAL_BARRED, "+12125550000" },
		{ "9555*", DIAL_UNKNOWN, "" },
		/* CALL-39: by a trunk of its own; without a code by the plan's */
		{ "815979000", DIAL_OUTSIDE, "815*+1979000" },
		{ "8114085979000", DIAL_OUTSIDE, "81*+14085979000" },
		{ "81+14085979000", DIAL_OUTSIDE, "81*+14085979000" },
		{ "8119005551212", DIAL_BARRED, "81*+19005551212" },
		{ "8112125550000", DIAL_BARRED, "81*+12125550000" },
		{ "81911", DIAL_EMERGENCY, "911" },
		{ "81", DIAL_MORE, "" },
		{ "81*5", DIAL_UNKNOWN, "" },
		{ "81123456789012345678901234567890", DIAL_UNKNOWN, "" },
		{ "alice", DIAL_UNKNOWN, "" },
	};
	const typeof(rows[0]) *row;
	struct dial_plan plan = america();

	(void)state;
	EACH_ROW(row, rows)
	{
		struct dial_result out = dialled(&plan, true, row->digits);

		ROW_ASSERT(row->digits, out.kind == row->kind);
		ROW_ASSERT(row->digits, !strcmp(out.number, row->number));
	}
	assert_true(dialled(&plan, true, "912125550000").blocked);
	assert_false(dialled(&plan, true, "919005551212").blocked);
	assert_int_equal(dialled(&plan, true, "919005551212").class, DIAL_PREMIUM);
	(void)bytes_cstr(BYTES_LIT("700"), plan.operator_number, sizeof(plan.operator_number));
	assert_int_equal(dialled(&plan, true, "0").kind, DIAL_ROOM);
	assert_string_equal(dialled(&plan, true, "0").number, "700");
}

/* WEB-10: by the trunk of who dials, where he dials no trunk's code. What is no trunk's any more
 * counts not, and nobody gets outside by it without the plan's code. */
static void test_own_access(void **state)
{
	static const struct {
		const char *own, *digits;
		enum dial_kind kind;
		const char *number;
	} rows[] = {
		{ "81", "914085979000", DIAL_OUTSIDE, "81*+14085979000" },
		{ "81", "+14085979000", DIAL_OUTSIDE, "81*+14085979000" },
		{ "81", "815979000", DIAL_OUTSIDE, "815*+1979000" },
		{ "81", "919005551212", DIAL_BARRED, "81*+19005551212" },
		{ "81", "9911", DIAL_EMERGENCY, "911" },
		{ "81", "123", DIAL_EXTENSION, "123" },
		{ "81", "124", DIAL_UNKNOWN, "" },
		{ "82", "914085979000", DIAL_OUTSIDE, "+14085979000" },
		{ "8", "914085979000", DIAL_OUTSIDE, "+14085979000" },
	};
	const typeof(rows[0]) *row;
	struct dial_plan plan = america();

	(void)state;
	EACH_ROW(row, rows)
	{
		struct dial_asker asker = asker_of(&plan);
		struct dial_result out;

		asker.outside = true;
		asker.own_access = bytes_str(row->own);
		dial_resolve(&asker, bytes_str(row->digits), &out);
		ROW_ASSERT(row->digits, out.kind == row->kind);
		ROW_ASSERT(row->digits, !strcmp(out.number, row->number));
	}
}

/* CALL-38: those of who dials come first, and the plan's look at what they have made. */
static void test_own_rules(void **state)
{
	static const struct {
		const char *rules, *digits;
		enum dial_kind kind;
		const char *number;
	} rows[] = {
		{ "88>700", "88", DIAL_ROOM, "700" }, /* the plan's makes 123 of it */
		{ "88>87", "88", DIAL_ROOM, "700" },
		{ "66>123", "66", DIAL_EXTENSION, "123" },
		{ "017>91/10", "0174448746", DIAL_OUTSIDE, "+14448746" },
		{ "017>91/11", "0174448746", DIAL_UNKNOWN, "" },
		{ "017>9190055/10", "0174448746", DIAL_BARRED, "+1900554448746" },
		{ "123>700,0>700", "123", DIAL_EXTENSION, "123" },
		{ "123>700,0>700", "0", DIAL_EXTENSION, "201" },
		{ "*>700", "*78", DIAL_FEATURE, "" },
		{ "1>700,9>700", "112", DIAL_EMERGENCY, "112" },
		{ "1>700,9>700", "9911", DIAL_EMERGENCY, "911" },
		{ "66>9911", "66", DIAL_EMERGENCY, "911" },
		{ "64>63", "64", DIAL_EMERGENCY, "112" }, /* by a rule of the plan */
		{ "65>64", "65", DIAL_EMERGENCY, "112" },
		{ "201>112", "201", DIAL_EXTENSION, "201" },
	};
	const typeof(rows[0]) *row;
	struct dial_plan plan = america();

	(void)state;
	plan.overlap = false;
	(void)bytes_cstr(BYTES_LIT("88>123,87>700,64>112"), plan.rules, sizeof(plan.rules));
	EACH_ROW(row, rows)
	{
		struct dial_result out = dialled_by(&plan, row->rules, true, row->digits);

		ROW_ASSERT(row->digits, out.kind == row->kind);
		ROW_ASSERT(row->digits, !strcmp(out.number, row->number));
	}
}

/* As an office in Berlin has it. */
static struct dial_plan germany(void)
{
	return (struct dial_plan){
		.country = "49",
		.area = "30",
		.national_prefix = "0",
		.international_prefix = "00",
		.classes = { [DIAL_LOCAL] = "+4930x.",
			     [DIAL_NATIONAL] = "+49x.",
			     [DIAL_MOBILE] = "+491[5-7]x.",
			     [DIAL_INTERNATIONAL] = "+x.",
			     [DIAL_PREMIUM] = "+49900x.|+44909x.|+1900x." },
		.blocked = "+49666x.",
	};
}

/* A number that is barred is barred however it is written: with prefixes behind its country's code or before it, with an extension or
 * pauses behind it. TRUST-03 */
static void test_barred_in_every_form(void **state)
{
	static const char *const rows[] = {
		"0900123",
		"+49900123",
		"0049900123",
		"+490900123",
		"00490900123",
		"+4900900123",
		"+49000900123",
		"+490049900123",
		"+0049900123",
		"+0900123",
		"000049900123",
		"+440909123",
		"+4400909123",
		"+44001900123",
		"+490011900123",
		"+4900441234",
		"+11900123",
		"+10111900123",
		"+490666123",
		"0900123p1",
		"0900123,,1",
		"0900123w1",
		"0900123x45",
		"0900123;ext=1",
		"0900123#1",
		"0900123*1",
		"0900-123",
		"0900 123",
		"+49 (0) 900/123",
		" 0900123",
		"+490900123,1",
		"0900CALLNOW",
		"0900123@elsewhere",
		"09001234567890123456789012345678901234567890",
		"+4909001234567890123456789012345678901234567",
		"+4900000000000000000000000000900123",
		"0666123",
		"*0900123",
		"#0900123",
		"0*900123",
		"0#900123",
		"09*00123",
		"00*49900123",
		"0,900123",
		"09p00123",
		"p0900123",
		"++49900123",
		"0\xc2\xa0"
		"900123",
		"0\xe2\x80\x8b"
		"900123",
	};
	struct dial_plan plan = germany();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ROW_ASSERT(rows[i], dialled(&plan, true, rows[i]).kind == DIAL_BARRED);
}

static void test_prefix_is_left_out(void **state)
{
	static const struct {
		const char *digits, *number;
		enum dial_class class;
	} rows[] = {
		{ "+49030123", "+4930123", DIAL_LOCAL },
		{ "004930123", "+4930123", DIAL_LOCAL },
		{ "0049030123", "+4930123", DIAL_LOCAL },
		{ "+490171123", "+49171123", DIAL_MOBILE },
		{ "+4989123", "+4989123", DIAL_NATIONAL },
	};
	const typeof(rows[0]) *row;
	struct dial_plan plan = germany();

	(void)state;
	EACH_ROW(row, rows)
	{
		struct dial_result out = dialled(&plan, true, row->digits);

		ROW_ASSERT(row->digits, out.kind == DIAL_OUTSIDE && out.class == row->class);
		ROW_ASSERT(row->digits, !strcmp(out.number, row->number));
	}
	/* what may be called, but is no number, is nobody still */
	assert_int_equal(dialled(&plan, true, "030123,1").kind, DIAL_UNKNOWN);
	assert_int_equal(dialled(&plan, true, "2bob").kind, DIAL_UNKNOWN);
}

/* A pattern of what is dialled is about the same number in its form for the whole world. */
static void test_patterns_of_what_is_dialled(void **state)
{
	struct dial_plan plan = germany();

	(void)state;
	memcpy(plan.classes[DIAL_PREMIUM], "0900x.", sizeof("0900x."));
	memcpy(plan.blocked, "0044x.", sizeof("0044x."));
	assert_int_equal(dialled(&plan, true, "0900123").class, DIAL_PREMIUM);
	assert_int_equal(dialled(&plan, true, "+49900123").class, DIAL_PREMIUM);
	assert_int_equal(dialled(&plan, true, "+490900123").kind, DIAL_BARRED);
	assert_true(dialled(&plan, true, "+44123").blocked);
	assert_int_equal(dialled(&plan, true, "+4930123").kind, DIAL_OUTSIDE);
}

/* Where a prefix may begin a number, too, the dearer reading counts, and the number goes out as it is. */
static void test_prefix_may_be_the_number(void **state)
{
	struct dial_plan plan = { .country = "7",
				  .national_prefix = "8",
				  .international_prefix = "810",
				  .classes = { [DIAL_TOLL_FREE] = "+7800xxxxxxx",
					       [DIAL_NATIONAL] = "+7[3489]xxxxxxxxx",
					       [DIAL_PREMIUM] = "+7809xxxxxxx" } };
	struct dial_result out = dialled(&plan, true, "+78001234567");

	(void)state;
	assert_int_equal(out.kind, DIAL_OUTSIDE);
	assert_int_equal(out.class, DIAL_TOLL_FREE);
	assert_string_equal(out.number, "+78001234567");
	assert_int_equal(dialled(&plan, true, "+788091234567").kind, DIAL_BARRED);
	assert_int_equal(dialled(&plan, true, "+788091234567").class, DIAL_PREMIUM);
}

/* A peer's caller may reach extensions and help, and no more. */
static void test_not_from_outside(void **state)
{
	struct dial_plan plan = america();

	(void)state;
	assert_int_equal(dialled(&plan, false, "95979000").kind, DIAL_UNKNOWN);
	assert_int_equal(dialled(&plan, false, "919005551212").kind, DIAL_UNKNOWN);
	assert_int_equal(dialled(&plan, false, "*78").kind, DIAL_UNKNOWN);
	assert_int_equal(dialled(&plan, false, "123").kind, DIAL_EXTENSION);
	assert_int_equal(dialled(&plan, false, "700").kind, DIAL_ROOM);
	assert_int_equal(dialled(&plan, false, "911").kind, DIAL_EMERGENCY);
}

/* A phone that sends all digits at once meets no 484 but where something is to follow (REG-13). */
static void test_at_once(void **state)
{
	struct dial_plan plan = america();

	(void)state;
	plan.overlap = false;
	assert_int_equal(dialled(&plan, true, "12").kind, DIAL_UNKNOWN);
	assert_int_equal(dialled(&plan, true, "9").kind, DIAL_MORE);
}

/* A tenant's emergency numbers take the place of the node's. */
static void test_own_emergency(void **state)
{
	struct dial_plan plan = america();

	(void)state;
	memcpy(plan.emergency, "110,123", sizeof("110,123"));
	assert_int_equal(dialled(&plan, true, "110").kind, DIAL_EMERGENCY);
	assert_int_equal(dialled(&plan, false, "9110").kind, DIAL_EMERGENCY);
	assert_int_equal(dialled(&plan, true, "123").kind, DIAL_EMERGENCY);
	assert_int_not_equal(dialled(&plan, true, "112").kind, DIAL_EMERGENCY);
}

/* Trunks have 81 and 815, the plan 8: the longest one need not leave an emergency number. A rule may make one. */
static void test_emergency_behind_codes(void **state)
{
	struct dial_plan plan = america();

	(void)state;
	memcpy(plan.emergency, "112,5110", sizeof("112,5110"));
	memcpy(plan.access, "8", sizeof("8"));
	memcpy(plan.rules, "999>112,123>112", sizeof("999>112,123>112"));
	for (const char *const *digits = (const char *const[]){ "112", "8112", "81112", "815112",
								"999", "815110", NULL };
	     *digits; digits++)
		ROW_ASSERT(*digits, dialled(&plan, false, *digits).kind == DIAL_EMERGENCY);
	assert_string_equal(dialled(&plan, true, "815110").number, "5110");
	assert_string_equal(dialled(&plan, true, "999").number, "112");
	assert_int_equal(dialled(&plan, true, "123").kind, DIAL_EXTENSION);
}

static void test_own_codes(void **state)
{
	struct dial_plan plan = america();

	(void)state;
	memcpy(plan.codes.code[FEATURE_DISTURB_OFF], "#33", sizeof("#33"));
	memcpy(plan.codes.code[FEATURE_ALWAYS_ON], DIAL_OFF, sizeof(DIAL_OFF));
	assert_int_equal(dialled(&plan, true, "#33").kind, DIAL_FEATURE);
	assert_int_equal(dialled(&plan, true, "#33").feature, FEATURE_DISTURB_OFF);
	assert_int_equal(dialled(&plan, true, "*78").kind, DIAL_UNKNOWN);
	assert_int_equal(dialled(&plan, true, "*72123").kind, DIAL_ROOM);
}

/* ---- digit maps ---- */

static const char *map_of(const struct dial_plan *plan, enum dial_map_form form)
{
	static char text[DIAL_MAP_MAX];
	struct dial_asker asker = asker_of(plan);
	struct writer w = writer_over(text, sizeof(text) - 1);

	assert_true(dial_digit_map(&asker, form, &w));
	text[w.n] = '\0';
	return text;
}

static void test_digit_map(void **state)
{
	struct dial_plan plan = america();
	size_t n = strlen(plan.numbers);

	(void)state;
	assert_string_equal(map_of(&plan, DIAL_MAP_POLYCOM),
			    "112|911|9,112|9,911|*72xx.T|*78|0|##|#[1-3]x|[1-7]xx|9,[2-9]xxxxxx|"
			    "9,1xxxxxxxxxx");
	(void)snprintf(plan.numbers + n, sizeof(plan.numbers) - n, "%s",
		       "|+x.|9011x.|1xxx|815[0189#]x|9|0x");
	assert_string_equal(map_of(&plan, DIAL_MAP_POLYCOM),
			    "112|911|9,112|9,911|*72xx.T|*78|0T|##|#[1-3]x|[1-7]xxT|9,[2-9]xxxxxx|"
			    "9,1xxxxxxxxxx|+x.T|9,011x.T|1xxx|815,[0189#]x|9T|0x");
	assert_string_equal(map_of(&plan, DIAL_MAP_RFC3435),
			    "(112|911|9112|9911|*72xx.T|*78|0T|##|#[1-3]x|[1-7]xxT|9[2-9]xxxxxx|"
			    "91xxxxxxxxxx|9011x.T|1xxx|815[0189#]x|9T|0x)");
	plan = (struct dial_plan){ .emergency = "110",
				   .access = "0",
				   .codes.code = { [FEATURE_ALWAYS_ON] = DIAL_OFF,
						   [FEATURE_PARK] = "#41",
						   [FEATURE_ACCOUNT] = "*47",
						   [FEATURE_PICKUP] = "**" } };
	assert_string_equal(map_of(&plan, DIAL_MAP_POLYCOM),
			    "110|0,110|*78|#41xxx.T|**x.T|*47xx.*xx.T|0,xx.T|xx.T");
}

enum phone_does { PHONE_STOPS, PHONE_WAITS, PHONE_TIMES_OUT, PHONE_SENDS };

/* What a phone with that map does behind the digits; *n: how many of them it has sent before. */
static enum phone_does phone_dials(const char *map, struct bytes digits, size_t *n)
{
	char list[DIAL_MAP_MAX] = "", *to = list;
	enum phone_does does = PHONE_STOPS;
	const char *wrong;
	struct bytes rest, one;
	struct pattern p;

	for (; *map; map++) {
		if (!strchr("(,)", *map))
			*to++ = *map;
	}
	for (*n = 1; *n <= digits.n && does != PHONE_SENDS; ++*n) {
		does = PHONE_STOPS;
		rest = bytes_str(list);
		while (bytes_cut(&rest, '|', &one)) {
			bool timer = one.p[one.n - 1] == 'T';
			enum phone_does this = PHONE_STOPS;
			struct pattern_fit fit;

			assert_int_equal(pattern_read(&p, bytes_sub(one, 0, one.n - timer), &wrong),
					 0);
			fit = pattern_match(&p, bytes_sub(digits, 0, *n));
			if (fit.whole)
				this = timer ? PHONE_TIMES_OUT : PHONE_SENDS;
			else if (fit.more)
				this = PHONE_WAITS;
			does = this > does ? this : does;
		}
	}
	--*n;
	return does;
}

/* What the phone sends lacks no digit, and it waits where the plan does. Of emergency numbers it waits for nothing. */
static void map_agrees(const struct dial_plan *plan, const char *map, struct bytes digits)
{
	bool by_trunk = bytes_starts(digits, "81"); /* those are what `numbers` says */
	char text[DIAL_NUMBER_MAX];
	enum phone_does does;
	struct dial_result r;
	size_t n;

	assert_int_equal(bytes_cstr(digits, text, sizeof(text)), 0);
	does = phone_dials(map, digits, &n);
	r = dialled(plan, true, text);
	if (n < digits.n) {
		text[n] = '\0';
		r = dialled(plan, true, text);
	}
	if (does >= PHONE_TIMES_OUT)
		ROW_ASSERT(text, r.kind != DIAL_MORE);
	else if (r.kind == DIAL_MORE && !by_trunk)
		ROW_ASSERT(text, does == PHONE_WAITS);
	if (r.kind == DIAL_EMERGENCY && !by_trunk)
		ROW_ASSERT(text, does == PHONE_SENDS);
	if ((does == PHONE_STOPS || n < digits.n) && r.kind != DIAL_EMERGENCY &&
	    pattern_list_match(bytes_str(plan->numbers), digits, &(struct pattern){ 0 }).whole)
		fail_msg(BYTES_FMT " is dialled by nobody", BYTES_ARG(digits));
}

static void test_digit_map_of_plan(void **state)
{
	static const char symbols[] = "0123456789*#", *const fronts[] = { "", "911", "91", "9011",
									  "*72" };
	struct dial_plan plan = america();
	char digits[16], map[DIAL_MAP_MAX];
	size_t n = strlen(plan.numbers);
	uint32_t seed = 1;

	(void)state;
	(void)snprintf(plan.numbers + n, sizeof(plan.numbers) - n, "%s", "|9011x.|1xxx");
	for (unsigned form = 0; form < 2; form++) {
		(void)snprintf(map, sizeof(map), "%s", map_of(&plan, (enum dial_map_form)form));
		for (uint32_t i = 0; i < 40000; i++) {
			size_t len = strlen(strcpy(digits, fronts[i % COUNT_OF(fronts)]));

			for (uint32_t k = 0; k < 1 + i % 9; k++) {
				seed = seed * 1664525 + 1013904223;
				digits[len++] = symbols[(seed >> 16) % (i % 3 ? 10 : 12)];
			}
			map_agrees(&plan, map, bytes_mem(digits, len));
		}
	}
}

/* The number plan of extensions: what begins so is complete by its length, other numbers are as without it. */
static void test_digit_map_of_number_plan(void **state)
{
	struct dial_plan plan = { .extensions = "[2-4]xx|5xxx", .access = "9", .overlap = true };
	struct dial_asker asker = asker_of(&plan);
	struct dial_result out;
	const char *map = map_of(&plan, DIAL_MAP_POLYCOM);

	(void)state;
	assert_non_null(strstr(map, "|[2-4]xx|5xxx|9,xx.T|[016-9]x.T"));
	dial_resolve(&asker, BYTES_LIT("20"), &out);
	assert_int_equal(out.kind, DIAL_MORE);
	dial_resolve(&asker, BYTES_LIT("299"), &out);
	assert_int_not_equal(out.kind, DIAL_MORE);
	plan.access[0] = '\0'; /* a number outside may begin likewise */
	map = map_of(&plan, DIAL_MAP_POLYCOM);
	assert_non_null(strstr(map, "|[2-4]xxT|5xxxT|xx.T"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_own_access),
		cmocka_unit_test(test_own_rules),
		cmocka_unit_test(test_digit_map),
		cmocka_unit_test(test_digit_map_of_plan),
		cmocka_unit_test(test_digit_map_of_number_plan),
		cmocka_unit_test(test_not_from_outside),
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_own_emergency),
		cmocka_unit_test(test_own_codes),
		cmocka_unit_test(test_emergency_behind_codes),
		cmocka_unit_test(test_barred_in_every_form),
		cmocka_unit_test(test_prefix_is_left_out),
		cmocka_unit_test(test_prefix_may_be_the_number),
		cmocka_unit_test(test_patterns_of_what_is_dialled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Dialling rules, numbers with their country, classes. */
#include "sig/dial/dial.h"
#include "tests/unit/test.h"

static void test_rules(void **state)
{
	static const struct {
		const char *rules, *number, *want;
	} rows[] = {
		{ "017>1", "0174448746", "14448746" }, /* CALL-38 */
		{ "017>1/10", "0174448746", "14448746" },
		{ "017>1/11", "0174448746", NULL },
		{ "017>1", "01", NULL },
		{ "1>2,12>3", "123", "223" },
		{ "12>3,1>2", "123", "33" },
		{ "1>2/4,1>3", "123", "323" },
		{ "00>+", "0049301", "+49301" },
		{ "8>", "8123", "123" },
		{ "1>1234567890", "123456789012345678901234567890", NULL },
		{ "", "123", NULL },
	};
	const typeof(rows[0]) *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char out[DIAL_NUMBER_MAX] = "";
		bool any = dial_rules_apply(bytes_str(row->rules), bytes_str(row->number), out);

		ROW_ASSERT(row->rules, any == (row->want != NULL));
		ROW_ASSERT(row->rules, !strcmp(out, row->want ? row->want : ""));
	}
}

static void test_rules_wrong(void **state)
{
	static const char *const rows[] = { ",",     "1>2,",   ">1",  "1",   "1/2>3", "1>2/",
					    "1>2/x", "1>2/32", "a>1", "1>b", "1>2>3" };
	const char *const *row;

	(void)state;
	EACH_ROW(row, rows)
	ROW_ASSERT(*row, dial_rules_wrong(bytes_str(*row)));
	assert_null(dial_rules_wrong(bytes_str("")));
	assert_null(dial_rules_wrong(bytes_str("017>1/10,00>+,8>")));
}

static const struct dial_plan g_america = {
	.country = "1",
	.area = "408",
	.area_digits = 7,
	.national_prefix = "1",
	.international_prefix = "011",
	.classes = { [DIAL_LOCAL] = "+1408x.",
		     [DIAL_NATIONAL] = "+1x.|411",
		     [DIAL_TOLL_FREE] = "+18[08]0x.",
		     [DIAL_INTERNATIONAL] = "+1876x.",
		     [DIAL_PREMIUM] = "+1900x.|0x." },
};
static const struct dial_plan g_germany = {
	.country = "49",
	.area = "30",
	.national_prefix = "0",
	.international_prefix = "00",
	/* a slip: what begins with 0 is national, so 00 is, too */
	.classes = { [DIAL_LOCAL] = "+4930x.",
		     [DIAL_NATIONAL] = "0x.",
		     [DIAL_MOBILE] = "+491[5-7]x." },
};
static const struct dial_plan g_nowhere = { .classes = { [DIAL_NATIONAL] = "0x." } };

static void test_classes(void **state)
{
	static const struct {
		const struct dial_plan *plan;
		const char *number, *international;
		enum dial_class class;
		bool dialled;
	} rows[] = {
		{ &g_america, "5979000", "+14085979000", DIAL_LOCAL, false },
		{ &g_america, "14085979000", "+14085979000", DIAL_LOCAL, false },
		{ &g_america, "2125979000", "+12125979000", DIAL_NATIONAL, false },
		{ &g_america, "411", "+1411", DIAL_NATIONAL, false },
		{ &g_america, "18005551212", "+18005551212", DIAL_TOLL_FREE, false },
		{ &g_america, "18765551212", "+18765551212", DIAL_INTERNATIONAL, false },
		{ &g_america, "19005551212", "+19005551212", DIAL_PREMIUM, false },
		{ &g_america, "01149301234", "+49301234", DIAL_PREMIUM,
		  false }, /* 0x., too: the dearer one */
		{ &g_america, "+49301234", "+49301234", DIAL_PREMIUM, false }, /* as above */
		{ &g_germany, "1234567", "+49301234567", DIAL_LOCAL, false },
		{ &g_germany, "0891234567", "+49891234567", DIAL_NATIONAL, true },
		{ &g_germany, "01711234567", "+491711234567", DIAL_MOBILE, false },
		{ &g_germany, "001212555", "+1212555", DIAL_INTERNATIONAL, false },
		{ &g_nowhere, "0891", "0891", DIAL_NATIONAL, false },
		{ &g_nowhere, "891", "891", DIAL_OTHER, false },
	};
	const typeof(rows[0]) *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct bytes number = bytes_str(row->number);
		char world[DIAL_NUMBER_MAX];
		struct dial_judgement as;

		dial_number_international(row->plan, number, world);
		ROW_ASSERT(row->number, !strcmp(world, row->international));
		dial_judge(row->plan, number, bytes_str(world), &as);
		ROW_ASSERT(row->number, as.class == row->class);
		ROW_ASSERT(row->number, as.dialled == row->dialled);
	}
}

/* Without a plan, too, what costs most is known. */
static void test_default(void **state)
{
	static const struct {
		const char *number;
		enum dial_class class;
	} rows[] = {
		{ "0044", DIAL_INTERNATIONAL }, { "01144", DIAL_INTERNATIONAL },
		{ "09001", DIAL_PREMIUM },      { "5979000", DIAL_OTHER },
		{ "001900555", DIAL_PREMIUM },  { "0111900555", DIAL_PREMIUM },
		{ "+11900555", DIAL_PREMIUM },
	};
	const typeof(rows[0]) *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct dial_judgement as;

		dial_judge(&g_dial_plan_default, bytes_str(row->number), bytes_str(row->number),
			   &as);
		ROW_ASSERT(row->number, as.class == row->class);
	}
	assert_false(DIAL_CLASSES_FIRST &
		     (1 << DIAL_INTERNATIONAL | 1 << DIAL_PREMIUM | 1 << DIAL_OTHER));
}

static void test_forms(void **state)
{
	static const struct {
		const struct dial_plan *plan;
		const char *text, *international, *national, *extension;
	} rows[] = {
		{ &g_germany, "+49 (0) 30/123-456", "+4930123456", "030123456", "" },
		{ &g_germany, "0301234;ext=1-2", "+49301234", "0301234", "12" },
		{ &g_germany, "1234", "+49301234", "0301234", "" },
		{ &g_germany, "1234;phone-context=+49 89", "+49891234", "0891234", "" },
		{ &g_germany, "891234;phone-context=+49", "+49891234", "0891234", "" },
		{ &g_germany, "089 1234;isub=1;Phone-Context=+49;ext=7", "+49891234", "0891234",
		  "7" },
		{ &g_germany, "1234;phone-context=+44", "", "", "" },
		{ &g_germany, "1234;phone-context=example.com", "", "", "" },
		{ &g_germany, "+441234;phone-context=example.com", "+441234", "00441234", "" },
		{ &g_germany, "00", "", "", "" },
		{ &g_germany, "0033 1 23", "+33123", "0033123", "" },
		{ &g_america, "597-9000", "+14085979000", "14085979000", "" },
		{ &g_america, "863-1234;phone-context=+1-914-555", "+19148631234", "19148631234",
		  "" },
		{ &g_america, "+49 30 1", "+49301", "01149301", "" },
		{ &g_nowhere, "0891", "", "", "" },
		{ &g_nowhere, "+49 891", "+49891", "", "" },
	};
	static const char *const none[] = { "", ";ext=1", "+", "*72", "alice", "0900p12", "1+2" };
	const typeof(rows[0]) *row;
	struct dial_forms forms;

	(void)state;
	EACH_ROW(row, rows)
	{
		ROW_ASSERT(row->text, dial_forms_of(row->plan, bytes_str(row->text), &forms));
		ROW_ASSERT(row->text, !strcmp(forms.international, row->international));
		ROW_ASSERT(row->text, !strcmp(forms.national, row->national));
		ROW_ASSERT(row->text, !strcmp(forms.extension, row->extension));
	}
	for (size_t i = 0; i < COUNT_OF(none); i++)
		ROW_ASSERT(none[i], !dial_forms_of(&g_germany, bytes_str(none[i]), &forms));
}

static void test_too_long(void **state)
{
	struct dial_plan plan = { .country = "49", .area = "30" };
	char out[DIAL_NUMBER_MAX] = "x";

	(void)state;
	dial_number_international(&plan, BYTES_LIT("1234567890123456789012345678901"), out);
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),   cmocka_unit_test(test_rules_wrong),
		cmocka_unit_test(test_classes), cmocka_unit_test(test_default),
		cmocka_unit_test(test_forms),   cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

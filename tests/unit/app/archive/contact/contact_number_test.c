/* SPDX-License-Identifier: Apache-2.0 */
/* One form for each way to write a number: BEAT of "name not found". */
#include "tests/unit/test.h"

#include "app/archive/contact/contact.h"

static const struct dial_plan g_germany = { .country = "49",
					    .area = "30",
					    .national_prefix = "0",
					    .international_prefix = "00",
					    .access = "9" };
static const struct dial_plan g_america = { .country = "1",
					    .area = "212",
					    .area_digits = 7,
					    .national_prefix = "1",
					    .international_prefix = "011",
					    .access = "9" };
static const struct dial_plan g_none = { .country = "" };

/* Both forms, joined by a blank. */
static void normal(const struct dial_plan *plan, const char *text, char out[80])
{
	char forms[CONTACT_NORMAL_FORMS][DIAL_NUMBER_MAX];
	uint32_t n = contact_normal(plan, bytes_str(text), forms);

	(void)snprintf(out, 80, "%s%s%s", n ? forms[0] : "", n > 1 ? " " : "",
		       n > 1 ? forms[1] : "");
}

static void test_spellings(void **state)
{
	static const struct {
		const struct dial_plan *plan;
		const char *text, *forms;
	} rows[] = {
		/* one of America */
		{ &g_america, "+12125550100", "+12125550100" },
		{ &g_america, "+1 (212) 555-0100", "+12125550100" },
		{ &g_america, "+1.212.555.0100", "+12125550100" },
		{ &g_america, "12125550100", "+12125550100" },
		{ &g_america, "1-212-555-0100", "+12125550100" },
		{ &g_america, "2125550100", "+12125550100" },
		{ &g_america, "(212) 555-0100", "+12125550100" },
		{ &g_america, "212/555-0100", "+12125550100" },
		{ &g_america, "555-0100", "+12125550100" },
		{ &g_america, "912125550100", "+12125550100" },
		{ &g_america, "9 1 212 555 0100", "+12125550100" },
		{ &g_america, "92125550100", "+12125550100" },
		{ &g_america, "95550100", "+12125550100" },
		{ &g_america, "0012125550100", "+12125550100" },
		{ &g_america, "01112125550100", "+12125550100" },
		{ &g_america, "tel:+1-212-555-0100", "+12125550100" },
		{ &g_america, "sip:+12125550100@example.org", "+12125550100" },
		{ &g_america, "212 555 0100 ext. 12", "+12125550100" },
		{ &g_america, "212 555 0100 x12", "+12125550100" },
		{ &g_america, "+12125550100;ext=12", "+12125550100" },
		{ &g_america, "+1 212 555 0100#12", "+12125550100" },
		{ &g_america, "212-555-0100,,12", "+12125550100" },
		{ &g_america, "+1\u00a0212\u2013555\u20110100", "+12125550100" },
		{ &g_america, " 2125550100 ", "+12125550100" },
		/* an area that begins as the access code does */
		{ &g_america, "9175550100", "+19175550100" },
		{ &g_america, "19175550100", "+19175550100" },
		{ &g_america, "99175550100", "+19175550100" },
		/* abroad from there */
		{ &g_america, "011 49 30 123456", "+4930123456" },
		{ &g_america, "9011 49 30 123456", "+4930123456" },
		{ &g_america, "1001", "1001" },
		/* one of Germany */
		{ &g_germany, "+4930123456", "+4930123456" },
		{ &g_germany, "+49 (0)30 123456", "+4930123456" },
		{ &g_germany, "0049 30 123456", "+4930123456" },
		{ &g_germany, "030 123456", "+4930123456" },
		{ &g_germany, "030/123456", "+4930123456" },
		{ &g_germany, "030 - 12 34 56", "+4930123456" },
		{ &g_germany, "123456", "+4930123456" },
		{ &g_germany, "tel:030-123456", "+4930123456" },
		{ &g_germany, "callto:+4930123456", "+4930123456" },
		{ &g_germany, "[030] 123456", "+4930123456" },
		{ &g_germany, "0301234;ext=56", "+49301234" },
		/* the access code, or the beginning of a number of the place */
		{ &g_germany, "9030123456", "+4930123456 +49309030123456" },
		{ &g_germany, "90049 30 123456", "+4930123456 +493090049" "30123456" },
		{ &g_germany, "9123456", "+4930123456 +49309123456" },
		/* without a plan */
		{ &g_none, "+4930123456", "+4930123456" },
		{ &g_none, "004930123456", "+4930123456" },
		{ &g_none, "030 123456", "030123456" },
		{ &g_none, "1001", "1001" },
		/* none */
		{ &g_america, "1-800-FLOWERS", "" },
		{ &g_america, "anna", "" },
		{ &g_america, "", "" },
		{ &g_america, "+", "" },
	}, *row;
	char out[80];

	(void)state;
	EACH_ROW(row, rows)
	{
		normal(row->plan, row->text, out);
		if (strcmp(out, row->forms) != 0)
			print_message("# %s: %s\n", row->text, out);
		ROW_ASSERT(row->text, !strcmp(out, row->forms));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_spellings) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

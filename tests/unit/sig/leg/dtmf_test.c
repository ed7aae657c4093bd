/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of INFO as phones write them. */
#include <errno.h>

#include "sig/leg/dtmf.h"
#include "tests/unit/test.h"

#define RELAY "application/dtmf-relay"
#define PLAIN "application/dtmf"

static void bodies(void **state)
{
	static const struct {
		const char *name, *type, *body;
		int want;
		char digit;
		uint16_t duration_ms;
	} rows[] = {
		{ "as everybody", RELAY, "Signal=5\r\nDuration=160\r\n", 0, '5', 160 },
		{ "blanks", RELAY, "Signal= 5\r\nDuration = 250\r\n", 0, '5', 250 },
		{ "no end of line", RELAY, "Signal=0\r\nDuration=100", 0, '0', 100 },
		{ "lines of Unix", RELAY, "Signal=#\nDuration=100\n", 0, '#', 100 },
		{ "the other order", RELAY, "Duration=90\r\nSignal=*\r\n", 0, '*', 90 },
		{ "no duration", RELAY, "Signal=9\r\n", 0, '9', 160 },
		{ "bad duration", RELAY, "Signal=9\r\nDuration=x\r\n", 0, '9', 160 },
		{ "short", RELAY, "Signal=9\r\nDuration=1\r\n", 0, '9', 40 },
		{ "long", RELAY, "Signal=9\r\nDuration=99999\r\n", 0, '9', 8000 },
		{ "endless", RELAY, "Signal=9\r\nDuration=4294967297\r\n", 0, '9', 160 },
		{ "letter", RELAY, "Signal=a\r\n", 0, 'A', 160 },
		{ "star as a number", RELAY, "Signal=10\r\n", 0, '*', 160 },
		{ "D as a number", RELAY, "Signal=15\r\n", 0, 'D', 160 },
		{ "flash", RELAY, "Signal=!\r\n", 0, 'F', 160 },
		{ "flash as a number", RELAY, "Signal=16\r\n", 0, 'F', 160 },
		{ "case", "Application/DTMF-Relay; x=y", "SIGNAL=1\r\n", 0, '1', 160 },
		{ "more lines", RELAY, "X=1\r\nSignal=2\r\nY\r\n", 0, '2', 160 },
		{ "plain", PLAIN, "7", 0, '7', 160 },
		{ "plain with an end", PLAIN, "7\r\n", 0, '7', 160 },
		{ "plain star", PLAIN, "*", 0, '*', 160 },
		{ "empty", RELAY, "", -EBADMSG, 0, 0 },
		{ "no signal", RELAY, "Duration=160\r\n", -EBADMSG, 0, 0 },
		{ "no value", RELAY, "Signal=\r\n", -EBADMSG, 0, 0 },
		{ "no event", RELAY, "Signal=17\r\n", -EBADMSG, 0, 0 },
		{ "no digit", RELAY, "Signal=x\r\n", -EBADMSG, 0, 0 },
		{ "two at once", RELAY, "Signal=12 3\r\n", -EBADMSG, 0, 0 },
		{ "twice", RELAY, "Signal=1\r\nSignal=2\r\n", -EBADMSG, 0, 0 },
		{ "plain and empty", PLAIN, "", -EBADMSG, 0, 0 },
		{ "plain word", PLAIN, "hello", -EBADMSG, 0, 0 },
		{ "another type", "text/plain", "Signal=5\r\n", -ENOTSUP, 0, 0 },
		{ "longer type", "application/dtmf-relayed", "5", -ENOTSUP, 0, 0 },
		{ "no type", "", "5", -ENOTSUP, 0, 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct dtmf got;
		int err = dtmf_parse(bytes_str(row->type), bytes_str(row->body), &got);

		ROW_ASSERT(row->name, err == row->want);
		if (err)
			continue;
		ROW_ASSERT(row->name, got.digit == row->digit);
		ROW_ASSERT(row->name, got.duration_ms == row->duration_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

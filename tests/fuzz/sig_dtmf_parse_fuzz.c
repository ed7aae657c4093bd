/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of an INFO with a digit. The first octet chooses the type. What is read is a digit within bounds, and written as we write
 * it, it is read as the same one again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sig/leg/dtmf.h"

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool relay = size && (data[0] & 1) == 0;
	struct bytes type =
		relay ? BYTES_LIT("application/dtmf-relay") : BYTES_LIT("application/dtmf");
	struct dtmf first, second;
	char text[64];
	int n;

	if (size == 0 || dtmf_parse(type, bytes_mem(data + 1, size - 1), &first))
		return 0;
	check(first.digit && strchr("0123456789*#ABCDF", first.digit), "no digit");
	check(first.duration_ms >= 40 && first.duration_ms <= 8000, "duration");
	n = snprintf(text, sizeof(text), "Signal=%c\r\nDuration=%u\r\n",
		     first.digit == 'F' ? '!' : first.digit, first.duration_ms);
	check(!dtmf_parse(BYTES_LIT("application/dtmf-relay"), bytes_mem(text, (size_t)n), &second),
	      "not read again");
	check(first.digit == second.digit && first.duration_ms == second.duration_ms,
	      "another one");
	return 0;
}

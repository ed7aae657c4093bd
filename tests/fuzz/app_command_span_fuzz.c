/* SPDX-License-Identifier: Apache-2.0 */
/* A time that a list is narrowed by. Oracle: what a date names is written the same. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/command/command_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS 1795725382627u

/* What the text leaves out of the whole is its beginning. */
static void check_date(struct bytes text, uint64_t utc_ms)
{
	time_t seconds = (time_t)(utc_ms / 1000);
	size_t n = text.p[text.n - 1] == 'Z' ? text.n - 1 : text.n;
	char whole[64];
	struct tm tm;

	assert(gmtime_r(&seconds, &tm) && utc_ms % 1000 == 0);
	(void)snprintf(whole, sizeof(whole), "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900,
		       tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	assert(n == 10 || n == 16 || n == 19);
	assert(!memcmp(text.p, whole, n));
	assert(n != 10 || !strcmp(whole + n, "T00:00:00"));
	assert(n != 16 || !strcmp(whole + n, ":00"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t first = 0, last = 0, none = 0;
	char text[32];
	int err = command_time_read(bytes_mem(data, size), NOW_MS, false, &first);

	assert(err == command_time_read(bytes_mem(data, size), NOW_MS, true, &last));
	if (err || bytes_cstr(bytes_mem(data, size), text, sizeof(text)))
		return 0;
	assert(first <= last && last - first < 86400000u);
	if (!strchr(text, '-'))
		assert(first == last && first <= NOW_MS);
	else
		check_date(bytes_mem(data, size), first);
	/* one more character makes another time of it, or none */
	text[size] = 'x';
	assert(size + 1 >= sizeof(text) ||
	       command_time_read(bytes_mem(text, size + 1), NOW_MS, false, &none));
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Files of tests/data; the tests run in tests/. */
#ifndef TESTS_UNIT_MEDIA_DATA_H
#define TESTS_UNIT_MEDIA_DATA_H

#include "tests/unit/test.h"

/* Into the caller's buffer; a missing file fails the test. */
static inline struct bytes data_read(const char *path, void *buf, size_t cap)
{
	FILE *file = fopen(path, "rb");
	size_t n;

	if (!file)
		fail_msg("cannot open %s", path);
	n = fread(buf, 1, cap, file);
	assert_int_equal(fclose(file), 0);
	assert_in_range(n, 1, cap - 1);
	return bytes_mem(buf, n);
}

#endif

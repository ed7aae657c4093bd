/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test starts with. */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

#define EACH_ROW(row, table)                                                                  \
	for (size_t row##_i = 0; row##_i < COUNT_OF(table) && ((row) = &(table)[row##_i], 1); \
	     row##_i++)

/* Fails with the row's name, so that a table says which line broke. */
#define ROW_ASSERT(name, cond)                             \
	do {                                               \
		if (!(cond))                               \
			fail_msg("%s: %s", (name), #cond); \
	} while (0)

#endif

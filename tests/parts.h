/* SPDX-License-Identifier: Apache-2.0 */
/* Files that each were a program, in one (parts.py): each still runs in a process of its own, which its first word names. */
#ifndef TESTS_PARTS_H
#define TESTS_PARTS_H

#include <stddef.h>
#include <stdint.h>

typedef int part_fn(void);
typedef int input_fn(const uint8_t *data, size_t size);

struct part {
	const char *name;
	part_fn *run;    /* of a file of unit tests */
	input_fn *input; /* of a fuzz target */
};

extern const struct part PARTS[]; /* up to one without a name */

/* Or NULL, once the names that there are were printed. */
const struct part *part_named(const char *name);

#endif

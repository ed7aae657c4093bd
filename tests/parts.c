/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/parts.h"

#include <stdio.h>
#include <string.h>

const struct part *part_named(const char *name)
{
	const struct part *p = PARTS;

	while (p->name && (!name || strcmp(p->name, name) != 0))
		p++;
	if (p->name)
		return p;
	(void)fprintf(stderr, "its first word is one of:\n");
	for (p = PARTS; p->name; p++)
		(void)fprintf(stderr, "  %s\n", p->name);
	return NULL;
}

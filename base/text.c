/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int text_set(struct text *t, struct bytes b)
{
	char *copy = NULL;

	if (b.n >= UINT32_MAX)
		return -ENOMEM;
	if (b.n) {
		copy = malloc(b.n + 1);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, b.p, b.n);
		copy[b.n] = '\0';
	}
	free(t->p); /* last: b may lie within the old text */
	*t = (struct text){ .p = copy, .n = (uint32_t)b.n };
	return 0;
}

void text_clear(struct text *t)
{
	free(t->p);
	*t = (struct text){ 0 };
}

void text_wipe(struct text *t)
{
	if (t->p)
		explicit_bzero(t->p, t->n);
	text_clear(t);
}

struct bytes text_bytes(const struct text *t)
{
	return bytes_mem(t->p, t->n);
}

const char *text_str(const struct text *t)
{
	return t->p ? t->p : "";
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Owned strings for values that live on the control thread (dialogs, bindings). Never on the packet path. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/bytes.h"

/* p[0..n) plus a NUL; p is NULL when n is 0. Zero-initialised is the empty text. */
struct text {
	char *p;
	uint32_t n;
};

/* Replaces *t by a copy of b. 0 or -ENOMEM (*t is then unchanged). */
int text_set(struct text *t, struct bytes b) NODISCARD;
void text_clear(struct text *t);
/* The same of what may be a secret. */
void text_wipe(struct text *t);
struct bytes text_bytes(const struct text *t);
/* Never NULL. */
const char *text_str(const struct text *t);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON (RFC 8259) by hand, where a library's tree would cost too much. Reading is left to
 * jansson and base/flat.h.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/bytes.h"

/* Writes a string with its quotes. In text that is not UTF-8, '?' replaces each octet above 127. */
void json_write_text(struct writer *w, struct bytes text);

/* Well-formed by RFC 3629: nothing overlong, no surrogates, nothing above U+10FFFF. */
bool utf8_is(struct bytes text);

#endif

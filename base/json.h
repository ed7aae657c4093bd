/* SPDX-License-Identifier: Apache-2.0 */
/* JSON (RFC 8259) written by hand, where a library's tree would cost more than all the rest. Reading is jansson's, and that of base/flat.h. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/bytes.h"

/* A string with its quotes. Text from the wire that is not UTF-8 has '?' for each octet above 127. */
void json_write_text(struct writer *w, struct bytes text);

/* Well-formed by RFC 3629: nothing overlong, no surrogates, nothing above U+10FFFF. */
bool utf8_is(struct bytes text);

#endif

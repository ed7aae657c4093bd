/* SPDX-License-Identifier: Apache-2.0 */
/* base64url without padding (RFC 4648 5). */
#ifndef BASE_BASE64URL_H
#define BASE_BASE64URL_H

#include "base/bytes.h"

/* One text per value. Returns 0, or -EBADMSG if it is not base64url or longer than cap. */
int base64url_decode(struct bytes text, uint8_t *out, size_t cap, size_t *n) NODISCARD;
void base64url_write(struct writer *w, struct bytes octets);

#endif

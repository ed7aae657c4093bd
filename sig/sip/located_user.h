/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name that a phone proves to have, where it says its location as well: "286xatgnemx2" is extension 286 at location 2 (REG-32). The
 * address of record is 286 all the same. Pure.
 */
#ifndef SIG_SIP_LOCATED_USER_H
#define SIG_SIP_LOCATED_USER_H

#include "base/bytes.h"

#define LOCATED_MARK "xatgnemx"
enum { LOCATION_MAX = 65535 };

/* False: it says no location, and *extension is the whole. */
bool located_user_split(struct bytes user, struct bytes *extension, uint16_t *location);
void located_user_write(struct writer *w, struct bytes extension, uint16_t location);
/* "2": without zeros in front. 0 or -EINVAL. */
int location_read(struct bytes text, uint16_t *location) NODISCARD;

#endif

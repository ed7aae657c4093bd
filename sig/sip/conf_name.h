/* SPDX-License-Identifier: Apache-2.0 */
/* The user of the URI of a conference that has no number (RFC 4579 4.2): "conf-" and its id. Pure. */
#ifndef SIG_SIP_CONF_NAME_H
#define SIG_SIP_CONF_NAME_H

#include "base/bytes.h"

enum { CONF_NAME_MAX = 32 };

void conf_name_write(struct writer *w, uint64_t conference);
/* False: it is none. */
bool conf_name_get(struct bytes user, uint64_t *conference);

#endif

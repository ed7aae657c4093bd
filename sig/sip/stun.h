/* SPDX-License-Identifier: Apache-2.0 */
/* STUN binding as a keepalive on the SIP port (RFC 5626 3.5.2 and 8, RFC 8489). Pure. */
#ifndef SIG_SIP_STUN_H
#define SIG_SIP_STUN_H

#include "media/stun/stun.h"

enum { STUN_ANSWER_MAX = 128 };

/* The answer to a binding request from source. 0, or -EBADMSG: none is due. */
int stun_answer(struct writer *w, struct bytes request, const struct addr *source) NODISCARD;

#endif

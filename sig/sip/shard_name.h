/* SPDX-License-Identifier: Apache-2.0 */
/* Which shard a message is for, as far as it says so itself: our tags and branches begin with a call id, which begins with it. Pure. */
#ifndef SIG_SIP_SHARD_NAME_H
#define SIG_SIP_SHARD_NAME_H

#include "sig/sip/message.h"

/* By the branch of a response, the To tag of a request, the dialog that Replaces (RFC 3891), Join (RFC 3911) or Target-Dialog (RFC 4538) names,
 * or the conference that it is to. 0: it names none. Whether there is such a shard the caller knows. */
uint16_t shard_name(const struct sip_message *m);

#endif

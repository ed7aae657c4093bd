/* SPDX-License-Identifier: Apache-2.0 */
/* The request of a member to its focus by Refer-To (RFC 4579 5.5 to 5.11): to invite a target, or
 * to drop a member. Pure. */
#ifndef SIG_SIP_FOCUS_PARSE_H
#define SIG_SIP_FOCUS_PARSE_H

#include "sig/sip/message.h"

enum focus_deed {
	FOCUS_ADD,  /* method=INVITE, or none */
	FOCUS_DROP, /* method=BYE */
};

struct focus_wish {
	struct sip_uri uri;
	enum focus_deed deed;
	/* the call of that phone, as watchers are notified of it; 0: each one of the user */
	uint64_t member;
};

/* 0, -EINVAL, or -ENOTSUP: another method. */
int focus_parse(struct focus_wish *out, struct bytes refer_to) NODISCARD;

#endif

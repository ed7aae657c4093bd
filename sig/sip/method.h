/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIG_SIP_METHOD_H
#define SIG_SIP_METHOD_H

#include "base/bytes.h"

enum sip_method {
	SIP_INVITE,
	SIP_ACK,
	SIP_BYE,
	SIP_CANCEL,
	SIP_REGISTER,
	SIP_OPTIONS,
	SIP_INFO,
	SIP_PRACK,
	SIP_UPDATE,
	SIP_REFER,
	SIP_NOTIFY,
	SIP_SUBSCRIBE,
	SIP_PUBLISH,
	SIP_MESSAGE,
	SIP_UNKNOWN,
};

/* Case-sensitive (RFC 3261 7.1). */
enum sip_method sip_method_parse(struct bytes name);
const char *sip_method_name(enum sip_method method);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/method.h"

static const char *const g_names[] = {
	[SIP_INVITE] = "INVITE",   [SIP_ACK] = "ACK",           [SIP_BYE] = "BYE",
	[SIP_CANCEL] = "CANCEL",   [SIP_REGISTER] = "REGISTER", [SIP_OPTIONS] = "OPTIONS",
	[SIP_INFO] = "INFO",       [SIP_PRACK] = "PRACK",       [SIP_UPDATE] = "UPDATE",
	[SIP_REFER] = "REFER",     [SIP_NOTIFY] = "NOTIFY",     [SIP_SUBSCRIBE] = "SUBSCRIBE",
	[SIP_PUBLISH] = "PUBLISH", [SIP_MESSAGE] = "MESSAGE",   [SIP_UNKNOWN] = "unknown",
};

enum sip_method sip_method_parse(struct bytes name)
{
	for (unsigned i = 0; i < SIP_UNKNOWN; i++) {
		if (bytes_is(name, g_names[i]))
			return (enum sip_method)i;
	}
	return SIP_UNKNOWN;
}

const char *sip_method_name(enum sip_method method)
{
	return g_names[method];
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Parses Refer-To of a REFER to a conference focus (RFC 4579 5.5 to 5.11) into the requested
 * action: invite a URI, possibly with Replaces, or drop a member by method=BYE. Pure; the focus
 * (sig/pbx/focus.c) and the shard decide whether it is permitted. */

#include "sig/sip/focus_parse.h"

#include <errno.h>

#include "sig/sip/id.h"

static int focus_method(struct bytes params, enum focus_deed *deed)
{
	struct bytes method;

	*deed = FOCUS_ADD;
	if (!sip_param(params, "method", &method) || bytes_is(method, "INVITE"))
		return 0;
	*deed = FOCUS_DROP;
	return bytes_is(method, "BYE") ? 0 : -ENOTSUP;
}

int focus_parse(struct focus_wish *out, struct bytes refer_to)
{
	struct sip_name_addr to;
	struct bytes member;

	*out = (struct focus_wish){ .member = 0 };
	if (sip_name_addr_parse(&to, refer_to))
		return -EINVAL;
	out->uri = to.uri;
	if (sip_param(to.uri.params, "member", &member) &&
	    (id_call_get(member, &out->member) || !out->member))
		return -EINVAL;
	return focus_method(to.uri.params, &out->deed);
}

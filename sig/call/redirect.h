/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trunk says that a call is to be made elsewhere (3xx, RFC 3261 8.1.3.4). Its Contacts become ways of the same number (way.h), before those
 * of the route that were not tried: but only servers of trunks of the tenant, and numbers that whoever pays may call. The step of the trunk
 * that said so has the list, as text in the call's record: a successor goes on with it. A list of a call has few entries, and none is
 * asked twice, so nobody is sent in circles.
 */
#ifndef SIG_CALL_REDIRECT_H
#define SIG_CALL_REDIRECT_H

#include "sig/host/trunk_route.h"
#include "sig/model/start.h"

enum {
	REDIRECTS_MAX = 8, /* of a call */
	REDIRECTS_TEXT_MAX = REDIRECTS_MAX * (TRUNK_NAME_MAX + TRUNK_NUMBER_MAX + 2),
};

/* The last step's trunk says so: how many of its places may be asked. */
uint32_t redirect_take(const struct call_host *h, struct call *c, const struct sip_message *m);
/* The entry at *i, counted over all steps of the user from the last one back, and *i one further. False: there are no more. */
bool redirect_next(const struct call_host *h, const struct call *c, struct bytes user, uint32_t *i,
		   struct trunk_route_server *out);
/* What a record has is such a list. */
bool redirects_are_valid(struct bytes list);

#endif

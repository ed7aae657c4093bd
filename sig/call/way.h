/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ways out by trunks (sig/host/trunk_route.h). A user who is none of ours is a number outside: its step of the plan has one server of one
 * trunk, and the next step of the same number has the next. Which were tried is in the steps, so a successor goes on with the next one.
 */
#ifndef SIG_CALL_WAY_H
#define SIG_CALL_WAY_H

#include "sig/host/route_uri.h"
#include "sig/model/start.h"

/* The last step gets the first way of its user that is open and was not tried. 0; -ENOENT: no route has that number; -EBUSY: no way is
 * open; -ENOMEM. */
int way_choose(const struct call_host *h, struct call *c) NODISCARD;
/* A route has its user's number. */
bool way_is_known(const struct call_host *h, const struct call *c);
/* Whose calls go on to a number, or who gives somebody there: the number as it is asked for in his name. False: it is outside, and not for
 * him to call. */
bool way_dialled(const struct call_host *h, uint16_t tenant, struct bytes whose,
		 struct bytes number, char out[ROUTE_USER_MAX]);
/* A call would go outside in his name, and he may not call that number: operators hear of it. */
void way_is_barred(const struct call_host *h, const struct call *c, struct bytes whose,
		   struct bytes number);
/* Where the last step's server is. False: it is not there any more. */
bool way_target(const struct call_host *h, const struct call *c, struct call_target *out);
/* The last step's way has failed for that reason, which says nothing of who is called, nobody rang, and another one is open. */
bool way_goes_on(const struct call_host *h, const struct call *c, enum plan_why why);
/* Its server has said nothing at all yet: the leg that waits for it; LEG_NONE: it has, or it is no trunk's. */
uint8_t way_silent(const struct call *c);
/* The leg is the last step's. */
bool way_is_asked(const struct call *c, uint8_t leg);
/* When it is left for that. 0: not for that. */
uint64_t way_until_ns(const struct call_host *h, const struct call *c);
/* The leg's server has said something. */
void way_heard(struct call_host *h, struct call *c, uint8_t leg, uint16_t status);
/* Which way the call goes now, and that the one before it has failed. */
void way_tell(const struct call_host *h, const struct call *c);
/* A refusal says something of who is called: no other way is tried. */
bool way_is_final(uint16_t status);

#endif

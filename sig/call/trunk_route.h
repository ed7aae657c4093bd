/* SPDX-License-Identifier: Apache-2.0 */
/* Routes by trunks (sig/host/trunk_route.h). A user that is not ours is a number outside: its step
 * of the plan has one server of one trunk, and the next step of the same number has the next. The
 * steps record the attempts, so a successor continues with the next one. */
#ifndef SIG_CALL_TRUNK_ROUTE_H
#define SIG_CALL_TRUNK_ROUTE_H

#include "sig/host/route_uri.h"
#include "sig/host/trunk_route.h"
#include "sig/model/event.h"

/* The last step gets the first open and untried server of its user's route. REFUSED_NOT_FOUND: no
 * route has that number; REFUSED_TRUNK_AWAY: no server is open. */
enum refusal trunk_route_choose(const struct call_host *h, struct call *c) NODISCARD;
/* A route has its user's number. */
bool trunk_route_is_known(const struct call_host *h, const struct call *c);
/* The number as dialled for an extension (the third argument) that forwards or transfers a call
 * there. Returns false if it is outside and not permitted. */
bool trunk_route_dialled(const struct call_host *h, uint16_t tenant, struct bytes subject,
			 struct bytes number, char out[ROUTE_USER_MAX]);
/* A call in a user's name to a number outside that he may not call: reported to operators. */
void trunk_route_is_barred(const struct call_host *h, const struct call *c, struct bytes subject,
			   struct bytes number);
/* Where the server of a step of a trunk is. False: it is not there any more. */
bool trunk_route_target(const struct call_host *h, const struct call *c,
			const struct plan_step *step, struct call_target *out);
/* The step's server failed for a reason other than the callee's, no phone rang, and another server
 * is open. */
bool trunk_route_has_next(const struct call_host *h, const struct call *c, uint8_t step,
			  enum plan_why why);
/* The leg to a trunk's server that has sent no response yet; LEG_NONE: it has, or the step has no
 * trunk. */
uint8_t trunk_route_silent_leg(const struct call *c);
/* The leg is the last step's. */
bool trunk_route_is_leg(const struct call *c, uint8_t leg);
/* When it is left for that. 0: not for that. */
uint64_t trunk_route_until_ns(const struct call_host *h, const struct call *c);
/* The leg's server has responded. */
void trunk_route_on_response(struct call_host *h, struct call *c, uint8_t leg, uint16_t status);
/* Logs the server that is tried now, after the one before has failed. */
void trunk_route_log_next(const struct call_host *h, const struct call *c);
/* A refusal that is the callee's: no other server is tried. */
bool trunk_route_is_final(uint16_t status);

/* A trunk redirects a call (3xx, RFC 3261 8.1.3.4). Its Contacts become routes of the same number,
 * before the untried ones of the route: but only servers of trunks of the tenant, and numbers that
 * the payer may call. The step of that trunk has the list as text in the call's record: a successor
 * continues it. The list has few entries, and none is tried twice, so there are no loops. */

enum {
	REDIRECTS_MAX = 8, /* of a call */
	REDIRECTS_TEXT_MAX = REDIRECTS_MAX * (TRUNK_NAME_MAX + TRUNK_NUMBER_MAX + 2),
};

/* The last step's trunk says so: how many of its places may be asked. */
uint32_t redirect_on_response(const struct call_host *h, struct call *c,
			      const struct sip_message *m);
/* What a record has is such a list. */
bool redirects_are_valid(struct bytes list);

#endif

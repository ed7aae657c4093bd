/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/way.h"

#include <errno.h>

#include "base/log.h"
#include "sig/call/plan.h"
#include "sig/call/redirect.h"
#include "sig/host/room_terms.h"
#include "sig/host/security.h"
#include "sig/host/trunk_route.h"

static struct plan_step *trunk_route_step(const struct call *c)
{
	struct plan_step *last = c->plan.count ? &c->plan.steps[c->plan.count - 1] : NULL;

	return last && last->trunk.n ? last : NULL;
}

static bool was_tried_by(const struct call_host *h, const struct call *c, struct bytes user,
			 const struct trunk_route_server *route)
{
	const char *name = trunks_name(h->settings->trunks, route->trunk);

	for (uint8_t i = 0; i < c->plan.count; i++) {
		const struct plan_step *s = &c->plan.steps[i];

		if (s->trunk.n && s->server == route->server &&
		    bytes_is(text_bytes(&s->trunk), name) && bytes_eq(text_bytes(&s->user), user))
			return true;
	}
	return false;
}

static uint32_t trunk_route_turns(const struct call *c)
{
	return c->emergency ? 3 : 2;
}

/* In which turn it is asked: first those that are open, then those whose server seems down, which may be wrong; and for whoever calls for
 * help also those that are full. */
static bool trunk_route_may_try(const struct call_host *h, const struct trunk_route_server *route,
				uint32_t turn)
{
	switch (turn) {
	case 0:
		return route->open && !route->down;
	case 1:
		return route->open;
	default:
		return trunks_has(h->settings->trunks, route->trunk);
	}
}

/* Where a trunk has sent the call, and nobody was asked yet. */
static bool trunk_route_find_redirect(const struct call_host *h, const struct call *c,
				      struct bytes user, struct trunk_route_server *out)
{
	for (uint32_t turn = 0; turn < trunk_route_turns(c); turn++) {
		for (uint32_t i = 0; redirect_next(h, c, user, &i, out);) {
			if (trunk_route_may_try(h, out, turn))
				return true;
		}
	}
	return false;
}

/* Somebody has rung for that number: another way would ring a second time, but where that one has sent the call. */
static bool has_rung(const struct call *c, struct bytes user)
{
	for (uint8_t i = 0; i < c->plan.count; i++) {
		if (c->plan.steps[i].rang && bytes_eq(text_bytes(&c->plan.steps[i].user), user))
			return true;
	}
	return false;
}

/* The first that may be asked and was not tried. 0, -ENOENT or -EBUSY. */
static int trunk_route_find(const struct call_host *h, const struct call *c, struct bytes user,
			    struct trunk_route_server *out)
{
	struct trunk_route_server list[TRUNK_ROUTE_SERVERS_MAX];
	uint32_t n;

	if (trunk_route_find_redirect(h, c, user, out))
		return 0;
	if (has_rung(c, user))
		return -EBUSY;
	n = trunk_route(h->settings, c->tenant, user, c->id, list, COUNT_OF(list));
	for (uint32_t i = 0; i < n * trunk_route_turns(c); i++) {
		const struct trunk_route_server *route = &list[i % n];

		if (!trunk_route_may_try(h, route, i / n) || was_tried_by(h, c, user, route))
			continue;
		*out = *route;
		return 0;
	}
	return n ? -EBUSY : -ENOENT;
}

bool trunk_route_is_known(const struct call_host *h, const struct call *c)
{
	const struct plan_step *last = &c->plan.steps[c->plan.count - 1];
	struct trunk_route_server unused;

	return trunk_route(h->settings, c->tenant, text_bytes(&last->user), c->id, &unused, 1) != 0;
}

int trunk_route_choose(const struct call_host *h, struct call *c)
{
	struct plan_step *last = &c->plan.steps[c->plan.count - 1];
	struct trunk_route_server route;
	int err = trunk_route_find(h, c, text_bytes(&last->user), &route);

	if (err)
		return err;
	last->server = route.server;
	return text_set(&last->trunk, bytes_str(trunks_name(h->settings->trunks, route.trunk))) ||
			       text_set(&last->number, bytes_str(route.number))
		       ? -ENOMEM
		       : 0;
}

bool trunk_route_dialled(const struct call_host *h, uint16_t tenant, struct bytes whose,
			 struct bytes number, char out[ROUTE_USER_MAX])
{
	struct trunk_route_server unused;
	bool ours = !h->extension_of || h->extension_of(h->owner, tenant, number) ||
		    rooms_find(h->settings->rooms, tenant, number);
	enum dial_kind kind =
		!ours && h->dials ? h->dials(h->owner, tenant, whose, number, out) : DIAL_UNKNOWN;

	if (kind == DIAL_OUTSIDE || kind == DIAL_EMERGENCY || kind == DIAL_EXTENSION)
		return true;
	return kind != DIAL_BARRED &&
	       (ours || !trunk_route(h->settings, tenant, number, 0, &unused, 1)) &&
	       !bytes_cstr(number, out, ROUTE_USER_MAX);
}

/* What was said of the number that was called (RFC 4694) is true of no other one: not of where it was forwarded, or sent by a 3xx. */
static struct bytes trunk_route_portability(const struct call *c, const struct plan_step *last)
{
	const struct plan_step *first = &c->plan.steps[0];
	const struct leg *caller = call_caller(c);
	struct bytes value = { 0 };

	if (caller && first->trunk.n && last->from == PLAN_FIRST &&
	    bytes_eq(text_bytes(&first->number), text_bytes(&last->number)))
		(void)carried_find(text_bytes(&caller->carried), CARRIED_NUMBER, 0, &value);
	return value;
}

void trunk_route_is_barred(const struct call_host *h, const struct call *c, struct bytes whose,
			   struct bytes number)
{
	LOG_INFO("call", c->id, "a number outside is barred for who sends the call there",
		 LOG_BYTES("extension", whose), LOG_BYTES("number", number));
	if (h->security)
		security_event(h->security, SECURITY_BARRED, &call_caller(c)->dialog.hop.remote,
			       whose,
			       "a call was sent to a number outside that is barred for the "
			       "extension",
			       h->now.ns);
}

bool trunk_route_target(const struct call_host *h, const struct call *c, struct call_target *out)
{
	const struct plan_step *last = trunk_route_step(c);

	return last && h->trunk_route_target &&
	       h->trunk_route_target(h->owner, c->tenant, last, trunk_route_portability(c, last),
				     out);
}

void trunk_route_log_next(const struct call_host *h, const struct call *c)
{
	const struct plan_step *last = trunk_route_step(c), *before = last - 1;
	struct trunks *all = h->settings->trunks;

	trunks_count(all, trunks_find(all, c->tenant, text_bytes(&before->trunk)), TRUNK_FAILOVERS);
	LOG_INFO("call", c->id, "call goes another way out",
		 LOG_BYTES("to",
			   trunk_number_plain(h->settings, c->tenant, text_bytes(&last->user))),
		 LOG_BYTES("trunk", text_bytes(&last->trunk)), LOG_U64("server", last->server));
}

bool trunk_route_is_final(uint16_t status)
{
	return (status / 100 == 4 && status != 408) || status / 100 == 6;
}

bool trunk_route_has_next(const struct call_host *h, const struct call *c, enum plan_why why)
{
	const struct plan_step *last = trunk_route_step(c);
	struct trunk_route_server unused;

	return last && c->plan.count < PLAN_STEPS_MAX && !c->best.of_callee &&
	       (why == PLAN_UNREACHABLE || c->best.status == 408) &&
	       !trunk_route_find(h, c, text_bytes(&last->user), &unused);
}

bool trunk_route_is_leg(const struct call *c, uint8_t leg)
{
	const struct plan_step *last = trunk_route_step(c);
	const struct leg *l = c->legs[leg];

	return last && l->called && l->state == LEG_EARLY &&
	       bytes_eq(text_bytes(&l->trunk), text_bytes(&last->trunk));
}

uint8_t trunk_route_silent_leg(const struct call *c)
{
	for (uint8_t i = 0; trunk_route_step(c) && i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (l && l->called && l->trunk.n && l->state == LEG_EARLY && l->uac &&
		    l->uac->state < UAC_PROCEEDING)
			return i;
	}
	return LEG_NONE;
}

uint64_t trunk_route_until_ns(const struct call_host *h, const struct call *c)
{
	const struct plan_step *last = trunk_route_step(c);
	const struct trunk_settings *set;
	uint16_t trunk;

	if (!last || trunk_route_silent_leg(c) == LEG_NONE)
		return 0;
	trunk = trunks_find(h->settings->trunks, c->tenant, text_bytes(&last->trunk));
	set = trunks_settings(h->settings->trunks, trunk);
	return h->now.ns +
	       (set && set->answer_s ? set->answer_s : (uint64_t)TRUNK_ANSWER_S) * NS_PER_S;
}

void trunk_route_on_response(struct call_host *h, struct call *c, uint8_t leg, uint16_t status)
{
	struct plan_step *last = trunk_route_step(c);
	const struct leg *l = c->legs[leg];

	if (!last || !l->trunk.n || !l->called || l->state != LEG_EARLY)
		return;
	if (c->plan.until_ns && !last->rang && trunk_route_silent_leg(c) == LEG_NONE)
		plan_rings(h, c);
	if (status > 100 && status != 199 && !last->rang) {
		last->rang = true;
		outbox_touch(&c->out);
	}
}

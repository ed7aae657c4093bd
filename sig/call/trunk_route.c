/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of numbers outside by trunks (sig/host/trunk_route.h): each step of the plan tries one
 * server of one trunk, by rank and state, and the next step of the same number the next one. Also
 * the Contacts of a trunk's 3xx (RFC 3261 8.1.3.4), limited to the tenant's trunks and to numbers
 * that the payer may call. All attempts are in the plan's steps, so a successor continues with the
 * next one. */

#include "sig/call/trunk_route.h"

#include <string.h>

#include "base/log.h"
#include "sig/call/plan.h"
#include "sig/host/route_uri.h"
#include "sig/host/security.h"
#include "sig/host/settings.h"
#include "sig/host/tenant_tables.h"
#include "sig/host/trunk_route.h"
#include "sig/model/flow_run.h"
#include "sig/sip/uri.h"

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

/* The turn in which it is tried: first servers that are open, then those that seem down, which may
 * be wrong; for emergency calls also full ones. */
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

struct redirect {
	struct bytes trunk, number;
	uint8_t server;
};

/* Neither a separator nor what no record may have. */
static bool is_word(struct bytes text, size_t cap)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] <= ' ' || text.p[i] >= 0x7f || text.p[i] == ',')
			return false;
	}
	return text.n > 0 && text.n < cap;
}

/* 1: *out is the next one; 0: the end; -1: it is no list. */
static int redirect_cut(struct bytes *list, struct redirect *out)
{
	struct bytes one, server;
	uint32_t number = 0;

	if (!bytes_cut(list, ',', &one))
		return 0;
	if (!bytes_cut(&one, ' ', &out->trunk) || !bytes_cut(&one, ' ', &server) ||
	    bytes_u32(server, &number) || number >= TRUNK_SERVERS_MAX)
		return -1;
	out->server = (uint8_t)number;
	out->number = one;
	return is_word(out->trunk, TRUNK_NAME_MAX) && is_word(out->number, TRUNK_NUMBER_MAX) ? 1
											     : -1;
}

static bool was_asked_for(const struct call *c, const char *trunk, uint8_t server,
			  const char *number)
{
	for (uint8_t i = 0; i < c->plan.count; i++) {
		const struct plan_step *s = &c->plan.steps[i];

		if (s->server == server && bytes_is(text_bytes(&s->trunk), trunk) &&
		    bytes_is(text_bytes(&s->number), number))
			return true;
	}
	return false;
}

struct redirects {
	struct {
		struct trunk_route_server route;
		uint16_t q;
	} list[REDIRECTS_MAX];
	uint32_t count;
};

static bool redirect_fill_route(const struct call_host *h, const struct call *c,
				const struct redirect *r, struct trunk_route_server *out)
{
	const struct trunks *all = h->settings->trunks;
	uint16_t trunk = trunks_find(all, c->tenant, r->trunk);

	*out = (struct trunk_route_server){ .trunk = trunk,
					    .server = r->server,
					    .open = trunk_is_open(all, trunk),
					    .down = !trunks_is_up(all, trunk, r->server) };
	return trunk != TRUNK_NONE && !bytes_cstr(r->number, out->number, sizeof(out->number)) &&
	       !was_asked_for(c, trunks_name(all, trunk), r->server, out->number);
}

/* The entry at *i, counted over all steps of the user from the last one back; advances *i. Returns
 * false at the end. */
static bool redirect_next(const struct call_host *h, const struct call *c, struct bytes user,
			  uint32_t *i, struct trunk_route_server *out)
{
	uint32_t at = 0;

	for (uint8_t step = c->plan.count; step-- > 0;) {
		const struct plan_step *s = &c->plan.steps[step];
		struct bytes list = text_bytes(&s->redirects);
		struct redirect one;

		if (!bytes_eq(text_bytes(&s->user), user))
			continue;
		while (redirect_cut(&list, &one) == 1) {
			if (at++ < *i || !redirect_fill_route(h, c, &one, out))
				continue;
			*i = at;
			return true;
		}
	}
	return false;
}

/* The next untried target of a trunk's redirection. */
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

/* A phone has rung for that number: another route would ring it again, except a redirection by that
 * trunk. */
static bool has_rung(const struct call *c, struct bytes user)
{
	for (uint8_t i = 0; i < c->plan.count; i++) {
		if (c->plan.steps[i].rang && bytes_eq(text_bytes(&c->plan.steps[i].user), user))
			return true;
	}
	return false;
}

/* The URI is literal in a flow: neither caller nor callee supplied it. The flow refuses a caller's
 * input (sig/pbx/flow/flow.c). */
static bool uri_is_of_flow(const struct call *c)
{
	return flow_has_caller(c) && c->plan.steps[c->plan.count - 1].from == PLAN_FIRST;
}

/* A name, as which no number of a class goes out. */
static bool uri_user_is_name(const char *user)
{
	bool letter = (*user >= 'a' && *user <= 'z') || (*user >= 'A' && *user <= 'Z');

	for (const char *at = user; *at; at++) {
		if (!(*at >= '0' && *at <= '9') && !(*at >= 'a' && *at <= 'z') &&
		    !(*at >= 'A' && *at <= 'Z') && !strchr("._-", *at))
			return false;
	}
	return letter;
}

/* The servers of the tenant's trunks with the host of a SIP URI, if their document permits it.
 * Returns how many of cap were filled. */
static uint32_t trunk_route_of_uri(const struct call_host *h, const struct call *c,
				   struct bytes text, struct trunk_route_server *out, uint32_t cap)
{
	const struct trunks *all = h->settings->trunks;
	char user[TRUNK_NUMBER_MAX];
	struct subscriber who;
	struct sip_uri uri;
	uint32_t n = 0;

	if (!bytes_starts(text, "sip:") || !uri_is_of_flow(c) || sip_uri_parse(&uri, text))
		return 0;
	who = subscriber_of(&uri);
	if (subscriber_text(&who, user, sizeof(user)) || !uri_user_is_name(user))
		return 0;
	for (uint16_t trunk = 0; trunks_next(all, &trunk); trunk++) {
		const struct trunk_settings *set = trunks_settings(all, trunk);

		for (uint8_t i = 0; set && set->tenant == c->tenant && i < set->server_count; i++) {
			if (n == cap || !bytes_iis(uri.host, set->servers[i].host) ||
			    (uri.port && uri.port != set->servers[i].port))
				continue;
			out[n] =
				(struct trunk_route_server){ .trunk = trunk,
							     .server = i,
							     .open = trunk_is_open(all, trunk),
							     .down = !trunks_is_up(all, trunk, i) };
			(void)bytes_cstr(bytes_str(user), out[n].number, sizeof(out[n].number));
			n++;
		}
	}
	return n;
}

/* The first that may be asked and was not tried. */
static enum refusal trunk_route_find(const struct call_host *h, const struct call *c,
				     struct bytes user, struct trunk_route_server *out)
{
	struct trunk_route_server list[TRUNK_ROUTE_SERVERS_MAX];
	uint32_t n;

	if (trunk_route_find_redirect(h, c, user, out))
		return 0;
	if (has_rung(c, user))
		return REFUSED_TRUNK_AWAY;
	n = trunk_route_of_uri(h, c, user, list, COUNT_OF(list));
	if (!n)
		n = trunk_route(h->settings, c->tenant, user, c->id, list, COUNT_OF(list));
	for (uint32_t i = 0; i < n * trunk_route_turns(c); i++) {
		const struct trunk_route_server *route = &list[i % n];

		if (!trunk_route_may_try(h, route, i / n) || was_tried_by(h, c, user, route))
			continue;
		*out = *route;
		return 0;
	}
	return n ? REFUSED_TRUNK_AWAY : REFUSED_NOT_FOUND;
}

bool trunk_route_is_known(const struct call_host *h, const struct call *c)
{
	const struct plan_step *last = &c->plan.steps[c->plan.count - 1];
	struct trunk_route_server unused;

	return trunk_route_of_uri(h, c, text_bytes(&last->user), &unused, 1) ||
	       trunk_route(h->settings, c->tenant, text_bytes(&last->user), c->id, &unused, 1);
}

enum refusal trunk_route_choose(const struct call_host *h, struct call *c)
{
	struct plan_step *last = &c->plan.steps[c->plan.count - 1];
	struct trunk_route_server route;
	enum refusal refused = trunk_route_find(h, c, text_bytes(&last->user), &route);

	if (refused)
		return refused;
	last->server = route.server;
	return text_set(&last->trunk, bytes_str(trunks_name(h->settings->trunks, route.trunk))) ||
			       text_set(&last->number, bytes_str(route.number))
		       ? REFUSED_MEMORY
		       : REFUSED_NOT;
}

bool trunk_route_dialled(const struct call_host *h, uint16_t tenant, struct bytes subject,
			 struct bytes number, char out[ROUTE_USER_MAX])
{
	struct trunk_route_server unused;
	bool ours = h->services->directory->extension(h->owner, tenant, number) ||
		    rooms_find(h->settings->rooms, tenant, number);
	enum dial_kind kind =
		ours ? DIAL_UNKNOWN
		     : h->services->trunks->classify(h->owner, tenant, subject, number, out);

	if (kind == DIAL_OUTSIDE || kind == DIAL_EMERGENCY || kind == DIAL_EXTENSION)
		return true;
	return kind != DIAL_BARRED &&
	       (ours || !trunk_route(h->settings, tenant, number, 0, &unused, 1)) &&
	       !bytes_cstr(number, out, ROUTE_USER_MAX);
}

/* Portability data of the called number (RFC 4694) apply to no other one: not to a forward, nor a
 * target of a 3xx. */
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

void trunk_route_is_barred(const struct call_host *h, const struct call *c, struct bytes subject,
			   struct bytes number)
{
	LOG_INFO("call", c->id,
		 "a number outside is barred for the extension that sends the call there",
		 LOG_BYTES("extension", subject), LOG_BYTES("number", number));
	if (h->security)
		security_event(h->security, SECURITY_BARRED, &call_caller(c)->dialog.hop.remote,
			       subject,
			       "a call was sent to a number outside that is barred for the "
			       "extension",
			       h->now.ns);
}

bool trunk_route_target(const struct call_host *h, const struct call *c,
			const struct plan_step *step, struct call_target *out)
{
	return h->services->trunks->target(h->owner, c->tenant, step,
					   trunk_route_portability(c, step), out);
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

bool trunk_route_has_next(const struct call_host *h, const struct call *c, uint8_t step,
			  enum plan_why why)
{
	const struct plan_step *p = &c->plan.steps[step];
	struct trunk_route_server unused;

	return p->trunk.n && c->plan.count < PLAN_STEPS_MAX && !c->best.of_callee &&
	       (why == PLAN_UNREACHABLE || c->best.status == 408) &&
	       !trunk_route_find(h, c, text_bytes(&p->user), &unused);
}

bool trunk_route_is_leg(const struct call *c, uint8_t leg)
{
	const struct plan_step *last = trunk_route_step(c);
	const struct leg *l = c->legs[leg];

	return last && l->outbound && l->state == LEG_EARLY &&
	       bytes_eq(text_bytes(&l->trunk), text_bytes(&last->trunk));
}

uint8_t trunk_route_silent_leg(const struct call *c)
{
	for (uint8_t i = 0; trunk_route_step(c) && i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (l && l->outbound && l->trunk.n && l->state == LEG_EARLY && l->uac &&
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

	if (!last || !l->trunk.n || !l->outbound || l->state != LEG_EARLY)
		return;
	if (c->plan.until_ns && !last->rang && trunk_route_silent_leg(c) == LEG_NONE)
		plan_start_ringing(h, c);
	if (status > 100 && status != 199 && !last->rang) {
		last->rang = true;
		outbox_touch(&c->out);
	}
}

/* ---- the list: "trunk server number", joined by ',' ---- */

static uint32_t redirects_count(struct bytes list)
{
	struct redirect unused;
	uint32_t n = 0;

	while (redirect_cut(&list, &unused) == 1)
		n++;
	return n;
}

bool redirects_are_valid(struct bytes list)
{
	struct redirect one;
	uint32_t n = 0;
	int got;

	while ((got = redirect_cut(&list, &one)) == 1)
		n++;
	return got == 0 && n <= REDIRECTS_MAX;
}

/* ---- what may be asked ---- */

/* The user that dialled, or that forwarded the call outside. */
static struct bytes who_pays(const struct call *c, const struct plan_step *step)
{
	return step->from == PLAN_FIRST ? text_bytes(&call_caller(c)->user)
					: text_bytes(&c->plan.steps[step->from].user);
}

/* The dial plan has judged that number, and none behind an access code or changed by a rule. */
static bool is_judged(const struct call_host *h, const struct call *c, const char *number,
		      const char *judged)
{
	struct bytes plain = trunk_number_plain(h->settings, c->tenant, bytes_str(judged));
	char international[DIAL_NUMBER_MAX];

	dial_number_international(dial_plans_of(h->settings->dials, c->tenant), bytes_str(number),
				  international);
	return bytes_is(plain, number) || bytes_is(plain, international);
}

/* The number requested, or one that the payer may call: a trunk makes no calls at the cost of
 * others. */
static bool may_be_called(const struct call_host *h, const struct call *c,
			  const struct plan_step *step, const char *number)
{
	char judged[DIAL_NUMBER_MAX];
	enum dial_kind kind;

	if (bytes_is(text_bytes(&step->number), number) ||
	    bytes_is(text_bytes(&step->user), number) || c->emergency)
		return true;
	if (h->services->directory->extension(h->owner, c->tenant, bytes_str(number)))
		return false;
	kind = h->services->trunks->classify(h->owner, c->tenant, who_pays(c, step),
					     bytes_str(number), judged);
	if (kind == DIAL_BARRED)
		trunk_route_is_barred(h, c, who_pays(c, step), bytes_str(number));
	return kind == DIAL_OUTSIDE && is_judged(h, c, number, judged);
}

/* Servers of the trunk itself come first. */
static bool server_find(const struct call_host *h, const struct call *c, uint16_t by,
			const struct sip_uri *uri, struct trunk_route_server *out)
{
	const struct trunks *all = h->settings->trunks;
	const struct trunk_settings *set = trunks_settings(all, by);
	bool any = set && set->redirects == TRUNK_REDIRECTS_TRUNKS;

	*out = (struct trunk_route_server){ .trunk = by };
	if (!set || set->redirects == TRUNK_REDIRECTS_OFF)
		return false;
	if (trunk_server_named(set, uri, &out->server))
		return true;
	for (out->trunk = TRUNK_NONE; any && trunks_next(all, &out->trunk); out->trunk++) {
		set = trunks_settings(all, out->trunk);
		if (set->tenant == c->tenant && trunks_has(all, out->trunk) &&
		    set->directions & TRUNK_OUT && trunk_server_named(set, uri, &out->server))
			return true;
	}
	return false;
}

/* A Contact that may be asked. False: *why not. */
static bool contact_resolve(const struct call_host *h, const struct call *c, uint16_t by,
			    const struct sip_uri *uri, struct trunk_route_server *out,
			    enum refusal *why)
{
	const struct plan_step *last = &c->plan.steps[c->plan.count - 1];
	char number[ROUTE_USER_MAX];

	*why = REFUSED_REDIRECT;
	if (!uri->host.n || route_user(uri, number) != ROUTE_OK ||
	    !is_word(bytes_str(number), TRUNK_NUMBER_MAX) || !server_find(h, c, by, uri, out) ||
	    !may_be_called(h, c, last, number))
		return false;
	(void)bytes_cstr(bytes_str(number), out->number, sizeof(out->number));
	*why = REFUSED_LOOP;
	return !was_asked_for(c, trunks_name(h->settings->trunks, out->trunk), out->server, number);
}

/* ---- in their order ---- */

/* The highest q first, equal ones as they are written. */
static void redirects_add(struct redirects *r, uint32_t cap, const struct trunk_route_server *route,
			  uint16_t q)
{
	uint32_t i = r->count;

	if (r->count >= cap)
		return;
	for (r->count++; i && r->list[i - 1].q < q; i--)
		r->list[i] = r->list[i - 1];
	r->list[i].route = *route;
	r->list[i].q = q;
}

static int redirects_keep(const struct call_host *h, struct plan_step *step,
			  const struct redirects *r)
{
	char space[REDIRECTS_TEXT_MAX];
	struct writer w = writer_over(space, sizeof(space));

	for (uint32_t i = 0; i < r->count; i++) {
		const struct trunk_route_server *route = &r->list[i].route;

		writer_fmt(&w, "%s%s %u %s", i ? "," : "",
			   trunks_name(h->settings->trunks, route->trunk), route->server,
			   route->number);
	}
	return w.overflow || !redirects_are_valid(writer_done(&w)) ||
	       text_set(&step->redirects, writer_done(&w));
}

static uint32_t redirects_left(const struct call *c)
{
	uint32_t n = 0;

	for (uint8_t i = 0; i < c->plan.count; i++)
		n += redirects_count(text_bytes(&c->plan.steps[i].redirects));
	return n < REDIRECTS_MAX ? REDIRECTS_MAX - n : 0;
}

uint32_t redirect_on_response(const struct call_host *h, struct call *c,
			      const struct sip_message *m)
{
	struct plan_step *last = &c->plan.steps[c->plan.count - 1];
	uint16_t by = trunks_find(h->settings->trunks, c->tenant, text_bytes(&last->trunk));
	uint32_t cap = redirects_left(c);
	struct redirects found = { .count = 0 };
	struct sip_name_addr contact;
	unsigned cursor = 0;

	for (unsigned i = 0; i < REDIRECTS_MAX; i++) {
		uint16_t q = SIP_Q_MAX;
		enum refusal why;
		struct trunk_route_server route;
		struct bytes value;

		if (message_name_addr_next(m, "Contact", &cursor, &contact) != 1)
			break;
		if (sip_param(contact.params, "q", &value) && sip_q_parse(&q, value))
			q = 0;
		if (contact_resolve(h, c, by, &contact.uri, &route, &why))
			redirects_add(&found, cap, &route, q);
		else
			txns_refuse_for(h->txns, why);
	}
	if (redirects_keep(h, last, &found))
		found.count = 0;
	LOG_INFO("call", c->id, "a trunk sends the call elsewhere",
		 LOG_BYTES("trunk", text_bytes(&last->trunk)), LOG_U64("status", m->status),
		 LOG_U64("places", found.count));
	return found.count;
}

/* ---- what is left ---- */

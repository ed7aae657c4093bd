/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/redirect.h"

#include "base/log.h"
#include "sig/call/plan.h"
#include "sig/call/way.h"
#include "sig/host/dial_plans.h"
#include "sig/host/route_uri.h"

/* ---- the list: "trunk server number", joined by ',' ---- */

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

/* Whoever dialled, or sent the call outside. */
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

/* The number that it was asked for, or one that may be called by who pays for it: a trunk calls nobody at the cost of others. */
static bool may_be_called(const struct call_host *h, const struct call *c,
			  const struct plan_step *step, const char *number)
{
	char judged[DIAL_NUMBER_MAX];
	enum dial_kind kind;

	if (bytes_is(text_bytes(&step->number), number) ||
	    bytes_is(text_bytes(&step->user), number) || c->emergency)
		return true;
	if ((h->extension_of && h->extension_of(h->owner, c->tenant, bytes_str(number))) ||
	    !h->dials)
		return false;
	kind = h->dials(h->owner, c->tenant, who_pays(c, step), bytes_str(number), judged);
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

/* A Contact that may be asked. False: *why not. */
static bool contact_take(const struct call_host *h, const struct call *c, uint16_t by,
			 const struct sip_uri *uri, struct trunk_route_server *out,
			 enum sig_refused *why)
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

struct redirects {
	struct {
		struct trunk_route_server route;
		uint16_t q;
	} list[REDIRECTS_MAX];
	uint32_t count;
};

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

uint32_t redirect_take(const struct call_host *h, struct call *c, const struct sip_message *m)
{
	struct plan_step *last = &c->plan.steps[c->plan.count - 1];
	uint16_t by = trunks_find(h->settings->trunks, c->tenant, text_bytes(&last->trunk));
	uint32_t cap = redirects_left(c);
	struct redirects found = { .count = 0 };
	struct sip_name_addr contact;
	unsigned cursor = 0;

	for (unsigned i = 0; i < REDIRECTS_MAX; i++) {
		uint16_t q = SIP_Q_MAX;
		enum sig_refused why;
		struct trunk_route_server route;
		struct bytes value;

		if (message_name_addr_next(m, "Contact", &cursor, &contact) != 1)
			break;
		if (sip_param(contact.params, "q", &value) && sip_q_parse(&q, value))
			q = 0;
		if (contact_take(h, c, by, &contact.uri, &route, &why))
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

bool redirect_next(const struct call_host *h, const struct call *c, struct bytes user, uint32_t *i,
		   struct trunk_route_server *out)
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

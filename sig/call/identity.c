/* SPDX-License-Identifier: Apache-2.0 */
/* Caller and connected identity between the legs of a call: what a party states of itself
 * (sig/identity/carried.h) is kept with its leg, and told to the other legs as far as the policy of
 * their side and the party's privacy allow (RFC 3323, RFC 3325). Also geolocation (RFC 6442), and
 * the history of a diverted call in the format its receiver supports (RFC 5806, RFC 7044, RFC
 * 7544). Called for each INVITE, response and UPDATE that is written. */

#include <errno.h>

#include "base/log.h"
#include "sig/call/identity.h"
#include "sig/call/plan.h"
#include "sig/dial/pattern.h"
#include "sig/host/settings.h"
#include "sig/host/tenant_tables.h"
#include "sig/host/trunk_route.h"
#include "sig/identity/carried.h"
#include "sig/identity/pidf.h"
#include "sig/leg/leg.h"
#include "sig/model/flow_run.h"
#include "sig/model/leg.h"
#include "sig/sip/uri.h"

struct identity_policy identity_of(const struct call_host *h, const struct leg *leg)
{
	return h->services->identity->policy(h->owner, leg);
}

static struct bytes lines_of(const struct leg *leg)
{
	return leg ? text_bytes(&leg->carried) : (struct bytes){ 0 };
}

/* ---- identities that are trusted ---- */

static bool is_of_ours(const struct call_host *h, const struct call *c, struct bytes user)
{
	return user.n && h->services->directory->extension(h->owner, c->tenant, user);
}

static void write_own_name(struct writer *w, struct bytes display, struct bytes user,
			   const struct addr *host)
{
	writer_str(w, "P-Asserted-Identity: ");
	dialog_write_name(w, display, user, host);
	writer_str(w, "\r\n");
}

/* From now on its From is anonymous wherever the call goes: its identity would be lost. */
static void write_hidden(struct writer *w, const struct call_host *h, const struct leg *l,
			 const struct call_start *s, struct bytes taken)
{
	struct bytes user;

	if (s->self.number.n && !carried_number(taken, &user))
		write_own_name(w, s->display, s->self.number,
			       &h->settings->locals[l->dialog.hop.local].advertise);
	if (!carried_privacy(taken))
		writer_str(w, "Privacy: id\r\n");
	writer_bytes(w, taken);
}

/* A name that cannot be repeated, or too much else, is no reason to name who wants to be hidden. */
static int keep_hidden(struct leg *l, struct bytes lines)
{
	return text_set(&l->carried,
			carried_is_valid(lines) ? lines : BYTES_LIT("Privacy: user;id\r\n"));
}

/* No caller from outside may claim an extension. */
static bool claims_ours(const struct call_host *h, const struct call *c, const struct leg *l,
			struct bytes lines)
{
	struct sip_name_addr a;
	struct bytes value;

	for (unsigned i = 0; leg_is_trunk(l) && carried_find(lines, CARRIED_ASSERTED, i, &value);
	     i++) {
		if (!sip_name_addr_parse(&a, value) && is_of_ours(h, c, subscriber_of(&a.uri).name))
			return true;
	}
	return false;
}

int identity_on_invite(struct call_host *h, struct call *c, const struct call_start *s)
{
	uint8_t space[CARRIED_MAX];
	struct writer taken = writer_over(space, sizeof(space));
	struct writer w = writer_over(h->extra, HOST_EXTRA);
	struct leg *l = call_caller(c);
	struct identity_policy p = identity_of(h, l);

	carried_read(&taken, s->invite, &p, &s->self);
	if (claims_ours(h, c, l, writer_done(&taken))) {
		p.takes &= (uint16_t) ~(1U << CARRIED_ASSERTED);
		taken.n = 0;
		carried_read(&taken, s->invite, &p, &s->self);
	}
	if (!s->anonymous && !privacy_hides_name(carried_privacy(writer_done(&taken))))
		return text_set(&l->carried, writer_done(&taken));
	write_hidden(&w, h, l, s, writer_done(&taken));
	return keep_hidden(l, writer_done(&w));
}

int identity_show(const struct call_host *h, struct leg *l, struct bytes number)
{
	struct writer w = writer_over(h->extra, HOST_EXTRA);

	write_own_name(&w, (struct bytes){ 0 }, number,
		       &h->settings->locals[l->dialog.hop.local].advertise);
	return text_set(&l->carried, writer_done(&w));
}

void identity_learn(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m)
{
	struct writer w = writer_over(h->extra, HOST_EXTRA);
	struct leg *l = c->legs[leg];
	struct identity_policy p = identity_of(h, l);
	struct bytes value;

	if (!message_header(m, "P-Asserted-Identity", 0, &value) &&
	    !message_header(m, "Privacy", 0, &value) &&
	    !message_header(m, "Remote-Party-ID", 0, &value))
		return;
	carried_renew(&w, lines_of(l), m, &p);
	if (claims_ours(h, c, l, writer_done(&w)))
		return;
	if (!bytes_eq(writer_done(&w), lines_of(l)) && carried_is_valid(writer_done(&w)) &&
	    !text_set(&l->carried, writer_done(&w)))
		outbox_touch(&c->out);
}

/* ---- what is told ---- */

bool identity_is_hidden(const struct call *c, const struct leg *leg)
{
	return !c->emergency && privacy_hides_name(carried_privacy(lines_of(leg)));
}

static const struct shard_forward *identity_forward(const struct call_host *h, const struct call *c,
						    const struct leg *who)
{
	return h->services->directory->forward(h->owner, c->tenant, text_bytes(&who->user));
}

bool identity_may_show(const struct call_host *h, const struct call *c, const struct leg *l,
		       struct bytes number)
{
	const struct shard_forward *f = identity_forward(h, c, l);

	return f && bytes_list_has(bytes_str(f->outside_numbers), number);
}

bool identity_is_chosen(const struct call_host *h, const struct call *c, const struct leg *l)
{
	struct bytes wish;

	return carried_number(lines_of(l), &wish) && identity_may_show(h, c, l, wish);
}

/* The number that an extension asked to be shown, if permitted; else the one configured. Empty:
 * neither. */
static struct bytes number_chosen(const struct call_host *h, const struct call *c,
				  const struct leg *who)
{
	const struct shard_forward *f = identity_forward(h, c, who);
	struct bytes wish;

	if (identity_is_chosen(h, c, who) && carried_number(lines_of(who), &wish))
		return wish;
	return bytes_str(f ? f->outside_number : NULL);
}

/* The number that a flow shows to the targets of its dial instead of the caller's. Empty: none. */
static struct bytes number_of_flow(const struct call *c, const struct leg *to,
				   const struct leg *who)
{
	struct bytes shows = c->run ? text_bytes(&c->run->shows) : (struct bytes){ 0 };
	struct sip_name_addr as;

	if (!shows.n || who != call_caller(c) || !to->outbound)
		return (struct bytes){ 0 };
	if (flow_has_caller(c) || (!sip_name_addr_parse(&as, text_bytes(&to->dialog.local)) &&
				   bytes_eq(as.uri.user, shows)))
		return shows;
	return (struct bytes){ 0 };
}

/* MGT-09: an extension has another number outside, and a trunk may show some numbers alone. */
static void number_outside(const struct call_host *h, const struct call *c, const struct leg *to,
			   const struct leg *who, struct bytes *shown)
{
	const struct trunk_settings *set = trunks_settings(h->settings->trunks, to->channel);
	struct pattern best;
	struct bytes chosen;

	if (!set)
		return;
	if (c->emergency && who->callback.n) {
		*shown = text_bytes(&who->callback);
	} else if (number_of_flow(c, to, who).n) {
		*shown = number_of_flow(c, to, who);
	} else if (is_of_ours(h, c, text_bytes(&who->user))) {
		chosen = number_chosen(h, c, who);
		if (!chosen.n)
			chosen = bytes_str(set->caller_id);
		*shown = chosen.n ? chosen : text_bytes(&who->user);
	}
	if (set->caller_ids[0] &&
	    !pattern_list_match(bytes_str(set->caller_ids), *shown, &best).whole)
		*shown = set->caller_id[0] ? bytes_str(set->caller_id) : BYTES_LIT("anonymous");
}

bool identity_of_sent_on(const struct call_host *h, const struct call *c, const struct leg *to,
			 const struct plan_step *step, struct bytes *number)
{
	const struct trunk_settings *set = trunks_settings(h->settings->trunks, to->channel);
	struct bytes user = text_bytes(&step->user);
	const struct shard_forward *f = h->services->directory->forward(h->owner, c->tenant, user);
	struct pattern best;

	*number = trunk_number_plain(h->settings, c->tenant, user);
	if (!leg_is_trunk(to) || step->trunk.n)
		return true;
	*number = bytes_str(f ? f->outside_number : NULL);
	if (set &&
	    (!number->n || (set->caller_ids[0] &&
			    !pattern_list_match(bytes_str(set->caller_ids), *number, &best).whole)))
		*number = bytes_str(set->caller_id);
	return number->n != 0;
}

/* A call back goes by the trunk of the call (CALL-39): with its access code in front. */
static void number_with_access(const struct call_host *h, const struct leg *asker,
			       struct bytes *shown, char space[IDENTITY_SHOWN_MAX])
{
	const struct trunk_settings *set = trunks_settings(h->settings->trunks, asker->channel);
	struct writer w = writer_over(space, IDENTITY_SHOWN_MAX);

	if (!set || !set->access[0] || !leg_is_trunk(asker) || asker->outbound)
		return;
	for (size_t i = 0; i < shown->n; i++) {
		if (!(shown->p[i] >= '0' && shown->p[i] <= '9') && (i || shown->p[i] != '+'))
			return; /* no number */
	}
	writer_str(&w, set->access);
	writer_bytes(&w, *shown);
	if (!w.overflow)
		*shown = writer_done(&w);
}

void identity_of_caller(const struct call_host *h, const struct call *c, struct bytes *number,
			char space[IDENTITY_SHOWN_MAX])
{
	const struct leg *caller = call_caller(c);

	number_with_access(h, caller, number, space);
	if (identity_is_hidden(c, caller))
		*number = BYTES_LIT("anonymous");
}

/* A book of the tenant or of a user has given the caller his name. */
static bool identity_is_contact(const struct call *c, const struct leg *who)
{
	struct bytes name = call_data_get(c, BYTES_LIT(CONTACT_NAME_TAG));

	return name.n && who == call_caller(c) && leg_is_trunk(who) &&
	       bytes_eq(name, text_bytes(&c->display));
}

void identity_of_asker(const struct call_host *h, const struct call *c, const struct leg *leg,
		       struct dialog_party *party, char space[IDENTITY_SHOWN_MAX])
{
	const struct leg *asker = c->legs[leg->uac->from];
	bool shows = number_of_flow(c, leg, asker).n;

	/* A carrier is not told a name that comes from a contact book. */
	if (leg_is_trunk(leg) && identity_is_contact(c, asker))
		party->local_display = (struct bytes){ 0 };
	if (leg_is_trunk(leg))
		number_outside(h, c, leg, asker, &party->local_user);
	else if (!shows && leg->user.n && party->hop.transport != SIP_INTER_SHARD)
		number_with_access(h, asker, &party->local_user, space);
	if (party->hop.transport == SIP_INTER_SHARD || !identity_is_hidden(c, asker))
		return;
	if (shows) { /* that is not who hides */
		party->local_display = (struct bytes){ 0 };
		return;
	}
	party->local_display = BYTES_LIT("Anonymous"); /* RFC 3323 4.1.1.3 */
	party->local_user = BYTES_LIT("anonymous");
	party->local_host = BYTES_LIT("anonymous.invalid");
}

struct telling {
	struct writer *w;
	const struct call_host *h;
	const struct call *c;
	const struct leg *to, *who;
	struct identity_policy policy;
	struct bytes shows;          /* a number instead of the own one */
	bool hidden;                 /* not to be named */
	char own[ADDR_TEXT_MAX + 1]; /* our host and port, as its party knows it */
};

static bool telling_open(struct telling *t, struct writer *w, const struct call_host *h,
			 const struct call *c, uint8_t leg, uint8_t who)
{
	struct writer own;

	*t = (struct telling){
		.w = w, .h = h, .c = c, .to = c->legs[leg], .who = call_leg(c, who)
	};
	if (!t->who || who == leg)
		return false;
	own = writer_over(t->own, sizeof(t->own) - 1);
	addr_write(&own, &h->settings->locals[t->to->dialog.hop.local].advertise);
	t->policy = identity_of(h, t->to);
	t->shows = number_of_flow(c, t->to, t->who);
	t->hidden = !t->shows.n && identity_is_hidden(c, t->who);
	return true;
}

static void identity_line_write(struct telling *t, struct bytes name, struct bytes value)
{
	writer_bytes(t->w, name);
	writer_str(t->w, ": ");
	if (t->to->dialog.hop.transport == SIP_INTER_SHARD)
		writer_bytes(t->w, value);
	else
		carried_write_hidden(t->w, value, bytes_str(t->own));
	writer_str(t->w, "\r\n");
}

/* A user of ours that no peer asserted is asserted by us: by his password, or since he was called
 * by his number. */
static void identity_own_user_write(struct telling *t)
{
	struct bytes user = text_bytes(&t->who->user);
	const struct dialog *d = &t->to->dialog;
	struct sip_name_addr as;
	struct bytes display = { 0 };

	if (!t->shows.n && !is_of_ours(t->h, t->c, user))
		return;
	if (t->shows.n)
		user = t->shows;
	else if (leg_is_trunk(t->to))
		number_outside(t->h, t->c, t->to, t->who, &user);
	if (!sip_name_addr_parse(&as, text_bytes(&d->local)) && bytes_eq(as.uri.user, user))
		display = as.display;
	write_own_name(t->w, display, user, &t->h->settings->locals[d->hop.local].advertise);
}

/* A caller who is named as a contact here is asserted by that name, too. False: he is not. */
static bool identity_contact_write(struct telling *t, struct bytes value)
{
	uint8_t space[DIALOG_TEXT_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct sip_name_addr as;

	if (!identity_is_contact(t->c, t->who) || leg_is_trunk(t->to) ||
	    t->to->dialog.hop.transport == SIP_INTER_SHARD || sip_name_addr_parse(&as, value))
		return false;
	dialog_write_display(&w, text_bytes(&t->c->display));
	writer_str(&w, "<");
	writer_bytes(&w, as.uri.all);
	writer_str(&w, ">");
	if (!w.overflow)
		identity_line_write(t, BYTES_LIT("P-Asserted-Identity"), writer_done(&w));
	return !w.overflow;
}

/* RFC 3325 5: not sent to an untrusted side if the party wants privacy. */
static void identity_asserted_write(struct telling *t)
{
	struct bytes lines = lines_of(t->who), value;
	unsigned i = 0;

	if (!identity_tells(&t->policy, CARRIED_ASSERTED) || (t->hidden && !t->policy.trusted))
		return;
	/* outside it has another number than here */
	if (t->shows.n ||
	    (leg_is_trunk(t->to) && is_of_ours(t->h, t->c, text_bytes(&t->who->user))))
		lines = (struct bytes){ 0 };
	for (; carried_find(lines, CARRIED_ASSERTED, i, &value); i++) {
		if (!identity_contact_write(t, value))
			identity_line_write(t, BYTES_LIT("P-Asserted-Identity"), value);
	}
	if (i == 0)
		identity_own_user_write(t);
}

/* Privacy that we have applied ourselves is not requested again; a trusted side is told what it
 * must hide. */
static void identity_privacy_write(struct telling *t)
{
	struct bytes value;

	if (!t->shows.n && t->policy.trusted && identity_tells(&t->policy, CARRIED_PRIVACY) &&
	    !t->c->emergency && carried_find(lines_of(t->who), CARRIED_PRIVACY, 0, &value))
		identity_line_write(t, BYTES_LIT("Privacy"), value);
}

static void identity_others_write(struct telling *t)
{
	struct bytes lines = lines_of(t->who);
	struct carried_line line;

	while (carried_next(&lines, &line)) {
		if (line.kind < CARRIED_UUI || line.kind == CARRIED_NUMBER ||
		    !identity_tells(&t->policy, line.kind))
			continue;
		if (line.kind == CARRIED_EXTRA && !identity_has_extra(t->policy.extra, line.name))
			continue;
		writer_bytes(t->w, line.all);
	}
}

/* Data that the caller entered goes along: to phones of a tenant with that setting, unless he
 * already sent such a header. */
static void identity_data_write(struct telling *t)
{
	struct bytes data = text_bytes(&t->c->data), said;

	if (!data.n || !is_of_ours(t->h, t->c, text_bytes(&t->to->user)) ||
	    !tenants_terms(t->h->settings->tenants, t->c->tenant)->user_to_user ||
	    carried_find(lines_of(t->who), CARRIED_UUI, 0, &said))
		return;
	writer_str(t->w, "User-to-User: ");
	writer_hex(t->w, data);
	writer_str(t->w, ";encoding=hex\r\n");
}

void identity_write_peer(struct writer *w, const struct call_host *h, const struct call *c,
			 uint8_t leg, uint8_t by)
{
	struct telling t;

	if (!telling_open(&t, w, h, c, leg, by))
		return;
	identity_asserted_write(&t);
	identity_privacy_write(&t);
}

void identity_write_request(struct writer *w, const struct call_host *h, const struct call *c,
			    uint8_t leg)
{
	uint8_t asker = c->legs[leg]->uac->from;
	struct telling t;

	if (asker == leg)
		asker = bridge_peer(c, leg);
	if (!telling_open(&t, w, h, c, leg, asker))
		return;
	identity_asserted_write(&t);
	identity_privacy_write(&t);
	if (c->legs[leg]->state != LEG_EARLY)
		return;
	identity_others_write(&t);
	identity_data_write(&t);
}

/* Where an administrator says that its phone stands: more than a phone can know. */
static int conveyed_from_site(struct call_host *h, const struct call *c, struct leg *l,
			      const struct site *site)
{
	const struct addr *own = &h->settings->locals[l->dialog.hop.local].advertise;
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct bytes user = site->caller_id[0] ? bytes_str(site->caller_id) : text_bytes(&l->user);
	char host[ADDR_TEXT_MAX];

	civic_write_pidf(&w, &site->civic, user, bytes_str(addr_text(own, host)));
	LOG_INFO("call", c->id, "an emergency call says where its caller is",
		 LOG_U64("location", site->id));
	if (text_set(&l->pidf, writer_done(&w)))
		return -ENOMEM;
	return text_set(&l->callback, bytes_str(site->caller_id));
}

int conveyed_on_invite(struct call_host *h, struct call *c, const struct call_start *s)
{
	struct leg *l = call_caller(c);
	struct identity_policy p = identity_of(h, l);
	const struct site *site =
		s->location ? sites_find(h->settings->sites, c->tenant, s->location) : NULL;

	if (site)
		return conveyed_from_site(h, c, l, site);
	if (s->location)
		LOG_WARN("call", c->id, "no such location: see location.put",
			 LOG_U64("location", s->location));

	return identity_takes(&p, CARRIED_GEOLOCATION) ? text_set(&l->pidf, pidf_of(s->invite)) : 0;
}

/* The leg that it is invited for, if its location may be conveyed; or NULL. */
static const struct leg *pidf_teller(const struct call_host *h, const struct call *c, uint8_t leg)
{
	const struct leg *to = c->legs[leg], *who = call_leg(c, to->uac->from);
	struct identity_policy p = identity_of(h, to);

	if (!who || who == to || to->state != LEG_EARLY || !identity_tells(&p, CARRIED_GEOLOCATION))
		return NULL;
	return who;
}

bool conveyed_write(struct writer *lines, struct writer *body, const struct call_host *h,
		    const struct call *c, uint8_t leg)
{
	const struct leg *who = pidf_teller(h, c, leg);
	struct bytes pidf = who ? text_bytes(&who->pidf) : (struct bytes){ 0 }, said;
	char name[ID_TEXT_LEN];
	struct bytes id = bytes_mem(name, sizeof(name));

	if (!pidf.n)
		return false;
	id_call_put(name, c->id);
	pidf_write_body(body, id, text_bytes(&c->legs[leg]->open.local), pidf);
	if (body->overflow) /* the call proceeds without it */
		return false;
	pidf_write_header(lines, id);
	if (c->emergency && !carried_find(text_bytes(&who->carried), CARRIED_ROUTING, 0, &said))
		writer_str(lines, "Geolocation-Routing: yes\r\n"); /* RFC 6442 4.2 */
	return true;
}

#define NOBODY "sip:anonymous@anonymous.invalid"

struct way {
	struct writer *w;
	const struct call_host *h;
	const struct call *c;
	const struct leg *to;
	const struct plan *plan;
	uint8_t first;       /* the first callee of those that lead to the last step */
	struct bytes before; /* the history before this call */
	bool verbatim;       /* its addresses, too */
	bool trusted;
	bool hidden; /* the caller wants all of it hidden */
	char own[ADDR_TEXT_MAX + 1];
};

/* Numbers of the inside are told to no trunk. */
static void write_uri(const struct way *y, uint8_t step)
{
	struct bytes number;

	if (!identity_of_sent_on(y->h, y->c, y->to, &y->plan->steps[step], &number)) {
		writer_str(y->w, "<" NOBODY);
		return;
	}
	writer_str(y->w, "<sip:");
	writer_bytes(y->w, number);
	WRITER_TEXTS(y->w, "@", y->own);
}

static void write_before(const struct way *y, struct bytes value)
{
	if (y->verbatim)
		writer_bytes(y->w, value);
	else
		carried_write_hidden(y->w, value, bytes_str(y->own));
}

/* ---- Diversion: the newest first (RFC 5806 4) ---- */

static void write_own_diversions(const struct way *y)
{
	const struct plan *p = y->plan;

	if (!p->count)
		return;
	for (uint8_t i = p->count - 1, by; (by = p->steps[i].from) != PLAN_FIRST; i = by) {
		writer_str(y->w, "Diversion: ");
		write_uri(y, by);
		WRITER_TEXTS(y->w, ">;reason=", plan_why_reason((enum plan_why)p->steps[i].why),
			     ";counter=1\r\n");
	}
}

static void write_diversion_before(const struct way *y, unsigned i, const struct diversion *d)
{
	struct bytes value;

	writer_str(y->w, "Diversion: ");
	if (carried_find(y->before, CARRIED_DIVERSION, i, &value)) {
		write_before(y, value);
	} else {
		writer_str(y->w, "<");
		write_before(y, d->who);
		WRITER_TEXTS(y->w, ">;reason=", d->reason, ";counter=1");
	}
	writer_str(y->w, "\r\n");
}

static void write_diversions_before(const struct way *y)
{
	struct diversion d;

	for (unsigned i = 0; diversion_get(y->before, i, &d); i++) {
		if (y->trusted || (!d.hidden && !y->hidden))
			write_diversion_before(y, i, &d);
	}
}

/* ---- History-Info: the oldest first (RFC 7044 5) ---- */

/* RFC 7044 10.3: "1.2" is the second target that "1" was diverted to. root: of the user called
 * here. */
static void write_index(const struct way *y, struct bytes root, uint8_t step)
{
	const struct plan *p = y->plan;
	uint8_t path[PLAN_DEPTH_MAX + 1], depth = 0;

	for (; p->steps[step].from != PLAN_FIRST && depth <= PLAN_DEPTH_MAX;
	     step = p->steps[step].from) {
		path[depth] = 1;
		for (uint8_t i = 0; i < step; i++)
			path[depth] =
				(uint8_t)(path[depth] + (p->steps[i].from == p->steps[step].from &&
							 !plan_is_again(p, i + 1)));
		depth++;
	}
	writer_bytes(y->w, root);
	while (depth--)
		writer_fmt(y->w, ".%u", path[depth]);
}

/* Why the user of that step did not take the call; PLAN_WHYS: it is not known. */
static enum plan_why sent_on(const struct plan *p, uint8_t step)
{
	for (uint8_t i = step + 1; i < p->count; i++) {
		if (p->steps[i].from == step)
			return (enum plan_why)p->steps[i].why;
	}
	return PLAN_WHYS;
}

/* The Reason stands with the user it is about. cause: why the call was diverted to him. */
static void write_step(const struct way *y, struct bytes root, uint8_t i, const char *cause)
{
	enum plan_why why = sent_on(y->plan, i);

	if (y->hidden && !y->trusted)
		writer_str(y->w, "<" NOBODY);
	else
		write_uri(y, i);
	if (cause)
		WRITER_TEXTS(y->w, ";cause=", cause);
	if (why != PLAN_WHYS)
		WRITER_TEXTS(y->w, "?Reason=SIP%3Bcause%3D", plan_why_cause(why));
	writer_str(y->w, ">;index=");
	write_index(y, root, i);
	if (i != y->first) {
		writer_str(y->w, ";mp=");
		write_index(y, root, y->plan->steps[i].from);
	}
}

/* RFC 7044 10.1.2: its place stays, its name goes. */
static void write_history_entry(const struct way *y, const struct history *e)
{
	if (y->trusted || (!e->hidden && !y->hidden)) {
		write_before(y, e->value);
		return;
	}
	writer_str(y->w, "<" NOBODY ">;");
	writer_bytes(y->w, e->params);
}

/* The start of the plan, behind the history before. */
struct root {
	uint8_t space[CARRIED_INDEX_MAX + 4];
	struct writer index; /* of the user called here */
	bool named;          /* ... it is listed already */
	const char *cause;   /* why it was diverted to him; NULL: unknown */
	unsigned entries;
};

static struct bytes root_above(const struct root *r)
{
	return bytes_sub(r->index.p ? writer_done(&r->index) : (struct bytes){ 0 }, 0,
			 r->index.n > 2 ? r->index.n - 2 : 0);
}

static bool is_first_step(const struct way *y, struct bytes uri_text)
{
	struct sip_uri uri;

	return y->plan->count && !sip_uri_parse(&uri, uri_text) &&
	       bytes_eq(uri.user, text_bytes(&y->plan->steps[y->first].user));
}

static void root_of_history(const struct way *y, struct root *r)
{
	struct history e;

	for (; history_get(y->before, r->entries, &e); r->entries++) {
		if (r->entries)
			writer_str(y->w, ", ");
		write_history_entry(y, &e);
		r->index.n = 0;
		writer_bytes(&r->index, e.index);
		r->named = is_first_step(y, e.uri);
	}
	if (!r->named)
		writer_str(&r->index, ".1");
}

static void write_converted(const struct way *y, const struct root *r, const struct diversion *d)
{
	writer_str(y->w, r->entries ? ", <" : "<");
	if (y->trusted || (!d->hidden && !y->hidden))
		write_before(y, d->who);
	else
		writer_str(y->w, NOBODY);
	if (r->cause)
		WRITER_TEXTS(y->w, ";cause=", r->cause);
	writer_str(y->w, ">;index=");
	writer_bytes(y->w, writer_done(&r->index));
	if (!r->entries)
		return;
	writer_str(y->w, ";mp=");
	writer_bytes(y->w, root_above(r));
}

/* RFC 7544: each one below the one before it. */
static void root_of_diversions(const struct way *y, struct root *r)
{
	struct diversion d;
	unsigned count = 0;

	while (diversion_get(y->before, count, &d))
		count++;
	while (count--) {
		(void)diversion_get(y->before, count, &d);
		write_converted(y, r, &d);
		writer_str(&r->index, ".1");
		r->cause = d.cause;
		r->entries++;
	}
}

/* The first callee of those that lead to that step: of a flow there may be several. */
static uint8_t step_root(const struct plan *p, uint8_t step)
{
	while (step < p->count && (p->steps[step].from != PLAN_FIRST || plan_is_again(p, step)))
		step = p->steps[step].from != PLAN_FIRST ? p->steps[step].from
							 : (uint8_t)(step - 1);
	return step;
}

static void write_steps(const struct way *y, const struct root *r)
{
	for (uint8_t i = y->first + r->named; i < y->plan->count; i++) {
		if (plan_is_again(y->plan, i) || step_root(y->plan, i) != y->first)
			continue;
		if (i != y->first || r->entries)
			writer_str(y->w, ", ");
		write_step(y, writer_done(&r->index), i, i != y->first ? NULL : r->cause);
		if (i == y->first && r->cause) {
			writer_str(y->w, ";mp=");
			writer_bytes(y->w, root_above(r));
		}
	}
}

static void write_history(const struct way *y)
{
	struct root r = { .entries = 0 };
	struct bytes any;

	r.index = writer_over(r.space, sizeof(r.space));
	writer_str(&r.index, carried_find(y->before, CARRIED_HISTORY, 0, &any) ? "" : "1");
	writer_str(y->w, "History-Info: ");
	if (r.index.n)
		root_of_diversions(y, &r);
	else
		root_of_history(y, &r);
	write_steps(y, &r);
	writer_str(y->w, "\r\n");
}

static bool is_sent_on_once(const struct plan *p)
{
	return p->count && p->steps[p->count - 1].from != PLAN_FIRST;
}

void diverted_write_lines(struct writer *w, const struct call_host *h, const struct call *c,
			  uint8_t leg)
{
	const struct leg *l = c->legs[leg], *asker = c->legs[l->uac->from];
	struct identity_policy policy = identity_of(h, l);
	struct way y = { .w = w,
			 .h = h,
			 .c = c,
			 .to = l,
			 .plan = &c->plan,
			 .first = step_root(&c->plan, c->plan.count ? c->plan.count - 1 : 0),
			 .before = text_bytes(&asker->carried) };
	struct writer own = writer_over(y.own, sizeof(y.own) - 1);
	struct diversion any;
	struct history entry;

	if (l->state != LEG_EARLY || leg == c->bridge.caller ||
	    (!is_sent_on_once(&c->plan) && !diversion_get(y.before, 0, &any) &&
	     !history_get(y.before, 0, &entry)))
		return;
	addr_write(&own, &h->settings->locals[l->dialog.hop.local].advertise);
	y.verbatim = l->dialog.hop.transport == SIP_INTER_SHARD;
	y.trusted = policy.trusted;
	y.hidden = !c->emergency && privacy_hides_history(carried_privacy(y.before));
	if (identity_tells(&policy, CARRIED_DIVERSION)) {
		write_own_diversions(&y);
		write_diversions_before(&y);
	}
	if (identity_tells(&policy, CARRIED_HISTORY))
		write_history(&y);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/identity.h"

#include "sig/dial/pattern.h"
#include "sig/host/trunk_route.h"
#include "sig/identity/carried_value.h"
#include "sig/leg/leg.h"
#include "sig/model/leg_trunk.h"
#include "sig/sip/subscriber.h"

struct identity_policy identity_of(const struct call_host *h, const struct leg *leg)
{
	return h->identity_of ? h->identity_of(h->owner, leg) : identity_of_phone(NULL);
}

static struct bytes lines_of(const struct leg *leg)
{
	return leg ? text_bytes(&leg->carried) : (struct bytes){ 0 };
}

/* ---- what is believed ---- */

static bool is_of_ours(const struct call_host *h, const struct call *c, struct bytes user)
{
	return user.n && (!h->extension_of || h->extension_of(h->owner, c->tenant, user));
}

static void write_own_name(struct writer *w, struct bytes display, struct bytes user,
			   const struct addr *host)
{
	writer_str(w, "P-Asserted-Identity: ");
	dialog_write_name(w, display, user, host);
	writer_str(w, "\r\n");
}

/* From now on its From is anonymous wherever the call goes: who it is would be lost. */
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

/* From outside nobody speaks for an extension. */
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

int identity_begin(struct call_host *h, struct call *c, const struct call_start *s)
{
	uint8_t space[CARRIED_MAX];
	struct writer taken = writer_over(space, sizeof(space));
	struct writer w = writer_over(h->extra, HOST_EXTRA);
	struct leg *l = call_caller(c);
	struct identity_policy p = identity_of(h, l);

	carried_take(&taken, s->invite, &p, &s->self);
	if (claims_ours(h, c, l, writer_done(&taken))) {
		p.takes &= (uint16_t) ~(1U << CARRIED_ASSERTED);
		taken.n = 0;
		carried_take(&taken, s->invite, &p, &s->self);
	}
	if (!s->anonymous && !privacy_hides_name(carried_privacy(writer_done(&taken))))
		return text_set(&l->carried, writer_done(&taken));
	write_hidden(&w, h, l, s, writer_done(&taken));
	return keep_hidden(l, writer_done(&w));
}

void identity_learn(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m)
{
	struct writer w = writer_over(h->extra, HOST_EXTRA);
	struct leg *l = c->legs[leg];
	struct identity_policy p = identity_of(h, l);
	struct bytes value;

	if (!message_header(m, "P-Asserted-Identity", 0, &value) &&
	    !message_header(m, "Privacy", 0, &value))
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

/* What an extension has asked to be shown as, where it may; else what is chosen for it. Empty: nothing is. */
static struct bytes number_chosen(const struct call_host *h, const struct call *c,
				  const struct leg *who)
{
	const struct shard_forward *f =
		h->forward_of ? h->forward_of(h->owner, c->tenant, text_bytes(&who->user)) : NULL;
	struct bytes wish;

	if (f && carried_number(lines_of(who), &wish) &&
	    bytes_list_has(bytes_str(f->outside_numbers), wish))
		return wish;
	return bytes_str(f ? f->outside_number : NULL);
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
	const struct shard_forward *f =
		h->forward_of ? h->forward_of(h->owner, c->tenant, user) : NULL;
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

/* Whoever calls back does so by the trunk by which the call came (CALL-39): with its access code in front. */
static void number_with_access(const struct call_host *h, const struct leg *asker,
			       struct bytes *shown, char space[IDENTITY_SHOWN_MAX])
{
	const struct trunk_settings *set = trunks_settings(h->settings->trunks, asker->channel);
	struct writer w = writer_over(space, IDENTITY_SHOWN_MAX);

	if (!set || !set->access[0] || !leg_is_trunk(asker) || asker->called)
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

void identity_of_asker(const struct call_host *h, const struct call *c, const struct leg *leg,
		       struct dialog_party *party, char space[IDENTITY_SHOWN_MAX])
{
	const struct leg *asker = c->legs[leg->uac->from];

	if (leg_is_trunk(leg))
		number_outside(h, c, leg, asker, &party->local_user);
	else if (leg->user.n && party->hop.transport != SIP_INTER_SHARD)
		number_with_access(h, asker, &party->local_user, space);
	if (party->hop.transport == SIP_INTER_SHARD || !identity_is_hidden(c, asker))
		return;
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
	bool hidden;                 /* who is not to be named */
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
	t->hidden = identity_is_hidden(c, t->who);
	return true;
}

static void tell_line(struct telling *t, struct bytes name, struct bytes value)
{
	writer_bytes(t->w, name);
	writer_str(t->w, ": ");
	if (t->to->dialog.hop.transport == SIP_INTER_SHARD)
		writer_bytes(t->w, value);
	else
		carried_write_hidden(t->w, value, bytes_str(t->own));
	writer_str(t->w, "\r\n");
}

/* Who was not asserted by a peer is so by us where he is of ours: he has shown his password, or was called by his number. */
static void tell_own_user(struct telling *t)
{
	struct bytes user = text_bytes(&t->who->user);
	const struct dialog *d = &t->to->dialog;
	struct sip_name_addr as;
	struct bytes display = { 0 };

	if (!is_of_ours(t->h, t->c, user))
		return;
	if (leg_is_trunk(t->to))
		number_outside(t->h, t->c, t->to, t->who, &user);
	if (!sip_name_addr_parse(&as, text_bytes(&d->local)) && bytes_eq(as.uri.user, user))
		display = as.display;
	write_own_name(t->w, display, user, &t->h->settings->locals[d->hop.local].advertise);
}

/* RFC 3325 5: not to who is not trusted, where the party wants to be hidden. */
static void tell_asserted(struct telling *t)
{
	struct bytes lines = lines_of(t->who), value;
	unsigned i = 0;

	if (!identity_tells(&t->policy, CARRIED_ASSERTED) || (t->hidden && !t->policy.trusted))
		return;
	/* outside it has another number than here */
	if (leg_is_trunk(t->to) && is_of_ours(t->h, t->c, text_bytes(&t->who->user)))
		lines = (struct bytes){ 0 };
	for (; carried_find(lines, CARRIED_ASSERTED, i, &value); i++)
		tell_line(t, BYTES_LIT("P-Asserted-Identity"), value);
	if (i == 0)
		tell_own_user(t);
}

/* What we have hidden ourselves is not asked of others; who is trusted is told what it must hide. */
static void tell_privacy(struct telling *t)
{
	struct bytes value;

	if (t->policy.trusted && identity_tells(&t->policy, CARRIED_PRIVACY) && !t->c->emergency &&
	    carried_find(lines_of(t->who), CARRIED_PRIVACY, 0, &value))
		tell_line(t, BYTES_LIT("Privacy"), value);
}

static void tell_others(struct telling *t)
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

void identity_write_peer(struct writer *w, const struct call_host *h, const struct call *c,
			 uint8_t leg, uint8_t by)
{
	struct telling t;

	if (!telling_open(&t, w, h, c, leg, by))
		return;
	tell_asserted(&t);
	tell_privacy(&t);
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
	tell_asserted(&t);
	tell_privacy(&t);
	if (c->legs[leg]->state == LEG_EARLY)
		tell_others(&t);
}

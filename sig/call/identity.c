/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/identity.h"

#include "sig/identity/carried_value.h"
#include "sig/leg/leg.h"

struct identity_policy identity_of(const struct call_host *h, const struct leg *leg)
{
	return h->identity_of ? h->identity_of(h->owner, leg) : identity_of_phone(NULL);
}

static struct bytes lines_of(const struct leg *leg)
{
	return leg ? text_bytes(&leg->carried) : (struct bytes){ 0 };
}

/* ---- what is believed ---- */

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

int identity_begin(struct call_host *h, struct call *c, const struct call_start *s)
{
	uint8_t space[CARRIED_MAX];
	struct writer taken = writer_over(space, sizeof(space));
	struct writer w = writer_over(h->extra, HOST_EXTRA);
	struct leg *l = call_caller(c);
	struct identity_policy p = identity_of(h, l);

	carried_take(&taken, s->invite, &p, &s->self);
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
	if (!bytes_eq(writer_done(&w), lines_of(l)) && carried_is_valid(writer_done(&w)) &&
	    !text_set(&l->carried, writer_done(&w)))
		outbox_touch(&c->out);
}

/* ---- what is told ---- */

bool identity_is_hidden(const struct call *c, const struct leg *leg)
{
	return !c->emergency && privacy_hides_name(carried_privacy(lines_of(leg)));
}

void identity_of_asker(const struct call *c, uint8_t asker, struct dialog_party *party)
{
	if (party->hop.transport == SIP_CELL || !identity_is_hidden(c, c->legs[asker]))
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
	if (t->to->dialog.hop.transport == SIP_CELL)
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

	if (!user.n || (t->h->extension_of && !t->h->extension_of(t->h->owner, t->c->tenant, user)))
		return;
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

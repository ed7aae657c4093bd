/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/diverted.h"

#include "sig/call/identity.h"
#include "sig/call/plan.h"
#include "sig/identity/carried_value.h"
#include "sig/identity/diversion.h"

#define NOBODY "sip:anonymous@anonymous.invalid"

struct way {
	struct writer *w;
	const struct call_host *h;
	const struct call *c;
	const struct leg *to;
	const struct plan *plan;
	struct bytes before; /* what was said of the time before */
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

/* RFC 7044 10.3: "1.2" is the second place where "1" was sent on to. root: of who was called here. */
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

/* The reason stands with whom it is about. cause: why it was sent to him. */
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
	if (i) {
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

/* Where the plan begins, behind what was said before. */
struct root {
	uint8_t space[CARRIED_INDEX_MAX + 4];
	struct writer index; /* of who was called here */
	bool named;          /* ... who stands there already */
	const char *cause;   /* why it was sent to him; NULL: nobody says */
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
	       bytes_eq(uri.user, text_bytes(&y->plan->steps[0].user));
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

static void write_steps(const struct way *y, const struct root *r)
{
	for (uint8_t i = r->named; i < y->plan->count; i++) {
		if (plan_is_again(y->plan, i))
			continue;
		if (i || r->entries)
			writer_str(y->w, ", ");
		write_step(y, writer_done(&r->index), i, i ? NULL : r->cause);
		if (i == 0 && r->cause) {
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
